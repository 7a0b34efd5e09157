"""A process and all processes that it started, also those that became daemons."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.kit.kernel import libc
from tests.kit.wait import wait_until

_PR_SET_CHILD_SUBREAPER = 36


@contextmanager
def adoption() -> Iterator[None]:
    """Adopt daemons into this process within a `with` block: not every init reaps them."""
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
        reap()


def reap() -> None:
    """Reap all children that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def members(leader: int, mark: str) -> set[int]:
    """Return a leader, the processes with a mark in their environment, and their descendants.

    A daemon has a parent and a session of its own, and a server overwrites its environment.
    """
    parents, found = {}, {leader}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):  # the process ended, or is another user's
                fields = (entry / "stat").read_bytes().rpartition(b")")[2].split()  # after any name
                parents[int(entry.name)] = int(fields[1])
                if mark.encode() in (entry / "environ").read_bytes():
                    found.add(int(entry.name))
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def kill_family(leader: int, mark: str) -> None:
    """Kill a leader and all its processes at once, and wait for their end.

    They are stopped first, so that none sees another one end and cleans up.
    `adoption` must be in effect, and the leader a child of this process.
    """
    stopped: set[int] = set()
    while new := members(leader, mark) - stopped:
        _signal(new, signal.SIGSTOP)
        stopped |= new
    _signal(stopped, signal.SIGKILL)
    wait_until(lambda: not any(_is_left(pid) for pid in stopped))


def _signal(pids: set[int], number: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _is_left(pid: int) -> bool:
    """Reap a process if it is a child; return True if it still exists."""
    with suppress(ChildProcessError):  # its parent is among the killed, and may still be there
        os.waitpid(pid, os.WNOHANG)
    return Path(f"/proc/{pid}").exists()
