"""Dense and sparse matrices behind one set of verbs.

This is the only module that asks what kind of matrix it was given. Everything above it
multiplies, slices and gathers rows without knowing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
BoolArray: TypeAlias = npt.NDArray[np.bool_]
IndexArray: TypeAlias = npt.NDArray[np.intp]
#: A dense array, or a SciPy CSR or CSC matrix or array.
Matrix: TypeAlias = Any

#: Elements of a long float64 vector to work on at a time, and twice as many of float32: 256 kB,
#: so that the four vectors of an Adam step fit a second-level cache of 1 MB.
BLOCK = 2**15

#: What float32 can hold, with room for products.
LARGEST_SINGLE = 1e15

#: Up to this length, NumPy reduces all rows at once faster than one after another.
SHORT_ROW = 64

#: Elements of one buffer while predicting: 1 MB in float64, so that a layer's input and
#: output stay in the second-level cache together.
CHUNK_ELEMENTS = 2**17
FEWEST_CHUNK_ROWS = 64


def product(matrix: Matrix, dense: FloatArray, out: FloatArray) -> None:
    """Write ``matrix @ dense`` into `out`."""
    if isinstance(matrix, np.ndarray):
        np.dot(matrix, dense, out=out)
    else:
        out[...] = matrix @ dense


def transposed_product(matrix: Matrix, dense: FloatArray, out: FloatArray) -> None:
    """Write ``matrix.T @ dense`` into `out`."""
    if isinstance(matrix, np.ndarray):
        np.dot(matrix.T, dense, out=out)
    else:
        out[...] = matrix.T @ dense


def column_means(X: Matrix, weight: FloatArray) -> FloatArray:
    """Weighted mean of every column, in float64: shape (n_features,).

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_rows, n_features)
    weight : ndarray of shape (n_rows,)
        Not all zero.
    """
    total: FloatArray = np.zeros(X.shape[1])
    for rows, block in _row_blocks(X, X.shape[1]):
        total += block.T @ weight[rows]
    total /= weight.sum()
    return total


def in_single_precision(X: Matrix) -> Matrix:
    """`X` in float32, unless that would take its largest elements for infinite."""
    stored = X.data if sparse.issparse(X) else X
    largest = np.max(np.abs(stored), initial=0)
    return X.astype(np.float32, copy=False) if largest < LARGEST_SINGLE else X


def centre_of(X: Matrix, weight: FloatArray) -> FloatArray:
    """What to subtract from the rows of `X`: their mean, and nothing if it is sparse."""
    return np.zeros(X.shape[1]) if sparse.issparse(X) else column_means(X, weight)


def columns(X: Matrix, index: IndexArray) -> Matrix:
    """The columns of `X` with these numbers, in that order."""
    return X[:, index]


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
    for rows, block in _row_blocks(X, X.shape[1]):
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


def weighted_gram(
    X: Matrix, weight: FloatArray, centre: FloatArray, with_ones: bool = False
) -> FloatArray:
    """Weighted sum of the outer products of all rows with themselves, in float64.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_rows, n_features)
    weight : ndarray of shape (n_rows,)
        Zero or positive.
    centre : ndarray of shape (n_features,)
        What to subtract from every row. A sparse matrix is taken as it is.
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


def outer_gram(
    X: Matrix, factors: FloatArray, centre: FloatArray, with_ones: bool = False
) -> FloatArray:
    """Sum of the outer products with themselves of all rows ``kron(factors, X)``.

    Parameters
    ----------
    X, centre, with_ones
        As for `weighted_gram`.
    factors : ndarray of shape (n_rows, n_factors)

    Returns
    -------
    gram : ndarray of shape (n_factors * n_columns, n_factors * n_columns)
    """
    n_factors = factors.shape[1]
    n_columns = n_factors * (X.shape[1] + with_ones)
    gram: FloatArray = np.zeros((n_columns, n_columns))
    for rows, block in _centred_blocks(X, centre, with_ones, n_columns):
        parts = [_times_column(block, factors[rows, k, np.newaxis]) for k in range(n_factors)]
        _add_gram(gram, sparse.hstack(parts) if sparse.issparse(X) else np.hstack(parts))
    return gram


def _add_gram(gram: FloatArray, block: Matrix) -> None:
    if sparse.issparse(block):
        gram += (block.T @ block).toarray()
    else:
        gram += block.T @ block  # NumPy sees that this is symmetric: half the work


def _times_column(block: Matrix, column: FloatArray) -> Matrix:
    return block.multiply(column).tocsr() if sparse.issparse(block) else block * column


def _centred_blocks(
    X: Matrix, centre: FloatArray, with_ones: bool, width: int
) -> Iterator[tuple[slice, Matrix]]:
    """Runs of rows in float64, less `centre` where dense, with ones in a last column.

    The blocks of a dense matrix share one buffer.
    """
    if sparse.issparse(X):
        ones = np.ones((X.shape[0], int(with_ones)))
        yield slice(None), sparse.hstack([X.astype(np.float64), ones]).tocsr()
        return
    n_features = X.shape[1]
    buffer: FloatArray = np.ones((0, 0))
    for rows, block in _row_blocks(X, width):
        if len(buffer) < len(block):  # the first block is the largest
            buffer = np.ones((len(block), n_features + with_ones))
        centred = buffer[: len(block)]
        np.subtract(block, centre, out=centred[:, :n_features])
        yield rows, centred


def _row_blocks(X: Matrix, width: int) -> Iterator[tuple[slice, Matrix]]:
    """Runs of rows of which `width` columns fit a cache; a sparse matrix in one piece."""
    step = max(CHUNK_ELEMENTS // max(width, 1), FEWEST_CHUNK_ROWS)
    if sparse.issparse(X):
        step = X.shape[0]
    for start in range(0, X.shape[0], step):
        rows = slice(start, start + step)
        yield rows, X[rows]


def blocks(*vectors: FloatArray) -> Iterator[tuple[FloatArray, ...]]:
    """Corresponding pieces of vectors of the same length and dtype, short enough for a cache."""
    n = len(vectors[0])
    step = block_length(vectors[0].dtype)
    if n <= step:
        yield vectors
        return
    for start in range(0, n, step):
        piece = slice(start, start + step)
        yield tuple(vector[piece] for vector in vectors)


def block_length(dtype: npt.DTypeLike) -> int:
    """The largest number of elements of one piece."""
    return BLOCK * np.dtype(np.float64).itemsize // np.dtype(dtype).itemsize


def norm(vector: FloatArray) -> float:
    """Euclidean norm, infinite where the square of it overflows."""
    return math.sqrt(float(np.dot(vector, vector)))


def spread(values: FloatArray, out: FloatArray) -> FloatArray:
    """Repeat a row or a column until it has the shape of `out`.

    Arithmetic with the result needs no buffer, as NumPy's broadcasting does.
    """
    np.copyto(out, values)
    return out


def row_maxima(matrix: FloatArray, out: FloatArray, scratch: FloatArray) -> None:
    """Write the largest element of each row into the column `out`.

    `scratch` has the shape of `matrix`.
    """
    if matrix.shape[1] < SHORT_ROW:
        turned = scratch.reshape(matrix.shape[::-1])
        np.copyto(turned, matrix.T)
        turned.max(axis=0, out=out[:, 0])
    else:
        matrix.max(axis=1, keepdims=True, out=out)


def row_sums(matrix: FloatArray, out: FloatArray) -> None:
    """Write the sum of each row into the column `out`."""
    np.dot(matrix, np.ones(matrix.shape[1], dtype=matrix.dtype), out=out[:, 0])


def rows_as_csr(X: Matrix) -> Matrix:
    """`X` in a layout whose rows are cheap to take: CSC becomes CSR, the rest stays."""
    return X.tocsr() if sparse.issparse(X) else X


def row_chunks(
    X: Matrix, layer_sizes: Sequence[int], dtype: npt.DTypeLike
) -> Iterator[tuple[slice, Matrix]]:
    """Walk over `X` in runs of rows, each in C order and of the given dtype.

    Yields
    ------
    rows : slice
        Which rows of `X` these are.
    chunk : {ndarray, sparse matrix} of shape (at most `chunk_rows`, n_features)
    """
    n_rows = X.shape[0]
    # Sparse rows take no buffer as wide as their features.
    step = chunk_rows(n_rows, max(layer_sizes[1:] if sparse.issparse(X) else layer_sizes))
    X = rows_as_csr(X)
    for start in range(0, n_rows, step):
        rows = slice(start, min(start + step, n_rows))
        chunk = X[rows]
        if sparse.issparse(chunk):
            yield rows, chunk.astype(dtype, copy=False)
        else:
            yield rows, np.ascontiguousarray(chunk, dtype=dtype)


def assembled(pieces: Iterable[tuple[slice, Any]], n_rows: int) -> Any:
    """Results of runs of rows, dense or sparse, put together to those of all `n_rows` rows.

    Parameters
    ----------
    pieces : iterable of (slice, {ndarray, sparse matrix})
        The rows of each result, in order, and the result.
    """
    pieces = iter(pieces)
    rows, piece = next(pieces)
    if rows.stop == n_rows:
        return piece
    if sparse.issparse(piece):
        return sparse.vstack([piece, *(piece for _, piece in pieces)], format=piece.format)
    whole = np.empty((n_rows, *piece.shape[1:]), dtype=piece.dtype)
    whole[rows] = piece
    for rows, piece in pieces:
        whole[rows] = piece
    return whole


def chunk_rows(n_rows: int, widest_layer: int) -> int:
    """How many rows to send through a network at a time when only predicting."""
    return min(n_rows, max(FEWEST_CHUNK_ROWS, CHUNK_ELEMENTS // widest_layer))


def as_shape_of(target: FloatArray, value: Any) -> FloatArray:
    """A copy of `value` in the dtype of `target`; ValueError unless it fits and is finite."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"Expected real numbers for this layer, got dtype {array.dtype}.")
    if array.shape != target.shape:
        raise ValueError(
            f"Expected an array of shape {target.shape} for this layer, got {array.shape}."
        )
    with np.errstate(over="ignore"):
        # A copy: the values may be a view of another layer that is assigned to first.
        array = array.astype(target.dtype)
    if not np.all(np.isfinite(array)):
        raise ValueError("The values for this layer contain NaN or infinity.")
    return array


class Batches:
    """Mini-batches of rows, gathered into buffers that are used again and again.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        Dense arrays in C order.
    y : ndarray of shape (n_samples, n_outputs)
        Floating point, or boolean: one byte an element here, converted batch by batch.
    sample_weight : ndarray of shape (n_samples,) or None
    batch_size : int
        Rows per batch; the last one of an epoch may be smaller.
    """

    def __init__(
        self,
        X: Matrix,
        y: npt.NDArray[Any],
        sample_weight: FloatArray | None,
        batch_size: int,
    ) -> None:
        self.X = X
        self.y = y
        self.weight = None if sample_weight is None else sample_weight[:, np.newaxis]
        self.batch_size = batch_size
        dtype = X.dtype
        n_outputs = y.shape[1]
        self._X_buffer: FloatArray | None = None
        if not sparse.issparse(X):
            self._X_buffer = np.empty((batch_size, X.shape[1]), dtype=dtype)
        self._y_buffer = np.empty((batch_size, n_outputs), dtype=dtype)
        self._y_gathered = np.empty((batch_size, n_outputs), dtype=y.dtype)
        self._weight_buffer = np.empty((batch_size, 1), dtype=dtype)

    def gathered(self, order: IndexArray) -> Iterator[tuple[Matrix, FloatArray, FloatArray | None]]:
        """Batches of the rows named by `order`, in that order."""
        for start in range(0, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            n_rows = len(rows)
            # mode="clip" lets NumPy write straight into the buffer; the rows are valid.
            if self._X_buffer is None:
                X = self.X[rows]
            else:
                X = self._X_buffer[:n_rows]
                self.X.take(rows, axis=0, out=X, mode="clip")
            y = self._y_gathered[:n_rows]
            self.y.take(rows, axis=0, out=y, mode="clip")
            weight = None
            if self.weight is not None:
                weight = self._weight_buffer[:n_rows]
                self.weight.take(rows, axis=0, out=weight, mode="clip")
            yield X, self._as_float(y), weight

    def in_order(self) -> Iterator[tuple[Matrix, FloatArray, FloatArray | None]]:
        """Batches of all rows as they stand: views, nothing is gathered."""
        for start in range(0, self.X.shape[0], self.batch_size):
            rows = slice(start, start + self.batch_size)
            weight = None if self.weight is None else self.weight[rows]
            yield self.X[rows], self._as_float(self.y[rows]), weight

    def _as_float(self, y: npt.NDArray[Any]) -> FloatArray:
        if y.dtype == self._y_buffer.dtype:
            return y
        converted = self._y_buffer[: len(y)]
        np.copyto(converted, y)
        return converted
