"""
Training on a Parquet file that does not fit in memory
======================================================

A Parquet file is made of row groups, each of which can be read by itself. Here only one of them is
in memory at a time. The first pass over the file fits the scaler, by its `partial_fit`. In each
epoch after that, the network is trained on one row group after another, in a new order every time,
by its own `partial_fit`, which also shuffles the rows within the group. The last row groups are
kept for the test.

The file is made of scikit-learn's images of handwritten digits: each row is one of them, with noise
added. Rows have to be in random order in the file: if a row group held a single digit, the network
would forget all others while it is trained on that one. If yours are sorted, shuffle them once when
you write the file.

What is printed last is how much the peak memory of the process has grown by the training, beside
the size of the file (on Linux and macOS, which count it).
"""

import resource
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler

from skneural import ScratchMLPClassifier

ROWS_PER_GROUP = 5000
N_TEST_GROUPS = 2
N_EPOCHS = 3
MEGABYTE = 2**20


def write_file(path, n_groups):
    """Write noisy digits, one row group after another: there is never more than one in memory."""
    images, digits = load_digits(return_X_y=True)
    random = np.random.default_rng(0)
    names = [f"pixel {j}" for j in range(images.shape[1])]
    schema = pa.schema([*((name, pa.float32()) for name in names), ("digit", pa.int8())])
    with pq.ParquetWriter(path, schema, use_dictionary=False) as writer:
        for _ in range(n_groups):
            chosen = random.integers(len(images), size=ROWS_PER_GROUP)
            pixels = images[chosen] + random.normal(scale=4, size=(ROWS_PER_GROUP, len(names)))
            columns = [*pixels.astype(np.float32).T, digits[chosen].astype(np.int8)]
            writer.write_table(pa.table(columns, schema=schema))


def read_group(file, number):
    """The pixels and the digits of a row group."""
    group = file.read_row_group(number)
    return np.asarray(group.drop_columns(["digit"])), group["digit"].to_numpy()


def fit_scaler(file, groups):
    """Mean and variance of each pixel, from one row group after another."""
    scaler = StandardScaler()
    for number in groups:
        scaler.partial_fit(read_group(file, number)[0])
    return scaler


def train(file, groups, scaler):
    """Some epochs over the row groups, each in another order."""
    network = ScratchMLPClassifier((64,), batch_size=100, dtype="float32", random_state=0)
    random = np.random.default_rng(1)
    for epoch in range(N_EPOCHS):
        losses = []
        for number in random.permutation(groups):
            X, y = read_group(file, number)
            # A group may lack some of the classes, so that the first call has to name all.
            network.partial_fit(scaler.transform(X), y, classes=np.arange(10))
            losses.append(network.loss_)
        print(f"epoch {epoch + 1}: mean loss {np.mean(losses):.4f}")
    return network


def accuracy(file, groups, scaler, network):
    """The share of right answers in these row groups."""
    shares = []
    for number in groups:
        X, y = read_group(file, number)
        shares.append(network.score(scaler.transform(X), y))
    return np.mean(shares)


def peak_memory():
    """The most that this process has taken so far, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(n_groups=200):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digits.parquet"
        write_file(path, n_groups)
        before = peak_memory()
        with pq.ParquetFile(path) as file:
            groups = np.arange(file.num_row_groups)
            to_train, to_test = groups[:-N_TEST_GROUPS], groups[-N_TEST_GROUPS:]
            scaler = fit_scaler(file, to_train)
            network = train(file, to_train, scaler)
            found = accuracy(file, to_test, scaler, network)
        size, grown = path.stat().st_size, peak_memory() - before
    print(f"Accuracy on the last {N_TEST_GROUPS} row groups: {found:.4f}")
    print(
        f"The file has {size / MEGABYTE:.0f} MB in {n_groups} row groups. "
        f"Training took {grown / MEGABYTE:.0f} MB more than writing it."
    )
    return found, size, grown


if __name__ == "__main__":
    main()
