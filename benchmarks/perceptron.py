"""Fit times of the perceptron beside scikit-learn's, with compiled loops and without.

    [SKNEURAL_DATA=folder] python benchmarks/perceptron.py [pairs] [word ...]

Every ratio is scikit-learn's time over ours in the same round: above 1 we are faster. Both make the
same 20 epochs, to the last bit; "a fit" is one with the default parameters, which ends where the
objective no longer falls. "NumPy" is without compiled loops, and takes so long that it is measured
in a third of the pairs. With words, only workloads whose name contains one of them.

What limits it: "loops alone" has in place of our fit the compiled loops over the rows that it
runs, once more and with nothing around them; "in order" the same loops over the rows in the order
in which they are stored, which the processor fetches before they are asked for.

A second table has the parts of our 20 epochs with compiled loops, in percent of the time of
scikit-learn's fit: 100 would be as long as that, and 83 is a ratio of 1.2. "Loops" are those over
the rows, "epochs" all else that is done for each of them (order of the rows, model, record),
"checks" those of X and y by scikit-learn, and the encoding of y, "plan" is what is made ready
before the first epoch, the generators of the orders included.
"""

from __future__ import annotations

import sys
import warnings
from contextlib import ExitStack
from functools import partial
from time import perf_counter
from unittest import mock

import _data
import numpy as np
from _pairs import environment, installed, markdown_table, median_ratio
from scipy import sparse
from sklearn.linear_model import Perceptron

from skneural import ScratchPerceptron
from skneural.estimators import network
from skneural.estimators.perceptron import classifier
from skneural.kernels import set_compiled
from skneural.kernels.use import compiled_kernels
from skneural.perceptron.row_access import DenseRows, SparseRows

EPOCHS = {"tol": None, "max_iter": 20}


def dense(n_classes, n_rows=20_000, n_features=30):
    """Rows in classes that overlap a little."""
    random = np.random.RandomState(0)
    X = random.standard_normal((n_rows, n_features))
    outputs = X @ random.standard_normal((n_features, n_classes))
    return X, (outputs + random.standard_normal(outputs.shape)).argmax(axis=1)


def thin(n_classes):
    """5,574 x 8,713, with 50 values a row."""
    X = sparse.random(5574, 8713, density=50 / 8713, format="csr", random_state=1)
    outputs = X @ np.random.RandomState(0).standard_normal((8713, n_classes))
    return X, outputs.argmax(axis=1)


WORKLOADS = {
    "20,000 x 30, 2 classes": lambda: dense(2),
    "20,000 x 30, 10 classes": lambda: dense(10),
    "5,000 x 300, 2 classes": lambda: dense(2, 5_000, 300),
    "digits, 10 classes": _data.digits,
    "sparse, 2 classes": lambda: thin(2),
    "sparse, 10 classes": lambda: thin(10),
    "text, 2 classes": _data.text,
}
NEEDS_DATA = {"text, 2 classes": "sms_spam"}


def fits(kind, X, y, settings, compiled=None):
    def fit():
        set_compiled(compiled)
        kind(**settings).fit(X, y)

    return fit


def loops_of(X, y, *, in_order):
    """The calls of compiled loops that 20 epochs make, as a task."""
    kind = SparseRows if sparse.issparse(X) else DenseRows
    learn, calls = kind.learn, []

    def recorded(rows, epoch):
        order, sign, updates, weights, _ = epoch.vectors
        if in_order:
            order = np.sort(order)
        # The bounds of that moment, not of the time of the task.
        bounds = partial(tuple, epoch.bounds())
        vectors = order, sign, updates, weights.copy()
        calls.append((rows, vectors, epoch._replace(bounds=bounds)))
        return learn(rows, epoch)

    with mock.patch.object(kind, "learn", recorded):
        fits(ScratchPerceptron, X, y, EPOCHS, True)()

    def run():
        set_compiled(True)
        with compiled_kernels(0):
            for rows, (*others, weights), epoch in calls:
                # Copies: every time the loops are to begin where the epochs began.
                vectors = *others, weights.copy(), np.zeros_like(weights)
                learn(rows, epoch._replace(vectors=vectors))

    return run


class Stopwatch:
    """Adds up the time spent in a function."""

    def __init__(self, owner, name):
        self.seconds = 0.0
        timed = getattr(owner, name)

        def function(*arguments, **named):
            since = perf_counter()
            try:
                return timed(*arguments, **named)
            finally:
                self.seconds += perf_counter() - since

        self.patched = mock.patch.object(owner, name, function)


def parts_of_a_fit(X, y, pairs):
    """The parts of 20 epochs, in percent of scikit-learn's time, as text."""
    kind = SparseRows if sparse.issparse(X) else DenseRows
    places = {
        "loops": (kind, "learn"),
        "training": (network, "drive"),
        "checks": (network.TrainedEstimator, "_data"),
        "plan": (classifier, "perceptron_plan"),
    }
    theirs, ours = fits(Perceptron, X, y, EPOCHS), fits(ScratchPerceptron, X, y, EPOCHS, True)
    found = []
    ours()
    for _ in range(pairs):
        begin = perf_counter()
        theirs()
        whole = perf_counter() - begin
        watches = {name: Stopwatch(*place) for name, place in places.items()}
        with ExitStack() as stack:
            for watch in watches.values():
                stack.enter_context(watch.patched)
            begin = perf_counter()
            ours()
            total = perf_counter() - begin
        loops, training, checks, plan = (watch.seconds for watch in watches.values())
        rest = total - training - checks - plan
        found.append([each / whole for each in (loops, training - loops, checks, plan, rest)])
    return [f"{100 * share:.0f}" for share in np.median(found, axis=0)]


def measure(X, y, pairs):
    """The ratios of a workload, as text."""
    theirs = fits(Perceptron, X, y, EPOCHS)
    found = [None] * 5
    if installed("numba"):
        found = [
            median_ratio(
                fits(Perceptron, X, y, settings),
                fits(ScratchPerceptron, X, y, settings, True),
                pairs,
            )
            for settings in (EPOCHS, {}, {"penalty": "l2", **EPOCHS})
        ]
        found += [
            median_ratio(theirs, loops_of(X, y, in_order=in_order), pairs)
            for in_order in (False, True)
        ]
    plain = fits(ScratchPerceptron, X, y, EPOCHS, False)
    found.append(median_ratio(theirs, plain, max(1, pairs // 3)))
    return ["-" if ratio is None else f"{ratio:.2f}" for ratio in found]


def main() -> None:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    words = sys.argv[2:] or [""]
    warnings.simplefilter("ignore")
    rows, parts = [], []
    for name, make in WORKLOADS.items():
        if not any(word in name for word in words):
            continue
        if name in NEEDS_DATA and not _data.is_available(NEEDS_DATA[name]):
            print(f"({name}: SKNEURAL_DATA does not name a folder with it)\n")
            continue
        X, y = make()
        for dtype in (np.float64, np.float32):
            rows.append([name, np.dtype(dtype).name, *measure(X.astype(dtype), y, pairs)])
            print(*rows[-1], sep=", ", file=sys.stderr, flush=True)
            if installed("numba"):
                parts.append([*rows[-1][:2], *parts_of_a_fit(X.astype(dtype), y, pairs)])
    print(environment() + f"; median of {pairs} pairs\n")
    header = ["workload", "dtype", "20 epochs", "a fit", "20 epochs, L2"]
    header += ["loops alone", "in order", "20 epochs, NumPy"]
    print(markdown_table(header, rows))
    if parts:
        print()
        header = ["workload", "dtype", "loops", "epochs", "checks", "plan", "rest"]
        print(markdown_table(header, parts))


if __name__ == "__main__":
    main()
