r"""
Calibration, before and after
=============================

A network that is trained for long on noisy rows tends to be overconfident: what it calls nearly
certain is often wrong. Calibration corrects the probabilities and leaves the network as it is.
Platt scaling replaces the logit z, of which :math:`p = 1 / (1 + \exp(-z))`, by :math:`a z + b`,
with two numbers fitted on rows that the network was not trained with.
"""

import matplotlib.pyplot as plt
from sklearn.calibration import CalibratedClassifierCV, calibration_curve
from sklearn.datasets import make_classification
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from skneural import ScratchMLPClassifier

X, y = make_classification(4000, n_informative=5, flip_y=0.2, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=600, random_state=0)

# %%
# ``cv=5`` trains five networks, each on four fifths of the rows, and predicts the remaining fifth.
# The two numbers are fitted to all these predictions; with ``ensemble=False`` they then correct one
# network that is trained with all rows, the same as without calibration.

network = ScratchMLPClassifier(
    alpha=0, learning_rate_init=0.02, learning_rate="cosine", max_iter=100, random_state=0
)
calibrated = CalibratedClassifierCV(network, method="sigmoid", cv=5, ensemble=False)
probabilities = {}
for name, model in {"before": network, "after": calibrated}.items():
    p = probabilities[name] = model.fit(X_train, y_train).predict_proba(X_test)[:, 1]
    accuracy = model.score(X_test, y_test)
    print(f"{name:6} log loss {log_loss(y_test, p):.3f}, accuracy {accuracy:.3f}")

# %%
# Left, the share of positive rows for each predicted probability: before calibration rows with a
# probability near 1 are positive less often than that, and those near 0 more often. After it the
# line is closer to the diagonal. Right, the probabilities themselves: before, most are near 0 or 1.
# The log loss falls by more than half; the accuracy hardly changes, as the order of the rows stays
# the same.

figure, (reliability, counts) = plt.subplots(1, 2, figsize=(6.4, 3.2), layout="constrained")
reliability.plot([0, 1], [0, 1], color="black", linewidth=1)
for (name, p), color, line in zip(
    probabilities.items(), ("#D55E00", "#0072B2"), ("s--", "o-"), strict=True
):
    observed, predicted = calibration_curve(y_test, p, n_bins=8)
    reliability.plot(predicted, observed, line, color=color, label=name)
    counts.hist(p, bins=20, range=(0, 1), histtype="step", color=color, linewidth=2)
reliability.set(xlabel="predicted", title="observed share", aspect="equal")
reliability.legend(frameon=False)
counts.set(xlabel="predicted", title="test rows")
plt.show()
