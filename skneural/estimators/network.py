"""Estimators that train a network through a minimiser: fit, partial_fit, resume.

    data   = what the user passes, checked
    plan   = self._plan(data, start)
    state  = the plan, run to its end
    self._fitted = what is left of it

A subclass has the constructor, `fit`, predictions, and two methods: `_targets` and `_plan`. A
public one has scikit-learn's ClassifierMixin or RegressorMixin, and then BaseEstimator, as the last
of its bases. Up to the last line nothing is written to the estimator, so that a fit that fails
leaves it as it was.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from time import perf_counter
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skneural.arrays.interrupts import held_interrupts
from skneural.arrays.threads import blas_threads
from skneural.estimators.base import FittedEstimator, fitted_attribute
from skneural.estimators.callback_tasks import EpochTasks, epoch_tasks
from skneural.estimators.checks import are_plain, refuse_no_data
from skneural.estimators.data import (
    COMPUTING_DTYPES,
    Data,
    LabelledRows,
    Rows,
    checked_weight,
    dtype_to_go_on_in,
    in_units,
    own_validation,
    validated_rows,
)
from skneural.estimators.finish import finished, snapshot_of
from skneural.estimators.history_table import HistoryTable, no_history
from skneural.estimators.method_examples import predictions, with_examples
from skneural.estimators.model import Fitted
from skneural.estimators.plan import Plan, Start
from skneural.estimators.resume import (
    check_resumable,
    check_same_data,
    check_same_rows,
    settings_of,
)
from skneural.estimators.sklearn_private import CallbackSupportMixin
from skneural.estimators.target_contract import ClassTargets, Targets
from skneural.kernels import compiled_kernels
from skneural.minimizers.run import Run, drive

NO_ROWS = (None, None, None)


def _history_of(fitted: Fitted) -> Any:
    return None if fitted.state is None else fitted.state.record.history


#: Why attributes of the history are not there.
NO_HISTORY = "for_prediction() has left out the history, validation included"


def _column(name: str) -> Callable[[Fitted], Any]:
    def get(fitted: Fitted) -> Any:
        history = _history_of(fitted)
        return None if history is None else history.column(name)

    return get


def _validation_column(name: str) -> Callable[[Fitted], Any]:
    def get(fitted: Fitted) -> Any:
        history = _history_of(fitted)
        if history is None:  # None would say that there were no validation rows
            raise AttributeError(f"{NO_HISTORY}.")
        return history.validation(name)

    return get


def _outcome(name: str) -> Callable[[Fitted], Any]:
    return lambda fitted: getattr(fitted.outcome, name)


class TrainedEstimator(CallbackSupportMixin, FittedEstimator, ABC):
    """What every estimator that trains through a minimiser shares."""

    #: Whether y must be numbers.
    _y_numeric: ClassVar[bool] = False
    #: Whether the weights of the classes multiply those of their rows.
    _weights_rows_by_class: ClassVar[bool] = True
    #: Whether only the ratios of weights count, to each other and to the penalty.
    _weights_are_relative: ClassVar[bool] = True

    n_iter_ = fitted_attribute("Epochs of the last fit.", _outcome("n_iter"))
    t_ = fitted_attribute("Rows trained on.", _outcome("n_samples_seen"))
    stop_reason_ = fitted_attribute("Why the last fit ended.", _outcome("stop_reason"))

    # ---------------------------------------------------------------- for subclasses

    @abstractmethod
    def _targets(self, rows: Rows, start: Start, classes: Any) -> Targets:
        """The encoding of the targets; checked against the model that training continues from."""

    @abstractmethod
    def _plan(self, data: Data, start: Start) -> Plan:
        """The training that these parameters and data ask for."""

    # ---------------------------------------------------------------- training

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        validation: tuple[Any, Any, Any] = NO_ROWS,
        mode: str = "fit",
        classes: Any = None,
        dtype: str | None = None,
        may_start_warm: bool = True,
        plan_of: Callable[[Data, Start], Plan] | None = None,
    ) -> Self:
        """Train, or go on, in this mode; `plan_of` is `_plan` with what fit has besides.

        `dtype` takes the place of the parameter, and `may_start_warm` says whether `warm_start`
        counts.
        """
        begun = perf_counter()
        earlier = None
        if mode != "fit" or (self.warm_start and may_start_warm):
            earlier = self._earlier(mode)
        if mode == "resume" and not check_resumable(self, earlier):
            return self
        if sample_weight is not None or not are_plain(X, y):
            refuse_no_data(X=X, y=y, sample_weight=sample_weight)
        tasks = None
        if mode != "partial_fit" and hasattr(self, "_skl_callbacks"):
            tasks = epoch_tasks(self, X, y, sample_weight)
        if mode == "fit" and earlier is not None:
            mode = "warm_start"
        start = Start.of(mode, earlier, self.random_state)
        data = self._data(X, y, sample_weight, validation, start, classes, dtype)
        plan = (plan_of or self._plan)(data, start)
        if mode == "resume" and earlier is not None:
            check_same_data(earlier, plan.origin, data)
        max_time = getattr(self, "max_time", None)
        deadline = math.inf if max_time is None else begun + float(max_time)
        self._train(plan, data, start, deadline, tasks)
        return self

    def _earlier(self, mode: str) -> Fitted | None:
        """What a fit in this mode goes on from; None for a new training."""
        if mode == "partial_fit" and self.early_stopping:
            raise ValueError(
                "partial_fit does not support early_stopping=True: it never sees all the data. "
                "Use fit, or early_stopping=False."
            )
        if mode == "resume":
            check_is_fitted(self)
        fitted = self._fitted
        if fitted is None:
            return None
        if fitted.state is None:
            raise ValueError(
                "This model was made by for_prediction(), which leaves out what training needs to "
                "go on. Train the model that it was made from, or call fit with warm_start=False "
                "to start anew."
            )
        return fitted.with_model(fitted.model.dense())

    def _data(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        validation: tuple[Any, Any, Any],
        start: Start,
        classes: Any,
        dtype: str | None = None,
    ) -> Data:
        model = None if start.earlier is None else start.earlier.model
        checks = {"multi_output": self._multi_output, "y_numeric": self._y_numeric}
        dtypes = COMPUTING_DTYPES[dtype or str(getattr(self, "dtype", "auto"))]
        if model is not None and start.mode != "resume":
            dtypes = (dtype_to_go_on_in(self, model, dtypes),)
        rows = validated_rows(self, X, y, model, dtypes, **checks)
        if start.mode == "resume" and start.earlier is not None:
            check_same_rows(start.earlier, rows)
        targets = self._targets(rows, start, classes)
        is_learned = start.earlier is None and classes is None
        target = targets.encode(rows.y, is_checked=is_learned)
        weight, unit, by_class = None, 1.0, None
        if sample_weight is not None:
            # Where only ratios count, they may be in any units.
            dtype_of_weight = np.float64 if self._weights_are_relative else rows.X.dtype
            weight = checked_weight(sample_weight, rows.X, dtype_of_weight)
        class_weight = getattr(self, "class_weight", None) if self._weights_rows_by_class else None
        if class_weight is not None and isinstance(targets, ClassTargets):
            by_class = targets.class_weights(class_weight, target, weight)
            if by_class is not None:
                weight = targets.row_weights(weight, by_class, target, np.float64)
        if weight is not None and self._weights_are_relative:
            weight, unit = in_units(weight, rows.X.dtype)
        training_rows = LabelledRows(rows.X, rows.y, target, weight, unit)
        total = float(len(target))
        if weight is not None:
            total = float(weight.sum(dtype=np.float64)) * unit
        own = None
        if validation[0] is not None or validation[1] is not None or validation[2] is not None:
            own = own_validation(self, validation, rows, targets, by_class, **checks)
        return Data(training_rows, rows.feature_names, targets, own, total)

    def _train(
        self,
        plan: Plan,
        data: Data,
        start: Start,
        deadline: float,
        tasks: EpochTasks | None,
    ) -> None:
        """Run the plan and publish what is left of it, also if it is interrupted."""
        run = Run(
            plan.state,
            plan.stopping,
            max_iter=plan.max_iter,
            validate=plan.validate,
            listener=tasks,
            verbose=self.verbose if plan.records_epochs else False,
            deadline=deadline,
            keeps_history=plan.records_epochs,
            restores_start=False,  # the fitted model is still the one before
        )
        settings = settings_of(self)
        if tasks is not None:
            tasks.attributes = lambda: snapshot_of(plan, run.state, data, start, settings)
        try:
            with (
                np.errstate(over="ignore", invalid="ignore"),
                blas_threads(plan.largest_product),
                compiled_kernels(plan.work),
            ):
                reason = drive(plan.minimize, run)
            fitted = finished(plan, run, reason, data, start, settings)
            if tasks is not None:
                tasks.fit_ended({"_fitted": fitted.copy()})
            self._publish(fitted, start)
        except KeyboardInterrupt as interrupt:
            with held_interrupts():
                run.state = run.last_whole_state()
                if run.n_new > 0 and run.state.record.ended != "not_finite":
                    try:
                        fitted = finished(plan, run, "interrupted", data, start, settings)
                        self._publish(fitted, start)
                    except Exception as error:
                        # Whoever presses Ctrl-C wants the program to stop, a search too.
                        interrupt.add_note(f"The model of the last epoch is not kept: {error}")
            raise

    def _publish(self, fitted: Fitted, start: Start) -> None:
        with held_interrupts():
            self._fitted = fitted
            if isinstance(self.random_state, np.random.RandomState):
                # The fit has drawn from a copy.
                self.random_state.set_state(start.generator.get_state(legacy=False))


@with_examples(predictions.TRAINED)
class NetworkEstimator(TrainedEstimator):
    """A trained estimator that records every epoch of its loss."""

    loss_ = fitted_attribute("Training loss at the end.", _outcome("loss"))
    best_loss_ = fitted_attribute("The lowest training loss.", _outcome("best_loss"))
    best_iteration_ = fitted_attribute("The best epoch.", _outcome("best_iteration"))
    best_validation_score_ = fitted_attribute(
        "The highest validation score.", _outcome("best_validation_score")
    )
    loss_curve_ = fitted_attribute("Training losses.", _column("loss"), missing=NO_HISTORY)
    validation_scores_ = fitted_attribute(
        "Validation scores.", _validation_column("validation_score")
    )
    validation_loss_curve_ = fitted_attribute(
        "Validation losses.", _validation_column("validation_loss")
    )
    out_activation_ = fitted_attribute(
        "Output activation.", lambda fitted: fitted.model.targets.link.name
    )

    @property
    def history_(self) -> HistoryTable:
        """A record of every epoch: its number, and what is known of it; None for what is not."""
        return self._history_from(0)

    def _history_from(self, begin: int) -> HistoryTable:
        """The same from an epoch on; -1 for the last one alone, for callbacks after every epoch."""
        history = None if self._fitted is None else _history_of(self._fitted)
        if history is None:
            raise no_history(self)
        return HistoryTable.of(history, begin)
