"""Every example runs, keeps what its text promises, and draws what it should."""

import importlib.util
import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import sklearn.metrics
from numpy.testing import assert_allclose
from scipy.special import expit
from threadpoolctl import threadpool_limits

from skneural import ScratchMLPClassifier

# Older releases of matplotlib meet deprecations in newer releases of what they build upon.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:(matplotlib|pyparsing)")

FOLDER = Path(__file__).parents[1] / "examples"

# Per picture: the label of the x axis, the lines and the images of each of its axes.
PICTURES = {
    "plot_xor": [("$x_1$", 0, 0), ("epoch", 1, 0), ("", 0, 0)],
    "plot_digits_one_hidden_layer": [("epoch", 2, 0), ("epoch", 2, 0)],
    "plot_mnist_softmax": [("epoch", 2, 0)] + 4 * [("", 0, 1)],
}
MNIST = Path(os.environ.get("SKNEURAL_DATA", "")) / "mnist.npz"
needs_mnist = pytest.mark.skipif(
    not ("SKNEURAL_DATA" in os.environ and MNIST.is_file()),
    reason="data: SKNEURAL_DATA does not name a folder with mnist.npz",
)


@pytest.fixture(autouse=True)
def one_thread():
    """On a busy machine, the threads of BLAS mostly wait for each other."""
    with threadpool_limits(limits=1, user_api="blas"):
        yield


@pytest.fixture(autouse=True)
def small_data(monkeypatch):
    monkeypatch.delenv("SKNEURAL_DATA", raising=False)


@pytest.fixture(autouse=True)
def pyplot():
    # Imported here, where the filter of warnings holds.
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


def load(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    return example


def test_every_example_is_tested():
    names = {path.stem for path in FOLDER.glob("*.py")}
    assert names == {*PICTURES, "digits_pipeline"}


@pytest.mark.parametrize("name", PICTURES)
def test_example_draws_its_picture(name, tmp_path, pyplot):
    picture = tmp_path / "picture.png"
    load(name).main(picture)
    drawn = [(a.get_xlabel(), len(a.lines), len(a.images)) for a in pyplot.gcf().axes]
    assert drawn == PICTURES[name]
    assert len(np.unique(pyplot.imread(picture))) > 10


def test_xor_is_learnt_from_nearly_every_seed():
    xor = load("plot_xor")
    n_right = sum(np.array_equal(xor.train(seed).predict(xor.X), xor.y) for seed in range(20))
    assert n_right >= 18


def test_xor_has_at_most_eight_hidden_units_and_a_sigmoid_output():
    network = load("plot_xor").train(seed=0)
    assert network.coefs_[0].shape[1] <= 8
    assert network.activation == "relu"
    assert network.out_activation_ == "logistic"


def test_xor_prints_every_hundredth_loss(tmp_path, capsys):
    load("plot_xor").main(tmp_path / "picture.png")
    printed = capsys.readouterr().out
    epochs = [int(epoch) for epoch in re.findall(r"Iteration (\d+), loss", printed)]
    assert epochs[:3] == [1, 100, 200]
    assert all(epoch % 100 == 0 for epoch in epochs[1:-1])


@pytest.mark.parametrize(
    ("output", "activation"), [("sigmoid", "logistic"), ("softmax", "softmax")]
)
def test_digits_are_read(output, activation):
    digits = load("plot_digits_one_hidden_layer")
    X_train, X_test, y_train, y_test = digits.load_scaled_digits()
    network, losses = digits.train(output, X_train, X_test, y_train, y_test)
    assert network.out_activation_ == activation
    assert digits.accuracy(network, X_test, y_test) >= 0.97
    assert len(losses) == network.t_ / len(X_train)
    assert np.all(losses[-1] < losses[0] / 5)
    assert losses[-1, 0] < losses[-1, 1]


@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
def test_log_loss_of_digits_is_scikit_learns(output):
    digits = load("plot_digits_one_hidden_layer")
    X_train, X_test, y_train, y_test = digits.load_scaled_digits()
    network, losses = digits.train(output, X_train, X_test, y_train, y_test, n_epochs=2)
    p = network.predict_proba(X_test)
    expected = sklearn.metrics.log_loss(y_test, p) if output == "softmax" else 0
    if output == "sigmoid":
        for digit in range(10):
            expected += sklearn.metrics.log_loss(y_test == digit, p[:, digit])
    assert_allclose(losses[-1, 1], expected)


def descend(loss, z, y):
    """One step of gradient descent from the raw output z: the loss there, and the step."""
    network = ScratchMLPClassifier(
        hidden_layer_sizes=(),
        loss=loss,
        solver="sgd",
        learning_rate_init=1,
        momentum=0,
        nesterovs_momentum=False,
        alpha=0,
    )
    network.partial_fit([[0.0]], [y], classes=[0, 1])
    network.intercepts_[0][...] = z
    network.partial_fit([[0.0]], [y])
    return network.loss_, z - network.intercepts_[0][0]


@pytest.mark.parametrize("y", [0, 1])
@pytest.mark.parametrize("z", [-2.0, -0.1, 1.5])
def test_gradients_are_those_that_the_digits_example_says(y, z):
    p = expit(z)
    derivatives = {"squared_error": (p - y) * p * (1 - p), "log_loss": p - y}
    without_slope = {"squared_error": p - y, "log_loss": (p - y) / (p * (1 - p))}
    for loss, derivative in derivatives.items():
        _, step = descend(loss, z, y)
        (right, _), (left, _) = descend(loss, z + 1e-5, y), descend(loss, z - 1e-5, y)
        assert_allclose(step, derivative)
        assert_allclose((right - left) / 2e-5, derivative, rtol=1e-6)
        assert_allclose(without_slope[loss] * p * (1 - p), derivative)


@pytest.mark.parametrize(
    ("folder", "least_of_10_units", "least_of_100_units"),
    [
        pytest.param("", 0.85, 0.96, id="digits"),
        pytest.param(str(MNIST.parent), 0.93, 0.975, id="mnist", marks=needs_mnist),
    ],
)
def test_adam_is_faster_and_more_accurate(
    folder, least_of_10_units, least_of_100_units, monkeypatch, tmp_path, capsys
):
    monkeypatch.setenv("SKNEURAL_DATA", folder)
    mnist = load("plot_mnist_softmax")
    X_train, X_test, y_train, y_test = mnist.load_images()
    networks, curves = mnist.compare(X_train, X_test, y_train, y_test)
    plain, adam, wide = (network.score(X_test, y_test) for network in networks.values())
    assert plain < adam < wide
    assert adam >= least_of_10_units
    assert wide >= least_of_100_units
    assert all(np.less(curves["gradient descent"][5:], curves["Adam"][5:]))
    assert capsys.readouterr().out.count("training accuracy") == 3 * 3
    mnist.draw(networks, curves, X_test).savefig(tmp_path / "picture.png")


def test_mnist_networks_start_from_the_same_weights():
    X, y = np.eye(10, dtype=np.float32), np.arange(10)
    networks = load("plot_mnist_softmax").untrained_networks(n_images=10)
    plain, adam = (
        networks[name].set_params(learning_rate_init=1e-12).partial_fit(X, y, classes=y)
        for name in ("gradient descent", "Adam")
    )
    for ours, theirs in zip(plain.coefs_, adam.coefs_, strict=True):
        assert_allclose(ours, theirs, atol=1e-9)


def test_pipeline_finds_the_same_model_as_scikit_learn_without_matplotlib(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    models = load("digits_pipeline").main()
    theirs, ours = (model["network"] for model in models)
    assert type(theirs).__name__ == "MLPClassifier"
    assert type(ours).__name__ == "ScratchMLPClassifier"
    assert ours.n_iter_ == theirs.n_iter_
    assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-6)
    printed = capsys.readouterr().out
    accuracies = [float(number) for number in re.findall(r"0\.\d{4}\b", printed)]
    assert len(accuracies) == 2
    assert min(accuracies) >= 0.96
    assert float(re.search(r"probabilities is (\S+)\.", printed)[1]) < 1e-6
