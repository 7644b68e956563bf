r"""First-order optimizers: one in-place step on the flat parameter vector.

An optimizer holds settings only. What it remembers from step to step is its *state*, a
plain dict of arrays and numbers that it creates, updates, and that others copy and store.

The vectors are walked in blocks that stay in the second-level cache while the few NumPy
operations of a step pass over them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from skneural._arrays import FloatArray, blocks

State: TypeAlias = dict[str, Any]


class Optimizer(ABC):
    """The contract of an optimizer."""

    @abstractmethod
    def initial_state(self, n_params: int, dtype: npt.DTypeLike) -> State:
        """The state before the first step."""

    @abstractmethod
    def step(
        self, params: FloatArray, gradient: FloatArray, learning_rate: float, state: State
    ) -> None:
        """Update `params` and `state` in place. `gradient` is used as scratch."""


@dataclass(frozen=True)
class SGD(Optimizer):
    r"""Stochastic gradient descent with momentum.

    .. math::

        v \leftarrow \mu v - \eta g, \qquad
        w \leftarrow w + v \quad\text{or, with Nesterov's momentum,}\quad
        w \leftarrow w + \mu v - \eta g

    Parameters
    ----------
    momentum : float, default=0.9
        :math:`\mu`, from 0 to 1. With 0 this is plain gradient descent.
    nesterovs_momentum : bool, default=True

    References
    ----------
    I. Sutskever, J. Martens, G. Dahl and G. Hinton, "On the importance of initialization
    and momentum in deep learning", ICML 2013.
    """

    momentum: float = 0.9
    nesterovs_momentum: bool = True

    def initial_state(self, n_params: int, dtype: npt.DTypeLike) -> State:
        return {"velocity": np.zeros(n_params, dtype=dtype)}

    def step(
        self, params: FloatArray, gradient: FloatArray, learning_rate: float, state: State
    ) -> None:
        for w, g, v in blocks(params, gradient, state["velocity"]):
            g *= learning_rate
            v *= self.momentum
            v -= g
            if self.nesterovs_momentum:
                w -= g
                np.multiply(v, self.momentum, out=g)
                w += g
            else:
                w += v


@dataclass(frozen=True)
class Adam(Optimizer):
    r"""Adam: steps scaled by running means of the gradient and of its square.

    .. math::

        m \leftarrow \beta_1 m + (1 - \beta_1) g, \qquad
        v \leftarrow \beta_2 v + (1 - \beta_2) g^2, \qquad
        w \leftarrow w - \eta \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t}
                         \frac{m}{\sqrt{v} + \epsilon}

    Parameters
    ----------
    beta_1, beta_2 : float, default=0.9 and 0.999
        Decay rates of the two means, from 0 to below 1.
    epsilon : float, default=1e-8
        Keeps the division stable.

    Notes
    -----
    The two means are kept without their factors :math:`1 - \beta`, which saves two passes
    over memory; the factors are folded into the step and into epsilon.

    References
    ----------
    D. P. Kingma and J. Ba, "Adam: A method for stochastic optimization", ICLR 2015, in the
    form of the last paragraph of its section 2.
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    def initial_state(self, n_params: int, dtype: npt.DTypeLike) -> State:
        return {
            "step": 0,
            "first_moment": np.zeros(n_params, dtype=dtype),
            "second_moment": np.zeros(n_params, dtype=dtype),
        }

    def step(
        self, params: FloatArray, gradient: FloatArray, learning_rate: float, state: State
    ) -> None:
        state["step"] += 1
        t = state["step"]
        root = (1 - self.beta_2) ** 0.5
        rate = learning_rate * (1 - self.beta_2**t) ** 0.5 / (1 - self.beta_1**t)
        rate *= (1 - self.beta_1) / root
        epsilon = self.epsilon / root
        for w, g, m, v in blocks(params, gradient, state["first_moment"], state["second_moment"]):
            m *= self.beta_1
            m += g
            v *= self.beta_2
            g *= g
            v += g
            np.sqrt(v, out=g)
            g += epsilon
            np.divide(m, g, out=g)
            g *= rate
            w -= g
