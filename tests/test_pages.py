"""Every piece of code in the documentation is run: here, or by a test that names its page."""

from __future__ import annotations

import re
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import sklearn
from joblib import parallel_config
from pages import DOCS, blocks_of, is_alike, run_block, run_page
from sklearn.datasets import load_wine
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skneural import ScratchLogisticRegression, ScratchMLPClassifier

pytestmark = [
    pytest.mark.documentation,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

TESTS = Path(__file__).parent
VERSION = tuple(map(int, sklearn.__version__.split(".")[:2]))
SINCE_1_9 = pytest.mark.skipif(
    VERSION < (1, 9), reason="reference: the callbacks of scikit-learn begin with 1.9"
)
X, Y = load_wine(return_X_y=True)
ROWS = {"X": StandardScaler().fit_transform(X), "y": Y}

#: Pages of which it is enough that their code runs, and what that takes for granted.
FRAGMENTS = {
    "index.rst": ROWS,
    "reproducibility.rst": {
        **ROWS,
        "model": ScratchMLPClassifier(max_iter=5),
        # With a number of its own it needs no processes.
        "search": GridSearchCV(ScratchLogisticRegression(), {"C": [0.1, 1]}, cv=2, n_jobs=1),
    },
}
#: Rows of a wide range, for which few epochs are enough, and a search of few fits.
OF_CALLBACKS = {
    "X": 10 * ROWS["X"],
    "y": Y,
    "GridSearchCV": partial(GridSearchCV, cv=2),
    "StandardScaler": StandardScaler,
    "make_pipeline": make_pipeline,
}


def pages_with_code():
    """Those outside of the course, all of whose pages tests/test_course.py runs."""
    pages = (path.relative_to(DOCS).as_posix() for path in sorted(DOCS.rglob("*.rst")))
    written = [page for page in pages if not page.startswith(("course/", "gallery/", "generated/"))]
    return [page for page in written if blocks_of(page)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where the code of a page writes its files."""
    (tmp_path / "models").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", [page for page in pages_with_code() if page in FRAGMENTS])
def test_code_of_a_page_runs(page):
    run_page(page, FRAGMENTS[page])


def test_coming_from_sklearn():
    names = run_page("coming_from_sklearn.rst")
    if VERSION >= (1, 9):  # the one whose numbers are ours
        assert names["__printed__"] == "True True\n"
    assert names["ours"].score(names["X"], names["y"]) > 0.95


def test_large_data(folder):
    rows = np.random.RandomState(0).standard_normal((60, 100)).astype(np.float32)
    rows.tofile(folder / "rows.bin")
    known = {"np": np, "y": rows[:, 0] > 0, "ScratchMLPClassifier": ScratchMLPClassifier}
    names = run_page("large_data.rst", known)
    assert np.array_equal(names["X"], rows)
    assert names["model"].n_features_in_ == 100


def test_readme():
    text = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
    shown = re.search(r"```text\n(.*?)```", text, re.DOTALL)[1]
    printed = StringIO()
    with redirect_stdout(printed):
        run_block(code)
    assert is_alike(printed.getvalue(), shown)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
def test_links_to_files_lead_somewhere(page):
    text = (DOCS.parent / page).read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert all((DOCS.parent / target).exists() for target in targets), targets


@SINCE_1_9
def test_callbacks(folder):
    pandas = pytest.importorskip("pandas")
    with parallel_config("threading"):  # new processes would take most of the time
        names = run_page("callbacks.rst", {**OF_CALLBACKS, "pandas": pandas})
    assert names["network"].learning_rate_init == names["curve"].suggestion
    assert len(names["history"]) == names["history"]["epoch"].iloc[-1] > 3
    assert (folder / "models" / "network.checkpoint").is_file()


@pytest.mark.parametrize(
    ("printed", "shown", "expected"),
    [
        ("loss 0.12 (3 of 4)", "loss 0.12 (3 of 4)", True),
        ("loss 0.13 (3 of 4)", "loss 0.12 (3 of 4)", True),
        ("loss 0.14 (3 of 4)", "loss 0.12 (3 of 4)", False),
        ("loss 0.12 (2 of 4)", "loss 0.12 (3 of 4)", False),
        ("loss 0.123 (3 of 4)", "loss 0.12 (3 of 4)", False),
        ("cost 0.12 (3 of 4)", "loss 0.12 (3 of 4)", False),
        ("[-0.5  1. ]", "[ 0.5  1. ]", False),
        ("", "True", False),
    ],
)
def test_output_is_compared(printed, shown, expected):
    assert is_alike(printed, shown) == expected


@pytest.mark.parametrize("page", pages_with_code())
def test_code_of_a_page_is_run_by_a_test(page):
    texts = [path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py")]
    assert any(f'"{page}"' in text for text in texts), f"no test names {page}: see tests/pages.py"
