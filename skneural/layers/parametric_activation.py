r"""An activation function that each unit takes more or less of.

.. math::

    y &= (1 - \alpha) \odot x + \alpha \odot f(x) \\
      &= x - \alpha \odot p(x), \qquad p(x) = x - f(x),

with a learned :math:`\alpha` for each unit, which begins at 1: the activation function as it is.
At 0 the unit is linear. The chain rule gives

.. math::

    \frac{\partial}{\partial \alpha} = - \sum_{\text{rows}} \delta \odot p(x), \qquad
    \frac{\partial}{\partial x} = \delta \odot (1 - \alpha \odot p'(x)).

Source: D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: Strong pre-tuned MLPs and
boosted trees on tabular data", NeurIPS 2024, appendix A; with f = ReLU it is the PReLU of K. He,
X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers", ICCV 2015, with a slope of 1 - alpha.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from skneural.activations import Activation
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
class ParametricActivation(Layer):
    """``(1 - alphas) * x + alphas * f(x)``, with alphas that begin at 1.

    Parameters
    ----------
    activation : Activation
        f.
    n_outputs : int
        Number of units.
    rate : float, default=0.1
        Factor of the learning rate.
    decay : float or None, default=None
        Factor of weight decay; None for the square of `rate`, see `Scale`.
    """

    activation: Activation
    n_outputs: int
    rate: float = 0.1
    decay: float | None = None

    @property
    def n_inputs(self) -> int:
        """As many columns as it returns."""
        return self.n_outputs

    def parameters(self) -> tuple[Parameter, ...]:
        decay = self.rate**2 if self.decay is None else self.decay
        return (Parameter("alphas", (self.n_outputs,), True, self.rate, decay),)

    def initialize(
        self, arrays: Arrays, rng: np.random.RandomState, inputs: Callable[[], Matrix]
    ) -> None:
        arrays[0][...] = 1

    def buffers(self, memory: PassMemory) -> Buffers:
        remainder, output = memory.kept(self.n_outputs), memory.kept(self.n_outputs)
        saved = [memory.kept(self.n_outputs) for _ in range(self.activation.n_saved)]
        if self.activation.remainder is None:
            values, mask = memory.kept(self.n_outputs), memory.kept(self.n_outputs, dtype=bool)
            saved = [values, mask, *saved]
        scratch = memory.scratch(self.n_outputs)
        return remainder, output, scratch, memory.ones, tuple(map(self._flat, saved))

    def forward(
        self,
        arrays: Arrays,
        x: Matrix,
        buffers: Buffers | None = None,
        random: Sequence[np.random.Generator] | None = None,
    ) -> FloatArray:
        if buffers is None:
            values: FloatArray = np.array(x)
            saved = (np.empty_like(values) for _ in range(self.activation.n_saved))
            self.activation.forward(values, np.empty(values.shape, dtype=bool), *saved)
            output: FloatArray = x + arrays[0][..., np.newaxis, :] * (values - x)
            return output
        remainder, output, scratch, _, saved = buffers
        rows = x
        if x.ndim < output.ndim:  # all members share them
            np.copyto(output, x)
            rows = output
        self._remainder(self._flat(rows), self._flat(remainder), *saved)
        alphas = np.atleast_2d(arrays[0])
        below, left, out, scratch = (
            with_members(each, len(alphas)) for each in (x, remainder, output, scratch)
        )
        subtract_share(below, left, out, scratch, alphas)
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
        # What has been put out is no longer read by now: its buffer serves for the gradient.
        remainder, own, _, ones, saved = buffers
        np.multiply(remainder, delta, out=own)
        product(ones, own, out=gradients[0])
        np.negative(gradients[0], out=gradients[0])
        if not needs_input:
            return None
        self._remainder_backward(self._flat(remainder), *saved)
        alphas = np.atleast_2d(arrays[0])
        above, slope, scratch = (
            with_members(each, len(alphas)) for each in (delta, remainder, own)
        )
        share_backward(above, slope, scratch, alphas)
        return delta

    def _remainder(self, x: FloatArray, out: FloatArray, *saved: FloatArray) -> None:
        """Write x - f(x) into `out`."""
        if self.activation.remainder is not None:
            self.activation.remainder(x, out, *saved)
            return
        values, *others = saved
        np.copyto(values, x)
        self.activation.forward(values, *others)
        np.subtract(x, values, out=out)

    def _remainder_backward(self, out: FloatArray, *saved: FloatArray) -> None:
        """Replace x - f(x) by its derivative."""
        if self.activation.remainder_backward is not None:
            self.activation.remainder_backward(out, *saved)
            return
        out[...] = 1
        self.activation.backward(out, *saved)
        np.subtract(1, out, out=out)

    def _flat(self, array: FloatArray) -> FloatArray:
        # Activation functions are for two axes: the rows of all members follow one another.
        return array.reshape(-1, self.n_outputs)


@compiled_as(kernels.subtract_share)
def subtract_share(
    x: FloatArray, remainder: FloatArray, out: FloatArray, scratch: FloatArray, alphas: FloatArray
) -> None:
    """Write x less the share of the remainder that each unit of each member takes."""
    # Repeated in a buffer of ours: NumPy's broadcasting would need its own.
    scratch[...] = alphas[:, np.newaxis]
    scratch *= remainder
    np.subtract(x, scratch, out=out)


@compiled_as(kernels.share_backward)
def share_backward(
    delta: FloatArray, slope: FloatArray, scratch: FloatArray, alphas: FloatArray
) -> None:
    """Multiply `delta` by the derivative of that, with the slope of the remainder."""
    scratch[...] = alphas[:, np.newaxis]
    slope *= scratch
    np.subtract(1, slope, out=slope)
    delta *= slope
