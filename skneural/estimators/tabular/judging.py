"""How good the members are after an epoch, by rows that they have not been trained on.

The rows of all members are judged together: one loss, one error, one temperature. Every figure is
that of single members, since no row is predicted by all of them; the average of all is better.

What a fit keeps of these rows, `OutOfFold`, is not that of the epochs that they have selected.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.special import entr, log_softmax

from skneural.arrays.matrices import FloatArray, IndexArray
from skneural.estimators.scales import loss_of_best_constant
from skneural.estimators.tabular.inputs import Inputs
from skneural.estimators.tabular.outputs import (
    Classes,
    NumbersOfMembers,
    SinglePrecision,
    in_units_of,
)
from skneural.losses import Loss, LossBuffers
from skneural.minimizers.joint import JointValidation
from skneural.network import Network
from skneural.temperature import cautious_temperature, scaled_log_probabilities
from skneural.workspace import PredictionMemory

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


class SelectedOutputs(NamedTuple):
    """The outputs for each judged row, of the epochs that are selected for it.

    Attributes
    ----------
    n_epochs : int
        That there have been.
    best : ndarray of shape (n_criteria, n_members)
        By what they are selected.
    raw : ndarray of shape (n_criteria, n_judged, n_outputs)
    temperatures : ndarray of shape (n_criteria, n_judged)
        Of the epochs that these are from.
    """

    n_epochs: int
    best: FloatArray
    raw: FloatArray
    temperatures: FloatArray


class OutOfFold:
    """What each member puts out for its fold, in the epochs that the *other* folds select.

    The best epoch of all folds is selected by a little luck too, so that its figures are too good.
    What the other folds select knows nothing of the fold itself. For every criterion and member
    the best epoch so far is kept, of several equal ones the last.

    Parameters
    ----------
    members : ndarray of int of shape (n_judged,)
        The member that each judged row belongs to.
    weight : ndarray of shape (n_judged,)
    n_criteria : int
    n_outputs : int

    Notes
    -----
    An epoch never changes what there was before it: an interrupt may come after it has been judged
    and before the record of the training has it. So the last two are kept.
    """

    def __init__(
        self, members: IndexArray, weight: FloatArray, n_criteria: int, n_outputs: int
    ) -> None:
        self._members, self._weight = members, weight
        n_members = int(members.max()) + 1
        own = np.bincount(members, weight, n_members)
        # Which folds select for each: all others, or where these have no weight the fold itself.
        # A product of matrices, since a difference of sums would be rounded.
        others, itself = 1.0 - np.eye(n_members), np.eye(n_members)
        self._selects = np.where(own @ others > 0, others, itself)
        self._weight_of_others = own @ self._selects
        n_judged = len(members)
        first = SelectedOutputs(
            0,
            np.full((n_criteria, n_members), np.inf),
            np.zeros((n_criteria, n_judged, n_outputs), dtype=np.float32),
            np.ones((n_criteria, n_judged)),
        )
        self._last_two = (first, first)

    def after(self, n_epochs: int | None = None) -> SelectedOutputs:
        """What there is after so many epochs, the last or the one before it; None for the last."""
        before, last = self._last_two
        return before if before.n_epochs == n_epochs else last

    def enter_losses(self, raw: FloatArray, losses: FloatArray, temperature: float) -> None:
        """One more epoch, by the losses of all rows for every criterion.

        Parameters
        ----------
        raw : ndarray of shape (n_judged, n_outputs)
        losses : ndarray of shape (n_criteria, n_judged)
            The lower the better.
        temperature : float
        """
        n_members = len(self._weight_of_others)
        own = np.stack(
            [np.bincount(self._members, self._weight * each, n_members) for each in losses]
        )
        self.enter(raw, (own @ self._selects) / self._weight_of_others, temperature)

    def enter(self, raw: FloatArray, values: Any, temperature: float) -> None:
        """One more epoch, by one value for every criterion and member, the lower the better."""
        last = self._last_two[-1]
        values = np.broadcast_to(values, last.best.shape)
        values = np.where(np.isnan(values), np.inf, values)
        is_best = values <= last.best
        keeps = is_best[:, self._members]
        entered = SelectedOutputs(
            last.n_epochs + 1,
            np.where(is_best, values, last.best),
            np.where(keeps[..., np.newaxis], raw, last.raw),
            np.where(keeps, temperature, last.temperatures),
        )
        self._last_two = (last, entered)

    def skip(self) -> None:
        """One more epoch, whose outputs are not finite."""
        last = self._last_two[-1]
        self._last_two = (last, last._replace(n_epochs=last.n_epochs + 1))


class Judge(ABC):
    """Judges all members after an epoch: `validate_together` of `skneural.minimizers.run.Run`.

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
    n_criteria : int
        By which epochs are selected.

    Attributes
    ----------
    out_of_fold : OutOfFold
    """

    def __init__(
        self,
        network: Network,
        judged: JudgedRows,
        weight: FloatArray | None,
        sample_weight: FloatArray | None,
        metric: Metric | None,
        n_criteria: int,
    ) -> None:
        self.network, self.judged, self.metric = network, judged, metric
        self.weight, self.sample_weight = weight, sample_weight
        n_judged = len(judged.rows)
        self._raw = np.zeros((n_judged, network.n_outputs), dtype=np.float32)
        self._memory = PredictionMemory(network, np.float32)
        self.out_of_fold = OutOfFold(
            judged.members,
            np.ones(n_judged) if weight is None else weight,
            n_criteria,
            network.n_outputs,
        )

    def __call__(self, models: FloatArray, active: Sequence[int]) -> JointValidation:
        """Score and loss of the models of this epoch, and what they are selected by.

        For the rows of members that are not active those of an earlier epoch count.
        """
        for k in active:
            rows = self.judged.of_members[k]
            if len(rows):
                inputs = self.judged.inputs.of_member(k, rows)
                raw = self.network.predict_raw(models[k], inputs, self._memory)
                self._raw[self.judged.places(k)] = raw
        return self.judged_by(self._raw)

    @abstractmethod
    def loss_of_constant(self) -> float:
        """The lowest validation loss of predictions that are the same for all judged rows."""

    @abstractmethod
    def judged_by(self, raw: FloatArray) -> JointValidation:
        """The same, from raw outputs of the judged rows, each of its member."""

    @abstractmethod
    def final(
        self, outputs: Any, n_rows: int | None, n_epochs: int
    ) -> tuple[float, SinglePrecision | None]:
        """The score of what is out of fold, and the number or logits of each row.

        Parameters
        ----------
        outputs : Classes or NumbersOfMembers
        n_rows : int or None
            Rows to have these for, NaN for those that no member is judged by; None for none.
        n_epochs : int
            After which it is asked for.
        """


class JudgeOfClasses(Judge):
    """By the log loss after temperature scaling, and by the error.

    Parameters
    ----------
    network, judged, weight, sample_weight, metric
        See `Judge`.
    criteria : sequence of str
        'validation_loss', 'error' or both; or that of the metric.
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
        criteria: Sequence[str],
        codes: IndexArray,
    ) -> None:
        super().__init__(network, judged, weight, sample_weight, metric, len(criteria))
        self.criteria, self.codes = criteria, codes

    def loss_of_constant(self) -> float:
        total = np.bincount(self.codes, self.weight)
        return float(entr(total / total.sum()).sum())

    def judged_by(self, raw: FloatArray) -> JointValidation:
        temperature = cautious_temperature(raw, self.codes, self.weight)
        if not np.isfinite(temperature.loss):
            self.out_of_fold.skip()
            return _not_finite({"error": np.inf, "temperature": np.nan}, self.metric)
        is_wrong = raw.argmax(axis=1) != self.codes
        error = float(np.average(is_wrong, weights=self.weight))
        score = float(np.average(~is_wrong, weights=self.sample_weight))
        numbers = {"error": error, "temperature": temperature.value}
        log_probability = scaled_log_probabilities(raw, temperature.value)
        if self.metric is not None:
            numbers[METRIC] = -self.metric(log_probability)
            self.out_of_fold.enter(raw, numbers[METRIC], temperature.value)
        else:
            losses = {
                "validation_loss": -log_probability[np.arange(len(raw)), self.codes],
                "error": is_wrong,
            }
            chosen = np.stack([losses[name] for name in self.criteria])
            self.out_of_fold.enter_losses(raw, chosen, temperature.value)
        return JointValidation(score, temperature.loss, numbers)

    def final(
        self, outputs: Classes, n_rows: int | None, n_epochs: int
    ) -> tuple[float, SinglePrecision | None]:
        found = self.out_of_fold.after(n_epochs)
        scaled = found.raw / found.temperatures[..., np.newaxis]
        log_probability = log_softmax(scaled, axis=-1).mean(axis=0)
        is_right = log_probability.argmax(axis=1) == self.codes
        score = float(np.average(is_right, weights=self.sample_weight))
        if n_rows is None:
            return score, None
        log_probability = mean_by_row(log_probability, self.judged.rows, n_rows)
        return score, SinglePrecision.of(outputs.logits(log_probability))


class JudgeOfNumbers(Judge):
    """By the loss, in units of the mean scale of the members.

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
        super().__init__(network, judged, weight, weight, metric, n_criteria=1)
        self.loss, self.y = loss, y
        # As one member for each row: the units are those of the member that predicts it.
        members = judged.members
        self.outputs = NumbersOfMembers(
            *(getattr(outputs, name)[members] for name in ("mean", "scale", "lowest", "highest"))
        )
        self._unit = float(np.mean(outputs.scale))

    def predicted(self, raw: FloatArray) -> FloatArray:
        """What raw outputs of shape (n_judged, 1) predict, of shape (n_judged,)."""
        return self.outputs.of_networks(raw[np.newaxis, :, np.newaxis])[0, :, 0, 0]

    def loss_of_constant(self) -> float:
        # Only differences count, and small numbers have small errors of rounding.
        y = in_units_of(self._unit, self.y)
        differences = (y - np.median(y))[:, np.newaxis]
        return loss_of_best_constant(self.loss, 1, differences, self.weight)

    def judged_by(self, raw: FloatArray) -> JointValidation:
        predicted = self.predicted(raw)
        if not np.all(np.isfinite(predicted)):
            self.out_of_fold.skip()
            return _not_finite({}, self.metric)
        numbers = {} if self.metric is None else {METRIC: -self.metric(predicted[:, np.newaxis])}
        y, predicted = self.y / self._unit, predicted / self._unit
        differences = (predicted - y)[:, np.newaxis]
        zeros = np.zeros_like(differences)
        buffers = LossBuffers(np.empty_like(zeros), np.empty_like(zeros), np.empty_like(zeros))
        losses = self.loss.value_and_gradient(differences, zeros, buffers)
        if self.metric is not None:
            self.out_of_fold.enter(raw, numbers[METRIC], 1.0)
        else:
            self.out_of_fold.enter_losses(raw, losses[np.newaxis], 1.0)
        loss = float(np.average(losses, weights=self.weight))
        if not np.isfinite(loss):
            return JointValidation(-np.inf, np.inf, numbers)
        score = self.loss.score(y, predicted, self.weight)
        return JointValidation(float(score), loss, numbers)

    def final(
        self, outputs: NumbersOfMembers, n_rows: int | None, n_epochs: int
    ) -> tuple[float, SinglePrecision | None]:
        predicted = self.predicted(self.out_of_fold.after(n_epochs).raw[0])
        score = float(self.loss.score(self.y / self._unit, predicted / self._unit, self.weight))
        if n_rows is None:
            return score, None
        predictions = mean_by_row(predicted[:, np.newaxis], self.judged.rows, n_rows)[:, 0]
        return score, SinglePrecision.of(predictions, float(np.mean(outputs.mean)), self._unit)


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
