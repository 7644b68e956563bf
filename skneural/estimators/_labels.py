"""Class labels in, zeros and ones out; raw outputs in, class labels out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from skneural._arrays import BoolArray, FloatArray


@dataclass(frozen=True)
class Labels:
    """How the labels of a problem are encoded.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted. For multilabel targets: the numbers of the columns.
    multilabel : bool, default=False
        Whether a row may have any number of the labels.
    sparse_output : bool, default=False
        Whether multilabel predictions are sparse, because the targets were.
    """

    classes: npt.NDArray[Any]
    multilabel: bool = False
    sparse_output: bool = False

    @classmethod
    def of(cls, y: Any, classes: Any = None) -> Labels:
        """Learn the encoding from targets, and from a list of all classes if given.

        Raises
        ------
        ValueError
            If `y` is not a classification target, has several columns of more than two
            classes, or mixes labels that cannot be sorted.
        """
        multilabel = is_multilabel(y)
        if classes is None and not multilabel and isinstance(y, np.ndarray):
            with _sortable_or_value_error():
                found = np.unique(y)  # what kind of labels they are is known already
        else:
            found = sorted_classes(y if classes is None else classes)
        return cls(found, multilabel, multilabel and sparse.issparse(y))

    def check_same(self, y: Any, classes: Any, *, incremental: bool) -> None:
        """Raise ValueError where training cannot go on with these labels.

        Parameters
        ----------
        y : array-like
            Labels to go on with; in a warm-started fit they have to be the same as before.
        classes : array-like or None
            All labels, if given once more.
        incremental : bool
            Whether this is partial_fit, which may lack some of the labels.
        """
        if classes is not None and not np.array_equal(self.classes, sorted_classes(classes)):
            raise ValueError(
                f"`classes={classes!r}` is not the same as on last call to partial_fit, was: "
                f"{self.classes!r}"
            )
        if incremental:
            return
        seen = sorted_classes(y)
        if set(seen) != set(self.classes):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes}, `y` has {seen}"
            )

    @property
    def output_activation(self) -> str:
        """'logistic' for two classes or several labels, 'softmax' for one or many classes.

        A single class is a softmax over one output: its probability is 1.
        """
        return "logistic" if self.multilabel or len(self.classes) == 2 else "softmax"

    @property
    def n_outputs(self) -> int:
        """Width of the output layer."""
        return 1 if not self.multilabel and len(self.classes) == 2 else len(self.classes)

    def encode(self, y: Any, *, is_checked: bool = False) -> BoolArray:
        """Targets as a boolean array of shape (n_samples, n_outputs).

        `is_checked` says that these labels were learned from these targets: a look at all of
        them for their kind is saved.
        """
        if not is_checked and is_multilabel(y) != self.multilabel:
            expected = "an indicator matrix (multilabel)" if self.multilabel else "one label a row"
            raise ValueError(f"y must be {expected}, as when the estimator was first fitted.")
        if self.multilabel:
            y = y.toarray() if sparse.issparse(y) else np.asarray(y)
            if y.shape[1] != len(self.classes):
                raise ValueError(
                    f"y has {y.shape[1]} columns, expected one for each of the "
                    f"{len(self.classes)} labels."
                )
            indicator: BoolArray = np.ascontiguousarray(y > 0)
            return indicator
        index = self._index(np.asarray(y))
        if len(self.classes) == 2:
            return np.asarray(index == 1)[:, np.newaxis]
        encoded = np.zeros((len(index), len(self.classes)), dtype=bool)
        encoded[np.arange(len(index)), index] = True
        return encoded

    def _index(self, y: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
        """Position of every label in `classes`; ValueError where there is none."""
        text = [labels.dtype.kind in "OSU" for labels in (self.classes, y)]
        if text[0] == text[1]:
            index = np.minimum(np.searchsorted(self.classes, y), len(self.classes) - 1)
            if np.all(self.classes[index] == y):
                return index
        raise ValueError(
            "`y` has classes not in `self.classes_`. "
            f"`self.classes_` has {self.classes}. 'y' has {sorted_classes(y)}."
        )

    def decode(self, raw: FloatArray) -> Any:
        """The labels predicted by raw outputs of shape (n_samples, n_outputs)."""
        if self.multilabel:
            indicator = (raw > 0).astype(int)
            return sparse.csr_matrix(indicator) if self.sparse_output else indicator
        if self.output_activation == "logistic":
            return self.classes[(raw[:, 0] > 0).astype(np.intp)]
        return self.classes[raw.argmax(axis=1)]

    def accuracy(
        self, raw: FloatArray, encoded: BoolArray, sample_weight: FloatArray | None
    ) -> float:
        """Weighted share of rows predicted right (multilabel: in every label)."""
        if self.output_activation == "logistic":
            correct = np.all((raw > 0) == encoded, axis=1)
        else:
            correct = encoded[np.arange(len(raw)), raw.argmax(axis=1)]
        return float(np.average(correct, weights=sample_weight))


def is_multilabel(y: Any) -> bool:
    """Whether `y` is an indicator matrix; ValueError if it is no classification target."""
    with _sortable_or_value_error():
        kind = type_of_target(y, input_name="y")
    if kind == "multiclass-multioutput":
        raise ValueError(
            "Multioutput target data is not supported: y has several columns of class labels. "
            "Fit one classifier a column with sklearn.multioutput.MultiOutputClassifier, or "
            "pass an indicator matrix of zeros and ones."
        )
    if kind not in ("binary", "multiclass", "multilabel-indicator"):
        check_classification_targets(y)
    return bool(kind == "multilabel-indicator")


def sorted_classes(y: Any) -> npt.NDArray[Any]:
    """The distinct labels of `y`, sorted; ValueError where they cannot be."""
    with _sortable_or_value_error():
        classes: npt.NDArray[Any] = unique_labels(y)
    given_as_objects = isinstance(y, np.ndarray) and y.dtype.kind == "O"
    return classes.astype(object) if given_as_objects else classes


@contextmanager
def _sortable_or_value_error() -> Iterator[None]:
    try:
        yield
    except TypeError as error:
        raise ValueError(
            "y mixes labels of different types, which cannot be sorted: make them all strings "
            f"or all numbers ({error})."
        ) from error
