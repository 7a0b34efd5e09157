"""What shells offer where an object is to be named: `pyipcs --complete WHAT CURRENT [WORD]...`.

The files in completions/ call this. It stands beside the command line proper, and loads no click,
so that Tab is answered in half the time that a command takes.
"""

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

from pyipcs.model import Kind
from pyipcs.process.accounts import user_name
from pyipcs.render.format_units import human
from pyipcs.sysv import procfs
from pyipcs.sysv.keys import format_key
from pyipcs.sysv.listing import Listing
from pyipcs.terminal.escape import one_line
from pyipcs.text import plural

_FLAGS = {"q": Kind.QUEUE, "m": Kind.SEGMENT, "s": Kind.SEMAPHORE}
# The short options with a value, behind which no flag can stand. The commands declare them, and a
# test holds this to that: to ask them here would take click.
_VALUES = "[fio]"
# What else there is to tell of an object: a field, and its words.
_FACTS: dict[Kind, dict[str, Callable[[str], str]]] = {
    Kind.QUEUE: {
        "qnum": lambda word: plural(int(word), "message"),
        "cbytes": lambda word: plural(int(word), "byte"),
    },
    Kind.SEGMENT: {"segsz": lambda word: human(int(word)), "nattch": "{} attached".format},
    Kind.SEMAPHORE: {"nsems": lambda word: plural(int(word), "semaphore")},
}


class _Named(NamedTuple):
    """An object by its names, and what is told of it."""

    kind: Kind
    id: str
    key: str  # empty for one that has none
    facts: str


def main(args: Sequence[str]) -> None:
    """Write what may stand in the place of a word, a line each, with a tab and what it is.

    Args:
        args: what is to be named ("id", "key" or "target", perhaps with ":" and a kind, or
            "namespace"), what stands there so far, and the words of the command line, which may
            tell the kind and the namespace.
    """
    what, current, *words = args
    del words[words.index("--") if "--" in words else len(words) :]
    told: dict[str, list[str]] = {}
    for word, about in _namespaces() if what == "namespace" else _objects(what, current, words):
        if word.startswith(current):
            told.setdefault(word, []).append(about)
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # it is no stub
    sys.stdout.writelines(f"{word}\t{'; '.join(about)}\n" for word, about in told.items())
    sys.stdout.flush()


def _namespaces() -> Iterator[tuple[str, str]]:
    """A process of each other IPC namespace whose processes may be looked at."""
    from pyipcs.sysv import namespace
    from pyipcs.usage.processes import command_of, pids

    seen = {namespace.current()}
    for pid in pids():
        try:
            inode = os.stat(f"/proc/{pid}/ns/ipc").st_ino
        except OSError:
            continue
        name = None if inode in seen else command_of(pid)
        if name is not None:  # else it has just gone
            seen.add(inode)
            yield str(pid), one_line(f"{name}, in IPC namespace {inode}")


def _objects(what: str, current: str, words: Sequence[str]) -> Iterator[tuple[str, str]]:
    what, _, kind = what.partition(":")
    _enter(words)
    kinds = [Kind(kind)] if kind else _kinds_of_options(words)
    found = (row for each in kinds for row in _rows(each))
    return _offered(what, current, found, several=len(kinds) > 1)


def _enter(words: Sequence[str]) -> None:
    """Go where --ns, if there is one, has the command work."""
    line = "\0".join(words)
    if found := re.search("(?:^|\\0)--ns[=\\0]([^\\0]+)", line):
        from pyipcs.sysv.namespace import path_of
        from pyipcs.sysv.unshare import enter

        enter(path_of(os.path.expanduser(found[1])))


def _kinds_of_options(words: Iterable[str]) -> list[Kind]:
    """The kinds that -q, -m and -s tell, or their long names, abbreviated or not; else all."""
    told = set()
    for word in words:
        if re.match("--[qms]", word):
            told |= {kind for kind in Kind if f"--{kind.collection}".startswith(word)}
        elif re.match("-[a-zA-Z]", word):
            flags = re.split(_VALUES, word)[0]
            told |= {kind for letter, kind in _FLAGS.items() if letter in flags}
    return [kind for kind in Kind if kind in told] or [*Kind]


def _rows(kind: Kind) -> Iterator[_Named]:
    for listing in procfs.read(kind):
        keys = (format_key(int(word)) if int(word) else "" for word in listing.column("key"))
        ids = map(str, listing.column("id"))
        yield from map(_Named, [kind] * listing.length, ids, keys, _facts(listing))


def _facts(listing: Listing) -> Iterator[str]:
    facts = {**_FACTS[listing.kind], "uid": lambda uid: one_line(user_name(uid))}
    columns = [map(cache(words), listing.column(name)) for name, words in facts.items()]
    return map(", ".join, zip(*columns, strict=True))


def _offered(
    what: str, current: str, found: Iterable[_Named], *, several: bool
) -> Iterator[tuple[str, str]]:
    """Words that name the objects, each with what it is.

    A target is offered by its key, if it has one, and by its id once that is begun: two names for
    each would hinder who wants the only one there is.
    """
    prefix = ""
    if what == "target":
        typed, colon, _ = current.partition(":")
        if colon:
            what, prefix = typed, typed + colon
        elif current.isdigit() and current != "0":
            what = "id"
    for kind, object_id, key, facts in found:
        noun = kind.noun if several else "id"
        if key and what in {"key", "target"}:
            whole = prefix + key
            short = f"{prefix}{int(key, 16):#x}"
            yield whole if whole.startswith(current) else short, f"{noun} {object_id}: {facts}"
        if what == "id" or (what == "target" and (not key or current == "0")):
            yield prefix + object_id, f"{kind.noun} {object_id}, {key or 'no key'}: {facts}"
