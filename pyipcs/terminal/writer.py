"""The terminal under a live view: written to in a way that a signal ends."""

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
    """The terminal as a file, which does not wait for it once a signal is to end the program.

    What has not been written by then is, as far as the terminal takes it in time, on leaving.
    """

    def __init__(self, descriptor: int, encoding: str, watch: InterruptibleWait) -> None:
        """Where to write.

        Args:
            descriptor: the terminal.
            encoding: what it reads.
            watch: tells of signals.
        """
        super().__init__()
        self._encoding = encoding
        self._sink = NonBlockingFile(descriptor, os.O_WRONLY)
        self._writable = watch.poller(descriptor, select.POLLOUT)
        self._rest = memoryview(b"")
        self._gone = False

    @property
    def encoding(self) -> str:  # type: ignore[override] # typeshed has it that it can be set
        """That of the terminal."""
        return self._encoding

    def fileno(self) -> int:
        """The terminal's descriptor."""
        return self._sink.descriptor

    def write(self, text: str) -> int:
        """Write, or keep, what is to be seen.

        Raises:
            CommandError: the terminal has gone.
        """
        self._rest = memoryview(bytes(self._rest) + text.encode(self._encoding, "replace"))
        with suppress(StoppedError):  # which the watch will tell of
            while self._rest and not self._gone:
                self._writable()
                self._push()
        return len(text)

    def _push(self) -> None:
        try:
            with suppress(BlockingIOError):
                self._rest = self._rest[self._sink.write(self._rest) :]
        except OSError as error:
            self._gone = True
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
