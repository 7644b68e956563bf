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
from skneural.kernels import compiled_as
from skneural.kernels import table_layers as kernels
from skneural.layers.contract import (
    Arrays,
    Buffers,
    Layer,
    Parameter,
    PassMemory,
    with_members,
)


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

    @property
    def n_inputs(self) -> int:
        """As many columns as it returns."""
        return self.n_outputs

    def parameters(self) -> tuple[Parameter, ...]:
        decay = self.rate**2 if self.decay is None else self.decay
        return (Parameter("factors", (self.n_outputs,), True, self.rate, decay),)

    def initialize(
        self, arrays: Arrays, rng: np.random.RandomState, inputs: Callable[[], Matrix]
    ) -> None:
        arrays[0][...] = 1

    def buffers(self, memory: PassMemory) -> Buffers:
        output, repeated = memory.kept(self.n_outputs), memory.scratch(self.n_outputs)
        return output, repeated, memory.kept(self.n_outputs), memory.ones

    def forward(
        self,
        arrays: Arrays,
        x: Matrix,
        buffers: Buffers | None = None,
        random: Sequence[np.random.Generator] | None = None,
    ) -> FloatArray:
        if buffers is None:
            output: FloatArray = x * arrays[0][..., np.newaxis, :]
            return output
        factors = np.atleast_2d(arrays[0])
        output, repeated, _, _ = buffers
        own, out, scratch = (with_members(each, len(factors)) for each in (x, output, repeated))
        multiply_by_rows(own, factors, out, scratch)
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
        # What has been put out is no longer read by now: its buffer serves for the factors.
        repeated, _, products, ones = buffers
        factors = np.atleast_2d(arrays[0])
        above, below, own, scratch = (
            with_members(each, len(factors)) for each in (delta, x, products, repeated)
        )
        scale_backward(above, below, own, scratch, factors)
        product(ones, products, out=gradients[0])
        return delta if needs_input else None


@compiled_as(kernels.multiply_by_rows)
def multiply_by_rows(
    x: FloatArray, factors: FloatArray, out: FloatArray, scratch: FloatArray
) -> None:
    """Write the product of all rows of each member with its factors."""
    # Repeated in a buffer of ours: NumPy's broadcasting would need its own.
    scratch[...] = factors[:, np.newaxis]
    np.multiply(x, scratch, out=out)


@compiled_as(kernels.scale_backward)
def scale_backward(
    delta: FloatArray,
    x: FloatArray,
    products: FloatArray,
    scratch: FloatArray,
    factors: FloatArray,
) -> None:
    """Write the products of `delta` and `x`, and multiply `delta` by the factors."""
    np.multiply(delta, x, out=products)
    scratch[...] = factors[:, np.newaxis]
    delta *= scratch
