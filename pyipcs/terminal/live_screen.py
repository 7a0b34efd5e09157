"""The terminal's alternate screen for a live view, driven by rich."""

import termios
from contextlib import suppress
from typing import IO, Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from pyipcs.terminal.capabilities import TerminalCapabilities

_LOCAL_MODES = 3  # the index of c_lflag in the result of tcgetattr


class Screen:
    """An alternate screen that shows frames and restores the terminal."""

    def __init__(self, file: IO[str], *, has_color: bool) -> None:
        """Prepare the screen.

        Args:
            file: the terminal.
            has_color: True if frames are coloured.
        """
        self._file = file
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
        self._set_echo(False)
        self._live = Live(
            console=self._console,
            screen=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def stop(self) -> None:
        """Restore the screen."""
        self._live.stop()
        self._set_echo(True)

    def _set_echo(self, is_on: bool) -> None:
        """Switch the echo of typed characters on or off.

        TCSANOW keeps pending input: on Ctrl-C and Ctrl-Z the kernel drops earlier characters, and
        the shell reads later characters.
        """
        with suppress(termios.error):  # the terminal is gone
            if not is_on:
                self._modes = termios.tcgetattr(self._file)
                modes = termios.tcgetattr(self._file)
                modes[_LOCAL_MODES] &= ~termios.ECHO
                termios.tcsetattr(self._file, termios.TCSANOW, modes)
            elif self._modes:
                termios.tcsetattr(self._file, termios.TCSANOW, self._modes)

    def show(self, frame: str, capabilities: TerminalCapabilities) -> None:
        """Show a frame; the last line has the number of lines that do not fit."""
        self._console.size = (capabilities.width or self._console.width, capabilities.height)
        lines = frame.splitlines()
        if len(lines) > capabilities.height:
            beyond = len(lines) - capabilities.height + 1
            lines[capabilities.height - 1 :] = [f"({beyond} more lines)"]
        cropped = (Text.from_ansi(line, no_wrap=True, overflow="crop") for line in lines)
        self._live.update(Group(*cropped), refresh=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()
