"""Schedules that are functions of time alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from skneural.schedules.contract import Schedule
from skneural.settings import number


class _OverEpochs(Schedule):
    """A schedule that is spread over so many epochs, or all that the training may last."""

    n_epochs: float | None

    @property
    def ends_with_max_iter(self) -> bool:  # type: ignore[override]
        return self.n_epochs is None


@dataclass(repr=False, eq=False)
class StepDecay(Schedule):
    r"""Multiply the rate by a constant every few epochs.

    .. math:: f(t) = \gamma^{\lfloor t / T \rfloor}

    For gradient descent where one has seen after how many epochs the loss no longer falls: the
    lower rate then lets it fall again.

    Parameters
    ----------
    n_epochs : float, default=10
        T.
    gamma : float, default=0.1
        :math:`\gamma`, above 0 and up to 1.

    See Also
    --------
    Exponential : The same a little in each epoch.

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, "Deep residual learning for image recognition", CVPR 2016,
    is a well-known use.

    Examples
    --------
    The factors of the rate at some of 10 epochs:

    >>> from skneural.schedules import StepDecay
    >>> schedule = StepDecay(n_epochs=4)
    >>> [round(schedule.factor(epoch, max_iter=10), 3) for epoch in (0, 4, 8)]
    [1.0, 0.1, 0.01]
    """

    n_epochs: float = number(10, 0, closed="neither")
    gamma: float = number(0.1, 0, 1, closed="right")

    def factor(self, epoch: float, max_iter: float) -> float:
        return float(self.gamma ** math.floor(epoch / self.n_epochs))


@dataclass(repr=False, eq=False)
class Exponential(Schedule):
    r"""Multiply the rate by a constant after each epoch.

    .. math:: f(t) = \gamma^{\lfloor t \rfloor}

    For a slow descent that need not know how long the training lasts. The rate is halved every
    :math:`\log 2 / \log (1 / \gamma)` epochs, 13.5 with the default.

    Parameters
    ----------
    gamma : float, default=0.95
        :math:`\gamma`, above 0 and up to 1.

    See Also
    --------
    StepDecay : Falls in steps.

    References
    ----------
    Y. Bengio, "Practical recommendations for gradient-based training of deep architectures",
    in *Neural Networks: Tricks of the Trade*, 2012, section 3.1.1.

    Examples
    --------
    The factors of the rate at some of 10 epochs:

    >>> from skneural.schedules import Exponential
    >>> schedule = Exponential(gamma=0.5)
    >>> [round(schedule.factor(epoch, max_iter=10), 3) for epoch in (0, 1, 2)]
    [1.0, 0.5, 0.25]
    """

    gamma: float = number(0.95, 0, 1, closed="right")

    def factor(self, epoch: float, max_iter: float) -> float:
        return float(self.gamma ** math.floor(epoch))


@dataclass(repr=False, eq=False)
class Cosine(_OverEpochs):
    r"""Fall from the base rate to the lowest by half a cosine.

    .. math:: f(t) = \lambda + (1 - \lambda) \frac{1 + \cos(\pi \min(t / T, 1))}{2}

    Long at a high rate, long at a low one, and little to tune: the schedule to try first where
    the number of epochs is known.

    Parameters
    ----------
    n_epochs : float or None, default=None
        T, the epochs it takes; None for `max_iter`.
    lowest : float, default=0.0
        :math:`\lambda`, the share of `learning_rate_init` at the end.

    See Also
    --------
    CosineWarmRestarts : The same again and again.
    LinearWarmUp : Rises to the rate before.

    Notes
    -----
    Progress is slow while the rate is high, so that the training may stop before its end by
    `n_iter_no_change`. ``n_iter_no_change=np.inf`` runs the whole schedule.

    References
    ----------
    I. Loshchilov and F. Hutter, "SGDR: Stochastic gradient descent with warm restarts",
    ICLR 2017.

    Examples
    --------
    The factors of the rate at some of 10 epochs:

    >>> from skneural.schedules import Cosine
    >>> schedule = Cosine()
    >>> [round(schedule.factor(epoch, max_iter=10), 3) for epoch in (0, 2.5, 5, 10)]
    [1.0, 0.854, 0.5, 0.0]
    """

    n_epochs: float | None = number(None, 0, closed="neither")
    lowest: float = number(0.0, 0, 1)

    def factor(self, epoch: float, max_iter: float) -> float:
        length = max_iter if self.n_epochs is None else self.n_epochs
        return _half_cosine(1.0, self.lowest, _share(epoch, length))


@dataclass(repr=False, eq=False)
class CosineWarmRestarts(Schedule):
    r"""Fall by half a cosine, jump back to the base rate, and fall again.

    .. math:: f(t) = \lambda + (1 - \lambda) \frac{1 + \cos(\pi s / T_i)}{2}, \qquad
              T_{i+1} = c \, T_i

    where s are the epochs since cycle i began. Each jump may lead to another minimum, each end of
    a cycle is a good place to stop: for trainings that are looked at, or stopped, on the way.

    Parameters
    ----------
    n_epochs : float, default=10
        :math:`T_0`, the epochs of the first cycle.
    growth : float, default=1.0
        c, how many times as long each cycle is as the one before, at least 1.
    lowest : float, default=0.0
        :math:`\lambda`, the share of `learning_rate_init` at the end of a cycle.

    See Also
    --------
    Cosine : A single fall.

    References
    ----------
    I. Loshchilov and F. Hutter, "SGDR: Stochastic gradient descent with warm restarts",
    ICLR 2017.

    Examples
    --------
    The factors of the rate at some of 10 epochs:

    >>> from skneural.schedules import CosineWarmRestarts
    >>> schedule = CosineWarmRestarts(n_epochs=5)
    >>> [round(schedule.factor(epoch, max_iter=10), 3) for epoch in (0, 2.5, 5, 10)]
    [1.0, 0.5, 1.0, 1.0]
    """

    n_epochs: float = number(10, 0, closed="neither")
    growth: float = number(1.0, 1, closed="left")
    lowest: float = number(0.0, 0, 1)

    def factor(self, epoch: float, max_iter: float) -> float:
        length = self.n_epochs
        if self.growth == 1:
            epoch %= length
        while epoch >= length:
            epoch -= length
            length *= self.growth
        return _half_cosine(1.0, self.lowest, _share(epoch, length))


@dataclass(repr=False, eq=False)
class OneCycle(_OverEpochs):
    r"""Rise to the highest rate, then fall far below the first.

    .. math::

        f(t) = \begin{cases}
            \sigma + (1 - \sigma) \frac{1}{2} (1 - \cos(\pi s / p)) & s < p \\
            \lambda + (1 - \lambda) \frac{1}{2} (1 + \cos(\pi \frac{s - p}{1 - p}))
            & p \le s < 1 \\
            \lambda & 1 \le s
        \end{cases}
        \qquad s = t / T

    `learning_rate_init` is the *highest* rate here, which may be several times what a constant
    rate could be: the rise makes it bearable, and a training at it takes fewer epochs. For a
    short training of known length.

    Parameters
    ----------
    n_epochs : float or None, default=None
        T, the epochs it takes; None for `max_iter`.
    warm_up : float, default=0.3
        p, the share of the cycle in which the rate rises.
    start : float, default=0.04
        :math:`\sigma`, the share of `learning_rate_init` at the beginning.
    lowest : float, default=4e-6
        :math:`\lambda`, the share of `learning_rate_init` at the end, and after it.

    See Also
    --------
    LinearWarmUp : A rise before any other schedule.

    Notes
    -----
    Progress may be slow, or none, while the rate is high, so that the training may stop before
    its end by `n_iter_no_change`. ``n_iter_no_change=np.inf`` runs the whole schedule.

    References
    ----------
    L. N. Smith and N. Topin, "Super-convergence: Very fast training of neural networks using
    large learning rates", 2018, arXiv:1708.07120. There rise and fall are straight lines; here
    they are halves of a cosine.

    Examples
    --------
    The factors of the rate at some of 10 epochs:

    >>> from skneural.schedules import OneCycle
    >>> schedule = OneCycle()
    >>> [round(schedule.factor(epoch, max_iter=10), 3) for epoch in (0, 2.5, 5, 10)]
    [0.04, 0.936, 0.812, 0.0]
    """

    n_epochs: float | None = number(None, 0, closed="neither")
    warm_up: float = number(0.3, 0, 1)
    start: float = number(0.04, 0, 1)
    lowest: float = number(4e-6, 0, 1)

    def factor(self, epoch: float, max_iter: float) -> float:
        length = max_iter if self.n_epochs is None else self.n_epochs
        rise = self.warm_up * length
        if epoch < rise:
            return _half_cosine(self.start, 1.0, epoch / rise)
        return _half_cosine(1.0, self.lowest, _share(epoch - rise, length - rise))


@dataclass(repr=False, eq=False)
class CosLog(_OverEpochs):
    r"""Cycles that rise and fall, each about twice as long as the one before.

    .. math::

        f(t) = \frac{1 - \cos(2 \pi \log_2(1 + (2^n - 1) s))}{2}, \qquad s = \min(t / T, 1)

    Every one of the n cycles begins and ends at 0: the rate of the first step is 0, and what a
    training has come to after a cycle is a good end. Where the best epoch is kept
    (`restore_best_weights` with validation rows), long trainings that overfit end with an early
    cycle, others with the last. Cycle j is over at :math:`(2^j - 1) / (2^n - 1)` of T. With four
    cycles, rounded to whole epochs:

    ===  =====  ======  =====  ======
    T    first  second  third  fourth
    ===  =====  ======  =====  ======
    32   2      6       15     32
    64   4      13      30     64
    256  17     51      119    256
    ===  =====  ======  =====  ======

    Parameters
    ----------
    n_cycles : int, default=4
        n. With four this is the schedule "coslog4" of RealMLP.
    n_epochs : float or None, default=None
        T, the epochs it takes; None for `max_iter`. After it the rate is 0.

    See Also
    --------
    OneCycle : A single cycle.
    skneural.TabularMLPClassifier : Is trained by this schedule.

    Notes
    -----
    Progress is slow or none while the rate is high, so that the training may stop before its end by
    `n_iter_no_change`. ``n_iter_no_change=np.inf`` runs the whole schedule.

    References
    ----------
    D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: Strong pre-tuned MLPs and
    boosted trees on tabular data", NeurIPS 2024, section 3.

    Examples
    --------
    The factors of the rate at some of 10 epochs:

    >>> from skneural.schedules import CosLog
    >>> schedule = CosLog()
    >>> [round(schedule.factor(epoch, max_iter=10), 3) for epoch in (0, 2.5, 5, 10)]
    [0.0, 0.493, 0.074, 0.0]
    """

    n_cycles: int = number(4, 1)
    n_epochs: float | None = number(None, 0, closed="neither")

    def check(self) -> None:
        super().check()
        n_cycles: Any = self.n_cycles
        if not isinstance(n_cycles, Integral):
            raise ValueError(f"n_cycles of CosLog must be a whole number, got {self.n_cycles!r}.")

    def cycle_ends(self, max_iter: float) -> tuple[int, ...]:
        r"""The last whole epoch of every cycle, counted from 1: the table above.

        .. math:: \operatorname{round}\left(\frac{2^j - 1}{2^n - 1} T\right), \qquad j = 1, \dots, n

        Parameters
        ----------
        max_iter : float
            T, if `n_epochs` is None.
        """
        length = max_iter if self.n_epochs is None else self.n_epochs
        shares = ((2**j - 1) / (2**self.n_cycles - 1) for j in range(1, self.n_cycles + 1))
        return tuple(round(share * length) for share in shares)

    def factor(self, epoch: float, max_iter: float) -> float:
        share = _share(epoch, max_iter if self.n_epochs is None else self.n_epochs)
        return (1 - math.cos(2 * math.pi * math.log2(1 + (2**self.n_cycles - 1) * share))) / 2


@dataclass(repr=False, eq=False)
class FlatCos(_OverEpochs):
    r"""The base rate for the first half, then down to 0 by half a cosine.

    .. math:: f(t) = \frac{1 + \cos(\pi (\max(1, 2 s) - 1))}{2}, \qquad s = \min(t / T, 1)

    Half of the training at the full rate, and an end as gentle as that of `Cosine`. It also serves
    for strengths other than the rate: RealMLP has weight decay and dropout follow it (see
    `skneural.minimizers.minibatch.MiniBatches`).

    Parameters
    ----------
    n_epochs : float or None, default=None
        T, the epochs it takes; None for `max_iter`. After it the rate is 0.

    See Also
    --------
    Cosine : Falls from the beginning.

    Notes
    -----
    Progress may be slow while the rate is high, so that the training may stop before its end by
    `n_iter_no_change`. ``n_iter_no_change=np.inf`` runs the whole schedule.

    References
    ----------
    D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: Strong pre-tuned MLPs and
    boosted trees on tabular data", NeurIPS 2024, section 3.

    Examples
    --------
    The factors of the rate at some of 10 epochs:

    >>> from skneural.schedules import FlatCos
    >>> schedule = FlatCos()
    >>> [round(schedule.factor(epoch, max_iter=10), 3) for epoch in (0, 5, 7.5, 10)]
    [1.0, 1.0, 0.5, 0.0]
    """

    n_epochs: float | None = number(None, 0, closed="neither")

    def factor(self, epoch: float, max_iter: float) -> float:
        share = _share(epoch, max_iter if self.n_epochs is None else self.n_epochs)
        return _half_cosine(1.0, 0.0, max(1.0, 2 * share) - 1)


def _share(epoch: float, length: float) -> float:
    """How much of a cycle is over; all of one that has no length."""
    return epoch / length if epoch < length else 1.0


def _half_cosine(begin: float, end: float, share: float) -> float:
    """From `begin` at share 0 to `end` at share 1."""
    return end + (begin - end) * (1 + math.cos(math.pi * share)) / 2
