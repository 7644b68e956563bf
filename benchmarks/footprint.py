"""Peak memory of a fit, time of the import and size of a pickle, beside scikit-learn's.

    [SKNEURAL_DATA=folder] python benchmarks/footprint.py [pairs]

Memory is that of a whole process with one fit in it, as the operating system counts it, less that
of a process that does all the same except for the fit. A ratio above 1 means that ours takes less.
The import is compared with importing what skneural itself imports of scikit-learn and the others.
"""

from __future__ import annotations

import ast
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import _data
from _pairs import environment, markdown_table, median_ratio
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

import skneural
from skneural import ScratchLogisticRegression, ScratchMLPClassifier

HERE = Path(__file__).parent

FIT = """
import resource, sys, warnings
sys.path.insert(0, {here!r})
import fit
from sklearn.neural_network import MLPClassifier
from skneural import ScratchMLPClassifier
warnings.simplefilter("ignore")
X, y = fit.load({workload!r}, {dtype!r})
model = {model}(hidden_layer_sizes={hidden}, max_iter=2, random_state=0)
if {fitted}:
    model.fit(X, y)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""

FITS = [
    ("digits", (100,), "float64"),
    ("10,000 x 784", (256, 256), "float64"),
    ("10,000 x 784", (256, 256), "float32"),
    ("10,000 x 784", (512, 512, 512), "float64"),
    ("text", (100,), "float64"),
]


def output(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout


def peak(workload, hidden, dtype, model, fitted=True):
    """Megabytes."""
    places = {"workload": workload, "hidden": hidden, "dtype": dtype, "model": model}
    return float(output(FIT.format(here=str(HERE), fitted=fitted, **places)))


def memory_rows():
    rows = []
    for workload, hidden, dtype in FITS:
        if workload in {"text", "MNIST"} and _data.FOLDER is None:
            continue
        case = (workload, hidden, dtype)
        base = peak(*case, "ScratchMLPClassifier", fitted=False)
        theirs = peak(*case, "MLPClassifier") - base
        ours = peak(*case, "ScratchMLPClassifier") - base
        row = [workload, str(hidden), dtype, f"{theirs:.0f}", f"{ours:.0f}"]
        rows.append([*row, f"{theirs / ours:.2f}"])
    return rows


def imports_of_skneural():
    """The import statements of all its modules that lead out of it."""
    statements = set()
    for path in Path(skneural.__file__).parent.rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                statement = ast.unparse(node)
                if "skneural" not in statement and "__future__" not in statement:
                    statements.add(statement)
    return "\n".join(sorted(statements))


def pickle_rows():
    X, y = load_digits(return_X_y=True)
    models = [
        (ScratchMLPClassifier(), MLPClassifier()),
        (ScratchMLPClassifier(early_stopping=True), MLPClassifier(early_stopping=True)),
        (ScratchMLPClassifier(dtype="float32"), MLPClassifier()),
        (ScratchMLPClassifier((256, 256)), MLPClassifier((256, 256))),
        (ScratchLogisticRegression(max_iter=1000), LogisticRegression(max_iter=1000)),
    ]
    rows = []
    for ours, theirs in models:
        ours.fit(X, y), theirs.fit(X, y)
        n_bytes = ours._params.nbytes
        fitted, lean = (len(pickle.dumps(model)) for model in (ours, ours.for_prediction()))
        row = [repr(ours), str(n_bytes), f"{len(pickle.dumps(theirs)) / n_bytes:.2f}"]
        rows.append([*row, f"{fitted / n_bytes:.2f}", f"{lean / n_bytes:.2f}"])
    return rows


def main():
    warnings.simplefilter("ignore")
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    print(environment() + f"; median of {pairs} pairs\n")
    header = ["data", "hidden", "dtype", "scikit-learn, MB", "skneural, MB", "ratio"]
    print(markdown_table(header, memory_rows()))

    needed = imports_of_skneural()
    ratio = median_ratio(lambda: output("import skneural"), lambda: output(needed), pairs)
    print(f"\nTime of `import skneural`, over that of all that it imports: {ratio:.3f}\n")

    header = ["model", "bytes of parameters", "pickle: scikit-learn", "fitted", "for_prediction()"]
    print(markdown_table(header, pickle_rows()))


if __name__ == "__main__":
    main()
