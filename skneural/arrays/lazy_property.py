"""A property that is computed on first use and kept, in threads and after a fork too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

T = TypeVar("T")


class lazy_property(Generic[T]):  # noqa: N801  # read as a decorator, like `property`
    """As `functools.cached_property`, without the lock that it has before Python 3.12.

    That lock is one for all objects of a class, and held while the value is computed: threads wait
    for each other, and a process that is forked meanwhile waits for ever. Without it, threads that
    ask at the same time may compute the value more than once.
    """

    def __init__(self, func: Callable[[Any], T]) -> None:
        self.func = func
        self.__doc__ = func.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> Self: ...

    @overload
    def __get__(self, instance: Any, owner: type | None = None) -> T: ...

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        # From now on the attribute of the object is found before this.
        value = instance.__dict__[self._name] = self.func(instance)
        return value
