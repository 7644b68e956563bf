"""
A grid search as a heat map
===========================

Two parameters at a time can be seen whole: the learning rate and the penalty on the weights, each
over five orders of magnitude, with the accuracy of three-fold cross-validation in every cell.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from skneural import ScratchMLPClassifier

X, y = load_digits(return_X_y=True)
X, y = X[:600] / 16, y[:600]
grid = {"learning_rate_init": [1e-4, 1e-3, 1e-2, 1e-1, 1], "alpha": [1e-2, 1e-1, 1, 10, 100]}
network = ScratchMLPClassifier(
    hidden_layer_sizes=32, learning_rate="cosine", max_iter=30, random_state=0
)
search = GridSearchCV(network, grid, cv=3).fit(X, y)
print(f"best: {search.best_params_}, {search.best_score_:.1%} right")

# %%
# The columns differ most. At the two lowest rates 30 epochs are too few, and at the highest one the
# training is unstable. In between the penalty makes hardly a difference, until at 100 it keeps the
# weights so small that a network does no better than chance, 0.10. The best cell (bold) is not at
# the edge of the map, where it would call for a larger grid.

results = search.cv_results_
scores = np.array(results["mean_test_score"]).reshape(5, 5)  # A row for each alpha.
figure, panel = plt.subplots(figsize=(5.2, 4.4), layout="constrained")
drawn = panel.imshow(scores, cmap="cividis", vmin=0, vmax=1, origin="lower")
for (row, column), score in np.ndenumerate(scores):
    color = "black" if score > 0.6 else "white"
    weight = "bold" if score == search.best_score_ else "normal"
    panel.text(
        column, row, f"{score:.2f}", ha="center", va="center", color=color, weight=weight, size=12
    )
panel.set_xticks(range(5), [f"{rate:g}" for rate in grid["learning_rate_init"]])
panel.set_yticks(range(5), [f"{alpha:g}" for alpha in grid["alpha"]])
panel.set(xlabel="learning rate", ylabel="alpha")
figure.colorbar(drawn, label="accuracy", ticks=(0, 0.5, 1), shrink=0.8)
plt.show()
