"""Several columns of class labels (multiclass-multioutput): one softmax for each column.

The columns share the hidden layers of a network. Its outputs, one for each class of each column,
lie side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from skneural.arrays.matrices import BoolArray, FloatArray
from skneural.estimators.checks import saying_where
from skneural.estimators.label_kinds import (
    has_classes_of_columns,
    label_columns,
)
from skneural.estimators.target_contract import ClassTargets
from skneural.estimators.targets import Labels
from skneural.estimators.user_warnings import warn_user
from skneural.losses import SOFTMAX, Link, Loss, SumOverTargets, side_by_side
from skneural.losses.links import outputs_of_targets

#: Names of the columns of y, where they have some.
Names = tuple[str, ...] | None


@dataclass(frozen=True)
class SoftmaxLabels(Labels):
    """The labels of one column of several: one output for each class, also where there are two."""

    joins_two_classes = False


@dataclass(frozen=True)
class LabelColumns(ClassTargets):
    """How several columns of labels are encoded, one label in each.

    Parameters
    ----------
    columns : tuple of SoftmaxLabels
    names : tuple of str or None, default=None
        Of the columns, for messages.

    Attributes
    ----------
    widths : tuple of int
        Outputs of each column.
    link : Link
        A softmax for each column.
    n_outputs : int
        Width of the output layer.
    """

    columns: tuple[SoftmaxLabels, ...]
    names: Names = None
    widths: tuple[int, ...] = field(init=False, repr=False)
    link: Link = field(init=False, repr=False)
    n_outputs: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        widths = tuple(labels.n_outputs for labels in self.columns)
        link = side_by_side(SOFTMAX, widths)
        vars(self).update(widths=widths, link=link, n_outputs=sum(widths))

    @classmethod
    def from_targets(cls, y: Any, classes: Any = None, names: Names = None) -> LabelColumns:
        """Learn the encoding from targets, and from lists of all classes if given.

        Parameters
        ----------
        y : {array-like, sparse matrix} of shape (n_rows, n_targets)
        classes : list of array-like of shape (n_classes,), default=None
            All labels of each column.
        names : tuple of str or None, default=None

        Raises
        ------
        ValueError
            If a column is not a classification target, or mixes labels that cannot be sorted.
        """
        columns = label_columns(y)
        given = _classes_of_columns(classes, len(columns))
        found = []
        for number, column in enumerate(columns):
            with saying_where(place_of(number, names)):
                found.append(SoftmaxLabels.from_targets(column, given[number]))
        return cls(tuple(found), names)

    @property
    def classes_of_model(self) -> list[npt.NDArray[Any]]:
        """The labels of each column, sorted."""
        return [labels.classes for labels in self.columns]

    def loss_of(self, loss: Loss) -> Loss:
        """The sum of this loss for a softmax over all columns."""
        return SumOverTargets(loss.with_link(SOFTMAX), self.widths)

    @property
    def n_probabilities(self) -> int:
        """One for each class of each column."""
        return self.n_outputs

    def check_same(self, y: Any, classes: Any, *, mode: str) -> None:
        """Raise ValueError where training cannot go on with these labels. See `Labels`."""
        given = _classes_of_columns(classes, len(self.columns))
        for number, (labels, column) in enumerate(self._with_columns_of(y)):
            with saying_where(place_of(number, self.names)):
                labels.check_same(column, given[number], mode=mode)

    def encode(self, y: Any, *, is_checked: bool = False) -> BoolArray:
        """Targets as a boolean array of shape (n_samples, n_outputs): one True in each column.

        `is_checked` says that these labels were learned from these targets.
        """
        encoded = np.empty((y.shape[0], self.n_outputs), dtype=bool)
        parts = zip(self._with_columns_of(y), outputs_of_targets(self.widths), strict=True)
        for number, ((labels, column), outputs) in enumerate(parts):
            with saying_where(place_of(number, self.names)):
                encoded[:, outputs] = labels.encode(column, is_checked=is_checked)
        return encoded

    def _with_columns_of(self, y: Any) -> Iterator[tuple[SoftmaxLabels, npt.NDArray[Any]]]:
        shape = np.shape(y)
        n_columns = shape[1] if len(shape) == 2 else 1
        if n_columns != len(self.columns):
            raise ValueError(
                f"y must have {len(self.columns)} columns of labels, as when the estimator was "
                f"first fitted: it has {n_columns}."
            )
        return zip(self.columns, label_columns(y), strict=True)

    def _with_parts_of(self, array: Any) -> Iterator[tuple[SoftmaxLabels, Any]]:
        """Each column with its part of an array that has a column for each output."""
        parts = (array[:, outputs] for outputs in outputs_of_targets(self.widths))
        return zip(self.columns, parts, strict=True)

    def decode(self, raw: FloatArray) -> npt.NDArray[Any]:
        """The labels predicted, of shape (n_samples, n_targets): objects for unlike columns."""
        dtypes = [labels.classes.dtype for labels in self.columns]
        is_alike = len({dtype.kind for dtype in dtypes}) == 1
        predicted: npt.NDArray[Any] = np.empty(
            (len(raw), len(self.columns)), dtype=np.result_type(*dtypes) if is_alike else object
        )
        for number, (labels, part) in enumerate(self._with_parts_of(raw)):
            predicted[:, number] = labels.decode(part)
        return predicted

    def decision(self, raw: FloatArray) -> list[FloatArray]:
        """The raw outputs of each column."""
        return [np.array(part, order="C") for _, part in self._with_parts_of(raw)]

    def probability(self, raw: FloatArray) -> list[FloatArray]:
        """For each column probabilities of its classes, none of them exactly 0."""
        return [labels.probability(part) for labels, part in self._with_parts_of(raw)]

    def log_probability(self, raw: FloatArray) -> list[FloatArray]:
        """For each column their logarithms, from the logits: never -inf."""
        return [labels.log_probability(part) for labels, part in self._with_parts_of(raw)]

    def score(self, raw: FloatArray, encoded: BoolArray, sample_weight: FloatArray | None) -> float:
        """Mean of the columns' accuracies."""
        parts = zip(self._with_parts_of(raw), self._with_parts_of(encoded), strict=True)
        scores = [
            labels.score(raw_part, part, sample_weight) for (labels, raw_part), (_, part) in parts
        ]
        return float(np.mean(scores))

    def accuracy(self, y: Any, predicted: Any, sample_weight: Any) -> float:
        """Mean of the columns' accuracies."""
        y = y if sparse.issparse(y) else np.asarray(y)
        scores = []
        pairs = zip(self._with_columns_of(y), label_columns(predicted), strict=True)
        for number, ((labels, column), guess) in enumerate(pairs):
            with saying_where(place_of(number, self.names)):
                scores.append(labels.accuracy(column, guess, sample_weight))
        return float(np.mean(scores))

    def class_weights(
        self, class_weight: Any, target: BoolArray, sample_weight: FloatArray | None
    ) -> FloatArray | None:
        """Weights of the classes of all columns, one after another; None where all are the same.

        Raises
        ------
        ValueError
            If `class_weight` is neither 'balanced' nor a list of as many as there are columns, or
            if one of them is not valid.
        """
        n_columns = len(self.columns)
        each_weight = [class_weight] * n_columns if isinstance(class_weight, str) else class_weight
        if not isinstance(each_weight, list) or len(each_weight) != n_columns:
            raise ValueError(
                f"class_weight must be 'balanced' or a list of {n_columns}, one dict, 'balanced' "
                f"or None for each column of y, got {class_weight!r}."
            )
        found = []
        for number, (labels, part) in enumerate(self._with_parts_of(target)):
            with saying_where(place_of(number, self.names)):
                found.append(labels.class_weights(each_weight[number], part, sample_weight))
        if all(by_class is None for by_class in found):
            return None
        return np.concatenate(
            [
                np.ones(labels.n_outputs) if by_class is None else by_class
                for labels, by_class in zip(self.columns, found, strict=True)
            ]
        )

    def row_weights(
        self,
        sample_weight: FloatArray | None,
        by_class: FloatArray,
        target: BoolArray,
        dtype: npt.DTypeLike,
    ) -> FloatArray:
        """Sample weights times the weights of the classes that a row has in the columns."""
        weight, parts = sample_weight, self._with_parts_of(target)
        for (labels, part), outputs in zip(parts, outputs_of_targets(self.widths), strict=True):
            weight = labels.row_weights(weight, by_class[outputs], part, np.float64)
        assert weight is not None
        return weight.astype(dtype)

    def strata(self, encoded: BoolArray, n_validation: int) -> npt.NDArray[Any] | None:
        """The classes of the first column that a split can be stratified by; None for nothing."""
        obstacles = []
        for number, (labels, part) in enumerate(self._with_parts_of(encoded)):
            if np.count_nonzero(part.any(axis=0)) == 1:
                continue  # the same in all rows
            obstacle = labels.obstacle_to_strata(part, n_validation)
            if not obstacle:
                index: npt.NDArray[Any] = part.argmax(axis=1)
                return index
            obstacles.append(f"in {place_of(number, self.names)} {obstacle}")
        if obstacles:
            warn_user(
                "The validation rows of early_stopping are not stratified by class: "
                f"{', '.join(obstacles)}."
            )
        return None

    def to_dict(self) -> dict[str, Any]:
        """The encoding as plain data."""
        data: dict[str, Any] = {"columns": [labels.to_dict() for labels in self.columns]}
        if self.names is not None:
            data["names"] = self.names
        return data

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> LabelColumns:
        """The encoding that `to_dict` has been made from."""
        columns = tuple(SoftmaxLabels(**each) for each in data["columns"])
        return cls(columns, data.get("names"))


def place_of(number: int, names: Names) -> str:
    """A column of y, for a message."""
    return f"column {number if names is None else repr(names[number])} of y"


def _classes_of_columns(classes: Any, n_columns: int) -> Any:
    """What the parameter `classes` of partial_fit names for each column; None for nothing."""
    if classes is None:
        return [None] * n_columns
    if not has_classes_of_columns(classes) or len(classes) != n_columns:
        raise ValueError(
            f"classes must be a list of {n_columns} arrays, the labels of each column of y, got "
            f"{classes!r}."
        )
    return classes
