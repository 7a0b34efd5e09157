"""Keys that the user types in a live view."""

import os
import re
import sys
from enum import Enum, auto
from typing import Self

from pyipcs.process.interruptible import InterruptibleWait
from pyipcs.process.nonblocking import NonBlockingFile

_SEQUENCE_LIMIT = 0.1  # seconds between the bytes of a key; a network may delay them
# CSI and SS3 sequences (ECMA-48, 5.4; xterm, ctlseqs), and their beginnings.
_SEQUENCE = re.compile(rb"\x1b(?:\[(?P<number>\d*)[0-?]*[ -/]*|O)(?P<final>[@-~])")
_BEGINNING = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|O)?")


class Key(Enum):
    """A key with a meaning in a live view; OTHER has none."""

    QUIT = auto()
    UP = auto()
    DOWN = auto()
    PAGE_UP = auto()
    PAGE_DOWN = auto()
    HOME = auto()
    END = auto()
    OTHER = auto()


_BY_FINAL = {b"A": Key.UP, b"B": Key.DOWN, b"H": Key.HOME, b"F": Key.END}
_BY_NUMBER = {
    **dict.fromkeys((b"1", b"7"), Key.HOME),
    **dict.fromkeys((b"4", b"8"), Key.END),
    b"5": Key.PAGE_UP,
    b"6": Key.PAGE_DOWN,
}


class Keyboard:
    """The keys of standard input, read byte by byte.

    No byte after the last key is read: it is for the shell.
    """

    def __init__(
        self,
        terminal: int,
        waiting: InterruptibleWait,
        *,
        source: int = 0,
        sequence_limit: float = _SEQUENCE_LIMIT,
    ) -> None:
        """Prepare the source if it is the terminal; otherwise it has no keys.

        Args:
            terminal: the descriptor of the terminal that shows the view.
            waiting: the wait that signals interrupt.
            source: the descriptor of standard input.
            sequence_limit: seconds to wait for the next byte of a key.
        """
        self._waiting = waiting
        self._sequence_limit = sequence_limit
        is_terminal = _is_same_terminal(source, terminal)
        self._file = NonBlockingFile(source, os.O_RDONLY) if is_terminal else None

    @property
    def has_keys(self) -> bool:
        """True if the user can type keys."""
        return self._file is not None

    def read(self, seconds: float) -> Key | None:
        """Wait for a key; return None after some seconds, or after a signal.

        Raises:
            StoppedError: a terminating signal arrived.
        """
        typed = b""
        while byte := self._read_byte(self._sequence_limit if typed else seconds):
            typed += byte
            if sequence := _SEQUENCE.fullmatch(typed):
                return _key_of(sequence)
            if not _BEGINNING.fullmatch(typed):
                typed = byte  # a byte that continues no sequence is a key of its own
            if byte != b"\x1b" and len(typed) == 1:
                return Key.QUIT if byte == b"q" else Key.OTHER
        return None

    def _read_byte(self, seconds: float) -> bytes:
        """Return the next byte, or none."""
        if self._file is None:
            self._waiting.sleep(seconds)
            return b""
        if not self._waiting.sleep(seconds, self._file.descriptor):
            return b""
        try:
            byte = self._file.read(1)
        except BlockingIOError:  # another process was faster
            return b""
        except OSError:  # the terminal has gone, or belongs to another job
            byte = b""
        if not byte:
            self.close()
        return byte

    def close(self) -> None:
        """Read no more keys."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def _key_of(sequence: re.Match[bytes]) -> Key:
    if sequence["final"] == b"~":
        return _BY_NUMBER.get(sequence["number"], Key.OTHER)
    return _BY_FINAL.get(sequence["final"], Key.OTHER)


def _is_same_terminal(source: int, terminal: int) -> bool:
    """Return True if the source is the terminal, perhaps opened as /dev/tty."""
    is_closed = source == 0 and sys.stdin is None  # another file may have its number
    if is_closed or not os.isatty(source):
        return False
    devices = {os.fstat(descriptor).st_rdev for descriptor in (source, terminal)}
    return len(devices - {os.makedev(5, 0)}) <= 1
