"""Keys, ids and targets: how a person names an object, and how a key is shown.

What is wrong in a name is a ValueError whose text says why.
"""

import os
import re
from enum import Enum
from typing import NamedTuple

from pyipcs.model import INT_MAX
from pyipcs.text import decimal, parse_number

# Patterns are compiled when they are first used: start-up is quicker without.
_ID = r"(?a)\s*\+?(\d+)"
_KEYS = 2**32  # as many there are
# An int, signed or not; a leading zero is no octal, for 010 would mean 8.
_PROJECT = r"(?ai)(?P<sign>[+-]?)(?:0x(?P<hex>[0-9a-f]+)|(?P<decimal>\d+))"
_PROJECT_BITS = 0xFF  # that ftok(3) uses


class By(Enum):
    """What of an object a target names."""

    ID = "id"
    KEY = "key"


class Target(NamedTuple):
    """An object as the user named it; `typed` is for telling it back."""

    by: By
    number: int
    typed: str


def format_key(key: int) -> str:
    """A key as ipcs(1) shows it: unsigned, in hexadecimal."""
    return f"0x{unsigned(key):08x}"


def unsigned(key: int) -> int:
    """A key by the number that is shown."""
    return key % _KEYS


def signed(key: int) -> int:
    """A key by the number that the kernel has for it, a key_t."""
    return (key + _KEYS // 2) % _KEYS - _KEYS // 2


def parse_id(text: str) -> int:
    """An id: a decimal number, leading zeros allowed."""
    match = re.fullmatch(_ID, text)
    if not match:
        raise ValueError("not an id (ids are decimal numbers)")
    number = decimal(match[1])
    if number > INT_MAX:
        raise ValueError(f"not an id (the highest is {INT_MAX})")
    return number


def parse_key(text: str) -> int:
    """A key as options take it: N, `key:N` or `ftok:PATH[:PROJ]`.

    Returns:
        The key as key_t has it, 32 bits with a sign; never IPC_PRIVATE.
    """
    scheme, colon, rest = text.partition(":")
    if colon and scheme == "ftok":
        return _parse_ftok(rest)
    try:
        number = parse_number(rest if colon and scheme == "key" else text)
    except ValueError:
        raise ValueError(
            "not a key (decimal, 0x hexadecimal or 0 octal, key:N or ftok:PATH[:PROJ])"
        ) from None
    if not -_KEYS // 2 <= number < _KEYS:
        raise ValueError("not a key (a key has 32 bits)")
    return _named_key(number)


def parse_target(text: str) -> Target:
    """A target as the tables show it: an id, a 0x key, `id:N`, `key:N` or `ftok:PATH[:PROJ]`."""
    scheme, colon, rest = text.partition(":")
    if colon and scheme in {"key", "ftok"}:
        return Target(By.KEY, parse_key(text), text)
    if colon and scheme == "id":
        return Target(By.ID, parse_id(rest), text)
    if text[:2].lower() == "0x":
        return Target(By.KEY, parse_key(text), text)
    if text.isascii() and text.isdigit():
        if len(text) > 1 and text.startswith("0"):
            raise ValueError(f"id:{text.lstrip('0') or '0'} or key:{text}?")
        if INT_MAX < decimal(text) < _KEYS:
            raise ValueError(f"not an id (the highest is {INT_MAX}; key:{text}?)")
        return Target(By.ID, parse_id(text), text)
    raise ValueError("not an id, a 0x key, id:N, key:N or ftok:PATH[:PROJ]")


def _parse_ftok(text: str) -> int:
    """The key of `PATH[:PROJ]`, which is split at the last colon."""
    path, project = _split_project(text)
    try:
        return ftok(path, project)
    except OSError as error:
        hint = f" (ftok:{text}:1?)" if path != text and os.path.exists(text) else ""
        raise ValueError(f"{error.strerror}: '{path}'{hint}") from None


def ftok(path: str, project: int) -> int:
    """Return the key that ftok(3) makes of a file and a project, as key_t has it.

    Raises:
        OSError: there is no such file, or it cannot be looked at.
        ValueError: the key is IPC_PRIVATE, which a project without low bits can make.
    """
    project = low_bits(project)
    try:
        path.encode()
    except UnicodeEncodeError:
        from pyipcs.sysv import libc

        return _named_key(libc.ftok(os.fsencode(path), project))
    import sysv_ipc

    return _named_key(int(sysv_ipc.ftok(path, project, silence_warning=True)))


def low_bits(project: int) -> int:
    """Return what ftok(3) uses of a project."""
    return project & _PROJECT_BITS


def _split_project(text: str) -> tuple[str, int]:
    path, colon, project = text.rpartition(":")
    if not colon:
        return text, 1
    return path, parse_project(project)


def parse_project(text: str) -> int:
    """Parse a project of ftok(3): an int, or one character that is no digit."""
    if match := re.fullmatch(_PROJECT, text):
        number = int(match["hex"], 16) if match["hex"] else decimal(match["decimal"])
        number = -number if match["sign"] == "-" else number
        if -_KEYS // 2 <= number < _KEYS:
            return number
    elif len(text) == 1 and text.isascii():
        return ord(text)
    raise ValueError("the project is a number of 32 bits, or one character that is no digit")


def _named_key(key: int) -> int:
    named = signed(key)
    if named == 0:
        raise ValueError("key 0 is IPC_PRIVATE, which names no object")
    return named
