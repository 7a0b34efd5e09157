"""Strangers' text made safe: shown by a terminal, not obeyed; UTF-8, where it must be."""

import re

# C0 and C1 controls but newline and tab, DEL, the bidirectional marks, line and paragraph
# separators, and the surrogates that stand for bytes which are no UTF-8.
_UNSAFE = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"


def visible(text: str) -> str:
    """The text with what a terminal would obey written out as an escape sequence of Python."""
    return re.sub(_UNSAFE, _written_out, text)


def one_line(text: str) -> str:
    """Visible text without the newlines and tabs that would break a line of a message."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def whole_text(text: str) -> str:
    """Text as UTF-8 can hold it: bytes that are none are replaced."""
    return text.encode(errors="surrogateescape").decode(errors="replace")


def width(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    from unicodedata import category, east_asian_width

    if category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if east_asian_width(character) in {"W", "F"} else 1


def _written_out(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte that os.fsdecode could not read
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"
