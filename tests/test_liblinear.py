"""solver='liblinear': the intercept is penalised too, as by the solver of that name."""

from __future__ import annotations

import copy
import pickle
import re

import numpy as np
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import scale
from stopped_fits import SINCE_1_9, stop_after

from skneural import ScratchLogisticRegression
from skneural.arrays.matrices import with_constant_column
from skneural.convex import fista

IS_1_9 = tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 9)
unfinished = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = make_classification(120, 6, n_informative=4, flip_y=0.1, random_state=0)
X = X + np.linspace(-2, 2, 6)


def ours(**params):
    return ScratchLogisticRegression(solver="liblinear", **params)


def theirs(**params):
    """scikit-learn's, in the spelling of its version."""
    if not IS_1_9 and "l1_ratio" in params:
        params["penalty"] = "l1" if params.pop("l1_ratio") else "l2"
    return LogisticRegression(solver="liblinear", random_state=0, **params)


def objective(model, X, y, weight, *, C=1.0, l1_ratio=0, intercept_scaling=1.0, **_):
    """As liblinear has it, from the coefficients of either side."""
    raw = X @ model.coef_[0] + model.intercept_
    losses = np.logaddexp(0, np.where(y == model.classes_[1], -1, 1) * raw)
    every = np.append(model.coef_[0], model.intercept_ / intercept_scaling)
    return C * weight @ losses + (np.abs(every).sum() if l1_ratio else every @ every / 2)


# ------------------------------------------------------------------------- the optimum


def stretched():
    return X * np.logspace(-4, 4, 6), Y


def shifted():
    return X + 300.0, Y


def wide():
    many, y = make_classification(40, 300, n_informative=20, random_state=1)
    return many, y


def wide_and_shifted():
    many, y = wide()
    return many * np.logspace(-3, 3, 300) + 10.0, y


def bags():
    random = np.random.RandomState(0)
    counts = random.poisson(0.15, (80, 150)) * (random.rand(150) + 0.5)
    return sparse.csc_matrix(counts), (counts[:, :20].sum(axis=1) > 2.5).astype(int)


def outlier():
    changed = X.copy()
    changed[3, 2], changed[7:9, 1] = 1e6, -999
    return changed, Y


DATA = {
    "breast_cancer, unscaled": lambda: load_breast_cancer(return_X_y=True),
    "breast_cancer, scaled": lambda: (
        scale(load_breast_cancer().data),
        load_breast_cancer().target,
    ),
    "small": lambda: (X, Y),
    "single precision": lambda: (X.astype(np.float32), Y),
    "copies": lambda: (np.hstack([X, X[:, :2], np.ones((120, 1))]), Y),
    "rare class": lambda: (X, (np.arange(120) < 4).astype(int)),
    "stretched": stretched,
    "shifted": shifted,
    "wide": wide,
    "wide, shifted": wide_and_shifted,
    "sparse": bags,
    "outlier": outlier,
}


@unfinished
@pytest.mark.parametrize("l1_ratio", [0, 1])
@pytest.mark.parametrize("name", DATA)
def test_no_higher_than_theirs(name, l1_ratio):
    data, y = DATA[name]()
    random = np.random.RandomState(1)
    weights = [np.ones(len(y)), random.choice([0.0, 0.3, 1.0, 20.0], len(y))]
    for i, (C, scaling) in enumerate([(1e-3, 1000.0), (1.0, 0.1), (1.0, 100.0), (1e4, 1.0)]):
        weight = weights[i % 2]
        params = {"C": C, "l1_ratio": l1_ratio, "intercept_scaling": scaling}
        dual = {"dual": l1_ratio == 0 and i == 1}
        found, reference = (
            objective(model.fit(data, y, weight), data, y, weight, **params)
            for model in (ours(**params, **dual), theirs(**params, **dual))
        )
        assert found <= reference * (1 + 1e-6), params


@unfinished
@pytest.mark.parametrize("data", [wide, wide_and_shifted])
def test_more_weights_than_newton_steps_may_have(data, monkeypatch):
    """Each goes on from the most important weights, of which most become zero."""
    rows, y = data()
    params = {"C": 10.0, "l1_ratio": 1}
    values = []
    for most in (1500, 60):
        monkeypatch.setattr(fista, "MAX_NEWTON_PARAMS", most)
        model = ours(**params).fit(rows, y)
        assert np.count_nonzero(model.coef_) <= len(y)
        values.append(objective(model, rows, y, np.ones(len(y)), **params))
    assert values[1] == pytest.approx(values[0], rel=1e-6)


@pytest.mark.parametrize("class_weight", ["balanced", {0: 3.0, 1: 0.2}])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize(
    "params", [{"l1_ratio": 0}, {"l1_ratio": 0, "dual": True}, {"l1_ratio": 1}], ids=repr
)
def test_coefficients_are_theirs(params, fit_intercept, class_weight):
    for C, scaling in ((0.05, 5.0), (2.0, 0.3)):
        settings = {
            **params,
            "C": C,
            "intercept_scaling": scaling,
            "class_weight": class_weight,
            "fit_intercept": fit_intercept,
            "tol": 1e-10,
            "max_iter": 100_000,
        }
        found, reference = ours(**settings).fit(X, Y), theirs(**settings).fit(X, Y)
        np.testing.assert_allclose(found.coef_, reference.coef_, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(found.intercept_, reference.intercept_, rtol=1e-5, atol=1e-7)
        np.testing.assert_array_equal(found.predict(X), reference.predict(X))
        np.testing.assert_allclose(found.predict_proba(X), reference.predict_proba(X), atol=1e-6)
        assert (found.coef_ == 0).tolist() == (reference.coef_ == 0).tolist()


def test_what_loss_says():
    weight = np.linspace(0.5, 2, 120)
    for params in ({"C": 0.3, "intercept_scaling": 20.0}, {"C": 0.3, "l1_ratio": 1}):
        model = ours(**params).fit(X, Y, weight)
        expected = objective(model, X, Y, weight, **params) / (0.3 * weight.sum())
        assert model.loss_ == pytest.approx(expected, rel=1e-12)
        assert model.loss_ == model.loss_curve_[-1]


def test_a_large_scaling_frees_the_intercept():
    free = ScratchLogisticRegression(tol=1e-9).fit(X, Y)
    model = ours(intercept_scaling=1e4, tol=1e-9).fit(X, Y)
    np.testing.assert_allclose(model.intercept_, free.intercept_, rtol=1e-4)
    penalised = ours(intercept_scaling=0.01).fit(X, Y)
    assert abs(penalised.intercept_[0]) < 0.01 * abs(free.intercept_[0])


# ------------------------------------------------------------------------- shapes and types


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, sparse.csc_array])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_shapes_and_types_are_theirs(kind, fit_intercept):
    rows = kind(X.astype(np.float32))
    before = rows.copy()
    labels = np.array(["no", "yes"])[Y]
    found, reference = (
        each(fit_intercept=fit_intercept).fit(rows, labels) for each in (ours, theirs)
    )
    for name in ("coef_", "classes_", "n_iter_"):
        values, expected = getattr(found, name), getattr(reference, name)
        assert (values.shape, values.dtype) == (expected.shape, expected.dtype), name
    assert found.intercept_.shape == (1,)
    assert (found.intercept_[0] == 0) == (not fit_intercept)
    assert (found.predict(rows) == reference.predict(rows)).mean() > 0.99
    for method in ("decision_function", "predict_proba"):
        values, expected = getattr(found, method)(rows), getattr(reference, method)(rows)
        assert (values.shape, values.dtype) == (expected.shape, expected.dtype), method
    np.testing.assert_array_equal(abs(rows - before).sum(), 0)


@pytest.mark.parametrize(
    "kind", [np.asarray, sparse.csr_matrix, sparse.csr_array, sparse.csc_matrix]
)
def test_a_constant_column(kind):
    rows = kind(np.where(np.abs(X) > 1, X, 0))
    extended = with_constant_column(rows, 2.5)
    assert extended.dtype == rows.dtype
    assert getattr(extended, "format", "csr") == "csr"
    dense, before = (m.toarray() if sparse.issparse(m) else m for m in (extended, rows))
    np.testing.assert_array_equal(dense, np.column_stack([before, np.full(120, 2.5)]))


def test_no_random_numbers():
    state = np.random.RandomState(3)
    first = ours(random_state=state, dual=True).fit(X, Y)
    np.testing.assert_array_equal(ours(random_state=7, dual=True).fit(X, Y).coef_, first.coef_)
    assert state.randint(10**6) == np.random.RandomState(3).randint(10**6)


# ------------------------------------------------------------------------- words

#: What scikit-learn refuses or warns of, too, in the same words.
REFUSED = [
    ({"C": np.inf}, "C=np.inf as well as penalty=None is not supported for the liblinear solver"),
    ({"l1_ratio": 0.5}, "Only 'saga' solver supports elasticnet penalty, got solver=liblinear."),
    (
        {"l1_ratio": 1, "dual": True},
        (
            "Unsupported set of arguments: The combination of penalty='l1' and "
            "loss='logistic_regression' are not supported when dual=True, Parameters: "
            "penalty='l1', loss='logistic_regression', dual=True"
        ),
    ),
]


@pytest.mark.parametrize(("params", "message"), REFUSED, ids=str)
def test_refused_in_their_words(params, message):
    for each in (ours, theirs) if IS_1_9 else (ours,):
        with pytest.raises(ValueError, match=re.escape(message)):
            each(**params).fit(X, Y)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"penalty": None}, "not supported for the liblinear solver"),
        ({"penalty": "l2", "C": np.inf}, "not supported for the liblinear solver"),
        ({"penalty": "elasticnet", "l1_ratio": 0.3}, "Only 'saga' solver supports elasticnet"),
        ({"penalty": "l1", "dual": True}, "are not supported when dual=True"),
        ({"dtype": "float32"}, "computes in float64.*got dtype='float32'"),
        ({"early_stopping": True}, "early_stopping=True is for solver='sgd' and 'adam'"),
        ({"intercept_scaling": 0}, "'intercept_scaling' parameter"),
        ({"intercept_scaling": -1.0, "fit_intercept": False}, "'intercept_scaling' parameter"),
    ],
    ids=str,
)
def test_refused(params, message):
    model = ours(**params)
    with pytest.raises(ValueError, match=message):
        model.fit(X, Y)
    assert not hasattr(model, "coef_")


def test_two_classes_only():
    three = np.arange(120) % 3
    words = (
        "The 'liblinear' solver does not support multiclass classification (n_classes >= 3). "
        "Either use another solver or wrap the estimator in a OneVsRestClassifier to keep applying "
        "a one-versus-rest scheme."
    )
    for each in (ours, theirs) if IS_1_9 else (ours,):
        with pytest.raises(ValueError, match=re.escape(words)):
            each().fit(X, three)
    with pytest.raises(ValueError, match="at least 2 classes"):
        ours().fit(X, np.zeros(120))
    assert OneVsRestClassifier(ours()).fit(X, three).predict(X).shape == (120,)
    assert not hasattr(ours(), "partial_fit")


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_the_old_spelling_of_the_penalty():
    for penalty, l1_ratio in (("l1", 1), ("l2", 0)):
        old = ours(penalty=penalty, l1_ratio=l1_ratio, n_jobs=2).fit(X, Y)
        np.testing.assert_array_equal(old.coef_, ours(l1_ratio=l1_ratio).fit(X, Y).coef_)
    with pytest.warns(FutureWarning, match="'n_jobs' has no effect"):
        ours(n_jobs=2).fit(X, Y)


@pytest.mark.parametrize("params", [{"l1_ratio": 0}, {"l1_ratio": 1}, {"dual": True}], ids=str)
def test_max_iter_is_kept_and_said(params):
    message = "Liblinear failed to converge, increase the number of iterations."
    for each in (ours, theirs):
        with pytest.warns(ConvergenceWarning, match=message) as caught:
            model = each(max_iter=1, tol=1e-9, **params).fit(X, Y)
        assert model.n_iter_.tolist() == [1]
        assert each is theirs or {warning.filename for warning in caught} == {__file__}


def test_no_iteration_at_all():
    with pytest.warns(ConvergenceWarning, match="Liblinear failed to converge"):
        model = ours(max_iter=0).fit(X, Y)
    assert not model.coef_.any()
    assert model.intercept_.tolist() == [0]


def test_verbose_prints_iterations(capsys):
    model = ours(verbose=1).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == model.n_iter_[0]
    assert lines[0].startswith("Iteration 1, loss = ")


# ------------------------------------------------------------------------- going on, copies


def test_warm_start_is_without_effect_as_theirs():
    cold = ours().fit(X, Y)
    warm = ours(warm_start=True).fit(X[:, :3], np.array(["a", "b"])[Y]).fit(X, Y)
    np.testing.assert_array_equal(warm.coef_, cold.coef_)
    assert warm.loss_curve_ == cold.loss_curve_
    theirs(warm_start=True).fit(X[:, :3], np.array(["a", "b"])[Y]).fit(X, Y)


@unfinished
def test_another_solver_goes_on_from_its_model():
    model = ours(intercept_scaling=50.0, tol=1e-9).fit(X, Y)
    before = model.decision_function(X)
    model.set_params(solver="lbfgs", warm_start=True, max_iter=0).fit(X, Y)
    np.testing.assert_allclose(model.decision_function(X), before, rtol=1e-12)
    model.set_params(solver="liblinear", max_iter=100, intercept_scaling=1.0).fit(X, Y)
    np.testing.assert_array_equal(model.coef_, ours(tol=1e-9).fit(X, Y).coef_)


@SINCE_1_9
@unfinished
@pytest.mark.parametrize("l1_ratio", [0, 1])
def test_what_a_callback_is_shown(l1_ratio):
    settings = {"intercept_scaling": 30.0, "tol": 1e-12, "C": 10.0, "l1_ratio": l1_ratio}
    stopped = ours(**settings).set_callbacks(stop_after(2)).fit(X, Y)
    expected = ours(**settings, max_iter=2).fit(X, Y)
    np.testing.assert_array_equal(stopped.coef_, expected.coef_)
    np.testing.assert_array_equal(stopped.intercept_, expected.intercept_)
    value = objective(stopped, X, Y, np.ones(120), **settings)
    assert stopped.loss_ == pytest.approx(value / (10 * 120), rel=1e-10)


@unfinished
def test_copies():
    for max_iter in (2, 100):
        model = ours(intercept_scaling=30.0, max_iter=max_iter).fit(X, Y)
        probability = model.predict_proba(X)
        copies = pickle.loads(pickle.dumps(model)), copy.deepcopy(model), model.for_prediction()
        for copied in (*copies, clone(model).fit(X, Y)):
            np.testing.assert_array_equal(copied.predict_proba(X), probability)
        np.testing.assert_allclose(copies[0].sparsify().predict_proba(X), probability)
        with pytest.raises(ValueError, match="for_prediction"):
            copies[2].set_params(solver="lbfgs", warm_start=True).fit(X, Y)


def test_written_coefficients():
    model = ours(intercept_scaling=30.0).fit(X, Y)
    raw = model.decision_function(X)
    model.intercept_ = model.intercept_ + 1
    np.testing.assert_allclose(model.decision_function(X), raw + 1)
    model.coef_[...] *= 2
    np.testing.assert_allclose(model.decision_function(X), X @ model.coef_[0] + model.intercept_)
    gradients = model.input_gradients(X, output=0)
    np.testing.assert_allclose(gradients, np.broadcast_to(model.coef_, X.shape))


def test_a_failed_fit_changes_nothing():
    model = ours(intercept_scaling=30.0).fit(X, Y)
    before = pickle.dumps(model)
    bad = [
        (X * np.nan, Y, "not finite"),
        (X, np.arange(120) % 3, "multiclass"),
        (X[:50], Y, "inconsistent numbers"),
    ]
    for rows, labels, message in bad:
        with pytest.raises(ValueError, match=message):
            model.fit(rows, labels)
        assert pickle.dumps(model) == before
