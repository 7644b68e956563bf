"""Estimators inside those of scikit-learn as ONNX models, data frames, and skl2onnx's options."""

from extras import need

need("onnx", "onnx", "onnxruntime", "skl2onnx")

import warnings
from functools import cache, partial

import numpy as np
import pandas as pd
import polars as pl
import pytest
from onnx_runs import TOLERANCE, converted, largest_difference, logits_of, run, session_of
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skneural import (
    HiddenLayerTransformer,
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
)
from skneural.onnx import register_converters, to_onnx

RNG = np.random.RandomState(0)
ROWS = RNG.standard_normal((60, 4))
SCORES = ROWS @ RNG.standard_normal((4, 3))
CLASSES = SCORES.argmax(axis=1)
NAMES = np.array(["no", "perhaps", "yes"])[CLASSES]
BINARY = (SCORES[:, 0] > 0).astype(int)
COLUMNS = np.column_stack([CLASSES, 3 * BINARY])
NUMBERS = SCORES[:, 0]
FRAME = pd.DataFrame(ROWS, columns=["size", "weight", "age", "price"])

SMALL = {"hidden_layer_sizes": (5,), "max_iter": 5, "random_state": 0}
NETWORK = ScratchMLPClassifier(**SMALL)
REGRESSOR = ScratchMLPRegressor(**SMALL)
LOGISTIC = ScratchLogisticRegression()
HIDDEN = HiddenLayerTransformer(NETWORK)
HIDDEN_OF_NUMBERS = HiddenLayerTransformer(REGRESSOR)
TWO = [("network", NETWORK), ("logistic", LOGISTIC)]
MIXED = [("network", REGRESSOR), ("ridge", Ridge())]

MODELS = {
    "scaled": (make_pipeline(StandardScaler(), NETWORK), CLASSES),
    "scaled columns": (make_pipeline(StandardScaler(), NETWORK), COLUMNS),
    "hidden": (make_pipeline(StandardScaler(), HIDDEN, LogisticRegression()), CLASSES),
    "union": (
        make_pipeline(
            FeatureUnion([("scaled", StandardScaler()), ("hidden", HIDDEN)]), LogisticRegression()
        ),
        CLASSES,
    ),
    "search": (GridSearchCV(NETWORK, {"alpha": [0.1, 1]}, cv=2), CLASSES),
    "search of columns": (GridSearchCV(NETWORK, {"alpha": [0.1, 1]}, cv=2), COLUMNS),
    "search in pipelines": (
        GridSearchCV(make_pipeline(StandardScaler(), LOGISTIC), {}, cv=2),
        NAMES,
    ),
    "randomized search": (
        RandomizedSearchCV(NETWORK, {"alpha": [0.1, 1]}, n_iter=1, cv=2, random_state=0),
        CLASSES,
    ),
    "randomized search of columns": (
        RandomizedSearchCV(NETWORK, {"alpha": [0.1, 1]}, n_iter=1, cv=2, random_state=0),
        COLUMNS,
    ),
    "halving search in pipelines": (
        HalvingGridSearchCV(
            make_pipeline(StandardScaler(), REGRESSOR),
            {"scratchmlpregressor__alpha": [0.1, 1]},
            cv=2,
            random_state=0,
        ),
        NUMBERS,
    ),
    "search of numbers": (GridSearchCV(REGRESSOR, {"alpha": [0.1, 1]}, cv=2), NUMBERS),
    "calibrated": (CalibratedClassifierCV(LOGISTIC, cv=2), NAMES),
    "calibrated network": (CalibratedClassifierCV(NETWORK, cv=2), BINARY),
    "calibrated perceptron": (CalibratedClassifierCV(ScratchPerceptron(), cv=2), CLASSES),
    "soft vote": (VotingClassifier(TWO, voting="soft", flatten_transform=False), NAMES),
    "hard vote": (VotingClassifier(TWO, voting="hard", flatten_transform=False), CLASSES),
    "stacked": (StackingClassifier(TWO, final_estimator=LOGISTIC, cv=2), CLASSES),
    "stacked scores": (
        StackingClassifier(TWO, LOGISTIC, cv=2, stack_method="decision_function"),
        CLASSES,
    ),
    "one against the rest": (OneVsRestClassifier(LOGISTIC), CLASSES),
    "one against one": (OneVsOneClassifier(LOGISTIC), CLASSES),
    "bagged": (BaggingClassifier(LOGISTIC, n_estimators=2, random_state=0), NAMES),
    "several columns": (MultiOutputClassifier(NETWORK), COLUMNS),
    "several numbers": (MultiOutputRegressor(REGRESSOR), SCORES),
    "vote of numbers": (VotingRegressor(MIXED), NUMBERS),
    "stacked numbers": (StackingRegressor(MIXED, final_estimator=REGRESSOR, cv=2), NUMBERS),
    "bagged numbers": (BaggingRegressor(REGRESSOR, n_estimators=2, random_state=0), NUMBERS),
    "boosted numbers": (AdaBoostRegressor(REGRESSOR, n_estimators=2, random_state=0), NUMBERS),
}


def quietly_fitted(estimator, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(X, y)


@cache
def fitted(name, dtype):
    model, y = MODELS[name]
    return quietly_fitted(clone(model), ROWS.astype(dtype), y)


def assert_same(model, X, tolerance, **settings):
    found = converted(model, X, **settings)
    expected = model.predict(X)
    if not is_classifier(model):
        assert largest_difference(found[0].reshape(expected.shape), expected) < tolerance
        return
    assert np.array_equal(found[0].reshape(expected.shape), expected)
    if hasattr(model, "predict_proba"):
        own = model.predict_proba(X)
        pairs = zip(found[1], own, strict=True) if isinstance(own, list) else [(found[1], own)]
        for probabilities, expected_ones in pairs:
            assert largest_difference(probabilities, expected_ones) < tolerance


@pytest.mark.parametrize("of_sample", ["float32", "float64"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", MODELS)
def test_inside_estimators_of_scikit_learn(name, dtype, of_sample):
    model = fitted(name, dtype)
    tolerance = TOLERANCE["float64" if dtype == of_sample == "float64" else "float32"]
    assert_same(model, ROWS.astype(of_sample), tolerance)


def test_several_columns_of_labels_inside_another_estimator():
    model = quietly_fitted(NETWORK, ROWS, CLASSES)
    vote = VotingClassifier([("network", model)], voting="soft", flatten_transform=False)
    quietly_fitted(vote, ROWS, CLASSES)
    vote.estimators_ = [quietly_fitted(ScratchMLPClassifier(**SMALL), ROWS, COLUMNS)]
    with pytest.raises(ValueError, match="several columns of labels: it can be converted by its"):
        to_onnx(vote, ROWS)


@pytest.mark.parametrize(
    ("kind", "given"),
    [(TunedThresholdClassifierCV, {"thresholds": 3, "cv": 2}), (FixedThresholdClassifier, {})],
)
@pytest.mark.parametrize("outside", [None, make_pipeline])
def test_thresholds_that_skl2onnx_leaves_out(kind, given, outside):
    model = quietly_fitted(kind(LOGISTIC, **given), ROWS, BINARY)
    model = model if outside is None else outside(model)
    with pytest.raises(ValueError, match=f"the threshold of a {kind.__name__} out. Convert its"):
        to_onnx(model, ROWS)


@pytest.mark.parametrize("method", ["isotonic", "temperature"])
def test_calibration_that_skl2onnx_gets_wrong(method):
    if method == "temperature":
        model = quietly_fitted(CalibratedClassifierCV(LOGISTIC, cv=2), ROWS, CLASSES)
        model.method = method  # it begins with scikit-learn 1.8
    else:
        model = CalibratedClassifierCV(LOGISTIC, method=method, cv=2)
        quietly_fitted(model, ROWS, CLASSES)
    with pytest.raises(ValueError, match=f"cannot convert CalibratedClassifierCV.method='{method}"):
        to_onnx(model, ROWS)


TUNED = TunedThresholdClassifierCV(LOGISTIC, thresholds=3, cv=2)
ISOTONIC = CalibratedClassifierCV(LOGISTIC, method="isotonic", cv=2)
INSIDE = {
    "voting": VotingClassifier([("a", TUNED), ("b", LOGISTIC)], flatten_transform=False),
    "one-vs-rest": OneVsRestClassifier(ISOTONIC),
    "bagging": BaggingClassifier(ISOTONIC, n_estimators=2),
    "several outputs": MultiOutputClassifier(ISOTONIC),
    "in a pipeline": VotingClassifier([("a", make_pipeline(StandardScaler(), ISOTONIC))]),
    "in a search": make_pipeline(StandardScaler(), GridSearchCV(TUNED, {}, cv=2)),
    "in a calibration": CalibratedClassifierCV(make_pipeline(StandardScaler(), ISOTONIC), cv=2),
    "a threshold in a calibration": CalibratedClassifierCV(TUNED, cv=2),
}


@pytest.mark.parametrize("name", INSIDE)
def test_what_skl2onnx_gets_wrong_inside_of_others(name):
    y = np.column_stack([BINARY, BINARY]) if name == "several outputs" else BINARY
    with pytest.raises(ValueError, match=r"the threshold of a Tuned|cannot convert Calibrated"):
        to_onnx(quietly_fitted(clone(INSIDE[name]), ROWS, y), ROWS)


def is_bare(model, X, y):
    return float(isinstance(model[-1], ScratchLogisticRegression))


RIGHT = {
    "soft voting": VotingClassifier(
        [("a", TUNED), ("b", LOGISTIC)], voting="soft", flatten_transform=False
    ),
    "bagging": BaggingClassifier(TUNED, n_estimators=2, random_state=0),
    "stacking": StackingClassifier([("a", TUNED), ("b", LOGISTIC)], LOGISTIC, cv=2),
    "a candidate that was not taken": GridSearchCV(
        Pipeline([("last", LOGISTIC)]), {"last": [ISOTONIC, LOGISTIC]}, cv=2, scoring=is_bare
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_reads_probabilities_needs_no_threshold(name):
    model = quietly_fitted(clone(RIGHT[name]), ROWS, BINARY)
    assert_same(model, ROWS, TOLERANCE["float32"])


def test_columns_that_are_taken_by_name():
    chosen = ColumnTransformer([("chosen", StandardScaler(), ["size", "age"])])
    model = quietly_fitted(make_pipeline(chosen, NETWORK), FRAME, CLASSES)
    for frame in (FRAME, FRAME[FRAME.columns[::-1]]):
        assert_same(model, frame, TOLERANCE["float32"])


@pytest.mark.parametrize(
    "of_frame", [pl.from_pandas, lambda frame: frame], ids=["polars", "pandas"]
)
def test_columns_in_another_order(of_frame):
    model = quietly_fitted(make_pipeline(StandardScaler(), NETWORK), FRAME, CLASSES)
    assert_same(model, FRAME, TOLERANCE["float32"])  # the scaler of skl2onnx
    for names in (FRAME.columns[::-1], FRAME.columns[:3]):
        with pytest.raises(ValueError, match=r"must have the columns that the Pipeline was fitted"):
            to_onnx(model, of_frame(FRAME[names]))


def test_labels_that_skl2onnx_cuts_to_32_bits():
    y = np.array([-5, 7, 2**31])[CLASSES]
    bagged = BaggingClassifier(LOGISTIC, n_estimators=2, random_state=0)
    for model in (bagged, make_pipeline(StandardScaler(), VotingClassifier(TWO))):
        with pytest.raises(ValueError, match="32 bits, which 2147483648 does not fit"):
            to_onnx(quietly_fitted(model, ROWS, y), ROWS)
    # Not where our converter writes them.
    assert_same(quietly_fitted(GridSearchCV(LOGISTIC, {}, cv=2), ROWS, y), ROWS, 1e-12)


def test_not_fitted():
    for model in (NETWORK, make_pipeline(StandardScaler(), LOGISTIC), REGRESSOR, HIDDEN):
        with pytest.raises(NotFittedError):
            to_onnx(type(model)(**model.get_params(deep=False)), ROWS)
    with pytest.raises(TypeError, match="not an estimator"):
        to_onnx("network", ROWS)


# ---------------------------------------------------------------- data frames


def test_a_data_frame_has_an_input_for_each_column():
    assert_same(quietly_fitted(ScratchMLPClassifier(**SMALL), FRAME, NAMES), FRAME, 1e-12)
    assert_same(quietly_fitted(ScratchMLPRegressor(**SMALL), FRAME, SCORES), FRAME, 1e-12)
    # skl2onnx's scaler makes several inputs float32.
    pipeline = make_pipeline(StandardScaler(), ScratchLogisticRegression())
    assert_same(quietly_fitted(pipeline, FRAME, CLASSES), FRAME, 1e-5)
    model = quietly_fitted(ScratchMLPClassifier(**SMALL), FRAME, CLASSES)
    for sample in (FRAME, pl.from_pandas(FRAME)):
        inputs = session_of(to_onnx(model, sample)).get_inputs()
        assert [(each.name, each.shape) for each in inputs] == [(n, [None, 1]) for n in FRAME]
    # It may be converted for a matrix as well.
    assert largest_difference(converted(model, ROWS)[1], model.predict_proba(FRAME)) < 1e-12


def test_columns_of_all_types_of_numbers():
    frame = pd.DataFrame(
        {
            "flag": FRAME["size"] > 0,
            "count": (5 * FRAME["weight"]).astype("int16"),
            "large": (5e10 * FRAME["age"]).astype("int64"),
            "single": FRAME["price"].astype("float32"),
            "nullable": (5 * FRAME["price"]).round().astype("Int64"),
        }
    )
    scaled = frame.assign(large=frame["large"] // 10**10)
    model = quietly_fitted(ScratchMLPClassifier(**SMALL), scaled, CLASSES)
    rows = scaled.astype({"count": "int32", "nullable": "int64"})
    _, probabilities = run(to_onnx(model, scaled), rows)
    assert largest_difference(probabilities, model.predict_proba(scaled)) < 1e-12


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        (FRAME[["weight", "size", "age", "price"]], "must be in that order"),
        (FRAME[["size", "weight", "age"]], "X_sample has 3 columns"),
        (FRAME.assign(size="large"), "Input 'size' holds strings"),
        (FRAME[:0], "must have rows"),
    ],
    ids=["order", "missing", "strings", "empty"],
)
def test_a_wrong_data_frame(sample, words):
    model = quietly_fitted(ScratchMLPClassifier(**SMALL), FRAME, CLASSES)
    with pytest.raises(ValueError, match=words):
        to_onnx(model, sample)


@pytest.mark.parametrize(
    "network", [NETWORK, HIDDEN, REGRESSOR], ids=["classes", "hidden", "numbers"]
)
def test_a_column_transformer(network):
    frame = FRAME.assign(color=np.array(["red", "green", "blue"])[RNG.randint(3, size=60)])
    columns = ColumnTransformer(
        [
            ("numbers", StandardScaler(), ["size", "weight"]),
            ("colors", OneHotEncoder(sparse_output=False), ["color"]),
            ("hidden", HIDDEN if network is not REGRESSOR else HIDDEN_OF_NUMBERS, ["age", "price"]),
        ]
    )
    steps = [columns, network, LogisticRegression()] if network is HIDDEN else [columns, network]
    model = make_pipeline(*steps)
    quietly_fitted(model, frame, CLASSES if is_classifier(model) else NUMBERS)
    # skl2onnx's scaler reads float64, and its encoder puts out float32, which holds 0 and 1.
    assert_same(model, frame, 1e-12)


# ---------------------------------------------------------------- options


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("y", [BINARY, NAMES], ids=["two", "names"])
def test_zipmap(y, dtype):
    X = ROWS.astype(dtype)
    model = quietly_fitted(ScratchMLPClassifier(**SMALL), X, y)
    expected = model.predict_proba(X)

    label, dictionaries = converted(model, X, options={id(model): {"zipmap": True}})
    assert np.array_equal(label, model.predict(X))
    assert [list(each) for each in dictionaries] == [model.classes_.tolist()] * len(X)
    as_matrix = [list(each.values()) for each in dictionaries]
    assert largest_difference(as_matrix, expected) < 1e-5

    label, *columns = converted(model, X, options={ScratchMLPClassifier: {"zipmap": "columns"}})
    assert np.array_equal(label, model.predict(X))
    assert {each.dtype for each in columns} == {np.dtype(dtype)}
    assert largest_difference(np.column_stack(columns), expected) < TOLERANCE[dtype]


def test_zipmap_of_multilabel():
    model = quietly_fitted(ScratchMLPClassifier(**SMALL), ROWS, (SCORES > 0).astype(int))
    label, dictionaries = converted(model, ROWS, options={"zipmap": True})
    assert np.array_equal(label, model.predict(ROWS))
    assert list(dictionaries[0]) == [0, 1, 2]


def test_zipmap_is_ignored_for_several_columns():
    model = quietly_fitted(ScratchMLPClassifier(**SMALL), ROWS, COLUMNS)
    with pytest.warns(UserWarning, match="Option zipmap is ignored"):
        label, _ = converted(model, ROWS, options={"zipmap": True})
    assert np.array_equal(label, model.predict(ROWS))


@pytest.mark.parametrize("option", ["by id", "by class", "by name"])
def test_raw_scores(option):
    kinds = [BINARY, CLASSES, (SCORES > 0).astype(int), COLUMNS]
    # In skl2onnx, lists of classes make other names of the steps.
    for y in kinds[:3] if option == "by name" else kinds:
        network = ScratchMLPClassifier(**SMALL)
        model = quietly_fitted(make_pipeline(StandardScaler(), network), ROWS, y)
        options = {
            "by id": {id(network): {"raw_scores": True}},
            "by class": {ScratchMLPClassifier: {"raw_scores": True}},
            "by name": {"scratchmlpclassifier__raw_scores": True},
        }[option]
        label, scores = converted(model, ROWS, options=options)
        assert np.array_equal(label, model.predict(ROWS))
        if y is COLUMNS:
            for found, expected in zip(scores, model.decision_function(ROWS), strict=True):
                assert largest_difference(found, expected) < 1e-12
        else:
            assert largest_difference(scores, logits_of(model, ROWS)) < 1e-12


@pytest.mark.parametrize(
    "inner", [NETWORK, make_pipeline(StandardScaler(), NETWORK)], ids=["bare", "scaled"]
)
@pytest.mark.parametrize("kind", [GridSearchCV, partial(RandomizedSearchCV, n_iter=1)])
def test_options_of_a_search(inner, kind):
    search = quietly_fitted(kind(inner, {}, cv=2), ROWS, NAMES)
    _, scores = converted(search, ROWS, options={id(search): {"raw_scores": True}})
    assert largest_difference(scores, logits_of(search, ROWS)) < 1e-12
    _, *columns = converted(search, ROWS, options={id(search): {"zipmap": "columns"}})
    assert largest_difference(np.column_stack(columns), search.predict_proba(ROWS)) < 1e-12


def test_a_search_at_the_end_of_a_pipeline():
    search = RandomizedSearchCV(LOGISTIC, {}, n_iter=1, cv=2)
    model = quietly_fitted(make_pipeline(StandardScaler(), search), ROWS, NAMES)
    assert_same(model, ROWS, TOLERANCE["float64"])
    _, scores = converted(model, ROWS, options={id(search): {"raw_scores": True}})
    assert largest_difference(scores, logits_of(model, ROWS)) < 1e-12


@pytest.mark.parametrize("kind", [GridSearchCV, partial(RandomizedSearchCV, n_iter=1)])
def test_a_search_without_a_best_estimator(kind):
    search = quietly_fitted(kind(LOGISTIC, {}, cv=2, refit=False), ROWS, NAMES)
    with pytest.raises(ValueError, match=r"SearchCV has no best_estimator_.* refit=True"):
        to_onnx(search, ROWS)


def test_numbers_of_classes_in_place_of_labels():
    model = quietly_fitted(ScratchLogisticRegression(), ROWS, NAMES)
    label, _ = converted(model, ROWS, options={"nocl": True})
    assert np.array_equal(model.classes_[label], model.predict(ROWS))
    several = quietly_fitted(ScratchMLPClassifier(**SMALL), ROWS, COLUMNS)
    with pytest.raises(ValueError, match="nocl is not for several columns"):
        to_onnx(several, ROWS, options={"nocl": True})


@pytest.mark.parametrize(
    "y", [NAMES, CLASSES.astype(np.uint8), BINARY == 1, COLUMNS], ids=["names", "8", "bool", "two"]
)
def test_output_of_all_classes(y):
    model = quietly_fitted(ScratchMLPClassifier(**SMALL), ROWS, y)
    *_, classes = converted(model, ROWS, options={"output_class_labels": True})
    expected = model.classes_ if y is COLUMNS else [model.classes_]
    for found, own in zip(classes if y is COLUMNS else [classes], expected, strict=True):
        assert np.array_equal(found, own)


def test_an_unknown_option():
    with pytest.raises(NameError, match="Option 'dictionary' not in"):
        to_onnx(quietly_fitted(NETWORK, ROWS, CLASSES), ROWS, options={"dictionary": True})


def test_skl2onnx_by_itself():
    from skl2onnx import convert_sklearn
    from skl2onnx import to_onnx as convert
    from skl2onnx.common.data_types import DoubleTensorType

    register_converters()
    model = quietly_fitted(make_pipeline(StandardScaler(), LOGISTIC), ROWS, NAMES)
    types = [("X", DoubleTensorType([None, 4]))]
    for onnx_model in (
        convert(model, ROWS),
        convert_sklearn(model, initial_types=types),
        to_onnx(model, types, options={"zipmap": True}),
    ):
        label, dictionaries = run(onnx_model, ROWS)
        assert np.array_equal(label, model.predict(ROWS))
        as_matrix = [list(each.values()) for each in dictionaries]
        assert largest_difference(as_matrix, model.predict_proba(ROWS)) < 1e-5
