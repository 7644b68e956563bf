r"""
What the first layer looks for
==============================

A hidden unit of the first layer has a weight for every pixel: its weights are an image, which
excites it where ink meets positive weights (red) and calms it where ink meets negative ones (blue).
Whether one can see anything in them depends on the penalty on the weights.

The images are 10000 of MNIST's, if the environment variable ``SKNEURAL_DATA`` names a folder with
``mnist.npz``, and otherwise scikit-learn's 8 x 8 digits, as on this page.
"""

import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skneural import ScratchMLPClassifier
from skneural.inspection import WeightsDisplay

archive = Path(os.environ.get("SKNEURAL_DATA", "")) / "mnist.npz"
if archive.is_file():
    with np.load(archive) as mnist:
        X, y = mnist["X"][:10_000] / 255, mnist["y"][:10_000]
else:
    X, y = load_digits(return_X_y=True)
    X = X / 16
side = int(np.sqrt(X.shape[1]))
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)

# %%
# The penalty is :math:`\alpha \lVert w \rVert^2 / (2 n)`, for the n images of a batch. It shrinks
# weights that hardly lower the loss: those of pixels without ink, and those that only serve single
# images.

networks = {}
for alpha in (1e-4, 1.0):
    network = ScratchMLPClassifier(
        hidden_layer_sizes=16,
        alpha=alpha,
        learning_rate="cosine",
        learning_rate_init=0.01,
        max_iter=60,
        random_state=0,
    )
    networks[alpha] = network.fit(X_train, y_train)
    right, right_in_test = network.score(X_train, y_train), network.score(X_test, y_test)
    print(f"alpha={alpha:<6g} {right:.1%} right in training, {right_in_test:.1%} in the test")

# %%
# Left, nearly without a penalty: large weights of both signs side by side, also at the borders,
# where there is hardly ever ink. Right, strokes and gaps at certain places, and next to nothing at
# the borders; a unit whose weights are all zero is not used. The penalty costs some accuracy in
# training, and none in the test.

figure, panels = plt.subplots(1, 2, figsize=(7.5, 3.6), layout="constrained")
for panel, (alpha, network) in zip(panels, networks.items(), strict=True):
    WeightsDisplay.from_estimator(network, image_shape=(side, side), ax=panel)
    panel.set_title(f"alpha={alpha:g}")
plt.show()
