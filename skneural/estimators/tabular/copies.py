"""Rows that are copies of others: of a sample with replacement, of a class that was oversampled.

A copy in the training of a member gives away what its twin among the rows left out is: by these the
members would seem to be right and sure, and so be made. Copies stay in one fold, as rows of one
group do.

Where the same few rows come again and again, as in a table of a few products, they are no copies
but all there is to learn: without them in its training, a member would know nothing of a class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from skneural.arrays.matrices import IndexArray
from skneural.estimators.table.reading import RawColumn
from skneural.estimators.tabular.folds import FEWEST

#: The share of the rows from which on copies are looked after.
MIN_SHARE = 0.1

#: The share of the rows beside others of the same columns, up to which these may have another y.
MAX_MIXED = 0.1

#: Different rows from which on others are copies of them: as a share of all, or so many.
MIN_DIFFERENT_SHARE = 0.25
MIN_DIFFERENT = 100

#: The share of all rows from which on those that are the same are no copies of one row.
MAX_OF_ONE_ROW = 0.1

#: The different values of y, as a share of the different rows, from which on y is measured: then
#: rows of the same columns have another y as a rule.
MEASURED = 0.5

#: Where columns go together, more rows are the same than if each were drawn by itself. So many
#: times as many are taken for chance.
MOST_OF_CHANCE = 4.0

#: Odd, its bits as good as random: the golden ratio times 2**64.
FACTOR = np.uint64(0x9E3779B97F4A7C15)


def copies_in(
    table: Sequence[RawColumn],
    is_categorical: npt.NDArray[np.bool_],
    y: npt.NDArray[Any],
    codes: IndexArray | None,
) -> IndexArray | None:
    """Which rows are the same.

    Rows that are the same by chance, or by design, are no copies: where columns (and y, if that is
    numbers) have so few values that at most `MOST_OF_CHANCE` times as many are the same as would be
    if each column were drawn by itself; where less than a quarter of the rows, and less than 100,
    are different; or where rows of the same columns differ in class. Nor are those of a class that
    has less than 8 different rows, and those that are a tenth of all rows: these are not kept
    together.

    Parameters
    ----------
    table : sequence of RawColumn
    is_categorical : ndarray of bool of shape (n_columns,)
    y : ndarray of shape (n_rows,)
    codes : ndarray of shape (n_rows,) or None
        The class of each row; None for numbers.

    Returns
    -------
    copies : ndarray of shape (n_rows,) or None
        Rows with the same number, from 0 on, are the same in all columns and in y. None if less
        than a tenth of the rows are copies of others.
    """
    n_rows = len(y)
    n_pairs = n_rows * (n_rows - 1) / 2  # and how many of these would be equal by chance
    of_X = np.zeros(n_rows, dtype=np.uint64)
    for column, is_category in zip(table, is_categorical.tolist(), strict=True):
        # Of one column it is known for certain which values are the same: NaN, too.
        of_column = column.labels().of_rows if is_category else column.numbers()
        values, of_values = np.unique(of_column, return_inverse=True)
        n_pairs *= _chance_of_equals(of_values)
        of_X = _mixed_in(of_X, of_values)
    values, of_y = np.unique(y if codes is None else codes, return_inverse=True)
    if codes is None:
        n_pairs *= _chance_of_equals(of_y)
    _, first, copies, n_copies = np.unique(
        _mixed_in(of_X, of_y), return_index=True, return_inverse=True, return_counts=True
    )
    n_different = len(first)
    if n_rows - n_different <= MOST_OF_CHANCE * n_pairs:
        return None
    if n_different < min(MIN_DIFFERENT_SHARE * n_rows, MIN_DIFFERENT):
        return None
    is_apart = n_copies > MAX_OF_ONE_ROW * n_rows
    if codes is not None:
        is_apart |= (np.bincount(codes[first]) < FEWEST)[codes[first]]
    if np.sum(n_copies[~is_apart] - 1) < MIN_SHARE * n_rows:
        return None
    is_measured = codes is None and len(values) >= MEASURED * n_different
    if not is_measured and _are_mixed(of_X, first):
        return None
    kept_together = np.where(is_apart[copies], n_different + np.arange(n_rows), copies)
    return np.unique(kept_together, return_inverse=True)[1]


def _chance_of_equals(codes: IndexArray) -> float:
    """How likely two rows are to have the same value of a column."""
    shares = np.bincount(codes) / len(codes)
    return float(shares @ shares)


def _are_mixed(of_X: npt.NDArray[np.uint64], first: IndexArray) -> bool:
    """Whether rows of the same columns have another y, by the first of each of the different rows.

    A few may: these are chance.
    """
    _, group, n_equal = np.unique(of_X, return_inverse=True, return_counts=True)
    has_other_y = np.bincount(group[first], minlength=len(n_equal)) > 1
    has_twin = n_equal > 1
    return bool(np.sum(n_equal[has_other_y]) > MAX_MIXED * np.sum(n_equal[has_twin]))


def _mixed_in(keys: npt.NDArray[np.uint64], codes: IndexArray) -> npt.NDArray[np.uint64]:
    """A number of 64 bits for each pair: other pairs have another one, but for 1 in 2**64."""
    mixed = (keys ^ codes.astype(np.uint64)) * FACTOR
    return mixed ^ (mixed >> np.uint64(32))
