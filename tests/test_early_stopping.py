"""Which rows early stopping holds out."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from splits import spied_splits

from skneural import (
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
)
from skneural.estimators.split import drawn_split

RNG = np.random.RandomState(0)


def held_out_labels(monkeypatch, y, **params):
    """Labels of the held-out rows of one fit, found by looking at the split."""
    splits = spied_splits(monkeypatch)
    model = ScratchMLPClassifier(
        hidden_layer_sizes=2, max_iter=1, early_stopping=True, random_state=0, **params
    )
    X = RNG.randn(len(y), 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
    (train, held_out), *_ = splits
    assert sorted([*train, *held_out]) == list(range(len(y)))
    return np.asarray(y)[held_out]


@pytest.mark.parametrize("labels", [[0, 1], [0, 1, 2], ["x", "y", "z", "zz"]])
@pytest.mark.parametrize("fraction", [0.1, 0.25])
def test_each_class_has_its_share(monkeypatch, labels, fraction):
    counts = [40 * (i + 1) for i in range(len(labels))]
    y = RNG.permutation(np.repeat(labels, counts))
    held_out = held_out_labels(monkeypatch, y, validation_fraction=fraction)
    expected = [fraction * count for count in counts]
    assert list(np.unique(held_out, return_counts=True)[1]) == expected


#: Rows of each class, the share held out, and why a split cannot be stratified.
TOO_FEW = [
    ([30, 30, 1], 0.1, "class 'c' has only 1 row"),
    ([10, 10, 4], 2 / 24, "2 validation rows cannot hold all 3 classes"),
    ([30, 30, 30], 0.98, "1 training row cannot hold all 3 classes"),
    ([30, 30, 30], 0.97, "2 training rows cannot hold all 3 classes"),
]


@pytest.mark.parametrize(("counts", "fraction", "message"), TOO_FEW)
def test_several_classes_too_small_to_stratify_are_split_without(
    monkeypatch, counts, fraction, message
):
    y = np.repeat(["a", "b", "c"], counts)
    with pytest.warns(UserWarning, match=message):
        held_out_labels(monkeypatch, y, validation_fraction=fraction)


def test_two_classes_too_small_to_stratify_are_an_error(monkeypatch):
    with pytest.raises(ValueError, match=r"[Tt]he least populated class"):
        held_out_labels(monkeypatch, np.repeat(["a", "b"], [20, 1]))


@pytest.mark.parametrize(
    "estimator",
    [
        ScratchMLPClassifier(hidden_layer_sizes=2, random_state=0),
        ScratchLogisticRegression(solver="adam", random_state=0),
        ScratchPerceptron(),
    ],
)
@pytest.mark.parametrize(
    ("counts", "fraction", "message"),
    [
        ([20, 1], 0.1, "class 'b' has only 1 row"),
        ([6, 6], 0.05, "1 validation row cannot hold all 2 classes"),
        ([6, 6], 0.9, "1 training row cannot hold all 2 classes"),
        ([45, 45], 0.99, "no row is left to train on"),
        ([30, 30, 30], 0.999, "no row is left to train on"),
    ],
)
def test_the_side_that_is_too_small_is_named(estimator, counts, fraction, message):
    y = np.repeat(["a", "b", "c"][: len(counts)], counts)
    model = clone(estimator).set_params(early_stopping=True, validation_fraction=fraction)
    with pytest.raises(ValueError, match=f"held out by early_stopping: {message}.*{fraction}"):
        model.fit(RNG.randn(len(y), 3), y)


@pytest.mark.parametrize(("counts", "fraction", "message"), TOO_FEW)
def test_the_perceptron_always_stratifies(counts, fraction, message):
    y = np.repeat(["a", "b", "c"], counts)
    model = ScratchPerceptron(early_stopping=True, validation_fraction=fraction)
    with pytest.raises(ValueError, match=message):
        model.fit(RNG.randn(len(y), 3), y)


def test_a_regression_without_rows_to_train_on():
    model = ScratchMLPRegressor(early_stopping=True, validation_fraction=0.9)
    with pytest.raises(
        ValueError, match=r"no row is left to train on. There are 3, and validation_fraction=0.9"
    ):
        model.fit(RNG.randn(3, 2), RNG.randn(3))


@pytest.mark.parametrize("fraction", [0, 0.0])
def test_a_regression_without_rows_to_validate_on(fraction):
    model = ScratchMLPRegressor(early_stopping=True, validation_fraction=fraction)
    message = f"held out by early_stopping: no row would be. .*validation_fraction={fraction}"
    with pytest.raises(ValueError, match=message):
        model.fit(RNG.randn(30, 2), RNG.randn(30))


def test_too_few_rows_are_an_error(monkeypatch):
    with pytest.raises(ValueError, match=r"The validation set is too small.*leaves 1, at least 2"):
        held_out_labels(monkeypatch, np.repeat([0], 10))


def test_scores_and_best_weights():
    X = RNG.randn(200, 4)
    y = (X[:, 0] + X[:, 1] > 0).astype(int) + (X[:, 2] > 1)
    model = ScratchMLPClassifier(
        early_stopping=True, n_iter_no_change=5, learning_rate_init=0.02, random_state=0
    ).fit(X, y)
    assert len(model.validation_scores_) == model.n_iter_ == len(model.loss_curve_)
    best = int(np.argmax(model.validation_scores_))
    assert model.best_validation_score_ == model.validation_scores_[best]
    assert model.best_loss_ is None
    # The weights kept are those of the best epoch, not of the last.
    with pytest.warns(ConvergenceWarning):
        until_best = ScratchMLPClassifier(
            early_stopping=True, max_iter=best + 1, learning_rate_init=0.02, random_state=0
        ).fit(X, y)
    np.testing.assert_array_equal(model.coefs_[0], until_best.coefs_[0])


@pytest.mark.parametrize("seed", [0, 7, None])
@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5, 0.013])
@pytest.mark.parametrize("counts", [(100, 60), (50, 50, 50), (400, 3, 90, 200), (77,)])
def test_the_rows_are_those_that_scikit_learn_draws(counts, fraction, seed):
    codes = RNG.permutation(np.repeat(np.arange(len(counts)), counts))
    n_rows = len(codes)
    for strata in (codes, codes == 1, None, codes + 3):
        generators = [np.random.RandomState(seed or 3) for _ in range(2)]
        states = generators if seed is None else [seed, seed]
        try:
            expected = train_test_split(
                np.arange(n_rows),
                test_size=fraction,
                random_state=states[0],
                stratify=None if strata is None else strata.astype(str),
            )
        except ValueError as error:
            with pytest.raises(ValueError, match=re.escape(str(error).partition(" = ")[0][:30])):
                drawn_split(n_rows, strata, fraction, states[1])
            continue
        found = drawn_split(n_rows, strata, fraction, states[1])
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])
        # What is drawn afterwards is the same too.
        assert generators[0].randint(10**6) == generators[1].randint(10**6)
