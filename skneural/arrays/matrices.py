"""Operations on matrices that may be dense or sparse.

Only the modules of this folder ask which of the two a matrix is. Everything else multiplies,
slices and gathers rows by these functions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
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
BLOCK_BYTES = BLOCK * np.dtype(np.float64).itemsize

#: Elements up to which BLAS (OpenBLAS, ``ddot`` of x86-64) takes an inner product by itself. One of
#: more is shared among threads, which on busy cores wait for each other a thousand times as long.
LONGEST_UNSHARED = 10_000

#: What float32 can hold, with room for products.
LARGEST_SINGLE = 1e15

#: Elements of one buffer while predicting: 1 MB in float64, so that a layer's input and
#: output stay in the second-level cache together.
CHUNK_ELEMENTS = 2**17
FEWEST_CHUNK_ROWS = 64


def product(left: Matrix, right: FloatArray, out: FloatArray) -> None:
    """Write ``left @ right`` into `out`.

    Parameters
    ----------
    left : {ndarray, sparse matrix, SparseRows}
        Or the transpose of one, ``left.T``. A sparse one may be multiplied by the matrices of
        several members, of shape (K, ..., ...).
    right, out : ndarray
    """
    if isinstance(left, np.ndarray):
        if out.ndim == left.ndim and right.ndim == 2:
            np.dot(left, right, out=out)
        else:
            np.matmul(left, right, out=out)
    elif right.ndim > 2:
        for k in range(len(right)):
            product(left, right[k], out[k])
    elif sparse.issparse(left):
        out[...] = left @ right
    else:
        left.write_product(right, out)


def in_single_precision(X: Matrix) -> Matrix:
    """`X` in float32, unless that would take its largest elements for infinite."""
    return X.astype(np.float32, copy=False) if largest_element(X) < LARGEST_SINGLE else X


def largest_element(X: Matrix) -> float:
    """The largest absolute value in `X`."""
    stored = X if isinstance(X, np.ndarray) else X.data
    return float(np.abs(stored).max(initial=0))


def columns(X: Matrix, index: IndexArray) -> Matrix:
    """The columns of `X` with these numbers, in that order."""
    return X[:, index]


def blocks(*vectors: FloatArray) -> Iterator[tuple[FloatArray, ...]]:
    """Corresponding pieces of vectors of the same length and dtype, short enough for a cache."""
    n = len(vectors[0])
    step = BLOCK_BYTES // vectors[0].itemsize
    if n <= step:
        yield vectors
        return
    for start in range(0, n, step):
        piece = slice(start, start + step)
        yield tuple(vector[piece] for vector in vectors)


def block_length(dtype: npt.DTypeLike) -> int:
    """The largest number of elements of one piece."""
    return BLOCK_BYTES // np.dtype(dtype).itemsize


def norm(vector: FloatArray) -> float:
    """Euclidean norm, infinite where the square of it overflows."""
    return math.sqrt(float(np.dot(vector, vector)))


def sum_of_squares(X: FloatArray) -> float:
    """Of all elements of a C-contiguous array; not finite where one of them is not."""
    if X.size <= LONGEST_UNSHARED:
        return float(np.vdot(X, X))
    vector, step = X.reshape(-1), LONGEST_UNSHARED
    pieces = (vector[start : start + step] for start in range(0, len(vector), step))
    return sum(float(np.vdot(piece, piece)) for piece in pieces)


def row_sums(matrix: FloatArray, out: FloatArray) -> None:
    """Write the sum of each row into the column `out`."""
    np.dot(matrix, _ones(matrix.shape[1], matrix.dtype.char), out=out[:, 0])


@lru_cache(maxsize=32)
def _ones(n: int, dtype: str) -> FloatArray:
    ones: FloatArray = np.ones(n, dtype=dtype)
    ones.setflags(write=False)  # all threads share it
    return ones


def rows_as_csr(X: Matrix) -> Matrix:
    """`X` in a layout whose rows are cheap to take: CSC becomes CSR, the rest stays."""
    return X.tocsr() if sparse.issparse(X) else X


def contents(X: Matrix) -> Any:
    """The numbers of `X`, to be compared: the same whatever the memory that they lie in."""
    if not sparse.issparse(X):
        return np.ascontiguousarray(X).ravel().reshape(X.shape)  # of one column, strides vary
    X = X.tocsr(copy=True)  # to be put in order
    X.sum_duplicates()
    X.eliminate_zeros()
    return X.shape, X.data, X.indices.astype(np.int64), X.indptr.astype(np.int64)


def is_sparse(X: Matrix) -> bool:
    """Whether the rows of `X` are sparse: a matrix, or what stands in for one and says so."""
    return sparse.issparse(X) or getattr(X, "is_sparse", False)


def as_dense(X: Matrix) -> FloatArray:
    """`X` as an array."""
    dense: FloatArray = X.toarray() if sparse.issparse(X) else X
    return dense


def with_constant_column(X: Matrix, value: float) -> Matrix:
    """A copy of `X` with one column more, of the same value in all rows; CSR if it is sparse."""
    column = np.full((X.shape[0], 1), value, dtype=X.dtype)
    if sparse.issparse(X):
        return sparse.hstack([X, sparse.csr_matrix(column)], format="csr")
    return np.hstack([X, column])


def row_chunks(
    X: Matrix, layer_sizes: Sequence[int], dtype: npt.DTypeLike, *, as_dense: bool = False
) -> Iterator[tuple[slice, Matrix]]:
    """Walk over `X` in runs of rows, each in C order and of the given dtype.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_rows, n_features)
        Or what stands in for one: it has a shape, and gives such a matrix for a slice of rows.
    layer_sizes : sequence of int
        Widths of the buffers for each row, that of the rows themselves first.
    dtype : dtype
    as_dense : bool, default=False
        Whether sparse rows become dense, a run at a time.

    Yields
    ------
    rows : slice
        Which rows of `X` these are.
    chunk : {ndarray, sparse matrix} of shape (at most `chunk_rows`, n_features)
    """
    n_rows = X.shape[0]
    # Sparse rows take no buffer as wide as their features.
    stays_sparse = is_sparse(X) and not as_dense
    step = chunk_rows(n_rows, max(layer_sizes[1:] if stays_sparse else layer_sizes))
    X = rows_as_csr(X)
    for start in range(0, n_rows, step):
        rows = slice(start, min(start + step, n_rows))
        chunk = X[rows]
        if sparse.issparse(chunk):
            chunk = chunk.astype(dtype, copy=False)
            yield rows, chunk.toarray() if as_dense else chunk
        else:
            yield rows, np.ascontiguousarray(chunk, dtype=dtype)


def concatenate_chunks(pieces: Iterable[tuple[slice, Any]], n_rows: int, axis: int = 0) -> Any:
    """Results of runs of rows, dense or sparse, put together to those of all `n_rows` rows.

    Parameters
    ----------
    pieces : iterable of (slice, {ndarray, sparse matrix, list of ndarray})
        The rows of each result, in order, and the result.
    n_rows : int
    axis : int, default=0
        That of the rows, in dense results.
    """
    pieces = iter(pieces)
    rows, piece = next(pieces)
    if rows.stop == n_rows:
        return piece
    if sparse.issparse(piece):
        return sparse.vstack([piece, *(piece for _, piece in pieces)], format=piece.format)
    wholes = [_for_rows(n_rows, part, axis) for part in _parts(piece)]
    before = (slice(None),) * axis
    for run, parts in chain([(rows, piece)], pieces):
        for whole, part in zip(wholes, _parts(parts), strict=True):
            whole[(*before, run)] = part
    return wholes if isinstance(piece, list) else wholes[0]


def _parts(piece: Any) -> list[npt.NDArray[Any]]:
    return piece if isinstance(piece, list) else [piece]


def _for_rows(n_rows: int, piece: npt.NDArray[Any], axis: int) -> npt.NDArray[Any]:
    shape = (*piece.shape[:axis], n_rows, *piece.shape[axis + 1 :])
    return np.empty(shape, dtype=piece.dtype)


def chunk_rows(n_rows: int, widest_layer: int) -> int:
    """How many rows to send through a network at a time when only predicting, at least one."""
    return max(1, min(n_rows, max(FEWEST_CHUNK_ROWS, CHUNK_ELEMENTS // widest_layer)))


def as_shape_of(target: FloatArray, value: Any, name: str) -> FloatArray:
    """A copy of `value` in the dtype of `target`; ValueError unless it fits and is finite."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} must hold real numbers, got dtype {array.dtype}.")
    if array.shape != target.shape:
        raise ValueError(f"{name} must be of shape {target.shape}, got {array.shape}.")
    with np.errstate(over="ignore"):
        # A copy: the values may be a view of another layer that is assigned to first.
        array = array.astype(target.dtype)
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name} contains NaN or infinity.")
    return array
