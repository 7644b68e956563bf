"""Fit times of multilayer perceptrons beside scikit-learn's, torch's and skorch's.

    [SKNEURAL_DATA=folder] python benchmarks/fit.py [pairs] [words that select cells ...]

Every ratio is the peer's time over ours in the same round: above 1 we are faster. "Floor" is the
share of our time that the bare matrix products of the same shapes take, and "same path" the
largest relative difference between the loss curves: small means that all did the same work.
"""

from __future__ import annotations

import statistics
import sys
import warnings
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

import _data
import numpy as np
from _pairs import environment, installed, median_ratios
from scipy import sparse
from sklearn.datasets import load_digits, make_classification
from sklearn.neural_network import MLPClassifier

from skneural import ScratchMLPClassifier
from skneural._arrays import product as matrix_product
from skneural._arrays import transposed_product
from skneural._threads import blas_threads

if installed("torch"):
    import _torch


def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


def narrow():
    return make_classification(n_samples=10_000, n_features=20, random_state=0)


def wide():
    return make_classification(
        n_samples=10_000, n_features=784, n_informative=50, n_classes=10, random_state=0
    )


def mnist():
    with np.load(Path(_data.FOLDER) / "mnist.npz") as archive:
        return archive["X"][:60_000] / 255, archive["y"][:60_000].astype(int)


def text():
    X, y = _data.load("sms_spam")
    return X, (y == "spam").astype(int)


WORKLOADS = {
    "digits": digits,
    "10,000 x 20": narrow,
    "10,000 x 784": wide,
    "mnist": mnist,
    "text": text,
}
NEEDS_DATA = {"mnist", "text"}


@dataclass(frozen=True)
class Cell:
    """One training to time."""

    workload: str
    hidden: tuple[int, ...]
    batch_size: int
    solver: str
    dtype: str

    def __str__(self):
        return f"{self.workload} {self.hidden} {self.batch_size} {self.solver} {self.dtype}"


def grid():
    hidden = [(100,), (64, 64), (256, 256), (512, 512, 512)]
    for cell in product(WORKLOADS, hidden, (32, 200), ("adam", "sgd"), ("float64", "float32")):
        yield Cell(*cell)


@cache
def load(workload, dtype):
    X, y = WORKLOADS[workload]()
    return X.astype(dtype), y


def floor(X, estimator, batch_size, max_iter):
    """A function that does the matrix products of a training and nothing else."""
    layers = [
        (W.copy(), np.empty((batch_size, W.shape[1]), X.dtype), np.empty_like(W))
        for W in estimator.coefs_
    ]
    largest = max(W.size for W, _, _ in layers)
    batch = X[:batch_size]

    def products():
        with blas_threads(batch_size * largest):
            for _ in range(max_iter * -(-X.shape[0] // batch_size)):
                a = batch
                for W, z, _ in layers:
                    matrix_product(a, W, out=z)
                    a = z
                for i in reversed(range(len(layers))):
                    W, z, gradient = layers[i]
                    transposed_product(layers[i - 1][1] if i else batch, z, out=gradient)
                    if i:
                        np.dot(z, W.T, out=layers[i - 1][1])

    return products


def multiplications(X, cell):
    sizes = (X.shape[1], *cell.hidden, 10)
    if sparse.issparse(X):
        sizes = (X.nnz // X.shape[0], *cell.hidden, 10)
    return 3 * X.shape[0] * sum(a * b for a, b in zip(sizes[:-1], sizes[1:], strict=True))


def epochs(X, cell):
    """As many as take some tenths of a second."""
    batches = X.shape[0] / cell.batch_size
    n_params = sum(np.multiply((X.shape[1], *cell.hidden[:-1]), cell.hidden))
    seconds = multiplications(X, cell) / 3e10 + batches * (6e-5 + n_params * 3e-9)
    return max(1, round(0.15 / seconds))


def measure(cell, pairs):
    X, y = load(cell.workload, cell.dtype)
    params = {
        "hidden_layer_sizes": cell.hidden,
        "batch_size": cell.batch_size,
        "solver": cell.solver,
        "max_iter": epochs(X, cell),
    }
    settings = {"random_state": 0, "n_iter_no_change": 10**6}
    ours, theirs = (kind(**params, **settings) for kind in (ScratchMLPClassifier, MLPClassifier))
    warnings.simplefilter("ignore")
    ours.fit(X, y)
    tasks = {
        "ours": lambda: ours.fit(X, y),
        "scikit-learn": lambda: theirs.fit(X, y),
        "floor": floor(X, ours, cell.batch_size, params["max_iter"]),
    }
    curves = {}
    if installed("torch") and not sparse.issparse(X):

        def torch_task(n_threads):
            def task():
                curves["torch"] = _torch.train(
                    X,
                    y,
                    cell.hidden,
                    solver=cell.solver,
                    batch_size=cell.batch_size,
                    max_iter=params["max_iter"],
                    alpha=ours.alpha,
                    n_threads=n_threads,
                )

            return task

        tasks["torch 1"] = torch_task(1)
        tasks["torch 2"] = torch_task(2)
    ratios = median_ratios(tasks, "ours", pairs)
    difference = np.abs(np.array(ours.loss_curve_) / theirs.loss_curve_ - 1).max()
    if curves:
        difference_t = np.abs(np.array(ours.loss_curve_) / curves["torch"] - 1).max()
        ratios["path_t"] = difference_t
    return ratios, difference


def main():
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    words = sys.argv[2:]
    rs, rt = {}, []
    print(environment())
    for cell in grid():
        if cell.workload in NEEDS_DATA and _data.FOLDER is None:
            continue
        if words and not any(all(w in str(cell) for w in word.split("&")) for word in words):
            continue
        r, d = measure(cell, pairs)
        t = min(r.get("torch 1", 9e9), r.get("torch 2", 9e9))
        rs.setdefault(cell.dtype, []).append(r["scikit-learn"])
        if t < 1e9:
            rt.append(t)
        print(
            f"{cell}: sk {r['scikit-learn']:.2f} torch {t:.2f} (1: {r.get('torch 1', 0):.2f}) floor {r['floor']:.2f} path {d:.0e} {r.get('path_t', 0):.0e}",
            flush=True,
        )
    for k, v in rs.items():
        print(k, statistics.geometric_mean(v))
    if rt:
        print("torch", statistics.geometric_mean(rt))


if __name__ == "__main__":
    main()
