r"""Learning-rate schedules: how the rate follows the progress of the training."""

from __future__ import annotations

from dataclasses import dataclass


class Schedule:
    """The contract of a schedule. As it stands, the rate stays what it was.

    Attributes
    ----------
    farewell : str
        What to print when a plateau ends the training.
    """

    farewell = "Stopping."

    def after_epoch(self, rate: float, initial_rate: float, n_samples_seen: int) -> float:
        """The rate from the next epoch on.

        Parameters
        ----------
        rate, initial_rate : float
            The rate of the epoch that ended, and the one the training began with.
        n_samples_seen : int
            Rows trained on so far, each counted as often as it was visited.
        """
        return rate

    def on_plateau(self, rate: float) -> float | None:
        """The rate to go on with when progress has stalled; None to stop instead."""
        return None


class Constant(Schedule):
    """The rate never changes; a plateau ends the training."""


@dataclass(frozen=True)
class InverseScaling(Schedule):
    r""":math:`\eta = \eta_0 / (t + 1)^p` with t the number of samples seen.

    Parameters
    ----------
    power_t : float, default=0.5
        The exponent p.
    """

    power_t: float = 0.5

    def after_epoch(self, rate: float, initial_rate: float, n_samples_seen: int) -> float:
        return float(initial_rate / (n_samples_seen + 1) ** self.power_t)


@dataclass(frozen=True)
class Adaptive(Schedule):
    """Divide the rate at every plateau, until it is negligible.

    Parameters
    ----------
    divisor : float, default=5.0
    negligible : float, default=1e-6
        A plateau at this rate or below ends the training.
    """

    divisor: float = 5.0
    negligible: float = 1e-6
    farewell = "Learning rate too small. Stopping."

    def on_plateau(self, rate: float) -> float | None:
        return None if rate <= self.negligible else rate / self.divisor
