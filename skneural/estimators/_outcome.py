"""What to make of the way a training ended: parameters to keep, a warning, or an error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skneural._arrays import FloatArray
from skneural.estimators._warnings import warn_user
from skneural.training import Training

NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values "
    "and need to be preprocessed."
)

OUT_OF_EPOCHS = (
    "Stochastic Optimizer: Maximum iterations ({max_iter}) reached and the optimization hasn't "
    "converged yet."
)


@contextmanager
def all_or_nothing(estimator: Any) -> Iterator[None]:
    """Undo every change to the attributes of an estimator if the block raises.

    Training never writes into an array or list that is already an attribute, so that the
    dict of attributes is all there is to put back.
    """
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        attributes = estimator.__dict__
        # Never empty, not for a moment: another thread may be predicting.
        attributes.update(before)
        for name in attributes.keys() - before.keys():
            del attributes[name]
        raise


def settle(training: Training, *, restores_best: bool, complaint: str) -> FloatArray:
    """Choose the parameters to keep; warn or raise where the training went wrong.

    Parameters
    ----------
    training : Training
        A training that is over.
    restores_best : bool
        Whether to return to the best epoch, where there is one.
    complaint : str
        What to warn of if the training has not converged; empty where it need not.

    Returns
    -------
    params : ndarray of shape (n_params,)

    Raises
    ------
    ValueError
        If the training diverged, and there is no best epoch to return to.
    """
    best_params = training.record.best_params
    if restores_best and best_params is not None:
        params = best_params
        if training.stop_reason == "not_finite":
            warn_user(
                f"The training loss is no longer finite after epoch {training.n_epochs}. The "
                "weights of the best epoch are restored. The learning rate may be too high, or "
                "the data need to be scaled.",
                ConvergenceWarning,
            )
    elif training.stop_reason == "not_finite":
        raise ValueError(f"{NOT_FINITE} The loss of epoch {training.n_epochs} was {training.loss}.")
    else:
        # An array of its own: the average goes on moving when the training goes on.
        params = training.params if training.model is training.params else training.model.copy()
    if not np.all(np.isfinite(params)):
        raise ValueError(NOT_FINITE)
    scores = training.record.validation_scores
    if scores and training.record.best_validation_score == -np.inf:
        warn_user(
            "No epoch had a validation score that is a number, so that none could be told to be "
            "the best. The metric may not be defined for the validation rows, for instance "
            "because they lack classes.",
            UserWarning,
        )
    if complaint and training.stop_reason in ("max_iter", "no_progress"):
        warn_user(complaint, ConvergenceWarning)
    return params
