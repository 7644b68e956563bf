"""A loss of a user's own, tried on a few rows: what it does wrong is said before a training."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt

from skneural.losses import Loss, LossBuffers

#: Rows that a loss is tried on.
N_ROWS = 3


def is_own(loss: Any) -> bool:
    """Whether the class of a loss is defined outside of skneural."""
    return not type(loss).__module__.startswith("skneural.")


def check_own_outputs(loss: Loss, n_targets: int) -> None:
    """Refuse a number of outputs that is none.

    Raises
    ------
    ValueError
        If `n_outputs` returns no integer of at least 1.
    """
    found: Any = loss.n_outputs(n_targets)
    if not isinstance(found, Integral) or found < 1:
        raise ValueError(
            f"{type(loss).__name__}.n_outputs({n_targets}) must return an integer of at least 1, "
            f"got {found!r}."
        )


def check_own_loss(
    loss: Any, target: npt.NDArray[Any], n_outputs: int, dtype: Any, *, predicts: bool
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
    predicts : bool
        Whether predictions are what `predict` makes of raw outputs.

    Raises
    ------
    TypeError
        If it returns other objects than arrays.
    ValueError
        If it needs another number of outputs, returns arrays of other shapes, writes to the targets
        or leaves elements of the gradient as they are.
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
    n_rows = len(y)
    # Numbers that hardly any target equals, where a loss may have no derivative.
    raw = (0.7 * np.sin(1.0 + np.arange(n_rows * n_outputs))).astype(dtype)
    raw = raw.reshape(n_rows, n_outputs)
    is_unwritten = np.ones(raw.shape, dtype=bool)
    for content in (7.5, -3.25):
        targets = y.copy()
        gradient = np.full_like(raw, content)
        buffers = LossBuffers(gradient, np.empty_like(raw[:, :1]), np.empty_like(raw))
        with np.errstate(all="ignore"):
            losses = loss.value_and_gradient(raw.copy(), targets, buffers)
        _check_array(f"{name}.value_and_gradient", losses, (n_rows,), "the loss of each row")
        if not np.array_equal(y, targets, equal_nan=True):
            raise ValueError(
                f"{name}.value_and_gradient has written to y, which are the user's targets: it may "
                "write to raw and to the buffers only."
            )
        is_unwritten &= gradient == content
    if is_unwritten.any():
        raise ValueError(
            f"{name}.value_and_gradient must write the derivative in every raw output to "
            "buffers.gradient, in place: some are not written."
        )
    if predicts:
        predicted: Any = loss.predict(raw)
        columns = predicted.shape[1:2] if isinstance(predicted, np.ndarray) else ()
        shape = (n_rows, max(columns[0], 1) if columns else n_outputs)
        _check_array(f"{name}.predict", predicted, shape, "what each row of raw predicts")


def _check_array(method: str, found: Any, shape: tuple[int, ...], meaning: str) -> None:
    expected = f"{method} must return {meaning}, an array of shape {shape} for {shape[0]} rows: got"
    if not isinstance(found, np.ndarray):
        raise TypeError(f"{expected} {type(found).__name__}.")
    if found.shape != shape:
        raise ValueError(f"{expected} one of shape {found.shape}.")
