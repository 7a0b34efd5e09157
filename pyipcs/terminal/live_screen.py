"""A live view in the terminal's alternate screen, drawn by rich."""

import termios
from contextlib import suppress
from typing import IO, Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from pyipcs.terminal.capabilities import TerminalCapabilities

_LOCAL = 3  # where the local modes are in what tcgetattr(3) gives


class Screen:
    """Shows one picture after the other in place, and leaves the terminal as it was."""

    def __init__(self, file: IO[str], *, color: bool) -> None:
        """What to draw on.

        Args:
            file: the terminal.
            color: whether to colour.
        """
        self._file = file
        self._modes: list[Any] = []
        self._console = Console(
            file=file,
            # Rich would look into variables.
            force_terminal=True,
            force_interactive=True,
            width=80,
            height=24,
            no_color=not color,
            color_system="standard" if color else None,
            legacy_windows=False,
        )

    def start(self) -> None:
        """Take the screen, on which nothing that is typed is to be seen."""
        self._echo(False)
        self._live = Live(
            console=self._console,
            screen=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def stop(self) -> None:
        """Give the screen back."""
        self._live.stop()
        self._echo(True)

    def _echo(self, wanted: bool) -> None:
        """Switch the echo of typed characters on or off.

        Nothing is flushed: on Ctrl-C and Ctrl-Z the kernel drops what was typed before, and what is
        typed afterwards belongs to the shell.
        """
        with suppress(termios.error):  # it has gone
            if not wanted:
                self._modes = termios.tcgetattr(self._file)
                modes = termios.tcgetattr(self._file)
                modes[_LOCAL] &= ~termios.ECHO
                termios.tcsetattr(self._file, termios.TCSANOW, modes)
            elif self._modes:
                termios.tcsetattr(self._file, termios.TCSANOW, self._modes)

    def show(self, picture: str, canvas: TerminalCapabilities) -> None:
        """Show a picture; what there is no room for is counted in the last line."""
        self._console.size = (canvas.width or self._console.width, canvas.height)
        lines = picture.splitlines()
        if len(lines) > canvas.height:
            beyond = len(lines) - canvas.height + 1
            lines[canvas.height - 1 :] = [f"({beyond} lines more)"]
        cropped = (Text.from_ansi(line, no_wrap=True, overflow="crop") for line in lines)
        self._live.update(Group(*cropped), refresh=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()
