"""Sorted rows of numbers as less data, in files: equal ones once, decimal fractions as integers.

Nothing is lost: what is unpacked are the same numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from skneural.arrays.matrices import FloatArray

#: Most decimal places that are looked for.
MAX_PLACES = 6

#: The decimal places of a row that has others.
NOT_DECIMAL = -1


def pack(rows: FloatArray) -> dict[str, Any]:
    """The rows of a matrix, each of them sorted, as small arrays.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n)

    Returns
    -------
    packed : dict
        'n' of each row; 'repeats', how often each of the distinct numbers occurs, None if all do
        once; 'places', the decimal places of each row; 'integers' and 'others', the numbers of
        rows with decimal places, times a power of ten, and those of the rest.
    """
    is_new = np.ones(rows.shape, dtype=bool)
    np.not_equal(rows[:, 1:], rows[:, :-1], out=is_new[:, 1:])
    repeats = np.diff(np.flatnonzero(is_new), append=rows.size)
    places = np.full(len(rows), NOT_DECIMAL, dtype=np.int8)
    integers, others = [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
    for i, (row, own) in enumerate(zip(rows, is_new, strict=True)):
        distinct = row[own]
        places[i], whole = _as_integers(distinct)
        (others if whole is None else integers).append(distinct if whole is None else whole)
    whole = np.concatenate(integers)
    fits = np.all(np.abs(whole) <= np.iinfo(np.int16).max)
    return {
        "n": rows.shape[1],
        "repeats": None if np.all(repeats == 1) else repeats.astype(np.uint16),
        "places": places,
        "integers": whole.astype(np.int16 if fits else np.int32),
        "others": np.concatenate(others),
    }


def unpack(packed: dict[str, Any]) -> FloatArray:
    """The inverse of `pack`."""
    n, places, repeats = packed["n"], packed["places"], packed["repeats"]
    if repeats is None:
        repeats = np.ones(n * len(places), dtype=np.uint16)
    # The row of each distinct number.
    row = (np.cumsum(repeats, dtype=np.intp) - 1) // n
    is_integer = places[row] != NOT_DECIMAL
    distinct = np.empty(len(repeats))
    distinct[~is_integer] = packed["others"]
    distinct[is_integer] = packed["integers"] / 10.0 ** places[row[is_integer]]
    unpacked: FloatArray = np.repeat(distinct, repeats).reshape(len(places), n)
    return unpacked


def _as_integers(numbers: FloatArray) -> tuple[int, Any]:
    """Decimal places, and the numbers times that power of ten; None where that is not exact."""
    largest = np.iinfo(np.int32).max
    for places in range(MAX_PLACES + 1):
        power = 10.0**places
        if not np.all(np.abs(numbers) <= largest / power):
            break
        whole = np.rint(numbers * power)
        if np.array_equal(whole / power, numbers):
            return places, whole.astype(np.int64)
    return NOT_DECIMAL, None
