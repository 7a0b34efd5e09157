"""Shared memory segments."""

import errno
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self, cast

import sysv_ipc

from pyipcs.model import Kind, Segment, SysvRecord
from pyipcs.sysv import procfs
from pyipcs.sysv.handle import SYSV_IPC_ERRORS, Handle, sysv_ipc_error
from pyipcs.sysv.keys import key_of

if TYPE_CHECKING:
    from pyipcs.sysv.attachment import Attachment


class SharedMemory(Handle):
    """A shared memory segment by its shmid."""

    kind = Kind.SEGMENT

    @classmethod
    def create(cls, key: int, mode: int, size: int) -> Self:
        """Create a segment (shmget(2) with IPC_EXCL); allocate no page.

        Raises:
            ExistsError: another segment has the key.
            LimitError: there are shmmni segments, or the segments would exceed shmall pages.
            IpcError: EINVAL, the size is larger than shmmax.
        """
        from pyipcs.sysv import abi, libc

        return cls(libc.shmget(key_of(key), size, abi.IPC_CREAT | abi.IPC_EXCL | mode))

    @classmethod
    def find(cls, key: int, size: int = 0) -> Self:
        """Return the segment with a key; this requires no permission.

        Raises:
            NotFoundError: no segment has the key.
            IpcError: EINVAL, the segment has fewer than `size` bytes.
        """
        from pyipcs.sysv import libc

        return cls(libc.shmget(key_of(key), size, 0))

    @staticmethod
    def remove_id(object_id: int) -> None:
        """Remove a segment; the kernel destroys it when no process attaches it.

        Raises:
            NotFoundError: no segment has this id.
            DeniedError: the caller neither owns nor created the segment.
        """
        try:
            sysv_ipc.remove_shared_memory(object_id)
        except SYSV_IPC_ERRORS as error:
            raise sysv_ipc_error(error, errno.ENOENT) from None

    @property
    def record(self) -> Segment:
        """The last record that this handle has read; the first access reads it."""
        return cast(Segment, super().record)

    def stat(self) -> Segment:
        """Read the segment's record, without rss and swap."""
        return cast(Segment, super().stat())

    def details(self, record: SysvRecord | None = None) -> Segment:
        """Return the segment's record with rss and swap, from /proc/sysvipc.

        Args:
            record: the record to complete; None for the last one that was read.

        Raises:
            NotFoundError: there is no such segment.
        """
        (completed,) = with_residency([self.record if record is None else record])
        return cast(Segment, completed)

    def attach(self, *, read_only: bool) -> "Attachment":
        """Attach the segment to this process (shmat(2)).

        Args:
            read_only: True to attach for reading only, without write permission.

        Raises:
            NotFoundError: the segment was removed.
            DeniedError: the mode of the segment forbids it.
            IpcError: ENOMEM, the address space of this process has no room for the segment.
        """
        from pyipcs.sysv.attachment import Attachment

        with self._translated():
            return Attachment(self.id, read_only=read_only)

    def lock(self, *, locked: bool) -> None:
        """Lock the segment in memory, or unlock it (SHM_LOCK, SHM_UNLOCK).

        Raises:
            NotFoundError: the segment was removed.
            DeniedError: the caller neither owns nor created the segment, or its RLIMIT_MEMLOCK
                is 0.
            IpcError: ENOMEM, RLIMIT_MEMLOCK is exceeded.
        """
        from pyipcs.sysv import libc

        with self._translated():
            libc.lock(self.id, locked=locked)
        self._record = None


def with_residency(records: Sequence[SysvRecord]) -> list[SysvRecord]:
    """Return records, with the rss and swap of segments.

    Read /proc/sysvipc once for all records.
    """
    shmids = {record.id for record in records if isinstance(record, Segment)}
    rows = {
        row.id: row
        for listing in procfs.read(Kind.SEGMENT)
        for row in listing.select(shmids).records()
        if isinstance(row, Segment)
    }
    return [
        record._replace(rss=row.rss, swap=row.swap)
        if isinstance(record, Segment) and (row := rows.get(record.id))
        else record
        for record in records
    ]


def is_rmid_forced() -> bool:
    """Return True if the kernel removes segments that no process has attached."""
    from pyipcs.process import sysctl

    # The parameter is missing without /proc, and before Linux 3.1.
    return sysctl.read("kernel.shm_rmid_forced") not in {"", "0"}
