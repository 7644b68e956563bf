"""Repeated calls leave nothing behind for the garbage collector: their buffers form no cycle.

SKNEURAL_PREDICTIONS says how many calls are made.
"""

from __future__ import annotations

import gc
import os
from functools import cache

import numpy as np
import pytest
from memory import peak_of
from scipy import sparse
from sklearn.base import clone

from skneural import (
    HiddenLayerTransformer,
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
    TabularMLPClassifier,
    TabularMLPRegressor,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N_CALLS = int(os.environ.get("SKNEURAL_PREDICTIONS", "8"))
#: Bytes that all further calls together may leave behind: a single cycle of buffers has more.
NEXT_TO_NOTHING = 100_000

X = np.random.RandomState(0).standard_normal((2500, 10))
MARK = np.digitize(X[:, 0], [-0.5, 0.5])
NETWORK = {"hidden_layer_sizes": (20, 10), "max_iter": 1, "random_state": 0}
MODELS = {
    "classifier": (ScratchMLPClassifier(**NETWORK), MARK),
    "classifier, mish": (ScratchMLPClassifier(**NETWORK, activation="mish"), MARK),
    "classifier, dropout": (ScratchMLPClassifier(**NETWORK, dropout=0.1), MARK),
    "regressor": (ScratchMLPRegressor(**NETWORK), X[:, 0]),
    "logistic regression": (ScratchLogisticRegression(max_iter=1), MARK),
    "perceptron": (ScratchPerceptron(max_iter=1), MARK),
    "raw table": (TabularMLPClassifier(**NETWORK, cv=2), MARK),
    "raw table, numbers": (TabularMLPRegressor(**NETWORK, cv=2), X[:, 0]),
}
METHODS = ("predict", "decision_function", "predict_proba", "raw_outputs", "input_gradients")
HAVE_NOT = {
    "regressor": {"decision_function", "predict_proba"},
    "perceptron": {"predict_proba", "input_gradients"},
    "raw table": {"input_gradients"},
    "raw table, numbers": {"decision_function", "predict_proba", "input_gradients"},
}
KINDS = {
    "dense": X,
    "float32": X.astype(np.float32),
    "sparse": sparse.csr_matrix(X),
    "one row": X[:1],
}


def peak_of_repeated(call, n_calls):
    """The bytes that calls allocate at most at a time, without the garbage collector."""

    def run():
        for _ in range(n_calls):
            call()

    gc.disable()
    try:
        return peak_of(run)
    finally:
        gc.enable()


def assert_nothing_is_left(call):
    call()
    assert peak_of_repeated(call, N_CALLS) < peak_of_repeated(call, 1) + NEXT_TO_NOTHING


@cache
def fitted(name):
    estimator, y = MODELS[name]
    return clone(estimator).fit(X, y)


@pytest.mark.parametrize(
    ("name", "method", "kind"),
    [
        (name, way, kind)
        for name in MODELS
        for way in METHODS
        for kind in KINDS
        # Raw tables are not sparse.
        if way not in HAVE_NOT.get(name, ()) and (kind != "sparse" or "table" not in name)
    ],
)
def test_predictions(name, method, kind):
    # A network of a raw table has a hundred times the buffers for a row.
    model, rows = fitted(name), KINDS[kind][: 500 if "table" in name else None]
    others = {"of": "predict"} if (name, method) == ("regressor", "input_gradients") else {}
    assert_nothing_is_left(lambda: getattr(model, method)(rows, **others))


def test_hidden_layers():
    transformer = HiddenLayerTransformer(ScratchMLPClassifier(**NETWORK)).fit(X, MARK)
    assert_nothing_is_left(lambda: transformer.transform(X))


@pytest.mark.parametrize("name", ["classifier", "classifier, dropout", "regressor"])
@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_calls_of_partial_fit(name, kind):
    estimator, y = MODELS[name]
    rows, y = KINDS[kind][:300], y[:300]
    model = clone(estimator).fit(rows, y)
    assert_nothing_is_left(lambda: model.partial_fit(rows, y))
