"""A directive that sets the parameters of one of our classes beside those of its twin.

``.. parameter-table:: skneural.ScratchMLPClassifier sklearn.neural_network.MLPClassifier`` makes a
table of both constructors, so that it is true of the versions that the page was built with.
"""

from __future__ import annotations

import inspect
from importlib import import_module

from docutils import nodes
from docutils.statemachine import StringList
from numpydoc.docscrape import ClassDoc
from sphinx.util.docutils import SphinxDirective


def found(path: str) -> type:
    """A class by its name with dots."""
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


def first_sentence(kind: type, parameter: str) -> str:
    """What the docstring of a class says of a parameter, up to the first full stop or colon."""
    for entry in ClassDoc(kind)["Parameters"]:
        if parameter in entry.name.split(", "):
            text = " ".join(line.strip() for line in entry.desc)
            ends = [i for mark in (". ", ": ", "; ") if (i := text.find(mark)) > 0]
            return text[: min(ends)] if ends else text.rstrip(".:")
    raise LookupError(f"{kind.__name__} does not document {parameter}")


class ParameterTable(SphinxDirective):
    """See the module."""

    required_arguments = 2

    def run(self) -> list[nodes.Node]:
        """Make the table."""
        ours, theirs = map(found, self.arguments)
        own = inspect.signature(ours).parameters
        known = inspect.signature(theirs).parameters
        same = [f"``{name}``" for name in own if name in known]
        new = {name: parameter for name, parameter in own.items() if name not in known}
        lines = [f"As in ``{theirs.__name__}``: {', '.join(same)}.", ""]
        if new:
            lines += [
                "Beyond that:",
                "",
                ".. list-table::",
                "   :header-rows: 1",
                "   :class: stacked-on-phones",
                "",
                "   * - parameter",
                "     - default",
                "     - what it is",
            ]
        for name, parameter in new.items():
            lines += [
                f"   * - ``{name}``",
                f"     - ``{parameter.default!r}``",
                f"     - {first_sentence(ours, name)}",
            ]
        node = nodes.container()
        self.state.nested_parse(StringList(lines, source=ours.__name__), self.content_offset, node)
        return node.children


def setup(app):
    """Register the directive."""
    app.add_directive("parameter-table", ParameterTable)
    return {"parallel_read_safe": True}
