"""The bare matrix products of a batch, by NumPy's BLAS and by torch's.

    python benchmarks/blas.py

Where torch's products take less time than NumPy's, so does torch, unless all else takes more: what
no optimisation around BLAS can change. One thread each.
"""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import torch
from _pairs import environment, markdown_table
from _products import backward_products, forward_products
from threadpoolctl import threadpool_limits

#: Inputs and units of the layers, and rows of a batch.
CASES = [
    ((784, 256, 256, 10), 200),
    ((784, 256, 256, 10), 32),
    ((784, 100, 10), 200),
    ((784, 100, 10), 32),
    ((64, 512, 512, 512, 10), 32),
]
PAIRS = 60


def tasks(sizes, batch_size, dtype):
    """The same products in NumPy and in torch, as functions."""
    random = np.random.RandomState(0)
    weights = [0.05 * random.standard_normal(pair).astype(dtype) for pair in pairwise(sizes)]
    X = random.standard_normal((batch_size, sizes[0])).astype(dtype)
    outputs = [np.zeros((batch_size, W.shape[1]), dtype) for W in weights]
    deltas, gradients = [np.full_like(z, 0.1) for z in outputs], [W.copy() for W in weights]

    def in_numpy():
        forward_products(X, weights, outputs)
        backward_products(X, weights, outputs, deltas, gradients)

    # torch's layers store their weights the other way round.
    rows = torch.from_numpy(X)
    turned = [torch.from_numpy(W.T.copy()) for W in weights]
    raw, slopes = ([torch.from_numpy(z.copy()) for z in each] for each in (outputs, deltas))
    sums = [W.clone() for W in turned]

    def in_torch():
        below = rows
        for W, z in zip(turned, raw, strict=True):
            torch.mm(below, W.t(), out=z)
            below = z
        for i in reversed(range(len(turned))):
            torch.mm(slopes[i].t(), raw[i - 1] if i else rows, out=sums[i])
            if i:
                torch.mm(slopes[i], turned[i], out=slopes[i - 1])

    return in_numpy, in_torch


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    table = []
    with threadpool_limits(1):
        for sizes, batch_size in CASES:
            for dtype in ("float64", "float32"):
                in_numpy, in_torch = tasks(sizes, batch_size, dtype)
                ratios = []
                for _ in range(PAIRS):
                    begin = time.perf_counter()
                    in_numpy()
                    middle = time.perf_counter()
                    in_torch()
                    ratios.append((time.perf_counter() - middle) / (middle - begin))
                ratio = float(np.median(ratios))
                table.append([", ".join(map(str, sizes)), str(batch_size), dtype, f"{ratio:.2f}"])
    print(f"{environment()}; median of {PAIRS} pairs\n")
    print(markdown_table(["layers", "batch", "dtype", "torch's time over NumPy's"], table))


if __name__ == "__main__":
    main()
