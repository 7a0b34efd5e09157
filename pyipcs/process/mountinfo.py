"""The mounts that this process sees (proc_pid_mountinfo(5))."""

import errno
import os
import re
from collections.abc import Iterator
from typing import NamedTuple

_MOUNTINFO = "/proc/self/mountinfo"
_WORDS = 6  # the words of a line before the optional fields


class Mount(NamedTuple):
    """A mount.

    Attributes:
        id: the id of the mount, as `id_of` returns it.
        parent: the id of the mount with the mount point.
        root: the mounted directory of the file system.
        point: the mount point, below the root directory of this process.
        propagates: True if other mounts get the mounts below it, or it gets theirs.
        type: the type of the file system.
        options: the options of the file system.
    """

    id: bytes
    parent: bytes
    root: bytes
    point: bytes
    propagates: bool
    type: bytes
    options: bytes


def mounts() -> Iterator[Mount]:
    """Return the mounts; a later one can hide earlier ones.

    Raises:
        OSError: there is no /proc.
    """
    with open(_MOUNTINFO, "rb") as file:
        return parse(file.read())


def parse(text: bytes) -> Iterator[Mount]:
    """Yield the mounts of a text in the format of mountinfo."""
    # Only space, tab, newline and backslash are escaped: bytes.split() and splitlines() would also
    # divide a name at a carriage return or a form feed.
    for line in filter(None, text.split(b"\n")):
        before, _, after = line.partition(b" - ")
        words = before.split(b" ")
        type_, _source, options = after.split(b" ", 2)
        id_, parent, _device, root, point = words[:5]
        propagates = len(words) > _WORDS
        yield Mount(id_, parent, _unescaped(root), _unescaped(point), propagates, type_, options)


def id_of(descriptor: int) -> bytes:
    """Return the id of the mount of an open file.

    Raises:
        OSError: there is no /proc; ENOSYS, it does not report the id.
    """
    with open(f"/proc/self/fdinfo/{descriptor}", "rb") as file:
        for line in file:
            if line.startswith(b"mnt_id:"):
                return line.split()[1]
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))


def _unescaped(word: bytes) -> bytes:
    r"""Replace each escape \NNN, the octal number of a byte."""
    return re.sub(rb"\\([0-7]{3})", lambda octal: bytes([int(octal[1], 8)]), word)
