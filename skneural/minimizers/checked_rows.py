"""Rows, targets and weights that a minimiser is given: whether they go together."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from skneural.arrays.matrices import FloatArray, Matrix
from skneural.objective import Objective


def check_rows(
    objective: Objective,
    X: Matrix,
    y: npt.NDArray[Any],
    sample_weight: FloatArray | None,
    n_own: int = 0,
) -> None:
    """Refuse what the passes could not go through with, or would go through without a word.

    Parameters
    ----------
    objective : Objective
        What is to be minimised.
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, n_targets), or (K, n_samples, n_targets)
    sample_weight : ndarray of shape (n_samples,) or None
    n_own : int, default=0
        Columns that members have of their own.

    Raises
    ------
    TypeError
        If `X` is sparse and the network does not take that, not floating point, or in another dtype
        than the objective; or if weights are no array.
    ValueError
        If shapes do not go together, or are not those of the network and its loss.
    """
    objective.network.check_rows(X, n_own)
    n_samples = X.shape[0]
    if X.dtype.kind != "f":
        raise TypeError(
            f"X must be floating point, got {X.dtype}: the network computes in its dtype. "
            "X.astype(float) makes it so."
        )
    if X.dtype != objective.gradient.dtype:
        raise TypeError(
            f"X is {X.dtype}, and the objective is for {objective.gradient.dtype}: X.astype makes "
            "it so."
        )
    if y.ndim < 2 or (y.ndim == 2 and len(y) != n_samples):
        raise ValueError(
            f"y must have the shape (n_samples, n_targets), here ({n_samples}, n_targets), got "
            f"{y.shape}."
        )
    if sample_weight is not None and not isinstance(sample_weight, np.ndarray):
        raise TypeError(f"sample_weight must be an array, got a {type(sample_weight).__name__}.")
    if sample_weight is not None and sample_weight.shape != (n_samples,):
        raise ValueError(
            f"sample_weight must have the shape ({n_samples},), got {sample_weight.shape}."
        )
    objective.check_targets(y)
