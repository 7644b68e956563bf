"""The ensemble of networks for the classes of a raw table."""

from __future__ import annotations

from copy import copy
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin

from skneural.arrays.matrices import FloatArray
from skneural.estimators.base import fitted_attribute, store_parameters
from skneural.estimators.columns import check_targets
from skneural.estimators.method_examples import tables, with_examples
from skneural.estimators.sklearn_private import (
    StrOptions,
)
from skneural.estimators.tabular.base import CONSTRAINTS, TabularMLP
from skneural.estimators.tabular.data import TableRows
from skneural.estimators.tabular.documentation import document_tabular
from skneural.estimators.tabular.outputs import Classes, average
from skneural.estimators.tabular.problem import ClassProblem


@document_tabular(
    presets="Settings of the training: 'auto' and 'fast' are 28 epochs in batches of 64 rows with "
    "three hidden layers of 96 units and a weight decay of 0.01, 'accurate' 64 epochs in batches "
    "of 128 with three layers of 128 and 0.02.",
    judging=" and calibrate the probabilities",
    folds="stratified by class if every class has at least that many rows",
    rarest=". Where the rarest class has from 8 to 15 rows, there are no more than these",
    metric="None selects two epochs, that of the lowest log loss after temperature scaling and "
    "that of the lowest error, and averages both",
    score="accuracy",
    oof="the probabilities of all classes",
    oof_shape="(n_samples, n_classes)",
    ATTRIBUTES_OF_TASK="""

temperature_ : ndarray of shape (n_checkpoints,)
    What the logits of each selected epoch are divided by (`skneural.temperature`), fitted on the
    out-of-fold logits: calibrated probabilities are as confident as they are accurate. Where few
    of them are wrong, as confident as if that were one row more
    (`skneural.temperature.cautious_temperature`).

classes_ : ndarray of shape (n_classes,)
    The class labels, sorted.
""",
    oof_loss=" (log loss after temperature scaling)",
    history=", 'oof_error', 'temperature'",
    recipe="For classes these have SiLU units and a dropout rate of 0.15, and numbers are embedded "
    "as normal quantiles, with the scaled numbers beside them.",
    large=". Above 2,700 rows of each member there are fewer epochs, of larger batches: the time "
    "for each row falls",
)
@with_examples(tables.CLASSIFIER)
class TabularMLPClassifier(TabularMLP, ClassifierMixin, BaseEstimator):
    r"""Classifier for raw tables: an ensemble of networks over folds, calibrated.

    A data frame goes in as it is, with categories and missing values. 8 to 16 networks are trained
    side by side, each on all rows but a fold; the rows that each has left out select the best
    epoch and calibrate the probabilities. The prediction averages the log-probabilities,

    .. math::

        p \propto \exp \Big( \frac{1}{C K} \sum_{c=1}^{C} \sum_{k=1}^{K}
        \log \operatorname{softmax}(z_{ck} / T_c) \Big)

    over K members and C selected epochs (*checkpoints*), with logits z and a temperature T for each
    epoch.

    Parameters
    ----------
    <PRESET>

    <PARAMETERS>

    class_weight : dict, 'balanced' or None, default=None
        Weights of the classes, as in `ScratchMLPClassifier`. They multiply the weights of the rows
        in the loss, the selection of the epoch, the temperature and the encoding by target:
        probabilities are those of a population in which the classes have these weights. `score` and
        `oof_score_` do without them.

    <COMMON>

    Attributes
    ----------
    <ATTRIBUTES>

    See Also
    --------
    TabularMLPRegressor : The same for numeric targets.
    TableEncoder : The preprocessing of the columns, as a transformer.
    ScratchMLPClassifier : A single network, for columns of numbers on a common scale, sparse
        matrices, several targets and incremental training.
    sklearn.ensemble.HistGradientBoostingClassifier : Boosted trees, much faster for many rows.

    Notes
    -----
    <NOTES>

    References
    ----------
    <REFERENCES>

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.datasets import load_iris
    >>> from skneural import TabularMLPClassifier
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> X["colour"] = pd.Categorical(["white", "blue", None] * 50)
    >>> model = TabularMLPClassifier(random_state=0).fit(X, y)
    >>> model.predict_proba(X).shape
    (150, 3)
    >>> model.oof_score_ > 0.9
    True
    """

    _are_numbers: ClassVar[bool] = False

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **CONSTRAINTS,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    classes_ = fitted_attribute(
        "The labels, sorted.", lambda fitted: fitted.model.outputs.labels.classes
    )
    temperature_ = fitted_attribute(
        "Of each checkpoint.", lambda fitted: fitted.model.outputs.temperatures
    )

    def __init__(
        self,
        preset: str = "auto",
        *,
        cv: Any = None,
        categorical_features: Any = "from_dtype",
        hidden_layer_sizes: Any = None,
        activation: Any = None,
        max_iter: int | None = None,
        batch_size: int | None = None,
        learning_rate_init: float | None = None,
        dropout: float | None = None,
        weight_decay: float | None = None,
        frequency_scale: float | None = None,
        quantile_inputs: bool | None = None,
        max_one_hot: int | None = None,
        class_weight: Any = None,
        early_stopping_metric: Any = None,
        max_time: float | None = None,
        verbose: bool | int = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        store_parameters(self, locals())

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Predict the most probable class of each row.

        Parameters
        ----------
        X : {data frame, array-like} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
            In the dtype of the classes in y.
        """
        labels: npt.NDArray[Any] = self._predict(X, _labels, are_labels=True)
        return labels

    def predict_proba(self, X: Any) -> FloatArray:
        """Probabilities of the classes, calibrated on the rows that each member has left out.

        Parameters
        ----------
        X : {data frame, array-like} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`.
        """
        probability: FloatArray = self._predict(X, _probability)
        return probability

    def predict_log_proba(self, X: Any) -> FloatArray:
        """Logarithms of the probabilities: never -inf.

        Parameters
        ----------
        X : {data frame, array-like} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`.
        """
        log_probability: FloatArray = self._predict(X, _log_probability)
        if log_probability.dtype == np.float32:
            # Probabilities are rounded to 1 where this is all that there is to it.
            np.copyto(log_probability, 0, where=log_probability > -np.finfo("f4").epsneg / 2)
        return log_probability

    def decision_function(self, X: Any) -> FloatArray:
        """The mean log-probabilities of all networks; for two classes, their difference.

        Parameters
        ----------
        X : {data frame, array-like} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            For two classes one column: positive where the second is the more probable.
        """
        scores: FloatArray = self._predict(X, _decision)
        return scores

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy: the share of rows whose class is predicted right.

        Parameters
        ----------
        X : {data frame, array-like} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            The true classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        float
            From 0 to 1.
        """
        estimator = copy(self)  # the model of this moment, whatever other threads do
        predicted = estimator.predict(X)
        check_targets(y, are_numbers=False)
        return float(estimator._model.outputs.labels.accuracy(y, predicted, sample_weight))

    def _problem(self, rows: TableRows) -> ClassProblem:
        return ClassProblem.of(rows, self.class_weight, type(self).__name__)


def _logits(outputs: Classes, values: FloatArray) -> FloatArray:
    return outputs.logits(average(values))


def _labels(outputs: Classes, values: FloatArray) -> Any:
    return outputs.labels.decode(_logits(outputs, values))


def _probability(outputs: Classes, values: FloatArray) -> FloatArray:
    return outputs.labels.probability(_logits(outputs, values))


def _log_probability(outputs: Classes, values: FloatArray) -> FloatArray:
    return outputs.labels.log_probability(_logits(outputs, values))


def _decision(outputs: Classes, values: FloatArray) -> FloatArray:
    return outputs.labels.decision(_logits(outputs, values))
