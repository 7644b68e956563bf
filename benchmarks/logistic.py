"""Time to the same objective, beside the fastest of scikit-learn's logistic regressions.

For every workload, each solver of scikit-learn and of ours is given the loosest tolerance (out
of 1e-1, 3e-2, ... 3e-9) at which its objective comes within a relative 1e-6 of the optimum. The
fastest of scikit-learn's and the fastest of ours, fit as a whole, are then timed in pairs. The
ratio is scikit-learn's time over ours: above 1 we are faster; "compiled" is the same with kernels
compiled by numba, where that is installed. A solver that takes ten times as
long as the best so far, and more than a second, is out of the race.

    SKNEURAL_DATA=folder python benchmarks/logistic.py [pairs] [workload ...]
"""

from __future__ import annotations

import statistics
import sys
import time
import warnings

import _data
import numpy as np
from _pairs import environment, in_mode, installed, markdown_table, median_ratios
from logistic_optimum import objective
from sklearn.datasets import load_breast_cancer, load_digits, make_classification
from sklearn.linear_model import LogisticRegression

from skneural import ScratchLogisticRegression

CLOSE = 1e-6
TOLERANCES = [step * 10.0**-k for k in range(1, 9) for step in (1, 0.3)]
MOST_ITERATIONS = 3000


def gaussian():
    """Independent features on one scale: what suits scikit-learn's L-BFGS best."""
    random = np.random.RandomState(0)
    X = random.standard_normal((20_000, 200))
    return X, X @ random.standard_normal(200) * 0.2 + random.standard_normal(20_000) > 0


def few_rows(n_samples, n_features):
    """Measurements of a few causes, as of the genes of a few patients."""
    random = np.random.RandomState(0)
    causes = random.standard_normal((n_samples, 8))
    X = 3 * causes @ random.standard_normal((8, n_features))
    X += 0.3 * random.standard_normal(X.shape)
    return X, causes[:, 0] + 0.5 * random.standard_normal(n_samples) > 0


WORKLOADS = {
    "100,000 x 50 binary": lambda: make_classification(
        100_000, 50, n_informative=20, random_state=0
    ),
    "20,000 x 200 binary": lambda: make_classification(
        20_000, 200, n_informative=50, random_state=0
    ),
    "20,000 x 200 binary, independent": gaussian,
    "60 x 1,000 binary, correlated": lambda: few_rows(60, 1000),
    "200 x 2,000 binary, correlated": lambda: few_rows(200, 2000),
    "digits, multinomial": lambda: load_digits(return_X_y=True),
    "breast_cancer, unscaled": lambda: load_breast_cancer(return_X_y=True),
    "20 newsgroups, tf-idf": lambda: _data.load("newsgroups20"),
}

OURS = ("lbfgs", "newton-cg", "newton-cholesky")
THEIRS = ("newton-cholesky", "newton-cg", "lbfgs", "sag", "saga")


def best(estimator, solvers, X, y, optimum):
    """(seconds, model) of the solver that comes close to the optimum first."""
    found, fastest = [], np.inf
    for solver in solvers:
        if "cholesky" in solver and X.shape[1] * len(np.unique(y)) > 3000:
            continue  # the square of that would not fit
        for tol in TOLERANCES:
            model = estimator(solver=solver, tol=tol, max_iter=MOST_ITERATIONS)
            start = time.perf_counter()
            close = objective(model.fit(X, y), X, y) <= (1 + CLOSE) * optimum
            seconds = time.perf_counter() - start
            if close:
                found.append((seconds, solver, model))
                fastest = min(fastest, seconds)
            if close or seconds > max(10 * fastest, 1.0):
                break
    return min(found, key=lambda entry: entry[0])


def measure(X, y, pairs):
    """(ratio, row of the table) for one workload."""
    optimum = objective(ScratchLogisticRegression(tol=1e-10, max_iter=2000).fit(X, y), X, y)
    _, our_solver, ours = best(ScratchLogisticRegression, OURS, X, y, optimum)
    _, their_solver, theirs = best(LogisticRegression, THEIRS, X, y, optimum)
    tasks = {"theirs": lambda: theirs.fit(X, y), "ours": lambda: ours.fit(X, y)}
    if installed("numba"):
        tasks["compiled"] = in_mode(True, tasks["ours"])
    found = median_ratios(tasks, "ours", pairs)
    ratio = found["theirs"]
    compiled = f"{ratio / found['compiled']:.2f}" if "compiled" in found else ""
    excess = [objective(model, X, y) / optimum - 1 for model in (ours, theirs)]
    return ratio, [
        f"{our_solver}, {ours.n_iter_[0]}",
        f"{their_solver}, {theirs.n_iter_[0]}",
        f"{excess[0]:.0e}",
        f"{excess[1]:.0e}",
        f"{ratio:.2f}",
        compiled,
    ]


def main() -> None:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    names = sys.argv[2:] or list(WORKLOADS)
    warnings.simplefilter("ignore")
    rows, ratios = [], []
    for name in names:
        if "newsgroups" in name and not _data.is_available("newsgroups20"):
            print(f"({name}: SKNEURAL_DATA does not name a folder with it)\n")
            continue
        ratio, row = measure(*WORKLOADS[name](), pairs)
        ratios.append(ratio)
        rows.append([name, *row])
        print(*rows[-1], sep=", ", file=sys.stderr, flush=True)
    print(environment() + f"; median of {pairs} pairs\n")
    header = ["workload", "ours, iterations", "theirs, iterations"]
    header += ["our excess", "their excess", "times faster", "compiled"]
    print(markdown_table(header, rows))
    print(f"\nGeometric mean: {statistics.geometric_mean(ratios):.2f} times faster")


if __name__ == "__main__":
    main()
