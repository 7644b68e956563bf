"""Every loss: values, gradients, links, stability, settings."""

from __future__ import annotations

import pickle
from typing import Any, NamedTuple

import numpy as np
import pytest
from memory import peak_of
from scipy.special import expit, softmax, xlogy
from sklearn import _loss as sklearn_loss
from sklearn.base import clone
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import d2_pinball_score, r2_score

from skneural import losses
from skneural.losses import (
    CLASSIFICATION_LOSSES,
    EXP,
    IDENTITY,
    INCREASING,
    LINKS,
    LOGISTIC,
    LOSSES,
    REGRESSION_LOSSES,
    SOFTMAX,
    AbsoluteError,
    BinaryFocal,
    BinaryLogLoss,
    BinarySquaredError,
    Focal,
    Gamma,
    Huber,
    Link,
    LogLoss,
    Loss,
    LossBuffers,
    MultinomialFocal,
    MultinomialLogLoss,
    MultinomialSquaredError,
    Poisson,
    Quantile,
    SquaredError,
    SumOverTargets,
    side_by_side,
)

N_ROWS = 6
RNG = np.random.RandomState(0)
LOGITS = RNG.randn(N_ROWS, 3)
#: As wide as three quantiles of three targets need it.
RAW = np.hstack([LOGITS, np.random.RandomState(1).randn(N_ROWS, 6)])
WEIGHT = np.array([0.0, 1.0, 2.0, 0.5, 3.0, 1.5])

NUMBERS = RNG.randn(N_ROWS, 3)
COUNTS = RNG.poisson(2, size=(N_ROWS, 3)).astype(float)
LABELS = (RNG.rand(N_ROWS, 3) > 0.5).astype(float)
ONE_HOT = np.eye(3)[[0, 1, 2, 2, 0, 1]]
POSITIVE = RNG.exponential(size=(N_ROWS, 3))


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
    """A loss, targets, and its definition: the loss of each element, given the prediction."""

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
    Definition(Quantile([0.9]), "increasing", NUMBERS, identity, pinball(0.9)),
    Definition(
        Quantile((0.1, 0.5, 0.8)), "increasing", NUMBERS, cumulative, pinball(0.1, 0.5, 0.8)
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
targets = pytest.mark.parametrize("n_targets", [1, 3])
links = pytest.mark.parametrize("link", [LOGISTIC, SOFTMAX], ids=["logistic", "softmax"])


def losses_and_gradient(loss, raw, y):
    """The loss of each row, and its derivative, in arrays of their own."""
    column = np.empty((len(raw), 1), dtype=raw.dtype)
    buffers = LossBuffers(np.empty_like(raw), column, np.empty_like(raw))
    of_rows = loss.value_and_gradient(raw.copy(), y, buffers).copy()
    assert of_rows.shape == (len(raw),)
    return of_rows, buffers.gradient


def value_and_gradient(loss, raw, y):
    """The sum of the losses of all rows, and the derivative."""
    of_rows, gradient = losses_and_gradient(loss, raw, y)
    return float(of_rows.sum()), gradient


def part_of(definition, n_targets):
    """Raw outputs and targets, of the first targets alone."""
    n_outputs = definition.loss.n_outputs(n_targets)
    y = definition.y[:, :n_targets]
    if definition.output == "softmax" and n_targets == 1:
        y = np.ones_like(y)  # a single class is that of every row
    return RAW[:, :n_outputs].copy(), y


def elements_of(definition, raw, y):
    """The loss of each output by the definition, and its prediction less the target."""
    if definition.output == "increasing":
        # One row for each target of each row: the columns are its quantiles.
        rows, y = raw.reshape(-1, definition.loss.n_outputs(1)), y.reshape(-1, 1)
    else:
        rows = raw
    p = definition.link(rows)
    return definition.elementwise(p, y).reshape(raw.shape), p - y


def test_every_loss_is_tested():
    defined = [(definition.loss, definition.output) for definition in DEFINITIONS]
    assert all((loss, output) in defined for (_, output), loss in LOSSES.items())
    assert {output for _, output in defined} == set(LINKS)
    assert all(loss.link == LINKS[output] for loss, output in defined)


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
            assert loss == CLASSIFICATION_LOSSES[name]().with_link(LINKS[output])
        else:
            assert loss == REGRESSION_LOSSES[name]()


@definitions
@targets
def test_the_loss_of_a_row_is_the_sum_over_its_outputs(definition, n_targets):
    raw, y = part_of(definition, n_targets)
    expected, _ = elements_of(definition, raw, y)
    found, _ = losses_and_gradient(definition.loss, raw, y)
    np.testing.assert_allclose(found, expected.sum(axis=1), rtol=1e-12, atol=1e-15)


@definitions
@targets
def test_gradient_is_the_derivative_of_each_rows_own_loss(definition, n_targets):
    loss = definition.loss
    raw, y = part_of(definition, n_targets)
    if not loss.is_smooth:
        assert np.abs(elements_of(definition, raw, y)[1]).min() > 1e-3
    step = 1e-6
    numerical = np.empty_like(raw)
    for index in np.ndindex(raw.shape):
        shift = np.zeros_like(raw)
        shift[index] = step
        above, _ = value_and_gradient(loss, raw + shift, y)
        below, _ = value_and_gradient(loss, raw - shift, y)
        numerical[index] = (above - below) / (2 * step)
    _, gradient = value_and_gradient(loss, raw, y)
    np.testing.assert_allclose(gradient, numerical, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("loss", [AbsoluteError(), Quantile(0.2), Quantile([0.2, 0.7])], ids=repr)
def test_gradients_that_jump(loss):
    assert not loss.is_smooth
    y = np.zeros((1, 1))
    raw = np.full((1, loss.n_outputs(1)), -800.0)  # a softplus of which is zero
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
    # That of quantiles takes the outputs of one target.
    raw, _ = part_of(definition, 1 if definition.output == "increasing" else 3)
    expected = definition.link(raw.copy())
    LINKS[definition.output].inverse(raw)
    np.testing.assert_allclose(raw, expected, rtol=1e-12)


@definitions
@targets
@pytest.mark.parametrize("n_rows", [1, N_ROWS])
def test_predictions_are_the_inverse_link_of_the_outputs_of_each_target(
    definition, n_targets, n_rows
):
    raw, y = part_of(definition, n_targets)
    raw, y = raw[:n_rows], y[:n_rows]
    _, difference = elements_of(definition, raw, y)
    expected = difference.reshape(n_rows, n_targets, -1) + y[:, :, np.newaxis]
    predicted = definition.loss.predict(raw.copy())
    np.testing.assert_allclose(predicted, expected.reshape(raw.shape), rtol=1e-12, atol=1e-15)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n_rows", [1, 500])
def test_links_of_extreme_logits(n_rows, dtype):
    """The logistic function keeps its digits where it is tiny, and so does the softmax."""
    far = 0.95 * -np.log(np.finfo(dtype).tiny)
    z = np.linspace(-far, far, 1001).astype(dtype).repeat(n_rows).reshape(-1, n_rows).T
    logistic = z.copy()
    LINKS["logistic"].inverse(logistic)
    exact = expit(z.astype(np.float64))
    np.testing.assert_allclose(logistic, exact, rtol=4 * far * np.finfo(dtype).eps)
    huge = np.array([[-3e38, 3e38, 0.0]], dtype=dtype).repeat(n_rows, axis=0)
    LINKS["logistic"].inverse(huge)
    np.testing.assert_array_equal(huge, np.array([[0, 1, 0.5]]).repeat(n_rows, axis=0))

    pair = np.stack([np.zeros(1001), np.linspace(-far, far, 1001)], axis=1).astype(dtype)
    pair = pair[:n_rows]
    softmax = pair.copy()
    LINKS["softmax"].inverse(softmax)
    np.testing.assert_allclose(
        softmax[:, 1], expit(pair[:, 1].astype(float)), rtol=4 * far * np.finfo(dtype).eps
    )


@definitions
def test_float32_stays_float32(definition):
    raw, y = part_of(definition, 3)
    y = y.astype(np.float32)
    value, gradient = value_and_gradient(definition.loss, raw.astype(np.float32), y)
    assert gradient.dtype == np.float32
    assert isinstance(value, float)
    exact, exact_gradient = value_and_gradient(definition.loss, raw, y.astype(float))
    assert value == pytest.approx(exact, rel=1e-5)
    np.testing.assert_allclose(gradient, exact_gradient, rtol=1e-4, atol=1e-6)
    predicted = definition.loss.predict(raw.astype(np.float32))
    assert predicted.dtype == np.float32
    np.testing.assert_allclose(predicted, definition.loss.predict(raw), rtol=1e-5, atol=1e-6)


#: Bytes. NumPy 1 has a buffer inside its reductions along an axis, of 8192 numbers.
MEMORY_LIMIT = 10_000 if np.lib.NumpyVersion(np.__version__) >= "2.0.0" else 80_000


@definitions
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_no_array_of_the_size_of_a_batch_is_allocated(definition, dtype):
    loss = definition.loss
    raw, y = part_of(definition, 3)
    n_copies = 120_000 // raw.size
    raw, y = (np.tile(rows, (n_copies, 1)).astype(dtype) for rows in (raw, y))
    buffers = LossBuffers(np.empty_like(raw), raw[:, :1].copy(), np.empty_like(raw))
    given = raw.copy()
    loss.value_and_gradient(given, y, buffers)
    np.copyto(given, raw)
    assert peak_of(lambda: loss.value_and_gradient(given, y, buffers)) < MEMORY_LIMIT


# ---------------------------------------------------------------- far from the boundary


@links
@pytest.mark.parametrize(
    "loss", [LogLoss(), LogLoss(0.1), LogLoss(0.9), Focal(0), Focal(0.5), Focal(2.0)], ids=repr
)
@pytest.mark.parametrize("scale", [1e2, 1e4, 1e300])
def test_classification_losses_are_finite_wherever_the_logits_are(loss, link, scale):
    y = LABELS if link == LOGISTIC else ONE_HOT
    value, gradient = value_and_gradient(loss.with_link(link), LOGITS * scale, y)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    # Far out, each decision against a target costs its distance from the boundary.
    smoothing = getattr(loss, "label_smoothing", 0.0)
    if link == LOGISTIC:
        t = (1 - smoothing) * y + smoothing / 2
        expected = np.where(LOGITS > 0, 1 - t, t) * np.abs(LOGITS)
    else:
        t = (1 - smoothing) * y + smoothing / 3
        expected = t * (LOGITS.max(axis=1, keepdims=True) - LOGITS)
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


@links
@targets
def test_the_log_loss_is_the_focal_loss_without_focus(link, n_targets):
    raw, y = LOGITS[:, :n_targets], LABELS[:, :n_targets]
    if link == SOFTMAX:
        y = ONE_HOT if n_targets == 3 else np.ones_like(y)
    found, gradient = losses_and_gradient(Focal(0.0).with_link(link), raw, y)
    expected, expected_gradient = losses_and_gradient(LogLoss().with_link(link), raw, y)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-12)


@links
def test_smoothed_labels_are_the_optimum(link):
    """Where the probabilities are the smoothed labels the gradient is zero."""
    n_classes = 2 if link == LOGISTIC else 3
    t = 0.8 * (LABELS if link == LOGISTIC else ONE_HOT) + 0.2 / n_classes
    raw = np.log(t) - np.log(1 - t) if link == LOGISTIC else np.log(t)
    y = LABELS if link == LOGISTIC else ONE_HOT
    _, gradient = value_and_gradient(LogLoss(0.2).with_link(link), raw, y)
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
    LINKS["increasing"].inverse(predicted)
    assert predicted.dtype == dtype
    assert np.isfinite(predicted).all()
    assert (np.diff(predicted, axis=1) >= 0).all()
    np.testing.assert_array_equal(predicted[:, 0], first)


@pytest.mark.filterwarnings("error")
def test_increments_are_stable():
    raw = np.array([[0.0, -1e300, -1000.0, -30.0, 0.0, 30.0, 1000.0, 1e300]])
    LINKS["increasing"].inverse(raw)
    tiny, middle, large = np.exp(-30.0), np.log(2.0) + np.exp(-30.0), 30 + np.exp(-30.0)
    expected = [0, 0, 0, tiny, middle, middle + large, middle + large + 1000, 1e300]
    np.testing.assert_allclose(raw[0], expected, rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_quantiles_of_several_targets_are_losses_that_add_up(dtype):
    loss = Quantile([0.2, 0.5, 0.9])
    rng = np.random.RandomState(2)
    raw, y = rng.randn(5, 6).astype(dtype), rng.randn(5, 2).astype(dtype)
    found, gradient = losses_and_gradient(loss, raw, y)
    parts = [losses_and_gradient(loss, raw[:, 3 * j : 3 * j + 3], y[:, j : j + 1]) for j in (0, 1)]
    np.testing.assert_allclose(found, parts[0][0] + parts[1][0], rtol=4 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(gradient, np.hstack([parts[0][1], parts[1][1]]))


@pytest.mark.parametrize(
    ("quantile", "link", "n_outputs"),
    [
        (0.5, IDENTITY, 1),
        (np.float32(0.5), IDENTITY, 1),
        ([0.5], INCREASING, 1),
        ((0.1, 0.9), INCREASING, 2),
        ([0.1, np.float64(0.5), 0.9], INCREASING, 3),
    ],
)
def test_outputs_of_quantiles(quantile, link, n_outputs):
    loss = Quantile(quantile)
    loss.check()
    assert loss.link == link
    assert [loss.n_outputs(n_targets) for n_targets in (1, 2)] == [n_outputs, 2 * n_outputs]
    assert loss.accepts_several_targets is (link == IDENTITY)


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
    raw, y = LOGITS.reshape(-1, 1), y.reshape(-1, 1)
    expected, expected_gradient = theirs.loss_gradient(y[:, 0].copy(), raw[:, 0].copy())
    expected += theirs.constant_to_optimal_zero(y[:, 0])
    found, gradient = losses_and_gradient(ours, raw, y)
    # Where a loss is small, the terms of theirs cancel.
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)
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


@links
def test_what_a_classifier_minimises_has_the_settings_it_was_given(link):
    is_binary = link == LOGISTIC
    for loss, kinds in (
        (LogLoss(0.1), (BinaryLogLoss, MultinomialLogLoss)),
        (Focal(0.5), (BinaryFocal, MultinomialFocal)),
        (SquaredError(), (BinarySquaredError, MultinomialSquaredError)),
    ):
        trained = loss.with_link(link)
        assert type(trained) is kinds[not is_binary]
        assert trained.get_params() == loss.get_params()
        assert trained.link == link
        assert trained.with_link(link) == trained
        assert type(trained.with_link(SOFTMAX if is_binary else LOGISTIC)) is kinds[is_binary]
        assert trained.is_smooth
        assert not trained.reports_mean_over_outputs


@pytest.mark.parametrize("loss", [LogLoss(), Focal(0.5)], ids=repr)
def test_a_classification_loss_is_not_trained_without_a_link(loss):
    with pytest.raises(NotImplementedError, match=r"(LogLoss|Focal)\(.*with_link\(SOFTMAX\)"):
        value_and_gradient(loss, LOGITS, ONE_HOT)


@pytest.mark.parametrize("loss", [LogLoss(), Focal(), SquaredError()], ids=repr)
def test_classification_losses_have_two_links(loss):
    with pytest.raises(ValueError, match=r"LOGISTIC or SOFTMAX outputs, got Link\(name='exp'"):
        loss.with_link(EXP)


@links
@pytest.mark.parametrize(
    "loss", [AbsoluteError(), Huber(2.0), Quantile(), Poisson(), Gamma()], ids=repr
)
def test_a_regression_loss_is_not_for_classifiers(loss, link):
    with pytest.raises(ValueError, match=r"\(.*\) is a regression loss, .* classifier"):
        loss.with_link(link)


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
    value, gradient = value_and_gradient(LOSSES[pair], LOGITS[:, :1], np.ones((N_ROWS, 1)))
    assert value == 0
    np.testing.assert_array_equal(gradient, 0)


def test_quantiles_in_an_array():
    loss = Quantile(np.linspace(0.1, 0.9, 3))
    loss.check()
    assert loss.link == INCREASING
    assert loss == Quantile(np.linspace(0.1, 0.9, 3)) != Quantile(np.linspace(0.1, 0.8, 3))
    assert "0.5" in repr(loss)
    of_list = Quantile([0.1, 0.5, 0.9])
    found = [value_and_gradient(each, LOGITS, NUMBERS[:, :1]) for each in (loss, of_list)]
    assert found[0][0] == found[1][0]
    np.testing.assert_array_equal(found[0][1], found[1][1])


# ---------------------------------------------------------------- several targets side by side

WIDTHS = (3, 1, 2, 3)
MANY_RAW = np.random.RandomState(3).randn(N_ROWS, sum(WIDTHS))
MANY_Y = np.hstack([ONE_HOT, np.ones((N_ROWS, 1)), np.eye(2)[[0, 1, 1, 0, 1, 0]], ONE_HOT[::-1]])
OF_ONE_TARGET = [
    MultinomialLogLoss(),
    MultinomialLogLoss(0.1),
    MultinomialFocal(),
    MultinomialFocal(0.5),
    MultinomialSquaredError(),
]
of_one_target = pytest.mark.parametrize("loss", OF_ONE_TARGET, ids=repr)


def parts(array):
    return np.split(array, np.cumsum(WIDTHS)[:-1], axis=1)


@of_one_target
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_loss_of_several_targets_is_the_sum_of_their_losses(loss, dtype):
    raw, y = MANY_RAW.astype(dtype), MANY_Y.astype(dtype)
    found, gradient = losses_and_gradient(SumOverTargets(loss, WIDTHS), raw, y)
    alone = [
        losses_and_gradient(loss, np.ascontiguousarray(z), np.ascontiguousarray(t))
        for z, t in zip(parts(raw), parts(y), strict=True)
    ]
    rtol = 1e-12 if dtype == np.float64 else 1e-5
    np.testing.assert_allclose(found, sum(losses for losses, _ in alone), rtol=rtol)
    np.testing.assert_allclose(
        gradient, np.hstack([each for _, each in alone]), rtol=rtol, atol=rtol
    )
    assert found.dtype == gradient.dtype == dtype


def test_the_log_loss_of_several_targets_by_its_definition():
    p = np.hstack([softmax(z, axis=1) for z in parts(MANY_RAW)])
    loss = SumOverTargets(MultinomialLogLoss(), WIDTHS)
    found, gradient = losses_and_gradient(loss, MANY_RAW, MANY_Y)
    np.testing.assert_allclose(found, -(MANY_Y * np.log(p)).sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(gradient, p - MANY_Y, rtol=1e-12, atol=1e-15)


@of_one_target
def test_the_gradient_of_several_targets_by_differences(loss):
    loss, step = SumOverTargets(loss, WIDTHS), 1e-6
    numerical = np.empty_like(MANY_RAW)
    for j in range(MANY_RAW.shape[1]):
        shift = step * np.eye(MANY_RAW.shape[1])[j]
        above, below = (
            losses_and_gradient(loss, MANY_RAW + sign * shift, MANY_Y)[0] for sign in (1, -1)
        )
        numerical[:, j] = (above - below) / (2 * step)
    _, gradient = losses_and_gradient(loss, MANY_RAW, MANY_Y)
    np.testing.assert_allclose(gradient, numerical, rtol=1e-6, atol=1e-8)


@of_one_target
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("widths", [WIDTHS, (4, 5), (7, 2)], ids=str)
def test_several_targets_allocate_no_array_of_the_size_of_a_batch(loss, dtype, widths):
    loss = SumOverTargets(loss, widths)
    raw, y = (np.tile(rows, (4000, 1)).astype(dtype) for rows in (MANY_RAW, MANY_Y))
    buffers = LossBuffers(np.empty_like(raw), raw[:, :1].copy(), np.empty_like(raw))
    given = raw.copy()
    loss.value_and_gradient(given, y, buffers)
    np.copyto(given, raw)
    peak = peak_of(lambda: loss.value_and_gradient(given, y, buffers))
    # For a target of more than half of the outputs the rows of y keep their gaps, for which NumPy
    # has buffers of 8192 numbers.
    assert peak < (MEMORY_LIMIT if widths is WIDTHS else 150_000) < raw[:, :3].nbytes


def test_a_sum_over_targets_says_what_its_terms_say():
    of_one = Quantile(0.3)
    loss = SumOverTargets(of_one, (1, 1))
    assert not loss.is_smooth
    assert not loss.reports_mean_over_outputs
    assert SumOverTargets(SquaredError(), (1, 2)).reports_mean_over_outputs
    assert loss == SumOverTargets(Quantile(0.3), (1, 1)) != SumOverTargets(Quantile(0.3), (1, 2))
    assert repr(loss) == "SumOverTargets(loss=Quantile(quantile=0.3), widths=(1, 1))"
    assert loss.link == side_by_side(IDENTITY, (1, 1))


# ---------------------------------------------------------------- links


def square(raw):
    np.square(raw, out=raw)


class SameRepr:
    """Inverse links that print alike and differ."""

    def __call__(self, raw):
        raw += id(self)

    def __repr__(self):
        return "the same"


@pytest.mark.parametrize("name", LINKS)
def test_links_are_pickled_by_name(name):
    link = LINKS[name]
    assert link.name == name
    assert pickle.loads(pickle.dumps(link)) is link
    assert link.inverse.__name__.encode() not in pickle.dumps(link)


@pytest.mark.parametrize(
    "link",
    [*LINKS.values(), side_by_side(SOFTMAX, (1, 3)), side_by_side(INCREASING, (2, 2))],
    ids=[*LINKS, "softmax side by side", "increasing side by side"],
)
def test_the_chain_rule_of_a_link(link):
    """Against central differences of its inverse, for any derivative in the predictions."""
    random, step = np.random.RandomState(0), 1e-6
    raw, derivative = 2 * random.standard_normal((2, 5, 4))
    expected = np.empty_like(raw)
    for j in range(raw.shape[1]):
        above, below = raw.copy(), raw.copy()
        above[:, j] += step
        below[:, j] -= step
        link.inverse(above)
        link.inverse(below)
        expected[:, j] = np.sum(derivative * (above - below), axis=1) / (2 * step)
    link.backward(derivative, raw)
    np.testing.assert_allclose(derivative, expected, rtol=1e-7, atol=1e-8)


def test_a_link_of_ones_own_keeps_its_chain_rule_in_a_pickle():
    link = pickle.loads(pickle.dumps(Link("own", EXP.inverse, EXP.backward)))
    assert (link.name, link.inverse, link.backward) == ("own", EXP.inverse, EXP.backward)


def test_links_side_by_side():
    link = side_by_side(SOFTMAX, WIDTHS)
    for n_rows in (1, N_ROWS):
        found = MANY_RAW[:n_rows].copy()
        link.inverse(found)
        expected = np.hstack([softmax(z, axis=1) for z in parts(MANY_RAW[:n_rows])])
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert link.name == "softmax"
    assert link == side_by_side(SOFTMAX, WIDTHS) != side_by_side(SOFTMAX, WIDTHS[::-1])
    assert link != SOFTMAX
    copied = pickle.loads(pickle.dumps(link))
    assert copied == link
    assert copied.backward == link.backward
    assert side_by_side(Link("square", square), (1, 2)).backward is None


def test_a_link_of_ones_own():
    own, alike = Link("square", square), Link("exp", square)
    for link in (own, alike):
        copy = pickle.loads(pickle.dumps(link))
        assert copy == link
        assert hash(copy) == hash(link)
    assert len({own, alike, EXP, Link("exp", EXP.inverse)}) == 3
    assert own != "square"


def test_links_that_print_alike_are_two():
    first, second = Link("own", SameRepr()), Link("own", SameRepr())
    assert repr(first) == repr(second)
    assert first != second
    assert first == Link("own", first.inverse)


# ---------------------------------------------------------------- what is the loss's own to say


class MeanAndWidth(Loss):
    """Two outputs for each target, of which it predicts one."""

    def n_outputs(self, n_targets):
        return 2 * n_targets

    def value_and_gradient(self, raw, y, buffers):
        raise NotImplementedError

    def predict(self, raw):
        return raw[:, ::2]


def test_defaults_of_the_contract():
    loss = SquaredError()
    assert loss.link == IDENTITY
    assert loss.accepts_several_targets
    assert [loss.n_outputs(n_targets) for n_targets in (1, 4)] == [1, 4]
    assert loss.reports_mean_over_outputs
    own = MeanAndWidth()
    assert own.with_link(LOGISTIC) is own
    assert own.n_outputs(3) == 6
    np.testing.assert_array_equal(own.predict(LOGITS[:, :2]), LOGITS[:, :1])
    assert own.score(NUMBERS[:, 0], NUMBERS[:, :1]) == 1.0


CONSTANT = np.full((N_ROWS, 1), 2.0)
PREDICTED = NUMBERS + 0.5 * LOGITS

R2_CASES = {
    "one column": (NUMBERS[:, :1], PREDICTED[:, :1]),
    "flat": (NUMBERS[:, 0], PREDICTED[:, 0]),
    "flat and a column": (NUMBERS[:, 0], PREDICTED[:, :1]),
    "several columns": (NUMBERS, PREDICTED),
    "exact": (NUMBERS, NUMBERS),
    "constant target": (CONSTANT, PREDICTED[:, :1]),
    "constant target, exact": (CONSTANT, CONSTANT),
    "constant among others": (np.hstack([NUMBERS, CONSTANT]), np.hstack([PREDICTED, CONSTANT])),
    "missed constant": (np.hstack([NUMBERS, CONSTANT]), np.hstack([PREDICTED, CONSTANT + 1])),
    "counts": (COUNTS.astype(int), PREDICTED),
    "float32": (NUMBERS.astype(np.float32), PREDICTED.astype(np.float32)),
    "lists": (NUMBERS.tolist(), PREDICTED.tolist()),
}


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("case", R2_CASES)
def test_the_default_score_is_r2(case, weight):
    y, predicted = R2_CASES[case]
    expected = r2_score(y, predicted, sample_weight=weight)
    assert Huber().score(y, predicted, weight) == pytest.approx(expected, rel=1e-6)


def test_r2_of_a_single_row_is_not_defined():
    with pytest.warns(UndefinedMetricWarning, match="less than two samples"):
        assert np.isnan(SquaredError().score([1.0], [1.0]))


@pytest.mark.parametrize("predicted", [NUMBERS[:, :2], NUMBERS[:3], NUMBERS[0]])
def test_r2_of_other_columns_than_those_of_y(predicted):
    with pytest.raises(ValueError, match="needs a score method of its own"):
        SquaredError().score(NUMBERS, predicted)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
@pytest.mark.parametrize(
    ("quantile", "n_targets"),
    [(0.2, 1), (0.2, 3), ([0.2], 1), ([0.2, 0.7], 1), ([0.2, 0.7], 2), (np.array([0.1, 0.6]), 1)],
    ids=str,
)
def test_the_score_of_quantiles_is_d2_of_the_pinball_loss(quantile, n_targets, weight):
    levels = np.atleast_1d(quantile)
    y, predicted = NUMBERS[:, :n_targets], RAW[:, : n_targets * len(levels)]
    scores = [
        d2_pinball_score(
            y[:, i], predicted[:, i * len(levels) + j], sample_weight=weight, alpha=level
        )
        for i in range(n_targets)
        for j, level in enumerate(levels)
    ]
    loss = Quantile(quantile)
    assert loss.score(y, predicted, weight) == pytest.approx(np.mean(scores), rel=1e-12)
    if n_targets == 1:
        flat = predicted.ravel() if len(levels) == 1 else predicted
        assert loss.score(y[:, 0], flat, weight) == pytest.approx(np.mean(scores), rel=1e-12)
