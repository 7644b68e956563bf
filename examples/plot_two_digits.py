r"""
A three or an eight? One neuron decides
=======================================

Logistic regression is the smallest of networks. All 64 pixels of an image, scaled to 0..1, go
straight into one neuron with a sigmoid:

.. math:: z = x w + b, \qquad p = \frac{1}{1 + \exp(-z)},

the probability of "eight". The answer is "eight" where :math:`p > 0.5`, that is, where
:math:`z > 0`.

Training minimises the cost: the mean log loss of n images, plus a penalty against large weights,
the weaker the larger C (here 1):

.. math::

    F = \frac{1}{n} \sum_i \bigl( -y_i \log p_i - (1 - y_i) \log(1 - p_i) \bigr)
        + \frac{\lVert w \rVert^2}{2 C n},

with :math:`y = 1` for an eight. At first all weights are zero, p is 0.5 for every image, and the
cost is :math:`\log 2`. It is convex: there is one lowest point, and every method that gets there
finds the same weights, scikit-learn's ``LogisticRegression`` too.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from skneural import ScratchLogisticRegression

X, y = load_digits(return_X_y=True)
wanted = (y == 3) | (y == 8)
X_train, X_test, y_train, y_test = train_test_split(
    X[wanted] / 16, y[wanted], test_size=0.5, random_state=0
)


def cost(model, X, y):
    """The mean log loss and the penalty for C = 1, by hand."""
    z = X @ model.coef_[0] + model.intercept_[0]
    log_loss = np.where(y == 8, np.logaddexp(0, -z), np.logaddexp(0, z))
    return log_loss.mean() + np.sum(model.coef_**2) / (2 * len(y))


ours = ScratchLogisticRegression().fit(X_train, y_train)
theirs = LogisticRegression().fit(X_train, y_train)
for model in (ours, theirs):
    print(f"{type(model).__name__:25} cost {cost(model, X_train, y_train):.9f}")
    right, right_in_test = model.score(X_train, y_train), model.score(X_test, y_test)
    print(f"{'':25} {right:.1%} right in training, {right_in_test:.1%} in the test")

is_eight = ours.predict_proba(X_test)[:, 1] > 0.5
n_wrong = np.sum(is_eight != (y_test == 8))
print(f"{n_wrong} of {len(y_test)} test images have their probability on the wrong side of 0.5.")

# %%
# Left, the sigmoid with the test images at its ends, eights above and threes below. In the middle,
# the cost falls in every iteration. Right, the weights: one for every pixel, so they are an image
# themselves. Ink where the weight is positive (blue) speaks for an eight, most of all on the left,
# where a three is open, and ink where it is negative (red) for a three.

figure, (curve, costs, image) = plt.subplots(1, 3, figsize=(7.5, 2.9), layout="constrained")
z = np.linspace(-8, 8, 201)
curve.plot(z, 1 / (1 + np.exp(-z)), color="black")
curve.axhline(0.5, color="black", linestyle="--", linewidth=1)
for digit, height, color in ((8, 1, "#0072B2"), (3, 0, "#D55E00")):
    z_of_digit = ours.decision_function(X_test[y_test == digit])
    heights = np.full(len(z_of_digit), height)
    curve.plot(z_of_digit, heights, "|", markersize=12, color=color, label=f"true {digit}")
curve.set(xlabel="$z$", yticks=(0, 0.5, 1), title="probability of 8")
curve.legend(frameon=False, loc=(-0.03, 0.55), handletextpad=0)

costs.plot([np.log(2), *ours.loss_curve_], color="#0072B2")
costs.set(xlabel="iteration", title="cost", ylim=(0, None))

largest = np.abs(ours.coef_).max()
drawn = image.imshow(ours.coef_.reshape(8, 8), cmap="RdBu", vmin=-largest, vmax=largest)
image.set(xticks=(), yticks=(), title="weights")
figure.colorbar(drawn, ax=image, shrink=0.75)
plt.show()
