"""Copies, pickles, fitted arrays and threads: a model stays one thing, whole and itself."""

import copy
import io
import pickle
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from itertools import count, pairwise
from threading import Barrier, Event

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.exceptions import InconsistentVersionWarning
from snapshots import frozen, state

from skneural import (
    HiddenLayerTransformer,
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
    SkneuralVersionWarning,
    TableEncoder,
    TabularMLPClassifier,
    TabularMLPRegressor,
    __version__,
)
from skneural.activations import ACTIVATIONS
from skneural.estimators import version as versions_of_pickles
from skneural.layers import Dense
from skneural.optimizers import Adam, NAdam
from skneural.schedules import Cosine

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RANDOM = np.random.RandomState(0)
X = RANDOM.standard_normal((40, 3))
MARK = np.digitize(X[:, 0], [-0.5, 0.5])
SEVERAL = np.column_stack([MARK > 0, MARK < 2, X[:, 1] > 0]).astype(int)

PROBLEMS = {
    "binary": (ScratchMLPClassifier, MARK > 0),
    "three classes": (ScratchMLPClassifier, MARK),
    "strings": (ScratchMLPClassifier, np.array(["low", "middle", "high"])[MARK]),
    "multilabel": (ScratchMLPClassifier, SEVERAL),
    "sparse multilabel": (ScratchMLPClassifier, sparse.csr_matrix(SEVERAL)),
    "columns of labels": (ScratchMLPClassifier, np.column_stack([MARK, 5 + (X[:, 1] > 0)])),
    "columns of objects": (
        ScratchMLPClassifier,
        np.column_stack([MARK.astype(object), np.array(["low", "high"])[SEVERAL[:, 2]]]),
    ),
    "one class": (ScratchMLPClassifier, np.full(40, 7)),
    "one output": (ScratchMLPRegressor, X @ [1.0, -2.0, 0.5]),
    "two outputs": (ScratchMLPRegressor, X[:, :2] ** 2),
}
TRAININGS = {
    "lbfgs": {"solver": "lbfgs"},
    "sgd": {"solver": "sgd", "batch_size": 16, "learning_rate": "invscaling"},
    "adam": {"batch_size": 16},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.3},
    "features": {
        "solver": NAdam(averaging=0.9, weight_decay=0.1, max_grad_norm=1.0),
        "learning_rate": Cosine(),
        "dropout": 0.2,
        "l1_ratio": 0.5,
        "activation": ["gelu", ACTIVATIONS["mish"]],
        "batch_size": 16,
    },
}


def trained(problem, training, X=X, **params):
    estimator, y = PROBLEMS[problem]
    settings = {"hidden_layer_sizes": (4, 3), "max_iter": 5, "random_state": 0}
    return estimator(**{**settings, **TRAININGS[training], **params}).fit(X, y)


trained_once = cache(trained)


def pickled(protocol):
    return lambda model, folder: pickle.loads(pickle.dumps(model, protocol))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Of the files of all tests: one for each would take longer than a copy."""
    return tmp_path_factory.mktemp("models")


numbers_of_files = count()


def from_joblib(mmap_mode):
    def dumped_and_loaded(model, folder):
        # What another model is mapped to is not written over.
        path = folder / f"{next(numbers_of_files)}.joblib"
        joblib.dump(model, path)
        return joblib.load(path, mmap_mode=mmap_mode)

    return dumped_and_loaded


WAYS = {
    **{f"pickle {n}": pickled(n) for n in range(2, pickle.HIGHEST_PROTOCOL + 1)},
    "joblib": from_joblib(None),
    "joblib, mapped": from_joblib("r"),
    "deepcopy": lambda model, folder: copy.deepcopy(model),
}
PREDICTIONS = ["predict", "decision_function", "predict_proba", "predict_log_proba"]


def outputs(model, X=X):
    methods = PREDICTIONS if is_classifier(model) else ["predict"]
    return {method: frozen(getattr(model, method)(X)) for method in methods}


parametrize_problems = pytest.mark.parametrize("problem", PROBLEMS)
parametrize_ways = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())


# ------------------------------------------------------------------------- the same bytes

# A fit of each solver and estimator, some that end before their plan.
SEEDED = {
    "adam": (ScratchMLPClassifier(max_iter=4, hidden_layer_sizes=(3,)), MARK),
    "dropout": (ScratchMLPClassifier(max_iter=4, dropout=0.3, hidden_layer_sizes=(3,)), MARK),
    "best epoch": (
        ScratchMLPClassifier(max_iter=30, early_stopping=True, hidden_layer_sizes=(3,)),
        np.array(["low", "middle", "high"])[MARK],
    ),
    "sgd": (ScratchMLPRegressor(max_iter=4, solver="sgd", hidden_layer_sizes=(3,)), X[:, 1]),
    "networks' lbfgs": (ScratchMLPRegressor(max_iter=4, solver="lbfgs"), X[:, 1]),
    **{
        f"logistic, {solver}": (ScratchLogisticRegression(max_iter=3, solver=solver), MARK)
        for solver in ("lbfgs", "newton-cholesky", "newton-cg", "saga", "fista", "sgd")
    },
    "perceptron": (ScratchPerceptron(max_iter=4), MARK),
    "perceptron, penalty": (ScratchPerceptron(max_iter=4, penalty="elasticnet"), MARK),
    "transformer": (HiddenLayerTransformer(ScratchMLPClassifier(max_iter=4)), MARK),
}
# What is done with a clone of such an estimator; None where it has no such method.
PATHS = {
    "fit": lambda model, y: model.fit(X, y),
    "names of columns": lambda model, y: model.fit(pd.DataFrame(X, columns=list("abc")), y),
    "twice": lambda model, y: model.fit(X, y).fit(X, y),
    "warm_start": lambda model, y: model.set_params(warm_start=True).fit(X, y).fit(X, y),
    "resume": lambda model, y: model.fit(X, y).set_params(max_iter=40).resume(X, y),
    "resume a pickle": lambda model, y: (
        pickle.loads(pickle.dumps(model.fit(X, y))).set_params(max_iter=40).resume(X, y)
    ),
    "partial_fit": lambda model, y: model.partial_fit(X[:20], y[:20]).partial_fit(X[20:], y[20:]),
}


def seeded(name, path):
    estimator, y = SEEDED[name]
    model = clone(estimator)
    model.set_params(**{key: 0 for key in model.get_params() if key.endswith("random_state")})
    if path == "partial_fit" and is_classifier(model):
        model.partial_fit(X, y, classes=np.unique(y))
    return PATHS[path](model, y)


WITHOUT_PATH = {
    "partial_fit": ("best epoch", "lbfgs", "newton", "saga", "fista", "transformer"),
    "warm_start": ("transformer",),
    "resume": ("transformer", "best epoch"),
    "resume a pickle": ("transformer", "best epoch"),
}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (name, path)
        for path in PATHS
        for name in SEEDED
        if not any(part in name for part in WITHOUT_PATH.get(path, ()))
    ],
)
@pytest.mark.filterwarnings("ignore:There is nothing to resume")
def test_the_same_fit_has_the_same_pickle(name, path):
    one, other = seeded(name, path), seeded(name, path)
    assert pickle.dumps(one) == pickle.dumps(other)
    assert joblib.hash(one) == joblib.hash(other)
    loaded = pickle.loads(pickle.dumps(one))
    assert joblib.hash(loaded) == joblib.hash(deepcopy(one)) == joblib.hash(one)


def test_a_resumed_pickle_has_the_seconds_of_its_own_epochs():
    model = pickle.loads(pickle.dumps(seeded("adam", "fit"))).set_params(max_iter=6).resume(X, MARK)
    seconds = [record["seconds"] for record in model.history_]
    assert np.isnan(seconds).tolist() == [True] * 4 + [False] * 2
    whole = seeded("adam", "fit").set_params(max_iter=6).resume(X, MARK)
    assert model.loss_curve_ == whole.loss_curve_
    assert joblib.hash(model) == joblib.hash(whole)


def test_other_data_have_another_pickle():
    model = clone(seeded("adam", "fit"))
    assert joblib.hash(seeded("adam", "fit")) != joblib.hash(model.fit(X + 1e-12, MARK))


# ------------------------------------------------------------------------- copies


@parametrize_problems
@pytest.mark.parametrize("training", TRAININGS)
@parametrize_ways
def test_copy_is_the_same_bit_by_bit(problem, training, way, folder):
    model = trained_once(problem, training)
    copied = way(model, folder)
    assert outputs(copied) == outputs(model)
    assert state(copied) == state(model)


SEEDS = {"int": 0, "None": None, "state": np.random.RandomState(5)}


@cache
def original(problem, training, seed):
    """A model to copy from, and what its twin has come to by going on."""
    models = []
    for _ in range(2):
        np.random.seed(2)
        models.append(trained(problem, training, random_state=copy.deepcopy(SEEDS[seed])))
        models[-1].set_params(early_stopping=False)
    model, twin = models
    assert state(model) == state(twin)
    np.random.seed(3)
    states = states_of_partial_fits(twin, problem, training)
    assert all(one != other for one, other in pairwise([state(model), *states]))
    return model, states, outputs(twin)


@parametrize_problems
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("training", ["sgd", "adam", "early stopping", "features"])
@parametrize_ways
def test_partial_fit_of_a_copy_goes_on_as_the_original(problem, training, seed, way, folder):
    model, states, outputs_in_the_end = original(problem, training, seed)
    copied = way(model, folder)
    np.random.seed(3)
    assert states_of_partial_fits(copied, problem, training) == states
    assert outputs(copied) == outputs_in_the_end


def states_of_partial_fits(model, problem, training):
    """What calls of partial_fit leave behind.

    There is a second call where there is most to go on with: averages, a schedule, dropout.
    """
    _, y = PROBLEMS[problem]
    n_calls = 2 if training == "features" else 1
    return [state(model.partial_fit(X, y)) for _ in range(n_calls)]


@parametrize_problems
@parametrize_ways
def test_copy_is_linked_to_itself_and_not_to_the_original(problem, way, folder):
    model = trained(problem, "adam")
    copied = way(model, folder)
    original = state(model)

    before = [array.copy() for array in copied.coefs_]
    copied.partial_fit(X, PROBLEMS[problem][1])
    # The intercept of a single class has no gradient, nor has any weight.
    if problem != "one class":
        assert not np.array_equal(copied.coefs_[0], before[0])
    raw = raw_outputs(copied)
    copied.coefs_[0][...] += 1
    copied.intercepts_[-1][...] -= 1
    assert not np.array_equal(raw_outputs(copied), raw)

    assert state(model) == original


def raw_outputs(model):
    return model.decision_function(X) if is_classifier(model) else model.predict(X)


def test_mapped_file_is_never_written_to(tmp_path):
    model = trained("three classes", "adam")
    mapped = from_joblib("r")(model, tmp_path)
    (path,) = tmp_path.iterdir()
    on_disk = path.read_bytes()

    with pytest.raises(ValueError, match="read-only"):
        mapped.coefs_[0] = model.coefs_[0] + 1
    assert state(mapped) == state(model)
    mapped.coefs_ = [array + 1 for array in model.coefs_]
    mapped.coefs_[0][...] += 1
    np.testing.assert_array_equal(mapped.coefs_[0], model.coefs_[0] + 1 + 1)

    mapped = from_joblib("r")(model, tmp_path)
    mapped.partial_fit(X, MARK)
    mapped.coefs_[0][...] += 1
    mapped.set_params(warm_start=True).fit(X, MARK)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [on_disk] * 2


# ------------------------------------------------------------------------- version stamp


def stamped(monkeypatch, version):
    with monkeypatch.context() as patch:
        patch.setattr(versions_of_pickles, "__version__", version)
        return pickle.dumps(trained("binary", "adam"))


def test_pickle_of_another_version_warns(monkeypatch):
    written = stamped(monkeypatch, "0.0.1")
    with pytest.warns(SkneuralVersionWarning, match="ScratchMLPClassifier from skneural 0.0.1 "):
        loaded = pickle.loads(written)
    assert outputs(loaded) == outputs(trained("binary", "adam"))
    assert "_skneural_version" not in vars(loaded)


def test_version_warning_is_one_of_scikit_learn(monkeypatch):
    written = stamped(monkeypatch, "0.0.1")
    with pytest.warns(InconsistentVersionWarning) as caught:
        pickle.loads(written)
    warning = caught[0].message
    assert warning.estimator_name == "ScratchMLPClassifier"
    assert __version__ in str(warning)
    assert isinstance(pickle.loads(pickle.dumps(warning)), SkneuralVersionWarning)


def test_pickle_without_a_version_warns():
    model = trained("binary", "adam")
    written = model.__getstate__()
    del written["_skneural_version"]
    restored = ScratchMLPClassifier.__new__(ScratchMLPClassifier)
    with pytest.warns(SkneuralVersionWarning, match="unknown"):
        restored.__setstate__(written)
    assert state(restored) == state(model)


@pytest.mark.parametrize("fitted", [True, False])
def test_same_version_is_stamped_without_a_trace(fitted):
    model = trained("binary", "adam") if fitted else ScratchMLPClassifier()
    written = model.__getstate__()
    assert written["_skneural_version"] == __version__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = pickle.loads(pickle.dumps(model))
    for each in (model, loaded):
        assert "_skneural_version" not in vars(each)
    restored = ScratchMLPClassifier()
    restored.__setstate__(written)
    assert written["_skneural_version"] == __version__  # the caller's dict stays as it was


#: Every public estimator, fitted and not.
SHORT_TABLE = {"hidden_layer_sizes": (3,), "max_iter": 2, "cv": 2, "random_state": 0}
HIDDEN = HiddenLayerTransformer(ScratchMLPClassifier(3, max_iter=2))
VERSIONED = {
    "classifier": lambda: trained("binary", "adam"),
    "regressor": lambda: trained("one output", "lbfgs"),
    "logistic regression": lambda: ScratchLogisticRegression().fit(X, MARK),
    "perceptron": lambda: ScratchPerceptron().fit(X, MARK),
    "hidden layer": lambda: HiddenLayerTransformer(ScratchMLPClassifier(3, max_iter=2)).fit(
        X, MARK
    ),
    "for prediction": lambda: trained("binary", "adam").for_prediction(),
    "table": lambda: TableEncoder().fit(X, MARK),
    "raw tables": lambda: TabularMLPClassifier(**SHORT_TABLE).fit(X, MARK),
    "raw tables, numbers": lambda: TabularMLPRegressor(**SHORT_TABLE).fit(X, MARK),
    "unfitted": ScratchMLPRegressor,
    "unfitted, raw tables": TabularMLPClassifier,
    "unfitted hidden layer": lambda: HiddenLayerTransformer(ScratchMLPClassifier()),
}


@cache
def versioned(name):
    """A model to write, or to copy, and not to change."""
    return VERSIONED[name]()


def by_pickle(model):
    return pickle.dumps(model), pickle.loads


def by_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    return file.getvalue(), lambda content: joblib.load(io.BytesIO(content))


def by_deepcopy(model):
    return model, copy.deepcopy


def by_skops(model):
    """As skops reads its files: from a module of its own, without pickle."""
    variables = {"__name__": "skops.io._general"}
    exec("def read(model, state):\n    model.__setstate__(state)\n    return model", variables)
    state = model.__getstate__()
    return state, lambda state: variables["read"](type(model).__new__(type(model)), state)


def warnings_by(monkeypatch, write, versions, model):
    """What reading a model warns of that was written by these versions."""
    with monkeypatch.context() as patch:
        patch.setattr(versions_of_pickles, "__version__", versions.get("skneural", __version__))
        patch.setattr(sklearn, "__version__", versions.get("sklearn", sklearn.__version__))
        written, read = write(model)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        restored = read(written)
    assert not {"_skneural_version", "_sklearn_version"} & set(vars(restored))
    assert repr(restored) == repr(model)
    # Those of the estimator inside are its own.
    name = type(model).__name__
    return [each for each in caught if each.message.estimator_name == name]


@pytest.mark.parametrize("write", [by_pickle, by_joblib])
@pytest.mark.parametrize("name", VERSIONED)
@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ({}, []),
        ({"skneural": "0.1.99"}, []),
        ({"skneural": "0.1.0rc1"}, []),
        ({"skneural": "0.10.0"}, [SkneuralVersionWarning]),
        ({"skneural": "1.1.0"}, [SkneuralVersionWarning]),
        ({"sklearn": "1.5.2"}, [InconsistentVersionWarning]),
        (
            {"skneural": "0.3", "sklearn": sklearn.__version__ + ".dev0"},
            [SkneuralVersionWarning, InconsistentVersionWarning],
        ),
    ],
    ids=repr,
)
def test_versions_in_pickles(monkeypatch, write, name, versions, expected):
    caught = warnings_by(monkeypatch, write, versions, versioned(name))
    assert [each.category for each in caught] == expected
    for each in caught:
        assert each.filename == __file__
        original = {SkneuralVersionWarning: "skneural", InconsistentVersionWarning: "sklearn"}
        assert each.message.original_sklearn_version == versions[original[each.category]]


@pytest.mark.parametrize("write", [by_skops, by_deepcopy])
@pytest.mark.parametrize("name", VERSIONED)
def test_other_versions_in_silence(monkeypatch, write, name):
    versions = {} if write is by_deepcopy else {"skneural": "0.2.0", "sklearn": "1.5.2"}
    assert warnings_by(monkeypatch, write, versions, versioned(name)) == []


@pytest.mark.parametrize("name", VERSIONED)
def test_pickles_from_before_there_was_a_version_of_scikit_learn(name):
    model = versioned(name)
    written = model.__getstate__()
    assert written.pop("_sklearn_version") == sklearn.__version__
    if isinstance(model, HiddenLayerTransformer):
        del written["_skneural_version"]  # likewise
    restored = type(model).__new__(type(model))
    restored.__setstate__(written)
    assert repr(restored) == repr(model)


# ------------------------------------------------------------------------- fitted arrays


def assign_attribute(model, name, values):
    setattr(model, name, values)


def assign_elements(model, name, values):
    for i, value in enumerate(values):
        getattr(model, name)[i] = value


def assign_from_the_end(model, name, values):
    for i, value in enumerate(values):
        getattr(model, name)[i - len(values)] = value


def assign_slice(model, name, values):
    getattr(model, name)[:] = values


def assign_reversed_slice(model, name, values):
    getattr(model, name)[::-1] = values[::-1]


def write_into(model, name, values):
    for array, value in zip(getattr(model, name), values, strict=True):
        array[...] = value


def by_hand(coefs, intercepts):
    a = X
    for W, b in zip(coefs[:-1], intercepts[:-1], strict=True):
        a = np.maximum(a @ W + b, 0)
    return a @ coefs[-1] + intercepts[-1]


@pytest.mark.parametrize(
    "assign",
    [
        assign_attribute,
        assign_elements,
        assign_from_the_end,
        assign_slice,
        assign_reversed_slice,
        write_into,
    ],
)
@pytest.mark.parametrize("convert", [np.asarray, np.ndarray.tolist], ids=["arrays", "lists"])
def test_assigned_values_are_the_model(assign, convert):
    model = trained("two outputs", "adam")
    random = np.random.RandomState(1)
    new = {
        name: [random.standard_normal(array.shape) for array in getattr(model, name)]
        for name in ("coefs_", "intercepts_")
    }
    for name, values in new.items():
        assign(model, name, [convert(value) for value in values])
    for name, values in new.items():
        assert frozen(list(getattr(model, name))) == frozen(values)
    expected = by_hand(new["coefs_"], new["intercepts_"])
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-12, atol=1e-12)


def test_assigned_values_are_copied():
    model = trained("two outputs", "adam")
    W = [np.ones_like(array) for array in model.coefs_]
    model.coefs_ = W
    W[0][...] = 5
    assert np.all(model.coefs_[0] == 1)
    model.partial_fit(X, PROBLEMS["two outputs"][1])
    assert np.all(W[1] == 1)


def test_layers_can_trade_places():
    model = trained("two outputs", "adam", hidden_layer_sizes=(3, 3))
    first, second, third = (array.copy() for array in model.coefs_)
    model.coefs_[:2] = model.coefs_[1::-1]
    assert frozen(list(model.coefs_)) == frozen([second, first, third])
    model.coefs_ = [*model.coefs_[1::-1], third]
    assert frozen(list(model.coefs_)) == frozen([first, second, third])


def with_element(value):
    """All layers right but the last, which gets `value` everywhere."""
    return lambda model: [*model.coefs_[:-1], np.full(model.coefs_[-1].shape, value)]


WRONG_VALUES = {
    "shape": lambda model: [array.T for array in model.coefs_],
    "shape of the last": lambda model: [*model.coefs_[:-1], np.zeros((9, 9))],
    "shape that broadcasts": lambda model: [*model.coefs_[:-1], np.zeros((1, 1))],
    "scalars": lambda model: [0.0] * 3,
    "too few": lambda model: model.coefs_[:-1],
    "too many": lambda model: [*model.coefs_, model.coefs_[-1]],
    "none": lambda model: [],
    "no list": lambda model: None,
    "NaN": with_element(np.nan),
    "infinite": with_element(-np.inf),
    "infinite in float32": with_element(1e300),
    "complex": with_element(1 + 1j),
    "text": with_element("a"),
    "None": with_element(None),
}


@pytest.mark.parametrize("wrong", WRONG_VALUES.values(), ids=WRONG_VALUES.keys())
@pytest.mark.parametrize("assign", [assign_attribute, assign_slice])
def test_wrong_values_are_refused_as_a_whole(wrong, assign):
    model = trained("two outputs", "adam", X=X.astype(np.float32))
    before = state(model)
    values = wrong(model)
    if isinstance(values, list) and len(values) == 3:
        values[0] = values[0] + 1 if np.ndim(values[0]) else values[0]
    with pytest.raises((ValueError, TypeError)):
        assign(model, "coefs_", values)
    assert state(model) == before


@pytest.mark.parametrize("index", [3, -4])
def test_there_is_no_such_layer(index):
    model = trained("two outputs", "adam")
    with pytest.raises(IndexError):
        model.coefs_[index] = model.coefs_[0]


def delete_first(arrays):
    del arrays[0]


def add_in_place(arrays):
    arrays += [np.zeros(3)]


def multiply_in_place(arrays):
    arrays *= 2


CHANGES_OF_NUMBER = {
    "append": lambda arrays: arrays.append(np.zeros(3)),
    "extend": lambda arrays: arrays.extend([np.zeros(3)]),
    "insert": lambda arrays: arrays.insert(0, np.zeros(3)),
    "pop": lambda arrays: arrays.pop(),
    "remove": lambda arrays: arrays.remove(0),
    "clear": lambda arrays: arrays.clear(),
    "sort": lambda arrays: arrays.sort(key=np.size),
    "reverse": lambda arrays: arrays.reverse(),
    "del": delete_first,
    "+=": add_in_place,
    "*=": multiply_in_place,
    "shorter slice": lambda arrays: arrays.__setitem__(slice(0, 2), [arrays[0]]),
    "longer slice": lambda arrays: arrays.__setitem__(slice(3, 3), [arrays[0]]),
}


@pytest.mark.parametrize("change", CHANGES_OF_NUMBER.values(), ids=CHANGES_OF_NUMBER.keys())
@pytest.mark.parametrize("name", ["coefs_", "intercepts_"])
def test_number_of_layers_cannot_change(change, name):
    model = trained("two outputs", "adam")
    before = state(model)
    with pytest.raises(TypeError, match="their number cannot change"):
        change(getattr(model, name))
    assert state(model) == before


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, list.copy, lambda a: a[:], lambda a: pickle.loads(pickle.dumps(a))],
    ids=["copy", "deepcopy", "list.copy", "slice", "pickle"],
)
def test_copies_of_the_list_are_plain_lists(copied):
    arrays = trained("two outputs", "adam").coefs_
    duplicate = copied(arrays)
    assert type(duplicate) is list
    assert frozen(duplicate) == frozen(list(arrays))
    duplicate.append(None)
    assert len(arrays) == 3


@pytest.mark.parametrize("name", ["coefs_", "intercepts_"])
def test_unfitted_has_no_arrays_to_read_or_assign(name):
    unfitted = ScratchMLPRegressor()
    assert not hasattr(unfitted, name)
    with pytest.raises(AttributeError, match="not fitted"):
        setattr(unfitted, name, [])
    assert vars(unfitted) == unfitted.get_params()


# ------------------------------------------------------------------------- threads

MANY = RANDOM.standard_normal((500, 3))


@parametrize_problems
def test_many_threads_predict_the_same(problem):
    model = trained(problem, "adam")
    before, expected = state(model), outputs(model, MANY)
    together = Barrier(8)

    def predict_often(_):
        together.wait()
        return [outputs(model, MANY) for _ in range(20)]

    with ThreadPoolExecutor(8) as pool:
        for results in pool.map(predict_often, range(8)):
            assert all(result == expected for result in results)
    assert state(model) == before


def test_training_in_threads_is_training_in_turn():
    """Nothing is shared between estimators, not even between those of one architecture."""
    everything = [(problem, training) for problem in PROBLEMS for training in TRAININGS]
    expected = [state(trained_once(*each)) for each in everything]
    with often_switching(), ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda each: state(trained(*each)), 2 * everything))
    assert found == 2 * expected


def test_prediction_amid_a_partial_fit_is_of_the_model_before(monkeypatch):
    """Looking in after every step finds the earlier model, not one half trained."""
    model = trained("three classes", "adam")
    before, seen = outputs(model), []
    step = Adam.step

    def step_and_look(*args, **kwargs):
        step(*args, **kwargs)
        seen.append(outputs(model))

    monkeypatch.setattr(Adam, "step", step_and_look)
    model.partial_fit(X, MARK)
    assert len(seen) == 3
    assert all(each == before for each in seen)
    assert outputs(model) != before


def test_prediction_goes_on_with_the_model_it_began_with(monkeypatch):
    """A partial_fit that ends between the layers of a prediction does not change it."""
    model = trained("three classes", "adam")
    later = copy.deepcopy(model).partial_fit(X, MARK)
    before = outputs(model)["decision_function"]
    forward, calls = Dense.forward, []

    def forward_with_training_between(*args, **kwargs):
        calls.append(args)
        if len(calls) == 2:
            model.partial_fit(X, MARK)
        return forward(*args, **kwargs)

    monkeypatch.setattr(Dense, "forward", forward_with_training_between)
    assert frozen(model.decision_function(X)) == before
    monkeypatch.undo()
    assert outputs(model) == outputs(later) != before


def test_predictions_during_training_are_of_whole_models():
    model = trained("three classes", "adam", hidden_layer_sizes=(50, 50), batch_size=5)
    published, read, finished = {raw_bytes(model)}, set(), Event()

    def read_until_finished():
        while not finished.is_set():
            read.add(raw_bytes(model))

    with often_switching(), ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read_until_finished) for _ in range(3)]
        try:
            # As long as it takes for the readers to have come upon several models.
            while len(published) < 20 or (len(read) < 5 and len(published) < 2000):
                model.partial_fit(X, MARK)
                published.add(raw_bytes(model))
        finally:
            finished.set()
        for reader in readers:
            reader.result()
    assert len(read) >= 5
    assert read <= published


def raw_bytes(model):
    return model.decision_function(X).tobytes()


@contextmanager
def often_switching():
    """Threads take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
