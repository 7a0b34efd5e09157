"""click's types of options and operands, made from parsers."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import click

from pyipcs.cli.getopt import NO_VALUE
from pyipcs.model import (
    INT_MAX,
    LONG_MAX,
    MESSAGE_PRIORITY,
    POSIX,
    SEMVMX,
    SYSV,
    By,
    Kind,
    Target,
)
from pyipcs.sysv.keys import parse_id, parse_key, parse_project
from pyipcs.text import decimal

_SIZE = (
    r"(?a)\s*\+?(?:0[xX](?P<hex>[0-9a-fA-F]+)"
    r"|(?P<whole>0[0-7]*|[1-9]\d*)(?:\.(?P<decimals>\d*)(?=[kmgtpezyKMGTPEZY]))?)"
    r"(?:(?P<prefix>[kmgtpezyKMGTPEZY])(?P<suffix>i?[bB])?)?"
)
_MODE = r"(?a)\s*\+?0*([0-7]{1,22})"
_MODE_MAX = 2**64 - 1  # an unsigned long, as strtoul(3) reads it
_SIZE_MAX = 2**64 - 1
_DECIMALS = 30  # further digits change no size by a byte, even in the largest unit
_DURATION = r"(?a)(?:\d+(?:\.\d+)?[smhdw])+|\d+(?:\.\d+)?"
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_INTERVAL, _INTERVAL_MIN = 2.0, 0.1  # seconds
_SECONDS_MAX = 1e9  # thirty years: no clock overflows
# The values of --all: the kinds, with ipcrm's names, and the families.
KIND_NAMES = {**{kind.value: (kind,) for kind in Kind}, "sysv": SYSV, "posix": POSIX}
# The values that a shell suggests: each with its meaning, or the name of a source. Shells
# complete files, users and commands themselves; completion.py finds objects, processes and
# namespaces.
Suggestions: TypeAlias = str | Mapping[str, str]


class ParsedType(click.ParamType):  # type: ignore[type-arg] # generic in newer clicks only
    """A value that a function parses; its ValueError is the message."""

    def __init__(self, name: str, parse: Callable[[str], Any], choices: Suggestions = "") -> None:
        self.name = name
        self._parse = parse
        self.suggestions = choices

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse a value."""
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(f"'{value}': {error}", param, ctx)


def parse_bytes(text: str, most: int = _SIZE_MAX) -> int:
    """Parse a number of bytes as ipcmk(1) does, but with exact fractions.

    K and KiB are 1024, KB is 1000. Numbers may be hexadecimal or octal. The decimal separator is
    a point or that of the locale.
    """
    match = re.fullmatch(_SIZE, text) or re.fullmatch(_SIZE, _with_point(text))
    if not match:
        raise ValueError("not a size (bytes, or with a unit: K, KiB, KB, M, MiB, MB and so on)")
    size = _bytes(match)
    if size > most:
        raise ValueError(f"too large (the maximum is {most})")
    return size


def _with_point(text: str) -> str:
    """Return a number with a point in place of the locale's decimal separator."""
    from pyipcs.render.format_units import decimal_point

    return text if "." in text else text.replace(decimal_point(), ".", 1)


def parse_size(text: str) -> int:
    """Parse the size of a segment."""
    size = parse_bytes(text)
    if size == 0:
        raise ValueError("a segment has at least 1 byte")
    return size


def parse_qbytes(text: str) -> int:
    """Parse the qbytes of a queue, an int: msgctl(2) would truncate more."""
    return parse_bytes(text, most=INT_MAX)


def _bytes(match: re.Match[str]) -> int:
    whole, decimals = match["whole"], match["decimals"] or ""
    if match["hex"]:
        number = int(match["hex"], 16)
    else:
        number = int(whole, 8) if whole.startswith("0") else decimal(whole)
    base = 1000 if (match["suffix"] or "").lower() == "b" else 1024
    unit = int(base ** " kmgtpezy".index((match["prefix"] or " ").lower()))
    decimals = decimals[:_DECIMALS]
    fraction = int(decimals or "0") * unit // int(10 ** len(decimals))
    return number * unit + fraction


def parse_mode(text: str) -> int:
    """Parse permissions in octal; ignore bits above 0777, as ipcmk(1) does.

    shmget(2) would take such bits as flags, for example SHM_HUGETLB.
    """
    match = re.fullmatch(_MODE, text)
    if not match or int(match[1], 8) > _MODE_MAX:
        raise ValueError("not a mode (octal, such as 0644)")
    return int(match[1], 8) & 0o777


def _parse_count(text: str, most: int) -> int:
    digits = text.strip().removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError("not a decimal number")
    number = decimal(digits)
    if number > most:
        raise ValueError(f"too large (the maximum is {most})")
    return number


def parse_pid(text: str) -> int:
    """Parse the pid of a process."""
    if not (text.isascii() and text.isdigit() and 0 < decimal(text) <= INT_MAX):
        raise ValueError("not a pid")
    return decimal(text)


def parse_nsems(text: str) -> int:
    """Parse the number of semaphores of a set."""
    number = _parse_count(text, INT_MAX)
    if number == 0:
        raise ValueError("a set has at least 1 semaphore")
    return number


def parse_values(text: str, most: int = SEMVMX) -> tuple[int, ...]:
    """Parse the values of semaphores, separated by commas."""
    try:
        return tuple(_parse_count(value, most) for value in text.split(","))
    except ValueError:
        raise ValueError(f"not values (0 to {most}, separated by commas)") from None


def parse_new_values(text: str) -> tuple[int, ...]:
    """Parse the values of new semaphores; those of POSIX may be larger."""
    return parse_values(text, most=INT_MAX)


def parse_value(text: str) -> tuple[int, int]:
    """Parse the number of a semaphore and its value: NUM=V."""
    semnum, _, value = text.partition("=")
    try:
        return _parse_count(semnum, INT_MAX), _parse_count(value, SEMVMX)
    except ValueError:
        raise ValueError(f"not NUM=V (V is 0 to {SEMVMX})") from None


def parse_kinds(text: str) -> frozenset[Kind]:
    """Parse the names of kinds and families; no value means System V."""
    if text == NO_VALUE:
        return frozenset(SYSV)
    kinds: set[Kind] = set()
    for name in text.split(","):
        if name not in KIND_NAMES:
            raise ValueError(f"not one of {', '.join(KIND_NAMES)}")
        kinds.update(KIND_NAMES[name])
    return frozenset(kinds)


def parse_type(text: str) -> int:
    """Parse the msgtyp of msgrcv(2), which may be 0 or negative."""
    match = re.fullmatch(r"(?a)\s*([+-]?)(\d+)", text)
    if not match:
        raise ValueError("not a type (a decimal number)")
    number = decimal(match[2])
    number = -number if match[1] == "-" else number
    if not -LONG_MAX - 1 <= number <= LONG_MAX:
        raise ValueError(f"not a type (a long: {-LONG_MAX - 1} to {LONG_MAX})")
    return number


def parse_message_type(text: str) -> int:
    """Parse the type of a message, which is positive (msgop(2))."""
    try:
        number = parse_type(text)
    except ValueError:
        number = 0
    if number <= 0:
        raise ValueError(f"not a message type (1 to {LONG_MAX})")
    return number


def parse_priority(text: str) -> int:
    """Parse the priority of a message (mq_send(3))."""
    most = MESSAGE_PRIORITY.most
    try:
        return _parse_count(text, most)
    except ValueError:
        raise ValueError(f"not a priority (0 to {most})") from None


def parse_count(text: str) -> int:
    """Parse a number that is at least 1."""
    number = _parse_count(text, LONG_MAX)
    if number == 0:
        raise ValueError("too small (the minimum is 1)")
    return number


def parse_seconds(text: str) -> float:
    """Parse seconds in any notation of a fraction, or a duration."""
    if re.fullmatch(r"(?a)\s*\+?(\d+\.?\d*|\.\d+)", text):
        return min(float(text), _SECONDS_MAX)
    return parse_duration(text)


def parse_interval(text: str) -> float:
    """Parse the seconds between two updates of a live view."""
    if text == NO_VALUE:
        return _INTERVAL
    seconds = parse_duration(text)
    if seconds < _INTERVAL_MIN:
        raise ValueError(f"too short (the minimum is {_INTERVAL_MIN})")
    return seconds


def parse_duration(text: str) -> float:
    """Parse seconds, or a duration with units: 30s, 10m, 2h, 7d, 1w, 1h30m."""
    if re.fullmatch(_DURATION, text):
        parts = re.findall(r"([\d.]+)([smhdw]?)", text)
        return float(min(sum(float(n) * _SECONDS[u] for n, u in parts), _SECONDS_MAX))
    raise ValueError("not a duration (30s, 10m, 2h, 7d)")


def parse_body_size(text: str) -> int:
    """Parse the size of a message's body."""
    return parse_bytes(text, most=INT_MAX)


def parse_layout(text: str) -> Any:
    """Parse a C struct in the notation of Python's struct module."""
    from pyipcs.codec import Layout

    return Layout(text)


def _parse_operation(text: str) -> Any:
    """Parse an operation on semaphores (semop(2))."""
    from pyipcs.operations import parse_operation

    return parse_operation(text)


def parse_status(text: str) -> int:
    """Parse an exit status."""
    try:
        return _parse_count(text, 255)
    except ValueError:
        raise ValueError("not a status (0 to 255)") from None


def id_type(kind: Kind | None = None, name_option: str = "") -> ParsedType:
    """Return the type of an object's id.

    Args:
        kind: the kind; None for a kind by other options.
        name_option: the option for names of POSIX objects, for a hint; empty without one.
    """

    def parse(text: str) -> Target:
        with _name_hint(text, name_option):
            return Target(By.ID, parse_id(text), text)

    return ParsedType("id", parse, _existing("id", kind))


def key_type(kind: Kind | None = None, name_option: str = "") -> ParsedType:
    """Return the type of an object's key; see `id_type`."""

    def parse(text: str) -> Target:
        with _name_hint(text, name_option):
            return _parse_key_target(text)

    return ParsedType("key", parse, _existing("key", kind))


@contextmanager
def _name_hint(text: str, option: str) -> Iterator[None]:
    """Add a hint to the error for a name instead of an id or a key."""
    try:
        yield
    except ValueError as error:
        if option and text.startswith("/"):
            raise ValueError(f"names a POSIX object (did you mean {option} {text}?)") from None
        raise error from None


def name_type(kind: Kind) -> ParsedType:
    """Return the type of the name of a POSIX object of a kind."""
    return ParsedType("name", lambda text: _parse_name(text, kind), "name")


def target_type(kind: Kind | None = None) -> ParsedType:
    """Return the type of a target of a System V kind or its counterpart."""
    return ParsedType("target", _parse_target, _existing("target", kind))


def _parse_target(text: str) -> Target:
    from pyipcs.objects import parse_target as parse

    return parse(text)


def _parse_name(text: str, kind: Kind | None = None) -> Target:
    """Parse the name of a POSIX object, with or without its slash."""
    from pyipcs.posix.names import parse_name

    return Target(By.NAME, 0, text, parse_name(text, kind))


def _existing(name: str, kind: Kind | None) -> str:
    """Return the source of suggestions in completion.py."""
    return f"{name}:{kind.value}" if kind else name


def _parse_key_target(text: str) -> Target:
    return Target(By.KEY, parse_key(text), text)


_SIZES = {"4K": "4096", "64K": "65536", "1M": "1048576", "1G": "1073741824"}
_STRUCTS = {
    "b": "signed char",
    "h": "short",
    "i": "int",
    "I": "unsigned int",
    "l": "long",
    "q": "long long",
    "f": "float",
    "d": "double",
    "8s": "char[8]",
    "0l": "padding at the end, as for a long in C",
}
_OPERATIONS = {
    "P": "wait for semaphore 0 and decrement it",
    "V": "increment semaphore 0",
    "Z": "wait until semaphore 0 is zero",
    "0-1": "wait and decrement",
    "0+1": "increment",
    "0=0": "wait for zero",
}
NAME = ParsedType("name", _parse_name, "name")
NEW_NAME = ParsedType("name", _parse_name)
NEW_KEY = ParsedType("key", _parse_key_target, "ftok")
KINDS = ParsedType(
    "kind",
    parse_kinds,
    {
        **{kind.value: kind.plural for kind in Kind},
        "sysv": "all System V kinds",
        "posix": "all POSIX kinds",
    },
)
SIZE = ParsedType("size", parse_size, _SIZES)
MODE = ParsedType(
    "mode",
    parse_mode,
    {"600": "owner", "660": "owner and group", "644": "others may read", "666": "everyone"},
)


def _parse_user(text: str) -> int:
    from pyipcs.process.accounts import parse_user

    return parse_user(text)


def _parse_owner(text: str) -> tuple[int | None, int | None]:
    from pyipcs.process.accounts import parse_owner

    return parse_owner(text)


def _parse_namespace(text: str) -> str:
    from pyipcs.sysv.namespace import path_of

    return path_of(text)


USER = ParsedType("user", _parse_user, "user")
DURATION = ParsedType(
    "duration",
    parse_duration,
    {"30s": "seconds", "10m": "minutes", "2h": "hours", "7d": "days"},
)
INTERVAL = ParsedType("seconds", parse_interval, {"0.5": "", "1": "", "5": ""})
OWNER = ParsedType("[user][:group]", _parse_owner, "owner")
NSEMS = ParsedType("nsems", parse_nsems)
VALUES = ParsedType("v,...", parse_values)
NEW_VALUES = ParsedType("v,...", parse_new_values)
QBYTES = ParsedType("bytes", parse_qbytes, {"4K": "4096", "16K": "16384", "64K": "65536"})
OPERATION = ParsedType("op", _parse_operation, _OPERATIONS)
STATUS = ParsedType("status", parse_status)
VALUE = ParsedType("num=v", parse_value)
PROJECT = ParsedType("project", parse_project)
TYPE = ParsedType("type", parse_type)
MESSAGE_TYPE = ParsedType("type", parse_message_type)
PRIORITY = ParsedType("priority", parse_priority)
COUNT = ParsedType("count", parse_count)
SECONDS = ParsedType("seconds", parse_seconds)
BYTES = ParsedType("bytes", parse_bytes, _SIZES)
PROCESS = ParsedType("pid", parse_pid, "process")
NAMESPACE = ParsedType("pid|path", _parse_namespace, "namespace")
BODY_SIZE = ParsedType("bytes", parse_body_size, _SIZES)
LAYOUT = ParsedType("format", parse_layout, _STRUCTS)
FILE = ParsedType("file", str, "file")
COMMAND_LINE = ParsedType("cmd", str, "command")
