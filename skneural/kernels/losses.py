"""What losses do before exp: rows of outputs."""

from __future__ import annotations

from skneural.arrays.matrices import FloatArray


def subtract_row_maxima(raw: FloatArray, column: FloatArray, scratch: FloatArray) -> None:
    """See `skneural.losses.links.subtract_row_maxima`."""
    n_rows, n_columns = raw.shape
    for i in range(n_rows):
        largest = raw[i, 0]
        for j in range(1, n_columns):
            # What is not a number is the largest, and stays it.
            if raw[i, j] > largest or raw[i, j] != raw[i, j]:
                largest = raw[i, j]
        column[i, 0] = largest
        for j in range(n_columns):
            raw[i, j] -= largest
