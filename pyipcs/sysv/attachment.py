"""Attached segments, read and written without allocating other pages.

The first access to a page allocates it, and a segment may be larger than memory. Therefore a page
without data is accessed only to store data, and each page stays mapped only while it is in use.
"""

import errno
import os
from collections.abc import Callable, Iterator
from functools import partial
from itertools import groupby
from typing import Self

import sysv_ipc

from pyipcs.errors import IpcError
from pyipcs.model import Kind
from pyipcs.process import libc
from pyipcs.sysv.handle import SYSV_IPC_ERRORS, sysv_ipc_error

_PAGE = os.sysconf("SC_PAGESIZE")
_PIECE = 1 << 20  # bytes: many pages, to make few calls
_BUFFER = 1 << 18  # bytes: more than most pipes hold, less than a processor's cache


class Attachment:
    """A segment in the memory of this process (shmat(2)).

    Attributes:
        size: the size of the segment in bytes.
        written: the number of bytes that were written.
    """

    def __init__(self, shmid: int, *, read_only: bool) -> None:
        """Attach a segment.

        Args:
            shmid: the id of the segment.
            read_only: True to attach for reading only, without write permission.

        Raises:
            DeniedError: the mode of the segment forbids it.
            IpcError: EINVAL, there is no such segment; ENOMEM, the address space of this process
                has no room for the segment.
        """
        try:
            self._memory = sysv_ipc.attach(shmid, None, sysv_ipc.SHM_RDONLY if read_only else 0)
            view = memoryview(self._memory)  # this reads the size from the kernel, and may fail
        except SYSV_IPC_ERRORS as error:
            raise sysv_ipc_error(error, errno.EIDRM) from None
        self.size = view.nbytes
        self.written = 0
        # The view of sysv_ipc is always writable, but a write would cause SIGSEGV.
        self._view = view.toreadonly() if read_only else view

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._view.release()
        self._memory.detach()

    def read(self, start: int, end: int) -> Iterator[bytes | memoryview]:
        """Yield the bytes of a range in pieces; each is valid until the next.

        Pages without data yield zeros, and are not allocated.
        """
        # mincore(2) does not report huge pages; MADV_DONTNEED detects them, because it fails for a
        # part of a huge page. A segment of one page has no second page to test.
        has_holes = self.size > _PAGE and self._advise(_PAGE, 2 * _PAGE, libc.MADV_DONTNEED)
        for begin, stop in _cut(start, end):
            page = begin - begin % _PAGE
            resident = self._resident(page, stop) if has_holes else b""
            for is_resident, from_, to in _runs(resident, page, begin, stop):
                if is_resident:
                    self._advise(from_, to, libc.MADV_POPULATE_READ)
                yield self._view[from_:to] if is_resident else bytes(to - from_)
            self._advise(begin, stop, libc.MADV_DONTNEED)

    def write(self, start: int, data: bytes | memoryview) -> None:
        """Write data from an offset on; allocate only the pages of the data."""
        view = memoryview(data)
        for begin, stop in _cut(start, start + len(view)):
            self._store(begin, view[begin - start : stop - start])
            self._advise(begin, stop, libc.MADV_DONTNEED)

    def fill(self, start: int, source: Callable[[memoryview], int]) -> int:
        """Write the data of a source from an offset on; return the end offset.

        The source reads into a buffer instead of the segment, because a read(2) may allocate all
        pages of its buffer even if it returns few bytes.

        Args:
            start: the first offset.
            source: a function that reads bytes into the beginning of its argument and returns their
                number; 0 is the end.
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
            self._advise(begin, stop, libc.MADV_DONTNEED)
        return self.size

    def _store(self, start: int, data: memoryview) -> None:
        """Copy data; allocate the pages in one call, without page faults."""
        stop = start + len(data)
        if len(data) > _PAGE:
            self._advise(start, stop, libc.MADV_POPULATE_WRITE)
        self._view[start:stop] = data
        self.written += len(data)

    def _resident(self, begin: int, end: int) -> bytes:
        """Return a byte for each page, 0 for a page without data.

        The result is empty if all pages have data. A page that is not in memory may be in swap: if
        any segment has pages in swap, all pages count as having data. That is slower, but safe.
        """
        ask = partial(libc.mincore, self._memory.address + begin, end - begin)
        if 0 not in ask() or _has_swapped_pages():
            return b""
        pages = ask()  # again, because a page may have been swapped out between the two calls
        return b"" if _has_swapped_pages() else pages

    def _advise(self, begin: int, end: int, advice: int) -> bool:
        """Call madvise(2) for the pages of a range; return True on success."""
        begin -= begin % _PAGE
        try:
            libc.madvise(self._memory.address + begin, end - begin, advice)
        except IpcError:
            return False
        return True


def _has_swapped_pages() -> bool:
    """Return True if a part of any segment is, or may be, in swap."""
    from pyipcs.sysv import limits

    try:
        pages = limits.usage(Kind.SEGMENT).shm_swp
    except IpcError:
        return True
    return pages is None or pages > 0


def _cut(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Split a range into pieces that end at page boundaries."""
    while start < end:
        stop = min(start - start % _PIECE + _PIECE, end)
        yield start, stop
        start = stop


def _runs(pages: bytes, page: int, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield runs of pages with and without data: flag, start, end."""
    if not pages:
        yield 1, begin, end
        return
    for is_resident, group in groupby(pages):
        page += _PAGE * sum(1 for _ in group)
        stop = min(page, end)
        yield is_resident, begin, stop
        begin = stop
