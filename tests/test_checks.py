"""Errors say which column is to blame."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skneural import (
    HiddenLayerTransformer,
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
    TableEncoder,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from skneural.estimators.checks import are_plain
from skneural.estimators.sklearn_private import InvalidParameterError
from skneural.optimizers import Adam

Y = [0, 1, 0, 1]
GOOD = {"age": [1.0, 2.0, 3.0, 4.0], "income": [0.0, 1.0, 0.0, 1.0]}


def with_column(name, values):
    return {**GOOD, name: values}


BAD = [
    (
        with_column("income", [0.0, np.nan, 1.0, np.nan]),
        "'income' of X is not finite in 2 of 4 rows. Fill in .* by SimpleImputer",
    ),
    (with_column("age", [0.0, np.inf, 1.0, 2.0]), "'age' of X is not finite in 1 of 4"),
    (
        with_column("city", ["Bern", "Rome", "Oslo", "Bonn"]),
        "'city' of X is not numeric.*'Bern'. Encode.* OneH",
    ),
    (with_column("mixed", [1, 2, "three", 4]), "'mixed' of X is not numeric.*'three'"),
]


@pytest.mark.parametrize("method", ["fit", "predict"])
@pytest.mark.parametrize("frame", [pd.DataFrame, lambda data: pl.DataFrame(data, strict=False)])
@pytest.mark.parametrize(("columns", "message"), BAD)
def test_the_column_is_named(columns, message, frame, method):
    model = ScratchMLPClassifier(hidden_layer_sizes=2, solver="lbfgs")
    if method == "predict":
        model.fit(frame({name: GOOD.get(name, GOOD["age"]) for name in columns}), Y)
    with pytest.raises(ValueError, match=message):
        model.fit(frame(columns), Y) if method == "fit" else model.predict(frame(columns))


def test_columns_of_arrays_are_numbered():
    X = np.ones((4, 3))
    X[1, 2] = np.nan
    with pytest.raises(ValueError, match="Column 2 of X is not finite in 1 of 4 rows"):
        ScratchMLPRegressor().fit(X, Y)
    with pytest.raises(ValueError, match="Column 1 of X is not numeric: it holds 'a'"):
        ScratchMLPRegressor().fit(np.array([[1, "a"], [2, "b"]], dtype=object), [0, 1])


def test_other_errors_stay_as_they_are():
    X = np.ones((4, 3))
    with pytest.raises(ValueError, match="inconsistent numbers of samples") as caught:
        ScratchMLPRegressor().fit(X, Y[:3])
    assert "Column" not in str(caught.value)
    with pytest.raises(ValueError, match="NaN"):
        ScratchMLPRegressor().fit(sparse.csr_matrix(X * np.nan), Y)


@pytest.mark.parametrize(
    ("y", "message"),
    [([0, np.nan, 1, 2], "y contains NaN"), (Y[:3], "inconsistent numbers of samples")],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_targets_of_a_score_are_checked(y, message):
    X = np.arange(12.0).reshape(4, 3)
    model = ScratchMLPRegressor(hidden_layer_sizes=2, max_iter=2, random_state=0).fit(X, Y)
    with pytest.raises(ValueError, match=message):
        model.score(X, y)


PLAIN = {
    "float64": (np.ones(4), True),
    "float32": (np.ones((4, 2), dtype=np.float32), True),
    "integers": (np.arange(4), True),
    "booleans": (np.ones(4, dtype=bool), True),
    "columns": (np.ones((4, 2))[:, ::2], True),
    "other byte order": (np.ones(4, dtype=np.dtype(float).newbyteorder()), False),
    "not aligned": (np.frombuffer(b"x" * 33, offset=1, dtype=float), False),
    "masked": (np.ma.masked_equal([1.0, 2.0], 2.0), False),
    "complex": (np.ones(4, dtype=complex), False),
    "text": (np.array(["a", "b"]), False),
    "objects": (np.array([1, None]), False),
    "dates": (np.array(["2020-01-01"], dtype="datetime64[D]"), False),
    "list": ([1.0, 2.0], False),
    "nothing": (None, False),
    "frame": (pd.DataFrame({"a": [1.0]}), False),
    "sparse": (sparse.csr_matrix(np.eye(2)), False),
}


@pytest.mark.parametrize("name", PLAIN)
def test_arrays_in_which_nothing_is_looked_for(name):
    array, expected = PLAIN[name]
    assert are_plain(array) is expected
    assert are_plain(np.ones(4), array) is expected


BAD_WEIGHTS = {
    "a column": (np.ones((4, 1)), "1D"),
    "NaN": ([1.0, np.nan, 1.0, 1.0], "NaN"),
    "infinite": ([1.0, np.inf, 1.0, 1.0], "infinity"),
    "zero": (np.zeros(4), "non-zero"),
    "negative": ([1.0, -1.0, 1.0, 1.0], "Negative"),
    "of other rows": (np.ones(3), "shape|inconsistent"),
}


@pytest.mark.parametrize("loss", ["squared_error", "quantile"])
@pytest.mark.parametrize("kind", [ScratchMLPRegressor, TabularMLPRegressor])
@pytest.mark.parametrize("name", BAD_WEIGHTS)
def test_weights_of_a_score_are_checked(name, kind, loss):
    weight, message = BAD_WEIGHTS[name]
    X = np.arange(12.0).reshape(4, 3)
    model = kind(hidden_layer_sizes=2, max_iter=2, loss=loss)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, Y)
    with pytest.raises(ValueError, match=message):
        model.score(X, Y, weight)


def test_numbers_as_text_are_refused_by_fit_and_score():
    X, y = np.arange(12.0).reshape(4, 3), [str(each) for each in Y]
    model = ScratchMLPRegressor(hidden_layer_sizes=2, solver="lbfgs")
    for text in (y, np.array(y), np.array(y, dtype=bytes)):
        for method in (model.fit, clone(model).fit(X, Y).score):
            with pytest.raises(ValueError, match=r"y holds text, such as .*dtype=float"):
                method(X, text)


def test_sparse_targets_of_a_score():
    X, y = np.arange(12.0).reshape(4, 3), np.array([[1.0, 0], [0, 2], [0, 0], [3, 0]])
    model = ScratchMLPRegressor(hidden_layer_sizes=2, solver="lbfgs", max_iter=500).fit(X, y)
    assert model.score(X, sparse.csr_matrix(y)) == model.score(X, y)


ESTIMATORS = [
    ScratchMLPClassifier(),
    ScratchMLPRegressor(),
    ScratchLogisticRegression(),
    ScratchPerceptron(),
    HiddenLayerTransformer(ScratchMLPClassifier()),
    TabularMLPClassifier(),
    TabularMLPRegressor(),
    TableEncoder(),
]
each_estimator = pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
FRAME = pd.DataFrame(GOOD)

#: What is passed in the place of X and y, and what the error says.
NO_DATA = {
    "a file": ("rooms.csv", Y, "X must be data, got the string 'rooms.csv': read a file first"),
    "a row": (
        {"age": 3.0, "income": 1.0},
        Y,
        r"X must be .* got a dict: pandas.DataFrame\(\[X\]\)",
    ),
    "columns": (GOOD, Y, r"X must be an array or a data frame, got a dict: pandas.DataFrame\(X\)"),
    "rows": ([{"age": 3.0}] * 4, Y, r"got a list of dicts: pandas.DataFrame\(X\) makes a frame"),
    "nothing": (None, Y, "Expected 2D array, got scalar .*\narray=None.\nX must be data, got None"),
    "a lazy frame": (pl.DataFrame(GOOD).lazy(), Y, r"X is a LazyFrame.*: pass X.collect\(\)"),
    "a name": (FRAME, "income", r"y must be data, got the string 'income': .* frame\['name'\]"),
}


@pytest.mark.parametrize("name", NO_DATA)
@each_estimator
def test_what_is_no_data_is_named(estimator, name):
    X, y, message = NO_DATA[name]
    with pytest.raises((TypeError, ValueError), match=message):
        clone(estimator).fit(X, y)


@pytest.mark.parametrize("name", ["a file", "a row", "rows", "nothing", "a lazy frame"])
def test_what_is_no_data_is_named_in_predictions(name):
    X, _, message = NO_DATA[name]
    network = ScratchMLPClassifier((2,), solver="lbfgs").fit(FRAME, Y)
    table = TabularMLPClassifier(cv=2, max_iter=1).fit(FRAME, Y)
    for predict in (network.predict, table.predict, TableEncoder().fit(FRAME, Y).transform):
        with pytest.raises((TypeError, ValueError), match=message):
            predict(X)


@pytest.mark.parametrize(
    "estimator",
    [ScratchMLPClassifier((2,), max_iter=1, solver="sgd"), ScratchLogisticRegression()],
    ids=repr,
)
def test_rows_of_unequal_length(estimator):
    ragged = [[1.0, 2.0], [3.0], [4.0, 5.0], [6.0, 7.0]]
    message = "X has an inhomogeneous shape: its rows have 1 to 2 elements"
    with pytest.raises(ValueError, match=message):
        clone(estimator).fit(ragged, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = clone(estimator).fit(FRAME.to_numpy(), Y)
    with pytest.raises(ValueError, match=message):
        model.predict(ragged)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@each_estimator
def test_rows_without_a_target_are_counted(estimator, bad):
    with pytest.raises(
        ValueError, match=r"(?s)Input y contains.*y has no .* in 2 of 4 rows\. Drop"
    ):
        clone(estimator).fit(FRAME, np.array([0.0, bad, 1.0, bad]))


@each_estimator
def test_attributes_that_are_not_there_yet(estimator):
    names = {
        name for name in dir(type(estimator)) if name.endswith("_") and not name.startswith("_")
    }
    assert "n_features_in_" in names
    for name in names:
        with pytest.raises(AttributeError, match="not fitted yet"):
            getattr(estimator, name)


def test_attributes_of_another_way_to_fit():
    arguments = {"X_val": FRAME, "y_val": Y}
    own = TabularMLPClassifier(cv=2, max_iter=1).fit(FRAME, Y, **arguments)
    with pytest.raises(AttributeError, match=r"'oof_score_': .* X_val .*, see validation_score_"):
        own.oof_score_  # noqa: B018
    out_of_fold = TabularMLPClassifier(cv=2, max_iter=1).fit(FRAME.to_numpy(), Y)
    with pytest.raises(AttributeError, match=r"'validation_score_': .* no .*, see oof_score_"):
        out_of_fold.validation_score_  # noqa: B018
    with pytest.raises(AttributeError, match="'feature_names_in_': X of the fit was no data frame"):
        out_of_fold.feature_names_in_  # noqa: B018


#: A parameter, a value that it does not take, and what the error proposes.
PROPOSALS = [
    (ScratchMLPClassifier, "solver", "Adam", "Did you mean 'adam'?"),
    (ScratchMLPClassifier, "solver", "l-bfgs", "Did you mean 'lbfgs'?"),
    (ScratchMLPClassifier, "solver", Adam, "This is a class: pass an object of it, Adam()."),
    (ScratchMLPClassifier, "dtype", np.float32, "Pass its name, 'float32'."),
    (ScratchLogisticRegression, "dtype", np.dtype("f8"), "Pass its name, 'float64'."),
    (ScratchMLPClassifier, "activation", "Leaky ReLU", "Did you mean 'leaky_relu'?"),
    (ScratchMLPClassifier, "activation", "swish", "Did you mean 'silu'?"),
    (ScratchMLPClassifier, "activation", "Sigmoid", "Did you mean 'logistic'?"),
    (ScratchMLPClassifier, "loss", "cross-entropy", "Did you mean 'log_loss'?"),
    (ScratchMLPRegressor, "loss", "mse", "Did you mean 'squared_error'?"),
    (ScratchMLPRegressor, "loss", "MAE", "Did you mean 'absolute_error'?"),
    (ScratchMLPRegressor, "learning_rate", 0.1, "The number is the parameter learning_rate_init"),
    (ScratchMLPRegressor, "learning_rate_init", "0.1", "This is a string: pass the number."),
    (ScratchMLPRegressor, "batch_size", "32", "This is a string: pass the number."),
    (ScratchMLPRegressor, "early_stopping_metric", "acuracy", "Did you mean 'accuracy'?"),
    (ScratchLogisticRegression, "penalty", "L2", "Did you mean 'l2'?"),
    (ScratchLogisticRegression, "solver", "newton_cg", "Did you mean 'newton-cg'?"),
    (
        ScratchLogisticRegression,
        "learning_rate",
        1,
        "The number is the parameter learning_rate_init",
    ),
    (ScratchPerceptron, "class_weight", "balance", "Did you mean 'balanced'?"),
    (ScratchPerceptron, "eta0", "1", "This is a string: pass the number."),
    (TabularMLPClassifier, "preset", "Accurate", "Did you mean 'accurate'?"),
    (TabularMLPRegressor, "loss", "l2", "Did you mean 'squared_error'?"),
    (TableEncoder, "quantile_inputs", "Auto", "Did you mean 'auto'?"),
]


@pytest.mark.parametrize(("kind", "name", "value", "proposal"), PROPOSALS)
def test_what_was_meant_is_proposed(kind, name, value, proposal):
    with pytest.raises(
        InvalidParameterError, match=f"'{name}' parameter of {kind.__name__}"
    ) as bad:
        kind(**{name: value}).fit(FRAME, Y)
    assert f" instead. {proposal}" in str(bad.value)


def test_what_was_meant_is_proposed_once_whatever_checks_it():
    learned = ScratchMLPClassifier(hidden_layer_sizes=2).partial_fit(FRAME, Y, classes=np.unique(Y))
    attempts = {
        "partial_fit": lambda: learned.set_params(activation="swish").partial_fit(FRAME, Y),
        "from_weights": lambda: ScratchMLPClassifier.from_weights(
            learned.coefs_, learned.intercepts_, classes=learned.classes_, activation="swish"
        ),
        "a network within": lambda: HiddenLayerTransformer(
            ScratchMLPClassifier(activation="swish")
        ).fit(FRAME, Y),
    }
    for name, attempt in attempts.items():
        with pytest.raises(InvalidParameterError, match="of ScratchMLPClassifier must be") as bad:
            attempt()
        assert str(bad.value).count("Did you mean 'silu'?") == 1, name


def test_an_error_about_settings_keeps_its_cause():
    with pytest.raises(InvalidParameterError, match=r"'solver' parameter .* beta_1") as bad:
        ScratchMLPClassifier(solver=Adam(beta_1=2.0)).fit(FRAME, Y)
    assert isinstance(bad.value.__cause__, ValueError)


@pytest.mark.parametrize("value", ["newton", "", None, 3])
def test_nothing_is_proposed_where_nothing_is_close(value):
    with pytest.raises(InvalidParameterError, match=r"Got .* instead\.$"):
        ScratchMLPClassifier(solver=value).fit(FRAME, Y)
