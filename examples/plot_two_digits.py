"""
A three or an eight? One neuron decides
=======================================

Logistic regression is the smallest of networks. All 64 pixels of an image, scaled to 0..1, go
straight into one neuron with a sigmoid::

    z = x w + b
    p = 1 / (1 + exp(-z))    the probability of "eight"

The answer is "eight" where p > 0.5, that is, where z > 0.

Training minimises the cost: the mean log loss of n images, plus a penalty against large weights,
the weaker the larger C (here 1)::

    cost = mean of (-log p for an eight, -log(1 - p) for a three) + sum of w^2 / (2 C n)

At first all weights are zero, p is 0.5 for every image, and the cost is log 2. Everywhere the
cost curves upwards, so that there is but one lowest point, and whoever goes down all the way
finds the same weights: scikit-learn's LogisticRegression, too.

There is one weight for every pixel, and so the weights are an image themselves. Ink where the
weight is positive speaks for an eight (most of all on the left, where a three is open), and ink
where it is negative for a three.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from skneural import ScratchLogisticRegression

PICTURE = Path(__file__).with_suffix(".png")


def load_threes_and_eights():
    """Images and digits, half of them to train on and half to test on."""
    X, y = load_digits(return_X_y=True)
    wanted = (y == 3) | (y == 8)
    return train_test_split(X[wanted] / 16, y[wanted], test_size=0.5, random_state=0)


def train(X, y):
    """Fit our logistic regression and scikit-learn's."""
    return {
        "ScratchLogisticRegression": ScratchLogisticRegression().fit(X, y),
        "LogisticRegression": LogisticRegression().fit(X, y),
    }


def cost(model, X, y):
    """The mean log loss and the penalty for C = 1, by hand."""
    z = X @ model.coef_[0] + model.intercept_[0]
    log_loss = np.where(y == 8, np.logaddexp(0, -z), np.logaddexp(0, z))
    return log_loss.mean() + np.sum(model.coef_**2) / (2 * len(y))


def draw(model, X_test, y_test):
    """Draw the sigmoid with the test images, the cost of every iteration, and the weights."""
    figure, (curve, costs, image) = plt.subplots(1, 3, figsize=(6.4, 2.7), layout="constrained")

    z = np.linspace(-8, 8, 201)
    curve.plot(z, 1 / (1 + np.exp(-z)), color="black")
    curve.axhline(0.5, color="black", linestyle="--", linewidth=1)
    for digit, height, color in ((8, 1, "#0072B2"), (3, 0, "#D55E00")):
        z_of_digit = model.decision_function(X_test[y_test == digit])
        heights = np.full(len(z_of_digit), height)
        curve.plot(z_of_digit, heights, "|", markersize=12, color=color, label=f"true {digit}")
    curve.set(xlabel="$z$", yticks=(0, 0.5, 1), title="probability of 8")
    curve.legend(frameon=False, loc=(-0.03, 0.55), handletextpad=0)

    costs.plot([np.log(2), *model.loss_curve_], color="#0072B2")
    costs.set(xlabel="iteration", title="cost", ylim=(0, None))

    largest = np.abs(model.coef_).max()
    drawn = image.imshow(model.coef_.reshape(8, 8), cmap="RdBu", vmin=-largest, vmax=largest)
    image.set(xticks=(), yticks=(), title="weights")
    figure.colorbar(drawn, ax=image, shrink=0.75)
    return figure


def main(picture=PICTURE):
    """Train, print accuracies and costs beside scikit-learn's, and draw the neuron."""
    X_train, X_test, y_train, y_test = load_threes_and_eights()
    print(f"{len(X_train)} images to train on, {len(X_test)} to test on")
    models = train(X_train, y_train)
    for name, model in models.items():
        train_accuracy, test_accuracy = model.score(X_train, y_train), model.score(X_test, y_test)
        print(f"\n{name}\n{train_accuracy:.1%} right in training, {test_accuracy:.1%} in the test")
        print(f"cost {cost(model, X_train, y_train):.9f}")
    ours = models["ScratchLogisticRegression"]
    is_eight = ours.predict_proba(X_test)[:, 1] > 0.5
    n_wrong = np.sum(is_eight != (y_test == 8))
    print(f"\n{n_wrong} test images have their probability on the wrong side of 0.5.")
    draw(ours, X_test, y_test).savefig(picture, dpi=150)


if __name__ == "__main__":
    main()
