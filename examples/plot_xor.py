r"""
The exclusive or, from four points
==================================

"One or the other, but not both" is the smallest problem that no straight line can solve, and so a
first exercise for networks. Two inputs, eight hidden units and one output are enough:

.. math::

    h = \max(0, x W_1 + b_1), \qquad
    p = \frac{1}{1 + \exp(-(h W_2 + b_2))},

a hidden layer of rectifiers (ReLU), and a sigmoid output, the probability of "true". Gradient
descent with Nesterov's momentum, on all four points at once, minimises half the squared error, the
mean of :math:`(p - y)^2 / 2`.
"""

import matplotlib.pyplot as plt
import numpy as np

from skneural import ScratchMLPClassifier

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
y = np.array([0, 1, 1, 0])


def train(seed, verbose=False):
    """Train a network from initial weights drawn with `seed`."""
    network = ScratchMLPClassifier(
        hidden_layer_sizes=8,
        activation="relu",
        loss="squared_error",
        solver="sgd",
        learning_rate_init=1,
        alpha=0,  # Four points are all there are: nothing to overfit.
        tol=1e-6,  # The slope of the sigmoid makes plateaus, where progress is slow.
        n_iter_no_change=100,
        max_iter=2000,
        random_state=seed,
        verbose=verbose,
    )
    return network.fit(X, y)


# %%
# ``verbose=100`` prints every hundredth loss.

network = train(seed=0, verbose=100)
print("\n x1  x2   y      p")
for (x1, x2), answer, (_, p) in zip(X, y, network.predict_proba(X), strict=True):
    print(f"{x1:3d} {x2:3d} {answer:3d}  {p:.3f}")

# %%
# Left, the probability of 1 over the plane of both inputs; where it is one half, a dashed line. A
# band of zeros (orange) separates two regions of ones (purple). Right, the loss of every epoch,
# along a logarithmic axis.

figure, (surface, curve) = plt.subplots(1, 2, figsize=(6.4, 2.9), layout="constrained")
side = np.linspace(-0.25, 1.25, 76)
square = np.stack(np.meshgrid(side, side), axis=-1)
probability = network.predict_proba(square.reshape(-1, 2))[:, 1].reshape(76, 76)
levels = np.linspace(0, 1, 21)
filled = surface.contourf(side, side, probability, levels=levels, cmap="PuOr", vmin=0, vmax=1)
surface.contour(side, side, probability, levels=[0.5], colors="black", linestyles="--")
for point, answer in zip(X, y, strict=True):
    disc = {"boxstyle": "circle", "facecolor": "white"}
    surface.text(*point, answer, bbox=disc, ha="center", va="center")
surface.set(xlabel="$x_1$", ylabel="$x_2$", xticks=(0, 1), yticks=(0, 1), aspect="equal")
surface.set_title("probability of 1")
figure.colorbar(filled, ax=surface, ticks=(0, 0.5, 1))
curve.semilogy(range(1, network.n_iter_ + 1), network.loss_curve_, color="#0072B2")
curve.set(xlabel="epoch", title="half squared error")
plt.show()

# %%
# Other initial weights
# ---------------------
#
# From a few initial weights the training gets nowhere, mostly because no unit bends inside the
# square: the network is then linear on the four points, and can do no better than :math:`p = 0.5`
# on each. There the gradient is zero and the loss is 1/8.

n_right = sum(train(seed).score(X, y) == 1 for seed in range(20, 40))
print(f"All four points right from {n_right} of 20 other seeds.")
