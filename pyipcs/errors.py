"""Exit statuses, and the errors of the kernel as exceptions."""

import errno
import os
from enum import IntEnum


class Status(IntEnum):
    """What the program's exit status means."""

    DONE = 0
    FAILED = 1  # at least one target failed; the others were still done
    USAGE = 2  # the command line alone shows that it is wrong; nothing was done


class IpcError(OSError):
    """A System V call that the kernel refused.

    `errno` is the kernel's, `strerror` the C library's words for it.
    """

    errno: int
    strerror: str


class CommandError(Exception):
    """What a command could not do and why, in the words for the user; status 1."""


class NotFoundError(IpcError):
    """There is no such object (ENOENT), or it has just gone (EIDRM)."""


class DeniedError(IpcError):
    """The object's mode, or its ownership, forbids it (EACCES, EPERM)."""


class ExistsError(IpcError):
    """An object has that key already (EEXIST)."""


class LimitError(IpcError):
    """A system-wide limit is reached (ENOSPC)."""


_FAMILY: dict[int, type[IpcError]] = {
    errno.ENOENT: NotFoundError,
    errno.EIDRM: NotFoundError,
    errno.EACCES: DeniedError,
    errno.EPERM: DeniedError,
    errno.EEXIST: ExistsError,
    errno.ENOSPC: LimitError,
}


def ipc_error(number: int) -> IpcError:
    """The exception that stands for an errno of the System V calls.

    EINVAL has no class of its own: it is "no such id" from *ctl(2) and "no such size" from
    *get(2), and only the caller knows which call it made.
    """
    return _FAMILY.get(number, IpcError)(number, os.strerror(number))
