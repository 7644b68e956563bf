"""Peak memory of a fit, time of the import and size of a pickle, beside scikit-learn's.

    [SKNEURAL_DATA=folder] python benchmarks/footprint.py [pairs]

Memory is the peak of a whole process during a fit, as Linux counts it, less what it took before.
A ratio above 1 means that ours takes less. The import is compared with importing what skneural
itself imports of scikit-learn and the others, and with importing scikit-learn's own networks and
linear models.
"""

from __future__ import annotations

import ast
import os
import pickle
import statistics
import subprocess
import sys
import warnings
from functools import partial
from pathlib import Path

import _data
import fit
from _pairs import environment, markdown_table, median_ratios
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

import skneural
from skneural import ScratchLogisticRegression, ScratchMLPClassifier

HERE = Path(__file__).parent

FIT = """
import gc, sys, warnings
from pathlib import Path
sys.path.insert(0, {here!r})
import fit
from sklearn.neural_network import MLPClassifier
from skneural import ScratchMLPClassifier
warnings.simplefilter("ignore")

def kilobytes(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))

X, y = fit.load({workload!r}, {dtype!r})
{model}((5,), max_iter=1).fit(X[:50], y[:50])  # what the first fit loads is not the question
model = {model}({hidden}, max_iter=2, random_state=0)
gc.collect()
before = kilobytes("VmRSS")
Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
model.fit(X, y)
print((kilobytes("VmHWM") - before) / 1024)
"""

FITS = [
    ("digits", (100,), "float64"),
    ("10,000 x 784", (256, 256), "float64"),
    ("10,000 x 784", (256, 256), "float32"),
    ("10,000 x 784", (512, 512, 512), "float64"),
    ("text", (100,), "float64"),
]


def output(code):
    # As after an installation: with the compiled files of all modules.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return run.stdout


def peak(workload, hidden, dtype, model):
    """Megabytes: the median of three."""
    places = {"workload": workload, "hidden": hidden, "dtype": dtype, "model": model}
    code = FIT.format(here=str(HERE), **places)
    return statistics.median(float(output(code)) for _ in range(3))


def memory_rows():
    rows = []
    for workload, hidden, dtype in FITS:
        if workload in fit.NEEDS_DATA and _data.FOLDER is None:
            continue
        case = (workload, hidden, dtype)
        theirs, ours = (peak(*case, name) for name in ("MLPClassifier", "ScratchMLPClassifier"))
        row = [workload, str(hidden), dtype, f"{theirs:.1f}", f"{ours:.1f}"]
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


def parameters_of(model):
    if hasattr(model, "coefs_"):
        return [*model.coefs_, *model.intercepts_]
    return [model.coef_, model.intercept_]


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
        n_bytes = sum(array.nbytes for array in parameters_of(ours))
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

    imports = {
        "skneural": "import skneural",
        "what it imports": imports_of_skneural(),
        "scikit-learn's": "import sklearn.linear_model, sklearn.neural_network",
    }
    output("import skneural")
    tasks = {name: partial(output, code) for name, code in imports.items()}
    print("\nTime of `import skneural`, over that of what is imported instead:\n")
    ratios = median_ratios(tasks, "skneural", pairs)
    print(markdown_table(["instead", "ratio"], [[k, f"{1 / v:.3f}"] for k, v in ratios.items()]))
    print()

    header = ["model", "bytes of parameters", "pickle: scikit-learn", "fitted", "for_prediction()"]
    print(markdown_table(header, pickle_rows()))


if __name__ == "__main__":
    main()
