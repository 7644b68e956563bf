"""Fitted multilayer perceptrons, from ours to scikit-learn's and back."""

from __future__ import annotations

import inspect
import math
from copy import deepcopy
from typing import Any

import numpy as np
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_random_state

from skneural.activations import activation_named
from skneural.estimators.conversion.accepted import check_accepted, parameters_of
from skneural.estimators.conversion.mlp_moments import (
    optimizer_from_sklearn,
    optimizer_to_sklearn,
    split_by_layer,
)
from skneural.estimators.conversion.mlp_settings import (
    LOSSES,
    expressed_settings,
    output_activation,
)
from skneural.estimators.conversion.parameters import warn_of_lost
from skneural.estimators.mlp.layer_arrays import stacked_layers
from skneural.estimators.mlp.parameters import loss_of
from skneural.estimators.model import Fitted, Model, Origin, Outcome
from skneural.estimators.problem import TRAINING_LOSS
from skneural.estimators.targets import Labels, Numbers
from skneural.estimators.validation import selection_criterion
from skneural.minimizers.history import Epoch, History
from skneural.minimizers.state import Record, TrainingState

# ---------------------------------------------------------------- to scikit-learn


def network_to_sklearn(estimator: Any, kind: Any, ours: type) -> Any:
    """A fitted network of scikit-learn that predicts the same.

    Parameters
    ----------
    estimator : ScratchMLPClassifier or ScratchMLPRegressor
        Fitted.
    kind : type
        MLPClassifier or MLPRegressor.
    ours : type
        The class that it stands in for.

    Raises
    ------
    TypeError, NotFittedError
        As `parameters_of`.
    ValueError
        If scikit-learn's network cannot predict the same.
    """
    given = parameters_of(estimator, ours)
    fitted: Fitted = estimator._fitted  # read once, whatever other threads do meanwhile
    model = fitted.model
    out_activation = output_activation(model, kind)
    params, lost = expressed_settings(estimator, given, model, kind, out_activation)
    twin = kind(**params)
    twin.n_features_in_ = model.n_features
    if model.feature_names is not None:
        twin.feature_names_in_ = np.array(model.feature_names)
    if isinstance(model.targets, Labels):
        twin._label_binarizer = binarizer_of(model.targets)
        twin.classes_ = twin._label_binarizer.classes_
    twin.n_outputs_ = model.targets.n_outputs
    twin.n_layers_ = len(model.layer_sizes)
    twin.out_activation_ = out_activation
    twin.coefs_, twin.intercepts_ = split_by_layer(model.network, model.params)
    _set_progress(twin, estimator, fitted)
    warn_of_lost(estimator, kind, lost)
    return twin


def binarizer_of(labels: Labels) -> LabelBinarizer:
    """What scikit-learn's classifiers encode labels by, as if it had seen all of them."""
    binarizer = LabelBinarizer()
    n_classes = len(labels.classes)
    # Learnt from numbers in the place of the labels, whose dtype it would change for objects.
    numbers = np.eye(n_classes, dtype=int) if labels.multilabel else np.arange(n_classes)
    binarizer.fit(numbers)
    binarizer.classes_ = np.array(labels.classes)
    binarizer.sparse_input_ = labels.sparse_output
    return binarizer


def _set_progress(twin: Any, estimator: Any, fitted: Fitted) -> None:
    """How far the training came, and what it goes on from."""
    outcome, state = fitted.outcome, fitted.state
    twin.n_iter_ = int(outcome.n_iter)
    twin.t_ = int(outcome.n_samples_seen)
    twin.loss_ = np.float64(outcome.loss)
    twin._random_state = check_random_state(twin.random_state)
    # Arrays of their own, unlike scikit-learn's, which trains its best weights when it goes on.
    twin._best_coefs = [weights.copy() for weights in twin.coefs_]
    twin._best_intercepts = [intercepts.copy() for intercepts in twin.intercepts_]
    if twin.solver == "lbfgs":
        return
    history = History() if state is None else state.record.history
    twin.loss_curve_ = [np.float64(loss) for loss in history.column("loss")]
    twin._no_improvement_count = history.no_improvement_count
    twin.best_loss_ = twin.validation_scores_ = twin.best_validation_score_ = None
    if twin.early_stopping:
        best_score = outcome.best_validation_score
        twin.validation_scores_ = history.validation("validation_score") or []
        twin.best_validation_score_ = -np.inf if best_score is None else float(best_score)
    else:
        best_loss = outcome.best_loss
        twin.best_loss_ = np.float64(np.inf if best_loss is None else best_loss)
    twin._optimizer = optimizer_to_sklearn(twin, estimator, fitted)


# ---------------------------------------------------------------- from scikit-learn


def network_from_sklearn(cls: Any, twin: Any, kind: Any) -> Any:
    """A network of ours that predicts the same as a fitted one of scikit-learn.

    Parameters
    ----------
    cls : type
        ScratchMLPClassifier, ScratchMLPRegressor or a subclass.
    twin : MLPClassifier or MLPRegressor
        Fitted.
    kind : type
        Which of the two it has to be.

    Raises
    ------
    NotFittedError, TypeError
        See `check_accepted`.
    ValueError
        If its classes are a single one, or its layers do not fit onto each other.
    """
    check_accepted(twin, kind, cls)
    # Files of earlier versions lack the parameters that have come since.
    names = [name for name in inspect.signature(kind).parameters if hasattr(twin, name)]
    estimator = cls(**{name: deepcopy(getattr(twin, name)) for name in names})
    layer_sizes, params = stacked_layers(twin.coefs_, twin.intercepts_, None)
    names_in = getattr(twin, "feature_names_in_", None)
    model = Model(
        layer_sizes[0],
        None if names_in is None else np.array(names_in),
        layer_sizes,
        activation_named(twin.activation),
        params,
        _targets_of(twin, layer_sizes[-1]),
    )
    estimator._fitted = _fitted_from(twin, estimator, model)
    return estimator


def _targets_of(twin: Any, n_outputs: int) -> Labels | Numbers:
    if not hasattr(twin, "classes_"):
        return Numbers(LOSSES[twin.out_activation_][1](), n_outputs)
    classes = np.array(twin.classes_)
    if len(classes) == 1:
        raise ValueError(
            f"classes_ holds a single class, {classes[0]!r}: predict_proba of "
            f"{type(twin).__name__} has two columns then, and ours would have one. It takes at "
            "least two classes."
        )
    is_multilabel = twin.out_activation_ == "logistic" and n_outputs > 1
    is_sparse = is_multilabel and bool(twin._label_binarizer.sparse_input_)
    return Labels(classes, is_multilabel, is_sparse)


def _fitted_from(twin: Any, estimator: Any, model: Model) -> Fitted:
    history = _history_of(twin)
    name, optimizer, rate = optimizer_from_sklearn(twin, model.network, model.dtype)
    is_by_score = history.validated_from is not None
    best_score = history.best_validation_score
    outcome = Outcome(
        int(getattr(twin, "n_iter_", 0)),
        int(getattr(twin, "t_", 0)),
        float(getattr(twin, "loss_", math.nan)),
        history.best_loss,
        history.best_iteration,
        None if best_score == -math.inf else best_score,
    )
    record = Record(
        n_iter=outcome.n_iter,
        n_epochs=history.n_rows,
        n_samples_seen=int(outcome.n_samples_seen),
        learning_rate=rate,
        loss=outcome.loss,
        histories=(history,),
    )
    seed = estimator.random_state
    criterion = TRAINING_LOSS
    if is_by_score:
        criterion = selection_criterion("score", model.targets.loss_of(loss_of(estimator)), None)
    origin = Origin(
        optimizer=name,
        learning_rate_init=float(getattr(twin, "_optimizer", twin).learning_rate_init),
        seed=int(seed) if isinstance(seed, int | np.integer) else None,
        criterion=criterion,
        holds_best=is_by_score,
    )
    return Fitted(model, outcome, TrainingState(model.params, optimizer, record), origin)


def _history_of(twin: Any) -> History:
    """The losses and scores of all epochs; nothing after 'lbfgs', which records none."""
    losses = [float(loss) for loss in getattr(twin, "loss_curve_", ())]
    found = getattr(twin, "validation_scores_", None)
    n_scores = 0 if found is None else len(found)
    n_before = len(losses) - n_scores
    scores = [None] * n_before + [float(score) for score in found or ()]
    # What scikit-learn has not kept is no number: norms, times, rates but the constant one.
    nan = rate = math.nan
    optimizer = getattr(twin, "_optimizer", None)
    if optimizer is not None and getattr(optimizer, "lr_schedule", "constant") == "constant":
        rate = float(optimizer.learning_rate_init)
    rows = [
        Epoch(loss, score, None if score is None else nan, rate, nan, nan)
        for loss, score in zip(losses, scores, strict=True)
    ]
    best_loss = getattr(twin, "best_loss_", None)
    best_score = getattr(twin, "best_validation_score_", None)
    return History(
        rows,
        len(rows),
        None if found is None else n_before,
        None if best_loss is None else float(best_loss),
        None if best_score is None else float(best_score),
        int(getattr(twin, "_no_improvement_count", 0)),
        _best_iteration(losses, best_loss) or _best_iteration(scores, best_score),
    )


def _best_iteration(values: list[Any], best: float | None) -> int | None:
    """The first epoch, counted from 1, that has the best value; None if there is none."""
    return values.index(best) + 1 if best is not None and best in values else None
