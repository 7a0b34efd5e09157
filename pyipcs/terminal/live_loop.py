"""A live view until a signal ends it."""

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

_HEAD = 6  # lines, below which the head would take room from what it stands above
Picture: TypeAlias = Callable[[TerminalCapabilities], Iterable[str]]


def watch(output: Output, interval: float, picture: Picture) -> NoReturn:
    """Draw a picture every `interval` seconds, and at once where the terminal has a new size.

    Raises:
        StoppedError: a signal came; the terminal is as it was.
        CommandError: the terminal has gone.
    """

    def drawn() -> tuple[str, TerminalCapabilities]:
        canvas = output.screen_canvas()
        head = f"Every {interval:g}s: {time.ctime()}\n\n" if canvas.height > _HEAD else ""
        return head + "".join(picture(canvas)), canvas

    with InterruptibleWait() as waiting, _Stops() as stops:
        shown = drawn()  # what is wrong with it is said before the screen is taken
        with (
            InterruptibleWriter(output.descriptor(), output.encoding, waiting) as pen,
            Screen(pen, color=output.has_color) as screen,
        ):
            while True:
                screen.show(*shown)
                waiting.sleep(interval)
                if stops.wanted:
                    screen.stop()
                    stops.stop()
                    screen.start()
                shown = drawn()


class _Stops:
    """Ctrl-Z, which has to wait until the terminal is as it was; and new sizes, which wake."""

    def __init__(self) -> None:
        self.wanted = False

    def __enter__(self) -> "_Stops":
        self._former = {
            number: signal.signal(number, self._note)
            for number in (signal.SIGTSTP, signal.SIGWINCH)
            if signal.getsignal(number) is signal.SIG_DFL
        }
        return self

    def __exit__(self, *_error: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.wanted = self.wanted or number == signal.SIGTSTP

    def stop(self) -> None:
        """Stop, until somebody has the program go on."""
        self.wanted = False
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._note)
