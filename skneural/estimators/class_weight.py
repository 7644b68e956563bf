"""`class_weight`: rows count as much as their class says."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from skneural.arrays.matrices import BoolArray, FloatArray


def weights_by_class(
    class_weight: Any,
    classes: npt.NDArray[Any],
    target: BoolArray,
    sample_weight: FloatArray | None,
) -> FloatArray | None:
    """The weight of each class; None where all are the same.

    Parameters
    ----------
    class_weight : dict, 'balanced' or None
        'balanced' gives every class present the same total weight, with the sample weights
        taken into account, and leaves the total as it was.
    classes : ndarray of shape (n_classes,)
    target : boolean ndarray of shape (n_samples, n_outputs)
        As `Labels.encode` makes it, of one class a row.
    sample_weight : ndarray of shape (n_samples,) or None

    Returns
    -------
    by_class : ndarray of shape (n_classes,) or None

    Raises
    ------
    ValueError
        If a weight is negative or not finite, or if a class is missing from a dict that has
        other labels instead.
    """
    if class_weight is None:
        return None
    if isinstance(class_weight, str):
        index = _class_index(target, len(classes))
        totals = np.bincount(index, weights=sample_weight, minlength=len(classes))
        present = totals > 0
        balanced: FloatArray = np.zeros(len(classes))
        balanced[present] = totals.sum() / (np.count_nonzero(present) * totals[present])
        return balanced
    by_class = weights_of_dict(class_weight, classes)
    refuse_negative(by_class, classes)
    return by_class


def weights_of_dict(class_weight: dict[Any, float], classes: npt.NDArray[Any]) -> FloatArray:
    """The weight that a dict gives each class; 1 for those it does not name.

    A label is looked up as what it is. `sklearn.utils.compute_class_weight` looks up the number
    1 for "1" and for "01" in scikit-learn 1.9 (its issue 34883).

    Parameters
    ----------
    class_weight : dict
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    by_class : ndarray of shape (n_classes,)

    Raises
    ------
    ValueError
        If a class is missing and the dict has other labels instead, or a weight is no number.
    """
    by_class: FloatArray = np.ones(len(classes))
    missing = []
    for k, names in enumerate(_names(classes)):
        name = next((name for name in names if name in class_weight), None)
        if name is None:
            missing.append(names[0])
        else:
            by_class[k] = _number(class_weight[name], names[0])
    if missing and len(classes) - len(missing) != len(class_weight):
        raise ValueError(
            f"The classes, {missing}, are not in class_weight, which has "
            f"{[_plain(key) for key in class_weight]}.{_hint(missing, list(class_weight))}"
        )
    return by_class


def _names(classes: npt.NDArray[Any]) -> list[tuple[Any, ...]]:
    """What each class may be called by in a dict: Python's object, or NumPy's of the same value."""
    names = [classes.tolist(), list(classes)]
    if classes.dtype.kind in "Mm":  # in nanoseconds, tolist makes them integers
        names.insert(0, classes.astype(f"{classes.dtype.kind}8[us]").tolist())
    return list(zip(*names, strict=True))


def _number(weight: Any, label: Any) -> float:
    try:
        return float(weight)
    except (TypeError, ValueError) as error:
        raise _no_weight(weight, label) from error


def _no_weight(weight: Any, label: Any) -> ValueError:
    return ValueError(
        f"class_weight gives class {label!r} the weight {weight}: expected a number that is zero "
        "or positive."
    )


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label


def _hint(missing: list[Any], keys: list[Any]) -> str:
    """What to do about keys that look like the labels and are of another type."""
    written = {str(key): key for key in keys}
    for label in missing:
        key = written.get(str(label))
        if key is not None:
            return (
                f" The label {label!r} is of type {type(label).__name__}, the key {_plain(key)!r} "
                f"of type {type(_plain(key)).__name__}: make the keys of the type of the labels."
            )
    return ""


def weighted_by_class(
    sample_weight: FloatArray | None,
    by_class: FloatArray,
    target: BoolArray,
    dtype: npt.DTypeLike,
) -> FloatArray:
    """Sample weights times the weights of the classes.

    Raises
    ------
    ValueError
        If no row has any weight.
    """
    weight: FloatArray = by_class[_class_index(target, len(by_class))]
    if sample_weight is not None:
        weight *= sample_weight
    if not weight.any():
        raise ValueError(
            "class_weight leaves no row of y with any weight: give at least one class a weight "
            "above zero."
        )
    return weight.astype(dtype)


def _class_index(target: BoolArray, n_classes: int) -> npt.NDArray[np.intp]:
    is_binary = n_classes == 2 and target.shape[1] == 1
    return target[:, 0].astype(np.intp) if is_binary else target.argmax(axis=1)


def refuse_balanced(class_weight: Any) -> None:
    """Raise ValueError for what partial_fit cannot know."""
    if "balanced" in (class_weight if isinstance(class_weight, list) else [class_weight]):
        raise ValueError(
            "class_weight='balanced' is not possible in partial_fit, which never sees all "
            "labels. Pass a dict, computed by sklearn.utils.compute_class_weight('balanced', "
            "classes=classes, y=y) from the labels of all rows, or of a large sample."
        )


def refuse_negative(by_class: FloatArray, classes: npt.NDArray[Any]) -> None:
    """Raise ValueError for a weight of a class that is negative or not finite."""
    for label, weight in zip(classes.tolist(), by_class, strict=True):
        if not (np.isfinite(weight) and weight >= 0):
            raise _no_weight(weight, label)
