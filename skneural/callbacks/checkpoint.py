"""Checkpoints: files of the model as it is after an epoch."""

from __future__ import annotations

import errno
import hashlib
import math
import os
import pickle
import re
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from sklearn.base import BaseEstimator

from skneural.callbacks.fit_names import (
    epoch_number,
    epochs_before,
    fit_key,
    last_record,
    run_name,
    task_numbers,
)
from skneural.callbacks.whole_file import replace_file
from skneural.estimators.version import FIT_ONLY_ATTRIBUTES

#: The first bytes of a checkpoint; a checksum and the pickle follow.
CHECKPOINT_BEGINS = b"skneural checkpoint 1\n"


@dataclass
class _Kept:
    """What `Checkpoint` knows of a fit under way."""

    best: float | None = None
    files: list[str] | None = None


def _is_count(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, Integral) and int(value) >= 1


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
        the validation rows where there are any (of ensembles over folds: out of fold), else by the
        training loss. A number saves each time and keeps so many files of a fit, the latest.

    Raises
    ------
    OSError
        From fit, if the file cannot be written.
    ValueError
        From fit, with keep='best', if the estimator records neither losses nor scores.

    See Also
    --------
    load_checkpoint : Loads what has been saved.
    OnEpochEnd : Calls a function after every epoch.

    Notes
    -----
    Each file is written under another name in the same folder, forced to the disk, and renamed.
    A process killed while it writes leaves a file behind that ends in ``.tmp``: to be deleted. A
    file that is there already hands its mode on; a symbolic link stays one, and what it points to
    is replaced.

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
        self._fits[fit_key(context)] = _Kept()

    def teardown(self, estimator: Any, context: Any) -> None:
        """Forget a fit."""
        self._fits.pop(fit_key(context), None)

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Do nothing."""

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, fitted_estimator: Any = None
    ) -> bool:
        """Save the model of an epoch, if it is the turn of this one."""
        if context.task_name != "epoch" or fitted_estimator is None:
            return False
        n_new, n_before = context.task_id + 1, epochs_before(context, fitted_estimator)
        if (n_before + n_new) % self.every != 0:
            return False
        kept = self._fits.setdefault(fit_key(context.parent), _Kept())
        epoch = epoch_number(context, fitted_estimator)
        path = self._file(context, epoch)
        if self.keep == "best" and not _is_best(fitted_estimator, kept, path, n_new):
            return False
        if kept.files is None:
            # Of a fit that has been resumed, those that it has left behind.
            before = range(epoch - n_new - n_before + 1, epoch - n_new + 1)
            paths = dict.fromkeys(self._file(context, number) for number in before)
            kept.files = list(filter(os.path.exists, paths))
        _write_checkpoint(fitted_estimator, path)
        kept.files = [*(each for each in kept.files if each != path), path]
        while len(kept.files) > self._n_files:
            with suppress(FileNotFoundError):
                os.remove(kept.files.pop(0))
        return False

    def _file(self, context: Any, epoch: int) -> str:
        parts = {
            "{fit}": task_numbers(context.parent),
            "{epoch}": f"-{epoch:06d}",
            "{run}": f"-{run_name(context)}",
        }
        path: str = self._template
        for name, value in parts.items():
            path = path.replace(name, value)
        return path


def _is_best(model: Any, kept: _Kept, path: str, n_new: int) -> bool:
    """Whether no epoch saved before was better; notes how good this one is."""
    values = _scores(model)
    if kept.best is None:
        # A training that goes on does not overwrite what was better before.
        earlier = values[: max(len(values) - n_new, 0)]
        kept.best = max(earlier, default=-math.inf) if os.path.exists(path) else -math.inf
    if not values[-1] > kept.best:
        return False
    kept.best = values[-1]
    return True


def _scores(model: Any) -> list[float]:
    """How good the epochs were, the higher the better; of an ensemble over folds the last alone."""
    if scores := getattr(model, "validation_scores_", None):
        return list(scores)
    if losses := getattr(model, "loss_curve_", None):
        return [-loss for loss in losses]
    record = last_record(model)
    score = record.get("oof_score", record.get("validation_score"))
    if score is None:
        raise ValueError(
            f"keep='best' needs a loss_curve_, which {type(model).__name__} does not keep: "
            "use keep='last' or a number."
        )
    return [score]


def _write_checkpoint(model: Any, path: str) -> None:
    """Save a model, without its callbacks."""
    # A copy: other callbacks have been given the same model.
    model = copy(model)
    for name in ("_skl_callbacks", *FIT_ONLY_ATTRIBUTES):
        vars(model).pop(name, None)
    content = pickle.dumps(model, protocol=pickle.HIGHEST_PROTOCOL)
    try:
        replace_file(path, (CHECKPOINT_BEGINS, _checksum_line(content), content))
    except OSError as error:
        message = f"Cannot write the checkpoint: {error.strerror or error}"
        raise OSError(error.errno or errno.EIO, message, path) from error


def _checksum_line(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode() + b"\n"


def load_checkpoint(path: str | os.PathLike[str]) -> Any:
    """Load what `Checkpoint` has saved.

    The checksum finds accidents, not forgeries: loading a pickle runs whatever code its author
    wanted to be run, so load only files that you trust.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    estimator
        Fitted, as it was after the epoch; ``model.resume(X, y)`` continues the fit.

    Raises
    ------
    ValueError
        If the file is damaged, or no checkpoint: nothing of it has been unpickled then. If it holds
        anything but an estimator: that is known only after it has been unpickled.

    See Also
    --------
    Checkpoint : Saves the model while it is trained.

    Examples
    --------
    Go on with a training after a crash:

    >>> from skneural.callbacks import load_checkpoint
    >>> model = load_checkpoint("model.ckpt").resume(X, y)  # doctest: +SKIP
    """
    with open(path, "rb") as file:
        beginning = file.read(len(CHECKPOINT_BEGINS))
        if beginning != CHECKPOINT_BEGINS:
            raise ValueError(
                f"{os.fspath(path)!r} is not loaded: it is no checkpoint of skneural, or damaged. "
                "What other programs have written can run any code when it is unpickled: load "
                "only what you trust, with the program that wrote it."
            )
        line = file.read(len(_checksum_line(b"")))
        # A pipe, or a file that is still growing, might have no end.
        n_bytes = os.fstat(file.fileno()).st_size - len(beginning) - len(line)
        is_damaged = n_bytes < 0 or not re.fullmatch(rb"[0-9a-f]{64}\n", line)
        content = b"" if is_damaged else file.read(n_bytes)
    if is_damaged or _checksum_line(content) != line:
        raise ValueError(
            f"{os.fspath(path)!r} is not loaded: it is damaged, its checksum does not fit. A "
            "checkpoint is a pickle, which runs code when it is loaded: load only what you trust "
            "and what nobody has changed."
        )
    model = pickle.loads(content)
    if not isinstance(model, BaseEstimator):
        raise ValueError(
            f"{os.fspath(path)!r} holds no estimator but an object of type "
            f"{type(model).__name__!r}: no checkpoint that `Checkpoint` has written. It has been "
            "unpickled, which can have run any code: load only what you trust."
        )
    return model
