"""The minimisers: mini-batch descent, and L-BFGS.

Both walk from `Training.params` to better parameters and leave in the same `Training` what
the last whole epoch (for L-BFGS: iteration) arrived at, also when they are interrupted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.optimize

from skneural._arrays import Batches, FloatArray, IndexArray, Matrix
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
    n_samples_seen : int
        Rows trained on so far, over all epochs and calls.
    record : Record
    n_epochs : int
        Whole epochs (or L-BFGS iterations) of this call.
    loss : float
        Training loss of the last of them.
    stop_reason : str
        'converged', 'early_stopping', 'max_iter', 'interrupted', 'not_finite' or, from
        L-BFGS alone, 'no_progress'.
    message : str
        What the minimiser has to say about an early end.
    """

    params: FloatArray
    optimizer_state: State = field(default_factory=dict)
    learning_rate: float = 0.0
    n_samples_seen: int = 0
    record: Record = field(default_factory=Record)
    n_epochs: int = 0
    loss: float = np.nan
    stop_reason: str = ""
    message: str = ""

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
            if isinstance(value, np.ndarray):
                np.copyto(into.optimizer_state[name], value)
            else:
                into.optimizer_state[name] = value
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
    if rows is None and shuffle_with is not None:
        rows = np.arange(n_rows)
    monitor.begin(training.record)
    training.stop_reason = "max_iter"

    with _whole_epochs_only(training, optimizer, shuffle_with) as epoch_ended:
        while training.n_epochs < max_iter:
            if shuffle_with is not None and rows is not None:
                rows = rows[shuffle_with.permutation(n_rows)]
            training.loss = _run_epoch(objective, training, optimizer, batches, rows) / n_rows
            training.n_epochs += 1
            training.n_samples_seen += n_rows
            if _is_over(training, schedule, learning_rate_init, monitor):
                break
            if training.n_epochs < max_iter:
                epoch_ended()
    monitor.end()


def _run_epoch(
    objective: Objective,
    training: Training,
    optimizer: Optimizer,
    batches: Batches,
    rows: IndexArray | None,
) -> float:
    """Visit all batches once; return the sum of the losses of all rows."""
    params, state, rate = training.params, training.optimizer_state, training.learning_rate
    total = 0.0
    for X, y, weight in batches.in_order() if rows is None else batches.gathered(rows):
        _, gradient = objective.value_and_gradient(params, X, y, weight)
        optimizer.step(params, gradient, rate, state)
        total += objective.reported * X.shape[0]
    return total


def _is_over(
    training: Training, schedule: Schedule, learning_rate_init: float, monitor: Monitor
) -> bool:
    """Report the epoch, adapt the learning rate to it, and decide whether to stop."""
    record = training.record
    monitor.end_epoch(training.n_epochs, training.loss, training.params, record)
    if not np.isfinite(training.loss):
        training.stop_reason = "not_finite"
        return True
    training.learning_rate = schedule.after_epoch(
        training.learning_rate, learning_rate_init, training.n_samples_seen
    )
    if not monitor.is_impatient(record):
        return False
    slower = schedule.on_plateau(training.learning_rate)
    if slower is None:
        monitor.announce_plateau(schedule.farewell)
        by_score = monitor.validation_score is not None
        training.stop_reason = "early_stopping" if by_score else "converged"
        return True
    monitor.announce_plateau("Setting learning rate to %f" % slower)
    training.learning_rate = slower
    record.no_improvement_count = 0
    return False


@contextmanager
def _whole_epochs_only(
    training: Training, optimizer: Optimizer, random_state: np.random.RandomState | None
) -> Iterator[Callable[[], None]]:
    """Set `training` back to the last whole epoch if the next one comes to a bad end.

    Yields a function to be called after every epoch but the last. When the first epoch is
    interrupted there is nothing to return to: `n_epochs` is then 0.
    """
    saved: Training | None = None
    generator: dict[str, Any] | None = None
    is_copying = False

    def epoch_ended() -> None:
        nonlocal saved, generator, is_copying
        is_copying = True
        saved = training.copy(into=saved)
        generator = None if random_state is None else random_state.get_state(legacy=False)
        is_copying = False

    try:
        yield epoch_ended
    except KeyboardInterrupt:
        # While it is being copied, a training stands at the end of a whole epoch itself.
        if not is_copying and saved is None:
            training.n_epochs = 0
        elif not is_copying and saved is not None:
            training.become(saved)
            if random_state is not None and generator is not None:
                random_state.set_state(generator)
        training.stop_reason = "interrupted"
        raise
    if training.stop_reason == "not_finite":
        if saved is not None:
            training.params = saved.params
            training.optimizer_state = saved.optimizer_state
        else:
            params = training.params
            training.optimizer_state = optimizer.initial_state(len(params), params.dtype)


def minimize_lbfgs(
    objective: Objective,
    training: Training,
    X: Matrix,
    y: FloatArray,
    sample_weight: FloatArray | None = None,
    *,
    monitor: Monitor,
    tol: float,
    max_iter: int,
    max_fun: int,
) -> None:
    """Minimise over all rows at once, by SciPy's L-BFGS.

    Parameters
    ----------
    objective : Objective
    training : Training
        Start and, updated in place, result.
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, n_outputs)
    sample_weight : ndarray of shape (n_samples,) or None, default=None
    monitor : Monitor
        Prints the iterations; its patience is not asked for.
    tol : float
        The largest element of the gradient at which to stop.
    max_iter, max_fun : int
        Limits on iterations and on evaluations.

    Raises
    ------
    KeyboardInterrupt
        `training` holds the last whole iteration.

    References
    ----------
    R. H. Byrd, P. Lu, J. Nocedal and C. Zhu, "A limited memory algorithm for bound
    constrained optimization", SIAM Journal on Scientific Computing 16, 1995.
    """
    dtype = training.params.dtype
    weight = None if sample_weight is None else sample_weight[:, np.newaxis]
    point = training.params.copy()
    monitor.begin(training.record)

    def value_and_gradient(x: FloatArray) -> tuple[float, FloatArray]:
        # SciPy computes in float64 whatever the network computes in. As in scikit-learn it is
        # given the reported loss: for several outputs under squared error that is not quite
        # the function of this gradient, but anything else would end in another model.
        point[...] = x
        _, gradient = objective.value_and_gradient(point, X, y, weight)
        return objective.reported, gradient.astype(np.float64)

    def iteration_ended(x: FloatArray) -> None:
        training.params[...] = x
        training.n_epochs += 1
        training.loss = objective.reported
        monitor.end_epoch(training.n_epochs, training.loss, training.params, training.record)

    try:
        result = scipy.optimize.minimize(
            value_and_gradient,
            training.params.astype(np.float64),
            method="L-BFGS-B",
            jac=True,
            callback=iteration_ended,
            options={
                "maxiter": max_iter,
                "maxfun": max_fun,
                "gtol": tol,
                "ftol": LBFGS_FTOL[dtype.type],
            },
        )
    except KeyboardInterrupt:
        training.stop_reason = "interrupted"
        raise
    finally:
        monitor.end()
    value_and_gradient(result.x)
    training.params[...] = result.x
    training.loss = objective.reported
    training.n_epochs = min(result.nit, max_iter)
    training.message = f"status={result.status}: {result.message}"
    training.stop_reason = _lbfgs_stop_reason(result, training, max_iter, max_fun)


#: Relative decrease of the objective at which L-BFGS stops. SciPy's own for float64; in
#: float32 the objective is not known any better than this.
LBFGS_FTOL = {np.float64: 1e7 * np.finfo(np.float64).eps, np.float32: np.finfo(np.float32).eps}


def _lbfgs_stop_reason(result: Any, training: Training, max_iter: int, max_fun: int) -> str:
    if not (np.isfinite(training.loss) and np.all(np.isfinite(training.params))):
        return "not_finite"
    if result.status == 0:
        return "converged"
    if result.nit >= max_iter or result.nfev >= max_fun:
        return "max_iter"
    # The line search gave up. In float32 that is how the limit of precision looks.
    return "no_progress" if training.params.dtype == np.float64 else "converged"
