"""Memory of fits on a file that is mapped to memory, and of predictions for data of many kinds.

    python benchmarks/large_data.py [gigabytes]

The anonymous memory of a process is what Linux counts as RssAnon: what it has allocated, without
the pages of mapped files, which the system takes back when it needs memory. What a fit takes is the
peak of that less what it was before. Each fit is one epoch, in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
from _pairs import environment, markdown_table

from skneural import (
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
)

N_COLUMNS = 100
NETWORK = {"hidden_layer_sizes": (16,), "batch_size": 1000, "max_iter": 1, "random_state": 0}
EPOCH = {"max_iter": 1, "random_state": 0}
FITS = {
    "MLP classifier, adam": ScratchMLPClassifier(**NETWORK),
    "MLP classifier, sgd": ScratchMLPClassifier(**NETWORK, solver="sgd"),
    "MLP classifier, adam, early stopping": ScratchMLPClassifier(**NETWORK, early_stopping=True),
    "MLP regressor, adam": ScratchMLPRegressor(**NETWORK),
    "MLP regressor, adam, early stopping": ScratchMLPRegressor(**NETWORK, early_stopping=True),
    "perceptron": ScratchPerceptron(**EPOCH),
    "perceptron, early stopping": ScratchPerceptron(**EPOCH, early_stopping=True),
    "logistic regression, sgd": ScratchLogisticRegression(**EPOCH, solver="sgd", batch_size=1000),
    "logistic regression, adam": ScratchLogisticRegression(**EPOCH, solver="adam", batch_size=1000),
    "logistic regression, lbfgs": ScratchLogisticRegression(max_iter=5),
}
#: Rows for predictions.
N_ROWS = 1_000_000


def write_rows(path, n_rows, dtype):
    """A file of random numbers, written a block at a time."""
    random = np.random.default_rng(0)
    with path.open("wb") as file:
        for start in range(0, n_rows, 10_000):
            n = min(10_000, n_rows - start)
            file.write(random.standard_normal((n, N_COLUMNS), dtype=np.float32).astype(dtype).data)


def anonymous_megabytes():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


class Watch(threading.Thread):
    """Looks every two milliseconds how much memory there is, and keeps the most."""

    def __init__(self):
        super().__init__(daemon=True)
        self.peak = 0.0
        self.is_over = threading.Event()

    def run(self):
        while not self.is_over.is_set():
            self.peak = max(self.peak, anonymous_megabytes())
            time.sleep(0.002)


def measure(name, path, n_rows, dtype):
    """Fit, and print megabytes of anonymous memory and seconds."""
    warnings.simplefilter("ignore")
    X = np.memmap(path, dtype=dtype, mode="r", shape=(n_rows, N_COLUMNS))
    y = np.asarray(X[:, 0] + X[:, 1] > 0)
    y = y.astype(np.float64) if "regressor" in name else y.astype(np.int64)
    weight = np.linspace(1, 2, n_rows)
    model = FITS[name]
    model.fit(X[:2000], y[:2000])  # what the first fit loads is not the question
    before, begun, watch = anonymous_megabytes(), time.perf_counter(), Watch()
    watch.start()
    model.fit(X, y, sample_weight=weight)
    seconds = time.perf_counter() - begun
    watch.is_over.set()
    watch.join()
    print(f"{watch.peak - before:.1f} {seconds:.0f}")


def measured(name, path, n_rows, dtype):
    """Megabytes and seconds of a fit in a process of its own."""
    command = [sys.executable, __file__, "fit", name, str(path), str(n_rows), dtype]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    megabytes, seconds = map(float, run.stdout.split())
    return megabytes, seconds


def fit_rows(n_bytes):
    rows = []
    for dtype in ("float32", "float64"):
        n_rows = int(n_bytes) // N_COLUMNS // np.dtype(dtype).itemsize
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows"
            write_rows(path, n_rows, dtype)
            for name in FITS:
                megabytes, seconds = measured(name, path, n_rows, dtype)
                per_row = f"{megabytes * 2**20 / n_rows:.0f}"
                row = [name, dtype, f"{n_rows:,}", f"{megabytes:.0f}", per_row, f"{seconds:.0f}"]
                rows.append(row)
                print(*row, sep=" | ", file=sys.stderr)
    return rows


def kinds_of_rows():
    """Names of kinds of data, and the data."""
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    from scipy import sparse

    numbers = np.random.default_rng(0).integers(-9, 9, (N_ROWS, 20), dtype=np.int8)
    dtypes = ("int32", "int64", "float32", "float64")
    columns = {f"x{j}": numbers[:, j].astype(dtypes[j % 4]) for j in range(20)}
    yield "float64", numbers.astype(np.float64)
    yield "int8", numbers
    yield "float16", numbers.astype(np.float16)
    yield "float64, columns first", np.asfortranarray(numbers, dtype=np.float64)
    yield "pandas, several dtypes", pd.DataFrame(columns)
    yield "pandas, Int64", pd.DataFrame(numbers).astype("Int64")
    yield "polars", pl.DataFrame(columns)
    yield "pyarrow", pa.table(columns)
    yield "sparse, int8", sparse.csr_matrix(numbers)


def prediction_rows():
    X = np.random.default_rng(1).standard_normal((1000, 20))
    model = ScratchMLPClassifier((32,), max_iter=3, random_state=0).fit(X, X[:, 0] > 0)
    rows = []
    for name, data in kinds_of_rows():
        model.predict_proba(data[:10] if name != "pyarrow" else data.slice(0, 10))
        tracemalloc.start()
        result = model.predict_proba(data)
        peak = tracemalloc.get_traced_memory()[1] - result.nbytes
        tracemalloc.stop()
        rows.append([name, f"{peak / 1e6:.0f}"])
    return rows


def main():
    warnings.simplefilter("ignore")
    n_bytes = float(sys.argv[1] if len(sys.argv) > 1 else 2) * 1e9
    print(environment() + "\n")
    header = ["fit", "dtype", "rows", "anonymous memory, MB", "bytes a row", "seconds"]
    print(f"A file of {n_bytes / 1e9:g} GB, {N_COLUMNS} columns, with weights:\n")
    print(markdown_table(header, fit_rows(n_bytes)))
    print(f"\npredict_proba of {N_ROWS:,} rows with 20 columns, beyond the result:\n")
    print(markdown_table(["X", "memory, MB"], prediction_rows()))


if __name__ == "__main__":
    if sys.argv[1:2] == ["fit"]:
        measure(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5])
    else:
        main()
