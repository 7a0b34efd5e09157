"""The loop of a live view, which a signal ends."""

import os
import signal
import time
from collections.abc import Callable, Iterable
from types import FrameType
from typing import NoReturn, TypeAlias

from pyipcs.process.interruptible import InterruptibleWait
from pyipcs.terminal.capabilities import TerminalCapabilities
from pyipcs.terminal.live_screen import Screen
from pyipcs.terminal.streams import Output
from pyipcs.terminal.writer import InterruptibleWriter

_HEAD_HEIGHT = 6  # lines: a terminal of this height or less shows no heading
FrameRenderer: TypeAlias = Callable[[TerminalCapabilities], Iterable[str]]


def watch(output: Output, interval: float, render: FrameRenderer) -> NoReturn:
    """Show a frame every `interval` seconds, and when the size changes.

    Raises:
        StoppedError: a signal arrived; the terminal is restored.
        CommandError: the terminal is gone.
    """

    def frame() -> tuple[str, TerminalCapabilities]:
        capabilities = output.terminal_capabilities()
        has_head = capabilities.height > _HEAD_HEIGHT
        head = f"Every {interval:g}s: {time.ctime()}\n\n" if has_head else ""
        return head + "".join(render(capabilities)), capabilities

    with InterruptibleWait() as waiting, _TerminalSignals() as signals:
        shown = frame()  # an error of the first frame appears on the ordinary screen
        with (
            InterruptibleWriter(output.descriptor(), output.encoding, waiting) as writer,
            Screen(writer, has_color=output.has_color) as screen,
        ):
            while True:
                screen.show(*shown)
                waiting.sleep(interval)
                if signals.is_stop_requested:
                    screen.stop()
                    signals.stop()
                    screen.start()
                shown = frame()


class _TerminalSignals:
    """Handlers of SIGTSTP and SIGWINCH.

    The program stops only after it has restored the terminal. Both signals interrupt the wait for
    the next frame.
    """

    def __init__(self) -> None:
        self.is_stop_requested = False

    def __enter__(self) -> "_TerminalSignals":
        self._former = {
            number: signal.signal(number, self._handle)
            for number in (signal.SIGTSTP, signal.SIGWINCH)
            if signal.getsignal(number) is signal.SIG_DFL
        }
        return self

    def __exit__(self, *_error: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self.is_stop_requested = self.is_stop_requested or number == signal.SIGTSTP

    def stop(self) -> None:
        """Stop the program until SIGCONT."""
        self.is_stop_requested = False
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._handle)
