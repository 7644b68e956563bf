"""The columns of a table as it comes: a frame of pandas, polars or pyarrow, an array, a list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Number
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from skneural.arrays.matrices import FloatArray
from skneural.estimators.checks import native, refuse_no_data
from skneural.estimators.columns import (
    INTERVALS,
    as_array,
    calendar_of,
    is_missing,
    neither_string_nor_number,
    refuse_dates_of_part,
    shown,
)
from skneural.estimators.containers import can_be_cut, cut, is_frame, names_of_frame
from skneural.estimators.kinds_of_dtypes import CATEGORIES, NUMBERS, are_strings, types_of

Array = npt.NDArray[Any]

#: Larger numbers are refused: sums and differences of those up to here stay finite.
LARGEST = 1e300

#: Up to here, all whole numbers are float64 too.
LARGEST_WHOLE = 2**53


class Labels(NamedTuple):
    """Values that can occur in a column, and the one of each row; -1 where it is missing."""

    values: list[Any]
    of_rows: Array


@dataclass(frozen=True)
class RawColumn:
    """A column as it comes.

    Attributes
    ----------
    place : str
        What it is called in errors.
    values : ndarray of shape (n_rows,)
        Numbers, strings or objects; of a pandas categorical the codes, -1 where it is missing.
    categories : list or None
        What the codes stand for, if `values` are codes.
    dtype_says : {'categories', 'text', ''}
        What its dtype says that it holds, whatever its values are; '' for neither.
    """

    place: str
    values: Array
    categories: list[Any] | None = None
    dtype_says: str = ""

    @property
    def is_categorical(self) -> bool:
        """Whether it holds categories by its dtype, or by what the objects in it are."""
        if self.dtype_says or self.values.dtype.kind in "US":
            return True
        return self.values.dtype.kind == "O" and not _are_numbers(self.values)

    def numbers(self) -> FloatArray:
        """Its numbers in float64, NaN where they are missing.

        Raises
        ------
        ValueError
            For text, complex, infinite and very large numbers.
        TypeError
            For other objects.
        """
        values = self._as_objects() if self.categories is not None else self.values
        if values.dtype.kind not in "biuf":
            values = self._numbers_of_objects(values)
        numbers: FloatArray = values.astype(np.float64)
        # NaN compares as false; the two passes make no array as large as the column.
        if np.any(np.abs(numbers) > LARGEST):
            self._refuse_infinite(numbers)
        return numbers

    def rows(self, index: Array | slice) -> RawColumn:
        """The rows with these numbers, or for which a mask is true."""
        return RawColumn(self.place, self.values[index], self.categories, self.dtype_says)

    def labels(self) -> Labels:
        """The values that can occur, and which of them each row has.

        Raises
        ------
        TypeError
            For values that are neither text nor numbers.
        """
        if self.categories is not None:
            _check_labels(self.place, self.categories)
            return Labels(self.categories, self.values)
        values = self.values.tolist()
        if self.values.dtype.kind == "O":
            _check_labels(self.place, values)
        distinct = list(dict.fromkeys(values))
        known = [value for value in distinct if not is_missing(value)]
        # A NaN is found as the object that it is.
        number = dict.fromkeys(distinct, -1) | {value: i for i, value in enumerate(known)}
        index = np.fromiter(map(number.__getitem__, values), np.intp, len(values))
        return Labels(known, index)

    def _as_objects(self) -> Array:
        assert self.categories is not None
        lookup = np.empty(len(self.categories) + 1, dtype=object)
        lookup[:-1] = self.categories
        return lookup[self.values]  # the code -1 is the last: None

    def _numbers_of_objects(self, values: Array) -> FloatArray:
        if values.dtype.kind == "c":
            raise ValueError(f"Complex data not supported\n{self.place} is complex.")
        missing = np.fromiter(map(is_missing, values), bool, len(values))
        for value in values[~missing]:
            if isinstance(value, str | bytes):
                raise ValueError(
                    f"{self.place} is not numeric: it holds {shown(value)}. Numbers as text have "
                    "to be converted, by pandas.to_numeric for instance. Categories have to be "
                    "strings, objects or a category dtype in fit already, and categorical_features "
                    "has to be 'from_dtype' or to name all of them."
                )
            if isinstance(value, complex | np.complexfloating):
                raise ValueError(f"Complex data not supported\n{self.place} is complex.")
            if not isinstance(value, Number | np.bool_):
                raise TypeError(neither_string_nor_number(f"{self.place} is not numeric", value))
        numbers = np.full(len(values), np.nan)
        try:
            numbers[~missing] = values[~missing].astype(np.float64)
        except OverflowError:
            raise ValueError(
                f"{self.place} holds an integer that is too large for float64."
            ) from None
        return numbers

    def _refuse_infinite(self, numbers: FloatArray) -> None:
        bad = np.abs(numbers) > LARGEST
        found = "infinity" if np.isinf(numbers).any() else "a value too large for float64"
        raise ValueError(
            f"Input X contains {found}: {self.place} holds {numbers[bad][0]:g} in {bad.sum()} of "
            f"{len(bad)} rows. Replace it by NaN, which counts as missing, or by a bound that is "
            "finite."
        )


def read_table(estimator: Any, stand_in: Any, X: Any, *, reset: bool) -> list[RawColumn]:
    """The columns of `X`, after scikit-learn's checks of their number and names.

    Parameters
    ----------
    estimator : estimator
        For its name.
    stand_in : estimator
        Has, or with `reset` is given, `n_features_in_` and `feature_names_in_`.
    X : data frame, array or list
    reset : bool
        Whether `X` may have any columns.

    Raises
    ------
    TypeError
        If it is sparse, or a lazy frame.
    ValueError
        If it has dates, two columns of one name, no rows or no columns, or other columns than in
        fit.
    """
    return CheckedTable(estimator, stand_in, X, reset=reset).columns()


class CheckedTable:
    """A table whose columns are read for all rows, or for a run of them.

    Of most frames, columns are made anew when they are read, as objects or as floats: all rows of
    all columns would take more than the frame.

    Parameters
    ----------
    estimator, stand_in, X, reset
        See `read_table`.
    n_first : int or None, default=None
        How many rows to look at now for dates; None for all. Others are looked at when they are
        read.

    Attributes
    ----------
    shape : tuple of int
    """

    def __init__(
        self, estimator: Any, stand_in: Any, X: Any, *, reset: bool, n_first: int | None = None
    ) -> None:
        _refuse_what_is_no_table(X)
        self._has_dates_to_refuse = n_first is not None and can_be_cut(X)
        if self._has_dates_to_refuse:
            _refuse_dates(cut(X, slice(0, n_first)), X)
        else:
            _refuse_dates(X, X)
        if is_frame(X):
            _refuse_equal_names(X)
        else:
            X = _as_matrix(estimator, X)
        validate_data(stand_in, X, reset=reset, skip_check_array=True)
        for number, what in zip(X.shape, ("sample", "feature"), strict=True):
            if number == 0:
                raise ValueError(
                    f"Found array with 0 {what}(s) (shape={tuple(X.shape)}) while a minimum of 1 "
                    f"is required by {type(estimator).__name__}."
                )
        self._X = X
        self.shape = (int(X.shape[0]), int(X.shape[1]))

    def columns(self, rows: slice | None = None) -> list[RawColumn]:
        """The columns of these rows, or of all."""
        X = self._X
        if rows is not None and (rows.start, rows.stop) != (0, self.shape[0]):
            X = cut(X, rows)
        if self._has_dates_to_refuse:
            _refuse_dates(X, self._X)
        return list(raw_columns(X))


@contextmanager
def about_all_rows(read: Callable[[], Any]) -> Iterator[None]:
    """Raise an error about a run of rows as that about all, which `read` runs into."""
    try:
        yield
    except (TypeError, ValueError):
        read()
        raise


def _refuse_what_is_no_table(X: Any) -> None:
    if sparse.issparse(X):
        raise TypeError(
            "Sparse data was passed for X, but dense data is required. A table has columns of "
            "many kinds; for sparse numbers use ScratchMLPClassifier or ScratchMLPRegressor. "
            "X.toarray() makes a dense array of them."
        )
    if hasattr(X, "__dask_graph__") and hasattr(X, "columns"):
        raise TypeError("X is a frame of dask, which has no rows yet: pass X.compute().")
    refuse_no_data(X=X)


def _refuse_dates(part: Any, X: Any) -> None:
    """Raise the error about all of `X` if there are dates in this part of it."""
    try:
        try:
            refuse_dates_of_part(X, part, allow_missing=True)
        except ValueError:
            # Intervals that are levels of a category dtype are no more than names. To look for them
            # takes as long as the rest for a single row.
            refuse_dates_of_part(_without_bins(X), _without_bins(part), allow_missing=True)
    except ValueError as error:
        raise ValueError(
            f"{error} skrub's TableVectorizer makes columns of numbers of dates."
        ) from None


def _without_bins(X: Any) -> Any:
    """A data frame of pandas without what `pandas.cut` has made; anything else as it is."""
    if not (hasattr(X, "iloc") and hasattr(X, "dtypes")) or len(X.shape) != 2:
        return X
    others = [
        not str(getattr(getattr(dtype, "categories", None), "dtype", "")).startswith("interval")
        for dtype in X.dtypes
    ]
    return X if all(others) else X.loc[:, others]


def _refuse_equal_names(X: Any) -> None:
    """Raise ValueError where two columns have one name, as scikit-learn does from 1.9 on."""
    names = names_of_frame(X)
    assert names is not None
    counts = Counter(names)
    name, number = counts.most_common(1)[0] if counts else ("", 1)
    if number > 1:
        raise ValueError(
            f"Column {name!r} occurs {number} times in X: names of columns have to be unique."
        )


def _as_matrix(estimator: Any, X: Any) -> Array:
    """An array or a list as an array: of objects where NumPy would make text of numbers."""
    if isinstance(X, list | tuple):
        try:
            plain = np.asarray(X)
            X = np.array(X, dtype=object) if plain.dtype.kind in "US" else plain
        except ValueError:
            pass  # rows of different lengths, which scikit-learn's error is about
    # Numbers of another byte order are made native where they are read.
    if isinstance(X, np.ndarray) and X.dtype.names:
        raise TypeError(
            f"X is a structured array, with the fields {', '.join(map(repr, X.dtype.names))}: pass "
            "pandas.DataFrame(X)."
        )
    is_numeric = isinstance(X, np.ndarray) and X.dtype.kind in NUMBERS
    array: Array = check_array(
        X if is_numeric else native(X),
        dtype=None,
        ensure_all_finite=False,
        estimator=type(estimator).__name__,
    )
    return array


def raw_columns(X: Any) -> Iterator[RawColumn]:
    """The columns of a data frame or a matrix."""
    if isinstance(X, np.ndarray):
        for j, values in enumerate(native(X).T):
            yield RawColumn(f"Column {j} of X", values)
    elif hasattr(X, "iloc"):
        for label, series in X.items():
            yield _column_of_pandas(f"Column {label!r} of X", series)
    elif hasattr(X, "get_columns"):
        for column in X.get_columns():
            yield _column_of_polars(f"Column {column.name!r} of X", column)
    else:
        for j, label in enumerate(X.column_names):
            column = X.column(j)
            values = _objects(column.to_pylist())
            yield RawColumn(f"Column {label!r} of X", values, None, _said_by(column.type))


def _said_by(dtype: Any) -> str:
    if str(dtype).startswith((*CATEGORIES, "dictionary")):
        return "categories"
    return "text" if are_strings(dtype) else ""


def _column_of_pandas(place: str, series: Any) -> RawColumn:
    if hasattr(series, "cat"):
        categories = list(map(_as_label, as_array(series.cat.categories).tolist()))
        return RawColumn(place, series.cat.codes.to_numpy(), categories, "categories")
    dtype = series.dtype
    if type(dtype).__name__ == "SparseDtype":
        return RawColumn(place, as_array(series))
    if not isinstance(dtype, np.dtype) and getattr(dtype, "kind", "O") in NUMBERS:
        # Of pandas or pyarrow, with missing values of their own.
        return RawColumn(place, _numbers_of_pandas(series))
    return RawColumn(place, as_array(series), None, _said_by(dtype))


def _numbers_of_pandas(series: Any) -> Array:
    """Integers as they are where they are too large for float64, which has NaN."""
    if series.dtype.kind in "iu":
        if not series.hasnans:
            exact: Array = series.to_numpy(dtype=series.dtype.numpy_dtype)
            return exact
        largest = max(abs(int(series.max())), abs(int(series.min()))) if series.count() else 0
        if largest > LARGEST_WHOLE:
            return _objects(series.astype(object).where(series.notna(), None).tolist())
    numbers: Array = series.to_numpy(dtype=np.float64, na_value=np.nan)
    return numbers


def _column_of_polars(place: str, column: Any) -> RawColumn:
    kind = str(column.dtype)
    if column.dtype.is_numeric() and kind[0] in "IUF":  # no decimal numbers
        is_exact = kind[0] == "F" or not column.null_count() or not _has_large(column)
        is_exact &= not kind.endswith("128")  # which NumPy does not have
        return RawColumn(place, column.to_numpy() if is_exact else _objects(column.to_list()))
    return RawColumn(place, _objects(column.to_list()), None, _said_by(column.dtype))


def _has_large(column: Any) -> bool:
    """Whether an integer of polars is rounded in float64."""
    ends = column.min(), column.max()
    return any(end is not None and abs(end) > LARGEST_WHOLE for end in ends)


def _as_label(level: Any) -> Any:
    """A level of a category dtype; an interval, which pandas.cut makes, as text."""
    return str(level) if calendar_of(type(level)) is INTERVALS else level


def _objects(values: list[Any]) -> Array:
    return np.fromiter(values, dtype=object, count=len(values))


def _are_numbers(values: Array) -> bool:
    """Whether all objects that are not missing are numbers."""
    others = {each for each in types_of(values) if not issubclass(each, Number | np.bool_)}
    if not others:
        return True
    if others & {str, bytes}:
        return False
    return all(is_missing(value) for value in values.tolist() if type(value) in others)


def _check_labels(place: str, values: list[Any]) -> None:
    """Raise TypeError for a value that is neither text, nor a number, nor missing."""
    good = (str, bytes, Number, np.bool_)
    others = {
        each
        for each in set(map(type, values))
        if issubclass(each, complex) or not issubclass(each, good)
    }
    if not others:
        return
    for value in values:
        if type(value) in others and not is_missing(value):
            problem = f"{place} has neither text nor numbers"
            raise TypeError(neither_string_nor_number(problem, value))
