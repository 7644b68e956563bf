"""Every activation in the table: values, derivatives, dtypes, memory."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from skneural.activations import ACTIVATIONS

# What each function is, written another way than in the source.
DEFINITIONS = {
    "identity": lambda z: z,
    "logistic": expit,
    "tanh": lambda z: 2 * expit(2 * z) - 1,
    "relu": lambda z: np.where(z > 0, z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "elu": lambda z: np.where(z > 0, z, np.exp(np.minimum(z, 0)) - 1),
}

# Away from zero by more than the step of a finite difference, since some have a corner there.
Z = np.concatenate([-np.geomspace(30, 1e-3, 20), np.geomspace(1e-3, 30, 20)]).reshape(8, 5)


def forward(name, z):
    a = z.copy()
    ACTIVATIONS[name].forward(a, np.empty(z.shape, dtype=bool))
    return a


def test_every_activation_is_tested():
    assert set(DEFINITIONS) == set(ACTIVATIONS)
    assert all(name == activation.name for name, activation in ACTIVATIONS.items())


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_forward_is_the_definition(name):
    np.testing.assert_allclose(forward(name, Z), DEFINITIONS[name](Z), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_backward_multiplies_by_the_derivative(name):
    step = 1e-6
    numerical = (DEFINITIONS[name](Z + step) - DEFINITIONS[name](Z - step)) / (2 * step)
    delta = np.full_like(Z, 3.0)
    ACTIVATIONS[name].backward(delta, forward(name, Z), np.empty(Z.shape, dtype=bool))
    np.testing.assert_allclose(delta, 3 * numerical, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_float32_stays_float32_and_extreme_values_stay_finite(name):
    z = np.array([[-3e38, -1e4, -0.0, 0.0, 1e4, 3e38]], dtype=np.float32)
    mask = np.empty(z.shape, dtype=bool)
    a = z.copy()
    ACTIVATIONS[name].forward(a, mask)
    assert a.dtype == np.float32
    assert np.isfinite(a).all()
    delta = np.ones_like(a)
    ACTIVATIONS[name].backward(delta, a, mask)
    assert delta.dtype == np.float32
    assert np.isfinite(delta).all()
    assert (np.abs(delta) <= 1).all()


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
