"""A function called after every epoch, and what it is told."""

from __future__ import annotations

import json
import pickle
import sys
from copy import deepcopy
from functools import partial
from types import ModuleType

import numpy as np
import pytest
from numpy.linalg import LinAlgError
from pages import code_by_heading, run_block
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from snapshots import frozen, state
from test_callbacks import ESTIMATORS, SINCE_1_9, SMALL, X, Y, each_estimator

from skneural import ScratchMLPClassifier, TabularMLPClassifier
from skneural.callbacks import EpochReport, HistoryLogger, OnEpochEnd

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NETWORK = ScratchMLPClassifier(**SMALL, early_stopping=True)


def known(record):
    """What is to be reported of a record of `history_`."""
    return {name: value for name, value in record.items() if name != "epoch" and value is not None}


@SINCE_1_9
@each_estimator
def test_a_report_has_the_last_record_of_the_history(estimator):
    reports = []
    model = clone(estimator).set_callbacks(OnEpochEnd(reports.append)).fit(X, Y)
    assert [report.number for report in reports] == [1, 2, 3, 4, 5, 6]
    assert len({report.fit for report in reports}) == 1
    assert all(type(value) is float for report in reports for value in report.metrics.values())
    history = getattr(model, "history_", None)
    if history is None:
        assert [report.metrics for report in reports] == [{}] * 6
    else:
        assert [report.metrics for report in reports] == [known(record) for record in history]
        assert {"loss", "gradient_norm", "seconds"} <= set(reports[0].metrics)
    last = reports[-1].model
    if not getattr(estimator, "early_stopping", False):
        np.testing.assert_array_equal(last.predict(X), model.predict(X))
    assert state(model, "_skl_callbacks") == state(clone(estimator).set_callbacks().fit(X, Y))


@SINCE_1_9
@pytest.mark.parametrize(
    ("estimator", "names"),
    [
        (ScratchMLPClassifier(**SMALL), "loss learning_rate gradient_norm seconds"),
        (ScratchMLPClassifier(**SMALL, solver="lbfgs"), "loss gradient_norm seconds"),
        (
            NETWORK,
            "loss validation_loss validation_score learning_rate gradient_norm seconds",
        ),
        (
            TabularMLPClassifier(**SMALL, cv=2),
            "loss oof_score oof_loss learning_rate gradient_norm seconds oof_error temperature",
        ),
    ],
    ids=repr,
)
def test_names_of_the_metrics(estimator, names):
    reports = []
    clone(estimator).set_callbacks(OnEpochEnd(reports.append)).fit(X, Y)
    assert set(reports[-1].metrics) == set(names.split())


@SINCE_1_9
def test_a_warm_start_goes_on_counting():
    reports = []
    model = clone(NETWORK).set_params(warm_start=True).set_callbacks(OnEpochEnd(reports.append))
    model.fit(X, Y).fit(X, Y)
    assert [report.number for report in reports] == list(range(1, 13))
    assert len({report.fit for report in reports}) == 2


@SINCE_1_9
def test_what_has_diverged_is_not_reported():
    reports = []
    model = clone(NETWORK).set_params(solver="sgd", learning_rate_init=1e200)
    with pytest.raises(ValueError, match=r"non-finite parameter weights. .* epoch 2 was nan"):
        model.set_callbacks(OnEpochEnd(reports.append)).fit(X, Y)
    assert [report.number for report in reports] == [1]


#: What a function may return, and how many epochs there are then.
RETURNED = [(None, 6), (True, 3), (np.True_, 3), (False, 6), (1, 6), ("yes", 6), ([0], 6)]


@SINCE_1_9
@pytest.mark.parametrize(("value", "n_epochs"), RETURNED, ids=repr)
def test_true_alone_ends_the_training(value, n_epochs):
    callback = OnEpochEnd(lambda epoch: value if epoch.number == 3 else None)
    model = clone(NETWORK).set_callbacks(callback).fit(X, Y)
    assert len(model.loss_curve_) == n_epochs
    assert (model.stop_reason_ == "callback") == (n_epochs == 3)


class UsersError(Exception): ...


class NoException(BaseException): ...


#: StopIteration would end SciPy's L-BFGS without a word; the next ones can be a solver's own.
ERRORS = (
    UsersError,
    NoException,
    StopIteration,
    GeneratorExit,
    FloatingPointError,
    LinAlgError,
    MemoryError,
    AttributeError,
    SystemExit,
    RuntimeWarning,
)


@SINCE_1_9
@each_estimator
def test_the_exception_of_a_user_comes_out(estimator):
    """And the estimator is what it was before, fitted or not."""

    def fail(epoch):
        if epoch.number == 3:
            raise error

    model = clone(estimator).set_callbacks(OnEpochEnd(fail))
    for is_fitted in (False, True):
        if is_fitted:
            model.set_callbacks().fit(X, Y).set_callbacks(OnEpochEnd(fail))
        before = state(model, "_skl_callbacks")
        for kind in ERRORS if not is_fitted else ERRORS[:2]:
            error = kind("of the function")
            with pytest.raises(kind) as caught:
                model.fit(X, Y)
            assert caught.value is error
            assert state(model, "_skl_callbacks") == before


def write_line(path, epoch):
    with open(path, "a") as file:
        file.write(json.dumps([epoch.fit, epoch.number, epoch.metrics["loss"]]) + "\n")


@SINCE_1_9
@pytest.mark.parametrize(("n_jobs", "kind"), [(1, "module"), (2, "local")])
def test_each_fit_of_a_search_has_a_name(tmp_path, n_jobs, kind):
    path = tmp_path / "lines"
    function = partial(write_line, path) if kind == "module" else lambda e: write_line(path, e)
    network = clone(NETWORK).set_callbacks(OnEpochEnd(function))
    pipeline = make_pipeline(StandardScaler(), network)
    grid = {"scratchmlpclassifier__alpha": [1e-4, 1e-2]}
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=n_jobs).fit(X, Y)
    losses = {}
    for line in path.read_text().splitlines():
        fit, number, loss = json.loads(line)
        losses.setdefault(fit, {})[number] = loss
    assert len(losses) == 5
    assert all(sorted(each) == [1, 2, 3, 4, 5, 6] for each in losses.values())
    assert list(search.best_estimator_[-1].loss_curve_) in [
        list(x.values()) for x in losses.values()
    ]
    # The same names as in the files of the other callbacks.
    assert len({name.split("-")[0] for name in losses}) == 1


@SINCE_1_9
def test_names_are_those_of_the_history_logger(tmp_path):
    path, reports = tmp_path / "history.jsonl", []
    clone(NETWORK).set_callbacks(HistoryLogger(path), OnEpochEnd(reports.append)).fit(X, Y)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["fit"], line["epoch"]) for line in lines] == [
        (report.fit, report.number) for report in reports
    ]
    for line, report in zip(lines, reports, strict=True):
        for name in ("loss", "validation_loss", "validation_score", "learning_rate"):
            assert line[name] == report.metrics[name]


def do_nothing(epoch): ...


@pytest.mark.parametrize("copy", [clone, deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
@SINCE_1_9
def test_copies_of_an_estimator_have_it(copy):
    model = copy(clone(NETWORK).set_callbacks(OnEpochEnd(do_nothing)).fit(X, Y))
    [callback] = model._skl_callbacks
    assert callback.function is do_nothing


@SINCE_1_9
@pytest.mark.parametrize("estimator", ESTIMATORS[::4], ids=repr)
def test_what_is_deployed_has_no_callbacks(estimator):
    model = clone(estimator).set_callbacks(OnEpochEnd(lambda epoch: None)).fit(X, Y)
    with pytest.raises((AttributeError, pickle.PicklingError), match="lambda"):
        pickle.dumps(model)
    for deployed in (model.for_prediction(), model.set_callbacks()):
        copied = pickle.loads(pickle.dumps(deployed))
        np.testing.assert_array_equal(copied.predict(X), model.predict(X))


@SINCE_1_9
def test_the_model_of_a_report_stays_as_it_was():
    kept = []

    def keep(epoch):
        kept.append((epoch.model, frozen(epoch.model._model.params)))

    clone(NETWORK).set_callbacks(OnEpochEnd(keep)).fit(X, Y)
    assert len({params for _, params in kept}) == 6
    assert all(frozen(model._model.params) == params for model, params in kept)


@pytest.mark.parametrize("value", [None, 3, "print"])
def test_what_cannot_be_called(value):
    with pytest.raises(TypeError, match=f"function must be callable, got {value!r}"):
        OnEpochEnd(value)


def test_a_report_cannot_be_changed():
    assert repr(OnEpochEnd(do_nothing)).startswith("OnEpochEnd(<function do_nothing")
    report = EpochReport(1, {"loss": 0.5}, "3f2a9c1d", None)
    with pytest.raises(AttributeError):
        report.number = 2


@SINCE_1_9
def test_the_documented_use_of_weights_and_biases(monkeypatch):
    """With a stand-in for the package."""
    runs = []

    class Run:
        def __init__(self, project, config):
            self.config, self.lines, self.is_over = config, [], False
            runs.append(self)

        def __enter__(self):
            return self

        def __exit__(self, *exception):
            self.is_over = True

        def log(self, metrics, step):
            self.lines.append((step, metrics))

    module = ModuleType("wandb")
    module.init = Run
    monkeypatch.setitem(sys.modules, "wandb", module)
    [block] = code_by_heading("integrations.rst")["Weights & Biases"]
    network = run_block(block, X=X, y=Y)["network"]
    [logged] = runs
    assert logged.is_over
    assert logged.config == network.get_params()
    assert logged.lines == [(record["epoch"], known(record)) for record in network.history_]


@SINCE_1_9
def test_the_documented_function(capsys):
    [block] = code_by_heading("callbacks.rst")["A function after every epoch"]
    network = run_block(block, network=ScratchMLPClassifier(random_state=0), X=X, y=Y)["network"]
    assert network.stop_reason_ == "callback"
    assert network.loss_curve_[-1] < 0.1 < network.loss_curve_[-2]
    assert capsys.readouterr().out.startswith("1 {'loss': ")
