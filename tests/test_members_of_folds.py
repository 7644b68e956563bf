"""Members that differ in more than their rows: in how many they have, in columns, in targets."""

from __future__ import annotations

import math
import tracemalloc
from dataclasses import dataclass, replace

import numpy as np
import pytest
from memory import lasting_peak_of
from networks import initial_params, network_of, train
from test_members import SQUARED_ERROR, K, Setting, X, Y, assert_equal_to_single_fits, whole

from skneural.arrays.batches import Batches
from skneural.minimizers.history import Validation
from skneural.minimizers.minibatch import MiniBatches
from skneural.minimizers.order import RowOrder
from skneural.minimizers.state import Record, TrainingState
from skneural.objective import Objective
from skneural.optimizers import AdamW
from skneural.schedules import CosLog, FlatCos

RNG = np.random.RandomState(3)
OWN = RNG.randn(K, len(X), 2) + X[:, :1]
TARGETS = Y + np.arange(K)[:, np.newaxis, np.newaxis] / 10
ROWS = RNG.randint(60, size=(K, 37))


@dataclass(frozen=True)
class OwnData(Setting):
    """Members with columns of their own, or targets, or both; alone, they have one matrix."""

    columns: bool = False
    targets: bool = False

    @property
    def network(self):
        n_inputs = 4 + 2 * self.columns
        return network_of((n_inputs, *self.hidden, 2), "tanh", dropout=self.dropout)

    def minimizer(self, k=None, max_iter=None):
        own, y = OWN.astype(self.dtype), TARGETS.astype(self.dtype)
        changes = {"y": y if k is None else y[k]} if self.targets else {}
        if self.columns and k is None:
            changes["own_columns"] = own
        elif self.columns:
            changes["X"] = np.hstack([X.astype(self.dtype), own[k]])
        return replace(super().minimizer(k), **changes)

    def validate(self, params, k):
        rows = slice(None, 30)
        inputs = np.hstack([X, OWN[k]])[rows, : self.network.n_inputs]
        raw = self.network.predict_raw(params, inputs.astype(self.dtype))
        loss = float(np.mean((raw - Y[rows]) ** 2, dtype=np.float64))
        return Validation(-loss, loss)


OWN_DATA = {
    "columns": OwnData(rows=ROWS, columns=True, dropout=(0.3,), max_iter=15),
    "columns, weighted": OwnData(rows=ROWS, columns=True, weighted=True, drop_last=True),
    "columns of shared rows": OwnData(columns=True, max_iter=15),
    "columns, all in order": OwnData(columns=True, shuffle=False, max_iter=15),
    "columns, some in order": OwnData(rows=ROWS[0], columns=True, shuffle=False),
    "targets": OwnData(rows=ROWS, targets=True, max_iter=15),
    "targets of shared rows in order": OwnData(targets=True, shuffle=False, weighted=True),
    "both": OwnData(
        rows=ROWS,
        columns=True,
        targets=True,
        weighted=True,
        optimizer=AdamW(weight_decay=0.1),
        schedule=CosLog(n_cycles=2),
        decay_schedule=FlatCos(),
        max_iter=15,
    ),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", OWN_DATA)
def test_members_with_data_of_their_own_are_equal_to_single_fits(name, dtype):
    setting = replace(OWN_DATA[name], dtype=dtype)
    run, _ = setting.together()
    assert_equal_to_single_fits(setting, run, setting.alone())
    if name in (
        "columns",
        "targets",
        "both",
    ):  # some are frozen, and the others go on with their own data
        assert len(set(run.state.record.n_member_iter)) > 1


def test_data_of_members_need_members():
    setting = OwnData(targets=True)
    minimize = replace(setting.minimizer(0), y=TARGETS)
    with pytest.raises(ValueError, match="Only members side by side"):
        train(minimize, setting.state(0))


REFUSED = {
    "columns of other members": (
        {"own_columns": OWN[:3]},
        "Columns of members: expected the shape",
    ),
    "columns of other rows": (
        {"own_columns": OWN[:, :-1]},
        "Columns of members: expected the shape",
    ),
    "columns of another dtype": ({"own_columns": OWN.astype(np.float32)}, "got .* and float32"),
    "targets of other members": ({"y": TARGETS[:3]}, "Targets of members: expected the shape"),
    "targets of other rows": ({"y": TARGETS[:, 1:]}, "Targets of members: expected the shape"),
    "rows of other members": ({"rows": ROWS[:3]}, r"Each of the 4 members .* \[37, 37, 37\]"),
    "a member without rows": (
        {"rows": [*ROWS[:3], ROWS[3, :0]]},
        "Each of the 4 members needs rows",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_data_that_are_not_those_of_the_members(name):
    """Their rows would be taken for those of other members."""
    changes, message = REFUSED[name]
    setting = OwnData(rows=ROWS, columns=True, targets=True)
    with pytest.raises(ValueError, match=message):
        train(replace(setting.minimizer(), **changes), setting.state(), **setting.options())


# ---------------------------------------------------------------------------- unequal numbers

#: Of each member, so that an epoch of the longest is a whole number of passes of each other.
LENGTHS = (32, 16, 8, 32)
UNEQUAL = [RNG.choice(len(X), size=n, replace=False) for n in LENGTHS]


def unequal(rows, **changes):
    settings = {"validates": False, "rule": {"n_iter_no_change": math.inf}, "dropout": (0.3,)}
    setting = Setting(**{**settings, "max_iter": 3, **changes})
    return setting, replace(setting.minimizer(), rows=rows)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_shorter_members_go_through_their_rows_again(shuffle, weighted):
    """So often that they are equal to single fits of as many more epochs."""
    setting, minimize = unequal(UNEQUAL, shuffle=shuffle, weighted=weighted)
    run, _ = train(minimize, setting.state(), **setting.options())
    for k, rows in enumerate(UNEQUAL):
        alone = replace(setting.minimizer(k), rows=rows)
        more = {**setting.options(), "max_iter": setting.max_iter * 32 // len(rows)}
        single, _ = train(alone, setting.state(k), **more)
        np.testing.assert_allclose(run.state.params[k], single.state.params, rtol=1e-12)
        losses = single.state.record.history.column("loss")
        expected = np.mean(np.reshape(losses, (setting.max_iter, -1)), axis=1)
        found = run.state.record.histories[k].column("loss")
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert run.state.record.n_samples_seen == setting.max_iter * 32


@pytest.mark.parametrize("n_epochs", [1, 2, 4])
def test_members_of_unequal_length_are_resumed_bit_for_bit(n_epochs):
    rows = [each[: 32 - 5 * k] for k, each in enumerate(UNEQUAL)]
    setting, minimize = unequal(rows, max_iter=5)
    expected, _ = train(minimize, setting.state(), **setting.options())
    options = {**setting.options(), "max_iter": n_epochs}
    first, _ = train(minimize, setting.state(), **options)
    begun = {n: g for n, g in setting.state().generators.items() if n.startswith("shuffle")}
    state = replace(first.state, generators={**first.state.generators, **begun})
    found, _ = train(minimize, state, **setting.options())
    assert whole(found.state) == whole(expected.state)


LENGTHS_OF_EPOCHS = {
    # lengths, batch size, whole batches or not: rows of an epoch
    "as the longest": ((13, 7, 3), 4, False, 13),
    "whole batches of the longest": ((13, 7, 3), 4, True, 12),
    "one batch": ((3, 2, 3), 4, True, 3),
    "of equal length": ((6, 6, 6), 4, True, 4),
    "a batch less than the shortest": ((9, 8, 9), 4, True, 8),
    "a row longer": ((9, 8, 9), 4, False, 9),
}


@pytest.mark.parametrize("name", LENGTHS_OF_EPOCHS)
def test_order_of_members_of_unequal_length(name):
    """Pass after pass in a new order, each that of the pass before, shuffled."""
    lengths, batch_size, drops_last, n_rows = LENGTHS_OF_EPOCHS[name]
    rows = [100 * k + np.arange(n) for k, n in enumerate(lengths)]

    def generators():
        return [np.random.RandomState(k) for k in range(3)]

    whole_batches = batch_size if drops_last else None
    order = RowOrder(rows, 500, (3,), generators(), (), whole_batches)
    assert (order.n_rows, order.is_per_member) == (n_rows, True)
    epochs = [order.next_epoch([0, 1, 2]) for _ in range(3)]
    for k, (n, generator) in enumerate(zip(lengths, generators(), strict=True)):
        current = rows[k]
        for epoch in epochs:
            passes = []
            while sum(map(len, passes)) < n_rows:
                current = current[generator.permutation(n)]
                passes.append(current)
            np.testing.assert_array_equal(epoch[k], np.concatenate(passes)[:n_rows])
    later = RowOrder(rows, 500, (3,), generators(), (2, 1, 2), whole_batches)
    found = later.next_epoch([0, 2])
    np.testing.assert_array_equal(found, epochs[2][[0, 2]])
    np.testing.assert_array_equal(later.next_epoch([1])[0], epochs[1][1])


# ---------------------------------------------------------------------------- batches


def test_batches_of_own_columns_allocate_nothing():
    n, batch_size = 6000, 500
    shared = np.arange(n * 3.0).reshape(n, 3)
    own = np.arange(2 * n * 5.0).reshape(2, n, 5)
    targets = own[..., :1] > 7
    batches = Batches(shared, targets, shared[:, 0].copy(), batch_size, [1], own)
    order = np.random.RandomState(0).permutation(n)[np.newaxis]

    def visit():
        for (x, y, weight), start in zip(
            batches.iter_batches(order), range(0, n, batch_size), strict=True
        ):
            rows = order[0, start : start + batch_size]
            assert x[0, 7, 2] == shared[rows[7], 2]
            assert x[0, 7, 3] == own[1, rows[7], 0]
            assert (y[0, 7, 0], weight[0, 7]) == (targets[1, rows[7], 0], shared[rows[7], 0])

    assert lasting_peak_of(visit) < batch_size * 8  # less than a column of a batch


def test_no_copy_of_the_rows_is_made_for_any_member():
    """Training 4 members takes memory for batches, not for 4 matrices of all columns."""
    n, batch_size = 20_000, 50
    rng = np.random.RandomState(0)
    shared, own = rng.randn(n, 20), rng.randn(K, n, 2)
    network = network_of((22, 3, 1))
    objective = Objective(network, SQUARED_ERROR, 0.0, batch_size, members=(K,))
    rows = np.stack([rng.permutation(n)[:1000] for _ in range(K)])
    settings = (AdamW(), CosLog(), 0.01, batch_size, 1, rows)
    minimize = MiniBatches(objective, shared, shared[:, :1], None, *settings, own_columns=own)
    params = np.stack([initial_params(network, k) for k in range(K)])
    memory = AdamW().init_state(params.shape, np.float64, network.n_penalised, network.rates)
    generators = {f"shuffle {k}": np.random.RandomState(k) for k in range(K)}
    state = TrainingState(params, memory, Record.of_members(K, 0.01), generators)
    tracemalloc.start()
    train(minimize, state, max_iter=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < shared.nbytes / 4
