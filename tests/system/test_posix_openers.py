"""Processes that open an object while `rm` removes it.

strace(1) delays the removal within its write lease, so that the opener is always in time.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyipcs.model import POSIX, Kind
from tests.kit.posix import child_in, hold_open, is_leased, needs_leases
from tests.kit.posix_objects import PosixObjects
from tests.kit.tracing import delayed
from tests.kit.wait import LIMIT, wait_until

FOLDERS = [Kind.POSIX_QUEUE, Kind.POSIX_SEGMENT]  # semaphores are in that of segments
# The delays: in the lease, before the check that it still stands, and after this check.
# A segment gets another name before its unlink.
BEFORE_CHECK, BEFORE_UNLINK = ("fcntl", "exit"), ("unlinkat,rename,renameat,renameat2", "enter")

pytestmark = [
    needs_leases,
    pytest.mark.tools("strace"),
    pytest.mark.slow,
]


@contextmanager
def leased_by_rm(
    kind: Kind, delay: tuple[str, str], path: Path, *filters: str
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run `rm --all=KIND` with delays; enter the block within its lease on a file."""
    args = ("rm", "-v", f"--all={kind.value}", *filters)
    with delayed(*delay, *args, seconds=0.25, stdout=subprocess.PIPE) as process:
        wait_until(lambda: is_leased(path))
        yield process


def result_of(process: "subprocess.Popen[bytes]") -> tuple[int, str, str]:
    out, err = process.communicate(timeout=LIMIT)
    return process.returncode, out.decode(), err.decode()


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
    with leased_by_rm(kind, BEFORE_UNLINK, path, "--orphaned") as process:
        result = result_of(process)
    note = f"pyipcs: removed {kind.noun} /x while a process was opening it\n"
    assert result == (0, VERBOSE[kind], note)
    assert not path.exists()


def test_rm_orphaned_gives_an_opener_after_the_check_an_unlinked_object(
    posix_objects: PosixObjects,
) -> None:
    path = posix_objects.make(Kind.POSIX_SEGMENT)
    read, write = os.pipe()

    def count_names() -> None:
        os.write(write, b"%d" % os.fstat(os.open(path, os.O_RDONLY)).st_nlink)

    with (
        leased_by_rm(Kind.POSIX_SEGMENT, BEFORE_UNLINK, path, "--orphaned") as process,
        child_in(count_names),
    ):
        assert result_of(process)[0] == 0
    assert os.read(read, 9) == b"0"
    os.close(read)
    os.close(write)


@pytest.mark.parametrize(
    ("filters", "status"), [(["--orphaned"], 0), (["--match", "x"], 1)], ids=["orphaned", "match"]
)
@pytest.mark.parametrize("kind", FOLDERS)
def test_rm_spares_an_object_opened_before_the_check(
    kind: Kind, filters: list[str], status: int, posix_objects: PosixObjects
) -> None:
    path = posix_objects.make(kind)
    with (
        leased_by_rm(kind, BEFORE_CHECK, path, *filters) as process,
        child_in(lambda: hold_open(path)),
    ):
        result = result_of(process)
        assert path.exists()
    assert result == (status, "", f"pyipcs: skipped {kind.noun} /x: in use\n")


@pytest.mark.parametrize("kind", FOLDERS)
def test_rm_tries_again_after_an_attempt_to_open_the_object(
    kind: Kind, posix_objects: PosixObjects
) -> None:
    path = posix_objects.make(kind)
    with leased_by_rm(kind, BEFORE_CHECK, path, "--match", "x") as process:
        result = result_of(process)
    assert result == (0, VERBOSE[kind], "")
    assert not path.exists()
