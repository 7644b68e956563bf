"""What the layers of a network for tables do beside products of matrices, cos, sin and exp.

The parameters of members lie far apart in memory. Loops over their columns are fast only where the
compiler can see that these are next to each other: so a row of them is copied to scratch first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skneural.arrays.matrices import FloatArray


def polynomial_cosine(
    angles: FloatArray, out: FloatArray, scratch: FloatArray, coefficients: tuple[float, ...]
) -> None:
    """See `skneural.layers.periodic_embedding.polynomial_cosine`."""
    number = angles.dtype.type
    turns_per_unit, n = number(0.5 / np.pi), len(coefficients)
    for i in range(len(angles)):
        turns = angles[i] * turns_per_unit
        turns -= np.rint(turns)
        square = turns * turns
        value = square * number(coefficients[n - 1])
        for j in range(n - 2, 0, -1):
            value = (value + number(coefficients[j])) * square
        out[i] = value + number(coefficients[0])


def multiply_by_rows(
    x: FloatArray, factors: FloatArray, out: FloatArray, scratch: FloatArray
) -> None:
    """See `skneural.layers.scale.multiply_by_rows`."""
    n_members, n_rows, n_columns = out.shape
    for k in range(n_members if n_rows else 0):
        row = scratch[k, 0]
        for j in range(n_columns):
            row[j] = factors[k, j]
        for i in range(n_rows):
            for j in range(n_columns):
                out[k, i, j] = x[k, i, j] * row[j]


def scale_backward(
    delta: FloatArray,
    x: FloatArray,
    products: FloatArray,
    scratch: FloatArray,
    factors: FloatArray,
) -> None:
    """See `skneural.layers.scale.scale_backward`."""
    n_members, n_rows, n_columns = delta.shape
    for k in range(n_members if n_rows else 0):
        row = scratch[k, 0]
        for j in range(n_columns):
            row[j] = factors[k, j]
        for i in range(n_rows):
            for j in range(n_columns):
                above = delta[k, i, j]
                products[k, i, j] = above * x[k, i, j]
                delta[k, i, j] = above * row[j]


def subtract_share(
    x: FloatArray, remainder: FloatArray, out: FloatArray, scratch: FloatArray, alphas: FloatArray
) -> None:
    """See `skneural.layers.parametric_activation.subtract_share`."""
    n_members, n_rows, n_columns = out.shape
    for k in range(n_members if n_rows else 0):
        row = scratch[k, 0]
        for j in range(n_columns):
            row[j] = alphas[k, j]
        for i in range(n_rows):
            for j in range(n_columns):
                out[k, i, j] = x[k, i, j] - row[j] * remainder[k, i, j]


def share_backward(
    delta: FloatArray, slope: FloatArray, scratch: FloatArray, alphas: FloatArray
) -> None:
    """See `skneural.layers.parametric_activation.share_backward`."""
    one = delta.dtype.type(1)
    n_members, n_rows, n_columns = delta.shape
    for k in range(n_members if n_rows else 0):
        row = scratch[k, 0]
        for j in range(n_columns):
            row[j] = alphas[k, j]
        for i in range(n_rows):
            for j in range(n_columns):
                delta[k, i, j] *= one - slope[k, i, j] * row[j]


def at_most(z: FloatArray, number: float, out: FloatArray) -> None:
    """See `skneural.activations._at_most`."""
    limit = z.dtype.type(number)
    n_rows, n_columns = z.shape
    for i in range(n_rows):
        for j in range(n_columns):
            out[i, j] = limit if z[i, j] > limit else z[i, j]


def mish_remainder_of_exp(p: FloatArray, g: FloatArray, q: FloatArray) -> None:
    """See `skneural.activations._mish_remainder_of_exp`."""
    one, two = p.dtype.type(1), p.dtype.type(2)
    n_rows, n_columns = p.shape
    for i in range(n_rows):
        for j in range(n_columns):
            s = g[i, j] + one
            inverse = two / (s * s + one)
            g[i, j] *= s
            q[i, j] = inverse
            p[i, j] *= inverse


def mish_remainder_backward(p: FloatArray, g: FloatArray, q: FloatArray) -> None:
    """See `skneural.activations._mish_remainder_backward`."""
    one = p.dtype.type(1)
    n_rows, n_columns = p.shape
    for i in range(n_rows):
        for j in range(n_columns):
            p[i, j] = (one - g[i, j] * p[i, j]) * q[i, j]


def thin_by_numbers(x: FloatArray, numbers: FloatArray, out: FloatArray, kept_share: float) -> None:
    """See `skneural.layers.dropout.thin_by_numbers`."""
    number = x.dtype.type
    kept, inverse = number(kept_share), number(1 / kept_share)
    for i in range(len(x)):
        factor = np.floor(numbers[i] + kept) * inverse
        numbers[i] = factor
        out[i] = x[i] * factor


def thin_by_bytes(
    x: FloatArray,
    factors: FloatArray,
    out: FloatArray,
    drawn: NDArray[np.uint8],
    n_left_out: int,
    share: float,
) -> None:
    """See `skneural.layers.dropout.thin_by_bytes`."""
    number = x.dtype.type
    zero, inverse = number(0), number(share)
    for i in range(len(x)):
        factor = zero if drawn[i] < n_left_out else inverse
        factors[i] = factor
        out[i] = x[i] * factor
