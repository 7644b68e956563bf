"""Rows of CSR matrices that are multiplied again and again.

A product with a sparse matrix adds up the shares of its stored elements, one after another. All
that is done here keeps SciPy's order, so that results are the same to the last bit:

- The rows of a mini-batch are multiplied where they are stored, if kernels are compiled.
- The transpose of all rows becomes a matrix of its own, if there are many products with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from skneural.arrays.lazy_property import lazy_property
from skneural.arrays.matrices import FloatArray, IndexArray, Matrix
from skneural.kernels import compiled_as, in_use
from skneural.kernels import sparse_rows as kernels

#: Columns from which on the compiled product with all rows takes less time than SciPy's, and bytes
#: in a row from which on that with their transpose does.
MIN_COMPILED_COLUMNS = 8
MIN_COMPILED_BYTES = 160

#: A transpose of its own takes less time from so many columns on, if what is read at random then,
#: the rows of the other factor, is by so much smaller than what is written at random otherwise, the
#: rows of the result; and if these do not fit a second-level cache.
MIN_TRANSPOSE_COLUMNS = 6
MIN_TRANSPOSE_FEATURES = 2
MIN_TRANSPOSE_BYTES = 2**20

#: Products that take as much longer without a transpose as it takes to make it.
PRODUCTS_PER_TRANSPOSE = 4

#: Stored elements up to which it is made: 400 MB in float64.
MAX_TRANSPOSE = 2**25


class Stored(NamedTuple):
    """Elements of a CSR matrix, and where those of some rows begin and end."""

    data: FloatArray
    indices: IndexArray
    starts: IndexArray
    stops: IndexArray

    @classmethod
    def all_rows(cls, X: Matrix) -> Stored:
        """All rows of a CSR matrix."""
        return cls(X.data, X.indices, X.indptr[:-1], X.indptr[1:])


class SparseRows:
    """Rows of a CSR matrix for `skneural.arrays.matrices.product` alone.

    A matrix of these rows is made only if kernels do not suit a product.

    Parameters
    ----------
    X : CSR matrix
    rows : slice or ndarray of int
        Their numbers.
    stored : Stored
        Of these rows.
    """

    is_sparse = True
    ndim = 2

    def __init__(self, X: Matrix, rows: slice | IndexArray, stored: Stored) -> None:
        self._X, self._rows, self._stored = X, rows, stored
        self.shape = (len(stored.starts), X.shape[1])
        self.dtype: np.dtype[Any] = X.dtype

    @lazy_property
    def matrix(self) -> Matrix:
        """The rows as a CSR matrix."""
        return self._X[self._rows]

    @property
    def T(self) -> _Transpose:  # noqa: N802  # as of an array
        """The transpose, for `skneural.arrays.matrices.product`."""
        return _Transpose(self)

    def write_product(self, right: FloatArray, out: FloatArray) -> None:
        """Write the product of the rows and `right`, of shape (n_features, n), into `out`."""
        if _suits_kernels(self._stored, right, out):
            rows_product(*self._stored, right, out)
        else:
            out[...] = self.matrix @ right

    def write_transposed_product(self, right: FloatArray, out: FloatArray) -> None:
        """Write the product of their transpose and `right`, of shape (n_rows, n), into `out`."""
        if _suits_kernels(self._stored, right, out):
            transposed_rows_product(*self._stored, right, out)
        else:
            out[...] = self.matrix.T @ right


@dataclass(frozen=True)
class _Transpose:
    """The transpose of rows, for products.

    Parameters
    ----------
    rows : SparseRows
    """

    rows: SparseRows

    def write_product(self, right: FloatArray, out: FloatArray) -> None:
        """Write the product of the transpose and `right`, of shape (n_rows, n), into `out`."""
        self.rows.write_transposed_product(right, out)


class RowsWithTranspose(SparseRows):
    """All rows of a CSR matrix, and a copy of their transpose if it saves the time to make it.

    The product with the transpose of a CSR matrix adds every share to a row of the result that lies
    anywhere in memory. That with a matrix of its own completes one row of the result after another,
    and reads rows of the other factor from anywhere: many features, and fewer rows, are for that.

    Parameters
    ----------
    X : CSR matrix
    """

    def __init__(self, X: Matrix) -> None:
        super().__init__(X, slice(None), Stored.all_rows(X))
        self._n_products = 0
        self._columns = X.T  # the same elements: SciPy checks them each time it is asked
        self._transpose: SparseRows | None = None

    @property
    def matrix(self) -> Matrix:
        """The matrix itself."""
        return self._X

    def write_product(self, right: FloatArray, out: FloatArray) -> None:
        """Write the product of the rows and `right`, of shape (n_features, n), into `out`."""
        if right.shape[1] < MIN_COMPILED_COLUMNS:
            out[...] = self._X @ right
        else:
            super().write_product(right, out)

    def write_transposed_product(self, right: FloatArray, out: FloatArray) -> None:
        """Write the product of their transpose and `right`, of shape (n_rows, n), into `out`."""
        if self._transpose is None and self._gains_by_transpose(out):
            self._n_products += 1
            if self._n_products > PRODUCTS_PER_TRANSPOSE:
                X = self._X.T.tocsr()
                self._transpose = SparseRows(X, slice(None), Stored.all_rows(X))
        if self._transpose is not None:
            self._transpose.write_product(right, out)
        elif right.shape[1] * right.itemsize < MIN_COMPILED_BYTES:
            out[...] = self._columns @ right
        else:
            super().write_transposed_product(right, out)

    def _gains_by_transpose(self, out: FloatArray) -> bool:
        n_rows, n_features = self.shape
        return (
            out.shape[1] >= MIN_TRANSPOSE_COLUMNS
            and n_features >= MIN_TRANSPOSE_FEATURES * n_rows
            and out.nbytes >= MIN_TRANSPOSE_BYTES
            and len(self._stored.data) <= MAX_TRANSPOSE
        )


def for_many_products(X: Matrix) -> Matrix:
    """`X`, or what stands in for it in products, where all rows are multiplied again and again."""
    is_csr = sparse.issparse(X) and X.format == "csr"
    return RowsWithTranspose(X) if is_csr else X


class SparseBatches:
    """Takes rows of a CSR matrix without copying them.

    Parameters
    ----------
    X : CSR matrix
    batch_size : int
        The largest number of rows.
    """

    def __init__(self, X: Matrix, batch_size: int) -> None:
        self._X = X
        self._stored = Stored.all_rows(X)
        self._starts, self._stops = np.empty((2, batch_size), dtype=X.indptr.dtype)

    def taken(self, rows: slice | IndexArray) -> SparseRows:
        """The rows with these numbers; valid until others are taken."""
        data, indices, starts, stops = self._stored
        if isinstance(rows, slice):
            starts, stops = starts[rows], stops[rows]
        else:
            # mode="clip" lets NumPy write straight into the buffer; the rows are valid.
            starts = starts.take(rows, out=self._starts[: len(rows)], mode="clip")
            stops = stops.take(rows, out=self._stops[: len(rows)], mode="clip")
        return SparseRows(self._X, rows, Stored(data, indices, starts, stops))


def _suits_kernels(stored: Stored, right: FloatArray, out: FloatArray) -> bool:
    return (
        in_use()
        and stored.data.dtype == right.dtype == out.dtype
        and right.flags.c_contiguous
        and out.flags.c_contiguous
    )


@compiled_as(kernels.rows_product)
def rows_product(
    data: FloatArray,
    indices: IndexArray,
    starts: IndexArray,
    stops: IndexArray,
    right: FloatArray,
    out: FloatArray,
) -> None:
    """Write the product of stored rows, see `Stored`, and an array in C order into another."""
    out[...] = _as_matrix(data, indices, starts, stops, len(right)) @ right


@compiled_as(kernels.transposed_rows_product)
def transposed_rows_product(
    data: FloatArray,
    indices: IndexArray,
    starts: IndexArray,
    stops: IndexArray,
    right: FloatArray,
    out: FloatArray,
) -> None:
    """Write the product of the transpose of stored rows and an array in C order into another."""
    out[...] = _as_matrix(data, indices, starts, stops, len(out)).T @ right


def _as_matrix(
    data: FloatArray,
    indices: IndexArray,
    starts: IndexArray,
    stops: IndexArray,
    n_columns: int,
) -> Matrix:
    lengths = stops - starts
    indptr: npt.NDArray[np.integer[Any]] = np.zeros(len(lengths) + 1, dtype=starts.dtype)
    np.cumsum(lengths, out=indptr[1:])
    places = np.arange(indptr[-1]) + np.repeat(starts - indptr[:-1], lengths)
    return sparse.csr_matrix((data[places], indices[places], indptr), (len(lengths), n_columns))
