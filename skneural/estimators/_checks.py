"""Checks of what users pass, beyond those that scikit-learn offers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy import sparse

from skneural._sklearn import InvalidParameterError


def checked_layer_sizes(hidden_layer_sizes: Any, estimator_name: str) -> tuple[int, ...]:
    """`hidden_layer_sizes` as a tuple; InvalidParameterError unless positive integers."""
    sizes = np.atleast_1d(np.asarray(hidden_layer_sizes, dtype=object))
    if sizes.ndim != 1 or not all(
        isinstance(size, Integral) and not isinstance(size, bool) for size in sizes
    ):
        raise InvalidParameterError(
            f"The 'hidden_layer_sizes' parameter of {estimator_name} must be an integer or a "
            f"sequence of integers, one per hidden layer. Got {hidden_layer_sizes!r} instead."
        )
    if any(size < 1 for size in sizes):
        raise InvalidParameterError(f"hidden_layer_sizes must be > 0, got {list(sizes)}.")
    return tuple(int(size) for size in sizes)


def native(X: Any) -> Any:
    """`X` in the byte order of the machine: scikit-learn takes no other for float32."""
    dtype = getattr(X, "dtype", None)
    if isinstance(dtype, np.dtype) and not dtype.isnative:
        return X.astype(dtype.newbyteorder("="))
    return X


def refuse_masked(**arrays: Any) -> None:
    """Raise ValueError for a masked array with masked values, which NumPy would ignore."""
    for name, array in arrays.items():
        if isinstance(array, np.ma.MaskedArray) and np.ma.is_masked(array):
            n_masked = np.count_nonzero(np.ma.getmaskarray(array))
            raise ValueError(
                f"{name} is a masked array with {n_masked} masked values, which would be taken "
                "for data. Fill or drop them first."
            )


@contextmanager
def naming_the_column(X: Any) -> Iterator[None]:
    """Add to a ValueError about `X` which column is the first not to be all finite numbers."""
    try:
        yield
    except ValueError as error:
        column = _first_bad_column(X)
        if column is None or type(error) is not ValueError:
            raise
        raise ValueError(f"{error}\n{column}") from error


def _first_bad_column(X: Any) -> str | None:
    if sparse.issparse(X) or len(getattr(X, "shape", ())) != 2 or 0 in X.shape:
        return None
    names = list(getattr(X, "columns", range(X.shape[1])))
    for name in names:
        values = np.asarray(X[name] if hasattr(X, "columns") else X[:, name])
        if values.dtype.kind == "c":
            return f"Column {name!r} of X is complex."
        try:
            bad = ~np.isfinite(values.astype(float))
        except (TypeError, ValueError):
            text = next(value for value in values if not isinstance(value, Real))
            return f"Column {name!r} of X is not numeric: it holds {text!r}. Encode it first."
        if bad.any():
            return f"Column {name!r} of X is not finite in {bad.sum()} of {len(bad)} rows."
    return None
