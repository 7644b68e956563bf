"""scikit-learn's callbacks on all our estimators and solvers."""

from __future__ import annotations

import pickle
import threading

import numpy as np
import pytest
import sklearn
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_wine
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from snapshots import frozen, state
from stopped_fits import answers

from skneural import (
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from skneural.optimizers import Adam

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

HAS_CALLBACKS = tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 9)
SINCE_1_9 = pytest.mark.skipif(
    not HAS_CALLBACKS, reason="reference: the callbacks of scikit-learn begin with 1.9"
)
X, Y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)
SMALL = {"hidden_layer_sizes": 5, "max_iter": 6, "random_state": 0}

#: Every estimator with every kind of solver; a new one joins by a line.
ESTIMATORS = [
    ScratchMLPClassifier(**SMALL),
    ScratchMLPClassifier(**SMALL, early_stopping=True),
    ScratchMLPClassifier(**SMALL, solver=Adam(averaging=0.9), dropout=0.2, batch_size=50),
    ScratchMLPClassifier(**SMALL, solver="lbfgs"),
    ScratchMLPRegressor(**SMALL, solver="sgd"),
    ScratchMLPRegressor(**SMALL, solver="lbfgs", l1_ratio=0.5),
    *(
        ScratchLogisticRegression(solver=solver, max_iter=6, tol=1e-9, random_state=0)
        for solver in ("lbfgs", "newton-cholesky", "newton-cg", "sag", "sgd")
    ),
    ScratchLogisticRegression(solver="fista", l1_ratio=0.5, max_iter=6, tol=1e-9),
    ScratchPerceptron(max_iter=6, tol=None),
    TabularMLPClassifier(**SMALL, cv=2),
    TabularMLPRegressor(**SMALL, cv=2, learning_rate_init=0.05),
]
each_estimator = pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)


class Recorder:
    """Follows the protocol, and keeps what it is told."""

    def __init__(self, stop_after=None):
        self.stop_after = stop_after
        self.calls, self.models = [], []

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.calls.append(f"{context.task_name} begins")

    def on_fit_task_end(self, estimator, context, *, X, y, metadata, fitted_estimator):
        self.calls.append(f"{context.task_name} ends")
        if context.task_name == "epoch" and fitted_estimator is not None:
            self.models.append((fitted_estimator, fitted_estimator.predict(X)))
        return len(self.models) == self.stop_after


@pytest.mark.skipif(HAS_CALLBACKS, reason="reference: scikit-learn has callbacks")
@each_estimator
def test_below_1_9_there_are_none(estimator):
    assert not hasattr(estimator, "set_callbacks")
    with pytest.raises(AttributeError, match=r"scikit-learn 1\.9 or newer.*scikit-learn 1\."):
        estimator.set_callbacks(Recorder())


@SINCE_1_9
@each_estimator
def test_every_epoch_is_a_task(estimator):
    recorder = Recorder()
    model = clone(estimator).set_callbacks(recorder).fit(X, Y)
    n_epochs = int(np.max(model.n_iter_))
    assert recorder.calls == [
        "setup",
        "fit begins",
        *(["epoch begins", "epoch ends"] * (n_epochs + has_empty_end(estimator))),
        "fit ends",
        "teardown",
    ]
    assert len(recorder.models) == n_epochs == 6
    silent = clone(estimator).fit(X, Y)
    assert state(model, "_skl_callbacks") == state(silent)


def has_empty_end(estimator):
    """Whether a task follows the last epoch of which nothing comes, as in scikit-learn's own."""
    return isinstance(estimator, ScratchLogisticRegression) and estimator.solver == "lbfgs"


@SINCE_1_9
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("max_iter", [0, 1, 2, 500])
@pytest.mark.parametrize("solver", ["lbfgs", "newton-cg", "sag"])
def test_tasks_of_logistic_regression(solver, max_iter, n_classes):
    """Those of scikit-learn's where it has callbacks: one more than iterations, at least two."""
    models = []

    class Models(Recorder):
        def on_fit_task_end(self, estimator, context, *, fitted_estimator):
            if context.task_name == "epoch":
                models.append(fitted_estimator)

    recorder = Models()
    model = ScratchLogisticRegression(solver=solver, max_iter=max_iter, random_state=0)
    rows = n_classes > Y
    model.set_callbacks(recorder).fit(X[rows], Y[rows])
    n_iter = model.n_iter_[0]
    n_tasks = recorder.calls.count("epoch begins")
    assert n_tasks == len(models)
    assert [each is not None for each in models[:n_iter]] == [True] * n_iter
    assert set(models[n_iter:]) <= {None}
    if solver == "lbfgs":
        assert n_tasks == max(n_iter, 1) + 1
    else:
        assert n_tasks <= n_iter + 1


@SINCE_1_9
@each_estimator
def test_an_epoch_begins_with_the_model_of_the_one_before(estimator):
    begun, ended = [], []

    class Models(Recorder):
        def on_fit_task_begin(self, estimator, context, *, fitted_estimator):
            begun.append(fitted_estimator)

        def on_fit_task_end(self, estimator, context, *, fitted_estimator):
            ended.append(fitted_estimator)

    clone(estimator).set_callbacks(Models()).fit(X, Y)
    of_fit, first, *others = begun
    assert of_fit is None
    assert first is None
    assert len(others) == 5 + has_empty_end(estimator)
    for before, model in zip(ended, others, strict=False):
        assert frozen(model._model.params) == frozen(before._model.params)
        assert np.max(model.n_iter_) == np.max(before.n_iter_)


@SINCE_1_9
@each_estimator
def test_the_model_of_an_epoch_is_what_a_shorter_fit_gives(estimator):
    """And stays so: the training goes on in arrays of its own."""
    recorder = Recorder()
    clone(estimator).set_callbacks(recorder).fit(X, Y)
    for n in (1, 3, 6):
        if getattr(estimator, "early_stopping", False) is True:
            # A fit keeps the best epoch, a snapshot has the last.
            expected = clone(estimator).set_params(restore_best_weights=False, max_iter=n)
        elif isinstance(estimator, TabularMLPClassifier | TabularMLPRegressor):
            # The schedules are planned for all epochs.
            expected = clone(estimator).set_callbacks(Recorder(stop_after=n))
        else:
            expected = clone(estimator).set_params(max_iter=n)
        expected.fit(X, Y)
        model, predicted = recorder.models[n - 1]
        np.testing.assert_array_equal(predicted, expected.predict(X))
        assert frozen(model._model.params) == frozen(expected._model.params)
        assert np.max(model.n_iter_) == n
        np.testing.assert_array_equal(model.predict(X), predicted)
        copied = pickle.loads(pickle.dumps(model))
        assert frozen(copied._model.params) == frozen(model._model.params)


@SINCE_1_9
@each_estimator
def test_a_callback_can_stop_the_training(estimator):
    recorder = Recorder(stop_after=3)
    model = clone(estimator).set_callbacks(recorder).fit(X, Y)
    assert np.max(model.n_iter_) == 3
    assert recorder.calls[-2:] == ["fit ends", "teardown"]
    assert model.stop_reason_ == "callback"
    if hasattr(model, "loss_curve_"):
        assert len(model.loss_curve_) == 3
    _, predicted = recorder.models[-1]
    if not getattr(estimator, "early_stopping", False):
        np.testing.assert_array_equal(model.predict(X), predicted)


@SINCE_1_9
@each_estimator
def test_a_failing_callback_changes_nothing(estimator):
    class Failing(Recorder):
        def on_fit_task_end(self, estimator, context):
            if self.calls.count("epoch begins") == 2:
                raise OSError("the disk is full")

    model = clone(estimator).fit(X, Y)
    before = state(model)
    failing = Failing()
    model.set_callbacks(failing)
    with pytest.raises(OSError, match="the disk is full"):
        model.fit(X, Y)
    assert failing.calls[-1] == "teardown"
    assert state(model.set_callbacks()) == before


@SINCE_1_9
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_progress_and_scores_of_a_search_in_two_processes(solver):
    from sklearn.callback import ProgressBar, ScoringMonitor

    monitor = ScoringMonitor(scoring="accuracy")
    network = ScratchMLPClassifier(**SMALL, solver=solver).set_callbacks(monitor)
    grid = {"scratchmlpclassifier__alpha": [0.1, 1.0]}
    search = GridSearchCV(make_pipeline(StandardScaler(), network), grid, cv=2, n_jobs=2)
    search.set_callbacks(ProgressBar()).fit(X, Y)
    scores = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(scores) == 6 * (2 * 2 + 1)
    assert all(0 < row["accuracy"] <= 1 for row in scores)
    copied = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(copied.predict(X), search.predict(X))


@SINCE_1_9
def test_the_last_score_is_that_of_the_model():
    from sklearn.callback import ScoringMonitor

    weight = np.random.RandomState(0).rand(len(Y))
    for estimator in ESTIMATORS:
        monitor = ScoringMonitor(scoring="accuracy" if is_classifier(estimator) else "r2")
        model = clone(estimator).set_callbacks(monitor).fit(X, Y, sample_weight=weight)
        rows = monitor.get_logs().data
        score = next(iter(rows[0].keys() & {"accuracy", "r2"}))
        fit = next(row for row in rows if row["task_name"] == "fit")
        assert fit[score] == model.score(X, Y, sample_weight=weight)


@SINCE_1_9
def test_names_of_features_are_no_reason_to_warn():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=[f"f{i}" for i in range(13)])
    recorder = Recorder()
    ScratchMLPClassifier(**SMALL).set_callbacks(recorder).fit(frame, Y)
    assert list(recorder.models[0][0].feature_names_in_) == list(frame.columns)


@SINCE_1_9
def test_partial_fit_has_no_tasks():
    recorder = Recorder()
    model = ScratchMLPClassifier(**SMALL).set_callbacks(recorder)
    model.partial_fit(X, Y, classes=[0, 1, 2])
    assert recorder.calls == []


@SINCE_1_9
def test_a_snapshot_goes_on_by_warm_start():
    recorder = Recorder(stop_after=3)
    model = ScratchMLPClassifier(**SMALL).set_callbacks(recorder).fit(X, Y)
    snapshot = recorder.models[-1][0].set_callbacks().set_params(warm_start=True)
    model.set_callbacks().set_params(warm_start=True)
    for each in (snapshot, model):
        each.fit(X, Y)
    assert snapshot.loss_curve_ == model.loss_curve_
    assert len(snapshot.loss_curve_) == 9


class Spoil(Recorder):
    """Writes to all that it is given."""

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        if fitted_estimator is not None:
            fitted_estimator._fitted.model.params[...] = np.nan


@SINCE_1_9
@each_estimator
def test_what_callbacks_are_given_are_copies(estimator):
    """At the end of the fit too."""
    expected = clone(estimator).fit(X, Y)
    model = clone(estimator).set_callbacks(Spoil()).fit(X, Y)
    assert answers(model, X) == answers(expected, X)


class Locked:
    """A metric that cannot be copied."""

    def __init__(self):
        self.lock = threading.Lock()

    def __call__(self, estimator, X, y):
        return estimator.score(X, y)


@SINCE_1_9
def test_parameters_that_cannot_be_copied():
    recorder = Recorder()
    model = ScratchMLPClassifier(**SMALL, early_stopping=True, early_stopping_metric=Locked())
    model.set_callbacks(recorder).fit(X, Y)
    assert len(model.loss_curve_) == 6


@SINCE_1_9
@each_estimator
def test_the_copy_at_the_end_is_stored_as_the_model_is(estimator):
    models = []

    class AtTheEnd(Recorder):
        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            if context.task_name == "fit":
                models.append(fitted_estimator.set_callbacks())

    model = clone(estimator).set_callbacks(AtTheEnd()).fit(X, Y).set_callbacks()
    assert len(pickle.dumps(models[0])) == len(pickle.dumps(model))
    assert answers(models[0], X) == answers(model, X)
