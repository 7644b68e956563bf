"""Adam, AdamW and NAdam: steps from running means of the gradient and of its square."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod, sqrt

import numpy as np
import numpy.typing as npt

from skneural.arrays.matrices import FloatArray, block_length, blocks
from skneural.kernels import compiled_as
from skneural.kernels import optimizers as kernels
from skneural.optimizers.contract import Factors, Optimizer, State
from skneural.optimizers.scaling import add_square, divide_by_root, scratch_block
from skneural.settings import number


@dataclass(repr=False, eq=False)
class Adam(Optimizer):
    r"""Adam: steps scaled by running means of the gradient and of its square.

    Every parameter moves by about the learning rate in each step, whatever the size of its
    gradient. This is why the default rate suits so many networks.

    .. math::

        m &\leftarrow \beta_1 m + (1 - \beta_1) g, \\
        v &\leftarrow \beta_2 v + (1 - \beta_2) g^2, \\
        w &\leftarrow w - \eta \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t}
                         \frac{m}{\sqrt{v} + \epsilon}

    Parameters
    ----------
    beta_1, beta_2 : float, default=0.9 and 0.999
        Decay rates of the two means, from 0 to below 1.
    epsilon : float, default=1e-8
        Keeps the division stable.
    weight_decay : float, default=0.0
        As in `Optimizer`.

    max_grad_norm, averaging : float or None, default=None
        As in `Optimizer`.

    See Also
    --------
    AdamW : With decoupled weight decay.
    NAdam : With Nesterov's momentum.
    RMSprop : Without the mean of the gradients.

    Notes
    -----
    The two means are kept without their factors :math:`1 - \beta`, which saves two passes
    over memory; the factors are folded into the step and into epsilon.

    References
    ----------
    D. P. Kingma and J. Ba, "Adam: A method for stochastic optimization", ICLR 2015, in the
    form of the last paragraph of its section 2.

    Examples
    --------
    The first step is as long as the rate, whatever the size of the gradient:

    >>> import numpy as np
    >>> from skneural.optimizers import Adam
    >>> optimizer = Adam()
    >>> state = optimizer.init_state(2, float)
    >>> params = np.array([1.0, 2.0])
    >>> optimizer.step(params, np.array([0.5, -0.25]), 0.1, state)
    >>> params.round(3)
    array([0.9, 2.1])
    """

    beta_1: float = number(0.9, 0, 1, closed="left")
    beta_2: float = number(0.999, 0, 1, closed="left")
    epsilon: float = number(1e-8, 0, closed="neither")

    def init_moments(self, n_params: int, dtype: npt.DTypeLike) -> State:
        return {
            "step": 0,
            "first_moment": np.zeros(n_params, dtype=dtype),
            "second_moment": np.zeros(n_params, dtype=dtype),
        }

    def update(
        self, params: FloatArray, gradient: FloatArray, learning_rate: float, state: State
    ) -> None:
        epsilon, rate = self._next_step(learning_rate, state)
        moments = state["first_moment"], state["second_moment"]
        betas = float(self.beta_1), float(self.beta_2)
        adam_step(params, gradient, *moments, *betas, epsilon, rate)

    def init_factors(self, shape: tuple[int, ...], dtype: npt.DTypeLike, rates: Factors) -> State:
        # For as many networks at a time as fit a block, at least one.
        n_networks = min(prod(shape[:-1]), max(1, block_length(dtype) // shape[-1]))
        return {"scratch_factors": np.ones((2, n_networks, shape[-1]), dtype=dtype)}

    def update_by_factors(
        self,
        params: FloatArray,
        gradient: FloatArray,
        learning_rate: float,
        state: State,
        rates: Factors,
        decay: float,
        decays: Factors,
    ) -> None:
        lengths, kept = state["scratch_factors"]
        epsilon, rate = self._next_step(learning_rate, state)
        lengths[...] = rate
        for place, factor in rates:
            lengths[:, place] = rate * factor
        kept[:, : state["n_penalised"]] = 1 - decay
        for place, factor in decays:
            kept[:, place] = 1 - decay * factor
        vectors = params, gradient, state["first_moment"], state["second_moment"]
        w, g, m, v, length, share = (vector.reshape(-1) for vector in (*vectors, lengths, kept))
        betas = float(self.beta_1), float(self.beta_2)
        adam_step_by_factors(w, g, m, v, length, share, *betas, epsilon)

    def _next_step(self, learning_rate: float, state: State) -> tuple[float, float]:
        """Epsilon and the rate of the next step, for moments without their factors."""
        state["step"] += 1
        t: int = state["step"]
        root: float = (1 - self.beta_2) ** 0.5
        rate: float = learning_rate * (1 - self.beta_2**t) ** 0.5 / (1 - self.beta_1**t)
        rate *= (1 - self.beta_1) / root
        return self.epsilon / root, rate

    def step_length(self, learning_rate: float, state: State, out: FloatArray) -> None:
        # The mean of a steady gradient, its bias corrected, is the gradient.
        root = (1 - self.beta_2) ** 0.5
        rate = learning_rate * (1 - self.beta_2 ** state["step"]) ** 0.5 / root
        divide_by_root(rate, state["second_moment"], self.epsilon / root, out)


@compiled_as(kernels.adam_step)
def adam_step(
    w: FloatArray,
    g: FloatArray,
    m: FloatArray,
    v: FloatArray,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    rate: float,
) -> None:
    """Move parameters w against the gradient g, which is overwritten, by moments m and v."""
    for w, g, m, v in blocks(w, g, m, v):
        _divide(g, m, v, beta_1, beta_2, epsilon)
        g *= rate
        w -= g


@compiled_as(kernels.adam_step_by_factors)
def adam_step_by_factors(
    w: FloatArray,
    g: FloatArray,
    m: FloatArray,
    v: FloatArray,
    lengths: FloatArray,
    kept: FloatArray,
    beta_1: float,
    beta_2: float,
    epsilon: float,
) -> None:
    """The same after weight decay: w keeps these shares, and steps have these lengths.

    Both are those of one or more networks, the parameters those of as many or more.
    """
    for start in range(0, len(w), max(len(lengths), 1)):
        own = [vector[start : start + len(lengths)] for vector in (w, g, m, v)]
        n = len(own[0])
        for w_, g_, m_, v_, length, share in blocks(*own, lengths[:n], kept[:n]):
            w_ *= share
            _divide(g_, m_, v_, beta_1, beta_2, epsilon)
            g_ *= length
            w_ -= g_


def _divide(
    g: FloatArray, m: FloatArray, v: FloatArray, beta_1: float, beta_2: float, epsilon: float
) -> None:
    """Bring the moments up to date; replace the gradient by the step at a rate of 1."""
    m *= beta_1
    m += g
    v *= beta_2
    g *= g
    v += g
    np.sqrt(v, out=g)
    g += epsilon
    np.divide(m, g, out=g)


@dataclass(repr=False, eq=False)
class AdamW(Adam):
    r"""Adam with weight decay: every step begins with :math:`W \leftarrow (1 - \eta \lambda) W`.

    Under Adam the penalty `alpha` says little: as a part of the gradient it is divided by the
    gradient's size, and so weighs least on the weights that move most. Weight decay is the same
    for all of them. Use it, with `alpha` at 0, where a network overfits.

    Parameters
    ----------
    beta_1, beta_2, epsilon : float
        As in `Adam`.
    weight_decay : float, default=0.01
        :math:`\lambda`. It is multiplied by the learning rate: a schedule lowers both.
    max_grad_norm, averaging : float or None
        As in `Optimizer`.

    See Also
    --------
    Adam : The same without weight decay.

    References
    ----------
    I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019.

    Examples
    --------
    Weights shrink by one hundredth, the rate times `weight_decay`, and move as by Adam:

    >>> import numpy as np
    >>> from skneural.optimizers import AdamW
    >>> optimizer = AdamW(weight_decay=0.1)
    >>> state = optimizer.init_state(2, float)
    >>> params = np.array([1.0, 2.0])
    >>> optimizer.step(params, np.array([0.5, -0.25]), 0.1, state)
    >>> params.round(3)
    array([0.89, 2.08])
    """

    weight_decay: float = number(0.01, 0, kw_only=True)


@dataclass(repr=False, eq=False)
class NAdam(Adam):
    r"""Adam with Nesterov's momentum: the step looks ahead to where the next mean will be.

    .. math::

        \mu_t &= \beta_1 (1 - \tfrac12 \cdot 0.96^{t \psi}), \\
        \hat m &= \frac{1 - \mu_t}{1 - \mu_1 \cdots \mu_t} g
                  + \frac{\mu_{t+1}}{1 - \mu_1 \cdots \mu_{t+1}} m, \\
        w &\leftarrow w - \eta \frac{\hat m}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}

    with m and v as in `Adam`. Where Adam works this does, and often gets there in fewer epochs.
    The momentum :math:`\mu` begins at half of :math:`\beta_1`, so that the first steps follow the
    latest gradient more than Adam's do.

    Parameters
    ----------
    beta_1, beta_2, epsilon : float
        As in `Adam`, but epsilon is added to the root after its bias is corrected.
    momentum_decay : float, default=0.004
        :math:`\psi`. The larger, the sooner :math:`\mu` reaches :math:`\beta_1`.
    weight_decay : float, default=0.0
        As in `Optimizer`.

    max_grad_norm, averaging : float or None, default=None
        As in `Optimizer`.

    See Also
    --------
    Adam : The same without Nesterov's momentum.

    References
    ----------
    T. Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016.

    Examples
    --------
    The first step is about as long as the rate, whatever the size of the gradient:

    >>> import numpy as np
    >>> from skneural.optimizers import NAdam
    >>> optimizer = NAdam()
    >>> state = optimizer.init_state(2, float)
    >>> params = np.array([1.0, 2.0])
    >>> optimizer.step(params, np.array([0.5, -0.25]), 0.1, state)
    >>> params.round(3)
    array([0.894, 2.106])
    """

    momentum_decay: float = number(0.004, 0)

    def init_moments(self, n_params: int, dtype: npt.DTypeLike) -> State:
        return {
            **super().init_moments(n_params, dtype),
            "momentum_product": 1.0,
            "scratch": scratch_block(n_params, dtype),
        }

    def update(
        self, params: FloatArray, gradient: FloatArray, learning_rate: float, state: State
    ) -> None:
        state["step"] += 1
        t = state["step"]
        momentum, next_momentum = self._momentum(t), self._momentum(t + 1)
        state["momentum_product"] *= momentum
        product = state["momentum_product"]
        gradient_share = (1 - momentum) / (1 - product)
        mean_share = next_momentum / (1 - product * next_momentum) * (1 - self.beta_1)

        root = self._root(t)
        rate = learning_rate / root
        epsilon = self.epsilon / root
        nadam_step(
            params,
            gradient,
            state["first_moment"],
            state["second_moment"],
            state["scratch"],
            float(self.beta_1),
            float(self.beta_2),
            epsilon,
            gradient_share * rate,
            mean_share * rate,
        )

    def step_length(self, learning_rate: float, state: State, out: FloatArray) -> None:
        # Under a steady gradient the two shares soon add up to 1.
        root = self._root(state["step"])
        divide_by_root(learning_rate / root, state["second_moment"], self.epsilon / root, out)

    def _momentum(self, t: int) -> float:
        still_missing: float = 0.96 ** (t * self.momentum_decay)
        return self.beta_1 * (1 - 0.5 * still_missing)

    def _root(self, t: int) -> float:
        # Of what is still missing from the second moment: its factor, and its bias.
        return sqrt((1 - self.beta_2) / (1 - self.beta_2**t))


@compiled_as(kernels.nadam_step)
def nadam_step(
    w: FloatArray,
    g: FloatArray,
    m: FloatArray,
    v: FloatArray,
    scratch: FloatArray,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    gradient_rate: float,
    mean_rate: float,
) -> None:
    """Move parameters w by gradient g, which is overwritten, and mean m, over the root of v."""
    for w, g, m, v in blocks(w, g, m, v):
        other = scratch[: len(w)]
        m *= beta_1
        m += g
        add_square(g, v, beta_2, scratch=other)
        g *= gradient_rate
        np.multiply(m, mean_rate, out=other)
        g += other
        np.sqrt(v, out=other)
        other += epsilon
        g /= other
        w -= g
