"""Every activation in the table: values, derivatives, dtypes, memory, settings."""

from __future__ import annotations

import importlib.util
import pickle

import numpy as np
import pytest
from memory import peak_of
from scipy.integrate import quad
from scipy.special import erfc, expit
from scipy.stats import norm
from sklearn.base import clone

from skneural.activations import ACTIVATIONS, SELU_ALPHA, SELU_SCALE, Activation

# What each function is, written another way than in the source.
DEFINITIONS = {
    "identity": lambda z: z,
    "logistic": expit,
    "tanh": lambda z: 2 * expit(2 * z) - 1,
    "relu": lambda z: np.where(z > 0, z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "elu": lambda z: np.where(z > 0, z, np.exp(np.minimum(z, 0)) - 1),
    "selu": lambda z: SELU_SCALE * np.where(z > 0, z, SELU_ALPHA * np.expm1(np.minimum(z, 0))),
    "softplus": lambda z: np.logaddexp(0, z),
    "gelu": lambda z: z * erfc(-z / np.sqrt(2)) / 2,
    "silu": lambda z: z * expit(z),
    "mish": lambda z: z * np.tanh(np.logaddexp(0, z)),
}

#: The name in torch.nn.functional, and arguments if the defaults are others than ours.
IN_TORCH = {
    "logistic": ("sigmoid", {}),
    "tanh": ("tanh", {}),
    "relu": ("relu", {}),
    "leaky_relu": ("leaky_relu", {}),
    "elu": ("elu", {}),
    "selu": ("selu", {}),
    # From its threshold on, torch takes softplus for the identity: by default, from 20.
    "softplus": ("softplus", {"threshold": 40}),
    "gelu": ("gelu", {}),
    "silu": ("silu", {}),
    "mish": ("mish", {}),
}

#: The steepest slope, where it is above 1.
LARGEST_SLOPE = {"selu": 1.76, "gelu": 1.13, "silu": 1.1, "mish": 1.09}

# Away from zero by more than the step of a finite difference, since some have a corner there.
Z = np.concatenate([-np.geomspace(30, 1e-3, 20), np.geomspace(1e-3, 30, 20)]).reshape(8, 5)

names = pytest.mark.parametrize("name", ACTIVATIONS)


def value_and_slope(name, z):
    """f(z) and f'(z), from one forward and one backward pass."""
    activation = ACTIVATIONS[name]
    mask = np.empty(z.shape, dtype=bool)
    # What is in the arrays to begin with must not matter.
    kept = [np.full_like(z, np.nan) for _ in range(activation.n_saved)]
    a, slope = z.copy(), np.ones_like(z)
    activation.forward(a, mask, *kept)
    value = a.copy()
    mask[...] = True
    activation.backward(slope, a, mask, *kept)
    return value, slope


def test_every_activation_is_tested():
    assert set(DEFINITIONS) == set(ACTIVATIONS) == {"identity", *IN_TORCH}
    assert all(name == activation.name for name, activation in ACTIVATIONS.items())


@names
def test_forward_is_the_definition(name):
    value, _ = value_and_slope(name, Z)
    np.testing.assert_allclose(value, DEFINITIONS[name](Z), rtol=1e-12, atol=1e-15)


@names
def test_backward_multiplies_by_the_derivative(name):
    step = 1e-6
    numerical = (DEFINITIONS[name](Z + step) - DEFINITIONS[name](Z - step)) / (2 * step)
    activation = ACTIVATIONS[name]
    mask = np.empty(Z.shape, dtype=bool)
    kept = [np.empty_like(Z) for _ in range(activation.n_saved)]
    a, delta = Z.copy(), np.full_like(Z, 3.0)
    activation.forward(a, mask, *kept)
    activation.backward(delta, a, mask, *kept)
    np.testing.assert_allclose(delta, 3 * numerical, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", ["softplus", "gelu", "silu", "mish"])
def test_far_below_zero_there_are_still_digits(name):
    z = np.linspace(-30, -10, 21)
    value, _ = value_and_slope(name, z)
    np.testing.assert_allclose(value, DEFINITIONS[name](z), rtol=1e-12, atol=0)


@names
def test_the_layout_of_z_makes_no_difference(name):
    z = np.linspace(-50, 50, 2400).reshape(40, 60)
    for ours, theirs in zip(
        value_and_slope(name, z), value_and_slope(name, np.asfortranarray(z)), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-14, atol=1e-300)


@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if ACTIVATIONS[name].remainder])
@pytest.mark.parametrize(
    ("dtype", "largest", "tolerance"), [(np.float32, 3e38, 1e-6), (np.float64, 1e300, 1e-13)]
)
@pytest.mark.parametrize("n_columns", [3, 400], ids=["few", "many"])
def test_the_remainder_is_what_f_leaves_of_z(name, dtype, largest, tolerance, n_columns):
    z = np.linspace(-110, 110, 7 * n_columns, dtype=dtype).reshape(7, n_columns)
    z[0, :3] = -largest, largest, -1e4
    before, activation = z.copy(), ACTIVATIONS[name]
    out, *saved = (np.full_like(z, np.nan) for _ in range(1 + activation.n_saved))
    activation.remainder(z, out, *saved)
    value, slope = value_and_slope(name, z.astype(np.float64))
    np.testing.assert_allclose(out, z - value, rtol=tolerance, atol=tolerance)
    np.testing.assert_array_equal(z, before)
    activation.remainder_backward(out, *saved)
    np.testing.assert_allclose(out, 1 - slope, rtol=tolerance, atol=10 * tolerance)
    assert out.dtype == dtype


@pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="optional: torch is not installed"
)
@pytest.mark.parametrize("name", IN_TORCH)
def test_value_and_slope_beside_torch(name):
    import torch

    their_name, arguments = IN_TORCH[name]
    z = torch.tensor(np.append(Z, 0.0), requires_grad=True)
    theirs = getattr(torch.nn.functional, their_name)(z, **arguments)
    theirs.sum().backward()
    value, slope = value_and_slope(name, z.detach().numpy())
    np.testing.assert_allclose(value, theirs.detach().numpy(), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(slope, z.grad.numpy(), rtol=1e-12, atol=1e-14)


@names
@pytest.mark.parametrize(("dtype", "largest"), [(np.float32, 3e38), (np.float64, 1e300)])
def test_dtypes_stay_and_extreme_values_stay_finite(name, dtype, largest):
    z = np.array([[-largest, -1e4, -0.0, 0.0, 1e4, largest]], dtype=dtype)
    value, slope = value_and_slope(name, z)
    assert value.dtype == slope.dtype == dtype
    assert np.isfinite(value).all()
    assert np.isfinite(slope).all()
    assert (np.abs(slope) <= LARGEST_SLOPE.get(name, 1)).all()


@names
def test_float32_is_as_right_as_it_can_be(name):
    # Everywhere between the extremes, above all where exponentials begin to overflow.
    z = np.linspace(-110, 110, 2201, dtype=np.float32)[np.arange(2201) != 1100]
    value, slope = value_and_slope(name, z)
    exact_value, exact_slope = value_and_slope(name, z.astype(np.float64))
    np.testing.assert_allclose(value, exact_value, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(slope, exact_slope, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("name", LARGEST_SLOPE)
def test_the_largest_slope(name):
    _, slope = value_and_slope(name, np.linspace(-5, 5, 10_001))
    assert LARGEST_SLOPE[name] - 0.01 < slope.max() <= LARGEST_SLOPE[name]


@names
def test_one_row_as_a_vector(name):
    value, slope = value_and_slope(name, Z)
    for i, row in enumerate(Z):
        row_value, row_slope = value_and_slope(name, row)
        np.testing.assert_allclose(row_value, value[i], rtol=1e-14)
        np.testing.assert_allclose(row_slope, slope[i], rtol=1e-14)


@names
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_pass_allocates_nothing_of_the_size_of_z(name, dtype):
    activation = ACTIVATIONS[name]
    z = np.random.RandomState(0).standard_normal((300, 100)).astype(dtype)
    delta, mask = np.ones_like(z), np.empty(z.shape, dtype=bool)
    kept = [np.empty_like(z) for _ in range(activation.n_saved)]

    def run():
        activation.forward(z, mask, *kept)
        activation.backward(delta, z, mask, *kept)

    assert peak_of(run) < 25_000  # The mask, the smallest of the arrays, has 30 kB.


@names
def test_nan_goes_through(name):
    value, _ = value_and_slope(name, np.array([1.0, np.nan]))
    assert np.isfinite(value[0])
    assert np.isnan(value[1])


def test_selu_keeps_mean_0_and_variance_1():
    def moment(power):
        halves = [
            quad(lambda z: DEFINITIONS["selu"](z) ** power * norm.pdf(z), *ends, epsabs=1e-14)[0]
            for ends in ((-40, 0), (0, 40))
        ]
        return sum(halves)

    assert moment(1) == pytest.approx(0, abs=1e-12)
    assert moment(2) == pytest.approx(1, abs=1e-12)


#: Fewer elements than are worth pieces, exactly one piece, and several with a rest.
RELU_SHAPES = [(1, 1), (3, 5), (999, 1), (128, 128), (130, 127), (1000, 50)]


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.longdouble])
@pytest.mark.parametrize("shape", RELU_SHAPES)
@pytest.mark.parametrize("lay_out", [np.ascontiguousarray, np.asfortranarray, lambda z: z[::-1]])
def test_relu_of_any_size_and_layout(shape, dtype, lay_out):
    z = lay_out(np.random.RandomState(0).standard_normal(shape).astype(dtype))
    z[-1, -1] = np.nan
    expected = np.where(z < 0, 0, z)
    ACTIVATIONS["relu"].forward(z, np.empty(z.shape, dtype=bool))
    assert z.dtype == dtype
    np.testing.assert_array_equal(z, expected)


def test_relu_of_one_row():
    z = np.array([-1.0, 0.0, 2.0])
    ACTIVATIONS["relu"].forward(z, np.empty(3, dtype=bool))
    np.testing.assert_array_equal(z, [0, 0, 2])


@names
@pytest.mark.parametrize("copy", [clone, lambda value: pickle.loads(pickle.dumps(value))])
def test_copies_are_equal(name, copy):
    activation = ACTIVATIONS[name]
    copied = copy(activation)
    assert copied is not activation
    assert copied == activation
    assert hash(copied) == hash(activation)
    assert repr(copied) == f"Activation('{name}')"


def test_no_two_are_equal():
    assert len(set(ACTIVATIONS.values())) == len(ACTIVATIONS)


def test_settings_can_be_changed_and_are_checked():
    activation = clone(ACTIVATIONS["gelu"]).set_params(glorot_factor=12.0)
    assert activation.get_params()["glorot_factor"] == 12.0
    assert activation != ACTIVATIONS["gelu"]
    activation.check()
    with pytest.raises(ValueError, match=r"glorot_factor of Activation must be .*, got 0\."):
        activation.set_params(glorot_factor=0).check()
    with pytest.raises(ValueError, match="Activation has no setting 'slope'"):
        activation.set_params(slope=0.1)


def cube(z, mask, squares):
    np.square(z, out=squares)
    z *= squares


def cube_backward(delta, a, mask, squares):
    squares *= 3
    delta *= squares


def test_one_of_ones_own(monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "cube", Activation("cube", cube, cube_backward, n_saved=1))
    value, slope = value_and_slope("cube", np.array([-2.0, 0.0, 3.0]))
    np.testing.assert_array_equal(value, [-8, 0, 27])
    np.testing.assert_array_equal(slope, [12, 0, 27])
    assert clone(ACTIVATIONS["cube"]) == ACTIVATIONS["cube"]
