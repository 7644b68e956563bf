"""Models with every setting that there is, to be saved: estimators, labels, weights, tables."""

import copy
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from io import BytesIO
from math import inf, nan

import joblib
import numpy as np
import pandas as pd
from exact_values import exact
from scipy import sparse
from sklearn import model_selection
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import get_scorer
from test_pickled_classes import MODELS as MODELS_OF_PICKLES

from skneural import (
    HiddenLayerTransformer,
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
    TableEncoder,
    TabularMLPClassifier,
    TabularMLPRegressor,
    losses,
    schedules,
)
from skneural.activations import ACTIVATIONS, Activation
from skneural.initialization import INITIALIZATIONS
from skneural.optimizers import OPTIMIZERS, SGD, AdaGrad, Adam, AdamW, NAdam, RMSprop
from skneural.schedules import SCHEDULES

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
SCORERS = ("roc_auc", "neg_log_loss", "f1_macro")
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
    *({"early_stopping": True, "early_stopping_metric": get_scorer(name)} for name in SCORERS),
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
