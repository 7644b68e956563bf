"""What a training prints: a line for every epoch, or one that is updated on a terminal.

The single line is shown where rich is installed and the output is a terminal. Everywhere else, in a
log file, in a notebook, or where somebody captures what is printed, lines are printed plainly, in
scikit-learn's words.
"""

from __future__ import annotations

import math
import sys
from importlib import import_module
from typing import Any

from skneural.minimizers.state import Record


class ProgressReport:
    """Prints the epochs of one training.

    Parameters
    ----------
    verbose : bool or int
        False or 0 prints nothing. True or 1 prints every epoch, k > 1 the first, every k-th and the
        last. On a terminal, 1 is a single line that is updated.
    max_iter : int
        Most epochs, for that line.
    """

    def __init__(self, verbose: bool | int, max_iter: int) -> None:
        self.verbose = int(verbose)
        self._line = progress_line(max_iter) if self.verbose == 1 else None
        self._unprinted: tuple[str, ...] = ()
        self._plateau = ""

    def plateau(self, watched: str, tol: float, n_iter_no_change: float, action: str) -> None:
        """Report a plateau and the action taken, after the epoch that has brought it."""
        self._plateau = (
            "%s did not improve more than tol=%f for %d consecutive epochs. %s"
            % (watched, tol, n_iter_no_change, action)
            if self.verbose
            else ""
        )

    def epoch(self, record: Record) -> None:
        """Print an epoch, if it is the turn of this one."""
        if not self.verbose:
            return
        last = record.last_epoch
        if self._line is not None:
            self._line.show(record.n_iter, record.loss, last.validation_score, last.learning_rate)
        else:
            lines: tuple[str, ...] = ("Iteration %d, loss = %.8f" % (record.n_iter, record.loss),)
            if last.validation_score is not None:
                lines += ("Validation score: %f" % last.validation_score,)
            if record.n_iter == 1 or record.n_iter % self.verbose == 0:
                self._unprinted = ()
                self._say(*lines)
            else:
                self._unprinted = lines
        if self._plateau:
            self._print_last()
            self._say(self._plateau)
            self._plateau = ""

    def end(self) -> None:
        """Print the last epoch, if it has not been printed yet; nothing more is to come."""
        self._print_last()
        if self._line is not None:
            self._line.end()
            self._line = None

    def _print_last(self) -> None:
        self._say(*self._unprinted)
        self._unprinted = ()

    def _say(self, *lines: str) -> None:
        for line in lines:
            if self._line is None:
                print(line)
            else:
                self._line.say(line)


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
