"""Numbers as less data in files: equal ones once, decimal fractions as integers, others compressed.

Nothing is lost: what is unpacked are the same numbers.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

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
        'n' of each row; 'single', whether all numbers of a row occur once; 'repeats', how often
        each of the distinct numbers of the other rows occurs; 'places', the decimal places of each
        row; 'integers', the numbers of rows with decimal places, times a power of ten;
        'compressed', the bytes of those of the rest. None where there are none.
    """
    n = rows.shape[1]
    single, places = [], []
    repeats: list[npt.NDArray[Any]] = []
    integers: list[npt.NDArray[Any]] = []
    others: list[npt.NDArray[Any]] = []
    for row in rows:
        distinct, counts = np.unique(row, return_counts=True)
        single.append(len(distinct) == n)
        if not single[-1]:
            repeats.append(counts)
        own_places, whole = _as_integers(distinct)
        places.append(own_places)
        if whole is None:
            others.append(distinct)
        else:
            integers.append(whole)
    return {
        "n": n,
        "single": single,
        "repeats": _joined(repeats, np.uint8, np.uint16),
        "places": places,
        "integers": _joined(integers, np.int16, np.int32),
        **_compressed(others),
    }


def _joined(arrays: list[npt.NDArray[Any]], *dtypes: npt.DTypeLike) -> npt.NDArray[Any] | None:
    """Whole numbers of several arrays, in the first of the dtypes that has them all."""
    if not arrays:
        return None
    joined = np.concatenate(arrays)
    for dtype in dtypes[:-1]:
        if joined.max() <= np.iinfo(dtype).max and joined.min() >= np.iinfo(dtype).min:
            return joined.astype(dtype)
    return joined.astype(dtypes[-1])


def _compressed(arrays: list[FloatArray]) -> dict[str, Any]:
    """Sorted numbers that have most of their first bytes in common: byte by byte, by zlib."""
    if not arrays:
        return {"compressed": None}
    numbers = np.concatenate(arrays).astype("<f8")
    packed = zlib.compress(numbers.view(np.uint8).reshape(-1, 8).T.tobytes(), level=9)
    return {"compressed": np.frombuffer(packed, dtype=np.uint8)}


def _decompressed(packed: dict[str, Any]) -> Any:
    """The inverse of `_compressed`."""
    if "others" in packed:  # of an earlier file
        return packed["others"]
    if packed["compressed"] is None:
        return None
    by_byte = np.frombuffer(zlib.decompress(packed["compressed"].tobytes()), dtype=np.uint8)
    return np.ascontiguousarray(by_byte.reshape(8, -1).T).view("<f8").ravel()


def unpack(packed: dict[str, Any]) -> FloatArray:
    """The inverse of `pack`."""
    n, places, repeats = packed["n"], np.asarray(packed["places"]), packed["repeats"]
    # Earlier files have the repeats of all rows, or of none.
    single = packed.get("single", [repeats is None] * len(places))
    of_rows: Iterator[npt.NDArray[Any]] = iter([])
    if repeats is not None:
        ends = np.flatnonzero(np.cumsum(repeats, dtype=np.intp) % n == 0) + 1
        of_rows = iter(np.split(repeats, ends[:-1]))
    counts = [np.ones(n, dtype=np.uint16) if each else next(of_rows) for each in single]
    unpacked: FloatArray = np.empty((len(places), n))
    distinct_numbers = {"integers": packed["integers"], "others": _decompressed(packed)}
    n_taken = dict.fromkeys(distinct_numbers, 0)
    for row, own_places, own_counts in zip(unpacked, places, counts, strict=True):
        kind = "others" if own_places == NOT_DECIMAL else "integers"
        start, n_taken[kind] = n_taken[kind], n_taken[kind] + len(own_counts)
        distinct = distinct_numbers[kind][start : n_taken[kind]].astype(np.float64)
        if kind == "integers":
            distinct /= 10.0**own_places
        row[:] = np.repeat(distinct, own_counts)
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
