"""A fit that is no better than a constant: one warning that names columns on extreme scales."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.stats import entropy
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler, scale

from skneural import (
    HiddenLayerTransformer,
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
)
from skneural.estimators.data import LabelledRows
from skneural.estimators.scales import loss_of_best_constant
from skneural.losses import (
    LOSSES,
    BinaryLogLoss,
    Loss,
    MultinomialLogLoss,
    Quantile,
)

X, Y = load_iris(return_X_y=True)
X = scale(X)
NUMBERS = X @ [1.0, -1.0, 0.5, 2.0]
CLASSIFIER = ScratchMLPClassifier(hidden_layer_sizes=10, random_state=0)
REGRESSOR = ScratchMLPRegressor(hidden_layer_sizes=10, random_state=0)
INDICATOR = np.column_stack([Y == 0, Y > 0]).astype(int)


COIN_OF_IRIS = np.random.RandomState(0).randint(2, size=len(Y))
LABELS = np.column_stack([COIN_OF_IRIS, Y == 0]).astype(int)


def complaints(fit, *args, **kwargs):
    """The warnings of a fit about scales."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(*args, **kwargs)
    assert all(issubclass(each.category, ConvergenceWarning) for each in caught)
    return [str(each.message) for each in caught if "no better than" in str(each.message)]


def scaled(factors):
    return X * np.broadcast_to(factors, 4)


ONE = [1.0, 1e5, 1.0, 1.0]
SETTINGS = {
    "adam": {},
    "sgd": {"solver": "sgd"},
    "early stopping": {"early_stopping": True},
    "early stopping by the loss": {"early_stopping": True, "early_stopping_metric": "loss"},
    "lbfgs": {"solver": "lbfgs"},
    "float32": {"dtype": "float32", "early_stopping": True},
    "dropout": {"dropout": 0.2, "early_stopping": True},
    "averaged": {"learning_rate": "cosine", "early_stopping": True},
    "two layers": {"hidden_layer_sizes": (10, 5), "early_stopping": True},
}


@pytest.mark.parametrize("params", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("y", [Y, Y == 1, INDICATOR], ids=["three", "two", "labels"])
@pytest.mark.parametrize("factors", [ONE, 1e8, 1e30], ids=["one column", "1e8", "1e30"])
def test_one_warning_where_a_classifier_is_no_better_than_a_constant(params, y, factors):
    model = clone(CLASSIFIER).set_params(max_iter=30, **params)
    try:
        found = complaints(model.fit, scaled(factors), y)
    except ValueError as error:  # too far for 'sgd'
        assert "non-finite" in str(error)  # noqa: PT017
        return
    probability = model.predict_proba(scaled(factors))
    targets = y if y.ndim == 2 else (np.unique(y) == y[:, np.newaxis])
    assert probability.shape == targets.shape
    log_p = model.predict_log_proba(scaled(factors)).astype(float)
    if y.ndim == 2:
        wrong = np.log1p(-np.minimum(probability.astype(float), 1 - 1e-16))
        reached = -np.where(targets, log_p, wrong).sum(axis=1).mean()
        constant = entropy([targets.mean(axis=0), 1 - targets.mean(axis=0)]).sum()
    else:
        reached, constant = -log_p[targets].mean(), entropy(targets.mean(axis=0))
    # The rows held out are no training rows: what they change is small.
    if reached > 1.1 * constant:
        [message] = found
        assert ("column 1 of X is" in message) == (factors is ONE)
        assert ("columns 0, 1, 2 and 1 more of X are" in message) == (factors is not ONE)
        assert "make_pipeline(StandardScaler(), estimator)" in message
    elif reached < 0.9 * constant:
        assert not found


@pytest.mark.parametrize(
    "settings",
    [
        {"early_stopping": True},
        {"solver": "lbfgs", "max_iter": 3},
        {"loss": "absolute_error"},
        {"loss": "huber"},
        {"loss": Quantile([0.1, 0.9])},
    ],
    ids=repr,
)
@pytest.mark.parametrize("layout", [np.asarray, sparse.csr_matrix, sparse.csc_matrix])
def test_one_warning_where_a_regressor_is_no_better_than_a_constant(settings, layout):
    model = clone(REGRESSOR).set_params(max_iter=20).set_params(**settings)
    found = complaints(model.fit, layout(scaled(1e7)), NUMBERS)
    assert len(found) == 1
    # Scaled as the warning says, it learns.
    pipeline = make_pipeline(StandardScaler(with_mean=layout is np.asarray), model)
    assert not complaints(pipeline.fit, layout(scaled(1e7)), NUMBERS)


def test_names_of_columns_and_what_to_do():
    frame = pd.DataFrame(scaled([1e5, 1, 1e200, 1]), columns=["income", "age", "atoms", "size"])
    [message] = complaints(clone(CLASSIFIER).set_params(early_stopping=True).fit, frame, Y)
    assert "columns 'income', 'atoms' of X are on a scale" in message
    assert "largest absolute value: 2.5e+05 to 1.8e+200)" in message
    assert "make_pipeline(MaxAbsScaler(), StandardScaler(), estimator)" in message
    pipeline = make_pipeline(MaxAbsScaler(), StandardScaler(), CLASSIFIER)
    assert not complaints(pipeline.fit, frame, Y)


def test_columns_too_small_to_learn_from():
    [message] = complaints(CLASSIFIER.fit, scaled(1e-9), Y)
    assert "columns 0, 1, 2 and 1 more of X are" in message


def test_it_is_said_with_what_else_is_wrong():
    """Not in a second warning: more iterations would not help."""
    with pytest.warns(ConvergenceWarning) as caught:
        clone(CLASSIFIER).set_params(max_iter=2).fit(scaled(1e6), Y)
    [message] = [str(each.message) for each in caught]
    assert message.startswith("Stochastic Optimizer: Maximum iterations (2) reached")
    assert "no better than a constant" in message


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_logistic_regression_by_mini_batches(solver):
    model = ScratchLogisticRegression(solver=solver, random_state=0, max_iter=20)
    assert len(complaints(model.fit, scaled(1e6), Y)) == 1
    assert not complaints(model.fit, X, Y)
    assert not complaints(ScratchLogisticRegression().fit, scaled(1e6), Y)


def test_hidden_layer_transformer():
    network = clone(CLASSIFIER).set_params(early_stopping=True)
    assert len(complaints(HiddenLayerTransformer(network).fit, scaled(ONE), Y)) == 1


RANDOM = np.random.RandomState(0)
NOISE = RANDOM.standard_normal((200, 5))
COIN = RANDOM.randint(2, size=200)


@pytest.mark.parametrize(
    ("estimator", "rows", "y"),
    [
        # Nothing to learn, on ordinary scales: that of the features of most data sets.
        *((CLASSIFIER, factor * NOISE, COIN) for factor in (1e-3, 1.0, 100.0, 2000.0)),
        (clone(CLASSIFIER).set_params(solver="lbfgs"), NOISE, COIN),
        (REGRESSOR, NOISE, RANDOM.randn(200)),
        (CLASSIFIER, np.zeros((200, 5)), COIN),
        (CLASSIFIER, *load_breast_cancer(return_X_y=True)),
        (REGRESSOR, *load_diabetes(return_X_y=True)),
        # A constant is all there is.
        (CLASSIFIER, scaled(1e6), np.ones(150)),
        (clone(REGRESSOR).set_params(solver="lbfgs"), scaled(1.0), np.ones(150)),
        # Learnt, on an extreme scale.
        (
            clone(REGRESSOR).set_params(solver="lbfgs", hidden_layer_sizes=()),
            scaled([1e5, 1, 1, 1]),
            NUMBERS,
        ),
        (
            clone(CLASSIFIER).set_params(solver="lbfgs", activation="tanh"),
            scaled([1, 1, 1, 1e5]),
            Y,
        ),
    ],
)
def test_no_warning(estimator, rows, y):
    model = clone(estimator).set_params(max_iter=30 if estimator.solver == "adam" else 400)
    assert not complaints(model.fit, rows, y)


HIGH_RATES = [
    (clone(CLASSIFIER).set_params(learning_rate_init=1e3), Y, "1000"),
    (clone(CLASSIFIER).set_params(learning_rate_init=1e3), Y == 1, "1000"),
    (clone(CLASSIFIER).set_params(learning_rate_init=1e3), LABELS, "1000"),
    (clone(CLASSIFIER).set_params(solver="sgd", learning_rate_init=50.0), Y, "50"),
    (clone(CLASSIFIER).set_params(solver="rmsprop", learning_rate_init=300.0), Y, "300"),
    (clone(REGRESSOR).set_params(learning_rate_init=1e3), NUMBERS, "1000"),
    (clone(REGRESSOR).set_params(loss="huber", learning_rate_init=1e3), NUMBERS, "1000"),
    (
        ScratchLogisticRegression(solver="sgd", learning_rate_init=1e4, random_state=0, tol=1.0),
        COIN_OF_IRIS,
        "10000",
    ),
]


@pytest.mark.parametrize(("estimator", "y", "rate"), HIGH_RATES)
@pytest.mark.parametrize("layout", [np.asarray, sparse.csr_matrix])
def test_one_warning_where_the_learning_rate_is_too_high(estimator, y, rate, layout):
    with pytest.warns(ConvergenceWarning, match="worse than a constant") as caught:
        clone(estimator).fit(layout(X), y)
    [message] = [str(each.message) for each in caught]
    assert message.endswith(f"The learning rate may be too high: learning_rate_init={rate}.")


def test_large_weights_alone_are_no_fault():
    """Of rows that can be separated, or by a high rate that leads somewhere all the same."""
    for estimator in (
        ScratchLogisticRegression(C=np.inf, solver="sgd", learning_rate_init=100.0, random_state=0),
        clone(CLASSIFIER).set_params(alpha=0, learning_rate_init=10.0, activation="tanh"),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = clone(estimator).fit(X, Y == 0)
        assert max(np.abs(each).max() for each in coefs_of(model)) > 30
        assert model.score(X, Y == 0) > 0.9
        assert not any("worse" in each for each in every_warning(estimator.fit, X, Y == 0))


def coefs_of(model):
    return [model.coef_] if hasattr(model, "coef_") else model.coefs_


def every_warning(fit, *args):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(*args)
    return [str(each.message) for each in caught]


def test_partial_fit_and_fits_cut_short_are_not_judged():
    model = clone(CLASSIFIER)
    assert not complaints(model.partial_fit, scaled(1e6), Y, classes=[0, 1, 2])
    assert not complaints(model.set_params(max_time=1e-9).fit, scaled(1e6), Y)


# ------------------------------------------------------------------------ the best constant


def rows_of(y, weight=None):
    target = y.reshape(len(y), -1)
    return LabelledRows(np.empty((len(y), 0)), y, target, weight)


def best_constant(loss, n_outputs, rows):
    return loss_of_best_constant(loss, n_outputs, rows.target, rows.weight)


POSITIVE = RANDOM.exponential(size=(200, 2)) + 0.01
WEIGHTS = RANDOM.rand(200)


def lowest(values, y, weight, loss):
    """By trying: the lowest weighted mean of ``loss(prediction, y)``."""
    return sum(
        min(np.average(loss(value, column), weights=weight) for value in values) for column in y.T
    )


@pytest.mark.parametrize("weight", [None, WEIGHTS], ids=["", "weights"])
@pytest.mark.parametrize("factor", [1e-8, 1.0, 1e12])
def test_best_constant_of_numbers(weight, factor):
    y = factor * POSITIVE
    grid = factor * np.linspace(0.01, 4, 400)
    rows = rows_of(y, weight)
    expected = {
        "squared_error": lowest(grid, y, weight, lambda p, y: (p - y) ** 2 / 4),
        "absolute_error": lowest(grid, y, weight, lambda p, y: np.abs(p - y)),
        "quantile": lowest(grid, y, weight, lambda p, y: np.abs(p - y) / 2),
        "gamma": lowest(grid, y, weight, lambda p, y: np.log(p / y) + y / p - 1),
        "poisson": lowest(grid, y, weight, lambda p, y: y * np.log(y / p) - y + p),
    }
    for (name, link), loss in LOSSES.items():
        if name in expected and link in ("identity", "exp"):
            found = best_constant(loss, 2, rows)
            assert found == pytest.approx(expected[name], rel=5e-3), name


@pytest.mark.parametrize("weight", [None, WEIGHTS], ids=["", "weights"])
def test_best_constant_of_labels(weight):
    three = np.eye(3)[RANDOM.choice(3, p=[0.7, 0.25, 0.05], size=200)]
    frequency = np.average(three, axis=0, weights=weight)
    found = best_constant(MultinomialLogLoss(), 3, rows_of(three, weight))
    assert found == pytest.approx(entropy(frequency))
    smoothed = 0.8 * frequency + 0.2 / 3
    found = best_constant(MultinomialLogLoss(0.2), 3, rows_of(three, weight))
    assert found == pytest.approx(entropy(smoothed))
    found = best_constant(BinaryLogLoss(), 3, rows_of(three, weight))
    assert found == pytest.approx(entropy([frequency, 1 - frequency]).sum())
    for link in ("logistic", "softmax"):
        found = best_constant(LOSSES["squared_error", link], 3, rows_of(three, weight))
        assert found == pytest.approx((frequency * (1 - frequency)).sum() / 2, rel=1e-6)


class LogLikelihood(Loss):
    """Somebody's own, of two outputs for each target: a mean, and the logarithm of a variance."""

    def n_outputs(self, n_targets):
        return 2 * n_targets

    def value_and_gradient(self, raw, y, buffers):
        mean, log_variance = np.hsplit(raw, 2)
        residual, precision = mean - y, np.exp(-log_variance)
        by_mean, by_log_variance = np.hsplit(buffers.gradient, 2)
        by_mean[...] = precision * residual
        by_log_variance[...] = (1 - precision * residual**2) / 2
        return (log_variance + precision * residual**2).sum(axis=1) / 2


def test_best_constant_of_other_losses():
    y = POSITIVE[:, :1]
    found = best_constant(LogLikelihood(), 2, rows_of(y))
    assert found == pytest.approx((np.log(y.var()) + 1) / 2, rel=1e-4)
    levels = np.array([0.1, 0.5, 0.9])
    quantiles = np.quantile(y, levels)
    expected = sum(
        np.mean(np.maximum(level * (y - q), (level - 1) * (y - q)))
        for level, q in zip(levels, quantiles, strict=True)
    )
    found = best_constant(Quantile(levels.tolist()), 3, rows_of(y))
    assert expected * (1 - 1e-9) <= found <= 1.05 * expected
