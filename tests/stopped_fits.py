"""Fits that are stopped on the way, and what of a model can be seen from outside."""

from __future__ import annotations

import sys
import time

import numpy as np
import pytest
import sklearn
from snapshots import frozen

SINCE_1_9 = pytest.mark.skipif(
    tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 9),
    reason="reference: the callbacks of scikit-learn begin with 1.9",
)


class AtTheEnd:
    """A callback that calls ``function(model)`` at the end of each epoch, or of the fit."""

    def __init__(self, function, task="epoch"):
        self.function, self.task = function, task

    def setup(self, estimator, context): ...

    def teardown(self, estimator, context): ...

    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        # An epoch that comes to nothing leaves no model.
        is_asked = context.task_name == self.task and fitted_estimator is not None
        return is_asked and self.function(fitted_estimator)


def epochs(model):
    """How many epochs (iterations) the last fit has made."""
    return int(np.max(model.n_iter_))


def stop_after(k):
    """A callback that asks for the end of the fit after `k` epochs."""
    return AtTheEnd(lambda model: epochs(model) == k)


def raise_after(k, error):
    """A callback that raises `error` at the end of epoch `k`."""

    def at_the_end_of_an_epoch(model):
        if epochs(model) == k:
            raise error

    return AtTheEnd(at_the_end_of_an_epoch)


def countdown(n_calls, then):
    """A function f for `Activation` that calls ``then()`` in its call number `n_calls`."""
    n_left = [n_calls]

    def identity(*arrays):
        n_left[0] -= 1
        if n_left[0] == 0:
            then()

    return identity


def unchanged(*arrays):
    """The derivative that belongs to it: that of the identity."""


def raising(error):
    def raise_it(*args, **kwargs):
        raise error

    return raise_it


def fitted_attributes(model):
    """Values of all public fitted attributes, properties included, by name."""
    found = {}
    for name in dir(model):
        if name.endswith("_") and not name.startswith("_"):
            try:
                found[name] = getattr(model, name)
            except AttributeError:
                continue
    return found


def visible_state(model):
    """Public fitted attributes, but for seconds, and the user's generator, byte for byte."""
    attributes = fitted_attributes(model)
    if "history_" in attributes:
        attributes["history_"] = [
            {name: value for name, value in record.items() if name != "seconds"}
            for record in attributes["history_"]
        ]
    return frozen({**attributes, "random_state": model.random_state})


def answers(model, X):
    """What a fitted model predicts, byte for byte."""
    names = ("predict", "decision_function", "predict_proba")
    return {name: frozen(getattr(model, name)(X)) for name in names if hasattr(model, name)}


def set_clock(monkeypatch, clock):
    """Have all of skneural read the time from `clock`."""
    original = time.perf_counter
    monkeypatch.setattr(time, "perf_counter", clock)
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "skneural":
            for attribute, value in list(vars(module).items()):
                if value is original:
                    monkeypatch.setattr(module, attribute, clock)
