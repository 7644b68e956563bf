"""Some rows of a large array, gathered when they are read.

A tenth of a file that is mapped to memory, held out to validate on, is read from the file: a copy
of it could be more than there is memory for.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from skneural.arrays.matrices import FloatArray, IndexArray, Matrix

#: Bytes of some rows up to which they are copied: a copy is read faster.
MAX_COPY = 2**22


class TakenRows:
    """The rows of an array with these numbers; stands in for a copy of them.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    index : ndarray of int of shape (n_taken,)

    Attributes
    ----------
    shape : tuple of int
    dtype : dtype
    """

    def __init__(self, X: FloatArray, index: IndexArray) -> None:
        self._X, self._index = X, index
        self.shape = (len(index), X.shape[1])
        self.dtype: np.dtype[np.floating[npt.NBitBase]] = X.dtype

    def __getitem__(self, rows: slice) -> FloatArray:
        """A copy of some of them, one after another."""
        taken: FloatArray = self._X.take(self._index[rows], axis=0)
        return taken


def taken_rows(X: Matrix, index: IndexArray) -> Matrix:
    """The rows of `X` with these numbers: of a large array not copied yet."""
    if isinstance(X, np.ndarray) and len(index) * X.shape[1] * X.itemsize > MAX_COPY:
        return TakenRows(X, index)
    return X[index]


def gathered(X: Matrix) -> Matrix:
    """All rows of what `taken_rows` has given, as an array or a sparse matrix."""
    return X[:] if isinstance(X, TakenRows) else X
