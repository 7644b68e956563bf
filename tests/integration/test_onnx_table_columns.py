"""`TableEncoder` in ONNX, and what inputs of all kinds become."""

from extras import need

need("onnx", "onnx", "onnxruntime", "skl2onnx")

import numpy as np
import pandas as pd
import polars as pl
import pytest
from onnx_frames import check, frame, labels_of, matrix, new_rows, numbers_of
from onnx_runs import largest_difference, run, session_of
from skl2onnx.common.data_types import DoubleTensorType, StringTensorType
from sklearn.pipeline import make_pipeline

from skneural import ScratchLogisticRegression, ScratchMLPRegressor, TableEncoder
from skneural.onnx import to_onnx


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
        (pd.Categorical([1.0, np.inf, 1e308] * 5), pd.Categorical([1e308, 1.0, -1e308])),
        (np.array([10**400, "b", np.inf] * 4, dtype=object), np.array(["b", np.inf], object)),
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
    session = session_of(content)
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
    session = session_of(content)
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
            "Column 'x' is numeric, and what comes to it in the graph are strings",
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
