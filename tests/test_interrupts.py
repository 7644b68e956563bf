"""Ctrl-C at any moment: what is left is the model of a whole epoch, or what there was before.

SKNEURAL_INTERRUPTS says how many signals are sent, for each of three ways to choose the moment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from interrupted_fits import ESTIMATORS, X, Y, fitted_for, target_of
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from stopped_fits import SINCE_1_9, answers, epochs, raise_after, visible_state

from skneural import ScratchMLPClassifier, TabularMLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N_INTERRUPTS = int(os.environ.get("SKNEURAL_INTERRUPTS", "60"))
#: Ways to choose the moment.
SEEDS = {"at any time": 1, "at a line": 2, "near BLAS limits": 0}
TESTS = Path(__file__).parent


@cache
def signals():
    """What one process finds, which prepares each fit once for all ways to choose the moment."""
    paths = os.pathsep.join([str(TESTS), str(TESTS.parent), os.environ.get("PYTHONPATH", "")])
    seeds = [word for when, seed in SEEDS.items() for word in (when, str(seed))]
    # Threads of OpenBLAS with nothing to do sleep at once, and do not go round in circles before.
    run = subprocess.run(
        [sys.executable, TESTS / "interrupted_fits.py", str(N_INTERRUPTS), *seeds],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": paths, "OPENBLAS_THREAD_TIMEOUT": "4"},
        timeout=120 + N_INTERRUPTS,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="reference: signals as POSIX has them")
@pytest.mark.parametrize("when", SEEDS)
def test_signals(when):
    n_interrupted, n_saved, wrong = signals()[when]
    print(f"{N_INTERRUPTS} signals {when}: {n_interrupted} fits ended, {n_saved} kept epochs")
    assert wrong == []
    assert n_interrupted > N_INTERRUPTS / 10
    assert n_saved > 0 or when == "near BLAS limits"


@SINCE_1_9
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
@pytest.mark.parametrize("k", [1, 2, 4])
def test_an_interrupt_by_a_callback_keeps_the_epoch(estimator, k):
    y = target_of(estimator)
    expected = fitted_for(estimator, k)
    first = clone(estimator)
    again = clone(estimator).set_params(max_iter=1).fit(X[:40], y[:40]).set_params(max_iter=5)
    for model in (first, again):
        with pytest.raises(KeyboardInterrupt):
            model.set_callbacks(raise_after(k, KeyboardInterrupt())).fit(X, y)
        assert epochs(model) == k
        assert getattr(model, "stop_reason_", "interrupted") == "interrupted"
        states = [visible_state(each) for each in (model, expected)]
        for state in states:
            state.pop("stop_reason_", None)
        assert states[0] == states[1]
        assert answers(model, X) == answers(expected, X)


@SINCE_1_9
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_an_interrupt_by_a_callback_amid_the_first_epoch(estimator):
    """There is no epoch to keep."""

    class AtTheBeginning:
        def setup(self, estimator, context): ...

        def teardown(self, estimator, context): ...

        def on_fit_task_begin(self, estimator, context):
            if context.task_name == "epoch":
                raise KeyboardInterrupt

        def on_fit_task_end(self, estimator, context): ...

    y = target_of(estimator)
    random_state = np.random.RandomState(0)
    old = clone(estimator).set_params(max_iter=1, random_state=random_state).fit(X[:40], y[:40])
    for model in (old, clone(estimator)):
        model.set_callbacks(AtTheBeginning())
        before = visible_state(model)
        with pytest.raises(KeyboardInterrupt):
            model.fit(X, y)
        assert visible_state(model) == before


@SINCE_1_9
def test_an_interrupt_comes_out_where_there_is_no_model_to_keep():
    """Whoever presses Ctrl-C wants a search to stop, not an error that it goes on from."""
    huge = X.astype(np.float32) * np.float32(1e22)
    model = ScratchMLPClassifier((), max_iter=20, random_state=0)
    model.set_callbacks(raise_after(3, KeyboardInterrupt()))
    before = visible_state(model)
    with pytest.raises(KeyboardInterrupt) as caught:
        GridSearchCV(model, {"alpha": [1e-4, 1e-3]}, cv=2, error_score=0).fit(huge, Y)
    assert "The model of the last epoch is not kept: The squares of" in caught.value.__notes__[0]
    with pytest.raises(KeyboardInterrupt):
        model.fit(huge, Y)
    assert visible_state(model) == before


@SINCE_1_9
@pytest.mark.parametrize("kind", [ScratchMLPClassifier, TabularMLPClassifier])
def test_an_interrupt_comes_out_where_warnings_are_errors(kind):
    settings = {"max_iter": 5, "random_state": 0}
    if kind is ScratchMLPClassifier:
        settings |= {"early_stopping": True, "early_stopping_metric": lambda *_: np.nan}
    model = kind(**settings).set_callbacks(raise_after(2, KeyboardInterrupt()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(KeyboardInterrupt):
            model.fit(X, Y)
