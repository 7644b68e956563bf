"""What X may be, and how to take some of its rows: arrays, frames, lists, sparse matrices.

No library of frames is imported for this: frames are recognised by what they offer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import _safe_indexing

from skneural.arrays.matrices import IndexArray
from skneural.estimators.kinds_of_dtypes import NUMBERS


def is_frame(X: Any) -> bool:
    """Whether it is a frame or table of pandas, polars or pyarrow, or of one like them."""
    return len(getattr(X, "shape", ())) == 2 and (
        is_like_pandas(X)
        or hasattr(X, "get_columns")
        or isinstance(getattr(X, "column_names", None), list)
    )


def names_of_frame(X: Any) -> list[Any] | None:
    """The names of the columns of a data frame or table; None for anything else."""
    names = getattr(X, "column_names", None)  # of pandas, a column may have that name
    if not isinstance(names, list):
        names = getattr(X, "columns", None)
    return None if names is None else list(names)


def is_like_pandas(X: Any) -> bool:
    """Whether it is a frame or series of pandas, or of one like it."""
    return hasattr(X, "iloc") and hasattr(X, "dtypes")


def is_sparse_frame(X: Any) -> bool:
    """Whether it is a frame of sparse columns only, of which scikit-learn makes a sparse matrix."""
    return is_like_pandas(X) and is_frame(X) and all(map(_is_sparse_dtype, X.dtypes))


def can_be_cut(X: Any) -> bool:
    """Whether rows of `X` can be validated a run at a time, and become the same as among all."""
    if isinstance(X, list | tuple):
        first = X[0] if X else None
        return isinstance(first, list | tuple) or (isinstance(first, np.ndarray) and first.ndim > 0)
    if sparse.issparse(X):
        return X.ndim == 2 and X.format in ("csr", "csc") and X.dtype.kind in NUMBERS
    if is_frame(X):
        if not isinstance(X.shape[0], int):  # of dask, which has not counted its rows yet
            return False
        # Of a frame with some sparse columns scikit-learn makes a dense array, and says so once.
        are_sparse = set(map(_is_sparse_dtype, X.dtypes)) if is_like_pandas(X) else set()
        return len(are_sparse) <= 1
    is_array = isinstance(getattr(X, "dtype", None), np.dtype) and hasattr(X, "__getitem__")
    shape = getattr(X, "shape", ())
    return is_array and len(shape) == 2 and all(isinstance(number, int) for number in shape)


def shape_of(X: Any) -> tuple[int, int]:
    """Rows and columns of what can be cut."""
    return (len(X), len(X[0])) if isinstance(X, list | tuple) else (X.shape[0], X.shape[1])


def cut(X: Any, rows: slice) -> Any:
    """These rows, one after another: a view, where there can be one."""
    if is_like_pandas(X):
        return X.iloc[rows]
    if is_frame(X):
        return X.slice(rows.start, rows.stop - rows.start)
    return X[rows]


def take(X: Any, index: IndexArray) -> Any:
    """The rows, or of one column the elements, with these numbers. A mapping is left as it is."""
    # Tables and columns of pyarrow are none of what scikit-learn 1.6 takes rows of.
    if hasattr(X, "to_pylist"):
        return X.take(index)
    if isinstance(X, np.ndarray | list | tuple) or hasattr(X, "iloc") or hasattr(X, "to_numpy"):
        return _safe_indexing(X, index)
    return X if isinstance(X, Mapping) else np.asarray(X)[index]


def _is_sparse_dtype(dtype: Any) -> bool:
    return type(dtype).__name__ == "SparseDtype"
