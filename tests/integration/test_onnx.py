"""Estimators as ONNX models: what onnxruntime computes is what they predict."""

from extras import need

need("onnx", "onnx", "onnxruntime", "skl2onnx")

import warnings

import numpy as np
import pytest
from onnx_runs import TOLERANCE, converted, largest_difference, logits_of, run, session_of
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator

from skneural import (
    HiddenLayerTransformer,
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
)
from skneural.activations import ACTIVATIONS, Activation
from skneural.losses import REGRESSION_LOSSES, Link, Quantile, SquaredError
from skneural.onnx import register_converters, to_onnx
from skneural.onnx.graph import MIN_OPSET
from skneural.onnx.registration import CLASSIFIER_OPTIONS

DTYPES = ("float32", "float64")
RNG = np.random.RandomState(0)
ROWS = RNG.standard_normal((60, 4))
SCORES = ROWS @ RNG.standard_normal((4, 3))
BINARY = (SCORES[:, 0] > 0).astype(int)
CLASSES = SCORES.argmax(axis=1)
COLUMNS = np.column_stack([CLASSES, 3 * BINARY])


def quietly_fitted(estimator, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(X, y)


def classifier(y=CLASSES, dtype="float64", **settings):
    settings = {"hidden_layer_sizes": (6, 5), "max_iter": 8, "random_state": 0, **settings}
    network = ScratchMLPClassifier(learning_rate_init=0.05, **settings)
    return quietly_fitted(network, ROWS.astype(dtype), y)


def regressor(y=SCORES[:, 0], dtype="float64", **settings):
    settings = {"hidden_layer_sizes": (6, 5), "max_iter": 8, "random_state": 0, **settings}
    network = ScratchMLPRegressor(learning_rate_init=0.05, **settings)
    return quietly_fitted(network, ROWS.astype(dtype), y)


def assert_same_classes(model, X, **settings):
    """Labels and probabilities in ONNX are those of the estimator, in its dtype."""
    dtype = str(model.raw_outputs(X[:1]).dtype)
    label, result = converted(model, X, **settings)
    expected = model.predict(X)
    expected = expected.toarray() if sparse.issparse(expected) else expected
    assert np.array_equal(label, expected)
    assert label.dtype in (np.int64, object)
    own = model.predict_proba(X) if hasattr(model, "predict_proba") else logits_of(model, X)
    results = zip(result, own, strict=True) if isinstance(own, list) else [(result, own)]
    for found, probabilities in results:
        assert found.dtype == dtype
        assert largest_difference(found, probabilities) < TOLERANCE[dtype]


def assert_same_numbers(model, X):
    dtype = str(model.raw_outputs(X[:1]).dtype)
    [result] = converted(model, X)
    expected = model.predict(X)
    assert result.dtype == dtype
    assert result.shape == (len(X), np.size(expected) // len(X))
    assert largest_difference(result, expected.reshape(result.shape)) < TOLERANCE[dtype]


# ---------------------------------------------------------------- activations


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations(activation, dtype):
    assert_same_classes(classifier(activation=activation, dtype=dtype), ROWS.astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_far_out(activation, dtype):
    sizes = np.concatenate([np.linspace(0, 12, 500), np.logspace(-12, 4, 500), [1e4]])
    z = np.concatenate([-sizes, sizes]).astype(dtype)[:, np.newaxis]
    network = ScratchMLPRegressor(
        hidden_layer_sizes=(1,), activation=activation, max_iter=1, dtype=dtype, random_state=0
    )
    quietly_fitted(network, z, z.ravel() / 1e4)
    network.coefs_[0][...] = 1
    network.intercepts_[0][...] = 0
    layer = HiddenLayerTransformer(network, prefit=True)
    [result] = converted(layer, z)
    assert np.all(np.isfinite(result))
    assert largest_difference(result, layer.transform(z)) < TOLERANCE[dtype] / 4


def test_one_activation_for_each_layer():
    network = classifier(hidden_layer_sizes=(5, 4, 3), activation=["gelu", "tanh", "elu"])
    assert_same_classes(network, ROWS)


def test_an_activation_of_the_user_is_named():
    relu = ACTIVATIONS["relu"]
    own = [
        Activation("squashed", ACTIVATIONS["tanh"].forward, relu.backward),
        Activation("relu", ACTIVATIONS["tanh"].forward, relu.backward),
    ]
    for activation in own:
        with pytest.raises(ValueError, match=f"Activation.'{activation.name}'.* cannot be conv"):
            to_onnx(classifier(activation=activation), ROWS)
    # One that is the same under the same name is no other.
    same = Activation("relu", relu.forward, relu.backward)
    assert_same_classes(classifier(activation=same), ROWS)


# ---------------------------------------------------------------- classes

LABELS = {
    "two": BINARY,
    "bool": BINARY == 1,
    "strings": np.array(["no", "yes", "perhaps"])[CLASSES],
    "two strings": np.array(["no", "yes"])[BINARY],
    "objects": np.array(["no", "yes", "é"], dtype=object)[CLASSES],
    "large": np.array([-(2**40), 2**31, 2**62 + 1])[CLASSES],
    "small": np.array([3, 5, 200], dtype=np.uint8)[CLASSES],
    "whole floats": np.array([-1.0, 0.0, 4.0])[CLASSES],
    "one": np.full(60, 7),
    "multilabel": (SCORES > 0).astype(int),
    "one multilabel": sparse.csr_matrix((SCORES > 0).astype(int)),
    "columns": COLUMNS,
    "columns of strings": np.array(["a", "bcd", "ef", "g"])[COLUMNS],
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", LABELS)
def test_labels(kind, dtype):
    assert_same_classes(classifier(LABELS[kind], dtype), ROWS.astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("y", [BINARY, CLASSES], ids=["two", "three"])
@pytest.mark.parametrize(
    "estimator",
    [
        ScratchLogisticRegression(C=0.1),
        ScratchLogisticRegression(fit_intercept=False),
        ScratchLogisticRegression(l1_ratio=1, C=0.2, solver="fista"),
        ScratchPerceptron(random_state=0),
    ],
    ids=["logistic", "no intercept", "lasso", "perceptron"],
)
def test_linear_classifiers(estimator, y, dtype):
    X = ROWS.astype(dtype)
    model = quietly_fitted(estimator, X, y)
    assert_same_classes(model, X)
    assert_same_classes(model.sparsify(), X)


@pytest.mark.parametrize("loss", ["focal", "squared_error"])
def test_other_losses_of_a_classifier_predict_the_same_way(loss):
    assert_same_classes(classifier(loss=loss), ROWS)


@pytest.mark.parametrize("dtype", DTYPES)
def test_probabilities_of_large_logits(dtype):
    X = ROWS.astype(dtype)
    for y in (BINARY, CLASSES, (SCORES > 0).astype(int)):
        model = classifier(y, dtype)
        model.coefs_[-1][...] *= 1e4
        assert_same_classes(model, X)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.array([1, 2, 2**63 + 5], dtype=np.uint64)[CLASSES], "64 bits"),
        (np.array(["2024-01-01", "2025-01-01"], dtype="M8[D]")[BINARY], "strings or integers"),
        (COLUMNS.astype(object) * np.array([1, "x"], dtype=object), "encode them as numbers"),
    ],
    ids=["too large", "dates", "mixed columns"],
)
def test_labels_that_onnx_lacks(y, words):
    with pytest.raises(ValueError, match=words):
        to_onnx(classifier(y), ROWS)


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
def test_regression_losses(loss, n_targets, dtype):
    y = 0.1 + np.abs(SCORES[:, :n_targets])
    model = regressor(y.ravel() if n_targets == 1 else y, dtype, loss=loss)
    assert_same_numbers(model, ROWS.astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("levels", [[0.5], [0.1, 0.9], [0.05, 0.25, 0.5, 0.75, 0.95]], ids=len)
def test_quantiles_do_not_cross(levels, dtype):
    X = ROWS.astype(dtype)
    model = regressor(SCORES[:, 0], dtype, loss=Quantile(levels))
    assert_same_numbers(model, X)
    model.coefs_[-1][...] *= 1e3
    [quantiles] = converted(model, X)
    assert np.all(np.diff(quantiles, axis=1) >= 0)
    assert largest_difference(quantiles, model.predict(X).reshape(quantiles.shape)) < 1e-5


class TwinError(SquaredError):
    """Another loss to train with, not to predict with."""


class DoubledError(SquaredError):
    def predict(self, raw):
        return 2 * raw


def _doubled(raw):
    raw *= 2


class LinkedError(SquaredError):
    name = "doubled"

    @property
    def link(self):
        return Link(self.name, _doubled)


class DisguisedError(LinkedError):
    name = "identity"


def test_a_loss_of_the_user_that_predicts_as_ours():
    assert_same_numbers(regressor(loss=TwinError()), ROWS)


@pytest.mark.parametrize("loss", [DoubledError, LinkedError, DisguisedError])
def test_what_a_loss_of_the_user_predicts_is_named(loss):
    with pytest.raises(ValueError, match=f"loss={loss.__name__}.* cannot be converted to ONNX"):
        to_onnx(regressor(loss=loss()), ROWS)


# ---------------------------------------------------------------- hidden layers


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layer", [0, 1, -1])
def test_hidden_layers(layer, dtype):
    X = ROWS.astype(dtype)
    network = classifier(dtype=dtype, activation=["mish", "softplus"], dropout=0.2)
    for transformer in (
        HiddenLayerTransformer(network, layer, prefit=True),
        HiddenLayerTransformer(FrozenEstimator(network), layer).fit(X),
    ):
        [result] = converted(transformer, X)
        assert largest_difference(result, transformer.transform(X)) < TOLERANCE[dtype]


# ---------------------------------------------------------------- types of inputs and outputs


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "of_sample",
    ["float16", "float32", "float64", "int8", "uint8", "int16", "int32", "int64", "bool", ">f8"],
)
def test_outputs_have_the_dtype_of_the_model(dtype, of_sample):
    model = classifier(dtype=dtype)
    X = (4 * ROWS).astype(of_sample)
    session = session_of(to_onnx(model, X))
    kinds = {"float": "f4", "double": "f8", "int8": "i1", "uint8": "u1", "int32": "i4"}
    kinds |= {"int64": "i8", "bool": "?"}
    kind = session.get_inputs()[0].type.removeprefix("tensor(").removesuffix(")")
    label, probabilities = session.run(None, {"X": X.astype(kinds[kind])})
    assert np.array_equal(label, model.predict(X))
    assert probabilities.dtype == dtype
    assert largest_difference(probabilities, model.predict_proba(X)) < TOLERANCE[dtype]


def test_samples_in_other_containers():
    model = classifier()
    expected = model.predict_proba(ROWS)
    for sample in (ROWS[:2].tolist(), sparse.csr_matrix(ROWS), ROWS.astype(object)):
        _, probabilities = run(to_onnx(model, sample), ROWS)
        assert largest_difference(probabilities, expected) < 1e-12


def test_any_number_of_rows():
    model = classifier(dtype="float32")
    session = session_of(to_onnx(model, ROWS[:1].astype("f4")))
    X = RNG.standard_normal((10_000, 4)).astype("f4")
    for n_rows in (0, 1, 2, 10_000):
        label, probabilities = session.run(None, {"X": X[:n_rows]})
        assert label.shape == (n_rows,)
        assert probabilities.shape == (n_rows, 3)
    assert largest_difference(probabilities, model.predict_proba(X)) < 1e-5


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        (ROWS[:, :3], "X_sample has 3 columns, ScratchMLPClassifier was fitted with 4"),
        (ROWS[0], "must have rows and columns"),
        (ROWS[:0], "must have rows and columns"),
        (ROWS.astype(str), "holds strings"),
    ],
    ids=["columns", "vector", "empty", "strings"],
)
def test_a_wrong_sample(sample, words):
    with pytest.raises(ValueError, match=words):
        to_onnx(classifier(), sample)


# ---------------------------------------------------------------- opsets, files


@pytest.mark.parametrize("opset", [MIN_OPSET, 13, 18, {"": 17, "ai.onnx.ml": 3}], ids=str)
def test_opsets(opset):
    for y in (BINARY, CLASSES, (SCORES > 0).astype(int), COLUMNS):
        assert_same_classes(classifier(y, activation="gelu"), ROWS, target_opset=opset)


def test_an_opset_that_is_too_old():
    with pytest.raises(ValueError, match=f"target_opset={MIN_OPSET - 1} is too old"):
        to_onnx(classifier(), ROWS, target_opset=MIN_OPSET - 1)


def test_the_file_is_small_and_always_the_same():
    X = ROWS.astype("f4")
    network = classifier(dtype="float32", hidden_layer_sizes=(200, 100))
    content = to_onnx(network, X).SerializeToString()
    n_bytes = sum(each.nbytes for each in network.coefs_ + network.intercepts_)
    assert n_bytes < len(content) < n_bytes + 2500
    assert to_onnx(network, X).SerializeToString() == content
    assert to_onnx(network.for_prediction(), X).SerializeToString() == content


# ---------------------------------------------------------------- the converter of another class


def test_the_linear_converter_of_skl2onnx_is_replaced():
    """It takes what is no LogisticRegression for another model: wrong, and silent."""
    from skl2onnx import to_onnx as convert
    from skl2onnx import update_registered_converter
    from skl2onnx._supported_operators import sklearn_operator_name_map
    from skl2onnx.common._registration import get_converter, get_shape_calculator
    from sklearn.linear_model import LogisticRegression

    model = ScratchLogisticRegression().fit(ROWS, BINARY)
    alias = sklearn_operator_name_map[LogisticRegression]
    kept = get_shape_calculator(alias), get_converter(alias)._fct
    update_registered_converter(
        ScratchLogisticRegression,
        "TestLinear",
        *kept,
        options=CLASSIFIER_OPTIONS,
    )
    without_zipmap = {id(model): {"zipmap": False}}
    _, wrong = run(convert(model, ROWS, options=without_zipmap), ROWS)
    assert largest_difference(wrong, model.predict_proba(ROWS)) > 0.05
    assert_same_classes(model, ROWS)
    register_converters()
    _, right = run(convert(model, ROWS, options=without_zipmap), ROWS)
    assert largest_difference(right, model.predict_proba(ROWS)) < 1e-12
