"""The processes that a command started, and the caller's other processes beside them."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

from pyipcs.process.identity import effective_uid
from pyipcs.sysv.namespace import current
from pyipcs.usage.processes import own_number, pid_here, pids

_FRESH = 0.01  # seconds that a scan counts as new, beside twice its own duration


class Process(NamedTuple):
    """A living process.

    Attributes:
        pid: its pid in the caller's PID namespace.
        command: its name (proc_pid_comm(5)).
        parent: the number of its parent in /proc.
        uids: its real, effective, saved and file system user.
    """

    pid: int
    command: str
    parent: int
    uids: frozenset[int]


class Scan(NamedTuple):
    """The processes of one pass over /proc.

    Attributes:
        descendants: those that the command started, by pid.
        has_descendants: whether one of these lives; known also where /proc does not show it.
        others: the caller's others in this IPC namespace, or in one that is not known.
        uid: the caller's effective user.
        took: the seconds that the pass lasted.
        taken: its end, by the monotonic clock.
    """

    descendants: Mapping[int, Process]
    has_descendants: bool
    others: tuple[Process, ...]
    uid: int
    took: float
    taken: float


class Descendants:
    """What this process, which adopts orphans, has for descendants since a command began."""

    def __init__(self) -> None:
        """Note the children that this process had before (execve(2) keeps them)."""
        self.known: set[int] = set()  # the pids of all that were seen; one may just have ended
        self._former: frozenset[int] = frozenset()
        self._last: Scan | None = None
        if _has_children():
            own = own_number()
            self._former = frozenset(
                number for number, one in _processes() if one.parent == own and own is not None
            )

    def scan(self) -> Scan:
        """Return the processes now, or of a moment ago."""
        last = self._last
        if last is None or time.monotonic() - last.taken > 2 * last.took + _FRESH:
            last = self._last = self._scan()
            self.known.update(last.descendants)
        return last

    def _scan(self) -> Scan:
        begun = time.monotonic()
        own = own_number()
        has_children = _has_children()
        there = dict(_processes())
        found = set() if own is None else _tree(there, own, self._former)
        uid = effective_uid()
        known = has_children and self._former & there.keys()
        others = [
            one
            for number, one in there.items()
            if number not in {*found, own} and uid in one.uids and _may_be_here(number)
        ]
        taken = time.monotonic()
        return Scan(
            {there[number].pid: there[number] for number in found},
            bool(found) or (has_children and not known),
            tuple(others),
            uid,
            taken - begun,
            taken,
        )


def thread_group(pid: int) -> int:
    """Return the process of a thread on record; the number itself where /proc has none."""
    with suppress(OSError, ValueError), open(f"/proc/{pid}/status", "rb") as file:
        return int(_fields(file.read())[b"Tgid"])
    return pid


def _has_children() -> bool:
    """Return whether this process has a child that lives; those that do not are reaped."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
        return True
    return False


def _processes() -> Iterator[tuple[int, Process]]:
    """Yield the processes with their numbers in /proc, without kernel threads and zombies."""
    with suppress(OSError):
        for number in pids():
            with suppress(OSError):
                with open(f"/proc/{number}/status", "rb") as file:
                    fields = _fields(file.read())
                if b"VmSize" in fields or fields[b"Threads"] != b"1":
                    name = os.fsdecode(fields[b"Name"])
                    uids = frozenset(map(int, fields[b"Uid"].split()))
                    yield number, Process(pid_here(number), name, int(fields[b"PPid"]), uids)


def _fields(status: bytes) -> dict[bytes, bytes]:
    pairs = (line.partition(b":") for line in status.splitlines())
    return {name: value.strip() for name, _, value in pairs}


def _tree(there: Mapping[int, Process], root: int, without: frozenset[int]) -> set[int]:
    """Return the numbers of the descendants of a process, without some children's."""
    children: dict[int, list[int]] = {}
    for number, one in there.items():
        children.setdefault(one.parent, []).append(number)
    found: set[int] = set()
    waiting = [root]
    while waiting:
        new = [one for one in children.get(waiting.pop(), ()) if one not in {*found, *without}]
        found.update(new)
        waiting += new
    return found


def _may_be_here(number: int) -> bool:
    """Return whether a process is not known to be in another IPC namespace."""
    try:
        return os.stat(f"/proc/{number}/ns/ipc").st_ino == current()
    except FileNotFoundError:  # it has ended, or this kernel has no such namespaces
        return os.path.exists(f"/proc/{number}")
    except OSError:
        return True
