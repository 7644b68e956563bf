r"""Losses on raw outputs: value, gradient, and the link from raw outputs to predictions.

A network ends in numbers :math:`z` without any activation, the *raw outputs* (logits,
for a classifier). Taking the output activation into the loss is what makes it stable:
:math:`\log(\mathrm{softmax}(z))` is finite wherever :math:`z` is, the logarithm of a
softmax already rounded to zero is not. It also makes the canonical pairs short:

====================  ===========  ==========================================  ===============
loss                  link         value of one row                            gradient in z
====================  ===========  ==========================================  ===============
squared error         identity     1/2 sum (z - y)^2                           z - y
Poisson               exp          sum of y log(y / p) - y + p,  p = exp(z)    p - y
log loss, binary      logistic     sum of log(1 + exp(-s z)),  s = 2 y - 1     p - y
log loss, multiclass  softmax      -sum of y log p                             p - y
squared error         logistic     1/2 sum (p - y)^2                           (p - y) p (1 - p)
squared error         softmax      1/2 sum (p - y)^2,  d = p - y               p (d - sum d p)
====================  ===========  ==========================================  ===============

Sums run over the outputs of a row. Source: C. M. Bishop, *Pattern Recognition and Machine
Learning*, 2006, sections 4.3.6 (canonical links) and 5.2; the squared error of
probabilities is half of the score of G. W. Brier, "Verification of forecasts expressed in
terms of probability", 1950.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import expit, xlogy

from skneural._arrays import FloatArray, row_maxima, row_sums, spread


class LossBuffers(NamedTuple):
    """Where a loss writes.

    Attributes
    ----------
    gradient : ndarray of shape (n_rows, n_outputs)
        Receives the derivative of the loss of each row in its raw outputs.
    column : ndarray of shape (n_rows, 1)
    scratch : ndarray of shape (n_rows, n_outputs)
        For intermediate values.
    """

    gradient: FloatArray
    column: FloatArray
    scratch: FloatArray


class Loss(ABC):
    """The contract of a loss. Losses hold no state; `LOSSES` has one of each.

    Attributes
    ----------
    averages_outputs : bool
        Whether the loss *reported* is the mean over the outputs of a row while the one
        *descended* is their sum. True for squared error alone, as in scikit-learn.
    """

    averages_outputs: bool = False

    @abstractmethod
    def value_and_gradient(
        self, raw: FloatArray, y: FloatArray, weight: FloatArray | None, buffers: LossBuffers
    ) -> float:
        """Weighted sum of the losses of all rows; the gradient goes to `buffers.gradient`.

        The gradient is that of each row's own loss: without its weight.

        Parameters
        ----------
        raw : ndarray of shape (n_rows, n_outputs)
            Raw outputs. Used as scratch: their values are lost.
        y : ndarray of shape (n_rows, n_outputs)
            Targets: numbers, or zeros and ones.
        weight : ndarray of shape (n_rows, n_outputs) or None
            Weights of the rows, the same in every column.
        buffers : LossBuffers

        Returns
        -------
        value : float
        """


class SquaredError(Loss):
    """Half squared error with the identity link."""

    averages_outputs = True

    def value_and_gradient(
        self, raw: FloatArray, y: FloatArray, weight: FloatArray | None, buffers: LossBuffers
    ) -> float:
        gradient = buffers.gradient
        np.subtract(raw, y, out=gradient)
        return _half_square(gradient, weight, buffers.scratch)


class Poisson(Loss):
    """Half Poisson deviance with the exponential link."""

    def value_and_gradient(
        self, raw: FloatArray, y: FloatArray, weight: FloatArray | None, buffers: LossBuffers
    ) -> float:
        gradient = buffers.gradient
        np.exp(raw, out=gradient)
        gradient -= y
        # y log(y / p) - y + p, where log p = z, in two parts: p - y - y z, and y log y.
        raw *= y
        np.subtract(gradient, raw, out=raw)
        if weight is not None:
            raw *= weight
        value = float(raw.ravel().sum())
        xlogy(y, y, out=raw)
        if weight is not None:
            raw *= weight
        return value + float(raw.ravel().sum())


class BinaryLogLoss(Loss):
    """Log loss of independent yes/no outputs: one for two classes, several for labels."""

    def value_and_gradient(
        self, raw: FloatArray, y: FloatArray, weight: FloatArray | None, buffers: LossBuffers
    ) -> float:
        gradient, _, scratch = buffers
        # With m = s z, -log p of the true label is log(1 + exp(-|m|)) - min(m, 0): one exp of
        # a number that is never positive serves the value and, below, the gradient.
        margin = raw
        np.multiply(y, 2, out=scratch)
        scratch -= 1
        margin *= scratch
        np.abs(margin, out=gradient)
        np.negative(gradient, out=gradient)
        np.exp(gradient, out=gradient)
        np.log1p(gradient, out=gradient)
        np.minimum(margin, 0, out=scratch)
        gradient -= scratch
        value = _weighted_sum(gradient, weight)

        # The other label has probability exp(-m - loss): it keeps its digits where it is tiny.
        gradient += margin
        np.negative(gradient, out=gradient)
        np.exp(gradient, out=gradient)
        np.multiply(y, -2, out=scratch)
        scratch += 1
        gradient *= scratch
        return value


class MultinomialLogLoss(Loss):
    """Log loss of exactly one class out of several (categorical cross-entropy)."""

    def value_and_gradient(
        self, raw: FloatArray, y: FloatArray, weight: FloatArray | None, buffers: LossBuffers
    ) -> float:
        gradient, log_probability = buffers.gradient, raw
        _log_softmax(log_probability, buffers)
        np.exp(log_probability, out=gradient)
        gradient -= y
        if weight is not None:
            log_probability *= weight
        value = -float(np.vdot(log_probability, y))
        return value


class BinarySquaredError(Loss):
    """Half squared error of the probabilities of independent yes/no outputs."""

    def value_and_gradient(
        self, raw: FloatArray, y: FloatArray, weight: FloatArray | None, buffers: LossBuffers
    ) -> float:
        gradient, probability = buffers.gradient, raw
        expit(raw, out=probability)
        np.subtract(probability, y, out=gradient)
        value = _half_square(gradient, weight, buffers.scratch)
        gradient *= probability
        np.subtract(1, probability, out=raw)
        gradient *= raw
        return value


class MultinomialSquaredError(Loss):
    """Half squared error of the probabilities of exactly one class out of several."""

    def value_and_gradient(
        self, raw: FloatArray, y: FloatArray, weight: FloatArray | None, buffers: LossBuffers
    ) -> float:
        gradient, probability = buffers.gradient, raw
        _log_softmax(probability, buffers)
        np.exp(probability, out=probability)
        np.subtract(probability, y, out=gradient)
        value = _half_square(gradient, weight, buffers.scratch)
        np.einsum("ij,ij->i", gradient, probability, out=buffers.column[:, 0])
        gradient -= spread(buffers.column, out=buffers.scratch)
        gradient *= probability
        return value


def _weighted_sum(values: FloatArray, weight: FloatArray | None) -> float:
    """Sum of all elements, each times its weight, without a temporary array."""
    return float(values.ravel().sum() if weight is None else np.vdot(values, weight))


def _half_square(difference: FloatArray, weight: FloatArray | None, scratch: FloatArray) -> float:
    """Half the weighted sum of squares, without a temporary array."""
    weighted = difference
    if weight is not None:
        weighted = np.multiply(difference, weight, out=scratch)
    return 0.5 * float(np.vdot(weighted, difference))


def _log_softmax(raw: FloatArray, buffers: LossBuffers) -> None:
    """Logarithm of the softmax of each row, in place: z - log sum exp z.

    The largest z of a row is taken off first, so that exp cannot overflow.
    """
    _, column, scratch = buffers
    row_maxima(raw, out=column, scratch=scratch)
    raw -= spread(column, out=scratch)
    np.exp(raw, out=scratch)
    row_sums(scratch, out=column)
    np.log(column, out=column)
    raw -= spread(column, out=scratch)


def _identity(raw: FloatArray) -> None:
    pass


def _exp(raw: FloatArray) -> None:
    np.exp(raw, out=raw)


def _logistic(raw: FloatArray) -> None:
    if len(raw) == 1:  # one call instead of four
        expit(raw, out=raw)
        return
    # NumPy's exp is vectorised, expit is not. Tiny results keep all their digits here too.
    np.negative(raw, out=raw)
    with np.errstate(over="ignore"):
        np.exp(raw, out=raw)
    raw += 1
    np.divide(1, raw, out=raw)


def _softmax(raw: FloatArray) -> None:
    if len(raw) == 1:  # setting up buffers would take longer than the rest
        raw -= raw.max()
        np.exp(raw, out=raw)
        raw /= raw.sum()
        return
    column: FloatArray = np.empty((len(raw), 1), dtype=raw.dtype)
    row_maxima(raw, out=column, scratch=np.empty_like(raw))
    raw -= column
    np.exp(raw, out=raw)
    row_sums(raw, out=column)
    raw /= column


#: What turns raw outputs into predictions, in place, by the name of the output activation.
INVERSE_LINKS: dict[str, Callable[[FloatArray], None]] = {
    "identity": _identity,
    "exp": _exp,
    "logistic": _logistic,
    "softmax": _softmax,
}

#: Every pair of a loss and an output activation that can be trained.
LOSSES: dict[tuple[str, str], Loss] = {
    ("squared_error", "identity"): SquaredError(),
    ("poisson", "exp"): Poisson(),
    ("log_loss", "logistic"): BinaryLogLoss(),
    ("log_loss", "softmax"): MultinomialLogLoss(),
    ("squared_error", "logistic"): BinarySquaredError(),
    ("squared_error", "softmax"): MultinomialSquaredError(),
}
