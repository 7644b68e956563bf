"""Rows that are copies of others: of a sample with replacement, of a class that was oversampled.

A copy in the training of a member gives away what its twin among the rows left out is: by these the
members would seem to be right and sure, and so be made. Copies stay in one fold, as rows of one
group do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from skneural.arrays.matrices import IndexArray
from skneural.estimators.table.reading import RawColumn

#: The share of the rows from which on copies are looked after.
MIN_SHARE = 0.1

#: The share of the rows beside others of the same columns, up to which these may have another y.
MAX_MIXED = 0.01

#: Odd, its bits as good as random: the golden ratio times 2**64.
FACTOR = np.uint64(0x9E3779B97F4A7C15)


def copies_in(table: Sequence[RawColumn], y: npt.NDArray[Any]) -> IndexArray | None:
    """Which rows are the same.

    Rows that are the same by chance are none: where columns have few values, so that fewer rows are
    possible than there are pairs of different ones, or where rows of the same columns differ in y.

    Parameters
    ----------
    table : sequence of RawColumn
    y : ndarray of shape (n_rows,)
        Numbers, or the class of each row as one.

    Returns
    -------
    copies : ndarray of shape (n_rows,) or None
        Rows with the same number are the same in all columns and in y. None if less than a tenth of
        the rows are copies of others.
    """
    n_rows, n_possible = len(y), 0.0
    of_X = np.zeros(n_rows, dtype=np.uint64)
    for column in table:
        # Of one column it is known for certain which values are the same.
        values, codes = np.unique(_comparable(column), return_inverse=True)
        n_possible += math.log(len(values))
        of_X = _mixed_in(of_X, codes)
    _, of_y = np.unique(y, return_inverse=True)
    of_rows, first, copies = np.unique(
        _mixed_in(of_X, of_y), return_index=True, return_inverse=True
    )
    if n_rows - len(of_rows) < MIN_SHARE * n_rows or n_possible <= 2 * math.log(len(of_rows)):
        return None
    _, group, n_equal = np.unique(of_X, return_inverse=True, return_counts=True)
    has_other_y = np.bincount(group[first], minlength=len(n_equal)) > 1
    has_twin = n_equal > 1
    if np.sum(n_equal[has_other_y]) > MAX_MIXED * np.sum(n_equal[has_twin]):
        return None
    return copies.astype(np.intp)


def _comparable(column: RawColumn) -> npt.NDArray[Any]:
    """Numbers that are equal where the values of a column are: NaN too, for `numpy.unique`."""
    return column.labels().of_rows if column.is_categorical else column.numbers()


def _mixed_in(keys: npt.NDArray[np.uint64], codes: IndexArray) -> npt.NDArray[np.uint64]:
    """A number of 64 bits for each pair: other pairs have another one, but for 1 in 2**64."""
    mixed = (keys ^ codes.astype(np.uint64)) * FACTOR
    return mixed ^ (mixed >> np.uint64(32))
