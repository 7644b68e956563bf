"""Every kernel gives the bits of the function in NumPy: as plain Python, and compiled."""

from __future__ import annotations

import importlib
import pkgutil

import numpy as np
import pytest

import skneural
import skneural.kernels
from skneural.arrays.matrices import BLOCK
from skneural.kernels.compilation import Compiled, _to_compile, numba_or_none
from skneural.kernels.prefetch import prefetch
from skneural.layers.periodic_embedding import COSINE

# By kernel: the number of axes, and arguments of calls. Letters are arrays, and are filled
#
#   w  with numbers of all kinds; compared afterwards
#   x  with the same; not compared, since one of the two may use it as scratch
#   p  with numbers from 0 on; compared
#   u  with numbers from 0 to 1; compared
#   o  with nothing; compared
#   s  with nothing: scratch
#   b  likewise, of booleans
#   y  with bytes; one of the two may use them as scratch
#   r  with one row for a matrix; for several matrices, one for each, far apart in memory
#   c  with one column; compared
CASES = {
    "sgd_step": (1, "w x w", (0.1, 0.9, True), (0.1, 0.9, False)),
    "adam_step": (1, "w x w p", (0.9, 0.999, 1e-8, 0.001), (0.0, 0.5, 1.0, 0.3)),
    "adam_step_by_factors": (1, "w x w p w w", (0.9, 0.999, 1e-8), (0.0, 0.5, 1.0)),
    "nadam_step": (1, "w x w p s", (0.9, 0.999, 1e-8, 0.001, 0.02)),
    "rmsprop_step": (1, "w x p s", (0.99, 1e-8, 0.01)),
    "rmsprop_momentum_step": (1, "w x w p s", (0.99, 1e-8, 0.9, 0.01)),
    "adagrad_step": (1, "w x p s", (1e-10, 0.01)),
    "divide_by_root": (1, "", (0.1, "p", 1e-8, "o")),
    "prox_l1": (1, "w x", (0.3,), (0.0,)),
    "move_average": (1, "w w s", (0.1, True), (0.1, False)),
    "add_multiple": (1, "w w s", (0.03,)),
    "thin_by_numbers": (1, "w u o", (0.85,), (1.0,), (0.2,)),
    "thin_by_bytes": (1, "w o o y", (38, 256 / 218), (0, 1.0), (255, 256.0)),
    "polynomial_cosine": (1, "w o s", (COSINE,), (COSINE[:3],)),
    "relu": (2, "w b", ()),
    "relu_backward": (2, "w x b", ()),
    "leaky_relu": (2, "w s", (0.01,)),
    "leaky_relu_backward": (2, "w x b", (0.01,)),
    "logistic_backward": (2, "w x b", ()),
    "tanh_backward": (2, "w x b", ()),
    "elu_backward": (2, "w x b s", ()),
    "selu_backward": (2, "w x b", (1.05, 1.76)),
    "gelu_slope": (2, "w x w w", (0.4,)),
    "times_inverse": (2, "w p", ()),
    "silu_backward": (2, "w x b x", ()),
    "mish_of_exp": (2, "w o p", ()),
    "mish_backward": (2, "w x b w x", ()),
    "at_most": (2, "w", (40.0, "o"), (0.5, "o")),
    "mish_remainder_of_exp": (2, "w p o", ()),
    "mish_remainder_backward": (2, "w x w", ()),
    "subtract_row_maxima": (2, "w c s", ()),
    "multiply_by_rows": (3, "w r o s", ()),
    "scale_backward": (3, "w w o s r", ()),
    "subtract_share": (3, "w w o s r", ()),
    "share_backward": (3, "w x s r", ()),
}
#: Of a single network too.
CASES_OF_ROWS = {"add_rows": [(2, "w r s", ()), (3, "w r s", ())]}
#: These take arrays that belong together, and have tests of their own.
ELSEWHERE = {
    "rows_product": "test_sparse_rows",
    "transposed_rows_product": "test_sparse_rows",
    "learn_from_dense_rows": "test_kernels_perceptron",
    "learn_from_sparse_rows": "test_kernels_perceptron",
    "shuffle": "test_kernels_perceptron",
    "stores_an_element_twice": "test_kernels_perceptron",
}

SHAPES = {
    1: [(0,), (1,), (7,), (1000,)],
    2: [(0, 3), (1, 1), (5, 3), (33, 17)],
    3: [(1, 1, 1), (2, 0, 3), (3, 4, 5), (2, 17, 9)],
}
LARGE = {1: (2 * BLOCK + 5,), 2: (300, 200), 3: (8, 64, 130)}

needs_numba = pytest.mark.skipif(numba_or_none() is None, reason="optional: numba is not installed")


def calls():
    """The name of a kernel, the number of axes, and arguments, for every call of the tables."""
    tables = list(CASES.items())
    tables += [(name, case) for name, cases in CASES_OF_ROWS.items() for case in cases]
    for name, (n_axes, arrays, *others) in tables:
        for some in others:
            yield pytest.param(name, n_axes, (*arrays.split(), *some), id=f"{name}-{n_axes}-{some}")


def replaced_functions():
    """The functions in NumPy that have a kernel, by its name."""
    found = {}
    for module in pkgutil.walk_packages(skneural.__path__, "skneural."):
        # Packages that only some have are imported by the modules for them.
        if not module.name.startswith("skneural.onnx"):
            for value in vars(importlib.import_module(module.name)).values():
                if hasattr(value, "kernel") and hasattr(value, "definition"):
                    found[value.kernel.__name__] = value
    return found


REPLACED = replaced_functions()


def filled(letter, shape, dtype, rng):
    if letter == "b":
        return np.zeros(shape, dtype=bool)
    if letter == "y":
        return rng.randint(256, size=shape).astype(np.uint8)
    if letter == "u":
        return rng.uniform(size=shape).astype(dtype)
    if letter == "c":
        return filled("w", (*shape[:-1], 1), dtype, rng)
    if letter == "r":
        row = filled("w", (*shape[:-2], 3 * shape[-1] + 1), dtype, rng)
        return row[..., 1 : shape[-1] + 1]
    values = rng.standard_normal(shape) * 10.0 ** rng.randint(-3, 4, size=shape)
    special = rng.choice([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, 40.0, 1e-40], size=shape)
    values = np.where(rng.uniform(size=shape) < 0.1, special, values)
    return (np.abs(values) if letter == "p" else values).astype(dtype)


def copied(value):
    """A copy in the same layout."""
    if not isinstance(value, np.ndarray):
        return value
    if value.flags.c_contiguous:
        return value.copy()
    wide = np.zeros((*value.shape[:-1], 3 * value.shape[-1] + 1), dtype=value.dtype)
    view = wide[..., 1 : value.shape[-1] + 1]
    view[...] = value
    return view


def assert_same_bits(name, arguments, function, shape, dtype):
    rng = np.random.RandomState(sum(shape))
    expected = [
        filled(each, shape, dtype, rng) if isinstance(each, str) else each for each in arguments
    ]
    found = [copied(each) for each in expected]
    with np.errstate(all="ignore"):
        REPLACED[name].definition(*expected)
        function(*found)
    for letter, one, other in zip(arguments, expected, found, strict=True):
        if isinstance(letter, str) and letter in "wpourc":
            np.testing.assert_array_equal(one, other)
            are_numbers = ~np.isnan(one)
            np.testing.assert_array_equal(*(np.signbit(a[are_numbers]) for a in (one, other)))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("name", "n_axes", "arguments"), [*calls()])
def test_kernels_as_plain_python_give_the_bits_of_numpy(name, n_axes, arguments, dtype):
    for shape in SHAPES[n_axes]:
        assert_same_bits(name, arguments, REPLACED[name].kernel, shape, dtype)


@needs_numba
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("name", "n_axes", "arguments"), [*calls()])
def test_compiled_kernels_give_the_bits_of_numpy(name, n_axes, arguments, dtype):
    compiled = Compiled()[REPLACED[name].kernel]
    for shape in [*SHAPES[n_axes], LARGE[n_axes]]:
        assert_same_bits(name, arguments, compiled, shape, dtype)


@pytest.mark.parametrize("n_networks", [1, 2, 3, 5])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_factors_of_a_step_are_those_of_one_or_more_networks(dtype, n_networks):
    function = REPLACED["adam_step_by_factors"]
    functions = [function.definition, function.kernel]
    if numba_or_none() is not None:
        functions.append(Compiled()[function.kernel])
    rng = np.random.RandomState(0)
    vectors = [filled(letter, (5 * 31,), dtype, rng) for letter in "wwwp"]
    factors = [filled("w", (n_networks * 31,), dtype, rng) for _ in range(2)]
    results = []
    for each in functions:
        own = [vector.copy() for vector in (*vectors, *factors)]
        with np.errstate(all="ignore"):
            each(*own, 0.9, 0.99, 1e-8)
        results.append([own[0], *own[2:]])
    for found in results[1:]:
        for one, other in zip(results[0], found, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.skipif(numba_or_none() is None, reason="optional: numba is not installed")
@pytest.mark.parametrize("dtype", ["float64", "float32", "uint32"])
def test_what_is_asked_for_ahead_is_compiled_to_a_hint_that_changes_nothing(dtype):
    def sum_of(array, ahead):
        total = 0.0
        for i in range(len(array)):
            prefetch(array, i + ahead, 3)
            total += array[i]
        return total

    array = np.arange(20).astype(dtype)
    compiled = _to_compile(sum_of, with_cache=False)  # what is kept shows no machine code
    # Far beyond both ends too: an address is no access.
    assert [compiled(array, ahead) for ahead in (0, 2, 10**9, -(10**9))] == [190.0] * 4
    assert sum_of(array, 2) == 190.0
    np.testing.assert_array_equal(array, np.arange(20))
    code = "".join(compiled.inspect_asm().values())
    assert "prefetch" in code or "prfm" in code  # on x86-64; on ARM


def test_every_kernel_has_a_case_and_a_function_in_numpy():
    names = set()
    for module in pkgutil.iter_modules(skneural.kernels.__path__, "skneural.kernels."):
        if module.name.split(".")[-1] in ("use", "compilation", "prefetch"):
            continue  # no kernels
        members = vars(importlib.import_module(module.name))
        names |= {
            name
            for name, value in members.items()
            if callable(value) and getattr(value, "__module__", None) == module.name
        }
    assert names == set(REPLACED)
    assert names == {*CASES, *CASES_OF_ROWS, *ELSEWHERE}
