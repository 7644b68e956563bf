"""Every example runs, keeps what its text promises, and draws what it should."""

import importlib.util
import io
import os
import re
import sys
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import sklearn.metrics
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from skneural import ScratchMLPClassifier

# Older releases of matplotlib meet deprecations in newer releases of what they build upon.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:(matplotlib|pyparsing)")

FOLDER = Path(__file__).parents[1] / "examples"

# Per picture: the label of the x axis, the lines and the images of each of its axes.
PICTURES = {
    "plot_perceptron_gates": [("weighted sum", 4, 0)] + 5 * [("$x_1$", 0, 0)],
    "plot_xor": [("$x_1$", 0, 0), ("epoch", 1, 0), ("", 0, 0)],
    "plot_two_digits": [("$z$", 4, 0), ("iteration", 1, 0), ("", 0, 1), ("", 0, 0)],
    "plot_gradient_descent": [("iteration", 3, 0), ("iteration", 3, 0)],
    "plot_digits_one_hidden_layer": [("epoch", 2, 0), ("epoch", 2, 0)],
    "plot_mnist_softmax": [("epoch", 2, 0)] + 4 * [("", 0, 1)],
    "plot_displays": [
        ("epoch", 3, 0),
        ("", 0, 1),
        ("", 0, 0),
        ("$z$", 2, 0),
        ("", 0, 0),
        ("weight", 0, 0),
    ],
    "plot_raw_table": [("epoch", 2, 0), ("predicted", 3, 0)],
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
    elsewhere = {"serve"}  # integration/test_serving.py
    assert names == {*PICTURES, "digits_pipeline", "out_of_core_parquet", *elsewhere}


@pytest.mark.parametrize("name", PICTURES)
def test_example_draws_its_picture(name, tmp_path, pyplot):
    picture = tmp_path / "picture.png"
    load(name).main(picture)
    drawn = [(a.get_xlabel(), len(a.lines), len(a.images)) for a in pyplot.gcf().axes]
    assert drawn == PICTURES[name]
    assert len(np.unique(pyplot.imread(picture))) > 10


def test_the_neuron_with_given_weights_is_an_and_gate():
    gates = load("plot_perceptron_gates")
    assert_array_equal(gates.WEIGHTS, [1, 1])
    assert gates.THRESHOLD == 2
    assert_array_equal(gates.step(gates.X @ gates.WEIGHTS - gates.THRESHOLD), gates.GATES["AND"])


def test_a_small_change_of_a_weight_is_a_small_change_of_a_sigmoid_only():
    gates = load("plot_perceptron_gates")
    z = gates.CHANGED_WEIGHTS + gates.WEIGHTS[1] - gates.THRESHOLD
    assert_array_equal(np.diff(gates.step(z)), [1, 0])
    assert_allclose(gates.sigmoid(z), expit(z))
    assert np.all(np.diff(gates.sigmoid(z)) > 0)
    assert np.all(np.diff(gates.sigmoid(z)) <= np.diff(gates.CHANGED_WEIGHTS) / 4)


@pytest.mark.parametrize("name", ["AND", "OR", "NAND"])
def test_one_neuron_learns_gates_and_comes_to_rest(name):
    gates = load("plot_perceptron_gates")
    neuron = gates.learn(gates.GATES[name])
    assert_array_equal(neuron.predict(gates.X), gates.GATES[name])
    sums, threshold = gates.X @ neuron.coef_[0], -neuron.intercept_[0]
    assert_array_equal(sums > threshold, gates.GATES[name])
    assert not np.any(sums == threshold)
    longer = clone(neuron).set_params(max_iter=200).fit(gates.X, gates.GATES[name])
    assert_array_equal(longer.coef_, neuron.coef_)
    assert_array_equal(longer.intercept_, neuron.intercept_)


def test_one_neuron_never_learns_xor():
    gates = load("plot_perceptron_gates")
    neuron = clone(gates.learn(gates.XOR))
    for n_epochs in range(1, 101):
        neuron.set_params(max_iter=n_epochs).fit(gates.X, gates.XOR)
        assert np.any(neuron.predict(gates.X) != gates.XOR)


def test_two_layers_are_xor():
    gates = load("plot_perceptron_gates")
    learned = {name: gates.learn(answers) for name, answers in gates.GATES.items()}
    hidden = np.column_stack([learned["OR"].predict(gates.X), learned["NAND"].predict(gates.X)])
    assert_array_equal(learned["AND"].predict(hidden), gates.XOR)


def test_the_network_finds_that_xor_is_the_and_of_or_and_nand():
    gates = load("plot_perceptron_gates")
    network = gates.learn_xor()
    assert_array_equal(network.predict(gates.X), gates.XOR)
    hidden = gates.X @ network.coefs_[0] + network.intercepts_[0] > 0
    found = {tuple(map(int, answers)) for answers in hidden.T}
    assert found == {tuple(gates.GATES["OR"]), tuple(gates.GATES["NAND"])}
    raw = np.where(gates.X, 1, -1) @ network.coefs_[1][:, 0] + network.intercepts_[1]
    assert_array_equal(raw > 0, gates.GATES["AND"])


@pytest.fixture(name="two_digits")
def trained_on_two_digits():
    """The example, its data, our model and scikit-learn's."""
    example = load("plot_two_digits")
    X_train, X_test, y_train, y_test = example.load_threes_and_eights()
    models = example.train(X_train, y_train).values()
    assert [type(model).__name__ for model in models] == [
        "ScratchLogisticRegression",
        "LogisticRegression",
    ]
    return example, (X_train, y_train), (X_test, y_test), *models


def test_three_and_eight_are_told_apart_as_by_scikit_learn(two_digits):
    _, train, test, ours, theirs = two_digits
    assert ours.score(*train) >= 0.99
    assert ours.score(*test) >= 0.98
    to_the_optimum = clone(theirs).set_params(tol=1e-10, max_iter=1000).fit(*train)
    assert_allclose(ours.coef_, to_the_optimum.coef_, atol=1e-3)
    for X, _ in (train, test):
        assert_array_equal(ours.predict(X), theirs.predict(X))
        assert_allclose(ours.predict_proba(X), to_the_optimum.predict_proba(X), atol=1e-4)


def test_three_and_eight_cost_no_more_than_with_scikit_learn(two_digits):
    example, train, _, ours, theirs = two_digits
    assert example.cost(ours, *train) <= example.cost(theirs, *train) * (1 + 1e-6)
    assert_allclose(example.cost(ours, *train), example.cost(theirs, *train), rtol=1e-4)
    assert_allclose(ours.loss_, example.cost(ours, *train))
    assert np.all(np.diff([np.log(2), *ours.loss_curve_]) <= 0)


def test_eight_is_where_its_probability_is_above_one_half(two_digits):
    _, _, (X, _), ours, _ = two_digits
    z = X @ ours.coef_[0] + ours.intercept_[0]
    p = ours.predict_proba(X)[:, 1]
    assert_allclose(p, expit(z))
    assert_array_equal(ours.predict(X), np.where(p > 0.5, 8, 3))
    assert_array_equal(p > 0.5, z > 0)


def test_ink_on_the_left_speaks_for_an_eight(two_digits):
    weights = two_digits[3].coef_.reshape(8, 8)
    _, column = np.unravel_index(weights.argmax(), weights.shape)
    assert column < 4
    assert weights[2:7, 2].min() > 0.5


def test_cost_falls_with_every_step_of_gradient_descent():
    descent = load("plot_gradient_descent")
    X, y = descent.load_tumours()
    model = descent.descend(X, y, n_steps=1000)
    assert len(model.loss_curve_) == 1000
    assert_allclose(model.loss_curve_[0], np.log(2))
    assert np.all(np.diff([*model.loss_curve_, descent.cost(model, X, y)]) < 0)


def test_first_two_steps_of_gradient_descent_are_those_of_the_formula():
    descent = load("plot_gradient_descent")
    X, y = descent.load_tumours()
    n, eta = len(X), descent.safe_learning_rate(X)
    w, b = np.zeros(X.shape[1]), 0.0
    for n_steps in (1, 2):
        p = 1 / (1 + np.exp(-(X @ w + b)))
        w, b = w - eta * (X.T @ (p - y) / n + w / n), b - eta * np.mean(p - y)
        model = descent.descend(X, y, n_steps)
        assert_allclose(model.coef_[0], w)
        assert_allclose(model.intercept_[0], b)


def test_curvature_is_what_the_example_of_gradient_descent_says():
    descent = load("plot_gradient_descent")
    X, y = descent.load_tumours()
    with_ones = np.column_stack([X, np.ones(len(X))])
    penalty = np.diag([1.0] * X.shape[1] + [0.0]) / len(X)
    most_curved = np.linalg.eigvalsh(with_ones.T @ with_ones / (4 * len(X)))[-1] + 1 / len(X)
    assert_allclose(1 / descent.safe_learning_rate(X), most_curved)
    for p in (np.full(len(X), 0.5), descent.descend(X, y, 1000).predict_proba(X)[:, 1]):
        curvature = (with_ones.T * (p * (1 - p))) @ with_ones / len(X) + penalty
        flattest, *_, steepest = np.linalg.eigvalsh(curvature)
        assert steepest <= most_curved * (1 + 1e-9)
        assert 1800 < most_curved / flattest < 2000


def test_gradient_descent_and_lbfgs_have_the_same_optimum(tmp_path, capsys):
    load("plot_gradient_descent").main(tmp_path / "picture.png")
    printed = capsys.readouterr().out
    rows = re.findall(r"^(gradient descent|lbfgs|scikit-learn) +(\d+) +(\S+)$", printed, re.M)
    excess = {(name, int(n_iter)): float(cost) for name, n_iter, cost in rows}
    (ours,) = (key for key in excess if key[0] == "lbfgs")
    (theirs,) = (key for key in excess if key[0] == "scikit-learn")
    assert ours[1] <= 30
    assert excess[ours] <= excess[theirs]
    assert excess["gradient descent", 10_000] < 1e-8 < excess["gradient descent", 1000]
    assert 1000 < int(re.search(r"takes (\d+) steps", printed)[1]) < 10_000
    assert float(re.search(r"but for (\S+)\.", printed)[1]) < 1e-3


@pytest.fixture(name="printed_by_xor", scope="module")
def what_xor_prints(tmp_path_factory):
    """It trains 21 networks, which takes seconds."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        load("plot_xor").main(tmp_path_factory.mktemp("xor") / "picture.png")
    return printed.getvalue()


def test_xor_is_learnt_from_nearly_every_seed(printed_by_xor):
    assert int(re.search(r"right from (\d+) of 20 seeds", printed_by_xor)[1]) >= 18


def test_xor_has_at_most_eight_hidden_units_and_a_sigmoid_output():
    network = load("plot_xor").train(seed=0)
    assert network.coefs_[0].shape[1] <= 8
    assert network.activation == "relu"
    assert network.out_activation_ == "logistic"


def test_xor_prints_every_hundredth_loss(printed_by_xor):
    epochs = [int(epoch) for epoch in re.findall(r"Iteration (\d+), loss", printed_by_xor)]
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


def test_probabilities_of_a_raw_table_are_as_sure_as_they_are_right(tmp_path, capsys):
    load("plot_raw_table").main(tmp_path / "picture.png")
    printed = capsys.readouterr().out
    rows = re.findall(r"^(.+): (\S+)% right, log loss (\S+)$", printed, re.M)
    (right, loss), (_, loss_of_trees), (most, least_loss) = (map(float, row[1:]) for row in rows)
    assert least_loss < loss < loss_of_trees
    out_of_fold = float(re.search(r"(\S+)% right out of fold", printed)[1])
    assert abs(out_of_fold - right) < 3
    assert max(right, out_of_fold) < most


def test_chances_of_customers_are_those_that_the_example_draws_from():
    example = load("plot_raw_table")
    X, has_left, probability = example.draw_customers()
    assert X["age"].isna().any()
    assert X["contract"].isna().any()
    deviation = np.sqrt(np.sum(probability * (1 - probability)))
    assert abs(has_left.sum() - probability.sum()) < 3 * deviation


def test_pipeline_finds_the_same_model_as_scikit_learn_without_matplotlib(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    example = load("digits_pipeline")
    # What is seven times the same here would only be timed.
    monkeypatch.setattr(example, "fit_in_turns", partial(example.fit_in_turns, n_turns=1))
    models = example.main()
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


def test_row_groups_are_learned_from_one_at_a_time(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    example = load("out_of_core_parquet")
    monkeypatch.setattr(example, "ROWS_PER_GROUP", 1000)
    read = []
    monkeypatch.setattr(
        example,
        "read_group",
        lambda file, number, read_group=example.read_group: (
            read.append(int(number)) or read_group(file, number)
        ),
    )
    found, size, grown = example.main(n_groups=20)
    assert found > 0.9
    assert grown < 25 * 2**20  # the file has 5 MB; pages of libraries come in for the first time
    assert size > 20 * 1000 * 64 * 4
    # The scaler reads the groups as they come, each epoch in an order of its own.
    to_train = list(range(18))
    epochs = [read[start : start + 18] for start in range(0, 72, 18)]
    assert epochs[0] == to_train
    assert all(sorted(epoch) == to_train for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4
    assert read[72:] == [18, 19]
    printed = capsys.readouterr().out
    losses = [float(loss) for loss in re.findall(r"mean loss (\S+)", printed)]
    assert losses == sorted(losses, reverse=True)
    assert len(losses) == example.N_EPOCHS
    assert f"{found:.4f}" in printed
    assert "in 20 row groups" in printed
