"""Plural nouns, and numbers as users write them."""

import re

# A whole text that strtol(3) accepts in base 0.
_NUMBER = (
    r"(?ai)\s*(?P<sign>[+-]?)(?:0x(?P<hex>[0-9a-f]+)|0(?P<octal>[0-7]*)|(?P<decimal>[1-9]\d*))"
)
_DIGITS_MAX = 25  # more digits than any number of 64 bits


def plural(number: int, noun: str) -> str:
    """Return a number with its noun, as "1 queue" or "2 queues"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def decimal(digits: str) -> int:
    """Return the value of decimal digits, cut if it exceeds 64 bits by far.

    int() accepts at most 4300 digits, leading zeros included.
    """
    digits = digits.lstrip("0") or "0"
    return int(digits[:_DIGITS_MAX])


def parse_number(text: str) -> int:
    """Parse a number like strtol(3) in base 0: decimal, 0x hex or 0 octal.

    Raises:
        ValueError: it is no number.
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
