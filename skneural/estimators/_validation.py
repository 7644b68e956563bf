"""Validation rows: which they are, and what a network makes of them."""

from __future__ import annotations

import inspect
import math
from abc import abstractmethod
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.metrics import get_scorer
from sklearn.model_selection import train_test_split

from skneural._arrays import FloatArray, IndexArray, Matrix, rows_as_csr
from skneural._sklearn import check_sample_weight
from skneural.estimators._checks import refuse_masked, saying_where
from skneural.estimators._class_weight import weighted_by_class
from skneural.estimators._memory import Memory, generator_from_state, generator_state
from skneural.losses import Loss, LossBuffers
from skneural.monitoring import NO_VALIDATION, Validation
from skneural.network import Network


@dataclass(frozen=True)
class LabelledRows:
    """Rows with all that is known of them.

    Attributes
    ----------
    X : {ndarray, sparse matrix} of shape (n_rows, n_features)
    y : array-like of shape (n_rows,) or (n_rows, n_outputs)
        Labels or numbers as the user gave them.
    target : ndarray of shape (n_rows, n_outputs)
        The same as the network is to put them out.
    weight : ndarray of shape (n_rows,) or None
    """

    X: Matrix
    y: Any
    target: npt.NDArray[Any]
    weight: FloatArray | None

    def take(self, index: IndexArray) -> LabelledRows:
        """The rows with these numbers."""
        weight = None if self.weight is None else self.weight[index]
        return LabelledRows(self.X[index], self.y[index], self.target[index], weight)


class Validator:
    """Judges parameters by the loss and a score of validation rows.

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
        self,
        rows: LabelledRows,
        network: Network,
        loss: Loss,
        score: Callable[[FloatArray, FloatArray], float] | None = None,
    ) -> None:
        self._X = rows.X
        self._target = rows.target.astype(rows.X.dtype, copy=False)
        self._weight: FloatArray | None = None
        self._total_weight = float(len(rows.target))
        if rows.weight is not None:
            self._weight = np.repeat(rows.weight[:, np.newaxis], rows.target.shape[1], axis=1)
            self._total_weight = float(rows.weight.sum(dtype=np.float64))
        if loss.averages_outputs:
            self._total_weight *= rows.target.shape[1]
        self._network = network
        self._loss = loss
        self._score = score
        gradient: FloatArray = np.empty_like(self._target)
        self._buffers = LossBuffers(gradient, gradient[:, :1].copy(), np.empty_like(gradient))

    def __call__(self, params: FloatArray) -> Validation:
        raw = self._network.predict_raw(params, self._X)
        if not np.all(np.isfinite(raw)):
            return NO_VALIDATION
        total = self._loss.value_and_gradient(raw.copy(), self._target, self._weight, self._buffers)
        loss = total / self._total_weight
        return Validation(-loss if self._score is None else self._score(params, raw), loss)


def scorer_of(estimator: Any, metric: Any, rows: LabelledRows) -> Callable[..., float]:
    """The score of `rows` by one of scikit-learn's scorers, for a network under training.

    Parameters
    ----------
    estimator : estimator
        Everything but its parameters is as it will be when the training is over.
    metric : str or callable
        Name of a scorer, or ``metric(estimator, X, y)``. It is given the weights of the rows, as
        ``sample_weight``, if it takes them.
    rows : LabelledRows
    """
    scorer = get_scorer(metric) if isinstance(metric, str) else metric
    weight = {}
    if rows.weight is not None and _takes_weights(scorer):
        weight = {"sample_weight": rows.weight}
    # Of its own, since the estimator stays what it was until the training is over. The rows have
    # been through validation: that they have no names any more is nothing to warn of.
    judged = copy(estimator)
    judged.__dict__.pop("feature_names_in_", None)

    def score(params: FloatArray, raw: FloatArray) -> float:
        judged._params = params
        return float(scorer(judged, rows.X, rows.y, **weight))

    return score


def _takes_weights(scorer: Callable[..., float]) -> bool:
    # One of scikit-learn's takes everything, and hands it on to the metric it is made of.
    parameters = inspect.signature(getattr(scorer, "_score_func", scorer)).parameters.values()
    return any(
        parameter.name == "sample_weight" or parameter.kind is parameter.VAR_KEYWORD
        for parameter in parameters
    )


class ValidationMixin(BaseEstimator):
    """Where validation rows come from, and how they judge.

    A subclass knows how to validate data and to encode targets.
    """

    @property
    @abstractmethod
    def _trained_network(self) -> Network:
        """The network that is trained."""

    @abstractmethod
    def _loss(self) -> Loss:
        """The loss for the outputs of the network."""

    @abstractmethod
    def _validated(
        self, X: Any, y: Any, continuing: bool, dtypes: tuple[type, ...] | None = None
    ) -> tuple[Any, Any]:
        """X and y as arrays."""

    @abstractmethod
    def _encode_more_targets(self, y: Any) -> npt.NDArray[Any]:
        """Targets of other rows, after those of the training rows have been encoded."""

    @abstractmethod
    def _validation_score(
        self, raw: FloatArray, target: npt.NDArray[Any], sample_weight: FloatArray | None
    ) -> float:
        """Score raw outputs against encoded targets: the higher, the better."""

    def _strata(self, target: npt.NDArray[Any], n_validation: int) -> npt.NDArray[Any] | None:
        """What to stratify a split into training and validation rows by; None for nothing."""
        return None

    @property
    def _metric(self) -> Any:
        """What the best epoch is told by: 'score', 'loss', the name of a scorer, or a scorer."""
        return "score"

    def _is_judged(self, own_validation: LabelledRows | None) -> bool:
        """Whether there are validation rows: the user's own, or those held out."""
        return own_validation is not None or bool(self.early_stopping)

    def _restores_best(self, own_validation: LabelledRows | None) -> bool:
        """Whether to keep the parameters of the best epoch, not of the last."""
        return bool(self.early_stopping) and self._is_judged(own_validation)

    def _own_validation(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        by_class: FloatArray | None,
        dtype: np.dtype[Any],
    ) -> LabelledRows | None:
        """The validation rows that the user passed to fit, if there are any."""
        if X is None and y is None and sample_weight is None:
            return None
        if X is None or y is None:
            raise ValueError(
                "X_val and y_val go together, and sample_weight_val needs both: got "
                f"X_val {'given' if X is not None else 'missing'}, "
                f"y_val {'given' if y is not None else 'missing'}."
            )
        refuse_masked(X_val=X, y_val=y, sample_weight_val=sample_weight)
        with saying_where("the validation rows (X_val, y_val, sample_weight_val)"):
            X, y = self._validated(X, y, True, dtypes=(dtype.type,))
            target = self._encode_more_targets(y)
            weight = check_sample_weight(sample_weight, X)
            weight = weighted_by_class(weight, by_class, target, dtype)
        return LabelledRows(rows_as_csr(X), y, target, weight)

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

    def _validator(self, rows: LabelledRows) -> Validator:
        """What judges parameters by these rows."""
        if rows.weight is not None and not np.any(rows.weight):
            raise ValueError("sample_weight is zero for every row held out by early_stopping.")
        metric, network, loss = self._metric, self._trained_network, self._loss()
        if metric == "loss":
            return Validator(rows, network, loss)
        if metric != "score":
            return Validator(rows, network, loss, scorer_of(self, metric, rows))

        def default_score(params: FloatArray, raw: FloatArray) -> float:
            return self._validation_score(raw, rows.target, rows.weight)

        return Validator(rows, network, loss, default_score)

    def _judge(self, own_validation: LabelledRows | None) -> str:
        """Names what the best epoch is told by: the bests of two judges cannot be compared."""
        if not self._is_judged(own_validation):
            return "training loss"
        rows = "held out"
        if own_validation is not None:
            rows = joblib.hash((own_validation.X, own_validation.target, own_validation.weight))
        return f"{self._metric} {self._loss()} {rows}"
