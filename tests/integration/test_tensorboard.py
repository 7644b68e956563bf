"""TensorBoard reads what the documented pieces of code write."""

from extras import need

need("integration", "tensorboard")

import sys

import numpy as np
import pytest
from pages import code_by_heading, run_block
from sklearn.datasets import load_wine
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

from skneural import ScratchMLPClassifier, TabularMLPRegressor
from skneural.callbacks import OnEpochEnd

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SCALARS, HISTOGRAMS = code_by_heading("integrations.rst")["TensorBoard"]
X, Y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)
NAMES = {"loss", "validation_loss", "validation_score", "learning_rate", "gradient_norm", "seconds"}


def read(folder):
    """All curves in a folder: (step, value) of every epoch, by name."""
    everything = {"scalars": 0, "tensors": 0, "histograms": 0}
    events = EventAccumulator(str(folder), size_guidance=everything).Reload()
    curves = {
        tag: [(each.step, each.value) for each in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }
    for tag in events.Tags()["tensors"]:
        values = events.Tensors(tag)
        curves[tag] = [
            (each.step, float(tensor_util.make_ndarray(each.tensor_proto))) for each in values
        ]
    return curves, events


def assert_curves(curves, network):
    assert set(curves) == NAMES
    for name, points in curves.items():
        assert [step for step, _ in points] == list(range(1, network.n_iter_ + 1))
        expected = [record[name] for record in network.history_]
        # TensorBoard keeps float32.
        np.testing.assert_array_equal([value for _, value in points], np.float32(expected))


def test_scalars(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = run_block(SCALARS, X=X, y=Y)
    curves, _ = read("logs/first")
    assert_curves(curves, names["network"])


def test_histograms(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = run_block(HISTOGRAMS, X=X, y=Y)
    curves, events = read("logs/with_weights")
    network = names["network"]
    assert_curves(curves, network)
    assert events.Tags()["histograms"] == ["weights/0", "weights/1"]
    for i, weights in enumerate(network.coefs_):
        points = events.Histograms(f"weights/{i}")
        assert [each.step for each in points] == list(range(1, network.n_iter_ + 1))
        # The network is that of the best epoch.
        value = points[network.best_iteration_ - 1].histogram_value
        assert (value.min, value.max) == (weights.min(), weights.max())
        assert value.num == sum(value.bucket) == weights.size
        assert value.sum == pytest.approx(weights.sum(), rel=1e-12)
        assert value.sum_squares == pytest.approx(np.sum(weights**2), rel=1e-12)


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        (ScratchMLPClassifier(solver="lbfgs", max_iter=3), "loss gradient_norm seconds"),
        (
            TabularMLPRegressor(cv=2, max_iter=3, random_state=0),
            "loss oof_loss oof_score learning_rate gradient_norm seconds",
        ),
    ],
    ids=repr,
)
def test_curves_of_others(tmp_path, monkeypatch, estimator, expected):
    """There are those that there are numbers of."""
    monkeypatch.chdir(tmp_path)
    names = run_block(SCALARS, X=X, y=Y)
    names["writer"] = names["Writer"]("logs/other")
    estimator.set_callbacks(OnEpochEnd(names["write"])).fit(X, Y)
    names["writer"].close()
    curves, _ = read("logs/other")
    assert set(curves) == set(expected.split())
    assert {len(points) for points in curves.values()} == {3}


def test_the_recipe_for_searches(tmp_path, monkeypatch):
    """A run for every fit, with this package's writer in the place of torch's."""
    monkeypatch.chdir(tmp_path)
    recipes = code_by_heading("recipes_tracking.rst")
    [fit_name], [recipe] = recipes["A name for every fit"], recipes["TensorBoard"]
    import_of_torch = next(line for line in recipe.splitlines() if "torch" in line)
    recipe = recipe.replace(
        import_of_torch, "from tensorboard.summary import Writer as SummaryWriter"
    )
    names = run_block(f"{fit_name}\n\n{recipe}", X=X, y=Y)
    [folder] = tmp_path.glob("logs/*")
    curves, _ = read(folder)
    network = names["network"]
    points = [(record["epoch"], np.float32(record["loss"])) for record in network.history_]
    assert curves["loss"] == points
    GridSearchCV(network.set_params(max_iter=4), {"alpha": [1e-4, 1e-2]}, cv=2).fit(X, Y)
    folders = set(tmp_path.glob("logs/*")) - {folder}
    assert len(folders) == 5
    assert all(len(read(each)[0]["validation_score"]) == 4 for each in folders)


def test_neither_torch_nor_tensorflow_is_needed():
    assert not {"torch", "tensorflow"} & set(sys.modules)
