"""The files of POSIX objects: their identities and their file systems."""

import os
from typing import TypeAlias

Identity: TypeAlias = tuple[int, int]  # device and inode
# The devices of the file systems that this process has opened. A scan of /proc reports the users of
# files on them.
devices: set[int] = set()


def identity(status: os.stat_result) -> Identity:
    """Return the device and the inode of a file."""
    return status.st_dev, status.st_ino
