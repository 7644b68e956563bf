"""What the raw outputs of the members stand for: logits of classes, or numbers.

`Classes` and `NumbersOfMembers` are kept with a fitted ensemble: they average what the networks put
out. How good out-of-fold outputs are, in training, is in `judging`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from skneural.arrays.matrices import FloatArray, IndexArray
from skneural.estimators.table.scaling import Quantiles
from skneural.estimators.tabular.folds import Fold
from skneural.estimators.targets import Labels
from skneural.losses import LOSSES, Loss
from skneural.temperature import scaled_log_probabilities

#: Of the range of y: its standard deviation is taken for no less.
SMALLEST_SCALE = 1e-8

#: Ranges between quantiles of normal numbers of standard deviation 1: between the quartiles, and
#: from 5 to 95 %.
NORMAL_RANGES = (1.349, 3.29)

#: Times the deviation by these ranges from which on a few rows are taken to have set the other.
MAX_SPREADS = 5.0


class Outputs(ABC):
    """What the outputs of all networks mean, and their average."""

    @property
    @abstractmethod
    def n_outputs(self) -> int:
        """Outputs of each network."""

    @abstractmethod
    def of_networks(self, raw: FloatArray) -> FloatArray:
        """What the outputs of each network stand for.

        Parameters
        ----------
        raw : ndarray of shape (n_checkpoints, K, n_rows, n_outputs)

        Returns
        -------
        values : ndarray of the same shape, in float64
            Logarithms of probabilities, or numbers in the units of y.
        """

    @abstractmethod
    def predictions(self, values: FloatArray) -> FloatArray:
        """What is predicted by one value for each row: logits as `Classes.logits`, or numbers."""

    @abstractmethod
    def of_predictions(self, predictions: FloatArray) -> FloatArray:
        """The inverse of `predictions`."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""


@dataclass(frozen=True, eq=False)
class Classes(Outputs):
    """Logits of classes.

    Attributes
    ----------
    labels : Labels
    temperatures : ndarray of shape (n_checkpoints,)
        What the logits of each checkpoint are divided by, see `skneural.temperature`.
    """

    labels: Labels
    temperatures: FloatArray

    @property
    def n_outputs(self) -> int:
        return len(self.labels.classes)

    @property
    def loss(self) -> Loss:
        """What training minimises."""
        return LOSSES["log_loss", "softmax"]

    def of_networks(self, raw: FloatArray) -> FloatArray:
        values = np.empty(raw.shape)
        for own, of_checkpoint, temperature in zip(values, raw, self.temperatures, strict=True):
            own[...] = scaled_log_probabilities(of_checkpoint, temperature)
        return values

    def logits(self, averaged: FloatArray) -> FloatArray:
        """Averaged logarithms of probabilities as the logits that `labels` reads.

        For two classes it is one column, their difference.
        """
        return averaged[:, 1:] - averaged[:, :1] if self.labels.is_binary else averaged

    def predictions(self, values: FloatArray) -> FloatArray:
        probability = np.full((len(values), self.n_outputs), np.nan)
        known = ~np.isnan(values[:, 0])
        probability[known] = self.labels.probability(values[known])
        return probability

    def of_predictions(self, predictions: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore"):  # a probability of zero
            return self.logits(np.log(predictions))

    def to_dict(self) -> dict[str, Any]:
        return {"labels": self.labels.to_dict(), "temperatures": self.temperatures}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        return cls(Labels.from_dict(plain["labels"]), plain["temperatures"])


@dataclass(frozen=True, eq=False)
class NumbersOfMembers(Outputs):
    """Numbers, which each member has in units of its own.

    Attributes
    ----------
    mean, scale : ndarray of shape (K,)
        Mean and standard deviation of y among the training rows of each member, or the robust
        counterparts of both.
    lowest, highest : ndarray of shape (K,)
        Its smallest and largest y: no prediction lies beyond them.
    """

    mean: FloatArray
    scale: FloatArray
    lowest: FloatArray
    highest: FloatArray

    @classmethod
    def fit(
        cls,
        y: FloatArray,
        weight: FloatArray | None,
        folds: Sequence[Fold],
        *,
        is_robust: bool = False,
    ) -> Self:
        """The units of members with these rows.

        If they are to be robust, a few rows of extreme y (less than 5 % at each end) do not set
        them: where the standard deviation is many times that of normal numbers with the same
        quartiles and 5 % and 95 % quantiles, it is the latter, and the mean is the median.
        """
        unit = unit_of(y)
        scaled = in_units_of(unit, y)
        found = [_statistics(scaled, weight, fold.train, is_robust) for fold in folds]
        mean, scale, lowest, highest = np.array(found).T
        return cls(mean * unit, scale * unit, lowest * unit, highest * unit)

    @property
    def n_outputs(self) -> int:
        return 1

    def encode(self, y: FloatArray) -> FloatArray:
        """The numbers y in the units of each member, of shape (K, n_rows, 1), in float32."""
        with np.errstate(over="ignore"):
            encoded = (y - self.mean[:, None]) / self.scale[:, None]
        # What is far beyond is of rows that the member is not trained on.
        largest = np.finfo(np.float32).max
        single: FloatArray = np.clip(encoded, -largest, largest).astype(np.float32)
        return single[..., np.newaxis]

    def of_networks(self, raw: FloatArray) -> FloatArray:
        mean, scale, lowest, highest = (
            each[:, np.newaxis, np.newaxis]
            for each in (self.mean, self.scale, self.lowest, self.highest)
        )
        return np.clip(raw.astype(np.float64) * scale + mean, lowest, highest)

    def predictions(self, values: FloatArray) -> FloatArray:
        return values

    def of_predictions(self, predictions: FloatArray) -> FloatArray:
        return predictions

    def to_dict(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True, eq=False)
class SinglePrecision:
    """Numbers that are kept in float32: ``center + scale * values``.

    They take half of the memory, and are off by less than 1e-7 of what they are apart from the
    center. Outputs of networks in float32 are no better.

    Attributes
    ----------
    values : ndarray of float32
    center, scale : float
    """

    values: npt.NDArray[np.float32]
    center: float = 0.0
    scale: float = 1.0

    @classmethod
    def of(cls, numbers: FloatArray, center: float = 0.0, scale: float = 1.0) -> Self:
        """Numbers rounded, as deviations from a center in units of a scale."""
        return cls(((numbers - center) / scale).astype(np.float32), center, scale)

    def among(self, kept: npt.NDArray[np.bool_]) -> Self:
        """As those of some of the rows: NaN for the others."""
        values = np.full((len(kept), *self.values.shape[1:]), np.nan, dtype=np.float32)
        values[kept] = self.values
        return replace(self, values=values)

    def in_double_precision(self) -> FloatArray:
        """The numbers in float64."""
        return self.values.astype(np.float64) * self.scale + self.center


def outputs_from_dict(plain: dict[str, Any]) -> Classes | NumbersOfMembers:
    """The inverse of `Outputs.to_dict`."""
    return Classes.from_dict(plain) if "labels" in plain else NumbersOfMembers(**plain)


def unit_of(numbers: FloatArray) -> float:
    """A power of two near the largest number: squares in its units are finite."""
    largest = float(np.max(np.abs(numbers), initial=0.0))
    return float(np.ldexp(1.0, np.frexp(largest)[1] - 1)) if largest else 1.0


def in_units_of(unit: float, numbers: FloatArray) -> FloatArray:
    """The numbers divided by a unit that is as large as they are."""
    # The smallest numbers have no inverse, which raises a flag in some versions of NumPy.
    with np.errstate(over="ignore"):
        divided: FloatArray = numbers / unit
    return divided


def _statistics(
    y: FloatArray, weight: FloatArray | None, rows: IndexArray, is_robust: bool
) -> tuple[float, float, float, float]:
    own, own_weight = y[rows], None if weight is None else weight[rows]
    lowest, highest = float(own.min()), float(own.max())
    # Rounding must not take the mean of equal numbers away from them.
    mean = float(np.clip(np.average(own, weights=own_weight), lowest, highest))
    scale = float(np.sqrt(np.average(np.square(own - mean), weights=own_weight)))
    if is_robust:
        at = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
        first, low, median, high, last = Quantiles(own[np.newaxis], own_weight)(at)[0].tolist()
        # The wider range counts where most rows are nearly the same, and a good part is not.
        spread = max((high - low) / NORMAL_RANGES[0], (last - first) / NORMAL_RANGES[1])
        if 0 < MAX_SPREADS * spread < scale:
            mean, scale = median, spread
    # Beside a row of nearly all the weight, others would be too far away for float32.
    scale = max(scale, SMALLEST_SCALE * (highest - lowest))
    return mean, scale or 1.0, lowest, highest


def average(values: npt.NDArray[Any]) -> FloatArray:
    """The mean over all checkpoints and members, of shape (n_rows, n_outputs)."""
    mean: FloatArray = values.mean(axis=(0, 1))
    return mean
