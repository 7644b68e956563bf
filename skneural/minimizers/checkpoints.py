"""The best epochs of a training by several criteria, with the parameters of each."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from skneural.arrays.matrices import FloatArray
from skneural.minimizers.changed import changed


class BestEpoch(NamedTuple):
    """The best epoch by one criterion.

    Attributes
    ----------
    criterion : str
        The name of the column that it is the lowest of.
    epoch : int
        Counted from 1; 0 before the first.
    value : float
        Of the criterion, in that epoch.
    params : ndarray of shape (n_params,) or (K, n_params), or None
        What the training had come to then. None before the first epoch.
    """

    criterion: str
    epoch: int = 0
    value: float = math.inf
    params: FloatArray | None = None


@dataclass(frozen=True)
class Checkpoints:
    """For each of several criteria, the lower the better, the best epoch so far.

    The last of several equal epochs is the best: it has been trained for longest. NaN counts as
    infinite, so that the first epoch is kept in any case.

    Attributes
    ----------
    best : tuple of BestEpoch
        One for each criterion, in their order. Criteria that chose the same epoch share an array.
    memory : tuple of ndarray
        Arrays to write parameters to, in use or not: one more than there are criteria, at most.

    Notes
    -----
    An object never changes. `enter` gives one with another epoch, whose parameters it writes to an
    array that this object does not name: if it is interrupted, this object is still whole. So the
    object before the last one is whole too, and older ones are not. Whoever keeps one for longer
    takes a `copy`.
    """

    best: tuple[BestEpoch, ...]
    memory: tuple[FloatArray, ...] = ()

    @classmethod
    def of(cls, criteria: Sequence[str]) -> Checkpoints:
        """What a training begins with.

        Parameters
        ----------
        criteria : sequence of str
            Names of columns of the history, see `skneural.minimizers.joint.JointHistory`.
        """
        return cls(tuple(map(BestEpoch, criteria)))

    def enter(self, epoch: int, number: Callable[[str], Any], params: FloatArray) -> Checkpoints:
        """The checkpoints after one more epoch.

        Parameters
        ----------
        epoch : int
            Its number, counted from 1.
        number : callable
            ``number(criterion) -> float``: what the epoch has come to.
        params : ndarray of shape (n_params,) or (K, n_params)
            Copied if it is the best epoch by any criterion.
        """
        values = [float(number(each.criterion)) for each in self.best]
        values = [math.inf if math.isnan(value) else value for value in values]
        is_best = [value <= each.value for value, each in zip(values, self.best, strict=True)]
        if not any(is_best):
            return self
        memory = self.memory
        named = set(map(id, self.arrays()))
        free = next((array for array in memory if id(array) not in named), None)
        if free is None:
            free = np.empty_like(params)
            memory = (*memory, free)
        np.copyto(free, params)
        best = tuple(
            each._replace(epoch=epoch, value=value, params=free) if is_better else each
            for each, value, is_better in zip(self.best, values, is_best, strict=True)
        )
        return changed(self, best=best, memory=memory)

    def arrays(self) -> tuple[FloatArray, ...]:
        """The parameters of the epochs chosen, each epoch once, in the order of the criteria."""
        found = {id(each.params): each.params for each in self.best if each.params is not None}
        return tuple(found.values())

    def epochs(self) -> list[BestEpoch]:
        """The epochs chosen, each once, under the first criterion that chose it."""
        first = {each.epoch: each for each in reversed(self.best) if each.params is not None}
        return [each for each in self.best if first.get(each.epoch) is each]

    def copy(self) -> Checkpoints:
        """The same in arrays of its own, and no others."""
        copies = {id(array): array.copy() for array in self.arrays()}
        best = tuple(each._replace(params=copies.get(id(each.params))) for each in self.best)
        return Checkpoints(best, tuple(copies.values()))

    def __getstate__(self) -> dict[str, Any]:
        # What is pickled, or copied deeply, is without arrays that nothing is in.
        return {"best": self.best, "memory": self.arrays()}
