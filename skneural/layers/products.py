"""Products of the matrices of members, in the pieces that BLAS is fast at.

`numpy.matmul` has BLAS multiply them one member after another. On processors with AVX-512, OpenBLAS
multiplies small matrices where they lie, and copies larger ones into panels first: with a hundred
rows and columns that takes a fifth of the time. So products that are a little too large for small
ones are made in two halves. A whole training step of 8 members of 128 units and batches of 64 rows
takes 8 to 9 % less time. Elsewhere halves would take more, and products are made as they come.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from skneural.arrays.matrices import FloatArray

#: Multiplications up to which OpenBLAS takes matrices as small.
MOST_SMALL = 10**6

#: Elements of a result up to which it multiplies small rows by rows where they lie.
MOST_ROWS_BY_ROWS = 1200

#: Rows up to which it takes less time to turn a matrix around than not to.
MOST_TURNED = 64


def _multiplies_small_ones_in_place() -> bool:
    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {}).get("name", "")
    found = config.get("SIMD Extensions", {}).get("found", [])
    has_avx512 = any(name == "X86_V4" or name.startswith("AVX512") for name in found)
    return has_avx512 and "openblas" in blas


#: Whether BLAS is of that kind.
HALVES = _multiplies_small_ones_in_place()


def multiply(left: FloatArray, right: FloatArray, out: FloatArray) -> None:
    """Write ``left @ right`` into `out`, for matrices of members: of shape (K, ..., ...)."""
    n_rows, n_columns = out.shape[-2:]
    if not HALVES or not MOST_SMALL < n_rows * left.shape[-1] * n_columns <= 2 * MOST_SMALL:
        np.matmul(left, right, out=out)
        return
    middle = n_columns // 2
    for half in (slice(None, middle), slice(middle, None)):
        np.matmul(left, right[..., half], out=out[..., half])


def multiply_rows_by_rows(
    left: FloatArray, right: FloatArray, out: FloatArray, memory: FloatArray
) -> None:
    """Write the product of `left` and the transpose of `right` into `out`, for each member.

    Parameters
    ----------
    left : ndarray of shape (K, n_rows, n)
    right : ndarray of shape (K, n_columns, n)
    out : ndarray of shape (K, n_rows, n_columns)
    memory : ndarray of the size of `left`
        Overwritten, unless `left` lies there.
    """
    transposed = right.swapaxes(-1, -2)
    n_rows, n_columns = out.shape[-2:]
    n = left.shape[-1]
    if n == 1:
        # NumPy's product of many matrices is slow where they are a column and a row.
        np.einsum("kro,koc->krc", left, transposed, out=out)
    elif (
        HALVES
        and n_rows <= MOST_TURNED
        and n_rows * n_columns > MOST_ROWS_BY_ROWS
        and n_rows * n * n_columns <= 2 * MOST_SMALL
        and not np.may_share_memory(left, memory)
    ):
        turned = memory.reshape(-1, n, n_rows)
        np.copyto(turned, left.swapaxes(-1, -2))
        multiply(turned.swapaxes(-1, -2), transposed, out)
    else:
        np.matmul(left, transposed, out=out)
