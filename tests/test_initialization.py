"""Every initialization in the table: distribution, dtype, draws; and callables."""

from __future__ import annotations

import numpy as np
import pytest
from networks import initial_params, layers_of, network_of
from scipy.stats import kstest, norm, uniform

from skneural.activations import ACTIVATIONS
from skneural.initialization import INITIALIZATIONS


def normal(variance):
    return norm(scale=np.sqrt(variance))


def within(bound):
    return uniform(-bound, 2 * bound)


#: The distribution of one weight, given fan in and fan out.
DISTRIBUTIONS = {
    "glorot_uniform": lambda n_in, n_out: within(np.sqrt(6 / (n_in + n_out))),
    "glorot_normal": lambda n_in, n_out: normal(2 / (n_in + n_out)),
    "he_uniform": lambda n_in, n_out: within(np.sqrt(6 / n_in)),
    "he_normal": lambda n_in, n_out: normal(2 / n_in),
    "lecun_normal": lambda n_in, n_out: normal(1 / n_in),
    # A coordinate of a random point on a sphere of high dimension is about normal.
    "orthogonal": lambda n_in, n_out: normal(1 / max(n_in, n_out)),
    "standard_normal": lambda n_in, n_out: normal(1),
}

#: Those that draw the intercepts too.
WITH_INTERCEPTS = {"glorot_uniform", "standard_normal"}

#: Layer sizes and activations of a network.
NETWORK = (5, 4, 3, 2), ("logistic", "tanh")
SHAPES = [(5, 4), (4, 3), (3, 2)]
N_WEIGHTS = 20 + 12 + 6
N_PARAMS = N_WEIGHTS + 4 + 3 + 2

names = pytest.mark.parametrize("name", INITIALIZATIONS)
dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32])


def drawn(initialization, network=NETWORK, seed=0, dtype=np.float64, *, fit_intercept=True):
    network = network_of(*network, initialization, fit_intercept=fit_intercept)
    return initial_params(network, seed, dtype)


def drawn_layers(initialization, network=NETWORK, **options):
    fit_intercept = options.get("fit_intercept", True)
    params = drawn(initialization, network, **options)
    return layers_of(network_of(*network, fit_intercept=fit_intercept), params)


def test_every_initialization_is_tested():
    assert set(DISTRIBUTIONS) == set(INITIALIZATIONS)


@names
@pytest.mark.parametrize("shape", [(300, 200), (200, 300)])
def test_weights_have_the_distribution(name, shape):
    weights = INITIALIZATIONS[name](*shape, np.random.RandomState(0))
    distribution = DISTRIBUTIONS[name](*shape)
    assert weights.shape == shape
    assert weights.var() == pytest.approx(distribution.var(), rel=0.03)
    assert abs(weights.mean()) < 4 * distribution.std() / np.sqrt(weights.size)
    assert kstest(weights.ravel(), distribution.cdf).pvalue > 0.01


@names
@dtypes
def test_the_seed_decides(name, dtype):
    params = drawn(name, dtype=dtype)
    assert params.dtype == dtype
    assert params.shape == (N_PARAMS,)
    np.testing.assert_array_equal(params, drawn(name, dtype=dtype))
    np.testing.assert_array_equal(params, drawn(name).astype(dtype))
    assert (params[:N_WEIGHTS] != drawn(name, seed=1)[:N_WEIGHTS]).all()


@names
def test_layers_are_drawn_one_after_another(name):
    random_state = np.random.RandomState(0)
    layers = drawn_layers(name, ((3, 3, 3, 3), "tanh"), fit_intercept=False)
    assert len(layers) == 3
    for (weights,) in layers:  # no intercepts
        np.testing.assert_array_equal(weights, INITIALIZATIONS[name](3, 3, random_state))


@names
def test_intercepts_begin_at_zero_but_for_two(name):
    intercepts = drawn(name)[N_WEIGHTS:]
    assert np.all(intercepts != 0 if name in WITH_INTERCEPTS else intercepts == 0)


@dtypes
@pytest.mark.parametrize(
    ("network", "fit_intercept", "factors"),
    [
        (NETWORK, True, [2, 6, 6]),
        (((5, 4, 2), "logistic"), True, [2, 2]),
        (((5, 2), "logistic"), True, [2]),
        (((5, 2), ()), True, [6]),
        (((5, 4, 2), "relu"), False, [6, 6]),
    ],
)
def test_glorot_uniform_draws_what_scikit_learn_draws(network, fit_intercept, factors, dtype):
    random_state = np.random.RandomState(0)
    sizes = network[0]
    weights, intercepts = [], []
    for fan_in, fan_out, factor in zip(sizes[:-1], sizes[1:], factors, strict=True):
        bound = np.sqrt(factor / (fan_in + fan_out))
        weights.append(random_state.uniform(-bound, bound, (fan_in, fan_out)).ravel())
        if fit_intercept:
            intercepts.append(random_state.uniform(-bound, bound, fan_out))
    expected = np.concatenate(weights + intercepts).astype(dtype)
    params = drawn("glorot_uniform", network, dtype=dtype, fit_intercept=fit_intercept)
    assert params.dtype == dtype
    np.testing.assert_array_equal(params, expected)


def test_standard_normal_draws_weights_before_intercepts():
    random_state = np.random.RandomState(0)
    for layer in drawn_layers("standard_normal"):
        for part in layer:
            np.testing.assert_array_equal(part, random_state.standard_normal(part.shape))


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (4, 1), (5, 5), (8, 3), (3, 8)])
def test_orthogonal_has_orthonormal_rows_or_columns(shape):
    weights = INITIALIZATIONS["orthogonal"](*shape, np.random.RandomState(0))
    assert weights.shape == shape
    if shape[0] < shape[1]:
        weights = weights.T
    np.testing.assert_allclose(weights.T @ weights, np.eye(min(shape)), atol=1e-14)


def test_orthogonal_has_no_preference():
    # A decomposition that does not look after signs gives a first element of mean -1/2, and
    # a trace whose square is not 1 on average.
    random_state = np.random.RandomState(0)
    draws = [INITIALIZATIONS["orthogonal"](3, 3, random_state) for _ in range(3000)]
    np.testing.assert_allclose(np.mean(draws, axis=0), np.zeros((3, 3)), atol=0.05)
    assert np.mean([np.trace(draw) ** 2 for draw in draws]) == pytest.approx(1, abs=0.1)
    assert np.mean([np.linalg.det(draw) for draw in draws]) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize(
    ("name", "activation"),
    [
        ("he_normal", "relu"),
        ("he_uniform", "relu"),
        ("lecun_normal", "selu"),
        ("lecun_normal", "identity"),
        ("glorot_normal", "identity"),
        ("glorot_uniform", "identity"),
        ("orthogonal", "identity"),
    ],
)
def test_the_signal_neither_fades_nor_grows(name, activation):
    random_state = np.random.RandomState(0)
    chosen = ACTIVATIONS[activation]
    a = random_state.standard_normal((100, 400))
    for _ in range(10):
        a = a @ INITIALIZATIONS[name](400, 400, random_state)
        kept = [np.empty_like(a) for _ in range(chosen.n_saved)]
        chosen.forward(a, np.empty(a.shape, dtype=bool), *kept)
    # A variance wrong by a factor of 2 would be one of 1024 here.
    assert 1 / 2 < np.mean(a**2) < 2


def test_a_callable():
    asked = []

    def counting(fan_in, fan_out, random_state):
        asked.append((fan_in, fan_out))
        assert isinstance(random_state, np.random.RandomState)
        return [[row + 0.5] * fan_out for row in range(fan_in)]

    params = drawn(counting, dtype=np.float32)
    assert params.dtype == np.float32
    assert asked == SHAPES
    layers = layers_of(network_of(*NETWORK), params)
    for (weights, intercepts), (fan_in, _) in zip(layers, SHAPES, strict=True):
        assert (weights == np.arange(fan_in)[:, np.newaxis] + 0.5).all()
        assert (intercepts == 0).all()


def test_a_callable_of_the_table():
    np.testing.assert_array_equal(drawn(INITIALIZATIONS["he_normal"]), drawn("he_normal"))


FAULTS = {
    "transposed": (lambda n_in, n_out, _: np.ones((n_out, n_in)), r"got \(4, 5\)"),
    "flat": (lambda n_in, n_out, _: np.ones(n_in * n_out), r"got \(20,\)"),
    "ragged": (lambda n_in, n_out, _: [[1.0], [1.0, 2.0]], "inhomogeneous"),
    "nothing": (lambda n_in, n_out, _: None, "got dtype object"),
    "complex": (lambda n_in, n_out, _: np.ones((n_in, n_out), dtype=complex), "dtype complex128"),
    "text": (lambda n_in, n_out, _: np.full((n_in, n_out), "1"), "dtype <U1"),
    "NaN": (lambda n_in, n_out, _: np.full((n_in, n_out), np.nan), "contains NaN or infinity"),
    "infinity": (lambda n_in, n_out, _: np.full((n_in, n_out), np.inf), "contains NaN or infinity"),
    "large": (lambda n_in, n_out, _: np.full((n_in, n_out), 1e39), "contains NaN or infinity"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_a_callable_gives_is_checked(fault):
    initialization, found = FAULTS[fault]
    with pytest.raises(ValueError, match=rf"^initialization must .* \(5, 4\).*{found}"):
        drawn(initialization, dtype=np.float32)


def test_an_error_of_a_callable_is_its_own():
    def failing(fan_in, fan_out, random_state):
        raise ValueError("no idea")

    with pytest.raises(ValueError, match=r"^no idea$"):
        drawn(failing)
