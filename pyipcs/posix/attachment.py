"""Open POSIX segments, read and written by system calls.

No page is mapped: the access to one would cause SIGBUS if the file system is full, or if another
process has truncated the file. Reading does not use splice(2) either: the pipe would hold pages of
the segment, and later changes of the segment would change the bytes in the pipe.
"""

import errno
import os
from collections.abc import Callable, Iterator
from typing import Self

from pyipcs.errors import IpcError, LimitError, ipc_error
from pyipcs.posix.directory import BLOCK
from pyipcs.posix.handle import kernel_errors
from pyipcs.text import plural

_PIECE = 1 << 18  # bytes: few calls, and much less than a processor's cache


class PosixAttachment:
    """An open segment.

    Attributes:
        size: the size of the segment in bytes, at its opening.
        written: the number of bytes that were written.
    """

    def __init__(self, descriptor: int) -> None:
        """Take over an open descriptor."""
        status = os.fstat(descriptor)
        self._descriptor = descriptor
        self.size = status.st_size
        self.written = 0
        # Without holes their search is left out: the kernel visits each page for it.
        self._has_holes = status.st_blocks * BLOCK < status.st_size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self._descriptor)

    def read(self, start: int, end: int) -> Iterator[bytes | memoryview]:
        """Yield the bytes of a range in pieces; each is valid until the next.

        Holes yield zeros, and are not read.

        Raises:
            IpcError: ENXIO, another process has truncated the segment; EIO.
        """
        buffer = memoryview(bytearray(min(_PIECE, end - start)))
        while start < end:
            begin, stop = self._next_data(start, end)
            yield from _zeros(begin - start)
            while begin < stop:
                count = self._read(buffer[: stop - begin], begin)
                yield buffer[:count]
                begin += count
            start = stop

    def write(self, start: int, data: bytes | memoryview) -> None:
        """Write data from an offset on; allocate only the pages of the data.

        Raises:
            LimitError: the file system is full.
            IpcError: ENXIO, another process has truncated the segment; EFBIG, RLIMIT_FSIZE.
        """
        rest = memoryview(data)
        while rest:
            count = self._write(rest[:_PIECE], start)
            self.written += count
            start += count
            rest = rest[count:]

    def fill(self, start: int, source: Callable[[memoryview], int]) -> int:
        """Write the data of a source from an offset on; return the end offset.

        Args:
            start: the first offset.
            source: a function that reads bytes into the beginning of its argument and returns their
                number; 0 is the end.

        Raises:
            LimitError, IpcError: see `write`.
        """
        room = memoryview(bytearray(min(_PIECE, self.size - start)))
        while start < self.size:
            count = source(room[: self.size - start])
            if not count:
                break
            self.write(start, room[:count])
            start += count
        return start

    @kernel_errors()
    def _next_data(self, start: int, end: int) -> tuple[int, int]:
        """Return the next range with data, or an empty one at the end."""
        if not self._has_holes:
            return start, end
        try:
            begin = os.lseek(self._descriptor, start, os.SEEK_DATA)
            if begin < end:
                return begin, min(os.lseek(self._descriptor, begin, os.SEEK_HOLE), end)
        except OSError as error:
            if error.errno == errno.EINVAL:  # a file system without SEEK_DATA
                return start, end
            if error.errno != errno.ENXIO:  # no data up to the end of the file
                raise
            self._check_size(end)
        return end, end

    def _read(self, buffer: memoryview, start: int) -> int:
        try:
            count = os.preadv(self._descriptor, [buffer], start)
        except OSError as error:  # `kernel_errors` would take as long as a small read
            raise ipc_error(error.errno or errno.EIO) from None
        if not count:
            self._check_size(start + 1)
        return count

    @kernel_errors()
    def _write(self, data: memoryview, start: int) -> int:
        # A write past the end would enlarge the segment again.
        self._check_size(start + len(data))
        try:
            return os.pwrite(self._descriptor, data, start)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise LimitError(errno.ENOSPC, "/dev/shm is full") from None
            raise

    def _check_size(self, end: int) -> None:
        """Check that the segment has the bytes before an offset.

        Raises:
            IpcError: ENXIO, it has not.
        """
        size = os.fstat(self._descriptor).st_size
        if size < end:
            raise IpcError(errno.ENXIO, f"the segment has shrunk to {plural(size, 'byte')}")


def _zeros(count: int) -> Iterator[memoryview]:
    """Yield a number of zero bytes in pieces."""
    zeros = memoryview(bytes(min(_PIECE, count)))
    while count > 0:
        yield zeros[:count]
        count -= len(zeros)
