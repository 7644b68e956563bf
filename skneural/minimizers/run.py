"""One call of a minimiser, from its first epoch to the reason why it ended.

A minimiser is a function that is given a `Run`. It calls `Run.begin_epoch` and `Run.end_epoch`, and
returns the reason of its end; `Run` records the epochs, validates, reports, asks callbacks and the
deadline, and ends the minimiser by raising `Stop`. Patience is the minimiser's to ask, since it
knows what else there is to do at a plateau. What happens at the end, an interrupt included, is in
`drive`, once for all minimisers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter
from typing import Any, Protocol

import numpy as np

from skneural.arrays.matrices import FloatArray
from skneural.minimizers.changed import changed
from skneural.minimizers.checkpoints import Checkpoints
from skneural.minimizers.history import NO_VALIDATION, EarlyStopping, Epoch, History, Validation
from skneural.minimizers.joint import (
    NO_JOINT_VALIDATION,
    CycleStop,
    JointEpoch,
    JointHistory,
    JointValidation,
)
from skneural.minimizers.progress import ProgressReport
from skneural.minimizers.state import Record, TrainingState, rewinder

#: Why a training can have ended. '' stands for a network that was not trained.
STOP_REASONS = {
    "converged": "no progress any more, or the optimum is reached to the tolerance",
    "early_stopping": "the validation score did not improve any more",
    "max_iter": "as many epochs or iterations as were allowed",
    "max_time": "as much time as was allowed",
    "callback": "a callback asked for it",
    "interrupted": "KeyboardInterrupt",
    "no_progress": "rounding leaves no way further down",
    "not_finite": "the loss is infinite or NaN",
}

#: Reasons after which nothing is left to continue.
FINISHED = ("converged", "early_stopping", "no_progress", "not_finite")


class Stop(Exception):  # noqa: N818  # like StopIteration: a signal
    """Ends a minimiser after a whole epoch."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Carried(BaseException):
    """Carries a StopIteration of the user's through code that would take it for a signal."""

    def __init__(self, error: StopIteration) -> None:
        self.error = error


class EpochListener(Protocol):
    """Whoever is to be told of every epoch."""

    def epoch_begins(self) -> None:
        """An epoch is about to begin."""

    def epoch_ended(self) -> bool:
        """The training stands at the end of an epoch; whether no further one is to follow."""

    def training_ended(self) -> None:
        """No epoch is to come, not even one that has begun."""


class Run:
    """Follows a training, epoch by epoch.

    Parameters
    ----------
    state : TrainingState
        Where it begins. With `restores_start` its arrays stay what they are.
    stopping : EarlyStopping
    max_iter : int
        Most epochs of this fit.
    validate : callable or None, default=None
        ``validate(params) -> Validation``, asked after every epoch; of several members,
        ``validate(params, k)`` with the number of each.
    listener : EpochListener or None, default=None
    verbose : bool or int, default=False
        See `ProgressReport`.
    deadline : float, default=inf
        No epoch begins later than this, on the clock of `time.perf_counter`.
    validate_together : callable or None, default=None
        In place of `validate`, for members that are judged as one:
        ``validate_together(models, active) -> JointValidation``, asked once after every epoch, with
        the models of all, of shape (K, n_params), and a list of the members that have been trained
        and whose loss is finite. The models of the others are what they were. All members have its
        score and loss in their histories, the record has the numbers of the whole in `joint`, and
        the checkpoints of the state are kept by these. It needs ``EarlyStopping(jointly=True)``.
    cycle_stop : CycleStop or None, default=None
        A further rule on the numbers of the whole.
    keeps_history : bool, default=True
        Whether every epoch gets a row in a history. If not, the record has the numbers of the last
        one alone, nothing is validated, and patience is up to the minimiser.
    restores_start : bool, default=True
        Whether the state that this call begins with is left as it is, and comes back where the
        first epoch is broken off, or its loss is not finite. False saves the copy, for who has that
        state elsewhere.

    Attributes
    ----------
    state : TrainingState
        After the last whole epoch, unless the minimiser works in place: see `last_whole_state`.
    message : str
        What the minimiser has to say about its end.
    is_good_enough : bool
        Whether what `max_iter` has ended is near enough to an optimum not to be warned of.

    Raises
    ------
    ValueError
        If numbers of the whole are asked for, and there is nothing that they could be of; or if
        scores are to decide, and nothing is validated.
    """

    def __init__(
        self,
        state: TrainingState,
        stopping: EarlyStopping,
        *,
        max_iter: int,
        validate: Callable[..., Validation] | None = None,
        listener: EpochListener | None = None,
        verbose: bool | int = False,
        deadline: float = math.inf,
        validate_together: Callable[[FloatArray, list[int]], JointValidation] | None = None,
        cycle_stop: CycleStop | None = None,
        keeps_history: bool = True,
        restores_start: bool = True,
    ) -> None:
        is_joint = validate_together is not None
        if is_joint and (state.params.ndim < 2 or not stopping.jointly or validate is not None):
            raise ValueError(
                "validate_together is for members side by side that are judged jointly, and takes "
                "the place of validate."
            )
        if not is_joint and (cycle_stop is not None or state.checkpoints is not None):
            raise ValueError("Checkpoints and cycle_stop go by the numbers of validate_together.")
        if stopping.by_score and keeps_history and not is_joint and validate is None:
            raise ValueError(
                "EarlyStopping(by_score=True) goes by scores: say how to validate, by validate or "
                "validate_together."
            )
        record, validates = state.record, is_joint or validate is not None
        if stopping.by_score or validates:
            begin = partial(stopping.begin, validates=validates)
            record = changed(record, histories=tuple(map(begin, record.histories)))
        if is_joint and record.joint is None:
            record = changed(record, joint=JointHistory())
        self.state = changed(state, record=record)
        #: What `state` is a copy of, untouched.
        self._start: TrainingState | None = None
        if restores_start:
            self._start, self.state = self.state, self.state.copy(with_scratch=True)
        self.stopping = stopping
        self.cycle_stop = cycle_stop
        self.max_iter = max_iter
        self.message = ""
        self.is_good_enough = False
        self.report = ProgressReport(verbose, max_iter) if verbose else None
        self._keeps_history = keeps_history
        self._validate = validate
        self._validate_together = validate_together
        self._has_members = state.params.ndim == 2
        self._listener = listener
        self._deadline = deadline
        self._first = self.state.record.n_iter
        self._n_begun = self._first
        self._saved: TrainingState | None = None
        #: Our own copy of a state, whose arrays are used again.
        self._memory: TrainingState | None = None
        self._rewinders: list[Callable[[], None]] = []
        self._is_in_place = False
        self._since = perf_counter()

    @property
    def n_iter(self) -> int:
        """Whole epochs of this fit, with those before it was resumed."""
        return self.state.record.n_iter

    @property
    def n_new(self) -> int:
        """Whole epochs of this call."""
        return self.state.record.n_iter - self._first

    def start_at(self, state: TrainingState) -> None:
        """Begin at another state, such as an earlier one whose later epochs are to be repeated.

        The deadline ends no training that has not got further than before.
        """
        if state.record.n_iter != self.state.record.n_iter:
            self._n_begun = state.record.n_iter
        self.state, self._start = state, None

    def begin_epoch(self, *, in_place: bool = False) -> None:
        """Say that an epoch begins; saying so again does no harm.

        Parameters
        ----------
        in_place : bool, default=False
            Whether the arrays of the state are about to be overwritten, step by step.

        Raises
        ------
        Stop
            If the deadline is over.
        """
        n_iter = self.state.record.n_iter
        if self._n_begun > n_iter:
            return
        goes_on = n_iter > self._first  # not so where epochs from before are repeated
        if goes_on and perf_counter() >= self._deadline:
            raise Stop("max_time")
        if in_place and (self._has_members or goes_on or self._start is not None):
            if self._start is None:
                self._saved = self._memory = self.state.copy(into=self._memory)
            else:
                # Nothing has been trained yet: this is what the state is a copy of.
                self._saved, self._start = changed(self._start, record=self.state.record), None
            self._rewinders = list(map(rewinder, self.state.generators.values()))
        if self._listener is not None:
            self._listener.epoch_begins()
        self._is_in_place = in_place
        self._n_begun = n_iter + 1

    def end_epoch(
        self,
        loss: Any,
        *,
        learning_rate: float = math.nan,
        gradient_norm: Any = math.nan,
        n_samples: int = 0,
        active: Sequence[int] | None = None,
        adapt: Callable[[Record, Run], Record] | None = None,
        **changes: Any,
    ) -> None:
        """Record an epoch, and decide whether another one follows.

        Parameters
        ----------
        loss : float, or sequence of float
            Training loss; of several members, that of each active one.
        learning_rate : float, default=nan
        gradient_norm : float, or sequence of float, default=nan
        n_samples : int, default=0
            Rows visited.
        active : sequence of int or None, default=None
            Which members have been trained; None for the only one.
        adapt : callable or None, default=None
            ``adapt(record, run) -> record``: what a schedule or patience makes of the record.
        **changes
            Fields of the state to be replaced, all at once.

        Raises
        ------
        Stop
            If no further epoch is to follow.
        """
        try:
            state = changed(self.state, **changes) if changes else self.state
            record = self._recorded(
                state.record,
                state.model,
                loss,
                learning_rate,
                gradient_norm,
                n_samples,
                active,
            )
            if adapt is not None and "" in record.stopped:
                record = adapt(record, self)
            best = state.checkpoints and _best_epochs(state.checkpoints, state.model, record)
            # One assignment: whatever interrupts sees this epoch whole, or not at all.
            self.state = changed(state, record=record, checkpoints=best)
            if self.report is not None:
                self.report.epoch(record)
            is_asked_to_stop = self._listener is not None and self._listener.epoch_ended()
        except StopIteration as error:
            raise _Carried(error) from None
        # What the numbers of the epoch have decided comes first: a fit that is over has nothing
        # left to be resumed.
        if "" not in record.stopped:
            raise Stop(record.ended)
        if is_asked_to_stop:
            raise Stop("callback")

    def _recorded(
        self,
        record: Record,
        model: FloatArray,
        loss: Any,
        learning_rate: float,
        gradient_norm: Any,
        n_samples: int,
        active: Sequence[int] | None,
    ) -> Record:
        counts = {
            "n_iter": record.n_iter + 1,
            "n_epochs": record.n_epochs + 1,
            "n_samples_seen": record.n_samples_seen + n_samples,
        }
        if not self._keeps_history:
            return changed(record, loss=float(loss), **counts)
        members: Sequence[int] = (0,)
        losses, norms = (loss,), (gradient_norm,)
        models: Any = (model,)
        if active is not None:
            members, losses, norms, models = active, loss, gradient_norm, model
        together: JointValidation | None = None
        if self._validate_together is not None:
            finite = [k for k, own in zip(members, losses, strict=True) if math.isfinite(own)]
            together = NO_JOINT_VALIDATION
            if finite:
                together = self._validate_together(models, finite)
        validates = self._validate is not None or together is not None
        epochs: list[Epoch] = []
        for k, own, norm in zip(members, losses, norms, strict=True):
            score = validation_loss = None
            if validates:
                score, validation_loss = self._validation_of(models, k, own, together)
            numbers = (float(own), score, validation_loss, learning_rate, float(norm))
            epochs.append(Epoch(*numbers, seconds=perf_counter() - self._since))
        judged = self.stopping.joint(epochs) if self.stopping.jointly else None
        joint = record.joint
        if together is not None and joint is not None:
            whole = (judged or epochs[0])._replace(
                validation_score=together.score, validation_loss=together.loss
            )
            joint = joint.enter(JointEpoch(whole, together.numbers))
            judged = whole if judged is not None else None
        histories, stopped = list(record.histories), list(record.stopped)
        for k, epoch in zip(members, epochs, strict=True):
            histories[k] = self.stopping.enter(histories[k], epoch, models[k], judged)
            if not math.isfinite(epoch.loss):
                stopped[k] = "not_finite"
        total_loss, n_member_iter = epochs[0].loss, record.n_member_iter
        if active is not None:
            total_loss, n_member_iter = _of_members(record, active, histories)
        self._since = perf_counter()
        return changed(
            record,
            loss=total_loss,
            n_member_iter=n_member_iter,
            histories=tuple(histories),
            stopped=tuple(stopped),
            joint=joint,
            **counts,
        )

    def _validation_of(
        self, models: Any, k: int, loss: float, together: JointValidation | None
    ) -> tuple[float, float]:
        """Score and loss of a network on the validation rows, or of all together."""
        if not math.isfinite(loss):
            return NO_VALIDATION
        if self._validate is not None:
            return self._validate(models[k], *((k,) if self._has_members else ()))
        assert together is not None
        return together.score, together.loss

    def report_plateau(self, action: str) -> None:
        """Report that patience is over, and the action taken."""
        if self.report is None:
            return
        watched = "Validation score" if self.stopping.by_score else "Training loss"
        self.report.plateau(watched, self.stopping.tol, self.stopping.n_iter_no_change, action)

    def note_loss(self, loss: float) -> None:
        """Note the loss where no epoch has been."""
        self.state = changed(self.state, record=changed(self.state.record, loss=loss))

    def last_whole_state(self) -> TrainingState:
        """The state after the last whole epoch, also in the middle of one."""
        is_whole = self._n_begun == self.state.record.n_iter
        if is_whole or not self._is_in_place or self._saved is None:
            return self.state
        for rewind in self._rewinders:
            rewind()
        return self.saved()

    def saved(self) -> TrainingState:
        """The state before the epoch that has begun: what a `Run` begins with is not handed out."""
        assert self._saved is not None
        return self._saved.copy(with_scratch=True) if self._memory is None else self._saved


def drive(minimize: Callable[[Run], str], run: Run) -> str:
    """Run a minimiser to its end.

    Parameters
    ----------
    minimize : callable
        ``minimize(run) -> reason``.
    run : Run

    Returns
    -------
    reason : str
        One of `STOP_REASONS`. The state is that of the last whole epoch.

    Raises
    ------
    ValueError
        If the minimiser returns something else.
    KeyboardInterrupt
        If it is interrupted: `run.state` is that of the last whole epoch then.
    """
    try:
        reason = minimize(run)
    except Stop as stop:
        reason = stop.reason
    except _Carried as carried:
        raise carried.error from None
    finally:
        # Also where an interrupt or an error of the user's ends the training.
        if set(run.state.record.stopped) == {"not_finite"}:
            run.state = _before_divergence(run)
        elif run._n_begun > run.state.record.n_iter:  # amid an epoch
            run.state = run.last_whole_state()
        run._n_begun = run.state.record.n_iter
        if run._listener is not None:
            run._listener.training_ended()
        if run.report is not None:
            run.report.end()
    if reason not in STOP_REASONS:
        raise ValueError(
            f"A minimiser must return why it has ended, one of {[*STOP_REASONS]}, got {reason!r}."
        )
    return reason


def _of_members(
    record: Record, active: Sequence[int], histories: Sequence[History]
) -> tuple[float, tuple[int, ...]]:
    """The mean loss of all members, and the epochs that each has taken part in."""
    n_member_iter = list(record.n_member_iter if record.n_iter else [0] * len(histories))
    for k in active:
        n_member_iter[k] += 1
    losses = [each.rows[each.n_rows - 1].loss for each in histories if each.n_rows]
    finite = [loss for loss in losses if math.isfinite(loss)]
    mean = float(np.mean(finite)) if finite else math.nan
    return mean, tuple(n_member_iter)


def _best_epochs(checkpoints: Checkpoints, model: FloatArray, record: Record) -> Checkpoints:
    """The checkpoints after the last epoch of the record; as they are where it has no numbers."""
    joint = record.joint
    if joint is None or not math.isfinite(record.last_epoch.loss):
        return checkpoints
    number = joint.rows[joint.n_rows - 1].number
    return checkpoints.enter(joint.n_rows, number, model)


def _before_divergence(run: Run) -> TrainingState:
    """The last state whose numbers are finite, with the record of the epoch that was not."""
    if run._saved is None:
        return changed(run.state, optimizer={})
    return changed(run.saved(), record=run.state.record)
