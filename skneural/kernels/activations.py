"""Activation functions, and what stands around their exp: element by element.

Where a definition has a maximum or minimum, a kernel compares such that what is not a number is
handed on, as NumPy's maximum and minimum do.
"""

from __future__ import annotations

from skneural.arrays.matrices import BoolArray, FloatArray
from skneural.kernels.compilation import Number


def relu(z: FloatArray, mask: BoolArray) -> None:
    """See `skneural.activations._relu`."""
    zero = z.dtype.type(0)
    n_rows, n_columns = z.shape
    for i in range(n_rows):
        for j in range(n_columns):
            z[i, j] = zero if z[i, j] <= zero else z[i, j]


def relu_backward(delta: FloatArray, a: FloatArray, mask: BoolArray) -> None:
    """See `skneural.activations._relu_backward`."""
    zero, one = a.dtype.type(0), a.dtype.type(1)
    n_rows, n_columns = a.shape
    for i in range(n_rows):
        for j in range(n_columns):
            delta[i, j] *= one if a[i, j] > zero else zero


def leaky_relu(z: FloatArray, lowered: FloatArray, slope: Number) -> None:
    """See `skneural.activations._leaky`."""
    slope = z.dtype.type(slope)
    n_rows, n_columns = z.shape
    for i in range(n_rows):
        for j in range(n_columns):
            low = z[i, j] * slope
            z[i, j] = low if z[i, j] < low else z[i, j]


def leaky_relu_backward(delta: FloatArray, a: FloatArray, mask: BoolArray, slope: Number) -> None:
    """See `skneural.activations._leaky_backward`."""
    slope, zero, one = a.dtype.type(slope), a.dtype.type(0), a.dtype.type(1)
    n_rows, n_columns = a.shape
    for i in range(n_rows):
        for j in range(n_columns):
            delta[i, j] *= one if a[i, j] > zero else slope


def logistic_backward(delta: FloatArray, a: FloatArray, mask: BoolArray) -> None:
    """See `skneural.activations._logistic_backward`."""
    one = a.dtype.type(1)
    n_rows, n_columns = a.shape
    for i in range(n_rows):
        for j in range(n_columns):
            delta[i, j] = delta[i, j] * a[i, j] * (one - a[i, j])


def tanh_backward(delta: FloatArray, a: FloatArray, mask: BoolArray) -> None:
    """See `skneural.activations._tanh_backward`."""
    one = a.dtype.type(1)
    n_rows, n_columns = a.shape
    for i in range(n_rows):
        for j in range(n_columns):
            delta[i, j] *= one - a[i, j] * a[i, j]


def elu_backward(delta: FloatArray, a: FloatArray, mask: BoolArray, negative: FloatArray) -> None:
    """See `skneural.activations._elu_backward`."""
    zero, one = a.dtype.type(0), a.dtype.type(1)
    n_rows, n_columns = a.shape
    for i in range(n_rows):
        for j in range(n_columns):
            delta[i, j] *= (zero if a[i, j] > zero else a[i, j]) + one


def selu_backward(
    delta: FloatArray, a: FloatArray, mask: BoolArray, scale: Number, slope: Number
) -> None:
    """See `skneural.activations._scaled_elu_backward`."""
    scale, slope, zero = a.dtype.type(scale), a.dtype.type(slope), a.dtype.type(0)
    n_rows, n_columns = a.shape
    for i in range(n_rows):
        for j in range(n_columns):
            delta[i, j] *= scale if a[i, j] > zero else a[i, j] + slope


def gelu_slope(
    delta: FloatArray,
    density: FloatArray,
    inputs: FloatArray,
    probability: FloatArray,
    factor: Number,
) -> None:
    """See `skneural.activations._gelu_slope`."""
    factor = density.dtype.type(factor)
    n_rows, n_columns = density.shape
    for i in range(n_rows):
        for j in range(n_columns):
            slope = density[i, j] * factor * inputs[i, j] + probability[i, j]
            delta[i, j] *= slope


def times_inverse(z: FloatArray, sigma: FloatArray) -> None:
    """See `skneural.activations._times_inverse`."""
    one = z.dtype.type(1)
    n_rows, n_columns = z.shape
    for i in range(n_rows):
        for j in range(n_columns):
            inverse = one / (sigma[i, j] + one)
            sigma[i, j] = inverse
            z[i, j] *= inverse


def silu_backward(delta: FloatArray, a: FloatArray, mask: BoolArray, sigma: FloatArray) -> None:
    """See `skneural.activations._silu_backward`."""
    one = a.dtype.type(1)
    n_rows, n_columns = a.shape
    for i in range(n_rows):
        for j in range(n_columns):
            delta[i, j] *= one - (one - a[i, j]) * (one - sigma[i, j])


def mish_of_exp(z: FloatArray, t: FloatArray, w: FloatArray) -> None:
    """See `skneural.activations._mish_of_exp`."""
    two = z.dtype.type(2)
    n_rows, n_columns = z.shape
    for i in range(n_rows):
        for j in range(n_columns):
            e = w[i, j]
            above = e + two
            ratio = e / (above * e + two) * above
            t[i, j] = ratio
            w[i, j] = above
            z[i, j] *= ratio


def mish_backward(
    delta: FloatArray, a: FloatArray, mask: BoolArray, t: FloatArray, w: FloatArray
) -> None:
    """See `skneural.activations._mish_backward`."""
    one, two = a.dtype.type(1), a.dtype.type(2)
    n_rows, n_columns = a.shape
    for i in range(n_rows):
        for j in range(n_columns):
            slope = a[i, j] * (one - one / w[i, j]) * (one - t[i, j]) * two + t[i, j]
            delta[i, j] *= slope
