"""`for_prediction`: the same predictions, without what only training needs."""

from __future__ import annotations

import inspect
import pickle

import numpy as np
import pandas
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError

from skneural import (
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
)
from skneural.activations import ACTIVATIONS
from skneural.losses import Focal, Quantile
from skneural.optimizers import Adam
from skneural.schedules import Cosine

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_digits(return_X_y=True)
X, Y = X[:400] / 16, Y[:400]
SHORT = {"max_iter": 4, "random_state": 0}
ESTIMATORS = {
    "adam": ScratchMLPClassifier(**SHORT),
    "sgd": ScratchMLPClassifier(**SHORT, solver="sgd"),
    "lbfgs": ScratchMLPClassifier(**SHORT, solver="lbfgs"),
    "columns of labels": ScratchMLPClassifier(**SHORT, class_weight=[None, "balanced"]),
    "early stopping": ScratchMLPClassifier(**SHORT, early_stopping=True),
    "out of patience": ScratchMLPClassifier(
        random_state=0, early_stopping=True, n_iter_no_change=1, tol=1.0
    ),
    "regressor": ScratchMLPRegressor(**SHORT),
    "logistic regression": ScratchLogisticRegression(),
    "logistic regression, adam": ScratchLogisticRegression(**SHORT, solver="adam"),
    "perceptron": ScratchPerceptron(),
}
each = pytest.mark.parametrize("name", ESTIMATORS)
METHODS = ("predict", "decision_function", "predict_proba", "predict_log_proba")


def outputs(model):
    found = [getattr(model, name)(X) for name in METHODS if hasattr(model, name)]
    # Those of several columns of labels are lists.
    return [array for each in found for array in (each if isinstance(each, list) else [each])]


def fitted(name):
    y = np.column_stack([Y, Y % 3]) if name == "columns of labels" else Y
    return clone(ESTIMATORS[name]).fit(X, y)


@each
def test_it_predicts_the_same_bit_by_bit(name):
    model = fitted(name)
    lean = model.for_prediction()
    assert type(lean) is type(model)
    assert lean.get_params() == model.get_params()
    for copy in (lean, pickle.loads(pickle.dumps(lean)), lean.for_prediction()):
        for found, expected in zip(outputs(copy), outputs(model), strict=True):
            np.testing.assert_array_equal(found, expected)


@each
def test_it_has_no_training_state_and_shares_no_array(name):
    model = fitted(name)
    before = dict(vars(model))
    lean = model.for_prediction()
    assert vars(model) == before
    assert lean._fitted.state is None
    for curve in ("loss_curve_", "validation_scores_", "validation_loss_curve_", "history_"):
        assert not hasattr(lean, curve)
    arrays = arrays_in(lean._fitted.to_dict())
    assert sum(array.nbytes for array in arrays) < 1.02 * lean._model.params.nbytes + 200
    for value in arrays_in(model._fitted.to_dict()):
        assert not any(np.shares_memory(value, array) for array in arrays)


def arrays_in(value):
    """All arrays of nested containers."""
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, dict):
        return arrays_in(list(value.values()))
    if isinstance(value, list | tuple):
        return [array for part in value for array in arrays_in(part)]
    return []


@pytest.mark.parametrize("name", ["adam", "sgd", "early stopping", "out of patience", "regressor"])
def test_files_are_small(name):
    model = fitted(name)
    size = model._model.params.nbytes
    # From the last epoch a fit can be resumed that max_iter has ended; the best one predicts.
    n_vectors = 4 if name == "early stopping" else 3
    assert len(pickle.dumps(model)) < (n_vectors + 0.3) * size
    assert len(pickle.dumps(model.for_prediction())) < 1.2 * size


#: An estimator and the number of features and of different targets that it is fitted to.
SMALL_MODELS = {
    "one unit": (ScratchMLPClassifier((1,), max_iter=3), 1, 2),
    "five units": (ScratchMLPClassifier((5,), max_iter=3, random_state=0), 4, 3),
    "no hidden layer": (ScratchMLPClassifier((), max_iter=3), 4, 3),
    "lists": (ScratchMLPClassifier([4, 3], ["tanh", "relu"], max_iter=3), 4, 3),
    "objects": (
        ScratchMLPClassifier(
            (5,),
            ACTIVATIONS["mish"],
            solver=Adam(weight_decay=0.1),
            learning_rate=Cosine(),
            loss=Focal(gamma=1.5),
            max_iter=3,
        ),
        4,
        3,
    ),
    "class_weight": (ScratchMLPClassifier((3,), class_weight="weights", max_iter=3), 4, 3),
    "early stopping": (ScratchMLPClassifier((5,), early_stopping=True, max_iter=3), 4, 3),
    "lbfgs": (ScratchMLPClassifier((5,), solver="lbfgs", alpha=0.01, max_iter=20), 4, 3),
    "float32": (ScratchMLPClassifier((5,), dtype="float32", max_iter=3), 4, 3),
    "generator": (ScratchMLPClassifier((2,), random_state=np.random.RandomState(1)), 4, 3),
    "regressor": (ScratchMLPRegressor(hidden_layer_sizes=(2,), max_iter=3), 4, 0),
    "quantiles": (ScratchMLPRegressor(Quantile([0.1, 0.9]), (2,), max_iter=3), 4, 0),
    "logistic regression": (ScratchLogisticRegression(), 1, 2),
    "logistic regression, C": (ScratchLogisticRegression(C=0.3, class_weight="weights"), 4, 3),
    "logistic regression, L1": (ScratchLogisticRegression(l1_ratio=1.0, solver="saga"), 4, 3),
    "logistic regression, sgd": (ScratchLogisticRegression(solver="sgd", max_iter=3), 40, 20),
    "perceptron": (ScratchPerceptron(), 1, 2),
    "perceptron, early stopping": (ScratchPerceptron(early_stopping=True), 4, 3),
    "many classes": (ScratchMLPClassifier((3,), max_iter=3), 2, 50),
    "many features": (ScratchMLPClassifier((1,), max_iter=3), 300, 2),
    "larger": (ScratchMLPClassifier((50, 20), max_iter=3), 30, 10),
}


def with_every_parameter_changed(kind, **others):
    """No parameter as by default, as far as numbers and flags go."""
    params = {}
    for name, parameter in inspect.signature(kind).parameters.items():
        value = parameter.default
        if type(value) in (int, float):
            params[name] = type(value)(value * 2 + 1) if name in WHOLE else value * 0.9 + 0.01
        elif type(value) is bool and name not in ("early_stopping", "warm_start", "dual"):
            params[name] = not value
    params.pop("intercept_scaling", None)
    return kind(**{**params, "random_state": 123456, "verbose": False, **others})


#: Numbers of things, and what has to be above 1.
WHOLE = ("max_iter", "max_fun", "n_iter_no_change", "eta0")
OF_NETWORKS = {
    "activation": "leaky_relu",
    "hidden_layer_sizes": (1,),
    "solver": "adagrad",
    "batch_size": 16,
    "learning_rate": "invscaling",
    "dtype": "float64",
    "restore_best_weights": False,
    "initialization": "he_uniform",
    "max_time": 12.5,
}
SMALL_MODELS |= {
    "every parameter, classifier": (
        with_every_parameter_changed(ScratchMLPClassifier, **OF_NETWORKS, n_iter_no_change=3),
        1,
        2,
    ),
    "every parameter, regressor": (
        with_every_parameter_changed(ScratchMLPRegressor, **OF_NETWORKS, loss="huber"),
        1,
        0,
    ),
    "every parameter, logistic regression": (
        with_every_parameter_changed(ScratchLogisticRegression, solver="saga"),
        1,
        2,
    ),
    "every parameter, perceptron": (
        with_every_parameter_changed(ScratchPerceptron, penalty="elasticnet", n_jobs=2),
        1,
        2,
    ),
}


def fitted_small(name, named):
    """Fitted to arrays, or to a frame with names, with labels that are strings."""
    estimator, n_features, n_classes = SMALL_MODELS[name]
    random = np.random.RandomState(0)
    rows = random.standard_normal((200, n_features))
    y = np.arange(200) % n_classes if n_classes else rows[:, 0]
    model = clone(estimator)
    if named:
        rows = pandas.DataFrame(rows, columns=[f"feature number {i}" for i in range(n_features)])
        y = np.array([f"the class {k}" for k in range(n_classes)])[y] if n_classes else y
    if n_classes and model.class_weight == "weights":
        model.class_weight = {label: 1.0 + i for i, label in enumerate(np.unique(y).tolist())}
    if hasattr(model, "set_callbacks"):
        model.set_callbacks(Nothing())
    return model.fit(rows, y)


class Nothing:
    """A callback."""

    def setup(self, estimator, context): ...

    def teardown(self, estimator, context): ...

    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context): ...


def size_of(value):
    return len(pickle.dumps(value))


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("name", SMALL_MODELS)
def test_files_of_small_models_are_small(name, named):
    model = fitted_small(name, named)
    lean = model.for_prediction()
    assert not hasattr(lean, "_skl_callbacks")
    allowed = 1.2 * model._model.params.nbytes + 1024
    if named:
        allowed += size_of(model.feature_names_in_) + size_of(getattr(model, "classes_", None))
    plain = (bool, int, float, str, type(None))
    objects = [each for each in vars(lean).values() if type(each) not in plain]
    allowed += size_of([each for each in objects if each is not lean._fitted]) - size_of([])
    for protocol in (4, 5):
        written = pickle.dumps(lean, protocol)
        assert len(written) <= allowed
        restored = pickle.loads(written)
        assert list(vars(restored)) == list(vars(lean))
        assert restored.get_params().keys() == lean.get_params().keys()
        for parameter, value in lean.get_params(deep=False).items():
            if not isinstance(value, np.random.RandomState):
                assert repr(getattr(restored, parameter)) == repr(value)
                assert type(getattr(restored, parameter)) is type(value)


@pytest.mark.parametrize("make", [ScratchLogisticRegression, ScratchPerceptron])
def test_files_of_sparse_weights_are_small(make):
    lean = make().fit(X, Y).sparsify().for_prediction()
    weights = lean.coef_
    size = weights.data.nbytes + weights.indices.nbytes + weights.indptr.nbytes
    assert len(pickle.dumps(lean)) <= 1.2 * (size + lean._model.params.nbytes) + 1024


class OtherDefaults(ScratchMLPClassifier):
    """Of a user, with parameters of their own."""

    def __init__(self, width=3, max_iter=4, alpha=True, name="mine"):
        super().__init__((width,), max_iter=max_iter, alpha=alpha)
        self.width = width
        self.name = name


@pytest.mark.parametrize(
    "params",
    [{}, {"width": 5}, {"alpha": 1}, {"alpha": 0.0}, {"max_iter": np.int64(4)}, {"name": "other"}],
    ids=repr,
)
def test_parameters_of_users_come_back(params):
    model = OtherDefaults(**params)
    if params.get("alpha", True) is True:
        model.alpha = 1e-4
    lean = model.fit(X, Y).for_prediction()
    restored = pickle.loads(pickle.dumps(lean))
    for name, value in vars(lean).items():
        if name != "_fitted":
            assert repr(getattr(restored, name)) == repr(value)


def test_half_the_bytes_in_float32():
    model = ScratchMLPClassifier(**SHORT, dtype="float32").fit(X, Y).for_prediction()
    assert len(pickle.dumps(model)) < 0.6 * len(pickle.dumps(fitted("adam").for_prediction()))


@pytest.mark.parametrize("name", ["adam", "sgd", "lbfgs", "regressor", "logistic regression, adam"])
def test_training_cannot_go_on_but_begin_anew(name):
    model = fitted(name)
    lean = model.for_prediction().set_params(warm_start=True)
    expected = outputs(lean)
    for method in ("fit", "partial_fit"):
        if not hasattr(lean, method):
            continue
        with pytest.raises(ValueError, match=r"made by for_prediction\(\)"):
            getattr(lean, method)(X, Y)
        for found, before in zip(outputs(lean), expected, strict=True):
            np.testing.assert_array_equal(found, before)
    anew = lean.set_params(warm_start=False).fit(X, Y)
    np.testing.assert_array_equal(anew._model.params, model._model.params)
    assert anew.loss_curve_ == model.loss_curve_


@each
def test_there_has_to_be_a_fit(name):
    with pytest.raises(NotFittedError):
        clone(ESTIMATORS[name]).for_prediction()
