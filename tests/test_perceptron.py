"""The perceptron: the rule by hand and beside a plain loop, the model beside scikit-learn's."""

from __future__ import annotations

import inspect
import pickle
import platform
import warnings
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import sklearn
import sklearn.linear_model
import swapped
from scipy import sparse
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import Perceptron
from sklearn.utils._seq_dataset import ArrayDataset64
from snapshots import frozen, state

from skneural import ScratchPerceptron
from skneural.estimators.perceptron.sgd_order import epoch_orders
from skneural.perceptron import OnlinePerceptron, Patience, Rule, rows_of

RELEASE = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
NEWEST_ONLY = pytest.mark.skipif(
    RELEASE < (1, 9), reason="reference: scikit-learn 1.9 counts the penalty when it stops"
)
SIGNATURE = pytest.mark.skipif(RELEASE < (1, 9), reason="reference: signatures of 1.9")

# ------------------------------------------------------------------------------------- the rule

AND = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
AND_TARGET = np.array([False, False, False, True])

# Weights and intercept after every epoch, worked by hand. In the first: (0, 0) is wrong, as 0
# is not negative, and takes the intercept to -1; (0, 1) and (1, 0) are right; (1, 1) is wrong
# and gives (1, 1) and 0. And so on, until all are right in the ninth.
AND_BY_HAND = [
    ([1, 1], 0, 2),
    ([2, 1], -1, 5),
    ([2, 1], -2, 8),
    ([2, 2], -2, 10),
    ([3, 2], -2, 12),
    ([3, 2], -3, 15),
    ([3, 3], -3, 17),
    ([3, 2], -4, 18),
    ([3, 2], -4, 18),
]


@pytest.mark.parametrize("block_rows", [1, 2, 4, None])
def test_and_by_hand(block_rows):
    unit = OnlinePerceptron(
        rows_of(AND), AND_TARGET, None, np.zeros(2), 0.0, Rule(), block_rows=block_rows
    )
    for weights, intercept, n_mistakes in AND_BY_HAND:
        objective = unit.learn(np.arange(4))
        assert unit.weights.tolist() == weights
        assert (unit.intercept, unit.n_mistakes) == (intercept, n_mistakes)
    assert objective == 0


def test_the_objective_by_hand():
    # In the first epoch of AND (0, 0) is wrong by 0 and (1, 1) by 1: a mean of 1/4. The penalty
    # of every row is that of the weights it meets: zero, as (1, 1) is the last.
    unit = OnlinePerceptron(rows_of(AND), AND_TARGET, None, np.zeros(2), 0.0, Rule(alpha=0.25))
    assert unit.learn(np.arange(4)) == 0.25
    # Then (0, 0) is wrong by 0, and shrinks w = (1, 1) by 3/4. (0, 1) has p = 3/4 - 1 and is
    # right; (1, 0) with p = 9/16 - 1 too; (1, 1) has p = 2 * 27/64 - 1, wrong by 10/64.
    penalty = 0.25 * 0.5 * 2 * sum((3 / 4) ** (2 * k) for k in range(4))
    assert unit.learn(np.arange(4)) == pytest.approx((10 / 64 + penalty) / 4, rel=1e-14)


def naive(X, sign, row_weight, w, b, rule, order, n_epochs):
    """The online rule, as a book has it."""
    w = w.copy()
    for _ in range(n_epochs):
        for i in order:
            wrong = sign[i] * (w @ X[i] + b) <= 0
            w *= rule.shrinkage
            if wrong:
                w += rule.learning_rate * row_weight[i] * sign[i] * X[i]
                b += rule.learning_rate * row_weight[i] * sign[i] * rule.intercept_rate
    return w, b


def noisy(n_rows=100, n_features=7, seed=0):
    rng = np.random.RandomState(seed)
    X = rng.randn(n_rows, n_features) * (rng.rand(n_rows, n_features) < 0.5)
    return X, X[:, 0] + rng.randn(n_rows) > 0, rng.rand(n_rows)


NOISY_ROWS = noisy()
ORDER = np.random.RandomState(1).permutation(len(NOISY_ROWS[0]))
START = np.random.RandomState(2).randn(NOISY_ROWS[0].shape[1]), 0.5


@cache
def by_naive_loop(rule):
    """Weights and intercept after three epochs."""
    X, target, weight = NOISY_ROWS
    return naive(X, np.where(target, 1, -1), weight, *START, rule, ORDER, 3)


RULES = [
    Rule(),
    Rule(learning_rate=0.3, intercept_rate=0.01),
    Rule(alpha=0.01),
    Rule(alpha=0.3, learning_rate=0.7),  # from one block to the next the scale becomes tiny
    Rule(alpha=2.0),  # every row sets the weights to zero
]


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix, sparse.csr_array])
@pytest.mark.parametrize("block_rows", [1, 3, 64, 1000, None])
def test_the_walk_in_blocks_is_the_naive_loop(rule, container, block_rows):
    X, target, weight = NOISY_ROWS
    unit = OnlinePerceptron(
        rows_of(container(X)), target, weight, *START, rule, block_rows=block_rows
    )
    for _ in range(3):
        unit.learn(ORDER)
    w, b = by_naive_loop(rule)
    np.testing.assert_allclose(unit.weights, w, rtol=1e-10, atol=1e-12)
    assert unit.intercept == pytest.approx(b, rel=1e-12)


@pytest.mark.parametrize("rule", [Rule(0.1), Rule(0.1, alpha=0.01), Rule(0.7, alpha=0.9)], ids=str)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_blocks_do_not_change_a_single_bit(dtype, rule):
    # Tenths: many outputs would be zero, were it not for rounding, which then decides.
    X = (np.random.RandomState(0).randint(-9, 10, (150, 4)) / 10).astype(dtype)
    target = X @ np.array([1, -2, 3, 0.5], dtype=dtype) > 0.1
    results = set()
    for block_rows in (1, 2, 17, 150, None):
        unit = OnlinePerceptron(
            rows_of(X), target, None, np.zeros(4), 0.0, rule, block_rows=block_rows
        )
        objectives = tuple(unit.learn(np.arange(150)) for _ in range(8))
        results.add((unit.weights.tobytes(), unit.intercept, unit.n_mistakes, objectives))
    assert len(results) == 1


@pytest.mark.parametrize("margin", [0.5, 0.1])
def test_no_more_mistakes_than_novikoff_allows(margin):
    rng = np.random.RandomState(0)
    X = rng.randn(2000, 5)
    direction = rng.randn(6)  # the last for the intercept
    direction /= np.linalg.norm(direction)
    distance = X @ direction[:-1] + direction[-1]
    X, distance = X[np.abs(distance) > margin], distance[np.abs(distance) > margin]
    unit = OnlinePerceptron(rows_of(X), distance > 0, None, np.zeros(5), 0.0, Rule())
    for _ in range(1000):
        before = unit.n_mistakes
        unit.learn(rng.permutation(len(X)))
        if unit.n_mistakes == before:
            break
    else:
        pytest.fail("separable rows, and yet the perceptron does not come to rest")
    longest = np.sqrt((X**2).sum(axis=1).max() + 1)
    assert 0 < unit.n_mistakes <= (longest / np.abs(distance).min()) ** 2
    np.testing.assert_array_equal(X @ unit.weights + unit.intercept > 0, distance > 0)


def test_entries_stored_twice_count_together():
    values, columns = np.array([1.0, 2.0, -1.0]), np.array([0, 0, 1])
    twice = sparse.csr_matrix((values, columns, [0, 2, 3]), shape=(2, 2))  # [[1 + 2, 0], [0, -1]]
    unit = OnlinePerceptron(rows_of(twice), np.array([True, False]), None, np.zeros(2), 0.0, Rule())
    unit.learn(np.arange(2))
    # The first row is wrong by 0; then p = 1, and the second is wrong as well.
    assert unit.weights.tolist() == [3.0, 1.0]
    assert len(twice.data) == 3


@pytest.mark.parametrize("columns", [[0, 2, 0, 1], [2, 0, 0, 1]], ids=["apart", "side by side"])
def test_entries_stored_twice_are_found_wherever_they_are(columns):
    values, starts = np.array([1.0, 5.0, 2.0, -1.0]), [0, 3, 4]
    twice = sparse.csr_matrix((values, np.array(columns), starts), shape=(2, 3))
    rows = rows_of(twice)
    np.testing.assert_array_equal(rows.X.toarray(), twice.toarray())
    assert rows.X.has_canonical_format
    assert len(twice.data) == 4


def test_patience():
    patience = Patience(tol=0.5, n_iter_no_change=2)
    costs = [10.0, 9.7, 9.0, 8.4, 8.0, 8.1]
    # 9.7 is no progress; 9.0 is, over the best, 9.7; 8.4 too; neither 8.0 nor 8.1 is.
    assert [patience.ends_with(cost) for cost in costs] == [False] * 5 + [True]
    assert not any(Patience(-np.inf, 1).ends_with(cost) for cost in costs)


@pytest.mark.parametrize("n_rows", [1, 2, 3, 100])
@pytest.mark.parametrize("seed", [0, 1, 12345, 2**31 - 2])
def test_the_order_is_scikit_learns(n_rows, seed):
    theirs = ArrayDataset64(np.zeros((n_rows, 1)), np.zeros(n_rows), np.ones(n_rows), seed=1)
    counted = np.arange(n_rows) % 3 != 1
    ours, some = epoch_orders(n_rows, seed), epoch_orders(n_rows, seed, counted)
    for _ in range(3):
        theirs._shuffle_py(seed)
        expected = [theirs._next_py()[3] for _ in range(n_rows)]
        assert next(ours).tolist() == expected
        assert next(some).tolist() == [row for row in expected if counted[row]]


# ------------------------------------------------------------------------ beside scikit-learn's

IRIS = load_iris(return_X_y=True)
FLOWERS = tuple(part[::5] for part in IRIS)
DIGITS = tuple(part[:40] for part in load_digits(n_class=4, return_X_y=True))
NOISE = (np.random.RandomState(0).randn(30, 5), np.arange(30) % 2)
RARE = (np.random.RandomState(1).rand(30, 40) < 0.1).astype(float), np.arange(30) % 3


def thinned(data):
    X, y = data
    return sparse.csr_matrix(X * (np.random.RandomState(3).rand(*X.shape) < 0.5)), y


DATA = {
    "iris": FLOWERS,
    "iris, two classes": (FLOWERS[0], np.where(FLOWERS[1] == 1, "versicolor", "other")),
    "digits": DIGITS,
    "noise": NOISE,
    "rare": RARE,
    "iris, csr": thinned(FLOWERS),
    "noise, csr": thinned(NOISE),
    "rare, csr": (sparse.csr_array(RARE[0]), RARE[1]),
}

ANY_RELEASE = [
    {},
    {"shuffle": False},
    {"random_state": 7, "eta0": 0.37},
    {"fit_intercept": False},
    {"tol": None, "max_iter": 4},
    {"tol": 0, "max_iter": 12},
    {"n_iter_no_change": 1, "tol": 0.1},
    {"class_weight": "balanced"},
    {"early_stopping": True},
    {"early_stopping": True, "validation_fraction": 0.3, "n_iter_no_change": 2, "eta0": 0.1},
    {"early_stopping": True, "penalty": "l2", "alpha": 1e-3},
    {"penalty": "l2", "tol": None, "max_iter": 4},
    {"penalty": "l2", "tol": None, "max_iter": 4, "alpha": 0.7, "eta0": 0.9},
    {"penalty": "l2", "tol": None, "max_iter": 2, "alpha": 1.0},
    {"penalty": "l1", "tol": None, "max_iter": 4},
    {"penalty": "elasticnet", "tol": None, "max_iter": 4, "alpha": 1e-3},
]
NEWEST = [
    {"penalty": "l2"},
    {"penalty": "l2", "alpha": 0.02, "eta0": 0.3},
    {"penalty": "l1", "n_iter_no_change": 1},
    {"penalty": "elasticnet", "l1_ratio": 0.5, "n_iter_no_change": 1, "max_iter": 10},
    {"penalty": "elasticnet", "l1_ratio": 0},
]
SETTINGS = [*ANY_RELEASE, *(pytest.param(setting, marks=NEWEST_ONLY) for setting in NEWEST)]


def assert_same(ours, theirs, rtol=1e-9):
    assert (ours.n_iter_, ours.t_) == (theirs.n_iter_, theirs.t_)
    scale = np.abs(theirs.coef_).max()
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=rtol, atol=rtol * scale)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=rtol, atol=rtol * scale)
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weights"])
def test_same_seed_same_model(data, settings, weighted):
    X, y = DATA[data]
    rng = np.random.RandomState(5)
    weight = rng.rand(len(y)) * (rng.rand(len(y)) < 0.8) if weighted else None
    theirs = Perceptron(**settings).fit(X, y, sample_weight=weight)
    ours = ScratchPerceptron(**settings).fit(X, y, sample_weight=weight)
    assert_same(ours, theirs)
    predicted = theirs.predict(X)
    np.testing.assert_array_equal(ours.predict(X), predicted)
    scores = theirs.decision_function(X)
    np.testing.assert_allclose(
        ours.decision_function(X), scores, rtol=1e-9, atol=1e-9 * np.abs(scores).max()
    )
    assert ours.score(X, y) == np.mean(predicted == y)


@pytest.mark.parametrize("data", DATA)
def test_same_seed_same_model_in_float32(data):
    X, y = DATA[data]
    ours = ScratchPerceptron().fit(X.astype(np.float32), y)
    assert ours.coef_.dtype == ours.intercept_.dtype == np.float32
    assert ours.decision_function(X.astype(np.float32)).dtype == np.float32
    assert_same(ours, Perceptron().fit(X.astype(np.float32), y), rtol=1e-5)


# Where compilers fuse a multiplication with an addition, scikit-learn rounds in another way.
LAST_BIT = pytest.mark.skipif(
    RELEASE < (1, 9) or platform.machine() not in ("x86_64", "AMD64"),
    reason="reference: the last bit of scikit-learn 1.9 on x86-64",
)


def assert_same_to_the_last_bit(settings, X, y, weight=None):
    theirs = Perceptron(**settings).fit(X, y, sample_weight=weight)
    ours = ScratchPerceptron(**settings).fit(X, y, sample_weight=weight)
    assert ours.n_iter_ == theirs.n_iter_, settings
    np.testing.assert_array_equal(ours.coef_, theirs.coef_)
    np.testing.assert_array_equal(ours.intercept_, theirs.intercept_.astype(X.dtype))
    return ours


@LAST_BIT
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_rounding_decides_when_training_stops():
    # Two epochs in turn have the same sum of losses but for rounding: no end, to the last bit.
    X, y = np.array([[2.0], [0.0], [0.0], [1.0], [-2.0]]), np.array([1, 1, 0, 0, 1])
    settings = {"eta0": 0.7, "tol": 0, "shuffle": False, "max_iter": 200}
    ours = assert_same_to_the_last_bit(settings, X, y)
    assert ours.n_iter_ == 200
    assert ours.coef_[0, 0] == pytest.approx(-1.4)


@LAST_BIT
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["whole numbers", "tenths", "reals", "csr", "float32"])
def test_the_same_epochs_at_a_tolerance_of_zero(kind, seed):
    rng = np.random.RandomState(seed)
    for _ in range(5):
        n_rows, n_features, n_classes = rng.randint(6, 50), rng.randint(1, 9), rng.choice([2, 2, 4])
        X = rng.randint(-3, 4, (n_rows, n_features)) / (10 if kind == "tenths" else 1)
        if kind in ("reals", "float32"):
            X = rng.standard_normal(X.shape) * 10.0 ** rng.uniform(-3, 3)
        if kind == "csr":
            X = sparse.csr_matrix(X * (rng.random_sample(X.shape) < 0.5) / 10)
        X = X.astype(np.float32) if kind == "float32" else X
        y = rng.randint(0, n_classes, n_rows)
        y[:n_classes] = range(n_classes)
        settings = {
            "tol": 0,
            "eta0": float(rng.choice([1, 0.7, 0.1, 0.01, 3.3])),
            "shuffle": bool(rng.randint(2)),
            "max_iter": 30,
            "n_iter_no_change": int(rng.choice([1, 5])),
            "penalty": [None, "l1", "l2", "elasticnet"][rng.randint(4)],
            "alpha": 10.0 ** rng.uniform(-5, 0),
            "l1_ratio": rng.random_sample(),
            "class_weight": [None, "balanced"][rng.randint(2)],
        }
        weight = rng.random_sample(n_rows) if rng.randint(2) else None
        assert_same_to_the_last_bit(settings, X, y, weight)


@LAST_BIT
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("l1_ratio", [0, 0.3, 1])
def test_objectives_are_scikit_learns_to_the_last_bit(l1_ratio, container, dtype):
    # Whether the second epoch is one too many, at tolerances that differ in the last bit of the
    # difference of the two objectives: a single bit of either would decide otherwise.
    n_decided = 0
    for seed in range(20):
        rng = np.random.RandomState(seed)
        X = rng.standard_normal((40, 6)) * (rng.random_sample((40, 6)) < 0.7)
        X, y = container(X.astype(dtype)), (X[:, 0] > 0) ^ (rng.random_sample(40) < 0.1)
        rule = Rule(0.7, 0.01, l1_ratio, 0.01 if sparse.issparse(X) else 1.0)
        unit = OnlinePerceptron(rows_of(X), y, None, np.zeros(6), 0.0, rule)
        first, second = (unit.learn(np.arange(40)) for _ in range(2))
        if second >= first:
            continue
        for n_bits in range(-2, 3):
            tol = first - second + n_bits * np.spacing(first)
            settings = {"tol": tol, "n_iter_no_change": 1, "max_iter": 3, "shuffle": False}
            settings |= {"eta0": 0.7, "penalty": "elasticnet", "alpha": 0.01, "l1_ratio": l1_ratio}
            theirs = Perceptron(**settings).fit(X, y)
            assert theirs.n_iter_ == (2 if second > first - tol else 3)
            n_decided += 1
    assert n_decided > 30


@LAST_BIT
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("penalty", [None, "l2", "elasticnet"])
@pytest.mark.parametrize("seed", [8, 9, 11])
def test_rows_that_are_not_sorted_are_added_up_as_they_are_stored(seed, penalty):
    # As scikit-learn does; text that is counted comes so. Of tenths many outputs would be zero,
    # were it not for rounding: sorted, these rows give other models.
    rng = np.random.RandomState(seed)
    dense = (rng.randint(-9, 10, (300, 5)) / 10) * (rng.random_sample((300, 5)) < 0.8)
    ordered, y = sparse.csr_matrix(dense), dense @ np.array([1, -2, 3, 0.5, -1]) > 0.1
    places = np.concatenate(
        [rng.permutation(np.arange(*each)) for each in pairwise(ordered.indptr)]
    )
    stored = ordered.indices[places]
    X = sparse.csr_matrix((ordered.data[places], stored.copy(), ordered.indptr), ordered.shape)
    assert not X.has_sorted_indices
    settings = {"tol": 0, "n_iter_no_change": 3, "max_iter": 30, "penalty": penalty, "eta0": 0.7}
    assert_same_to_the_last_bit(settings, X, y)
    np.testing.assert_array_equal(X.indices, stored)


@LAST_BIT
@pytest.mark.parametrize("penalty", [None, "l2", "elasticnet"])
def test_more_mistakes_in_a_block_than_are_computed_together(penalty):
    rng = np.random.RandomState(3)
    X, y = rng.standard_normal((700, 3)), rng.randint(0, 2, 700)
    settings = {"tol": 0, "penalty": penalty, "n_iter_no_change": 2}
    assert_same_to_the_last_bit(settings, X, y)


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("settings", [{}, {"penalty": "l2"}, {"penalty": "l1"}], ids=str)
def test_partial_fit_over_batches(data, settings):
    X, y = DATA[data]
    classes, weight = np.unique(y), np.random.RandomState(6).rand(len(y))
    ours, theirs = ScratchPerceptron(**settings), Perceptron(**settings)
    for _ in range(2):
        for start in range(0, len(y), 20):
            rows = slice(start, start + 20)
            for estimator in (ours, theirs):
                estimator.partial_fit(X[rows], y[rows], classes, sample_weight=weight[rows])
            assert_same(ours, theirs)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("data", DATA)
def test_warm_start_and_partial_fit_after_fit(data):
    X, y = DATA[data]
    ours, theirs = (
        kind(warm_start=True, max_iter=2, random_state=3)
        for kind in (ScratchPerceptron, Perceptron)
    )
    for _ in range(3):
        assert_same(ours.fit(X, y), theirs.fit(X, y))
    assert_same(ours.partial_fit(X, y), theirs.partial_fit(X, y))


@pytest.mark.parametrize("data", DATA)
def test_given_starting_point(data):
    X, y = DATA[data]
    n_units = 1 if len(np.unique(y)) == 2 else len(np.unique(y))
    rng = np.random.RandomState(8)
    start = {"coef_init": rng.randn(n_units, X.shape[1]), "intercept_init": rng.randn(n_units)}
    before = {name: value.copy() for name, value in start.items()}
    ours = ScratchPerceptron().fit(X, y, **start)
    for name, value in start.items():
        np.testing.assert_array_equal(value, before[name])
    assert_same(ours, Perceptron().fit(X, y, **start))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_generator_is_used_as_scikit_learn_uses_it(n_classes):
    X, y = IRIS[0], np.minimum(IRIS[1], n_classes - 1)
    for _ in range(2):
        settings = {"early_stopping": True, "validation_fraction": 0.2}
        generators = [np.random.RandomState(4) for _ in range(2)]
        theirs = Perceptron(random_state=generators[0], **settings).fit(X, y)
        ours = ScratchPerceptron(random_state=generators[1], **settings).fit(X, y)
        assert_same(ours, theirs)
        assert generators[0].rand() == generators[1].rand()


@pytest.mark.parametrize("kind", [sparse.csc_matrix, sparse.csc_array, sparse.coo_array])
def test_other_sparse_formats(kind):
    X, y = DATA["rare, csr"]
    assert_same(ScratchPerceptron().fit(kind(X), y), Perceptron().fit(X, y))


@SIGNATURE
@pytest.mark.parametrize("name", ["__init__", "fit", "partial_fit", "predict", "score"])
def test_signatures_are_scikit_learns(name):
    def parameters(kind):
        found = inspect.signature(getattr(kind, name)).parameters.values()
        return [(one.name, one.kind, one.default) for one in found]

    assert parameters(ScratchPerceptron) == parameters(Perceptron)


# ---------------------------------------------------------------------------------- the estimator


# scikit-learn's own tests of its perceptron, run on ours.
THEIRS = {
    f"{name}_of_scikit_learn": test
    for name, test in swapped.tests_of(
        swapped.load("sklearn.linear_model", "test_perceptron", Perceptron=ScratchPerceptron)
    ).items()
}
globals().update(THEIRS)


def test_all_of_scikit_learns_tests_are_there():
    assert len(THEIRS) >= 4


@pytest.fixture
def fitted():
    return ScratchPerceptron().fit(*IRIS)


X, Y = IRIS
NOT_FINITE = np.where(np.arange(X.size).reshape(X.shape) == 5, np.nan, X)
HALF_MASKED = np.ma.masked_greater(X, 5)

# (what to fit with, what the error says)
FAILURES = [
    ({"X": X, "y": np.zeros(150)}, r"greater than one; got 1 class"),
    ({"X": NOT_FINITE, "y": Y}, r"Column 1 of X is not finite in 1 of 150 rows"),
    ({"X": X, "y": Y + 0.5}, r"Unknown label type"),
    ({"X": X, "y": np.eye(3, dtype=int)[Y]}, r"y should be a 1d array"),
    ({"X": X[:100], "y": Y}, r"inconsistent numbers of samples"),
    ({"X": HALF_MASKED, "y": Y}, r"X is a masked array"),
    ({"X": X, "y": Y, "sample_weight": -np.ones(150)}, r"Negative values"),
    ({"X": X, "y": Y, "sample_weight": np.zeros(150)}, r"at least one non-zero"),
    (
        {"X": X, "y": Y, "coef_init": np.zeros((1, 4))},
        r"coef_init does not match dataset.*\(3, 4\)",
    ),
    ({"X": X, "y": Y, "intercept_init": np.zeros(2)}, r"intercept_init does not match dataset"),
    ({"X": X, "y": Y, "coef_init": np.full((3, 4), np.inf)}, r"coef_init contains NaN"),
]


@pytest.mark.parametrize(("arguments", "message"), FAILURES, ids=[m for _, m in FAILURES])
@pytest.mark.parametrize("again", [False, True], ids=["first", "again"])
def test_a_failed_fit_leaves_what_was(arguments, message, again):
    estimator = ScratchPerceptron()
    if again:
        estimator.fit(X[:, :3], Y > 0)
    before = state(estimator)
    with pytest.raises(ValueError, match=message):
        estimator.fit(**arguments)
    assert state(estimator) == before


def test_overflow_is_an_error_and_leaves_what_was(fitted):
    before = state(fitted)
    with pytest.raises(ValueError, match=r"under-/overflow occurred at epoch #1"):
        fitted.set_params(eta0=1e308).fit(1e3 * X, Y)
    assert state(fitted.set_params(eta0=1.0)) == before


def test_partial_fit_says_what_is_wrong(fitted):
    before = state(fitted)
    with pytest.raises(ValueError, match="`y` has classes not in"):
        fitted.partial_fit(X, Y + 1)
    with pytest.raises(ValueError, match="is not the same as on last call"):
        fitted.partial_fit(X, Y, classes=[0, 1])
    with pytest.raises(ValueError, match="4 features"):
        fitted.partial_fit(X[:, :3], Y)
    assert state(fitted) == before
    with pytest.raises(ValueError, match="classes must be passed"):
        ScratchPerceptron().partial_fit(X, Y)
    with pytest.raises(ValueError, match="got 1 class"):
        ScratchPerceptron().partial_fit(X, np.zeros(150), classes=[0])
    with pytest.raises(ValueError, match="early_stopping should be False"):
        ScratchPerceptron(early_stopping=True).partial_fit(X, Y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="use compute_class_weight"):
        ScratchPerceptron(class_weight="balanced").partial_fit(X, Y, classes=[0, 1, 2])


# (class_weight, labels, what the error says)
BAD_CLASS_WEIGHTS = [
    ({0: -1.0}, Y, "gives class 0 the weight -1.0"),
    ({0: 1.0, 1: np.nan, 2: 1.0}, Y, "gives class 1 the weight nan"),
    ({True: -1e-300}, Y > 0, "gives class True the weight -1e-300"),
    ({"b": -np.inf}, np.array(["a", "b", "c"])[Y], "gives class 'b' the weight -inf"),
]


@pytest.mark.parametrize(
    ("class_weight", "y", "message"), BAD_CLASS_WEIGHTS, ids=[each[2] for each in BAD_CLASS_WEIGHTS]
)
def test_class_weights_below_zero(fitted, class_weight, y, message):
    before = state(fitted, "class_weight")
    fitted.set_params(class_weight=class_weight)
    with pytest.raises(ValueError, match=message):
        fitted.fit(X, y)
    with pytest.raises(ValueError, match=message):
        ScratchPerceptron(class_weight=class_weight).partial_fit(X, y, classes=np.unique(y))
    assert state(fitted, "class_weight") == before


def test_a_class_without_weight():
    settings = {"class_weight": {0: 0.0, 1: 1.0, 2: 1.0}}
    assert_same(ScratchPerceptron(**settings).fit(X, Y), Perceptron(**settings).fit(X, Y))


def test_warm_start_needs_the_same_classes(fitted):
    fitted.set_params(warm_start=True)
    with pytest.raises(ValueError, match="same classes as in the previous"):
        fitted.fit(X, Y > 0)


def test_weightless_validation_rows():
    weight = (np.arange(150) == 1).astype(float)
    with pytest.raises(ValueError, match="weights for validation set are all zero"):
        ScratchPerceptron(early_stopping=True).fit(X, Y, sample_weight=weight)


def test_rows_without_weight_teach_nothing():
    weight = (np.arange(150) % 3 > 0).astype(float)
    settings = {"shuffle": False, "tol": None, "max_iter": 5}
    with_zeros = ScratchPerceptron(**settings).fit(X, Y, sample_weight=weight)
    without = ScratchPerceptron(**settings).fit(X[weight > 0], Y[weight > 0])
    np.testing.assert_array_equal(with_zeros.coef_, without.coef_)
    doubled = ScratchPerceptron(**settings).fit(X, Y, sample_weight=2 * weight)
    np.testing.assert_allclose(doubled.coef_, 2 * without.coef_, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_training_never_writes_into_a_fitted_array(dtype):
    estimator = ScratchPerceptron(warm_start=True).fit(X.astype(dtype), Y)
    for train in (estimator.fit, estimator.partial_fit):
        coef, intercept = estimator.coef_, estimator.intercept_
        before = coef.copy(), intercept.copy()
        train(X.astype(dtype), Y)
        assert not np.shares_memory(coef, estimator.coef_)
        np.testing.assert_array_equal(coef, before[0])
        np.testing.assert_array_equal(intercept, before[1])


@pytest.mark.parametrize("n_calls", [0, 2, 3, 7])
def test_an_interrupt_keeps_the_last_whole_epoch(monkeypatch, fitted, n_calls):
    before, learn, calls = state(fitted), OnlinePerceptron.learn, []

    def interrupted(unit, order):
        if len(calls) == n_calls:
            raise KeyboardInterrupt
        calls.append(unit)
        return learn(unit, order)

    monkeypatch.setattr(OnlinePerceptron, "learn", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fitted.fit(X, Y)
    monkeypatch.undo()
    n_epochs = n_calls // 3  # an epoch is whole when all three units have made it
    if n_epochs == 0:
        assert state(fitted) == before
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        expected = ScratchPerceptron(max_iter=n_epochs).fit(X, Y)
    assert frozen(fitted._fitted.model.to_dict()) == frozen(expected._fitted.model.to_dict())
    assert frozen(fitted._fitted.state.minimizer) == frozen(expected._fitted.state.minimizer)
    assert (fitted.n_iter_, fitted.t_) == (expected.n_iter_, expected.t_)
    assert (fitted.stop_reason_, expected.stop_reason_) == ("interrupted", "max_iter")


def test_sparsify_and_back(fitted):
    scores = fitted.decision_function(X)
    assert fitted.sparsify() is fitted
    assert sparse.issparse(fitted.coef_)
    np.testing.assert_allclose(fitted.decision_function(X), scores, rtol=1e-12, atol=1e-12)
    again = pickle.loads(pickle.dumps(fitted)).partial_fit(X, Y)
    assert isinstance(again.coef_, np.ndarray)
    fitted.densify()
    np.testing.assert_array_equal(fitted.decision_function(X), scores)
    np.testing.assert_array_equal(fitted.partial_fit(X, Y).coef_, again.coef_)


def test_a_pickle_is_the_same_to_the_bit(fitted):
    copy = pickle.loads(pickle.dumps(fitted))
    assert state(copy) == state(fitted)
    assert fitted.decision_function(X).tobytes() == copy.decision_function(X).tobytes()
    assert state(copy.partial_fit(X, Y)) == state(fitted.partial_fit(X, Y))


def test_no_probabilities(fitted):
    for name in ("predict_proba", "predict_log_proba"):
        assert not hasattr(fitted, name)


@pytest.mark.parametrize("name", ["coef_", "intercept_", "classes_", "n_iter_", "t_"])
def test_nothing_before_a_fit(name):
    assert not hasattr(ScratchPerceptron(), name)
    with pytest.raises(NotFittedError):
        ScratchPerceptron().predict(X)


def test_the_warning_points_at_the_users_line():
    with pytest.warns(ConvergenceWarning, match="Maximum number of iterations") as caught:
        ScratchPerceptron(max_iter=1).fit(X, Y)
    assert [Path(warning.filename) for warning in caught] == [Path(__file__)]


def test_verbose_prints_every_epoch_of_every_unit(capsys, fitted):
    assert capsys.readouterr().out == ""
    fitted.set_params(verbose=1, early_stopping=True, tol=None, max_iter=4).fit(X, Y)
    out = capsys.readouterr().out
    assert out.count("-- Epoch 4, class 2") == 1
    assert out.count("Validation score") == 12
