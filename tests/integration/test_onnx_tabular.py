"""The ensembles for raw tables in ONNX, with all preprocessing in the graph."""

from extras import need

need("onnx", "onnx", "onnxruntime", "skl2onnx")

import pickle

import numpy as np
import pytest
from onnx_frames import (
    LARGE_INTEGER,
    SMALL,
    check,
    fitted,
    frame,
    labels_of,
    matrix,
    new_rows,
    numbers_of,
)
from onnx_runs import TOLERANCE, largest_difference, run
from raw_tables import MANY_CLASSES
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skneural import TabularMLPClassifier, TabularMLPRegressor
from skneural.activations import ACTIVATIONS, Activation
from skneural.losses import Quantile
from skneural.onnx import to_onnx


@MANY_CLASSES
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


def test_the_same_file_of_an_unpickled_model():
    model = fitted(TabularMLPClassifier, labels=("no", "yes"))
    content = to_onnx(model, frame()).SerializeToString()
    assert to_onnx(pickle.loads(pickle.dumps(model)), frame()).SerializeToString() == content


def test_integer_arrays_are_predicted_in_double_precision():
    X = np.random.RandomState(0).randint(0, 5, (200, 3))
    check(TabularMLPRegressor(**SMALL).fit(X, X[:, 0] - X[:, 1]), X[:1], X)


@pytest.mark.parametrize("n_checkpoints", [1, 2])
def test_checkpoints(n_checkpoints):
    """Whether both criteria select one epoch is chance."""
    models = (
        fitted(TabularMLPClassifier, (("random_state", seed),), labels=("no", "yes"))
        for seed in range(50)
    )
    model = next(each for each in models if each._model.params.shape[0] == n_checkpoints)
    check(model, frame(), new_rows())


def test_a_metric_of_a_regressor():
    settings = (("early_stopping_metric", "score"),)
    check(fitted(TabularMLPRegressor, settings), frame(), new_rows())


def test_return_std():
    model = fitted(TabularMLPRegressor)
    content = to_onnx(model, frame(), options={"return_std": True})
    found = run(content, new_rows())
    for each, expected in zip(found, model.predict(new_rows(), return_std=True), strict=True):
        assert each.shape == (len(expected), 1)
        assert largest_difference(each[:, 0], expected) <= 1e-12


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


def _bend(z, mask):
    np.maximum(z, -1, out=z)


def _bend_backward(delta, a, mask):
    delta[a <= -1] = 0


def test_an_activation_function_of_the_user_is_named():
    activation = Activation("bend", _bend, _bend_backward)
    model = TabularMLPRegressor(**SMALL, activation=activation).fit(frame(), numbers_of(frame()))
    with pytest.raises(ValueError, match="bend"):
        to_onnx(model, frame())
