"""numpydoc, with its template compiled once.

It reads and compiles the template anew for each docstring, and again for each signature: that took
a twelfth of the time of a build.
"""

from __future__ import annotations

import numpydoc
from jinja2 import PackageLoader
from jinja2.sandbox import SandboxedEnvironment
from numpydoc.docscrape import get_doc_object
from numpydoc.docscrape_sphinx import SphinxClassDoc, SphinxFunctionDoc, SphinxObjDoc

TEMPLATE = SandboxedEnvironment(loader=PackageLoader("numpydoc")).get_template(
    "numpydoc_docstring.rst"
)


def read(obj, what=None, doc=None, config=None, builder=None):
    """What numpydoc makes of a docstring."""
    config = {**(config or {}), "template": TEMPLATE}
    return get_doc_object(obj, what, doc, config, SphinxClassDoc, SphinxFunctionDoc, SphinxObjDoc)


def setup(app):
    """Set up numpydoc, which takes such a function as an argument."""
    return numpydoc.setup(app, read)
