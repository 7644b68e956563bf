"""A loss of a user's own: whether it keeps the contract, and its gradient is its derivative."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt

from skneural.arrays.in_place import is_another_array
from skneural.arrays.matrices import FloatArray
from skneural.checks.derivatives import STEP, refuse_other_derivative
from skneural.losses import (
    IDENTITY,
    LOGISTIC,
    SOFTMAX,
    ClassificationLoss,
    Link,
    Loss,
    LossBuffers,
    SumOverTargets,
)

#: Rows that a loss is tried on.
N_ROWS = 3

#: Raw outputs whose gradient is compared with differences are so many times 0.7 and less: near to
#: targets around 1, and far on both sides of them.
SIZES = (1.0, 6.0)


def is_own(loss: Any) -> bool:
    """Whether the class of a loss, or of that of each target, is defined outside of skneural."""
    if isinstance(loss, SumOverTargets):
        loss = loss.loss
    return not type(loss).__module__.startswith("skneural.")


def check_own_outputs(loss: Loss, n_targets: int) -> None:
    """Refuse a number of outputs that is not valid.

    Raises
    ------
    ValueError
        If `n_outputs` returns no integer of at least 1.
    """
    found: Any = loss.n_outputs(n_targets)
    if isinstance(found, bool) or not isinstance(found, Integral) or found < 1:
        raise ValueError(
            f"{type(loss).__name__}.n_outputs({n_targets}) must return an integer of at least 1, "
            f"got {found!r}."
        )


def check_own_loss(
    loss: Any, target: npt.NDArray[Any], n_outputs: int, dtype: Any, link: Link | None = None
) -> None:
    """Try a loss on the first rows: whether it keeps the contract of `skneural.losses.Loss`.

    Parameters
    ----------
    loss : Loss
    target : ndarray of shape (n_rows, n_targets)
        Those to train on.
    n_outputs : int
        Of the network.
    dtype : dtype
        Of the training.
    link : Link or None, default=None
        What makes probabilities of raw outputs; None where predictions are what `predict` makes.

    Raises
    ------
    TypeError
        If it returns other objects than arrays.
    ValueError
        If it needs another number of outputs, returns arrays of other shapes or NaN, writes to the
        targets or leaves elements of the gradient as they are; or if it has another link.
    """
    if not isinstance(loss, Loss):
        raise TypeError(f"with_link of the loss must return a Loss, got {loss!r}.")
    name = type(loss).__name__
    needed = loss.n_outputs(target.shape[1])
    if needed != n_outputs:
        raise ValueError(
            f"{name}.n_outputs({target.shape[1]}) returns {needed!r}, and this network has "
            f"{n_outputs} output(s): a classifier's are one for two classes, else one a class."
        )
    y = target[:N_ROWS].astype(dtype)
    raw = _raw_outputs(len(y), n_outputs).astype(dtype)
    is_unwritten = np.ones(raw.shape, dtype=bool)
    for content in (7.5, -3.25):
        gradient = np.full_like(raw, content)
        _check_value_and_gradient(loss, raw, y, gradient)
        is_unwritten &= gradient == content
    if is_unwritten.any():
        raise ValueError(
            f"{name}.value_and_gradient must write the derivative in every raw output to "
            "buffers.gradient, in place: some are not written."
        )
    if link is None:
        _check_predictions(loss, raw)
    elif loss.link != link and loss.link.name != IDENTITY.name:
        raise ValueError(
            f"{name} has the link {loss.link.name!r}, and this classifier makes probabilities by "
            f"{link.name!r}: with_link(link) must return a loss of the raw outputs of that link. "
            "Only a regressor takes the link of its loss."
        )


def _check_value_and_gradient(
    loss: Loss, raw: FloatArray, y: FloatArray, gradient: FloatArray
) -> None:
    """Try a loss once; what it writes is in `gradient`."""
    method, targets = f"{type(loss).__name__}.value_and_gradient", y.copy()
    buffers = LossBuffers(gradient, np.empty_like(raw[:, :1]), np.empty_like(raw))
    with np.errstate(all="ignore"):
        losses = loss.value_and_gradient(raw.copy(), targets, buffers)
    _check_array(method, losses, (len(y),), "the loss of each row")
    for what, numbers in (("loss", losses), ("derivative", gradient)):
        if np.isnan(numbers).any():
            raise ValueError(
                f"{method} gives NaN as the {what} of a row, for y = {y.tolist()} and raw outputs "
                f"{raw.tolist()}."
            )
    if not np.array_equal(y, targets, equal_nan=True):
        raise ValueError(
            f"{method} has written to y, which are the user's targets: it may write to raw and to "
            "the buffers only."
        )


def _check_predictions(loss: Loss, raw: FloatArray) -> None:
    """Try what a loss, and its link, make of raw outputs."""
    predictions = raw.copy()
    inverse: Any = loss.link.inverse
    if is_another_array(inverse(predictions), predictions):
        raise TypeError(
            f"The inverse of the link {loss.link.name!r} must replace raw outputs by predictions "
            "in place, as by `raw[...] = ...`, and return None. It returns another array."
        )
    predicted: Any = loss.predict(raw)
    columns = predicted.shape[1:2] if isinstance(predicted, np.ndarray) else ()
    shape = (len(raw), max(columns[0], 1) if columns else raw.shape[1])
    method = f"{type(loss).__name__}.predict"
    _check_array(method, predicted, shape, "what each row predicts", kinds="fiub")


def check_loss(loss: Loss, y: Any = None) -> None:
    """Check a loss against its contract, its gradient by differences.

    Parameters
    ----------
    loss : Loss
        What to check. One for classes is checked for two classes and for three.
    y : array-like of shape (n_rows,) or (n_rows, n_targets) or None, default=None
        Targets of a regression to try it on, beside raw outputs from -4 to 4; None for six numbers
        from 0.2 to 2.1. Those for classes have their own.

    Raises
    ------
    TypeError
        If `value_and_gradient` or `predict` returns no array of floating point numbers, or
        `with_link` no loss.
    ValueError
        If its settings are not valid, the derivative of each row in its raw outputs is not within
        1e-5 of central differences in float64, arrays have other shapes than they should, or the
        targets are written to.

    Examples
    --------
    >>> from skneural.checks import check_loss
    >>> from skneural.losses import Huber, LogLoss
    >>> check_loss(Huber(delta=0.5))
    >>> check_loss(LogLoss(label_smoothing=0.1))
    """
    loss.check()
    if isinstance(loss, ClassificationLoss):
        classes = np.array([0, 1, 1, 2, 0, 2])
        for link, of_outputs in ((LOGISTIC, np.ones(1)), (SOFTMAX, np.arange(3))):
            target = (classes[:, np.newaxis] == of_outputs).astype(float)
            _check_for(loss.with_link(link), target, len(of_outputs), link)
        return
    target = np.array([0.4, 1.3, 0.7, 2.1, 0.2, 1.6] if y is None else y, dtype=np.float64)
    loss.check_targets(target)
    target = target.reshape(len(target), -1)
    check_own_outputs(loss, target.shape[1])
    _check_for(loss, target, loss.n_outputs(target.shape[1]))


def _check_for(loss: Loss, target: FloatArray, n_outputs: int, link: Link | None = None) -> None:
    """Check the loss of these targets, all of them."""
    check_own_loss(loss, target, n_outputs, np.float64, link)
    for size in SIZES:
        raw = size * _raw_outputs(len(target), n_outputs)
        _, gradient = _value_and_gradient(loss, raw, target)
        differences = np.empty_like(raw)
        for j in range(n_outputs):
            step = np.zeros(n_outputs)
            step[j] = STEP
            both = (_value_and_gradient(loss, raw + each, target)[0] for each in (step, -step))
            differences[:, j] = np.subtract(*both) / (2 * STEP)
        refuse_other_derivative(
            gradient, differences, f"What {type(loss).__name__}.value_and_gradient writes"
        )


def _value_and_gradient(
    loss: Loss, raw: FloatArray, target: FloatArray
) -> tuple[FloatArray, FloatArray]:
    buffers = LossBuffers(np.empty_like(raw), np.empty_like(raw[:, :1]), np.empty_like(raw))
    losses = loss.value_and_gradient(raw.copy(), target, buffers).copy()
    return losses, buffers.gradient


def _raw_outputs(n_rows: int, n_outputs: int) -> FloatArray:
    """Numbers that hardly any target equals, where a loss may have no derivative."""
    raw: FloatArray = 0.7 * np.sin(1.0 + np.arange(n_rows * n_outputs))
    return raw.reshape(n_rows, n_outputs)


def _check_array(
    method: str, found: Any, shape: tuple[int, ...], meaning: str, kinds: str = "f"
) -> None:
    expected = f"{method} must return {meaning}, an array of shape {shape} for {shape[0]} rows: got"
    if not isinstance(found, np.ndarray):
        raise TypeError(f"{expected} {type(found).__name__}.")
    if found.dtype.kind not in kinds:
        raise TypeError(f"{expected} one of {found.dtype}.")
    if found.shape != shape:
        raise ValueError(f"{expected} one of shape {found.shape}.")
