"""Snapshots of values and estimators that can be compared byte for byte."""

from __future__ import annotations

import numpy as np
from scipy import sparse


def frozen(value):
    """Equal for equal values, byte for byte: arrays, containers, generators, numbers."""
    if isinstance(value, np.ndarray):
        content = value.tolist() if value.dtype == object else value.tobytes()
        return value.dtype.str, value.shape, content
    if sparse.issparse(value):
        return value.format, frozen(value.toarray())
    if isinstance(value, dict):
        return {name: frozen(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [frozen(part) for part in value]
    if isinstance(value, np.random.RandomState):
        return frozen(value.get_state(legacy=False))
    return repr(value)


def state(estimator, *but):
    """All of an estimator: its parameters, and what a fit has left, as in a pickle of it.

    Except for what is named, wherever it is found, and the seconds that epochs took. The names are
    those of attributes of the estimator, and of the parts of its fitted object.
    """
    parts = dict(vars(estimator))
    if parts.get("_fitted") is not None:
        fitted = parts["_fitted"]
        parts["_fitted"] = {**fitted.to_dict(), "outcome": dict(vars(fitted.outcome))}
    return frozen(_without({*but, "seconds"}, parts))


def _without(names, value):
    if not isinstance(value, dict):
        return value
    return {name: _without(names, part) for name, part in value.items() if name not in names}
