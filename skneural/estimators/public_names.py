"""Errors about the arguments of a method name the class that the user has, not a base of it.

Python says "MultilayerPerceptron.fit() takes from 3 to 4 positional arguments" where the method is
inherited, of a class that no page of the documentation shows.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import update_wrapper, wraps
from types import FunctionType
from typing import Any

Method = Callable[..., Any]


def name_inherited_methods(public: type, is_private: Callable[[type], bool]) -> None:
    """Give a class its own copies of the public methods that it inherits from private classes.

    Parameters
    ----------
    public : type
    is_private : callable
        ``is_private(owner) -> bool`` for a class that defines a method.
    """
    for owner in public.__mro__[1:]:
        if not is_private(owner):
            continue
        for name, method in list(vars(owner).items()):
            is_public_method = isinstance(method, FunctionType) and not name.startswith("_")
            if is_public_method and inspect.getattr_static(public, name) is method:
                is_decorated = hasattr(method, "__wrapped__")
                renamed = _wrapped(method) if is_decorated else _copied(method)
                renamed.__module__ = public.__module__
                renamed.__qualname__ = f"{public.__qualname__}.{name}"
                setattr(public, name, renamed)


def _copied(method: FunctionType) -> Method:
    """The same function under the name of the class: a call of it costs no more."""
    copied = FunctionType(
        method.__code__,
        method.__globals__,
        method.__name__,
        method.__defaults__,
        method.__closure__,
    )
    copied.__kwdefaults__ = method.__kwdefaults__
    update_wrapper(copied, method)
    del copied.__wrapped__  # type: ignore[attr-defined]
    return copied


def _wrapped(method: FunctionType) -> Method:
    """A decorated method; TypeErrors about its arguments name the class of the object."""

    @wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, *args, **kwargs)
        except TypeError as error:
            if _accepts(method, self, *args, **kwargs):
                raise  # it is about something else
            text = str(error).replace(
                method.__qualname__, f"{type(self).__name__}.{method.__name__}"
            )
            raise TypeError(text + _by_name_only(method, len(args))) from None

    return call


def _accepts(method: FunctionType, *args: Any, **kwargs: Any) -> bool:
    try:
        inspect.signature(method).bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def _by_name_only(method: FunctionType, n_positional: int) -> str:
    """What to add to an error about too many positional arguments."""
    parameters = inspect.signature(method).parameters.values()
    by_name = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]
    n_allowed = sum(each.kind is each.POSITIONAL_OR_KEYWORD for each in parameters) - 1
    if not by_name or n_positional <= n_allowed:
        return ""
    listed = (
        f"{', '.join(by_name[:-1])} and {by_name[-1]} have" if by_name[1:] else f"{by_name[0]} has"
    )
    return f": {listed} to be passed by name, as in {by_name[0]}={by_name[0]}"
