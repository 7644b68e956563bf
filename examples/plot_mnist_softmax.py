r"""
MNIST, ReLU and softmax: plain gradient descent, then Adam
==========================================================

The tutorial network with one input for each pixel, 10 hidden units and 10 outputs:

.. math:: h = \max(0, x W_1 + b_1), \qquad p = \operatorname{softmax}(h W_2 + b_2),

a hidden layer of rectifiers (ReLU), and one probability for every digit.

The images are those of MNIST if the environment variable ``SKNEURAL_DATA`` names a folder with
``mnist.npz`` (X: 70000 x 784 bytes, y: digits; the first 60000 to train on), and otherwise
scikit-learn's 8 x 8 digits, as on this page.
"""

import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skneural import ScratchMLPClassifier


def load_images():
    """Training and test images with pixels from 0 to 1, and their digits."""
    archive = Path(os.environ.get("SKNEURAL_DATA", "")) / "mnist.npz"
    if archive.is_file():
        with np.load(archive) as mnist:
            X, y = mnist["X"].astype(np.float32) / 255, mnist["y"]
        return X[:60_000], X[60_000:], y[:60_000], y[60_000:]
    X, y = load_digits(return_X_y=True)
    return train_test_split(X.astype(np.float32) / 16, y, test_size=0.2, random_state=42)


X_train, X_test, y_train, y_test = load_images()
print(f"{len(X_train)} training images of {X_train.shape[1]} pixels")

# %%
# First as in the tutorial: one step an epoch, :math:`w \leftarrow w - 0.1 \nabla F`, with the log
# loss F over all images. Then from the same initial weights with Adam, which steps after every 200
# images and scales the step of each weight by running means of its gradient and of the gradient's
# square.

plain = ScratchMLPClassifier(
    hidden_layer_sizes=10,
    solver="sgd",
    learning_rate_init=0.1,
    momentum=0,
    nesterovs_momentum=False,
    batch_size=len(X_train),
    shuffle=False,  # All images are one batch: their order does not matter.
    random_state=0,
)
adam = ScratchMLPClassifier(
    hidden_layer_sizes=10, solver="adam", learning_rate_init=0.002, random_state=0
)
# Ten times the weights could learn the noise as well: a stronger penalty on them.
wide = clone(adam).set_params(hidden_layer_sizes=100, alpha=0.03)
networks = {"gradient descent": plain, "Adam": adam, "Adam, 100 hidden units": wide}

# %%
# An epoch costs about the same either way, but holds many steps in place of one (300 on MNIST):
# faster and more accurate. More hidden units are more accurate still.

curves = {}
print("training accuracy   epoch 10   epoch 20   epoch 30   test accuracy")
for name, network in networks.items():
    curves[name] = []
    for _ in range(30):
        network.partial_fit(X_train, y_train, classes=range(10))
        curves[name].append(network.score(X_train, y_train))
    tens = "".join(f"{accuracy:11.3f}" for accuracy in curves[name][9::10])
    print(f"{name:17.17} {tens} {network.score(X_test, y_test):15.3f}")

# %%
# Beside the curves, four test images with what the network of 100 hidden units predicts.

figure, axes = plt.subplot_mosaic("CC01;CC23", figsize=(6.4, 3.8), layout="constrained")
for (name, curve), color, line in zip(
    curves.items(), ("#D55E00", "#0072B2", "#009E73"), ("--", "-", ":"), strict=True
):
    axes["C"].plot(range(1, len(curve) + 1), curve, line, color=color, label=name)
axes["C"].set(xlabel="epoch", ylabel="training accuracy", ylim=(0, 1))
axes["C"].legend(loc="lower left", bbox_to_anchor=(-0.05, 1), frameon=False)
side = int(np.sqrt(X_test.shape[1]))
for panel, image, digit in zip("0123", X_test, wide.predict(X_test[:4]), strict=False):
    axes[panel].imshow(image.reshape(side, side), cmap="gray_r")
    axes[panel].set_title(f"predicted {digit}")
    axes[panel].set_axis_off()
plt.show()
