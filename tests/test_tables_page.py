"""The pages on raw tables: their code runs as it stands, and what they name is there."""

from __future__ import annotations

import pickle
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import sklearn
from pages import code_of

import skneural
from skneural import TabularMLPClassifier, TabularMLPRegressor
from skneural.estimators.table.targets import MAX_ONE_HOT_OF_MANY_CLASSES
from skneural.estimators.tabular.inputs import N_INNER_FOLDS, PRIOR_WEIGHT
from skneural.estimators.tabular.recipe import PRESETS
from skneural.temperature import BOUNDS

pytestmark = pytest.mark.documentation

ROOT = Path(__file__).parents[1]
RECIPE = (ROOT / "docs" / "table_recipe.rst").read_text()
BLOCKS = code_of("tables.rst")
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
    assert len(scores) == 2
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
        *("member", "price_missing", "day_Mon", "day_Tue", "day_Wed", "day_missing"),
    ]


# ---------------------------------------------------------------------- the recipe


@pytest.mark.parametrize("name", sorted(set(re.findall(r":(?:class|func):`~([\w.]+)`", RECIPE))))
def test_what_the_recipe_names_is_there(name):
    module, _, member = name.rpartition(".")
    assert hasattr(import_module(module), member)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"``(\w+/[\w/]+\.py)``", RECIPE))))
def test_files_of_the_recipe_are_there(path):
    folder = ROOT if path.startswith("benchmarks/") else Path(skneural.__file__).parent
    assert (folder / path).is_file()


def test_numbers_of_the_recipe_are_those_of_the_presets():
    classes, numbers = PRESETS["auto"]
    of_classes = (classes.frequency_scale, classes.dropout, classes.learning_rate_init)
    assert of_classes == (0.3, 0.15, 0.06)
    of_numbers = (numbers.frequency_scale, numbers.dropout, numbers.learning_rate_init)
    assert of_numbers == (1.0, 0.0, 0.2)
    assert (classes.activation, numbers.activation) == ("silu", "mish")
    assert classes.max_one_hot == numbers.max_one_hot == 8
    assert MAX_ONE_HOT_OF_MANY_CLASSES == 200
    assert [each.weight_decay for each in PRESETS["auto"]] == [0.01, 0.02]
    assert [each.weight_decay for each in PRESETS["fast"]] == [0.01, 0.02]
    assert [each.weight_decay for each in PRESETS["accurate"]] == [0.02, 0.02]
    epochs = {name: [each.max_iter for each in both] for name, both in PRESETS.items()}
    assert epochs == {"auto": [28, 64], "fast": [28, 32], "accurate": [64, 64]}
    assert (PRIOR_WEIGHT, N_INNER_FOLDS) == (10, 5)
    assert BOUNDS == (0.25, 8)
