"""The contract of an optimizer, and what all of them share: decay, clipping, L1, averaging."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, prod, sqrt
from numbers import Number
from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt
from scipy import linalg

from skneural.arrays.in_place import is_another_array
from skneural.arrays.matrices import FloatArray, blocks
from skneural.kernels import compiled_as
from skneural.kernels import optimizers as kernels
from skneural.settings import Settings, number

State: TypeAlias = dict[str, Any]

#: What is in the state of every optimizer, beside its moments.
RESERVED = frozenset(
    {"average", "clipping", "n_averaged", "n_penalised", "scratch_factors", "scratch_rates"}
)

#: What a state may hold. Other objects would be shared by its copies: an epoch that failed would
#: have changed them.
KEPT_IN_STATE = (np.ndarray, Number, np.bool_, str, type(None))

#: Parameters from one place to another, and a factor for them.
Factors: TypeAlias = Sequence[tuple[slice, float]]


@dataclass(repr=False, eq=False)
class Optimizer(Settings, ABC):
    r"""The contract of an optimizer, and what all of them can do besides.

    A subclass says what it remembers (`init_moments`) and how it moves (`update`).

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

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if _place_of(cls, "update") < _place_of(cls, "update_by_factors"):
            # One that is inherited from further away belongs to another `update`.
            for name in ("init_factors", "update_by_factors"):
                setattr(cls, name, vars(Optimizer)[name])

    @abstractmethod
    def init_moments(self, n_params: int, dtype: npt.DTypeLike) -> State:
        """What `update` remembers, before the first step.

        Parameters
        ----------
        n_params : int
            How many parameters there are.
        dtype : dtype
            Of the parameters.

        Returns
        -------
        dict
            Arrays and numbers by name. An array whose name begins with "scratch" is not kept when
            the training is over. Networks side by side divide arrays with one element for each
            parameter among them, and share all others.
        """

    @abstractmethod
    def update(
        self, params: FloatArray, gradient: FloatArray, learning_rate: float, state: State
    ) -> None:
        """Move the parameters, and bring the state up to date, in place.

        Parameters
        ----------
        params, gradient : ndarray of shape (n_params,)
            The gradient may be overwritten. Of several members, their vectors one after another:
            each element moves by itself, whatever the others are.
        learning_rate : float
            The rate of this step.
        state : dict
            What `init_state` has returned.
        """

    def init_factors(self, shape: tuple[int, ...], dtype: npt.DTypeLike, rates: Factors) -> State:
        """The memory of `update_by_factors`, by names in `RESERVED`.

        Parameters
        ----------
        shape : tuple of int
            Of the parameters.
        dtype : dtype
            Of the parameters.
        rates : sequence of (slice, float)
            Which parameters have a factor of the learning rate, and that factor.

        Returns
        -------
        dict
            Arrays by name.
        """
        n_slow = sum(len(range(*place.indices(shape[-1]))) for place, _ in rates)
        return {"scratch_rates": np.zeros((*shape[:-1], n_slow), dtype=dtype)}

    def update_by_factors(
        self,
        params: FloatArray,
        gradient: FloatArray,
        learning_rate: float,
        state: State,
        rates: Factors,
        decay: float,
        decays: Factors,
    ) -> Any:
        """Weight decay and `update`, where parameters have factors of the learning rate.

        As it stands, it updates and then makes the steps longer or shorter, since every optimizer
        moves in proportion to its rate. A subclass can take the factors along in its update.

        Parameters
        ----------
        params, gradient : ndarray of shape (n_params,), or (K, n_params)
            As for `update`.
        learning_rate : float
            The rate of this step, before its factors.
        state : dict
            What `init_state` has returned.
        rates : sequence of (slice, float)
            Factors of the learning rate.
        decay : float
            The share of the weights that is taken away before the step.
        decays : sequence of (slice, float)
            Factors of `decay`.

        Returns
        -------
        object
            What `update` returns, for `step` to look at: nothing, unless it is wrong.
        """
        if decay:
            self._decay(params, decay, state, decays)
        _save(params, rates, state["scratch_rates"])
        returned: Any = self.update(params.reshape(-1), gradient.reshape(-1), learning_rate, state)
        _rescale(params, rates, state["scratch_rates"])
        return returned

    def step_length(self, learning_rate: float, state: State, out: FloatArray) -> None:
        """Write how far the last step moved each parameter per unit of a steady gradient.

        It is the unit in which an L1 penalty shrinks the weights: an optimizer can do without it
        as long as there is none.

        Parameters
        ----------
        learning_rate : float
            That of the step.
        state : dict
            As `update` has left it.
        out : ndarray of shape (n_params,)
            Receives the lengths.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say how long its steps are.")

    @final
    def init_state(
        self,
        shape: int | tuple[int, ...],
        dtype: npt.DTypeLike,
        n_penalised: int | None = None,
        rates: Factors = (),
    ) -> State:
        """The state before the first step.

        Parameters
        ----------
        shape : int or tuple of int
            Of the parameters: ``n_params``, or ``(K, n_params)`` for K members side by side.
        dtype : dtype
            Of the parameters.
        n_penalised : int or None, default=None
            How many of the parameters, the first ones, decay and are penalised; None for all.
        rates : sequence of (slice, float), default=()
            Parameters whose learning rate has a factor.

        Returns
        -------
        dict
            The moments, and what all optimizers have besides, by name.

        Raises
        ------
        TypeError
            If `init_moments` returns something else than a dict of arrays and numbers.
        ValueError
            If it uses a name that is taken.
        """
        shape = (shape,) if isinstance(shape, int) else shape
        state: Any = self.init_moments(prod(shape), dtype)
        whose = f"init_moments of {type(self).__name__} must"
        if not isinstance(state, dict):
            raise TypeError(f"{whose} return a dict, got a {type(state).__name__}.")
        for name, value in state.items():
            if not isinstance(value, KEPT_IN_STATE):
                raise TypeError(
                    f"{whose} return a dict of arrays and numbers, got a {type(value).__name__} "
                    f"as {name!r}."
                )
        if taken := RESERVED.intersection(state):
            raise ValueError(f"{whose} not use the name {min(taken)!r}, which is taken: rename it.")
        state["n_penalised"] = shape[-1] if n_penalised is None else n_penalised
        if rates:
            state.update(self.init_factors(shape, dtype, rates))
        if self.averaging is not None:
            state["n_averaged"] = 0
            state["average"] = np.zeros(shape, dtype=dtype)
        return state

    @final
    def step(
        self,
        params: FloatArray,
        gradient: FloatArray,
        learning_rate: float,
        state: State,
        *,
        l1: Any = None,
        rates: Factors = (),
        decays: Factors = (),
        decay_factor: float = 1.0,
    ) -> None:
        """Clip the gradient, let the weights decay, update, shrink them by L1, and average.

        Parameters
        ----------
        params, gradient : ndarray of shape (n_params,), or (K, n_params)
            The gradient is scratch.
        learning_rate : float
        state : dict
        l1 : float, or ndarray of shape (K,), or None, default=None
            Strength of the L1 penalty on the first `n_penalised` parameters; None for none.
        rates, decays : sequence of (slice, float), default=()
            Factors of the learning rate, and of weight decay, for some of the parameters.
        decay_factor : float, default=1.0
            A factor of weight decay for all of them: what a schedule makes of it in this step.
        """
        if params.ndim == 2 and not params.flags.c_contiguous:
            raise ValueError(
                "Parameters of members must be in C order, so that all are one vector that can be "
                "changed in place: np.ascontiguousarray makes such an array."
            )
        if self.max_grad_norm is not None:
            state["clipping"] = _clip_all(gradient, self.max_grad_norm)
        decay = learning_rate * self.weight_decay * decay_factor
        flat = params.reshape(-1)
        returned: Any
        if rates:
            returned = self.update_by_factors(
                params, gradient, learning_rate, state, rates, decay, decays
            )
        else:
            if decay:
                self._decay(params, decay, state, decays)
            returned = self.update(flat, gradient.reshape(-1), learning_rate, state)
        if returned is not None and is_another_array(returned, flat):
            raise TypeError(
                f"{type(self).__name__}.update must change params in place, as by `params -= ...`, "
                "and return nothing: it has returned an array."
            )
        if l1 is not None:
            self._shrink(params, gradient, learning_rate, state, l1, rates)
        if self.averaging is not None:
            self.average(params, gradient, state, keeps_zeros=l1 is not None)

    def _decay(self, params: FloatArray, amount: float, state: State, decays: Factors) -> None:
        start = 0
        for place, factor in decays:
            params[..., start : place.start] *= 1 - amount
            params[..., place] *= 1 - amount * factor
            start = place.stop
        params[..., start : state["n_penalised"]] *= 1 - amount

    def _shrink(
        self,
        params: FloatArray,
        scratch: FloatArray,
        learning_rate: float,
        state: State,
        l1: Any,
        rates: Factors,
    ) -> None:
        """The proximal step of the L1 penalty, in the unit of the step before it was clipped."""
        self.step_length(learning_rate, state, scratch.reshape(-1))
        for place, factor in rates:
            scratch[..., place] *= factor
        if self.max_grad_norm is not None:
            scratch *= np.asarray(state["clipping"], dtype=scratch.dtype)[..., np.newaxis]
        n = state["n_penalised"]
        if params.ndim == 1:
            prox_l1(params[:n], scratch[:n], float(l1))
            return
        for k, strength in enumerate(np.broadcast_to(l1, len(params)).tolist()):
            prox_l1(params[k, :n], scratch[k, :n], strength)

    @final
    def average(
        self, params: FloatArray, scratch: FloatArray, state: State, *, keeps_zeros: bool = False
    ) -> None:
        """Move the average towards the parameters.

        Parameters
        ----------
        params, scratch : ndarray of shape (n_params,), or (K, n_params)
            The parameters, and memory to compute in.
        state : dict
            What `init_state` has returned.
        keeps_zeros : bool, default=False
            Whether what is zero among the parameters is to be zero in the average, which it
            would only come close to.
        """
        assert self.averaging is not None
        state["n_averaged"] += 1
        share = max(1 - self.averaging, 1 / state["n_averaged"])
        vectors = (state["average"].reshape(-1), params.reshape(-1), scratch.reshape(-1))
        move_average(*vectors, share, keeps_zeros)


def _place_of(cls: type, name: str) -> int:
    """Where, in the order of inheritance, the class is that a method comes from."""
    return next(i for i, each in enumerate(cls.__mro__) if name in vars(each))


@compiled_as(kernels.move_average)
def move_average(
    mean: FloatArray, params: FloatArray, scratch: FloatArray, share: float, keeps_zeros: bool
) -> None:
    """Move a running mean by a share of the way to the parameters; see `Optimizer.average`."""
    for average, w, move in blocks(mean, params, scratch):
        np.subtract(w, average, out=move)
        move *= share
        average += move
        if keeps_zeros:
            np.sign(w, out=move)
            np.abs(move, out=move)
            average *= move


@compiled_as(kernels.prox_l1)
def prox_l1(params: FloatArray, step_length: FloatArray, strength: float) -> None:
    """Move parameters towards zero, by step length times strength, and never beyond it.

    Parameters
    ----------
    params : ndarray of shape (n,)
        After a step along the gradient.
    step_length : ndarray of shape (n,)
        How far that step moves each per unit of gradient. Used as scratch.
    strength : float
        Of the L1 penalty.
    """
    for w, threshold in blocks(params, step_length):
        threshold *= strength
        np.copysign(threshold, w, out=threshold)
        w -= threshold
        # What has changed its sign was closer to zero than the threshold, and becomes zero.
        sign = np.copysign(1, threshold, out=threshold)
        w *= sign
        np.maximum(w, 0, out=w)
        w *= sign
        w += 0  # no -0.0


def _save(params: FloatArray, rates: Factors, saved: FloatArray) -> None:
    start = 0
    for place, _ in rates:
        part = params[..., place]
        np.copyto(saved[..., start : start + part.shape[-1]], part)
        start += part.shape[-1]


def _rescale(params: FloatArray, rates: Factors, saved: FloatArray) -> None:
    """Make the steps since `_save` longer or shorter by a factor."""
    start = 0
    for place, factor in rates:
        part = params[..., place]
        before = saved[..., start : start + part.shape[-1]]
        part -= before
        part *= factor
        part += before
        start += part.shape[-1]


def _clip_all(gradient: FloatArray, largest_norm: float) -> Any:
    """Scale the gradient of each member down to a norm; return by how much."""
    if gradient.ndim == 1:
        return _clip(gradient, largest_norm)
    return [_clip(each, largest_norm) for each in gradient]


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
