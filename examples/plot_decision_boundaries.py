"""
A decision boundary, epoch by epoch
===================================

How a network learns two interleaved half moons, 100 noisy points, while it is trained longer and
longer. ``partial_fit`` trains for one epoch, so that the boundary can be looked at on the way.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons

from skneural import ScratchMLPClassifier

X, y = make_moons(100, noise=0.35, random_state=0)
X_test, y_test = make_moons(500, noise=0.35, random_state=1)

network = ScratchMLPClassifier(
    hidden_layer_sizes=(50, 50), learning_rate_init=0.04, batch_size=100, alpha=0, random_state=1
)


def log_loss(X, y):
    """Mean of -log p of the true classes."""
    return -network.predict_log_proba(X)[np.arange(len(y)), y].mean()


side = np.linspace(-2.4, 3.4, 101), np.linspace(-2, 2.4, 101)
plane = np.stack(np.meshgrid(*side), axis=-1).reshape(-1, 2)
snapshots, losses = {}, []
for epoch in range(1, 301):
    network.partial_fit(X, y, classes=[0, 1])
    losses.append((log_loss(X, y), log_loss(X_test, y_test)))
    if epoch in (1, 5, 30, 300):
        snapshots[epoch] = network.predict_proba(plane)[:, 1].reshape(101, 101)

print("epoch  log loss, training  test")
for epoch in snapshots:
    train, test = losses[epoch - 1]
    print(f"{epoch:5d} {train:19.3f} {test:5.3f}")
best = np.argmin([test for _, test in losses]) + 1
print(f"The test loss was lowest at epoch {best}.")

# %%
# At first the boundary (black, where the probability of the blue class is one half) is nearly a
# straight line. Then it bends between the moons: more points are on their side, and new ones would
# be too. In the end it goes around single points, with probabilities of 0 and 1 on either side. The
# training loss is then close to zero, and the test loss several times what it was at its best: the
# network has overfitted. :ref:`sphx_glr_gallery_plot_dropout.py` shows one remedy; early stopping
# is another.

figure, panels = plt.subplots(
    2, 2, figsize=(6.4, 5.4), sharex=True, sharey=True, layout="constrained"
)
for panel, (epoch, probability) in zip(panels.flat, snapshots.items(), strict=True):
    shades = panel.contourf(*side, probability, np.linspace(0, 1, 11), cmap="RdBu", alpha=0.6)
    panel.contour(*side, probability, [0.5], colors="black")
    for label, color, marker in ((0, "#B2182B", "o"), (1, "#2166AC", "^")):
        panel.plot(*X[y == label].T, marker, color=color, markeredgecolor="white", markersize=6)
    panel.set_title("after 1 epoch" if epoch == 1 else f"after {epoch} epochs")
    panel.set(xticks=(), yticks=())
figure.colorbar(shades, ax=panels, ticks=(0, 0.5, 1), label="probability of blue", shrink=0.6)
plt.show()
