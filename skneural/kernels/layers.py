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
        for k in range(n_members if n_rows else 0):
            # Its own elements are next to each other; those of `rows` may be far apart.
            row = scratch[k, 0]
            for j in range(n_columns):
                row[j] = rows[k, j]
            for i in range(n_rows):
                for j in range(n_columns):
                    z[k, i, j] += row[j]
