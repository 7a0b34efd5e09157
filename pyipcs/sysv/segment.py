"""Shared memory segments."""

import errno
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import sysv_ipc

from pyipcs.model import Kind, Record, Segment
from pyipcs.sysv import procfs
from pyipcs.sysv.handle import SYSV_IPC_ERRORS, Handle, sysv_ipc_error

if TYPE_CHECKING:
    from pyipcs.sysv.attachment import Attachment


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
        from pyipcs.sysv import abi, libc

        return cls(libc.shmget(key, size, abi.IPC_CREAT | abi.IPC_EXCL | mode))

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
        except SYSV_IPC_ERRORS as error:
            raise sysv_ipc_error(error, errno.ENOENT) from None

    def attach(self, *, read_only: bool) -> "Attachment":
        """Attach the segment to this process (shmat(2)).

        Args:
            read_only: attach without the right to write, which needs no write permission.

        Raises:
            NotFoundError: the segment is gone.
            DeniedError: its mode forbids it.
            IpcError: ENOMEM, this process's address space has no room for it.
        """
        from pyipcs.sysv.attachment import Attachment

        with self._present():
            return Attachment(self.id, read_only=read_only)

    def lock(self, *, locked: bool) -> None:
        """Keep the segment in memory, or let it be swapped again (SHM_LOCK, SHM_UNLOCK).

        Raises:
            NotFoundError: the segment is gone.
            DeniedError: the caller neither owns nor created it, or may lock nothing at all.
            IpcError: ENOMEM, it goes over RLIMIT_MEMLOCK.
        """
        from pyipcs.sysv import libc

        with self._present():
            libc.lock(self.id, locked=locked)

    def listed(self) -> Record:
        """The segment's record, with rss and swap, which only /proc/sysvipc tells."""
        (record,) = with_residency([self.stat()])
        return record


def with_residency(records: Sequence[Record]) -> list[Record]:
    """Records, those of segments with rss and swap; however many, /proc/sysvipc is read once."""
    shmids = {record.id for record in records if isinstance(record, Segment)}
    listed = {
        row.id: row
        for listing in procfs.read(Kind.SEGMENT)
        for row in listing.select(shmids).records()
        if isinstance(row, Segment)
    }
    return [
        record._replace(rss=row.rss, swap=row.swap)
        if isinstance(record, Segment) and (row := listed.get(record.id))
        else record
        for record in records
    ]


def is_rmid_forced() -> bool:
    """Return whether the kernel removes segments that no process has attached."""
    try:
        with open("/proc/sys/kernel/shm_rmid_forced") as setting:
            return setting.read().strip() != "0"
    except OSError:  # no /proc, or a kernel before 3.1
        return False
