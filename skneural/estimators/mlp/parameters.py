"""What the parameters of the multilayer perceptrons stand for: names become parts of the engine.

A name takes its settings from the estimator (`momentum`, `beta_1`, ...), an object has its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import copy
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import ClassifierMixin

from skneural.activations import ACTIVATIONS, Activation
from skneural.checks.activations import check_own_activation
from skneural.estimators.checks import checked_layer_sizes
from skneural.estimators.model import Activations
from skneural.estimators.sklearn_private import InvalidParameterError
from skneural.estimators.targets import Numbers
from skneural.losses import (
    CLASSIFICATION_LOSSES,
    REGRESSION_LOSSES,
    ClassificationLoss,
    Link,
    Loss,
    RegressionLoss,
)
from skneural.optimizers import OPTIMIZERS, SGD, Optimizer
from skneural.schedules import SCHEDULES, Adaptive, Constant, InverseScaling, Schedule
from skneural.settings import Settings

#: Parameters of the estimator that are settings of the optimizer of this name; of others, none.
SHARED_SETTINGS = {
    "sgd": ("momentum", "nesterovs_momentum"),
    "adam": ("beta_1", "beta_2", "epsilon"),
    "adamw": ("beta_1", "beta_2", "epsilon"),
    "nadam": ("beta_1", "beta_2", "epsilon"),
    "rmsprop": ("epsilon",),
}

#: Parameters that are a name or an object, and an example of an object to say what is meant.
OBJECT_EXAMPLES = {
    "solver": "AdamW(weight_decay=0.01) from skneural.optimizers",
    "learning_rate": "Cosine() from skneural.schedules",
    "loss": "Huber(delta=2.0) or LogLoss(label_smoothing=0.1) from skneural.losses",
    "activation": "an Activation from skneural.activations",
}


def optimizer_of(estimator: Any) -> Optimizer:
    """The optimizer that `solver` stands for, which is not 'lbfgs'."""
    solver = estimator.solver
    if isinstance(solver, Optimizer):
        optimizer = copy(solver)
    else:
        settings = {}
        for name in SHARED_SETTINGS.get(solver, ()):
            settings[name] = getattr(estimator, name)
        optimizer = OPTIMIZERS[solver](**settings)
    # Python's numbers for NumPy's: one of those, from a grid made by `numpy.linspace`, would have a
    # step in float32 computed in float64.
    for name, value in list(vars(optimizer).items()):
        if isinstance(value, np.number):
            setattr(optimizer, name, value.item())
    return optimizer


def schedule_of(estimator: Any) -> Schedule:
    """The schedule that `learning_rate` stands for."""
    schedule = estimator.learning_rate
    if isinstance(schedule, Schedule):
        return schedule
    if schedule in ("invscaling", "adaptive"):
        # As in scikit-learn, only gradient descent follows these names.
        if not isinstance(optimizer_of(estimator), SGD):
            return Constant()
        return InverseScaling(estimator.power_t) if schedule == "invscaling" else Adaptive()
    return SCHEDULES[schedule]()


def loss_of(estimator: Any) -> Loss:
    """The loss that `loss` stands for.

    Raises
    ------
    InvalidParameterError
        If it is a regression loss in a classifier, or a classification loss in a regressor, or has
        no Link object as its link.
    """
    has_classes = isinstance(estimator, ClassifierMixin)
    losses = CLASSIFICATION_LOSSES if has_classes else REGRESSION_LOSSES
    loss = estimator.loss
    if isinstance(loss, RegressionLoss if has_classes else ClassificationLoss):
        raise _invalid(
            estimator,
            "loss",
            f"must be a {'classification' if has_classes else 'regression'} loss, which {loss!r} "
            f"is not: one of {sorted(losses)} or an object of skneural.losses.",
        )
    if not isinstance(loss, Loss) and (not isinstance(loss, str) or loss not in losses):
        raise _invalid(
            estimator,
            "loss",
            f"must be one of {sorted(losses)} or an object of skneural.losses. Got {loss!r} "
            "instead.",
        )
    if not isinstance(loss, Loss):
        return losses[loss]()
    # A copy: whoever changes the object later does not change what a fitted network predicts.
    loss = copy(loss)
    if not isinstance(loss.link, Link):
        raise _invalid(
            estimator,
            "loss",
            "must have a Link object as its link, such as IDENTITY from skneural.losses: that of "
            f"{loss!r} is {loss.link!r}.",
        )
    return loss


def loss_to_score_by(estimator: Any, fitted: Numbers) -> Loss:
    """The loss that `loss` stands for, to score what a fitted regressor predicts.

    Raises
    ------
    InvalidParameterError
        If `loss` is not valid, or needs another number of outputs than the fitted network has.
    """
    loss = loss_of(estimator)
    _check_object(estimator, "loss", loss)
    n_outputs = loss.n_outputs(fitted.n_targets)
    if n_outputs != fitted.n_outputs:
        raise _invalid(
            estimator,
            "loss",
            f"is now {estimator.loss!r}, which scores {n_outputs} output(s). The fitted network "
            f"has {fitted.n_outputs}, of loss={fitted.loss!r}: set that again, or call fit.",
        )
    return loss


class HiddenLayers(NamedTuple):
    """What the parameters say of the hidden layers.

    Attributes
    ----------
    sizes : tuple of int
        Units of each.
    activation : Activation or tuple of Activation
        As it is kept with a fitted network: one for all, or for each.
    dropout : tuple of float
        Rate of each.
    """

    sizes: tuple[int, ...]
    activation: Activations
    dropout: tuple[float, ...]


def hidden_layers(estimator: Any) -> HiddenLayers:
    """What `hidden_layer_sizes`, `activation` and `dropout` say of the hidden layers.

    Raises
    ------
    InvalidParameterError
        If a size is none, an activation has no such name, a rate is not from 0 to below 1, or a
        list has not one for each hidden layer.
    """
    sizes = checked_layer_sizes(estimator.hidden_layer_sizes, type(estimator).__name__)
    activation, dropout = estimator.activation, estimator.dropout
    is_one_for_all = isinstance(activation, str | Activation)
    for each in [activation] if is_one_for_all else activation:
        if not isinstance(each, Activation) and (
            not isinstance(each, str) or each not in ACTIVATIONS
        ):
            raise _invalid(
                estimator,
                "activation",
                f"must hold names or Activation objects. There is {each!r}, the names are "
                f"{sorted(ACTIVATIONS)}.",
            )
    rates = (dropout,) * len(sizes) if np.ndim(dropout) == 0 else tuple(dropout)
    functions: Activations
    if isinstance(activation, str):
        functions = ACTIVATIONS[activation]
    else:
        functions = _kept(activation) if is_one_for_all else tuple(map(_kept, activation))
    for name, found in (("activation", functions), ("dropout", rates)):
        if isinstance(found, tuple) and len(found) != len(sizes):
            raise _invalid(
                estimator,
                name,
                "must be one for all hidden layers, or a list with one for each: got "
                f"{len(found)} for hidden_layer_sizes={estimator.hidden_layer_sizes!r}.",
            )
    for rate in rates:
        if not isinstance(rate, Real) or not 0 <= float(rate) < 1:
            raise _invalid(estimator, "dropout", f"must be from 0 to below 1, got {rate!r}.")
    return HiddenLayers(sizes, functions, tuple(map(float, rates)))


def _kept(activation: str | Activation) -> Activation:
    if isinstance(activation, str):
        return ACTIVATIONS[activation]
    # A copy: whoever changes the object later does not change the fitted network.
    return Activation(**activation.get_params())


def check_settings(estimator: Any) -> None:
    """Raise for parameters that are not possible, or do not go together."""
    functions = hidden_layers(estimator).activation
    for each in functions if isinstance(functions, tuple) else (functions,):
        if each is not ACTIVATIONS.get(each.name):
            check_own_activation(each)
    class_weight = getattr(estimator, "class_weight", None)
    if isinstance(class_weight, list):
        _check_class_weights(estimator, class_weight)
    for name in OBJECT_EXAMPLES:
        value = getattr(estimator, name)
        for each in value if isinstance(value, list | tuple) else [value]:
            if isinstance(each, Settings):
                _check_object(estimator, name, each)
    loss = loss_of(estimator)
    if estimator.solver == "lbfgs":
        require_gradient_everywhere(estimator, loss)
    elif estimator.l1_ratio > 0:
        require_step_length(optimizer_of(estimator))


def _check_class_weights(estimator: Any, class_weights: list[Any]) -> None:
    """Raise InvalidParameterError for a list of class weights of which one is impossible."""
    for each in class_weights:
        if not (each is None or isinstance(each, dict) or each == "balanced"):
            raise _invalid(
                estimator,
                "class_weight",
                "must be a dict, 'balanced', None, or a list of these, one for each column of y. "
                f"There is {each!r} in the list.",
            )


def _check_object(estimator: Any, name: str, value: Settings) -> None:
    """Raise InvalidParameterError if the settings of an object are not possible."""
    try:
        value.check()
    except ValueError as error:
        raise _invalid(estimator, name, f"is not valid: {error}") from error


def refuse_settings_of_names(estimator: Any, params: Mapping[str, Any]) -> None:
    """Raise ValueError for ``solver__weight_decay`` and the like where `solver` is a name."""
    for path in params:
        name, _, setting = path.partition("__")
        if not setting or name not in OBJECT_EXAMPLES:
            continue
        value = params.get(name, getattr(estimator, name))
        if not hasattr(value, "set_params"):
            raise ValueError(
                f"{path} cannot be set: {name}={value!r} is no object with settings. Pass one, "
                f"such as {OBJECT_EXAMPLES[name]}, and set {setting} on it."
            )


def detach_shared_activation(estimator: Any, params: dict[str, Any]) -> None:
    """Before a setting of its activation is set, give an estimator one of its own.

    Those in `ACTIVATIONS` are everybody's.
    """
    activation = params.get("activation", estimator.activation)
    is_shared = any(activation is each for each in ACTIVATIONS.values())
    if is_shared and any(path.startswith("activation__") for path in params):
        params["activation"] = _kept(activation)


def require_gradient_everywhere(estimator: Any, loss: Loss) -> None:
    """Raise ValueError for what L-BFGS cannot minimise."""
    if np.any(estimator.dropout):
        raise ValueError(
            f"dropout={estimator.dropout!r} makes every evaluation of the objective another one, "
            "which solver='lbfgs' cannot minimise: use solver='adam', or dropout=0."
        )
    if not loss.is_smooth:
        raise ValueError(
            f"The gradient of loss={estimator.loss!r} jumps where prediction and target meet, "
            "where solver='lbfgs' fails: use solver='adam', or for regression loss='huber'."
        )


def require_step_length(optimizer: Optimizer) -> None:
    """Raise ValueError where an L1 penalty cannot be weighed against the optimizer's steps."""
    if type(optimizer).step_length is Optimizer.step_length:
        raise ValueError(
            f"l1_ratio > 0 needs to know how long the steps of the optimizer are, which "
            f"{type(optimizer).__name__} does not say: give it a method step_length."
        )
    if getattr(optimizer, "momentum", 0) == 1:
        raise ValueError(
            "l1_ratio > 0 needs momentum below 1: with momentum=1 a steady gradient would move "
            "the weights without bound."
        )


def require_weight_beside_penalty(alpha: float, mean_weight: float, dtype: np.dtype[Any]) -> None:
    """Raise ValueError where the loss of the rows vanishes beside the penalty.

    Optimizers square the gradient, to which the penalty contributes its strength times a weight.
    """
    strength = alpha / mean_weight if mean_weight else alpha * math.inf
    if strength > math.sqrt(np.finfo(dtype).max):
        raise ValueError(
            f"The penalty of alpha={alpha:g} outweighs the data by more than {dtype} can compute "
            f"with: sample_weight (times class_weight) is {mean_weight:.3g} on average, and the "
            "penalty is not relative to it. Divide the weights by their mean, or set alpha=0."
        )


def _invalid(estimator: Any, name: str, what: str) -> InvalidParameterError:
    return invalid_parameter(type(estimator), name, what)


def invalid_parameter(kind: type, name: str, what: str) -> InvalidParameterError:
    """An error that names the parameter and the class of an estimator."""
    return InvalidParameterError(f"The {name!r} parameter of {kind.__name__} {what}")
