"""Temperature scaling, against scikit-learn's and a search along the whole interval."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn import __version__
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.utils.fixes import parse_version

from skneural.temperature import (
    BOUNDS,
    cautious_temperature,
    fit_temperature,
    scaled_log_probabilities,
)


def problem(n_rows, n_classes, scale, seed=0):
    """Logits of which those divided by `scale` are the log-odds that the classes are drawn from."""
    rng = np.random.RandomState(seed)
    z = 1.5 * rng.randn(n_rows, n_classes)
    y = np.argmax(z + rng.gumbel(size=z.shape), axis=1)
    y[:n_classes] = np.arange(n_classes)
    return scale * z, y, rng.exponential(size=n_rows) * (rng.rand(n_rows) > 0.2)


PROBLEMS = {
    "about right": problem(400, 3, 1.0),
    "too sure": problem(300, 2, 4.0),
    "not sure enough": problem(300, 5, 0.4),
    "much too sure": problem(500, 4, 7.0),
    "many classes": problem(600, 26, 2.0),
    "few rows": problem(14, 3, 2.0),
}
PROBLEMS["far from zero"] = (1e4 + PROBLEMS["too sure"][0], *PROBLEMS["too sure"][1:])


def mean_log_loss(temperature, logits, y, weight):
    losses = -log_softmax(np.float64(logits) / temperature, axis=1)[np.arange(len(y)), y]
    return np.average(losses, weights=weight)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", PROBLEMS)
def test_of_the_lowest_loss(name, weighted, dtype):
    logits, y, weight = PROBLEMS[name]
    data = logits.astype(dtype), y, weight if weighted else None
    before = data[0].copy()
    found = fit_temperature(*data)
    expected = minimize_scalar(
        mean_log_loss, bounds=BOUNDS, args=data, method="bounded", options={"xatol": 1e-9}
    )
    assert BOUNDS[0] < found.value < BOUNDS[1]
    assert found.value == pytest.approx(expected.x, rel=1e-5)
    assert found.loss == pytest.approx(mean_log_loss(found.value, *data), rel=1e-12)
    np.testing.assert_array_equal(data[0], before)


class Given(ClassifierMixin, BaseEstimator):
    """A fitted classifier whose decision function is X."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.n_features_in_ = X.shape[1]
        return self

    def decision_function(self, X):
        # Of two classes scikit-learn takes one number d, for the logits (-d, d).
        return (X[:, 1] - X[:, 0]) / 2 if len(self.classes_) == 2 else X

    def predict(self, X):
        return self.classes_[X.argmax(axis=1)]


@pytest.mark.skipif(
    parse_version(__version__) < parse_version("1.8"),
    reason="reference: scikit-learn before 1.8 has no temperature scaling",
)
@pytest.mark.filterwarnings("ignore:Since FrozenEstimator does not appear to accept")
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", PROBLEMS)
def test_as_scikit_learn(name, weighted):
    logits, y, weight = PROBLEMS[name]
    weight = weight if weighted else None
    classifier = FrozenEstimator(Given().fit(logits, y))
    calibrated = CalibratedClassifierCV(classifier, method="temperature", cv=2)
    calibrated.fit(logits, y, sample_weight=weight)
    beta = calibrated.calibrated_classifiers_[0].calibrators[0].beta_
    found = fit_temperature(logits, y, weight)
    assert found.value == pytest.approx(1 / beta, rel=1e-3)
    np.testing.assert_allclose(
        np.exp(scaled_log_probabilities(logits, found.value)),
        calibrated.predict_proba(logits),
        atol=1e-4,
    )


def test_weights_of_zero_are_rows_that_are_not_there():
    logits, y, weight = PROBLEMS["many classes"]
    assert np.any(weight == 0)
    found = fit_temperature(logits, y, weight)
    without = fit_temperature(logits[weight > 0], y[weight > 0], weight[weight > 0])
    np.testing.assert_allclose(found, without, rtol=1e-9)


SURE = np.array([[9.0, 0.0], [0.0, 2.0], [1.0, 0.0]])


@pytest.mark.parametrize(
    ("logits", "y", "bounds", "expected"),
    [
        (SURE, [0, 1, 0], BOUNDS, 0.25),  # all right
        (SURE, [0, 1, 0], (0.5, 3.0), 0.5),
        (SURE, [1, 0, 1], BOUNDS, 8.0),  # all wrong
        (SURE, [1, 0, 1], (0.5, 3.0), 3.0),
        (np.zeros((3, 2)), [0, 1, 1], BOUNDS, 1.0),  # nothing to scale
        (np.zeros((3, 2)), [0, 1, 1], (2.0, 3.0), 2.0),
        (1e5 * SURE, [0, 1, 0], BOUNDS, 1.0),  # no loss at any temperature
    ],
)
def test_ends_of_the_interval(logits, y, bounds, expected):
    found = fit_temperature(logits, np.array(y), bounds=bounds)
    assert found.value == pytest.approx(expected, rel=1e-12)
    assert found.loss == pytest.approx(mean_log_loss(expected, logits, np.array(y), None))


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_logits_that_are_not_finite(value):
    logits, y, _ = problem(20, 3, 1.0)
    logits[4] = [value, 0, 1]
    assert fit_temperature(logits, y) == (1.0, math.inf)


def test_a_column_of_log_odds_is_a_softmax_of_two():
    logits, y, weight = PROBLEMS["too sure"]
    odds = logits[:, 1:] - logits[:, :1]
    expected = fit_temperature(logits, y, weight)
    found = fit_temperature(odds, y, weight)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    of_members = scaled_log_probabilities(np.stack([odds, 2 * odds]).astype(np.float32), 1.5)
    assert (of_members.shape, of_members.dtype) == ((2, 300, 2), np.float64)
    np.testing.assert_allclose(of_members[1], log_softmax(logits / 0.75, axis=1), atol=1e-5)


def test_example_of_the_docstring():
    logits = np.array([[4.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 0.0]])
    found = fit_temperature(logits, np.array([0, 0, 1, 1]))
    assert found.value == pytest.approx(4 / math.log(3))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", PROBLEMS)
def test_caution_is_for_temperatures_below_one(name, weighted):
    """Those above are as they are, those below the minimum of the loss of smoothed targets."""
    logits, y, weight = PROBLEMS[name]
    weight = weight if weighted else None
    plain, found = fit_temperature(logits, y, weight), cautious_temperature(logits, y, weight)
    if plain.value >= 1:
        assert found == plain
        return
    n_rows = len(y) if weight is None else weight.sum() ** 2 / (weight**2).sum()
    doubt = 1 / (n_rows + 2)
    n_classes = logits.shape[1]
    smoothed = np.where(np.arange(n_classes) == y[:, None], 1 - doubt, doubt / (n_classes - 1))

    def loss(temperature):
        losses = -(smoothed * log_softmax(logits / temperature, axis=1)).sum(axis=1)
        return np.average(losses, weights=weight)

    expected = minimize_scalar(
        loss, bounds=(plain.value, BOUNDS[1]), method="bounded", options={"xatol": 1e-9}
    )
    assert plain.value < found.value
    assert found.value == pytest.approx(expected.x, rel=1e-5)
    assert found.loss == pytest.approx(mean_log_loss(found.value, logits, y, weight), rel=1e-12)


@pytest.mark.parametrize("size", [3.0, 15.0])
@pytest.mark.parametrize("n_rows", [10, 1000, 100_000])
def test_rows_without_an_error_do_not_make_certain(n_rows, size):
    """By the rule of succession, a row is as certain as one wrong row of n + 2 leaves it."""
    y = np.arange(n_rows) % 2
    logits = np.where(np.arange(2) == y[:, None], size, 0.0)
    assert fit_temperature(logits, y).value == BOUNDS[0]
    found = cautious_temperature(logits, y)
    certainty = 1 / (1 + np.exp(-size / found.value))
    assert certainty == pytest.approx(1 - 1 / (n_rows + 2), rel=1e-6)


@pytest.mark.parametrize("factor", [1e-200, 2.0, 1e200])
def test_caution_does_not_depend_on_the_unit_of_weights(factor):
    logits, y, weight = PROBLEMS["not sure enough"]
    found = cautious_temperature(logits, y, factor * weight)
    assert found.value == pytest.approx(cautious_temperature(logits, y, weight).value, rel=1e-9)
