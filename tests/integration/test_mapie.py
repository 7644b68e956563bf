"""MAPIE makes intervals and sets of what our models predict."""

from extras import need

need("integration", "mapie")

import numpy as np
import pandas as pd
import pytest
from mapie.classification import SplitConformalClassifier
from mapie.regression import (
    ConformalizedQuantileRegressor,
    CrossConformalRegressor,
    SplitConformalRegressor,
)
from pages import blocks_by_heading, run_block_of_page
from sklearn.datasets import load_wine, make_friedman1
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skneural import (
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from skneural.losses import Quantile

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PAGE = "recipes_predictions.rst"


@pytest.fixture(scope="module")
def names():
    """What the recipe leaves behind; its output is compared."""
    (block,) = blocks_by_heading(PAGE)["Conformal intervals"]
    names = {"__name__": "page"}
    run_block_of_page(PAGE, block, names)
    return names


def quantile_of(errors, level):
    """The smallest error that the level of the errors and of one more do not exceed."""
    return np.sort(errors)[int(np.ceil(level * (len(errors) + 1))) - 1]


def test_intervals_of_one_width(names):
    model, network = names["same_width"], names["network"]("squared_error")
    distance = quantile_of(np.abs(names["y_held"] - network.predict(names["X_held"])), 0.9)
    predicted, intervals = model.predict_interval(names["X_test"])
    expected = predicted[:, np.newaxis] + [-distance, distance]
    np.testing.assert_array_equal(predicted, network.predict(names["X_test"]))
    np.testing.assert_allclose(intervals[:, :, 0], expected, rtol=0, atol=1e-12)


def test_intervals_by_quantiles(names):
    """Each side is moved by the 0.95 quantile of its own errors."""
    X, y = names["X_held"], names["y_held"]
    _, intervals = names["by_quantiles"].predict_interval(names["X_test"])
    for level, side, found in zip((0.05, 0.95), (-1, 1), intervals[:, :, 0].T, strict=True):
        network = names["network"](Quantile(level))
        distance = quantile_of(side * (y - network.predict(X)), 0.95)
        expected = network.predict(names["X_test"]) + side * distance
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_coverage_over_many_draws(names):
    """As often as asked for on average, give or take one percent for each draw."""
    network = names["network"]("squared_error")
    X = np.concatenate((names["X_held"], names["X_test"]))
    y = np.concatenate((names["y_held"], names["y_test"]))
    covered = []
    for seed in range(40):
        order = np.random.RandomState(seed).permutation(len(y))
        held, new = order[:1000], order[1000:]
        model = SplitConformalRegressor(network, confidence_level=0.9, prefit=True)
        _, intervals = model.conformalize(X[held], y[held]).predict_interval(X[new])
        low, high = intervals[:, :, 0].T
        covered.append(np.mean((low <= y[new]) & (y[new] <= high)))
    assert abs(np.mean(covered) - 0.9) < 0.005
    assert 0.003 < np.std(covered) < 0.015


REGRESSION = make_friedman1(600, random_state=0)
WINE = load_wine(return_X_y=True)
SETTINGS = {"max_iter": 60, "learning_rate_init": 0.01, "random_state": 0}
REGRESSORS = [
    make_pipeline(StandardScaler(), ScratchMLPRegressor(**SETTINGS)),
    TabularMLPRegressor(cv=2, max_iter=20, random_state=0),
]
CLASSIFIERS = [
    make_pipeline(StandardScaler(), ScratchMLPClassifier(**SETTINGS)),
    ScratchLogisticRegression(),
    TabularMLPClassifier(cv=2, max_iter=5, random_state=0),
]


@pytest.mark.parametrize("estimator", REGRESSORS, ids=lambda model: type(model).__name__)
def test_mapie_trains_clones(estimator):
    """``prefit=False``, and cross-conformal regression over folds."""
    X, y = REGRESSION
    split = SplitConformalRegressor(estimator, confidence_level=0.8, prefit=False)
    split.fit(X[:200], y[:200]).conformalize(X[200:400], y[200:400])
    crossed = CrossConformalRegressor(estimator, confidence_level=0.8, cv=3, random_state=0)
    crossed.fit_conformalize(X[:400], y[:400])
    for model in (split, crossed):
        _, intervals = model.predict_interval(X[400:])
        low, high = intervals[:, :, 0].T
        assert abs(np.mean((low <= y[400:]) & (y[400:] <= high)) - 0.8) < 0.12


@pytest.mark.parametrize("names", [None, np.array(["red", "rose", "white"])], ids=["ints", "text"])
@pytest.mark.parametrize("estimator", CLASSIFIERS, ids=lambda model: type(model).__name__)
def test_sets_of_classes(estimator, names):
    X, y = WINE
    order = np.random.RandomState(0).permutation(len(y))
    X, y = X[order], y[order] if names is None else names[y[order]]
    model = SplitConformalClassifier(estimator.fit(X[:60], y[:60]), confidence_level=0.9)
    _, sets = model.conformalize(X[60:120], y[60:120]).predict_set(X[120:])
    assert sets.shape == (58, 3, 1)
    is_class = y[120:, np.newaxis] == np.unique(y)
    assert np.mean(sets[:, :, 0][is_class]) > 0.8
    # A class belongs to the set where its probability is at least that of 0.9 of the rows held out.
    held = estimator.predict_proba(X[60:120])[y[60:120, np.newaxis] == np.unique(y)]
    smallest = 1 - quantile_of(1 - held, 0.9)
    expected = estimator.predict_proba(X[120:]) >= smallest - 1e-9
    np.testing.assert_array_equal(sets[:, :, 0], expected)


def test_a_raw_table():
    """As the page says, with a warning of a row of zeros that MAPIE tries."""
    rng = np.random.RandomState(0)
    frame = pd.DataFrame({"number": rng.standard_normal(600), "text": rng.choice(list("abc"), 600)})
    y = frame["number"] + (frame["text"] == "a") + 0.1 * rng.standard_normal(600)
    table = TabularMLPRegressor(cv=2, max_iter=5, random_state=0).fit(frame[:200], y[:200])
    model = SplitConformalRegressor(table, confidence_level=0.8, prefit=True)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        model.conformalize(frame[200:400], y[200:400])
    _, intervals = model.predict_interval(frame[400:])
    low, high = intervals[:, :, 0].T
    assert abs(np.mean((low <= y[400:]) & (y[400:] <= high)) - 0.8) < 0.12


def test_quantile_regressors_of_ours_are_to_be_fitted():
    """As the page says; when this fails, MAPIE has learnt it."""
    X, y = REGRESSION
    model = ConformalizedQuantileRegressor(ScratchMLPRegressor(Quantile(0.5), **SETTINGS))
    with pytest.raises(ValueError, match="base model is not supported"):
        model.fit(X, y)
