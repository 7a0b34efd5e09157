"""Counted nouns, and numbers as people write them."""

import re

# What strtol(3) reads in base 0, to the end of the text.
_NUMBER = (
    r"(?ai)\s*(?P<sign>[+-]?)(?:0x(?P<hex>[0-9a-f]+)|0(?P<octal>[0-7]*)|(?P<decimal>[1-9]\d*))"
)
_DIGITS_MAX = 25  # more than 64 bits have


def plural(number: int, noun: str) -> str:
    """Return a number of things, as "1 queue" or "2 queues"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def decimal(digits: str) -> int:
    """Return a decimal number; one that exceeds 64 bits by far comes back smaller.

    int() reads at most 4300 digits, leading zeros included.
    """
    digits = digits.lstrip("0") or "0"
    return int(digits[:_DIGITS_MAX])


def parse_number(text: str) -> int:
    """A number as strtol(3) reads it in base 0: decimal, 0x hexadecimal or 0 octal."""
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
