"""What layers do to their outputs beside products of matrices."""

from __future__ import annotations

from skneural.arrays.matrices import FloatArray


def add_rows(z: FloatArray, rows: FloatArray, scratch: FloatArray) -> None:
    """See `skneural.layers.dense.add_rows`."""
    if z.ndim == 2:
        n_rows, n_columns = z.shape
        for i in range(n_rows):
            for j in range(n_columns):
                z[i, j] += rows[j]
    else:
        n_members, n_rows, n_columns = z.shape
        for k in range(n_members):
            for i in range(n_rows):
                for j in range(n_columns):
                    z[k, i, j] += rows[k, j]
