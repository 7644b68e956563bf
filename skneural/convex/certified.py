r"""Newton's method that ends by a proof: a bound on how far the objective can still fall.

The other minimisers judge by the Hessian at the present point. That is right near the optimum, and
wrong where single rows have features a thousand times larger than the others, such as a sentinel
-999 in a column of small numbers. As long as the prediction of such a row is not certain beyond
doubt, it outweighs all others: the Hessian says that nothing is left to gain, although, once it is
certain, the weight may grow until it fits the others.

With the probabilities :math:`p` of the present point, weights :math:`w` and its Newton step
:math:`d`, let

.. math:: p'_i = p_i + (\operatorname{diag}(p_i) - p_i p_i^\top) (x_i d).

They balance the gradient of the penalty at :math:`w + d`. If none of them is negative, they are
a point of the dual problem, and the objective lies above its minimum by at most

.. math::

    \frac{1}{S} \Bigl( \sum_i s_i \sum_k p'_{ik} \log \frac{p'_{ik}}{p_{ik}}
    + \frac{\alpha}{2} \lVert d \rVert^2 + \lambda (\lVert w \rVert_1 - v^\top w) \Bigr)

with :math:`v` the subgradient of :math:`\lVert \cdot \rVert_1` at :math:`w + d` that the step has
found. Where some are negative, the Newton step asks more of a row than it has to give: these
classes are taken out of that row (as if they had no probability), and the step is computed again.
What such a row would gain by the loss of these classes is a part of the bound. The step that comes
out is also one that goes where the other rows want to go.

Sources: S. Boyd and L. Vandenberghe, *Convex Optimization*, 2004, section 5.5.1 (duality gap);
J. D. Lee, Y. Sun and M. A. Saunders, "Proximal Newton-type methods for minimizing composite
functions", SIAM Journal on Optimization 24, 2014.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import numpy as np
import scipy.linalg
from scipy.special import kl_div

from skneural.arrays.grams import weighted_gram
from skneural.arrays.matrices import BoolArray, FloatArray, Matrix, norm, product
from skneural.arrays.outliers import column_medians, distances
from skneural.convex.curvature import hessian, linear_outputs
from skneural.convex.linear import linear_arrays, sum_to_zero
from skneural.convex.quadratic_l1 import minimize_quadratic_l1
from skneural.convex.stopping import (
    DECREASE_TOLERANCE,
    ROUNDING,
    is_flat,
    is_small,
    negligible_decrease,
)
from skneural.losses import LINKS
from skneural.minimizers.run import Run
from skneural.objective import Objective

#: How often classes are taken out of rows before the step is taken as it is.
MAX_EXCLUSIONS = 8

#: Doublings and halvings of a step.
MAX_DOUBLINGS = 60
MAX_HALVINGS = 40

#: Change of raw outputs that a weight may have to make, with the typical size of its feature.
LARGE_CHANGE = 10.0

#: Deviation of a column as a share of its mean below which it is rounding.
NEGLIGIBLE_DEVIATION = 1e-12

#: What overflows is no proof.
QUIETLY = np.errstate(over="ignore", invalid="ignore", under="ignore", divide="ignore")

#: What the state of a training says of who has written it.
METHOD = "certified"


class _Step(NamedTuple):
    """A step in the parameters, and how far the objective lies above its minimum at most."""

    direction: FloatArray
    gap: float


@dataclass(frozen=True)
class CertifiedNewton:
    """Minimises the penalised log loss over all rows, until a duality gap says that it is enough.

    Slower than the others, it goes on where they do not arrive.

    Parameters
    ----------
    objective : Objective
        Of the log loss, L2 penalty included, for a network without hidden layers.
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, n_outputs)
    sample_weight : ndarray of shape (n_samples,) or None
    tol : float
        See `skneural.convex.stopping`.
    l1 : float, default=0.0
        Strength of the L1 penalty, relative to the sum of the losses.
    """

    objective: Objective
    X: Matrix
    y: FloatArray
    sample_weight: FloatArray | None
    tol: float
    l1: float = 0.0

    method: ClassVar[str] = METHOD

    def is_optimum(self, params: FloatArray) -> bool:
        """Whether a point that another minimiser takes for the optimum is one, or near enough."""
        steps = _Steps(self)
        value, _ = steps.evaluate(params)
        close = self._close(value, params)
        # The objective is never negative.
        return value <= close or steps.best(params).gap <= close

    def _allowed(self, value: float, params: FloatArray) -> float:
        allowed = DECREASE_TOLERANCE * self.tol * self.tol
        return max(allowed, negligible_decrease(value, params.dtype))

    def _close(self, value: float, params: FloatArray) -> float:
        return max(DECREASE_TOLERANCE * self.tol, negligible_decrease(value, params.dtype))

    def __call__(self, run: Run) -> str:
        """Minimise; see `skneural.minimizers.run.drive`.

        Returns
        -------
        reason : str
        """
        run.state = replace(run.state, minimizer={"method": METHOD})
        steps = _Steps(self)
        value, gradient = steps.evaluate(run.state.params)
        if not math.isfinite(value):
            return "not_finite"
        while True:
            params = run.state.params
            step = steps.best(params)
            gap = min(step.gap, value)  # the objective is never negative
            is_close = gap <= self._close(value, params)
            is_over = gap <= self._allowed(value, params)
            subgradient = steps.subgradient(params, gradient)
            if is_over and is_flat(subgradient, self.tol):
                return "converged"
            if run.n_iter >= run.max_iter:
                run.is_good_enough = is_over
                return "max_iter"
            run.begin_epoch()
            following = steps.line_search(params, value, step.direction)
            if following is None and not is_over:
                following = steps.line_search(params, value, steps.plain(params).direction)
            if following is None:
                # There are gaps that rounding leaves open, but the step says how far it could go.
                possible_decrease = 0.5 * abs(float(subgradient @ step.direction))
                run.is_good_enough = is_flat(subgradient, self.tol) and is_small(
                    possible_decrease, self.tol
                )
                return "converged" if is_close or is_over else "no_progress"
            value, gradient = steps.evaluate(following)
            run.end_epoch(
                value,
                params=following,
                gradient_norm=norm(gradient),
                minimizer={"method": METHOD},
            )


class _Steps:
    """Steps of Newton's method for one problem.

    Coordinates are, output by output, the weights of all features and, where there are intercepts,
    the intercept at the medians of the features.
    """

    def __init__(self, problem: CertifiedNewton) -> None:
        objective = problem.objective
        network = objective.network
        n_samples = problem.X.shape[0]
        weight = problem.sample_weight
        total = n_samples * objective.mean_weight
        self._objective, self._network = objective, network
        self._rows = (problem.X, problem.y, weight)
        self._s = (np.ones(n_samples) if weight is None else weight.astype(np.float64)) / total
        self._l2, self._l1 = objective.alpha / total, problem.l1 / total
        self._fit_intercept = network.n_params > network.n_penalised
        n_outputs = network.n_outputs
        # A row may pin two classes to each other, and leave the third free: no basis mixes them.
        self._basis = np.eye(n_outputs)
        y = problem.y.astype(np.float64)
        self._y = np.hstack([1 - y, y]) if n_outputs == 1 else y
        # Not the mean, from which a single huge cell would take all others equally far away.
        self._centre, deviation = column_medians(problem.X, self._s > 0)
        if not self._fit_intercept:
            self._centre[...] = 0
        self._reach = LARGE_CHANGE / np.append(deviation, np.ones(int(self._fit_intercept)))

    @QUIETLY
    def evaluate(self, params: FloatArray) -> tuple[float, FloatArray]:
        """Value, and gradient of all but the L1 penalty."""
        value, gradient, _ = self._objective.value_and_gradient(params, *self._rows)
        if self._l1:
            value += self._l1 * float(np.abs(self._weights(params)).sum(dtype=np.float64))
        return float(value), gradient

    def subgradient(self, params: FloatArray, gradient: FloatArray) -> FloatArray:
        """The smallest of all subgradients."""
        if not self._l1:
            return gradient
        smallest = gradient.copy()
        slope, weights = self._weights(smallest), self._weights(params)
        at_zero = np.sign(slope) * np.maximum(np.abs(slope) - self._l1, 0)
        slope[...] = np.where(weights == 0, at_zero, slope + self._l1 * np.sign(weights))
        return smallest

    @QUIETLY
    def plain(self, params: FloatArray) -> _Step:
        """The Newton step with all rows as they are."""
        p = self._probabilities(params)
        return self._step(params, p, p)[0]

    @QUIETLY
    def best(self, params: FloatArray) -> _Step:
        """The step whose duality gap is finite, if there is one."""
        p = self._probabilities(params)
        included: BoolArray = np.ones(p.shape, dtype=bool)
        for _ in range(MAX_EXCLUSIONS):
            reduced = np.where(included, p, 0)
            reduced /= reduced.sum(axis=1, keepdims=True)
            step, too_far = self._step(params, p, reduced)
            if not too_far.any():
                break
            # At least one class stays in every row.
            too_far &= reduced < reduced.max(axis=1, keepdims=True)
            included &= ~too_far
        return step

    def line_search(
        self, params: FloatArray, value: float, direction: FloatArray
    ) -> FloatArray | None:
        """Where the objective is lowest among lengths 2^k; None if nowhere lower than here."""
        rounding = float(np.finfo(params.dtype).eps) * max(1.0, value)

        def reached(length: float) -> tuple[float, FloatArray]:
            point: FloatArray = (params + length * direction).astype(params.dtype)
            there = self.evaluate(point)[0]
            return (there if math.isfinite(there) else math.inf), point

        length, (best, point) = 1.0, reached(1.0)
        for _ in range(MAX_DOUBLINGS if best < value else 0):
            further = reached(2 * length)
            if not further[0] < best:
                break
            length, (best, point) = 2 * length, further
        for _ in range(MAX_HALVINGS):
            if best < value and length < 1:
                break
            nearer = reached(length / 2)
            if best < value and not nearer[0] < best:
                break
            length, (best, point) = length / 2, nearer
        return point if best < value - rounding else None

    def _probabilities(self, params: FloatArray) -> FloatArray:
        """Of all classes, also of two: each with all its digits where it is tiny."""
        raw = linear_outputs(self._network, params.astype(np.float64), self._rows[0])
        if raw.shape[1] == 1:
            p = np.hstack([-raw, raw])
            LINKS["logistic"].inverse(p)
            return p
        LINKS["softmax"].inverse(raw)
        return raw

    def _step(
        self, params: FloatArray, p: FloatArray, reduced: FloatArray
    ) -> tuple[_Step, BoolArray]:
        """The Newton step with these probabilities, and what it would make negative."""
        X, fit_intercept = self._rows[0], self._fit_intercept
        params = params.astype(np.float64)
        n_outputs = self._network.n_outputs
        curvature = self._s * (reduced * (1 - reduced)).sum(axis=1)
        centre = self._centre
        if n_outputs == 1:
            products = self._s * reduced[:, 0] * reduced[:, 1]
            matrix = weighted_gram(X, products, centre, fit_intercept)
        else:
            matrix = hessian(X, reduced, self._s, centre, self._basis, fit_intercept=fit_intercept)
        slope = self._slope(reduced, params)
        step = self._expand(self._newton(params, matrix, slope, curvature))
        if not self._l1:
            # What all classes have in common changes nothing but the penalty.
            sum_to_zero(self._network, step)
            if n_outputs > 1 and self._l2:
                common = self._weights(params).mean(axis=1, keepdims=True)
                self._weights(step)[...] -= common
        change = linear_outputs(self._network, step, X)
        if n_outputs == 1:
            change = np.hstack([np.zeros_like(change), change])
        change -= (change * reduced).sum(axis=1, keepdims=True)
        dual = reduced * (1 + change)
        too_far = (dual < 0) & (self._s > 0)[:, np.newaxis]
        if too_far.any():
            return _Step(step, math.inf), too_far
        np.maximum(dual, 0, out=dual)  # of rows without weight
        gap = self._gap(params, step, p, dual)
        return _Step(step, math.inf if math.isnan(gap) else gap), too_far

    def _error(self, p: FloatArray) -> FloatArray:
        """Probabilities less the truth, in all digits, times the weights of the rows."""
        others = p * (1 - self._y)
        others -= self._y * others.sum(axis=1, keepdims=True)
        error: FloatArray = others[:, -self._network.n_outputs :] * self._s[:, np.newaxis]
        return error

    def _slope(self, p: FloatArray, params: FloatArray) -> FloatArray:
        """Gradient of loss and L2 penalty, were these the probabilities."""
        change = self._error(p)
        slope: FloatArray = np.zeros(self._network.n_params)
        weights, intercepts = linear_arrays(self._network, slope)
        product(self._rows[0].T, change, out=weights)
        weights += self._l2 * self._weights(params)
        if intercepts is not None:
            intercepts[...] = change.sum(axis=0)
        return slope

    def _gap(
        self,
        params: FloatArray,
        step: FloatArray,
        p: FloatArray,
        dual: FloatArray,
    ) -> float:
        """How far the objective lies above what the dual point says of its minimum."""
        losses: FloatArray = kl_div(dual, p).sum(axis=1)
        gap: float = float(np.dot(self._s, losses))
        move, weights = self._weights(step), self._weights(params)
        gap += 0.5 * self._l2 * float(np.sum(move**2))
        end = params + step
        # What the equations of the step have left over, times how far it may reach.
        left_over = self._slope(dual, end)
        if self._l1:
            slope = self._weights(left_over)
            signs = np.clip(-slope / self._l1, -1, 1)
            gap += self._l1 * float(np.sum(np.abs(weights) - signs * weights))
            slope += self._l1 * signs
        reach = np.tile(self._reach, self._network.n_outputs)
        np.maximum(reach, np.abs(self._position(params)), out=reach)
        reach += np.abs(self._position(end))
        excess = np.abs(self._reduce(left_over)) - self._rounding(dual)
        return gap + float(np.dot(np.maximum(excess, 0), reach))

    def _rounding(self, p: FloatArray) -> FloatArray:
        """What rounding makes of a gradient that is zero, in the coordinates."""
        error = np.abs(self._error(p))
        rounding = distances(self._rows[0], self._centre).T @ error
        if self._fit_intercept:
            rounding = np.vstack([rounding, error.sum(axis=0)])
        flat: FloatArray = rounding.T.ravel()
        return ROUNDING * float(np.finfo(np.float64).eps) * flat

    def _newton(
        self,
        params: FloatArray,
        matrix: FloatArray,
        slope: FloatArray,
        curvature: FloatArray,
    ) -> FloatArray:
        """The step in the coordinates, to the minimum of the quadratic and the penalties."""
        n_features = len(self._centre)
        shape = (self._network.n_outputs, n_features + self._fit_intercept)
        is_weight = np.ones(shape, dtype=bool)
        is_weight[:, n_features:] = False
        diagonal = np.einsum("ii->i", matrix)
        # A column that does not vary among these rows has no curvature, whatever rounding says.
        rounding = curvature.sum() * (NEGLIGIBLE_DEVIATION * self._centre) ** 2
        floor = np.zeros(shape)
        floor[:, :n_features] = rounding
        still = diagonal <= floor.ravel()
        matrix[still] = 0
        matrix[:, still] = 0
        diagonal += self._l2 * is_weight.ravel()
        linear = self._reduce(slope)
        linear[still & (diagonal == 0)] = 0
        if not (np.isfinite(matrix).all() and np.isfinite(linear).all()):
            return np.zeros_like(linear)
        unit = np.sqrt(np.where(diagonal > 0, diagonal, 1))
        matrix /= np.outer(unit, unit)
        diagonal[diagonal == 0] = 1
        linear /= unit
        if not self._l1:
            return -_solve(matrix, linear) / unit
        start = self._position(params) * unit
        diagonal *= 1 + 1e-9
        penalty = self._l1 * is_weight.ravel() / unit
        end = minimize_quadratic_l1(matrix, linear - matrix @ start, penalty, start)
        return (end - start) / unit

    def _reduce(self, slope: FloatArray) -> FloatArray:
        weights, intercepts = linear_arrays(self._network, slope)
        if intercepts is not None:
            weights = np.vstack([weights - np.outer(self._centre, intercepts), intercepts])
        return weights.T.flatten()

    def _position(self, params: FloatArray) -> FloatArray:
        weights, intercepts = linear_arrays(self._network, params)
        if intercepts is not None:
            weights = np.vstack([weights, intercepts + self._centre @ weights])
        return weights.T.flatten()

    def _expand(self, step: FloatArray) -> FloatArray:
        expanded: FloatArray = np.zeros(self._network.n_params)
        weights, intercepts = linear_arrays(self._network, expanded)
        by_output = step.reshape(self._network.n_outputs, -1).T
        weights[...] = by_output[: len(self._centre)]
        if intercepts is not None:
            intercepts[...] = by_output[-1] - self._centre @ weights
            if len(intercepts) > 1:  # what they have in common changes nothing
                intercepts -= intercepts.mean()
        return expanded

    def _weights(self, vector: FloatArray) -> FloatArray:
        return linear_arrays(self._network, vector).weights


def _solve(matrix: FloatArray, vector: FloatArray) -> FloatArray:
    """Of a matrix with ones on its diagonal, with more of them where it is singular."""
    ridge = 1e-14
    while True:
        try:
            factor = scipy.linalg.cho_factor(matrix + ridge * np.eye(len(matrix)), lower=True)
        except np.linalg.LinAlgError:
            ridge *= 100
        else:
            solution: FloatArray = scipy.linalg.cho_solve(factor, vector)
            return solution
