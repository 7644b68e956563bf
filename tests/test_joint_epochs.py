"""Members that are judged as one: numbers of the whole, checkpoints, and the rule on cycles."""

from __future__ import annotations

import copy
import json
import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
from networks import train
from test_members import (
    DIVERGES,
    ROWS,
    WITH_ONE_THAT_DIVERGES,
    Barrier,
    Interrupted,
    K,
    Setting,
    X,
    Y,
    whole,
)

from skneural.minimizers.checkpoints import BestEpoch, Checkpoints
from skneural.minimizers.history import EarlyStopping, Epoch, History, Validation
from skneural.minimizers.joint import CycleStop, JointEpoch, JointHistory, JointValidation
from skneural.minimizers.run import Run, drive
from skneural.minimizers.state import TrainingState
from skneural.schedules import CosLog

#: Of each member, rows that stand for its fold.
FOLDS = np.arange(60).reshape(15, K).T
CRITERIA = ("validation_loss", "worst")


class Whole:
    """Predicts the fold of each member by that member; notes what it has been asked."""

    def __init__(self, setting):
        self.network, self.dtype = setting.network, setting.dtype
        self.models, self.active = [], []

    def numbers(self, models):
        predict = self.network.predict_raw
        raw = [predict(models[k], X[FOLDS[k]].astype(self.dtype)) for k in range(K)]
        squares = (np.float64(raw) - Y[FOLDS]) ** 2
        loss = float(squares.mean())
        return JointValidation(-loss, loss, {"worst": float(squares.max()), "n": 60.0})

    def __call__(self, models, active):
        self.models.append(models.copy())
        self.active.append(active)
        return self.numbers(models)


def begun(setting):
    return replace(setting.state(), checkpoints=Checkpoints.of(CRITERIA))


def fit(setting, minimize=None, state=None, listener=None, cycle_stop=None, ask=None, **changes):
    """A training that is judged as one: the run, the reason, and who has judged."""
    asked = ask or Whole(setting)
    if state is None:
        state = begun(setting)
    options = setting.options()
    rule = {"by_score": True, "keeps_best": True, "jointly": True, "tol": 0.0}
    rule["n_iter_no_change"] = changes.get("n_iter_no_change", math.inf)
    run = Run(
        state,
        EarlyStopping(**rule),
        max_iter=changes.get("max_iter", options["max_iter"]),
        validate_together=asked,
        listener=listener,
        cycle_stop=cycle_stop,
    )
    with np.errstate(over="ignore", invalid="ignore"):
        return run, drive(minimize or setting.minimizer(), run), asked


def assert_same_checkpoints(found, expected):
    assert len(found.best) == len(expected.best)
    for mine, other in zip(found.best, expected.best, strict=True):
        assert mine[:3] == other[:3]
        np.testing.assert_array_equal(mine.params, other.params)


SETTING = Setting(rows=ROWS, dropout=(0.3,), max_iter=12, rate=0.1, weighted=True)


def test_the_whole_is_validated_once_an_epoch():
    run, reason, asked = fit(SETTING)
    record = run.state.record
    assert reason == "max_iter"
    assert asked.active == [list(range(K))] * 12
    expected = [asked.numbers(models) for models in asked.models]
    joint = record.joint
    assert joint.names == (*Epoch._fields, "worst", "n")
    assert joint.column("validation_loss") == [each.loss for each in expected]
    assert joint.column("validation_score") == [each.score for each in expected]
    assert joint.column("worst") == [each.numbers["worst"] for each in expected]
    assert joint.column("n") == [60.0] * 12
    for name in ("loss", "gradient_norm", "learning_rate"):
        means = np.mean([each.column(name) for each in record.histories], axis=0)
        np.testing.assert_allclose(joint.column(name), means, rtol=1e-14)
    for history in record.histories:
        assert history.validation("validation_loss") == joint.column("validation_loss")
        assert history.best_iteration == 1 + np.argmax(joint.column("validation_score"))
    np.testing.assert_array_equal(asked.models[-1], run.state.params)
    together, _ = train(SETTING.minimizer(), SETTING.state(), max_iter=12)
    np.testing.assert_array_equal(together.state.params, run.state.params)


def test_the_numbers_of_the_whole_as_plain_data():
    joint = fit(SETTING)[0].state.record.joint
    data = joint.to_dict()
    assert list(data) == [name for name in joint.names if name != "seconds"]
    assert json.loads(json.dumps(data)) == data
    found = JointHistory.from_dict(data)
    assert (found.n_rows, found.names, found.to_dict()) == (12, joint.names, data)
    assert all(map(math.isnan, found.column("seconds")))
    assert found.enter(joint.rows[0]).column("worst") == [*data["worst"], data["worst"][0]]
    assert JointHistory.from_dict(JointHistory().to_dict()) == JointHistory()


def test_patience_goes_by_the_whole():
    run, reason, _ = fit(replace(SETTING, max_iter=60), n_iter_no_change=1)
    record = run.state.record
    assert (reason, record.stopped) == ("early_stopping", ("early_stopping",) * K)
    rule = EarlyStopping(0.0, 1, by_score=True)
    expected = rule.begin(History(), validates=True)
    for row in record.joint.rows:
        assert not rule.is_out_of_patience(expected)
        expected = rule.enter(expected, row.epoch, np.zeros(1))
    assert rule.is_out_of_patience(expected)
    assert {each.best_iteration for each in record.histories} == {expected.best_iteration}


def test_of_a_member_that_diverges_the_last_finite_model_is_judged():
    setting = Setting(rows=WITH_ONE_THAT_DIVERGES, loss=Barrier(5.0), max_iter=6)
    run, _, asked = fit(setting)
    record = run.state.record
    n_own = record.n_member_iter[DIVERGES]
    others = [k for k in range(K) if k != DIVERGES]
    assert record.stopped[DIVERGES] == "not_finite"
    assert 2 <= n_own < 6
    assert asked.active == [list(range(K))] * (n_own - 1) + [others] * (6 - n_own + 1)
    for models in asked.models[n_own - 1 :]:
        np.testing.assert_array_equal(models[DIVERGES], asked.models[n_own - 2][DIVERGES])
    assert np.all(np.isfinite(record.joint.column("loss")))
    assert math.isnan(record.histories[DIVERGES].column("validation_score")[-1])


def test_all_members_diverge():
    setting = Setting(rows=ROWS, loss=Barrier(1e-9), max_iter=6)
    run, reason, asked = fit(setting)
    assert (reason, asked.active) == ("not_finite", [])
    joint = run.state.record.joint
    assert joint.n_rows == 1
    assert all(math.isnan(joint.column(name)[0]) for name in ("validation_loss", "worst"))
    assert run.state.checkpoints.arrays() == ()


# ---------------------------------------------------------------------------- checkpoints

INF, NAN = math.inf, math.nan
SEQUENCES = {
    # values of two criteria, epoch by epoch: the epochs that they choose
    "one epoch": ([3], [5], (1, 1)),
    "falling": ([3, 2, 1], [5, 5, 4], (3, 3)),
    "rising": ([1, 2, 3], [5, 6, 7], (1, 1)),
    "two epochs": ([3, 1, 2, 2], [5, 4, 3, 4], (2, 3)),
    "the last of equal ones": ([1, 1, 2, 1, 3], [5, 4, 4, 6, 7], (4, 3)),
    "first one, then the other": ([3, 2, 2, 4, 1], [1, 2, 0, 3, 4], (5, 3)),
    "in turns": ([9, 9.5, 8, 8.5, 7, 7.5], [9.5, 9, 8.5, 8, 7.5, 7], (5, 6)),
    "NaN among them": ([2, NAN, 3, 2], [NAN, 1, NAN, NAN], (4, 2)),
    "nothing but NaN": ([NAN, INF], [INF, NAN], (2, 2)),
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_checkpoints_are_the_last_of_the_best_epochs(name):
    first, second, expected = SEQUENCES[name]
    checkpoints, seen = Checkpoints.of(("a", "b")), set()
    params = np.empty((3, 4))
    assert checkpoints.arrays() == ()
    for epoch, values in enumerate(zip(first, second, strict=True), 1):
        before, whole_before = checkpoints, copy.deepcopy(checkpoints)
        params[...] = epoch
        checkpoints = checkpoints.enter(epoch, dict(zip("ab", values, strict=True)).get, params)
        seen.update(map(id, checkpoints.memory))
        # Whoever is interrupted goes on with the object before.
        if before.arrays():
            assert_same_checkpoints(before, whole_before)
    assert len(seen) <= 3  # two criteria, and one that is being written
    assert tuple(each.epoch for each in checkpoints.best) == expected
    for values, best in zip((first, second), checkpoints.best, strict=True):
        value = values[best.epoch - 1]
        assert best.value == (INF if math.isnan(value) else value)
        np.testing.assert_array_equal(best.params, np.full((3, 4), best.epoch))
    chosen = sorted(set(expected))
    assert len(checkpoints.arrays()) == len(checkpoints.epochs()) == len(chosen)
    assert sorted(each.epoch for each in checkpoints.epochs()) == chosen
    assert checkpoints.epochs()[0].criterion == "a"


@pytest.mark.parametrize(
    "copied", [Checkpoints.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))]
)
def test_copies_of_checkpoints(copied):
    checkpoints = Checkpoints.of(("a", "b"))
    for epoch, (a, b) in enumerate([(3, 3), (2, 4), (1, 5), (0, 0)], 1):
        number = {"a": a, "b": b}.get
        checkpoints = checkpoints.enter(epoch, number, np.full((2, 5), float(epoch)))
    assert len(checkpoints.memory) == 3
    mine = copied(checkpoints)
    assert_same_checkpoints(mine, checkpoints)
    assert mine.best[0].params is mine.best[1].params
    assert len(mine.memory) == 1
    assert not np.shares_memory(mine.memory[0], checkpoints.best[0].params)
    later = mine.enter(5, {"a": -1, "b": 1}.get, np.full((2, 5), 5.0))
    assert [each.epoch for each in later.best] == [5, 4]
    assert checkpoints.best[0].params[0, 0] == 4
    assert Checkpoints.of(("a",)).copy() == Checkpoints((BestEpoch("a"),))


def test_checkpoints_are_what_shorter_trainings_come_to():
    run, _, _ = fit(SETTING)
    checkpoints, joint = run.state.checkpoints, run.state.record.joint
    for best, criterion in zip(checkpoints.best, CRITERIA, strict=True):
        values = np.array(joint.column(criterion))
        assert best.criterion == criterion
        assert best.value == values.min()
        assert best.epoch == len(values) - np.argmin(values[::-1])
        shorter, _ = train(SETTING.minimizer(), SETTING.state(), max_iter=best.epoch)
        np.testing.assert_array_equal(best.params, shorter.state.model)
    assert len({each.epoch for each in checkpoints.best}) == 2


class Collector:
    """Keeps a copy of the state after every epoch, and none of what is written to."""

    def __init__(self):
        self.run, self.states = None, []

    def epoch_begins(self):
        pass

    def epoch_ended(self):
        self.states.append(self.run.state.copy())
        return False

    def training_ended(self):
        pass


def test_copies_of_the_state_stay_what_they_were():
    collector = Collector()
    rule = EarlyStopping(0.0, math.inf, by_score=True, jointly=True)
    start, ask = begun(SETTING), Whole(SETTING)
    run = Run(start, rule, max_iter=12, validate_together=ask, listener=collector)
    collector.run = run
    drive(SETTING.minimizer(), run)
    for n_epochs, state in enumerate(collector.states, 1):
        expected, _, _ = fit(SETTING, max_iter=n_epochs)
        assert_same_checkpoints(state.checkpoints, expected.state.checkpoints)
        assert state.record.joint.n_rows == n_epochs


@pytest.mark.parametrize("n_steps", [0, 3, 5, 8, 12, 16, 21, 23, 27])
def test_an_interrupt_leaves_checkpoints_and_numbers_of_the_last_whole_epoch(n_steps):
    setting = replace(SETTING, loss=Interrupted(after=n_steps, limit=INF))
    n_whole = n_steps // math.ceil(ROWS.shape[1] / 8)
    rule = EarlyStopping(0.0, math.inf, by_score=True, keeps_best=True, jointly=True)
    run = Run(begun(setting), rule, max_iter=12, validate_together=Whole(setting))
    with pytest.raises(KeyboardInterrupt):
        drive(setting.minimizer(), run)
    assert_same_as_shorter(run.state, replace(setting, loss=Barrier(INF)), n_whole)


def assert_same_as_shorter(state, setting, n_epochs):
    assert state.record.n_iter == state.record.joint.n_rows == n_epochs
    if n_epochs == 0:
        assert state.checkpoints.arrays() == ()
        return
    expected, _, _ = fit(setting, max_iter=n_epochs)
    assert_same_checkpoints(state.checkpoints, expected.state.checkpoints)
    assert numbers_of(state) == numbers_of(expected.state)


def numbers_of(state):
    """All of a state but the seconds."""
    rows = [(row.epoch._replace(seconds=0), dict(row.numbers)) for row in joint_rows(state)]
    without = replace(state, record=replace(state.record, joint=None))
    return rows, whole(without)


def joint_rows(state):
    return state.record.joint.rows[: state.record.joint.n_rows]


class InterruptedNumbers(dict):
    """An interrupt while the checkpoints are decided on."""

    def __getitem__(self, name):
        raise KeyboardInterrupt


@pytest.mark.parametrize("n_calls", [0, 1, 4, 7])
@pytest.mark.parametrize("where", ["in the validation", "in the checkpoints"])
def test_an_interrupt_at_the_end_of_an_epoch(n_calls, where):
    ask = Whole(SETTING)

    def validate(models, active):
        found = ask(models, active)
        if len(ask.active) <= n_calls:
            return found
        if where == "in the validation":
            raise KeyboardInterrupt
        return found._replace(numbers=InterruptedNumbers(found.numbers))

    rule = EarlyStopping(0.0, math.inf, by_score=True, keeps_best=True, jointly=True)
    run = Run(begun(SETTING), rule, max_iter=12, validate_together=validate)
    with pytest.raises(KeyboardInterrupt):
        drive(SETTING.minimizer(), run)
    assert_same_as_shorter(run.state, SETTING, n_calls)


@pytest.mark.parametrize("n_epochs", [1, 3, 7, 11])
def test_a_training_goes_on_with_its_checkpoints(n_epochs):
    expected, _, _ = fit(SETTING)
    first, _, _ = fit(SETTING, max_iter=n_epochs)
    state = copy.deepcopy(first.state)
    shuffles = {n: g for n, g in SETTING.state().generators.items() if n.startswith("shuffle")}
    state = replace(state, generators={**state.generators, **shuffles})
    found, _, _ = fit(SETTING, state=state)
    assert numbers_of(found.state) == numbers_of(expected.state)
    assert_same_checkpoints(found.state.checkpoints, expected.state.checkpoints)


# ---------------------------------------------------------------------------- cycles


def history_of(values):
    history = JointHistory()
    for value in values:
        epoch = Epoch(1.0, 0.0, value, 0.1, 1.0, 0.0)
        history = history.enter(JointEpoch(epoch, {"error": -value}))
    return history


CYCLES = {
    # values of the epochs, of which the cycles end with 1, 3 and 6: whether it is over then
    "better": ([9, 5, 4, 6, 3, 7], False),
    "equal": ([9, 5, 4, 6, 4, 7], False),
    "worse": ([9, 5, 4, 6, 5, 7], True),
    "the first cycle does not count": ([1, 5, 4, 6, 3, 7], False),
    "nor does the third only end": ([9, 5, 4, 3, 6, 7], False),
    "nothing but NaN in the third": ([9, 5, 4, NAN, NAN, NAN], True),
    "nothing but NaN in the second": ([9, NAN, NAN, 6, 5, 7], False),
    "nothing but NaN in both": ([9, NAN, NAN, NAN, NAN, NAN], False),
    "one NaN": ([9, NAN, 4, NAN, 5, 7], True),
}


@pytest.mark.parametrize("name", CYCLES)
def test_a_cycle_that_is_worse_than_the_one_before_is_the_last(name):
    values, is_over = CYCLES[name]
    rule = CycleStop((1, 3, 6))
    for n_epochs in range(1, 6):
        assert not rule.is_over(history_of(values[:n_epochs]))
    assert rule.is_over(history_of(values)) == is_over
    assert not rule.is_over(history_of([*values, 99]))
    if not any(map(math.isnan, values)):
        reversed_rule = CycleStop((1, 3, 6), "error")
        best = max(values[3:]), max(values[1:3])
        assert reversed_rule.is_over(history_of(values)) == (best[0] < best[1])


@pytest.mark.parametrize(
    ("values", "learnt", "is_over"),
    [
        ([9, 5, 4, 6, 5, 7], 4.5, True),
        ([9, 5, 4, 6, 5, 7], 4, False),
        ([9, 5, 4, 6, 5, 7], 3.9, False),
        ([3, 5, 4, 6, 5, 7], 3.9, True),
        ([9, NAN, NAN, NAN, NAN, NAN], 3.9, False),
    ],
)
def test_a_training_that_has_not_begun_to_learn_goes_on(values, learnt, is_over):
    assert CycleStop((1, 3, 6), learnt=learnt).is_over(history_of(values)) == is_over


@pytest.mark.parametrize("ends", [(0, 0, 1), (0, 1, 1), (1, 1, 3), (0, 1, 2)])
def test_cycles_without_an_epoch_do_not_compare(ends):
    over = [CycleStop(ends).is_over(history_of(range(1, n + 1))) for n in range(1, 5)]
    assert over == [n == ends[2] and ends[0] < ends[1] < ends[2] for n in range(1, 5)]


@pytest.mark.parametrize("worsens", [True, False])
def test_a_training_ends_with_the_third_cycle(worsens):
    schedule = CosLog()
    ends = schedule.cycle_ends(16)
    assert ends == (1, 3, 7, 16)
    setting = replace(SETTING, schedule=schedule, max_iter=16)

    class Judge(Whole):
        def numbers(self, models):
            loss = float(len(self.active)) * (1 if worsens else -1)
            return JointValidation(-loss, loss, {"worst": loss})

    run, reason, _ = fit(setting, cycle_stop=CycleStop(ends[:3]), ask=Judge(setting))
    record = run.state.record
    expected = (7, "early_stopping") if worsens else (16, "max_iter")
    assert (record.n_iter, reason) == expected
    assert record.stopped == (("early_stopping" if worsens else ""),) * K
    assert run.state.checkpoints.best[0].epoch == (1 if worsens else 16)


# ---------------------------------------------------------------------------- what is refused


def test_numbers_of_the_whole_need_members_that_are_judged_jointly():
    state = SETTING.state()
    single = TrainingState(state.params[0])
    joint, separate = EarlyStopping(0.0, 1, jointly=True), EarlyStopping(0.0, 1)
    ask = Whole(SETTING)

    def validate(params, k):
        return Validation(0.0, 0.0)

    for start, rule, other in [
        (single, joint, None),
        (state, separate, None),
        (state, joint, validate),
    ]:
        with pytest.raises(ValueError, match="validate_together is for members"):
            Run(start, rule, max_iter=1, validate=other, validate_together=ask)
    for start, cycles in [(begun(SETTING), None), (state, CycleStop((1, 2, 3)))]:
        with pytest.raises(ValueError, match="numbers of validate_together"):
            Run(start, joint, max_iter=1, cycle_stop=cycles)


def test_a_column_that_there_is_not():
    history = JointHistory()
    for value in (3.0, 1.0, 2.0):
        epoch = Epoch(value, -value, value, 0.1, 1.0, 0.0)
        history = history.enter(JointEpoch(epoch, {"mae": value}))
    assert CycleStop((1, 2, 3), "mae").is_over(history)
    with pytest.raises(ValueError, match=r"no column 'mea': there are .*'mae'"):
        CycleStop((1, 2, 3), "mea").is_over(history)
    with pytest.raises(ValueError, match=r"must have other names .* 'loss' is taken"):
        history.enter(JointEpoch(epoch, {"loss": 1.0}))
