"""Where a training stands, and descent by mini-batches.

Every minimiser walks from `Training.params` to better parameters and leaves in the same
`Training` what its last whole epoch (or iteration) arrived at, also when it is interrupted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from skneural._arrays import Batches, FloatArray, IndexArray, Matrix, norm
from skneural.monitoring import Monitor, Record
from skneural.objective import Objective
from skneural.optimizers import Optimizer, State
from skneural.schedules import Schedule


@dataclass
class Training:
    """Where a training stands: what its next epoch starts from.

    Attributes
    ----------
    params : ndarray of shape (n_params,)
    optimizer_state : dict
        What the optimizer remembers.
    learning_rate : float
        The base rate, see `skneural.schedules`.
    n_samples_seen : int
        Rows trained on so far, over all epochs and calls.
    n_earlier_epochs : int
        Epochs of earlier calls that this one goes on from, for schedules.
    deadline : float
        No epoch begins later than this, on the clock of `time.perf_counter`.
    dropout_generator : Generator or None
        What draws for dropout, if there is any.
    record : Record
    last_rate, gradient_norm : float
        The learning rate of the last step, and the norm of the gradient before it.
    n_epochs : int
        Whole epochs (or L-BFGS iterations) of this call.
    loss : float
        Training loss of the last of them.
    stop_reason : str
        'converged', 'early_stopping', 'max_iter', 'max_time', 'callback', 'interrupted',
        'not_finite' or, from L-BFGS alone, 'no_progress'.
    message : str
        What the minimiser has to say about an early end.
    """

    params: FloatArray
    optimizer_state: State = field(default_factory=dict)
    learning_rate: float = 0.0
    n_samples_seen: int = 0
    n_earlier_epochs: int = 0
    deadline: float = math.inf
    dropout_generator: np.random.Generator | None = None
    record: Record = field(default_factory=Record)
    last_rate: float = math.nan
    gradient_norm: float = math.nan
    n_epochs: int = 0
    loss: float = np.nan
    stop_reason: str = ""
    message: str = ""

    @property
    def model(self) -> FloatArray:
        """What to predict with: the optimizer's average where it keeps one, else `params`."""
        average: FloatArray = self.optimizer_state.get("average", self.params)
        return average

    def copy(self, into: Training | None = None) -> Training:
        """A copy that shares no array that training writes to.

        With `into`, an earlier copy, its arrays are used again.
        """
        if into is None:
            state = {
                name: value.copy() if isinstance(value, np.ndarray) else value
                for name, value in self.optimizer_state.items()
            }
            return replace(
                self, params=self.params.copy(), optimizer_state=state, record=self.record.copy()
            )
        np.copyto(into.params, self.params)
        for name, value in self.optimizer_state.items():
            if not isinstance(value, np.ndarray):
                into.optimizer_state[name] = value
            elif name in into.optimizer_state:
                np.copyto(into.optimizer_state[name], value)
            else:
                into.optimizer_state[name] = value.copy()
        arrays = {"params": into.params, "optimizer_state": into.optimizer_state}
        vars(into).update({**vars(self), **arrays, "record": self.record.copy()})
        return into

    def become(self, other: Training) -> None:
        """Take over all of another training, which is not to be used any more."""
        vars(self).update(vars(other))


def minimize_minibatch(
    objective: Objective,
    training: Training,
    X: Matrix,
    y: npt.NDArray[Any],
    sample_weight: FloatArray | None = None,
    *,
    optimizer: Optimizer,
    schedule: Schedule,
    learning_rate_init: float,
    monitor: Monitor,
    batch_size: int,
    max_iter: int,
    n_planned_epochs: int | None = None,
    rows: IndexArray | None = None,
    shuffle_with: np.random.RandomState | None = None,
) -> None:
    """Minimise by small steps, each along the gradient of one batch of rows.

    Parameters
    ----------
    objective : Objective
    training : Training
        Start and, updated in place, result.
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, n_outputs)
        Floating point or boolean.
    sample_weight : ndarray of shape (n_samples,) or None, default=None
    optimizer : Optimizer
    schedule : Schedule
    learning_rate_init : float
    monitor : Monitor
    batch_size : int
    max_iter : int
        Number of epochs.
    n_planned_epochs : int or None, default=None
        Epochs that the schedule reckons with, those of other calls included; None for `max_iter`.
    rows : ndarray of shape (n_rows,) or None, default=None
        The rows to train on; None for all.
    shuffle_with : RandomState or None, default=None
        Draws a new order of the rows for every epoch; None keeps the order.

    Raises
    ------
    KeyboardInterrupt
        After `training` has been set back to the end of the last whole epoch.
    """
    batches = Batches(X, y, sample_weight, batch_size)
    n_rows = X.shape[0] if rows is None else len(rows)
    n_planned_epochs = n_planned_epochs or max_iter
    if rows is None and shuffle_with is not None:
        rows = np.arange(n_rows)
    monitor.begin(training.record)
    training.stop_reason = "max_iter"

    if objective.dropout is not None:
        training.dropout_generator = objective.dropout.generator
    drawing = [each for each in (shuffle_with, training.dropout_generator) if each is not None]

    try:
        with _whole_epochs_only(training, optimizer, drawing) as epoch_ended:
            while training.n_epochs < max_iter:
                monitor.begin_epoch()
                if shuffle_with is not None and rows is not None:
                    rows = rows[shuffle_with.permutation(n_rows)]
                rates = _rates(training, schedule, math.ceil(n_rows / batch_size), n_planned_epochs)
                loss = _run_epoch(objective, training, optimizer, rates, batches, rows)
                training.loss = loss / n_rows
                training.n_epochs += 1
                training.n_samples_seen += n_rows
                if _is_over(training, schedule, learning_rate_init, monitor):
                    break
                if training.n_epochs < max_iter:
                    if perf_counter() >= training.deadline:
                        training.stop_reason = "max_time"
                        break
                    epoch_ended()
    finally:
        monitor.end()


def _rates(
    training: Training, schedule: Schedule, n_batches: int, n_planned_epochs: int
) -> list[float]:
    """The learning rate of every step of the epoch to come."""
    # Plain numbers: one of NumPy's would have a step in float32 computed in float64.
    rate = float(training.learning_rate)
    if not schedule.is_timed:
        return [rate] * n_batches
    begin = training.n_earlier_epochs + training.n_epochs
    times = [begin + i / n_batches for i in range(n_batches)]
    return [float(rate * schedule.factor(time, n_planned_epochs)) for time in times]


def _run_epoch(
    objective: Objective,
    training: Training,
    optimizer: Optimizer,
    rates: Sequence[float],
    batches: Batches,
    rows: IndexArray | None,
) -> float:
    """Visit all batches once; return the sum of the losses of all rows."""
    params, state = training.params, training.optimizer_state
    has_l1, is_averaging = objective.l1 > 0, optimizer.averaging is not None
    total = 0.0
    visits = batches.in_order() if rows is None else batches.gathered(rows)
    n_left = len(rates)
    for (X, y, weight), rate in zip(visits, rates, strict=True):
        _, gradient = objective.value_and_gradient(params, X, y, weight)
        n_left -= 1
        if n_left == 0:
            training.last_rate, training.gradient_norm = rate, norm(gradient)
        optimizer.step(params, gradient, rate, state)
        if has_l1:
            optimizer.unclipped_step_length(rate, state, out=gradient)
            objective.shrink(params, gradient, X.shape[0])
        if is_averaging:
            optimizer.average(params, gradient, state, keeps_zeros=has_l1)
        total += objective.reported * X.shape[0]
    return total


def _is_over(
    training: Training, schedule: Schedule, learning_rate_init: float, monitor: Monitor
) -> bool:
    """Report the epoch, adapt the learning rate to it, and decide whether to stop."""
    record = training.record
    monitor.end_epoch(
        training.n_epochs,
        training.loss,
        training.model,
        record,
        learning_rate=training.last_rate,
        gradient_norm=training.gradient_norm,
    )
    is_asked_to_stop = monitor.is_asked_to_stop()
    if not np.isfinite(training.loss):
        training.stop_reason = "not_finite"
        return True
    training.learning_rate = schedule.after_epoch(
        training.learning_rate,
        learning_rate_init,
        training.n_samples_seen,
        record.no_improvement_count,
    )
    if is_asked_to_stop:
        training.stop_reason = "callback"
        return True
    if not monitor.is_impatient(record):
        return False
    slower = schedule.on_plateau(training.learning_rate)
    if slower is None:
        monitor.announce_plateau(schedule.farewell)
        training.stop_reason = "early_stopping" if monitor.early_stopping else "converged"
        return True
    monitor.announce_plateau("Setting learning rate to %f" % slower)
    training.learning_rate = slower
    record.no_improvement_count = 0
    return False


@contextmanager
def _whole_epochs_only(
    training: Training,
    optimizer: Optimizer,
    generators: Sequence[np.random.RandomState | np.random.Generator],
) -> Iterator[Callable[[], None]]:
    """Set `training` back to the last whole epoch if the next one comes to a bad end.

    Yields a function to be called after every epoch but the last. When the first epoch is
    interrupted there is nothing to return to: `n_epochs` is then 0.
    """
    saved: Training | None = None
    drawn: list[Any] = []
    is_copying = False

    def epoch_ended() -> None:
        nonlocal saved, drawn, is_copying
        is_copying = True
        saved = training.copy(into=saved)
        drawn = [_state_of(generator) for generator in generators]
        is_copying = False

    try:
        yield epoch_ended
    except KeyboardInterrupt:
        # While it is being copied, a training stands at the end of a whole epoch itself.
        if not is_copying and saved is None:
            training.n_epochs = 0
        elif not is_copying and saved is not None:
            training.become(saved)
            for generator, state in zip(generators, drawn, strict=True):
                _set_back(generator, state)
        training.stop_reason = "interrupted"
        raise
    if training.stop_reason == "not_finite":
        if saved is not None:
            training.params = saved.params
            training.optimizer_state = saved.optimizer_state
        else:
            params, n_weights = training.params, training.optimizer_state["n_weights"]
            training.optimizer_state = optimizer.initial_state(len(params), params.dtype, n_weights)


def _state_of(generator: np.random.RandomState | np.random.Generator) -> Any:
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    return generator.get_state(legacy=False)


def _set_back(generator: np.random.RandomState | np.random.Generator, state: Any) -> None:
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    else:
        generator.set_state(state)
