"""What stands for y where categories are encoded by it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.multiclass import type_of_target

from skneural.arrays.matrices import FloatArray
from skneural.estimators.checks import native, one_column, refuse_no_data
from skneural.estimators.columns import check_targets, naming_the_target
from skneural.estimators.containers import take

CLASSIFICATION, REGRESSION = "classification", "regression"

#: With more classes there would be too many columns.
MAX_CLASSES = 12

#: Most levels that have a column each where classes are too many for an encoding by target.
MAX_ONE_HOT_OF_MANY_CLASSES = 200


class EncodingTargets(NamedTuple):
    """Columns that stand for y.

    Attributes
    ----------
    type : {'classification', 'regression'} or None
    columns : ndarray of shape (n_rows, n_columns)
        Numbers around their mean, or zeros and ones for classes: one column for two classes, else
        one for each. No columns without y, with one class, or with more than `MAX_CLASSES`.
    names : list of str
        Of the columns.
    has_many_classes : bool
        Whether there are more than `MAX_CLASSES`.
    """

    type: str | None
    columns: FloatArray
    names: list[str]
    has_many_classes: bool = False


def encoding_targets(
    y: Any, target_type: str | None, n_rows: int, kept: npt.NDArray[np.bool_] | None = None
) -> EncodingTargets:
    """The columns that stand for y.

    Parameters
    ----------
    y : array-like of shape (n_rows,) or None
    target_type : {'auto', 'classification', 'regression'} or None
    n_rows : int
        That y must have.
    kept : ndarray of bool of shape (n_rows,) or None, default=None
        The rows to look at; None for all.

    Raises
    ------
    ValueError
        If y has missing values, several columns or another length.
    """
    if y is None or target_type is None:
        known = None if target_type == "auto" else target_type
        n_kept = n_rows if kept is None else np.count_nonzero(kept)
        return EncodingTargets(known, np.zeros((n_kept, 0)), [])
    refuse_no_data(y=y)
    check_consistent_length(range(n_rows), y)
    y = native(y if kept is None else take(y, np.flatnonzero(kept)))
    check_targets(y, are_numbers=target_type == REGRESSION)
    dtype = np.float64 if target_type == REGRESSION else None
    with naming_the_target(y):
        y = check_array(y, ensure_2d=False, dtype=dtype, input_name="y")
    if target_type == "auto":
        target_type = _type_of(y)
    y = one_column(y)
    if target_type == REGRESSION:
        # Only differences from the mean count, and small numbers have small errors of rounding.
        y = y.astype(np.float64)
        return EncodingTargets(target_type, (y - y.mean())[:, None], ["target"])
    return _class_columns(y)


def _type_of(y: Any) -> str:
    found = type_of_target(y, input_name="y", raise_unknown=True)
    if found not in ("binary", "multiclass", "continuous"):
        raise ValueError(
            f"y must be one column of classes or numbers, and is {found!r}. Set target_type=None "
            "to encode no categories by it."
        )
    return REGRESSION if found == "continuous" else CLASSIFICATION


def _class_columns(y: Any) -> EncodingTargets:
    classes, codes = np.unique(y, return_inverse=True)
    if not 2 <= len(classes) <= MAX_CLASSES:
        has_many = len(classes) > MAX_CLASSES
        return EncodingTargets(CLASSIFICATION, np.zeros((len(y), 0)), [], has_many)
    if len(classes) == 2:
        return EncodingTargets(CLASSIFICATION, codes[:, None].astype(np.float64), ["target"])
    names = [f"target_{each}" for each in classes.tolist()]
    return EncodingTargets(CLASSIFICATION, np.eye(len(classes))[codes], names)
