"""Derivatives by differences, to compare a gradient with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from skneural.arrays.matrices import FloatArray

#: Half of the difference: the cube root of the rounding error of float64, where the errors of
#: rounding and of cutting off the series are as large.
STEP = 6e-6

#: Largest difference, relative to the largest derivative, or to 1 where that is less.
TOLERANCE = 1e-5


def by_differences(value: Callable[[], float], array: FloatArray) -> FloatArray:
    """The derivative of a number in every element of an array, by central differences.

    Parameters
    ----------
    value : callable
        ``value()`` reads the array and returns the number.
    array : ndarray
        In float64. Changed element by element, and set back.

    Returns
    -------
    ndarray of the shape of `array`
        The derivatives.
    """
    derivative = np.empty_like(array)
    for index in np.ndindex(array.shape):
        middle = array[index]
        array[index] = middle + STEP
        above = value()
        array[index] = middle - STEP
        derivative[index] = (above - value()) / (2 * STEP)
        array[index] = middle
    return derivative


def refuse_other_derivative(found: FloatArray, expected: FloatArray, what: str) -> None:
    """Raise an error where a derivative is not that of the differences.

    Parameters
    ----------
    found, expected : ndarray
        What was computed, and the differences.
    what : str
        What computes it, and of what, for the message.

    Raises
    ------
    ValueError
        With the element that differs most.
    """
    scale = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
    # NaN is further away than anything.
    distance = np.nan_to_num(np.abs(found - expected), nan=np.inf)
    if np.any(distance > TOLERANCE * scale):
        worst = np.unravel_index(np.argmax(distance), distance.shape)
        raise ValueError(
            f"{what} is not the derivative: element {tuple(map(int, worst))} is "
            f"{found[worst]:.6g}, differences give {expected[worst]:.6g}."
        )
