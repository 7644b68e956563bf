"""Random data frames, and models of them in ONNX: do they predict the same?

Columns of all kinds (numbers small and large, of few values, heavy-tailed; integers, booleans;
strings and categories of few and of many levels), with and without missing values; rows that
training has not seen; random settings of the encoder and the ensembles. A failure is a difference,
absolute or relative, above 1e-12, a label other than ours where the two largest probabilities
differ by more than 1e-5, or an error.

    python benchmarks/onnx_tables_fuzz.py --n 200 --seed 0
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
import pandas as pd
from onnx_table import difference

from skneural import TableEncoder, TabularMLPClassifier, TabularMLPRegressor
from skneural.onnx import to_onnx

TOLERANCE = 1e-12
N_NEW = 80


def levels(random, n, n_levels):
    names = np.array([f"level {i}" for i in range(n_levels)], dtype=object)
    return names[random.randint(n_levels, size=n)]


#: Columns of n rows, by what they hold.
COLUMNS = {
    "normal": lambda random, n: random.standard_normal(n) * 10.0 ** random.randint(-8, 9),
    "rounded": lambda random, n: np.round(random.standard_normal(n) * random.choice([0.5, 2, 10])),
    "two": lambda random, n: random.choice([-1.0, 3.0], n),
    "cauchy": lambda random, n: random.standard_cauchy(n),
    "lognormal": lambda random, n: np.exp(20 * random.standard_normal(n)),
    "sparse": lambda random, n: np.where(random.rand(n) < 0.97, 0.0, random.standard_normal(n)),
    "constant": lambda random, n: np.full(n, 2.0),
    "single": lambda random, n: random.standard_normal(n).astype(np.float32),
    "whole": lambda random, n: random.randint(-5, 50, n),
    "flag": lambda random, n: random.rand(n) < 0.2,
    "text": lambda random, n: levels(random, n, random.choice([1, 2, 3, 7, 40])),
    "category": lambda random, n: pd.Categorical(levels(random, n, random.choice([2, 5, 30]))),
    "code": lambda random, n: pd.Categorical(random.randint(0, random.choice([2, 5, 30]), n)),
    "size": lambda random, n: pd.Categorical(np.round(2 * random.standard_normal(n)) / 4),
}


def random_column(random, n):
    column = pd.Series(COLUMNS[random.choice(list(COLUMNS))](random, n))
    if random.rand() < 0.5 and column.dtype.kind not in "ib":
        column[random.rand(n) < random.choice([0.02, 0.3, 0.9])] = np.nan
    return column


def random_case(random):
    """A fitted model, a frame for it, and what it is."""
    n = random.choice([20, 60, 200])
    columns = {f"c{j}": random_column(random, n + N_NEW) for j in range(random.randint(1, 8))}
    table = pd.DataFrame(columns)
    rows = table[:n]
    numbers = random.standard_normal(n) * 10.0 ** random.randint(-3, 4)
    labels = np.arange(n) % random.choice([2, 3, 4])
    weight = None if random.rand() < 0.6 else random.randint(0, 3, n).astype(float)
    kind = random.choice(["encoder", "classifier", "regressor"])
    settings = {
        "quantile_inputs": bool(random.randint(2)),
        "max_one_hot": int(random.choice([2, 4, 8])),
        "random_state": 0,
    }
    if kind == "encoder":
        settings["n_quantiles"] = int(random.choice([2, 10, 1000]))
        y = numbers if random.randint(2) else labels
        return TableEncoder(**settings).fit(rows, y, weight), table, kind
    settings |= {"cv": 2, "max_iter": 1, "hidden_layer_sizes": (8,)}
    settings["frequency_scale"] = random.choice([0.0, 0.5])
    if kind == "classifier":
        return TabularMLPClassifier(**settings).fit(rows, labels, weight), table, kind
    return TabularMLPRegressor(**settings).fit(rows, numbers, weight), table, kind


def outputs(model, table):
    """What onnxruntime computes: each column as its input takes it."""
    import onnxruntime

    content = to_onnx(model, table).SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    rows = {}
    for given, name in zip(session.get_inputs(), table.columns, strict=True):
        column = table[[name]].to_numpy()
        rows[given.name] = column.astype(np.float64) if "double" in given.type else column
    return session.run(None, rows)


def largest_difference(model, table, kind):
    results = outputs(model, table)
    if kind == "encoder":
        return difference(results[0], model.transform(table))
    if kind == "regressor":
        return difference(results[0], model.predict(table))
    expected = model.predict_proba(table)
    ordered = np.sort(expected, axis=1)
    is_clear = ordered[:, -1] - ordered[:, -2] > 1e-5
    if np.any(results[0][is_clear] != model.predict(table)[is_clear]):
        return np.inf
    return difference(results[1], expected)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    worst, n_refused = {}, 0
    for seed in range(arguments.seed, arguments.seed + arguments.n):
        try:
            model, table, kind = random_case(np.random.RandomState(seed))
        except ValueError:  # all columns are constant
            n_refused += 1
            continue
        if table[:-N_NEW].isna().all().any():  # nobody can tell what comes later
            n_refused += 1
            continue
        found = largest_difference(model, table, kind)
        worst[kind] = max(worst.get(kind, 0), found)
        if not found <= TOLERANCE:
            print(f"seed {seed}: {kind}, {found:.0e}, {table.dtypes.astype(str).tolist()}")
    print(f"{arguments.n - n_refused} compared, largest differences:")
    for kind, number in worst.items():
        print(f"    {kind:12s}{number:.0e}")


if __name__ == "__main__":
    main()
