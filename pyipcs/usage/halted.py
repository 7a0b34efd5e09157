"""Stopped and frozen processes, by files that every user can read.

The kernel drops ncount and zcount of a semaphore while a waiting process is stopped (SIGSTOP,
ptrace) or frozen (cgroups(7)), and counts the process again once it continues.
"""

import os
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from pyipcs.process.mountinfo import Mount, mounts
from pyipcs.sysv.namespace import is_initial
from pyipcs.usage.processes import UNREADABLE, read_proc

_GONE = (FileNotFoundError, ProcessLookupError)
_STOPPED = {b"T", b"t"}  # proc_pid_stat(5)


class _Mount(NamedTuple):
    """A mounted cgroup hierarchy that can freeze processes."""

    hierarchy: str  # "freezer", or "" for cgroup v2
    root: str
    folder: str


class Halted:
    """The stopped and frozen processes at one time.

    Each cgroup is read once.
    """

    def __init__(self) -> None:
        self._frozen: dict[bytes, bool] = {}  # by the text of /proc/PID/cgroup
        self._folders: dict[str, bool] = {}  # by the folder of a cgroup

    def can_include(self, pid: int) -> bool:
        """Return True if a thread of a process is, or may be, stopped or frozen."""
        folder = f"/proc/{pid}/task"
        try:
            return any(self._is_halted(f"{folder}/{thread}") for thread in os.listdir(folder))
        except _GONE:
            return False
        except UNREADABLE:
            return True

    def _is_halted(self, thread: str) -> bool:
        try:
            if _state(thread) in _STOPPED:
                return True
            cgroups = read_proc(f"{thread}/cgroup")
        except _GONE:  # the process exited, or the kernel has no cgroups
            return False
        if cgroups not in self._frozen:
            self._frozen[cgroups] = any(self._is_frozen(*one) for one in _freezable(cgroups))
        return self._frozen[cgroups]

    def _is_frozen(self, hierarchy: str, path: str) -> bool:
        """Return True if a cgroup or an ancestor is, or may be, frozen."""
        for mount in self._mounts:
            if mount.hierarchy == hierarchy and (below := _below(mount.root, path)) is not None:
                names = [name for name in below.split("/") if name]
                folders = ("/".join((mount.folder, *names[:n])) for n in range(len(names) + 1))
                return any(map(self._freezes, folders))
        # The hierarchy is not mounted. Its root cgroup cannot be frozen.
        return path != "/" or not is_initial("cgroup")

    def _freezes(self, folder: str) -> bool:
        if folder not in self._folders:
            self._folders[folder] = _is_freezing(folder)
        return self._folders[folder]

    @cached_property
    def _mounts(self) -> list[_Mount]:
        try:
            return [*_hierarchies(mounts())]
        except UNREADABLE:
            return []


def _state(thread: str) -> bytes:
    return read_proc(f"{thread}/stat").rpartition(b")")[2].split()[0]


def _freezable(cgroups: bytes) -> Iterator[tuple[str, str]]:
    """Yield hierarchy and path of the cgroups that can be frozen."""
    # A name may have a carriage return, which splitlines() takes for the end of a line.
    for line in filter(None, cgroups.split(b"\n")):
        number, controllers, path = line.split(b":", 2)
        if number == b"0":
            yield "", os.fsdecode(path)
        elif b"freezer" in controllers.split(b","):
            yield "freezer", os.fsdecode(path)


def _hierarchies(found: Iterable[Mount]) -> Iterator[_Mount]:
    """Yield the mounted cgroup hierarchies that can freeze processes."""
    for mount in found:
        root, folder = os.fsdecode(mount.root), os.fsdecode(mount.point)
        if mount.type == b"cgroup2":
            yield _Mount("", root, folder)
        elif mount.type == b"cgroup" and b"freezer" in mount.options.split(b","):
            yield _Mount("freezer", root, folder)


def _below(root: str, path: str) -> str | None:
    """Return a cgroup's path relative to a mount; None if it is outside."""
    start = "" if root == "/" else root
    whole = f"{path}/"
    if "/../" in whole or not whole.startswith(f"{start}/"):
        return None
    return path[len(start) :]


def _is_freezing(folder: str) -> bool:
    """Return True if a cgroup is, will be, or may be frozen."""
    # In v2, cgroup.events changes after the last process is frozen; cgroup.freeze changes earlier.
    files = (("freezer.state", b"THAWED"), ("cgroup.freeze", b"0"), ("cgroup.events", b"frozen 0"))
    for name, thawed in files:
        try:
            if thawed not in read_proc(f"{folder}/{name}").splitlines():
                return True
        except FileNotFoundError:  # the other version of cgroups, or the root cgroup
            continue
        except OSError:
            return True
    return not os.path.isdir(folder)
