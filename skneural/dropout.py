r"""Dropout: in training, every hidden unit is left out of every row with some probability.

.. math::

    \tilde a = a \odot \frac{m}{1 - p}, \qquad m \sim \text{Bernoulli}(1 - p),

where :math:`p` is the rate of the layer. Division by :math:`1 - p` ("inverted" dropout) keeps
the mean of what the next layer reads, so that nothing has to be changed for prediction, in
which all units take part.

Source: N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever and R. Salakhutdinov, "Dropout: A
simple way to prevent neural networks from overfitting", JMLR 15, 2014.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from skneural._arrays import FloatArray


class Dropout:
    """The random factors of the hidden layers, and the buffers of thinned outputs.

    Parameters
    ----------
    rates : sequence of float
        Share of the units to leave out, from 0 to below 1, one per hidden layer.
    sizes : sequence of int
        Units of each hidden layer.
    n_rows : int
        Largest number of rows ever given at once.
    generator : numpy.random.Generator
        Draws the factors. Unlike a RandomState it writes into a buffer.
    dtype : dtype, default=float64
    """

    def __init__(
        self,
        rates: Sequence[float],
        sizes: Sequence[int],
        n_rows: int,
        generator: np.random.Generator,
        dtype: npt.DTypeLike = np.float64,
    ) -> None:
        self.rates = rates
        self.generator = generator
        # A layer without dropout needs no buffers.
        shapes = [(n_rows if rate else 0, n) for rate, n in zip(rates, sizes, strict=True)]
        self._factors: list[FloatArray] = [np.empty(shape, dtype=dtype) for shape in shapes]
        self._thinned: list[FloatArray] = [np.empty(shape, dtype=dtype) for shape in shapes]

    def forward(self, i: int, a: FloatArray) -> FloatArray:
        """What the layer above reads of the outputs `a` of the i-th hidden layer.

        `a` itself stays: the derivative of its activation is that of all units.
        """
        if not self.rates[i]:
            return a
        kept_share = 1 - self.rates[i]
        factors = self._factors[i][: len(a)]
        self.generator.random(out=factors, dtype=factors.dtype)
        factors += kept_share
        np.floor(factors, out=factors)
        factors *= 1 / kept_share
        return np.multiply(a, factors, out=self._thinned[i][: len(a)])

    def backward(self, i: int, delta: FloatArray) -> None:
        """Turn the derivative in the thinned outputs into that in all outputs, in place."""
        if self.rates[i]:
            delta *= self._factors[i][: len(delta)]
