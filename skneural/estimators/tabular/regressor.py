"""The ensemble of networks for the numbers of a raw table."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

from skneural.arrays.matrices import FloatArray
from skneural.estimators.base import store_parameters
from skneural.estimators.columns import check_targets
from skneural.estimators.data import checked_weight
from skneural.estimators.method_examples import tables, with_examples
from skneural.estimators.sklearn_private import (
    InvalidParameterError,
    StrOptions,
)
from skneural.estimators.tabular.base import CONSTRAINTS, TabularMLP
from skneural.estimators.tabular.data import TableRows, checked_target
from skneural.estimators.tabular.documentation import document_tabular
from skneural.estimators.tabular.outputs import NumbersOfMembers, average, in_units_of, unit_of
from skneural.estimators.tabular.problem import NumberProblem
from skneural.losses import REGRESSION_LOSSES, AbsoluteError, Loss, Quantile, SquaredError

LOSSES_OF_NUMBERS = ("squared_error", "absolute_error", "quantile")


@document_tabular(
    presets="Settings of the training: 'auto' is 64 epochs in batches of 128 rows with three "
    "hidden layers of 64 units, 'fast' 32 epochs of the same with half of the frequencies and Mish "
    "as it is, 'accurate' 64 epochs in batches of 64 rows with three layers of 128.",
    judging="",
    folds="without regard to y",
    rarest="",
    metric="None selects the epoch of the lowest loss",
    score="R^2, for quantiles D^2 of the pinball loss",
    oof="the predicted number",
    oof_shape="(n_samples,)",
    ATTRIBUTES_OF_TASK="",
    oof_loss=" (of y divided by the mean of :math:`s_k`)",
    history="",
    recipe="For numeric targets these have Mish as a parametric activation "
    "(`ParametricActivation`; 'fast': as it is), no dropout, and the scaled numbers are embedded. "
    "Each member standardises y by its training rows, and its predictions are clipped to their "
    "range.",
    large=". Above 2,700 rows of each member there are fewer epochs, of larger batches: the time "
    "for each row falls",
)
@with_examples(tables.REGRESSOR)
class TabularMLPRegressor(TabularMLP, RegressorMixin, BaseEstimator):
    r"""Regressor for raw tables: an ensemble of networks over folds.

    A data frame goes in as it is, with categories and missing values. 8 to 16 networks are trained
    side by side, each on all rows but a fold; the rows that each has left out select the best
    epoch. The prediction is the mean over the members,

    .. math:: \hat y = \frac{1}{K} \sum_{k=1}^{K} \operatorname{clip}(\bar y_k + s_k z_k)

    with the raw output z of each of K members and the mean :math:`\bar y_k` and standard deviation
    :math:`s_k` of y in its training rows. The smallest and the largest y there are the bounds. For
    medians and quantiles beside a few rows of extreme y, :math:`\bar y_k` is the median, and
    :math:`s_k` by quantiles that these rows have no part in.

    Parameters
    ----------
    <PRESET>

    loss : {'squared_error', 'absolute_error', 'quantile'} or Loss, default='squared_error'
        What is minimised: half the squared error, which predicts the mean; the absolute error, for
        the median; or the pinball loss, for a quantile. 'quantile' is that of level 0.5; for
        another level pass ``skneural.losses.Quantile(0.9)``. Other losses are refused.

    <PARAMETERS>

    <COMMON>

    Attributes
    ----------
    <ATTRIBUTES>

    See Also
    --------
    TabularMLPClassifier : The same for classes.
    TableEncoder : The preprocessing of the columns, as a transformer.
    ScratchMLPRegressor : A single network, for columns of numbers on a common scale, sparse
        matrices, several targets, other losses and incremental training.
    sklearn.ensemble.HistGradientBoostingRegressor : Boosted trees, much faster for many rows.

    Notes
    -----
    <NOTES>

    References
    ----------
    <REFERENCES>

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skneural import TabularMLPRegressor
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> model = TabularMLPRegressor(preset="fast", random_state=0).fit(X, y)
    >>> model.predict(X).shape
    (442,)
    >>> prediction, deviation = model.predict(X, return_std=True)
    """

    _are_numbers: ClassVar[bool] = True

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **CONSTRAINTS,
        "loss": [StrOptions(set(LOSSES_OF_NUMBERS)), Loss],
    }

    def __init__(
        self,
        preset: str = "auto",
        *,
        loss: Any = "squared_error",
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
        early_stopping_metric: Any = None,
        max_time: float | None = None,
        verbose: bool | int = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        store_parameters(self, locals())

    def predict(
        self, X: Any, return_std: bool = False
    ) -> FloatArray | tuple[FloatArray, FloatArray]:
        """Predict the mean of the members' predictions.

        Parameters
        ----------
        X : {data frame, array-like} of shape (n_samples, n_features)
        return_std : bool, default=False
            Whether to return the standard deviation of the members' predictions too: their
            disagreement. It is not a prediction interval: it does not contain the noise of y, and
            shrinks as the members are trained on more rows. For an interval fit two models, as with
            ``loss=skneural.losses.Quantile(0.05)`` and ``Quantile(0.95)``.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The mean.
        deviation : ndarray of shape (n_samples,)
            Only with `return_std`.
        """
        if not return_std:
            mean: FloatArray = self._predict(X, _mean)
            return mean
        both = self._predict(X, _mean_and_deviation)
        return both[:, 0], both[:, 1]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The coefficient of determination R^2; for a quantile D^2 of the pinball loss.

        Parameters
        ----------
        X : {data frame, array-like} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            The true numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        float
            At most 1; 0 for the best constant, below that for what is worse.
        """
        check_targets(y, are_numbers=True)
        predicted: FloatArray = self._predict(X, _mean)
        y = checked_target(y, len(predicted), are_numbers=True)
        if sample_weight is not None:
            sample_weight = checked_weight(sample_weight, predicted)
        # Both scores are the same in any units; squares in these are finite, and not all zero.
        unit = max(unit_of(y), unit_of(predicted))
        y, predicted = in_units_of(unit, y), in_units_of(unit, predicted)
        return self._loss().score(y, predicted, sample_weight)

    def _problem(self, rows: TableRows) -> NumberProblem:
        return NumberProblem(rows.y, self._loss(), rows.weight)

    def _loss(self) -> Loss:
        """The loss that `loss` stands for."""
        loss = self.loss if isinstance(self.loss, Loss) else REGRESSION_LOSSES[self.loss]()
        has_one = not isinstance(loss, Quantile) or isinstance(loss.quantile, Real)
        if not isinstance(loss, SquaredError | AbsoluteError | Quantile) or not has_one:
            raise InvalidParameterError(
                f"The 'loss' parameter of {type(self).__name__} must be one of "
                f"{sorted(LOSSES_OF_NUMBERS)}, or SquaredError(), AbsoluteError() or Quantile(q) "
                f"of one level q. Got {self.loss!r} instead."
            )
        loss.check()
        return loss


def _mean(_: NumbersOfMembers, values: FloatArray) -> FloatArray:
    # Rounding must not take the mean of equal numbers away from them.
    mean = np.clip(average(values), values.min(axis=(0, 1)), values.max(axis=(0, 1)))
    return mean[:, 0]


def _mean_and_deviation(outputs: NumbersOfMembers, values: FloatArray) -> FloatArray:
    mean, unit = _mean(outputs, values), unit_of(values)
    differences = in_units_of(unit, values[..., 0] - mean)
    deviation = np.sqrt(np.square(differences).mean(axis=(0, 1))) * unit
    return np.column_stack([mean, deviation])
