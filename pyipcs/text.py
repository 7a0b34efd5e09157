"""Counted nouns, and decimal numbers."""

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
