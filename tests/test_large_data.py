"""Data that is large: predictions convert it run by run, and a fit does not copy it."""

from __future__ import annotations

import importlib
import shutil
import warnings
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from execnet import gateway_base
from memory import peak_beyond_the_result, peak_of
from scipy import sparse
from sklearn.base import clone

from skneural import (
    HiddenLayerTransformer,
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
    TableEncoder,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from skneural.arrays import matrices
from skneural.estimators import checked_rows
from skneural.estimators.table import fitted as fitted_table
from skneural.kernels import use

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:X has feature names"),
]

NO_DATE = np.datetime64("NaT", "D")
N_COLUMNS = 12
#: Rows of two tables: the second must not take more memory.
FEW, MANY = 800, 3_200
X = np.random.RandomState(0).standard_normal((200, N_COLUMNS))
THREE = np.digitize(X[:, 0], [-0.5, 0.5])
NETWORK = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0}

MODELS = {
    "classifier": (ScratchMLPClassifier(**NETWORK), THREE),
    "float32": (ScratchMLPClassifier(**NETWORK, dtype="float32"), THREE),
    "columns of labels": (ScratchMLPClassifier(**NETWORK), np.column_stack([THREE, THREE])),
    "regressor": (ScratchMLPRegressor(**NETWORK), X[:, 0]),
    "transformer": (HiddenLayerTransformer(ScratchMLPClassifier(**NETWORK)), THREE),
    "logistic regression": (ScratchLogisticRegression(max_iter=2), THREE),
    "perceptron": (ScratchPerceptron(max_iter=2), THREE),
    "sparse perceptron": (ScratchPerceptron(max_iter=2), THREE),
    "tabular classifier": (TabularMLPClassifier(**NETWORK, cv=2), THREE),
    "tabular regressor": (TabularMLPRegressor(**NETWORK, cv=2), X[:, 0]),
    "encoder": (TableEncoder(), THREE),
}
OF_TABLES = ("tabular classifier", "tabular regressor", "encoder")
METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function", "raw_outputs")
METHODS += ("input_gradients", "hidden_activations", "transform", "score")


def of_several_dtypes(n_rows):
    kinds = ("int32", "int64", "float32", "float64", "bool", "uint8", "float16")
    return {
        f"column {j}": whole_numbers(n_rows)[:, j].astype(kinds[j % len(kinds)])
        for j in range(N_COLUMNS)
    }


def whole_numbers(n_rows):
    return np.random.RandomState(1).randint(-9, 10, size=(n_rows, N_COLUMNS))


def arrow_columns(n_rows):
    """A frame of pandas whose columns are pyarrow's."""
    columns = of_several_dtypes(n_rows)
    types = {name: pd.ArrowDtype(pa.from_numpy_dtype(v.dtype)) for name, v in columns.items()}
    return pd.DataFrame({name: pd.Series(v, dtype=types[name]) for name, v in columns.items()})


#: What X can be, given its number of rows.
KINDS = {
    "int8": lambda n: whole_numbers(n).astype(np.int8),
    "int64": whole_numbers,
    "uint16": lambda n: whole_numbers(n).astype(np.uint16),
    "bool": lambda n: whole_numbers(n) > 0,
    "float16": lambda n: whole_numbers(n).astype(np.float16),
    "float64, columns first": lambda n: np.asfortranarray(whole_numbers(n) * 0.5),
    "long double": lambda n: whole_numbers(n).astype(np.longdouble),
    "big-endian": lambda n: whole_numbers(n).astype(">f8"),
    "big-endian float32": lambda n: whole_numbers(n).astype(">f4"),
    "big-endian integers": lambda n: whole_numbers(n).astype(">i4"),
    "objects": lambda n: whole_numbers(n).astype(object),
    "frame of one dtype": lambda n: pd.DataFrame(whole_numbers(n)),
    "frame of several dtypes": lambda n: pd.DataFrame(of_several_dtypes(n)),
    "frame of objects": lambda n: pd.DataFrame(whole_numbers(n).astype(object)),
    "nullable integers": lambda n: pd.DataFrame(whole_numbers(n)).astype("Int64"),
    "nullable numbers": lambda n: pd.DataFrame(whole_numbers(n)).astype("Float64"),
    "pandas on pyarrow": arrow_columns,
    "polars": lambda n: pl.DataFrame({**of_several_dtypes(n)}),
    "pyarrow": lambda n: pa.table(of_several_dtypes(n)),
    "lists": lambda n: whole_numbers(n).tolist(),
    "sparse integers": lambda n: sparse.csr_matrix(whole_numbers(n)),
    "sparse booleans": lambda n: sparse.csr_array(whole_numbers(n) > 5),
    "frame of sparse columns": lambda n: pd.DataFrame.sparse.from_spmatrix(
        sparse.csr_matrix(whole_numbers(n))
    ),
}
#: What tables are not: sparse, or, without a copy, lists.
NO_TABLES = ("lists", "sparse integers", "sparse booleans", "frame of sparse columns")
made = cache(lambda kind, n_rows: KINDS[kind](n_rows))

#: Models whose first method is given all kinds; every method of every model is given two.
OF_ALL_KINDS = ("classifier", "sparse perceptron", "encoder")
OF_ALL_METHODS = ("int64", "frame of several dtypes")


@cache
def fitted(name):
    estimator, y = MODELS[name]
    model = estimator.fit(X, y)
    return model.sparsify() if "sparse" in name else model


def methods_of(name):
    return [method for method in METHODS if hasattr(MODELS[name][0], method)]


CASES = [
    pytest.param(name, method, kind, id=f"{name}-{method}-{kind}")
    for name in MODELS
    for method in methods_of(name)
    for kind in KINDS
    if (kind in OF_ALL_METHODS or (name in OF_ALL_KINDS and method == methods_of(name)[0]))
    and not (name in OF_TABLES and kind in NO_TABLES)
    # Of a sparse column, pandas reads all to give some rows.
    and kind != "frame of sparse columns"
]


def shorten_runs(monkeypatch, n_rows):
    """Rows in runs of `n_rows`, so that a thousand of them are several."""
    monkeypatch.setattr(checked_rows, "RUN_ELEMENTS", n_rows * N_COLUMNS)
    monkeypatch.setattr(matrices, "CHUNK_ELEMENTS", n_rows // 2 * N_COLUMNS)
    monkeypatch.setattr(fitted_table, "RUN_ELEMENTS", n_rows * N_COLUMNS)
    monkeypatch.setattr(fitted_table, "MIN_RUN_ROWS", n_rows // 2)


@pytest.fixture
def short_runs(monkeypatch):
    shorten_runs(monkeypatch, 400)


def call(name, method, rows):
    """The result of a method, which is also given targets if it is a score."""
    n_rows = rows.shape[0] if hasattr(rows, "shape") else len(rows)
    if method != "score":
        return getattr(fitted(name), method)(rows)
    y = np.arange(n_rows) % 3
    y = np.column_stack([y, y]) if "columns" in name else y
    return fitted(name).score(rows, y)


@pytest.mark.parametrize(("name", "method", "kind"), CASES)
def test_memory_beyond_the_result_does_not_grow_whatever_rows_are(name, method, kind, monkeypatch):
    # Of sparse rows, the first runs take less than those that follow: there have to be more.
    shorten_runs(monkeypatch, 200 if kind.startswith("sparse") else 400)
    call(name, method, made(kind, FEW))
    few, many = (
        peak_beyond_the_result(partial(call, name, method, made(kind, n))) for n in (FEW, MANY)
    )
    allowed = 1.1 * few + 60_000
    if method == "score":  # the predictions, and what metrics make of these and of y: not of X
        allowed += (MANY - FEW) * 8 * 16
    assert many < allowed


def test_messages_that_pytest_receives_are_not_counted():
    message = gateway_base.dumps_internal(list(range(5_000, 10_000)))
    received = []

    def call():
        if not received:  # the numbers stay, as those of the tests to come do
            received.append(gateway_base.loads_internal(message))
        return np.ones(100)

    assert peak_of(call) < 3_000
    assert len(received) == 1


# ------------------------------------------------------------------------------ errors

#: Rows that are wrong in the last run only, and the words of the error.
WRONG = {
    "NaN": ("float16", np.nan, ValueError, "NaN.*Column 3 of X is not finite in 1 of 800 rows"),
    "infinity": ("long double", np.inf, ValueError, "infinity.*Column 3 of X is not finite in 1 o"),
    "NaN, big-endian": ("big-endian", np.nan, ValueError, "NaN.*Column 3 of X is not finite"),
    "NaN, columns first": ("float64, columns first", np.nan, ValueError, "NaN.*Column 3 of X is"),
    "None": ("objects", None, ValueError, "NaN.*Column 3 of X is not finite in 1 of 800 rows"),
    "text": ("objects", "word", ValueError, "Column 3 of X is not numeric: it holds 'word'"),
    "a list": ("objects", [1], TypeError, "not 'list'.*Column 3 of X is not numeric"),
    "complex": ("objects", 1j, ValueError, "Complex data not supported.*Column 3 of X is complex"),
    "a huge integer": (
        "objects",
        10**400,
        ValueError,
        "Column 3 of X holds an integer that is too",
    ),
    "a date": ("objects", np.datetime64("2024-02-29"), ValueError, "Column 3 of X holds dates, su"),
    "a missing date": ("objects", NO_DATE, ValueError, "Column 3 .* NaT in 1 of 800"),
}
#: The same for what is no array.
WRONG_CELLS = {
    "frame": ("frame of objects", np.nan, ValueError, "NaN.*Column 3 of X .*in 1 of 800 rows"),
    "nullable": ("nullable integers", pd.NA, ValueError, "NaN.*Column 3 of X .*in 1 of 800 rows"),
    "pandas on pyarrow": ("pandas on pyarrow", pd.NA, ValueError, "NaN.*'column 3' of X .*in 1 of"),
}


def with_wrong_cell(kind, value):
    rows = KINDS[kind](FEW)
    if isinstance(rows, pd.DataFrame):
        rows.iloc[FEW - 1, 3] = value
    else:
        rows[FEW - 1, 3] = value
    return rows


def everything_said(name, method, rows):
    """The error of a call and all warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pytest.raises((ValueError, TypeError)) as error:
            call(name, method, rows)
    told = [str(each.message) for each in caught if each.category is UserWarning]
    return type(error.value), str(error.value), told


@pytest.mark.parametrize(
    ("kind", "value", "error", "message"),
    [*WRONG.values(), *WRONG_CELLS.values()],
    ids=[*WRONG, *WRONG_CELLS],
)
@pytest.mark.parametrize("name", ["classifier", "sparse perceptron", "transformer"])
def test_an_error_in_the_last_run_is_said_of_all_rows(
    name, kind, value, error, message, monkeypatch
):
    rows, method = with_wrong_cell(kind, value), methods_of(name)[0]
    of_all_rows = everything_said(name, method, rows)
    with monkeypatch.context() as patch:
        patch.setattr(checked_rows, "RUN_ELEMENTS", 50 * N_COLUMNS)
        assert everything_said(name, method, rows) == of_all_rows
        with pytest.raises(error, match=f"(?s){message}"):
            call(name, method, rows)


@pytest.mark.parametrize("name", ["tabular classifier", "tabular regressor", "encoder"])
@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("long double", np.inf, "Column 3 of X holds inf in 1 of 800 rows"),
        ("frame of objects", "word", "Column 3 of X is not numeric: it holds 'word'"),
        ("objects", np.datetime64("2024-02-29"), "Column 3 of X holds dates.*TableVectorizer"),
    ],
)
def test_an_error_in_the_last_run_of_a_table(name, kind, value, message, short_runs):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        call(name, methods_of(name)[0], with_wrong_cell(kind, value))


def test_names_are_compared_once_and_numbers_of_columns_too(short_runs):
    frame = pd.DataFrame(of_several_dtypes(FEW))
    model = ScratchMLPClassifier(**NETWORK).fit(frame[:200].astype(float), THREE)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[frame.columns[::-1]])
    with pytest.raises(
        ValueError, match="X has 11 features, but ScratchMLPClassifier is expecting"
    ):
        fitted("classifier").predict(whole_numbers(FEW)[:, :11])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.predict(whole_numbers(FEW))
    assert [str(each.message)[:38] for each in caught] == ["X does not have valid feature names, b"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["float32", "sparse perceptron"])
def test_predictions_are_those_of_all_rows_at_once(name, kind, monkeypatch):
    rows, method = made(kind, FEW), "raw_outputs"
    expected = call(name, method, rows)
    monkeypatch.setattr(checked_rows, "RUN_ELEMENTS", 70 * N_COLUMNS)
    found = call(name, method, rows)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in NO_TABLES])
@pytest.mark.parametrize("name", OF_TABLES)
def test_tables_are_read_in_runs_as_they_are_at_once(name, kind, monkeypatch):
    rows, method = made(kind, FEW), methods_of(name)[0]
    expected = call(name, method, rows)
    monkeypatch.setattr(fitted_table, "RUN_ELEMENTS", 70 * N_COLUMNS)
    monkeypatch.setattr(fitted_table, "MIN_RUN_ROWS", 50)
    found = call(name, method, rows)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


class OnDisk:
    """Rows that are read by slices, as those of a dataset of h5py: all at once is too much."""

    dtype = np.dtype(np.float32)

    def __init__(self, rows):
        self._rows, self.shape, self.longest = rows.astype(self.dtype), rows.shape, 0

    def __len__(self):
        return len(self._rows)

    def __getitem__(self, rows):
        part = self._rows[rows]
        self.longest = max(self.longest, len(part))
        return part

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("all rows at once")


@pytest.mark.parametrize("name", ["classifier", "regressor", "sparse perceptron", "transformer"])
def test_rows_that_are_read_by_slices(name, short_runs):
    rows, method = OnDisk(whole_numbers(FEW)), methods_of(name)[0]
    np.testing.assert_array_equal(
        call(name, method, rows), call(name, method, whole_numbers(FEW).astype(np.float32))
    )
    assert 200 <= rows.longest <= 400


# ------------------------------------------------------------------------------ fits

#: Bytes for each row that a fit may take beside X, whatever the number of columns: an order of the
#: rows and its successor, a permutation, the target, the weight, the rows held out.
BYTES_PER_ROW = 64
LINEAR = {"max_iter": 1, "random_state": 0}
FITS = {
    "classifier": ScratchMLPClassifier(**NETWORK),
    "classifier, sgd": ScratchMLPClassifier(**NETWORK, solver="sgd"),
    "classifier, early stopping": ScratchMLPClassifier(**NETWORK, early_stopping=True),
    "regressor": ScratchMLPRegressor(**NETWORK),
    "regressor, early stopping": ScratchMLPRegressor(**NETWORK, early_stopping=True),
    "perceptron": ScratchPerceptron(**LINEAR),
    "perceptron, early stopping": ScratchPerceptron(**LINEAR, early_stopping=True),
    "logistic regression, sgd": ScratchLogisticRegression(**LINEAR, solver="sgd"),
    "logistic regression, adam": ScratchLogisticRegression(**LINEAR, solver="adam"),
    "logistic regression, lbfgs": ScratchLogisticRegression(max_iter=2),
}


def mapped(path, n_rows, n_columns, dtype):
    """A file of random numbers in C order, mapped to memory, and not to be written to."""
    block = np.random.RandomState(0).standard_normal((1000, n_columns)).astype(dtype)
    rows = np.memmap(path, dtype=dtype, mode="w+", shape=(n_rows, n_columns))
    for start in range(0, n_rows, len(block)):
        rows[start : start + len(block)] = block[: n_rows - start]
    rows.flush()
    return np.memmap(path, dtype=dtype, mode="r", shape=(n_rows, n_columns))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Files with many columns, with few, and of double precision."""
    folder = tmp_path_factory.mktemp("mapped")
    yield {
        "wide": mapped(folder / "wide", 20_000, 1_000, np.float32),
        "narrow": mapped(folder / "narrow", 20_000, 10, np.float32),
        "float64": mapped(folder / "float64", 10_000, 500, np.float64),
    }
    # pytest keeps the folders of its last runs. Where a file that is mapped cannot be removed, too.
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("file", ["wide", "narrow", "float64"])
@pytest.mark.parametrize("name", FITS)
def test_a_fit_on_a_file_takes_memory_for_rows_not_for_their_columns(
    name, file, files, monkeypatch
):
    # Where numba is installed, this is not to be the fit with which all fits of the tests before it
    # add up to what pays for compiling.
    monkeypatch.setattr(use._Process, "work_done", 0.0)
    rows = files[file]
    y = np.asarray(rows[:, 0] > 0)
    y = y.astype(np.float64) if "regressor" in name else y.astype(np.int64)
    clone(FITS[name]).fit(X[:50], y[:50])  # what the first fit loads is not the question
    peak = peak_of(lambda: clone(FITS[name]).fit(rows, y, sample_weight=np.linspace(1, 2, len(y))))
    # Beside what there is for all rows, some rows of a batch, and buffers.
    allowed = BYTES_PER_ROW * len(y) + 1_500 * rows[0].nbytes + 500_000
    if "lbfgs" in name:  # blocks of rows, and matrices of shape (n_columns, n_columns)
        allowed += 8 * 8 * rows.shape[1] ** 2 + 4_000_000
    assert peak < allowed
    assert allowed < 0.1 * rows.nbytes or file != "wide" or "lbfgs" in name


#: What fits on a file of 2 GB may take, in megabytes of anonymous memory.
MAX_MEGABYTES = 300
BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "large_data.py"


@pytest.mark.slow
@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="reference: Linux counts anonymous memory"
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_fits_on_two_gigabytes(dtype, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARK.parent))
    benchmark = importlib.import_module("large_data")
    n_rows = 2 * 10**9 // benchmark.N_COLUMNS // np.dtype(dtype).itemsize
    path = tmp_path / "rows"
    benchmark.write_rows(path, n_rows, dtype)
    try:
        taken = {name: benchmark.measured(name, path, n_rows, dtype)[0] for name in benchmark.FITS}
    finally:
        path.unlink()
    assert max(taken.values()) < MAX_MEGABYTES, taken
