r"""L-BFGS on a nonconvex objective: SciPy's quasi-Newton method, over all rows at once.

An L1 penalty is not differentiable at zero. It is linear in the positive and the negative part of
every weight,

.. math::

    \begin{gathered}
    W = P - N, \qquad P, N \ge 0, \\
    \lVert W \rVert_1 = \sum (P + N) \text{ wherever one of the two is zero},
    \end{gathered}

and bounds are what this variant of L-BFGS is made for: weights become exactly zero where both
parts end on their bound. Source: M. Schmidt, G. Fung and R. Rosales, "Fast optimization methods
for L1 regularization: a comparative study and two new approaches", ECML 2007.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.optimize

from skneural.arrays.matrices import FloatArray, Matrix, norm
from skneural.arrays.sparse_rows import for_many_products
from skneural.minimizers.changed import changed
from skneural.minimizers.checked_rows import check_rows
from skneural.minimizers.run import Run
from skneural.minimizers.state import Record
from skneural.objective import Objective

#: Relative decrease of the objective at which L-BFGS stops. SciPy's own for float64; in
#: float32 the objective is not known any better than this.
LBFGS_FTOL = {np.float64: 1e7 * np.finfo(np.float64).eps, np.float32: np.finfo(np.float32).eps}


@dataclass(frozen=True)
class LBFGS:
    """Minimises over all rows at once: one network, whose layers do not draw at random.

    Parameters
    ----------
    objective : Objective
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, n_targets)
    sample_weight : ndarray of shape (n_samples,) or None
    tol : float
        The largest element of the gradient at which to stop.
    max_fun : int
        Most evaluations of the objective.

    Notes
    -----
    With early stopping by validation scores, patience ends the training too.

    A fit that is resumed begins at the parameters reached, with an empty memory of gradients: it
    comes to the same tolerance, on another path.

    References
    ----------
    R. H. Byrd, P. Lu, J. Nocedal and C. Zhu, "A limited memory algorithm for bound
    constrained optimization", SIAM Journal on Scientific Computing 16, 1995.
    """

    objective: Objective
    X: Matrix
    y: FloatArray
    sample_weight: FloatArray | None
    tol: float
    max_fun: int

    def __call__(self, run: Run) -> str:
        """Minimise; see `skneural.minimizers.run.drive`.

        Returns
        -------
        reason : str
        """
        if run.n_iter >= run.max_iter:  # a fit that is resumed, and was through already
            return "max_iter"
        objective = self.objective
        check_rows(objective, self.X, self.y, self.sample_weight)
        shape = run.state.params.shape
        if objective.members or self.y.ndim > 2 or shape != (objective.network.n_params,):
            raise ValueError(
                f"L-BFGS trains one network, with a vector of {objective.network.n_params} "
                f"parameters: the objective has members={objective.members}, the state parameters "
                f"of shape {shape}, y the shape {self.y.shape}. Members side by side need "
                "mini-batches."
            )
        if objective.network.draws:
            raise ValueError(
                "L-BFGS needs the same value for the same parameters, and a layer of the network "
                "draws at random, such as Dropout: use mini-batches."
            )
        X = for_many_products(self.X) if objective.network.only_multiplies else self.X
        rows = (X, self.y, self.sample_weight)
        start = run.state.params
        dtype = start.dtype
        point = start.copy()
        fixed = [place for place, factor in objective.network.rates if factor == 0]
        variables = _Parameters()
        if objective.l1:
            variables = _SignedParts(objective, len(self.y), fixed)
        reported = np.nan

        def value_and_gradient(x: FloatArray) -> tuple[float, FloatArray]:
            # SciPy computes in float64 whatever the network computes in. As in scikit-learn it is
            # given the reported loss: for several outputs under squared error that is not quite
            # the function of this gradient, but anything else would end in another model. In single
            # precision the line search would give up on it, far from the minimum.
            nonlocal reported
            run.begin_epoch()
            point[...] = variables.params(x)
            descended, gradient, reported = objective.value_and_gradient(point, *rows)
            for place in fixed:
                gradient[place] = 0
            value = descended if dtype == np.float32 else reported
            return variables.value_and_gradient(x, value, gradient.astype(np.float64))

        def iteration_ended(x: FloatArray) -> None:
            run.end_epoch(
                reported,
                params=np.array(variables.params(x), dtype=dtype),
                gradient_norm=norm(objective.gradient),
                adapt=_stop_if_impatient,
            )

        result = scipy.optimize.minimize(
            value_and_gradient,
            variables.start(start.astype(np.float64)),
            method="L-BFGS-B",
            jac=True,
            bounds=variables.bounds(start),
            callback=iteration_ended,
            options={
                "maxiter": run.max_iter - run.n_iter,
                "maxfun": self.max_fun,
                "gtol": self.tol,
                "ftol": LBFGS_FTOL[dtype.type],
            },
        )
        if run.n_new == 0:
            # No step was possible from the start, whose loss is still unknown to the record.
            run.note_loss(objective.value_and_gradient(start, *rows)[2])
        run.message = f"status={result.status}: {result.message}"
        return _stop_reason(result, run, self.max_fun)


def _stop_if_impatient(record: Record, run: Run) -> Record:
    if not (run.stopping.by_score and run.stopping.is_out_of_patience(record.histories[0])):
        return record
    run.report_plateau("Stopping.")
    return changed(record, stopped=(run.stopping.reason,))


def _stop_reason(result: Any, run: Run, max_fun: int) -> str:
    params = run.state.params
    if not (np.isfinite(run.state.record.loss) and np.all(np.isfinite(params))):
        return "not_finite"
    if result.status == 0:
        return "converged"
    if run.n_iter >= run.max_iter or result.nfev >= max_fun:
        return "max_iter"
    # The line search gave up. In float32 that is how the limit of precision looks.
    return "no_progress" if params.dtype == np.float64 else "converged"


class _Parameters:
    """The parameters themselves as the variables x of the minimiser."""

    def start(self, params: FloatArray) -> FloatArray:
        """The variables of the parameters to begin with."""
        return params

    def params(self, x: FloatArray) -> FloatArray:
        """The parameters of variables."""
        return x

    def value_and_gradient(
        self, x: FloatArray, value: float, gradient: FloatArray
    ) -> tuple[float, FloatArray]:
        """The objective and its gradient in x, from those in the parameters."""
        return value, gradient

    def bounds(self, params: FloatArray) -> Any:
        """Between which numbers the variables have to be, None for any."""
        return None


class _SignedParts(_Parameters):
    """The positive and the negative part of every weight as variables, then the intercepts."""

    def __init__(self, objective: Objective, n_rows: int, fixed: Sequence[slice]) -> None:
        self._n_penalised = objective.network.n_penalised
        self._strength = objective.l1_strength(n_rows)
        self._fixed = fixed

    def start(self, params: FloatArray) -> FloatArray:
        weights, intercepts = np.split(params, [self._n_penalised])
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
        slope, intercepts = np.split(gradient, [self._n_penalised])
        parts = [slope + self._strength, self._strength - slope, intercepts]
        return value + self._strength * excess, np.concatenate(parts)

    def bounds(self, params: FloatArray) -> Any:
        start = self.start(params.astype(np.float64))
        lowest, highest = np.full(len(start), -np.inf), np.full(len(start), np.inf)
        lowest[: 2 * self._n_penalised] = 0
        numbers = np.arange(len(params))
        for place in self._fixed:
            own = numbers[place]
            parts = own[own < self._n_penalised], own + self._n_penalised
            for part in parts:
                lowest[part] = highest[part] = start[part]
        return scipy.optimize.Bounds(lowest, highest)

    def _parts(self, x: FloatArray) -> list[FloatArray]:
        return np.split(x, [self._n_penalised, 2 * self._n_penalised])
