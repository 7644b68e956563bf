"""From the perceptron's parameters and data to a training that can be run."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils import compute_class_weight

from skneural.arrays.matrices import (
    BoolArray,
    FloatArray,
    IndexArray,
    Matrix,
    row_chunks,
)
from skneural.arrays.taken_rows import taken_rows
from skneural.estimators.class_weight import refuse_negative, weights_of_dict
from skneural.estimators.data import Data
from skneural.estimators.linear_attributes import intercepts_of
from skneural.estimators.model import Model, Origin
from skneural.estimators.perceptron.sgd_order import epoch_orders, held_out_and_seeds
from skneural.estimators.plan import Plan, Start
from skneural.estimators.split import naming_the_sides
from skneural.estimators.targets import Labels
from skneural.kernels.use import training_work
from skneural.minimizers.history import EarlyStopping
from skneural.minimizers.state import Record, TrainingState
from skneural.perceptron import (
    OnlinePerceptron,
    Patience,
    PerceptronTraining,
    Rule,
    UnitTraining,
    rows_of,
)

#: How much of a step the intercept takes where the rows are sparse: it is in every row, and would
#: swing wildly beside weights that move once in a while. scikit-learn's number.
SPARSE_INTERCEPT_RATE = 0.01

#: Elements that NumPy goes through in the time that Python takes for a row.
WORK_OF_A_ROW = 500

NOT_CONVERGED = (
    "Maximum number of iterations ({}) reached before convergence. Consider increasing max_iter to "
    "improve the fit."
)

#: The share of L1 in each penalty; None for `l1_ratio`.
L1_SHARE = {"l2": 0.0, "l1": 1.0, "elasticnet": None, None: 0.0}


def perceptron_plan(
    estimator: Any, data: Data, start: Start, coef_init: Any = None, intercept_init: Any = None
) -> Plan:
    """The plan of a training of the perceptron.

    Parameters
    ----------
    estimator : ScratchPerceptron
        With its parameters.
    data : Data
    start : Start
    coef_init, intercept_init : array-like or None, default=None
        See `ScratchPerceptron.fit`.

    Raises
    ------
    ValueError
        If `coef_init` or `intercept_init` have another shape or are not finite, if
        `class_weight` lacks classes or is negative, or if no validation rows can be held out.
    """
    labels, dtype = data.targets, data.rows.X.dtype
    assert isinstance(labels, Labels)
    layer_sizes = (data.rows.X.shape[1], labels.n_outputs)
    empty: FloatArray = np.empty(0, dtype=dtype)
    template = Model(layer_sizes[0], data.feature_names, layer_sizes, (), empty, labels)
    coef, intercepts = _initial_weights(start, layer_sizes, dtype, coef_init, intercept_init)
    units = _units(estimator, data, labels, coef, intercepts, start)
    reason = "early_stopping" if estimator.early_stopping else "converged"
    max_iter = 1 if start.mode == "partial_fit" else estimator.max_iter
    return Plan(
        template,
        template.network,
        PerceptronTraining(units, int(estimator.verbose), reason),
        _state(start, np.concatenate([coef.T.ravel(), intercepts])),
        Origin(seed=start.seed),
        # Each unit has a patience of its own.
        EarlyStopping(0.0, math.inf),
        validate=None,
        restores_best=False,
        max_iter=max_iter,
        # One thread: a product with a vector waits for memory, and more threads wait too.
        largest_product=0,
        work=training_work(0, len(units) * WORK_OF_A_ROW, len(data.rows.y), 1, max_iter),
        # Without `tol` there is no convergence to wait for.
        convergence_warning="" if estimator.tol is None else NOT_CONVERGED.format(max_iter),
        records_epochs=False,
    )


def _state(start: Start, params: FloatArray) -> TrainingState:
    """Where the training begins."""
    earlier = None if start.earlier is None else start.earlier.state
    if earlier is not None and start.mode == "resume":
        return TrainingState(params, record=earlier.record, minimizer=earlier.minimizer)
    if earlier is not None and start.mode == "partial_fit":
        return TrainingState(params, record=Record(n_samples_seen=earlier.record.n_samples_seen))
    return TrainingState(params)


def _initial_weights(
    start: Start,
    layer_sizes: tuple[int, int],
    dtype: npt.DTypeLike,
    coef_init: Any,
    intercept_init: Any,
) -> tuple[FloatArray, FloatArray]:
    """The weights, of shape (n_units, n_features), and intercepts to start from."""
    n_features, n_units = layer_sizes
    coef, intercepts = np.zeros((n_units, n_features), dtype), np.zeros(n_units, dtype)
    if start.earlier is not None:
        model = start.earlier.model.dense()
        coef, intercepts = model.arrays[0][0].T, intercepts_of(model)
    if coef_init is not None:
        coef = _given_weights("coef_init", coef_init, coef.shape, dtype)
    if intercept_init is not None:
        intercepts = _given_weights("intercept_init", intercept_init, (n_units,), dtype)
    return coef, intercepts


def _given_weights(
    name: str, values: Any, shape: tuple[int, ...], dtype: npt.DTypeLike
) -> npt.NDArray[Any]:
    """`values` in this shape, of which the first axis may be missing if it has length 1."""
    array = np.array(values, dtype=dtype)
    if array.shape != shape and not (shape[0] == 1 and array.shape == shape[1:]):
        raise ValueError(
            f"Provided {name} does not match dataset: it has shape {array.shape}, expected {shape}."
        )
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name} contains NaN or infinity.")
    return array.reshape(shape)


@np.errstate(over="ignore", invalid="ignore")
def _units(
    estimator: Any,
    data: Data,
    labels: Labels,
    coef: FloatArray,
    intercepts: FloatArray,
    start: Start,
) -> list[UnitTraining]:
    """The training of each unit."""
    X, target, sample_weight = data.rows.X, data.rows.target, data.rows.weight
    n_rows, n_units = target.shape
    class_weight = _weights_of_units(estimator.class_weight, labels, data.rows.y)
    fraction = estimator.validation_fraction if estimator.early_stopping else None
    if start.seed is None:
        start.note_generator()
    with naming_the_sides(fraction or 0.0, n_rows, labels.counts(target), labels.classes.tolist()):
        held_out, seeds = held_out_and_seeds(
            target, sample_weight, fraction, start.seed, start.generator
        )
    training_rows = None
    if held_out is not None:
        training_rows = np.ones(n_rows, dtype=bool)
        training_rows[held_out] = False
    rows = rows_of(X)
    rule = _rule(estimator, is_sparse=rows.is_sparse)
    units = []
    for k in range(n_units):
        others, own = class_weight if n_units == 1 else (1.0, class_weight[k])
        weight = None
        if sample_weight is not None or estimator.class_weight is not None:
            weight = np.where(target[:, k], own, others).astype(X.dtype)
            weight *= 1 if sample_weight is None else sample_weight
        units.append(
            UnitTraining(
                OnlinePerceptron(rows, target[:, k], weight, coef[k], intercepts[k], rule),
                epoch_orders(n_rows, seeds[k] if estimator.shuffle else None, training_rows),
                Patience(
                    -math.inf if estimator.tol is None else estimator.tol,
                    estimator.n_iter_no_change,
                ),
                _scorer(X, target[:, [k]], sample_weight, held_out),
                name="" if n_units == 1 else f", class {labels.classes.tolist()[k]!r}",
            )
        )
    return units


def _weights_of_units(class_weight: Any, labels: Labels, y: Any) -> FloatArray:
    """The weight of each class."""
    if class_weight is None:
        return np.ones(len(labels.classes))
    if isinstance(class_weight, dict):
        by_class = weights_of_dict(class_weight, labels.classes)
        refuse_negative(by_class, labels.classes)
        return by_class
    weights: FloatArray = compute_class_weight(class_weight, classes=labels.classes, y=y)
    return weights


def _rule(estimator: Any, *, is_sparse: bool) -> Rule:
    intercept_rate = SPARSE_INTERCEPT_RATE if is_sparse else 1.0
    l1_share = L1_SHARE[estimator.penalty]
    return Rule(
        learning_rate=float(estimator.eta0),
        alpha=0.0 if estimator.penalty is None else float(estimator.alpha),
        l1_ratio=float(estimator.l1_ratio if l1_share is None else l1_share),
        intercept_rate=intercept_rate if estimator.fit_intercept else 0.0,
    )


def _scorer(
    X: Matrix, target: BoolArray, sample_weight: FloatArray | None, rows: IndexArray | None
) -> Callable[[FloatArray, float], float] | None:
    """The accuracy of one unit on the validation rows; None if there are none."""
    if rows is None:
        return None
    X, target, labels = taken_rows(X, rows), target[rows], Labels(np.array([-1, 1]))
    weight = None if sample_weight is None else sample_weight[rows]

    def accuracy(weights: FloatArray, intercept: float) -> float:
        raw: FloatArray = np.empty((len(target), 1), dtype=X.dtype)
        for some, chunk in row_chunks(X, (X.shape[1], 1), X.dtype):
            raw[some, 0] = chunk @ weights + intercept
        return labels.score(raw, target, weight)

    return accuracy
