"""The contract of a layer: factors, members side by side, input in parts, the memory of a pass."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from memory import peak_of
from networks import initial_params, network_of, state_of, train
from scipy import sparse

from skneural.activations import ACTIVATIONS
from skneural.initialization import he_normal
from skneural.layers import (
    Activate,
    Chain,
    Columns,
    Dense,
    Dropout,
    Layer,
    Parameter,
    PassMemory,
    products,
)
from skneural.losses import LOSSES
from skneural.minimizers.lbfgs import LBFGS
from skneural.minimizers.minibatch import MiniBatches
from skneural.network import Network
from skneural.objective import Objective
from skneural.optimizers import SGD
from skneural.schedules import Constant
from skneural.workspace import Workspace

RNG = np.random.RandomState(0)
K, N_ROWS = 3, 7
SQUARED_ERROR = LOSSES["squared_error", "identity"]


class Embedding(Layer):
    """A row of a table for each integer code in a single column."""

    def __init__(self, n_codes, n_outputs, rate=1.0):
        self.n_codes, self.n_outputs, self.rate = n_codes, n_outputs, rate

    def parameters(self):
        shape = (self.n_codes, self.n_outputs)
        return (Parameter("table", shape, penalised=True, rate=self.rate, decay=0.0),)

    def initialize(self, arrays, rng, inputs):
        arrays[0][...] = rng.uniform(-1, 1, arrays[0].shape)

    def forward(self, arrays, x, buffers=None, random=None):
        return arrays[0][..., x[..., 0].astype(int), :]

    def backward(self, arrays, gradients, x, buffers, delta, needs_input):
        gradients[0][...] = 0
        np.add.at(gradients[0], x[:, 0].astype(int), delta)
        return np.zeros_like(x) if needs_input else None


class Scale(Layer):
    """A factor for each column, which learns at a rate of its own."""

    def __init__(self, n_outputs, rate=6.0):
        self.n_outputs, self.rate = n_outputs, rate

    def parameters(self):
        return (Parameter("factors", (self.n_outputs,), rate=self.rate),)

    def initialize(self, arrays, rng, inputs):
        arrays[0][...] = rng.uniform(0.5, 2, self.n_outputs)

    def forward(self, arrays, x, buffers=None, random=None):
        return x * arrays[0][..., np.newaxis, :]

    def backward(self, arrays, gradients, x, buffers, delta, needs_input):
        np.sum(delta * x, axis=-2, out=gradients[0])
        return delta * arrays[0][..., np.newaxis, :] if needs_input else None


def dense(n_inputs, n_outputs):
    def draw(weights, intercepts, rng):
        weights[...] = rng.uniform(-1, 1, weights.shape)
        intercepts[...] = rng.uniform(-1, 1, intercepts.shape)

    return Dense(n_inputs, n_outputs, draw=draw)


def tanh(n_outputs):
    return Activate(ACTIVATIONS["tanh"], n_outputs)


# -------------------------------------------------------------------------- where parameters lie


def test_penalised_parameters_come_first_and_factors_where_they_are_other_than_1():
    branches = [([2], [Embedding(4, 2, rate=3.0)], 2), (slice(0, 2), [Scale(2)], 2)]
    network = Network([Columns(branches), dense(4, 3)], 3)
    # table of 4 x 2, weights of 4 x 3; then two factors and three intercepts.
    assert (network.n_penalised, network.n_params) == (20, 25)
    assert network.rates == ((slice(0, 8), 3.0), (slice(20, 22), 6.0))
    assert network.decays == ((slice(0, 8), 0.0),)
    (table, factors), (weights, intercepts) = network.arrays(np.arange(25.0))
    np.testing.assert_array_equal(table, np.arange(8).reshape(4, 2))
    np.testing.assert_array_equal(weights, np.arange(8, 20).reshape(4, 3))
    np.testing.assert_array_equal(factors, [20, 21])
    np.testing.assert_array_equal(intercepts, [22, 23, 24])


def test_arrays_of_members_are_views_of_their_rows():
    network = network_of((2, 3, 1))
    params = np.zeros((K, network.n_params))
    for k, arrays in product(range(K), network.arrays(params)):
        for array in arrays:
            array[k] = k + 1
    np.testing.assert_array_equal(params, np.repeat([[1], [2], [3]], network.n_params, axis=1))


class UnitVariance(Scale):
    """Factors that begin where each column has variance 1."""

    def initialize(self, arrays, rng, inputs):
        arrays[0][...] = 1 / np.std(inputs(), axis=0)


@pytest.mark.parametrize("kind", [np.array, sparse.csr_matrix])
def test_a_layer_may_look_at_what_the_layers_below_make_of_the_rows(kind):
    network = Network([dense(3, 4), tanh(4), UnitVariance(4), dense(4, 2)], 3)
    params, X = np.empty(network.n_params), RNG.standard_normal((N_ROWS, 3))
    network.initialize(params, np.random.RandomState(0), kind(X))
    (weights, intercepts), _, (factors,), _ = network.arrays(params)
    np.testing.assert_allclose(factors, 1 / np.tanh(X @ weights + intercepts).std(axis=0))


def test_a_layer_in_a_branch_may_look_at_its_columns():
    branches = [([0, 2], [UnitVariance(2), dense(2, 3), UnitVariance(3)], 3), ([1], [], 1)]
    network = Network([Columns(branches), dense(4, 1)], 3)
    params, X = np.empty(network.n_params), RNG.standard_normal((N_ROWS, 3))
    network.initialize(params, np.random.RandomState(0), X)
    first, weights, intercepts, second = network.arrays(params)[0]
    np.testing.assert_allclose(first, 1 / X[:, [0, 2]].std(axis=0))
    between = X[:, [0, 2]] * first @ weights + intercepts
    np.testing.assert_allclose(second, 1 / between.std(axis=0))


# Layers, and the one that is refused: nothing before it has made an array that it may overwrite.
IN_PLACE = {
    "first": (lambda: [tanh(2), dense(2, 2)], 0),
    "after one that passes rows on": (lambda: [Dropout(0.5, 2), tanh(2), dense(2, 2)], 1),
    "after two of them": (lambda: [Dropout(0.5, 2), Dropout(0.1, 2), tanh(2)], 2),
    "after one in place": (lambda: [dense(2, 2), tanh(2), tanh(2)], 2),
    "the same, passed on": (lambda: [dense(2, 2), tanh(2), Dropout(0.5, 2), tanh(2)], 3),
}
PLACES = {
    "network": lambda layers: Network(layers, 2),
    "branch": lambda layers: Columns([(slice(0, 2), layers, 2)]),
    "chain": Chain,
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("chain", IN_PLACE)
def test_a_first_layer_that_works_in_place_is_refused(place, chain):
    """It would overwrite the rows of the user, or what the gradient of another layer needs."""
    layers, refused = IN_PLACE[chain]
    with pytest.raises(ValueError, match=rf"^Activate, layer {refused} of a {place}, works in pl"):
        PLACES[place](layers())


@pytest.mark.parametrize(
    "layers",
    [
        [Dropout(0.5, 2), dense(2, 2), tanh(2)],
        [dense(2, 2), Dropout(0.5, 2), tanh(2), Dropout(0.5, 2)],
        [Scale(2), tanh(2), Scale(2), tanh(2)],
        [Columns([(slice(0, 2), [], 2)]), tanh(2)],
    ],
)
@pytest.mark.parametrize("n_rows", [1, 5])
def test_the_rows_of_the_user_are_never_written_to(layers, n_rows):
    network = Network(layers, 2)
    rows = RNG.randn(n_rows, 2)
    before = rows.copy()
    network.predict_raw(initial_params(network, 0), rows)
    np.testing.assert_array_equal(rows, before)
    objective = Objective(network, SQUARED_ERROR, 0.1, n_rows)
    random = [np.random.Generator(np.random.PCG64(0))]
    y = np.zeros((n_rows, 2))
    objective.value_and_gradient(initial_params(network, 0), rows, y, random=random)
    np.testing.assert_array_equal(rows, before)


@pytest.mark.parametrize("by_bytes", [False, True], ids=["numbers", "bytes"])
@pytest.mark.parametrize("members", [(), (K,)], ids=["one", "members"])
def test_the_gradient_of_a_network_without_its_dropout(members, by_bytes):
    """Where nothing draws, before a pass that has drawn and after it."""
    layers = [dense(2, 4), tanh(4), dense(4, 2)]
    plain = Network(layers, 2)
    network = Network([*layers[:2], Dropout(0.5, 4, by_bytes), layers[2]], 2)
    params = np.broadcast_to(initial_params(plain, 0), (*members, plain.n_params)).copy()
    rows, y = RNG.randn(*members, 5, 2), RNG.randn(*members, 5, 2)
    expected = Objective(plain, SQUARED_ERROR, 0.1, 5, members=members)
    _, gradient, _ = expected.value_and_gradient(params, rows, y)
    objective = Objective(network, SQUARED_ERROR, 0.1, 5, members=members)
    for _ in range(2):
        np.testing.assert_array_equal(objective.value_and_gradient(params, rows, y)[1], gradient)
        random = [np.random.Generator(np.random.PCG64(k)) for k in range(K if members else 1)]
        _, drawn, _ = objective.value_and_gradient(params, rows, y, random=random)
        assert np.abs(drawn - gradient).max() > 1e-3


@pytest.mark.parametrize(
    "generators", [{}, {"dropout": np.random.RandomState(0)}], ids=["none", "another kind"]
)
def test_a_layer_that_draws_needs_a_generator(generators):
    network = Network([dense(2, 4), Dropout(0.5, 4), dense(4, 2)], 2)
    state = state_of(initial_params(network), SGD(), network, 0.1)
    state.generators.update(generators)
    objective = Objective(network, SQUARED_ERROR, 0.0, 5)
    rows = RNG.randn(5, 2)
    minimize = MiniBatches(objective, rows, rows, None, SGD(), Constant(), 0.1, 5, 1)
    with pytest.raises(ValueError, match=r"need a numpy\.random\.Generator 'dropout', got"):
        train(minimize, state, max_iter=1)


def test_a_network_without_layers_is_refused():
    with pytest.raises(ValueError, match="at least one layer"):
        Network([], 2)


NEEDS_DENSE = {
    "Scale": lambda: [Scale(3), dense(3, 2)],
    "Dropout": lambda: [Dropout(0.5, 3), dense(3, 2)],
    "Columns": lambda: [Columns([(slice(0, 3), [dense(3, 2)], 2)])],
}


@pytest.mark.parametrize("n_rows", [1, 5])
@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_array])
@pytest.mark.parametrize("name", NEEDS_DENSE)
def test_sparse_rows_into_a_first_layer_that_needs_dense_ones(name, kind, n_rows):
    network = Network(NEEDS_DENSE[name](), 3)
    params, rows, y = initial_params(network, 0), kind(np.eye(5, 3)[:n_rows]), np.zeros((n_rows, 2))
    message = f"^{name}, the first layer of the network, needs dense rows: X is sparse"
    with pytest.raises(TypeError, match=message):
        network.predict_raw(params, rows)
    objective = Objective(network, SQUARED_ERROR, 0.0, n_rows)
    batches = MiniBatches(objective, rows, y, None, SGD(), Constant(), 0.1, n_rows, 1)
    with pytest.raises(TypeError, match=message):
        next(batches.iter_steps(state_of(params, SGD(), network), [0.1]))
    for minimize in (batches, LBFGS(objective, rows, y, None, 1e-4, 10)):
        with pytest.raises(TypeError, match=message):
            train(minimize, state_of(params, SGD(), network))
    network.check_rows(rows.toarray())
    Network([dense(3, 2)], 3).check_rows(rows)


@pytest.mark.parametrize("draw", ["he_normal", he_normal, 3])
def test_an_initialization_is_not_what_draws(draw):
    message = r"draw of Dense must be a function draw\(weights, intercepts, rng\).* WeightDraw"
    with pytest.raises(TypeError, match=message):
        initial_params(Network([Dense(3, 2, draw=draw)], 3), 0)


# ------------------------------------------------------------------------------ input in parts

# Per network, its layers above three numbers and two columns of codes, below 4 and 3.
BRANCHES = {
    "numbers and an embedding": [
        (slice(0, 3), [dense(3, 2), tanh(2)], 2),
        ([3], [Embedding(4, 2)], 2),
    ],
    "embeddings first, numbers as they are": [
        ([4], [Embedding(3, 1)], 1),
        ([3], [Embedding(4, 2)], 2),
        ([0, 2], [], 2),
    ],
    "deep branches": [
        (slice(0, 3), [dense(3, 4), tanh(4), dense(4, 3), tanh(3), dense(3, 2)], 2),
        ([3], [Embedding(4, 2), dense(2, 3), tanh(3), dense(3, 2)], 2),
    ],
    "a branch wider than all that comes out": [
        ([1, 0], [dense(2, 20), tanh(20), dense(20, 1)], 1),
        ([4], [Embedding(3, 2)], 2),
    ],
    "columns that are read twice": [
        (slice(0, 3), [Scale(3)], 3),
        ([0, 0, 1], [dense(3, 2), tanh(2)], 2),
    ],
    "a single branch": [(slice(0, 3), [dense(3, 4), tanh(4), dense(4, 4)], 4)],
}


def parted(name):
    n_columns = sum(branch[2] for branch in BRANCHES[name])
    return Network([Columns(BRANCHES[name]), dense(n_columns, 3), tanh(3), dense(3, 2)], 5)


def parted_rows(n_rows=N_ROWS):
    numbers = RNG.randn(n_rows, 3)
    return np.hstack([numbers, RNG.randint(4, size=(n_rows, 1)), RNG.randint(3, size=(n_rows, 1))])


ROWS, Y = parted_rows(), RNG.randn(N_ROWS, 2)
WEIGHT = RNG.exponential(size=N_ROWS)


def differences(function, values, step=1e-6):
    """Central differences of a function of an array, element by element."""
    found = np.empty_like(values)
    for index in np.ndindex(values.shape):
        above, below = values.copy(), values.copy()
        above[index] += step
        below[index] -= step
        found[index] = (function(above) - function(below)) / (2 * step)
    return found


@pytest.mark.parametrize("name", BRANCHES)
def test_gradient_of_all_parameters(name):
    network = parted(name)
    params = initial_params(network, 1)
    objective = Objective(network, SQUARED_ERROR, 0.3, N_ROWS, mean_weight=0.7)
    numerical = differences(lambda p: objective.value_and_gradient(p, ROWS, Y, WEIGHT)[0], params)
    _, gradient, _ = objective.value_and_gradient(params, ROWS, Y, WEIGHT)
    np.testing.assert_allclose(gradient, numerical, rtol=1e-6, atol=1e-8)
    assert np.abs(numerical).max() > 1e-2


@pytest.mark.parametrize("name", BRANCHES)
def test_gradient_in_the_input(name):
    network = parted(name)
    arrays = network.arrays(initial_params(network, 1))
    gradients = network.arrays(np.empty(network.n_params))
    workspace = Workspace(network, N_ROWS, np.float64)

    def loss(numbers):
        # Codes have no derivative.
        return np.sum(Y * network.forward(arrays, np.hstack([numbers, ROWS[:, 3:]]), workspace))

    numerical = differences(loss, ROWS[:, :3])
    network.forward(arrays, ROWS, workspace)
    found = network.backward(arrays, gradients, workspace, Y.copy(), needs_input=True)
    np.testing.assert_allclose(found[:, :3], numerical, rtol=1e-6, atol=1e-8)
    np.testing.assert_array_equal(found[:, 3:], 0)
    assert network.backward(arrays, gradients, workspace, Y.copy()) is None


@pytest.mark.parametrize("name", BRANCHES)
def test_parts_are_predicted_as_they_are_trained(name):
    network = parted(name)
    params, rows = initial_params(network, 1), parted_rows(300)
    before = rows.copy()
    workspace = Workspace(network, len(rows), np.float64)
    expected = network.forward(network.arrays(params), rows, workspace)
    np.testing.assert_allclose(network.predict_raw(params, rows), expected, rtol=1e-12)
    alone = np.vstack([network.predict_raw(params, row[np.newaxis]) for row in rows[:20]])
    np.testing.assert_allclose(alone, expected[:20], rtol=1e-12)
    np.testing.assert_array_equal(rows, before)


def test_a_layer_inside_a_branch_that_draws_is_one_of_the_network():
    branch = [dense(3, 2), tanh(2), Dropout(0.5, 2)]
    assert Network([Columns([(slice(0, 3), branch, 2)]), dense(2, 1)], 3).draws
    assert not parted("deep branches").draws


@pytest.mark.parametrize("name", BRANCHES)
def test_members_of_a_network_in_parts_predict_as_each_alone(name):
    network = parted(name)
    params = np.stack([initial_params(network, k) for k in range(K)])
    alone = [network.predict_raw(each, ROWS) for each in params]
    np.testing.assert_allclose(network.predict_raw(params, ROWS), alone, rtol=1e-12)


@pytest.mark.parametrize("rows", [ROWS, np.stack([ROWS, 2 * ROWS, -ROWS])], ids=["shared", "own"])
@pytest.mark.parametrize("name", ["columns that are read twice", "a single branch"])
def test_members_of_a_network_in_parts_are_trained_as_each_alone(name, rows):
    network = parted(name)
    params = np.stack([initial_params(network, k) for k in range(K)])
    y = np.broadcast_to(Y, (K, *Y.shape)) if rows.ndim == 3 else Y
    together = Objective(network, SQUARED_ERROR, 0.3, N_ROWS, members=(K,))
    values, gradients, _ = together.value_and_gradient(params, rows, y)
    for k in range(K):
        alone = Objective(network, SQUARED_ERROR, 0.3, N_ROWS)
        own = rows[k] if rows.ndim == 3 else rows
        value, gradient, _ = alone.value_and_gradient(params[k], own, Y)
        assert values[k] == pytest.approx(value, rel=1e-12)
        np.testing.assert_allclose(gradients[k], gradient, rtol=1e-10, atol=1e-13)


# ------------------------------------------------------------------- members of an objective

OBJECTIVES = {
    "plain": {"alpha": 0.0},
    "L2": {"alpha": 0.3},
    "L1": {"alpha": 0.0, "l1": 0.5},
    "both, shared by more rows": {"alpha": 0.3, "l1": 0.5, "n_penalty_rows": 50},
}
KINDS = {"shared": np.asarray, "csr": sparse.csr_matrix, "csc": sparse.csc_array, "own": None}
TARGETS = {
    ("squared_error", "identity"): RNG.randn(K, N_ROWS, 2),
    ("log_loss", "softmax"): np.eye(2)[RNG.randint(2, size=(K, N_ROWS))],
    ("log_loss", "logistic"): RNG.randint(2, size=(K, N_ROWS, 2)).astype(float),
    ("quantile", "identity"): RNG.randn(K, N_ROWS, 2),
}
MEMBER_ROWS = RNG.randn(K, N_ROWS, 4) * (RNG.rand(K, N_ROWS, 4) > 0.3)
MEMBER_WEIGHTS = RNG.exponential(size=(K, N_ROWS))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("settings", OBJECTIVES)
@pytest.mark.parametrize("pair", TARGETS, ids="-".join)
def test_members_are_single_objectives(pair, settings, kind, weighted, dtype):
    network = network_of((4, 5, 3, 2), "tanh")
    params = np.stack([initial_params(network, k, dtype) for k in range(K)])
    y, weight = TARGETS[pair].astype(dtype), MEMBER_WEIGHTS.astype(dtype)
    mean_weight = weight.mean(axis=1, dtype=float) if weighted else np.ones(K)
    if kind == "own":
        rows = each_rows = MEMBER_ROWS.astype(dtype)
    else:
        y, weight, mean_weight = y[0], weight[0], mean_weight[0]
        rows = KINDS[kind](MEMBER_ROWS[0].astype(dtype))
        each_rows = [rows] * K
    weight = weight if weighted else None
    options = {**OBJECTIVES[settings], "dtype": dtype, "n_rows": N_ROWS}
    together = Objective(network, LOSSES[pair], mean_weight=mean_weight, members=(K,), **options)
    values, gradients, reported = together.value_and_gradient(params, rows, y, weight)
    assert gradients.dtype == dtype
    rtol, atol = (1e-11, 1e-13) if dtype == np.float64 else (1e-4, 1e-6)
    for k in range(K):
        mean = float(np.broadcast_to(mean_weight, (K,))[k])
        alone = Objective(network, LOSSES[pair], mean_weight=mean, **options)
        own = (each_rows[k], y[k], None if weight is None else weight[k])
        if kind != "own":
            own = (rows, y, weight)
        value, gradient, single = alone.value_and_gradient(params[k], *own)
        np.testing.assert_allclose([values[k], reported[k]], [value, single], rtol=rtol)
        np.testing.assert_allclose(gradients[k], gradient, rtol=rtol, atol=atol)
        strengths = np.broadcast_to(together.l1_strength(N_ROWS), (K,))
        assert strengths[k] == alone.l1_strength(N_ROWS)


def test_some_of_the_members_are_an_objective():
    network = network_of((4, 5, 2), "tanh")
    params = np.stack([initial_params(network, k) for k in range(K)])
    y, mean_weight = RNG.randn(K, N_ROWS, 2), np.array([0.5, 1.0, 2.0])
    whole = Objective(network, SQUARED_ERROR, 0.3, N_ROWS, mean_weight, members=(K,))
    values, gradients, _ = whole.value_and_gradient(params, MEMBER_ROWS, y)
    some = whole.of_members([0, 2])
    found = some.value_and_gradient(params[[0, 2]], MEMBER_ROWS[[0, 2]], y[[0, 2]])
    np.testing.assert_allclose(found[0], values[[0, 2]], rtol=1e-13)
    np.testing.assert_allclose(found[1], gradients[[0, 2]], rtol=1e-13, atol=1e-15)


class Scaled(Objective):
    """A gradient that is not that of the value, by a factor that the constructor does not know."""

    factor = 1.0

    def value_and_gradient(self, *arguments):
        value, gradient, reported = super().value_and_gradient(*arguments)
        gradient *= self.factor
        return value, gradient, reported


def test_some_of_the_members_are_an_objective_of_the_same_class():
    network = network_of((4, 5, 2), "tanh")
    params = np.stack([initial_params(network, k) for k in range(K)])
    y = RNG.randn(K, N_ROWS, 2)
    whole = Scaled(network, SQUARED_ERROR, 0.3, N_ROWS, members=(K,))
    whole.factor = 3.0
    _, gradients, _ = whole.value_and_gradient(params, MEMBER_ROWS, y)
    some = whole.of_members([0, 2])
    _, found, _ = some.value_and_gradient(params[[0, 2]], MEMBER_ROWS[[0, 2]], y[[0, 2]])
    np.testing.assert_allclose(found, gradients[[0, 2]], rtol=1e-13, atol=1e-15)
    assert not np.shares_memory(some.gradient, whole.gradient)


class Shifted(Layer):
    """Adds what never moves, and has a gradient all the same."""

    n_inputs = n_outputs = 4

    def parameters(self):
        return (Parameter("shift", (4,), penalised=True, rate=0.0),)

    def initialize(self, arrays, rng, inputs):
        arrays[0][...] = 0.5

    def forward(self, arrays, x, buffers=None, random=None):
        return x + arrays[0][..., np.newaxis, :]

    def backward(self, arrays, gradients, x, buffers, delta, needs_input):
        np.sum(delta, axis=-2, out=gradients[0])
        return delta


@pytest.mark.parametrize("l1", [0.0, 2.0])
@pytest.mark.parametrize("minimizer", [LBFGS, MiniBatches])
def test_a_rate_of_zero_leaves_an_array_as_it_is(minimizer, l1):
    network = Network([Shifted(), dense(4, 2)], 4)
    rows, y = RNG.randn(N_ROWS, 4), RNG.randn(N_ROWS, 2)
    objective = Objective(network, SQUARED_ERROR, 0.1, N_ROWS, l1=l1)
    params = initial_params(network, 0)
    if minimizer is LBFGS:
        minimize = LBFGS(objective, rows, y, None, 1e-8, 1000)
    else:
        settings = (SGD(momentum=0.9), Constant(), 0.01, N_ROWS, 20)
        minimize = MiniBatches(objective, rows, y, None, *settings)
    before = params.copy()
    run, _ = train(minimize, state_of(params, SGD(momentum=0.9), network), max_iter=20)
    reached = run.state.params
    (shift,), (weights, _) = network.arrays(reached)
    np.testing.assert_array_equal(shift, 0.5)
    assert np.abs(weights - network.arrays(before)[1][0]).max() > 0.01


@pytest.mark.parametrize("n_rows", [N_ROWS, 4])
def test_dropout_of_members_is_drawn_by_each(n_rows):
    network = network_of((4, 5, 2), "tanh", dropout=(0.4,))
    params = np.stack([initial_params(network, k) for k in range(K)])
    y, rows = RNG.randn(n_rows, 2), MEMBER_ROWS[0, :n_rows]

    def generators(seeds):
        return [np.random.Generator(np.random.PCG64(seed)) for seed in seeds]

    together = Objective(network, SQUARED_ERROR, 0.3, N_ROWS, members=(K,))
    values, gradients, _ = together.value_and_gradient(params, rows, y, random=generators(range(K)))
    for k in range(K):
        alone = Objective(network, SQUARED_ERROR, 0.3, N_ROWS)
        value, gradient, _ = alone.value_and_gradient(params[k], rows, y, random=generators([k]))
        assert values[k] == pytest.approx(value, rel=1e-12)
        np.testing.assert_allclose(gradients[k], gradient, rtol=1e-10, atol=1e-13)


# --------------------------------------------------------------------------- layers of layers


class Parallel(Layer):
    """The product of what two layers make of the same rows."""

    def __init__(self, n_columns):
        self.n_inputs = self.n_outputs = n_columns
        self.parts = dense(n_columns, n_columns), dense(n_columns, n_columns)

    def parameters(self):
        pairs = enumerate(self.parts)
        return tuple(
            p._replace(name=f"{i}_{p.name}") for i, each in pairs for p in each.parameters()
        )

    def initialize(self, arrays, rng, inputs):
        for i, each in enumerate(self.parts):
            each.initialize(arrays[2 * i : 2 * i + 2], rng, inputs)

    def buffers(self, memory):
        return [each.buffers(memory) for each in self.parts], [None, None]

    def forward(self, arrays, x, buffers=None, random=None):
        inside, outputs = buffers or ([None, None], [None, None])
        for i, each in enumerate(self.parts):
            outputs[i] = each.forward(arrays[2 * i : 2 * i + 2], x, inside[i]).copy()
        return outputs[0] * outputs[1]

    def backward(self, arrays, gradients, x, buffers, delta, needs_input):
        inside, outputs = buffers
        below = 0
        for i, each in enumerate(self.parts):
            own = slice(2 * i, 2 * i + 2)
            of_part = delta * outputs[1 - i]
            below = below + each.backward(arrays[own], gradients[own], x, inside[i], of_part, True)
        return below


class Transposed(Layer):
    """Rows times a matrix, computed as its transpose: columns follow one another in memory."""

    def __init__(self, n_columns):
        self.n_inputs = self.n_outputs = n_columns

    def parameters(self):
        return (Parameter("weights", (self.n_inputs, self.n_inputs)),)

    def initialize(self, arrays, rng, inputs):
        arrays[0][...] = rng.standard_normal(arrays[0].shape)

    def forward(self, arrays, x, buffers=None, random=None):
        return (arrays[0] @ x.swapaxes(-1, -2)).swapaxes(-1, -2)

    def backward(self, arrays, gradients, x, buffers, delta, needs_input):
        gradients[0][...] = delta.swapaxes(-1, -2) @ x
        return (arrays[0].swapaxes(-1, -2) @ delta.swapaxes(-1, -2)).swapaxes(-1, -2)


COMPOSED = {
    "parallel": lambda: [dense(3, 4), tanh(4), Parallel(4), tanh(4), dense(4, 2)],
    "two of them": lambda: [dense(3, 4), Parallel(4), Parallel(4), Parallel(4), dense(4, 2)],
    "chain": lambda: [
        dense(3, 4),
        Chain([dense(4, 5), tanh(5), dense(5, 4)]),
        tanh(4),
        dense(4, 2),
    ],
    "chain of chains": lambda: [
        Chain([dense(3, 4), Chain([Parallel(4), tanh(4), Chain([dense(4, 4)])]), dense(4, 2)])
    ],
    "chain that keeps its output": lambda: [Chain([dense(3, 4), tanh(4)]), dense(4, 2)],
    "empty chain": lambda: [Chain([], 3), dense(3, 2)],
    "transposed": lambda: [Transposed(3), tanh(3), Transposed(3), tanh(3), dense(3, 2)],
}


@pytest.mark.parametrize("members", [(), (K,)], ids=["one", "members"])
@pytest.mark.parametrize("name", COMPOSED)
def test_gradients_of_layers_in_a_network(name, members):
    """By differences, each member beside itself alone."""
    network = Network(COMPOSED[name](), 3)
    shape = (*members, network.n_params)
    params = np.random.RandomState(0).normal(scale=0.5, size=shape)
    rows, y = RNG.standard_normal((N_ROWS, 3)), RNG.standard_normal((N_ROWS, 2))
    objective = Objective(network, SQUARED_ERROR, 0.0, N_ROWS, members=members)
    alone = Objective(network, SQUARED_ERROR, 0.0, N_ROWS)
    # Twice, as in an epoch: the second pass finds what the first has left.
    for _ in range(2):
        gradient = objective.value_and_gradient(params, rows, y)[1].reshape(-1, network.n_params)
    for own, found in zip(params.reshape(-1, network.n_params), gradient.copy(), strict=True):
        expected = [
            alone.value_and_gradient(own + step, rows, y)[0]
            - alone.value_and_gradient(own - step, rows, y)[0]
            for step in 1e-6 * np.eye(network.n_params)
        ]
        np.testing.assert_allclose(found, np.array(expected) / 2e-6, rtol=1e-5, atol=1e-7)


def test_a_chain_is_its_layers():
    """The same parameters, in the same order, and the same numbers."""
    layers = [dense(3, 4), tanh(4), Dropout(0.4, 4), dense(4, 2)]
    plain, chained = Network(layers, 3), Network([Chain(layers)], 3)
    assert chained.draws
    params = initial_params(plain)
    np.testing.assert_array_equal(initial_params(chained), params)
    rows, y = RNG.standard_normal((N_ROWS, 3)), RNG.standard_normal((N_ROWS, 2))
    results = []
    for network in (plain, chained):
        np.testing.assert_array_equal(
            network.predict_raw(params, rows), plain.predict_raw(params, rows)
        )
        objective = Objective(network, SQUARED_ERROR, 0.1, N_ROWS)
        random = [np.random.default_rng(0)]
        value, gradient, _ = objective.value_and_gradient(params, rows, y, random=random)
        results.append((value, gradient.tolist()))
    assert results[0] == results[1]


def test_layers_of_a_chain_look_at_what_reaches_them():
    network = Network([Chain([UnitVariance(2), dense(2, 3), UnitVariance(3)])], 2)
    params, X = np.empty(network.n_params), RNG.standard_normal((N_ROWS, 2))
    network.initialize(params, np.random.RandomState(0), X)
    ((first, weights, intercepts, second),) = network.arrays(params)
    np.testing.assert_allclose(first, 1 / X.std(axis=0))
    np.testing.assert_allclose(second, 1 / (X * first @ weights + intercepts).std(axis=0))


class Exponential(Layer):
    """It passes rows on where there are none to change, and reads again what it returns."""

    keeps_output = passes_input_on = True

    def __init__(self, n_columns):
        self.n_inputs = self.n_outputs = n_columns

    def buffers(self, memory):
        return [None]

    def forward(self, arrays, x, buffers=None, random=None):
        output = np.exp(x)
        if buffers is not None:
            buffers[0] = output
        return output

    def backward(self, arrays, gradients, x, buffers, delta, needs_input):
        return delta * buffers[0]


KEEPING = {
    "itself": lambda: [dense(3, 4), Exponential(4)],
    "in a chain": lambda: [dense(3, 4), Chain([Exponential(4)])],
    "passed on": lambda: [dense(3, 4), Chain([Exponential(4), Dropout(0.5, 4)])],
    "made before": lambda: [Chain([dense(3, 4), Exponential(4)])],
}


@pytest.mark.parametrize("name", KEEPING)
def test_what_a_layer_keeps_is_not_overwritten(name):
    layers = KEEPING[name]()
    with pytest.raises(ValueError, match=rf"^Activate, layer {len(layers)} of a network, works in"):
        Network([*layers, tanh(4)], 3)
    Network([*layers, Scale(4), tanh(4)], 3)


def test_what_a_chain_keeps_is_not_overwritten():
    """A layer in place after one that ends in place, as without a chain."""
    with pytest.raises(ValueError, match=r"^Activate, layer 1 of a network, works in place"):
        Network([Chain([dense(3, 4), tanh(4)]), tanh(4)], 3)
    with pytest.raises(ValueError, match=r"^Activate, layer 1 of a network, works in place"):
        Network([Chain([Dropout(0.5, 3)]), tanh(3)], 3)
    with pytest.raises(ValueError, match=r"Dense, layer 1 of a chain, reads 5 column"):
        Chain([dense(3, 4), dense(5, 2)])
    with pytest.raises(ValueError, match=r"reads 3 column\(s\), and the network has 2"):
        Network([Chain([dense(3, 4)])], 2)


# --------------------------------------------------------------------------- memory of a pass


def requests(memory):
    """What layers may ask for, in one order."""
    first = [memory.kept(4), memory.kept(4, dtype=bool), memory.scratch(5), memory.delta(3)]
    memory.has_delta = False
    return [*first, memory.delta(5), memory.kept(1)]


@pytest.mark.parametrize("members", [(), (K,)], ids=["single", "members"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_pass_memory_is_the_same_for_fewer_rows(dtype, members):
    large = PassMemory(10, dtype, 5, members)
    wholes, ones = requests(large), large.ones
    small = PassMemory(4, dtype, 5, members, large.owned)
    n_owned = len(large.owned)
    parts, fewer_ones = requests(small), small.ones
    assert len(large.owned) == n_owned
    for whole, part, n_columns in zip(wholes, parts, (4, 4, 5, 3, 5, 1), strict=True):
        assert whole.shape == (*members, 10, n_columns)
        assert part.shape == (*members, 4, n_columns)
        assert part.dtype == whole.dtype
        assert part.__array_interface__["data"] == whole.__array_interface__["data"]
        assert whole.flags.c_contiguous
        assert part.flags.c_contiguous
    assert [each.dtype for each in wholes] == [dtype, bool, dtype, dtype, dtype, dtype]
    np.testing.assert_array_equal(ones, np.ones(10))
    np.testing.assert_array_equal(fewer_ones, np.ones(4))
    assert np.shares_memory(ones, fewer_ones)


def test_what_is_kept_shares_no_memory_with_anything():
    memory = PassMemory(10, np.float64, 5)
    kept, other, scratch = memory.kept(4), memory.kept(4), memory.scratch(5)
    deltas = [memory.delta(5)]
    memory.has_delta = False
    # The second and third are of one layer.
    deltas += [memory.delta(5), memory.delta(5), memory.delta(5)]
    memory.has_delta = False
    last = memory.delta(5)
    for array in (other, scratch, *deltas):
        assert not np.shares_memory(kept, array)
    # What a layer is given, and all that it may write.
    for of_layer, given in ((deltas[:1], deltas[1]), (deltas[1:], last)):
        for one, two in combinations([*of_layer, given], 2):
            assert not np.shares_memory(one, two)


def test_scratch_is_as_wide_as_an_output():
    memory = PassMemory(10, np.float64, 5)
    assert memory.scratch(5).shape == (10, 5)
    with pytest.raises(ValueError, match=r"scratch of 6 columns, .* has 5: .* widest_inside"):
        memory.scratch(6)


def test_a_derivative_wider_than_any_output_has_no_buffer():
    memory = PassMemory(10, np.float64, 5)
    assert memory.delta(6) is None
    assert memory.delta(5).shape == (10, 5)


# ---------------------------------------------------------------------- products of members

# Rows, inner and columns of products on either side of every bound, odd ones among them.
SHAPES = [
    (64, 128, 128),
    (64, 127, 131),
    (63, 128, 257),
    (65, 128, 128),
    (128, 128, 128),
    (64, 256, 256),
    (8, 128, 128),
    (64, 20, 128),
    (64, 128, 20),
    (5, 3, 2),
    (64, 1, 128),
    (64, 128, 1),
    (1, 7, 1),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("members", [(), (2,)], ids=["single", "members"])
@pytest.mark.parametrize("halves", [True, False])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_products_in_pieces_are_products(shape, halves, members, dtype, monkeypatch):
    monkeypatch.setattr(products, "HALVES", halves)
    n_rows, n, n_columns = shape
    rng = np.random.RandomState(0)
    left = rng.randn(*members, n_rows, n).astype(dtype)
    right = rng.randn(*members, n_columns, n).astype(dtype)
    before = left.copy(), right.copy()
    expected = np.einsum("...in,...jn->...ij", left.astype(float), right.astype(float))
    out, memory = np.empty(expected.shape, dtype), np.full_like(left, np.nan)
    tolerance = 1e-12 if dtype == np.float64 else 1e-4

    products.multiply(left, right.swapaxes(-1, -2), out)
    np.testing.assert_allclose(out, expected, rtol=tolerance, atol=tolerance)
    products.multiply(left, np.ascontiguousarray(right.swapaxes(-1, -2)), out)
    np.testing.assert_allclose(out, expected, rtol=tolerance, atol=tolerance)
    for scratch in (memory, left) if members else ():
        out[...] = np.nan
        products.multiply_rows_by_rows(left, right, out, scratch)
        np.testing.assert_allclose(out, expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_array_equal(left, before[0])
    np.testing.assert_array_equal(right, before[1])


@pytest.mark.parametrize("shape", [(64, 128, 128), (64, 128, 1), (64, 20, 20)], ids=str)
def test_products_in_pieces_allocate_next_to_nothing(shape, monkeypatch):
    monkeypatch.setattr(products, "HALVES", True)
    n_rows, n, n_columns = shape
    left, right = np.ones((4, n_rows, n), np.float32), np.ones((4, n_columns, n), np.float32)
    out, memory = np.empty((4, n_rows, n_columns), np.float32), np.empty_like(left)

    def run():
        products.multiply(left, right.swapaxes(-1, -2), out)
        products.multiply_rows_by_rows(left, right, out, memory)

    run()
    assert peak_of(run) < 5_000
