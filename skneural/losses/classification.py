"""Losses for classification, each for logistic outputs (binary) and for a softmax (multinomial)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from skneural.arrays.matrices import FloatArray, row_sums
from skneural.losses.contract import (
    ClassificationLoss,
    Loss,
    LossBuffers,
    half_squares,
    summed_over_outputs,
)
from skneural.losses.links import LOGISTIC, SOFTMAX, Link, subtract_row_maxima
from skneural.settings import number

OTHER_LINK = "A classification loss is for LOGISTIC or SOFTMAX outputs, got {!r}."


@dataclass(repr=False, eq=False)
class LogLoss(ClassificationLoss):
    r"""Log loss (cross-entropy), with label smoothing.

    .. math:: -\sum_k t_k \log p_k, \qquad t = (1 - \epsilon) y + \epsilon / K

    for :math:`K` classes. Each of several yes/no outputs has two of its own.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        :math:`\epsilon`, from 0 to below 1: the share of every label that is spread over all
        classes. Above 0, the best probabilities are neither 0 nor 1, and the weights stay finite.

    See Also
    --------
    Focal : Looks at rows that are wrong more than at others.
    sklearn.metrics.log_loss : The same loss of predictions.

    References
    ----------
    C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens and Z. Wojna, "Rethinking the Inception
    architecture for computer vision", CVPR 2016, section 7.

    Examples
    --------
    A constant model predicts the smoothed shares of the classes, 0.8 of 3/4 and a half of 0.2:

    >>> from skneural import ScratchMLPClassifier
    >>> from skneural.losses import LogLoss
    >>> X, y = [[0]] * 4, [0, 1, 1, 1]
    >>> loss = LogLoss(label_smoothing=0.2)
    >>> model = ScratchMLPClassifier((), loss=loss, alpha=0, solver="lbfgs", random_state=0)
    >>> model.fit(X, y).predict_proba([[0]]).round(2)
    array([[0.3, 0.7]])
    """

    label_smoothing: float = number(0.0, 0, 1, closed="left")

    def with_link(self, link: Link) -> Loss:
        if link == LOGISTIC:
            return BinaryLogLoss(self.label_smoothing)
        if link == SOFTMAX:
            return MultinomialLogLoss(self.label_smoothing)
        raise ValueError(OTHER_LINK.format(link))


class BinaryLogLoss(LogLoss):
    """Log loss of independent yes/no outputs: one for two classes, several for labels."""

    link = LOGISTIC

    def value_and_gradient(
        self, raw: FloatArray, y: FloatArray, buffers: LossBuffers
    ) -> FloatArray:
        gradient, column, scratch = buffers
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
        loss = np.subtract(gradient, scratch, out=scratch)

        # The other label has probability exp(-m - loss): it keeps its digits where it is tiny.
        np.add(loss, margin, out=gradient)
        np.negative(gradient, out=gradient)
        np.exp(gradient, out=gradient)
        if self.label_smoothing:
            # Its target is e/2 instead of 0, which adds e/2 times m to the loss.
            target = float(self.label_smoothing) / 2
            gradient -= target
            margin *= target
            loss += margin
        sign = np.multiply(y, -2, out=raw)
        sign += 1
        gradient *= sign
        return summed_over_outputs(loss, column)


class MultinomialLogLoss(LogLoss):
    """Log loss of exactly one class out of several (categorical cross-entropy)."""

    link = SOFTMAX

    def value_and_gradient(
        self, raw: FloatArray, y: FloatArray, buffers: LossBuffers
    ) -> FloatArray:
        gradient, log_probability = buffers.gradient, raw
        _log_softmax(log_probability, buffers)
        probability = np.exp(log_probability, out=gradient)
        target = y
        if self.label_smoothing:
            smoothing = float(self.label_smoothing)
            target = np.multiply(y, 1 - smoothing, out=buffers.scratch)
            target += smoothing / y.shape[1]
        np.subtract(probability, target, out=gradient)
        log_probability *= target
        row_sums(log_probability, out=buffers.column)
        losses = buffers.column[:, 0]
        return np.negative(losses, out=losses)


@dataclass(repr=False, eq=False)
class Focal(ClassificationLoss):
    r"""Focal loss: the log loss, reduced where the model is right already.

    .. math:: -(1 - p_t)^\gamma \log p_t,

    with :math:`p_t` the probability of the true class, or of the true label of each of several
    yes/no outputs.

    Parameters
    ----------
    gamma : float, default=2.0
        :math:`\gamma`, zero or positive. With 0 this is the log loss.

    See Also
    --------
    LogLoss : The same with `gamma` zero.

    References
    ----------
    T.-Y. Lin, P. Goyal, R. Girshick, K. He and P. Dollár, "Focal loss for dense object
    detection", ICCV 2017.

    Examples
    --------
    A constant model is less sure than the share of 3/4:

    >>> from skneural import ScratchMLPClassifier
    >>> from skneural.losses import Focal
    >>> X, y = [[0]] * 4, [0, 1, 1, 1]
    >>> loss = Focal()
    >>> model = ScratchMLPClassifier((), loss=loss, alpha=0, solver="lbfgs", random_state=0)
    >>> model.fit(X, y).predict_proba([[0]]).round(2)
    array([[0.4, 0.6]])
    """

    gamma: float = number(2.0, 0, closed="left")

    def with_link(self, link: Link) -> Loss:
        if link == LOGISTIC:
            return BinaryFocal(self.gamma)
        if link == SOFTMAX:
            return MultinomialFocal(self.gamma)
        raise ValueError(OTHER_LINK.format(link))


class BinaryFocal(Focal):
    """Focal loss of independent yes/no outputs."""

    link = LOGISTIC

    def value_and_gradient(
        self, raw: FloatArray, y: FloatArray, buffers: LossBuffers
    ) -> FloatArray:
        gradient, column, loss = buffers
        margin = raw
        np.multiply(y, 2, out=loss)
        loss -= 1
        margin *= loss
        descent = _focal_of_margin(margin, float(self.gamma), loss=loss, scratch=gradient)
        np.multiply(y, -2, out=gradient)
        gradient += 1
        gradient *= descent
        return summed_over_outputs(loss, column)


class MultinomialFocal(Focal):
    """Focal loss of exactly one class out of several."""

    link = SOFTMAX

    def value_and_gradient(
        self, raw: FloatArray, y: FloatArray, buffers: LossBuffers
    ) -> FloatArray:
        others, column, scratch = buffers
        if raw.shape[1] == 1:  # A single class is certain.
            buffers.gradient[...] = 0
            column[...] = 0
            return column[:, 0]
        # The odds of the true class are exp(m) with m = z_true - log(sum of exp z of the others):
        # this is the binary loss of the margin m, whose derivative is shared among the others
        # as the softmax over them has it. So nothing is divided by a small 1 - p_true.
        # Minus infinity for the true class, plus infinity for the others:
        np.subtract(0.5, y, out=scratch)
        scratch *= np.inf
        np.minimum(raw, scratch, out=others)
        subtract_row_maxima(others, column, scratch)
        scratch[...] = column
        raw -= scratch
        np.exp(others, out=others)
        row_sums(others, out=column)
        scratch[...] = column
        others /= scratch
        np.log(column, out=column)
        scratch[...] = column
        raw -= scratch

        margin, loss = column[:, 0], raw[:, 0]
        np.einsum("ij,ij->i", raw, y, out=margin)
        _focal_of_margin(margin, float(self.gamma), loss=loss, scratch=scratch[:, 0])

        gradient, descent = others, column
        gradient -= y
        scratch[...] = descent
        gradient *= scratch
        return loss


class _ProbabilitySquaredError(ClassificationLoss):
    """What the squared errors of probabilities share."""

    def with_link(self, link: Link) -> Loss:
        if link == LOGISTIC:
            return BinarySquaredError()
        if link == SOFTMAX:
            return MultinomialSquaredError()
        raise ValueError(OTHER_LINK.format(link))


class BinarySquaredError(_ProbabilitySquaredError):
    """Half squared error of the probabilities of independent yes/no outputs."""

    link = LOGISTIC

    def value_and_gradient(
        self, raw: FloatArray, y: FloatArray, buffers: LossBuffers
    ) -> FloatArray:
        gradient, column, scratch = buffers
        probability = expit(raw, out=raw)
        np.subtract(probability, y, out=gradient)
        losses = half_squares(gradient, scratch, column)
        gradient *= probability
        np.subtract(1, probability, out=raw)
        gradient *= raw
        return losses


class MultinomialSquaredError(_ProbabilitySquaredError):
    """Half squared error of the probabilities of exactly one class out of several."""

    link = SOFTMAX

    def value_and_gradient(
        self, raw: FloatArray, y: FloatArray, buffers: LossBuffers
    ) -> FloatArray:
        gradient, column, scratch = buffers
        probability = raw
        _log_softmax(probability, buffers)
        np.exp(probability, out=probability)
        difference = np.subtract(probability, y, out=gradient)
        np.einsum("ij,ij->i", difference, probability, out=column[:, 0])
        scratch[...] = column
        losses = np.einsum("ij,ij->i", difference, difference, out=column[:, 0])
        losses *= 0.5
        gradient -= scratch
        gradient *= probability
        return losses


def _log_softmax(raw: FloatArray, buffers: LossBuffers) -> None:
    """Logarithm of the softmax of each row, in place: z - log sum exp z.

    The largest z of a row is subtracted first, so that exp cannot overflow.
    """
    _, column, scratch = buffers
    subtract_row_maxima(raw, column, scratch)
    np.exp(raw, out=scratch)
    row_sums(scratch, out=column)
    np.log(column, out=column)
    scratch[...] = column
    raw -= scratch


def _focal_of_margin(
    margin: FloatArray, gamma: float, loss: FloatArray, scratch: FloatArray
) -> FloatArray:
    r"""Write the focal loss where the odds of what is true are exp(m); return -d loss / dm.

    The array returned is `margin`, overwritten.

    With the probabilities :math:`p` of what is true and :math:`u` of what is not, which are the
    logistic function of m and of -m,

    .. math::

        \ell = -u^\gamma \log p, \qquad
        -\frac{d\ell}{dm} = u^\gamma (u - \gamma p \log p) = u^{\gamma + 1} + \gamma p \ell:

    a sum of positive terms, without a difference in it and without a division by u.
    """
    np.abs(margin, out=loss)
    np.negative(loss, out=loss)
    np.exp(loss, out=loss)
    np.log1p(loss, out=loss)
    # -log u and -log p are this plus max(m, 0) and minus min(m, 0).
    u = np.maximum(margin, 0, out=scratch)
    u += loss
    np.negative(u, out=u)
    np.exp(u, out=u)
    np.minimum(margin, 0, out=margin)
    loss -= margin

    descent = np.power(u, gamma, out=margin)
    loss *= descent
    descent *= u
    p = np.subtract(1, u, out=scratch)
    p *= loss
    p *= gamma
    descent += p
    return descent
