"""The course: its code runs, chapter by chapter, and prints what the chapters show."""

from __future__ import annotations

import ast
import re
import runpy

import pytest
from pages import DOCS, blocks_of, run_page

# Older releases of matplotlib meet deprecations in newer releases of what they build upon.
pytestmark = [
    pytest.mark.documentation,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:(matplotlib|pyparsing)"),
]

COURSE = DOCS / "course"
CHAPTERS = [path.stem for path in sorted(COURSE.glob("*.rst")) if path.stem != "index"]
PICTURES = [path.stem for path in sorted((COURSE / "pictures").glob("*.py"))]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapter(chapter):
    run_page(f"course/{chapter}.rst")


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_what_is_printed_is_shown(chapter):
    blocks = blocks_of(f"course/{chapter}.rst")
    assert blocks
    silent = [block.code for block in blocks if block.output is None]
    assert not any("print(" in line for code in silent for line in code.splitlines()[-1:])


def included(chapter):
    """File, name of the function, first and last line (or None) of what a chapter includes."""
    text = (COURSE / f"{chapter}.rst").read_text()
    for path, lines in re.findall(r"literalinclude:: (\S+)\n((?:   :.*\n)+)", text):
        options = dict(re.findall(r":(\S+): (.*)", lines))
        yield COURSE / path, options["pyobject"], options.get("start-at"), options.get("end-at")


def source_of(path, name):
    """The source of a function of a file."""
    text = path.read_text()
    node = ast.parse(text)
    for part in name.split("."):
        (node,) = (each for each in node.body if getattr(each, "name", None) == part)
    return ast.get_source_segment(text, node)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapter_includes_functions_of_the_package(chapter):
    found = list(included(chapter))
    assert found
    for path, name, first, last in found:
        source = source_of(path, name)
        for line in filter(None, (first, last)):
            assert source.count(line) >= 1, f"{name} has no line {line!r}"


@pytest.mark.parametrize("picture", PICTURES)
def test_picture(picture):
    """It is drawn, and a chapter shows it."""
    import matplotlib.pyplot as plt

    texts = [(COURSE / f"{chapter}.rst").read_text() for chapter in CHAPTERS]
    assert any(f".. plot:: course/pictures/{picture}.py" in text for text in texts)
    runpy.run_path(str(COURSE / "pictures" / f"{picture}.py"))
    assert plt.gcf().axes
    plt.close("all")


def test_contents():
    listed = [line.strip() for line in (COURSE / "index.rst").read_text().splitlines()]
    assert set(CHAPTERS) <= set(listed)
