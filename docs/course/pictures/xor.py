import matplotlib.pyplot as plt
import numpy as np

from skneural import ScratchMLPClassifier

X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
# Two hidden units: how many inputs are 1, and whether both are.
network = ScratchMLPClassifier.from_weights(
    [[[1, 1], [1, 1]], [[8], [-16]]], [[0, -1], [-4]], classes=[0, 1]
)
side = np.linspace(-0.4, 1.4, 100)
square = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
probability = network.predict_proba(square)[:, 1].reshape(100, 100)
hidden = np.maximum(X @ network.coefs_[0] + network.intercepts_[0], 0)

figure, (left, right) = plt.subplots(1, 2, figsize=(6.4, 3), layout="constrained")
left.contourf(side, side, probability, levels=20, cmap="PuOr_r", vmin=-0.5, vmax=1.5)
for ax, points in ((left, X), (right, hidden)):
    for point, answer in zip(points, y, strict=True):
        color = "#D55E00" if answer else "#0072B2"
        ax.plot(*point, "o", markersize=22, color=color)
        ax.text(*point, answer, color="white", ha="center", va="center_baseline", size=12)
left.set(xlabel="$x_1$", ylabel="$x_2$", xticks=[0, 1], yticks=[0, 1], title="inputs")
right.set(xlabel="$a_1$", ylabel="$a_2$", xticks=[0, 1, 2], yticks=[0, 1], title="hidden units")
right.set(xlim=(-0.4, 2.4), ylim=(-0.4, 1.4))
line = np.array([-0.4, 2.4])
right.plot(line, (8 * line - 4) / 16, "k--")
