r"""Learning-rate schedules: how the rate follows the progress of the training.

The rate of a step is the *base rate* times a *factor*. The base rate begins at
`learning_rate_init` and changes between epochs, by what the training has come to; the factor
is a function of time alone. Time is counted in epochs: the first of four batches in the third
epoch is at 2, the second at 2.25.

==================  ==========================================================================
Constant            For adaptive optimizers, and to begin with.
Cosine              The first to try where the number of epochs is known: it needs no tuning.
OneCycle            For a short training at the largest stable learning rate.
LinearWarmUp        Before any other, where the first steps are too long.
StepDecay           Where it is known from experience when to go down.
Exponential         A slow descent that needs no last epoch.
InverseScaling      For gradient descent on an endless stream of rows.
Adaptive            Goes down when patience is at an end, instead of stopping.
ReduceOnPlateau     The same, but with a patience of its own.
CosineWarmRestarts  Where a training is to have several good ends, one after each cycle.
==================  ==========================================================================
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral

from skneural.settings import Settings, number

#: Epochs for what follows a warm-up as long as the training: next to none, but not zero.
NEGLIGIBLE_LENGTH = 1e-9


@dataclass(repr=False, eq=False)
class Schedule(Settings):
    """The contract of a schedule. As it stands, the rate stays what it was.

    Attributes
    ----------
    is_timed : bool
        Whether `factor` is to be asked before every step: where a subclass has one.
    ends_with_max_iter : bool
        Whether the last epoch allowed is where the schedule was heading, and not a training
        broken off.
    depends_on_time_alone : bool
        Whether neither `after_epoch` nor `on_plateau` changes anything: networks that are trained
        side by side share such a schedule, and no other.
    stop_message : str
        What to print when a plateau ends the training.
    """

    @property
    def is_timed(self) -> bool:
        return type(self).factor is not Schedule.factor

    @property
    def ends_with_max_iter(self) -> bool:
        return False

    @property
    def depends_on_time_alone(self) -> bool:
        kind = type(self)
        return kind.after_epoch is Schedule.after_epoch and kind.on_plateau is Schedule.on_plateau

    @property
    def stop_message(self) -> str:
        return "Stopping."

    def factor(self, epoch: float, max_iter: float) -> float:
        """What to multiply the base rate by.

        Parameters
        ----------
        epoch : float
            Epochs trained for so far, with the share of the one under way.
        max_iter : float
            Epochs that the training may last, `max_iter`. Inside `LinearWarmUp`, those that are
            left after it.
        """
        return 1.0

    def after_epoch(
        self, rate: float, initial_rate: float, n_samples_seen: int, n_stalled: int
    ) -> float:
        """The base rate from the next epoch on.

        Parameters
        ----------
        rate, initial_rate : float
            The base rate of the epoch that ended, and the one the training began with.
        n_samples_seen : int
            Rows trained on so far, each counted as often as it was visited.
        n_stalled : int
            Epochs without progress up to this one.
        """
        return rate

    def on_plateau(self, rate: float) -> float | None:
        """The base rate to go on with when patience is at an end; None to stop instead."""
        return None


class Constant(Schedule):
    """The rate never changes; a plateau ends the training."""


@dataclass(repr=False, eq=False)
class InverseScaling(Schedule):
    r""":math:`\eta = \eta_0 / (t + 1)^p` with t the number of samples seen.

    For plain gradient descent on a stream of rows: with an exponent above 1/2 and up to 1 the
    noise of the steps dies out, and still no optimum is too far to reach. It falls so fast at the
    beginning that `learning_rate_init` has to be much larger than elsewhere.

    Parameters
    ----------
    power_t : float, default=0.5
        The exponent p.

    References
    ----------
    H. Robbins and S. Monro, "A stochastic approximation method", Annals of Mathematical
    Statistics 22, 1951.
    """

    power_t: float = number(0.5, 0)

    def after_epoch(
        self, rate: float, initial_rate: float, n_samples_seen: int, n_stalled: int
    ) -> float:
        return float(initial_rate / (n_samples_seen + 1) ** self.power_t)


@dataclass(repr=False, eq=False)
class Adaptive(Schedule):
    r"""Divide the rate at every plateau, until it is negligible.

    .. math:: \eta \leftarrow \eta / d

    whenever there was no progress for `n_iter_no_change` epochs, where the training would stop
    otherwise. For gradient descent of unknown length.

    Parameters
    ----------
    divisor : float, default=5.0
        d.
    negligible : float, default=1e-6
        A plateau at this rate or below ends the training.
    """

    divisor: float = number(5.0, 1, closed="neither")
    negligible: float = number(1e-6, 0)

    @property
    def stop_message(self) -> str:
        return "Learning rate too small. Stopping."

    def on_plateau(self, rate: float) -> float | None:
        return None if rate <= self.negligible else rate / self.divisor


@dataclass(repr=False, eq=False)
class ReduceOnPlateau(Schedule):
    r"""Divide the rate after some epochs without progress, again and again.

    .. math:: \eta \leftarrow \max(\eta / d, \lambda \eta_0)

    after every `patience` epochs without progress in a row; the training stops, as ever, after
    `n_iter_no_change` of them. For trainings whose length one does not know beforehand. It never
    acts unless `patience` is at most `n_iter_no_change`.

    Parameters
    ----------
    divisor : float, default=2.0
        d.
    patience : int, default=5
        Epochs without progress before the rate is divided, and before it is divided again.
    lowest : float, default=0.0
        :math:`\lambda`, the share of `learning_rate_init` that the rate does not fall below.

    References
    ----------
    Y. Bengio, "Practical recommendations for gradient-based training of deep architectures",
    in *Neural Networks: Tricks of the Trade*, 2012, section 3.1.1.
    """

    divisor: float = number(2.0, 1, closed="neither")
    patience: int = number(5, 1)
    lowest: float = number(0.0, 0, 1)

    def check(self) -> None:
        super().check()
        if not isinstance(self.patience, Integral):
            raise ValueError(
                f"patience of ReduceOnPlateau must be a whole number, got {self.patience!r}."
            )

    def after_epoch(
        self, rate: float, initial_rate: float, n_samples_seen: int, n_stalled: int
    ) -> float:
        if n_stalled == 0 or n_stalled % self.patience != 0:
            return rate
        return max(rate / self.divisor, self.lowest * initial_rate)


# ------------------------------------------------------------------ functions of time alone


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

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, "Deep residual learning for image recognition", CVPR 2016,
    is a well-known use.
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

    References
    ----------
    Y. Bengio, "Practical recommendations for gradient-based training of deep architectures",
    in *Neural Networks: Tricks of the Trade*, 2012, section 3.1.1.
    """

    gamma: float = number(0.95, 0, 1, closed="right")

    def factor(self, epoch: float, max_iter: float) -> float:
        return float(self.gamma ** math.floor(epoch))


@dataclass(repr=False, eq=False)
class Cosine(Schedule):
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

    Notes
    -----
    Progress is slow while the rate is high, so that the training may stop before its end by
    `n_iter_no_change`. ``n_iter_no_change=np.inf`` runs the whole schedule.

    References
    ----------
    I. Loshchilov and F. Hutter, "SGDR: Stochastic gradient descent with warm restarts",
    ICLR 2017.
    """

    n_epochs: float | None = number(None, 0, closed="neither")
    lowest: float = number(0.0, 0, 1)

    @property
    def ends_with_max_iter(self) -> bool:
        return self.n_epochs is None

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

    References
    ----------
    I. Loshchilov and F. Hutter, "SGDR: Stochastic gradient descent with warm restarts",
    ICLR 2017.
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
class OneCycle(Schedule):
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

    Notes
    -----
    Progress may be slow, or none, while the rate is high, so that the training may stop before
    its end by `n_iter_no_change`. ``n_iter_no_change=np.inf`` runs the whole schedule.

    References
    ----------
    L. N. Smith and N. Topin, "Super-convergence: Very fast training of neural networks using
    large learning rates", 2018, arXiv:1708.07120. There rise and fall are straight lines; here
    they are halves of a cosine.
    """

    n_epochs: float | None = number(None, 0, closed="neither")
    warm_up: float = number(0.3, 0, 1)
    start: float = number(0.04, 0, 1)
    lowest: float = number(4e-6, 0, 1)

    @property
    def ends_with_max_iter(self) -> bool:
        return self.n_epochs is None

    def factor(self, epoch: float, max_iter: float) -> float:
        length = max_iter if self.n_epochs is None else self.n_epochs
        rise = self.warm_up * length
        if epoch < rise:
            return _half_cosine(self.start, 1.0, epoch / rise)
        return _half_cosine(1.0, self.lowest, _share(epoch - rise, length - rise))


@dataclass(repr=False, eq=False)
class LinearWarmUp(Schedule):
    r"""Rise in a straight line, then follow another schedule.

    .. math::

        f(t) = \begin{cases}
            \sigma + (1 - \sigma) \, t / T & t < T \\
            g(t - T) & T \le t
        \end{cases}

    with g the factor of the other schedule, whose clock starts when the warm-up ends. What
    happens between epochs and at a plateau is up to the other schedule from the beginning. For
    trainings whose first steps are too long: large batches with the large learning rates that
    they allow, and adaptive optimizers while their means are of few gradients.

    Parameters
    ----------
    n_epochs : float, default=1.0
        T.
    start : float, default=0.1
        :math:`\sigma`, the share of `learning_rate_init` at the beginning.
    then : Schedule or None, default=None
        The other schedule; None for `Constant`.

    References
    ----------
    P. Goyal et al., "Accurate, large minibatch SGD: Training ImageNet in 1 hour", 2017,
    arXiv:1706.02677, section 2.2.
    """

    n_epochs: float = number(1.0, 0, closed="neither")
    start: float = number(0.1, 0, 1)
    then: Schedule | None = None

    @property
    def ends_with_max_iter(self) -> bool:
        return self._then.ends_with_max_iter

    @property
    def depends_on_time_alone(self) -> bool:
        return self._then.depends_on_time_alone

    @property
    def stop_message(self) -> str:
        return self._then.stop_message

    def check(self) -> None:
        if not isinstance(self.then, Schedule | None):
            raise ValueError(
                f"then of LinearWarmUp must be a schedule, such as Cosine(), or None, got "
                f"{self.then!r}."
            )
        super().check()

    def factor(self, epoch: float, max_iter: float) -> float:
        if epoch < self.n_epochs:
            return self.start + (1 - self.start) * epoch / self.n_epochs
        left = max_iter - self.n_epochs
        if left <= 0:
            # What follows is at its end when it begins.
            return self._then.factor(epoch - self.n_epochs + NEGLIGIBLE_LENGTH, NEGLIGIBLE_LENGTH)
        return self._then.factor(epoch - self.n_epochs, left)

    def after_epoch(
        self, rate: float, initial_rate: float, n_samples_seen: int, n_stalled: int
    ) -> float:
        return self._then.after_epoch(rate, initial_rate, n_samples_seen, n_stalled)

    def on_plateau(self, rate: float) -> float | None:
        return self._then.on_plateau(rate)

    @property
    def _then(self) -> Schedule:
        return Constant() if self.then is None else self.then


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "invscaling": InverseScaling,
    "adaptive": Adaptive,
    "cosine": Cosine,
    "one_cycle": OneCycle,
}


def _share(epoch: float, length: float) -> float:
    """How much of a cycle is over; all of one that has no length."""
    return epoch / length if epoch < length else 1.0


def _half_cosine(begin: float, end: float, share: float) -> float:
    """From `begin` at share 0 to `end` at share 1."""
    return end + (begin - end) * (1 + math.cos(math.pi * share)) / 2
