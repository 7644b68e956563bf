"""The page "How it is built": the ways through the code that it shows are those of the code."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from sklearn.datasets import load_iris

import skneural
from skneural import ScratchLogisticRegression, ScratchMLPClassifier, TabularMLPClassifier
from skneural.kernels import use

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PAGE = Path(__file__).parents[1] / "docs" / "how_it_is_built.rst"
PACKAGE = str(Path(skneural.__file__).parent)
X, Y = load_iris(return_X_y=True)

#: What the lines of a way begin with: a function of a module, or a method of a class.
STATION = re.compile(r"^ +((?:[A-Z]\w*\.)?[a-z_]\w*)(?:  |$)")


def ways():
    """The lines of each way that the page shows."""
    blocks = re.findall(r"code-block:: text\n\n((?:   .*\n|\n)+)", PAGE.read_text())
    return [block.rstrip().splitlines() for block in blocks]


def called(action):
    """The functions of the package that an action calls, in the order of their first calls."""
    names: dict[str, None] = {}

    def note(frame, event, argument):
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            names.setdefault(frame.f_code.co_qualname)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(before)
    return list(names)


FITTED = ScratchMLPClassifier(max_iter=1, random_state=0)
TABLE = [[*row, f"level {i % 10}"] for i, row in enumerate(X.tolist())]
OF_TABLE = TabularMLPClassifier(max_iter=1, random_state=0)
ACTIONS = [
    lambda: FITTED.fit(X, Y),
    lambda: FITTED.predict_proba(X),
    lambda: OF_TABLE.fit(TABLE, Y),
]


def test_the_page_shows_three_ways_of_at_most_25_lines():
    assert len(ways()) == len(ACTIONS)
    assert all(len(way) <= 25 for way in ways())


@pytest.mark.parametrize("number", range(len(ACTIONS)), ids=["fit", "predict_proba", "table"])
def test_a_way_is_that_of_the_code(number):
    stations = [match[1] for match in map(STATION.match, ways()[number]) if match]
    assert len(stations) == len(ways()[number])
    FITTED.fit(X, Y)
    order = called(ACTIONS[number])
    assert [name for name in order if name in stations] == stations


@pytest.mark.parametrize("random_state", [0, None], ids=["seed", "no seed"])
@pytest.mark.parametrize("work_done", [0.0, 1e12], ids=["a first fit", "after much work"])
@pytest.mark.parametrize("kind", [ScratchMLPClassifier, ScratchLogisticRegression])
def test_a_fit_can_be_followed(kind, work_done, random_state, monkeypatch):
    estimator = kind(max_iter=2, random_state=random_state)
    # A process that has trained much asks whether compiled kernels would have paid.
    monkeypatch.setattr(use._Process, "work_done", work_done)
    estimator.fit(X, Y)  # fills caches
    followed = called(lambda: estimator.fit(X, Y))
    assert len(followed) <= 110, followed
