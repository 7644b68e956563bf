"""What single huge elements do not change in the columns of a matrix, and how huge they are."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from skneural.arrays.grams import column_means, row_blocks
from skneural.arrays.matrices import BoolArray, FloatArray, Matrix


def column_medians(X: Matrix, rows: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Median of every column over some of the rows, and the median distance from it.

    Of a sparse matrix, zero and the mean distance from it. The mean also stands for a median
    distance of zero, and one for columns that do not vary.
    """
    medians: FloatArray = np.zeros(X.shape[1])
    if sparse.issparse(X):
        chosen = X[np.flatnonzero(rows)]
        deviation = np.asarray(distances(chosen, medians).mean(axis=0)).ravel()
    else:
        medians = np.median(X[rows], axis=0).astype(np.float64)
        distance = np.abs(X[rows] - medians)
        deviation = np.median(distance, axis=0)
        deviation = np.where(deviation > 0, deviation, distance.mean(axis=0))
    return medians, np.where(deviation > 0, deviation, 1.0)


def distances(X: Matrix, centre: FloatArray) -> Matrix:
    """Distance of every element from the centre of its column; of a sparse matrix, from zero.

    An element that is stored in several parts counts with each of them.
    """
    if not sparse.issparse(X):
        return np.abs(X - centre)
    # abs(X) would put the elements of X in order, and X is the user's.
    return type(X)((np.abs(X.data), X.indices, X.indptr), shape=X.shape)


def largest_share(X: Matrix) -> float:
    """The largest share that one cell has in the sum of squares of its column about its centre."""
    largest, total = np.zeros(X.shape[1]), np.zeros(X.shape[1])
    centre = column_means(X, np.ones(X.shape[0]), stays_sparse=True)
    for _, block in row_blocks(X, X.shape[1]):
        if sparse.issparse(block):
            squares = block.astype(np.float64).power(2)
            np.maximum(largest, squares.max(axis=0).toarray().ravel(), out=largest)
            total += np.asarray(squares.sum(axis=0)).ravel()
        else:
            squares = block - centre
            squares *= squares
            np.maximum(largest, squares.max(axis=0, initial=0), out=largest)
            total += squares.sum(axis=0)
    return float(np.max(largest / np.where(total > 0, total, 1), initial=0))
