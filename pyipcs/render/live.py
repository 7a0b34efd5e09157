"""A live view in the terminal's alternate screen, drawn by rich."""

from contextlib import suppress
from typing import Self, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from pyipcs.render.canvas import Canvas


class Screen:
    """Shows one picture after the other in place, and leaves the terminal as it was."""

    def __init__(self, file: TextIO, canvas: Canvas) -> None:
        self._console = Console(
            file=file,
            width=canvas.width,
            height=canvas.height,
            force_terminal=True,
            no_color=not canvas.color,
            color_system="standard" if canvas.color else None,
            legacy_windows=False,
        )
        self.start()

    def start(self) -> None:
        """Take the screen."""
        self._live = Live(
            console=self._console,
            screen=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def stop(self) -> None:
        """Give the screen back; a terminal that has gone takes nothing any more."""
        with suppress(OSError):
            self._live.stop()

    def show(self, picture: str, canvas: Canvas) -> None:
        """Show a picture; what there is no room for is counted in the last line."""
        self._console.size = (canvas.width or 80, canvas.height)
        lines = picture.splitlines()
        if len(lines) > canvas.height:
            beyond = len(lines) - canvas.height + 1
            lines[canvas.height - 1 :] = [f"({beyond} lines more)"]
        cropped = (Text.from_ansi(line, no_wrap=True, overflow="crop") for line in lines)
        self._live.update(Group(*cropped), refresh=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()
