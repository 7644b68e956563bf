"""Small problems for networks of ours and scikit-learn's, and what is compared between the two."""

from __future__ import annotations

import re
import warnings

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from skneural import ScratchMLPClassifier, ScratchMLPRegressor

RANDOM = np.random.RandomState(0)
X = RANDOM.standard_normal((60, 4))
SCORE = X @ [1.0, -1.0, 0.5, 0.0] + 0.3 * RANDOM.standard_normal(60)
THIRDS = np.digitize(SCORE, [-0.7, 0.7])
INDICATOR = np.column_stack([SCORE > 0, X[:, 0] > 0, X[:, 1] > 0.5]).astype(int)

TWINS = {MLPClassifier: ScratchMLPClassifier, MLPRegressor: ScratchMLPRegressor}
#: scikit-learn's class, and targets.
TASKS = {
    # Not of strings, which scikit-learn 1.6 cannot stop early on.
    "binary": (MLPClassifier, np.where(SCORE > 0, 8, 3)),
    "multiclass": (MLPClassifier, THIRDS * 10),
    "multilabel": (MLPClassifier, INDICATOR),
    "one number": (MLPRegressor, SCORE),
    "two numbers": (MLPRegressor, np.column_stack([SCORE, X[:, 0] ** 2])),
}
ACTIVATIONS = ["identity", "logistic", "tanh", "relu"]
SOLVERS = {
    "adam": {},
    "adam, other means": {"beta_1": 0.7, "beta_2": 0.95, "epsilon": 1e-4},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.05},
    "sgd, plain momentum": {"solver": "sgd", "momentum": 0.5, "nesterovs_momentum": False},
    "sgd, invscaling": {
        "solver": "sgd",
        "learning_rate": "invscaling",
        "learning_rate_init": 0.2,
        "power_t": 0.3,
    },
    "sgd, adaptive": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "learning_rate_init": 0.05,
        "tol": 10.0,
        "n_iter_no_change": 1,
    },
    "lbfgs": {"solver": "lbfgs"},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.3},
}
STOCHASTIC = [name for name in SOLVERS if name not in ("lbfgs", "early stopping")]
#: Every solver with two tasks, every task with two solvers.
PAIRS = [
    (task, solver)
    for task in TASKS
    for solver in SOLVERS
    if task in ("binary", "two numbers") or solver in ("adam", "early stopping")
]
STOCHASTIC_PAIRS = [(task, solver) for task, solver in PAIRS if solver in STOCHASTIC]
SHORT = {"hidden_layer_sizes": (6, 3), "max_iter": 6, "random_state": 0, "batch_size": 16}
#: Largest differences of predictions, and of weights after an epoch more.
PREDICTIONS = {np.float64: 1e-12, np.float32: 1e-6}


def quietly(method, *args, **kwargs):
    """Call a fit that does not converge in the few epochs that it has."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return method(*args, **kwargs)


def largest_difference(ours, theirs):
    """Of the predictions of two networks; their labels are the same."""
    a, b = ours.predict(X), theirs.predict(X)
    assert sparse.issparse(a) == sparse.issparse(b)
    if sparse.issparse(a):
        a, b = a.toarray(), b.toarray()
    assert a.shape == b.shape
    if not hasattr(ours, "predict_proba"):
        return np.max(np.abs(a - b) / np.maximum(1, np.abs(a)))
    np.testing.assert_array_equal(a, b)
    a, b = ours.predict_proba(X), theirs.predict_proba(X)
    assert a.shape == b.shape
    np.testing.assert_allclose(ours.predict_log_proba(X), theirs.predict_log_proba(X), atol=1e-3)
    return np.max(np.abs(a - b))


def parameters(network):
    """All weights and intercepts, in one vector."""
    return np.concatenate([array.ravel() for array in [*network.coefs_, *network.intercepts_]])


def public_attributes(estimator):
    """The fitted attributes of an estimator of scikit-learn."""
    return {name: value for name, value in vars(estimator).items() if re.match("[a-z].*_$", name)}


def kind_of(value):
    """Type, shape and dtype of an attribute; of the elements of a list, theirs."""
    if isinstance(value, list):
        return (list, *map(kind_of, value))
    return type(value), np.shape(value), getattr(value, "dtype", None)


def arrays_in(value, seen=None):
    """All arrays that an object leads to."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return []
    seen.add(id(value))
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, dict):
        inner = list(value.values())
    elif isinstance(value, list | tuple):
        inner = list(value)
    else:
        inner = [] if isinstance(value, type) else list(getattr(value, "__dict__", {}).values())
    return [array for each in inner for array in arrays_in(each, seen)]


def assert_apart(one, other):
    """That two estimators share no array."""
    mine, theirs = arrays_in(vars(one)), arrays_in(vars(other))
    assert len(mine) > 2
    assert len(theirs) > 2
    assert not any(np.shares_memory(a, b) for a in mine for b in theirs)
