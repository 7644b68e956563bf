"""An optimizer of a user's own: whether it moves parameters in place, downhill, and can go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from skneural.arrays.matrices import FloatArray
from skneural.minimizers.members import optimizer_of
from skneural.optimizers import Optimizer, State
from skneural.optimizers.contract import KEPT_IN_STATE

N_PARAMS = 7
N_STEPS = 100
N_MEMBERS = 3

#: Steps after which means over a hundred of them have settled, and what may be missing then.
N_STEADY_STEPS = 1000
STEADY_TOLERANCE = 0.02


def check_optimizer(
    optimizer: Optimizer, learning_rate: float = 0.01, *, checks_members: bool = True
) -> None:
    r"""Minimise a quadratic function by 100 steps, and look at what an optimizer does on the way.

    .. math:: f(w) = \tfrac12 \sum_j c_j (w_j - t_j)^2, \qquad c_j \in [0.5, 2]

    Parameters
    ----------
    optimizer : Optimizer
        What to check.
    learning_rate : float, default=0.01
        Of all steps.
    checks_members : bool, default=True
        Whether to compare three networks side by side, one of which ends early, with each alone.
        False for an optimizer that is for single networks.

    Raises
    ------
    TypeError
        If `init_moments` returns something else than a dict of arrays and numbers, such objects are
        in the state after some steps, or `update` returns parameters instead of changing them in
        place.
    ValueError
        If its settings are not valid, the parameters do not move, are not finite or end no lower
        than they began, or a training that goes on from a copy of the state is another one;
        `step_length`, where there is one, does not write how far the last step has gone; or members
        are not what each of them is alone.

    Examples
    --------
    >>> from skneural.checks import check_optimizer
    >>> from skneural.optimizers import SGD
    >>> check_optimizer(SGD(momentum=0.9))
    """
    optimizer.check()
    name = type(optimizer).__name__
    rng = np.random.default_rng(0)
    curvature, target = rng.uniform(0.5, 2, N_PARAMS), rng.standard_normal(N_PARAMS)

    def steps(params: FloatArray, state: State, n: int) -> None:
        for _ in range(n):
            optimizer.step(params, curvature * (params - target), learning_rate, state)

    def value(params: FloatArray) -> float:
        return float(np.sum(curvature * (params - target) ** 2) / 2)

    params, state = np.zeros(N_PARAMS), optimizer.init_state(N_PARAMS, np.float64)
    steps(params, state, 3)
    for key, entry in state.items():
        if not isinstance(entry, KEPT_IN_STATE):
            raise TypeError(
                f"The state of {name} must hold arrays and numbers, which a copy can have for "
                f"itself: {key!r} is a {type(entry).__name__} after three steps."
            )
    copied, memory = params.copy(), _copy_of_state(optimizer, state)
    steps(params, state, N_STEPS - 3)
    steps(copied, memory, N_STEPS - 3)
    if not np.array_equal(params, copied, equal_nan=True):
        raise ValueError(
            f"A training by {name} that goes on from a copy of its state is another one: all that "
            "it remembers must be in the state, under names that do not begin with 'scratch'."
        )
    if not np.any(params):
        raise ValueError(
            f"{name}.update has not moved the parameters in {N_STEPS} steps: it must change them "
            "in place, as by `params -= ...`."
        )
    before, after = value(np.zeros(N_PARAMS)), value(params)
    if not after < before:
        raise ValueError(
            f"{N_STEPS} steps of {name} at a learning rate of {learning_rate} lead from a value of "
            f"{before:.4g} to {after:.4g}: it goes uphill, or needs another rate."
        )
    if type(optimizer).step_length is not Optimizer.step_length:
        _check_step_length(optimizer, learning_rate)
    if checks_members:
        _check_members(optimizer, steps, rng.standard_normal((N_MEMBERS, N_PARAMS)))


def _check_step_length(optimizer: Optimizer, learning_rate: float) -> None:
    """Compare the lengths with the last of many steps along the same gradient."""
    params, gradient = np.zeros(N_PARAMS), np.linspace(0.5, 2, N_PARAMS)
    state, before = optimizer.init_state(N_PARAMS, np.float64), params
    for _ in range(N_STEADY_STEPS):
        before = params.copy()
        optimizer.update(params, gradient.copy(), learning_rate, state)
    expected = (before - params) / gradient
    lengths = np.full(N_PARAMS, np.nan)
    optimizer.step_length(learning_rate, state, lengths)
    if not np.allclose(lengths, expected, rtol=STEADY_TOLERANCE, atol=0):
        raise ValueError(
            f"{type(optimizer).__name__}.step_length must write into out how far the last step has "
            "moved each parameter per unit of a steady gradient: after "
            f"{N_STEADY_STEPS} steps these are {expected.tolist()}, got {lengths.tolist()}."
        )


def _check_members(
    optimizer: Optimizer, steps: Callable[[FloatArray, State, int], None], start: FloatArray
) -> None:
    """Three members for some steps, then the first and the last of them, beside each alone."""
    name, dtype = type(optimizer).__name__, np.float64
    going_on, n_steps = [0, N_MEMBERS - 1], 3
    try:
        params, state = start.copy(), optimizer.init_state(start.shape, dtype)
        steps(params, state, n_steps)
        rest, memory = params[going_on], optimizer_of(state, params, going_on)
        steps(rest, memory, n_steps)
    except Exception as error:
        raise ValueError(
            f"{name} is not for members side by side, whose vectors follow one another, and of "
            "which some end early (checks_members=False leaves that out). It has raised "
            f"{type(error).__name__}: {error}"
        ) from error
    for together, k in zip(rest, going_on, strict=True):
        alone = start[k].copy()
        steps(alone, optimizer.init_state(N_PARAMS, dtype), 2 * n_steps)
        if not np.allclose(together, alone, rtol=1e-9, atol=1e-12):
            raise ValueError(
                f"{name} moves members side by side otherwise than each alone: every element must "
                "move by itself, whatever the others are (checks_members=False leaves that out)."
            )


def _copy_of_state(optimizer: Optimizer, state: State) -> State:
    """What is left of a state where a training goes on in another process."""
    memory: dict[str, Any] = optimizer.init_state(N_PARAMS, np.float64)
    for key, entry in state.items():
        if not key.startswith("scratch"):
            memory[key] = np.array(entry) if isinstance(entry, np.ndarray) else entry
    return memory
