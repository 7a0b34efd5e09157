"""Processes that open an object while `rm` removes it.

strace(1) holds the removal within its write lease, so that the opener is always in time.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyipcs.model import POSIX, Kind
from tests.kit.posix import is_leased, needs_leases
from tests.kit.posix_objects import PosixObjects
from tests.kit.tracing import HeldProgram, held
from tests.kit.wait import exit_code, wait_until

FOLDERS = [Kind.POSIX_QUEUE, Kind.POSIX_SEGMENT]  # semaphores are in that of segments
# System calls in the lease: before the check that it still stands, and after this check.
# A segment gets another name before its unlink.
BEFORE_CHECK, BEFORE_UNLINK = ("fcntl", "exit"), ("unlinkat,rename,renameat,renameat2", "enter")
# The call that takes the lease of the removal: with --orphaned, the first one finds the state.
LEASES = {"--orphaned": 2, "--match": 1}

pytestmark = [needs_leases, pytest.mark.tools("strace")]


@contextmanager
def leased_by_rm(
    kind: Kind, call: tuple[str, str], path: Path, *filters: str
) -> Iterator[HeldProgram]:
    """Run `rm --all=KIND`; enter the block while it is held in its lease on a file."""
    args = ("rm", "-v", f"--all={kind.value}", *filters)
    if call == BEFORE_CHECK:
        # For root, the file system of the queues is mounted nowhere.
        files = [path, Path("/", path.name)]
        holding = held(*call, *args, nth=LEASES[filters[0]], paths=files)
    else:
        holding = held(*call, *args)
    with holding as program:
        yield program


def has_waiting_opener(path: Path) -> bool:
    """Return True while a process waits for the end of a lease on a file (proc_locks(5))."""
    found = path.stat()
    device = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}"
    locks = map(str.split, Path("/proc/locks").read_text().splitlines())
    return any("BREAKING" in lock and f"{device}:{found.st_ino}" in lock for lock in locks)


@contextmanager
def waiting_opener(path: Path) -> Iterator[int]:
    """Open a leased file in a child; enter the block while the child waits for the lease.

    The child keeps the file open. Yield a descriptor on which it reports the number of the names
    that the file has then.
    """
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        try:
            opened = os.open(path, os.O_RDONLY)
            os.write(write, b"%d" % os.fstat(opened).st_nlink)
            signal.pause()
        finally:
            os._exit(1)
    os.close(write)
    try:
        wait_until(lambda: has_waiting_opener(path))
        yield read
    finally:
        os.kill(child, signal.SIGKILL)
        exit_code(child)
        os.close(read)


VERBOSE = {
    Kind.POSIX_QUEUE: "removing POSIX message queue `/x'\n",
    Kind.POSIX_SEGMENT: "removing POSIX shared memory `/x'\n",
    Kind.POSIX_SEMAPHORE: "removing POSIX semaphore `/x'\n",
}


@pytest.mark.parametrize("kind", POSIX)
def test_rm_orphaned_reports_an_opener_after_the_check(
    kind: Kind, posix_objects: PosixObjects
) -> None:
    path = posix_objects.make(kind)
    with leased_by_rm(kind, BEFORE_UNLINK, path, "--orphaned") as program:
        assert is_leased(path)
        result = program.result()
    note = f"pyipcs: removed {kind.noun} /x while a process was opening it\n"
    assert result == (0, VERBOSE[kind], note)
    assert not path.exists()


def test_rm_orphaned_gives_an_opener_after_the_check_an_unlinked_object(
    posix_objects: PosixObjects,
) -> None:
    path = posix_objects.make(Kind.POSIX_SEGMENT)
    with (
        leased_by_rm(Kind.POSIX_SEGMENT, BEFORE_UNLINK, path, "--orphaned") as program,
        waiting_opener(path) as link_count,
    ):
        assert program.result().status == 0
        assert os.read(link_count, 9) == b"0"


@pytest.mark.parametrize(
    ("filters", "status"), [(["--orphaned"], 0), (["--match", "x"], 1)], ids=["orphaned", "match"]
)
@pytest.mark.parametrize("kind", FOLDERS)
def test_rm_spares_an_object_opened_before_the_check(
    kind: Kind, filters: list[str], status: int, posix_objects: PosixObjects
) -> None:
    path = posix_objects.make(kind)
    with (
        leased_by_rm(kind, BEFORE_CHECK, path, *filters) as program,
        waiting_opener(path),
    ):
        result = program.result()
        assert path.exists()
    assert result == (status, "", f"pyipcs: skipped {kind.noun} /x: in use\n")


@pytest.mark.parametrize("kind", FOLDERS)
def test_rm_tries_again_after_an_attempt_to_open_the_object(
    kind: Kind, posix_objects: PosixObjects
) -> None:
    path = posix_objects.make(kind)
    with leased_by_rm(kind, BEFORE_CHECK, path, "--match", "x") as program:
        assert is_leased(path)
        result = program.result()
    assert result == (0, VERBOSE[kind], "")
    assert not path.exists()
