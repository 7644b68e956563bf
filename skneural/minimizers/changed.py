"""Copies of frozen dataclasses with some fields changed, as every epoch makes several."""

from __future__ import annotations

from typing import Any, TypeVar

T = TypeVar("T")


def changed(instance: T, **changes: Any) -> T:
    """A copy of a frozen dataclass with some fields changed.

    `dataclasses.replace` in less than half of its time: without the constructor, which would set
    one field after another.

    Parameters
    ----------
    instance : object
        Of a dataclass whose constructor does no more than set its fields.
    **changes
        Fields by name.
    """
    copy: T = object.__new__(type(instance))
    vars(copy).update(vars(instance))
    vars(copy).update(changes)
    return copy
