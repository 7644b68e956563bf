"""The arrays of a network as a list: writing reaches the network, and nothing can be taken out."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from skneural.estimators.mlp.layer_arrays import LayerArrays, assign_layers


def layer_arrays():
    vector = np.zeros(6)
    return vector, LayerArrays([vector[:2], vector[2:]], "coefs_")


@pytest.mark.parametrize(
    "write",
    [
        lambda arrays: arrays[0].__setitem__(..., [1, 2]),
        lambda arrays: arrays.__setitem__(0, [1, 2]),
        lambda arrays: arrays.__setitem__(-2, np.array([1, 2])),
        lambda arrays: arrays.__setitem__(slice(0, 1), [[1, 2]]),
        lambda arrays: assign_layers(arrays, [[1, 2], np.zeros(4)], "coefs_"),
    ],
)
def test_writing_reaches_the_vector(write):
    vector, arrays = layer_arrays()
    write(arrays)
    np.testing.assert_array_equal(vector, [1, 2, 0, 0, 0, 0])


@pytest.mark.parametrize(
    ("write", "error", "message"),
    [
        (lambda a: a.__setitem__(0, [1, 2, 3]), ValueError, r"coefs_\[0\] must be of shape \(2,\)"),
        (lambda a: a.__setitem__(0, [1, np.nan]), ValueError, r"coefs_\[0\] contains NaN"),
        (lambda a: a.__setitem__(-1, [1j] * 4), ValueError, r"coefs_\[1\] must hold real numbers"),
        (lambda a: a.__setitem__(slice(0, 2), [[1, 2], [9]]), ValueError, r"coefs_\[1\] .* shape"),
        (lambda a: a.__setitem__(2, [1, 2]), IndexError, "out of range"),
        (lambda a: a.__setitem__(slice(0, 2), [[1, 2]]), TypeError, "2 layers"),
        (lambda a: assign_layers(a, [[1, 2]], "coefs_"), ValueError, "coefs_.*expected 2, got 1"),
        (lambda a: a.append([1]), TypeError, "2 layers"),
        (lambda a: a.pop(), TypeError, "2 layers"),
        (lambda a: a.__delitem__(0), TypeError, "2 layers"),
        (lambda a: a.sort(), TypeError, "2 layers"),
    ],
)
def test_what_cannot_be_written_changes_nothing(write, error, message):
    vector, arrays = layer_arrays()
    with pytest.raises(error, match=message):
        write(arrays)
    np.testing.assert_array_equal(vector, 0)
    assert len(arrays) == 2


def test_copies_of_the_list_are_plain_lists():
    _, arrays = layer_arrays()
    for duplicate in (copy.copy(arrays), copy.deepcopy(arrays), pickle.loads(pickle.dumps(arrays))):
        assert type(duplicate) is list
        duplicate.append(0)
    assert isinstance(arrays, list)
    assert len(arrays + arrays) == 4
