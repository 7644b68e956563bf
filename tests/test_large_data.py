"""Data that is large: predictions convert it run by run, and a fit does not copy it."""

from __future__ import annotations

import tracemalloc
import warnings
from functools import cache

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

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

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:X has feature names"),
]

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
    if kind in OF_ALL_METHODS or (name in OF_ALL_KINDS and method == methods_of(name)[0])
    and not (name in OF_TABLES and kind in NO_TABLES)
]


@pytest.fixture
def short_runs(monkeypatch):
    """Runs of rows that are short, so that a thousand of them are many."""
    monkeypatch.setattr(checked_rows, "RUN_ELEMENTS", 200 * N_COLUMNS)
    monkeypatch.setattr(matrices, "CHUNK_ELEMENTS", 100 * N_COLUMNS)
    monkeypatch.setattr(fitted_table, "RUN_ELEMENTS", 200 * N_COLUMNS)
    monkeypatch.setattr(fitted_table, "MIN_RUN_ROWS", 100)


def call(name, method, rows):
    """The result of a method, which is also given targets if it is a score."""
    n_rows = rows.shape[0] if hasattr(rows, "shape") else len(rows)
    if method != "score":
        return getattr(fitted(name), method)(rows)
    y = np.arange(n_rows) % 3
    y = np.column_stack([y, y]) if "columns" in name else y
    return fitted(name).score(rows, y)


def n_bytes(result):
    return sum(map(n_bytes, result)) if isinstance(result, list) else np.asarray(result).nbytes


def peak_of(name, method, rows):
    """The result, and the bytes in use at once beyond it."""
    tracemalloc.start()
    try:
        result = call(name, method, rows)
        return result, tracemalloc.get_traced_memory()[1] - n_bytes(result)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("name", "method", "kind"), CASES)
def test_memory_beyond_the_result_does_not_grow_whatever_X_is(name, method, kind, short_runs):
    call(name, method, made(kind, FEW))
    few, many = (peak_of(name, method, made(kind, n))[1] for n in (FEW, MANY))
    allowed = 1.1 * few + 60_000
    if method == "score":  # the predictions, and what metrics make of these and of y: not of X
        allowed += (MANY - FEW) * 8 * 16
    assert many < allowed
