"""The summary of a network: as text, and as a table."""

from __future__ import annotations

import pickle

import pytest
from sklearn.datasets import load_wine
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import StandardScaler

from skneural import ScratchMLPClassifier, ScratchMLPRegressor
from skneural.activations import ACTIVATIONS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)


def test_text():
    network = ScratchMLPClassifier((100, 5), activation=["gelu", "tanh"], max_iter=3)
    network.fit(X, Y)
    assert str(network.summary()).splitlines() == [
        "ScratchMLPClassifier (float64)",
        "layer        shape  activation  parameters",
        "hidden 1  13 x 100        gelu       1,400",
        "hidden 2   100 x 5        tanh         505",
        "output       5 x 3     softmax          18",
        "1,923 parameters",
        "training: 3 epochs, ended by 'max_iter'",
        f"loss: {network.loss_:.6g}",
    ]
    assert repr(network.summary()) == str(network.summary())
    assert network.summary().n_params == len(network._model.params)


def test_table():
    network = ScratchMLPClassifier(4, max_iter=3, early_stopping=True, random_state=0)
    html = network.fit(X, Y).summary()._repr_html_()
    assert html.count("<tr>") == 3
    assert "<td>13 x 4</td><td>relu</td><td>56</td>" in html
    assert "best validation score: " in html
    assert "ended by &#x27;max_iter&#x27;" in html


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (
            ScratchMLPRegressor(hidden_layer_sizes=(), solver="lbfgs"),
            ["output  13 x 1    identity          14"],
        ),
        (
            ScratchMLPRegressor(hidden_layer_sizes=2, solver="lbfgs"),
            ["iterations, ended by '"],
        ),
        (
            ScratchMLPRegressor(
                hidden_layer_sizes=2, activation=ACTIVATIONS["silu"], dtype="float32", max_iter=2
            ),
            ["ScratchMLPRegressor (float32)", "13 x 2        silu"],
        ),
    ],
)
def test_other_networks(network, expected):
    text = str(network.fit(X, Y).summary())
    assert all(each in text for each in expected)
    assert str(pickle.loads(pickle.dumps(network)).summary()) == text
    assert str(network.for_prediction().summary()) == text


def test_given_weights_have_no_training():
    network = ScratchMLPRegressor.from_weights([[[1.0], [2.0]]], [[0.5]])
    assert str(network.summary()).splitlines()[-1] == "3 parameters"


def test_unfitted():
    with pytest.raises(NotFittedError):
        ScratchMLPClassifier().summary()
