r"""A 2-2-1 network by hand: ReLU hidden layer, sigmoid output, binary cross-entropy.

One row x = (1, 2) with label y = 1, and

    W1 = [[1, -1],   b1 = (0, 1)     W2 = [[1],   b2 = -2
          [1,  1]]                         [-1]]

Forward:
    z1 = (1*1 + 2*1 + 0, 1*(-1) + 2*1 + 1) = (3, 2),   both positive: a1 = (3, 2)
    z2 = 3*1 + 2*(-1) - 2 = -1
    p  = 1 / (1 + e) = 0.2689414213699951
    L  = -log p = log(1 + e) = 1.3132616875182228

Backward, with d2 = p - y = -0.7310585786300049:
    dL/dW2 = a1 d2     = (3 d2, 2 d2)      = (-2.1931757358900147, -1.4621171572600098)
    dL/db2 = d2                            =  -0.7310585786300049
    d1     = d2 W2^T   = (d2, -d2)           (ReLU slope 1 for both)
    dL/dW1 = x^T d1    = [[d2,   -d2],
                          [2 d2, -2 d2]]
    dL/db1 = d1        = (d2, -d2)

One step of plain gradient descent with rate 0.1 adds 0.07310585786300049 times
    [[1, -1], [2, -2]] to W1,  (1, -1) to b1,  (3, 2) to W2,  1 to b2.
"""

from __future__ import annotations

import numpy as np
import pytest
from networks import network_of

from skneural import ScratchMLPClassifier
from skneural.losses import LINKS, LOSSES
from skneural.objective import Objective
from skneural.workspace import Workspace

X = np.array([[1.0, 2.0]])
Y = np.array([[1.0]])
W1, B1 = np.array([[1.0, -1.0], [1.0, 1.0]]), np.array([0.0, 1.0])
W2, B2 = np.array([[1.0], [-1.0]]), np.array([-2.0])
PARAMS = np.concatenate([W1.ravel(), W2.ravel(), B1, B2])
NETWORK = network_of((2, 2, 1), "relu")
D2 = -0.7310585786300049
RATE = 0.1


def test_forward():
    workspace = Workspace(NETWORK, 1, np.float64)
    raw = NETWORK.forward(NETWORK.arrays(PARAMS), X, workspace)
    np.testing.assert_array_equal(workspace.inputs[2], [[3, 2]])
    np.testing.assert_array_equal(raw, [[-1]])
    LINKS["logistic"].inverse(raw)
    assert raw[0, 0] == pytest.approx(0.2689414213699951, rel=1e-15)


def test_loss_and_every_partial_derivative():
    objective = Objective(NETWORK, LOSSES["log_loss", "logistic"], alpha=0.0, n_rows=1)
    value, gradient, _ = objective.value_and_gradient(PARAMS, X, Y)
    assert value == pytest.approx(1.3132616875182228, rel=1e-15)
    expected = [D2, -D2, 2 * D2, -2 * D2, 3 * D2, 2 * D2, D2, -D2, D2]
    np.testing.assert_allclose(gradient, expected, rtol=1e-14)


def test_one_step_of_gradient_descent():
    classifier = ScratchMLPClassifier(
        hidden_layer_sizes=2,
        activation="relu",
        solver="sgd",
        momentum=0.0,
        learning_rate_init=RATE,
        alpha=0.0,
    )
    classifier.partial_fit(X, [1], classes=[0, 1])
    classifier.coefs_ = [W1, W2]
    classifier.intercepts_ = [B1, B2]
    classifier.partial_fit(X, [1])
    step = -RATE * D2
    assert step == pytest.approx(0.07310585786300049)
    np.testing.assert_allclose(classifier.coefs_[0], W1 + step * np.array([[1, -1], [2, -2]]))
    np.testing.assert_allclose(classifier.coefs_[1], W2 + step * np.array([[3], [2]]))
    np.testing.assert_allclose(classifier.intercepts_[0], B1 + step * np.array([1, -1]))
    np.testing.assert_allclose(classifier.intercepts_[1], B2 + step)
    assert classifier.loss_ == pytest.approx(1.3132616875182228)
