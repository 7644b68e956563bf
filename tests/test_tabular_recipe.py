"""Presets, and how they change with the number of rows and of columns."""

from __future__ import annotations

import numpy as np
import pytest

from skneural import TabularMLPClassifier, TabularMLPRegressor
from skneural.estimators.tabular.recipe import (
    MIN_EPOCHS,
    MIN_STEPS,
    MIN_STEPS_PER_EPOCH,
    PRESETS,
    recipe_of,
)

RECIPES = {
    f"{name}, {kind}": recipe
    for name, of_kinds in PRESETS.items()
    for kind, recipe in zip(("classes", "numbers"), of_kinds, strict=True)
}
each_recipe = pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)


@each_recipe
def test_middle_sizes_are_as_the_preset_says(recipe):
    middle = recipe.for_size(2625)  # seven eighths of 3,000
    assert (middle.max_iter, middle.batch_size) == (recipe.max_iter, recipe.batch_size)


@each_recipe
@pytest.mark.parametrize("n_rows", [1, 7, 20, 87, 300, 875])
def test_few_rows_have_enough_steps(recipe, n_rows):
    few = recipe.for_size(n_rows)
    n_steps = max(1, n_rows // few.batch_size)
    assert 1 <= few.batch_size <= recipe.batch_size
    assert n_steps >= min(n_rows, MIN_STEPS_PER_EPOCH)
    assert n_steps * few.max_iter >= MIN_STEPS
    # And no more epochs than that takes.
    assert few.max_iter == recipe.max_iter or n_steps * (few.max_iter - 1) < MIN_STEPS


@each_recipe
def test_many_rows_cost_the_less_the_more_there_are(recipe):
    sizes = [2625, 5_000, 10_000, 30_000, 100_000, 1_000_000]
    found = [recipe.for_size(n) for n in sizes]
    epochs = [each.max_iter for each in found]
    batches = [each.batch_size for each in found]
    assert epochs == sorted(epochs, reverse=True)
    assert batches == sorted(batches)
    assert epochs[-1] == MIN_EPOCHS
    # Steps grow with the rows all the same.
    steps = [n * each.max_iter / each.batch_size for n, each in zip(sizes, found, strict=True)]
    assert steps[-1] > steps[-2] > steps[0]


@each_recipe
def test_many_rows_need_less_regularization_and_show_finer_structure(recipe):
    for n_rows in (2700, 10_800, 270_000):
        found, q = recipe.for_size(n_rows), n_rows / 2700
        np.testing.assert_allclose(found.dropout * q, recipe.dropout)
        np.testing.assert_allclose(found.weight_decay * q, recipe.weight_decay)
        np.testing.assert_allclose(found.frequency_scale, recipe.frequency_scale * q**0.5)


@pytest.mark.parametrize("n_numbers", [50, 51, 300, 301])
@pytest.mark.parametrize("frequency_scale", [None, 0.3])
def test_many_columns_are_embedded_in_less(n_numbers, frequency_scale):
    estimator = TabularMLPClassifier(frequency_scale=frequency_scale)
    recipe = recipe_of(estimator, has_classes=True, n_rows=1000)
    found = recipe.for_columns(n_numbers, estimator)
    is_full = n_numbers <= 50
    is_embedded = n_numbers <= 300 or frequency_scale is not None
    assert (found.frequency_scale > 0) == is_embedded
    if is_embedded:
        expected = (16, 3) if is_full else (8, 1)
        assert (found.n_frequencies, found.n_sums) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_iter", 7),
        ("batch_size", 5),
        ("hidden_layer_sizes", (3, 4)),
        ("activation", "selu"),
        ("dropout", 0.5),
        ("learning_rate_init", 0.01),
        ("weight_decay", 0.0),
        ("frequency_scale", 0.0),
        ("quantile_inputs", True),
        ("max_one_hot", 3),
    ],
)
@pytest.mark.parametrize("n_rows", [30, 1000, 100_000])
@pytest.mark.parametrize("kind", [TabularMLPClassifier, TabularMLPRegressor])
def test_what_the_user_says_counts_at_every_size(kind, n_rows, name, value):
    has_classes = kind is TabularMLPClassifier
    plain = recipe_of(kind(), has_classes=has_classes, n_rows=n_rows)
    found = recipe_of(kind(**{name: value}), has_classes=has_classes, n_rows=n_rows)
    assert getattr(found, name) == value
    others = {key: each for key, each in vars(plain).items() if key != name}
    assert others == {key: each for key, each in vars(found).items() if key != name}


@pytest.mark.parametrize("n_columns", [2, 60, 310])
def test_a_fit_has_the_embedding_of_its_columns(n_columns):
    rng = np.random.RandomState(0)
    X = rng.standard_normal((40, n_columns))
    model = TabularMLPRegressor(cv=2, max_iter=1, hidden_layer_sizes=(4,), random_state=0)
    model.fit(X, X[:, 0])
    scale = model.fitted_settings_["frequency_scale"]
    assert scale == (0.0 if n_columns > 300 else 1.0)
    assert model.predict(X[:3]).shape == (3,)
