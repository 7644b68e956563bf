"""The fits that `resume` has to continue: estimators, their rows, and what else fit is given."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler

from skneural import (
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
)
from skneural.losses import Huber
from skneural.optimizers import SGD, Adam, NAdam
from skneural.schedules import Cosine, LinearWarmUp, ReduceOnPlateau

X, Y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)[::2]
Y = Y[::2]
NUMBERS = X @ np.linspace(-1, 1, 13) + np.sin(X[:, 0])
#: Three classes in the first column, two in the second.
COLUMNS = np.column_stack([Y, 5 + Y % 2])
WEIGHT = np.random.RandomState(1).uniform(0.2, 3, len(Y))
#: Rows of whose labels a part is wrong, so that nothing separates the classes.
NOISY = np.where(np.random.RandomState(2).rand(len(Y)) < 0.3, 0, Y)
#: More features than Newton's method factorises the Hessian for.
WIDE = sparse.random(60, 2100, density=0.02, random_state=3, format="csr")
WIDE_Y = np.arange(60) % 2
#: Few rows of many features that nearly depend on each other.
FEW = np.random.RandomState(6).standard_normal((30, 4))
CORRELATED = FEW @ np.random.RandomState(7).standard_normal((4, 300))
CORRELATED += 0.05 * np.random.RandomState(8).standard_normal(CORRELATED.shape)
#: The first feature twice: without a penalty the Hessian is singular.
COPIED = np.column_stack([X, X[:, 0]])

N = 5
#: Nothing ends these fits before `max_iter` but what a test does.
ENDLESS = {"max_iter": N, "tol": 0.0, "n_iter_no_change": 99}
SMALL = {**ENDLESS, "hidden_layer_sizes": (5,), "batch_size": 30, "random_state": 0}
FAST = {"learning_rate_init": 0.05}
#: With these the best epoch is not the last one.
SHORT_BATCHES = {"batch_size": 20}
#: The patience of these ends on the way.
IMPATIENT = {"n_iter_no_change": 2, "tol": 10.0}


class Fit(NamedTuple):
    """An estimator and the rows it is fitted to; `n` is where the whole fit ends."""

    estimator: Any
    X: Any = X
    y: Any = Y
    others: Mapping[str, Any] = MappingProxyType({})
    n: int = N

    def copy(self):
        return clone(self.estimator)

    def fit(self, model=None):
        return (self.copy() if model is None else model).fit(self.X, self.y, **self.others)

    def resume(self, model):
        # Where a fit began is of no interest to what continues it.
        others = {name: rows for name, rows in self.others.items() if "init" not in name}
        return model.resume(self.X, self.y, **others)


def classifier(**params):
    return ScratchMLPClassifier(**{**SMALL, **params})


def regressor(**params):
    return ScratchMLPRegressor(**{**SMALL, **params})


def logistic(**params):
    return ScratchLogisticRegression(**{"max_iter": N, "tol": 1e-12, "random_state": 0, **params})


def perceptron(**params):
    return ScratchPerceptron(**{"max_iter": N, "tol": None, "random_state": 0, **params})


OWN_ROWS = {"X_val": X[1::3], "y_val": NOISY[1::3], "sample_weight_val": WEIGHT[1::3]}
STOPPING = {"early_stopping": True, "validation_fraction": 0.3, **FAST}

MLP = {
    **{
        f"{solver}": Fit(classifier(solver=solver))
        for solver in ("adam", "sgd", "adamw", "nadam", "rmsprop", "adagrad")
    },
    "regressor": Fit(regressor(), y=NUMBERS),
    "regressor, two targets": Fit(regressor(loss=Huber()), y=np.column_stack([NUMBERS, X[:, 1]])),
    "multilabel": Fit(classifier(), y=np.column_stack([Y > 0, Y < 2]).astype(int)),
    "columns of labels": Fit(classifier(), y=COLUMNS),
    "columns of labels, early stopping": Fit(
        classifier(**STOPPING, class_weight=["balanced", {"a": 2.0}]),
        y=np.column_stack([NOISY.astype(object), np.array(["a", "b"])[Y % 2]]),
    ),
    "averaging": Fit(classifier(solver=Adam(averaging=0.9))),
    "Polyak's average": Fit(regressor(solver=SGD(averaging=1.0)), y=NUMBERS),
    "dropout": Fit(classifier(dropout=0.3)),
    "dropout, averaging, early stopping": Fit(
        classifier(dropout=0.3, solver=NAdam(averaging=0.9), **STOPPING), y=NOISY
    ),
    "clipping, decay": Fit(classifier(solver=Adam(max_grad_norm=0.1, weight_decay=0.1))),
    "L1": Fit(classifier(l1_ratio=0.5, alpha=1.0)),
    "cosine": Fit(classifier(learning_rate=Cosine(), **FAST)),
    "one cycle": Fit(classifier(learning_rate="one_cycle", **FAST)),
    "warm-up, cosine": Fit(classifier(learning_rate=LinearWarmUp(2, then=Cosine()), **FAST)),
    "invscaling": Fit(classifier(solver="sgd", learning_rate="invscaling", **FAST)),
    "adaptive": Fit(classifier(solver="sgd", learning_rate="adaptive", **FAST, **IMPATIENT)),
    "plateaus": Fit(
        classifier(learning_rate=ReduceOnPlateau(patience=1), learning_rate_init=0.5, tol=0.1),
        y=NOISY,
    ),
    "early stopping": Fit(classifier(**STOPPING), y=NOISY),
    "early stopping, regressor": Fit(regressor(**STOPPING, **SHORT_BATCHES), y=NUMBERS),
    "early stopping by the loss": Fit(
        classifier(**STOPPING, early_stopping_metric="loss"), y=NOISY
    ),
    "early stopping by a scorer": Fit(
        classifier(**STOPPING, early_stopping_metric="balanced_accuracy"), y=NOISY
    ),
    "early stopping, the last epoch": Fit(
        classifier(**STOPPING, restore_best_weights=False), y=NOISY
    ),
    "the best training loss": Fit(
        classifier(restore_best_weights=True, learning_rate_init=0.5, **SHORT_BATCHES), y=NOISY
    ),
    "patience ends": Fit(
        classifier(**{**STOPPING, **IMPATIENT, "n_iter_no_change": 3}), y=NOISY, n=5
    ),
    "convergence": Fit(classifier(**{**IMPATIENT, "n_iter_no_change": 3}), n=5),
    "own validation rows": Fit(classifier(**SHORT_BATCHES), y=NOISY, others=OWN_ROWS),
    "own validation rows, early stopping": Fit(classifier(**STOPPING), y=NOISY, others=OWN_ROWS),
    "weights": Fit(classifier(), others={"sample_weight": WEIGHT}),
    "weights, early stopping": Fit(
        classifier(**STOPPING), y=NOISY, others={"sample_weight": WEIGHT}
    ),
    "weights of classes": Fit(classifier(class_weight="balanced"), y=NOISY),
    "sparse": Fit(classifier(), sparse.csr_matrix(X)),
    "CSC, early stopping": Fit(classifier(**STOPPING), sparse.csc_matrix(X), NOISY),
    "float32": Fit(classifier(), X.astype(np.float32)),
    "float32, asked for": Fit(regressor(dtype="float32", solver="sgd"), y=NUMBERS),
    "no shuffling": Fit(classifier(shuffle=False)),
    "strings": Fit(classifier(), y=np.array(["low", "middle", "high"])[Y]),
}

LOGISTIC = {
    **{
        # So small a problem is solved by Newton's method in a few iterations, whatever the solver.
        f"logistic, {solver}": Fit(logistic(solver=solver, C=100.0, max_iter=4), n=4)
        for solver in ("lbfgs", "newton-cg", "sag", "saga")
    },
    "logistic, newton-cholesky": Fit(logistic(solver="newton-cholesky", C=100.0, max_iter=5), n=5),
    "logistic, newton-cg, wide": Fit(logistic(solver="newton-cg", C=100.0), WIDE, WIDE_Y),
    "logistic, lbfgs, several rounds": Fit(
        logistic(C=1e4, max_iter=27), sparse.csr_matrix(WIDE), WIDE_Y, n=27
    ),
    "logistic, lbfgs, few rows": Fit(
        logistic(C=1e4, tol=1e-8, max_iter=37), CORRELATED, FEW[:, 0] > 0, n=37
    ),
    "logistic, lbfgs, float32": Fit(logistic(tol=1e-9, C=np.inf), X.astype(np.float32), NOISY),
    "logistic, lbfgs, weights": Fit(
        logistic(class_weight="balanced"), others={"sample_weight": WEIGHT}
    ),
    "logistic, singular": Fit(
        logistic(solver="newton-cholesky", C=np.inf, max_iter=9), COPIED, NOISY > 0, n=8
    ),
    "logistic, saga, L1": Fit(logistic(solver="saga", l1_ratio=1.0, C=10.0), y=NOISY),
    "logistic, fista, L1": Fit(logistic(solver="fista", l1_ratio=1.0, C=10.0), y=NOISY),
    "logistic, fista, sparse": Fit(
        logistic(solver="fista", l1_ratio=0.5, C=10.0), sparse.csr_matrix(X), NOISY
    ),
    "logistic, liblinear": Fit(
        logistic(solver="liblinear", intercept_scaling=7.0, C=100.0, max_iter=4), y=NOISY > 0, n=4
    ),
    "logistic, liblinear, sparse, L1": Fit(
        logistic(solver="liblinear", intercept_scaling=0.5, l1_ratio=1.0, C=10.0),
        sparse.csr_matrix(X),
        NOISY > 0,
    ),
    "logistic, liblinear, wide, weights": Fit(
        logistic(solver="liblinear", intercept_scaling=3.0, C=1e4),
        WIDE.astype(np.float32),
        WIDE_Y,
        {"sample_weight": WEIGHT[:60]},
    ),
    "logistic, no intercept": Fit(logistic(fit_intercept=False, C=100.0, max_iter=4), n=4),
    **{
        f"logistic, {solver}, {name}": Fit(
            ScratchLogisticRegression(**{"solver": solver, "random_state": 0, **ENDLESS, **params}),
            y=NOISY,
        )
        for solver in ("sgd", "adam")
        for name, params in {
            "mini-batches": {"batch_size": 20},
            "adaptive": {"learning_rate": "adaptive", **FAST, **IMPATIENT},
            "invscaling": {"learning_rate": "invscaling", **FAST},
            "early stopping": STOPPING,
        }.items()
    },
}

PERCEPTRON = {
    "perceptron": Fit(perceptron()),
    "perceptron, two classes": Fit(perceptron(), y=NOISY > 0),
    **{
        f"perceptron, {penalty}": Fit(
            # Pulling weights to zero takes long, row by row.
            perceptron(penalty=penalty, alpha=0.01),
            X[::3],
            NOISY[::3],
        )
        for penalty in ("l1", "l2", "elasticnet")
    },
    "perceptron, early stopping": Fit(
        perceptron(early_stopping=True, validation_fraction=0.3, tol=1e-3), y=NOISY
    ),
    "perceptron, units end one by one": Fit(
        perceptron(tol=1e-3, n_iter_no_change=2, max_iter=9), y=NOISY, n=6
    ),
    "perceptron, weights": Fit(
        perceptron(class_weight="balanced"), others={"sample_weight": WEIGHT}
    ),
    "perceptron, sparse": Fit(perceptron(), sparse.csr_matrix(X[::3]), NOISY[::3]),
    "perceptron, float32": Fit(perceptron(), X.astype(np.float32), NOISY),
    "perceptron, no shuffling": Fit(perceptron(shuffle=False), y=NOISY),
    "perceptron, given start": Fit(
        perceptron(), others={"coef_init": np.ones((3, 13)), "intercept_init": np.ones(3)}
    ),
}

FITS = {**MLP, **LOGISTIC, **PERCEPTRON}
