"""Plural nouns, lists of names, untrusted text, and numbers of users."""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

_T = TypeVar("_T")
NAMED_MOST = 4  # the most names in a phrase; the number of the others follows
# The numbers that strtol(3) reads in base 0.
_NUMBER = (
    r"(?ai)\s*(?P<sign>[+-]?)(?:0x(?P<hex>[0-9a-f]+)|0(?P<octal>[0-7]*)|(?P<decimal>[1-9]\d*))"
)
# C0 and C1 controls except newline and tab, DEL, the bidirectional marks, line and paragraph
# separators, and the surrogates that os.fsdecode makes of invalid UTF-8.
_UNSAFE = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
_DIGITS_MAX = 25  # a number with so many digits exceeds 64 bits


def plural(number: int, noun: str) -> str:
    """Return a number with its noun, as "1 queue" or "2 queues"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def abridged(items: Sequence[_T], name: Callable[[_T], str], most: int = NAMED_MOST) -> list[str]:
    """Return the first names and the number of the others, as "5 more"."""
    names = [*map(name, items[:most])]
    return [*names, f"{len(items) - most} more"] if len(items) > most else names


def phrase(names: Sequence[str]) -> str:
    """Join names in a phrase, as "a, b, c, d and 5 more"."""
    *first, last = abridged(names, str)
    return f"{', '.join(first)} and {last}" if first else last


def visible(text: str) -> str:
    """Return text with control characters as escape sequences of Python."""
    if text.isprintable():  # nearly always; the pattern takes time and memory
        return text
    return re.sub(_UNSAFE, _escape_sequence, text)


def one_line(text: str) -> str:
    """Return visible text with newlines and tabs escaped too."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def _escape_sequence(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte that os.fsdecode could not decode
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"


def decimal(digits: str) -> int:
    """Return the value of decimal digits; ignore digits after the 25th.

    int() accepts at most 4300 digits, leading zeros included.
    """
    digits = digits.lstrip("0") or "0"
    return int(digits[:_DIGITS_MAX])


def parse_number(text: str) -> int:
    """Parse a number like strtol(3) in base 0: decimal, 0x hex or 0 octal.

    Raises:
        ValueError: the text is no number.
    """
    match = re.fullmatch(_NUMBER, text)
    if not match:
        raise ValueError("not a number")
    if match["hex"]:
        number = int(match["hex"], 16)
    elif match["decimal"]:
        number = decimal(match["decimal"])
    else:
        number = int(match["octal"] or "0", 8)
    return -number if match["sign"] == "-" else number
