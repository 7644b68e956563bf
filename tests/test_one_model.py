"""Predictions while another thread trains: each is that of one whole model.

SKNEURAL_ROUNDS says how often each training is repeated under the eyes of the threads.
"""

from __future__ import annotations

import os
import sys
from copy import deepcopy
from threading import Event, Thread

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler
from snapshots import frozen

from skneural import (
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N_ROUNDS = int(os.environ.get("SKNEURAL_ROUNDS", "3"))
N_THREADS = 4

X, Y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)
NAMES = np.array(["low", "middle", "high"])[Y]
PAIR = np.where(Y == 0, "a", "b")
NUMBERS = X @ np.linspace(-1, 1, 13)
COUNTS = np.random.RandomState(0).poisson(np.exp(X[:, 0]))
NARROW = X[:, 8:]
#: What the threads ask about: enough rows for a training to come in between.
ASKED = {13: np.vstack([X] * 3), 5: np.vstack([NARROW] * 3)}

NETWORK = {"hidden_layer_sizes": (30,), "max_iter": 2, "random_state": 0}
LEARNING = {"learning_rate_init": 0.05}
SHORT = {"max_iter": 3, "tol": 1e-9, "random_state": 0}


def classifier(**params):
    return ScratchMLPClassifier(**{**NETWORK, **LEARNING, **params})


def regressor(**params):
    return ScratchMLPRegressor(**{**NETWORK, **LEARNING, **params})


def logistic(**params):
    return ScratchLogisticRegression(**{**SHORT, **params})


def perceptron(**params):
    return ScratchPerceptron(**{**SHORT, "tol": None, **params})


# ------------------------------------------------------------------------------- trainings


def fit(X=X, y=NAMES, **params):
    return lambda model: model.set_params(**params).fit(X, y)


def partial_fit(rows=slice(None)):
    return lambda model: model.partial_fit(X[rows], NAMES[rows])


def sparsify(model):
    return model.sparsify()


def densify(model):
    return model.densify()


#: An estimator and the trainings that follow each other again and again.
TRAININGS = {
    "network, partial_fit": (classifier(), [partial_fit(), partial_fit(slice(0, 50))]),
    "network, other features": (classifier(), [fit(NARROW), fit()]),
    "network, other labels": (classifier(), [fit(y=PAIR), fit()]),
    "network, multilabel": (classifier(), [fit(y=np.column_stack([Y > 0, Y > 1])), fit(y=Y)]),
    "network, columns of labels": (
        classifier(),
        [fit(y=np.column_stack([Y, 2 - Y])), fit(y=np.column_stack([Y, Y, Y])), fit(y=Y)],
    ),
    "network, other layers": (
        classifier(),
        [
            fit(hidden_layer_sizes=(7, 6)),
            fit(hidden_layer_sizes=()),
            fit(hidden_layer_sizes=(30,)),
        ],
    ),
    "network, other activation": (classifier(), [fit(activation="tanh"), fit(activation="relu")]),
    "network, everything else": (
        classifier(),
        [fit(NARROW, PAIR, hidden_layer_sizes=(4,), activation="elu"), fit(hidden_layer_sizes=30)],
    ),
    "network, float32": (classifier(), [fit(dtype="float32"), fit(dtype="float64")]),
    "network, lbfgs": (classifier(solver="lbfgs"), [fit(NARROW, PAIR), fit()]),
    "regressor, other features": (regressor(), [fit(NARROW, NUMBERS), fit(y=NUMBERS)]),
    "regressor, other link": (
        regressor(),
        [fit(y=COUNTS, loss="poisson"), fit(y=NUMBERS, loss="squared_error")],
    ),
    "regressor, several targets": (regressor(), [fit(y=X[:, :3]), fit(y=NUMBERS)]),
    "logistic, partial_fit": (logistic(solver="sgd", **LEARNING), [partial_fit()]),
    "logistic, sparsify and partial_fit": (
        logistic(solver="sgd", **LEARNING),
        [sparsify, partial_fit(), partial_fit(slice(0, 90))],
    ),
    "logistic, sparsify and densify": (logistic(), [sparsify, densify]),
    "logistic, sparsify and fit": (logistic(), [sparsify, fit(C=1.0), sparsify, fit(C=100.0)]),
    "logistic, sgd, no intercept": (
        logistic(solver="sgd", **LEARNING),
        [fit(fit_intercept=False), *[partial_fit()] * 5, fit(fit_intercept=True)],
    ),
    "logistic, no intercept": (logistic(), [fit(fit_intercept=False), fit(fit_intercept=True)]),
    "logistic, other features": (logistic(), [fit(NARROW), fit()]),
    "logistic, other labels": (logistic(), [fit(y=PAIR), fit()]),
    "perceptron, partial_fit": (perceptron(), [partial_fit(), partial_fit(slice(0, 90))]),
    "perceptron, sparsify and partial_fit": (
        perceptron(),
        [sparsify, partial_fit(), partial_fit(slice(0, 90))],
    ),
    "perceptron, other features": (perceptron(), [fit(NARROW), fit()]),
    "perceptron, other labels": (perceptron(), [fit(y=PAIR), fit()]),
    "perceptron, no intercept": (perceptron(), [fit(fit_intercept=False), fit(fit_intercept=True)]),
}


# ------------------------------------------------------------------------------- questions


def questions(estimator):
    """What is asked: a method, and the rows by the number of their features."""
    names = ("raw_outputs", "decision_function", "predict_proba", "predict")
    return [(name, n) for name in names if hasattr(estimator, name) for n in ASKED]


def ask(model, question):
    """The answer; 'refused' where the model has another number of features."""
    method, n_features = question
    try:
        return getattr(model, method)(ASKED[n_features])
    except ValueError as error:
        if "features" in str(error):
            return "refused"
        raise


def is_same(answer, known):
    """Up to the order of additions, which depends on the threads that BLAS has."""
    if isinstance(answer, str) or isinstance(known, str):
        return isinstance(answer, str) and isinstance(known, str)
    if isinstance(answer, list) or isinstance(known, list):  # of several columns of labels
        are_alike = type(answer) is type(known) and len(answer) == len(known)
        return are_alike and all(map(is_same, answer, known))
    if answer.dtype != known.dtype or answer.shape != known.shape:
        return False
    if answer.dtype.kind != "f":
        return np.array_equal(answer, known)
    exact = 1e-4 if answer.dtype == np.float32 else 1e-9
    return np.allclose(answer, known, rtol=exact, atol=exact)


def known_answers(model, trainings):
    """Those of all models that there will be, from copies that nobody else looks at."""
    known = {question: [ask(model, question)] for question in questions(model)}
    for _ in range(N_ROUNDS):
        for train in trainings:
            train(model)
            for question, answers in known.items():
                answer = ask(model, question)
                if not any(is_same(answer, each) for each in answers):
                    answers.append(answer)
    return known


def given_answers(model, trainings):
    """What `N_THREADS` threads are told while this one trains; exceptions among it."""
    over, given = Event(), {question: [] for question in questions(model)}

    def keep_asking(first):
        order = list(given)
        while not over.is_set():
            for question in order[first:] + order[:first]:
                try:
                    answer = ask(model, question)
                except Exception as error:
                    answer = error
                given[question].append(answer)

    threads = [Thread(target=keep_asking, args=(i,)) for i in range(N_THREADS)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(N_ROUNDS):
            for train in trainings:
                train(model)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    return given


def different(answers):
    """Each of them once."""
    return {
        frozen(each) if isinstance(each, np.ndarray) else repr(each): each for each in answers
    }.values()


@pytest.fixture
def _restless():
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_restless")
@pytest.mark.parametrize("name", TRAININGS)
def test_each_answer_is_of_one_model(name):
    estimator, trainings = TRAININGS[name]
    model = clone(estimator)
    model.fit(X, NUMBERS if isinstance(model, ScratchMLPRegressor) else NAMES)
    known = known_answers(deepcopy(model), trainings)
    wrong, n_answers = [], 0
    for question, answers in given_answers(model, trainings).items():
        n_answers += len(answers)
        for answer in different(answers):
            if isinstance(answer, Exception):
                wrong.append((question, repr(answer)))
            elif not any(is_same(answer, each) for each in known[question]):
                wrong.append((question, "of no model"))
    assert n_answers > 0
    assert wrong == [], f"{len(wrong)} different ones among {n_answers} answers"
