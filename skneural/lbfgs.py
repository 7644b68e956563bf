r"""L-BFGS: SciPy's quasi-Newton method, over all rows at once.

An L1 penalty has no gradient at zero. It has one in the positive and the negative part of every
weight,

.. math::

    W = P - N, \qquad P, N \ge 0, \qquad \lVert W \rVert_1 = \sum (P + N)
    \text{ wherever one of the two is zero},

and bounds are what this variant of L-BFGS is made for: weights become exactly zero where both
parts end on their bound. Source: M. Schmidt, G. Fung and R. Rosales, "Fast optimization methods
for L1 regularization: a comparative study and two new approaches", ECML 2007.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np
import scipy.optimize

from skneural._arrays import FloatArray, Matrix, norm
from skneural.monitoring import Monitor
from skneural.objective import Objective
from skneural.training import Training

#: Relative decrease of the objective at which L-BFGS stops. SciPy's own for float64; in
#: float32 the objective is not known any better than this.
LBFGS_FTOL = {np.float64: 1e7 * np.finfo(np.float64).eps, np.float32: np.finfo(np.float32).eps}


def minimize_lbfgs(
    objective: Objective,
    training: Training,
    X: Matrix,
    y: FloatArray,
    sample_weight: FloatArray | None = None,
    *,
    monitor: Monitor,
    tol: float,
    max_iter: int,
    max_fun: int,
) -> None:
    """Minimise over all rows at once, by SciPy's L-BFGS.

    Parameters
    ----------
    objective : Objective
    training : Training
        Start and, updated in place, result.
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, n_outputs)
    sample_weight : ndarray of shape (n_samples,) or None, default=None
    monitor : Monitor
        With early stopping its patience ends the training, otherwise it only watches.
    tol : float
        The largest element of the gradient at which to stop.
    max_iter, max_fun : int
        Limits on iterations and on evaluations.

    Raises
    ------
    KeyboardInterrupt
        `training` holds the last whole iteration.

    References
    ----------
    R. H. Byrd, P. Lu, J. Nocedal and C. Zhu, "A limited memory algorithm for bound
    constrained optimization", SIAM Journal on Scientific Computing 16, 1995.
    """
    dtype = training.params.dtype
    weight = None if sample_weight is None else sample_weight[:, np.newaxis]
    point = training.params.copy()
    variables = _SignedParts(objective, len(y)) if objective.l1 else _Parameters()
    monitor.begin(training.record)

    def value_and_gradient(x: FloatArray) -> tuple[float, FloatArray]:
        # SciPy computes in float64 whatever the network computes in. As in scikit-learn it is
        # given the reported loss: for several outputs under squared error that is not quite
        # the function of this gradient, but anything else would end in another model.
        monitor.begin_epoch()
        point[...] = variables.params(x)
        _, gradient = objective.value_and_gradient(point, X, y, weight)
        return variables.value_and_gradient(x, objective.reported, gradient.astype(np.float64))

    def iteration_ended(x: FloatArray) -> None:
        params = variables.params(x).astype(dtype)
        monitor.end_epoch(
            training.n_epochs + 1,
            objective.reported,
            params,
            training.record,
            gradient_norm=norm(objective.gradient),
        )
        training.params[...] = params
        training.loss = objective.reported
        training.n_epochs += 1
        if monitor.is_asked_to_stop():
            training.stop_reason = "callback"
        elif monitor.early_stopping and monitor.is_impatient(training.record):
            monitor.announce_plateau("Stopping.")
            training.stop_reason = "early_stopping"
        elif perf_counter() >= training.deadline:
            training.stop_reason = "max_time"
        if training.stop_reason:
            raise StopIteration

    try:
        result = scipy.optimize.minimize(
            value_and_gradient,
            variables.start(training.params.astype(np.float64)),
            method="L-BFGS-B",
            jac=True,
            bounds=variables.bounds(training.params),
            callback=iteration_ended,
            options={
                "maxiter": max_iter,
                "maxfun": max_fun,
                "gtol": tol,
                "ftol": LBFGS_FTOL[dtype.type],
            },
        )
    except KeyboardInterrupt:
        training.stop_reason = "interrupted"
        raise
    finally:
        monitor.end()
    training.params[...] = variables.params(result.x)
    objective.value_and_gradient(training.params, X, y, weight)
    training.loss = objective.reported
    training.n_epochs = min(result.nit, max_iter)
    training.message = f"status={result.status}: {result.message}"
    training.stop_reason = _stop_reason(result, training, max_iter, max_fun)


def _stop_reason(result: Any, training: Training, max_iter: int, max_fun: int) -> str:
    if not (np.isfinite(training.loss) and np.all(np.isfinite(training.params))):
        return "not_finite"
    if training.stop_reason:
        return training.stop_reason
    if result.status == 0:
        return "converged"
    if result.nit >= max_iter or result.nfev >= max_fun:
        return "max_iter"
    # The line search gave up. In float32 that is how the limit of precision looks.
    return "no_progress" if training.params.dtype == np.float64 else "converged"


class _Parameters:
    """The parameters themselves as the variables of the minimiser."""

    def start(self, params: FloatArray) -> FloatArray:
        return params

    def params(self, x: FloatArray) -> FloatArray:
        return x

    def value_and_gradient(
        self, x: FloatArray, value: float, gradient: FloatArray
    ) -> tuple[float, FloatArray]:
        return value, gradient

    def bounds(self, params: FloatArray) -> Any:
        return None


class _SignedParts(_Parameters):
    """The positive and the negative part of every weight as variables, then the intercepts."""

    def __init__(self, objective: Objective, n_rows: int) -> None:
        self._n_weights = objective.network.n_weights
        self._strength = objective.l1_strength(n_rows)

    def start(self, params: FloatArray) -> FloatArray:
        weights, intercepts = np.split(params, [self._n_weights])
        return np.concatenate([np.maximum(weights, 0), np.maximum(-weights, 0), intercepts])

    def params(self, x: FloatArray) -> FloatArray:
        positive, negative, intercepts = self._parts(x)
        return np.concatenate([positive - negative, intercepts])

    def value_and_gradient(
        self, x: FloatArray, value: float, gradient: FloatArray
    ) -> tuple[float, FloatArray]:
        positive, negative, _ = self._parts(x)
        # Where both parts of a weight are above zero, more than its magnitude is penalised.
        excess = 2 * float(np.minimum(positive, negative).sum())
        slope, intercepts = np.split(gradient, [self._n_weights])
        parts = [slope + self._strength, self._strength - slope, intercepts]
        return value + self._strength * excess, np.concatenate(parts)

    def bounds(self, params: FloatArray) -> Any:
        lowest = np.full(len(params) + self._n_weights, -np.inf)
        lowest[: 2 * self._n_weights] = 0
        return scipy.optimize.Bounds(lowest, np.inf)

    def _parts(self, x: FloatArray) -> list[FloatArray]:
        return np.split(x, [self._n_weights, 2 * self._n_weights])
