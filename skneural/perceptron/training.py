"""One-vs-rest perceptrons, trained in lockstep, each with a stopping rule of its own.

The units share nothing but the rows. They are trained side by side, epoch by epoch, so that after
every epoch there is a model that has all of them. How a unit learns from a row is in
`skneural.perceptron.rule`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skneural.arrays.matrices import FloatArray, IndexArray
from skneural.minimizers.run import Run
from skneural.perceptron.rule import OnlinePerceptron


class Patience:
    """Counts epochs in which a cost did not fall.

    Not by `skneural.minimizers.history.EarlyStopping`: scikit-learn's perceptron compares, and
    counts, in another way than its networks do.

    Parameters
    ----------
    tol : float
        The least fall below the best cost that counts; -inf to wait for ever.
    n_iter_no_change : int
        Epochs without one, after which patience is over.

    Attributes
    ----------
    best : float
        The lowest cost so far.
    no_improvement_count : int
        Epochs since the last fall.
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
class UnitTraining:
    """The training of one unit.

    Attributes
    ----------
    unit : OnlinePerceptron
    orders : iterator of ndarray of int
        The order of the rows in every epoch, from the first one on.
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

    def epoch(self, verbose: int = 0) -> float:
        """Train for one epoch.

        Parameters
        ----------
        verbose : int, default=0
            Whether to print a report, in scikit-learn's words.

        Returns
        -------
        objective : float
            See `OnlinePerceptron.learn`.

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
            self._print(objective, score)
        return objective

    def _print(self, objective: float, score: str) -> None:
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

    def state(self) -> dict[str, Any]:
        """What the next epoch depends on, as plain numbers and arrays.

        The order of the rows is left out: `orders` is begun anew, and as many are skipped.
        """
        return {
            "unit": self.unit.state(),
            "best": self.patience.best,
            "no_improvement_count": self.patience.no_improvement_count,
            "n_epochs": self.n_epochs,
            "is_over": self.is_over,
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on where the training of a unit with the same settings, and weights, stood."""
        self.unit.set_state(state["unit"])
        self.patience.best = state["best"]
        self.patience.no_improvement_count = state["no_improvement_count"]
        self.n_epochs, self.is_over = state["n_epochs"], state["is_over"]
        for _ in range(self.n_epochs):
            next(self.orders)


@dataclass(frozen=True)
class PerceptronTraining:
    """A minimiser that trains units in lockstep, each until its patience is over.

    The parameters are the weights of all units, of shape (n_features, n_units) in C order, and
    then their intercepts.

    Parameters
    ----------
    units : sequence of UnitTraining
        All on the same rows.
    verbose : int, default=0
        Whether to print every epoch of every unit.
    reason : str, default='converged'
        Why the training ends when all units are out of patience, one of
        `skneural.minimizers.run.STOP_REASONS`.
    """

    units: Sequence[UnitTraining]
    verbose: int = 0
    reason: str = "converged"

    def __call__(self, run: Run) -> str:
        """Train; see `skneural.minimizers.run.drive`.

        A state that has numbers of the units in `minimizer` is one to go on from.

        Returns
        -------
        reason : str

        Raises
        ------
        ValueError
            If a weight is no longer a finite number.
        """
        remembered = run.state.minimizer.get("units", ())
        for training, state in zip(self.units, remembered, strict=False):
            training.set_state(state)
        n_rows = self.units[0].unit.rows.shape[0]
        under_way = [training for training in self.units if not training.is_over]
        while under_way:
            if run.n_iter >= run.max_iter:
                return "max_iter"
            run.begin_epoch()
            objectives = [training.epoch(self.verbose) for training in under_way]
            under_way = [training for training in self.units if not training.is_over]
            run.end_epoch(
                _finite_mean(objectives),
                n_samples=n_rows,
                params=self.params,
                minimizer={"units": [training.state() for training in self.units]},
            )
        # As in scikit-learn: units that were out of patience only in the very last epoch have used
        # up all that were allowed.
        return "max_iter" if run.n_iter >= run.max_iter else self.reason

    @property
    def params(self) -> FloatArray:
        """The parameters as they are now, in a new vector."""
        rows, n_units = self.units[0].unit.rows, len(self.units)
        params: FloatArray = np.empty((rows.shape[1] + 1) * n_units, dtype=rows.dtype)
        # The intercepts are one more row of the weights.
        columns = params.reshape(-1, n_units).T
        for column, training in zip(columns, self.units, strict=True):
            training.unit.copy_weights(column[:-1])
            column[-1] = training.unit.intercept
        return params


def _finite_mean(objectives: Sequence[float]) -> float:
    # An output that overflows is a mistake like any other, as in scikit-learn: what has to be
    # finite is the weights.
    mean = sum(objectives) / len(objectives)
    return mean if math.isfinite(mean) else float(np.finfo(np.float64).max)
