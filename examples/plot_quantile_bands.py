r"""
Quantile bands
==============

Not only what to expect, but how far off it may be: the pinball loss makes a network predict
quantiles. For the level :math:`\tau` the loss of a quantile q is :math:`\tau (y - q)` where y is
above it and :math:`(1 - \tau) (q - y)` below. It is least where a share :math:`\tau` of the targets
lies below q.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import norm

from skneural import ScratchMLPRegressor
from skneural.losses import Quantile

rng = np.random.RandomState(0)


def draw_points(n):
    """Noise that grows from left to right, around a wave."""
    x = rng.uniform(0, 10, size=n)
    return x[:, np.newaxis], np.sin(x) + noise(x) * rng.standard_normal(n)


def noise(x):
    """Standard deviation of the noise."""
    return 0.1 + 0.08 * x


# %%
# One network predicts three quantiles at once: one column each, which never cross.

(X, y), (X_test, y_test) = draw_points(800), draw_points(4000)
levels = [0.05, 0.5, 0.95]
network = ScratchMLPRegressor(
    Quantile(levels),
    hidden_layer_sizes=(50, 50),
    activation="tanh",
    learning_rate_init=0.01,
    learning_rate="cosine",
    max_iter=150,
    random_state=0,
).fit(X / 5 - 1, y)
predicted = network.predict(X_test / 5 - 1)
for j, level in enumerate(levels):
    share = np.mean(y_test < predicted[:, j])
    print(f"{share:.1%} of new targets are below the {level:.0%} quantile")
inside = np.mean((predicted[:, 0] <= y_test) & (y_test <= predicted[:, 2]))
print(f"{inside:.1%} are in the band between the outer two; 90% should be")

# %%
# The band is narrow on the left and wide on the right, as is the noise. Dashed, the true quantiles.

x = np.linspace(0, 10, 201)
low, median, high = network.predict(x[:, np.newaxis] / 5 - 1).T
figure, panel = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
panel.plot(X[:, 0], y, ".", color="0.6", markersize=4)
panel.fill_between(x, low, high, color="#56B4E9", alpha=0.5, label="5% to 95%")
panel.plot(x, median, color="#0072B2", linewidth=2.5, label="median")
for level in levels:
    truth = np.sin(x) + norm.ppf(level) * noise(x)
    panel.plot(x, truth, "--", color="black", linewidth=1, label="truth" if level == 0.5 else None)
panel.set(xlabel="x", ylabel="y", xlim=(0, 10))
panel.legend(loc="upper left", ncols=3)
plt.show()
