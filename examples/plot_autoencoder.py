"""
An autoencoder
==============

A network that has to predict its own input, through a layer of a few units: what it learns there is
a short code, from which the image can be drawn again. An autoencoder without activation functions
does what principal component analysis (PCA) does; with them it can bend, and keeps more in a code
of the same length.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split

from skneural import HiddenLayerTransformer, ScratchMLPRegressor

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, test_size=0.3, random_state=0)

n_code = 4
autoencoder = ScratchMLPRegressor(
    hidden_layer_sizes=(100, n_code, 100),
    activation=["relu", "identity", "relu"],
    learning_rate="cosine",
    learning_rate_init=0.005,
    max_iter=150,
    batch_size=100,
    random_state=0,
).fit(X_train, X_train)
pca = PCA(n_code).fit(X_train)

drawn_again = {
    "autoencoder": autoencoder.predict(X_test),
    "PCA": pca.inverse_transform(pca.transform(X_test)),
}
for name, images in drawn_again.items():
    error = np.mean((images - X_test) ** 2) / np.mean((X_test - X_train.mean(axis=0)) ** 2)
    print(f"{name:11} leaves {error:.1%} of the variance of {X_test.shape[1]} pixels unexplained")

# %%
# The code itself is the output of the hidden layer in the middle, number 1 counted from 0. A frozen
# estimator (or ``prefit=True``) is not trained again.

encoder = HiddenLayerTransformer(autoencoder, layer=1, prefit=True).fit(X_train)
print("codes of the first three test images:")
print(np.round(encoder.transform(X_test[:3]), 1))

# %%
# Top, test images; below, what is drawn from four numbers. PCA blurs some digits into each other
# that the autoencoder keeps apart.

figure, panels = plt.subplots(3, 6, figsize=(6.4, 3.6), layout="constrained")
shown = [np.flatnonzero(y_test == digit)[0] for digit in (0, 2, 3, 5, 7, 9)]
for row, (name, images) in zip(panels, {"image": X_test, **drawn_again}.items(), strict=True):
    row[0].set_ylabel(name)
    for panel, image in zip(row, images[shown], strict=True):
        panel.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        panel.set(xticks=(), yticks=())
plt.show()
