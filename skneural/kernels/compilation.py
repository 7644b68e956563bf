"""How a kernel is compiled: by numba, which is imported here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

from skneural.optional import optional_module

Kernel: TypeAlias = Callable[..., Any]
#: A number that a kernel rounds to the dtype of its arrays.
Number: TypeAlias = Any


@cache
def numba_or_none() -> Any:
    """The module, or None where it is missing, does not fit NumPy, or is told not to compile."""
    try:
        return required_numba()
    except ImportError:
        return None


def required_numba() -> Any:
    """The module.

    Raises
    ------
    ImportError
        If there is none that can be used; it names the extra.
    """
    numba = optional_module("numba", "fast", "Compiling kernels")
    if numba.config.DISABLE_JIT:
        raise ImportError("Compiling kernels: the variable NUMBA_DISABLE_JIT tells numba not to.")
    return numba


class Compiled(dict[Kernel, Kernel]):
    """The compiled functions of this process, by the kernel that they are made from.

    Numba compiles one for each combination of types at the first call with them, and keeps it on
    disk for the next process.
    """

    def __missing__(self, kernel: Kernel) -> Kernel:
        numba = required_numba()
        # numpy: division by zero gives infinity instead of an error. nogil: other threads go on.
        options = {"nogil": True, "error_model": "numpy"}
        try:
            compiled: Kernel = numba.njit(cache=True, **options)(kernel)
        except RuntimeError:  # There is no folder to keep it in.
            compiled = numba.njit(**options)(kernel)
        self[kernel] = compiled
        return compiled
