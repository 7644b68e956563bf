"""A fit that fails, or comes to nothing, changes nothing; the user's exceptions come out."""

from __future__ import annotations

import pickle
import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.preprocessing import StandardScaler
from stopped_fits import (
    SINCE_1_9,
    AtTheEnd,
    answers,
    countdown,
    fitted_attributes,
    raise_after,
    raising,
    unchanged,
    visible_state,
)

from skneural import (
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
)
from skneural.activations import Activation
from skneural.losses import SquaredError
from skneural.optimizers import SGD, Adam, NAdam

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# Every third row is enough for a fit that fails.
X, Y = (part[::3] for part in load_wine(return_X_y=True))
X = StandardScaler().fit_transform(X)
NOISY = np.where(np.random.RandomState(2).rand(len(Y)) < 0.3, 0, Y)
NUMBERS = X @ np.linspace(-1, 1, 13)
SMALL = {"hidden_layer_sizes": (5,), "max_iter": 3}
EARLY = {"early_stopping": True, "n_iter_no_change": 99}


def classifier(**params):
    return ScratchMLPClassifier(**{**SMALL, **params})


def regressor(**params):
    return ScratchMLPRegressor(**{**SMALL, **params})


def logistic(**params):
    return ScratchLogisticRegression(**{"max_iter": 3, "tol": 1e-12, **params})


def perceptron(**params):
    return ScratchPerceptron(**{"max_iter": 3, "tol": 1e-9, **params})


def targets_of(model):
    if isinstance(model, ScratchMLPRegressor):
        return NUMBERS
    return NOISY > 0 if getattr(model, "solver", None) == "liblinear" else NOISY


def with_generator(estimator):
    """A copy that draws from a generator of the user's own."""
    return clone(estimator).set_params(random_state=np.random.RandomState(7))


def train(model, method="fit"):
    return getattr(model, method)(X, targets_of(model))


@cache
def fitted_once(estimator):
    """The pickle of a fit of an estimator of this module's tables."""
    return pickle.dumps(train(with_generator(estimator)))


def fitted(estimator):
    return pickle.loads(fitted_once(estimator))


def seen(model):
    """All that there is to be seen of a fitted model, and all that a file of it holds."""
    return visible_state(model), answers(model, X), pickle.dumps(model)


@cache
def seen_once(estimator):
    """All of `fitted(estimator)`."""
    return seen(fitted(estimator))


def assert_nothing_changes(model, fail, **params):
    """`fail` is given the fitted model with these parameters, and then an unfitted copy."""
    before, old_params = seen(model), model.get_params(deep=False)
    fail(model.set_params(**params))
    model.set_params(**{name: old_params[name] for name in params})
    assert seen(model) == before

    unfitted = with_generator(model).set_params(**params)
    generator = pickle.dumps(unfitted.random_state)
    fail(unfitted)
    assert fitted_attributes(unfitted) == {}
    assert not [name for name in vars(unfitted) if name.endswith("_")]
    assert pickle.dumps(unfitted.random_state) == generator
    with pytest.raises(NotFittedError):
        unfitted.predict(X)


# ------------------------------------------------------------------- outputs are not numbers


#: Learning rates that leave finite weights, and outputs that are not.
DIVERGING = {
    "adam": (classifier(), 1e200),
    "sgd": (classifier(solver="sgd"), 1e200),
    "nadam": (classifier(solver=NAdam()), 1e200),
    "two hidden layers": (classifier(hidden_layer_sizes=(5, 5)), 1e150),
    "averaging": (classifier(solver=Adam(averaging=0.9)), 1e200),
    "early stopping": (classifier(**EARLY), 1e200),
    "regressor": (regressor(), 1e200),
    "regressor, sgd": (regressor(solver="sgd"), 1e200),
    "float32": (classifier(dtype="float32"), 1e20),
    "regressor, float32": (regressor(dtype="float32"), 1e20),
    "logistic, adam": (logistic(solver="adam"), 1e308),
}
#: All rows are one batch, so that the loss is that before the only step.
ONE_STEP = {"max_iter": 1, "batch_size": "auto"}


@pytest.mark.parametrize("name", DIVERGING)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_outputs_have_to_be_finite(name, method):
    estimator, rate = DIVERGING[name]

    def fail(model):
        # A first call of partial_fit would have to be told the classes.
        chosen = method if fitted_attributes(model) else "fit"
        with pytest.raises(ValueError, match=r"[Ll]earning rate|learning_rate|finite"):
            train(model, chosen)

    if method == "partial_fit" and estimator.early_stopping:
        estimator = clone(estimator).set_params(early_stopping=False)
    assert_nothing_changes(fitted(estimator), fail, learning_rate_init=rate, **ONE_STEP)


@pytest.mark.parametrize("name", ["adam", "sgd", "regressor", "float32"])
def test_a_warm_start_keeps_the_model(name):
    estimator, rate = DIVERGING[name]
    model = fitted(estimator).set_params(warm_start=True)
    before = answers(model, X), fitted_attributes(model)["loss_curve_"]
    with pytest.raises(ValueError, match=r"[Ll]earning rate|learning_rate|finite"):
        train(model.set_params(learning_rate_init=rate, **ONE_STEP))
    assert (answers(model, X), model.loss_curve_) == before


# ------------------------------------------------------------------- a warning is an error


UNCONVERGED = [
    *(classifier(solver=solver) for solver in ("adam", "sgd", "lbfgs")),
    classifier(**EARLY),
    regressor(),
    *(
        logistic(solver=solver)
        for solver in ("lbfgs", "newton-cholesky", "newton-cg", "sag", "saga", "sgd", "adam")
    ),
    logistic(solver="fista", l1_ratio=0.5),
    logistic(solver="liblinear"),
    logistic(solver="liblinear", l1_ratio=1),
    logistic(solver="sgd", **EARLY),
    perceptron(),
    perceptron(**EARLY),
]


@pytest.mark.parametrize("estimator", UNCONVERGED, ids=repr)
def test_a_convergence_warning_that_is_an_error(estimator):
    def fail(model):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(ConvergenceWarning):
                model.fit(X, targets_of(model))

    assert_nothing_changes(fitted(estimator), fail, max_iter=2)


# ------------------------------------------------------------------------------ callbacks


class OnlyMine(BaseException):
    """Of no family."""


ERRORS = [
    StopIteration("mine"),
    GeneratorExit("mine"),
    OnlyMine("mine"),
    ValueError("mine"),
    np.linalg.LinAlgError("mine"),
    RuntimeWarning("mine"),
]
each_error = pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)


def fails_with(error, **rows):
    def fail(model):
        with pytest.raises(type(error)) as caught:
            model.fit(X, targets_of(model), **rows)
        assert caught.value is error

    return fail


def assert_first_fit_fails(model, error, **rows):
    """And leaves the estimator unfitted, and its generator where it was."""
    fails_with(error, **rows)(model)
    assert fitted_attributes(model) == {}
    assert pickle.dumps(model.random_state) == pickle.dumps(np.random.RandomState(7))


@SINCE_1_9
@each_error
@pytest.mark.parametrize("estimator", UNCONVERGED, ids=repr)
@pytest.mark.parametrize("when", ["first epoch", "second epoch", "fit"])
def test_a_callback_that_raises(estimator, error, when):
    callback = {
        "first epoch": raise_after(1, error),
        "second epoch": raise_after(2, error),
        "fit": AtTheEnd(raising(error), task="fit"),
    }[when]
    model = fitted(estimator)
    fails_with(error)(model.set_callbacks(callback))
    assert seen(model.set_callbacks()) == seen_once(estimator)
    assert_first_fit_fails(with_generator(estimator).set_callbacks(callback), error)


# ----------------------------------------------------------------- what the user passed in


@dataclass(repr=False, eq=False)
class RaisingLoss(SquaredError):  # noqa: N818
    """Raises in its second call."""

    error: Any = None
    n_calls: Any = None

    def value_and_gradient(self, *arguments, **others):
        self.n_calls.append(1)
        if len(self.n_calls) == 2:
            raise self.error
        return super().value_and_gradient(*arguments, **others)


def raising_in_call(n, error):
    """A function of anything that raises in its call number `n`."""
    calls = []

    def function(*arguments):
        calls.append(1)
        if len(calls) == n:
            raise error
        return 0.5

    return function


#: What raises, made anew for each fit: parameters of a network that trains by mini-batches.
SOURCES = {
    "scorer": lambda error: {"early_stopping_metric": raising_in_call(2, error)},
    "activation": lambda error: {
        "activation": Activation("mine", countdown(2, raising(error)), unchanged)
    },
    "derivative": lambda error: {
        "activation": Activation("mine", unchanged, countdown(2, raising(error)))
    },
    "initialization": lambda error: {"initialization": raising(error)},
    "loss": lambda error: {"loss": RaisingLoss(error=error, n_calls=[])},
}


@cache
def with_solver(make, solver):
    """The same estimator each time, so that it is fitted once."""
    return make(solver=solver)


@each_error
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("solver", ["lbfgs", "adam", "sgd", SGD(averaging=0.9)], ids=repr)
@pytest.mark.parametrize("make", [classifier, regressor])
def test_an_exception_of_the_user(make, solver, source, error):
    if source == "loss" and make is classifier:
        make = regressor
    estimator = with_solver(make, solver)
    model = fitted(estimator)
    before, old_params = seen_once(estimator), model.get_params(deep=False)
    rows = {"X_val": X[:20], "y_val": targets_of(model)[:20]} if source == "scorer" else {}
    params = SOURCES[source](error)
    if source == "scorer":
        params["early_stopping"] = True
    fails_with(error, **rows)(model.set_params(**params))
    assert seen(model.set_params(**{name: old_params[name] for name in params})) == before

    first = make(solver=solver, **SOURCES[source](error), random_state=np.random.RandomState(7))
    first.set_params(early_stopping=source == "scorer")
    assert_first_fit_fails(first, error, **rows)
