"""RMSprop and AdaGrad: the gradient, divided by the root of its squares of before."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
import numpy.typing as npt

from skneural.arrays.matrices import FloatArray, blocks
from skneural.kernels import compiled_as
from skneural.kernels import optimizers as kernels
from skneural.optimizers.contract import Optimizer, State
from skneural.optimizers.scaling import add_square, divide_by_root, scratch_block
from skneural.settings import number


@dataclass(repr=False, eq=False)
class RMSprop(Optimizer):
    r"""Steps scaled by a running mean of the square of the gradient.

    .. math::

        v &\leftarrow \rho v + (1 - \rho) g^2, \\
        u &\leftarrow \mu u + \frac{g}{\sqrt{v} + \epsilon}, \\
        w &\leftarrow w - \eta u

    Unlike Adam it follows the latest gradient, and not a mean that still remembers old ones,
    which suits data whose law changes: streams, and targets that another model sets.

    Parameters
    ----------
    decay : float, default=0.99
        :math:`\rho`, the decay rate of the mean, from 0 to below 1.
    epsilon : float, default=1e-8
        Keeps the division stable.
    momentum : float, default=0.0
        :math:`\mu`, from 0 to 1.
    weight_decay : float, default=0.0
        As in `Optimizer`.

    max_grad_norm, averaging : float or None, default=None
        As in `Optimizer`.

    See Also
    --------
    Adam : Averages the gradients too.
    AdaGrad : Sums up their squares instead of averaging.

    Notes
    -----
    As in `Adam`, the mean is kept without its factor :math:`1 - \rho`. It begins at 0 and that
    bias is not corrected: the first step is about :math:`1 / \sqrt{1 - \rho}` times as long as
    the later ones.

    References
    ----------
    T. Tieleman and G. Hinton, "Lecture 6.5 - rmsprop: Divide the gradient by a running average
    of its recent magnitude", Coursera: Neural networks for machine learning, 2012.

    Examples
    --------
    The first step divides by the root of one hundredth of the squared gradient:

    >>> import numpy as np
    >>> from skneural.optimizers import RMSprop
    >>> optimizer = RMSprop()
    >>> state = optimizer.init_state(2, float)
    >>> params = np.array([1.0, 2.0])
    >>> optimizer.step(params, np.array([0.5, -0.25]), 0.1, state)
    >>> params.round(3)
    array([0., 3.])
    """

    decay: float = number(0.99, 0, 1, closed="left")
    epsilon: float = number(1e-8, 0, closed="neither")
    momentum: float = number(0.0, 0, 1)

    def init_moments(self, n_params: int, dtype: npt.DTypeLike) -> State:
        state = {
            "second_moment": np.zeros(n_params, dtype=dtype),
            "scratch": scratch_block(n_params, dtype),
        }
        if self.momentum:
            state["velocity"] = np.zeros(n_params, dtype=dtype)
        return state

    def update(
        self, params: FloatArray, gradient: FloatArray, learning_rate: float, state: State
    ) -> None:
        root = sqrt(1 - self.decay)
        rate = learning_rate / root
        epsilon = self.epsilon / root
        of_squares = state["second_moment"], state["scratch"], float(self.decay), epsilon
        if self.momentum:
            momentum = float(self.momentum)
            rmsprop_momentum_step(params, gradient, state["velocity"], *of_squares, momentum, rate)
        else:
            rmsprop_step(params, gradient, *of_squares, rate)

    def step_length(self, learning_rate: float, state: State, out: FloatArray) -> None:
        root = sqrt(1 - self.decay)
        rate = learning_rate / root * _displacement(self.momentum)
        divide_by_root(rate, state["second_moment"], self.epsilon / root, out)


@dataclass(repr=False, eq=False)
class AdaGrad(Optimizer):
    r"""Steps scaled by the sum of the squares of all gradients so far.

    .. math::

        s \leftarrow s + g^2, \qquad w \leftarrow w - \eta \frac{g}{\sqrt{s} + \epsilon}

    Each parameter has its own rate, which falls with every gradient that it sees and with
    nothing else. So a feature that is there in one row of a thousand still makes a large step
    when it is. The rates never rise again: give it a larger learning rate than Adam, and leave
    long trainings to the others.

    Parameters
    ----------
    epsilon : float, default=1e-10
        Keeps the division stable.
    weight_decay : float, default=0.0
        As in `Optimizer`.

    max_grad_norm, averaging : float or None, default=None
        As in `Optimizer`.

    See Also
    --------
    RMSprop : Averages the squares, so that the steps do not fade.

    References
    ----------
    J. Duchi, E. Hazan and Y. Singer, "Adaptive subgradient methods for online learning and
    stochastic optimization", Journal of Machine Learning Research 12, 2011.

    Examples
    --------
    The first step is as long as the rate, the following ones are shorter:

    >>> import numpy as np
    >>> from skneural.optimizers import AdaGrad
    >>> optimizer = AdaGrad()
    >>> state = optimizer.init_state(2, float)
    >>> params = np.array([1.0, 2.0])
    >>> optimizer.step(params, np.array([0.5, -0.25]), 0.1, state)
    >>> params.round(3)
    array([0.9, 2.1])
    """

    epsilon: float = number(1e-10, 0, closed="neither")

    def init_moments(self, n_params: int, dtype: npt.DTypeLike) -> State:
        return {
            "sum_of_squares": np.zeros(n_params, dtype=dtype),
            "scratch": scratch_block(n_params, dtype),
        }

    def update(
        self, params: FloatArray, gradient: FloatArray, learning_rate: float, state: State
    ) -> None:
        of_squares = state["sum_of_squares"], state["scratch"]
        adagrad_step(params, gradient, *of_squares, float(self.epsilon), learning_rate)

    def step_length(self, learning_rate: float, state: State, out: FloatArray) -> None:
        divide_by_root(learning_rate, state["sum_of_squares"], self.epsilon, out)


@compiled_as(kernels.rmsprop_step)
def rmsprop_step(
    w: FloatArray,
    g: FloatArray,
    v: FloatArray,
    scratch: FloatArray,
    decay: float,
    epsilon: float,
    rate: float,
) -> None:
    """Move parameters w by the gradient g, which is overwritten, over the root of v."""
    for w, g, v in blocks(w, g, v):
        _divide(g, v, scratch[: len(w)], decay, epsilon)
        g *= rate
        w -= g


@compiled_as(kernels.rmsprop_momentum_step)
def rmsprop_momentum_step(
    w: FloatArray,
    g: FloatArray,
    u: FloatArray,
    v: FloatArray,
    scratch: FloatArray,
    decay: float,
    epsilon: float,
    momentum: float,
    rate: float,
) -> None:
    """The same with a velocity u."""
    for w, g, u, v in blocks(w, g, u, v):
        _divide(g, v, scratch[: len(w)], decay, epsilon)
        u *= momentum
        u += g
        np.multiply(u, rate, out=g)
        w -= g


def _divide(
    g: FloatArray, v: FloatArray, scratch: FloatArray, decay: float, epsilon: float
) -> None:
    """Bring the mean of squares up to date; divide the gradient by its root."""
    add_square(g, v, decay, scratch)
    np.sqrt(v, out=scratch)
    scratch += epsilon
    g /= scratch


@compiled_as(kernels.adagrad_step)
def adagrad_step(
    w: FloatArray, g: FloatArray, s: FloatArray, scratch: FloatArray, epsilon: float, rate: float
) -> None:
    """Move parameters w by the gradient g, which is overwritten, over the root of the sum s."""
    for w, g, s in blocks(w, g, s):
        other = scratch[: len(w)]
        np.multiply(g, g, out=other)
        s += other
        np.sqrt(s, out=other)
        other += epsilon
        g /= other
        g *= rate
        w -= g


def _displacement(momentum: float) -> float:
    """Total displacement per unit gradient under momentum: 1 / (1 - mu)."""
    return 1 / (1 - momentum) if momentum < 1 else inf
