"""Schedules that look at the training: at its samples, or at epochs without progress."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Any

from skneural.schedules.contract import Schedule
from skneural.settings import number


class Constant(Schedule):
    """The rate never changes; a plateau ends the training.

    See Also
    --------
    Adaptive : A plateau divides the rate.

    Examples
    --------
    >>> from skneural.schedules import Constant
    >>> Constant().factor(epoch=5, max_iter=10)
    1.0
    """


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

    See Also
    --------
    Exponential : By the number of epochs, whatever the number of rows.

    References
    ----------
    H. Robbins and S. Monro, "A stochastic approximation method", Annals of Mathematical
    Statistics 22, 1951.

    Examples
    --------
    The rate after 99 rows is a tenth of the first:

    >>> from skneural.schedules import InverseScaling
    >>> schedule = InverseScaling()
    >>> round(schedule.after_epoch(0.1, initial_rate=0.1, n_samples_seen=99, n_stalled=0), 6)
    0.01
    """

    power_t: float = number(0.5, 0)

    def after_epoch(
        self, rate: float, initial_rate: float, n_samples_seen: int, n_stalled: int
    ) -> float:
        try:
            return float(initial_rate / (n_samples_seen + 1) ** self.power_t)
        except OverflowError:
            return 0.0  # what is divided by more than the largest number


@dataclass(repr=False, eq=False)
class Adaptive(Schedule):
    r"""Divide the rate at every plateau, until it is negligible.

    .. math:: \eta \leftarrow \eta / d

    whenever there was no progress for more than `n_iter_no_change` epochs, where the training would
    stop otherwise. For gradient descent of unknown length.

    Parameters
    ----------
    divisor : float, default=5.0
        d.
    negligible : float, default=1e-6
        A plateau at this rate or below ends the training.

    See Also
    --------
    ReduceOnPlateau : Has a patience of its own, and does not put off the end.

    Examples
    --------
    >>> from skneural.schedules import Adaptive
    >>> Adaptive(divisor=5).on_plateau(0.1)
    0.02
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
    more than `n_iter_no_change` of them. For trainings whose length one does not know beforehand.
    It never acts unless `patience` is at most `n_iter_no_change`.

    Parameters
    ----------
    divisor : float, default=2.0
        d.
    patience : int, default=5
        Epochs without progress before the rate is divided, and before it is divided again.
    lowest : float, default=0.0
        :math:`\lambda`, the share of `learning_rate_init` that the rate does not fall below.

    See Also
    --------
    Adaptive : Divides the rate where the training would end.

    References
    ----------
    Y. Bengio, "Practical recommendations for gradient-based training of deep architectures",
    in *Neural Networks: Tricks of the Trade*, 2012, section 3.1.1.

    Examples
    --------
    After 5 epochs without progress:

    >>> from skneural.schedules import ReduceOnPlateau
    >>> schedule = ReduceOnPlateau(divisor=2, patience=5)
    >>> schedule.after_epoch(0.1, initial_rate=0.1, n_samples_seen=1000, n_stalled=5)
    0.05
    """

    divisor: float = number(2.0, 1, closed="neither")
    patience: int = number(5, 1)
    lowest: float = number(0.0, 0, 1)

    def check(self) -> None:
        super().check()
        patience: Any = self.patience
        if not isinstance(patience, Integral):
            raise ValueError(
                f"patience of ReduceOnPlateau must be a whole number, got {self.patience!r}."
            )

    def after_epoch(
        self, rate: float, initial_rate: float, n_samples_seen: int, n_stalled: int
    ) -> float:
        if n_stalled == 0 or n_stalled % self.patience != 0:
            return rate
        return max(rate / self.divisor, self.lowest * initial_rate)
