"""Logistic regression arrives where scikit-learn's arrives, or further: objectives compared."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from scipy.special import log_softmax
from sklearn import datasets
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler, scale
from sklearn.utils.fixes import parse_version
from threadpoolctl import threadpool_limits

from skneural import ScratchLogisticRegression
from skneural.convex import solvers

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore:.*sparse.*:DeprecationWarning"
)

FOLDER = os.environ.get("SKNEURAL_DATA")
NEEDS_DATA = pytest.mark.skipif(FOLDER is None, reason="data: SKNEURAL_DATA is not set")


def text(n_rows=200, n_words=700, n_classes=4):
    """Bags of words with more words than rows: counts of a few topics, as sparse tf-idf."""
    random = np.random.RandomState(0)
    y = random.randint(n_classes, size=n_rows)
    popularity = 1 / np.arange(2, n_words + 2)
    topics = popularity * random.gamma(0.3, size=(n_classes, n_words))
    topics /= topics.sum(axis=1, keepdims=True)
    counts = np.array([random.multinomial(60, topics[k]) for k in y])
    weighted = counts * np.log(n_rows / (1 + (counts > 0).sum(axis=0)))
    lengths = np.maximum(np.linalg.norm(weighted, axis=1, keepdims=True), 1e-12)
    return sparse.csr_matrix(weighted / lengths), y


def made(**settings):
    return datasets.make_classification(600, random_state=0, **settings)


def one_hot():
    random = np.random.RandomState(0)
    index = random.randint(6, size=(500, 4))
    X = np.hstack([np.eye(6)[column] for column in index.T])
    return X, (X @ random.standard_normal(24) + random.standard_normal(500) > 0).astype(int)


def wide():
    X, y = made(n_features=900)
    return X[:200], y[:200]


def digits():
    X, y = datasets.load_digits(n_class=6, return_X_y=True)
    return scale(X[:150]), y[:150]


def stretched():
    """Features from 1e-3 to 1e3, far from zero."""
    X, y = made(n_features=8, n_informative=5, n_redundant=0)
    return X * np.logspace(-3, 3, 8) + 50 * np.logspace(-3, 3, 8), y


def table(name, rows=1500):
    frame = pd.read_csv(Path(FOLDER) / f"{name}.csv.gz")
    frame = frame.sample(min(rows, len(frame)), random_state=0)
    y = frame.pop("target").astype(str).to_numpy()
    if list(frame) == ["text"]:
        return TfidfVectorizer(min_df=3).fit_transform(frame["text"].fillna("")), y
    frame = frame.fillna(frame.median(numeric_only=True))
    return StandardScaler().fit_transform(pd.get_dummies(frame, dtype=float)), y


DATA = {
    "iris": lambda: datasets.load_iris(return_X_y=True),
    "wine, unscaled": lambda: datasets.load_wine(return_X_y=True),
    "breast_cancer, unscaled": lambda: datasets.load_breast_cancer(return_X_y=True),
    "digits": digits,
    "copies of features": lambda: made(
        n_features=30, n_informative=5, n_redundant=10, n_repeated=5
    ),
    "four classes": lambda: made(n_features=15, n_informative=8, n_redundant=0, n_classes=4),
    "rare class": lambda: made(n_features=10, weights=[0.97]),
    "one-hot": one_hot,
    "stretched and shifted": stretched,
    "more features than rows": wide,
    "text": text,
    "text, two topics": lambda: text(n_classes=2),
}
FOREIGN = ["adult", "letter", "mammography", "page_blocks", "satimage", "sms_spam", "newsgroups20"]
PROBLEMS = [
    *(pytest.param(name, id=name) for name in DATA),
    *(pytest.param(name, id=name, marks=NEEDS_DATA) for name in FOREIGN),
]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """On a busy machine, the threads of BLAS mostly wait for each other."""
    with threadpool_limits(limits=1, user_api="blas"):
        yield


@cache
def load(name):
    return DATA[name]() if name in DATA else table(name)


def objective(model, X, y, weight, C, l1_ratio=0.0):
    """Mean loss and penalty, from the coefficients of either side."""
    raw = X @ model.coef_.T + model.intercept_
    index = np.searchsorted(model.classes_, y)
    if raw.shape[1] == 1:
        losses = np.logaddexp(0, np.where(index == 1, -1, 1) * raw[:, 0])
    else:
        losses = -log_softmax(raw, axis=1)[np.arange(len(y)), index]
    penalty = (1 - l1_ratio) / 2 * np.sum(model.coef_**2) + l1_ratio * np.abs(model.coef_).sum()
    return np.average(losses, weights=weight) + penalty / (C * weight.sum())


def weights_of(y, weighted):
    random = np.random.RandomState(1)
    return random.randint(0, 4, len(y)).astype(float) if weighted else np.ones(len(y))


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("C", [1e-2, 1.0, 1e2])
@pytest.mark.parametrize("name", PROBLEMS)
def test_l2_optimum(name, C, weighted):
    X, y = load(name)
    weight = weights_of(y, weighted)
    small = X.shape[1] * len(np.unique(y)) < 1000
    precise = {"C": C, "tol": 1e-10, "max_iter": 2000}
    reference = LogisticRegression(solver="newton-cholesky" if small else "newton-cg", **precise)
    reference.fit(X, y, weight)
    best = objective(reference, X, y, weight, C)
    for solver in ("lbfgs", "newton-cholesky" if small else "newton-cg"):
        ours = ScratchLogisticRegression(solver=solver, **precise).fit(X, y, weight)
        assert objective(ours, X, y, weight, C) <= best * (1 + 1e-7)
        largest = np.abs(reference.coef_).max()
        np.testing.assert_allclose(ours.coef_, reference.coef_, rtol=0, atol=1e-3 * largest)
        assert ours.loss_ == pytest.approx(objective(ours, X, y, weight, C), rel=1e-9)


@cache
def few_rows_of_many_features(C):
    """And the loss at the optimum."""
    random = np.random.RandomState(0)
    few = random.standard_normal((40, 4))
    X = few @ random.standard_normal((4, 400)) + 0.05 * random.standard_normal((40, 400))
    y = few[:, 0] + 0.5 * random.standard_normal(40) > 0
    return X, y, ScratchLogisticRegression(solver="newton-cholesky", C=C, tol=1e-8).fit(X, y).loss_


@pytest.mark.parametrize("solver", ["lbfgs", "newton-cg"])
@pytest.mark.parametrize("C", [1.0, 1e2, 1e4])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix])
def test_few_rows_of_many_features_that_depend_on_each_other(kind, C, solver, monkeypatch):
    X, y, optimum = few_rows_of_many_features(C)
    monkeypatch.setattr(solvers, "MAX_VERIFIED_PARAMS", 0)
    ours = ScratchLogisticRegression(solver=solver, C=C, max_iter=500).fit(kind(X), y)
    assert ours.stop_reason_ == "converged"
    # In the variables of a diagonal L-BFGS takes 300 to 1,700 iterations.
    assert ours.n_iter_ <= 50
    assert ours.loss_ <= optimum + 1e-8


@pytest.mark.parametrize("name", PROBLEMS)
def test_default_fit_is_no_worse_than_scikit_learns(name):
    X, y = load(name)
    weight = np.ones(len(y))
    ours, theirs = (
        objective(estimator().fit(X, y), X, y, weight, 1.0)
        for estimator in (ScratchLogisticRegression, LogisticRegression)
    )
    assert ours <= theirs


SPARSE_MODELS = ["iris", "wine, unscaled", "breast_cancer, unscaled", "one-hot"]
#: Before scikit-learn 1.8 the L1 penalty had to be asked for by name.
BY_NAME = (
    {} if parse_version(sklearn.__version__) >= parse_version("1.8") else {"penalty": "elasticnet"}
)


@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
# With weaker penalties saga takes ten times as many epochs to get there.
@pytest.mark.parametrize("C", [0.03, 0.3])
@pytest.mark.parametrize("name", [*SPARSE_MODELS, "copies of features", "text, two topics"])
def test_l1_optimum(name, C, l1_ratio):
    X, y = load(name)
    # With half of the rows of breast cancer, saga takes the longer to get there, and with half of
    # the columns, a fraction of the time.
    X, y = (X[:, ::2], y) if "cancer" in name else (X[::2], y[::2])
    X = X if sparse.issparse(X) else scale(X)  # saga would not arrive otherwise
    weight = weights_of(y, weighted=True)
    settings = {"C": C, "l1_ratio": l1_ratio, "tol": 1e-10}
    saga = LogisticRegression(
        solver="saga", max_iter=100_000, random_state=0, **settings, **BY_NAME
    )
    saga.fit(X, y, weight)
    best = objective(saga, X, y, weight, C, l1_ratio)
    ours = ScratchLogisticRegression(solver="fista", max_iter=1000, **settings)
    ours.fit(X, y, weight)
    value = objective(ours, X, y, weight, C, l1_ratio)
    assert value <= best * (1 + 1e-7)
    assert ours.loss_ == pytest.approx(value, rel=1e-9)
    assert_same_support(ours, saga, X, y, weight, C * weight.sum() / l1_ratio)
    if name != "copies of features":  # copies share their weight as they like under L1
        largest = np.abs(saga.coef_).max()
        np.testing.assert_allclose(ours.coef_, saga.coef_, rtol=0, atol=1e-3 * largest)


def assert_same_support(ours, theirs, X, y, weight, inverse_strength):
    """The same weights are zero, except where the slope is the penalty's to within 1e-6."""
    p = ours.predict_proba(X)
    if len(ours.classes_) == 2:
        error = p[:, 1:] - (y == ours.classes_[1])[:, np.newaxis]
    else:
        error = p - (y[:, np.newaxis] == ours.classes_)
    slope = (X.T @ (error * weight[:, np.newaxis])).T / weight.sum()
    slack = np.abs(np.abs(slope) - 1 / inverse_strength)
    other = (ours.coef_ != 0) != (theirs.coef_ != 0)
    if ours.l1_ratio == 1:
        assert np.all(slack[other] < 1e-6)
    else:
        assert np.all(np.abs(ours.coef_ - theirs.coef_)[other] < 1e-6)


@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("name", ["wine, unscaled", "breast_cancer, unscaled"])
@pytest.mark.filterwarnings("error::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "settings", [{}, {"solver": "saga", "l1_ratio": 1}, {"solver": "fista", "l1_ratio": 0.3}]
)
def test_unscaled_data_converge_within_the_default_max_iter(name, C, settings):
    X, y = load(name)
    model = ScratchLogisticRegression(C=C, **settings).fit(X, y)
    assert model.n_iter_[0] < model.max_iter == 100


@pytest.mark.parametrize("factor", [1e-6, 1e-3, 1e3, 1e6])
@pytest.mark.parametrize("solver", ["lbfgs", "newton-cholesky"])
def test_without_a_penalty_the_scale_of_a_feature_does_not_matter(solver, factor):
    X, y = load("four classes")
    scales = np.where(np.arange(15) % 2, factor, 1.0)
    settings = {"solver": solver, "C": np.inf, "tol": 1e-7}
    plain = ScratchLogisticRegression(**settings).fit(X, y)
    scaled = ScratchLogisticRegression(**settings).fit(X * scales, y)
    np.testing.assert_allclose(scaled.coef_ * scales, plain.coef_, rtol=1e-3, atol=1e-4)


def hostile(name, n_features, factor, value):
    """Columns on a scale of their own, and one cell that is on another."""
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    X = factor * scale(X)[:, :n_features]
    if value is not None:
        X[7, 1] = value
    return X, y


INF, FISTA, SAGA = {"C": np.inf}, {"solver": "fista"}, {"solver": "saga"}
#: The data, and the optimum by the reference of benchmarks/logistic_fuzz.py. Without a penalty,
#: scikit-learn's newton-cholesky at tol=1e-10 on scaled columns finds the same.
HOSTILE = {
    "L1, all columns huge": ("iris", 4, 1e10, None, {**SAGA, "l1_ratio": 1.0}, 0.039661823),
    "elastic net, all columns huge": (
        ("iris", 4, 1e10, None, {**FISTA, "l1_ratio": 0.5, "C": 1e3}, 0.039661823)
    ),
    "L1, amounts": ("wine", 6, 1e9, None, {**FISTA, "l1_ratio": 1, "C": 1e3}, 0.180114571),
    "elastic net, amounts": ("wine", 6, 1e7, None, {**SAGA, "l1_ratio": 0.3}, 0.180114571),
    "elastic net, amounts and a cell": (
        "wine",
        3,
        1e9,
        -1e10,
        {**SAGA, "l1_ratio": 0.3},
        0.50749625,
    ),
    "a sentinel": ("breast_cancer", 5, 1e-4, -999, INF, 0.191672502),
    "a sentinel, three classes": ("wine", 3, 1e-4, -999, INF, 0.507495442),
    "another sentinel": ("wine", 3, 1e-4, 9999, {**INF, **FISTA}, 0.590476264),
    "a small sentinel": ("iris", 3, 1e-6, -1, INF, 0.079239343),
    "a sentinel, L1": (
        "breast_cancer",
        3,
        1e-3,
        1e9,
        {**FISTA, "l1_ratio": 0.5, "C": 1e8},
        0.195733957,
    ),
    "a cell": ("breast_cancer", 4, 1, 1e8, {}, 0.246343878),
    "a cell, three classes": ("iris", 4, 1, 1e8, {}, 0.209060417),
    "a larger cell": ("iris", 4, 1, 1e10, {}, 0.209060417),
    "a negative cell": ("breast_cancer", 4, 1, -1e10, FISTA, 0.277078502),
    "a cell, elastic net": ("wine", 4, 1, 1e9, {**SAGA, "l1_ratio": 0.5}, 0.418810095),
}


@pytest.mark.filterwarnings("error::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("kind", HOSTILE)
def test_optimum_of_hostile_columns(kind):
    name, n_features, factor, value, settings, optimum = HOSTILE[kind]
    X, y = hostile(name, n_features, factor, value)
    model = ScratchLogisticRegression(**settings).fit(X, y)
    assert model.stop_reason_ == "converged"
    reached = objective(model, X, y, np.ones(len(y)), model.C, model.l1_ratio)
    assert reached == pytest.approx(optimum, abs=1e-6)
    assert model.loss_ == pytest.approx(reached, abs=1e-9)


@pytest.mark.parametrize("max_iter", [1, 10, 30, 52])
@pytest.mark.parametrize("kind", ["a sentinel, three classes", "a cell, elastic net"])
def test_a_fit_that_is_verified_is_resumed_bit_for_bit(kind, max_iter):
    name, n_features, factor, value, settings, _ = HOSTILE[kind]
    X, y = hostile(name, n_features, factor, value)
    whole = ScratchLogisticRegression(**settings).fit(X, y)
    part = ScratchLogisticRegression(**settings, max_iter=max_iter).fit(X, y)
    assert part.stop_reason_ == "max_iter"
    part.set_params(max_iter=100).resume(X, y)
    assert part.n_iter_ == whole.n_iter_ > max_iter
    assert part.loss_curve_ == whole.loss_curve_
    np.testing.assert_array_equal(part.coef_, whole.coef_)


@pytest.mark.parametrize("max_iter", [3, 4])
def test_no_claim_of_convergence_that_is_not_true(max_iter):
    # The gradient is small from the start, as the columns are.
    X, y = hostile("breast_cancer", 5, 1e-4, -999)
    model = ScratchLogisticRegression(C=np.inf, max_iter=max_iter).fit(X, y)
    assert model.stop_reason_ == "max_iter"
    assert model.loss_ > 0.193  # the optimum is .1917


@pytest.mark.parametrize("settings", [{}, INF, FISTA, {**SAGA, "l1_ratio": 0.5}])
@pytest.mark.parametrize("factor", [1e155, 1e300])
def test_what_cannot_be_squared_is_no_error(factor, settings):
    X, y = datasets.load_iris(return_X_y=True)
    model = ScratchLogisticRegression(**settings).fit(X * factor, y)
    assert model.stop_reason_ in ("no_progress", "max_iter", "converged")
    assert model.stop_reason_ != "converged" or model.score(X * factor, y) > 0.9
