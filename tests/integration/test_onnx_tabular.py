"""Raw tables in ONNX: `TableEncoder` and the ensembles, with all preprocessing in the graph."""

from extras import need

need("onnx", "onnx", "onnxruntime", "skl2onnx")

from functools import cache

import numpy as np
import onnxruntime
import pandas as pd
import polars as pl
import pytest
from skl2onnx.common.data_types import DoubleTensorType, StringTensorType
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skneural import (
    ScratchLogisticRegression,
    ScratchMLPRegressor,
    TableEncoder,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from skneural.activations import ACTIVATIONS, Activation
from skneural.losses import Quantile
from skneural.onnx import to_onnx

TOLERANCE = {"float32": 1e-5, "float64": 1e-12}

#: Of a training that takes no time.
SMALL = {"cv": 2, "max_iter": 2, "hidden_layer_sizes": (16, 8), "random_state": 0}

LARGE_INTEGER = 2**40


def frame(n_rows=300, seed=0):
    """A frame with columns of all kinds."""
    rng = np.random.RandomState(seed)
    city = rng.choice([f"city {i}" for i in range(20)], n_rows).astype(object)
    city[::9] = np.nan
    ages = rng.standard_t(2, n_rows)
    ages[::7] = np.nan
    ports = np.array(["S", "C", "Q", None], dtype=object)
    pairs = np.array(["left", "right", None], dtype=object)
    return pd.DataFrame(
        {
            "age (years)": ages,
            "height": rng.standard_normal(n_rows).astype(np.float32),
            "steps": rng.randint(-2, 3, n_rows),
            "small": rng.randint(0, 4, n_rows).astype(np.int16),
            "flag": rng.rand(n_rows) < 0.3,
            "two": rng.choice([2.5, 7.0, np.nan], n_rows),
            "constant": 4.0,
            "rounded": np.round(2 * rng.standard_normal(n_rows)),
            "port": ports[rng.randint(4, size=n_rows)],
            "side": pairs[rng.randint(3, size=n_rows)],
            "city": city,
            "kind": pd.Categorical(rng.choice(["a", "b", "ü"], n_rows)),
            "code": pd.Categorical(rng.choice([3, 5, LARGE_INTEGER], n_rows)),
            "size": pd.Categorical(rng.choice([0.1, 1.5, 2.0, 3.0], n_rows)),
            "same": "always",
        }
    )


def new_rows(n_rows=500):
    """Rows with levels and numbers that training has not seen."""
    table = frame(n_rows, seed=1)
    table.loc[3:30, "city"] = "elsewhere"
    table.loc[31:40, "port"] = ""
    table.loc[10:20, "kind"] = np.nan
    table.loc[5:12, "rounded"] = [-100.0, -50.5, 0.3, 1.7, 25, 1e6, -1e300, 1e300]
    table.loc[5:12, "two"] = [0.0, 3.0, 1e300, -1e300, 7.5, 2.5, 5.0, 4.75]
    table.loc[13:15, "steps"] = 1000
    table["size"] = table["size"].cat.add_categories([9.0])
    table.loc[50:60, "size"] = 9.0
    table["code"] = table["code"].cat.add_categories([LARGE_INTEGER + 1])
    table.loc[61:70, "code"] = LARGE_INTEGER + 1
    return table


def numbers_of(table, seed=0):
    """Targets that depend on the columns."""
    noise = np.random.RandomState(seed).standard_normal(len(table))
    return 3 * (table["port"] == "S") + np.nan_to_num(table["age (years)"]) + 100 + noise


def labels_of(table, labels):
    """Classes of the same targets."""
    places = np.searchsorted(np.linspace(99, 104, len(labels) + 1)[1:-1], numbers_of(table))
    return np.array(labels)[places]


def matrix(dtype, n_rows=300, seed=0):
    """Numbers, among them missing ones, columns of two values and a constant one."""
    rng = np.random.RandomState(seed)
    X = rng.standard_normal((n_rows, 5))
    X[:, 1] = np.round(X[:, 1])
    X[:, 2] = X[:, 2] > 0
    X[:, 3] = 1.0
    X[::5, 0] = np.nan
    return X.astype(dtype)


@cache
def fitted(kind, settings=(), labels=(), of="frame"):
    """A model; the tables of tests share those of the same settings."""
    X = frame() if of == "frame" else matrix(of)
    y = numbers_of(frame()) if not labels else labels_of(frame(), labels)
    settings = dict(settings) if kind is TableEncoder else {**SMALL, **dict(settings)}
    return kind(**settings).fit(X, y)


def run(content, X):
    """The outputs of a graph for a matrix or for a frame, one input for each column."""
    session = onnxruntime.InferenceSession(content.SerializeToString())
    inputs = session.get_inputs()
    if isinstance(X, np.ndarray):
        return session.run(None, {inputs[0].name: X})
    columns = zip(inputs, X.columns, strict=True)
    return session.run(None, {each.name: fed(X[[name]], each.type) for each, name in columns})


def fed(column, kind):
    """A column of a frame as an input takes it."""
    values = column.to_numpy()
    # The inputs for the smallest integers are somewhat larger.
    return values.astype(np.int32) if values.dtype == np.int16 else values


def largest_difference(found, expected):
    """The largest difference, relative where numbers are large."""
    expected = np.asarray(expected, dtype=np.float64)
    assert found.size == expected.size
    difference = np.abs(found.reshape(expected.shape) - expected)
    return np.max(difference / np.maximum(1, np.abs(expected)))


def check(model, sample, X, dtype="float64", **settings):
    """Compare the graph with the model, and return the graph."""
    content = to_onnx(model, sample, **settings)
    outputs = run(content, X)
    if hasattr(model, "predict_proba"):
        labels, found = outputs
        expected = model.predict_proba(X)
        ordered = np.sort(expected, axis=1)
        is_clear = ordered[:, -1] - ordered[:, -2] > 1e-5
        assert np.mean(is_clear) > 0.9
        assert labels.shape == (len(X),)
        assert labels[is_clear].tolist() == model.predict(X)[is_clear].tolist()
    else:
        [found] = outputs
        expected = model.predict(X) if hasattr(model, "predict") else model.transform(X)
        assert found.shape == (len(X), 1) if expected.ndim == 1 else expected.shape
    assert found.dtype == dtype
    assert largest_difference(found, expected) <= TOLERANCE[dtype]
    return content


# ---------------------------------------------------------------- the encoder


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"quantile_inputs": False},
        {"n_quantiles": 2},
        {"n_quantiles": 17},
        {"max_one_hot": 2},
        {"max_one_hot": 50},
        {"prior_weight": 0.0},
        {"target_type": None},
        {"categorical_features": ["steps", "flag", "port", "side", "city", "two", "small", "same"]},
    ],
    ids=str,
)
@pytest.mark.parametrize("labels", [(), ("no", "yes"), ("a", "b", "c")], ids=len)
def test_encoder(settings, labels):
    table = frame()
    y = labels_of(table, labels) if labels else numbers_of(table)
    encoder = TableEncoder(random_state=0, **settings)
    if isinstance(settings.get("categorical_features"), list):
        # What has text and is not named would be refused.
        table = table.drop(columns="kind")
    encoder.fit(table, y)
    names = encoder.get_feature_names_out().tolist()
    new = new_rows()[table.columns]
    content = check(encoder, table, new)
    assert run(content, new[:1])[0].shape == (1, len(names))
    assert encoder.get_feature_names_out().tolist() == names


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
def test_encoder_of_a_matrix_computes_in_double_precision(dtype):
    X = np.nan_to_num(matrix("float64")) * 3
    X = (X > 0 if dtype == "bool" else X).astype(dtype)
    y = X[:, 0] > 0
    check(TableEncoder().fit(X, y), X[:1], X[::-1])


def test_encoder_with_weights():
    table = frame()
    weight = np.random.RandomState(0).randint(0, 3, len(table))
    encoder = TableEncoder(random_state=0).fit(table, numbers_of(table) > 100, weight)
    check(encoder, table, new_rows())


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer. Maximum iterations")
def test_encoder_before_other_models():
    table, new = frame(), new_rows()
    classifier = ScratchLogisticRegression(max_iter=1000)
    pipeline = make_pipeline(TableEncoder(random_state=0), classifier)
    check(pipeline.fit(table, labels_of(table, ["no", "yes"])), table, new)
    regressor = ScratchMLPRegressor(hidden_layer_sizes=(8,), max_iter=3, random_state=0)
    pipeline = make_pipeline(TableEncoder(random_state=0), regressor)
    check(pipeline.fit(table, numbers_of(table)), table, new)


# ---------------------------------------------------------------- ensembles


@pytest.mark.parametrize(
    "labels",
    [
        ("no", "yes"),
        ("a", "b", "c"),
        (-1, LARGE_INTEGER),
        (3, 4, LARGE_INTEGER + 1),
        (False, True),
        tuple(range(13)),
    ],
    ids=str,
)
def test_classifier(labels):
    content = check(fitted(TabularMLPClassifier, labels=labels), frame(), new_rows())
    assert run(content, new_rows()[:1])[1].shape == (1, len(labels))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"loss": "absolute_error"},
        {"loss": "quantile"},
        {"loss": Quantile(0.9)},
        {"preset": "fast"},
        {"preset": "accurate"},
        {"frequency_scale": 0.0},
        {"frequency_scale": 2.0, "quantile_inputs": True},
        {"quantile_inputs": True, "frequency_scale": 0.0},
        {"max_one_hot": 2},
        {"max_one_hot": 100},
        {"hidden_layer_sizes": ()},
        {"cv": 3},
    ],
    ids=str,
)
def test_regressor(settings):
    model = TabularMLPRegressor(**{**SMALL, **settings}).fit(frame(), numbers_of(frame()))
    check(model, frame(), new_rows())


@pytest.mark.parametrize("kind", [TabularMLPClassifier, TabularMLPRegressor])
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_activation_functions(activation, kind):
    labels = ("no", "yes") if kind is TabularMLPClassifier else ()
    model = fitted(kind, (("activation", activation),), labels, "float64")
    for dtype in ("float64", "float32"):
        check(model, matrix(dtype)[:1], matrix(dtype, 200, 1), dtype)


@pytest.mark.parametrize("kind", [TabularMLPClassifier, TabularMLPRegressor])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_many_columns(dtype, kind):
    # Of more than 50 each is embedded in less, of more than 300 none is.
    for n_columns in (60, 310):
        X = np.random.RandomState(0).standard_normal((120, n_columns)).astype(dtype)
        y = X[:, 0] + X[:, 1] > 0
        model = kind(**SMALL).fit(X, y if kind is TabularMLPClassifier else y + X[:, 2])
        check(model, X[:1], X, dtype)


def test_integer_arrays_are_predicted_in_double_precision():
    X = np.random.RandomState(0).randint(0, 5, (200, 3))
    check(TabularMLPRegressor(**SMALL).fit(X, X[:, 0] - X[:, 1]), X[:1], X)


def test_several_checkpoints():
    model = fitted(TabularMLPClassifier, labels=("no", "yes"))
    assert model._model.params.shape[0] == 1
    settings = (("early_stopping_metric", "score"),)
    model = fitted(TabularMLPRegressor, settings)
    check(model, frame(), new_rows())


def test_return_std():
    model = fitted(TabularMLPRegressor)
    content = to_onnx(model, frame(), options={"return_std": True})
    found = run(content, new_rows())
    for each, expected in zip(found, model.predict(new_rows(), return_std=True), strict=True):
        assert each.shape == (len(expected), 1)
        assert largest_difference(each, expected) <= 1e-12


def test_large_targets():
    y = 1e200 * numbers_of(frame())
    model = TabularMLPRegressor(**SMALL).fit(frame(), y)
    found = run(to_onnx(model, frame(), options={"return_std": True}), new_rows())
    expected = model.predict(new_rows(), return_std=True)
    for each, numbers in zip(found, expected, strict=True):
        assert each[:, 0] == pytest.approx(numbers, rel=1e-11)


@pytest.mark.parametrize("n_rows", [1, 10000])
def test_any_number_of_rows(n_rows):
    new = new_rows(10000)[:n_rows]
    check(fitted(TabularMLPRegressor), frame()[:1], new)
    check(fitted(TabularMLPClassifier, labels=("a", "b", "c")), frame()[:1], new)


@pytest.mark.parametrize("target_opset", [11, 12, 15, 18])
def test_older_operators(target_opset):
    settings = {"target_opset": target_opset}
    labels = ("a", "b", "c")
    check(fitted(TabularMLPClassifier, labels=labels), frame(), new_rows(), **settings)
    check(fitted(TabularMLPRegressor), frame(), new_rows(), **settings)


@pytest.mark.parametrize(("labels", "dtype"), [(("no", "yes"), "float64"), ((1, 2, 4), "float32")])
def test_options_of_classifiers(labels, dtype):
    X = matrix(dtype)
    model = fitted(TabularMLPClassifier, labels=labels, of=dtype)
    expected = model.predict_proba(X)
    tolerance = TOLERANCE[dtype]

    found_labels, dictionaries = run(to_onnx(model, X[:1], options={"zipmap": True}), X)
    assert found_labels.tolist() == model.predict(X).tolist()
    assert list(dictionaries[0]) == list(labels)
    values = np.array([list(each.values()) for each in dictionaries])
    assert values == pytest.approx(expected, abs=1e-6)

    _, *columns = run(to_onnx(model, X[:1], options={"zipmap": "columns"}), X)
    assert np.column_stack(columns) == pytest.approx(expected, abs=tolerance)

    _, scores = run(to_onnx(model, X[:1], options={"zipmap": False, "raw_scores": True}), X)
    decision = model.decision_function(X)
    if len(labels) == 2:
        decision = np.column_stack([-decision, decision])
    assert largest_difference(scores, decision) <= tolerance

    numbers, _ = run(to_onnx(model, X[:1], options={"zipmap": False, "nocl": True}), X)
    assert numbers.tolist() == np.searchsorted(labels, model.predict(X)).tolist()

    options = {"zipmap": False, "output_class_labels": True}
    *_, classes = run(to_onnx(model, X[:1], options=options), X)
    assert classes.tolist() == list(labels)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_pipelines_of_numbers(dtype):
    # In float32 StandardScaler rounds otherwise than in ONNX: equal numbers would have other ranks.
    X = np.random.RandomState(0).standard_normal((300, 3)).astype(dtype)
    y = numbers_of(frame())
    regressor = make_pipeline(StandardScaler(), TabularMLPRegressor(**SMALL)).fit(X, y)
    check(regressor, X[:1], X, dtype)
    classifier = make_pipeline(StandardScaler(), TabularMLPClassifier(**SMALL)).fit(X, y > 101)
    check(classifier, X[:1], X, dtype)


def test_pipelines_of_frames():
    pipeline = make_pipeline(TabularMLPClassifier(**SMALL))
    check(pipeline.fit(frame(), labels_of(frame(), ["no", "yes"])), frame(), new_rows())


# ---------------------------------------------------------------- what columns hold


def encoded(levels, new, **settings):
    """What a column of categories becomes, by the graph and by the encoder."""
    table = pd.DataFrame({"c": levels, "x": np.arange(len(levels), dtype=float)})
    rows = pd.DataFrame({"c": new, "x": np.arange(len(new), dtype=float)})
    encoder = TableEncoder(**settings).fit(table)
    [found] = run(to_onnx(encoder, table), rows)
    return found, encoder.transform(rows)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA], ids=str)
@pytest.mark.parametrize("with_missing", [True, False])
def test_missing_text(missing, with_missing):
    levels = np.array(["a", "b", "c", "d"] * 4, dtype=object)
    if with_missing:
        levels[::3] = missing
    found, expected = encoded(levels, np.array(["a", missing, "d", "", "e"], dtype=object))
    assert found == pytest.approx(expected, abs=1e-12)


def test_levels_that_are_called_like_missing_values():
    levels = np.array(["nan", "None", "x", "y"] * 4, dtype=object)
    found, expected = encoded(levels, np.array(["None", "nan", "y", "<NA>"], dtype=object))
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("levels", "new"),
    [
        (pd.Categorical([1, 2, 3] * 5), pd.Categorical([3, 1, 4])),
        (pd.Categorical([-5, 2**62, 3] * 5), pd.Categorical([2**62, -5, 2**62 - 1])),
        (pd.Categorical([1, 2, None] * 5), pd.Categorical([2.0, None, 1.0])),
        (pd.Categorical([0.1, 0.2, 0.3] * 5), pd.Categorical([0.3, 0.1, 0.1 + 0.2])),
        (pd.Categorical([0.1, 0.2, None] * 5), pd.Categorical([None, 0.1, 0.5])),
        (pd.Categorical(["1", "2", "3"] * 5), pd.Categorical(["2", "1", "1.0"])),
        (pd.array(["u", "v", None] * 5, dtype="string"), pd.array(["v", None, "w"])),
        (np.array([1, "b", 2.5, None, True] * 4, dtype=object), np.array([2.5, "b"], object)),
        (np.array([1, "b", 2.5] * 4, dtype=object), np.array([1.0, True, "1"], object)[:2]),
    ],
    ids=lambda each: str(list(each[:3])),
)
def test_levels(levels, new):
    found, expected = encoded(levels, new)
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
def test_categories_in_a_matrix(dtype):
    X = np.random.RandomState(0).randint(-3, 4, (200, 3)).astype(dtype)
    encoder = TableEncoder(categorical_features=[0, 2], max_one_hot=4).fit(X, X[:, 1] > 0)
    new = (X * 2 if dtype != "bool" else X)[:50].astype(dtype)
    if "float" in dtype:
        new[::4, 0] = np.nan
        new[1::4, 0] = 0.5
    check(encoder, X[:1], new)


def test_frames_of_polars():
    table = frame()[["age (years)", "steps", "port", "city", "flag"]]
    columns = {name: table[name].tolist() for name in table}
    columns |= {
        name: [None if pd.isna(each) else each for each in columns[name]]
        for name in ("city", "port")
    }
    same = pl.DataFrame(columns)
    y = numbers_of(table)
    encoder = TableEncoder(random_state=0).fit(same, y)
    content = to_onnx(encoder, same)
    names = [each.name for each in content.graph.input]
    rows = {name: table[[column]].to_numpy() for name, column in zip(names, table, strict=True)}
    rows["flag"] = rows["flag"].astype(np.float64)
    session = onnxruntime.InferenceSession(content.SerializeToString())
    [found] = session.run(None, rows)
    assert largest_difference(found, encoder.transform(same)) <= 1e-12


def test_numbers_among_objects_are_double():
    table = frame()[["steps", "rounded", "flag"]]
    table["rounded"] = table["rounded"].astype("Float64")
    table["flag"] = table["flag"].astype(object)
    table.loc[::5, "flag"] = None
    table.loc[::7, "rounded"] = pd.NA
    encoder = TableEncoder(random_state=0).fit(table, numbers_of(frame()))
    content = to_onnx(encoder, table)
    session = onnxruntime.InferenceSession(content.SerializeToString())
    types = {each.name: each.type for each in session.get_inputs()}
    assert types == {"steps": "tensor(int64)"} | dict.fromkeys(
        ("rounded", "flag"), "tensor(double)"
    )
    rows = {"steps": table[["steps"]].to_numpy()}
    for name in ("rounded", "flag"):
        rows[name] = pd.to_numeric(table[name]).to_numpy(np.float64, na_value=np.nan)[:, None]
    [found] = session.run(None, rows)
    assert largest_difference(found, encoder.transform(table)) <= 1e-12


# ---------------------------------------------------------------- what cannot be expressed


def _bend(z, mask):
    np.maximum(z, -1, out=z)


def _bend_backward(delta, a, mask):
    delta[a <= -1] = 0


def test_an_activation_function_of_the_user_is_named():
    activation = Activation("bend", _bend, _bend_backward)
    model = TabularMLPRegressor(**SMALL, activation=activation).fit(frame(), numbers_of(frame()))
    with pytest.raises(ValueError, match="bend"):
        to_onnx(model, frame())


def _types(**kinds):
    return [(name, kind([None, 1])) for name, kind in kinds.items()]


@pytest.mark.parametrize(
    ("levels", "types", "message"),
    [
        ([b"a", b"b", b"c"], None, "Column 'c' has levels that are bytes, such as b'a'"),
        ([1, "1", "b"], None, "Column 'c' has two levels that are written '1'"),
        (
            ["a", "b", "c"],
            _types(c=DoubleTensorType, x=DoubleTensorType),
            "Column 'c' has levels that are no numbers, such as 'a'",
        ),
        (
            ["a", "b", "c"],
            _types(c=StringTensorType, x=StringTensorType),
            "Column 'x' is numeric, and its input in the graph is of strings",
        ),
        (["a", "b", "c"], _types(c=StringTensorType), "X_sample has 1 columns"),
        (["a", "b", "c"], _types(x=DoubleTensorType, c=StringTensorType), "in that order"),
    ],
)
def test_what_cannot_be_expressed_is_named(levels, types, message):
    table = pd.DataFrame({"c": np.array(levels * 4, dtype=object), "x": np.arange(12.0)})
    encoder = TableEncoder().fit(table)
    with pytest.raises(ValueError, match=message):
        to_onnx(encoder, types or table)
