"""The part of a text that a live view shows, moved by keys."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from pyipcs.terminal.keys import Key


class Overview(NamedTuple):
    """A short form of a text, for the top of a view.

    Attributes:
        lines: the lines.
        seen: the number of first lines that are those of the whole text.
    """

    lines: list[str]
    seen: int


class Frame(NamedTuple):
    """The contents of a live view at one time, drawn when they are shown.

    Attributes:
        whole: a function that draws the whole text.
        overview: a function that draws an overview of a number of lines; None for a text whose
            overview is its beginning.
    """

    whole: Callable[[], Iterable[str]]
    overview: Callable[[int], Overview] | None = None


class Viewport:
    """A window of some lines on a frame.

    At the top it shows the overview, below the whole text.
    """

    def __init__(self) -> None:
        self._position = 0  # the first line shown

    def set(self, frame: Frame, height: int) -> None:
        """Take a new frame, or a new number of lines, at the same position."""
        self._frame, self._height = frame, height
        self._whole: list[str] | None = None
        self._overview: Overview | None = None
        self._move_to(self._position)

    def move(self, key: Key) -> None:
        """Scroll by a key; no line is passed over unseen."""
        position, overview = self._position, self._drawn_overview()
        is_cut = len(overview.lines) > self._height
        seen = min(overview.seen, self._height - 1) if is_cut else overview.seen
        page = max(self._height - 1, 1)  # the last line counts the rest
        match key:
            case Key.UP:
                position -= 1
            case Key.DOWN:
                position += 1
            case Key.PAGE_UP:
                position = max(position - page, int(position > seen))
            case Key.PAGE_DOWN:
                position += page if position else max(seen, 1)
            case Key.HOME:
                position = 0
            case Key.END:
                position = len(self._drawn_whole())
        self._move_to(position)

    def _move_to(self, position: int) -> None:
        # The whole text of many objects takes long to draw: not for its top.
        self._position = 0
        if position > 0:
            self._position = min(position, max(len(self._drawn_whole()) - self._height, 0))

    def lines(self) -> list[str]:
        """Return the visible lines; the last one counts the lines below."""
        if not self._position:
            return self._cut(self._drawn_overview().lines)
        return self._cut(self._drawn_whole()[self._position :])

    def _cut(self, lines: list[str]) -> list[str]:
        if len(lines) <= self._height:
            return lines
        shown = self._height - 1
        return [*lines[:shown], f"({len(lines) - shown} lines more)"]

    def _drawn_whole(self) -> list[str]:
        if self._whole is None:
            self._whole = "".join(self._frame.whole()).splitlines()
        return self._whole

    def _drawn_overview(self) -> Overview:
        if self._overview is None:
            if self._frame.overview:
                self._overview = self._frame.overview(self._height)
            else:
                self._overview = Overview(self._drawn_whole(), self._height - 1)
        return self._overview
