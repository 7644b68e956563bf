"""Kernels of networks for tables give the bits of NumPy, alone and in whole fits."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine

import skneural
from skneural import ScratchMLPClassifier, TabularMLPClassifier, TabularMLPRegressor, activations
from skneural.kernels import table_layers
from skneural.kernels.compilation import Compiled, numba_or_none
from skneural.layers import dropout, parametric_activation, scale
from skneural.optimizers import adam

# By function: its arguments. Letters are arrays, and are filled
#
#   w  with numbers of all kinds; compared afterwards
#   x  with the same; one of the two may use it as scratch
#   p  with numbers from 0 on; compared
#   u  with numbers from 0 to 1; compared
#   b  with bytes; one of the two may use them as scratch
#   o  with nothing; compared
#   s  with nothing: scratch
#   r  with a row of numbers for each member, far apart in memory
#
# of so many axes as the table says: members, rows and columns; rows and columns; or one.
CASES = {
    adam.adam_step_by_factors: (1, ["w x w p w w", (0.9, 0.999, 1e-8), (0.0, 0.5, 1.0)]),
    activations._at_most: (2, ["w", (40.0, "o"), (0.5, "o")]),
    activations._mish_remainder_of_exp: (2, ["w p o", ()]),
    activations._mish_remainder_backward: (2, ["w x w", ()]),
    scale.multiply_by_rows: (3, ["w", ("r", "o", "s")]),
    scale.scale_backward: (3, ["w w o s r", ()]),
    parametric_activation.subtract_share: (3, ["w w o s r", ()]),
    parametric_activation.share_backward: (3, ["w x s r", ()]),
    dropout.thin_by_numbers: (1, ["w u o", (0.85,), (1.0,), (0.2,)]),
    dropout.thin_by_bytes: (1, ["w o o b", (38, 256 / 218), (0, 1.0), (255, 256.0)]),
}
SHAPES = {
    1: [(0,), (1,), (7,), (1000,)],
    2: [(0, 3), (1, 1), (5, 3), (33, 17)],
    3: [(1, 1, 1), (2, 0, 3), (3, 4, 5), (2, 17, 9)],
}
LARGE = {1: (70_001,), 2: (300, 200), 3: (8, 64, 130)}
needs_numba = pytest.mark.skipif(numba_or_none() is None, reason="optional: numba is not installed")


def calls():
    for function, (n_axes, (arrays, *others)) in CASES.items():
        for some in others:
            name = function.__name__
            yield pytest.param(function, n_axes, (*arrays.split(), *some), id=f"{name}-{some}")


def filled(letter, shape, dtype, rng):
    if letter == "b":
        return rng.randint(256, size=shape).astype(np.uint8)
    if letter == "u":
        return rng.uniform(size=shape).astype(dtype)
    if letter == "r":
        apart = filled("w", (shape[0], 3 * shape[-1] + 1), dtype, rng)
        return apart[:, 1 : shape[-1] + 1]
    values = rng.standard_normal(shape) * 10.0 ** rng.randint(-3, 4, size=shape)
    special = rng.choice([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, 40.0, 1e-40], size=shape)
    values = np.where(rng.uniform(size=shape) < 0.1, special, values)
    return (np.abs(values) if letter == "p" else values).astype(dtype)


def copied(array):
    """A copy in the same layout."""
    if array.ndim == 2 and not array.flags.c_contiguous:
        wide = np.zeros((len(array), 3 * array.shape[1] + 1), dtype=array.dtype)
        view = wide[:, 1 : array.shape[1] + 1]
        view[...] = array
        return view
    return array.copy()


def assert_same_bits(definition, arguments, function, shape, dtype):
    rng = np.random.RandomState(sum(shape))
    expected = [
        filled(each, shape, dtype, rng) if isinstance(each, str) else each for each in arguments
    ]
    found = [copied(each) if isinstance(each, np.ndarray) else each for each in expected]
    with np.errstate(all="ignore"):
        definition(*expected)
        function(*found)
    for letter, one, other in zip(arguments, expected, found, strict=True):
        if isinstance(letter, str) and letter in "wpour":
            np.testing.assert_array_equal(one, other)
            are_numbers = ~np.isnan(one)
            np.testing.assert_array_equal(*(np.signbit(a[are_numbers]) for a in (one, other)))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("function", "n_axes", "arguments"), [*calls()])
def test_kernels_as_plain_python_give_the_bits_of_numpy(function, n_axes, arguments, dtype):
    for shape in SHAPES[n_axes]:
        assert_same_bits(function.definition, arguments, function.kernel, shape, dtype)


@needs_numba
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("function", "n_axes", "arguments"), [*calls()])
def test_compiled_kernels_give_the_bits_of_numpy(function, n_axes, arguments, dtype):
    compiled = Compiled()[function.kernel]
    for shape in [*SHAPES[n_axes], LARGE[n_axes]]:
        assert_same_bits(function.definition, arguments, compiled, shape, dtype)


@pytest.mark.parametrize("n_networks", [1, 2, 3, 5])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_factors_of_a_step_are_those_of_one_or_more_networks(dtype, n_networks):
    functions = [adam.adam_step_by_factors.kernel]
    if numba_or_none() is not None:
        functions.append(Compiled()[functions[0]])
    rng = np.random.RandomState(0)
    vectors = [filled(letter, (5 * 31,), dtype, rng) for letter in "wwwp"]
    factors = [filled("w", (n_networks * 31,), dtype, rng) for _ in range(2)]
    results = []
    for function in (adam.adam_step_by_factors.definition, *functions):
        own = [each.copy() for each in (*vectors, *factors)]
        with np.errstate(all="ignore"):
            function(*own, 0.9, 0.99, 1e-8)
        results.append([own[0], *own[2:]])
    for found in results[1:]:
        for one, other in zip(results[0], found, strict=True):
            np.testing.assert_array_equal(one, other)


def test_every_kernel_for_tables_has_a_case():
    functions = inspect.getmembers(table_layers, inspect.isfunction)
    tested = {function.kernel for function in CASES}
    assert {each for _, each in functions if each.__module__ == table_layers.__name__} <= tested


# -------------------------------------------------------------------------- whole fits

FITS = {
    "two classes": (TabularMLPClassifier, load_breast_cancer, {}),
    "three classes": (TabularMLPClassifier, load_wine, {"preset": "accurate"}),
    "numbers": (TabularMLPRegressor, load_diabetes, {}),
    "numbers, selu": (TabularMLPRegressor, load_diabetes, {"activation": "selu", "dropout": 0.2}),
    "dropout by numbers": (ScratchMLPClassifier, load_iris, {"dropout": 0.3}),
    "dropout by numbers in float32": (
        ScratchMLPClassifier,
        lambda **how: (load_iris(**how)[0].astype(np.float32), load_iris(**how)[1]),
        {"dropout": 0.3},
    ),
}


@needs_numba
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", FITS)
def test_compiled_fits_give_the_same_models(name):
    kind, load, params = FITS[name]
    X, y = load(return_X_y=True)
    results = []
    try:
        for compiled in (True, False):
            skneural.set_compiled(compiled)
            model = kind(max_iter=3, random_state=0, **params).fit(X, y)
            predict = getattr(model, "predict_proba", model.predict)
            results.append(predict(X))
    finally:
        skneural.set_compiled(None)
    np.testing.assert_array_equal(*results)
    assert np.ptp(results[0]) > 0
