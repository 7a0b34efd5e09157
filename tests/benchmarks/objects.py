"""The objects and processes that exist during a measurement."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from pyipcs.model import Kind
from tests.kit.kernel import IPC_CREAT, libc
from tests.kit.mqueue import MQUEUE, make_queue
from tests.kit.posix_objects import PosixObjects, path_of
from tests.kit.program import run

# The kinds in /dev/shm by their names in tables.
_IN_SHM = {
    "POSIX segments": Kind.POSIX_SEGMENT,
    "POSIX semaphores": Kind.POSIX_SEMAPHORE,
}


def fill(kind: str, count: int) -> None:
    """Create objects with the keys or names 1 to `count`, unless they exist."""
    for key in range(1, count + 1):
        match kind:
            case "queues":
                libc.msgget(key, IPC_CREAT | 0o644)
            case "segments":
                libc.shmget(key, 4096, IPC_CREAT | 0o644)
            case "sets":
                libc.semget(key, 1, IPC_CREAT | 0o644)
            case "POSIX queues":
                _make_small_queue(f"/psm_{key:08x}")
            case _:
                name = f"psm_{key:08x}"
                if not path_of(_IN_SHM[kind], name).exists():
                    PosixObjects().make(_IN_SHM[kind], name)


def _make_small_queue(name: str) -> None:
    """Create a queue; 8,000 of them are within the usual RLIMIT_MSGQUEUE."""
    if not (MQUEUE / name[1:]).exists():
        os.close(make_queue(name, sizes=(1, 1)))


def empty() -> None:
    """Remove all objects."""
    run("ipcrm", "--all")
    PosixObjects().remove_all()


@contextmanager
def processes(count: int) -> Iterator[None]:
    """Run sleeping processes within a `with` block."""
    started = [subprocess.Popen(["sleep", "infinity"]) for _ in range(count)]
    try:
        yield
    finally:
        for one in started:
            one.kill()
        for one in started:
            one.wait()
