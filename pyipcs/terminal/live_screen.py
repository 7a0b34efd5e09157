"""The terminal's alternate screen for a live view, driven by rich."""

import os
import signal
import termios
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from typing import IO, Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from pyipcs.terminal.capabilities import TerminalCapabilities

_LOCAL_MODES, _SPECIAL = 3, 6  # the indexes of c_lflag and c_cc in the result of tcgetattr


class Screen:
    """An alternate screen that shows frames and restores the terminal."""

    def __init__(self, file: IO[str], *, has_color: bool, reads_keys: bool) -> None:
        """Prepare the screen.

        Args:
            file: the terminal.
            has_color: True if frames are coloured.
            reads_keys: True if typed characters are available at once, without a newline.
        """
        self._file = file
        self._hidden = termios.ECHO | (termios.ICANON if reads_keys else 0)
        self._modes: list[Any] = []
        self._console = Console(
            file=file,
            # Explicit values keep rich from reading environment variables.
            force_terminal=True,
            force_interactive=True,
            width=80,
            height=24,
            no_color=not has_color,
            color_system="standard" if has_color else None,
            legacy_windows=False,
        )

    def start(self) -> None:
        """Switch to the alternate screen; hide typed characters."""
        with ExitStack() as undo:
            undo.callback(self._restore_modes)
            self._set_modes()
            self._live = Live(
                console=self._console,
                screen=True,
                auto_refresh=False,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
            undo.pop_all()

    def stop(self) -> None:
        """Restore the screen."""
        try:
            self._live.stop()
        finally:
            self._restore_modes()

    def _set_modes(self) -> None:
        """Switch the echo of typed characters off, and cbreak mode on for keys.

        TCSANOW keeps pending input: on Ctrl-C and Ctrl-Z the kernel drops earlier characters, and
        later ones are for the shell. So are those after the key that ends the view.
        """
        self._wait_for_foreground()
        with suppress(termios.error):  # the terminal has gone
            self._modes = termios.tcgetattr(self._file)
            modes = termios.tcgetattr(self._file)
            modes[_LOCAL_MODES] &= ~self._hidden
            if self._hidden & termios.ICANON:
                modes[_SPECIAL][termios.VMIN], modes[_SPECIAL][termios.VTIME] = 1, 0
            termios.tcsetattr(self._file, termios.TCSANOW, modes)

    def _wait_for_foreground(self) -> None:
        """Stop in the background, where the modes are those of the shell."""
        with suppress(OSError):  # it is not the controlling terminal
            if os.tcgetpgrp(self._file.fileno()) != os.getpgrp():
                os.kill(os.getpid(), signal.SIGTTOU)

    def _restore_modes(self) -> None:
        if self._modes:
            with suppress(termios.error):  # the terminal has gone
                termios.tcsetattr(self._file, termios.TCSANOW, self._modes)

    def show(self, lines: Iterable[str], capabilities: TerminalCapabilities) -> None:
        """Show the lines of a frame."""
        self._console.size = (capabilities.width or self._console.width, capabilities.height)
        cropped = (Text.from_ansi(line, no_wrap=True, overflow="crop") for line in lines)
        self._live.update(Group(*cropped), refresh=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()
