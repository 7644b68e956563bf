"""Tables of the documentation, whose mistakes sphinx takes for rows."""

import re

import pytest
from pages import DOCS

#: Without those that a build of the documentation writes.
PAGES = [*sorted(DOCS.glob("*.rst")), *sorted(DOCS.glob("course/*.rst"))]


def cells(page):
    """Every line of every simple table of a page, cut at the borders of its columns."""
    starts = None
    for line in page.read_text().splitlines():
        if re.fullmatch(r"\s*=+( +=+)+\s*", line):
            starts = [match.start() for match in re.finditer("=+", line)]
        elif not line.strip():
            starts = None
        elif starts:
            ends = [*starts[1:], None]
            yield [line[i:j].strip() for i, j in zip(starts, ends, strict=True)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_lines_of_a_table_are_rows_and_cells_are_text(page):
    for first, *others in cells(page):
        # A first cell cannot be continued on the next line: that would be a row of its own.
        assert not first or any(others), first
        # A dash alone is the bullet of an empty list.
        assert "-" not in (first, *others), first
