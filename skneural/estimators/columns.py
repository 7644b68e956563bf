"""What the columns of X and y hold: dates, missing values, text and objects, named in errors.

scikit-learn makes numbers of dates where NumPy does, and then a missing date (NaT) is the number
-9.2e18. Here dates are no numbers, and what is missing is said to be.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from skneural.estimators.kinds_of_dtypes import (
    BYTES,
    NAMES,
    NUMBERS,
    TEXT,
    kind_of,
    kind_of_type,
    types_of,
)
from skneural.estimators.remedies import ENCODE, ENCODE_TARGET, FILL_IN

Array = npt.NDArray[Any]

#: Characters of a value that a message shows.
MOST_SHOWN = 60


class Column(NamedTuple):
    """A column with what it is called in an error."""

    place: str
    values: Array


# ------------------------------------------------------------------ dates, times, intervals


class Calendar(NamedTuple):
    """A kind of values that are no numbers, and numbers that could stand for them."""

    name: str
    instead: str


DATES = Calendar("dates", "the days since a fixed date, the month or the weekday")
TIMES = Calendar("times", "the seconds since midnight")
DURATIONS = Calendar("durations", "their lengths in seconds")
PERIODS = Calendar("periods", "the number of periods since a fixed one")
INTERVALS = Calendar("intervals", "their midpoints or their lengths")

CALENDAR_TYPES: dict[type, Calendar] = {
    np.datetime64: DATES,
    np.timedelta64: DURATIONS,
    datetime.date: DATES,  # pandas' Timestamp and NaT are such
    datetime.time: TIMES,
    datetime.timedelta: DURATIONS,
}
#: By name: pandas is not imported for this.
PANDAS_TYPES = {"Period": PERIODS, "Interval": INTERVALS}


def refuse_dates(X: Any, name: str = "X", *, allow_missing: bool = False) -> None:
    """Raise ValueError for a column of dates, times, durations, periods or intervals.

    Parameters
    ----------
    X : array-like or data frame
        Whose elements are to be numbers. Arrays of numbers are not looked at.
    name : str, default='X'
        Its name in the error.
    allow_missing : bool, default=False
        Whether objects may be missing dates (NaT), where there is no other date in their column.
    """
    missing = dated = ""  # each of the first column that has some
    for column in _columns(X, name, NUMBERS + TEXT + BYTES + NAMES):
        example = _first_of_a_calendar(column.values)
        if example is None:
            continue
        if allow_missing and column.values.dtype.kind == "O" and is_missing(example):
            continue
        if not missing and _n_missing(column.values):
            missing = _missing_values(name, *column)
        dated = dated or _no_number_but_a_date(column)
    if missing or dated:
        raise ValueError("\n".join(filter(None, (missing, dated))))


def refuse_dates_of_part(X: Any, part: Any, *, allow_missing: bool = False) -> None:
    """Raise the error of `refuse_dates` about all of `X` if there are dates in this part of it."""
    try:
        refuse_dates(part, allow_missing=allow_missing)
    except ValueError:
        refuse_dates(X, allow_missing=allow_missing)
        raise


def _no_number_but_a_date(column: Column) -> str:
    """Why this column is no column of numbers; empty if all its dates are missing."""
    place, values = column
    example = _first_of_a_calendar(values)
    calendar = calendar_of(type(example))
    if calendar is None or is_missing(example):
        return ""
    return (
        f"{place} holds {calendar.name}, such as {example!s}, which are not numbers. Replace them "
        f"by numbers that count in your problem, such as {calendar.instead}."
    )


def calendar_of(kind: type) -> Calendar | None:
    """What values of this type are, if they are no numbers for that reason."""
    for parent, calendar in CALENDAR_TYPES.items():
        if issubclass(kind, parent):
            return calendar
    if kind.__module__.partition(".")[0] == "pandas":
        return PANDAS_TYPES.get(kind.__name__)
    return None


def _first_of_a_calendar(values: Array) -> Any:
    """The first date or the like, one that is not missing if there is one; None without any."""
    if values.dtype.kind in "mM":
        known = values[~np.isnat(values)]
        return next(iter(known), values[0] if len(values) else None)
    if values.dtype.kind != "O":
        return None
    kinds = {kind for kind in types_of(values) if calendar_of(kind) is not None}
    if not kinds:
        return None
    of_a_calendar = [value for value in values if type(value) in kinds]
    return next((each for each in of_a_calendar if not is_missing(each)), of_a_calendar[0])


# ------------------------------------------------------------------ missing values and targets


def check_targets(y: Any, *, are_numbers: bool, name: str = "y") -> None:
    """Raise an error for what scikit-learn's validation lets pass, or has no clear words for.

    Parameters
    ----------
    y : array-like or data frame
        Labels or numbers; arrays of numbers are not looked at.
    are_numbers : bool
        Whether they are to be numbers, for a regression.
    name : str, default='y'
        Its name in the error.

    Raises
    ------
    ValueError
        For missing values other than NaN among numbers (NaT, NA, None), for labels that are bytes
        or dates in an array of objects, and for numbers that are dates or text.
    TypeError
        For other objects where there should be numbers.
    """
    if are_numbers:
        refuse_dates(y, name)
    for place, values in _columns(y, name, NUMBERS if are_numbers else NUMBERS + TEXT):
        if _n_missing(values):
            raise ValueError(_missing_values(name, place, values))
        if are_numbers:
            try:
                values.astype(float)
            except NO_NUMBER as error:
                raise (_no_number(place, values) or _with(place))(error) from error
        else:
            _refuse_objects(values, place)
            _refuse_bytes(values, name)
    if are_numbers:
        _refuse_numbers_as_text(y, name)


def _refuse_numbers_as_text(numbers: Any, name: str) -> None:
    """Raise scikit-learn's ValueError for an array or a list of text, though it be numbers."""
    array = np.asarray(numbers) if isinstance(numbers, list | tuple) else numbers
    if isinstance(array, np.ndarray) and array.dtype.kind in TEXT + BYTES and array.size:
        raise ValueError(
            f"dtype='numeric' is not compatible with arrays of bytes/strings.\n{name} holds text, "
            f"such as {shown(array.flat[0])}. Convert it to numbers, for instance by "
            f"np.asarray({name}, dtype=float)."
        )


def _refuse_objects(labels: Array, place: str) -> None:
    """Raise scikit-learn's ValueError for dates that are objects: those of NumPy are labels."""
    calendar = None
    if labels.dtype.kind == "O":
        calendar = calendar_of(type(_first_of_a_calendar(labels)))
    if calendar is not None:
        raise ValueError(
            f"Unknown label type: {place} holds {calendar.name} as objects, such as "
            f"{_first_of_a_calendar(labels)!r}. Make strings of them, by str(label)."
        )


def _refuse_bytes(labels: Array, name: str) -> None:
    if labels.dtype.kind == "S" or bytes in types_of(labels):
        label = next(label for label in labels if isinstance(label, bytes))
        raise ValueError(
            f"{name} has labels of bytes, such as {shown(label)}. Support for labels represented "
            "as bytes is not supported: make strings of them, for instance by "
            "[label.decode() for label in y]."
        )


def _missing_values(name: str, place: str, values: Array) -> str:
    example = next(value for value in values if is_missing(value))
    return (
        f"Input {name} contains NaN or the like: {place} holds {example!s} in {_n_missing(values)} "
        f"of {len(values)} rows. Fill in these missing values, or drop the rows."
    )


def is_missing(value: Any) -> bool:
    """Whether it is None, NaN, NaT or pandas' NA."""
    if value is None:
        return True
    try:
        return bool(value != value)  # NaN and NaT
    except (TypeError, ValueError, ArithmeticError):  # neither: pandas' NA, or an array
        return type(value).__name__ == "NAType"


def _n_missing(values: Array) -> int:
    if values.dtype.kind in "mM":
        return int(np.count_nonzero(np.isnat(values)))
    if values.dtype.kind != "O" or types_of(values) <= {str, int, bool}:
        return 0
    return sum(map(is_missing, values))


# ------------------------------------------------------------------ the column of an error


@contextmanager
def naming_the_column(X: Any, dtype: Any = np.float64) -> Iterator[None]:
    """Add to an error about `X` the first column that is not all finite numbers in `dtype`.

    A TypeError or ValueError about an object that can be no number becomes scikit-learn's
    TypeError: "float() argument must be a string or a real number, not 'dict'".
    """
    try:
        yield
    except NO_NUMBER as error:
        bad = None
        if type(error) in NO_NUMBER:  # not one of their subclasses, with a meaning of its own
            problem_of = _problem_in(np.dtype(dtype))
            bad = next(filter(None, map(problem_of, _columns(X, "X"))), None)
        if bad is None:
            raise
        raise bad(error) from error


@contextmanager
def naming_the_target(y: Any) -> Iterator[None]:
    """Add to an error about `y` the first column whose values are not all finite, and how many."""
    try:
        yield
    except OverflowError as error:
        problems = (_no_number(*column) for column in _columns(y, "y"))
        raise next(filter(None, problems), _with("y"))(error) from error
    except ValueError as error:
        if type(error) is not ValueError:
            raise
        for place, values in _columns(y, "y"):
            if values.dtype.kind not in "fc" or np.all(np.isfinite(values)):
                continue
            n_bad = np.count_nonzero(~np.isfinite(values))
            raise ValueError(
                f"{error}\n{place} has no value, or none that is finite, in {n_bad} of "
                f"{len(values)} rows. Drop these rows."
            ) from error
        raise


#: What Python and NumPy raise where a value can be made no float.
NO_NUMBER = (TypeError, ValueError, OverflowError)

#: Makes of an error the one that names the column.
Renamed = Callable[[Exception], Exception]


def _problem_in(dtype: np.dtype[Any]) -> Callable[[Column], Renamed | None]:
    def problem(column: Column) -> Renamed | None:
        place, values = column
        if values.dtype.kind == "c":
            return _is_complex(place)
        try:
            numbers = values.astype(float)
        except NO_NUMBER:
            return _no_number(place, values)
        bad = ~np.isfinite(numbers)
        if bad.any():
            remedy = f" {FILL_IN}" if np.isnan(numbers).any() else ""
            return _with(f"{place} is not finite in {bad.sum()} of {len(bad)} rows.{remedy}")
        bad = np.abs(numbers) > np.finfo(dtype).max
        if bad.any():
            return _with(
                f"{place} is too large for {dtype} in {bad.sum()} of {len(bad)} rows, up to "
                f"{np.abs(numbers).max():.3g}: scale it, or train with dtype='float64'."
            )
        return None

    return problem


def _is_complex(place: str) -> Renamed:
    return lambda error: ValueError(f"Complex data not supported\n{place} is complex.")


def _with(text: str) -> Renamed:
    return lambda error: ValueError(f"{error}\n{text}")


def _no_number(place: str, values: Array) -> Renamed | None:
    """The error for a column with an element that is no number."""
    for value in values:
        if value is None:  # NumPy makes NaN of it
            continue
        if isinstance(value, complex | np.complexfloating):
            return _is_complex(place)
        if hasattr(value, "__len__") and not isinstance(value, str | bytes):
            break
        try:
            float(value)
        except OverflowError:
            return _with(f"{place} holds an integer that is too large for float64.")
        except (TypeError, ValueError):
            break
    else:
        return None
    if isinstance(value, str | bytes):
        remedy = ENCODE if place.endswith("of X") else ENCODE_TARGET
        return _with(f"{place} is not numeric: it holds {shown(value)}. {remedy}")
    if is_missing(value):
        message = _missing_values("X", place, values)
        return lambda error: ValueError(message)
    lengths = sorted({len(row) for row in values if hasattr(row, "__len__")})
    if place == "X" and len(lengths) > 1:
        return lambda error: ValueError(
            f"X has an inhomogeneous shape: its rows have {lengths[0]} to {lengths[-1]} elements, "
            "and all must have as many."
        )
    message = neither_string_nor_number(f"{place} is not numeric", value)
    return lambda error: TypeError(f"float() {message}")


def neither_string_nor_number(problem: str, value: Any) -> str:
    """What scikit-learn says about other objects, with what is wrong with which column."""
    return (
        f"argument must be a string or a real number, not {type(value).__name__!r}.\n{problem}: it "
        f"holds {shown(value)}. Make one or several columns of numbers of it first."
    )


def shown(value: Any) -> str:
    """A value as messages show it: not more than its beginning."""
    text = repr(value.item() if isinstance(value, np.generic) else value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]} ..."


# ------------------------------------------------------------------ columns of whatever there is


def _columns(X: Any, name: str, skipped: str = "") -> Iterator[Column]:
    """The columns of anything that scikit-learn's validation takes for a dense array.

    Parameters
    ----------
    X : object
        Array, list, Series or data frame (of pandas, polars, pyarrow and the like).
    name : str
        What to call it.
    skipped : str, default=''
        Kinds of dtypes of which columns are left out, without having been looked at.
    """
    if sparse.issparse(X) or _is_of_kinds(X, skipped):
        return
    if hasattr(X, "iloc") and hasattr(X, "dtypes") and len(X.shape) == 2:
        columns = (
            (label, X.iloc[:, j])
            for j, (label, dtype) in enumerate(zip(X.columns, X.dtypes, strict=True))
            if kind_of(dtype) not in skipped
        )
    elif hasattr(X, "get_columns"):
        columns = (
            (column.name, column)
            for column in X.get_columns()
            if kind_of(column.dtype) not in skipped
        )
    elif isinstance(getattr(X, "column_names", None), list):
        columns = ((label, X.column(j)) for j, label in enumerate(X.column_names))
    else:
        yield from _columns_of_array(X, name, skipped)
        return
    for label, column in columns:
        values = as_array(column)
        if values.dtype.kind not in skipped:
            yield Column(f"Column {label!r} of {name}", values)


def _is_of_kinds(X: Any, kinds: str) -> bool:
    """Whether all of `X` is of some of these kinds: for most data, as fast as one can see it."""
    if not kinds:
        return False
    dtype = getattr(X, "dtype", None)
    if dtype is not None and kind_of(dtype) in kinds:
        return True
    # A data frame. A Series of dask has these attributes too, and one dimension.
    if hasattr(X, "dtypes") and hasattr(X, "columns") and getattr(X, "ndim", 2) == 2:
        return all(kind_of(dtype) in kinds for dtype in set(X.dtypes))
    types: set[type] = set()
    if isinstance(X, np.ndarray) and X.dtype.kind == "O":
        types = types_of(X.ravel())
    elif isinstance(X, list | tuple):
        is_nested = set(map(type, X)) <= {list, tuple}
        types = set(map(type, chain.from_iterable(X) if is_nested else X))
    found = {kind_of_type(each) for each in types}
    # Beside text, NumPy makes text of NaN.
    return bool(found) and found <= set(kinds) and (len(found) == 1 or "U" not in found)


def _columns_of_array(X: Any, name: str, skipped: str) -> Iterator[Column]:
    if hasattr(X, "__array_namespace__") and not isinstance(X, np.ndarray):
        return  # of the array API: it may be on another device, and has numbers only
    array = as_array(X, one_dimensional=False)
    if array.dtype.kind in skipped:
        return
    if array.ndim == 1:
        yield Column(name, array)
    elif array.ndim == 2:
        for label, values in zip(_labels_of(X, array.shape[1]), array.T, strict=True):
            yield Column(f"Column {label!r} of {name}", values)


def _labels_of(X: Any, n_columns: int) -> list[Any]:
    """The names of the columns, or their numbers."""
    labels = getattr(X, "columns", None)
    if labels is None and hasattr(X, "__dataframe__"):  # the interchange protocol
        labels = list(X.__dataframe__().column_names())
    has_names = isinstance(labels, list) and len(labels) == n_columns
    return labels if has_names else list(range(n_columns))  # type: ignore[return-value]


def as_array(column: Any, *, one_dimensional: bool = True) -> Array:
    """An array of it: of objects where NumPy can make no other."""
    try:
        array = np.array(column, object) if isinstance(column, list | tuple) else np.asarray(column)
    except (TypeError, ValueError):
        array = np.array([], dtype=float)
        try:
            array = np.array(column, dtype=object)
        except (TypeError, ValueError):
            return array
    if one_dimensional and (array.ndim != 1 or array.dtype.kind == "V"):
        # Lists of one length, or records: each is one element of the column.
        return np.fromiter(iter(column), dtype=object, count=len(column))
    return array
