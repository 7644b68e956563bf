"""Makes the golden files of a release: models in files of skops, and what they predict.

    python tests/golden/make.py

To be run once for every new release, after its version has been set. The files go into a folder of
that version, ``tests/golden/0.1.0/``. Those of earlier releases are never written again: they show
that models which users saved with these still load, without a warning, and predict the same.
`tests/integration/test_golden.py` reads the folders of all releases.

What a release can save for the first time gets a line in `MODELS`.
"""

from __future__ import annotations

import warnings
from itertools import cycle
from pathlib import Path
from zipfile import ZIP_DEFLATED

import numpy as np
import pandas as pd
import skops.io

from skneural import (
    HiddenLayerTransformer,
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
    TableEncoder,
    TabularMLPClassifier,
    TabularMLPRegressor,
    __version__,
    losses,
    optimizers,
    schedules,
)
from skneural.activations import ACTIVATIONS, Activation

RANDOM = np.random.RandomState(0)
X = RANDOM.standard_normal((60, 4))
CODES = np.digitize(X[:, 0] + 0.3 * RANDOM.standard_normal(60), [-0.5, 0.5])
IS_LARGE = X[:, 1] + 0.3 * RANDOM.standard_normal(60) > 0
NAMES = np.array(["low", "middle", "high"])[CODES]
NUMBERS = X @ [1.0, -2.0, 0.5, 0.0] + 0.1 * RANDOM.standard_normal(60)
POSITIVE = np.exp(NUMBERS / 4)
TABLE = pd.DataFrame(
    {
        "number": X[:, 0],
        "missing": np.where(X[:, 1] > 1, np.nan, X[:, 1]),
        "few": np.array(["a", "b", "c"], dtype=object)[CODES],
        "many": np.array([f"level {i}" for i in RANDOM.randint(15, size=60)], dtype=object),
    }
)
#: Rows to predict, some of them unlike those of training.
ROWS = np.concatenate([X[:4], 3 * RANDOM.standard_normal((3, 4))])
TABLE_ROWS = TABLE[:7].copy()
TABLE_ROWS.loc[0, "few"] = "unseen"

#: What the columns of that table are called among the arrays.
TABLE_KEY = "rows of the table"

#: Methods that predict; of each model the first of each line that it has.
METHODS = (
    ("predict", "transform"),
    ("predict_proba", "decision_function"),
)


def classifier(y, X=X, **params):
    settings = {"hidden_layer_sizes": (4, 3), "max_iter": 5, "random_state": 0, "batch_size": 20}
    return ScratchMLPClassifier(**{**settings, **params}).fit(X, y)


def regressor(y, X=X, **params):
    settings = {"hidden_layer_sizes": (4,), "max_iter": 5, "random_state": 0, "batch_size": 20}
    return ScratchMLPRegressor(**{**settings, **params}).fit(X, y)


def logistic(y, X=X, **params):
    return ScratchLogisticRegression(**{"max_iter": 20, "random_state": 0, **params}).fit(X, y)


def perceptron(y, X=X, **params):
    return ScratchPerceptron(**{"max_iter": 10, "random_state": 0, **params}).fit(X, y)


def tabular(kind, y, **params):
    settings = {"hidden_layer_sizes": (3,), "max_iter": 3, "cv": 2, "random_state": 0}
    return kind(**{**settings, **params}).fit(TABLE, y)


def single(X=X):
    return X.astype(np.float32)


OPTIMIZERS = (
    optimizers.SGD(momentum=0.8, nesterovs_momentum=False),
    optimizers.Adam(averaging=0.9),
    optimizers.AdamW(weight_decay=0.1, max_grad_norm=1.0),
    optimizers.NAdam(momentum_decay=0.01),
    optimizers.RMSprop(momentum=0.5),
    optimizers.AdaGrad(epsilon=1e-6),
)
SCHEDULES = (
    schedules.Constant(),
    schedules.Adaptive(divisor=3.0),
    schedules.CosLog(n_cycles=2),
    schedules.Cosine(lowest=0.1),
    schedules.CosineWarmRestarts(n_epochs=2),
    schedules.Exponential(gamma=0.9),
    schedules.FlatCos(),
    schedules.InverseScaling(power_t=0.3),
    schedules.LinearWarmUp(n_epochs=2, then=schedules.Cosine()),
    schedules.OneCycle(warm_up=0.2),
    schedules.ReduceOnPlateau(patience=2),
    schedules.StepDecay(n_epochs=2),
    schedules.Schedule(),
)
#: Losses with the targets that they are for.
LOSSES = (
    (classifier, NAMES, losses.LogLoss(label_smoothing=0.1)),
    (classifier, NAMES, losses.Focal(gamma=1.0)),
    (classifier, IS_LARGE, losses.SquaredError()),
    (classifier, IS_LARGE, losses.BinaryLogLoss()),
    (classifier, IS_LARGE, losses.BinaryFocal()),
    (classifier, IS_LARGE, losses.BinarySquaredError()),
    (classifier, NAMES, losses.MultinomialLogLoss()),
    (classifier, NAMES, losses.MultinomialFocal()),
    (classifier, NAMES, losses.MultinomialSquaredError()),
    (classifier, IS_LARGE, losses.SumOverTargets(losses.BinaryLogLoss(), (1,))),
    (regressor, NUMBERS, losses.AbsoluteError()),
    (regressor, NUMBERS, losses.Huber(delta=2.0)),
    (regressor, NUMBERS, losses.Quantile([0.1, 0.5, 0.9])),
    (regressor, np.round(POSITIVE), losses.Poisson()),
    (regressor, POSITIVE, losses.Gamma()),
)


def with_settings(number, make, y, loss, optimizer, schedule):
    """A model of settings objects, every other one in float32."""
    rows = single() if number % 2 else X
    settings = {"loss": loss, "solver": optimizer, "learning_rate": schedule}
    return lambda: make(y, rows, **settings).for_prediction()


MODELS = {
    **{
        f"settings-{number}": with_settings(number, *of_loss, *others)
        for number, (of_loss, *others) in enumerate(
            zip(LOSSES, cycle(OPTIMIZERS), cycle(SCHEDULES), strict=False)
        )
    },
    "activations": lambda: classifier(
        NAMES,
        hidden_layer_sizes=(2,) * len(ACTIVATIONS),
        activation=[*ACTIVATIONS][::2] + [ACTIVATIONS[name] for name in [*ACTIVATIONS][1::2]],
    ).for_prediction(),
    "activation-object": lambda: classifier(
        NAMES, activation=Activation(**{**ACTIVATIONS["mish"].get_params(), "glorot_factor": 2.0})
    ).for_prediction(),
    "two-classes": lambda: classifier(IS_LARGE, class_weight={False: 1.0, True: 2.0}),
    "large-labels": lambda: classifier(2**40 + CODES, single(), early_stopping=True),
    "dates": lambda: classifier(
        np.array(["2001", "2002", "2003"], dtype="M8[D]")[CODES]
    ).for_prediction(),
    "multilabel": lambda: classifier(
        np.column_stack([IS_LARGE, CODES > 0]).astype(int), dropout=0.2
    ).for_prediction(),
    "columns-of-labels": lambda: classifier(
        np.column_stack([NAMES, np.array(["no", "yes"])[IS_LARGE.astype(int)]]), single()
    ).for_prediction(),
    "one-class": lambda: classifier(np.full(60, 7)).for_prediction(),
    "names-of-columns": lambda: classifier(
        NAMES, pd.DataFrame(X, columns=list("abcd"))
    ).for_prediction(),
    "network-lbfgs": lambda: classifier(NAMES, solver="lbfgs", alpha=0.1),
    "partly-fitted": lambda: ScratchMLPClassifier((3,), random_state=0).partial_fit(
        X, CODES, classes=[0, 1, 2, 3]
    ),
    "for-prediction": lambda: classifier(NAMES, single()).for_prediction(),
    "from-weights": lambda: ScratchMLPRegressor.from_weights(
        [np.eye(4)[:, :2], np.ones((2, 1))], [[0.5, -0.5], [1.0]], activation="tanh"
    ),
    "two-numbers": lambda: regressor(X[:, :2] ** 2, single()),
    "poisson": lambda: regressor(np.round(POSITIVE), loss="poisson").for_prediction(),
    "logistic": lambda: logistic(NAMES),
    "logistic-two-classes": lambda: logistic(
        IS_LARGE, single(), solver="newton-cholesky"
    ).for_prediction(),
    "logistic-sparse": lambda: logistic(NAMES, solver="saga", l1_ratio=1.0, C=0.1).sparsify(),
    "logistic-sgd": lambda: logistic(NAMES, single(), solver="sgd", early_stopping=True),
    "logistic-liblinear": lambda: logistic(IS_LARGE, solver="liblinear").for_prediction(),
    "perceptron": lambda: perceptron(NAMES, early_stopping=True),
    "perceptron-sparse": lambda: perceptron(
        IS_LARGE, single(), penalty="l1", alpha=0.01
    ).sparsify(),
    "hidden-layer": lambda: HiddenLayerTransformer(classifier(NAMES).for_prediction(), prefit=True),
    "table-encoder": lambda: TableEncoder(random_state=0, max_one_hot=4).fit(TABLE, NAMES),
    "table-encoder-numbers": lambda: TableEncoder(random_state=0, max_one_hot=4).fit(
        TABLE, NUMBERS
    ),
    "tabular": lambda: tabular(TabularMLPClassifier, NAMES, max_one_hot=4),
    "tabular-numbers": lambda: tabular(
        TabularMLPRegressor, NUMBERS, loss=losses.Quantile(0.9)
    ).for_prediction(),
}


def rows_for(model, rows=ROWS, table=TABLE_ROWS):
    """Rows of the kind that a model was fitted to."""
    names = list(getattr(model, "feature_names_in_", []))
    if names == list(TABLE):
        return table
    return pd.DataFrame(rows, columns=names) if names else rows


def predictions(model, rows):
    """All that a model predicts, as arrays by the name of the method.

    Text is in arrays of text, not of objects. Of several columns of labels each has a number.
    """
    found = {}
    for line in METHODS:
        method = next((each for each in line if hasattr(model, each)), None)
        if method is None:
            continue
        value = getattr(model, method)(rows)
        of_columns = value if isinstance(value, list) else [value]
        for number, array in enumerate(of_columns):
            name = f"{method} {number}" if isinstance(value, list) else method
            found[name] = np.asarray(array.astype(str) if array.dtype == object else array)
    return found


def rows_of_table(expected):
    """The table among the arrays of a folder."""
    columns = {
        key.partition("/")[2]: expected[key] for key in expected if key.startswith(TABLE_KEY)
    }
    return pd.DataFrame(
        {
            name: each if each.dtype.kind == "f" else each.astype(object)
            for name, each in columns.items()
        }
    )


def write(folder):
    """Write the files of this version into a new folder."""
    folder.mkdir()
    arrays = {"rows": ROWS}
    for name in TABLE_ROWS:
        column = TABLE_ROWS[name].to_numpy()
        arrays[f"{TABLE_KEY}/{name}"] = column if column.dtype.kind == "f" else column.astype(str)
    for name, make in MODELS.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of fits that are cut short
            model = make()
        skops.io.dump(model, folder / f"{name}.skops", compression=ZIP_DEFLATED, compresslevel=9)
        for method, array in predictions(model, rows_for(model)).items():
            arrays[f"{name}/{method}"] = array
    np.savez_compressed(folder / "expected.npz", **arrays)


if __name__ == "__main__":
    write(Path(__file__).parent / __version__)
