"""What scikit-learn's networks can express of ours: outputs, activations, training settings."""

from __future__ import annotations

import inspect
from copy import deepcopy
from typing import Any

from skneural.activations import ACTIVATIONS, Activation
from skneural.estimators.conversion.parameters import shared_parameters
from skneural.estimators.label_columns import LabelColumns
from skneural.estimators.mlp.parameters import SHARED_SETTINGS, loss_of, optimizer_of
from skneural.estimators.model import Model, found_activations, names_of_activations
from skneural.estimators.targets import Labels, Numbers
from skneural.losses import EXP, IDENTITY, LogLoss, Loss, Poisson, Quantile, SquaredError
from skneural.optimizers import SGD, Adam, AdamW, Optimizer
from skneural.schedules import Adaptive, Constant, InverseScaling, Schedule

#: The activations that scikit-learn has, all under our names.
SHARED_ACTIVATIONS = ("identity", "logistic", "tanh", "relu")

#: Optimizers by scikit-learn's name for them. Its 'adam' is AdamW's too, but for the decay.
SOLVERS: dict[type[Optimizer], str] = {SGD: "sgd", Adam: "adam", AdamW: "adam"}

#: The loss of scikit-learn that goes with an output activation.
LOSSES: dict[str, tuple[str, type[Loss]]] = {
    "identity": ("squared_error", SquaredError),
    "exp": ("poisson", Poisson),
}

#: Parameters in the place of some of ours, and whether they say all of it.
Expressed = tuple[dict[str, Any], bool]


def output_activation(model: Model, kind: type) -> str:
    """The output activation by which scikit-learn's network predicts the same.

    Parameters
    ----------
    model : Model
    kind : type
        MLPClassifier or MLPRegressor.

    Raises
    ------
    ValueError
        If it has none.
    """
    targets = model.targets
    if isinstance(targets, LabelColumns):
        raise ValueError(
            f"{kind.__name__} has one label a row, or several that are there or not: y had "
            f"{len(targets.columns)} columns with classes of their own (multiclass-multioutput). "
            "Fit one classifier for each column."
        )
    if isinstance(targets, Labels):
        if len(targets.classes) == 1:
            column = "label" if targets.multilabel else "class"
            raise ValueError(
                f"classes_ holds a single {column}, {targets.classes[0]!r}: predict_proba of "
                f"{kind.__name__} has two columns then, and ours has one. It takes at least two."
            )
        return targets.link.name
    assert isinstance(targets, Numbers)
    name = _link_name(targets)
    if name == "exp" and "loss" not in inspect.signature(kind).parameters:
        raise ValueError(
            f"loss={targets.loss!r} predicts by the exponential function, which {kind.__name__} "
            "has from scikit-learn 1.7 on."
        )
    if not name:
        is_quantiles = isinstance(targets.loss, Quantile)
        remedy = " Fit one regressor for each quantile." if is_quantiles else ""
        raise ValueError(
            f"loss={targets.loss!r} predicts by other functions of the outputs than those that "
            f"{kind.__name__} has: the outputs themselves, as for 'squared_error', or their "
            f"exponential, as for 'poisson'.{remedy}"
        )
    return name


def _link_name(numbers: Numbers) -> str:
    """'identity' or 'exp' where numbers are predicted so; else empty."""
    loss = numbers.loss
    predict = type(loss).predict
    if predict is Quantile.predict and numbers.n_outputs == numbers.n_targets:
        return "identity"  # a single level, even if it comes in a list
    if predict is not Loss.predict:
        return ""
    return next((link.name for link in (IDENTITY, EXP) if loss.link == link), "")


def expressed_settings(
    estimator: Any, params: dict[str, Any], model: Model, kind: type, out_activation: str
) -> tuple[dict[str, Any], list[str]]:
    """Constructor parameters of scikit-learn's network, in copies.

    Parameters
    ----------
    estimator : ScratchMLPClassifier or ScratchMLPRegressor
    params : dict
        Its constructor parameters.
    model : Model
    kind : type
        MLPClassifier or MLPRegressor.
    out_activation : str

    Returns
    -------
    expressed : dict
    lost : list of str
        Names of the parameters that it lacks, or of which it lacks a part.

    Raises
    ------
    ValueError
        If it lacks the activation of the hidden layers.
    """
    solver, says_solver = _solver(estimator)
    schedule, says_schedule = _schedule(estimator, solver.get("solver", params["solver"]))
    activation, says_activation = _activation(estimator, model, kind)
    loss, says_loss = _loss(estimator, out_activation)
    is_whole = {
        "activation": says_activation,
        "solver": says_solver,
        "learning_rate": says_schedule,
        "loss": says_loss,
        "restore_best_weights": _restores_as_scikit_learn(estimator),
    }
    changed = {**params, **activation, **solver, **schedule, **loss}
    shared, lacking = shared_parameters(changed, kind)
    lost = [name for name in params if not is_whole.get(name, name not in lacking)]
    return deepcopy(shared), lost


def _activation(estimator: Any, model: Model, kind: type) -> Expressed:
    """The activation of the fitted network, whatever the parameter is now."""
    functions = _functions(model.activation)
    names = {_shared_name(each) for each in functions}
    if len(model.layer_sizes) == 2:  # no hidden layer: any will do
        names = (names - {""}) or {"relu"}
    if len(names) > 1 or "" in names:
        raise ValueError(
            f"activation={names_of_activations(model.activation)!r}: {kind.__name__} has one "
            f"activation for all hidden layers, one of {list(SHARED_ACTIVATIONS)}. Fit a network "
            "with one of these."
        )
    name = names.pop()
    wanted = (*functions, *_functions(estimator.activation))
    return {"activation": name}, all(each == ACTIVATIONS[name] for each in wanted)


def _functions(activation: Any) -> tuple[Activation, ...]:
    """The functions of all hidden layers, or of each, by the parameter `activation`."""
    found = found_activations(tuple(activation) if isinstance(activation, list) else activation)
    return found if isinstance(found, tuple) else (found,)


def _shared_name(activation: Activation) -> str:
    """The name under which scikit-learn has this function; empty if it has not."""
    # Its derivative and the size of initial weights are matters of training.
    return next(
        (name for name in SHARED_ACTIVATIONS if ACTIVATIONS[name].forward is activation.forward),
        "",
    )


def _solver(estimator: Any) -> Expressed:
    if isinstance(estimator.solver, str) and estimator.solver in ("lbfgs", *SOLVERS.values()):
        return {}, True
    optimizer = optimizer_of(estimator)
    name = SOLVERS.get(type(optimizer))
    if name is None:
        return {"solver": "adam"}, False
    settings = {each: getattr(optimizer, each) for each in SHARED_SETTINGS[name]}
    # As scikit-learn has it: without decay, clipping and averaging.
    plain = SGD(**settings) if name == "sgd" else Adam(**settings)
    return {"solver": name, **settings}, optimizer == plain


def _schedule(estimator: Any, solver: Any) -> Expressed:
    schedule = estimator.learning_rate
    if not isinstance(schedule, Schedule):
        is_shared = schedule in ("constant", "invscaling", "adaptive")
        return {"learning_rate": schedule if is_shared else "constant"}, is_shared
    if schedule == Constant():
        return {"learning_rate": "constant"}, True
    # An object acts on every optimizer, a name on gradient descent alone.
    if solver == "sgd" and type(schedule) is InverseScaling:
        return {"learning_rate": "invscaling", "power_t": schedule.power_t}, True
    if solver == "sgd" and schedule == Adaptive():
        return {"learning_rate": "adaptive"}, True
    return {"learning_rate": "constant"}, False


def _loss(estimator: Any, out_activation: str) -> Expressed:
    loss = loss_of(estimator)
    if out_activation not in LOSSES:  # a classifier's
        return {}, loss == LogLoss()
    name, kind = LOSSES[out_activation]
    return {"loss": name}, loss == kind()


def _restores_as_scikit_learn(estimator: Any) -> bool:
    if estimator.restore_best_weights == "auto":
        return True
    stops_early = bool(estimator.early_stopping) and estimator.solver != "lbfgs"
    return bool(estimator.restore_best_weights) == stops_early
