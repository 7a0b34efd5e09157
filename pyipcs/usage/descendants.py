"""The descendants of a command, and the caller's other processes."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

from pyipcs.process.identity import effective_uid
from pyipcs.sysv.namespace import current
from pyipcs.usage.processes import (
    UNREADABLE,
    command_of,
    is_program,
    own_number,
    pid_here,
    pids,
    status_of,
)

_FRESH = 0.01  # seconds after which a scan expires, in addition to twice its duration


class Process(NamedTuple):
    """A living process.

    Attributes:
        pid: the pid in the caller's PID namespace.
        command: the name (proc_pid_comm(5)), if it can be read.
        parent: the number of the parent in /proc.
        uids: the real, effective, saved and file system user.
    """

    pid: int
    command: str | None
    parent: int
    uids: frozenset[int]


class Scan(NamedTuple):
    """The processes of one pass over /proc.

    Attributes:
        descendants: the processes that the command started, by pid.
        has_descendants: True if a descendant lives, even if /proc does not show it.
        others: the caller's other processes in this IPC namespace or in an unknown one.
        uid: the caller's effective user.
        took: the duration of the pass in seconds.
        taken: the end of the pass, by the monotonic clock.
    """

    descendants: Mapping[int, Process]
    has_descendants: bool
    others: tuple[Process, ...]
    uid: int
    took: float
    taken: float


class Descendants:
    """The descendants of this process, which adopts orphans."""

    def __init__(self) -> None:
        """Record the children that this process had before execve(2)."""
        self.known: set[int] = set()  # the pids of all descendants so far, exited ones included
        self._former: frozenset[int] = frozenset()
        self._last: Scan | None = None
        if _has_children():
            own = own_number()
            self._former = frozenset(
                number for number, one in _processes() if one.parent == own and own is not None
            )

    def scan(self) -> Scan:
        """Return the current processes, from a cached scan if it is fresh."""
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
            if uid in one.uids and number not in found and number != own and _can_be_here(number)
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


def _has_children() -> bool:
    """Reap dead children; return True if this process has a living one."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
        return True
    return False


def _processes() -> Iterator[tuple[int, Process]]:
    """Yield the numbers in /proc and the processes of living programs.

    Kernel threads and zombies are no programs.
    """
    with suppress(OSError):
        for number in pids():
            with suppress(*UNREADABLE):
                status = status_of(number)
                if is_program(status):
                    uids = frozenset(map(int, status[b"Uid"].split()))
                    parent = int(status[b"PPid"])
                    yield number, Process(pid_here(number), command_of(number), parent, uids)


def _tree(there: Mapping[int, Process], root: int, without: frozenset[int]) -> set[int]:
    """Return the descendants of a process, except under some children.

    Args:
        there: all processes by number.
        root: the number of the process.
        without: the numbers of the children to leave out with their descendants.
    """
    children: dict[int, list[int]] = {}
    for number, one in there.items():
        children.setdefault(one.parent, []).append(number)
    found: set[int] = set()
    waiting = [root]
    while waiting:
        new = {*children.get(waiting.pop(), ())} - found - without
        found |= new
        waiting += new
    return found


def _can_be_here(number: int) -> bool:
    """Return False if a process is known to be in another IPC namespace."""
    try:
        return os.stat(f"/proc/{number}/ns/ipc").st_ino == current()
    except FileNotFoundError:  # it exited, or this kernel has no IPC namespaces
        return os.path.exists(f"/proc/{number}")
    except OSError:
        return True
