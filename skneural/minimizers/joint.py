"""Members that are judged as one: numbers of the whole after every epoch, and a rule on cycles.

Members trained on different folds, say, are judged together: each predicts its own fold, which it
has not seen, and the out-of-fold predictions of all rows have one loss, one error, one temperature.
So all members have the same best epoch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from skneural.minimizers.history import NO_VALIDATION, Epoch

_NO_NUMBERS: Mapping[str, float] = MappingProxyType({})


class JointValidation(NamedTuple):
    """What the validation rows say of all members together, after an epoch.

    Attributes
    ----------
    score : float
        The higher, the better: the stopping rule goes by it.
    loss : float
    numbers : mapping of str to float, default={}
        Further columns of the history, such as an error or a temperature. Their names are none of
        those in `skneural.minimizers.history.Epoch`, and the same in every epoch.
    """

    score: float
    loss: float
    numbers: Mapping[str, float] = _NO_NUMBERS


#: Where no member has a finite training loss: nothing is evaluated.
NO_JOINT_VALIDATION = JointValidation(*NO_VALIDATION)


class JointEpoch(NamedTuple):
    """The numbers of one epoch of all members.

    Attributes
    ----------
    epoch : Epoch
        The mean of the training losses, and the validation of the whole.
    numbers : mapping of str to float
        See `JointValidation`.
    """

    epoch: Epoch
    numbers: Mapping[str, float]

    def number(self, name: str) -> Any:
        """A number by the name of its column."""
        return self.numbers[name] if name in self.numbers else getattr(self.epoch, name)


@dataclass(frozen=True)
class JointHistory:
    """The epochs of several members as those of one training.

    Like a `History` it never changes: `enter` gives one that is longer by an epoch.

    Attributes
    ----------
    rows : list of JointEpoch
    n_rows : int
        How many of them count.
    """

    rows: list[JointEpoch] = field(default_factory=list)
    n_rows: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all columns; those of `JointValidation` after those of `Epoch`."""
        return (*Epoch._fields, *(self.rows[0].numbers if self.n_rows else ()))

    def column(self, name: str) -> list[Any]:
        """One number of every epoch; NaN for one of an epoch that was not evaluated.

        Raises
        ------
        ValueError
            If there are epochs, and none that was evaluated has such a number.
        """
        names = {*Epoch._fields}.union(*(row.numbers for row in self.rows[: self.n_rows]))
        if name not in names and len(names) > len(Epoch._fields):
            raise ValueError(f"There is no column {name!r}: there are {sorted(names)}.")
        return [self.number(i, name) for i in range(self.n_rows)]

    def number(self, i: int, name: str) -> Any:
        """One number of one epoch, counted from 0; NaN as in `column`."""
        row = self.rows[i]
        is_there = name in Epoch._fields or name in row.numbers
        return row.number(name) if is_there else math.nan

    def enter(self, row: JointEpoch) -> JointHistory:
        """The history with one more epoch.

        Raises
        ------
        ValueError
            If a further number has the name of one of all epochs.
        """
        if taken := row.numbers.keys() & {*Epoch._fields}:
            raise ValueError(
                f"Numbers of a JointValidation must have other names than those of all epochs: "
                f"{min(taken)!r} is taken."
            )
        rows = self.rows
        rows.append(row)
        if rows[self.n_rows] is not row:  # of another training, as in `History`
            rows = [*rows[: self.n_rows], row]
        return JointHistory(rows, self.n_rows + 1)

    def to_dict(self) -> dict[str, list[Any]]:
        """The history as plain data: a list for each column but the seconds.

        These are left out because the same training would give other data every time.
        """
        return {name: self.column(name) for name in self.names if name != "seconds"}

    @classmethod
    def from_dict(cls, data: Mapping[str, list[Any]]) -> JointHistory:
        """The history that `to_dict` has been made from; its seconds are NaN."""
        of_epoch = [name for name in Epoch._fields if name != "seconds"]
        names = [name for name in data if name not in of_epoch]
        rows = [
            JointEpoch(
                Epoch(**{name: data[name][i] for name in of_epoch}, seconds=math.nan),
                {name: data[name][i] for name in names},
            )
            for i in range(len(data["loss"]))
        ]
        return cls(rows, len(rows))


@dataclass(frozen=True)
class CycleStop:
    """Ends a training after its third cycle, if the second has had a better epoch.

    For schedules with cycles that grow, such as `skneural.schedules.CosLog`: where a training
    overfits, each longer cycle ends worse than the one before, and the last one, which takes half
    of the time, would be in vain.

    Parameters
    ----------
    ends : tuple of three int
        The last epoch of the first, the second and the third cycle, counted from 1: the first three
        of ``CosLog().cycle_ends(max_iter)``.
    column : str, default='validation_loss'
        What to compare, the lower the better: a column of `JointHistory`. The lowest value within
        the third cycle has to be above that within the second; where they are equal the training
        goes on. NaN counts as infinite.
    learnt : float or None, default=None
        The validation loss that an epoch has to have come below: a training that is still at the
        loss of a constant has not begun to learn, and which cycle is better is chance. None for
        any loss.
    """

    ends: tuple[int, int, int]
    column: str = "validation_loss"
    learnt: float | None = None

    def is_over(self, history: JointHistory) -> bool:
        """Whether no epoch is to follow the last one of the history."""
        first, second, third = self.ends
        if history.n_rows != third or not first < second < third:
            return False
        if self.learnt is not None and _lowest(history.column("validation_loss")) >= self.learnt:
            return False
        values = history.column(self.column)
        return _lowest(values[second:third]) > _lowest(values[first:second])


def _lowest(values: list[float]) -> float:
    return min((value for value in values if not math.isnan(value)), default=math.inf)
