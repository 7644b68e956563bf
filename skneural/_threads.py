"""How many threads BLAS may use.

The matrix products of small networks are too short to be shared: handing them to a second
thread costs more than it saves, and on a busy machine the threads wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

#: Multiplications in one product, from which on more than one thread is worth while.
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
    limit: Any = nullcontext()
    if multiplications < WORTH_SHARING:
        limit = _controller().limit(limits=1, user_api="blas")
    with limit:
        yield
