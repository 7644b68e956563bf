"""Steps of the optimizers, in one pass over the parameters."""

from __future__ import annotations

import numpy as np

from skneural.arrays.matrices import FloatArray
from skneural.kernels.compilation import Number


def adam_step(
    w: FloatArray,
    g: FloatArray,
    m: FloatArray,
    v: FloatArray,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    rate: float,
) -> None:
    """See `skneural.optimizers.adam.adam_step`."""
    number = w.dtype.type
    beta_1, beta_2, epsilon, rate = number(beta_1), number(beta_2), number(epsilon), number(rate)
    for i in range(len(w)):
        gradient = g[i]
        mean = m[i] * beta_1 + gradient
        square = v[i] * beta_2 + gradient * gradient
        m[i] = mean
        v[i] = square
        w[i] -= mean / (np.sqrt(square) + epsilon) * rate


def adam_step_by_factors(
    w: FloatArray,
    g: FloatArray,
    m: FloatArray,
    v: FloatArray,
    lengths: FloatArray,
    kept: FloatArray,
    beta_1: Number,
    beta_2: Number,
    epsilon: Number,
) -> None:
    """See `skneural.optimizers.adam.adam_step_by_factors`."""
    number = w.dtype.type
    beta_1, beta_2, epsilon = number(beta_1), number(beta_2), number(epsilon)
    n = len(lengths)
    for start in range(0, len(w), max(n, 1)):
        stop = min(start + n, len(w))
        own_w, own_g = w[start:stop], g[start:stop]
        own_m, own_v = m[start:stop], v[start:stop]
        for i in range(stop - start):
            gradient = own_g[i]
            mean = own_m[i] * beta_1 + gradient
            square = own_v[i] * beta_2 + gradient * gradient
            own_m[i] = mean
            own_v[i] = square
            own_w[i] = own_w[i] * kept[i] - mean / (np.sqrt(square) + epsilon) * lengths[i]
