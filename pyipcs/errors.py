"""Exit statuses, and the kernel's errors as exceptions."""

import errno
import os
from enum import IntEnum


class Status(IntEnum):
    """Exit statuses of the program; MEANINGS explains them."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    WAIT = 3
    FOUND = 23
    CANNOT_RUN = 126
    NOT_FOUND = 127


# For the manual.
MEANINGS = {
    Status.DONE: "Done.",
    Status.FAILED: "At least one target failed; all others were processed.",
    Status.USAGE: "The command line is wrong; nothing was done.",
    Status.WAIT: "`--nowait` would have to wait, or `--timeout` expired, perhaps with part of the "
    "work done; `recv --peek` found fewer messages than requested.",
    Status.FOUND: "`list --fail-if-any` found an object, or the command of `run` left one behind "
    "and exited with 0.",
    Status.CANNOT_RUN: "The command of `op ... -- CMD` or of `run` exists but cannot be run.",
    Status.NOT_FOUND: "The command of `op ... -- CMD` or of `run` does not exist.",
}


class IpcError(OSError):
    """A failed System V call.

    Attributes:
        errno: the kernel's error number.
        strerror: the C library's text for it.
    """

    errno: int
    strerror: str


class CommandError(Exception):
    """A failure of a command; its text is the message for the user."""

    def __init__(self, message: str, status: int = Status.FAILED) -> None:
        super().__init__(message)
        self.status = status


class UsageError(Exception):
    """Options that contradict each other or do not fit the objects."""


class StoppedError(Exception):
    """The program shall end by a signal; SIGPIPE may mean a closed reader."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by signal {number}")
        self.number = number


class ExpiredError(Exception):
    """The timeout of a wait has expired."""


class NotFoundError(IpcError):
    """There is no such object (ENOENT), or it was removed meanwhile (EIDRM).

    This class is the only rule for a missing object. EINVAL means the same to some calls, and other
    errors to others, so that the modules that make the calls translate it: `missing_if_einval`.
    """


class DeniedError(IpcError):
    """The mode or the owner of the object forbids the call (EACCES, EPERM)."""


class ExistsError(IpcError):
    """An object with the key exists already (EEXIST)."""


class LimitError(IpcError):
    """A system-wide limit is reached (ENOSPC)."""


class BusyError(IpcError):
    """The call would wait (EAGAIN), or there is no such message (ENOMSG)."""


class InterruptError(IpcError):
    """A signal arrived while the call waited (EINTR); the call had no effect."""


class UnsupportedError(IpcError):
    """The kernel has no System V IPC, or a sandbox hides it (ENOSYS)."""


class TooBigError(IpcError):
    """The message is larger than the buffer and stays on the queue (E2BIG)."""


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
# Errors that the C library's text leaves unclear.
_TEXTS = {errno.ENOSYS: "System V IPC is not in this kernel, or a sandbox hides it"}


def ipc_error(number: int) -> IpcError:
    """Return the exception for an errno of a System V call.

    EINVAL has no class of its own: its meaning depends on the call.
    """
    text = _TEXTS.get(number) or os.strerror(number)
    return _FAMILY.get(number, IpcError)(number, text)


def missing_if_einval(error: IpcError) -> IpcError:
    """Return NotFoundError for EINVAL, and any other error unchanged.

    Use it for calls whose EINVAL can only mean that no object has the id: *ctl(2) with a command
    that reads or removes.
    """
    return ipc_error(errno.ENOENT) if error.errno == errno.EINVAL else error
