"""Logistic regression to scikit-learn, and back."""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np

from skneural.estimators.conversion.accepted import parameters_of
from skneural.estimators.conversion.linear import (
    Estimator,
    adopted,
    check_source,
    copied,
    fitted_from,
    set_linear_attributes,
)
from skneural.estimators.conversion.parameters import shared_parameters, warn_of_lost
from skneural.estimators.logistic.penalty import penalty_name


def logistic_to_sklearn(estimator: Any, ours: type) -> Any:
    """See `ScratchLogisticRegression.to_sklearn`."""
    from sklearn.linear_model import LogisticRegression  # takes a while to import

    params = parameters_of(estimator, ours)
    fitted = estimator._fitted
    shared, lost = shared_parameters(params, LogisticRegression)
    if _has_old_penalties(LogisticRegression):
        shared.update(_old_penalty(estimator))
        lost = [name for name in lost if name not in ("penalty", "l1_ratio")]
    if shared.get("solver") == "liblinear" and len(fitted.model.targets.classes) > 2:
        # Set after the fit. It would not fit these classes, and up to scikit-learn 1.7 it would
        # make the probabilities those of one class against the rest.
        del shared["solver"]
        lost.append("solver")
    if "solver" not in shared and penalty_name(estimator) not in ("l2", None):
        shared["solver"] = "saga"  # the only one with the same objective
    warn_of_lost(estimator, LogisticRegression, lost)
    result = LogisticRegression(**copied(shared))
    set_linear_attributes(result, fitted)
    result.n_iter_ = np.array([fitted.outcome.n_iter], dtype=np.int32)
    if result.solver == "liblinear" and not (result.fit_intercept or np.any(result.intercept_)):
        result.intercept_ = 0.0  # as its own fit leaves it
    return result


def logistic_from_sklearn(kind: type[Estimator], source: Any) -> Estimator:
    """See `ScratchLogisticRegression.from_sklearn`; `kind` is the class to be made."""
    from sklearn.linear_model import LogisticRegression

    check_source(source, LogisticRegression, kind)
    _refuse_other_probabilities(source)
    fitted = fitted_from(source, n_iter=int(np.max(getattr(source, "n_iter_", 0))))
    params = source.get_params(deep=False)
    if _has_old_penalties(LogisticRegression):
        params.update(_new_penalty(source))
    shared, lost = shared_parameters(params, kind)
    warn_of_lost(source, kind, lost)
    return adopted(kind, shared, fitted)


def _refuse_other_probabilities(source: Any) -> None:
    """Raise ValueError where the probabilities do not follow from the logits as ours do.

    scikit-learn up to 1.7 could train one model for each class against the rest, and normalise
    their probabilities; or give two classes a softmax over the logits -z and z.
    """
    n_classes = len(source.classes_)
    multi_class = getattr(source, "multi_class", "deprecated")  # until scikit-learn 1.7
    if n_classes > 2 and (source.solver == "liblinear" or multi_class == "ovr"):
        raise ValueError(
            f"This LogisticRegression (solver={source.solver!r}, multi_class={multi_class!r}) has "
            f"a model of each of its {n_classes} classes against the rest. Probabilities of "
            "ScratchLogisticRegression are a softmax, which cannot express that: train "
            "OneVsRestClassifier(ScratchLogisticRegression()), or another solver."
        )
    if n_classes == 2 and multi_class == "multinomial":
        raise ValueError(
            "This LogisticRegression (multi_class='multinomial') has two classes whose logits are "
            "-z and z for a decision function of z. In ScratchLogisticRegression they differ by "
            "z: train with multi_class left out."
        )


def _has_old_penalties(kind: type) -> bool:
    """Whether this is scikit-learn before 1.8, where `penalty` says what `l1_ratio` says now."""
    default = inspect.signature(kind).parameters["penalty"].default
    return bool(default != "deprecated")


def _old_penalty(estimator: Any) -> dict[str, Any]:
    """The parameters of the penalty, as scikit-learn before 1.8 has them."""
    name, C, l1_ratio = penalty_name(estimator), estimator.C, estimator.l1_ratio
    if estimator.penalty == "deprecated" and name is None:
        C = 1.0  # with penalty=None any other is warned of
    if name != "elasticnet" and (estimator.penalty == "deprecated" or l1_ratio == 0):
        l1_ratio = None  # so is a number where it has no effect
    return {"penalty": name, "C": C, "l1_ratio": l1_ratio}


def _new_penalty(source: Any) -> dict[str, Any]:
    """The same parameters as they are set since 1.8; as they are, if that is not reversible."""
    penalty, C, l1_ratio = source.penalty, source.C, source.l1_ratio
    is_plain = l1_ratio is None
    if penalty is None and is_plain and C == 1.0:
        return {"penalty": "deprecated", "C": math.inf, "l1_ratio": 0.0}
    if penalty in ("l1", "l2") and is_plain and not math.isinf(C):
        return {"penalty": "deprecated", "C": C, "l1_ratio": 1.0 if penalty == "l1" else 0.0}
    if penalty == "elasticnet" and 0 < l1_ratio < 1 and not math.isinf(C):
        return {"penalty": "deprecated", "C": C, "l1_ratio": l1_ratio}
    return {"penalty": penalty, "C": C, "l1_ratio": l1_ratio}
