"""Dense and sparse matrices behind one set of verbs.

This is the only module that asks what kind of matrix it was given. Everything above it
multiplies, slices and gathers rows without knowing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
BoolArray: TypeAlias = npt.NDArray[np.bool_]
IndexArray: TypeAlias = npt.NDArray[np.intp]
#: A dense array, or a SciPy CSR or CSC matrix or array.
Matrix: TypeAlias = Any

#: Elements of a long vector to work on at a time: 128 kB in float64, so that the four vectors
#: of an Adam step fit a 512 kB cache.
BLOCK = 2**14

#: Elements of one buffer while predicting: 1 MB in float64, so that a layer's input and
#: output stay in the second-level cache together.
CHUNK_ELEMENTS = 2**17
FEWEST_CHUNK_ROWS = 64


def product(matrix: Matrix, dense: FloatArray, out: FloatArray) -> None:
    """Write ``matrix @ dense`` into `out`."""
    if sparse.issparse(matrix):
        out[...] = matrix @ dense
    else:
        np.dot(matrix, dense, out=out)


def transposed_product(matrix: Matrix, dense: FloatArray, out: FloatArray) -> None:
    """Write ``matrix.T @ dense`` into `out`."""
    if sparse.issparse(matrix):
        out[...] = matrix.T @ dense
    else:
        np.dot(matrix.T, dense, out=out)


def add_scaled(target: FloatArray, factor: float, source: FloatArray, scratch: FloatArray) -> None:
    """``target += factor * source`` for vectors, in blocks of the length of `scratch`.

    BLAS has this in one pass (axpy), but SciPy's BLAS is not NumPy's: the threads of the two
    would fight for the cores.
    """
    for start in range(0, len(target), len(scratch)):
        block = slice(start, start + len(scratch))
        scaled = scratch[: len(target[block])]
        np.multiply(source[block], factor, out=scaled)
        target[block] += scaled


def spread(values: FloatArray, out: FloatArray) -> FloatArray:
    """Repeat a row or a column until it has the shape of `out`.

    Arithmetic with the result needs no buffer, as NumPy's broadcasting does.
    """
    np.copyto(out, values)
    return out


def rows_as_csr(X: Matrix) -> Matrix:
    """`X` in a layout whose rows are cheap to take: CSC becomes CSR, the rest stays."""
    return X.tocsr() if sparse.issparse(X) else X


def row_chunks(
    X: Matrix, widest_layer: int, dtype: npt.DTypeLike
) -> Iterator[tuple[slice, Matrix]]:
    """Walk over `X` in runs of rows, each in C order and of the given dtype.

    Yields
    ------
    rows : slice
        Which rows of `X` these are.
    chunk : {ndarray, sparse matrix} of shape (at most `chunk_rows`, n_features)
    """
    n_rows = X.shape[0]
    step = chunk_rows(n_rows, widest_layer)
    X = rows_as_csr(X)
    for start in range(0, n_rows, step):
        rows = slice(start, min(start + step, n_rows))
        chunk = X[rows]
        if sparse.issparse(chunk):
            yield rows, chunk.astype(dtype, copy=False)
        else:
            yield rows, np.ascontiguousarray(chunk, dtype=dtype)


def chunk_rows(n_rows: int, widest_layer: int) -> int:
    """How many rows to send through a network at a time when only predicting."""
    return min(n_rows, max(FEWEST_CHUNK_ROWS, CHUNK_ELEMENTS // widest_layer))


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
                np.take(self.X, rows, axis=0, out=X, mode="clip")
            y = self._y_gathered[:n_rows]
            np.take(self.y, rows, axis=0, out=y, mode="clip")
            weight = None
            if self.weight is not None:
                weight = self._weight_buffer[:n_rows]
                np.take(self.weight, rows, axis=0, out=weight, mode="clip")
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
