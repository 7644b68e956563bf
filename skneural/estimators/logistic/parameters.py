"""The parameters of logistic regression: possible values, and which of them go together."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

from skneural.estimators.data import COMPUTING_DTYPES
from skneural.estimators.logistic.penalty import penalty_name, warn_of_old_parameters
from skneural.estimators.sklearn_private import Hidden, Interval, Options, StrOptions

STOCHASTIC = ("sgd", "adam")

#: scikit-learn's solvers that pass over the rows at random, and ours that does their work.
SAG_FAMILY = ("sag", "saga", "fista")

#: For scikit-learn's check of the parameters.
CONSTRAINTS: dict[str, Any] = {
    "penalty": [
        StrOptions({"l1", "l2", "elasticnet"}),
        None,
        Hidden(StrOptions({"deprecated"})),
    ],
    "C": [Interval(Real, 0, None, closed="right")],
    "l1_ratio": [Interval(Real, 0, 1, closed="both"), None],
    "dual": ["boolean"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "fit_intercept": ["boolean"],
    "intercept_scaling": [Interval(Real, 0, None, closed="neither")],
    "class_weight": [dict, StrOptions({"balanced"}), None],
    "random_state": ["random_state"],
    "solver": [
        StrOptions(
            {"lbfgs", "newton-cholesky", "newton-cg", "liblinear", *SAG_FAMILY, *STOCHASTIC}
        ),
    ],
    "max_iter": [Interval(Integral, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "n_jobs": [None, Integral],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "n_iter_no_change": [
        Interval(Integral, 1, None, closed="left"),
        Options(Real, {math.inf}),
    ],
    "dtype": [StrOptions(set(COMPUTING_DTYPES))],
}


def check_settings(estimator: Any) -> None:
    """Raise ValueError for parameters that do not go together; warn of those of the past."""
    penalty, solver = penalty_name(estimator), estimator.solver
    if (estimator.penalty, estimator.l1_ratio, estimator.n_jobs) != ("deprecated", 0, None):
        warn_of_old_parameters(estimator, penalty)
    if solver == "liblinear":
        _check_liblinear(estimator, penalty)
    elif solver not in ("fista", "saga") and penalty not in ("l2", None):
        raise ValueError(
            f"Solver {solver} supports only 'l2' or None penalties, got {penalty} penalty. "
            "Use solver='fista' for l1_ratio > 0."
        )
    elif estimator.dual:
        raise ValueError(f"Solver {solver} supports only dual=False, got dual=True")
    if penalty == "elasticnet" and estimator.l1_ratio is None:
        raise ValueError("l1_ratio must be specified when penalty is elasticnet.")
    if estimator.early_stopping and solver not in STOCHASTIC:
        raise ValueError(
            f"early_stopping=True is for solver='sgd' and 'adam', got solver={solver!r}, "
            "which goes to the optimum: use early_stopping=False."
        )


def _check_liblinear(estimator: Any, penalty: str | None) -> None:
    """Raise ValueError, in scikit-learn's words, for what its solver of that name cannot do."""
    if penalty == "elasticnet":
        raise ValueError(
            "Only 'saga' solver supports elasticnet penalty, got solver=liblinear. Here 'fista' "
            f"supports it too: l1_ratio={estimator.l1_ratio} is between 0 and 1."
        )
    if penalty is None or math.isinf(estimator.C):
        raise ValueError(
            "C=np.inf as well as penalty=None is not supported for the liblinear solver"
        )
    if penalty == "l1" and estimator.dual:
        raise ValueError(
            "Unsupported set of arguments: The combination of penalty='l1' and "
            "loss='logistic_regression' are not supported when dual=True, Parameters: "
            "penalty='l1', loss='logistic_regression', dual=True"
        )
    if estimator.dtype == "float32":
        raise ValueError(
            "solver='liblinear' computes in float64, as scikit-learn's does: got dtype='float32'. "
            "Use dtype='auto' or 'float64', or another solver."
        )


def has_epochs(estimator: Any) -> bool:
    """True where partial_fit is possible; AttributeError where it is not, for `available_if`."""
    if estimator.solver not in STOCHASTIC:
        raise AttributeError(
            "partial_fit learns from mini-batches, which is for solver='sgd' and 'adam': "
            f"solver={estimator.solver!r} needs all rows at once."
        )
    return True
