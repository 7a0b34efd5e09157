"""Writing of a live view or a stream of changes, interruptible by signals."""

import os
import select
from contextlib import suppress
from io import StringIO
from typing import Self

from pyipcs.errors import CommandError, StoppedError
from pyipcs.process.interruptible import InterruptibleWait
from pyipcs.process.nonblocking import FinalWait, NonBlockingFile


class InterruptibleWriter(StringIO):
    """A file whose writes end at a signal, or when the reader is gone.

    On exit, the rest is written if the file accepts it in time.
    """

    def __init__(self, descriptor: int, encoding: str, waiting: InterruptibleWait) -> None:
        """Prepare the output.

        Args:
            descriptor: a terminal, or any output.
            encoding: its encoding.
            waiting: the wait that signals interrupt.
        """
        super().__init__()
        self._encoding = encoding
        self._sink = NonBlockingFile(descriptor, os.O_WRONLY)
        self._waiting = waiting
        self._writable = waiting.poller(descriptor, select.POLLOUT)
        self._rest = memoryview(b"")
        self._is_gone = False

    @property
    def encoding(self) -> str:  # type: ignore[override] # settable in typeshed
        """Return the encoding."""
        return self._encoding

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._sink.descriptor

    def write(self, text: str) -> int:
        """Write text; keep the rest if a signal arrives.

        Raises:
            CommandError: the write failed, for example because the terminal is gone.
        """
        self._rest = memoryview(bytes(self._rest) + text.encode(self._encoding, "replace"))
        with suppress(StoppedError):  # `waiting` raises it again
            while self._rest and not self._is_gone:
                self._writable()
                self._push()
        return len(text)

    def _push(self) -> None:
        try:
            with suppress(BlockingIOError):
                self._rest = self._rest[self._sink.write(self._rest) :]
        except BrokenPipeError:
            self._is_gone = True
            self._waiting.note_closed_reader()
        except OSError as error:
            self._is_gone = True
            raise CommandError(f"write error: {error.strerror}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        wait = FinalWait(self._sink.descriptor)
        with suppress(CommandError):
            while self._rest and not self._is_gone and wait.is_writable():
                self._push()
        self._sink.close()
