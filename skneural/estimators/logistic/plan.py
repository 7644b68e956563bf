"""From the parameters of logistic regression and data to a training that can be run."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from scipy.linalg import LinAlgWarning

from skneural.arrays.matrices import FloatArray, Matrix
from skneural.convex.solvers import convex_minimizer
from skneural.estimators.data import Data
from skneural.estimators.full_batch_plan import full_batch_plan
from skneural.estimators.logistic.parameters import SAG_FAMILY, STOCHASTIC
from skneural.estimators.logistic.penalised_intercept import penalised_problem
from skneural.estimators.logistic.penalty import as_float, penalty_name
from skneural.estimators.mini_batch_plan import MiniBatchSettings, mini_batch_plan
from skneural.estimators.model import Model
from skneural.estimators.plan import Plan, Start
from skneural.estimators.problem import Problem, Selection
from skneural.estimators.targets import Labels
from skneural.estimators.user_warnings import warn_user
from skneural.losses import LOSSES
from skneural.minimizers.history import EarlyStopping
from skneural.minimizers.run import Run
from skneural.network import dense_network
from skneural.objective import Objective
from skneural.optimizers import SGD, Adam, Optimizer
from skneural.schedules import Adaptive, Constant, InverseScaling, Schedule

#: scikit-learn's 'sag' and 'saga' stop when no weight changes any more by the share `tol`, which
#: asks for more than a gradient of `tol`: who sets it in their sense still gets what they expect.
TOLERANCE_SHARES = {"sag": 0.1, "saga": 0.1, "liblinear": 1e-3}

#: Strength of a penalty beside which no data count, and that can be computed with.
MAX_STRENGTH = 1e300


def logistic_plan(estimator: Any, data: Data, start: Start) -> Plan:
    """The plan of a training of logistic regression.

    Parameters
    ----------
    estimator : ScratchLogisticRegression
        With its parameters.
    data : Data
    start : Start

    Raises
    ------
    ValueError
        If there is only one class, or more than two with solver='liblinear'.
    """
    labels = data.targets
    assert isinstance(labels, Labels)
    if len(labels.classes) < 2:
        raise ValueError(
            "This solver needs samples of at least 2 classes in the data, but the data "
            f"contains only one class: {labels.classes.tolist()[0]!r}"
        )
    if estimator.solver == "liblinear" and len(labels.classes) > 2:
        raise ValueError(
            "The 'liblinear' solver does not support multiclass classification (n_classes >= 3). "
            "Either use another solver or wrap the estimator in a OneVsRestClassifier to keep "
            "applying a one-versus-rest scheme. Only binary classification is supported. The type "
            "of the target is multiclass."
        )
    layer_sizes = (data.rows.X.shape[1], labels.n_outputs)
    empty: FloatArray = np.empty(0, dtype=data.rows.X.dtype)
    model = Model(layer_sizes[0], data.feature_names, layer_sizes, (), empty, labels)
    network = model.network
    if not estimator.fit_intercept:
        network = dense_network(layer_sizes, (), fit_intercept=False, check_input=False)
    stops_early = bool(estimator.early_stopping)
    problem = Problem(
        estimator,
        data,
        start,
        model,
        network,
        LOSSES["log_loss", labels.link.name],
        Selection("score", None, holds_out=stops_early, restores_best=stops_early),
    )
    l2 = l1 = 0.0
    penalty = penalty_name(estimator)
    if penalty is not None:
        l1_ratio = {"l2": 0.0, "l1": 1.0}.get(penalty, estimator.l1_ratio)
        # The inverse of the smallest numbers is infinite, and infinity times zero weights is none.
        strength, unit = min(1 / as_float(estimator.C), MAX_STRENGTH), data.rows.weight_unit
        l2, l1 = (1 - l1_ratio) * strength / unit, l1_ratio * strength / unit
    if estimator.solver not in STOCHASTIC:
        return _convex_plan(problem, l2, l1)
    settings = MiniBatchSettings(
        _optimizer(estimator), _schedule(estimator), l2, shares_penalty=True
    )
    return mini_batch_plan(problem, settings)


def _convex_plan(problem: Problem, l2: float, l1: float) -> Plan:
    """That of a minimiser which sees all rows.

    The strengths of the penalties are relative to the sum of the losses.
    """
    estimator, rows = problem.estimator, problem.data.rows
    X, to_model = rows.X, None
    if estimator.solver == "liblinear":
        scaling = float(estimator.intercept_scaling) if estimator.fit_intercept else None
        X, network, to_model = penalised_problem(X, scaling, has_l1=l1 > 0)
        problem = replace(problem, network=network)
    # There is one optimum, from all initial weights: those of a new training are zero.
    params: FloatArray = np.zeros(problem.network.n_params, dtype=X.dtype)
    if problem.start.earlier is not None:
        params, _ = problem.start.params(problem.network, X.dtype, X)
    target = rows.target.astype(X.dtype, copy=False)
    n_rows, weight, tol = X.shape[0], rows.weight, as_float(estimator.tol)
    mean_weight = 1.0 if weight is None else float(np.mean(weight, dtype=float))
    objective = Objective(problem.network, problem.loss, l2, n_rows, mean_weight, X.dtype, n_rows)
    if problem.start.mode == "warm_start":
        _leave_worse_than_zero(params, objective, X, target, weight)
    minimize = convex_minimizer(
        estimator.solver,
        objective,
        X,
        target,
        weight,
        tol=tol * TOLERANCE_SHARES.get(estimator.solver, 1.0),
        l1=l1,
        warn=partial(_warn_of_singular_hessian, estimator.solver),
    )
    plan = full_batch_plan(
        problem,
        minimize,
        EarlyStopping(tol, np.inf),
        params,
        drawn=(),
        convergence_warning=partial(_convergence_warning, estimator),
    )
    return plan if to_model is None else replace(plan, to_model=to_model)


def _leave_worse_than_zero(
    params: FloatArray, objective: Objective, X: Matrix, target: FloatArray, weight: Any
) -> None:
    """Begin at zero where an earlier model is worse than that, for these rows and this penalty.

    Where it is certain of what is wrong, its curvature is zero but for rounding, and no step of a
    second-order method leads away.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        earlier = objective.value_and_gradient(params, X, target, weight)[0]
        zero = objective.value_and_gradient(np.zeros_like(params), X, target, weight)[0]
    if not earlier <= zero:
        params[...] = 0


def _optimizer(estimator: Any) -> Optimizer:
    return SGD(estimator.momentum) if estimator.solver == "sgd" else Adam()


def _schedule(estimator: Any) -> Schedule:
    # For both optimizers: a mini-batch method converges only where its steps get smaller.
    schedules: dict[str, Schedule] = {
        "constant": Constant(),
        "invscaling": InverseScaling(),
        "adaptive": Adaptive(),
    }
    return schedules[estimator.learning_rate]


def _warn_of_singular_hessian(solver: str, n_iter: int) -> None:
    warn_user(
        "The matrix of second derivatives is singular, or too nearly so, in iteration "
        f"{n_iter + 1} of solver={solver!r}: features are copies or sums of others without "
        "a penalty that tells them apart, or all predictions are certain. solver='lbfgs' takes "
        "over.",
        LinAlgWarning,
    )


def _convergence_warning(estimator: Any, run: Run, reason: str) -> str:
    if reason in ("max_iter", "no_progress") and run.is_good_enough:
        return ""
    solver, n_iter = run.message or estimator.solver, run.n_iter
    if reason == "no_progress":
        return (
            f"{solver} failed to converge after {n_iter} iteration(s). Rounding prevents any "
            "further decrease: features may be on extreme scales."
        )
    advice = f"Increase the number of iterations. max_iter is now {estimator.max_iter}."
    if solver in SAG_FAMILY:
        return (
            "The max_iter was reached which means the coef_ did not converge within "
            f"{n_iter} iteration(s) of solver={solver!r}. {advice}"
        )
    if estimator.solver == "liblinear":
        return f"Liblinear failed to converge, increase the number of iterations. {advice}"
    if solver == "newton-cholesky":
        return f"Newton solver did not converge after {n_iter} iterations. {advice}"
    return f"{solver} failed to converge after {n_iter} iteration(s). {advice}"
