"""Checks of what users pass, beyond those that scikit-learn offers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy import sparse

from skneural.estimators.sklearn_private import InvalidParameterError


def checked_layer_sizes(hidden_layer_sizes: Any, estimator_name: str) -> tuple[int, ...]:
    """`hidden_layer_sizes` as a tuple; InvalidParameterError unless positive integers."""
    sizes = np.atleast_1d(np.asarray(hidden_layer_sizes, dtype=object))
    are_integers = sizes.ndim == 1
    for size in sizes.flat:
        are_integers &= isinstance(size, Integral) and not isinstance(size, bool)
    if not are_integers:
        raise InvalidParameterError(
            f"The 'hidden_layer_sizes' parameter of {estimator_name} must be an integer or a "
            f"sequence of integers, one per hidden layer. Got {hidden_layer_sizes!r} instead."
        )
    if len(sizes) > 0 and min(sizes) < 1:
        raise InvalidParameterError(f"hidden_layer_sizes must be > 0, got {list(sizes)}.")
    return tuple(map(int, sizes))


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


def refuse_too_large(X: Any, dtype: Any) -> None:
    """Raise ValueError where finite elements of a validated `X` are infinite in `dtype`."""
    values = X.data if sparse.issparse(X) else X
    largest = np.finfo(dtype).max
    # Two passes, but no array as large as X.
    if (
        values.dtype != dtype
        and values.size
        and (values.max() > largest or values.min() < -largest)
    ):
        raise ValueError(f"X contains values too large for {np.dtype(dtype)}.")


@contextmanager
def saying_where(place: str) -> Iterator[None]:
    """Add to a ValueError what it is about."""
    try:
        yield
    except ValueError as error:
        if type(error) is not ValueError:
            raise
        raise ValueError(f"In {place}: {error}") from error


@contextmanager
def naming_the_column(X: Any, dtype: Any = np.float64) -> Iterator[None]:
    """Add to a ValueError about `X` the first column that is not all finite numbers in `dtype`."""
    try:
        yield
    except ValueError as error:
        column = _first_bad_column(X, np.dtype(dtype))
        if column is None or type(error) is not ValueError:
            raise
        raise ValueError(f"{error}\n{column}") from error


def _first_bad_column(X: Any, dtype: np.dtype[Any]) -> str | None:
    if sparse.issparse(X) or len(getattr(X, "shape", ())) != 2 or 0 in X.shape:
        return None
    names = list(getattr(X, "columns", range(X.shape[1])))
    for name in names:
        values = np.asarray(X[name] if hasattr(X, "columns") else X[:, name])
        if values.dtype.kind == "c":
            return f"Column {name!r} of X is complex."
        try:
            numbers = values.astype(float)
        except (TypeError, ValueError):
            text = next(value for value in values if not isinstance(value, Real))
            return f"Column {name!r} of X is not numeric: it holds {text!r}. Encode it first."
        bad = ~np.isfinite(numbers)
        if bad.any():
            return f"Column {name!r} of X is not finite in {bad.sum()} of {len(bad)} rows."
        bad = np.abs(numbers) > np.finfo(dtype).max
        if bad.any():
            return (
                f"Column {name!r} of X is too large for {dtype} in {bad.sum()} of {len(bad)} "
                f"rows, up to {np.abs(numbers).max():.3g}: scale it, or train with "
                "dtype='float64'."
            )
    return None


def names_of_columns(y: Any) -> tuple[str, ...] | None:
    """The names of the columns of a data frame or table, if all are strings."""
    names = getattr(y, "column_names", getattr(y, "columns", None))
    if names is None or not all(isinstance(name, str) for name in names):
        return None
    return tuple(map(str, names))


@contextmanager
def naming_the_target(y: Any, names: tuple[str, ...] | None) -> Iterator[None]:
    """Add to an error the first of several columns of `y` that has missing values."""
    try:
        yield
    except (ValueError, TypeError) as error:  # a TypeError is pandas.NA, which cannot be compared
        column = None
        if type(error) in (ValueError, TypeError) and y is not None:
            column = column_without_values(y, names)
        if column is None:
            raise
        raise ValueError(f"{error}\n{column}") from error


def column_without_values(y: Any, names: tuple[str, ...] | None) -> str | None:
    """Says which is the first of several columns of `y` that has missing values; None for none."""
    if sparse.issparse(y):
        return None
    values: Any = np.asarray(y)
    if values.ndim != 2 or values.shape[1] == 1:
        return None
    n_missing = np.count_nonzero(is_missing(values), axis=0)
    if not n_missing.any():
        return None
    number = int(np.argmax(n_missing > 0))
    name = number if names is None else repr(names[number])
    return (
        f"Column {name} of y has no value, or none that is finite, in {n_missing[number]} of "
        f"{len(values)} rows."
    )


def is_missing(values: Any) -> Any:
    """Which elements of an array are None, NaN and the like, or infinite."""
    if values.dtype.kind in "fc":
        return ~np.isfinite(values)
    if values.dtype.kind in "mM":
        return np.isnat(values)
    if values.dtype != object:
        return np.zeros(values.shape, dtype=bool)
    found = [each is None or _is_unequal_to_itself(each) for each in values.ravel()]
    return np.array(found, dtype=bool).reshape(values.shape)


def _is_unequal_to_itself(value: Any) -> bool:
    """As NaN and NaT are; pandas.NA does not say whether it is."""
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        return True
