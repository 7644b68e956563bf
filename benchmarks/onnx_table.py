"""What is converted to ONNX, and how far onnxruntime's outputs are from ours.

Every task with every activation function, in float32 and float64. A number is the largest
difference, absolute or relative (the smaller of the two), over all outputs: probabilities, or
predicted numbers, or features; for a perceptron, relative to its largest score. A row whose label
differs from ours is counted, unless its two largest logits are closer than 1e-5.

    python benchmarks/onnx_table.py
    python benchmarks/onnx_table.py --rows 2000
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
from sklearn.base import is_regressor

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
from skneural.activations import ACTIVATIONS
from skneural.losses import Quantile
from skneural.onnx import to_onnx

N_FEATURES = 8
CLOSE = 1e-5

#: Parameters of an estimator, and how its targets are made of scores with three columns.
TASKS = {
    "two classes": (ScratchMLPClassifier, {}, lambda s: s[:, 0] > 0),
    "several classes": (ScratchMLPClassifier, {}, lambda s: s.argmax(axis=1)),
    "multilabel": (ScratchMLPClassifier, {}, lambda s: (s > 0).astype(int)),
    "columns of labels": (
        ScratchMLPClassifier,
        {},
        lambda s: np.column_stack([s.argmax(axis=1), 2 * (s[:, 0] > 0)]),
    ),
    "one class": (ScratchMLPClassifier, {}, lambda s: np.zeros(len(s), dtype=int)),
    "numbers": (ScratchMLPRegressor, {}, lambda s: s[:, 0]),
    "several numbers": (ScratchMLPRegressor, {}, lambda s: s),
    "absolute error": (ScratchMLPRegressor, {"loss": "absolute_error"}, lambda s: s[:, 0]),
    "huber": (ScratchMLPRegressor, {"loss": "huber"}, lambda s: s[:, 0]),
    "median": (ScratchMLPRegressor, {"loss": "quantile"}, lambda s: s[:, 0]),
    "five quantiles": (
        ScratchMLPRegressor,
        {"loss": Quantile([0.05, 0.25, 0.5, 0.75, 0.95])},
        lambda s: s[:, 0],
    ),
    "poisson": (ScratchMLPRegressor, {"loss": "poisson"}, lambda s: np.floor(np.abs(s[:, 0]))),
    "gamma": (ScratchMLPRegressor, {"loss": "gamma"}, lambda s: 0.1 + np.abs(s[:, 0])),
}
LINEAR = {
    "logistic, two classes": (ScratchLogisticRegression(), lambda s: s[:, 0] > 0),
    "logistic, several": (ScratchLogisticRegression(), lambda s: s.argmax(axis=1)),
    "perceptron, two classes": (ScratchPerceptron(), lambda s: s[:, 0] > 0),
    "perceptron, several": (ScratchPerceptron(), lambda s: s.argmax(axis=1)),
}
TABULAR = {
    "two classes": (TabularMLPClassifier, {}, lambda s: s[:, 0] > 0),
    "several": (TabularMLPClassifier, {}, lambda s: s.argmax(axis=1)),
    "numbers": (TabularMLPRegressor, {}, lambda s: s[:, 0]),
    "median": (TabularMLPRegressor, {"loss": "absolute_error"}, lambda s: s[:, 0]),
    "quantile": (TabularMLPRegressor, {"loss": Quantile(0.9)}, lambda s: s[:, 0]),
}


def difference(found, expected):
    """The largest difference, absolute or relative."""
    found, expected = np.float64(found), np.float64(expected).reshape(np.shape(found))
    return float(np.max(np.abs(found - expected) / np.maximum(1, np.abs(expected)), initial=0))


def outputs(model, X, **settings):
    """What onnxruntime computes for the model, converted for rows like these."""
    import onnxruntime

    is_frame = hasattr(X, "columns")
    content = to_onnx(model, X if is_frame else X[:1], **settings).SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    if not is_frame:
        return session.run(None, {"X": X})
    columns = zip(session.get_inputs(), X.columns, strict=True)
    return session.run(None, {each.name: X[[name]].to_numpy() for each, name in columns})


def compared(model, X, **settings):
    """The largest difference, and how many labels are wrong."""
    results = outputs(model, X, **settings)
    if isinstance(model, HiddenLayerTransformer | TableEncoder):
        return difference(results[0], model.transform(X)), 0
    if is_regressor(model):
        return difference(results[0], model.predict(X)), 0
    if hasattr(model, "predict_proba"):
        expected = model.predict_proba(X)
    else:
        scores = model.decision_function(X)
        expected = np.column_stack([-scores, scores]) if scores.ndim == 1 else scores
        # Large terms of either sign cancel in small scores: their rounding is that of the large.
        largest = max(1, np.abs(expected).max())
        return difference(results[1] / largest, expected / largest), n_wrong(model, X, results[0])
    pairs = [(results[1], expected)]
    if isinstance(expected, list):
        pairs = list(zip(results[1], expected, strict=True))
    return max(difference(*pair) for pair in pairs), n_wrong(model, X, results[0])


def n_wrong(model, X, label):
    """Labels other than ours where the two largest logits, or a logit and 0, are not close."""
    unlike = label != model.predict(X)
    if not unlike.any():
        return 0
    scores = model.decision_function(X)
    columns = scores if isinstance(scores, list) else [scores]
    is_close = []
    for each in columns:
        if each.ndim == 1 or unlike.shape == each.shape:
            is_close.append(np.abs(each) < CLOSE)
        else:
            ordered = np.sort(each, axis=1)
            is_close.append(ordered[:, -1] - ordered[:, -2] < CLOSE)
    together = is_close[0] if len(is_close) == 1 else np.column_stack(is_close)
    return int(np.sum(unlike & ~together))


def fitted(task, activation, X, scores):
    kind, settings, targets = TASKS[task]
    model = kind(
        hidden_layer_sizes=(24, 16),
        activation=activation,
        max_iter=15,
        random_state=0,
        **settings,
    )
    return model.fit(X, targets(scores))


def print_header(dtype):
    print(f"{dtype:19s}" + "".join(f" {name:>5s}" for name in ACTIVATIONS))


def print_row(task, largest):
    """The differences with each of the activation functions."""
    cells = zip(ACTIVATIONS, largest, strict=True)
    print(f"{task:19s}" + "".join(f" {value:{max(len(name), 5)}.0e}" for name, value in cells))


def print_table(dtype, n_rows):
    random = np.random.RandomState(0)
    X = random.standard_normal((n_rows, N_FEATURES)).astype(dtype)
    scores = X @ random.standard_normal((N_FEATURES, 3))
    wrong = 0
    print_header(dtype)
    for task in TASKS:
        found = [compared(fitted(task, activation, X, scores), X) for activation in ACTIVATIONS]
        print_row(task, [largest for largest, _ in found])
        wrong += sum(n for _, n in found)
    networks = [fitted("several classes", activation, X, scores) for activation in ACTIVATIONS]
    found = [compared(HiddenLayerTransformer(network, prefit=True), X) for network in networks]
    print_row("hidden layer", [largest for largest, _ in found])
    for name, (model, targets) in LINEAR.items():
        largest, n = compared(model.fit(X, targets(scores)), X)
        wrong += n
        print(f"{name}: {largest:.0e}")
    print(f"labels other than ours: {wrong}\n")


def fitted_ensemble(task, activation, X, scores):
    kind, settings, targets = TABULAR[task]
    settings = {"cv": 4, "max_iter": 3, "random_state": 0, **settings}
    return kind(hidden_layer_sizes=(24, 16), activation=activation, **settings).fit(
        X, targets(scores)
    )


def frame_of(X, random):
    """A data frame with numbers, missing ones too, and with categories of few and many levels."""
    import pandas as pd

    table = pd.DataFrame(X[:, :4].astype(np.float64), columns=list("abcd"))
    table.loc[::7, "a"] = np.nan
    table["whole"] = np.round(X[:, 4]).astype(np.int64)
    table["flag"] = X[:, 5] > 0
    for name, n_levels in (("few", 4), ("many", 40)):
        levels = np.array([f"level {i}" for i in range(n_levels)] + [None], dtype=object)
        table[name] = levels[random.randint(n_levels + 1, size=len(X))]
    return table


def print_tabular(dtype, n_rows):
    """The ensembles for tables: of a matrix, and of a frame with preprocessing in the graph."""
    random = np.random.RandomState(0)
    X = random.standard_normal((n_rows, N_FEATURES)).astype(dtype)
    scores = X @ random.standard_normal((N_FEATURES, 3))
    tables = {"": X, ", frame": frame_of(X, random)} if dtype == "float64" else {"": X}
    wrong = 0
    print_header(dtype)
    for task in TABULAR:
        for name, table in tables.items():
            models = [fitted_ensemble(task, each, table, scores) for each in ACTIVATIONS]
            found = [compared(model, table) for model in models]
            print_row(task + name, [largest for largest, _ in found])
            wrong += sum(n for _, n in found)
    for name, table in tables.items():
        encoder = TableEncoder(random_state=0).fit(table, scores.argmax(axis=1))
        print(f"table encoder{name}: {compared(encoder, table)[0]:.0e}")
    print(f"labels other than ours: {wrong}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1000)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for dtype in ("float32", "float64"):
        print_table(dtype, arguments.rows)
    for dtype in ("float32", "float64"):
        print_tabular(dtype, arguments.rows)


if __name__ == "__main__":
    main()
