"""How often do networks with solver='lbfgs' end as scikit-learn's do?

Random fits of 40 iterations (data, layers, activation, alpha from 1e-4 to 1, seed) are compared
with scikit-learn's by the largest relative difference of a layer's weights or intercepts. Beside it
stands how far scikit-learn ends from itself when its initial weights are one rounding apart: what
is not determined there is not determined here.

A second table has the mean training accuracy of both on data that have not been scaled, where the
log loss, clipped in scikit-learn's line search and not in ours, makes the largest difference.

    python benchmarks/lbfgs_paths.py --fits 500    # a quarter of an hour
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import scale

from skneural import ScratchMLPClassifier, ScratchMLPRegressor

LOADERS = {
    "iris": load_iris,
    "wine": load_wine,
    "breast_cancer": load_breast_cancer,
    "digits": load_digits,
    "diabetes": load_diabetes,
}
AGREE = 1e-6


class OneRoundingApart:
    def _init_coef(self, *args):
        weights, intercepts = super()._init_coef(*args)
        return weights * (1 + np.finfo(float).eps), intercepts


class MovedClassifier(OneRoundingApart, MLPClassifier):
    pass


class MovedRegressor(OneRoundingApart, MLPRegressor):
    pass


def problem(name):
    X, y = LOADERS[name](return_X_y=True)
    X = X[:400] / 16 if name == "digits" else scale(X)
    return X.astype(np.float32).astype(np.float64), scale(y) if name == "diabetes" else y[: len(X)]


def distance(model, other):
    pairs = zip(model.coefs_ + model.intercepts_, other.coefs_ + other.intercepts_, strict=True)
    return max(np.linalg.norm(a - b) / max(np.linalg.norm(b), 1e-300) for a, b in pairs)


def random_fit(seed, name):
    """How far ours ends from scikit-learn's, and scikit-learn's from itself."""
    random = np.random.RandomState(seed)
    params = {
        "hidden_layer_sizes": tuple(random.randint(3, 20, size=random.randint(1, 3)).tolist()),
        "activation": random.choice(["relu", "tanh", "logistic"]),
        "alpha": 10 ** random.uniform(-4, 0),
        "random_state": int(random.randint(10_000)),
        "solver": "lbfgs",
        "max_iter": 40,
    }
    X, y = problem(name)
    kinds = (ScratchMLPClassifier, MLPClassifier, MovedClassifier)
    if name == "diabetes":
        kinds = (ScratchMLPRegressor, MLPRegressor, MovedRegressor)
    ours, theirs, moved = (kind(**params).fit(X, y) for kind in kinds)
    return distance(ours, theirs), distance(moved, theirs)


def compare_unscaled(n_seeds):
    print("\nunscaled        fits   ours   scikit-learn   (mean training accuracy)")
    for name in ("iris", "wine", "breast_cancer"):
        X, y = LOADERS[name](return_X_y=True)
        params = {"hidden_layer_sizes": (10,), "solver": "lbfgs", "max_iter": 100}
        ours, theirs = (
            np.mean([kind(random_state=i, **params).fit(X, y).score(X, y) for i in range(n_seeds)])
            for kind in (ScratchMLPClassifier, MLPClassifier)
        )
        print(f"{name:<14} {n_seeds:>5} {ours:>6.3f} {theirs:>14.3f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--fits", type=int, default=500)
    n_fits = parser.parse_args().fits
    warnings.simplefilter("ignore")
    print("data            fits   ours agrees   scikit-learn with itself   neither")
    totals = np.zeros(4, dtype=int)
    for k, name in enumerate(LOADERS):
        seeds = range(k, n_fits, len(LOADERS))
        agree = np.array([random_fit(seed, name) for seed in seeds]) < AGREE
        counts = np.array([len(agree), *agree.sum(axis=0), (~agree).all(axis=1).sum()])
        totals += counts
        print("{:<14} {:>5} {:>13} {:>26} {:>9}".format(name, *counts), flush=True)
    print("{:<14} {:>5} {:>13} {:>26} {:>9}".format("all", *totals))
    compare_unscaled(max(n_fits // 20, 1))


if __name__ == "__main__":
    main()
