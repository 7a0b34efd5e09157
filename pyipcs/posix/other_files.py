"""The files in /dev/shm that are no objects, by name."""

import os
import stat
from collections.abc import Callable
from typing import NamedTuple

from pyipcs.errors import NotFoundError
from pyipcs.posix import directory, files
from pyipcs.posix.walk import Walk, share

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class OtherFile(NamedTuple):
    """A file that is no object.

    Attributes:
        name: the name in /dev/shm.
        type: the type of file, as "directory".
        size: the bytes of memory and swap that it takes, with those of all files below it; None if
            a directory cannot be read, or is a mount of another file system.
    """

    name: str
    type: str
    size: int | None


def other_files(
    is_wanted: Callable[[os.stat_result], bool] = lambda _status: True,
) -> list[OtherFile]:
    """Return the files in /dev/shm that are no objects, sorted by name.

    Args:
        is_wanted: a condition on the status of a file.

    Raises:
        UnseenError: /dev/shm cannot be opened.
        OSError: /dev/shm cannot be read.
    """
    top = directory.duplicate_shm()
    try:
        with os.scandir(top) as entries:
            found = [_other_file(top, entry.name, is_wanted) for entry in entries]
    finally:
        os.close(top)
    return sorted(filter(None, found))


def _other_file(
    top: int, entry: str, is_wanted: Callable[[os.stat_result], bool]
) -> OtherFile | None:
    """Return a wanted file in /dev/shm; None for an object or no file."""
    try:
        status = files.status(top, entry)
        if not is_wanted(status):
            return None
        kind, _value = files.examine(top, entry, status)
    except NotFoundError:
        return None
    if kind:
        return None
    is_directory = stat.S_ISDIR(status.st_mode)
    size = _size_below(top, entry) if is_directory else share(status)
    return OtherFile(entry, files.type_of(status), size)


def _size_below(top: int, entry: str) -> int | None:
    """Return the bytes of all files below a directory; None if unknown."""
    try:
        descriptor = os.open(entry, _OPEN, dir_fd=top)
    except OSError:
        return None
    try:
        walk = Walk(descriptor)
        size = 0
        for _depth, below in walk:
            try:
                size += share(below.stat(follow_symlinks=False))
            except OSError:
                continue  # it was removed
        is_own = walk.device == os.fstat(top).st_dev
        return size if is_own and walk.is_complete else None
    finally:
        os.close(descriptor)
