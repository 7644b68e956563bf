r"""A fully connected layer.

.. math:: z = x W + b

With :math:`\delta` the derivative of the loss in z, row by row, the chain rule gives

.. math::

    \frac{\partial}{\partial W} = x^\top \delta, \qquad
    \frac{\partial}{\partial b} = \sum_{\text{rows}} \delta, \qquad
    \frac{\partial}{\partial x} = \delta W^\top.

Source: C. M. Bishop, *Pattern Recognition and Machine Learning*, 2006, section 5.3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skneural.arrays.matrices import FloatArray, Matrix, product
from skneural.initialization import INITIALIZATIONS
from skneural.kernels import compiled_as
from skneural.kernels import layers as kernels
from skneural.layers.contract import Arrays, Buffers, Layer, Parameter, PassMemory
from skneural.layers.products import multiply, multiply_rows_by_rows

#: ``draw(weights, intercepts, rng)`` fills the arrays of one layer.
Draw = Callable[[FloatArray, FloatArray | None, np.random.RandomState], None]


@dataclass(eq=False)
class Dense(Layer):
    """``x @ weights + intercepts``.

    Parameters
    ----------
    n_inputs, n_outputs : int
        Columns of the input and of the output.
    fit_intercept : bool, default=True
        Whether there are intercepts.
    draw : callable or None, default=None
        ``draw(weights, intercepts, rng)`` fills the arrays that a training begins with, the weights
        first; None for zeros.

    Raises
    ------
    TypeError
        When it is initialized, if `draw` is the name of an initialization or its function.
    """

    takes_sparse = True

    n_inputs: int
    n_outputs: int
    fit_intercept: bool = True
    draw: Draw | None = None

    def parameters(self) -> tuple[Parameter, ...]:
        weights = Parameter("weights", (self.n_inputs, self.n_outputs), penalised=True)
        if not self.fit_intercept:
            return (weights,)
        return weights, Parameter("intercepts", (self.n_outputs,))

    def initialize(
        self, arrays: Arrays, rng: np.random.RandomState, inputs: Callable[[], Matrix]
    ) -> None:
        for array in arrays:
            array[...] = 0
        draw: Any = self.draw
        if draw is None:
            return
        if not callable(draw) or draw in INITIALIZATIONS.values():
            raise TypeError(
                "draw of Dense must be a function draw(weights, intercepts, rng) that fills both "
                f"arrays, got {draw!r}. For an initialization, by its name or as a function of "
                "(fan_in, fan_out, random_state), WeightDraw of skneural.initialization makes one."
            )
        draw(arrays[0], arrays[1] if self.fit_intercept else None, rng)

    def buffers(self, memory: PassMemory) -> Buffers:
        output, scratch = memory.kept(self.n_outputs), memory.scratch(self.n_outputs)
        return output, scratch, memory.delta(self.n_inputs), memory.ones

    def forward(
        self,
        arrays: Arrays,
        x: Matrix,
        buffers: Buffers | None = None,
        random: Sequence[np.random.Generator] | None = None,
    ) -> FloatArray:
        if buffers is None:
            z: FloatArray = x @ arrays[0]
            if self.fit_intercept:
                z += arrays[1][..., np.newaxis, :]
            return z
        z, scratch, _, _ = buffers
        if x.ndim == 2:
            product(x, arrays[0], out=z)
        else:
            multiply(x, arrays[0], out=z)
        if self.fit_intercept:
            add_rows(z, arrays[1], scratch)
        return z

    def backward(
        self,
        arrays: Arrays,
        gradients: Arrays,
        x: Matrix,
        buffers: Buffers,
        delta: FloatArray,
        needs_input: bool,
    ) -> FloatArray | None:
        z, _, delta_below, ones = buffers
        if x.ndim == 2:
            product(x.T, delta, out=gradients[0])
        else:
            multiply(x.swapaxes(-1, -2), delta, out=gradients[0])
        if self.fit_intercept:
            # A product with ones is the sum over the rows, by BLAS.
            product(ones, delta, out=gradients[1])
        if not needs_input:
            return None
        if delta_below is None:
            delta_below = np.empty((*delta.shape[:-1], self.n_inputs), dtype=delta.dtype)
        if delta.ndim == 2:
            product(delta, arrays[0].T, out=delta_below)
        else:
            # What has been put out is no longer read by now.
            multiply_rows_by_rows(delta, arrays[0], out=delta_below, memory=z)
        passed_on: FloatArray = delta_below
        return passed_on


@compiled_as(kernels.add_rows)
def add_rows(z: FloatArray, rows: FloatArray, scratch: FloatArray) -> None:
    """Add a row to all rows of `z`, or those of several members to the rows of each."""
    # Repeated in a buffer of ours: NumPy's broadcasting would need its own.
    scratch[...] = rows[..., np.newaxis, :]
    z += scratch
