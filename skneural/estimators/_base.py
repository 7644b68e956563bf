"""The staircase between scikit-learn's world and the mathematics.

`BaseNetwork` is what all estimators share: fit, partial_fit and raw prediction. Going up
the stairs, everything is validated and turned into arrays; coming down, everything that
was learned becomes an attribute, all at once and only when all went well.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from copy import copy
from functools import partial
from time import perf_counter
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import is_regressor
from sklearn.utils import column_or_1d
from sklearn.utils.validation import validate_data

from skneural._arrays import FloatArray, rows_as_csr
from skneural._sklearn import CallbackSupportMixin, check_sample_weight
from skneural._threads import blas_threads, largest_product
from skneural.dropout import Dropout
from skneural.estimators._callbacks import EpochTasks, epoch_tasks
from skneural.estimators._checks import naming_the_column, native, refuse_masked
from skneural.estimators._class_weight import weighted_by_class
from skneural.estimators._history import HistoryMixin
from skneural.estimators._memory import (
    Memory,
    begin_search_for_best,
    dropout_memory,
    generator_memory,
    iterate_memory,
    memory_to_go_on_from,
    resume_optimizer,
    running_mean_weight,
    seeded_generator,
    without_scratch,
)
from skneural.estimators._outcome import all_or_nothing, settle
from skneural.estimators._raw_outputs import RawOutputsMixin
from skneural.estimators._validation import LabelledRows, ValidationMixin
from skneural.estimators._version_stamp import VersionStampMixin
from skneural.estimators._warnings import warn_user
from skneural.monitoring import Monitor, Record, Watcher
from skneural.network import Network
from skneural.objective import Objective
from skneural.optimizers import Optimizer
from skneural.schedules import Schedule
from skneural.training import Training, minimize_minibatch

#: What X may be kept in, by the parameter `dtype`; anything else becomes the first.
COMPUTING_DTYPES: dict[str, tuple[type, ...]] = {
    "auto": (np.float64, np.float32),
    "float32": (np.float32,),
    "float64": (np.float64,),
}


class BaseNetwork(
    CallbackSupportMixin,
    HistoryMixin,
    ValidationMixin,
    RawOutputsMixin,
    VersionStampMixin,
    ABC,
):
    """What every network of this package shares.

    A subclass has the constructor parameters, and says what its layers, its targets, its
    objective, its minimisers and its validation scores are. Fitted state is plain: numbers,
    strings, lists, dicts and arrays.
    """

    _takes_several_outputs: ClassVar[bool] = True
    _training_state: ClassVar[tuple[str, ...]] = (
        "_memory",
        "loss_curve_",
        "validation_scores_",
        "validation_loss_curve_",
        "_learning_rates",
        "_gradient_norms",
        "_seconds",
    )
    out_activation_: str

    # ---------------------------------------------------------------- for subclasses

    @property
    def _trained_network(self) -> Network:
        return self._network

    @abstractmethod
    def _check_settings(self) -> None:
        """Raise or warn about parameters that do not go together, before anything else."""

    @abstractmethod
    def _describe(self, n_features: int, n_outputs: int, *, continuing: bool) -> None:
        """Set the attributes that describe the network.

        Raises ValueError where `continuing` a training would need another network than the
        fitted one.
        """

    @abstractmethod
    def _minimise(
        self,
        training: Training,
        rows: LabelledRows,
        validation: LabelledRows | None,
        *,
        random_state: np.random.RandomState,
        memory: Memory,
        watcher: Watcher | None,
    ) -> None:
        """Run the minimiser that `solver` names, for a fit."""

    @abstractmethod
    def _objective(
        self, n_rows: int, mean_weight: float, dtype: npt.DTypeLike, *, n_rows_seen: int
    ) -> Objective:
        """The function to minimise, over at most `n_rows` rows at a time.

        `n_rows_seen` is the number of all rows trained on, earlier partial_fit calls included.
        """

    @abstractmethod
    def _optimizer(self) -> Optimizer: ...

    @abstractmethod
    def _schedule(self) -> Schedule: ...

    @abstractmethod
    def _complaint(self, training: Training) -> str:
        """What to warn of when a fit has ended without converging."""

    @abstractmethod
    def _initial_params(
        self, random_state: np.random.RandomState, dtype: npt.DTypeLike
    ) -> FloatArray:
        """Where a new training begins."""

    def _weights_by_class(
        self, target: npt.NDArray[Any], sample_weight: FloatArray | None
    ) -> FloatArray | None:
        """What to multiply the weights of the rows of each class by."""
        return None

    def _dropout(
        self,
        n_rows: int,
        dtype: npt.DTypeLike,
        random_state: np.random.RandomState,
        memory: Memory,
    ) -> Dropout | None:
        """Dropout over at most `n_rows` rows at a time, if there is to be any."""
        return None

    @property
    def _most_seconds(self) -> float:
        """How long a fit may take."""
        return math.inf

    @abstractmethod
    def _encode_target(
        self, y: Any, *, continuing: bool, incremental: bool, classes: Any
    ) -> npt.NDArray[Any]:
        """Targets as an array of shape (n_samples, n_outputs), boolean or floating point.

        Sets `out_activation_` and, for a classifier, `classes_`.
        """

    # ---------------------------------------------------------------- training

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        validation: tuple[Any, Any, Any] = (None, None, None),
        incremental: bool = False,
        classes: Any = None,
    ) -> Any:
        deadline = perf_counter() + self._most_seconds
        if incremental and self.early_stopping:
            raise ValueError(
                "partial_fit does not support early_stopping=True: it never sees all the data. "
                "Use fit, or early_stopping=False."
            )
        if incremental:
            self._validate_params()  # scikit-learn leaves that out for a fitted estimator
        self._check_settings()
        refuse_masked(X=X, y=y, sample_weight=sample_weight)
        continuing = self.__sklearn_is_fitted__() and (incremental or self.warm_start)
        if continuing and not hasattr(self, "_memory"):
            raise ValueError(
                "This model was made by for_prediction(), which leaves out what training needs to "
                "go on. Train the model that it was made from, or call fit with warm_start=False "
                "to start anew."
            )
        tasks = None if incremental else epoch_tasks(self, X, y, sample_weight)
        with all_or_nothing(self):
            X, y = self._validated(X, y, continuing)
            target = self._encode_target(
                y, continuing=continuing, incremental=incremental, classes=classes
            )
            self._describe(X.shape[1], target.shape[1], continuing=continuing)
            weight = check_sample_weight(sample_weight, X)
            by_class = self._weights_by_class(target, weight)
            weight = weighted_by_class(weight, by_class, target, X.dtype)
            interrupt = self._train(
                LabelledRows(X, y, target, weight),
                self._own_validation(*validation, by_class, X.dtype),
                deadline=deadline,
                continuing=continuing,
                incremental=incremental,
                tasks=tasks,
            )
        if interrupt is not None:
            raise interrupt
        if tasks is not None:
            tasks.fit_ended()
        return self

    def _validated(
        self, X: Any, y: Any, continuing: bool, dtypes: tuple[type, ...] | None = None
    ) -> tuple[Any, Any]:
        if dtypes is None:
            dtypes = COMPUTING_DTYPES[self.dtype]
            if continuing:
                dtypes = self._fitted_dtype(dtypes)
        # What becomes infinite in float32 is refused below.
        with naming_the_column(X, dtypes[0]), np.errstate(over="ignore"):
            X, y = validate_data(
                self,
                native(X),
                native(y),
                accept_sparse=["csr", "csc"],
                multi_output=self._takes_several_outputs,
                y_numeric=is_regressor(self),
                dtype=dtypes,
                order="C",
                reset=not continuing,
            )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return X, y

    def _fitted_dtype(self, wanted: tuple[type, ...]) -> tuple[type, ...]:
        fitted = self._params.dtype
        if fitted.type not in wanted:
            raise ValueError(
                f"The fitted parameters are {fitted}, dtype={self.dtype!r} now asks for others. "
                f"Training can go on only with dtype='auto' or {fitted.name!r}: call fit with "
                "warm_start=False to start anew."
            )
        return (fitted.type,)

    def _train(
        self,
        rows: LabelledRows,
        validation: LabelledRows | None,
        *,
        deadline: float,
        continuing: bool,
        incremental: bool,
        tasks: EpochTasks | None,
    ) -> KeyboardInterrupt | None:
        """Train and publish. Returns the interrupt that ended the training, if one did."""
        memory = memory_to_go_on_from(self._memory, incremental) if continuing else {}
        random_state = seeded_generator(self.random_state, memory)
        restores_best = self._restores_best(validation) and not incremental
        if not continuing:
            training = Training(self._initial_params(random_state, rows.X.dtype))
        else:
            training = self._fitted_training(memory)
        if self.warm_start and not incremental:
            judge = self._judge(validation)
            begin_search_for_best(training.record, memory, judge, restores_best=restores_best)
        training.deadline = deadline
        if tasks is not None:
            tasks.attributes = partial(self._attributes_of, training, random_state, memory)
        interrupt = None
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                minimise = (
                    partial(self._run_minibatch, max_iter=1) if incremental else self._minimise
                )
                minimise(
                    training,
                    rows,
                    validation,
                    random_state=random_state,
                    memory=memory,
                    watcher=tasks,
                )
        except KeyboardInterrupt as error:
            if training.n_epochs == 0:
                raise
            interrupt = error
        params = settle(
            training,
            restores_best=restores_best,
            complaint="" if incremental else self._complaint(training),
        )
        memory["holds_best"] = restores_best
        memory.update(generator_memory(self.random_state, random_state))
        self._publish(training, params, memory)
        return interrupt

    def _attributes_of(
        self, training: Training, random_state: np.random.RandomState, memory: Memory
    ) -> dict[str, Any] | None:
        """What would change in the estimator if the training ended here, in copies."""
        if not np.isfinite(training.loss):
            return None
        would_be, training = copy(self), training.copy()
        memory = {**memory, **generator_memory(self.random_state, random_state)}
        would_be._publish(training, training.model.copy(), {**memory, "holds_best": False})
        before = vars(self)
        return {
            name: value
            for name, value in vars(would_be).items()
            if name not in before or value is not before[name]
        }

    def _fitted_training(self, memory: Memory) -> Training:
        """A training that goes on from a copy of the fitted parameters, and what goes with them."""
        fitted = self._params[: self._trained_network.n_params]
        record = Record(
            getattr(self, "loss_curve_", []),
            self.best_loss_,
            self.validation_scores_,
            self.validation_loss_curve_,
            self.best_validation_score_,
            memory.get("no_improvement_count", 0),
            self.best_iteration_,
            best_params=fitted if memory.get("holds_best") else None,
            learning_rates=self._learning_rates,
            gradient_norms=self._gradient_norms,
            seconds=self._seconds,
        ).copy()
        return Training(
            np.array(fitted),
            n_samples_seen=self.t_,
            n_earlier_epochs=memory.get("n_epochs", 0),
            record=record,
        )

    def _run_minibatch(
        self,
        training: Training,
        rows: LabelledRows,
        validation: LabelledRows | None,
        *,
        random_state: np.random.RandomState,
        memory: Memory,
        watcher: Watcher | None,
        max_iter: int | None = None,
    ) -> None:
        """Train in mini-batches, for `max_iter` epochs or what the parameter of that name says."""
        X = rows_as_csr(rows.X)
        chosen = None
        if self.early_stopping and validation is None:
            chosen, held_out = self._split_rows(rows.target, random_state, memory)
            validation = LabelledRows(X, rows.y, rows.target, rows.weight).take(held_out)
        n_rows = X.shape[0] if chosen is None else len(chosen)
        batch_size = self._batch_size(n_rows)
        mean_weight = running_mean_weight(rows.weight, chosen, n_rows, memory)
        objective = self._objective(batch_size, mean_weight, X.dtype, n_rows_seen=memory["n_rows"])
        objective.dropout = self._dropout(batch_size, X.dtype, random_state, memory)
        optimizer = self._optimizer()
        rate = float(self.learning_rate_init)
        resume_optimizer(training, optimizer, rate, objective.network.n_weights, memory)
        with self._blas_threads(batch_size):
            minimize_minibatch(
                objective,
                training,
                X,
                rows.target,
                rows.weight,
                optimizer=optimizer,
                schedule=self._schedule(),
                learning_rate_init=rate,
                monitor=self._monitor(validation, watcher, self.n_iter_no_change, max_iter),
                batch_size=batch_size,
                max_iter=self.max_iter if max_iter is None else max_iter,
                n_planned_epochs=self.max_iter,
                rows=chosen,
                shuffle_with=random_state if self.shuffle else None,
            )

    # ---------------------------------------------------------------- parts of a training

    def _full_batch_objective(self, rows: LabelledRows) -> Objective:
        """The function to minimise by a solver that sees all rows at once."""
        n_rows = rows.X.shape[0]
        mean_weight = 1.0 if rows.weight is None else float(np.mean(rows.weight, dtype=float))
        return self._objective(n_rows, mean_weight, rows.X.dtype, n_rows_seen=n_rows)

    def _monitor(
        self,
        validation: LabelledRows | None,
        watcher: Watcher | None,
        n_iter_no_change: float,
        max_iter: int | None = None,
    ) -> Monitor:
        """Watches over a training, with the validation rows where there are any."""
        return Monitor(
            tol=self.tol,
            n_iter_no_change=n_iter_no_change,
            validate=None if validation is None else self._validator(validation),
            early_stopping=self.early_stopping and validation is not None,
            keeps_best=self._restores_best(validation),
            verbose=self.verbose,
            max_iter=self.max_iter if max_iter is None else max_iter,
            watcher=watcher,
        )

    def _blas_threads(self, n_rows: int) -> AbstractContextManager[None]:
        return blas_threads(largest_product(n_rows, self._trained_network.shapes))

    def _batch_size(self, n_rows: int) -> int:
        if self.batch_size == "auto":
            return min(200, n_rows)
        if self.batch_size > n_rows:
            warn_user(
                f"batch_size={self.batch_size} is larger than the {n_rows} rows to train on: "
                "all of them make one batch."
            )
        return min(int(self.batch_size), n_rows)

    # ---------------------------------------------------------------- the way down

    def _publish(self, training: Training, params: FloatArray, memory: Memory) -> None:
        """Turn a finished training, and the parameters to keep, into fitted attributes."""
        record = training.record
        self._params = params
        self._memory = {
            **memory,
            "optimizer": without_scratch(training.optimizer_state),
            "learning_rate": training.learning_rate,
            "learning_rate_init": float(self.learning_rate_init),
            "no_improvement_count": record.no_improvement_count,
            "n_epochs": training.n_earlier_epochs + training.n_epochs,
            **iterate_memory(training),
            **dropout_memory(training),
        }
        self.n_iter_: Any = training.n_epochs
        self.t_ = training.n_samples_seen
        self.loss_ = training.loss
        self.loss_curve_ = record.loss_curve
        self._learning_rates = record.learning_rates
        self._gradient_norms = record.gradient_norms
        self._seconds = record.seconds
        self.best_loss_ = record.best_loss
        self.best_iteration_ = record.best_iteration
        self.validation_scores_ = record.validation_scores
        self.validation_loss_curve_ = record.validation_loss_curve
        best_score = record.best_validation_score
        self.best_validation_score_ = None if best_score == -np.inf else best_score
        self.stop_reason_ = training.stop_reason
