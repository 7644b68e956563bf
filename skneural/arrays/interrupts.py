"""Ctrl-C held back for microseconds, while two things that belong together are changed.

Python raises KeyboardInterrupt between any two bytecodes of the main thread. Code that changes
two things, such as a setting and the note of what it was before, can be cut in the middle.
"""

from __future__ import annotations

# The functions in C that `signal` wraps. The wrappers make enums of all they return, which takes
# ten times as long as the rest of this module.
from _signal import (  # type: ignore[import-not-found]
    SIGINT,
    default_int_handler,
    getsignal,
    raise_signal,
    signal,
)
from dataclasses import dataclass
from types import FrameType, TracebackType
from weakref import ref


class held_interrupts:  # noqa: N801  # read as a phrase, like contextlib.suppress
    """A context in which Ctrl-C waits until the block has been left.

    It acts only in the main thread, where alone Python raises KeyboardInterrupt, and only while
    Python's default handler of SIGINT is installed. A handler of somebody else stays as it is, and
    in other threads and in nested blocks nothing happens: the outermost block holds the signal.

    Raises
    ------
    KeyboardInterrupt
        On leaving, if SIGINT arrived inside, once Python's handler is back. Several signals are one
        interrupt, as they are between two bytecodes. If the block ends with an exception, the
        interrupt is raised all the same, and the exception is its ``__context__``: whoever presses
        Ctrl-C wants the program to stop, not the error to be handled.

    Notes
    -----
    An object serves one block. It costs some microseconds, and is meant for blocks as short.
    """

    _handler: _Remember | None = None

    def __enter__(self) -> None:
        if getsignal(SIGINT) is not default_int_handler:
            return
        handler = _Remember(ref(self))
        try:
            # One call into C: an interrupt comes before it, or finds the new handler.
            signal(SIGINT, handler)
        except ValueError:  # not the main thread
            return
        self._handler = handler

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        handler, self._handler = self._handler, None
        if handler is None:
            return
        # Somebody else may have installed a handler inside the block.
        is_installed = getsignal(SIGINT) is handler
        if is_installed:
            signal(SIGINT, default_int_handler)
        if handler.has_signal:
            raise_signal(SIGINT)


@dataclass(eq=False)
class _Remember:
    """A handler that makes a note of a signal instead of raising."""

    block: ref[held_interrupts]
    has_signal: bool = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.block() is not None:
            self.has_signal = True
            return
        # The block was never left: another exception, such as one that a handler of SIGALRM raises,
        # arrived on the way into `__exit__`.
        signal(SIGINT, default_int_handler)
        default_int_handler(number, frame)
