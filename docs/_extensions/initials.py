"""Keeps "D. P. Kingma" at the beginning of a line from becoming item D of a list.

reStructuredText takes a letter with a full stop for the number of an item, and our docstrings name
their sources. A backslash would say that it is none, but docstrings are read in Python too.
"""

from __future__ import annotations

import re

INITIAL = re.compile(r"^(\s*(?:- )?)(?=[A-Za-z]\.(?: |$))")


def escape_initials(app, what, name, obj, options, lines):
    """Put that backslash before letters that begin a line of a docstring."""
    lines[:] = [INITIAL.sub(r"\1\\", line) for line in lines]


def setup(app):
    """Register the function, before numpydoc (500) goes through the lines."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", escape_initials, priority=400)
    return {"parallel_read_safe": True}
