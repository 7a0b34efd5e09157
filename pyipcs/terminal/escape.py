"""Escape untrusted text for terminals; replace invalid UTF-8."""

import re

# C0 and C1 controls except newline and tab, DEL, the bidirectional marks, line and paragraph
# separators, and the surrogates that os.fsdecode makes of invalid UTF-8.
_UNSAFE = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"


def visible(text: str) -> str:
    """Return text with control characters as escape sequences of Python."""
    return re.sub(_UNSAFE, _escape_sequence, text)


def one_line(text: str) -> str:
    """Return visible text with newlines and tabs escaped too."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def valid_utf8(text: str) -> str:
    """Return text with the bytes that are not UTF-8 replaced by U+FFFD."""
    return text.encode(errors="surrogateescape").decode(errors="replace")


def width(text: str) -> int:
    """Return the number of terminal columns that a text takes."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    from unicodedata import category, east_asian_width

    if category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if east_asian_width(character) in {"W", "F"} else 1


def _escape_sequence(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte that os.fsdecode could not decode
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"
