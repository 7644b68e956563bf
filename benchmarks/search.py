"""A grid search over a pipeline with a scaler, beside the same with scikit-learn's network.

    python benchmarks/search.py [pairs]

24 combinations of parameters, 5 folds of digits, 30 epochs each, one process. The ratio is
scikit-learn's wall time over ours: above 1 we are faster. "Beside the training" is the share of
our time that is spent outside of the training itself: cloning, validation, scaling, scoring.
"""

from __future__ import annotations

import math
import sys
import time
import warnings
from functools import partial

import numpy as np
from _pairs import environment, in_mode, installed, markdown_table, median_ratios
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skneural import ScratchMLPClassifier
from skneural.minimizers.minibatch import MiniBatches

GRID = {
    "alpha": [1e-5, 1e-4, 1e-3, 1e-2],
    "hidden_layer_sizes": [(30,), (60,), (100,)],
    "learning_rate_init": [1e-3, 1e-2],
}


def search(estimator):
    name = type(estimator).__name__.lower()
    grid = {f"{name}__{parameter}": values for parameter, values in GRID.items()}
    return GridSearchCV(make_pipeline(StandardScaler(), estimator), grid, cv=5, n_jobs=1)


def share_beside_the_training(ours, X, y):
    """1 - (time in the minimiser) / (time of the search)."""
    inside, minimise = 0.0, MiniBatches.__call__

    def timed(minimizer, run):
        nonlocal inside
        start = time.perf_counter()
        try:
            return minimise(minimizer, run)
        finally:  # patience ends a training by an exception
            inside += time.perf_counter() - start

    MiniBatches.__call__ = timed
    try:
        start = time.perf_counter()
        ours.fit(X, y)
        return 1 - inside / (time.perf_counter() - start)
    finally:
        MiniBatches.__call__ = minimise


def main():
    warnings.simplefilter("ignore")
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    X, y = load_digits(return_X_y=True)
    rows = []
    for label, dtype in (("as scikit-learn", "auto"), ("dtype='float32'", "float32")):
        settings = {"max_iter": 30, "random_state": 0}
        theirs = search(MLPClassifier(**settings))
        ours = search(ScratchMLPClassifier(**settings, dtype=dtype))
        tasks = {"ours": partial(ours.fit, X, y), "theirs": partial(theirs.fit, X, y)}
        if installed("numba"):
            tasks["compiled"] = in_mode(True, tasks["ours"])
        ratios = median_ratios(tasks, "ours", pairs)
        compiled = ratios["theirs"] / ratios["compiled"] if "compiled" in ratios else math.nan
        scores = [each.cv_results_["mean_test_score"] for each in (theirs, ours)]
        rows.append(
            [
                label,
                f"{ratios['theirs']:.2f}",
                f"{compiled:.2f}",
                f"{np.abs(scores[0] - scores[1]).max():.1e}",
                f"{share_beside_the_training(ours, X, y):.0%}",
            ]
        )
    print(environment() + f"; median of {pairs} pairs\n")
    header = [
        "search",
        "times faster",
        "compiled",
        "largest difference of a mean score",
        "beside the training",
    ]
    print(markdown_table(header, rows))


if __name__ == "__main__":
    main()
