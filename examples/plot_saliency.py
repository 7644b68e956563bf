r"""
Which pixels matter: input gradients
====================================

A saliency map says how an answer would change if a little ink were added to a pixel: it is the
derivative of the answer in every pixel,

.. math:: s_j = \frac{\partial z_c}{\partial x_j},

here of the logit z of the class c that the network predicts. ``input_gradients`` computes it by
backpropagation, carried on to the inputs.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skneural import ScratchMLPClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, test_size=0.3, random_state=0)
network = ScratchMLPClassifier(
    hidden_layer_sizes=64,
    alpha=1,
    learning_rate="cosine",
    learning_rate_init=0.01,
    max_iter=50,
    random_state=0,
).fit(X_train, y_train)
print(f"{network.score(X_test, y_test):.1%} of the test images are read")

rows = [np.flatnonzero(y_test == digit)[0] for digit in (0, 3, 4, 6, 9)]
images, predicted = X_test[rows], network.predict(X_test[rows])
gradients = network.input_gradients(images)  # One row an image, one column a logit, then pixels.
saliency = gradients[np.arange(len(rows)), predicted]

# %%
# Is the map true? If the pixels change by a small step along it, the logit should change by the
# step times the squared length of the map.

step = 1e-4
z, z_after = (
    network.decision_function(moved)[np.arange(len(rows)), predicted]
    for moved in (images, images + step * saliency)
)
for digit, change, expected in zip(
    predicted, (z_after - z) / step, np.sum(saliency**2, axis=1), strict=True
):
    print(f"predicted {digit}: the logit changes by {change:.3f}, the map says {expected:.3f}")

# %%
# More ink in red pixels speaks for the digit, and in blue pixels against it. In a zero the middle
# has to stay empty, and a six must not be closed at the top right.

figure, panels = plt.subplots(2, 5, figsize=(7.5, 3.1), layout="constrained")
largest = np.abs(saliency).max()
for i, (top, bottom) in enumerate(panels.T):
    top.imshow(images[i].reshape(8, 8), cmap="gray_r")
    top.set_title(f"predicted {predicted[i]}")
    drawn = bottom.imshow(saliency[i].reshape(8, 8), cmap="RdBu_r", vmin=-largest, vmax=largest)
    for panel in (top, bottom):
        panel.set(xticks=(), yticks=())
figure.colorbar(drawn, ax=panels, label="derivative", shrink=0.6)
plt.show()
