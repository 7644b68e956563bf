"""When the compiled kernels are used: from a size of work on that pays for loading them.

Importing numba and loading what it has compiled takes about half a second, which a small fit would
not get back. So the work of every fit is estimated before it begins, from sizes alone, and added up
over all fits of the process: kernels are used as soon as they would have saved what they cost. A
stream of many small batches and a search over many small networks get there too.

Compiled or not, results are the same to the last bit. So nothing depends on when that is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextvars import ContextVar, Token
from functools import wraps
from types import TracebackType
from typing import ParamSpec, TypeVar

from skneural.kernels.compilation import Compiled, numba_or_none, required_numba

P = ParamSpec("P")
R = TypeVar("R")

VARIABLE = "SKNEURAL_COMPILED"

#: Work that takes NumPy as long as importing numba and loading kernels: elements of parameters and
#: of outputs of layers that steps go through, each of which takes about two nanoseconds less.
WORTH_IMPORTING = 250_000_000
#: The same where numba has been imported, by us or by others.
WORTH_LOADING = 25_000_000

#: Epochs that a training is likely to take, if it may take more.
LIKELY_EPOCHS = 50

#: The functions that a training under way uses; None for NumPy. Of each thread.
_in_use: ContextVar[Compiled | None] = ContextVar("skneural_kernels", default=None)

_compiled = Compiled()


class _Process:
    """What this process has been told, and what it has done without kernels."""

    #: True: always. False: never. None: by the work there is.
    setting: bool | None = None
    work_done = 0.0


def compiled_as(kernel: Callable[P, R]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Have a compiled kernel stand in for a function in NumPy, where kernels are in use.

    Parameters
    ----------
    kernel : callable
        A loop of this folder, with the arguments of the function.

    Returns
    -------
    callable
        The decorator. What it returns has the attributes `definition`, the function in NumPy, and
        `kernel`.
    """

    def decorate(definition: Callable[P, R]) -> Callable[P, R]:
        @wraps(definition)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            compiled = _in_use.get()
            if compiled is None:
                return definition(*args, **kwargs)
            try:
                return compiled[kernel](*args, **kwargs)  # type: ignore[no-any-return]
            except Exception:  # Kernels raise nothing: it could not be compiled, or not be kept.
                compiled[kernel] = definition
                return definition(*args, **kwargs)

        vars(run).update(definition=definition, kernel=kernel)
        return run

    return decorate


def in_use() -> bool:
    """Whether the block under way uses compiled kernels."""
    return _in_use.get() is not None


class compiled_kernels:  # noqa: N801  # read as a phrase, like contextlib.suppress
    """A context in which compiled kernels are used, if they are there and the work is worth it.

    Parameters
    ----------
    work : float
        Elements of parameters and of outputs that the steps of the block go through.
    """

    def __init__(self, work: float) -> None:
        self._work = work
        self._token: Token[Compiled | None] | None = None

    def __enter__(self) -> None:
        uses = _are_worth_it(self._work)
        self._token = _in_use.set(_compiled if uses else None)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._token is not None:
            _in_use.reset(self._token)


def training_work(
    n_params: int, n_outputs: int, n_rows: int, batch_size: int, max_iter: int
) -> float:
    """The work of a training.

    Parameters
    ----------
    n_params : int
        Parameters, those of all members.
    n_outputs : int
        Outputs of all layers together, of all members.
    n_rows : int
        Rows of an epoch.
    batch_size : int
        Rows of a step.
    max_iter : int
        Most epochs.

    Returns
    -------
    float
        Elements, for `compiled_kernels`.
    """
    n_steps = -(-n_rows // batch_size)
    return min(max_iter, LIKELY_EPOCHS) * float(n_steps * n_params + n_rows * n_outputs)


def _are_worth_it(work: float) -> bool:
    setting = _Process.setting
    if setting:
        required_numba()
    if setting is None:
        _Process.work_done += work
        cost = WORTH_LOADING if "numba" in sys.modules else WORTH_IMPORTING
        setting = bool(_compiled) or _Process.work_done >= cost
    return setting and numba_or_none() is not None


def set_compiled(when: bool | None) -> None:
    """Say whether fits use compiled kernels, which give the same numbers sooner.

    They need numba: ``pip install skneural[fast]``. The environment variable ``SKNEURAL_COMPILED``
    does the same from the start, and in processes that this one starts: 1 for True, 0 for False.

    Parameters
    ----------
    when : bool or None
        True: every fit. False: none. None, which holds if nothing is said: where numba is
        installed, from the fit on that has the fits of this process add up to enough work.

    Raises
    ------
    ImportError
        If `when` is True and numba is not installed, or is one that does not fit NumPy.
    TypeError
        If `when` is something else.

    See Also
    --------
    show_versions : Says which of them holds.

    Examples
    --------
    >>> import skneural
    >>> skneural.set_compiled(False)
    >>> skneural.set_compiled(None)
    """
    if when is not None and not isinstance(when, bool):
        raise TypeError(f"when must be True, False or None, got {when!r}.")
    if when:
        required_numba()
    _Process.setting = when


def described() -> str:
    """What `set_compiled` has been told, and whether numba is there: for reports of a fault."""
    words = {True: "always", False: "never", None: "by the work there is"}[_Process.setting]
    return words if numba_or_none() is not None else "no (numba is missing, or cannot be used)"


def _from_environment() -> None:
    text = os.environ.get(VARIABLE, "")
    if text not in ("", "0", "1"):
        raise ValueError(f"The environment variable {VARIABLE} must be 0 or 1, got {text!r}.")
    if text:
        # Not by `set_compiled`: importing skneural does not import numba. The first fit does.
        _Process.setting = text == "1"


_from_environment()
