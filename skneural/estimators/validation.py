"""Validation rows: which they are, and what a network makes of them."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from typing import Any

import joblib
import numpy as np
import sklearn.metrics
from sklearn.metrics import average_precision_score, get_scorer

from skneural.arrays.matrices import FloatArray, IndexArray, contents
from skneural.arrays.taken_rows import gathered
from skneural.estimators.checks import as_score
from skneural.estimators.data import LabelledRows
from skneural.estimators.digest import digest
from skneural.estimators.model import Fitted, Model, Outcome
from skneural.estimators.sklearn_private import with_all_labels
from skneural.estimators.split import drawn_split, naming_the_sides
from skneural.estimators.target_contract import Targets
from skneural.estimators.targets import Labels
from skneural.losses import Loss, LossBuffers
from skneural.minimizers.history import NO_VALIDATION, Validation
from skneural.network import Network
from skneural.workspace import PredictionMemory

#: ``score(params, raw) -> float``
Score = Callable[[FloatArray, FloatArray], float]


class Validator:
    """Evaluates parameters by the loss and a score of validation rows.

    Parameters
    ----------
    rows : LabelledRows
    network : Network
    loss : Loss
        For the outputs of this network.
    score : callable or None, default=None
        ``score(params, raw) -> float`` of these rows; `raw` are their raw outputs, which it may
        overwrite. None for the loss with its sign changed.
    """

    def __init__(
        self, rows: LabelledRows, network: Network, loss: Loss, score: Score | None = None
    ) -> None:
        self._X = rows.X
        self._target = rows.target.astype(rows.X.dtype, copy=False)
        self._weight = rows.weight
        self._total_weight = float(len(rows.target))
        if rows.weight is not None:
            self._total_weight = float(rows.weight.sum(dtype=np.float64))
        if loss.reports_mean_over_outputs:
            self._total_weight *= network.n_outputs
        self._network = network
        self._loss = loss
        self._score = score
        shape = (len(rows.target), network.n_outputs)
        gradient: FloatArray = np.empty(shape, dtype=self._target.dtype)
        self._buffers = LossBuffers(gradient, gradient[:, :1].copy(), np.empty_like(gradient))
        self._memory = PredictionMemory(network, rows.X.dtype)

    def __call__(self, params: FloatArray) -> Validation:
        """Score and loss of these parameters."""
        raw = self._network.predict_raw(params, self._X, self._memory)
        if not np.all(np.isfinite(raw)):
            return NO_VALIDATION
        losses = self._loss.value_and_gradient(raw.copy(), self._target, self._buffers)
        total = losses.sum() if self._weight is None else np.dot(losses, self._weight)
        loss = float(total) / self._total_weight
        return Validation(-loss if self._score is None else self._score(params, raw), loss)


def scorer_of(estimator: Any, metric: Any, model: Model, rows: LabelledRows) -> Score:
    """The score of `rows` by one of scikit-learn's scorers, for a network under training.

    Parameters
    ----------
    estimator : estimator
    metric : str or callable
        Name of a scorer, or ``metric(estimator, X, y)``. It is given the weights of the rows, as
        ``sample_weight``, if it takes them; one of scikit-learn's that reads probabilities also
        all labels, of which the rows may lack some.
    model : Model
        Everything but its parameters is as it will be when the training is over.
    rows : LabelledRows
    """
    scorer = as_scorer(metric)
    y, targets = rows.y, model.targets
    if isinstance(targets, Labels) and not targets.multilabel:
        scorer = with_all_labels(scorer, targets.classes)
        if (
            getattr(scorer, "_score_func", None) is average_precision_score
            and len(targets.classes) > 2
        ):
            y = rows.target  # it takes no labels, but a column of zeros and ones for each
    weight = {}
    if rows.weight is not None and takes_weights(scorer):
        weight = {"sample_weight": rows.weight}
    # One of its own, since the estimator stays what it was until the training is over. The rows
    # have been through validation: that they have no names any more is nothing to warn of.
    scored = copy(estimator)
    nameless = Model(
        model.n_features, None, model.layer_sizes, model.activation, model.params, model.targets
    )

    def score(params: FloatArray, raw: FloatArray) -> float:
        scored._fitted = Fitted(nameless.with_params(params), Outcome())
        with naming_the_metric(metric):
            found = scorer(scored, rows.X, y, **weight)
        return as_score(found, "early_stopping_metric")

    return score


@contextmanager
def naming_the_metric(metric: Any) -> Iterator[None]:
    """Say in an error of a metric of scikit-learn, given by name, which parameter it is.

    It is a ValueError, or an AttributeError where the estimator lacks the method for the metric.
    """
    try:
        yield
    except (ValueError, AttributeError) as error:
        if not isinstance(metric, str) or type(error) not in (ValueError, AttributeError):
            raise
        raise ValueError(
            f"early_stopping_metric={metric!r} cannot be computed here: {error}"
        ) from error


def as_scorer(metric: Any) -> Any:
    """The scorer that the parameter `early_stopping_metric` stands for.

    Raises
    ------
    ValueError
        If it is one of scikit-learn's metrics, which take labels and predictions.
    """
    if isinstance(metric, str):
        return get_scorer(metric)
    name = str(getattr(metric, "__name__", ""))
    if name and getattr(sklearn.metrics, name, None) is metric:
        raise ValueError(
            f"early_stopping_metric={name} is a metric of labels and predictions, and a scorer is "
            f"needed, scorer(estimator, X, y): sklearn.metrics.make_scorer({name}) makes one of "
            "it, or give the name of one, such as 'accuracy'."
        )
    return metric


def takes_weights(scorer: Callable[..., float]) -> bool:
    """Whether a scorer can be given the weights of the rows."""
    # One of scikit-learn's takes everything, and hands it on to the metric it is made of.
    parameters = inspect.signature(getattr(scorer, "_score_func", scorer)).parameters.values()
    return any(
        parameter.name == "sample_weight" or parameter.kind is parameter.VAR_KEYWORD
        for parameter in parameters
    )


def split_rows(
    targets: Targets,
    target: Any,
    validation_fraction: float,
    generator: np.random.RandomState,
) -> tuple[IndexArray, IndexArray]:
    """Rows to train on, and rows held out.

    Raises
    ------
    ValueError
        If fewer than two rows are held out, or none is left to train on; for two classes, if one
        side cannot have rows of both.
    """
    n_rows = len(target)
    n_validation = math.ceil(validation_fraction * n_rows)
    strata = targets.strata(target, n_validation) if n_validation < n_rows else None
    counts, labels = None, None
    if isinstance(targets, Labels) and targets.is_binary:
        counts, labels = targets.counts(target), targets.classes.tolist()
    with naming_the_sides(validation_fraction, n_rows, counts, labels):
        train, held_out = drawn_split(n_rows, strata, validation_fraction, generator)
    if len(held_out) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of "
            f"your dataset: validation_fraction={validation_fraction} of {len(target)} "
            f"rows leaves {len(held_out)}, at least 2 are needed."
        )
    return train, held_out


def validator_of(
    estimator: Any, metric: Any, model: Model, network: Network, loss: Loss, rows: LabelledRows
) -> Validator:
    """What evaluates parameters by these rows.

    Parameters
    ----------
    estimator : estimator
    metric : str or callable
        'score' for accuracy or the score of the loss, 'loss', or see `scorer_of`.
    model : Model
    network : Network
        That is trained.
    loss : Loss
    rows : LabelledRows
    """
    if rows.weight is not None and not np.any(rows.weight):
        raise ValueError("sample_weight is zero for every row held out by early_stopping.")
    if metric == "loss":
        return Validator(rows, network, loss)
    if metric != "score":
        rows = replace(rows, X=gathered(rows.X))  # a scorer is given an array
        return Validator(rows, network, loss, scorer_of(estimator, metric, model, rows))

    def default_score(params: FloatArray, raw: FloatArray) -> float:
        return model.targets.score(raw, rows.target, rows.weight)

    return Validator(rows, network, loss, default_score)


def rows_of_criterion(criterion: str) -> str:
    """What a criterion says of the validation rows."""
    return criterion.rpartition(" ")[2]


def as_stored(criterion: str, stored: str, own: LabelledRows) -> str:
    """A criterion by these rows, in which they are named as in a file that has the same ones.

    Earlier versions counted what lies in other memory for other rows.
    """
    before = joblib.hash((own.X, own.target, own.weight))
    if rows_of_criterion(stored) != before:
        return criterion
    return f"{criterion.rpartition(' ')[0]} {before}"


def selection_criterion(metric: Any, loss: Loss, own: LabelledRows | None) -> str:
    """Names what the best epoch is selected by, if there are validation rows.

    Best scores under different criteria or rows are not comparable.
    """
    rows = "held out"
    if own is not None:
        target = own.target
        if target.dtype != bool:
            target = np.ascontiguousarray(target, dtype=np.float64) + 0.0  # no zero is negative
        rows = joblib.hash((contents(own.X), target, own.weight))
    name = metric if isinstance(metric, str) else digest(metric).hex()
    return f"{name} {digest(loss).hex()} {rows}"
