"""MLflow: epochs, models in the format of skops, and what autolog does of its own accord."""

from extras import need

need("integration", "mlflow", "skops")

import logging
import warnings
from functools import partial
from importlib import import_module
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from pages import code_by_heading, run_block
from sklearn.base import is_classifier
from sklearn.datasets import load_wine
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sqlalchemy import event
from sqlalchemy.engine import Engine

import skneural
from skneural import (
    HiddenLayerTransformer,
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from skneural.callbacks import OnEpochEnd

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

EPOCHS_AND_MODEL, AUTOLOG = code_by_heading("integrations.rst")["MLflow"]
FIT_NAME, _, RUNS_OF_A_SEARCH, _ = [
    block
    for heading in ("A name for every fit", "TensorBoard", "MLflow", "After the fit")
    for block in code_by_heading("recipes_tracking.rst")[heading]
]
X, Y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)

ESTIMATORS = [
    ScratchMLPClassifier(max_iter=5, random_state=0),
    ScratchMLPRegressor(max_iter=5, random_state=0),
    ScratchLogisticRegression(),
    ScratchPerceptron(),
    TabularMLPClassifier(cv=2, max_iter=4, random_state=0),
    TabularMLPRegressor(cv=2, max_iter=4, random_state=0),
]
each_estimator = pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)


def do_not_wait_for_the_disk(connection, record):
    connection.execute("PRAGMA synchronous = OFF")


@pytest.fixture(scope="module", autouse=True)
def store(tmp_path_factory):
    """A data base in a file for all tests, since to make one takes seconds."""
    folder = tmp_path_factory.mktemp("mlflow")
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    logger = logging.getLogger("alembic")
    level = logger.level
    logger.setLevel(logging.WARNING)
    event.listen(Engine, "connect", do_not_wait_for_the_disk)
    with warnings.catch_warnings():
        # Of what MLflow imports now: its own type hints, its use of SQLAlchemy.
        warnings.simplefilter("ignore")
        import_module("mlflow.pyfunc")

        mlflow.search_experiments()
    yield folder
    event.remove(Engine, "connect", do_not_wait_for_the_disk)
    logger.setLevel(level)
    mlflow.set_tracking_uri(None)


@pytest.fixture(autouse=True)
def experiment(store, request):
    """One for each test, with its files in a folder of its own."""
    name = str(len(list(store.iterdir())))
    (store / name).mkdir()
    number = mlflow.create_experiment(name, artifact_location=(store / name).as_uri())
    mlflow.set_experiment(experiment_id=number)
    yield number
    mlflow.sklearn.autolog(disable=True)
    while mlflow.active_run():
        mlflow.end_run()


def runs_of(experiment):
    return mlflow.search_runs([experiment], output_format="list", order_by=["start_time ASC"])


def curve(run_id, name):
    points = mlflow.MlflowClient().get_metric_history(run_id, name)
    return [(point.step, point.value) for point in points]


def expected_curve(network, name):
    return [(record["epoch"], record[name]) for record in network.history_]


# ---------------------------------------------------------------------- epochs and models


def test_the_documented_run():
    names = run_block(EPOCHS_AND_MODEL, X=X, y=Y)
    logged, served = names["logged"], names["served"]
    data = mlflow.get_run(names["run"].info.run_id).data
    assert data.params["early_stopping"] == "True"
    assert set(data.params) == set(ScratchMLPClassifier().get_params())
    network = ScratchMLPClassifier(early_stopping=True, random_state=0).fit(X, Y)
    assert set(data.metrics) == set(network.history_[0]) - {"epoch"}
    for name in data.metrics:
        points = curve(names["run"].info.run_id, name)
        if name == "seconds":
            assert [step for step, _ in points] == list(range(1, network.n_iter_ + 1))
        else:
            assert points == expected_curve(network, name)
    loaded = names["network"]
    assert type(loaded) is ScratchMLPClassifier
    assert not hasattr(loaded, "_skl_callbacks")
    np.testing.assert_array_equal(loaded.predict_proba(X), network.predict_proba(X))
    np.testing.assert_array_equal(served.predict(X), network.predict(X))
    flavor = mlflow.models.get_model_info(logged.model_uri).flavors["sklearn"]
    assert flavor["serialization_format"] == "skops"
    folder = Path(mlflow.artifacts.download_artifacts(logged.model_uri))
    lines = (folder / "requirements.txt").read_text().split()
    assert lines == [f"mlflow=={mlflow.__version__}", f"skneural[skops]=={skneural.__version__}"]


def log_model(model, **more):
    with mlflow.start_run():
        return mlflow.sklearn.log_model(
            model,
            name="model",
            pip_requirements=["skneural[skops]"],
            serialization_format="skops",
            skops_trusted_types=list(skneural.TRUSTED_TYPES),
            **more,
        ).model_uri


@pytest.mark.parametrize("in_pipeline", [False, True])
@each_estimator
def test_models_come_back_as_they_were(estimator, in_pipeline):
    model = make_pipeline(StandardScaler(), estimator) if in_pipeline else estimator
    uri = log_model(model.fit(X, Y))
    loaded = mlflow.sklearn.load_model(uri)
    method = "predict_proba" if hasattr(model, "predict_proba") else "predict"
    np.testing.assert_array_equal(getattr(loaded, method)(X), getattr(model, method)(X))
    served = mlflow.pyfunc.load_model(uri)
    np.testing.assert_array_equal(served.predict(X), model.predict(X))
    again = log_model(model, pyfunc_predict_fn=method)
    np.testing.assert_array_equal(
        mlflow.pyfunc.load_model(again).predict(X), getattr(model, method)(X)
    )


@pytest.mark.filterwarnings("ignore:Operation with range is:DeprecationWarning:mlflow")
def test_a_frame_with_categories_is_served():
    frame = pd.DataFrame(X[:, :4], columns=list("abcd"))
    frame["text"] = np.where(X[:, 0] > 0, "high", "low")
    model = TabularMLPClassifier(cv=2, max_iter=4, random_state=0).fit(frame, Y)
    served = mlflow.pyfunc.load_model(log_model(model, input_example=frame[:3]))
    np.testing.assert_array_equal(served.predict(frame), model.predict(frame))
    # The signature has names and kinds of columns: MLflow looks at them before the model does.
    assert served.metadata.signature.inputs.input_names() == list(frame.columns)
    with pytest.raises(MlflowException, match="text"):
        served.predict(frame.drop(columns="text"))


def test_hidden_layers():
    network = ScratchMLPClassifier(max_iter=5, random_state=0)
    model = make_pipeline(HiddenLayerTransformer(network), ScratchLogisticRegression()).fit(X, Y)
    loaded = mlflow.sklearn.load_model(log_model(model))
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


def test_nothing_else_is_trusted():
    """A function of a user is in no file that is loaded; for_prediction leaves it out."""
    model = ScratchMLPClassifier(max_iter=5, random_state=0)
    model.set_callbacks(OnEpochEnd(lambda epoch: None)).fit(X, Y)
    with pytest.raises(MlflowException, match="OnEpochEnd"):
        log_model(model)
    loaded = mlflow.sklearn.load_model(log_model(model.for_prediction()))
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    with mlflow.start_run(), pytest.raises(MlflowException, match="ScratchMLPClassifier"):
        mlflow.sklearn.log_model(
            model.for_prediction(),
            name="model",
            pip_requirements=["skneural[skops]"],
            serialization_format="skops",
        )


# ---------------------------------------------------------------------- autolog


def logged_by_autolog(experiment):
    """What it logs of a fit; the runs of the scikit-learn estimator beside it say that it does.

    A regressor: of a classifier it draws pictures, which takes long.
    """
    mlflow.sklearn.autolog(log_models=False)
    LinearRegression().fit(X, Y)
    runs = runs_of(experiment)
    assert [each.data.tags["estimator_name"] for each in runs] == ["LinearRegression"]
    assert runs[0].data.metrics["training_score"] > 0
    return runs


@pytest.mark.filterwarnings("ignore:`y_pred` was renamed:FutureWarning")
@each_estimator
def test_a_bare_fit_of_ours_is_not_logged(experiment, estimator):
    before = logged_by_autolog(experiment)
    estimator.fit(X, Y).score(X, Y)
    if hasattr(estimator, "partial_fit"):
        estimator.partial_fit(X, Y)
    assert len(runs_of(experiment)) == len(before)
    with mlflow.start_run() as under_way:
        estimator.fit(X, Y).score(X, Y)
    data = mlflow.get_run(under_way.info.run_id).data
    assert (data.params, data.metrics) == ({}, {})
    assert "estimator_name" not in data.tags


@pytest.mark.filterwarnings("ignore:`y_pred` was renamed:FutureWarning")
def test_a_pipeline_of_one_step_is_logged():
    names = run_block(AUTOLOG, X=X, y=Y)
    data = mlflow.get_run(names["run"].info.run_id).data
    for name, value in names["model"][-1].get_params().items():
        assert data.params[f"scratchmlpclassifier__{name}"] == str(value)
    assert data.metrics["training_score"] == names["model"].score(X, Y)
    assert "loss" not in data.metrics


@pytest.mark.filterwarnings("ignore:`y_pred` was renamed:FutureWarning")
@pytest.mark.parametrize("estimator", ESTIMATORS[:2], ids=repr)
def test_a_search_is_logged_with_its_candidates(experiment, estimator):
    mlflow.sklearn.autolog(log_models=False)
    search = GridSearchCV(estimator, {"alpha": [1e-4, 1e-2]}, cv=2).fit(X, Y)
    candidates = {
        float(each.data.params["alpha"]): each.data.metrics["mean_test_score"]
        for each in runs_of(experiment)
        if each.data.tags["estimator_name"] == type(estimator).__name__
    }
    scores = search.cv_results_["mean_test_score"]
    assert candidates == dict(zip([1e-4, 1e-2], scores, strict=True))
    [parent] = [r for r in runs_of(experiment) if r.data.tags["estimator_name"] == "GridSearchCV"]
    assert parent.data.metrics["best_cv_score"] == search.best_score_
    assert ("training_accuracy_score" in parent.data.metrics) == is_classifier(estimator)


# ---------------------------------------------------------------------- a run for every fit


def test_each_fit_of_a_search_is_a_run(experiment):
    network = partial(ScratchMLPClassifier, max_iter=6)  # each epoch is a transaction
    names = run_block(f"{FIT_NAME}\n\n{RUNS_OF_A_SEARCH}", X=X, y=Y, ScratchMLPClassifier=network)
    runs = runs_of(experiment)
    assert len(runs) == 5
    assert {each.info.status for each in runs} == {"FINISHED"}
    best = names["search"].best_estimator_
    curves = {each.info.run_id: curve(each.info.run_id, "loss") for each in runs}
    assert expected_curve(best, "loss") in curves.values()
    assert all(len(points) > 1 for points in curves.values())
    assert sorted(each.data.params["alpha"] for each in runs)[:2] == ["0.0001", "0.0001"]


def test_functions_log_to_the_run_that_they_name(experiment):
    """Each fit of a search to a run of its own, by the name that reports give it."""
    client, runs = mlflow.MlflowClient(), {}

    def log(epoch):
        if epoch.fit not in runs:
            runs[epoch.fit] = client.create_run(experiment, run_name=epoch.fit).info.run_id
        mlflow.log_metrics(epoch.metrics, step=epoch.number, run_id=runs[epoch.fit])

    network = ScratchMLPClassifier(max_iter=4, random_state=0).set_callbacks(OnEpochEnd(log))
    search = GridSearchCV(network, {"alpha": [1e-4, 1e-2]}, cv=2).fit(X, Y)
    assert len(runs) == 5
    curves = [curve(run_id, "loss") for run_id in runs.values()]
    assert all([step for step, _ in points] == [1, 2, 3, 4] for points in curves)
    assert expected_curve(search.best_estimator_, "loss") in curves
