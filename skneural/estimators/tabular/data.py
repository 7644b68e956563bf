"""From what users pass to the rows of a table that an ensemble is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils import check_array, check_consistent_length

from skneural.arrays.matrices import FloatArray
from skneural.estimators.checks import native, one_column, refuse_no_data, saying_where
from skneural.estimators.columns import check_targets, naming_the_target
from skneural.estimators.containers import take
from skneural.estimators.data import stand_in
from skneural.estimators.table.reading import LARGEST, RawColumn, read_table
from skneural.estimators.table.weights import weight_and_rows

#: What errors call the rows that a user has passed to judge by.
VALIDATION_ROWS = "the validation rows (X_val, y_val, sample_weight_val)"

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class TableRows:
    """Rows of a table that count: without those of weight zero.

    Attributes
    ----------
    table : sequence of RawColumn
    y : ndarray of shape (n_rows,)
        Labels or numbers as the user gave them.
    weight : ndarray of shape (n_rows,) or None
        As numbers of rows, see `skneural.estimators.table.weights`.
    kept : ndarray of bool or None
        Which of the rows that were passed these are; None for all.
    feature_names : ndarray of str or None
    """

    table: Sequence[RawColumn]
    y: npt.NDArray[Any]
    weight: FloatArray | None
    kept: Mask | None
    feature_names: npt.NDArray[Any] | None

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return len(self.table)

    def __len__(self) -> int:
        return len(self.y)


def table_rows(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any,
    *,
    are_numbers: bool,
    seen: Any = None,
) -> TableRows:
    """The rows that a user has passed.

    Parameters
    ----------
    estimator : estimator
        For its name.
    X : data frame, array or list
    y : array-like of shape (n_rows,)
    sample_weight : array-like of shape (n_rows,) or None
    are_numbers : bool
        Whether y is to be numbers.
    seen : object with n_features and feature_names, or None
        What X has to agree with; None for any columns.
    """
    refuse_no_data(X=X, y=y, sample_weight=sample_weight)
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target "
            "y is None."
        )
    substitute = stand_in(estimator, seen)
    table = read_table(estimator, substitute, X, reset=seen is None)
    n_rows = len(table[0].values)
    weight, kept = weight_and_rows(sample_weight, n_rows)
    if kept is not None:
        table = [column.rows(kept) for column in table]
    y = checked_target(y, n_rows, kept, are_numbers=are_numbers)
    return TableRows(table, y, weight, kept, getattr(substitute, "feature_names_in_", None))


def checked_target(
    y: Any, n_rows: int, kept: Mask | None = None, *, are_numbers: bool
) -> npt.NDArray[Any]:
    """One column of labels or of numbers, the latter in float64.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
    n_rows : int
        That it must have.
    kept : ndarray of bool of shape (n_rows,) or None, default=None
        The rows to look at; None for all.
    are_numbers : bool

    Raises
    ------
    ValueError
        For missing or infinite values, several columns, another length, too large numbers.
    """
    check_consistent_length(range(n_rows), y)
    y = native(y if kept is None else take(y, np.flatnonzero(kept)))
    check_targets(y, are_numbers=are_numbers)
    with naming_the_target(y):
        dtype = np.float64 if are_numbers else None
        y = check_array(y, ensure_2d=False, dtype=dtype, input_name="y")
    target: npt.NDArray[Any] = one_column(y)
    if are_numbers and np.any(np.abs(target) > LARGEST):
        raise ValueError(
            f"y holds {target[np.abs(target).argmax()]:g}: numbers beyond {LARGEST:g} are "
            "too large, since their differences are not finite. Divide y by a constant first."
        )
    return target


def validation_rows(
    estimator: Any, validation: tuple[Any, Any, Any], rows: TableRows, *, are_numbers: bool
) -> TableRows | None:
    """The validation rows that a user has passed to fit, if there are any.

    Parameters
    ----------
    estimator : estimator
    validation : tuple
        X_val, y_val and sample_weight_val.
    rows : TableRows
        Those to train on.
    are_numbers : bool
    """
    X, y, sample_weight = validation
    if X is None and y is None and sample_weight is None:
        return None
    if X is None or y is None:
        raise ValueError(
            "X_val and y_val go together, and sample_weight_val needs both: got "
            f"X_val {'given' if X is not None else 'missing'}, "
            f"y_val {'given' if y is not None else 'missing'}."
        )
    with saying_where(VALIDATION_ROWS):
        return table_rows(estimator, X, y, sample_weight, are_numbers=are_numbers, seen=rows)
