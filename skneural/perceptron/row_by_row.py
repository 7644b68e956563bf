"""The rule row by row, over all rows of an epoch: where that is compiled.

In Python a row takes as long as hundreds of multiplications. `skneural.perceptron.rule` therefore
looks at a block of rows at a time; it is the definition. The functions here are what it asks first.
They leave all rows to it, unless `skneural.kernels.perceptron` stands in for them: that learns from
all of them, with the same result to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from skneural.arrays.matrices import FloatArray, IndexArray
from skneural.kernels import compiled_as
from skneural.kernels import perceptron as kernels

#: The vectors of a unit: the order of the rows, their signs, their updates, the weights without
#: their scale, and how far L1 has pulled each of them.
Vectors: TypeAlias = tuple[IndexArray, FloatArray, npt.NDArray[np.float64], FloatArray, FloatArray]
Numbers: TypeAlias = tuple[float, ...]


class Epoch(NamedTuple):
    """What a loop over the rows of an epoch is given.

    Attributes
    ----------
    vectors, state, settings
        As in `learn_from_dense_rows`.
    bounds : callable
        The bounds there, which not every loop needs.
    mistakes : float
        The share of rows that are likely to be mistaken.
    """

    vectors: Vectors
    state: Numbers
    settings: Numbers
    bounds: Callable[[], Numbers]
    mistakes: float


class Bounds(NamedTuple):
    """How far the outputs of a unit may be from the truth, in whatever order terms are added up.

    Parameters
    ----------
    slack : float
        By no more than this times the reach: a bound of the length of all that has been added up to
        the weights and the intercept.
    largest_doubt : float
        From there on an output, or a product of rows, may overflow.
    longest : float
        The norm of the longest row. A step of length one adds that to the reach, and the rate of
        the intercept.
    """

    slack: float
    largest_doubt: float
    longest: float

    @classmethod
    def of(cls, n_terms: int, longest: float, step: float, dtype: npt.DTypeLike) -> Bounds:
        """Those of sums of so many terms, with rows no longer than this.

        Parameters
        ----------
        n_terms : int
        longest : float
        step : float
            The largest number that a row may be multiplied by.
        dtype : dtype
            Of the weights.
        """
        rounding, largest = float(np.finfo(dtype).eps), float(np.finfo(dtype).max)
        share = 2 * n_terms * rounding
        is_safe = longest * longest * max(step, 1.0) < largest
        return cls(share * math.hypot(longest, 1), share * largest if is_safe else 0.0, longest)


@compiled_as(kernels.learn_from_dense_rows)
def learn_from_dense_rows(
    X: FloatArray,
    order: IndexArray,
    sign: FloatArray,
    updates: npt.NDArray[np.float64],
    weights: FloatArray,
    pulled: FloatArray,
    state: Numbers,
    settings: Numbers,
    bounds: Numbers,
) -> Numbers:
    """Learn from the rows of an array one by one, if that is compiled.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    order : ndarray of int
        The rows to look at, one after another.
    sign, updates : ndarray of shape (n_rows,)
        The target, +1 or -1, and what a step multiplies the row by.
    weights, pulled : ndarray of shape (n_features,)
        Weights without their scale, and how far L1 has pulled them. Updated.
    state : tuple of float
        Objective, number of mistakes, intercept, scale of the weights, their squared norm and sum
        of absolute values, and the full pull of L1.
    settings : tuple of float
        Shrinkage, smallest scale, `alpha`, half of the share of L2, share of L1, pull, rate of the
        intercept.
    bounds : tuple of float
        Those of `Bounds`, and the reach. A margin above `slack` times the reach is that of a row
        which is right, however its terms are added up.

    Returns
    -------
    state : tuple of float
        After the last row; empty if no row has been looked at.
    """
    return ()


@compiled_as(kernels.learn_from_sparse_rows)
def learn_from_sparse_rows(
    values: FloatArray,
    columns: npt.NDArray[np.unsignedinteger],
    starts: npt.NDArray[np.integer],
    order: IndexArray,
    sign: FloatArray,
    updates: npt.NDArray[np.float64],
    weights: FloatArray,
    pulled: FloatArray,
    state: Numbers,
    settings: Numbers,
) -> Numbers:
    """Learn from the rows of a CSR matrix one by one, if that is compiled.

    Parameters
    ----------
    values, columns, starts : ndarray
        The arrays `data`, `indices` and `indptr` of the matrix; `indices` as unsigned integers.
    order, sign, updates, weights, pulled, state, settings
        As in `learn_from_dense_rows`.

    Returns
    -------
    state : tuple of float
        Likewise.
    """
    return ()
