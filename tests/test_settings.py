"""The protocol of settings objects: to get, to set, to check, to copy and to print them."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from math import inf, nan
from typing import ClassVar

import numpy as np
import pytest
from sklearn.base import clone

from skneural._settings import Settings, number


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
