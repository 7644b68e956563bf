"""Products of rows of CSR matrices: SciPy's, to the last bit, whoever computes them."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import pytest
from memory import lasting_peak_of
from networks import initial_params, state_of, train
from scipy import sparse

import skneural
from skneural import ScratchLogisticRegression, ScratchMLPClassifier, ScratchMLPRegressor
from skneural.arrays import matrices, sparse_rows
from skneural.arrays.batches import Batches
from skneural.arrays.sparse_rows import SparseBatches, for_many_products
from skneural.kernels import use
from skneural.kernels.compilation import Compiled, numba_or_none
from skneural.layers import Dense
from skneural.losses import REGRESSION_LOSSES
from skneural.minimizers.lbfgs import LBFGS
from skneural.minimizers.minibatch import MiniBatches
from skneural.network import Network
from skneural.objective import Objective
from skneural.optimizers import SGD
from skneural.schedules import Constant

needs_numba = pytest.mark.skipif(numba_or_none() is None, reason="optional: numba is not installed")
DTYPES = ("float64", "float32")


class Uncompiled(dict):
    """Stands in for the compiled kernels: each as it is written, in Python."""

    def __missing__(self, kernel):
        return kernel


#: What kernels may be: None for functions in NumPy.
WAYS = {"NumPy": None, "plain": Uncompiled(), "compiled": Compiled()}
ways = pytest.mark.parametrize(
    "way", ["NumPy", "plain", pytest.param("compiled", marks=needs_numba)]
)


@contextmanager
def computing(way):
    """A block in which kernels are of one of the `WAYS`."""
    token = use._in_use.set(WAYS[way])
    try:
        yield
    finally:
        use._in_use.reset(token)


def unsorted(X):
    """The elements of every row the other way round."""
    order = np.concatenate([np.arange(b, a, -1) - 1 for a, b in pairwise(X.indptr)])
    return sparse.csr_matrix((X.data[order], X.indices[order], X.indptr), X.shape)


def with_duplicates(X):
    """Elements in the same place as others, and not beside them."""
    indices = X.indices.copy()
    indices[::3] = 2
    return sparse.csr_matrix((X.data, indices, X.indptr), X.shape)


def with_special_values(X):
    X = X.copy()
    special = np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 1e-40, 1e38], dtype=X.dtype)
    places = np.arange(0, X.nnz, 5)
    X.data[places] = special[np.arange(len(places)) % len(special)]
    return X


def with_long_indices(X):
    X = X.copy()
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


MATRICES = {
    "sorted": lambda X: X,
    "unsorted": unsorted,
    "duplicates": with_duplicates,
    "special values": with_special_values,
    "int64": with_long_indices,
    "csr_array": sparse.csr_array,
    "a view": lambda X: X[3:],
    "one row": lambda X: X[1:2],
    "no element": lambda X: X * 0 if X.nnz == 0 else sparse.csr_matrix(X.shape, dtype=X.dtype),
    "no row": lambda X: X[:0],
}
#: Which rows of a matrix of n.
ROWS = {
    "all": lambda n: slice(0, n),
    "a run": lambda n: slice(n // 3, n // 2),
    "shuffled": lambda n: np.random.RandomState(0).permutation(n)[: 2 * n // 3],
    "some several times": lambda n: np.repeat(np.arange(0, n, 4), 2)[: n // 2],
    "none": lambda n: np.arange(0),
}
N_COLUMNS = (1, 2, 3, 20, 33)


def matrix(name, dtype):
    """Rows of none to a dozen elements."""
    rng = np.random.RandomState(0)
    dense = rng.standard_normal((31, 14)) * 10.0 ** rng.randint(-3, 4, size=(31, 14))
    dense *= (
        rng.uniform(size=dense.shape) < rng.uniform(size=(31, 1)) * (np.arange(31) % 5 > 0)[:, None]
    )
    return MATRICES[name](sparse.csr_matrix(dense.astype(dtype)))


def numbers(shape, dtype):
    rng = np.random.RandomState(1)
    values = rng.standard_normal(shape)
    values[rng.uniform(size=shape) < 0.1] = -0.0
    return values.astype(dtype)


def assert_same_bits(found, expected):
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)
    are_numbers = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(found)[are_numbers], np.signbit(expected)[are_numbers])


def products(rows, right, left):
    """By `rows` and by its transpose, with arrays of the same number of columns."""
    out = np.full((rows.shape[0], right.shape[1]), np.nan, dtype=right.dtype)
    out_transposed = np.full((rows.shape[1], right.shape[1]), np.nan, dtype=right.dtype)
    with np.errstate(invalid="ignore", over="ignore"):
        matrices.product(rows, right, out)
        matrices.product(rows.T, left, out_transposed)
    return out, out_transposed


@ways
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", MATRICES)
def test_products_with_some_rows_are_those_of_scipy(name, dtype, way):
    X = matrix(name, dtype)
    for some in ROWS.values():
        rows = some(X.shape[0])
        for n in N_COLUMNS:
            own = X[rows]
            right, left = numbers((X.shape[1], n), dtype), numbers((own.shape[0], n), dtype)
            taken = SparseBatches(X, X.shape[0]).taken(rows)
            assert taken.shape == own.shape
            with computing(way):
                found = products(taken, right, left)
            with np.errstate(invalid="ignore", over="ignore"):
                expected = own @ right, own.T @ left
            for one, other in zip(found, expected, strict=True):
                assert_same_bits(one, other)


@pytest.mark.parametrize(
    "kernels", ["kernel", "definition", pytest.param("compiled", marks=needs_numba)]
)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", MATRICES)
def test_kernels_and_their_definitions_are_scipy(name, dtype, kernels):
    X = matrix(name, dtype)
    rows = ROWS["shuffled"](X.shape[0])
    stored = (X.data, X.indices, X.indptr[rows], X.indptr[1:][rows])
    right, left = numbers((X.shape[1], 5), dtype), numbers((len(rows), 5), dtype)
    with np.errstate(invalid="ignore", over="ignore"):
        for function, factor, expected in (
            (sparse_rows.rows_product, right, X[rows] @ right),
            (sparse_rows.transposed_rows_product, left, X[rows].T @ left),
        ):
            out = np.full_like(expected, np.nan)
            if kernels == "compiled":
                Compiled()[function.kernel](*stored, factor, out)
            else:
                getattr(function, kernels)(*stored, factor, out)
            assert_same_bits(out, expected)


#: For any matrix.
WITHOUT_LIMITS = {"MIN_TRANSPOSE_FEATURES": 0, "MIN_TRANSPOSE_BYTES": 0, "MIN_COMPILED_BYTES": 0}


@ways
@pytest.mark.parametrize("limits", [{}, WITHOUT_LIMITS], ids=["", "without limits"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", MATRICES)
def test_one_product_after_another_is_that_of_scipy(name, dtype, limits, way, monkeypatch):
    for limit, value in limits.items():
        monkeypatch.setattr(sparse_rows, limit, value)
    X = matrix(name, dtype)
    for n in N_COLUMNS:
        rows = for_many_products(X)
        right, left = numbers((X.shape[1], n), dtype), numbers((X.shape[0], n), dtype)
        with np.errstate(invalid="ignore", over="ignore"):
            expected = X @ right, X.T @ left
        for _ in range(sparse_rows.PRODUCTS_PER_TRANSPOSE + 2):
            with computing(way):
                found = products(rows, right, left)
            for one, other in zip(found, expected, strict=True):
                assert_same_bits(one, other)


def n_transposes(n_products, monkeypatch, n_rows=50, n_features=25_000, n_columns=6):
    """How often products with the transpose of a matrix make a copy of it."""
    places = np.arange(2000) % n_rows, np.arange(2000) * 7 % n_features
    X = sparse.csr_matrix((np.ones(2000), places), (n_rows, n_features))
    made = []
    tocsr = sparse.csc_matrix.tocsr
    with monkeypatch.context() as patch:
        patch.setattr(sparse.csc_matrix, "tocsr", lambda own: made.append(own) or tocsr(own))
        rows, left = for_many_products(X), np.ones((n_rows, n_columns))
        for _ in range(n_products):
            matrices.product(rows.T, left, np.empty((n_features, n_columns)))
    return len(made)


def test_a_transpose_is_made_once_and_where_it_pays(monkeypatch):
    few = sparse_rows.PRODUCTS_PER_TRANSPOSE
    assert n_transposes(few, monkeypatch) == 0
    assert n_transposes(few + 1, monkeypatch) == 1
    assert n_transposes(3 * few, monkeypatch) == 1
    for other in ({"n_columns": 5}, {"n_rows": 13_000}, {"n_features": 20_000}):
        assert n_transposes(few + 1, monkeypatch, **other) == 0
    monkeypatch.setattr(sparse_rows, "MAX_TRANSPOSE", 1000)
    assert n_transposes(few + 1, monkeypatch) == 0


@pytest.mark.parametrize("kind", [np.asarray, sparse.csc_matrix, sparse.csc_array])
def test_what_is_not_csr_stays_as_it_is(kind):
    X = kind(np.eye(3))
    assert for_many_products(X) is X


@ways
def test_products_with_the_arrays_of_members(way):
    X = matrix("unsorted", "float64")
    right, left = numbers((3, X.shape[1], 4), "float64"), numbers((3, X.shape[0], 4), "float64")
    for rows in (SparseBatches(X, X.shape[0]).taken(slice(None)), for_many_products(X), X):
        out, back = np.empty((3, X.shape[0], 4)), np.empty((3, X.shape[1], 4))
        with computing(way):
            matrices.product(rows, right, out)
            matrices.product(rows.T, left, back)
        for k in range(3):
            assert_same_bits(out[k], X @ right[k])
            assert_same_bits(back[k], X.T @ left[k])


@ways
def test_arrays_that_no_kernel_is_made_for(way):
    X = matrix("sorted", "float64")
    right, left = numbers((X.shape[1], 4), "float64"), numbers((X.shape[0], 4), "float64")
    others = {
        "Fortran order": np.asfortranarray,
        "every other column": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
        "float32": lambda a: a.astype(np.float32),
    }
    for change in others.values():
        rows = SparseBatches(X, X.shape[0]).taken(slice(None))
        out, back = np.empty((X.shape[0], 4)), np.empty((4, X.shape[1])).T
        with computing(way):
            matrices.product(rows, change(right), out)
            matrices.product(rows.T, change(left), back)
        np.testing.assert_array_equal(out, X @ change(right))
        np.testing.assert_array_equal(back, X.T @ change(left))


# ------------------------------------------------------------------------------ in batches


@ways
def test_batches_visit_every_sparse_row_once_in_the_given_order(way):
    X = matrix("unsorted", "float64")
    n = X.shape[0]
    y, weight = np.arange(n)[:, np.newaxis] * 1.0, np.arange(n) / 7
    for order in (np.random.RandomState(0).permutation(n), None):
        own = X if order is None else X[order]
        with computing(way):
            batches = Batches(X, y, weight, 4, only_multiplied=True)
            for i, (rows, targets, own_weight) in enumerate(batches.iter_batches(order)):
                piece = own[4 * i : 4 * i + 4]
                assert rows.shape == piece.shape
                assert sparse.issparse(rows) == (way == "NumPy")
                right, left = numbers((X.shape[1], 3), "float64"), numbers((len(targets), 3), float)
                out, back = products(rows, right, left)
                assert_same_bits(out, piece @ right)
                assert_same_bits(back, piece.T @ left)
                np.testing.assert_array_equal(targets[:, 0] / 7, own_weight)
        assert i == 7


class Squared(Dense):
    """A layer of somebody's own, that does what it likes with sparse rows."""

    def forward(self, arrays, x, buffers=None, random=None):
        return super().forward(arrays, sparse.csr_matrix(x.multiply(x)), buffers, random)

    def backward(self, arrays, gradients, x, buffers, delta, needs_input):
        squares = sparse.csr_matrix(x.multiply(x))
        return super().backward(arrays, gradients, squares, buffers, delta, needs_input)


@ways
@pytest.mark.parametrize("by", ["batches", "L-BFGS"])
def test_a_layer_of_ones_own_gets_matrices(by, way):
    X = matrix("sorted", "float64") / 1000
    y = numbers((X.shape[0], 2), "float64")
    found = []
    for rows, layer in ((X, Squared), (X.multiply(X).tocsr(), Dense)):
        network = Network([layer(X.shape[1], 2)], X.shape[1])
        objective = Objective(network, REGRESSION_LOSSES["squared_error"](), 0.1, X.shape[0])
        if by == "batches":
            minimize = MiniBatches(objective, rows, y, None, SGD(), Constant(), 0.1, 4, 3)
        else:
            minimize = LBFGS(objective, rows, y, None, 1e-4, 10)
        state = state_of(initial_params(network), SGD(), network, rate=0.1)
        with computing(way):
            run, _ = train(minimize, state, max_iter=3)
        found.append(run.state.params)
    np.testing.assert_allclose(*found, rtol=1e-12)


@needs_numba
@pytest.mark.parametrize("dtype", DTYPES)
def test_products_with_sparse_batches_allocate_no_arrays(dtype):
    X = sparse.random(400, 3000, 0.02, format="csr", dtype=dtype, random_state=0)
    weights, outputs = np.ones((3000, 30), dtype=dtype), np.empty((100, 30), dtype=dtype)
    gradient = np.empty_like(weights)
    with computing("compiled"):
        y = np.ones((400, 1), dtype=dtype)
        batches = Batches(X, y, None, 100, only_multiplied=True)

        def run():
            for rows, _, _ in batches.iter_batches(np.arange(400)[::-1]):
                matrices.product(rows, weights, outputs)
                matrices.product(rows.T, outputs, gradient)

        peak = lasting_peak_of(run)
    assert outputs.nbytes > 10_000 > peak


# ------------------------------------------------------------------------------ whole fits

FITS = {
    "adam": ScratchMLPClassifier((9,), max_iter=3, batch_size=16),
    "in the order given": ScratchMLPClassifier((9,), max_iter=3, batch_size=16, shuffle=False),
    "early stopping": ScratchMLPClassifier((9,), max_iter=3, batch_size=16, early_stopping=True),
    "sgd, one unit": ScratchMLPRegressor(hidden_layer_sizes=(1,), solver="sgd", max_iter=3),
    "L-BFGS": ScratchMLPClassifier((9,), solver="lbfgs", max_iter=20),
    "L-BFGS, L1": ScratchMLPRegressor(
        hidden_layer_sizes=(7,), solver="lbfgs", alpha=0.1, l1_ratio=0.5, max_iter=20
    ),
    "logistic lbfgs": ScratchLogisticRegression(max_iter=20),
    "logistic newton-cg": ScratchLogisticRegression(solver="newton-cg", max_iter=20),
    "logistic fista": ScratchLogisticRegression(solver="fista", l1_ratio=1, max_iter=30),
    "logistic adam": ScratchLogisticRegression(solver="adam", max_iter=3),
    "logistic sgd": ScratchLogisticRegression(solver="sgd", max_iter=3),
}


@needs_numba
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer|lbfgs failed|.*:UserWarning")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("name", FITS)
def test_fits_come_out_the_same_compiled_or_not(name, weighted, dtype, monkeypatch):
    for limit, value in WITHOUT_LIMITS.items():
        monkeypatch.setattr(sparse_rows, limit, value)
    rng = np.random.RandomState(0)
    X = sparse.random(90, 400, 0.05, format="csr", dtype=dtype, random_state=rng)
    X = with_duplicates(unsorted(X))
    y, weight = rng.randint(7, size=90), rng.uniform(size=90) if weighted else None
    estimator = FITS[name].set_params(random_state=0)
    found = []
    for when in (False, True):
        skneural.set_compiled(when)
        try:
            fitted = estimator.fit(X, y, sample_weight=weight)
        finally:
            skneural.set_compiled(None)
        found.append((fitted.raw_outputs(X), np.array(fitted.loss_curve_)))
    for one, other in zip(*found, strict=True):
        assert_same_bits(one, other)
