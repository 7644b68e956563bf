"""A schedule of a user's own: whether it gives learning rates whatever it is asked."""

from __future__ import annotations

import numpy as np

from skneural.schedules import Schedule
from skneural.schedules.contract import check_rate

#: What tells a training how to use a schedule.
FLAGS = ("is_timed", "ends_with_max_iter", "depends_on_time_alone")


def check_schedule(schedule: Schedule, max_iter: int = 10) -> None:
    """Ask a schedule for its rates throughout a training, and whether they are numbers from 0 on.

    Parameters
    ----------
    schedule : Schedule
        What to check.
    max_iter : int, default=10
        Epochs of the training.

    Raises
    ------
    TypeError
        If a flag, such as `ends_with_max_iter`, is not True or False.
    ValueError
        If its settings are not valid, or a factor or rate is negative, NaN or infinite, or no
        number.

    Examples
    --------
    >>> from skneural.checks import check_schedule
    >>> from skneural.schedules import Cosine
    >>> check_schedule(Cosine(), max_iter=5)
    """
    schedule.check()
    for name in FLAGS:
        flag = getattr(schedule, name)
        if not isinstance(flag, bool):
            raise TypeError(f"{schedule!r}.{name} must be True or False, got {flag!r}.")
    for epoch in np.linspace(0, max_iter, 8 * max_iter, endpoint=False).tolist():
        check_rate(schedule.factor(epoch, max_iter), schedule, "factor")
    rate = initial_rate = 0.1
    for epoch in range(1, max_iter + 1):
        rate = schedule.after_epoch(rate, initial_rate, 100 * epoch, epoch)
        check_rate(rate, schedule, "after_epoch")
    slower = schedule.on_plateau(rate)
    if slower is not None:
        check_rate(slower, schedule, "on_plateau")
