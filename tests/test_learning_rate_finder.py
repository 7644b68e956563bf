"""The learning-rate range test: its curve, its suggestion, and what it accepts, as `fit` does."""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import sparse
from sklearn import config_context
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
from skneural.learning_rate_finder import (
    GeometricRise,
    find_learning_rate,
)
from skneural.losses import REGRESSION_LOSSES, Huber, Quantile, SquaredError
from skneural.optimizers import SGD

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:batch_size=.* is larger than"),
]

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
COLUMNS = np.column_stack([Y, np.array(["yes", "no"], dtype=object)[INDICATOR[:, 0]]])
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
        (ScratchMLPClassifier(early_stopping=True), COLUMNS),
        (ScratchMLPClassifier(class_weight=["balanced", None], loss="focal"), COLUMNS),
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


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"early_stopping": True, "n_iter_no_change": 100},
        {"dropout": 0.3},
        {"class_weight": "balanced", "dtype": "float32"},
        {"l1_ratio": 0.5, "alpha": 0.01, "solver": SGD(averaging=0.9)},
    ],
    ids=repr,
)
def test_the_steps_are_those_of_a_fit(settings):
    """The loss of an epoch is the mean over its rows, in batches of 50 and a smaller one."""
    n_epochs, n_rows = 4, len(X) - 18 * ("early_stopping" in settings)
    batches = np.full(-(-n_rows // 50), 50)
    batches[-1] = n_rows - 50 * (len(batches) - 1)
    network = clone(NETWORK).set_params(batch_size=50, **settings)
    lowest, highest = 1e-3, 1e-2
    curve = find_learning_rate(network, X, Y, n_epochs=n_epochs, lowest=lowest, highest=highest)
    losses = curve.losses.reshape(n_epochs, len(batches))
    rising = GeometricRise((highest / lowest) ** (len(batches) / (losses.size - 1)))
    network.set_params(learning_rate=rising, learning_rate_init=lowest, max_iter=n_epochs)
    network.fit(X, Y)
    # In float32, rates that differ in the last digit of float64 may round differently.
    rtol = 1e-5 if "dtype" in settings else 1e-9
    np.testing.assert_allclose(losses @ batches / n_rows, network.loss_curve_, rtol=rtol)


def test_search_ends_where_the_loss_diverges():
    rows, y = load_diabetes(return_X_y=True)
    network = ScratchMLPRegressor(solver="sgd", random_state=0, batch_size=50)
    for highest in (1e2, 1e30):
        curve = find_learning_rate(network, rows * 20, y / 100, highest=highest)
        assert len(curve.rates) < 100
        assert curve.rates[-1] < 10
        assert 1e-5 < curve.suggestion < 0.5


class LoweredSquaredError(SquaredError):
    """A loss that is negative: the squared error less a constant."""

    def value_and_gradient(self, raw, y, buffers):
        return super().value_and_gradient(raw, y, buffers) - 100


@dataclass(repr=False, eq=False)
class Lowered(Huber):
    by: float = 10.0

    def value_and_gradient(self, raw, y, buffers):
        return super().value_and_gradient(raw, y, buffers) - self.by


def test_search_ends_where_a_negative_loss_has_risen():
    """It has diverged when it has risen by three times its fall: no multiple is a limit."""
    network = ScratchMLPRegressor(LoweredSquaredError(), solver="sgd", random_state=0, alpha=0)
    curve = find_learning_rate(network, X, 5 * X[:, 0], highest=10)
    lowest = curve.losses.min()
    assert lowest < curve.losses[0] < -50
    assert 10 < len(curve.losses) < 100
    assert curve.losses[-1] > lowest + 3 * (curve.losses[0] - lowest)
    assert 1e-6 < curve.suggestion < curve.rates[np.argmin(curve.smoothed)]


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
        (NETWORK, {"highest": 10**400}, ValueError, "lowest and highest must be positive"),
        (NETWORK, {"lowest": "0.1"}, ValueError, "lowest='0.1'"),
        (NETWORK, {"n_epochs": 3}, ValueError, "n_epochs=3 makes 3 steps of 178 rows"),
        (NETWORK, {"n_epochs": 1e-300}, ValueError, "n_epochs=1e-300 makes 1 step of 178 rows"),
        (NETWORK, {"n_epochs": [20]}, ValueError, "n_epochs must be a positive number.*got"),
        (NETWORK, {"n_epochs": 1j}, ValueError, "n_epochs must be a positive number.*got 1j"),
        (NETWORK, {"n_epochs": 0}, ValueError, "n_epochs must be a positive number.*got 0"),
        (NETWORK, {"n_epochs": -1}, ValueError, "n_epochs must be a positive number.*got -1"),
        (NETWORK, {"n_epochs": np.nan}, ValueError, "n_epochs must be a positive number.*got nan"),
        (NETWORK, {"n_epochs": np.inf}, ValueError, "n_epochs must be a positive number.*got inf"),
        (NETWORK, {"n_epochs": 10**400}, ValueError, "n_epochs must be a positive number"),
        (NETWORK, {"n_epochs": "2"}, ValueError, "n_epochs must be a positive number.*got '2'"),
        (NETWORK, {"sample_weight": -WEIGHT}, ValueError, "Negative values"),
        (NETWORK, {"lowest": 1e300, "highest": 1e305}, ValueError, "non-finite"),
        (ScratchMLPClassifier(alpha=-1), {}, ValueError, "'alpha' parameter"),
    ],
)
def test_wrong_searches(estimator, arguments, error, message):
    with pytest.raises(error, match=message):
        find_learning_rate(estimator, X, Y, **arguments)


#: Parameters, data and weights; the beginning of what `fit` says to them, None where it accepts.
NAN = np.where(np.arange(X.size).reshape(X.shape) == 7, np.nan, X)
NUMERAL_STRINGS = np.array(["7", "8", "9"])[Y]
AS_IN_FIT = [
    ({"class_weight": {0: 5.0, 2: 0.5}}, X, Y, None, None),
    ({"class_weight": {0: 0.0}}, X, Y, None, None),
    ({"class_weight": {0: 0.0}, "batch_size": 20, "shuffle": False}, X, Y, None, None),
    ({"class_weight": {"low": 5.0}}, X, np.array(["low", "middle", "high"])[Y], None, None),
    ({"class_weight": "balanced"}, X, NUMERAL_STRINGS, None, None),
    ({"class_weight": "balanced"}, X, NUMERAL_STRINGS.astype(object), WEIGHT, None),
    ({"class_weight": "balanced", "batch_size": 1}, X, Y, None, None),
    ({"class_weight": "balanced"}, X, INDICATOR, None, "class_weight='balanced' is for rows"),
    ({"class_weight": {0: 2.0}}, X, INDICATOR, None, "class_weight={0: 2.0} is for rows"),
    ({"class_weight": {0: 2.0}}, X, COLUMNS, None, "class_weight must be 'balanced' or a list"),
    ({"class_weight": ["balanced"]}, X, COLUMNS, None, "class_weight must be 'balanced' or a list"),
    ({"class_weight": ["balanced", 2]}, X, COLUMNS, None, "The 'class_weight' parameter"),
    ({"class_weight": [{0: 2.0}]}, X, Y, None, "class_weight=[{0: 2.0}] is a list, for a y with"),
    ({"class_weight": [{0: 2.0}, {"yes": -1}]}, X, COLUMNS, None, "In column 1 of y: class_weight"),
    ({"class_weight": [{0: 2.0}, {"yes": 2}]}, X, COLUMNS, WEIGHT, None),
    ({}, X, np.column_stack([Y, X[:, 0]]), None, "In column 1 of y: Unknown label type"),
    ({"class_weight": {9: 2.0}}, X, Y, None, "The classes, [0, 1, 2], are not in"),
    ({"class_weight": {0: -2.0}}, X, Y, None, "class_weight"),
    ({"class_weight": {0: 0.0, 1: 0.0, 2: 0.0}}, X, Y, None, ""),
    ({"class_weight": "even"}, X, Y, None, "The 'class_weight' parameter"),
    ({}, X, INDICATOR, WEIGHT, None),
    ({}, X, sparse.csr_matrix(INDICATOR), None, None),
    ({"early_stopping": True}, X, Y, WEIGHT, None),
    ({"early_stopping": True}, X[:3], Y[:3], None, ""),
    ({"early_stopping": True}, X, Y, np.arange(len(Y)) == 0, "sample_weight is zero for"),
    ({"early_stopping": True, "validation_fraction": 0.999}, X, Y, None, ""),
    ({"early_stopping": True}, X, INDICATOR, None, None),
    ({"early_stopping": True, "early_stopping_metric": "loss"}, X, Y, WEIGHT, None),
    ({"early_stopping": True, "early_stopping_metric": "f1_macro"}, X, Y, None, None),
    (
        {"early_stopping": True, "early_stopping_metric": "r2"},
        X,
        np.array(list("abc"))[Y],
        None,
        "",
    ),
    ({"early_stopping": True, "early_stopping_metric": "f2"}, X, Y, None, "The 'early_stopping_m"),
    ({"batch_size": 1}, X, Y, (np.arange(len(Y)) == 5) * 1.0, None),
    ({"class_weight": {0: 0.0}, "batch_size": 7}, X, np.where(Y == 2, 0, Y), WEIGHT, None),
    ({"dtype": "float32", "alpha": 0.0}, X, Y, 1e-50 * WEIGHT, None),
    ({"dtype": "float32"}, X, Y, 1e45 * WEIGHT, None),
    ({"dtype": "float32"}, X, Y, 1e-50 * WEIGHT, "The penalty of alpha=0.0001 outweighs the data"),
    ({}, X, Y, np.full(len(Y), 1e308), "sample_weight (times class_weight) adds up to more"),
    ({"batch_size": 20, "shuffle": False}, X, Y, np.arange(len(Y)) >= 20, None),
    ({}, X, Y, np.zeros(len(Y)), "Sample weights must contain"),
    ({}, X, Y, -WEIGHT, "Negative values"),
    ({}, X, Y, WEIGHT[1:], "sample_weight.shape"),
    ({}, X, Y, np.full(len(Y), np.nan), "Input sample_weight contains NaN"),
    ({}, X, Y, np.ma.masked_less(WEIGHT, 0.1), "sample_weight"),
    ({"alpha": 0.1, "batch_size": 7}, sparse.csr_matrix(X), Y, None, None),
    ({}, sparse.csc_matrix(X), Y, WEIGHT, None),
    ({}, sparse.coo_matrix(X), Y, None, None),
    ({}, X.astype(np.float32), Y, WEIGHT, None),
    ({"dtype": "float32"}, X, Y, None, None),
    ({"dtype": "float32"}, X * 1e60, Y, None, ""),
    ({}, X.tolist(), Y.tolist(), None, None),
    ({}, X.astype(object), Y, None, None),
    ({}, X, Y[:, np.newaxis], None, None),
    ({}, NAN, Y, None, "Input X contains NaN"),
    ({}, np.ma.masked_invalid(NAN), Y, None, "X"),
    ({}, X[:, 0], Y, None, "Expected 2D array"),
    ({}, X, Y[1:], None, "Found input variables"),
    ({}, X, X[:, 0], None, "Unknown label type"),
    ({}, X, None, None, ""),
    ({}, X[:0], Y[:0], None, "Found array with 0 sample"),
    ({}, X[:1], Y[:1], None, None),
    ({"batch_size": 1000}, X, Y, None, None),
    ({"batch_size": 0}, X, Y, None, "The 'batch_size' parameter"),
    ({"batch_size": 2.5}, X, Y, None, "The 'batch_size' parameter"),
    ({"batch_size": "all"}, X, Y, None, "The 'batch_size' parameter"),
    ({"batch_size": np.inf}, X, Y, None, "The 'batch_size' parameter"),
    ({"batch_size": 10**400}, X, Y, None, None),
    ({"learning_rate_init": -1.0}, X, Y, None, "The 'learning_rate_init' parameter"),
    ({"learning_rate": "cosine"}, X, Y, None, None),
    ({"learning_rate": GeometricRise(-1.0)}, X, Y, None, "The 'learning_rate' parameter"),
    ({"solver": SGD(momentum=2.0)}, X, Y, None, "The 'solver' parameter"),
    ({"solver": "newton"}, X, Y, None, "The 'solver' parameter"),
    ({"max_iter": 0}, X, Y, None, "The 'max_iter' parameter"),
    ({"max_time": 1e-9, "warm_start": True}, X, Y, None, None),
    ({"loss": "focal"}, X, Y, None, None),
    ({"loss": "poisson"}, X, Y, None, "The 'loss' parameter"),
    ({"dropout": [0.1, 0.2]}, X, Y, None, "The 'dropout' parameter"),
    ({"dropout": 0.1, "activation": "gelu"}, X, Y, None, None),
    ({"hidden_layer_sizes": (5, 0)}, X, Y, None, ""),
    ({"hidden_layer_sizes": ()}, X, Y, None, None),
    ({"random_state": -1}, X, Y, None, "The 'random_state' parameter"),
]
NUMBERS_AS_IN_FIT = [
    *(({"loss": loss}, X, 1.0 + Y, None, None) for loss in REGRESSION_LOSSES),
    ({}, X, X[:, :2], WEIGHT, None),
    ({"loss": "poisson"}, X, -1.0 - Y, None, ""),
    ({"loss": "log_loss"}, X, Y, None, "The 'loss' parameter"),
    ({"early_stopping": True, "dtype": "float32"}, X, X[:, 0], None, None),
    ({"early_stopping": True, "early_stopping_metric": "accuracy"}, X, X[:, 0], None, ""),
    ({"loss": Quantile([0.1, 0.9]), "dropout": 0.1}, X, X[:, 0], WEIGHT, None),
    (
        {"loss": Quantile([0.1, 0.9])},
        X,
        X[:, :2],
        None,
        "loss=Quantile(quantile=[0.1, 0.9]) is for",
    ),
    ({}, X, np.where(Y == 0, np.inf, Y), None, ""),
    ({}, X, np.array(["a", "b", "c"])[Y], None, ""),
]
CASES = [
    *((ScratchMLPClassifier, *case) for case in AS_IN_FIT),
    *((ScratchMLPRegressor, *case) for case in NUMBERS_AS_IN_FIT),
]


def outcome(train, *args, **kwargs):
    """The error that a training raises, and its warnings (but those of how it ended)."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        error = None
        try:
            train(*args, **kwargs)
        except Exception as raised:
            error = type(raised), str(raised)
    but = "Stochastic Optimizer", "The loss has not fallen", "No epoch had a validation score"
    messages = [str(each.message) for each in caught]
    return error, [message for message in messages if not message.startswith(but)]


@pytest.mark.parametrize(
    ("kind", "settings", "rows", "targets", "weight", "message"),
    CASES,
    ids=[f"{i} {case[0].__name__} {case[1]!r:.50}" for i, case in enumerate(CASES)],
)
def test_what_fit_accepts_is_accepted_and_nothing_else(
    kind, settings, rows, targets, weight, message
):
    estimator = kind(**{"hidden_layer_sizes": 5, "max_iter": 1, "random_state": 0, **settings})
    by_fit = outcome(clone(estimator).fit, rows, targets, weight)
    curves = []
    by_finder = outcome(
        lambda: curves.append(find_learning_rate(estimator, rows, targets, sample_weight=weight))
    )
    assert by_finder == by_fit
    error, _ = by_fit
    assert (error is None) == (message is None)
    if message is not None:
        assert issubclass(error[0], ValueError)
        assert error[1].startswith(message)
    else:
        assert len(curves[0].losses) >= 10


@pytest.mark.parametrize("name", ["pandas", "polars"])
def test_data_frames(name):
    library = pytest.importorskip(name)
    labels = NUMERAL_STRINGS.tolist()
    frame = library.DataFrame({f"x{j}": column for j, column in enumerate(X.T)})
    network = clone(NETWORK).set_params(class_weight="balanced")
    curve = find_learning_rate(network, frame, library.Series(labels))
    expected = find_learning_rate(network, X, NUMERAL_STRINGS)
    np.testing.assert_array_equal(curve.losses, expected.losses)
    assert not hasattr(network, "feature_names_in_")


def test_balanced_weights_are_those_of_all_rows():
    """The same numbers, spelled out row by row: no batch has the shares of the whole."""
    n_rows = np.bincount(Y)
    balanced = clone(NETWORK).set_params(class_weight="balanced")
    curve = find_learning_rate(balanced, X, NUMERAL_STRINGS)
    spelled_out = find_learning_rate(NETWORK, X, Y, sample_weight=(len(Y) / (3 * n_rows))[Y])
    np.testing.assert_allclose(curve.losses, spelled_out.losses, rtol=1e-9)
    assert not np.allclose(curve.losses, find_learning_rate(NETWORK, X, Y).losses, rtol=1e-3)


def test_class_weight_of_digit_strings_means_what_it_means_in_fit():
    """scikit-learn looks them up as numbers or as strings, depending on its version."""
    outcomes = []
    for key in (7, "7"):
        network = clone(NETWORK).set_params(class_weight={key: 5.0}, max_iter=1)
        by_finder = outcome(find_learning_rate, network, X, NUMERAL_STRINGS)
        assert by_finder == outcome(clone(network).fit, X, NUMERAL_STRINGS)
        outcomes.append(by_finder)
    assert (None, []) in outcomes


def test_rows_are_always_shuffled():
    in_order, shuffled = (
        find_learning_rate(clone(NETWORK).set_params(batch_size=20, shuffle=shuffle), X, Y)
        for shuffle in (False, True)
    )
    np.testing.assert_array_equal(in_order.losses, shuffled.losses)


def test_skipped_validation_of_parameters_is_skipped():
    wrong = clone(NETWORK).set_params(max_iter=0)
    with config_context(skip_parameter_validation=True):
        assert len(find_learning_rate(wrong, X, Y).losses) > 10


def test_the_users_generator_stays_where_it_is():
    generator = np.random.RandomState(3)
    network = clone(NETWORK).set_params(dropout=0.1, early_stopping=True)
    network.random_state = generator
    before = frozen(generator)
    first = find_learning_rate(network, X, Y)
    assert network.random_state is generator
    assert frozen(generator) == before
    second = find_learning_rate(network, X, Y)
    np.testing.assert_array_equal(first.losses, second.losses)


def test_a_fitted_network_is_trained_from_the_beginning():
    fitted = clone(NETWORK).set_params(warm_start=True).fit(X, Y)
    before = fitted.predict_proba(X)
    curve = find_learning_rate(fitted, X, Y)
    np.testing.assert_array_equal(curve.losses, find_learning_rate(NETWORK, X, Y).losses)
    np.testing.assert_array_equal(fitted.predict_proba(X), before)


@pytest.mark.filterwarnings("ignore:The loss has not fallen")
def test_infinite_parameters_end_the_curve():
    """A step that leaves no numbers is none of the curve, even if its loss was one."""
    network = clone(NETWORK).set_params(solver="sgd", alpha=0.0, batch_size=20)
    with pytest.raises(ValueError, match=r"^Solver produced non-finite.* loss of step \d+ was"):
        find_learning_rate(network, X, Y, lowest=1e305, highest=1e308)
    curve = find_learning_rate(network, X, Y, lowest=1e-150, highest=1e308, n_epochs=3)
    assert 10 <= len(curve.losses) < 27
    assert np.all(np.isfinite(curve.losses))
    assert np.all(np.isfinite(curve.smoothed))
    assert np.all(np.isfinite(curve.rates))


@pytest.mark.filterwarnings("ignore:The loss has not fallen")
def test_the_longest_range_of_rates():
    curve = find_learning_rate(NETWORK, X, Y, lowest=5e-324, highest=sys.float_info.max)
    assert curve.rates[0] == 5e-324
    assert np.all(np.diff(curve.rates) > 0)


def test_no_rate_at_which_the_loss_falls():
    with pytest.warns(UserWarning, match="not fallen at any learning rate"):
        curve = find_learning_rate(clone(NETWORK).set_params(alpha=0), 0 * X, np.zeros(len(Y)))
    assert np.isnan(curve.suggestion)


def test_repr_is_short():
    curve = find_learning_rate(NETWORK, X, Y)
    assert repr(curve) == f"LearningRateCurve(suggestion={curve.suggestion!r})"


def test_a_constant_changes_no_suggestion():
    """Where losses are negative, noise is no fall from which to rise."""
    y = (X[:, 0] - X[:, 1]) / 2
    curves = [
        find_learning_rate(ScratchMLPRegressor(loss, random_state=0, batch_size=16), X, y)
        for loss in (Huber(), Lowered(), Lowered(by=100.0))
    ]
    for curve in curves:
        assert len(curve.rates) > 50
        assert 1e-5 < curve.suggestion < 1


@pytest.mark.parametrize("n_epochs", [12, 15, 20, 30])
def test_few_steps_of_all_rows(n_epochs):
    """The last losses explode, and are not to hide that those before have fallen."""
    network = ScratchMLPClassifier((20,), random_state=0, batch_size=len(DIGITS))
    curve = find_learning_rate(network, DIGITS, NUMERALS, n_epochs=n_epochs)
    assert curve.losses.min() < 0.95 * curve.losses[0]
    assert 1e-6 < curve.suggestion < 1
