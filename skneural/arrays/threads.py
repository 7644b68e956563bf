"""How many threads BLAS may use during a training.

The matrix products of small networks are short. Sharing one among threads costs more time than it
saves, and on a busy machine the threads wait for each other.

OpenBLAS has one number of threads for the process: the smallest that any training under way asks
for is in force. MKL, and OpenBLAS on top of OpenMP, have one for each thread.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from threading import RLock, get_ident, local
from types import TracebackType
from typing import Any
from weakref import ref

import threadpoolctl

from skneural.arrays.interrupts import held_interrupts

#: Multiplications of one product for each thread of BLAS: some tens of microseconds of work in
#: float64. With fewer, the threads spend their time on each other, and on a busy machine, where one
#: of them has to wait for a core, all of them do.
FLOPS_PER_THREAD = 2**20

#: A product with at most so many columns waits for memory more than for arithmetic: a second
#: thread would wait too.
MEMORY_BOUND_COLUMNS = 64

#: No number of threads.
UNKNOWN = -1


@dataclass(eq=False)
class blas_threads:  # noqa: N801  # read as a phrase, like contextlib.suppress
    """A context in which BLAS has no more threads than its largest product can use.

    Parameters
    ----------
    multiplications : int
        Rows x inputs x outputs of the largest matrix product in the block.

    Notes
    -----
    The limit never adds threads to those that the user allows. An object serves one block.

    The limit changes while interrupts are held back, so that Ctrl-C finds it in force and noted,
    or neither. An interrupt may still arrive on the very first bytecode of ``__exit__``. The limit
    is then lifted when this object is no longer referred to. A weak reference does that rather
    than ``__del__``, which would run after every block, and an interrupt in ``__del__`` is lost.
    """

    multiplications: int

    def __enter__(self) -> None:
        limit = max(1, self.multiplications // FLOPS_PER_THREAD)
        try:
            with held_interrupts():
                for limits in (_of_process, _of_thread.limits):
                    limits.settle(ref(self, limits.settle), limit)
        except BaseException:  # an interrupt that waited: the block is not entered
            self.__exit__(None, None, None)
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            with held_interrupts():
                _of_process.settle(ref(self))
                _of_thread.limits.settle(ref(self))
        except BaseException:  # an interrupt that came a moment before, or that waited
            with held_interrupts():
                _of_process.settle(ref(self))
                _of_thread.limits.settle(ref(self))
            raise


def largest_product(n_rows: int, shapes: Iterable[tuple[int, int]]) -> int:
    """Multiplications of the largest product of rows with weights, fewer if it has few columns.

    Parameters
    ----------
    n_rows : int
    shapes : iterable of (int, int)
        (fan in, fan out) of every layer. Linear models have one layer, often with few columns.

    Returns
    -------
    multiplications : int
        For `blas_threads`. A product of fewer than `MEMORY_BOUND_COLUMNS` columns counts for less.
    """
    largest = 0
    for fan_in, fan_out in shapes:
        share = min(fan_in, fan_out, MEMORY_BOUND_COLUMNS)  # of those that fill a thread
        largest = max(largest, fan_in * fan_out * share // MEMORY_BOUND_COLUMNS)
    return n_rows * largest


@cache
def _blas_libraries() -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Libraries with a number of threads for the process, and those with one for each thread."""
    # Looking through the loaded libraries takes milliseconds: once per process.
    found = [
        library
        for library in threadpoolctl.ThreadpoolController().lib_controllers
        if library.user_api == "blas" and library.num_threads is not None
    ]
    of_thread = [library for library in found if _has_number_per_thread(library)]
    return tuple(each for each in found if each not in of_thread), tuple(of_thread)


def _has_number_per_thread(library: Any) -> bool:
    # Before its version 3.7, threadpoolctl set the number of the process everywhere.
    version = tuple(int(part) for part in threadpoolctl.__version__.split(".")[:2])
    with_openmp = getattr(library, "threading_layer", None) == "openmp"
    return version >= (3, 7) and (
        library.internal_api == "mkl" or (library.internal_api == "openblas" and with_openmp)
    )


class _Limits:
    """The limits that blocks ask for, and the smallest of them in force.

    Parameters
    ----------
    part : int
        Which part of `_blas_libraries` they are for.
    """

    def __init__(self, part: int) -> None:
        self._part = part
        #: By block, as a weak reference: what it asks for, and in which thread.
        self._asked: dict[ref[blas_threads], tuple[int, int]] = {}
        #: 0 for none, `UNKNOWN` while it changes, and if an exception ended the change.
        self._in_force = 0
        #: Number of threads of each library without a limit; known while there is one.
        self._originals: tuple[int, ...] = ()
        self._lock = RLock()
        self._is_changing = False

    def settle(self, block: ref[blas_threads] | None = None, limit: int | None = None) -> None:
        """Bring the smallest limit into force, after a note of what a block asks for.

        Without a limit the block is forgotten, if there is a note of it.
        """
        if block is not None and limit is not None:
            self._asked[block] = (limit, get_ident())
        elif block is not None:
            self._asked.pop(block, None)
        libraries = _blas_libraries()[self._part]
        while libraries:
            smallest, _ = min(list(self._asked.values()), default=(0, None))
            if smallest == self._in_force:
                return
            with self._lock:
                if self._is_changing:
                    # The garbage collector came here from inside a change and found a block that
                    # was never left. The loop that makes the change looks again.
                    return
                self._is_changing = True
                try:
                    before = self._in_force
                    if before == 0:
                        self._originals = tuple(map(attrgetter("num_threads"), libraries))
                    self._in_force = UNKNOWN
                    for library, original in zip(libraries, self._originals, strict=True):
                        n_threads = min(original, smallest or original)
                        if before != UNKNOWN and n_threads == min(original, before or original):
                            continue
                        library.set_num_threads(n_threads)
                        # Since its version 3.8, threadpoolctl lets only the first thread that has
                        # set OpenBLAS's number set it again. The training that ends last may be in
                        # another one.
                        if hasattr(library, "clear_controlling_thread"):
                            library.clear_controlling_thread()
                    self._in_force = smallest
                finally:
                    self._is_changing = False

    def register_at_fork(self) -> None:
        # The forking thread has the lock, so that no other thread is in the middle of a change,
        # here or inside the library. Functions in C, which an interrupt does not cut.
        os.register_at_fork(
            before=self._lock.acquire,
            after_in_parent=self._lock.release,
            after_in_child=self._after_fork_in_child,
        )

    def _after_fork_in_child(self) -> None:
        try:
            self._lock.release()
        except RuntimeError:  # an interrupt ended the wait for the lock
            self._lock, self._is_changing = RLock(), False
        # Of all threads only this one goes on: nobody will leave the blocks of the others.
        asked = list(self._asked.items())
        ours = get_ident()
        self._asked = {block: wish for block, wish in asked if wish[1] == ours}
        self.settle()


class _LimitsOfThread(local):
    def __init__(self) -> None:
        self.limits = _Limits(1)


_of_process = _Limits(0)
_of_thread = _LimitsOfThread()

if hasattr(os, "register_at_fork"):  # not on Windows
    _of_process.register_at_fork()
