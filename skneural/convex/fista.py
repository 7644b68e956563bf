r"""FISTA: accelerated proximal gradient, for penalties that make weights exactly zero.

The objective is the smooth one, f, plus :math:`\lambda \lVert W \rVert_1`. A proximal step

.. math::

    u^+ = S_{\tau \lambda}(v - \tau \nabla f(v)), \qquad
    S_c(x) = \operatorname{sign}(x) \max(|x| - c, 0),

minimises the sum of the tangent of f at v, the penalty, and a parabola that keeps the step
short enough: the length :math:`\tau` is halved until the parabola lies above f. The point v is
the last u, extrapolated in the direction of the last step (momentum); when that leads uphill the
momentum starts anew (restart). Each feature is measured in its own unit, by a diagonal
preconditioner, which changes the threshold c of its weight, not the optimum.

That soon finds *which* weights are zero, and converges slowly to the values of the others. Where
these are few enough, a proximal Newton step is tried at intervals: to the exact minimum of the
local quadratic plus the penalty (see `skneural.convex.quadratic_l1`), or as far towards it as
lowers the objective.

Sources: A. Beck and M. Teboulle, "A fast iterative shrinkage-thresholding algorithm for linear
inverse problems", SIAM Journal on Imaging Sciences 2, 2009; B. O'Donoghue and E. Candès,
"Adaptive restart for accelerated gradient schemes", Foundations of Computational Mathematics
15, 2015; J. D. Lee, Y. Sun and M. A. Saunders, "Proximal Newton-type methods for minimizing
composite functions", SIAM Journal on Optimization 24, 2014.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from skneural.arrays.matrices import FloatArray, Matrix, norm
from skneural.arrays.sparse_rows import for_many_products
from skneural.convex.curvature import Coordinates
from skneural.convex.linear import linear_arrays, sum_to_zero
from skneural.convex.newton import SUFFICIENT_DECREASE
from skneural.convex.preconditioning import Preconditioner, preconditioner
from skneural.convex.quadratic_l1 import minimize_quadratic_l1
from skneural.convex.stopping import is_flat, is_nearer, is_optimum, negligible_decrease
from skneural.minimizers.run import Run
from skneural.objective import Objective

#: Parameters up to which Newton's method is tried, on those that are not zero.
MAX_NEWTON_PARAMS = 1500

#: Proximal steps before Newton's method is tried, again and again while it does not help.
NEWTON_INTERVAL = 8

#: Halvings of a Newton step. More would be slower than going on with proximal steps.
MAX_NEWTON_HALVINGS = 4

#: Keeps the Hessian regular where features are copies of each other, and a softmax flat.
NEWTON_RIDGE = 1e-7

#: The same, and halvings, where no intercept takes up the means of the features. In float64 it need
#: not be more, and the weights of features far from zero are found only where it is much less. Such
#: Hessians are ill-conditioned: steps are too long more often, and proximal steps are short.
NEWTON_RIDGE_UNCENTRED = 1e-10
MAX_NEWTON_HALVINGS_UNCENTRED = 8

#: Share of the penalty from which on the slope of a zero weight makes it one of the active set.
ACTIVE_SET_MARGIN = 0.9

#: How much longer than the one before a proximal step may try to be.
GROWTH = 1.1

#: Iterations without a decrease beyond rounding, after which there is none to come.
PATIENCE = 3 * NEWTON_INTERVAL

#: What the state of a training says of who has written it.
METHOD = "fista"


@dataclass(frozen=True)
class Fista:
    """Minimises the penalised log loss plus an L1 penalty on the weights, over all rows.

    Parameters
    ----------
    objective : Objective
        The smooth part, L2 penalty included: of the log loss, without hidden layers.
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, n_outputs)
    sample_weight : ndarray of shape (n_samples,) or None
    tol : float
        No element of the smallest subgradient may be larger, see `skneural.convex.stopping`,
        and the last step has changed no weight by more than this share of the largest.
    l1 : float
        Strength of the L1 penalty, relative to the sum of the losses as `objective.alpha` is.
    ridge : float, default=NEWTON_RIDGE
        Share of the diagonal of the Hessian that is added to it.
    max_halvings : int, default=MAX_NEWTON_HALVINGS
        Halvings of a Newton step.

    Notes
    -----
    The state of the training holds the points that the next step depends on, the units of the
    features (as the parameters at which they were chosen), and a few numbers.
    """

    objective: Objective
    X: Matrix
    y: FloatArray
    sample_weight: FloatArray | None
    tol: float
    l1: float
    ridge: float = NEWTON_RIDGE
    max_halvings: int = MAX_NEWTON_HALVINGS

    def __call__(self, run: Run) -> str:
        """Minimise; see `skneural.minimizers.run.drive`.

        Returns
        -------
        reason : str
        """
        is_resumed = run.state.minimizer.get("method") == METHOD
        progress = (
            _Progress(**{k: v for k, v in run.state.minimizer.items() if k != "method"})
            if is_resumed
            else _Progress.from_start(run.state.params)
        )
        steps = _Steps(self, progress.origin)
        here = steps.evaluate(progress.here)
        if run.n_iter == 0:
            run.note_loss(here.value)
        if not is_resumed:
            progress.noticed = here.value
        if not math.isfinite(here.value):
            return "not_finite"
        dtype = run.state.params.dtype
        while True:
            # Where rounding hides what is left to gain, there is nothing more to be done.
            if progress.n_idle > PATIENCE or steps.is_optimum(progress.before, here):
                return "converged"
            if run.n_iter >= run.max_iter:
                run.is_good_enough = is_flat(steps.subgradient(here), self.tol)
                return "max_iter"
            run.begin_epoch()
            progress.before = here.params
            here = steps.next_point(here, progress)
            progress.here = here.params
            # Small decreases add up: what counts is how far it has come since the last that did.
            progress.n_idle += 1
            if progress.noticed - here.value > negligible_decrease(here.value, dtype):
                progress.noticed, progress.n_idle = here.value, 0
            run.end_epoch(
                here.value,
                params=steps.centred(here.params).astype(dtype),
                gradient_norm=norm(here.gradient),
                minimizer={"method": METHOD, **vars(progress)},
            )


@dataclass
class _Progress:
    """What the next step depends on: plain data, stored with the state of the training.

    Attributes
    ----------
    origin, here, before : ndarray of shape (n_params,)
        Where the units were chosen, the point reached, and the one before it. They are replaced,
        never written to.
    previous : ndarray of shape (n_params,) or None
        Where the momentum comes from; None without momentum.
    momentum, length : float
        The sequence of FISTA, and the length of the last proximal step.
    n_until_newton : int
        Proximal steps to come before Newton's method is tried.
    noticed : float
        The objective at the last decrease beyond rounding.
    n_idle : int
        Iterations since then.
    """

    origin: FloatArray
    here: FloatArray
    before: FloatArray
    previous: FloatArray | None = None
    momentum: float = 1.0
    length: float = 1.0
    n_until_newton: int = NEWTON_INTERVAL
    noticed: float = math.inf
    n_idle: int = 0

    @classmethod
    def from_start(cls, params: FloatArray) -> _Progress:
        return cls(params, params.astype(np.float64), params.astype(np.float64))


@dataclass(frozen=True)
class _Point:
    """Parameters with all that is known of the objective there.

    Attributes
    ----------
    params, gradient : ndarray of shape (n_params,)
        float64; the gradient is that of the smooth part.
    smooth, value : float
        The smooth part, and the whole.
    """

    params: FloatArray
    gradient: FloatArray
    smooth: float
    value: float


class _Steps:
    """The steps of FISTA and of Newton's method, and the rule by which they end.

    Parameters
    ----------
    problem : Fista
    origin : ndarray of shape (n_params,)
        Where the units of the features are chosen.
    """

    def __init__(self, problem: Fista, origin: FloatArray) -> None:
        objective = problem.objective
        self._problem = problem
        self._objective = objective
        self._network = objective.network
        self._rows = (for_many_products(problem.X), problem.y, problem.sample_weight)
        self._l1 = float(problem.l1 / (problem.X.shape[0] * objective.mean_weight))
        self._precondition = preconditioner(
            self._network, problem.X, problem.sample_weight, objective.alpha, separable=True
        )
        self._preconditioner: Preconditioner = self._precondition(origin)
        self._unit_squared = np.square(self._preconditioner.transform)[:, np.newaxis]
        self._resolution = 4 * float(np.finfo(objective.gradient.dtype).eps)

    def evaluate(self, params: FloatArray) -> _Point:
        point = params.astype(self._objective.gradient.dtype)
        smooth, gradient, _ = self._objective.value_and_gradient(point, *self._rows)
        magnitude = float(np.abs(self._weights(point)).sum(dtype=np.float64))
        value = float(smooth + self._l1 * magnitude)
        return _Point(point.astype(np.float64), gradient.astype(np.float64), smooth, value)

    def next_point(self, here: _Point, progress: _Progress) -> _Point:
        """Where the next step leads."""
        # After a step of Newton's method, a proximal one lets other weights leave zero.
        following = self._newton_step(here) if progress.n_until_newton <= 0 else None
        if following is not None:
            progress.previous = None
            progress.n_until_newton = 1
            return following
        progress.n_until_newton -= 1
        if progress.n_until_newton < 0:
            progress.n_until_newton = NEWTON_INTERVAL
        return self._accelerated_step(here, progress)

    def _accelerated_step(self, here: _Point, progress: _Progress) -> _Point:
        """A proximal step from a point further on in the direction of the last one."""
        momentum = (1 + math.sqrt(1 + 4 * progress.momentum**2)) / 2
        previous, progress.previous = progress.previous, here.params
        if previous is not None:
            share = (progress.momentum - 1) / momentum
            ahead = self.evaluate(here.params + share * (here.params - previous))
            following = self._proximal_step(ahead, progress)
            if following.value <= here.value:
                progress.momentum = momentum
                return following
        # Uphill, or no direction to go on in: restart.
        progress.momentum = 1.0
        return self._proximal_step(here, progress)

    def _proximal_step(self, start: _Point, progress: _Progress) -> _Point:
        progress.length *= GROWTH
        while True:
            following = self.evaluate(self._shrunk(start, progress.length))
            move = following.params - start.params
            parabola = start.smooth + float(start.gradient @ move)
            parabola += self._preconditioner.squared_length(move) / (2 * progress.length)
            if following.smooth <= parabola + self._resolution * abs(start.smooth):
                return following
            if progress.length < 1e-300:
                return start
            progress.length /= 2

    def _shrunk(self, start: _Point, length: float) -> FloatArray:
        """The parameters after the step of gradient descent and the soft threshold."""
        params = start.params.copy()
        weights, intercepts = linear_arrays(self._network, params)
        slope, intercepts_slope = linear_arrays(self._network, start.gradient)
        mean = self._preconditioner.mean
        if intercepts_slope is not None:
            slope = slope - mean * intercepts_slope
        step = length * self._unit_squared
        moved = weights - step * slope
        shrunk = np.sign(moved) * np.maximum(np.abs(moved) - step * self._l1, 0)
        if intercepts is not None and intercepts_slope is not None:
            scale = self._preconditioner.intercept_scale
            intercepts -= length * intercepts_slope / scale**2
            intercepts -= np.einsum("jk,jk->k", mean, shrunk - weights)
        weights[...] = shrunk
        return params

    def _newton_step(self, here: _Point) -> _Point | None:
        """To the minimum of the local quadratic and the penalty; None if that is no help.

        Only the weights that are not zero, or are about to leave it, take part.
        """
        coordinates = self._active_coordinates(here)
        if coordinates is None:
            return None
        matrix = coordinates.hessian(here.params.astype(self._objective.gradient.dtype))
        matrix[np.diag_indices_from(matrix)] *= 1 + self._problem.ridge
        # In units in which all are curved alike: features may be on different scales.
        unit = np.sqrt(np.diag(matrix))
        if not (np.all(unit > 0) and np.isfinite(matrix).all()):
            return None
        penalty = self._l1 * coordinates.is_weight
        position = coordinates.position(here.params)
        slope = coordinates.reduce(here.gradient)
        linear = (slope - matrix @ position) / unit
        matrix /= np.outer(unit, unit)
        start = position * unit
        is_far = self._has_more_weights_than_rows(start)
        if is_far:
            start = np.zeros_like(start)
        minimum = minimize_quadratic_l1(matrix, linear, penalty / unit, start) / unit
        step = minimum - position
        promised = float(slope @ step + penalty @ (np.abs(minimum) - np.abs(position)))
        if is_far and promised >= 0:
            return None
        direction = coordinates.expand(step)
        self._leave_out_flat_direction(direction)
        for halving in range(self._problem.max_halvings):
            length = 0.5**halving
            following = self.evaluate(here.params + length * direction)
            if following.value < here.value + SUFFICIENT_DECREASE * length * promised:
                return following
            if length == 1 and self._is_nearer(following, here):
                return following
        return None

    def _is_nearer(self, following: _Point, here: _Point) -> bool:
        slope, slope_before = (norm(self.subgradient(point)) for point in (following, here))
        dtype = self._objective.gradient.dtype
        return is_nearer(following.value, slope, here.value, slope_before, dtype)

    def _has_more_weights_than_rows(self, position: FloatArray) -> bool:
        """Whether more weights are nonzero than at a minimum.

        There are at most as many as rows, but for an L2 penalty: to remove the others one by one
        takes longer than to find the few from zero.
        """
        n_equations = self._problem.X.shape[0] * self._network.n_outputs
        return self._objective.alpha == 0 and np.count_nonzero(position) > n_equations

    def _active_coordinates(self, here: _Point) -> Coordinates | None:
        """Coordinates of the active set; None if they are too many for Newton's method."""
        weights, slope = self._weights(here.params), self._weights(here.gradient)
        n_outputs = weights.shape[1]
        active = (weights != 0) | (np.abs(slope) >= ACTIVE_SET_MARGIN * self._l1)
        features = np.flatnonzero(active.any(axis=1))
        most = MAX_NEWTON_PARAMS // n_outputs - 1
        if len(features) > most:
            if not self._has_more_weights_than_rows(weights):
                return None
            # The others stay as they are: most of these become zero, then it is their turn.
            size = np.abs(weights[features]).max(axis=1) / self._preconditioner.transform[features]
            features = np.sort(features[np.argsort(-size, kind="stable")[:most]])
        free = active[features].T
        if self._network.n_params > self._network.n_penalised:  # it has intercepts
            free = np.hstack([free, np.ones((n_outputs, 1), dtype=bool)])
        X, sample_weight = self._problem.X, self._problem.sample_weight
        return Coordinates(self._objective, X, sample_weight, np.eye(n_outputs), features, free)

    def subgradient(self, here: _Point) -> FloatArray:
        """The smallest of all subgradients of the whole objective: zero at an optimum."""
        smallest = here.gradient.copy()
        slope, weights = self._weights(smallest), self._weights(here.params)
        at_zero = np.sign(slope) * np.maximum(np.abs(slope) - self._l1, 0)
        slope[...] = np.where(weights == 0, at_zero, slope + self._l1 * np.sign(weights))
        return smallest

    def is_optimum(self, before: FloatArray, here: _Point) -> bool:
        """Whether the step that led here from `before` was the last one needed."""
        tol = self._problem.tol
        weights = self._weights(here.params)
        change = np.max(np.abs(weights - self._weights(before)))
        if change > tol * np.max(np.abs(weights)):
            return False
        subgradient = self.subgradient(here)
        if not is_optimum(subgradient, _decrease(self._preconditioner, subgradient), tol):
            return False
        # Where probabilities have become certain there is less curvature than at the origin, and
        # more to gain. Telling takes a pass over the rows, so it comes last.
        curvature_here = self._precondition(here.params)
        return is_optimum(subgradient, _decrease(curvature_here, subgradient), tol)

    def _leave_out_flat_direction(self, direction: FloatArray) -> None:
        """Remove what all classes have in common where the objective does not depend on it.

        There the step is nothing but magnified rounding.
        """
        if self._l1 == 0:
            sum_to_zero(self._network, direction)
            return
        intercepts = linear_arrays(self._network, direction).intercepts
        if intercepts is not None and len(intercepts) > 1:
            intercepts -= intercepts.mean()

    def centred(self, params: FloatArray) -> FloatArray:
        """The same model, with intercepts of a softmax that add up to zero over the classes."""
        params = params.copy()
        intercepts = linear_arrays(self._network, params).intercepts
        if intercepts is not None and len(intercepts) > 1:
            intercepts -= intercepts.mean()
        return params

    def _weights(self, vector: FloatArray) -> FloatArray:
        return linear_arrays(self._network, vector).weights


def _decrease(preconditioner: Preconditioner, subgradient: FloatArray) -> float:
    """How far the objective can still fall, by the second derivatives of the preconditioner."""
    preconditioned = preconditioner.gradient(subgradient)
    return 0.5 * float(preconditioned @ preconditioned)
