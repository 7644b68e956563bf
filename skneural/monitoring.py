"""Watching a training: loss curves, validation, patience, best parameters, words.

The rule of patience is scikit-learn's: an epoch counts as progress when it lowers the best
training loss, or raises the best validation score, by at least `tol`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Protocol

import numpy as np

from skneural._arrays import FloatArray
from skneural.progress import ProgressLine, progress_line


@dataclass(frozen=True)
class Validation:
    """What the validation rows say of the parameters of an epoch.

    Attributes
    ----------
    score : float
        The higher, the better.
    loss : float
    """

    score: float
    loss: float


#: Of an epoch whose training loss is not finite: its parameters are not worth a look.
NO_VALIDATION = Validation(np.nan, np.nan)


@dataclass
class Record:
    """What a training has seen so far: to be continued by a later fit.

    Attributes
    ----------
    loss_curve : list of float
        Training loss of every epoch.
    best_loss : float or None
        The lowest of them; None while validation scores decide when to stop.
    validation_scores, validation_loss_curve : list of float or None
        Of every epoch; None without validation rows.
    best_validation_score : float or None
    no_improvement_count : int
        Epochs since the last progress.
    best_iteration : int or None
        The epoch, counted from 1 along the loss curve, of the best validation score or, without
        validation rows, of the lowest training loss.
    best_params : ndarray of shape (n_params,) or None
        The parameters of that epoch, if they are to be kept.
    learning_rates, gradient_norms, seconds : list of float
        Of every epoch: the rate of its last step, the norm of its last gradient, and how long it
        took, validation included. NaN for what a minimiser does not have.
    """

    loss_curve: list[float] = field(default_factory=list)
    best_loss: float | None = None
    validation_scores: list[float] | None = None
    validation_loss_curve: list[float] | None = None
    best_validation_score: float | None = None
    no_improvement_count: int = 0
    best_iteration: int | None = None
    best_params: FloatArray | None = None
    learning_rates: list[float] = field(default_factory=list)
    gradient_norms: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def copy(self) -> Record:
        """A copy that shares no list (the best parameters are never written to)."""
        duplicate = replace(self)
        for name, value in vars(self).items():
            if isinstance(value, list):
                setattr(duplicate, name, list(value))
        return duplicate


class Watcher(Protocol):
    """Whoever is to be told of every epoch."""

    def epoch_begins(self) -> None:
        """An epoch is about to begin, or has begun already."""

    def epoch_ended(self) -> bool:
        """The training stands at the end of an epoch; whether it is to go no further."""

    def training_ended(self) -> None:
        """No epoch is to come, not even one that has begun."""


class Monitor:
    """Says of every epoch whether it was progress, and keeps the best one.

    Parameters
    ----------
    tol : float
        The least change that counts as progress.
    n_iter_no_change : int or inf
        Epochs without progress to put up with.
    validate : callable or None, default=None
        ``validate(params) -> Validation``, asked after every epoch.
    early_stopping : bool, default=False
        Whether the validation score is what counts as progress, instead of the training loss.
    keeps_best : bool, default=False
        Whether to keep the parameters of the best epoch.
    verbose : bool or int, default=False
        True or 1 prints every epoch, k > 1 the first, every k-th and the last. On a terminal, 1
        is a single line that follows the training, see `skneural.progress`.
    max_iter : int, default=0
        Most epochs, for that line.
    watcher : Watcher or None, default=None
    """

    def __init__(
        self,
        *,
        tol: float,
        n_iter_no_change: float,
        validate: Callable[[FloatArray], Validation] | None = None,
        early_stopping: bool = False,
        keeps_best: bool = False,
        verbose: bool | int = False,
        max_iter: int = 0,
        watcher: Watcher | None = None,
    ) -> None:
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.validate = validate
        self.early_stopping = early_stopping
        self.keeps_best = keeps_best
        self.verbose = int(verbose)
        self.max_iter = max_iter
        self.watcher = watcher
        self._unprinted: list[str] = []
        self._line: ProgressLine | None = None
        self._since = 0.0

    def begin(self, record: Record) -> None:
        """Make a record, new or continued, ready for the rule in force."""
        self._since = perf_counter()
        self._line = progress_line(self.max_iter) if self.verbose == 1 else None
        if self.early_stopping:
            record.best_loss = None
        elif record.best_loss is None:
            record.best_loss = math.inf
        if self.validate is None:
            return
        if record.validation_scores is None or record.best_validation_score is None:
            record.validation_scores, record.validation_loss_curve = [], []
            record.best_validation_score = -np.inf

    def begin_epoch(self) -> None:
        """Say that an epoch begins; saying so again does no harm."""
        if self.watcher is not None:
            self.watcher.epoch_begins()

    def is_asked_to_stop(self) -> bool:
        """Say that the training stands at the end of an epoch; whether it is to go no further."""
        return self.watcher is not None and self.watcher.epoch_ended()

    def end_epoch(
        self,
        epoch: int,
        loss: float,
        params: FloatArray,
        record: Record,
        *,
        learning_rate: float = math.nan,
        gradient_norm: float = math.nan,
    ) -> None:
        """Enter an epoch, counted from 1, in the record."""
        lines = ["Iteration %d, loss = %.8f" % (epoch, loss)]
        # First of all: an interrupt during validation is to leave the record as it was.
        validation = NO_VALIDATION
        if self.validate is not None and np.isfinite(loss):
            validation = self.validate(params)
        now = perf_counter()
        record.seconds.append(now - self._since)
        self._since = now
        record.learning_rates.append(learning_rate)
        record.gradient_norms.append(gradient_norm)
        record.loss_curve.append(loss)
        best_loss = math.inf if record.best_loss is None else record.best_loss
        is_best = loss < best_loss
        # A loss that is not finite ends the training, so that it does not matter here.
        is_progress = not loss > best_loss - self.tol
        if self.validate is not None:
            lines.append("Validation score: %f" % validation.score)
            is_best, is_improved = self._enter_validation(validation, record)
            is_progress = is_improved if self.early_stopping else is_progress
        if not self.early_stopping:
            record.best_loss = min(best_loss, loss)
        record.no_improvement_count = 0 if is_progress else record.no_improvement_count + 1
        if is_best:
            record.best_iteration = len(record.loss_curve)
            record.best_params = params.copy() if self.keeps_best else None
        if self._line is not None:
            score = None if self.validate is None else validation.score
            self._line.show(epoch, loss, score, learning_rate)
        elif epoch == 1 or (self.verbose and epoch % self.verbose == 0):
            self._unprinted = []
            self._say(*lines)
        else:
            self._unprinted = lines

    def _enter_validation(self, validation: Validation, record: Record) -> tuple[bool, bool]:
        """Enter a validation; whether it is the best, and better by `tol`. NaN is neither."""
        assert record.validation_scores is not None
        assert record.validation_loss_curve is not None
        assert record.best_validation_score is not None
        record.validation_scores.append(validation.score)
        record.validation_loss_curve.append(validation.loss)
        best = record.best_validation_score
        is_best = validation.score > best
        if is_best:
            record.best_validation_score = validation.score
        return is_best, validation.score >= best + self.tol

    def is_impatient(self, record: Record) -> bool:
        """Whether there was no progress for more than `n_iter_no_change` epochs."""
        return record.no_improvement_count > self.n_iter_no_change

    def announce_plateau(self, consequence: str) -> None:
        """Say that patience is at an end, and what follows from it."""
        if not self.verbose:
            return
        watched = "Validation score" if self.early_stopping else "Training loss"
        self._print_last()
        self._say(
            "%s did not improve more than tol=%f for %d consecutive epochs. %s"
            % (watched, self.tol, self.n_iter_no_change, consequence)
        )

    def end(self) -> None:
        """Print the last epoch, if it has not been printed yet; nothing more is to come."""
        if self.watcher is not None:
            self.watcher.training_ended()
        self._print_last()
        if self._line is not None:
            self._line.end()
            self._line = None

    def _print_last(self) -> None:
        self._say(*self._unprinted)
        self._unprinted = []

    def _say(self, *lines: str) -> None:
        if not self.verbose:
            return
        for line in lines:
            if self._line is None:
                print(line)
            else:
                self._line.say(line)
