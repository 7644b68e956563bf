r"""Newton's method for the log loss of a network without hidden layers.

Each step goes to the minimum of the quadratic that has the objective's value, gradient g and
Hessian H at the present point,

.. math:: \theta \leftarrow \theta - t H^{-1} g,

with :math:`t = 1` unless that would not lower the objective by enough. Near the optimum the
number of right digits doubles with every step. Forming H costs n m^2 for m parameters, and
solving m^3, which is affordable for up to some thousand parameters.

The parameters are taken relative to the mean of the features, and for a softmax in a basis of
the directions that add up to zero over the classes: without an intercept of its own to shift,
and without the direction in which the loss is flat, H is as well conditioned as the data allow.

Source: S. Boyd and L. Vandenberghe, *Convex Optimization*, 2004, sections 9.2 (backtracking)
and 9.5.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.linalg

from skneural.arrays.matrices import FloatArray, Matrix, norm
from skneural.convex.curvature import Coordinates, output_basis
from skneural.convex.linear import sum_to_zero
from skneural.convex.preconditioned import PreconditionedMinimizer
from skneural.convex.stopping import (
    is_flat,
    is_low,
    is_nearer,
    is_small,
    negligible_decrease,
)
from skneural.minimizers.changed import changed
from skneural.minimizers.run import Run
from skneural.objective import Objective

#: Share of the decrease that the gradient promises which a step has to achieve (Armijo's rule).
SUFFICIENT_DECREASE = 1e-4

#: Halvings of a step before the line search gives up.
MAX_HALVINGS = 30

#: How many units in the last place a column of a Hessian that follows from the others may be off.
ROUNDED = 10

#: What the state of a training says of who has written it.
METHOD = "newton"


class SingularHessianError(Exception):
    """The Hessian cannot be inverted: Newton's method has no next step."""


@dataclass(frozen=True)
class Newton:
    """Minimises the penalised log loss over all rows by Newton's method.

    Parameters
    ----------
    objective : Objective
        Of the log loss, for a network without hidden layers.
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, n_outputs)
    sample_weight : ndarray of shape (n_samples,) or None
    tol : float
        See `skneural.convex.stopping`.
    fallback : PreconditionedMinimizer or None, default=None
        What goes on from where the Hessian is singular, since it needs no inverse.
    warn : callable or None, default=None
        ``warn(n_iter)`` is called when that takes over, after so many iterations. The one that
        failed then counts as one of those allowed. None where Newton's method is not what the user
        asked for.

    Notes
    -----
    The stopping rule uses the Hessian of the step before, which hardly changes near the optimum.
    So the state of the training holds the parameters before its last step, under 'previous'.
    """

    objective: Objective
    X: Matrix
    y: FloatArray
    sample_weight: FloatArray | None
    tol: float
    fallback: PreconditionedMinimizer | None = None
    warn: Callable[[int], None] | None = None

    def __call__(self, run: Run) -> str:
        """Minimise; see `skneural.minimizers.run.drive`.

        Returns
        -------
        reason : str

        Raises
        ------
        SingularHessianError
            If the Hessian cannot be inverted, and there is no fallback; the state is that of the
            last iteration.
        """
        objective, rows = self.objective, (self.X, self.y, self.sample_weight)
        method = run.state.minimizer.get("method")
        # A training that is resumed goes on with the minimiser that its state is from.
        if self.fallback is not None and method == self.fallback.method:
            return self._go_on_without_inverse(run)
        if method != METHOD:
            params = run.state.params.copy()
            sum_to_zero(objective.network, params)
            minimizer = {"method": METHOD, "previous": None}
            run.state = changed(run.state, params=params, minimizer=minimizer)
        basis = output_basis(objective.network.n_outputs)
        coordinates = Coordinates(objective, self.X, self.sample_weight, basis)
        previous, dtype = run.state.minimizer["previous"], run.state.params.dtype
        factor = None if previous is None else _factorised(coordinates.hessian(previous), dtype)
        value, gradient, _ = objective.value_and_gradient(run.state.params, *rows)
        if run.n_iter == 0:
            run.note_loss(value)
        if not math.isfinite(value):
            return "not_finite"
        while True:
            slope = coordinates.reduce(gradient)
            run.is_good_enough = is_flat(gradient, self.tol)
            if value <= np.finfo(dtype).eps:  # it is never negative
                return "converged"
            if factor is not None and run.is_good_enough:
                _, promised = factor.newton_step(slope)
                if is_low(min(0.5 * promised, value), self.tol):
                    return "converged"
            if run.n_iter >= run.max_iter:
                return "max_iter"
            run.begin_epoch()
            params = run.state.params
            factor = _factorised(coordinates.hessian(params), dtype)
            if factor is None:
                return self._go_on_without_inverse(run)
            step, promised = factor.newton_step(slope)
            decrease = min(0.5 * promised, value)  # not below zero
            if run.is_good_enough and is_low(decrease, self.tol):
                return "converged"
            point = self._line_search(params, value, coordinates.expand(step), promised)
            if point is None:
                # The gradient is that of the last point tried by now.
                run.is_good_enough &= is_small(decrease, self.tol)
                at_the_limit = promised <= negligible_decrease(value, params.dtype)
                return "converged" if at_the_limit else "no_progress"
            value, gradient = point.value, objective.gradient
            run.end_epoch(
                value,
                params=point.params,
                gradient_norm=norm(gradient),
                minimizer={"method": METHOD, "previous": params},
            )

    def _go_on_without_inverse(self, run: Run) -> str:
        """Let the fallback minimise, from where the training stands."""
        if self.fallback is None:
            raise SingularHessianError("The Hessian is singular.")
        is_resumed = run.state.minimizer.get("method") == self.fallback.method
        if self.warn is not None:
            # Where the gradient is as small as it was to be, nobody misses further steps.
            if not (is_resumed or run.is_good_enough):
                self.warn(run.n_iter)
            run.message = "lbfgs"
            run.max_iter -= 1
        return self.fallback(run)

    def _line_search(
        self, params: FloatArray, value: float, direction: FloatArray, promised: float
    ) -> _Point | None:
        """The end of the longest step, of 1, 1/2, 1/4 ..., that lowers the objective by enough.

        Where rounding hides what a step promises, only the whole one is tried, and is long enough
        if it halves the gradient: that goes on to fall where the objective no longer does. The
        objective holds the gradient there. None if there is no such step.
        """
        is_hidden = promised <= negligible_decrease(value, params.dtype)
        slope = norm(self.objective.gradient) if is_hidden else 0.0
        point = np.empty_like(params)
        length = 1.0
        for _ in range(1 if is_hidden else MAX_HALVINGS):
            point[...] = params + length * direction
            reached, gradient, _ = self.objective.value_and_gradient(
                point, self.X, self.y, self.sample_weight
            )
            if is_hidden:
                is_enough = is_nearer(reached, norm(gradient), value, slope, params.dtype)
            else:
                is_enough = reached <= value - SUFFICIENT_DECREASE * length * promised
            if is_enough:
                return _Point(point, reached)
            length /= 2
        return None


class _Point(NamedTuple):
    """Parameters, and the value of the objective there."""

    params: FloatArray
    value: float


class _Factor(NamedTuple):
    """A positive definite matrix, as ``diag(unit) @ L @ L.T @ diag(unit)``."""

    cholesky: FloatArray
    unit: FloatArray

    def newton_step(self, slope: FloatArray) -> tuple[FloatArray, float]:
        """The step -H^{-1} g, and the decrease that its slope promises, g^T H^{-1} g.

        That is the squared Newton decrement; the quadratic falls by half of it.
        """
        # LAPACK itself: on small matrices, the checks around it would take longest.
        step, _ = scipy.linalg.lapack.dpotrs(self.cholesky, slope / self.unit, lower=True)
        step /= -self.unit
        return step, -float(slope @ step)


def _factorised(matrix: FloatArray, dtype: npt.DTypeLike) -> _Factor | None:
    """The factors of a Hessian, which is overwritten; None where it is singular.

    It is in float64, and rounded. The gradient is in the dtype: along a direction in which the
    Hessian is less than that resolves, a step would be nothing but rounding, and any length.
    """
    # Features on different scales are no reason to be singular.
    diagonal = matrix.diagonal()
    if not diagonal.min() > 0:
        return None
    unit = np.sqrt(diagonal)
    matrix /= unit
    matrix /= unit[:, np.newaxis]
    factor, status = scipy.linalg.lapack.dpotrf(matrix, lower=True, clean=False)
    smallest = max(ROUNDED * np.finfo(np.float64).eps, np.finfo(dtype).eps) * len(unit)
    if status != 0 or not factor.diagonal().min() ** 2 > smallest:
        return None
    return _Factor(factor, unit)
