"""The loop of a stream of lines, which a signal or its reader ends."""

import time
from collections.abc import Callable, Iterable
from typing import NoReturn

from pyipcs.process.interruptible import InterruptibleWait
from pyipcs.terminal.streams import Output
from pyipcs.terminal.writer import InterruptibleWriter
from pyipcs.text import visible


def stream(output: Output, interval: float, render: Callable[[], Iterable[str]]) -> NoReturn:
    """Write the chunks of `render` at each tick, `interval` seconds apart.

    Raises:
        StoppedError: a signal arrived, or the reader is gone (SIGPIPE).
        CommandError: standard output is closed, or a write failed.
    """
    descriptor = output.descriptor()
    with (
        InterruptibleWait(reader=descriptor) as waiting,
        InterruptibleWriter(descriptor, output.encoding, waiting) as writer,
    ):
        while True:
            for chunk in render():
                writer.write(visible(chunk) if output.is_terminal else chunk)
                waiting.check()
            next_tick = time.monotonic() + interval
            while (rest := next_tick - time.monotonic()) > 0:
                waiting.sleep(rest)
