"""The page on production: its recipes for drift and updates do what it says of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import entropy
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skneural import ScratchLogisticRegression, ScratchMLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PAGE = Path(__file__).parents[1] / "docs" / "production.rst"
SAVE, MONITOR, UPDATE = (
    re.sub("^   ", "", block, flags=re.MULTILINE).strip()
    for block in re.findall(r"code-block:: python\n\n((?:   .*\n|\n)+)", PAGE.read_text())
)


def names_of(block):
    names = {}
    exec(block, names)
    return names


# ------------------------------------------------------------------------- drift


RANDOM = np.random.RandomState(0)
TRAINING = pd.DataFrame(
    {
        "normal": RANDOM.standard_normal(4000),
        "skewed": RANDOM.lognormal(size=4000),
        "missing": np.where(RANDOM.uniform(size=4000) < 0.3, np.nan, RANDOM.uniform(size=4000)),
        "few values": RANDOM.randint(3, size=4000),
        "constant": np.ones(4000),
    }
)


@pytest.fixture(scope="module")
def recipe():
    names = names_of(MONITOR)
    columns = json.loads(json.dumps(names["describe"](TRAINING)))  # as it comes out of a file
    return lambda frame: names["drift"](columns, frame)


def test_training_data_have_not_drifted(recipe):
    found = recipe(TRAINING)
    assert list(found) == list(TRAINING)
    for report in found.values():
        assert report == {"psi": pytest.approx(0, abs=1e-12), "outside": 0}


@pytest.mark.parametrize(
    ("name", "change", "psi", "outside"),
    [
        ("normal", lambda values: values + 1, (0.5, 2), (0.001, 0.1)),
        ("normal", lambda values: 1000 * values, (3, 9), (0.9, 1)),
        ("skewed", lambda values: values / 2, (0.25, 1), (0, 0.02)),
        ("missing", lambda values: values.fillna(0.5), (1, 9), (0, 0)),
        ("missing", lambda values: values * np.nan, (3, 9), (0, 0)),
        ("few values", lambda values: values * 0, (3, 9), (0, 0)),
        ("few values", lambda values: values + 3, (3, 9), (1, 1)),
        ("constant", lambda values: values - 1, (3, 30), (1, 1)),
    ],
)
def test_a_change_is_seen_in_its_column_alone(recipe, name, change, psi, outside):
    found = recipe(TRAINING.assign(**{name: change(TRAINING[name])}))
    assert psi[0] < found[name]["psi"] < psi[1]
    assert outside[0] <= found[name]["outside"] <= outside[1]
    assert all(report["psi"] < 1e-12 for other, report in found.items() if other != name)


def test_the_index_is_the_symmetric_divergence():
    expected, found = RANDOM.dirichlet(np.ones(10)), RANDOM.dirichlet(np.ones(10))
    index = names_of(MONITOR)["population_stability"](expected, found, smallest=0)
    assert index == pytest.approx(entropy(found, expected) + entropy(expected, found))


@pytest.mark.parametrize("n_found", [500, 2000])
def test_the_index_without_a_drift_is_on_average_what_the_page_says(n_found):
    names = names_of(MONITOR)
    columns = names["describe"](TRAINING[["normal"]])
    found = [
        names["drift"](columns, {"normal": RANDOM.standard_normal(n_found)})["normal"]["psi"]
        for _ in range(200)
    ]
    # The eleventh bin, of missing values, has none.
    assert np.mean(found) == pytest.approx(9 * (1 / len(TRAINING) + 1 / n_found), rel=0.2)


# ------------------------------------------------------------------------- updates


DIGITS, Y = load_digits(return_X_y=True)
OLD, NEW, HELD_OUT = slice(0, 600), slice(600, 1300), slice(1300, None)
SETTINGS = {"random_state": 0, "learning_rate_init": 0.003}


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(StandardScaler(), ScratchMLPClassifier((30,), max_iter=10, **SETTINGS)),
        ScratchMLPClassifier((30,), max_iter=10, **SETTINGS),
        make_pipeline(StandardScaler(), ScratchLogisticRegression(solver="adam", **SETTINGS)),
    ],
    ids=["network in a pipeline", "network", "logistic regression in a pipeline"],
)
def test_new_rows_make_a_better_candidate_and_leave_the_model_as_it_is(model):
    names = names_of(UPDATE)
    updated, is_better = names["updated"], names["is_better"]
    held_out = [(DIGITS[HELD_OUT], Y[HELD_OUT]), (DIGITS[OLD], Y[OLD])]
    model.fit(DIGITS[OLD], Y[OLD])
    before = model.predict_proba(DIGITS)
    candidate = updated(model, DIGITS[NEW], Y[NEW])
    np.testing.assert_array_equal(model.predict_proba(DIGITS), before)
    losses = [
        log_loss(Y[HELD_OUT], each.predict_proba(DIGITS[HELD_OUT])) for each in (candidate, model)
    ]
    assert losses[0] < losses[1]
    # What is learned of the old rows may fade: the tolerance decides.
    assert is_better(candidate, model, held_out, tolerance=1)
    assert not is_better(model, model, held_out)
    assert not is_better(candidate, model, held_out, tolerance=-1)

    few = np.flatnonzero(Y[HELD_OUT] < 2)  # of two classes alone
    recent = [(DIGITS[HELD_OUT][few], Y[HELD_OUT][few])]
    assert isinstance(is_better(candidate, model, recent), bool | np.bool_)

    nonsense = updated(model, DIGITS[NEW], RANDOM.permutation(Y[NEW]))
    assert not is_better(nonsense, model, held_out, tolerance=1)


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "boolean"])
def test_columns_that_know_missing_values(dtype):
    names = names_of(MONITOR)
    frame = pd.DataFrame({"a": pd.array([1, 0, None, 1] * 40, dtype=dtype)})
    found = names["drift"](names["describe"](frame), frame)
    assert found["a"]["psi"] == pytest.approx(0, abs=1e-12)
    assert found["a"]["outside"] == 0
