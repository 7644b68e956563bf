r"""L-BFGS in conditioned variables: the minimiser of logistic regression.

The variables are chosen anew from the second derivative whenever L-BFGS has filled its memory
once (see `skneural.conditioning`): what the memory has learned by then is known better from
the curvature at the point it has led to.

The objective is convex and the parameters mean the same throughout, so that the stopping rule
does not depend on the variables. A point is an optimum where

- no element of the gradient *in the parameters* is larger than `tol`, and
- the objective can fall by no more than about :math:`\text{tol}^2 / 100`: half the squared
  norm of the gradient in conditioned variables, where the second derivative is near the
  identity (half the squared Newton decrement; S. Boyd and L. Vandenberghe, *Convex
  Optimization*, 2004, section 9.5.1).

The gradient alone would promise little: where the features are small, it is small everywhere.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.optimize

from skneural._arrays import FloatArray, Matrix
from skneural.conditioning import Conditioning, sum_to_zero
from skneural.monitoring import Monitor
from skneural.objective import Objective
from skneural.training import Training

#: Pairs of vectors that L-BFGS remembers, and iterations between two choices of variables.
MEMORY = 10

#: Decrease of the objective, in units of the resolution of its dtype, that is none.
ROUNDING = 64


#: What is left to gain at the end, as a share of the square of the tolerance.
WORTH_STOPPING = 0.01


def is_optimum(gradient: FloatArray, possible_decrease: float, tol: float) -> bool:
    """The stopping rule of all minimisers that see a second derivative."""
    return bool(np.max(np.abs(gradient)) <= tol and possible_decrease <= WORTH_STOPPING * tol**2)


def minimize_conditioned_lbfgs(
    objective: Objective,
    training: Training,
    X: Matrix,
    y: FloatArray,
    sample_weight: FloatArray | None = None,
    *,
    condition: Callable[[FloatArray], Conditioning],
    monitor: Monitor,
    tol: float,
    max_iter: int,
) -> None:
    """Minimise a convex objective over all rows by L-BFGS, in conditioned variables.

    Parameters
    ----------
    objective : Objective
    training : Training
        Start and, updated in place, result.
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, n_outputs)
    sample_weight : ndarray of shape (n_samples,) or None, default=None
    condition : callable
        ``condition(params) -> Conditioning``.
    monitor : Monitor
        Prints the iterations; its patience is not asked for.
    tol : float
        See the stopping rule above.
    max_iter : int

    Raises
    ------
    KeyboardInterrupt
        `training` holds the last whole iteration.

    References
    ----------
    R. H. Byrd, P. Lu, J. Nocedal and C. Zhu, "A limited memory algorithm for bound
    constrained optimization", SIAM Journal on Scientific Computing 16, 1995.
    """
    sum_to_zero(objective.network, training.params)
    walk = _Walk(objective, training, X, y, sample_weight, monitor, tol)
    resolution = ROUNDING * np.finfo(training.params.dtype).eps
    training.stop_reason = "max_iter"
    monitor.begin(training.record)
    try:
        walk.start_in(condition(training.params))
        while not walk.is_over() and training.n_epochs < max_iter:
            loss_before = training.loss
            scipy.optimize.minimize(
                walk.evaluate,
                np.zeros(len(training.params)),
                method="L-BFGS-B",
                jac=True,
                callback=walk.end_iteration,
                options={
                    "maxiter": min(MEMORY, max_iter - training.n_epochs),
                    "maxcor": MEMORY,
                    "maxls": 50,
                    "gtol": 0,
                    "ftol": resolution,
                },
            )
            if walk.is_over():
                break
            negligible = resolution * max(1, training.loss)
            if loss_before - training.loss <= negligible:
                at_the_limit = walk.possible_decrease() <= negligible
                training.stop_reason = "converged" if at_the_limit else "no_progress"
                break
            if training.n_epochs < max_iter:
                walk.start_in(condition(training.params))
    except KeyboardInterrupt:
        training.stop_reason = "interrupted"
        raise
    finally:
        monitor.end()


class _Walk:
    """The evaluations and iterations of L-BFGS, in rounds that each have their own variables.

    The variables of a round say how far the parameters have moved since it started.
    """

    def __init__(
        self,
        objective: Objective,
        training: Training,
        X: Matrix,
        y: FloatArray,
        sample_weight: FloatArray | None,
        monitor: Monitor,
        tol: float,
    ) -> None:
        self.training = training
        self.monitor = monitor
        self.tol = tol
        self._objective = objective
        self._rows = (X, y, None if sample_weight is None else sample_weight[:, np.newaxis])
        self._point = training.params.copy()
        # SciPy computes in float64 whatever the network computes in.
        self._gradient: FloatArray = np.empty(len(self._point))
        self._evaluate_point()
        training.loss = objective.reported

    def start_in(self, conditioning: Conditioning) -> None:
        """Begin a round, in variables of its own, where the training stands."""
        self._conditioning = conditioning
        self._start = self.training.params.astype(np.float64)

    def evaluate(self, variables: FloatArray) -> tuple[float, FloatArray]:
        """Value, and gradient in the variables."""
        if variables.any():  # else the point is the last one of the round before
            self._point[...] = self._start + self._conditioning.step(variables)
            self._evaluate_point()
        return self._objective.reported, self._conditioning.gradient(self._gradient)

    def end_iteration(self, variables: FloatArray) -> None:
        """Take over the point that SciPy has evaluated last, and stop SciPy at an optimum."""
        training = self.training
        training.params[...] = self._point
        training.n_epochs += 1
        training.loss = self._objective.reported
        self.monitor.end_epoch(training.n_epochs, training.loss, training.params, training.record)
        if self.is_over():
            raise StopIteration

    def is_over(self) -> bool:
        """Whether the training stands at an optimum, or nowhere."""
        if not np.isfinite(self.training.loss):
            self.training.stop_reason = "not_finite"
            return True
        if is_optimum(self._gradient, self.possible_decrease(), self.tol):
            self.training.stop_reason = "converged"
            return True
        return False

    def possible_decrease(self) -> float:
        """How far the objective can still fall, as the conditioned gradient has it."""
        conditioned = self._conditioning.gradient(self._gradient)
        return 0.5 * float(np.dot(conditioned, conditioned))

    def _evaluate_point(self) -> None:
        self._objective.value_and_gradient(self._point, *self._rows)
        self._gradient[...] = self._objective.gradient
