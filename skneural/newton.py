r"""Newton's method for the log loss of a network without hidden layers.

Each step goes to the minimum of the quadratic that has the objective's value, gradient g and
second derivative H at the present point,

.. math:: \theta \leftarrow \theta - t H^{-1} g,

with :math:`t = 1` unless that would not lower the objective by enough. Near the optimum the
number of right digits doubles with every step. Forming H costs n m^2 for m parameters, and
solving m^3: worth it for up to some thousand parameters.

The parameters are taken relative to the mean of the features, and for a softmax in a basis of
the directions that add up to zero over the classes: without an intercept of its own to shift,
and without the direction in which the loss is flat, H is as well conditioned as the data allow.

Source: S. Boyd and L. Vandenberghe, *Convex Optimization*, 2004, sections 9.2 (backtracking)
and 9.5.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.linalg

from skneural._arrays import FloatArray, Matrix, norm
from skneural.conditioning import sum_to_zero
from skneural.curvature import Coordinates, output_basis
from skneural.monitoring import Monitor
from skneural.objective import Objective
from skneural.quasi_newton import ROUNDING, is_flat, is_optimum
from skneural.training import Training

#: Share of the decrease that the gradient promises with which a step is content.
SUFFICIENT_DECREASE = 1e-4

#: Halvings of a step before giving up.
MOST_HALVINGS = 30


def minimize_newton(
    objective: Objective,
    training: Training,
    X: Matrix,
    y: FloatArray,
    sample_weight: FloatArray | None = None,
    *,
    monitor: Monitor,
    tol: float,
    max_iter: int,
) -> None:
    """Minimise the penalised log loss over all rows by Newton's method.

    Parameters
    ----------
    objective : Objective
        Of the log loss, for a network without hidden layers.
    training : Training
        Start and, updated in place, result. Its stop reason is 'singular' where the second
        derivative cannot be inverted; the parameters then are those reached so far.
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, n_outputs)
    sample_weight : ndarray of shape (n_samples,) or None, default=None
    monitor : Monitor
        Prints the iterations; its patience is not asked for.
    tol : float
        See the stopping rule of `skneural.quasi_newton`.
    max_iter : int

    Raises
    ------
    KeyboardInterrupt
        `training` holds the last whole iteration.
    """
    rows = (X, y, None if sample_weight is None else sample_weight[:, np.newaxis])
    sum_to_zero(objective.network, training.params)
    point = training.params.copy()
    basis = output_basis(objective.network.layer_sizes[-1])
    coordinates = Coordinates(objective, X, sample_weight, basis)
    monitor.begin(training.record)
    training.stop_reason = "max_iter"
    factor: _Factor | None = None
    try:
        value, gradient = objective.value_and_gradient(point, *rows)
        training.loss = value
        while training.n_epochs < max_iter:
            slope = coordinates.reduce(gradient)
            # The second derivative of the step before: near the optimum it hardly changes.
            if _is_over(training, factor, gradient, slope, tol):
                break
            monitor.begin_epoch()
            factor = _factorised(coordinates.hessian(training.params))
            if factor is None:
                training.stop_reason = "singular"
                break
            step = -factor.solve(slope)
            promised = -float(slope @ step)
            if promised <= np.finfo(point.dtype).eps * max(1, training.loss):
                training.stop_reason = "converged"  # the rest is rounding
                break
            direction = coordinates.expand(step)
            for halving in range(MOST_HALVINGS):
                length = 0.5**halving
                point[...] = training.params + length * direction
                value, gradient = objective.value_and_gradient(point, *rows)
                if value <= training.loss - SUFFICIENT_DECREASE * length * promised:
                    break
            else:
                negligible = ROUNDING * np.finfo(point.dtype).eps * max(1, training.loss)
                at_the_limit = promised <= negligible
                training.stop_reason = "converged" if at_the_limit else "no_progress"
                break
            training.params[...] = point
            training.loss = value
            training.n_epochs += 1
            monitor.end_epoch(
                training.n_epochs,
                value,
                training.params,
                training.record,
                gradient_norm=norm(gradient),
            )
            if monitor.is_asked_to_stop():
                training.stop_reason = "callback"
                break
        else:
            if is_flat(gradient, tol):
                training.stop_reason = "converged"
    except KeyboardInterrupt:
        training.stop_reason = "interrupted"
        raise
    finally:
        monitor.end()


class _Factor(NamedTuple):
    """A positive definite matrix, as ``diag(unit) @ L @ L.T @ diag(unit)``."""

    cholesky: FloatArray
    unit: FloatArray

    def solve(self, vector: FloatArray) -> FloatArray:
        # LAPACK itself: on small matrices, the checks around it would take longest.
        solution: FloatArray = scipy.linalg.lapack.dpotrs(
            self.cholesky, vector / self.unit, lower=True
        )[0]
        return solution / self.unit


def _factorised(matrix: FloatArray) -> _Factor | None:
    """The factors of a matrix, which is overwritten; None where it is singular."""
    # Features on different scales are no reason to be singular.
    unit = np.sqrt(np.diag(matrix))
    if not np.all(unit > 0):
        return None
    matrix /= unit
    matrix /= unit[:, np.newaxis]
    factor, status = scipy.linalg.lapack.dpotrf(matrix, lower=True, clean=False)
    if status != 0 or not np.min(np.diag(factor)) ** 2 > len(unit) * np.finfo(np.float64).eps:
        return None
    return _Factor(factor, unit)


def _is_over(
    training: Training,
    factor: _Factor | None,
    gradient: FloatArray,
    slope: FloatArray,
    tol: float,
) -> bool:
    if not np.isfinite(training.loss):
        training.stop_reason = "not_finite"
        return True
    if factor is None or not is_flat(gradient, tol):
        return False
    if is_optimum(gradient, 0.5 * float(slope @ factor.solve(slope)), tol):
        training.stop_reason = "converged"
        return True
    return False
