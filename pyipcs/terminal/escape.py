"""Escape untrusted text for terminals; replace invalid UTF-8."""

from collections.abc import Collection, Iterable


def valid_utf8(text: str) -> str:
    """Return text with the bytes that are not UTF-8 replaced by U+FFFD."""
    return text.encode(errors="surrogateescape").decode(errors="replace")


def widths_of(texts: Collection[str]) -> Iterable[int]:
    """Return the terminal columns of each text, faster than one by one."""
    return map(len if "".join(texts).isascii() else width, texts)


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
