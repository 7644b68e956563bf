"""Values that users pass, as plain data for files: what JSON cannot express by what it can.

A file of skops is JSON, with arrays beside it. It has no keys but strings, so that those of
``{True: 2.0, False: 1.0}`` come back as something else, and it has no fractions, dates and ranges.
Such a value becomes a dict that names its *kind*, in every file, pickles too:

    {True: 2.0, False: 1.0}   ->   {KIND: "dict", "keys": [True, False], "values": [2.0, 1.0]}

What is plain already stays the object that it is. Kinds are looked up in a table, so that a file
can name nothing else; what reads a kind makes an object of plain data, and calls nothing.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from types import NoneType
from typing import Any

import numpy as np

#: The key under which a dict has the name of a kind. No dict of a user's stays one that has it.
KIND = "_skneural_kind"

#: Values without parts, by their exact type, which are plain.
PLAIN = (NoneType, bool, int, float, str, bytes, np.ndarray)

#: Types of keys that survive in a file, if all keys of a dict are of one of them.
PLAIN_KEYS = (str, int, float)


@dataclass(frozen=True)
class Kind:
    """Values of a kind that is not plain.

    Attributes
    ----------
    name : str
        What it is called in files: it never changes.
    has : callable
        ``has(value)`` says whether a value is of this kind.
    parts : callable
        ``parts(value)`` is a dict of what has to be kept: plain data, or values of any kind.
    made_of : callable
        ``made_of(**parts)`` is the value again.
    """

    name: str
    has: Callable[[Any], bool]
    parts: Callable[[Any], dict[str, Any]]
    made_of: Callable[..., Any]


def of_type(kind: type) -> Callable[[Any], bool]:
    """Whether a value is of exactly this type."""
    return lambda value: type(value) is kind


def _items(mapping: Mapping[Any, Any]) -> dict[str, Any]:
    return {"keys": list(mapping), "values": list(mapping.values())}


def _mapping(kind: type, name: str) -> Kind:
    def made_of(keys: list[Any], values: list[Any]) -> Any:
        return kind(dict(zip(keys, values, strict=True)))

    return Kind(name, of_type(kind), _items, made_of)


def _number(kind: type, name: str) -> Kind:
    return Kind(name, of_type(kind), lambda value: {"text": str(value)}, lambda text: kind(text))


def _date(text: str) -> date:
    return date.fromisoformat(text)


def _datetime(text: str) -> datetime:
    return datetime.fromisoformat(text)


#: What there may be in settings objects.
KINDS: tuple[Kind, ...] = (
    _mapping(dict, "dict"),
    _mapping(OrderedDict, "OrderedDict"),
    _mapping(Counter, "Counter"),
    Kind(
        "defaultdict",
        of_type(defaultdict),
        lambda value: {"factory": value.default_factory, **_items(value)},
        lambda factory, keys, values: defaultdict(factory, zip(keys, values, strict=True)),
    ),
    # Its type has another name in NumPy 1 and 2.
    Kind(
        "numpy.bool_",
        of_type(np.bool_),
        lambda value: {"is_true": bool(value)},
        lambda is_true: np.bool_(is_true),
    ),
    _number(Fraction, "Fraction"),
    _number(Decimal, "Decimal"),
    Kind("date", of_type(date), lambda value: {"text": value.isoformat()}, _date),
    Kind(
        "timedelta",
        of_type(timedelta),
        lambda value: {"parts": [value.days, value.seconds, value.microseconds]},
        lambda parts: timedelta(*parts),
    ),
    Kind(
        "datetime",
        lambda value: type(value) is datetime and value.tzinfo is None,
        lambda value: {"text": value.isoformat()},
        _datetime,
    ),
    Kind(
        "range",
        of_type(range),
        lambda value: {"limits": [value.start, value.stop, value.step]},
        lambda limits: range(*limits),
    ),
    Kind(
        "deque",
        of_type(deque),
        lambda value: {"elements": list(value), "maxlen": value.maxlen},
        lambda elements, maxlen: deque(elements, maxlen),
    ),
)


def to_plain(value: Any, kinds: tuple[Kind, ...] = KINDS) -> Any:
    """A value as plain data, as far as it is of one of these kinds or holds such values.

    Parameters
    ----------
    value : object
    kinds : tuple of Kind

    Returns
    -------
    plain : object
        The value itself if there is nothing to be done.
    """
    if type(value) in PLAIN:
        return value
    if not _is_container(value):
        for kind in kinds:
            if kind.has(value):
                parts = kind.parts(value).items()
                return {KIND: kind.name, **{name: to_plain(part, kinds) for name, part in parts}}
    return with_parts(value, lambda part: to_plain(part, kinds))


def from_plain(plain: Any, kinds: tuple[Kind, ...] = KINDS) -> Any:
    """The inverse of `to_plain`.

    Raises
    ------
    ValueError
        If it names a kind that is none of these.
    """
    if type(plain) is not dict or KIND not in plain:
        return with_parts(plain, lambda part: from_plain(part, kinds))
    kind = next((each for each in kinds if each.name == plain[KIND]), None)
    if kind is None:
        raise ValueError(
            f"A file names {plain[KIND]!r} as the kind of a value, which is none of "
            f"{[each.name for each in kinds]}: it was saved by a later version of skneural, or "
            "changed."
        )
    return kind.made_of(**{name: from_plain(plain[name], kinds) for name in plain if name != KIND})


def without_maps(value: Any) -> Any:
    """Plain data whose arrays are arrays in memory, not maps of a file, which skops cannot read."""
    if type(value) is np.memmap:
        return np.array(value)
    return with_parts(value, without_maps)


def with_parts(value: Any, change: Callable[[Any], Any]) -> Any:
    """A list, tuple or dict with all its parts changed; itself where that changes none of them.

    Anything else stays as it is, and so do keys.
    """
    if type(value) not in (list, tuple, dict):
        return value
    parts = list(value.values() if type(value) is dict else value)
    changed = [change(part) for part in parts]
    if all(new is old for new, old in zip(changed, parts, strict=True)):
        return value
    return dict(zip(value, changed, strict=True)) if type(value) is dict else type(value)(changed)


def _is_container(value: Any) -> bool:
    """Whether a value is a list, a tuple, or a dict whose keys are plain."""
    if type(value) is not dict:
        return type(value) in (list, tuple)
    types = {type(key) for key in value}
    return len(types) <= 1 and types <= set(PLAIN_KEYS) and KIND not in value
