"""The minimisers: memory of the inner loop, order of rows, stopping, L-BFGS."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest

from skneural._arrays import Batches
from skneural.activations import ACTIVATIONS
from skneural.dropout import Dropout
from skneural.initialization import initial_params
from skneural.lbfgs import minimize_lbfgs
from skneural.losses import LOSSES
from skneural.monitoring import Monitor, Validation
from skneural.network import Network
from skneural.objective import Objective
from skneural.optimizers import OPTIMIZERS, SGD, Adam
from skneural.schedules import Adaptive, Constant
from skneural.training import Training, _run_epoch, minimize_minibatch

RNG = np.random.RandomState(0)


def setting(
    loss="log_loss",
    output="softmax",
    *,
    activation="relu",
    n_rows=1000,
    n_features=600,
    dtype=np.float64,
):
    """X, boolean or numeric y, and everything a minimiser needs."""
    X = RNG.randn(n_rows, n_features).astype(dtype)
    y = np.eye(10, dtype=bool)[RNG.randint(10, size=n_rows)]
    if output in ("identity", "exp"):
        y = y.astype(dtype) + 1
    network = Network((n_features, 100, 50, 10), ACTIVATIONS[activation])
    training = Training(initial_params(network, "glorot_uniform", np.random.RandomState(0), dtype))
    return X, y, network, training, LOSSES[loss, output]


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
    X, y, network, training, loss = setting(*pair, activation=activation, dtype=dtype)
    weight = np.ones(len(X), dtype=dtype) if weighted else None
    batch_size = 150
    assert X[:batch_size].nbytes >= 100_000
    objective = Objective(network, loss, 1e-4, batch_size, dtype=dtype)
    state = optimizer.initial_state(network.n_params, dtype)
    batches = Batches(X, y, weight, batch_size)
    order = np.arange(len(X))[::-1]

    def run(n_batches):
        gathered = batches.gathered(order)
        for _, (X_batch, y_batch, weight_batch) in zip(range(n_batches), gathered, strict=False):
            _, gradient = objective.value_and_gradient(
                training.params, X_batch, y_batch, weight_batch
            )
            optimizer.step(training.params, gradient, 1e-3, state)

    run(len(X) // batch_size + 1)  # warm-up, the smaller last batch included
    tracemalloc.start()
    run(1)
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    run(5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak - before < MEMORY_LIMIT


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("optimizer", [kind() for kind in OPTIMIZERS.values()], ids=repr)
def test_with_everything_on_it_allocates_none_either(optimizer, dtype):
    optimizer.set_params(weight_decay=0.1, max_grad_norm=1.0, averaging=0.9)
    X, y, network, training, loss = setting(dtype=dtype)
    sizes, batch_size = network.layer_sizes[1:-1], 150
    generator = np.random.Generator(np.random.PCG64(0))
    dropout = Dropout([0.5, 0.2], sizes, batch_size, generator, dtype)
    objective = Objective(network, loss, 1e-4, batch_size, dtype=dtype, l1=1e-4, dropout=dropout)
    training.optimizer_state = optimizer.initial_state(network.n_params, dtype, network.n_weights)
    batches = Batches(X, y, None, batch_size)
    order = np.arange(len(X))[::-1]
    rates = [1e-3] * math.ceil(len(X) / batch_size)

    def run():
        _run_epoch(objective, training, optimizer, rates, batches, order)

    run()
    tracemalloc.start()
    run()
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak - before < MEMORY_LIMIT
    assert np.any(training.model != training.params)


def test_batches_visit_every_row_once_in_the_given_order():
    X = np.arange(22.0).reshape(11, 2)
    y = np.arange(11.0)[:, np.newaxis]
    weight = np.arange(11.0) / 7
    batches = Batches(X, y, weight, 4)
    order = np.random.RandomState(0).permutation(11)
    gathered = [tuple(part.copy() for part in batch) for batch in batches.gathered(order)]
    assert [len(batch[0]) for batch in gathered] == [4, 4, 3]
    np.testing.assert_array_equal(np.concatenate([batch[0] for batch in gathered]), X[order])
    np.testing.assert_array_equal(np.concatenate([batch[1] for batch in gathered]), y[order])
    np.testing.assert_array_equal(
        np.concatenate([batch[2] for batch in gathered])[:, 0], weight[order]
    )
    in_order = list(batches.in_order())
    np.testing.assert_array_equal(np.concatenate([batch[0] for batch in in_order]), X)
    assert all(np.shares_memory(batch[0], X) for batch in in_order)


def minimise(training, X, y, network, loss, *, schedule=None, max_iter=50, **monitor):
    optimizer = SGD()
    training.optimizer_state = optimizer.initial_state(network.n_params, X.dtype)
    training.learning_rate = 0.1
    minimize_minibatch(
        Objective(network, loss, 0.0, len(X)),
        training,
        X,
        y,
        optimizer=optimizer,
        schedule=schedule or Constant(),
        learning_rate_init=0.1,
        monitor=Monitor(**{"tol": 1e-4, "n_iter_no_change": 3, **monitor}),
        batch_size=len(X),
        max_iter=max_iter,
        shuffle_with=np.random.RandomState(0),
    )


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"tol": 1e9}, "converged"),
        ({"tol": 0.0, "n_iter_no_change": np.inf}, "max_iter"),
        (
            {"tol": 1e9, "validate": lambda params: Validation(0.5, 1.0), "early_stopping": True},
            "early_stopping",
        ),
    ],
)
def test_stop_reasons(options, reason):
    X, y, network, training, loss = setting(n_rows=40, n_features=5)
    minimise(training, X, y, network, loss, **options)
    assert training.stop_reason == reason
    assert len(training.record.loss_curve) == training.n_epochs
    # Patience of three: the fourth epoch without progress is the last.
    assert training.n_epochs == {"max_iter": 50, "converged": 5, "early_stopping": 5}[reason]


def test_adaptive_schedule_goes_on_until_the_rate_is_negligible():
    X, y, network, training, loss = setting(n_rows=40, n_features=5)
    minimise(training, X, y, network, loss, schedule=Adaptive(), tol=1e9, max_iter=1000)
    assert training.stop_reason == "converged"
    assert training.learning_rate <= 1e-6


def test_a_loss_that_is_not_finite_ends_the_training_in_its_epoch():
    X, y, network, training, _ = setting("squared_error", "identity", n_rows=40, n_features=5)
    loss = LOSSES["squared_error", "identity"]
    with np.errstate(over="ignore", invalid="ignore"):
        minimise(training, 1e60 * X, y, network, loss)
    assert training.stop_reason == "not_finite"
    assert not np.isfinite(training.loss)
    assert training.n_epochs < 5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lbfgs_finds_the_least_squares_solution(dtype):
    rng = np.random.RandomState(0)
    X = rng.randn(60, 4).astype(dtype)
    y = (X @ rng.randn(4, 2) + 3 + rng.randn(60, 2)).astype(dtype)
    network = Network((4, 2), ACTIVATIONS["identity"])
    training = Training(np.zeros(network.n_params, dtype=dtype))
    minimize_lbfgs(
        Objective(network, LOSSES["squared_error", "identity"], 0.0, 60, dtype=dtype),
        training,
        X,
        y,
        monitor=Monitor(tol=0, n_iter_no_change=np.inf),
        tol=1e-8 if dtype == np.float64 else 1e-4,
        max_iter=500,
        max_fun=1000,
    )
    solution = np.linalg.lstsq(np.hstack([X, np.ones((60, 1))]), y, rcond=None)[0]
    (layer,) = network.layers(training.params)
    assert training.stop_reason == "converged"
    assert training.params.dtype == dtype
    tolerance = 1e-3 if dtype == np.float32 else 1e-5
    np.testing.assert_allclose(layer.weights, solution[:-1], rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(layer.intercepts, solution[-1], rtol=tolerance, atol=tolerance)
