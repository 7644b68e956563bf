"""Descent by mini-batches: for every epoch, for every batch, a gradient and a step.

Several members can be trained side by side (see `skneural.network`), on the same rows or each on
rows of its own. A member that is out of patience, or whose loss is not finite, is frozen: from the
next epoch on it takes no part, and what it has come to no longer moves.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from skneural.arrays.batches import Batches
from skneural.arrays.matrices import FloatArray, IndexArray, Matrix
from skneural.layers import Draws
from skneural.minimizers.changed import changed
from skneural.minimizers.checked_rows import check_rows
from skneural.minimizers.members import Work, active_members, optimizer_of
from skneural.minimizers.order import RowOrder, Rows
from skneural.minimizers.run import Run
from skneural.minimizers.state import Record, TrainingState
from skneural.objective import Objective
from skneural.optimizers import Optimizer
from skneural.schedules import Schedule
from skneural.schedules.contract import check_rate


class Step(NamedTuple):
    """What schedules make of one step.

    Attributes
    ----------
    rate : float
        Its learning rate.
    decay : float, default=1.0
        Factor of the weight decay of the optimizer.
    dropout : float, default=1.0
        Factor of the rate of `Dropout` layers.
    """

    rate: float
    decay: float = 1.0
    dropout: float = 1.0


@dataclass(frozen=True)
class MiniBatches:
    """Minimises by small steps, each along the gradient of one batch of rows.

    Parameters
    ----------
    objective : Objective
        Over at most `batch_size` rows.
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, n_targets)
        Floating point or boolean. Members with targets of their own: (K, n_samples, n_targets).
    sample_weight : ndarray of shape (n_samples,) or None
    optimizer : Optimizer
    schedule : Schedule
    learning_rate_init : float
    batch_size : int
    n_planned_epochs : int
        Epochs that the schedule reckons with, those of other calls included.
    rows : ndarray or sequence of int of shape (n_rows,), or None, default=None
        The rows to train on; None for all. Of members, of shape (K, n_rows), or K arrays of unequal
        lengths: each has its own. Those with fewer rows than the longest go through them again
        within an epoch, see `skneural.minimizers.order.RowOrder`.
    shuffle : bool, default=True
        Whether to put the rows in a new order for every epoch. The generator 'shuffle' of the state
        draws it; of members, 'shuffle 0', 'shuffle 1' and so on.
    decay_schedule, dropout_schedule : Schedule or None, default=None
        What multiplies the weight decay of the optimizer, beside the learning rate, and the rate of
        `Dropout` layers: the `factor` of a schedule of time, from 0 to 1. None leaves them as they
        are.
    drop_last : bool, default=False
        Whether an epoch leaves out the rows that do not fill a last batch, unless it is the only
        one: the gradient of a few rows is so noisy that a step at a high learning rate does harm.
        Of rows that are shuffled, each epoch leaves out others.
    own_columns : ndarray of shape (K, n_samples, n_own) or None, default=None
        Columns that each member has for itself, in C order and of the dtype of `X`. The network
        reads them after those of `X`: member k predicts by
        ``network.predict_raw(params[k], np.hstack([X, own_columns[k]]))``.
    check_input : bool, default=True
        Whether to refuse rows, schedules and states that do not go together, before the first
        epoch. False where they are known to, as those of the estimators are: the epochs would go on
        without a word, or end in an error of NumPy's.

    Notes
    -----
    The generators of the state stand where the first epoch of the fit began to draw: the orders of
    epochs before a fit is resumed are drawn once more, so that no state has to hold an order. A
    frozen member has drawn fewer, see `Record.n_member_iter`.

    What layers draw from, see `Dropout`, is the generator 'dropout', or 'dropout 0' and so on; it
    stands where the last epoch has left it.
    """

    objective: Objective
    X: Matrix
    y: npt.NDArray[Any]
    sample_weight: FloatArray | None
    optimizer: Optimizer
    schedule: Schedule
    learning_rate_init: float
    batch_size: int
    n_planned_epochs: int
    rows: Rows | None = None
    shuffle: bool = True
    decay_schedule: Schedule | None = None
    dropout_schedule: Schedule | None = None
    drop_last: bool = False
    own_columns: FloatArray | None = None
    check_input: bool = True

    def __call__(self, run: Run) -> str:
        """Minimise; see `skneural.minimizers.run.drive`.

        Returns
        -------
        reason : str
        """
        order = self._order(run.state)
        if "" not in run.state.record.stopped:
            # It was interrupted, or saved, after its last epoch.
            return run.state.record.ended
        if not (run.state.record.n_epochs or run.state.record.learning_rate):
            record = changed(run.state.record, learning_rate=self.learning_rate_init)
            run.state = changed(run.state, record=record)
        work = self._work(run.state, order)
        n_rows = order.n_rows
        n_batches = math.ceil(n_rows / self.batch_size)
        while run.state.record.n_iter < run.max_iter:
            run.begin_epoch(in_place=True)
            steps = self._steps(run.state.record, n_batches)
            rows = order.next_epoch(work.active)
            total, gradient_norm = self._run_epoch(work, steps, rows)
            losses = total / n_rows
            if work.active is not None:
                work.write_back(run.state, losses)
            run.end_epoch(
                losses,
                learning_rate=steps[-1].rate,
                gradient_norm=gradient_norm,
                n_samples=n_rows,
                active=work.active,
                adapt=self._adapted,
            )
            if work.active is not None and work.active != active_members(run.state):
                work = self._work(run.state, order)
        return "max_iter"

    def iter_steps(self, state: TrainingState, rates: Iterable[float]) -> Iterator[float]:
        """Descend one step at a time, at given rates: without schedule, patience and records.

        The batches are those of a training from this state, epoch after epoch.

        Parameters
        ----------
        state : TrainingState
            Of a single network. Its arrays are overwritten, its generators are drawn from.
        rates : iterable of float
            The learning rate of each step: there are as many steps as rates.

        Yields
        ------
        loss : float
            Of the rows of the step, before it.
        """
        order = self._order(state)
        work = self._work(state, order)
        rows: IndexArray = np.arange(0)
        for rate in rates:
            if len(rows) == 0:
                shuffled = order.next_epoch(None)
                rows = np.arange(order.n_rows) if shuffled is None else shuffled
            batch, rows = rows[: self.batch_size], rows[self.batch_size :]
            total, _ = self._run_epoch(work, (Step(rate),), batch)
            yield float(total) / len(batch)

    # ---------------------------------------------------------------- an epoch

    def _steps(self, record: Record, n_batches: int) -> list[Step]:
        """What schedules make of every step of the epoch to come."""
        # Plain numbers: one of NumPy's would have a step in float32 computed in float64.
        rate = float(record.learning_rate)
        schedules = (self.schedule, self.decay_schedule, self.dropout_schedule)
        is_timed = False
        for schedule in schedules:
            is_timed |= schedule is not None and schedule.is_timed
        if not is_timed:
            return [Step(rate)] * n_batches
        times = [record.n_epochs + i / n_batches for i in range(n_batches)]
        factors = [self._factors(schedule, times) for schedule in schedules]
        for schedule, own in zip(schedules[1:], factors[1:], strict=True):
            if max(own) > 1:
                raise ValueError(
                    f"{schedule!r}.factor must return a number from 0 to 1 to be a factor of "
                    f"weight decay or dropout, got {max(own)!r}."
                )
        return [
            Step(float(rate * own), float(decay), float(dropout))
            for own, decay, dropout in zip(*factors, strict=True)
        ]

    def _factors(self, schedule: Schedule | None, times: Sequence[float]) -> list[float]:
        if schedule is None or not schedule.is_timed:
            return [1.0] * len(times)
        factors = [schedule.factor(time, self.n_planned_epochs) for time in times]
        for factor in factors:
            check_rate(factor, schedule, "factor")
        return factors

    def _run_epoch(
        self, work: Work, steps: Sequence[Step], rows: IndexArray | None
    ) -> tuple[Any, Any]:
        """Visit all batches of the rows once.

        Returns
        -------
        total : float, or ndarray of shape (n_active,)
            Sum of the losses of all rows.
        gradient_norm : float, or list of float
            Of the last batch.
        """
        objective, optimizer = work.objective, self.optimizer
        params, state, random = work.params, work.optimizer, work.random
        network = objective.network
        total: Any = 0.0
        gradient_norm: Any = math.nan
        n_left = len(steps)
        for (X, y, weight), step in zip(work.batches.iter_batches(rows), steps, strict=True):
            n_rows = y.shape[-2]
            if random is not None:
                random.strength = step.dropout
            _, gradient, loss = objective.value_and_gradient(params, X, y, weight, random)
            n_left -= 1
            if n_left == 0:
                norm = np.linalg.norm
                gradient_norm = norm(gradient) if gradient.ndim == 1 else list(map(norm, gradient))
            l1 = objective.l1_strength(n_rows) if objective.l1 else None
            optimizer.step(
                params,
                gradient,
                step.rate,
                state,
                l1=l1,
                rates=network.rates,
                decays=network.decays,
                decay_factor=step.decay,
            )
            total += loss * n_rows
        return total, gradient_norm

    def _adapted(self, record: Record, run: Run) -> Record:
        """The learning rate after an epoch, and whether patience is over."""
        if self.objective.members:
            return _stop_impatient(record, run)
        history = record.histories[0]
        rate, after_epoch = record.learning_rate, self.schedule.after_epoch
        if getattr(after_epoch, "__func__", None) is not Schedule.after_epoch:
            rate = after_epoch(
                rate, self.learning_rate_init, record.n_samples_seen, history.no_improvement_count
            )
            check_rate(rate, self.schedule, "after_epoch")
        if not run.stopping.is_out_of_patience(history):
            return changed(record, learning_rate=rate)
        slower = self.schedule.on_plateau(rate)
        if slower is None:
            run.report_plateau(self.schedule.stop_message)
            return changed(record, learning_rate=rate, stopped=(run.stopping.reason,))
        check_rate(slower, self.schedule, "on_plateau")
        run.report_plateau("Setting learning rate to %f" % slower)
        patient = changed(history, no_improvement_count=0)
        return changed(record, learning_rate=slower, histories=(patient,))

    # ---------------------------------------------------------------- what epochs work on

    def _check_rows(self) -> None:
        """Refuse rows, and numbers of rows, that do not go together, and schedules of no use.

        Rows are gathered without a look at their numbers.
        """
        n_own = 0 if self.own_columns is None else self.own_columns.shape[-1]
        check_rows(self.objective, self.X, self.y, self.sample_weight, n_own)
        self._check_schedules()
        if self.rows is None:
            return
        n_samples = self.X.shape[0]
        of_members = bool(self.objective.members)
        of_members &= len(self.rows) == 0 or np.ndim(self.rows[0]) > 0
        for rows in self.rows if of_members else [self.rows]:
            numbers = np.asarray(rows)
            expected = f"rows must be numbers of rows from 0 to {n_samples - 1}"
            if numbers.ndim != 1 or (numbers.size == 0 and not of_members):
                raise ValueError(f"{expected}, in one axis, got an array of shape {numbers.shape}.")
            if numbers.dtype.kind not in "iu":
                raise ValueError(f"{expected}, got an array of {numbers.dtype}.")
            if numbers.size and not 0 <= numbers.min() <= numbers.max() < n_samples:
                raise ValueError(f"{expected}, got some from {numbers.min()} to {numbers.max()}.")

    def _check_schedules(self) -> None:
        if self.objective.members and not self.schedule.depends_on_time_alone:
            raise ValueError(
                f"{self.schedule!r} follows the progress of one training: members side by side "
                "need a schedule that depends on time alone."
            )
        for name in ("decay_schedule", "dropout_schedule"):
            schedule = getattr(self, name)
            if schedule is not None and not schedule.depends_on_time_alone:
                raise ValueError(
                    f"{name} must be a schedule of time, whose factor is asked for before every "
                    f"step: {schedule!r} changes the learning rate between epochs."
                )

    def _check_state(self, state: TrainingState) -> None:
        """Refuse a state that is not that of so many networks, with all that they need."""
        objective, members = self.objective, self.objective.members
        record, n_axes = state.record, 2 if members else 1
        n_histories = members[0] if members else 1
        if state.params.ndim != n_axes or len(record.stopped) != n_histories:
            raise ValueError(
                f"The state is that of {len(record.stopped)} network(s) with parameters of shape "
                f"{state.params.shape}: the objective has members={members}. Record.of_members(K, "
                "learning_rate) is the record of K members, whose parameters have the shape (K, "
                "n_params)."
            )
        if state.params.shape[-1] != objective.network.n_params:
            raise ValueError(
                f"The state has {state.params.shape[-1]} parameters, and the network has "
                f"{objective.network.n_params}."
            )
        network, params = objective.network, state.params
        needed = self.optimizer.init_state(
            params.shape, params.dtype, network.n_penalised, network.rates
        )
        missing = needed.keys() - state.optimizer.keys()
        if not (self.optimizer.weight_decay or objective.l1):
            missing.discard("n_penalised")
        if missing:
            raise ValueError(
                f"The state of the optimizer lacks {', '.join(map(repr, sorted(missing)))}, which "
                f"{self.optimizer!r} needs: it is not the one that optimizer.init_state("
                "params.shape, params.dtype, network.n_penalised, network.rates) returns."
            )
        shufflers = [f"shuffle {k}" for k in range(n_histories)] if members else ["shuffle"]
        for name in shufflers if self.shuffle else ():
            if name not in state.generators:
                raise ValueError(
                    "The rows are shuffled: the generators of the state need a RandomState "
                    f"{name!r}; shuffle=False leaves them in their order."
                )

    def _order(self, state: TrainingState) -> RowOrder:
        """The order of the rows, from the first epoch that lies ahead.

        What the inner loop could not go through with, or would go through without a word, is
        refused.
        """
        if self.check_input:
            self._check_rows()
            self._check_state(state)
        members, record = self.objective.members, state.record
        has_data_of_members = self.own_columns is not None or self.y.ndim == 3
        if has_data_of_members:
            _check_data_of_members(members, self.X, self.y, self.own_columns)
        n_drawn: Sequence[int] = (record.n_iter,)
        shufflers = ["shuffle"]
        if members:
            n_drawn = record.n_member_iter if record.n_iter else ()
            shufflers = [f"shuffle {k}" for k in range(members[0])]
        return RowOrder(
            self.rows,
            self.X.shape[0],
            members,
            list(map(state.generators.__getitem__, shufflers)) if self.shuffle else (),
            n_drawn,
            self.batch_size if self.drop_last else None,
            is_per_member=has_data_of_members,
        )

    def _work(self, state: TrainingState, order: RowOrder) -> Work:
        """What an epoch works on, for the members that go on."""
        objective, params, optimizer = self.objective, state.params, state.optimizer
        active = None
        if objective.members:
            active = active_members(state)
            if len(active) < len(params):
                objective = objective.of_members(active)
            params, optimizer = params[active], optimizer_of(optimizer, params, active)
        batches = Batches(
            self.X,
            self.y,
            self.sample_weight,
            self.batch_size,
            active if order.is_per_member else None,
            self.own_columns,
            only_multiplied=objective.network.only_multiplies,
        )
        random = _drawn_from(state, active) if objective.network.draws else None
        return Work(objective, batches, params, optimizer, random, active)


def _check_data_of_members(
    members: tuple[int, ...], X: Matrix, y: npt.NDArray[Any], own_columns: FloatArray | None
) -> None:
    """Refuse columns and targets that are not those of these members and rows."""
    if not members:
        raise ValueError("Only members side by side have columns or targets of their own.")
    expected = (*members, X.shape[0])
    if y.ndim == 3 and y.shape[:2] != expected:
        raise ValueError(
            f"Targets of members: expected the shape {expected} + (n_targets,), got {y.shape}."
        )
    if own_columns is None:
        return
    if own_columns.shape[:-1] != expected or own_columns.dtype != X.dtype:
        raise ValueError(
            f"Columns of members: expected the shape {expected} + (n_own,) and {X.dtype}, as X has "
            f"it, got {own_columns.shape} and {own_columns.dtype}."
        )


def _drawn_from(state: TrainingState, active: list[int] | None) -> Draws | None:
    """What layers draw from: a generator for each member that is trained.

    Raises
    ------
    ValueError
        If the state lacks one.
    """
    names = ["dropout"] if active is None else [f"dropout {k}" for k in active]
    draws = Draws()
    for name in names:
        found = state.generators.get(name)
        if not isinstance(found, np.random.Generator):
            raise ValueError(
                "A layer of the network draws at random: the generators of the state need a "
                f"numpy.random.Generator {name!r}, got {found!r}."
            )
        draws.append(found)
    return draws or None


def _stop_impatient(record: Record, run: Run) -> Record:
    cycles, joint = run.cycle_stop, record.joint
    if cycles is not None and joint is not None and cycles.is_over(joint):
        return changed(record, stopped=tuple(each or "early_stopping" for each in record.stopped))
    stopped = tuple(
        run.stopping.reason if not reason and run.stopping.is_out_of_patience(history) else reason
        for reason, history in zip(record.stopped, record.histories, strict=True)
    )
    return changed(record, stopped=stopped)
