r"""SciPy's minimisers in conditioned variables: how logistic regression finds its optimum.

L-BFGS builds up a picture of the second derivative from the gradients of its last steps. Here
the variables are chosen anew from the second derivative itself whenever its memory has been
filled once (see `skneural.conditioning`): what the memory has learned by then is known better
from the curvature at the point it has led to. Where the parameters are millions, that memory is
what costs most; then Newton's method with conjugate gradients does with a few vectors what
L-BFGS does with two dozen.

The objective is convex and the parameters mean the same throughout, so that the stopping rule
does not depend on the variables. A point is an optimum where

- no element of the gradient *in the parameters* is larger than `tol`, and
- the objective can fall by no more than about :math:`\text{tol}^2 / 100`: half the squared
  norm of the gradient in conditioned variables, where the second derivative is near the
  identity (half the squared Newton decrement; S. Boyd and L. Vandenberghe, *Convex
  Optimization*, 2004, section 9.5.1).

The gradient alone would promise little: where the features are small, it is small everywhere.
But where the iterations end before the second holds, the first alone is enough not to complain:
without a penalty, classes that can be told apart have no optimum to arrive at.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.optimize

from skneural._arrays import FloatArray, Matrix, in_single_precision, norm
from skneural.conditioning import (
    Conditioning,
    JointConditioning,
    joint_conditioner,
    sum_to_zero,
)
from skneural.curvature import HessianProduct
from skneural.monitoring import Monitor
from skneural.objective import Objective
from skneural.training import Training

#: Pairs of vectors that L-BFGS remembers, and iterations between two choices of variables.
MEMORY = 10

#: Parameters for which a whitening of all classes together waits one round more.
PARAMS_PER_ROUND = 250

#: What SciPy is told: to leave the decision about the end to us.
OPTIONS: dict[str, dict[str, float]] = {
    "L-BFGS-B": {"maxcor": MEMORY, "maxls": 50, "gtol": 0},
    "Newton-CG": {"xtol": 1e-300},  # some versions of SciPy take no step at all with 0
}

#: Decrease of the objective, in units of the resolution of its dtype, that is none.
ROUNDING = 64

#: What is left to gain at the end, as a share of the square of the tolerance.
WORTH_STOPPING = 0.01


def is_flat(gradient: FloatArray, tol: float) -> bool:
    """Whether no element of the gradient is larger than the tolerance."""
    return bool(np.max(np.abs(gradient)) <= tol)


def is_optimum(gradient: FloatArray, possible_decrease: float, tol: float) -> bool:
    """The stopping rule of all minimisers that see a second derivative."""
    return is_flat(gradient, tol) and possible_decrease <= WORTH_STOPPING * tol**2


def minimize_conditioned(
    objective: Objective,
    training: Training,
    X: Matrix,
    y: FloatArray,
    sample_weight: FloatArray | None = None,
    *,
    method: str = "L-BFGS-B",
    condition: Callable[[FloatArray], Conditioning],
    monitor: Monitor,
    tol: float,
    max_iter: int,
) -> None:
    """Minimise a convex objective over all rows, in conditioned variables.

    Parameters
    ----------
    objective : Objective
    training : Training
        Start and, updated in place, result.
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, n_outputs)
    sample_weight : ndarray of shape (n_samples,) or None, default=None
    method : {'L-BFGS-B', 'Newton-CG'}, default='L-BFGS-B'
        Which of SciPy's. The second is for the log loss of a network without hidden layers.
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
    - R. H. Byrd, P. Lu, J. Nocedal and C. Zhu, "A limited memory algorithm for bound
      constrained optimization", SIAM Journal on Scientific Computing 16, 1995.
    - J. Nocedal and S. J. Wright, *Numerical Optimization*, second edition, 2006, section 7.1
      (Newton-CG).
    """
    sum_to_zero(objective.network, training.params)
    joint = joint_conditioner(objective, X, sample_weight) if method == "L-BFGS-B" else None
    # What has taken two rounds deserves the whole second derivative; the larger, the later.
    joint_from = MEMORY * (2 + objective.network.n_params // PARAMS_PER_ROUND)
    training.stop_reason = "max_iter"
    monitor.begin(training.record)
    try:
        walk = _Walk(objective, training, X, y, sample_weight, monitor, tol)
        options = OPTIONS[method] | ({"ftol": walk.resolution} if method == "L-BFGS-B" else {})
        walk.start_in(condition(training.params))
        while not walk.is_over() and training.n_epochs < max_iter:
            loss_before = training.loss
            n_iterations = min(MEMORY, max_iter - training.n_epochs)
            scipy.optimize.minimize(
                walk.evaluate,
                np.zeros(walk.n_variables),
                method=method,
                jac=True,
                hessp=walk.curvature_times if method == "Newton-CG" else None,
                callback=walk.end_iteration,
                options={"maxiter": n_iterations, **options},
            )
            if walk.is_over():
                break
            if loss_before - training.loss <= walk.negligible:
                at_the_limit = walk.possible_decrease() <= walk.negligible
                training.stop_reason = "converged" if at_the_limit else "no_progress"
                break
            if training.n_epochs < max_iter:
                is_hard = training.n_epochs >= joint_from
                walk.start_in((joint if joint and is_hard else condition)(training.params))
        if training.stop_reason == "max_iter" and walk.is_flat():
            training.stop_reason = "converged"
    except KeyboardInterrupt:
        training.stop_reason = "interrupted"
        raise
    finally:
        monitor.end()


class _Walk:
    """The evaluations and iterations of a minimiser, in rounds that have variables of their own.

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
        self.resolution = ROUNDING * float(np.finfo(training.params.dtype).eps)
        self._objective = objective
        self._rows = (X, y, None if sample_weight is None else sample_weight[:, np.newaxis])
        self._single: Matrix | None = None
        self._point = training.params.copy()
        # SciPy computes in float64 whatever the network computes in.
        self._gradient: FloatArray = np.empty(len(self._point))
        self._gradient_tried: FloatArray = np.empty(len(self._point))
        training.loss = self._evaluate_point(self._gradient)

    def start_in(self, conditioning: Conditioning | JointConditioning) -> None:
        """Begin a round, in variables of its own, where the training stands."""
        self._conditioning: Conditioning | JointConditioning = conditioning
        self._curvature: HessianProduct | None = None
        self._conditioned = conditioning.gradient(self._gradient)
        self._start = self.training.params.astype(np.float64)

    @property
    def n_variables(self) -> int:
        """How many variables this round has."""
        return self._conditioning.n_variables

    @property
    def negligible(self) -> float:
        """A change of the objective that is rounding."""
        return self.resolution * max(1.0, self.training.loss)

    def evaluate(self, variables: FloatArray) -> tuple[float, FloatArray]:
        """Value, and gradient in the variables."""
        if not variables.any():  # where the round before has ended
            return self.training.loss, self._conditioned
        self.monitor.begin_epoch()
        self._point[...] = self._start + self._conditioning.step(variables)
        self._value_tried = self._evaluate_point(self._gradient_tried)
        self._conditioned_tried = self._conditioning.gradient(self._gradient_tried)
        return self._value_tried, self._conditioned_tried

    def curvature_times(self, variables: FloatArray, direction: FloatArray) -> FloatArray:
        """Product of the second derivative where the training stands with a direction."""
        if self._curvature is None:
            X, _, weight = self._rows
            if self._single is None:
                # The gradient says where the optimum is; the way there need not be so exact.
                self._single = in_single_precision(X)
            self._curvature = HessianProduct(
                self._objective,
                self.training.params,
                self._single,
                None if weight is None else weight[:, 0],
            )
        step = self._conditioning.step(direction)
        return self._conditioning.gradient(self._curvature.times(step))

    def end_iteration(self, variables: FloatArray) -> None:
        """Go to the point that SciPy has evaluated last, and stop SciPy at an optimum."""
        training = self.training
        if self._value_tried > training.loss + self.negligible:
            raise StopIteration  # a line search that has lost its way in rounding
        self._curvature = None
        training.params[...] = self._point
        training.loss = self._value_tried
        training.n_epochs += 1
        self._gradient, self._gradient_tried = self._gradient_tried, self._gradient
        self._conditioned = self._conditioned_tried
        self.monitor.end_epoch(
            training.n_epochs,
            training.loss,
            training.params,
            training.record,
            gradient_norm=norm(self._gradient),
        )
        if self.monitor.is_asked_to_stop():
            self.training.stop_reason = "callback"
        if self.is_over():
            raise StopIteration

    def is_over(self) -> bool:
        """Whether the training stands at an optimum, or nowhere, or has been asked to stop."""
        if self.training.stop_reason == "callback":
            return True
        if not np.isfinite(self.training.loss):
            self.training.stop_reason = "not_finite"
            return True
        if is_optimum(self._gradient, self.possible_decrease(), self.tol):
            self.training.stop_reason = "converged"
            return True
        return False

    def is_flat(self) -> bool:
        """Whether at least the gradient is as small as it should be."""
        return is_flat(self._gradient, self.tol)

    def possible_decrease(self) -> float:
        """How far the objective can still fall: as the gradient has it, and never below zero."""
        estimate = 0.5 * float(np.dot(self._conditioned, self._conditioned))
        return min(estimate, self.training.loss)

    def _evaluate_point(self, gradient: FloatArray) -> float:
        self._objective.value_and_gradient(self._point, *self._rows)
        gradient[...] = self._objective.gradient
        return self._objective.reported
