"""[source] links of inherited methods, and of classes that are named after their folder.

sphinx.ext.viewcode looks for ``skneural.ScratchMLPClassifier.predict`` where the class is, and for
``skneural.optimizers.Adam`` in ``skneural/optimizers/__init__.py``, and finds neither.
"""

from __future__ import annotations

import inspect
import re
from collections import defaultdict
from functools import cache
from importlib import import_module
from operator import attrgetter
from pathlib import Path

from sphinx.pycode import ModuleAnalyzer

#: From a source to the page of what it defines.
LINK_BACK = re.compile(r'<a class="viewcode-back" href="[^"#]*#([^"]+)">[^<]*</a>')

#: For each module, what the pages call its functions and methods: "Sub.fit" for "Base.fit".
ALIASES: defaultdict[str, dict[str, str]] = defaultdict(dict)


def defining_module(value):
    """Where a function or class has been written, whatever its ``__module__`` says."""
    value = inspect.unwrap(value)
    if inspect.isclass(value):
        # Our folders rename the module of a class. The functions in it keep theirs.
        written = [each for each in vars(value).values() if inspect.isfunction(each)]
        value = inspect.unwrap(written[0]) if written else value
    return getattr(value, "__module__", None)


def follow(app, modname, name):
    """Answer viewcode's question where `name` of `modname` is defined."""
    try:
        value = attrgetter(name)(import_module(modname))
    except (AttributeError, ImportError):
        return None
    module = defining_module(value)
    if module is None or not module.startswith("skneural"):
        return None
    written_as = getattr(value, "__qualname__", name)
    if written_as != name:
        ALIASES[module][name] = written_as
    return module


@cache
def source_of(modname):
    """The code of a module, and where in it what begins and ends."""
    analyzer = ModuleAnalyzer.for_module(modname)
    analyzer.find_tags()
    return analyzer.code, analyzer.tags


def find_source(app, modname):
    """Answer viewcode's question what is where in `modname`, with our names."""
    if not ALIASES[modname]:
        return None
    code, tags = source_of(modname)
    tags.update({name: tags[old] for name, old in ALIASES[modname].items() if old in tags})
    # viewcode keeps its first answer, from before this name was asked for.
    if known := getattr(app.env, "_viewcode_modules", {}).get(modname):
        known[1].update(tags)
    return code, tags


def remove_dead_links_back(app, exception):
    """Take links out of pages of sources that lead to a name which the pages do not have.

    viewcode puts the first module that has led it to a source before all names in it.
    """
    documented = app.env.domains.python_domain.objects if exception is None else ()
    for page in Path(app.outdir, "_modules").rglob("*.html") if documented else ():
        text = page.read_text(encoding="utf-8")
        kept = LINK_BACK.sub(lambda link: link[0] if link[1] in documented else "", text)
        if kept != text:
            page.write_text(kept, encoding="utf-8")


def setup(app):
    """Register both answers, and what is mended in the pages."""
    app.setup_extension("sphinx.ext.viewcode")
    app.connect("viewcode-follow-imported", follow)
    app.connect("viewcode-find-source", find_source)
    app.connect("build-finished", remove_dead_links_back)
    return {"parallel_read_safe": True}
