"""TabularMLPClassifier and TabularMLPRegressor on hostile tables, targets and circumstances."""

from __future__ import annotations

import copy
import datetime
import decimal
import io
import pickle
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import cache, partial

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from raw_tables import (
    MANY_CLASSES,
    N_ROWS,
    NUMBERS,
    PROBLEMS,
    TABLE,
    THREE,
    TWO,
    answer,
    classifier,
    fitted,
    outputs,
    raw_table,
    regressor,
)
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import (
    average_precision_score,
    log_loss,
    mean_pinball_loss,
    r2_score,
    roc_auc_score,
)
from stopped_fits import (
    SINCE_1_9,
    AtTheEnd,
    answers,
    countdown,
    raise_after,
    raising,
    stop_after,
    unchanged,
    visible_state,
)

from skneural import TableEncoder, TabularMLPClassifier, TabularMLPRegressor
from skneural.activations import Activation
from skneural.estimators.table.scaling import Quantiles, RobustScaling
from skneural.estimators.tabular.ensemble import FittedEnsemble
from skneural.estimators.tabular.folds import Fold
from skneural.estimators.tabular.outputs import NumbersOfMembers, SinglePrecision
from skneural.losses import Quantile

each_problem = pytest.mark.parametrize(("make", "y"), PROBLEMS.values(), ids=PROBLEMS)
both = pytest.mark.parametrize(
    ("make", "y"), [(classifier, TWO), (regressor, NUMBERS)], ids=["c", "r"]
)
NEW = raw_table(20, seed=5)
SIZE = TABLE["size"].to_numpy()
N = N_ROWS
#: Where what becomes of columns or targets is in question, whatever network there is.
SMALL = {"hidden_layer_sizes": (16,), "cv": 3, "random_state": 0}


#: A column of integers that Arrow keeps as codes, as it does a category dtype of pandas.
INTEGERS_BY_CODE = pa.dictionary(pa.int32(), pa.int64())


def objects(*values):
    """A column of N objects, in turn."""
    column = np.empty(N, dtype=object)
    column[:] = (list(values) * N)[:N]
    return column


def with_column(values):
    return pd.DataFrame({"size": SIZE, "z": values})


# ------------------------------------------------------------------ tables that are taken

THREE_LEVELS = np.array(["x", "y", "w"])[np.arange(N) % 3]
STRINGS = pa.array(["a", None, "c"] * (N // 3))

#: Tables, and which of their columns are categorical.
TABLES = {
    "all missing": (with_column(np.full(N, np.nan)), [0, 0]),
    "all None": (with_column(objects(None)), [0, 0]),
    "all NA": (with_column(pd.array([pd.NA] * N, dtype="Int64")), [0, 0]),
    "a level a row": (with_column([f"id {i}" for i in range(N)]), [0, 1]),
    "only a level a row": (pd.DataFrame({"z": [f"id {i}" for i in range(N)]}), [1]),
    "two rows a level": (pd.DataFrame({"z": [f"id {i // 2}" for i in range(N)]}), [1]),
    "numbers, text and bytes": (with_column(objects(1, "a", 2.5, None, "b", b"x")), [0, 1]),
    "numbers and None": (with_column(objects(1, 2.5, None, np.float32(3), np.nan)), [0, 0]),
    "numbers and digits": (with_column(pd.Categorical(objects(1, "1", 2, "2", 3, "3"))), [0, 1]),
    "bins": (with_column(pd.cut(SIZE, 4)), [0, 1]),
    "bins of quantiles": (with_column(pd.qcut(SIZE, 3)), [0, 1]),
    "strings, all missing": (with_column(pd.Series([None] * N, dtype="string")), [0, 1]),
    "text of Arrow, all missing": (
        with_column(pd.Series([None] * N, dtype=pd.ArrowDtype(pa.string()))),
        [0, 1],
    ),
    "integers of a dictionary of Arrow": (
        with_column(pd.Series([1, 2, 3] * (N // 3), dtype=pd.ArrowDtype(INTEGERS_BY_CODE))),
        [0, 1],
    ),
    "Int64 of 61 bits": (with_column(pd.array([2**60, 2**60 + 1, None] * (N // 3))), [0, 0]),
    "names that are numbers": (pd.DataFrame({0: SIZE, 1: THREE_LEVELS}), [0, 1]),
    "names that are tuples": (pd.DataFrame({("a", 1): SIZE, ("a", 2): THREE_LEVELS}), [0, 1]),
    "an empty name": (pd.DataFrame({"": SIZE, " ": THREE_LEVELS}), [0, 1]),
    "Int64": (with_column(pd.array([1, 2, None] * (N // 3), dtype="Int64")), [0, 0]),
    "Float32": (with_column(pd.array([1.5, 2, None] * (N // 3), dtype="Float32")), [0, 0]),
    "boolean": (with_column(pd.array([True, False, None] * (N // 3), dtype="boolean")), [0, 0]),
    "string": (with_column(pd.array(["a", "b", None] * (N // 3), dtype="string")), [0, 1]),
    "arrow strings": (with_column(pd.Series(STRINGS.to_pylist(), dtype="string[pyarrow]")), [0, 1]),
    "arrow numbers": (
        with_column(pd.Series([1, None, 2] * (N // 3), dtype=pd.ArrowDtype(pa.int64()))),
        [0, 0],
    ),
    "arrow categories": (
        with_column(
            pd.Series(
                ["a", "b", "c"] * (N // 3),
                dtype=pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string())),
            )
        ),
        [0, 1],
    ),
    "unused levels": (with_column(pd.Categorical(THREE_LEVELS, categories=list("axbycw"))), [0, 1]),
    "ordered levels": (
        with_column(pd.Categorical(THREE_LEVELS, categories=list("ywx"), ordered=True)),
        [0, 1],
    ),
    "levels of numbers": (with_column(pd.Categorical(objects(1.5, np.nan, 7, 3.0))), [0, 1]),
    "levels of bools": (with_column(pd.Categorical(SIZE > 0)), [0, 1]),
    "bool": (with_column(SIZE > 0), [0, 0]),
    "bool objects": (with_column(objects(True, False, None)), [0, 0]),
    "number objects": (with_column(SIZE.astype(object)), [0, 0]),
    "decimals": (with_column(objects(decimal.Decimal("1.5"), decimal.Decimal(2), None)), [0, 0]),
    "huge numbers": (with_column(SIZE * 1e299), [0, 0]),
    "tiny numbers": (with_column(np.where(SIZE > 0, 5e-324, 0)), [0, 0]),
    "a huge offset": (with_column(SIZE + 1e12), [0, 0]),
    "one column": (pd.DataFrame({"size": SIZE}), [0]),
    "one category": (pd.DataFrame({"z": THREE_LEVELS}), [1]),
    "one bool": (pd.DataFrame({"z": SIZE > 0}), [0]),
    "missing or not": (pd.DataFrame({"z": np.where(SIZE > 0, np.nan, 3.0)}), [0]),
    "present or not": (pd.DataFrame({"z": objects("yes", None)}), [1]),
    "an index twice": (TABLE.set_index(np.zeros(N, dtype=int)), [0, 0, 0, 1, 1]),
    "list of lists": ([[a, b] for a, b in zip(SIZE.tolist(), THREE_LEVELS, strict=True)], [0, 1]),
    "list of tuples": ([(a, None, 2 * a) for a in SIZE.tolist()], [0, 0, 0]),
    "text": (np.column_stack([THREE_LEVELS, np.roll(THREE_LEVELS, 1)]), [1, 1]),
    "objects": (np.array([SIZE, THREE_LEVELS], dtype=object).T, [0, 1]),
    "Fortran order": (np.asfortranarray(np.column_stack([SIZE, SIZE**2])), [0, 0]),
    "strides": (np.repeat(np.column_stack([SIZE, SIZE**2]), 2, axis=0)[::2, ::-1], [0, 0]),
    "float32": (np.column_stack([SIZE, SIZE**2]).astype(np.float32), [0, 0]),
    "float16": (np.column_stack([SIZE, SIZE**2]).astype(np.float16), [0, 0]),
    "big endian": (np.column_stack([SIZE, SIZE**2]).astype(">f8"), [0, 0]),
    "integers": (np.round(np.column_stack([3 * SIZE, SIZE**2])).astype(np.int8), [0, 0]),
    "bools": (np.column_stack([SIZE > 0, SIZE > 1]), [0, 0]),
    "sparse columns of pandas": (pd.DataFrame({"z": pd.arrays.SparseArray(SIZE)}), [0]),
    "more columns than rows": (np.random.RandomState(0).standard_normal((N, 300)), [0] * 300),
    "polars": (pl.from_pandas(TABLE[["size", "flag", "colour"]]), [0, 0, 1]),
    "polars, more dtypes": (
        pl.DataFrame(
            {
                "a": pl.Series(THREE_LEVELS.tolist(), dtype=pl.Categorical),
                "b": pl.Series(THREE_LEVELS.tolist(), dtype=pl.Enum(list("axbycw"))),
                "c": pl.Series([True, None, False] * (N // 3)),
                "d": pl.Series([decimal.Decimal("1.5"), None, decimal.Decimal("2.0")] * (N // 3)),
                "e": pl.Series([None] * N),
                "f": pl.Series([1, None, 3] * (N // 3), dtype=pl.Int8),
            }
        ),
        [1, 1, 0, 0, 0, 0],
    ),
    "pyarrow": (pa.table({"size": SIZE, "z": STRINGS}), [0, 1]),
    "pyarrow, integers by code": (
        pa.Table.from_pandas(with_column(pd.Categorical([1, 2, 3] * (N // 3)))),
        [0, 1],
    ),
    "polars, text, all missing": (
        pl.DataFrame({"size": SIZE, "z": pl.Series([None] * N, dtype=pl.String)}),
        [0, 1],
    ),
}


def first_rows(X, n):
    if hasattr(X, "iloc"):
        return X.iloc[:n]
    return X.slice(0, n) if isinstance(X, pa.Table) else X[:n]


@both
@pytest.mark.parametrize("name", TABLES)
def test_tables(make, y, name):
    X, is_categorical = TABLES[name]
    is_idle = pytest.warns(UserWarning, match="'z' of X .*'id 0', occurs once: nothing can be")
    with is_idle if name.endswith("a level a row") else nullcontext():
        model = make(max_iter=1, cv=2).fit(X, y)
    assert model.is_categorical_.tolist() == [bool(each) for each in is_categorical]
    found = outputs(model, X)
    assert found.shape[0] == N
    assert np.all(np.isfinite(found))
    # A row alone, or a few of them, are predicted as among others.
    tolerance = 1e-5 if getattr(X, "dtype", None) == np.float32 else 1e-10
    expected = found[:, 2:4] if make is classifier else found  # as `answer` has it
    for n in (1, 7):
        np.testing.assert_allclose(
            answer(model, first_rows(X, n)), expected[:n], rtol=tolerance, atol=tolerance
        )


#: One table in several forms.
PLAIN = pd.DataFrame({"size": SIZE, "z": THREE_LEVELS})
FORMS = {
    "pandas, objects": PLAIN.astype({"z": object}),
    "pandas, category": PLAIN.astype({"z": "category"}),
    "pandas, string": PLAIN.astype({"z": "string"}),
    "pandas, numbers as objects": PLAIN.astype(object),
    "polars": pl.from_pandas(PLAIN.astype({"z": object})),
    "polars, category": pl.from_pandas(PLAIN.astype({"z": "category"})),
    "pyarrow": pa.table({"size": SIZE, "z": THREE_LEVELS.tolist()}),
    "array": PLAIN.to_numpy(dtype=object),
    "list": PLAIN.to_numpy(dtype=object).tolist(),
}


@cache
def answer_of_plain(problem):
    make, y = PROBLEMS[problem]
    return answer(make(max_iter=2).fit(PLAIN, y), PLAIN)


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("name", FORMS)
def test_forms_of_one_table(problem, name):
    make, y = PROBLEMS[problem]
    model = make(max_iter=2).fit(FORMS[name], y)
    np.testing.assert_array_equal(answer(model, FORMS[name]), answer_of_plain(problem))


@both
@pytest.mark.parametrize("value", ["x", 2.0])
def test_missing_dates_are_missing_values(make, y, value):
    """NaT in a column of objects without any other date: pandas leaves it where it joins frames."""
    others = objects("b", None, value) if value == "x" else objects(1.0, None, value)
    found, expected = others.copy(), others
    found[1::6], found[4::6] = pd.NaT, np.datetime64("NaT", "ns")
    X, same = with_column(found), with_column(expected)
    model = make(max_iter=2).fit(X, y)
    assert bool(model.is_categorical_[-1]) is (value == "x")
    np.testing.assert_array_equal(outputs(model, X), outputs(make(max_iter=2).fit(same, y), same))
    np.testing.assert_array_equal(outputs(model, X[1:2]), outputs(model, same[1:2]))
    found[4] = pd.Timestamp("2020-01-01")
    with pytest.raises(ValueError, match="Column 'z' of X holds dates"):
        model.predict(with_column(found))


@both
def test_bools_are_one_column(make, y):
    """Of -1 and +1, whatever says that they are bools."""
    forms = [
        SIZE > 0,
        (SIZE > 0).astype(object),
        pd.array(SIZE > 0, dtype="boolean"),
        1 * (SIZE > 0),
    ]
    found = [make().fit(with_column(z), y).predict(with_column(z)) for z in forms]
    for each in found[1:]:
        np.testing.assert_array_equal(each, found[0])


# ------------------------------------------------------------------ tables that are refused

DATE = "Column 'z' of X holds {}.*skrub's TableVectorizer"
NEITHER = "argument must be a string or a real number, not '{}'.\nColumn 'z' of X"

#: Tables, the error, and what it says.
REFUSED = {
    "infinite": (
        with_column(np.where(SIZE > 1, np.inf, SIZE)),
        "infinity: Column 'z' of X holds inf",
    ),
    "minus infinite": (
        with_column(np.where(SIZE > 1, -np.inf, SIZE)),
        "Column 'z' of X holds -inf",
    ),
    "infinite object": (with_column(objects(np.inf, 1.0, 2)), "Column 'z' of X holds inf"),
    "too large": (with_column(SIZE * 1e302), "too large for float64: Column 'z' of X"),
    "a large integer": (
        np.array([SIZE, objects(10**400, 1)], dtype=object).T,
        "Column 1 of X holds an integer that is too large",
    ),
    "dates": (with_column(pd.date_range("2020", periods=N)), DATE.format("dates")),
    "dates of a zone": (
        with_column(pd.date_range("2020", periods=N, tz="UTC")),
        DATE.format("dates"),
    ),
    "durations": (with_column(pd.to_timedelta(np.arange(N), unit="h")), DATE.format("durations")),
    "periods": (with_column(pd.period_range("2020", periods=N)), DATE.format("periods")),
    "date objects": (with_column(objects(datetime.date(2020, 1, 1))), DATE.format("dates")),
    "dates and text": (with_column(objects("a", datetime.date(2020, 1, 1))), DATE.format("dates")),
    "categories of dates": (
        with_column(pd.Categorical(pd.date_range("2020", periods=3).repeat(N // 3))),
        DATE.format("dates"),
    ),
    "dates of polars": (
        pl.DataFrame({"size": SIZE, "z": [datetime.date(2020, 1, 1)] * N}),
        DATE.format("dates"),
    ),
    "intervals": (
        with_column(objects(*pd.cut(SIZE, 4))),
        "Column 'z' of X holds intervals",
    ),
    "dicts": (with_column(objects({"a": 1})), NEITHER.format("dict")),
    "lists": (with_column(pd.Series([[1]] * N)), NEITHER.format("list")),
    "tuples": (with_column(pd.Series([(1,)] * N)), NEITHER.format("tuple")),
    "sets and numbers": (with_column(objects({1}, 2.0)), NEITHER.format("set")),
    "categories of tuples": (
        with_column(pd.Categorical([(1, 2), (3, 4)] * 45)),
        NEITHER.format("tuple"),
    ),
    "lists of polars": (pl.DataFrame({"z": [[1]] * N}), NEITHER.format("list")),
    "structs of polars": (pl.DataFrame({"z": [{"u": 1}] * N}), NEITHER.format("dict")),
    "complex": (with_column(SIZE + 1j), "Column 'z' of X is complex"),
    "complex objects": (with_column(objects(1j, 2.0)), "Column 'z' of X is complex"),
    "names twice": (
        pd.DataFrame(np.c_[SIZE, SIZE], columns=["z", "z"]),
        "Column 'z' occurs 2 times",
    ),
    "names of two kinds": (pd.DataFrame({0: SIZE, "z": SIZE}), "Feature names are only supported"),
    "sparse": (
        sparse.csr_matrix(np.c_[SIZE, SIZE]),
        "Sparse data was passed.*ScratchMLPClassifier",
    ),
    "sparse array": (sparse.coo_array(np.c_[SIZE, SIZE]), "ScratchMLPClassifier"),
    "masked": (np.ma.masked_array(np.c_[SIZE, SIZE], np.c_[SIZE, SIZE] > 1), "X is a masked array"),
    "constant": (pd.DataFrame({"a": np.ones(N), "z": ["x"] * N}), "Every column of X is constant"),
    "constant, many classes": (pd.DataFrame({"a": np.full(N, 3)}), "Every column of X is constant"),
    "no columns": (pd.DataFrame(index=range(N)), r"0 feature\(s\)"),
    "no rows": (TABLE[:0], r"0 sample\(s\)"),
    "no rows, array": (np.empty((0, 3)), r"0 sample\(s\)"),
    "one axis": (SIZE, "Expected 2D array, got 1D array"),
    "a series": (pd.Series(SIZE), "Expected a 2-dimensional container"),
    "three axes": (np.zeros((N, 2, 2)), "dim 3"),
    "rows of two lengths": ([[1.0, 2.0]] * (N - 1) + [[1.0]], "inhomogeneous|sequence"),
    "None": (None, "Expected 2D array, got scalar"),
    "text": ("table", "X must be data, got the string 'table': read a file first"),
    "matrix": (np.matrix(np.c_[SIZE, SIZE]), "np.matrix is not supported"),
}


@both
@pytest.mark.parametrize("name", REFUSED)
def test_tables_that_are_refused(make, y, name):
    X, message = REFUSED[name]
    if name.startswith("no rows"):
        y = y[:0]
    model = make()
    with pytest.raises((ValueError, TypeError), match=f"(?s){message}") as caught:
        model.fit(X, y)
    assert (type(caught.value) is TypeError) == (
        message in map(NEITHER.format, ("dict", "list", "tuple", "set"))
        or name in ("names of two kinds", "sparse", "sparse array", "matrix", "lazy")
    )
    assert not hasattr(model, "n_iter_")


def test_text_where_numbers_are_said_to_be():
    message = "Column 'colour' of X is not numeric: it holds 'blue'|'green'|'red'"
    with pytest.raises(ValueError, match=message):
        regressor(categorical_features=None).fit(TABLE, NUMBERS)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (["size", "no"], "'no' which is not a valid feature name"),
        ([0, 9], r"must be in \[0, n_features - 1\] = \[0, 4\]"),
        ([True, False], r"boolean mask must have shape \(5,\)"),
        ([0.5], "array-like of bool, int or str"),
        (["size", 1], "array-like of bool, int or str"),
    ],
)
def test_bad_categorical_features(features, message):
    with pytest.raises(ValueError, match=message):
        regressor(categorical_features=features).fit(TABLE, NUMBERS)


@both
@pytest.mark.parametrize(
    "features",
    [["flag", "colour", "city"], [2, 3, 4], [False, False, True, True, True], np.array([4, 3, 2])],
    ids=repr,
)
def test_categorical_features(make, y, features):
    model = make(categorical_features=features).fit(TABLE, y)
    assert model.is_categorical_.tolist() == [False, False, True, True, True]


# ------------------------------------------------------------------ tables to predict

UNSEEN = {
    "a new level": NEW.assign(colour="violet", city="new"),
    "missing levels": NEW.assign(colour=None, city=None),
    "missing numbers": NEW.assign(size=np.nan, age=np.nan),
    "missing bools": NEW.assign(flag=pd.array([None] * 20, dtype="boolean")),
    "all missing": pd.DataFrame(np.nan, index=range(3), columns=TABLE.columns),
    "huge numbers": NEW.assign(size=1e300, age=-1e300),
    "levels as objects": NEW.astype({"colour": object}),
    "other levels of the dtype": NEW.assign(
        colour=NEW["colour"].cat.set_categories(["violet", "blue", "red"])
    ),
    "numbers for levels": NEW.assign(city=3.5),
    "names of an index": NEW.set_index(pd.Index(range(20), name="size")),
}


@cache
def fitted_without_gaps(problem):
    make, y = PROBLEMS[problem]
    return make().fit(TABLE.dropna(), y[TABLE.notna().all(axis=1)])


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("name", UNSEEN)
def test_what_training_has_not_seen(problem, name):
    model = fitted_without_gaps(problem)
    found = outputs(model, UNSEEN[name])
    assert np.all(np.isfinite(found))
    if name == "levels as objects":
        np.testing.assert_array_equal(found, outputs(model, NEW))
    if name == "a new level":
        # All that is unknown is the same.
        other = NEW.assign(colour="beige", city="other")
        np.testing.assert_array_equal(found, outputs(model, other))


#: What cannot be predicted, and what the error says.
NOT_PREDICTED = {
    "another order": (NEW[NEW.columns[::-1]], "must be in the same order"),
    "a column missing": (NEW.drop(columns="age"), "yet now missing:\n- age"),
    "a column more": (NEW.assign(new=1), "unseen at fit time:\n- new"),
    "infinite": (NEW.assign(age=np.inf), "Column 'age' of X holds inf"),
    "text for a number": (NEW.assign(age="old"), "Column 'age' of X is not numeric.*'old'"),
    "dates for a number": (NEW.assign(age=pd.Timestamp("2020")), "Column 'age' of X holds dates"),
    "a list for a level": (NEW.assign(city=[[1]] * 20), "Column 'city' of X"),
    "no rows": (NEW[:0], r"0 sample\(s\)"),
    "lazy": (pl.DataFrame({"z": SIZE}).lazy(), r"X is a LazyFrame.*X.collect\(\)"),
    "sparse": (sparse.csr_matrix(np.zeros((3, 5))), "Sparse data was passed"),
    "one row as a series": (NEW.iloc[0], "2-dimensional container"),
}


@both
@pytest.mark.parametrize("name", NOT_PREDICTED)
def test_what_cannot_be_predicted(make, y, name):
    X, message = NOT_PREDICTED[name]
    model = fitted(make, y, max_iter=1)
    for method in ("predict", "raw_outputs", "score"):
        arguments = (X, y[: len(NEW)]) if method == "score" else (X,)
        with pytest.raises((ValueError, TypeError), match=f"(?s){message}"):
            getattr(model, method)(*arguments)


def test_an_array_with_another_number_of_columns():
    model = regressor(max_iter=1).fit(np.c_[SIZE, SIZE], NUMBERS)
    with pytest.raises(
        ValueError, match="X has 3 features, but TabularMLPRegressor is expecting 2"
    ):
        model.predict(np.zeros((2, 3)))
    assert not hasattr(model, "feature_names_in_")


# ------------------------------------------------------------------ targets

#: Labels of two classes that say the same.
LABELS = {
    "str": TWO,
    "objects": TWO.astype(object),
    "bool": TWO == "yes",
    "int": (TWO == "yes").astype(int) * 7 - 3,
    "int8": (TWO == "yes").astype(np.int8),
    "float": (TWO == "yes").astype(float),
    "list": TWO.tolist(),
    "series": pd.Series(TWO, index=np.arange(N)[::-1]),
    "category": pd.Series(pd.Categorical(TWO, categories=["yes", "no", "never"])),
    "string": pd.Series(TWO, dtype="string"),
    "boolean": pd.Series(pd.array(TWO == "yes", dtype="boolean")),
    "polars": pl.Series(TWO.tolist()),
    "polars category": pl.Series(TWO.tolist(), dtype=pl.Categorical),
    "huge integers": (TWO == "yes").astype(np.int64) * 10**17,
}


@pytest.mark.parametrize("name", LABELS)
def test_labels(name):
    expected = fitted(classifier, TWO, max_iter=2)
    model = classifier(max_iter=2).fit(TABLE, LABELS[name])
    np.testing.assert_array_equal(model.predict_proba(NEW), expected.predict_proba(NEW))
    assert len(model.classes_) == 2
    assert set(model.predict(NEW)) <= set(model.classes_)
    assert model.score(TABLE, LABELS[name]) == expected.score(TABLE, TWO)


BAD_LABELS = {
    "one class": (np.full(N, 3), "1 class only: 3"),
    "NaN": (np.r_[np.nan, np.ones(N - 1)], "y contains NaN"),
    "None": ([None, *TWO[1:]], "y holds None in 1 of 90 rows"),
    "numbers": (NUMBERS, "Unknown label type: continuous"),
    "two columns": (np.c_[TWO, TWO], "y should be a 1d array"),
    "infinite": (np.r_[np.inf, np.ones(N - 1)], "y contains infinity"),
    "bytes": (TWO.astype("S"), "labels of bytes"),
    "short": (TWO[1:], r"inconsistent numbers of samples: \[90, 89\]"),
    "nothing": (None, "requires y to be passed"),
}


@pytest.mark.parametrize("name", BAD_LABELS)
def test_bad_labels(name):
    y, message = BAD_LABELS[name]
    with pytest.raises(ValueError, match=message):
        classifier().fit(TABLE, y)


@MANY_CLASSES
@pytest.mark.parametrize("n_classes", [12, 13, 30])
def test_many_classes(n_classes):
    """With more than 12, categories are encoded by their counts alone."""
    model = classifier(max_iter=2).fit(TABLE, np.arange(N) % n_classes)
    assert model.predict_proba(NEW).shape == (20, n_classes)


#: Numbers that say the same, and by how much they are shifted and multiplied.
SCALES = {
    "huge": (0, 2.0**660),
    "tiny": (0, 2.0**-660),
    "denormal": (0, 2.0**-1050),
    "list": (0, 1.0),
    "offset": (1e8, 1.0),
}


@pytest.mark.parametrize("name", SCALES)
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "quantile"])
def test_scales_of_numbers(name, loss):
    offset, factor = SCALES[name]
    y = (NUMBERS + offset) * factor
    model = regressor(loss=loss).fit(TABLE, y.tolist() if name == "list" else y)
    expected = fitted(regressor, NUMBERS, loss=loss)
    tolerance = {"denormal": 1e-4, "offset": 1e-4}.get(name, 1e-12)
    for found, plain, shift in zip(
        model.predict(NEW, return_std=True),
        expected.predict(NEW, return_std=True),
        (offset, 0),
        strict=True,
    ):
        # Divided first by one half of the factor, since it may have no inverse.
        half = np.sqrt(factor)
        np.testing.assert_allclose(
            found / half / half - shift, plain, rtol=tolerance, atol=tolerance
        )
    assert model.oof_score_ == pytest.approx(expected.oof_score_, rel=1e-3)
    assert model.score(TABLE, y) == pytest.approx(expected.score(TABLE, NUMBERS), rel=1e-3)


@pytest.mark.parametrize("value", [0.0, 3.0, -1e300, 1e-300, 3.3, 1e10 / 3])
@pytest.mark.parametrize("loss", ["squared_error", "quantile"])
def test_constant_numbers(value, loss):
    model = regressor(loss=loss).fit(TABLE, np.full(N, value))
    mean, deviation = model.predict(NEW, return_std=True)
    assert np.all(mean == value)
    assert np.all(deviation == 0)
    assert model.score(TABLE, np.full(N, value)) == 1


@pytest.mark.parametrize("outlier", [1e12, 1e60, 1e200, 1e300])
def test_an_outlier(outlier):
    model = regressor().fit(TABLE, np.r_[outlier, NUMBERS[1:]])
    mean, deviation = model.predict(NEW, return_std=True)
    assert np.all(np.isfinite(mean))
    assert np.all(np.isfinite(deviation))
    assert np.isfinite(model.oof_score_)


NUMBERS_OF_DTYPES = {
    "int": np.round(NUMBERS).astype(int),
    "uint8": np.round(NUMBERS).astype(np.uint8),
    "float32": NUMBERS.astype(np.float32),
    "float16": NUMBERS.astype(np.float16),
    "bool": NUMBERS > 20,
    "objects": NUMBERS.astype(object),
    "Float64": pd.Series(pd.array(NUMBERS, dtype="Float64")),
    "polars": pl.Series(NUMBERS),
    "decimals": np.array([decimal.Decimal(round(each)) for each in NUMBERS]),
}


@pytest.mark.parametrize("name", NUMBERS_OF_DTYPES)
def test_dtypes_of_numbers(name):
    y = NUMBERS_OF_DTYPES[name]
    model = regressor().fit(TABLE, y)
    expected = regressor().fit(TABLE, np.asarray(y, dtype=np.float64))
    np.testing.assert_array_equal(model.predict(NEW), expected.predict(NEW))


BAD_NUMBERS = {
    "text": (TWO, "y is not numeric: it holds 'yes'|'no'"),
    "NaN": (np.r_[np.nan, NUMBERS[1:]], "y contains NaN"),
    "NA": (pd.Series([None, *NUMBERS[1:]], dtype="Float64"), "y contains NaN"),
    "infinite": (np.r_[np.inf, NUMBERS[1:]], "y contains infinity"),
    "huge integers": ([10**400, *NUMBERS[1:]], "y holds an integer that is too large"),
    "too large": (NUMBERS * 1e300, "y holds .*e.30.: numbers beyond 1e.300 are too large"),
    "dates": (pd.date_range("2020", periods=N), "y holds dates"),
    "durations": (pd.to_timedelta(np.arange(N), unit="h"), "y holds durations"),
    "two columns": (np.c_[NUMBERS, NUMBERS], "y should be a 1d array"),
    "complex": (NUMBERS + 1j, "Complex data not supported"),
    "masked": (np.ma.masked_array(NUMBERS, NUMBERS > 20), "y is a masked array"),
    "short": (NUMBERS[1:], r"inconsistent numbers of samples: \[90, 89\]"),
    "nothing": (None, "requires y to be passed"),
}


@pytest.mark.parametrize("name", BAD_NUMBERS)
def test_bad_numbers(name):
    y, message = BAD_NUMBERS[name]
    with pytest.raises(ValueError, match=message):
        regressor().fit(TABLE, y)


@both
def test_a_column_of_targets_is_warned_of(make, y):
    with pytest.warns(UserWarning, match="A column-vector y was passed"):
        model = make().fit(TABLE, y[:, None])
    np.testing.assert_array_equal(model.predict(NEW), fitted(make, y).predict(NEW))


# ------------------------------------------------------------------ metrics that select epochs


def seen_by(metric):
    """The metric, and what it has been called with."""
    calls = []

    def recording(estimator, X, y):
        calls.append((estimator, X, y))
        return metric(estimator, X, y)

    return recording, calls


#: A metric by name, the problem, and what it is of the out-of-fold predictions.
METRICS = [
    ("roc_auc", "two classes", lambda y, p: roc_auc_score(y == "yes", p[:, 1])),
    ("neg_log_loss", "three classes", lambda y, p: -log_loss(y, p)),
    (
        "average_precision",
        "three classes",
        lambda y, p: average_precision_score(np.eye(3)[y], p, average="macro"),
    ),
    ("accuracy", "two classes", lambda y, p: np.mean((p[:, 1] > 0.5) == (y == "yes"))),
    ("r2", "numbers", r2_score),
    ("neg_mean_absolute_error", "numbers", lambda y, p: -np.mean(np.abs(y - p))),
]


@pytest.mark.parametrize(("name", "problem", "expected"), METRICS, ids=[row[0] for row in METRICS])
def test_metrics_by_name(name, problem, expected):
    make, y = PROBLEMS[problem]
    model = make(early_stopping_metric=name, max_iter=8).fit(TABLE, y)
    found = [-row["early_stopping_metric"] for row in model.history_]
    (epoch,) = model.best_iteration_
    assert found[epoch - 1] == max(found)
    assert found[epoch - 1] == pytest.approx(expected(y, model.oof_predictions_), rel=1e-4)


def test_metrics_may_copy_the_rows():
    """Another container with the same elements is the same rows."""

    def metric(estimator, X, y_true):
        scores = [estimator.score(each, y_true) for each in (X, X.copy(), X.to_numpy(object))]
        assert len(set(scores)) == 1
        return scores[0]

    assert classifier(early_stopping_metric=metric).fit(TABLE, TWO).oof_score_ > 0


@pytest.mark.parametrize("written", ["single", "decimal"])
@pytest.mark.parametrize("trained_in", ["float64", "float32"])
def test_levels_that_are_numbers_are_known_in_other_types(written, trained_in):
    def frame(values):
        return pd.DataFrame({"size": SIZE, "price": pd.Series(values).astype("category")})

    prices = np.arange(N) % 7 / 10
    encoder = TableEncoder().fit(frame(prices.astype(trained_in)), TWO)
    others = prices.astype("float32" if trained_in == "float64" else "float64")
    if written == "decimal":
        others = [decimal.Decimal(f"{price:.1f}") for price in prices]
    expected = encoder.transform(frame(prices.astype(trained_in)))
    np.testing.assert_array_equal(encoder.transform(frame(others)), expected)


def test_the_score_of_an_absolute_error():
    """R^2 is no function of it."""
    y = np.exp(2 * np.arange(N) / N + np.sin(7 * np.arange(N)))
    make = partial(regressor, loss="absolute_error", max_iter=20)
    by_score, by_r2 = (make(early_stopping_metric=name).fit(TABLE, y) for name in ("score", "r2"))
    assert by_score.best_iteration_ == by_r2.best_iteration_
    scores = [row["oof_score"] for row in by_score.history_]
    assert scores[by_score.best_iteration_[0] - 1] == max(scores)


def test_the_history_has_the_score_without_weights_of_classes():
    """And the error with them: it is what epochs are selected by."""
    model = classifier(class_weight={"yes": 5.0, "no": 1.0}, early_stopping_metric="score")
    model.fit(TABLE, TWO, X_val=TABLE, y_val=TWO)
    row = model.history_[model.best_iteration_[0] - 1]
    is_wrong = model.classes_[model.raw_outputs(TABLE)[0].argmax(axis=2)] != TWO
    weight = np.broadcast_to(np.where(TWO == "yes", 5.0, 1.0), is_wrong.shape)
    assert row["validation_score"] == pytest.approx(1 - is_wrong.mean())
    assert row["validation_error"] == pytest.approx(np.average(is_wrong, weights=weight))
    assert row["validation_error"] == min(row["validation_error"] for row in model.history_)


@pytest.mark.parametrize("criterion", ["loss", "score"])
@each_problem
def test_the_loss_or_the_score_alone(make, y, criterion):
    model = make(early_stopping_metric=criterion, max_iter=8).fit(TABLE, y)
    assert len(model.best_iteration_) == 1
    is_error = criterion == "score" and y is not NUMBERS
    values = [row["oof_error" if is_error else "oof_loss"] for row in model.history_]
    assert values[model.best_iteration_[0] - 1] == min(values)


@each_problem
def test_metrics_of_users(make, y):
    """They are given the judged rows of the user's frame, in the order of the members."""

    def metric(estimator, X, y_true):
        assert estimator.n_features_in_ == 5
        assert isinstance(estimator, make().__class__)
        probability = y is not NUMBERS and estimator.predict_proba(X)
        if y is not NUMBERS:
            assert probability.shape == (N, len(estimator.classes_))
            assert len(estimator.decision_function(X)) == N
        return estimator.score(X, y_true)

    recording, calls = seen_by(metric)
    model = make(early_stopping_metric=recording).fit(TABLE, y)
    assert len(calls) == model.n_iter_
    for _, X, y_true in calls:
        assert isinstance(X, pd.DataFrame)
        assert sorted(X.index) == list(range(N))
        np.testing.assert_array_equal(y_true, y[X.index])
        pd.testing.assert_frame_equal(X, TABLE.loc[X.index])
    scores = [-row["early_stopping_metric"] for row in model.history_]
    assert scores[model.best_iteration_[0] - 1] == max(scores)


@cache
def plain_by_accuracy():
    model = classifier(max_iter=2, early_stopping_metric="accuracy")
    return model.fit(PLAIN, TWO, np.arange(N) % 3)


@pytest.mark.parametrize("name", FORMS)
def test_metrics_for_all_forms_of_a_table(name):
    """The rows come as what the user has passed."""
    X, kept = FORMS[name], np.flatnonzero(np.arange(N) % 3)
    recording, calls = seen_by(lambda estimator, X, y_true: estimator.score(X, y_true))
    weight = np.arange(N) % 3
    model = classifier(max_iter=2, early_stopping_metric=recording).fit(X, TWO, weight)
    for _, rows, y_true in calls:
        assert type(rows) is type(X)
        assert len(rows) == len(y_true) == len(kept)
    expected = plain_by_accuracy()
    assert model.raw_outputs(X).shape[1] == expected.raw_outputs(PLAIN).shape[1]
    by_name = classifier(max_iter=2, early_stopping_metric="accuracy").fit(X, TWO, weight)
    np.testing.assert_array_equal(answer(by_name, X), answer(expected, PLAIN))


@both
def test_metrics_and_weights(make, y):
    """Rows of weight zero are not shown; a scorer that takes weights is given them."""
    weight = np.where(np.arange(N) % 3, 1.5, 0.0)
    found = []

    def metric(estimator, X, y_true, sample_weight=None):
        found.append((X, sample_weight))
        return estimator.score(X, y_true, sample_weight)

    model = make(early_stopping_metric=metric).fit(TABLE, y, weight)
    for X, sample_weight in found:
        assert sorted(X.index) == np.flatnonzero(weight).tolist()
        assert sample_weight is None or np.allclose(sample_weight, 1.5)
    assert model.history_[0]["early_stopping_metric"] is not None
    name = "accuracy" if make is classifier else "r2"
    model = make(early_stopping_metric=name).fit(TABLE, y, np.linspace(0, 1, N))
    best = -model.history_[model.best_iteration_[0] - 1]["early_stopping_metric"]
    assert best == pytest.approx(model.oof_score_, rel=1e-6)


@both
def test_metrics_for_validation_rows(make, y):
    recording, calls = seen_by(lambda estimator, X, y_true: estimator.score(X, y_true))
    model = make(early_stopping_metric=recording).fit(TABLE, y, X_val=TABLE[:30], y_val=y[:30])
    for _, X, y_true in calls:
        # Each row once for each member.
        assert X.index.tolist() == 3 * list(range(30))
        np.testing.assert_array_equal(y_true, np.tile(y[:30], 3))
    best = -model.history_[model.best_iteration_[0] - 1]["early_stopping_metric"]
    assert best == pytest.approx(model.validation_score_, rel=1e-6)


@each_problem
def test_metrics_that_are_no_numbers(make, y):
    values = iter([np.nan, 0.5, np.nan, 0.1])
    model = make(max_iter=4, early_stopping_metric=lambda *_: next(values)).fit(TABLE, y)
    assert model.best_iteration_.tolist() == [2]
    for value in (np.nan, -np.inf):
        model = make(early_stopping_metric=lambda *_, value=value: value)
        with pytest.warns(UserWarning, match="No epoch had an early_stopping_metric that is a"):
            model.fit(TABLE, y)
        assert model.best_iteration_.tolist() == [3]
        assert model.history_.to_frame()["early_stopping_metric"].dtype == float
        assert np.all(np.isfinite(outputs(model, NEW)))


@both
@pytest.mark.parametrize(
    ("metric", "error", "message"),
    [
        (lambda *_: "good", ValueError, r"metric must return a number, got 'good' \(str\)"),
        (lambda *_: None, ValueError, r"metric must return a number, got None \(NoneType\)"),
        (lambda *_: 1 / 0, ZeroDivisionError, "division"),
        (lambda e, X, y: e.predict(X[:3])[0], ValueError, "For other rows there is no prediction"),
        (lambda e, X, y: e.score(X[::-1], y), ValueError, "as they are and in their order"),
        (lambda e, X, y: e.is_categorical_.sum(), AttributeError, "amid a fit the model has no"),
        (lambda e, X, y: e.raw_outputs(X)[0], ValueError, "not for raw_outputs"),
    ],
    ids=["text", "None", "error", "some rows", "other order", "attribute", "raw outputs"],
)
def test_metrics_that_fail(make, y, metric, error, message):
    model = fitted(make, y)
    before = visible_state(model)
    with pytest.raises(error, match=message):
        model.set_params(early_stopping_metric=metric).fit(TABLE, y)
    assert visible_state(model) == before


# ------------------------------------------------------------------ fits that fail or are stopped


def seen(model):
    return visible_state(model), answers(model, NEW), pickle.dumps(model)


def failing(then, n_calls=30):
    """An activation function that calls ``then()`` on the way."""
    return Activation("counting", countdown(n_calls, then), unchanged)


def assert_unchanged(make, y, fail, **params):
    """A fit that fails leaves the former model, and the user's generator, as they were."""
    model = make(random_state=np.random.RandomState(3)).fit(TABLE, y)
    before, old = seen(model), model.get_params(deep=False)
    fail(model.set_params(**params))
    model.set_params(**{name: old[name] for name in params})
    assert seen(model) == before
    unfitted = make(random_state=np.random.RandomState(3), **params)
    generator = pickle.dumps(unfitted.random_state)
    fail(unfitted)
    assert not hasattr(unfitted, "n_iter_")
    assert pickle.dumps(unfitted.random_state) == generator


@both
@pytest.mark.parametrize("error", [ZeroDivisionError(), KeyboardInterrupt()], ids=repr)
def test_an_error_in_the_first_epoch(make, y, error):
    def fail(model):
        model.activation = failing(raising(error), n_calls=3)
        with pytest.raises(type(error)):
            model.fit(TABLE, y)
        model.activation = None

    assert_unchanged(make, y, fail)


@both
@pytest.mark.parametrize(
    ("X", "params"),
    [
        (TABLE.assign(age=np.inf), {}),
        (TABLE, {"dropout": 3.0}),
        (TABLE, {"learning_rate_init": 1e30}),
        (TABLE, {"cv": [(np.arange(50), np.arange(40, 60))]}),
    ],
    ids=["X", "parameter", "diverged", "cv"],
)
def test_a_fit_that_fails(make, y, X, params):
    def fail(model):
        with pytest.raises(ValueError, match=r"Column 'age'|dropout|non-finite|trains on rows"):
            model.fit(X, y)

    assert_unchanged(make, y, fail, **params)


@each_problem
def test_a_rate_that_is_much_too_high(make, y):
    with pytest.raises(ValueError, match=r"(?s)non-finite.*learning rate may be too high"):
        make(learning_rate_init=1e30).fit(TABLE, y)


def test_members_that_diverge():
    """They are kept as they were before, and the others are trained on."""
    calls = []

    def forward(x, *saved):
        # The identity, until in the third epoch the second of two members is not finite.
        calls.append(x.shape)
        if len(calls) > 60 and len(x) % 2 == 0 and len(calls) % 2:
            x[len(x) // 2 :] = np.nan

    activation = Activation("breaking", forward, unchanged)
    model = regressor(cv=2, max_iter=6, activation=activation, batch_size=None)
    with pytest.warns(ConvergenceWarning, match="1 of 2 members is no longer finite"):
        model.fit(TABLE, NUMBERS)


@SINCE_1_9
@each_problem
@pytest.mark.parametrize("k", [1, 3])
def test_an_interrupt_keeps_whole_epochs(make, y, k):
    """The best of them so far: those that a fit which a callback ends there would have kept."""
    expected = make(max_iter=6).set_callbacks(stop_after(k)).fit(TABLE, y)
    assert expected.stop_reason_ == "callback"
    first = make(max_iter=6)
    again = make(max_iter=1).fit(TABLE[:40], y[:40]).set_params(max_iter=6)
    for model in (first, again):
        with pytest.raises(KeyboardInterrupt):
            model.set_callbacks(raise_after(k, KeyboardInterrupt())).fit(TABLE, y)
        assert model.n_iter_ == k
        assert model.stop_reason_ == "interrupted"
        assert answers(model, NEW) == answers(expected, NEW)
        np.testing.assert_array_equal(model.oof_predictions_, expected.oof_predictions_)
        assert model.best_iteration_.tolist() == expected.best_iteration_.tolist()
        assert len(model.history_) == k


@each_problem
def test_an_interrupt_amid_a_later_epoch(make, y):
    """Without callbacks: in the metric of the third epoch, two are over."""
    values = iter([0.1, 0.2])

    def metric(*_):
        try:
            return next(values)
        except StopIteration:
            raise KeyboardInterrupt from None

    model = make(early_stopping_metric=metric)
    with pytest.raises(KeyboardInterrupt):
        model.fit(TABLE, y)
    assert model.n_iter_ == 2
    assert model.best_iteration_.tolist() == [2]
    assert model.stop_reason_ == "interrupted"
    assert np.all(np.isfinite(outputs(model, NEW)))
    assert model.oof_predictions_.shape[0] == N


@SINCE_1_9
@each_problem
def test_snapshots_are_working_models(make, y):
    found = []

    def look(model):
        copied = copy.deepcopy(model)
        found.append((copied, answers(model, NEW), model.n_iter_))

    silent = fitted(make, y)
    model = make().set_callbacks(AtTheEnd(look)).fit(TABLE, y)
    assert [n for *_, n in found] == [1, 2, 3]
    for copied, expected, n in found:
        assert answers(copied, NEW) == expected
        assert len(copied.history_) == n
        assert copied.stop_reason_ == ""
    assert found[-1][1] == answers(silent, NEW) == answers(model, NEW)
    assert not hasattr(model.for_prediction(), "_skl_callbacks")


@SINCE_1_9
@each_problem
def test_an_error_of_a_callback(make, y):
    def fail(model):
        with pytest.raises(ZeroDivisionError):
            model.set_callbacks(raise_after(2, ZeroDivisionError())).fit(TABLE, y)
        model.set_callbacks()

    assert_unchanged(make, y, fail)


@each_problem
def test_max_time(make, y):
    model = make(max_time=1e-9, max_iter=1000).fit(TABLE, y)
    assert model.n_iter_ == 1
    assert model.stop_reason_ == "max_time"
    assert make(max_time=np.inf).fit(TABLE, y).stop_reason_ == "max_iter"


@both
def test_verbose(make, y, capsys):
    make = partial(make, max_iter=4)
    make(verbose=True).fit(TABLE, y)
    lines = capsys.readouterr().out.strip().splitlines()
    assert len(lines) >= 4
    make(verbose=2).fit(TABLE, y)
    fewer = capsys.readouterr().out.strip().splitlines()
    assert 0 < len(fewer) < len(lines)
    make().fit(TABLE, y)
    assert capsys.readouterr() == ("", "")


@each_problem
def test_a_generator_of_the_users(make, y):
    """It is left where the fit has left it: the next fit draws other numbers."""
    random = np.random.RandomState(5)
    first = make(random_state=random).fit(TABLE, y)
    after = random.get_state()[2]
    second = make(random_state=random).fit(TABLE, y)
    assert np.any(answer(first, NEW) != answer(second, NEW))
    again = np.random.RandomState(5)
    np.testing.assert_array_equal(
        answer(make(random_state=again).fit(TABLE, y), NEW), answer(first, NEW)
    )
    assert again.get_state()[2] == after
    np.testing.assert_array_equal(
        answer(make(random_state=5).fit(TABLE, y), NEW), answer(first, NEW)
    )
    global_state = np.random.get_state()[1].tobytes()
    make(random_state=5).fit(TABLE, y)
    assert np.random.get_state()[1].tobytes() == global_state


@each_problem
def test_nothing_that_is_passed_is_changed(make, y):
    X, weight = TABLE.copy(), np.linspace(0, 1, N)
    target, original = y.copy(), y.copy()
    model = make().fit(X, target, weight)
    outputs(model, X)
    pd.testing.assert_frame_equal(X, TABLE)
    np.testing.assert_array_equal(target, original)
    np.testing.assert_array_equal(weight, np.linspace(0, 1, N))
    for order in ("C", "F"):
        X = np.array(np.c_[SIZE, SIZE**2], order=order)
        for array in (X, target, weight):
            array.setflags(write=False)
        np.testing.assert_array_equal(
            answer(make(max_iter=1).fit(X, target, weight), X),
            answer(make(max_iter=1).fit(X.copy(), y.copy(), weight.copy()), X),
        )


def test_memory_mapped_arrays(tmp_path):
    X = np.c_[SIZE, SIZE**2]
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    model = regressor().fit(mapped, NUMBERS)
    np.testing.assert_array_equal(model.predict(mapped), regressor().fit(X, NUMBERS).predict(X))


# ------------------------------------------------------------------ copies and pickles


def by_joblib(model, tmp_path):
    joblib.dump(model, tmp_path / "model.joblib")
    return joblib.load(tmp_path / "model.joblib", mmap_mode="r")


COPIES = {
    "copy": lambda model, _: copy.copy(model),
    "deepcopy": lambda model, _: copy.deepcopy(model),
    **{
        f"pickle {k}": lambda model, _, k=k: pickle.loads(pickle.dumps(model, k)) for k in (2, 4, 5)
    },
    "joblib, mapped": by_joblib,
    "for prediction": lambda model, _: model.for_prediction(),
}


@cache
def of_the_copied(problem):
    """What is seen of the fit that all copies are made of, and what it says."""
    model = fitted(*PROBLEMS[problem])
    return seen(model), outputs(model, NEW)


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("name", COPIES)
def test_copies(problem, name, tmp_path):
    make, y = PROBLEMS[problem]
    model = fitted(make, y)
    before, expected = of_the_copied(problem)
    copied = COPIES[name](model, tmp_path)
    np.testing.assert_array_equal(outputs(copied, NEW), expected)
    assert copied.get_params() == model.get_params()
    assert copied.best_iteration_.tolist() == model.best_iteration_.tolist()
    if name != "for prediction":
        for record, expected in zip(copied.history_, model.history_, strict=True):
            # The seconds are left out, so that equal models have equal files.
            assert {**record, "seconds": 0} == {**expected, "seconds": 0}
        np.testing.assert_array_equal(copied.oof_predictions_, model.oof_predictions_)
    # A fit of the copy leaves the other as it was.
    copied.set_params(random_state=9, max_iter=1).fit(TABLE[:50], y[:50])
    assert seen(model) == before
    assert np.any(outputs(copied, NEW) != expected)


@each_problem
def test_for_prediction(make, y):
    lean = fitted(make, y).for_prediction()
    for name in ("history_", "oof_predictions_"):
        assert not hasattr(lean, name)
    with pytest.raises(AttributeError, match=r"for_prediction\(\) has left the history out"):
        _ = lean.history_
    assert np.isfinite(lean.oof_score_)
    assert lean.for_prediction().predict(NEW).tolist() == lean.predict(NEW).tolist()
    with pytest.raises(NotFittedError):
        make().for_prediction()


@each_problem
def test_representations(make, y):
    model = make()
    assert type(model).__name__ in repr(model)
    assert "TabularMLP" in model._repr_html_()
    assert clone(model).get_params() == model.get_params()
    fitted = clone(model).fit(TABLE, y)
    assert not hasattr(clone(fitted), "n_iter_")
    assert repr(fitted) == repr(model)
    assert "TabularMLP" in fitted._repr_html_()


#: Columns of many values, few values, and categories, with more rows than a fit keeps quantiles of.
WIDE = pd.DataFrame(
    {
        **{f"real {j}": np.random.RandomState(j).standard_normal(1500) for j in range(4)},
        **{f"count {j}": np.random.RandomState(j).poisson(3, 1500) for j in range(8)},
        "city": [f"city {i % 40}" for i in range(1500)],
    }
)


@pytest.mark.parametrize("kind", [TabularMLPClassifier, TabularMLPRegressor])
def test_files_are_small(kind):
    """At most 1.05 times the parameters of all members and checkpoints; and what is out of fold."""
    y = np.arange(1500) % 2
    model = kind(max_iter=2, random_state=0).fit(WIDE, y)
    size = model._model.params.nbytes
    out_of_fold = 4 * len(y)
    for saved, others in ((model, out_of_fold), (model.for_prediction(), 0)):
        assert len(pickle.dumps(saved)) < 1.05 * size + others
        buffer = io.BytesIO()
        joblib.dump(saved, buffer)
        assert len(buffer.getvalue()) < 1.05 * size + others


@each_problem
def test_out_of_fold_predictions_of_earlier_files(make, y):
    """They were arrays of probabilities or numbers, in float64."""
    fitted = make(cv=[(np.arange(50), np.arange(50, N))]).fit(TABLE, y)._fitted
    plain = fitted.to_dict()
    del plain["out_of_fold"]
    as_before = {**plain, "oof_predictions": fitted.oof_predictions}
    found = FittedEnsemble.from_dict(as_before).oof_predictions
    assert np.isnan(found[:50]).all()
    assert not np.isnan(found[50:]).any()
    np.testing.assert_allclose(found, fitted.oof_predictions, rtol=1e-14)


@each_problem
def test_missing_values_of_earlier_files(make, y):
    """There was no column for those of categories, and the mean stood in for numbers."""
    gaps = TABLE.copy()
    gaps.loc[gaps.index[::7], "colour"] = None
    fitted = make().fit(gaps, y)._fitted
    plain = fitted.to_dict()
    columns = plain["model"]["table"]["columns"]
    assert any(each["tells_missing"] for each in columns["categories"])
    means = columns["numbers"].pop("stand_ins") + 1.0
    columns["numbers"]["means"] = means
    for each in columns["categories"]:
        del each["tells_missing"]
    found = FittedEnsemble.from_dict({**plain, "format": 2}).model.table.columns
    np.testing.assert_array_equal(found.numbers.stand_ins, means)
    for category in found.categories:
        assert len(category.signs()) <= max(1, len(category.levels))


@pytest.mark.parametrize("center", [0.0, -1e9, 1e300])
@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e290])
def test_numbers_in_single_precision(center, scale):
    deviations = np.random.RandomState(0).standard_normal(100) * scale
    numbers = center + deviations
    found = SinglePrecision.of(numbers, center, scale)
    assert found.values.dtype == np.float32
    rounding = np.abs(center) * np.finfo(float).eps
    restored = found.in_double_precision()
    np.testing.assert_allclose(restored, numbers, rtol=0, atol=6e-8 * 4 * scale + rounding)
    kept = np.arange(120) % 6 > 0
    among_all = found.among(kept).in_double_precision()
    np.testing.assert_array_equal(among_all[kept], restored)
    assert np.all(np.isnan(among_all[~kept]))


def test_small_probabilities_in_single_precision():
    """They sum to one in float64, and their logarithms are what they were."""
    model = classifier(max_iter=1).fit(TABLE, TWO)
    outputs = model._model.outputs
    small = np.logspace(-37, -1, 200)
    probability = np.column_stack([1 - small, small])
    logits = SinglePrecision.of(outputs.of_predictions(probability))
    found = outputs.predictions(logits.in_double_precision())
    np.testing.assert_allclose(found, probability, rtol=1e-5)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-15)


@each_problem
def test_threads(make, y):
    """Predictions from several threads, of a model whose arrays nobody has asked for yet."""
    model = fitted(make, y)
    expected = outputs(copy.deepcopy(model), NEW)
    for _ in range(3):
        fresh = pickle.loads(pickle.dumps(model))
        with ThreadPoolExecutor(4) as pool:
            for found in pool.map(lambda _: outputs(fresh, NEW), range(8)):  # noqa: B023
                np.testing.assert_array_equal(found, expected)


@each_problem
def test_runs_of_rows(make, y, monkeypatch):
    """Long tables are read and predicted in runs."""
    model = fitted(make, y)
    expected = outputs(model, TABLE)
    monkeypatch.setattr("skneural.estimators.table.fitted.RUN_ELEMENTS", 1)
    monkeypatch.setattr("skneural.estimators.table.fitted.MIN_RUN_ROWS", 7)
    found = outputs(model, TABLE)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)
    assert model.raw_outputs(TABLE).shape[2] == N


@each_problem
def test_dtype_of_predictions(make, y):
    """In float64, but for arrays of float32; numbers in the units of y always."""
    X = np.c_[SIZE, SIZE**2]
    model = make().fit(X, y)
    single = X.astype(np.float32)
    for name in (
        "predict",
        "predict_proba",
        "predict_log_proba",
        "decision_function",
        "raw_outputs",
    ):
        if not hasattr(model, name):
            continue
        found, rough = (getattr(model, name)(each) for each in (X, single))
        if found.dtype.kind == "f" and not (name == "predict" and y is THREE):
            assert found.dtype == np.float64
            assert rough.dtype == (np.float64 if name == "predict" else np.float32)
            np.testing.assert_allclose(rough, found, rtol=1e-3, atol=1e-4)
    frame = pd.DataFrame(single, columns=["a", "b"])
    assert outputs(make().fit(frame, y), frame).dtype == np.float64


def test_numbers_far_from_zero_for_columns_in_single_precision():
    """Seconds since 1970, say: float32 would make all of them the same."""
    X = np.c_[SIZE, SIZE**2].astype(np.float32)
    near, far = NUMBERS - NUMBERS.mean(), 1.7e9 + NUMBERS - NUMBERS.mean()
    found, expected = (regressor(max_iter=20).fit(X, y).predict(X) for y in (far, near))
    np.testing.assert_allclose(found - 1.7e9, expected, atol=1e-3 * near.std())


# ------------------------------------------------------------------ numbers at the edges


#: Numbers of accounts, say: float64 makes equal ones of them.
CODES = [2**60 + i for i in (0, 1, 2, 3)] * 30
CODES_WITH_MISSING = [None if i % 10 == 0 else code for i, code in enumerate(CODES)]
CODES_AS = {
    "int64": lambda codes: pd.Series(codes, dtype="int64"),
    "uint64": lambda codes: pd.Series(codes, dtype="uint64"),
    "Int64": lambda codes: pd.Series(codes, dtype="Int64"),
    "int64[pyarrow]": lambda codes: pd.Series(codes, dtype="int64[pyarrow]"),
    "object": lambda codes: pd.Series(codes, dtype=object),
    "category": lambda codes: pd.Series(codes, dtype=object).astype("category"),
    "polars": lambda codes: pl.Series(codes, dtype=pl.Int64),
    "pyarrow": lambda codes: pa.array(codes, type=pa.int64()),
}
FRAME_OF = {"polars": pl.DataFrame, "pyarrow": pa.table}


@pytest.mark.parametrize(
    ("dtype", "codes"),
    [
        *(pytest.param(dtype, CODES, id=dtype) for dtype in CODES_AS),
        *(
            pytest.param(dtype, CODES_WITH_MISSING, id=f"{dtype}, some missing")
            for dtype in CODES_AS
            if dtype not in ("int64", "uint64")
        ),
    ],
)
def test_codes_are_told_apart_whatever_their_dtype(dtype, codes):
    def frame(dtype):
        return FRAME_OF.get(dtype, pd.DataFrame)({"code": CODES_AS[dtype](codes)})

    y = np.array(CODES) % 2
    encoder = TableEncoder(categorical_features=["code"]).fit(frame(dtype), y)
    expected = encoder.transform(frame("object"))
    np.testing.assert_array_equal(encoder.transform(frame(dtype)), expected)
    known = np.array([code is not None for code in codes])
    assert len(np.unique(expected[known], axis=0)) == 4
    # The names do not depend on it either.
    names = TableEncoder(categorical_features=["code"]).fit(frame("object"), y)
    assert list(encoder.get_feature_names_out()) == list(names.get_feature_names_out())


def test_bins_are_levels():
    cut = pd.cut(SIZE, 4)
    named = pd.Categorical(cut.astype(str), categories=list(map(str, cut.categories)))
    encoded = TableEncoder().fit_transform(with_column(cut), TWO)
    np.testing.assert_array_equal(encoded, TableEncoder().fit_transform(with_column(named), TWO))
    named = with_column(pd.cut(SIZE, 4, labels=["a", "b", "c", "d"]))
    assert TableEncoder().fit_transform(named, TWO).shape == encoded.shape


@pytest.mark.parametrize("dtype", ["string", "string[pyarrow]", "category", "polars"])
def test_text_that_is_all_missing_in_training_may_come_later(dtype):
    def frame(values):
        if dtype == "polars":
            return pl.DataFrame({"size": SIZE, "note": pl.Series(values, dtype=pl.String)})
        return pd.DataFrame({"size": SIZE, "note": pd.Series(values, dtype=dtype)})

    model = TabularMLPClassifier(cv=2, max_iter=2, random_state=0).fit(frame([None] * N), TWO)
    np.testing.assert_array_equal(
        model.predict_proba(frame(["late"] * N)), model.predict_proba(frame([None] * N))
    )


@pytest.mark.parametrize("tiny", [5e-324, 1e-314, 2.5e-308, 1e-300])
@pytest.mark.parametrize("largest", [None, 1.0, 1e300])
def test_numbers_so_close_that_their_slopes_are_infinite(tiny, largest):
    column = np.r_[np.zeros(60), tiny, 3 * tiny, 9 * tiny, np.linspace(4, 8, 37) * tiny]
    if largest is not None:
        column = np.r_[column, np.linspace(0, largest, 100)]
    x = np.r_[column, tiny * np.arange(12), -1.0, 0.5, 1e300, -1e300][:, np.newaxis]
    encoder = TableEncoder().fit(column[:, np.newaxis])
    normal, scaled = encoder.transform(x).T
    assert np.isfinite([normal, scaled]).all()
    order = np.argsort(x[:, 0], kind="stable")
    assert (np.diff(normal[order]) >= 0).all()
    if tiny > 1e-310 and largest is None:
        # The same as of numbers 2**900 times as large, which have no such slopes.
        larger = TableEncoder().fit(column[:, np.newaxis] * 2.0**900)
        found = larger.transform(column[:, np.newaxis] * 2.0**900)[:, 0]
        np.testing.assert_array_equal(normal[: len(column)], found)


@pytest.mark.parametrize(
    "labels", [[16777217.0, 16777219.0], np.array([0.0, 1.0], "f2"), [0.0, 1.0]], ids=str
)
def test_labels_are_never_rounded(labels):
    y = np.asarray(labels)[(TWO[0] == TWO).astype(int)]
    X = np.c_[SIZE, TWO[0] == TWO].astype(np.float32)
    model = TabularMLPClassifier(cv=2, max_iter=8, random_state=0).fit(X, y)
    predicted = model.predict(X)
    assert predicted.dtype == y.dtype == model.classes_.dtype
    assert set(predicted) <= set(model.classes_)
    assert model.score(X, y) == np.mean(predicted == y) > 0.9
    assert model.predict_proba(X).dtype == np.float32


def test_categories_beside_many_classes_are_warned_of():
    """Where they have more than 200 levels, the number of the rows of each is all that is left."""
    levels = np.arange(201 * 3) % 201
    frame = pd.DataFrame(
        {"size": np.sin(levels**2), "kind": [f"kind {level}" for level in levels], "z": levels % 2}
    )
    codes, shorter = levels % 26, levels != 200
    model = TabularMLPClassifier(cv=2, max_iter=1, random_state=0)
    message = r"^Column 'kind' of X: where y has more than 12 classes, .* max_one_hot"
    for fit in (model.fit, TableEncoder().fit):
        with pytest.warns(UserWarning, match=message):
            fit(frame, codes)
        fit(frame, codes % 12)
    assert TableEncoder().fit_transform(frame[shorter], codes[shorter]).shape[1] == 2 + 200 + 1
    assert model.fit(frame[shorter], codes[shorter]).fitted_settings_["max_one_hot"] == 200
    model.set_params(max_one_hot=201).fit(frame, codes)
    TableEncoder(max_one_hot=201).fit(frame, codes)


def test_a_category_tells_many_classes_apart():
    """As one of 8 levels does; by the number of its rows it could not."""
    rng = np.random.RandomState(0)
    level = rng.randint(40, size=800)
    frame = pd.DataFrame({"size": rng.standard_normal(800), "kind": [f"k{i}" for i in level]})
    model = TabularMLPClassifier(**SMALL, max_iter=30)
    model.fit(frame[:600], level[:600] % 13)
    assert model.score(frame[600:], level[600:] % 13) > 0.95


@MANY_CLASSES
def test_levels_of_equal_numbers_of_rows_beside_many_classes():
    codes = np.arange(26 * 20) % 26
    frame = pd.DataFrame({"kind": [f"kind {code}" for code in codes]})
    message = "or a category whose levels have the same number of rows"
    for kind in (TabularMLPClassifier, TableEncoder):
        with pytest.raises(ValueError, match=message):
            kind(max_one_hot=8).fit(frame, codes)
    with pytest.raises(ValueError, match=message):
        TableEncoder().fit(frame)


def test_where_named_categories_are_not_all():
    frame = pd.DataFrame({"size": SIZE, "town": THREE_LEVELS, "code": np.arange(N) % 5})
    message = r"Column 'town' of X .*categorical_features has to be 'from_dtype' or to name all"
    with pytest.raises(ValueError, match=message):
        TabularMLPClassifier(categorical_features=["code"]).fit(frame, TWO)
    named = TabularMLPClassifier(cv=2, max_iter=1, categorical_features=["code", "town"])
    assert named.fit(frame, TWO).is_categorical_.tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("seen", "found", "message"),
    [
        ([3, 5, 7], ["3", "5", "7"], "holds text, such as '3', where .* were numbers, such as 3"),
        (["3", "5", "7"], [3, 5, 7], "holds numbers, such as 3, where .* were text, such as '3'"),
        (
            ["True", "False", "no"],
            [True, False, True],
            "holds numbers, such as True, where .* text",
        ),
        (["03", "05", "7"], [3.0, 5.0, 7.0], "holds numbers, such as 3.0, where .* were text"),
        (
            ["3", "5", "7"],
            ["3 ", "5 ", "7 "],
            "holds '3 ', where its categories in training were such as '3': none of them is known",
        ),
        (["Rome", "Oslo", "Bonn"], ["ROME", "OSLO", "Ulm"], "holds 'ROME', where .* as 'Rome'"),
        (["Rome", "Oslo", "Bonn"], ["ROME", "OSLO", "Bonn"], ""),
        (["Rome", "Oslo", "Bonn"], ["Ulm", "Kiel", "Jena"], ""),
        (
            [0.1, 0.2, 0.3],
            np.array([0.1, 0.2, 0.3], dtype=np.float32).tolist(),
            "",
        ),
        ([1e300, 2e39, 1e38], [1e299, 3e39, 2e38], ""),
        (["3", "5", "7"], [30, 50, 70], ""),
        (["a", "b", "c"], [0, 1, 2], ""),
        (["a", "b", "c"], [b"a", b"b", b"c"], "holds b'a', where .* such as 'a': none"),
        (["a", "b", "c"], [b"x", b"y", b"z"], ""),
        (["3", "5", "7"], [None, None, None], ""),
        ([3, 5, 7], [3.0, 5.0, np.nan], ""),
        ([3, 5, 7], [11, 13, 17], ""),
        ([3, "5", 7], ["11", "13", "17"], ""),
        ([None, None, None], ["3", "5", "7"], ""),
    ],
)
def test_levels_of_another_type_are_warned_of(seen, found, message):
    def frame(levels):
        return pd.DataFrame({"size": SIZE, "code": pd.Series(levels * (N // 3), dtype=object)})

    encoder = TableEncoder(categorical_features=["code"]).fit(frame(seen), TWO)
    if message:
        with pytest.warns(UserWarning, match=f"^Column 'code' of X {message}"):
            encoder.transform(frame(found))
    else:
        encoder.transform(frame(found))


@pytest.mark.parametrize("dtype", ["bool", "object", "boolean", "category"])
def test_text_that_has_become_true_and_false_is_warned_of(dtype):
    seen, found = (["True", "False", "no"] * (N // 3), [True, False, True] * (N // 3))
    encoder = TableEncoder().fit(pd.DataFrame({"size": SIZE, "flag": seen}), TWO)
    with pytest.warns(UserWarning, match="^Column 'flag' of X holds numbers, such as .* were text"):
        encoder.transform(pd.DataFrame({"size": SIZE, "flag": pd.Series(found).astype(dtype)}))


@pytest.mark.parametrize("trained_in", ["float64", "float32"])
def test_equal_numbers_are_equal_in_single_precision_too(trained_in):
    """0.1 is another number in float32, next to the jump that the rank has at 0.1."""
    rng = np.random.RandomState(0)
    prices = np.round(rng.lognormal(1, 0.5, 400), 1)
    frame = pd.DataFrame({"price": prices, "share": np.round(rng.uniform(size=400), 2)})
    y = (np.log(prices) + frame["share"] > 1.5).astype(int)
    encoder = TableEncoder().fit(frame.astype(trained_in), y)
    in_double, in_single = encoder.transform(frame), encoder.transform(frame.astype("float32"))
    np.testing.assert_allclose(in_double, in_single, atol=1e-5)
    # What is near a jump, and no rounding of it, stays on its side.
    beside = encoder.transform(frame + 1e-4)
    assert np.abs(beside - in_double).max() > 0.01


@both
def test_weights_that_are_no_numbers_are_named(make, y):
    with pytest.raises(ValueError, match="sample_weight must be numbers: could not convert"):
        make().fit(TABLE, y, sample_weight=["a"] * N)


@pytest.mark.parametrize(
    "frame",
    [
        pd.get_dummies(pd.DataFrame({"s": list("abc") * (N // 3)}), sparse=True, dtype=int),
        pd.get_dummies(pd.DataFrame({"s": list("abc") * (N // 3)}), sparse=True, dtype=bool),
    ],
    ids=["integers", "bools"],
)
@both
def test_sparse_columns_of_pandas(make, y, frame):
    plain = frame.sparse.to_dense()
    found = outputs(make(max_iter=2).fit(frame, y), frame)
    np.testing.assert_array_equal(found, outputs(make(max_iter=2).fit(plain, y), plain))


@pytest.mark.skipif(not hasattr(pl, "Int128"), reason="reference: polars has no Int128 yet")
@both
def test_integers_that_numpy_does_not_have(make, y):
    frame = pl.DataFrame({"s": np.arange(N) % 7, "t": SIZE})
    wide = frame.with_columns(pl.col("s").cast(pl.Int128))
    found = outputs(make(max_iter=2).fit(wide, y), wide)
    np.testing.assert_array_equal(found, outputs(make(max_iter=2).fit(frame, y), frame))


@pytest.mark.parametrize("loss", ["absolute_error", Quantile(0.1), Quantile(0.5)], ids=str)
def test_outliers_do_not_set_the_scale_of_robust_losses(loss):
    """Three rows of 300 move the other predictions no more if they are a million times as far."""
    rng = np.random.RandomState(0)
    X = rng.standard_normal((600, 3))
    y = X[:, 0] + 0.3 * rng.standard_normal(600)
    errors = []
    for size in (0, 1e3, 1e9):
        model = TabularMLPRegressor(loss=loss, **SMALL, max_iter=30)
        disturbed = y[:300] + np.r_[[size] * 3, np.zeros(297)]
        predicted = model.fit(X[:300], disturbed).predict(X[300:])
        level = getattr(loss, "quantile", 0.5)
        errors.append(mean_pinball_loss(y[300:], predicted, alpha=level))
    assert errors[2] < 1.25 * errors[0]
    assert errors[2] == pytest.approx(errors[1], rel=0.05)


@pytest.mark.parametrize("value", [0.1, 1.0, 1e-5])
def test_scores_of_constant_targets(value):
    """They are 0, as by scikit-learn's r2_score of an exact mean: not rounding noise."""
    constant = np.full(30, value)
    model = regressor().fit(TABLE, NUMBERS, X_val=TABLE[:30], y_val=constant)
    assert model.validation_score_ == 0.0
    folds = [(np.arange(30, N), np.arange(30))]
    y = np.r_[constant, NUMBERS[30:]]
    assert regressor(cv=folds).fit(TABLE, y).oof_score_ == 0.0


@pytest.mark.parametrize("share", [0.03, 0.1, 0.3, 0.6])
@pytest.mark.parametrize("sentinel", [-999.0, 9999.0, -1e9])
def test_a_number_for_missing_values_does_not_destroy_a_column(sentinel, share):
    rng = np.random.RandomState(0)
    x, noise = rng.standard_normal((2, 900))
    is_missing = rng.uniform(size=900) < share
    X = np.column_stack([np.where(is_missing, sentinel, x), noise])
    y = np.where(is_missing, 0.0, x) + 0.5 * noise
    model = TabularMLPRegressor(**SMALL, max_iter=12).fit(X[:600], y[:600])
    assert model.score(X[600:], y[600:]) > 0.95
    encoder = TableEncoder().fit(X[:600], y[:600])
    scaled = encoder.transform(X[600:])[~is_missing[600:], -2]
    assert np.ptp(np.quantile(scaled, [0.25, 0.75])) == pytest.approx(0.95, abs=0.15)


@pytest.mark.parametrize(
    "values",
    [
        np.r_[np.zeros(40), np.linspace(1, 20, 60)],
        np.r_[np.full(3, -999.0), np.linspace(0, 1, 97)],
        np.r_[np.full(97, -999.0), np.linspace(0, 1, 3)],
        np.r_[np.full(30, -999.0), np.full(70, 1.0), 2.0],
    ],
    ids=["zeros", "few", "nearly all", "two others"],
)
def test_other_columns_are_scaled_by_all_quartiles(values):
    scaling = RobustScaling.fit(Quantiles(values[np.newaxis]))
    low, center, high = np.quantile(values, [0.25, 0.5, 0.75])
    assert scaling.center == center
    assert scaling.scale == ((high - low) or np.ptp(values) / 2)


@pytest.mark.parametrize("share", [0.06, 0.2, 0.27, 0.6])
@pytest.mark.parametrize("noise", [0.0, 1e-4, 1e-2])
def test_a_good_part_of_large_y_does_set_the_scale(share, noise):
    """As of rain, claims or sales: most are next to nothing."""
    rng = np.random.RandomState(0)
    y = np.where(rng.uniform(size=1000) < share, 1000.0, 0.0) + noise * rng.uniform(size=1000)
    folds = [Fold(np.arange(1000), np.arange(1))]
    found = NumbersOfMembers.fit(y, None, folds, is_robust=True)
    np.testing.assert_allclose(found.scale, y.std(), rtol=1e-12)
    np.testing.assert_allclose(found.mean, y.mean(), rtol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_few_extreme_y_do_not_set_the_scale(weighted):
    rng = np.random.RandomState(0)
    y = rng.standard_normal(1000)
    y[:30] = 1e6
    folds = [Fold(np.arange(1000), np.arange(1))]
    weight = np.ones(1000) if weighted else None
    found = NumbersOfMembers.fit(y, weight, folds, is_robust=True)
    assert found.scale[0] == pytest.approx(1, rel=0.2)
    assert found.mean[0] == pytest.approx(np.median(y))
    plain = NumbersOfMembers.fit(y, weight, folds)
    assert plain.scale[0] == pytest.approx(y.std())


@pytest.mark.parametrize("n_rows", [30, 60, 101, 150, 301, 600])
@pytest.mark.parametrize("end", [-30.0, 40.0, -999.0])
def test_far_ends_are_found_whatever_the_number_of_rows(n_rows, end):
    """Percentiles between the end and the others are interpolated, and of neither."""
    for seed in range(20):
        rng = np.random.RandomState(seed)
        x = rng.standard_normal(n_rows)
        is_end = rng.uniform(size=n_rows) < 0.3
        values = np.where(is_end, end, x)
        scaling = RobustScaling.fit(Quantiles(values[np.newaxis]))
        others = np.quantile(x[~is_end], [0.25, 0.5, 0.75])
        assert scaling.scale[0] == pytest.approx(others[2] - others[0], rel=0.35)
        assert abs(scaling.center[0] - others[1]) < 0.4


def test_numbers_in_two_units():
    """Of 1 to 2, or a thousand times as much: what is small tells as much as what is large."""
    rng = np.random.RandomState(0)
    size = rng.uniform(1, 2, 600)
    X = np.where(rng.uniform(size=600) < 0.6, size, 1000 * size)[:, None]
    y = 3 * size + 0.2 * rng.standard_normal(600)
    model = TabularMLPRegressor(**SMALL).fit(X[:400], y[:400])
    assert model.score(X[400:], y[400:]) > 0.85


def test_a_metric_of_another_kind_of_estimator_is_named():
    message = "early_stopping_metric='roc_auc' cannot be computed here: .*decision_function"
    with pytest.raises(ValueError, match=message):
        regressor(early_stopping_metric="roc_auc").fit(TABLE, NUMBERS)


@both
def test_a_column_called_column_names(make, y):
    """pandas gives columns as attributes, and tables of pyarrow have one of that name."""
    frame = pd.DataFrame({"column_names": np.arange(len(y)) % 3.0, "b": np.arange(len(y)) % 5.0})
    other = frame.rename(columns={"column_names": "a"})
    expected = make().fit(other, y).predict(other)
    np.testing.assert_array_equal(make().fit(frame, y).predict(frame), expected)
