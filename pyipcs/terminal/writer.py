"""Writing to the terminal of a live view, interruptible by signals."""

import os
import select
import time
from contextlib import suppress
from io import StringIO
from typing import Self

from pyipcs.errors import CommandError, StoppedError
from pyipcs.process.interruptible import FINAL_MESSAGE_TIMEOUT, InterruptibleWait
from pyipcs.process.nonblocking import NonBlockingFile


class InterruptibleWriter(StringIO):
    """A terminal as a file whose writes stop waiting once a signal arrived.

    On exit, the rest is written if the terminal accepts it in time.
    """

    def __init__(self, descriptor: int, encoding: str, waiting: InterruptibleWait) -> None:
        """Prepare the terminal.

        Args:
            descriptor: the terminal.
            encoding: the terminal's encoding.
            waiting: the wait that signals interrupt.
        """
        super().__init__()
        self._encoding = encoding
        self._sink = NonBlockingFile(descriptor, os.O_WRONLY)
        self._writable = waiting.poller(descriptor, select.POLLOUT)
        self._rest = memoryview(b"")
        self._is_gone = False

    @property
    def encoding(self) -> str:  # type: ignore[override] # settable in typeshed
        """Return the terminal's encoding."""
        return self._encoding

    def fileno(self) -> int:
        """Return the terminal's descriptor."""
        return self._sink.descriptor

    def write(self, text: str) -> int:
        """Write text; keep the rest if a signal arrives.

        Raises:
            CommandError: the terminal is gone.
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
        except OSError as error:
            self._is_gone = True
            raise CommandError(f"write error: {error.strerror}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        deadline = time.monotonic() + FINAL_MESSAGE_TIMEOUT
        poll = select.poll()
        poll.register(self._sink.descriptor, select.POLLOUT)
        with suppress(CommandError):
            while self._rest and poll.poll(max(deadline - time.monotonic(), 0) * 1000):
                self._push()
        self._sink.close()
