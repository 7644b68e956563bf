r"""The loss of several targets that have outputs of their own: the sum of one loss for each.

.. math:: \ell(z, y) = \sum_t \ell_t(z^{(t)}, y^{(t)}),

with the raw outputs :math:`z^{(t)}` of target t. No term sees the outputs of another target, so the
gradient is that of each target, side by side. What the targets share is the network below.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skneural.arrays.matrices import FloatArray
from skneural.losses.contract import Loss, LossBuffers
from skneural.losses.links import Link, outputs_of_targets, side_by_side


@dataclass(repr=False, eq=False)
class SumOverTargets(Loss):
    """The sum of a loss over several targets, each with outputs of its own, side by side.

    Parameters
    ----------
    loss : Loss
        Of one target: that which is minimised, ``LogLoss().with_link(SOFTMAX)`` for instance.
    widths : tuple of int
        Outputs of each target, for which y has as many columns.
    """

    loss: Loss
    widths: tuple[int, ...]

    @property
    def link(self) -> Link:
        return side_by_side(self.loss.link, self.widths)

    @property
    def reports_mean_over_outputs(self) -> bool:  # type: ignore[override]
        return self.loss.reports_mean_over_outputs

    @property
    def is_smooth(self) -> bool:  # type: ignore[override]
        return self.loss.is_smooth

    def value_and_gradient(
        self, raw: FloatArray, y: FloatArray, buffers: LossBuffers
    ) -> FloatArray:
        if len(self.widths) == 1:
            return self.loss.value_and_gradient(raw, y, buffers)
        n_rows = len(raw)
        total = buffers.column[:, 0]
        total[...] = 0
        all_outputs = outputs_of_targets(self.widths)
        # Each target is given arrays without gaps, which take the time of a single target and no
        # copies inside. Their memory: the raw outputs go where the gradient will be, the gradient
        # meanwhile where they were, and the rest is in `scratch`, as one target leaves some of it.
        moved, results = buffers.gradient.reshape(-1), raw.reshape(-1)
        spare = buffers.scratch.reshape(-1)
        for outputs in all_outputs:
            np.copyto(_block(moved, outputs, n_rows), raw[:, outputs])
        for outputs in all_outputs:
            size = n_rows * (outputs.stop - outputs.start)
            own = LossBuffers(
                _block(results, outputs, n_rows),
                spare[size : size + n_rows].reshape(n_rows, 1),
                spare[:size].reshape(n_rows, -1),
            )
            own_y = _without_gaps(
                y[:, outputs],
                spare[size + n_rows :],
                moved[: n_rows * outputs.start],
                results[n_rows * outputs.stop :],
            )
            total += self.loss.value_and_gradient(_block(moved, outputs, n_rows), own_y, own)
        for outputs in all_outputs:
            buffers.gradient[:, outputs] = _block(results, outputs, n_rows)
        return total


def _block(memory: FloatArray, outputs: slice, n_rows: int) -> FloatArray:
    """The array of these outputs, where those of all targets lie one after another."""
    return memory[n_rows * outputs.start : n_rows * outputs.stop].reshape(n_rows, -1)


def _without_gaps(array: FloatArray, *memories: FloatArray) -> FloatArray:
    """A copy in the first of these memories that is large enough; the array itself if none is."""
    for memory in memories:
        if len(memory) >= array.size:
            copied = memory[: array.size].reshape(array.shape)
            np.copyto(copied, array)
            return copied
    return array
