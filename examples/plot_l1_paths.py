r"""
L1 paths of logistic regression
===============================

An L1 penalty makes weights exactly zero, and so selects features. Logistic regression minimises

.. math:: C \sum_i \ell_i + \lVert w \rVert_1 :

the smaller C, the stronger the penalty and the fewer the features. A path shows every weight for
every C.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skneural import ScratchLogisticRegression

X, y = load_breast_cancer(return_X_y=True)
names = load_breast_cancer().feature_names
X_scaled = StandardScaler().fit_transform(X)

# %%
# ``warm_start=True`` begins each fit at the weights of the one before: only little is left to do.

strengths = np.geomspace(3e-3, 1, 40)
model = ScratchLogisticRegression(l1_ratio=1, solver="fista", warm_start=True)
weights = []
for strength in strengths:
    model.set_params(C=strength).fit(X_scaled, y)
    weights.append(model.coef_[0].copy())
weights = np.array(weights)

# %%
# How many features are left, and what they can do in ten folds:

print("    C  features  accuracy")
for i in (8, 16, 24, 39):
    fresh = ScratchLogisticRegression(l1_ratio=1, solver="fista", C=strengths[i])
    accuracy = cross_val_score(make_pipeline(StandardScaler(), fresh), X, y, cv=10).mean()
    print(f"{strengths[i]:5.3f} {np.sum(weights[i] != 0):9d} {accuracy:9.3f}")

# %%
# On the left nearly all weights are zero. The first three features to come in are drawn in colour:
# large and indented nuclei speak against a benign tumour. Eight features do nearly as well as
# sixteen. Those that say much the same replace each other: the perimeter comes in before the
# radius, and gives way to it.

figure, panel = plt.subplots(figsize=(6.4, 4), layout="constrained")
panel.semilogx(strengths, weights, color="0.8", linewidth=1)
first = np.argsort(np.argmax(weights != 0, axis=0) + 1000 * ~np.any(weights, axis=0))[:3]
for j, color, line in zip(first, ("#0072B2", "#D55E00", "#009E73"), ("-", "--", "-."), strict=True):
    panel.semilogx(strengths, weights[:, j], line, color=color, linewidth=2.5, label=names[j])
panel.axhline(0, color="black", linewidth=0.8)
panel.set(xlabel="C (penalty strong on the left, weak on the right)", ylabel="weight")
panel.legend(loc="lower left")
plt.show()
