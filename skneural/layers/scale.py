r"""A scaling layer: a learned factor for each column.

.. math:: y = x \odot s, \qquad
    \frac{\partial}{\partial s} = \sum_{\text{rows}} \delta \odot x, \qquad
    \frac{\partial}{\partial x} = \delta \odot s.

A network that reads the columns of a table has to find out which of them matter. The weights of a
dense layer can say so, but slowly: all weights of a column have to shrink together. One factor for
each column, with a high learning rate and a strong decay, is a soft selection of columns.

Source: D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: Strong pre-tuned MLPs and
boosted trees on tabular data", NeurIPS 2024, appendix A.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from skneural.arrays.matrices import FloatArray, Matrix, product
from skneural.layers.contract import Arrays, Buffers, Layer, Parameter, PassMemory


@dataclass(eq=False)
class Scale(Layer):
    """``x * factors``, with factors that begin at 1.

    Parameters
    ----------
    n_outputs : int
        Number of columns, in and out.
    rate : float, default=6.0
        Factor of the learning rate.
    decay : float or None, default=None
        Factor of weight decay; None for the square of `rate`: 36. So it is in the authors' code,
        where the factor of the rate enters the decay twice, and their other numbers go with it.
    """

    n_outputs: int
    rate: float = 6.0
    decay: float | None = None

    def parameters(self) -> tuple[Parameter, ...]:
        decay = self.rate**2 if self.decay is None else self.decay
        return (Parameter("factors", (self.n_outputs,), True, self.rate, decay),)

    def initialize(
        self, arrays: Arrays, rng: np.random.RandomState, inputs: Callable[[], Matrix]
    ) -> None:
        arrays[0][...] = 1

    def buffers(self, memory: PassMemory) -> Buffers:
        output, repeated = memory.kept(self.n_outputs), memory.scratch(self.n_outputs)
        return output, repeated, memory.kept(self.n_outputs), memory.ones()

    def forward(
        self,
        arrays: Arrays,
        x: Matrix,
        buffers: Buffers | None = None,
        random: Sequence[np.random.Generator] | None = None,
    ) -> FloatArray:
        factors = arrays[0][..., np.newaxis, :]
        if buffers is None:
            output: FloatArray = x * factors
            return output
        output, repeated, _, _ = buffers
        repeated[...] = factors
        np.multiply(x, repeated, out=output)
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
        _, _, own, ones = buffers
        np.multiply(delta, x, out=own)
        product(ones, own, out=gradients[0])
        if not needs_input:
            return None
        own[...] = arrays[0][..., np.newaxis, :]
        delta *= own
        return delta
