"""Losses for regression: what they estimate is the mean, the median, a quantile or a rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from skneural.arrays.matrices import FloatArray
from skneural.losses.classification import BinarySquaredError
from skneural.losses.contract import (
    Loss,
    LossBuffers,
    RegressionLoss,
    half_squares,
    summed_over_outputs,
)
from skneural.losses.links import EXP, IDENTITY, INCREASING, Link, increasing_backward
from skneural.settings import number


class SquaredError(Loss):
    """Half squared error with the identity link; of the probabilities, for a classifier.

    See Also
    --------
    AbsoluteError : Estimates the median, which outliers do not move.
    Poisson : For counts.
    Gamma : For positive numbers.

    Examples
    --------
    A constant model predicts the mean:

    >>> from skneural import ScratchMLPRegressor
    >>> from skneural.losses import SquaredError
    >>> X, y = [[0]] * 5, [1, 2, 3, 4, 40]
    >>> model = ScratchMLPRegressor(SquaredError(), (), alpha=0, solver="lbfgs", random_state=0)
    >>> model.fit(X, y).predict([[0]]).round(2)
    array([10.])
    """

    reports_mean_over_outputs = True

    def with_link(self, link: Link) -> Loss:
        return BinarySquaredError().with_link(link)

    def value_and_gradient(
        self, raw: FloatArray, y: FloatArray, buffers: LossBuffers
    ) -> FloatArray:
        gradient, column, scratch = buffers
        np.subtract(raw, y, out=gradient)
        return half_squares(gradient, scratch, column)


class AbsoluteError(RegressionLoss):
    """Absolute error with the identity link. It estimates the median.

    See Also
    --------
    Quantile : Estimates any quantile.
    Huber : Between this and `SquaredError`.

    Examples
    --------
    A constant model predicts the median:

    >>> from skneural import ScratchMLPRegressor
    >>> from skneural.losses import AbsoluteError
    >>> X, y = [[0]] * 5, [1, 2, 3, 4, 40]
    >>> exact = {"learning_rate": "cosine", "max_iter": 1000, "n_iter_no_change": 1000, "tol": 0}
    >>> exact |= {"learning_rate_init": 0.5, "alpha": 0, "random_state": 0}
    >>> model = ScratchMLPRegressor(AbsoluteError(), (), **exact)
    >>> model.fit(X, y).predict([[0]]).round(2)
    array([3.])
    """

    is_smooth = False

    def value_and_gradient(
        self, raw: FloatArray, y: FloatArray, buffers: LossBuffers
    ) -> FloatArray:
        residual = raw
        residual -= y
        np.sign(residual, out=buffers.gradient)
        residual *= buffers.gradient
        return summed_over_outputs(residual, buffers.column)


@dataclass(repr=False, eq=False)
class Huber(RegressionLoss):
    r"""Squared error of small residuals, absolute error of large ones, with the identity link.

    .. math::

        \ell(r) = \begin{cases}
            \tfrac12 r^2 & \text{for } |r| \le \delta, \\
            \delta \left( |r| - \tfrac12 \delta \right) & \text{otherwise,}
        \end{cases}
        \qquad r = z - y.

    Parameters
    ----------
    delta : float, default=1.0
        The residual at which the two meet, in units of y.

    See Also
    --------
    AbsoluteError : For residuals of any size.
    SquaredError : Estimates the mean.

    References
    ----------
    P. J. Huber, "Robust estimation of a location parameter", Annals of Mathematical
    Statistics 35, 1964.

    Examples
    --------
    A constant model is moved by the outlier no further than by any other large number:

    >>> from skneural import ScratchMLPRegressor
    >>> from skneural.losses import Huber
    >>> X, y = [[0]] * 5, [1, 2, 3, 4, 40]
    >>> model = ScratchMLPRegressor(Huber(2.0), (), alpha=0, solver="lbfgs", random_state=0)
    >>> model.fit(X, y).predict([[0]]).round(2)
    array([3.])
    """

    delta: float = number(1.0, 0, closed="neither")

    def value_and_gradient(
        self, raw: FloatArray, y: FloatArray, buffers: LossBuffers
    ) -> FloatArray:
        gradient, column, half = buffers
        delta = float(self.delta)
        residual = raw
        residual -= y
        np.minimum(residual, delta, out=gradient)
        np.maximum(gradient, -delta, out=gradient)
        # Both cases in one: g (r - g/2), where the gradient g is r clipped.
        np.multiply(gradient, 0.5, out=half)
        residual -= half
        residual *= gradient
        return summed_over_outputs(residual, column)


@dataclass(repr=False, eq=False)
class Quantile(RegressionLoss):
    r"""Pinball loss. It estimates one quantile, or several that never cross.

    .. math::

        \ell(q) = \begin{cases}
            \tau (y - q) & \text{for } q \le y, \\
            (1 - \tau) (q - y) & \text{otherwise,}
        \end{cases}

    summed over the levels :math:`\tau`. If the level is a number, the raw output is the quantile
    itself. If it is a sequence of numbers, the first quantile is a raw output and each further
    one is the quantile before plus a softplus, which cannot be negative:

    .. math:: q_1 = z_1, \qquad q_{j+1} = q_j + \log(1 + \exp z_{j+1}).

    Parameters
    ----------
    quantile : float or sequence of float, default=0.5
        The level, or the levels in increasing order, between 0 and 1. A list of one is a list.

    See Also
    --------
    AbsoluteError : The median alone.
    sklearn.metrics.mean_pinball_loss : The same loss of predictions.

    Notes
    -----
    The outputs for several targets stand side by side: all levels of the first target, then
    those of the second.

    References
    ----------
    R. Koenker and G. Bassett, "Regression quantiles", Econometrica 46, 1978; quantiles as sums
    of increments: Y. Park, D. Maddix, F.-X. Aubet, K. Kan, J. Gasthaus and Y. Wang, "Learning
    quantile functions without quantile crossing for distribution-free time series
    forecasting", AISTATS 2022.

    Examples
    --------
    A constant model predicts the quartiles:

    >>> from skneural import ScratchMLPRegressor
    >>> from skneural.losses import Quantile
    >>> X, y = [[0]] * 5, [1, 2, 3, 4, 40]
    >>> exact = {"learning_rate": "cosine", "max_iter": 1000, "n_iter_no_change": 1000, "tol": 0}
    >>> exact |= {"learning_rate_init": 0.5, "alpha": 0, "random_state": 0}
    >>> model = ScratchMLPRegressor(Quantile([0.25, 0.75]), (), **exact)
    >>> model.fit(X, y).predict([[0]]).round(2)
    array([[2., 4.]])
    """

    is_smooth = False

    quantile: float | Sequence[float] = 0.5

    @property
    def link(self) -> Link:
        return IDENTITY if isinstance(self.quantile, Real) else INCREASING

    @property
    def accepts_several_targets(self) -> bool:
        # Columns of several targets and of several levels would be hard to tell apart.
        return isinstance(self.quantile, Real)

    def n_outputs(self, n_targets: int) -> int:
        return n_targets * len(self._levels())

    def check(self) -> None:
        levels = self._levels()
        if not levels:
            raise ValueError(
                f"quantile of {type(self).__name__} must hold at least one number, got "
                f"{self.quantile!r}."
            )
        for level in levels:
            if not _is_between_0_and_1(level):
                among = f" in {self.quantile!r}" if isinstance(self.quantile, Sequence) else ""
                raise ValueError(
                    f"quantile of {type(self).__name__} must be a number in (0, 1), or a list of "
                    f"such numbers, got {level!r}{among}."
                )
        if any(above <= below for below, above in pairwise(levels)):
            raise ValueError(
                f"The numbers in quantile of {type(self).__name__} must be increasing, got "
                f"{self.quantile!r}."
            )

    def value_and_gradient(
        self, raw: FloatArray, y: FloatArray, buffers: LossBuffers
    ) -> FloatArray:
        # Views with one row for each target of each row: their columns are the levels.
        levels = self._levels()
        shape = (-1, len(levels))
        quantiles, gradient = raw.reshape(shape), buffers.gradient.reshape(shape)
        z = buffers.scratch.reshape(shape)
        np.copyto(z, quantiles)
        self.link.inverse(quantiles)

        residual = quantiles
        gradient[...] = y.reshape(-1, 1)
        residual -= gradient
        # The derivative in q is 1 - tau above the target and -tau elsewhere.
        np.heaviside(residual, 0, out=gradient)
        for column, level in zip(gradient.T, levels, strict=True):
            column -= float(level)
        residual *= gradient
        increasing_backward(gradient, z)
        return summed_over_outputs(raw, buffers.column)

    def predict(self, raw: FloatArray) -> FloatArray:
        quantiles = raw.reshape(-1, len(self._levels()))
        self.link.inverse(quantiles)
        return quantiles.reshape(raw.shape)

    def score(self, y: npt.ArrayLike, predicted: npt.ArrayLike, sample_weight: Any = None) -> float:
        r"""How good quantiles are: 1 is perfect, higher is better.

        That is :math:`D^2` of the pinball loss, the share of the loss of the best constant
        that is explained (`sklearn.metrics.d2_pinball_score`), averaged over levels and targets.

        Parameters
        ----------
        y : array-like of shape (n_rows,) or (n_rows, n_targets)
        predicted : array-like of shape (n_rows,) or (n_rows, n_targets * n_levels)
        sample_weight : array-like of shape (n_rows,), default=None

        Returns
        -------
        score : float
        """
        # Imported here: the core does not need scikit-learn, and who asks for its score has it.
        from sklearn.metrics import d2_pinball_score

        levels = self._levels()
        quantiles = np.asarray(predicted).reshape(len(np.asarray(predicted)), -1, len(levels))
        scores = [
            d2_pinball_score(y, quantiles[:, :, j], sample_weight=sample_weight, alpha=float(level))
            for j, level in enumerate(levels)
        ]
        return float(np.mean(scores))

    def _levels(self) -> Sequence[float]:
        quantile: Any = self.quantile
        if isinstance(quantile, np.ndarray) and quantile.ndim == 1:
            levels: list[float] = quantile.tolist()
            return levels
        return quantile if isinstance(quantile, Sequence) else [quantile]


def _is_between_0_and_1(value: Any) -> bool:
    return isinstance(value, Real) and 0 < float(value) < 1


class Poisson(RegressionLoss):
    """Half Poisson deviance with the exponential link, for targets that are zero or positive.

    See Also
    --------
    Gamma : For positive numbers whose standard deviation is proportional to the mean.
    sklearn.metrics.mean_poisson_deviance : Twice this loss, of predictions.

    Examples
    --------
    A constant model predicts the mean, and no model a negative number:

    >>> from skneural import ScratchMLPRegressor
    >>> from skneural.losses import Poisson
    >>> X, y = [[0]] * 5, [1, 2, 3, 4, 40]
    >>> model = ScratchMLPRegressor(Poisson(), (), alpha=0, solver="lbfgs", random_state=0)
    >>> model.fit(X, y).predict([[0]]).round(2)
    array([10.])
    """

    link = EXP

    def check_targets(self, y: npt.NDArray[Any]) -> None:
        if np.any(y < 0):
            raise ValueError(
                f"loss='poisson' needs targets that are zero or positive: the smallest y is "
                f"{np.min(y)}."
            )

    def value_and_gradient(
        self, raw: FloatArray, y: FloatArray, buffers: LossBuffers
    ) -> FloatArray:
        gradient, column, y_log_y = buffers
        np.exp(raw, out=gradient)
        gradient -= y
        # y log(y / p) - y + p, where log p = z, in two parts: p - y - y z, and y log y.
        raw *= y
        np.subtract(gradient, raw, out=raw)
        raw += xlogy(y, y, out=y_log_y)
        return summed_over_outputs(raw, column)


class Gamma(RegressionLoss):
    """Half gamma deviance with the exponential link, for targets that are positive.

    To the left the loss grows as exp(-z): it overflows where that does.

    See Also
    --------
    Poisson : For counts, which may be zero.
    sklearn.metrics.mean_gamma_deviance : Twice this loss, of predictions.

    Examples
    --------
    A constant model predicts the mean, and no model a negative number:

    >>> from skneural import ScratchMLPRegressor
    >>> from skneural.losses import Gamma
    >>> X, y = [[0]] * 5, [1, 2, 3, 4, 40]
    >>> model = ScratchMLPRegressor(Gamma(), (), alpha=0, solver="lbfgs", random_state=0)
    >>> model.fit(X, y).predict([[0]]).round(2)
    array([10.])
    """

    link = EXP

    def check_targets(self, y: npt.NDArray[Any]) -> None:
        if np.any(y <= 0):
            raise ValueError(
                f"loss='gamma' needs targets that are positive: the smallest y is {np.min(y)}."
            )

    def value_and_gradient(
        self, raw: FloatArray, y: FloatArray, buffers: LossBuffers
    ) -> FloatArray:
        # With d = log(p / y), the gradient is 1 - exp(-d) and the value d minus it: expm1 keeps
        # the digits of predictions that are close.
        gradient, column, log_y = buffers
        distance = raw
        np.log(y, out=log_y)
        distance -= log_y
        np.negative(distance, out=gradient)
        np.expm1(gradient, out=gradient)
        np.negative(gradient, out=gradient)
        distance -= gradient
        return summed_over_outputs(distance, column)
