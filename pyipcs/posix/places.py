"""Files of POSIX objects: opening, identities and file systems."""

import errno
import os
import time
from collections.abc import Callable
from typing import TypeAlias

from pyipcs.errors import BusyError, IpcError, ipc_error

Identity: TypeAlias = tuple[int, int]  # device and inode
SAFE_FLAGS = os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY
_REPLACED = {errno.ELOOP, errno.ENXIO, errno.EISDIR}  # of open(2), O_NOFOLLOW
_LEASE_TRIES, _LEASE_PAUSE = 3, 0.0005  # a lease of pyipcs takes microseconds
# The devices of the file systems that this process has opened. A scan of /proc reports the users of
# files on them.
devices: set[int] = set()


def identity(status: os.stat_result) -> Identity:
    """Return the device and the inode of a file."""
    return status.st_dev, status.st_ino


def open_after_lease(open_file: Callable[[], int]) -> int:
    """Return a descriptor; wait until a short lease of another process ends.

    Args:
        open_file: the function that opens the file with O_NONBLOCK.
    """
    for _ in range(_LEASE_TRIES - 1):
        try:
            return open_file()
        except (BlockingIOError, BusyError):
            time.sleep(_LEASE_PAUSE)
    return open_file()


def open_error(error: OSError) -> IpcError:
    """Return the error of open(2) with SAFE_FLAGS; a replaced file is missing."""
    number = error.errno or errno.EIO
    return ipc_error(errno.ENOENT if number in _REPLACED else number)
