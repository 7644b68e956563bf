"""When the compiled kernels are used: from a size of work on that pays for loading them.

Importing numba and loading what it has compiled takes about half a second, which a small fit would
not get back. So the work of every fit is estimated before it begins, from sizes alone, and added up
over all fits of the process: kernels are used as soon as they would have saved what they cost. A
stream of many small batches and a search over many small networks get there too. It is the process
that counts, not the model: what loading costs is paid once by each process, so that a model which
is unpickled in a new one for every batch of a stream rightly begins at nothing.

A prediction outside of a fit decides for itself, without a sum: a service that answers many short
requests must not have one of them wait for half a second. Kernels that fits have loaded are used.

Compiled or not, results are the same to the last bit. So nothing depends on when that is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from functools import wraps
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, cast

from skneural.kernels.compilation import (
    Compiled,
    has_cache,
    numba_or_none,
    required_numba,
    was_cut_off,
)

P = ParamSpec("P")
R = TypeVar("R")

VARIABLE = "SKNEURAL_COMPILED"

#: Elements of parameters and of outputs of layers that steps go through. A kernel takes one to
#: three nanoseconds less than NumPy for each (in float32 half of that). Importing numba takes a
#: quarter of a second, loading kernels, with all that numba sets up for the first, a little more.
WORTH_IMPORTING = 250_000_000
#: The same where numba has been imported by others.
WORTH_LOADING = 150_000_000
#: Where compiled code cannot be kept, each process compiles: some kernels, a sixth of a second
#: each. Where it can, that is paid once after installing, for all processes to come: not counted.
WORTH_COMPILING = 1_000_000_000
#: For a prediction, when kernels are there: so many that entering the context takes no time.
WORTH_ENTERING = 100_000

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
    #: Whether numba was looked for in vain: it is not asked for again.
    misses_numba = False
    #: Whether it is a child that cannot compile, see `was_cut_off`.
    is_cut_off = False


def compiled_as(kernel: Callable[P, R]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Have a compiled kernel stand in for a function in NumPy, where kernels are in use.

    Parameters
    ----------
    kernel : callable
        A loop of this folder, with the arguments of the function, which are given by position.

    Returns
    -------
    callable
        The decorator. What it returns has the attributes `definition`, the function in NumPy, and
        `kernel`.
    """

    def decorate(definition: Callable[P, R]) -> Callable[P, R]:
        in_numpy: Callable[..., R] = definition
        compiled_in_use = _in_use.get

        # Small batches make many of these calls: arguments not by name, nothing to be looked up.
        @wraps(definition)
        def run(*args: Any) -> R:
            compiled = compiled_in_use()
            if compiled is None:
                return in_numpy(*args)
            while (function := compiled[kernel]) is not None:
                try:
                    return function(*args)  # type: ignore[no-any-return]
                except Exception:
                    # Kernels raise nothing, nor have they begun: the function could not be
                    # compiled, not be kept on disk, or not be read from there.
                    compiled.replace(kernel, function)
            return in_numpy(*args)

        vars(run).update(definition=definition, kernel=kernel)
        return cast("Callable[P, R]", run)

    return decorate


def in_use() -> bool:
    """Whether the block under way uses compiled kernels."""
    return _in_use.get() is not None


@contextmanager
def compiled_kernels(work: float) -> Iterator[None]:
    """A context of a training: kernels are used if they are there and all work so far is worth it.

    Parameters
    ----------
    work : float
        Elements of parameters and of outputs that the steps of the block go through.
    """
    if _Process.is_cut_off or _Process.setting is False:
        uses = False
    elif _Process.setting:
        required_numba()
        uses = True
    else:
        _Process.work_done += work
        is_much = _Process.work_done >= min(WORTH_LOADING, WORTH_IMPORTING)
        may_save = is_much and not _Process.misses_numba
        uses = bool(_compiled) or (may_save and _saves_its_cost(_Process.work_done))
    token = _in_use.set(_compiled if uses else None)
    try:
        yield
    finally:
        _in_use.reset(token)


@dataclass(eq=False)
class compiled_prediction:  # noqa: N801  # read as a phrase, like contextlib.suppress
    """A context of a prediction, whose work does not count for later blocks.

    Inside of a training, what is used there is used.

    Parameters
    ----------
    work : float
        Elements of outputs that the block goes through.
    """

    work: float
    _token: Token[Compiled | None] | None = field(default=None, init=False)

    def __enter__(self) -> None:
        if _in_use.get() is None and _are_worth_it_once(self.work):
            self._token = _in_use.set(_compiled)

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


def _are_worth_it_once(work: float) -> bool:
    """Whether a prediction uses kernels; it leaves no trace and raises nothing."""
    if work < WORTH_ENTERING or _Process.is_cut_off or _Process.setting is False:
        return False
    return bool(_compiled) or _saves_its_cost(work)


def _saves_its_cost(work: float) -> bool:
    is_imported = sys.modules.get("numba") is not None
    if work < (WORTH_LOADING if is_imported else WORTH_IMPORTING):
        return False
    _Process.misses_numba = numba_or_none() is None
    return not _Process.misses_numba and (work >= WORTH_COMPILING or has_cache())


def set_compiled(when: bool | None) -> None:
    """Say whether fits use compiled kernels, which give the same numbers sooner.

    They need numba: ``pip install "skneural[fast]"``. The environment variable
    ``SKNEURAL_COMPILED`` does the same from the start, and in processes that this one starts: 1 for
    True, 0 for False.

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
    # It may have been installed since it was missed.
    numba_or_none.cache_clear()
    _Process.misses_numba = False
    _Process.setting = when


def described() -> str:
    """When kernels are used in this process: for reports of a fault."""
    if _Process.is_cut_off:
        return "never (forked while another thread compiled)"
    if numba_or_none() is None:
        return "never (numba is missing, or cannot be used)"
    words = {True: "always", False: "never", None: "from enough work on"}[_Process.setting]
    return words if has_cache() else f"{words}, compiled anew in each process"


def _from_environment() -> None:
    text = os.environ.get(VARIABLE, "")
    if text not in ("", "0", "1"):
        raise ValueError(f"The environment variable {VARIABLE} must be 0 or 1, got {text!r}.")
    if text:
        # Not by `set_compiled`: importing skneural does not import numba. The first fit does.
        _Process.setting = text == "1"


def _in_forked_child() -> None:
    if was_cut_off():
        _Process.is_cut_off = True
        _in_use.set(None)


_from_environment()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_forked_child)
