"""The contract of an encoding of targets: what the rest of a fit and a prediction ask of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy.typing as npt

from skneural.arrays.matrices import BoolArray, FloatArray
from skneural.losses import Link, Loss


class Targets(ABC):
    """An encoding of targets: what all kinds of them can say.

    Attributes
    ----------
    link : Link
        From raw outputs to probabilities, or to numbers.
    n_outputs : int
        Width of the output layer.
    """

    link: Link
    n_outputs: int

    @abstractmethod
    def loss_of(self, loss: Loss) -> Loss:
        """The loss that is minimised, where the user has chosen this one."""

    @abstractmethod
    def encode(self, y: Any, *, is_checked: bool = False) -> npt.NDArray[Any]:
        """Targets as the loss takes them, an array of a row for each row."""

    @abstractmethod
    def decode(self, raw: FloatArray) -> Any:
        """What raw outputs of shape (n_samples, n_outputs) predict."""

    @abstractmethod
    def score(
        self, raw: FloatArray, target: npt.NDArray[Any], sample_weight: FloatArray | None
    ) -> float:
        """How well raw outputs predict encoded targets."""

    @abstractmethod
    def strata(self, target: npt.NDArray[Any], n_validation: int) -> npt.NDArray[Any] | None:
        """What to stratify a split into training and validation rows by; None for nothing."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The encoding as plain data."""


class ClassTargets(Targets):
    """An encoding of class labels, of one or several columns.

    Attributes
    ----------
    is_binary : bool
        Whether one output tells two classes apart.
    """

    is_binary: bool = False

    @property
    @abstractmethod
    def classes_of_model(self) -> Any:
        """What a fitted classifier shows as `classes_`."""

    @property
    @abstractmethod
    def n_probabilities(self) -> int:
        """Columns of all that `probability` returns."""

    @abstractmethod
    def check_same(self, y: Any, classes: Any, *, mode: str) -> None:
        """Raise ValueError where training cannot go on with these labels."""

    @abstractmethod
    def decision(self, raw: FloatArray) -> Any:
        """Raw outputs in the shape of decision_function."""

    @abstractmethod
    def probability(self, raw: FloatArray) -> Any:
        """Probabilities of all classes, none of them exactly 0."""

    @abstractmethod
    def log_probability(self, raw: FloatArray) -> Any:
        """Logarithms of the probabilities, from the logits: never -inf."""

    @abstractmethod
    def accuracy(self, y: Any, predicted: Any, sample_weight: Any) -> float:
        """The share of labels that are predicted right."""

    @abstractmethod
    def class_weights(
        self, class_weight: Any, target: BoolArray, sample_weight: FloatArray | None
    ) -> FloatArray | None:
        """The weight of each class; None where all are the same. See `weights_by_class`."""

    @abstractmethod
    def row_weights(
        self,
        sample_weight: FloatArray | None,
        by_class: FloatArray,
        target: BoolArray,
        dtype: npt.DTypeLike,
    ) -> FloatArray:
        """Sample weights times what `class_weights` has returned. See `weighted_by_class`."""
