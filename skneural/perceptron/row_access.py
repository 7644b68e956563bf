"""Single rows of dense and sparse matrices behind one set of verbs.

`skneural.arrays.matrices` does the same for whole matrices. This is for methods that look at one
row after another.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse

from skneural.arrays.lazy_property import lazy_property
from skneural.arrays.matrices import FloatArray, IndexArray, Matrix
from skneural.kernels import compiled_as
from skneural.kernels import perceptron as kernels
from skneural.perceptron.plain_numbers import are_sooner, learn_in_plain_numbers
from skneural.perceptron.row_by_row import (
    Epoch,
    Numbers,
    learn_from_dense_rows,
    learn_from_sparse_rows,
)

#: The index of all columns.
ALL = slice(None)


class DenseRows:
    """Rows of an array in C order, to be looked at one by one and all at once.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    """

    is_sparse = False

    def __init__(self, X: FloatArray) -> None:
        self.X = X
        self.shape: tuple[int, int] = X.shape
        self.dtype: np.dtype[Any] = X.dtype

    def taken(self, rows: IndexArray) -> DenseRows:
        """A copy of the rows with these numbers."""
        return DenseRows(self.X.take(rows, axis=0))

    def entries(self, row: int) -> tuple[FloatArray, Any]:
        """The stored values of a row, and the index of their columns in a vector of all."""
        return self.X[row], ALL

    def products_with(self, row: int) -> FloatArray:
        """The scalar products of a row with all rows behind it: shape (n_rows - row - 1,)."""
        products: FloatArray = self.X[row + 1 :].dot(self.X[row])
        return products

    def learn(self, epoch: Epoch) -> Numbers:
        """See `learn_from_dense_rows`, and `learn_in_plain_numbers` where that is not compiled."""
        vectors, state, settings, bounds, mistakes = epoch
        after = learn_from_dense_rows(self.X, *vectors, state, settings, bounds())
        if not after and are_sooner(self.X, settings, mistakes):
            after = learn_in_plain_numbers(self.X, vectors, state, settings)
        return after

    @lazy_property
    def longest(self) -> tuple[int, float]:
        """The largest number of stored values in a row, and the largest Euclidean norm."""
        squares = np.einsum("ij,ij->i", self.X, self.X, dtype=np.float64)
        return self.X.shape[1], math.sqrt(squares.max())


class SparseRows:
    """The same verbs for a CSR matrix.

    Parameters
    ----------
    X : CSR matrix of shape (n_rows, n_features)
        Elements stored several times over are added up, in a copy.
    zeros : ndarray of shape (n_features,) or None, default=None
        A buffer that is zero before and after every call; None to make one. With it, the matrix is
        taken to be a block of one that has been looked at: no element is stored several times.
    """

    is_sparse = True

    def __init__(self, X: Matrix, zeros: FloatArray | None = None) -> None:
        self.shape: tuple[int, int] = X.shape
        self.dtype: np.dtype[Any] = X.dtype
        self._given, self._is_block = X, zeros is not None
        self._zeros: FloatArray = np.zeros(X.shape[1], dtype=X.dtype) if zeros is None else zeros

    @lazy_property
    def X(self) -> Matrix:  # noqa: N802  # as everywhere
        """The matrix, with each element stored once."""
        # Not before it is asked for: only then is it known whether the look at it is compiled.
        X = self._given
        if not self._is_block and _has_duplicates(X):
            X = X.copy()
            X.sum_duplicates()
        return X

    def taken(self, rows: IndexArray) -> SparseRows:
        """A copy of the rows with these numbers."""
        return SparseRows(self.X[rows], self._zeros)

    def entries(self, row: int) -> tuple[FloatArray, Any]:
        """The stored values of a row, and the index of their columns in a vector of all."""
        stored = slice(self.X.indptr[row], self.X.indptr[row + 1])
        return self.X.data[stored], self.X.indices[stored]

    def products_with(self, row: int) -> FloatArray:
        """The scalar products of a row with all rows behind it: shape (n_rows - row - 1,)."""
        values, columns = self.entries(row)
        self._zeros[columns] = values
        products: FloatArray = self.X @ self._zeros
        self._zeros[columns] = 0.0
        return products[row + 1 :]

    def learn(self, epoch: Epoch) -> Numbers:
        """See `learn_from_sparse_rows`."""
        vectors, state, settings, _, _ = epoch
        X = self.X
        columns = X.indices.view(f"u{X.indices.itemsize}")
        return learn_from_sparse_rows(X.data, columns, X.indptr, *vectors, state, settings)

    @lazy_property
    def longest(self) -> tuple[int, float]:
        """The largest number of stored values in a row, and the largest Euclidean norm."""
        squares = self.X.multiply(self.X).astype(np.float64).sum(axis=1)
        return int(np.diff(self.X.indptr).max()), math.sqrt(np.max(squares))


def _has_duplicates(X: Matrix) -> bool:
    """Whether a CSR matrix stores elements several times over."""
    if X.has_canonical_format:
        return False
    last_row = np.full(X.shape[1], -1, dtype=X.indptr.dtype)
    return stores_an_element_twice(X.indices, X.indptr, last_row)


@compiled_as(kernels.stores_an_element_twice)
def stores_an_element_twice(
    columns: npt.NDArray[np.integer],
    starts: npt.NDArray[np.integer],
    last_row: npt.NDArray[np.integer],
) -> bool:
    """Whether a row of a CSR matrix has two elements of a column.

    Parameters
    ----------
    columns, starts : ndarray
        The arrays `indices` and `indptr` of the matrix.
    last_row : ndarray of shape (n_features,)
        All -1; may be written to.

    Returns
    -------
    bool
    """
    # Rows that are not sorted need not be: of columns, which are turned into without sorting, the
    # elements come in the order of the rows, the same ones next to each other.
    shape = len(starts) - 1, len(last_row)
    matrix = sparse.csr_matrix((columns, columns, starts), shape)
    return not matrix.tocsc().has_canonical_format


Rows: TypeAlias = DenseRows | SparseRows


def rows_of(X: Matrix) -> Rows:
    """The rows of an array in C order or of a CSR matrix."""
    return SparseRows(X) if sparse.issparse(X) else DenseRows(X)
