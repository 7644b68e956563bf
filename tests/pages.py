"""The pages of the documentation: their code, and what they say that it prints."""

from __future__ import annotations

import re
from contextlib import redirect_stdout
from io import StringIO
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

DOCS = Path(__file__).parents[1] / "docs"

#: A block of code or output: its language and its lines.
_BLOCK = re.compile(
    r"^( *)\.\. code-block:: (\w+)\n(?: +:.*\n)*\n((?:\1   .*\n|\n)+)", re.MULTILINE
)

#: A number of which the digits behind the point are rounded.
_FRACTION = re.compile(r"-?\d+\.\d+")


class Block(NamedTuple):
    """A piece of code on a page.

    Attributes
    ----------
    code : str
    line : int
        Of the page, on which it begins.
    output : str or None
        What the page shows after it, in a block of the language 'none', as its output.
    """

    code: str
    line: int
    output: str | None


def blocks_of(page: str) -> list[Block]:
    """The Python code of a page, in order.

    Parameters
    ----------
    page : str
        Its path in the folder of the documentation.

    Returns
    -------
    blocks : list of Block
    """
    text = (DOCS / page).read_text(encoding="utf-8")
    blocks: list[Block] = []
    is_shown = False
    for match in _BLOCK.finditer(text):
        language, content = match[2], dedent(match[3]).strip("\n") + "\n"
        if language == "python":
            blocks.append(Block(content, text.count("\n", 0, match.start(3)), None))
        elif language == "none" and is_shown:
            blocks[-1] = blocks[-1]._replace(output=content)
        is_shown = language == "python"
    return blocks


def code_of(page: str) -> list[str]:
    """The Python code of a page, without what it prints."""
    return [block.code.strip() for block in blocks_of(page)]


def blocks_by_heading(page: str) -> dict[str, list[Block]]:
    """The Python code of a page, in order, by the heading that it stands below."""
    text = (DOCS / page).read_text(encoding="utf-8")
    lines = text.splitlines()
    headings = [
        (number, line)
        for number, (line, below) in enumerate(pairwise(lines))
        if line[:1].strip() and re.fullmatch(r"([=-])\1+", below)
    ]
    found: dict[str, list[Block]] = {heading: [] for _, heading in headings}
    for block in blocks_of(page):
        heading = [name for number, name in headings if number < block.line][-1]
        found[heading].append(block)
    return found


def code_by_heading(page: str) -> dict[str, list[str]]:
    """The Python code of a page by its heading, without what it prints."""
    by_heading = blocks_by_heading(page).items()
    return {heading: [block.code.strip() for block in blocks] for heading, blocks in by_heading}


def run_block(code: str, **names: Any) -> dict[str, Any]:
    """Run a piece of code that finds these names; what it has left behind."""
    exec(compile(code, "a page of the documentation", "exec"), names)
    return names


def is_alike(printed: str, shown: str) -> bool:
    """Whether two texts are the same, but for one unit in the last digit of decimal fractions.

    Where a number is rounded up on one machine and down on another, both print the truth. Whole
    numbers, words and the places of all have to be the same.
    """
    if _FRACTION.sub("#", printed) != _FRACTION.sub("#", shown):
        return False
    pairs = zip(_FRACTION.findall(printed), _FRACTION.findall(shown), strict=True)
    return all(_are_neighbours(*pair) for pair in pairs)


def _are_neighbours(first: str, second: str) -> bool:
    n_digits = len(second.partition(".")[2])
    units = [round(float(text) * 10**n_digits) for text in (first, second)]
    return len(first) == len(second) and abs(units[0] - units[1]) <= 1


def run_page(page: str, names: dict[str, Any] | None = None) -> dict[str, Any]:
    """Run the code of a page from its beginning to its end, and compare what it prints.

    Parameters
    ----------
    page : str
        Its path in the folder of the documentation.
    names : dict or None, default=None
        What the code finds: X and y, for instance.

    Returns
    -------
    names : dict
        What the code has left behind.

    Raises
    ------
    AssertionError
        If a block prints something else than the page shows after it, see `is_alike`.
    """
    names = {"__name__": "page", **(names or {})}
    for block in blocks_of(page):
        names["__printed__"] = run_block_of_page(page, block, names)
    return names


def run_block_of_page(page: str, block: Block, names: dict[str, Any]) -> str:
    """Run a block with these names, to which it adds its own, and return what it prints.

    Raises
    ------
    AssertionError
        If the page shows something else, see `is_alike`.
    """
    # The lines before it are empty: an error names its line of the page.
    code = compile("\n" * block.line + block.code, str(DOCS / page), "exec")
    printed = StringIO()
    with redirect_stdout(printed):
        exec(code, names)
    if block.output is not None:
        where = f"docs/{page}, line {block.line + 1}"
        assert is_alike(printed.getvalue(), block.output), f"{where}:\n{printed.getvalue()}"
    return printed.getvalue()
