"""From rows as users pass them to the raw outputs of a fitted network."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from copy import copy, deepcopy
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from skneural._arrays import FloatArray, Matrix, assembled
from skneural.estimators._checks import naming_the_column, refuse_masked, refuse_too_large
from skneural.estimators._documentation_link import DocumentationLinkMixin
from skneural.network import Network

#: Elements whose squares add up to less are finite in float32 as well.
LARGEST_SQUARE = 1e70


class RawOutputsMixin(DocumentationLinkMixin):
    """What all fitted networks do first when they predict. It never writes to the estimator."""

    #: Attributes that only a further training needs.
    _training_state: ClassVar[tuple[str, ...]] = ()
    _params: FloatArray

    @property
    @abstractmethod
    def _network(self) -> Network:
        """The network that predicts."""

    def for_prediction(self) -> Any:
        """A copy of the fitted model without what only training needs, to be deployed.

        The optimizer's moments and the history are left out, which makes a file of it several
        times smaller after a training by mini-batches. It predicts the same, bit for bit. What
        such a state was left out of can be trained anew with `fit`, but not further.

        Returns
        -------
        model : object
            Of the same class; it shares no array with this one.

        Raises
        ------
        NotFittedError
            If there is nothing to copy yet.
        """
        check_is_fitted(self)
        model = copy(self)
        for name in self._training_state:
            model.__dict__.pop(name, None)
        return deepcopy(model)

    def _predict(self, X: Any, finish: Callable[[FloatArray], Any]) -> Any:
        """What `finish` makes of the raw outputs of all rows of `X`.

        It is given them in runs of rows, as arrays of shape (n_rows, n_outputs) that it may
        overwrite, so that the memory used beyond the result does not grow with `X`.
        """
        if not self._is_clean(X):
            X = self._validated_rows(X)
        pieces = ((rows, finish(raw)) for rows, raw in self._raw_chunks(X))
        return assembled(pieces, n_rows=X.shape[0])

    def _is_clean(self, X: Any) -> bool:
        """Whether `X` is an array that validation, far slower for a few rows, would let pass."""
        fitted = self.__dict__
        return (
            type(X) is np.ndarray
            and X.ndim == 2
            and X.shape[0] > 0
            and X.shape[1] == fitted.get("n_features_in_")
            and X.dtype.char in "fd"
            and X.flags.c_contiguous
            and "feature_names_in_" not in fitted
            # Not so for NaN and infinity.
            and float(np.vdot(X, X)) < LARGEST_SQUARE
        )

    def _validated_rows(self, X: Any) -> Matrix:
        check_is_fitted(self)
        refuse_masked(X=X)
        with naming_the_column(X, self._params.dtype):
            rows = validate_data(
                self,
                X,
                accept_sparse=["csr", "csc"],
                dtype=(np.float64, np.float32),
                reset=False,
            )
            refuse_too_large(rows, self._params.dtype)
        return rows

    def _raw_chunks(self, X: Matrix) -> Iterator[tuple[slice, FloatArray]]:
        """Raw outputs of validated rows, in runs of rows."""
        return self._network.raw_chunks(self._params, X)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_params")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
