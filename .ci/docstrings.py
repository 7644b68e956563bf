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
    if inspect.getdoc(getattr(holder, name)) is None or vars(holder)[name].__doc__ is not None:
        return False
    return any(getattr(vars(base).get(name), "__doc__", None) for base in holder.__mro__[1:])


def errors(settings: dict[str, Any]) -> Iterator[str]:
    left_out = set(settings["checks"]) - {"all"}
    left_out_of = {re.compile(pattern): set(of) for pattern, of in settings["left_out_of"].items()}
    unknown = left_out.union(*left_out_of.values()) - set(ERROR_MSGS)
    if unknown:
        raise ValueError(f"numpydoc has no checks {sorted(unknown)}.")
    needed: set[str] = set()
    seen: set[tuple[Any, Any]] = set()
    for module in ("skneural", *(f"skneural.{each}" for each in MODULES)):
        for name in public_names(importlib.import_module(module)):
            ignored = left_out.union(
                *(of for pattern, of in left_out_of.items() if pattern.search(name))
            )
            result = validate(name)
            place = (result["file"], result["file_line"])
            if place in seen and place[1] is not None:
                continue  # a method of several classes
            seen.add(place)
            for code, message in result["errors"]:
                needed.add(code)
                if code not in ignored:
                    yield f"{place[0]}:{place[1]}: {name}: {code} {message}"
    print(f"{len(seen)} docstrings validated")
    for code in sorted(left_out - needed):
        yield f"pyproject.toml: nothing needs {code} to be left out any more"


def main() -> int:
    path = Path(__file__).parents[1] / "pyproject.toml"
    settings = tomllib.loads(path.read_text())["tool"]["numpydoc_validation"]
    found = list(errors(settings))
    print(*found, sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
