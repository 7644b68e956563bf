"""How much memory a call takes at most.

tracemalloc counts what all threads of a process allocate. One of them is pytest-xdist's: at any
moment it may be sent the numbers of the next thousand tests, which takes 90 kB. It cannot be told
from the peak, but from what is left of it: then the call is measured again.
"""

from __future__ import annotations

import tracemalloc

import numpy as np

#: Where pytest-xdist receives messages.
OTHERS = ("/execnet/", "/xdist/")


def peak_of(call):
    """The bytes that a call has allocated at most at a time, what it returns included."""
    return _peak_and_result(call)[0]


def peak_beyond_the_result(call):
    """The same without the arrays that it returns: one, or a list of them."""
    peak, result = _peak_and_result(call)
    return peak - _n_bytes(result)


def lasting_peak_of(call):
    """The same as `peak_of` for a second call: what the first has left is there already."""
    return _peak_and_result(call, first=call)[0]


def _peak_and_result(call, first=None):
    while True:
        tracemalloc.start()
        try:
            if first is not None:
                first()
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            result = call()
            peak = tracemalloc.get_traced_memory()[1] - before
            # Sooner than by filters, which would look at each trace.
            left = tracemalloc.take_snapshot().statistics("filename")
            if not any(other in file.traceback[0].filename for other in OTHERS for file in left):
                return peak, result
        finally:
            tracemalloc.stop()


def _n_bytes(result):
    if isinstance(result, list):
        return sum(map(_n_bytes, result))
    return np.asarray(result).nbytes
