"""Named POSIX semaphores."""

import errno
import os
from typing import Self, cast

from pyipcs.errors import IpcError
from pyipcs.model import Kind, PosixRecord, PosixSemaphore
from pyipcs.posix.handle import FileHandle, shm


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
                handle._hold(files.open_file(shm(), handle.entry, os.O_PATH, files.identity(found)))
                handle._read(found, value)
            except OSError:
                handle._undo_creation()
                raise
        finally:
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


def _check_library() -> None:
    """Check that sem_open(3) creates semaphores here, in the form of glibc."""
    from pyipcs.posix.directory import is_own

    if not is_own():
        text = "a semaphore cannot be created in the /dev/shm of another process"
        raise IpcError(errno.EOPNOTSUPP, text)
    if "CS_GNU_LIBC_VERSION" not in os.confstr_names or not os.confstr("CS_GNU_LIBC_VERSION"):
        raise IpcError(errno.EOPNOTSUPP, "this C library has semaphores of another form")
