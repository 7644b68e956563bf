"""What optimizers share that divide the gradient by the root of its squares."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from skneural.arrays.matrices import FloatArray, block_length, blocks
from skneural.kernels import compiled_as
from skneural.kernels import optimizers as kernels


def scratch_block(n_params: int, dtype: npt.DTypeLike) -> FloatArray:
    """One block, for steps that need the gradient itself after its square."""
    return np.zeros(min(n_params, block_length(dtype)), dtype=dtype)


def add_square(g: FloatArray, v: FloatArray, decay: float, scratch: FloatArray) -> None:
    """A running mean of squares moves on, without its factor 1 - decay."""
    v *= decay
    np.multiply(g, g, out=scratch)
    v += scratch


@compiled_as(kernels.divide_by_root)
def divide_by_root(rate: float, square: FloatArray, epsilon: float, out: FloatArray) -> None:
    """Write rate / (sqrt(square) + epsilon) into `out`."""
    for length, v in blocks(out, square):
        np.sqrt(v, out=length)
        length += epsilon
        np.divide(rate, length, out=length)
