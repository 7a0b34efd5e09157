"""Suggestions of objects and processes for the completion files of shells.

The files call `pyipcs --complete SOURCE CURRENT [ARG]...`. This module does not load click, which
halves the time that a Tab takes.
"""

import os
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from pyipcs import objects
from pyipcs.errors import UnseenError
from pyipcs.listing import Listing
from pyipcs.model import COUNTERPARTS, POSIX, SYSV, Kind
from pyipcs.process.accounts import user_name
from pyipcs.render.format_units import human
from pyipcs.sysv.keys import format_key
from pyipcs.text import one_line, plural

_FLAGS = {
    "q": Kind.QUEUE,
    "m": Kind.SEGMENT,
    "s": Kind.SEMAPHORE,
    "Q": Kind.POSIX_QUEUE,
    "M": Kind.POSIX_SEGMENT,
    "S": Kind.POSIX_SEMAPHORE,
}
_LONG_FLAGS = {
    "--queues": Kind.QUEUE,
    "--shmems": Kind.SEGMENT,
    "--semaphores": Kind.SEMAPHORE,
    "--posix-mqueues": Kind.POSIX_QUEUE,
    "--posix-shmems": Kind.POSIX_SEGMENT,
    "--posix-semaphores": Kind.POSIX_SEMAPHORE,
}
# Names that every shell reads as they are; others are not suggested.
_PLAIN_NAME = r"(?a)/[\w.,:=@%+-]+"
# The short options with a value, which end a group of flags. The commands declare them, too, but
# reading that takes click; tests/docs/test_completion.py compares both.
_OPTIONS_WITH_VALUE = "[fioN]"


def _value(value: int | None) -> str:
    return f"value {'unknown' if value is None else value}"


# The fields that describe an object, with their formatters.
_FACTS: dict[Kind, dict[str, Callable[[Any], str]]] = {
    Kind.QUEUE: {
        "qnum": lambda value: plural(int(value), "message"),
        "cbytes": lambda value: plural(int(value), "byte"),
    },
    Kind.SEGMENT: {"segsz": lambda value: human(int(value)), "nattch": "{} attached".format},
    Kind.SEMAPHORE: {"nsems": lambda value: plural(int(value), "semaphore")},
    Kind.POSIX_QUEUE: {},
    Kind.POSIX_SEGMENT: {"segsz": lambda value: human(int(value))},
    Kind.POSIX_SEMAPHORE: {"value": _value},
}


class _Object(NamedTuple):
    """An object with its names and a description."""

    kind: Kind
    id: str
    key: str  # empty for a private object
    facts: str


def main(args: Sequence[str]) -> None:
    """Print the suggestions for an argument of a command line.

    A line has a suggestion, a tab and a description.

    Args:
        args: the source of the suggestions ("id", "key", "target" or "name", with ":" and a kind
            if only one is possible, "process" or "namespace"), the current text of the argument,
            and the arguments of the command line, whose options may select kinds and a namespace.
    """
    source, current, *line = args
    del line[line.index("--") if "--" in line else len(line) :]
    suggestions: dict[str, list[str]] = {}
    match source:
        case "namespace":
            found = _namespaces()
        case "process":
            found = _processes(current)
        case _:
            found = _objects(source, current, line)
    for value, description in found:
        if value.startswith(current):
            suggestions.setdefault(value, []).append(description)
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # not in TextIO
    sys.stdout.writelines(f"{value}\t{'; '.join(all_)}\n" for value, all_ in suggestions.items())
    sys.stdout.flush()


def _namespaces() -> Iterator[tuple[str, str]]:
    """Yield a readable process of each other IPC namespace."""
    from pyipcs.sysv import namespace
    from pyipcs.usage.processes import command_of, pids

    seen = {namespace.current()}
    for pid in pids():
        try:
            inode = os.stat(f"/proc/{pid}/ns/ipc").st_ino
        except OSError:
            continue
        name = None if inode in seen else command_of(pid)
        if name is not None:  # otherwise the process has just exited
            seen.add(inode)
            yield str(pid), one_line(f"{name}, in IPC namespace {inode}")


def _processes(current: str) -> Iterator[tuple[str, str]]:
    """Yield the processes whose pids begin with a text; omit kernel threads."""
    from pyipcs.usage.processes import command_of, pids, read_proc

    for pid in sorted(pids()):
        if not str(pid).startswith(current):
            continue
        try:
            is_program = bool(read_proc(f"/proc/{pid}/cmdline"))
        except OSError:  # it has just exited
            continue
        if is_program and (name := command_of(pid)) is not None:
            yield str(pid), one_line(name)


def _objects(source: str, current: str, line: Sequence[str]) -> Iterator[tuple[str, str]]:
    source, _, kind = source.partition(":")
    _enter(line)
    kinds = [Kind(kind)] if kind else _kinds_of_options(line)
    if source == "name" or (source == "target" and current.startswith("/")):
        return _posix_names(source, kinds)
    kinds = [each for each in kinds if each in SYSV]
    found = (row for each in kinds for row in _read(each))
    return _names(source, current, found, has_kinds=len(kinds) > 1)


def _posix_names(source: str, kinds: Collection[Kind]) -> Iterator[tuple[str, str]]:
    """Yield the names of POSIX objects with descriptions."""
    # The options of `stat` and `set` choose an object of either family.
    chosen = {*kinds} if source == "name" else {COUNTERPARTS.get(one, one) for one in kinds}
    for kind in POSIX:
        if kind not in chosen:
            continue
        try:
            listings = objects.read(kind)
        except UnseenError:
            continue
        for listing in listings:
            for name, facts in zip(listing.column("name"), _facts(listing), strict=True):
                if re.fullmatch(_PLAIN_NAME, name):
                    yield name, f"{kind.noun}: {facts}"


def _enter(line: Sequence[str]) -> None:
    """Enter the namespace of --ns, if it is given."""
    if found := re.search("(?:^|\\0)--ns[=\\0]([^\\0]+)", "\0".join(line)):
        from pyipcs.posix.directory import use_namespace_file
        from pyipcs.sysv.namespace import path_of
        from pyipcs.sysv.unshare import enter

        enter(use_namespace_file(path_of(os.path.expanduser(found[1]))))


def _kinds_of_options(line: Iterable[str]) -> list[Kind]:
    """Return the kinds that options select, or all.

    Options are -q, -m, -s, -Q, -M, -S, their long names, --sysv and --posix, which may be
    abbreviated.
    """
    kinds = set()
    for arg in line:
        if re.match("--[qmsp]", arg):
            kinds |= {kind for name, kind in _LONG_FLAGS.items() if name.startswith(arg)}
            kinds |= {*SYSV} if "--sysv".startswith(arg) else set()
        elif re.match("-[a-zA-Z]", arg):
            flags = re.split(_OPTIONS_WITH_VALUE, arg)[0]
            kinds |= {kind for letter, kind in _FLAGS.items() if letter in flags}
    return [kind for kind in Kind if kind in kinds] or [*Kind]


def _read(kind: Kind) -> Iterator[_Object]:
    for listing in objects.read(kind):
        keys = (format_key(int(key)) if int(key) else "" for key in listing.column("key"))
        ids = map(str, listing.column("id"))
        yield from map(_Object, [kind] * listing.length, ids, keys, _facts(listing))


def _facts(listing: Listing) -> Iterator[str]:
    facts = {**_FACTS[listing.kind], "uid": lambda uid: one_line(user_name(uid))}
    columns = [map(cache(format_), listing.column(name)) for name, format_ in facts.items()]
    return map(", ".join, zip(*columns, strict=True))


def _names(
    source: str, current: str, found: Iterable[_Object], *, has_kinds: bool
) -> Iterator[tuple[str, str]]:
    """Yield the names of objects with descriptions.

    A target is suggested by its key, and by its id if it has no key or the current text is an id.
    If each object had two suggestions, Tab could not insert the name of a single object.

    Args:
        source: "id", "key" or "target".
        current: the current text of the argument.
        found: the objects.
        has_kinds: True if there may be objects of several kinds.
    """
    prefix = ""
    if source == "target":
        typed, colon, _ = current.partition(":")
        if colon:
            source, prefix = typed, typed + colon
        elif current.isdigit() and current != "0":
            source = "id"
    for kind, object_id, key, facts in found:
        noun = kind.noun if has_kinds else "id"
        if key and source in {"key", "target"}:
            padded = prefix + key
            short = f"{prefix}{int(key, 16):#x}"
            yield padded if padded.startswith(current) else short, f"{noun} {object_id}: {facts}"
        if source == "id" or (source == "target" and (not key or current == "0")):
            yield prefix + object_id, f"{kind.noun} {object_id}, {key or 'no key'}: {facts}"
