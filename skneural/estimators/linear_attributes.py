"""`coef_` and `intercept_`: what a linear model has learned, in scikit-learn's shapes."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from skneural.arrays.matrices import FloatArray, as_shape_of
from skneural.estimators.base import FittedEstimator
from skneural.estimators.method_examples import linear, with_examples
from skneural.estimators.model import Fitted, Model


@with_examples(linear.LINEAR)
class LinearModelMixin(FittedEstimator):
    """Shows a linear model as scikit-learn does.

    The parameters of the model are the weights, of shape (n_features, n_outputs), and then the
    intercepts, which are there, as zeros, even where none are fitted. After `sparsify` the weights
    are in `sparse_coef` of the model instead, and the intercepts alone are its parameters.
    """

    @property
    def coef_(self) -> Any:
        """Weights of shape (1 or n_classes, n_features): a view of the model, or sparse."""
        model = self._fitted_or_attribute_error("coef_").model
        if model.sparse_coef is not None:
            return model.sparse_coef
        return model.arrays[0][0].T

    @coef_.setter
    def coef_(self, values: Any) -> None:
        fitted = self._fitted_or_attribute_error("coef_")
        n_features, n_outputs = fitted.model.layer_sizes
        if sparse.issparse(values):
            values = values.toarray()
        coef = as_shape_of(np.empty((n_outputs, n_features), fitted.model.dtype), values, "coef_")
        self._fitted = _with_weights(fitted, coef, intercepts_of(fitted.model))

    @property
    def intercept_(self) -> FloatArray:
        """Intercepts of shape (1 or n_classes,): a view of the model."""
        return intercepts_of(self._fitted_or_attribute_error("intercept_").model)

    @intercept_.setter
    def intercept_(self, values: Any) -> None:
        fitted = self._fitted_or_attribute_error("intercept_")
        model = fitted.model
        intercepts = as_shape_of(intercepts_of(model), values, "intercept_")
        weights = model.params[: -len(intercepts)]
        params = np.concatenate([weights, intercepts])
        self._fitted = fitted.with_assigned(params, model.sparse_coef)

    def sparsify(self) -> Self:
        """Keep only the weights that are not zero.

        Useful where more than half of them are zero, as under an L1 penalty: the model
        then takes less memory and smaller files. `fit` and `partial_fit` keep all again.

        Returns
        -------
        object
            The estimator, with a CSR matrix for `coef_`.
        """
        check_is_fitted(self)
        fitted = self._fitted
        assert fitted is not None
        if fitted.model.sparse_coef is None:
            self._fitted = fitted.with_model(sparsified(fitted.model))
        return self

    def densify(self) -> Self:
        """Undo `sparsify`.

        Returns
        -------
        object
            The estimator, with an array for `coef_`.
        """
        check_is_fitted(self)
        fitted = self._fitted
        assert fitted is not None
        if fitted.model.sparse_coef is not None:
            self._fitted = fitted.with_model(fitted.model.dense())
        return self


def intercepts_of(model: Model) -> FloatArray:
    """The intercepts of a linear model: a view."""
    return model.params[-model.layer_sizes[1] :]


def sparsified(model: Model) -> Model:
    """The same linear model with its weights, those that are not zero, in a CSR matrix."""
    coef = sparse.csr_matrix(model.arrays[0][0].T)
    return model.with_params(np.array(intercepts_of(model)), coef)


def _with_weights(fitted: Fitted, coef: FloatArray, intercepts: FloatArray) -> Fitted:
    params = np.concatenate([coef.T.ravel(), intercepts])
    return fitted.with_assigned(params)
