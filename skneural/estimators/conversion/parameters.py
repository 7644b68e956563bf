"""Constructor parameters on their way to an estimator that lacks some of them, or some values."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from skneural.estimators.sklearn_private import (
    InvalidParameterError,
    validate_parameter_constraints,
)
from skneural.estimators.user_warnings import warn_user
from skneural.settings import equal_values


def shared_parameters(params: Mapping[str, Any], kind: type) -> tuple[dict[str, Any], list[str]]:
    """Which parameters another class has too, and what it has not.

    Parameters
    ----------
    params : mapping of str to object
        By name, as `get_params` gives them.
    kind : type
        The class of the estimator to be made.

    Returns
    -------
    shared : dict
        Parameters that `kind` has, with values that are valid for it.
    lost : list of str
        Names of all others.
    """
    known = inspect.signature(kind).parameters
    shared = {
        name: value
        for name, value in params.items()
        if name in known and _is_valid(name, value, kind)
    }
    return shared, [name for name in params if name not in shared]


def _is_valid(name: str, value: Any, kind: Any) -> bool:
    try:
        validate_parameter_constraints(kind._parameter_constraints, {name: value}, kind.__name__)
    except InvalidParameterError:
        return False
    return True


def is_by_default(estimator: Any, name: str) -> bool:
    """Whether a parameter is what the constructor would have set it to: 0 is 0.0 here."""
    # The constructor of a subclass may lack it.
    signatures = map(inspect.signature, type(estimator).__mro__)
    default = next(each.parameters[name] for each in signatures if name in each.parameters).default
    return equal_values(getattr(estimator, name), default)


def warn_of_lost(estimator: Any, kind: type, lost: Iterable[str]) -> None:
    """One warning that lists what the new estimator will not train with.

    Parameters
    ----------
    estimator : estimator
        That is converted.
    kind : type
        Class of the new one.
    lost : iterable of str
        Names of parameters; those that are as by default go without saying.
    """
    named = [
        f"{name}={getattr(estimator, name)!r}"
        for name in lost
        if not is_by_default(estimator, name)
    ]
    if named:
        warn_user(
            f"{kind.__name__} has no such training settings: {', '.join(named)}. Predictions are "
            "the same; its own defaults take their place in further training."
        )
