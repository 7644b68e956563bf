"""Steps of the optimizers, in one pass over the parameters."""

from __future__ import annotations

import numpy as np

from skneural.arrays.matrices import FloatArray


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
