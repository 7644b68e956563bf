"""Every optimizer: two steps by hand, fifty beside scikit-learn's and torch's."""

from __future__ import annotations

import importlib.util
import pickle
from dataclasses import dataclass

import numpy as np
import pytest
from memory import peak_of
from sklearn.base import clone
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

from skneural.arrays.matrices import BLOCK
from skneural.optimizers import OPTIMIZERS, SGD, AdaGrad, Adam, AdamW, NAdam, RMSprop, contract

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
    # The same divided by 1 + epsilon = 2 instead of 1.
    (Adam(beta_1=0.0, beta_2=0.75, epsilon=1.0), [0.95, 0.95 + 0.1 * 7**0.5 / 8]),
    # As Adam's first, with w at 1 * (1 - 0.1) = 0.9 before: w = 0.9 - 0.1 = 0.8;
    # w = 0.8 * 0.9 + 0 = 0.72
    (AdamW(beta_1=0.5, beta_2=0.75, epsilon=1e-300, weight_decay=1.0), [0.8, 0.72]),
    # The momentum stays at 1/2 * (1 - 1/2) = 1/4, its products are 1/4, 1/16, 1/64.
    # m = 1, v = 1, root of v / (1/4) is 2;
    # w = 1 - 0.1 * ((3/4) / (3/4) * 2 + (1/4) / (15/16) * 1) / 2 = 1 - 0.1 * 17/15;
    # m = 1/2 - 1/2 = 0, v = 3/4 + 1/4 = 1, root of v / (7/16) is 4 / sqrt(7);
    # w += 0.1 * (3/4) / (15/16) * 1 * sqrt(7) / 4 = 0.02 * sqrt(7)
    (
        NAdam(beta_1=0.5, beta_2=0.75, epsilon=1e-300, momentum_decay=0.0),
        [1 - 1.7 / 15, 1 - 1.7 / 15 + 0.02 * 7**0.5],
    ),
    # beta_1 = 0 takes the momentum away. epsilon comes to the corrected root:
    # w = 1 - 0.1 * 2 / (2 + 2) = 0.95;  w = 0.95 + 0.1 * 1 / (4 / sqrt(7) + 2)
    (NAdam(beta_1=0.0, beta_2=0.75, epsilon=2.0), [0.95, 0.95 + 0.1 / (4 / 7**0.5 + 2)]),
    # v = 1/4 * 4 = 1, w = 1 - 0.1 * 2 / 1 = 0.8;  v = 3/4 + 1/4 = 1, w = 0.8 + 0.1 / 1
    (RMSprop(decay=0.75, epsilon=1e-300), [0.8, 0.9]),
    # The same divided by 1 + epsilon = 2 instead of 1.
    (RMSprop(decay=0.75, epsilon=1.0), [0.9, 0.95]),
    # u = 2, w = 0.8;  u = 1/2 * 2 - 1 = 0, w = 0.8
    (RMSprop(decay=0.75, epsilon=1e-300, momentum=0.5), [0.8, 0.8]),
    # s = 4, w = 1 - 0.1 * 2 / 2 = 0.9;  s = 4 + 1 = 5, w = 0.9 + 0.1 * 1 / sqrt(5)
    (AdaGrad(epsilon=1e-300), [0.9, 0.9 + 0.1 / 5**0.5]),
    # The same with epsilon: w = 1 - 0.1 * 2 / (2 + 2) = 0.95;  w = 0.95 + 0.1 / (sqrt(5) + 2)
    (AdaGrad(epsilon=2.0), [0.95, 0.95 + 0.1 / (5**0.5 + 2)]),
]

# Every optimizer as it is by default, and where its settings make it another algorithm.
EACH = [*(kind() for kind in OPTIMIZERS.values()), SGD(0.0), RMSprop(momentum=0.9)]

each_optimizer = pytest.mark.parametrize("optimizer", EACH, ids=str)
needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="optional: torch is not installed"
)


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values())
def test_every_optimizer_is_tested(optimizer):
    assert optimizer in {type(tested) for tested, _ in BY_HAND}
    assert optimizer in {type(tested) for tested, _, _ in TORCH}


@pytest.mark.parametrize(("optimizer", "expected"), BY_HAND, ids=str)
def test_two_steps_by_hand(optimizer, expected):
    w = np.array([1.0])
    state = optimizer.init_state(1, np.float64)
    for gradient, value in zip([2.0, -1.0], expected, strict=True):
        optimizer.step(w, np.array([gradient]), RATE, state)
        assert w[0] == pytest.approx(value, rel=1e-14)


def run(optimizer, n_params=20, dtype=np.float64, n_steps=50):
    """The path of w under random gradients."""
    rng = np.random.RandomState(0)
    w = rng.randn(n_params).astype(dtype)
    state = optimizer.init_state(n_params, dtype)
    path = [w.copy()]
    for _ in range(n_steps):
        optimizer.step(w, rng.randn(n_params).astype(dtype), RATE, state)
        path.append(w.copy())
    return np.array(path)


SCIKIT_LEARN = [
    *(SGD(momentum, nesterov) for momentum in (0.0, 0.9, 1.0) for nesterov in (True, False)),
    *(Adam(*betas, e) for betas in ((0.9, 0.999), (0.0, 0.0), (0.5, 0.9)) for e in (1e-8, 0.1)),
]


@pytest.mark.parametrize("optimizer", SCIKIT_LEARN, ids=str)
def test_fifty_steps_beside_scikit_learn(optimizer):
    rng = np.random.RandomState(0)
    w = rng.randn(20)
    if isinstance(optimizer, SGD):
        settings = optimizer.momentum, optimizer.nesterovs_momentum
        theirs = SGDOptimizer([w], RATE, "constant", *settings)
    else:
        settings = optimizer.beta_1, optimizer.beta_2, optimizer.epsilon
        theirs = AdamOptimizer([w], RATE, *settings)
    path = [w.copy()]
    for _ in range(50):
        theirs.update_params([w], [rng.randn(20)])
        path.append(w.copy())
    np.testing.assert_allclose(run(optimizer), path, rtol=1e-11, atol=1e-12)


# torch's Adam adds epsilon at another place: with a negligible one, the two are one formula.
TORCH = [
    (SGD(0.0), "SGD", {}),
    (SGD(0.9, nesterovs_momentum=False), "SGD", {"momentum": 0.9}),
    (SGD(0.9, nesterovs_momentum=True), "SGD", {"momentum": 0.9, "nesterov": True}),
    (Adam(epsilon=1e-30), "Adam", {"eps": 1e-30}),
    (Adam(0.5, 0.9, epsilon=1e-30), "Adam", {"betas": (0.5, 0.9), "eps": 1e-30}),
    (AdamW(epsilon=1e-30), "AdamW", {"eps": 1e-30}),
    (AdamW(epsilon=1e-30, weight_decay=0.5), "AdamW", {"eps": 1e-30, "weight_decay": 0.5}),
    (NAdam(), "NAdam", {}),
    (NAdam(0.5, 0.9, 0.1), "NAdam", {"betas": (0.5, 0.9), "eps": 0.1}),
    (NAdam(momentum_decay=1.0), "NAdam", {"momentum_decay": 1.0}),
    (
        NAdam(weight_decay=0.5),
        "NAdam",
        {"weight_decay": 0.5, "decoupled_weight_decay": True},
    ),
    (RMSprop(), "RMSprop", {}),
    (RMSprop(0.5, epsilon=0.1), "RMSprop", {"alpha": 0.5, "eps": 0.1}),
    (RMSprop(momentum=0.9), "RMSprop", {"momentum": 0.9}),
    (
        RMSprop(0.5, epsilon=0.1, momentum=0.5),
        "RMSprop",
        {"alpha": 0.5, "eps": 0.1, "momentum": 0.5},
    ),
    (AdaGrad(), "Adagrad", {}),
    (AdaGrad(epsilon=0.1), "Adagrad", {"eps": 0.1}),
]


@needs_torch
@pytest.mark.parametrize("max_grad_norm", [None, 4.0])
@pytest.mark.parametrize(("optimizer", "name", "settings"), TORCH, ids=lambda v: str(v)[:60])
def test_fifty_steps_beside_torch(optimizer, name, settings, max_grad_norm):
    import torch

    rng = np.random.RandomState(0)
    w = torch.tensor(rng.randn(20), requires_grad=True)
    theirs = getattr(torch.optim, name)([w], lr=RATE, **settings)
    path, norms = [w.detach().numpy().copy()], []
    for _ in range(50):
        w.grad = torch.tensor(rng.randn(20))
        if max_grad_norm:
            norms.append(float(torch.nn.utils.clip_grad_norm_(w, max_grad_norm)))
        theirs.step()
        path.append(w.detach().numpy().copy())
    ours = run(clone(optimizer).set_params(max_grad_norm=max_grad_norm))
    # torch keeps NAdam's product of momenta in float32, and adds 1e-6 to a norm that it clips.
    atol = 1e-5 if max_grad_norm else 1e-7
    np.testing.assert_allclose(ours, path, rtol=1e-6, atol=atol)
    assert not norms or min(norms) < max_grad_norm < max(norms)


@each_optimizer
def test_only_weights_decay(optimizer):
    # Without a gradient nothing else moves: 2 * (1 - 0.1 * 0.5) = 1.9, 1.9 * 0.95 = 1.805.
    optimizer = clone(optimizer).set_params(weight_decay=0.5)
    w = np.array([2.0, -2.0, 2.0])
    state = optimizer.init_state(3, np.float64, n_penalised=2)
    for size in (1.9, 1.805):
        optimizer.step(w, np.zeros(3), RATE, state)
        np.testing.assert_allclose(w, [size, -size, 2.0], rtol=1e-15)


@each_optimizer
def test_a_factor_of_the_decay_of_a_step(optimizer):
    """2 * (1 - 0.1 * 0.5 * 0.5) = 1.95 with a factor of 1/2."""
    optimizer = clone(optimizer).set_params(weight_decay=0.5)
    for factor, size in ((0.5, 1.95), (0.0, 2.0), (1.0, 1.9)):
        w = np.array([2.0, -2.0, 2.0])
        state = optimizer.init_state(3, np.float64, n_penalised=2)
        optimizer.step(w, np.zeros(3), RATE, state, decay_factor=factor)
        np.testing.assert_allclose(w, [size, -size, 2.0], rtol=1e-15)


@each_optimizer
def test_decay_comes_before_the_step_and_leaves_it_alone(optimizer):
    gradient = np.array([3.0, -0.5])
    paths = []
    for start, decay in ((1.0, 0.5), (0.95, 0.0)):
        decaying = clone(optimizer).set_params(weight_decay=decay)
        w = np.full(2, start)
        decaying.step(w, gradient.copy(), RATE, decaying.init_state(2, np.float64))
        paths.append(w)
    np.testing.assert_array_equal(*paths)


def test_clipping_by_hand():
    # The norm of (3, 4) is 5. Up to 2 it is (1.2, 1.6); up to 5 or 6 it stays.
    for largest, clipped in ((2.0, [1.2, 1.6]), (5.0, [3.0, 4.0]), (6.0, [3.0, 4.0])):
        optimizer = SGD(momentum=0.0, max_grad_norm=largest)
        w = np.zeros(2)
        optimizer.step(w, np.array([3.0, 4.0]), 1.0, optimizer.init_state(2, np.float64))
        np.testing.assert_allclose(w, np.negative(clipped), rtol=1e-15)


@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 1e19), (np.float64, 1e200)])
def test_clipping_of_gradients_whose_square_overflows(dtype, size):
    optimizer = SGD(momentum=0.0, max_grad_norm=2.0)
    w = np.zeros(2, dtype=dtype)
    gradient = np.array([3 * size, 4 * size], dtype=dtype)
    optimizer.step(w, gradient, 1.0, optimizer.init_state(2, dtype))
    np.testing.assert_allclose(w, [-1.2, -1.6], rtol=1e-6)


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_clipping_does_not_hide_what_is_not_finite(value):
    optimizer = SGD(momentum=0.0, nesterovs_momentum=False, max_grad_norm=2.0)
    w = np.zeros(2)
    optimizer.step(w, np.array([3.0, value]), 1.0, optimizer.init_state(2, np.float64))
    assert not np.isfinite(w[1])


@each_optimizer
def test_clipping_is_a_smaller_gradient(optimizer):
    clipping = clone(optimizer).set_params(max_grad_norm=1.0)
    paths = []
    for each, gradient in ((clipping, [30.0, 40.0]), (optimizer, [0.6, 0.8])):
        w = np.array([1.0, -1.0])
        each.step(w, np.array(gradient), RATE, each.init_state(2, np.float64))
        paths.append(w)
    np.testing.assert_allclose(*paths, rtol=1e-14)


# Per `averaging`: the average after w was 4, 2, 9 and 1, worked by hand.
AVERAGES = [
    # Shares 1, 1/2, 1/2, 1/2: 4, (4 + 2) / 2 = 3, (3 + 9) / 2 = 6, (6 + 1) / 2 = 3.5
    (0.5, [4.0, 3.0, 6.0, 3.5]),
    # Shares 1, 1/2, 1/3, 1/3: 4, 3, 3 + 6 / 3 = 5, 5 - 4 / 3
    (2 / 3, [4.0, 3.0, 5.0, 11 / 3]),
    # All of them count the same: 4, 6 / 2, 15 / 3, 16 / 4
    (1.0, [4.0, 3.0, 5.0, 4.0]),
    # The average follows at nearly full length: 4, 4 - 1.8, 2.2 + 0.9 * 6.8, 8.32 - 0.9 * 7.32
    (0.1, [4.0, 2.2, 8.32, 1.732]),
]


@pytest.mark.parametrize(("averaging", "expected"), AVERAGES)
def test_averages_by_hand(averaging, expected):
    optimizer = SGD(averaging=averaging)
    state = optimizer.init_state(1, np.float64)
    for value, average in zip([4.0, 2.0, 9.0, 1.0], expected, strict=True):
        w = np.array([value])
        optimizer.average(w, np.empty(1), state)
        assert state["average"][0] == pytest.approx(average, rel=1e-14)
        assert w[0] == value


@each_optimizer
def test_without_averaging_there_is_no_average(optimizer):
    assert "average" not in optimizer.init_state(1, np.float64)


def test_an_average_can_keep_zeros():
    optimizer = SGD(averaging=1.0)
    state = optimizer.init_state(2, np.float64)
    for w in ([2.0, 4.0], [0.0, -2.0]):
        optimizer.average(np.array(w), np.empty(2), state, keeps_zeros=True)
    np.testing.assert_array_equal(state["average"], [0.0, 1.0])


@each_optimizer
def test_averaging_leaves_the_steps_alone(optimizer):
    averaging = clone(optimizer).set_params(averaging=0.9)
    np.testing.assert_array_equal(run(averaging), run(optimizer))


@pytest.mark.parametrize(
    "optimizer",
    [
        *EACH,
        SGD(0.9, nesterovs_momentum=False),
        *(kind(epsilon=0.1) for kind in (Adam, AdamW, NAdam, RMSprop, AdaGrad)),
        Adam(0.5, 0.9),
        Adam(0.0, 0.0),
        NAdam(momentum_decay=1.0),
        RMSprop(0.9, momentum=0.5),
    ],
    ids=str,
)
def test_step_length_is_the_move_under_a_steady_gradient(optimizer):
    optimizer = clone(optimizer).set_params(weight_decay=0.0)
    gradient = np.array([3.0, -0.5, 1e-2])
    w = np.zeros(3)
    state = optimizer.init_state(3, np.float64)
    # 0.99^5000 is far below rounding: what has to be steady, is.
    for _ in range(5000):
        optimizer.step(w, gradient.copy(), RATE, state)
    before, length = w.copy(), np.empty(3)
    optimizer.step(w, gradient.copy(), RATE, state)
    optimizer.step_length(RATE, state, length)
    # The momentum of NAdam still grows, by less than this in each step.
    np.testing.assert_allclose((before - w) / gradient, length, rtol=1e-4)


@pytest.mark.parametrize("optimizer", [SGD(), SGD(0.5, False), SGD(0.0), SGD(1.0)], ids=str)
def test_momentum_remembers_the_rates_of_its_steps(optimizer):
    """Under a steady gradient the length of a step is its length, whatever the rates before."""
    state = optimizer.init_state(1, np.float64)
    w, length = np.zeros(1), np.empty(1)
    for rate in (0.5, 0.1, 1e-3, 0.0, 0.2):
        before = w.copy()
        optimizer.step(w, np.array([-3.0]), rate, state)
        optimizer.step_length(rate, state, length)
        np.testing.assert_allclose(w - before, 3 * length, rtol=1e-12)


@each_optimizer
def test_length_of_clipped_steps(optimizer, monkeypatch):
    """The unit of an L1 penalty, per unit of the gradient before it was clipped."""
    lengths = []
    monkeypatch.setattr(
        contract, "prox_l1", lambda w, length, strength: lengths.append(length.copy())
    )
    clipping = clone(optimizer).set_params(max_grad_norm=1.0)
    for each, size in ((clipping, 2.0), (optimizer, 0.5)):  # of norms 4 and 1
        state = each.init_state(4, np.float64)
        each.step(np.zeros(4), np.full(4, size), RATE, state, l1=1.0)
    np.testing.assert_allclose(lengths[0], lengths[1] / 4, rtol=1e-12)
    assert np.all(lengths[1] > 0)


# ---------------------------------------------------------------------- factors and members


class OneByOne:
    """The reference: an optimizer for each parameter, at a rate of its own.

    Clipping and averaging aside, no parameter depends on another.
    """

    def __init__(self, optimizer, start, rates, decays, n_penalised):
        self.w = [np.array([value]) for value in start]
        self.rates, self.n_penalised = rates, n_penalised
        # Decay acts before the step, at the learning rate without its factor.
        self.decays = [
            optimizer.weight_decay * factor * (i < n_penalised) for i, factor in enumerate(decays)
        ]
        self.steps = clone(optimizer).set_params(
            weight_decay=0.0, averaging=None, max_grad_norm=None
        )
        self.states = [self.steps.init_state(1, np.float64) for _ in start]

    def step(self, gradient, rate, l1):
        for i, w in enumerate(self.w):
            w *= 1 - rate * self.decays[i]
            own_rate = rate * self.rates[i]
            self.steps.step(w, gradient[i : i + 1].copy(), own_rate, self.states[i])
            if i < self.n_penalised:
                length = np.empty(1)
                self.steps.step_length(own_rate, self.states[i], length)
                w[...] = np.sign(w) * np.maximum(np.abs(w) - l1 * length, 0)
        return np.concatenate(self.w)


RATES = ((slice(0, 2), 6.0), (slice(5, 6), 6.0))
DECAYS = ((slice(1, 3), 0.25),)
RATE_OF_EACH = [6, 6, 1, 1, 1, 6, 1]
DECAY_OF_EACH = [1, 0.25, 0.25, 1, 1, 1, 1]


@each_optimizer
def test_a_parameter_of_rate_6_moves_6_times_as_far(optimizer):
    optimizer = clone(optimizer).set_params(weight_decay=0.0)
    paths = []
    for rates in (((slice(0, 3), 6.0),), ()):
        w, gradients = np.zeros(4), np.random.RandomState(0).randn(20, 4)
        state = optimizer.init_state(4, np.float64, rates=rates)
        path = []
        for gradient in gradients:
            optimizer.step(w, gradient.copy(), RATE, state, rates=rates)
            path.append(w.copy())
        paths.append(np.array(path))
    fast, slow = paths
    np.testing.assert_allclose(fast[:, :3], 6 * slow[:, :3], rtol=1e-11, atol=1e-13)
    np.testing.assert_array_equal(fast[:, 3], slow[:, 3])


@pytest.mark.parametrize("l1", [0.0, 0.03])
@pytest.mark.parametrize("weight_decay", [0.0, 0.5])
@each_optimizer
def test_factors_beside_one_parameter_at_a_time(optimizer, weight_decay, l1):
    optimizer = clone(optimizer).set_params(weight_decay=weight_decay, averaging=0.8)
    rng = np.random.RandomState(0)
    w, n_penalised = rng.randn(7), 5
    reference = OneByOne(optimizer, w, RATE_OF_EACH, DECAY_OF_EACH, n_penalised)
    state = optimizer.init_state(7, np.float64, n_penalised, RATES)
    average = np.zeros(7)
    for t in range(1, 21):
        gradient = 0.1 * rng.randn(7)
        expected = reference.step(gradient, RATE, l1)
        average += max(0.2, 1 / t) * (expected - average)
        if l1:
            average[expected == 0] = 0
        optimizer.step(w, gradient.copy(), RATE, state, l1=l1 or None, rates=RATES, decays=DECAYS)
        np.testing.assert_allclose(w, expected, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(state["average"], average, rtol=1e-9, atol=1e-12)


def test_factors_of_decay_by_hand():
    # Without a gradient: 2 * (1 - 0.1 * 0.5 * factor), for factors 1, 4, 0; the last is no weight.
    optimizer, w = AdamW(weight_decay=0.5), np.full(4, 2.0)
    state = optimizer.init_state(4, np.float64, n_penalised=3)
    decays = ((slice(1, 2), 4.0), (slice(2, 3), 0.0))
    optimizer.step(w, np.zeros(4), RATE, state, decays=decays)
    np.testing.assert_allclose(w, [1.9, 1.6, 2.0, 2.0], rtol=1e-15)


MEMBER_SETTINGS = {
    "plain": {},
    "weight decay": {"weight_decay": 0.5},
    "clipping": {"max_grad_norm": 2.0},
    "averaging": {"averaging": 0.8},
    "everything": {"weight_decay": 0.5, "max_grad_norm": 2.0, "averaging": 0.8},
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("l1", [None, 0.03, (0.0, 0.03, 0.3)], ids=str)
@pytest.mark.parametrize("with_factors", [False, True], ids=["", "factors"])
@pytest.mark.parametrize("settings", MEMBER_SETTINGS)
@each_optimizer
def test_a_step_of_members_is_a_step_of_each(optimizer, settings, with_factors, l1, dtype):
    optimizer = clone(optimizer).set_params(**MEMBER_SETTINGS[settings])
    rng = np.random.RandomState(0)
    together = rng.randn(3, 7).astype(dtype)
    alone = [each.copy() for each in together]
    rates, decays = (RATES, DECAYS) if with_factors else ((), ())
    state = optimizer.init_state((3, 7), dtype, 5, rates)
    states = [optimizer.init_state(7, dtype, 5, rates) for _ in alone]
    strengths = np.array(l1) if isinstance(l1, tuple) else l1
    sizes = np.array([[0.1], [1.0], [5.0]])  # the gradient of the first is not clipped
    for _ in range(10):
        gradient = (sizes * rng.randn(3, 7)).astype(dtype)
        for k, w in enumerate(alone):
            own = l1[k] if isinstance(l1, tuple) else l1
            optimizer.step(
                w, gradient[k].copy(), RATE, states[k], l1=own, rates=rates, decays=decays
            )
        optimizer.step(
            together, gradient.copy(), RATE, state, l1=strengths, rates=rates, decays=decays
        )
    tolerance = 1e-12 if dtype == np.float64 else 1e-5
    np.testing.assert_allclose(together, alone, rtol=tolerance, atol=tolerance)
    assert together.dtype == dtype
    if optimizer.averaging is not None:
        averages = [each["average"] for each in states]
        np.testing.assert_allclose(state["average"], averages, rtol=tolerance, atol=tolerance)
    if optimizer.max_grad_norm is not None:
        np.testing.assert_allclose(state["clipping"], [each["clipping"] for each in states])
        assert state["clipping"][0] == 1 > state["clipping"][2]


def test_names_that_are_taken():
    class Careless(SGD):
        def init_moments(self, n_params, dtype):
            return {"average": np.zeros(n_params)}

    with pytest.raises(ValueError, match=r"init_moments of Careless .*'average', which is taken"):
        Careless().init_state(3, np.float64)


@pytest.mark.parametrize("rates", [(), ((slice(0, 1), 6.0),)])
def test_an_update_that_returns_new_parameters_is_refused(rates):
    class Returning(SGD):
        def update(self, params, gradient, learning_rate, state):
            return params - learning_rate * gradient

    optimizer = Returning()
    state = optimizer.init_state(3, np.float64, rates=rates)
    with pytest.raises(TypeError, match=r"Returning\.update must change params in place"):
        optimizer.step(np.ones(3), np.ones(3), RATE, state, rates=rates)


def test_an_update_of_its_own_does_not_inherit_how_another_takes_factors():
    class Signs(Adam):
        def update(self, params, gradient, learning_rate, state):
            params -= learning_rate * np.sign(gradient)

    optimizer, w = Signs(), np.zeros((2, 3))
    rates = ((slice(0, 1), 6.0), (slice(1, 2), 0.5))
    state = optimizer.init_state(w.shape, np.float64, rates=rates)
    optimizer.step(w, np.array([[1.0, 2, 3], [-1, 1, 0]]), RATE, state, rates=rates)
    np.testing.assert_allclose(w, [[-0.6, -0.05, -0.1], [0.6, -0.05, 0]], rtol=1e-12)


def test_an_update_before_adam_does_not_inherit_how_that_takes_factors():
    class Frozen:
        def update(self, params, gradient, learning_rate, state):
            gradient[...] = 0
            super().update(params, gradient, learning_rate, state)

    @dataclass(repr=False, eq=False)
    class FrozenAdam(Frozen, Adam):
        pass

    class Later(FrozenAdam):
        pass

    for optimizer in (FrozenAdam(), Later()):
        for rates in ((), ((slice(0, 1), 6.0),)):
            w = np.ones(3)
            state = optimizer.init_state(3, np.float64, rates=rates)
            optimizer.step(w, np.ones(3), RATE, state, rates=rates)
            np.testing.assert_array_equal(w, np.ones(3))


def test_factors_of_a_class_before_adam_stay():
    """What stands before `update` in the order of inheritance was meant for it."""

    class Noted:
        def update_by_factors(self, params, *others):
            params -= 100

    @dataclass(repr=False, eq=False)
    class NotedAdam(Noted, Adam):
        pass

    w, rates = np.ones(2), ((slice(0, 1), 6.0),)
    state = NotedAdam().init_state(2, np.float64, rates=rates)
    NotedAdam().step(w, np.ones(2), RATE, state, rates=rates)
    np.testing.assert_array_equal(w, [-99, -99])


@pytest.mark.parametrize("factor", [1.0, 0.5], ids=["", "factor"])
@each_optimizer
def test_blocks_make_no_difference(optimizer, factor):
    # Elements know nothing of each other: a long vector moves as its parts would.
    n_params = 2 * BLOCK + 17
    rates = () if factor == 1 else ((slice(0, n_params), factor),)
    rng = np.random.RandomState(0)
    w = rng.randn(n_params)
    gradients = [rng.randn(n_params) for _ in range(2)]

    def moved(part):
        piece = w[part].copy()
        state = optimizer.init_state(len(piece), np.float64, rates=rates)
        for gradient in gradients:
            optimizer.step(piece, gradient[part].copy(), RATE, state, rates=rates)
        length = np.empty_like(piece)
        optimizer.step_length(RATE, state, length)
        return np.array([piece, length])

    long = moved(slice(None))
    for part in (slice(0, 5), slice(BLOCK - 2, BLOCK + 2), slice(-17, None)):
        np.testing.assert_array_equal(long[:, part], moved(part))


@pytest.mark.parametrize(
    ("members", "rates"), [((), ()), ((2,), ((slice(1, 2 * BLOCK), 6.0),))], ids=["", "factors"]
)
@each_optimizer
def test_a_step_allocates_next_to_nothing(optimizer, members, rates):
    optimizer = clone(optimizer).set_params(weight_decay=0.1, max_grad_norm=1.0, averaging=0.9)
    shape = (*members, 3 * BLOCK + 17)
    w, gradient = np.ones(shape), np.ones(shape)
    state = optimizer.init_state(shape, np.float64, rates=rates)

    def step():
        optimizer.step(w, gradient, RATE, state, rates=rates, decays=rates)
        optimizer.step_length(RATE, state, gradient.reshape(-1))
        optimizer.average(w, gradient, state)

    step()
    peak = peak_of(step)
    # Before 2.0, NumPy has buffers of its own for a part of each row of a matrix.
    assert peak < (250_000 if rates else 20_000) < w.nbytes / 5


@each_optimizer
def test_float32_stays_float32(optimizer):
    optimizer = clone(optimizer).set_params(weight_decay=0.1, max_grad_norm=1.0, averaging=0.9)
    state = optimizer.init_state(4, np.float32)
    w, scratch = np.ones(4, dtype=np.float32), np.ones(4, dtype=np.float32)
    optimizer.step(w, np.ones(4, dtype=np.float32), RATE, state)
    optimizer.average(w, scratch, state)
    optimizer.step_length(RATE, state, scratch)
    arrays = [value for value in state.values() if isinstance(value, np.ndarray)]
    assert all(array.dtype == np.float32 for array in [w, scratch, *arrays])
    assert np.all(np.isfinite([w, scratch]))


@each_optimizer
def test_float32_takes_the_same_path(optimizer):
    single, double = run(optimizer, dtype=np.float32), run(optimizer)
    np.testing.assert_allclose(single, double, rtol=1e-4, atol=1e-4)


@each_optimizer
def test_settings_are_kept_apart_from_state(optimizer):
    before = dict(vars(optimizer))
    run(optimizer, n_steps=3)
    assert vars(optimizer) == before


@each_optimizer
def test_the_state_is_all_that_is_remembered(optimizer):
    # A stored state goes on as the one in use does, also beside another optimizer object.
    optimizer = clone(optimizer).set_params(averaging=0.9)
    rng = np.random.RandomState(0)
    w = rng.randn(5)
    state = optimizer.init_state(5, np.float64)
    for gradient in rng.randn(3, 5):
        optimizer.step(w, gradient, RATE, state)
        optimizer.average(w, gradient, state)
    assert all(isinstance(value, np.ndarray | int | float) for value in state.values())
    stored, others = pickle.loads(pickle.dumps(state)), w.copy()
    gradient = rng.randn(5)
    optimizer.step(w, gradient.copy(), RATE, state)
    clone(optimizer).step(others, gradient.copy(), RATE, stored)
    np.testing.assert_array_equal(w, others)
    for name, value in state.items():
        np.testing.assert_array_equal(value, stored[name])


@each_optimizer
def test_zero_gradients_move_nothing(optimizer):
    optimizer = clone(optimizer).set_params(weight_decay=0.0, max_grad_norm=1.0)
    w = np.ones(3)
    state = optimizer.init_state(3, np.float64)
    for _ in range(2):
        optimizer.step(w, np.zeros(3), RATE, state)
    np.testing.assert_array_equal(w, 1.0)


# Per setting: values that are possible, and values that are not.
VALUES = {
    "weight_decay": ([0, 0.0, 3.0], [-1e-9, None, "0", np.nan]),
    "max_grad_norm": ([None, 1e-9, 5], [0, -1.0, np.inf, "1"]),
    "averaging": ([None, 0.5, 1], [0, 1.5, "ema"]),
    "momentum": ([0, 0.9, 1], [-0.1, 1.1, None]),
    "beta_1": ([0, 0.9], [1, -0.1, None]),
    "beta_2": ([0, 0.999], [1, -0.1, None]),
    "epsilon": ([1e-300, 1.0], [0, -1e-8, None]),
    "momentum_decay": ([0, 0.004, 1.0], [-0.1, None]),
    "decay": ([0, 0.99], [1, -0.1, None]),
    "nesterovs_momentum": ([True, False], []),
}


@each_optimizer
def test_settings_are_checked(optimizer):
    for name in optimizer.get_params():
        possible, impossible = VALUES[name]
        for value in possible:
            clone(optimizer).set_params(**{name: value}).check()
        for value in impossible:
            changed = clone(optimizer).set_params(**{name: value})
            with pytest.raises(ValueError, match=f"{name} of {type(optimizer).__name__} must be"):
                changed.check()


@each_optimizer
def test_copies_are_equal_and_changed_copies_are_not(optimizer):
    for copy in (clone(optimizer), pickle.loads(pickle.dumps(optimizer)), eval(repr(optimizer))):
        assert copy is not optimizer
        assert copy == optimizer
        assert copy != clone(optimizer).set_params(weight_decay=0.7)


def test_adamw_is_adam_that_decays():
    assert AdamW() != Adam(weight_decay=0.01)
    np.testing.assert_array_equal(run(AdamW()), run(Adam(weight_decay=0.01)))
    np.testing.assert_array_equal(run(AdamW(weight_decay=0.0)), run(Adam()))


def test_settings_beside_those_of_the_algorithm_have_to_be_named():
    for kind in OPTIMIZERS.values():
        n_own = len(kind().get_params()) - 3
        with pytest.raises(TypeError):
            kind(*[0.5] * (n_own + 1))
