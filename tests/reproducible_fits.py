"""Fits whose matrix products are long enough to be shared by several threads of BLAS.

    python tests/reproducible_fits.py [numbers.npz] [one-thread] [fork] [two-threads] [long]

Prints a digest of every model, bit by bit, and with what BLAS it was fitted; a file receives the
numbers themselves. With "one-thread", all is done under ``threadpool_limits(1)``, and with "fork"
some of it once more in a fork, and meanwhile here. With "two-threads", all is then done twice under
``threadpool_limits(2)``, and these are the numbers in the file. With "long", trainings have a
hundred epochs, which magnifies what differs.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import warnings
from contextlib import nullcontext

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import clone
from threadpoolctl import threadpool_info, threadpool_limits

from skneural import (
    HiddenLayerTransformer,
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
    TableEncoder,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from skneural.learning_rate_finder import find_learning_rate

N_ROWS, N_FEATURES = 1200, 80
RANDOM = np.random.RandomState(0)
# By sums and products of single numbers only, which are the same on every machine.
X = RANDOM.standard_normal((N_ROWS, N_FEATURES)) * (0.2 + np.arange(N_FEATURES) / N_FEATURES)
NUMBER = X[:, -1] + X[:, -2] * X[:, -3] + 0.1 * RANDOM.standard_normal(N_ROWS)
MARK = np.digitize(NUMBER, [-0.5, 0.5])
WORD = np.array(["ant", "bee", "cat"])[MARK]
FRAME = pd.DataFrame(X[:, :30]).rename(columns=str)
FRAME["city"] = [f"city {i}" for i in RANDOM.randint(40, size=N_ROWS)]
SPARSE = sparse.csr_matrix(np.where(np.abs(X) > 1.5, X, 0))

#: Products of 600 x 80 x 128 multiplications: as many as get five threads.
WIDE = {"hidden_layer_sizes": (128, 64), "batch_size": 600, "max_iter": 3, "random_state": 0}
TABLE = {"hidden_layer_sizes": (128, 64), "batch_size": 600, "max_iter": 2, "cv": 2}


def network(**settings):
    return ScratchMLPClassifier(**{**WIDE, **settings})


def linear(solver, **settings):
    return ScratchLogisticRegression(solver=solver, random_state=0, max_iter=30, **settings)


FITS = {
    **{f"network, {name}": (network(solver=name), X, MARK) for name in ("adam", "sgd", "lbfgs")},
    "network, adamw": (network(solver="adamw", activation="gelu"), X, WORD),
    "network, early stopping": (network(early_stopping=True, dropout=0.2), X, MARK),
    "network, float32": (network(dtype="float32", activation="tanh"), X, MARK),
    "network, sparse": (network(), SPARSE, MARK),
    "regressor, adam": (ScratchMLPRegressor(**WIDE), X, NUMBER),
    "regressor, lbfgs": (ScratchMLPRegressor(**WIDE, solver="lbfgs"), X, NUMBER),
    **{
        f"logistic regression, {name}": (linear(name), X, MARK > 0 if name == "liblinear" else MARK)
        for name in ("lbfgs", "newton-cg", "newton-cholesky", "sgd", "adam", "liblinear")
    },
    "logistic regression, L1": (linear("fista", l1_ratio=1.0, C=0.1), X, MARK),
    "perceptron": (ScratchPerceptron(max_iter=2), X, MARK),
    "hidden layer": (HiddenLayerTransformer(network()), X, MARK),
    "encoder of tables": (TableEncoder(random_state=0), FRAME, WORD),
    "raw table": (TabularMLPClassifier(**TABLE, random_state=0), FRAME, WORD),
    "raw table, numbers": (TabularMLPRegressor(**TABLE, random_state=0), X[:, -30:], NUMBER),
    "learning rate finder": (None, X, MARK),
}
#: One of each kind of training.
OF_FORKS = ["network, adam", "network, lbfgs", "logistic regression, newton-cg", "raw table"]


def numbers_of(estimator, X, y):
    """What a fit gives: predictions of the rows, the weights where they are public, losses."""
    if estimator is None:
        return np.array(find_learning_rate(network(), X, y, n_epochs=5).losses)
    model = clone(estimator).fit(X, y)
    method = next(
        each for each in ("decision_function", "transform", "predict") if hasattr(model, each)
    )
    parts = [getattr(model, method)(X)]
    for name in ("coefs_", "intercepts_", "coef_", "intercept_", "loss_curve_"):
        value = getattr(model, name, None)
        parts += value if isinstance(value, list) and name != "loss_curve_" else [value]
    return np.concatenate([np.ravel(part) for part in parts if part is not None])


def fit_all(names=tuple(FITS), n_epochs=None):
    """Numbers by name, of all fits or of these."""
    numbers = {}
    for name in names:
        estimator, X, y = FITS[name]
        if n_epochs is not None and hasattr(estimator, "max_iter"):
            estimator = clone(estimator).set_params(max_iter=n_epochs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            numbers[name] = numbers_of(estimator, X, y)
    return numbers


def digests(numbers):
    return {name: hashlib.sha256(each.tobytes()).hexdigest() for name, each in numbers.items()}


def digests_after_a_fork():
    """Those of this process, and those of a fork of it, which fits at the same time."""
    to_read, to_write = os.pipe()
    child = os.fork()
    ours = digests(fit_all(OF_FORKS))
    if child == 0:
        os.write(to_write, json.dumps(ours).encode())
        os._exit(0)
    os.close(to_write)
    with open(to_read, "rb") as pipe:
        theirs = json.load(pipe)
    os.waitpid(child, 0)
    return [ours, theirs]


def blas():
    """Threads and architecture of the BLAS that NumPy uses."""
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    return [[pool["num_threads"], pool.get("architecture")] for pool in pools]


def main(words):
    with threadpool_limits(1) if "one-thread" in words else nullcontext():
        numbers = fit_all(n_epochs=100 if "long" in words else None)
        found = {"blas": blas(), "digests": digests(numbers)}
        if "fork" in words:
            found["after a fork"] = digests_after_a_fork()
    if "two-threads" in words:
        with threadpool_limits(2):
            found["blas of two threads"] = blas()
            numbers = fit_all()
            found["two threads"] = [digests(numbers), digests(fit_all())]
    for word in words:
        if word.endswith(".npz"):
            np.savez(word, **numbers)
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
