"""Logistic regression and the perceptron, to scikit-learn and back: the same model all the way."""

from __future__ import annotations

import base64
import pickle
import warnings
import zlib

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import InconsistentVersionWarning, NotFittedError
from sklearn.linear_model import (
    LogisticRegression,
    LogisticRegressionCV,
    Perceptron,
    SGDClassifier,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import scale

from skneural import ScratchLogisticRegression, ScratchMLPClassifier, ScratchPerceptron

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # scikit-learn 1.8.0 warns so of C=np.inf as well.
    pytest.mark.filterwarnings("ignore:Setting penalty=None will ignore the C:UserWarning"),
]

#: scikit-learn before 1.8 says `penalty` for what is said by `l1_ratio` and `C` since then.
VERSION = tuple(map(int, sklearn.__version__.split(".")[:2]))
HAS_OLD_PENALTIES = VERSION < (1, 8)

X3, Y3 = (part[::2] for part in load_iris(return_X_y=True))
X3 = scale(X3)
X2, Y2 = X3[25:], Y3[25:]
ROWS = {2: (X2, Y2 - 1), 3: (X3, Y3)}
TOLERANCE = {"float64": 1e-12, "float32": 1e-6}

LABELS = {
    "int": np.array([-7, 0, 2**40]),
    "float": np.array([-1.0, 0.0, 2.0]),
    "string": np.array(["setosa", "versicolor", "virginica"]),
    "object": np.array(["setosa", "versicolor", "virginica"], dtype=object),
    "bool": np.array([False, True]),
}
LABEL_CASES = [
    (name, n_classes) for name in LABELS for n_classes in ROWS if n_classes <= len(LABELS[name])
]

#: Of ours: what trains, and for how many classes.
LOGISTIC = {
    "lbfgs": ({}, (2, 3)),
    "no intercept": ({"fit_intercept": False}, (2, 3)),
    "no penalty": ({"C": np.inf, "max_iter": 20}, (2, 3)),
    "newton-cholesky": ({"solver": "newton-cholesky", "C": 0.3}, (2, 3)),
    "newton-cg": ({"solver": "newton-cg"}, (2, 3)),
    "liblinear": ({"solver": "liblinear", "intercept_scaling": 2.0}, (2,)),
    "liblinear, dual": ({"solver": "liblinear", "dual": True}, (2,)),
    "liblinear, L1": ({"solver": "liblinear", "l1_ratio": 1.0}, (2,)),
    "liblinear, no intercept": ({"solver": "liblinear", "fit_intercept": False}, (2,)),
    "sag": ({"solver": "sag"}, (2, 3)),
    "saga, elastic net": ({"solver": "saga", "l1_ratio": 0.5, "C": 0.2}, (2, 3)),
    "fista, L1": ({"solver": "fista", "l1_ratio": 1.0, "C": 0.2}, (2, 3)),
    "fista, L2": ({"solver": "fista"}, (2, 3)),
    "fista, no penalty": ({"solver": "fista", "C": np.inf, "max_iter": 5}, (2, 3)),
    "sgd": ({"solver": "sgd", "max_iter": 3, "batch_size": 9, "random_state": 0}, (2, 3)),
    "adam": (
        {"solver": "adam", "max_iter": 5, "early_stopping": True, "random_state": 0},
        (2, 3),
    ),
    "classes weighed": ({"class_weight": "balanced"}, (2, 3)),
}
LOGISTIC_CASES = [(name, n) for name, (_, sizes) in LOGISTIC.items() for n in sizes]

PERCEPTRON = {
    "as by default": {},
    "not shuffled": {"shuffle": False},
    "no intercept": {"fit_intercept": False},
    "L2": {"penalty": "l2", "alpha": 0.01, "eta0": 0.1},
    "L1": {"penalty": "l1", "alpha": 0.01},
    "elastic net": {"penalty": "elasticnet", "alpha": 0.01, "l1_ratio": 0.7},
    "classes weighed": {"class_weight": {0: 2.0, 1: 0.5}},
    "no tolerance": {"tol": None, "max_iter": 7},
    "balanced, early stopping": {"class_weight": "balanced", "early_stopping": True},
}

PREDICTIONS = ("decision_function", "predict_proba", "predict_log_proba")


def check_same_predictions(one, other, X, y, tolerance):
    """Every method that predicts gives the same, to a tolerance relative to the largest number."""
    assert np.array_equal(one.predict(X), other.predict(X))
    assert one.predict(X).dtype == other.predict(X).dtype
    for name in PREDICTIONS if hasattr(one, "predict_proba") else PREDICTIONS[:1]:
        with np.errstate(divide="ignore"):
            ours, theirs = getattr(one, name)(X), getattr(other, name)(X)
        if name == "predict_log_proba":
            # scikit-learn's are logarithms of rounded probabilities, of zeros too.
            ours, theirs = np.exp(ours), np.exp(theirs)
        largest = max(1.0, np.abs(theirs).max())
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).max() <= tolerance * largest, name
    assert one.score(X, y) == other.score(X, y)


def quietly(convert, *args):
    """The converted estimator, whatever is warned of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return convert(*args)


def arrays_of(model):
    """The arrays of a fitted estimator."""
    for name in ("coef_", "intercept_", "classes_", "feature_names_in_"):
        value = getattr(model, name, None)
        if sparse.issparse(value):
            yield value.data
        elif isinstance(value, np.ndarray):
            yield value


def check_shares_nothing(one, other):
    assert not any(np.shares_memory(a, b) for a in arrays_of(one) for b in arrays_of(other))


def public_attributes(model):
    """What a fit of scikit-learn has left, by name."""
    return {
        name: value
        for name, value in vars(model).items()
        if name.endswith("_") and not name.startswith("_")
    }


def check_same_attributes(one, other):
    """Two fitted estimators of scikit-learn have the same public attributes."""
    theirs = public_attributes(other)
    assert public_attributes(one).keys() == theirs.keys()
    for name, value in public_attributes(one).items():
        assert type(value) is type(theirs[name]), name
        if sparse.issparse(value):
            assert np.array_equal(value.toarray(), theirs[name].toarray())
            continue
        assert np.array_equal(value, theirs[name]), name
        assert np.asarray(value).dtype == np.asarray(theirs[name]).dtype, name


# ---------------------------------------------------------------- to scikit-learn


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("name", "n_classes"), LOGISTIC_CASES)
def test_logistic_regression_predicts_the_same(name, n_classes, dtype):
    X, y = ROWS[n_classes]
    X = X.astype(dtype)
    model = ScratchLogisticRegression(**LOGISTIC[name][0]).fit(X, y)
    theirs = quietly(model.to_sklearn)
    assert type(theirs) is LogisticRegression
    check_same_predictions(model, theirs, X, y, TOLERANCE[dtype])
    check_same_predictions(model, theirs, sparse.csr_matrix(X), y, TOLERANCE[dtype])
    check_shares_nothing(model, theirs)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("n_classes", ROWS)
@pytest.mark.parametrize("name", PERCEPTRON)
def test_perceptron_predicts_the_same(name, n_classes, dtype):
    X, y = ROWS[n_classes]
    X = X.astype(dtype)
    model = ScratchPerceptron(**PERCEPTRON[name]).fit(X, y)
    theirs = model.to_sklearn()
    assert type(theirs) is Perceptron
    check_same_predictions(model, theirs, X, y, TOLERANCE[dtype])
    check_same_predictions(model, theirs, sparse.csr_matrix(X), y, TOLERANCE[dtype])
    check_shares_nothing(model, theirs)


@pytest.mark.parametrize("kind", [ScratchLogisticRegression, ScratchPerceptron])
@pytest.mark.parametrize(("labels", "n_classes"), LABEL_CASES)
def test_labels_stay_what_they_are(kind, labels, n_classes):
    X, index = ROWS[n_classes]
    y = LABELS[labels][index]
    model = kind().fit(X, y)
    theirs = model.to_sklearn()
    assert theirs.classes_.dtype == model.classes_.dtype
    assert np.array_equal(theirs.classes_, model.classes_)
    check_same_predictions(model, theirs, X, y, 1e-12)
    back = kind.from_sklearn(theirs)
    assert back.classes_.dtype == model.classes_.dtype
    check_same_predictions(model, back, X, y, 0)


@pytest.mark.parametrize("kind", [ScratchLogisticRegression, ScratchPerceptron])
@pytest.mark.parametrize("n_classes", ROWS)
def test_sparse_weights_stay_sparse(kind, n_classes):
    X, y = ROWS[n_classes]
    settings = {"solver": "saga", "l1_ratio": 1.0, "C": 0.1}
    model = kind(**settings if kind is ScratchLogisticRegression else {}).fit(X, y).sparsify()
    theirs = model.to_sklearn()
    dense = clone(theirs).fit(X, y)
    assert type(theirs.coef_) is type(dense.sparsify().coef_)
    check_same_predictions(model, theirs, X, y, 1e-12)
    check_shares_nothing(model, theirs)
    back = kind.from_sklearn(theirs)
    assert sparse.issparse(back.coef_)
    check_same_predictions(model, back, X, y, 0)
    check_same_attributes(back.to_sklearn(), theirs)
    check_same_predictions(model, theirs.densify(), X, y, 1e-12)
    back.set_params(warm_start=True).fit(X, y)
    assert isinstance(back.coef_, np.ndarray)


@pytest.mark.parametrize("kind", [ScratchLogisticRegression, ScratchPerceptron])
def test_feature_names_are_kept(kind):
    X = pd.DataFrame(X3, columns=list("abcd"))
    model = kind().fit(X, Y3)
    theirs = model.to_sklearn()
    assert theirs.feature_names_in_.tolist() == list("abcd")
    check_same_predictions(model, theirs, X, Y3, 1e-12)
    check_shares_nothing(model, theirs)
    with pytest.raises(ValueError, match="feature names"):
        theirs.predict(X[list("dcba")])
    assert kind.from_sklearn(theirs).feature_names_in_.tolist() == list("abcd")
    assert not hasattr(kind().fit(X3, Y3).to_sklearn(), "feature_names_in_")


@pytest.mark.parametrize(
    ("kind", "settings", "n_classes"),
    [
        (ScratchLogisticRegression, {}, 2),
        (ScratchLogisticRegression, {}, 3),
        (ScratchLogisticRegression, {"fit_intercept": False}, 2),
        (ScratchLogisticRegression, {"fit_intercept": False}, 3),
        (ScratchLogisticRegression, {"solver": "newton-cg"}, 3),
        (ScratchLogisticRegression, {"solver": "liblinear"}, 2),
        (ScratchLogisticRegression, {"solver": "liblinear", "fit_intercept": False}, 2),
        (ScratchPerceptron, {}, 2),
        (ScratchPerceptron, {}, 3),
        (ScratchPerceptron, {"fit_intercept": False}, 2),
        (ScratchPerceptron, {"early_stopping": True, "class_weight": "balanced"}, 3),
    ],
)
def test_attributes_are_those_of_its_own_fit(kind, settings, n_classes):
    X, y = ROWS[n_classes]
    theirs = kind(**settings).fit(X, y).to_sklearn()
    reference = clone(theirs).fit(X, y)
    assert vars(theirs).keys() == vars(reference).keys()
    for name, value in vars(reference).items():
        assert type(getattr(theirs, name)) is type(value), name
        assert np.shape(getattr(theirs, name)) == np.shape(value), name
        if isinstance(value, np.ndarray):
            assert getattr(theirs, name).dtype == value.dtype, name


@pytest.mark.parametrize("n_classes", ROWS)
def test_intercepts_of_a_float32_perceptron_are_of_the_same_dtype(n_classes):
    X, y = ROWS[n_classes]
    theirs = ScratchPerceptron().fit(X.astype(np.float32), y).to_sklearn()
    reference = Perceptron().fit(X.astype(np.float32), y)
    assert theirs.coef_.dtype == reference.coef_.dtype
    assert theirs.intercept_.dtype == reference.intercept_.dtype


# ---------------------------------------------------------------- what becomes of parameters


@pytest.mark.parametrize(("name", "n_classes"), LOGISTIC_CASES)
def test_logistic_regression_can_be_fitted_anew(name, n_classes):
    X, y = ROWS[n_classes]
    model = ScratchLogisticRegression(**LOGISTIC[name][0]).fit(X, y)
    theirs = quietly(model.to_sklearn)
    for each in (clone(theirs), theirs.set_params(warm_start=True)):
        each.set_params(max_iter=1000, random_state=0).fit(X, y)
        assert each.score(X, y) > 0.7
    shared = {**model.get_params(), **theirs.get_params()}
    for parameter in ("C", "fit_intercept", "tol", "class_weight", "intercept_scaling", "dual"):
        if parameter != "C" or not HAS_OLD_PENALTIES:
            assert shared[parameter] == model.get_params()[parameter]


#: What takes the place of a solver that scikit-learn lacks.
SOLVERS = [
    ({"solver": "fista"}, "lbfgs"),
    ({"solver": "fista", "l1_ratio": 1.0}, "saga"),
    ({"solver": "fista", "l1_ratio": 0.3}, "saga"),
    ({"solver": "fista", "C": np.inf, "l1_ratio": 0.0}, "lbfgs"),
    ({"solver": "sgd"}, "lbfgs"),
    ({"solver": "adam"}, "lbfgs"),
    ({"solver": "saga"}, "saga"),
    ({"solver": "sag"}, "sag"),
    ({"solver": "newton-cholesky"}, "newton-cholesky"),
]


@pytest.mark.parametrize(("settings", "solver"), SOLVERS)
def test_solver_is_the_nearest_that_there_is(settings, solver):
    model = ScratchLogisticRegression(max_iter=5, **settings).fit(X3, Y3)
    theirs = quietly(model.to_sklearn)
    assert theirs.solver == solver
    penalty = model.get_params()["l1_ratio"]
    if HAS_OLD_PENALTIES:
        expected = {0.0: "l2", 1.0: "l1"}.get(penalty, "elasticnet")
        assert theirs.penalty == (None if np.isinf(model.C) else expected)
        assert theirs.l1_ratio == (penalty if expected == "elasticnet" else None)
    else:
        assert (theirs.penalty, theirs.l1_ratio, theirs.C) == ("deprecated", penalty, model.C)


def test_one_warning_lists_what_is_lost():
    model = ScratchLogisticRegression(
        solver="adam", batch_size=10, early_stopping=True, dtype="float32", max_iter=3
    ).fit(X3, Y3)
    with pytest.warns(UserWarning, match="has no such training settings") as caught:
        theirs = model.to_sklearn()
    assert len(caught) == 1
    assert caught[0].filename == __file__
    message = str(caught[0].message)
    for lost in ("solver='adam'", "batch_size=10", "early_stopping=True", "dtype='float32'"):
        assert lost in message
    assert "momentum" not in message
    assert theirs.solver == "lbfgs"


@pytest.mark.parametrize("kind", [ScratchLogisticRegression, ScratchPerceptron])
def test_no_warning_where_nothing_is_lost(kind):
    model = kind(max_iter=50, random_state=3, class_weight={0: 2.0}).fit(X3, Y3)
    theirs = model.to_sklearn()  # a warning is an error
    assert theirs.max_iter == 50
    assert theirs.random_state == 3
    assert theirs.class_weight == {0: 2.0}
    assert theirs.class_weight is not model.class_weight


@pytest.mark.parametrize(
    ("class_weight", "classes", "expected"),
    [
        ({0: 2.0}, [0, 1, 2], [2.0, 1.0, 1.0]),
        ({"1": 2.0, "01": 0.5}, ["0", "01", "1"], [1.0, 0.5, 2.0]),
        ({"a": 0.5, "b": 1.0, "c": 2.0, "d": 3.0}, ["a", "b", "c"], [0.5, 1.0, 2.0]),
        ("balanced", [0, 1, 2], [1.0, 1.0, 1.0]),
        (None, [0, 1, 2], [1.0, 1.0, 1.0]),
    ],
)
def test_weights_of_classes_are_looked_up_as_what_they_are(class_weight, classes, expected):
    model = ScratchPerceptron(class_weight=class_weight).fit(X3, np.array(classes)[Y3])
    theirs = model.to_sklearn()
    assert theirs.class_weight == class_weight
    assert theirs._expanded_class_weight.tolist() == expected


def test_generator_is_copied():
    model = ScratchPerceptron(random_state=np.random.RandomState(0)).fit(X3, Y3)
    theirs = model.to_sklearn()
    assert theirs.random_state is not model.random_state
    assert theirs.random_state.randint(1000) == model.random_state.randint(1000)


def test_liblinear_set_after_a_fit_of_three_classes_changes_no_probability():
    model = ScratchLogisticRegression().fit(X3, Y3).set_params(solver="liblinear")
    with pytest.warns(UserWarning, match="solver='liblinear'"):
        theirs = model.to_sklearn()
    check_same_predictions(model, theirs, X3, Y3, 1e-12)
    theirs.fit(X3, Y3)


def test_deployed_and_given_weights_convert_too():
    model = ScratchLogisticRegression().fit(X3, Y3)
    check_same_attributes(model.for_prediction().to_sklearn(), model.to_sklearn())
    model.coef_ = model.coef_ * 2
    assert np.array_equal(model.to_sklearn().coef_, model.coef_)


# ---------------------------------------------------------------- what the result can do


@pytest.mark.parametrize("kind", [ScratchLogisticRegression, ScratchPerceptron])
@pytest.mark.parametrize("n_classes", ROWS)
def test_result_is_cloned_pickled_and_scored_as_any_other(kind, n_classes):
    X, y = ROWS[n_classes]
    theirs = kind().fit(X, y).to_sklearn()
    check_same_attributes(pickle.loads(pickle.dumps(theirs)), theirs)
    assert repr(clone(theirs)) == repr(theirs)
    if kind is ScratchLogisticRegression:
        one_against_the_rest = OneVsRestClassifier(theirs).fit(X, y)
        assert one_against_the_rest.score(X, y) > 0.8


@pytest.mark.parametrize("n_classes", ROWS)
def test_warm_start_begins_at_the_optimum(n_classes):
    X, y = ROWS[n_classes]
    model = ScratchLogisticRegression(tol=1e-10, warm_start=True, max_iter=1000).fit(X, y)
    theirs = model.to_sklearn().set_params(tol=1e-5).fit(X, y)
    assert theirs.n_iter_[0] <= 1
    np.testing.assert_allclose(theirs.coef_, model.coef_, atol=1e-5)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("n_classes", ROWS)
@pytest.mark.parametrize("name", [name for name in PERCEPTRON if "balanced" not in name])
def test_perceptron_learns_on_as_the_source_does(name, n_classes, dtype):
    X, y = ROWS[n_classes]
    X = X.astype(dtype)
    settings = {**PERCEPTRON[name], "shuffle": False}
    model = ScratchPerceptron(**settings).fit(X[::2], y[::2])
    theirs = model.to_sklearn()
    adopted = ScratchPerceptron.from_sklearn(theirs)
    for batch in (slice(1, None, 3), slice(2, None, 3)):
        for each in (model, theirs, adopted):
            each.partial_fit(X[batch], y[batch])
        for each in (theirs, adopted):
            np.testing.assert_allclose(each.coef_, model.coef_, rtol=1e-6, atol=1e-6)
            np.testing.assert_allclose(each.intercept_, model.intercept_, rtol=1e-6, atol=1e-6)
            assert (each.t_, each.n_iter_) == (model.t_, model.n_iter_)


@pytest.mark.parametrize("n_classes", ROWS)
def test_perceptron_fits_on_as_the_source_does(n_classes):
    X, y = ROWS[n_classes]
    model = ScratchPerceptron(warm_start=True, max_iter=3, tol=None).fit(X, y)
    theirs = model.to_sklearn()
    adopted = ScratchPerceptron.from_sklearn(theirs)
    for each in (model, theirs, adopted):
        each.fit(X, y)
    assert np.array_equal(theirs.coef_, model.coef_)
    assert np.array_equal(adopted.coef_, model.coef_)
    assert theirs.t_ == adopted.t_ == model.t_


# ---------------------------------------------------------------- from scikit-learn


def their_logistic(solver="lbfgs", **settings):
    return LogisticRegression(solver=solver, max_iter=500, random_state=0, **settings)


#: The penalties, as this version of scikit-learn has them.
PENALTIES = (
    {
        "L2": {"C": 0.5},
        "L1": {"penalty": "l1", "solver": "saga"},
        "elastic net": {"penalty": "elasticnet", "l1_ratio": 0.3, "solver": "saga"},
        "all L1": {"penalty": "elasticnet", "l1_ratio": 1, "solver": "saga"},
        "none": {"penalty": None},
        "infinite C": {"C": np.inf},
    }
    if HAS_OLD_PENALTIES
    else {
        "L2": {"C": 0.5},
        "L1": {"l1_ratio": 1, "solver": "saga"},
        "elastic net": {"l1_ratio": 0.3, "solver": "saga"},
        "none": {"C": np.inf},
    }
)
THEIRS = {
    **{name: their_logistic(**settings) for name, settings in PENALTIES.items()},
    "no intercept": their_logistic(fit_intercept=False),
    "newton-cg": their_logistic("newton-cg", tol=1e-6),
    "newton-cholesky": their_logistic("newton-cholesky", class_weight={0: 2.0}),
    "sag": their_logistic("sag", class_weight="balanced", warm_start=True),
    "liblinear": their_logistic("liblinear", intercept_scaling=3.0),
    "liblinear, no intercept": their_logistic("liblinear", fit_intercept=False),
    **{f"perceptron, {name}": Perceptron(**each) for name, each in PERCEPTRON.items()},
}
THEIR_CASES = [
    (name, n_classes)
    for name in THEIRS
    for n_classes in ROWS
    if n_classes == 2 or "lib" not in name
]
OURS = {LogisticRegression: ScratchLogisticRegression, Perceptron: ScratchPerceptron}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("name", "n_classes"), THEIR_CASES)
def test_there_and_back_is_the_identity(name, n_classes, dtype):
    theirs = clone(THEIRS[name])
    X, y = ROWS[n_classes]
    X = X.astype(dtype)
    theirs.fit(X, y)
    model = OURS[type(theirs)].from_sklearn(theirs)
    check_same_predictions(model, theirs, X, y, TOLERANCE[dtype])
    check_shares_nothing(model, theirs)
    assert model.coef_.dtype == theirs.coef_.dtype
    back = model.to_sklearn()
    assert back.get_params() == theirs.get_params()
    if dtype == "float64":
        check_same_attributes(back, theirs)
    else:
        np.testing.assert_allclose(back.coef_, theirs.coef_, rtol=1e-6)
        np.testing.assert_allclose(back.intercept_, theirs.intercept_, rtol=1e-6)


@pytest.mark.parametrize("n_classes", ROWS)
def test_adopted_logistic_regression_trains_further(n_classes):
    X, y = ROWS[n_classes]
    theirs = LogisticRegression(max_iter=3).fit(X, y)
    model = ScratchLogisticRegression.from_sklearn(theirs)
    optimum = ScratchLogisticRegression(tol=1e-8).fit(X, y)
    model.set_params(warm_start=True, max_iter=100, tol=1e-8).fit(X, y)
    np.testing.assert_allclose(model.coef_, optimum.coef_, atol=1e-6)
    model = ScratchLogisticRegression.from_sklearn(theirs).set_params(solver="adam")
    before = model.coef_.copy()
    model.partial_fit(X[:20], y[:20])
    assert 0 < np.abs(model.coef_ - before).max() < 0.01  # a step of Adam from where it was
    with pytest.raises(ValueError, match="from given weights"):
        ScratchLogisticRegression.from_sklearn(theirs).resume(X, y)


@pytest.mark.parametrize("kind", [ScratchLogisticRegression, ScratchPerceptron])
def test_adopted_estimators_are_pickled_and_cloned_as_any_other(kind):
    model = kind.from_sklearn(kind().fit(X3, Y3).to_sklearn())
    copy = pickle.loads(pickle.dumps(model))
    check_same_predictions(copy, model, X3, Y3, 0)
    check_same_attributes(copy.to_sklearn(), model.to_sklearn())
    assert model.for_prediction().predict(X3[:1]).shape == (1,)
    assert repr(clone(model)) == repr(model)


def test_weights_that_were_put_together_by_hand_are_adopted():
    theirs = LogisticRegression()
    theirs.classes_, theirs.coef_ = np.array(["no", "yes"]), np.array([[1, -2]])
    theirs.intercept_ = np.array([0.5])
    model = ScratchLogisticRegression.from_sklearn(theirs)
    assert model.decision_function([[1.0, 1.0]]) == [-0.5]
    theirs.coef_ = np.ones((3, 2))
    with pytest.raises(ValueError, match=r"2 classes have 1 row.*shape \(3, 2\)"):
        ScratchLogisticRegression.from_sklearn(theirs)


REFUSED = [
    (LogisticRegressionCV(), "LogisticRegression"),
    (SGDClassifier(loss="log_loss"), "LogisticRegression"),
    (Perceptron(), "LogisticRegression"),
    (ScratchLogisticRegression(), "LogisticRegression"),
    (LogisticRegression, "LogisticRegression"),
    (None, "LogisticRegression"),
    (SGDClassifier(loss="perceptron"), "Perceptron"),
    (LogisticRegression(), "Perceptron"),
    (ScratchMLPClassifier(), "Perceptron"),
]


@pytest.mark.parametrize(("model", "accepted"), REFUSED, ids=lambda each: repr(each)[:30])
def test_other_classes_are_refused(model, accepted):
    ours = {"LogisticRegression": ScratchLogisticRegression, "Perceptron": ScratchPerceptron}
    with pytest.raises(TypeError, match=rf"takes a .*\b{accepted}\b"):
        ours[accepted].from_sklearn(model)


@pytest.mark.parametrize(("theirs", "ours"), OURS.items())
def test_both_have_to_be_fitted(theirs, ours):
    with pytest.raises(NotFittedError):
        ours().to_sklearn()
    with pytest.raises(NotFittedError):
        ours.from_sklearn(theirs())
    failed = theirs()
    with pytest.raises(ValueError, match="NaN"):
        failed.fit(X3 * np.nan, Y3)
    with pytest.raises(NotFittedError):
        ours.from_sklearn(failed)


# ---------------------------------------------------------------- of scikit-learn 1.6

#: Pickles of fitted estimators, made by scikit-learn 1.6.0 and NumPy 1.26: deflated, in base 64.
#: The rows are X3, or X2 with the labels 1 and 2; those of "L1" are float32.
PICKLES = {
    "logistic regression": (
        "eNqFU01IVFEUnjc/KuMPaQRWJrUQFOqhoWYkjDBB1JNZGFGbvL15787MqzvvTffe0WYRVKAp3JLwRC1qbUQrVy"
        "6KB0UEQZsCrUUYhoscwmpt2fE55kboLO65H/ee7/vu4dwb0fvHIqEgVKu4wqjJXZ05LmaS92zKdMK8rCOkY4Fq"
        "Gqxsh2iWUyEcz4Vp6LgJ16FdVReoazJZAhVmR0FF7aLJYFJFpMfgVGJf71K5JXlEaUkEPyqC9RlHEseVlFu0IG"
        "FCNf4DRFgm2siCoak6i5lCkFHqZHMSUqqOm67t5YmQpqSIq4THRigHFWPpTFaAqsmb14iDTGDYqjZfZNIhAQeo"
        "uE0LnFpYaIOqxqq0JygYIRUfNXlAySW6rnLJZS8tkLyGdRFuSsfDfYNLMtSURXw72iZgRFVNwIsY1B63mC+UdM"
        "vjVA80Tc5NbEcdQUHPFZIXLYn9UrHgIsq79uaVaTQwBkktDbdhCNoNzYiMQa5FxWxZKtCNkrDTB5MTm6cRpfVD"
        "KpU6s44RLEZIQnoy2RyqhFbJ4UoGPEa1oCUEcvtzrRt6uYNbahqCNtTo3tbIdeykEG3cYotZHs3sxBUxouMBW6"
        "bvf2yXlj9cXJ07/tM/OZd8c/Xur0S8YfH1009//HZ9uLZpfc1fvfC5/OTLUmLq0BDL9yz48z1nT78/t+CvTH99"
        "9W5kxZ95/Hz5Xtti4gUZ/nj41jf/5fe9z6bOhwfq12ZG+g/EBgKn8e2Z2skuggS27sT40u5HXW/9O90Pamcfhg"
        "YGm2ehs/zbDyh2kcrPIDgwwdSrWJfeq3dCMa3/BcU4UyY="
    ),
    "L1": (
        "eNqFU89rE0EUTpqkDTFqDHjRWrwI6cElgdJTIUIOQldyKPY8THYnm9HJzDIz2yYHoRWqDcwtz4PiyT/EnD3oya"
        "Mnr/4R+jLdWMGKD97O+9j3vu+9+XFSfnNYKnhzW+a5YFTLQHCJKxmrmImACJVwY3kErvkkDw9YopkxXEmYw/Yp"
        "vICW20iZpMJOwa2JDrhynFEBM1eySsDj7p3d7z82ew9dsYfg09ulvXPXh9wSLi3TEUstnLtbvwExEcU2EgiLrh"
        "4Jagw5ZjwZWei7uqYyVmNiLLUM8bpR4ohp1DQ0oeCqYzohHIkgrLhr40xYTjwFuFrMUs0irIvBbWDRQBkGYcHV"
        "jqn2jNpi0+uSPFMDg9xV0SGaWq4wviHJkFGb4ejYNYGw7KqeFzG42zIbp9MgUpoFXpNqTXE36gQFlTRWZ5HF7X"
        "IVn4jyMr5ImWMDZ9ArDuA1HEArLIalMxhtukpspylblpQOO22YnV/8LrniHvT7/bAVlsOqhcGsNzF4fgzdoiv0"
        "JaaFv+0oz9N5DkeP8hqRrzrP43mc5LH8I3/FDSiPg/jdJjC6O9pajjK6vxqkiOCBW+M7l92PtrH3/Z9o/hMW/A"
        "TlyoqtEik2vIqrFJZfebbhf9nay94+DxvdxtOvC3c6XxT+YS93PnTTb81HXrl2efuukkfQnfXqX26efJw333f3"
        "700WvqxB8ndD8D75N+EqnWA3aEM2CH4BzTglsQ=="
    ),
    "liblinear": (
        "eNqFUs9rFDEU3tnO7G7XVargpZbSi9AKDraU4kFYYQ+CIwvuPxAyM9mdaDYZkkzrHgQ9tHbhCUKfF/+EXvTsxR"
        "8oeBF68eRNj14Ez0XT2a16qJhDki957/u+vJcH/tOv1Uo5YNHcFYxqGQou3UqGKmUiJEINuLE8QTh3a7rtsYFm"
        "xnAlcQ9XHuJ9XIZ6ziQVdoRQFWsIflpQgWOYsUrgjfb8xpdvC53L4HUc+D4VPN3nlnBpmU5YbnEXzv4GxCTU2R"
        "hg5EErEdQYssX4ILPYhZamMlVDYiy1zOGaUWKTaYRZweOJd4TGkN4j3LFhlMKpYSEsJyUPQjNluWaJS04R6i4z"
        "VoZhVIHmFtUlrbbOeU2SOyo2TqAhVommliu3PyNJn1FbuPc76wQjHxolr8MI52UxzEdhojQLS02qNXUlaREnqK"
        "SxukisqxkEZaCTl+kkZM8Z2MaOF+Mj7OFy5EXVbcwWIEjtKGdHKVV+Fce7k9sZ8K5ht9u9+dONcooqFuNxZ86b"
        "1LYybWoF3TEEiWJ9gtmFbPFIJVs61vAifwezi1Dt/8WdrZzEvHR4+9Ljdy922h8gP9j/9ObV7Cabf/7ysH3wvu"
        "fVngTXS6Xmnw6eJOfA+rjT2P/x+ePbZ8HrMqUuyz79K96Z4+v/M+cHx0+dI9NfTFxjyx8KwWq4EV7BIg5/AdHP"
        "KTQ="
    ),
    "perceptron": (
        "eNqFU01oE0EUzt+aEFotrVWrRSqt0ApdW6rFQzGFgBVDQxHB4zjZnc2u3cyuu5O0OQj+tLWhI6gdkXoX9ODRQ0"
        "8JiEIvHsSbpUgPttpLBUELir7dxBql4jvsmzf75nvfvPfNtcj9rkjAN97hjpsEO1Q2DQoe5SyVmDKyiaMQmzkW"
        "FTw+9juYFz3XxVXRzSOm5brwrz4xahOKTVYUad7ogxo0ixzMiOAxxaIuw5RBFrFdw4T8kcTigmcPuYRNW8ewcX"
        "BwdaM92cuDSQg2axRjZr+HYliw93zAN96oGQwZlFWri1kedfW8pplElHiDg6lq5RDUg9KpAI8WiJOxXH8dIQz3"
        "1YFHbWuCOIjB1rva1m6gbhbhuGXbcANAbClg01A9ChRpDla8RR39JooMYIKohRQd0ywUknh8Ajs+B4cBQhQDB5"
        "z16MVyeNLPF6PrYR5mlglQY5nR15+efOMNioldF00QI6sz6OMuii5bGRdWkmIRDQneSvM5uygrlkPkXN5kBnYc"
        "XBS8ATnEb7KTVxjMiUt+IvSbqtWUebj/tEgGM+KWOC+6U8FUOBWZEfoRLqmsaBPvUEg7JUqz1f9hHhwS6XT63A"
        "8w/5MKMJEpJS9NnlhqXXj8tjx1e+ji2smvibvPvm/lDkmVOzMb2ZVwpNLysmN8ue19ubD28fOFnvVyYPHD0lTu"
        "W/nFHDtz/Etz5dVKIZHt3CoPnL7ypksNVVabn95cTrQNzz3av3Dvxt5hAWV4fHu8SOgdeqdHXj+6TR2C3lLyQH"
        "Vmm+Wqj1Wqvr3iQ4Tg6MjwA1abKwyPYJZ3iAvSQSIVAVl67Yb4HxWO8ZBR1xBd3qkdNQ6BQLDmQzXvc9iHyKQN"
        "giQq+mO2/71S4m/vw+1B3sNDWp76KgRBHN75BbtZFWnYhQcnnTU8Tc6LkV9Ep6Ei6KKqWpGK8yZUA0EgU9dTN5"
        "f65UG5T+Qz8k/lyZiZ"
    ),
    "ovr": (
        "eNqFk01oE0EUx5Ns0tY0rVZU/KilHoop4mJFS4VCikEKbskhtyIybjaT7NbJTpiZbSylYpVqIlNB+/Tm2aMn24"
        "u6LZ6KBwURPKiIoCBiqfhxEEWn22g9VHyw8+Yxb3//N48356LX+7RQYLKDnybYZK5OHFd5VKJ5THREaNHhwrFA"
        "bh6qb7O4yDDnDnVhBronYQKSsrGMXZOIMZARchBkNO+ZBGpSE5TAYGpn7+v37en9MpxWwXJdsKXgCOS4AjMLlw"
        "VUZdufAHHLVGUUwQjLhEVMzlEFO0VbQEYmmOnmaQlxYQqs4gZOyShmIGMkVyhykE0l8wxyFAmMvGwueUQ4KGCA"
        "1OioSmxU6TnKMRghGa+YLGAxocptcNEIzXFFbSI9iJnCoWrf6qICNoWnLq3qRWBEZVMAVDHIra5XKo/pFmVYD8"
        "RMxkzVhwRi2KIuF8yzhGqUjAWJSt7Nr6bMqAKmIB3OwSXIQtIIG9oU2O0ylhdjZbzyS8Tpg1p19VST4X7IZDLH"
        "fyoLFiMkIFdLbw/VLVz3kboHdazUgl4gsHfZHSt6duffal1K49Caht29nkIirmjN6mv9TY1ZFBfWZRrRiwG10P"
        "c/6qnF/hOlC2+W/aHhG19nbn5K/Xj8pWW2/7v//OS1yWzbN//t3qPj++yFlEh6V15Yn/070yMvz0++S91ePDKx"
        "JfvBP9vVVu39uJB6OHv/8lLllT9969Ge8jNtYMfwsdq2zg0DQaXxtaH6RwtSqoVPB+WD6hNtfvfVe3Mb40v+3f"
        "GuucMjrfMBYhOqPw2kBicYexnr0Xv1A+Dl9F8r+U3i"
    ),
    "liblinear, three classes": (
        "eNp9U01oE0EUzt8mNcZqC4K0pUpFbQ/dmlKKByGFPYiuBOzFg8J0szvJjk52w+ykbYRCBVsTOl7sEyqIeJEePX"
        "hQBF0VET0oiuBNQU8tWtuDSK0UnW5jFfx5MPPmMfO+73tvZsZjl7RoKDDR7p2m2GCOSokjPSq6FqYqom6BeJyY"
        "IJqP1peDuMCw5xHXgWnoOgtj0CkSJewYlFdARGgviJhVNijURJS7FA5lWvrff2jTukVYk8FSnXBLnnBEHI6ZiU"
        "scqqJpI0CeaUgZBdDDImVSw/PQCCYFm0NWpJjhWG4RedzgWMZxz6XDmIHYREluXTuIhqIxiohEA90Sm4tlygkK"
        "cEAkLVxi2JTJFoiEzMy5HgY9JJIjBgtgGZfK4w465eY8SdBA04gZnLhy3eigPDZ4WdYvpSPQY6IhwJUxiO1OuV"
        "iqqKbLsBpwGowZsiUpJAldx+OsbHLZM6EEByW9Y60fmZYCJkAL5+A8DEKnHtajE2C3CcXilRJeS4mQA1Crru9G"
        "RfggZLPZI9+lBZMe4pCraTtCdQvXfaTuQW4LxXRxHoHdarevsdm7Nrj02CTYe0Qk/xuH3fUnQ1Ubujy+kDy8NO"
        "+/KL27cHvsQSb06dbbpsfVzI3V2dZl80tm59bjj+Y6PvtXm+aeDvQ89O/Z6WvXl1f8V1PPzj0/Np+Zvbm4r+fJ"
        "aka1TkzuTi/7Hb1696K24FdX3ow2zygDgdLkr5fwN7ky6JPFWmdODu99+dWfuTj0reXuR//11JU7jbPK/QAi4Q"
        "T3/698WSzp+3+xNS0Vl61T5Ij/bOE2VP8lSD6c4AcIJa32q/uhnFN/AOgjVh4="
    ),
    "softmax of two": (
        "eNqFkj9vEzEYxnP500YloBQJBhpFXZDagRNFqIoQUkAZkDiUoV/A8t05OYPPjmwfJQIkGAqNZKa8ILEwsTLxAc"
        "rCgMTCwgpiYIGBmaW8dVK6FOHB5+fO7+957rUfVZ9/LZf8cG1zRzCqZSi4xCfJVcpESIQacmN5Au70rflyiw01"
        "M4YrCVNYfwwPYc0tjpikwo7BlcUlcNW0oAImrmKVgBvdc5vffrR6F1zQQ/FrbnhywC3h0jKdsJGFXbf8VxCTUI"
        "wxhChwjURQY8g248PMQt81NJWpyomx1DLUC0aJu0yDq4l4MDTg6jm9RziSIErdibwQlhPPgLmSKueYzi1iWawM"
        "g6jklrap9kxtMfaCJLdVbJBeFxtEU8sVrk9JMmDUFvjzmJtAVHV1D0YN7ows8tE4TJRmobehWlPsR4NolihprC"
        "4Siw1zNb8R7WU62zLFADvQC2J4CluwFgVReQeylquldjxiByVl3oHJ7uxrxQVXod/v39zH4aeoZCGe9JrBrLGl"
        "+YmWAF+ji+8FgWwlax/4ZKuHLgGK88i+fMTO1o8jV5uHtFqi2OBYVlR94mmDzv9oq882Pr1/ufxqr/OhHb79/n"
        "nv9Yviy/UHv7vTKz8/3nf7Xe+0dHQZ/hG9O+nVr7XOrrzpVN75kiaZX2GCB+uvp6tthJvhRSji8A87nSb2"
    ),
}
#: Which of them predict otherwise than ours can.
NOT_OURS = {
    "ovr": "each of its 3 classes against the rest",
    "liblinear, three classes": "each of its 3 classes against the rest",
    "softmax of two": "two classes whose logits are -z and z",
}


def unpickled(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        return pickle.loads(zlib.decompress(base64.b64decode(PICKLES[name])))


@pytest.mark.parametrize("name", [name for name in PICKLES if name not in NOT_OURS])
def test_models_of_scikit_learn_1_6_are_adopted(name):
    theirs = unpickled(name)
    X, y = ROWS[len(theirs.classes_)]
    X = X.astype(theirs.coef_.dtype)
    y = theirs.classes_[y]
    model = OURS[type(theirs)].from_sklearn(theirs)
    check_same_predictions(model, theirs, X, y, TOLERANCE[theirs.coef_.dtype.name])
    assert model.score(X, y) > 0.6
    back = model.to_sklearn()
    check_same_attributes(back, theirs)
    assert back.get_params() == theirs.get_params()
    with warnings.catch_warnings():
        # Of penalty='l2' and l1_ratio=None, as in a fit of scikit-learn 1.8 and newer.
        warnings.filterwarnings("ignore", ".*penalty")
        model.set_params(warm_start=True, max_iter=200).fit(X, y)
    assert model.score(X, y) > 0.6


@pytest.mark.parametrize("name", NOT_OURS)
def test_models_of_scikit_learn_1_6_with_other_probabilities_are_refused(name):
    with pytest.raises(ValueError, match=NOT_OURS[name]):
        ScratchLogisticRegression.from_sklearn(unpickled(name))


@pytest.mark.filterwarnings("ignore:'multi_class' was deprecated:FutureWarning")
@pytest.mark.parametrize(("value", "n_classes"), [("ovr", 2), ("auto", 2), ("multinomial", 3)])
def test_multi_class_may_say_what_is_so_anyway(value, n_classes):
    X, y = ROWS[n_classes]
    theirs = LogisticRegression()
    theirs.multi_class = value  # no parameter any more since scikit-learn 1.8
    theirs.fit(X, y)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = ScratchLogisticRegression.from_sklearn(theirs)
    lost = [str(each.message) for each in caught]
    assert len(lost) == ("multi_class" in theirs.get_params())
    assert all(f"multi_class={value!r}" in message for message in lost)
    check_same_predictions(model, theirs, X, y, 1e-12)
