"""Estimators of scikit-learn that skl2onnx (1.20) converts wrongly without saying so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import Pipeline

#: skl2onnx's converters of meta-estimators write integer labels as such.
LABELS = np.iinfo(np.int32)


def check_convertible(model: Any) -> None:
    """Refuse a fitted estimator whose outputs in ONNX would be wrong.

    Raises
    ------
    ValueError
        For calibration other than by sigmoid: between the points of an isotonic function
        skl2onnx takes the nearest one, which may be off by 0.1, and a temperature it takes for
        such a function. For a tuned or fixed threshold, which skl2onnx leaves out. Both also inside
        of other estimators. For labels that do not fit 32 bits, in a meta-estimator.
    """
    for each, reads_labels in _fitted_inside(model):
        is_threshold = isinstance(each, TunedThresholdClassifierCV | FixedThresholdClassifier)
        if is_threshold and reads_labels:
            raise ValueError(
                f"skl2onnx leaves the threshold of a {type(each).__name__} out. Convert its "
                "estimator_, and compare the probabilities with the threshold yourself."
            )
        if isinstance(each, CalibratedClassifierCV) and each.method != "sigmoid":
            raise ValueError(
                f"skl2onnx cannot convert CalibratedClassifierCV(method={each.method!r}), only "
                "method='sigmoid'."
            )
    final = _last_estimator(model)
    if not isinstance(final, MetaEstimatorMixin) or isinstance(final, MultiOutputClassifier):
        return
    classes = getattr(final, "classes_", None)
    if not isinstance(classes, np.ndarray) or classes.dtype.kind not in "iuf":
        return
    if classes.min() < LABELS.min or classes.max() > LABELS.max:
        raise ValueError(
            f"skl2onnx writes the labels of a {type(final).__name__} as integers of 32 bits, which "
            f"{classes.max() if classes.max() > LABELS.max else classes.min()} does not fit: "
            "use smaller numbers, or strings."
        )


def _fitted_inside(model: Any, reads_labels: bool = True) -> Iterator[tuple[Any, bool]]:
    """An estimator, and all fitted inside of it; of each, whether its labels are read."""
    if isinstance(model, list | tuple | dict):
        for each in model.values() if isinstance(model, dict) else model:
            yield from _fitted_inside(each, reads_labels)
    if not isinstance(model, BaseEstimator):
        return
    yield model, reads_labels
    if hasattr(model, "best_estimator_"):
        # Of a search, what it has found, and not what it has tried.
        yield from _fitted_inside(model.best_estimator_, reads_labels)
        return
    if isinstance(model, CalibratedClassifierCV):
        inner = [each.estimator for each in model.calibrated_classifiers_]
        yield from _fitted_inside(inner, reads_labels=True)
        return
    of_members = reads_labels
    if isinstance(model, VotingClassifier):
        of_members = model.voting == "hard"
    elif isinstance(model, StackingClassifier):
        of_members = "predict" in model.stack_method_
    elif isinstance(model, BaggingClassifier):
        of_members = not hasattr(model.estimators_[0], "predict_proba")
    for name, value in vars(model).items():
        if name == "steps" or (name.endswith("_") and not name.startswith("_")):
            is_final = name == "final_estimator_"
            yield from _fitted_inside(value, reads_labels if is_final else of_members)


def _last_estimator(model: Any) -> Any:
    """What predicts in the end, inside pipelines and searches, which pass its outputs on."""
    while isinstance(model, Pipeline | GridSearchCV):
        model = model.steps[-1][1] if isinstance(model, Pipeline) else model.best_estimator_
    return model
