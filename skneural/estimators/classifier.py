"""What all network classifiers do with the raw outputs (logits) of a network."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np

from skneural.arrays.matrices import FloatArray
from skneural.estimators.base import fitted_attribute
from skneural.estimators.columns import check_targets
from skneural.estimators.data import Rows
from skneural.estimators.input_gradients import input_gradients
from skneural.estimators.label_columns import LabelColumns
from skneural.estimators.label_kinds import LabelKind, has_classes_of_columns, kind_of_labels
from skneural.estimators.method_examples import predictions, with_examples
from skneural.estimators.model import Model
from skneural.estimators.network import NetworkEstimator
from skneural.estimators.plan import Start
from skneural.estimators.target_contract import ClassTargets
from skneural.estimators.targets import Labels


def labels_of(model: Model) -> ClassTargets:
    """The encoding of the labels of a classifier."""
    assert isinstance(model.targets, ClassTargets)
    return model.targets


def labels_to_train_on(_: Any, rows: Rows, start: Start, classes: Any) -> ClassTargets:
    """The encoding of these labels, or that of the model that training goes on from.

    Serves as the method `_targets` of the classifiers.

    Raises
    ------
    ValueError
        If that has other labels, or if partial_fit begins without `classes`.
    """
    if classes is not None:
        for each in classes if has_classes_of_columns(classes) else [classes]:
            check_targets(each, are_numbers=False, name="classes")
    if start.earlier is None:
        if start.mode == "partial_fit" and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        kind = kind_of_labels(rows.y)
        if kind is LabelKind.INDICATOR and classes is not None and has_classes_of_columns(classes):
            # Other labels than zeros and ones make columns of a y that has no others yet.
            given = [set(np.asarray(each).tolist()) for each in classes]
            kind = kind if set().union(*given) <= {0, 1} else LabelKind.COLUMNS
        if kind is LabelKind.COLUMNS:
            return LabelColumns.from_targets(rows.y, classes, rows.target_names)
        return Labels.from_targets(rows.y, classes, kind)
    labels = labels_of(start.earlier.model)
    labels.check_same(rows.y, classes, mode=start.mode)
    return labels


def label_accuracy(estimator: Any, X: Any, y: Any, sample_weight: Any) -> float:
    """The score of a classifier; ValueError for missing labels, which are no wrong predictions."""
    estimator = copy(estimator)  # the model of this moment, whatever other threads do
    predicted_labels = estimator.predict(X)
    check_targets(y, are_numbers=False)
    return labels_of(estimator._model).accuracy(y, predicted_labels, sample_weight)


@with_examples(predictions.CLASSIFIERS)
class NetworkClassifier(NetworkEstimator):
    """Labels and probabilities."""

    _targets = labels_to_train_on

    classes_ = fitted_attribute(
        "The labels, sorted.", lambda fitted: labels_of(fitted.model).classes_of_model
    )

    def predict(self, X: Any) -> Any:
        """The most probable class of each row, or column; for multilabel, each label above 0.5.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,), or indicator matrix of shape (n_samples, n_outputs)
            For several columns of labels an ndarray of shape (n_samples, n_columns), of the dtype
            of the labels: of objects, where they are numbers in one column and strings in another.
        """
        return self._predict(X, predicted)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy: the share of rows whose label (for multilabel: every label) is predicted right.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The true labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        float
            From 0 to 1.

        Raises
        ------
        ValueError
            If X is not valid, or a label is missing (NaT, NA, None, NaN).
        """
        return label_accuracy(self, X, y, sample_weight)

    def decision_function(self, X: Any) -> Any:
        """Raw outputs of the network, before softmax or logistic function (logits).

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            For two classes one column: positive where the second is the more probable. For several
            columns of labels a list, with an array of shape (n_samples, n_classes) for each, also
            where there are two classes.
        """
        return self._predict(X, decision_of)

    def predict_proba(self, X: Any) -> Any:
        """Probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`. For multilabel, each is the probability of
            one label, and rows do not add up to 1. None is exactly 0 as long as the logits are
            finite: where a probability would vanish among the smallest numbers of its dtype, it
            stays there, never against the order of the logits. Those that lie too far apart for
            that (1e15 in float32, 1e25 in float64) share the smallest number of all. For several
            columns of labels a list, with such an array for each.
        """
        return self._predict(X, _probability)

    def predict_log_proba(self, X: Any) -> Any:
        """Logarithms of the probabilities, computed from logits: never -inf for finite logits.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            For several columns of labels a list, with such an array for each.
        """
        return self._predict(X, _log_probability)

    def input_gradients(
        self, X: Any, of: str = "decision_function", output: int | None = None
    ) -> FloatArray:
        """Derivatives of logits or probabilities in each feature: the sensitivity of a prediction.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        of : {'decision_function', 'predict_proba'}, default='decision_function'
            What to differentiate.
        output : int or None, default=None
            Which of its columns; None for all.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs, n_features)
            Of shape (n_samples, n_features) for one `output`. For two classes,
            'decision_function' has one output and 'predict_proba' two. For several columns of
            labels the outputs of all columns, one after another in the order of `classes_`. In the
            dtype of the model, and dense where X is sparse.

        Raises
        ------
        IndexError
            If there is no such output.
        ValueError
            If `of` is none of the two, or X is not valid.

        References
        ----------
        K. Simonyan, A. Vedaldi and A. Zisserman, "Deep inside convolutional networks: Visualising
        image classification models and saliency maps", ICLR workshop 2014.
        """
        model = self._model
        choices = ("decision_function", "predict_proba")
        gradients: FloatArray = input_gradients(model, self._checked(X, model), of, output, choices)
        return gradients


def predicted(model: Model, raw: FloatArray) -> Any:
    """The labels that these raw outputs predict."""
    return model.targets.decode(raw)


def decision_of(model: Model, raw: FloatArray) -> Any:
    """Raw outputs in the shape of decision_function."""
    return labels_of(model).decision(raw)


def _probability(model: Model, raw: FloatArray) -> Any:
    return labels_of(model).probability(raw)


def _log_probability(model: Model, raw: FloatArray) -> Any:
    return labels_of(model).log_probability(raw)
