"""Records of a stream, read in blocks to limit memory."""

import os
import select
import sys
from collections.abc import Callable, Iterator
from typing import Self

from pyipcs.errors import CommandError
from pyipcs.process.nonblocking import NonBlockingFile, ready

_NUL = b"\0"
_BLOCK = 1 << 15  # bytes of a read(2)


class TooLongError(ValueError):
    """A record that exceeds the size limit."""

    def __init__(self, size: int) -> None:
        super().__init__(f"more than {size} characters")
        self.size = size


class Stream:
    """Standard input or a file, split into records.

    Attributes:
        name: the name of the stream in messages.
        descriptor: the open descriptor, for poll(2).
    """

    def __init__(self, path: str, separator: bytes | None) -> None:
        """Open the stream.

        Args:
            path: the path of a file, or - for standard input.
            separator: the byte that ends a record; the last record may lack it. None makes the
                whole stream one record.

        Raises:
            CommandError: the stream cannot be read.
        """
        self._separator = separator
        self._read_bytes = 0
        self._is_named = path != "-"
        self.name = (path or "''") if self._is_named else "standard input"
        try:
            self.descriptor = _open(path) if self._is_named else _standard_input()
            self._source = NonBlockingFile(self.descriptor, os.O_RDONLY)
            os.read(self.descriptor, 0)  # fails for a directory or a write-only descriptor
        except OSError as error:
            raise CommandError(f"{self.name}: {error.strerror}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._source.close()
        if self._is_named:
            os.close(self.descriptor)

    def label(self, number: int) -> str:
        """Return the name of a record in messages; numbers start at 1."""
        if self._separator is None:
            return self.name
        return f"{'record' if self._separator == _NUL else 'line'} {number}"

    @property
    def size(self) -> int | None:
        """The number of remaining bytes; None if it is unknown."""
        if not self._source.is_file:
            return None
        return max(os.fstat(self.descriptor).st_size - self.position, 0)

    @property
    def position(self) -> int:
        """The file offset (lseek(2))."""
        return os.lseek(self.descriptor, 0, os.SEEK_CUR)

    @position.setter
    def position(self, position: int) -> None:
        os.lseek(self.descriptor, position, os.SEEK_SET)
        self._read_bytes = 0

    def read_bytes(self) -> int:
        """Return the number of bytes of all batches since the position was set."""
        return self._read_bytes

    def batches(self, wait: Callable[[], object], most: int) -> Iterator[list[bytes]]:
        """Yield the records of each block.

        Args:
            wait: a function that waits for data; called before each read.
            most: the limit of an incomplete record in bytes; complete records may exceed it.

        Raises:
            TooLongError: an incomplete record exceeds the limit.
            CommandError: the stream cannot be read.
        """
        parts: list[bytes] = []  # of the incomplete record
        length = 0
        while block := self._read(wait):
            self._read_bytes += len(block)
            parts.append(block)
            length += len(block)
            if self._separator is not None and self._separator in block:
                *records, rest = b"".join(parts).split(self._separator)
                yield records
                parts, length = [rest], len(rest)
            elif length > most:
                raise TooLongError(most)
        if length or self._separator is None:
            yield [b"".join(parts)]

    def fill(self, buffer: memoryview) -> int:
        """Read at least one byte into a buffer; return the count, 0 at the end.

        Raises:
            CommandError: the stream cannot be read.
        """
        while True:
            try:
                return os.readv(self.descriptor, [buffer])
            except BlockingIOError:
                ready(self.descriptor, select.POLLIN)
            except OSError as error:
                raise CommandError(f"{self.name}: {error.strerror}") from None

    def _read(self, wait: Callable[[], object]) -> bytes:
        while True:
            wait()
            try:
                return self._source.read(_BLOCK)
            except BlockingIOError:  # another reader was faster
                continue
            except OSError as error:
                raise CommandError(f"{self.name}: {error.strerror}") from None


def _open(path: str) -> int:
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def _standard_input() -> int:
    import fcntl

    if sys.stdin is None:
        raise CommandError("standard input is closed")
    descriptor = sys.stdin.fileno()
    if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY:
        raise CommandError("standard input is not open for reading")
    return descriptor
