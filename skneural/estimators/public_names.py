"""Errors about the arguments of a fit name the class that the user has, not a base of it.

Python says "MultilayerPerceptron.fit() takes from 3 to 4 positional arguments" where the method is
inherited, of a class that no page of the documentation shows.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

Method = Callable[..., Any]


def naming_the_class(method: Method) -> Method:
    """A method whose TypeErrors about arguments name the class of the object."""

    @wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, *args, **kwargs)
        except TypeError as error:
            if _accepts(method, self, *args, **kwargs):
                raise  # it is about something else
            text = str(error)
            if "." in method.__qualname__:
                public = f"{type(self).__name__}.{method.__name__}"
                text = text.replace(method.__qualname__, public)
            raise TypeError(text + _by_name_only(method, len(args))) from None

    return call


def _accepts(method: Method, *args: Any, **kwargs: Any) -> bool:
    try:
        inspect.signature(method).bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def _by_name_only(method: Method, n_positional: int) -> str:
    """What to add to an error about too many positional arguments."""
    parameters = inspect.signature(method).parameters.values()
    by_name = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]
    n_allowed = sum(each.kind is each.POSITIONAL_OR_KEYWORD for each in parameters) - 1
    if not by_name or n_positional <= n_allowed:
        return ""
    *others, last = by_name
    listed = f"{', '.join(others)} and {last} have" if others else f"{last} has"
    return f": {listed} to be passed by name, as in {by_name[0]}={by_name[0]}"
