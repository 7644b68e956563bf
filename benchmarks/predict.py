"""Predictions of 1, 100 and 100,000 rows beside scikit-learn's.

    python benchmarks/predict.py [pairs]

The ratio is scikit-learn's time over ours: above 1 we are faster. Behind the slash, where numba is
installed, it is that with compiled kernels, which fits have loaded before. "Memory" is the peak
beyond the returned array for 100,000 rows, in megabytes, theirs and ours.
"""

from __future__ import annotations

import sys
import tracemalloc
import warnings

import _data
import numpy as np
from _pairs import environment, in_mode, installed, markdown_table, median_ratios
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from skneural import ScratchLogisticRegression, ScratchMLPClassifier

#: Calls to be timed together, by the number of rows.
CALLS = {1: 500, 100: 100, 100_000: 1}


MODELS = {
    "network, (100,)": (ScratchMLPClassifier, MLPClassifier, {"max_iter": 5}),
    "network, (256, 256)": (
        ScratchMLPClassifier,
        MLPClassifier,
        {"max_iter": 2, "hidden_layer_sizes": (256, 256)},
    ),
    "logistic regression": (ScratchLogisticRegression, LogisticRegression, {}),
}


def repeated(method, X):
    def task():
        for _ in range(CALLS[len(X)]):
            method(X)

    return task


def ratios(theirs, ours, pairs):
    """Their time over ours: in NumPy, and with compiled kernels where there are any."""
    tasks = {"theirs": theirs, "ours": ours}
    if installed("numba"):
        tasks["compiled"] = in_mode(True, ours)
    found = median_ratios(tasks, "ours", pairs)
    text = f"{found['theirs']:.2f}"
    return text + (f" / {found['theirs'] / found['compiled']:.2f}" if "compiled" in found else "")


def memory(method, X):
    """Peak beyond the result, in megabytes."""
    tracemalloc.start()
    result = method(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return (peak - result.nbytes) / 1e6


def main():
    warnings.simplefilter("ignore")
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    rows = []
    for data, load in (("digits", _data.digits), ("10,000 x 20", _data.narrow)):
        for label, (our_class, their_class, settings) in MODELS.items():
            for dtype in (np.float64, np.float32):
                X, y = load()
                X = X.astype(dtype)
                ours, theirs = (kind(**settings).fit(X, y) for kind in (our_class, their_class))
                for name in ("predict_proba", "predict"):
                    methods = getattr(theirs, name), getattr(ours, name)
                    row = [data, label, np.dtype(dtype).name, name]
                    for n_rows in CALLS:
                        many = np.resize(X, (n_rows, X.shape[1]))
                        row.append(ratios(*(repeated(method, many) for method in methods), pairs))
                    row.append(" / ".join(f"{memory(method, many):.1f}" for method in methods))
                    rows.append(row)
    print(environment() + f"; median of {pairs} pairs\n")
    header = ["data", "model", "dtype", "method", *(f"{n:,} rows" for n in CALLS), "memory"]
    print(markdown_table(header, rows))


if __name__ == "__main__":
    main()
