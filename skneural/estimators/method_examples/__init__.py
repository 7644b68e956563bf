"""See Also and Examples of the methods of the estimators, which the classes take from here.

There they would come between one method and the next, in files that are read for what they do.
Every example is run by the tests.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

Class = TypeVar("Class", bound=type)

#: Sections that numpydoc has between See Also and Examples.
BETWEEN = ("Notes", "References")


def with_examples(sections: Mapping[str, str]) -> Callable[[Class], Class]:
    """Extend the docstrings of methods that a class defines.

    Parameters
    ----------
    sections : mapping of str to str
        For the name of each method its sections See Also and Examples, as in a docstring.
    """

    def document(cls: Class) -> Class:
        for name, text in sections.items():
            for function in _wrapped(vars(cls)[name]):
                function.__doc__ = _extended(inspect.getdoc(function) or "", text.strip())
        return cls

    return document


def _extended(docstring: str, sections: str) -> str:
    see_also, examples = sections.split("\n\nExamples\n")
    begins = [docstring.find(f"\n\n{each}\n---") for each in BETWEEN]
    end = min((begin for begin in begins if begin >= 0), default=len(docstring))
    parts = [docstring[:end], see_also, docstring[end:].strip(), f"Examples\n{examples}"]
    return "\n\n".join(part for part in parts if part) + "\n"


def _wrapped(member: Any) -> Iterator[Any]:
    """A member of a class, and the functions inside it: each has a docstring of its own."""
    while member is not None:
        yield member
        inner = (getattr(member, name, None) for name in ("__wrapped__", "__func__", "fn"))
        member = next((each for each in inner if each is not None), None)
