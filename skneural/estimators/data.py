"""From what users pass to the arrays that a training works on.

Nothing is written to the estimator here: scikit-learn's validation notes the number and the names
of the features on an object that is thrown away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from skneural.arrays.matrices import FloatArray, IndexArray, Matrix
from skneural.arrays.taken_rows import taken_rows
from skneural.estimators.checks import (
    are_plain,
    names_of_columns,
    native,
    one_column,
    refuse_no_data,
    saying_where,
)
from skneural.estimators.columns import (
    NO_NUMBER,
    check_targets,
    naming_the_column,
    naming_the_target,
    refuse_dates,
)
from skneural.estimators.model import Model
from skneural.estimators.sklearn_private import check_sample_weight
from skneural.estimators.target_contract import ClassTargets, Targets

#: What X may be kept in, by the parameter `dtype`; anything else becomes the first.
COMPUTING_DTYPES: dict[str, tuple[type, ...]] = {
    "auto": (np.float64, np.float32),
    "float32": (np.float32,),
    "float64": (np.float64,),
}


@dataclass(frozen=True)
class Rows:
    """Validated rows, and which features they have.

    Attributes
    ----------
    X : {ndarray, CSR matrix} of shape (n_rows, n_features)
    y : array-like of shape (n_rows,) or (n_rows, n_outputs)
        Labels or numbers as the user gave them.
    feature_names : ndarray of str or None
    target_names : tuple of str or None
        Names of the columns of y, if all are strings.
    """

    X: Matrix
    y: Any
    feature_names: npt.NDArray[Any] | None
    target_names: tuple[str, ...] | None

    @property
    def n_features(self) -> int:
        """Columns of X."""
        return int(self.X.shape[1])


class Features(Protocol):
    """What rows have to agree with: an earlier model, say, or rows that were validated before."""

    @property
    def n_features(self) -> int:
        """Number of columns of X."""

    @property
    def feature_names(self) -> npt.NDArray[Any] | None:
        """Their names, if all are strings."""


@dataclass(frozen=True)
class LabelledRows:
    """Rows with all that a training needs of them.

    Attributes
    ----------
    X : {ndarray, CSR matrix} of shape (n_rows, n_features)
    y : array-like of shape (n_rows,) or (n_rows, n_outputs)
        Labels or numbers as the user gave them.
    target : ndarray of shape (n_rows, n_targets)
        The same as the loss takes them.
    weight : ndarray of shape (n_rows,) or None
        In the dtype of X, as multiples of `weight_unit`.
    weight_unit : float, default=1.0
        See `in_units`.
    """

    X: Matrix
    y: Any
    target: npt.NDArray[Any]
    weight: FloatArray | None
    weight_unit: float = 1.0

    def take(self, index: IndexArray) -> LabelledRows:
        """The rows with these numbers; those of a large array are gathered when they are read."""
        weight = None if self.weight is None else self.weight[index]
        X, y, target = taken_rows(self.X, index), self.y[index], self.target[index]
        return LabelledRows(X, y, target, weight, self.weight_unit)


@dataclass(frozen=True)
class Data:
    """All that a fit is given.

    Attributes
    ----------
    rows : LabelledRows
    feature_names : ndarray of str or None
    targets : Targets
    validation : LabelledRows or None
        Validation rows of the user's own.
    total_weight : float
        The sum of the weights of `rows` as the user gave them; without any, the number of rows.
    """

    rows: LabelledRows
    feature_names: npt.NDArray[Any] | None
    targets: Targets
    validation: LabelledRows | None
    total_weight: float


class _StandIn(BaseEstimator):
    """Stands in for an estimator where scikit-learn's validation writes down what it has seen."""

    n_features_in_: int
    feature_names_in_: npt.NDArray[Any]


@cache
def _stand_in_class(name: str) -> type[_StandIn]:
    # Messages have the name of the class in them.
    return type(name, (_StandIn,), {})


def stand_in(estimator: Any, seen: Features | None) -> _StandIn:
    """What scikit-learn validates data against, instead of the estimator itself.

    Parameters
    ----------
    estimator : estimator
    seen : Features or None
        The features that the data must have; None for any.
    """
    substitute = _stand_in_class(type(estimator).__name__)()
    if seen is not None:
        substitute.n_features_in_ = seen.n_features
        if seen.feature_names is not None:
            substitute.feature_names_in_ = seen.feature_names
    return substitute


def validated_rows(
    estimator: Any,
    X: Any,
    y: Any,
    seen: Features | None,
    dtypes: tuple[type, ...],
    *,
    multi_output: bool = True,
    y_numeric: bool = False,
) -> Rows:
    """X, dense or CSR, and y as arrays, checked by scikit-learn and by ourselves.

    Parameters
    ----------
    estimator : estimator
        For its name.
    X, y : array-like
    seen : Model, Rows or None
        Whose features X must have; None for any.
    dtypes : tuple of type
        That X may keep; it becomes the first where it is none of them.
    multi_output : bool, default=True
        Whether y may have several columns.
    y_numeric : bool, default=False
        Whether y must be numbers.
    """
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target "
            "y is None."
        )
    is_plain = are_plain(X, y)
    # Not by a product with itself: here BLAS may take as many threads as there are.
    with np.errstate(over="ignore", invalid="ignore"):
        is_valid = (
            is_plain
            and seen is None
            and X.ndim == 2
            and X.size > 0
            and X.flags.c_contiguous
            and X.dtype.type in dtypes
            and y.shape == X.shape[:1]
            and bool(np.isfinite(np.sum(X)))
            and bool(np.all(np.isfinite(y)))
        )
    if is_valid:
        # scikit-learn lets them pass as they are, but takes a tenth of a small fit for it.
        return Rows(X, y, None, None)
    substitute = stand_in(estimator, seen)
    target_names = None
    if not is_plain:
        refuse_dates(X)
        if y_numeric and sparse.issparse(y):
            y = y.toarray()
        check_targets(y, are_numbers=y_numeric)
        target_names = names_of_columns(y)
        X, y = native(X), native(y)
    try:
        with np.errstate(over="ignore"):  # what becomes infinite in float32 is refused
            X, y = validate_data(
                substitute,
                X,
                y,
                accept_sparse="csr",  # whose rows are cheap to take
                multi_output=multi_output,
                y_numeric=y_numeric,
                dtype=dtypes,
                order="C",
                reset=seen is None,
            )
    except NO_NUMBER:
        with naming_the_column(X, dtypes[0]), naming_the_target(y):
            raise
    if y.ndim == 2 and y.shape[1] == 1:
        y = one_column(y)
    return Rows(X, y, getattr(substitute, "feature_names_in_", None), target_names)


def dtype_to_go_on_in(estimator: Any, model: Model, dtypes: tuple[type, ...]) -> type:
    """The dtype of an earlier model.

    Raises
    ------
    ValueError
        If it is none of those that the parameter `dtype` asks for.
    """
    fitted = model.dtype
    if fitted.type not in dtypes:
        raise ValueError(
            f"The fitted parameters are {fitted}, dtype={estimator.dtype!r} now asks for others. "
            f"Training can go on only with dtype='auto' or {fitted.name!r}: call fit with "
            "warm_start=False to start anew."
        )
    return fitted.type


def in_units(weight: FloatArray, dtype: np.dtype[Any]) -> tuple[FloatArray, float]:
    """Weights in `dtype`, which may hold no numbers so large or so small, and their unit.

    The unit is 1 unless the largest weight is close to what `dtype` can hold. Then it is a power of
    two close to that weight, so that nothing is rounded. What vanishes beside it counts nothing.

    Raises
    ------
    ValueError
        If the sum of the weights is infinite.
    """
    with np.errstate(over="ignore"):
        total = float(weight.sum())
    if not math.isfinite(total):
        raise ValueError(
            "sample_weight (times class_weight) adds up to more than the largest number: only the "
            "ratios of weights to each other and to the penalty count, divide them by their mean."
        )
    unit, (_, exponent) = 1.0, math.frexp(float(weight.max()))
    if abs(exponent) > np.finfo(dtype).maxexp // 2:
        unit = math.ldexp(1.0, exponent - 1)
    return (weight / unit).astype(dtype, copy=False), unit


def checked_weight(
    sample_weight: Any, rows: Matrix, dtype: npt.DTypeLike = np.float64
) -> FloatArray:
    """Weights of as many rows as there are, in one axis.

    Raises
    ------
    ValueError, TypeError
        If they have another shape, are no finite numbers, negative or all zero.
    """
    refuse_dates(sample_weight, "sample_weight")
    return check_sample_weight(native(sample_weight), rows, dtype)


def own_validation(
    estimator: Any,
    validation: tuple[Any, Any, Any],
    seen: Rows,
    targets: Targets,
    by_class: FloatArray | None,
    **checks: Any,
) -> LabelledRows:
    """The validation rows that the user has passed to fit.

    Parameters
    ----------
    estimator : estimator
        For its name.
    validation : tuple
        X_val, y_val and sample_weight_val.
    seen : Rows
        The training rows.
    targets : Targets
    by_class : ndarray of shape (n_classes,) or None
        Weights of the classes.
    **checks
        For `validated_rows`.
    """
    X, y, sample_weight = validation
    if X is None or y is None:
        raise ValueError(
            "X_val and y_val go together, and sample_weight_val needs both: got "
            f"X_val {'given' if X is not None else 'missing'}, "
            f"y_val {'given' if y is not None else 'missing'}."
        )
    refuse_no_data(X_val=X, y_val=y, sample_weight_val=sample_weight)
    dtype = seen.X.dtype
    with saying_where("the validation rows (X_val, y_val, sample_weight_val)"):
        rows = validated_rows(estimator, X, y, seen, (dtype.type,), **checks)
        target = targets.encode(rows.y)
        weight, unit = None, 1.0
        if sample_weight is not None:
            weight = checked_weight(sample_weight, rows.X)
        if by_class is not None and isinstance(targets, ClassTargets):
            weight = targets.row_weights(weight, by_class, target, np.float64)
        if weight is not None:
            weight, unit = in_units(weight, dtype)
    return LabelledRows(rows.X, rows.y, target, weight, unit)
