"""Epochs selected by a metric of the user's: scorers need an estimator that predicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np

from skneural.arrays.matrices import FloatArray
from skneural.estimators.checks import as_score
from skneural.estimators.containers import take
from skneural.estimators.sklearn_private import with_all_labels
from skneural.estimators.tabular.data import TableRows
from skneural.estimators.tabular.ensemble import FittedEnsemble, TableOutcome
from skneural.estimators.tabular.judging import JudgedRows, Metric
from skneural.estimators.tabular.outputs import Classes, NumbersOfMembers
from skneural.estimators.validation import as_scorer, naming_the_metric, takes_weights


@dataclass(frozen=True, eq=False)
class KnownValues:
    """Stands in for a model where what it predicts is known: for the judged rows, in their order.

    Attributes
    ----------
    outputs : Classes or NumbersOfMembers
    values : ndarray of shape (n_judged, n_outputs)
    features : TableRows
        Whose columns it has.
    X : data frame, array or list
        The judged rows, as the metric is given them.
    """

    outputs: Classes | NumbersOfMembers
    values: FloatArray
    features: TableRows
    X: Any

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"A metric that selects epochs can ask for predictions: amid a fit the model has no "
            f"{name!r}."
        )

    @property
    def n_features(self) -> int:
        """Number of columns of the table."""
        return self.features.n_features

    @property
    def feature_names(self) -> Any:
        """Their names, if all are strings."""
        return self.features.feature_names

    def value_chunks(
        self, estimator: Any, X: Any
    ) -> tuple[int, str, Iterator[tuple[slice, FloatArray]]]:
        """The values, if X is the judged rows."""
        n_rows = len(self.values)
        if X is not self.X and not _are_same(X, self.X):
            raise ValueError(
                f"A metric that selects epochs can predict for the {n_rows} rows that it is given, "
                "as they are and in their order: each is predicted by the members that have left "
                "it out. For other rows there is no prediction amid a fit."
            )
        chunk = self.values[np.newaxis, np.newaxis]
        return n_rows, "float64", iter([(slice(0, n_rows), chunk)])

    def raw_chunks(self, estimator: Any, X: Any) -> Any:
        """ValueError: there are no raw outputs of all networks for rows that each has left out."""
        raise ValueError(
            "A metric that selects epochs can ask for predictions, not for raw_outputs: each row "
            "is predicted by the members that have left it out."
        )


def metric_of(
    estimator: Any,
    X: Any,
    rows: TableRows,
    judged: JudgedRows,
    outputs_of: Callable[[FloatArray], Classes | NumbersOfMembers],
) -> Metric:
    """The metric that the parameter `early_stopping_metric` stands for.

    Parameters
    ----------
    estimator : estimator
    X : data frame, array or list
        As the user has passed it, with the judged rows.
    rows : TableRows
        Those of X that count.
    judged : JudgedRows
    outputs_of : callable
        ``outputs_of(temperatures)``.
    """
    metric = estimator.early_stopping_metric
    if metric == "score":
        metric = "r2"  # only where it is no function of the loss
    scorer = as_scorer(metric)
    outputs = outputs_of(np.ones(1))
    if isinstance(outputs, Classes):
        scorer = with_all_labels(scorer, outputs.labels.classes)
    index = judged.rows
    y = rows.y[index]
    weight = {}
    if rows.weight is not None and takes_weights(scorer):
        weight = {"sample_weight": rows.weight[index]}
    of_user = index if rows.kept is None else np.flatnonzero(rows.kept)[index]
    X = take(X, of_user)
    scored = copy(estimator)
    outcome = TableOutcome(0, np.zeros(1, dtype=np.intp), np.nan, True, "", {})

    def score(values: FloatArray) -> float:
        known = KnownValues(outputs, values, rows, X)
        scored._fitted = FittedEnsemble(known, outcome)  # type: ignore[arg-type]
        with naming_the_metric(metric):
            found = scorer(scored, X, y, **weight)
        return as_score(found, "early_stopping_metric")

    return score


def _are_same(X: Any, other: Any) -> bool:
    """Whether two tables have the same elements, in containers of any kind."""
    return bool(joblib.hash(np.asarray(X)) == joblib.hash(np.asarray(other)))
