"""Processes side by side, as if each were a machine: workers of dask, and studies of Optuna."""

from extras import need

need("integration", "dask", "distributed", "optuna")

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import dask
import joblib
import numpy as np
import optuna
import pytest
from distributed import Client, LocalCluster
from forked import Forked
from optuna.trial import TrialState
from pages import code_by_heading, run_block
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

from skneural import (
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
    TabularMLPClassifier,
)
from skneural.callbacks import HistoryLogger, OnEpochEnd
from skneural.losses import Huber, LogLoss
from skneural.optimizers import AdamW
from skneural.schedules import Cosine, LinearWarmUp

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PAGE = code_by_heading("beyond_one_machine.rst")
X, Y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)
SOLVERS = [AdamW(weight_decay=0.01), AdamW(max_grad_norm=1.0), "sgd"]
SEARCHES = {
    "classifier": (
        ScratchMLPClassifier(
            hidden_layer_sizes=(8,),
            loss=LogLoss(label_smoothing=0.1),
            learning_rate=LinearWarmUp(n_epochs=2, then=Cosine()),
            early_stopping=True,
            max_iter=5,
            random_state=0,
        ),
        {"solver": SOLVERS},
    ),
    "regressor": (
        ScratchMLPRegressor(hidden_layer_sizes=(8,), loss=Huber(), max_iter=5, random_state=0),
        {"solver": SOLVERS},
    ),
    "logistic": (ScratchLogisticRegression(), {"solver": ["lbfgs", "newton-cg"], "C": [0.1, 1]}),
    "perceptron": (ScratchPerceptron(), {"alpha": [0, 0.1]}),
    "raw table": (
        TabularMLPClassifier(cv=2, max_iter=2, random_state=0),
        {"hidden_layer_sizes": [8]},
    ),
}


@pytest.fixture(scope="module")
def client():
    options = {"threads_per_worker": 1, "dashboard_address": None, "silence_logs": "CRITICAL"}
    # Forked, where that can be, from a process that has imported most of what a new one imports.
    how = "forkserver" if hasattr(os, "fork") else "spawn"
    with (
        dask.config.set({"distributed.worker.multiprocessing-method": how}),
        LocalCluster(n_workers=2, **options) as cluster,
        Client(cluster) as client,
    ):
        yield client


def result(search):
    """The bytes of all scores and of the best model."""
    scores = {k: v for k, v in search.cv_results_.items() if "test_score" in k}
    return joblib.hash((scores, search.best_estimator_.for_prediction()))


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_has_the_same_bits_on_workers(client, name):
    search = GridSearchCV(*SEARCHES[name], cv=2, n_jobs=-1)
    with joblib.parallel_config("sequential"):
        expected = result(clone(search).fit(X, Y))
    with joblib.parallel_config("dask"):
        assert result(search.fit(X, Y)) == expected


def test_callbacks_are_called_in_the_workers(client, tmp_path):
    def note(epoch):
        with (tmp_path / epoch.fit).open("a") as file:
            print(os.getpid(), file=file)

    network = ScratchMLPClassifier(hidden_layer_sizes=(8,), max_iter=3, random_state=0)
    history = tmp_path.with_suffix(".jsonl")
    network.set_callbacks(OnEpochEnd(note), HistoryLogger(history))
    search = GridSearchCV(network, {"alpha": [0, 1]}, cv=2, n_jobs=-1)
    with joblib.parallel_config("dask"):
        search.fit(X, Y)
    fits = [path.read_text().split() for path in tmp_path.iterdir()]
    assert [len(fit) for fit in fits] == [3] * 5
    assert len(history.read_text().splitlines()) == 3 * 5
    assert all(len(set(fit)) == 1 for fit in fits)
    processes = [int(fit[0]) for fit in fits]
    assert processes.count(os.getpid()) == 1  # the best one, fitted anew
    assert set(processes) - {os.getpid()} <= set(client.run(os.getpid).values())


def test_an_error_in_all_fits_comes_out(client):
    def fail(epoch):
        raise ValueError("of the callback")

    network = ScratchMLPClassifier(hidden_layer_sizes=(8,), max_iter=3, random_state=0)
    search = GridSearchCV(network.set_callbacks(OnEpochEnd(fail)), {"alpha": [0, 1]}, n_jobs=-1)
    with joblib.parallel_config("dask"), pytest.raises(ValueError, match="of the callback"):
        search.fit(X, Y)


def test_the_documented_search(client):
    """In the cluster of this module, which is what the page's would be."""
    (code,) = PAGE["A search on dask"]
    cluster = "LocalCluster(n_workers=2, threads_per_worker=1)"
    assert cluster in code
    code = code.replace(cluster, "cluster_of_the_tests").replace("with cluster, ", "with ")
    names = run_block(code, X=X, y=Y, cluster_of_the_tests=client.cluster)
    expected = clone(names["search"])
    with joblib.parallel_config("sequential"):
        expected.fit(X, Y)
    assert result(names["search"]) == result(expected)


def test_the_documented_blocks(client):
    order = np.random.RandomState(0).permutation(len(Y))
    rows, labels = X[order], Y[order]
    chained, _ = PAGE["Rows that do not fit into memory"]
    names = run_block(chained, X=rows, y=labels)
    expected = ScratchMLPClassifier(random_state=0)
    for _ in range(5):
        for first in range(0, len(Y), 50):
            block = slice(first, first + 50)
            expected.partial_fit(rows[block], labels[block], classes=np.unique(Y))
    assert joblib.hash(names["network"]) == joblib.hash(expected)
    np.testing.assert_array_equal(names["predicted"], expected.predict(rows))
    assert names["rows"].numblocks == (4, 1)


def test_the_documented_study_in_three_processes(tmp_path):
    script, journal = tmp_path / "study.py", str(tmp_path / "digits.log")
    script.write_text(PAGE["A study of Optuna in many processes"][0])
    code = (
        f"import runpy, sys; sys.argv = {[str(script), journal, '12']}\n"
        f"runpy.run_path({str(script)!r}, run_name='__main__')"
    )
    variables = {**os.environ, "OMP_NUM_THREADS": "1"}
    # Three times the imports of Optuna and scikit-learn would take more than the study.
    forked = Forked("import optuna, sklearn.datasets, sklearn.neural_network")
    with ThreadPoolExecutor(3) as pool:
        starts = [pool.submit(forked.run, code, sys.path, variables, "ignore") for _ in range(3)]
    processes = [start.result() for start in starts]
    assert [process.returncode for process in processes] == [0, 0, 0], processes
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(journal))
    study = optuna.load_study(study_name="digits", storage=storage)
    ended = study.get_trials(states=[TrialState.COMPLETE, TrialState.PRUNED])
    assert len(ended) == len(study.trials)
    assert 12 <= len(ended) <= 14
    assert [trial.number for trial in study.trials] == list(range(len(ended)))
    names = run_block(script.read_text(), __name__="study")
    trial = optuna.trial.FixedTrial(study.best_params)
    assert names["objective"](trial) == study.best_value
