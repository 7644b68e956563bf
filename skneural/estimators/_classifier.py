"""What all classifiers do with the raw outputs (logits) of a network."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, log_expit, log_softmax
from sklearn.base import ClassifierMixin

from skneural._arrays import FloatArray
from skneural.estimators._base import BaseNetwork
from skneural.estimators._labels import Labels
from skneural.estimators._warnings import warn_user
from skneural.losses import INVERSE_LINKS

#: Probabilities down to this multiple of the smallest normal number are as they come. It
#: leaves room below for the order of those that would vanish.
SMALLEST_PROBABILITY = 1e7


class NetworkClassifier(ClassifierMixin, BaseNetwork):
    """Labels in and out, probabilities, and stratified validation rows."""

    def predict(self, X: Any) -> Any:
        """The most probable class of each row; for multilabel, each label above 0.5.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,), or indicator matrix of shape (n_samples, n_outputs)
        """
        return self._predict(X, self._decoded)

    def decision_function(self, X: Any) -> FloatArray:
        """Raw outputs of the network, before softmax or logistic function (logits).

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            For two classes one column: positive where the second is the more probable.
        """
        scores: FloatArray = self._predict(X, lambda raw: raw)
        return scores.ravel() if self._is_binary else scores

    def predict_proba(self, X: Any) -> FloatArray:
        """Probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        probability : ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`. For multilabel, each is the probability of
            one label, and rows do not add up to 1. None is exactly 0: where a probability
            would vanish among the smallest numbers of its dtype, it stays there, in the
            order of the logits.
        """
        probability: FloatArray = self._predict(X, self._probability)
        return probability

    def predict_log_proba(self, X: Any) -> FloatArray:
        """Logarithms of the probabilities, computed from logits: never -inf.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        log_probability : ndarray of shape (n_samples, n_classes)
        """
        log_probability: FloatArray = self._predict(X, self._log_probability)
        return log_probability

    def _decoded(self, raw: FloatArray) -> Any:
        return self._labels.decode(raw)

    def _probability(self, raw: FloatArray) -> FloatArray:
        probability = self._both_columns(raw)
        INVERSE_LINKS[self.out_activation_](probability)
        smallest = SMALLEST_PROBABILITY * np.finfo(raw.dtype).tiny
        if probability.min() < smallest:
            vanishing = probability < smallest
            log_probability = self._log_probability(raw)[vanishing]
            probability[vanishing] = smallest * np.log(smallest) / log_probability
        return probability

    def _log_probability(self, raw: FloatArray) -> FloatArray:
        raw = self._both_columns(raw)
        log_probability: FloatArray
        if self.out_activation_ == "softmax":
            log_probability = log_softmax(raw, axis=1)
        else:
            log_probability = log_expit(raw)
        if self._multilabel:
            # Labels whose probabilities round to 1 are equally certain in both methods.
            likely = raw > 0
            log_probability[likely] = np.log(expit(raw[likely]))
        return log_probability

    def _both_columns(self, raw: FloatArray) -> FloatArray:
        """The logits of all classes, in a new array."""
        # The first of two classes has the logit -z: 1 - p would round to 0 or lose digits.
        return np.concatenate((-raw, raw), axis=1) if self._is_binary else raw.copy()

    @property
    def _labels(self) -> Labels:
        return Labels(self.classes_, self._multilabel, self._sparse_labels)

    def _use_labels(self, labels: Labels) -> None:
        self.classes_ = labels.classes
        self._multilabel = labels.multilabel
        self._sparse_labels = labels.sparse_output
        self.out_activation_ = labels.output_activation

    @property
    def _is_binary(self) -> bool:
        return self.out_activation_ == "logistic" and not self._multilabel

    def _encode_target(
        self, y: Any, *, continuing: bool, incremental: bool, classes: Any
    ) -> npt.NDArray[Any]:
        if continuing:
            labels = self._labels
            labels.check_same(y, classes, incremental=incremental)
        else:
            if incremental and classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
            labels = Labels.of(y, classes)
            self._use_labels(labels)
        return labels.encode(y, is_checked=not continuing and classes is None)

    def _encode_more_targets(self, y: Any) -> npt.NDArray[Any]:
        return self._labels.encode(y)

    def _validation_score(
        self, raw: FloatArray, target: npt.NDArray[Any], sample_weight: FloatArray | None
    ) -> float:
        return self._labels.accuracy(raw, target, sample_weight)

    def _strata(self, target: npt.NDArray[Any], n_validation: int) -> npt.NDArray[Any] | None:
        if self._multilabel:
            return None
        if self._is_binary:
            return target[:, 0].astype(str)
        counts = target.sum(axis=0)
        rarest = int(np.argmin(np.where(counts > 0, counts, len(target))))
        n_present = int(np.count_nonzero(counts))
        if counts[rarest] >= 2 and n_present <= min(n_validation, len(target) - n_validation):
            index: npt.NDArray[Any] = target.argmax(axis=1)
            return index
        reason = (
            f"class {self.classes_.tolist()[rarest]!r} has only 1 row"
            if counts[rarest] < 2
            else f"{n_validation} rows cannot hold all {n_present} classes"
        )
        warn_user(f"The validation rows of early_stopping are not stratified by class: {reason}.")
        return None
