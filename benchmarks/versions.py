"""Fit times beside another version of skneural, with everything off that is off by default.

    git worktree add ../before COMMIT && python benchmarks/versions.py ../before [pairs]

Every ratio is the other version's time over ours in the same round: above 1 we are faster. Both
train the same models: that is checked first.
"""

from __future__ import annotations

import importlib
import re
import sys
import tempfile
import warnings
from functools import partial
from pathlib import Path

import _data
import numpy as np
from _pairs import environment, markdown_table, median_ratio
from sklearn.exceptions import ConvergenceWarning

import skneural

#: Data, hidden layers, batch size, solver, dtype, epochs.
CELLS = [
    ("digits", (100,), 32, "adam", "float64", 20),
    ("digits", (100,), 32, "adam", "float32", 20),
    ("digits", (100,), 200, "sgd", "float64", 60),
    ("digits", (100,), 200, "adam", "float32", 60),
    ("narrow", (64, 64), 32, "adam", "float64", 4),
    ("narrow", (64, 64), 200, "sgd", "float32", 10),
    ("wide", (100,), 200, "adam", "float64", 2),
    ("wide", (256, 256), 200, "adam", "float32", 2),
]


def main() -> None:
    """Print the table."""
    other = imported_from(Path(sys.argv[1]))
    pairs = int(sys.argv[2]) if len(sys.argv) > 2 else 15
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(f"{environment()}, {pairs} pairs\n")
    rows, ratios = [], []
    for data, hidden, batch_size, solver, dtype, epochs in CELLS:
        X, y = getattr(_data, data)()
        X = X.astype(dtype)
        params = {
            "hidden_layer_sizes": hidden,
            "batch_size": batch_size,
            "solver": solver,
            "max_iter": epochs,
            "n_iter_no_change": epochs,
            "random_state": 0,
        }
        models = [package.ScratchMLPClassifier(**params) for package in (other, skneural)]
        before, now = (partial(model.fit, X, y) for model in models)
        assert np.array_equal(before().coefs_[0], now().coefs_[0])
        ratios.append(median_ratio(before, now, pairs))
        sizes = ", ".join(map(str, hidden))
        rows.append([data, sizes, str(batch_size), solver, dtype, f"{ratios[-1]:.3f}"])
    rows.append(["geometric mean", "", "", "", "", f"{np.exp(np.log(ratios).mean()):.3f}"])
    print(markdown_table(["data", "hidden", "batch", "solver", "dtype", "ratio"], rows))


def imported_from(checkout: Path):
    """The package of another checkout, under a name that leaves room for ours."""
    folder = Path(tempfile.mkdtemp())
    for source in (checkout / "skneural").rglob("*.py"):
        target = folder / "skneural_other" / source.relative_to(checkout / "skneural")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(re.sub(r"\bskneural\b", "skneural_other", source.read_text()))
    sys.path.insert(0, str(folder))
    return importlib.import_module("skneural_other")


if __name__ == "__main__":
    main()
