"""
What a network has learned, in four pictures
============================================

The displays of ``skneural.inspection`` take what they draw from a fitted estimator, as those of
scikit-learn do: one call makes one figure. Here they draw into the panels of a single one.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from skneural import ScratchMLPClassifier
from skneural.inspection import ActivationDisplay, LossCurveDisplay, NetworkDisplay, WeightsDisplay

X, y = load_digits(return_X_y=True)
digits = ScratchMLPClassifier(
    hidden_layer_sizes=36,
    activation="tanh",
    learning_rate_init=0.01,
    alpha=1,  # Smooth images: without it, pixels at the border keep their initial weights.
    early_stopping=True,
    random_state=0,
).fit(X / 16, y)
print(f"digits: validation accuracy {digits.best_validation_score_:.3f}")

corners = [[0, 0], [0, 1], [1, 0], [1, 1]]
xor = ScratchMLPClassifier(
    hidden_layer_sizes=4, activation="tanh", solver="lbfgs", alpha=0.01, random_state=0
).fit(corners, [0, 1, 1, 0])
print(f"exclusive or: {xor.predict(corners)}")

# %%
# - Top left, the losses of every epoch show whether a network has learned enough, or overfits. At
#   the best epoch, digits held out from the training were read best. (The training loss is higher
#   here because it contains the penalty on the weights.)
# - Top right, the weights of each hidden unit are an image of what it looks for in a digit.
# - Bottom left, a network small enough can be seen whole: this one has learned the exclusive or.
# - Bottom right, every activation function comes with its derivative, which the gradients are
#   multiplied by.

figure, axes = plt.subplots(2, 2, figsize=(6.4, 5.6), layout="constrained")
LossCurveDisplay.from_estimator(digits, ax=axes[0, 0])
WeightsDisplay.from_estimator(digits, image_shape=(8, 8), n_units=16, ax=axes[0, 1])
NetworkDisplay.from_estimator(xor, ax=axes[1, 0])
ActivationDisplay.from_estimator(xor, ax=axes[1, 1])
plt.show()
