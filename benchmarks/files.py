"""Size of a file of a model: pickled, and by skops, as it is and deflated.

python benchmarks/files.py
"""

from __future__ import annotations

import pickle
import warnings
from zipfile import ZIP_DEFLATED

import skops.io
from _pairs import environment, markdown_table
from sklearn.datasets import load_digits, load_wine
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skneural import (
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchPerceptron,
    TabularMLPClassifier,
)

#: Data, and a model of them. More epochs make the history longer, and the file little.
MODELS = {
    "wine, 8 units": (load_wine, ScratchMLPClassifier((8,), max_iter=50)),
    "digits, 100 units": (load_digits, ScratchMLPClassifier(max_iter=50)),
    "digits, 100 units, float32": (load_digits, ScratchMLPClassifier(max_iter=50, dtype="float32")),
    "digits, logistic regression": (load_digits, ScratchLogisticRegression(max_iter=1000)),
    "digits, perceptron": (load_digits, ScratchPerceptron()),
    # With this seed both kept epochs are the same, so that the networks are there once.
    "wine, table": (
        load_wine,
        TabularMLPClassifier(hidden_layer_sizes=(16,), max_iter=10, random_state=1),
    ),
}


def sizes(model):
    """Kilobytes of the files of a model."""
    contents = (
        pickle.dumps(model),
        skops.io.dumps(model),
        skops.io.dumps(model, compression=ZIP_DEFLATED),
    )
    return [f"{len(content) / 1000:.1f}" for content in contents]


def main():
    warnings.simplefilter("ignore")
    print(environment() + f"; skops {skops.__version__}; kilobytes\n")
    rows = []
    for name, (load, model) in MODELS.items():
        X, y = load(return_X_y=True)
        model.fit(StandardScaler().fit_transform(X), y)
        rows.append([name, *sizes(model)])
        rows.append([f"{name}, for_prediction()", *sizes(model.for_prediction())])
    pipeline = make_pipeline(StandardScaler(), ScratchMLPClassifier((8,), max_iter=50))
    rows.append(["wine, in a pipeline", *sizes(pipeline.fit(*load_wine(return_X_y=True)))])
    print(markdown_table(["model", "pickle", "skops", "skops, deflated"], rows))


if __name__ == "__main__":
    main()
