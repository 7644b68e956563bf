r"""An activation function that each unit takes more or less of.

.. math:: y = (1 - \alpha) \odot x + \alpha \odot f(x)

with a learned :math:`\alpha` for each unit, which begins at 1: the activation function as it is.
At 0 the unit is linear. The chain rule gives

.. math::

    \frac{\partial}{\partial \alpha} = \sum_{\text{rows}} \delta \odot (f(x) - x), \qquad
    \frac{\partial}{\partial x}
    = \delta - \delta \odot \alpha + \delta \odot \alpha \odot f'(x).

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
from skneural.layers.contract import Arrays, Buffers, Layer, Parameter, PassMemory


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

    def parameters(self) -> tuple[Parameter, ...]:
        decay = self.rate**2 if self.decay is None else self.decay
        return (Parameter("alphas", (self.n_outputs,), True, self.rate, decay),)

    def initialize(
        self, arrays: Arrays, rng: np.random.RandomState, inputs: Callable[[], Matrix]
    ) -> None:
        arrays[0][...] = 1

    def buffers(self, memory: PassMemory) -> Buffers:
        n_saved = 1 + self.activation.n_saved
        values, output = memory.kept(self.n_outputs), memory.kept(self.n_outputs)
        repeated, mask = memory.scratch(self.n_outputs), memory.kept(self.n_outputs, dtype=bool)
        saved = tuple(memory.kept(self.n_outputs) for _ in range(n_saved))
        return values, output, repeated, saved[0], memory.ones(), (mask, *saved[1:])

    def forward(
        self,
        arrays: Arrays,
        x: Matrix,
        buffers: Buffers | None = None,
        random: Sequence[np.random.Generator] | None = None,
    ) -> FloatArray:
        alphas = arrays[0][..., np.newaxis, :]
        if buffers is None:
            values: FloatArray = np.array(x)
            saved = (np.empty_like(values) for _ in range(self.activation.n_saved))
            self.activation.forward(values, np.empty(values.shape, dtype=bool), *saved)
            output: FloatArray = x + alphas * (values - x)
            return output
        values, output, repeated, _, _, saved = buffers
        np.copyto(values, x)
        self.activation.forward(self._flat(values), *map(self._flat, saved))
        repeated[...] = alphas
        np.subtract(values, x, out=output)
        output *= repeated
        output += x
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
        values, own, _, through, ones, saved = buffers
        np.subtract(values, x, out=own)
        own *= delta
        product(ones, own, out=gradients[0])
        if not needs_input:
            return None
        through[...] = arrays[0][..., np.newaxis, :]
        through *= delta
        delta -= through
        self.activation.backward(self._flat(through), self._flat(values), *map(self._flat, saved))
        delta += through
        return delta

    def _flat(self, array: FloatArray) -> FloatArray:
        # Activation functions are for two axes: the rows of all members follow one another.
        return array.reshape(-1, self.n_outputs)
