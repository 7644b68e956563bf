"""A rise before another schedule."""

from __future__ import annotations

from dataclasses import dataclass

from skneural.schedules.by_progress import Constant
from skneural.schedules.contract import Schedule
from skneural.settings import number

#: Epochs for what follows a warm-up as long as the training: next to none, but not zero.
NEGLIGIBLE_LENGTH = 1e-9


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

    See Also
    --------
    OneCycle : Rises and falls.

    References
    ----------
    P. Goyal et al., "Accurate, large minibatch SGD: Training ImageNet in 1 hour", 2017,
    arXiv:1706.02677, section 2.2.

    Examples
    --------
    The factors of the rate at some of 10 epochs:

    >>> from skneural.schedules import LinearWarmUp
    >>> schedule = LinearWarmUp(n_epochs=4, start=0.0)
    >>> [round(schedule.factor(epoch, max_iter=10), 3) for epoch in (0, 1, 2, 4, 10)]
    [0.0, 0.25, 0.5, 1.0, 1.0]
    """

    n_epochs: float = number(1.0, 0, closed="neither")
    start: float = number(0.1, 0, 1)
    then: Schedule | None = None

    @property
    def ends_with_max_iter(self) -> bool:  # type: ignore[override]
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
