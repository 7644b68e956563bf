"""CPU time of fits on raw tables with compiled kernels and without: the same models, sooner.

    SKNEURAL_DATA=folder python benchmarks/tables_compiled.py [rounds]

Three sets of classes, three of numbers, of 3,000 rows at most. Both kinds of fit take turns in one
process, after short ones to warm up; seconds are CPU seconds of one thread per 1,000 rows, the
median of all rounds, and the ratio is the median of the ratios of the rounds. That both give the
same model, to the last bit, is checked.
"""

import statistics
import sys
import time
import warnings

import numpy as np
from _pairs import markdown_table
from tables import load, parts, tabular
from threadpoolctl import threadpool_limits

import skneural

SETS = {
    "satimage": "clf",
    "adult": "clf",
    "letter": "clf",
    "california_housing": "reg",
    "kin40k": "reg",
    "diamonds": "reg",
}
MOST_ROWS = 3000


def fitted(task, X, y, compiled, **params):
    """A model, and the CPU seconds of its fit."""
    skneural.set_compiled(compiled)
    begun = time.process_time()
    model = tabular(task, 0, **params).fit(X, y)
    return model, time.process_time() - begun


def measured(name, task, rounds):
    """One row of the table."""
    X, y = load(name)
    y = y.astype(str) if task == "clf" else y
    X, X_test, y, _ = parts(X, y, task, 0, MOST_ROWS)
    for compiled in (False, True):
        fitted(task, X, y, compiled, max_iter=2)
    pairs = []
    for i in range(rounds):
        # Whoever comes next meets what the last one left in the caches: take turns.
        order = (False, True) if i % 2 else (True, False)
        runs = {compiled: fitted(task, X, y, compiled) for compiled in order}
        np.testing.assert_array_equal(*(model.raw_outputs(X_test) for model, _ in runs.values()))
        pairs.append([runs[False][1], runs[True][1]])
    before, after = (
        1000 / len(y) * statistics.median(column) for column in zip(*pairs, strict=True)
    )
    ratio = statistics.median(one / other for one, other in pairs)
    return [name, str(len(y)), f"{before:.2f}", f"{after:.2f}", f"{ratio:.2f}"]


def main(rounds):
    rows = []
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        for name, task in SETS.items():
            rows.append(measured(name, task, rounds))
            print(*rows[-1], flush=True)
    print(markdown_table(["set", "rows", "NumPy", "compiled", "ratio"], rows))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
