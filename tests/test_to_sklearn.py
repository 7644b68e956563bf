"""`to_sklearn` of the networks: a genuine fitted network of scikit-learn, which trains on."""

from __future__ import annotations

import inspect
import pickle
import warnings
from functools import cache

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
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
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import MLPClassifier, MLPRegressor

from skneural import (
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
)
from skneural import activations as ours
from skneural.losses import (
    AbsoluteError,
    Focal,
    Gamma,
    Huber,
    Link,
    LogLoss,
    Poisson,
    Quantile,
    RegressionLoss,
    SquaredError,
)
from skneural.optimizers import SGD, AdaGrad, Adam, AdamW, NAdam, RMSprop
from skneural.schedules import Adaptive, Constant, Cosine, InverseScaling, ReduceOnPlateau

HAS_POISSON = "loss" in inspect.signature(MLPRegressor).parameters
needs_poisson = pytest.mark.skipif(
    not HAS_POISSON, reason="reference: scikit-learn's regressor has the Poisson loss from 1.7 on"
)
DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32])
COUNTS = THIRDS.astype(float)


def fitted(task, dtype=np.float64, **params):
    kind, y = TASKS[task]
    model = TWINS[kind](**{**SHORT, **params})
    return quietly(model.fit, X.astype(dtype), y)


@cache
def fitted_by(solver, task, dtype):
    """For several tests, which leave it as it is."""
    return fitted(task, dtype, **SOLVERS[solver])


# ---------------------------------------------------------------- predictions


@DTYPES
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("task", TASKS)
def test_predictions(task, activation, dtype):
    model = fitted(task, dtype, activation=activation)
    twin = model.to_sklearn()
    assert type(twin) is TASKS[task][0]
    assert all(array.dtype == dtype for array in [*twin.coefs_, *twin.intercepts_])
    assert largest_difference(model, twin) <= PREDICTIONS[dtype]


@DTYPES
@pytest.mark.parametrize(("task", "solver"), PAIRS)
def test_predictions_after_every_solver(task, solver, dtype):
    model = fitted_by(solver, task, dtype)
    assert largest_difference(model, model.to_sklearn()) <= PREDICTIONS[dtype]


@needs_poisson
@DTYPES
@pytest.mark.parametrize("loss", ["poisson", "gamma"])
def test_predictions_by_the_exponential(loss, dtype):
    model = ScratchMLPRegressor(loss, **SHORT)
    quietly(model.fit, X.astype(dtype), COUNTS + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if loss == "gamma" else "error")
        twin = model.to_sklearn()
    assert (twin.loss, twin.out_activation_) == ("poisson", "exp")
    assert largest_difference(model, twin) <= PREDICTIONS[dtype]


LABELS = {
    "integers": THIRDS - 1,
    "small integers": THIRDS.astype(np.int8),
    "large integers": THIRDS.astype(np.int64) + 2**40,
    "floats": THIRDS * 2.0,
    "strings": np.array(["a", "bc", "d"])[THIRDS],
    "two strings": np.array(["yes", "no"])[THIRDS // 2],
    "objects": np.array(["a", "bc", "d"], dtype=object)[THIRDS],
    "booleans": THIRDS > 1,
    "a list": THIRDS.tolist(),
    "a column": THIRDS[:, np.newaxis],
    "a categorical series": pd.Series(np.array(["a", "bc", "d"])[THIRDS], dtype="category"),
}


@pytest.mark.parametrize("labels", LABELS)
def test_labels_are_of_the_same_dtype(labels):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ScratchMLPClassifier(**SHORT).fit(X, LABELS[labels])
    twin = model.to_sklearn()
    for name in ("classes_", "predicted"):
        mine, theirs = (
            each.classes_ if name == "classes_" else each.predict(X) for each in (model, twin)
        )
        assert mine.dtype == theirs.dtype
        np.testing.assert_array_equal(mine, theirs)
    twin.partial_fit(X, model.predict(X))


@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csr_array, np.asarray])
def test_sparse_labels_are_predicted_sparse(form):
    model = quietly(ScratchMLPClassifier(**SHORT).fit, X, form(INDICATOR))
    twin = model.to_sklearn()
    assert sparse.issparse(twin.predict(X)) == (form is not np.asarray)
    assert largest_difference(model, twin) <= 1e-12
    twin.partial_fit(X, form(INDICATOR))


def test_networks_without_hidden_layers():
    params = {**SHORT, "hidden_layer_sizes": ()}
    for activation in ("gelu", ["tanh"][:0], "tanh"):
        model = quietly(ScratchMLPClassifier(**{**params, "activation": activation}).fit, X, THIRDS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore" if activation == "gelu" else "error")
            twin = model.to_sklearn()
        assert twin.activation == ("tanh" if activation == "tanh" else "relu")
        assert largest_difference(model, twin) <= 1e-12


def test_names_of_features():
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = quietly(ScratchMLPClassifier(**SHORT).fit, frame, THIRDS)
    twin = model.to_sklearn()
    np.testing.assert_array_equal(twin.feature_names_in_, list("abcd"))
    with pytest.raises(ValueError, match="feature names should match"):
        twin.predict(frame.rename(columns={"a": "e"}))
    assert not hasattr(fitted("binary").to_sklearn(), "feature_names_in_")


@DTYPES
@pytest.mark.parametrize("task", TASKS)
def test_models_without_a_training(task, dtype):
    """What `for_prediction` has left out, and what given weights never had, begins anew."""
    model = fitted(task, dtype)
    kind, y = TASKS[task]
    given = {}
    if kind is MLPClassifier:
        given = {"classes": model.classes_, "multilabel": task == "multilabel"}
    made = type(model).from_weights(model.coefs_, model.intercepts_, **given)
    for each in (model.for_prediction(), made):
        twin = each.to_sklearn()
        assert largest_difference(model, twin) <= PREDICTIONS[dtype]
        before = parameters(twin)
        twin.partial_fit(X.astype(dtype), y)
        assert 0 < np.max(np.abs(parameters(twin) - before)) < 0.1
        quietly(twin.set_params(warm_start=True, max_iter=2).fit, X.astype(dtype), y)


# ---------------------------------------------------------------- fitted attributes


@DTYPES
@pytest.mark.parametrize(("task", "solver"), PAIRS)
def test_attributes_are_those_of_a_genuine_fit(task, solver, dtype):
    kind, y = TASKS[task]
    twin = fitted_by(solver, task, dtype).to_sklearn()
    genuine = quietly(kind(**{**SHORT, **SOLVERS[solver]}).fit, X.astype(dtype), y)
    if dtype is np.float32 and solver == "lbfgs":  # scikit-learn's become float64
        genuine.coefs_ = [array.astype(dtype) for array in genuine.coefs_]
        genuine.intercepts_ = [array.astype(dtype) for array in genuine.intercepts_]
    mine, theirs = public_attributes(twin), public_attributes(genuine)
    assert set(mine) == set(theirs)
    is_same = not (solver == "early stopping" and task == "multiclass")  # stratified by class
    for name, value in theirs.items():
        assert kind_of(mine[name]) == kind_of(value) or not is_same, name
        assert type(mine[name]) is type(value), name
    for name in ("classes_", "n_outputs_", "n_layers_", "n_features_in_", "out_activation_", "t_"):
        if name in theirs:
            np.testing.assert_array_equal(mine[name], theirs[name])
    needed = {name for name in vars(genuine) if name.startswith("_")}
    assert needed - {"_coef_indptr", "_intercept_indptr"} <= set(vars(twin))
    if is_same and dtype is np.float64 and solver != "lbfgs":
        np.testing.assert_allclose(parameters(twin), parameters(genuine), atol=1e-9)
        np.testing.assert_allclose(twin.loss_curve_, genuine.loss_curve_, atol=1e-9)
        assert twin._no_improvement_count == genuine._no_improvement_count


# ---------------------------------------------------------------- further training


@DTYPES
@pytest.mark.parametrize(("task", "solver"), STOCHASTIC_PAIRS)
def test_partial_fit_goes_on(task, solver, dtype):
    y = TASKS[task][1]
    model = fitted(task, dtype, **SOLVERS[solver], shuffle=False)
    twin = model.to_sklearn()
    moved = parameters(twin)
    for _ in range(3):
        model.partial_fit(X.astype(dtype), y)
        twin.partial_fit(X.astype(dtype), y)
        assert np.max(np.abs(parameters(twin) - parameters(model))) <= 1e-6
        assert twin.loss_ == pytest.approx(model.loss_, abs=1e-5)
    assert np.max(np.abs(parameters(twin) - moved)) > 1e-4
    assert (twin.t_, len(twin.loss_curve_)) == (model.t_, len(model.loss_curve_))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("task", ["binary", "one number"])
def test_warm_start_goes_on(task, solver):
    y = TASKS[task][1]
    params = {"warm_start": True, "shuffle": False, "random_state": None}
    model = fitted(task, **{**SOLVERS[solver], **params})
    twin = model.to_sklearn()
    quietly(twin.fit, X, y)
    assert np.all(np.isfinite(parameters(twin)))
    if solver not in ("early stopping", "lbfgs"):  # which draw rows, magnify rounding
        quietly(model.fit, X, y)
        np.testing.assert_allclose(parameters(twin), parameters(model), atol=1e-6)


def test_partial_fit_after_early_stopping_has_been_switched_off():
    model = fitted("binary", early_stopping=True, shuffle=False)
    model.set_params(early_stopping=False)
    twin = model.to_sklearn()
    y = TASKS["binary"][1]
    np.testing.assert_allclose(
        parameters(twin.partial_fit(X, y)), parameters(model.partial_fit(X, y)), atol=1e-6
    )


@pytest.mark.parametrize(("task", "solver"), PAIRS)
def test_clones_and_pickles(task, solver):
    kind, y = TASKS[task]
    twin = fitted(task, **SOLVERS[solver]).to_sklearn()
    copied = pickle.loads(pickle.dumps(twin))
    np.testing.assert_array_equal(copied.predict(X), twin.predict(X))
    assert set(vars(copied)) == set(vars(twin))
    fresh = clone(twin)
    assert type(fresh) is kind
    assert fresh.get_params() == twin.get_params()
    with pytest.raises(NotFittedError):
        fresh.predict(X)
    # Each fit of a seed gives the same again: that of the source.
    quietly(fresh.fit, X, y)
    if solver in STOCHASTIC:
        np.testing.assert_allclose(parameters(fresh), parameters(twin), atol=1e-9)


def test_nothing_is_shared():
    generator = np.random.RandomState(3)
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = ScratchMLPClassifier(**{**SHORT, "random_state": generator, "warm_start": True})
    model.set_params(hidden_layer_sizes=np.array([6, 3]))
    quietly(model.fit, frame, THIRDS)
    twin = model.to_sklearn()
    assert_apart(model, twin)
    before, state = model.predict_proba(frame), generator.get_state()[1].copy()
    for array in [*twin.coefs_, *twin.intercepts_]:
        array[...] = 7
    quietly(twin.fit, frame, THIRDS)
    np.testing.assert_array_equal(model.predict_proba(frame), before)
    np.testing.assert_array_equal(generator.get_state()[1], state)
    model.coefs_[0][...] = 0
    assert np.all(twin.coefs_[0] != 0)


def test_models_on_a_memory_map(tmp_path):
    joblib.dump(fitted("binary"), tmp_path / "model.joblib")
    mapped = joblib.load(tmp_path / "model.joblib", mmap_mode="r")
    assert not mapped.coefs_[0].flags.writeable
    twin = mapped.to_sklearn()
    assert {type(array) for array in [*twin.coefs_, *twin.intercepts_]} == {np.ndarray}
    twin.partial_fit(X, TASKS["binary"][1])


# ---------------------------------------------------------------- training settings

RELU = ours.ACTIVATIONS["relu"]
#: Parameters of ours; those of scikit-learn's that say the same; which are lost.
SETTINGS = {
    "defaults": ({}, {"solver": "adam", "activation": "relu"}, []),
    "Adam": (
        {"solver": Adam(beta_1=0.8, beta_2=0.99, epsilon=1e-5)},
        {"solver": "adam", "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-5},
        [],
    ),
    "Adam beside parameters": (
        {"solver": Adam(beta_1=0.8), "beta_1": 0.1, "beta_2": 0.1},
        {"solver": "adam", "beta_1": 0.8, "beta_2": 0.999},
        [],
    ),
    "SGD": (
        {"solver": SGD(momentum=0.7, nesterovs_momentum=False), "momentum": 0.2},
        {"solver": "sgd", "momentum": 0.7, "nesterovs_momentum": False},
        [],
    ),
    "SGD, decay": (
        {"solver": SGD(momentum=0.7, weight_decay=0.1)},
        {"solver": "sgd", "momentum": 0.7},
        ["solver"],
    ),
    "AdamW": ({"solver": AdamW(beta_1=0.8)}, {"solver": "adam", "beta_1": 0.8}, ["solver"]),
    "clipping": ({"solver": Adam(max_grad_norm=1.0)}, {"solver": "adam"}, ["solver"]),
    "NAdam": ({"solver": NAdam(beta_1=0.8)}, {"solver": "adam", "beta_1": 0.9}, ["solver"]),
    "RMSprop": ({"solver": RMSprop()}, {"solver": "adam"}, ["solver"]),
    "AdaGrad": ({"solver": AdaGrad()}, {"solver": "adam"}, ["solver"]),
    "names": ({"solver": "adamw"}, {"solver": "adam"}, ["solver"]),
    "constant": ({"learning_rate": Constant()}, {"learning_rate": "constant"}, []),
    "cosine": ({"learning_rate": "cosine"}, {"learning_rate": "constant"}, ["learning_rate"]),
    "Cosine": ({"learning_rate": Cosine()}, {"learning_rate": "constant"}, ["learning_rate"]),
    "plateau": (
        {"learning_rate": ReduceOnPlateau()},
        {"learning_rate": "constant"},
        ["learning_rate"],
    ),
    "inverse scaling": (
        {"solver": "sgd", "learning_rate": InverseScaling(0.3), "power_t": 0.9},
        {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.3},
        [],
    ),
    "inverse scaling of Adam": (
        {"learning_rate": InverseScaling(0.3)},
        {"learning_rate": "constant", "power_t": 0.5},
        ["learning_rate"],
    ),
    "adaptive": (
        {"solver": SGD(), "learning_rate": Adaptive()},
        {"solver": "sgd", "learning_rate": "adaptive"},
        [],
    ),
    "adaptive, otherwise": (
        {"solver": SGD(), "learning_rate": Adaptive(divisor=2)},
        {"solver": "sgd", "learning_rate": "constant"},
        ["learning_rate"],
    ),
    "log loss": ({"loss": LogLoss()}, {}, []),
    "smoothed": ({"loss": LogLoss(label_smoothing=0.1)}, {}, ["loss"]),
    "focal": ({"loss": "focal"}, {}, ["loss"]),
    "Focal": ({"loss": Focal()}, {}, ["loss"]),
    "squared error of probabilities": ({"loss": SquaredError()}, {}, ["loss"]),
    "activation objects": ({"activation": RELU}, {"activation": "relu"}, []),
    "a copy of one": (
        {"activation": ours.Activation(**ours.ACTIVATIONS["tanh"].get_params())},
        {"activation": "tanh"},
        [],
    ),
    "other initial weights": (
        {"activation": ours.Activation("own", RELU.forward, RELU.backward, glorot_factor=2.0)},
        {"activation": "relu"},
        ["activation"],
    ),
    "the same in a list": ({"activation": ["tanh", "tanh"]}, {"activation": "tanh"}, []),
    "the same by name and object": ({"activation": (RELU, "relu")}, {"activation": "relu"}, []),
    "dtype": ({"dtype": "float32"}, {}, ["dtype"]),
    "zero as an integer": ({"dropout": 0, "l1_ratio": 0}, {}, []),
    "numbers of NumPy": (
        {"solver": Adam(beta_1=np.float32(0.5)), "alpha": np.float64(0.1)},
        {"beta_1": 0.5, "alpha": 0.1},
        [],
    ),
    "best weights": ({"early_stopping": True, "restore_best_weights": True}, {}, []),
    "last weights": (
        {"early_stopping": True, "restore_best_weights": False},
        {},
        ["restore_best_weights"],
    ),
    "all at once": (
        {
            "solver": AdamW(),
            "class_weight": {0: 2.0},
            "dropout": [0.1, 0.0],
            "l1_ratio": 0.5,
            "early_stopping": True,
            "early_stopping_metric": "loss",
            "initialization": "he_normal",
            "max_time": 100.0,
        },
        {"early_stopping": True},
        [
            "solver",
            "class_weight",
            "dropout",
            "l1_ratio",
            "early_stopping_metric",
            "initialization",
            "max_time",
        ],
    ),
}
#: The same for the regressor.
REGRESSION_SETTINGS = {
    "squared error": ({"loss": SquaredError()}, "squared_error", []),
    "huber": ({"loss": "huber"}, "squared_error", ["loss"]),
    "Huber": ({"loss": Huber(delta=0.5)}, "squared_error", ["loss"]),
    "absolute error": ({"loss": AbsoluteError()}, "squared_error", ["loss"]),
    "a quantile": ({"loss": Quantile(0.3)}, "squared_error", ["loss"]),
    "a list of one quantile": ({"loss": Quantile([0.3])}, "squared_error", ["loss"]),
    "poisson": ({"loss": "poisson"}, "poisson", []),
    "Poisson": ({"loss": Poisson()}, "poisson", []),
    "gamma": ({"loss": Gamma()}, "poisson", ["loss"]),
}


def lost_settings(caught):
    """The names in the one warning, or none; it points here."""
    if not caught:
        return []
    (warning,) = caught
    assert warning.category is UserWarning
    assert warning.filename == __file__
    text = str(warning.message)
    assert "Predictions are the same" in text
    names = inspect.signature(ScratchMLPClassifier).parameters
    return [name for name in names if f" {name}=" in text.partition("Predictions")[0]]


@pytest.mark.parametrize("name", SETTINGS)
def test_settings(name):
    params, expected, lost = SETTINGS[name]
    model = quietly(ScratchMLPClassifier(**{**SHORT, **params}).fit, X, THIRDS)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        twin = model.to_sklearn()
    assert sorted(lost_settings(caught)) == sorted(lost)
    found = twin.get_params()
    assert {each: found[each] for each in expected} == expected
    untouched = {
        each: value
        for each, value in model.get_params(deep=False).items()
        if each in found and each not in {*params, *expected}
    }
    assert {each: found[each] for each in untouched} == untouched
    assert largest_difference(model, twin) <= (1e-6 if name == "dtype" else 1e-12)
    if not twin.early_stopping:
        twin.partial_fit(X, THIRDS)
    quietly(twin.fit, X, THIRDS)


@pytest.mark.parametrize("name", REGRESSION_SETTINGS)
def test_settings_of_regressors(name):
    params, loss, lost = REGRESSION_SETTINGS[name]
    model = quietly(ScratchMLPRegressor(**SHORT, **params).fit, X, COUNTS + 1)
    if loss == "poisson" and not HAS_POISSON:
        with pytest.raises(ValueError, match=r"^loss=.*exponential.*from scikit-learn 1.7 on"):
            model.to_sklearn()
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        twin = model.to_sklearn()
    assert lost_settings(caught) == lost
    assert twin.loss == loss
    assert largest_difference(model, twin) <= 1e-12
    twin.partial_fit(X, COUNTS + 1)


EXPRESSED = {
    "Adam": {"solver": Adam(beta_1=0.8, beta_2=0.99)},
    "AdamW": {"solver": AdamW(beta_1=0.8, weight_decay=0.0)},
    "SGD": {"solver": SGD(momentum=0.7), "learning_rate_init": 0.05},
    "SGD, inverse scaling": {
        "solver": SGD(momentum=0.7),
        "learning_rate": InverseScaling(0.3),
        "learning_rate_init": 0.5,
    },
}


@pytest.mark.parametrize("name", EXPRESSED)
def test_objects_train_on_by_their_settings(name):
    model = fitted("binary", **EXPRESSED[name], shuffle=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if name == "AdamW" else "error")
        twin = model.to_sklearn()
    y = TASKS["binary"][1]
    moved = parameters(twin.partial_fit(X, y))
    np.testing.assert_allclose(moved, parameters(model.partial_fit(X, y)), atol=1e-6)


def test_the_activation_is_that_of_the_fitted_network():
    model = fitted("binary", activation="tanh").set_params(activation="gelu")
    with pytest.warns(UserWarning, match="activation='gelu'"):
        twin = model.to_sklearn()
    assert twin.activation == "tanh"
    assert largest_difference(model, twin) <= 1e-12


# ---------------------------------------------------------------- what cannot be expressed


def squared(raw):
    np.square(raw, out=raw)


class Squares(RegressionLoss):
    """Predicts squares of the outputs, by a link of its own."""

    link = Link("square", squared)

    def value_and_gradient(self, raw, y, buffers):
        buffers.gradient[...] = raw - y
        return raw[:, 0] * 0

    def predict(self, raw):
        return raw**2


class Identity(Squares):
    """Of the name of a link that scikit-learn has, which does something else."""

    link = Link("identity", lambda raw: np.multiply(raw, 2, out=raw))
    predict = RegressionLoss.predict


TWO_COLUMNS = np.column_stack([np.array(["a", "b"])[THIRDS // 2], THIRDS])


def doubled(z, mask):
    z *= 2


#: A network, its targets, and what the error has to name.
REFUSED = {
    "gelu": (ScratchMLPClassifier(activation="gelu"), THIRDS, r"^activation='gelu': .*tanh"),
    "leaky_relu": (ScratchMLPRegressor(activation="leaky_relu"), COUNTS, "^activation='leaky"),
    "an object": (
        ScratchMLPClassifier(activation=ours.ACTIVATIONS["silu"]),
        THIRDS,
        r"^activation=Activation\('silu'\): .*relu",
    ),
    "a list": (
        ScratchMLPClassifier(activation=["relu", "tanh"]),
        THIRDS,
        r"^activation=\('relu', 'tanh'\): .*one activation for all",
    ),
    "a list of one that it lacks": (
        ScratchMLPRegressor(activation=["elu", "elu"]),
        COUNTS,
        "^activation=",
    ),
    "an own one of a known name": (
        ScratchMLPClassifier(activation=ours.Activation("relu", doubled, RELU.backward)),
        THIRDS,
        "^activation=",
    ),
    "quantiles": (
        ScratchMLPRegressor(Quantile([0.1, 0.9])),
        COUNTS,
        r"^loss=Quantile\(quantile=\[0.1, 0.9\]\).*one regressor for each quantile",
    ),
    "an own link": (ScratchMLPRegressor(Squares()), COUNTS, r"^loss=Squares\(\)"),
    "an own link of a known name": (ScratchMLPRegressor(Identity()), COUNTS, r"^loss=Identity"),
    "several columns of labels": (
        ScratchMLPClassifier(),
        TWO_COLUMNS,
        "2 columns with classes of their own .*one classifier for each",
    ),
    "a single class": (ScratchMLPClassifier(), np.ones(60, int), "^classes_ holds a single class"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_scikit_learn_cannot_predict_is_refused(name):
    estimator, y, message = REFUSED[name]
    estimator = clone(estimator).set_params(hidden_layer_sizes=(6, 3), max_iter=2)
    model = quietly(estimator.fit, X, y)
    for each in (model, model.for_prediction()):
        with pytest.raises(ValueError, match=message):
            each.to_sklearn()


def test_a_single_label_is_refused():
    """predict_proba of scikit-learn's would have two columns for the one that there is."""
    weights = [np.ones((4, 1))], [np.zeros(1)]
    model = ScratchMLPClassifier.from_weights(*weights, classes=[0], multilabel=True)
    assert model.predict_proba(X).shape == (60, 1)
    with pytest.raises(ValueError, match="classes_ holds a single label"):
        model.to_sklearn()


@pytest.mark.parametrize(
    "kind",
    [ScratchMLPClassifier, ScratchMLPRegressor, ScratchLogisticRegression, ScratchPerceptron],
)
def test_not_fitted(kind):
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        kind().to_sklearn()


def test_scikit_learns_own_answer_to_a_single_class():
    """The reason to refuse one: two columns of probabilities for one class."""
    twin = quietly(MLPClassifier(**SHORT).fit, X, np.ones(60, int))
    assert twin.predict_proba(X).shape == (60, 2)
    assert sklearn.__version__ >= "1.6"


# ---------------------------------------------------------------- subclasses of a user's


class Cautious(ScratchMLPClassifier):
    """Predicts the second class where it is sure of it."""

    def predict(self, X):
        return self.classes_[(self.predict_proba(X)[:, 1] > 0.9).astype(int)]


class MoreCautious(Cautious): ...


class Narrow(ScratchMLPClassifier):
    """With a constructor and a fit of its own."""

    def __init__(self, width=4, random_state=0):
        self.width = width
        super().__init__(max_iter=5, random_state=random_state)

    def fit(self, X, y):
        self.hidden_layer_sizes = (self.width,)
        return super().fit(X, y)


@pytest.mark.parametrize("kind", [Cautious, MoreCautious])
def test_a_subclass_that_predicts_otherwise_is_refused(kind):
    model = quietly(kind(max_iter=5).fit, X, THIRDS > 0)
    with pytest.raises(TypeError, match=f"^{kind.__name__} has predict of its own.*subclass"):
        model.to_sklearn()


def test_a_subclass_with_a_constructor_of_its_own():
    model = quietly(Narrow().fit, X, THIRDS)
    twin = model.to_sklearn()
    assert type(twin) is MLPClassifier
    assert (twin.hidden_layer_sizes, twin.max_iter) == ((4,), 5)
    assert largest_difference(model, twin) <= 1e-12


@pytest.mark.parametrize("kind", [ScratchLogisticRegression, ScratchPerceptron])
def test_linear_models_that_predict_otherwise_are_refused(kind):
    def predict(self, X):
        return np.zeros(len(X))

    model = type("Zeros", (kind,), {"predict": predict})().fit(X, THIRDS)
    with pytest.raises(TypeError, match="Zeros has predict of its own"):
        model.to_sklearn()
