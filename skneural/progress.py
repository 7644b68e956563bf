"""One line on a terminal that follows a training, where rich is installed.

Everywhere else, in a log file, in a notebook, or where somebody captures what is printed, lines
stay where they are, and `skneural.monitoring` prints them plainly.
"""

from __future__ import annotations

import math
import sys
from importlib import import_module
from typing import Any


class ProgressLine:
    """The line. It is there from the beginning of a training to its end.

    Parameters
    ----------
    progress : rich.progress.Progress
    max_iter : int
        Most epochs.
    """

    def __init__(self, progress: Any, max_iter: int) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=max_iter, numbers="")
        progress.start()

    def show(self, epoch: int, loss: float, score: float | None, learning_rate: float) -> None:
        """Show what an epoch has come to; a learning rate of NaN is none."""
        numbers = [f"loss {loss:.6f}"]
        if score is not None:
            numbers.append(f"validation {score:.4f}")
        if not math.isnan(learning_rate):
            numbers.append(f"rate {learning_rate:.2g}")
        self._progress.update(self._task, completed=epoch, numbers="  ".join(numbers))

    def say(self, text: str) -> None:
        """Print above the line."""
        self._progress.console.print(text, highlight=False, markup=False)

    def end(self) -> None:
        """Leave the line as it is."""
        self._progress.stop()


def progress_line(max_iter: int) -> ProgressLine | None:
    """A line for a training of at most so many epochs; None where plain ones are better."""
    if max_iter < 2 or not sys.stdout.isatty():
        return None
    try:
        rich = import_module("rich.progress")
        errors = import_module("rich.errors")
    except ImportError:
        return None
    progress = rich.Progress(
        rich.TextColumn("epoch {task.completed:.0f}/{task.total:.0f}"),
        rich.TextColumn("{task.fields[numbers]}"),
        rich.TimeElapsedColumn(),
        rich.TextColumn("left"),
        rich.TimeRemainingColumn(),
    )
    try:
        return ProgressLine(progress, max_iter)
    except errors.LiveError:
        # There can be only one, and somebody else has it.
        return None
