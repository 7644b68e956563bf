"""What functions of others have to write in place, and may return by mistake."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def is_another_array(returned: Any, written: npt.NDArray[Any]) -> bool:
    """Whether a function has returned an array of the shape of the one it was to write to.

    Parameters
    ----------
    returned : object
        Mostly None. What lies in the memory of `written`, as that of ``np.tanh(z, out=z)``, is it.
    written : ndarray
        What the function was given.

    Returns
    -------
    bool
        True for another array, in which what it computed would be lost.
    """
    return (
        isinstance(returned, np.ndarray)
        and returned.shape == written.shape
        and not np.may_share_memory(returned, written)
    )
