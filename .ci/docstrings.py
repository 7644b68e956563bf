"""Validate the docstrings of everything public by numpydoc's rules.

Which of them hold, and for what, is said in [tool.numpydoc_validation] of pyproject.toml.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from numpydoc.validate import ERROR_MSGS, validate

#: Modules whose public names are documented, beside the package itself.
MODULES = (
    "activations",
    "callbacks",
    "initialization",
    "inspection",
    "layers",
    "learning_rate_finder",
    "losses",
    "network",
    "objective",
    "onnx",
    "optimizers",
    "schedules",
    "settings",
    "workspace",
)


def public_names(module: ModuleType) -> Iterator[str]:
    """Classes and functions of a module, and what the classes add to those they inherit from."""
    own = [name for name in vars(module) if not name.startswith("_")]
    names = getattr(module, "__all__", None) or [
        name for name in own if getattr(vars(module)[name], "__module__", "") == module.__name__
    ]
    for name in names:
        found = getattr(module, name)
        if inspect.isclass(found):
            yield from (f"{module.__name__}.{name}{member}" for member in ("", *members(found)))
        elif inspect.isfunction(found):
            yield f"{module.__name__}.{name}"


def members(cls: type) -> Iterator[str]:
    """Public methods of a class of ours, with a dot before.

    Attributes are described in the section of that name of the class. A method that fulfils a
    contract is documented there, once.
    """
    for name in dir(cls):
        if name.startswith("_") or not hasattr(cls, name):
            continue
        holder = next((each for each in cls.__mro__ if name in vars(each)), None)
        if holder is None or not holder.__module__.startswith("skneural."):
            continue
        member: Any = getattr(cls, name)
        is_ours = getattr(member, "__module__", None) == holder.__module__
        if is_ours and inspect.isroutine(member) and not fulfils_a_contract(holder, name):
            yield f".{name}"


def fulfils_a_contract(holder: type, name: str) -> bool:
    """Whether a method has no docstring of its own, but one of a base class."""
    if inspect.getdoc(getattr(holder, name)) is None or vars(holder)[name].__doc__ is not None:
        return False
    return any(getattr(vars(base).get(name), "__doc__", None) for base in holder.__mro__[1:])


def errors(settings: dict[str, Any]) -> Iterator[str]:
    """What does not hold, and which exceptions are no longer needed."""
    everywhere = set(settings["checks"]) - {"all"}
    of_names = {re.compile(pattern): set(of) for pattern, of in settings["left_out_of"].items()}
    not_needed = {("", code) for code in everywhere}
    not_needed |= {(pattern.pattern, code) for pattern, of in of_names.items() for code in of}
    if unknown := {code for _, code in not_needed} - set(ERROR_MSGS):
        raise ValueError(f"numpydoc has no checks {sorted(unknown)}.")
    validated: set[Any] = set()
    for module in ("skneural", *(f"skneural.{each}" for each in MODULES)):
        for name in public_names(importlib.import_module(module)):
            result = validate(name)
            place = f"{result['file']}:{result['file_line'] or name}"
            if place in validated:
                continue  # a method of several classes
            validated.add(place)
            exceptions = {("", code) for code in everywhere}
            for pattern, of in of_names.items():
                if pattern.search(name):
                    exceptions |= {(pattern.pattern, code) for code in of}
            for code, message in result["errors"]:
                excused = {exception for exception in exceptions if exception[1] == code}
                not_needed -= excused
                if not excused:
                    yield f"{place}: {name}: {code} {message}"
    print(f"{len(validated)} docstrings validated")
    for pattern, code in sorted(not_needed):
        yield f"pyproject.toml: {code} need not be left out {pattern and f'of {pattern}'}".rstrip()


def main() -> int:
    """Print the errors; 1 if there are any."""
    path = Path(__file__).parents[1] / "pyproject.toml"
    settings = tomllib.loads(path.read_text())["tool"]["numpydoc_validation"]
    found = list(errors(settings))
    for each in found:
        print(each)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
