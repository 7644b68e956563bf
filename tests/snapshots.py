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
    """All attributes of an estimator, except those named, and the seconds that epochs took."""
    but = (*but, "_seconds")
    return {name: frozen(part) for name, part in vars(estimator).items() if name not in but}
