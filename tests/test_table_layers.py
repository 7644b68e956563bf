"""The parts of a network for tables: formulas, gradients, members, memory, where they begin."""

from __future__ import annotations

from functools import partial
from math import sqrt

import numpy as np
import pytest
from memory import lasting_peak_of, peak_beyond_the_result
from networks import initial_params, state_of, train
from pages import code_of
from scipy import sparse, stats

from skneural.activations import ACTIVATIONS
from skneural.initialization import row_sample, unit_deviation
from skneural.layers import (
    Activate,
    Columns,
    Dense,
    Draws,
    Dropout,
    NTPDense,
    ParametricActivation,
    PeriodicEmbedding,
    Scale,
)
from skneural.losses import LOSSES
from skneural.minimizers.minibatch import MiniBatches
from skneural.minimizers.state import BIT_GENERATORS
from skneural.network import Network
from skneural.objective import Objective
from skneural.optimizers import AdamW
from skneural.schedules import CosLog, FlatCos
from skneural.workspace import Workspace

K, N_ROWS, N_COLUMNS = 3, 9, 4
RNG = np.random.RandomState(0)
ROWS = RNG.randn(N_ROWS, N_COLUMNS)
Y = RNG.randn(N_ROWS, 2)
WEIGHT = RNG.exponential(size=N_ROWS)
SQUARED_ERROR = LOSSES["squared_error", "identity"]


def uniform(weights, intercepts, rng):
    weights[...] = rng.uniform(-1, 1, weights.shape)
    intercepts[...] = rng.uniform(-1, 1, intercepts.shape)


def dense(n_inputs, n_outputs):
    return Dense(n_inputs, n_outputs, draw=uniform)


def blend(name, n_outputs):
    return ParametricActivation(ACTIVATIONS[name], n_outputs)


def for_table(activation, *, dropout=0.0, sigma=0.5, by_bytes=False, hidden=(5, 3)):
    """Three columns of numbers, embedded, and one as it is, as in the recipe for tables."""
    numbers = (slice(0, 3), [PeriodicEmbedding(3, sigma, 4, 2)], 9)
    layers, width = [Columns([numbers, (slice(3, 4), [], 1)]), Scale(10)], 10
    for n_units in hidden:
        layers += [NTPDense(width, n_units), activation(n_units)]
        layers += [Dropout(dropout, n_units, by_bytes)] if dropout else []
        width = n_units
    return [*layers, NTPDense(width, 2)]


# Per name: the layers of a network of four columns and two outputs.
NETWORKS = {
    "scaled columns": lambda: [Scale(4), dense(4, 2)],
    "a scaling layer in the middle": lambda: [dense(4, 3), Scale(3), dense(3, 2)],
    "two scaling layers": lambda: [Scale(4), Scale(4), dense(4, 2)],
    "a scaling layer on top": lambda: [dense(4, 2), Scale(2)],
    "embedded columns": lambda: [PeriodicEmbedding(4, 0.5), dense(16, 2)],
    "an embedding in the middle": lambda: [
        dense(4, 3),
        PeriodicEmbedding(3, 0.2, n_frequencies=5, n_sums=2),
        dense(9, 2),
    ],
    "one wave, one sum": lambda: [PeriodicEmbedding(4, 1.0, 1, 1), Scale(8), dense(8, 2)],
    "an embedding on top": lambda: [dense(4, 1), PeriodicEmbedding(1, 0.3, 3, 1)],
    "an activation of the columns": lambda: [blend("tanh", 4), dense(4, 2)],
    "an activation on top": lambda: [dense(4, 2), blend("mish", 2)],
    **{
        f"parametric {name}": lambda name=name: [dense(4, 5), blend(name, 5), dense(5, 2)]
        for name in ACTIVATIONS
    },
    "neural tangent": lambda: [NTPDense(4, 5), Activate(ACTIVATIONS["tanh"], 5), NTPDense(5, 2)],
    "without intercepts": lambda: [
        NTPDense(4, 3, fit_intercept=False),
        blend("selu", 3),
        dense(3, 2),
    ],
    "the recipe for classes": lambda: for_table(lambda n: Activate(ACTIVATIONS["relu"], n)),
    "the recipe for numbers": lambda: for_table(lambda n: blend("mish", n), sigma=1.0),
}
each_network = pytest.mark.parametrize("name", NETWORKS)


def network(name):
    return Network(NETWORKS[name](), N_COLUMNS)


def some_params(network, seed=0, dtype=np.float64):
    """As a training begins, and then some way off: nothing is exactly 1."""
    params = np.empty(network.n_params, dtype=dtype)
    rng = np.random.RandomState(seed)
    network.initialize(params, rng, ROWS.astype(dtype))
    params += 0.2 * rng.randn(network.n_params)
    return params


def member_params(network, dtype=np.float64):
    return np.stack([some_params(network, k, dtype) for k in range(K)])


# ---------------------------------------------------------------------- by their formulas


def output_of(layer, arrays, x=ROWS):
    """Of a layer alone, by buffers."""
    alone = Network([layer], x.shape[-1])
    params = np.concatenate([array.ravel() for array in arrays])
    return alone.forward(alone.arrays(params), x, Workspace(alone, len(x), np.float64)).copy()


def test_scale_is_its_formula():
    factors = RNG.randn(4)
    np.testing.assert_allclose(output_of(Scale(4), [factors]), ROWS @ np.diag(factors))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_parametric_activation_is_its_formula(name):
    alphas, values = RNG.uniform(-1, 2, 4), ROWS.copy()
    saved = [np.empty_like(ROWS) for _ in range(ACTIVATIONS[name].n_saved)]
    ACTIVATIONS[name].forward(values, np.empty(ROWS.shape, dtype=bool), *saved)
    expected = (1 - alphas) * ROWS + alphas * values
    np.testing.assert_allclose(output_of(blend(name, 4), [alphas]), expected, atol=1e-14)


@pytest.mark.parametrize("scale", [0.01, 1.0, 30.0])
def test_periodic_embedding_is_its_formula(scale):
    """Column by column, frequency by frequency; of the latter some are half a turn and more."""
    waves, weights, intercepts = RNG.randn(4, 6, 2), RNG.randn(4, 6, 3), RNG.randn(4, 3)
    waves *= scale
    waves[:, 0] = [[0, 0], [0, np.pi], [0, -np.pi / 2], [0, 1e4]]
    found = output_of(PeriodicEmbedding(4, 0.1, 6), [waves, weights, intercepts])
    assert found.shape == (N_ROWS, 16)
    for i, column in enumerate(ROWS.T):
        angles = [2 * np.pi * w * column + c for w, c in waves[i]]
        sums = sum(np.outer(np.cos(a), v) for a, v in zip(angles, weights[i], strict=True))
        expected = np.column_stack([sums + intercepts[i], column])
        np.testing.assert_allclose(found[:, 4 * i : 4 * i + 4], expected, rtol=1e-12, atol=1e-12)


def test_where_the_parts_begin():
    made = Network([PeriodicEmbedding(50, 0.3), Scale(200), dense(200, 40), blend("relu", 40)], 50)
    (waves, weights, intercepts), (factors,), _, (alphas,) = made.arrays(initial_params(made, 0))
    assert set(factors) == set(alphas) == {1.0}
    assert (waves.shape, weights.shape, intercepts.shape) == ((50, 16, 2), (50, 16, 3), (50, 3))
    for drawn, law in (
        (waves[..., 0], stats.norm(0, 0.3)),
        (waves[..., 1], stats.uniform(-np.pi, 2 * np.pi)),
        (weights, stats.uniform(-0.25, 0.5)),
        (intercepts, stats.uniform(-0.25, 0.5)),
    ):
        assert stats.kstest(drawn.ravel(), law.cdf).pvalue > 0.01


# ------------------------------------------------------------------------------ gradients


@each_network
def test_gradient_of_all_parameters(name):
    """Of one network, and of members at once: none depends on another."""
    made = network(name)
    params, alone = member_params(made), Objective(made, SQUARED_ERROR, 0.3, N_ROWS, 0.7)
    together = Objective(made, SQUARED_ERROR, 0.3, N_ROWS, 0.7, members=(K,))

    def values(params):
        objective = together if params.ndim == 2 else alone
        return np.array(objective.value_and_gradient(params, ROWS, Y, WEIGHT)[0])

    for at in (params[0], params):
        objective = together if at.ndim == 2 else alone
        gradient = objective.value_and_gradient(at, ROWS, Y, WEIGHT)[1].copy()
        numerical = np.empty_like(at)
        for i, step in enumerate(1e-6 * np.eye(made.n_params)):
            numerical[..., i] = (values(at + step) - values(at - step)) / 2e-6
        np.testing.assert_allclose(gradient, numerical, rtol=1e-5, atol=1e-7)
    assert np.abs(numerical).max() > 1e-2


@each_network
def test_gradient_in_the_input(name):
    made = network(name)
    arrays = made.arrays(some_params(made))
    gradients = made.arrays(np.empty(made.n_params))
    workspace = Workspace(made, N_ROWS, np.float64)

    def loss(rows):
        return np.sum(Y * made.forward(arrays, rows, workspace))

    numerical = np.empty_like(ROWS)
    for index in np.ndindex(ROWS.shape):
        step = np.zeros_like(ROWS)
        step[index] = 1e-6
        numerical[index] = (loss(ROWS + step) - loss(ROWS - step)) / 2e-6
    made.forward(arrays, ROWS, workspace)
    found = made.backward(arrays, gradients, workspace, Y.copy(), needs_input=True)
    np.testing.assert_allclose(found, numerical, rtol=1e-5, atol=1e-7)
    assert made.backward(arrays, gradients, workspace, Y.copy()) is None


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind", ["shared", "own"])
@each_network
def test_members_are_trained_and_predicted_as_each_alone(name, kind, dtype):
    made = network(name)
    params, rows, y = member_params(made, dtype), ROWS.astype(dtype), Y.astype(dtype)
    own = np.stack([rows, 2 * rows, -rows[::-1]])
    together = Objective(made, SQUARED_ERROR, 0.3, N_ROWS, dtype=dtype, members=(K,))
    given = (own, np.stack([y] * K)) if kind == "own" else (rows, y)
    values, gradients, _ = together.value_and_gradient(params, *given)
    assert gradients.dtype == dtype
    rtol, atol = (1e-10, 1e-12) if dtype == np.float64 else (1e-3, 1e-5)
    for k in range(K):
        alone = Objective(made, SQUARED_ERROR, 0.3, N_ROWS, dtype=dtype)
        value, gradient, _ = alone.value_and_gradient(
            params[k], own[k] if kind == "own" else rows, y
        )
        assert values[k] == pytest.approx(value, rel=rtol)
        np.testing.assert_allclose(gradients[k], gradient, rtol=rtol, atol=atol)
    if kind == "shared":
        predicted = made.predict_raw(params, rows)
        singly = [made.predict_raw(each, rows) for each in params]
        np.testing.assert_allclose(predicted, singly, rtol=rtol, atol=atol)


@each_network
def test_in_float32_all_is_as_in_float64_but_for_rounding(name):
    made = network(name)
    params, found = some_params(made), []
    for dtype in (np.float32, np.float64):
        objective = Objective(made, SQUARED_ERROR, 0.3, N_ROWS, dtype=dtype)
        arrays = [array.astype(dtype) for array in (params, ROWS, Y)]
        value, gradient, _ = objective.value_and_gradient(*arrays)
        found.append((value, gradient))
        assert gradient.dtype == made.predict_raw(arrays[0], arrays[1]).dtype == dtype
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    scale = np.abs(found[1][1]).max()
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-3, atol=1e-5 * scale)


@each_network
def test_a_row_without_buffers_is_predicted_as_among_others(name):
    """Of one network and of members; the rows stay as they are."""
    made = network(name)
    members, rows = member_params(made), np.vstack([ROWS] * 30)
    before = rows.copy()
    for params in (members[0], members):
        together = made.predict_raw(params, rows)
        for i in range(N_ROWS):
            alone = made.predict_raw(params, rows[i : i + 1])
            expected = together[..., i : i + 1, :]
            np.testing.assert_allclose(alone, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(rows, before)


#: Bytes; the arrays of a batch are three times as large and more.
MEMORY_LIMIT = 10_000 if np.lib.NumpyVersion(np.__version__) >= "2.0.0" else 25_000


@pytest.mark.parametrize("members", [(), (2,)], ids=["single", "members"])
@pytest.mark.parametrize("activation", ["relu", "mish"])
def test_passes_allocate_no_arrays(activation, members):
    """By bytes `Dropout` would: one for each unit and row, of a member at a time."""
    layers = [
        Columns([(slice(0, 30), [PeriodicEmbedding(30, 0.3)], 120), (slice(30, 40), [], 10)]),
        Scale(130),
        NTPDense(130, 100),
        blend(activation, 100),
        Dropout(0.2, 100),
        NTPDense(100, 60),
    ]
    made, n_rows = Network(layers, 40), 150
    rows = RNG.randn(*members, n_rows, 40).astype(np.float32)
    params = RNG.randn(*members, made.n_params).astype(np.float32)
    arrays, gradients = made.arrays(params), made.arrays(np.empty_like(params))
    workspace = Workspace(made, n_rows, np.float32, members)
    delta = RNG.randn(*members, n_rows, 60).astype(np.float32)
    random = Draws(np.random.default_rng(k) for k in range(members[0] if members else 1))

    def run():
        made.forward(arrays, rows, workspace, random)
        made.backward(arrays, gradients, workspace, delta)

    assert lasting_peak_of(run) < MEMORY_LIMIT


def test_the_memory_of_predictions_depends_on_neither_rows_nor_members():
    """Beyond the result: a run of rows is shorter, the more members there are."""
    made = Network([dense(4, 200), Activate(ACTIVATIONS["relu"], 200), dense(200, 1)], 4)
    peaks = []
    for n_members, n_rows in ((1, 5000), (1, 10_000), (2, 5000), (4, 5000), (8, 10_000)):
        params, rows = np.zeros((n_members, made.n_params)), np.zeros((n_rows, 4))
        peaks.append(peak_beyond_the_result(partial(made.predict_raw, params, rows)))
    assert max(peaks) < 1.2 * min(peaks)


# ------------------------------------------------------------------- factors of rate and decay


def test_factors_of_the_recipe():
    """Rates as published; decay by their square, but for weights; intercepts do not decay."""
    made = Network(for_table(lambda n: blend("mish", n), hidden=(5,)), N_COLUMNS)
    rate, decay = np.ones((2, made.n_params))
    for place, factor in made.rates:
        rate[place] = factor
    for place, factor in made.decays:
        decay[place] = factor
    decay[made.n_penalised :] = 0
    of_rate, of_decay = made.arrays(rate), made.arrays(decay)
    expected = [
        ([0.1, 0.1, 0.1], [0.01, 0.01, 0.01]),
        ([6.0], [36.0]),
        ([1 / sqrt(10), 0.1], [1.0, 0.0]),
        ([0.1], [0.01]),
        ([1 / sqrt(5), 0.1], [1.0, 0.0]),
    ]
    for rates, decays, (its_rates, its_decays) in zip(of_rate, of_decay, expected, strict=True):
        for array, value in zip((*rates, *decays), (*its_rates, *its_decays), strict=True):
            np.testing.assert_allclose(array, value, rtol=1e-14)


def test_factors_can_be_chosen():
    parts = [
        Scale(4, rate=2.0, decay=0.0),
        PeriodicEmbedding(4, 0.1, rate=0.5, decay=3.0),
        blend("relu", 16),
        NTPDense(16, 2, intercept_rate=1.0),
    ]
    factors = [[(each.rate, each.decay) for each in part.parameters()] for part in parts]
    assert factors == [
        [(2.0, 0.0)],
        [(0.5, 3.0)] * 3,
        [(0.1, pytest.approx(0.01))],
        [(0.25, 1.0), (1.0, 1.0)],
    ]


@pytest.mark.parametrize("fan_in", [1, 7, 40])
def test_the_neural_tangent_parametrization_by_adam(fan_in):
    """The same steps as of W in x W / sqrt(n), whose gradients are smaller by that factor."""
    rng, root = np.random.RandomState(0), sqrt(fan_in)
    x, y = rng.randn(20, fan_in), rng.randn(20, 3)
    optimizer = AdamW(0.9, 0.95, epsilon=1e-30, weight_decay=0.3)
    made = Network([NTPDense(fan_in, 3)], fan_in)
    params = np.empty(made.n_params)
    made.initialize(params, rng, x)
    objective = Objective(made, SQUARED_ERROR, 0.0, 20)
    state = optimizer.init_state(made.n_params, float, made.n_penalised, made.rates)
    W, b = (array.copy() for array in made.arrays(params)[0])
    W *= root
    w_state, b_state = (optimizer.init_state(array.size, float) for array in (W, b))
    undecayed = AdamW(0.9, 0.95, epsilon=1e-30, weight_decay=0.0)
    for _ in range(30):
        gradient = objective.value_and_gradient(params, x, y)[1]
        optimizer.step(params, gradient, 0.02, state, rates=made.rates, decays=made.decays)
        residual = (x @ W / root + b - y) / 20
        optimizer.step(W.reshape(-1), (x.T @ residual / root).reshape(-1), 0.02, w_state)
        undecayed.step(b, residual.sum(axis=0), 0.1 * 0.02, b_state)
    weights, intercepts = made.arrays(params)[0]
    np.testing.assert_allclose(weights, W / root, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(intercepts, b, rtol=1e-9, atol=1e-12)


# ----------------------------------------------------------------------- data-driven beginning


def data_driven(n_columns=6, scale=1.0, dtype=np.float64):
    """A deep network, and rows on different scales."""
    layers, width = [], n_columns
    for n_units in (40, 30, 20):
        layers += [NTPDense(width, n_units), Activate(ACTIVATIONS["relu"], n_units)]
        width = n_units
    rng = np.random.RandomState(5)
    rows = scale * rng.standard_exponential((500, n_columns)) ** 2 * 10.0 ** np.arange(-2, 4)
    return Network([*layers, NTPDense(width, 3)], n_columns), rows.astype(dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_every_output_begins_with_unit_deviation(scale, dtype):
    """Also in the last layer, and whatever the scale; and some rows lie on each side."""
    made, rows = data_driven(scale=scale, dtype=dtype)
    params = initial_params(made, 1, dtype, rows)
    x = rows
    for layer, arrays in zip(made.layers, made.arrays(params), strict=True):
        if arrays:
            z = x.astype(float) @ arrays[0].astype(float) + arrays[1]
            np.testing.assert_allclose(z.std(axis=0), 1, rtol=1e-6 if dtype is np.float64 else 1e-3)
            assert np.all((z.min(axis=0) < 0) & (z.max(axis=0) > 0))
        x = layer.forward(arrays, np.array(x))


def test_unit_deviation_drawn_by_another_hand():
    x, rng = np.random.RandomState(1).randn(30, 4) * [1, 10, 0.1, 5], np.random.RandomState(3)
    weights, intercepts = np.empty((4, 7)), np.empty(7)
    unit_deviation(weights, intercepts, np.random.RandomState(3), x)
    normal, rows = rng.standard_normal((4, 7)), rng.randint(30, size=(5, 7))
    exponential = rng.standard_exponential((5, 7))
    for unit in range(7):
        w = normal[:, unit] / np.std(x @ normal[:, unit])
        np.testing.assert_allclose(weights[:, unit], w, rtol=1e-12)
        share = exponential[:, unit] / exponential[:, unit].sum()
        np.testing.assert_allclose(intercepts[unit], -share @ (x[rows[:, unit]] @ w), rtol=1e-10)


@pytest.mark.parametrize("value", [0.0, 1e-9, 3.0])
def test_outputs_that_do_not_vary_are_left_as_they_are(value):
    """Of constant columns: the intercept makes them zero."""
    x, weights, intercepts = np.full((10, 3), value), np.empty((3, 5)), np.empty(5)
    unit_deviation(weights, intercepts, np.random.RandomState(0), x)
    drawn = np.random.RandomState(0).standard_normal((3, 5)) / sqrt(3)
    np.testing.assert_allclose(weights, drawn, rtol=1e-14)
    np.testing.assert_allclose(x @ weights + intercepts, 0, atol=1e-14)


def test_members_share_a_sample_and_draw_their_own():
    made, rows = data_driven()
    sample = row_sample(rows, np.random.RandomState(0), 100)
    params = [initial_params(made, k, rows=sample) for k in (0, 1, 0)]
    np.testing.assert_array_equal(params[0], params[2])
    assert not np.any(params[0] == params[1])
    for k in range(2):
        weights, _ = made.arrays(params[k])[0]
        np.testing.assert_allclose((sample @ weights).std(axis=0), 1, rtol=1e-10)
        assert np.abs((rows @ weights).std(axis=0) - 1).max() > 1e-3


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, sparse.csr_array])
def test_row_sample(kind):
    rows = np.arange(50.0)[:, np.newaxis] + [[0, 100]]
    rng, found = np.random.RandomState(0), row_sample(kind(rows), np.random.RandomState(0), 20)
    found = found if isinstance(found, np.ndarray) else found.toarray()
    assert found.shape == (20, 2)
    assert np.all(np.diff(found[:, 0]) > 0)
    np.testing.assert_array_equal(found[:, 1] - found[:, 0], 100)
    few = kind(rows)
    assert row_sample(few, rng, 50) is few
    assert rng.randint(1000) == np.random.RandomState(0).randint(1000)
    assert row_sample(np.empty((4001, 1)), rng).shape == (4000, 1)


def test_sparse_rows_begin_as_dense_ones():
    made, rows = data_driven()
    rows[rows < 1] = 0
    expected = initial_params(made, 0, rows=rows)
    found = initial_params(made, 0, rows=sparse.csr_matrix(rows))
    np.testing.assert_allclose(found, expected, rtol=1e-9)


PLACES = {"network": 4, "branch": 0}


@pytest.mark.parametrize("place", PLACES)
def test_without_rows_a_layer_that_looks_at_them_is_refused(place):
    layers = [dense(4, 4), Activate(ACTIVATIONS["relu"], 4), dense(4, 4), Scale(4), NTPDense(4, 2)]
    if place == "branch":
        layers = [Columns([(slice(0, 4), layers, 2)])]
    name = "NTPDense" if place == "network" else "Columns"
    with pytest.raises(ValueError, match=rf"^{name}, layer {PLACES[place]} of the network, looks"):
        initial_params(Network(layers, 4), 0)


def test_with_a_draw_of_its_own_a_layer_looks_at_no_rows():
    made, plain = (Network([kind(4, 3, draw=uniform)], 4) for kind in (NTPDense, Dense))
    np.testing.assert_array_equal(initial_params(made, 0), initial_params(plain, 0))


class Counted(Scale):
    n_calls = 0

    def forward(self, arrays, x, buffers=None, random=None):
        self.n_calls += 1
        return super().forward(arrays, x, buffers, random)


def test_layers_below_are_asked_once():
    counted = Counted(4)
    made = Network([counted, NTPDense(4, 3), NTPDense(3, 3), NTPDense(3, 1)], 4)
    initial_params(made, 0, rows=ROWS)
    assert counted.n_calls == 1


# ------------------------------------------------------------------------------- dropout


def dropped(rate, strength=None, *, by_bytes=False, dtype=np.float64, members=(), bits=None):
    """What `Dropout` makes of ones: 1000 rows of 200 units, of each member."""
    made = Network([Dropout(rate, 200, by_bytes)], 200)
    rows = np.ones((*members, 1000, 200), dtype=dtype)
    kind = bits or np.random.PCG64
    random = Draws(np.random.Generator(kind(k)) for k in range(members[0] if members else 1))
    if strength is not None:
        random.strength = strength
    workspace = Workspace(made, 1000, dtype, members)
    return made.forward([()], rows, workspace, random).copy()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("by_bytes", [False, True])
@pytest.mark.parametrize(
    ("rate", "strength"), [(0.15, None), (0.5, 1.0), (0.15, 0.5), (0.9, 0.2), (0.4, 1e-3)]
)
def test_strength_is_a_factor_of_the_rate(rate, strength, by_bytes, dtype):
    found = dropped(rate, strength, by_bytes=by_bytes, dtype=dtype)
    rate *= 1.0 if strength is None else strength
    rate = round(256 * rate) / 256 if by_bytes else rate
    assert found.dtype == dtype
    assert set(np.unique(found)) <= {0.0, dtype(1 / (1 - rate))} | {dtype(1) / dtype(1 - rate)}
    error = 4 * sqrt(rate * (1 - rate) / found.size)
    assert np.mean(found == 0) == pytest.approx(rate, abs=error)


@pytest.mark.parametrize("by_bytes", [False, True])
def test_without_strength_nothing_is_left_out(by_bytes):
    np.testing.assert_array_equal(dropped(0.7, 0.0, by_bytes=by_bytes), 1)


def test_a_strength_of_1_changes_nothing():
    np.testing.assert_array_equal(dropped(0.3, 1.0), dropped(0.3))


def test_a_rate_that_bytes_cannot_tell_from_1_leaves_something():
    found = dropped(0.999, by_bytes=True)
    assert 0 < np.mean(found > 0) < 0.01
    assert found.max() == 256


@pytest.mark.parametrize("bits", BIT_GENERATORS.values())
def test_all_bytes_of_every_generator_are_random(bits):
    """A generator of numbers of 32 bits, such as MT19937, has zeros in the others."""
    found = dropped(0.3, by_bytes=True, bits=bits) == 0
    for start in range(8):
        share = found.ravel()[start::8].mean()
        assert share == pytest.approx(77 / 256, abs=4 * sqrt(0.21 * 8 / found.size))


@pytest.mark.parametrize("by_bytes", [False, True])
def test_every_member_draws_its_own(by_bytes):
    found = dropped(0.3, by_bytes=by_bytes, members=(3,))
    np.testing.assert_array_equal(found[0], dropped(0.3, by_bytes=by_bytes))
    assert not np.array_equal(found[0], found[1])


@pytest.mark.parametrize("by_bytes", [False, True])
def test_gradient_through_dropout_of_the_recipe(by_bytes):
    """The same draws for every value of the finite differences."""
    layers = for_table(lambda n: blend("mish", n), dropout=0.4, by_bytes=by_bytes)
    made = Network(layers, N_COLUMNS)
    params, objective = some_params(made), Objective(made, SQUARED_ERROR, 0.1, N_ROWS)

    def evaluated(params):
        random = Draws([np.random.default_rng(0)])
        random.strength = 0.8
        return objective.value_and_gradient(params, ROWS, Y, random=random)

    gradient = evaluated(params)[1].copy()
    steps = 1e-6 * np.eye(made.n_params)
    numerical = [(evaluated(params + e)[0] - evaluated(params - e)[0]) / 2e-6 for e in steps]
    np.testing.assert_allclose(gradient, numerical, rtol=1e-5, atol=1e-7)


# ---------------------------------------------------------------------------- all together


def test_network_of_the_page():
    """The code in the documentation; trained by the recipe it finds what is in the rows."""
    names = {}
    for block in code_of("engine.rst"):
        exec(block, names)
    made = names["network"]
    rng = np.random.RandomState(0)
    rows = np.hstack([rng.randn(300, 3), rng.randint(2, size=(300, 2))])
    y = np.sin(4 * rows[:, :1]) + rows[:, 1:2] * rows[:, 3:4]
    optimizer = AdamW(beta_2=0.95, weight_decay=0.02)
    params = initial_params(made, 0, rows=rows)
    minimize = MiniBatches(
        Objective(made, SQUARED_ERROR, 0.0, 30),
        rows,
        y,
        None,
        optimizer,
        CosLog(),
        0.04,
        30,
        40,
        decay_schedule=FlatCos(),
        dropout_schedule=FlatCos(),
    )
    state = state_of(params, optimizer, made, rate=0.04)
    state.generators["dropout"] = np.random.default_rng(0)
    run, reason = train(minimize, state, max_iter=40)
    losses = run.state.record.history.column("loss")
    rates = run.state.record.history.column("learning_rate")
    assert reason == "max_iter"
    assert max(rates) == pytest.approx(0.04, rel=0.05)
    residual = made.predict_raw(run.state.params, rows) - y
    assert np.mean(residual**2) < 0.15 * np.var(y)
    assert losses[-1] < 0.3 * losses[0]
