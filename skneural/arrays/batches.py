"""Mini-batches of rows, gathered into buffers that are used again and again.

Small batches are gathered several at a time, as many as stay in a cache, and are slices of these:
to gather each by itself would take longer than the little it copies.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from skneural.arrays.matrices import BLOCK_BYTES, FloatArray, IndexArray, Matrix
from skneural.arrays.sparse_rows import SparseBatches
from skneural.kernels import in_use


class Batches:
    """Mini-batches of rows, of one network or of members that have rows of their own.

    Members can have columns and targets of their own beside what they share, such as encodings that
    were fitted to their own training rows. Then no matrix of all columns is made for any of them:
    the columns come together in a batch.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        Dense arrays in C order.
    y : ndarray of shape (n_samples, n_targets), or (n_networks, n_samples, n_targets)
        Floating point, or boolean: one byte an element here, converted batch by batch.
    sample_weight : ndarray of shape (n_samples,) or None
        Numbers of any dtype; batches have them in that of `X`.
    batch_size : int
        Rows per batch; the last one of an epoch may be smaller.
    members : sequence of int or None, default=None
        Which of the networks have a part in the batches, if they have rows of their own. These have
        to be dense.
    own_columns : ndarray of shape (n_networks, n_samples, n_own) or None, default=None
        Of the dtype of `X`, in C order. They follow those of `X` in every batch.
    only_multiplied : bool, default=False
        Whether `skneural.arrays.matrices.product` is all that the rows of a batch are for. Then
        sparse ones need not be matrices.

    Raises
    ------
    ValueError
        If members have rows of their own and `X` is sparse.
    """

    def __init__(
        self,
        X: Matrix,
        y: npt.NDArray[Any],
        sample_weight: FloatArray | None,
        batch_size: int,
        members: Sequence[int] | None = None,
        own_columns: FloatArray | None = None,
        *,
        only_multiplied: bool = False,
    ) -> None:
        is_dense = isinstance(X, np.ndarray)
        if members is not None and not is_dense:
            raise ValueError("Members with rows of their own need dense rows: X is sparse.")
        self.X = X
        self.y = y
        self.weight = None if sample_weight is None else sample_weight.astype(X.dtype, copy=False)
        self.batch_size = batch_size
        self.members = members
        shape = (batch_size,) if members is None else (len(members), batch_size)
        n_rows, n_targets = math.prod(shape), y.shape[-1]
        #: Rows to gather at a time.
        self._n_run_rows = batch_size
        if is_dense and members is None:
            batch_bytes = n_rows * X.itemsize * (X.shape[1] + n_targets)
            n_batches = min(BLOCK_BYTES // batch_bytes, -(-X.shape[0] // batch_size))
            self._n_run_rows = n_rows = batch_size * max(1, n_batches)
        self._X_buffer: FloatArray | None = None
        if is_dense:
            self._X_buffer = np.empty((n_rows, X.shape[1]), dtype=X.dtype)
        self._sparse: SparseBatches | None = None
        if not is_dense and only_multiplied and in_use():
            self._sparse = SparseBatches(X, batch_size)
        self._y_buffer: FloatArray = np.empty((n_rows, n_targets), dtype=X.dtype)
        self._y_gathered = np.empty((n_rows, n_targets), dtype=y.dtype)
        self._weight_buffer: FloatArray = np.empty(n_rows, dtype=X.dtype)
        self._own = None
        if own_columns is not None:
            self._own = _OwnColumns(own_columns, X.shape[1], n_rows)
        self._first_rows: IndexArray | None = None
        if own_columns is not None or y.ndim == 3:
            # In the arrays of all networks, one after another, the rows of each member begin here.
            self._first_rows = np.array(members, dtype=np.intp)[:, np.newaxis] * X.shape[0]
            self._own_rows: IndexArray = np.empty(n_rows, dtype=np.intp)
        self._targets = y.reshape(-1, n_targets) if y.ndim == 3 else y

    def iter_batches(
        self, order: IndexArray | None
    ) -> Iterator[tuple[Matrix, FloatArray, FloatArray | None]]:
        """Batches of the rows named by `order`, in that order.

        Parameters
        ----------
        order : ndarray of shape (n_rows,), or (K, n_rows) for members, or None
            None for all rows as they stand: then X and weights are views, nothing is gathered.

        Yields
        ------
        X : {ndarray, CSR matrix, SparseRows} of shape (n_batch, n_features)
            Of members with rows of their own: (K, n_batch, n_features).
        y : ndarray of shape (n_batch, n_targets) or (K, n_batch, n_targets)
        weight : ndarray of shape (n_batch,) or (K, n_batch), or None
        """
        n_rows = self.X.shape[0] if order is None else order.shape[-1]
        X: Matrix
        for start in range(0, n_rows, self._n_run_rows):
            run = slice(start, start + self._n_run_rows)
            rows: Any = run if order is None else order[..., run]
            if self._sparse is not None:
                X = self._sparse.taken(rows)
            else:
                X = take(self.X, rows, self._X_buffer)
            rows_of_y = rows
            if self._first_rows is not None:
                own_rows = self._own_rows[: rows.size].reshape(rows.shape)
                np.add(rows, self._first_rows, out=own_rows)
                if self._own is not None:
                    X = self._own.appended(X, own_rows)
                if self.y.ndim == 3:
                    rows_of_y = own_rows
            y = take(self._targets, rows_of_y, self._y_gathered)
            if y.dtype != self._y_buffer.dtype:
                converted = self._y_buffer[: math.prod(y.shape[:-1])].reshape(y.shape)
                np.copyto(converted, y)
                y = converted
            weight = None if self.weight is None else take(self.weight, rows, self._weight_buffer)

            if self._n_run_rows == self.batch_size:
                yield X, y, weight
                continue
            for first in range(0, len(y), self.batch_size):
                piece = slice(first, first + self.batch_size)
                yield X[piece], y[piece], None if weight is None else weight[piece]


class _OwnColumns:
    """Appends columns that each member has for itself to those that all share."""

    def __init__(self, columns: FloatArray, n_shared: int, n_rows: int) -> None:
        n_own = columns.shape[-1]
        self._columns = columns.reshape(-1, n_own)
        self._buffer: FloatArray = np.empty((n_rows, n_own), dtype=columns.dtype)
        self._joined: FloatArray = np.empty((n_rows, n_shared + n_own), dtype=columns.dtype)

    def appended(self, shared: FloatArray, rows: IndexArray) -> FloatArray:
        """The shared columns, and those of these rows of all members one after another."""
        n_shared = shared.shape[-1]
        joined = self._joined[: rows.size].reshape(rows.shape + self._joined.shape[1:])
        joined[..., :n_shared] = shared
        joined[..., n_shared:] = take(self._columns, rows, self._buffer)
        return joined


def take(array: Matrix, rows: slice | IndexArray, memory: npt.NDArray[Any] | None) -> Any:
    """``array[rows]``: a view of rows one after another, others written into `memory`, if any."""
    if isinstance(rows, slice) or memory is None:
        return array[rows]
    out = memory[: rows.size]
    if rows.ndim > 1:
        out = out.reshape(rows.shape + memory.shape[1:])
    # mode="clip" lets NumPy write straight into the buffer; the rows are valid.
    return array.take(rows, axis=0, out=out, mode="clip")
