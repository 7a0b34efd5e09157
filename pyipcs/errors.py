"""Exit statuses, and the errors of the kernel as exceptions."""

import errno
import os
from enum import IntEnum


class Status(IntEnum):
    """What the program's exit status means: see MEANINGS."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    WAIT = 3
    FOUND = 23
    CANNOT_RUN = 126
    NOT_FOUND = 127


# In the words of the manual.
MEANINGS = {
    Status.DONE: "Done.",
    Status.FAILED: "At least one target failed; the others were still done.",
    Status.USAGE: "The command line alone shows that it is wrong; nothing was done.",
    Status.WAIT: "`--nowait` would have had to wait, or `--timeout` ran out, also with part of "
    "the work done; `recv --peek` found fewer messages than asked for.",
    Status.FOUND: "`list --fail-if-any` found an object; the command of `run` left one, and its "
    "own status was 0.",
    Status.CANNOT_RUN: "The command of `op ... -- CMD` or of `run` is there, and cannot be run.",
    Status.NOT_FOUND: "There is no such command.",
}


class IpcError(OSError):
    """A System V call that the kernel refused.

    `errno` is the kernel's, `strerror` the C library's words for it.
    """

    errno: int
    strerror: str


class CommandError(Exception):
    """What a command could not do and why, in the words for the user."""

    def __init__(self, words: str, status: int = Status.FAILED) -> None:
        super().__init__(words)
        self.status = status


class UsageError(Exception):
    """Options that contradict each other, or that do not fit the objects."""


class StoppedError(Exception):
    """A signal came that is to end the program; SIGPIPE also where the reader has gone."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by signal {number}")
        self.number = number


class ExpiredError(Exception):
    """The time to wait is over."""


class NotFoundError(IpcError):
    """There is no such object (ENOENT), or it has just gone (EIDRM)."""


class DeniedError(IpcError):
    """The object's mode, or its ownership, forbids it (EACCES, EPERM)."""


class ExistsError(IpcError):
    """An object has that key already (EEXIST)."""


class LimitError(IpcError):
    """A system-wide limit is reached (ENOSPC)."""


class BusyError(IpcError):
    """The call would have had to wait (EAGAIN), or no message is there (ENOMSG)."""


class InterruptError(IpcError):
    """A signal came while the call waited (EINTR); nothing was sent or taken."""


class UnsupportedError(IpcError):
    """The kernel was built without System V IPC, or a sandbox hides it (ENOSYS)."""


class TooBigError(IpcError):
    """The message is larger than the room for it, and stays where it is (E2BIG)."""


_FAMILY: dict[int, type[IpcError]] = {
    errno.ENOENT: NotFoundError,
    errno.EIDRM: NotFoundError,
    errno.EACCES: DeniedError,
    errno.EPERM: DeniedError,
    errno.EEXIST: ExistsError,
    errno.ENOSPC: LimitError,
    errno.EAGAIN: BusyError,
    errno.ENOMSG: BusyError,
    errno.EINTR: InterruptError,
    errno.E2BIG: TooBigError,
    errno.ENOSYS: UnsupportedError,
}
# What the C library's words leave unclear.
_WORDS = {errno.ENOSYS: "System V IPC is not in this kernel, or a sandbox hides it"}


def ipc_error(number: int) -> IpcError:
    """The exception that stands for an errno of the System V calls.

    EINVAL has no class of its own: it is "no such id" from *ctl(2) and "no such size" from
    *get(2), and only the caller knows which call it made.
    """
    words = _WORDS.get(number) or os.strerror(number)
    return _FAMILY.get(number, IpcError)(number, words)
