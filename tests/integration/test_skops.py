"""Files of skops: every estimator with every setting, and nothing trusted but our public types."""

from extras import need

need("skops", "skops")

import copy
import json
import pickle
import subprocess
import sys
import warnings
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from io import BytesIO
from math import inf, nan
from zipfile import ZIP_DEFLATED, ZipFile

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from exact_values import exact
from resumed_fits import FITS
from scipy import sparse
from sklearn import model_selection
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from test_persistence import VERSIONED, warnings_by
from test_pickled_classes import MODELS as MODELS_OF_PICKLES

import skneural
from skneural import (
    TRUSTED_TYPES,
    HiddenLayerTransformer,
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
    TableEncoder,
    TabularMLPClassifier,
    TabularMLPRegressor,
    activations,
    losses,
    optimizers,
    schedules,
)
from skneural.activations import ACTIVATIONS, Activation
from skneural.callbacks import Checkpoint, HistoryLogger
from skneural.initialization import INITIALIZATIONS
from skneural.optimizers import OPTIMIZERS, SGD, AdaGrad, Adam, AdamW, NAdam, RMSprop
from skneural.schedules import SCHEDULES
from skneural.settings import Settings

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::scipy.linalg.LinAlgWarning"),
    pytest.mark.filterwarnings("ignore:The validation rows of early_stopping are not stratified"),
]

RANDOM = np.random.RandomState(0)
X = RANDOM.standard_normal((40, 3))
CODES = np.digitize(X[:, 0], [-0.5, 0.5])
IS_LARGE = X[:, 1] > 0
NAMES = np.array(["low", "middle", "high"])[CODES]
POSITIVE = np.abs(X[:, 1]) + 0.1
DATES = np.array(["2001-01-01", "2002-01-01", "2003-01-01"], dtype="M8[D]")
ROWS = RANDOM.standard_normal((7, 3))

TABLE = pd.DataFrame(
    {
        "number": X[:, 0],
        "missing": np.where(IS_LARGE, np.nan, X[:, 1]),
        "many": [f"level {i % 20}" for i in range(40)],
        "few": NAMES.astype(object),
        "types": np.array([1, "b", None], dtype=object)[CODES],
        "floats": np.array([1.5, nan, 2], dtype=object)[CODES],
        "flags": np.array([True, False, None], dtype=object)[CODES],
        "bool": IS_LARGE,
        "category": pd.Categorical(NAMES),
        "category of numbers": pd.Categorical(CODES),
        "nullable": pd.array([1, None] * 20, dtype="Int64"),
        "text": pd.Series(NAMES, dtype="string"),
    }
)
CATEGORIES = ["many", "few", "types", "floats", "flags", "category", "text"]


def classifier(**params):
    return ScratchMLPClassifier(
        **{"hidden_layer_sizes": (4, 3), "max_iter": 3, "random_state": 0, **params}
    )


def regressor(**params):
    return ScratchMLPRegressor(
        **{"hidden_layer_sizes": (4, 3), "max_iter": 3, "random_state": 0, **params}
    )


def logistic(**params):
    return ScratchLogisticRegression(**{"max_iter": 3, "random_state": 0, **params})


def perceptron(**params):
    return ScratchPerceptron(**{"max_iter": 3, "random_state": 0, **params})


SHORT = {"hidden_layer_sizes": (3,), "max_iter": 2, "cv": 2, "random_state": 0}


def tabular(**params):
    return TabularMLPClassifier(**{**SHORT, **params})


def tabular_numbers(**params):
    return TabularMLPRegressor(**{**SHORT, **params})


def encoder(**params):
    return TableEncoder(**{"max_one_hot": 3, "random_state": 0, **params})


#: Of each kind of classifier one; each takes labels of one column and weights of classes.
CLASSIFIERS = {
    "network": classifier,
    "logistic": logistic,
    "perceptron": perceptron,
    "tabular": tabular,
}

# ------------------------------------------------------------------------------ settings

LABELS = {
    "bool": IS_LARGE,
    "int64": CODES,
    "int8": CODES.astype(np.int8),
    "uint64": CODES.astype(np.uint64) + 2**63,
    "big-endian": CODES.astype(">i4"),
    "float": CODES.astype(float),
    "float16": CODES.astype(np.float16),
    "longdouble": CODES.astype(np.longdouble),
    "text": NAMES,
    "unlike characters": np.array(["", "ö", "日本"])[CODES],
    "objects": NAMES.astype(object),
    "objects with a null": np.array(["a\0b", "a", "b"], dtype=object)[CODES],
    "NumPy's text": np.array([np.str_(name) for name in NAMES], dtype=object),
    "category": pd.Series(NAMES, dtype="category"),
    "text of pandas": pd.Series(NAMES, dtype="string"),
    "Int64": pd.Series(CODES, dtype="Int64"),
    "boolean": pd.Series(IS_LARGE, dtype="boolean"),
    "list": NAMES.tolist(),
    "dates": DATES[CODES],
    "dates in nanoseconds": DATES.astype("M8[ns]")[CODES],
    "durations": np.array([1, 2, 3], dtype="m8[s]")[CODES],
}
SEVERAL_LABELS = {
    "multilabel": np.column_stack([IS_LARGE, CODES > 0]).astype(int),
    "sparse multilabel": sparse.csr_matrix(np.column_stack([IS_LARGE, CODES > 0]).astype(int)),
    "columns": np.column_stack([CODES, 5 + IS_LARGE]),
    "columns of objects": np.column_stack([CODES.astype(object), NAMES]),
    "columns of a frame": pd.DataFrame({"number": CODES, "text": NAMES}),
    "one class": np.full(40, 7),
}
CLASS_WEIGHTS = {
    "balanced": (CODES, "balanced"),
    "NumPy's text": (CODES, np.str_("balanced")),
    "int": (CODES, {0: 1.0, 1: 2, 2: np.float32(0.1)}),
    "negative": (CODES - 1, {-1: 1.0, 0: 2.0, 1: 3.0}),
    "NumPy's int": (CODES, {np.int64(0): 1.0, np.int8(1): 2.0, np.uint16(2): 3.0}),
    "large": (LABELS["uint64"], {2**63: 1.0, 2**63 + 1: 2.0, 2**63 + 2: 3.0}),
    "bool": (IS_LARGE, {True: 2.0, False: 1.0}),
    "NumPy's bool": (IS_LARGE, {np.True_: 2.0, np.False_: 1.0}),
    "float": (LABELS["float"], {0.0: 1.0, 1.0: 2.0, 2.0: 3.0}),
    "int for float": (LABELS["float"], {0: 1.0, 1: 2.0, 2: 3.0}),
    "text": (NAMES, {"low": 1e-310, "middle": 1 / 3, "high": 2}),
    "NumPy's text as keys": (NAMES, {np.str_(name): 1.5 for name in ("low", "middle", "high")}),
    "unlike types": (CODES, {0: 1, 1.0: 2.0, np.int64(2): 4.0}),
    "dates": (DATES[CODES], dict.fromkeys(DATES, 1.5)),
    "Python's dates": (DATES[CODES], {date(2001 + i, 1, 1): 1.0 + i for i in range(3)}),
    "Python's times": (
        LABELS["dates in nanoseconds"],
        {datetime(2001 + i, 1, 1): 1.0 + i for i in range(3)},
    ),
    "Python's durations": (
        LABELS["durations"],
        {timedelta(seconds=1 + i): 1.0 + i for i in range(3)},
    ),
    "fractions": (CODES, {0: Fraction(1, 3), 1: Decimal("0.10"), 2: 1}),
    "OrderedDict": (IS_LARGE, OrderedDict([(True, 1.0), (False, 2.0)])),
    "Counter": (CODES, Counter(CODES.tolist())),
    "defaultdict": (CODES, defaultdict(float, {0: 1.0, 1: 2.0, 2: 3.0})),
}
RANDOM_STATES = {
    "RandomState": np.random.RandomState(3),
    "RandomState with a number left": np.random.RandomState(4),
    **{
        f"RandomState({kind.__name__})": np.random.RandomState(kind(3))
        for kind in (np.random.PCG64, np.random.Philox, np.random.SFC64, np.random.PCG64DXSM)
    },
    "int32": np.int32(4),
    "None": None,
}
RANDOM_STATES["RandomState with a number left"].standard_normal()
LAYER_SIZES = [
    4,
    np.int64(3),
    (),
    [],
    (4, 3),
    [4, 3],
    (np.int64(4), np.int8(3)),
    np.array([4, 3]),
    np.array([4, 3], dtype=">i2"),
    np.array([4, 9, 3, 9])[::2],
    np.array([], dtype=int),
    range(3, 5),
    deque([4, 3]),
    pd.Index([4, 3]),
    pd.RangeIndex(3, 5),
    pd.Series([4, 3]),
]
DROPOUTS = [
    0.1,
    np.float32(0.1),
    (0.1, 0),
    [np.float64(0.1), Fraction(1, 2)],
    np.array([0.1, 0.2], dtype=np.float32),
    np.array([0.1, 0.2], dtype=">f8"),
    np.array([[0.1, 0.2], [0.3, 0.4]])[:, 0],
]
#: Other parameters of the networks.
PARAMETERS = [
    {"n_iter_no_change": inf},
    {"tol": -0.0},
    {"tol": np.float32(1e-3), "max_iter": np.int16(4), "batch_size": np.int64(7)},
    {"learning_rate_init": np.float16(0.1), "alpha": 5e-324},
    {"max_time": inf},
    {"max_time": 1e9, "verbose": np.False_, "early_stopping": np.True_},
    {"validation_fraction": 0.25, "early_stopping": True, "restore_best_weights": False},
    {"restore_best_weights": True, "shuffle": False, "l1_ratio": 1, "dtype": "float32"},
    *({"early_stopping": True, "early_stopping_metric": name} for name in ("loss", "roc_auc")),
    *({"initialization": name} for name in INITIALIZATIONS),
    *({"initialization": function} for function in INITIALIZATIONS.values()),
    *({"activation": name} for name in ACTIVATIONS),
    *({"activation": [name, each]} for name, each in ACTIVATIONS.items()),
    {"activation": ("relu", ACTIVATIONS["gelu"])},
    *({"solver": name, "learning_rate": rate} for name in OPTIMIZERS for rate in SCHEDULES),
    {"solver": "lbfgs"},
]


def changed(activation, **settings):
    """A copy of a built-in activation function with other settings."""
    return Activation(**{**activation.get_params(), **settings})


OWN_ACTIVATIONS = {
    f"{name}, {setting}": changed(activation, **{setting: value})
    for name, activation in ACTIVATIONS.items()
    for setting, value in {
        "glorot_factor": np.float32(3),
        "name": "another",
        "remainder": None,
    }.items()
}
SETTINGS_OBJECTS = {
    "solver": [
        SGD(momentum=0.5, nesterovs_momentum=np.False_),
        SGD(averaging=1.0),
        Adam(beta_1=np.float32(0.5), epsilon=np.float64(1e-5)),
        Adam(weight_decay=Fraction(1, 3)),
        AdamW(weight_decay=0.1, max_grad_norm=1, averaging=0.9),
        NAdam(momentum_decay=0.1),
        RMSprop(momentum=0.3),
        AdaGrad(epsilon=1e-3),
    ],
    "learning_rate": [
        *(kind() for kind in (schedules.Constant, schedules.CosLog, schedules.FlatCos)),
        schedules.Schedule(),
        schedules.Adaptive(divisor=3),
        schedules.Cosine(5, lowest=0.1),
        schedules.CosineWarmRestarts(np.int64(3), growth=2.0),
        schedules.Exponential(0.5),
        schedules.InverseScaling(0.3),
        schedules.LinearWarmUp(1, then=schedules.LinearWarmUp(1, then=schedules.OneCycle())),
        schedules.ReduceOnPlateau(patience=1),
        schedules.StepDecay(2),
    ],
    "loss": [
        losses.LogLoss(label_smoothing=0.1),
        losses.Focal(gamma=1),
        losses.SquaredError(),
        losses.BinaryLogLoss(),
        losses.BinaryFocal(),
        losses.BinarySquaredError(),
        losses.SumOverTargets(losses.BinaryLogLoss(), (1,)),
    ],
}
REGRESSION_LOSSES = [
    losses.SquaredError(),
    losses.AbsoluteError(),
    losses.Huber(delta=2),
    losses.Quantile(np.float64(0.3)),
    losses.Quantile([0.1, 0.9]),
    losses.Quantile((0.1, np.float32(0.5), Fraction(9, 10))),
    losses.Quantile(np.array([0.1, 0.9])),
    losses.Poisson(),
    losses.Gamma(),
    *losses.REGRESSION_LOSSES,
]
CATEGORICAL_FEATURES = {
    "from_dtype": "from_dtype",
    "names": CATEGORIES,
    "tuple": tuple(CATEGORIES),
    "array of text": np.array(CATEGORIES),
    "array of objects": np.array(CATEGORIES, dtype=object),
    "index": pd.Index(CATEGORIES),
    "index of the frame": TABLE.columns[2:],
    "numbers": [2, 3, 4, 5, 6, 8, 11],
    "array of numbers": np.array([2, 3, 4, 5, 6, 8, 11]),
    "range": range(2, 12),
    "mask": [name in CATEGORIES for name in TABLE],
    "array of a mask": TABLE.columns.isin(CATEGORIES),
    "series of a mask": pd.Series(TABLE.columns.isin(CATEGORIES), name="mask"),
}
HALVES = [(np.arange(20), np.arange(20, 40)), (np.arange(20, 40), np.arange(20))]
SPLITTERS = [
    3,
    np.int64(2),
    HALVES,
    model_selection.KFold(3, shuffle=True, random_state=np.random.RandomState(1)),
    model_selection.KFold(2, shuffle=True, random_state=np.random.RandomState(np.random.PCG64(1))),
    model_selection.StratifiedKFold(2),
    model_selection.RepeatedKFold(n_splits=2, n_repeats=2, random_state=3),
    model_selection.RepeatedStratifiedKFold(n_splits=2, n_repeats=1, random_state=np.int64(3)),
    model_selection.PredefinedSplit(np.arange(40) % 2),
    model_selection.GroupKFold(2),
    model_selection.StratifiedGroupKFold(2),
    model_selection.LeavePGroupsOut(1),
    model_selection.LeaveOneGroupOut(),
    model_selection.TimeSeriesSplit(3),
    model_selection.ShuffleSplit(2, test_size=np.float32(0.5), random_state=0),
]


def mapped(model):
    """A model whose arrays are maps of a file."""
    file = BytesIO()
    joblib.dump(model, file)

    def load(folder):
        path = folder / "model.joblib"
        path.write_bytes(file.getvalue())
        return joblib.load(path, mmap_mode="r")

    return load


def assigned(model):
    model.coefs_ = [np.asfortranarray(array + 1) for array in model.coefs_]
    return model


def named(model, y=CODES):
    return model.fit(pd.DataFrame(X, columns=["a", "b", "c"]), y)


def fitted_to_groups(cv):
    groups = np.arange(40) // 4 if "Group" in type(cv).__name__ else None
    return tabular(cv=cv).fit(X, CODES, groups=groups)


def raw(estimator, y):
    return estimator.fit(TABLE, y)


SOLVERS = [
    "lbfgs",
    "newton-cholesky",
    "newton-cg",
    "sag",
    "saga",
    "fista",
    "sgd",
    "adam",
    "liblinear",
]

#: How each model of the tables is made.
MODELS = {
    **{f"of pickles, {name}": make for name, make in MODELS_OF_PICKLES.items()},
    **{
        f"labels, {name}, {kind}": lambda make=make, y=y: make().fit(X, y)
        for name, y in LABELS.items()
        for kind, make in CLASSIFIERS.items()
    },
    **{f"labels, {name}": lambda y=y: classifier().fit(X, y) for name, y in SEVERAL_LABELS.items()},
    **{
        f"class_weight, {name}, {kind}": lambda make=make, y=y, weight=weight: make(
            class_weight=weight
        ).fit(X, y)
        for name, (y, weight) in CLASS_WEIGHTS.items()
        for kind, make in CLASSIFIERS.items()
    },
    "class_weight of columns": lambda: classifier(
        class_weight=[{True: 1.0, False: 2.0}, "balanced"]
    ).fit(X, np.column_stack([IS_LARGE.astype(object), NAMES])),
    **{
        f"random_state, {name}, {kind}": lambda make=make, state=state: make(
            random_state=copy.deepcopy(state)
        ).fit(X, CODES)
        for name, state in RANDOM_STATES.items()
        for kind, make in {
            **CLASSIFIERS,
            "early stopping": lambda **given: classifier(early_stopping=True, dropout=0.1, **given),
            "sag": lambda **given: logistic(solver="sag", **given),
        }.items()
    },
    **{
        f"hidden_layer_sizes {i}, {kind}": lambda make=make, sizes=sizes: make(
            hidden_layer_sizes=sizes
        ).fit(X, CODES)
        for i, sizes in enumerate(LAYER_SIZES)
        for kind, make in {"network": classifier, "tabular": tabular}.items()
    },
    **{
        f"dropout {i}": lambda rates=rates: classifier(dropout=rates).fit(X, CODES)
        for i, rates in enumerate(DROPOUTS)
    },
    **{
        f"parameters {i}": lambda given=given: classifier(**given).fit(X, IS_LARGE)
        for i, given in enumerate(PARAMETERS)
    },
    **{
        f"activation, {name}": lambda each=each: classifier(activation=each).fit(X, CODES)
        for name, each in OWN_ACTIVATIONS.items()
    },
    "activation, tabular": lambda: tabular(activation=OWN_ACTIVATIONS["mish, name"]).fit(X, CODES),
    **{
        f"{name} {i}, {dtype}": lambda name=name, each=each, dtype=dtype: classifier(
            **{name: each}
        ).fit(X.astype(dtype), IS_LARGE)
        for name, objects in SETTINGS_OBJECTS.items()
        for i, each in enumerate(objects)
        for dtype in ("float32", "float64")
    },
    **{
        f"regression loss {i}": lambda loss=loss: regressor(loss=loss).fit(X, POSITIVE)
        for i, loss in enumerate(REGRESSION_LOSSES)
    },
    **{
        f"partial_fit, {name}": lambda name=name: classifier(solver=name).partial_fit(
            X, CODES, classes=[0, 1, 2, 9]
        )
        for name in OPTIMIZERS
    },
    **{
        f"logistic, {solver}, {kind}": lambda solver=solver, change=change, rows=rows: change(
            logistic(solver=solver).fit(rows, IS_LARGE)
        )
        for solver in SOLVERS
        for kind, (change, rows) in {
            "dense, float32": (lambda model: model, X.astype(np.float32)),
            "sparse, float32": (lambda model: model.sparsify(), X.astype(np.float32)),
            "sparse": (lambda model: model.sparsify(), X),
            "sparse, for prediction": (lambda model: model.sparsify().for_prediction(), X),
        }.items()
    },
    **{
        f"logistic, C={C!r}": lambda C=C: logistic(C=C).fit(X, CODES)
        for C in (inf, 10**400, 5e-324, np.float32(2))
    },
    **{
        f"perceptron, {penalty}": lambda penalty=penalty: (
            perceptron(penalty=penalty, early_stopping=True, tol=None).fit(X, CODES).sparsify()
        )
        for penalty in ("l1", "l2", "elasticnet", None)
    },
    **{
        f"categorical_features, {name}, {kind}": lambda make=make, y=y, given=given: raw(
            make(categorical_features=given), y
        )
        for name, given in CATEGORICAL_FEATURES.items()
        for kind, (make, y) in {
            "encoder": (encoder, CODES),
            "encoder of numbers": (encoder, POSITIVE),
            "tabular": (lambda **given: tabular(max_one_hot=3, **given), NAMES),
            "tabular numbers": (lambda **given: tabular_numbers(max_one_hot=3, **given), POSITIVE),
        }.items()
    },
    **{f"cv {i}": lambda cv=cv: fitted_to_groups(cv) for i, cv in enumerate(SPLITTERS)},
    "encoder without y": lambda: encoder().fit(TABLE),
    "encoder of an array": lambda: encoder().fit(TABLE.to_numpy(), CODES),
    "encoder for frames": lambda: raw(encoder().set_output(transform="pandas"), CODES),
    "tabular, own rows": lambda: tabular().fit(TABLE, NAMES, X_val=TABLE, y_val=NAMES),
    "tabular, for prediction": lambda: raw(tabular(), NAMES).for_prediction(),
    "tabular, float32": lambda: tabular_numbers().fit(X.astype(np.float32), POSITIVE),
    **{f"unfitted {name}": make for name, make in CLASSIFIERS.items()},
    "unfitted": lambda: ScratchMLPRegressor(loss=losses.Huber(), random_state=RANDOM),
    **{f"names, {name}": lambda make=make: named(make()) for name, make in CLASSIFIERS.items()},
    **{
        f"warm start, {name}": lambda make=make: make(warm_start=True).fit(X, CODES).fit(X, CODES)
        for name, make in CLASSIFIERS.items()
        if name != "tabular"
    },
    "weights": lambda: ScratchMLPRegressor.from_weights([np.eye(3, dtype="f4")], [[0.0] * 3]),
    "assigned weights": lambda: assigned(classifier().fit(X, CODES)),
    "mapped network": lambda: mapped(classifier().fit(X, CODES)),
    "mapped sparse weights": lambda: mapped(logistic().fit(X, CODES).sparsify()),
    "mapped tabular": lambda: mapped(raw(tabular(), CODES)),
    "mapped encoder": lambda: mapped(raw(encoder(), CODES)),
    "an attribute of the user's": lambda: with_note(classifier().fit(X, CODES)),
    "hidden layer": lambda: HiddenLayerTransformer(classifier()).fit(X, CODES),
    "hidden layer for frames": lambda: (
        HiddenLayerTransformer(classifier()).set_output(transform="pandas").fit(X, CODES)
    ),
    "hidden layer, unfitted": lambda: HiddenLayerTransformer(
        classifier(class_weight={True: 1.0, False: 2.0}), np.int64(0)
    ),
    "hidden layer, prefit": lambda: HiddenLayerTransformer(
        classifier().fit(X, CODES), prefit=True
    ).fit(X),
    "hidden layer, frozen": lambda: HiddenLayerTransformer(
        FrozenEstimator(classifier().fit(X, CODES))
    ),
}


def with_note(model):
    model.note = {True: "mine", None: Fraction(1, 3)}
    return model


def round_trip(model, trusted=TRUSTED_TYPES, **how):
    """A model by way of a file, without a warning."""
    content = skops.io.dumps(model, **how)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return skops.io.loads(content, trusted=trusted)


METHODS = ("predict", "predict_proba", "decision_function", "raw_outputs", "transform")


def answers(model):
    """All that a model predicts; nothing for one that is not fitted."""
    if not model.__sklearn_is_fitted__():
        return {}
    rows = ROWS
    if model.n_features_in_ == TABLE.shape[1]:
        rows = TABLE if hasattr(model, "feature_names_in_") else TABLE.to_numpy()
    elif model.n_features_in_ != 3:
        rows = np.random.RandomState(0).standard_normal((7, model.n_features_in_))
    if list(getattr(model, "feature_names_in_", [])) == ["a", "b", "c"]:
        rows = pd.DataFrame(ROWS, columns=["a", "b", "c"])
    if list(getattr(model, "feature_names_in_", [])) == ["number", "many", "few", "types"]:
        rows = TABLE[["number", "many", "few", "types"]]
    return {
        name: exact_or_frame(getattr(model, name)(rows)) for name in METHODS if hasattr(model, name)
    }


def exact_or_frame(value):
    if isinstance(value, pd.DataFrame):
        return list(value), exact(value.to_numpy())
    return exact(value)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_loaded_as_it_was(name, request):
    model = MODELS[name]()
    if name.startswith("mapped"):
        model = model(request.getfixturevalue("tmp_path"))
    loaded = round_trip(model)
    assert exact(loaded) == exact(model)
    assert exact(loaded.get_params(deep=False)) == exact(model.get_params(deep=False))
    assert answers(loaded) == answers(model)


# ------------------------------------------------------------------------------ going on


def resumed(model, X, y, others):
    model.set_params(max_iter=model.max_iter + 3)
    return model.resume(X, y, **{name: rows for name, rows in others.items() if "init" not in name})


def warmly_started(model, X, y, others):
    others = {name: rows for name, rows in others.items() if "init" not in name}
    return model.set_params(warm_start=True, max_iter=2).fit(X, y, **others)


def partly_fitted(model, X, y, others):
    return model.partial_fit(X, y, others.get("sample_weight"))


def can_go_on(way, name):
    """Whether a fit of this name can go on in this way; partial_fit is not for every solver."""
    estimator = FITS[name].estimator
    if way is resumed:  # longer than planned
        return not any(part in name for part in ("cosine", "one cycle"))
    if way is warmly_started:
        return True
    takes_part = not getattr(estimator, "early_stopping", False)
    takes_part &= "balanced" not in repr(getattr(estimator, "class_weight", None))
    return takes_part and hasattr(estimator, "partial_fit")


@pytest.mark.parametrize(
    ("way", "name"),
    [
        pytest.param(way, name, id=f"{way.__name__}, {name}")
        for way in (resumed, warmly_started, partly_fitted)
        for name in FITS
        if can_go_on(way, name)
    ],
)
@pytest.mark.filterwarnings("ignore:There is nothing to resume")
def test_a_loaded_model_goes_on_as_the_original(way, name):
    fit = FITS[name]
    model = fit.fit()
    loaded = round_trip(model)
    for each in (model, loaded):
        way(each, fit.X, fit.y, fit.others)
    assert exact(loaded) == exact(model)


# ------------------------------------------------------------------------------ around us

#: Models around an estimator of a kind: what skops does not trust of scikit-learn is not up to us.
AROUND = {
    "pipeline": lambda kind: make_pipeline(StandardScaler(), kind()),
    "union": lambda kind: make_pipeline(make_union(StandardScaler(), StandardScaler()), kind()),
    "grid search": lambda kind: GridSearchCV(kind(), {"class_weight": [None, {0: 2}]}, cv=2),
    "grid search of a pipeline": lambda kind: GridSearchCV(
        make_pipeline(StandardScaler(), kind()), {"standardscaler__with_mean": [True, False]}, cv=2
    ),
    "votes": lambda kind: VotingClassifier([("one", kind()), ("other", LogisticRegression())]),
    "stack": lambda kind: StackingClassifier([("one", kind())], kind(), cv=2),
    "bag": lambda kind: BaggingClassifier(kind(), n_estimators=2, random_state=0),
    "calibrated": lambda kind: CalibratedClassifierCV(kind(), cv=2),
    "one against the rest": lambda kind: OneVsRestClassifier(kind()),
    "frozen": lambda kind: FrozenEstimator(kind().fit(X, CODES)),
}


def untrusted_of_others(model):
    found = skops.io.get_untrusted_types(data=skops.io.dumps(model))
    return [name for name in found if not name.startswith("skneural.")]


@pytest.mark.parametrize("kind", [classifier, logistic, perceptron, tabular])
@pytest.mark.parametrize("name", AROUND)
def test_models_around_ours_need_no_more_trust_than_around_scikit_learn_s(name, kind):
    model = AROUND[name](kind).fit(X, CODES)
    needed = untrusted_of_others(AROUND[name](LogisticRegression).fit(X, CODES))
    assert untrusted_of_others(model) == needed
    loaded = round_trip(model, [*TRUSTED_TYPES, *needed])
    np.testing.assert_array_equal(loaded.predict(ROWS), model.predict(ROWS))


#: Whole models with parts of ours, for the table: nothing else is trusted.
WITH_OURS = {
    "columns": lambda: make_pipeline(
        ColumnTransformer(
            [("numbers", StandardScaler(), ["number"]), ("text", OneHotEncoder(), ["few", "many"])]
        ),
        classifier(solver=Adam(weight_decay=0.1), class_weight={"low": 1, "middle": 2, "high": 3}),
    ),
    "encoder": lambda: make_pipeline(
        ColumnTransformer([("ours", encoder(), ["few", "many", "number"])]), logistic()
    ),
    "hidden layer": lambda: make_pipeline(
        ColumnTransformer([("numbers", StandardScaler(), ["number"])]),
        make_union(HiddenLayerTransformer(classifier()), StandardScaler()),
        logistic(),
    ),
    "frames": lambda: make_pipeline(
        ColumnTransformer([("ours", encoder(), ["few", "number"])]), classifier()
    ).set_output(transform="pandas"),
}


@pytest.mark.parametrize("name", WITH_OURS)
def test_pipelines_with_ours(name):
    model = WITH_OURS[name]().fit(TABLE, NAMES)
    loaded = round_trip(model)
    assert exact(loaded.predict_proba(TABLE)) == exact(model.predict_proba(TABLE))
    again = loaded.fit(TABLE, NAMES)
    assert exact(again.predict_proba(TABLE)) == exact(model.predict_proba(TABLE))


def test_a_transformed_target():
    model = TransformedTargetRegressor(regressor(), transformer=StandardScaler()).fit(X, POSITIVE)
    assert exact(round_trip(model).predict(ROWS)) == exact(model.predict(ROWS))
    assert not untrusted_of_others(TransformedTargetRegressor(LinearRegression()).fit(X, POSITIVE))


def test_a_search_over_settings_objects():
    grid = {"solver": [Adam(), SGD(averaging=0.9)], "activation": [ACTIVATIONS["mish"], "relu"]}
    model = GridSearchCV(classifier(), grid, cv=2).fit(X, CODES)
    loaded = round_trip(model, [*TRUSTED_TYPES, *untrusted_of_others(model)])
    assert loaded.best_params_ == model.best_params_
    assert exact(loaded.best_estimator_) == exact(model.best_estimator_)
    # That alone needs nothing else.
    assert exact(round_trip(model.best_estimator_)) == exact(model.best_estimator_)


# ------------------------------------------------------------------------------ what is trusted

#: What the constructors of public types need.
ARGUMENTS = {
    Activation: ["own", None, None],
    HiddenLayerTransformer: [ScratchMLPClassifier()],
    losses.SumOverTargets: [losses.SquaredError(), (1, 1)],
}


def public_types():
    """The estimators and settings objects that users import, if there can be objects of them."""
    found = [Activation]
    for module in (skneural, optimizers, schedules, losses, activations):
        names = getattr(module, "__all__", [])
        types = [each for name in names if isinstance(each := getattr(module, name), type)]
        found += [each for each in types if issubclass(each, BaseEstimator | Settings)]
    return [each for each in found if not getattr(each, "__abstractmethods__", None)]


def test_the_trusted_types_are_what_skops_reports_of_the_public_types():
    reported = set()
    for kind in public_types():
        model = kind(*ARGUMENTS.get(kind, []))
        reported |= set(skops.io.get_untrusted_types(data=skops.io.dumps(model)))
    assert list(TRUSTED_TYPES) == sorted(reported)


def test_the_trusted_types_are_public_and_ours():
    public = {(each.__module__, each.__name__): each for each in public_types()}
    assert isinstance(TRUSTED_TYPES, tuple)
    for name in TRUSTED_TYPES:
        module, _, last = name.rpartition(".")
        kind = getattr(sys.modules[module], last)
        assert public[module, last] is kind
        assert module.startswith("skneural.")
        assert not last.startswith("_")
        assert issubclass(kind, BaseEstimator | Settings)


class Doubled(losses.SquaredError):
    """A loss of the user's."""


def halved(fan_in, fan_out, random_state):
    return np.full((fan_in, fan_out), 0.5)


def scored(estimator, X, y):
    return estimator.score(X, y)


#: What users write themselves, and what they then have to trust.
OF_USERS = {
    "loss": (lambda: regressor(loss=Doubled()), {f"{__name__}.Doubled"}),
    "initialization": (lambda: regressor(initialization=halved), {f"{__name__}.halved"}),
    "metric": (lambda: regressor(early_stopping_metric=scored), {f"{__name__}.scored"}),
    "activation": (
        lambda: regressor(activation=Activation("own", np.negative, halved)),
        {f"{__name__}.halved"},
    ),
}


@pytest.mark.parametrize("name", OF_USERS)
def test_what_users_write_is_theirs_to_trust(name):
    make, expected = OF_USERS[name]
    content = skops.io.dumps(make())
    assert set(skops.io.get_untrusted_types(data=content)) - set(TRUSTED_TYPES) == expected
    with pytest.raises(skops.io.exceptions.UntrustedTypesFoundException, match=__name__):
        skops.io.loads(content, trusted=TRUSTED_TYPES)
    loaded = skops.io.loads(content, trusted=[*TRUSTED_TYPES, *expected])
    assert exact(loaded.get_params()) == exact(make().get_params())


@pytest.mark.skipif(
    not hasattr(ScratchMLPClassifier(), "set_callbacks"),
    reason="scikit-learn: callbacks came with 1.9",
)
@pytest.mark.parametrize("callback", [Checkpoint, HistoryLogger])
def test_callbacks_are_not_trusted(callback, tmp_path):
    """They write to the path that a file names."""
    path = tmp_path / "history.csv"
    model = classifier().set_callbacks(callback(path)).fit(X, CODES)
    content = skops.io.dumps(model)
    with pytest.raises(skops.io.exceptions.UntrustedTypesFoundException, match=callback.__name__):
        skops.io.loads(content, trusted=TRUSTED_TYPES)
    for without in (model.for_prediction(), model.set_callbacks()):
        assert answers(round_trip(without)) == answers(model)


# ------------------------------------------------------------------------------ changed files


def with_schema(content, change):
    """A file whose JSON has been changed in place by a function."""
    changed = BytesIO()
    with ZipFile(BytesIO(content)) as file, ZipFile(changed, "w") as written:
        for name in file.namelist():
            data = file.read(name)
            if name == "schema.json":
                schema = json.loads(data)
                change(schema)
                data = json.dumps(schema)
            written.writestr(name, data)
    return changed.getvalue()


def nodes(node):
    """All dicts of a schema."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from nodes(part)


def with_text(old, new):
    """A change of one text into another value, wherever it is."""

    def change(schema):
        found = [each for each in nodes(schema) if each.get("content") == json.dumps(old)]
        assert found
        for each in found:
            each["content"] = json.dumps(new)

    return change


WRONG_NAMES = ["os.system", "__class__", "__init__", "system", "", "Relu", 3, None, ["relu"]]
#: Files that name something, and the name that is changed.
NAMING = {
    "activation": (lambda: classifier(activation="gelu").fit(X, CODES), "gelu"),
    "activation of a list": (lambda: classifier(activation=["gelu", "relu"]).fit(X, CODES), "gelu"),
    "activation object": (lambda: classifier(activation=ACTIVATIONS["mish"]), "mish"),
    "changed activation": (lambda: classifier(activation=OWN_ACTIVATIONS["mish, name"]), "mish"),
    "activation of a table": (lambda: raw(tabular(activation="gelu"), CODES), "gelu"),
    "loss": (lambda: regressor(loss="poisson").fit(X, POSITIVE), "poisson"),
    "generator": (lambda: classifier().fit(X, CODES), "MT19937"),
    "generator of the user's": (
        lambda: classifier(random_state=np.random.RandomState(np.random.PCG64(1))),
        "PCG64",
    ),
    "kind of a value": (lambda: classifier(class_weight={True: 1.0}), "dict"),
    "splitter": (lambda: tabular(cv=model_selection.KFold(2)), "KFold"),
    "initialization": (
        lambda: classifier(initialization=INITIALIZATIONS["orthogonal"]),
        "orthogonal",
    ),
}


@pytest.mark.parametrize("wrong", WRONG_NAMES, ids=repr)
@pytest.mark.parametrize("name", NAMING)
def test_a_name_in_a_file_is_looked_up_in_a_table(name, wrong):
    make, old = NAMING[name]
    content = with_schema(skops.io.dumps(make()), with_text(old, wrong))
    with pytest.raises((ValueError, TypeError)) as caught:  # noqa: PT012
        model = skops.io.loads(content, trusted=TRUSTED_TYPES)
        model.predict(TABLE if name == "activation of a table" else X)
    assert "none of" in str(caught.value) or "There is no" in str(caught.value)


#: Types and functions that a changed file names in the place of ours.
FOREIGN = [("os", "system"), ("builtins", "eval"), ("subprocess", "Popen"), ("numpy", "load")]


@pytest.mark.parametrize("loader", ["ObjectNode", "FunctionNode", "TypeNode", "JsonNode"])
@pytest.mark.parametrize("foreign", FOREIGN, ids=".".join)
def test_foreign_types_are_refused_or_not_made(foreign, loader):
    """Wherever skops takes a type from a file it asks whether that is trusted."""

    def change(schema):
        for each in nodes(schema):
            if each.get("__class__") == "Adam":
                each["__module__"], each["__class__"] = foreign
                each["__loader__"] = loader
                if loader == "JsonNode":  # JSON is JSON, whatever it says that it is
                    each["content"] = json.dumps("adam")

    content = with_schema(skops.io.dumps(classifier(solver=Adam())), change)
    if loader == "JsonNode":
        assert skops.io.loads(content, trusted=TRUSTED_TYPES).solver == "adam"
        return
    with pytest.raises(skops.io.exceptions.UntrustedTypesFoundException, match=".".join(foreign)):
        skops.io.loads(content, trusted=TRUSTED_TYPES)


@pytest.mark.parametrize("name", TRUSTED_TYPES)
def test_making_a_trusted_type_does_nothing(name, tmp_path, monkeypatch):
    """A file may have any of them made of any text: no constructor opens, writes or runs anything."""
    target = tmp_path / "written.csv"
    module, _, kind = name.rpartition(".")

    def change(schema):
        schema.update(__module__=module, __class__=kind, __loader__="ConstructorFromReduceNode")

    for arguments in [(), (str(target),), (str(target), "w"), ("os.system", "touch", str(target))]:
        content = skops.io.dumps(arguments)
        with ZipFile(BytesIO(content)) as file:
            of_arguments = json.loads(file.read("schema.json"))

        def wrapped(schema, of_arguments=of_arguments):
            change(schema)
            schema["content"] = of_arguments
            del schema["__id__"]

        content = with_schema(content, wrapped)
        try:
            made = skops.io.loads(content, trusted=TRUSTED_TYPES)
        except (TypeError, ValueError):
            continue  # so many arguments it does not have
        assert f"{type(made).__module__}.{type(made).__name__}" == name
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("indices", [[10**6], [-1]], ids=repr)
def test_sparse_weights_that_lead_out_of_memory(indices):
    """SciPy would read and write wherever they point to."""
    model = logistic(l1_ratio=1.0, solver="saga", C=1.0).fit(X, IS_LARGE).sparsify()
    state = model.__getstate__()
    wrong = state["_fitted"]["model"]["sparse_coef"]["indices"].copy()
    wrong[: len(indices)] = indices
    state["_fitted"]["model"]["sparse_coef"]["indices"] = wrong
    with pytest.raises(ValueError, match="indices"):
        ScratchLogisticRegression.__new__(ScratchLogisticRegression).__setstate__(state)


@pytest.mark.parametrize(
    "make",
    [
        lambda: classifier().fit(X, CODES),
        lambda: logistic().fit(X, CODES),
        lambda: perceptron().fit(X, CODES),
        lambda: raw(encoder(), CODES),
        lambda: raw(tabular(), CODES),
        lambda: HiddenLayerTransformer(classifier()).fit(X, CODES),
    ],
)
def test_a_file_of_a_later_format(make):
    def change(schema):
        for each in nodes(schema):
            content = each.get("content")
            if isinstance(content, dict) and "format" in content:
                content["format"].update(content="99", __id__=99)

    content = with_schema(skops.io.dumps(make()), change)
    with pytest.raises(ValueError, match=r"saved by a later version of skneural, in format 99"):
        skops.io.loads(content, trusted=TRUSTED_TYPES)


# ------------------------------------------------------------------------------ versions


def by_skops(model):
    content = skops.io.dumps(model)
    return content, lambda content: skops.io.loads(content, trusted=TRUSTED_TYPES)


@pytest.mark.parametrize("name", VERSIONED)
@pytest.mark.parametrize(
    "versions", [{"skneural": "0.2.0", "sklearn": "1.5.2"}, {"skneural": "9.8.7"}], ids=repr
)
def test_a_file_of_skops_is_read_in_silence(name, versions, monkeypatch):
    assert warnings_by(monkeypatch, by_skops, versions, VERSIONED[name]) == []


class OwnClassifier(ScratchMLPClassifier):
    """A subclass of the user's, which does something of its own with the state."""

    def __setstate__(self, state):
        super().__setstate__(state)


def test_a_file_with_a_class_of_the_user_s_is_read_in_silence(monkeypatch):
    def by_skops_with_it(model):
        trusted = [*TRUSTED_TYPES, f"{__name__}.OwnClassifier"]
        return skops.io.dumps(model), lambda content: skops.io.loads(content, trusted=trusted)

    versions = {"skneural": "9.8.7", "sklearn": "9.8.7"}
    make = lambda: OwnClassifier((3,), max_iter=2).fit(X, CODES)  # noqa: E731
    assert warnings_by(monkeypatch, by_skops_with_it, versions, make) == []


# ------------------------------------------------------------------------------ skops' tools


def test_a_deflated_file_is_small(tmp_path):
    model = ScratchMLPClassifier((10,), max_iter=3, random_state=0).fit(X, CODES).for_prediction()
    skops.io.dump(model, tmp_path / "stored")
    skops.io.dump(model, tmp_path / "deflated", compression=ZIP_DEFLATED)
    assert (tmp_path / "deflated").stat().st_size < 4000
    assert (tmp_path / "stored").stat().st_size > 8000
    assert answers(skops.io.load(tmp_path / "deflated", trusted=TRUSTED_TYPES)) == answers(model)


def run_skops(*arguments):
    code = "import sys; from skops.cli.entrypoint import main_cli; main_cli(sys.argv[1:])"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)


def test_what_skops_shows_converts_and_updates(tmp_path, capsys):
    model = classifier(solver=Adam(), class_weight={True: 1.0, False: 2.0}).fit(X, IS_LARGE)
    path = tmp_path / "model.skops"
    skops.io.dump(model, path)
    skops.io.visualize(path, trusted=TRUSTED_TYPES)
    assert "[UNSAFE]" not in capsys.readouterr().out
    skops.io.visualize(path)
    assert "Adam [UNSAFE]" in capsys.readouterr().out

    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    run_skops("convert", tmp_path / "model.pkl", "-o", tmp_path / "converted.skops")
    assert exact(skops.io.load(tmp_path / "converted.skops", trusted=TRUSTED_TYPES)) == exact(model)
