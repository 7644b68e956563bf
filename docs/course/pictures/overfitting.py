import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skneural import ScratchMLPClassifier

X, y = load_digits(return_X_y=True)
split = train_test_split(X / 16, y, train_size=200, test_size=500, random_state=0, stratify=y)
X_train, X_val, y_train, y_val = split
rng = np.random.RandomState(0)
is_wrong = rng.uniform(size=200) < 0.2
y_train[is_wrong] = rng.randint(10, size=is_wrong.sum())

figure, axes = plt.subplots(1, 2, figsize=(6.4, 2.8), layout="constrained", sharey=True)
for ax, dropout in zip(axes, (0.0, 0.5), strict=True):
    network = ScratchMLPClassifier(
        hidden_layer_sizes=100,
        learning_rate_init=0.003,
        alpha=0.0,
        batch_size=20,
        max_iter=100,
        n_iter_no_change=np.inf,
        dropout=dropout,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # to end after 100 epochs is meant here
        network.fit(X_train, y_train, X_val=X_val, y_val=y_val)
    ax.plot(network.loss_curve_, color="#0072B2", label="training rows")
    ax.plot(network.validation_loss_curve_, "--", color="#D55E00", label="validation rows")
    ax.set(title=f"dropout {dropout}" if dropout else "nothing against it", xlabel="epoch")
    ax.set_ylim(0, 2.4)
    ax.grid(alpha=0.3)
axes[0].set_ylabel("log loss")
axes[0].legend(frameon=False)
