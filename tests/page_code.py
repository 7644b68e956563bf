"""The pieces of code on a page of the documentation."""

import re
from pathlib import Path
from textwrap import dedent

DOCS = Path(__file__).parents[1] / "docs"


def code_of(page):
    """The blocks of Python on a page, in order, by the heading that they stand below.

    Parameters
    ----------
    page : str
        The name of its file.

    Returns
    -------
    blocks : dict of str to list of str
    """
    sections = re.split(r"^(\S.*)\n([=-])\2+\n", (DOCS / page).read_text(), flags=re.MULTILINE)
    return {
        heading: [
            dedent(block).strip()
            for block in re.findall(r"code-block:: python\n\n((?:   .*\n|\n)+)", text)
        ]
        for heading, text in zip(sections[1::3], sections[3::3], strict=True)
    }


def run(block, **names):
    """Run a piece of code; the names that it leaves behind."""
    exec(compile(block, "a page of the documentation", "exec"), names)
    return names
