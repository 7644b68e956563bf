"""What to make of the way a training ended: parameters to keep, a warning, or an error."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skneural.estimators._warnings import warn_user
from skneural.training import Training

NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values "
    "and need to be preprocessed."
)


def settle(training: Training, settings: Any, incremental: bool) -> None:
    """Choose the parameters to keep; warn or raise where the training went wrong.

    Parameters
    ----------
    training : Training
        A training that is over. Its parameters become those of the best validation score
        where there is one.
    settings : estimator
        Has the constructor parameters `solver`, `early_stopping`, `max_iter` and `max_fun`.
    incremental : bool
        Whether this was partial_fit, which is not expected to converge.

    Raises
    ------
    ValueError
        If the training diverged, and there is no best epoch to return to.
    """
    stochastic = settings.solver != "lbfgs"
    best_params = training.record.best_params
    if stochastic and settings.early_stopping and best_params is not None:
        training.params = best_params
        if training.stop_reason == "not_finite":
            warn_user(
                f"The training loss is no longer finite after epoch {training.n_epochs}. The "
                "weights of the best validation score are restored. The learning rate may be "
                "too high, or the data need to be scaled.",
                ConvergenceWarning,
            )
    elif training.stop_reason == "not_finite":
        raise ValueError(f"{NOT_FINITE} The loss of epoch {training.n_epochs} was {training.loss}.")
    if not np.all(np.isfinite(training.params)):
        raise ValueError(NOT_FINITE)
    if stochastic and training.stop_reason == "max_iter" and not incremental:
        warn_user(
            f"Stochastic Optimizer: Maximum iterations ({settings.max_iter}) reached and the "
            "optimization hasn't converged yet.",
            ConvergenceWarning,
        )
    if not stochastic and training.stop_reason in ("max_iter", "no_progress"):
        warn_user(
            f"lbfgs failed to converge after {training.n_epochs} iteration(s) "
            f"({training.message}). Increase max_iter (now {settings.max_iter}) or max_fun (now "
            f"{settings.max_fun}), or scale the data.",
            ConvergenceWarning,
        )
