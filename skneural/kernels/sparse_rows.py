"""Products of the rows of a CSR matrix, where they are stored."""

from __future__ import annotations

from skneural.arrays.matrices import FloatArray, IndexArray


def rows_product(
    data: FloatArray,
    indices: IndexArray,
    starts: IndexArray,
    stops: IndexArray,
    right: FloatArray,
    out: FloatArray,
) -> None:
    """See `skneural.arrays.sparse_rows.rows_product`."""
    for i in range(len(out)):
        row = out[i]
        row[:] = 0
        j, stop = starts[i], stops[i]
        # Four at a time, one after another: what is added up stays in registers.
        while j + 4 <= stop:
            a, b, c, d = data[j], data[j + 1], data[j + 2], data[j + 3]
            of_a, of_b = right[indices[j]], right[indices[j + 1]]
            of_c, of_d = right[indices[j + 2]], right[indices[j + 3]]
            for k in range(len(row)):
                row[k] = row[k] + a * of_a[k] + b * of_b[k] + c * of_c[k] + d * of_d[k]
            j += 4
        while j < stop:
            a, of_a = data[j], right[indices[j]]
            for k in range(len(row)):
                row[k] += a * of_a[k]
            j += 1


def transposed_rows_product(
    data: FloatArray,
    indices: IndexArray,
    starts: IndexArray,
    stops: IndexArray,
    right: FloatArray,
    out: FloatArray,
) -> None:
    """See `skneural.arrays.sparse_rows.transposed_rows_product`."""
    out[:] = 0
    for i in range(len(right)):
        row = right[i]
        for j in range(starts[i], stops[i]):
            a, total = data[j], out[indices[j]]
            for k in range(len(row)):
                total[k] += a * row[k]
