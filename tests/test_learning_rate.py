"""The search for a learning rate: its curve, its suggestion, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits, load_wine
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from snapshots import frozen

from skneural import (
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
)
from skneural.learning_rate import (
    GeometricRise,
    find_learning_rate,
)
from skneural.optimizers import SGD

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)
SMALL = {"hidden_layer_sizes": 5, "max_iter": 6, "random_state": 0}
NETWORK = ScratchMLPClassifier(**SMALL)

DIGITS, NUMERALS = load_digits(return_X_y=True)
DIGITS = DIGITS / 16


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw", "nadam", "rmsprop", "adagrad"])
def test_suggested_rate_trains_digits(solver):
    network = ScratchMLPClassifier(solver=solver, max_iter=15, random_state=0)
    rate = find_learning_rate(network, DIGITS[:1200], NUMERALS[:1200]).suggestion
    assert 1e-4 < rate < 0.5
    network.set_params(learning_rate_init=rate).fit(DIGITS[:1200], NUMERALS[:1200])
    assert network.score(DIGITS[1200:], NUMERALS[1200:]) > 0.87


INDICATOR = np.column_stack([Y == 0, Y > 0]).astype(int)
WEIGHT = np.random.RandomState(0).rand(len(Y))


@pytest.mark.parametrize(
    ("estimator", "y"),
    [
        (ScratchMLPClassifier(), Y),
        (ScratchMLPClassifier(), np.array(["low", "middle", "high"])[Y]),
        (ScratchMLPClassifier(class_weight="balanced", early_stopping=True), Y),
        (ScratchMLPClassifier(class_weight={0: 5.0}, batch_size=1000, dtype="float32"), Y),
        (ScratchMLPClassifier(solver=SGD(averaging=0.9), dropout=0.2, l1_ratio=0.5), Y),
        (ScratchMLPClassifier(), INDICATOR),
        (ScratchMLPClassifier(), sparse.csr_matrix(INDICATOR)),
        (ScratchMLPRegressor(batch_size=20, shuffle=False, warm_start=True), X[:, 0]),
        (ScratchMLPRegressor(loss="poisson", solver="rmsprop"), Y),
        (ScratchMLPRegressor(), X[:, :2]),
    ],
    ids=repr,
)
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["", "weights"])
def test_curves_of_all_kinds(estimator, y, weight):
    estimator.set_params(random_state=0)
    before = frozen(vars(estimator))
    curve = find_learning_rate(estimator, X, y, highest=10.0, sample_weight=weight)
    assert frozen(vars(estimator)) == before
    assert len(curve.rates) == len(curve.losses) == len(curve.smoothed) <= 100
    np.testing.assert_allclose(curve.rates[:2], [1e-6, 1e-6 * 1e7 ** (1 / 99)])
    assert np.all(np.diff(curve.rates) > 0)
    assert np.all(np.isfinite(curve.losses))
    assert 1e-5 < curve.suggestion < 1
    again = find_learning_rate(estimator, X, y, highest=10.0, sample_weight=weight)
    np.testing.assert_array_equal(again.losses, curve.losses)


def test_the_losses_are_those_of_single_steps():
    """With full batches they are the loss curve of a fit whose rate rises in the same way."""
    network = ScratchMLPRegressor(batch_size=len(X), random_state=0, shuffle=False)
    curve = find_learning_rate(network, X, X[:, 0], n_epochs=20, highest=0.01)
    assert curve.rates[-1] == pytest.approx(0.01)
    rising = GeometricRise(1e4 ** (1 / 19))
    network.set_params(learning_rate=rising, learning_rate_init=1e-6, max_iter=20)
    network.fit(X, X[:, 0])
    np.testing.assert_allclose(curve.losses, network.loss_curve_, rtol=1e-9)


def test_search_ends_where_the_loss_diverges():
    rows, y = load_diabetes(return_X_y=True)
    network = ScratchMLPRegressor(solver="sgd", random_state=0, batch_size=50)
    for highest in (1e2, 1e30):
        curve = find_learning_rate(network, rows * 20, y / 100, highest=highest)
        assert len(curve.rates) < 100
        assert curve.rates[-1] < 10
        assert 1e-5 < curve.suggestion < 0.5


@pytest.mark.parametrize(
    ("estimator", "arguments", "error", "message"),
    [
        (ScratchMLPClassifier(solver="lbfgs"), {}, ValueError, "solver='lbfgs' has no learning"),
        (make_pipeline(ScratchMLPClassifier()), {}, TypeError, "got Pipeline.*by itself"),
        (ScratchPerceptron(), {}, TypeError, "got ScratchPerceptron"),
        (ScratchMLPClassifier, {}, TypeError, "got ABCMeta"),
        (NETWORK, {"lowest": 0}, ValueError, "lowest and highest must be positive"),
        (NETWORK, {"lowest": 1, "highest": 1}, ValueError, "lowest=1, highest=1"),
        (NETWORK, {"highest": np.inf}, ValueError, "highest=inf"),
        (NETWORK, {"n_epochs": 3}, ValueError, "n_epochs=3 makes 3 steps of 178 rows"),
        (NETWORK, {"sample_weight": -WEIGHT}, ValueError, "Negative values"),
        (NETWORK, {"lowest": 1e300, "highest": 1e305}, ValueError, "non-finite"),
        (ScratchMLPClassifier(alpha=-1), {}, ValueError, "'alpha' parameter"),
    ],
)
def test_wrong_searches(estimator, arguments, error, message):
    with pytest.raises(error, match=message):
        find_learning_rate(estimator, X, Y, **arguments)


def test_no_rate_at_which_the_loss_falls():
    with pytest.warns(UserWarning, match="not fallen at any learning rate"):
        curve = find_learning_rate(clone(NETWORK).set_params(alpha=0), 0 * X, np.zeros(len(Y)))
    assert np.isnan(curve.suggestion)


def test_repr_is_short():
    curve = find_learning_rate(NETWORK, X, Y)
    assert repr(curve) == f"LearningRateCurve(suggestion={curve.suggestion!r})"
