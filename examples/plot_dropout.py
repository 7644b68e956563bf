"""
What dropout does
=================

A large network, trained for long on few and noisy rows, overfits: its training loss goes to zero,
and its test loss rises. Dropout switches off a random half of the hidden units in every training
step. No unit can then rely on a certain other one, and the network behaves like an average of many
small ones.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skneural import ScratchMLPClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, train_size=200, random_state=0)
X_test, y_test = X_test[:500], y_test[:500]
rng = np.random.RandomState(0)
is_mislabelled = rng.uniform(size=200) < 0.15
y_train = np.where(is_mislabelled, rng.randint(10, size=200), y_train)


def log_loss(network, X, y):
    """Mean of -log p of the true classes."""
    return -network.predict_log_proba(X)[np.arange(len(y)), y].mean()


networks, losses = {}, {}
for dropout in (0.0, 0.5):
    network = ScratchMLPClassifier(
        hidden_layer_sizes=200,
        dropout=dropout,
        alpha=0,
        batch_size=100,
        learning_rate_init=0.007,
        random_state=0,
    )
    losses[dropout] = []
    for _ in range(80):
        network.partial_fit(X_train, y_train, classes=range(10))
        losses[dropout].append(log_loss(network, X_test, y_test))
    networks[dropout] = network
    train_loss = log_loss(network, X_train, y_train)
    print(f"dropout={dropout}: log loss {train_loss:.3f} in training, ", end="")
    print(f"{losses[dropout][-1]:.3f} in the test; {network.score(X_test, y_test):.1%} right")

# %%
# How much does the network depend on single units? Here a share of the hidden units is removed
# after the training, at random, and the outputs of the others are scaled up in turn, as in
# training.


def accuracy_without(share, network):
    """Mean test accuracy over 5 random choices of hidden units to remove."""
    hidden = network.hidden_activations(X_test)
    accuracies = []
    for _ in range(5):
        kept = (rng.uniform(size=hidden.shape[1]) >= share) / (1 - share)
        logits = (hidden * kept) @ network.coefs_[1] + network.intercepts_[1]
        accuracies.append(np.mean(logits.argmax(axis=1) == y_test))
    return np.mean(accuracies)


# %%
# Left, the test loss: without dropout it rises again after some 30 epochs, with dropout it stays
# low. Right, the network trained with dropout loses less accuracy with its units.

shares = np.linspace(0, 0.9, 10)
figure, (curve, removed) = plt.subplots(1, 2, figsize=(6.4, 3.2), layout="constrained")
for (dropout, network), color, line in zip(
    networks.items(), ("#D55E00", "#0072B2"), ("--", "-"), strict=True
):
    style = {"color": color, "linestyle": line, "label": f"dropout={dropout}"}
    curve.plot(range(1, 81), losses[dropout], **style)
    removed.plot(shares, [accuracy_without(share, network) for share in shares], **style)
curve.set(xlabel="epoch", title="test loss", ylim=(0, None))
removed.set(xlabel="share of units removed", title="test accuracy", ylim=(0, 1))
removed.legend(frameon=False)
plt.show()
