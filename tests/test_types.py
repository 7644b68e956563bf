"""What type checkers know of the methods that train; see typed_use.py."""

from __future__ import annotations

import importlib.util
import inspect
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Self, get_type_hints

import pytest
import typed_use

import skneural


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", [name for name in vars(typed_use) if name.startswith("of_")])
def test_what_mypy_is_told_is_true(name):
    getattr(typed_use, name)()


#: What returns the estimator, or another one of its class.
RETURN_SELF = {
    "fit",
    "partial_fit",
    "resume",
    "set_params",
    "for_prediction",
    "from_weights",
    "sparsify",
    "densify",
}
ESTIMATORS = [
    kind
    for kind in map(vars(skneural).get, skneural.__all__)
    if isinstance(kind, type) and hasattr(kind, "fit")
]


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_every_method_that_returns_its_estimator_says_so(kind):
    said = set()
    for owner in kind.__mro__:
        for name in RETURN_SELF & set(vars(owner)):
            if owner.__module__.startswith("skneural") and hasattr(owner, name):
                method = inspect.unwrap(getattr(owner, name))
                assert get_type_hints(method)["return"] is Self, f"{owner.__name__}.{name}"
                said.add(name)
    assert "fit" in said


def test_there_are_all_estimators():
    assert len(ESTIMATORS) == 8


def test_type_checkers_are_told_that_there_are_types():
    assert (resources.files(skneural) / "py.typed").is_file()


#: Mistakes in what is called on what a method has returned, and what a type checker says of them.
MISTAKES = {
    "ScratchMLPClassifier().fit([[0.0]])": "Missing positional argument",
    "ScratchMLPClassifier().fit([[0.0]], [1], None, None)": "Too many positional arguments",
    "ScratchMLPClassifier().fit([[0.0]], [1]).resume([[0.0]])": "Missing positional argument",
    "ScratchMLPRegressor().partial_fit([[0.0]], [1]).fit([[0.0]])": "Missing positional argument",
    "ScratchPerceptron().set_params(tol=None).fit([[0.0]])": "Missing positional argument",
    "ScratchLogisticRegression().set_callbacks().fit([[0.0]])": "Missing positional argument",
    "TabularMLPClassifier().fit([[0.0]])": "Missing positional argument",
    "TabularMLPRegressor().fit([[0.0]], [1], None, [0])": "Too many positional arguments",
}


@pytest.mark.skipif(
    importlib.util.find_spec("mypy") is None, reason="optional: mypy is not installed"
)
def test_mistakes_are_found(tmp_path):
    path = tmp_path / "mistakes.py"
    path.write_text("from skneural import *\n" + "\n".join(MISTAKES) + "\n")
    root = Path(skneural.__file__).parents[1]
    command = [sys.executable, "-m", "mypy", "--config-file", root / "pyproject.toml", path]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)
    print(run.stdout)
    for number, expected in enumerate(MISTAKES.values(), start=2):
        assert any(f":{number}: error: {expected}" in line for line in run.stdout.splitlines())
