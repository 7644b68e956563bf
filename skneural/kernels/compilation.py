"""How a kernel is compiled: by numba, which is imported here and nowhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from threading import RLock
from typing import Any, TypeAlias

from skneural.kernels.prefetch import register_prefetch
from skneural.optional import optional_module

Kernel: TypeAlias = Callable[..., Any]
#: A number that a kernel rounds to the dtype of its arrays.
Number: TypeAlias = Any

_importing = RLock()


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
    with _importing:
        numba = optional_module("numba", "fast", "Compiling kernels")
    if not hasattr(numba, "config"):  # a folder of that name, say, that holds no module
        raise ImportError(
            "Compiling kernels needs numba (skneural[fast]), and what there is of that name is not "
            f"it: {numba!r}."
        )
    if numba.config.DISABLE_JIT:
        raise ImportError(
            "Compiling kernels needs numba (skneural[fast]), which the environment variable "
            "NUMBA_DISABLE_JIT tells not to compile."
        )
    return numba


@cache
def has_cache() -> bool:
    """Whether there is a folder in which compiled functions are kept for the next process."""
    try:
        # Nothing is compiled before the first call.
        required_numba().njit(cache=True)(_any_function)
    except Exception:
        return False
    return True


def _any_function() -> None:
    """Stands for the kernels, which are kept in the same folder."""


class Compiled(dict[Kernel, Kernel | None]):
    """The compiled functions of this process, by the kernel that they are made from.

    Numba compiles one for each combination of types at the first call with them, and keeps it on
    disk for the next process. None is for a kernel that cannot be compiled.
    """

    def __init__(self) -> None:
        super().__init__()
        self._without_cache: set[Kernel] = set()

    def __missing__(self, kernel: Kernel) -> Kernel | None:
        # Of several threads at a time, one has its function used by all.
        return self.setdefault(kernel, _to_compile(kernel, with_cache=has_cache()))

    def replace(self, kernel: Kernel, failed: Kernel) -> None:
        """Put a function without a cache in the place of one that has failed, None after that."""
        if self[kernel] is not failed:
            return  # another thread has done it
        is_first = kernel not in self._without_cache
        self._without_cache.add(kernel)
        self[kernel] = _to_compile(kernel, with_cache=False) if is_first else None


def _to_compile(kernel: Kernel, *, with_cache: bool) -> Kernel | None:
    # numpy: division by zero gives infinity instead of an error. nogil: other threads go on.
    # no_cfunc_wrapper: without a second way in, for programs in C, a tenth sooner compiled.
    options = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
    try:
        numba = required_numba()
        # Where that fails, kernels that ask for memory ahead cannot be compiled, the others can.
        with suppress(Exception), _importing:
            register_prefetch()
        function: Kernel = numba.njit(cache=with_cache, **options)(kernel)
    except Exception:
        return _to_compile(kernel, with_cache=False) if with_cache else None
    return function


def was_cut_off() -> bool:
    """Whether this process has been forked in the middle of compiling or of importing numba.

    Called in a child, which has one thread: locks that it cannot have at once are held by threads
    that it does not have, and would be waited for for ever.
    """
    numba = sys.modules.get("numba")
    if getattr(getattr(numba, "__spec__", None), "_initializing", False):
        return True
    locks: list[Any] = [_importing]
    if numba is not None:
        module = sys.modules.get("numba.core.compiler_lock")
        locks.append(getattr(getattr(module, "global_compiler_lock", None), "_lock", None))
    return not all(_is_free(lock) for lock in locks)


def _is_free(lock: Any) -> bool:
    try:
        is_free: bool = lock.acquire(blocking=False)
    except AttributeError:  # Not the lock of the versions that we have seen.
        return False
    if is_free:
        lock.release()
    return is_free
