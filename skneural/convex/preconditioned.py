r"""SciPy's L-BFGS and Newton-CG in preconditioned variables.

L-BFGS approximates the Hessian from the gradients of its last steps. Here the preconditioner is
recomputed every `MEMORY` iterations, when that memory has been filled once (see
`skneural.convex.preconditioning`): what it has learned by then, the Hessian at the point reached
says more exactly. Where the parameters are millions, the memory is what costs most; then Newton's
method with conjugate gradients (Newton-CG) needs a few vectors where L-BFGS needs two dozen.

The iterations between two choices of variables are a *round*. The objective is convex and the
parameters mean the same throughout, so that the stopping rule (`skneural.convex.stopping`) does not
depend on the variables: half the squared norm of the gradient in preconditioned variables, in which
the Hessian is near the identity, stands for half the squared Newton decrement.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.optimize

from skneural.arrays.lazy_property import lazy_property
from skneural.arrays.matrices import FloatArray, Matrix, in_single_precision, norm
from skneural.arrays.sparse_rows import for_many_products
from skneural.convex.curvature import HessianProduct
from skneural.convex.linear import sum_to_zero
from skneural.convex.preconditioning import (
    CentredPreconditioner,
    JointPreconditioner,
    joint_preconditioner,
    preconditioner,
)
from skneural.convex.stopping import (
    is_flat,
    is_optimum,
    is_small,
    negligible_decrease,
)
from skneural.convex.wide_preconditioning import wide_preconditioner
from skneural.minimizers.run import Run, Stop
from skneural.minimizers.state import Record
from skneural.objective import Objective

#: Pairs of vectors that L-BFGS remembers, and iterations between two choices of variables.
MEMORY = 10

#: Parameters for which a whitening of all classes together waits one round more.
PARAMS_PER_ROUND = 250

#: Iterations from which on few rows of many features are decomposed, which takes as long as ten.
WIDE_FROM = 3 * MEMORY

#: Products with the Hessian, for each variable, after which rounding keeps conjugate gradients from
#: an end: without rounding, one for each variable is enough. SciPy goes on to 20.
MAX_PRODUCTS_PER_VARIABLE = 2

#: The share of the possible decrease that a round may leave, where it has lowered the objective by
#: no more than rounding.
MIN_FALL = 0.25

#: Switches SciPy's own stopping rules off.
OPTIONS: dict[str, dict[str, float]] = {
    "L-BFGS-B": {"maxcor": MEMORY, "maxls": 50, "gtol": 0},
    "Newton-CG": {"xtol": 1e-300},  # some versions of SciPy take no step at all with 0
}

#: ``precondition(params)`` chooses the variables at a point.
Precondition = Callable[[FloatArray], CentredPreconditioner | JointPreconditioner]


class _RoundEnded(Exception):  # noqa: N818 - it is no error
    """Ends SciPy's minimiser, but not the training."""


@dataclass(frozen=True)
class PreconditionedMinimizer:
    """Minimises a convex objective over all rows, in preconditioned variables.

    Parameters
    ----------
    objective : Objective
        For a network without hidden layers; with 'Newton-CG' of the log loss.
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, n_outputs)
    sample_weight : ndarray of shape (n_samples,) or None
    tol : float
        See `skneural.convex.stopping`.
    method : {'L-BFGS-B', 'Newton-CG'}, default='L-BFGS-B'
        Which of SciPy's.
    precondition : callable or None, default=None
        ``precondition(params) -> Preconditioner``; None for that of the log loss, see
        `skneural.convex.preconditioning.preconditioner`.

    Notes
    -----
    SciPy's memory of gradients cannot be stored. A training that is resumed repeats the iterations
    of its last round, at most `MEMORY`, from the parameters in its state: they come out the same.

    References
    ----------
    - R. H. Byrd, P. Lu, J. Nocedal and C. Zhu, "A limited memory algorithm for bound
      constrained optimization", SIAM Journal on Scientific Computing 16, 1995.
    - J. Nocedal and S. J. Wright, *Numerical Optimization*, second edition, 2006, section 7.1
      (Newton-CG).
    """

    objective: Objective
    X: Matrix
    y: FloatArray
    sample_weight: FloatArray | None
    tol: float
    method: str = "L-BFGS-B"
    precondition: Precondition | None = None

    def __call__(self, run: Run) -> str:
        """Minimise; see `skneural.minimizers.run.drive`.

        Returns
        -------
        reason : str
        """
        self._set_start(run)
        rounds = _Rounds(self, run)
        if run.n_iter == 0:
            run.note_loss(rounds.loss)
        if not math.isfinite(rounds.loss):
            return "not_finite"
        variables = _Variables(self)
        rounds.begin(variables.at(run))
        options = dict(OPTIONS[self.method])
        if self.method == "L-BFGS-B":
            options["ftol"] = negligible_decrease(1.0, np.float64)
        while True:
            if rounds.is_optimum():
                return "converged"
            if run.n_iter >= run.max_iter:
                run.is_good_enough = rounds.is_flat()
                return "max_iter"
            n_before = run.n_iter
            loss_before, decrease_before = rounds.loss, rounds.possible_decrease()
            with suppress(_RoundEnded):
                scipy.optimize.minimize(
                    rounds.evaluate,
                    np.zeros(rounds.n_variables),
                    method=self.method,
                    jac=True,
                    hessp=rounds.hessian_times if self.method == "Newton-CG" else None,
                    callback=rounds.end_iteration,
                    options={"maxiter": min(MEMORY, run.max_iter - run.n_iter), **options},
                )
            if run.n_iter >= run.max_iter and run.n_iter - n_before < MEMORY:
                continue  # what the whole round would have come to is not known
            possible_decrease = rounds.possible_decrease()
            # The gradient goes on to fall where the objective no longer does.
            is_flatter = possible_decrease < MIN_FALL * decrease_before
            if loss_before - rounds.loss <= rounds.negligible and not is_flatter:
                at_the_limit = possible_decrease <= rounds.negligible
                run.is_good_enough = rounds.is_flat() and is_small(possible_decrease, self.tol)
                return "converged" if at_the_limit else "no_progress"
            if run.n_iter < run.max_iter:
                rounds.begin(variables.at(run))

    def _set_start(self, run: Run) -> None:
        """Set the run to the start of the first round, or of the one that was not finished."""
        saved, state = run.state.minimizer, run.state
        if saved.get("method") != self.method:
            params = state.params.copy()
            sum_to_zero(self.objective.network, params)
            minimizer = self.round_started(params, state.record)
            run.start_at(replace(state, params=params, minimizer=minimizer))
        elif run.n_iter < run.max_iter:
            record = state.record.cut(saved["record"])
            run.start_at(replace(state, params=saved["params"], record=record))

    def round_started(self, params: FloatArray, record: Record) -> dict[str, Any]:
        """What the state of the training holds throughout a round: where it started."""
        return {"method": self.method, "params": params, "record": record.mark()}


class _Variables:
    """Chooses the variables of the round to come."""

    def __init__(self, problem: PreconditionedMinimizer) -> None:
        objective = problem.objective
        self._problem = problem
        self._separate: Precondition = problem.precondition or preconditioner(
            objective.network,
            problem.X,
            problem.sample_weight,
            objective.alpha,
            # That of the products with the Hessian.
            precision=np.float32 if problem.method == "Newton-CG" else None,
        )
        # A problem that has taken two rounds is hard: then the whole Hessian is computed. The more
        # parameters there are, the later.
        self._joint_from: float = MEMORY * (2 + objective.network.n_params // PARAMS_PER_ROUND)
        if problem.method != "L-BFGS-B":
            self._joint_from = math.inf

    def at(self, run: Run) -> CentredPreconditioner | JointPreconditioner:
        """The preconditioner where the training stands."""
        precondition = self._separate
        if run.n_iter >= self._joint_from and self._joint is not None:
            precondition = self._joint
        elif run.n_iter >= WIDE_FROM and self._wide is not None:
            precondition = self._wide
        return precondition(run.state.params)

    @lazy_property
    def _joint(self) -> Precondition | None:
        problem = self._problem
        return joint_preconditioner(problem.objective, problem.X, problem.sample_weight)

    @lazy_property
    def _wide(self) -> Precondition | None:
        problem = self._problem
        if problem.precondition is not None:
            return None
        return wide_preconditioner(problem.objective, problem.X, problem.sample_weight)


class _Rounds:
    """The evaluations and iterations of one of SciPy's minimisers, round by round.

    The variables of a round say how far the parameters have moved since it started.
    """

    def __init__(self, problem: PreconditionedMinimizer, run: Run) -> None:
        self._run = run
        self._problem = problem
        self._objective = problem.objective
        self._rows = (for_many_products(problem.X), problem.y, problem.sample_weight)
        self._single: Matrix | None = None
        self._point = run.state.params.copy()
        # SciPy computes in float64 whatever the network computes in.
        self._gradient: FloatArray = np.empty(len(self._point))
        self._gradient_tried: FloatArray = np.empty(len(self._point))
        self.loss = self._evaluate_point(self._gradient)

    def begin(self, preconditioner: CentredPreconditioner | JointPreconditioner) -> None:
        """Begin a round, in variables of its own, where the training stands."""
        state = self._run.state
        self._preconditioner = preconditioner
        self._hessian: HessianProduct | None = None
        self._preconditioned = preconditioner.gradient(self._gradient)
        self._loss_at_start, self._slope_at_start = self.loss, self._preconditioned
        self._start = state.params.astype(np.float64)
        self._stands_at_start = True
        self._has_tried = False
        self._saved = self._problem.round_started(state.params, state.record)

    @property
    def n_variables(self) -> int:
        """How many variables this round has."""
        return self._preconditioner.n_variables

    @property
    def negligible(self) -> float:
        """A change of the objective that is rounding."""
        return negligible_decrease(self.loss, self._point.dtype)

    def evaluate(self, variables: FloatArray) -> tuple[float, FloatArray]:
        """Value, and gradient in the variables."""
        if self._stands_at_start and not variables.any():  # known from the round before
            return self.loss, self._preconditioned
        self._run.begin_epoch()
        self._point[...] = self._start + self._preconditioner.step(variables)
        self._loss_tried = self._evaluate_point(self._gradient_tried)
        self._preconditioned_tried = self._preconditioner.gradient(self._gradient_tried)
        self._has_tried = True
        return self._value_of(variables), self._preconditioned_tried

    def _value_of(self, variables: FloatArray) -> float:
        """What SciPy's line search is given as the value at the point that has been tried.

        In single precision, changes of the objective are lost in rounding while the gradient has
        digits left. As long as they are that small, the change since the start of the round is the
        integral of the gradient on the way, by the trapezoidal rule.
        """
        change = self._loss_tried - self._loss_at_start
        if self._point.dtype == np.float64 or abs(change) > self.negligible:
            return self._loss_tried
        slope = 0.5 * (self._slope_at_start + self._preconditioned_tried)
        return self._loss_at_start + float(np.dot(slope, variables))

    def hessian_times(self, variables: FloatArray, direction: FloatArray) -> FloatArray:
        """Product of the Hessian where the training stands with a direction."""
        if self._hessian is None:
            self._n_products = 0
            X, _, weight = self._rows
            if self._single is None:
                # The gradient decides where the optimum is; the steps need not be so exact.
                single = in_single_precision(self._problem.X)
                self._single = X if single.dtype == X.dtype else for_many_products(single)
            self._hessian = HessianProduct(
                self._objective, self._run.state.params, self._single, weight
            )
        if self._n_products == MAX_PRODUCTS_PER_VARIABLE * self.n_variables:
            raise _RoundEnded
        self._n_products += 1
        step = self._preconditioner.step(direction)
        return self._preconditioner.gradient(self._hessian.times(step))

    def end_iteration(self, variables: FloatArray) -> None:
        """Go to the point that SciPy has evaluated last, and stop SciPy at an optimum."""
        # A line search that failed by rounding has gone nowhere, or uphill.
        if not self._has_tried or self._loss_tried > self.loss + self.negligible:
            raise _RoundEnded
        self._stands_at_start = self._has_tried = False
        self._hessian = None
        self.loss = self._loss_tried
        self._gradient, self._gradient_tried = self._gradient_tried, self._gradient
        self._preconditioned = self._preconditioned_tried
        self._run.end_epoch(
            self.loss,
            params=self._point.copy(),
            gradient_norm=norm(self._gradient),
            minimizer=self._saved,
        )
        if self.is_optimum():
            if self._preconditioner.is_judge_of_its_start_only:
                raise _RoundEnded  # the variables of the next round judge this point
            raise Stop("converged")

    def is_optimum(self) -> bool:
        """Whether the training stands at an optimum.

        In single precision a decrease that is lost in rounding is none to wait for.
        """
        possible_decrease = self.possible_decrease()
        if self._point.dtype != np.float64 and possible_decrease <= self.negligible:
            return self.is_flat()
        return is_optimum(self._gradient, possible_decrease, self._problem.tol)

    def is_flat(self) -> bool:
        """Whether at least the gradient is as small as it should be."""
        return is_flat(self._gradient, self._problem.tol)

    def possible_decrease(self) -> float:
        """How far the objective can still fall: as the gradient has it, and never below zero."""
        estimate = 0.5 * float(np.dot(self._preconditioned, self._preconditioned))
        return min(estimate, self.loss)

    def _evaluate_point(self, gradient: FloatArray) -> float:
        value, gradient[...], _ = self._objective.value_and_gradient(self._point, *self._rows)
        return float(value)
