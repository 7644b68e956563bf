"""
A raw table: an ensemble of networks beside boosted trees
=========================================================

A table of customers with numbers on several scales, categories as text, and missing values. Two
models take it as it is, both with their defaults:

- :class:`~skneural.TabularMLPClassifier` trains sixteen networks side by side, each on all rows but
  a sixteenth. The rows that each has left out say which epoch is the best, and how far to trust the
  probabilities.
- scikit-learn's ``HistGradientBoostingClassifier`` adds up trees.

The customers are simulated: whether one leaves depends smoothly on age, price and city, by a
probability that is known here. So the log loss is known that no model can beat. On rules with sharp
steps, and on many thousands of rows, trees would do better than here.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.calibration import calibration_curve
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss

from skneural import TabularMLPClassifier

n_train, n = 800, 5800
rng = np.random.RandomState(0)
age, price = rng.uniform(18, 80, n), rng.lognormal(3, 1, n)
city, contract = rng.randint(30, size=n), rng.randint(3, size=n)
has_paid_late = rng.uniform(size=n) < 0.2
logit = (
    2 * np.cos(age / 10)
    + 0.7 * (np.log(price) - 3) * (contract - 1)
    + rng.standard_normal(30)[city]
    + has_paid_late
)
probability = 1 / (1 + np.exp(-1.5 * logit))
X = pd.DataFrame(
    {
        "age": np.where(rng.uniform(size=n) < 0.1, np.nan, age),
        "price": price,
        "city": pd.Categorical([f"city {i}" for i in city]),
        "contract": pd.Categorical(np.array(["month", "year", None], dtype=object)[contract]),
        "has paid late": has_paid_late,
    }
)
has_left = rng.uniform(size=n) < probability
X_test, y_test = X[n_train:], has_left[n_train:]
print(X.head(4))

# %%
# The last line is of the probabilities that the customers were simulated with.

networks = TabularMLPClassifier(random_state=0).fit(X[:n_train], has_left[:n_train])
trees = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=0)
trees.fit(X[:n_train], has_left[:n_train])

predicted = {"networks": networks.predict_proba(X_test), "trees": trees.predict_proba(X_test)}
predicted["truth"] = np.column_stack([1 - probability[n_train:], probability[n_train:]])
print(f"single networks, out of fold: {networks.oof_score_:.1%} right")
for name, p in predicted.items():
    right = np.mean((p[:, 1] > 0.5) == y_test)
    print(f"{name:8}: {right:.1%} right, log loss {log_loss(y_test, p):.3f}")

# %%
# Left, the out-of-fold log loss after every epoch. The learning rate rises and falls in cycles,
# each about twice as long as the one before; a training whose third cycle is worse than the second
# ends there. Two epochs are kept and averaged, that of the lowest log loss and that of the lowest
# error; both are marked. Right, the share of customers who have left, for each predicted
# probability. On the diagonal both are equal.

figure, (losses, reliability) = plt.subplots(1, 2, figsize=(6.4, 3), layout="constrained")
history, kept = networks.history_.to_frame(), networks.best_iteration_
losses.plot(history["epoch"], history["oof_loss"], color="#0072B2")
losses.plot(kept, history["oof_loss"][kept - 1], "o", color="#0072B2")
losses.set(xlabel="epoch", title="out-of-fold log loss")
reliability.plot([0, 1], [0, 1], color="black", linestyle="--", linewidth=1)
for name, color in (("networks", "#0072B2"), ("trees", "#D55E00")):
    share, p = calibration_curve(y_test, predicted[name][:, 1], n_bins=10)
    reliability.plot(p, share, "o-", markersize=4, color=color, label=name)
reliability.set(xlabel="predicted", title="observed share", aspect="equal")
reliability.legend(frameon=False)
plt.show()
