"""Random estimators as ONNX models, run by onnxruntime: do they predict the same?

Random tasks, hidden layers, activation functions (one for each layer), numbers of features and
rows, scales of the data, dtypes of the model and of the rows, and opsets. A failure is a
difference, absolute or relative, above 1e-12 in float64 and 1e-5 in float32, a label other than
ours where the two largest logits differ by more than 1e-5, or an error.

    python benchmarks/onnx_fuzz.py --n 200 --seed 0
"""

from __future__ import annotations

import argparse
import traceback
import warnings
from collections import Counter

import numpy as np
from onnx_table import TASKS, compared

from skneural import (
    HiddenLayerTransformer,
    ScratchLogisticRegression,
    ScratchPerceptron,
)
from skneural.activations import ACTIVATIONS
from skneural.onnx.graph import MIN_OPSET

TOLERANCE = {"float32": 1e-5, "float64": 1e-12}
LATEST_OPSET = 22


def random_case(random):
    """A fitted model, rows for it, and what it is."""
    dtype = random.choice(["float32", "float64"])
    n_rows, n_features = random.randint(20, 200), random.randint(1, 31)
    X = random.standard_normal((n_rows, n_features)) * random.choice([0.1, 1, 1, 3])
    X = X.astype(dtype)
    scores = X @ random.standard_normal((n_features, 3))
    kind = random.choice(["network", "network", "network", "hidden", "logistic", "perceptron"])
    if kind in ("logistic", "perceptron"):
        y = random.choice(["two classes", "several classes"])
        model = ScratchPerceptron(random_state=0)
        if kind == "logistic":
            model = ScratchLogisticRegression(
                C=10.0 ** random.randint(-3, 4), fit_intercept=bool(random.randint(2))
            )
        model.fit(X, TASKS[y][2](scores))
        return model, X, f"{kind}, {y}"
    task = random.choice(list(TASKS))
    estimator, settings, targets = TASKS[task]
    sizes = tuple(random.randint(1, 40, size=random.randint(kind == "hidden", 4)))
    network = estimator(
        hidden_layer_sizes=sizes,
        activation=[str(random.choice(list(ACTIVATIONS))) for _ in sizes] or "relu",
        max_iter=random.randint(1, 30),
        random_state=random.randint(1000),
        **settings,
    )
    network.fit(X, targets(scores))
    if kind == "hidden":
        layer = random.randint(len(sizes))
        return HiddenLayerTransformer(network, layer, prefit=True), X, f"hidden layer, {task}"
    return network, X, task


def check(model, X, random):
    """The largest difference divided by what is allowed; None for a model without numbers."""
    if not isinstance(model, HiddenLayerTransformer) and not np.all(
        np.isfinite(model.raw_outputs(X))
    ):
        return None
    dtype, opset = str(X.dtype), random.randint(MIN_OPSET, LATEST_OPSET + 1)
    largest, wrong = compared(model, X, target_opset=opset)
    if not isinstance(model, HiddenLayerTransformer):
        # Rows of another type, for which the model computes in its own dtype.
        other = X.astype("float32" if dtype == "float64" else "float64")
        of_other, wrong_of_other = compared(model, other)
        largest, wrong = max(largest, of_other), wrong + wrong_of_other
    if wrong:
        raise ValueError(f"{wrong} labels differ")
    return largest / TOLERANCE[dtype]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    counts, worst = Counter(), {}
    for seed in range(arguments.seed, arguments.seed + arguments.n):
        random = np.random.RandomState(seed)
        try:
            model, X, name = random_case(random)
            ratio = check(model, X, random)
        except Exception:
            counts["errors"] += 1
            print(f"seed {seed}:")
            traceback.print_exc(limit=-2)
            continue
        if ratio is None:
            counts["not finite"] += 1
            continue
        dtype = str(X.dtype)
        counts[dtype] += 1
        if ratio > worst.get(dtype, (0,))[0]:
            worst[dtype] = ratio, seed, name
        if ratio > 1:
            counts["too far"] += 1
            print(f"seed {seed}: {ratio:.1f} times the tolerance of {dtype}: {name}")
    print(dict(counts))
    for dtype, (ratio, seed, name) in worst.items():
        print(f"{dtype}: at most {ratio * TOLERANCE[dtype]:.1e} (seed {seed}: {name})")


if __name__ == "__main__":
    main()
