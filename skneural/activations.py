r"""Activation functions of the hidden layers: f and its derivative, both in place.

The derivative is written with the *output* :math:`a = f(z)`, which is all that the
backward pass still has: nothing but the outputs of the layers is kept on the way up.

Formulas: C. M. Bishop, *Pattern Recognition and Machine Learning*, 2006, section 5.1
(logistic, tanh); V. Nair and G. E. Hinton, "Rectified linear units improve restricted
Boltzmann machines", ICML 2010 (ReLU); A. L. Maas, A. Y. Hannun and A. Y. Ng, "Rectifier
nonlinearities improve neural network acoustic models", ICML 2013 (leaky ReLU);
D.-A. Clevert, T. Unterthiner and S. Hochreiter, "Fast and accurate deep network learning
by exponential linear units", ICLR 2016 (ELU).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from skneural._arrays import BoolArray, FloatArray

LEAKY_RELU_SLOPE = 0.01

#: Elements from which on an array is worth walking through in pieces.
WORTH_PIECES = 1000

#: To compare pieces of an array with, by the character of the dtype; they fit a cache.
ZEROS = {dtype: np.zeros(2**14, dtype=dtype) for dtype in "df"}
for _zeros in ZEROS.values():
    _zeros.setflags(write=False)


@dataclass(frozen=True)
class Activation:
    r"""One activation function: a value, not a class to inherit from.

    Parameters
    ----------
    name : str
        The name under which estimators find it in `ACTIVATIONS`.
    forward : callable
        ``forward(z, mask)`` replaces `z`, of shape (n_rows, n_units), by :math:`f(z)`.
    backward : callable
        ``backward(delta, a, mask)`` multiplies `delta` by :math:`f'(z)`, where
        ``a`` is :math:`f(z)`, both of shape (n_rows, n_units). It may overwrite `a`,
        which nobody reads afterwards.
    glorot_factor : float, default=6.0
        The initial weights are uniform in :math:`\pm\sqrt{\text{factor} /
        (\text{fan in} + \text{fan out})}`. 6 is right where :math:`f'(0) = 1`.

    Notes
    -----
    `mask` is a boolean array of the shape of `z`, to be used as scratch: an activation
    that makes do with it allocates nothing.
    """

    name: str
    forward: Callable[[FloatArray, BoolArray], None]
    backward: Callable[[FloatArray, FloatArray, BoolArray], None]
    glorot_factor: float = 6.0


def _identity(z: FloatArray, mask: BoolArray) -> None:
    pass


def _identity_backward(delta: FloatArray, a: FloatArray, mask: BoolArray) -> None:
    pass


def _logistic(z: FloatArray, mask: BoolArray) -> None:
    # sigmoid(z) = (1 + tanh(z / 2)) / 2, and NumPy's tanh is vectorised: several times
    # faster than exp and a division, equal to within one rounding of 1.
    z *= 0.5
    np.tanh(z, out=z)
    z *= 0.5
    z += 0.5


def _logistic_backward(delta: FloatArray, a: FloatArray, mask: BoolArray) -> None:
    delta *= a
    np.subtract(1, a, out=a)
    delta *= a


def _tanh(z: FloatArray, mask: BoolArray) -> None:
    np.tanh(z, out=z)


def _tanh_backward(delta: FloatArray, a: FloatArray, mask: BoolArray) -> None:
    a *= a
    np.subtract(1, a, out=a)
    delta *= a


def _relu(z: FloatArray, mask: BoolArray) -> None:
    zeros = ZEROS.get(z.dtype.char)
    if z.size < WORTH_PIECES or zeros is None or not z.flags.c_contiguous:
        np.maximum(z, 0, out=z)
        return
    # The maximum of two arrays is several times as fast as that of an array and a number.
    flat = z.reshape(-1)
    for start in range(0, len(flat), len(zeros)):
        piece = flat[start : start + len(zeros)]
        np.maximum(piece, zeros[: len(piece)], out=piece)


def _relu_backward(delta: FloatArray, a: FloatArray, mask: BoolArray) -> None:
    np.greater(a, 0, out=mask)
    # Multiplying by the mask itself would convert it piece by piece in a hidden buffer.
    np.copyto(a, mask)
    delta *= a


def _leaky_relu(z: FloatArray, mask: BoolArray) -> None:
    np.less(z, 0, out=mask)
    np.multiply(z, LEAKY_RELU_SLOPE, out=z, where=mask)


def _leaky_relu_backward(delta: FloatArray, a: FloatArray, mask: BoolArray) -> None:
    # f keeps the sign of z. At zero the slope counts, as on the left.
    np.less_equal(a, 0, out=mask)
    np.multiply(delta, LEAKY_RELU_SLOPE, out=delta, where=mask)


def _elu(z: FloatArray, mask: BoolArray) -> None:
    np.less(z, 0, out=mask)
    np.expm1(z, out=z, where=mask)


def _elu_backward(delta: FloatArray, a: FloatArray, mask: BoolArray) -> None:
    # d/dz (exp(z) - 1) = exp(z) = a + 1 below zero, and 1 above.
    np.minimum(a, 0, out=a)
    a += 1
    delta *= a


ACTIVATIONS = {
    activation.name: activation
    for activation in (
        Activation("identity", _identity, _identity_backward),
        # f'(0) = 1/4, hence other initial weights: scikit-learn uses a factor of 2.
        Activation("logistic", _logistic, _logistic_backward, glorot_factor=2.0),
        Activation("tanh", _tanh, _tanh_backward),
        Activation("relu", _relu, _relu_backward),
        Activation("leaky_relu", _leaky_relu, _leaky_relu_backward),
        Activation("elu", _elu, _elu_backward),
    )
}
