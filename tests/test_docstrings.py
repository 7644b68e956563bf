"""The examples of all docstrings do what they say. Each imports all that it needs."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

import pytest

import skneural

pytestmark = pytest.mark.documentation

#: Files that begin by importing what the tests of the extras have.
OF_EXTRAS = "skneural.onnx."
MODULES = [
    importlib.import_module(name)
    for name in sorted(
        {each.name for each in pkgutil.walk_packages(skneural.__path__, "skneural.")}
    )
    if not name.startswith(OF_EXTRAS)
]


def docstrings(module):
    """Names and docstrings of a module, its functions, its classes and their members."""
    yield module.__name__, module.__doc__
    for name, found in vars(module).items():
        # Others, such as a TypeVar, have the docstring of their class.
        is_ours = getattr(found, "__module__", None) == module.__name__
        if not is_ours or not (inspect.isclass(found) or inspect.isroutine(found)):
            continue
        yield f"{module.__name__}.{name}", found.__doc__
        if inspect.isclass(found):
            for inner, member in vars(found).items():
                # A function of NumPy's can be a member, with examples of its own.
                if (getattr(member, "__module__", None) or "skneural").startswith("skneural"):
                    yield f"{module.__name__}.{name}.{inner}", getattr(member, "__doc__", None)


WITH_EXAMPLES = {
    name.removeprefix("skneural."): text
    for module in MODULES
    for name, text in docstrings(module)
    if isinstance(text, str) and ">>>" in text
}


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_do_what_they_say(name):
    test = doctest.DocTestParser().get_doctest(WITH_EXAMPLES[name], {}, name, None, None)
    said = []
    doctest.DocTestRunner().run(test, out=said.append)
    assert not said, "".join(said)


METHODS = [
    (estimator, name)
    for estimator in map(skneural.__dict__.get, skneural.__all__)
    if hasattr(estimator, "fit")
    for name in dir(estimator)
    if not name.startswith("_") and hasattr(estimator, name)
    if inspect.isroutine(getattr(estimator, name))
    if getattr(estimator, name).__module__.startswith("skneural.")
]


@pytest.mark.parametrize(("estimator", "name"), METHODS)
def test_methods_of_estimators_have_an_example(estimator, name):
    text = inspect.getdoc(getattr(estimator, name))
    assert ">>> " in text.split("\nExamples\n--------\n")[1]
    assert text.index("\nSee Also\n") < text.index("\nExamples\n")
