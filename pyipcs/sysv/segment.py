"""Shared memory segments."""

import errno
from typing import Self

import sysv_ipc

from pyipcs.model import Kind, Record
from pyipcs.sysv import proc
from pyipcs.sysv.handle import ENGINE_ERRORS, Handle, engine_error


class SharedMemory(Handle):
    """A shared memory segment by its shmid."""

    kind = Kind.SEGMENT

    @classmethod
    def create(cls, key: int, mode: int, size: int) -> Self:
        """A new segment of `size` bytes, none of which is touched (shmget(2) with IPC_EXCL).

        Raises:
            ExistsError: the key is taken.
            LimitError: there are shmmni segments, or the segments would exceed shmall pages.
            IpcError: EINVAL, the size is over shmmax.
        """
        from pyipcs.sysv import libc

        return cls(libc.shmget(key, size, libc.IPC_CREAT | libc.IPC_EXCL | mode))

    @classmethod
    def find(cls, key: int, size: int = 0) -> Self:
        """The segment that has the key.

        Raises:
            NotFoundError: there is none.
            IpcError: EINVAL, it has fewer than `size` bytes.
        """
        from pyipcs.sysv import libc

        return cls(libc.shmget(key, size, 0))

    @staticmethod
    def remove_id(object_id: int) -> None:
        """Remove a segment, which goes when the last process detaches."""
        try:
            sysv_ipc.remove_shared_memory(object_id)
        except ENGINE_ERRORS as error:
            raise engine_error(error, errno.EINVAL) from None

    def listed(self) -> Record:
        """The segment's record, with rss and swap, which only /proc/sysvipc tells."""
        record = self.stat()
        listed = (row for row in proc.records(self.kind) if row.id == self.id)
        return next(listed, record)
