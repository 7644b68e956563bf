"""`for_prediction`: the same predictions, without what only training needs."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError

from skneural import (
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_digits(return_X_y=True)
X, Y = X[:400] / 16, Y[:400]
SHORT = {"max_iter": 4, "random_state": 0}
ESTIMATORS = {
    "adam": ScratchMLPClassifier(**SHORT),
    "sgd": ScratchMLPClassifier(**SHORT, solver="sgd"),
    "lbfgs": ScratchMLPClassifier(**SHORT, solver="lbfgs"),
    "early stopping": ScratchMLPClassifier(**SHORT, early_stopping=True),
    "out of patience": ScratchMLPClassifier(
        random_state=0, early_stopping=True, n_iter_no_change=1, tol=1.0
    ),
    "regressor": ScratchMLPRegressor(**SHORT),
    "logistic regression": ScratchLogisticRegression(),
    "logistic regression, adam": ScratchLogisticRegression(**SHORT, solver="adam"),
    "perceptron": ScratchPerceptron(),
}
each = pytest.mark.parametrize("name", ESTIMATORS)
METHODS = ("predict", "decision_function", "predict_proba", "predict_log_proba")


def outputs(model):
    return [getattr(model, name)(X) for name in METHODS if hasattr(model, name)]


def fitted(name):
    return clone(ESTIMATORS[name]).fit(X, Y)


@each
def test_it_predicts_the_same_bit_by_bit(name):
    model = fitted(name)
    lean = model.for_prediction()
    assert type(lean) is type(model)
    assert lean.get_params() == model.get_params()
    for copy in (lean, pickle.loads(pickle.dumps(lean)), lean.for_prediction()):
        for found, expected in zip(outputs(copy), outputs(model), strict=True):
            np.testing.assert_array_equal(found, expected)


@each
def test_it_has_no_training_state_and_shares_no_array(name):
    model = fitted(name)
    before = dict(vars(model))
    lean = model.for_prediction()
    assert vars(model) == before
    assert lean._fitted.state is None
    for curve in ("loss_curve_", "validation_scores_", "validation_loss_curve_", "history_"):
        assert not hasattr(lean, curve)
    arrays = arrays_in(lean._fitted.to_dict())
    assert sum(array.nbytes for array in arrays) < 1.02 * lean._model.params.nbytes + 200
    for value in arrays_in(model._fitted.to_dict()):
        assert not any(np.shares_memory(value, array) for array in arrays)


def arrays_in(value):
    """All arrays of nested containers."""
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, dict):
        return arrays_in(list(value.values()))
    if isinstance(value, list | tuple):
        return [array for part in value for array in arrays_in(part)]
    return []


@pytest.mark.parametrize("name", ["adam", "sgd", "early stopping", "out of patience", "regressor"])
def test_files_are_small(name):
    model = fitted(name)
    size = model._model.params.nbytes
    # From the last epoch a fit can be resumed that max_iter has ended; the best one predicts.
    n_vectors = 4 if name == "early stopping" else 3
    assert len(pickle.dumps(model)) < (n_vectors + 0.3) * size
    assert len(pickle.dumps(model.for_prediction())) < 1.2 * size


def test_half_the_bytes_in_float32():
    model = ScratchMLPClassifier(**SHORT, dtype="float32").fit(X, Y).for_prediction()
    assert len(pickle.dumps(model)) < 0.6 * len(pickle.dumps(fitted("adam").for_prediction()))


@pytest.mark.parametrize("name", ["adam", "sgd", "lbfgs", "regressor", "logistic regression, adam"])
def test_training_cannot_go_on_but_begin_anew(name):
    model = fitted(name)
    lean = model.for_prediction().set_params(warm_start=True)
    expected = outputs(lean)
    for method in ("fit", "partial_fit"):
        if not hasattr(lean, method):
            continue
        with pytest.raises(ValueError, match=r"made by for_prediction\(\)"):
            getattr(lean, method)(X, Y)
        for found, before in zip(outputs(lean), expected, strict=True):
            np.testing.assert_array_equal(found, before)
    anew = lean.set_params(warm_start=False).fit(X, Y)
    np.testing.assert_array_equal(anew._model.params, model._model.params)
    assert anew.loss_curve_ == model.loss_curve_


@each
def test_there_has_to_be_a_fit(name):
    with pytest.raises(NotFittedError):
        clone(ESTIMATORS[name]).for_prediction()
