"""What the conversions of logistic regression and of the perceptron have in common."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, TypeVar

import numpy as np
from scipy import sparse
from sklearn.exceptions import NotFittedError

from skneural.arrays.matrices import FloatArray
from skneural.estimators.conversion.accepted import check_accepted
from skneural.estimators.linear_attributes import intercepts_of, sparsified
from skneural.estimators.model import Fitted, Model, Outcome
from skneural.estimators.targets import Labels
from skneural.minimizers.state import Record, TrainingState

Estimator = TypeVar("Estimator")


def check_source(model: Any, kind: type, ours: type) -> None:
    """Raise an error unless a model is fitted, and of a class that is accepted.

    Parameters
    ----------
    model : object
        That `from_sklearn` has been given.
    kind : type
        The class of scikit-learn that is accepted.
    ours : type
        The class whose `from_sklearn` it is.

    Raises
    ------
    TypeError
        See `check_accepted`. `LogisticRegressionCV` trains in another way, and is refused.
    NotFittedError
        If it is not fitted.
    """
    check_accepted(model, kind, ours)
    if model.coef_ is None or not hasattr(model, "classes_"):  # left by a fit that has failed
        raise NotFittedError(
            f"This {kind.__name__} is not fitted: its last fit has failed. Call fit before "
            f"{ours.__name__}.from_sklearn."
        )


def copied(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters that share nothing with these, as `sklearn.base.clone` copies them."""
    return {name: deepcopy(value) for name, value in params.items()}


def set_linear_attributes(result: Any, fitted: Fitted) -> None:
    """Set what every fitted linear classifier of scikit-learn has, in arrays of its own.

    Parameters
    ----------
    result : estimator of scikit-learn
    fitted : Fitted
    """
    model = fitted.model
    assert isinstance(model.targets, Labels)
    result.n_features_in_ = model.n_features
    if model.feature_names is not None:
        result.feature_names_in_ = model.feature_names.copy()
    result.classes_ = model.targets.classes.copy()
    # In C order: the perceptron of scikit-learn trains the rows in place.
    result.coef_ = np.array(model.dense().arrays[0][0].T, order="C")
    result.intercept_ = np.array(intercepts_of(model))
    if model.sparse_coef is not None:
        result.sparsify()


def fitted_from(source: Any, n_iter: int, n_samples_seen: int = 0) -> Fitted:
    """What a fit of ours would have left, from a linear classifier of scikit-learn.

    Parameters
    ----------
    source : estimator of scikit-learn
        Fitted.
    n_iter : int
        Epochs or iterations of its last training.
    n_samples_seen : int, default=0
        Rows trained on, each as often as it was visited.

    Raises
    ------
    ValueError
        If the shapes of weights, intercepts and classes do not go together.
    """
    coef = source.coef_.toarray() if sparse.issparse(source.coef_) else np.asarray(source.coef_)
    dtype = np.float32 if coef.dtype == np.float32 else np.float64
    labels = Labels(np.array(source.classes_))
    # liblinear's is a number where none is fitted.
    intercept = np.atleast_1d(np.asarray(source.intercept_, dtype=dtype))
    if not np.any(intercept):
        intercept = np.zeros(labels.n_outputs, dtype=dtype)
    if coef.ndim != 2 or len(coef) != labels.n_outputs or intercept.shape != coef.shape[:1]:
        raise ValueError(
            f"{len(labels.classes)} classes have {labels.n_outputs} row(s) in coef_ and as many "
            f"intercepts: got coef_ of shape {coef.shape} and {len(intercept)} intercept(s)."
        )
    params: FloatArray = np.concatenate([coef.T.ravel(), intercept], dtype=dtype)
    names = getattr(source, "feature_names_in_", None)
    model = Model(
        coef.shape[1],
        None if names is None else np.array(names),
        (coef.shape[1], labels.n_outputs),
        (),
        params,
        labels,
    )
    if sparse.issparse(source.coef_):
        model = sparsified(model)
    record = Record(n_iter=n_iter, n_samples_seen=n_samples_seen)
    return Fitted(
        model, Outcome(n_iter, n_samples_seen), TrainingState(model.params, record=record)
    )


def adopted(kind: type[Estimator], params: Mapping[str, Any], fitted: Fitted) -> Estimator:
    """An estimator of this class with these parameters, copied, that has been fitted so."""
    estimator = kind(**copied(params))
    vars(estimator)["_fitted"] = fitted
    return estimator
