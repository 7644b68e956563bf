"""
What a network has learned, in four pictures
============================================

The displays of `skneural.inspection` take what they draw from a fitted estimator, as those of
scikit-learn do: one call makes one figure. Here they draw into the panels of a single one.

- The losses of every epoch tell whether a network has learned enough, or its training images by
  heart. At the best epoch, digits held out from the training were read best. (The training loss
  is higher here because it contains the penalty on the weights.)
- The weights of each hidden unit are an image of what it looks for in a digit.
- A network small enough can be seen whole: this one has learned the exclusive or.
- Every activation function comes with its derivative, which the gradients are multiplied by.
"""

from pathlib import Path

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from skneural import ScratchMLPClassifier
from skneural.inspection import ActivationDisplay, LossCurveDisplay, NetworkDisplay, WeightsDisplay

PICTURE = Path(__file__).with_suffix(".png")


def learn_digits():
    """A network of 36 hidden units for images of 8 x 8 pixels."""
    X, y = load_digits(return_X_y=True)
    network = ScratchMLPClassifier(
        hidden_layer_sizes=36,
        activation="tanh",
        learning_rate_init=0.01,
        alpha=1,  # Smooth images: without it, pixels at the border keep their initial weights.
        early_stopping=True,
        random_state=0,
    )
    return network.fit(X / 16, y)


def learn_xor():
    """A network of 4 hidden units for the exclusive or."""
    network = ScratchMLPClassifier(
        hidden_layer_sizes=4, activation="tanh", solver="lbfgs", alpha=0.01, random_state=0
    )
    return network.fit([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0])


def draw(digits, xor):
    """Draw the four displays."""
    figure, axes = plt.subplots(2, 2, figsize=(6.4, 5.6), layout="constrained")
    LossCurveDisplay.from_estimator(digits, ax=axes[0, 0])
    WeightsDisplay.from_estimator(digits, image_shape=(8, 8), n_units=16, ax=axes[0, 1])
    NetworkDisplay.from_estimator(xor, ax=axes[1, 0])
    ActivationDisplay.from_estimator(xor, ax=axes[1, 1])
    return figure


def main(picture=PICTURE):
    """Train both networks and draw what they have learned."""
    digits, xor = learn_digits(), learn_xor()
    print(f"digits: validation accuracy {digits.best_validation_score_:.3f}")
    print(f"exclusive or: {xor.predict([[0, 0], [0, 1], [1, 0], [1, 1]])}")
    draw(digits, xor).savefig(picture, dpi=150)


if __name__ == "__main__":
    main()
