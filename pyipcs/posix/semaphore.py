"""Named POSIX semaphores."""

import errno
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Self, cast

from pyipcs.errors import ExpiredError, FormError, IpcError, StoppedError, ipc_error
from pyipcs.model import INT_MAX, Kind, PosixRecord, PosixSemaphore
from pyipcs.operations import Operation
from pyipcs.posix.handle import FileHandle, kernel_errors, shm
from pyipcs.posix.places import identity

if TYPE_CHECKING:
    from pyipcs.posix.mapped_semaphore import MappedSemaphore


class PosixNamedSemaphore(FileHandle):
    """A named POSIX semaphore by its name, in the form of glibc."""

    kind = Kind.POSIX_SEMAPHORE
    record_class = PosixSemaphore

    @classmethod
    def create(cls, name: str, mode: int, value: int) -> Self:
        """Create a semaphore (sem_open(3) with O_EXCL) in the caller's /dev/shm.

        Args:
            name: the name with its slash.
            mode: the permissions, which the umask reduces.
            value: the value.

        Raises:
            ExistsError: there is a file of that name.
            DeniedError: the caller may not create files in /dev/shm.
            LimitError: /dev/shm has no room for another file.
            IpcError: EINVAL, the value is larger than SEM_VALUE_MAX; EOPNOTSUPP, the place is
                another process's, or the C library has semaphores of another form.
        """
        from pyipcs.posix import files, libc  # loading them later could fail

        _check_library()
        handle = cls(name)
        shm()  # an unreadable directory must fail before the creation
        address = libc.sem_open(name, os.O_CREAT | os.O_EXCL, mode, value)
        try:
            # Another semaphore may have the name already.
            handle._identity = libc.mapped_file(address)
            try:
                found, _value = handle._examine()
                handle._hold(files.open_file(shm(), handle.entry, os.O_PATH, identity(found)))
                handle._read(found, value)
            except BaseException:  # there may be too little memory, too
                handle._undo_creation()
                raise
        finally:
            with suppress(IpcError):  # the semaphore is made
                libc.sem_close(address)
        return handle

    @property
    def record(self) -> PosixSemaphore:
        """The last record that this handle has read; the first access reads it."""
        return cast(PosixSemaphore, super().record)

    def stat(self) -> PosixSemaphore:
        """Read the semaphore's record, with its value if it is readable."""
        return cast(PosixSemaphore, super().stat())

    def details(self, record: PosixRecord | None = None) -> PosixSemaphore:
        """Return the semaphore's record with its birth and value."""
        return cast(PosixSemaphore, super().details(record))

    @staticmethod
    def check(operations: Sequence[Operation]) -> None:
        """Check that POSIX semaphores have these operations.

        Raises:
            ValueError: they lack one; the text is the reason.
        """
        if reason := _refused(operations):
            raise ValueError(f"POSIX semaphores {reason} (use a System V set)")

    def operate(self, operations: Sequence[Operation], timeout: float | None = None) -> None:
        """Take 1 from the value once it is positive, or add to it.

        The main thread must call it. If a terminating signal ends the wait, the value is as before.
        After success these signals stay blocked, so that the caller can report the success.

        Args:
            operations: one operation that `check` accepts. Signals do not interrupt an addition of
                more than 1, which is a loop of sem_post(3).
            timeout: the limit of the wait in seconds; None is no limit.

        Raises:
            BusyError: the timeout has expired, or an operation with `nowait` would have to wait.
            StoppedError: a signal arrived, and nothing has changed.
            NotFoundError: the semaphore was removed or replaced before.
            DeniedError: the caller may not read and write the semaphore.
            FormError: it is no semaphore, or one of a 32-bit program.
            IpcError: EOVERFLOW, the value would exceed SEM_VALUE_MAX; ENXIO, another process has
                truncated the file; EOPNOTSUPP, the C library has semaphores of another form.
        """
        from pyipcs.posix.mapped_semaphore import MappedSemaphore

        _check_glibc()
        (operation,) = operations
        descriptor = self._open(os.O_RDWR)
        try:
            value = self._layout_value(descriptor)
            if value + operation.change > INT_MAX:
                raise ipc_error(errno.EOVERFLOW)
            with MappedSemaphore(descriptor) as semaphore:
                if _operate_at_once(semaphore, operation.change):
                    return
                if operation.nowait:
                    raise ipc_error(errno.EAGAIN)
                _wait(semaphore, timeout)
        finally:
            with suppress(OSError):  # the operation is done
                os.close(descriptor)

    @kernel_errors()
    def _layout_value(self, descriptor: int) -> int:
        """Return the value of an open semaphore with the layout of this C library.

        Raises:
            FormError: the file has another layout.
        """
        from pyipcs.posix import files

        value = files.semaphore_value(os.pread(descriptor, files.SEM_SIZE + 1, 0))
        size = os.fstat(descriptor).st_size
        if value is None:
            raise files.other_form(self.kind, size)
        if size != files.SEM_SIZE:
            text = "is a semaphore of a 32-bit program (this C library would corrupt it)"
            raise FormError(errno.EINVAL, text)
        return value


def _refused(operations: Sequence[Operation]) -> str:
    """Return the reason for refused operations; empty if none is refused."""
    if any(operation.undo for operation in operations):
        return "have no undo"
    if any(operation.first or operation.last for operation in operations):
        return "have no number but 0"
    if not all(operation.change for operation in operations):
        return "have no wait for zero"
    if any(operation.change < -1 for operation in operations):
        return "decrease by 1 at a time"
    if len(operations) > 1:
        return "take one OP at a time"
    return ""


def _operate_at_once(semaphore: "MappedSemaphore", change: int) -> bool:
    """Change the value if that needs no wait; return True then.

    After True, the terminating signals stay blocked.
    """
    import signal

    from pyipcs.process.signals import terminating_signals

    mask = signal.pthread_sigmask(signal.SIG_BLOCK, terminating_signals())
    is_done = False
    try:
        for _ in range(change):
            semaphore.post()
        is_done = change > 0 or semaphore.try_take()
    finally:
        if not is_done:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return is_done


def _wait(semaphore: "MappedSemaphore", timeout: float | None) -> None:
    """Take 1 from the value once it is positive."""
    from pyipcs.process.interruptible import InterruptibleWait

    is_taken = False
    try:
        with InterruptibleWait(timeout=timeout, last=True) as wait, semaphore.registered():
            wait.wait(semaphore.take)
            is_taken = True
    except ExpiredError:
        raise ipc_error(errno.EAGAIN) from None
    except StoppedError:
        if is_taken:
            with suppress(IpcError):
                semaphore.post()
        raise


def _check_library() -> None:
    """Check that sem_open(3) creates semaphores here, in the form of glibc."""
    from pyipcs.posix.directory import is_own

    if not is_own():
        text = "a semaphore cannot be created in the /dev/shm of another process"
        raise IpcError(errno.EOPNOTSUPP, text)
    _check_glibc()


def _check_glibc() -> None:
    """Check that the C library is glibc for 64 bits."""
    is_glibc = "CS_GNU_LIBC_VERSION" in os.confstr_names and os.confstr("CS_GNU_LIBC_VERSION")
    if not is_glibc or sys.maxsize < 2**32:
        raise IpcError(errno.EOPNOTSUPP, "this C library has semaphores of another form")
