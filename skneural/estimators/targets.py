"""What the raw outputs of a network stand for: class labels, or numbers.

`Labels` and `Numbers` encode the targets that a user passes for the loss, and decode raw outputs to
predictions; `LabelColumns` in `label_columns` does so for several columns of labels. They are
values: learnt from the targets once, kept with the model.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.special import expit, log_expit, log_softmax
from sklearn.metrics import accuracy_score

from skneural.arrays.matrices import BoolArray, FloatArray
from skneural.estimators.checks import as_score
from skneural.estimators.class_weight import weighted_by_class, weights_by_class
from skneural.estimators.label_kinds import (
    ALWAYS_LABELS,
    LabelKind,
    has_classes_of_columns,
    kind_of_labels,
    sortable_or_value_error,
    sorted_classes,
)
from skneural.estimators.split import obstacle_to_strata
from skneural.estimators.target_contract import ClassTargets, Targets
from skneural.estimators.user_warnings import warn_user
from skneural.losses import LINKS, REGRESSION_LOSSES, Link, Loss

#: Probabilities down to this multiple of the smallest normal number are as they come. It
#: leaves room below for the order of those that would vanish.
SMALLEST_PROBABILITY = 1e7


@dataclass(frozen=True)
class Labels(ClassTargets):
    """How the labels of a problem are encoded.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted. For multilabel targets: the numbers of the columns.
    multilabel : bool, default=False
        Whether a row may have any number of the labels.
    sparse_output : bool, default=False
        Whether multilabel predictions are sparse, because the targets were.

    Attributes
    ----------
    is_binary : bool
        Whether one output tells two classes apart.
    n_outputs : int
        Width of the output layer.
    link : Link
        Logistic for two classes or several labels, softmax for one or many classes. A single class
        is a softmax over one output: its probability is 1.
    """

    #: Whether two classes have one output, of which both probabilities follow.
    joins_two_classes: ClassVar[bool] = True

    classes: npt.NDArray[Any]
    multilabel: bool = False
    sparse_output: bool = False
    is_binary: bool = field(init=False, repr=False)
    n_outputs: int = field(init=False, repr=False)
    link: Link = field(init=False, repr=False)

    def __post_init__(self) -> None:
        n_classes = len(self.classes)
        is_binary = self.joins_two_classes and not self.multilabel and n_classes == 2
        link = LINKS["logistic" if self.multilabel or is_binary else "softmax"]
        n_outputs = 1 if is_binary else n_classes
        vars(self).update(is_binary=is_binary, n_outputs=n_outputs, link=link)

    @classmethod
    def from_targets(cls, y: Any, classes: Any = None, kind: LabelKind | None = None) -> Self:
        """Learn the encoding from targets, and from a list of all classes if given.

        `kind` says which kind of labels they are, where that has been found out before.

        Raises
        ------
        ValueError
            If `y` is not a classification target, or mixes labels that cannot be sorted.
        """
        multilabel = (kind or kind_of_labels(y)) is LabelKind.INDICATOR
        if classes is not None:
            found = _flat_classes(classes, multilabel=multilabel)
        elif multilabel:
            found = np.arange(np.shape(y)[1])
        elif isinstance(y, np.ndarray) and y.dtype.kind in ALWAYS_LABELS:
            found = np.unique(y)
        elif isinstance(y, np.ndarray):
            with sortable_or_value_error():
                found = np.unique(y)  # what kind of labels they are is known already
        else:
            found = sorted_classes(y)
        return cls(found, multilabel, multilabel and sparse.issparse(y))

    def check_same(self, y: Any, classes: Any, *, mode: str) -> None:
        """Raise ValueError where training cannot go on with these labels.

        Parameters
        ----------
        y : array-like
            Labels to go on with. They have to be the same as before.
        classes : array-like or None
            All labels, if given once more.
        mode : {'warm_start', 'partial_fit', 'resume'}
            Of the training; in partial_fit some of the labels may be missing.
        """
        if classes is not None:
            given = _flat_classes(classes, multilabel=self.multilabel)
            if not np.array_equal(self.classes, given):
                raise ValueError(
                    f"`classes={classes!r}` is not the same as on last call to partial_fit, was: "
                    f"{self.classes!r}"
                )
        if mode == "partial_fit":
            return
        self._check_kind(y)
        seen = np.arange(np.shape(y)[1]) if self.multilabel else sorted_classes(y)
        if set(seen) == set(self.classes):
            return
        if mode == "resume":
            raise ValueError(
                f"resume continues a fit with the same classes: these were {self.classes}, `y` has "
                f"{seen}. Pass the same rows, or call fit."
            )
        raise ValueError(
            "warm_start can only be used where `y` has the same classes as in the previous call "
            f"to fit. Previously got {self.classes}, `y` has {seen}"
        )

    def loss_of(self, loss: Loss) -> Loss:
        """The loss for outputs with this link."""
        return loss.with_link(self.link)

    @property
    def classes_of_model(self) -> npt.NDArray[Any]:
        """The labels, sorted."""
        return self.classes

    @property
    def n_probabilities(self) -> int:
        """One for each class."""
        return len(self.classes)

    def encode(self, y: Any, *, is_checked: bool = False) -> BoolArray:
        """Targets as a boolean array of shape (n_samples, n_outputs).

        `is_checked` says that these labels were learned from these targets: a look at all of
        them for their kind is saved.
        """
        if not is_checked:
            self._check_kind(y)
        if self.multilabel:
            y = y.toarray() if sparse.issparse(y) else np.asarray(y)
            if y.shape[1] != len(self.classes):
                raise ValueError(
                    f"y has {y.shape[1]} columns, expected one for each of the "
                    f"{len(self.classes)} labels."
                )
            indicator: BoolArray = np.ascontiguousarray(y > 0)
            return indicator
        y = np.asarray(y)
        if is_checked and self.is_binary:
            return np.asarray(y == self.classes[1])[:, np.newaxis]
        is_text, should_be_text = y.dtype.kind in "OSU", self.classes.dtype.kind in "OSU"
        if is_text == should_be_text:
            index = np.minimum(np.searchsorted(self.classes, y), len(self.classes) - 1)
        if is_text != should_be_text or not np.all(self.classes[index] == y):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes}. 'y' has {sorted_classes(y)}."
            )
        if self.is_binary:
            return np.asarray(index == 1)[:, np.newaxis]
        encoded = np.zeros((len(index), len(self.classes)), dtype=bool)
        encoded[np.arange(len(index)), index] = True
        return encoded

    def _check_kind(self, y: Any) -> None:
        expected = LabelKind.INDICATOR if self.multilabel else LabelKind.SINGLE
        if kind_of_labels(y) is not expected:
            raise ValueError(f"y must be {expected.value}, as when the estimator was first fitted.")

    def decode(self, raw: FloatArray) -> Any:
        """The labels predicted by raw outputs of shape (n_samples, n_outputs)."""
        if self.multilabel:
            indicator = (raw > 0).astype(int)
            return sparse.csr_matrix(indicator) if self.sparse_output else indicator
        if self.link is LINKS["logistic"]:
            return self.classes[(raw[:, 0] > 0).astype(np.intp)]
        return self.classes[raw.argmax(axis=1)]

    def decision(self, raw: FloatArray) -> FloatArray:
        """Raw outputs; one number a row, not a column, for two classes."""
        return raw[:, 0] if self.is_binary else raw

    def probability(self, raw: FloatArray) -> FloatArray:
        """Probabilities of all classes, none of them exactly 0."""
        probability = self._both_columns(raw)
        self.link.inverse(probability)
        smallest = SMALLEST_PROBABILITY * np.finfo(raw.dtype).tiny
        if probability.min() < smallest:
            vanishing = probability < smallest
            log_probability = self.log_probability(raw)[vanishing]
            ordered = smallest * np.log(smallest) / log_probability
            probability[vanishing] = np.maximum(ordered, np.finfo(raw.dtype).smallest_subnormal)
        return probability

    def log_probability(self, raw: FloatArray) -> FloatArray:
        """Logarithms of the probabilities, from the logits: never -inf."""
        raw = self._both_columns(raw)
        log_probability: FloatArray
        if self.link is LINKS["softmax"]:
            with np.errstate(over="ignore"):
                log_probability = log_softmax(raw, axis=1)
            # Two finite logits may lie further apart than the largest number.
            np.maximum(log_probability, np.finfo(raw.dtype).min, out=log_probability)
        else:
            log_probability = log_expit(raw)
        if self.multilabel:
            # Labels whose probabilities round to 1 are equally certain in both methods.
            likely = raw > 0
            log_probability[likely] = np.log(expit(raw[likely]))
        return log_probability

    def _both_columns(self, raw: FloatArray) -> FloatArray:
        """The logits of all classes, in a new array."""
        # The first of two classes has the logit -z: 1 - p would round to 0 or lose digits.
        return np.concatenate((-raw, raw), axis=1) if self.is_binary else raw.copy()

    def score(self, raw: FloatArray, encoded: BoolArray, sample_weight: FloatArray | None) -> float:
        """Accuracy: weighted share of rows predicted right (multilabel: in every label)."""
        if self.link is LINKS["logistic"]:
            correct = np.all((raw > 0) == encoded, axis=1)
        else:
            correct = encoded[np.arange(len(raw)), raw.argmax(axis=1)]
        return float(np.average(correct, weights=sample_weight))

    def accuracy(self, y: Any, predicted: Any, sample_weight: Any) -> float:
        """That of scikit-learn: the share of rows, in multilabel with every label right."""
        if self.multilabel and not sparse.issparse(y) and np.asarray(y).dtype == object:
            y = self.encode(y)  # scikit-learn takes no zeros and ones that are objects
        return float(accuracy_score(y, predicted, sample_weight=sample_weight))

    def class_weights(
        self, class_weight: Any, target: BoolArray, sample_weight: FloatArray | None
    ) -> FloatArray | None:
        """The weight of each class; None where all are the same.

        Raises
        ------
        ValueError
            For multilabel targets, a list, or weights that are not valid.
        """
        if self.multilabel:
            raise ValueError(
                f"class_weight={class_weight!r} is for rows of one class each, y is multilabel. "
                "Use sample_weight instead."
            )
        if isinstance(class_weight, list):
            raise ValueError(
                f"class_weight={class_weight!r} is a list, for a y with several columns of labels, "
                "and y has one label a row: pass a dict, or 'balanced'."
            )
        return weights_by_class(class_weight, self.classes, target, sample_weight)

    def row_weights(
        self,
        sample_weight: FloatArray | None,
        by_class: FloatArray,
        target: BoolArray,
        dtype: npt.DTypeLike,
    ) -> FloatArray:
        """Sample weights times the weights of the classes."""
        return weighted_by_class(sample_weight, by_class, target, dtype)

    def counts(self, encoded: BoolArray) -> npt.NDArray[np.intp]:
        """How many rows each class has."""
        counts = encoded.sum(axis=0, dtype=np.intp)
        return np.array([len(encoded) - counts[0], counts[0]]) if self.is_binary else counts

    def strata(self, encoded: BoolArray, n_validation: int) -> npt.NDArray[Any] | None:
        """What to stratify a split into training and validation rows by; None for nothing."""
        if self.multilabel:
            return None
        if self.is_binary:
            return encoded[:, 0]
        reason = self.obstacle_to_strata(encoded, n_validation)
        if not reason:
            index: npt.NDArray[Any] = encoded.argmax(axis=1)
            return index
        warn_user(f"The validation rows of early_stopping are not stratified by class: {reason}.")
        return None

    def obstacle_to_strata(self, encoded: BoolArray, n_validation: int) -> str:
        """Why a split cannot be stratified by these classes; empty if it can."""
        return obstacle_to_strata(self.counts(encoded), self.classes.tolist(), n_validation)

    def to_dict(self) -> dict[str, Any]:
        """The encoding as plain data."""
        data: dict[str, Any] = {"classes": self.classes}
        if self.multilabel:
            data.update(multilabel=True, sparse_output=self.sparse_output)
        return data

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Labels:
        """The encoding that `to_dict` has been made from."""
        return cls(**data)


@dataclass(frozen=True, eq=False)
class Numbers(Targets):
    """How the numbers of a regression are encoded.

    Parameters
    ----------
    loss : Loss
        It knows how many outputs each number takes, and what they predict.
    n_targets : int
        Columns of y.

    Attributes
    ----------
    link : Link
        That of the loss.
    n_outputs : int
        Width of the output layer.
    """

    loss: Loss
    n_targets: int
    link: Link = field(init=False, repr=False)
    n_outputs: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        n_outputs = self.loss.n_outputs(self.n_targets)
        vars(self).update(link=self.loss.link, n_outputs=n_outputs)

    @classmethod
    def from_targets(cls, y: npt.NDArray[Any], loss: Loss) -> Numbers:
        """Learn the number of columns from targets."""
        return cls(loss, 1 if y.ndim == 1 else y.shape[1])

    def check_same(self, y: npt.NDArray[Any], loss: Loss, given: Any) -> None:
        """Raise ValueError where training cannot go on with these targets or this loss.

        `given` is the parameter `loss` as the user has written it.
        """
        if loss.link != self.link:
            raise ValueError(
                f"The fitted network ends in {self.link.name!r}, loss={given!r} needs "
                f"{loss.link.name!r}: call fit with warm_start=False to start anew."
            )
        n_targets = 1 if y.ndim == 1 else y.shape[1]
        if n_targets != self.n_targets:
            raise ValueError(
                f"y has {n_targets} target column(s), the fitted network predicts "
                f"{self.n_targets}, and its layers stay what they are: call fit with "
                "warm_start=False to start anew."
            )

    def loss_of(self, loss: Loss) -> Loss:
        """The loss itself."""
        return loss

    def encode(self, y: npt.NDArray[Any], *, is_checked: bool = False) -> npt.NDArray[Any]:
        """Targets as an array of numbers of shape (n_samples, n_targets).

        `is_checked` says that the number of columns was learned from these targets.

        Raises
        ------
        ValueError
            If the loss is not defined for them, or there is another number of columns.
        """
        if y.dtype.kind not in "fiub":
            y = y.astype(np.float64)
        self.loss.check_targets(y)
        target: npt.NDArray[Any] = y.reshape(-1, 1) if y.ndim == 1 else y
        if not is_checked and target.shape[1] != self.n_targets:
            columns = "column" if target.shape[1] == 1 else "columns"
            raise ValueError(
                f"y has {target.shape[1]} {columns}, the training rows have {self.n_targets}."
            )
        return target

    def decode(self, raw: FloatArray) -> FloatArray:
        """The numbers predicted by raw outputs, which are overwritten."""
        return self.loss.predict(raw)

    def score(
        self, raw: FloatArray, target: npt.NDArray[Any], sample_weight: FloatArray | None
    ) -> float:
        """That of the loss; NaN where predictions are not finite."""
        predicted = self.decode(raw)
        if not np.all(np.isfinite(predicted)):
            return np.nan
        found = self.loss.score(target, predicted, sample_weight)
        return as_score(found, f"{type(self.loss).__name__}.score")

    def strata(self, target: npt.NDArray[Any], n_validation: int) -> None:
        """Nothing to stratify a split by."""

    def to_dict(self) -> dict[str, Any]:
        """The encoding as plain data: a loss as by default by its name."""
        loss: Any = self.loss
        for name, kind in REGRESSION_LOSSES.items():
            if type(loss) is kind and loss == kind():
                loss = name
                break
        return {"loss": loss, "n_targets": self.n_targets}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Numbers:
        """The encoding that `to_dict` has been made from.

        Raises
        ------
        ValueError
            If it names a loss that there is not.
        """
        loss = data["loss"]
        if not isinstance(loss, Loss):
            if not isinstance(loss, str) or loss not in REGRESSION_LOSSES:
                raise ValueError(
                    f"There is no regression loss {loss!r}: there are {[*REGRESSION_LOSSES]}."
                )
            loss = REGRESSION_LOSSES[loss]()
        return cls(loss, data["n_targets"])


def _flat_classes(classes: Any, *, multilabel: bool) -> npt.NDArray[Any]:
    """What the parameter `classes` of partial_fit names, for one label a row or multilabel."""
    if not has_classes_of_columns(classes):
        labels = sorted_classes(classes)
        if len(labels) == 0:
            raise ValueError("`classes` is empty: it has to name all labels that can be in `y`.")
        return labels
    if multilabel and all(set(np.asarray(each).tolist()) <= {0, 1} for each in classes):
        return np.arange(len(classes))  # for multilabel, the numbers of the columns
    raise ValueError(
        f"`classes={classes!r}` has a list of labels for each column of a y with several columns "
        f"of labels, and y is {(LabelKind.INDICATOR if multilabel else LabelKind.SINGLE).value}: "
        "pass the labels themselves."
    )
