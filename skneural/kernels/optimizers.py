"""Steps of the optimizers: one pass over the parameters and what is remembered of each."""

from __future__ import annotations

import numpy as np

from skneural.arrays.matrices import FloatArray
from skneural.kernels.compilation import Number


def sgd_step(
    w: FloatArray, g: FloatArray, v: FloatArray, rate: Number, momentum: Number, nesterovs: bool
) -> None:
    """See `skneural.optimizers.sgd.sgd_step`."""
    number = w.dtype.type
    rate, momentum = number(rate), number(momentum)
    for i in range(len(w)):
        step = g[i] * rate
        velocity = v[i] * momentum - step
        v[i] = velocity
        if nesterovs:
            w[i] = w[i] - step + velocity * momentum
        else:
            w[i] += velocity


def adam_step(
    w: FloatArray,
    g: FloatArray,
    m: FloatArray,
    v: FloatArray,
    beta_1: Number,
    beta_2: Number,
    epsilon: Number,
    rate: Number,
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


def nadam_step(
    w: FloatArray,
    g: FloatArray,
    m: FloatArray,
    v: FloatArray,
    scratch: FloatArray,
    beta_1: Number,
    beta_2: Number,
    epsilon: Number,
    gradient_rate: Number,
    mean_rate: Number,
) -> None:
    """See `skneural.optimizers.adam.nadam_step`."""
    number = w.dtype.type
    beta_1, beta_2, epsilon = number(beta_1), number(beta_2), number(epsilon)
    gradient_rate, mean_rate = number(gradient_rate), number(mean_rate)
    for i in range(len(w)):
        gradient = g[i]
        mean = m[i] * beta_1 + gradient
        square = v[i] * beta_2 + gradient * gradient
        m[i] = mean
        v[i] = square
        w[i] -= (gradient * gradient_rate + mean * mean_rate) / (np.sqrt(square) + epsilon)


def rmsprop_step(
    w: FloatArray,
    g: FloatArray,
    v: FloatArray,
    scratch: FloatArray,
    decay: Number,
    epsilon: Number,
    rate: Number,
) -> None:
    """See `skneural.optimizers.adaptive.rmsprop_step`."""
    number = w.dtype.type
    decay, epsilon, rate = number(decay), number(epsilon), number(rate)
    for i in range(len(w)):
        gradient = g[i]
        square = v[i] * decay + gradient * gradient
        v[i] = square
        w[i] -= gradient / (np.sqrt(square) + epsilon) * rate


def rmsprop_momentum_step(
    w: FloatArray,
    g: FloatArray,
    u: FloatArray,
    v: FloatArray,
    scratch: FloatArray,
    decay: Number,
    epsilon: Number,
    momentum: Number,
    rate: Number,
) -> None:
    """See `skneural.optimizers.adaptive.rmsprop_momentum_step`."""
    number = w.dtype.type
    decay, epsilon, momentum, rate = number(decay), number(epsilon), number(momentum), number(rate)
    for i in range(len(w)):
        gradient = g[i]
        square = v[i] * decay + gradient * gradient
        v[i] = square
        velocity = u[i] * momentum + gradient / (np.sqrt(square) + epsilon)
        u[i] = velocity
        w[i] -= velocity * rate


def adagrad_step(
    w: FloatArray, g: FloatArray, s: FloatArray, scratch: FloatArray, epsilon: Number, rate: Number
) -> None:
    """See `skneural.optimizers.adaptive.adagrad_step`."""
    number = w.dtype.type
    epsilon, rate = number(epsilon), number(rate)
    for i in range(len(w)):
        gradient = g[i]
        total = s[i] + gradient * gradient
        s[i] = total
        w[i] -= gradient / (np.sqrt(total) + epsilon) * rate


def divide_by_root(rate: Number, square: FloatArray, epsilon: Number, out: FloatArray) -> None:
    """See `skneural.optimizers.scaling.divide_by_root`."""
    number = square.dtype.type
    rate, epsilon = number(rate), number(epsilon)
    for i in range(len(square)):
        out[i] = rate / (np.sqrt(square[i]) + epsilon)


def prox_l1(params: FloatArray, step_length: FloatArray, strength: Number) -> None:
    """See `skneural.optimizers.contract.prox_l1`."""
    number = params.dtype.type
    strength, zero, one = number(strength), number(0), number(1)
    for i in range(len(params)):
        w = params[i]
        sign = -one if w < zero else one
        size = w * sign - abs(step_length[i] * strength)
        # No minimum or maximum: those would not hand on what is not a number.
        params[i] = (zero if size <= zero else size) * sign + zero


def move_average(
    mean: FloatArray, params: FloatArray, scratch: FloatArray, share: Number, keeps_zeros: bool
) -> None:
    """See `skneural.optimizers.contract.move_average`."""
    number = mean.dtype.type
    share, zero, one = number(share), number(0), number(1)
    for i in range(len(mean)):
        w = params[i]
        moved = mean[i] + (w - mean[i]) * share
        if keeps_zeros:
            moved *= zero if w == zero else one
        mean[i] = moved


def add_multiple(w: FloatArray, g: FloatArray, scratch: FloatArray, factor: Number) -> None:
    """See `skneural.objective._add_multiple`."""
    factor = w.dtype.type(factor)
    for i in range(len(w)):
        g[i] += w[i] * factor
