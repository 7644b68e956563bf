"""`from_sklearn` of the networks: fitted networks of scikit-learn adopted, and given back."""

from __future__ import annotations

import gzip
import inspect
import pickle
import re
import warnings
from copy import deepcopy
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from network_twins import (
    ACTIVATIONS,
    INDICATOR,
    PAIRS,
    PREDICTIONS,
    SHORT,
    SOLVERS,
    STOCHASTIC,
    STOCHASTIC_PAIRS,
    TASKS,
    THIRDS,
    TWINS,
    X,
    assert_apart,
    kind_of,
    largest_difference,
    parameters,
    public_attributes,
    quietly,
)
from scipy import sparse
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import InconsistentVersionWarning, NotFittedError
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skneural
from skneural import (
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
)
from skneural.estimators.conversion import twin_classes
from skneural.losses import Poisson

DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32])
needs_poisson = pytest.mark.skipif(
    "loss" not in inspect.signature(MLPRegressor).parameters,
    reason="reference: scikit-learn's regressor has the Poisson loss from 1.7 on",
)


def fitted(task, dtype=np.float64, **params):
    kind, y = TASKS[task]
    return quietly(kind(**{**SHORT, **params}).fit, X.astype(dtype), y)


@cache
def fitted_by(solver, task, dtype):
    """For several tests, which leave it as it is."""
    return fitted(task, dtype, **SOLVERS[solver])


# ---------------------------------------------------------------- predictions


@DTYPES
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("task", TASKS)
def test_predictions(task, activation, dtype):
    twin = fitted(task, dtype, activation=activation)
    model = skneural.from_sklearn(twin)
    assert type(model) is TWINS[type(twin)]
    assert model.coefs_[0].dtype == dtype
    assert largest_difference(model, twin) <= PREDICTIONS[dtype]


@DTYPES
@pytest.mark.parametrize(("task", "solver"), PAIRS)
def test_predictions_after_every_solver(task, solver, dtype):
    twin = fitted_by(solver, task, dtype)
    model = TWINS[type(twin)].from_sklearn(twin)
    assert largest_difference(model, twin) <= PREDICTIONS[dtype]
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.raw_outputs(X), model.raw_outputs(X))


@needs_poisson
@DTYPES
def test_predictions_by_the_exponential(dtype):
    y = THIRDS.astype(dtype)
    twin = quietly(MLPRegressor("poisson", **SHORT, shuffle=False).fit, X.astype(dtype), y)
    model = skneural.from_sklearn(twin)
    assert model.loss == "poisson"
    assert model.out_activation_ == "exp"
    assert largest_difference(model, twin) <= PREDICTIONS[dtype]
    assert round_trip(twin)
    twin.partial_fit(X.astype(dtype), y)
    model.partial_fit(X.astype(dtype), y)
    np.testing.assert_allclose(parameters(model), parameters(twin), atol=1e-6)
    # What predicts is the fitted network, also where the parameter has been changed since.
    twin.set_params(loss="squared_error")
    assert largest_difference(skneural.from_sklearn(twin), twin) <= PREDICTIONS[dtype]


LABELS = {
    "strings": np.array(["a", "bc", "d"])[THIRDS],
    "objects": np.array(["a", "bc", "d"], dtype=object)[THIRDS],
    "booleans": THIRDS > 1,
    "small integers": THIRDS.astype(np.int8),
    "large integers": THIRDS.astype(np.int64) - 2**40,
    "floats": THIRDS * 2.0,
}


@pytest.mark.parametrize("labels", LABELS)
def test_labels_are_of_the_same_dtype(labels):
    twin = quietly(MLPClassifier(**SHORT).fit, X, LABELS[labels])
    model = skneural.from_sklearn(twin)
    assert model.classes_.dtype == twin.classes_.dtype
    assert model.predict(X).dtype == twin.predict(X).dtype
    assert largest_difference(model, twin) <= 1e-12
    model.partial_fit(X, LABELS[labels])
    assert model.predict(X).dtype == twin.predict(X).dtype


def test_sparse_labels_are_predicted_sparse():
    twin = quietly(MLPClassifier(**SHORT).fit, X, sparse.csr_matrix(INDICATOR))
    model = skneural.from_sklearn(twin)
    assert sparse.issparse(model.predict(X))
    assert largest_difference(model, twin) <= 1e-12
    assert sparse.issparse(model.to_sklearn().predict(X))


def test_names_of_features():
    frame = pd.DataFrame(X, columns=list("abcd"))
    twin = quietly(MLPClassifier(**SHORT).fit, frame, THIRDS)
    model = skneural.from_sklearn(twin)
    np.testing.assert_array_equal(model.feature_names_in_, list("abcd"))
    np.testing.assert_array_equal(model.predict(frame), twin.predict(frame))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[list("bacd")])
    assert not hasattr(skneural.from_sklearn(fitted("binary")), "feature_names_in_")


def test_rows_that_are_sparse():
    twin = quietly(MLPClassifier(**SHORT).fit, sparse.csr_matrix(X), THIRDS)
    model = skneural.from_sklearn(twin)
    found = model.predict_proba(sparse.csr_matrix(X))
    np.testing.assert_allclose(found, twin.predict_proba(sparse.csr_matrix(X)), atol=1e-12)


# ---------------------------------------------------------------- further training


@DTYPES
@pytest.mark.parametrize(("task", "solver"), STOCHASTIC_PAIRS)
def test_partial_fit_goes_on(task, solver, dtype):
    y = TASKS[task][1]
    twin = fitted(task, dtype, **SOLVERS[solver], shuffle=False)
    model = skneural.from_sklearn(twin)
    start = parameters(model)
    for _ in range(3):
        model.partial_fit(X.astype(dtype), y)
        twin.partial_fit(X.astype(dtype), y)
        assert np.max(np.abs(parameters(twin) - parameters(model))) <= 1e-6
    assert np.max(np.abs(parameters(model) - start)) > 1e-4
    assert model.t_ == twin.t_
    assert model.best_loss_ == pytest.approx(twin.best_loss_, abs=1e-5)
    np.testing.assert_allclose(model.loss_curve_, twin.loss_curve_, atol=1e-5)


@pytest.mark.parametrize("solver", STOCHASTIC)
def test_partial_fit_of_a_network_trained_by_partial_fit(solver):
    params = {**SHORT, **SOLVERS[solver], "shuffle": False}
    twin = MLPClassifier(**params).partial_fit(X, THIRDS, classes=[0, 1, 2])
    twin.partial_fit(X[:40], THIRDS[:40])
    model = skneural.from_sklearn(twin)
    model.partial_fit(X[20:], THIRDS[20:])
    twin.partial_fit(X[20:], THIRDS[20:])
    np.testing.assert_allclose(parameters(model), parameters(twin), atol=1e-9)
    assert (model.n_iter_, model.t_) == (twin.n_iter_, twin.t_)


def test_the_next_call_of_a_seed_shuffles_the_same():
    twin = fitted("binary")
    model = skneural.from_sklearn(twin)
    y = TASKS["binary"][1]
    model.partial_fit(X, y)
    twin.partial_fit(X, y)
    np.testing.assert_allclose(parameters(model), parameters(twin), atol=1e-9)


@pytest.mark.parametrize(
    ("task", "solver"),
    [pair for pair in PAIRS if pair != ("multiclass", "early stopping") and "lbfgs" not in pair],
)
def test_warm_start_goes_on(task, solver):
    y = TASKS[task][1]
    twin = fitted(task, **SOLVERS[solver], warm_start=True)
    model = skneural.from_sklearn(twin)
    quietly(model.fit, X, y)
    quietly(twin.fit, X, y)
    np.testing.assert_allclose(model.loss_curve_, twin.loss_curve_, atol=1e-9)
    assert model.n_iter_ == twin.n_iter_
    if solver == "early stopping":
        np.testing.assert_allclose(model.validation_scores_, twin.validation_scores_, atol=1e-9)
        assert model.best_validation_score_ == pytest.approx(twin.best_validation_score_)
    else:  # where scikit-learn goes on training the weights that it has kept as the best
        np.testing.assert_allclose(parameters(model), parameters(twin), atol=1e-9)


def test_warm_start_of_lbfgs():
    twin = fitted("one number", solver="lbfgs", warm_start=True)
    model = skneural.from_sklearn(twin)
    before = model.loss_
    assert quietly(model.fit, X, TASKS["one number"][1]).loss_ < before
    model.set_params(solver="adam").partial_fit(X, TASKS["one number"][1])


def test_what_has_been_adopted_has_no_fit_to_resume():
    model = skneural.from_sklearn(fitted("binary"))
    with pytest.raises(ValueError, match="resume continues a fit"):
        model.resume(X, TASKS["binary"][1])


def test_what_scikit_learn_has_not_kept_is_no_number():
    twin = fitted("multiclass", early_stopping=True, warm_start=True)
    model = skneural.from_sklearn(twin)
    n_epochs = len(twin.loss_curve_)
    assert model.validation_scores_ == twin.validation_scores_
    assert np.all(np.isnan(model.validation_loss_curve_))
    assert [len(model.validation_loss_curve_), len(model.history_)] == [n_epochs, n_epochs]
    assert model.history_[0]["loss"] == twin.loss_curve_[0]
    assert model.history_[0]["learning_rate"] == twin.learning_rate_init
    assert model.best_iteration_ == 1 + int(np.argmax(twin.validation_scores_))
    assert model.stop_reason_ == ""
    quietly(model.fit, X, TASKS["multiclass"][1])
    assert np.isfinite(model.validation_loss_curve_[n_epochs:]).all()
    assert len(model.to_sklearn().validation_scores_) == len(model.loss_curve_) > n_epochs


def test_parameters_that_only_ours_have_act_in_further_training():
    for solver, more in (("sgd", {"l1_ratio": 0.5, "alpha": 1.0}), ("adam", {"dropout": 0.3})):
        model = skneural.from_sklearn(fitted("multiclass", solver=solver)).set_params(**more)
        model.partial_fit(X, TASKS["multiclass"][1])
        assert np.all(np.isfinite(parameters(model)))
    model.set_params(solver="adamw").partial_fit(X, TASKS["multiclass"][1])


# ---------------------------------------------------------------- there and back


def round_trip(twin):
    """Whether scikit-learn's network comes back as it was, in all that is public."""
    back = skneural.from_sklearn(twin).to_sklearn()
    assert type(back) is type(twin)
    assert repr(back.get_params()) == repr(twin.get_params())
    before, after = public_attributes(twin), public_attributes(back)
    assert set(after) == set(before)
    for name, value in before.items():
        assert kind_of(after[name]) == kind_of(value), name
        np.testing.assert_equal(after[name], value, err_msg=name)
    return True


@DTYPES
@pytest.mark.parametrize(("task", "solver"), PAIRS)
def test_there_and_back(task, solver, dtype):
    twin = fitted_by(solver, task, dtype)
    assert round_trip(twin)
    if solver in STOCHASTIC:
        assert round_trip(deepcopy(twin).partial_fit(X.astype(dtype), TASKS[task][1]))


ODD_PARAMETERS = {
    "a generator": {"random_state": np.random.RandomState(7)},
    "no seed": {"random_state": None},
    "sizes in an array": {"hidden_layer_sizes": np.array([3, 2])},
    "a single size": {"hidden_layer_sizes": 5},
    "no hidden layer": {"hidden_layer_sizes": ()},
    "no patience": {"n_iter_no_change": np.inf, "tol": 0.0},
    "one large batch": {"batch_size": "auto", "verbose": 0, "alpha": np.float32(0.1)},
    "names of lists": {"hidden_layer_sizes": [4]},
}


@pytest.mark.parametrize("name", ODD_PARAMETERS)
def test_there_and_back_of_odd_parameters(name):
    twin = fitted("multiclass", **ODD_PARAMETERS[name])
    back = skneural.from_sklearn(twin).to_sklearn()
    for each, value in twin.get_params().items():
        found = back.get_params()[each]
        assert type(found) is type(value)
        if isinstance(value, np.random.RandomState):
            assert found is not value
            found, value = found.get_state()[1], value.get_state()[1]
        np.testing.assert_array_equal(found, value)
    assert largest_difference(skneural.from_sklearn(twin), twin) <= 1e-12


def test_ours_there_and_back():
    """The other way round: the adopted copy goes on where the source stands."""
    for solver in ("adam", "sgd, adaptive"):
        model = ScratchMLPClassifier(**{**SHORT, **SOLVERS[solver], "shuffle": False})
        quietly(model.fit, X, THIRDS)
        back = skneural.from_sklearn(model.to_sklearn())
        np.testing.assert_array_equal(back.predict_proba(X), model.predict_proba(X))
        for _ in range(2):
            model.partial_fit(X, THIRDS)
            back.partial_fit(X, THIRDS)
        np.testing.assert_allclose(parameters(back), parameters(model), atol=1e-9)
        assert back.best_iteration_ == model.best_iteration_


def test_nothing_is_shared():
    frame = pd.DataFrame(X, columns=list("abcd"))
    params = {**SHORT, "hidden_layer_sizes": np.array([6, 3]), "early_stopping": True}
    twin = quietly(MLPClassifier(**params).fit, frame, THIRDS)
    model = skneural.from_sklearn(twin)
    assert_apart(model, twin)
    before, curve = model.predict_proba(frame), list(model.loss_curve_)
    for array in [*twin.coefs_, *twin.intercepts_]:
        array[...] = 7
    twin.loss_curve_.append(0.0)
    np.testing.assert_array_equal(model.predict_proba(frame), before)
    assert model.loss_curve_ == curve
    model.coefs_[0][...] = 0
    assert np.all(twin.coefs_[0] == 7)


def test_the_page_runs_as_it_stands(capsys):
    page = (Path(__file__).parents[1] / "docs" / "to_and_from_sklearn.rst").read_text()
    (block,) = re.findall(r"code-block:: python\n\n((?:   .*\n|\n)+)", page)
    names = {}
    quietly(exec, re.sub("^   ", "", block, flags=re.MULTILINE), names)
    assert "sklearn.neural_network" in capsys.readouterr().out
    assert names["adopted"].t_ == names["theirs"].t_ + len(names["X"])
    assert names["theirs"].t_ == names["ours"].t_ + len(names["X"])


# ---------------------------------------------------------------- networks of earlier versions

GOLDEN = Path(__file__).parent / "golden" / "networks_of_scikit_learn_1_6_0.pickle.gz"
EARLIER = pickle.loads(gzip.decompress(GOLDEN.read_bytes()))


@pytest.mark.parametrize("name", EARLIER, ids=" ".join)
def test_pickles_of_an_earlier_version(name):
    """Fitted and pickled by scikit-learn 1.6.0, with what it predicted and learnt next."""
    golden = EARLIER[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        twin = pickle.loads(golden["pickle"])
    model = skneural.from_sklearn(twin)
    outputs = getattr(model, "predict_proba", model.predict)(X)
    np.testing.assert_allclose(outputs, golden["outputs"], atol=1e-12)
    if golden["after"] is not None:
        model.partial_fit(X, TASKS[name[0]][1])
        np.testing.assert_allclose(parameters(model), golden["after"], atol=1e-6)


@pytest.mark.parametrize("task", ["multiclass", "one number"])
def test_what_a_file_may_lack(task):
    """Parameters and attributes that a version did not have are as by default."""
    twin = fitted(task)
    lacking = ("max_fun", "best_loss_", "_no_improvement_count", "_optimizer", "loss_curve_", "t_")
    for name in lacking:
        delattr(twin, name)
    model = skneural.from_sklearn(twin)
    assert model.max_fun == 15000
    assert largest_difference(model, twin) <= 1e-12
    model.partial_fit(X, TASKS[task][1])


# ---------------------------------------------------------------- what is not adopted


class Harmless(MLPClassifier):
    """With other defaults, and a method more."""

    def __init__(self, hidden_layer_sizes=(3,), activation="tanh", **params):
        super().__init__(hidden_layer_sizes, activation, **params)

    def describe(self):
        """Not of scikit-learn."""
        return "mine"


class Clipped(MLPRegressor):
    """Predicts something else."""

    def predict(self, X):
        return np.clip(super().predict(X), 0, 1)


class MoreClipped(Clipped):
    """Inherits that."""


def test_subclasses_that_change_nothing_are_adopted():
    twin = quietly(Harmless(max_iter=3, random_state=0).fit, X, THIRDS)
    model = skneural.from_sklearn(twin)
    assert type(model) is ScratchMLPClassifier
    assert model.hidden_layer_sizes == (3,)
    assert largest_difference(model, twin) <= 1e-12


def test_our_own_subclasses_adopt():
    class Mine(ScratchMLPClassifier):
        pass

    assert type(Mine.from_sklearn(fitted("binary"))) is Mine


PIPELINE = make_pipeline(StandardScaler(), MLPClassifier(**SHORT))
NUMBERS = TASKS["one number"][1]
#: Who adopts, what it is given, and the error.
REFUSED = {
    "not fitted": (ScratchMLPClassifier, MLPClassifier(), NotFittedError, "MLPClassifier instance"),
    "a regressor not fitted": (
        ScratchMLPRegressor,
        MLPRegressor(),
        NotFittedError,
        "MLPRegressor instance",
    ),
    "the other one": (
        ScratchMLPClassifier,
        fitted("one number"),
        TypeError,
        r"^ScratchMLPClassifier\.from_sklearn takes a fitted MLPClassifier .*not MLPRegressor",
    ),
    "a forest": (
        ScratchMLPRegressor,
        RandomForestClassifier(),
        TypeError,
        "fitted MLPRegressor of scikit-learn, not RandomForestClassifier",
    ),
    "ours": (
        ScratchMLPClassifier,
        ScratchMLPClassifier(),
        TypeError,
        "not ScratchMLPClassifier",
    ),
    "the class itself": (ScratchMLPClassifier, MLPClassifier, TypeError, "not the class"),
    "own predictions": (
        ScratchMLPRegressor,
        quietly(Clipped(**SHORT).fit, X, NUMBERS),
        TypeError,
        "Clipped has predict of its own",
    ),
    "inherited own predictions": (
        ScratchMLPRegressor,
        quietly(MoreClipped(**SHORT).fit, X, NUMBERS),
        TypeError,
        "MoreClipped has predict of its own",
    ),
    "a single class": (
        ScratchMLPClassifier,
        quietly(MLPClassifier(**SHORT).fit, X, np.ones(60, int)),
        ValueError,
        "^classes_ holds a single class",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    ours, given, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        ours.from_sklearn(given)


@pytest.mark.parametrize(
    "given", [PIPELINE, RandomForestClassifier(), ScratchMLPClassifier(), MLPClassifier, None, 3]
)
def test_the_error_names_all_that_can_be_adopted(given):
    message = (
        "^from_sklearn takes a fitted MLPClassifier or MLPRegressor or LogisticRegression or "
        f"Perceptron of scikit-learn, not {re.escape(type(given).__name__)}. .* last step"
    )
    with pytest.raises(TypeError, match=message):
        skneural.from_sklearn(given)


def test_the_class_is_found_by_that_of_the_model():
    assert twin_classes() == {
        MLPClassifier: ScratchMLPClassifier,
        MLPRegressor: ScratchMLPRegressor,
        LogisticRegression: ScratchLogisticRegression,
        Perceptron: ScratchPerceptron,
    }
    clipped = quietly(clone(Clipped(**SHORT)).fit, X, NUMBERS)
    with pytest.raises(TypeError, match=r"ScratchMLPRegressor\.from_sklearn .*predict of its own"):
        skneural.from_sklearn(clipped)
    fitted_loss = skneural.from_sklearn(fitted("one number"))
    assert fitted_loss.loss == "squared_error" != Poisson()
