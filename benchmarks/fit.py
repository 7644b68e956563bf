"""Fit times of multilayer perceptrons beside scikit-learn's, torch's and skorch's.

    [SKNEURAL_DATA=folder] python benchmarks/fit.py [pairs] [words ...]

Every ratio is the peer's time over ours in the same round: above 1 we are faster. With words, only
the cells are run whose name contains all of one of them ("digits&adam").

- "torch" is on as many threads as BLAS may use here, or on one where that was faster.
- "as float32" is scikit-learn's time on float64 data over ours with dtype='float32' on the same.
- "compiled" is the same as the column before it, with kernels compiled by numba
  (skneural.set_compiled).
- "floor" is the share of our time that the bare matrix products of the same shapes take.
- "same path" is the largest relative difference between the loss curves of ours and the peers':
  small means that all did the same work. (torch's losses are without the penalty.)
"""

from __future__ import annotations

import statistics
import sys
import warnings
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise, product

import _data
import numpy as np
import threadpoolctl
from _pairs import environment, in_mode, installed, markdown_table, median_ratios
from _products import backward_products, forward_products
from scipy import sparse
from sklearn.neural_network import MLPClassifier

from skneural import ScratchMLPClassifier
from skneural.arrays.threads import blas_threads, largest_product

if installed("torch"):
    import _torch

#: Seconds that one of our fits should roughly take.
LONG_ENOUGH = 0.12


WORKLOADS = {
    "digits": _data.digits,
    "10,000 x 20": _data.narrow,
    "10,000 x 784": _data.wide,
    "MNIST": _data.mnist,
    "text": _data.text,
}
NEEDS_DATA = {"MNIST", "text"}


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
    """Everything that two cores do in a quarter of an hour."""
    dtypes = ("float64", "float32")
    small = [(100,), (64, 64), (256, 256)]
    parts = [
        (("digits", "10,000 x 20", "10,000 x 784"), small, (32, 200), ("adam", "sgd"), dtypes),
        (("digits", "10,000 x 784"), [(512, 512, 512)], (32, 200), ("adam",), dtypes),
        (("MNIST",), [(100,), (256, 256)], (200,), ("adam",), dtypes),
        (("text",), [(100,), (64, 64)], (32, 200), ("adam",), dtypes),
    ]
    for part in parts:
        for cell in product(*part):
            yield Cell(*cell)


@cache
def load(workload, dtype):
    X, y = WORKLOADS[workload]()
    return X.astype(dtype), y


def floor(X, estimator, batch_size, max_iter):
    """Do the matrix products of a training and nothing else."""
    weights = [W.copy() for W in estimator.coefs_]
    outputs = [np.empty((batch_size, W.shape[1]), X.dtype) for W in weights]
    # Ordinary numbers: what memory happens to hold may be subnormal, and take many times as long.
    deltas, gradients = [np.full_like(z, 0.1) for z in outputs], [W.copy() for W in weights]
    batch = X[:batch_size]
    with blas_threads(largest_product(batch_size, [W.shape for W in weights])):
        for _ in range(max_iter * -(-X.shape[0] // batch_size)):
            forward_products(batch, weights, outputs)
            backward_products(batch, weights, outputs, deltas, gradients)


def epochs(X, cell):
    """As many as take long enough to be measured."""
    inputs = X.nnz / X.shape[0] if sparse.issparse(X) else X.shape[1]
    n_products = sum(a * b for a, b in pairwise((inputs, *cell.hidden, 10)))
    n_params = sum(a * b for a, b in pairwise((X.shape[1], *cell.hidden, 10)))
    n_batches = X.shape[0] / cell.batch_size
    seconds = 3 * X.shape[0] * n_products / 3e10 + n_batches * (6e-5 + 3e-9 * n_params)
    return max(1, round(LONG_ENOUGH / seconds))


def measure(cell, pairs):
    """Ratios by the name of the contestant, and the largest difference of the paths."""
    X, y = load(cell.workload, cell.dtype)
    settings = {
        "hidden_layer_sizes": cell.hidden,
        "batch_size": cell.batch_size,
        "solver": cell.solver,
        "max_iter": epochs(X, cell),
        "random_state": 0,
        "n_iter_no_change": 10**6,
    }
    ours, theirs = ScratchMLPClassifier(**settings), MLPClassifier(**settings)
    ours.fit(X, y)
    curves = {}
    tasks = contestants(cell, settings, ours, theirs, X, y)
    if installed("torch") and not sparse.issparse(X):
        tasks |= {
            f"torch {n}": partial(train_in_torch, curves, settings, X, y, ours.alpha, n)
            for n in {1, number_of_blas_threads()}
        }
    ratios = compared(median_ratios(tasks, "ours", pairs))
    curves["scikit-learn"] = theirs.loss_curve_
    own = np.array(ours.loss_curve_)
    paths = {name: np.abs(own / curve - 1).max() for name, curve in curves.items()}
    return ratios, paths


def contestants(cell, settings, ours, theirs, X, y):
    """The fits without torch, by name."""
    tasks = {
        "ours": lambda: ours.fit(X, y),
        "scikit-learn": lambda: theirs.fit(X, y),
        "floor": lambda: floor(X, ours, cell.batch_size, settings["max_iter"]),
    }
    if cell.dtype == "float64":
        single = ScratchMLPClassifier(**settings, dtype="float32")
        tasks["as float32"] = lambda: single.fit(X, y)
    if installed("numba"):
        compiled = [name for name in ("ours", "as float32") if name in tasks]
        tasks |= {f"{name}, compiled": in_mode(True, tasks[name]) for name in compiled}
    return tasks


def train_in_torch(curves, settings, X, y, alpha, n_threads):
    """The same training in torch; its losses become those of "torch"."""
    curves["torch"] = _torch.train(
        X,
        y,
        settings["hidden_layer_sizes"],
        solver=settings["solver"],
        batch_size=settings["batch_size"],
        max_iter=settings["max_iter"],
        alpha=alpha,
        n_threads=n_threads,
    )


def number_of_blas_threads():
    """How many threads NumPy's BLAS may use, by the settings of this process."""
    pools = threadpoolctl.threadpool_info()
    return max(pool["num_threads"] for pool in pools if pool["user_api"] == "blas")


def compared(ratios):
    """With who is to be compared: those in float32 and the compiled ones with scikit-learn."""
    for name in ("as float32", "as float32, compiled"):
        if name in ratios:
            ratios[name] = ratios["scikit-learn"] / ratios[name]
    if "torch 1" in ratios:
        ratios["torch"] = min(ratio for name, ratio in ratios.items() if name.startswith("torch "))
    if "ours, compiled" in ratios:
        for name in {"scikit-learn", "torch"}.intersection(ratios):
            ratios[f"{name}, compiled"] = ratios[name] / ratios["ours, compiled"]
    return ratios


def skorch_ratio(pairs):
    """skorch on digits with (100,), float32 and Adam, torch on one thread."""
    import torch
    from skorch import NeuralNetClassifier
    from torch import nn

    X, y = load("digits", "float32")
    torch.set_num_threads(1)
    settings = {"batch_size": 200, "random_state": 0, "n_iter_no_change": 10**6}
    ours = ScratchMLPClassifier(max_iter=50, **settings)
    theirs = NeuralNetClassifier(
        nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 10)),
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        max_epochs=50,
        batch_size=200,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    )
    labels = y.astype(np.int64)
    tasks = {"ours": lambda: ours.fit(X, y), "skorch": lambda: theirs.fit(X, labels)}
    return median_ratios(tasks, "ours", pairs)["skorch"]


def main():
    numbers = [word for word in sys.argv[1:] if word.isdigit()]
    words = [word for word in sys.argv[1:] if not word.isdigit()]
    pairs = int(numbers[0]) if numbers else 7
    warnings.simplefilter("ignore")
    columns = [
        name + mode
        for name in ("scikit-learn", "as float32", "torch")
        for mode in ("", ", compiled")
        if name != "torch" or installed("torch")
    ]
    if not installed("numba"):
        columns = [name for name in columns if not name.endswith("compiled")]
    rows, collected = [], {}
    for cell in grid():
        if cell.workload in NEEDS_DATA and _data.FOLDER is None:
            continue
        if words and not any(all(w in str(cell) for w in word.split("&")) for word in words):
            continue
        ratios, paths = measure(cell, pairs)
        for name in columns:
            if name in ratios:
                collected.setdefault((name, cell.dtype), []).append(ratios[name])
        layers = ", ".join(map(str, cell.hidden))
        row = [cell.workload, layers, str(cell.batch_size), cell.solver, cell.dtype]
        row += [f"{ratios[name]:.2f}" if name in ratios else "" for name in (*columns, "floor")]
        row += [
            " / ".join(f"{paths[name]:.0e}" for name in ("scikit-learn", "torch") if name in paths)
        ]
        rows.append(row)
        print(*row, sep="\t", file=sys.stderr, flush=True)
    print(environment() + f"; median of {pairs} pairs\n")
    header = ["data", "hidden", "batch", "solver", "dtype", *columns, "floor", "same path"]
    print(markdown_table(header, rows))
    print()
    summary = [
        [name, dtype, str(len(values))]
        + [f"{figure(values):.2f}" for figure in (statistics.geometric_mean, min, max)]
        for (name, dtype), values in collected.items()
    ]
    print(markdown_table(["peer", "dtype", "cells", "geometric mean", "least", "most"], summary))
    if installed("skorch") and not words:
        print(f"\nskorch, digits, (100,), batch 200, float32: {skorch_ratio(pairs):.1f}")


if __name__ == "__main__":
    main()
