"""The perceptron to scikit-learn, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from skneural.estimators.class_weight import weights_of_dict
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


def perceptron_to_sklearn(estimator: Any, ours: type) -> Any:
    """See `ScratchPerceptron.to_sklearn`."""
    from sklearn.linear_model import Perceptron  # takes a while to import

    params = parameters_of(estimator, ours)
    fitted = estimator._fitted
    shared, lost = shared_parameters(params, Perceptron)
    warn_of_lost(estimator, Perceptron, lost)
    result = Perceptron(**copied(shared))
    set_linear_attributes(result, fitted)
    if len(result.classes_) == 2:
        # It adds up steps of the intercept in double precision.
        result.intercept_ = result.intercept_.astype(np.float64)
    result.n_iter_ = int(fitted.outcome.n_iter)
    result.t_ = 1.0 + fitted.outcome.n_samples_seen
    # What every training of scikit-learn sets anew, 'balanced' weights by the labels of the next.
    by_class = result.class_weight if isinstance(result.class_weight, dict) else {}
    result._loss_function_ = result._get_loss_function(result.loss)
    result._expanded_class_weight = weights_of_dict(by_class, result.classes_)
    return result


def perceptron_from_sklearn(kind: type[Estimator], source: Any) -> Estimator:
    """See `ScratchPerceptron.from_sklearn`; `kind` is the class to be made."""
    from sklearn.linear_model import Perceptron

    check_source(source, Perceptron, kind)
    n_samples_seen = int(getattr(source, "t_", 1.0) - 1)
    fitted = fitted_from(source, int(getattr(source, "n_iter_", 0)), n_samples_seen)
    shared, lost = shared_parameters(source.get_params(deep=False), kind)
    warn_of_lost(source, kind, lost)
    return adopted(kind, shared, fitted)
