"""Means, scatter and Gram matrices of the columns of a matrix, dense or sparse, with weights.

Dense rows are walked in runs that fit a cache.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import sparse

from skneural.arrays.matrices import CHUNK_ELEMENTS, FEWEST_CHUNK_ROWS, FloatArray, Matrix


def column_means(X: Matrix, weight: FloatArray) -> FloatArray:
    """Weighted mean of every column, in float64: shape (n_features,).

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_rows, n_features)
    weight : ndarray of shape (n_rows,)
        Not all zero.
    """
    total: FloatArray = np.zeros(X.shape[1])
    for rows, block in row_blocks(X, X.shape[1]):
        total += block.T @ weight[rows]
    total /= weight.sum()
    return total


def centre_of(X: Matrix, weight: FloatArray) -> FloatArray:
    """What to subtract from the rows of `X`: their mean, and nothing if it is sparse."""
    return np.zeros(X.shape[1]) if sparse.issparse(X) else column_means(X, weight)


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


def centred(X: Matrix, centre: FloatArray, with_ones: bool = False) -> Matrix | None:
    """What `weighted_gram` makes of its rows, to be made once instead of in every call.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_rows, n_features)
    centre : ndarray of shape (n_features,)
        What to subtract from every row. A sparse matrix is taken as it is.
    with_ones : bool, default=False
        Whether to append a column of ones to X.

    Returns
    -------
    rows : {ndarray, sparse matrix} of shape (n_rows, n_features + with_ones) or None
        In float64. None where they would not fit a cache: then it is faster to make them in runs.
    """
    n_columns = X.shape[1] + with_ones
    if X.shape[0] * n_columns > CHUNK_ELEMENTS:
        return None
    blocks = _centred_blocks(X, centre, with_ones, n_columns)
    _, rows = next(blocks, (None, None))  # all of them, if there are any
    return rows


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
    for rows, block in _centred_blocks(X, centre, with_ones, n_columns):
        _add_gram(gram, _times_column(block, root[rows]))
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
    for rows, block in _centred_blocks(X, centre, with_ones, n_columns * (n_weights + 1)):
        if sparse.issparse(block):
            for k in range(n_weights):
                grams[:, k] += (block.T @ _times_column(block, weights[:, k, None])).toarray()
        else:
            weighted = weights[rows, :, np.newaxis] * block[:, np.newaxis, :]
            grams += (block.T @ weighted.reshape(len(block), -1)).reshape(grams.shape)
    return grams


def _add_gram(gram: FloatArray, block: Matrix) -> None:
    if sparse.issparse(block):
        gram += (block.T @ block).toarray()
    else:
        gram += block.T @ block  # NumPy sees that this is symmetric: half the work


def _times_column(block: Matrix, column: FloatArray) -> Matrix:
    return block.multiply(column).tocsr() if sparse.issparse(block) else block * column


def _centred_blocks(
    X: Matrix, centre: FloatArray | None, with_ones: bool, width: int
) -> Iterator[tuple[slice, Matrix]]:
    """Runs of rows in float64, less `centre` where dense, with ones in a last column.

    The blocks of a dense matrix share one buffer. Without a centre the rows are as they should be.
    """
    if centre is None:
        yield from row_blocks(X, width)
        return
    if sparse.issparse(X):
        ones = np.ones((X.shape[0], int(with_ones)))
        yield slice(None), sparse.hstack([X.astype(np.float64), ones]).tocsr()
        return
    n_features = X.shape[1]
    buffer: FloatArray = np.ones((0, 0))
    for rows, block in row_blocks(X, width):
        if len(buffer) < len(block):  # the first block is the largest
            buffer = np.ones((len(block), n_features + with_ones))
        centred = buffer[: len(block)]
        np.subtract(block, centre, out=centred[:, :n_features])
        yield rows, centred


def row_blocks(X: Matrix, width: int) -> Iterator[tuple[slice, Matrix]]:
    """Runs of rows of which `width` columns fit a cache; a sparse matrix in one piece."""
    step = max(CHUNK_ELEMENTS // max(width, 1), FEWEST_CHUNK_ROWS)
    if sparse.issparse(X):
        step = X.shape[0]
    for start in range(0, X.shape[0], step):
        rows = slice(start, start + step)
        yield rows, X[rows]
