"""A random generator goes back to where it stood: an interrupted epoch leaves no trace in it."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skneural.minimizers import state

BIT_GENERATORS = state.BIT_GENERATORS.values()
FRONTS = [np.random.RandomState, np.random.Generator]


@pytest.fixture(params=[True, False], ids=["memory", "numbers"])
def _copied(request, monkeypatch):
    """What is copied of MT19937: its memory, as with NumPy today, or the numbers that it gives."""
    assert state._is_in_memory()
    monkeypatch.setattr(state, "_is_in_memory", lambda: request.param)


def draws(generator):
    """Orders, and more than the 624 numbers that MT19937 makes at once."""
    return [generator.permutation(5), generator.permutation(1000), generator.uniform(size=1000)]


def assert_goes_back(generator):
    rewind = state.rewinder(generator)
    expected = draws(generator)
    for _ in range(2):
        rewind()
        for found, drawn in zip(draws(generator), expected, strict=True):
            assert_array_equal(found, drawn)


@pytest.mark.usefixtures("_copied")
@pytest.mark.parametrize("n_before", [0, 1, 700])
@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("bits", BIT_GENERATORS)
def test_draws_are_repeated(bits, front, n_before):
    generator = front(bits(0))
    generator.uniform(size=n_before)
    assert_goes_back(generator)


@pytest.mark.usefixtures("_copied")
def test_the_generator_of_numpy_itself():
    before = np.random.get_state()
    assert_goes_back(np.random.mtrand._rand)
    np.random.set_state(before)


@pytest.mark.usefixtures("_copied")
def test_a_generator_is_kept_as_long_as_it_can_be_rewound():
    rewind = state.rewinder(np.random.RandomState(0))
    for seed in range(100):
        np.random.RandomState(seed)
    rewind()


def test_memory_that_holds_something_else_is_not_copied(monkeypatch):
    monkeypatch.setattr(state.ctypes, "string_at", lambda address, n_bytes: bytes(n_bytes))
    assert not state._is_in_memory.__wrapped__()


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_a_seeded_generator_is_that_of_numpy(seed):
    found, expected = state.seeded_generator(seed), np.random.RandomState(seed)
    assert pickle.dumps(found) == pickle.dumps(expected)
    for own, numpys in zip(draws(found), draws(expected), strict=True):
        assert_array_equal(own, numpys)


def test_seeds_that_numpy_refuses():
    for make in (np.random.RandomState, state.seeded_generator):
        with pytest.raises(ValueError, match=r"Seed must be between 0 and 2\*\*32 - 1"):
            make(2**32)
