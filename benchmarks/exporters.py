"""What exporters and explainers make of our models, by way of to_sklearn(): run, and compared.

    python benchmarks/exporters.py [name of an exporter ...]

Each chooses its converter by the class of the estimator. What it writes is run, C compiled with gcc
and PMML evaluated in Java, on the rows trained on, and its numbers are compared with those of our
model. Beside it stands the same for a model that scikit-learn has fitted itself.

They need an environment of their own, with whichever of them are wanted, gcc and g++ for the C, and
Java for the PMML. sklearn2pmml 0.133 asks for scikit-learn up to 1.9.0::

    python -m venv exporters
    exporters/bin/pip install . scikit-learn==1.9.0 m2cgen emlearn micromlgen nyoka sklearn2pmml
    exporters/bin/pip install jpmml-evaluator eli5 shap hummingbird-ml

The last of them brings torch, whose build for the CPU is enough.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import platform
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import sklearn
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_iris
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import scale

from skneural import (
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
)

ROWS, CLASS = load_iris(return_X_y=True)
ROWS = scale(ROWS)
NAMES = ["a", "b", "c", "d"]

#: Rows and targets of each task. Two classes that no line separates.
TASKS = {
    "two classes": (ROWS[50:], CLASS[50:] - 1),
    "three classes": (ROWS, CLASS),
    "numbers": (ROWS[:, :3], ROWS[:, 3]),
    "two numbers": (ROWS[:, :2], ROWS[:, 2:]),
}
NETWORK = {"hidden_layer_sizes": (8, 5), "max_iter": 200, "random_state": 0}
MODELS = [
    (ScratchLogisticRegression(), ("two classes", "three classes")),
    (ScratchPerceptron(), ("two classes", "three classes")),
    (ScratchMLPClassifier(**NETWORK), ("two classes", "three classes")),
    (ScratchMLPRegressor(**NETWORK), ("numbers", "two numbers")),
]


# ---------------------------------------------------------------- exporters
#
# Each is given a fitted estimator of scikit-learn and rows, and returns what its program puts out
# for them, by the name of the method that has to agree.


def m2cgen(model, X):
    """Python code, executed."""
    import m2cgen

    namespace = {}
    exec(m2cgen.export_to_python(model), namespace)
    outputs = [namespace["score"](row.tolist()) for row in X]
    return {"decision_function" if is_classifier(model) else "predict": np.array(outputs)}


EMLEARN_MAIN = """
#include <stdio.h>
int main(void) {
    float row[N_IN], out[N_OUT];
    for (;;) {
        for (int i = 0; i < N_IN; i++) if (scanf("%f", row + i) != 1) return 0;
        if (RUN(&net, row, N_IN, out, N_OUT) != 0) return 1;
        for (int i = 0; i < N_OUT; i++) printf("%.9g ", out[i]);
        printf("\\n");
    }
}
"""


def emlearn(model, X):
    """C code for microcontrollers, compiled with gcc."""
    import emlearn

    kind = "classifier" if is_classifier(model) else "regressor"
    code = emlearn.convert(model, return_type=kind).save(name="net")
    n_outputs = len(model.classes_) if kind == "classifier" else model.n_outputs_
    defines = {
        "N_IN": X.shape[1],
        "N_OUT": n_outputs,
        "RUN": "eml_net_predict_proba" if kind == "classifier" else "eml_net_regress",
    }
    options = [f"-D{name}={value}" for name, value in defines.items()]
    options += ["-I", emlearn.includedir, "-lm"]
    outputs = compiled("gcc", code + EMLEARN_MAIN, ".c", options, X)
    if outputs.shape[1] == 1:
        outputs = outputs[:, 0]
    return {"predict_proba" if kind == "classifier" else "predict": outputs}


MICROMLGEN_MAIN = """
#include <cstdio>
int main() {
    Eloquent::ML::Port::KIND model;
    float row[N_IN];
    for (;;) {
        for (int i = 0; i < N_IN; i++) if (scanf("%f", row + i) != 1) return 0;
        printf("%d\\n", model.predict(row));
    }
}
"""


def micromlgen(model, X):
    """C++ code for Arduino, compiled with g++: it predicts labels alone."""
    import micromlgen

    code = "#include <cstdint>\n" + micromlgen.port(model) + MICROMLGEN_MAIN
    options = [f"-DN_IN={X.shape[1]}", f"-DKIND={type(model).__name__}", "-w"]
    index = compiled("g++", code, ".cpp", options, X)[:, 0].astype(int)
    return {"predict": model.classes_[index]}


def compiled(compiler, code, ending, options, X):
    """What a program writes, a line for every row that it reads."""
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder, "model" + ending), Path(folder, "model")
        source.write_text(code)
        subprocess.run([compiler, source, "-o", program, *options], check=True)
        lines = "\n".join(" ".join(map(repr, row)) for row in X.tolist())
        written = subprocess.run([program], input=lines, capture_output=True, text=True, check=True)
    return np.array(
        [[float(word) for word in line.split()] for line in written.stdout.split("\n")[:-1]]
    )


def hummingbird(model, X):
    """A module of torch, which computes in float32."""
    import hummingbird.ml

    converted = hummingbird.ml.convert(model, "torch", X[:1])
    names = ("predict_proba", "predict") if is_classifier(model) else ("predict",)
    return {name: getattr(converted, name)(X) for name in names}


def nyoka(model, X):
    """PMML, evaluated in Java."""
    from nyoka import skl_to_pmml

    def write(file):
        skl_to_pmml(Pipeline([("model", model)]), NAMES[: X.shape[1]], "y", str(file))

    return evaluated_pmml(write, model, X, "probability_{}")


def sklearn2pmml(model, X):
    """PMML, written and evaluated in Java."""
    from sklearn2pmml import sklearn2pmml
    from sklearn2pmml.pipeline import PMMLPipeline

    pipeline = PMMLPipeline([("model", model)])
    pipeline.active_fields = np.array(NAMES[: X.shape[1]])
    pipeline.target_fields = np.array(["y"])
    return evaluated_pmml(
        lambda file: sklearn2pmml(pipeline, str(file)), model, X, "probability({})"
    )


def evaluated_pmml(write, model, X, probability_name):
    import pandas as pd
    from jpmml_evaluator import make_evaluator

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.pmml")
        write(file)
        evaluator = make_evaluator(str(file)).verify()
        found = evaluator.evaluateAll(pd.DataFrame(X, columns=NAMES[: X.shape[1]]))
    outputs = {"predict": found["y"].to_numpy()}
    if hasattr(model, "predict_proba"):
        columns = [probability_name.format(label) for label in model.classes_]
        outputs["predict_proba"] = found[columns].to_numpy()
    return outputs


def eli5(model, X):
    """The table of weights, from which the logits are put together."""
    import eli5

    table = eli5.explain_weights_df(model, feature_names=NAMES, top=None)
    if table is None:
        raise NotImplementedError(eli5.explain_weights(model).error)
    columns = {}
    for target, weights in table.groupby("target", observed=True):
        by_name = dict(zip(weights["feature"], weights["weight"], strict=True))
        # What is not in the table has no weight.
        coef = [by_name.get(name, 0.0) for name in NAMES]
        columns[target] = X @ coef + by_name.get("<BIAS>", 0.0)
    logits = np.column_stack([columns[target] for target in sorted(columns)])
    return {"decision_function": logits[:, 0] if logits.shape[1] == 1 else logits}


def shap(model, X):
    """LinearExplainer: Shapley values and the expected output add up to the logits."""
    import shap

    explainer = shap.LinearExplainer(model, X)
    values = explainer.shap_values(X)
    return {"decision_function": values.sum(axis=1) + explainer.expected_value}


#: By the name of the package. hummingbird comes before nyoka and sklearn2pmml, which put modules of
#: their own in the place of xgboost, where it would be misled by them.
EXPORTERS = {
    "m2cgen": m2cgen,
    "emlearn": emlearn,
    "micromlgen": micromlgen,
    "hummingbird-ml": hummingbird,
    "eli5": eli5,
    "shap": shap,
    "nyoka": nyoka,
    "sklearn2pmml": sklearn2pmml,
}


# ---------------------------------------------------------------- the table


def outcome(export, converted, model, X):
    """How far the outputs of the exported program are from those of a model; None if it fails."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            outputs = export(converted, X)
    except Exception as error:
        print(f"{type(converted).__name__}: {error!r:.150}", file=sys.stderr)
        return None
    words = []
    for name, found in outputs.items():
        expected = getattr(model, name)(X)
        if found.shape != expected.shape:
            words.append(f"{name}: shape {found.shape}, not {expected.shape}")
        elif name == "predict" and is_classifier(model):
            n_wrong = np.count_nonzero(found != expected)
            words.append(f"{n_wrong} of {len(X)} labels differ" if n_wrong else "same labels")
        else:
            words.append(f"{name}: {np.abs(found - expected).max():.1e}")
    return ", ".join(words)


def table_rows(name):
    """A row for every class and task that it converts, and the names of all other classes."""
    rows, refused = [], {}
    for estimator, tasks in MODELS:
        for task in tasks:
            X, y = TASKS[task]
            ours = clone(estimator).fit(X, y)
            theirs = ours.to_sklearn()
            own = clone(theirs).fit(X, y)
            label = f"{type(theirs).__name__}, {task}"
            results = [
                outcome(EXPORTERS[name], theirs, ours, X),
                outcome(EXPORTERS[name], own, own, X),
            ]
            if results == [None, None]:
                refused.setdefault(type(theirs).__name__, []).append(task)
            else:
                rows.append([name, label, *(result or "fails" for result in results)])
    return rows, refused


def rst_table(header, rows):
    """A table of reStructuredText, as the documentation has it."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    rule = "  ".join("=" * width for width in widths)
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in [header, *rows]]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule])


def versions(names):
    found = {name: importlib.metadata.version(name) for name in names}
    return ", ".join(f"{name} {version}" for name, version in found.items())


def is_installed(name):
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version(name)
        return True
    return False


def main():
    warnings.simplefilter("ignore")
    names = [name for name in EXPORTERS if name in (sys.argv[1:] or EXPORTERS)]
    missing = [name for name in names if not is_installed(name)]
    missing += [program for program in ("gcc", "g++", "java") if not shutil.which(program)]
    names = [name for name in names if name not in missing]
    print(f"Python {platform.python_version()}, scikit-learn {sklearn.__version__}")
    print(versions(names))
    print("Not installed:", ", ".join(missing) or "nothing")
    rows, sentences = [], []
    for name in names:
        # emlearn leaves what it compiles in a folder "tmp" of the current one.
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            its_rows, refused = table_rows(name)
        rows += its_rows
        for kind, tasks in refused.items():
            sentences.append(f"{name} converts no {kind} ({', '.join(tasks)}), of either.")
    print(rst_table(["exporter", "model", "ours, by to_sklearn()", "scikit-learn's own"], rows))
    print("\n".join(sentences))


if __name__ == "__main__":
    main()
