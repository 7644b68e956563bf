"""What kind of labels the targets of a classifier are.

====================  =====================================================================
one label a row       a vector; a column vector has become one, with a warning
indicator matrix      several columns of zeros and ones, dense or sparse: multilabel
columns of labels     every other matrix: one label in each column
====================  =====================================================================
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from numbers import Number
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

#: Kinds of dtypes of which scikit-learn, which takes longer, finds every vector to be labels.
ALWAYS_LABELS = "biuU"


class LabelKind(Enum):
    """What kind of labels there are, in words for messages."""

    SINGLE = "one label a row"
    INDICATOR = "an indicator matrix (multilabel)"
    COLUMNS = "several columns of labels"


def kind_of_labels(y: Any) -> LabelKind:
    """Which kind of labels `y` holds; ValueError if it is no classification target."""
    if isinstance(y, np.ndarray) and y.ndim == 1 and y.dtype.kind in ALWAYS_LABELS:
        return LabelKind.SINGLE
    if sparse.issparse(y):
        return _kind_of_matrix([y.data])
    if np.ndim(y) == 2 and np.shape(y)[1] != 1:
        if np.shape(y)[1] == 0:
            raise ValueError("y has no columns, of which at least one is needed.")
        return _kind_of_matrix(label_columns(y))
    with sortable_or_value_error():
        kind = type_of_target(y, input_name="y")
    if kind not in ("binary", "multiclass"):
        _refuse_numbers_as_objects(y)
        check_classification_targets(y)
    return LabelKind.SINGLE


def _refuse_numbers_as_objects(y: Any) -> None:
    """Raise ValueError for an array of objects that are numbers, such as a column of a mixed one.

    scikit-learn does not take these for labels, and its error speaks of a regression.
    """
    if isinstance(y, np.ndarray) and y.dtype == object and y.ndim == 1:
        numbers = _without_needless_objects(y)
        if numbers.dtype.kind in "biu":
            raise ValueError(
                f"Unknown label type: y is an array of objects that are numbers, such as {y[0]!r}. "
                f"Pass y.astype({'bool' if numbers.dtype == bool else 'int'})."
            )


def _kind_of_matrix(columns: list[npt.NDArray[Any]]) -> LabelKind:
    for column in columns:
        if column.dtype.kind not in "biuf" or not np.all((column == 0) | (column == 1)):
            return LabelKind.COLUMNS
    return LabelKind.INDICATOR


def label_columns(y: Any) -> list[npt.NDArray[Any]]:
    """The columns of a matrix of labels; numbers in an array of objects as numbers.

    Parameters
    ----------
    y : {array-like, sparse matrix} of shape (n_rows, n_targets) or (n_rows,)

    Returns
    -------
    columns : list of ndarray of shape (n_rows,)
    """
    matrix = y.toarray() if sparse.issparse(y) else np.asarray(y)
    if matrix.ndim == 1:  # a single column
        matrix = matrix[:, np.newaxis]
    return [_without_needless_objects(column) for column in matrix.T]


def _without_needless_objects(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    # What a data frame with columns of numbers and of strings becomes has objects everywhere.
    if column.dtype != object or not all(isinstance(each, Number | np.bool_) for each in column):
        return column
    return np.array(column.tolist())


def has_classes_of_columns(classes: Any) -> bool:
    """Whether `classes` are lists of labels, one for each column of y, and not labels."""
    return np.iterable(classes) and any(np.ndim(each) > 0 for each in classes)


def sorted_classes(y: Any) -> npt.NDArray[Any]:
    """The distinct labels of `y`, sorted; ValueError where they cannot be."""
    with sortable_or_value_error():
        classes: npt.NDArray[Any] = unique_labels(y)
    given_as_objects = isinstance(y, np.ndarray) and y.dtype.kind == "O"
    return classes.astype(object) if given_as_objects else classes


@contextmanager
def sortable_or_value_error() -> Iterator[None]:
    """Turn the TypeError about labels that cannot be compared into a ValueError."""
    try:
        yield
    except TypeError as error:
        raise ValueError(
            "y mixes labels of different types, which cannot be sorted: make them all strings "
            f"or all numbers ({error})."
        ) from error
