"""Records of a stream: read in blocks, so that memory stays flat however long it is."""

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
    """A record is longer than anybody wants to hold."""

    def __init__(self, size: int) -> None:
        super().__init__(f"more than {size} characters")
        self.size = size


class Stream:
    """Standard input or a file, as records that a separator ends."""

    def __init__(self, path: str, separator: bytes | None) -> None:
        """Open the stream.

        Args:
            path: a file, or - for standard input.
            separator: one byte that ends a record, also left out behind the last one; None makes
                all one record.

        Raises:
            CommandError: it cannot be read.
        """
        self._separator = separator
        self._own = path != "-"
        self.name = (path or "''") if self._own else "standard input"
        try:
            self.descriptor = _opened(path) if self._own else _standard_input()
            self._source = NonBlockingFile(self.descriptor, os.O_RDONLY)
            os.read(self.descriptor, 0)  # which a directory refuses, or what is for writing only
        except OSError as error:
            raise CommandError(f"{self.name}: {error.strerror}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._source.close()
        if self._own:
            os.close(self.descriptor)

    def label(self, number: int) -> str:
        """What the record of a number, from 1, is called in messages."""
        if self._separator is None:
            return self.name
        return f"{'record' if self._separator == _NUL else 'line'} {number}"

    @property
    def size(self) -> int | None:
        """The bytes that are left to read, where that is known."""
        if not self._source.is_file:
            return None
        return max(os.fstat(self.descriptor).st_size - self.position, 0)

    @property
    def position(self) -> int:
        """Where a file stands."""
        return os.lseek(self.descriptor, 0, os.SEEK_CUR)

    @position.setter
    def position(self, position: int) -> None:
        os.lseek(self.descriptor, position, os.SEEK_SET)

    def batches(self, wait: Callable[[], object], most: int) -> Iterator[list[bytes]]:
        """The records, as many at once as a block holds.

        Args:
            wait: called before each read, to wait for what can be read.
            most: the characters of an unfinished record at which reading it stops; finished ones
                are not looked at.

        Raises:
            TooLongError: an unfinished record has more.
            CommandError: the stream cannot be read.
        """
        parts: list[bytes] = []  # of what is not at its end yet
        length = 0
        while block := self._read(wait):
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

    def fill(self, room: memoryview) -> int:
        """Read into a part of the room, at least a byte; how many bytes came, 0 at the end.

        Raises:
            CommandError: the stream cannot be read.
        """
        while True:
            try:
                return os.readv(self.descriptor, [room])
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


def _opened(path: str) -> int:
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def _standard_input() -> int:
    import fcntl

    if sys.stdin is None:
        raise CommandError("standard input is closed")
    descriptor = sys.stdin.fileno()
    if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY:
        raise CommandError("standard input is not open for reading")
    return descriptor
