"""Out-of-fold figures of epochs that the other folds select, against a plain loop."""

from __future__ import annotations

import numpy as np
import pytest

from skneural.estimators.tabular.judging import OutOfFold

N_EPOCHS, N_OUTPUTS = 12, 2


def by_hand(raw, losses, members, weight):
    """For each member the last epoch of the lowest loss of the rows of all others."""
    found = np.zeros(raw.shape[1:])
    for k in range(members.max() + 1):
        others = members != k
        if not weight[others].any():
            others = ~others
        means = [np.average(loss[others], weights=weight[others]) for loss in losses]
        best = max(i for i, mean in enumerate(means) if np.isclose(mean, min(means), rtol=1e-12))
        found[members == k] = raw[best][members == k]
    return found


@pytest.mark.parametrize("sizes", [[5, 5, 5], [1, 7, 3, 2], [6]], ids=str)
@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.parametrize("loss", ["numbers", "zeros and ones", "constant"])
def test_the_other_folds_select(sizes, is_weighted, loss):
    rng = np.random.RandomState(len(sizes))
    members = np.repeat(np.arange(len(sizes)), sizes)
    n = len(members)
    weight = rng.uniform(0.5, 2, n) if is_weighted else np.ones(n)
    raw = rng.standard_normal((N_EPOCHS, n, N_OUTPUTS)).astype(np.float32)
    losses = rng.standard_normal((N_EPOCHS, n))
    if loss == "zeros and ones":
        losses = (losses > 0).astype(float)
    elif loss == "constant":
        losses[:] = 1.0
    kept = OutOfFold(members, weight, 2, N_OUTPUTS)
    for i in range(N_EPOCHS):
        kept.enter_losses(raw[i], np.stack([losses[i], -losses[i]]), temperature=i + 1.0)
    np.testing.assert_array_equal(kept.after().raw[0], by_hand(raw, losses, members, weight))
    np.testing.assert_array_equal(kept.after().raw[1], by_hand(raw, -losses, members, weight))
    np.testing.assert_array_equal(
        raw[kept.after().temperatures.astype(int)[0] - 1, np.arange(n)], kept.after().raw[0]
    )


def test_an_epoch_that_is_not_a_number_is_never_the_best_but_the_first_is_kept():
    kept = OutOfFold(np.array([0, 0, 1]), np.ones(3), 1, 1)
    first, second, third = (np.full((3, 1), value) for value in (1.0, 2.0, 3.0))
    kept.enter_losses(first, np.full((1, 3), np.nan), 1.0)
    np.testing.assert_array_equal(kept.after().raw[0], first)
    kept.enter_losses(second, np.ones((1, 3)), 1.0)
    kept.enter_losses(third, np.array([[np.nan, 0.0, 0.0]]), 1.0)
    np.testing.assert_array_equal(kept.after().raw[0], second)


def test_one_value_for_all_folds():
    kept = OutOfFold(np.array([0, 1]), np.ones(2), 1, 1)
    for value, number in ((3.0, 1.0), (2.0, 2.0), (2.0, 3.0), (4.0, 4.0)):
        kept.enter(np.full((2, 1), number), value, 1.0)
    np.testing.assert_array_equal(kept.after().raw[0, :, 0], [3.0, 3.0])


def test_an_epoch_leaves_the_one_before_it_as_it_was():
    """An interrupt may come before the record of the training has the epoch."""
    kept = OutOfFold(np.array([0, 1]), np.ones(2), 1, 1)
    for number in (1.0, 2.0, 3.0):
        kept.enter(np.full((2, 1), number), -number, number)
    kept.skip()
    kept.enter(np.full((2, 1), 5.0), -5.0, 5.0)
    for n_epochs, number in ((4, 3.0), (5, 5.0), (None, 5.0)):
        np.testing.assert_array_equal(kept.after(n_epochs).raw[0], [[number], [number]])
        assert kept.after(n_epochs).temperatures.tolist() == [[number, number]]
