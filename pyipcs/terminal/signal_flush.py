"""Writing of the buffered text before a signal ends the program."""

import os
import select
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from pyipcs.process.nonblocking import FinalWait, NonBlockingFile, ready
from pyipcs.process.signals import terminating_signals
from pyipcs.terminal.streams import Output


@contextmanager
def flushed_at_signals(output: Output) -> Iterator[None]:
    """Let signals end the program only after the buffered text is written."""
    descriptor = output.open_descriptor
    if descriptor is None:
        yield
        return
    signals = terminating_signals()
    writer = _Writer(descriptor, signals)

    def end_by(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        with suppress(OSError):
            writer.take(output.take_buffered)
            writer.push_in_time()
        os.kill(os.getpid(), number)

    former = {number: signal.signal(number, end_by) for number in signals}
    try:
        with output.written_by(writer.write):
            yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
        writer.close()


class _Writer:
    """A writer whose rest is exact whenever a handler of signals runs."""

    def __init__(self, descriptor: int, signals: set[int]) -> None:
        self._sink = NonBlockingFile(descriptor, os.O_WRONLY)
        self._signals = signals
        self._rest = memoryview(b"")
        self.close = self._sink.close

    def write(self, take: Callable[[], bytes]) -> None:
        """Write all bytes that `take` returns; a handler of signals may run meanwhile."""
        self.take(take)
        while self._rest:
            ready(self._sink.descriptor, select.POLLOUT)
            self._push()

    def take(self, take: Callable[[], bytes]) -> None:
        """Add bytes to the rest."""
        with self._blocked_signals():
            self._rest = memoryview(bytes(self._rest) + take())

    def push_in_time(self) -> None:
        """Write the rest, except what the stream does not accept in time."""
        wait = FinalWait(self._sink.descriptor)
        while self._rest and wait.is_writable():
            self._push()

    def _push(self) -> None:
        with self._blocked_signals(), suppress(BlockingIOError):
            self._rest = self._rest[self._sink.write(self._rest) :]

    @contextmanager
    def _blocked_signals(self) -> Iterator[None]:
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, self._signals)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
