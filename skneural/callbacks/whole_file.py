"""A file that is replaced as a whole: after a crash it is the old one or the new one."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from uuid import uuid4

#: What forcing a folder to the disk may fail by, with all that is in it safe: it may be written to
#: but not read, or its file system, a network's for instance, has nothing of the kind.
NO_SYNCHRONISING = (errno.EACCES, errno.EPERM, errno.EINVAL, errno.ENOTSUP)


def replace_file(path: str, parts: Iterable[bytes]) -> None:
    """Replace a file by a new one at a single moment, when all of the new one is on the disk.

    Missing folders are made. A file that exists hands its mode on; of a symbolic link, the file
    that it points to is replaced.

    Parameters
    ----------
    path : str
    parts : iterable of bytes
        The content.

    Raises
    ------
    OSError
        If that is not possible. The file is as it was then.
    """
    path = os.path.realpath(path)
    folder = os.path.dirname(path)
    # A name of its own: another process may be writing the same file.
    temporary = f"{path}.{uuid4().hex[:12]}.tmp"
    _make_folder(folder)
    earlier = _status(path)

    def open_new(name: str, flags: int) -> int:
        # Not for a moment readable by more people than the earlier file.
        return os.open(name, flags, 0o666 if earlier is None else earlier.st_mode & 0o666)

    try:
        with open(temporary, "xb", opener=open_new) as file:
            for part in parts:
                file.write(part)
            if earlier is not None:
                _hand_on_permissions(earlier, file.fileno())
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.remove(temporary)
        raise
    _synchronise_folder(folder)


def _status(path: str) -> os.stat_result | None:
    """What is known of the file to be replaced; None if there is none."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is a device or a pipe, not a file", path)
    return status


def _hand_on_permissions(earlier: os.stat_result, descriptor: int) -> None:
    """Give a new file the mode of the one that it replaces and, where possible, its owner."""
    if os.name != "posix":
        return
    new = os.fstat(descriptor)
    if (new.st_uid, new.st_gid) != (earlier.st_uid, earlier.st_gid):
        with suppress(OSError):  # a group that one is a member of, or a superuser any owner
            os.fchown(descriptor, -1, earlier.st_gid)
            os.fchown(descriptor, earlier.st_uid, -1)
    # Not every file system has modes; where there are none, they are equal.
    if stat.S_IMODE(new.st_mode) != stat.S_IMODE(earlier.st_mode):
        os.fchmod(descriptor, stat.S_IMODE(earlier.st_mode))


def _make_folder(folder: str) -> None:
    """Make a folder, with those above it, and force to the disk that they are there."""
    missing, above = [], folder
    while not os.path.isdir(above) and os.path.dirname(above) != above:
        missing.append(above)
        above = os.path.dirname(above)
    os.makedirs(folder, exist_ok=True)
    for each in reversed(missing):
        _synchronise_folder(os.path.dirname(each))


def _synchronise_folder(folder: str) -> None:
    """Force to the disk that something in a folder has a new name."""
    if os.name != "posix":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in NO_SYNCHRONISING:
            raise
