"""A history of a training in a file, to be read meanwhile."""

from __future__ import annotations

import json
import math
import os
from time import perf_counter
from typing import Any

from skneural.callbacks.fit_names import epoch_number, fit_key, fit_name, last_record
from skneural.callbacks.shared_file import SharedFile
from skneural.estimators.user_warnings import warn_user

#: What `HistoryLogger` writes of every epoch.
HISTORY_COLUMNS = (
    "fit",
    "epoch",
    "seconds",
    "loss",
    "validation_loss",
    "validation_score",
    "learning_rate",
    "gradient_norm",
)

#: For the lock of a file: other processes that begin it have it for far less.
SECONDS_FOR_LOCK = 1.0


class HistoryLogger:
    """Writes a line for every epoch, to be read while the training goes on.

    Parameters
    ----------
    path : str or path-like
        The file: a table if its suffix is ``.csv``, an object of JSON in each line if it is
        ``.jsonl``. What is in it already stays; new lines are added at its end.

    Raises
    ------
    ValueError
        If the suffix is another.
    OSError
        If the file cannot be written: here, or from fit.

    See Also
    --------
    OnEpochEnd : Calls a function after every epoch.
    skneural.inspection.LossCurveDisplay : A picture of a history.

    Notes
    -----
    The columns; what an estimator does not have is empty, in JSON ``null``:

    ==================  ========================================================================
    fit                 Eight characters for each call of fit, such as ``3f2a9c1d``. Inside a
                        search the place among its tasks follows: ``3f2a9c1d-0-5``, see
                        `Checkpoint`.
    epoch               From 1 on, along `loss_curve_`: a warm start goes on counting.
    seconds             Since the fit began.
    loss                Training loss.
    validation_loss     Of the validation rows; with folds (`TabularMLPClassifier`) out of fold.
    validation_score    Of the same.
    learning_rate       Of the last step of the epoch.
    gradient_norm       Before that step.
    ==================  ========================================================================

    An epoch whose loss is not finite has no line: it leaves no model.

    Each line is written at once, so that those of several processes do not mix, except on Windows
    and on network file systems. File systems may let a reader see the beginning of a line before
    its end: who reads while a training goes on has to ignore a last line without its newline.

    A lock on the file is asked for only while it is empty, lest two processes write the names of
    the columns. If another program keeps it locked for more than a second, they are written
    without a lock, and a warning says so once: no fit waits for a lock.

    Examples
    --------
    >>> from skneural.callbacks import HistoryLogger
    >>> HistoryLogger("history.txt")
    Traceback (most recent call last):
        ...
    ValueError: path must end in '.csv' or '.jsonl', got 'history.txt'.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self._is_table = self.path.endswith(".csv")
        if not self._is_table and not self.path.endswith(".jsonl"):
            raise ValueError(f"path must end in '.csv' or '.jsonl', got {self.path!r}.")
        # Worker processes may have another folder to begin with.
        self._file = os.path.abspath(self.path)
        self._began: dict[tuple[Any, ...], float] = {}
        self._has_warned = False
        # Now, while there are no worker processes yet, and a wrong path costs no training.
        self._begin_file()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.path!r})"

    def __getstate__(self) -> dict[str, Any]:
        # Clocks do not go on elsewhere, and new ones begin while this is pickled.
        return {**vars(self), "_began": {}}

    def setup(self, estimator: Any, context: Any) -> None:
        """Begin with a fit."""
        self._began[fit_key(context)] = perf_counter()
        self._begin_file()

    def teardown(self, estimator: Any, context: Any) -> None:
        """Forget a fit."""
        self._began.pop(fit_key(context), None)

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Do nothing."""

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, fitted_estimator: Any = None
    ) -> bool:
        """Write the line of an epoch."""
        if context.task_name != "epoch" or fitted_estimator is None:
            return False
        now = perf_counter()
        fit = context.parent
        values = [
            fit_name(fit),
            epoch_number(context, fitted_estimator),
            now - self._began.get(fit_key(fit), now),
            *(_finite(value) for value in _last_epoch(fitted_estimator)),
        ]
        if self._is_table:
            line = ",".join("" if value is None else str(value) for value in values)
        else:
            line = json.dumps(dict(zip(HISTORY_COLUMNS, values, strict=True)))
        with SharedFile(self._file) as file:
            file.write(line)
        return False

    def _begin_file(self) -> None:
        """Write the names of the columns, if the file is new."""
        with SharedFile(self._file) as file:
            if not self._is_table or not file.is_empty():
                return
            if not file.is_locked_within(SECONDS_FOR_LOCK) and not self._has_warned:
                self._has_warned = True
                warn_user(
                    f"Another program has locked {self.path!r}: the history is written without a "
                    "lock. Processes that begin it at the same time could each write the names of "
                    "the columns."
                )
            if file.is_empty():
                file.write(",".join(HISTORY_COLUMNS))


def _last_epoch(model: Any) -> list[float | None]:
    """The last five of `HISTORY_COLUMNS`; None for what the estimator does not keep."""
    record = last_record(model)
    for name in ("loss", "score"):
        # Ensembles over folds are judged by the rows that each member has left out.
        record.setdefault(f"validation_{name}", record.get(f"oof_{name}"))
    return [record.get(name) for name in HISTORY_COLUMNS[3:]]


def _finite(value: float | None) -> float | None:
    # JSON has no word for what is not finite.
    return float(value) if value is not None and math.isfinite(value) else None
