"""Checks of what users pass, beyond those that scikit-learn offers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.exceptions import DataConversionWarning
from sklearn.utils import column_or_1d

from skneural.estimators.containers import names_of_frame
from skneural.estimators.sklearn_private import InvalidParameterError
from skneural.estimators.user_warnings import warn_user


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


#: Characters of the dtypes of numbers that the machine computes with.
PLAIN_NUMBERS = "?bBhHiIlLqQfd"


def are_plain(*arrays: Any) -> bool:
    """Whether all are NumPy's own arrays of numbers: then neither kinds nor names are looked for.

    In the byte order of the machine, and aligned in memory: `native` leaves them as they are.
    """
    for array in arrays:
        if type(array) is not np.ndarray or array.dtype.char not in PLAIN_NUMBERS:
            return False
        if not (array.dtype.isnative and array.flags.aligned):
            return False
    return True


def native(X: Any) -> Any:
    """`X` as the machine computes with it: in its byte order, and aligned in memory.

    scikit-learn takes no other byte order for float32, and the sums of arrays that are not aligned
    are rounded otherwise.
    """
    if sparse.issparse(X):
        return _native_sparse(X)
    dtype = getattr(X, "dtype", None)
    if not isinstance(dtype, np.dtype):
        return X
    if not dtype.isnative:
        return X.astype(dtype.newbyteorder("="))
    if dtype.kind == "T":  # strings of any length, which scikit-learn does not take yet
        return X.astype(object)
    if isinstance(X, np.ndarray) and not X.flags.aligned:
        return X.copy()
    return X


def _native_sparse(X: Any) -> Any:
    data = getattr(X, "data", None)
    if not isinstance(data, np.ndarray) or native(data) is data:
        return X
    X = X.copy()  # never what the user has
    X.data = native(data)
    return X


def one_column(y: Any) -> Any:
    """Targets of one axis. A column of them is taken too, with scikit-learn's warning."""
    if y.ndim == 2 and y.shape[1] == 1:
        warn_user(
            "A column-vector y was passed when a 1d array was expected. Please change the shape of "
            "y to (n_samples, ), for example using ravel().",
            DataConversionWarning,
        )
    return column_or_1d(y)


def refuse_no_data(**arrays: Any) -> None:
    """Raise an error for what NumPy would take for an array without a word, or with a wrong one.

    Raises
    ------
    TypeError
        For a dict, a list of dicts or a lazy frame as X.
    ValueError
        For None as X, for a string, such as the name of a file or of a column, and for a masked
        array with masked values, which NumPy would ignore.
    """
    for name, array in arrays.items():
        if isinstance(array, str | bytes):
            instead = "pass a column itself, such as frame['name']"
            if name.startswith("X"):
                instead = "read a file first, for instance by pandas.read_csv"
            raise ValueError(f"{name} must be data, got the string {array!r}: {instead}.")
        if name.startswith("X"):
            _refuse_dicts(name, array)
            if type(array).__name__ == "LazyFrame":
                raise TypeError(
                    f"{name} is a LazyFrame, which has no rows yet: pass {name}.collect()."
                )
        if name == "X" and array is None:
            raise ValueError(
                "Expected 2D array, got scalar array instead:\narray=None.\nX must be data, got "
                "None."
            )
        if isinstance(array, np.ma.MaskedArray) and np.ma.is_masked(array):
            n_masked = np.count_nonzero(np.ma.getmaskarray(array))
            raise ValueError(
                f"{name} is a masked array with {n_masked} masked values, which would be taken "
                "for data. Fill or drop them first."
            )


def _refuse_dicts(name: str, array: Any) -> None:
    rows = name
    if type(array) is dict:  # a sparse matrix of keys is a dict too
        has_columns = any(
            hasattr(each, "__len__") and not isinstance(each, str | bytes)
            for each in array.values()
        )
        kind, rows = "dict", name if has_columns else f"[{name}]"
    elif isinstance(array, list) and array and isinstance(array[0], dict):
        kind = "list of dicts"
    else:
        return
    raise TypeError(
        f"{name} must be an array or a data frame, got a {kind}: pandas.DataFrame({rows}) makes a "
        "frame of it."
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


def names_of_columns(y: Any) -> tuple[str, ...] | None:
    """The names of the columns of a data frame or table, if all are strings."""
    names = names_of_frame(y)
    if names is None or not all(isinstance(name, str) for name in names):
        return None
    return tuple(map(str, names))


def as_score(found: Any, name: str) -> float:
    """What a metric of the user's, of this name, has returned, which has to be a number.

    Raises
    ------
    ValueError
        If it is not a number.
    """
    try:
        return float(found)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(
            f"{name} must return a number, got {found!r:.100} ({type(found).__name__})."
        ) from None
