"""What all our estimators have in common: a fitted object, predictions from it, and pickles."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy, deepcopy
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skneural.arrays.matrices import FloatArray, Matrix, concatenate_chunks, sum_of_squares
from skneural.estimators.checked_rows import checked_rows
from skneural.estimators.documentation_link import documentation_link_template
from skneural.estimators.method_examples import predictions, with_examples
from skneural.estimators.model import Fitted, Model
from skneural.estimators.plain_parameters import parameters_of_plain, plain_parameters
from skneural.estimators.version import FIT_ONLY_ATTRIBUTES, with_versions, without_versions
from skneural.losses import Loss
from skneural.plain_values import without_maps
from skneural.settings import signature_of

if TYPE_CHECKING:

    class _EstimatorBase(BaseEstimator):
        """What type checkers see: the parameters too, which `store_parameters` sets by name."""

        def __getattr__(self, name: str) -> Any: ...

        def set_params(self, **params: Any) -> Self: ...

else:
    # Each public class has scikit-learn's mixins and BaseEstimator last among its bases, mixins
    # first, as scikit-learn asks for. Here they would come too early in the order.
    _EstimatorBase = object

Estimator = TypeVar("Estimator")

#: Of the defaults that a small file leaves out.
PLAIN_TYPES = (bool, int, float, str, tuple, type(None))

#: Why there is no `feature_names_in_`.
NO_NAMES = "X of the fit was no data frame with strings for names of columns"

#: Of another byte order, the sum of squares would take a copy.
NATIVE_FLOATS = frozenset({np.dtype(np.float64), np.dtype(np.float32)})

#: Elements whose squares add up to less are finite in float32 as well.
LARGEST_SQUARE = 1e70


class FittedAttribute:
    """A fitted attribute that is read from the fitted object.

    Parameters
    ----------
    get : callable
        ``get(fitted)`` gives its value.
    missing : str or None, default=None
        Why an attribute whose value is None is not there; None if it is there all the same.
    """

    def __init__(
        self, get: Callable[[Any], Any], doc: str = "", missing: str | None = None
    ) -> None:
        self._get = get
        self._missing = missing
        self.__doc__ = doc

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, estimator: Any, owner: type) -> Any:
        if estimator is None:
            return self
        fitted = estimator._fitted
        value = None if fitted is None else self._get(fitted)
        reason = self._missing if fitted is not None else "it is not fitted yet"
        if fitted is None or (value is None and reason is not None):
            raise AttributeError(
                f"{owner.__name__!r} object has no attribute {self._name!r}: {reason}."
            )
        return value

    def __set__(self, estimator: Any, value: Any) -> None:
        raise AttributeError(f"{self._name} cannot be set: it says what a fit has found.")

    def __delete__(self, estimator: Any) -> None:
        raise AttributeError(f"{self._name} cannot be deleted: it says what a fit has found.")


def fitted_attribute(doc: str, get: Callable[[Any], Any], *, missing: str | None = None) -> Any:
    """A fitted attribute; with the reason `missing`, one that is not there where it is None."""
    return FittedAttribute(get, doc, missing)


def store_parameters(estimator: Any, arguments: dict[str, Any]) -> None:
    """Set the arguments of a constructor as attributes of the same names, and nothing else.

    Parameters
    ----------
    estimator : estimator
    arguments : dict
        By name, ``locals()`` at the start of the constructor; `self` in it is skipped.
    """
    for name, value in arguments.items():
        if name != "self":
            setattr(estimator, name, value)


def plain_defaults(kind: type) -> dict[str, Any]:
    """The parameters of a constructor whose default is a number, a string or a tuple of them."""
    parameters = signature_of(kind).parameters.values()
    return {each.name: each.default for each in parameters if type(each.default) in PLAIN_TYPES}


def shallow_copy(estimator: Estimator) -> Estimator:
    """A copy with the same fitted object, which is never written to: not by way of a pickle."""
    duplicate = type(estimator).__new__(type(estimator))
    duplicate.__dict__.update(estimator.__dict__)
    # A copy that is made amid a fit is no part of it.
    for name in FIT_ONLY_ATTRIBUTES:
        duplicate.__dict__.pop(name, None)
    return duplicate


def copy_to_deploy(estimator: Estimator, fitted: Any) -> Estimator:
    """A copy with this fitted object and without callbacks, which shares no array with it."""
    model = copy(estimator)
    model.__dict__.pop("_skl_callbacks", None)
    vars(model)["_fitted"] = fitted
    return deepcopy(model)


def _without_plain_defaults(estimator: Any, state: dict[str, Any]) -> dict[str, Any]:
    defaults = plain_defaults(type(estimator))

    def is_default(name: str, value: Any) -> bool:
        # 1 is not True here, and 0.0 not -0.0.
        return name in defaults and (type(value), repr(value)) == (
            type(defaults[name]),
            repr(defaults[name]),
        )

    return {name: value for name, value in state.items() if not is_default(name, value)}


class VersionedEstimator(_EstimatorBase):
    """Has the versions of skneural and scikit-learn in its files, and plain parameters."""

    def __getstate__(self) -> dict[str, Any]:
        return with_versions(plain_parameters(super().__getstate__()))

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = parameters_of_plain(state)
        # Parameters that are missing, in a file of an earlier version, are as by default.
        defaults = plain_defaults(type(self))
        state.update({name: defaults[name] for name in defaults if name not in state})
        super().__setstate__(without_versions(type(self).__name__, state))


@with_examples(predictions.FITTED)
class FittedEstimator(_EstimatorBase):
    """Keeps what a fit has found in one object, and predicts from it.

    Predictions never write to the estimator, and read the object once.
    """

    #: Whether y may have several columns.
    _multi_output: ClassVar[bool] = True

    _fitted: Fitted | None = None
    _doc_link_module = "skneural"

    n_features_in_ = fitted_attribute("Number of features.", lambda fitted: fitted.model.n_features)
    feature_names_in_ = fitted_attribute(
        "Their names, if all are strings.",
        lambda fitted: fitted.model.feature_names,
        missing=NO_NAMES,
    )

    @property
    def _model(self) -> Model:
        """The model that predicts; NotFittedError without one."""
        fitted = self._fitted
        if fitted is None:
            check_is_fitted(self)
        assert fitted is not None
        return fitted.model

    def _fitted_or_attribute_error(self, name: str) -> Fitted:
        """The fitted object, for a property of this name: it may raise nothing else."""
        if self._fitted is None:
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r}: it is not fitted yet."
            )
        return self._fitted

    # ---------------------------------------------------------------- predictions

    def raw_outputs(self, X: Any) -> FloatArray:
        """Outputs of the network as they come, before any link: logits, for a classifier.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
            In the dtype of the model.
        """
        raw: FloatArray = self._predict(X, lambda model, raw: raw)
        return raw

    def _predict(self, X: Any, finish: Callable[[Model, FloatArray], Any]) -> Any:
        """What `finish` makes of the raw outputs of all rows of `X`.

        ``finish(model, raw)`` is given them in runs of rows, as arrays of shape (n_rows, n_outputs)
        that it may overwrite, so that the memory used beyond the result does not grow with `X`.
        """
        model = self._model
        X = self._checked(X, model)
        chunks = model.raw_chunks(X)
        return concatenate_chunks(
            ((rows, finish(model, raw)) for rows, raw in chunks), n_rows=X.shape[0]
        )

    def _checked(self, X: Any, model: Model) -> Matrix:
        """Rows that the model can predict for."""
        return X if _is_clean(X, model) else checked_rows(self, X, model)

    def for_prediction(self) -> Self:
        """A copy of the fitted model without what only training needs, to be deployed.

        The optimizer's moments, the history and the callbacks are left out, which makes a file of
        it several times smaller after a training by mini-batches; a small model takes about a
        kilobyte. It predicts the same, bit for bit. What such a state was left out of can be
        trained anew with `fit`, but not further.

        Returns
        -------
        object
            Of the same class; it shares no array with this one.

        Raises
        ------
        NotFittedError
            If there is nothing to copy yet.
        """
        check_is_fitted(self)
        assert self._fitted is not None
        return copy_to_deploy(self, Fitted(self._fitted.model, self._fitted.outcome))

    # ---------------------------------------------------------------- copies and pickles

    def __copy__(self) -> Self:
        return shallow_copy(self)

    def __getstate__(self) -> dict[str, Any]:
        state = with_versions(plain_parameters(super().__getstate__()))
        fitted = self._fitted
        if fitted is not None:
            state["_fitted"] = without_maps(fitted.to_dict())
            if self.random_state is None and fitted.outcome.stop_reason == "max_iter":
                # It would only make the file larger: if such a fit is continued after all, its rows
                # come in a new order. But the rows held out have to stay the same.
                origin = state["_fitted"].get("origin", {})
                if not getattr(self, "early_stopping", False) or "validation_generator" in origin:
                    origin.pop("generator_start", None)
            if fitted.state is None:
                # Their names are larger than a small model. A version that changes a default has to
                # give such a state, which names the version it is from, the earlier one.
                state = _without_plain_defaults(self, state)
        # A copy that is made amid a fit is no part of it.
        return {name: value for name, value in state.items() if name not in FIT_ONLY_ATTRIBUTES}

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Parameters that are missing are as by default.
        state = {
            **plain_defaults(type(self)),
            "_skneural_version": "unknown",
            **parameters_of_plain(state),
        }
        if state.get("_fitted") is not None:
            state["_fitted"] = Fitted.from_dict(state["_fitted"])
        super().__setstate__(without_versions(type(self).__name__, state))

    # ---------------------------------------------------------------- scikit-learn's questions

    @classmethod
    @cache
    def _get_param_names(cls) -> list[str]:
        # Every fit asks, and scikit-learn's inspection takes as long as a step of Newton's method.
        names: list[str] = super()._get_param_names()
        return names

    def __sklearn_is_fitted__(self) -> bool:
        return self._fitted is not None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        if tags.classifier_tags is not None:
            # The tag of several targets is for indicator matrices too, which have no class weights.
            takes_matrices = self._multi_output and self.class_weight is None
            tags.classifier_tags.multi_label = takes_matrices
            tags.target_tags.multi_output = takes_matrices
        if tags.regressor_tags is not None:
            # Columns of several targets and of several quantiles would be one too many.
            loss = self.loss
            takes_one = isinstance(loss, Loss) and not loss.accepts_several_targets
            tags.target_tags.multi_output = not takes_one
        return tags

    @property
    def _doc_link_template(self) -> str:
        return documentation_link_template()


def _is_clean(X: Any, model: Model) -> bool:
    """Whether `X` is an array that validation, far slower for a few rows, would let pass."""
    return (
        type(X) is np.ndarray
        and X.ndim == 2
        and X.shape[0] > 0
        and X.shape[1] == model.n_features
        and X.dtype in NATIVE_FLOATS
        and X.flags.c_contiguous
        and X.flags.aligned  # NumPy 1.26's vdot crashes on other arrays on some processors
        and model.feature_names is None
        # Not so for NaN and infinity.
        and sum_of_squares(X) < LARGEST_SQUARE
    )
