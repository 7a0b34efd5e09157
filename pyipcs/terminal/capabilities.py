"""The abilities of an output device: size, colour, characters."""

from typing import NamedTuple


class TerminalCapabilities(NamedTuple):
    """The abilities of a terminal, or of a file that is later shown on one.

    Attributes:
        width: the number of columns; None if unlimited.
        height: the number of lines.
        has_color: True if it supports colour codes.
        has_unicode: True if it shows characters beyond ASCII.
    """

    width: int | None
    height: int
    has_color: bool
    has_unicode: bool
