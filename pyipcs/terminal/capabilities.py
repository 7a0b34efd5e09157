"""What a place that pictures are drawn for can show."""

from typing import NamedTuple


class TerminalCapabilities(NamedTuple):
    """A terminal, or what takes its place.

    Attributes:
        width: its columns; None is as many as it takes.
        height: its lines.
        color: whether to colour.
        unicode: whether it shows more than ASCII.
    """

    width: int | None
    height: int
    color: bool
    unicode: bool
