"""An activation function of a user's own: whether its two functions do what the contract says."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np

from skneural.activations import Activation
from skneural.arrays.in_place import is_another_array
from skneural.arrays.matrices import FloatArray
from skneural.checks.derivatives import STEP, refuse_other_derivative


def _is_own(activation: Activation) -> bool:
    """Whether a function of an activation is defined outside of skneural."""
    functions = (activation.forward, activation.backward)
    return not all(
        str(getattr(each, "__module__", "")).startswith("skneural.") for each in functions
    )


def check_own_activation(activation: Activation) -> None:
    """Try both functions on a few numbers: whether they can be called, and work in place.

    Parameters
    ----------
    activation : Activation
        What to try; nothing is done for one of skneural.

    Raises
    ------
    TypeError
        If a function cannot be called as the contract says, or returns what it should have written
        in place.
    ValueError
        If `n_saved` is no number of arrays, or the functions read what they have not written.
    """
    if not _is_own(activation):
        return
    n_saved: Any = activation.n_saved
    if isinstance(n_saved, bool) or not isinstance(n_saved, Integral) or n_saved < 0:
        raise ValueError(
            f"n_saved of {activation!r} must be an integer from 0 on, got {n_saved!r}."
        )
    z = np.linspace(-1.9, 2.1, 6).reshape(3, 2)
    with np.errstate(all="ignore"):
        _passes(activation, z)


def check_activation(activation: Activation, z: Any = None) -> None:
    """Check an activation function against its contract, its derivative by differences.

    Parameters
    ----------
    activation : Activation
        What to check.
    z : array-like of shape (n_rows, n_units) or None, default=None
        Numbers to try it on, none of them where the function has a kink; None for 24 numbers from
        -3.1 to 2.9.

    Raises
    ------
    TypeError
        If a function cannot be called as the contract says, or returns what it should have written
        in place.
    ValueError
        If `backward` does not multiply by the derivative of `forward`, which is within 1e-5 of
        central differences in float64; if the functions read elements of `mask` or `saved` that
        they have not written; if `forward` is not a function of each number alone; or if
        `remainder` and `remainder_backward` do not go with them.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.activations import Activation
    >>> from skneural.checks import check_activation
    >>> def cube(z, mask, saved):
    ...     saved[...] = z
    ...     z **= 3
    >>> def cube_backward(delta, a, mask, saved):
    ...     delta *= 3 * saved**2
    >>> check_activation(Activation("cube", cube, cube_backward, n_saved=1))
    """
    check_own_activation(activation)
    if z is None:
        z = np.linspace(-3.1, 2.9, 24).reshape(8, 3)
    z = np.array(z, dtype=np.float64, ndmin=2)
    outputs, slopes = _passes(activation, z)
    flat, _ = _passes(activation, z.reshape(1, -1))
    if not np.allclose(flat, outputs.reshape(1, -1), rtol=1e-12, atol=1e-12, equal_nan=True):
        raise ValueError(
            f"forward of {activation!r} must be a function of each number alone: it depends on the "
            "shape of z."
        )
    differences = (_passes(activation, z + STEP)[0] - _passes(activation, z - STEP)[0]) / (2 * STEP)
    refuse_other_derivative(slopes, differences, f"backward of {activation!r}")
    if activation.remainder is None or activation.remainder_backward is None:
        return
    saved = [np.full_like(z, np.nan) for _ in range(activation.n_saved)]
    out = np.empty_like(z)
    activation.remainder(z.copy(), out, *saved)
    if not np.allclose(out, z - outputs, rtol=1e-9, atol=1e-12):
        raise ValueError(
            f"remainder of {activation!r} must write z - f(z) into its second argument."
        )
    activation.remainder_backward(out, *saved)
    refuse_other_derivative(out, 1 - differences, f"remainder_backward of {activation!r}")


def _passes(activation: Activation, z: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The function of some numbers, and what it makes of derivatives that are 1."""
    found = []
    # What is in the memory at first, of other layers or of passes before.
    for content, is_set in ((np.nan, True), (0.5, False)):
        mask = np.full(z.shape, is_set)
        saved = [np.full_like(z, content) for _ in range(activation.n_saved)]
        a, delta = z.copy(), np.ones_like(z)
        _called(activation, "forward", (a, mask, *saved))
        outputs = a.copy()
        _called(activation, "backward", (delta, a, mask, *saved))
        found.append((outputs, delta))
    if not np.array_equal(found[0], found[1], equal_nan=True):
        raise ValueError(
            f"The functions of {activation!r} must make nothing of what has been in mask and saved "
            "before: forward has to write every element of saved that backward reads, and each "
            "function every element of mask that it reads."
        )
    return found[0]


def _called(activation: Activation, name: str, arguments: tuple[Any, ...]) -> None:
    function: Any = getattr(activation, name)
    signature = "(z, mask, *saved)" if name == "forward" else "(delta, a, mask, *saved)"
    needed = f"{name} of {activation!r} must be a function {signature}"
    if not callable(function):
        raise TypeError(f"{needed}, got {function!r}.")
    try:
        returned = function(*arguments)
    except Exception as error:
        error.add_note(
            f"{needed} with {activation.n_saved} saved array(s), and work in place on arrays of "
            "floating point numbers."
        )
        raise
    if is_another_array(returned, arguments[0]):
        written = "z by f(z)" if name == "forward" else "delta by delta * f'(z)"
        raise TypeError(
            f"{needed} that replaces {written} in place, as by `z[...] = ...`, and returns None. "
            "It returns another array."
        )
