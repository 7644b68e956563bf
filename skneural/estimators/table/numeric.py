"""Columns of numbers: missing values, and which of them have two values or one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from skneural.arrays.matrices import FloatArray, IndexArray
from skneural.estimators.table.scaling import Quantiles
from skneural.estimators.table.weights import relative


@dataclass(frozen=True)
class Numbers:
    """Columns of numbers, as training has seen them.

    Matrices of them have one row for each column of the table, in which NaN is missing.

    Attributes
    ----------
    stand_ins : ndarray of shape (n_columns,)
        For what is missing: the median of what is not, of two values their mean.
    lowest, highest : ndarray of shape (n_columns,)
    continuous : ndarray of int
        Those with more than two values.
    binary : ndarray of int
        Those with two values, which become -1 and +1.
    with_missing : ndarray of int
        Those with some missing values, which a column of -1 and +1 tells from the others.
    """

    stand_ins: FloatArray
    lowest: FloatArray
    highest: FloatArray
    continuous: IndexArray
    binary: IndexArray
    with_missing: IndexArray

    @classmethod
    def fit(cls, columns: FloatArray, weight: FloatArray | None) -> Self:
        """Statistics of columns without infinite values.

        Parameters
        ----------
        columns : ndarray of shape (n_columns, n_rows)
        weight : ndarray of shape (n_rows,) or None
        """
        n_columns = len(columns)
        stand_ins = np.zeros(n_columns)
        lowest, highest = np.zeros(n_columns), np.zeros(n_columns)
        n_values = np.zeros(n_columns, dtype=np.intp)
        n_missing = np.zeros(n_columns, dtype=np.intp)
        for j, column in enumerate(columns):
            missing = np.isnan(column)
            n_missing[j] = np.count_nonzero(missing)
            if n_missing[j] == len(column):
                continue
            known, own = column, weight
            if n_missing[j]:
                known = column[~missing]
                own = None if weight is None else weight[~missing]
            lowest[j], highest[j] = known.min(), known.max()
            is_extreme = (known == lowest[j]) | (known == highest[j])
            n_values[j] = 1 + (highest[j] > lowest[j]) + (not is_extreme.all())
            if n_values[j] > 2:
                # A few rows can take the mean to where no other row is.
                stand_ins[j] = Quantiles(known[np.newaxis], own)(np.array([0.5])).item()
            else:
                mean = np.average(known, weights=None if own is None else relative(own))
                # Rounding must not take the mean of equal numbers away from them.
                stand_ins[j] = np.clip(mean, lowest[j], highest[j])
        some = (n_missing > 0) & (n_missing < columns.shape[1])
        return cls(
            stand_ins,
            lowest,
            highest,
            np.flatnonzero(n_values > 2),
            np.flatnonzero(n_values == 2),
            np.flatnonzero(some),
        )

    def filled(self, columns: FloatArray) -> FloatArray:
        """The continuous columns, with the median where they are missing."""
        return _filled(columns[self.continuous], self.stand_ins[self.continuous])

    def signs(self, columns: FloatArray) -> FloatArray:
        """First the binary columns, then for each column with missing values where they are.

        Of two values the smaller becomes -1, the larger +1, and what lies elsewhere goes along.
        """
        low, high = self.lowest[self.binary], self.highest[self.binary]
        binary = _filled(columns[self.binary], self.stand_ins[self.binary])
        middle = (low + high) / 2
        # Half of the smallest number is zero.
        half_range = np.maximum((high - low) / 2, np.finfo(np.float64).tiny)
        with np.errstate(over="ignore"):
            binary = np.clip((binary - middle[:, None]) / half_range[:, None], -1e100, 1e100)
        missing = np.where(np.isnan(columns[self.with_missing]), 1.0, -1.0)
        return np.concatenate([binary, missing])


def _filled(columns: FloatArray, stand_ins: FloatArray) -> FloatArray:
    rows, places = np.nonzero(np.isnan(columns))
    columns[rows, places] = stand_ins[rows]
    return columns
