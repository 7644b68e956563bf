"""Every feature that is off by default, by its effect: a line in the table each."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.base import clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_breast_cancer, load_digits, load_wine, make_classification
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, recall_score, roc_auc_score
from sklearn.model_selection import KFold, cross_val_predict, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skneural import ScratchMLPClassifier, ScratchMLPRegressor
from skneural.estimators import network
from skneural.layers import Dropout, PassMemory
from skneural.losses import Focal, Huber, LogLoss, Quantile
from skneural.minimizers import run
from skneural.minimizers.run import Run
from skneural.optimizers import OPTIMIZERS, SGD, Adam, AdamW
from skneural.schedules import (
    Cosine,
    CosineWarmRestarts,
    CosLog,
    Exponential,
    FlatCos,
    LinearWarmUp,
    OneCycle,
    ReduceOnPlateau,
    StepDecay,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.RandomState(0)
SCALED = StandardScaler()
IMBALANCED = make_classification(
    n_samples=2000, n_features=6, weights=[0.97], flip_y=0.02, class_sep=0.7, random_state=0
)
CANCER = (SCALED.fit_transform(load_breast_cancer().data), load_breast_cancer().target)
DIGITS = (load_digits().data / 16, load_digits().target)
WINE = (SCALED.fit_transform(load_wine().data), load_wine().target)
X_1D = np.linspace(-1, 1, 400)[:, np.newaxis]


def classifier(**params):
    return ScratchMLPClassifier(
        **{"hidden_layer_sizes": 16, "random_state": 0, "max_iter": 60, **params}
    )


def regressor(**params):
    return ScratchMLPRegressor(
        **{"hidden_layer_sizes": 16, "random_state": 0, "max_iter": 60, **params}
    )


FOLDER = os.environ.get("SKNEURAL_DATA")
NEEDS_DATA = pytest.mark.skipif(FOLDER is None, reason="data: SKNEURAL_DATA is not set")


def data(name):
    """Numbers scaled, categories one-hot."""
    frame = pd.read_csv(f"{FOLDER}/{name}.csv.gz")
    y = frame.pop("target").to_numpy()
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    columns = make_column_transformer(
        (numbers, make_column_selector(dtype_include=np.number)),
        (OneHotEncoder(min_frequency=5), make_column_selector(dtype_exclude=np.number)),
        sparse_threshold=0,
    )
    return columns.fit_transform(frame), y


# ------------------------------------------------------------------- unequal classes


def balanced_class_weight_raises_the_recall_of_the_rare_class():
    X, X_test, y, y_test = train_test_split(*IMBALANCED, random_state=0, stratify=IMBALANCED[1])
    recalls = [
        recall_score(y_test, classifier(class_weight=weight).fit(X, y).predict(X_test))
        for weight in (None, {1: 5.0}, "balanced")
    ]
    assert recalls[0] < recalls[1] <= recalls[2]
    assert recalls[2] > recalls[0] + 0.2


def balanced_class_weight_raises_recall_on_mammography():
    X, y = data("mammography")
    y = (y == 1).astype(int)
    X, X_test, y, y_test = train_test_split(X, y, random_state=0, stratify=y)
    X, X_test = SCALED.fit_transform(X), SCALED.transform(X_test)
    recalls = [
        recall_score(y_test, classifier(class_weight=weight).fit(X, y).predict(X_test))
        for weight in (None, "balanced")
    ]
    assert recalls[1] > recalls[0] + 0.2


def class_weight_is_a_sample_weight():
    X, y = WINE
    weight = RNG.exponential(size=len(y))
    by_class = {0: 2.0, 1: 0.5, 2: 3.0}
    folded = weight * np.vectorize(by_class.get)(y)
    one = classifier(class_weight=by_class).fit(X, y, weight)
    two = classifier().fit(X, y, folded)
    np.testing.assert_allclose(one.predict_proba(X), two.predict_proba(X), rtol=1e-10)


# ------------------------------------------------------- stopping and validation rows


def own_validation_rows_decide():
    X, X_val, y, y_val = train_test_split(*CANCER, test_size=0.3, random_state=1)
    model = classifier(
        early_stopping=True, early_stopping_metric="loss", max_iter=500, learning_rate_init=0.01
    ).fit(X, y, X_val=X_val, y_val=y_val)
    assert model.stop_reason_ == "early_stopping"
    assert model.best_iteration_ == 1 + np.argmin(model.validation_loss_curve_)
    assert model.best_iteration_ < model.n_iter_ <= model.best_iteration_ + 11
    np.testing.assert_allclose(model.validation_scores_, -np.array(model.validation_loss_curve_))
    of_the_best = log_loss(y_val, model.predict_proba(X_val))
    assert of_the_best == pytest.approx(min(model.validation_loss_curve_), rel=1e-12)
    # All rows of X have been trained on, as without validation rows.
    until_best = classifier(max_iter=model.best_iteration_, learning_rate_init=0.01).fit(X, y)
    np.testing.assert_array_equal(model.coefs_[0], until_best.coefs_[0])


def own_validation_rows_without_early_stopping_only_watch():
    X, X_val, y, y_val = train_test_split(*CANCER, test_size=0.3, random_state=1)
    for solver in ("adam", "sgd", "lbfgs"):
        watched = classifier(solver=solver, alpha=1.0).fit(X, y, X_val=X_val, y_val=y_val)
        plain = classifier(solver=solver, alpha=1.0).fit(X, y)
        np.testing.assert_array_equal(watched.coefs_[0], plain.coefs_[0])
        assert watched.loss_curve_ == plain.loss_curve_
        assert len(watched.validation_scores_) == len(watched.loss_curve_)
        assert watched.validation_scores_[-1] == watched.score(X_val, y_val)
        last = log_loss(y_val, watched.predict_proba(X_val))
        assert watched.validation_loss_curve_[-1] == pytest.approx(last, rel=1e-9)


def lbfgs_stops_early_on_own_validation_rows():
    X, X_val, y, y_val = train_test_split(*IMBALANCED, test_size=0.5, random_state=1)
    params = {"solver": "lbfgs", "alpha": 0.0, "max_iter": 500, "hidden_layer_sizes": 50}
    stopped = classifier(early_stopping=True, early_stopping_metric="loss", **params)
    stopped.fit(X, y, X_val=X_val, y_val=y_val)
    whole = classifier(**params).fit(X, y)
    assert stopped.stop_reason_ == "early_stopping"
    assert stopped.n_iter_ < whole.n_iter_
    losses = [log_loss(y_val, model.predict_proba(X_val)) for model in (stopped, whole)]
    assert losses[0] < losses[1]
    assert losses[0] == pytest.approx(min(stopped.validation_loss_curve_), rel=1e-9)


def any_scorer_tells_the_best_epoch():
    X, X_val, y, y_val = train_test_split(*IMBALANCED, test_size=0.3, random_state=1)
    for metric in ("roc_auc", lambda model, X, y: roc_auc_score(y, model.decision_function(X))):
        model = classifier(early_stopping=True, early_stopping_metric=metric, max_iter=200)
        model.fit(X, y, X_val=X_val, y_val=y_val)
        best = roc_auc_score(y_val, model.predict_proba(X_val)[:, 1])
        assert best == pytest.approx(model.best_validation_score_, rel=1e-12)
        assert best == max(model.validation_scores_)
    of_held_out_rows = classifier(early_stopping=True, early_stopping_metric="roc_auc").fit(X, y)
    assert 0.5 < of_held_out_rows.best_validation_score_ <= 1


def best_weights_are_restored_or_not():
    X, y = CANCER
    # So high a rate that the loss goes up and down.
    params = {"solver": "sgd", "learning_rate_init": 2.0, "max_iter": 30, "n_iter_no_change": 99}
    best, last = (classifier(restore_best_weights=b, **params).fit(X, y) for b in (True, False))
    assert best.loss_curve_ == last.loss_curve_
    assert best.best_iteration_ == 1 + np.argmin(best.loss_curve_) < 30
    until_best = classifier(**{**params, "max_iter": best.best_iteration_}).fit(X, y)
    np.testing.assert_array_equal(best.coefs_[0], until_best.coefs_[0])
    assert np.any(best.coefs_[0] != last.coefs_[0])
    # With validation rows, False keeps those of the last epoch.
    stopping = {"early_stopping": True, "learning_rate_init": 0.01, "max_iter": 300}
    kept = classifier(restore_best_weights=False, **stopping).fit(X, y)
    restored = classifier(**stopping).fit(X, y)
    assert kept.validation_scores_ == restored.validation_scores_
    assert np.any(kept.coefs_[0] != restored.coefs_[0])


def max_time_holds_within_an_epoch():
    """By a clock on which every epoch takes a second."""
    X, y = WINE
    for solver in ("adam", "sgd", "lbfgs"):
        model = classifier(solver=solver, max_time=3.5, max_iter=1000, tol=0.0, alpha=0.0)
        with pytest.MonkeyPatch.context() as patch:
            seconds = by_the_epoch(patch)
            model.fit(X, y)
        assert model.stop_reason_ == "max_time"
        # After three epochs there was time left, after four there is none.
        assert model.n_iter_ == len(model.loss_curve_) == seconds[0] == 4
        four = classifier(solver=solver, max_iter=4, tol=0.0, alpha=0.0).fit(X, y)
        np.testing.assert_allclose(model.coefs_[0], four.coefs_[0], rtol=1e-12)


def by_the_epoch(patch):
    """Let `time.perf_counter` count epochs."""
    seconds = [0]
    end_epoch = Run.end_epoch

    def a_second_later(*args, **numbers):
        end_epoch(*args, **numbers)
        seconds[0] += 1

    patch.setattr(Run, "end_epoch", a_second_later)
    for module in (network, run):
        patch.setattr(module, "perf_counter", lambda: seconds[0])
    return seconds


# ------------------------------------------------------------------- regularisation


def dropout_changes_training_and_not_prediction():
    X, y = DIGITS
    plain, dropped = (classifier(dropout=rate, max_iter=5).fit(X, y) for rate in (0.0, 0.5))
    assert np.any(plain.coefs_[0] != dropped.coefs_[0])
    np.testing.assert_array_equal(dropped.predict_proba(X), dropped.predict_proba(X))
    hidden = np.maximum(X @ dropped.coefs_[0] + dropped.intercepts_[0], 0)
    raw = hidden @ dropped.coefs_[1] + dropped.intercepts_[1]
    np.testing.assert_allclose(dropped.decision_function(X), raw, rtol=1e-9, atol=1e-12)


def dropout_keeps_more_for_rows_not_seen():
    X, X_test, y, y_test = train_test_split(*CANCER, train_size=100, random_state=0)
    params = {"hidden_layer_sizes": 200, "max_iter": 400, "n_iter_no_change": 400, "alpha": 0.0}
    losses = [
        log_loss(y_test, classifier(dropout=rate, **params).fit(X, y).predict_proba(X_test))
        for rate in (0.0, 0.5)
    ]
    assert losses[1] < 0.95 * losses[0]


def a_single_row_through_dropout_is_unbiased():
    """The mean over many draws of what the layer above reads is what it reads in prediction."""
    dropout = Dropout(0.3, 5)
    buffers = dropout.buffers(PassMemory(100_000, np.float64, 5))
    a = np.tile([[1.0, -2.0, 0.0, 0.5, 3.0]], (100_000, 1))
    read = dropout.forward((), a, buffers, [np.random.Generator(np.random.PCG64(0))])
    np.testing.assert_allclose(read.mean(axis=0), a[0], atol=0.02)
    np.testing.assert_allclose((read == 0).mean(axis=0)[[0, 1, 3, 4]], 0.3, atol=0.01)


def l1_makes_exact_zeros():
    X, y = CANCER
    for solver in ("adam", "sgd", "lbfgs", "rmsprop", AdamW(averaging=None)):
        params = {"solver": solver, "alpha": 5.0, "batch_size": 100, "max_iter": 100}
        ridge, lasso = (classifier(l1_ratio=r, **params).fit(X, y) for r in (0.0, 1.0))
        assert not np.any(ridge.coefs_[0] == 0)
        assert np.mean(lasso.coefs_[0] == 0) > 0.5
        assert lasso.score(X, y) > 0.9


def l1_without_hidden_layer_is_saga():
    """scikit-learn's C is 1 / alpha; the batch is all rows, so that both penalties are the same."""
    few, wine = (CANCER[0][:100], CANCER[1][:100]), (WINE[0][::2], WINE[1][::2])
    for (X, y), l1_ratio, n_epochs in ((few, 1.0, 1500), (few, 0.5, 400), (wine, 1.0, 1000)):
        theirs = LogisticRegression(
            l1_ratio=l1_ratio, C=0.1, solver="saga", tol=1e-10, max_iter=100_000
        )
        if "penalty" in theirs.get_params() and theirs.penalty == "l2":  # before 1.8
            theirs.set_params(penalty="elasticnet")
        theirs.fit(X, y)
        whole = {"batch_size": len(y), "n_iter_no_change": np.inf, "tol": 0.0}
        fast = {"learning_rate_init": 0.5, "max_iter": 300, **whole}
        slow = {"max_iter": n_epochs, **whole}
        for params, tolerance in (
            ({"solver": SGD(), **fast}, 1e-6),
            ({"solver": SGD(nesterovs_momentum=False), **fast}, 1e-6),
            (
                {"solver": "adam", "learning_rate_init": 0.05, "learning_rate": "cosine", **slow},
                1e-2,
            ),
            (
                {**slow, "solver": "adagrad", "learning_rate_init": 1.0, "max_iter": 500},
                1e-2,
            ),
            ({"solver": "lbfgs", "tol": 1e-9, "max_iter": 5000}, 1e-3),
        ):
            ours = classifier(hidden_layer_sizes=(), alpha=10.0, l1_ratio=l1_ratio, **params)
            ours.fit(X, y)
            coef = ours.coefs_[0].T
            np.testing.assert_allclose(coef, theirs.coef_, atol=tolerance)
            np.testing.assert_array_equal(coef == 0, theirs.coef_ == 0)
            assert np.any(coef == 0)


def weight_decay_shrinks_weights_and_not_intercepts():
    X, y = DIGITS
    norms = [
        np.linalg.norm(classifier(solver=AdamW(weight_decay=decay), alpha=0.0).fit(X, y).coefs_[0])
        for decay in (0.0, 1.0, 10.0)
    ]
    assert norms[0] > norms[1] > norms[2]


def clipping_bounds_the_step():
    X, y = 1000 * RNG.randn(50, 3), 1000 * RNG.randn(50)
    params = {"learning_rate_init": 0.1, "max_iter": 1, "hidden_layer_sizes": (), "alpha": 0.0}
    start = regressor(**{**params, "learning_rate_init": 1e-300}).fit(X, y)
    model = regressor(solver=SGD(0.0, max_grad_norm=2.0), **params).fit(X, y)
    moved = [
        np.append((a - b).ravel(), c - d)
        for a, b, c, d in zip(
            model.coefs_, start.coefs_, model.intercepts_, start.intercepts_, strict=True
        )
    ]
    assert np.linalg.norm(moved) == pytest.approx(0.1 * 2.0, rel=1e-9)


def label_smoothing_keeps_probabilities_from_certainty():
    """Where the rows tell the classes apart, the optimum is the smoothed target itself."""
    for n_classes in (2, 3):
        y = np.arange(30) % n_classes
        X = np.eye(n_classes)[y]
        model = classifier(
            hidden_layer_sizes=(),
            solver="lbfgs",
            loss=LogLoss(label_smoothing=0.2),
            alpha=0.0,
            tol=1e-9,
            max_iter=1000,
        ).fit(X, y)
        expected = 0.8 * np.eye(n_classes)[y] + 0.2 / n_classes
        np.testing.assert_allclose(model.predict_proba(X), expected, atol=1e-5)


def averaging_lowers_the_variance_over_seeds():
    X, y = CANCER[0][:150], CANCER[1][:150]
    spread = []
    for averaging in (None, 0.99, 1.0):
        models = [
            classifier(
                hidden_layer_sizes=(),
                solver=SGD(0.0, averaging=averaging),
                learning_rate_init=0.5,
                batch_size=10,
                max_iter=20,
                n_iter_no_change=99,
                alpha=1.0,
                random_state=seed,
            ).fit(X, y)
            for seed in range(10)
        ]
        spread.append(np.var([model.decision_function(X) for model in models], axis=0).mean())
    assert spread[1] < 0.3 * spread[0]
    assert spread[2] < 0.3 * spread[0]


# ------------------------------------------- activations, initialization, given weights


def each_layer_has_its_own_activation():
    X, y = WINE
    model = classifier(hidden_layer_sizes=(5, 4), activation=["tanh", "silu"]).fit(X, y)
    a = np.tanh(X @ model.coefs_[0] + model.intercepts_[0])
    z = a @ model.coefs_[1] + model.intercepts_[1]
    raw = (z * expit(z)) @ model.coefs_[2] + model.intercepts_[2]
    np.testing.assert_allclose(model.decision_function(X), raw, rtol=1e-9, atol=1e-12)
    one = classifier(hidden_layer_sizes=(5, 4), activation="tanh").fit(X, y)
    both = classifier(hidden_layer_sizes=(5, 4), activation=["tanh", "tanh"]).fit(X, y)
    np.testing.assert_array_equal(one.coefs_[0], both.coefs_[0])


def weights_begin_as_initialization_says():
    X, y = DIGITS
    hardly_moved = {"learning_rate_init": 1e-12, "max_iter": 1, "hidden_layer_sizes": 300}
    for name, variance in {
        "he_normal": 2 / 64,
        "lecun_normal": 1 / 64,
        "standard_normal": 1,
    }.items():
        weights = classifier(initialization=name, **hardly_moved).fit(X, y).coefs_[0]
        assert weights.var() == pytest.approx(variance, rel=0.05)
    constant = classifier(initialization=lambda n, m, random_state: np.full((n, m), 0.25))
    model = constant.set_params(**hardly_moved).fit(X, y)
    np.testing.assert_allclose(model.coefs_[0], 0.25, rtol=1e-9)
    np.testing.assert_allclose(model.intercepts_[0], 0, atol=1e-9)


def a_network_of_given_weights_predicts():
    coefs, intercepts = [[[20.0, 20], [20, 20]], [[1.0], [-2.0]]], [[0.0, -20], [-10.0]]
    xor = ScratchMLPClassifier.from_weights(
        [np.array(coefs[0]), np.array(coefs[1])], intercepts, classes=["no", "yes"]
    )
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]])
    assert xor.predict(corners).tolist() == ["no", "yes", "yes", "no"]
    X, y = WINE
    fitted = classifier(activation="tanh").fit(X, y)
    given = ScratchMLPClassifier.from_weights(
        fitted.coefs_, fitted.intercepts_, classes=fitted.classes_, activation="tanh"
    )
    np.testing.assert_array_equal(given.predict_proba(X), fitted.predict_proba(X))


# --------------------------------------------------------- optimizers and schedules


def every_optimizer_learns():
    X, y = DIGITS
    for name in OPTIMIZERS:
        rate = 0.1 if name in ("sgd", "adagrad") else 0.01
        model = classifier(solver=name, learning_rate_init=rate, max_iter=30).fit(X, y)
        assert model.score(X, y) > 0.97, name


#: Schedules beside the factor of the learning rate after t of T epochs.
FACTORS = [
    (StepDecay(3, gamma=0.5), lambda t, T: 0.5 ** (t // 3)),
    (Exponential(0.9), lambda t, T: 0.9 ** (t // 1)),
    (Cosine(), lambda t, T: (1 + np.cos(np.pi * t / T)) / 2),
    (CosineWarmRestarts(2), lambda t, T: (1 + np.cos(np.pi * (t % 2) / 2)) / 2),
    (CosLog(), lambda t, T: (1 - np.cos(2 * np.pi * np.log2(1 + 15 * t / T))) / 2),
    (FlatCos(), lambda t, T: (1 + np.cos(np.pi * (max(1, 2 * t / T) - 1))) / 2),
    (
        OneCycle(warm_up=0.5, start=0.1, lowest=0.0),
        lambda t, T: (
            0.1 + 0.9 * (1 - np.cos(np.pi * t / (T / 2))) / 2
            if t < T / 2
            else (1 + np.cos(np.pi * (t - T / 2) / (T / 2))) / 2
        ),
    ),
    (LinearWarmUp(4, start=0.0), lambda t, T: min(t / 4, 1)),
    (
        LinearWarmUp(4, start=0.0, then=Exponential(0.5)),
        lambda t, T: t / 4 if t < 4 else 0.5 ** ((t - 4) // 1),
    ),
    ("cosine", lambda t, T: (1 + np.cos(np.pi * t / T)) / 2),
]


class Recorder(SGD):
    """Writes down the rate of every step."""

    rates: list[float]

    def update(self, params, gradient, learning_rate, state):
        self.rates.append(learning_rate)
        super().update(params, gradient, learning_rate, state)


def the_rate_of_every_step_is_its_formula():
    X, y = WINE  # 178 rows: four batches of 50
    for schedule, factor in FACTORS:
        optimizer = Recorder()
        Recorder.rates = []
        model = classifier(
            solver=optimizer,
            learning_rate=schedule,
            learning_rate_init=0.02,
            batch_size=50,
            max_iter=10,
            n_iter_no_change=np.inf,
        )
        model.fit(X, y)
        expected = [0.02 * factor(step / 4, 10) for step in range(40)]
        np.testing.assert_allclose(Recorder.rates, expected, rtol=1e-12, atol=1e-15)
        # The same, an epoch a call.
        Recorder.rates = []
        parts = clone(model)
        for _ in range(10):
            parts.partial_fit(X, y, classes=[0, 1, 2])
        np.testing.assert_allclose(Recorder.rates, expected, rtol=1e-12, atol=1e-15)


def the_rate_falls_at_plateaus():
    X, y = WINE
    Recorder.rates = []
    classifier(
        solver=Recorder(),
        learning_rate=ReduceOnPlateau(divisor=2.0, patience=3),
        learning_rate_init=0.1,
        batch_size=178,
        max_iter=9,
        tol=1e9,  # no epoch but the first is progress
        n_iter_no_change=np.inf,
    ).fit(X, y)
    assert Recorder.rates == [0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025, 0.025]


def names_of_scikit_learn_act_on_gradient_descent_only():
    X, y = WINE
    for solver, moves in {"sgd": True, SGD: True, "adam": False, "nadam": False}.items():
        solver = solver if isinstance(solver, str) else solver()
        one, two = (
            classifier(solver=solver, learning_rate=rate, max_iter=5).fit(X, y)
            for rate in ("constant", "invscaling")
        )
        assert np.any(one.coefs_[0] != two.coefs_[0]) == moves


def a_schedule_acts_on_every_optimizer():
    X, y = WINE
    for solver in OPTIMIZERS:
        one, two = (
            classifier(solver=solver, learning_rate=rate, max_iter=5).fit(X, y)
            for rate in ("constant", "cosine")
        )
        assert np.any(one.coefs_[0] != two.coefs_[0]), solver


# --------------------------------------------------------------------------- losses


def constant_of(loss, y):
    """What a network that sees nothing predicts."""
    X = np.zeros((len(y), 1))
    params = {"hidden_layer_sizes": (), "alpha": 0.0, "learning_rate_init": 0.05}
    model = regressor(loss=loss, learning_rate=Cosine(), n_iter_no_change=np.inf, **params)
    return model.fit(X, y).predict(X[:1])[0]


def losses_estimate_what_they_are_for():
    y = np.exp(np.random.RandomState(1).randn(4000))
    mean, median = y.mean(), np.median(y)
    assert constant_of("squared_error", y) == pytest.approx(mean, rel=0.02)
    assert constant_of("poisson", y) == pytest.approx(mean, rel=0.02)
    assert constant_of("gamma", y) == pytest.approx(mean, rel=0.02)
    assert constant_of("absolute_error", y) == pytest.approx(median, rel=0.02)
    assert constant_of("quantile", y) == pytest.approx(median, rel=0.02)
    assert median < constant_of("huber", y) < mean
    assert constant_of(Huber(delta=100.0), y) == pytest.approx(mean, rel=0.02)
    assert constant_of(Quantile(0.8), y) == pytest.approx(np.quantile(y, 0.8), rel=0.03)
    levels = [0.1, 0.5, 0.9]
    expected = np.quantile(y, levels)
    np.testing.assert_allclose(constant_of(Quantile(levels), y), expected, rtol=0.05)


def quantiles_do_not_cross_and_cover():
    rng = np.random.RandomState(0)
    X = rng.uniform(-1, 1, (3000, 1))
    y = np.sin(3 * X[:, 0]) + (0.1 + 0.4 * np.abs(X[:, 0])) * rng.randn(3000)
    levels = [0.1, 0.5, 0.9]
    model = regressor(
        loss=Quantile(levels), learning_rate="cosine", learning_rate_init=0.02, max_iter=100
    ).fit(X[:2000], y[:2000])
    predicted = model.predict(X[2000:])
    assert predicted.shape == (1000, 3)
    assert np.all(np.diff(predicted, axis=1) >= 0)
    coverage = (y[2000:, np.newaxis] <= predicted).mean(axis=0)
    np.testing.assert_allclose(coverage, levels, atol=0.04)
    assert 0 < model.score(X[2000:], y[2000:]) < 1


def quantiles_cover_on_real_data():
    """Within three points of the level, in five-fold cross-validation."""
    levels = [0.1, 0.5, 0.9]
    model = regressor(
        hidden_layer_sizes=100,
        loss=Quantile(levels),
        solver=Adam(averaging=0.99),
        learning_rate_init=0.01,
        alpha=5.0,
        early_stopping=True,
        early_stopping_metric="loss",
        validation_fraction=0.2,
        max_iter=200,
    )
    for name in ("abalone", "airfoil", "ames_housing", "beijing_pm25"):
        X, y = data(name)
        y = SCALED.fit_transform(y[:, np.newaxis].astype(float)).ravel()
        folds = KFold(5, shuffle=True, random_state=0)
        predicted = cross_val_predict(model, X, y, cv=folds)
        coverage = (y[:, np.newaxis] <= predicted).mean(axis=0)
        np.testing.assert_allclose(coverage, levels, atol=0.03, err_msg=name)


def focal_loss_is_about_hard_rows():
    X, y = CANCER
    models = [classifier(loss=loss, alpha=0.0).fit(X, y) for loss in (Focal(0.0), "log_loss")]
    np.testing.assert_allclose(*(model.predict_proba(X) for model in models), rtol=1e-6)
    easy, hard = classifier(loss="log_loss").fit(X, y), classifier(loss=Focal(4.0)).fit(X, y)
    certain = [np.abs(model.predict_proba(X)[:, 1] - 0.5).mean() for model in (easy, hard)]
    assert certain[1] < certain[0]
    assert hard.score(X, y) > 0.95


EFFECTS = [
    balanced_class_weight_raises_the_recall_of_the_rare_class,
    pytest.param(balanced_class_weight_raises_recall_on_mammography, marks=NEEDS_DATA),
    class_weight_is_a_sample_weight,
    own_validation_rows_decide,
    own_validation_rows_without_early_stopping_only_watch,
    lbfgs_stops_early_on_own_validation_rows,
    any_scorer_tells_the_best_epoch,
    best_weights_are_restored_or_not,
    max_time_holds_within_an_epoch,
    dropout_changes_training_and_not_prediction,
    dropout_keeps_more_for_rows_not_seen,
    a_single_row_through_dropout_is_unbiased,
    l1_makes_exact_zeros,
    l1_without_hidden_layer_is_saga,
    weight_decay_shrinks_weights_and_not_intercepts,
    clipping_bounds_the_step,
    label_smoothing_keeps_probabilities_from_certainty,
    averaging_lowers_the_variance_over_seeds,
    each_layer_has_its_own_activation,
    weights_begin_as_initialization_says,
    a_network_of_given_weights_predicts,
    every_optimizer_learns,
    the_rate_of_every_step_is_its_formula,
    the_rate_falls_at_plateaus,
    names_of_scikit_learn_act_on_gradient_descent_only,
    a_schedule_acts_on_every_optimizer,
    losses_estimate_what_they_are_for,
    quantiles_do_not_cross_and_cover,
    pytest.param(quantiles_cover_on_real_data, marks=NEEDS_DATA),
    focal_loss_is_about_hard_rows,
]


@pytest.mark.parametrize("effect", EFFECTS, ids=lambda effect: effect.__name__)
def test_effect(effect):
    effect()
