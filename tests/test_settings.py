"""The protocol of settings objects: to get, to set, to check, to copy and to print them."""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from math import inf, nan
from typing import ClassVar

import numpy as np
import pytest
from sklearn.base import clone

from skneural import ScratchMLPClassifier, ScratchMLPRegressor
from skneural.activations import Activation
from skneural.losses import Quantile
from skneural.settings import Settings, number


class Empty(Settings):
    """No settings at all."""


@dataclass(repr=False)
class Inner(Settings):
    share: float = number(0.5, 0, 1)
    size: float | None = number(None, 0, closed="neither")
    name: str = "a"
    common: ClassVar[float] = 3.0


@dataclass(repr=False)
class Outer(Settings):
    first: float
    inner: Settings | str | None = None
    rate: float = number(1.0, 0, kw_only=True)


class Unfinished(Inner):
    """A subclass that adds nothing is a settings object too."""


# --------------------------------------------------------------------------- get and set


def test_settings_by_name():
    assert Empty().get_params() == {}
    assert Inner(0.25).get_params() == {"share": 0.25, "size": None, "name": "a"}
    assert Unfinished(0.25).get_params() == Inner(0.25).get_params()


def test_settings_inside_others():
    inner = Inner(0.25)
    outer = Outer(1, inner)
    assert outer.get_params(deep=False) == {"first": 1, "inner": inner, "rate": 1.0}
    assert outer.get_params() == {
        "first": 1,
        "inner": inner,
        "rate": 1.0,
        "inner__share": 0.25,
        "inner__size": None,
        "inner__name": "a",
    }
    assert Outer(2, outer).get_params()["inner__inner__share"] == 0.25


def test_settings_can_be_set():
    inner = Inner()
    assert inner.set_params(share=0.75, name="b") is inner
    assert inner == Inner(0.75, name="b")
    assert inner.set_params() == inner


def test_settings_inside_others_can_be_set():
    outer = Outer(0, Outer(1, Inner()))
    assert outer.set_params(rate=3.0, inner__rate=2.0, inner__inner__share=0.75) is outer
    assert outer == Outer(0, Outer(1, Inner(0.75), rate=2.0), rate=3.0)
    # First the object, then what is set on it.
    outer.set_params(inner=Inner(), inner__share=0.1)
    assert outer.inner == Inner(0.1)


def test_what_was_got_can_be_set():
    outer = Outer(1, Inner(0.25, 3.0, "c"), rate=2.0)
    assert Outer(0, None).set_params(**outer.get_params()) == outer


UNKNOWN = [
    (Inner(), "shape", r"Inner has no setting 'shape': its settings are \['share', 'size'"),
    (Inner(), "shape__size", r"Inner has no setting 'shape'"),
    # What all objects of a class have in common is no setting.
    (Inner(), "common", r"Inner has no setting 'common'"),
    (Empty(), "share", r"Empty has no setting 'share': its settings are \[\]"),
    (Outer(1, Inner()), "inner__shape", r"Inner has no setting 'shape'"),
    (Outer(1), "inner__share", r"Outer\.inner is None, which has no setting 'share'"),
    (Outer(1, "a"), "inner__share", r"Outer\.inner is 'a', which has no setting 'share'"),
    (Outer(1, Inner()), "first__share", r"Outer\.first is 1, which has no setting 'share'"),
]


@pytest.mark.parametrize(("settings", "name", "message"), UNKNOWN)
def test_an_unknown_setting_is_an_error_that_says_what_there_is(settings, name, message):
    before = repr(settings)
    with pytest.raises(ValueError, match=message):
        settings.set_params(**{name: 1})
    assert repr(settings) == before


def test_an_unknown_setting_is_an_error_in_the_constructor():
    with pytest.raises(TypeError, match="shape"):
        Inner(shape=1)


# ---------------------------------------------------------------------------------- check


@dataclass(repr=False)
class Numbers(Settings):
    both: float = number(1, 0, 2)
    left: float = number(1, 0, 2, closed="left")
    right: float = number(1, 0, 2, closed="right")
    neither: float = number(1, 0, 2, closed="neither")
    unbounded: float = number(1, 0)
    positive: float = number(1, 0, closed="neither")
    optional: float | None = number(None, 0, 2)


# Per setting: what fits beside the middle, what does not, and how the interval is printed.
INTERVALS = {
    "both": ([0, 2], [-1, 3], "[0, 2]"),
    "left": ([0], [-1, 2, 3], "[0, 2)"),
    "right": ([2], [-1, 0, 3], "(0, 2]"),
    "neither": ([], [-1, 0, 2, 3], "(0, 2)"),
    "unbounded": ([0, 1e300], [-1], "[0, inf)"),
    "positive": ([1e-300, 1e300], [-1, 0], "(0, inf)"),
    "optional": ([0, 2, None], [-1, 3], "[0, 2] or None"),
}


@pytest.mark.parametrize("name", INTERVALS)
def test_intervals_of_numbers(name):
    possible, impossible, interval = INTERVALS[name]
    for value in [1, 0.5, np.float32(0.5), np.float64(0.5), np.int64(1), *possible]:
        Numbers(**{name: value}).check()
    strange = [nan, inf, -inf, "1", True, np.True_, 1j, [1], np.ones(1), Inner]
    for value in [*impossible, *strange, *([] if name == "optional" else [None])]:
        with pytest.raises(ValueError, match=f"{name} of Numbers must be a number in ") as error:
            Numbers(**{name: value}).check()
        assert str(error.value).endswith(f"in {interval}, got {value!r}.")


def test_check_looks_inside():
    Outer(1, Inner()).check()
    Empty().check()
    with pytest.raises(ValueError, match="share of Inner must be"):
        Outer(1, Outer(2, Inner(share=2))).check()
    with pytest.raises(ValueError, match="rate of Outer must be"):
        Outer(1, Outer(2, rate=-1.0)).check()


def test_nothing_is_checked_before():
    # So that a grid search may pass through settings that do not fit together.
    assert Inner(share=7).set_params(share=8).share == 8


# ------------------------------------------------------------------------ copies and print


EXAMPLES = [
    (Empty(), "Empty()"),
    (Inner(), "Inner()"),
    (Inner(0.5, None, "a"), "Inner()"),
    (Inner(0.25, name="b"), "Inner(share=0.25, name='b')"),
    (Unfinished(0.25), "Unfinished(share=0.25)"),
    (Outer(1.0), "Outer(first=1.0)"),
    (Outer(1, Inner(size=3), rate=2), "Outer(first=1, inner=Inner(size=3), rate=2)"),
]

examples = pytest.mark.parametrize(("settings", "printed"), EXAMPLES)


@examples
def test_settings_are_printed_as_one_would_write_them(settings, printed):
    assert repr(settings) == str(settings) == printed
    assert eval(printed).get_params(deep=False) == settings.get_params(deep=False)


@examples
def test_clones(settings, printed):
    copy = clone(settings)
    assert copy is not settings
    assert repr(copy) == printed
    assert type(copy) is type(settings)
    if isinstance(settings, Outer) and settings.inner is not None:
        assert copy.inner is not settings.inner


@pytest.mark.parametrize("settings", [Inner(0.25), Unfinished(0.25), Outer(1, Inner(0.25))])
def test_equal_settings(settings):
    assert settings == clone(settings) == pickle.loads(pickle.dumps(settings))
    assert settings != clone(settings).set_params(
        **{name: 0.125 for name in ("share", "first") if name in settings.get_params()}
    )
    assert settings != Inner(0.375)
    assert settings != repr(settings)


def test_settings_of_another_class_are_not_equal():
    assert Inner() != Unfinished()


# -------------------------------------------------------------------------------- equality


@dataclass(repr=False, eq=False)
class Holder(Settings):
    value: object = None


@dataclass(repr=False, eq=False)
class OtherHolder(Holder):
    pass


class Callable:
    """Prints like all others of its kind, and equals itself only."""

    def __init__(self, shift=0.0):
        self.shift = shift

    def __call__(self, z, mask):
        z += self.shift

    def __repr__(self):
        return "Callable()"


class EqualByShift(Callable):
    def __eq__(self, other):
        return self.shift == other.shift

    __hash__ = None


class NoAnswer(Callable):
    def __eq__(self, other):
        return "maybe"

    __hash__ = None


@dataclass
class Knots:
    """Its == asks for the truth of an array."""

    places: np.ndarray


class Tagged(list):
    """A list with an attribute."""

    def __init__(self, values, tag):
        super().__init__(values)
        self.tag = tag


def shifted(z, mask, *, by):
    z += by.sum()


def kept(delta, a, mask):
    pass


def table(last=0.0):
    values = np.zeros(5000)
    values[2500] = last
    return values


#: Pairs of values, made anew for each test: equal ones, which their copies equal too ...
EQUAL = {
    "None": lambda: (None, None),
    "int and float": lambda: (1, 1.0),
    "int and NumPy's": lambda: (3, np.int64(3)),
    "float and NumPy's": lambda: (0.1, np.float64(0.1)),
    "float and float32 of the same value": lambda: (0.5, np.float32(0.5)),
    "bool and NumPy's": lambda: (True, np.True_),
    "fraction": lambda: (0.25, Fraction(1, 4)),
    "string and NumPy's": lambda: ("relu", np.str_("relu")),
    "NaN": lambda: (nan, -nan),
    "NaN and NumPy's": lambda: (float("nan"), np.float32("nan")),
    "complex": lambda: (1 + 0j, 1),
    "arrays": lambda: (table(1.0), table(1.0)),
    "arrays of other strides": lambda: (np.eye(3)[:, 1], np.eye(3)[1]),
    "arrays with NaN": lambda: (np.array([nan, 1]), np.array([nan, 1])),
    "no elements": lambda: (np.zeros((0, 2)), np.zeros((0, 2))),
    "no dimensions": lambda: (np.array(nan), np.array(nan)),
    "arrays of strings": lambda: (np.array(["a", "b"]), np.array(["a", "b"])),
    "arrays of dates": lambda: (np.array(["NaT"], "M8[D]"), np.array(["NaT"], "M8[D]")),
    "arrays of objects": lambda: (
        np.array([nan, None, np.ones(2)], dtype=object),
        np.array([nan, None, np.ones(2)], dtype=object),
    ),
    "records": lambda: (np.zeros(2, "f8,i4"), np.zeros(2, "f8,i4")),
    "lists": lambda: ([1, [nan, table()]], [1.0, [nan, table()]]),
    "tuples": lambda: ((table(), "a"), (table(), "a")),
    "dicts": lambda: ({"a": table(), "b": 1}, {"b": 1, "a": table()}),
    "lists with attributes": lambda: (Tagged([1], table()), Tagged([1], table())),
    "ranges": lambda: (range(3), range(3)),
    "sets": lambda: ({1, 2}, {2, 1}),
    "types": lambda: (np.float32, np.float32),
    "functions": lambda: (np.tanh, np.tanh),
    "partials": lambda: (partial(shifted, by=table(1.0)), partial(shifted, by=table(1.0))),
    "partials of partials": lambda: (
        partial(partial(shifted, 1), by=table()),
        partial(partial(shifted, 1), by=table()),
    ),
    "bound methods": lambda: (Holder(table()).check, Holder(table()).check),
    "settings": lambda: (Holder(Holder(table())), Holder(Holder(table()))),
    "settings with an == of their own": lambda: (Outer(nan, Inner()), Outer(nan, Inner())),
    "objects with ==": lambda: (EqualByShift(1.0), EqualByShift(1)),
}

#: ... and unequal ones, most of which print alike.
UNEQUAL = {
    "number and string": lambda: (1, "1"),
    "None and string": lambda: (None, "None"),
    "NaN and string": lambda: (nan, "NaN"),
    "NaN and None": lambda: (nan, None),
    "string and bytes": lambda: ("a", b"a"),
    "float and float32": lambda: (0.1, np.float32(0.1)),
    "long arrays": lambda: (table(1.0), table(2.0)),
    "close arrays": lambda: (np.array([1.0]), np.array([1.0 + 1e-15])),
    "arrays and NaN": lambda: (np.array([nan, 1]), np.array([nan, 2])),
    "dtypes": lambda: (np.zeros(3), np.zeros(3, dtype=np.float32)),
    "shapes": lambda: (np.zeros((1, 2)), np.zeros((2, 1))),
    "lengths of arrays": lambda: (np.zeros(2), np.zeros(1)),
    "array and number": lambda: (np.array(1.0), 1.0),
    "array and list": lambda: (np.zeros(2), [0.0, 0.0]),
    "arrays of objects": lambda: (
        np.array([Callable()], dtype=object),
        np.array([Callable()], dtype=object),
    ),
    "masked arrays": lambda: (
        np.ma.array([1, 2], mask=[0, 1]),
        np.ma.array([1, 2], mask=[1, 0]),
    ),
    "list and tuple": lambda: ([1], (1,)),
    "lengths of lists": lambda: ([1], [1, 1]),
    "lists": lambda: ([table(1.0)], [table(2.0)]),
    "keys of dicts": lambda: ({"a": 1}, {"b": 1}),
    "values of dicts": lambda: ({"a": table(1.0)}, {"a": table(2.0)}),
    "attributes of lists": lambda: (Tagged([1], 1), Tagged([1], 2)),
    "functions": lambda: (lambda: 1, lambda: 1),
    "partials": lambda: (partial(shifted, by=table(1.0)), partial(shifted, by=table(2.0))),
    "functions of partials": lambda: (partial(np.tanh, 1), partial(np.sinh, 1)),
    "arguments of partials": lambda: (partial(kept, table(1.0)), partial(kept, table(2.0))),
    "bound methods": lambda: (Callable(1).__call__, Callable(1).__call__),
    "bound methods of settings": lambda: (Holder(table(1.0)).check, Holder(table(2.0)).check),
    "other bound methods": lambda: (Holder().check, Holder()._names),
    "settings": lambda: (Holder(table(1.0)), Holder(table(2.0))),
    "types of settings": lambda: (Holder(1), OtherHolder(1)),
    "callables": lambda: (Callable(1.0), Callable(2.0)),
    "objects with ==": lambda: (EqualByShift(1.0), EqualByShift(2.0)),
    "objects without an answer": lambda: (NoAnswer(), NoAnswer()),
    "objects whose == fails": lambda: (Knots(np.zeros(2)), Knots(np.zeros(2))),
}


@pytest.fixture(params=[8, 1], ids=["", "precision=1"])
def printing(request):
    with np.printoptions(precision=request.param):
        yield


@pytest.mark.usefixtures("printing")
@pytest.mark.parametrize("pair", EQUAL.values(), ids=EQUAL)
def test_settings_with_equal_values_are_equal(pair):
    a, b = map(Holder, pair())
    assert a == b
    assert b == a
    assert hash(a) == hash(b)
    for holder in (a, b):
        for other in (clone(holder), copy.deepcopy(holder), pickle.loads(pickle.dumps(holder))):
            assert other == holder
            assert hash(other) == hash(holder)


@pytest.mark.usefixtures("printing")
@pytest.mark.parametrize("pair", UNEQUAL.values(), ids=UNEQUAL)
def test_settings_with_unequal_values_are_not_equal(pair):
    a, b = map(Holder, pair())
    assert a != b
    assert b != a
    # Each is equal to itself, and to another holder of the same object.
    assert a == a
    assert a == copy.copy(a)
    assert hash(a) == hash(copy.copy(a))


def test_memory_maps_are_arrays(tmp_path):
    # joblib makes them of large arrays, on their way into another process.
    mapped = np.memmap(tmp_path / "values", "f8", "w+", shape=5000)
    mapped[:] = table(1.0)
    assert Holder(mapped) == Holder(table(1.0))
    assert Holder(mapped) != Holder(table(2.0))


def test_settings_that_differ_are_different_keys():
    settings = [Quantile(0.5), Quantile(0.25), Inner, Holder(1), Holder(2), Holder("1"), Holder()]
    assert len(dict.fromkeys([*settings, *settings])) == len(settings)


def test_what_is_left_out_of_print_is_equal_to_the_default():
    assert repr(Holder(np.array(None))) == "Holder(value=array(None, dtype=object))"
    assert repr(Inner(np.float64(0.5))) == "Inner()"
    assert repr(Inner(name=None)) == "Inner(name=None)"


def alike(kind):
    """Two activations that print alike, and do not compute alike."""
    if kind == "partials":
        return [
            Activation("shifted", partial(shifted, by=table(last)), kept) for last in (0.0, 1.0)
        ]
    if kind == "callables":
        return [Activation("shifted", Callable(shift), kept) for shift in (0.0, 1.0)]
    # Equal settings, but not the same computation: it tells 0.0 from -0.0.
    return [Activation("with_sign_of", partial(with_sign_of, by=by), kept) for by in (0.0, -0.0)]


def with_sign_of(z, mask, *, by):
    np.copyto(z, np.copysign(1.0, by) * z)


@pytest.mark.parametrize("per_layer", [False, True])
@pytest.mark.parametrize("kind", ["partials", "callables", "zeros"])
def test_activations_that_print_alike_are_not_one(kind, per_layer):
    activations = alike(kind)
    if kind != "zeros":
        assert repr(activations[0].forward) == repr(activations[1].forward)
        assert activations[0] != activations[1]
    weights = ([np.eye(2), np.ones((2, 1))], [np.zeros(2), np.zeros(1)])
    rows = np.array([[1.0, 2.0], [3.0, 5.0]])
    # The output is the sum of both activations.
    first, second = (
        ScratchMLPRegressor.from_weights(*weights, activation=[each] if per_layer else each)
        for each in activations
    )
    expected = {"zeros": ([3, 8], [-3, -8])}.get(kind, ([3, 8], [5, 10]))
    for model, sums in zip((first, second), expected, strict=True):
        np.testing.assert_array_equal(model.predict(rows), sums)
        np.testing.assert_array_equal(model.predict(rows[:1]), sums[:1])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_training_uses_the_estimators_own_activation():
    rows = np.random.RandomState(0).standard_normal((30, 3))
    labels = rows[:, 0] > 0
    predictions = [
        ScratchMLPClassifier(4, activation=each, max_iter=3, tol=1e9, random_state=0)
        .fit(rows, labels)
        .predict_proba(rows)
        for each in alike("callables")
    ]
    assert not np.allclose(*predictions, atol=1e-3)
