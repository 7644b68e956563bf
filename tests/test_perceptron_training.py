"""How the perceptron's units are trained in lockstep, and fits that are resumed."""

from __future__ import annotations

import pickle
import warnings
from functools import cache

import numpy as np
import pytest
import sklearn
from scipy import sparse
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import Perceptron
from snapshots import frozen, state

from skneural import ScratchPerceptron
from skneural.estimators.perceptron.sgd_order import epoch_orders
from skneural.minimizers.history import EarlyStopping
from skneural.minimizers.run import Run, drive
from skneural.minimizers.state import TrainingState
from skneural.perceptron import (
    OnlinePerceptron,
    Patience,
    PerceptronTraining,
    Rule,
    UnitTraining,
    rows_of,
)

SINCE_1_9 = pytest.mark.skipif(
    tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 9),
    reason="reference: scikit-learn has callbacks from 1.9 on",
)

X, Y = load_iris(return_X_y=True)
THINNED = sparse.csr_matrix(X * (np.random.RandomState(3).rand(*X.shape) < 0.5))
WEIGHT = np.random.RandomState(4).rand(len(Y))

# ------------------------------------------------------------------------------- the minimiser


def units(tol=-np.inf, rule=None, scores=(None, None), n_iter_no_change=1):
    """One that tells the last class of iris from the others, and one for the first."""
    return [
        UnitTraining(
            OnlinePerceptron(rows_of(X), label == Y, None, np.zeros(4), 0.0, rule or Rule()),
            epoch_orders(len(X), seed=1),
            Patience(tol, n_iter_no_change),
            score,
        )
        for label, score in zip((2, 0), scores, strict=True)
    ]


def run(max_iter, params=None, minimizer=None, **record):
    begun = TrainingState(np.zeros(10) if params is None else params, minimizer=minimizer or {})
    return Run(begun, EarlyStopping(0.0, np.inf), max_iter=max_iter, **record)


def test_all_epochs_are_made_where_patience_is_endless():
    trained, one = run(3), units()
    assert drive(PerceptronTraining(one), trained) == "max_iter"
    assert (trained.n_iter, trained.state.record.n_samples_seen) == (3, 3 * 150)
    expected = units()
    objectives = [[training.epoch() for training in expected] for _ in range(3)]
    np.testing.assert_array_equal(
        trained.state.params[:8].reshape(4, 2).T, [each.unit.weights for each in expected]
    )
    assert trained.state.params[8:].tolist() == [each.unit.intercept for each in expected]
    losses = [sum(objective) / 2 for objective in objectives]
    assert trained.state.record.history.column("loss") == losses


@pytest.mark.parametrize("reason", ["converged", "early_stopping"])
def test_the_end_is_that_of_the_last_unit(reason):
    # One epoch without progress is one too many. That of the first unit is the third, that of the
    # second the second, in which the first unit alone goes on.
    first, second = iter([0.1, 0.2, 0.2]), iter([0.5, 0.5])
    scores = (lambda *_: next(first), lambda *_: next(second))
    trained, both = run(9), units(tol=0.05, scores=scores)
    assert drive(PerceptronTraining(both, reason=reason), trained) == reason
    assert [training.n_epochs for training in both] == [3, 2]
    assert trained.n_iter == 3
    # Nothing is left to do when it goes on from there.
    again = run(9, trained.state.params, trained.state.minimizer)
    assert drive(PerceptronTraining(units(), reason=reason), again) == reason
    assert again.n_new == 0


def test_what_is_printed_is_scikit_learns(capsys):
    Perceptron(verbose=1, max_iter=4, tol=None).fit(X, Y > 0)
    theirs = [line for line in capsys.readouterr().out.splitlines() if "Norm" in line]
    ScratchPerceptron(verbose=1, max_iter=4, tol=None).fit(X, Y > 0)
    ours = [line for line in capsys.readouterr().out.splitlines() if "Norm" in line]
    assert len(ours) == 4

    def common(lines):
        return [line.split(", T: ")[0].split(", Mistakes: ")[0] for line in lines]

    assert common(ours) == common(theirs)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_outputs_that_overflow_are_mistakes_and_no_end():
    # In scikit-learn, too: what has to be finite is the weights.
    large, labels = np.array([[1e200], [1e199], [-1e200]]), np.array([False, True, True])
    unit = OnlinePerceptron(rows_of(large), labels, None, np.zeros(1), 0.0, Rule())
    training = UnitTraining(unit, epoch_orders(3, seed=None), Patience(-np.inf, 5))
    trained = run(3, np.zeros(2))
    with np.errstate(over="ignore", invalid="ignore"):
        assert drive(PerceptronTraining([training]), trained) == "max_iter"
    assert max(trained.state.record.history.column("loss")) > 1e300
    theirs = Perceptron(shuffle=False, tol=None, max_iter=3).fit(large, labels)
    np.testing.assert_array_equal(trained.state.params[:1], theirs.coef_[0])


# ------------------------------------------------------------------------------- fits resumed

#: Every third row is enough to resume with.
FEW, FEW_Y = X[::3], Y[::3]
# (constructor parameters, X, y, arguments of fit)
RESUMED = {
    "plain": ({}, FEW, FEW_Y, {}),
    "two classes": ({}, FEW, FEW_Y > 0, {}),
    "L2": ({"penalty": "l2", "alpha": 0.01}, FEW, FEW_Y, {}),
    "L2, tiny scales": ({"penalty": "l2", "alpha": 0.7, "eta0": 0.9}, FEW, FEW_Y, {}),
    "L1": ({"penalty": "l1", "alpha": 0.01}, FEW, FEW_Y, {}),
    "elastic net": ({"penalty": "elasticnet", "alpha": 0.01, "l1_ratio": 0.3}, FEW, FEW_Y, {}),
    "early stopping": ({"early_stopping": True, "validation_fraction": 0.3}, FEW, FEW_Y, {}),
    "early stopping, L2": ({"early_stopping": True, "penalty": "l2"}, FEW, FEW_Y, {}),
    "no shuffling": ({"shuffle": False}, FEW, FEW_Y, {}),
    "float32": ({"penalty": "l2"}, FEW.astype(np.float32), FEW_Y, {}),
    "sparse": ({"penalty": "elasticnet"}, THINNED[::3], FEW_Y, {}),
    "weights": ({"class_weight": "balanced"}, FEW, FEW_Y, {"sample_weight": WEIGHT[::3]}),
    "initial weights": (
        {},
        FEW,
        FEW_Y,
        {"coef_init": np.ones((3, 4)), "intercept_init": np.ones(3)},
    ),
    "no random state": ({"random_state": None}, FEW, FEW_Y, {}),
    "no intercept": ({"fit_intercept": False}, FEW, FEW_Y, {}),
    "digits": ({"penalty": "l2"}, *(part[:50] for part in load_digits(return_X_y=True)), {}),
}
ENDINGS = {"max_iter": {"max_iter": 6, "tol": None}, "soon": {"n_iter_no_change": 2, "tol": 0.05}}


def interrupted_after(n_epochs, monkeypatch, estimator, *arguments, **more):
    """Fit, and be interrupted in the first unit's next epoch."""
    learn, calls = OnlinePerceptron.learn, {}

    def learn_or_be_interrupted(unit, order):
        if len(calls.setdefault(id(unit), [])) == n_epochs:
            raise KeyboardInterrupt
        calls[id(unit)].append(unit)
        return learn(unit, order)

    with monkeypatch.context() as patched:
        patched.setattr(OnlinePerceptron, "learn", learn_or_be_interrupted)
        with pytest.raises(KeyboardInterrupt):
            estimator.fit(*arguments, **more)
    return estimator


def outcome(estimator):
    return (
        frozen(np.array(estimator.coef_)),
        frozen(np.array(estimator.intercept_)),
        estimator.n_iter_,
        estimator.t_,
        estimator.stop_reason_,
        frozen(estimator._fitted.state.minimizer),
    )


def only_weights(arguments):
    return {name: value for name, value in arguments.items() if name == "sample_weight"}


@cache
def whole_fit(name, ending):
    """The fit that nothing interrupts, for all epochs after which another one is."""
    settings, rows, labels, arguments = RESUMED[name]
    np.random.seed(5)
    return ScratchPerceptron(**settings, **ENDINGS[ending]).fit(rows, labels, **arguments)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("n_epochs", range(1, 6))
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("name", RESUMED)
def test_a_resumed_fit_is_the_same_to_the_bit(monkeypatch, name, ending, n_epochs):
    settings, rows, labels, arguments = RESUMED[name]
    settings = {**settings, **ENDINGS[ending]}
    whole = whole_fit(name, ending)
    if n_epochs >= whole.n_iter_:
        n_epochs = whole.n_iter_ - 1
    np.random.seed(5)
    part = interrupted_after(
        n_epochs, monkeypatch, ScratchPerceptron(**settings), rows, labels, **arguments
    )
    assert (part.n_iter_, part.stop_reason_) == (n_epochs, "interrupted")
    part = pickle.loads(pickle.dumps(part))
    np.random.rand()
    assert part.resume(rows, labels, **only_weights(arguments)) is part
    assert outcome(part) == outcome(whole)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_generator_stands_where_it_would_have(monkeypatch, early_stopping, n_classes):
    settings = {"early_stopping": early_stopping, "max_iter": 5, "tol": None}
    y = np.minimum(Y, n_classes - 1)
    whole = ScratchPerceptron(random_state=np.random.RandomState(4), **settings).fit(X, y)
    part = ScratchPerceptron(random_state=np.random.RandomState(4), **settings)
    interrupted_after(2, monkeypatch, part, X, y).resume(X, y)
    assert outcome(part) == outcome(whole)
    assert part.random_state.rand() == whole.random_state.rand()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_more_epochs_than_were_planned():
    whole = ScratchPerceptron(max_iter=7, tol=None, penalty="l2").fit(X, Y)
    part = ScratchPerceptron(max_iter=3, tol=None, penalty="l2").fit(X, Y)
    assert outcome(part.set_params(max_iter=7).resume(X, Y)) == outcome(whole)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_an_interrupted_resumption_is_resumed(monkeypatch):
    whole = ScratchPerceptron(max_iter=6, tol=None).fit(X, Y)
    part = ScratchPerceptron(max_iter=6, tol=None)
    interrupted_after(2, monkeypatch, part, X, Y)
    learn, calls = OnlinePerceptron.learn, []

    def twice(unit, order):
        calls.append(unit)
        if len(calls) > 2 * 3:
            raise KeyboardInterrupt
        return learn(unit, order)

    with monkeypatch.context() as patched:
        patched.setattr(OnlinePerceptron, "learn", twice)
        with pytest.raises(KeyboardInterrupt):
            part.resume(X, Y)
    assert part.n_iter_ == 4
    assert outcome(part.resume(X, Y)) == outcome(whole)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_sparsified_fit_is_resumed():
    whole = ScratchPerceptron(max_iter=6, tol=None, penalty="l1").fit(X, Y)
    part = ScratchPerceptron(max_iter=3, tol=None, penalty="l1").fit(X, Y)
    part = pickle.loads(pickle.dumps(part.sparsify()))
    assert outcome(part.set_params(max_iter=6).resume(X, Y)) == outcome(whole)


def test_a_finished_fit_has_nothing_to_resume():
    fitted = ScratchPerceptron().fit(X, Y)
    before = state(fitted)
    assert fitted.stop_reason_ == "converged"
    with pytest.warns(UserWarning, match="nothing to resume.*'converged'"):
        assert fitted.resume(X, Y) is fitted
    assert state(fitted) == before
    stopped = ScratchPerceptron(early_stopping=True).fit(X, Y)
    assert stopped.stop_reason_ == "early_stopping"


# (parameters set before, arguments of resume, what the error says)
REFUSED = [
    ({"eta0": 2.0}, (X, Y), "eta0=2.0 is not what the fit was begun with"),
    ({"penalty": "l2"}, (X, Y), "penalty='l2' is not what"),
    ({"max_iter": 2}, (X, Y), "below the 3 epochs"),
    ({}, (X[:-1], Y[:-1]), "fit of 150 rows"),
    ({}, (X[:, :3], Y), "4 features"),
    ({}, (X, Y > 0), "same classes"),
    ({}, (X, Y, WEIGHT), "add up to"),
]


@pytest.mark.parametrize(("settings", "arguments", "message"), REFUSED, ids=[r[2] for r in REFUSED])
def test_another_fit_cannot_be_resumed(settings, arguments, message):
    fitted = ScratchPerceptron(max_iter=3, tol=None).fit(X, Y).set_params(**settings)
    before = state(fitted)
    with pytest.raises(ValueError, match=message):
        fitted.resume(*arguments)
    assert state(fitted) == before


def test_only_a_fit_can_be_resumed():
    with pytest.raises(NotFittedError):
        ScratchPerceptron().resume(X, Y)
    with pytest.raises(ValueError, match="by partial_fit"):
        ScratchPerceptron().partial_fit(X, Y, classes=[0, 1, 2]).resume(X, Y)


# -------------------------------------------------------------- fits that fail, or come to nothing


@pytest.mark.parametrize("error", [ConvergenceWarning, ValueError])
def test_a_useless_fit_changes_nothing(error):
    settings = {"random_state": np.random.RandomState(0), "early_stopping": True}
    fitted = ScratchPerceptron(**settings).fit(X, Y)
    fitted.set_params(max_iter=1, eta0=1e308 if error is ValueError else 0.5)
    before = state(fitted)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(error):
            fitted.fit(1e3 * X, Y)
    assert state(fitted) == before


def test_outputs_that_overflow_are_no_model():
    model = ScratchPerceptron(eta0=1e300).fit(X, Y > 0)
    before = state(model)
    huge = 1e200 * X
    with pytest.raises(ValueError, match="not finite any more"):
        model.set_params(eta0=1e100).partial_fit(huge, Y > 0)
    assert state(model, "eta0") == {name: part for name, part in before.items() if name != "eta0"}


def test_calls_of_partial_fit_leave_a_state_that_does_not_grow():
    model = ScratchPerceptron().partial_fit(X, Y, classes=[0, 1, 2])
    size = len(pickle.dumps(model))
    for _ in range(20):
        model.partial_fit(X, Y)
    assert len(pickle.dumps(model)) < size + 20
    assert model.t_ == 1 + 21 * 150


def test_a_finished_fit_keeps_nothing_for_training():
    model = ScratchPerceptron(penalty="l1").fit(X, Y)
    assert model.stop_reason_ == "converged"
    assert model._fitted.state.minimizer == {}
    assert np.shares_memory(model._fitted.state.params, model.coef_)


@SINCE_1_9
@pytest.mark.parametrize("error", [StopIteration, StopAsyncIteration, GeneratorExit, OSError])
@pytest.mark.parametrize("hook", ["on_fit_task_begin", "on_fit_task_end"])
def test_the_callbacks_error_comes_out(error, hook):
    class Raising:
        def setup(self, estimator, context):
            pass

        teardown = on_fit_task_begin = setup

        def on_fit_task_end(self, estimator, context):
            return False

    def raising(self, estimator, context):
        if context.task_name == "epoch":
            raise error("mine")
        return False

    setattr(Raising, hook, raising)
    model = ScratchPerceptron(max_iter=3).set_callbacks(Raising())
    before = state(model)
    with pytest.raises(error, match="mine"):
        model.fit(X, Y)
    assert state(model) == before


@SINCE_1_9
def test_a_callback_stops_a_fit_that_is_resumed():
    class Stopping:
        def setup(self, estimator, context):
            pass

        teardown = on_fit_task_begin = setup

        def on_fit_task_end(self, estimator, context, *, fitted_estimator):
            return fitted_estimator.n_iter_ == 3

    whole = ScratchPerceptron(penalty="l2").fit(X, Y)
    part = ScratchPerceptron(penalty="l2").set_callbacks(Stopping()).fit(X, Y)
    assert (part.n_iter_, part.stop_reason_) == (3, "callback")
    assert outcome(part.set_callbacks().resume(X, Y)) == outcome(whole)
