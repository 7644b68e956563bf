"""The contract of a loss: how many outputs it needs, its value and gradient, what it predicts."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from skneural.arrays.matrices import FloatArray, row_sums
from skneural.losses.links import IDENTITY, Link
from skneural.settings import Settings


class LossBuffers(NamedTuple):
    """Where a loss writes.

    Attributes
    ----------
    gradient : ndarray of shape (n_rows, n_outputs)
        Receives the derivative of the loss of each row in its raw outputs.
    column : ndarray of shape (n_rows, 1)
        For one number of each row, such as its loss.
    scratch : ndarray of shape (n_rows, n_outputs)
        For intermediate values.
    """

    gradient: FloatArray
    column: FloatArray
    scratch: FloatArray


@dataclass(repr=False, eq=False)
class Loss(Settings, ABC):
    """The contract of a loss. Losses hold settings and no state.

    Attributes
    ----------
    link : Link
        The output activation, by default the identity.
    reports_mean_over_outputs : bool
        Whether the loss *reported* is the mean over the outputs of a row while training descends
        their sum. True for squared error alone, as in scikit-learn.
    is_smooth : bool
        Whether the gradient is continuous, as L-BFGS needs it.
    accepts_several_targets : bool
        Whether y may have more than one column.
    """

    reports_mean_over_outputs: ClassVar[bool] = False
    is_smooth: ClassVar[bool] = True

    @property
    def link(self) -> Link:
        return IDENTITY

    @property
    def accepts_several_targets(self) -> bool:
        return True

    def n_outputs(self, n_targets: int) -> int:
        """How many raw outputs the network has, by default one for each target.

        Parameters
        ----------
        n_targets : int
            Columns of y.

        Returns
        -------
        int
            Columns of the raw outputs.
        """
        return n_targets

    def with_link(self, link: Link) -> Loss:
        """The loss that a classifier minimises whose outputs have this link: by default the same.

        Classification losses, which are another function of the raw outputs for each link,
        override it.

        Parameters
        ----------
        link : Link
            `LOGISTIC` for two classes or several labels, `SOFTMAX` for more than two classes.

        Returns
        -------
        Loss
            The same loss, or one of the raw outputs of this link.
        """
        return self

    def check_targets(self, y: npt.NDArray[Any]) -> None:
        """Raise ValueError if y holds numbers for which this loss is not defined.

        Parameters
        ----------
        y : ndarray of shape (n_rows,) or (n_rows, n_targets)
        """

    @abstractmethod
    def value_and_gradient(
        self, raw: FloatArray, y: FloatArray, buffers: LossBuffers
    ) -> FloatArray:
        """Return the loss of every row; write its gradient to `buffers.gradient`.

        A loss does not see sample weights: who calls it weights and adds up.

        Parameters
        ----------
        raw : ndarray of shape (n_rows, n_outputs)
            Raw outputs. Used as scratch: their values are lost.
        y : ndarray of shape (n_rows, n_targets)
            Targets: numbers, or zeros and ones. Not to be written to: they may be the user's.
        buffers : LossBuffers
            The gradient is that of each row's own loss, without its weight.

        Returns
        -------
        ndarray of shape (n_rows,)
            The sum over the outputs of each row. It may be a view of `raw`, `buffers.column` or
            `buffers.scratch`: use it before they are written to again.
        """

    def predict(self, raw: FloatArray) -> FloatArray:
        """Turn raw outputs into predictions, by default by the inverse link.

        Parameters
        ----------
        raw : ndarray of shape (n_rows, n_outputs)
            May be overwritten.

        Returns
        -------
        ndarray of shape (n_rows, n_columns)
            What the raw outputs predict.
        """
        self.link.inverse(raw)
        return raw

    def score(self, y: npt.ArrayLike, predicted: npt.ArrayLike, sample_weight: Any = None) -> float:
        r"""How good predictions of numbers are: 1 is perfect, higher is better.

        By default the coefficient of determination, averaged over the targets,

        .. math::

            R^2 = 1 - \frac{\sum_i s_i (y_i - \hat y_i)^2}{\sum_i s_i (y_i - \bar y)^2},

        with weights :math:`s_i` and the weighted mean :math:`\bar y`. For a constant target it is
        1 if all predictions are exact, otherwise 0, as in `sklearn.metrics.r2_score`.

        Parameters
        ----------
        y : array-like of shape (n_rows,) or (n_rows, n_targets)
            Numbers, all finite.
        predicted : array-like of shape (n_rows,) or (n_rows, n_columns)
            What `predict` returns; one column may come flat.
        sample_weight : array-like of shape (n_rows,), default=None

        Returns
        -------
        float
            NaN, with an UndefinedMetricWarning, for a single row.

        Raises
        ------
        ValueError
            If `predicted` has not one column for each target.
        """
        return _r2_score(_as_columns(y), _as_columns(predicted), sample_weight)


class RegressionLoss(Loss):
    """A loss for regression alone."""

    def with_link(self, link: Link) -> Loss:
        raise ValueError(f"{self!r} is a regression loss, which a classifier cannot minimise.")


class ClassificationLoss(Loss):
    """A loss for classification alone: `with_link` gives the loss that is minimised."""

    @abstractmethod
    def with_link(self, link: Link) -> Loss: ...

    def value_and_gradient(
        self, raw: FloatArray, y: FloatArray, buffers: LossBuffers
    ) -> FloatArray:
        raise NotImplementedError(
            f"{self!r} is another function of the raw outputs for each link: train the loss that "
            "with_link(LOGISTIC) or with_link(SOFTMAX) gives."
        )


def summed_over_outputs(elements: FloatArray, column: FloatArray) -> FloatArray:
    """The sum of each row: `elements` itself where it has one column, otherwise in `column`.

    Parameters
    ----------
    elements : ndarray of shape (n_rows, n_outputs)
    column : ndarray of shape (n_rows, 1)

    Returns
    -------
    losses : ndarray of shape (n_rows,)
        A view.
    """
    if elements.shape[1] == 1:
        return elements[:, 0]
    row_sums(elements, out=column)
    return column[:, 0]


def half_squares(difference: FloatArray, scratch: FloatArray, column: FloatArray) -> FloatArray:
    """Half the sum of squares of each row, as `summed_over_outputs` returns it.

    Parameters
    ----------
    difference, scratch : ndarray of shape (n_rows, n_outputs)
    column : ndarray of shape (n_rows, 1)
    """
    np.square(difference, out=scratch)
    losses = summed_over_outputs(scratch, column)
    losses *= 0.5
    return losses


def _as_columns(values: npt.ArrayLike) -> FloatArray:
    array: FloatArray = np.asarray(values, dtype=np.float64)
    return array.reshape(-1, 1) if array.ndim == 1 else array


def _r2_score(y: FloatArray, predicted: FloatArray, sample_weight: Any) -> float:
    if y.shape != predicted.shape:
        raise ValueError(
            f"y has the shape {y.shape}, predictions have {predicted.shape}: a loss that predicts "
            "other columns than those of y needs a score method of its own."
        )
    if len(y) < 2:
        # Imported here: the core does not need scikit-learn, and who scores one row has it.
        from sklearn.exceptions import UndefinedMetricWarning

        message = "R^2 score is not well-defined with less than two samples."
        warnings.warn(message, UndefinedMetricWarning, stacklevel=3)
        return float("nan")
    weight = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    column = 1.0 if weight is None else weight[:, np.newaxis]
    squares = (column * (y - predicted) ** 2).sum(axis=0)
    total = (column * (y - np.average(y, axis=0, weights=weight)) ** 2).sum(axis=0)
    scores = np.where(squares == 0, 1.0, 0.0)
    # Of equal numbers the mean, and so the total, can differ by rounding.
    counted = y if weight is None else y[weight != 0]
    varies = (total != 0) & np.any(counted != counted[:1], axis=0)
    scores[varies] = 1 - squares[varies] / total[varies]
    return float(scores.mean())
