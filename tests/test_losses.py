"""Every loss: values, gradients, links, stability, settings."""

from __future__ import annotations

import pickle
import tracemalloc
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy.special import expit, softmax, xlogy
from sklearn import _loss as sklearn_loss
from sklearn.base import clone

from skneural import losses
from skneural.losses import (
    CLASSIFICATION_LOSSES,
    INVERSE_LINKS,
    LOSSES,
    REGRESSION_LOSSES,
    AbsoluteError,
    BinaryFocal,
    BinaryLogLoss,
    BinarySquaredError,
    Focal,
    Gamma,
    Huber,
    LogLoss,
    LossBuffers,
    MultinomialFocal,
    MultinomialLogLoss,
    MultinomialSquaredError,
    Poisson,
    Quantile,
    SquaredError,
)

N_ROWS = 6
RNG = np.random.RandomState(0)
RAW = RNG.randn(N_ROWS, 3)
WEIGHT = np.repeat([[0.0], [1.0], [2.0], [0.5], [3.0], [1.5]], 3, axis=1)

NUMBERS = RNG.randn(N_ROWS, 3)
COUNTS = RNG.poisson(2, size=(N_ROWS, 3)).astype(float)
LABELS = (RNG.rand(N_ROWS, 3) > 0.5).astype(float)
ONE_HOT = np.eye(3)[[0, 1, 2, 2, 0, 1]]
POSITIVE = RNG.exponential(size=(N_ROWS, 3))
#: One target, for three quantiles of it.
REPEATED = np.repeat(NUMBERS[:, :1], 3, axis=1)


def identity(z):
    return z


def softmax_rows(z):
    return softmax(z, axis=1)


def cumulative(z):
    return np.cumsum(np.hstack([z[:, :1], np.log(1 + np.exp(z[:, 1:]))]), axis=1)


def half_square(p, y):
    return (p - y) ** 2 / 2


def huber(delta):
    return lambda p, y: np.where(
        np.abs(p - y) <= delta, (p - y) ** 2 / 2, delta * (np.abs(p - y) - delta / 2)
    )


def pinball(*levels):
    levels = np.array(levels)
    return lambda p, y: np.where(p <= y, levels * (y - p), (1 - levels) * (p - y))


def binary(smoothing=0.0, gamma=0.0):
    def elementwise(p, y):
        t = (1 - smoothing) * y + smoothing / 2
        return -t * (1 - p) ** gamma * np.log(p) - (1 - t) * p**gamma * np.log(1 - p)

    return elementwise


def multiclass(smoothing=0.0, gamma=0.0):
    def elementwise(p, y):
        t = (1 - smoothing) * y + smoothing / 3
        return -t * (1 - p) ** gamma * np.log(p)

    return elementwise


class Definition(NamedTuple):
    """A loss, targets, and what it is: the loss of each element, given the prediction."""

    loss: Any
    output: str
    y: np.ndarray
    link: Any
    elementwise: Any

    def __str__(self):
        return f"{self.loss!r}-{self.output}"


DEFINITIONS = [
    Definition(SquaredError(), "identity", NUMBERS, identity, half_square),
    Definition(AbsoluteError(), "identity", NUMBERS, identity, lambda p, y: np.abs(p - y)),
    Definition(Huber(), "identity", NUMBERS, identity, huber(1.0)),
    Definition(Huber(0.3), "identity", NUMBERS, identity, huber(0.3)),
    Definition(Huber(delta=100), "identity", NUMBERS, identity, half_square),
    Definition(Quantile(), "identity", NUMBERS, identity, pinball(0.5)),
    Definition(Quantile(0.1), "identity", NUMBERS, identity, pinball(0.1)),
    Definition(Quantile([0.9]), "increasing", NUMBERS[:, :1], identity, pinball(0.9)),
    Definition(
        Quantile((0.1, 0.5, 0.8)), "increasing", REPEATED, cumulative, pinball(0.1, 0.5, 0.8)
    ),
    Definition(Poisson(), "exp", COUNTS, np.exp, lambda p, y: xlogy(y, y) - y * np.log(p) - y + p),
    Definition(Gamma(), "exp", POSITIVE, np.exp, lambda p, y: np.log(p / y) + y / p - 1),
    Definition(BinaryLogLoss(), "logistic", LABELS, expit, binary()),
    Definition(BinaryLogLoss(0.1), "logistic", LABELS, expit, binary(smoothing=0.1)),
    Definition(BinaryLogLoss(0.9), "logistic", LABELS, expit, binary(smoothing=0.9)),
    Definition(MultinomialLogLoss(), "softmax", ONE_HOT, softmax_rows, multiclass()),
    Definition(MultinomialLogLoss(0.1), "softmax", ONE_HOT, softmax_rows, multiclass(0.1)),
    Definition(MultinomialLogLoss(0.9), "softmax", ONE_HOT, softmax_rows, multiclass(0.9)),
    *(
        Definition(BinaryFocal(gamma), "logistic", LABELS, expit, binary(gamma=gamma))
        for gamma in (0, 0.5, 2.0, 5.0)
    ),
    *(
        Definition(MultinomialFocal(gamma), "softmax", ONE_HOT, softmax_rows, multiclass(0, gamma))
        for gamma in (0, 0.5, 2.0, 5.0)
    ),
    Definition(BinarySquaredError(), "logistic", LABELS, expit, half_square),
    Definition(MultinomialSquaredError(), "softmax", ONE_HOT, softmax_rows, half_square),
]

definitions = pytest.mark.parametrize("definition", DEFINITIONS, ids=str)
weighted = pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
outputs = pytest.mark.parametrize("output", ["logistic", "softmax"])


def value_and_gradient(loss, raw, y, weight=None):
    column = np.empty((len(raw), 1), dtype=raw.dtype)
    buffers = LossBuffers(np.empty_like(raw), column, np.empty_like(raw))
    value = loss.value_and_gradient(raw.copy(), y, weight, buffers)
    return value, buffers.gradient


def raw_and_weight(definition, weighted):
    n_outputs = definition.y.shape[1]
    return RAW[:, :n_outputs].copy(), WEIGHT[:, :n_outputs].copy() if weighted else None


def test_every_loss_is_tested():
    defined = [(definition.loss, definition.output) for definition in DEFINITIONS]
    assert all((loss, output) in defined for (_, output), loss in LOSSES.items())
    assert {output for _, output in defined} == set(INVERSE_LINKS)


def test_what_can_be_trained_by_name():
    assert set(LOSSES) == {
        ("squared_error", "identity"),
        ("absolute_error", "identity"),
        ("huber", "identity"),
        ("quantile", "identity"),
        ("poisson", "exp"),
        ("gamma", "exp"),
        ("log_loss", "logistic"),
        ("log_loss", "softmax"),
        ("focal", "logistic"),
        ("focal", "softmax"),
        ("squared_error", "logistic"),
        ("squared_error", "softmax"),
    }
    for (name, output), loss in LOSSES.items():
        if output in ("logistic", "softmax"):
            assert loss == CLASSIFICATION_LOSSES[name]().for_output(output)
        else:
            assert loss == REGRESSION_LOSSES[name]()


@definitions
@weighted
def test_value_is_the_weighted_sum_over_rows_and_outputs(definition, weighted):
    raw, weight = raw_and_weight(definition, weighted)
    elements = definition.elementwise(definition.link(raw), definition.y)
    expected = elements.sum() if weight is None else (weight * elements).sum()
    value, _ = value_and_gradient(definition.loss, raw, definition.y, weight)
    assert value == pytest.approx(expected, rel=1e-12)


@definitions
@weighted
def test_gradient_is_the_derivative_of_each_rows_own_loss(definition, weighted):
    loss, y = definition.loss, definition.y
    raw, weight = raw_and_weight(definition, weighted)
    if not loss.is_smooth:
        assert np.abs(definition.link(raw) - y).min() > 1e-3
    step = 1e-6
    numerical = np.empty_like(raw)
    for index in np.ndindex(raw.shape):
        shift = np.zeros_like(raw)
        shift[index] = step
        above, _ = value_and_gradient(loss, raw + shift, y)
        below, _ = value_and_gradient(loss, raw - shift, y)
        numerical[index] = (above - below) / (2 * step)
    _, gradient = value_and_gradient(loss, raw, y, weight)
    np.testing.assert_allclose(gradient, numerical, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("loss", [AbsoluteError(), Quantile(0.2), Quantile([0.2, 0.7])], ids=repr)
def test_gradients_that_jump(loss):
    assert not loss.is_smooth
    y = np.zeros((1, loss.n_outputs_per_target))
    raw = np.full_like(y, -800.0)  # a softplus of which is zero
    steps = []
    for raw[0, 0] in (-1e-9, 1e-9):
        _, gradient = value_and_gradient(loss, raw, y)
        steps.append(gradient[0, 0])
    assert steps[1] - steps[0] >= 1


@definitions
def test_only_losses_with_a_jump_are_not_smooth(definition):
    jumps = (AbsoluteError, Quantile)
    assert definition.loss.is_smooth is not isinstance(definition.loss, jumps)


@definitions
def test_inverse_link(definition):
    raw, _ = raw_and_weight(definition, False)
    expected = definition.link(raw.copy())
    INVERSE_LINKS[definition.output](raw)
    np.testing.assert_allclose(raw, expected, rtol=1e-12)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n_rows", [1, 500])
def test_links_of_extreme_logits(n_rows, dtype):
    """The logistic function keeps its digits where it is tiny, and so does the softmax."""
    far = 0.95 * -np.log(np.finfo(dtype).tiny)
    z = np.linspace(-far, far, 1001).astype(dtype).repeat(n_rows).reshape(-1, n_rows).T
    logistic = z.copy()
    INVERSE_LINKS["logistic"](logistic)
    exact = expit(z.astype(np.float64))
    np.testing.assert_allclose(logistic, exact, rtol=4 * far * np.finfo(dtype).eps)
    huge = np.array([[-3e38, 3e38, 0.0]], dtype=dtype).repeat(n_rows, axis=0)
    INVERSE_LINKS["logistic"](huge)
    np.testing.assert_array_equal(huge, np.array([[0, 1, 0.5]]).repeat(n_rows, axis=0))

    pair = np.stack([np.zeros(1001), np.linspace(-far, far, 1001)], axis=1).astype(dtype)
    pair = pair[:n_rows]
    softmax = pair.copy()
    INVERSE_LINKS["softmax"](softmax)
    np.testing.assert_allclose(
        softmax[:, 1], expit(pair[:, 1].astype(float)), rtol=4 * far * np.finfo(dtype).eps
    )


@definitions
def test_float32_stays_float32(definition):
    raw, _ = raw_and_weight(definition, False)
    y = definition.y.astype(np.float32)
    value, gradient = value_and_gradient(definition.loss, raw.astype(np.float32), y)
    assert gradient.dtype == np.float32
    assert isinstance(value, float)
    exact, exact_gradient = value_and_gradient(definition.loss, raw, y.astype(float))
    assert value == pytest.approx(exact, rel=1e-5)
    np.testing.assert_allclose(gradient, exact_gradient, rtol=1e-4, atol=1e-6)
    predicted = raw.astype(np.float32)
    INVERSE_LINKS[definition.output](predicted)
    np.testing.assert_allclose(predicted, definition.link(raw), rtol=1e-5)


#: Bytes. NumPy 1 has a buffer inside its reductions along an axis, of 8192 numbers.
MEMORY_LIMIT = 10_000 if np.lib.NumpyVersion(np.__version__) >= "2.0.0" else 80_000


@definitions
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_no_array_of_the_size_of_a_batch_is_allocated(definition, dtype):
    loss = definition.loss
    raw, weight = raw_and_weight(definition, True)
    n_copies = 120_000 // raw.size
    raw, weight, y = (
        np.tile(rows, (n_copies, 1)).astype(dtype) for rows in (raw, weight, definition.y)
    )
    buffers = LossBuffers(np.empty_like(raw), raw[:, :1].copy(), np.empty_like(raw))
    given = raw.copy()
    loss.value_and_gradient(given, y, weight, buffers)
    np.copyto(given, raw)
    tracemalloc.start()
    loss.value_and_gradient(given, y, weight, buffers)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MEMORY_LIMIT


# ---------------------------------------------------------------- far from the boundary


@outputs
@pytest.mark.parametrize(
    "loss", [LogLoss(), LogLoss(0.1), LogLoss(0.9), Focal(0), Focal(0.5), Focal(2.0)], ids=repr
)
@pytest.mark.parametrize("scale", [1e2, 1e4, 1e300])
def test_losses_of_classes_are_finite_wherever_the_logits_are(loss, output, scale):
    y = LABELS if output == "logistic" else ONE_HOT
    value, gradient = value_and_gradient(loss.for_output(output), RAW * scale, y)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    # Far out, each decision against a target costs its distance from the boundary.
    smoothing = getattr(loss, "label_smoothing", 0.0)
    if output == "logistic":
        t = (1 - smoothing) * y + smoothing / 2
        expected = np.where(RAW > 0, 1 - t, t) * np.abs(RAW)
    else:
        t = (1 - smoothing) * y + smoothing / 3
        expected = t * (RAW.max(axis=1, keepdims=True) - RAW)
    assert value == pytest.approx(expected.sum() * scale, rel=1e-2)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("loss", [BinaryLogLoss(), BinaryLogLoss(0.1), BinaryFocal(0.5)], ids=repr)
def test_the_largest_of_all_logits(loss, dtype):
    largest = np.finfo(dtype).max
    for logit in (largest, -largest):
        for label in (0, 1):
            value, gradient = value_and_gradient(
                loss, np.array([[logit]]), np.array([[label]], dtype=dtype)
            )
            assert np.isfinite(value)
            assert np.isfinite(gradient).all()


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("margin", [-700.0, -40.0, 40.0, 100.0, 300.0])
def test_focal_loss_keeps_its_digits_where_the_model_is_sure(gamma, margin):
    """With u = exp(-m), what is not true has probability u, and -log p is u: up to rounding."""
    if margin > 0:
        expected = np.exp(-margin * (gamma + 1))
        slope = (gamma + 1) * expected
    else:
        expected, slope = -margin, 1.0

    one = np.array([[1.0]])
    value, gradient = value_and_gradient(BinaryFocal(gamma), margin * one, one)
    assert value == pytest.approx(expected, rel=1e-12, abs=0)
    np.testing.assert_allclose(gradient, [[-slope]], rtol=1e-12)
    value, gradient = value_and_gradient(BinaryFocal(gamma), -margin * one, 0 * one)
    assert value == pytest.approx(expected, rel=1e-12, abs=0)
    np.testing.assert_allclose(gradient, [[slope]], rtol=1e-12)

    # Two other classes, one with twice the odds of the other.
    raw = np.array([[np.log(1 / 3), margin, np.log(2 / 3)]])
    value, gradient = value_and_gradient(MultinomialFocal(gamma), raw, np.array([[0.0, 1.0, 0.0]]))
    assert value == pytest.approx(expected, rel=1e-12, abs=0)
    np.testing.assert_allclose(gradient, slope * np.array([[1 / 3, -1, 2 / 3]]), rtol=1e-12)


@outputs
@weighted
def test_the_log_loss_is_the_focal_loss_without_focus(output, weighted):
    y, weight = LABELS if output == "logistic" else ONE_HOT, WEIGHT if weighted else None
    value, gradient = value_and_gradient(Focal(0.0).for_output(output), RAW, y, weight)
    expected, expected_gradient = value_and_gradient(LogLoss().for_output(output), RAW, y, weight)
    assert value == pytest.approx(expected, rel=1e-13)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-12)


@outputs
def test_smoothed_labels_are_the_optimum(output):
    """Where the probabilities are the smoothed labels the gradient is zero."""
    n_classes = 2 if output == "logistic" else 3
    t = 0.8 * (LABELS if output == "logistic" else ONE_HOT) + 0.2 / n_classes
    raw = np.log(t) - np.log(1 - t) if output == "logistic" else np.log(t)
    y = LABELS if output == "logistic" else ONE_HOT
    _, gradient = value_and_gradient(LogLoss(0.2).for_output(output), raw, y)
    np.testing.assert_allclose(gradient, 0, atol=1e-15)


def test_gamma_loss_keeps_its_digits_near_the_target():
    """Around p = y it is half the square of log(p / y), where its three terms cancel."""
    distance = 1e-6
    value, gradient = value_and_gradient(Gamma(), np.array([[distance]]), np.array([[1.0]]))
    assert value == pytest.approx(distance**2 / 2 - distance**3 / 6, rel=1e-9, abs=0)
    np.testing.assert_allclose(gradient, distance - distance**2 / 2, rtol=1e-12)


# ---------------------------------------------------------------- quantiles


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0, 1e3, 1e37, 1e300])
def test_quantiles_never_cross(scale, dtype):
    scale = min(scale, 1e37) if dtype == np.float32 else scale
    predicted = (scale * np.random.RandomState(1).randn(200, 7)).astype(dtype)
    first = predicted[:, 0].copy()
    INVERSE_LINKS["increasing"](predicted)
    assert predicted.dtype == dtype
    assert np.isfinite(predicted).all()
    assert (np.diff(predicted, axis=1) >= 0).all()
    np.testing.assert_array_equal(predicted[:, 0], first)


@pytest.mark.filterwarnings("error")
def test_increments_are_stable():
    raw = np.array([[0.0, -1e300, -1000.0, -30.0, 0.0, 30.0, 1000.0, 1e300]])
    INVERSE_LINKS["increasing"](raw)
    tiny, middle, large = np.exp(-30.0), np.log(2.0) + np.exp(-30.0), 30 + np.exp(-30.0)
    expected = [0, 0, 0, tiny, middle, middle + large, middle + large + 1000, 1e300]
    np.testing.assert_allclose(raw[0], expected, rtol=1e-13)


@weighted
def test_quantiles_of_several_targets_are_losses_that_add_up(weighted):
    loss = Quantile([0.2, 0.5, 0.9])
    rng = np.random.RandomState(2)
    raw = rng.randn(5, 6)
    y = rng.randn(5, 2).repeat(3, axis=1)
    weight = rng.rand(5, 1).repeat(6, axis=1) if weighted else None
    value, gradient = value_and_gradient(loss, raw, y, weight)
    parts = [
        value_and_gradient(
            loss, raw[:, part], y[:, part], None if weight is None else weight[:, part]
        )
        for part in (slice(3), slice(3, 6))
    ]
    assert value == pytest.approx(parts[0][0] + parts[1][0], rel=1e-13)
    np.testing.assert_array_equal(gradient, np.hstack([parts[0][1], parts[1][1]]))


@pytest.mark.parametrize(
    ("quantile", "link", "n_outputs"),
    [
        (0.5, "identity", 1),
        (np.float32(0.5), "identity", 1),
        ([0.5], "increasing", 1),
        ((0.1, 0.9), "increasing", 2),
        ([0.1, np.float64(0.5), 0.9], "increasing", 3),
    ],
)
def test_outputs_of_quantiles(quantile, link, n_outputs):
    loss = Quantile(quantile)
    loss.check()
    assert loss.link == link
    assert loss.n_outputs_per_target == n_outputs


# ---------------------------------------------------------------- against scikit-learn

#: With scikit-learn's own, which leaves out terms of y alone, and the targets.
TWINS = [
    (SquaredError(), sklearn_loss.HalfSquaredError(), NUMBERS),
    (AbsoluteError(), sklearn_loss.AbsoluteError(), NUMBERS),
    (Huber(0.7), sklearn_loss.HuberLoss(delta=0.7), NUMBERS),
    (Quantile(0.2), sklearn_loss.PinballLoss(quantile=0.2), NUMBERS),
    (Poisson(), sklearn_loss.HalfPoissonLoss(), COUNTS),
    (Gamma(), sklearn_loss.HalfGammaLoss(), POSITIVE),
    (BinaryLogLoss(), sklearn_loss.HalfBinomialLoss(), LABELS),
]


@pytest.mark.parametrize(("ours", "theirs", "y"), TWINS, ids=[repr(ours) for ours, *_ in TWINS])
def test_loss_of_scikit_learn(ours, theirs, y):
    raw, y, weight = RAW.reshape(-1, 1), y.reshape(-1, 1), WEIGHT.reshape(-1, 1)
    expected, expected_gradient = theirs.loss_gradient(y[:, 0].copy(), raw[:, 0].copy())
    expected += theirs.constant_to_optimal_zero(y[:, 0])
    value, gradient = value_and_gradient(ours, raw, y, weight)
    assert value == pytest.approx(weight[:, 0] @ expected, rel=1e-12)
    np.testing.assert_allclose(gradient[:, 0], expected_gradient, rtol=1e-12)


# ---------------------------------------------------------------- settings

SETTINGS = [
    *(definition.loss for definition in DEFINITIONS),
    *(kind() for kind in CLASSIFICATION_LOSSES.values()),
    LogLoss(0.2),
    Focal(0.7),
]


@pytest.mark.parametrize("loss", SETTINGS, ids=repr)
def test_settings_protocol(loss):
    loss.check()
    for copy in (
        clone(loss, safe=False),
        pickle.loads(pickle.dumps(loss)),
        type(loss)().set_params(**loss.get_params()),
        eval(repr(loss), vars(losses)),
    ):
        assert type(copy) is type(loss)
        assert copy == loss
        assert copy is not loss
        assert repr(copy) == repr(loss)


def test_losses_differ_by_kind_and_by_settings():
    unequal = [SquaredError(), AbsoluteError(), Poisson(), Gamma(), Huber(), Huber(2.0)]
    unequal += [Quantile(), Quantile([0.5]), LogLoss(), LogLoss(0.1), BinaryLogLoss(), Focal()]
    for i, loss in enumerate(unequal):
        assert [other == loss for other in unequal] == [i == j for j in range(len(unequal))]


def test_representations():
    assert repr(Huber()) == "Huber()"
    assert repr(LogLoss(label_smoothing=0.1)) == "LogLoss(label_smoothing=0.1)"
    assert repr(Quantile([0.1, 0.9])) == "Quantile(quantile=[0.1, 0.9])"


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (LogLoss(1.0), r"label_smoothing of LogLoss must be a number in \[0, 1\), got 1.0"),
        (LogLoss(-0.1), "label_smoothing of LogLoss .* got -0.1"),
        (BinaryLogLoss("much"), "label_smoothing of BinaryLogLoss .* got 'much'"),
        (Focal(-1), r"gamma of Focal must be a number in \[0, inf\), got -1"),
        (Focal(np.inf), "gamma of Focal .* got inf"),
        (Huber(0), r"delta of Huber must be a number in \(0, inf\), got 0"),
        (Huber(np.nan), "delta of Huber .* got nan"),
        (Quantile(0), r"quantile of Quantile must be a number in \(0, 1\), or a list .* got 0\."),
        (Quantile(1.0), r"quantile of Quantile must be a number in \(0, 1\), .* got 1.0\."),
        (Quantile(np.nan), r"quantile of Quantile must be a number in \(0, 1\), .* got nan\."),
        (Quantile(None), "quantile of Quantile must be a number .* got None"),
        (Quantile("median"), "quantile of Quantile must be a number .* got 'm' in 'median'"),
        (Quantile(True), "quantile of Quantile must be a number .* got True"),
        (Quantile([0.5, 95]), r"quantile of Quantile must be .* got 95 in \[0.5, 95\]"),
        (Quantile([[0.5]]), "quantile of Quantile must be .* got .0.5. in"),
        (Quantile(np.array([[0.1, 0.9]])), r"quantile of Quantile must be .* got array\(\["),
        (Quantile([]), r"quantile of Quantile must hold at least one number, got \[\]"),
        (Quantile([0.9, 0.1]), r"quantile of Quantile must be increasing, got \[0.9, 0.1\]"),
        (Quantile((0.5, 0.5)), r"quantile of Quantile must be increasing, got \(0.5, 0.5\)"),
    ],
)
def test_settings_that_are_not_possible(loss, message):
    with pytest.raises(ValueError, match=message):
        loss.check()


@outputs
def test_what_a_classifier_minimises_has_the_settings_it_was_given(output):
    is_binary = output == "logistic"
    for loss, kinds in (
        (LogLoss(0.1), (BinaryLogLoss, MultinomialLogLoss)),
        (Focal(0.5), (BinaryFocal, MultinomialFocal)),
        (SquaredError(), (BinarySquaredError, MultinomialSquaredError)),
    ):
        trained = loss.for_output(output)
        assert type(trained) is kinds[not is_binary]
        assert trained.get_params() == loss.get_params()
        assert trained.for_output(output) == trained
        assert trained.is_smooth
        assert not trained.averages_outputs


@pytest.mark.parametrize("loss", [LogLoss(), Focal(0.5)], ids=repr)
def test_a_loss_of_classes_is_not_trained_without_an_output(loss):
    with pytest.raises(NotImplementedError, match=r"(LogLoss|Focal)\(.*for_output\('softmax'\)"):
        value_and_gradient(loss, RAW, ONE_HOT)


@outputs
@pytest.mark.parametrize(
    "loss", [AbsoluteError(), Huber(2.0), Quantile(), Poisson(), Gamma()], ids=repr
)
def test_a_loss_of_numbers_is_not_for_classes(loss, output):
    with pytest.raises(ValueError, match=r"\(.*\) is a loss of numbers, .* classifier"):
        loss.for_output(output)


@pytest.mark.parametrize(
    ("loss", "y", "message"),
    [
        (
            Poisson(),
            [[3.0, 0.0], [-0.5, 2.0]],
            "loss='poisson' needs targets that are zero or positive: the smallest y is -0.5.",
        ),
        (Poisson(), [1, -2], "the smallest y is -2."),
        (
            Gamma(),
            [[3.0, 0.0], [0.5, 2.0]],
            "loss='gamma' needs targets that are positive: the smallest y is 0.0.",
        ),
        (Gamma(), [1, -2], "the smallest y is -2."),
    ],
)
def test_targets_that_are_not_possible(loss, y, message):
    with pytest.raises(ValueError, match=r"loss='\w+' needs targets") as raised:
        loss.check_targets(np.array(y))
    assert str(raised.value).endswith(message)


@definitions
def test_targets_that_are_possible(definition):
    definition.loss.check_targets(definition.y)


@pytest.mark.parametrize("pair", [pair for pair in LOSSES if pair[1] == "softmax"], ids="-".join)
def test_a_single_class_is_certain(pair):
    value, gradient = value_and_gradient(LOSSES[pair], RAW[:, :1], np.ones((N_ROWS, 1)))
    assert value == 0
    np.testing.assert_array_equal(gradient, 0)


def test_quantiles_in_an_array():
    loss = Quantile(np.linspace(0.1, 0.9, 3))
    loss.check()
    assert loss.link == "increasing"
    assert loss == Quantile(np.linspace(0.1, 0.9, 3)) != Quantile(np.linspace(0.1, 0.8, 3))
    assert "0.5" in repr(loss)
    of_list = Quantile([0.1, 0.5, 0.9])
    found = [value_and_gradient(each, RAW, RAW[:, :1].repeat(3, 1)) for each in (loss, of_list)]
    assert found[0][0] == found[1][0]
    np.testing.assert_array_equal(found[0][1], found[1][1])
