"""Which fit and which epoch a callback is told of: names for files and lines, and its numbers."""

from __future__ import annotations

import re
from typing import Any

import numpy as np


def path_of(context: Any) -> list[Any]:
    """The tasks from the outermost fit down to this one."""
    path = [context]
    while path[0].parent is not None:
        path.insert(0, path[0].parent)
    return path


def fit_key(context: Any) -> tuple[Any, ...]:
    """Tells fits apart that share a callback: the run, and the way down the tree of its tasks."""
    return (context.root_uuid, *(task.task_id for task in path_of(context)))


def task_numbers(context: Any) -> str:
    """The way from the outermost fit to this one: '' if it is the same, else like '-0-3'."""
    numbers = [re.sub(r"\W+", "_", str(task.task_id)) for task in path_of(context)[1:]]
    return "".join(f"-{each}" for each in numbers)


def run_name(context: Any) -> str:
    """A short name for the outermost fit: no two of them have the same."""
    return str(context.root_uuid.hex[:8])


def fit_name(context: Any) -> str:
    """A name for this fit, of a search or a pipeline too: like '3f2a9c1d-0-5'."""
    return run_name(context) + task_numbers(context)


def epoch_number(context: Any, model: Any) -> int:
    """Which epoch has ended, with those before a fit was resumed.

    Those of earlier fits that a warm start goes on from are included where there is a history.
    """
    recorded = len(getattr(model, "loss_curve_", ()))
    return recorded or epochs_before(context, model) + int(context.task_id) + 1


def epochs_before(context: Any, model: Any) -> int:
    """The number of epochs of this fit before it was resumed; 0 for one that was not."""
    n_iter = int(np.max(getattr(model, "n_iter_", 0)))
    return max(n_iter - (int(context.task_id) + 1), 0)


def last_record(model: Any) -> dict[str, Any]:
    """The last record of the model's `history_`; empty if the estimator does not keep one."""
    # The table of all epochs, after every epoch, would take too long.
    history_from = getattr(model, "_history_from", None)
    records = [] if history_from is None else history_from(-1)
    return dict(records[-1]) if records else {}
