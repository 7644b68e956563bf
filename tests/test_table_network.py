"""The network for tables; an ensemble over folds, trained with it by the parts of the engine."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from skneural.activations import ACTIVATIONS
from skneural.initialization import row_sample
from skneural.losses import LOSSES
from skneural.minimizers.checkpoints import Checkpoints
from skneural.minimizers.history import EarlyStopping
from skneural.minimizers.joint import CycleStop, JointValidation
from skneural.minimizers.minibatch import MiniBatches
from skneural.minimizers.run import Run, drive
from skneural.minimizers.state import Record, TrainingState
from skneural.objective import Objective
from skneural.optimizers import AdamW
from skneural.schedules import CosLog, FlatCos
from skneural.table_network import table_network
from skneural.temperature import fit_temperature, scaled_log_probabilities

RELU, MISH = ACTIVATIONS["relu"], ACTIVATIONS["mish"]

NETWORKS = {
    # numbers, others, parametric, dropout: inputs, and the names of the layers
    "classes": (
        [slice(0, 3)],
        [slice(3, 5)],
        False,
        0.15,
        5,
        "Columns Scale NTPDense Activate Dropout NTPDense Activate Dropout NTPDense",
    ),
    "numbers": (
        [slice(0, 3)],
        [],
        True,
        0.0,
        3,
        "Columns Scale NTPDense ParametricActivation NTPDense ParametricActivation NTPDense",
    ),
    "columns of members": (
        [slice(0, 3), slice(5, 7)],
        [slice(3, 5), slice(7, 9), slice(9, 9)],
        False,
        0.0,
        9,
        "Columns Scale NTPDense Activate NTPDense Activate NTPDense",
    ),
    "nothing to embed": (
        [slice(0, 0)],
        [slice(0, 4)],
        False,
        0.0,
        4,
        "Columns Scale NTPDense Activate NTPDense Activate NTPDense",
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_of_the_network(name):
    numbers, others, is_parametric, dropout, n_inputs, layers = NETWORKS[name]
    network = table_network(
        numbers,
        others,
        2,
        MISH,
        hidden=(7, 6),
        sigma=0.5,
        dropout=dropout,
        is_parametric=is_parametric,
    )
    assert network.n_inputs == n_inputs
    assert [type(layer).__name__ for layer in network.layers] == layers.split()
    n_embedded = sum(each.stop - each.start for each in numbers)
    n_plain = sum(each.stop - each.start for each in others)
    assert network.layers[0].n_outputs == 4 * n_embedded + n_plain
    rows = np.random.RandomState(1).randn(40, n_inputs)
    params = np.empty(network.n_params)
    network.initialize(params, np.random.RandomState(0), rows)
    raw = network.predict_raw(params, rows)
    np.testing.assert_allclose(raw.std(axis=0), 1, rtol=1e-6)
    if numbers[0] != slice(0, 0):
        waves = network.arrays(params)[0][0]
        assert 0.3 < waves[..., 0].std() < 0.7  # sigma
    # Every column has a part in the output.
    for j in range(n_inputs):
        moved = rows.copy()
        moved[:, j] += 1
        assert np.all(np.abs(network.predict_raw(params, moved) - raw).max(axis=0) > 1e-6)


def test_a_network_needs_columns():
    with pytest.raises(ValueError, match="needs columns"):
        table_network([slice(0, 0)], [], 2, RELU)


# ---------------------------------------------------------------------------- an ensemble

N, N_TRAIN, K, N_EPOCHS, BATCH = 900, 360, 3, 16, 32


def table(seed=0):
    """Two numbers, a column of two values, a category of 12 levels; three classes."""
    rng = np.random.RandomState(seed)
    X = np.column_stack([rng.randn(N, 2), rng.choice([-1.0, 1.0], size=N)])
    level = rng.randint(12, size=N)
    z = np.column_stack([2 * np.sin(3 * X[:, 0]), X[:, 1] * X[:, 2], rng.randn(12)[level]])
    y = np.argmax(1.5 * z + rng.gumbel(size=(N, 3)), axis=1)
    return X, level, y


def encoded(level, y, rows):
    """Of each level, how frequent every class is among some of the rows."""
    sums = np.zeros((12, 3))
    np.add.at(sums, level[rows], np.eye(3)[y[rows]])
    counts = sums.sum(axis=1, keepdims=True)
    prior = sums.sum(axis=0) / len(rows)
    return ((sums + 10 * prior) / (counts + 10))[level] - prior


class OutOfFold:
    """Every row is predicted by the member that has not seen it."""

    def __init__(self, network, X, own, y, folds):
        self.network, self.y, self.folds = network, y, folds
        self.inputs = [np.hstack([X[rows], own[k][rows]]) for k, rows in enumerate(folds)]
        self.logits = np.empty((N_TRAIN, 3), dtype=np.float32)

    def __call__(self, models, active):
        for k in active:
            self.logits[self.folds[k]] = self.network.predict_raw(models[k], self.inputs[k])
        temperature = fit_temperature(self.logits, self.y)
        error = float(np.mean(self.logits.argmax(axis=1) != self.y))
        numbers = {"error": error, "temperature": temperature.value}
        return JointValidation(1 - error, temperature.loss, numbers)


def train_over_folds(X, own, y, folds):
    """The run, and the network: every member on the rows of the other folds."""
    network = table_network(
        [slice(0, 2), slice(3, 6)], [slice(2, 3)], 3, RELU, hidden=(16, 16), dropout=0.1
    )
    rows = [np.setdiff1d(np.arange(N_TRAIN), fold) for fold in folds]
    optimizer = AdamW(beta_2=0.95, weight_decay=0.02)
    objective = Objective(
        network, LOSSES["log_loss", "softmax"], 0.0, BATCH, dtype=np.float32, members=(K,)
    )
    minimize = MiniBatches(
        objective,
        X[:N_TRAIN],
        y[:N_TRAIN, np.newaxis] == np.arange(3),
        None,
        optimizer,
        CosLog(),
        0.04,
        BATCH,
        N_EPOCHS,
        rows,
        decay_schedule=FlatCos(),
        dropout_schedule=FlatCos(),
        drop_last=True,
        own_columns=own[:, :N_TRAIN].copy(),
    )
    params = np.empty((K, network.n_params), dtype=np.float32)
    generators = {}
    for k in range(K):
        sample = row_sample(np.hstack([X, own[k]])[rows[k]], np.random.RandomState(0))
        network.initialize(params[k], np.random.RandomState(k), sample)
        generators[f"shuffle {k}"] = np.random.RandomState(10 + k)
        generators[f"dropout {k}"] = np.random.default_rng(20 + k)
    memory = optimizer.init_state(params.shape, params.dtype, network.n_penalised, network.rates)
    state = TrainingState(
        params,
        memory,
        Record.of_members(K, 0.04),
        generators,
        checkpoints=Checkpoints.of(("validation_loss", "error")),
    )
    run = Run(
        state,
        EarlyStopping(0.0, math.inf, by_score=True, jointly=True),
        max_iter=N_EPOCHS,
        validate_together=OutOfFold(network, X[:N_TRAIN], own, y[:N_TRAIN], folds),
        cycle_stop=CycleStop(CosLog().cycle_ends(N_EPOCHS)[:3]),
    )
    return run, drive(minimize, run), network


def test_an_ensemble_over_folds_of_unequal_size():
    X, level, y = table()
    order = np.random.RandomState(5).permutation(N_TRAIN)
    folds = np.split(order, [90, 200])  # so that members have 270, 250 and 200 rows
    training = [np.setdiff1d(np.arange(N_TRAIN), fold) for fold in folds]
    own = np.stack([encoded(level, y, rows) for rows in training]).astype(np.float32)
    X = X.astype(np.float32)
    run, reason, network = train_over_folds(X, own, y, folds)
    record, checkpoints = run.state.record, run.state.checkpoints
    assert reason in ("max_iter", "early_stopping")
    assert record.n_samples_seen == 256 * record.n_iter  # 8 whole batches of the longest
    temperatures = record.joint.column("temperature")
    log_probabilities = []
    for best in checkpoints.epochs():
        assert best.value == min(record.joint.column(best.criterion))
        for k in range(K):
            inputs = np.hstack([X, own[k]])[N_TRAIN:]
            logits = network.predict_raw(best.params[k], inputs)
            found = scaled_log_probabilities(logits, temperatures[best.epoch - 1])
            log_probabilities.append(found)
    mean = scaled_log_probabilities(np.mean(log_probabilities, axis=0), 1.0)
    found = log_loss(y[N_TRAIN:], np.exp(mean))
    # A linear model sees a category of 12 levels as well, and neither sine nor product.
    columns = np.hstack([X, np.eye(12)[level]])
    linear = LogisticRegression().fit(columns[:N_TRAIN], y[:N_TRAIN])
    assert found < 0.85 * log_loss(y[N_TRAIN:], linear.predict_proba(columns[N_TRAIN:]))
    # What the out-of-fold rows have promised of single members, the ensemble keeps.
    assert found < checkpoints.best[0].value + 0.05


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("n_rows", [1, 7, 3000])
def test_members_predict_for_shared_rows_what_each_predicts_alone(name, n_rows):
    numbers, others, is_parametric, dropout, n_inputs, _ = NETWORKS[name]
    network = table_network(
        numbers, others, 2, MISH, hidden=(7, 6), dropout=dropout, is_parametric=is_parametric
    )
    X = np.random.RandomState(0).standard_normal((n_rows, n_inputs))
    params = np.empty((3, network.n_params))
    for k in range(3):
        rng = np.random.RandomState(k)
        network.initialize(params[k], rng, rng.standard_normal((50, n_inputs)))
    expected = [network.predict_raw(own, X) for own in params]
    np.testing.assert_allclose(network.predict_raw(params, X), expected, rtol=1e-12, atol=1e-12)
