r"""Dropout: in training, every hidden unit is left out of every row with some probability.

.. math::

    \tilde a = a \odot \frac{m}{1 - p}, \qquad m \sim \text{Bernoulli}(1 - p),

where :math:`p` is the rate. Division by :math:`1 - p` ("inverted" dropout) keeps
the mean of what the next layer reads, so that nothing has to be changed for prediction, in
which all units take part.

Source: N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever and R. Salakhutdinov, "Dropout: A
simple way to prevent neural networks from overfitting", JMLR 15, 2014.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skneural.arrays.matrices import FloatArray, Matrix
from skneural.layers.contract import Arrays, Buffers, Layer, PassMemory


@dataclass(eq=False)
class Dropout(Layer):
    """Random factors in training; in prediction, nothing.

    Parameters
    ----------
    rate : float
        Share of the units to leave out, from 0 to below 1.
    n_outputs : int
        Number of units.
    """

    draws = True
    passes_input_on = True

    rate: float
    n_outputs: int

    def buffers(self, memory: PassMemory) -> Buffers:
        return memory.kept(self.n_outputs), memory.kept(self.n_outputs)

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
        factors, thinned = buffers
        for each, generator in zip(_of_members(factors), random, strict=True):
            generator.random(out=each, dtype=each.dtype)
        kept_share = 1 - self.rate
        factors += kept_share
        np.floor(factors, out=factors)
        factors *= 1 / kept_share
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


def _of_members(factors: FloatArray) -> FloatArray:
    return factors if factors.ndim == 3 else factors[np.newaxis]
