"""The function descended: against finite differences, by hand, and what weights mean."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
import pytest
from networks import initial_params, network_of
from scipy import sparse

from skneural.activations import ACTIVATIONS
from skneural.losses import LOSSES
from skneural.objective import Objective
from skneural.optimizers import prox_l1

N_ROWS, N_FEATURES, N_OUTPUTS = 7, 4, 3
RNG = np.random.RandomState(0)
X = RNG.randn(N_ROWS, N_FEATURES) * (RNG.rand(N_ROWS, N_FEATURES) > 0.3)
WEIGHT = RNG.exponential(size=N_ROWS)
TARGETS = {
    "identity": RNG.randn(N_ROWS, N_OUTPUTS),
    "exp": 1.0 + RNG.poisson(2, size=(N_ROWS, N_OUTPUTS)),
    "logistic": (RNG.rand(N_ROWS, N_OUTPUTS) > 0.5).astype(float),
    "softmax": np.eye(N_OUTPUTS)[RNG.randint(N_OUTPUTS, size=N_ROWS)],
}
DEPTHS = {"no hidden layer": (), "one": (4,), "three": (4, 3, 2)}
KINDS = {"dense": np.asarray, "csr": sparse.csr_matrix, "csc": sparse.csc_array}


def numerical_gradient(function, params, step=1e-6):
    gradient = np.empty_like(params)
    for i in range(len(params)):
        above, below = params.copy(), params.copy()
        above[i] += step
        below[i] -= step
        gradient[i] = (function(above) - function(below)) / (2 * step)
    return gradient


#: Every activation under one loss, and every loss above one activation.
COMBINATIONS = [
    *((activation, "log_loss", "softmax") for activation in ACTIVATIONS),
    *(("tanh", *pair) for pair in LOSSES if pair != ("log_loss", "softmax")),
]


@cache
def differentiated(activation, loss, output, depth, weighted):
    """An objective, parameters, its value for dense rows there, and its numerical gradient."""
    network = network_of((N_FEATURES, *DEPTHS[depth], N_OUTPUTS), activation)
    params = initial_params(network, 1)
    weight = WEIGHT if weighted else None
    objective = Objective(network, LOSSES[loss, output], alpha=0.3, n_rows=N_ROWS, mean_weight=0.7)

    def value(params):
        return objective.value_and_gradient(params, X, TARGETS[output], weight)[0]

    return objective, params, value(params), numerical_gradient(value, params)


@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(("activation", "loss", "output"), COMBINATIONS)
def test_gradient_is_the_derivative(activation, loss, output, depth, kind, weighted):
    # Sparse rows have the value of dense ones, whose numerical gradient is theirs, then.
    objective, params, expected, numerical = differentiated(
        activation, loss, output, depth, weighted
    )
    weight = WEIGHT if weighted else None
    rows, y = KINDS[kind](X), TARGETS[output]
    value, gradient, _ = objective.value_and_gradient(params, rows, y, weight)
    assert value == pytest.approx(expected, rel=1e-12)
    error = np.linalg.norm(gradient - numerical) / np.linalg.norm(numerical)
    assert error < 1e-6


def evaluate(loss, output, weight=None, *, alpha=0.3, mean_weight=1.0, rows=slice(None)):
    network = network_of((N_FEATURES, 5, N_OUTPUTS), "tanh")
    params = initial_params(network, 1)
    objective = Objective(network, LOSSES[loss, output], alpha, N_ROWS, mean_weight)
    return objective.value_and_gradient(
        params, X[rows], TARGETS[output][rows], None if weight is None else weight[rows]
    )


@pytest.mark.parametrize(("loss", "output"), LOSSES, ids="-".join)
def test_reported_is_what_is_descended_except_for_several_outputs_of_squared_error(loss, output):
    value, _, reported = evaluate(loss, output, alpha=0.0)
    share = N_OUTPUTS if (loss, output) == ("squared_error", "identity") else 1
    assert reported == pytest.approx(value / share, rel=1e-12)


@pytest.mark.parametrize(("loss", "output"), LOSSES, ids="-".join)
def test_a_weight_is_a_repetition(loss, output):
    counts = np.array([1, 2, 0, 3, 1, 1, 2])
    repeated = np.repeat(np.arange(N_ROWS), counts)
    network = network_of((N_FEATURES, 5, N_OUTPUTS), "tanh")
    params = initial_params(network, 1)
    weight = counts.astype(float)
    weighted = Objective(network, LOSSES[loss, output], 0.3, N_ROWS, counts.mean())
    plain = Objective(network, LOSSES[loss, output], 0.3, len(repeated))
    y = TARGETS[output]
    value, gradient, _ = weighted.value_and_gradient(params, X, y, weight)
    expected, expected_gradient, _ = plain.value_and_gradient(params, X[repeated], y[repeated])
    assert value == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-9, atol=1e-12)


def test_a_batch_of_zero_weight_has_the_gradient_of_the_penalty_alone():
    value, gradient, _ = evaluate("log_loss", "softmax", np.zeros(N_ROWS))
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    np.testing.assert_array_equal(gradient[-(5 + N_OUTPUTS) :], 0)


def test_weights_constant_within_a_batch_do_not_cancel():
    once = evaluate("log_loss", "softmax", np.full(N_ROWS, 1.0), alpha=0.0)
    twice = evaluate("log_loss", "softmax", np.full(N_ROWS, 2.0), alpha=0.0)
    assert twice[0] == pytest.approx(2 * once[0])


def test_intercepts_are_not_penalised():
    for alpha, beta in product((0.0, 1.0), (0.0, 1.0)):
        if alpha != beta:
            with_alpha = evaluate("squared_error", "identity", alpha=alpha)[1]
            with_beta = evaluate("squared_error", "identity", alpha=beta)[1]
            n_intercepts = 5 + N_OUTPUTS
            np.testing.assert_array_equal(with_alpha[-n_intercepts:], with_beta[-n_intercepts:])
            assert not np.array_equal(with_alpha[:-n_intercepts], with_beta[:-n_intercepts])


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("rates", [(0.5, 0.0), (0.0, 0.3), (0.4, 0.4)])
def test_gradient_under_dropout_is_the_derivative(activation, rates):
    """With the same units left out in every evaluation."""
    sizes = (6, 5)
    layer_sizes = (N_FEATURES, *sizes, N_OUTPUTS)
    network = network_of(layer_sizes, (activation, "tanh"), "he_normal", dropout=rates)
    params = initial_params(network, 1)

    def evaluate(params):
        random = [np.random.Generator(np.random.PCG64(3))]
        loss = LOSSES["log_loss", "softmax"]
        objective = Objective(network, loss, 0.3, N_ROWS)
        return objective.value_and_gradient(params, X, TARGETS["softmax"], random=random)

    numerical = numerical_gradient(lambda p: evaluate(p)[0], params)
    value, gradient, _ = evaluate(params)
    assert np.linalg.norm(gradient - numerical) / np.linalg.norm(numerical) < 1e-6
    plain = Objective(network, LOSSES["log_loss", "softmax"], 0.3, N_ROWS)
    assert value != plain.value_and_gradient(params, X, TARGETS["softmax"])[0]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_l1_penalty_by_hand(dtype):
    network = network_of((2, 1), ())
    objective = Objective(
        network, LOSSES["squared_error", "identity"], 0.0, 4, mean_weight=0.5, dtype=dtype, l1=3.0
    )
    params = np.array([2.0, -0.5, 7.0], dtype=dtype)  # two weights and an intercept
    rows = np.zeros((4, 2), dtype=dtype)
    value, gradient, _ = objective.value_and_gradient(
        params, rows, np.full((4, 1), 7.0, dtype=dtype)
    )
    # The data cost nothing, the intercept is free: 3 / (4 * 0.5) * (2 + 0.5).
    assert value == pytest.approx(3.75)
    np.testing.assert_array_equal(gradient, 0)
    # Thresholds 0.4 * 1.5 and 0.2 * 1.5: -0.5 is left at -0.2, and 0.5 of 0.6 takes all of it.
    prox_l1(params[:2], np.array([0.4, 0.2], dtype=dtype), objective.l1_strength(4))
    np.testing.assert_allclose(params, [1.4, -0.2, 7.0], rtol=1e-6)
    prox_l1(params[:2], np.array([0.0, 0.2], dtype=dtype), objective.l1_strength(4))
    np.testing.assert_allclose(params, [1.4, 0.0, 7.0], rtol=1e-6)
    assert params[1] == 0
