"""The perceptron's loops give the bits of the rule in blocks.

In Python's own numbers; as kernels, those as plain Python, and compiled.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import sparse
from snapshots import frozen

from skneural import ScratchPerceptron
from skneural.estimators.perceptron.sgd_order import shuffle
from skneural.kernels import use
from skneural.kernels.compilation import Compiled, numba_or_none
from skneural.perceptron import (
    OnlinePerceptron,
    Rule,
    plain_numbers,
    row_access,
    row_by_row,
    rows_of,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Plain(dict):
    """Kernels as they stand, with the number of their calls."""

    def __missing__(self, kernel):
        self[kernel.__name__] = 0

        def counted(*arguments):
            self[kernel.__name__] += 1
            return kernel(*arguments)

        self[kernel] = counted
        return counted


NUMBA = pytest.mark.skipif(numba_or_none() is None, reason="optional: numba is not installed")
MODES = ["plain", pytest.param("compiled", marks=NUMBA)]
LOOPS = ["numbers", *MODES]
# Of the process, so that each combination of types is compiled once.
COMPILED = Compiled()


def in_mode(monkeypatch, mode):
    """Have all fits use kernels, or numbers of Python; "blocks" for none of them.

    Returns what the kernels are found in.
    """
    kernels = {"plain": Plain(), "compiled": COMPILED}.get(mode)
    monkeypatch.setattr(use, "required_numba", lambda: None)
    monkeypatch.setattr(use._Process, "setting", kernels is not None)
    monkeypatch.setattr(use, "_compiled", kernels)
    monkeypatch.setattr(
        row_access, "are_sooner", lambda X, *_: mode == "numbers" and X.dtype == float
    )
    return kernels


@pytest.fixture
def calls_with_numbers(monkeypatch):
    """The numbers of rows that each call of the loop in numbers of Python has learnt from."""
    learn, n_rows = row_access.learn_in_plain_numbers, []

    def counted(X, vectors, *others):
        n_rows.append(len(vectors[0]))
        return learn(X, vectors, *others)

    monkeypatch.setattr(row_access, "learn_in_plain_numbers", counted)
    return n_rows


@pytest.fixture
def objectives(monkeypatch):
    """What `OnlinePerceptron.learn` has returned, with the weights after it."""
    learn, learnt = OnlinePerceptron.learn, []

    def recorded(unit, order):
        objective = learn(unit, order)
        learnt.append((float(objective).hex(), unit.weights.tobytes(), unit.n_mistakes))
        return objective

    monkeypatch.setattr(OnlinePerceptron, "learn", recorded)
    return learnt


# ------------------------------------------------------------------------------------ whole fits

RNG = np.random.RandomState(0)
REALS = RNG.standard_normal((40, 7))
TENTHS = RNG.randint(-9, 10, (40, 4)) / 10
THIN = np.where(RNG.rand(40, 30) < 0.2, RNG.standard_normal((40, 30)), 0.0)
TWO = RNG.rand(40) < 0.4
FOUR = np.arange(40) % 4


def not_sorted(X):
    """The same matrix, with the elements of each row the other way round."""
    rows = np.concatenate([np.arange(*each)[::-1] for each in pairwise(X.indptr)])
    return sparse.csr_matrix((X.data[rows], X.indices[rows], X.indptr), X.shape)


def stored_twice(X):
    """The same matrix, with all elements stored in halves, the second far from the first."""
    both = sparse.hstack([X / 2, X / 2]).tocsr()
    return sparse.csr_matrix((both.data, both.indices % X.shape[1], both.indptr), X.shape)


DATA = {
    "reals": (REALS, TWO),
    "separable": (REALS, REALS @ np.arange(7) > 0),
    "tenths": (TENTHS, TENTHS @ np.array([1, -2, 3, 0.5]) > 0.1),
    "one column": (REALS[:, :1], TWO),
    "four classes": (REALS, FOUR),
    "outputs overflow": (REALS * 10.0 ** np.arange(149, 156), TWO),
    "steps overflow": (REALS * 1e153, TWO),  # where the scale of the weights is small
    "subnormal": (REALS * 1e-310, TWO),
    "float32": (REALS.astype(np.float32), FOUR),
    "tenths, float32": (TENTHS.astype(np.float32), TWO),
    "sparse": (sparse.csr_matrix(THIN), TWO),
    "sparse, float32": (sparse.csr_array(THIN.astype(np.float32)), FOUR),
    "an empty matrix": (sparse.csr_matrix((40, 3)), TWO),
    "rows not sorted": (not_sorted(sparse.csr_matrix(THIN)), TWO),
    "elements stored twice": (stored_twice(sparse.csr_matrix(THIN)), TWO),
}
SETTINGS = [
    {},
    {"shuffle": False, "fit_intercept": False},
    {"tol": 0, "max_iter": 12, "eta0": 0.7, "n_iter_no_change": 1},
    {"class_weight": "balanced"},
    {"early_stopping": True, "validation_fraction": 0.3, "penalty": "l2"},
    {"penalty": "l2", "alpha": 0.01},
    {"penalty": "l2", "alpha": 0.7, "eta0": 0.9},  # the scale becomes tiny every few rows
    {"penalty": "l2", "alpha": 1.0},  # every row sets the weights to zero
    {"penalty": "l1", "alpha": 0.01},
    {"penalty": "elasticnet", "alpha": 0.02, "l1_ratio": 0.5, "eta0": 0.3},
    {"penalty": "elasticnet", "alpha": 0.01, "l1_ratio": 0},
]


def outcome(estimator):
    return (
        frozen(np.array(estimator.coef_)),
        frozen(np.array(estimator.intercept_)),
        (estimator.n_iter_, estimator.t_, estimator.stop_reason_),
        frozen(estimator._fitted.state.minimizer),
    )


FITS = [
    *((data, "plain") for data in DATA),
    *(
        (data, "numbers")
        for data, (X, _) in DATA.items()
        if not sparse.issparse(X) and X.dtype == float
    ),
    *(pytest.param(data, "compiled", marks=NUMBA) for data in DATA),
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize(("data", "mode"), FITS)
def test_the_same_fit_to_the_last_bit(
    monkeypatch, objectives, calls_with_numbers, data, settings, mode
):
    X, y = DATA[data]
    weight = np.arange(40) % 5 / 3 if "shuffle" in settings else None
    settings = {"max_iter": 6, **settings}
    results = []
    for each in ("blocks", mode):
        kernels = in_mode(monkeypatch, each)
        try:
            found = outcome(ScratchPerceptron(**settings).fit(X, y, sample_weight=weight))
        except ValueError as error:  # some of those whose outputs overflow
            found = str(error)
        results.append((found, list(objectives)))
        objectives.clear()
    assert results[0] == results[1]
    name = "learn_from_sparse_rows" if sparse.issparse(X) else "learn_from_dense_rows"
    if mode == "numbers":
        assert len(calls_with_numbers) == len(results[1][1])
    elif mode == "plain":
        assert kernels[name] == len(results[1][1])  # all epochs of all units
    else:
        function = getattr(row_by_row, name)
        assert kernels[function.kernel] is not function.definition  # it could be compiled


@pytest.mark.parametrize("mode", LOOPS)
@pytest.mark.parametrize("penalty", [None, "l2", "elasticnet"])
@pytest.mark.parametrize("data", ["four classes", "sparse"])
def test_the_same_partial_fits(monkeypatch, data, penalty, mode):
    X, y = DATA[data]
    results = []
    for each in ("blocks", mode):
        in_mode(monkeypatch, each)
        model = ScratchPerceptron(penalty=penalty, alpha=0.01)
        for rows in (slice(0, 20), slice(20, 40), slice(0, 20)):
            model.partial_fit(X[rows], y[rows], classes=np.unique(y))
        results.append(outcome(model))
    assert results[0] == results[1]


@pytest.mark.parametrize("mode", LOOPS)
@pytest.mark.parametrize("penalty", [None, "l2", "elasticnet"])
def test_a_fit_is_resumed_with_kernels_or_without(monkeypatch, penalty, mode):
    X, y = DATA["four classes"]
    settings = {"penalty": penalty, "alpha": 0.01, "tol": None}
    in_mode(monkeypatch, "blocks")
    whole = outcome(ScratchPerceptron(max_iter=7, **settings).fit(X, y))
    for begun, resumed in (("blocks", mode), (mode, "blocks")):
        in_mode(monkeypatch, begun)
        part = ScratchPerceptron(max_iter=3, **settings).fit(X, y)
        in_mode(monkeypatch, resumed)
        assert outcome(part.set_params(max_iter=7).resume(X, y)) == whole


# ----------------------------------------------------------------------------------- single units


@pytest.mark.parametrize("mode", LOOPS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_a_row_more_or_less_certain(monkeypatch, container, dtype, mode):
    # Rows that lie on the boundary but for rounding, among those that do not: 40 columns are taken
    # four at a time, and a few are left.
    X = RNG.randint(-9, 10, (300, 43)) / 10
    X[::2, -1] = -np.round(X[::2, :-1].sum(axis=1), 1)
    X, start = X.astype(dtype), np.full(43, 0.1)
    results = []
    for each in ("blocks", mode):
        in_mode(monkeypatch, each)
        unit = OnlinePerceptron(
            rows_of(container(X)), np.arange(300) % 3 > 0, None, start, 0.0, Rule(0.1)
        )
        with use.compiled_kernels(0):
            objectives = [unit.learn(np.arange(300)) for _ in range(4)]
        results.append((objectives, unit.weights.tobytes(), unit.intercept, unit.n_mistakes))
    assert results[0] == results[1]


WIDE = np.zeros((40, 100))


@pytest.mark.parametrize("n_at_a_time", [1, 7, 13])
def test_numbers_are_made_for_some_rows_at_a_time(monkeypatch, n_at_a_time):
    monkeypatch.setattr(plain_numbers, "MOST_NUMBERS", 7 * n_at_a_time)
    results = []
    for mode in ("blocks", "numbers"):
        in_mode(monkeypatch, mode)
        unit = OnlinePerceptron(rows_of(REALS), TWO, None, np.zeros(7), 0.0, Rule(alpha=0.1))
        objectives = [unit.learn(np.arange(40)) for _ in range(3)]
        results.append((objectives, unit.weights.tobytes(), unit.intercept, unit.n_mistakes))
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("X", "rule", "mistakes", "expected"),
    [
        (REALS, Rule(), 0.25, True),
        (REALS, Rule(), 0.05, False),
        (REALS, Rule(alpha=0.1, l1_ratio=0.5), 0.05, True),
        (REALS.astype(np.float32), Rule(alpha=0.1, l1_ratio=0.5), 0.25, False),
        (WIDE, Rule(), 0.25, False),
        (WIDE, Rule(alpha=0.1, l1_ratio=0.5), 0.25, False),
        (sparse.csr_matrix(THIN), Rule(), 0.25, False),
    ],
)
def test_when_numbers_of_python_are_used(
    monkeypatch, calls_with_numbers, X, rule, mistakes, expected
):
    monkeypatch.setattr(use._Process, "setting", False)
    unit = OnlinePerceptron(rows_of(X), TWO, None, np.zeros(X.shape[1]), 0.0, rule)
    unit._mistakes = mistakes
    with use.compiled_kernels(0):
        unit.learn(np.arange(40))
    assert calls_with_numbers == ([40] if expected else [])
    assert unit._mistakes == unit.n_mistakes / 40 != mistakes


def test_rows_at_a_time_that_are_asked_for_are_walked_in_blocks(calls_with_numbers):
    unit = OnlinePerceptron(rows_of(REALS), TWO, None, np.zeros(7), 0.0, Rule(), block_rows=3)
    unit.learn(np.arange(40))
    assert unit.n_mistakes > 0
    assert calls_with_numbers == []


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], False),
        ([[]], False),
        ([[0, 1, 2], [], [0, 1]], False),
        ([[2, 0, 1], [1, 0]], False),
        ([[0], [0], [0]], False),
        ([[1, 1]], True),
        ([[0, 2], [2, 0, 2]], True),
        ([[], [1], [0, 1, 2, 0]], True),
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_the_same_elements_stored_twice(rows, expected, dtype, mode):
    function = row_access.stores_an_element_twice
    kernels = Plain() if mode == "plain" else COMPILED
    columns = np.array([column for row in rows for column in row], dtype=dtype)
    starts = np.cumsum([0, *map(len, rows)], dtype=dtype)
    for each in (function.definition, kernels[function.kernel]):
        assert each(columns, starts, np.full(3, -1, dtype=dtype)) is expected


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", [1, 12345, 2**31 - 2, 2**32 - 1])
def test_the_same_shuffle(seed, mode):
    function = Plain()[shuffle.kernel] if mode == "plain" else COMPILED[shuffle.kernel]
    for n_rows in (0, 1, 2, 3, 100):
        expected, found = np.arange(n_rows), np.arange(n_rows)
        shuffle.definition(expected, seed)
        function(found, seed)
        np.testing.assert_array_equal(found, expected)
