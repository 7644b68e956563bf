"""The page "Save and load models": its code runs, and its list of types is whole."""

from extras import need

need("skops", "skops")

import re
from pathlib import Path

from skneural import TRUSTED_TYPES

PAGE = Path(__file__).parents[2] / "docs" / "model_files.rst"


def test_the_code_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    variables = {}
    blocks = re.findall(r"code-block:: python\n\n((?:   .*\n|\n)+)", PAGE.read_text())
    for block in blocks:
        exec("\n".join(line[3:] for line in block.splitlines()), variables)
    assert len(blocks) == 1
    assert (tmp_path / "wine.skops").stat().st_size < 20_000
    assert variables["loaded"].score(variables["X"], variables["y"]) > 0.95


def test_the_list_of_trusted_types_is_whole():
    (block,) = re.findall(r"code-block:: text\n\n((?:      .*\n)+)", PAGE.read_text())
    assert tuple(block.split()) == TRUSTED_TYPES
