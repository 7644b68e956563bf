"""SHAP explains our models: the parts add up to what is predicted."""

from extras import need

need("integration", "shap")

import numba
import numpy as np
import pandas as pd
import pytest
from pages import blocks_by_heading, code_by_heading, run_block, run_block_of_page
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler

from skneural import (
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
    TabularMLPClassifier,
    TabularMLPRegressor,
)

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # shap sets up its colours as matplotlib no longer wants it.
    pytest.mark.filterwarnings(r"ignore::PendingDeprecationWarning:shap\.plots\.colors"),
]

LINEAR, OF_A_METHOD = code_by_heading("integrations.rst")["SHAP"]
X, Y = load_wine(return_X_y=True)
X = np.ascontiguousarray(StandardScaler().fit_transform(X)[:, :6])
# As the values of frames are. For arrays of another kind or order shap compiles anew, for seconds.
X.flags.writeable = False
FRAME = pd.DataFrame(X, columns=list("abcdef"), copy=False)


@pytest.fixture(scope="module")
def shap():
    # Here, where the filter of warnings is in force. What shap would have numba compile, for
    # seconds, runs as it is written: for so few rows that takes no time.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numba.config, "DISABLE_JIT", True)
        import shap

    return shap


def add_up(explanation, predicted, tolerance=1e-12):
    assert np.ndim(predicted) + 1 == explanation.values.ndim
    total = explanation.values.sum(axis=1) + explanation.base_values
    np.testing.assert_allclose(total, predicted, rtol=0, atol=tolerance)
    assert np.abs(explanation.values).max() > 0.01


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_documented_linear_explainer(shap, n_classes):
    few = X[n_classes > Y][::2]  # of more than a hundred rows shap draws a hundred
    names = run_block(LINEAR, X=few, y=Y[n_classes > Y][::2])
    add_up(names["explanation"], names["model"].decision_function(few[:20]))
    # For independent features: how far each is from its mean, times its weight.
    weights = names["model"].coef_[0]
    first = names["explanation"].values.reshape(20, 6, -1)[:, :, 0]
    expected = weights * (few[:20] - few.mean(axis=0))
    np.testing.assert_allclose(first, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("kind", [ScratchLogisticRegression, ScratchPerceptron])
def test_linear_models_are_recognised(shap, kind, fit_intercept, n_classes):
    rows = n_classes > Y
    model = kind(fit_intercept=fit_intercept).fit(X[rows], Y[rows])
    explainer = shap.Explainer(model, X[rows])
    assert isinstance(explainer, shap.LinearExplainer)
    add_up(explainer(X[rows]), model.decision_function(X[rows]))


def test_the_documented_explainer_of_a_method(shap):
    names = run_block(OF_A_METHOD, X=X, y=Y)
    assert isinstance(names["explainer"], shap.PermutationExplainer)
    add_up(names["explanation"], names["network"].predict_proba(X[:20]))


def test_the_recipe(shap):
    """A pipeline in the units of its columns, and what the page says that it prints."""
    page = "recipes_predictions.rst"
    (block,) = blocks_by_heading(page)["SHAP values"]
    names = {"__name__": "page"}
    run_block_of_page(page, block, names)
    rows, first = names["wine"].data.iloc[:12], names["explanation"]
    add_up(first, names["pipe"].predict_proba(rows)[:, 0])
    np.testing.assert_array_equal(first.data, rows)
    mean = names["pipe"].predict_proba(names["background"])[:, 0].mean()
    np.testing.assert_allclose(first.base_values, mean)


def test_a_network_itself_is_not_explained(shap):
    """As it is with scikit-learn's; the page says what to pass."""
    with pytest.raises(TypeError, match="not callable"):
        shap.Explainer(ScratchMLPClassifier(max_iter=5).fit(X, Y), X)


@pytest.mark.parametrize(
    ("model", "method"),
    [
        (ScratchMLPClassifier(max_iter=30, random_state=0), "predict_proba"),
        (ScratchMLPRegressor(max_iter=30, random_state=0), "predict"),
        (TabularMLPClassifier(cv=2, max_iter=5, random_state=0), "predict_proba"),
        (TabularMLPRegressor(cv=2, max_iter=5, random_state=0), "predict"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("kind", ["permutation", "kernel"])
def test_models_are_explained_by_what_they_predict(shap, model, method, kind):
    is_table = type(model).__name__.startswith("Tabular")
    rows = FRAME if is_table and kind == "permutation" else X
    predict = getattr(model.fit(rows, Y), method)
    if kind == "kernel":
        explanation = shap.KernelExplainer(predict, rows[:10], seed=0)(rows[:3], silent=True)
    else:
        explainer = shap.Explainer(predict, rows[:10], algorithm="permutation", seed=0)
        explanation = explainer(rows[:3])
        assert explanation.feature_names == (
            list("abcdef") if is_table else [f"Feature {j}" for j in range(6)]
        )
    add_up(explanation, predict(rows[:3]), 1e-6 if kind == "kernel" else 1e-12)


def test_columns_of_text_are_not_explained(shap):
    """What the page says of it; when this fails, shap has learnt it."""
    frame = FRAME.assign(text=np.where(X[:, 0] > 0, "high", "low"))
    model = TabularMLPClassifier(cv=2, max_iter=5, random_state=0).fit(frame, Y)
    explainer = shap.Explainer(model.predict_proba, frame[:20], algorithm="permutation", seed=0)
    with pytest.raises(TypeError, match="'str' and 'str'"):
        explainer(frame[:4])
