r"""Initialization: the random weights that a training begins with.

Weights too small let the signal fade on its way through the layers, weights too large let it
grow beyond bounds or drive the units to where their derivative is zero; and units with equal
weights would stay equal for ever. So weights are random, independent and of mean zero, and what
is left to choose is their variance. Let the :math:`n_\text{in}` inputs :math:`x_i` of a unit be
independent of its weights, which have variance :math:`v`. Then

.. math::

    z = \sum_{i=1}^{n_\text{in}} w_i x_i
    \quad\text{has variance}\quad
    n_\text{in} \, v \, \operatorname{E}[x_i^2],

which stays the same from layer to layer

- with :math:`v = 1 / n_\text{in}` where the activation function leaves the mean square as it is
  (LeCun),
- with :math:`v = 2 / n_\text{in}` where it halves it, as ReLU does by cutting off one side of a
  symmetric distribution (He).

On the way back, the sum is over the :math:`n_\text{out}` units of the layer above;
:math:`v = 2 / (n_\text{in} + n_\text{out})` is the compromise between both ways (Glorot).

All this is for inputs whose mean square is known beforehand; `unit_deviation` looks at rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Any, TypeAlias

import numpy as np

from skneural.activations import GLOROT_FACTOR
from skneural.arrays.matrices import FloatArray, Matrix, as_shape_of

#: ``initialization(fan_in, fan_out, random_state)`` gives weights of shape (fan_in, fan_out).
Initialization: TypeAlias = Callable[[int, int, np.random.RandomState], FloatArray]


def glorot_uniform(
    fan_in: int, fan_out: int, random_state: np.random.RandomState, factor: float = GLOROT_FACTOR
) -> FloatArray:
    r"""Uniform in :math:`\pm\sqrt{6 / (n_\text{in} + n_\text{out})}`, for tanh and logistic.

    The variance is a third of the bound's square: :math:`2 / (n_\text{in} + n_\text{out})`.
    In place of 6, `WeightDraw` has the `glorot_factor` of the activation function.

    Source: X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward
    neural networks", AISTATS 2010.

    Parameters
    ----------
    fan_in : int
        Number of inputs of the layer.
    fan_out : int
        Number of its units.
    random_state : RandomState
        What the weights are drawn from.
    factor : float, default=6
        What takes the place of 6.

    Returns
    -------
    ndarray of shape (fan_in, fan_out)
        The weights.
    """
    bound = sqrt(factor / (fan_in + fan_out))
    return random_state.uniform(-bound, bound, (fan_in, fan_out))


def glorot_normal(fan_in: int, fan_out: int, random_state: np.random.RandomState) -> FloatArray:
    r"""Normal with variance :math:`2 / (n_\text{in} + n_\text{out})`, for tanh and logistic.

    Source: as for `glorot_uniform`.

    Parameters
    ----------
    fan_in : int
        Number of inputs of the layer.
    fan_out : int
        Number of its units.
    random_state : RandomState
        What the weights are drawn from.

    Returns
    -------
    ndarray of shape (fan_in, fan_out)
        The weights.
    """
    return random_state.normal(0, sqrt(2 / (fan_in + fan_out)), (fan_in, fan_out))


def he_uniform(fan_in: int, fan_out: int, random_state: np.random.RandomState) -> FloatArray:
    r"""Uniform in :math:`\pm\sqrt{6 / n_\text{in}}`, for ReLU-like activations.

    The variance is that of `he_normal`. ReLU-like are the functions that are about z above
    zero, and small below: leaky_relu, elu, gelu, silu, mish.

    Source: K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers: Surpassing
    human-level performance on ImageNet classification", ICCV 2015.

    Parameters
    ----------
    fan_in : int
        Number of inputs of the layer.
    fan_out : int
        Number of its units.
    random_state : RandomState
        What the weights are drawn from.

    Returns
    -------
    ndarray of shape (fan_in, fan_out)
        The weights.
    """
    bound = sqrt(6 / fan_in)
    return random_state.uniform(-bound, bound, (fan_in, fan_out))


def he_normal(fan_in: int, fan_out: int, random_state: np.random.RandomState) -> FloatArray:
    r"""Normal with variance :math:`2 / n_\text{in}`, for ReLU-like activations.

    Source: as for `he_uniform`.

    Parameters
    ----------
    fan_in : int
        Number of inputs of the layer.
    fan_out : int
        Number of its units.
    random_state : RandomState
        What the weights are drawn from.

    Returns
    -------
    ndarray of shape (fan_in, fan_out)
        The weights.
    """
    return random_state.normal(0, sqrt(2 / fan_in), (fan_in, fan_out))


def lecun_normal(fan_in: int, fan_out: int, random_state: np.random.RandomState) -> FloatArray:
    r"""Normal with variance :math:`1 / n_\text{in}`, for selu.

    It keeps the variance of a layer that is about linear. selu is made for it: with these
    weights, its outputs tend to mean 0 and variance 1.

    Sources: Y. LeCun, L. Bottou, G. B. Orr and K.-R. Müller, "Efficient BackProp", in: *Neural
    Networks: Tricks of the Trade*, 1998, section 4.6; G. Klambauer, T. Unterthiner, A. Mayr and
    S. Hochreiter, "Self-normalizing neural networks", NeurIPS 2017.

    Parameters
    ----------
    fan_in : int
        Number of inputs of the layer.
    fan_out : int
        Number of its units.
    random_state : RandomState
        What the weights are drawn from.

    Returns
    -------
    ndarray of shape (fan_in, fan_out)
        The weights.
    """
    return random_state.normal(0, sqrt(1 / fan_in), (fan_in, fan_out))


def orthogonal(fan_in: int, fan_out: int, random_state: np.random.RandomState) -> FloatArray:
    r"""A random orthogonal matrix, for deep networks.

    Where it has more rows than columns, its columns are orthonormal, and else its rows. A
    square one turns and mirrors its input without changing any length, and so does a product
    of many: neither signal nor gradient fades with the depth of a linear network, and of tanh
    while it is about linear. (The product of many independent normal matrices, in contrast,
    flattens space to almost a line, whatever their variance.)

    It is the Q of the QR decomposition of a normal matrix. That is distributed uniformly over
    all orthogonal matrices once it is made unique: by a positive diagonal of R.

    Sources: A. M. Saxe, J. L. McClelland and S. Ganguli, "Exact solutions to the nonlinear
    dynamics of learning in deep linear neural networks", ICLR 2014; F. Mezzadri, "How to
    generate random matrices from the classical compact groups", Notices of the AMS 54, 2007.

    Parameters
    ----------
    fan_in : int
        Number of inputs of the layer.
    fan_out : int
        Number of its units.
    random_state : RandomState
        What the weights are drawn from.

    Returns
    -------
    ndarray of shape (fan_in, fan_out)
        The weights.
    """
    longer, shorter = max(fan_in, fan_out), min(fan_in, fan_out)
    q, r = np.linalg.qr(random_state.standard_normal((longer, shorter)))
    q *= np.copysign(1, r.diagonal())
    return q if fan_in >= fan_out else q.T


def standard_normal(fan_in: int, fan_out: int, random_state: np.random.RandomState) -> FloatArray:
    """Normal with variance 1, as first tutorials have it: for a handful of inputs at most.

    With more, logistic units begin saturated, and learn slowly.

    Source: M. A. Nielsen, *Neural Networks and Deep Learning*, 2015, chapter 1, where the
    intercepts are drawn like the weights; chapter 3 tells why it is better not to.

    Parameters
    ----------
    fan_in : int
        Number of inputs of the layer.
    fan_out : int
        Number of its units.
    random_state : RandomState
        What the weights are drawn from.

    Returns
    -------
    ndarray of shape (fan_in, fan_out)
        The weights.
    """
    return random_state.standard_normal((fan_in, fan_out))


INITIALIZATIONS: dict[str, Initialization] = {
    "glorot_uniform": glorot_uniform,
    "glorot_normal": glorot_normal,
    "he_uniform": he_uniform,
    "he_normal": he_normal,
    "lecun_normal": lecun_normal,
    "orthogonal": orthogonal,
    "standard_normal": standard_normal,
}


#: Rows that show a layer what its inputs are like.
SAMPLE_ROWS = 4000

#: Rows that an intercept is made of.
INTERCEPT_ROWS = 5

#: A standard deviation up to this is that of an output that does not vary.
NEGLIGIBLE_DEVIATION = 1e-6


def row_sample(X: Matrix, rng: np.random.RandomState, n_rows: int = SAMPLE_ROWS) -> Matrix:
    """Rows for layers that look at data before they are trained: all, or some drawn at random.

    Members side by side share them: one sample, then ``network.initialize(params[k], rngs[k],
    sample)`` for each member.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
    rng : RandomState
        Drawn from only if there are more than `n_rows`.
    n_rows : int, default=4000
        How many at most.

    Returns
    -------
    {ndarray, CSR matrix} of shape (min(n_samples, n_rows), n_features)
        Without repetition, in the order of `X`.
    """
    if X.shape[0] <= n_rows:
        return X
    return X[np.sort(rng.permutation(X.shape[0])[:n_rows])]


def unit_deviation(
    weights: FloatArray, intercepts: FloatArray | None, rng: np.random.RandomState, x: Matrix
) -> None:
    r"""Data-driven: outputs of standard deviation 1, each of which is zero at a mean of 5 rows.

    .. math::

        w &\leftarrow \frac{u}{\operatorname{sd}(x u)}, \quad
        u \sim \frac{N(0, 1)}{\sqrt{n_\text{in}}}, \\
        b &\leftarrow - \sum_{j=1}^{5} v_j \, x_{r_j} w, \\
        v_j &= \frac{e_j}{e_1 + \dots + e_5}, \quad e_j \sim \operatorname{Exp}(1)

    for each unit, with rows :math:`r_j` drawn with replacement. So no scale or correlation of the
    columns lets the signal fade or grow, and the corners of ReLUs lie where there are rows, each at
    another place. An output that hardly varies, by at most 1e-6, is left as it is.

    Parameters
    ----------
    weights : ndarray of shape (fan_in, fan_out)
        Is filled.
    intercepts : ndarray of shape (fan_out,) or None
        Is filled.
    rng : RandomState
        What weights and intercepts are drawn from.
    x : {ndarray, sparse matrix} of shape (n_rows, fan_in)
        What the layer reads of the rows to train on, or of a `row_sample`.

    Notes
    -----
    Sources: D. Mishkin and J. Matas, "All you need is a good init", ICLR 2016, for the deviation;
    I. Steinwart, "A sober look at neural network initializations", arXiv:1903.11482, for intercepts
    of the kind ("he+5"); both as in D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by
    default: Strong pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024, appendix A.
    """
    fan_in, fan_out = weights.shape
    weights[...] = rng.standard_normal(weights.shape) / sqrt(fan_in)
    # A product of finite numbers was once flagged as invalid. If it is not finite in earnest, the
    # deviation is NaN, and so are the weights, which `Network.initialize` refuses.
    with np.errstate(invalid="ignore"):
        z = x @ weights
    deviation = z.std(axis=0, dtype=np.float64)
    deviation[deviation <= NEGLIGIBLE_DEVIATION] = 1
    weights /= deviation
    if intercepts is None:
        return
    rows = rng.randint(x.shape[0], size=(INTERCEPT_ROWS, fan_out))
    shares = rng.standard_exponential((INTERCEPT_ROWS, fan_out))
    shares /= shares.sum(axis=0)
    intercepts[...] = -np.sum(shares * z[rows, np.arange(fan_out)], axis=0) / deviation


@dataclass(frozen=True)
class WeightDraw:
    """What fills the arrays of a dense layer: see `skneural.layers.Dense`.

    Parameters
    ----------
    initialization : str or callable
        A name in `INITIALIZATIONS`, or ``initialization(fan_in, fan_out, random_state)`` that gives
        the weights. Intercepts begin at zero, but for 'glorot_uniform' and 'standard_normal', which
        draw them after the weights of their layer, from the same distribution: the former as
        scikit-learn does, so that the same seed gives the same network.
    glorot_factor : float
        That of the activation function of the layer.

    Raises
    ------
    ValueError
        When called, if what a callable gives are not finite real numbers in the shape of the layer.
    """

    initialization: str | Initialization
    glorot_factor: float

    def __call__(
        self, weights: FloatArray, intercepts: FloatArray | None, rng: np.random.RandomState
    ) -> None:
        """Draw the weights of a layer and, where the initialization has them, intercepts."""
        fan_in, fan_out = weights.shape
        if self.initialization == "glorot_uniform":
            # With the factor of the activation function, and for intercepts too.
            bound = sqrt(self.glorot_factor / (fan_in + fan_out))
            weights[...] = rng.uniform(-bound, bound, weights.shape)
            if intercepts is not None:
                intercepts[...] = rng.uniform(-bound, bound, fan_out)
            return
        if isinstance(self.initialization, str):
            weights[...] = INITIALIZATIONS[self.initialization](fan_in, fan_out, rng)
        else:
            weights[...] = _checked(self.initialization(fan_in, fan_out, rng), weights)
        if intercepts is None:
            return
        if self.initialization == "standard_normal":
            intercepts[...] = rng.standard_normal(fan_out)
        else:
            intercepts[...] = 0


def _checked(drawn: Any, weights: FloatArray) -> FloatArray:
    try:
        return as_shape_of(weights, drawn, "what it gives")
    except ValueError as error:
        raise ValueError(
            "initialization must give finite real numbers in the shape of the layer, "
            f"(fan_in, fan_out) = {weights.shape}: {error}"
        ) from error
