"""Leaves out of the site what its pages never load of MathJax: three quarters of the 24 MB."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

#: What writes formulas for TeX, its fonts and rarer commands, and for screen readers their words.
KEPT = (
    "tex-chtml.js",
    "output/chtml/fonts",
    "input/tex/extensions",
    "a11y",
    "sre/mathmaps/base.json",
    "sre/mathmaps/en.json",
    "sre/mathmaps/nemeth.json",
)


def remove_the_rest(app: Any, exception: Exception | None) -> None:
    """Delete the other files, once they have been copied into the site."""
    folder = Path(app.outdir, "_static", "mathjax")
    if exception is not None or not folder.is_dir():
        return
    kept = [folder / name for name in KEPT]
    if missing := [str(path) for path in kept if not path.exists()]:
        raise FileNotFoundError(f"MathJax has other parts than before: no {missing}")
    for path in sorted(folder.rglob("*"), reverse=True):
        if not any(path.is_relative_to(part) or part.is_relative_to(path) for part in kept):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def setup(app: Any) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("build-finished", remove_the_rest, priority=900)  # later than the one that copies
    return {"parallel_read_safe": True, "parallel_write_safe": True}
