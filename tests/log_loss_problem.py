"""A penalised log loss in plain NumPy, for the tests of the minimisers to compare with."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import sparse
from scipy.special import expit, log_softmax, softmax
from threadpoolctl import ThreadpoolController

from skneural.convex.preconditioned import PreconditionedMinimizer
from skneural.convex.preconditioning import preconditioner
from skneural.losses import LOSSES
from skneural.minimizers.history import EarlyStopping, History
from skneural.minimizers.run import Run, drive
from skneural.minimizers.state import Record, TrainingState
from skneural.network import dense_network
from skneural.objective import Objective

#: A possible decrease that is lost in the rounding of a value near one: where features are
#: large, the gradient has not come down to the tolerance by then.
LIMIT = 64 * np.finfo(np.float64).eps

#: Looking for the libraries takes longer than many a fit here.
POOLS = ThreadpoolController()
METHODS = ("L-BFGS-B", "Newton-CG")
N_ROWS, N_FEATURES = 150, 6
RNG = np.random.RandomState(0)
X = RNG.randn(N_ROWS, N_FEATURES)
LABELS = np.argmax(X[:, :3] + RNG.randn(N_ROWS, 3), axis=1)
WEIGHT = RNG.exponential(size=N_ROWS) * (np.arange(N_ROWS) % 7 != 2)
KINDS = {"dense": np.asarray, "csr": sparse.csr_matrix, "csc": sparse.csc_array}
#: Data on which plain gradients would crawl.
COLUMNS = {
    "ordinary": X,
    "scaled": X * np.array([1e-6, 1e6, 1e-3, 1.0, 1e3, 1e-1]),
    "shifted": X + 1e3,
    "nearly copies": X @ (np.ones((6, 6)) + 1e-2 * np.eye(6)),
    "copies, constants and zeros": X * [1, 1, 1, 1, 0, 0] + X[:, :1] * [0, 0, 0, 0, 1, 0] + 3,
}


class Listener:
    """Keeps the states after every iteration; asks to stop after one of them."""

    def __init__(self, run_of, stop_after=np.inf):
        self.states, self.run_of, self.stop_after = [], run_of, stop_after

    def epoch_begins(self):
        pass

    def epoch_ended(self):
        self.states.append(self.run_of().state)
        return self.states[-1].record.n_iter >= self.stop_after

    def training_ended(self):
        pass


class Training:
    """One fit: where it stands, why it ended, and the parameters after every iteration."""

    stop_reason = ""

    def __init__(self, state, max_iter, stop_after=np.inf, **options):
        self.listener = Listener(lambda: self.run, stop_after)
        # Full-batch minimisers have no patience.
        stopping = EarlyStopping(tol=0, n_iter_no_change=np.inf)
        self.run = Run(state, stopping, max_iter=max_iter, listener=self.listener, **options)

    def drive(self, minimizer):
        try:
            self.stop_reason = drive(minimizer, self.run)
        except KeyboardInterrupt:
            self.stop_reason = "interrupted"
            raise

    params = property(lambda self: self.run.state.params)
    loss = property(lambda self: self.run.state.record.loss)
    n_epochs = property(lambda self: self.run.n_iter)
    loss_curve = property(lambda self: self.run.state.record.history.column("loss"))
    path = property(lambda self: [state.params for state in self.listener.states])


def fresh(params):
    """The state that a fit of its own starts from: nothing is shared with other fits."""
    return TrainingState(params, record=Record(histories=(History(),)))


class Interrupting(Objective):
    """An objective that the user interrupts in one of its evaluations."""

    left = np.inf

    def value_and_gradient(self, *args):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return super().value_and_gradient(*args)


class Problem:
    """A penalised log loss, with its value and derivatives in plain NumPy."""

    def __init__(
        self, rows=X, n_outputs=1, *, weight=None, fit_intercept=True, alpha=1.0, dtype=np.float64
    ):
        self.dense = rows.toarray() if sparse.issparse(rows) else rows.astype(float)
        self.rows, self.weight, self.alpha, self.dtype = rows.astype(dtype), weight, alpha, dtype
        labels = LABELS[: len(self.dense)]
        self.y = ((labels == 1)[:, np.newaxis] if n_outputs == 1 else np.eye(3)[labels]) + 0.0
        self.network = dense_network((rows.shape[1], n_outputs), (), fit_intercept)
        self.objective = Interrupting(
            self.network,
            LOSSES["log_loss", "logistic" if n_outputs == 1 else "softmax"],
            alpha,
            len(self.dense),
            mean_weight=1.0 if weight is None else weight.mean(),
            dtype=dtype,
        )
        self.fit_intercept = fit_intercept
        self.s = np.ones(len(self.dense)) if weight is None else weight
        self.is_weight = np.arange(self.network.n_params) < self.network.n_penalised
        ones = np.ones((len(self.dense), int(fit_intercept)))
        self.tilde = np.hstack([self.dense, ones])

    def minimizer(self, kind, *, tol=1e-4, **options):
        return kind(
            self.objective,
            self.rows,
            self.y.astype(self.dtype),
            None if self.weight is None else self.weight.astype(self.dtype),
            tol,
            **options,
        )

    def run(self, kind, *, start=None, max_iter=200, **options):
        start = np.zeros(self.network.n_params) if start is None else np.array(start)
        self.training = Training(fresh(start.astype(self.dtype)), max_iter)
        with POOLS.limit(limits=1):  # on matrices as small as these, threads are in the way
            self.training.drive(self.minimizer(kind, **options))
        return self.training

    def raw(self, params):
        return self.tilde @ params.reshape(self.tilde.shape[1], -1)

    def value(self, params):
        raw = self.raw(params)
        if raw.shape[1] == 1:
            losses = np.logaddexp(0, np.where(self.y == 1, -raw, raw))[:, 0]
        else:
            losses = -np.sum(self.y * log_softmax(raw, axis=1), axis=1)
        penalty = 0.5 * self.alpha * np.sum(params[self.is_weight] ** 2)
        return (self.s @ losses + penalty) / self.s.sum()

    def probabilities(self, params):
        raw = self.raw(params)
        return expit(raw) if raw.shape[1] == 1 else softmax(raw, axis=1)

    def gradient(self, params):
        change = self.s[:, np.newaxis] * (self.probabilities(params) - self.y)
        slope = (self.tilde.T @ change).ravel() + self.alpha * params * self.is_weight
        return slope / self.s.sum()

    def hessian(self, params):
        p = self.probabilities(params)
        in_outputs = np.einsum("ik,kl->ikl", p, np.eye(p.shape[1])) - np.einsum("ik,il->ikl", p, p)
        t = self.tilde
        matrix = np.einsum("i,ij,ia,ikl->jkal", self.s, t, t, in_outputs, optimize=True)
        matrix = matrix.reshape(len(params), len(params)) + np.diag(self.alpha * self.is_weight)
        return matrix / self.s.sum()

    def possible_decrease(self, params):
        """Half the squared Newton decrement: how far above its minimum the objective is."""
        gradient, matrix = self.gradient(params), self.hessian(params)
        unit = 1 / np.sqrt(np.maximum(np.diag(matrix), 1e-300))
        gradient, matrix = gradient * unit, matrix * np.outer(unit, unit)
        return 0.5 * gradient @ np.linalg.lstsq(matrix, gradient, rcond=1e-12)[0]


def minimise(problem, method, *, separable=False, **options):
    """Run in whitened variables or, if separable, in those of a diagonal."""
    precondition = preconditioner(
        problem.network, problem.rows, problem.weight, problem.alpha, separable=separable
    )
    return problem.run(PreconditionedMinimizer, method=method, precondition=precondition, **options)


def assert_loss_curve(problem, training, resolution=1e-14):
    """One value for every iteration, that of its parameters, and none higher than the last."""
    curve = training.loss_curve
    assert len(curve) == training.n_epochs == len(training.path)
    tolerance = max(1e-10, 1e2 * resolution)
    values = [problem.value(params.astype(float)) for params in training.path]
    np.testing.assert_allclose(curve, values, rtol=tolerance)
    if curve:
        assert training.loss == curve[-1]
        np.testing.assert_array_equal(training.params, training.path[-1])
        assert np.max(np.diff([problem.value(np.zeros(len(training.params))), *curve])) <= (
            resolution * curve[0]
        )


def assert_optimum(problem, training, tol=1e-4):
    assert training.stop_reason == "converged"
    possible_decrease = problem.possible_decrease(training.params)
    # A softmax has more second derivatives than the variables know of.
    assert possible_decrease <= 0.05 * tol**2
    if possible_decrease > LIMIT:
        assert np.abs(problem.gradient(training.params)).max() <= 1.01 * tol


every_method = pytest.mark.parametrize("method", METHODS)
every_network = pytest.mark.parametrize(
    ("n_outputs", "fit_intercept"), list(product((1, 3), (True, False)))
)
