"""A file that several processes add lines to."""

from __future__ import annotations

import errno
import os
import sys
from time import perf_counter, sleep

#: Why a lock is not to be had: another program has it. All else means that there are no locks.
HELD_BY_ANOTHER = (errno.EAGAIN, errno.EACCES)

#: Between two attempts at a lock.
SECONDS_TO_WAIT = 0.01


class SharedFile:
    """A file opened for adding whole lines, as several processes may at the same time.

    A context manager.

    Parameters
    ----------
    path : str
        Made if it does not exist.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> SharedFile:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        self._descriptor = os.open(self._path, flags | getattr(os, "O_BINARY", 0), 0o666)
        return self

    def __exit__(self, *error: object) -> None:
        os.close(self._descriptor)

    def write(self, line: str) -> None:
        """Add a line.

        Raises
        ------
        OSError
            If not all of it has been written.
        """
        content = f"{line}\n".encode()
        try:
            # A single call, without a buffer: lines of several processes do not mix.
            n_written = os.write(self._descriptor, content)
        except OSError as error:
            message = f"Cannot write the history: {error.strerror}"
            raise OSError(error.errno, message, self._path) from error
        if n_written < len(content):
            raise OSError(errno.ENOSPC, "Cannot write all of a line of the history", self._path)

    def is_empty(self) -> bool:
        """Whether nobody has written to it yet."""
        return os.fstat(self._descriptor).st_size == 0

    def is_locked_within(self, seconds: float) -> bool:
        """Lock it until it is closed; False if another program keeps the lock for so long.

        True also where there are no locks, as on Windows and on some network file systems.
        """
        if sys.platform == "win32":
            return True
        import fcntl

        until = perf_counter() + seconds
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno not in HELD_BY_ANOTHER:
                    return True
                if perf_counter() >= until:
                    return False
                sleep(SECONDS_TO_WAIT)
            else:
                return True
