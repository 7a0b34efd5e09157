"""Shared memory segments."""

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Self

import sysv_ipc

from pyipcs.errors import IpcError, ipc_error
from pyipcs.model import Kind, Record, Segment
from pyipcs.sysv import procfs
from pyipcs.sysv.handle import SYSV_IPC_ERRORS, Handle, sysv_ipc_error

_PAGE = os.sysconf("SC_PAGESIZE")
_PIECE = 1 << 20  # bytes: many pages, so that a call a piece costs nothing
_BUFFER = 1 << 18  # bytes: more than a pipe usually holds, and less than a processor's cache


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
        except SYSV_IPC_ERRORS as error:
            raise sysv_ipc_error(error, errno.EINVAL) from None

    def attach(self, *, read_only: bool) -> "Attachment":
        """The segment in this process's memory.

        Raises:
            NotFoundError: the segment is gone.
            DeniedError: its mode forbids it.
            IpcError: ENOMEM, there is no room for it among this process's addresses.
        """
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


class Attachment:
    """A segment in the memory of this process (shmat(2)), of which pages stay only while in use.

    Attributes:
        size: the segment's, in bytes.
    """

    def __init__(self, shmid: int, *, read_only: bool) -> None:
        """Attach a segment.

        Args:
            shmid: it.
            read_only: ask for no right to write to it, and have none.

        Raises:
            DeniedError: its mode forbids it.
            IpcError: EINVAL, there is no such segment; ENOMEM, there is no room for it among this
                process's addresses.
        """
        try:
            self._memory = sysv_ipc.attach(shmid, None, sysv_ipc.SHM_RDONLY if read_only else 0)
            # These ask the kernel once more, which may refuse it now.
            self.size: int = self._memory.size
            view = memoryview(self._memory)
        except ValueError:  # which is all that the engine says of it
            raise ipc_error(errno.EINVAL) from None
        except SYSV_IPC_ERRORS as error:
            raise sysv_ipc_error(error, errno.EIDRM) from None
        # The engine's says that it can be written in any case, and doing so would be SIGSEGV.
        self._view = view.toreadonly() if read_only else view

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._view.release()
        self._memory.detach()

    def read(self, start: int, end: int) -> Iterator[bytes | memoryview]:
        """The bytes from one offset to another, piece by piece, each good until the next.

        Pages that the segment has not got yet are zeros. To touch them would make them, so that a
        segment larger than memory could not be read.
        """
        # Huge pages, which cannot be let go of one by one, would not be told by mincore(2). Of a
        # segment of one page there is no second one: something else is mapped there.
        has_holes = self.size > _PAGE and self._advise(_PAGE, 2 * _PAGE, "DONTNEED")
        for begin, stop in _cut(start, end):
            page = begin - begin % _PAGE
            there = self._there(page, stop) if has_holes else b""
            for is_there, from_, to in _runs(there, page, begin, stop):
                if is_there:
                    self._advise(from_, to, "POPULATE_READ")
                yield self._view[from_:to] if is_there else bytes(to - from_)
            self._advise(begin, stop, "DONTNEED")

    def write(self, start: int, data: bytes | memoryview) -> None:
        """Write data from an offset on, and make no page resident but those of the data."""
        view = memoryview(data)
        for begin, stop in _cut(start, start + len(view)):
            self._store(begin, view[begin - start : stop - start])
            self._advise(begin, stop, "DONTNEED")

    def fill(self, start: int, source: Callable[[memoryview], int]) -> int:
        """Write what a source reads from an offset on; return the offset after it.

        The source reads into a buffer and not into the segment: a read(2) that returns fewer bytes
        than it has room for may make all pages of the room resident.

        Args:
            start: the first offset.
            source: reads into a part of its argument and returns the number of bytes; 0 is the end.
        """
        room = memoryview(bytearray(min(_BUFFER, self.size - start)))
        for begin, stop in _cut(start, self.size):
            done = begin
            while done < stop:
                count = source(room[: stop - done])
                if not count:
                    return done
                self._store(done, room[:count])
                done += count
            self._advise(begin, stop, "DONTNEED")
        return self.size

    def _store(self, start: int, data: memoryview) -> None:
        """Copy data into pages that come at once and not with a fault each."""
        stop = start + len(data)
        if len(data) > _PAGE:
            self._advise(start, stop, "POPULATE_WRITE")
        self._view[start:stop] = data

    def _there(self, begin: int, end: int) -> bytes:
        """Which pages the segment has, a byte a page; empty if all of them.

        What is not in memory may be in swap. Then all pages count as there, which is slower, and
        right.
        """
        from pyipcs.process import libc

        ask = partial(libc.resident, self._memory.address + begin, end - begin)
        if 0 not in ask() or _is_swapped():
            return b""
        pages = ask()  # again, for between the two something may have gone into swap
        return b"" if _is_swapped() else pages

    def _advise(self, begin: int, end: int, advice: str) -> bool:
        """Give an advice of madvise(2) for pages; whether it was taken."""
        from pyipcs.process import libc

        begin -= begin % _PAGE
        try:
            libc.madvise(self._memory.address + begin, end - begin, getattr(libc, f"MADV_{advice}"))
        except IpcError:
            return False
        return True


def _is_swapped() -> bool:
    """Return whether a part of any segment is in swap, or may be."""
    from pyipcs.sysv import limits

    try:
        pages = limits.usage(Kind.SEGMENT)._asdict()["shm_swp"]
    except IpcError:
        return True
    return pages is None or pages > 0


def _cut(start: int, end: int) -> Iterator[tuple[int, int]]:
    """From one offset to another in pieces that end where pages end."""
    while start < end:
        stop = min(start - start % _PIECE + _PIECE, end)
        yield start, stop
        start = stop


def _runs(pages: bytes, page: int, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Pages that are there, and those that are not, in turn: which, from where, and to where."""
    if not pages:
        yield 1, begin, end
        return
    for is_there, group in groupby(pages):
        page += _PAGE * sum(1 for _ in group)
        stop = min(page, end)
        yield is_there, begin, stop
        begin = stop
