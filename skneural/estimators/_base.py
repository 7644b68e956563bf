"""The staircase between scikit-learn's world and the mathematics.

`BaseNetwork` is what all estimators share: fit, partial_fit and raw prediction. Going up
the stairs, everything is validated and turned into arrays; coming down, everything that
was learned becomes an attribute, all at once and only when all went well.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import is_regressor
from sklearn.model_selection import train_test_split
from sklearn.utils import column_or_1d
from sklearn.utils.validation import validate_data

from skneural._arrays import FloatArray, IndexArray, Matrix, rows_as_csr
from skneural._sklearn import check_sample_weight
from skneural._threads import blas_threads, largest_product
from skneural.estimators._checks import naming_the_column, native, refuse_masked
from skneural.estimators._memory import (
    Memory,
    generator_from_state,
    generator_memory,
    generator_state,
    memory_to_go_on_from,
    resume_optimizer,
    running_mean_weight,
    seeded_generator,
)
from skneural.estimators._outcome import all_or_nothing, settle
from skneural.estimators._raw_outputs import RawOutputsMixin
from skneural.estimators._version_stamp import VersionStampMixin
from skneural.estimators._warnings import warn_user
from skneural.monitoring import Monitor, Record
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


class BaseNetwork(RawOutputsMixin, VersionStampMixin, ABC):
    """What every network of this package shares.

    A subclass has the constructor parameters, and says what its layers, its targets, its
    objective, its minimisers and its validation scores are. Fitted state is plain: numbers,
    strings, lists, dicts and arrays.
    """

    _takes_several_outputs: ClassVar[bool] = True
    _training_state: ClassVar[tuple[str, ...]] = ("_memory", "loss_curve_", "validation_scores_")
    out_activation_: str

    # ---------------------------------------------------------------- for subclasses

    @property
    def _trained_network(self) -> Network:
        """The network that is trained."""
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
        X: Matrix,
        target: npt.NDArray[Any],
        sample_weight: FloatArray | None,
        *,
        random_state: np.random.RandomState,
        memory: Memory,
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

    def _initial_params(
        self, random_state: np.random.RandomState, dtype: npt.DTypeLike
    ) -> FloatArray:
        return self._trained_network.initial_params(random_state, dtype)

    def _training_weight(
        self, sample_weight: FloatArray | None, target: npt.NDArray[Any], dtype: npt.DTypeLike
    ) -> FloatArray | None:
        """The weight of every row in training."""
        return sample_weight

    @abstractmethod
    def _encode_target(
        self, y: Any, *, continuing: bool, incremental: bool, classes: Any
    ) -> npt.NDArray[Any]:
        """Targets as an array of shape (n_samples, n_outputs), boolean or floating point.

        Sets `out_activation_` and, for a classifier, `classes_`.
        """

    @abstractmethod
    def _validation_score(
        self, raw: FloatArray, target: npt.NDArray[Any], sample_weight: FloatArray | None
    ) -> float:
        """Score raw outputs against encoded targets: the higher, the better."""

    def _strata(self, target: npt.NDArray[Any], n_validation: int) -> npt.NDArray[Any] | None:
        """What to stratify a split into training and validation rows by; None for nothing."""
        return None

    # ---------------------------------------------------------------- training

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        incremental: bool = False,
        classes: Any = None,
    ) -> Any:
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
        with all_or_nothing(self):
            X, y = self._validated(X, y, continuing)
            target = self._encode_target(
                y, continuing=continuing, incremental=incremental, classes=classes
            )
            self._describe(X.shape[1], target.shape[1], continuing=continuing)
            weight = self._training_weight(check_sample_weight(sample_weight, X), target, X.dtype)
            interrupt = self._train(
                X, target, weight, continuing=continuing, incremental=incremental
            )
        if interrupt is not None:
            raise interrupt
        return self

    def _validated(self, X: Any, y: Any, continuing: bool) -> tuple[Matrix, Any]:
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
        X: Matrix,
        target: npt.NDArray[Any],
        sample_weight: FloatArray | None,
        *,
        continuing: bool,
        incremental: bool,
    ) -> KeyboardInterrupt | None:
        """Train and publish. Returns the interrupt that ended the training, if one did."""
        memory = memory_to_go_on_from(self._memory, incremental) if continuing else {}
        random_state = seeded_generator(self.random_state, memory)
        training = self._starting_point(random_state, X.dtype, memory, continuing)
        interrupt = None
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                minimise = self._run_minibatch_once if incremental else self._minimise
                minimise(
                    training,
                    X,
                    target,
                    sample_weight,
                    random_state=random_state,
                    memory=memory,
                )
        except KeyboardInterrupt as error:
            if training.n_epochs == 0:
                raise
            interrupt = error
        settle(
            training,
            early_stopping=self.early_stopping,
            complaint="" if incremental else self._complaint(training),
        )
        memory.update(generator_memory(self.random_state, random_state))
        self._publish(training, memory)
        return interrupt

    def _starting_point(
        self,
        random_state: np.random.RandomState,
        dtype: npt.DTypeLike,
        memory: Memory,
        continuing: bool,
    ) -> Training:
        """New parameters, or a copy of the fitted ones with all that goes with them."""
        if not continuing:
            return Training(self._initial_params(random_state, dtype))
        fitted = self._params[: self._trained_network.n_params]
        record = Record(
            list(getattr(self, "loss_curve_", [])),
            self.best_loss_,
            None if self.validation_scores_ is None else list(self.validation_scores_),
            self.best_validation_score_,
            memory.get("no_improvement_count", 0),
            best_params=None if self.best_validation_score_ is None else fitted,
        )
        return Training(np.array(fitted), n_samples_seen=self.t_, record=record)

    def _run_minibatch_once(self, *data: Any, **state: Any) -> None:
        self._run_minibatch(*data, **state, max_iter=1)

    def _run_minibatch(
        self,
        training: Training,
        X: Matrix,
        target: npt.NDArray[Any],
        sample_weight: FloatArray | None,
        *,
        random_state: np.random.RandomState,
        memory: Memory,
        max_iter: int | None = None,
    ) -> None:
        """Train in mini-batches, for `max_iter` epochs or what the parameter of that name says."""
        X = rows_as_csr(X)
        rows, validation_score = None, None
        if self.early_stopping:
            rows, held_out = self._split_rows(target, random_state, memory)
            validation_score = self._scorer(X, target, sample_weight, held_out)
        n_rows = X.shape[0] if rows is None else len(rows)
        batch_size = self._batch_size(n_rows)
        mean_weight = running_mean_weight(sample_weight, rows, n_rows, memory)
        objective = self._objective(batch_size, mean_weight, X.dtype, n_rows_seen=memory["n_rows"])
        optimizer = self._optimizer()
        resume_optimizer(training, optimizer, self.solver, float(self.learning_rate_init), memory)
        with self._blas_threads(batch_size):
            minimize_minibatch(
                objective,
                training,
                X,
                target,
                sample_weight,
                optimizer=optimizer,
                schedule=self._schedule(),
                learning_rate_init=float(self.learning_rate_init),
                monitor=Monitor(
                    tol=self.tol,
                    n_iter_no_change=self.n_iter_no_change,
                    validation_score=validation_score,
                    verbose=self.verbose,
                ),
                batch_size=batch_size,
                max_iter=self.max_iter if max_iter is None else max_iter,
                rows=rows,
                shuffle_with=random_state if self.shuffle else None,
            )

    # ---------------------------------------------------------------- parts of a training

    def _full_batch_objective(self, X: Matrix, sample_weight: FloatArray | None) -> Objective:
        """The function to minimise by a solver that sees all rows at once."""
        n_rows = X.shape[0]
        mean_weight = 1.0 if sample_weight is None else float(np.mean(sample_weight, dtype=float))
        return self._objective(n_rows, mean_weight, X.dtype, n_rows_seen=n_rows)

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

    def _split_rows(
        self, target: npt.NDArray[Any], random_state: np.random.RandomState, memory: Memory
    ) -> tuple[IndexArray, IndexArray]:
        """Rows to train on and rows held out: the same again when training goes on."""
        if "validation_generator" in memory:
            random_state = generator_from_state(memory["validation_generator"])
        else:
            memory["validation_generator"] = generator_state(random_state)
        n_validation = math.ceil(self.validation_fraction * len(target))
        train, held_out = train_test_split(
            np.arange(len(target)),
            test_size=self.validation_fraction,
            random_state=random_state,
            stratify=self._strata(target, n_validation),
        )
        if len(held_out) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of "
                f"your dataset: validation_fraction={self.validation_fraction} of {len(target)} "
                f"rows leaves {len(held_out)}, at least 2 are needed."
            )
        return train, held_out

    def _scorer(
        self,
        X: Matrix,
        target: npt.NDArray[Any],
        sample_weight: FloatArray | None,
        rows: IndexArray,
    ) -> Callable[[FloatArray], float]:
        X, target = X[rows], target[rows]
        weight = None if sample_weight is None else sample_weight[rows]
        if weight is not None and not np.any(weight):
            raise ValueError("sample_weight is zero for every row held out by early_stopping.")
        network = self._trained_network

        def validation_score(params: FloatArray) -> float:
            return self._validation_score(network.predict_raw(params, X), target, weight)

        return validation_score

    # ---------------------------------------------------------------- the way down

    def _publish(self, training: Training, memory: Memory) -> None:
        """Turn a finished training into fitted attributes."""
        record = training.record
        self._params = training.params
        self._memory = {
            **memory,
            "solver": self.solver,
            "optimizer": training.optimizer_state,
            "learning_rate": training.learning_rate,
            "learning_rate_init": float(self.learning_rate_init),
            "no_improvement_count": record.no_improvement_count,
        }
        self.n_iter_: Any = training.n_epochs
        self.t_ = training.n_samples_seen
        self.loss_ = training.loss
        self.loss_curve_ = record.loss_curve
        self.best_loss_ = record.best_loss
        self.validation_scores_ = record.validation_scores
        self.best_validation_score_ = record.best_validation_score
