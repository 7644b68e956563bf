"""Weights as numbers of rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from skneural.arrays.matrices import FloatArray
from skneural.estimators.columns import refuse_dates
from skneural.estimators.sklearn_private import check_sample_weight
from skneural.estimators.table.reading import LARGEST

Mask = npt.NDArray[np.bool_]


def frequencies(weight: FloatArray) -> FloatArray:
    """Weights as numbers of rows: a row of weight two is a row twice.

    Weights with a mean below one are scaled to a mean of one: they may sum to one, say, and are
    not meant for fewer rows then.
    """
    mean = weight.mean()
    if mean >= 1:
        return weight
    # The smallest numbers have no inverse, which raises a flag in some versions of NumPy.
    with np.errstate(over="ignore"):
        in_rows: FloatArray = weight / mean
    return in_rows


def relative(weight: FloatArray) -> FloatArray:
    """Weights of which only the ratios count: below one, so that products with them are finite."""
    # By a power of two, which rounds nothing.
    smaller: FloatArray = np.ldexp(weight, -np.frexp(weight.max())[1])
    return smaller


def weight_and_rows(sample_weight: Any, n_rows: int) -> tuple[FloatArray | None, Mask | None]:
    """Weights of the rows that have some, and which these are; None for all of them."""
    if sample_weight is None:
        return None, None
    refuse_dates(sample_weight, "sample_weight")
    weight = check_sample_weight(sample_weight, np.empty((n_rows, 0)))
    assert weight is not None
    if weight.max() > LARGEST:
        raise ValueError(f"sample_weight is too large: {weight.max():g} in one of the rows.")
    kept = None
    if not np.all(weight):
        kept = weight > 0
        weight = weight[kept]
    # Divided by their mean, equal weights would be ones but for rounding.
    are_ones = np.all(weight == weight[0]) and weight[0] <= 1
    return (None if are_ones else frequencies(weight)), kept
