"""scikit-learn's installed test modules, executed with our classes in place of its own."""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path


def load(package, test_module, edit=str, **classes):
    """Execute `test_module` of `package` with `classes` under the names of scikit-learn's.

    `edit` may change the source text before: to say which solvers there are.
    """
    original = importlib.import_module(package)
    path = Path(original.__file__).parent / "tests" / f"{test_module}.py"
    stand_in = types.ModuleType(package)
    vars(stand_in).update(vars(original))
    vars(stand_in).update(classes)
    module = types.ModuleType(f"sklearn_{test_module}")
    sys.modules[package] = stand_in
    try:
        exec(compile(edit(path.read_text(encoding="utf-8")), path, "exec"), vars(module))
    finally:
        sys.modules[package] = original
    for name, ours in classes.items():
        assert getattr(module, name) is ours
    return module


def tests_of(module):
    return {name: test for name, test in vars(module).items() if name.startswith("test_")}
