"""What a file of a model names: nothing that running code would have to be trusted for.

The classes and functions that a pickle looks up are estimators, public settings objects, and
what NumPy and Python bring along; `__getstate__` holds plain data beside what the user passed in.
"""

from __future__ import annotations

import io
import pickle
from functools import cache
from numbers import Number

import numpy as np
import pandas as pd
import pytest
from resumed_fits import FITS, NUMBERS, OWN_ROWS, WEIGHT, X, Y, classifier, logistic, perceptron
from resumed_fits import regressor as regressor_of
from sklearn.base import BaseEstimator, clone
from stopped_fits import SINCE_1_9, AtTheEnd, answers, visible_state

import skneural
from skneural import (
    HiddenLayerTransformer,
    TableEncoder,
    TabularMLPClassifier,
    TabularMLPRegressor,
    activations,
    losses,
    optimizers,
    schedules,
)
from skneural.activations import ACTIVATIONS
from skneural.losses import Focal, Huber, Quantile
from skneural.minimizers.state import BIT_GENERATORS, generator_from_state, generator_state
from skneural.optimizers import SGD, Adam, NAdam, RMSprop
from skneural.schedules import Cosine, LinearWarmUp, ReduceOnPlateau

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::scipy.linalg.LinAlgWarning"),
]

#: The modules of what users pass in.
SETTINGS = (optimizers, schedules, losses, activations)
PUBLIC_SETTINGS = {
    value
    for module in SETTINGS
    for name, value in vars(module).items()
    if isinstance(value, type) and not name.startswith("_")
}


def is_public_settings(named):
    return isinstance(named, type) and named in PUBLIC_SETTINGS


def is_estimator(named):
    return (
        isinstance(named, type)
        and issubclass(named, BaseEstimator)
        and named in [getattr(skneural, name) for name in skneural.__all__]
    )


def of_numpy_or_python(module):
    return module.split(".")[0] in ("numpy", "builtins", "__builtin__", "copy_reg", "_codecs")


class Namer(pickle.Unpickler):
    """Remembers all that a pickle looks up."""

    def __init__(self, content):
        super().__init__(io.BytesIO(content))
        self.named = {}

    def find_class(self, module, name):
        self.named[module, name] = super().find_class(module, name)
        return self.named[module, name]


def names_in(model, protocol=pickle.HIGHEST_PROTOCOL):
    namer = Namer(pickle.dumps(model, protocol))
    namer.load()
    return namer.named


def strangers(named):
    return sorted(
        f"{module}.{name}"
        for (module, name), value in named.items()
        if not (of_numpy_or_python(module) or is_estimator(value) or is_public_settings(value))
    )


def is_plain(value):
    if isinstance(value, np.ndarray):
        return value.dtype != object or all(map(is_plain, value.ravel().tolist()))
    if type(value) is dict:
        return all(map(is_plain, [*value, *value.values()]))
    if type(value) in (list, tuple):
        return all(map(is_plain, value))
    if is_public_settings(type(value)):
        return True
    return value is None or type(value) in (str, bytes, bool) or isinstance(value, Number)


def transformer(model):
    return HiddenLayerTransformer(model).fit(X, Y)


def partly_fitted(estimator):
    return lambda: clone(estimator).partial_fit(X, Y, classes=[0, 1, 2])


def stopped_by(error):
    """A fit of which two epochs are over."""

    def raise_it(model):
        if model.n_iter_ == 2:
            raise error

    def make():
        model = classifier(early_stopping=True).set_callbacks(AtTheEnd(raise_it))
        with pytest.raises(type(error)):
            model.fit(X, Y)
        return model.set_callbacks()

    return make


RANDOM = np.random.RandomState(3)
OBJECTS = {
    "solver": NAdam(averaging=0.9, weight_decay=0.1, max_grad_norm=1.0),
    "learning_rate": LinearWarmUp(2, then=Cosine()),
    "activation": ["gelu", ACTIVATIONS["mish"]],
    "hidden_layer_sizes": (4, 3),
}
#: A category that is encoded by target, one that is not, and one with levels of several types.
TABLE = pd.DataFrame(
    {
        "number": NUMBERS,
        "many": [f"level {i % 20}" for i in range(len(Y))],
        "few": np.array(["a", "b", "c"], dtype=object)[Y],
        "types": np.array([1, "b", None], dtype=object)[Y],
    }
)


def raw(kind, y, **params):
    short = {"hidden_layer_sizes": (3,), "max_iter": 2, "cv": 2, "random_state": 0}
    return kind(**{**short, **params}).fit(TABLE, y)


#: Further models; those of the table of fits are all there too.
MODELS = {
    **{
        f"activation {name}": lambda name=name: classifier(activation=name).fit(X, Y)
        for name in ACTIVATIONS
    },
    **{
        f"activation object {name}": lambda name=name: classifier(activation=ACTIVATIONS[name]).fit(
            X, Y
        )
        for name in ACTIVATIONS
    },
    **{
        f"learning_rate {name}": lambda name=name: classifier(learning_rate=name).fit(X, Y)
        for name in schedules.SCHEDULES
    },
    "objects": lambda: classifier(**OBJECTS, loss=Focal(gamma=1.0), dropout=0.2).fit(X, Y),
    "objects, regressor": lambda: regressor_of(**OBJECTS, loss=Huber()).fit(X, NUMBERS),
    "quantiles": lambda: regressor_of(loss=Quantile([0.1, 0.9])).fit(X, NUMBERS),
    "poisson": lambda: regressor_of(loss="poisson").fit(X, np.abs(NUMBERS)),
    "RMSprop": lambda: classifier(solver=RMSprop(momentum=0.5)).fit(X, Y),
    "network, lbfgs": lambda: classifier(solver="lbfgs").fit(X, Y, X_val=X, y_val=Y),
    "plateaus": lambda: classifier(learning_rate=ReduceOnPlateau(), max_iter=9).fit(X, Y),
    "generator": lambda: classifier(random_state=RANDOM, dropout=0.1).fit(X, Y),
    "a seed of NumPy's": lambda: classifier(random_state=np.int64(3)).fit(X, Y),
    "partial_fit": partly_fitted(classifier(solver=Adam(averaging=0.5))),
    "partial_fit, logistic": partly_fitted(logistic(solver="sgd")),
    "partial_fit, perceptron": partly_fitted(perceptron()),
    "warm start": lambda: classifier(warm_start=True).fit(X, Y).fit(X, Y, WEIGHT),
    "own rows": lambda: classifier(early_stopping=True).fit(X, Y, WEIGHT, **OWN_ROWS),
    "for prediction": lambda: classifier(solver=SGD()).fit(X, Y).for_prediction(),
    "for prediction, logistic": lambda: logistic().fit(X, Y).for_prediction(),
    "hidden layer": lambda: transformer(classifier()),
    "table": lambda: TableEncoder(random_state=0).fit(TABLE, Y),
    "table, numbers": lambda: TableEncoder(random_state=0).fit(TABLE.to_numpy(), NUMBERS),
    **{
        f"raw table, {name}": lambda params=params: raw(TabularMLPClassifier, Y, **params)
        for name, params in {
            "classes": {},
            "strings": {"early_stopping_metric": "roc_auc_ovr"},
            "objects": {"activation": ACTIVATIONS["mish"], "class_weight": "balanced"},
            "seed of NumPy's": {"random_state": np.int64(3)},
            "generator": {"random_state": RANDOM},
        }.items()
    },
    "raw table, numbers": lambda: raw(TabularMLPRegressor, NUMBERS),
    "raw table, quantile": lambda: raw(TabularMLPRegressor, NUMBERS, loss=Quantile(0.9)),
    "raw table, for prediction": lambda: raw(TabularMLPClassifier, Y).for_prediction(),
    "weights": lambda: skneural.ScratchMLPClassifier.from_weights(
        [np.eye(2)], [[0.0, 0.0]], classes=[0, 1], multilabel=True
    ),
    "weights, columns of labels": lambda: skneural.ScratchMLPClassifier.from_weights(
        [np.eye(2), np.ones((2, 5))],
        [[0.0, 0.0], np.arange(5)],
        classes=[["a", "b"], [1, 2, 7]],
    ),
    "names of columns": lambda: classifier().fit(
        X, pd.DataFrame({"number": Y, "text": np.array(["a", "b", "c"], dtype=object)[Y]})
    ),
    "names of classes": lambda: perceptron().fit(X, np.array(["a", "b", "c"], dtype=object)[Y]),
    **{name: lambda name=name: FITS[name].fit() for name in FITS},
}
each_model = pytest.mark.parametrize("name", MODELS)


@cache
def fitted(name):
    """One of them, for all tests: to pickle and to look at, not to change."""
    return MODELS[name]()


@each_model
@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
def test_classes_in_a_pickle(name, protocol):
    assert strangers(names_in(fitted(name), protocol)) == []


@SINCE_1_9
@pytest.mark.parametrize("error", [KeyboardInterrupt()], ids=repr)
def test_classes_in_the_pickle_of_an_interrupted_fit(error):
    assert strangers(names_in(stopped_by(error)())) == []


@pytest.mark.parametrize("make", [logistic, perceptron])
def test_classes_in_a_pickle_of_sparse_weights(make):
    """Their arrays, not the matrix of SciPy."""
    assert strangers(names_in(make().fit(X, Y).sparsify())) == []


@each_model
def test_the_state_is_plain(name):
    model = fitted(name)
    if isinstance(model, HiddenLayerTransformer):
        model = model.estimator_ if hasattr(model, "estimator_") else model.estimator
    passed_in = model.get_params(deep=False)
    for key, value in model.__getstate__().items():
        if not (key in passed_in and value is passed_in[key]):
            assert is_plain(value), f"{key}: {type(value).__name__}"


@each_model
def test_the_state_is_all_there_is(name):
    """A copy by way of the state is the model."""
    model = fitted(name)
    copied = pickle.loads(pickle.dumps(model))
    if hasattr(model, "transform"):
        rows = TABLE if isinstance(model, TableEncoder) else X
        rows = rows if hasattr(model, "feature_names_in_") else np.asarray(rows)
        np.testing.assert_array_equal(copied.transform(rows), model.transform(rows))
        return
    assert visible_state(copied) == visible_state(model)
    rows = FITS[name].X if name in FITS else X[:, : model.n_features_in_]
    if name.startswith("raw table"):
        rows = TABLE
    assert answers(copied, rows) == answers(model, rows)


# ----------------------------------------------------------------- names of bit generators

#: Names in `numpy.random` that are none of its bit generators, and what is no name at all.
WRONG_NAMES = ["seed", "rand", "get_state", "default_rng", "BitGenerator", "test", "", None, ["MT"]]


def states_of_generators(value):
    """The dicts in a state that say where a generator stands."""
    if isinstance(value, dict):
        if "bit_generator" in value:
            return [value]
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [state for part in value for state in states_of_generators(part)]
    return []


#: A fit that keeps the state of a generator, and what makes use of it.
KEEPS_A_GENERATOR = {
    "order of the rows": (lambda: classifier().fit(X, Y), None),
    "dropout": (lambda: classifier(dropout=0.1, random_state=None).fit(X, Y), None),
    "logistic": (lambda: logistic(solver="sag").fit(X, Y), lambda model: model.resume(X, Y)),
    "start of a fit": (
        lambda: classifier(random_state=RANDOM).fit(X, Y),
        lambda model: model.set_params(max_iter=20).resume(X, Y),
    ),
    "rows held out": (
        lambda: classifier(random_state=RANDOM, early_stopping=True).fit(X, Y),
        lambda model: model.set_params(warm_start=True).fit(X, Y),
    ),
}


@pytest.mark.parametrize("wrong", WRONG_NAMES, ids=repr)
@pytest.mark.parametrize("name", KEEPS_A_GENERATOR)
def test_only_bit_generators_are_called(name, wrong, monkeypatch):
    make, use = KEEPS_A_GENERATOR[name]
    model = make()
    written = model.__getstate__()
    states = states_of_generators(written["_fitted"])
    assert states
    for each in states:
        assert each["bit_generator"] in BIT_GENERATORS
        each["bit_generator"] = wrong
    if isinstance(wrong, str) and hasattr(np.random, wrong):
        monkeypatch.setattr(np.random, wrong, lambda *_: pytest.fail("it was called"))

    def load_and_use():
        copied = type(model).__new__(type(model))
        copied.__setstate__(written)
        assert use is not None, "it is refused when it is loaded"
        use(copied)

    with pytest.raises(ValueError, match=r"none of NumPy's bit generators: \['MT19937', 'PCG64'"):
        load_and_use()


@pytest.mark.parametrize("kind", BIT_GENERATORS.values(), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("of", [np.random.RandomState, np.random.Generator])
def test_every_bit_generator_goes_on(kind, of):
    generator = of(kind(3))
    generator.standard_normal(5)
    copied = generator_from_state(pickle.loads(pickle.dumps(generator_state(generator))), of)
    assert type(copied) is of
    np.testing.assert_array_equal(copied.standard_normal(9), generator.standard_normal(9))
