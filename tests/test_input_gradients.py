"""`input_gradients`, against central differences; `raw_outputs`, against the formula."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy import sparse
from scipy.special import expit, softmax
from sklearn.base import clone, is_regressor
from sklearn.exceptions import NotFittedError
from stopped_fits import answers

from skneural import (
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
)
from skneural.activations import ACTIVATIONS, Activation
from skneural.arrays import matrices
from skneural.losses import INCREASING, SOFTMAX, Focal, Quantile, RegressionLoss

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RANDOM = np.random.RandomState(0)
X = RANDOM.standard_normal((60, 4))
X[np.abs(X) < 0.3] = 0
MARK = np.digitize(X[:, 0] + X[:, 1], [-0.7, 0.7])
SEVERAL = np.column_stack([MARK > 0, MARK < 2, X[:, 2] > 0]).astype(int)
NUMBERS = X @ RANDOM.standard_normal((4, 3))
#: No ReLU has its corner within a step of one of these.
ASKED = RANDOM.standard_normal((25, 4))
STEP = 1e-6

NETWORK = {
    "hidden_layer_sizes": (6, 5),
    "activation": ["tanh", "softplus"],
    "max_iter": 5,
    "learning_rate_init": 0.05,
    "random_state": 0,
}


def classifier(**params):
    return ScratchMLPClassifier(**{**NETWORK, **params})


def regressor(**params):
    return ScratchMLPRegressor(**{**NETWORK, **params})


def _cube(z, mask, slope):
    np.square(z, out=slope)
    z *= slope
    slope *= 3


def _cube_backward(delta, a, mask, slope):
    delta *= slope


CUBE = Activation("cube", _cube, _cube_backward, n_saved=1)
#: An estimator, targets, and how many outputs there are of each kind.
CASES = {
    "three classes": (classifier(), MARK, {"decision_function": 3, "predict_proba": 3}),
    "two classes": (classifier(), MARK > 0, {"decision_function": 1, "predict_proba": 2}),
    "one class": (classifier(), np.full(60, 7), {"decision_function": 1, "predict_proba": 1}),
    "multilabel": (classifier(), SEVERAL, {"decision_function": 3, "predict_proba": 3}),
    "columns of labels": (
        classifier(),
        np.column_stack([MARK, 5 + (MARK > 0)]),
        {"decision_function": 5, "predict_proba": 5},
    ),
    "no hidden layer": (
        classifier(hidden_layer_sizes=(), activation="relu"),
        MARK,
        {"decision_function": 3, "predict_proba": 3},
    ),
    "dropout": (classifier(dropout=0.5), MARK, {"decision_function": 3, "predict_proba": 3}),
    "focal loss": (classifier(loss=Focal()), MARK > 0, {"decision_function": 1}),
    "squared error of classes": (
        classifier(loss="squared_error"),
        MARK,
        {"decision_function": 3, "predict_proba": 3},
    ),
    "lbfgs": (classifier(solver="lbfgs"), MARK, {"decision_function": 3}),
    "one target": (regressor(), NUMBERS[:, 0], {"predict": 1}),
    "three targets": (regressor(), NUMBERS, {"predict": 3}),
    "Poisson": (regressor(loss="poisson"), np.abs(NUMBERS[:, 0]), {"predict": 1}),
    "gamma, three targets": (regressor(loss="gamma"), np.abs(NUMBERS) + 0.1, {"predict": 3}),
    "median": (regressor(loss="absolute_error"), NUMBERS[:, 0], {"predict": 1}),
    "quantiles": (regressor(loss=Quantile([0.1, 0.5, 0.9])), NUMBERS[:, 0], {"predict": 3}),
    "logistic": (
        ScratchLogisticRegression(),
        MARK,
        {"decision_function": 3, "predict_proba": 3},
    ),
    "logistic, two classes": (
        ScratchLogisticRegression(),
        MARK > 0,
        {"decision_function": 1, "predict_proba": 2},
    ),
    "logistic, no intercept": (
        ScratchLogisticRegression(fit_intercept=False, solver="fista", l1_ratio=0.5),
        MARK,
        {"decision_function": 3, "predict_proba": 3},
    ),
    **{
        f"{name}, and tanh": (
            classifier(activation=[name, "tanh"]),
            MARK,
            {"decision_function": 3, "predict_proba": 3},
        )
        for name in ACTIVATIONS
    },
    **{
        f"tanh, and {name}": (regressor(activation=["tanh", name]), NUMBERS, {"predict": 3})
        for name in ACTIVATIONS
    },
    "an activation of one's own": (regressor(activation=CUBE), NUMBERS, {"predict": 3}),
}
KINDS = [(name, of) for name, (_, _, sizes) in CASES.items() for of in sizes]
each_kind = pytest.mark.parametrize(("name", "of"), KINDS)


@cache
def fitted(name):
    estimator, y, _ = CASES[name]
    return clone(estimator).fit(X, y)


def outputs(model, of, rows):
    values = getattr(model, of)(rows)
    if isinstance(values, list):  # of each column of labels
        values = np.hstack(values)
    return values.reshape(rows.shape[0], -1)


def differences(function, rows):
    """Central differences of shape (n_rows, n_outputs, n_features)."""
    columns = []
    for direction in np.eye(rows.shape[1]):
        above, below = (function(rows + sign * STEP * direction) for sign in (1, -1))
        columns.append((above - below) / (2 * STEP))
    return np.stack(columns, axis=-1)


# ------------------------------------------------------------------------------ gradients


class Shares(RegressionLoss):
    """Numbers that add up to one, by a softmax over all targets: the cross-entropy."""

    link = SOFTMAX

    def value_and_gradient(self, raw, y, buffers):
        log_shares = raw - np.log(np.sum(np.exp(raw), axis=1, keepdims=True))
        buffers.gradient[...] = np.exp(log_shares) * y.sum(axis=1, keepdims=True) - y
        return -np.sum(y * log_shares, axis=1)


class Levels(RegressionLoss):
    """Two outputs for each target, all increasing from one to the next."""

    link = INCREASING

    def n_outputs(self, n_targets):
        return 2 * n_targets

    def value_and_gradient(self, raw, y, buffers):
        np.subtract(raw, np.repeat(y, 2, axis=1), out=buffers.gradient)
        return 0.5 * np.sum(buffers.gradient**2, axis=1)

    def score(self, y, predicted, sample_weight=None):
        return -float(np.mean((np.repeat(y, 2, axis=1) - predicted) ** 2))


@pytest.mark.parametrize("loss", [Shares(), Levels()], ids=["shares", "levels"])
def test_a_link_that_mixes_all_outputs(loss):
    """What `predict` does with the link: over all columns, whatever the targets."""
    y = np.exp(NUMBERS) / np.exp(NUMBERS).sum(axis=1, keepdims=True)
    model = regressor(loss=loss).fit(X, y)
    gradients = model.input_gradients(ASKED, of="predict")
    expected = differences(lambda rows: outputs(model, "predict", rows), ASKED)
    assert np.abs(expected).max() > 1e-3
    np.testing.assert_allclose(gradients, expected, rtol=1e-5, atol=1e-7)


@each_kind
def test_central_differences(name, of):
    model, n_outputs = fitted(name), CASES[name][2][of]
    gradients = model.input_gradients(ASKED, of=of)
    assert gradients.shape == (25, n_outputs, 4)
    assert gradients.dtype == np.float64
    expected = differences(lambda rows: outputs(model, of, rows), ASKED)
    np.testing.assert_allclose(gradients, expected, rtol=1e-5, atol=1e-7)
    # Where there is a single class, every probability is 1, whatever the features.
    assert np.any(gradients) or name == "one class"


@each_kind
def test_a_single_output(name, of):
    model, n_outputs = fitted(name), CASES[name][2][of]
    gradients = model.input_gradients(ASKED, of=of)
    for j in [*range(n_outputs), -1, -n_outputs, np.int64(0)]:
        single = model.input_gradients(ASKED, of=of, output=j)
        assert single.shape == (25, 4)
        np.testing.assert_allclose(single, gradients[:, j], rtol=1e-12, atol=1e-15)
    for j in (n_outputs, -n_outputs - 1):
        with pytest.raises((IndexError, ValueError), match="output"):
            model.input_gradients(ASKED, of=of, output=j)


@each_kind
@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array])
def test_sparse_rows_have_dense_gradients(name, of, kind):
    model = fitted(name)
    gradients = model.input_gradients(kind(X), of=of)
    assert type(gradients) is np.ndarray
    np.testing.assert_allclose(gradients, model.input_gradients(X, of=of), rtol=1e-9, atol=1e-12)


@each_kind
def test_float32(name, of):
    estimator, y, _ = CASES[name]
    model = clone(estimator).fit(X.astype(np.float32), y)
    rows = ASKED.astype(np.float32)
    gradients = model.input_gradients(rows, of=of)
    assert gradients.dtype == np.float32
    # The same function in float64, where differences have digits enough.
    exact = clone(estimator).fit(X, y)
    for attribute in ("coefs_", "intercepts_", "coef_", "intercept_"):
        if hasattr(model, attribute):
            setattr(exact, attribute, getattr(model, attribute))
    expected = differences(lambda rows: outputs(exact, of, rows), rows.astype(np.float64))
    np.testing.assert_allclose(gradients, expected, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("three classes", "predict_proba"),
        ("three targets", "predict"),
        ("quantiles", "predict"),
        ("logistic", "decision_function"),
        ("logistic", "predict_proba"),
        ("columns of labels", "predict_proba"),
    ],
)
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix], ids=["dense", "sparse"])
def test_more_rows_than_a_chunk(name, of, kind, monkeypatch):
    monkeypatch.setattr(matrices, "CHUNK_ELEMENTS", 2**13)  # rows by the thousand
    model = fitted(name)
    many = np.random.RandomState(1).standard_normal((5_001, 4))
    gradients = model.input_gradients(kind(many), of=of)
    assert gradients.shape == (5_001, CASES[name][2][of], 4)
    for rows in (slice(0, 50), slice(2_500, 2_550), slice(-50, None)):
        part = model.input_gradients(many[rows], of=of)
        np.testing.assert_allclose(gradients[rows], part, rtol=1e-9, atol=1e-12)
    last = model.input_gradients(kind(many), of=of, output=-1)
    np.testing.assert_allclose(last, gradients[:, -1], rtol=1e-12, atol=1e-15)


def test_weights_are_the_gradients_of_a_linear_model():
    model = fitted("logistic")
    gradients = model.input_gradients(ASKED)
    np.testing.assert_allclose(gradients, np.broadcast_to(model.coef_, (25, 3, 4)), rtol=1e-12)
    p = model.predict_proba(ASKED)
    expected = p[:, :, None] * (model.coef_ - (p @ model.coef_)[:, None, :])
    found = model.input_gradients(ASKED, of="predict_proba")
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_sparse_weights():
    dense = fitted("logistic, no intercept")
    thin = clone(dense).fit(X, MARK).sparsify()
    for of in ("decision_function", "predict_proba"):
        expected = dense.input_gradients(ASKED, of=of)
        np.testing.assert_allclose(thin.input_gradients(ASKED, of=of), expected, rtol=1e-9)
    assert sparse.issparse(thin.coef_)


@pytest.mark.parametrize("name", ["three classes", "Poisson", "logistic"])
def test_what_it_leaves_alone_and_what_it_accepts(name):
    model, rows = fitted(name), ASKED.copy()
    before = answers(model, ASKED)
    of = "predict" if is_regressor(model) else "decision_function"
    first = model.input_gradients(rows, of=of)
    np.testing.assert_array_equal(rows, ASKED)
    assert answers(model, ASKED) == before
    first[...] = 0
    again = model.input_gradients(rows.tolist(), of=of)
    assert np.any(again)
    np.testing.assert_allclose(model.for_prediction().input_gradients(rows, of=of), again)
    one = model.input_gradients(rows[:1], of=of)
    np.testing.assert_allclose(one, again[:1], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "of", "possible"),
    [
        ("three classes", "predict", ["decision_function", "predict_proba"]),
        ("three classes", "loss", ["decision_function", "predict_proba"]),
        ("columns of labels", "predict", ["decision_function", "predict_proba"]),
        ("multilabel", None, ["decision_function", "predict_proba"]),
        ("one target", "predict_proba", ["predict"]),
        ("one target", "decision_function", ["predict"]),
        ("logistic", "predict", ["decision_function", "predict_proba"]),
    ],
)
def test_wrong_names(name, of, possible):
    with pytest.raises(ValueError, match="of") as caught:
        fitted(name).input_gradients(ASKED, of=of)
    assert all(f"'{each}'" in str(caught.value) for each in possible)


@pytest.mark.parametrize("name", ["three classes", "one target", "logistic"])
def test_wrong_rows_and_no_fit(name):
    model = fitted(name)
    of = "predict" if is_regressor(model) else "decision_function"
    with pytest.raises(ValueError, match="features"):
        model.input_gradients(ASKED[:, :3], of=of)
    with pytest.raises(ValueError, match="NaN"):
        model.input_gradients(np.full((2, 4), np.nan), of=of)
    with pytest.raises(NotFittedError):
        clone(model).input_gradients(ASKED, of=of)


# ---------------------------------------------------------------------------- raw outputs


PERCEPTRONS = {
    "perceptron": (ScratchPerceptron(), MARK),
    "perceptron, two classes": (ScratchPerceptron(), MARK > 0),
}
NETWORKS = {**{name: case[:2] for name, case in CASES.items()}, **PERCEPTRONS}
SEVERAL_LABELS = ("multilabel", "columns of labels")
#: From raw outputs to predictions; the quantiles by hand.
LINKS = {
    "Poisson": np.exp,
    "gamma, three targets": np.exp,
    "quantiles": lambda raw: np.cumsum(
        np.column_stack([raw[:, 0], np.logaddexp(0, raw[:, 1:])]), axis=1
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix], ids=["dense", "sparse"])
def test_raw_outputs(name, kind):
    estimator, y = NETWORKS[name]
    model, rows = clone(estimator).fit(X, y), kind(ASKED)
    raw = model.raw_outputs(rows)
    assert raw.ndim == 2
    assert raw.dtype == np.float64
    of = "predict" if is_regressor(model) else "decision_function"
    expected = outputs(model, of, rows)
    link = LINKS.get(name, lambda raw: raw)
    np.testing.assert_allclose(link(raw), expected.reshape(raw.shape), rtol=1e-12, atol=1e-14)
    if hasattr(model, "predict_proba") and raw.shape[1] > 1 and name not in SEVERAL_LABELS:
        np.testing.assert_allclose(model.predict_proba(rows), softmax(raw, axis=1), rtol=1e-9)
    elif name == "columns of labels":
        for found, part in zip(model.predict_proba(rows), np.split(raw, [3], axis=1), strict=True):
            np.testing.assert_allclose(found, softmax(part, axis=1), rtol=1e-9)
    elif name == "two classes":
        np.testing.assert_allclose(model.predict_proba(rows)[:, 1:], expit(raw), rtol=1e-9)
    raw[...] = 0
    assert np.any(model.raw_outputs(rows))
    with pytest.raises(NotFittedError):
        clone(model).raw_outputs(rows)
