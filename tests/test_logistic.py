"""What logistic regression promises beside its optimum: shapes, weights, state, words."""

from __future__ import annotations

import copy
import pickle
import warnings
from functools import cache

import joblib
import numpy as np
import pytest
from scipy import sparse
from scipy.linalg import LinAlgWarning
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_iris, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import scale
from snapshots import state

from skneural import ScratchLogisticRegression, ScratchMLPClassifier
from skneural.inspection import LossCurveDisplay
from skneural.objective import Objective

X3, Y3 = load_iris(return_X_y=True)
X3 = scale(X3)
X2, Y2 = X3[50:], Y3[50:]
PROBLEMS = {"two classes": (X2, Y2), "three classes": (X3, Y3)}
WORDS = np.array(["setosa", "versicolor", "virginica"])

SOLVERS = {
    "lbfgs": {},
    "newton-cholesky": {},
    "newton-cg": {},
    "sag": {},
    "saga": {"l1_ratio": 0.5},
    "fista": {"l1_ratio": 1.0},
    "sgd": {"learning_rate": "adaptive", "learning_rate_init": 0.3, "max_iter": 400},
    "adam": {"learning_rate": "adaptive", "learning_rate_init": 0.05, "max_iter": 400},
}
FULL_BATCH = [solver for solver in SOLVERS if solver not in ("sgd", "adam")]
STOCHASTIC = ["sgd", "adam"]

parametrize_solvers = pytest.mark.parametrize("solver", SOLVERS)
parametrize_problems = pytest.mark.parametrize("problem", PROBLEMS)
unfinished = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def model(solver, **params):
    return ScratchLogisticRegression(
        **{"solver": solver, "random_state": 0, **SOLVERS[solver], **params}
    )


# ------------------------------------------------------------------------- shapes and types


@parametrize_solvers
@parametrize_problems
def test_shapes_are_scikit_learns(solver, problem):
    X, y = PROBLEMS[problem]
    ours = model(solver).fit(X, y)
    theirs = LogisticRegression().fit(X, y)
    for name in ("coef_", "intercept_", "classes_", "n_iter_"):
        assert getattr(ours, name).shape == getattr(theirs, name).shape, name
    assert ours.n_iter_.dtype == theirs.n_iter_.dtype
    assert ours.n_features_in_ == 4
    for method in ("predict", "decision_function", "predict_proba", "predict_log_proba"):
        assert getattr(ours, method)(X).shape == getattr(theirs, method)(X).shape, method
    np.testing.assert_allclose(ours.predict_proba(X).sum(axis=1), 1)
    np.testing.assert_allclose(np.exp(ours.predict_log_proba(X)), ours.predict_proba(X))
    assert len(ours.loss_curve_) == ours.n_iter_[0]
    assert ours.loss_curve_[-1] == ours.loss_ == pytest.approx(min(ours.loss_curve_), rel=1e-3)


THIN = np.where(np.abs(X3) > 0.3, X3, 0)


@cache
def fitted_to_dense(solver, thin=False, **params):
    """To compare with: it stays as it is."""
    return model(solver, **params).fit(THIN if thin else X3, Y3)


@parametrize_solvers
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, sparse.csc_matrix])
def test_float32_stays_float32(solver, kind):
    ours = model(solver).fit(kind(X3.astype(np.float32)), Y3)
    for values in (ours.coef_, ours.intercept_, ours.predict_proba(X3.astype(np.float32))):
        assert values.dtype == np.float32
    expected = fitted_to_dense(solver)
    np.testing.assert_allclose(ours.coef_, expected.coef_, rtol=0.01, atol=0.02)


@parametrize_solvers
@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array])
@pytest.mark.parametrize("index_dtype", [np.int32, np.int64])
def test_sparse_is_as_dense(solver, kind, index_dtype):
    rows = kind(THIN)
    rows.indices, rows.indptr = rows.indices.astype(index_dtype), rows.indptr.astype(index_dtype)
    before = rows.copy()
    # The stochastic solvers make the same steps, wherever they end.
    precise = {"tol": 1e-4 if solver in STOCHASTIC else 1e-7, "max_iter": 1000}
    ours = model(solver, **precise).fit(rows, Y3)
    expected = fitted_to_dense(solver, thin=True, **precise)
    np.testing.assert_allclose(ours.coef_, expected.coef_, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(ours.predict_proba(rows), expected.predict_proba(THIN), atol=1e-3)
    assert (rows != before).nnz == 0


@parametrize_problems
def test_without_intercept(problem):
    X, y = PROBLEMS[problem]
    for solver in SOLVERS:
        ours = model(solver, fit_intercept=False, l1_ratio=0.0, tol=1e-6, max_iter=1000).fit(X, y)
        theirs = LogisticRegression(fit_intercept=False, tol=1e-8, max_iter=1000).fit(X, y)
        np.testing.assert_array_equal(ours.intercept_, 0)
        atol = 0.1 if solver in STOCHASTIC else 1e-3
        np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=atol, err_msg=solver)


def test_labels_of_any_kind():
    expected = ScratchLogisticRegression().fit(X3, Y3)
    for labels in (WORDS[Y3], WORDS[Y3].astype(object), Y3 * 2.0, Y3 - 1):
        ours = ScratchLogisticRegression().fit(X3, labels)
        assert ours.classes_.dtype == labels.dtype
        np.testing.assert_array_equal(ours.coef_, expected.coef_)
        assert ours.score(X3, labels) == expected.score(X3, Y3)
    booleans = ScratchLogisticRegression().fit(X2, Y2 == 2)
    assert booleans.predict(X2).dtype == bool


# ------------------------------------------------------------------------- weights


@parametrize_solvers
@parametrize_problems
def test_a_weight_is_a_repetition(solver, problem):
    X, y = PROBLEMS[problem]
    counts = np.random.RandomState(0).randint(0, 4, len(y))
    params = {"batch_size": 10**6, "tol": 1e-6, "max_iter": 500, "shuffle": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        weighted = model(solver, **params).fit(X, y, sample_weight=counts)
        repeated = model(solver, **params).fit(X.repeat(counts, axis=0), y.repeat(counts))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(weighted.intercept_, repeated.intercept_, rtol=1e-3, atol=1e-4)


@parametrize_solvers
@pytest.mark.parametrize("class_weight", [{0: 3.0, 2: 0.5}, "balanced"])
def test_class_weight_multiplies_sample_weight(solver, class_weight):
    X, y = X3[30:], Y3[30:]
    sample_weight = np.random.RandomState(0).uniform(0.5, 2, len(y))
    by_class = {0: 3.0, 1: 1.0, 2: 0.5}
    if class_weight == "balanced":
        totals = np.bincount(y, weights=sample_weight)
        by_class = dict(enumerate(totals.sum() / (3 * totals)))
    by_hand = sample_weight * np.array([by_class[label] for label in y])
    ours = model(solver, class_weight=class_weight).fit(X, y, sample_weight)
    expected = model(solver).fit(X, y, by_hand)
    np.testing.assert_allclose(ours.coef_, expected.coef_, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({0: -1.0}, "class_weight gives class 0 the weight -1.0"),
        ({1: np.nan}, "class_weight gives class 1 the weight nan"),
        ({0: 0.0, 1: 0.0, 2: 0.0}, "leaves no row of y with any weight"),
        ({"setosa": 2.0}, "not in class_weight"),
    ],
)
def test_class_weights_that_make_no_sense(class_weight, message):
    with pytest.raises(ValueError, match=message):
        ScratchLogisticRegression(class_weight=class_weight).fit(X3, Y3)


# ------------------------------------------------------------------------- mini-batches


@pytest.mark.parametrize("solver", STOCHASTIC)
@pytest.mark.parametrize("C", [0.1, 1.0])
@parametrize_problems
@unfinished
def test_a_decaying_rate_reaches_the_optimum(solver, C, problem):
    X, y = PROBLEMS[problem]
    optimum = ScratchLogisticRegression(C=C, tol=1e-9).fit(X, y).loss_
    # 'invscaling' falls by a factor of sqrt(n) after the first epoch, so that it starts high.
    batch_size, highest = {"sgd": (20, 3.0), "adam": (50, 1.5)}[solver]
    for learning_rate, initial in (("adaptive", 0.05), ("invscaling", highest)):
        ours = model(
            solver,
            C=C,
            batch_size=batch_size,
            learning_rate=learning_rate,
            learning_rate_init=initial,
            max_iter=500,
            tol=1e-7,
        ).fit(X, y)
        value = objective(ours, X, y, C)
        assert optimum * (1 - 1e-9) <= value <= optimum * (1 + 1e-3), learning_rate


def objective(fitted, X, y, C):
    log_p = fitted.predict_log_proba(X)
    loss = -log_p[np.arange(len(y)), np.searchsorted(fitted.classes_, y)].mean()
    return loss + np.sum(fitted.coef_**2) / (2 * C * len(y))


def test_plain_gradient_descent_is_the_formula():
    X, y = X2, (Y2 == 2).astype(float)
    n, rate, C = len(y), 0.5, 2.0
    w, b, losses = np.zeros(4), 0.0, []
    for _ in range(5):
        p = 1 / (1 + np.exp(-(X @ w + b)))
        loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)) + w @ w / (2 * C * n)
        losses.append(loss)
        slope, slope_b = X.T @ (p - y) / n + w / (C * n), np.mean(p - y)
        w, b = w - rate * slope, b - rate * slope_b
    ours = ScratchLogisticRegression(
        C=C, solver="sgd", batch_size=n, momentum=0, learning_rate_init=rate, max_iter=5
    )
    with pytest.warns(ConvergenceWarning):
        ours.fit(X, y)
    np.testing.assert_allclose(ours.loss_curve_, losses, rtol=1e-12)
    np.testing.assert_allclose(ours.coef_[0], w, rtol=1e-10)
    np.testing.assert_allclose(ours.intercept_, b, rtol=1e-10)


@pytest.mark.parametrize("solver", STOCHASTIC)
def test_partial_fit_learns_all_classes_from_batches(solver):
    ours = model(solver, learning_rate="constant", learning_rate_init=0.03, batch_size=10)
    random = np.random.RandomState(0)
    for epoch in range(60):
        for rows in np.array_split(random.permutation(150), 5):
            ours.partial_fit(X3[rows], Y3[rows], classes=[0, 1, 2] if epoch == 0 else None)
    expected = LogisticRegression(C=60).fit(X3, Y3)  # every row has been seen 60 times
    assert ours.score(X3, Y3) >= 0.96
    assert np.mean(ours.predict(X3) == expected.predict(X3)) >= 0.96
    assert ours.coef_.shape == (3, 4)


def test_the_penalty_of_partial_fit_is_shared_by_all_rows_seen():
    # One row a call, of which nothing can be learned: only the penalty moves the weights.
    ours = ScratchLogisticRegression(C=0.5, solver="sgd", momentum=0, learning_rate_init=0.1)
    ours.partial_fit([[1.0]], [0], classes=[0, 1])
    ours.coef_ = [[1.0]]
    weight = 1.0
    for n_seen in (2, 3, 4):
        ours.partial_fit([[0.0]], [1])
        weight -= 0.1 * weight / (0.5 * n_seen)
        np.testing.assert_allclose(ours.coef_, [[weight]], rtol=1e-12)
    ours.partial_fit([[0.0]], [1], sample_weight=[4.0])
    weight -= 0.1 * weight / (0.5 * 8)
    np.testing.assert_allclose(ours.coef_, [[weight]], rtol=1e-12)


def test_partial_fit_is_for_mini_batches():
    for solver in FULL_BATCH:
        assert not hasattr(model(solver), "partial_fit")
    with pytest.raises(AttributeError) as caught:
        ScratchLogisticRegression().partial_fit  # noqa: B018
    assert "solver='sgd' and 'adam': solver='lbfgs' needs all rows" in str(caught.value.__cause__)
    with pytest.raises(ValueError, match="classes must be passed"):
        model("sgd").partial_fit(X3, Y3)
    with pytest.raises(ValueError, match="class_weight='balanced' is not possible in partial_fit"):
        model("adam", class_weight="balanced").partial_fit(X3, Y3, classes=[0, 1, 2])


@pytest.mark.parametrize("solver", STOCHASTIC)
def test_early_stopping_keeps_the_best(solver):
    params = {"batch_size": 16, "learning_rate": "constant", "n_iter_no_change": 5}
    ours = model(solver, early_stopping=True, validation_fraction=0.2, **params).fit(X3, Y3)
    assert len(ours.validation_scores_) == ours.n_iter_[0] < 400
    assert ours.best_validation_score_ == max(ours.validation_scores_)
    assert ours.best_loss_ is None
    with pytest.raises(ValueError, match="early_stopping=True is for solver='sgd' and 'adam'"):
        ScratchLogisticRegression(early_stopping=True).fit(X3, Y3)


def test_it_is_the_network_without_a_hidden_layer():
    settings = {
        "solver": "sgd",
        "max_iter": 3,
        "batch_size": 150,
        "momentum": 0.5,
        "shuffle": False,
    }
    network = ScratchMLPClassifier((), alpha=1.0, **settings, learning_rate_init=0.1)
    ours = ScratchLogisticRegression(**settings, learning_rate_init=0.1)
    network.partial_fit(X3, Y3, classes=[0, 1, 2])
    ours.partial_fit(X3, Y3, classes=[0, 1, 2])
    ours.coef_, ours.intercept_ = network.coefs_[0].T, network.intercepts_[0]
    network.set_params(warm_start=True), ours.set_params(warm_start=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(X3, Y3), ours.fit(X3, Y3)
    np.testing.assert_allclose(ours.coef_, network.coefs_[0].T, rtol=1e-10)
    np.testing.assert_allclose(ours.intercept_, network.intercepts_[0], rtol=1e-10)


# ------------------------------------------------------------------------- warm starts


@pytest.mark.parametrize("solver", sorted(set(FULL_BATCH) - {"liblinear"}))
def test_warm_start_from_a_model_that_is_certain_and_wrong(solver):
    """Its curvature is zero but for rounding: no step of a second-order method leads away."""
    rows = np.random.RandomState(0).standard_normal((20, 5))
    y = (rows[:, 0] > 0).astype(int)
    expected = ScratchLogisticRegression(solver=solver, tol=1e-8).fit(rows, y)
    ours = ScratchLogisticRegression(solver=solver, tol=1e-8, C=np.inf, warm_start=True)
    ours.fit(rows, y).set_params(C=1.0).fit(rows, y)
    np.testing.assert_allclose(ours.coef_, expected.coef_, atol=1e-4)
    ours.coef_, ours.intercept_ = -1000 * ours.coef_, 1000 * ours.intercept_
    np.testing.assert_allclose(ours.fit(rows, y).coef_, expected.coef_, atol=1e-4)


@parametrize_solvers
@parametrize_problems
@unfinished
def test_warm_start_goes_on_from_the_optimum(solver, problem):
    X, y = PROBLEMS[problem]
    ours = model(solver, warm_start=True, tol=1e-8, max_iter=500).fit(X, y)
    first = ours.coef_.copy()
    ours.set_params(max_iter=1, tol=1e-4).fit(X, y)
    np.testing.assert_allclose(ours.coef_, first, atol=0.2 if solver in STOCHASTIC else 1e-4)
    if solver in FULL_BATCH:
        assert ours.n_iter_[0] == 0
    with pytest.raises(ValueError, match="same classes as in the previous"):
        ours.fit(X[y < 2], y[y < 2] + 7)
    with pytest.raises(ValueError, match="3 features"):
        ours.fit(X[:, :3], y)


# ------------------------------------------------------------------------- coefficients


@parametrize_problems
def test_coefficients_can_be_written(problem):
    X, y = PROBLEMS[problem]
    ours = ScratchLogisticRegression().fit(X, y)
    expected = X @ (ours.coef_.T * 2) + ours.intercept_ - 1

    def raw(fitted):
        return fitted.decision_function(X).reshape(len(X), -1)

    into, assigned = clone(ours).fit(X, y), clone(ours).fit(X, y)
    into.coef_[...] *= 2
    into.intercept_[...] -= 1
    assigned.coef_ = ours.coef_ * 2
    assigned.intercept_ = (ours.intercept_ - 1).tolist()
    for changed in (into, assigned):
        np.testing.assert_allclose(raw(changed), expected, rtol=1e-12)
    for name, values in (("coef_", np.ones((7, 7))), ("intercept_", [np.nan] * len(ours.coef_))):
        with pytest.raises(ValueError, match=r"shape|NaN"):
            setattr(ours, name, values)


def test_intercepts_that_were_not_fitted_can_be_written():
    ours = ScratchLogisticRegression(fit_intercept=False).fit(X3, Y3)
    raw = ours.decision_function(X3)
    ours.intercept_[...] += [1, 2, 3]
    np.testing.assert_allclose(ours.decision_function(X3), raw + np.array([1, 2, 3]))


def test_unfitted_attributes_are_missing():
    for name in ("coef_", "intercept_"):
        with pytest.raises(AttributeError, match="not fitted yet"):
            getattr(ScratchLogisticRegression(), name)


@parametrize_problems
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix])
def test_sparsify(problem, kind):
    X, y = PROBLEMS[problem]
    rows = kind(X)
    ours = ScratchLogisticRegression(solver="fista", l1_ratio=1, C=0.1).fit(rows, y)
    before, coef = ours.decision_function(rows), ours.coef_.copy()
    assert ours.sparsify().sparsify() is ours
    assert sparse.issparse(ours.coef_)
    assert ours.coef_.nnz < coef.size
    np.testing.assert_allclose(ours.decision_function(rows), before, rtol=1e-12)
    copied = pickle.loads(pickle.dumps(ours))
    np.testing.assert_allclose(copied.predict_proba(rows), ours.predict_proba(rows))
    assert ours.densify().densify() is ours
    np.testing.assert_array_equal(ours.coef_, coef)
    ours.sparsify().set_params(warm_start=True).fit(rows, y)
    np.testing.assert_allclose(ours.coef_, coef, atol=1e-3)


def test_a_sparsified_model_is_small():
    X, y = make_classification(300, 2000, n_informative=5, random_state=0)
    ours = ScratchLogisticRegression(solver="fista", l1_ratio=1, C=0.05).fit(X, y)
    assert len(pickle.dumps(ours.sparsify())) < len(pickle.dumps(ours.densify())) / 4


# ------------------------------------------------------------------------- parameters

#: Parameters, kind of warning or error, and scikit-learn's words.
WORDED = [
    ({"penalty": "l2"}, FutureWarning, "'penalty' was deprecated"),
    ({"l1_ratio": None}, FutureWarning, "'l1_ratio=None' was deprecated"),
    ({"n_jobs": 2}, FutureWarning, "'n_jobs' has no effect"),
    ({"penalty": None, "C": 3.0}, UserWarning, "Setting penalty=None will ignore the C"),
    ({"penalty": "l1", "solver": "saga"}, UserWarning, "penalty=l1 with l1_ratio=0.0"),
    ({"penalty": "l2", "l1_ratio": 0.5}, UserWarning, "only used when penalty is 'elasticnet'"),
    ({"solver": "liblinear"}, ValueError, "does not support multiclass classification"),
    ({"solver": "lbfgs", "l1_ratio": 1}, ValueError, "Solver lbfgs supports only 'l2' or None"),
    ({"solver": "sgd", "l1_ratio": 0.5}, ValueError, "Solver sgd supports only 'l2' or None"),
    ({"dual": True}, ValueError, "Solver lbfgs supports only dual=False, got dual=True"),
    (
        {"penalty": "elasticnet", "solver": "saga", "l1_ratio": None},
        ValueError,
        "l1_ratio must be specified",
    ),
    ({"C": 0}, ValueError, "The 'C' parameter"),
    ({"solver": "newton"}, ValueError, "The 'solver' parameter"),
    ({"max_iter": -1}, ValueError, "The 'max_iter' parameter"),
]


@pytest.mark.parametrize(("params", "category", "message"), WORDED)
def test_words_about_parameters(params, category, message):
    ours = ScratchLogisticRegression(**params)
    if issubclass(category, Warning):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.warns(category, match=message) as caught:
                ours.fit(X3, Y3)
        assert {warning.filename for warning in caught} == {__file__}
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.raises(category, match=message):
                ours.fit(X3, Y3)
        assert not hasattr(ours, "coef_")


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"penalty": "l2", "C": 0.3}, {"C": 0.3}),
        ({"penalty": None}, {"C": np.inf}),
        ({"penalty": "l1", "solver": "saga"}, {"l1_ratio": 1, "solver": "saga"}),
        (
            {"penalty": "elasticnet", "solver": "saga", "l1_ratio": 0.4},
            {"solver": "saga", "l1_ratio": 0.4},
        ),
    ],
)
def test_the_old_spelling_of_the_penalty(old, new):
    X, y = load_breast_cancer(return_X_y=True)
    theirs, ours = (ScratchLogisticRegression(**params).fit(X, y) for params in (old, new))
    np.testing.assert_array_equal(theirs.coef_, ours.coef_)


@parametrize_solvers
def test_one_class_is_refused(solver):
    with pytest.raises(ValueError, match=r"at least 2 classes.*only one class: 'a'"):
        model(solver).fit(X3, np.full(150, "a", dtype=object))


def test_several_columns_of_labels_are_refused():
    with pytest.raises(ValueError, match="y should be a 1d array"):
        ScratchLogisticRegression().fit(X3, np.eye(3)[Y3])


# ------------------------------------------------------------------------- ends of a training

COMPLAINTS = {
    "lbfgs": "lbfgs failed to converge after 1 iteration",
    "newton-cholesky": "Newton solver did not converge after 1 iterations",
    "newton-cg": "newton-cg failed to converge",
    "sag": "The max_iter was reached",
    "saga": "The max_iter was reached",
    "fista": "The max_iter was reached",
    "sgd": "Stochastic Optimizer: Maximum iterations",
    "adam": "Stochastic Optimizer: Maximum iterations",
}


@parametrize_solvers
def test_max_iter_is_kept_and_said(solver):
    ours = model(solver, max_iter=1, tol=1e-9)
    with pytest.warns(ConvergenceWarning, match=COMPLAINTS[solver]) as caught:
        ours.fit(X3, Y3)
    assert ours.n_iter_[0] == 1
    assert {warning.filename for warning in caught} == {__file__}


@parametrize_solvers
@unfinished
def test_no_iteration_at_all(solver):
    ours = model(solver, max_iter=0).fit(X3, Y3)
    assert ours.n_iter_[0] == 0
    assert ours.loss_curve_ == []
    np.testing.assert_array_equal(ours.coef_, 0)
    np.testing.assert_allclose(ours.predict_proba(X3), 1 / 3)
    with pytest.raises(ValueError, match="training ended by 'max_iter' before the first epoch"):
        LossCurveDisplay.from_estimator(ours)


# Where the first gradient is zero: no feature tells the classes from each other.
AT_THE_OPTIMUM = {
    "constant features": (np.ones((12, 2)), np.arange(12) % 2, {}),
    "zeros": (np.zeros((12, 2)), np.arange(12) % 3, {"fit_intercept": False}),
    "no intercept": (np.ones((12, 2)), np.arange(12) % 3, {"fit_intercept": False}),
    "every row twice": (np.repeat(np.eye(6), 2, axis=0), np.arange(12) % 2, {"C": 3.0}),
    "sparse": (sparse.csr_matrix(np.ones((12, 2))), np.arange(12) % 2, {}),
}


@parametrize_solvers
@pytest.mark.parametrize("name", AT_THE_OPTIMUM)
@unfinished
def test_a_fit_that_begins_at_its_optimum(solver, name):
    X, y, settings = AT_THE_OPTIMUM[name]
    ours = model(solver, **settings).fit(X, y)
    rel = 1e-2 if solver in STOCHASTIC else 1e-9
    assert ours.loss_ == pytest.approx(np.log(len(ours.classes_)), rel=rel)
    assert ours.best_loss_ == pytest.approx(ours.loss_, rel=rel)
    for copied in (pickle.loads(pickle.dumps(ours)), ours.for_prediction()):
        assert copied.best_loss_ == ours.best_loss_
    if not ours.loss_curve_:
        assert ours.best_loss_ == ours.loss_
        assert (ours.n_iter_[0], ours.best_iteration_) == (0, None)
        with pytest.raises(ValueError, match="began at the optimum, with a loss of"):
            LossCurveDisplay.from_estimator(ours)


def test_the_best_loss_of_a_warm_start_at_the_optimum():
    ours = model("newton-cholesky", warm_start=True, max_iter=100).fit(X3, Y3)
    best, losses = ours.best_loss_, ours.loss_curve_
    ours.fit(X3, Y3)
    assert ours.best_loss_ == min(best, *ours.loss_curve_)
    assert ours.loss_curve_[: len(losses)] == losses


def test_a_singular_second_derivative_is_left_to_lbfgs():
    X = np.hstack([X3, X3[:, :2]])
    ours = ScratchLogisticRegression(solver="newton-cholesky", C=np.inf)
    with pytest.warns(LinAlgWarning, match="singular.*copies or sums of others.*takes over") as c:
        ours.fit(X, Y3)
    assert {warning.filename for warning in c} == {__file__}
    expected = ScratchLogisticRegression(C=np.inf).fit(X3, Y3)
    assert ours.loss_ == pytest.approx(expected.loss_, abs=1e-6)


def test_verbose_prints_iterations(capsys):
    ours = ScratchLogisticRegression(verbose=1).fit(X3, Y3)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == ours.n_iter_[0]
    assert lines[0].startswith("Iteration 1, loss = ")


@parametrize_solvers
def test_an_interrupt_leaves_the_last_whole_iteration(solver, monkeypatch):
    X, y = load_breast_cancer(return_X_y=True)
    ours = model(solver, C=10, tol=1e-9, max_iter=100).set_params(batch_size=569)
    n_left = 0
    evaluate = Objective.value_and_gradient

    def interrupting(self, *args):
        nonlocal n_left
        n_left -= 1
        if n_left == 0:
            raise KeyboardInterrupt
        return evaluate(self, *args)

    monkeypatch.setattr(Objective, "value_and_gradient", interrupting)
    # After one evaluation there is no model yet, after some there is.
    # Newton's method serves 'lbfgs' too where the problem is small.
    some = 5 if solver.startswith("newton") or solver in ("lbfgs", "sag") else 12
    for n_evaluations in (1, some):
        n_left, fresh = n_evaluations, clone(ours)
        with pytest.raises(KeyboardInterrupt):
            fresh.fit(scale(X), y)
        assert hasattr(fresh, "coef_") == (n_evaluations == some)
    assert 1 <= fresh.n_iter_[0] < some
    assert fresh.score(scale(X), y) > 0.9
    assert len(fresh.loss_curve_) == fresh.n_iter_[0]


@parametrize_solvers
@pytest.mark.parametrize("X", [np.sign(X3) * 1e308, np.full_like(X3, np.nan)], ids=["huge", "NaN"])
def test_a_failed_fit_changes_nothing(solver, X):
    ours = model(solver).fit(X3, Y3)
    before = state(ours)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ours.fit(X, Y3 + 1)
        except ValueError:
            assert state(ours) == before
        else:
            assert np.isfinite(ours.coef_).all()
            assert np.isfinite(ours.loss_)


# ------------------------------------------------------------------------- copies


@parametrize_solvers
@parametrize_problems
def test_copies_are_the_same_bit_by_bit(solver, problem, tmp_path):
    X, y = PROBLEMS[problem]
    ours = model(solver).fit(X, y)
    joblib.dump(ours, tmp_path / "model")
    mapped = joblib.load(tmp_path / "model", mmap_mode="r")
    for copied in (pickle.loads(pickle.dumps(ours)), copy.deepcopy(ours), mapped):
        assert state(copied) == state(ours)
        np.testing.assert_array_equal(copied.predict_proba(X), ours.predict_proba(X))
    mapped.set_params(warm_start=True, max_iter=1000).fit(X, y)
    mapped.coef_ = mapped.coef_ + 1
    if solver in STOCHASTIC:
        mapped.partial_fit(X, y)
    np.testing.assert_array_equal(joblib.load(tmp_path / "model").coef_, ours.coef_)


@pytest.mark.parametrize("solver", ["lbfgs", "newton-cholesky", "fista", "saga", "sgd"])
@pytest.mark.parametrize("C", [10**30, 10**400, 3], ids=["1e30", "1e400", "3"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_c_may_be_any_whole_number(C, solver):
    settings = {"solver": solver, "random_state": 0, "max_iter": 30}
    as_float = float(C) if C < 10**400 else np.inf
    ours = ScratchLogisticRegression(C=C, **settings).fit(X3, Y3)
    expected = ScratchLogisticRegression(C=as_float, **settings).fit(X3, Y3)
    np.testing.assert_array_equal(ours.coef_, expected.coef_)


# Beside such a penalty, rounding can hide that 'fista' has arrived.
@pytest.mark.filterwarnings("ignore:.*Rounding prevents:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["lbfgs", "newton-cholesky", "newton-cg", "fista", "saga"])
@pytest.mark.parametrize("C", [5e-324, 1e-310, 1e-300])
def test_the_smallest_c_leaves_the_shares_of_the_classes(C, solver):
    ours = ScratchLogisticRegression(C=C, solver=solver).fit(X3, Y3)
    assert np.abs(ours.coef_).max() < 1e-200
    shares = np.bincount(Y3) / len(Y3)
    np.testing.assert_allclose(ours.predict_proba(X3[:1])[0], shares, atol=1e-3)


@pytest.mark.parametrize("solver", ["lbfgs", "newton-cholesky", "fista", "saga"])
@pytest.mark.parametrize("tol", [10**30, 10**400], ids=["1e30", "1e400"])
def test_tol_may_be_any_whole_number(tol, solver):
    ours = ScratchLogisticRegression(tol=tol, solver=solver).fit(X3, Y3)
    assert ours.stop_reason_ == "converged"
    assert ours.n_iter_[0] <= 1
