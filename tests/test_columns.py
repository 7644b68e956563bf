"""Dates, missing values and objects in X and y: refused in words that name the column."""

from __future__ import annotations

import datetime
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone, is_classifier

from skneural import (
    HiddenLayerTransformer,
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
)
from skneural.learning_rate_finder import find_learning_rate

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 12
NUMBERS = np.linspace(-1, 1, N)
X = np.column_stack([NUMBERS, NUMBERS**2])
Y = np.arange(N) % 2

ESTIMATORS = {
    "classifier": ScratchMLPClassifier(hidden_layer_sizes=2, max_iter=2, random_state=0),
    "regressor": ScratchMLPRegressor(hidden_layer_sizes=2, max_iter=2, random_state=0),
    "logistic": ScratchLogisticRegression(max_iter=2, random_state=0, solver="adam"),
    "perceptron": ScratchPerceptron(max_iter=2, random_state=0),
    "transformer": HiddenLayerTransformer(
        ScratchMLPRegressor(hidden_layer_sizes=2, max_iter=2, random_state=0)
    ),
}
parametrize_estimators = pytest.mark.parametrize(
    "estimator", ESTIMATORS.values(), ids=ESTIMATORS.keys()
)

# ------------------------------------------------------------------------------ values

DAYS = [datetime.date(2024, 2, 27) + datetime.timedelta(i) for i in range(N)]
HOURS = [datetime.time(2 * i) for i in range(N)]
LENGTHS = [datetime.timedelta(days=i, hours=1) for i in range(N)]


def without(values, missing=None):
    """The third of them is missing."""
    return [*values[:2], missing, *values[3:]]


#: Python's objects, and what the error says of them.
CALENDAR = {
    "dates": (DAYS, r"holds dates, such as 2024-02-27.*, which are not numbers.*days since"),
    "times": (HOURS, r"holds times, such as 00:00:00, which are not numbers.*seconds since mid"),
    "durations": (LENGTHS, "holds durations, such as .*, which are not numbers.*in seconds"),
    "no date": (without(DAYS), "contains NaN.* in 1 of 12 rows.*holds dates, such as 2024-02-"),
    "no duration": (without(LENGTHS), "contains NaN.* in 1 of 12 rows.*holds durations, such"),
}
OBJECTS = {
    "dicts": ([{"a": 1.0}] * N, "dict"),
    "lists": ([[1.0, 2.0]] * N, "list|ndarray"),
    "lists of several lengths": ([[1.0], [1.0, 2.0]] * (N // 2), "list|ndarray"),
}
OBJECT = r"(?s)argument must be a string or a real number, not '({})'.*Column 'when' of X is not"
FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}
parametrize_frames = pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES.keys())


@pytest.mark.parametrize("alone", [False, True], ids=["beside numbers", "alone"])
@parametrize_frames
@pytest.mark.parametrize(("values", "message"), CALENDAR.values(), ids=CALENDAR.keys())
def test_dates_are_no_numbers(values, message, frame, alone):
    data = frame({"when": values} if alone else {"number": NUMBERS, "when": values})
    with pytest.raises(ValueError, match=f"(?s)(?=.*Column 'when' of X).*{message}"):
        ScratchLogisticRegression().fit(data, Y)


@parametrize_frames
@pytest.mark.parametrize(("values", "kind"), OBJECTS.values(), ids=OBJECTS.keys())
def test_objects_are_no_numbers(values, kind, frame):
    data = frame({"number": NUMBERS, "when": values})
    with pytest.raises(TypeError, match=OBJECT.format(kind)):
        ScratchLogisticRegression().fit(data, Y)


INSTANTS = np.array(DAYS, dtype="M8[D]")
UNKNOWN = np.array(without(DAYS), dtype="M8[s]")
#: Columns that only pandas has, and what the error says of them.
OF_PANDAS = {
    "nanoseconds": (INSTANTS.astype("M8[ns]"), "holds dates"),
    "time zone": (pd.Series(UNKNOWN).dt.tz_localize("UTC"), "NaT in 1 of 12.*holds dates"),
    "timestamps": (np.array([*map(pd.Timestamp, DAYS)], dtype=object), "holds dates"),
    "only NaT": (np.full(N, "NaT", dtype="M8[s]"), "holds NaT in 12 of 12 rows"),
    "NaT among numbers": ([1.0, pd.NaT, 2.0] * 4, "holds NaT in 4 of 12 rows"),
    "NA among numbers": (pd.Series([1, pd.NA, 2] * 4, dtype=object), "<NA> in 4 of 12 rows"),
    "months": (pd.period_range("2024-01", periods=N, freq="M"), "holds periods, such as 2024-01"),
    "no month": (pd.PeriodIndex(UNKNOWN, freq="M"), "NaT in 1 of 12.*holds periods"),
    "intervals": (pd.interval_range(0, N), r"holds intervals, such as \(0, 1\].*midpoints"),
    "bins": (pd.cut(NUMBERS, 3), "holds intervals"),
    "categories": (pd.Categorical(INSTANTS), "holds dates"),
    "categories of objects": (pd.Categorical(DAYS), "holds dates"),
    "categories, one a date": (pd.Categorical(["a", DAYS[0], 1] * 4), "holds dates, such as 2024"),
    "arrow": (pd.Series(DAYS, dtype=pd.ArrowDtype(pa.date32())), "holds dates"),
    "arrow, NA": (pd.Series(without(DAYS), dtype=pd.ArrowDtype(pa.date32())), "NA.*dates"),
    "text": (["a", "2"] * 6, "not numeric: it holds 'a'. Encode it first"),
    "text after digits": (["1", "b"] * 6, "not numeric: it holds 'b'. Encode it first"),
}


@pytest.mark.parametrize("alone", [False, True], ids=["beside numbers", "alone"])
@pytest.mark.parametrize(("values", "message"), OF_PANDAS.values(), ids=OF_PANDAS.keys())
def test_columns_of_pandas(values, message, alone):
    data = pd.DataFrame({"number": NUMBERS, "when": pd.Series(values)})
    data = data[["when"]] if alone else data
    with pytest.raises(ValueError, match=f"(?s)Column 'when' of X {message}|{message}"):
        ScratchPerceptron().fit(data, Y)


#: Not one of them a data frame: columns have numbers.
ARRAYS = {
    "dates": (np.column_stack([INSTANTS, INSTANTS]), ValueError, "Column 0 of X holds dates"),
    "durations": (np.diff(UNKNOWN, append=UNKNOWN[:1])[:, np.newaxis], ValueError, "NaT in 2 of"),
    "objects": (
        np.array([[1.0, day] for day in UNKNOWN], dtype=object),
        ValueError,
        "Column 1 .*NaT",
    ),
    "list": ([[1.0, day] for day in DAYS], ValueError, "Column 1 of X holds dates"),
    "list of NumPy's": ([[1.0, day] for day in INSTANTS], ValueError, "Column 1 of X holds dates"),
    "list of NaT": ([[day] for day in UNKNOWN], ValueError, "NaT in 1 of 12"),
    "dict": ([[1.0, {"a": 1}]] * N, TypeError, "number, not 'dict'.\nColumn 1 of X is not numeric"),
    "list in a list": ([[1.0, [1, 2]]] * N, TypeError, "number, not 'list'.\nColumn 1 of X"),
    "set": (np.array([[1.0, {1}]] * N, dtype=object), TypeError, "not 'set'.\nColumn 1 of X"),
    "function": (np.array([[len, 1.0]] * N, dtype=object), TypeError, "Column 0 of X.*function"),
    "complex": ([[1.0, 2.0], [1.0, 1j]] * 6, ValueError, "Complex data not supported\nColumn 1"),
    "huge": ([[1.0, 10**400]] * N, ValueError, "Column 1 of X holds an integer that is too large"),
    "huge, beyond printing": ([[10**9999, 1.0]] * N, ValueError, "Column 0 of X holds an integer"),
    "complex object": (
        np.array([[1.0, 2.0], [1.0, 1j]] * 6, dtype=object),
        ValueError,
        "Complex data not supported\nColumn 1 of X is complex",
    ),
    "None among text": ([["1"], [None], ["a"]] * 4, ValueError, "Column 0 of X .*holds 'a'"),
}


@pytest.mark.parametrize(("data", "error", "message"), ARRAYS.values(), ids=ARRAYS.keys())
def test_arrays_and_lists(data, error, message):
    with pytest.raises(error, match=f"(?s){message}"):
        ScratchMLPRegressor().fit(data, Y)


def test_what_can_be_numbers_is():
    columns = {"text": ["1", "2"] * 6, "fraction": [Fraction(1, 2)] * N, "bool": [True, False] * 6}
    data = pd.DataFrame(columns)
    numbers = np.column_stack([[1.0, 2.0] * 6, [0.5] * N, [1.0, 0.0] * 6])
    found = ScratchLogisticRegression().fit(data, Y)
    np.testing.assert_array_equal(found.coef_, ScratchLogisticRegression().fit(numbers, Y).coef_)


# ------------------------------------------------------------------- methods, estimators


def used(estimator, name, data):
    """A call of this method with these rows."""
    y = Y if is_classifier(estimator) else NUMBERS
    if name == "X_val":
        return estimator.fit(X, y, X_val=data, y_val=y)
    if name in ("fit", "score"):
        return getattr(estimator, name)(data, y)
    if name == "partial_fit":
        classes = {"classes": [0, 1]} if is_classifier(estimator) else {}
        return estimator.partial_fit(data, y, **classes)
    if name == "find_learning_rate":
        return find_learning_rate(estimator, data, y, n_epochs=20)
    return getattr(estimator, name)(data)


#: Methods that are given rows; those of a fitted estimator from the third on.
METHODS = ["fit", "partial_fit", "X_val", "find_learning_rate", "predict", "predict_proba"]
METHODS += ["predict_log_proba", "decision_function", "raw_outputs", "input_gradients", "score"]
METHODS += ["hidden_activations", "transform"]
CALLS = [
    pytest.param(estimator, method, id=f"{name}-{method}")
    for name, estimator in ESTIMATORS.items()
    for method in METHODS
    if hasattr(estimator, method)
    or (method in ("X_val", "find_learning_rate") and name in ("classifier", "regressor"))
]
WRONG_ROWS = {
    "dates": (np.column_stack([INSTANTS, INSTANTS]), ValueError, "Column 0 of X holds dates"),
    "NaT": (
        np.column_stack([INSTANTS, UNKNOWN]),
        ValueError,
        "contains NaN.*Column 1.*NaT in 1 of",
    ),
    "dict": (
        np.array([[1.0, {"a": 1}]] * N, dtype=object),
        TypeError,
        "not 'dict'.\nColumn 1 of X",
    ),
    "pyarrow, text": (pa.table({"a": ["x"] * N, "b": NUMBERS}), ValueError, "Column 'a' of X.*'x'"),
    "pyarrow, nulls": (
        pa.table({"a": NUMBERS, "b": without(NUMBERS.tolist())}),
        ValueError,
        "contains NaN.*Column 'b' of X is not finite in 1 of 12 rows",
    ),
}


@pytest.mark.parametrize(("rows", "error", "message"), WRONG_ROWS.values(), ids=WRONG_ROWS.keys())
@pytest.mark.parametrize(("estimator", "method"), CALLS)
@pytest.mark.filterwarnings("ignore:X has feature names")
def test_every_method_refuses_them(estimator, method, rows, error, message):
    estimator = clone(estimator)
    if method not in METHODS[:4]:
        estimator.fit(X, Y)
    with pytest.raises(error, match=f"(?s){message}"):
        used(estimator, method, rows)


class Exchanged:
    """A data frame of no library: NumPy's protocol, and that of the exchange of frames."""

    def __init__(self, **columns):
        self._columns = columns

    @property
    def shape(self):
        return N, len(self._columns)

    def __len__(self):
        return N

    def __array__(self, dtype=None, copy=None):
        columns = [np.array(column, dtype=object) for column in self._columns.values()]
        return np.array(np.column_stack(columns), dtype=dtype)

    def __dataframe__(self, nan_as_null=False, allow_copy=True):
        return self

    def column_names(self):
        return list(self._columns)


@pytest.mark.parametrize("batch", [pa.table, lambda data: pa.RecordBatch.from_pydict(data)])
@pytest.mark.parametrize("values", [["x"] * N, without(["1"] * N, "x"), [None, "x"] * 6])
def test_kinds_of_tables(batch, values):
    for data in (batch({"a": NUMBERS, "b": values}), Exchanged(a=NUMBERS, b=values)):
        with pytest.raises(ValueError, match="Column 'b' of X is not numeric: it holds 'x'"):
            ScratchLogisticRegression().fit(data, Y)


# ------------------------------------------------------------------------------ targets

#: Targets, and what the error says if they are labels, or if they are numbers.
MISSING = "Input y contains NaN or the like: y holds {} in {} of 12 rows"
TARGETS = {
    "NaT": (UNKNOWN, MISSING.format("NaT", 1), MISSING.format("NaT", 1)),
    "no duration": (UNKNOWN - UNKNOWN[0], MISSING.format("NaT", 1), MISSING.format("NaT", 1)),
    "series": (pd.Series(UNKNOWN), MISSING.format("NaT", 1), MISSING.format("NaT", 1)),
    "list": (list(UNKNOWN), MISSING.format("NaT", 1), MISSING.format("NaT", 1)),
    "index": (pd.DatetimeIndex(UNKNOWN), MISSING.format("NaT", 1), MISSING.format("NaT", 1)),
    "polars": (pl.Series(without(DAYS)), MISSING.format("NaT", 1), MISSING.format("NaT", 1)),
    "pyarrow": (pa.array(without(DAYS)), MISSING.format("NaT", 1), MISSING.format("NaT", 1)),
    "objects": (without(DAYS), MISSING.format("None", 1), MISSING.format("None", 1)),
    "NaT among text": (["a", "b", pd.NaT] * 4, MISSING.format("NaT", 4), MISSING.format("NaT", 4)),
    "NA among text": (
        pd.Series(["a", "b", pd.NA] * 4, dtype="string"),
        MISSING.format("<NA>", 4),
        MISSING.format("<NA>", 4),
    ),
    "None among text": (
        pl.Series(["a", "b", None] * 4),
        MISSING.format("None", 4),
        MISSING.format("None", 4),
    ),
    "NaN among text": (["a", "b", np.nan] * 4, MISSING.format("nan", 4), MISSING.format("nan", 4)),
    "NA among pyarrow's text": (
        pd.Series(["a", "b", None] * 4, dtype=pd.ArrowDtype(pa.string())),
        MISSING.format("<NA>", 4),
        MISSING.format("<NA>", 4),
    ),
    "None among booleans": (
        pl.Series([True, False, None] * 4),
        MISSING.format("None", 4),
        MISSING.format("None", 4),
    ),
    "dates": (INSTANTS, None, "y holds dates, such as 2024-02-27, which are not numbers"),
    "durations": (pl.Series(LENGTHS), None, "y holds durations.* not numbers"),
    "days": (DAYS, "Unknown label type: y holds dates as objects", "y holds dates"),
    "months": (
        pd.Series(pd.period_range("2024-01", periods=N, freq="M")),
        "Unknown label type: y holds periods as objects",
        "y holds periods, such as 2024-01, which are not numbers",
    ),
    "text": (["a", "b"] * 6, None, "y is not numeric: it holds 'a'"),
    "bytes": (np.array([b"a", b"b"] * 6), r"labels of bytes, such as b'a'.*\.decode\(\)", "'a'"),
    "list of bytes": ([b"a", b"b"] * 6, "labels of bytes, such as b'a'", "not numeric.*b'a'"),
    "bytes among text": (np.array(["a", b"b"] * 6, object), "labels of bytes, such as b'b'", "'a'"),
    "dicts": ([{"a": 1}] * N, "Unknown label type", TypeError("not 'dict'.\ny is not numeric")),
    "sets": ([{1}] * N, "Unknown label type", TypeError("not 'set'.\ny is not numeric")),
}


@pytest.mark.parametrize(("y", "as_labels", "as_numbers"), TARGETS.values(), ids=TARGETS.keys())
@parametrize_estimators
def test_targets(estimator, y, as_labels, as_numbers):
    message = as_labels if is_classifier(estimator) else as_numbers
    model = clone(estimator)
    if message is None:
        np.testing.assert_array_equal(model.fit(X, y).classes_, np.unique(np.asarray(y)))
        return
    error = ValueError
    if isinstance(message, TypeError):
        error, message = TypeError, message.args[0]
    with pytest.raises(error, match=f"(?s){message}"):
        model.fit(X, y)
    if hasattr(model, "partial_fit"):
        classes = {"classes": [0, 1]} if is_classifier(model) else {}
        with pytest.raises(error, match=f"(?s){message}"):
            model.partial_fit(X, y, **classes)
    if isinstance(model, ScratchMLPClassifier | ScratchMLPRegressor):
        with pytest.raises(error, match=f"(?s){message}"):
            find_learning_rate(model, X, y)
        with pytest.raises(error, match=f"(?s)In the validation rows.*{message}|{message}"):
            model.fit(X, Y, X_val=X, y_val=y)


@parametrize_estimators
@pytest.mark.parametrize("dtype", ["int", "bool"])
def test_labels_that_are_numbers_as_objects(estimator, dtype):
    """scikit-learn takes them for the numbers of a regression."""
    y = (np.arange(N) % 2).astype(dtype).astype(object)
    if not is_classifier(estimator):
        clone(estimator).fit(X, y)
        return
    with pytest.raises(ValueError, match=rf"^Unknown label type: y is .* Pass y.astype\({dtype}\)"):
        clone(estimator).fit(X, y)


@pytest.mark.parametrize("y", [UNKNOWN, DAYS, ["a"] * N, [{}] * N], ids=["NaT", "days", "a", "{}"])
def test_score_of_a_regressor(y):
    model = clone(ESTIMATORS["regressor"]).fit(X, NUMBERS)
    with pytest.raises((ValueError, TypeError), match=r"y holds|y is not numeric"):
        model.score(X, y)


def test_columns_of_targets_are_named():
    y = pd.DataFrame({"dose": NUMBERS, "when": INSTANTS})
    with pytest.raises(ValueError, match="Column 'when' of y holds dates"):
        ScratchMLPRegressor().fit(X, y)
    with pytest.raises(ValueError, match="Column 1 of y is not numeric: it holds 'b'"):
        ScratchMLPRegressor().fit(X, np.array([[1.0, "1"], [1.0, "b"]] * 6, dtype=object))


@pytest.mark.parametrize("weight", [INSTANTS - INSTANTS[0], pd.Series(UNKNOWN)])
@parametrize_estimators
def test_weights_are_no_dates(estimator, weight):
    with pytest.raises(ValueError, match="sample_weight holds d"):
        clone(estimator).fit(X, Y, sample_weight=weight)


@pytest.mark.parametrize("weight", [["a"] * N, [{}] * N], ids=["text", "dicts"])
@parametrize_estimators
def test_weights_that_are_no_numbers_are_named(estimator, weight):
    with pytest.raises((TypeError, ValueError), match="sample_weight must be numbers: "):
        clone(estimator).fit(X, Y, sample_weight=weight)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (np.array([b"a", b"b"]), "classes has labels of bytes"),
        (["a", None], "Input classes contains NaN or the like: classes holds None in 1 of 2"),
        (np.array(["2024-01-01", "NaT"], "M8[D]"), "classes holds NaT in 1 of 2"),
    ],
)
def test_classes_of_partial_fit(classes, message):
    for name in ("classifier", "logistic", "perceptron"):
        with pytest.raises(ValueError, match=f"(?s){message}"):
            clone(ESTIMATORS[name]).partial_fit(X, ["a", "b"] * 6, classes=classes)


@pytest.mark.parametrize("classes", [[b"a", b"b"], ["a", None], np.array(["2024", "NaT"], "M8[D]")])
def test_classes_of_given_weights(classes):
    layers = [np.ones((2, 3)), np.ones((3, 1))], [np.zeros(3), np.zeros(1)]
    with pytest.raises(ValueError, match=r"classes has labels of bytes|classes holds (None|NaT)"):
        ScratchMLPClassifier.from_weights(*layers, classes=classes)


@pytest.mark.parametrize("name", ["classifier", "logistic", "perceptron"])
def test_score_of_a_classifier(name):
    """Missing labels are no wrong predictions."""
    model = clone(ESTIMATORS[name]).fit(X, INSTANTS)
    weight = np.arange(N)
    expected = np.average(model.predict(X) == INSTANTS, weights=weight)
    assert model.score(X, INSTANTS, weight) == pytest.approx(expected, rel=1e-12)
    for y in (UNKNOWN, pd.Series(UNKNOWN), ["a", None] * 6, [pd.NA] * N, [b"a"] * N):
        with pytest.raises(ValueError, match=r"y holds (NaT|None|<NA>)|labels of bytes"):
            model.score(X, y)


@pytest.mark.parametrize("kind", ["M8[D]", "m8[h]"])
@pytest.mark.parametrize("name", ["classifier", "logistic", "perceptron"])
def test_dates_can_be_labels(name, kind):
    estimator = ESTIMATORS[name]
    y = np.array([3, 1, 2], dtype="i8")[np.arange(N) % 3]
    model, expected = clone(estimator).fit(X, y.astype(kind)), clone(estimator).fit(X, y)
    assert model.classes_.dtype == kind
    np.testing.assert_array_equal(model.predict(X), expected.predict(X).astype(kind))
