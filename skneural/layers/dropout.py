r"""Dropout: in training, every hidden unit is left out of every row with some probability.

.. math::

    \tilde a = a \odot \frac{m}{1 - p}, \qquad m \sim \text{Bernoulli}(1 - p),

where :math:`p` is the rate, or what a schedule makes of it. Division by :math:`1 - p`
("inverted" dropout) keeps the mean of what the next layer reads, so that nothing has to be changed
for prediction, in which all units take part.

Source: N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever and R. Salakhutdinov, "Dropout: A
simple way to prevent neural networks from overfitting", JMLR 15, 2014.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from skneural.arrays.matrices import BoolArray, FloatArray, Matrix
from skneural.layers.contract import Arrays, Buffers, Draws, Layer, PassMemory

#: Values of a byte.
N_BYTES = 256

#: Those whose raw numbers have 64 random bits.
BITS_64 = (np.random.PCG64, np.random.PCG64DXSM, np.random.Philox, np.random.SFC64)


@dataclass(eq=False)
class Dropout(Layer):
    """Random factors in training; in prediction, nothing.

    Parameters
    ----------
    rate : float
        Share of the units to leave out, from 0 to below 1.
    n_outputs : int
        Number of units.
    by_bytes : bool, default=False
        Whether to draw a byte for every unit of every row instead of a floating point number, which
        takes a third of the time. The rate is then rounded to a multiple of 1/256, and is below 1.

    Notes
    -----
    If `random` of the forward pass is a `Draws`, its `strength` is a factor of the rate.
    """

    draws = True
    passes_input_on = True

    rate: float
    n_outputs: int
    by_bytes: bool = False

    def buffers(self, memory: PassMemory) -> Buffers:
        own = memory.kept(self.n_outputs), memory.kept(self.n_outputs)
        return (*own, memory.kept(self.n_outputs, dtype=bool)) if self.by_bytes else own

    def forward(
        self,
        arrays: Arrays,
        x: Matrix,
        buffers: Buffers | None = None,
        random: Sequence[np.random.Generator] | None = None,
    ) -> FloatArray:
        if random is None or buffers is None:
            output: FloatArray = x
            return output
        factors, thinned = buffers[:2]
        rate = self.rate * random.strength if isinstance(random, Draws) else self.rate
        if self.by_bytes:
            _draw_bytes(rate, factors, buffers[2], random)
        else:
            _draw_numbers(rate, factors, random)
        # Not in place: the derivative of the activation below is that of all units.
        output = np.multiply(x, factors, out=thinned)
        return output

    def backward(
        self,
        arrays: Arrays,
        gradients: Arrays,
        x: Matrix,
        buffers: Buffers,
        delta: FloatArray,
        needs_input: bool,
    ) -> FloatArray | None:
        delta *= buffers[0]
        return delta


def _draw_numbers(rate: float, factors: FloatArray, random: Sequence[np.random.Generator]) -> None:
    """Fill `factors` with 0, with probability `rate`, or 1 / (1 - rate)."""
    for each, generator in zip(_of_members(factors), random, strict=True):
        generator.random(out=each, dtype=each.dtype)
    kept_share = 1 - rate
    factors += kept_share
    np.floor(factors, out=factors)
    factors *= 1 / kept_share


def _draw_bytes(
    rate: float, factors: FloatArray, is_kept: BoolArray, random: Sequence[np.random.Generator]
) -> None:
    """The same for the nearest rate that bytes can tell apart, below 1."""
    n_left_out = min(round(rate * N_BYTES), N_BYTES - 1)
    flat = is_kept.reshape(len(random), -1)
    for each, generator in zip(flat, random, strict=True):
        np.greater_equal(_random_bytes(generator, each.size), n_left_out, out=each)
    np.copyto(factors, is_kept)
    factors *= N_BYTES / (N_BYTES - n_left_out)


def _random_bytes(generator: np.random.Generator, n: int) -> npt.NDArray[np.uint8]:
    bits = generator.bit_generator
    if isinstance(bits, BITS_64):
        # Faster than `Generator.bytes`, and eight bytes a number.
        return bits.random_raw(-(-n // 8)).view(np.uint8)[:n]
    return np.frombuffer(generator.bytes(n), dtype=np.uint8)


def _of_members(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return array if array.ndim == 3 else array[np.newaxis]
