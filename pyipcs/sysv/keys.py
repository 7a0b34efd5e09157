"""Keys, ids and targets in the notation of users and of ipcs(1).

The functions that parse raise ValueError; its text is the reason.
"""

import os
import re
from collections.abc import Iterable

from pyipcs.errors import checked
from pyipcs.model import INT_MAX, By, Target
from pyipcs.text import decimal, parse_number

# The patterns are compiled on first use, to keep start-up short.
_ID = r"(?a)\s*\+?(\d+)"
_KEYS = 2**32  # the number of keys
# An int, signed or not. A leading zero does not mean octal: 010 would be 8.
_PROJECT = r"(?ai)(?P<sign>[+-]?)(?:0x(?P<hex>[0-9a-f]+)|(?P<decimal>\d+))"
_PROJECT_BITS = 0xFF  # ftok(3) uses only these


class NoTargetError(ValueError):
    """A text in no notation of a target."""


def format_key(key: int) -> str:
    """Return a key as ipcs(1) prints it: unsigned, in hexadecimal."""
    return format_keys((key,))[0]


def format_keys(keys: Iterable[int | str]) -> list[str]:
    """Return keys as ipcs(1) prints them, faster than one by one.

    Args:
        keys: the keys, as numbers or as the text of /proc/sysvipc.
    """
    return [f"0x{key % _KEYS:08x}" for key in map(int, keys)]


def unsigned(key: int) -> int:
    """Return a key as the unsigned number that ipcs(1) prints."""
    return key % _KEYS


def signed(key: int) -> int:
    """Return a key as the signed number of the kernel, a key_t."""
    return (key + _KEYS // 2) % _KEYS - _KEYS // 2


def key_of(number: int) -> int:
    """Return a key as key_t, for a number with or without a sign.

    Raises:
        IpcError: EINVAL, the number has more than 32 bits.
    """
    return signed(checked(number, -_KEYS // 2, _KEYS - 1))


def parse_id(text: str) -> int:
    """Parse an id, a decimal number with optional leading zeros."""
    match = re.fullmatch(_ID, text)
    if not match:
        raise ValueError("not an id (ids are decimal numbers)")
    number = decimal(match[1])
    if number > INT_MAX:
        raise ValueError(f"not an id (the highest is {INT_MAX})")
    return number


def parse_key(text: str) -> int:
    """Parse a key: N, `key:N` or `ftok:PATH[:PROJ]`.

    Returns:
        The key as key_t, 32 bits with a sign; never IPC_PRIVATE.
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
    """Parse a target: an id, a 0x key, `id:N`, `key:N` or `ftok:PATH[:PROJ]`."""
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
    raise NoTargetError("not an id, a 0x key, id:N, key:N or ftok:PATH[:PROJ]")


def _parse_ftok(text: str) -> int:
    """Return the key of `PATH[:PROJ]`; the last colon separates both."""
    path, project = _split_project(text)
    try:
        return ftok(path, project)
    except OSError as error:
        hint = f" (ftok:{text}:1?)" if path != text and os.path.exists(text) else ""
        raise ValueError(f"{error.strerror}: '{path}'{hint}") from None


def ftok(path: str, project: int) -> int:
    """Return the key of a file and a project (ftok(3)) as key_t.

    Raises:
        OSError: there is no such file, or the caller may not stat it.
        ValueError: the key is IPC_PRIVATE; this can happen if the low bits of the project are 0.
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
    """Return the bits of a project that ftok(3) uses."""
    return project & _PROJECT_BITS


def _split_project(text: str) -> tuple[str, int]:
    path, colon, project = text.rpartition(":")
    if not colon:
        return text, 1
    return path, parse_project(project)


def parse_project(text: str) -> int:
    """Parse a project of ftok(3): an int, or one character other than a digit."""
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
