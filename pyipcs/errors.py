"""Exit statuses, and exceptions for the kernel's errors."""

import errno
import os
from contextlib import suppress
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


# The text of the manual.
MEANINGS = {
    Status.DONE: "Success.",
    Status.FAILED: "At least one target failed, or objects of a kind cannot be listed; all others "
    "were processed.",
    Status.USAGE: "The command line is wrong; nothing was done.",
    Status.WAIT: "The command would have to wait (`--nowait`), or waited too long (`--timeout`), "
    "perhaps with part of the work done; `recv --peek` found fewer messages than requested.",
    Status.FOUND: "`list --fail-if-any` found an object, or the command of `run` succeeded and "
    "left an object.",
    Status.CANNOT_RUN: "The command of `op ... -- CMD` or `run` exists but cannot be run.",
    Status.NOT_FOUND: "The command of `op ... -- CMD` or `run` does not exist.",
}


class IpcError(OSError):
    """A failed system call for an object.

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
    """A signal that ends the program; SIGPIPE also means a closed reader."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by signal {number}")
        self.number = number


class ExpiredError(Exception):
    """An expired timeout of a wait."""


class NotFoundError(IpcError):
    """A missing object (ENOENT), or one that was just removed (EIDRM).

    Every missing object raises this class. Some calls report it by EINVAL, which has other meanings
    in other calls: the modules that make those calls translate it (`missing_if_einval`).
    """


class DeniedError(IpcError):
    """A call that the mode or the owner of the object forbids (EACCES, EPERM)."""


class ExistsError(IpcError):
    """A key or a name that another object has (EEXIST)."""


class LimitError(IpcError):
    """A system-wide limit that is reached (ENOSPC)."""


class BusyError(IpcError):
    """A call that would wait (EAGAIN, ETIMEDOUT), or no message (ENOMSG)."""


class InterruptError(IpcError):
    """A waiting call that a signal interrupted, without effect (EINTR)."""


class UnsupportedError(IpcError):
    """A kernel without a kind of objects, or a sandbox that hides it (ENOSYS)."""


class TooBigError(IpcError):
    """A message larger than the buffer; it stays on the queue (E2BIG)."""


class FormError(IpcError):
    """A file with the name of a POSIX object in another form, as a directory."""


class UnseenError(Exception):
    """Objects that the caller cannot list; the text is one line for the user.

    Attributes:
        reason: the reason alone.
        is_certain: False if there may be no object at all.
        is_missing: True if there is no place for such objects, and so none of them.
    """

    def __init__(
        self, objects: str, reason: str, *, is_certain: bool = True, is_missing: bool = False
    ) -> None:
        super().__init__(objects, reason)
        self.reason = reason
        self.is_certain = is_certain
        self.is_missing = is_missing

    def __str__(self) -> str:
        objects, reason = self.args
        return f"{objects} cannot be listed: {reason}"


def release_memory(error: MemoryError) -> None:
    """Free the local variables of the calls that failed."""
    trace = error.__traceback__
    while trace:
        with suppress(RuntimeError):  # the call has not ended
            trace.tb_frame.clear()
        trace = trace.tb_next


_CLASSES: dict[int, type[IpcError]] = {
    errno.ENOENT: NotFoundError,
    errno.EIDRM: NotFoundError,
    errno.EACCES: DeniedError,
    errno.EPERM: DeniedError,
    errno.EEXIST: ExistsError,
    errno.ENOSPC: LimitError,
    errno.EAGAIN: BusyError,
    errno.ENOMSG: BusyError,
    errno.ETIMEDOUT: BusyError,
    errno.EINTR: InterruptError,
    errno.E2BIG: TooBigError,
}
# The texts of UnsupportedError.
NO_SYSV = "System V IPC is not in this kernel, or a sandbox hides it"
NO_MQUEUE = "POSIX message queues are not in this kernel, or a sandbox hides them"


def ipc_error(number: int, unsupported: str = "") -> IpcError:
    """Return the exception for an errno of a system call.

    EINVAL has no class of its own: its meaning depends on the call.

    Args:
        number: the errno.
        unsupported: the text of an UnsupportedError for ENOSYS, for the calls of a kind of objects;
            empty for other calls, whose ENOSYS has no class of its own.
    """
    if unsupported and number == errno.ENOSYS:
        return UnsupportedError(number, unsupported)
    return _CLASSES.get(number, IpcError)(number, os.strerror(number))


def checked(number: int, least: int, most: int, error: int = errno.EINVAL) -> int:
    """Return a number that C can hold; ctypes would truncate a larger one.

    Args:
        number: the argument of a system call.
        least: the smallest allowed number.
        most: the largest allowed number.
        error: the errno for other numbers.

    Raises:
        IpcError: the number is not allowed.
    """
    if not least <= number <= most:
        raise ipc_error(error)
    return number


def missing_if_einval(error: IpcError) -> IpcError:
    """Return NotFoundError for EINVAL, and any other error unchanged.

    Use it only for calls whose single reason for EINVAL is a missing object: *ctl(2) with a command
    that reads or removes.
    """
    return ipc_error(errno.ENOENT) if error.errno == errno.EINVAL else error
