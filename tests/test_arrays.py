"""Dense and sparse matrices behind one set of verbs: against plain NumPy on dense arrays."""

from __future__ import annotations

import numpy as np
import pytest
from memory import peak_of
from scipy import sparse

from skneural.arrays import grams, matrices, outliers
from skneural.losses.links import subtract_row_maxima

KINDS = {
    "C order": np.ascontiguousarray,
    "Fortran order": np.asfortranarray,
    "csr": sparse.csr_matrix,
    "csc": sparse.csc_array,
}
DTYPES = (np.float64, np.float32)
#: (rows, features). The last is walked in two blocks of rows, in three with two factors.
SHAPES = {"one feature": (9, 1), "one row": (1, 4), "small": (30, 5), "blocks": (450, 330)}


def data(shape, dtype=np.float64):
    """Dense rows with zeros, features far from zero, and weights of which some are zero."""
    rng = np.random.RandomState(0)
    n_rows, n_features = SHAPES[shape]
    X = (3 + rng.randn(n_rows, n_features)) * (rng.rand(n_rows, n_features) > 0.4)
    weight = rng.exponential(size=n_rows) * (np.arange(n_rows) % 4 != 1)
    return X.astype(dtype), weight


def assert_equal(result, expected):
    assert result.dtype == np.float64
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, rtol=1e-11, atol=1e-11 * np.abs(expected).max())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (100, 100), (73, 137), (250, 100), (1, 20_001)])
def test_sum_of_squares(shape, dtype, monkeypatch):
    X = np.random.RandomState(0).standard_normal(shape).astype(dtype)
    lengths = []
    vdot = np.vdot

    def noted(a, b):
        lengths.append(a.size)
        return vdot(a, b)

    monkeypatch.setattr(np, "vdot", noted)
    found = matrices.sum_of_squares(X)
    np.testing.assert_allclose(found, np.sum(X.astype(np.float64) ** 2), rtol=1e-5)
    # Of more, threads would take a share each.
    assert max(lengths) <= 10_000
    for value in (np.nan, np.inf, -np.inf):
        if X.size:
            X[-1, -1] = value
            assert not np.isfinite(matrices.sum_of_squares(X))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", KINDS)
def test_column_means(kind, shape, dtype):
    X, weight = data(shape, dtype)
    expected = np.average(X.astype(float), axis=0, weights=weight)
    assert_equal(grams.column_means(KINDS[kind](X), weight), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_the_centre_of_sparse_rows_is_zero(kind):
    X, weight = data("small")
    is_sparse = kind in ("csr", "csc")
    expected = np.zeros(5) if is_sparse else np.average(X, axis=0, weights=weight)
    assert_equal(grams.column_means(KINDS[kind](X), weight, stays_sparse=True), expected)


CENTRES = {"zero": np.zeros_like, "mean": lambda mean: mean, "elsewhere": lambda mean: mean - 7}


def scatter_by_hand(X, weight, centre):
    distance = X - centre
    return distance.T @ (weight[:, np.newaxis] * distance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("centre", CENTRES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", KINDS)
def test_scatter(kind, shape, centre, dtype):
    X, weight = data(shape, dtype)
    point = CENTRES[centre](np.average(X.astype(float), axis=0, weights=weight))
    expected = scatter_by_hand(X, weight, point)
    scale = weight.sum() * np.max(X.astype(float) ** 2)
    result = grams.scatter(KINDS[kind](X), weight, point)
    np.testing.assert_allclose(result, expected, rtol=1e-11, atol=1e-13 * scale)


@pytest.mark.parametrize("centre", CENTRES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", KINDS)
def test_column_scatter_is_the_diagonal_of_scatter(kind, shape, centre):
    X, weight = data(shape)
    point = CENTRES[centre](np.average(X, axis=0, weights=weight))
    expected = np.diag(scatter_by_hand(X, weight, point))
    scale = weight.sum() * np.max(X**2)
    result = grams.column_scatter(KINDS[kind](X), weight, point)
    np.testing.assert_allclose(result, expected, rtol=1e-11, atol=1e-13 * scale)


FLOAT32 = {
    "beyond float32 when squared": np.array([[1e20], [3e20], [2e20]], dtype=np.float32),
    "far from zero": 1e4 + np.arange(3, dtype=np.float32)[:, np.newaxis] / 8,
}


@pytest.mark.parametrize("values", FLOAT32)
@pytest.mark.parametrize("kind", KINDS)
def test_column_scatter_squares_float32_in_float64(kind, values):
    X = FLOAT32[values]
    weight = np.array([1.0, 2.0, 1.0])
    mean = np.average(X.astype(float), axis=0, weights=weight)
    result = grams.column_scatter(KINDS[kind](X), weight, mean)
    np.testing.assert_allclose(result, np.diag(scatter_by_hand(X, weight, mean)), rtol=1e-8)


@pytest.mark.parametrize("with_ones", [False, True], ids=["", "with ones"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", KINDS)
def test_weighted_gram(kind, shape, dtype, with_ones):
    X, weight = data(shape, dtype)
    rows = KINDS[kind](X)
    centre = np.linspace(-1, 1, X.shape[1])
    taken = X.astype(float) if sparse.issparse(rows) else X - centre
    if with_ones:
        taken = np.hstack([taken, np.ones((len(X), 1))])
    expected = taken.T @ (weight[:, np.newaxis] * taken)
    assert_equal(grams.weighted_gram(rows, weight, centre, with_ones), expected)


@pytest.mark.parametrize("with_ones", [False, True], ids=["", "with ones"])
@pytest.mark.parametrize("n_weights", [1, 2])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", KINDS)
def test_weighted_grams(kind, shape, n_weights, with_ones):
    X, _ = data(shape)
    rows = KINDS[kind](X)
    weights = np.random.RandomState(1).randn(len(X), n_weights)
    centre = np.linspace(-1, 1, X.shape[1])
    taken = X if sparse.issparse(rows) else X - centre
    if with_ones:
        taken = np.hstack([taken, np.ones((len(X), 1))])
    result = grams.weighted_grams(rows, weights, centre, with_ones)
    # One by one: for all at once, einsum takes twenty times as long.
    expected = [taken.T @ (weight[:, np.newaxis] * taken) for weight in weights.T]
    assert_equal(result, np.stack(expected, axis=1))


@pytest.mark.parametrize("with_ones", [False, True], ids=["", "with ones"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_columns(kind, with_ones):
    X, weight = data("small")
    none = matrices.columns(KINDS[kind](X), np.array([], dtype=np.intp))
    assert none.shape == (30, 0)
    centre = grams.column_means(none, weight, stays_sparse=True)
    assert centre.shape == (0,)
    gram = grams.weighted_gram(none, weight, centre, with_ones)
    np.testing.assert_allclose(gram, np.full(2 * (int(with_ones),), weight.sum()))
    weights = np.random.RandomState(1).randn(30, 2)
    several = grams.weighted_grams(none, weights, centre, with_ones)
    total = weights.sum(axis=0).reshape(1, 2, 1)
    np.testing.assert_allclose(several, total if with_ones else np.empty((0, 2, 0)))


@pytest.mark.parametrize("kind", KINDS)
def test_columns_come_in_the_order_asked_for(kind):
    X, _ = data("small")
    index = np.array([3, 0, 4])
    picked = matrices.columns(KINDS[kind](X), index)
    picked = picked.toarray() if sparse.issparse(picked) else picked
    np.testing.assert_array_equal(picked, X[:, index])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_products(kind, dtype):
    X, _ = data("small", dtype)
    rng = np.random.RandomState(1)
    right, left = rng.randn(5, 2).astype(dtype), rng.randn(30, 2).astype(dtype)
    forward, back = np.empty((30, 2), dtype=dtype), np.empty((5, 2), dtype=dtype)
    matrices.product(KINDS[kind](X), right, out=forward)
    matrices.product(KINDS[kind](X).T, left, out=back)
    tolerance = 100 * np.finfo(dtype).eps
    np.testing.assert_allclose(forward, X @ right, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(back, X.T @ left, rtol=tolerance, atol=tolerance)


WIDE_VERBS = {
    "column_means": lambda X, w: grams.column_means(X, w),
    "column_scatter": lambda X, w: grams.column_scatter(X, w, np.ones(X.shape[1])),
    "product": lambda X, w: matrices.product(X, np.ones((X.shape[1], 2)), np.empty((len(w), 2))),
    "product of the transpose": lambda X, w: matrices.product(
        X.T, np.ones((len(w), 2)), np.empty((X.shape[1], 2))
    ),
    "columns": lambda X, w: matrices.columns(X, np.arange(0, X.shape[1], 2)),
    "row_chunks": lambda X, w: list(matrices.row_chunks(X, (X.shape[1], 1), np.float32)),
}
TALL_VERBS = {
    "weighted_gram": lambda X, w: grams.weighted_gram(X, w, np.zeros(X.shape[1])),
    "scatter": lambda X, w: grams.scatter(X, w, np.ones(X.shape[1])),
    "weighted_grams": lambda X, w: grams.weighted_grams(
        X, np.ones((len(w), 2)), np.zeros(X.shape[1])
    ),
}


@pytest.mark.parametrize("kind", ["csr", "csc"])
@pytest.mark.parametrize("verb", [*WIDE_VERBS, *TALL_VERBS])
def test_sparse_rows_are_never_made_dense(verb, kind):
    n_rows, n_features = (1000, 20_000) if verb in WIDE_VERBS else (80_000, 100)
    rng = np.random.RandomState(0)
    places = rng.randint(n_rows, size=10_000), rng.randint(n_features, size=10_000)
    X = KINDS[kind](sparse.coo_matrix((rng.randn(10_000), places), shape=(n_rows, n_features)))
    weight = np.ones(n_rows)
    function = (WIDE_VERBS | TALL_VERBS)[verb]
    function(X, weight)
    dense = 8 * n_rows * n_features
    assert peak_of(lambda: function(X, weight)) < dense / 10


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_chunks_are_all_rows_in_order(kind, dtype):
    X, _ = data("blocks")
    chunks = list(matrices.row_chunks(KINDS[kind](X), (300, 2), dtype))
    assert all(chunk.dtype == dtype for _, chunk in chunks)
    dense = [chunk.toarray() if sparse.issparse(chunk) else chunk for _, chunk in chunks]
    np.testing.assert_array_equal(np.concatenate(dense), X.astype(dtype))
    for (rows, _), chunk in zip(chunks, dense, strict=True):
        np.testing.assert_array_equal(chunk, X[rows].astype(dtype))
        assert chunk.flags.c_contiguous


# Layer sizes, and the rows of a chunk by hand: 2**17 over the widest layer, 64 at least. The
# features of sparse rows take no buffer.
CHUNKS = [
    ((1024, 2), 128, 1000),
    ((1024, 256), 128, 512),
    ((100_000, 1), 64, 1000),
    ((8, 4096), 64, 64),
]


@pytest.mark.parametrize(("layer_sizes", "n_dense", "n_sparse"), CHUNKS, ids=str)
def test_chunks_of_sparse_rows_are_long(layer_sizes, n_dense, n_sparse):
    X = sparse.csr_matrix((1000, layer_sizes[0]))
    longest = max(chunk.shape[0] for _, chunk in matrices.row_chunks(X, layer_sizes, float))
    assert longest == n_sparse
    assert matrices.chunk_rows(1000, max(layer_sizes)) == n_dense


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (7, 1), (1, 9), (50, 3), (40, 63), (40, 64), (5, 200)])
def test_row_sums(shape, dtype):
    matrix = np.random.RandomState(0).standard_normal(shape).astype(dtype)
    before, column = matrix.copy(), np.empty((shape[0], 1), dtype=dtype)
    matrices.row_sums(matrix, out=column)
    expected = matrix.astype(np.float64).sum(axis=1, keepdims=True)
    tolerance = 1e-13 if dtype == np.float64 else 1e-4
    np.testing.assert_allclose(column, expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_array_equal(matrix, before)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (7, 1), (1, 9), (50, 3), (40, 63), (40, 64), (5, 200)])
def test_the_largest_of_a_row_is_subtracted(shape, dtype):
    matrix = np.random.RandomState(0).standard_normal(shape).astype(dtype)
    before, column = matrix.copy(), np.empty((shape[0], 1), dtype=dtype)
    subtract_row_maxima(matrix, column, np.empty_like(matrix))
    np.testing.assert_array_equal(column, before.max(axis=1, keepdims=True))
    np.testing.assert_array_equal(matrix, before - column)


def test_the_largest_of_a_row_with_nan():
    matrix, column = np.array([[1.0, np.nan], [3.0, 2.0]]), np.empty((2, 1))
    subtract_row_maxima(matrix, column, np.empty_like(matrix))
    np.testing.assert_array_equal(column, [[np.nan], [3.0]])
    np.testing.assert_array_equal(matrix, [[np.nan, np.nan], [0.0, -1.0]])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [0, 1, matrices.BLOCK, 2 * matrices.BLOCK, 4 * matrices.BLOCK + 3])
def test_blocks_are_the_vectors_in_order(n, dtype):
    first, second = np.arange(n, dtype=dtype), -np.arange(n, dtype=dtype)
    pieces = list(matrices.blocks(first, second))
    assert all(piece.nbytes <= 8 * matrices.BLOCK for pair in pieces for piece in pair)
    for vector, parts in zip((first, second), zip(*pieces, strict=True), strict=True):
        np.testing.assert_array_equal(np.concatenate(parts), vector)
        assert all(np.shares_memory(part, vector) for part in parts if n)


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("n_pieces", [1, 3])
def test_chunks_are_concatenated(make, n_pieces):
    whole = np.arange(24).reshape(12, 2)
    cuts = np.array_split(np.arange(12), n_pieces)
    pieces = ((slice(cut[0], cut[-1] + 1), make(whole[cut])) for cut in cuts)
    found = matrices.concatenate_chunks(pieces, n_rows=12)
    assert type(found) is type(make(whole))
    assert found.dtype == whole.dtype
    np.testing.assert_array_equal(found.toarray() if sparse.issparse(found) else found, whole)


@pytest.mark.parametrize("kind", KINDS)
def test_medians_and_distances(kind):
    X = np.array([[1.0, 0, 5, -2], [3.0, 0, 5, 0], [1e9, 0, 5, 0], [4.0, 7, 5, 0], [9.0, 1, 5, 1]])
    rows = np.array([True, True, True, True, False])
    centre, deviation = outliers.column_medians(KINDS[kind](X), rows)
    if kind.endswith("order"):
        np.testing.assert_array_equal(centre, [3.5, 0, 5, 0])
        # Of the second and the last column, the mean; the third does not vary.
        np.testing.assert_array_equal(deviation, [1.5, 1.75, 1, 0.5])
        np.testing.assert_array_equal(outliers.distances(X, centre), np.abs(X - centre))
    else:
        np.testing.assert_array_equal(centre, np.zeros(4))
        np.testing.assert_array_equal(deviation, [(8 + 1e9) / 4, 1.75, 5, 0.5])
        found = outliers.distances(KINDS[kind](X), centre)
        np.testing.assert_array_equal(found.toarray(), np.abs(X))
    assert matrices.largest_element(KINDS[kind](-X)) == 1e9


@pytest.mark.parametrize("kind", KINDS)
def test_the_largest_share_of_a_cell(kind):
    X = np.array([[3.0, 1, 0], [-3.0, 1, 0], [3.0, 1, 0], [-3.0, 1, 4]])
    dense = np.array([1 / 4, 0, 9 / 12])  # about the mean
    about_zero = np.array([1 / 4, 1 / 4, 1])
    expected = dense if kind.endswith("order") else about_zero
    assert outliers.largest_share(KINDS[kind](X)) == pytest.approx(expected.max())
    assert outliers.largest_share(KINDS[kind](X[:, :1])) == pytest.approx(expected[0])
