"""Every example runs, keeps what its text promises, and draws what it should."""

import importlib.util
import io
import os
import re
import runpy
import sys
from contextlib import redirect_stdout
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import sklearn.metrics
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from skneural import ScratchMLPClassifier

# Older releases of matplotlib meet deprecations in newer releases of what they build upon.
pytestmark = [
    pytest.mark.documentation,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:(matplotlib|pyparsing)"),
]

FOLDER = Path(__file__).parents[1] / "examples"

#: Scripts that are no pages of the gallery.
SCRIPTS = {"digits_pipeline", "out_of_core_parquet", "serve"}

# Per figure: the label of the x axis, the lines and the images of each of its axes.
PICTURES = {
    "plot_autoencoder": [18 * [("", 0, 1)]],
    "plot_calibration": [[("predicted", 3, 0), ("predicted", 0, 0)]],
    "plot_class_weights": [2 * [("$x_1$", 2, 0)]],
    "plot_decision_boundaries": [[*4 * [("", 2, 0)], ("", 0, 0)]],
    "plot_digits_one_hidden_layer": [2 * [("epoch", 2, 0)]],
    "plot_displays": [
        [
            ("epoch", 3, 0),
            ("", 0, 1),
            ("", 0, 0),
            ("$z$", 2, 0),
            ("", 0, 0),
            ("weight", 0, 0),
        ]
    ],
    "plot_dropout": [[("epoch", 2, 0), ("share of units removed", 2, 0)]],
    "plot_first_layer_filters": [[*2 * [("", 0, 1)], *2 * [("", 0, 0)]]],
    "plot_getting_started": [[("", 3, 0), ("epoch", 2, 0)]],
    "plot_gradient_descent": [2 * [("iteration", 3, 0)]],
    "plot_grid_search": [[("learning rate", 0, 1), ("", 0, 0)]],
    "plot_hidden_representations": [2 * [("", 0, 0)]],
    "plot_l1_paths": [[("C (penalty strong on the left, weak on the right)", 34, 0)]],
    "plot_learning_rate_finder": [[("learning rate", 3, 0), ("epoch", 3, 0)]],
    "plot_loss_landscape": [[("$w_1$", 5, 0)]],
    "plot_mnist_softmax": [[("epoch", 3, 0), *4 * [("", 0, 1)]]],
    "plot_perceptron_gates": [[("weighted sum", 4, 0)], 6 * [("$x_1$", 0, 0)]],
    "plot_quantile_bands": [[("x", 5, 0)]],
    "plot_raw_table": [[("epoch", 2, 0), ("predicted", 3, 0)]],
    "plot_saliency": [[*10 * [("", 0, 1)], ("", 0, 0)]],
    "plot_two_digits": [[("$z$", 4, 0), ("iteration", 1, 0), ("", 0, 1), ("", 0, 0)]],
    "plot_xor": [[("$x_1$", 0, 0), ("epoch", 1, 0), ("", 0, 0)]],
}
MNIST = Path(os.environ.get("SKNEURAL_DATA", "")) / "mnist.npz"
needs_mnist = pytest.mark.skipif(
    not ("SKNEURAL_DATA" in os.environ and MNIST.is_file()),
    reason="data: SKNEURAL_DATA does not name a folder with mnist.npz",
)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """On a busy machine, the threads of BLAS mostly wait for each other."""
    with threadpool_limits(limits=1, user_api="blas"):
        yield


@cache
def run(name, data=""):
    """Run an example as the gallery does; its names, what it prints, and its figures.

    Each runs once: what is kept of it is not to be changed by a test.
    """
    # Imported here, where the filter of warnings holds.
    import matplotlib.pyplot as plt

    plt.close("all")  # what tests before have left open, in this process
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed):
        patch.setattr(plt, "show", lambda: None)
        patch.setenv("SKNEURAL_DATA", data)
        names = runpy.run_path(str(FOLDER / f"{name}.py"))
    figures = [plt.figure(number) for number in plt.get_fignums()]
    pixels = []
    for figure in figures:
        figure.canvas.draw()
        pixels.append(np.array(figure.canvas.buffer_rgba()))
    plt.close("all")
    return SimpleNamespace(**names, printed=printed.getvalue(), figures=figures, pixels=pixels)


def load(name):
    """Import an example that is a script."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    return example


def test_every_example_is_tested():
    names = {path.stem for path in FOLDER.glob("*.py")}
    assert names == {*PICTURES, *SCRIPTS}


@pytest.mark.parametrize("name", PICTURES)
def test_example_draws_its_picture(name):
    example = run(name)
    drawn = [
        [(a.get_xlabel(), len(a.lines), len(a.images)) for a in figure.axes]
        for figure in example.figures
    ]
    assert drawn == PICTURES[name]
    for pixels in example.pixels:
        assert len(np.unique(pixels.view(np.uint32)[::3])) > 10
        # Nothing is cut off: the outermost pixels are background.
        edges = (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1])
        assert all((edge == 255).all() for edge in edges)


@pytest.mark.parametrize("name", PICTURES)
def test_example_is_a_page_of_the_gallery(name):
    source = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    assert re.match(r'r?"""\n(.+)\n=+\n\n', source)
    assert "\n# %%\n" in source
    assert "plt.show()" in source
    assert "__file__" not in source
    assert len(source.splitlines()) < 130


def test_the_neuron_with_given_weights_is_an_and_gate():
    gates = run("plot_perceptron_gates")
    assert_array_equal(gates.WEIGHTS, [1, 1])
    assert gates.THRESHOLD == 2
    assert_array_equal(gates.step(gates.X @ gates.WEIGHTS - gates.THRESHOLD), gates.GATES["AND"])


def test_a_small_change_of_a_weight_is_a_small_change_of_a_sigmoid_only():
    gates = run("plot_perceptron_gates")
    z = gates.CHANGED_WEIGHTS + gates.WEIGHTS[1] - gates.THRESHOLD
    assert_array_equal(np.diff(gates.step(z)), [1, 0])
    assert_allclose(gates.sigmoid(z), expit(z))
    assert np.all(np.diff(gates.sigmoid(z)) > 0)
    assert np.all(np.diff(gates.sigmoid(z)) <= np.diff(gates.CHANGED_WEIGHTS) / 4)


@pytest.mark.parametrize("name", ["AND", "OR", "NAND"])
def test_one_neuron_learns_gates_and_comes_to_rest(name):
    gates = run("plot_perceptron_gates")
    neuron = gates.learn(gates.GATES[name])
    assert_array_equal(neuron.predict(gates.X), gates.GATES[name])
    sums, threshold = gates.X @ neuron.coef_[0], -neuron.intercept_[0]
    assert_array_equal(sums > threshold, gates.GATES[name])
    assert not np.any(sums == threshold)
    longer = clone(neuron).set_params(max_iter=200).fit(gates.X, gates.GATES[name])
    assert_array_equal(longer.coef_, neuron.coef_)
    assert_array_equal(longer.intercept_, neuron.intercept_)


def test_one_neuron_never_learns_xor():
    gates = run("plot_perceptron_gates")
    neuron = clone(gates.learn(gates.XOR))
    for _ in range(100):
        neuron.partial_fit(gates.X, gates.XOR, classes=[0, 1])
        assert np.any(neuron.predict(gates.X) != gates.XOR)


def test_two_layers_are_xor():
    gates = run("plot_perceptron_gates")
    learned = {name: gates.learn(answers) for name, answers in gates.GATES.items()}
    hidden = np.column_stack([learned["OR"].predict(gates.X), learned["NAND"].predict(gates.X)])
    assert_array_equal(learned["AND"].predict(hidden), gates.XOR)


def test_the_network_finds_that_xor_is_the_and_of_or_and_nand():
    gates = run("plot_perceptron_gates")
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
    example = run("plot_two_digits")
    train, test = (example.X_train, example.y_train), (example.X_test, example.y_test)
    assert type(example.ours).__name__ == "ScratchLogisticRegression"
    assert type(example.theirs).__name__ == "LogisticRegression"
    return example, train, test, example.ours, example.theirs


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
    descent = run("plot_gradient_descent")
    X, y = descent.X, descent.y
    model = descent.descend(X, y, n_steps=1000)
    assert len(model.loss_curve_) == 1000
    assert_allclose(model.loss_curve_[0], np.log(2))
    assert np.all(np.diff([*model.loss_curve_, descent.cost(model, X, y)]) < 0)


def test_first_two_steps_of_gradient_descent_are_those_of_the_formula():
    descent = run("plot_gradient_descent")
    X, y = descent.X, descent.y
    n, eta = len(X), descent.safe_learning_rate(X)
    w, b = np.zeros(X.shape[1]), 0.0
    for n_steps in (1, 2):
        p = 1 / (1 + np.exp(-(X @ w + b)))
        w, b = w - eta * (X.T @ (p - y) / n + w / n), b - eta * np.mean(p - y)
        model = descent.descend(X, y, n_steps)
        assert_allclose(model.coef_[0], w)
        assert_allclose(model.intercept_[0], b)


def test_curvature_is_what_the_example_of_gradient_descent_says():
    descent = run("plot_gradient_descent")
    X, y = descent.X, descent.y
    with_ones = np.column_stack([X, np.ones(len(X))])
    penalty = np.diag([1.0] * X.shape[1] + [0.0]) / len(X)
    most_curved = np.linalg.eigvalsh(with_ones.T @ with_ones / (4 * len(X)))[-1] + 1 / len(X)
    assert_allclose(1 / descent.safe_learning_rate(X), most_curved)
    for p in (np.full(len(X), 0.5), descent.descend(X, y, 1000).predict_proba(X)[:, 1]):
        curvature = (with_ones.T * (p * (1 - p))) @ with_ones / len(X) + penalty
        flattest, *_, steepest = np.linalg.eigvalsh(curvature)
        assert steepest <= most_curved * (1 + 1e-9)
        assert 1800 < most_curved / flattest < 2000


def test_gradient_descent_and_lbfgs_have_the_same_optimum():
    printed = run("plot_gradient_descent").printed
    rows = re.findall(r"^(gradient descent|lbfgs|scikit-learn) +(\d+) +(\S+)$", printed, re.M)
    excess = {(name, int(n_iter)): float(cost) for name, n_iter, cost in rows}
    (ours,) = (key for key in excess if key[0] == "lbfgs")
    (theirs,) = (key for key in excess if key[0] == "scikit-learn")
    assert ours[1] <= 30
    assert excess[ours] <= excess[theirs]
    assert excess["gradient descent", 10_000] < 1e-8 < excess["gradient descent", 1000]
    assert 1000 < int(re.search(r"takes (\d+) steps", printed)[1]) < 10_000
    assert float(re.search(r"but for (\S+)\.", printed)[1]) < 1e-3


def test_xor_is_learnt_from_nearly_every_seed():
    printed = run("plot_xor").printed
    assert 18 <= int(re.search(r"right from (\d+) of 20 other seeds", printed)[1]) < 20


def test_xor_fails_where_the_network_is_linear_on_the_four_points():
    example = run("plot_xor")
    stuck = example.train(seed=23)
    assert stuck.score(example.X, example.y) < 1
    assert_allclose(stuck.loss_, 1 / 8, rtol=1e-3)
    assert_allclose(stuck.predict_proba(example.X), 0.5, atol=0.01)


def test_xor_has_at_most_eight_hidden_units_and_a_sigmoid_output():
    network = run("plot_xor").network
    assert network.coefs_[0].shape[1] <= 8
    assert network.activation == "relu"
    assert network.out_activation_ == "logistic"


def test_xor_prints_every_hundredth_loss():
    printed = run("plot_xor").printed
    epochs = [int(epoch) for epoch in re.findall(r"Iteration (\d+), loss", printed)]
    assert epochs[:3] == [1, 100, 200]
    assert all(epoch % 100 == 0 for epoch in epochs[1:-1])


@pytest.mark.parametrize(
    ("output", "activation"), [("sigmoid", "logistic"), ("softmax", "softmax")]
)
def test_digits_are_read(output, activation):
    digits = run("plot_digits_one_hidden_layer")
    X_train, X_test, y_test = digits.X_train, digits.X_test, digits.y_test
    network, losses = digits.trained[output]
    assert network.out_activation_ == activation
    assert digits.accuracy(network, X_test, y_test) >= 0.97
    assert len(losses) == network.t_ / len(X_train)
    assert np.all(losses[-1] < losses[0] / 5)
    assert losses[-1, 0] < losses[-1, 1]


@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
def test_log_loss_of_digits_is_scikit_learns(output):
    digits = run("plot_digits_one_hidden_layer")
    network, losses = digits.train(output, n_epochs=2)
    p, y_test = network.predict_proba(digits.X_test), digits.y_test
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
def test_adam_is_faster_and_more_accurate(folder, least_of_10_units, least_of_100_units):
    mnist = run("plot_mnist_softmax", folder)
    plain, adam, wide = (
        network.score(mnist.X_test, mnist.y_test) for network in mnist.networks.values()
    )
    assert plain < adam < wide
    assert adam >= least_of_10_units
    assert wide >= least_of_100_units
    assert all(np.less(mnist.curves["gradient descent"][5:], mnist.curves["Adam"][5:]))
    assert len(re.findall(r" 0\.\d{3}\b", mnist.printed)) == 3 * 4


def test_mnist_networks_start_from_the_same_weights():
    X, y = np.eye(10, dtype=np.float32), np.arange(10)
    mnist = run("plot_mnist_softmax")
    plain, adam = (
        clone(network)
        .set_params(learning_rate_init=1e-12, batch_size=10)
        .partial_fit(X, y, classes=y)
        for network in (mnist.plain, mnist.adam)
    )
    for ours, theirs in zip(plain.coefs_, adam.coefs_, strict=True):
        assert_allclose(ours, theirs, atol=1e-9)


def test_probabilities_of_a_raw_table_are_as_sure_as_they_are_right():
    printed = run("plot_raw_table").printed
    rows = re.findall(r"^(.+): (\S+)% right, log loss (\S+)$", printed, re.M)
    (right, loss), (_, loss_of_trees), (most, least_loss) = (map(float, row[1:]) for row in rows)
    assert least_loss < loss < loss_of_trees
    out_of_fold = float(re.search(r"out of fold: (\S+)% right", printed)[1])
    assert abs(out_of_fold - right) < 3
    assert max(right, out_of_fold) < most


def test_chances_of_customers_are_those_that_the_example_draws_from():
    example = run("plot_raw_table")
    X, has_left, probability = example.X, example.has_left, example.probability
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


def test_a_first_network_is_stopped_early_and_keeps_its_best_epoch():
    example = run("plot_getting_started")
    network = example.network
    assert network.stop_reason_ == "early_stopping"
    assert network.best_iteration_ < network.n_iter_
    assert np.all(np.diff(network.loss_curve_) < 0)
    assert example.model.score(example.X_test, example.y_test) > 0.95


def test_boundaries_overfit_in_the_end():
    example = run("plot_decision_boundaries")
    train, test = np.transpose(example.losses)
    assert 5 < example.best < 60
    assert train[-1] < 0.05 < train[4]
    assert test[4] < test[0]
    assert test[-1] > 3 * test.min()
    surest = np.abs(example.snapshots[300] - 0.5) > 0.49
    assert surest.mean() > 0.9


def test_paths_in_the_landscape_go_the_ways_of_their_formulas():
    example = run("plot_loss_landscape")
    paths, start, h = example.paths, np.array(example.start), 1e-6
    gradient = [
        (example.loss(*(start + shift)) - example.loss(*(start - shift))).item() / (2 * h)
        for shift in h * np.eye(2)
    ]
    for name in ("gradient descent", "momentum"):
        assert_allclose(paths[name][1], start - 0.2 * np.array(gradient), rtol=1e-6)
    assert_allclose(np.abs(paths["Adam"][1] - start), 0.2, rtol=1e-5)
    assert np.all(np.diff(example.loss(*paths["gradient descent"].T)) < 0)
    # Momentum rolls up the other side of the valley; gradient descent hardly moves on its floor.
    assert paths["momentum"][:, 1].max() > 1.9 > paths["gradient descent"][:, 1].max()
    ends = [example.loss(*path[-1]).item() for path in paths.values()]
    assert ends == sorted(ends, reverse=True)
    assert_allclose(np.abs(example.loss(2, 1) - example.loss(-2, -1)), 0)


def test_path_of_adam_in_the_landscape_is_that_of_two_weights_without_intercepts():
    example = run("plot_loss_landscape")
    x, y = example.x, example.y
    (w1, w2), m, v = example.start, np.zeros(2), np.zeros(2)
    path = [(w1, w2)]
    for t in range(1, 61):
        h = np.tanh(w1 * x)
        error = w2 * h - y
        gradient = np.array([np.mean(error * w2 * x * (1 - h**2)), np.mean(error * h)])
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        step = (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        w1, w2 = np.array([w1, w2]) - 0.2 * step
        path.append((w1, w2))
    assert_allclose(example.paths["Adam"], path, rtol=1e-4)


def test_filters_under_a_penalty_leave_borders_and_some_units_unused():
    example = run("plot_first_layer_filters")
    is_border = example.X_train.mean(axis=0) < 0.02
    assert is_border.sum() > 10
    borders, unused = [], []
    for network in example.networks.values():
        weights = np.abs(network.coefs_[0])
        borders.append(weights[is_border].mean() / weights.mean())
        unused.append(np.sum(weights.max(axis=0) < 1e-3))
    assert 2 * borders[1] < borders[0]
    assert unused[0] == 0 < unused[1]
    accuracies = [each.score(example.X_test, example.y_test) for each in example.networks.values()]
    assert accuracies[1] > accuracies[0] - 0.01


def test_dropout_helps_where_rows_are_few_and_units_are_missing():
    example = run("plot_dropout")
    without, dropped = map(np.array, example.losses.values())
    assert 20 < without.argmin() < 60
    assert dropped.min() < without.min()
    assert without[-1] > 1.2 * without.min()
    assert dropped[-1] < 1.1 * dropped.min()
    accuracies = [example.accuracy_without(0.6, each) for each in example.networks.values()]
    assert accuracies[0] + 0.05 < accuracies[1]


def test_suggested_learning_rate_is_better_than_far_lower_and_higher_ones():
    low, good, high = run("plot_learning_rate_finder").losses.values()
    assert good[-1] < high[-1] < low[-1]
    assert np.all(np.diff(good) < 0)
    assert np.all(np.diff(low) < 0)
    assert max(high[-5:]) > 2 * min(high)
    assert low[-1] > low[0] / 3


def test_calibration_halves_the_log_loss():
    example = run("plot_calibration")
    before, after = example.probabilities.values()
    log_losses = [sklearn.metrics.log_loss(example.y_test, p) for p in (before, after)]
    assert log_losses[1] < log_losses[0] / 2
    assert_allclose(np.mean((before > 0.5) == (after > 0.5)), 1, atol=0.02)
    errors = []
    for p in (before, after):
        observed, predicted = example.calibration_curve(example.y_test, p, n_bins=8)
        errors.append(np.abs(observed - predicted).max())
    assert errors[1] < errors[0] / 1.5


def test_grid_search_has_its_best_cell_inside():
    example = run("plot_grid_search")
    best = np.unravel_index(example.scores.argmax(), (5, 5))
    assert all(0 < place < 4 for place in best)
    assert_allclose(example.scores.max(), example.search.best_score_)
    assert example.scores[:4, 2:4].min() > 0.8 > 0.5 > example.scores[:, [0, 1, 4]].max()
    assert np.ptp(example.scores[:4, 2:4]) < 0.05
    assert example.scores[4].max() < 0.25
    results = example.search.cv_results_
    for (row, column), score in np.ndenumerate(example.scores):
        settings = results["params"][5 * row + column]
        assert settings["alpha"] == example.grid["alpha"][row]
        assert settings["learning_rate_init"] == example.grid["learning_rate_init"][column]
        assert score == results["mean_test_score"][5 * row + column]


def test_quantile_bands_hold_what_they_promise():
    example = run("plot_quantile_bands")
    below = np.mean(example.y_test[:, np.newaxis] < example.predicted, axis=0)
    assert_allclose(below, example.levels, atol=0.03)
    assert np.all(np.diff(example.predicted) > 0)
    assert (example.high - example.low)[-1] > 3 * (example.high - example.low)[0]


def test_hidden_units_tell_more_digits_apart_than_principal_components():
    printed = run("plot_hidden_representations").printed
    components, units = (float(share) for share in re.findall(r"(\S+)% right", printed))
    assert components < 70 < 85 < units


def test_features_enter_the_paths_in_the_order_of_the_text():
    example = run("plot_l1_paths")
    n_features = np.sum(example.weights != 0, axis=1)
    assert n_features[0] == 0
    assert n_features[16] <= 5
    assert n_features[24] == 8
    assert n_features[-1] == 16
    first = [example.names[j] for j in example.first]
    assert first == ["worst concave points", "worst perimeter", "worst radius"]
    perimeter, radius = example.weights[:, example.first[1:]].T
    assert perimeter[np.flatnonzero(radius)[0] - 1] < 0
    assert_array_equal(perimeter[12:24], 0)
    accuracies = [float(row.split()[2]) for row in example.printed.splitlines()[1:]]
    assert accuracies == sorted(accuracies)
    assert accuracies[3] - accuracies[2] < 0.02


def test_class_weights_find_more_rare_rows_for_more_false_alarms():
    example = run("plot_class_weights")
    (_, few_alarms), (many_missed, few_found), (_, alarms), (missed, found) = (
        row
        for network in example.networks.values()
        for row in sklearn.metrics.confusion_matrix(example.y_test, network.predict(example.X_test))
    )
    assert few_found < many_missed
    assert found > 5 * missed
    assert alarms > 5 * few_alarms


def test_input_gradients_say_how_the_logit_changes():
    example = run("plot_saliency")
    assert_array_equal(example.predicted, example.y_test[example.rows])
    rows = re.findall(r"changes by (\S+), the map says (\S+)$", example.printed, re.M)
    assert len(rows) == 5
    for change, expected in rows:
        assert_allclose(float(change), float(expected), rtol=1e-3)
    zero, six = (example.saliency[i].reshape(8, 8) for i in (0, 3))
    assert zero[3:5, 4].max() < -0.5
    assert six[2:4, 4:6].max() < 0
    assert example.network.score(example.X_test, example.y_test) > 0.95


def test_autoencoder_keeps_more_than_principal_components():
    example = run("plot_autoencoder")
    shares = [float(share) for share in re.findall(r"leaves (\S+)% of", example.printed)]
    assert shares[0] < shares[1] - 10
    code = example.encoder.transform(example.X_test)
    assert code.shape == (len(example.X_test), 4)
    hidden = np.maximum(
        code @ example.autoencoder.coefs_[2] + example.autoencoder.intercepts_[2], 0
    )
    again = hidden @ example.autoencoder.coefs_[3] + example.autoencoder.intercepts_[3]
    assert_allclose(again, example.drawn_again["autoencoder"], atol=1e-8)
