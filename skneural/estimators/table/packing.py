"""Sorted numbers as less data in files: equal ones once, decimal fractions as integers, compressed.

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
        'n' of each row; 'places', the decimal places of each row; and compressed, None where there
        are none: 'ends', where the last of each distinct number of a row lies among all numbers,
        plus one; 'integers', the distinct numbers of rows with decimal places, times a power of
        ten; 'others', those of the other rows.
    """
    n = rows.shape[1]
    places = []
    ends, integers, others = [], [], []
    for i, row in enumerate(rows):
        distinct, counts = np.unique(row, return_counts=True)
        ends.append(i * n + np.cumsum(counts, dtype=np.int64))
        own_places, whole = as_integers(distinct)
        places.append(own_places)
        if whole is None:
            others.append(distinct)
        else:
            integers.append(whole)
    return {
        "n": n,
        "places": places,
        "ends": _compressed(ends),
        "integers": _compressed(integers),
        "others": _compressed(others),
    }


def _compressed(arrays: list[npt.NDArray[Any]]) -> npt.NDArray[np.uint8] | None:
    """Arrays of numbers of eight bytes, most of them sorted, as compressed bytes.

    As whole numbers, the bytes of two neighbours hardly differ: their difference is small. All
    first bytes come first, then all second ones.
    """
    if not arrays:
        return None
    numbers = np.concatenate(arrays)
    whole = numbers.astype(numbers.dtype.newbyteorder("<")).view("<u8")
    differences = np.diff(whole, prepend=np.uint64(0))
    packed = zlib.compress(differences.view(np.uint8).reshape(-1, 8).T.tobytes(), level=9)
    return np.frombuffer(packed, dtype=np.uint8)


def _decompressed(packed: Any, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """The inverse of `_compressed`, the arrays joined."""
    if packed is None:
        return np.empty(0, dtype)
    by_byte = np.frombuffer(zlib.decompress(packed.tobytes()), dtype=np.uint8)
    differences = np.ascontiguousarray(by_byte.reshape(8, -1).T).view("<u8").ravel()
    whole = np.cumsum(differences, dtype=np.uint64)
    return whole.view(dtype)


def unpack(packed: dict[str, Any]) -> FloatArray:
    """The inverse of `pack`."""
    if "ends" not in packed:
        return _unpack_earlier(packed)
    n, places = packed["n"], packed["places"]
    unpacked: FloatArray = np.empty((len(places), n))
    ends = _decompressed(packed["ends"], np.int64)
    of_kinds = {
        is_decimal: _decompressed(packed[key], dtype)
        for is_decimal, key, dtype in ((True, "integers", np.int64), (False, "others", np.float64))
    }
    # Each row ends where its numbers do.
    n_distinct = np.diff(np.searchsorted(ends, n * np.arange(len(places) + 1), side="right"))
    repeats = np.split(np.diff(ends, prepend=0), np.cumsum(n_distinct))[:-1]
    for row, own_places, own_repeats in zip(unpacked, places, repeats, strict=True):
        is_decimal = own_places != NOT_DECIMAL
        distinct, of_kinds[is_decimal] = np.split(of_kinds[is_decimal], [len(own_repeats)])
        row[:] = np.repeat(distinct / 10.0**own_places if is_decimal else distinct, own_repeats)
    return unpacked


def as_integers(numbers: FloatArray) -> tuple[int, npt.NDArray[np.int64] | None]:
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


def _unpack_earlier(packed: dict[str, Any]) -> FloatArray:
    """The rows of an earlier file: 'repeats' of the distinct numbers, most arrays as they are."""
    n, places, repeats = packed["n"], np.asarray(packed["places"]), packed["repeats"]
    # The earliest have the repeats of all rows, or of none.
    single = packed.get("single", [repeats is None] * len(places))
    of_rows: Iterator[npt.NDArray[Any]] = iter([])
    if repeats is not None:
        ends = np.flatnonzero(np.cumsum(repeats, dtype=np.intp) % n == 0) + 1
        of_rows = iter(np.split(repeats, ends[:-1]))
    others = packed.get("others")
    if packed.get("compressed") is not None:
        by_byte = np.frombuffer(zlib.decompress(packed["compressed"].tobytes()), dtype=np.uint8)
        others = np.ascontiguousarray(by_byte.reshape(8, -1).T).view("<f8").ravel()
    numbers = {True: packed["integers"], False: others}
    unpacked: FloatArray = np.empty((len(places), n))
    for row, own_places, is_single in zip(unpacked, places, single, strict=True):
        own_repeats = np.ones(n, dtype=np.intp) if is_single else next(of_rows)
        is_decimal = own_places != NOT_DECIMAL
        distinct, numbers[is_decimal] = np.split(numbers[is_decimal], [len(own_repeats)])
        row[:] = np.repeat(distinct / 10.0**own_places if is_decimal else distinct, own_repeats)
    return unpacked
