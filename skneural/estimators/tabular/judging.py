"""How good the members are after an epoch, by rows that they have not been trained on.

The rows of all members are judged together: one loss, one error, one temperature. Every figure is
that of single members, since no row is predicted by all of them; the average of all is better.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skneural.arrays.matrices import FloatArray, IndexArray
from skneural.estimators.tabular.inputs import Inputs
from skneural.estimators.tabular.outputs import Classes, NumbersOfMembers
from skneural.losses import Loss, LossBuffers
from skneural.minimizers.joint import JointValidation
from skneural.network import Network
from skneural.temperature import fit_temperature, scaled_log_probabilities

#: ``metric(values) -> float``: how good the judged rows are predicted, the higher the better.
#: The values, of shape (n_judged, n_outputs), are logarithms of probabilities, or numbers.
Metric = Callable[[FloatArray], float]

#: The column of the history that it has.
METRIC = "early_stopping_metric"


@dataclass(frozen=True, eq=False)
class JudgedRows:
    """The rows that each member is judged by, those of all members one after another.

    Attributes
    ----------
    inputs : Inputs
        Rows among which they are.
    of_members : list of ndarray of int
        Which of them each member is judged by.
    """

    inputs: Inputs
    of_members: list[IndexArray]

    @property
    def rows(self) -> IndexArray:
        """The number of each row among `inputs`."""
        return np.concatenate(self.of_members)

    @property
    def members(self) -> IndexArray:
        """The member of each row."""
        return np.repeat(np.arange(len(self.of_members)), list(map(len, self.of_members)))

    def places(self, k: int) -> slice:
        """Where the rows of member k are."""
        start = sum(map(len, self.of_members[:k]))
        return slice(start, start + len(self.of_members[k]))


class Judge(ABC):
    """Judges all members after an epoch: see `skneural.minimizers.run.Run.validate_together`.

    Parameters
    ----------
    network : Network
    judged : JudgedRows
    weight : ndarray of shape (n_judged,) or None
        Of the judged rows, with the weights of their classes.
    sample_weight : ndarray of shape (n_judged,) or None
        Without them, for the score.
    metric : callable or None
        See `Metric`.
    """

    def __init__(
        self,
        network: Network,
        judged: JudgedRows,
        weight: FloatArray | None,
        sample_weight: FloatArray | None,
        metric: Metric | None,
    ) -> None:
        self.network, self.judged, self.metric = network, judged, metric
        self.weight, self.sample_weight = weight, sample_weight
        self._raw: FloatArray | None = None

    def raw(self, models: FloatArray, members: Sequence[int] | None = None) -> FloatArray:
        """Raw outputs of the judged rows, each of its member, of shape (n_judged, n_outputs).

        Those of members that are not named stay what they were.
        """
        if self._raw is None:
            shape = (len(self.judged.rows), self.network.n_outputs)
            self._raw = np.zeros(shape, dtype=models.dtype)
        for k in range(len(models)) if members is None else members:
            rows = self.judged.of_members[k]
            if len(rows):
                inputs = self.judged.inputs.of_member(k, rows)
                self._raw[self.judged.places(k)] = self.network.predict_raw(models[k], inputs)
        return self._raw

    def __call__(self, models: FloatArray, active: Sequence[int]) -> JointValidation:
        """Score and loss of the models of this epoch, and what they are selected by."""
        return self.judged_by(self.raw(models, active))

    @abstractmethod
    def judged_by(self, raw: FloatArray) -> JointValidation:
        """The same, from raw outputs."""

    @abstractmethod
    def final(
        self, raw: FloatArray, outputs: Any, n_rows: int | None
    ) -> tuple[float, FloatArray | None]:
        """The score of the checkpoints together, and what they predict for each row.

        Parameters
        ----------
        raw : ndarray of shape (n_checkpoints, n_judged, n_outputs)
        outputs : Classes or NumbersOfMembers
            With the temperatures of these checkpoints.
        n_rows : int or None
            Rows to have predictions for, NaN for those that no member is judged by; None for no
            predictions.
        """


class JudgeOfClasses(Judge):
    """By the log loss after temperature scaling, and by the error.

    Parameters
    ----------
    network, judged, weight, sample_weight, metric
        See `Judge`.
    codes : ndarray of shape (n_judged,)
        The class of each row.
    """

    def __init__(
        self,
        network: Network,
        judged: JudgedRows,
        weight: FloatArray | None,
        sample_weight: FloatArray | None,
        metric: Metric | None,
        codes: IndexArray,
    ) -> None:
        super().__init__(network, judged, weight, sample_weight, metric)
        self.codes = codes

    def judged_by(self, raw: FloatArray) -> JointValidation:
        temperature = fit_temperature(raw, self.codes, self.weight)
        if not np.isfinite(temperature.loss):
            return _not_finite({"error": np.inf, "temperature": np.nan}, self.metric)
        is_wrong = raw.argmax(axis=1) != self.codes
        error = float(np.average(is_wrong, weights=self.weight))
        numbers = {"error": error, "temperature": temperature.value}
        if self.metric is not None:
            numbers[METRIC] = -self.metric(scaled_log_probabilities(raw, temperature.value))
        return JointValidation(1 - error, temperature.loss, numbers)

    def final(
        self, raw: FloatArray, outputs: Classes, n_rows: int | None
    ) -> tuple[float, FloatArray | None]:
        log_probability = outputs.of_networks(raw[:, np.newaxis])[:, 0].mean(axis=0)
        is_right = log_probability.argmax(axis=1) == self.codes
        score = float(np.average(is_right, weights=self.sample_weight))
        if n_rows is None:
            return score, None
        predictions = mean_by_row(log_probability, self.judged.rows, n_rows)
        known = ~np.isnan(predictions[:, 0])
        logits = outputs.logits(predictions[known])
        predictions[known] = outputs.labels.probability(logits)
        return score, predictions


class JudgeOfNumbers(Judge):
    """By the loss, in units of the standard deviation of y.

    Parameters
    ----------
    network, judged, weight, metric
        See `Judge`.
    outputs : NumbersOfMembers
    loss : Loss
    y : ndarray of shape (n_judged,)
        In the units of the user.
    """

    def __init__(
        self,
        network: Network,
        judged: JudgedRows,
        weight: FloatArray | None,
        metric: Metric | None,
        outputs: NumbersOfMembers,
        loss: Loss,
        y: FloatArray,
    ) -> None:
        super().__init__(network, judged, weight, weight, metric)
        self.loss, self.y = loss, y
        # As one member for each row: the units are those of the member that predicts it.
        members = judged.members
        self.outputs = NumbersOfMembers(
            *(getattr(outputs, name)[members] for name in ("mean", "scale", "lowest", "highest"))
        )
        self._unit = float(np.mean(outputs.scale))
        self._total = float(len(y) if weight is None else weight.sum())

    def predicted(self, raw: FloatArray) -> FloatArray:
        """What raw outputs of shape (n_judged, 1) predict, of shape (n_judged,)."""
        return self.outputs.of_networks(raw[np.newaxis, :, np.newaxis])[0, :, 0, 0]

    def judged_by(self, raw: FloatArray) -> JointValidation:
        predicted = self.predicted(raw)
        if not np.all(np.isfinite(predicted)):
            return _not_finite({}, self.metric)
        numbers = {} if self.metric is None else {METRIC: -self.metric(predicted[:, np.newaxis])}
        y, predicted = self.y / self._unit, predicted / self._unit
        differences = (predicted - y)[:, np.newaxis]
        zeros = np.zeros_like(differences)
        buffers = LossBuffers(np.empty_like(zeros), np.empty_like(zeros), np.empty_like(zeros))
        losses = self.loss.value_and_gradient(differences, zeros, buffers)
        loss = losses.sum() if self.weight is None else np.dot(losses, self.weight)
        score = self.loss.score(y, predicted, self.weight)
        return JointValidation(float(score), float(loss) / self._total, numbers)

    def final(
        self, raw: FloatArray, outputs: NumbersOfMembers, n_rows: int | None
    ) -> tuple[float, FloatArray | None]:
        predicted = np.mean([self.predicted(own) for own in raw], axis=0)
        with np.errstate(over="ignore", invalid="ignore"):
            score = float(self.loss.score(self.y / self._unit, predicted / self._unit, self.weight))
        if n_rows is None:
            return score, None
        return score, mean_by_row(predicted[:, np.newaxis], self.judged.rows, n_rows)[:, 0]


def _not_finite(numbers: dict[str, float], metric: Metric | None) -> JointValidation:
    """What an epoch has come to whose outputs are not finite: no metric is asked about them."""
    return JointValidation(
        -np.inf, np.inf, numbers if metric is None else {**numbers, METRIC: np.nan}
    )


def mean_by_row(values: FloatArray, rows: IndexArray, n_rows: int) -> FloatArray:
    """The mean of the values of each row, some of which come several times; NaN for the others."""
    sums = np.zeros((n_rows, values.shape[1]))
    np.add.at(sums, rows, values)
    counts = np.bincount(rows, minlength=n_rows)[:, np.newaxis]
    means = np.full_like(sums, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means
