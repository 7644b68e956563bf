"""The penalty that the parameters of logistic regression ask for, old ones included."""

from __future__ import annotations

import math
from typing import Any

from skneural.estimators.user_warnings import warn_user


def penalty_name(settings: Any) -> str | None:
    """'l2', 'l1', 'elasticnet' or None, as scikit-learn 1.9 understands the parameters.

    Parameters
    ----------
    settings : estimator
        Has the constructor parameters `penalty`, `C` and `l1_ratio`.
    """
    if settings.penalty != "deprecated":
        return str(settings.penalty) if settings.penalty is not None else None
    if as_float(settings.C) == math.inf:
        return None
    if not settings.l1_ratio:
        return "l2"
    return "l1" if settings.l1_ratio == 1 else "elasticnet"


def as_float(value: Any) -> float:
    """A real number as a float: an int may be larger than any float, and is infinite then."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def warn_of_old_parameters(settings: Any, name: str | None) -> None:
    """Give the warnings of scikit-learn 1.9, so that a changed import changes none."""
    penalty, l1_ratio = settings.penalty, settings.l1_ratio
    if penalty != "deprecated":
        warn_user(
            "'penalty' was deprecated in scikit-learn 1.8. Leave it out, and use l1_ratio=0 "
            "instead of penalty='l2', l1_ratio=1 instead of penalty='l1', l1_ratio between 0 and "
            "1 instead of penalty='elasticnet', and C=np.inf instead of penalty=None.",
            FutureWarning,
        )
    elif l1_ratio is None:
        warn_user(
            "'l1_ratio=None' was deprecated in scikit-learn 1.8. Use 0 <= l1_ratio <= 1.",
            FutureWarning,
        )
    if name != "elasticnet" and l1_ratio is not None and 0 < l1_ratio < 1:
        warn_user(
            f"l1_ratio parameter is only used when penalty is 'elasticnet'. Got (penalty={name})"
        )
    if l1_ratio != {"l2": 0, "l1": 1}.get(penalty, l1_ratio):
        warn_user(
            f"Inconsistent values: penalty={penalty} with l1_ratio={l1_ratio}. penalty is "
            "deprecated: use l1_ratio only."
        )
    if penalty is None and settings.C != 1.0:
        warn_user("Setting penalty=None will ignore the C and l1_ratio parameters")
    if settings.n_jobs is not None:
        warn_user(
            "'n_jobs' has no effect, as in scikit-learn since 1.8: leave out "
            f"n_jobs={settings.n_jobs}.",
            FutureWarning,
        )
