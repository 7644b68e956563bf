"""X as predictions read it: checked and converted to floats in runs of rows, whatever it comes as.

An array of integers, a data frame, a list: as floats, all of X would take eight bytes an element
beside the X that is there already. So rows are validated where they are read, a run at a time. If a
run is not valid, the error is that of all of X, in the words of scikit-learn's validation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from skneural.arrays.matrices import Matrix, rows_as_csr
from skneural.estimators.checks import refuse_no_data, refuse_too_large
from skneural.estimators.columns import naming_the_column, refuse_dates, refuse_dates_of_part
from skneural.estimators.containers import can_be_cut, cut, is_sparse_frame, shape_of
from skneural.estimators.data import stand_in
from skneural.estimators.model import Model

#: Elements that are validated and converted at a time: 16 MB of floats.
RUN_ELEMENTS = 2**21

#: What scikit-learn's validation is asked for.
CHECKS: dict[str, Any] = {"accept_sparse": ["csr", "csc"], "dtype": (np.float64, np.float32)}


def checked_rows(estimator: Any, X: Any, model: Model) -> Matrix:
    """Rows that the model can predict for.

    Parameters
    ----------
    estimator : estimator
        For its name.
    X : {array-like, sparse matrix, data frame} of shape (n_rows, n_features)
    model : Model
        Whose features X must have.

    Returns
    -------
    rows : {ndarray, sparse matrix, CheckedRows} of shape (n_rows, n_features)
        The last if there are many rows: what is wrong with one of them is raised where it is read.

    Raises
    ------
    ValueError, TypeError
        If X is not valid.
    """
    refuse_no_data(X=X)
    substitute = stand_in(estimator, model)
    if not can_be_cut(X) or shape_of(X)[1] != model.n_features:
        return _all_rows(substitute, X, model)
    length = run_length(X)
    if shape_of(X)[0] <= length:
        return _all_rows(substitute, X, model)
    refuse_dates_of_part(X, cut(X, slice(0, length)) if not sparse.issparse(X) else X)
    # The names of the columns, once for all runs.
    validate_data(substitute, X, reset=False, skip_check_array=True)
    return CheckedRows(substitute, X, model, length)


def run_length(X: Any) -> int:
    """How many rows of `X` to validate at a time."""
    n_rows, width = shape_of(X)
    if sparse.issparse(X):
        width = X.nnz // max(1, n_rows)
    return max(1, RUN_ELEMENTS // max(1, width))


class CheckedRows:
    """Rows that are validated as they are read; stands in for the matrix that they make.

    Parameters
    ----------
    substitute : estimator
        Stands in for the estimator, see `stand_in`.
    X : array-like, sparse matrix or data frame
        Which can be cut.
    model : Model
    length : int
        Rows to validate at a time.

    Attributes
    ----------
    shape : tuple of int
    is_sparse : bool
    """

    def __init__(self, substitute: Any, X: Any, model: Model, length: int) -> None:
        self.shape = shape_of(X)
        self.is_sparse = sparse.issparse(X) or is_sparse_frame(X)
        self._substitute, self._X, self._model = substitute, X, model
        self._length = length
        self._source = rows_as_csr(X)  # columns cannot be cut into rows
        self._begin = self._end = 0
        self._run: Matrix = None

    def __getitem__(self, rows: slice) -> Matrix:
        """These rows, one after another, as floats."""
        if not self._begin <= rows.start <= rows.stop <= self._end:
            # A run is a whole number of such pieces, so that no row is validated twice.
            length = rows.stop - rows.start
            length *= max(1, self._length // length)
            self._run = None  # there are never two of them
            self._begin, self._end = rows.start, min(rows.start + length, self.shape[0])
            self._run = self._validated(slice(self._begin, self._end))
        return self._run[rows.start - self._begin : rows.stop - self._begin]

    def _validated(self, rows: slice) -> Matrix:
        try:
            part = cut(self._source, rows)
            refuse_dates(part)
            # What overflows is infinite, and an error.
            with np.errstate(over="ignore"):
                return _floats(self._substitute, part, self._model)
        except Exception:
            # What is wrong here is said of all rows. If nothing is, they cannot be cut after all.
            refuse_dates(self._X)
            with naming_the_column(self._X, self._model.dtype):
                whole = _floats(self._substitute, self._X, self._model)
            self._source = rows_as_csr(whole)
            return cut(self._source, rows)


def _all_rows(substitute: Any, X: Any, model: Model) -> Matrix:
    """All rows at once, with the names of the columns."""
    refuse_dates(X)
    with naming_the_column(X, model.dtype):
        rows = validate_data(substitute, X, reset=False, **CHECKS)
        refuse_too_large(rows, model.dtype)
    return rows


def _floats(substitute: Any, X: Any, model: Model) -> Matrix:
    """The same without the names."""
    rows = check_array(X, estimator=substitute, input_name="X", **CHECKS)
    refuse_too_large(rows, model.dtype)
    return rows
