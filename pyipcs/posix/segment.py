"""POSIX shared memory segments."""

import errno
import os
from typing import TYPE_CHECKING, Self, cast

from pyipcs.errors import ipc_error
from pyipcs.model import LONG_MAX, Kind, PosixRecord, PosixSegment
from pyipcs.posix.handle import FileHandle, kernel_errors, shm
from pyipcs.posix.places import identity

if TYPE_CHECKING:
    from pyipcs.posix.attachment import PosixAttachment

_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class PosixSharedMemory(FileHandle):
    """A POSIX shared memory segment by its name."""

    kind = Kind.POSIX_SEGMENT
    record_class = PosixSegment

    @classmethod
    def create(cls, name: str, mode: int, size: int) -> Self:
        """Create a segment (shm_open(3) with O_EXCL); allocate no page.

        Args:
            name: the name with its slash.
            mode: the permissions, which the umask reduces.
            size: the size in bytes.

        Raises:
            ExistsError: there is a file of that name.
            DeniedError: the caller may not create files in /dev/shm.
            LimitError: /dev/shm has no room for another file.
            IpcError: EFBIG or EINVAL, the size is too large.
        """
        if size > LONG_MAX:
            raise ipc_error(errno.EFBIG)
        handle = cls(name)
        directory = shm()
        with kernel_errors():
            descriptor = os.open(handle.entry, _CREATE, mode, dir_fd=directory)
            handle._hold(descriptor)
            try:
                handle._identity = identity(os.fstat(descriptor))
                os.ftruncate(descriptor, size)
                handle._read(os.fstat(descriptor))
            except BaseException:  # there may be too little memory, too
                handle._undo_creation()
                raise
        return handle

    @property
    def record(self) -> PosixSegment:
        """The last record that this handle has read; the first access reads it."""
        return cast(PosixSegment, super().record)

    def stat(self) -> PosixSegment:
        """Read the segment's record, without rss and swap."""
        return cast(PosixSegment, super().stat())

    def details(self, record: PosixRecord | None = None) -> PosixSegment:
        """Return the segment's record with its birth, rss and swap."""
        return cast(PosixSegment, super().details(record))

    def attach(self, *, read_only: bool) -> "PosixAttachment":
        """Open the segment; the pages stay unmapped.

        Args:
            read_only: True to open it for reading only, and False for writing only.

        Raises:
            NotFoundError: the segment was removed or replaced.
            DeniedError: the mode of the segment forbids it.
            IpcError: EAGAIN, another process holds a lease on the segment.
        """
        from pyipcs.posix import attachment  # loading it later would leave the descriptor open

        with kernel_errors():
            descriptor = self._open(os.O_RDONLY if read_only else os.O_WRONLY)
            return attachment.PosixAttachment(descriptor)

    def _resize(self, size: int) -> None:
        """Change the size; shrink only a segment that no other process uses.

        A process that has mapped pages beyond the new end would get SIGBUS.
        """
        from pyipcs.posix import files, lease

        if size > LONG_MAX:
            raise ipc_error(errno.EFBIG)
        found, _ = self._examine()
        descriptor = files.open_file(shm(), self.entry, os.O_RDWR, identity(found))
        try:
            with kernel_errors():
                present = os.fstat(descriptor).st_size
                if size > present:
                    # ftruncate(2) would shrink a segment that has grown meanwhile.
                    os.posix_fallocate(descriptor, size - 1, 1)
                elif size < present:
                    lease.check_supported_in(shm())
                    with lease.write_lease(descriptor):
                        lease.check_held(descriptor)
                        os.ftruncate(descriptor, size)
        finally:
            os.close(descriptor)
