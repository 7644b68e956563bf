r"""First-order optimizers: one in-place step on the flat parameter vector.

An optimizer holds settings only. What it remembers from step to step is its *state*, a
plain dict of arrays and numbers that it creates, updates, and that others copy and store.

The vectors are walked in blocks that stay in the second-level cache while the few NumPy
operations of a step pass over them.

=======  =====================================================================================
Adam     The first choice: forgiving about the learning rate and about the scale of the data.
AdamW    Adam with weight decay: for large networks, which learn their data by heart.
NAdam    Adam that looks ahead: where Adam works but takes many epochs.
SGD      Wants a tuned learning rate, a schedule and standardised data. Then it can end at a
         better test score than the adaptive ones (Wilson et al. 2017).
RMSprop  Follows the latest gradient: for targets that move while one trains.
AdaGrad  Its steps die down by themselves, slowest for rare features: for sparse data.
=======  =====================================================================================

Source of the comparison: A. C. Wilson, R. Roelofs, M. Stern, N. Srebro and B. Recht, "The
marginal value of adaptive gradient methods in machine learning", NeurIPS 2017.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import inf, sqrt
from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt
from scipy import linalg

from skneural._arrays import FloatArray, block_length, blocks
from skneural._settings import Settings, number

State: TypeAlias = dict[str, Any]

#: What is in the state of every optimizer, beside its moments.
RESERVED = frozenset({"average", "clipping", "n_averaged", "n_weights"})


@dataclass(repr=False, eq=False)
class Optimizer(Settings, ABC):
    r"""The contract of an optimizer, and what all of them can do besides.

    A subclass says what it remembers (`initial_moments`) and how it moves (`update`).

    Parameters
    ----------
    weight_decay : float, default=0.0
        Decoupled weight decay :math:`\lambda`: every step begins with
        :math:`W \leftarrow (1 - \eta \lambda) W`, intercepts left out. Unlike the penalty
        `alpha` it does not pass through the moments, so that it is the same for all weights.
    max_grad_norm : float or None, default=None
        Where the norm of the gradient over all parameters exceeds this, the gradient is scaled
        down to it. For steps that are thrown far by a rare batch.
    averaging : float or None, default=None
        Keep a running average of the parameters, which is what predicts and is validated. The
        average moves by the share :math:`\max(1 - \text{averaging}, 1 / t)` of the way to the
        parameters after step t: below 1 this is an exponential moving average over about
        :math:`1 / (1 - \text{averaging})` steps, 1 is Polyak's average of all of them.

    References
    ----------
    I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019;
    R. Pascanu, T. Mikolov and Y. Bengio, "On the difficulty of training recurrent neural
    networks", ICML 2013 (clipping by the global norm); B. T. Polyak and A. B. Juditsky,
    "Acceleration of stochastic approximation by averaging", SIAM Journal on Control and
    Optimization 30, 1992.
    """

    weight_decay: float = number(0.0, 0, kw_only=True)
    max_grad_norm: float | None = number(None, 0, closed="neither", kw_only=True)
    averaging: float | None = number(None, 0, 1, closed="right", kw_only=True)

    @abstractmethod
    def initial_moments(self, n_params: int, dtype: npt.DTypeLike) -> State:
        """What `update` remembers, before the first step.

        Parameters
        ----------
        n_params : int
        dtype : dtype
            Of the parameters.

        Returns
        -------
        moments : dict
            Arrays and numbers by name. An array named "scratch" is not kept when the training
            is over.
        """

    @abstractmethod
    def update(
        self, params: FloatArray, gradient: FloatArray, learning_rate: float, state: State
    ) -> None:
        """Move the parameters, and bring the state up to date, in place.

        Parameters
        ----------
        params, gradient : ndarray of shape (n_params,)
            The gradient may be overwritten.
        learning_rate : float
        state : dict
        """

    def step_length(self, learning_rate: float, state: State, out: FloatArray) -> None:
        """Write how far the last step moved each parameter per unit of a steady gradient.

        It is the unit in which an L1 penalty shrinks the weights: an optimizer can do without it
        as long as there is none.

        Parameters
        ----------
        learning_rate : float
        state : dict
            As `update` has left it.
        out : ndarray of shape (n_params,)
        """
        raise NotImplementedError(f"{type(self).__name__} does not say how long its steps are.")

    @final
    def initial_state(
        self, n_params: int, dtype: npt.DTypeLike, n_weights: int | None = None
    ) -> State:
        """The state before the first step.

        Parameters
        ----------
        n_params : int
        dtype : dtype
        n_weights : int or None, default=None
            How many of the parameters, the first ones, decay; None for all.
        """
        state = self.initial_moments(n_params, dtype)
        if taken := RESERVED.intersection(state):
            raise ValueError(
                f"initial_moments of {type(self).__name__} must not use the name "
                f"{min(taken)!r}, which is taken: rename it."
            )
        state["n_weights"] = n_params if n_weights is None else n_weights
        if self.averaging is not None:
            state["n_averaged"] = 0
            state["average"] = np.zeros(n_params, dtype=dtype)
        return state

    @final
    def step(
        self, params: FloatArray, gradient: FloatArray, learning_rate: float, state: State
    ) -> None:
        """Clip the gradient, let the weights decay, and update. `gradient` is scratch."""
        if self.max_grad_norm is not None:
            state["clipping"] = _clip(gradient, self.max_grad_norm)
        if self.weight_decay:
            params[: state["n_weights"]] *= 1 - learning_rate * self.weight_decay
        self.update(params, gradient, learning_rate, state)

    @final
    def unclipped_step_length(self, learning_rate: float, state: State, out: FloatArray) -> None:
        """Write the length of the steps per unit of the gradient before it was clipped."""
        self.step_length(learning_rate, state, out)
        if self.max_grad_norm is not None:
            out *= state["clipping"]

    @final
    def average(
        self, params: FloatArray, scratch: FloatArray, state: State, *, keeps_zeros: bool = False
    ) -> None:
        """Move the average towards the parameters.

        Parameters
        ----------
        params, scratch : ndarray of shape (n_params,)
        state : dict
        keeps_zeros : bool, default=False
            Whether what is zero among the parameters is to be zero in the average, which it
            would only come close to.
        """
        assert self.averaging is not None
        state["n_averaged"] += 1
        share = max(1 - self.averaging, 1 / state["n_averaged"])
        for mean, w, move in blocks(state["average"], params, scratch):
            np.subtract(w, mean, out=move)
            move *= share
            mean += move
            if keeps_zeros:
                np.sign(w, out=move)
                np.abs(move, out=move)
                mean *= move


def _clip(gradient: FloatArray, largest_norm: float) -> float:
    """Scale a gradient down to a norm, in place; return by how much."""
    with np.errstate(over="ignore"):
        norm = sqrt(float(np.dot(gradient, gradient)))
    if norm == inf:
        # A gradient may well be finite when its square is not; this takes longer.
        norm = float(linalg.norm(gradient, check_finite=False))
    if not largest_norm < norm < inf:
        return 1.0
    gradient *= largest_norm / norm
    return largest_norm / norm


@dataclass(repr=False, eq=False)
class SGD(Optimizer):
    r"""Stochastic gradient descent with momentum.

    All parameters move by the same measure, so that features of very different scale are
    learnt at very different speed: standardise them, and tune the learning rate.

    .. math::

        v \leftarrow \mu v - \eta g, \qquad
        w \leftarrow w + v \quad\text{or, with Nesterov's momentum,}\quad
        w \leftarrow w + \mu v - \eta g

    Parameters
    ----------
    momentum : float, default=0.9
        :math:`\mu`, from 0 to 1. With 0 this is plain gradient descent.
    nesterovs_momentum : bool, default=True
    weight_decay, max_grad_norm, averaging
        As in `Optimizer`.

    References
    ----------
    I. Sutskever, J. Martens, G. Dahl and G. Hinton, "On the importance of initialization
    and momentum in deep learning", ICML 2013.
    """

    momentum: float = number(0.9, 0, 1)
    nesterovs_momentum: bool = True

    def initial_moments(self, n_params: int, dtype: npt.DTypeLike) -> State:
        return {"velocity": np.zeros(n_params, dtype=dtype), "steady_velocity": 0.0}

    def update(
        self, params: FloatArray, gradient: FloatArray, learning_rate: float, state: State
    ) -> None:
        # What the velocity would be under a gradient of 1 all along.
        state["steady_velocity"] = self.momentum * state["steady_velocity"] + learning_rate
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

    def step_length(self, learning_rate: float, state: State, out: FloatArray) -> None:
        velocity = state["steady_velocity"]
        if self.nesterovs_momentum:
            velocity = self.momentum * velocity + learning_rate
        out[...] = velocity


@dataclass(repr=False, eq=False)
class Adam(Optimizer):
    r"""Adam: steps scaled by running means of the gradient and of its square.

    Every parameter moves by about the learning rate in each step, whatever the size of its
    gradient. This is why the default rate suits so many networks.

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
    weight_decay, max_grad_norm, averaging
        As in `Optimizer`.

    Notes
    -----
    The two means are kept without their factors :math:`1 - \beta`, which saves two passes
    over memory; the factors are folded into the step and into epsilon.

    References
    ----------
    D. P. Kingma and J. Ba, "Adam: A method for stochastic optimization", ICLR 2015, in the
    form of the last paragraph of its section 2.
    """

    beta_1: float = number(0.9, 0, 1, closed="left")
    beta_2: float = number(0.999, 0, 1, closed="left")
    epsilon: float = number(1e-8, 0, closed="neither")

    def initial_moments(self, n_params: int, dtype: npt.DTypeLike) -> State:
        return {
            "step": 0,
            "first_moment": np.zeros(n_params, dtype=dtype),
            "second_moment": np.zeros(n_params, dtype=dtype),
        }

    def update(
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

    def step_length(self, learning_rate: float, state: State, out: FloatArray) -> None:
        # The mean of a steady gradient, its bias corrected, is the gradient.
        root = (1 - self.beta_2) ** 0.5
        rate = learning_rate * (1 - self.beta_2 ** state["step"]) ** 0.5 / root
        _divide_by_root(rate, state["second_moment"], self.epsilon / root, out)


@dataclass(repr=False, eq=False)
class AdamW(Adam):
    r"""Adam with weight decay: every step begins with :math:`W \leftarrow (1 - \eta \lambda) W`.

    Under Adam the penalty `alpha` says little: as a part of the gradient it is divided by the
    gradient's size, and so weighs least on the weights that move most. Weight decay is the same
    for all of them. Use it, with `alpha` at 0, where a network learns its data by heart.

    Parameters
    ----------
    beta_1, beta_2, epsilon : float
        As in `Adam`.
    weight_decay : float, default=0.01
        :math:`\lambda`. It is multiplied by the learning rate: a schedule lowers both.
    max_grad_norm, averaging
        As in `Optimizer`.

    References
    ----------
    I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019.
    """

    weight_decay: float = number(0.01, 0, kw_only=True)


@dataclass(repr=False, eq=False)
class NAdam(Adam):
    r"""Adam with Nesterov's momentum: the step looks ahead to where the next mean will be.

    .. math::

        \mu_t = \beta_1 (1 - \tfrac12 \cdot 0.96^{t \psi}), \qquad
        \hat m = \frac{1 - \mu_t}{1 - \mu_1 \cdots \mu_t} g
                 + \frac{\mu_{t+1}}{1 - \mu_1 \cdots \mu_{t+1}} m, \qquad
        w \leftarrow w - \eta \frac{\hat m}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}

    with m and v as in `Adam`. Where Adam works this does, and often gets there in fewer epochs.
    The momentum :math:`\mu` begins at half of :math:`\beta_1`, so that the first steps follow the
    latest gradient more than Adam's do.

    Parameters
    ----------
    beta_1, beta_2, epsilon : float
        As in `Adam`, but epsilon is added to the root after its bias is corrected.
    momentum_decay : float, default=0.004
        :math:`\psi`. The larger, the sooner :math:`\mu` reaches :math:`\beta_1`.
    weight_decay, max_grad_norm, averaging
        As in `Optimizer`.

    References
    ----------
    T. Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016.
    """

    momentum_decay: float = number(0.004, 0)

    def initial_moments(self, n_params: int, dtype: npt.DTypeLike) -> State:
        return {
            **super().initial_moments(n_params, dtype),
            "momentum_product": 1.0,
            "scratch": _scratch(n_params, dtype),
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
        for w, g, m, v in blocks(params, gradient, state["first_moment"], state["second_moment"]):
            other = state["scratch"][: len(w)]
            m *= self.beta_1
            m += g
            _add_square(g, v, self.beta_2, scratch=other)
            g *= gradient_share * rate
            np.multiply(m, mean_share * rate, out=other)
            g += other
            np.sqrt(v, out=other)
            other += epsilon
            g /= other
            w -= g

    def step_length(self, learning_rate: float, state: State, out: FloatArray) -> None:
        # Under a steady gradient the two shares soon add up to 1.
        root = self._root(state["step"])
        _divide_by_root(learning_rate / root, state["second_moment"], self.epsilon / root, out)

    def _momentum(self, t: int) -> float:
        still_missing: float = 0.96 ** (t * self.momentum_decay)
        return self.beta_1 * (1 - 0.5 * still_missing)

    def _root(self, t: int) -> float:
        # Of what is still missing from the second moment: its factor, and its bias.
        return sqrt((1 - self.beta_2) / (1 - self.beta_2**t))


@dataclass(repr=False, eq=False)
class RMSprop(Optimizer):
    r"""Steps scaled by a running mean of the square of the gradient.

    .. math::

        v \leftarrow \rho v + (1 - \rho) g^2, \qquad
        u \leftarrow \mu u + \frac{g}{\sqrt{v} + \epsilon}, \qquad
        w \leftarrow w - \eta u

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
    weight_decay, max_grad_norm, averaging
        As in `Optimizer`.

    Notes
    -----
    As in `Adam`, the mean is kept without its factor :math:`1 - \rho`. It begins at 0 and that
    bias is not corrected: the first step is about :math:`1 / \sqrt{1 - \rho}` times as long as
    the later ones.

    References
    ----------
    T. Tieleman and G. Hinton, "Lecture 6.5 - rmsprop: Divide the gradient by a running average
    of its recent magnitude", Coursera: Neural networks for machine learning, 2012.
    """

    decay: float = number(0.99, 0, 1, closed="left")
    epsilon: float = number(1e-8, 0, closed="neither")
    momentum: float = number(0.0, 0, 1)

    def initial_moments(self, n_params: int, dtype: npt.DTypeLike) -> State:
        state = {
            "second_moment": np.zeros(n_params, dtype=dtype),
            "scratch": _scratch(n_params, dtype),
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
        # Without momentum the velocity is the scaled gradient, which is where that stands.
        velocity = state["velocity"] if self.momentum else gradient
        for w, g, u, v in blocks(params, gradient, velocity, state["second_moment"]):
            other = state["scratch"][: len(w)]
            _add_square(g, v, self.decay, scratch=other)
            np.sqrt(v, out=other)
            other += epsilon
            g /= other
            if self.momentum:
                u *= self.momentum
                u += g
            np.multiply(u, rate, out=g)
            w -= g

    def step_length(self, learning_rate: float, state: State, out: FloatArray) -> None:
        root = sqrt(1 - self.decay)
        rate = learning_rate / root * _lasting_steps(self.momentum)
        _divide_by_root(rate, state["second_moment"], self.epsilon / root, out)


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
    weight_decay, max_grad_norm, averaging
        As in `Optimizer`.

    References
    ----------
    J. Duchi, E. Hazan and Y. Singer, "Adaptive subgradient methods for online learning and
    stochastic optimization", Journal of Machine Learning Research 12, 2011.
    """

    epsilon: float = number(1e-10, 0, closed="neither")

    def initial_moments(self, n_params: int, dtype: npt.DTypeLike) -> State:
        return {
            "sum_of_squares": np.zeros(n_params, dtype=dtype),
            "scratch": _scratch(n_params, dtype),
        }

    def update(
        self, params: FloatArray, gradient: FloatArray, learning_rate: float, state: State
    ) -> None:
        for w, g, s in blocks(params, gradient, state["sum_of_squares"]):
            other = state["scratch"][: len(w)]
            np.multiply(g, g, out=other)
            s += other
            np.sqrt(s, out=other)
            other += self.epsilon
            g /= other
            g *= learning_rate
            w -= g

    def step_length(self, learning_rate: float, state: State, out: FloatArray) -> None:
        _divide_by_root(learning_rate, state["sum_of_squares"], self.epsilon, out)


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "adam": Adam,
    "adamw": AdamW,
    "nadam": NAdam,
    "rmsprop": RMSprop,
    "adagrad": AdaGrad,
}


def _scratch(n_params: int, dtype: npt.DTypeLike) -> FloatArray:
    """One block, for steps that need the gradient itself after its square."""
    return np.zeros(min(n_params, block_length(dtype)), dtype=dtype)


def _add_square(g: FloatArray, v: FloatArray, decay: float, scratch: FloatArray) -> None:
    """A running mean of squares moves on, without its factor 1 - decay."""
    v *= decay
    np.multiply(g, g, out=scratch)
    v += scratch


def _divide_by_root(rate: float, square: FloatArray, epsilon: float, out: FloatArray) -> None:
    """Write rate / (sqrt(square) + epsilon) into `out`."""
    for length, v in blocks(out, square):
        np.sqrt(v, out=length)
        length += epsilon
        np.divide(rate, length, out=length)


def _lasting_steps(momentum: float) -> float:
    """How many steps of its own length a gradient is worth in the end: 1 + mu + mu^2 + ..."""
    return 1 / (1 - momentum) if momentum < 1 else inf
