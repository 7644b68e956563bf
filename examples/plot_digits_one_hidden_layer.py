r"""
Handwritten digits, one hidden layer
====================================

The tutorial network for scikit-learn's 8 x 8 digits: 64 pixels scaled to 0..1, 64 hidden units, 10
outputs; the digit predicted is the largest output. The outputs can be

- ten sigmoids, :math:`p = 1 / (1 + \exp(-z))`, each a yes or no of its own (here: targets with a
  column of zeros and ones for every digit), with the log loss
  :math:`-y \log p - (1 - y) \log(1 - p)` of each; or
- one softmax, :math:`p = \exp(z) / \sum \exp(z)`, a choice of one out of ten, with the log loss
  :math:`-\log p` of the true digit.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import xlog1py, xlogy
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler

from skneural import ScratchMLPClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)
scaler = MinMaxScaler().fit(X_train)
X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)


def log_loss(network, X, y):
    """The loss that the network minimises, penalty left out: summed over outputs, mean of rows."""
    p, target = network.predict_proba(X), np.eye(10)[y]
    loss = -xlogy(target, p)
    if network.out_activation_ == "logistic":
        loss -= xlog1py(1 - target, -p)
    return loss.sum(axis=1).mean()


def accuracy(network, X, y):
    """Share of the images whose largest output is that of their digit."""
    return np.mean(network.predict_proba(X).argmax(axis=1) == y)


# %%
# ``partial_fit`` trains for one epoch, after which both losses are taken.


def train(output, n_epochs=30):
    """Train with 'sigmoid' or 'softmax' outputs; also return both losses of every epoch."""
    network = ScratchMLPClassifier(
        hidden_layer_sizes=64, solver="sgd", learning_rate_init=0.03, batch_size=32, random_state=0
    )
    target = np.eye(10, dtype=int)[y_train] if output == "sigmoid" else y_train
    losses = []
    for _ in range(n_epochs):
        network.partial_fit(X_train, target, classes=range(10))
        losses.append((log_loss(network, X_train, y_train), log_loss(network, X_test, y_test)))
    return network, np.array(losses)


trained = {output: train(output) for output in ("sigmoid", "softmax")}

# %%
# Both kinds of output read about as well. The loss of ten answers is larger than that of one, and
# with either the test loss stays above the training loss.

figure, panels = plt.subplots(1, 2, figsize=(6.4, 2.9), sharey=True, layout="constrained")
for panel, (output, (network, losses)) in zip(panels, trained.items(), strict=True):
    right = f"{output}: {accuracy(network, X_test, y_test):.1%} right"
    print(f"{right} in the test, loss {losses[-1, 0]:.4f} train, {losses[-1, 1]:.4f} test")
    epochs = range(1, len(losses) + 1)
    panel.semilogy(epochs, losses[:, 0], color="#0072B2", label="train")
    panel.semilogy(epochs, losses[:, 1], color="#D55E00", linestyle="--", label="test")
    panel.set(title=right, xlabel="epoch")
    panel.legend()
panels[0].set_ylabel("log loss")
plt.show()

# %%
# A word on gradients
# -------------------
#
# Backpropagation starts from the derivative of the loss in z, and :math:`p - y` is that derivative
# for both of these log losses. It is not the one of the squared error :math:`(p - y)^2 / 2` of a
# sigmoid, which is :math:`(p - y) \, p (1 - p)`. Tutorial code that steps along :math:`p - y` for
# the squared error and along :math:`(p - y) / (p (1 - p))` for the log loss takes derivatives in p
# for derivatives in z: both lack the slope of the sigmoid, :math:`p (1 - p)`, and neither belongs
# to the loss that is printed beside it.
