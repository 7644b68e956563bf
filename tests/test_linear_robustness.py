"""Odd inputs and failures for the linear models: clear errors, the same model, nothing lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from functools import cache

import numpy as np
import pandas as pd
import polars as pl
import pytest
from memory import peak_of
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import scale
from snapshots import frozen, state

from skneural import ScratchLogisticRegression, ScratchMLPClassifier, ScratchPerceptron
from skneural.estimators import scales

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
X = scale(X)
NAMES = ["Iris setosa", "Iris versicolor", "Iris virginica"]

ESTIMATORS = {
    "lbfgs": ScratchLogisticRegression(),
    "newton-cholesky": ScratchLogisticRegression(solver="newton-cholesky"),
    "fista": ScratchLogisticRegression(solver="fista", l1_ratio=0.5),
    "sgd": ScratchLogisticRegression(solver="sgd", max_iter=10, random_state=0),
    "adam": ScratchLogisticRegression(solver="adam", max_iter=10, random_state=0),
    "perceptron": ScratchPerceptron(max_iter=10),
}
parametrize_estimators = pytest.mark.parametrize(
    "estimator", ESTIMATORS.values(), ids=ESTIMATORS.keys()
)


@cache
def fitted_once(estimator):
    """An estimator of the table fitted to the rows as they are: it stays so."""
    return clone(estimator).fit(X, Y)


def with_value(value):
    changed = X.copy()
    changed[7, 2] = value
    return changed


def masked():
    return np.ma.masked_array(X, mask=np.abs(X) > 2)


#: Arguments that differ from the good ones, and the error.
BAD = {
    "NaN": ({"X": with_value(np.nan)}, "Column 2 of X is not finite in 1 of 150 rows"),
    "infinity": ({"X": with_value(np.inf)}, "Column 2 of X is not finite"),
    "sparse NaN": ({"X": sparse.csr_matrix(with_value(np.nan))}, "NaN"),
    "complex": ({"X": X + 1j}, "Complex data not supported"),
    "3-D": ({"X": X[:, :, np.newaxis]}, "dim 3"),
    "1-D": ({"X": X[:, 0]}, "Expected 2D array"),
    "text": ({"X": np.full((150, 4), "a")}, "could not convert string|is not numeric"),
    "no rows": ({"X": X[:0], "y": Y[:0]}, "minimum of 1 is required"),
    "no columns": ({"X": X[:, :0]}, "0 feature"),
    "masked": ({"X": masked()}, "masked values"),
    "fewer labels": ({"y": Y[:-1]}, "inconsistent numbers of samples"),
    "numbers for labels": ({"y": X[:, 0]}, "continuous"),
    "NaN label": ({"y": np.where(Y == 1, np.nan, Y)}, "NaN"),
    "two columns of labels": ({"y": np.column_stack([Y, Y])}, "1d array"),
    "mixed labels": ({"y": np.array(["a", 1, 2] * 50, dtype=object)}, "mix"),
    "one class": ({"y": np.zeros(150)}, "class"),
    "negative weight": ({"sample_weight": np.linspace(-1, 1, 150)}, "Negative values"),
    "zero weights": ({"sample_weight": np.zeros(150)}, "non-zero"),
    "NaN weight": ({"sample_weight": np.full(150, np.nan)}, "NaN"),
    "too few weights": ({"sample_weight": np.ones(3)}, "sample_weight"),
}


@parametrize_estimators
@pytest.mark.parametrize(("changes", "message"), BAD.values(), ids=BAD.keys())
def test_bad_data_is_refused_and_nothing_is_lost(estimator, changes, message):
    fitted = deepcopy(fitted_once(estimator))
    before = state(fitted)
    arguments = {"X": X, "y": Y, **changes}
    with pytest.raises(ValueError, match=message):
        fitted.fit(**arguments)
    assert state(fitted) == before
    with pytest.raises(ValueError, match=message):
        clone(estimator).fit(**arguments)


def unaligned(array):
    raw = np.empty(array.nbytes + 1, dtype=np.uint8)
    view = raw[1:].view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


KINDS = {
    "Fortran": np.asfortranarray,
    "strided": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "reversed": lambda X: np.ascontiguousarray(X[:, ::-1])[:, ::-1],
    "big-endian": lambda X: X.astype(">f8"),
    "unaligned": unaligned,
    "list": lambda X: X.tolist(),
    "objects": lambda X: X.astype(object),
    "unmasked": np.ma.masked_array,
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
}


@parametrize_estimators
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_numbers_give_the_same_model(estimator, kind):
    rows = KINDS[kind](X)
    if kind in ("pandas", "polars"):
        rows.columns = list("abcd")
    expected, ours = fitted_once(estimator), clone(estimator).fit(rows, Y)
    assert frozen(np.array(ours.coef_)) == frozen(np.array(expected.coef_))
    assert frozen(np.array(ours.intercept_)) == frozen(np.array(expected.intercept_))
    np.testing.assert_array_equal(ours.predict(rows), expected.predict(X))
    assert hasattr(ours, "feature_names_in_") == (kind in ("pandas", "polars"))


THINNED = np.where(np.abs(X) > 0.5, X, 0)


@cache
def fitted_to_csr(estimator):
    return clone(estimator).fit(sparse.csr_matrix(THINNED), Y)


@pytest.mark.filterwarnings("ignore:Constructing a DIA matrix")
@parametrize_estimators
@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "lil", "dok", "bsr", "dia"])
@pytest.mark.parametrize("container", ["matrix", "array"])
def test_sparse_formats(estimator, kind, container):
    rows = getattr(sparse, f"{kind}_{container}")(THINNED)
    csr = fitted_to_csr(estimator)
    ours = clone(estimator).fit(rows, Y)
    # Formats differ in the order in which the elements of a row are stored.
    np.testing.assert_allclose(ours.coef_, csr.coef_, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(ours.predict(rows), csr.predict(THINNED))


@parametrize_estimators
def test_read_only_inputs_stay_as_they_are(estimator, tmp_path):
    files = {}
    for name, values in {"X": X, "y": Y, "weight": np.linspace(0.5, 2, 150)}.items():
        file = np.memmap(tmp_path / name, dtype=values.dtype, mode="w+", shape=values.shape)
        file[...] = values
        file.flush()
        files[name] = np.memmap(tmp_path / name, dtype=values.dtype, mode="r", shape=values.shape)
    fitted = clone(estimator).fit(files["X"], files["y"], sample_weight=files["weight"])
    expected = clone(estimator).fit(X, Y, sample_weight=np.linspace(0.5, 2, 150))
    np.testing.assert_array_equal(fitted.coef_, expected.coef_)


@parametrize_estimators
def test_predictions_from_many_threads(estimator):
    fitted = clone(estimator).fit(X, Y)
    before, expected = state(fitted), fitted.decision_function(X)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: fitted.decision_function(X), range(80)))
    assert all(np.array_equal(result, expected) for result in results)
    assert state(fitted) == before


@parametrize_estimators
@pytest.mark.parametrize("dtype", [np.float16, np.longdouble, np.int8, np.uint32, bool])
def test_other_numbers_are_computed_in_float64(estimator, dtype):
    rows = np.abs(X * 3).astype(dtype)
    ours = clone(estimator).fit(rows, Y)
    expected = clone(estimator).fit(rows.astype(np.float64), Y)
    assert ours.coef_.dtype == np.float64
    np.testing.assert_array_equal(ours.coef_, expected.coef_)


@parametrize_estimators
def test_names_of_features_are_checked(estimator):
    frame = pd.DataFrame(X, columns=list("abcd"))
    fitted = clone(estimator).fit(frame, np.array(NAMES)[Y])
    assert set(fitted.predict(frame)) <= set(NAMES)
    with pytest.raises(ValueError, match="feature names"):
        fitted.predict(frame[list("dcba")])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        fitted.predict(X)
    with pytest.raises(ValueError, match="feature names"):
        fitted.predict(frame[list("abc")])


@parametrize_estimators
def test_nothing_is_left_behind_by_chance(estimator):
    first, second = clone(estimator).fit(X, Y), clone(estimator).fit(X, Y)
    assert state(first) == state(second)


@parametrize_estimators
@pytest.mark.parametrize("n_classes", [2, 3])
def test_sparse_rows_are_never_made_dense(estimator, n_classes):
    if getattr(estimator, "solver", None) == "newton-cholesky":
        estimator = clone(estimator).set_params(solver="newton-cg")  # no square of the features
    random = np.random.RandomState(0)
    n_rows, n_features = 1200, 20_000
    rng = np.random.default_rng(0)  # a RandomState would permute all elements of the matrix
    rows = sparse.random(n_rows, n_features, density=2e-4, random_state=rng, format="csr")
    y = np.arange(n_rows) % n_classes
    # The epochs of a perceptron take long, and all the same memory.
    model = clone(estimator).set_params(
        max_iter=2 if isinstance(estimator, ScratchPerceptron) else 5
    )
    weight = random.uniform(0.5, 2, n_rows)
    peak = peak_of(lambda: model.fit(rows, y, sample_weight=weight).predict(rows))
    assert peak < 8 * n_rows * n_features / 5


@cache
def rows_with_sums(columns, n_classes, seed):
    """Rows whose columns add up to the intercept, labels, and scikit-learn's probabilities."""
    random = np.random.RandomState(seed)
    group = random.randint(3, size=300)
    others = np.eye(3)[group] if columns == "one-hot" else np.ones((300, 1))
    rows = np.hstack([others, random.standard_normal((300, 1))])
    latent = 0.7 * rows[:, -1] + 0.5 * group + random.logistic(size=300)
    y = np.digitize(latent, [0.5, 1.5][: n_classes - 1])
    expected = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(rows, y)
    return rows, y, expected.predict_proba(rows)


@pytest.mark.filterwarnings("ignore::scipy.linalg.LinAlgWarning")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("solver", ["lbfgs", "newton-cg", "newton-cholesky"])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("columns", ["one-hot", "ones"])
def test_coefficients_stay_where_they_make_no_difference(columns, n_classes, solver, dtype):
    """Without a penalty, columns that add up to the intercept have no unique coefficients."""
    for seed in range(10):
        rows, y, expected = rows_with_sums(columns, n_classes, seed)
        model = ScratchLogisticRegression(C=np.inf, solver=solver).fit(rows.astype(dtype), y)
        np.testing.assert_allclose(model.predict_proba(rows), expected, atol=2e-3)
        assert np.abs(model.coef_).max() < 10


# ------------------------------------------------------------ sparse rows that stay as they are


def out_of_order(n_rows, n_columns, *, twice=False):
    """A CSR matrix whose elements are in no order, or stored in two parts."""
    rng = np.random.RandomState(0)
    rows = sparse.random(n_rows, n_columns, 0.15, random_state=0, format="csr")
    indices, values = rows.indices.copy(), rng.standard_normal(rows.nnz)
    values[0] = 1e6  # what the end of a fit is verified for
    for start, stop in zip(rows.indptr, rows.indptr[1:], strict=False):
        indices[start:stop] = indices[start:stop][::-1].copy()
    indptr = rows.indptr
    if twice:
        indices, values, indptr = np.repeat(indices, 2), np.repeat(values / 2, 2), 2 * indptr
    made = sparse.csr_matrix((values, indices, indptr), shape=rows.shape)
    assert not made.has_canonical_format
    return made


WAYS = {
    **{f"logistic, {name}": {"solver": name} for name in ("lbfgs", "newton-cholesky", "newton-cg")},
    "logistic, L1": {"solver": "saga", "l1_ratio": 1},
    "logistic, adam": {"solver": "adam", "max_iter": 3},
    "perceptron": {"max_iter": 3},
    "network": {"hidden_layer_sizes": (3,), "max_iter": 3},
    "network, lbfgs": {"hidden_layer_sizes": (3,), "max_iter": 3, "solver": "lbfgs"},
}


@pytest.mark.parametrize("twice", [False, True], ids=["out of order", "in two parts"])
@pytest.mark.parametrize("kind", ["csr", "csc"])
@pytest.mark.parametrize("name", WAYS)
def test_sparse_rows_of_the_user_stay_as_they_are(name, kind, twice):
    """SciPy puts elements in order on the way; other threads may read them, or nobody write."""
    estimators = {
        "logistic": ScratchLogisticRegression,
        "perceptron": ScratchPerceptron,
        "network": ScratchMLPClassifier,
    }
    estimator = estimators[name.partition(",")[0]](random_state=0, **WAYS[name])
    X = out_of_order(120, 30, twice=twice)
    if kind == "csc":
        X = sparse.csc_matrix((X.data, X.indices, X.indptr), shape=X.shape[::-1])
    y = np.random.RandomState(1).randint(3, size=X.shape[0])
    before = [array.copy() for array in (X.data, X.indices, X.indptr)]
    for array in (X.data, X.indices, X.indptr):
        array.flags.writeable = False
    model = estimator.fit(X, y)
    model.predict(X)
    model.score(X, y)
    for array, copied in zip((X.data, X.indices, X.indptr), before, strict=True):
        np.testing.assert_array_equal(array, copied)


@pytest.mark.parametrize("twice", [False, True], ids=["out of order", "in two parts"])
def test_largest_numbers_of_sparse_columns(twice):
    """What a warning about scales is made of."""
    rows = out_of_order(30, 120, twice=twice)
    X = sparse.csc_matrix((rows.data, rows.indices, rows.indptr), shape=rows.shape[::-1])
    before = X.data.copy()
    largest = scales._largest_by_column(X)
    np.testing.assert_array_equal(X.data, before)
    np.testing.assert_allclose(largest, np.abs(X.toarray()).max(axis=0))


# ------------------------------------------------------------ other parameters


@pytest.mark.parametrize("solver", ["lbfgs", "newton-cholesky", "newton-cg", "fista"])
def test_a_tolerance_whose_square_is_infinite(solver):
    model = ScratchLogisticRegression(tol=1e200, solver=solver).fit(X, Y)
    assert model.stop_reason_ == "converged"


@pytest.mark.parametrize("classes", [np.array(3), sparse.csr_matrix([[1, 2]])])
def test_classes_that_are_no_labels(classes):
    with pytest.raises(ValueError):  # noqa: PT011  # scikit-learn's, of this version
        ScratchPerceptron().partial_fit(X, Y, classes=classes)


@pytest.mark.parametrize("classes", [[], (), np.array([])], ids=["list", "tuple", "array"])
@pytest.mark.parametrize(
    "estimator",
    [ScratchLogisticRegression(solver="sgd"), ScratchPerceptron(), ScratchMLPClassifier()],
    ids=["logistic", "perceptron", "network"],
)
def test_no_classes_at_all(estimator, classes):
    with pytest.raises(ValueError, match="`classes` is empty: it has to name all labels"):
        clone(estimator).partial_fit(X, Y, classes=classes)
