import matplotlib.pyplot as plt
import numpy as np

from skneural import ScratchPerceptron

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
figure, axes = plt.subplots(1, 2, figsize=(6.4, 3), layout="constrained", sharey=True)
for ax, (name, y) in zip(axes, {"AND": [0, 0, 0, 1], "XOR": [0, 1, 1, 0]}.items(), strict=True):
    for point, answer in zip(X, y, strict=True):
        color = "#D55E00" if answer else "#0072B2"
        ax.plot(*point, "o", markersize=22, color=color)
        ax.text(*point, answer, color="white", ha="center", va="center_baseline", size=12)
    ax.set(title=name, xlim=(-0.4, 1.4), ylim=(-0.4, 1.4), xticks=[0, 1], yticks=[0, 1])
    ax.set(xlabel="$x_1$", aspect="equal")
axes[0].set_ylabel("$x_2$")

gate = ScratchPerceptron(shuffle=False, tol=None, max_iter=10).fit(X, [0, 0, 0, 1])
(w_1, w_2), b = gate.coef_[0], gate.intercept_[0]
side = np.array([-0.4, 1.4])
axes[0].plot(side, -(b + w_1 * side) / w_2, "k--")
