"""Walks through the tree below a directory."""

import errno
import os
from collections.abc import Iterator
from typing import Any

from pyipcs.posix.directory import BLOCK

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_REPLACED = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}  # removed, or no longer a directory
_MAX_DEPTH = 64  # directories: a walk has two descriptors open for each level


def share(status: os.stat_result) -> int:
    """Return the bytes of memory and swap of a file, divided by its names."""
    return status.st_blocks * BLOCK // max(status.st_nlink, 1)


class Walk:
    """A walk through all files below a directory, within its file system.

    Attributes:
        device: the device of the file system.
        is_complete: False if a directory could not be read or is too deep.
    """

    def __init__(self, top: int) -> None:
        self.device = os.fstat(top).st_dev
        self.is_complete = True
        self._top = top
        self._levels: list[tuple[int, Any]] = []  # open directories with their remaining entries

    def __iter__(self) -> Iterator[tuple[int, "os.DirEntry[str]"]]:
        """Yield each entry with its depth, which is 0 directly below the top.

        An entry can be examined until the next one is requested.
        """
        try:
            self._enter(self._top, ".")
            while self._levels:
                parent, entries = self._levels[-1]
                entry = next(entries, None)
                if entry is None:
                    self._leave()
                    continue
                yield len(self._levels) - 1, entry
                if entry.is_dir(follow_symlinks=False):
                    self._enter(parent, entry.name)
        finally:
            while self._levels:
                self._leave()

    def _enter(self, parent: int, name: str) -> None:
        """Open a directory, unless another file system is mounted there."""
        try:
            if os.stat(name, dir_fd=parent, follow_symlinks=False).st_dev != self.device:
                return
            if len(self._levels) > _MAX_DEPTH:
                self.is_complete = False
                return
            self._open(os.open(name, _OPEN, dir_fd=parent))
        except OSError as error:
            if error.errno not in _REPLACED:
                self.is_complete = False

    def _open(self, descriptor: int) -> None:
        """Read an open directory, unless it is now a mount."""
        try:
            if os.fstat(descriptor).st_dev == self.device:
                self._levels.append((descriptor, os.scandir(descriptor)))
                return
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)

    def _leave(self) -> None:
        descriptor, entries = self._levels.pop()
        entries.close()
        os.close(descriptor)
