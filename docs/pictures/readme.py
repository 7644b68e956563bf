"""Draws the picture of the README: ``python docs/pictures/readme.py`` writes it beside itself."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits, make_moons
from sklearn.preprocessing import StandardScaler

from skneural import ScratchMLPClassifier
from skneural.inspection import LossCurveDisplay


def main():
    """Draw boundaries of two classes, the curves of a training, and weights as images."""
    figure = plt.figure(figsize=(9, 2.9), layout="constrained", dpi=110)
    left, middle, right = figure.subfigures(1, 3, width_ratios=(1, 1.25, 1))

    X, y = make_moons(200, noise=0.2, random_state=0)
    moons = ScratchMLPClassifier((32, 32), solver="lbfgs", alpha=1.0, random_state=0).fit(X, y)
    grid = np.meshgrid(np.linspace(-1.8, 2.8, 150), np.linspace(-1.4, 1.9, 150))
    probability = moons.predict_proba(np.column_stack([each.ravel() for each in grid]))[:, 1]
    plane = left.subplots()
    plane.contourf(*grid, probability.reshape(150, 150), levels=11, cmap="PuOr", alpha=0.6)
    plane.scatter(*X.T, c=y, cmap="PuOr", edgecolors="black", linewidths=0.5, s=14)
    plane.set(title="what it predicts", xticks=[], yticks=[])

    X, y = load_digits(return_X_y=True)
    digits = ScratchMLPClassifier(
        (16,), learning_rate_init=0.005, early_stopping=True, alpha=1.0, random_state=0
    ).fit(StandardScaler().fit_transform(X), y)
    curves = middle.subplots(2, 1, sharex=True)
    LossCurveDisplay.from_estimator(digits, ax=curves)
    curves[0].set_title("how it learned")

    right.suptitle("what it learned", fontsize="large")
    limit = np.abs(digits.coefs_[0]).max() / 2
    for panel, weights in zip(right.subplots(4, 4).ravel(), digits.coefs_[0].T, strict=True):
        panel.imshow(weights.reshape(8, 8), cmap="RdBu_r", vmin=-limit, vmax=limit)
        panel.set(xticks=[], yticks=[])
    figure.savefig(Path(__file__).with_suffix(".png"))


if __name__ == "__main__":
    main()
