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
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from skneural.arrays.matrices import FloatArray, Matrix
from skneural.kernels import compiled_as
from skneural.kernels import table_layers as kernels
from skneural.layers.contract import Arrays, Buffers, Draws, Layer, PassMemory

Bytes: TypeAlias = npt.NDArray[np.uint8]

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

    Raises
    ------
    ValueError
        If the rate is not from 0 to below 1.

    Notes
    -----
    If `random` of the forward pass is a `Draws`, its `strength` is a factor of the rate.
    """

    draws = True
    passes_input_on = True

    rate: float
    n_outputs: int
    by_bytes: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.rate < 1:
            raise ValueError(f"The rate of Dropout must be from 0 to below 1, got {self.rate!r}.")

    @property
    def n_inputs(self) -> int:
        """As many columns as it returns."""
        return self.n_outputs

    def buffers(self, memory: PassMemory) -> Buffers:
        factors, thinned = memory.kept(self.n_outputs), memory.kept(self.n_outputs)
        drawn = memory.kept(self.n_outputs, dtype=np.uint8) if self.by_bytes else None
        return _Drawn(factors, thinned, drawn)

    def forward(
        self,
        arrays: Arrays,
        x: Matrix,
        buffers: Buffers | None = None,
        random: Sequence[np.random.Generator] | None = None,
    ) -> FloatArray:
        if buffers is not None:
            buffers.has_drawn = random is not None
        if random is None or buffers is None:
            output: FloatArray = x
            return output
        factors, thinned = buffers.factors, buffers.thinned
        rate = self.rate * random.strength if isinstance(random, Draws) else self.rate
        own = x if x.shape == thinned.shape else np.broadcast_to(x, thinned.shape)
        flat = own.reshape(-1), factors.reshape(-1), thinned.reshape(-1)
        # Not in place: the derivative of the activation below is that of all units.
        if self.by_bytes:
            _draw_bytes(buffers.drawn, random)
            n_left_out = min(round(rate * N_BYTES), N_BYTES - 1)
            share = N_BYTES / (N_BYTES - n_left_out)
            thin_by_bytes(*flat, buffers.drawn.reshape(-1), n_left_out, share)
        else:
            _draw_numbers(factors, random)
            thin_by_numbers(*flat, float(1 - rate))
        output = thinned
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
        if buffers.has_drawn:
            delta *= buffers.factors
        return delta


@dataclass(eq=False)
class _Drawn:
    """What a forward pass has drawn, if it has."""

    factors: FloatArray
    thinned: FloatArray
    drawn: Bytes | None
    has_drawn: bool = False


def _draw_numbers(numbers: FloatArray, random: Sequence[np.random.Generator]) -> None:
    """Fill `numbers` with numbers from 0 to 1."""
    for each, generator in zip(_of_members(numbers), random, strict=True):
        generator.random(out=each, dtype=each.dtype)


@compiled_as(kernels.thin_by_numbers)
def thin_by_numbers(x: FloatArray, numbers: FloatArray, out: FloatArray, kept_share: float) -> None:
    """Turn numbers from 0 to 1 into factors, see `Dropout`, and multiply x by these."""
    factors = numbers
    factors += kept_share
    np.floor(factors, out=factors)
    factors *= 1 / kept_share
    np.multiply(x, factors, out=out)


def _draw_bytes(drawn: Bytes, random: Sequence[np.random.Generator]) -> None:
    """Fill an array with bytes."""
    for each, generator in zip(drawn.reshape(len(random), -1), random, strict=True):
        each[...] = _random_bytes(generator, each.size)


@compiled_as(kernels.thin_by_bytes)
def thin_by_bytes(
    x: FloatArray, factors: FloatArray, out: FloatArray, drawn: Bytes, n_left_out: int, share: float
) -> None:
    """The same by bytes, of which as many values as `n_left_out` stand for a factor of 0."""
    is_kept = np.greater_equal(drawn, n_left_out, out=drawn.view(np.bool_))
    np.copyto(factors, is_kept)
    factors *= share
    np.multiply(x, factors, out=out)


def _random_bytes(generator: np.random.Generator, n: int) -> Bytes:
    bits = generator.bit_generator
    if isinstance(bits, BITS_64):
        # Faster than `Generator.bytes`, and eight bytes a number.
        return bits.random_raw(-(-n // 8)).view(np.uint8)[:n]
    return np.frombuffer(generator.bytes(n), dtype=np.uint8)


def _of_members(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return array if array.ndim == 3 else array[np.newaxis]
