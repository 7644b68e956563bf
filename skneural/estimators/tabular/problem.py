"""What is to be learned: classes or numbers, as training and its judge take them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from skneural.arrays.matrices import FloatArray, IndexArray
from skneural.estimators.label_kinds import kind_of_labels
from skneural.estimators.table.targets import MAX_CLASSES
from skneural.estimators.table.weights import relative
from skneural.estimators.tabular.data import TableRows
from skneural.estimators.tabular.folds import Fold
from skneural.estimators.tabular.judging import (
    METRIC,
    Judge,
    JudgedRows,
    JudgeOfClasses,
    JudgeOfNumbers,
    Metric,
)
from skneural.estimators.tabular.outputs import Classes, NumbersOfMembers, in_units_of
from skneural.estimators.targets import Labels
from skneural.losses import LOSSES, AbsoluteError, Loss, SquaredError
from skneural.network import Network

OutputsOf = Callable[[FloatArray], Classes | NumbersOfMembers]


class Problem(ABC):
    """What is to be learned.

    Attributes
    ----------
    n_outputs : int
        Of each network.
    loss : Loss
        What training minimises.
    codes : ndarray of shape (n_rows,) or None
        The class of each row; None for numbers.
    encoding : ndarray of shape (n_rows, n_targets)
        What stands for y in the encoding of categories by target.
    weight : ndarray of shape (n_rows,) or None
        Of the rows, with the weights of their classes.
    """

    n_outputs: int
    loss: Loss
    codes: IndexArray | None
    encoding: FloatArray
    weight: FloatArray | None

    def check(self, folds: Sequence[Fold]) -> None:
        """Raise ValueError if a member has no row of positive weight to train on."""
        for number, fold in enumerate(folds):
            if self.weight is not None and not np.any(self.weight[fold.train]):
                raise ValueError(
                    f"Split {number} of cv has no row to train on: class_weight is zero for the "
                    "classes of all of them."
                )

    @abstractmethod
    def targets(self, folds: Sequence[Fold]) -> tuple[npt.NDArray[Any], OutputsOf]:
        """Targets as the loss takes them, and what outputs stand for, given the temperatures."""

    @abstractmethod
    def judge(
        self,
        network: Network,
        judged: JudgedRows,
        rows: TableRows,
        outputs: OutputsOf,
        metric: Metric | None,
        criteria: Sequence[str],
    ) -> Judge:
        """What the members are judged by.

        Parameters
        ----------
        network : Network
        judged : JudgedRows
        rows : TableRows
            Those among which the judged ones are.
        outputs : callable
            See `targets`.
        metric : callable or None
        criteria : sequence of str
            See `criteria`.
        """

    @abstractmethod
    def criteria(self, metric: Any) -> tuple[str, ...]:
        """The columns of the history that epochs are selected by, for this parameter."""


@dataclass(eq=False)
class ClassProblem(Problem):
    """Classes, of which each row has one."""

    labels: Labels
    codes: IndexArray
    sample_weight: FloatArray | None
    by_class: FloatArray | None

    @classmethod
    def of(cls, rows: TableRows, class_weight: Any, name: str) -> Self:
        """The problem of these rows.

        Parameters
        ----------
        rows : TableRows
        class_weight : dict, 'balanced' or None
        name : str
            Of the estimator.

        Raises
        ------
        ValueError
            If y has one class only, or holds no classes.
        """
        kind = kind_of_labels(rows.y)
        labels = Labels.from_targets(rows.y, None, kind)
        if len(labels.classes) < 2:
            raise ValueError(
                f"{name} needs rows of at least 2 classes; there is 1 class only: "
                f"{labels.classes.tolist()[0]!r}"
                + (", in the rows of positive weight." if rows.kept is not None else ".")
            )
        encoded = labels.encode(rows.y, is_checked=True)
        by_class = None
        if class_weight is not None:
            with np.errstate(over="ignore"):
                by_class = labels.class_weights(class_weight, encoded, rows.weight)
        return cls(labels, _codes(labels, encoded), rows.weight, by_class)

    def __post_init__(self) -> None:
        self.n_outputs = len(self.labels.classes)
        self.loss = LOSSES["log_loss", "softmax"]
        self.weight = self._weighted(self.codes, self.sample_weight)
        if self.weight is not None and not np.any(self.weight):
            raise ValueError("class_weight is zero for every class that y has.")
        self.encoding = self._encoding()

    def _encoding(self) -> FloatArray:
        n_classes = self.n_outputs
        if n_classes > MAX_CLASSES:
            return np.zeros((len(self.codes), 0))
        indicator = np.eye(n_classes)[self.codes]
        return indicator[:, 1:] if n_classes == 2 else indicator

    def _weighted(self, codes: IndexArray, weight: FloatArray | None) -> FloatArray | None:
        if self.by_class is None:
            return weight
        own = self.by_class[codes]
        with np.errstate(over="ignore", invalid="ignore"):
            own = own if weight is None else own * weight
            is_finite = np.isfinite(own.sum())
        if not is_finite:
            raise ValueError(
                "sample_weight times class_weight adds up to more than the largest number: divide "
                "the weights by their mean."
            )
        return own

    def targets(self, folds: Sequence[Fold]) -> tuple[npt.NDArray[Any], OutputsOf]:
        return np.eye(self.n_outputs, dtype=bool)[self.codes], lambda t: Classes(self.labels, t)

    def judge(
        self,
        network: Network,
        judged: JudgedRows,
        rows: TableRows,
        outputs: OutputsOf,
        metric: Metric | None,
        criteria: Sequence[str],
    ) -> Judge:
        codes = _codes(self.labels, self.labels.encode(rows.y))[judged.rows]
        sample_weight = None if rows.weight is None else relative(rows.weight[judged.rows])
        weight = self._weighted(codes, sample_weight)
        if weight is not None and not np.any(weight):
            raise ValueError(
                "class_weight is zero for the classes of all rows that the members are judged by."
            )
        return JudgeOfClasses(network, judged, weight, sample_weight, metric, criteria, codes)

    def criteria(self, metric: Any) -> tuple[str, ...]:
        if metric is None:
            return ("validation_loss", "error")
        names = {"loss": "validation_loss", "score": "error"}
        return (names.get(metric, METRIC) if isinstance(metric, str) else METRIC,)


@dataclass(eq=False)
class NumberProblem(Problem):
    """Numbers, of which each row has one."""

    y: FloatArray
    loss: Loss
    weight: FloatArray | None
    n_outputs: int = 1
    codes: None = None

    def __post_init__(self) -> None:
        # Only differences from the mean count, and small numbers have small errors of rounding.
        scaled = in_units_of(float(np.max(np.abs(self.y), initial=0.0)) or 1.0, self.y)
        self.encoding = (scaled - scaled.mean())[:, np.newaxis]

    def targets(self, folds: Sequence[Fold]) -> tuple[npt.NDArray[Any], OutputsOf]:
        # Who asks for the median or a quantile may have outliers, which set a standard deviation.
        is_robust = not isinstance(self.loss, SquaredError)
        outputs = NumbersOfMembers.fit(self.y, self.weight, folds, is_robust=is_robust)
        return outputs.encode(self.y), lambda _: outputs

    def judge(
        self,
        network: Network,
        judged: JudgedRows,
        rows: TableRows,
        outputs: OutputsOf,
        metric: Metric | None,
        criteria: Sequence[str],
    ) -> Judge:
        weight = None if rows.weight is None else relative(rows.weight[judged.rows])
        units = outputs(np.ones(1))
        assert isinstance(units, NumbersOfMembers)
        return JudgeOfNumbers(
            network, judged, weight, metric, units, self.loss, rows.y[judged.rows]
        )

    def criteria(self, metric: Any) -> tuple[str, ...]:
        if metric == "score" and isinstance(self.loss, AbsoluteError):
            return (METRIC,)  # R^2
        # That of other losses is the higher the lower the loss is.
        return ("validation_loss" if metric in (None, "loss", "score") else METRIC,)


def _codes(labels: Labels, encoded: npt.NDArray[Any]) -> IndexArray:
    codes: IndexArray
    codes = encoded[:, 0].astype(np.intp) if labels.is_binary else encoded.argmax(axis=1)
    return codes
