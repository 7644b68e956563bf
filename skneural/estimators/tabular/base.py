"""What both estimators for tables share: from a frame to a fitted ensemble, and its predictions.

    rows     = what the user passes, checked
    training = the recipe for them: folds, inputs, network, what members are judged by
    run      = the training, to its end
    self._fitted = what is left of it

Up to the last line nothing is written to the estimator.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import nullcontext
from numbers import Integral, Real
from time import perf_counter
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.metrics import get_scorer_names
from sklearn.utils.validation import check_is_fitted

from skneural.activations import ACTIVATIONS, Activation
from skneural.arrays.interrupts import held_interrupts
from skneural.arrays.matrices import FloatArray, IndexArray, concatenate_chunks
from skneural.arrays.threads import blas_threads
from skneural.estimators.base import (
    NO_NAMES,
    VersionedEstimator,
    copy_to_deploy,
    fitted_attribute,
    shallow_copy,
)
from skneural.estimators.callback_tasks import EpochTasks
from skneural.estimators.checks import saying_where
from skneural.estimators.documentation_link import documentation_link_template
from skneural.estimators.fit_context import fit_context
from skneural.estimators.history_table import HistoryTable, no_history
from skneural.estimators.method_examples import tables, with_examples
from skneural.estimators.plan import Start
from skneural.estimators.sklearn_private import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    with_callbacks,
)
from skneural.estimators.table.kinds import categorical_mask
from skneural.estimators.tabular.copies import copies_in
from skneural.estimators.tabular.data import VALIDATION_ROWS, TableRows, table_rows, validation_rows
from skneural.estimators.tabular.ensemble import FittedEnsemble, with_all_rows
from skneural.estimators.tabular.folds import (
    Fold,
    Mask,
    all_rows,
    checked_groups,
    default_folds,
    folds_of,
    number_of_members,
)
from skneural.estimators.tabular.inputs import fit_table
from skneural.estimators.tabular.judging import METRIC, JudgedRows
from skneural.estimators.tabular.not_offered import NotOffered
from skneural.estimators.tabular.problem import Problem
from skneural.estimators.tabular.recipe import PRESETS, recipe_of
from skneural.estimators.tabular.scoring import metric_of
from skneural.estimators.tabular.training import Training, fitted_ensemble, warn_of_end
from skneural.estimators.version import FIT_ONLY_ATTRIBUTES
from skneural.kernels import compiled_kernels
from skneural.minimizers.run import drive
from skneural.plain_values import without_maps

#: Constraints of the parameters that both estimators have.
CONSTRAINTS: dict[str, Any] = {
    "preset": [StrOptions(set(PRESETS))],
    "cv": ["cv_object"],
    "categorical_features": [StrOptions({"from_dtype"}), "array-like", None],
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left"), None],
    "activation": [StrOptions(set(ACTIVATIONS)), Activation, None],
    "max_iter": [Interval(Integral, 1, None, closed="left"), None],
    "batch_size": [Interval(Integral, 1, None, closed="left"), None],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither"), None],
    "dropout": [Interval(Real, 0, 1, closed="left"), None],
    "weight_decay": [Interval(Real, 0, None, closed="left"), None],
    "frequency_scale": [Interval(Real, 0, None, closed="left"), None],
    "quantile_inputs": ["boolean", None],
    "max_one_hot": [Interval(Integral, 2, None, closed="left"), None],
    "early_stopping_metric": [StrOptions({"score", "loss", *get_scorer_names()}), callable, None],
    "max_time": [Interval(Real, 0, None, closed="right"), None],
    "verbose": ["verbose"],
    "random_state": ["random_state"],
}


def _outcome(name: str) -> Callable[[Any], Any]:
    return lambda fitted: getattr(fitted.outcome, name)


@with_examples(tables.TABULAR)
class TabularMLP(CallbackSupportMixin, VersionedEstimator, ABC):
    """An ensemble of networks over folds, on raw tables."""

    #: Whether y is numbers.
    _are_numbers: ClassVar[bool]

    _fitted: FittedEnsemble | None = None
    _doc_link_module = "skneural"

    partial_fit = NotOffered()
    resume = NotOffered()

    n_features_in_ = fitted_attribute("Number of columns.", lambda fitted: fitted.model.n_features)
    feature_names_in_ = fitted_attribute(
        "Their names, if all are strings.",
        lambda fitted: fitted.model.feature_names,
        missing=NO_NAMES,
    )
    is_categorical_ = fitted_attribute(
        "Which columns are categorical.", lambda fitted: fitted.model.table.columns.is_categorical
    )
    n_iter_ = fitted_attribute("Epochs of the fit.", _outcome("n_iter"))
    best_iteration_ = fitted_attribute("The epochs selected.", _outcome("best_iteration"))
    stop_reason_ = fitted_attribute("Why the fit ended.", _outcome("stop_reason"))
    validation_score_ = fitted_attribute(
        "Score of single members for the validation rows, if fit was given some.",
        lambda fitted: None if fitted.outcome.is_out_of_fold else fitted.outcome.score,
        missing="fit was given no validation rows X_val and y_val, see oof_score_",
    )
    oof_score_ = fitted_attribute(
        "Score of single members for the rows that each has left out.",
        lambda fitted: fitted.outcome.score if fitted.outcome.is_out_of_fold else None,
        missing="fit was given validation rows X_val and y_val, see validation_score_",
    )
    oof_predictions_ = fitted_attribute(
        "What members predict for the rows that each has left out.",
        lambda fitted: fitted.oof_predictions,
        missing="fit was given validation rows X_val, or for_prediction() has left it out",
    )

    # ---------------------------------------------------------------- for subclasses

    @abstractmethod
    def _problem(self, rows: TableRows) -> Problem:
        """What is to be learned of these rows."""

    # ---------------------------------------------------------------- training

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        groups: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train on a table, and on the class or the number of each of its rows.

        Parameters
        ----------
        X : {data frame, array-like} of shape (n_samples, n_features)
            Of pandas, polars or pyarrow, an array or a list of rows. NaN, None and pandas' NA are
            missing values.
        y : array-like of shape (n_samples,)
            The class of each row, for a regressor its number.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, zero or positive: a weight of 2 counts as the row twice.
        groups : array-like of shape (n_samples,), default=None
            The group of each row: rows of one group are never divided between folds.
        X_val, y_val, sample_weight_val : array-like of the same kinds, default=None
            Validation rows of your own. All members are then trained on all rows of X, and these
            rows take the place of the folds: `cv` has to be a number of members.

        Returns
        -------
        object
            The fitted estimator.

        Raises
        ------
        ValueError
            For infinite values, dates, text in a column that is not categorical; if all columns are
            constant; for fewer than two rows or two classes; for groups that `cv` does not look at;
            if the training diverges.
        TypeError
            For sparse matrices, and for objects that are neither text nor numbers.
        """
        return self._fit(X, y, sample_weight, groups, (X_val, y_val, sample_weight_val))

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        groups: Any,
        validation: tuple[Any, Any, Any],
    ) -> Self:
        """Train, and publish what is left of it, also if it is interrupted."""
        begun = perf_counter()
        start = Start.of("fit", None, self.random_state)
        rows = table_rows(self, X, y, sample_weight, are_numbers=self._are_numbers)
        own = validation_rows(self, validation, rows, are_numbers=self._are_numbers)
        judged_X = X if own is None else validation[0]
        training = self._training(X, rows, own, groups, start.generator, judged_X)
        tasks = None
        if hasattr(self, "_skl_callbacks"):
            metadata = None if sample_weight is None else {"sample_weight": sample_weight}
            data = {"X": X, "y": y, "metadata": metadata}
            tasks = EpochTasks(self, training.recipe.max_iter, data)
        deadline = math.inf if self.max_time is None else begun + float(self.max_time)
        minimize, run = training.run(start.generator, tasks, self.verbose, deadline)
        kept = rows.kept if own is None else None
        n_rows = len(rows) if own is None else None

        def left_by(reason: str) -> FittedEnsemble:
            return with_all_rows(fitted_ensemble(training, run, reason, n_rows), kept)

        def snapshot() -> dict[str, Any] | None:
            try:
                return {"_fitted": left_by("")}
            except ValueError:  # no epoch yet, or none whose loss is finite
                return None

        if tasks is not None:
            tasks.attributes = snapshot
        try:
            with (
                np.errstate(all="ignore"),
                blas_threads(training.largest_product),
                compiled_kernels(training.work),
            ):
                reason = drive(minimize, run)
                fitted = left_by(reason)
            warn_of_end(run)
            if tasks is not None:
                tasks.fit_ended({"_fitted": fitted.copy()})
            self._publish(fitted, start)
        except KeyboardInterrupt as interrupt:
            with held_interrupts(), np.errstate(all="ignore"):
                run.state = run.last_whole_state()
                if run.n_new > 0 and run.state.record.ended != "not_finite":
                    try:
                        self._publish(left_by("interrupted"), start)
                    except Exception as error:  # no epoch whose loss is finite, say
                        interrupt.add_note(f"The model of the last epoch is not kept: {error}")
            raise
        return self

    def _training(
        self,
        X: Any,
        rows: TableRows,
        own: TableRows | None,
        groups: Any,
        rng: np.random.RandomState,
        judged_X: Any,
    ) -> Training:
        """The training that the parameters and these rows ask for."""
        problem = self._problem(rows)
        names = rows.feature_names
        is_categorical = categorical_mask(rows.table, self.categorical_features, names)
        folds, together = self._folds(X, problem, rows, is_categorical, own, groups, rng)
        problem.check(folds)
        n_train = max(len(fold.train) for fold in folds)
        recipe = recipe_of(self, has_classes=not self._are_numbers, n_rows=n_train)
        recipe = recipe.for_classes(problem.n_outputs, self)
        table, inputs = fit_table(
            names,
            rows.table,
            is_categorical,
            rows.weight,
            problem.encoding,
            problem.weight,
            folds,
            rng,
            max_one_hot=recipe.max_one_hot,
            quantile_inputs=recipe.quantile_inputs,
            together=together,
        )
        inputs = inputs.astype(np.float32)
        recipe = recipe.for_columns(table.layout.n_numbers, self)
        shape = recipe.shape(table.layout, problem.n_outputs)
        target, outputs_of = problem.targets(folds)
        judged = JudgedRows(inputs, [fold.judged for fold in folds])
        judged_rows = rows if own is None else own
        with nullcontext() if own is None else saying_where(VALIDATION_ROWS):
            if own is not None:
                own_inputs = table.transform(own.table).astype(np.float32)
                judged = JudgedRows(own_inputs, judged.of_members)
            criteria = problem.criteria(self.early_stopping_metric)
            metric = None
            if METRIC in criteria:
                metric = metric_of(self, judged_X, judged_rows, judged, outputs_of)
            network = shape.network(recipe.dropout)
            judge = problem.judge(network, judged, judged_rows, outputs_of, metric, criteria)
        return Training(
            recipe,
            shape,
            table,
            inputs,
            folds,
            problem.loss,
            target,
            problem.weight,
            judge,
            criteria,
            outputs_of,
        )

    def _folds(
        self,
        X: Any,
        problem: Problem,
        rows: TableRows,
        is_categorical: Mask,
        own: TableRows | None,
        groups: Any,
        rng: np.random.RandomState,
    ) -> tuple[list[Fold], IndexArray | None]:
        """The rows of each member, and which of them stay together: of one group, or copies."""
        seed = rng.randint(2**31 - 1)
        cv, codes, copies = self.cv, problem.codes, None
        if groups is None:
            copies = copies_in(rows.table, is_categorical, rows.y, codes)
        if cv is None:
            cv = default_folds(len(rows), codes, copies)
        if own is None:
            groups = checked_groups(groups, len(rows), rows.kept)
            folds = folds_of(cv, X, rows.y, codes, groups, rows.kept, seed, copies)
            return folds, copies if groups is None else np.unique(groups, return_inverse=True)[1]
        if groups is not None:
            raise ValueError(
                "groups has no effect with X_val: all members are trained on all rows of X."
            )
        return all_rows(number_of_members(cv), len(rows), len(own)), copies

    def _publish(self, fitted: FittedEnsemble, start: Start) -> None:
        with held_interrupts():
            self._fitted = fitted
            if isinstance(self.random_state, np.random.RandomState):
                # The fit has drawn from a copy.
                self.random_state.set_state(start.generator.get_state(legacy=False))

    # ---------------------------------------------------------------- predictions

    @property
    def _model(self) -> Any:
        """The model that predicts; NotFittedError without one."""
        fitted = self._fitted
        if fitted is None:
            check_is_fitted(self)
        assert fitted is not None
        return fitted.model

    def _predict(
        self, X: Any, finish: Callable[[Any, FloatArray], Any], *, are_labels: bool = False
    ) -> Any:
        """What ``finish(outputs, values)`` makes of the values of all networks, in runs of rows.

        The values, of shape (n_checkpoints, K, n_rows, n_outputs), are in float64. What is made of
        them has the dtype of X if that is an array of float32, unless it is labels, or numbers in
        the units of y: where these differ little beside their size, float32 would make them equal.
        """
        model = self._model
        n_rows, dtype, chunks = model.value_chunks(self, X)
        finished = ((rows, finish(model.outputs, values)) for rows, values in chunks)
        if not (are_labels or self._are_numbers):
            finished = ((rows, found.astype(dtype, copy=False)) for rows, found in finished)
        return concatenate_chunks(finished, n_rows)

    def raw_outputs(self, X: Any) -> FloatArray:
        """Outputs of all networks as they come: logits, or numbers in units of each member's own.

        Parameters
        ----------
        X : {data frame, array-like} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_checkpoints, n_members, n_samples, n_outputs)
            In float64; in float32 if X is an array of that dtype.
        """
        model = self._model
        n_rows, _, chunks = model.raw_chunks(self, X)
        raw: FloatArray = concatenate_chunks(chunks, n_rows, axis=2)
        return raw

    def for_prediction(self) -> Self:
        """A copy of the fitted model without what only training leaves, to be deployed.

        The history, the out-of-fold predictions and the callbacks are left out. It predicts the
        same, bit for bit.

        Returns
        -------
        object
            Of the same class; it shares no array with this one.

        Raises
        ------
        NotFittedError
            If there is nothing to copy yet.
        """
        check_is_fitted(self)
        assert self._fitted is not None
        return copy_to_deploy(self, FittedEnsemble(self._fitted.model, self._fitted.outcome))

    # ---------------------------------------------------------------- fitted attributes

    @property
    def history_(self) -> HistoryTable:
        """A record of every epoch: its number, the training loss, and what it is judged by."""
        return self._history_from(0)

    def _history_from(self, begin: int) -> HistoryTable:
        """The same from an epoch on; -1 for the last one alone, for callbacks after every epoch."""
        history = None if self._fitted is None else self._fitted.history
        if self._fitted is None or history is None:
            raise no_history(self)
        prefix = "oof" if self._fitted.outcome.is_out_of_fold else "validation"
        return HistoryTable.of_joint(history, prefix, begin)

    @property
    def fitted_settings_(self) -> dict[str, Any]:
        """All settings of the training."""
        if self._fitted is None:
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute 'fitted_settings_': it is not "
                "fitted yet."
            )
        return dict(self._fitted.outcome.settings)

    # ---------------------------------------------------------------- copies and pickles

    def __copy__(self) -> Self:
        return shallow_copy(self)

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        if self._fitted is not None:
            state["_fitted"] = without_maps(self._fitted.to_dict())
        return {name: value for name, value in state.items() if name not in FIT_ONLY_ATTRIBUTES}

    def __setstate__(self, state: dict[str, Any]) -> None:
        if state.get("_fitted") is not None:
            state = {**state, "_fitted": FittedEnsemble.from_dict(state["_fitted"])}
        super().__setstate__(state)

    # ---------------------------------------------------------------- scikit-learn's questions

    def __sklearn_is_fitted__(self) -> bool:
        return self._fitted is not None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    @property
    def _doc_link_template(self) -> str:
        return documentation_link_template()
