"""How many threads BLAS may use.

The matrix products of small networks are too short to be shared: handing them to a second
thread costs more than it saves, and on a busy machine the threads wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

from threadpoolctl import ThreadpoolController

#: Multiplications in one product, from which on more than one thread is worth while: about
#: millisecond of work. On an idle machine sharing pays somewhat earlier; on a busy one a thread
#: that waits for a core makes a short product take many times as long.
WORTH_SHARING = 2**23


@cache
def _controller() -> ThreadpoolController:
    # Looking through the loaded libraries takes milliseconds: once per process.
    return ThreadpoolController()


@contextmanager
def blas_threads(multiplications: int) -> Iterator[None]:
    """Keep BLAS to one thread where its largest product is a small one.

    Parameters
    ----------
    multiplications : int
        Rows x inputs x outputs of the largest matrix product to come.
    """
    if multiplications >= WORTH_SHARING:
        yield
        return
    with _one_thread:
        yield


class _OneThread:
    """The limit is the process's: set by the first that comes, lifted by the last that goes."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._n_users = 0
        self._limiter: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if self._n_users == 0:
                self._limiter = _controller().limit(limits=1, user_api="blas")
            self._n_users += 1

    def __exit__(self, *exception: Any) -> None:
        with self._lock:
            self._n_users -= 1
            if self._n_users == 0:
                self._limiter.restore_original_limits()


_one_thread = _OneThread()
