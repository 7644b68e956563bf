"""Callbacks for long trainings: checkpoints, and a history that can be read meanwhile.

scikit-learn 1.9 tells *callbacks* of every epoch: objects that an estimator is given with
``set_callbacks``. Two of them are here::

    from skneural.callbacks import Checkpoint, HistoryLogger, load_checkpoint

    network.set_callbacks(Checkpoint("network.checkpoint"), HistoryLogger("history.csv"))
    network.fit(X, y)
    network = load_checkpoint("network.checkpoint")  # in another process, after a crash

Both belong on the network itself, not on the search or the pipeline around it, and follow every
training of every copy of it, also in the worker processes of a search: scikit-learn's `clone`
hands on the callbacks.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import pickle
import re
import sys
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field
from numbers import Integral
from time import perf_counter
from typing import Any
from uuid import uuid4

import numpy as np

from skneural.estimators.version import FIT_ONLY_ATTRIBUTES

#: The first bytes of a checkpoint; a checksum and the pickle follow.
CHECKPOINT_BEGINS = b"skneural checkpoint 1\n"

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


# ---------------------------------------------------------------------------- which fit it is


def _path_of(context: Any) -> list[Any]:
    """The tasks from the outermost fit down to this one."""
    path = [context]
    while path[0].parent is not None:
        path.insert(0, path[0].parent)
    return path


def _fit_key(context: Any) -> tuple[Any, ...]:
    """Tells fits apart that share a callback: the run, and the way down the tree of its tasks."""
    return (context.root_uuid, *(task.task_id for task in _path_of(context)))


def _task_numbers(context: Any) -> str:
    """The way from the outermost fit to this one: '' if it is the same, else like '-0-3'."""
    numbers = [re.sub(r"\W+", "_", str(task.task_id)) for task in _path_of(context)[1:]]
    return "".join(f"-{each}" for each in numbers)


def _run(context: Any) -> str:
    """A short name for the outermost fit: no two of them have the same."""
    return str(context.root_uuid.hex[:8])


def _epoch(context: Any, model: Any) -> int:
    """Which epoch has ended, those of earlier fits that a warm start goes on from included."""
    return len(getattr(model, "loss_curve_", ())) or int(context.task_id) + 1


# ------------------------------------------------------------------------------- checkpoints


@dataclass
class _Kept:
    """What `Checkpoint` knows of a fit under way."""

    best: float | None = None
    files: list[str] = field(default_factory=list)


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1


class Checkpoint:
    """Saves the model as it is after an epoch, so that a crash costs little.

    Whatever happens, power cuts included, the file is a complete model: that of the last epoch
    saved, or of the one before. `load_checkpoint` reads it, and the model can predict at once;
    ``model.resume(X, y)`` continues the fit, with the same rows.

    Parameters
    ----------
    path : str or path-like
        The file. Its folder is made if it does not exist. What is in braces is replaced:

        - ``{fit}`` by the place of the fit among the tasks of what surrounds it: nothing for a
          fit of its own; ``-0-5`` for the sixth training of a search, ``-1`` for its training of
          the best candidate on all rows, with one more number inside a pipeline. Where `path`
          has no ``{fit}``, it goes before the suffix: ``network-0-5.checkpoint``.
        - ``{epoch}`` by the number of the epoch, as in ``-000012``. Where `keep` is a number, it
          goes before the suffix too.
        - ``{run}`` by eight characters that no other call of fit has, as in ``-3f2a9c1d``: for
          several fits at a time that do not know of each other. In scikit-learn 1.9 only
          pipelines and searches tell callbacks that they surround them; of `cross_validate` or a
          bagging ensemble each fit is one of its own.
    every : int, default=1
        Saves after every so many epochs of a fit.
    keep : {'last', 'best'} or int, default='last'
        'last' saves each time, 'best' only if no epoch saved before was better: by the score of
        the validation rows where there are any, else by the training loss. A number saves each
        time and keeps so many files of a fit, the latest.

    Raises
    ------
    OSError
        From fit, if the file cannot be written.
    ValueError
        From fit, with keep='best', if the estimator records neither losses nor scores.

    Notes
    -----
    Each file is written under another name in the same folder, forced to the disk, and renamed.
    A process killed while it writes leaves a file behind that ends in ``.tmp``: to be deleted.

    The model is saved without its callbacks.

    Examples
    --------
    >>> from skneural.callbacks import Checkpoint
    >>> Checkpoint("models/network.checkpoint", every=10)
    Checkpoint('models/network.checkpoint', every=10, keep='last')
    """

    def __init__(self, path: str | os.PathLike[str], every: int = 1, keep: Any = "last") -> None:
        is_number = _is_count(keep)
        if not _is_count(every):
            raise ValueError(f"every must be a whole number from 1 on, got {every!r}.")
        if keep not in ("last", "best") and not is_number:
            raise ValueError(
                f"keep must be 'last', 'best' or a whole number from 1 on, got {keep!r}."
            )
        self.path = os.fspath(path)
        self.every = every
        self.keep = keep
        # Worker processes may have another folder to begin with.
        stem, suffix = os.path.splitext(os.path.abspath(self.path))
        for name in ("{fit}", "{epoch}") if is_number else ("{fit}",):
            if name not in stem + suffix:
                stem += name
        self._template = stem + suffix
        self._n_files = int(keep) if is_number else 1
        self._fits: dict[tuple[Any, ...], _Kept] = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.path!r}, every={self.every}, keep={self.keep!r})"

    def __getstate__(self) -> dict[str, Any]:
        # What is known of fits under way is of no use elsewhere, and changes while it is pickled.
        return {**vars(self), "_fits": {}}

    def setup(self, estimator: Any, context: Any) -> None:
        """Begin with a fit."""
        self._fits[_fit_key(context)] = _Kept()

    def teardown(self, estimator: Any, context: Any) -> None:
        """Forget a fit."""
        self._fits.pop(_fit_key(context), None)

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Do nothing."""

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, fitted_estimator: Any = None
    ) -> bool:
        """Save the model of an epoch, if it is the turn of this one."""
        if context.task_name != "epoch" or fitted_estimator is None:
            return False
        if (context.task_id + 1) % self.every != 0:
            return False
        kept = self._fits.setdefault(_fit_key(context.parent), _Kept())
        path = self._file(context, fitted_estimator)
        if self.keep == "best" and not _is_best(fitted_estimator, kept, path):
            return False
        _write_checkpoint(fitted_estimator, path)
        kept.files = [*(each for each in kept.files if each != path), path]
        while len(kept.files) > self._n_files:
            with suppress(FileNotFoundError):
                os.remove(kept.files.pop(0))
        return False

    def _file(self, context: Any, model: Any) -> str:
        parts = {
            "{fit}": _task_numbers(context.parent),
            "{epoch}": f"-{_epoch(context, model):06d}",
            "{run}": f"-{_run(context)}",
        }
        path: str = self._template
        for name, value in parts.items():
            path = path.replace(name, value)
        return path


def _is_best(model: Any, kept: _Kept, path: str) -> bool:
    """Whether no epoch saved before was better; notes how good this one is."""
    values = getattr(model, "validation_scores_", None)
    if not values:
        losses = getattr(model, "loss_curve_", None)
        if not losses:
            raise ValueError(
                f"keep='best' needs a loss_curve_, which {type(model).__name__} does not keep: "
                "use keep='last' or a number."
            )
        values = [-loss for loss in losses]
    if kept.best is None:
        # A training that goes on does not overwrite what was better before.
        earlier = values[: max(len(values) - int(np.max(model.n_iter_)), 0)]
        kept.best = max(earlier, default=-math.inf) if os.path.exists(path) else -math.inf
    if not values[-1] > kept.best:
        return False
    kept.best = values[-1]
    return True


def _write_checkpoint(model: Any, path: str) -> None:
    """Replace a file by a new one at a single moment, when all of the new one is on the disk."""
    # A copy: other callbacks have been given the same model.
    model = copy(model)
    for name in ("_skl_callbacks", *FIT_ONLY_ATTRIBUTES):
        vars(model).pop(name, None)
    content = pickle.dumps(model, protocol=pickle.HIGHEST_PROTOCOL)
    checksum = hashlib.sha256(content).hexdigest().encode()
    folder = os.path.dirname(path)
    # A name of its own: another process may be writing the same checkpoint.
    temporary = f"{path}.{uuid4().hex[:12]}.tmp"
    try:
        os.makedirs(folder, exist_ok=True)
        with open(temporary, "xb") as file:
            file.write(CHECKPOINT_BEGINS + checksum + b"\n")
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _synchronise_folder(folder)
    except BaseException as error:
        with suppress(OSError):
            os.remove(temporary)
        if isinstance(error, OSError):
            message = f"Cannot write the checkpoint: {error.strerror or error}"
            raise OSError(error.errno or errno.EIO, message, path) from error
        raise


def _synchronise_folder(folder: str) -> None:
    """Force to the disk that a file has a new name."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems have nothing of the kind.
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(descriptor)


def load_checkpoint(path: str | os.PathLike[str]) -> Any:
    """Load what `Checkpoint` has saved.

    The checksum finds accidents, not forgeries: loading a pickle runs whatever code its author
    wanted to be run, so load only files that you trust.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    model : estimator
        Fitted, as it was after the epoch; ``model.resume(X, y)`` continues the fit.

    Raises
    ------
    ValueError
        If the file is damaged, or no checkpoint. Nothing of it has been run then.
    """
    with open(path, "rb") as file:
        beginning = file.read(len(CHECKPOINT_BEGINS))
        if beginning != CHECKPOINT_BEGINS:
            raise ValueError(
                f"{os.fspath(path)!r} is not loaded: it is no checkpoint of skneural, or damaged. "
                "What other programs have written can run any code when it is unpickled: load "
                "only what you trust, with the program that wrote it."
            )
        checksum = file.readline().strip()
        content = file.read()
    if hashlib.sha256(content).hexdigest().encode() != checksum:
        raise ValueError(
            f"{os.fspath(path)!r} is not loaded: it is damaged, its checksum does not fit. A "
            "checkpoint is a pickle, which runs code when it is loaded: load only what you trust "
            "and what nobody has changed."
        )
    return pickle.loads(content)


# ----------------------------------------------------------------------------------- history


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
    validation_loss     Of the validation rows.
    validation_score    Of the same.
    learning_rate       Of the last step of the epoch.
    gradient_norm       Before that step.
    ==================  ========================================================================

    An epoch whose loss is not finite has no line: it leaves no model.

    Each line is written at once, so that no reader finds half of one, and those of several
    processes do not mix, except on Windows and on network file systems.

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
        # Now, while there are no worker processes yet, and a wrong path costs no training.
        self._begin_file()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.path!r})"

    def __getstate__(self) -> dict[str, Any]:
        # Clocks do not go on elsewhere, and new ones begin while this is pickled.
        return {**vars(self), "_began": {}}

    def setup(self, estimator: Any, context: Any) -> None:
        """Begin with a fit."""
        self._began[_fit_key(context)] = perf_counter()
        self._begin_file()

    def teardown(self, estimator: Any, context: Any) -> None:
        """Forget a fit."""
        self._began.pop(_fit_key(context), None)

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
            _run(context) + _task_numbers(fit),
            _epoch(context, fitted_estimator),
            now - self._began.get(_fit_key(fit), now),
            *(_finite(value) for value in _last_epoch(fitted_estimator)),
        ]
        if self._is_table:
            line = ",".join("" if value is None else str(value) for value in values)
        else:
            line = json.dumps(dict(zip(HISTORY_COLUMNS, values, strict=True)))
        with _appended(self._file) as file:
            file.write(line)
        return False

    def _begin_file(self) -> None:
        """Write the names of the columns, if the file is new."""
        with _appended(self._file) as file:
            if self._is_table:
                file.write_if_empty(",".join(HISTORY_COLUMNS))


class _appended:  # noqa: N801  # used like the function `open`
    """A file opened for adding whole lines, as several processes may at the same time."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> _appended:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        self._descriptor = os.open(self._path, flags | getattr(os, "O_BINARY", 0), 0o666)
        return self

    def __exit__(self, *error: object) -> None:
        os.close(self._descriptor)

    def write(self, line: str) -> None:
        content = f"{line}\n".encode()
        try:
            # A single call, without a buffer: other processes see all of the line, or nothing.
            n_written = os.write(self._descriptor, content)
        except OSError as error:
            message = f"Cannot write the history: {error.strerror}"
            raise OSError(error.errno, message, self._path) from error
        if n_written < len(content):
            raise OSError(errno.ENOSPC, "Cannot write all of a line of the history", self._path)

    def write_if_empty(self, line: str) -> None:
        if sys.platform != "win32":
            import fcntl

            # Until the file is closed: two processes could find it empty. Not everywhere are
            # there locks, and where there are none it does not matter often.
            with suppress(OSError):
                fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        if os.fstat(self._descriptor).st_size == 0:
            self.write(line)


def _last_epoch(model: Any) -> list[float | None]:
    """The last five of `HISTORY_COLUMNS`; None for what the estimator does not keep."""
    names = HISTORY_COLUMNS[3:]
    if not getattr(model, "loss_curve_", None):
        return [None] * len(names)
    # From where `history_` is made of: all of it, for every epoch, would take too long.
    history = model._fitted.state.record.history
    epoch = history.rows[history.n_rows - 1]
    return [getattr(epoch, name) for name in names]


def _finite(value: float | None) -> float | None:
    # JSON has no word for what is not finite.
    return float(value) if value is not None and math.isfinite(value) else None
