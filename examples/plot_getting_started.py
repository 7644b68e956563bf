"""
A first network: digits, with early stopping
============================================

:class:`~skneural.ScratchMLPClassifier` takes the place of scikit-learn's ``MLPClassifier``, here in
a pipeline that reads handwritten digits of 8 x 8 pixels. Networks learn from features of about the
same scale, so the first step is a scaler.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skneural import ScratchMLPClassifier
from skneural.inspection import LossCurveDisplay

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)

# %%
# ``early_stopping=True`` holds out a tenth of the training rows, stops when their accuracy no
# longer improves, and keeps the weights of the best epoch.

network = ScratchMLPClassifier(
    hidden_layer_sizes=(64,), learning_rate_init=0.003, early_stopping=True, random_state=0
)
model = make_pipeline(StandardScaler(), network).fit(X_train, y_train)
print(f"test accuracy: {model.score(X_test, y_test):.3f}")

# %%
# What happened is in the fitted network; ``history_`` has a record for every epoch.

network = model[-1]
print(f"{network.n_iter_} epochs, ended by {network.stop_reason_!r}")
for record in network.history_[::5]:
    print(f"epoch {record['epoch']:2d}: loss {record['loss']:.3f}", end=", ")
    print(f"accuracy of the rows held out {record['validation_score']:.3f}")

# %%
# A display draws it: the loss of the training rows falls with every epoch, while the loss and the
# accuracy of the rows held out level off. The dotted line is the epoch that was kept.

display = LossCurveDisplay.from_estimator(network)
display.figure_.set_size_inches(5, 4)
plt.show()
