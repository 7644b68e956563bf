"""`resume`: a fit that was stopped on the way becomes the one that nothing stopped, bit by bit."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from resumed_fits import FITS, MLP, NUMBERS, WEIGHT, X, Y, classifier
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from stopped_fits import (
    SINCE_1_9,
    AtTheEnd,
    answers,
    countdown,
    epochs,
    raise_after,
    set_clock,
    stop_after,
    unchanged,
    visible_state,
)

from skneural import ScratchMLPClassifier, ScratchMLPRegressor
from skneural.activations import Activation
from skneural.callbacks import Checkpoint, load_checkpoint

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::scipy.linalg.LinAlgWarning"),
]

#: One of each kind, where the whole table would be too long.
SOME = [
    "adam",
    "dropout, averaging, early stopping",
    "plateaus",
    "own validation rows, early stopping",
    "logistic, newton-cholesky",
    "logistic, lbfgs, several rounds",
    "logistic, lbfgs, few rows",
    "logistic, newton-cg, wide",
    "logistic, fista, L1",
    "logistic, adam, early stopping",
    "perceptron, early stopping",
]
each = pytest.mark.parametrize("name", FITS)
some = pytest.mark.parametrize("name", SOME)


@cache
def whole_fit(name):
    """The fit that nothing stops, for all tests that leave it as it is."""
    model = FITS[name].fit()
    assert epochs(model) == FITS[name].n
    return model


@cache
def whole(name):
    """What is to be seen of it."""
    return everything(whole_fit(name), name)


def everything(model, name):
    return {**visible_state(model), **answers(model, FITS[name].X)}


def stopped(name, k, model=None):
    """The same, stopped after epoch `k`, without its callbacks."""
    fit = FITS[name]
    model = fit.copy() if model is None else model
    model = fit.fit(model.set_callbacks(stop_after(k))).set_callbacks()
    assert epochs(model) == k
    return model


@cache
def stopped_once(name, k):
    """The same for all tests that leave it as it is."""
    return stopped(name, k)


def loaded(model):
    return pickle.loads(pickle.dumps(model))


def resumed(name, model):
    assert FITS[name].resume(model) is model
    return everything(model, name)


# ------------------------------------------------------------------ stopped by a callback


@SINCE_1_9
@each
def test_stopped_after_any_epoch(name):
    # After any of a few, and after every third of many, which meets all places in their rounds.
    for k in range(1, FITS[name].n, 1 if FITS[name].n < 10 else 3):
        assert resumed(name, loaded(stopped_once(name, k))) == whole(name), k


@SINCE_1_9
@each
def test_stopped_after_the_last_epoch(name):
    model = loaded(stopped_once(name, FITS[name].n))
    if model.stop_reason_ == "callback":
        assert resumed(name, model) == whole(name)
    else:  # patience was over, which comes first
        assert everything(model, name) == whole(name)


#: Reads pickled models, resumes them as the table says, and writes what is then to be seen.
RESUMES = """
import pickle, sys, warnings
sys.path[:0] = sys.argv[2:]
from resumed_fits import FITS
from stopped_fits import answers, visible_state

warnings.simplefilter("ignore")
with open(sys.argv[1], "rb") as file:
    models = pickle.load(file)
for name, model in models.items():
    FITS[name].resume(model)
found = {n: {**visible_state(m), **answers(m, FITS[n].X)} for n, m in models.items()}
with open(sys.argv[1], "wb") as file:
    pickle.dump(found, file)
"""


@SINCE_1_9
def test_resumed_in_a_new_process(tmp_path):
    models = {name: stopped_once(name, 2 + i % 3) for i, name in enumerate(FITS)}
    path = tmp_path / "models"
    path.write_bytes(pickle.dumps(models))
    here = Path(__file__).parent
    command = [sys.executable, "-c", RESUMES, path, here, here.parent]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    found = pickle.loads(path.read_bytes())
    assert [name for name in FITS if found[name] != whole(name)] == []


@SINCE_1_9
@each
@pytest.mark.parametrize("ways", [(1, 2), (1, 4)], ids=str)
def test_stopped_twice(name, ways):
    first, second = ways
    model = loaded(stopped_once(name, first)).set_callbacks(stop_after(second))
    FITS[name].resume(model)
    assert epochs(model) == second
    assert everything(model, name) == everything(stopped_once(name, second), name)
    assert resumed(name, loaded(model.set_callbacks())) == whole(name)


@SINCE_1_9
@some
def test_the_stopped_model_stays_what_it_was(name):
    model = stopped(name, 3)
    copied, before = copy.deepcopy(model), everything(model, name)
    assert resumed(name, copied) == whole(name)
    assert everything(model, name) == before


# ------------------------------------------------------------------------- random numbers


#: With dropout, an order of the rows, validation rows and initial weights, all drawn.
DRAWING = [
    *(name for name in MLP if name in SOME),
    "logistic, adam, early stopping",
    "perceptron, early stopping",
    "perceptron, units end one by one",
]


@SINCE_1_9
@pytest.mark.parametrize("name", DRAWING)
@pytest.mark.parametrize("is_pickled", [True, False])
def test_a_generator_of_the_user(name, is_pickled):
    fit = FITS[name]
    expected = fit.fit(fit.copy().set_params(random_state=np.random.RandomState(5)))
    expected = everything(expected, name)
    for k in range(1, fit.n):
        generator = np.random.RandomState(5)
        model = stopped(name, k, fit.copy().set_params(random_state=generator))
        if is_pickled:
            model = loaded(model)
        else:
            assert model.random_state is generator
        assert resumed(name, model) == expected, k


@SINCE_1_9
@pytest.mark.parametrize("name", DRAWING)
def test_the_generator_of_numpy(name):
    np.random.seed(3)
    expected = FITS[name].fit(FITS[name].copy().set_params(random_state=None))
    for k in range(1, min(FITS[name].n, epochs(expected))):
        np.random.seed(3)
        model = loaded(stopped(name, k, FITS[name].copy().set_params(random_state=None)))
        np.random.seed(99)  # another process begins with other numbers
        assert resumed(name, model) == everything(expected, name), k


# --------------------------------------------------------------- stopped by something else


@SINCE_1_9
@each
def test_interrupted_at_the_end_of_an_epoch(name):
    fit = FITS[name]
    model, go_on = fit.copy(), fit.fit
    # The same fit, again and again: what a resumption makes of it is interrupted as well.
    for k in (1, 3, fit.n):
        with pytest.raises(KeyboardInterrupt):
            go_on(model.set_callbacks(raise_after(k, KeyboardInterrupt())))
        assert epochs(model) == k
        model, go_on = loaded(model.set_callbacks()), fit.resume
    assert resumed(name, model) == whole(name)


def interrupt():
    raise KeyboardInterrupt


@pytest.mark.parametrize("solver", ["sgd", "adam", "nadam", "rmsprop"])
@pytest.mark.parametrize("n_calls", [6, 7, 20])
@pytest.mark.parametrize("seed", [0, np.random.RandomState(5), None], ids=["int", "own", "None"])
def test_interrupted_amid_an_epoch(solver, n_calls, seed):
    """By an activation, which is called once for each of five batches, and tried twice before."""
    settings = {"solver": solver, "batch_size": 18, "dropout": 0.2}
    whole_fit, model = (
        classifier(
            activation=Activation("mine", countdown(n, interrupt), unchanged),
            random_state=copy.deepcopy(seed),
            **settings,
        )
        for n in (0, 2 + n_calls)
    )
    np.random.seed(3)
    expected = visible_state(whole_fit.fit(X, Y))
    np.random.seed(3)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y)
    assert model.stop_reason_ == "interrupted"
    assert epochs(model) == len(model.loss_curve_) == (n_calls - 1) // 5
    np.random.seed(99)  # None is no reason to depend on what others draw in between
    model.resume(X, Y)
    assert visible_state(model) == expected


@SINCE_1_9
@pytest.mark.parametrize("k", [1, 3, 4])
@pytest.mark.parametrize(
    "name", [name for name in MLP if "validation rows" in name or name in SOME]
)
def test_stopped_by_the_clock(name, k, monkeypatch):
    now = [0.0]
    set_clock(monkeypatch, lambda: now[0])

    def wait(model):
        now[0] += 100 if epochs(model) == k else 1

    model = FITS[name].copy().set_params(max_time=50).set_callbacks(AtTheEnd(wait))
    FITS[name].fit(model)
    assert (epochs(model), model.stop_reason_) == (k, "max_time")
    assert resumed(name, loaded(model.set_callbacks())) == whole(name)
    assert model.max_time == 50


@SINCE_1_9
@some
@pytest.mark.parametrize("seed", [0, np.random.RandomState(5)], ids=["int", "generator"])
def test_resumed_from_a_checkpoint(name, seed, tmp_path):
    fit = FITS[name]
    expected = fit.copy().set_params(random_state=copy.deepcopy(seed))
    fit.fit(expected)
    model = fit.copy().set_params(random_state=copy.deepcopy(seed))
    crash = raise_after(4, OSError("the network is down"))
    model.set_callbacks(Checkpoint(tmp_path / "net", every=3), crash)
    with pytest.raises(OSError, match="the network is down"):
        fit.fit(model)
    model = load_checkpoint(tmp_path / "net")
    assert epochs(model) == 3
    assert resumed(name, model) == everything(expected, name)


@SINCE_1_9
@each
def test_resumed_from_the_checkpoint_of_the_last_epoch(name, tmp_path):
    """What a job does that is started again although its training was over."""
    fit = FITS[name]
    fit.fit(fit.copy().set_callbacks(Checkpoint(tmp_path / "net", every=fit.n)))
    assert resumed(name, load_checkpoint(tmp_path / "net").set_callbacks()) == whole(name)


# ----------------------------------------------------------------------- further than planned


#: What these do depends on `max_iter`, or they end before.
ENDING = {
    "cosine",
    "one cycle",
    "warm-up, cosine",
    "patience ends",
    "convergence",
    "perceptron, units end one by one",
}


@pytest.mark.parametrize("name", [name for name in FITS if name not in ENDING])
def test_continued_to_a_larger_max_iter(name):
    fit = FITS[name]
    # Out of a file, and then again, where it stands.
    model = loaded(whole_fit(name))
    n = model.max_iter
    for m in (n + 2, n + 5):
        expected = everything(fit.fit(fit.copy().set_params(max_iter=m)), name)
        assert resumed(name, model.set_params(max_iter=m)) == expected


# ------------------------------------------------------------------------------- networks


@SINCE_1_9
@pytest.mark.parametrize("layers", [(), (5,)])
@pytest.mark.parametrize("k", [1, 4, 9])
def test_lbfgs_of_a_network_reaches_the_same_loss(layers, k):
    settings = {"hidden_layer_sizes": layers, "alpha": 1.0, "max_iter": 1000, "tol": 1e-7}
    network = ScratchMLPRegressor(**settings, solver="lbfgs", random_state=0)
    expected = clone(network).fit(X, NUMBERS, WEIGHT)
    model = clone(network).set_callbacks(stop_after(k)).fit(X, NUMBERS, WEIGHT)
    curve = list(model.loss_curve_)
    model = loaded(model.set_callbacks()).resume(X, NUMBERS, WEIGHT)
    assert model.stop_reason_ == expected.stop_reason_ == "converged"
    assert model.loss_curve_[:k] == curve
    assert len(model.loss_curve_) == model.n_iter_ > k
    assert model.loss_curve_[k] < curve[-1]
    # Only without a hidden layer there is one optimum.
    if layers == ():
        assert model.loss_ == pytest.approx(expected.loss_, abs=1e-6)
        np.testing.assert_allclose(model.predict(X), expected.predict(X), atol=1e-3)


@pytest.mark.parametrize("network", [ScratchMLPClassifier, ScratchMLPRegressor])
def test_the_documentation_says_so_of_lbfgs(network):
    text = " ".join(network.resume.__doc__.split())
    assert "lbfgs" in text
    assert "tol" in text


@SINCE_1_9
@pytest.mark.parametrize("name", ["adam", "early stopping", "logistic, lbfgs", "perceptron"])
def test_recipe_for_a_pipeline(name):
    rows = X * 3 + 1
    whole_pipe, pipe = (make_pipeline(StandardScaler(), FITS[name].copy()) for _ in range(2))
    whole_pipe.fit(rows, Y)
    pipe[-1].set_callbacks(stop_after(3))
    pipe.fit(rows, Y)[-1].set_callbacks()
    pipe = loaded(pipe)
    assert epochs(pipe[-1]) == 3
    pipe[-1].resume(pipe[:-1].transform(rows), Y)
    assert visible_state(pipe[-1]) == visible_state(whole_pipe[-1])
    np.testing.assert_array_equal(pipe.predict(rows), whole_pipe.predict(rows))
