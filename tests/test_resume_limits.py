"""What `resume` refuses and what it warns of, with nothing changed by it."""

from __future__ import annotations

import pickle
import re
import warnings

import numpy as np
import pytest
from resumed_fits import (
    FITS,
    NOISY,
    OWN_ROWS,
    WEIGHT,
    Fit,
    X,
    Y,
    classifier,
    logistic,
    perceptron,
    regressor,
)
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from stopped_fits import SINCE_1_9, answers, epochs, stop_after, visible_state

from skneural import ScratchLogisticRegression
from skneural.activations import ACTIVATIONS
from skneural.estimators import validation
from skneural.estimators.perceptron import plan as perceptron_plan
from skneural.losses import Focal, LogLoss
from skneural.optimizers import SGD, Adam, AdamW
from skneural.schedules import Cosine, LinearWarmUp, OneCycle, ReduceOnPlateau

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

KINDS = {
    "network": Fit(classifier()),
    "regressor": Fit(regressor(), y=X[:, 0]),
    "network, lbfgs": Fit(classifier(solver="lbfgs")),
    "logistic regression": Fit(logistic()),
    "logistic regression, sgd": Fit(logistic(solver="sgd")),
    "perceptron": Fit(perceptron()),
}
each_kind = pytest.mark.parametrize("kind", KINDS)


def stopped(fit):
    model = fit.copy().set_callbacks(stop_after(3))
    return fit.fit(model).set_callbacks()


def seen(model):
    """The fitted model, its parameters and what it predicts."""
    return visible_state(model), repr(model), answers(model, X)


# --------------------------------------------------------------------- another parameter


def network(**params):
    """With an object for whatever can be one."""
    objects = {
        "solver": AdamW(weight_decay=0.1),
        "learning_rate": LinearWarmUp(2, then=Cosine()),
        "loss": Focal(gamma=1.0),
        "activation": ["tanh"],
        "hidden_layer_sizes": [5],
    }
    return classifier(**{**objects, **params})


class Metric:
    """Its scores are methods of objects that differ."""

    def __init__(self, factor):
        self.factor = factor

    def score(self, model, X, y):
        return self.factor * model.score(X, y)


def metric_of(factor):
    def score(model, X, y, *, factor=factor):
        return factor * model.score(X, y)

    return score


#: An estimator, what is changed after it was stopped, and what the error has to name.
CHANGES = [
    *(
        (network(), change, next(iter(change)))
        for change in (
            {"alpha": 0.1},
            {"batch_size": 10},
            {"hidden_layer_sizes": [4]},
            {"hidden_layer_sizes": [5, 5]},
            {"activation": ["relu"]},
            {"activation": [ACTIVATIONS["gelu"]]},
            {"solver": Adam()},
            {"solver": "lbfgs"},
            {"learning_rate": "constant"},
            {"learning_rate_init": 0.1},
            {"loss": "log_loss"},
            {"dropout": 0.1},
            {"l1_ratio": 0.5},
            {"shuffle": False},
            {"random_state": 1},
            {"random_state": None},
            {"tol": 1e-3},
            {"n_iter_no_change": 5},
            {"early_stopping": True},
            {"restore_best_weights": True},
            {"class_weight": "balanced"},
            {"dtype": "float32"},
            {"initialization": "he_normal"},
        )
    ),
    (network(shuffle=np.True_), {"shuffle": np.False_}, "shuffle"),
    (network(alpha=np.float64(0.1)), {"alpha": np.float64(0.2)}, "alpha"),
    (
        classifier(early_stopping=True, early_stopping_metric=Metric(1.0).score),
        {"early_stopping_metric": Metric(2.0).score},
        "early_stopping_metric",
    ),
    (
        classifier(early_stopping=True, early_stopping_metric=metric_of(1.0)),
        {"early_stopping_metric": metric_of(2.0)},
        "early_stopping_metric",
    ),
    (network(), {"solver__weight_decay": 0.2}, "weight_decay"),
    (network(), {"solver__averaging": 0.9}, "averaging"),
    (network(), {"learning_rate__n_epochs": 3}, "n_epochs"),
    (network(), {"learning_rate__then": OneCycle()}, "then"),
    (network(), {"learning_rate__then__lowest": 0.5}, "lowest"),
    (network(), {"loss__gamma": 2.0}, "gamma"),
    (classifier(solver=SGD()), {"solver__momentum": 0.5}, "momentum"),
    (classifier(solver="sgd"), {"momentum": 0.5}, "momentum"),
    (classifier(early_stopping=True), {"early_stopping_metric": "loss"}, "early_stopping_metric"),
    (classifier(early_stopping=True), {"validation_fraction": 0.2}, "validation_fraction"),
    (classifier(learning_rate=ReduceOnPlateau()), {"learning_rate__patience": 2}, "patience"),
    *(
        (logistic(), change, next(iter(change)))
        for change in ({"C": 2.0}, {"solver": "newton-cg"}, {"tol": 0.1}, {"fit_intercept": False})
    ),
    (logistic(solver="sgd"), {"momentum": 0.5}, "momentum"),
    (logistic(solver="saga", l1_ratio=0.5), {"l1_ratio": 0.6}, "l1_ratio"),
    *(
        (perceptron(), change, next(iter(change)))
        for change in (
            {"eta0": 0.5},
            {"penalty": "l2"},
            {"tol": 0.1},
            {"shuffle": False},
            {"random_state": 1},
            {"fit_intercept": False},
            {"early_stopping": True},
            {"class_weight": "balanced"},
        )
    ),
]


@SINCE_1_9
@pytest.mark.parametrize(
    ("estimator", "change", "named"),
    [
        pytest.param(
            *case, id=re.sub(" at 0x[0-9a-f]+", "", f"{type(case[0]).__name__}, {case[1]}, {i}")
        )
        for i, case in enumerate(CHANGES)
    ],
)
def test_another_parameter(estimator, change, named):
    fit = Fit(estimator, y=NOISY)
    expected = visible_state(fit.fit())
    model = stopped(fit)
    before = model.get_params(deep=True)
    model.set_params(**change)
    as_stopped = seen(model)
    with pytest.raises(ValueError, match=rf"\b{named}\b"):
        fit.resume(model)
    assert seen(model) == as_stopped
    # With the parameter as it was, nothing is lost.
    model.set_params(**{name: before[name] for name in change})
    assert visible_state(fit.resume(model)) == expected


@SINCE_1_9
@pytest.mark.parametrize("kind", ["network", "logistic regression, sgd", "perceptron"])
def test_the_same_parameters_said_in_another_way(kind):
    fit = KINDS[kind]
    model = stopped(fit)
    model.set_params(max_iter=np.int64(model.max_iter), tol=model.tol and float(model.tol))
    assert visible_state(fit.resume(model)) == visible_state(fit.fit())


@SINCE_1_9
@pytest.mark.parametrize("is_loaded", [False, True], ids=["as it was", "loaded"])
@pytest.mark.parametrize(
    ("name", "value", "equal"),
    [
        ("alpha", np.float64(0.01), 0.01),
        ("alpha", 1, 1.0),
        ("alpha", 1.0, np.int64(1)),
        ("n_iter_no_change", np.inf, float("inf")),
        ("batch_size", 20, np.int32(20)),
        ("shuffle", np.True_, True),
        ("shuffle", True, np.True_),
        ("random_state", 3, np.int64(3)),
    ],
)
def test_an_equal_number_is_no_change(name, value, equal, is_loaded):
    fit = Fit(classifier(**{name: value}))
    model = stopped(fit)
    if is_loaded:
        model = pickle.loads(pickle.dumps(model))
    assert fit.resume(model.set_params(**{name: equal})).n_iter_ == fit.n


@SINCE_1_9
def test_equal_objects_are_no_change():
    """As those that scikit-learn's `clone` makes."""
    fit = Fit(network())
    model = stopped(fit)
    copied = clone(model)
    model.set_params(**copied.get_params(deep=False))
    assert visible_state(fit.resume(model)) == visible_state(fit.fit())


EQUAL = {
    "order of classes": ({"class_weight": {0: 1.0, 1: 3.0}}, {"class_weight": {1: 3.0, 0: 1.0}}),
    "whole weights": ({"class_weight": {0: 1, 1: 3}}, {"class_weight": {0: 1.0, 1: np.float64(3)}}),
    "a setting": (
        {"learning_rate": LinearWarmUp(n_epochs=2)},
        {"learning_rate": LinearWarmUp(n_epochs=2.0)},
    ),
    "a name": ({"activation": "tanh"}, {"activation": np.str_("tanh")}),
}


@SINCE_1_9
@pytest.mark.parametrize("is_loaded", [False, True], ids=["as it was", "loaded"])
@pytest.mark.parametrize("name", EQUAL)
def test_equal_values_are_no_change(name, is_loaded):
    before, after = EQUAL[name]
    fit = Fit(classifier(**before))
    model = stopped(fit)
    if is_loaded:
        model = pickle.loads(pickle.dumps(model))
    model.set_params(**after)
    assert visible_state(fit.resume(model)) == visible_state(fit.fit())


@SINCE_1_9
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"loss": LogLoss(label_smoothing=0)}, {"loss": LogLoss(label_smoothing=0.0)}),
        ({"class_weight": {0: 1, 1: 2}}, {"class_weight": {False: 1.0, True: 2.0}}),
    ],
    ids=["loss", "classes"],
)
def test_equal_values_are_no_change_beside_validation_rows(before, after):
    fit = Fit(classifier(early_stopping=True, **before), y=NOISY, others=OWN_ROWS)
    model = stopped(fit)
    model.set_params(**after)
    assert visible_state(fit.resume(model)) == visible_state(fit.fit())


@SINCE_1_9
@pytest.mark.parametrize("of_X", [sparse.csr_matrix, np.float32])
def test_validation_rows_as_earlier_versions_named_them(of_X, monkeypatch):
    others = {"X_val": of_X(X[1::3]), "y_val": np.round(X[1::3, 0]) + 0.0}
    fit = Fit(regressor(early_stopping=True), X=of_X(X), y=X[:, 0], others=others)
    with monkeypatch.context() as before:
        before.setattr(validation, "contents", lambda matrix: matrix)
        before.setattr(np, "ascontiguousarray", lambda array, dtype=None: array)
        model = stopped(fit)
        whole = fit.fit()
    assert visible_state(fit.resume(model)) == visible_state(whole)


@SINCE_1_9
@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("class_weight", {0: 1.0, 1: 3.0}, 1),
        ("dropout", np.array([0.1]), 0),
        ("hidden_layer_sizes", [5], 0),
    ],
)
def test_a_parameter_that_was_changed_in_place(name, value, key):
    fit = Fit(classifier(**{"hidden_layer_sizes": (5,), name: value}))
    model = stopped(fit)
    getattr(model, name)[key] /= 2
    if name == "hidden_layer_sizes":
        model.hidden_layer_sizes[key] = 4
    with pytest.raises(ValueError, match=f"^{name}=.* is not what the fit was begun with"):
        fit.resume(model)


# ------------------------------------------------------------------------------ other rows


OTHER_ROWS = {
    "fewer rows": ({"X": X[:50], "y": Y[:50]}, r"rows|samples|shape"),
    "more rows": ({"X": np.vstack([X, X]), "y": np.append(Y, Y)}, r"rows|samples|shape"),
    "fewer features": ({"X": X[:, :12]}, r"features|shape"),
    "another dtype": ({"X": X.astype(np.float32)}, r"float32"),
    "another class": (
        {"y": np.where(Y == 2, 5, Y)},
        r"^resume continues .* same classes: these were \[0 1 2\]",
    ),
    "a class less": ({"y": np.where(Y == 2, 1, Y)}, r"class|label"),
    "weights": ({"sample_weight": WEIGHT}, r"weight"),
}


@SINCE_1_9
@pytest.mark.parametrize(
    ("kind", "other"),
    [(k, o) for k in KINDS for o in OTHER_ROWS if k != "regressor" or "class" not in o],
)
def test_other_rows(kind, other):
    fit = KINDS[kind]
    model = stopped(fit)
    before = seen(model)
    rows, message = OTHER_ROWS[other]
    arguments = {"X": fit.X, "y": fit.y, **rows}
    if kind == "regressor" and "y" in rows:
        arguments["y"] = arguments["X"][:, 0]
    with pytest.raises(ValueError, match=message):
        model.resume(**arguments)
    assert seen(model) == before


@SINCE_1_9
@each_kind
def test_other_weights(kind):
    """Of another sum, or none where there were some; a permutation has the same sum."""
    fit = KINDS[kind]._replace(others={"sample_weight": WEIGHT})
    model = stopped(fit)
    before = seen(model)
    for weight in (None, 2 * WEIGHT, np.where(WEIGHT > 1, WEIGHT, 0)):
        with pytest.raises(ValueError, match="weight"):
            model.resume(fit.X, fit.y, sample_weight=weight)
        assert seen(model) == before


@SINCE_1_9
def test_one_target_more():
    fit = KINDS["regressor"]
    model = stopped(fit)
    with pytest.raises(ValueError, match=r"target|output|shape"):
        model.resume(X, X[:, :2])


@SINCE_1_9
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("early_stopping", [True, False])
def test_validation_rows_are_missing(solver, early_stopping):
    estimator = classifier(early_stopping=early_stopping, solver=solver)
    model = stopped(Fit(estimator, y=NOISY, others=OWN_ROWS))
    before = seen(model)
    with pytest.raises(ValueError, match="X_val"):
        model.resume(X, NOISY)
    assert seen(model) == before


def in_columns(X):
    return np.asfortranarray(X)


def with_flags(X):
    """What SciPy has found out about a matrix is noted with it."""
    X = sparse.csr_matrix(X)
    X.sum_duplicates()
    return X


def unsorted(X):
    X = sparse.csr_matrix(X)
    for row in range(X.shape[0]):
        own = slice(*X.indptr[row : row + 2])
        X.indices[own], X.data[own] = X.indices[own][::-1].copy(), X.data[own][::-1].copy()
    return sparse.csr_matrix((X.data, X.indices, X.indptr), shape=X.shape)


VALIDATION_ROWS = {
    "strided target": (np.asarray, lambda y: np.column_stack([y, y])[:, 0]),
    "whole target": (np.asarray, lambda y: y.astype(int)),
    "columns": (in_columns, np.asarray),
    "flags": (with_flags, np.asarray),
    "CSC": (sparse.csc_matrix, np.asarray),
    "array": (sparse.csr_array, np.asarray),
    "unsorted": (unsorted, np.asarray),
}


@SINCE_1_9
@pytest.mark.parametrize("name", VALIDATION_ROWS)
@pytest.mark.parametrize("several", [False, True])
def test_the_same_validation_rows_in_other_memory(name, several):
    """Neither strides, nor flags, nor the format make other rows of them."""
    of_X, of_y = VALIDATION_ROWS[name]
    is_sparse = sparse.issparse(of_X(X))
    X_val = sparse.csr_matrix(np.where(X > 0, X, 0))[:30] if is_sparse else X[:30]
    y_val, y = np.round(3 * X[:30, 1]), X[:, 1]
    if several:
        y_val, y = np.column_stack([y_val, y_val]), np.column_stack([y, y])
    fit = Fit(regressor(early_stopping=True), y=y, others={"X_val": X_val, "y_val": y_val})
    model = stopped(fit)
    dense = X_val.toarray() if is_sparse else X_val
    y_again = np.asfortranarray(y_val) if several else of_y(y_val)
    again = fit._replace(others={"X_val": of_X(dense), "y_val": y_again})
    again.resume(model)
    whole = fit.fit()
    np.testing.assert_array_equal(model.predict(X), whole.predict(X))
    # Sums of other memory are rounded otherwise.
    np.testing.assert_allclose(model.validation_scores_, whole.validation_scores_, rtol=1e-9)


@SINCE_1_9
@pytest.mark.parametrize("convert", [sparse.csr_matrix, np.ndarray.tolist], ids=["csr", "list"])
def test_the_same_rows_of_another_kind(convert):
    """Their shape, dtype and sums are what is checked."""
    fit = KINDS["network"]
    model = stopped(fit).resume(convert(X), list(Y))
    assert epochs(model) == fit.n
    np.testing.assert_allclose(model.loss_curve_, fit.fit().loss_curve_, rtol=1e-9)


# --------------------------------------------------------------------------- nothing to do


@pytest.mark.parametrize(
    ("fit", "reason"),
    [
        (FITS["patience ends"], "early_stopping"),
        (FITS["convergence"], "converged"),
        (Fit(classifier(solver="lbfgs", max_iter=999, tol=1e-2)), "converged"),
        (Fit(logistic(max_iter=99, tol=1e-3)), "converged"),
        (Fit(logistic(solver="newton-cholesky", max_iter=99, tol=1e-3)), "converged"),
        (Fit(logistic(solver="fista", l1_ratio=1.0, max_iter=99, tol=1e-3)), "converged"),
        (Fit(perceptron(max_iter=99, tol=1e-3)), "converged"),
    ],
    ids=["early stopping", "adam", "lbfgs", "logistic", "newton-cholesky", "fista", "perceptron"],
)
@pytest.mark.parametrize("max_iter", [None, 200])
def test_after_the_end(fit, reason, max_iter):
    model = fit.fit()
    assert getattr(model, "stop_reason_", reason) == reason
    if max_iter is not None:
        model.set_params(max_iter=max_iter)
    before = seen(model)
    with pytest.warns(UserWarning, match=re.escape(reason)) as caught:
        assert fit.resume(model) is model
    assert [each.category for each in caught] == [UserWarning]
    assert seen(model) == before


@each_kind
def test_after_all_epochs(kind):
    """With `max_iter` as it was there is nothing left to do."""
    fit = KINDS[kind]
    model = fit.fit()
    before = seen(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert fit.resume(model) is model
    assert seen(model) == before


@pytest.mark.parametrize(
    ("schedule", "is_another_plan"),
    [
        (Cosine(), True),
        ("cosine", True),
        (OneCycle(), True),
        ("one_cycle", True),
        (LinearWarmUp(2, then=Cosine()), True),
        (Cosine(n_epochs=10), False),
        (LinearWarmUp(2), False),
        ("constant", False),
        (ReduceOnPlateau(), False),
    ],
    ids=repr,
)
def test_a_schedule_over_max_iter_is_another_plan(schedule, is_another_plan):
    fit = Fit(classifier(learning_rate=schedule))
    model = fit.fit().set_params(max_iter=9)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit.resume(model)
    said = [str(each.message) for each in caught if each.category is UserWarning]
    assert len(said) == is_another_plan
    assert all(re.search(r"schedule|learning_rate", text) for text in said)
    assert all(each.category in (UserWarning, ConvergenceWarning) for each in caught)
    assert epochs(model) == len(model.loss_curve_) == 9
    rates = [record["learning_rate"] for record in model.history_]
    assert rates[: fit.n] == [record["learning_rate"] for record in fit.fit().history_]
    if not is_another_plan:
        assert visible_state(model) == visible_state(fit.fit(fit.copy().set_params(max_iter=9)))


# ------------------------------------------------------------------------- nothing to resume


@each_kind
def test_there_has_to_be_a_fit(kind):
    fit = KINDS[kind]
    with pytest.raises(NotFittedError):
        fit.resume(fit.copy())


@each_kind
def test_a_model_for_prediction(kind):
    fit = KINDS[kind]
    model = fit.fit().for_prediction()
    before = answers(model, X)
    with pytest.raises(ValueError, match=r"for_prediction\(\)"):
        fit.resume(model)
    assert answers(model, X) == before


@pytest.mark.parametrize(
    ("params", "n_rows"),
    [
        ({"C": 1e4}, None),
        ({"C": 1e4, "solver": "saga", "l1_ratio": 1.0}, 400),
        ({"C": 1e4, "solver": "newton-cholesky"}, 400),
    ],
    ids=["lbfgs", "saga", "newton-cholesky"],
)
def test_a_fit_that_max_iter_ends_amid_a_flat_part_goes_on(params, n_rows):
    """Near enough not to be warned of, as scikit-learn is not; 'max_iter', and resume goes on."""
    if n_rows is None:
        X, y = load_digits(return_X_y=True)
    else:
        rng = np.random.RandomState(0)
        X, y = rng.standard_normal((n_rows, 40)), rng.randint(4, size=n_rows)
    whole = ScratchLogisticRegression(max_iter=1000, **params).fit(X, y)
    n_iter = int(whole.n_iter_[0])
    assert whole.stop_reason_ == "converged"
    for k in (n_iter - 1, n_iter // 2):
        model = ScratchLogisticRegression(max_iter=k, **params)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(X, y)
        assert model.stop_reason_ == "max_iter"
        model.set_params(max_iter=1000).resume(X, y)
        assert model.stop_reason_ == "converged"
        np.testing.assert_allclose(model.coef_, whole.coef_, rtol=1e-6, atol=1e-8)


def test_near_an_optimum_max_iter_is_not_warned_of():
    X, y = load_digits(return_X_y=True)
    model = ScratchLogisticRegression(C=1e4, max_iter=40).fit(X, y)  # a warning is an error
    assert model.stop_reason_ == "max_iter"
    with pytest.warns(ConvergenceWarning):
        ScratchLogisticRegression(C=1e4, max_iter=5).fit(X, y)


#: Of all validation rows that a metric has been given.
SEEN = []


def accuracy_of_seen(estimator, X_val, y_val):
    SEEN.append(frozenset(map(tuple, X_val.tolist())))
    return estimator.score(X_val, y_val)


@SINCE_1_9
@pytest.mark.parametrize("is_loaded", [False, True], ids=["as it was", "loaded"])
@pytest.mark.parametrize("random_state", [None, 0])
def test_the_rows_held_out_stay_held_out(random_state, is_loaded):
    """Also where a file has not kept what the fit began to draw from."""
    SEEN.clear()
    model = classifier(
        early_stopping=True,
        early_stopping_metric=accuracy_of_seen,
        n_iter_no_change=99,
        random_state=random_state,
        max_iter=3,
    ).fit(X, Y)
    for max_iter in (6, 9):
        if is_loaded:
            model = pickle.loads(pickle.dumps(model))
        model.set_params(max_iter=max_iter).resume(X, Y)
    assert len(SEEN) == 9
    assert set(SEEN) == {SEEN[0]}


@pytest.mark.parametrize("random_state", [None, 0])
def test_the_rows_held_out_of_a_perceptron_stay_held_out(random_state, monkeypatch):
    """Its file keeps what the fit began to draw from, as it has nothing else to draw them by."""
    held_out = []
    drawn = perceptron_plan.held_out_and_seeds

    def spied(*arguments, **settings):
        found = drawn(*arguments, **settings)
        held_out.append(found[0].tolist())
        return found

    monkeypatch.setattr(perceptron_plan, "held_out_and_seeds", spied)
    model = perceptron(early_stopping=True, n_iter_no_change=99, random_state=random_state)
    model.set_params(max_iter=3).fit(X, Y)
    for max_iter in (6, 9):
        model = pickle.loads(pickle.dumps(model)).set_params(max_iter=max_iter).resume(X, Y)
    assert len(held_out) == 3
    assert held_out[0] == held_out[1] == held_out[2]


def test_a_column_of_its_own_is_the_same_rows():
    """NumPy calls it contiguous whatever its stride is."""
    column = X[:30, 0].copy()
    fit = Fit(regressor(early_stopping=True), X=X[:, :1], y=X[:, 1])
    first = {"X_val": column[:, np.newaxis], "y_val": X[:30, 1]}
    model = fit.copy().set_params(max_time=1e-9).fit(fit.X, fit.y, **first)
    again = {"X_val": column.reshape(-1, 1), "y_val": X[:30, 1]}
    assert model.resume(fit.X, fit.y, **again).n_iter_ >= 1
