"""`resume`: whether a fit that ended before its plan can be continued, and by what.

A fit that goes on must be the same fit: the same parameters, of which a few bytes of a digest each
are kept, and the same rows, of which shape, dtype, classes and total weight are compared.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np

from skneural.estimators.data import Data, Rows
from skneural.estimators.digest import N_BYTES, digest_of_settings, has_digest
from skneural.estimators.model import Fitted, Origin
from skneural.estimators.user_warnings import warn_user
from skneural.estimators.validation import rows_of_criterion
from skneural.minimizers.run import FINISHED
from skneural.settings import Settings

#: Kinds of parameters that can be changed in place.
CHANGEABLE = (Settings, list, dict, np.ndarray)


def is_finished(reason: str) -> bool:
    """Whether a fit that ended for this reason leaves nothing to continue."""
    return reason in FINISHED


def settings_of(estimator: Any) -> dict[str, Any]:
    """The constructor parameters; those that can be changed in place in copies."""
    settings: dict[str, Any] = {}
    for name in estimator._get_param_names():
        value = getattr(estimator, name)
        settings[name] = deepcopy(value) if isinstance(value, CHANGEABLE) else value
    return settings


def check_resumable(estimator: Any, fitted: Fitted | None) -> bool:
    """Whether there is something to continue; False, with a warning, if the fit is finished.

    Raises
    ------
    ValueError
        If a parameter other than `max_iter` has another value than in the fit, or if the last call
        was none of fit.
    """
    assert fitted is not None
    name, reason = type(estimator).__name__, fitted.outcome.stop_reason
    if is_finished(reason):
        warn_user(
            f"There is nothing to resume: the fit of this {name} has ended by {reason!r}. Call "
            "fit, with warm_start=True to go on from the fitted weights."
        )
        return False
    if not fitted.is_resumable:
        raise ValueError(
            f"resume continues a fit, and the last training of this {name} was none: it was made "
            "by partial_fit or from given weights. Call partial_fit, or fit with warm_start=True."
        )
    _check_settings(estimator, fitted)
    return True


def _check_settings(estimator: Any, fitted: Fitted) -> None:
    before = digest_of_settings(fitted.origin.settings)
    now = settings_of(estimator)
    for i, name in enumerate(sorted(now)):
        if has_digest(now[name], before[i * N_BYTES : (i + 1) * N_BYTES]):
            continue
        value = getattr(estimator, name)
        if name != "max_iter":
            raise ValueError(
                f"{name}={_shown(value)} is not what the fit was begun with: resume continues the "
                "same fit, and only max_iter may be another. Set it back, or call fit."
            )
        if value < fitted.outcome.n_iter:
            raise ValueError(
                f"max_iter={value} is below the {fitted.outcome.n_iter} epochs that the fit has "
                "been through already."
            )
        has_max_iter = getattr(estimator, "_schedule_has_max_iter", None)
        if has_max_iter is not None and has_max_iter():
            warn_user(
                f"max_iter={value} is not what the fit was begun with, and the learning rate "
                "follows it: from here on the schedule is that of the new max_iter."
            )


def _shown(value: Any) -> str:
    """A value with all its settings, those as by default included."""
    if not isinstance(value, Settings):
        return repr(value)
    settings = value.get_params(deep=False).items()
    return f"{type(value).__name__}({', '.join(f'{name}={each!r}' for name, each in settings)})"


def check_same_rows(fitted: Fitted, rows: Rows) -> None:
    """Raise ValueError unless these can be the rows of the fit that is resumed.

    Their features have been compared with the model before.
    """
    n_rows, n_fit_rows = rows.X.shape[0], fitted.origin.n_fit_rows
    if n_rows != n_fit_rows:
        raise ValueError(
            f"resume continues the fit of {n_fit_rows} rows: X has {n_rows}. Pass the same rows, "
            "or call fit."
        )
    if rows.X.dtype != fitted.model.dtype:
        raise ValueError(
            f"resume continues a fit in {fitted.model.dtype}: the dtype of X asks for "
            f"{rows.X.dtype}. Pass the same rows, or call fit."
        )


def check_same_data(fitted: Fitted, origin: Origin, data: Data) -> None:
    """Raise ValueError unless weights and validation rows are those of the fit that is resumed.

    Parameters
    ----------
    fitted : Fitted
    origin : Origin
        Of the plan that these data have led to.
    data : Data
    """
    total_weight = data.total_weight
    if not np.isclose(total_weight, fitted.origin.fit_weight, rtol=1e-6, atol=0):
        raise ValueError(
            f"resume continues a fit whose sample weights, times class weights, add up to "
            f"{fitted.origin.fit_weight:g}; these add up to {total_weight:g}. Pass the same "
            "sample_weight, or call fit."
        )
    # Of the metric and the loss, the parameters have been compared.
    if rows_of_criterion(origin.criterion) != rows_of_criterion(fitted.origin.criterion):
        raise ValueError(
            "resume continues a fit with other validation rows: pass the same X_val, y_val and "
            "sample_weight_val, or none if fit had none."
        )
