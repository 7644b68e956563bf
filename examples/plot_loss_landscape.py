r"""
Gradient descent, momentum and Adam in a landscape
==================================================

The smallest network with a hidden layer has two weights, :math:`\hat y = w_2 \tanh(w_1 x)`. The
loss is then a height over a plane, and a training is a path in it. The data come from the network
with :math:`w_1 = 2` and :math:`w_2 = 1`, plus noise. Because :math:`\tanh` is odd, the weights
:math:`-2, -1` are as good: there are two valleys, with a saddle between them at zero.
"""

import matplotlib.pyplot as plt
import numpy as np

from skneural import ScratchMLPRegressor

rng = np.random.RandomState(0)
half = rng.uniform(0, 3, size=40)
y_half = np.tanh(2 * half) + 0.1 * rng.standard_normal(40)
x, y = np.append(half, -half), np.append(y_half, -y_half)


def path(start, n_steps=60, **settings):
    """Weights after every step of a training from `start`, on all points at once."""
    (w1, w2), weights = start, [start]
    network = ScratchMLPRegressor.from_weights(
        [[[w1]], [[w2]]], [[0], [0]], activation="tanh", alpha=0, batch_size=len(x), **settings
    )
    for _ in range(n_steps):
        network.partial_fit(x[:, np.newaxis], y)
        # With every point mirrored, intercepts of zero have no gradient but for rounding errors, of
        # which Adam would make steps.
        for intercepts in network.intercepts_:
            intercepts[...] = 0
        weights.append([network.coefs_[0].item(), network.coefs_[1].item()])
    return np.array(weights)


def loss(w1, w2):
    """Half the mean squared error, for arrays of weights."""
    return np.mean((w2 * np.tanh(w1 * x[:, np.newaxis]) - y[:, np.newaxis]) ** 2, axis=0) / 2


# %%
# All three start from the same weights and make 60 steps.
#
# - Gradient descent goes straight down, :math:`w \leftarrow w - \eta g`, with steps as long as the
#   slope is steep. On the flat floor of the valley it hardly moves.
# - Momentum keeps a share of the previous step, :math:`v \leftarrow \mu v - \eta g`,
#   :math:`w \leftarrow w + v`. It rolls through the valley and up the other side, and then along
#   it.
# - Adam divides each weight's step by the root of a running mean of its squared gradient. Its first
#   step is equally long in both weights, whatever the slope, and it soon gets along the floor.

start = (0.5, -0.3)
sgd = {"solver": "sgd", "learning_rate_init": 0.2, "nesterovs_momentum": False}
paths = {
    "gradient descent": path(start, momentum=0, **sgd),
    "momentum": path(start, momentum=0.9, **sgd),
    "Adam": path(start, solver="adam", learning_rate_init=0.2),
}
print("loss after     10 steps  30 steps  60 steps")
for name, weights in paths.items():
    losses = loss(*weights[[10, 30, 60]].T)
    print(f"{name:16}" + "".join(f"{value:8.4f}  " for value in losses))

# %%
side = np.linspace(-0.8, 3, 141), np.linspace(-0.8, 2.3, 121)
grid = np.stack(np.meshgrid(*side)).reshape(2, -1)
heights = loss(*grid).reshape(121, 141)
figure, panel = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
levels = np.geomspace(heights.min() * 1.05, heights.max(), 18)
panel.contour(*side, heights, levels, colors="0.75", linewidths=0.8)
styles = (("#D55E00", "o"), ("#009E73", "s"), ("#0072B2", "^"))
for (name, weights), (color, marker) in zip(paths.items(), styles, strict=True):
    panel.plot(*weights.T, marker=marker, markersize=4, color=color, label=name)
panel.plot(*start, "o", color="black", markersize=9)
panel.plot(2, 1, "k*", markersize=14, linestyle="none", label="weights of the data")
panel.set(xlabel="$w_1$", ylabel="$w_2$")
panel.legend(loc="upper right")
plt.show()
