"""Shortages of descriptors, memory, room in /dev/shm and the kernel's limits: see faults.py.

Unlike a single fault, a shortage lasts: it also meets the command's own way out.
"""

import ctypes
import os
import re
import resource
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.kit.kernel import libc
from tests.kit.memory import exhaust_memory
from tests.kit.posix import SHM
from tests.trials.faults import LOADED, Ended, Tally, World, outcome

_MS_NOSUID, _MS_NODEV, _MS_REMOUNT = 2, 4, 32
_KIB, _MIB = 1 << 10, 1 << 20
# A new process with a limit from its first own import on.
_LIMITED = """
import resource, sys
limit, most, words = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
if limit == resource.RLIMIT_AS:
    pages = open("/proc/self/statm").read().split()[0]
    most += int(pages) * resource.getpagesize()
from pyipcs.__main__ import main
sys.argv = ["pyipcs", *words]
resource.setrlimit(limit, (most, most))
main()
"""


class Shortage(NamedTuple):
    """A resource of which a command has too little.

    Attributes:
        name: the name of the resource.
        levels: the amounts, from little to enough.
        rlimit: the resource limit of the command; None for a shortage of the whole namespace.
        around: returns the context of a command with this amount.
        commands: the first words of the cases that need the resource; empty for all.
        is_loading: True for a new process, False for a forked one that has loaded all modules.
    """

    name: str
    levels: Sequence[int]
    rlimit: int | None = None
    around: Callable[[int], AbstractContextManager[object]] = nullcontext
    commands: tuple[str, ...] = ()
    is_loading: bool = False

    def concerns(self, case: str) -> bool:
        """Return True if a case needs the resource."""
        if self.is_loading:
            return case in LOADED
        return case.startswith(self.commands) if self.commands else True


@contextmanager
def _sysctl(path: str, level: int) -> Iterator[None]:
    """Set a limit of the IPC namespace within a `with` block."""
    file = Path("/proc/sys", path)
    former = file.read_text()
    # Of the four values of kernel.sem the last one is the number of sets.
    fixed = former.split()[:-1]
    file.write_text(" ".join([*fixed, str(level)]))
    try:
        yield
    finally:
        file.write_text(former)


@contextmanager
def _room(level: int, *, inodes: bool) -> Iterator[None]:
    """Leave so many pages or inodes free in /dev/shm within a `with` block."""
    status = os.statvfs(SHM)
    used = status.f_files - status.f_ffree if inodes else status.f_blocks - status.f_bfree
    name, unit = ("nr_inodes", 1) if inodes else ("size", status.f_frsize)
    most = status.f_files if inodes else status.f_blocks
    _remount(f"{name}={(used + level) * unit}")
    try:
        yield
    finally:
        _remount(f"{name}={most * unit}")


def _remount(options: str) -> None:
    flags = ctypes.c_ulong(_MS_REMOUNT | _MS_NOSUID | _MS_NODEV)
    libc.mount(b"none", os.fsencode(SHM), None, flags, options.encode())


_CHANGES = ("make", "send", "set", "run")
_POSIX = ("make posix", "make both", "set posix", "write posix", "op posix", "run")
_SHORTAGES = [
    Shortage("descriptors", range(3, 24), resource.RLIMIT_NOFILE),
    Shortage("memory", range(8 * _KIB, 800 * _KIB, 32 * _KIB), resource.RLIMIT_AS),
    # More than a message: standard error is a file, too.
    Shortage("size of files", (300, 1000, 1500), resource.RLIMIT_FSIZE),
    Shortage("memory of queues", (0, 1000, 10_000), resource.RLIMIT_MSGQUEUE, commands=_CHANGES),
    Shortage("pages of /dev/shm", range(4), around=partial(_room, inodes=False), commands=_POSIX),
    Shortage("inodes of /dev/shm", range(4), around=partial(_room, inodes=True), commands=_POSIX),
    *(
        Shortage(f"{path.replace('/', '.')}", levels, around=partial(_sysctl, path), commands=words)
        for path, levels, words in (
            ("kernel/msgmni", (0, 1, 2), ("make", "run")),
            ("kernel/msgmax", (0, 3), ("send",)),
            ("kernel/msgmnb", (0, 100), ("set", "send")),
            ("kernel/shmmni", (0, 1, 2), ("make", "run")),
            ("kernel/shmmax", (0, 1000), ("make", "run")),
            ("kernel/shmall", (0, 1, 2), ("make", "run")),
            ("kernel/sem", (0, 1, 2), ("make", "run")),
            ("fs/mqueue/queues_max", (0, 1, 2), ("make", "run")),
            # Queues of the default size are smaller then.
            ("fs/mqueue/msg_max", (1, 2), ("make posix sizes", "list posix name")),
            ("fs/mqueue/msgsize_max", (128,), ("make posix sizes", "list posix name")),
        )
    ),
    # While Python loads the command, from its own first module on.
    Shortage("descriptors, loading", range(3, 24), resource.RLIMIT_NOFILE, is_loading=True),
    Shortage("memory, loading", range(0, 24 * _MIB, _MIB), resource.RLIMIT_AS, is_loading=True),
]
# The report of an exception that the interpreter ignores, for lack of memory for its hook.
_IGNORED = re.compile(
    r"^Exception ignored in .*\n(?:Traceback .*\n(?: .*\n)*)?(?:\w+Error.*\n)?", re.MULTILINE
)
SHORTAGES = {shortage.name: shortage for shortage in _SHORTAGES}


def _set_limit(shortage: Shortage, level: int) -> None:
    """Set the limit of this process."""
    assert shortage.rlimit is not None
    if shortage.rlimit == resource.RLIMIT_AS:
        exhaust_memory(level)
    else:
        resource.setrlimit(shortage.rlimit, (level, level))


def _run(world: World, case: str, shortage: Shortage, level: int) -> Ended:
    if shortage.is_loading:
        start = (sys.executable, "-c", _LIMITED, str(shortage.rlimit), str(level))
        return world.start(case, *start)
    first = bool if shortage.rlimit is None else partial(_set_limit, shortage, level)
    ended = world.fork(case, first)
    own = _IGNORED.sub("", ended.result.err)
    return ended._replace(result=ended.result._replace(err=own))


def starve_all(cases: Iterable[str], folder: Path) -> Iterator[Tally]:
    """Run cases with too little of each resource; yield a tally for each resource."""
    for shortage in SHORTAGES.values():
        concerned = [case for case in cases if shortage.concerns(case)]
        yield starve(concerned, folder, shortage)


def starve(cases: Iterable[str], folder: Path, shortage: Shortage, every: int = 1) -> Tally:
    """Run cases with each amount of a resource, until it is enough.

    Args:
        cases: the names of the command lines.
        folder: the folder for their files.
        shortage: the resource.
        every: the step between two amounts, if there are many.
    """
    tally = Tally(shortage.name, 0, Counter(), [])
    for case in cases:
        untouched = World(folder, case).remains()
        complete = World(folder, case).fork(case)
        for level in shortage.levels[:: every if len(shortage.levels) > every else 1]:
            world = World(folder, case)
            with shortage.around(level):
                ended = _run(world, case, shortage, level)
            found = outcome(case, ended, untouched, complete, may_lack=True)
            tally.add(case, f"{shortage.name} {level}", found, ended)
            if found == "unharmed" and shortage.rlimit != resource.RLIMIT_AS:
                break
    return tally._replace(calls=tally.outcomes.total())
