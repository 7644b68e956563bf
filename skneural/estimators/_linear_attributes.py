"""`coef_` and `intercept_`: what a linear model has learned, in scikit-learn's shapes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.validation import check_is_fitted

from skneural._arrays import FloatArray, Matrix, as_shape_of, row_chunks
from skneural.activations import ACTIVATIONS
from skneural.network import Network


class LinearAttributesMixin:
    """Keeps a linear model as one vector, and shows it as scikit-learn does.

    `_params` holds the weights, of shape (n_features, n_outputs), and then the intercepts,
    which are there, as zeros, even where none are fitted. After `sparsify` the weights are in
    `_sparse_coef` instead, and only the intercepts in `_params`.
    """

    _params: FloatArray
    _linear_sizes: tuple[int, int]
    _sparse_coef: Any = None

    @property
    def coef_(self) -> Any:
        """Weights of shape (1 or n_classes, n_features): a view of the model, or sparse."""
        self._require_fitted("coef_")
        if self._sparse_coef is not None:
            return self._sparse_coef
        n_features, n_outputs = self._linear_sizes
        return self._params[: n_features * n_outputs].reshape(n_features, n_outputs).T

    @coef_.setter
    def coef_(self, values: Any) -> None:
        self._require_fitted("coef_")
        n_features, n_outputs = self._linear_sizes
        if sparse.issparse(values):
            values = values.toarray()
        coef = as_shape_of(np.empty((n_outputs, n_features), self._params.dtype), values)
        # A new vector: the old one may be a read-only memory map, or in use by a prediction.
        self._params = np.concatenate([coef.T.ravel(), self.intercept_])
        self._sparse_coef = None

    @property
    def intercept_(self) -> FloatArray:
        """Intercepts of shape (1 or n_classes,): a view of the model."""
        self._require_fitted("intercept_")
        return self._params[-self._linear_sizes[1] :]

    @intercept_.setter
    def intercept_(self, values: Any) -> None:
        self._require_fitted("intercept_")
        intercept = as_shape_of(self.intercept_, values)
        self._params = np.concatenate([self._params[: -len(intercept)], intercept])

    def sparsify(self) -> Any:
        """Keep only the weights that are not zero.

        Worth while where more than half of them are zero, as under an L1 penalty: the model
        then takes less memory and smaller files. `fit` and `partial_fit` keep all again.

        Returns
        -------
        self : object
            The estimator, with a CSR matrix for `coef_`.
        """
        check_is_fitted(self)
        if self._sparse_coef is None:
            self._sparse_coef = sparse.csr_matrix(self.coef_)
            self._params = np.array(self.intercept_)
        return self

    def densify(self) -> Any:
        """Undo `sparsify`.

        Returns
        -------
        self : object
            The estimator, with an array for `coef_`.
        """
        check_is_fitted(self)
        if self._sparse_coef is not None:
            self.coef_ = self._sparse_coef
        return self

    def _raw_chunks(self, X: Matrix) -> Iterator[tuple[slice, FloatArray]]:
        """Raw outputs of validated rows, in runs of rows."""
        if self._sparse_coef is None:
            yield from self._network.raw_chunks(self._params, X)
            return
        for rows, chunk in row_chunks(X, self._linear_sizes, self._params.dtype):
            raw: FloatArray = safe_sparse_dot(chunk, self._sparse_coef.T, dense_output=True)
            yield rows, raw + self.intercept_

    @property
    def _network(self) -> Network:
        return linear_network(self._linear_sizes)

    def _require_fitted(self, name: str) -> None:
        if not hasattr(self, "_params"):
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r}: it is not fitted yet."
            )


@cache
def linear_network(sizes: tuple[int, int], fit_intercept: bool = True) -> Network:
    """The network without a hidden layer. Described once, not for every prediction."""
    return Network(sizes, ACTIVATIONS["identity"], fit_intercept)
