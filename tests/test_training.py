"""The minimisers: memory of the inner loop, order of rows, stopping, L-BFGS."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pytest
from memory import lasting_peak_of
from networks import initial_params, layers_of, network_of, state_of, train
from sklearn.base import clone

from skneural import ScratchMLPClassifier, ScratchMLPRegressor
from skneural.activations import ACTIVATIONS
from skneural.arrays import batches as batches_module
from skneural.arrays.batches import Batches
from skneural.layers import Layer, NTPDense, ParametricActivation, Scale
from skneural.losses import LOSSES, RegressionLoss
from skneural.minimizers.history import EarlyStopping, Validation
from skneural.minimizers.lbfgs import LBFGS
from skneural.minimizers.minibatch import MiniBatches, Step
from skneural.minimizers.run import Run, drive
from skneural.network import Network
from skneural.objective import Objective
from skneural.optimizers import OPTIMIZERS, SGD, Adam, AdamW
from skneural.schedules import Adaptive, Constant, CosLog, FlatCos, InverseScaling, Schedule

RNG = np.random.RandomState(0)


def setting(
    loss="log_loss",
    output="softmax",
    *,
    activation="relu",
    n_rows=1000,
    n_features=600,
    dtype=np.float64,
    dropout=(),
):
    """X, boolean or numeric y, and everything a minimiser needs."""
    X = RNG.randn(n_rows, n_features).astype(dtype)
    y = np.eye(10, dtype=bool)[RNG.randint(10, size=n_rows)]
    if output in ("identity", "exp"):
        y = y.astype(dtype) + 1
    network = network_of((n_features, 100, 50, 10), activation, dropout=dropout)
    return X, y, network, initial_params(network, 0, dtype), LOSSES[loss, output]


#: Bytes; the arrays of a batch are ten times as large. NumPy 1 has a buffer inside its
#: reductions along an axis, as large as what it reduces.
MEMORY_LIMIT = 10_000 if np.lib.NumpyVersion(np.__version__) >= "2.0.0" else 25_000

INNER_LOOPS = [
    *(("relu", pair, Adam(), weighted, np.float64) for pair in LOSSES for weighted in (0, 1)),
    *((name, ("log_loss", "softmax"), Adam(), False, np.float32) for name in ACTIVATIONS),
    *(("tanh", pair, SGD(), False, np.float32) for pair in LOSSES),
]


@pytest.mark.parametrize(("activation", "pair", "optimizer", "weighted", "dtype"), INNER_LOOPS)
def test_the_inner_loop_allocates_no_arrays(activation, pair, optimizer, weighted, dtype):
    X, y, network, params, loss = setting(*pair, activation=activation, dtype=dtype)
    weight = np.ones(len(X), dtype=dtype) if weighted else None
    batch_size = 150
    assert X[:batch_size].nbytes >= 100_000
    objective = Objective(network, loss, 1e-4, batch_size, dtype=dtype)
    state = optimizer.init_state(network.n_params, dtype)
    batches = Batches(X, y, weight, batch_size)
    order = np.arange(len(X))[::-1]

    def run(n_batches):
        gathered = batches.iter_batches(order)
        for _, (X_batch, y_batch, weight_batch) in zip(range(n_batches), gathered, strict=False):
            _, gradient, _ = objective.value_and_gradient(params, X_batch, y_batch, weight_batch)
            optimizer.step(params, gradient, 1e-3, state)

    run(len(X) // batch_size + 1)  # warm-up, the smaller last batch included
    assert lasting_peak_of(partial(run, 5)) < MEMORY_LIMIT


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("optimizer", [kind() for kind in OPTIMIZERS.values()], ids=repr)
def test_with_everything_on_it_allocates_none_either(optimizer, dtype):
    optimizer.set_params(weight_decay=0.1, max_grad_norm=1.0, averaging=0.9)
    X, y, network, params, loss = setting(dtype=dtype, dropout=[0.5, 0.2])
    batch_size = 150
    objective = Objective(network, loss, 1e-4, batch_size, dtype=dtype, l1=1e-4)
    minimize = MiniBatches(objective, X, y, None, optimizer, Constant(), 1e-3, batch_size, 10)
    state = state_of(params, optimizer, network)
    state.generators["dropout"] = np.random.Generator(np.random.PCG64(0))
    work = minimize._work(state, minimize._order(state))
    order = np.arange(len(X))[::-1]
    steps = [Step(1e-3)] * math.ceil(len(X) / batch_size)

    def run():
        minimize._run_epoch(work, steps, order)

    assert lasting_peak_of(run) < MEMORY_LIMIT
    assert np.any(state.model != state.params)


@pytest.mark.parametrize("dtype", [np.float64, bool])
@pytest.mark.parametrize("run_bytes", [0, 200, 2**20])
def test_batches_visit_every_row_once_in_the_given_order(run_bytes, dtype, monkeypatch):
    monkeypatch.setattr(batches_module, "BLOCK_BYTES", run_bytes)
    X = np.arange(22.0).reshape(11, 2)
    y = np.arange(11)[:, np.newaxis]
    y = y % 3 == 0 if dtype is bool else y.astype(dtype)
    weight = np.arange(11.0) / 7
    batches = Batches(X, y, weight, 4)
    for order in (np.random.RandomState(0).permutation(11), np.array([7, 3, 9, 0, 5, 1])):
        gathered = [tuple(part.copy() for part in batch) for batch in batches.iter_batches(order)]
        assert [len(batch[0]) for batch in gathered] == ([4, 4, 3] if len(order) == 11 else [4, 2])
        for i, whole in enumerate((X, y, weight)):
            found = np.concatenate([batch[i] for batch in gathered])
            np.testing.assert_array_equal(found, whole[order])
            assert found.dtype == np.float64
    in_order = list(batches.iter_batches(None))
    np.testing.assert_array_equal(np.concatenate([batch[0] for batch in in_order]), X)
    assert all(np.shares_memory(batch[0], X) for batch in in_order)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("estimator", [ScratchMLPClassifier(), ScratchMLPRegressor()], ids=repr)
def test_batches_gathered_several_at_a_time_train_the_same_model(estimator, dtype, monkeypatch):
    X = RNG.randn(211, 7).astype(dtype)
    y, weight = np.digitize(X[:, 0], [-0.4, 0.4]), RNG.uniform(0.5, 2, 211)
    models = []
    for run_bytes in (0, 5_000, 2**20):
        monkeypatch.setattr(batches_module, "BLOCK_BYTES", run_bytes)
        model = clone(estimator).set_params(
            hidden_layer_sizes=(9,),
            batch_size=20,
            early_stopping=True,
            max_iter=5,
            random_state=0,
        )
        models.append(model.fit(X, y, sample_weight=weight))
    one_by_one, *others = models
    for model in others:
        for before, now in zip(one_by_one.coefs_, model.coefs_, strict=True):
            np.testing.assert_array_equal(before, now)
        np.testing.assert_array_equal(one_by_one.loss_curve_, model.loss_curve_)


def minimise(params, X, y, network, loss, *, schedule=None, max_iter=50, **rule):
    optimizer, schedule = SGD(), schedule or Constant()
    objective = Objective(network, loss, 0.0, len(X))
    minimize = MiniBatches(objective, X, y, None, optimizer, schedule, 0.1, len(X), max_iter)
    state = state_of(params, optimizer, network, rate=0.1)
    return train(minimize, state, max_iter=max_iter, **{"n_iter_no_change": 3, **rule})


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"tol": 1e9}, "converged"),
        ({"tol": 0.0, "n_iter_no_change": np.inf}, "max_iter"),
        (
            {"tol": 1e9, "validate": lambda params: Validation(0.5, 1.0), "by_score": True},
            "early_stopping",
        ),
        *(
            (
                {"tol": 1e-4, "by_score": True}
                | {"validate": lambda params, score=score: Validation(score, 1.0)},
                "no_score",
            )
            for score in (-math.inf, math.nan)
        ),
    ],
)
def test_stop_reasons(options, reason):
    X, y, network, params, loss = setting(n_rows=40, n_features=5)
    run, found = minimise(params, X, y, network, loss, **options)
    assert found == ("early_stopping" if reason == "no_score" else reason)
    assert len(run.state.record.history.column("loss")) == run.n_iter
    # Patience of three: the fourth epoch without progress is the last.
    n_epochs = {"max_iter": 50, "converged": 5, "early_stopping": 5, "no_score": 4}
    assert run.n_iter == n_epochs[reason]


class Delegating(Schedule):
    """Has what changes the rate from another object."""

    def __init__(self, inner):
        self.after_epoch = inner.after_epoch


def test_a_schedule_that_has_its_method_from_another_object():
    X, y, network, params, loss = setting()
    runs = []
    for schedule in (InverseScaling(), Delegating(InverseScaling()), Constant()):
        run, _ = minimise(params.copy(), X, y, network, loss, schedule=schedule, max_iter=4)
        runs.append(run.state.record.history.column("learning_rate"))
    assert runs[0] == runs[1] != runs[2]


class NeverImpatient(EarlyStopping):
    def is_out_of_patience(self, history):
        return False


def test_a_rule_of_patience_of_your_own():
    X, y, network, params, loss = setting()
    objective = Objective(network, loss, 0.0, len(X))
    # The first epoch is progress, and the second one is allowed to be none.
    for rule, n_epochs in ((EarlyStopping, 3), (NeverImpatient, 6)):
        train_by = MiniBatches(objective, X, y, None, SGD(), Constant(), 0.0, len(X), 6)
        run = Run(state_of(params, SGD(), network), rule(1e9, 1), max_iter=6)
        assert drive(train_by, run) == ("max_iter" if n_epochs == 6 else "converged")
        assert run.n_iter == n_epochs


def test_adaptive_schedule_goes_on_until_the_rate_is_negligible():
    X, y, network, params, loss = setting(n_rows=40, n_features=5)
    options = {"schedule": Adaptive(), "tol": 1e9, "max_iter": 1000}
    run, reason = minimise(params, X, y, network, loss, **options)
    assert reason == "converged"
    assert run.state.record.learning_rate <= 1e-6


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(
    ("n_rows", "visited"), [(10, [4, 4]), (8, [4, 4]), (11, [4, 4]), (4, [4]), (3, [3]), (1, [1])]
)
def test_an_epoch_of_whole_batches(n_rows, visited, shuffle):
    """Row i is the number 2^i, so that the sum over the rows of a batch says which they are."""
    seen = []

    @dataclass(repr=False, eq=False)
    class Noting(RegressionLoss):
        def value_and_gradient(self, raw, y, buffers):
            buffers.gradient[...] = 0
            seen.append([int(math.log2(value)) for value in y[:, 0]])
            return y[:, 0]

    X, y = np.ones((n_rows, 1)), 2.0 ** np.arange(n_rows)[:, np.newaxis]
    network = network_of((1, 1), ())
    objective = Objective(network, Noting(), 0.0, 4)
    settings = (Adam(), Constant(), 0.1, 4, 5, None, shuffle)
    minimize = MiniBatches(objective, X, y, None, *settings, drop_last=True)
    run, _ = train(minimize, state_of(np.zeros(2), Adam(), network), max_iter=5)
    assert [len(batch) for batch in seen] == visited * 5
    per_epoch = len(visited)
    starts = range(0, len(seen), per_epoch)
    epochs = [[row for batch in seen[i : i + per_epoch] for row in batch] for i in starts]
    assert all(len(set(rows)) == sum(visited) for rows in epochs)
    losses = [np.mean([2.0**row for row in rows]) for rows in epochs]
    np.testing.assert_allclose(run.state.record.history.column("loss"), losses)
    assert run.state.record.n_samples_seen == 5 * sum(visited)
    if shuffle:
        # The same orders as without leaving anything out.
        rng, rows = np.random.RandomState(0), np.arange(n_rows)
        for found in epochs:
            rows = rows[rng.permutation(n_rows)]
            assert found == rows[: sum(visited)].tolist()
    else:
        assert epochs == [list(range(sum(visited)))] * 5
    # Step by step, at given rates, the batches are the same.
    trained = seen[:]
    seen.clear()
    state = state_of(np.zeros(2), Adam(), network)
    assert len(list(minimize.iter_steps(state, [0.1] * len(trained)))) == len(trained)
    assert seen == trained


# ------------------------------------------------- schedules of weight decay and of dropout


def scheduled(network, params, *, schedule, decay=None, dropout=None, n_epochs=4, parts=(4,)):
    """Trained on rows of zeros, in batches of 3 of 10: the state, after one call or several."""
    optimizer, X, y = AdamW(weight_decay=0.02), np.zeros((10, 4)), np.zeros((10, 2))
    objective = Objective(network, LOSSES["squared_error", "identity"], 0.0, 3)
    minimize = MiniBatches(
        objective,
        X,
        y,
        None,
        optimizer,
        schedule,
        0.1,
        3,
        n_epochs,
        decay_schedule=decay,
        dropout_schedule=dropout,
    )
    state = state_of(params, optimizer, network, rate=0.1)
    state.generators["dropout"] = np.random.default_rng(0)
    for max_iter in parts:
        run, _ = train(minimize, state, max_iter=max_iter)
        state = run.state
    return state


@pytest.mark.parametrize("parts", [(4,), (1, 4), (2, 3, 4)], ids=str)
def test_decay_by_its_schedule(parts):
    """Without a gradient every parameter is multiplied, at each step, by 1 - 0.02 f(t) eta(t) r^2.

    r is the factor of the rate of a layer; that of the neural tangent parametrization is not in it.
    """
    tanh = ACTIVATIONS["tanh"]
    network = Network([Scale(4), ParametricActivation(tanh, 4), NTPDense(4, 2, False)], 4)
    params = np.linspace(1, 2, network.n_params)
    times = [step / 16 for step in range(16)]  # four batches in each of four epochs
    eta = [0.1 * math.sin(math.pi * math.log2(1 + 15 * t)) ** 2 for t in times]
    flat = [1.0 if t < 0.5 else math.cos(math.pi * (t - 0.5)) ** 2 for t in times]
    left = [
        math.prod(1 - 0.02 * f * rate * r**2 for f, rate in zip(flat, eta, strict=True))
        for r in (6, 0.1, 1)
    ]
    expected = [
        factor * array for factor, (array,) in zip(left, network.arrays(params.copy()), strict=True)
    ]
    state = scheduled(network, params, schedule=CosLog(), decay=FlatCos(), parts=parts)
    for (found,), values in zip(network.arrays(state.params), expected, strict=True):
        np.testing.assert_allclose(found, values, rtol=1e-12)
    assert left[0] < left[2] < left[1] < 1


class Noted(Layer):
    """Notes the strength at which it was to draw."""

    draws = True
    passes_input_on = True
    n_outputs = 4

    def __init__(self):
        self.strengths = []

    def forward(self, arrays, x, buffers=None, random=None):
        if random is not None:
            self.strengths.append(random.strength)
        return x

    def backward(self, arrays, gradients, x, buffers, delta, needs_input):
        return delta


@pytest.mark.parametrize("parts", [(4,), (1, 4), (2, 3, 4)], ids=str)
@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (None, [1.0] * 16),
        (Constant(), [1.0] * 16),
        (FlatCos(), [1.0] * 8 + [math.cos(math.pi * i / 16) ** 2 for i in range(8)]),
        (FlatCos(n_epochs=2), [1.0] * 4 + [math.cos(math.pi * i / 8) ** 2 for i in range(12)]),
    ],
    ids=str,
)
def test_dropout_by_its_schedule(schedule, expected, parts):
    if schedule == FlatCos(n_epochs=2):
        expected = expected[:8] + [0.0] * 8
    noted = Noted()
    network = Network([noted, NTPDense(4, 2)], 4)
    params = np.ones(network.n_params)
    scheduled(network, params, schedule=CosLog(), dropout=schedule, parts=parts)
    np.testing.assert_allclose(noted.strengths, expected, rtol=1e-12, atol=1e-15)


def test_a_loss_that_is_not_finite_ends_the_training_in_its_epoch():
    X, y, network, params, _ = setting("squared_error", "identity", n_rows=40, n_features=5)
    loss = LOSSES["squared_error", "identity"]
    with np.errstate(over="ignore", invalid="ignore"):
        run, reason = minimise(params, 1e60 * X, y, network, loss)
    assert reason == "not_finite"
    assert not np.isfinite(run.state.record.loss)
    assert run.n_iter < 5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lbfgs_finds_the_least_squares_solution(dtype):
    rng = np.random.RandomState(0)
    X = rng.randn(60, 4).astype(dtype)
    y = (X @ rng.randn(4, 2) + 3 + rng.randn(60, 2)).astype(dtype)
    network = network_of((4, 2), ())
    objective = Objective(network, LOSSES["squared_error", "identity"], 0.0, 60, dtype=dtype)
    tol = 1e-8 if dtype == np.float64 else 1e-4
    start = state_of(np.zeros(network.n_params, dtype=dtype))
    run, reason = train(LBFGS(objective, X, y, None, tol, 1000), start, max_iter=500, tol=0)
    solution = np.linalg.lstsq(np.hstack([X, np.ones((60, 1))]), y, rcond=None)[0]
    ((weights, intercepts),) = layers_of(network, run.state.params)
    assert reason == "converged"
    assert run.state.params.dtype == dtype
    tolerance = 1e-3 if dtype == np.float32 else 1e-5
    np.testing.assert_allclose(weights, solution[:-1], rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(intercepts, solution[-1], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("ending", [KeyboardInterrupt, math.nan], ids=["interrupt", "nan"])
def test_a_training_that_goes_on_and_is_broken_off_at_once(ending):
    """What the epochs before have come to stays, and goes on as if nothing had been."""
    X, y = RNG.randn(100, 3), RNG.randn(100, 1)
    network = network_of((3, 4, 1), "tanh")

    class Broken(RegressionLoss):
        n_left = math.inf

        def value_and_gradient(self, raw, y, buffers):
            self.n_left -= 1
            if self.n_left <= 0 and ending is KeyboardInterrupt:
                raise KeyboardInterrupt
            np.subtract(raw, y, out=buffers.gradient)
            if self.n_left <= 0:
                buffers.gradient[...] = ending
            return 0.5 * buffers.gradient[:, 0] ** 2

    loss = Broken()
    minimize = MiniBatches(
        Objective(network, loss, 0.0, 10), X, y, None, Adam(), Constant(), 0.01, 10, 6
    )

    def begun():
        return state_of(initial_params(network), Adam(), network, 0.01)

    whole, _ = train(minimize, begun(), max_iter=6)
    first, _ = train(minimize, begun(), max_iter=3)
    before = first.state.copy()
    loss.n_left = 5  # in the middle of the fourth epoch
    start = replace(first.state, generators=begun().generators)
    broken = Run(start, first.stopping, max_iter=6)
    if ending is KeyboardInterrupt:
        with pytest.raises(KeyboardInterrupt):
            drive(minimize, broken)
        assert broken.state.record == before.record
    else:
        assert drive(minimize, broken) == "not_finite"
        assert broken.state.record.n_iter == 4
    np.testing.assert_array_equal(broken.state.params, before.params)
    assert broken.state.optimizer["step"] == before.optimizer["step"] == 30
    loss.n_left = math.inf
    again = replace(broken.state, record=before.record, generators=begun().generators)
    further, _ = train(minimize, again, max_iter=6)
    np.testing.assert_array_equal(further.state.params, whole.state.params)
