"""Checkpoints, histories and the search for a learning rate.

SKNEURAL_KILLS says how often the training is killed while it saves.
"""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import os
import pickle
import re
import stat
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path
from textwrap import dedent
from threading import Thread

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted
from snapshots import frozen, state

from skneural import (
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from skneural.callbacks import (
    Checkpoint,
    HistoryLogger,
    OnEpochEnd,
    history_logger,
    load_checkpoint,
    shared_file,
)
from skneural.callbacks.checkpoint import CHECKPOINT_BEGINS
from skneural.callbacks.shared_file import SharedFile
from skneural.estimators.version import FIT_ONLY_ATTRIBUTES
from skneural.optimizers import Adam
from skneural.schedules import Cosine

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SINCE_1_9 = pytest.mark.skipif(
    tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 9),
    reason="reference: the callbacks of scikit-learn begin with 1.9",
)
if os.name == "posix":
    import fcntl
POSIX = pytest.mark.skipif(os.name != "posix", reason="reference: modes, links, locks of POSIX")
X, Y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)
SMALL = {"hidden_layer_sizes": 5, "max_iter": 6, "random_state": 0}
NETWORK = ScratchMLPClassifier(**SMALL)


class Each:
    """Calls a function at the end of each epoch."""

    def __init__(self, function):
        self.function = function

    def setup(self, estimator, context): ...

    def teardown(self, estimator, context): ...

    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        return context.task_name == "epoch" and self.function(fitted_estimator)


def names(folder):
    return sorted(os.listdir(folder))


# ------------------------------------------------------------------------------ checkpoints


@SINCE_1_9
@pytest.mark.parametrize(
    ("path", "settings", "expected"),
    [
        ("net.pkl", {}, {"net.pkl": 6}),
        ("net", {}, {"net": 6}),
        ("a/b/net.pkl", {"every": 4}, {"net.pkl": 4}),
        ("net.pkl", {"every": 7}, {}),
        ("net.pkl", {"every": 2, "keep": 9}, {f"net-00000{i}.pkl": i for i in (2, 4, 6)}),
        ("net.pkl", {"keep": 2}, {f"net-00000{i}.pkl": i for i in (5, 6)}),
        ("n{epoch}{fit}.x", {"keep": np.int64(1)}, {"n-000006.x": 6}),
        ("n{epoch}.x", {}, {"n-000006.x": 6}),
    ],
)
@pytest.mark.parametrize(
    "estimator",
    [
        NETWORK,
        ScratchMLPRegressor(**SMALL, solver="lbfgs"),
        ScratchPerceptron(max_iter=6, tol=None),
    ],
    ids=repr,
)
def test_files(tmp_path, path, settings, expected, estimator):
    models = []
    checkpoint = Checkpoint(tmp_path / path, **settings)
    model = clone(estimator).set_callbacks(checkpoint, Each(models.append)).fit(X, Y)
    folder = os.path.dirname(tmp_path / path)
    assert names(folder) == sorted(expected) if expected else names(tmp_path) == []
    for name, n in expected.items():
        loaded = load_checkpoint(os.path.join(folder, name))
        assert np.max(loaded.n_iter_) == n
        assert state(loaded) == state(models[n - 1], "_skl_callbacks", *FIT_ONLY_ATTRIBUTES)
    assert model._skl_callbacks[0] is checkpoint
    assert checkpoint._fits == {}


@SINCE_1_9
@pytest.mark.parametrize(
    "estimator",
    [
        ScratchMLPClassifier(**{**SMALL, "max_iter": 12}, early_stopping=True),
        ScratchMLPClassifier(**{**SMALL, "max_iter": 12}, learning_rate_init=1.0),
        ScratchLogisticRegression(solver="sgd", max_iter=12),
    ],
    ids=repr,
)
@pytest.mark.parametrize("every", [1, 3])
def test_best(tmp_path, estimator, every):
    def fit(model):
        return model.set_callbacks(Checkpoint(tmp_path / "net", every, "best")).fit(X, Y)

    def values(model):
        curve = model.validation_scores_ or [-loss for loss in model.loss_curve_]
        return curve[every - 1 :: every]

    model = fit(clone(estimator).set_params(n_iter_no_change=99, tol=0))
    saved = load_checkpoint(tmp_path / "net")
    assert values(saved)[-1] == max(values(model))
    assert len(saved.loss_curve_) == every * (1 + int(np.argmax(values(model))))
    # What goes on overwrites it only by better.
    before = (saved.validation_scores_ or [-loss for loss in saved.loss_curve_])[-1]
    fit(saved.set_params(warm_start=True, learning_rate_init=1e-9))
    after = load_checkpoint(tmp_path / "net")
    assert (after.validation_scores_ or [-loss for loss in after.loss_curve_])[-1] >= before


@SINCE_1_9
@pytest.mark.parametrize("validated", [False, True])
@pytest.mark.parametrize("kind", [TabularMLPClassifier, TabularMLPRegressor])
def test_best_of_members_judged_together(tmp_path, kind, validated):
    rows = {"X_val": X[::3], "y_val": Y[::3]} if validated else {}
    models = []
    model = kind(**{**SMALL, "max_iter": 9}, cv=2, learning_rate_init=0.1)
    model.set_callbacks(Checkpoint(tmp_path / "net", keep="best"), Each(models.append))
    history = model.fit(X, Y, **rows).history_
    scores = [record["validation_score" if validated else "oof_score"] for record in history]
    best = int(np.argmax(scores))
    assert best < len(scores) - 1 or kind is TabularMLPRegressor
    saved = load_checkpoint(tmp_path / "net")
    assert len(saved.history_) == best + 1
    np.testing.assert_array_equal(saved.predict(X), models[best].predict(X))


@SINCE_1_9
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize(
    "settings", [{"keep": "best"}, {"keep": 3}, {"every": 4}, {"every": 2, "keep": 2}], ids=str
)
def test_a_resumed_fit_saves_as_an_unbroken_one(tmp_path, settings, early_stopping):
    """Losses and scores go up and down, so that the best epoch is none of the last."""
    network = ScratchMLPClassifier(
        (4,),
        solver="sgd",
        learning_rate_init=4.0,
        batch_size=100,
        n_iter_no_change=99,
        early_stopping=early_stopping,
        max_iter=12,
        random_state=1,
    )
    unbroken = tmp_path / "unbroken"
    model = clone(network).set_callbacks(Checkpoint(unbroken / "net", **settings)).fit(X, Y)
    values = model.validation_scores_ if early_stopping else [-loss for loss in model.loss_curve_]
    assert values[-1] < max(values)

    def saved(folder):
        return {
            name: frozen(load_checkpoint(folder / name)._model.params) for name in names(folder)
        }

    # Before, at, and after the epochs of every turn.
    for n_epochs in range(1, 12, 3):
        folder = tmp_path / f"{n_epochs}"
        callback = Checkpoint(folder / "net", **settings)
        stop = Each(lambda model, n_epochs=n_epochs: model.n_iter_ == n_epochs)
        broken = clone(network).set_callbacks(callback, stop).fit(X, Y)
        assert broken.n_iter_ == n_epochs
        broken.set_callbacks(Checkpoint(folder / "net", **settings)).resume(X, Y)
        assert saved(folder) == saved(unbroken)


@SINCE_1_9
def test_epochs_of_a_perceptron_are_counted_on(tmp_path):
    """It has no history to count them by."""
    numbers = []
    every = Checkpoint(tmp_path / "p", keep=2)
    stop = OnEpochEnd(lambda epoch: epoch.number == 5)
    perceptron = ScratchPerceptron(tol=None, max_iter=9, random_state=0)
    perceptron.set_callbacks(every, stop).fit(X, Y)
    model = load_checkpoint(tmp_path / "p-000005")
    history = HistoryLogger(tmp_path / "history.jsonl")
    report = OnEpochEnd(lambda epoch: numbers.append(epoch.number))
    model.set_callbacks(Checkpoint(tmp_path / "p", keep=2), history, report).resume(X, Y)
    assert numbers == [6, 7, 8, 9]
    assert sorted(path.name for path in tmp_path.glob("p-*")) == ["p-000008", "p-000009"]
    lines = (tmp_path / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [6, 7, 8, 9]


@SINCE_1_9
def test_best_of_nothing():
    model = ScratchPerceptron().set_callbacks(Checkpoint("net", keep="best"))
    with pytest.raises(ValueError, match="loss_curve_, which ScratchPerceptron does not keep"):
        model.fit(X, Y)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"every": 0}, "every must be a whole number from 1 on, got 0"),
        ({"every": 1.5}, "every must be"),
        ({"every": True}, "every must be"),
        ({"keep": "all"}, "keep must be 'last', 'best' or a whole number"),
        ({"keep": 0}, "keep must be"),
    ],
)
def test_wrong_settings(arguments, message):
    with pytest.raises(ValueError, match=message):
        Checkpoint("net", **arguments)


@SINCE_1_9
@pytest.mark.parametrize(
    "estimator",
    [
        NETWORK,
        ScratchMLPClassifier(**SMALL, early_stopping=True),
        ScratchMLPRegressor(**SMALL, solver=Adam(averaging=0.9), dropout=0.1),
        ScratchMLPRegressor(**SMALL, solver="lbfgs"),
        ScratchPerceptron(max_iter=6, tol=None),
    ],
    ids=repr,
)
def test_resume_by_warm_start(tmp_path, estimator):
    """As a training that was never broken off goes on when it is fitted again."""
    model = clone(estimator).set_params(max_iter=3)
    if getattr(estimator, "early_stopping", False):
        model.set_params(restore_best_weights=False)
    model.set_callbacks(Checkpoint(tmp_path / "net")).fit(X, Y)
    loaded = load_checkpoint(tmp_path / "net")
    assert not hasattr(loaded, "_skl_callbacks")
    for each in (model.set_callbacks(), loaded):
        each.set_params(warm_start=True).fit(X, Y)
    assert frozen(loaded._model.params) == frozen(model._model.params)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def stored(tmp_path):
    clone(NETWORK).set_callbacks(Checkpoint(tmp_path / "net")).fit(X, Y)
    return (tmp_path / "net").read_bytes()


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("it was unpickled",))


@SINCE_1_9
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: b"", "no checkpoint"),
        (lambda content: content[:10], "no checkpoint"),
        (lambda content: content[:40], "is damaged"),
        (lambda content: content[:-1], "is damaged"),
        (lambda content: content + b"0", "is damaged"),
        (lambda content: content[:500] + bytes([content[500] ^ 1]) + content[501:], "is damaged"),
        (lambda content: content[:30] + bytes([content[30] ^ 1]) + content[31:], "is damaged"),
        (lambda content: pickle.dumps(Bomb()), "no checkpoint"),
        (lambda content: content[:87] + pickle.dumps(Bomb()), "is damaged"),
    ],
)
def test_damaged_files(tmp_path, damage, message):
    path = tmp_path / "net"
    path.write_bytes(damage(stored(tmp_path)))
    with pytest.raises(ValueError, match=f"(?s)net' is not loaded.*{message}.*load only what you"):
        load_checkpoint(path)


@SINCE_1_9
@pytest.mark.parametrize("problem", ["write", "folder is a file", "is a folder"])
def test_errors_of_the_disk(tmp_path, monkeypatch, problem):
    path = tmp_path / "net"
    if problem == "write":

        def full(descriptor):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
    elif problem == "is a folder":
        path.mkdir()
    else:
        path.write_text("")
        path = path / "net"
    before = names(tmp_path)
    model = clone(NETWORK).set_callbacks(Checkpoint(path))
    message = f"(?s)Cannot write the checkpoint: .*{re.escape(str(path))}"
    with pytest.raises(OSError, match=message):
        model.fit(X, Y)
    assert names(tmp_path) == before
    with pytest.raises(NotFittedError):
        check_is_fitted(model)


def saved(path, n_epochs=2):
    return clone(NETWORK).set_params(max_iter=n_epochs).set_callbacks(Checkpoint(path)).fit(X, Y)


@contextmanager
def umask(mask):
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@POSIX
@SINCE_1_9
@pytest.mark.parametrize("mask", [0o022, 0o077])
@pytest.mark.parametrize("mode", [None, 0o600, 0o640, 0o664, 0o400, 0o755])
def test_an_existing_file_hands_its_mode_on(tmp_path, mode, mask):
    path = tmp_path / "net"
    if mode is not None:
        path.write_text("")
        path.chmod(mode)
    with umask(mask):
        saved(path)
    assert stat.S_IMODE(path.stat().st_mode) == (0o666 & ~mask if mode is None else mode)
    assert load_checkpoint(path).n_iter_ == 2


@POSIX
@SINCE_1_9
@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_not_for_a_moment_readable_by_more(tmp_path, monkeypatch, mode):
    path = tmp_path / "net"
    path.touch()
    path.chmod(mode)
    seen = []
    fsync = os.fsync

    def look(descriptor):
        seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        fsync(descriptor)

    opened = os.open

    def look_at_once(name, *args, **kwargs):
        descriptor = opened(name, *args, **kwargs)
        if str(name).endswith(".tmp"):
            seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        return descriptor

    monkeypatch.setattr(os, "fsync", look)
    monkeypatch.setattr(os, "open", look_at_once)
    with umask(0):
        saved(path, 1)
    assert seen[:2] == [mode, mode]


#: What is at the path of the checkpoint, and where it then is.
LINKS = {
    "to a file": ({"net": "stored"}, "stored"),
    "to a file elsewhere": ({"net": "folder/stored"}, "folder/stored"),
    "to nothing yet": ({"net": "folder/new"}, "folder/new"),
    "to nothing yet in no folder yet": ({"net": "nowhere/new"}, "nowhere/new"),
    "to a link": ({"net": "other", "other": "folder/stored"}, "folder/stored"),
}


@POSIX
@SINCE_1_9
@pytest.mark.parametrize("name", LINKS)
def test_a_symbolic_link_stays_one(tmp_path, name):
    links, target = LINKS[name]
    (tmp_path / "folder").mkdir()
    for path in ("stored", "folder/stored"):
        (tmp_path / path).write_text("before")
    for link, to in links.items():
        (tmp_path / link).symlink_to(to)
    saved(tmp_path / "net")
    assert {link: os.readlink(tmp_path / link) for link in links} == links
    assert not (tmp_path / target).is_symlink()
    for path in (tmp_path / target, tmp_path / "net"):
        assert load_checkpoint(path).n_iter_ == 2
    assert not list(tmp_path.rglob("*.tmp"))


@POSIX
@SINCE_1_9
def test_a_folder_may_be_a_link(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    saved(tmp_path / "link" / "deeper" / "net")
    assert load_checkpoint(tmp_path / "folder" / "deeper" / "net").n_iter_ == 2


@POSIX
@SINCE_1_9
@pytest.mark.parametrize("kind", ["circle of links", "pipe"])
def test_what_is_no_file_is_not_replaced(tmp_path, kind):
    path = tmp_path / "net"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("other")
        (tmp_path / "other").symlink_to("net")
    before = os.lstat(path).st_mode
    with pytest.raises(OSError, match="Cannot write the checkpoint: "):
        saved(path)
    assert os.lstat(path).st_mode == before


@POSIX
@SINCE_1_9
@pytest.mark.parametrize("folders", ["", "a", "a/b/c"])
def test_folders_are_forced_to_the_disk(tmp_path, monkeypatch, folders):
    """Those that hold a new name: of the file, and of each folder made for it."""
    synchronised = []
    fsync = os.fsync

    def noted(descriptor):
        synchronised.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    path = tmp_path / folders / "net"
    saved(path, 1)
    names = Path(folders).parts
    expected = [tmp_path.joinpath(*names[:n]) for n in range(len(names))]
    inodes = [each.stat().st_ino for each in (*expected, path, path.parent)]
    assert synchronised == inodes


@POSIX
@SINCE_1_9
@pytest.mark.parametrize("call", ["open", "fsync"])
@pytest.mark.parametrize(
    ("error", "is_harmless"),
    [("EACCES", True), ("EPERM", True), ("EINVAL", True), ("ENOTSUP", True), ("EIO", False)],
)
def test_folders_that_cannot_be_forced(tmp_path, monkeypatch, call, error, is_harmless):
    """All that is asked for is on the disk: a folder may be writable and not readable."""
    original = getattr(os, call)

    def refused(first, *args, **kwargs):
        if os.path.isdir(first if call == "open" else f"/dev/fd/{first}"):
            raise OSError(getattr(errno, error), "refused")
        return original(first, *args, **kwargs)

    monkeypatch.setattr(os, call, refused)
    path = tmp_path / "new" / "net"
    if is_harmless:
        saved(path)
        assert load_checkpoint(path).n_iter_ == 2
        assert names(path.parent) == ["net"]
    else:
        with pytest.raises(OSError, match="Cannot write the checkpoint: refused"):
            saved(path)


def checkpoint_of(content):
    """A file of this content whose checksum is right."""
    line = hashlib.sha256(content).hexdigest().encode()
    return CHECKPOINT_BEGINS + line + b"\n" + content


@pytest.mark.parametrize(
    "content", [{"a": 1}, [NETWORK], ScratchMLPClassifier, None, np.zeros(3), print], ids=repr
)
def test_estimators_only_are_handed_out(tmp_path, content):
    path = tmp_path / "net"
    path.write_bytes(checkpoint_of(pickle.dumps(content)))
    with pytest.raises(ValueError, match=f"(?s)net' holds no.*{type(content).__name__}.*only what"):
        load_checkpoint(path)


@pytest.mark.parametrize("estimator", [NETWORK, StandardScaler()], ids=repr)
def test_any_estimator_is_handed_out(tmp_path, estimator):
    path = tmp_path / "net"
    path.write_bytes(checkpoint_of(pickle.dumps(estimator)))
    assert repr(load_checkpoint(path)) == repr(estimator)


@POSIX
@pytest.mark.parametrize(
    "beginning",
    [CHECKPOINT_BEGINS, CHECKPOINT_BEGINS + b"0" * 64 + b"\n", CHECKPOINT_BEGINS + b"\n" * 70, b""],
    ids=["no line", "no end", "empty lines", "nothing"],
)
def test_a_file_without_an_end(tmp_path, beginning):
    """A pipe has no size: what comes out of it is not read to an end that never comes."""
    path = tmp_path / "net"
    os.mkfifo(path)

    def write():
        with suppress(BrokenPipeError), open(path, "wb", buffering=0) as pipe:
            pipe.write(beginning)
            while True:
                pipe.write(b"0" * 1000)

    writer = Thread(target=write)
    writer.start()
    with pytest.raises(ValueError, match="is not loaded"):
        load_checkpoint(path)
    writer.join()


def test_a_large_file_of_something_else(tmp_path):
    """Is refused by its first bytes; a terabyte could not be read."""
    path = tmp_path / "net"
    for beginning in (b"", CHECKPOINT_BEGINS, CHECKPOINT_BEGINS + b"0" * 64):
        path.write_bytes(beginning)
        os.truncate(path, 10**12)
        with pytest.raises(ValueError, match="is not loaded"):
            load_checkpoint(path)


#: Trains from the last checkpoint on until it is killed, again and again; for each `keep`.
KILLED = """
import os, random, signal, sys, time
import numpy as np
from skneural import ScratchMLPClassifier
from skneural.callbacks import Checkpoint, load_checkpoint

X = np.random.RandomState(0).standard_normal((20, 50))
y = np.arange(20) % 2

def newest(folder):
    names = sorted(name for name in os.listdir(folder) if not name.endswith(".tmp"))
    return os.path.join(folder, names[-1]) if names else None

def train(folder, keep):
    model = ScratchMLPClassifier(300, random_state=0)
    if newest(folder):
        model = load_checkpoint(newest(folder))
    model.set_params(warm_start=True, max_iter=10**6, tol=0, n_iter_no_change=10**6)
    path = os.path.join(folder, "net.checkpoint")
    model.set_callbacks(Checkpoint(path, keep=int(keep) if keep.isdigit() else keep))
    model.fit(X, y)

def kill(folder, keep, n_kills):
    n_epochs = n_resumed = 0
    for _ in range(n_kills):
        child = os.fork()
        if child == 0:
            try:
                train(folder, keep)
            finally:
                os._exit(1)
        while not newest(folder):  # the first one, however busy the machine is
            assert os.waitpid(child, os.WNOHANG) == (0, 0)
            time.sleep(0.01)
        time.sleep(random.uniform(0, 0.15))
        os.kill(child, signal.SIGKILL)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
        if newest(folder):
            for name in os.listdir(folder):
                if not name.endswith(".tmp"):
                    model = load_checkpoint(os.path.join(folder, name))
                    assert np.isfinite(model.predict_proba(X)).all()
            model = load_checkpoint(newest(folder))
            n_resumed += len(model.loss_curve_) > n_epochs
            assert len(model.loss_curve_) >= n_epochs
            n_epochs = len(model.loss_curve_)
    leftovers = sum(name.endswith(".tmp") for name in os.listdir(folder))
    print(n_epochs, n_resumed, leftovers)

random.seed(0)
for keep in sys.argv[3:]:
    folder = os.path.join(sys.argv[1], keep)
    os.mkdir(folder)
    kill(folder, keep, int(sys.argv[2]))
"""


@SINCE_1_9
@pytest.mark.skipif(not hasattr(os, "fork"), reason="reference: POSIX kills and forks")
def test_killed_while_it_saves(tmp_path):
    n_kills, ways_to_keep = int(os.environ.get("SKNEURAL_KILLS", "6")), ["last", "2"]
    run = subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path, str(n_kills), *ways_to_keep],
        capture_output=True,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert run.returncode == 0, run.stderr
    for keep, line in zip(ways_to_keep, run.stdout.splitlines(), strict=True):
        n_epochs, n_resumed, leftovers = map(int, line.split())
        print(f"{n_kills} kills, {keep}: {n_epochs} epochs, {n_resumed} resumed, {leftovers} amid")
        assert n_epochs >= n_resumed >= 1


# --------------------------------------------------------------------------------- searches


@SINCE_1_9
@pytest.mark.parametrize("in_pipeline", [False, True])
def test_search_in_two_processes(tmp_path, in_pipeline):
    """Every training has a file and lines of its own."""
    best, last = (Checkpoint(tmp_path / keep / "net.x", keep=keep) for keep in ("best", "last"))
    history = [HistoryLogger(tmp_path / f"history.{suffix}") for suffix in ("csv", "jsonl")]
    network = clone(NETWORK).set_callbacks(best, last, *history)
    grid, model = {"alpha": [0.1, 1.0]}, network
    if in_pipeline:
        model = make_pipeline(StandardScaler(), network)
        grid = {"scratchmlpclassifier__alpha": [0.1, 1.0]}
    search = GridSearchCV(model, grid, cv=2, n_jobs=2).fit(X, Y)
    end = "-1" if in_pipeline else ""
    trainings = [*(f"-0-{i}{end}" for i in range(4)), f"-1{end}"]
    for folder in ("best", "last"):
        assert names(tmp_path / folder) == sorted(f"net{fit}.x" for fit in trainings)
    loaded = [load_checkpoint(tmp_path / "last" / f"net{fit}.x") for fit in trainings]
    assert [each.alpha for each in loaded[:4]] == [0.1, 0.1, 1.0, 1.0]
    winner = search.best_estimator_[-1] if in_pipeline else search.best_estimator_
    assert frozen(loaded[-1]._model.params) == frozen(winner._model.params)
    for rows in map(read, (tmp_path / "history.csv", tmp_path / "history.jsonl")):
        run = rows[0]["fit"][:8]
        assert Counter(row["fit"] for row in rows) == {run + fit: 6 for fit in trainings}
        assert [
            float(row["loss"]) for row in rows if row["fit"] == run + trainings[-1]
        ] == winner.loss_curve_
    assert (tmp_path / "history.csv").read_text().count("epoch") == 1


@SINCE_1_9
def test_fits_that_do_not_know_of_each_other(tmp_path):
    model = clone(NETWORK).set_callbacks(Checkpoint(tmp_path / "net{run}.x"))
    for _ in range(2):
        model.fit(X, Y)
    assert len(names(tmp_path)) == 2
    assert all(re.fullmatch(r"net-[0-9a-f]{8}\.x", name) for name in names(tmp_path))


@SINCE_1_9
def test_callbacks_are_pickled_amid_a_fit(tmp_path):
    callbacks = [Checkpoint(tmp_path / "net", 2, 3), HistoryLogger(tmp_path / "h.csv")]
    copies = []

    def copy_them(_):
        copies.append(pickle.loads(pickle.dumps(callbacks)))

    clone(NETWORK).set_callbacks(*callbacks, Each(copy_them)).fit(X, Y)
    assert repr(copies[3]) == repr(callbacks)
    assert vars(copies[3][0]) == vars(callbacks[0])
    assert vars(copies[3][1]) == vars(callbacks[1])
    clone(NETWORK).set_callbacks(*copies[3]).fit(X, Y)
    assert len(read(tmp_path / "h.csv")) == 12


@SINCE_1_9
def test_the_callback_of_the_documentation():
    page = Path(__file__).parents[1] / "docs" / "callbacks.rst"
    block = re.search(r"\n   (class StopAfter.*?)\n\n\S", page.read_text(), re.DOTALL)
    variables = {"network": clone(NETWORK), "X": X, "y": Y}
    exec(dedent(f"   {block[1]}"), variables)
    assert variables["network"].n_iter_ == 3
    assert variables["network"].stop_reason_ == "callback"


# ---------------------------------------------------------------------------------- history


def read(path):
    text = path.read_text()
    assert text.endswith("\n")
    if path.suffix == ".csv":
        return list(csv.DictReader(text.splitlines()))
    return [json.loads(line) for line in text.splitlines()]


@SINCE_1_9
@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
@pytest.mark.parametrize(
    ("estimator", "has"),
    [
        (NETWORK, "loss learning_rate"),
        (
            ScratchMLPClassifier(**SMALL, early_stopping=True, learning_rate=Cosine()),
            "loss learning_rate validation_loss validation_score",
        ),
        (ScratchMLPRegressor(**SMALL, solver="lbfgs"), "loss"),
        (ScratchLogisticRegression(solver="newton-cg", max_iter=6, tol=1e-9), "loss"),
        (ScratchPerceptron(max_iter=6, tol=None), ""),
    ],
    ids=repr,
)
def test_history_is_read_while_training(tmp_path, suffix, estimator, has):
    path = tmp_path / f"history{suffix}"
    path.touch()
    seen = []
    model = clone(estimator).set_callbacks(
        HistoryLogger(path), Each(lambda _: seen.append(read(path)))
    )
    model.fit(X, Y)
    assert [len(rows) for rows in seen] == [1, 2, 3, 4, 5, 6]
    rows = seen[-1]
    assert rows[:5] == seen[4]
    curves = {
        "loss": "loss_curve_",
        "validation_loss": "validation_loss_curve_",
        "validation_score": "validation_scores_",
    }
    for column, curve in curves.items():
        if column in has.split():
            assert [float(row[column]) for row in rows] == getattr(model, curve)
        else:
            assert all(row[column] in ("", None) for row in rows)
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3, 4, 5, 6]
    seconds = [float(row["seconds"]) for row in rows]
    assert 0 < seconds[0] < seconds[5] == max(seconds)
    rates = [float(row["learning_rate"]) for row in rows if row["learning_rate"] not in ("", None)]
    if "learning_rate" in has:
        assert rates == [record["learning_rate"] for record in model.history_]
        norms = [float(row["gradient_norm"]) for row in rows]
        assert norms == [record["gradient_norm"] for record in model.history_]
    else:
        assert rates == []
    model.set_callbacks(HistoryLogger(path)).fit(X, Y)
    rows = read(path)
    assert len(rows) == 12
    assert len({row["fit"] for row in rows}) == 2


@SINCE_1_9
@pytest.mark.parametrize("validated", [False, True])
@pytest.mark.parametrize("kind", [TabularMLPClassifier, TabularMLPRegressor])
def test_history_of_members_judged_together(tmp_path, kind, validated):
    """Their own rows, out of fold or for validation, are in the columns of the validation."""
    path = tmp_path / "history.jsonl"
    rows = {"X_val": X[::3], "y_val": Y[::3]} if validated else {}
    model = kind(**SMALL, cv=2).set_callbacks(HistoryLogger(path)).fit(X, Y, **rows)
    prefix = "validation" if validated else "oof"
    names = {"validation_loss": f"{prefix}_loss", "validation_score": f"{prefix}_score"}
    lines = read(path)
    assert len(lines) == len(model.history_) > 2
    for column in ("loss", "validation_loss", "validation_score", "learning_rate", "gradient_norm"):
        expected = [record[names.get(column, column)] for record in model.history_]
        assert [line[column] for line in lines] == expected
        assert None not in expected


@SINCE_1_9
def test_errors_of_the_history(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="no_folder"):
        HistoryLogger(tmp_path / "no_folder" / "history.csv")
    path = tmp_path / "history.csv"
    model = clone(NETWORK).set_callbacks(HistoryLogger(path))
    monkeypatch.setattr(os, "write", lambda descriptor, content: len(content) - 1)
    with pytest.raises(OSError, match=r"Cannot write all of a line.*history\.csv"):
        model.fit(X, Y)


@contextmanager
def locked(path, how="LOCK_EX"):
    """By another program: a lock belongs to a file as it was opened."""
    with open(path, "ab") as file:
        fcntl.flock(file, getattr(fcntl, how))
        yield


@POSIX
@SINCE_1_9
@pytest.mark.parametrize("how", ["LOCK_EX", "LOCK_SH"])
def test_a_lock_of_others_does_not_block_a_fit(tmp_path, monkeypatch, how):
    monkeypatch.setattr(history_logger, "SECONDS_FOR_LOCK", 0.02)
    path = tmp_path / "history.csv"
    with locked(path, how):
        with pytest.warns(UserWarning, match=r"Another program has locked.*history\.csv") as caught:
            logger = HistoryLogger(path)
        assert len(caught) == 1
        assert caught[0].filename == __file__
        clone(NETWORK).set_callbacks(logger).fit(X, Y)  # any warning would be an error
        path.write_text("")
        clone(NETWORK).set_callbacks(logger).fit(X, Y)
        assert len(read(path)) == 6
    assert path.read_text().count("epoch") == 1


@POSIX
@SINCE_1_9
@pytest.mark.parametrize("name", ["history.csv", "history.jsonl"])
def test_nobody_waits_for_a_lock_that_is_not_needed(tmp_path, monkeypatch, name):
    """The names of the columns are there already, or there are none."""
    path = tmp_path / name
    logger = HistoryLogger(path)
    monkeypatch.setattr(SharedFile, "is_locked_within", lambda *_: pytest.fail("it asks"))
    with locked(path):
        clone(NETWORK).set_callbacks(logger).fit(X, Y)
    assert len(read(path)) == 6


@POSIX
def test_a_lock_held_for_a_moment_is_waited_for(tmp_path, monkeypatch):
    path = tmp_path / "history.csv"
    waits = []

    def release(seconds):
        waits.append(seconds)
        if len(waits) == 3:
            holder.close()

    monkeypatch.setattr(shared_file, "sleep", release)
    holder = open(path, "ab")  # noqa: SIM115  # closed amid the call
    fcntl.flock(holder, fcntl.LOCK_EX)
    HistoryLogger(path)
    assert len(waits) == 3
    assert path.read_text().startswith("fit,epoch")


@POSIX
@SINCE_1_9
def test_where_there_are_no_locks(tmp_path, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOTSUP, "no locks here")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    clone(NETWORK).set_callbacks(HistoryLogger(tmp_path / "history.csv")).fit(X, Y)
    assert len(read(tmp_path / "history.csv")) == 6


@SINCE_1_9
def test_the_documented_reader_ignores_half_a_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    clone(NETWORK).set_callbacks(HistoryLogger("history.csv")).fit(X, Y)
    page = Path(__file__).parents[1] / "docs" / "callbacks.rst"
    block = re.search(r"\n   (from io import StringIO.*?)\n\n\S", page.read_text(), re.DOTALL)
    reader = compile(dedent(f"   {block[1]}"), "callbacks.rst", "exec")
    whole = Path("history.csv").read_text()
    end_of_names = whole.index("\n")
    for end in range(end_of_names + 1, len(whole) + 1, 5):
        Path("history.csv").write_text(whole[:end])
        variables = {"pandas": pytest.importorskip("pandas")}
        exec(reader, variables)
        assert list(variables["history"]["epoch"]) == list(range(1, whole[:end].count("\n")))
        assert variables["history"]["loss"].notna().all()


@SINCE_1_9
def test_history_whose_file_was_deleted_begins_anew(tmp_path):
    path = tmp_path / "history.csv"
    model = clone(NETWORK).set_callbacks(HistoryLogger(path))
    path.unlink()
    model.fit(X, Y)
    assert len(read(path)) == 6
