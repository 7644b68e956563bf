"""Links: from the raw outputs of a network to its predictions.

A link is named, as usual, after its inverse, the output activation: the inverse of the logit
link is the logistic function. Source: P. McCullagh and J. A. Nelder, *Generalized Linear
Models*, 1989, section 2.2.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from scipy.special import expit

from skneural.arrays.matrices import FloatArray, row_sums
from skneural.kernels import compiled_as
from skneural.kernels import losses as kernels

#: Up to this length, NumPy reduces all rows at once faster than one after another.
SHORT_ROW = 64

#: Differences of numbers below this are finite, in float32 too, unless the other is far larger.
OVERFLOW_SAFE = 1e37


@dataclass(frozen=True)
class Link:
    """An output activation by name.

    Parameters
    ----------
    name : str
        What a fitted network shows as `out_activation_`.
    inverse : callable
        ``inverse(raw)`` replaces the raw outputs of one target, of shape (n_rows, n_outputs), by
        predictions, in place. See `side_by_side` for several targets.
    backward : callable or None, default=None
        ``backward(derivative, raw)`` replaces derivatives in the predictions of one target by those
        in its raw outputs, in place: the chain rule. It may overwrite `raw`. None where it is not
        known: differences take its place.

    Notes
    -----
    Two links are equal if they have the same name and the same `inverse`. A link is pickled with
    its functions, which therefore have to be importable; those of this package by name.
    """

    name: str
    inverse: Callable[[FloatArray], None]
    backward: Callable[[FloatArray, FloatArray], None] | None = field(default=None, compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        if LINKS.get(self.name) == self:
            return link_named, (self.name,)
        return Link, (self.name, self.inverse, self.backward)


def link_named(name: str) -> Link:
    """The link of this package that has this name."""
    return LINKS[name]


@dataclass(frozen=True)
class _OfEachTarget:
    """A function of the outputs of one target, applied to those of each of several.

    Parameters
    ----------
    function : callable
        ``function(*arrays)`` works in place, on arrays of shape (n_rows, n_outputs).
    widths : tuple of int
        Outputs of each target.
    """

    function: Callable[..., None]
    widths: tuple[int, ...]

    def __call__(self, *arrays: FloatArray) -> None:
        for outputs in outputs_of_targets(self.widths):
            self.function(*(array[:, outputs] for array in arrays))


def outputs_of_targets(widths: Iterable[int]) -> list[slice]:
    """Which outputs belong to each target, if their outputs lie side by side.

    Parameters
    ----------
    widths : iterable of int
        Outputs of each target.

    Returns
    -------
    outputs : list of slice
    """
    return [slice(first, last) for first, last in pairwise(accumulate(widths, initial=0))]


def side_by_side(link: Link, widths: tuple[int, ...]) -> Link:
    """The link of several targets, each of which has this link for outputs of its own.

    Parameters
    ----------
    link : Link
        Of a single target.
    widths : tuple of int
        Outputs of each target.

    Returns
    -------
    Link
        Of the same name, for raw outputs of shape (n_rows, sum of the widths).
    """
    backward = None if link.backward is None else _OfEachTarget(link.backward, widths)
    return Link(link.name, _OfEachTarget(link.inverse, widths), backward)


def _identity(raw: FloatArray) -> None:
    pass


def _identity_backward(derivative: FloatArray, raw: FloatArray) -> None:
    pass


def _exp(raw: FloatArray) -> None:
    np.exp(raw, out=raw)


def _exp_backward(derivative: FloatArray, raw: FloatArray) -> None:
    derivative *= np.exp(raw)


def _increasing(raw: FloatArray) -> None:
    for below, increment in pairwise(raw.T):
        np.logaddexp(increment, 0, out=increment)
        increment += below


def increasing_backward(gradient: FloatArray, z: FloatArray) -> None:
    """Turn derivatives in increasing numbers into derivatives in z: the chain rule, in place.

    Parameters
    ----------
    gradient : ndarray of shape (n_rows, n_outputs)
    z : ndarray of shape (n_rows, n_outputs)
        Raw outputs. Used as scratch.
    """
    # Every number contains the increments of all before it: derivatives add up from the last.
    for above, below in pairwise(gradient.T[::-1]):
        below += above
    # The derivative of a softplus is the logistic function.
    for derivative, increment in zip(gradient.T[1:], z.T[1:], strict=True):
        expit(increment, out=increment)
        derivative *= increment


def _logistic(raw: FloatArray) -> None:
    if len(raw) == 1:  # one call instead of four
        expit(raw, out=raw)
        return
    # NumPy's exp is vectorised, expit is not. Tiny results keep all their digits here too.
    np.negative(raw, out=raw)
    with np.errstate(over="ignore"):
        np.exp(raw, out=raw)
    raw += 1
    np.divide(1, raw, out=raw)


def _logistic_backward(derivative: FloatArray, raw: FloatArray) -> None:
    # 1 - p as the probability of -raw: without cancellation where p is almost 1.
    derivative *= expit(raw) * expit(-raw)


def _softmax(raw: FloatArray) -> None:
    if len(raw) == 1:
        largest = raw.max()
        if largest < OVERFLOW_SAFE:  # setting up buffers would take longer than the rest
            raw -= largest
            np.exp(raw, out=raw)
            raw /= raw.sum()
            return
    column: FloatArray = np.empty((len(raw), 1), dtype=raw.dtype)
    with np.errstate(over="ignore"):  # minus infinity stands for a probability of zero
        subtract_row_maxima(raw, column, np.empty_like(raw))
    np.exp(raw, out=raw)
    row_sums(raw, out=column)
    raw /= column


@compiled_as(kernels.subtract_row_maxima)
def subtract_row_maxima(raw: FloatArray, column: FloatArray, scratch: FloatArray) -> None:
    """Subtract the largest number of each row, so that exp cannot overflow; leave it in `column`.

    Parameters
    ----------
    raw : ndarray of shape (n_rows, n_outputs)
    column : ndarray of shape (n_rows, 1)
    scratch : ndarray of the shape of `raw`
    """
    if raw.shape[1] < SHORT_ROW:
        turned = scratch.reshape(raw.shape[::-1])
        turned[...] = raw.T
        turned.max(axis=0, out=column[:, 0])
    else:
        raw.max(axis=1, keepdims=True, out=column)
    # Repeated along the rows in a buffer of ours: NumPy's broadcasting would need its own.
    scratch[...] = column
    raw -= scratch


def _softmax_backward(derivative: FloatArray, raw: FloatArray) -> None:
    _softmax(raw)
    derivative -= np.sum(derivative * raw, axis=1, keepdims=True)
    derivative *= raw


IDENTITY = Link("identity", _identity, _identity_backward)
EXP = Link("exp", _exp, _exp_backward)
#: The first output is a number, each further one the softplus of z above the one before.
INCREASING = Link("increasing", _increasing, increasing_backward)
LOGISTIC = Link("logistic", _logistic, _logistic_backward)
SOFTMAX = Link("softmax", _softmax, _softmax_backward)

#: The links of this package by name.
LINKS: dict[str, Link] = {
    link.name: link for link in (IDENTITY, EXP, INCREASING, LOGISTIC, SOFTMAX)
}
