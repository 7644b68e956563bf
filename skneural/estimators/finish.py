"""How a fit ends: the parameters to keep, a warning or an error, and what is left of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skneural.arrays.matrices import FloatArray, Matrix
from skneural.estimators.data import Data
from skneural.estimators.model import Fitted, Outcome
from skneural.estimators.plan import Plan, Start
from skneural.estimators.user_warnings import warn_user
from skneural.minimizers.changed import changed
from skneural.minimizers.history import History
from skneural.minimizers.run import FINISHED, Run
from skneural.minimizers.state import TrainingState, generator_from_state, generator_state

NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values "
    "and need to be preprocessed."
)

OUT_OF_EPOCHS = (
    "Stochastic Optimizer: Maximum iterations ({max_iter}) reached and the optimization hasn't "
    "converged yet."
)

#: What optimizers divide by, by its name in their states.
SQUARES_OF_GRADIENTS = ("second_moment", "sum_of_squares")

#: Reasons of the training itself to end with its last parameters, or its best.
ENDS_BY_ITSELF = ("converged", "early_stopping", "max_iter", "no_progress")

#: Parameters up to this size cannot make outputs infinite that were finite one step before.
SAFE_PARAMS = 1e6


def final_params(
    plan: Plan, state: TrainingState, reason: str, X: Matrix, *, restores_best: bool
) -> FloatArray:
    """Choose the parameters to keep; raise where the training went wrong.

    Parameters
    ----------
    plan : Plan
    state : TrainingState
        Of a training that is over.
    reason : str
        Why it ended.
    X : {ndarray, sparse matrix} of shape (n_rows, n_features)
        The rows trained on.
    restores_best : bool
        Whether to return to the best epoch, where there is one.

    Returns
    -------
    params : ndarray of shape (n_params,)
        `state.params` itself, or an array that training never writes to.

    Raises
    ------
    ValueError
        If the training diverged, and there is no best epoch to return to.
    """
    n_iter, history = state.record.n_iter, state.record.histories[0]
    if restores_best and history.best_params is not None:
        params = history.best_params
    elif reason == "not_finite":
        raise ValueError(f"{NOT_FINITE} The loss of epoch {n_iter} was {state.record.loss}.")
    else:
        for name in SQUARES_OF_GRADIENTS:
            squares = state.optimizer.get(name)
            if isinstance(squares, np.ndarray) and not np.isfinite(np.max(squares, initial=0)):
                raise ValueError(
                    f"The squares of gradients up to epoch {n_iter} are not finite in "
                    f"{squares.dtype}: some parameters would never move again. The input data may "
                    "contain large values and need to be preprocessed."
                )
        # An array of its own: the average goes on moving when the training goes on.
        params = state.params if state.model is state.params else state.model.copy()
    # Without an array of absolute values, which would be the peak of memory of the whole fit.
    largest = max(np.max(params, initial=0), -np.min(params, initial=0))
    if not np.isfinite(largest):
        raise ValueError(NOT_FINITE)
    # The loss is that before the last step, which may have been one too far.
    if largest > SAFE_PARAMS:
        with np.errstate(over="ignore", invalid="ignore"):
            model_params = params if plan.to_model is None else plan.to_model(params)
            model = plan.template.with_params(model_params)
            raw = model.network.predict_raw(model.params, X)
        if not np.all(np.isfinite(raw)):
            raise ValueError(
                f"{NOT_FINITE} The outputs for the training rows are not finite any more after "
                f"epoch {n_iter}: the learning rate may be too high."
            )
    return params


def finished(
    plan: Plan, run: Run, reason: str, data: Data, start: Start, settings: dict[str, Any]
) -> Fitted:
    """What a training leaves that is over; warn where it did not end as it should have.

    Parameters
    ----------
    plan : Plan
    run : Run
        After its last epoch.
    reason : str
        Why it ended.
    data : Data
    start : Start
    settings : dict
        The parameters of the estimator.

    Raises
    ------
    ValueError
        See `final_params`.
    """
    is_over = start.mode != "partial_fit"  # after which more will come
    restores_best = plan.restores_best and is_over
    params = final_params(plan, run.state, reason, data.rows.X, restores_best=restores_best)
    history = run.state.record.histories[0]
    if reason == "not_finite" and plan.restores_best:
        warn_user(
            f"The training loss is no longer finite after epoch {run.state.record.n_iter}. The "
            "weights of the best epoch are restored. The learning rate may be too high, or "
            "the data need to be scaled.",
            ConvergenceWarning,
        )
    if history.best_validation_score == -np.inf and history.validation("validation_score"):
        warn_user(
            "No epoch had a validation score that is a number, so that none could be selected as "
            "the best. The metric may not be defined for the validation rows, for instance "
            "because they lack classes.",
            UserWarning,
        )
    complaints = []
    if is_over and reason in ("max_iter", "no_progress"):
        warning = plan.convergence_warning
        complaints.append(warning if isinstance(warning, str) else warning(run, reason))
    if is_over and plan.learning_check is not None and reason in ENDS_BY_ITSELF:
        complaints.append(plan.learning_check(params))
    message = " ".join(filter(None, complaints))
    if message:
        warn_user(message, ConvergenceWarning)
    return _fitted(plan, run.state, params, reason, data, start, settings, restores_best)


def snapshot_of(
    plan: Plan, state: TrainingState, data: Data, start: Start, settings: dict[str, Any]
) -> dict[str, Any] | None:
    """What would change in the estimator if the training ended here, in copies."""
    if state.record.n_iter == 0 or not math.isfinite(state.record.loss):
        return None
    generators = {
        name: generator_from_state(generator_state(each), type(each))
        for name, each in state.generators.items()
    }
    state = changed(state.copy(), generators=generators)
    params = state.params if state.model is state.params else state.model.copy()
    return {"_fitted": _fitted(plan, state, params, "", data, start, settings, False)}


def _fitted(
    plan: Plan,
    state: TrainingState,
    params: FloatArray,
    reason: str,
    data: Data,
    start: Start,
    settings: dict[str, Any],
    holds_best: bool,
) -> Fitted:
    """The fitted object of a state, with these parameters for the model."""
    record, history = state.record, state.record.histories[0]
    model_params = params if plan.to_model is None else plan.to_model(params)
    model = plan.template.with_params(model_params)
    best_score = history.best_validation_score
    best_loss = history.best_loss
    if history.n_rows == 0 and not plan.stopping.by_score:
        # The training has begun at the optimum: its loss is noted, and no epoch was needed.
        best_loss = record.loss
    outcome = Outcome(
        record.n_iter,
        record.n_samples_seen,
        record.loss,
        best_loss,
        history.best_iteration,
        None if best_score == -math.inf else best_score,
        reason,
    )
    can_be_resumed = start.mode != "partial_fit" and reason not in FINISHED
    are_the_models = params is state.params and plan.to_model is None
    if are_the_models or not ("average" in state.optimizer or can_be_resumed):
        n_params = len(state.params) if plan.to_model is None else None
        state = changed(state, params=model.params[:n_params])
    if not plan.records_epochs:
        history = History()
    elif params is history.best_params or not can_be_resumed:
        history = changed(history, best_params=None)
    optimizer, generators = dict(state.optimizer), dict(state.generators)
    for name in state.optimizer:
        if name.startswith("scratch"):
            del optimizer[name]
    if start.seed is None:
        generators.pop("shuffle", None)
    origin = changed(plan.origin, holds_best=holds_best)
    if can_be_resumed:
        origin = changed(
            origin,
            settings=settings,
            generator_start=start.begun_at or None,
            n_fit_rows=len(data.rows.target),
            fit_weight=data.total_weight,
        )
    state = changed(
        state,
        optimizer=optimizer,
        record=changed(record, histories=(history,)),
        generators=generators,
        minimizer=state.minimizer if can_be_resumed else {},
    )
    return Fitted(model, outcome, state, origin)
