"""`TableEncoder` on frames as they come: which columns are of which kind, and hostile ones."""

from __future__ import annotations

import datetime
import decimal
import doctest
import pickle
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags

import skneural.estimators.table.encoder
from skneural import TableEncoder, TabularMLPClassifier
from skneural.estimators.table import fitted

N = 40
Y = np.arange(N) % 2
NUMBER = np.random.RandomState(0).standard_normal(N)
FOUR = ["u", "v", "w", "x"] * 10


def objects(values):
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def with_column(values):
    """Two columns that nothing is wrong with, and another one."""
    if isinstance(values, np.ndarray) and values.dtype.kind == "O":
        values = pd.Series(values, dtype=object)  # as they are
    return pd.DataFrame({"a": NUMBER, "b": FOUR, "bad": values})


def outputs(X, y=Y, **params):
    """Training rows by name of the output."""
    encoder = TableEncoder(random_state=0, **params)
    found = encoder.fit_transform(X, y)
    for rows in (found, encoder.transform(X)):
        assert np.abs(rows).max() < 3.1  # nor is any of them NaN
    return dict(zip(encoder.get_feature_names_out(), found.T, strict=True))


def test_the_example_of_the_docstring():
    assert doctest.testmod(skneural.estimators.table.encoder).failed == 0


# ---------------------------------------------------------------------- the same in all frames

COLUMNS = {
    "number": [1.5, None, -2.0, 7.25] * 10,
    "integer": [3, 1, 4, 1] * 10,
    "flag": [True, False, False, None] * 10,
    "text": ["u", "v", None, "w"] * 10,
    "many": [f"city {i % 11}" for i in range(N)],
}
ROWS = list(zip(*COLUMNS.values(), strict=True))
FRAMES = {
    "pandas": pd.DataFrame(COLUMNS),
    "pandas, objects": pd.DataFrame(COLUMNS, dtype=object),
    "pandas, nullable": pd.DataFrame(COLUMNS).convert_dtypes(),
    "pandas, pyarrow": pd.DataFrame(COLUMNS).convert_dtypes(dtype_backend="pyarrow"),
    "pandas, categories": pd.DataFrame(COLUMNS).astype({"text": "category", "many": "category"}),
    "polars": pl.DataFrame(COLUMNS),
    "polars, categories": pl.DataFrame(COLUMNS).with_columns(
        pl.col("text").cast(pl.Categorical),
        pl.col("many").cast(pl.Enum([f"city {i}" for i in range(20)])),
    ),
    "pyarrow": pa.table(COLUMNS),
    "array": np.array(ROWS, dtype=object),
    "array, NA": pd.DataFrame(COLUMNS).convert_dtypes().to_numpy(dtype=object),
    "list": [list(row) for row in ROWS],
}
TASKS = {"classes": Y, "numbers": NUMBER}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", FRAMES)
def test_every_frame_gives_the_same(name, task):
    y = TASKS[task]
    encoder = TableEncoder(random_state=0)
    found = encoder.fit_transform(FRAMES[name], y)
    expected = TableEncoder(random_state=0).fit(FRAMES["pandas"], y)
    # All others come from `transform` of one fit: rows can be of another kind of frame then.
    np.testing.assert_array_equal(found, TableEncoder(random_state=0).fit_transform(ROWS, y))
    if hasattr(encoder, "feature_names_in_"):
        np.testing.assert_array_equal(
            encoder.transform(FRAMES["pandas"]), expected.transform(FRAMES["pandas"])
        )
        names = [*encoder.get_feature_names_out()]
        assert names == [*expected.get_feature_names_out()]
    assert encoder.is_categorical_.tolist() == [False, False, False, True, True]


def test_two_tables_of_strings():
    """check_estimator never passes strings."""
    text = np.array([["a", "1"], ["b", "2"], ["c", "3"], ["c", "4"]] * 10)
    expected = outputs(text.astype(object))
    assert sorted(expected) == ["x0_a", "x0_b", "x0_c", "x1_1", "x1_2", "x1_3", "x1_4"]
    for same in (text, pd.DataFrame(text), text.tolist()):
        found = outputs(same)
        assert list(found) == list(expected)
        np.testing.assert_array_equal(list(found.values()), list(expected.values()))
    with pytest.raises(
        ValueError, match=r"Column 0 of X is not numeric: it holds 'a'\. .*Categories"
    ):
        TableEncoder(categorical_features=None).fit(text)


# ---------------------------------------------------------------------- kinds of columns

#: A column, and the outputs that come of it after the two of column a and the four of b.
KINDS = {
    "bool": ([True, False] * 20, ["bad"]),
    "bool and None": (objects([True, None, False, False] * 10), ["bad", "bad_missing"]),
    "two numbers": ([2, 7] * 20, ["bad"]),
    "three numbers": ([2, 7, 8, 7] * 10, ["bad_normal", "bad_scaled"]),
    "one number or none": ([2, np.nan] * 20, ["bad_missing"]),
    "numbers as objects": (objects([1, 2.5, None, 3] * 10), ["bad_normal", "bad_scaled"]),
    "fractions": (
        objects([decimal.Decimal("0.5"), Fraction(1, 3), 1, np.float32(2)] * 10),
        ["bad_normal", "bad_scaled"],
    ),
    "digits": (["1", "2", "3", "2"] * 10, ["bad_1", "bad_2", "bad_3"]),
    "text and numbers": (
        objects(["a", 1, 2.5, None] * 10),
        ["bad_1", "bad_2.5", "bad_a", "bad_missing"],
    ),
    "numbers as categories": (pd.Categorical([3, 1, 2, 1] * 10), ["bad_1", "bad_2", "bad_3"]),
    "bytes": (objects([b"a", b"b", b"c", b"c"] * 10), ["bad_b'a'", "bad_b'b'", "bad_b'c'"]),
    "two levels": (["no", "yes"] * 20, ["bad_yes"]),
    "two levels and NaN": (
        objects(["no", "yes", np.nan, "no"] * 10),
        ["bad_yes", "bad_missing"],
    ),
    "one level or none": (objects(["yes", None] * 20), ["bad_yes"]),
    "empty text": (["", "a", "b", "b"] * 10, ["bad_", "bad_a", "bad_b"]),
    "strings of NumPy": (
        objects([np.str_("a"), "b", np.str_("b"), "c"] * 10),
        ["bad_a", "bad_b", "bad_c"],
    ),
    "a constant": ([7] * N, []),
    "one level": (["a"] * N, []),
    "nothing": ([np.nan] * N, []),
    "None": (objects([None] * N), []),
    "NA": (pd.array([pd.NA] * N, dtype="Int64"), []),
    "no strings": (pd.array([None] * N, dtype="string"), []),
    "no categories": (pd.Categorical([None] * N, categories=["p", "q"]), []),
    "categories that do not occur": (
        pd.Categorical(["p", "q"] * 20, categories=["r", "q", "p"]),
        ["bad_q"],
    ),
    "a level for each row": (
        [f"row {i}" for i in range(N)],
        ["bad_target_normal", "bad_log_count_normal"],
    ),
    "one row a class": (["a"] * (N - 2) + ["b", "c"], ["bad_a", "bad_b", "bad_c"]),
    "large numbers": ([1e299, -1e299, 3.0, 4.0] * 10, ["bad_normal", "bad_scaled"]),
    "small numbers": ([0.0, 5e-324, 1e-323, 1.0] * 10, ["bad_normal", "bad_scaled"]),
    "two small numbers": ([0.0, 5e-324] * 20, ["bad"]),
    "sparse": (pd.arrays.SparseArray([0.0, 0, 1, 2] * 10), ["bad_normal", "bad_scaled"]),
    "half precision": (np.arange(N, dtype=np.float16), ["bad_normal", "bad_scaled"]),
    "extended precision": (np.arange(N, dtype=np.longdouble), ["bad_normal", "bad_scaled"]),
    "long integers": ([2**62, 1, 2, 3] * 10, ["bad_normal", "bad_scaled"]),
}
OF_THE_REST = {"a_normal", "a_scaled", "b_u", "b_v", "b_w", "b_x"}


@pytest.mark.parametrize("name", KINDS)
def test_what_becomes_of_a_column(name):
    values, expected = KINDS[name]
    found = set(outputs(with_column(values))) - OF_THE_REST
    if name == "a level for each row":  # the encodings are all but constant: each row is alone
        assert found <= {"bad_target_normal", "bad_target_scaled"}
    elif name == "numbers as objects":
        assert found == {*expected, "bad_missing"}
    else:
        assert found == set(expected)


def error_of(place, text):
    return rf"(?s)Column '{place}' of X.*{text}|{text}.*Column '{place}' of X"


#: A column, the error, and what it says beside the name of the column.
REFUSED = {
    "infinity": ([np.inf] + [0.5] * (N - 1), ValueError, "holds inf in 1 of 40 rows. Replace it"),
    "infinite objects": (objects([-np.inf] + [1] * (N - 1)), ValueError, "holds -inf in 1 of 40"),
    "too large": ([1e305, 1] * 20, ValueError, "a value too large for float64"),
    "too large an integer": (objects([10**400, 1] * 20), ValueError, "too large for float64"),
    "complex": (np.full(N, 1j), ValueError, "Complex data not supported"),
    "complex objects": (objects([1j, 1] * 20), ValueError, "Complex data not supported"),
    "complex and text": (objects([1j, "a"] * 20), TypeError, "real number, not 'complex'"),
    "dates": (pd.date_range("2020", periods=N), ValueError, "skrub's TableVectorizer"),
    "dates as objects": (objects([datetime.date(2020, 1, 1)] * N), ValueError, "TableVectorizer"),
    "missing dates": (pd.to_datetime([None] * N), ValueError, "NaT in 40 of 40 rows"),
    "durations": (pd.to_timedelta(range(N), unit="s"), ValueError, "their lengths in seconds"),
    "periods": (pd.period_range("2020", periods=N, freq="D"), ValueError, "holds periods"),
    "dates as categories": (
        pd.Categorical(pd.date_range("2020", periods=N)),
        ValueError,
        "holds dates",
    ),
    "intervals": (objects(pd.cut(np.arange(N), 4)), ValueError, "holds intervals"),
    "dicts": (
        objects([{"a": 1}] * N),
        TypeError,
        "argument must be a string or a real number, not 'dict'",
    ),
    "lists": (objects([[1, 2]] * N), TypeError, "string or a real number, not 'list'"),
    "a list between text": (objects(["a", [1, 2]] * 20), TypeError, "real number, not 'list'"),
    "sets": (objects([set()] * N), TypeError, "string or a real number, not 'set'"),
    "arrays": (objects([np.arange(2)] * N), TypeError, "real number, not 'ndarray'"),
    "functions": (objects([len] * N), TypeError, "not 'builtin_function_or_method'"),
}


@pytest.mark.parametrize("method", ["fit", "fit_transform", "transform"])
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_named(name, method):
    values, error, text = REFUSED[name]
    encoder = TableEncoder()
    if method == "transform":
        encoder.fit(with_column(FOUR if "text" in name else [1, 2, 3, 4] * 10))
    with pytest.raises(error, match=error_of("bad", text.replace("'", ".?"))):
        getattr(encoder, method)(with_column(values))


def test_text_where_training_had_numbers():
    encoder = TableEncoder().fit(with_column([1, 2, 3, 4] * 10))
    with pytest.raises(ValueError, match="Column 'bad' of X is not numeric: it holds 'a'"):
        encoder.transform(with_column(["a", "b"] * 20))


WRONG_TABLES = {
    "sparse": (sparse.eye(N).tocsr(), TypeError, "use ScratchMLPClassifier"),
    "no rows": (pd.DataFrame({"a": []}), ValueError, r"0 sample\(s\) \(shape=\(0, 1\)\)"),
    "no columns": (pd.DataFrame(index=range(N)), ValueError, r"0 feature\(s\)"),
    "equal names": (
        pd.DataFrame(np.eye(3), columns=["a", "b", "a"]),
        ValueError,
        "Column 'a' occurs 2 times in X",
    ),
    "names of two kinds": (pd.DataFrame(np.eye(2), columns=["a", 1]), TypeError, "string names"),
    "one row": (pd.DataFrame({"a": [1]}), ValueError, "n_samples = 1"),
    "constants": (pd.DataFrame({"a": [1, 1], "b": ["x", "x"]}), ValueError, "Every column of X"),
    "a vector": (NUMBER, ValueError, "Expected 2D array"),
    "three dimensions": (np.zeros((N, 2, 2)), ValueError, "dim 3"),
    "masked": (np.ma.masked_array(np.eye(2), np.eye(2) > 0), ValueError, "masked values"),
    "rows of different lengths": ([[1, 2], [3]], ValueError, "inhomogeneous"),
    "dates": (np.zeros((3, 1), "M8[D]"), ValueError, "Column 0 of X holds dates"),
}


@pytest.mark.parametrize("name", WRONG_TABLES)
def test_tables_that_are_refused(name):
    X, error, text = WRONG_TABLES[name]
    encoder = TableEncoder()
    with pytest.raises(error, match=text):
        encoder.fit(X)
    assert not hasattr(encoder, "n_features_in_")


@pytest.mark.parametrize(
    ("X", "text"),
    [
        (with_column(FOUR)[["b", "a", "bad"]], "must be in the same order"),
        (with_column(FOUR)[["a", "b"]], "seen at fit time, yet now missing:\n- bad"),
        (with_column(FOUR).assign(more=1), "unseen at fit time:\n- more"),
        (np.zeros((3, 2), dtype=object), "X has 2 features, but TableEncoder is expecting 3"),
    ],
)
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_other_columns_than_in_training(X, text):
    encoder = TableEncoder().fit(with_column(FOUR))
    with pytest.raises(ValueError, match=text):
        encoder.transform(X)


def test_many_levels():
    """In a time that grows with the rows alone."""
    n = 100_000
    X = pd.DataFrame({"id": [f"user {i}" for i in range(n)], "a": np.arange(n) % 7})
    encoder = TableEncoder(random_state=0)
    with pytest.warns(UserWarning, match="'id' of X .* such as 'user 0', occurs once"):
        assert encoder.fit_transform(X, np.arange(n) % 2).shape[0] == n
    assert len(encoder.get_feature_names_out()) == 2  # each row of the other column is alone


#: Columns of text that an encoder warns of, and what it says.
IDLE = {
    "dates": (
        [f"2024-{1 + i % 12:02}-{1 + i % 28:02}" for i in range(60)],
        "dates as text.*'2024-",
    ),
    "times": ([f"2024-1-{1 + i % 30} 12:00:00" for i in range(60)], "dates as text"),
    "dates, month first": ([f"1/{1 + i % 30}/20" for i in range(60)], "dates as text"),
    "dates, months by name": ([f"{1 + i % 30} Mar 2020" for i in range(60)], "dates as text"),
    "dates in full": ([f"March {1 + i % 30}, 2020" for i in range(60)], "dates as text"),
    "numbers and signs": (
        ["?" if i % 7 == 0 else f"{i % 30 / 8}" for i in range(60)],
        r"numbers as text, such as '\d.*pandas.to_numeric",
    ),
    "decimal numbers": (
        [f"{i / 8:.2f}" for i in range(60)],
        r"numbers as text, such as '\d.*pandas.to_numeric",
    ),
    "dates, day first": ([f"{1 + i % 30}.12.2024" for i in range(60)], "dates as text"),
    "names, one twice": (["Mr. 1", *(f"Mr. {i}" for i in range(59))], "nearly each level, such"),
    "whole numbers": ([str(1000 + i * i) for i in range(60)], "each level, such as '1000', occurs"),
    "dates and blanks": (
        ["" if i % 3 == 0 else f"2024-01-{i % 31 + 1:02}" for i in range(60)],
        "holds dates as text, such as '2024-01-0",
    ),
    "numbers and a sign": (
        ["n/a" if i % 20 == 0 else i / 8 for i in range(60)],
        "numbers, such as 0.125, and text, such as 'n/a'.*pandas.to_numeric",
    ),
    "whole numbers and a sign": (
        ["?" if i % 20 == 0 else 17 + i % 30 for i in range(60)],
        r"numbers, such as \d\d, and text, such as '\?'",
    ),
    "numbers, some as text": (
        [str(i / 8) if i % 2 else i / 8 for i in range(60)],
        r"numbers, such as [\d.]+, and text, such as '[\d.]+'",
    ),
    "a long text": (
        ["x" * 1000 + str(i) for i in range(60)],
        r"each level, such as 'x{59} \.\.\., occurs",
    ),
    "names": ([f"Mr. {i}" for i in range(60)], "each level, such as 'Mr. 0', occurs once"),
    "names, some missing": ([f"Mr. {i}" if i % 9 else None for i in range(60)], "occurs once"),
}
#: Columns of text that are as good as others.
BUSY = {
    "few dates": [f"2024-01-0{1 + i % 3}" for i in range(60)],
    "two rows a level": [f"user {i // 2}" for i in range(60)],
    "numbers as text": [f"{i % 20}" for i in range(60)],
    "codes and signs": ["?" if i % 7 == 0 else f"{10000 + i % 20}" for i in range(60)],
    "numbers and names": [f"user {i % 10}" if i % 2 else i % 20 for i in range(60)],
    "versions": [f"1.{i % 20}" for i in range(60)],
    "a dtype of categories": pd.Categorical([f"2024-01-{1 + i % 30}" for i in range(60)]),
    "few rows": [f"user {i}" for i in range(40)],
}


@pytest.mark.parametrize("name", IDLE)
def test_idle_columns_are_named(name):
    values, message = IDLE[name]
    X = pd.DataFrame({"when": values, "a": np.arange(60.0)})
    for fit in (TableEncoder().fit, TabularMLPClassifier(cv=2, max_iter=1).fit):
        with pytest.warns(UserWarning, match=f"Column 'when' of X .*{message}"):
            fit(X, np.arange(60) % 2)


@pytest.mark.parametrize("name", BUSY)
def test_other_columns_are_not(name):
    X = pd.DataFrame({"when": BUSY[name], "a": np.arange(float(len(BUSY[name])))})
    TableEncoder().fit(X, np.arange(len(X)) % 2)  # a warning would be an error


def test_many_rows_are_encoded_in_runs(monkeypatch):
    X = FRAMES["pandas"]
    encoder = TableEncoder(random_state=0)
    trained, new = encoder.fit_transform(X, Y), encoder.transform(X)
    monkeypatch.setattr(fitted, "RUN_ELEMENTS", 15)
    monkeypatch.setattr(fitted, "MIN_RUN_ROWS", 2)
    assert len(fitted.row_runs(N, X.shape[1])) == 14
    np.testing.assert_array_equal(TableEncoder(random_state=0).fit_transform(X, Y), trained)
    np.testing.assert_array_equal(encoder.transform(X), new)
    np.testing.assert_array_equal(encoder.transform(X[:1]), new[:1])


def test_rows_of_weight_zero_do_not_decide_what_a_column_is():
    X = with_column(objects([1, 2, 3, "text"] * 10))
    weight = np.array([1, 1, 1, 0] * 10)
    assert TableEncoder().fit(X, Y).is_categorical_.tolist() == [False, True, True]
    weighted = TableEncoder().fit(X, Y, sample_weight=weight)
    assert weighted.is_categorical_.tolist() == [False, True, False]


def test_many_classes_that_are_numbers_are_told_of_a_regression():
    X = pd.DataFrame({"town": [f"town {i % 20}" for i in range(60)], "a": np.arange(60.0)})
    prices, names = np.arange(60) // 2, [f"name {i // 2}" for i in range(60)]
    with pytest.warns(UserWarning, match="more than 12 classes.*say target_type='regression'"):
        TableEncoder(max_one_hot=8).fit(X, prices)
    with pytest.warns(
        UserWarning, match=r"more than 12 classes.*a column for each level instead\.$"
    ):
        TableEncoder(max_one_hot=8).fit(X, names)


# --------------------------------------------------------------------- categorical_features

MIXED = pd.DataFrame({"n": [1, 2, 3, 2] * 10, "t": FOUR, "c": pd.Categorical(FOUR), "m": NUMBER})


@pytest.mark.parametrize(
    ("categorical_features", "expected"),
    [
        ("from_dtype", [False, True, True, False]),
        (["n", "t", "c"], [True, True, True, False]),
        ([0, 1, 2], [True, True, True, False]),
        (np.array([1, 2]), [False, True, True, False]),
        ([True, True, True, False], [True, True, True, False]),
        (np.array([False, True, True, False]), [False, True, True, False]),
        (pd.Series(["t", "c"]), [False, True, True, False]),
        (("t", "c", "m"), [False, True, True, True]),
    ],
    ids=repr,
)
def test_categorical_features(categorical_features, expected):
    encoder = TableEncoder(categorical_features).fit(MIXED, Y)
    assert encoder.is_categorical_.tolist() == expected


@pytest.mark.parametrize("none", [None, []])
def test_no_categorical_features(none):
    assert not TableEncoder(none).fit(MIXED[["n", "m"]]).is_categorical_.any()
    with pytest.raises(ValueError, match="Column 't' of X is not numeric: it holds 'u'"):
        TableEncoder(none).fit(MIXED)


@pytest.mark.parametrize(
    ("X", "categorical_features", "text"),
    [
        (MIXED, ["t", "z"], "item value 'z' which is not a valid feature name"),
        (MIXED, [0, 4], r"must be in \[0, n_features - 1\] = \[0, 3\]"),
        (MIXED, [-1], "must be in"),
        (MIXED, [True, False], r"boolean mask must have shape \(4,\), got: \(2,\)"),
        (MIXED, [1.5], "must be an array-like of bool, int or str, got: float"),
        (MIXED, ["t", 1], "got: int, str"),
        (MIXED.to_numpy(), ["t"], "without feature names"),
    ],
)
def test_wrong_categorical_features(X, categorical_features, text):
    with pytest.raises(ValueError, match=text):
        TableEncoder(categorical_features).fit(X)


# --------------------------------------------------------------------------- y and parameters


@pytest.mark.parametrize(
    ("params", "y", "expected"),
    [
        ({}, None, None),
        ({}, Y, "classification"),
        ({}, ["no", "yes"] * 20, "classification"),
        ({}, np.arange(N), "classification"),
        ({}, NUMBER, "regression"),
        ({"target_type": "regression"}, Y, "regression"),
        ({"target_type": "classification"}, NUMBER, "classification"),
        ({"target_type": None}, NUMBER, None),
        ({"target_type": None}, np.eye(N), None),
    ],
)
def test_what_y_is_taken_for(params, y, expected):
    encoder = TableEncoder(**params).fit(MIXED, y)
    assert encoder.target_type_ == expected
    has_normal = any(name.endswith("_normal") for name in encoder.get_feature_names_out())
    assert has_normal == (expected != "regression")


def test_parameters_have_effects():
    X = pd.DataFrame({"n": NUMBER, "five": list("abcde") * 8, "seven": [*"abcdefgh"] * 5})

    def names(y=Y, **params):
        return set(outputs(X, y, **params))

    assert "five_a" in names()
    assert "five_target_normal" in names(max_one_hot=4)
    assert "five_a" in names(NUMBER)
    assert "five_target_scaled" in names(NUMBER, max_one_hot=4)
    assert not any(name.endswith("_normal") for name in names(quantile_inputs=False))
    assert "n_normal" in names(NUMBER, quantile_inputs=True)
    few, many = (outputs(X, n_quantiles=n)["n_normal"] for n in (2, 1000))
    assert np.abs(few - many).max() > 0.1
    wide = np.exp(3 * np.random.RandomState(0).standard_normal((40, 1)))
    few, many = (outputs(wide, NUMBER, n_quantiles=n) for n in (2, 1000))
    assert few.keys() == many.keys()
    assert max(np.abs(few[name] - many[name]).max() for name in few) > 0.1
    changed = [{"prior_weight": 0.5}, {"n_folds": 2}, {"random_state": 7}]
    default = {"max_one_hot": 4, "random_state": 0}
    before = TableEncoder(**default).fit_transform(X, Y)
    for each in changed:
        assert np.abs(TableEncoder(**{**default, **each}).fit_transform(X, Y) - before).max() > 0.01


@pytest.mark.parametrize(
    ("params", "y", "text"),
    [
        ({}, Y[:-1], "inconsistent numbers of samples"),
        ({}, np.eye(N), "y must be one column of classes or numbers"),
        ({}, np.where(Y, NUMBER, np.nan), "contains NaN"),
        ({}, objects(["a", None] * 20), "Input y contains NaN"),
        ({"target_type": "regression"}, ["a", "b"] * 20, "y is not numeric: it holds 'a'"),
        ({"target_type": "regression"}, [np.inf] * N, "infinity"),
        ({"target_type": "numbers"}, Y, "The 'target_type' parameter of TableEncoder must be"),
        ({"max_one_hot": 1}, Y, "The 'max_one_hot' parameter of TableEncoder must be"),
        ({"n_quantiles": 1001}, Y, "The 'n_quantiles' parameter of TableEncoder must be"),
        ({"categorical_features": "dtype"}, Y, "The 'categorical_features' parameter of"),
    ],
)
def test_wrong_targets_and_parameters(params, y, text):
    with pytest.raises(ValueError, match=text):
        TableEncoder(**params).fit(MIXED, y)


@pytest.mark.parametrize(
    ("weight", "text"),
    [
        (np.zeros(N), "non-zero"),
        (-np.ones(N), "Negative values"),
        (np.ones(3), "sample_weight.shape"),
        (np.full(N, 1e305), "too large"),
    ],
)
def test_wrong_weights(weight, text):
    with pytest.raises(ValueError, match=text):
        TableEncoder().fit(MIXED, Y, sample_weight=weight)


# ------------------------------------------------------------------ training rows and new rows

RANDOM = np.random.RandomState(3)
CITIES = pd.DataFrame({"city": RANDOM.randint(200, size=1000).astype(str)})
LABELS = RANDOM.randint(2, size=1000)


def test_training_rows_do_not_give_their_y_away():
    """Random labels: of 200 levels of 5 rows, what is encoded in-sample fits them."""
    encoder = TableEncoder(random_state=0)
    model = LogisticRegression()
    honest = encoder.fit_transform(CITIES, LABELS)
    in_sample = encoder.transform(CITIES)
    assert encoder.get_feature_names_out()[0] == "city_target_normal"
    assert np.corrcoef(in_sample[:, 0], LABELS)[0, 1] > 0.3
    assert abs(np.corrcoef(honest[:, 0], LABELS)[0, 1]) < 0.1
    fooled = model.fit(in_sample, LABELS).score(in_sample, LABELS)
    assert fooled > model.fit(honest, LABELS).score(honest, LABELS) + 0.08
    np.testing.assert_array_equal(encoder.fit(CITIES, LABELS).transform(CITIES), in_sample)


def test_unknown_categories():
    X = pd.DataFrame({"two": ["a", "b"] * 20, "four": FOUR, "many": [str(i % 9) for i in range(N)]})
    encoder = TableEncoder(random_state=0).set_output(transform="pandas").fit(X, Y)
    new = encoder.transform(pd.DataFrame({"two": ["z"], "four": [None], "many": ["z"]}))
    by_name = encoder.transform(X)
    # Between the two levels; below or at all levels; rarer than all of them.
    assert by_name["two_b"].min() < new["two_b"][0] < by_name["two_b"].max()
    for level in "uvwx":
        assert new[f"four_{level}"][0] == by_name[f"four_{level}"].min()
    assert new["many_log_count_scaled"][0] < by_name["many_log_count_scaled"].min()
    assert by_name["many_target_scaled"].min() < new["many_target_scaled"][0]


# ----------------------------------------------------------------------- scikit-learn's world


@pytest.mark.parametrize("task", TASKS)
def test_pickles_and_clones(task):
    X, y = FRAMES["pandas"], TASKS[task]
    encoder = TableEncoder(random_state=0).fit(X, y)
    copied = pickle.loads(pickle.dumps(encoder))
    np.testing.assert_array_equal(copied.transform(X), encoder.transform(X))
    assert [*copied.get_feature_names_out()] == [*encoder.get_feature_names_out()]
    assert copied.periodic_features_ == encoder.periodic_features_
    assert copied.target_type_ == encoder.target_type_
    cloned = clone(encoder)
    with pytest.raises(NotFittedError):
        cloned.transform(X)
    np.testing.assert_array_equal(cloned.fit(X, y).transform(X), encoder.transform(X))


@pytest.mark.parametrize(("library", "kind"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)])
@pytest.mark.parametrize("name", ["pandas", "polars"])
def test_set_output(name, library, kind):
    X = FRAMES[name]
    plain = TableEncoder(random_state=0).fit_transform(X, Y)
    encoder = TableEncoder(random_state=0).set_output(transform=library)
    found = encoder.fit_transform(X, Y)
    assert isinstance(found, kind)
    assert list(found.columns) == [*encoder.get_feature_names_out()]
    np.testing.assert_array_equal(found.to_numpy(), plain)
    assert isinstance(encoder.transform(X), kind)


def test_names_are_unique():
    """Of a level and of a number."""
    X = pd.DataFrame({"a": ["b_scaled", "c", "d", "c"] * 10, "a_b": NUMBER})
    assert sorted(outputs(X)) == ["a_b_normal", "a_b_scaled", "a_b_scaled_2", "a_c", "a_d"]
    unnamed = TableEncoder().fit(X.to_numpy())
    assert unnamed.get_feature_names_out(["p", "q"])[0] == "q_normal"
    with pytest.raises(ValueError, match="input_features"):
        TableEncoder().fit(X).get_feature_names_out(["p", "q"])


def test_a_failed_fit_changes_nothing():
    encoder = TableEncoder().fit(MIXED, Y)
    before = encoder.transform(MIXED)
    for method in (encoder.fit, encoder.fit_transform):
        with pytest.raises(ValueError, match="inf"):
            method(with_column([np.inf] * N), Y)
    np.testing.assert_array_equal(encoder.transform(MIXED), before)


def test_tags_and_attributes():
    tags = get_tags(TableEncoder())
    assert tags.input_tags.allow_nan
    assert not tags.input_tags.string
    assert not tags.input_tags.categorical
    assert not tags.input_tags.sparse
    assert not tags.target_tags.required
    encoder = TableEncoder()
    attributes = (
        "n_features_in_",
        "feature_names_in_",
        "is_categorical_",
        "target_type_",
        "periodic_features_",
        "plain_features_",
    )
    assert not any(hasattr(encoder, name) for name in attributes)
    encoder.fit(MIXED, Y)
    assert all(hasattr(encoder, name) for name in attributes)
    assert not hasattr(encoder.fit(MIXED.to_numpy(), Y), "feature_names_in_")


def test_in_pipelines_and_searches():
    X, y = FRAMES["pandas"], Y
    pipeline = make_pipeline(TableEncoder(random_state=0), LogisticRegression())
    search = GridSearchCV(pipeline, {"tableencoder__max_one_hot": [2, 8]}, cv=2).fit(X, y)
    assert search.predict(X).shape == (N,)
    numbers = make_pipeline(TableEncoder(random_state=0), Ridge()).fit(X, NUMBER)
    assert numbers[-1].n_features_in_ == len(numbers[0].get_feature_names_out())
    some = make_column_transformer((TableEncoder(), ["text", "many"]), remainder="drop")
    assert some.fit_transform(X, y).shape[0] == N


def test_metadata_routing():
    X, weight = FRAMES["pandas"], np.where(np.arange(N) < 30, 1.0, 0.0)
    with config_context(enable_metadata_routing=True):
        encoder = TableEncoder(random_state=0).set_fit_request(sample_weight=True)
        head = LogisticRegression().set_fit_request(sample_weight=True)
        pipeline = make_pipeline(encoder, head).fit(X, Y, sample_weight=weight)
        alone = TableEncoder(random_state=0).fit(X[:30], Y[:30])
        np.testing.assert_array_equal(pipeline[0].transform(X), alone.transform(X))
        scorer = get_scorer("accuracy").set_score_request(sample_weight=False)
        options = {"params": {"sample_weight": weight}, "cv": 2, "scoring": scorer}
        assert len(cross_validate(pipeline, X, Y, **options)["test_score"]) == 2


# ------------------------------------------------------------------ what else tables may be


def test_complex_codes_are_refused():
    codes = np.arange(40.0)[:, np.newaxis] % 3
    encoder = TableEncoder(categorical_features=[0], random_state=0)
    with pytest.raises(ValueError, match="Complex data not supported"):
        encoder.fit(codes + 1j, np.arange(40.0))
    encoder.fit(codes, np.arange(40.0))
    for rows in (codes + 0j, (codes + 0j).tolist()):
        with pytest.raises(ValueError, match="Complex data not supported"):
            encoder.transform(rows)


class Passing:
    """An object that has what a frame has, by passing everything on to one."""

    def __init__(self, frame):
        self._frame = frame

    def __getattr__(self, name):
        if name == "_frame" or (name.startswith("__") and name != "__array__"):
            raise AttributeError(name)
        return getattr(self._frame, name)

    def __len__(self):
        return len(self._frame)

    def __getitem__(self, key):
        return self._frame[key]


def test_what_passes_all_on_to_a_frame_is_one():
    frame = pd.DataFrame({"a": np.linspace(0, 1, 40), "b": pd.Categorical(np.arange(40) % 3)})
    y = np.arange(40.0)
    expected = TableEncoder(random_state=0).fit(frame, y)
    found = TableEncoder(random_state=0).fit(Passing(frame), y)
    assert found.is_categorical_.tolist() == expected.is_categorical_.tolist() == [False, True]
    np.testing.assert_array_equal(found.transform(Passing(frame)), expected.transform(frame))
