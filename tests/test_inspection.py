"""What the displays draw, on what axes, and what they refuse."""

import sys
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import MLPClassifier

from skneural import (
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
)
from skneural.activations import ACTIVATIONS, Activation
from skneural.inspection import (
    ActivationDisplay,
    LearningRateDisplay,
    LossCurveDisplay,
    NetworkDisplay,
    WeightsDisplay,
)
from skneural.learning_rate_finder import find_learning_rate
from skneural.losses import Huber, Quantile

# Older releases of matplotlib meet deprecations in newer releases of what they build upon.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:(matplotlib|pyparsing)")

X, y = load_iris(return_X_y=True)


@pytest.fixture(autouse=True)
def pyplot():
    # Imported here, where the filter of warnings holds.
    import matplotlib.pyplot as plt

    yield plt
    # Whatever was drawn is complete only now; a label without a glyph would warn. To lay panels out
    # takes as long again: where there is room for all, the first test of each display does that.
    for figure in map(plt.figure, plt.get_fignums()):
        if len(figure.axes) < 3:
            figure.set_layout_engine("none")
        figure.draw_without_rendering()
    plt.close("all")


def network(estimator=ScratchMLPClassifier, **settings):
    small = {"hidden_layer_sizes": (6, 5), "early_stopping": True, "random_state": 0}
    few_epochs = {"tol": 100, "n_iter_no_change": 4}
    return estimator(**{**small, **few_epochs, **settings}).fit(X, y)


NETWORK = network()
LOGISTIC = ScratchLogisticRegression().fit(X, y)

DRAWN = [
    pytest.param(LossCurveDisplay.from_estimator, NETWORK, id="losses"),
    pytest.param(WeightsDisplay.from_estimator, NETWORK, id="weights"),
    pytest.param(NetworkDisplay.from_estimator, NETWORK, id="network"),
    pytest.param(ActivationDisplay.from_estimator, NETWORK, id="activation of a network"),
    pytest.param(ActivationDisplay.from_activation, "gelu", id="activation"),
    pytest.param(partial(LearningRateDisplay.from_estimator, X=X, y=y), NETWORK, id="rates"),
]


@pytest.mark.parametrize(("draw", "what"), DRAWN)
def test_a_display_draws_on_new_and_on_given_axes(draw, what, pyplot):
    display = draw(what)
    assert pyplot.get_fignums() == [display.figure_.number]
    assert display.ax_.figure is display.figure_
    display.figure_.draw_without_rendering()
    figure, ax = pyplot.subplots()
    assert draw(what, ax=ax).ax_ is ax
    assert ax.has_data()
    first = display.ax_
    assert display.plot(ax=ax) is display
    assert display.ax_ is ax is not first
    assert display.figure_ is figure
    assert len(pyplot.get_fignums()) == 2


@pytest.mark.parametrize(
    "draw",
    [
        display.from_estimator
        for display in (LossCurveDisplay, WeightsDisplay, NetworkDisplay, ActivationDisplay)
    ],
)
def test_unfitted_estimators_are_refused(draw):
    with pytest.raises(NotFittedError):
        draw(ScratchMLPClassifier())


REFUSED = {
    "curves left out": (LossCurveDisplay, NETWORK.for_prediction(), {}, "for_prediction"),
    "no curves": (LossCurveDisplay, ScratchPerceptron().fit(X, y), {}, "no loss_curve_"),
    "no epochs": (
        LossCurveDisplay,
        ScratchLogisticRegression().fit(np.ones((6, 2)), [0, 1] * 3),
        {},
        "began at the optimum, with a loss of 0.693147, and ended before the first epoch",
    ),
    "no layer": (WeightsDisplay, NETWORK, {"layer": 3}, "layer=3: the weights have 3 layers"),
    "no image": (WeightsDisplay, NETWORK, {"layer": 1}, "image_shape="),
    "other image": (WeightsDisplay, NETWORK, {"image_shape": (8, 8)}, "8 x 8 pixels"),
    "no hidden layers": (ActivationDisplay, LOGISTIC, {}, "no hidden layers"),
    "too few axes": (ActivationDisplay, network(activation=["relu", "tanh"]), {"ax": [0]}, "for 2"),
}


@pytest.mark.parametrize(
    ("display", "estimator", "settings", "words"), REFUSED.values(), ids=REFUSED
)
def test_what_cannot_be_drawn_is_said(display, estimator, settings, words):
    with pytest.raises(ValueError, match=words):
        display.from_estimator(estimator, **settings)


def test_unknown_activation_is_refused():
    with pytest.raises(ValueError, match="no activation 'rellu'"):
        ActivationDisplay.from_activation("rellu")


def test_missing_matplotlib_is_said(monkeypatch):
    for name in ("matplotlib", "matplotlib.pyplot"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r'pip install "skneural\[plot\]"'):
        LossCurveDisplay([2, 1]).plot()


# ------------------------------------------------------------------------------ losses

TRAINING, VALIDATION = "training", "validation"
CURVES = {
    "early stopping": (NETWORK, [TRAINING, VALIDATION], ["loss", "accuracy"], "epoch"),
    "no validation": (network(early_stopping=False), [TRAINING], ["loss"], "epoch"),
    "by loss": (
        network(early_stopping_metric="loss"),
        [TRAINING, VALIDATION],
        ["loss"],
        "epoch",
    ),
    "by scorer": (
        network(early_stopping_metric="f1_macro"),
        [TRAINING, VALIDATION],
        ["loss", "f1_macro"],
        "epoch",
    ),
    "regressor": (
        network(ScratchMLPRegressor),
        [TRAINING, VALIDATION],
        ["loss", "$R^2$"],
        "epoch",
    ),
    "logistic regression": (LOGISTIC, [TRAINING], ["loss"], "iteration"),
}


@pytest.mark.parametrize(("estimator", "labels", "panels", "epochs"), CURVES.values(), ids=CURVES)
def test_loss_curves(estimator, labels, panels, epochs):
    display = LossCurveDisplay.from_estimator(estimator)
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert legend == [*labels, f"best {epochs}: {estimator.best_iteration_}"]
    assert [panel.get_ylabel() for panel in display.axes_] == panels
    assert display.axes_[-1].get_xlabel() == epochs
    assert_array_equal(display.lines_[0].get_ydata(), estimator.loss_curve_)
    assert_array_equal(display.lines_[0].get_xdata(), np.arange(len(estimator.loss_curve_)) + 1)
    for panel in display.axes_:
        assert_array_equal(panel.lines[-1].get_xdata(), estimator.best_iteration_)
    styles = [(line.get_color(), line.get_linestyle()) for line in display.lines_[:2]]
    assert styles == [("C0", "-"), ("C1", "--")][: len(labels)]


def test_scikit_learns_networks_have_loss_curves_too():
    theirs = MLPClassifier(5, solver="lbfgs", max_iter=1000, tol=1, random_state=0).fit(X, y)
    theirs.loss_curve_ = [3.0, 2.0]  # scikit-learn keeps none for this solver
    display = LossCurveDisplay.from_estimator(theirs)
    assert len(display.lines_) == 1
    assert display.ax_.get_xlabel() == "iteration"


def test_adopted_networks_have_no_validation_losses_to_draw():
    few_epochs = {"tol": 100, "n_iter_no_change": 4, "random_state": 0}
    theirs = MLPClassifier(5, early_stopping=True, **few_epochs).fit(X, y)
    adopted = ScratchMLPClassifier.from_sklearn(theirs).set_params(warm_start=True)
    display = LossCurveDisplay.from_estimator(adopted)
    assert [len(line.get_xdata()) for line in display.lines_] == [6, 6]  # losses and scores
    display = LossCurveDisplay.from_estimator(adopted.fit(X, y))
    assert_array_equal(np.isnan(display.lines_[1].get_ydata()), [True] * 6 + [False])


def test_short_curves_belong_to_the_last_epochs():
    display = LossCurveDisplay(
        [5, 4, 3, 2],
        validation_losses=[4, 3],
        validation_scores=[0.5, 0.7],
        learning_rates=[0.1, 0.01, 0.001],
    ).plot()
    assert [list(line.get_xdata()) for line in display.lines_] == [
        [1, 2, 3, 4],
        [3, 4],
        [3, 4],
        [2, 3, 4],
    ]
    assert [panel.get_ylabel() for panel in display.axes_] == ["loss", "score", "learning rate"]
    assert [panel.get_yscale() for panel in display.axes_] == ["linear", "linear", "log"]


@pytest.mark.parametrize(
    ("losses", "log_scale", "scale"),
    [
        ([2, 1], "auto", "linear"),
        ([20, 1], "auto", "log"),
        ([20, 0], "auto", "linear"),
        ([20, -1], "auto", "linear"),
        ([20, 1, np.inf], "auto", "log"),
        ([20, 1], False, "linear"),
        ([2, 1], True, "log"),
    ],
)
def test_scale_of_losses(losses, log_scale, scale):
    assert LossCurveDisplay(losses).plot(log_scale=log_scale).ax_.get_yscale() == scale


def test_several_trainings_in_one_picture(pyplot):
    _, ax = pyplot.subplots()
    for color, name in (("C0", "tanh"), ("C2", "relu")):
        LossCurveDisplay.from_estimator(NETWORK, ax=ax, name=name, color=color, linewidth=1)
    assert [line.get_color() for line in ax.lines] == 3 * ["C0"] + 3 * ["C2"]
    assert ax.get_legend().get_texts()[3].get_text() == "relu, training"


# ----------------------------------------------------------------------------- weights


def images_in(display, shape):
    """The images of a mosaic, in its order of rows: whatever is between them is empty."""
    mosaic = np.ma.filled(display.image_.get_array(), np.nan)
    corners = [patch.get_xy() for patch in display.ax_.patches]
    places = [(int(top + 0.5), int(left + 0.5)) for left, top in corners]
    images = [mosaic[i : i + shape[0], j : j + shape[1]] for i, j in places]
    assert np.isfinite(mosaic).sum() == np.size(images)
    return np.array(images)


def test_the_largest_weights_are_drawn_in_one_scale():
    display = WeightsDisplay.from_estimator(NETWORK, n_units=3)
    weights = NETWORK.coefs_[0].T
    largest = np.sort(np.argsort(np.linalg.norm(weights, axis=1))[-3:])
    assert_array_equal(images_in(display, (2, 2)), weights[largest].reshape(-1, 2, 2))
    low, high = display.image_.get_clim()
    assert -low == high == abs(weights[largest]).max()
    assert display.colorbar_.ax.get_ylabel() == "weight"
    assert not display.ax_.axison
    assert not display.ax_.texts


@pytest.mark.parametrize(
    ("estimator", "settings", "n_images", "names"),
    [
        (LOGISTIC, {}, 3, ["0", "1", "2"]),
        (LOGISTIC, {"n_units": 30, "image_shape": (1, 4)}, 3, ["0", "1", "2"]),
        (ScratchLogisticRegression().fit(X, y).sparsify(), {}, 3, ["0", "1", "2"]),
        (ScratchLogisticRegression().fit(X, y == 1), {}, 1, ["True"]),
        (ScratchPerceptron().fit(X, y), {}, 3, ["0", "1", "2"]),
        (NETWORK, {"layer": -1, "image_shape": (5, 1)}, 3, ["0", "1", "2"]),
        (network(ScratchMLPRegressor, hidden_layer_sizes=()), {}, 1, ["y"]),
    ],
)
def test_units_of_the_output_layer_have_names(estimator, settings, n_images, names):
    display = WeightsDisplay.from_estimator(estimator, colorbar=False, **settings)
    assert len(images_in(display, settings.get("image_shape", (2, 2)))) == n_images
    assert [text.get_text() for text in display.ax_.texts] == names
    assert display.colorbar_ is None
    assert len(display.figure_.axes) == 1


def test_weights_of_zero_have_a_scale():
    assert WeightsDisplay(np.zeros((1, 2, 2))).plot().image_.get_clim() == (-1, 1)


# ----------------------------------------------------------------------------- network


def test_every_weight_of_a_small_network_is_a_line():
    display = NetworkDisplay.from_estimator(NETWORK)
    assert [len(edges.get_segments()) for edges in display.edges_] == [4 * 6, 6 * 5, 5 * 3]
    largest = max(abs(weights).max() for weights in NETWORK.coefs_)
    for edges, weights in zip(display.edges_, NETWORK.coefs_, strict=True):
        assert edges.get_clim() == (-largest, largest)
        assert_array_equal(np.sort(edges.get_array()), np.sort(weights, axis=None))
        widest = np.argmax(edges.get_linewidths())
        assert abs(edges.get_array()[widest]) == abs(weights).max()
    sizes = ["input\n4", "hidden\n6", "hidden\n5", "output\n3"]
    names = ["x0", "x1", "x2", "x3", "0", "1", "2"]
    assert [text.get_text() for text in display.ax_.texts] == [*sizes, *names]
    assert display.colorbar_.ax.get_xlabel() == "weight"


def test_a_line_leads_from_unit_to_unit():
    coef = np.array([[1.0, -2.0], [3.0, 4.0]])
    (edges,) = NetworkDisplay([coef]).plot().edges_
    found = {}
    for ((_, start), (_, end)), weight in zip(edges.get_segments(), edges.get_array(), strict=True):
        found[int(start < 0), int(end < 0)] = weight
    assert found == {place: coef[place] for place in np.ndindex(2, 2)}


def test_long_layers_are_shortened():
    coefs = [np.ones((64, 11)), np.ones((11, 2)), np.ones((2, 10))]
    names = {"feature_names": [f"pixel {i}" for i in range(64)], "output_names": "0123456789"}
    display = NetworkDisplay(coefs, **names).plot()
    assert [len(edges.get_segments()) for edges in display.edges_] == [8 * 8, 8 * 2, 2 * 10]
    assert [edges.get_array() is None for edges in display.edges_] == [True, True, False]
    texts = [text.get_text() for text in display.ax_.texts]
    dots = r"$\vdots$"
    sizes = [dots, "input\n64", dots, "hidden\n11", "hidden\n2", "output\n10"]
    assert texts == [*sizes, *"0123456789"]
    assert NetworkDisplay(coefs[:2]).plot().colorbar_ is None


def test_names_come_from_the_estimator_unless_they_are_given():
    pandas = pytest.importorskip("pandas")
    columns = ["sepal length", "sepal width", "petal length", "petal width"]
    model = ScratchLogisticRegression().fit(pandas.DataFrame(X, columns=columns), y == 2)
    texts = NetworkDisplay.from_estimator(model).ax_.texts
    assert [text.get_text() for text in texts[2:]] == [*columns, "True"]
    texts = NetworkDisplay.from_estimator(
        model, feature_names="abcd", output_names=["virginica"]
    ).ax_.texts
    assert [text.get_text() for text in texts[2:]] == [*"abcd", "virginica"]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_names_of_classes_in_several_columns():
    columns = np.column_stack([y, np.array(["a", "b"])[y // 2]])
    model = ScratchMLPClassifier((), max_iter=3, random_state=0).fit(X, columns)
    texts = NetworkDisplay.from_estimator(model).ax_.texts
    assert [text.get_text() for text in texts[-5:]] == ["y0: 0", "y0: 1", "y0: 2", "y1: a", "y1: b"]


def test_deep_networks_have_sizes_alone():
    texts = NetworkDisplay([np.ones((2, 2))] * 6).plot().ax_.texts
    assert [text.get_text() for text in texts] == 7 * ["2"]


# -------------------------------------------------------------------------- activation


def test_every_activation_with_its_derivative(pyplot):
    names = list(ACTIVATIONS)
    display = ActivationDisplay.from_activation(names, interval=(-3, 5))
    assert [panel.get_title() for panel in display.axes_] == names
    assert display.figure_.axes == list(display.axes_)
    for panel in display.axes_:
        f, slope = panel.lines
        assert (f.get_linestyle(), slope.get_linestyle()) == ("-", "--")
        z = f.get_xdata()
        assert (z[0], z[-1]) == (-3, 5)
        assert panel.get_xlabel() == "$z$"
        # Differences of both sides; a corner of the function may be in the middle of them.
        numerical = (f.get_ydata()[2:] - f.get_ydata()[:-2]) / (z[2:] - z[:-2])
        assert np.mean(abs(numerical - slope.get_ydata()[1:-1]) > 1e-3) <= 3 / len(z)


def half(z, mask):
    z *= 0.5


def half_backward(delta, a, mask):
    delta *= 0.5


def test_activations_of_ones_own():
    display = ActivationDisplay.from_activation(Activation("half", half, half_backward))
    f, slope = display.ax_.lines
    assert display.ax_.get_title() == "half"
    assert_allclose(f.get_ydata(), f.get_xdata() / 2)
    assert_allclose(slope.get_ydata(), 0.5)
    assert len(display.ax_.get_legend().get_texts()) == 2


@pytest.mark.parametrize(
    ("estimator", "names"),
    [
        (NETWORK, ["relu"]),
        (network(activation=["tanh", "gelu"]), ["tanh", "gelu"]),
        # The function it was fitted with.
        (network(activation="elu").set_params(activation="tanh"), ["elu"]),
        (MLPClassifier(5, activation="tanh", tol=1, n_iter_no_change=1).fit(X, y), ["tanh"]),
    ],
)
def test_activations_of_an_estimator(estimator, names):
    display = ActivationDisplay.from_estimator(estimator)
    assert [panel.get_title() for panel in display.axes_] == names


def test_given_panels_are_used(pyplot):
    figure, axes = pyplot.subplots(1, 2)
    display = ActivationDisplay.from_activation(["relu", "tanh"], ax=axes)
    assert_array_equal(display.axes_, axes)
    figure, axes = pyplot.subplots(2)
    display = LossCurveDisplay.from_estimator(NETWORK, ax=axes)
    assert_array_equal(display.axes_, axes)
    assert display.figure_ is figure


@pytest.mark.parametrize(("X", "y"), [(X, y), (0 * X, 0 * y)], ids=["falls", "falls nowhere"])
@pytest.mark.filterwarnings("ignore:The loss has not fallen")
def test_learning_rates(X, y):
    curve = find_learning_rate(ScratchMLPClassifier(alpha=0, random_state=0), X, y)
    ax = curve.plot().ax_
    losses, smoothed, *suggestion = ax.get_lines()
    for line, values in (losses, curve.losses), (smoothed, curve.smoothed):
        assert_array_equal(line.get_xdata(), curve.rates)
        assert_array_equal(line.get_ydata(), values)
    drawn = [rate for line in suggestion for rate in set(line.get_xdata())]
    assert drawn == ([curve.suggestion] if X.any() else [])
    labels = [ax.get_xscale(), ax.get_xlabel(), ax.get_ylabel()]
    assert labels == ["log", "learning rate", "training loss"]
    assert ax.get_ylim()[0] < curve.smoothed.min() < ax.get_ylim()[1]


class OwnScore(Huber):
    def score(self, y, predicted, sample_weight=None):
        return 0.5


@pytest.mark.parametrize(
    ("loss", "name"),
    [
        ("squared_error", "$R^2$"),
        ("huber", "$R^2$"),
        (Quantile(0.9), "$D^2$"),
        (OwnScore(), "score"),
    ],
)
def test_scores_of_regressors_have_the_name_of_what_they_are(loss, name):
    model = network(ScratchMLPRegressor, loss=loss)
    axes = LossCurveDisplay.from_estimator(model).axes_
    assert [each.get_ylabel() for each in axes] == ["loss", name]
