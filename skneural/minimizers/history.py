"""What a training has seen: a row for every epoch, the best of them, and the rule of patience.

The rule is scikit-learn's: an epoch counts as progress when it lowers the best training loss, or
raises the best validation score, by at least `tol`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from skneural.arrays.matrices import FloatArray
from skneural.minimizers.changed import changed


class Validation(NamedTuple):
    """What the validation rows say of the parameters of an epoch.

    Attributes
    ----------
    score : float
        The higher, the better.
    loss : float
    """

    score: float
    loss: float


#: Of an epoch whose training loss is not finite: it is not evaluated.
NO_VALIDATION = Validation(math.nan, math.nan)


class Epoch(NamedTuple):
    """The numbers of one epoch, or of one iteration of a full-batch minimiser.

    Attributes
    ----------
    loss : float
        Training loss.
    validation_score, validation_loss : float or None
        None without validation rows.
    learning_rate, gradient_norm, seconds : float
        The rate of its last step, the norm of its last gradient, and how long it took, validation
        included. NaN for what a minimiser does not have, and for the seconds of epochs that come
        from a pickle or a deep copy.
    """

    loss: float
    validation_score: float | None
    validation_loss: float | None
    learning_rate: float
    gradient_norm: float
    seconds: float


#: The columns of a history as they are stored, by the name of the field of `Epoch`.
COLUMNS = Epoch._fields


@dataclass(frozen=True)
class History:
    """The epochs of a training, and what patience is judged by.

    A history never changes: `EarlyStopping.enter` gives one that is longer by an epoch. Both share
    the list of rows, of which each counts the first ones, so that this costs no copy. Only where
    another row follows these already, that of another training that has gone on from here, in
    whatever thread, or of an epoch that has been undone, the new one has a list of its own. Whoever
    reads the first rows of either goes on to find them there.

    Attributes
    ----------
    rows : list of Epoch
    n_rows : int
        How many of them count.
    validated_from : int or None
        The row from which on validation scores are comparable; None without validation rows.
    best_loss : float or None
        The lowest training loss; None before the first epoch, and while validation scores decide
        when to stop.
    best_validation_score : float or None
    no_improvement_count : int
        Epochs since the last progress.
    best_iteration : int or None
        The epoch, counted from 1 along the loss curve, of the best validation score or, without
        validation rows, of the lowest training loss.
    best_params : ndarray of shape (n_params,) or None
        The parameters of that epoch, if they are kept. Never written to.
    """

    rows: list[Epoch] = field(default_factory=list)
    n_rows: int = 0
    validated_from: int | None = None
    best_loss: float | None = None
    best_validation_score: float | None = None
    no_improvement_count: int = 0
    best_iteration: int | None = None
    best_params: FloatArray | None = None

    def column(self, name: str) -> list[Any]:
        """One number of every epoch."""
        return [getattr(row, name) for row in self.rows[: self.n_rows]]

    def validation(self, name: str) -> list[float] | None:
        """Validation scores or losses of the epochs that have one; None without validation rows."""
        if self.validated_from is None:
            return None
        return [value for value in self.column(name)[self.validated_from :] if value is not None]

    def mark(self) -> dict[str, Any]:
        """What `cut` needs to come back to this history later: all but the rows."""
        return {name: value for name, value in vars(self).items() if name != "rows"}

    def cut(self, mark: dict[str, Any]) -> History:
        """The earlier history that the mark was taken from, with a list of rows of its own."""
        return History(self.rows[: mark["n_rows"]], **mark)

    def without_best(self) -> History:
        """The history without the best epoch: best scores by another criterion do not compare."""
        return changed(
            self,
            validated_from=None,
            best_loss=None,
            best_validation_score=None,
            best_iteration=None,
            best_params=None,
        )

    def to_dict(self) -> dict[str, Any]:
        """The history as plain data: a list for each column, None for one that is empty.

        The seconds are left out: the same training would give other data every time.
        """
        columns = {}
        for name in COLUMNS:
            if name == "seconds":
                continue
            values = self.column(name)
            columns[name] = None if all(value is None for value in values) else values
        best = {name: value for name, value in vars(self).items() if name not in _ROWS}
        return {**columns, **best}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> History:
        """The history that `to_dict` has been made from."""
        data = dict(data)
        columns = {name: data.pop(name, None) for name in COLUMNS}
        n_rows = max((len(each) for each in columns.values() if each is not None), default=0)
        if columns["seconds"] is None:
            columns["seconds"] = [math.nan] * n_rows
        filled = [[None] * n_rows if each is None else each for each in columns.values()]
        return cls([Epoch(*row) for row in zip(*filled, strict=True)], n_rows, **data)


_ROWS = ("rows", "n_rows")


@dataclass(frozen=True)
class EarlyStopping:
    """Which epochs count as progress, which one is the best, and when patience is over.

    Parameters
    ----------
    tol : float
        The least change that counts as progress.
    n_iter_no_change : int or inf
        Epochs allowed without improvement.
    by_score : bool, default=False
        Whether the validation score is what counts as progress, instead of the training loss.
    keeps_best : bool, default=False
        Whether to keep the parameters of the best epoch.
    jointly : bool, default=False
        Of several members: whether the mean of their losses or scores decides, so that all have the
        same best epoch, and stop together. A member whose loss is not finite is left out from then
        on. Otherwise each is judged by its own numbers.
    """

    tol: float
    n_iter_no_change: float
    by_score: bool = False
    keeps_best: bool = False
    jointly: bool = False

    def begin(self, history: History, *, validates: bool) -> History:
        """Make a history, new or continued, ready for this rule."""
        changes: dict[str, Any] = {}
        if self.by_score:
            changes["best_loss"] = None
        if validates and history.best_validation_score is None:
            changes.update(validated_from=history.n_rows, best_validation_score=-math.inf)
        return changed(history, **changes)

    def enter(
        self, history: History, epoch: Epoch, params: FloatArray, judged: Epoch | None = None
    ) -> History:
        """The history with one more epoch, whose parameters these are.

        Parameters
        ----------
        history : History
        epoch : Epoch
        params : ndarray of shape (n_params,)
        judged : Epoch or None, default=None
            The numbers that decide whether it is the best, and whether it counts as progress; None
            for its own.
        """
        if judged is None or not math.isfinite(epoch.loss):
            judged = epoch
        best_loss = math.inf if history.best_loss is None else history.best_loss
        is_best = judged.loss < best_loss
        # A loss that is not finite ends the training, so that it does not matter here.
        is_progress = not judged.loss > best_loss - self.tol
        changes: dict[str, Any] = {}
        if judged.validation_score is not None:
            best = history.best_validation_score
            assert best is not None
            # NaN is neither the best nor progress.
            is_best = judged.validation_score > best
            if is_best:
                changes["best_validation_score"] = judged.validation_score
            if self.by_score:
                # Nor is minus infinity, however often it comes.
                is_progress = -math.inf < judged.validation_score >= best + self.tol
        if not self.by_score:
            changes["best_loss"] = min(best_loss, judged.loss)
        if is_best:
            changes["best_iteration"] = history.n_rows + 1
            changes["best_params"] = np.array(params) if self.keeps_best else None
        changes["no_improvement_count"] = 0 if is_progress else history.no_improvement_count + 1
        rows, n_rows = history.rows, history.n_rows
        rows.append(epoch)
        if rows[n_rows] is not epoch:
            rows = [*rows[:n_rows], epoch]
        return changed(history, rows=rows, n_rows=n_rows + 1, **changes)

    def joint(self, epochs: Sequence[Epoch]) -> Epoch | None:
        """What all members are judged by, if that is the same for all: their mean."""
        finite = [epoch for epoch in epochs if math.isfinite(epoch.loss)]
        if not self.jointly or not finite:
            return None
        scores = [each.validation_score for each in finite if each.validation_score is not None]
        return finite[0]._replace(
            loss=float(np.mean([each.loss for each in finite])),
            gradient_norm=float(np.mean([each.gradient_norm for each in finite])),
            validation_score=float(np.mean(scores)) if scores else None,
        )

    @property
    def reason(self) -> str:
        """What it means to be out of patience."""
        return "early_stopping" if self.by_score else "converged"

    def is_out_of_patience(self, history: History) -> bool:
        """Whether there was no progress for more than `n_iter_no_change` epochs."""
        return history.no_improvement_count > self.n_iter_no_change
