"""A process that interrupts fits by real signals, and looks at what they leave behind.

Called as ``python interrupted_fits.py N WHEN SEED [WHEN SEED ...]``, where WHEN is 'at any time',
'at a line' or 'near BLAS limits'. N signals of each way are spread over all solvers. It prints as
JSON, by WHEN, how many of them ended a fit, how many of these fits kept some epochs, and a list of
what is wrong.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
import warnings
from copy import deepcopy
from functools import cached_property
from pathlib import Path
from threading import Thread

import numpy as np
import threadpoolctl
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler
from stopped_fits import epochs, visible_state

import skneural
from skneural import (
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from skneural.estimators.tabular.judging import Judge
from skneural.optimizers import Adam

X, Y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)[::2]
Y = np.where(np.random.RandomState(2).rand(178) < 0.3, 0, Y)[::2]
SMALL = {"hidden_layer_sizes": 5, "batch_size": 20, "max_iter": 5, "random_state": 0, "tol": 0.0}
TABLE = {"hidden_layer_sizes": (4,), "max_iter": 5, "cv": 2, "random_state": 0}
EARLY = {"early_stopping": True, "validation_fraction": 0.3, "learning_rate_init": 0.05}

#: Every solver; a new one joins by a line.
ESTIMATORS = [
    *(ScratchMLPClassifier(**SMALL, solver=solver) for solver in ("adam", "sgd", "lbfgs")),
    *(
        ScratchMLPRegressor(**SMALL, solver=solver)
        for solver in ("adamw", "nadam", "rmsprop", "adagrad", "lbfgs")
    ),
    ScratchMLPClassifier(**SMALL, **EARLY),
    ScratchMLPClassifier(**SMALL, solver=Adam(averaging=0.9), dropout=0.2),
    *(
        ScratchLogisticRegression(solver=solver, max_iter=5, tol=1e-12, random_state=0)
        for solver in ("lbfgs", "newton-cholesky", "newton-cg", "sag", "saga", "sgd", "adam")
    ),
    ScratchLogisticRegression(solver="fista", l1_ratio=0.5, max_iter=5, tol=1e-12),
    ScratchLogisticRegression(solver="liblinear", intercept_scaling=7.0, max_iter=5, tol=1e-12),
    ScratchPerceptron(max_iter=5, tol=None),
    ScratchPerceptron(max_iter=5, tol=1e-3, early_stopping=True),
    TabularMLPClassifier(**TABLE),
    TabularMLPRegressor(**TABLE),
]
#: Those whose schedules are planned for all epochs: fewer of them are another training.
PLANNED = (TabularMLPClassifier, TabularMLPRegressor)

SKNEURAL = str(Path(skneural.__file__).parent)
#: Where the limits of BLAS are set.
SETS_LIMITS = {threadpoolctl.__file__}.union(
    str(path) for path in Path(SKNEURAL).rglob("*.py") if "threadpoolctl" in path.read_text()
)


def is_ours(filename):
    return filename.startswith(SKNEURAL)


def target_of(model):
    if isinstance(model, ScratchMLPRegressor | TabularMLPRegressor):
        return X[:, 0]
    return Y > 0 if getattr(model, "solver", None) == "liblinear" else Y


POOLS = threadpoolctl.ThreadpoolController()


def blas_limits():
    return [pool["num_threads"] for pool in POOLS.info()]


def fitted_for(estimator, n):
    """A copy that has been trained for n epochs."""
    if not isinstance(estimator, PLANNED) or n == estimator.max_iter:
        return clone(estimator).set_params(max_iter=n).fit(X, target_of(estimator))
    judged, calls = Judge.__call__, []

    def stopping(self, *args):
        calls.append(1)
        if len(calls) > n:
            raise KeyboardInterrupt
        return judged(self, *args)

    model = clone(estimator)
    Judge.__call__ = stopping
    try:
        model.fit(X, target_of(estimator))
    except KeyboardInterrupt:
        return model
    finally:
        Judge.__call__ = judged
    return model


class Interrupted:
    """What may be left of a fit that a signal ends."""

    def __init__(self, estimator):
        self.estimator = estimator
        self.fitted = clone(estimator).fit(X, target_of(estimator))
        self.n = epochs(self.fitted)
        self.old = clone(estimator).set_params(max_iter=2).fit(X[:40], target_of(estimator)[:40])
        self.old.set_params(max_iter=estimator.max_iter)
        self.after = {n: fitted_for(estimator, n) for n in range(1, self.n)}
        self.after[self.n] = self.fitted

    def fit(self, model):
        model.fit(X, target_of(model))

    @cached_property
    def lines(self):
        """Those that a fit runs."""
        return lines_of(lambda: self.fit(clone(self.estimator)))

    def complaint(self, model):
        """What is wrong with a model that a signal has changed; '' for nothing."""
        state = visible_state(model)
        if "n_iter_" not in state:
            return f"neither fitted nor unfitted: {sorted(state)}"
        n = epochs(model)
        if n not in self.after:
            return f"n_iter_ = {n}"
        curve = getattr(model, "loss_curve_", None)
        if curve is not None and len(curve) != n:
            return f"loss_curve_ has {len(curve)} values, n_iter_ is {n}"
        whole = visible_state(self.after[n])
        reason = state.pop("stop_reason_", None)
        reasons = {"'interrupted'", None}
        if n == self.n:
            reasons.add(frozen_reason(self.fitted))
        if reason not in reasons:
            return f"stop_reason_ is {reason} after {n} of {self.n} epochs"
        whole.pop("stop_reason_", None)
        differing = [name for name in whole if state.get(name) != whole[name]]
        return f"{differing} are not those after {n} epochs" if differing else ""


def frozen_reason(model):
    return visible_state(model).get("stop_reason_")


# ----------------------------------------------------------------------------- the signals


def after(delay):
    """Calls a function, and a signal comes after `delay` seconds. Whether that ended it."""

    def run(function):
        def send():
            time.sleep(delay)
            os.kill(os.getpid(), signal.SIGINT)

        sender, is_over = Thread(target=send), False
        try:
            sender.start()
            function()
            is_over = True
            sender.join()
        except KeyboardInterrupt:
            sender.join()
        return not is_over

    return run


def traced(function, reached):
    """Call ``reached(file, line)`` before each line of ours, and of what sets the limits."""

    def trace(frame, event, argument):
        filename = frame.f_code.co_filename
        if not is_ours(filename) and filename not in SETS_LIMITS:
            return None
        if event == "line":
            reached(filename, frame.f_lineno)
        return trace

    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(None)


def lines_of(function):
    lines = []
    traced(function, lambda *line: lines.append(line))
    return lines


def at_line(index):
    """The same, where the signal comes before the line of this number among those run."""

    def run(function):
        n_left = [index]

        def reached(filename, line):
            n_left[0] -= 1
            if n_left[0] == -1:
                signal.raise_signal(signal.SIGINT)

        try:
            traced(function, reached)
        except KeyboardInterrupt:
            return True
        return False

    return run


def moments(when, each, n, random):
    """`n` ways to interrupt a fit."""
    if when == "at any time":
        began = time.perf_counter()
        each.fit(clone(each.estimator))
        seconds = time.perf_counter() - began
        return [(f"after {d:.5f} s", after(d)) for d in random.uniform(0, 1.1 * seconds, n)]
    lines = each.lines
    if when == "near BLAS limits":
        indices = [i for i, (filename, _) in enumerate(lines) if filename in SETS_LIMITS]
        chosen = random.choice(indices, min(n, len(indices)), replace=False)
    else:
        # Each line of the code has the same chance, however often it is run.
        places = {}
        for i, line in enumerate(lines):
            places.setdefault(line, []).append(i)
        rows = list(places.values())
        chosen = [random.choice(rows[k]) for k in random.choice(len(rows), n)]
    return [(f"at {Path(lines[i][0]).name}:{lines[i][1]}, {i}", at_line(i)) for i in chosen]


def try_once(each, start, run):
    """Interrupt one fit. Whether it was, whether it kept epochs, and what is wrong."""
    before, limits = visible_state(start), blas_limits()
    is_interrupted = run(lambda: each.fit(start))
    is_changed = visible_state(start) != before
    wrong = each.complaint(start) if is_changed else ""
    if blas_limits() != limits:
        each.fit(clone(each.estimator))
        if blas_limits() != limits:
            wrong += f" BLAS has {blas_limits()} threads, had {limits}"
    return is_interrupted, is_interrupted and is_changed, wrong


def main(n, seeds):
    warnings.simplefilter("ignore")
    # A shell that starts the tests in the background has SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.setswitchinterval(1e-5)
    threadpoolctl.threadpool_limits(3)
    randoms = {when: np.random.RandomState(int(seed)) for when, seed in seeds.items()}
    shares = np.bincount(np.arange(n) % len(ESTIMATORS), minlength=len(ESTIMATORS))
    counts, reports = {when: np.zeros(2, dtype=int) for when in seeds}, {when: [] for when in seeds}
    for estimator, share in zip(ESTIMATORS, shares, strict=True):
        each = Interrupted(estimator)
        for when, random in randoms.items():
            for i, (moment, run) in enumerate(moments(when, each, share, random)):
                start = deepcopy(each.old) if i % 2 else clone(estimator)
                *happened, wrong = try_once(each, start, run)
                counts[when] += happened
                if wrong:
                    reports[when].append(f"{estimator!r}, {moment}: {wrong}".replace("\n", " "))
    print(json.dumps({when: [*map(int, counts[when]), reports[when]] for when in seeds}))
    gc.freeze()  # The end of the process would look through all that is imported.


if __name__ == "__main__":
    main(int(sys.argv[1]), dict(zip(sys.argv[2::2], sys.argv[3::2], strict=True)))
