"""Tables with columns of all kinds, and comparison of their graphs with models."""

from functools import cache

import numpy as np
import pandas as pd
from onnx_runs import TOLERANCE, largest_difference, run

from skneural import TableEncoder
from skneural.onnx import to_onnx

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
            "income": np.exp(3 * np.random.RandomState(seed + 10).standard_normal(n_rows)),
            "height": rng.standard_normal(n_rows).astype(np.float32),
            "steps": rng.randint(-2, 3, n_rows),
            "small": rng.randint(0, 4, n_rows).astype(np.int32),
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
        expected = expected.reshape(len(X), -1)
    assert found.dtype == dtype
    assert largest_difference(found, expected) <= TOLERANCE[dtype]
    return content
