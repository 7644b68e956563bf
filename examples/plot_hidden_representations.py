"""
What a hidden layer makes of digits
===================================

The layers of a network turn 64 pixels into features in which a linear model can tell the digits
apart. If the last hidden layer has two units only, these features can be drawn.
:class:`~skneural.HiddenLayerTransformer` returns them as any transformer would.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier

from skneural import HiddenLayerTransformer, ScratchMLPClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, test_size=0.3, random_state=0)

network = ScratchMLPClassifier(
    hidden_layer_sizes=(64, 2),
    activation=["relu", "identity"],
    learning_rate_init=0.01,
    learning_rate="cosine",
    max_iter=100,
    alpha=0.01,
    random_state=1,
)
transformers = {
    "two principal components": PCA(2),
    "two hidden units": HiddenLayerTransformer(network),
}

# %%
# Principal components are the two directions in which pixels vary most, whatever digits they belong
# to. The network has learned two features for telling digits apart. Nearest neighbours, trained on
# either, say how well that is possible for test images.

features = {}
for name, transformer in transformers.items():
    nearest = KNeighborsClassifier(10)
    nearest.fit(transformer.fit_transform(X_train, y_train), y_train)
    features[name] = transformer.transform(X_test)
    print(f"{name:24} {nearest.score(features[name], y_test):.1%} right")

# %%
# Every test image is drawn as its digit. The principal components mix many digits. In the hidden
# units each has a region of its own, and only neighbours, such as 3, 8 and 9, overlap. The second
# hidden layer is linear (``activation=["relu", "identity"]``): a tanh would press all points into
# the corners.

figure, panels = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
for panel, (name, points) in zip(panels, features.items(), strict=True):
    for digit in range(10):
        panel.scatter(*points[y_test == digit].T, marker=f"${digit}$", linewidths=0.2)
    panel.set(xticks=(), yticks=(), title=name)
plt.show()
