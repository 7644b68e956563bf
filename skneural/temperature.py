r"""Temperature scaling: one number that makes a classifier as sure as it is right (calibration).

A network trained to the lowest log loss of its training rows is often too sure of new ones.
Dividing all logits by a temperature T repairs that and leaves the order of the classes as it is:
the probabilities of :math:`\operatorname{softmax}(z / T)` are closer to each other the higher T is.

.. math::

    L(T) = -\frac{1}{\sum_i s_i} \sum_i s_i \log \operatorname{softmax}(z_i / T)_{y_i}

over rows that the network was not trained on, with sample weights :math:`s_i`. In
:math:`\beta = 1 / T` the loss is convex. With differences :math:`d_{ic} = z_{ic} - z_{iy_i}` and
the probabilities :math:`p_i` of :math:`\operatorname{softmax}(\beta z_i)`, its derivatives are
weighted means over the rows:

.. math::

    L &= \left\langle \log \textstyle\sum_c e^{\beta d_{ic}} \right\rangle, \\
    \frac{dL}{d\beta} &= \left\langle \textstyle\sum_c p_{ic} d_{ic} \right\rangle, \qquad
    \frac{d^2 L}{d\beta^2} = \left\langle \operatorname{Var}_{p_i}(d_i) \right\rangle

so that Newton's method needs a few passes over the logits. A step that would leave the interval in
which the optimum has been found to lie, or is longer than half the step before, is replaced by
bisection.

Where all of a few rows are right, the loss falls the more the lower T is, and probabilities of new
rows would be next to 0 and 1. So where the minimum is at a temperature below 1, the one chosen is
that where a share :math:`\epsilon` of each row is of the other classes, as J. Platt smooths targets
("Probabilistic outputs for support vector machines", 1999, section 2.2):

.. math::

    L_\epsilon(\beta) = L(\beta) - \epsilon \, \beta \,
    \Big\langle \frac{1}{C - 1} \textstyle\sum_{c \ne y_i} d_{ic} \Big\rangle

With :math:`\epsilon = 1 / (n + 2)` that is about one more row of n, which is wrong: without any
error the rows are predicted with about :math:`1 - \epsilon`, whatever the size of the logits, and
beside many errors it makes no difference.

Sources: C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural
networks", ICML 2017, section 4.2; an epoch chosen by the loss that is left after temperature
scaling: E. Berta, D. Holzmüller, M. I. Jordan and F. Bach, "Rethinking early stopping: refine, then
calibrate", 2025, arXiv:2501.19195.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax

from skneural.arrays.matrices import FloatArray

#: The temperatures that are looked for: from 4 times as sure to an eighth.
BOUNDS = (0.25, 8.0)

#: Relative change of the temperature below which it is found.
TOLERANCE = 1e-7
MAX_STEPS = 60


class Temperature(NamedTuple):
    """A temperature, and what it leads to.

    Attributes
    ----------
    value : float
        T.
    loss : float
        The mean log loss (cross-entropy) of the logits divided by it.
    """

    value: float
    loss: float


def fit_temperature(
    logits: FloatArray,
    y: npt.NDArray[Any],
    sample_weight: FloatArray | None = None,
    bounds: tuple[float, float] = BOUNDS,
) -> Temperature:
    """The temperature of the lowest log loss.

    Parameters
    ----------
    logits : ndarray of shape (n_rows, n_classes)
        Of rows that the network was not trained on. A single column is the log-odds of class 1: the
        logit of class 0 is then zero.
    y : ndarray of shape (n_rows,)
        The class of each row, an integer from 0 to n_classes - 1.
    sample_weight : ndarray of shape (n_rows,) or None, default=None
        Zero or positive, and not all zero.
    bounds : tuple of float, default=(0.25, 8.0)
        The lowest and the highest temperature to choose, both above zero.

    Returns
    -------
    temperature : Temperature
        Computed in float64. Where all temperatures lead to the same loss, and where the logits are
        not finite (infinite loss), its value is 1, or the closest to it within `bounds`.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.temperature import fit_temperature
    >>> logits = np.array([[4.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 0.0]])
    >>> temperature = fit_temperature(logits, np.array([0, 0, 1, 1]))
    >>> round(temperature.value, 2), round(temperature.loss, 2)  # right 3 times in 4
    (3.64, 0.56)
    """
    lowest, highest = 1 / bounds[1], 1 / bounds[0]
    beta = min(max(1.0, lowest), highest)
    rows = _rows_of(logits, y, sample_weight)
    if rows is None:
        return Temperature(1 / beta, math.inf)
    return rows.at(_minimum(rows, lowest, highest, beta))


def cautious_temperature(
    logits: FloatArray, y: npt.NDArray[Any], sample_weight: FloatArray | None = None
) -> Temperature:
    r"""That of the lowest log loss, where it is not below 1; else as if one more row were wrong.

    Parameters
    ----------
    logits, y, sample_weight
        As for `fit_temperature`. Weights count as :math:`(\sum s)^2 / \sum s^2` rows.

    Returns
    -------
    temperature : Temperature

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.temperature import cautious_temperature, fit_temperature
    >>> logits, y = np.array([[8.0, 0.0], [0.0, 8.0]] * 500), np.array([0, 1] * 500)
    >>> round(fit_temperature(logits, y).value, 2), round(cautious_temperature(logits, y).value, 2)
    (0.25, 1.16)
    """
    rows = _rows_of(logits, y, sample_weight)
    if rows is None:
        return Temperature(1.0, math.inf)
    beta = _minimum(rows, 1 / BOUNDS[1], 1 / BOUNDS[0], 1.0)
    if beta > 1:
        n_rows = 1 / float(np.sum(np.square(rows.share)))
        beta = _minimum(rows, 1 / BOUNDS[1], beta, beta, rows.margin() / (n_rows + 2))
    return rows.at(beta)


def scaled_log_probabilities(logits: FloatArray, temperature: float) -> FloatArray:
    """Logarithms of the probabilities at a temperature.

    Parameters
    ----------
    logits : ndarray of shape (..., n_rows, n_classes)
        A single column is the log-odds of class 1.
    temperature : float

    Returns
    -------
    log_probabilities : ndarray of shape (..., n_rows, n_classes)
        In float64, with two columns for a single one.
    """
    scaled = _of_all_classes(logits)
    scaled /= temperature
    log_probabilities: FloatArray = log_softmax(scaled, axis=-1)
    return log_probabilities


class _Rows(NamedTuple):
    """Logits less that of the true class, and less the largest of these; shares of the rows."""

    differences: FloatArray
    largest: FloatArray
    share: FloatArray

    def at(self, beta: float) -> Temperature:
        """The temperature 1 / beta, and its loss."""
        return Temperature(1 / beta, self.derivatives(beta)[0])

    def margin(self) -> float:
        """How far the logit of the true class is above those of the others, in the mean."""
        n_others = max(self.differences.shape[1] - 1, 1)
        of_others = (self.differences + self.largest[:, np.newaxis]).sum(axis=1) / n_others
        return -float(self.share @ of_others)

    def derivatives(self, beta: float) -> tuple[float, float, float]:
        """The loss, and its first and second derivative in the inverse temperature."""
        p = np.exp(beta * self.differences)
        total = p.sum(axis=1)
        p /= total[:, np.newaxis]
        mean = np.einsum("ic,ic->i", p, self.differences)
        square = np.einsum("ic,ic,ic->i", p, self.differences, self.differences)
        losses = beta * self.largest + np.log(total)
        first = self.share @ (self.largest + mean)
        return float(self.share @ losses), float(first), float(self.share @ (square - mean**2))


def _rows_of(
    logits: FloatArray, y: npt.NDArray[Any], sample_weight: FloatArray | None
) -> _Rows | None:
    """What the loss needs of the rows; None where the logits are not finite."""
    logits = _of_all_classes(logits)
    if not np.all(np.isfinite(logits)):
        return None
    differences = logits - np.take_along_axis(logits, np.asarray(y)[:, np.newaxis], axis=1)
    largest = differences.max(axis=1)
    differences -= largest[:, np.newaxis]
    share = np.full(len(logits), 1.0)
    if sample_weight is not None:
        share = np.asarray(sample_weight, dtype=np.float64)
        share = share / share.max()
    return _Rows(differences, largest, share / share.sum())


def _minimum(rows: _Rows, lowest: float, highest: float, beta: float, pull: float = 0.0) -> float:
    """The minimum of a convex loss, plus `pull` times beta, between two inverse temperatures."""
    for end, sign in ((lowest, -1), (highest, 1)):
        # Beyond an end where the loss still falls outwards there is nothing to look for.
        if (rows.derivatives(end)[1] + pull) * sign < 0:
            return end
    last_step = highest - lowest
    for _ in range(MAX_STEPS):
        _, slope, curvature = rows.derivatives(beta)
        slope += pull
        if slope == 0:
            break
        lowest, highest = (lowest, beta) if slope > 0 else (beta, highest)
        step = -slope / curvature if curvature > 0 else math.inf
        if not lowest < beta + step < highest or abs(step) > last_step / 2:
            step = (lowest + highest) / 2 - beta
        beta += step
        last_step = abs(step)
        if last_step <= TOLERANCE * beta:
            break
    return beta


def _of_all_classes(logits: FloatArray) -> FloatArray:
    """A copy in float64, with a column for each class."""
    if logits.shape[-1] == 1:
        return np.concatenate([np.zeros_like(logits, dtype=np.float64), logits], axis=-1)
    return np.array(logits, dtype=np.float64)
