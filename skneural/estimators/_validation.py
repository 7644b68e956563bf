"""Validation rows: what a network makes of rows that it is not trained on."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import get_scorer

from skneural._arrays import FloatArray, IndexArray, Matrix
from skneural.losses import Loss, LossBuffers
from skneural.monitoring import Validation
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
        Name of a scorer, or ``metric(estimator, X, y)``.
    rows : LabelledRows
    """
    scorer = get_scorer(metric) if isinstance(metric, str) else metric
    weight = {} if rows.weight is None else {"sample_weight": rows.weight}
    # Of its own, since the estimator stays what it was until the training is over. The rows have
    # been through validation: that they have no names any more is nothing to warn of.
    judged = copy(estimator)
    judged.__dict__.pop("feature_names_in_", None)

    def score(params: FloatArray, raw: FloatArray) -> float:
        judged._params = params
        return float(scorer(judged, rows.X, rows.y, **weight))

    return score
