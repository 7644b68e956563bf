"""Properties that are computed once: no thread waits for another, and none in a fork for ever."""

from __future__ import annotations

import ast
import threading
from pathlib import Path

import pytest

import skneural
from skneural.arrays.lazy_property import lazy_property


class Rows:
    def __init__(self, compute):
        self.compute = compute

    @lazy_property
    def bounds(self):
        """What is computed."""
        return self.compute()


def test_computed_on_first_use_and_kept():
    n_calls = []
    rows = Rows(lambda: n_calls.append(1) or "bounds")
    assert (rows.bounds, rows.bounds, len(n_calls)) == ("bounds", "bounds", 1)
    assert vars(rows)["bounds"] == "bounds"
    assert Rows(lambda: "its own").bounds == "its own"
    assert Rows.bounds.__doc__ == "What is computed."


def test_an_error_is_raised_again():
    answers = iter([ZeroDivisionError(), "bounds"])

    def compute():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    rows = Rows(compute)
    with pytest.raises(ZeroDivisionError):
        _ = rows.bounds
    assert rows.bounds == "bounds"


def test_no_thread_waits_for_another():
    """What a fork inherits of such a wait has no end."""
    is_computing, may_end = threading.Event(), threading.Event()

    def compute():
        is_computing.set()
        assert may_end.wait(60)
        return "slow"

    slow = Rows(compute)
    thread = threading.Thread(target=lambda: slow.bounds)
    thread.start()
    try:
        assert is_computing.wait(60)
        found = []
        other = threading.Thread(target=lambda: found.append(Rows(lambda: "fast").bounds))
        other.start()
        other.join(60)
        assert found == ["fast"]
    finally:
        may_end.set()
        thread.join()
    assert slow.bounds == "slow"


def test_no_other_property_is_kept():
    """`functools.cached_property` has a lock of the class before Python 3.12."""
    modules = Path(skneural.__file__).parent.rglob("*.py")
    texts = [path.read_text(encoding="utf-8") for path in modules]
    imported = {
        alias.name
        for text in texts
        if "functools" in text  # else there is nothing to parse
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and node.module == "functools"
        for alias in node.names
    }
    assert "cached_property" not in imported
    assert imported
