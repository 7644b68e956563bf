"""The contract of a schedule."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from skneural.settings import Settings


@dataclass(repr=False, eq=False)
class Schedule(Settings):
    """The contract of a schedule. As it stands, the rate stays what it was.

    Attributes
    ----------
    is_timed : bool
        Whether `factor` is to be asked before every step: where a subclass has one.
    ends_with_max_iter : bool
        Whether the last epoch allowed is where the schedule was heading, and not a training
        broken off. A property where it depends on the settings.
    depends_on_time_alone : bool
        Whether neither `after_epoch` nor `on_plateau` changes anything: networks that are trained
        side by side share such a schedule, and no other.
    stop_message : str
        What to print when a plateau ends the training.
    """

    is_timed: ClassVar[bool] = False
    ends_with_max_iter: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # Said by a class together with its factor, or below that: it holds. A factor alone is one.
        first = next(kind for kind in cls.__mro__ if {"factor", "is_timed"} & vars(kind).keys())
        if "is_timed" not in vars(first):
            cls.is_timed = True

    @property
    def depends_on_time_alone(self) -> bool:
        kind = type(self)
        return kind.after_epoch is Schedule.after_epoch and kind.on_plateau is Schedule.on_plateau

    @property
    def stop_message(self) -> str:
        return "Stopping."

    def factor(self, epoch: float, max_iter: float) -> float:
        """What to multiply the base rate by.

        Parameters
        ----------
        epoch : float
            Epochs trained for so far, with the share of the one under way.
        max_iter : float
            Epochs that the training may last, `max_iter`. Inside `LinearWarmUp`, those that are
            left after it.

        Returns
        -------
        float
            The factor.
        """
        return 1.0

    def after_epoch(
        self, rate: float, initial_rate: float, n_samples_seen: int, n_stalled: int
    ) -> float:
        """The base rate from the next epoch on.

        Parameters
        ----------
        rate, initial_rate : float
            The base rate of the epoch that ended, and the one the training began with.
        n_samples_seen : int
            Rows trained on so far, each counted as often as it was visited.
        n_stalled : int
            Epochs without progress up to this one.

        Returns
        -------
        float
            The rate.
        """
        return rate

    def on_plateau(self, rate: float) -> float | None:
        """The base rate to go on with when patience is at an end; None to stop instead.

        Parameters
        ----------
        rate : float
            The base rate of the epoch that ended.

        Returns
        -------
        float or None
            The rate, or None.
        """
        return None


def check_rate(rate: Any, schedule: Schedule, method: str) -> None:
    """Refuse what a schedule has returned for a learning rate, or a factor of it, and is not valid.

    Parameters
    ----------
    rate : object
        What was returned.
    schedule : Schedule
        By whom.
    method : str
        By which of its methods.

    Raises
    ------
    ValueError
        If it is no finite number, or below 0.
    """
    if isinstance(rate, np.ndarray) and rate.ndim == 0:
        rate = rate.item()
    if isinstance(rate, bool) or not isinstance(rate, Real) or not 0 <= float(rate) < math.inf:
        raise ValueError(f"{schedule!r}.{method} must return a number from 0 on, got {rate!r}.")
