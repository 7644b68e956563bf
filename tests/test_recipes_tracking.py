"""The recipes for every fit of a search run as they stand, with stand-ins for the packages."""

from __future__ import annotations

import re
import sys
import threading
from collections import Counter
from types import ModuleType, SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import sklearn
from joblib import parallel_config
from pages import code_of
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skneural import ScratchMLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

VERSION = tuple(map(int, sklearn.__version__.split(".")[:2]))
SINCE_1_9 = pytest.mark.skipif(
    VERSION < (1, 9), reason="reference: the callbacks of scikit-learn begin with 1.9"
)
FIT_NAME, TENSORBOARD, MLFLOW, HISTORY = code_of("recipes_tracking.rst")
LOGGED = ("loss", "validation_score", "learning_rate")
X, Y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)


def run(*blocks, **names):
    """The names that the blocks leave behind, run one after the other."""
    names = {"X": X, "y": Y, **names}
    for block in blocks:
        exec(block, names)
    return names


def expected(network):
    """What is to be logged of a network that records validation scores."""
    return [(key, epoch[key], epoch["epoch"]) for epoch in network.history_ for key in LOGGED]


class Writer:
    """Stands in for a SummaryWriter, and keeps what it is told."""

    def __init__(self, folder):
        self.folder, self.scalars, self.closed = folder, [], False
        self.made.append(self)

    def add_scalar(self, tag, value, step):
        assert not self.closed
        self.scalars.append((tag, value, step))

    def close(self):
        assert not self.closed
        self.closed = True


@pytest.fixture
def tensorboard(monkeypatch):
    """The names after the recipe for TensorBoard, and the writers made so far."""
    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = type("SummaryWriter", (Writer,), {"made": []})
    for name in ("torch", "torch.utils"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return run(FIT_NAME, TENSORBOARD), module.SummaryWriter.made


@SINCE_1_9
def test_tensorboard(tensorboard):
    names, writers = tensorboard
    (writer,) = writers
    assert writer.scalars == expected(names["network"])
    assert {tag for tag, _, _ in writer.scalars} == set(LOGGED)
    assert re.fullmatch(r"logs/[0-9a-f]{32}", writer.folder)
    assert writer.closed


@SINCE_1_9
def test_what_is_not_known_is_not_logged(tensorboard):
    names, writers = tensorboard
    callback = names["TensorBoard"]("logs")
    network = ScratchMLPClassifier(solver="lbfgs", max_iter=3).set_callbacks(callback).fit(X, Y)
    expected = [("loss", loss, i + 1) for i, loss in enumerate(network.loss_curve_)]
    assert [each for each in writers[-1].scalars if each[0] == "loss"] == expected
    assert all(value is not None for _, value, _ in writers[-1].scalars)
    assert "validation_score" not in {tag for tag, _, _ in writers[-1].scalars}


@SINCE_1_9
def test_each_fit_of_a_search_has_a_writer(tensorboard):
    names, writers = tensorboard
    writers.clear()
    callback = names["TensorBoard"]("logs")
    network = ScratchMLPClassifier(early_stopping=True, max_iter=4, random_state=0)
    pipeline = make_pipeline(StandardScaler(), network.set_callbacks(callback))
    grid = {"scratchmlpclassifier__alpha": [1e-4, 1e-2]}
    with parallel_config("threading"):
        search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2).fit(X, Y)
    assert len({writer.folder for writer in writers}) == len(writers) == 5
    for writer in writers:
        steps = [(tag, step) for tag, _, step in writer.scalars]
        assert steps == [(tag, step) for step in (1, 2, 3, 4) for tag in LOGGED]
        assert writer.closed
    assert writers[-1].scalars == expected(search.best_estimator_[-1])
    assert not callback.writers


@SINCE_1_9
def test_a_writer_that_cannot_be_made(tensorboard):
    names, _ = tensorboard

    def fail(folder):
        raise OSError("the disk is full")

    names["SummaryWriter"] = fail
    with pytest.raises(OSError, match="the disk is full"):
        clone(names["network"]).fit(X, Y)


class MLflow(ModuleType):
    """Stands in for mlflow: runs under way are those of a thread, as they are there."""

    def __init__(self):
        super().__init__("mlflow")
        self.runs, self.of_thread = {}, threading.local()

    def under_way(self):
        return self.of_thread.__dict__.setdefault("runs", [])

    def start_run(self, *, run_name, nested):
        assert nested or not self.under_way()
        assert run_name not in self.runs
        run = SimpleNamespace(info=SimpleNamespace(run_id=run_name))
        self.runs[run_name] = SimpleNamespace(params={}, metrics=[], ended=False)
        self.under_way().append(run_name)
        return run

    def log_params(self, params):
        self.runs[self.under_way()[-1]].params.update(params)

    def log_metric(self, key, value, *, step, run_id):
        assert not self.runs[run_id].ended
        self.runs[run_id].metrics.append((key, value, step))

    def end_run(self):
        self.runs[self.under_way().pop()].ended = True


@SINCE_1_9
def test_mlflow(monkeypatch):
    mlflow = MLflow()
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    names = run(FIT_NAME, MLFLOW, ScratchMLPClassifier=ScratchMLPClassifier)
    *_, last = runs = list(mlflow.runs.values())
    best = names["search"].best_estimator_
    assert all(each.ended for each in runs)
    assert not mlflow.under_way()
    alphas = Counter(each.params["alpha"] for each in runs)
    assert alphas == Counter([1e-4, 1e-4, 1e-2, 1e-2, best.alpha])
    assert last.params == best.get_params()
    assert last.metrics == expected(best)
    # In threads, within a run of another kind.
    mlflow.start_run(run_name="of the user", nested=False)
    with parallel_config("threading"):
        names["search"].set_params(n_jobs=2).fit(X, Y)
    assert len(mlflow.runs) == 11
    assert mlflow.under_way() == ["of the user"]
    assert list(mlflow.runs.values())[-1].metrics == expected(names["search"].best_estimator_)


def test_history(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    network = ScratchMLPClassifier(max_iter=5, random_state=0)
    run(HISTORY, network=network)
    table = pd.read_csv("history.csv")
    columns = ["alpha", "epoch", "loss", "learning_rate", "gradient_norm", "seconds"]
    assert list(table.columns) == columns
    assert list(table["epoch"]) == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(table["loss"], network.loss_curve_)
    assert set(table["alpha"]) == {network.alpha}
