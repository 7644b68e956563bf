"""What an epoch of mini-batches works on: all of a single network, or the members that go on.

Members work on copies, which are written to the state after every whole epoch. So a member that is
frozen costs nothing, and one whose loss is not finite stays what it was before that epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skneural.arrays.batches import Batches
from skneural.arrays.matrices import FloatArray
from skneural.layers import Draws
from skneural.minimizers.state import TrainingState
from skneural.objective import Objective
from skneural.optimizers import State
from skneural.optimizers.contract import RESERVED


@dataclass(frozen=True)
class Work:
    """The arrays of an epoch.

    Attributes
    ----------
    objective : Objective
    batches : Batches
    params : ndarray of shape (n_params,), or (n_active, n_params)
    optimizer : dict
    random : Draws or None
        What layers draw from, see `Dropout`.
    active : list of int or None
        Which members go on; None for a single network, whose arrays are those of the state.
    """

    objective: Objective
    batches: Batches
    params: FloatArray
    optimizer: State
    random: Draws | None
    active: list[int] | None

    def write_back(self, state: TrainingState, losses: Any) -> None:
        """Bring the state up to date, but for members whose loss is not finite.

        Parameters
        ----------
        state : TrainingState
        losses : ndarray of shape (n_active,)
            Of the epoch.
        """
        is_finite = np.isfinite(losses)
        places = np.array(self.active)[is_finite]
        state.params[places] = self.params[is_finite]
        for name, value in self.optimizer.items():
            if name.startswith("scratch"):
                continue
            if _is_of_members(name, value, self.params):
                if name not in state.optimizer:  # the first step has made it
                    shape = state.params.shape if value.ndim == 2 else state.params.size
                    state.optimizer[name] = np.zeros(shape, value.dtype)
                mine = state.optimizer[name].reshape(state.params.shape)
                mine[places] = value.reshape(self.params.shape)[is_finite]
            elif name != "clipping":
                # A number such as that of the steps: the same for all that go on.
                state.optimizer[name] = value


def active_members(state: TrainingState) -> list[int]:
    """The members that go on."""
    return [k for k, reason in enumerate(state.record.stopped) if not reason]


def optimizer_of(optimizer: State, params: FloatArray, active: Sequence[int]) -> State:
    """A copy of what an optimizer remembers of some of the members.

    Parameters
    ----------
    optimizer : dict
    params : ndarray of shape (K, n_params)
    active : sequence of int
    """
    chosen: State = {}
    for name, value in optimizer.items():
        if name == "scratch_rates":
            chosen[name] = value[active]
        elif _is_of_members(name, value, params):
            rows = value.reshape(params.shape)[active]
            chosen[name] = rows if value.ndim == 2 else rows.reshape(-1)
        else:
            chosen[name] = value
    return chosen


def _is_of_members(name: str, value: Any, params: FloatArray) -> bool:
    """Whether this is an array with an element for each parameter."""
    is_array = isinstance(value, np.ndarray) and value.size == params.size
    return is_array and (name not in RESERVED or name == "average")
