"""The abilities of an output device: size, colour, characters."""

from typing import NamedTuple


class TerminalCapabilities(NamedTuple):
    """The abilities of a terminal, or of a file that is later shown on one.

    Attributes:
        width: columns; None if unlimited.
        height: lines.
        has_color: supports colour codes.
        has_unicode: shows characters beyond ASCII.
    """

    width: int | None
    height: int
    has_color: bool
    has_unicode: bool
