"""An activation function as a layer: it learns nothing and works in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skneural.activations import Activation
from skneural.arrays.matrices import FloatArray, Matrix
from skneural.layers.contract import Arrays, Buffers, Layer, PassMemory


@dataclass(eq=False)
class Activate(Layer):
    """``f(z)``, element by element.

    Parameters
    ----------
    activation : Activation
        The function f.
    n_outputs : int
        Number of units.

    Raises
    ------
    TypeError
        When a network is made of it, if the function is no `Activation`, such as a name.
    """

    works_in_place = True

    activation: Activation
    n_outputs: int

    @property
    def n_inputs(self) -> int:
        """As many columns as go out."""
        return self.n_outputs

    def check_inputs(self, n_inputs: int) -> None:
        if not isinstance(self.activation, Activation):
            raise TypeError(
                f"Activate needs an Activation, got {self.activation!r}: those with a name are in "
                "skneural.activations.ACTIVATIONS."
            )

    def buffers(self, memory: PassMemory) -> Buffers:
        # Activation functions are for two axes: here the rows of all members follow one another.
        flat = (-1, self.n_outputs)
        buffers: Buffers = (memory.kept(self.n_outputs, dtype=bool).reshape(flat),)
        for _ in range(self.activation.n_saved):
            buffers += (memory.kept(self.n_outputs).reshape(flat),)
        return buffers

    def forward(
        self,
        arrays: Arrays,
        x: Matrix,
        buffers: Buffers | None = None,
        random: Sequence[np.random.Generator] | None = None,
    ) -> FloatArray:
        z = x if x.ndim == 2 else x.reshape(-1, self.n_outputs)
        if buffers is None:
            saved = (np.empty_like(z) for _ in range(self.activation.n_saved))
            buffers = (np.empty(z.shape, dtype=bool), *saved)
        self.activation.forward(z, *buffers)
        if z is not x and not np.may_share_memory(z, x):
            # The rows of members do not follow one another, and z is a copy.
            x[...] = z.reshape(x.shape)
        output: FloatArray = x
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
        # The forward pass has replaced z by a = f(z).
        if delta.ndim == 2:
            self.activation.backward(delta, x, *buffers)
            return delta
        flat = (-1, self.n_outputs)
        below = delta.reshape(flat)
        self.activation.backward(below, x.reshape(flat), *buffers)
        return below.reshape(delta.shape)
