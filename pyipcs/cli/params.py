"""What the words of a command line may be: click's types over the library's parsers."""

import re
from collections.abc import Callable
from typing import Any

import click

from pyipcs.model import SEMVMX
from pyipcs.sysv.keys import By, Target, parse_id, parse_key
from pyipcs.sysv.users import parse_owner

_SIZE = (
    r"(?ai)\s*\+?(?:0x(?P<hex>[0-9a-f]+)"
    r"|(?P<whole>0[0-7]*|[1-9]\d*)(?:\.(?P<decimals>\d*)(?=[kmgtpezy]))?)"
    r"(?:(?P<prefix>[kmgtpezy])(?P<suffix>ib|b)?)?"
)
_MODE = r"(?a)\s*\+?0*([0-7]{1,3})"
_SIZE_MAX = 2**64 - 1
_SEMAPHORES_MAX = 2**31 - 1


class Parsed(click.ParamType):  # type: ignore[type-arg] # generic in newer clicks only
    """A word that a function reads; the text of its ValueError says what is wrong."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the word."""
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(f"{value!r}: {error}", param, ctx)


def parse_size(text: str) -> int:
    """Bytes as ipcmk(1) takes them: K or KiB is 1024, KB is 1000; base 0; fractions are exact."""
    match = re.fullmatch(_SIZE, text)
    if not match:
        raise ValueError("not a size (bytes, or with K, KiB, KB, M, MiB, MB and so on)")
    size = _bytes(match)
    if size == 0:
        raise ValueError("a segment has 1 byte at the least")
    if size > _SIZE_MAX:
        raise ValueError("a size has 64 bits")
    return size


def _bytes(match: re.Match[str]) -> int:
    whole, decimals = match["whole"], match["decimals"] or ""
    if match["hex"]:
        number = int(match["hex"], 16)
    else:
        number = int(whole, 8 if whole.startswith("0") else 10)
    base = 1000 if (match["suffix"] or "").lower() == "b" else 1024
    unit = int(base ** " kmgtpezy".index((match["prefix"] or " ").lower()))
    fraction = int(decimals or "0") * unit // int(10 ** len(decimals))
    return number * unit + fraction


def parse_mode(text: str) -> int:
    """Permissions: an octal number up to 0777."""
    match = re.fullmatch(_MODE, text)
    if not match:
        raise ValueError("not a mode (octal, 0 to 0777)")
    return int(match[1], 8)


def _parse_count(most: int, what: str) -> Callable[[str], int]:
    def parse(text: str) -> int:
        word = text.strip()
        if not (word.isascii() and word.removeprefix("+").isdigit()) or int(word) > most:
            raise ValueError(f"not {what}")
        return int(word)

    return parse


def _parse_nsems(text: str) -> int:
    number = _parse_count(_SEMAPHORES_MAX, "a number of semaphores")(text)
    if number == 0:
        raise ValueError("a set has 1 semaphore at the least")
    return number


def _parse_values(text: str) -> tuple[int, ...]:
    parse = _parse_count(SEMVMX, f"values from 0 to {SEMVMX} with commas between")
    return tuple(parse(word) for word in text.split(","))


ID = Parsed("id", parse_id)
KEY = Parsed("key", parse_key)
ID_TARGET = Parsed("id", lambda text: Target(By.ID, parse_id(text), text))
KEY_TARGET = Parsed("key", lambda text: Target(By.KEY, parse_key(text), text))
SIZE = Parsed("size", parse_size)
MODE = Parsed("mode", parse_mode)
OWNER = Parsed("user[:group]", parse_owner)
NSEMS = Parsed("nsems", _parse_nsems)
VALUES = Parsed("v,…", _parse_values)
QBYTES = Parsed("bytes", _parse_count(_SIZE_MAX, "a number of bytes"))
