"""Every schedule against its formula, worked another way, and beside torch's."""

from __future__ import annotations

import importlib.util
import inspect
import pickle
from math import cos, inf, log, pi, sin

import numpy as np
import pytest
from sklearn.base import clone

from skneural import ScratchMLPClassifier, schedules
from skneural.checks import check_schedule
from skneural.schedules import (
    SCHEDULES,
    Adaptive,
    Constant,
    Cosine,
    CosineWarmRestarts,
    CosLog,
    Exponential,
    FlatCos,
    InverseScaling,
    LinearWarmUp,
    OneCycle,
    ReduceOnPlateau,
    Schedule,
    StepDecay,
)

N_EPOCHS = 30  # of a training
STEPS_PER_EPOCH = 4
# As the steps of a training ask, and of one that is continued beyond its last epoch.
TIMES = [epoch + i / STEPS_PER_EPOCH for epoch in range(40) for i in range(STEPS_PER_EPOCH)]

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="optional: torch is not installed"
)


def always_1(epoch):
    return 1.0


def fall(share, lowest=0.0):
    """(1 + cos 2x) / 2 = 1 - sin(x)^2 by the double angle, here from 1 to `lowest`."""
    return 1.0 - (1.0 - lowest) * sin(share * pi / 2) ** 2


def piecewise(*pieces):
    """Per piece the epoch where it ends, and its function."""
    return lambda epoch: next(function(epoch) for end, function in pieces if epoch < end)


# Per schedule: its factor after so many epochs of a training of `N_EPOCHS`.
FACTORS = [
    (Constant(), always_1),
    (InverseScaling(), always_1),
    (Adaptive(), always_1),
    (ReduceOnPlateau(), always_1),
    (StepDecay(), lambda epoch: [1.0, 0.1, 0.01, 0.001][int(epoch) // 10]),
    (StepDecay(n_epochs=20, gamma=0.5), lambda epoch: 1.0 if epoch < 20 else 0.5),
    (
        StepDecay(n_epochs=2.5, gamma=0.9),
        lambda epoch: 0.9 ** len(np.arange(2.5, epoch + 0.1, 2.5)),
    ),
    (Exponential(), lambda epoch: np.prod([0.95] * int(epoch))),
    (Exponential(gamma=0.5), lambda epoch: 1 / 2 ** int(epoch)),
    (Cosine(), piecewise((30, lambda epoch: fall(epoch / 30)), (inf, lambda _: 0.0))),
    (Cosine(n_epochs=50), lambda epoch: fall(epoch / 50)),
    (
        Cosine(n_epochs=7, lowest=0.25),
        piecewise((7, lambda epoch: fall(epoch / 7, 0.25)), (inf, lambda _: 0.25)),
    ),
    (Cosine(lowest=1), always_1),
    (CosineWarmRestarts(), lambda epoch: fall(epoch % 10 / 10)),
    (CosineWarmRestarts(n_epochs=4, lowest=0.5), lambda epoch: fall(epoch % 4 / 4, 0.5)),
    (
        CosineWarmRestarts(n_epochs=4, growth=2.0, lowest=0.1),
        piecewise(
            (4, lambda epoch: fall(epoch / 4, 0.1)),
            (12, lambda epoch: fall((epoch - 4) / 8, 0.1)),
            (28, lambda epoch: fall((epoch - 12) / 16, 0.1)),
            (60, lambda epoch: fall((epoch - 28) / 32, 0.1)),
        ),
    ),
    (
        CosineWarmRestarts(n_epochs=8, growth=1.5),
        piecewise(
            (8, lambda epoch: fall(epoch / 8)),
            (20, lambda epoch: fall((epoch - 8) / 12)),
            (38, lambda epoch: fall((epoch - 20) / 18)),
            (65, lambda epoch: fall((epoch - 38) / 27)),
        ),
    ),
    (
        # 0.3 * 30 = 9 epochs of rising: 1 at the end, 0.04 where the falling half would end.
        OneCycle(),
        piecewise(
            (9, lambda epoch: fall((9 - epoch) / 9, 0.04)),
            (30, lambda epoch: fall((epoch - 9) / 21, 4e-6)),
            (inf, lambda _: 4e-6),
        ),
    ),
    (
        OneCycle(n_epochs=8, warm_up=0.5, start=0.2, lowest=0.1),
        piecewise(
            (4, lambda epoch: fall((4 - epoch) / 4, 0.2)),
            (8, lambda epoch: fall((epoch - 4) / 4, 0.1)),
            (inf, lambda _: 0.1),
        ),
    ),
    (
        OneCycle(warm_up=0, lowest=0),
        piecewise((30, lambda epoch: fall(epoch / 30)), (inf, lambda _: 0.0)),
    ),
    (
        OneCycle(warm_up=1, start=0),
        piecewise((30, lambda epoch: fall((30 - epoch) / 30)), (inf, lambda _: 4e-6)),
    ),
    # (1 - cos 2x) / 2 = sin(x)^2.
    (CosLog(), lambda epoch: sin(pi * log(1 + 15 * min(epoch / 30, 1)) / log(2)) ** 2),
    (CosLog(n_cycles=1), lambda epoch: sin(pi * log(1 + min(epoch / 30, 1)) / log(2)) ** 2),
    (
        CosLog(n_cycles=3, n_epochs=7),
        piecewise((7, lambda epoch: sin(pi * log(1 + epoch) / log(2)) ** 2), (inf, lambda _: 0.0)),
    ),
    (
        FlatCos(),
        piecewise((15, always_1), (30, lambda epoch: fall(epoch / 15 - 1)), (inf, lambda _: 0.0)),
    ),
    (FlatCos(n_epochs=80), always_1),
    (
        LinearWarmUp(n_epochs=10, start=0.5, then=FlatCos()),
        piecewise(
            (10, lambda epoch: 0.5 + epoch / 20),
            (20, always_1),
            (30, lambda epoch: fall((epoch - 20) / 10)),
            (inf, lambda _: 0.0),
        ),
    ),
    (LinearWarmUp(), lambda epoch: [0.1, 0.325, 0.55, 0.775][int(4 * epoch)] if epoch < 1 else 1),
    (LinearWarmUp(n_epochs=2.5, start=0), lambda epoch: min(0.4 * epoch, 1)),
    (
        LinearWarmUp(n_epochs=3, start=0.4, then=StepDecay(n_epochs=5, gamma=0.5)),
        lambda epoch: 0.4 + 0.2 * epoch if epoch < 3 else 0.5 ** ((int(epoch) - 3) // 5),
    ),
    (
        LinearWarmUp(n_epochs=5, then=Cosine(lowest=0.1)),
        piecewise(
            (5, lambda epoch: 0.1 + 0.18 * epoch),
            (30, lambda epoch: fall((epoch - 5) / 25, 0.1)),
            (inf, lambda _: 0.1),
        ),
    ),
    (
        LinearWarmUp(n_epochs=5, then=Cosine(n_epochs=10)),
        piecewise(
            (5, lambda epoch: 0.1 + 0.18 * epoch),
            (15, lambda epoch: fall((epoch - 5) / 10)),
            (inf, lambda _: 0.0),
        ),
    ),
    # The training ends with the warm-up, or before: nothing is left for the schedule after it.
    (LinearWarmUp(30, 0.4, Cosine()), lambda epoch: 0.4 + 0.02 * epoch if epoch < 30 else 0.0),
    (
        LinearWarmUp(60, 0.4, OneCycle()),
        lambda epoch: 0.4 + 0.01 * epoch,
    ),
    (
        LinearWarmUp(2, 0.5, LinearWarmUp(2, 0.5)),
        piecewise(
            (2, lambda epoch: 0.5 + epoch / 4),
            (4, lambda epoch: 0.5 + (epoch - 2) / 4),
            (inf, always_1),
        ),
    ),
]

# Per schedule: whether time matters to it, and whether `max_iter` is the end it heads for.
KINDS = [
    (Constant(), False, False),
    (InverseScaling(), False, False),
    (Adaptive(), False, False),
    (ReduceOnPlateau(), False, False),
    (StepDecay(), True, False),
    (Exponential(), True, False),
    (Cosine(), True, True),
    (Cosine(n_epochs=10), True, False),
    (CosineWarmRestarts(), True, False),
    (OneCycle(), True, True),
    (OneCycle(n_epochs=10), True, False),
    (CosLog(), True, True),
    (CosLog(n_epochs=10), True, False),
    (FlatCos(), True, True),
    (FlatCos(n_epochs=10), True, False),
    (LinearWarmUp(), True, False),
    (LinearWarmUp(then=Cosine()), True, True),
    (LinearWarmUp(then=Cosine(n_epochs=10)), True, False),
    (LinearWarmUp(then=LinearWarmUp(then=OneCycle())), True, True),
    (LinearWarmUp(then=Adaptive()), True, False),
]

EVERY_KIND = [
    kind
    for _, kind in inspect.getmembers(schedules, inspect.isclass)
    if issubclass(kind, Schedule) and kind is not Schedule
]

each_schedule = pytest.mark.parametrize("schedule", [each for each, *_ in FACTORS], ids=str)


def names(table):
    """What to call the cases of a table: functions have no lasting name."""
    return [str(schedule) for schedule, *_ in table]


def test_every_schedule_is_tested():
    assert {type(schedule) for schedule, _ in FACTORS} == set(EVERY_KIND)
    assert {type(schedule) for schedule, *_ in KINDS} == set(EVERY_KIND)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_name_stands_for_a_schedule_that_needs_no_settings(name):
    assert SCHEDULES[name] in EVERY_KIND
    SCHEDULES[name]().check()


@pytest.mark.parametrize(("schedule", "expected"), FACTORS, ids=names(FACTORS))
def test_factor_of_every_step(schedule, expected):
    factors = [schedule.factor(time, N_EPOCHS) for time in TIMES]
    np.testing.assert_allclose(factors, [expected(time) for time in TIMES], rtol=1e-11, atol=1e-15)
    assert all(type(factor) is float for factor in factors)
    if not schedule.is_timed:
        assert set(factors) == {1.0}


@pytest.mark.parametrize(("schedule", "is_timed", "ends_with_max_iter"), KINDS, ids=str)
def test_kinds(schedule, is_timed, ends_with_max_iter):
    assert schedule.is_timed is is_timed
    assert schedule.ends_with_max_iter is ends_with_max_iter


class Halves:
    def factor(self, epoch, max_iter):
        return 0.5


class Inherited(Halves, Schedule):
    """Has its factor from a class that is no schedule."""


class FromTheStart(Halves, Schedule):
    """Says itself, of each object, whether it has one."""

    def __init__(self, is_on=True):
        self.is_on = is_on

    @property
    def is_timed(self):
        return self.is_on

    @property
    def ends_with_max_iter(self):
        return not self.is_on


class Later(FromTheStart):
    pass


class Never(Halves, Schedule):
    is_timed = False
    ends_with_max_iter = True


class NeverEither(Never):
    pass


class Again(Never):
    def factor(self, epoch, max_iter):
        return 0.5


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("schedule", "is_timed", "ends_with_max_iter"),
    [
        (Inherited(), True, False),
        (FromTheStart(), True, False),
        (FromTheStart(False), False, True),
        (Later(False), False, True),
        (Never(), False, True),
        (NeverEither(), False, True),
        (Again(), True, True),
    ],
)
def test_kinds_of_schedules_of_your_own(schedule, is_timed, ends_with_max_iter):
    assert schedule.is_timed is is_timed
    assert schedule.ends_with_max_iter is ends_with_max_iter
    check_schedule(schedule)
    X, y = np.arange(24.0).reshape(12, 2), np.arange(12) % 2
    settings = {"solver": "sgd", "max_iter": 2, "random_state": 0, "learning_rate_init": 0.01}
    model = ScratchMLPClassifier(3, learning_rate=schedule, **settings)
    plain = ScratchMLPClassifier(3, **settings)
    plain.set_params(learning_rate_init=0.005 if is_timed else 0.01, learning_rate="constant")
    np.testing.assert_allclose(model.fit(X, y).coefs_[0], plain.fit(X, y).coefs_[0], rtol=1e-10)


@each_schedule
def test_without_a_plateau_most_leave_the_base_rate_alone(schedule):
    ends_in = schedule.then if isinstance(schedule, LinearWarmUp) else schedule
    if not isinstance(ends_in, InverseScaling):
        assert schedule.after_epoch(0.3, 0.1, 1000, 0) == 0.3


@each_schedule
def test_at_a_plateau_most_stop(schedule):
    if not isinstance(schedule, Adaptive):
        assert schedule.on_plateau(0.3) is None
        assert schedule.stop_message == "Stopping."


# ------------------------------------------------------------------------- between epochs


@pytest.mark.parametrize("power_t", [200, 1e300])
def test_a_power_beyond_the_largest_number_leaves_no_rate(power_t):
    assert InverseScaling(power_t).after_epoch(0.1, 0.1, 10**6, 0) == 0.0


@pytest.mark.parametrize("power_t", [0.0, 0.5, 2.0])
def test_inverse_scaling(power_t):
    schedule = InverseScaling(power_t)
    for seen in (1, 10, 1000):
        assert schedule.after_epoch(123.0, 0.1, seen, 0) == 0.1 / (seen + 1) ** power_t


def test_adaptive():
    schedule = Adaptive()
    rate, rates = 0.1, []
    while rate is not None:
        rates.append(rate)
        rate = schedule.on_plateau(rate)
    assert rates == pytest.approx([0.1 / 5**k for k in range(9)])
    assert rates[-2] > 1e-6 >= rates[-1]
    assert schedule.stop_message == "Learning rate too small. Stopping."


# Per schedule: epochs without progress at the end of each epoch, and the rates after it.
PLATEAUS = [
    # Divided at the second and the fourth of them, and again after progress.
    (
        ReduceOnPlateau(patience=2),
        [0, 1, 2, 3, 4, 0, 1, 2],
        [0.8, 0.8, 0.4, 0.4, 0.2, 0.2, 0.2, 0.1],
    ),
    (ReduceOnPlateau(divisor=8.0, patience=3), [1, 2, 0, 1, 2, 3], [0.8] * 5 + [0.1]),
    (ReduceOnPlateau(), [1, 2, 3, 4, 5, 6, 9, 10, 11], [0.8] * 4 + [0.4] * 3 + [0.2] * 2),
    # Not below 0.3 * 0.8.
    (ReduceOnPlateau(patience=1, lowest=0.3), [1, 2, 3, 0], [0.4, 0.24, 0.24, 0.24]),
    (ReduceOnPlateau(patience=1, lowest=1), [1, 2], [0.8, 0.8]),
    (
        LinearWarmUp(n_epochs=100, then=ReduceOnPlateau(patience=2)),
        [0, 1, 2, 3, 4],
        [0.8, 0.8, 0.4, 0.4, 0.2],
    ),
]


@pytest.mark.parametrize(("schedule", "stalled", "expected"), PLATEAUS, ids=str)
def test_plateaus(schedule, stalled, expected):
    rate, rates = 0.8, []
    for n_stalled in stalled:
        rate = schedule.after_epoch(rate, 0.8, 1000, n_stalled)
        rates.append(rate)
    assert rates == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("then", [None, *(schedule for schedule, *_ in KINDS)], ids=str)
def test_after_a_warm_up_all_is_as_the_schedule_says(then):
    schedule = LinearWarmUp(n_epochs=4, start=0.5, then=then)
    alone = Constant() if then is None else then
    assert schedule.ends_with_max_iter is alone.ends_with_max_iter
    assert schedule.stop_message == alone.stop_message
    for n_stalled in (0, 1, 5):
        arguments = 0.3, 0.1, 1000, n_stalled
        assert schedule.after_epoch(*arguments) == alone.after_epoch(*arguments)
    for rate in (0.3, 1e-6):
        assert schedule.on_plateau(rate) == alone.on_plateau(rate)
    for time in TIMES:
        expected = 0.5 + time / 8 if time < 4 else alone.factor(time - 4, N_EPOCHS - 4)
        assert schedule.factor(time, N_EPOCHS) == pytest.approx(expected, rel=1e-14)


# ----------------------------------------------------------------------------- beside torch


def warm_up_then_cosine(optimizer, theirs):
    warm_up = theirs.LinearLR(optimizer, 0.1, total_iters=5)
    then = theirs.CosineAnnealingLR(optimizer, T_max=25)
    return theirs.SequentialLR(optimizer, [warm_up, then], milestones=[5])


# torch's cycle lasts from the first of 31 steps to the last, and its rise one step less than
# its share of them: 0.3 of our 30 epochs are 9, which are 10 steps of 31.
ONE_CYCLE = {"max_lr": 1.0, "total_steps": 31, "pct_start": 10 / 31, "cycle_momentum": False}

# Per schedule: torch's, made for an optimizer whose rate is 1 and asked once an epoch.
TORCH = [
    (StepDecay(), lambda optimizer, theirs: theirs.StepLR(optimizer, 10)),
    (StepDecay(3, 0.5), lambda optimizer, theirs: theirs.StepLR(optimizer, 3, 0.5)),
    (Exponential(), lambda optimizer, theirs: theirs.ExponentialLR(optimizer, 0.95)),
    (Cosine(), lambda optimizer, theirs: theirs.CosineAnnealingLR(optimizer, 30)),
    (Cosine(lowest=0.2), lambda optimizer, theirs: theirs.CosineAnnealingLR(optimizer, 30, 0.2)),
    (
        CosineWarmRestarts(),
        lambda optimizer, theirs: theirs.CosineAnnealingWarmRestarts(optimizer, 10),
    ),
    (
        CosineWarmRestarts(3, growth=2.0, lowest=0.2),
        lambda optimizer, theirs: theirs.CosineAnnealingWarmRestarts(optimizer, 3, 2, 0.2),
    ),
    (OneCycle(), lambda optimizer, theirs: theirs.OneCycleLR(optimizer, **ONE_CYCLE)),
    (LinearWarmUp(4), lambda optimizer, theirs: theirs.LinearLR(optimizer, 0.1, total_iters=4)),
    (LinearWarmUp(5, then=Cosine()), warm_up_then_cosine),
]


def torch_optimizer(rate):
    import torch

    parameter = torch.zeros(1, requires_grad=True)
    parameter.grad = torch.zeros(1)
    return torch.optim.SGD([parameter], lr=rate)


@needs_torch
@pytest.mark.filterwarnings("ignore:The epoch parameter:UserWarning")
@pytest.mark.parametrize(("schedule", "make_theirs"), TORCH, ids=names(TORCH))
def test_factor_beside_torch(schedule, make_theirs):
    from torch.optim import lr_scheduler

    optimizer = torch_optimizer(1.0)
    theirs = make_theirs(optimizer, lr_scheduler)
    expected = []
    for _ in range(N_EPOCHS):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()
    factors = [schedule.factor(epoch, N_EPOCHS) for epoch in range(N_EPOCHS)]
    np.testing.assert_allclose(factors, expected, rtol=1e-10, atol=1e-12)


@needs_torch
@pytest.mark.parametrize("patience", [1, 2, 5])
def test_plateaus_beside_torch(patience):
    from torch.optim.lr_scheduler import ReduceLROnPlateau

    # torch's patience is exceeded before it acts; ours is reached.
    optimizer = torch_optimizer(0.8)
    theirs = ReduceLROnPlateau(optimizer, factor=0.5, patience=patience - 1, min_lr=0.05)
    schedule = ReduceOnPlateau(patience=patience, lowest=0.05 / 0.8)
    losses = [1.0] * 8 + [0.5] * 12 + [0.4, 0.3, 0.2] + [0.1] * 7
    rate, best, n_stalled = 0.8, inf, 0
    for loss in losses:
        n_stalled = 0 if loss < best else n_stalled + 1
        best = min(best, loss)
        rate = schedule.after_epoch(rate, 0.8, 1000, n_stalled)
        theirs.step(loss)
        assert rate == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)


# -------------------------------------------------------------------------------- settings


# Per schedule and setting: values that are possible, and values that are not.
VALUES = {
    InverseScaling: {"power_t": ([0, 0.5, 2], [-0.1, None])},
    Adaptive: {"divisor": ([1.1, 5], [1, 0, None]), "negligible": ([0, 1e-6], [-1e-6, None])},
    ReduceOnPlateau: {
        "divisor": ([1.1, 5], [1, 0, None]),
        "patience": ([1, 5, np.int64(3)], [0, -1, 2.5, 2.0, True, None]),
        "lowest": ([0, 0.5, 1], [-0.1, 1.1, None]),
    },
    StepDecay: {"n_epochs": ([0.5, 10], [0, inf, None]), "gamma": ([0.1, 1], [0, 1.1, None])},
    Exponential: {"gamma": ([0.1, 1], [0, 1.1, None])},
    Cosine: {"n_epochs": ([None, 0.5, 10], [0, inf, "10"]), "lowest": ([0, 1], [-0.1, 1.1, None])},
    CosineWarmRestarts: {
        "n_epochs": ([0.5, 10], [0, inf, None]),
        "growth": ([1, 2.5], [0.9, inf, None]),
        "lowest": ([0, 1], [-0.1, 1.1, None]),
    },
    OneCycle: {
        "n_epochs": ([None, 0.5, 10], [0, inf, "10"]),
        "warm_up": ([0, 0.3, 1], [-0.1, 1.1, None]),
        "start": ([0, 1], [-0.1, 1.1, None]),
        "lowest": ([0, 1], [-0.1, 1.1, None]),
    },
    CosLog: {
        "n_cycles": ([1, 4, np.int64(3)], [0, -1, 2.5, 4.0, True, None]),
        "n_epochs": ([None, 0.5, 10], [0, inf, "10"]),
    },
    FlatCos: {"n_epochs": ([None, 0.5, 10], [0, inf, "10"])},
    LinearWarmUp: {
        "n_epochs": ([0.5, 10], [0, inf, None]),
        "start": ([0, 1], [-0.1, 1.1, None]),
        "then": ([None, Constant(), LinearWarmUp()], ["cosine", Cosine, 1]),
    },
}


@pytest.mark.parametrize("kind", EVERY_KIND, ids=lambda kind: kind.__name__)
def test_settings_are_checked(kind):
    values = VALUES.get(kind, {})
    assert set(values) == set(kind().get_params())
    for name, (possible, impossible) in values.items():
        for value in possible:
            kind(**{name: value}).check()
        for value in impossible:
            with pytest.raises(ValueError, match=f"{name} of {kind.__name__} must be"):
                kind(**{name: value}).check()


def test_the_schedule_after_a_warm_up_is_checked_too():
    with pytest.raises(ValueError, match="lowest of Cosine must be"):
        LinearWarmUp(then=Cosine(lowest=2.0)).check()


def test_the_schedule_after_a_warm_up_can_be_set():
    schedule = LinearWarmUp(then=Cosine())
    assert schedule.get_params()["then__lowest"] == 0.0
    schedule.set_params(then__lowest=0.1, start=0.2)
    assert schedule == LinearWarmUp(start=0.2, then=Cosine(lowest=0.1))
    with pytest.raises(ValueError, match=r"then is None, which has no setting 'lowest'"):
        LinearWarmUp().set_params(then__lowest=0.1)


@each_schedule
def test_copies_are_equal_and_have_nothing_in_common(schedule):
    for copy in (clone(schedule), pickle.loads(pickle.dumps(schedule)), eval(repr(schedule))):
        assert copy is not schedule
        assert copy == schedule
        if isinstance(schedule, LinearWarmUp) and schedule.then is not None:
            assert copy.then is not schedule.then


@each_schedule
def test_schedules_hold_no_state(schedule):
    before = pickle.dumps(schedule)
    first = [schedule.factor(time, N_EPOCHS) for time in TIMES]
    for n_stalled in range(10):
        schedule.after_epoch(0.1, 0.1, 1000, n_stalled)
        schedule.on_plateau(0.1)
    assert [schedule.factor(time, N_EPOCHS) for time in TIMES] == first
    assert pickle.dumps(schedule) == before


def test_one_cycle_is_continuous_at_its_peak():
    schedule = OneCycle(n_epochs=10, warm_up=0.3)
    assert schedule.factor(3.0, 1) == 1.0
    assert schedule.factor(3.0 - 1e-9, 1) == pytest.approx(1.0, rel=1e-12)
    assert schedule.factor(3.0 + 1e-9, 1) == pytest.approx(1.0, rel=1e-12)


def test_a_cosine_is_half_way_down_in_the_middle():
    assert Cosine().factor(15, N_EPOCHS) == pytest.approx(0.5, rel=1e-14)
    assert Cosine().factor(10, N_EPOCHS) == pytest.approx((1 + cos(pi / 3)) / 2, rel=1e-14)
    assert Cosine(lowest=0.2).factor(0, N_EPOCHS) == 1.0
    assert Cosine(lowest=0.2).factor(N_EPOCHS, N_EPOCHS) == 0.2


# Per number of epochs: those at whose ends a cycle of four is over, to the nearest.
CYCLES = {32: [2, 6, 15, 32], 64: [4, 13, 30, 64], 256: [17, 51, 119, 256]}


@pytest.mark.parametrize("n_epochs", CYCLES)
def test_the_ends_of_cycles(n_epochs):
    """As the documentation has them, where the rate is lowest."""
    schedule = CosLog()
    factors = [schedule.factor(epoch, n_epochs) for epoch in range(n_epochs + 2)]
    ends = [i for i in range(1, n_epochs + 1) if factors[i - 1] > factors[i] <= factors[i + 1]]
    assert ends == CYCLES[n_epochs]
    assert schedule.cycle_ends(n_epochs) == tuple(ends)
    assert CosLog(n_epochs=n_epochs).cycle_ends(1000) == tuple(ends)
    for j, end in enumerate(ends, 1):
        exact = (2**j - 1) / 15 * n_epochs
        assert end == round(exact)
        assert schedule.factor(exact, n_epochs) == pytest.approx(0, abs=1e-12)
    row = [str(n_epochs), *map(str, ends)]
    assert row in [line.split() for line in CosLog.__doc__.splitlines()]


@pytest.mark.parametrize(
    ("n_cycles", "n_epochs", "expected"),
    [(1, 7, (7,)), (2, 7, (2, 7)), (3, 21, (3, 9, 21)), (4, 3, (0, 1, 1, 3)), (4, 1, (0, 0, 0, 1))],
)
def test_the_ends_of_few_and_of_short_cycles(n_cycles, n_epochs, expected):
    assert CosLog(n_cycles=n_cycles).cycle_ends(n_epochs) == expected


def test_the_first_step_of_cycles_is_at_rate_0():
    assert CosLog().factor(0.0, N_EPOCHS) == 0.0
