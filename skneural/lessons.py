"""The training of perceptrons: epochs side by side, each unit until its patience is at an end.

What one unit learns from a row is in `skneural.perceptron`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skneural._arrays import FloatArray, IndexArray
from skneural.monitoring import Watcher
from skneural.perceptron import OnlinePerceptron


class Patience:
    """Waits for a cost to fall.

    Parameters
    ----------
    tol : float
        The least fall below the best cost that counts; -inf to wait for ever.
    n_iter_no_change : int
        Epochs without one, after which patience is at an end.
    """

    def __init__(self, tol: float, n_iter_no_change: int) -> None:
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.best = math.inf
        self.no_improvement_count = 0

    def ends_with(self, cost: float) -> bool:
        """Enter the cost of an epoch; True where it is one too many without improvement."""
        if cost > self.best - self.tol:
            self.no_improvement_count += 1
        else:
            self.no_improvement_count = 0
        self.best = min(self.best, cost)
        return self.no_improvement_count >= self.n_iter_no_change


@dataclass
class Lesson:
    """The training of one unit.

    Attributes
    ----------
    unit : OnlinePerceptron
    orders : iterator of ndarray of int
        The order of the rows in every epoch.
    patience : Patience
    validation_score : callable or None, default=None
        ``validation_score(weights, intercept) -> float``: instead of the objective it decides
        when to stop.
    name : str, default=''
        What to call it when printing.
    n_epochs : int, default=0
    is_over : bool, default=False
    """

    unit: OnlinePerceptron
    orders: Iterator[IndexArray]
    patience: Patience
    validation_score: Callable[[FloatArray, float], float] | None = None
    name: str = ""
    n_epochs: int = 0
    is_over: bool = False

    def epoch(self, verbose: int) -> None:
        """Train for one epoch.

        Raises
        ------
        ValueError
            If a weight is no longer a finite number.
        """
        objective = self.unit.learn(next(self.orders))
        self.n_epochs += 1
        if not self.unit.is_finite:
            raise ValueError(
                f"Floating-point under-/overflow occurred at epoch #{self.n_epochs}. Scaling "
                "input data with StandardScaler or MinMaxScaler might help."
            )
        cost, score = objective, ""
        if self.validation_score is not None:
            # As in scikit-learn: an L2 penalty's common factor is left out of the score.
            cost = -self.validation_score(self.unit.unscaled_weights, self.unit.intercept)
            score = ", Validation score: %f" % -cost
        self.is_over = self.patience.ends_with(cost)
        if verbose:
            weights = self.unit.weights
            print("-- Epoch %d%s" % (self.n_epochs, self.name))
            print(
                "Norm: %.2f, NNZs: %d, Bias: %.6f, Mistakes: %d, Objective: %f%s"
                % (
                    np.linalg.norm(weights),
                    np.count_nonzero(weights),
                    self.unit.intercept,
                    self.unit.n_mistakes,
                    objective,
                    score,
                )
            )
            if self.is_over:
                print("Convergence after %d epochs" % self.n_epochs)


@dataclass(frozen=True)
class Snapshot:
    """The units after a whole epoch of all of them.

    Attributes
    ----------
    weights : ndarray of shape (n_features, n_units)
    intercepts : ndarray of shape (n_units,)
    n_epochs : int
        Of the unit that has trained the longest.
    """

    weights: FloatArray
    intercepts: FloatArray
    n_epochs: int

    @classmethod
    def of(cls, lessons: Sequence[Lesson], dtype: npt.DTypeLike) -> Snapshot:
        """Copies of the weights of all units."""
        return cls(
            np.stack([lesson.unit.weights for lesson in lessons], axis=1),
            np.array([lesson.unit.intercept for lesson in lessons], dtype=dtype),
            max(lesson.n_epochs for lesson in lessons),
        )


def train(
    lessons: Sequence[Lesson],
    max_iter: int,
    *,
    verbose: int = 0,
    watcher: Watcher | None = None,
) -> Iterator[Snapshot]:
    """Train units side by side, each until its patience is at an end.

    They know nothing of each other. Side by side, so that after every epoch there is a model
    that has all of them.

    Parameters
    ----------
    lessons : sequence of Lesson
    max_iter : int
        Most epochs.
    verbose : int, default=0
        Whether to print every epoch of every unit.
    watcher : Watcher or None, default=None
        Is told of every epoch, after it has been yielded, and may end the training.

    Yields
    ------
    snapshot : Snapshot
        After every epoch.
    """
    for _ in range(max_iter):
        if watcher is not None:
            watcher.epoch_begins()
        for lesson in lessons:
            if not lesson.is_over:
                lesson.epoch(verbose)
        yield Snapshot.of(lessons, lessons[0].unit.rows.X.dtype)
        if watcher is not None and watcher.epoch_ended():
            return
        if all(lesson.is_over for lesson in lessons):
            return
