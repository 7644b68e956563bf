"""Means, scatter and Gram matrices of the columns of a matrix, dense or sparse, with weights.

Dense rows are walked in runs that fit a cache.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import sparse

from skneural.arrays.matrices import CHUNK_ELEMENTS, FEWEST_CHUNK_ROWS, FloatArray, Matrix


def column_means(X: Matrix, weight: FloatArray, *, stays_sparse: bool = False) -> FloatArray:
    """Weighted mean of every column, in float64: shape (n_features,).

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_rows, n_features)
    weight : ndarray of shape (n_rows,)
        Not all zero.
    stays_sparse : bool, default=False
        Whether it is to be subtracted from the rows: from those of a sparse matrix zero is, which
        leaves them sparse.
    """
    total: FloatArray = np.zeros(X.shape[1])
    if stays_sparse and sparse.issparse(X):
        return total
    for rows, block in row_blocks(X, X.shape[1]):
        total += block.T @ weight[rows]
    total /= weight.sum()
    return total


def column_scatter(X: Matrix, weight: FloatArray, centre: FloatArray) -> FloatArray:
    """Weighted sum of the squared distances of every column from its `centre`.

    The diagonal of `scatter`, for the price of one pass.
    """
    if sparse.issparse(X):
        X = X.astype(np.float64, copy=False)
        sums = X.T @ weight
        squares: FloatArray = X.multiply(X).T @ weight - 2 * centre * sums
        squares += weight.sum() * centre**2
        return squares
    total: FloatArray = np.zeros(X.shape[1])
    for rows, block in row_blocks(X, X.shape[1]):
        distance = block - centre
        distance *= distance
        total += distance.T @ weight[rows]
    return total


def scatter(X: Matrix, weight: FloatArray, centre: FloatArray) -> FloatArray:
    """``(X - centre).T @ diag(weight) @ (X - centre)``, also where X is sparse and stays so.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_rows, n_features)
    weight : ndarray of shape (n_rows,)
        Zero or positive.
    centre : ndarray of shape (n_features,)

    Returns
    -------
    scatter : ndarray of shape (n_features, n_features)
    """
    if not sparse.issparse(X):
        return weighted_gram(X, weight, centre)
    gram = weighted_gram(X, weight, np.zeros_like(centre))
    cross = np.outer(X.T @ weight, centre)
    gram -= cross + cross.T
    gram += weight.sum() * np.outer(centre, centre)
    return gram


def centred(
    X: Matrix, centre: FloatArray, with_ones: bool = False
) -> tuple[Matrix, FloatArray | None, bool]:
    """What `weighted_gram` is to be given for these rows, if it is called again and again.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_rows, n_features)
    centre : ndarray of shape (n_features,)
        What to subtract from every row. A sparse matrix is taken as it is.
    with_ones : bool, default=False
        Whether to append a column of ones to X.

    Returns
    -------
    X, centre, with_ones
        What it makes of its rows, once instead of in every call: in float64, with no centre to
        subtract and no ones to append. All three as they are where that would not fit a cache: then
        it is faster to make them in runs.
    """
    n_columns = X.shape[1] + with_ones
    if not 0 < X.shape[0] * n_columns <= CHUNK_ELEMENTS:
        return X, centre, with_ones
    _, rows = next(row_blocks(X, n_columns, centre, with_ones))  # all of them
    return rows, None, False


def weighted_gram(
    X: Matrix, weight: FloatArray, centre: FloatArray | None, with_ones: bool = False
) -> FloatArray:
    """Weighted sum of the outer products of all rows with themselves, in float64.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_rows, n_features)
    weight : ndarray of shape (n_rows,)
        Zero or positive.
    centre : ndarray of shape (n_features,) or None
        What to subtract from every row. A sparse matrix is taken as it is. None for rows that
        `centred` has made.
    with_ones : bool, default=False
        Whether to append a column of ones to X.

    Returns
    -------
    gram : ndarray of shape (n_columns, n_columns)
        With n_columns = n_features + with_ones.
    """
    n_columns = X.shape[1] + with_ones
    gram: FloatArray = np.zeros((n_columns, n_columns))
    root = np.sqrt(weight, dtype=np.float64)[:, np.newaxis]
    for rows, block in row_blocks(X, n_columns, centre, with_ones):
        if sparse.issparse(block):
            weighted = block.multiply(root).tocsr()
            gram += (weighted.T @ weighted).toarray()
        else:
            weighted = block * root[rows]
            gram += weighted.T @ weighted  # NumPy sees that this is symmetric: half the work
    return gram


def weighted_grams(
    X: Matrix, weights: FloatArray, centre: FloatArray | None, with_ones: bool = False
) -> FloatArray:
    """Gram matrices of the same rows under several weights, which may be negative.

    Parameters
    ----------
    X, centre, with_ones
        As for `weighted_gram`.
    weights : ndarray of shape (n_rows, n_weights)

    Returns
    -------
    grams : ndarray of shape (n_columns, n_weights, n_columns)
        ``grams[:, k]`` is the matrix of ``weights[:, k]``.
    """
    n_columns, n_weights = X.shape[1] + with_ones, weights.shape[1]
    grams: FloatArray = np.zeros((n_columns, n_weights, n_columns))
    for rows, block in row_blocks(X, n_columns * (n_weights + 1), centre, with_ones):
        if sparse.issparse(block):
            # By columns, as SciPy multiplies it: only the stored elements change with the weights.
            transpose, weighted = block.T, block.tocsc(copy=True)
            stored = weighted.data
            for k in range(n_weights):
                weighted.data = stored * weights[weighted.indices, k]
                grams[:, k] += (transpose @ weighted).toarray()
        else:
            weighted = weights[rows, :, np.newaxis] * block[:, np.newaxis, :]
            grams += (block.T @ weighted.reshape(len(block), -1)).reshape(grams.shape)
    return grams


def row_blocks(
    X: Matrix, width: int, centre: FloatArray | None = None, with_ones: bool = False
) -> Iterator[tuple[slice, Matrix]]:
    """Runs of rows of which `width` columns fit a cache; a sparse matrix in one piece.

    With a `centre` they are in float64, less the centre where they are dense, and with ones in a
    last column, if that is asked for; the blocks of a dense matrix share one buffer then. Without,
    they are the rows as they are.
    """
    n_rows, n_features = X.shape
    if sparse.issparse(X):
        if centre is not None:
            ones = np.ones((n_rows, int(with_ones)))
            X = sparse.hstack([X.astype(np.float64), ones]).tocsr()
        yield slice(None), X
        return
    step = max(CHUNK_ELEMENTS // max(width, 1), FEWEST_CHUNK_ROWS)
    if centre is not None:
        buffer: FloatArray = np.empty((min(step, n_rows), n_features + with_ones))
        buffer[:, n_features:] = 1
    for start in range(0, n_rows, step):
        rows = slice(start, start + step)
        block = X[rows]
        if centre is not None:
            distance = buffer[: len(block)]
            np.subtract(block, centre, out=distance[:, :n_features])
            block = distance
        yield rows, block
