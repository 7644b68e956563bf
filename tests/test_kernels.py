"""Every kernel gives the bits of the function in NumPy: as plain Python, and compiled."""

from __future__ import annotations

import importlib
import pkgutil

import numpy as np
import pytest

import skneural
import skneural.kernels
from skneural.arrays.matrices import BLOCK
from skneural.kernels.compilation import Compiled, numba_or_none

# By kernel: arguments of calls. Letters are arrays, and are filled
#
#   w  with numbers of all kinds; compared afterwards
#   x  with the same; not compared, since one of the two may use it as scratch
#   p  with numbers from 0 on
#   s  with nothing: scratch
#   b  likewise, booleans
#   o  likewise, but compared
#
# and a number behind it is the number of axes, if not one. r is one row for a matrix, or for each,
# c one column, which is scratch or is read.
CASES = {
    "sgd_step": ["w x w", (0.1, 0.9, True), (0.1, 0.9, False)],
    "adam_step": ["w x w p", (0.9, 0.999, 1e-8, 0.001), (0.0, 0.5, 1.0, 0.3)],
    "nadam_step": ["w x w p s", (0.9, 0.999, 1e-8, 0.001, 0.02)],
    "rmsprop_step": ["w x p s", (0.99, 1e-8, 0.01)],
    "rmsprop_momentum_step": ["w x w p s", (0.99, 1e-8, 0.9, 0.01)],
    "adagrad_step": ["w x p s", (1e-10, 0.01)],
    "prox_l1": ["w x", (0.3,), (0.0,)],
    "move_average": ["w w s", (0.1, True), (0.1, False)],
    "add_multiple": ["w w o", (0.03,)],
    "add_rows": ["w2 r2 s2", ()],
    "relu": ["w2 b2", ()],
    "relu_backward": ["w2 x2 b2", ()],
    "leaky_relu": ["w2 s2", (0.01,)],
    "leaky_relu_backward": ["w2 x2 b2", (0.01,)],
    "logistic_backward": ["w2 x2 b2", ()],
    "tanh_backward": ["w2 x2 b2", ()],
    "elu_backward": ["w2 x2 b2 s2", ()],
    "selu_backward": ["w2 x2 b2", (1.05, 1.76)],
    "gelu_slope": ["w2 x2 w2 w2", (0.4,)],
    "times_inverse": ["w2 p2", ()],
    "silu_backward": ["w2 x2 b2 x2", ()],
    "mish_of_exp": ["w2 o2 p2", ()],
    "mish_backward": ["w2 x2 b2 w2 x2", ()],
    "subtract_row_maxima": ["w2 c2 s2", ()],
    "subtract_column": ["w2 c2 s2", ()],
    "subtract_and_weight": ["w2 w2 w2", ()],
}
# These take arrays that belong together: tests/test_sparse_rows.py.
ELSEWHERE = ("rows_product", "transposed_rows_product")
# Numbers come after arrays, but for these.
FIRST_NUMBERS = {"divide_by_root": [(0.1, "p", 1e-8, "o")]}

LENGTHS = (0, 1, 7, 1000)
SHAPES = ((0, 3), (1, 1), (5, 3), (33, 17))


def calls():
    """The name of a kernel, and its arguments, for every call of the tables."""
    for name, (arrays, *numbers) in CASES.items():
        for some in numbers:
            yield pytest.param(name, (*arrays.split(), *some), id=f"{name}-{some}")
    for name, arguments in FIRST_NUMBERS.items():
        for some in arguments:
            yield pytest.param(name, some, id=name)


def replaced_functions():
    """The functions in NumPy that have a kernel, by its name."""
    found = {}
    for module in pkgutil.walk_packages(skneural.__path__, "skneural."):
        # Packages that only some have are imported by the modules for them.
        if not module.name.startswith("skneural.onnx"):
            for value in vars(importlib.import_module(module.name)).values():
                if hasattr(value, "kernel"):
                    found[value.kernel.__name__] = value
    return found


REPLACED = replaced_functions()


def filled(letter, shape, dtype, rng):
    values = rng.standard_normal(shape) * 10.0 ** rng.randint(-3, 4, size=shape)
    special = rng.choice([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, 1e-40], size=shape)
    values = np.where(rng.uniform(size=shape) < 0.1, special, values)
    if letter == "b":
        return np.zeros(shape, dtype=bool)
    return (np.abs(values) if letter == "p" else values).astype(dtype)


def made(arguments, shape, dtype, rng):
    """The arguments of a call: arrays for letters; numbers as they are."""
    arrays = []
    for each in arguments:
        if isinstance(each, str):
            own = shape
            if each[0] == "r":
                own = shape[:-2] + shape[-1:]
            elif each[0] == "c":
                own = (*shape[:-1], 1)
            arrays.append(filled(each[0], own, dtype, rng))
        else:
            arrays.append(each)
    return arrays


def assert_same_bits(name, arguments, function, shape, dtype):
    rng = np.random.RandomState(hash(shape) % 2**32)
    expected = made(arguments, shape, dtype, rng)
    found = [each.copy() if isinstance(each, np.ndarray) else each for each in expected]
    with np.errstate(all="ignore"):
        REPLACED[name].definition(*expected)
        function(*found)
    for letter, one, other in zip(arguments, expected, found, strict=True):
        if isinstance(letter, str) and letter[0] in "wpor":
            np.testing.assert_array_equal(one, other)
            are_numbers = ~np.isnan(one)
            signs = [np.signbit(each[are_numbers]) for each in (one, other)]
            np.testing.assert_array_equal(*signs)


def axes(arguments):
    """How many axes the arrays have."""
    letters = [each for each in arguments if isinstance(each, str)]
    return int(letters[0][1:] or 1)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("name", "arguments"), [*calls()])
def test_kernels_as_plain_python_give_the_bits_of_numpy(name, arguments, dtype):
    shapes = SHAPES if axes(arguments) == 2 else [(n,) for n in LENGTHS]
    for shape in shapes:
        assert_same_bits(name, arguments, REPLACED[name].kernel, shape, dtype)


@pytest.mark.skipif(numba_or_none() is None, reason="optional: numba is not installed")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("name", "arguments"), [*calls()])
def test_compiled_kernels_give_the_bits_of_numpy(name, arguments, dtype):
    compiled = Compiled()[REPLACED[name].kernel]
    shapes = [*SHAPES, (300, 200)] if axes(arguments) == 2 else [(n,) for n in LENGTHS]
    if axes(arguments) == 1:
        shapes.append((2 * BLOCK + 5,))
    for shape in shapes:
        assert_same_bits(name, arguments, compiled, shape, dtype)


@pytest.mark.skipif(numba_or_none() is None, reason="optional: numba is not installed")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_rows_of_members_are_added_to_those_of_each(dtype):
    compiled = Compiled()[REPLACED["add_rows"].kernel]
    for shape in ((3, 4, 5), (1, 1, 1)):
        for function in (compiled, REPLACED["add_rows"].kernel):
            assert_same_bits("add_rows", ("w", "r", "s"), function, shape, dtype)


def test_every_kernel_has_a_case_and_a_function_in_numpy():
    names = set()
    for module in pkgutil.iter_modules(skneural.kernels.__path__, "skneural.kernels."):
        if module.name.split(".")[-1] in ("use", "compilation"):
            continue
        members = vars(importlib.import_module(module.name))
        names |= {
            name
            for name, value in members.items()
            if callable(value) and getattr(value, "__module__", None) == module.name
        }
    assert names == set(REPLACED)
    assert names == {*CASES, *FIRST_NUMBERS, *ELSEWHERE}
