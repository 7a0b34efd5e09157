"""Terminals to draw for, and the pictures to compare with."""

import os
from pathlib import Path

from pyipcs.terminal.capabilities import TerminalCapabilities

_PICTURES = Path(__file__).parent / "pictures"


def terminal(
    width: int | None = 200, *, color: bool = False, unicode: bool = True
) -> TerminalCapabilities:
    """Return the capabilities of a terminal."""
    return TerminalCapabilities(width, 24, has_color=color, has_unicode=unicode)


def compare(name: str, text: str) -> None:
    """Compare with a picture, or write it if PYIPCS_TEST_DRAW is set."""
    path = _PICTURES / f"{name}.txt"
    if os.environ.get("PYIPCS_TEST_DRAW"):
        path.write_text(text)
    assert text == path.read_text()
