"""The loop of a live view, which the key q or a signal ends."""

import os
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import TypeAlias

from pyipcs.process.interruptible import InterruptibleWait
from pyipcs.terminal.capabilities import TerminalCapabilities
from pyipcs.terminal.keys import Key, Keyboard
from pyipcs.terminal.live_screen import Screen
from pyipcs.terminal.streams import Output
from pyipcs.terminal.viewport import Frame, Viewport
from pyipcs.terminal.writer import InterruptibleWriter

# Lines: a lower terminal has no room for the heading, or for an empty line below it.
_HEAD_HEIGHT, _EMPTY_LINE_HEIGHT = 6, 24
_HINT = "q quits, arrows scroll"
FrameRenderer: TypeAlias = Callable[[TerminalCapabilities], Frame]


def watch(output: Output, interval: float, render: FrameRenderer) -> None:
    """Show frames at an interval, and at changes of the size, until the key q.

    Raises:
        StoppedError: a signal arrived; the terminal is restored.
        CommandError: the terminal is gone.
    """
    view = Viewport()

    def refresh() -> tuple[list[str], TerminalCapabilities]:
        capabilities = output.terminal_capabilities()
        head = _head(interval, capabilities, has_keys=keyboard.has_keys)
        view.set(render(capabilities), capabilities.height - len(head))
        return head, capabilities

    with (
        InterruptibleWait() as waiting,
        _TerminalSignals() as signals,
        Keyboard(output.descriptor(), waiting) as keyboard,
    ):
        head, capabilities = refresh()
        lines = view.lines()  # an error of the first frame appears on the ordinary screen
        with (
            InterruptibleWriter(output.descriptor(), output.encoding, waiting) as writer,
            Screen(writer, has_color=output.has_color, reads_keys=keyboard.has_keys) as screen,
        ):
            screen.show([*head, *lines], capabilities)
            next_frame = time.monotonic() + interval
            while True:
                key = keyboard.read(next_frame - time.monotonic())
                if signals.is_stop_requested:
                    screen.stop()
                    signals.stop()
                    screen.start()
                    key = None
                if key is Key.QUIT:
                    return
                if key:
                    view.move(key)
                else:
                    head, capabilities = refresh()
                screen.show([*head, *view.lines()], capabilities)
                if not key:
                    next_frame = time.monotonic() + interval


def _head(interval: float, capabilities: TerminalCapabilities, *, has_keys: bool) -> list[str]:
    """Return the lines above a frame."""
    if capabilities.height <= _HEAD_HEIGHT:
        return []
    line = f"Every {interval:g}s: {time.ctime()}"
    with_hint = f"{line}   {_HINT}"
    has_room = len(with_hint) <= (capabilities.width or 0)
    empty = [""] if capabilities.height >= _EMPTY_LINE_HEIGHT else []
    return [with_hint if has_keys and has_room else line, *empty]


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
