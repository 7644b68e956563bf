r"""Losses on raw outputs: value, gradient, and the link from raw outputs to predictions.

A network ends in numbers :math:`z` without any activation, the *raw outputs* (logits,
for a classifier). Taking the output activation into the loss is what makes it stable:
:math:`\log(\mathrm{softmax}(z))` is finite wherever :math:`z` is, the logarithm of a
softmax already rounded to zero is not. It also makes the canonical pairs short:

====================  ===========  ==========================================  ===================
loss                  link         value of one row                            gradient in z
====================  ===========  ==========================================  ===================
squared error         identity     1/2 sum (z - y)^2                           z - y
absolute error        identity     sum of abs(r),  r = z - y                   sign r
Huber                 identity     sum of g (r - g/2),  r = z - y              g = r clipped to
                                                                               -delta ... delta
quantile              identity     sum of ([r > 0] - tau) r,  r = z - y        [r > 0] - tau
quantiles             increasing   the same with r = q - y, added up over tau  by the chain rule
Poisson               exp          sum of y log(y / p) - y + p,  p = exp(z)    p - y
gamma                 exp          sum of log(p / y) + y / p - 1,  p = exp(z)  1 - y / p
log loss, binary      logistic     sum of log(1 + exp(-s z)),  s = 2 y - 1     p - y
log loss, multiclass  softmax      -sum of y log p                             p - y
focal, binary         logistic     -sum of u^gamma log(1 - u)                  -s b
focal, multiclass     softmax      -u^gamma log(1 - u)                         (q - y) b
squared error         logistic     1/2 sum (p - y)^2                           (p - y) p (1 - p)
squared error         softmax      1/2 sum (p - y)^2,  d = p - y               p (d - sum d p)
====================  ===========  ==========================================  ===================

Sums run over the outputs of a row. [r > 0] is 1 where the prediction is above the target and 0
elsewhere; tau is the level of a quantile, and several of a row are made to increase by

.. math:: q_1 = z_1, \qquad q_{j+1} = q_j + \log(1 + \exp z_{j+1}).

With label smoothing e, the log losses have targets (1 - e) y + e/K instead of y, for K classes.
In the focal loss u is the probability of what is not true, q the softmax over the classes that
are not, and b = u^gamma (u - gamma (1 - u) log(1 - u)).

Sources: C. M. Bishop, *Pattern Recognition and Machine Learning*, 2006, sections 4.3.6
(canonical links) and 5.2; P. McCullagh and J. A. Nelder, *Generalized Linear Models*, 1989,
chapters 6 and 8 (Poisson and gamma); the squared error of probabilities is half of the score of
G. W. Brier, "Verification of forecasts expressed in terms of probability", 1950. Those of the
others stand with their classes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from numbers import Real
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit, xlogy

from skneural._arrays import FloatArray, row_maxima, row_sums, spread
from skneural._settings import Settings, number


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


@dataclass(repr=False, eq=False)
class Loss(Settings, ABC):
    """The contract of a loss. Losses hold settings and no state.

    Attributes
    ----------
    link : str
        The output activation, a name in `INVERSE_LINKS`, for which a loss of numbers is made.
    averages_outputs : bool
        Whether the loss *reported* is the mean over the outputs of a row while the one
        *descended* is their sum. True for squared error alone, as in scikit-learn.
    is_smooth : bool
        Whether its gradient is continuous, as L-BFGS needs it.
    n_outputs_per_target : int
        Columns of raw outputs for each column of numbers to predict, which are repeated as often.
    """

    averages_outputs: ClassVar[bool] = False
    is_smooth: ClassVar[bool] = True

    @property
    def link(self) -> str:
        return "identity"

    @property
    def n_outputs_per_target(self) -> int:
        return 1

    def for_output(self, output_activation: str) -> Loss:
        """What a classifier that ends in 'logistic' or 'softmax' minimises: the loss as it is.

        Losses of classes, which are another function of the raw outputs for each, override it.
        """
        return self

    def check_targets(self, y: npt.NDArray[Any]) -> None:
        """Raise ValueError where numbers are not possible as targets of this loss."""

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


class RegressionLoss(Loss):
    """A loss of numbers alone."""

    def for_output(self, output_activation: str) -> Loss:
        raise ValueError(f"{self!r} is a loss of numbers, which a classifier cannot minimise.")


class ClassificationLoss(Loss):
    """A loss of classes: what is trained is what `for_output` makes of it."""

    @abstractmethod
    def for_output(self, output_activation: str) -> Loss: ...

    def value_and_gradient(
        self, raw: FloatArray, y: FloatArray, weight: FloatArray | None, buffers: LossBuffers
    ) -> float:
        raise NotImplementedError(
            f"{self!r} is a loss of classes, and another function of the raw outputs for each "
            "output activation: train what for_output('logistic') or for_output('softmax') gives."
        )


# ---------------------------------------------------------------------- losses of numbers


class SquaredError(Loss):
    """Half squared error with the identity link; of probabilities, for a classifier."""

    averages_outputs = True

    def for_output(self, output_activation: str) -> Loss:
        return BinarySquaredError().for_output(output_activation)

    def value_and_gradient(
        self, raw: FloatArray, y: FloatArray, weight: FloatArray | None, buffers: LossBuffers
    ) -> float:
        gradient = buffers.gradient
        np.subtract(raw, y, out=gradient)
        return _half_square(gradient, weight, buffers.scratch)


class AbsoluteError(RegressionLoss):
    """Absolute error with the identity link: what it predicts is a median."""

    is_smooth = False

    def value_and_gradient(
        self, raw: FloatArray, y: FloatArray, weight: FloatArray | None, buffers: LossBuffers
    ) -> float:
        residual = raw
        residual -= y
        np.sign(residual, out=buffers.gradient)
        residual *= buffers.gradient
        return _weighted_sum(residual, weight)


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
        From where on residuals count as large, in units of y.

    References
    ----------
    P. J. Huber, "Robust estimation of a location parameter", Annals of Mathematical
    Statistics 35, 1964.
    """

    delta: float = number(1.0, 0, closed="neither")

    def value_and_gradient(
        self, raw: FloatArray, y: FloatArray, weight: FloatArray | None, buffers: LossBuffers
    ) -> float:
        gradient, _, half = buffers
        delta = float(self.delta)
        residual = raw
        residual -= y
        np.minimum(residual, delta, out=gradient)
        np.maximum(gradient, -delta, out=gradient)
        # Both cases in one: g (r - g/2), where the gradient g is r clipped.
        np.multiply(gradient, 0.5, out=half)
        residual -= half
        residual *= gradient
        return _weighted_sum(residual, weight)


@dataclass(repr=False, eq=False)
class Quantile(RegressionLoss):
    r"""Pinball loss: what it predicts are quantiles, one or several that never cross.

    .. math::

        \ell(q) = \begin{cases}
            \tau (y - q) & \text{for } q \le y, \\
            (1 - \tau) (q - y) & \text{otherwise,}
        \end{cases}

    added up over the levels :math:`\tau`. With one number for a level, the raw output is the
    quantile itself. With a sequence of them, the first quantile is a raw output and each
    further one is the quantile before plus a softplus, which cannot be negative:

    .. math:: q_1 = z_1, \qquad q_{j+1} = q_j + \log(1 + \exp z_{j+1}).

    Parameters
    ----------
    quantile : float or sequence of float, default=0.5
        The level, or the levels in increasing order, between 0 and 1. A list of one is a list.

    Notes
    -----
    The columns of several targets stand side by side, each repeated for all of its levels:
    those of the first target, then those of the second.

    References
    ----------
    R. Koenker and G. Bassett, "Regression quantiles", Econometrica 46, 1978; quantiles as sums
    of increments: Y. Park, D. Maddix, F.-X. Aubet, K. Kan, J. Gasthaus and Y. Wang, "Learning
    quantile functions without quantile crossing for distribution-free time series
    forecasting", AISTATS 2022.
    """

    is_smooth = False

    quantile: float | Sequence[float] = 0.5

    @property
    def link(self) -> str:
        return "identity" if isinstance(self.quantile, Real) else "increasing"

    @property
    def n_outputs_per_target(self) -> int:
        return len(self._levels())

    def check(self) -> None:
        levels = self._levels()
        if not levels:
            raise ValueError(
                f"quantile of {type(self).__name__} must hold at least one number, got "
                f"{self.quantile!r}."
            )
        for level in levels:
            if not isinstance(level, Real) or not 0 < level < 1:
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
        self, raw: FloatArray, y: FloatArray, weight: FloatArray | None, buffers: LossBuffers
    ) -> float:
        # Views with one row for each target of each row: their columns are the levels.
        shape = (-1, self.n_outputs_per_target)
        gradient, z = buffers.gradient.reshape(shape), buffers.scratch.reshape(shape)
        np.copyto(buffers.scratch, raw)
        _increasing(raw.reshape(shape))

        residual = raw
        residual -= y
        # The derivative in q is 1 - tau above the target and -tau elsewhere.
        np.heaviside(residual, 0, out=buffers.gradient)
        for column, level in zip(gradient.T, self._levels(), strict=True):
            column -= float(level)
        residual *= buffers.gradient
        _increasing_backward(gradient, z)
        return _weighted_sum(residual, weight)

    def _levels(self) -> Sequence[float]:
        if isinstance(self.quantile, np.ndarray) and self.quantile.ndim == 1:
            levels: list[float] = self.quantile.tolist()
            return levels
        return self.quantile if isinstance(self.quantile, Sequence) else [self.quantile]


class Poisson(RegressionLoss):
    """Half Poisson deviance with the exponential link, for targets that are zero or positive."""

    link = "exp"

    def check_targets(self, y: npt.NDArray[Any]) -> None:
        if np.any(y < 0):
            raise ValueError(
                f"loss='poisson' needs targets that are zero or positive: the smallest y is "
                f"{np.min(y)}."
            )

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


class Gamma(RegressionLoss):
    """Half gamma deviance with the exponential link, for targets that are positive.

    The loss grows as exp(-z) to the left: it is finite only as far as that is.
    """

    link = "exp"

    def check_targets(self, y: npt.NDArray[Any]) -> None:
        if np.any(y <= 0):
            raise ValueError(
                f"loss='gamma' needs targets that are positive: the smallest y is {np.min(y)}."
            )

    def value_and_gradient(
        self, raw: FloatArray, y: FloatArray, weight: FloatArray | None, buffers: LossBuffers
    ) -> float:
        # With d = log(p / y), the gradient is 1 - exp(-d) and the value d minus it: expm1 keeps
        # the digits of predictions that are close.
        gradient, _, log_y = buffers
        distance = raw
        np.log(y, out=log_y)
        distance -= log_y
        np.negative(distance, out=gradient)
        np.expm1(gradient, out=gradient)
        np.negative(gradient, out=gradient)
        distance -= gradient
        return _weighted_sum(distance, weight)


# ---------------------------------------------------------------------- losses of classes


@dataclass(repr=False, eq=False)
class LogLoss(ClassificationLoss):
    r"""Log loss (cross-entropy) of classes, with label smoothing.

    .. math:: -\sum_k t_k \log p_k, \qquad t = (1 - \epsilon) y + \epsilon / K

    for :math:`K` classes. Each of several yes/no outputs has two of its own.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        :math:`\epsilon`, from 0 to below 1: how much of every label is spread over all classes.
        Above 0, the best probabilities are neither 0 nor 1, and the weights stay finite.

    References
    ----------
    C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens and Z. Wojna, "Rethinking the Inception
    architecture for computer vision", CVPR 2016, section 7.
    """

    label_smoothing: float = number(0.0, 0, 1, closed="left")

    def for_output(self, output_activation: str) -> Loss:
        is_binary = output_activation == "logistic"
        return (BinaryLogLoss if is_binary else MultinomialLogLoss)(self.label_smoothing)


class BinaryLogLoss(LogLoss):
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
        if self.label_smoothing:
            # Its target is e/2 instead of 0, which adds e/2 times m to the loss.
            target = float(self.label_smoothing) / 2
            value += target * _weighted_sum(margin, weight)
            gradient -= target
        np.multiply(y, -2, out=scratch)
        scratch += 1
        gradient *= scratch
        return value


class MultinomialLogLoss(LogLoss):
    """Log loss of exactly one class out of several (categorical cross-entropy)."""

    def value_and_gradient(
        self, raw: FloatArray, y: FloatArray, weight: FloatArray | None, buffers: LossBuffers
    ) -> float:
        gradient, log_probability = buffers.gradient, raw
        _log_softmax(log_probability, buffers)
        np.exp(log_probability, out=gradient)
        target = y
        if self.label_smoothing:
            smoothing = float(self.label_smoothing)
            target = np.multiply(y, 1 - smoothing, out=buffers.scratch)
            target += smoothing / y.shape[1]
        gradient -= target
        if weight is not None:
            log_probability *= weight
        value = -float(np.vdot(log_probability, target))
        return value


@dataclass(repr=False, eq=False)
class Focal(ClassificationLoss):
    r"""Focal loss: the log loss, with less of it where the model is right already.

    .. math:: -(1 - p_t)^\gamma \log p_t,

    with :math:`p_t` the probability of the true class, or of the true label of each of several
    yes/no outputs.

    Parameters
    ----------
    gamma : float, default=2.0
        :math:`\gamma`, zero or positive. With 0 this is the log loss.

    References
    ----------
    T.-Y. Lin, P. Goyal, R. Girshick, K. He and P. Dollár, "Focal loss for dense object
    detection", ICCV 2017.
    """

    gamma: float = number(2.0, 0, closed="left")

    def for_output(self, output_activation: str) -> Loss:
        is_binary = output_activation == "logistic"
        return (BinaryFocal if is_binary else MultinomialFocal)(self.gamma)


class BinaryFocal(Focal):
    """Focal loss of independent yes/no outputs."""

    def value_and_gradient(
        self, raw: FloatArray, y: FloatArray, weight: FloatArray | None, buffers: LossBuffers
    ) -> float:
        gradient, _, scratch = buffers
        margin = raw
        np.multiply(y, 2, out=scratch)
        scratch -= 1
        margin *= scratch
        descent = _focal_of_margin(margin, float(self.gamma), loss=gradient, scratch=scratch)
        value = _weighted_sum(gradient, weight)
        np.multiply(y, -2, out=gradient)
        gradient += 1
        gradient *= descent
        return value


class MultinomialFocal(Focal):
    """Focal loss of exactly one class out of several."""

    def value_and_gradient(
        self, raw: FloatArray, y: FloatArray, weight: FloatArray | None, buffers: LossBuffers
    ) -> float:
        if raw.shape[1] == 1:  # The only class there is, is certain.
            buffers.gradient[...] = 0
            return 0.0
        # The odds of the true class are exp(m) with m = z_true - log(sum of exp z of the others):
        # this is the binary loss of the margin m, whose derivative is shared among the others
        # as the softmax over them has it. So nothing is divided by a small 1 - p_true.
        others, column, scratch = buffers
        # Minus infinity for the true class, plus infinity for the others.
        np.subtract(0.5, y, out=scratch)
        scratch *= np.inf
        np.minimum(raw, scratch, out=others)
        row_maxima(others, out=column, scratch=scratch)
        raw -= spread(column, out=scratch)
        others -= scratch
        np.exp(others, out=others)
        row_sums(others, out=column)
        others /= spread(column, out=scratch)
        np.log(column, out=column)
        raw -= spread(column, out=scratch)

        margin, loss = column[:, 0], raw[:, 0]
        np.einsum("ij,ij->i", raw, y, out=margin)
        _focal_of_margin(margin, float(self.gamma), loss=loss, scratch=scratch[:, 0])
        value = float(loss.sum() if weight is None else np.dot(loss, weight[:, 0]))

        gradient, descent = others, column
        gradient -= y
        gradient *= spread(descent, out=scratch)
        return value


class _ClassSquaredError(ClassificationLoss):
    """What the squared errors of probabilities share."""

    def for_output(self, output_activation: str) -> Loss:
        is_binary = output_activation == "logistic"
        return (BinarySquaredError if is_binary else MultinomialSquaredError)()


class BinarySquaredError(_ClassSquaredError):
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


class MultinomialSquaredError(_ClassSquaredError):
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


def _focal_of_margin(
    margin: FloatArray, gamma: float, loss: FloatArray, scratch: FloatArray
) -> FloatArray:
    r"""Write the focal loss where the odds of what is true are exp(m); return -d loss / dm.

    What is returned is `margin`, overwritten.

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


def _increasing_backward(gradient: FloatArray, z: FloatArray) -> None:
    """Turn derivatives in increasing numbers into derivatives in z. `z` is scratch."""
    # Every number has in it the increments of all before: derivatives add up from the last.
    for above, below in pairwise(gradient.T[::-1]):
        below += above
    # The derivative of a softplus is the logistic function.
    for derivative, increment in zip(gradient.T[1:], z.T[1:], strict=True):
        expit(increment, out=increment)
        derivative *= increment


# ---------------------------------------------------------------------- links


def _identity(raw: FloatArray) -> None:
    pass


def _exp(raw: FloatArray) -> None:
    np.exp(raw, out=raw)


def _increasing(raw: FloatArray) -> None:
    for below, increment in pairwise(raw.T):
        np.logaddexp(increment, 0, out=increment)
        increment += below


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
#: 'increasing' and 'softmax' take the columns of one target, the others take any.
INVERSE_LINKS: dict[str, Callable[[FloatArray], None]] = {
    "identity": _identity,
    "increasing": _increasing,
    "exp": _exp,
    "logistic": _logistic,
    "softmax": _softmax,
}

#: Losses of numbers by name.
REGRESSION_LOSSES: dict[str, type[Loss]] = {
    "squared_error": SquaredError,
    "absolute_error": AbsoluteError,
    "huber": Huber,
    "quantile": Quantile,
    "poisson": Poisson,
    "gamma": Gamma,
}

#: Losses of classes by name.
CLASSIFICATION_LOSSES: dict[str, type[Loss]] = {
    "log_loss": LogLoss,
    "focal": Focal,
    "squared_error": SquaredError,
}

#: Every pair of a loss and an output activation that can be trained by name.
LOSSES: dict[tuple[str, str], Loss] = {
    **{(name, kind().link): kind() for name, kind in REGRESSION_LOSSES.items()},
    **{
        (name, output_activation): kind().for_output(output_activation)
        for name, kind in CLASSIFICATION_LOSSES.items()
        for output_activation in ("logistic", "softmax")
    },
}
