"""Errors say which column is to blame."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from skneural import ScratchMLPClassifier, ScratchMLPRegressor

Y = [0, 1, 0, 1]
GOOD = {"age": [1.0, 2.0, 3.0, 4.0], "income": [0.0, 1.0, 0.0, 1.0]}


def with_column(name, values):
    return {**GOOD, name: values}


BAD = [
    (with_column("income", [0.0, np.nan, 1.0, np.nan]), "'income' of X is not finite in 2 of 4"),
    (with_column("age", [0.0, np.inf, 1.0, 2.0]), "'age' of X is not finite in 1 of 4"),
    (with_column("city", ["Bern", "Rome", "Oslo", "Bonn"]), "'city' of X is not numeric.*'Bern'"),
    (with_column("mixed", [1, 2, "three", 4]), "'mixed' of X is not numeric.*'three'"),
]


@pytest.mark.parametrize("method", ["fit", "predict"])
@pytest.mark.parametrize("frame", [pd.DataFrame, lambda data: pl.DataFrame(data, strict=False)])
@pytest.mark.parametrize(("columns", "message"), BAD)
def test_the_column_is_named(columns, message, frame, method):
    model = ScratchMLPClassifier(hidden_layer_sizes=2, solver="lbfgs")
    if method == "predict":
        model.fit(frame({name: GOOD.get(name, GOOD["age"]) for name in columns}), Y)
    with pytest.raises(ValueError, match=message):
        model.fit(frame(columns), Y) if method == "fit" else model.predict(frame(columns))


def test_columns_of_arrays_are_numbered():
    X = np.ones((4, 3))
    X[1, 2] = np.nan
    with pytest.raises(ValueError, match="Column 2 of X is not finite in 1 of 4 rows"):
        ScratchMLPRegressor().fit(X, Y)
    with pytest.raises(ValueError, match="Column 1 of X is not numeric: it holds 'a'"):
        ScratchMLPRegressor().fit(np.array([[1, "a"], [2, "b"]], dtype=object), [0, 1])


def test_other_errors_stay_as_they_are():
    X = np.ones((4, 3))
    with pytest.raises(ValueError, match="inconsistent numbers of samples") as caught:
        ScratchMLPRegressor().fit(X, Y[:3])
    assert "Column" not in str(caught.value)
    with pytest.raises(ValueError, match="NaN"):
        ScratchMLPRegressor().fit(sparse.csr_matrix(X * np.nan), Y)


@pytest.mark.parametrize(
    ("y", "message"),
    [([0, np.nan, 1, 2], "y contains NaN"), (Y[:3], "inconsistent numbers of samples")],
)
def test_targets_of_a_score_are_checked(y, message):
    X = np.arange(12.0).reshape(4, 3)
    model = ScratchMLPRegressor(hidden_layer_sizes=2, solver="lbfgs").fit(X, Y)
    with pytest.raises(ValueError, match=message):
        model.score(X, y)
