"""Every optimizer: two steps by hand, fifty beside scikit-learn's and torch's."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

from skneural._arrays import BLOCK
from skneural.optimizers import SGD, Adam

RATE = 0.1

# Per optimizer: w after two steps from w = 1 with gradients 2 and then -1, worked by hand.
BY_HAND = [
    # 1 - 0.1 * 2 = 0.8;  0.8 + 0.1 = 0.9
    (SGD(momentum=0.0, nesterovs_momentum=True), [0.8, 0.9]),
    (SGD(momentum=0.0, nesterovs_momentum=False), [0.8, 0.9]),
    # v = -0.2, w = 0.8;  v = -0.1 + 0.1 = 0, w = 0.8
    (SGD(momentum=0.5, nesterovs_momentum=False), [0.8, 0.8]),
    # v = -0.2, w = 1 - 0.1 - 0.2 = 0.7;  v = 0, w = 0.7 + 0 + 0.1 = 0.8
    (SGD(momentum=0.5, nesterovs_momentum=True), [0.7, 0.8]),
    # m = 1, v = 1, w = 1 - 0.1 * sqrt(1/4) / (1/2) * 1 = 0.9;
    # m = 1/2 - 1/2 = 0, w = 0.9
    (Adam(beta_1=0.5, beta_2=0.75, epsilon=1e-300), [0.9, 0.9]),
    # beta_1 = 0, so that m is the gradient. v = 1, w = 1 - 0.1 * sqrt(1/4) * 2 = 0.9;
    # v = 3/4 + 1/4 = 1, w = 0.9 + 0.1 * sqrt(7/16) * 1
    (Adam(beta_1=0.0, beta_2=0.75, epsilon=1e-300), [0.9, 0.9 + 0.1 * 7**0.5 / 4]),
]


@pytest.mark.parametrize(("optimizer", "expected"), BY_HAND, ids=str)
def test_two_steps_by_hand(optimizer, expected):
    w = np.array([1.0])
    state = optimizer.initial_state(1, np.float64)
    for gradient, value in zip([2.0, -1.0], expected, strict=True):
        optimizer.step(w, np.array([gradient]), RATE, state)
        assert w[0] == pytest.approx(value, rel=1e-14)


def run(optimizer, n_params=20, dtype=np.float64, n_steps=50):
    """The path of w under random gradients."""
    rng = np.random.RandomState(0)
    w = rng.randn(n_params).astype(dtype)
    state = optimizer.initial_state(n_params, dtype)
    path = [w.copy()]
    for _ in range(n_steps):
        optimizer.step(w, rng.randn(n_params).astype(dtype), RATE, state)
        path.append(w.copy())
    return np.array(path)


SETTINGS = [
    *(SGD(momentum, nesterov) for momentum in (0.0, 0.9, 1.0) for nesterov in (True, False)),
    *(Adam(*betas, e) for betas in ((0.9, 0.999), (0.0, 0.0), (0.5, 0.9)) for e in (1e-8, 0.1)),
]


@pytest.mark.parametrize("optimizer", SETTINGS, ids=str)
def test_fifty_steps_beside_scikit_learn(optimizer):
    rng = np.random.RandomState(0)
    w = rng.randn(20)
    settings = vars(optimizer).values()
    if isinstance(optimizer, SGD):
        theirs = SGDOptimizer([w], RATE, "constant", *settings)
    else:
        theirs = AdamOptimizer([w], RATE, *settings)
    path = [w.copy()]
    for _ in range(50):
        theirs.update_params([w], [rng.randn(20)])
        path.append(w.copy())
    np.testing.assert_allclose(run(optimizer), path, rtol=1e-11, atol=1e-12)


TORCH = [
    (SGD(0.9, nesterovs_momentum=False), "SGD", {"momentum": 0.9}),
    (SGD(0.9, nesterovs_momentum=True), "SGD", {"momentum": 0.9, "nesterov": True}),
    # torch adds epsilon at another place: without it, the two are one formula.
    (Adam(epsilon=1e-30), "Adam", {"eps": 1e-30}),
]


@pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="optional: torch is not installed"
)
@pytest.mark.parametrize(("optimizer", "name", "settings"), TORCH, ids=lambda v: str(v)[:40])
def test_fifty_steps_beside_torch(optimizer, name, settings):
    import torch

    rng = np.random.RandomState(0)
    w = torch.tensor(rng.randn(20), requires_grad=True)
    theirs = getattr(torch.optim, name)([w], lr=RATE, **settings)
    path = [w.detach().numpy().copy()]
    for _ in range(50):
        w.grad = torch.tensor(rng.randn(20))
        theirs.step()
        path.append(w.detach().numpy().copy())
    np.testing.assert_allclose(run(optimizer), path, rtol=1e-6, atol=1e-9)


OPTIMIZERS = [SGD(), SGD(0.0), Adam()]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_blocks_make_no_difference(optimizer):
    # Elements know nothing of each other: a long vector moves as its parts would.
    long = run(optimizer, n_params=2 * BLOCK + 17, n_steps=2)
    rng = np.random.RandomState(0)
    w = rng.randn(2 * BLOCK + 17)
    gradients = [rng.randn(len(w)) for _ in range(2)]
    for part in (slice(0, 5), slice(BLOCK - 2, BLOCK + 2), slice(-17, None)):
        piece = w[part].copy()
        state = optimizer.initial_state(len(piece), np.float64)
        for gradient in gradients:
            optimizer.step(piece, gradient[part].copy(), RATE, state)
        np.testing.assert_array_equal(long[-1][part], piece)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_float32_stays_float32(optimizer):
    state = optimizer.initial_state(4, np.float32)
    w = np.ones(4, dtype=np.float32)
    optimizer.step(w, np.ones(4, dtype=np.float32), RATE, state)
    arrays = [value for value in state.values() if isinstance(value, np.ndarray)]
    assert all(array.dtype == np.float32 for array in [w, *arrays])


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_settings_are_kept_apart_from_state(optimizer):
    before = dict(vars(optimizer))
    run(optimizer, n_steps=3)
    assert vars(optimizer) == before
