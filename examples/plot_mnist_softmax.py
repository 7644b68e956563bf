"""
MNIST, ReLU and softmax: plain gradient descent, then Adam
==========================================================

The tutorial network with one input for each of 784 pixels, 10 hidden units and 10 outputs::

    h = max(0, x W1 + b1)     hidden layer, ReLU
    p = softmax(h W2 + b2)    one probability for every digit

First as in the tutorial: one step an epoch, w <- w - 0.1 * gradient of the log loss over all
images. Then from the same initial weights with Adam, which steps after every 200 images and
scales the step of each weight by running means of its gradient and of the gradient's square.
An epoch costs about the same either way, but holds 300 steps in place of one: faster and
more accurate. More hidden units are more accurate still.

The images are those of MNIST if the environment variable SKNEURAL_DATA names a folder with
mnist.npz (X: 70000 x 784 bytes, y: digits; the first 60000 to train on), and otherwise
scikit-learn's 8 x 8 digits.
"""

import os
from pathlib import Path
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skneural import ScratchMLPClassifier

PICTURE = Path(__file__).with_suffix(".png")


def load_images():
    """Training and test images with pixels from 0 to 1, and their digits."""
    archive = Path(os.environ.get("SKNEURAL_DATA", "")) / "mnist.npz"
    if archive.is_file():
        with np.load(archive) as mnist:
            X, y = mnist["X"].astype(np.float32) / 255, mnist["y"]
        return X[:60_000], X[60_000:], y[:60_000], y[60_000:]
    X, y = load_digits(return_X_y=True)
    return train_test_split(X.astype(np.float32) / 16, y, test_size=0.2, random_state=42)


def untrained_networks(n_images):
    """The same network for plain gradient descent and for Adam, and a wider one for Adam."""
    plain = ScratchMLPClassifier(
        hidden_layer_sizes=10,
        solver="sgd",
        learning_rate_init=0.1,
        momentum=0,
        nesterovs_momentum=False,
        batch_size=n_images,
        shuffle=False,  # All images are one batch: their order does not matter.
        random_state=0,
    )
    adam = ScratchMLPClassifier(
        hidden_layer_sizes=10, solver="adam", learning_rate_init=0.002, random_state=0
    )
    # Ten times the weights could learn the noise as well: a stronger penalty on them.
    wide = clone(adam).set_params(hidden_layer_sizes=100, alpha=0.03)
    return {"gradient descent": plain, "Adam": adam, "Adam, 100 hidden units": wide}


def train(network, X, y, n_epochs=30):
    """Train, print every tenth training accuracy, and return them all."""
    accuracies, seconds = [], 0.0
    for epoch in range(1, n_epochs + 1):
        start = perf_counter()
        network.partial_fit(X, y, classes=range(10))
        seconds += perf_counter() - start
        accuracies.append(network.score(X, y))
        if epoch % 10 == 0:
            print(f"epoch {epoch:3d}, {seconds:5.1f} s: training accuracy {accuracies[-1]:.4f}")
    return accuracies


def compare(X_train, X_test, y_train, y_test):
    """Train all networks, print their test accuracies, and return them with their curves."""
    networks, curves = untrained_networks(len(X_train)), {}
    for name, network in networks.items():
        print(f"\n{name}")
        curves[name] = train(network, X_train, y_train)
        print(f"test accuracy {network.score(X_test, y_test):.4f}")
    return networks, curves


def draw(networks, curves, X_test):
    """Draw two training accuracies, and four test images with the predictions of Adam's network."""
    figure, axes = plt.subplot_mosaic("CC01;CC23", figsize=(6.4, 2.9), layout="constrained")
    for name, color, line in (("Adam", "#0072B2", "-"), ("gradient descent", "#D55E00", "--")):
        axes["C"].plot(range(1, len(curves[name]) + 1), curves[name], line, color=color, label=name)
    axes["C"].set(xlabel="epoch", ylabel="training accuracy", ylim=(0, 1))
    axes["C"].legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
    side = int(np.sqrt(X_test.shape[1]))
    predictions = networks["Adam"].predict(X_test[:4])
    for panel, image, digit in zip("0123", X_test, predictions, strict=False):
        axes[panel].imshow(image.reshape(side, side), cmap="gray_r")
        axes[panel].set_title(f"predicted {digit}", fontsize="medium")
        axes[panel].set_axis_off()
    return figure


def main(picture=PICTURE):
    """Compare the networks on MNIST or on the small digits, and draw them."""
    X_train, X_test, y_train, y_test = load_images()
    print(f"{len(X_train)} training images of {X_train.shape[1]} pixels")
    networks, curves = compare(X_train, X_test, y_train, y_test)
    draw(networks, curves, X_test).savefig(picture, dpi=150)


if __name__ == "__main__":
    main()
