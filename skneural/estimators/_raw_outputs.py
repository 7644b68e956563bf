"""From rows as users pass them to the raw outputs of a fitted network."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from skneural._arrays import FloatArray, Matrix
from skneural.estimators._checks import naming_the_column, refuse_masked
from skneural.network import Network


class RawOutputsMixin(BaseEstimator):
    """What all fitted networks do first when they predict. It never writes to the estimator."""

    _params: FloatArray

    @property
    @abstractmethod
    def _network(self) -> Network:
        """The network that predicts."""

    def _predict_raw(self, X: Any) -> FloatArray:
        """Raw outputs of shape (n_samples, n_outputs) for rows of `X`."""
        check_is_fitted(self)
        refuse_masked(X=X)
        with naming_the_column(X):
            X = validate_data(
                self,
                X,
                accept_sparse=["csr", "csc"],
                dtype=(np.float64, np.float32),
                reset=False,
            )
        return self._raw_outputs(X)

    def _raw_outputs(self, X: Matrix) -> FloatArray:
        """The same for rows that are validated."""
        return self._network.predict_raw(self._params, X)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_params")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
