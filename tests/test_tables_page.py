"""The page "Raw tables": its code runs as it stands, and shows what the text says."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import sklearn

from skneural import TabularMLPClassifier, TabularMLPRegressor

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "tables.rst").read_text()
BLOCKS = [
    re.sub("^   ", "", block, flags=re.MULTILINE).strip()
    for block in re.findall(r"code-block:: python\n\n((?:   .*\n|\n)+)", PAGE)
]
FIRST, LOG_LOSS, EPOCHS, GROUPS, QUANTILES, SEARCH, PICKLE, ENCODER = BLOCKS


def run(block, **names):
    """The names that a block leaves behind."""
    exec(block, names)
    return names


@pytest.fixture(scope="module")
def first():
    """The names after the first block."""
    return run(FIRST)


@pytest.fixture(scope="module")
def numbers():
    """The names after the block on quantiles."""
    return run(QUANTILES)


def test_a_frame_becomes_an_honest_score_in_ten_lines(first, capsys):
    assert len([line for line in FIRST.splitlines() if line]) == 10
    model, X = first["model"], first["X"]
    assert model.get_params() == TabularMLPClassifier(random_state=0).get_params()
    assert X.isna().any().all()
    assert model.is_categorical_.tolist() == [name == "hue" for name in X]
    assert model.oof_score_ > 0.9


def test_figures_out_of_fold(first, capsys):
    run(LOG_LOSS, **first)
    run(EPOCHS, **first)
    printed = capsys.readouterr().out
    model, y = first["model"], first["y"]
    loss = -np.mean(np.log(model.oof_predictions_[np.arange(len(y)), y]))
    assert f"log loss out of fold: {loss:.2f}\n" in printed
    assert re.search(rf"^\d+ +{model.n_iter_} ", printed, re.M)


def test_groups_pass_through_routing(first, capsys):
    scores = run(GROUPS, **first)["scores"]["test_score"]
    assert len(scores) == 3
    assert f"{scores.mean():.2f}".startswith(capsys.readouterr().out.strip())
    assert not sklearn.get_config()["enable_metadata_routing"]


def test_two_quantiles_are_an_interval(numbers):
    assert 0.6 < numbers["is_inside"].mean() < 0.98
    assert np.mean(numbers["low"] < numbers["high"]) > 0.9


def test_a_search_and_its_pickle(numbers):
    names = run(SEARCH, **{**numbers, **run(FIRST.split("X, y")[0])})
    run(PICKLE, **names)
    best = names["search"].best_estimator_
    assert isinstance(best, TabularMLPRegressor)
    assert len(pickle.dumps(best.for_prediction())) < len(pickle.dumps(best))


def test_the_encoder(capsys):
    run(ENCODER)
    accuracy, *names = capsys.readouterr().out.split()
    assert float(accuracy) > 0.75
    assert names == [
        *("price_normal", "shop_target_normal", "shop_log_count_normal"),
        *("price_scaled", "shop_target_scaled", "shop_log_count_scaled"),
        *("member", "price_missing", "day_Mon", "day_Tue", "day_Wed"),
    ]
