"""Members trained side by side: each is what it would be alone."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from networks import initial_params, network_of, train

from skneural.activations import ACTIVATIONS
from skneural.layers import (
    Columns,
    Dropout,
    NTPDense,
    ParametricActivation,
    PeriodicEmbedding,
    Scale,
)
from skneural.losses import LOSSES, RegressionLoss
from skneural.minimizers.history import EarlyStopping, Epoch, History, Validation
from skneural.minimizers.minibatch import MiniBatches
from skneural.minimizers.run import Run, drive
from skneural.minimizers.state import Record, TrainingState
from skneural.network import Network
from skneural.objective import Objective
from skneural.optimizers import OPTIMIZERS, SGD, Adam, AdamW, Optimizer
from skneural.schedules import (
    Adaptive,
    Constant,
    Cosine,
    CosLog,
    FlatCos,
    InverseScaling,
    LinearWarmUp,
    ReduceOnPlateau,
)

K, N_SAMPLES, N_ROWS = 4, 80, 37
RNG = np.random.RandomState(1)
X = RNG.randn(N_SAMPLES, 4)
X[40:] += 1
Y = np.column_stack([X @ [1, -1, 0.5, 0], X[:, 0] * X[:, 1]]) + 0.3 * RNG.randn(N_SAMPLES, 2)
# Rows that drive the outputs of a member so far that `Barrier` is infinite.
Y[70:] = 30
WEIGHT = RNG.exponential(size=N_SAMPLES)
ROWS = RNG.randint(60, size=(K, N_ROWS))
DIVERGES = 2
WITH_ONE_THAT_DIVERGES = ROWS.copy()
WITH_ONE_THAT_DIVERGES[DIVERGES] = RNG.randint(70, N_SAMPLES, size=N_ROWS)
VALIDATION_ROWS = RNG.randint(60, size=(K, 25))
VALIDATION_ROWS[DIVERGES] += 20
SQUARED_ERROR = LOSSES["squared_error", "identity"]


@dataclass(repr=False, eq=False)
class Barrier(RegressionLoss):
    """Half the squared error, and infinite beyond a limit."""

    limit: float = 5.0

    def value_and_gradient(self, raw, y, buffers):
        np.subtract(raw, y, out=buffers.gradient)
        losses = 0.5 * (buffers.gradient**2).sum(axis=1)
        return np.where(np.abs(raw).max(axis=1) > self.limit, np.inf, losses)


def table_network():
    """Three columns are embedded, the fourth stays as it is."""
    numbers = (slice(0, 3), [PeriodicEmbedding(3, 0.3, 4, 2)], 9)
    layers = [Columns([numbers, (slice(3, 4), [], 1)]), Scale(10), NTPDense(10, 6)]
    layers += [ParametricActivation(ACTIVATIONS["mish"], 6), Dropout(0.2, 6, by_bytes=True)]
    return Network([*layers, NTPDense(6, 2)], 4)


@dataclass(frozen=True)
class Setting:
    """A training of members, and that of each of them alone."""

    rows: np.ndarray | None = None
    optimizer: object = None
    loss: object = SQUARED_ERROR
    dtype: type = np.float64
    hidden: tuple = (6,)
    dropout: tuple = ()
    l1: float = 0.0
    alpha: float = 0.01
    weighted: bool = False
    shuffle: bool = True
    schedule: object = None
    decay_schedule: object = None
    dropout_schedule: object = None
    drop_last: bool = False
    for_table: bool = False
    validates: bool = True
    max_iter: int = 5
    n_planned: int | None = None
    rule: dict = None
    rate: float = 0.05

    @property
    def network(self):
        if self.for_table:
            return table_network()
        return network_of((4, *self.hidden, 2), "tanh", dropout=self.dropout)

    def minimizer(self, k=None, max_iter=None):
        """Of member k alone, or of all."""
        rows = self.rows if k is None or self.rows is None or self.rows.ndim == 1 else self.rows[k]
        weight = WEIGHT.astype(self.dtype) if self.weighted else None
        mean = 1.0
        if self.weighted:
            own = weight if rows is None else weight[rows]
            mean = own.mean(axis=-1, dtype=np.float64)
        objective = Objective(
            self.network,
            self.loss,
            self.alpha,
            8,
            mean,
            self.dtype,
            l1=self.l1,
            members=(K,) if k is None else (),
        )
        return MiniBatches(
            objective,
            X.astype(self.dtype),
            Y.astype(self.dtype),
            weight,
            self.optimizer or Adam(),
            self.schedule or Constant(),
            self.rate,
            8,
            self.n_planned or self.max_iter,
            rows,
            self.shuffle,
            self.decay_schedule,
            self.dropout_schedule,
            self.drop_last,
        )

    def state(self, k=None):
        """The beginning, of member k alone or of all."""
        network, members = self.network, range(K) if k is None else [k]
        rows = X.astype(self.dtype)
        params = np.stack([initial_params(network, each, self.dtype, rows) for each in members])
        generators = {}
        for each in members:
            suffix = f" {each}" if k is None else ""
            generators["shuffle" + suffix] = np.random.RandomState(10 + each)
            generators["dropout" + suffix] = np.random.Generator(np.random.PCG64(20 + each))
        if k is None:
            record = Record.of_members(K, self.rate)
        else:
            params, record = params[0], Record(learning_rate=self.rate)
        optimizer = self.optimizer or Adam()
        memory = optimizer.init_state(params.shape, self.dtype, network.n_penalised, network.rates)
        return TrainingState(params, memory, record, generators)

    def validate(self, params, k):
        rows = VALIDATION_ROWS[k]
        raw = self.network.predict_raw(params, X[rows].astype(self.dtype))
        loss = float(np.mean((raw - Y[rows]) ** 2, dtype=np.float64))
        return Validation(-loss, loss)

    def options(self, k=None):
        validate = None
        if self.validates:
            validate = self.validate if k is None else lambda params: self.validate(params, k)
        rule = {"by_score": self.validates, "keeps_best": True, "tol": 0.0, "n_iter_no_change": 0}
        return {"max_iter": self.max_iter, "validate": validate, **rule, **(self.rule or {})}

    def together(self, listener=None):
        with np.errstate(over="ignore", invalid="ignore"):
            return train(self.minimizer(), self.state(), listener=listener, **self.options())

    def alone(self):
        with np.errstate(over="ignore", invalid="ignore"):
            return [train(self.minimizer(k), self.state(k), **self.options(k)) for k in range(K)]


def drawn(generator):
    """Where a generator stands: two that give the same have drawn the same."""
    return copy.deepcopy(generator).random(3).tolist()


def assert_same_history(found, expected, rtol, atol):
    assert found.n_rows == expected.n_rows
    for name in set(Epoch._fields) - {"seconds"}:
        values, others = found.column(name), expected.column(name)
        if others[0] is None:
            assert values == others
        else:
            np.testing.assert_allclose(values, others, rtol=rtol, atol=atol, err_msg=name)
    assert found.best_iteration == expected.best_iteration
    assert found.no_improvement_count == expected.no_improvement_count
    assert (found.best_params is None) == (expected.best_params is None)
    if found.best_params is not None:
        np.testing.assert_allclose(found.best_params, expected.best_params, rtol=rtol, atol=atol)
    for name in ("best_loss", "best_validation_score"):
        value, other = getattr(found, name), getattr(expected, name)
        assert value == (other if other is None else pytest.approx(other, rel=rtol, abs=atol))


def assert_equal_to_single_fits(setting, run, singles):
    """Parameters, histories, reasons, optimizer state and generators of every member."""
    rtol, atol = (1e-12, 1e-12) if setting.dtype == np.float64 else (1e-5, 1e-5)
    state = run.state
    for k, (single, reason) in enumerate(singles):
        expected = single.state
        stopped = state.record.stopped[k]
        assert (stopped or "max_iter") == reason
        assert state.record.n_member_iter[k] == expected.record.n_iter
        np.testing.assert_allclose(state.params[k], expected.params, rtol=rtol, atol=atol)
        np.testing.assert_allclose(state.model[k], expected.model, rtol=rtol, atol=atol)
        assert_same_history(state.record.histories[k], expected.record.history, rtol, atol)
        for name, value in expected.optimizer.items():
            if isinstance(value, np.ndarray) and not name.startswith("scratch"):
                mine = state.optimizer[name].reshape(state.params.shape)[k]
                np.testing.assert_allclose(mine, value, rtol=rtol, atol=atol, err_msg=name)
        for name, generator in expected.generators.items():
            assert drawn(state.generators[f"{name} {k}"]) == drawn(generator)


#: Where the losses of the member that diverges do so in its second epoch or later.
LIMITS = {"rmsprop": 6.0, "adagrad": 4.0}


def everything_on(name, **changes):
    optimizer = OPTIMIZERS[name](max_grad_norm=0.5, averaging=0.8, weight_decay=0.01)
    settings = {"dropout": (0.3,), "l1": 0.02, "weighted": True, "optimizer": optimizer}
    if name == "rmsprop":
        settings["rate"] = 0.01  # its first steps are long, and those in float32 would differ
    settings.update(rows=WITH_ONE_THAT_DIVERGES, loss=Barrier(LIMITS.get(name, 5.0)))
    return Setting(**{**settings, **changes})


TRAININGS = {
    **{name: everything_on(name) for name in OPTIMIZERS},
    "more epochs": everything_on("adam", max_iter=25),
    "shared rows": Setting(dropout=(0.3,), optimizer=Adam(max_grad_norm=0.5), max_iter=12),
    "shared rows, weights": Setting(
        weighted=True, l1=0.05, optimizer=SGD(averaging=1.0), rate=0.005, max_iter=20
    ),
    "some of the rows, shared": Setting(rows=ROWS[0], dropout=(0.3,), max_iter=12),
    "in order": Setting(shuffle=False, max_iter=12),
    "own rows in order": Setting(rows=ROWS, shuffle=False, weighted=True),
    "by loss": Setting(rows=ROWS, validates=False, dropout=(0.5,), rule={"tol": 0.05}),
    "best by score, patience by loss": Setting(
        rows=ROWS, dropout=(0.5,), rule={"by_score": False, "tol": 0.05}
    ),
    "without patience": Setting(rows=ROWS, rule={"n_iter_no_change": math.inf}),
    "two hidden layers": Setting(rows=ROWS, hidden=(5, 4), dropout=(0.2, 0.1), max_iter=10),
    "a timed schedule": Setting(rows=ROWS, schedule=Cosine(), max_iter=8),
    "schedules of decay and dropout": Setting(
        rows=ROWS,
        dropout=(0.4,),
        optimizer=AdamW(weight_decay=1.0),
        schedule=CosLog(n_cycles=2),
        decay_schedule=FlatCos(),
        dropout_schedule=FlatCos(),
        max_iter=8,
    ),
    "a network for tables": Setting(
        rows=ROWS,
        for_table=True,
        alpha=0.0,
        weighted=True,
        optimizer=AdamW(0.9, 0.95, weight_decay=0.02),
        schedule=CosLog(),
        decay_schedule=FlatCos(),
        dropout_schedule=FlatCos(),
        drop_last=True,
        max_iter=8,
    ),
    "whole batches, in order": Setting(rows=ROWS, shuffle=False, drop_last=True),
    "whole batches of shared rows": Setting(drop_last=True, max_iter=12),
    "a warm-up": Setting(rows=ROWS, schedule=LinearWarmUp(2.0, then=Cosine()), max_iter=8),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", TRAININGS)
def test_members_are_equal_to_single_fits(name, dtype):
    setting = replace(TRAININGS[name], dtype=dtype)
    run, _ = setting.together()
    assert_equal_to_single_fits(setting, run, setting.alone())
    record = run.state.record
    if name not in ("without patience", "in order"):
        assert len(set(record.n_member_iter)) > 1
    if setting.rows is WITH_ONE_THAT_DIVERGES:
        assert record.stopped[DIVERGES] == "not_finite"
        assert 2 <= record.n_member_iter[DIVERGES] < setting.max_iter
        assert np.all(np.isfinite(run.state.params))
    last = [each.column("loss")[-1] for each in record.histories]
    assert record.loss == pytest.approx(np.mean([loss for loss in last if math.isfinite(loss)]))


def whole(state):
    """All of a state but the seconds, for comparisons bit by bit."""
    record = replace(state.record, histories=())
    histories = []
    for history in state.record.histories:
        best = None if history.best_params is None else history.best_params.tolist()
        histories.append(repr({**history.to_dict(), "seconds": None, "best_params": best}))
    memory = {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in state.optimizer.items()
        if not name.startswith("scratch")
    }
    generators = {name: drawn(each) for name, each in state.generators.items()}
    return state.params.tolist(), repr(record), histories, memory, generators


def test_a_member_that_diverges_in_its_first_epoch_keeps_what_it_began_with():
    setting = everything_on("adam", loss=Barrier(2.0), max_iter=1)
    start = setting.state()
    run, _ = setting.together()
    stopped = run.state.record.stopped
    assert set(stopped) == {"not_finite", ""}
    for k, (single, _) in enumerate(setting.alone()):
        if stopped[k]:
            np.testing.assert_array_equal(run.state.params[k], start.params[k])
            assert not np.any(run.state.model[k])  # the average has not begun
        else:
            expected = single.state.params
            np.testing.assert_allclose(run.state.params[k], expected, rtol=1e-12, atol=1e-12)


def test_numbers_that_are_not_finite_stay_where_they_are():
    """Weights of NaN beside others."""
    setting = Setting(rows=ROWS, optimizer=SGD(), hidden=(), rule={"n_iter_no_change": math.inf})
    start = setting.state()
    start.params[1] *= 1e155
    with np.errstate(over="ignore", invalid="ignore"):
        run, reason = train(setting.minimizer(), start, **setting.options())
    assert (run.state.record.stopped, reason) == (("", "not_finite", "", ""), "max_iter")
    singles = setting.alone()
    for k in (0, 2, 3):
        expected = singles[k][0].state.params
        np.testing.assert_allclose(run.state.params[k], expected, rtol=1e-12, atol=1e-12)


def test_all_members_diverge():
    setting = everything_on("adam", loss=Barrier(2.0), max_iter=20)
    run, reason = setting.together()
    assert (reason, run.state.record.ended) == ("not_finite", "not_finite")
    assert run.state.record.stopped == ("not_finite",) * K
    assert len(set(run.state.record.n_member_iter)) > 1
    assert math.isnan(run.state.record.loss)
    for k, (single, _) in enumerate(setting.alone()):
        assert run.state.record.n_member_iter[k] == single.state.record.n_iter
        if single.state.record.n_iter > 1:
            expected = single.state.params
            np.testing.assert_allclose(run.state.params[k], expected, rtol=1e-12, atol=1e-12)


def test_the_end_of_all_members_is_that_of_the_last():
    setting = TRAININGS["more epochs"]
    run, reason = setting.together()
    record = run.state.record
    assert (reason, record.ended) == ("early_stopping", "early_stopping")
    assert record.n_iter == max(record.n_member_iter) < setting.max_iter
    again, reason = train(setting.minimizer(), run.state, **setting.options())
    assert (again.n_iter, reason) == (record.n_iter, "early_stopping")


@dataclass(repr=False, eq=False)
class Interrupted(Barrier):
    """Somebody presses Ctrl-C."""

    after: int = 0

    def value_and_gradient(self, raw, y, buffers):
        self.after -= 1
        if self.after < 0:
            raise KeyboardInterrupt
        return super().value_and_gradient(raw, y, buffers)


@pytest.mark.parametrize("name", ["adam", "sgd", "nadam"])
@pytest.mark.parametrize("n_steps", [0, 3, 5, 8, 12, 16, 21, 23])
def test_an_interrupt_leaves_all_members_at_the_last_whole_epoch(name, n_steps):
    n_whole = n_steps // math.ceil(N_ROWS / 8)
    setting = everything_on(name, loss=Interrupted(after=n_steps))
    rule = EarlyStopping(tol=0.0, n_iter_no_change=0, by_score=True, keeps_best=True)
    run = Run(setting.state(), rule, max_iter=5, validate=setting.validate)
    with pytest.raises(KeyboardInterrupt):
        drive(setting.minimizer(), run)
    expected = everything_on(name, max_iter=n_whole).together()[0].state
    assert whole(run.state) == whole(expected)


def resumed(setting, n_epochs):
    """A training that stops after some epochs, and goes on from what is left of it."""
    first, _ = replace(setting, max_iter=n_epochs, n_planned=setting.max_iter).together()
    state = copy.deepcopy(first.state)
    begun = setting.state().generators
    shuffles = {name: each for name, each in begun.items() if name.startswith("shuffle")}
    state = replace(state, generators={**state.generators, **shuffles})
    with np.errstate(over="ignore", invalid="ignore"):
        return train(setting.minimizer(), state, **setting.options())


@cache
def unbroken(name):
    """All that seven epochs without a stop leave, and why they end."""
    expected, reason = replace(TRAININGS[name], max_iter=7).together()
    return whole(expected.state), reason


@pytest.mark.parametrize("n_epochs", range(1, 6))
@pytest.mark.parametrize(
    "name",
    [
        *OPTIMIZERS,
        "shared rows",
        "own rows in order",
        "by loss",
        "two hidden layers",
        "schedules of decay and dropout",
        "a network for tables",
        "whole batches, in order",
    ],
)
def test_members_are_resumed_bit_for_bit(name, n_epochs):
    found, reason = resumed(replace(TRAININGS[name], max_iter=7), n_epochs)
    assert (whole(found.state), reason) == unbroken(name)


def test_members_of_an_earlier_fit_begin_another_one():
    """What counts for the order of rows is the epochs of this fit, and not the length of curves."""
    setting = replace(TRAININGS["two hidden layers"], max_iter=5)
    first, _ = setting.together()
    assert len(set(first.state.record.n_member_iter)) > 1
    record = replace(first.state.record, n_iter=0, stopped=("",) * K)

    def begun():
        return replace(copy.deepcopy(first.state), record=record)

    rule = {**setting.options(), "n_iter_no_change": 2}
    whole_fit, _ = train(setting.minimizer(), begun(), **rule)
    part, _ = train(setting.minimizer(), begun(), **{**rule, "max_iter": 3})
    assert part.state.record.n_member_iter[0] <= 3
    shuffles = {n: g for n, g in begun().generators.items() if n.startswith("shuffle")}
    later = replace(part.state, generators={**part.state.generators, **shuffles})
    found, _ = train(setting.minimizer(), later, **rule)
    assert whole(found.state) == whole(whole_fit.state)


@dataclass(repr=False, eq=False)
class Lazy(Optimizer):
    """An array as long as all parameters that it computes in, and one that the first step makes."""

    def init_moments(self, n_params, dtype):
        return {"scratch": np.empty(n_params, dtype)}

    def update(self, params, gradient, learning_rate, state):
        velocity = state.setdefault("velocity", np.zeros_like(params))
        velocity *= 0.9
        velocity += gradient
        np.multiply(velocity, learning_rate, out=state["scratch"])
        params -= state["scratch"]


def test_memory_of_an_optimizer_when_members_are_frozen():
    setting = Setting(rows=ROWS, optimizer=Lazy(), max_iter=12)
    run, _ = setting.together()
    record = run.state.record
    assert len(set(record.n_member_iter)) > 1
    for k, (alone, _) in enumerate(setting.alone()):
        assert record.n_member_iter[k] == alone.state.record.n_iter
        np.testing.assert_allclose(run.state.params[k], alone.state.params, rtol=1e-9, atol=1e-12)
        velocity = run.state.optimizer["velocity"].reshape(K, -1)[k]
        expected = alone.state.optimizer["velocity"]
        np.testing.assert_allclose(velocity, expected, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("by_score", [True, False])
def test_members_stop_together_by_the_mean(by_score):
    rule = {"by_score": by_score, "jointly": True, "n_iter_no_change": 1, "tol": 0.03}
    setting = Setting(rows=ROWS, dropout=(0.3,), max_iter=60, rule=rule)
    run, reason = setting.together()
    record = run.state.record
    assert reason == ("early_stopping" if by_score else "converged")
    assert record.stopped == (reason,) * K
    assert record.n_iter < setting.max_iter
    assert set(record.n_member_iter) == {record.n_iter}
    histories = record.histories
    scores = np.mean([each.column("validation_score") for each in histories], axis=0)
    losses = np.mean([each.column("loss") for each in histories], axis=0)
    # The mean as the history of one network, by the rule that is tested elsewhere.
    rule = EarlyStopping(0.03, 1, by_score)
    expected = rule.begin(History(), validates=True)
    for i, (loss, score) in enumerate(zip(losses, scores, strict=True)):
        assert not rule.is_out_of_patience(expected)
        expected = rule.enter(expected, Epoch(loss, score, -score, 0.05, 0.0, 0.0), np.array([i]))
    assert rule.is_out_of_patience(expected)
    for k, history in enumerate(histories):
        assert history.best_iteration == expected.best_iteration == 1 + np.argmax(scores)
        assert history.no_improvement_count == 2
        best = replace(setting, max_iter=history.best_iteration).together()[0].state
        np.testing.assert_array_equal(history.best_params, best.params[k])


def test_a_member_that_diverges_is_left_out_of_the_mean():
    rule = {"jointly": True, "n_iter_no_change": 1}
    setting = everything_on("adam", rule=rule, max_iter=30)
    run, reason = setting.together()
    record = run.state.record
    assert reason == "early_stopping"
    assert record.stopped[DIVERGES] == "not_finite"
    others = [history for k, history in enumerate(record.histories) if k != DIVERGES]
    assert len({history.best_iteration for history in others}) == 1
    assert {history.n_rows for history in others} == {record.n_iter}
    assert np.all(np.isfinite(record.histories[DIVERGES].best_params))
    assert record.histories[DIVERGES].best_iteration < record.n_member_iter[DIVERGES]


def test_a_rule_for_all_is_that_of_the_only_one():
    setting = Setting(rows=ROWS[0], max_iter=12)
    options = setting.options(0)
    found, reason = train(setting.minimizer(0), setting.state(0), **{**options, "jointly": True})
    expected, same = train(setting.minimizer(0), setting.state(0), **options)
    assert reason == same
    assert whole(found.state) == whole(expected.state)


ONE_TRAINING = [Adaptive(), InverseScaling(), ReduceOnPlateau(), LinearWarmUp(then=Adaptive())]


@pytest.mark.parametrize("schedule", ONE_TRAINING, ids=repr)
def test_members_refuse_schedules_that_follow_one_training(schedule):
    with pytest.raises(ValueError, match=r"depends on time alone"):
        Setting(rows=ROWS, schedule=schedule).together()


def test_a_single_member_is_a_network():
    setting = Setting(rows=ROWS[:1], dropout=(0.3,))
    objective = Objective(setting.network, SQUARED_ERROR, 0.01, 8, members=(1,))
    minimize = replace(setting.minimizer(), objective=objective)
    state = setting.state(0)
    memory = Adam().init_state((1, len(state.params)), np.float64, setting.network.n_penalised)
    generators = {f"{name} 0": each for name, each in state.generators.items()}
    state = TrainingState(state.params[np.newaxis], memory, Record.of_members(1, 0.05), generators)
    run, _ = train(minimize, state, **setting.options())
    ((single, _), *_) = replace(setting, rows=ROWS).alone()
    np.testing.assert_allclose(run.state.params[0], single.state.params, rtol=1e-12, atol=1e-12)
