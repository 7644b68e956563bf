"""Fit times of the perceptron on few columns without compiled loops.

    python benchmarks/perceptron_few_columns.py [pairs]

"in blocks" is the time that our fit would take in NumPy alone over the time that it takes, which
is in Python's own numbers where rows have few columns (`skneural/perceptron/plain_numbers.py`);
"scikit-learn" is our time over that of its loops in Cython. All three make the same model, to the
last bit. Median over the pairs.
"""

from __future__ import annotations

import sys
from unittest import mock

import numpy as np
from _pairs import environment, markdown_table, median_ratios
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import Perceptron
from sklearn.preprocessing import scale

from skneural import ScratchPerceptron
from skneural.perceptron import row_access

RANDOM = np.random.RandomState(0)
BREAST_CANCER = load_breast_cancer(return_X_y=True)
WORKLOADS = {
    "iris": (*load_iris(return_X_y=True), {}),
    "iris, L1": (*load_iris(return_X_y=True), {"penalty": "l1"}),
    "noise, 200 x 10, 100 epochs": (
        RANDOM.standard_normal((200, 10)),
        RANDOM.rand(200) < 0.5,
        {"tol": None, "max_iter": 100},
    ),
    "noise, 40 x 4, 800 epochs, L1": (
        RANDOM.standard_normal((40, 4)),
        RANDOM.rand(40) < 0.5,
        {"tol": None, "max_iter": 800, "penalty": "l1"},
    ),
    "breast cancer, scaled": (scale(BREAST_CANCER[0]), BREAST_CANCER[1], {}),
}


def main():
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    rows = []
    for name, (X, y, settings) in WORKLOADS.items():

        def ours(X=X, y=y, settings=settings):
            ScratchPerceptron(random_state=0, **settings).fit(X, y)

        def in_blocks(ours=ours):
            with mock.patch.object(row_access, "are_sooner", return_value=False):
                ours()

        def theirs(X=X, y=y, settings=settings):
            Perceptron(random_state=0, **settings).fit(X, y)

        ratios = median_ratios({"ours": ours, "in blocks": in_blocks}, "ours", pairs)
        slower = median_ratios({"ours": ours, "theirs": theirs}, "theirs", pairs)["ours"]
        rows.append([name, f"{ratios['in blocks']:.1f}", f"{slower:.1f}"])
    print(environment() + f"; median of {pairs} pairs\n")
    print(markdown_table(["workload", "in blocks", "scikit-learn"], rows))


if __name__ == "__main__":
    main()
