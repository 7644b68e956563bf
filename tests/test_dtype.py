"""The parameter `dtype`: what is computed in, whatever comes in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skneural import ScratchLogisticRegression, ScratchMLPClassifier, ScratchMLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_digits(return_X_y=True)
X, Y = X[:300] / 16, Y[:300]
NETWORK = {"hidden_layer_sizes": (10,), "max_iter": 5, "random_state": 0}
ESTIMATORS = {
    "classifier": ScratchMLPClassifier(**NETWORK),
    "classifier, sgd": ScratchMLPClassifier(**NETWORK, solver="sgd"),
    "classifier, lbfgs": ScratchMLPClassifier(**NETWORK, solver="lbfgs"),
    "classifier, early stopping": ScratchMLPClassifier(**NETWORK, early_stopping=True),
    "regressor": ScratchMLPRegressor(**NETWORK),
    "logistic regression": ScratchLogisticRegression(),
    "logistic regression, sgd": ScratchLogisticRegression(solver="sgd", random_state=0),
}
each = pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=ESTIMATORS)

INPUTS = {
    "float64": X,
    "data frame": pd.DataFrame(X, columns=[f"pixel {i}" for i in range(64)]),
    "mixed frame": pd.DataFrame(X).astype({0: np.float32, 1: int}),
    "list": X.tolist(),
    "CSR": sparse.csr_matrix(X),
    "CSC": sparse.csc_array(X),
    "Fortran order": np.asfortranarray(X),
}


def new(estimator, **params):
    return type(estimator)(**{**estimator.get_params(), **params})


@each
@pytest.mark.parametrize("rows", INPUTS.values(), ids=INPUTS)
def test_float32_is_what_float32_input_gives(estimator, rows):
    asked = new(estimator, dtype="float32").fit(rows, Y)
    converted = rows.astype(np.float32) if hasattr(rows, "astype") else np.float32(rows)
    given = new(estimator).fit(converted, Y)
    assert asked._model.params.dtype == np.float32
    np.testing.assert_array_equal(asked._model.params, given._model.params)
    assert asked.loss_curve_ == given.loss_curve_
    assert all(m.dtype == np.float32 for m in asked._fitted.state.optimizer.values() if np.ndim(m))


@each
def test_float64_is_what_float64_input_gives(estimator):
    single = X.astype(np.float32)
    asked = new(estimator, dtype="float64").fit(single, Y)
    given = new(estimator).fit(single.astype(np.float64), Y)
    assert asked._model.params.dtype == np.float64
    np.testing.assert_array_equal(asked._model.params, given._model.params)


@each
def test_predictions_of_float32_come_in_float32(estimator):
    model = new(estimator, dtype="float32").fit(X, Y)
    for method in ("decision_function", "predict_proba", "predict_log_proba"):
        if hasattr(model, method):
            assert getattr(model, method)(X).dtype == np.float32
    assert model.predict(X).dtype == (np.float32 if estimator is ESTIMATORS["regressor"] else int)
    # What rounding of X does is small; it is the same function.
    reference = new(estimator).fit(X, Y)
    assert model.score(X, Y) == pytest.approx(reference.score(X, Y), abs=0.02)


@each
def test_training_goes_on_in_the_fitted_dtype_alone(estimator):
    model = new(estimator, dtype="float32", warm_start=True).fit(X, Y)
    before = model._model.params.copy()
    with pytest.raises(ValueError, match=r"fitted parameters are float32, dtype='float64'"):
        model.set_params(dtype="float64").fit(X, Y)
    np.testing.assert_array_equal(model._model.params, before)
    assert model.set_params(dtype="auto").fit(X, Y)._model.params.dtype == np.float32
    anew = model.set_params(dtype="float64", warm_start=False).fit(X, Y)
    assert anew._model.params.dtype == np.float64


def test_partial_fit_keeps_to_float32():
    model = ScratchMLPClassifier(**NETWORK, dtype="float32")
    for _ in range(2):
        model.partial_fit(X, Y, classes=range(10))
    assert model._model.params.dtype == np.float32
    with pytest.raises(ValueError, match="dtype='float64' now asks for others"):
        model.set_params(dtype="float64").partial_fit(X, Y)


@each
@pytest.mark.filterwarnings("error")
def test_values_too_large_for_float32_are_named(estimator):
    rows = pd.DataFrame(X.copy(), columns=[f"pixel {i}" for i in range(64)])
    rows.loc[[3, 5], "pixel 7"] = 1e39
    model = new(estimator, dtype="float32")
    with pytest.raises(
        ValueError, match=r"'pixel 7' of X is too large for float32 in 2 of 300 rows, up to 1e\+39"
    ):
        model.fit(rows, Y)
    assert not hasattr(model, "n_features_in_")


def test_dtype_is_searched_like_any_parameter():
    pipeline = make_pipeline(StandardScaler(), ScratchMLPClassifier(**NETWORK))
    search = GridSearchCV(pipeline, {"scratchmlpclassifier__dtype": ["float32", "float64"]}, cv=2)
    assert np.isfinite(search.fit(X, Y).cv_results_["mean_test_score"]).all()


def test_lbfgs_of_several_outputs_does_not_give_up_in_single_precision():
    """The loss that is reported is a mean, whose gradient is not that of the sum."""
    rows = np.random.RandomState(32).standard_normal((40, 3)).astype(np.float32)
    y = np.column_stack([rows[:, 0], rows[:, 1], 2 * rows[:, 0]])
    settings = {"hidden_layer_sizes": (8,), "solver": "lbfgs", "activation": "logistic"}
    model = ScratchMLPRegressor(**settings, alpha=1.0, max_iter=1000, random_state=0)
    in_double = model.fit(rows.astype(float), y).loss_
    assert model.fit(rows, y).loss_ <= in_double
