r"""Activation functions of the hidden layers: f and its derivative, both in place.

The derivative is written with the *output* :math:`a = f(z)` where it can be: nothing but the
outputs of the layers is then kept on the way up. Functions that rise and fall, such as gelu,
keep what their derivative needs besides.

Formulas: C. M. Bishop, *Pattern Recognition and Machine Learning*, 2006, section 5.1
(logistic, tanh); V. Nair and G. E. Hinton, "Rectified linear units improve restricted
Boltzmann machines", ICML 2010 (ReLU); A. L. Maas, A. Y. Hannun and A. Y. Ng, "Rectifier
nonlinearities improve neural network acoustic models", ICML 2013 (leaky ReLU);
D.-A. Clevert, T. Unterthiner and S. Hochreiter, "Fast and accurate deep network learning
by exponential linear units", ICLR 2016 (ELU); G. Klambauer, T. Unterthiner, A. Mayr and
S. Hochreiter, "Self-normalizing neural networks", NeurIPS 2017 (SELU); C. Dugas, Y. Bengio,
F. Bélisle, C. Nadeau and R. Garcia, "Incorporating second-order functional knowledge for
better option pricing", NeurIPS 2000 (softplus); D. Hendrycks and K. Gimpel, "Gaussian error
linear units (GELUs)", arXiv:1606.08415, 2016; S. Elfwing, E. Uchibe and K. Doya,
"Sigmoid-weighted linear units for neural network function approximation in reinforcement
learning", Neural Networks 107, 2018 (SiLU), which P. Ramachandran, B. Zoph and Q. V. Le,
"Searching for activation functions", arXiv:1710.05941, 2017, call swish; D. Misra, "Mish: A
self regularized non-monotonic activation function", BMVC 2020.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import pi, sqrt
from typing import Any

import numpy as np
from scipy.special import ndtr

from skneural.arrays.matrices import BoolArray, FloatArray
from skneural.kernels import activations as kernels
from skneural.kernels import compiled_as, table_layers
from skneural.plain_values import from_plain, to_plain
from skneural.settings import Settings, equal_values, number

LEAKY_RELU_SLOPE = 0.01

#: For the initial weights of functions with a slope of 1 at zero.
GLOROT_FACTOR = 6.0

#: With these two, layers keep mean 0 and variance 1: the fixed point of Klambauer et al.
SELU_SCALE = 1.0507009873554805
SELU_ALPHA = 1.6732632423543772

#: From here on exp(-z) vanishes beside z, and exp(-2 z) beside 1; exp(2 z) fits float32.
LARGE = 40.0

#: Elements from which on an array is worth walking through in pieces.
WORTH_PIECES = 1000

#: To compare pieces of an array with, by the character of the dtype; they fit a cache.
ZEROS = {dtype: np.zeros(2**14, dtype=dtype) for dtype in "df"}
for _zeros in ZEROS.values():
    _zeros.setflags(write=False)


@dataclass(repr=False, eq=False)
class Activation(Settings):
    r"""One activation function: a value, not a class to inherit from.

    Parameters
    ----------
    name : str
        The name under which estimators find it in `ACTIVATIONS`.
    forward : callable
        ``forward(z, mask, *saved)`` replaces `z`, of shape (n_rows, n_units), by :math:`f(z)`.
    backward : callable
        ``backward(delta, a, mask, *saved)`` multiplies `delta` by :math:`f'(z)`, where
        ``a`` is :math:`f(z)`, both of shape (n_rows, n_units). It may overwrite `a`,
        which nobody reads afterwards.
    n_saved : int, default=0
        How many arrays `saved` are: floating point, of the shape of `z`. What `forward` leaves
        in them is there when `backward` is called, for functions whose derivative does not
        follow from `a`.
    remainder, remainder_backward : callable or None, default=None
        What `ParametricActivation` needs, where it can be had in fewer passes than by `forward` and
        `backward`. ``remainder(z, out, *saved)`` writes :math:`z - f(z)` into `out`, and
        ``remainder_backward(out, *saved)`` replaces it by its derivative :math:`1 - f'(z)`.
    glorot_factor : float, default=6.0
        The initial weights are uniform in :math:`\pm\sqrt{\text{factor} /
        (\text{fan in} + \text{fan out})}`. 6 is right where :math:`f'(0) = 1`.

    Notes
    -----
    `mask` is a boolean array of the shape of `z`, to be used as scratch: an activation
    that makes do with it allocates nothing.

    To be pickled with a model, both functions have to be importable: no lambdas.
    """

    name: str
    forward: Callable[..., None]
    backward: Callable[..., None]
    n_saved: int = 0
    remainder: Callable[..., None] | None = None
    remainder_backward: Callable[..., None] | None = None
    glorot_factor: float = number(GLOROT_FACTOR, 0, closed="neither")

    def __repr__(self) -> str:
        return f"Activation({self.name!r})"

    def __getstate__(self) -> dict[str, Any]:
        # The functions of this package are its own: in a file they go by the name of an activation
        # of the table, with what is different from that.
        alike = [each for each in ACTIVATIONS.values() if _has_functions_of(self, each)]
        if not alike:
            return dict(vars(self))
        # Of several, that of the same name.
        like = next((each for each in alike if each.name == self.name), alike[0])
        state: dict[str, Any] = {"name": self.name}
        if like.name != self.name:
            state["like"] = like.name
        theirs = vars(like)
        changed = {
            name: value
            for name, value in vars(self).items()
            if name not in theirs or not equal_values(value, theirs[name])
        }
        state.update({name: to_plain(value) for name, value in changed.items()})
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        known: dict[str, Any] = {}
        if "forward" not in state:
            known = vars(activation_named(state.get("like", state["name"])))
        attributes = {name: value for name, value in state.items() if name != "like"}
        vars(self).update(known, **from_plain(attributes))


def _has_functions_of(one: Activation, other: Activation) -> bool:
    return one.forward is other.forward and one.backward is other.backward


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


@compiled_as(kernels.logistic_backward)
def _logistic_backward(delta: FloatArray, a: FloatArray, mask: BoolArray) -> None:
    delta *= a
    np.subtract(1, a, out=a)
    delta *= a


def _tanh(z: FloatArray, mask: BoolArray) -> None:
    np.tanh(z, out=z)


@compiled_as(kernels.tanh_backward)
def _tanh_backward(delta: FloatArray, a: FloatArray, mask: BoolArray) -> None:
    a *= a
    np.subtract(1, a, out=a)
    delta *= a


@compiled_as(kernels.relu)
def _relu(z: FloatArray, mask: BoolArray) -> None:
    zeros = ZEROS.get(z.dtype.char)
    if z.size < WORTH_PIECES or zeros is None or not z.flags.c_contiguous:
        np.maximum(z, 0, out=z)
        return
    # The maximum of two arrays takes half as long as that of an array and a number, or less.
    flat = z.reshape(-1)
    for start in range(0, len(flat), len(zeros)):
        piece = flat[start : start + len(zeros)]
        np.maximum(piece, zeros[: len(piece)], out=piece)


@compiled_as(kernels.relu_backward)
def _relu_backward(delta: FloatArray, a: FloatArray, mask: BoolArray) -> None:
    np.greater(a, 0, out=mask)
    # Multiplying by the mask itself would convert it piece by piece in a hidden buffer.
    np.copyto(a, mask)
    delta *= a


def _leaky_relu(z: FloatArray, mask: BoolArray, lowered: FloatArray) -> None:
    _leaky(z, lowered, LEAKY_RELU_SLOPE)


@compiled_as(kernels.leaky_relu)
def _leaky(z: FloatArray, lowered: FloatArray, slope: float) -> None:
    # A slope below 1 lowers what is above zero and raises what is below.
    np.multiply(z, slope, out=lowered)
    np.maximum(z, lowered, out=z)


def _leaky_relu_backward(
    delta: FloatArray, a: FloatArray, mask: BoolArray, lowered: FloatArray
) -> None:
    _leaky_backward(delta, a, mask, LEAKY_RELU_SLOPE)


@compiled_as(kernels.leaky_relu_backward)
def _leaky_backward(delta: FloatArray, a: FloatArray, mask: BoolArray, slope: float) -> None:
    # f keeps the sign of z. At zero the slope counts, as on the left.
    np.greater(a, 0, out=mask)
    np.copyto(a, mask)
    np.maximum(a, slope, out=a)
    delta *= a


def _elu(z: FloatArray, mask: BoolArray, negative: FloatArray) -> None:
    # The part below zero in an array of its own: expm1 with a mask is several times slower.
    np.minimum(z, 0, out=negative)
    np.expm1(negative, out=negative)
    np.maximum(z, 0, out=z)
    z += negative


@compiled_as(kernels.elu_backward)
def _elu_backward(delta: FloatArray, a: FloatArray, mask: BoolArray, negative: FloatArray) -> None:
    # d/dz (exp(z) - 1) = exp(z) = a + 1 below zero, and 1 above.
    np.minimum(a, 0, out=a)
    a += 1
    delta *= a


def _selu(z: FloatArray, mask: BoolArray, negative: FloatArray) -> None:
    # The part below zero in an array of its own: expm1 with a mask is several times slower.
    np.minimum(z, 0, out=negative)
    np.expm1(negative, out=negative)
    np.maximum(z, 0, out=z)
    z *= SELU_SCALE
    negative *= SELU_SCALE * SELU_ALPHA
    z += negative


def _selu_backward(delta: FloatArray, a: FloatArray, mask: BoolArray, negative: FloatArray) -> None:
    # d/dz s alpha (exp(z) - 1) = s alpha exp(z) = a + s alpha below zero, and s above.
    _scaled_elu_backward(delta, a, mask, SELU_SCALE, SELU_SCALE * SELU_ALPHA)


@compiled_as(kernels.selu_backward)
def _scaled_elu_backward(
    delta: FloatArray, a: FloatArray, mask: BoolArray, scale: float, slope: float
) -> None:
    np.greater(a, 0, out=mask)
    a += slope
    np.copyto(a, scale, where=mask)
    delta *= a


def _softplus(z: FloatArray, mask: BoolArray) -> None:
    # log(1 + exp(z)), which is z itself, to the last digit, where exp(z) might overflow.
    np.less(z, LARGE, out=mask)
    np.exp(z, out=z, where=mask)
    np.log1p(z, out=z, where=mask)


def _softplus_backward(delta: FloatArray, a: FloatArray, mask: BoolArray) -> None:
    # The derivative of softplus is sigma(z) = 1 - 1 / (1 + exp(z)) = 1 - exp(-a).
    np.negative(a, out=a)
    np.expm1(a, out=a)
    np.negative(a, out=a)
    delta *= a


def _gelu(z: FloatArray, mask: BoolArray, inputs: FloatArray, probability: FloatArray) -> None:
    # z Phi(z), where Phi is the distribution function of the standard normal distribution,
    # (1 + erf(z / sqrt 2)) / 2, without the loss of digits of that sum below zero.
    np.copyto(inputs, z)
    ndtr(z, out=probability)
    z *= probability


def _gelu_backward(
    delta: FloatArray,
    a: FloatArray,
    mask: BoolArray,
    inputs: FloatArray,
    probability: FloatArray,
) -> None:
    # Phi(z) + z phi(z) with the density phi(z) = exp(-z^2 / 2) / sqrt(2 pi).
    with np.errstate(over="ignore"):  # A square too large to be a number: the density is 0.
        np.square(inputs, out=a)
    a *= -0.5
    np.exp(a, out=a)
    _gelu_slope(delta, a, inputs, probability, 1 / sqrt(2 * pi))


@compiled_as(kernels.gelu_slope)
def _gelu_slope(
    delta: FloatArray,
    density: FloatArray,
    inputs: FloatArray,
    probability: FloatArray,
    factor: float,
) -> None:
    density *= factor
    density *= inputs
    density += probability
    delta *= density


def _silu(z: FloatArray, mask: BoolArray, sigma: FloatArray) -> None:
    # z sigma(z) with the logistic function sigma(z) = 1 / (1 + exp(-z)). By way of tanh, as
    # above, a small sigma would have no right digits, and here it is multiplied by a large z.
    np.negative(z, out=sigma)
    with np.errstate(over="ignore"):  # exp(-z) too large to be a number: sigma is 0.
        np.exp(sigma, out=sigma)
    _times_inverse(z, sigma)


@compiled_as(kernels.times_inverse)
def _times_inverse(z: FloatArray, sigma: FloatArray) -> None:
    sigma += 1
    np.divide(1, sigma, out=sigma)
    z *= sigma


@compiled_as(kernels.silu_backward)
def _silu_backward(delta: FloatArray, a: FloatArray, mask: BoolArray, sigma: FloatArray) -> None:
    # sigma + z sigma (1 - sigma) = sigma + a (1 - sigma) = 1 - (1 - a) (1 - sigma)
    np.subtract(1, a, out=a)
    np.subtract(1, sigma, out=sigma)
    a *= sigma
    np.subtract(1, a, out=a)
    delta *= a


@compiled_as(table_layers.at_most)
def _at_most(z: FloatArray, number: float, out: FloatArray) -> None:
    # Between two numbers: that takes half as long as the minimum of an array and one, or less.
    z.clip(-np.inf, number, out=out)


def _mish(z: FloatArray, mask: BoolArray, t: FloatArray, w: FloatArray) -> None:
    # z t with t = tanh(softplus(z)). Let s = exp(softplus(z)) = 1 + e with e = exp(z). Then
    # t = (s - 1/s) / (s + 1/s) = (s^2 - 1) / (s^2 + 1) = e (e + 2) / (e (e + 2) + 2).
    _at_most(z, LARGE, w)
    np.exp(w, out=w)
    _mish_of_exp(z, t, w)


@compiled_as(kernels.mish_of_exp)
def _mish_of_exp(z: FloatArray, t: FloatArray, w: FloatArray) -> None:
    np.add(w, 2, out=t)
    t *= w
    t += 2
    np.divide(w, t, out=t)
    w += 2
    t *= w
    z *= t


@compiled_as(kernels.mish_backward)
def _mish_backward(
    delta: FloatArray, a: FloatArray, mask: BoolArray, t: FloatArray, w: FloatArray
) -> None:
    # t + z sigma(z) (1 - t^2), which is t + 2 a (1 - t) (1 - 1 / w). Twice a, to begin with,
    # might be too large to be a number; a (1 - t) is not, since t is 1 where a is large.
    np.divide(1, w, out=w)
    np.subtract(1, w, out=w)
    a *= w
    np.subtract(1, t, out=w)
    a *= w
    a *= 2
    a += t
    delta *= a


def _mish_remainder(z: FloatArray, p: FloatArray, g: FloatArray, q: FloatArray) -> None:
    # With e and s as above: p = z - z t = z q with q = 2 / (s^2 + 1). For the derivative g = e s.
    _at_most(z, LARGE, p)
    np.exp(p, out=g)
    _mish_remainder_of_exp(p, g, q)


@compiled_as(table_layers.mish_remainder_of_exp)
def _mish_remainder_of_exp(p: FloatArray, g: FloatArray, q: FloatArray) -> None:
    np.add(g, 1, out=q)
    g *= q
    q *= q
    q += 1
    np.divide(2, q, out=q)
    p *= q


@compiled_as(table_layers.mish_remainder_backward)
def _mish_remainder_backward(p: FloatArray, g: FloatArray, q: FloatArray) -> None:
    # q + z q' with q' = -4 s e / (s^2 + 1)^2 = -q^2 g, which is q (1 - p g).
    g *= p
    np.subtract(1, g, out=p)
    p *= q


#: The functions that have a name, by their names.
ACTIVATIONS = {
    activation.name: activation
    for activation in (
        Activation("identity", _identity, _identity_backward),
        # f'(0) = 1/4, hence other initial weights: scikit-learn uses a factor of 2.
        Activation("logistic", _logistic, _logistic_backward, glorot_factor=2.0),
        Activation("tanh", _tanh, _tanh_backward),
        Activation("relu", _relu, _relu_backward),
        Activation("leaky_relu", _leaky_relu, _leaky_relu_backward, n_saved=1),
        Activation("elu", _elu, _elu_backward, n_saved=1),
        Activation("selu", _selu, _selu_backward, n_saved=1),
        Activation("softplus", _softplus, _softplus_backward),
        Activation("gelu", _gelu, _gelu_backward, n_saved=2),
        Activation("silu", _silu, _silu_backward, n_saved=1),
        Activation("mish", _mish, _mish_backward, 2, _mish_remainder, _mish_remainder_backward),
    )
}


def activation_named(name: Any) -> Activation:
    """The activation function of this name, which a file may have given; an object is itself.

    Parameters
    ----------
    name : object
        Of a function in `ACTIVATIONS`, or an `Activation`; anything else is an error.

    Returns
    -------
    Activation
        The function.

    Raises
    ------
    ValueError
        If there is none.
    """
    if isinstance(name, Activation):
        return name
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise ValueError(f"There is no activation function {name!r}: there are {[*ACTIVATIONS]}.")
    return ACTIVATIONS[name]
