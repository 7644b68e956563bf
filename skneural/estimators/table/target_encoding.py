r"""Levels of a category as what y is among their rows on average, with few rows less so.

.. math:: t_l = \frac{\sum_{i: x_i = l} w_i (y_i - \bar y)}{\sum_{i: x_i = l} w_i + m}

is the mean of y in level l as a difference from the mean of all rows, as if there were m more rows
with the latter (m is the *prior weight*). It is what `sklearn.preprocessing.TargetEncoder` computes
with ``smooth=m``, less the mean. That one takes neither weights nor fold numbers, which the members
of an ensemble need, and leaves no value for unknown levels but the mean.

References
----------
D. Micci-Barreca, "A preprocessing scheme for high-cardinality categorical attributes in
classification and prediction problems", SIGKDD Explorations 3(1), 2001.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from skneural.arrays.matrices import FloatArray, IndexArray


@dataclass(frozen=True)
class TargetEncoding:
    """Smoothed means of the targets in each level of one category.

    Attributes
    ----------
    means : ndarray of shape (n_levels + 1, n_targets)
        In the last row those of the unknown: 0.
    """

    means: FloatArray

    @classmethod
    def fit(
        cls,
        codes: IndexArray,
        targets: FloatArray,
        weight: FloatArray | None,
        n_levels: int,
        prior_weight: float,
    ) -> Self:
        """Means over all rows.

        Parameters
        ----------
        codes : ndarray of shape (n_rows,)
            Levels, from 0 to `n_levels`; those with the last code are unknown.
        targets : ndarray of shape (n_rows, n_targets)
            Numbers, or zeros and ones for classes.
        weight : ndarray of shape (n_rows,) or None
        n_levels : int
        prior_weight : float
        """
        sums, counts = _sums(codes, targets, weight, n_levels + 1)
        means = _smoothed(sums, counts, _mean(targets, weight), prior_weight)
        means[-1] = 0.0
        return cls(means)

    def transform(self, codes: IndexArray) -> FloatArray:
        """The means of the levels of rows, of shape (n_rows, n_targets)."""
        return self.means[codes]


def out_of_fold(
    codes: IndexArray,
    targets: FloatArray,
    weight: FloatArray | None,
    folds: IndexArray,
    n_levels: int,
    prior_weight: float,
) -> FloatArray:
    """For each row the mean of its level over the rows of the other folds.

    The mean of y, from which they are differences, is that of all rows: one of the other folds
    would tell the folds apart.

    Parameters
    ----------
    codes, targets, weight, n_levels, prior_weight
        As for `TargetEncoding.fit`.
    folds : ndarray of shape (n_rows,)
        Their numbers, from 0.

    Returns
    -------
    means : ndarray of shape (n_rows, n_targets)
    """
    n_folds = int(folds.max()) + 1
    cells = codes * n_folds + folds
    sums, counts = _sums(cells, targets, weight, (n_levels + 1) * n_folds)
    # Of each level and fold; the fold is taken from the level.
    sums = sums.reshape(n_levels + 1, n_folds, -1)
    counts = counts.reshape(n_levels + 1, n_folds, 1)
    others = sums.sum(axis=1, keepdims=True) - sums
    n_others = counts.sum(axis=1, keepdims=True) - counts
    means = _smoothed(others, n_others, _mean(targets, weight), prior_weight)
    return means[codes, folds]


def log_counts(codes: IndexArray, weight: FloatArray | None, n_levels: int) -> FloatArray:
    """log(1 + number of training rows) of each level, last 0 for the unknown."""
    counts = np.bincount(codes, weight, n_levels + 1).astype(np.float64)
    counts[n_levels] = 0.0
    return np.log1p(counts)


def _mean(targets: FloatArray, weight: FloatArray | None) -> FloatArray:
    """The weighted mean of each target."""
    if targets.shape[1] == 0:
        return np.zeros(0)
    mean: FloatArray = np.average(targets, axis=0, weights=weight)
    return mean


def _sums(
    cells: IndexArray, targets: FloatArray, weight: FloatArray | None, n_cells: int
) -> tuple[FloatArray, FloatArray]:
    """Weighted sums of targets and the sum of weights in each cell, as columns."""
    if weight is not None:
        targets = targets * weight[:, None]
    counts: FloatArray = np.bincount(cells, weight, n_cells).astype(np.float64)
    sums: FloatArray = np.empty((n_cells, targets.shape[1]))
    for j, column in enumerate(targets.T):
        sums[:, j] = np.bincount(cells, column, n_cells)
    return sums, counts[:, None]


def _smoothed(
    sums: FloatArray, counts: FloatArray, mean: FloatArray, prior_weight: float
) -> FloatArray:
    """Smoothed means, less the mean of all rows; 0 where there are neither rows nor a prior.

    The mean is taken from the sums, which are whole numbers for classes: levels with as many rows
    of as many classes have the same value to the last bit, and so the same rank.
    """
    weights = counts + prior_weight
    means: FloatArray = np.zeros_like(sums)
    np.divide(sums - mean * counts, weights, out=means, where=weights > 0)
    return means
