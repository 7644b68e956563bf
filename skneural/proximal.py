r"""FISTA: accelerated proximal gradient, for penalties that make weights exactly zero.

The objective is the smooth one, f, plus :math:`\lambda \lVert W \rVert_1`. A proximal step

.. math::

    u^+ = S_{\tau \lambda}(v - \tau \nabla f(v)), \qquad
    S_c(x) = \operatorname{sign}(x) \max(|x| - c, 0),

minimises the sum of the tangent of f at v, the penalty, and a parabola that keeps the step
short enough: the length :math:`\tau` is halved until the parabola lies above f. The point v is
the last u, carried on a little in the direction it came from; when that leads uphill the
momentum starts anew (restart). Each feature is measured in its own unit, which changes the
threshold c of its weight, not the optimum.

That finds out soon *which* weights are zero, and creeps towards the values of the others. Where
these are few enough, a step of Newton's method is tried every now and then: to the exact minimum
of the local quadratic plus the penalty (see `skneural.feature_sign`), or as far towards it as
lowers the objective.

Sources: A. Beck and M. Teboulle, "A fast iterative shrinkage-thresholding algorithm for linear
inverse problems", SIAM Journal on Imaging Sciences 2, 2009; B. O'Donoghue and E. Candès,
"Adaptive restart for accelerated gradient schemes", Foundations of Computational Mathematics
15, 2015; J. D. Lee, Y. Sun and M. A. Saunders, "Proximal Newton-type methods for minimizing
composite functions", SIAM Journal on Optimization 24, 2014.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skneural._arrays import FloatArray, Matrix, norm
from skneural.conditioning import Conditioning, sum_to_zero
from skneural.curvature import Coordinates
from skneural.feature_sign import minimize_quadratic_l1
from skneural.monitoring import Monitor
from skneural.network import Layer
from skneural.newton import SUFFICIENT_DECREASE
from skneural.objective import Objective
from skneural.quasi_newton import ROUNDING, is_flat, is_optimum
from skneural.training import Training

#: Parameters up to which Newton's method on those that are not zero is worth its cost.
MOST_NEWTON_PARAMS = 1500

#: Proximal steps before Newton's method is tried, again and again while it does not help.
NEWTON_INTERVAL = 8

#: Halvings of a Newton step. More would be slower than going on with proximal steps.
MOST_NEWTON_HALVINGS = 4

#: Keeps the second derivative regular where features are copies of each other, and a softmax flat.
NEWTON_RIDGE = 1e-7

#: Share of the penalty from which on a slope may soon exceed it.
NEARLY = 0.9

#: How much longer than the one before a proximal step may try to be.
GROWTH = 1.1

#: Iterations without a decrease beyond rounding, after which there is none to come.
PATIENCE = 3 * NEWTON_INTERVAL


def minimize_fista(
    objective: Objective,
    training: Training,
    X: Matrix,
    y: FloatArray,
    sample_weight: FloatArray | None = None,
    *,
    l1: float,
    conditioning: Conditioning,
    monitor: Monitor,
    tol: float,
    max_iter: int,
) -> None:
    """Minimise a smooth convex objective plus an L1 penalty on the weights.

    Parameters
    ----------
    objective : Objective
        The smooth part, L2 penalty included: of the log loss, without hidden layers.
    training : Training
        Start and, updated in place, result.
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, n_outputs)
    sample_weight : ndarray of shape (n_samples,) or None, default=None
    l1 : float
        Strength of the L1 penalty, relative to the sum of the losses as `objective.alpha` is.
    conditioning : Conditioning
        Diagonal, and not symmetric.
    monitor : Monitor
        Prints the iterations; its patience is not asked for.
    tol : float
        No element of the smallest subgradient may be larger, as in `skneural.quasi_newton`,
        and the last step has changed no weight by more than this share of the largest.
    max_iter : int

    Raises
    ------
    KeyboardInterrupt
        `training` holds the last whole iteration.
    """
    negligible = ROUNDING * float(np.finfo(training.params.dtype).eps)
    training.stop_reason = "max_iter"
    monitor.begin(training.record)
    n_until_newton = NEWTON_INTERVAL
    try:
        problem = _Problem(objective, X, y, sample_weight, l1, conditioning)
        before = here = problem.evaluate(training.params.astype(np.float64))
        training.loss = noticed = here.value
        n_idle = 0
        while not problem.is_over(before, here, training, tol) and training.n_epochs < max_iter:
            monitor.begin_epoch()
            # After a step of Newton's method, a proximal one lets other weights leave zero.
            following = problem.newton_step(here) if n_until_newton <= 0 else None
            n_until_newton = 1 if following is not None else n_until_newton - 1
            if following is None:
                following = problem.accelerated_step(here)
                if n_until_newton < 0:
                    n_until_newton = NEWTON_INTERVAL
            before, here = here, following
            training.params[...] = problem.centred(here.params)
            training.loss = here.value
            training.n_epochs += 1
            monitor.end_epoch(
                training.n_epochs,
                here.value,
                training.params,
                training.record,
                gradient_norm=norm(here.gradient),
            )
            if monitor.is_asked_to_stop():
                training.stop_reason = "callback"
                break
            # Small decreases add up: what counts is how far it has come since the last that did.
            n_idle += 1
            if noticed - here.value > negligible * max(1, here.value):
                noticed, n_idle = here.value, 0
            if n_idle > PATIENCE:
                training.stop_reason = "converged"  # rounding hides what is left to gain
                break
        if training.stop_reason == "max_iter" and is_flat(problem.subgradient(here), tol):
            training.stop_reason = "converged"
    except KeyboardInterrupt:
        training.stop_reason = "interrupted"
        raise
    finally:
        monitor.end()


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


class _Problem:
    """The steps of FISTA and of Newton's method, and the rule by which they end."""

    def __init__(
        self,
        objective: Objective,
        X: Matrix,
        y: FloatArray,
        sample_weight: FloatArray | None,
        l1: float,
        conditioning: Conditioning,
    ) -> None:
        self._objective = objective
        self._network = objective.network
        self._X = X
        self._sample_weight = sample_weight
        self._rows = (X, y, None if sample_weight is None else sample_weight[:, np.newaxis])
        self._l1 = l1 / (X.shape[0] * objective.mean_weight)
        self._conditioning = conditioning
        self._unit_squared = np.square(conditioning.stretch)[:, np.newaxis]
        self._resolution = 4 * float(np.finfo(objective.gradient.dtype).eps)
        self._length = 1.0
        self._momentum = 1.0
        self._previous: _Point | None = None

    def evaluate(self, params: FloatArray) -> _Point:
        point = params.astype(self._objective.gradient.dtype)
        smooth, gradient = self._objective.value_and_gradient(point, *self._rows)
        magnitude = float(np.abs(self._weights(point)).sum(dtype=np.float64))
        value = smooth + self._l1 * magnitude
        return _Point(point.astype(np.float64), gradient.astype(np.float64), smooth, value)

    def accelerated_step(self, here: _Point) -> _Point:
        """A proximal step from a point further on in the direction of the last one."""
        momentum = (1 + np.sqrt(1 + 4 * self._momentum**2)) / 2
        if self._previous is not None:
            carry = (self._momentum - 1) / momentum
            ahead = self.evaluate(here.params + carry * (here.params - self._previous.params))
            following = self._proximal_step(ahead)
            if following.value <= here.value:
                self._previous, self._momentum = here, momentum
                return following
        # Uphill, or nowhere to carry on from: start anew.
        self._previous, self._momentum = here, 1.0
        return self._proximal_step(here)

    def _proximal_step(self, start: _Point) -> _Point:
        self._length *= GROWTH
        while True:
            following = self.evaluate(self._shrunk(start))
            move = following.params - start.params
            parabola = start.smooth + float(start.gradient @ move)
            parabola += self._conditioning.squared_length(move) / (2 * self._length)
            if following.smooth <= parabola + self._resolution * abs(start.smooth):
                return following
            if self._length < 1e-300:
                return start
            self._length /= 2

    def _shrunk(self, start: _Point) -> FloatArray:
        """The parameters after the step of gradient descent and the soft threshold."""
        params = start.params.copy()
        layer, slope = self._layer(params), self._layer(start.gradient)
        mean = self._conditioning.mean
        weights_slope = slope.weights
        if self._network.fit_intercept:
            weights_slope = weights_slope - mean * slope.intercepts
        step = self._length * self._unit_squared
        moved = layer.weights - step * weights_slope
        shrunk = np.sign(moved) * np.maximum(np.abs(moved) - step * self._l1, 0)
        if self._network.fit_intercept:
            scale = self._conditioning.intercept_scale
            layer.intercepts[...] -= self._length * slope.intercepts / scale**2
            layer.intercepts[...] -= np.einsum("jk,jk->k", mean, shrunk - layer.weights)
        layer.weights[...] = shrunk
        return params

    def newton_step(self, here: _Point) -> _Point | None:
        """To the minimum of the local quadratic and the penalty; None if that is no help.

        Only the weights that are not zero, or are about to leave it, take part.
        """
        weights, slope = self._weights(here.params), self._weights(here.gradient)
        n_outputs = weights.shape[1]
        working = (weights != 0) | (np.abs(slope) >= NEARLY * self._l1)
        features = np.flatnonzero(working.any(axis=1))
        if (len(features) + 1) * n_outputs > MOST_NEWTON_PARAMS:
            return None
        free = working[features].T
        if self._network.fit_intercept:
            free = np.hstack([free, np.ones((n_outputs, 1), dtype=bool)])
        coordinates = Coordinates(
            self._objective, self._X, self._sample_weight, np.eye(n_outputs), features, free
        )
        matrix = coordinates.hessian(here.params.astype(self._objective.gradient.dtype))
        matrix[np.diag_indices_from(matrix)] *= 1 + NEWTON_RIDGE
        # In units in which all are curved alike: features may be on different scales.
        unit = np.sqrt(np.diag(matrix))
        if not np.all(unit > 0):
            return None
        penalty = self._l1 * coordinates.is_weight
        position = coordinates.position(here.params)
        slope = coordinates.reduce(here.gradient)
        linear = (slope - matrix @ position) / unit
        matrix /= np.outer(unit, unit)
        minimum = minimize_quadratic_l1(matrix, linear, penalty / unit, position * unit) / unit
        step = minimum - position
        promised = float(slope @ step + penalty @ (np.abs(minimum) - np.abs(position)))
        direction = coordinates.expand(step)
        self._leave_out_flat_direction(direction)
        for halving in range(MOST_NEWTON_HALVINGS):
            length = 0.5**halving
            params = here.params + length * direction
            following = self.evaluate(params)
            if following.value < here.value + SUFFICIENT_DECREASE * length * promised:
                self._previous = None
                return following
        return None

    def subgradient(self, here: _Point) -> FloatArray:
        """The smallest of all subgradients of the whole objective: zero at an optimum."""
        smallest = here.gradient.copy()
        slope, weights = self._weights(smallest), self._weights(here.params)
        at_zero = np.sign(slope) * np.maximum(np.abs(slope) - self._l1, 0)
        slope[...] = np.where(weights == 0, at_zero, slope + self._l1 * np.sign(weights))
        return smallest

    def is_over(self, before: _Point, here: _Point, training: Training, tol: float) -> bool:
        """Whether the step that led here, if there was one, was the last."""
        if not np.isfinite(here.value):
            training.stop_reason = "not_finite"
            return True
        weights = self._weights(here.params)
        change = np.max(np.abs(weights - self._weights(before.params)))
        if change > tol * np.max(np.abs(weights)):
            return False
        subgradient = self.subgradient(here)
        conditioned = self._conditioning.gradient(subgradient)
        if is_optimum(subgradient, 0.5 * float(conditioned @ conditioned), tol):
            training.stop_reason = "converged"
            return True
        return False

    def _leave_out_flat_direction(self, direction: FloatArray) -> None:
        """Nothing adds up to more than zero over the classes where the objective is flat.

        There the step is nothing but magnified rounding.
        """
        if self._l1 == 0:
            sum_to_zero(self._network, direction)
        elif self._network.fit_intercept and self._network.layer_sizes[-1] > 1:
            intercepts = self._layer(direction).intercepts
            intercepts -= intercepts.mean()

    def centred(self, params: FloatArray) -> FloatArray:
        """The same model, with intercepts of a softmax that add up to zero over the classes."""
        params = params.copy()
        intercepts = self._layer(params).intercepts
        if len(intercepts) > 1:
            intercepts -= intercepts.mean()
        return params

    def _layer(self, vector: FloatArray) -> Layer:
        return self._network.layers(vector)[0]

    def _weights(self, vector: FloatArray) -> FloatArray:
        return self._layer(vector).weights
