"""Values of users as plain data in files, and back."""

import pickle
from collections import Counter, OrderedDict, defaultdict, deque
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import nan

import numpy as np
import pandas as pd
import pytest
from exact_values import exact
from scipy import sparse
from sklearn import model_selection
from sklearn.metrics import fbeta_score, get_scorer, get_scorer_names, make_scorer

from skneural import (
    HiddenLayerTransformer,
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    TableEncoder,
    TabularMLPClassifier,
)
from skneural.activations import ACTIVATIONS, Activation
from skneural.estimators.plain_parameters import PARAMETER_KINDS, SPLITTERS
from skneural.estimators.table.fitted import FORMAT
from skneural.initialization import INITIALIZATIONS
from skneural.optimizers import Adam
from skneural.plain_values import KIND, KINDS, from_plain, to_plain, with_parts, without_maps
from skneural.schedules import Schedule

X = np.random.RandomState(0).standard_normal((40, 3))
Y = np.digitize(X[:, 0], [-0.5, 0.5])

#: Values that JSON has, or that files have arrays for: they stay the objects that they are.
PLAIN = [
    None,
    True,
    -0.0,
    nan,
    10**30,
    "text",
    b"bytes",
    (),
    [1, (2.0, "three")],
    {},
    {"a": {"b": [1]}},
    {0: 1.0, 1: 2.0},
    {0.5: 1, nan: 2},
    np.arange(3),
    np.float32(0.1),
    np.random.RandomState(3),
    Adam(),
    len,
]
NOT_PLAIN = [
    {True: 2.0, False: 1.0},
    {"a": 1, 2: 3},
    {None: 1},
    {(1, 2): [Fraction(1, 3)]},
    {np.int64(1): 1.0},
    {np.str_("a"): 1.0},
    {KIND: "dict", "keys": [1], "values": [2]},
    {"a": {True: 1}},
    OrderedDict([(True, 1), (False, 2)]),
    OrderedDict(a=1),
    np.True_,
    {np.False_: np.True_, np.True_: 1},
    Counter("abca"),
    defaultdict(int, {1: 2.0}),
    Fraction(-1, 3),
    Decimal("1.10"),
    date(2001, 2, 3),
    datetime(2001, 2, 3, 4, 5, 6, 7),
    timedelta(days=-1, microseconds=3),
    range(5, 1, -2),
    deque([1, Fraction(1, 2)], maxlen=3),
    [1, {True: 2}],
    ("a", [range(3)]),
]
PARAMETERS = [
    *(SPLITTERS[name](2) for name in ("KFold", "GroupKFold", "StratifiedKFold", "LeavePOut")),
    model_selection.KFold(3, shuffle=True, random_state=7),
    model_selection.RepeatedKFold(n_splits=2, n_repeats=3, random_state=7),
    model_selection.RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=7),
    model_selection.ShuffleSplit(3, test_size=0.25, random_state=7),
    model_selection.StratifiedShuffleSplit(3, train_size=11, random_state=7),
    model_selection.GroupShuffleSplit(3, random_state=7),
    model_selection.TimeSeriesSplit(3, gap=1),
    model_selection.PredefinedSplit([0, 1, 1, -1]),
    model_selection.LeaveOneGroupOut(),
    model_selection.LeaveOneOut(),
    model_selection.LeavePGroupsOut(2),
    model_selection.StratifiedGroupKFold(2),
    pd.Index(["a", "b"], name="columns"),
    pd.Index([1, 2], dtype="int32"),
    pd.RangeIndex(1, 9, 2, name="numbers"),
    pd.Series([True, False], index=["a", "b"], name="mask"),
    np.random.RandomState(np.random.PCG64(3)),
    *INITIALIZATIONS.values(),
    *(get_scorer(name) for name in get_scorer_names()),
]


@pytest.mark.parametrize("value", PLAIN, ids=lambda value: repr(value).partition(" at ")[0])
def test_what_is_plain_stays_the_same_object(value):
    assert to_plain(value, PARAMETER_KINDS) is value
    assert from_plain(value, PARAMETER_KINDS) is value


def has_plain_types(value):
    if type(value) is dict:
        return all(type(key) in (str, int, float) for key in value) and all(
            map(has_plain_types, value.values())
        )
    if type(value) in (list, tuple):
        return all(map(has_plain_types, value))
    return value is None or isinstance(
        value, bool | int | float | str | np.ndarray | np.generic | type
    )


@pytest.mark.parametrize("value", NOT_PLAIN, ids=repr)
def test_what_is_not_comes_back(value):
    plain = to_plain(value)
    assert plain is not value
    assert has_plain_types(plain)
    back = from_plain(pickle.loads(pickle.dumps(plain)))
    assert type(back) is type(value)
    assert back == value
    assert repr(back) == repr(value)


@pytest.mark.parametrize("value", PARAMETERS, ids=lambda value: type(value).__name__)
def test_parameters_come_back(value):
    plain = to_plain(value, PARAMETER_KINDS)
    assert has_plain_types(plain)
    back = from_plain(plain, PARAMETER_KINDS)
    assert exact(back) == exact(value)
    assert to_plain(value) is value  # only of estimators


def test_every_splitter_is_in_the_table_of_this_test():
    there = {type(value).__name__ for value in PARAMETERS}
    assert set(SPLITTERS) <= there


def test_without_pandas_an_index_is_an_array(monkeypatch):
    index = pd.Index(["a", "b"])
    series = pd.Series([1, 2])
    plain = to_plain([index, series, pd.RangeIndex(3)], PARAMETER_KINDS)
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    back = from_plain(plain, PARAMETER_KINDS)
    assert [each.tolist() for each in back] == [["a", "b"], [1, 2], [0, 1, 2]]


def test_times_with_a_zone_stay_what_they_are():
    value = datetime(2001, 2, 3, tzinfo=UTC)
    assert to_plain(value) is value


OWN_SCORER = make_scorer(fbeta_score, beta=2)


class OwnDict(dict):
    """A dict of the user's."""


@pytest.mark.parametrize("value", [OwnDict({True: 1}), frozenset([1]), 1j, OWN_SCORER], ids=repr)
def test_other_types_stay_what_they_are(value):
    assert to_plain(value, PARAMETER_KINDS) is value


def test_kinds_have_names_of_their_own():
    names = [kind.name for kind in PARAMETER_KINDS]
    assert len(set(names)) == len(names)
    assert PARAMETER_KINDS[: len(KINDS)] == KINDS


@pytest.mark.parametrize("name", ["os.system", "__class__", "", None, ["dict"]], ids=repr)
def test_a_kind_that_there_is_not(name):
    with pytest.raises(ValueError, match="as the kind of a value, which is none of"):
        from_plain([{KIND: name, "keys": []}], PARAMETER_KINDS)


def test_maps_become_arrays(tmp_path):
    numbers = np.memmap(tmp_path / "numbers", dtype=float, mode="w+", shape=3)
    array = np.arange(2)
    data = {"list": [numbers, array], "number": 1}
    plain = without_maps(data)
    assert type(plain["list"][0]) is np.ndarray
    assert plain["list"][0].flags.owndata
    assert plain["list"][1] is array
    without = {"list": [array], "number": 1}
    assert without_maps(without) is without
    assert with_parts(array, without_maps) is array


# ------------------------------------------------------------------------------ settings objects


@dataclass(repr=False, eq=False, slots=True)
class Slotted(Schedule):
    """Settings without a dict of their own."""

    factor: float = 0.5
    weights: object = None


@pytest.mark.parametrize(
    "settings",
    [
        Adam(),
        Adam(weight_decay=Fraction(1, 3), beta_1=Decimal("0.5")),
        Slotted(Fraction(1, 3), {True: 1}),
        Activation("own", np.negative, np.positive, glorot_factor=Fraction(1, 2)),
    ],
    ids=repr,
)
def test_settings_come_back(settings):
    back = pickle.loads(pickle.dumps(settings))
    assert type(back) is type(settings)
    assert exact(back.get_params()) == exact(settings.get_params())
    assert back == settings


def changed(activation, **settings):
    return Activation(**{**activation.get_params(), **settings})


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize(
    "settings",
    [{}, {"glorot_factor": 3.0}, {"name": "own"}, {"name": "relu"}, {"remainder": None}],
    ids=repr,
)
def test_activations_of_this_package_are_names_in_files(name, settings):
    activation = changed(ACTIVATIONS[name], **settings)
    written = activation.__getstate__()
    assert has_plain_types(written)
    assert written["name"] == activation.name
    back = pickle.loads(pickle.dumps(activation))
    assert vars(back) == vars(activation)


# ------------------------------------------------------------------------------ earlier pickles


def restored(model, change):
    written = model.__getstate__()
    change(written)
    copied = type(model).__new__(type(model))
    copied.__setstate__(written)
    return copied


def test_a_dict_of_weights_as_it_was():
    model = ScratchMLPClassifier((3,), max_iter=2, class_weight={True: 2.0, False: 1.0})
    assert model.__getstate__()["class_weight"] != model.class_weight

    def earlier(written):
        written["class_weight"] = model.class_weight

    assert restored(model, earlier).class_weight is model.class_weight


def test_a_sparse_matrix_as_it_was():
    model = ScratchLogisticRegression(l1_ratio=1.0, solver="saga", C=0.1).fit(X, Y).sparsify()
    assert type(model.__getstate__()["_fitted"]["model"]["sparse_coef"]) is dict

    def earlier(written):
        written["_fitted"]["model"]["sparse_coef"] = model.coef_

    assert sparse.issparse(model.coef_)
    copied = restored(model, earlier)
    assert exact(copied.coef_) == exact(model.coef_)
    np.testing.assert_array_equal(copied.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("wrong", [-1, 3, 10**6], ids=repr)
def test_indices_of_sparse_weights_stay_inside(wrong):
    model = ScratchLogisticRegression().fit(X, Y > 0).sparsify()

    def change(written):
        coef = written["_fitted"]["model"]["sparse_coef"]
        coef["indices"] = np.full_like(coef["indices"], wrong)

    with pytest.raises(ValueError, match="ind"):
        restored(model, change)


DAMAGED = {
    "fewer parameters": lambda data: data.update(params=data["params"][:-1]),
    "more parameters": lambda data: data.update(params=np.append(data["params"], 0.0)),
    "a matrix of parameters": lambda data: data.update(params=data["params"][:, np.newaxis]),
    "integers": lambda data: data.update(params=data["params"].astype(int)),
    "no targets": lambda data: data.update(targets={}),
    "a layer less": lambda data: data.update(layer_sizes=data["layer_sizes"][:-1]),
    "no layer": lambda data: data.update(layer_sizes=data["layer_sizes"][:1]),
    "another width": lambda data: data.update(layer_sizes=(*data["layer_sizes"][:-1], 7)),
    "other features": lambda data: data.update(n_features=4),
    "other activations": lambda data: data.update(activation=("relu",) * 7),
    "other classes": lambda data: data["targets"].update(classes=np.arange(5)),
}


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
@pytest.mark.parametrize(
    "make",
    [
        lambda: ScratchMLPClassifier((4,), max_iter=2).fit(X, Y),
        lambda: ScratchLogisticRegression().fit(X, Y),
        lambda: ScratchLogisticRegression().fit(X, Y).sparsify(),
    ],
    ids=["network", "logistic", "sparse"],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_damaged_model_is_refused(make, damage):
    with pytest.raises(ValueError, match=r"is damaged, or was changed|at least one layer|shape"):
        restored(make(), lambda written: damage(written["_fitted"]["model"]))


def test_an_activation_as_it_was():
    activation = changed(ACTIVATIONS["mish"], glorot_factor=3.0)
    back = Activation.__new__(Activation)
    back.__setstate__(dict(vars(activation)))
    assert vars(back) == vars(activation)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: ScratchMLPClassifier((3,)), "l1_ratio"),
        (lambda: ScratchMLPClassifier((3,), max_iter=2).fit(X, Y).for_prediction(), "l1_ratio"),
        (lambda: TableEncoder().fit(X, Y), "max_one_hot"),
        (TabularMLPClassifier, "max_one_hot"),
        (lambda: HiddenLayerTransformer(ScratchMLPClassifier((3,))), "prefit"),
    ],
    ids=["network", "for prediction", "table", "tabular", "hidden layer"],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_parameter_that_there_was_not_yet_is_as_by_default(make, name):
    model = make()
    copied = restored(model, lambda written: written.pop(name, None))
    assert copied.get_params()[name] == model.get_params()[name]
    assert repr(copied) == repr(model)


def test_a_setting_that_there_was_not_yet_is_as_by_default():
    optimizer = Adam.__new__(Adam)
    optimizer.__setstate__({"beta_1": 0.5})
    assert optimizer == Adam(beta_1=0.5)


def test_a_table_without_a_format():
    model = TableEncoder().fit(X, Y)

    def earlier(written):
        assert written["_fitted"].pop("format") == FORMAT

    np.testing.assert_array_equal(restored(model, earlier).transform(X), model.transform(X))


def test_a_table_of_a_later_format():
    later = FORMAT + 1
    with pytest.raises(ValueError, match=f"a later version of skneural, in format {later}"):
        restored(TableEncoder().fit(X, Y), lambda written: written["_fitted"].update(format=later))
