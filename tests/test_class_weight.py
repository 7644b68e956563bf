"""`class_weight` as a dict: every label is looked up as what it is."""

from __future__ import annotations

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris

from skneural import ScratchLogisticRegression, ScratchMLPClassifier, ScratchPerceptron
from skneural.learning_rate_finder import find_learning_rate

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, CODES = load_iris(return_X_y=True)
X = X[::6]
CODES = CODES[::6]
WEIGHTS = [3.0, 0.5, 2.0]

CLASSIFIERS = {
    "network": ScratchMLPClassifier(hidden_layer_sizes=3, max_iter=3, random_state=0),
    "network, early stopping": ScratchMLPClassifier(
        hidden_layer_sizes=3, max_iter=3, random_state=0, early_stopping=True
    ),
    "logistic": ScratchLogisticRegression(max_iter=3),
    "logistic, adam": ScratchLogisticRegression(max_iter=3, solver="adam", random_state=0),
    "perceptron": ScratchPerceptron(max_iter=3),
}
parametrize_classifiers = pytest.mark.parametrize(
    "classifier", CLASSIFIERS.values(), ids=CLASSIFIERS.keys()
)


def of(*values, dtype=None):
    return np.array(values, dtype=dtype)[CODES]


def named(*labels):
    return dict(zip(labels, WEIGHTS, strict=True))


DAYS = [datetime.date(2024, 5, day) for day in (1, 2, 31)]
TEXT = ("0", "01", "1")
#: Labels, in the order of their codes, and a dict that gives them WEIGHTS.
LABELS = {
    "digits": (of("1", "2", "3"), named("1", "2", "3")),
    "leading zeros": (of(*TEXT), named(*TEXT)),
    "openml": (of("0", "4", "9"), named("0", "4", "9")),
    "signs and spaces": (of(" 1", "-1", "1"), named(" 1", "-1", "1")),
    "floats as text": (of("1", "1.0", "1e0"), named("1", "1.0", "1e0")),
    "other digits": (of("1", "٣", "४"), named("1", "٣", "४")),
    "objects": (of(*TEXT, dtype=object), named(*TEXT)),
    "list": (of(*TEXT).tolist(), named(*TEXT)),
    "series": (pd.Series(of(*TEXT)), named(*TEXT)),
    "series of objects": (pd.Series(of(*TEXT, dtype=object)), named(*TEXT)),
    "string dtype": (pd.Series(of(*TEXT), dtype="string"), named(*TEXT)),
    "category": (pd.Series(of(*TEXT)).astype("category"), named(*TEXT)),
    "ordered category": (pd.Categorical(of(*TEXT), TEXT[::-1], ordered=True), named(*TEXT)),
    "polars": (pl.Series(of(*TEXT).tolist()), named(*TEXT)),
    "polars category": (pl.Series(of(*TEXT).tolist(), dtype=pl.Categorical), named(*TEXT)),
    "NumPy's keys": (of(*TEXT), named(*np.array(TEXT))),
    "text": (of("a", "b", "c"), named("a", "b", "c")),
    "numbers": (of(-1, 7, 30), named(-1, 7, 30)),
    "numbers, NumPy's keys": (of(-1, 7, 30), named(*np.array([-1, 7, 30]))),
    "numbers, float keys": (of(-1, 7, 30), named(-1.0, 7.0, 30.0)),
    "float labels": (of(-1.0, 7.0, 30.0), named(-1, 7, 30)),
    "small numbers": (of(1, 7, 30, dtype=np.uint8), named(1, 7, 30)),
    "days": (of(*DAYS, dtype="M8[D]"), named(*map(pd.Timestamp, DAYS))),
    "days, Python's keys": (of(*DAYS, dtype="M8[D]"), named(*DAYS)),
    "days in nanoseconds": (of(*DAYS, dtype="M8[ns]"), named(*map(pd.Timestamp, DAYS))),
    "more than there are": (of(*TEXT), {**named(*TEXT), 1: 9.0, "2": 9.0}),
    "other numbers": (of(*TEXT), named(*TEXT) | {"1": Decimal(2)}),
}


def found(classifier):
    if isinstance(classifier, ScratchMLPClassifier):
        return [*classifier.coefs_, *classifier.intercepts_]
    return [classifier.coef_, classifier.intercept_]


def assert_same(classifier, expected):
    for ours, theirs in zip(found(classifier), found(expected), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(("labels", "class_weight"), LABELS.values(), ids=LABELS.keys())
@parametrize_classifiers
def test_labels_have_the_weights_of_their_codes(classifier, labels, class_weight):
    ours = clone(classifier).set_params(class_weight=class_weight).fit(X, labels)
    assert_same(ours, clone(classifier).set_params(class_weight=named(0, 1, 2)).fit(X, CODES))
    unweighted = found(clone(classifier).fit(X, CODES))
    assert any(np.any(a != b) for a, b in zip(found(ours), unweighted, strict=True))


@pytest.mark.parametrize(
    ("class_weight", "by_code"),
    [({"0": 3.0, "1": 2.0}, {0: 3.0, 2: 2.0}), ({"01": 0.5}, {1: 0.5}), ({}, {})],
)
@parametrize_classifiers
def test_labels_that_are_not_named_weigh_one(classifier, class_weight, by_code):
    ours = clone(classifier).set_params(class_weight=class_weight).fit(X, of(*TEXT))
    assert_same(ours, clone(classifier).set_params(class_weight=by_code).fit(X, CODES))


@pytest.mark.parametrize("name", ["network", "logistic, adam", "perceptron"])
@pytest.mark.parametrize("labels", [of(*TEXT), of(*TEXT, dtype=object), pd.Series(of(*TEXT))])
def test_partial_fit(name, labels):
    classifier = CLASSIFIERS[name]
    ours = clone(classifier).set_params(class_weight=named(*TEXT))
    expected = clone(classifier).set_params(class_weight=named(0, 1, 2))
    for rows in (slice(0, None, 2), slice(1, None, 2)):
        ours.partial_fit(X[rows], labels[rows], classes=list(TEXT))
        expected.partial_fit(X[rows], CODES[rows], classes=[0, 1, 2])
    assert_same(ours, expected)


@pytest.mark.parametrize("labels", [of(*TEXT), of(*TEXT).tolist(), pd.Series(of(*TEXT))])
def test_learning_rate_finder(labels):
    network = clone(CLASSIFIERS["network"])
    curve = find_learning_rate(network.set_params(class_weight=named(*TEXT)), X, labels)
    by_code = find_learning_rate(network.set_params(class_weight=named(0, 1, 2)), X, CODES)
    np.testing.assert_array_equal(curve.losses, by_code.losses)


#: Labels, a dict that does not go with them, and what the error says.
WRONG = {
    "integers for text": (
        of(*TEXT),
        {0: 1.0, 1: 2.0},
        r"\['0', '01', '1'\], are not in class_weight, which has \[0, 1\]. The label '0' is",
    ),
    "text for integers": (of(0, 1, 2), {"1": 2.0}, "label 1 is of type int, the key '1' of type"),
    "NumPy's integers": (of(*TEXT), {np.int64(1): 2.0}, r"which has \[1\]. The label '1' is of"),
    "mixed": (of(*TEXT), {"0": 1.0, "01": 2.0, 1: 2.0}, r"classes, \['1'\], are not in.*key 1 of"),
    "another": (of("a", "b", "c"), {"d": 1.0}, r"which has \['d'\]\.$"),
    "no number": (of(*TEXT), {"1": "heavy"}, "class '1' the weight heavy: expected a number"),
    "nothing": (of(*TEXT), {"1": None}, "class '1' the weight None: expected a number"),
}


@pytest.mark.parametrize(("labels", "class_weight", "message"), WRONG.values(), ids=WRONG.keys())
@parametrize_classifiers
def test_dicts_of_other_labels(classifier, labels, class_weight, message):
    classifier = clone(classifier).set_params(class_weight=class_weight)
    with pytest.raises(ValueError, match=message):
        classifier.fit(X, labels)
    if isinstance(classifier, ScratchMLPClassifier):
        with pytest.raises(ValueError, match=message):
            find_learning_rate(classifier, X, labels)
