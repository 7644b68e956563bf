"""The bare matrix products of a batch: what no optimisation around BLAS can take away."""

from __future__ import annotations

import numpy as np

from skneural.arrays.matrices import product


def forward_products(X, weights, outputs):
    a = X
    for W, z in zip(weights, outputs, strict=True):
        product(a, W, out=z)
        a = z


def backward_products(X, weights, outputs, deltas, gradients):
    for i in reversed(range(len(weights))):
        product((outputs[i - 1] if i else X).T, deltas[i], out=gradients[i])
        if i:
            np.dot(deltas[i], weights[i].T, out=deltas[i - 1])
