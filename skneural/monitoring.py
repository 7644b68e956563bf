"""Watching a training: loss curve, validation scores, patience, best parameters, words.

The rule of patience is scikit-learn's: an epoch counts as progress when it lowers the best
training loss, or raises the best validation score, by at least `tol`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from skneural._arrays import FloatArray


@dataclass
class Record:
    """What a training has seen so far: to be continued by a later fit.

    Attributes
    ----------
    loss_curve : list of float
        Training loss of every epoch.
    best_loss : float or None
        The lowest of them; None while validation scores decide.
    validation_scores : list of float or None
        Validation score of every epoch; None without early stopping.
    best_validation_score : float or None
    no_improvement_count : int
        Epochs since the last progress.
    best_params : ndarray of shape (n_params,) or None
        The parameters of the epoch with the best validation score.
    """

    loss_curve: list[float] = field(default_factory=list)
    best_loss: float | None = None
    validation_scores: list[float] | None = None
    best_validation_score: float | None = None
    no_improvement_count: int = 0
    best_params: FloatArray | None = None

    def copy(self) -> Record:
        """A copy that shares no list (the best parameters are never written to)."""
        scores = self.validation_scores
        return replace(
            self,
            loss_curve=list(self.loss_curve),
            validation_scores=None if scores is None else list(scores),
        )


class Monitor:
    """Says of every epoch whether it was progress, and keeps the best one.

    Parameters
    ----------
    tol : float
        The least change that counts as progress.
    n_iter_no_change : int or inf
        Epochs without progress to put up with.
    validation_score : callable or None, default=None
        ``validation_score(params) -> float``. With it, the score decides instead of the
        training loss, and the parameters of the best epoch are kept.
    verbose : bool or int, default=False
        True or 1 prints every epoch, k > 1 the first, every k-th and the last.
    """

    def __init__(
        self,
        *,
        tol: float,
        n_iter_no_change: float,
        validation_score: Callable[[FloatArray], float] | None = None,
        verbose: bool | int = False,
    ) -> None:
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.validation_score = validation_score
        self.verbose = int(verbose)
        self._unprinted: list[str] = []

    def begin(self, record: Record) -> None:
        """Make a record, new or continued, ready for the rule in force."""
        if self.validation_score is None:
            record.best_loss = np.inf if record.best_loss is None else record.best_loss
            return
        record.best_loss = None
        if record.validation_scores is None or record.best_validation_score is None:
            record.validation_scores = []
            record.best_validation_score = -np.inf

    def end_epoch(self, epoch: int, loss: float, params: FloatArray, record: Record) -> None:
        """Enter an epoch, counted from 1, in the record."""
        lines = ["Iteration %d, loss = %.8f" % (epoch, loss)]
        record.loss_curve.append(loss)
        if self.validation_score is None:
            self._follow_loss(loss, record)
        else:
            # The weights of an epoch whose loss is not finite are not worth scoring.
            score = self.validation_score(params) if np.isfinite(loss) else np.nan
            self._follow_score(score, params, record)
            lines.append("Validation score: %f" % score)
        if epoch == 1 or (self.verbose and epoch % self.verbose == 0):
            self._unprinted = []
            self._say(*lines)
        else:
            self._unprinted = lines

    def is_impatient(self, record: Record) -> bool:
        """Whether there was no progress for more than `n_iter_no_change` epochs."""
        return record.no_improvement_count > self.n_iter_no_change

    def announce_plateau(self, consequence: str) -> None:
        """Say that patience is at an end, and what follows from it."""
        if not self.verbose:
            return
        watched = "Training loss" if self.validation_score is None else "Validation score"
        self.end()
        self._say(
            "%s did not improve more than tol=%f for %d consecutive epochs. %s"
            % (watched, self.tol, self.n_iter_no_change, consequence)
        )

    def end(self) -> None:
        """Print the last epoch, if it has not been printed yet."""
        self._say(*self._unprinted)
        self._unprinted = []

    def _follow_loss(self, loss: float, record: Record) -> None:
        assert record.best_loss is not None
        if loss > record.best_loss - self.tol:
            record.no_improvement_count += 1
        else:
            record.no_improvement_count = 0
        record.best_loss = min(record.best_loss, loss)

    def _follow_score(self, score: float, params: FloatArray, record: Record) -> None:
        assert record.validation_scores is not None
        assert record.best_validation_score is not None
        record.validation_scores.append(score)
        # Written so that a score of NaN is no progress.
        if not score >= record.best_validation_score + self.tol:
            record.no_improvement_count += 1
        else:
            record.no_improvement_count = 0
        if score > record.best_validation_score:
            record.best_validation_score = score
            record.best_params = params.copy()

    def _say(self, *lines: str) -> None:
        if self.verbose:
            for line in lines:
                print(line)
