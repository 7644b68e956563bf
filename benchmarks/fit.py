"""Fit times beside scikit-learn's MLPClassifier, on the same trajectory.

Run it as ``python benchmarks/fit.py [pairs]``. The ratio is scikit-learn's time over ours:
above 1 we are faster. "Same path" is the largest relative difference between the two loss
curves: small means that both did the same work.
"""

from __future__ import annotations

import statistics
import sys
import warnings

import numpy as np
from _pairs import environment, markdown_table, median_ratio
from sklearn.datasets import load_digits, make_classification
from sklearn.neural_network import MLPClassifier

from skneural import ScratchMLPClassifier


def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


def narrow():
    return make_classification(n_samples=10_000, n_features=20, random_state=0)


def wide():
    X, y = make_classification(
        n_samples=10_000, n_features=784, n_informative=50, n_classes=10, random_state=0
    )
    return X, y


WORKLOADS = [
    ("digits, (100,)", digits, {"hidden_layer_sizes": (100,), "max_iter": 20}),
    (
        "10,000 x 20 binary, (64, 64), batch 32",
        narrow,
        {"hidden_layer_sizes": (64, 64), "batch_size": 32, "max_iter": 3},
    ),
    ("10,000 x 784, (256, 256)", wide, {"hidden_layer_sizes": (256, 256), "max_iter": 1}),
]


def measure(load, params, solver, dtype, pairs):
    """(ratio of fit times, largest relative difference of the loss curves)."""
    X, y = load()
    X = X.astype(dtype)
    params = {**params, "solver": solver, "random_state": 0, "n_iter_no_change": 1000}
    ours, theirs = ScratchMLPClassifier(**params), MLPClassifier(**params)
    ratio = median_ratio(lambda: theirs.fit(X, y), lambda: ours.fit(X, y), pairs)
    difference = np.abs(np.array(ours.loss_curve_) / theirs.loss_curve_ - 1).max()
    return ratio, difference


def main() -> None:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    warnings.simplefilter("ignore")
    rows, ratios = [], []
    for name, load, params in WORKLOADS:
        for solver in ("adam", "sgd"):
            for dtype in ("float64", "float32"):
                ratio, difference = measure(load, params, solver, dtype, pairs)
                ratios.append(ratio)
                rows.append([name, solver, dtype, f"{ratio:.2f}", f"{difference:.0e}"])
    print(environment() + f"; median of {pairs} pairs\n")
    print(markdown_table(["workload", "solver", "dtype", "times faster", "same path"], rows))
    print(f"\nGeometric mean: {statistics.geometric_mean(ratios):.2f} times faster")


if __name__ == "__main__":
    main()
