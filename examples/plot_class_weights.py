"""
Class weights for a rare class
==============================

Of 2000 rows 4% belong to a rare class, which overlaps with the common one. A network that counts
every row the same misses many of the rare ones: calling them common is cheap.
``class_weight="balanced"`` counts the rows of each class by the inverse of its share.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import confusion_matrix

from skneural import ScratchMLPClassifier

rng = np.random.RandomState(0)


def draw_rows(n):
    """Points around (0, 0), and 4% of rare ones around (1.5, 1.5)."""
    is_rare = rng.uniform(size=(n, 1)) < 0.04
    points = np.where(is_rare, 1.5, 0) + np.where(is_rare, 0.7, 1) * rng.standard_normal((n, 2))
    return points, is_rare[:, 0].astype(int)


(X, y), (X_test, y_test) = draw_rows(2000), draw_rows(20_000)
networks = {}
for class_weight in (None, "balanced"):
    networks[class_weight] = ScratchMLPClassifier(
        hidden_layer_sizes=20,
        class_weight=class_weight,
        learning_rate="cosine",
        learning_rate_init=0.01,
        max_iter=50,
        random_state=0,
    ).fit(X, y)
    matrix = confusion_matrix(y_test, networks[class_weight].predict(X_test))
    (_, false_alarms), (missed, found) = matrix
    print(f"class_weight={class_weight!r}: {found} of {missed + found} rare rows found,", end=" ")
    print(f"{false_alarms} false alarms, accuracy {np.trace(matrix) / matrix.sum():.1%}")

# %%
# The boundary moves from where both classes are equally probable into the common class: most rare
# rows are found, for many more false alarms and a lower accuracy. Which is better depends on what a
# miss and a false alarm cost. The probabilities change too: with weights, they are those of a world
# in which both classes are equally frequent. To keep true probabilities, leave out the weights and
# lower the threshold.

figure, panels = plt.subplots(1, 2, figsize=(6.4, 3.5), sharey=True, layout="constrained")
side = np.linspace(-3, 4, 141)
plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
for panel, (class_weight, network) in zip(panels, networks.items(), strict=True):
    said = network.predict(plane).reshape(141, 141)
    panel.contourf(side, side, said, levels=(-0.5, 0.5, 1.5), colors=("#DDE8F0", "#FBD9C0"))
    panel.plot(*X[y == 0].T, ".", color="#0072B2", markersize=3, label="common")
    panel.plot(*X[y == 1].T, "^", color="#D55E00", markersize=5, label="rare")
    panel.set(xlabel="$x_1$", title=f"class_weight={class_weight!r}", xlim=(-3, 4), ylim=(-3, 4))
panels[0].set_ylabel("$x_2$")
panels[0].legend(loc="lower left", framealpha=1)
plt.show()
