"""How many threads BLAS may use.

The matrix products of small networks are too short to be shared: handing them to a second
thread costs more than it saves, and on a busy machine the threads wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

from threadpoolctl import ThreadpoolController

#: Multiplications of one product that are worth a thread of their own: some tens of
#: microseconds of work in float64. With less, the threads spend their time on each other, and
#: on a busy machine, where one of them has to wait for a core, all of them do.
WORTH_A_THREAD = 2**20

#: Columns up to which a product waits for memory more than for arithmetic: more threads wait too.
THIN = 64


@cache
def _controller() -> ThreadpoolController:
    # Looking through the loaded libraries takes milliseconds: once per process.
    return ThreadpoolController()


@contextmanager
def blas_threads(multiplications: int) -> Iterator[None]:
    """Keep BLAS to as many threads as its largest product is worth, if it has more.

    Parameters
    ----------
    multiplications : int
        Rows x inputs x outputs of the largest matrix product to come.
    """
    limit = max(1, multiplications // WORTH_A_THREAD)
    _limits.add(limit)
    try:
        yield
    finally:
        _limits.remove(limit)


def largest_product(n_rows: int, shapes: Iterable[tuple[int, int]]) -> int:
    """Multiplications of the largest product of rows with weights, thin ones counted for less.

    Parameters
    ----------
    n_rows : int
    shapes : iterable of (int, int)
        (fan in, fan out) of every layer. Linear models have one, and it is often thin.
    """
    return n_rows * max(
        fan_in * fan_out * min(fan_in, fan_out, THIN) // THIN for fan_in, fan_out in shapes
    )


class _Limits:
    """The limit is the process's: the lowest that any training under way asks for."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._wanted: list[int] = []
        self._limiter: Any = None
        self._in_force = 0

    def add(self, limit: int) -> None:
        with self._lock:
            self._wanted.append(limit)
            self._enforce()

    def remove(self, limit: int) -> None:
        with self._lock:
            self._wanted.remove(limit)
            self._enforce()

    def _enforce(self) -> None:
        lowest = min(self._wanted, default=0)
        if lowest == self._in_force:
            return
        if self._limiter is not None:
            self._limiter.restore_original_limits()
            self._limiter = None
        self._in_force = lowest
        # A limit never adds threads to those that the user allows.
        if 0 < lowest < _n_threads():
            self._limiter = _controller().limit(limits=lowest, user_api="blas")


def _n_threads() -> int:
    """Threads that BLAS has now; the most, if there are several libraries."""
    libraries = _controller().lib_controllers
    return max((lib.num_threads for lib in libraries if lib.user_api == "blas"), default=1)


_limits = _Limits()
