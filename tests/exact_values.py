"""Values as something that is equal only for values of the same types and the same bits."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

from skneural.settings import Settings


def exact(value):
    """A value with the types of all its parts, the order of keys, and the bits of numbers."""
    kind = type(value).__name__
    if isinstance(value, np.ndarray):
        content = exact(value.tolist()) if value.dtype.hasobject else value.tobytes()
        return kind, str(value.dtype.descr), value.shape, content
    if sparse.issparse(value):
        return kind, exact(value.data), exact(value.indices), exact(value.indptr), value.shape
    if isinstance(value, dict):
        return kind, [(exact(key), exact(part)) for key, part in value.items()]
    if isinstance(value, list | tuple | range):
        return kind, [exact(part) for part in value]
    if isinstance(value, np.random.RandomState):
        return kind, exact(value.get_state(legacy=False))
    if isinstance(value, Settings):
        return kind, exact(vars(value))
    if isinstance(value, BaseEstimator):
        return kind, exact({**vars(value), "_fitted": fitted_parts(value)})
    if type(value).__module__.split(".")[0] == "pandas":
        return kind, str(value.dtype), exact(list(value)), value.name
    if type(value).__module__.startswith("sklearn.model_selection"):
        return kind, exact(vars(value))
    if type(value).__module__ == "sklearn.metrics._scorer":
        return kind, exact(vars(value))
    return kind, repr(value)


def fitted_parts(estimator):
    """What a fit has left, as it is in a file."""
    return None if vars(estimator).get("_fitted") is None else estimator.__getstate__()["_fitted"]
