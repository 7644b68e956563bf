"""The only home of private or version-dependent scikit-learn imports.

Supported: scikit-learn 1.6 to 1.9. When a version moves something, it is mended here. Decorators of
scikit-learn are given types here too.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from copy import copy
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np
import numpy.typing as npt
import sklearn
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer
from sklearn.utils._param_validation import (
    Hidden,
    Interval,
    InvalidParameterError,
    Options,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils.extmath import _approximate_mode as approximate_mode
from sklearn.utils.validation import _check_feature_names_in as check_feature_names_in
from sklearn.utils.validation import _check_sample_weight

Method = TypeVar("Method", bound=Callable[..., Any])

if TYPE_CHECKING:
    # scikit-learn has no types, so that its decorators would hide those of our methods.

    def checked_before(*, prefer_skip_nested_validation: bool) -> Callable[[Method], Method]:
        """Check the parameters before a fit."""

    def with_callbacks(method: Method) -> Method:
        """Set callbacks up before a fit, and tear them down after it."""

    def available_if(check: Callable[[Any], bool]) -> Callable[[Method], Method]:
        """Have a method only where the check, given the estimator, does not raise."""

    class CallbackSupportMixin:
        """Has callbacks."""

        def set_callbacks(self, *callbacks: Any) -> Self:
            """Set the callbacks of the fits to come."""

else:
    from sklearn.base import _fit_context as checked_before
    from sklearn.utils.metaestimators import available_if

    try:
        from sklearn.callback import CallbackSupportMixin, with_callbacks
    except ImportError:  # before scikit-learn 1.9

        class CallbackSupportMixin:
            """Stands in for what scikit-learn does not have yet."""

            @property
            def set_callbacks(self):
                """Not there."""
                raise AttributeError(
                    "set_callbacks needs the callbacks of scikit-learn 1.9 or newer. This is "
                    f"scikit-learn {sklearn.__version__}."
                )

        def with_callbacks(method):
            """The method as it is."""
            return method


__all__ = [
    "AdamOptimizer",
    "CallbackSupportMixin",
    "Hidden",
    "Interval",
    "InvalidParameterError",
    "Options",
    "SGDOptimizer",
    "StrOptions",
    "approximate_mode",
    "available_if",
    "check_feature_names_in",
    "check_sample_weight",
    "checked_before",
    "validate_parameter_constraints",
    "with_all_labels",
    "with_callbacks",
]


def check_sample_weight(
    sample_weight: Any, X: Any, dtype: Any = np.float64
) -> npt.NDArray[np.floating[Any]]:
    """Weights for the rows of `X`, non-negative and not all zero."""
    try:
        weight: npt.NDArray[np.floating[Any]] = _check_sample_weight(sample_weight, X, dtype=dtype)
    except (TypeError, ValueError) as error:
        if type(error) not in (TypeError, ValueError) or "weight" in str(error):
            raise
        raise type(error)(f"sample_weight must be numbers: {error}") from error
    if np.any(weight < 0):
        raise ValueError(
            "Negative values in data passed to `sample_weight`: the smallest is "
            f"{weight.min()}. A weight must be zero or positive."
        )
    # scikit-learn checks this itself from 1.9 on.
    if not np.any(weight):
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weight


def with_all_labels(scorer: Any, labels: npt.NDArray[Any]) -> Any:
    """The scorer, which is told the labels if it reads probabilities or scores of all classes.

    Metrics such as `sklearn.metrics.log_loss` take the labels of y for all there are, and cannot
    say which column of the probabilities belongs to which of them where y lacks one. Metrics of
    predicted labels average over those that occur, and are left as they are.
    """
    function = getattr(scorer, "_score_func", None)
    if function is None or scorer._response_method == "predict":
        return scorer
    if "labels" not in inspect.signature(function).parameters or "labels" in scorer._kwargs:
        return scorer
    scorer = copy(scorer)
    scorer._kwargs = {**scorer._kwargs, "labels": labels}
    return scorer
