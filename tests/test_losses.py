"""Every loss in the table: values, gradients, links, stability."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, softmax, xlogy

from skneural.losses import INVERSE_LINKS, LOSSES, LossBuffers

N_ROWS = 6
RNG = np.random.RandomState(0)
RAW = RNG.randn(N_ROWS, 3)
WEIGHT = np.repeat([[0.0], [1.0], [2.0], [0.5], [3.0], [1.5]], 3, axis=1)

NUMBERS = RNG.randn(N_ROWS, 3)
COUNTS = RNG.poisson(2, size=(N_ROWS, 3)).astype(float)
LABELS = (RNG.rand(N_ROWS, 3) > 0.5).astype(float)
ONE_HOT = np.eye(3)[[0, 1, 2, 2, 0, 1]]


def softmax_rows(z):
    return softmax(z, axis=1)


# Per pair: targets, the link, and the loss of each element as a function of the prediction.
DEFINITIONS = {
    ("squared_error", "identity"): (NUMBERS, lambda z: z, lambda p, y: (p - y) ** 2 / 2),
    ("poisson", "exp"): (COUNTS, np.exp, lambda p, y: xlogy(y, y) - y * np.log(p) - y + p),
    ("log_loss", "logistic"): (
        LABELS,
        expit,
        lambda p, y: -y * np.log(p) - (1 - y) * np.log(1 - p),
    ),
    ("log_loss", "softmax"): (ONE_HOT, softmax_rows, lambda p, y: -y * np.log(p)),
    ("squared_error", "logistic"): (LABELS, expit, lambda p, y: (p - y) ** 2 / 2),
    ("squared_error", "softmax"): (ONE_HOT, softmax_rows, lambda p, y: (p - y) ** 2 / 2),
}

pairs = pytest.mark.parametrize("pair", DEFINITIONS, ids="-".join)
weights = pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])


def value_and_gradient(pair, raw, y, weight=None):
    column = np.empty((len(raw), 1), dtype=raw.dtype)
    buffers = LossBuffers(np.empty_like(raw), column, np.empty_like(raw))
    value = LOSSES[pair].value_and_gradient(raw.copy(), y, weight, buffers)
    return value, buffers.gradient


def test_every_loss_is_tested():
    assert set(DEFINITIONS) == set(LOSSES)
    assert {link for _, link in LOSSES} == set(INVERSE_LINKS)


@pairs
@weights
def test_value_is_the_weighted_sum_over_rows_and_outputs(pair, weight):
    y, link, elementwise = DEFINITIONS[pair]
    losses = elementwise(link(RAW), y)
    expected = losses.sum() if weight is None else (weight * losses).sum()
    assert value_and_gradient(pair, RAW, y, weight)[0] == pytest.approx(expected, rel=1e-12)


@pairs
@weights
def test_gradient_is_the_derivative_of_each_rows_own_loss(pair, weight):
    y = DEFINITIONS[pair][0]
    step = 1e-6
    numerical = np.empty_like(RAW)
    for index in np.ndindex(RAW.shape):
        shift = np.zeros_like(RAW)
        shift[index] = step
        above, _ = value_and_gradient(pair, RAW + shift, y)
        below, _ = value_and_gradient(pair, RAW - shift, y)
        numerical[index] = (above - below) / (2 * step)
    _, gradient = value_and_gradient(pair, RAW, y, weight)
    np.testing.assert_allclose(gradient, numerical, rtol=1e-6, atol=1e-8)


@pairs
def test_inverse_link(pair):
    raw = RAW.copy()
    INVERSE_LINKS[pair[1]](raw)
    np.testing.assert_allclose(raw, DEFINITIONS[pair][1](RAW), rtol=1e-12)


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


@pairs
def test_float32_stays_float32(pair):
    y = DEFINITIONS[pair][0].astype(np.float32)
    value, gradient = value_and_gradient(pair, RAW.astype(np.float32), y)
    assert gradient.dtype == np.float32
    assert isinstance(value, float)
    assert value == pytest.approx(value_and_gradient(pair, RAW, y.astype(float))[0], rel=1e-5)


@pytest.mark.parametrize("pair", [pair for pair in LOSSES if pair[0] == "log_loss"], ids="-".join)
@pytest.mark.parametrize("scale", [1e2, 1e4, 1e300])
def test_log_loss_is_finite_wherever_the_logits_are(pair, scale):
    y = DEFINITIONS[pair][0]
    value, gradient = value_and_gradient(pair, RAW * scale, y)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    # Far out, each wrong decision costs its distance from the boundary.
    if pair[1] == "logistic":
        expected = np.where((RAW > 0) == y.astype(bool), 0, np.abs(RAW) * scale).sum()
    else:
        expected = (RAW.max(axis=1) - RAW[y.astype(bool)]).sum() * scale
    assert value == pytest.approx(expected, rel=1e-2)
