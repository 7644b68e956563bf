r"""A periodic embedding of numbers: each column becomes a few learned functions of it.

.. math::

    \begin{gathered}
    x_i \mapsto \left( V_i^\top \cos(2 \pi w_i x_i + c_i) + b_i, \; x_i \right)
    \in \mathbb{R}^{p + 1}, \\
    w_i, c_i \in \mathbb{R}^F, \quad V_i \in \mathbb{R}^{F \times p}, \quad b_i \in \mathbb{R}^p
    \end{gathered}

for each column i by itself: F waves of learned frequencies and phases, p sums of them, and the
value as it is. A dense layer with ReLU learns functions that are smooth along a column; waves let
it also learn those that change quickly, which tables have and trees find easily. The standard
deviation of the initial frequencies, `sigma`, says how quickly.

With :math:`\delta` the derivative of the loss in the sums and
:math:`\phi = 2 \pi w_i x_i + c_i` for the rows of a batch,

.. math::

    \frac{\partial}{\partial V_i} &= \sum_{\text{rows}} \cos(\phi) \, \delta^\top, \\
    \frac{\partial}{\partial \phi} &= - \sin(\phi) \odot V_i \delta, \\
    \frac{\partial}{\partial w_i} &= \sum_{\text{rows}} 2 \pi x_i \frac{\partial}{\partial \phi},
    \quad
    \frac{\partial}{\partial c_i} = \sum_{\text{rows}} \frac{\partial}{\partial \phi}.

Sources: Y. Gorishniy, I. Rubachev and A. Babenko, "On embeddings for numerical features in tabular
deep learning", NeurIPS 2022 (sines and cosines); D. Holzmüller, L. Grinsztajn and I. Steinwart,
"Better by default: Strong pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024,
section 3: this form, "periodic, bias, linear, dense connection" (PBLD).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import pi, sqrt

import numpy as np

from skneural.arrays.matrices import FloatArray, Matrix, blocks
from skneural.kernels import compiled_as
from skneural.kernels import table_layers as kernels
from skneural.layers.contract import Arrays, Buffers, Layer, Parameter, PassMemory

#: Coefficients of the polynomial in r^2 that interpolates cos(2 pi r) for r in [-1/2, 1/2] at
#: Chebyshev nodes. It differs by less than 1e-15.
COSINE = (
    1.0,
    -19.739208802178684,
    64.93939402266314,
    -85.45681720637177,
    60.24464136156249,
    -26.426256590531025,
    7.903534122041613,
    -1.7143738447256551,
    0.2819245703565778,
    -0.03613799133425832,
    0.003359676254891574,
)


@dataclass(eq=False)
class PeriodicEmbedding(Layer):
    r"""Cosines of learned frequencies, sums of them, and the value itself, for every column.

    Parameters
    ----------
    n_inputs : int
        Number of columns.
    sigma : float
        Standard deviation of the initial frequencies, for columns of a spread of about 1. The
        authors take 0.1; larger ones make for functions that change more quickly.
    n_frequencies : int, default=16
        F.
    n_sums : int, default=3
        p.
    rate : float, default=0.1
        Factor of the learning rate.
    decay : float or None, default=None
        Factor of weight decay; None for the square of `rate`, see `Scale`.

    Attributes
    ----------
    n_outputs : int
        ``n_inputs * (n_sums + 1)``: for each column its sums, and its value last.

    Raises
    ------
    ValueError
        When a network is made of it, if there is no column.

    Notes
    -----
    The arrays: 'waves' of shape (n_inputs, F, 2), with the frequency :math:`w` and the phase
    :math:`c` of each wave; 'weights' :math:`V`; 'intercepts' :math:`b`. To begin with, frequencies
    are normal, phases uniform in :math:`\pm \pi`, the others in :math:`\pm 1 / \sqrt F`. Weight
    decay acts on all of them.

    Rows come last in the buffers, so that NumPy goes through many numbers at a time. The angles are
    one product of matrices, (w, c) by (2 pi x, 1).

    Only contiguous arrays are added and multiplied: for others NumPy would need its own buffer.
    """

    n_inputs: int
    sigma: float
    n_frequencies: int = 16
    n_sums: int = 3
    rate: float = 0.1
    decay: float | None = None
    n_outputs: int = field(init=False)

    def __post_init__(self) -> None:
        self.n_outputs = self.n_inputs * (self.n_sums + 1)

    def check_inputs(self, n_inputs: int) -> None:
        if n_inputs == 0:
            raise ValueError(
                "PeriodicEmbedding needs at least one column: leave the layer out where there are "
                "no numbers."
            )

    def parameters(self) -> tuple[Parameter, ...]:
        shapes = {
            "waves": (self.n_inputs, self.n_frequencies, 2),
            "weights": (self.n_inputs, self.n_frequencies, self.n_sums),
            "intercepts": (self.n_inputs, self.n_sums),
        }
        decay = self.rate**2 if self.decay is None else self.decay
        return tuple(Parameter(name, shapes[name], True, self.rate, decay) for name in shapes)

    def initialize(
        self, arrays: Arrays, rng: np.random.RandomState, inputs: Callable[[], Matrix]
    ) -> None:
        waves, weights, intercepts = arrays
        waves[..., 0] = rng.normal(0, self.sigma, waves.shape[:-1])
        waves[..., 1] = rng.uniform(-pi, pi, waves.shape[:-1])
        bound = 1 / sqrt(self.n_frequencies)
        weights[...] = rng.uniform(-bound, bound, weights.shape)
        intercepts[...] = rng.uniform(-bound, bound, intercepts.shape)

    def buffers(self, memory: PassMemory) -> Buffers:
        arrays = [memory.kept(width) for width in self._widths()]
        arrays += [memory.scratch(self.n_outputs), memory.kept(self.n_outputs)]
        of_input = memory.kept(self.n_inputs), memory.delta(self.n_inputs)
        scratch = None
        if memory.dtype == np.float64:
            scratch = memory.kept(self.n_inputs * self.n_frequencies)
        return *self._columns_first(arrays), scratch, *of_input, memory.ones

    def forward(
        self,
        arrays: Arrays,
        x: Matrix,
        buffers: Buffers | None = None,
        random: Sequence[np.random.Generator] | None = None,
    ) -> FloatArray:
        waves, weights, intercepts = arrays
        if buffers is None:
            buffers = self._allocated(x, waves)
        values, angles, cosines, joined, added, output, scratch = buffers[:7]
        columns = x.swapaxes(-1, -2)
        np.copyto(values[..., 0, :], columns)
        values[..., 1, :] = 1 / (2 * pi)
        values *= 2 * pi
        np.matmul(waves, values, out=angles)
        if scratch is None:
            np.cos(angles, out=cosines)
        else:
            polynomial_cosine(angles.reshape(-1), cosines.reshape(-1), scratch.reshape(-1), COSINE)
        np.matmul(weights.swapaxes(-1, -2), cosines, out=joined[..., :-1, :])
        joined[..., -1, :] = 0
        np.copyto(added[..., :-1, :], intercepts[..., np.newaxis])
        np.copyto(added[..., -1, :], columns)
        joined += added
        np.copyto(output, self._rows_first(joined))
        outputs: FloatArray = output
        return outputs

    def backward(
        self,
        arrays: Arrays,
        gradients: Arrays,
        x: Matrix,
        buffers: Buffers,
        delta: FloatArray,
        needs_input: bool,
    ) -> FloatArray | None:
        waves, weights, _ = arrays
        values, angles, cosines, joined, _, _, _, through, below, ones = buffers
        np.copyto(self._rows_first(joined), delta)
        sums, of_values = joined[..., :-1, :], joined[..., -1, :]
        np.matmul(cosines, sums.swapaxes(-1, -2), out=gradients[1])
        np.matmul(sums, ones, out=gradients[2])
        # The derivative in the angles takes the place of the cosines.
        np.negative(joined, out=joined)
        np.matmul(weights, sums, out=cosines)
        np.sin(angles, out=angles)
        cosines *= angles
        np.matmul(cosines, values.swapaxes(-1, -2), out=gradients[0])
        if not needs_input:
            return None
        np.matmul(waves.swapaxes(-1, -2), cosines, out=values)
        if below is None:
            below = np.empty_like(through)
        np.copyto(through, values[..., 0, :].swapaxes(-1, -2))
        through *= 2 * pi
        np.copyto(below, of_values.swapaxes(-1, -2))
        np.subtract(through, below, out=below)
        passed_on: FloatArray = below
        return passed_on

    def _widths(self) -> tuple[int, ...]:
        """Of the buffers: values and a constant, angles, cosines, sums and values."""
        n_waves = self.n_inputs * self.n_frequencies
        return 2 * self.n_inputs, n_waves, n_waves, self.n_outputs

    def _columns_first(self, arrays: Sequence[FloatArray]) -> list[FloatArray]:
        """Buffers of shape (..., n_rows, width), all but the last as (..., n_inputs, n, n_rows)."""
        *inner, output = arrays
        *members, n_rows, _ = output.shape
        shaped = [array.reshape(*members, self.n_inputs, -1, n_rows) for array in inner]
        return [*shaped, output]

    def _rows_first(self, joined: FloatArray) -> FloatArray:
        """A view, of shape (..., n_rows, n_outputs), of sums and values by column."""
        *members, _, _, n_rows = joined.shape
        return joined.reshape(*members, self.n_outputs, n_rows).swapaxes(-1, -2)

    def _allocated(self, x: Matrix, waves: FloatArray) -> Buffers:
        members = np.broadcast_shapes(x.shape[:-2], waves.shape[:-3])
        dtype = np.result_type(x, waves)
        widths = (*self._widths(), self.n_outputs, self.n_outputs)
        arrays = [np.empty((*members, x.shape[-2], n), dtype) for n in widths]
        return *self._columns_first(arrays), None


@compiled_as(kernels.polynomial_cosine)
def polynomial_cosine(
    angles: FloatArray, out: FloatArray, scratch: FloatArray, coefficients: tuple[float, ...]
) -> None:
    """Write the cosine, in float64 faster than NumPy, which has fast ones for float32 alone.

    Parameters
    ----------
    angles, out, scratch : ndarray of shape (n,)
    coefficients : tuple of float
        As `COSINE`.
    """
    for angle, cosine, turns in blocks(angles, out, scratch):
        np.multiply(angle, 0.5 / pi, out=turns)
        np.rint(turns, out=cosine)
        turns -= cosine
        square = np.multiply(turns, turns, out=turns)
        np.multiply(square, coefficients[-1], out=cosine)
        for coefficient in coefficients[-2:0:-1]:
            cosine += coefficient
            cosine *= square
        cosine += coefficients[0]
