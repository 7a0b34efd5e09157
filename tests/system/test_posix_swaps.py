"""pyipcs rm beside programs that replace the file of a POSIX object."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.kit.posix import SHM, ShmFiles, is_leased
from tests.kit.tracing import delayed
from tests.kit.wait import LIMIT, wait_until

pytestmark = [pytest.mark.usefixtures("shm"), pytest.mark.slow, pytest.mark.tools("strace")]
X = SHM / "x"


@contextmanager
def removal_before_its_rename() -> Iterator["subprocess.Popen[bytes]"]:
    """Start the removal of /x, and wait until it holds the lease, right before rename(2)."""
    calls = "rename,renameat,renameat2"
    with delayed(calls, "enter", "rm", "--all=pshm", "--orphaned", "-v") as program:
        wait_until(lambda: is_leased(X))
        yield program


def left() -> dict[str, bytes | None]:
    """Return the names and the contents of all files; None for a directory."""
    return {path.name: path.read_bytes() if path.is_file() else None for path in SHM.iterdir()}


def replaced_by_file(shm: ShmFiles) -> None:
    shm.file("new", b"new").rename(X)


def replaced_by_directory(_shm: ShmFiles) -> None:
    X.unlink()
    X.mkdir()


def renamed(_shm: ShmFiles) -> None:
    X.rename(SHM / "y")


@pytest.mark.parametrize(
    ("swap", "expected"),
    [
        (replaced_by_file, {"x": b"new"}),
        (replaced_by_directory, {"x": None}),
        (renamed, {"y": b"old"}),
    ],
)
def test_rm_orphaned_keeps_file_that_took_the_name(
    swap: Callable[[ShmFiles], None], expected: dict[str, bytes | None], shm: ShmFiles
) -> None:
    shm.file("x", b"old")
    with removal_before_its_rename() as program:
        swap(shm)
        _out, err = program.communicate(timeout=LIMIT)
    assert (program.returncode, err) == (0, b"")
    assert left() == expected
    if X.is_dir():
        X.rmdir()


@pytest.mark.parametrize(
    ("refused", "why"),
    [("", "File exists"), ("link,linkat,renameat2", "Operation not permitted")],
)
def test_rm_orphaned_names_the_location_of_a_file_replaced_twice(
    refused: str, why: str, shm: ShmFiles
) -> None:
    """The second file cannot get its name back from the third, which stays."""
    shm.file("x", b"old")
    calls = "rename,renameat" if refused else "rename,renameat,link,linkat,renameat2"
    arguments = ("rm", "--all=pshm", "--orphaned")
    with delayed(calls, "enter", *arguments, refused=refused) as program:
        wait_until(lambda: is_leased(X))
        replaced_by_file(shm)
        wait_until(lambda: not X.exists())
        shm.file("x", b"third")
        _out, err = program.communicate(timeout=LIMIT)
    (kept,) = (name for name in left() if name.startswith(".pyipcs-"))
    assert err.decode() == (
        "pyipcs: skipped POSIX segment /x: it was replaced, "
        f"and the new file is /dev/shm/{kept} now ({why})\n"
    )
    assert program.returncode == 1
    assert left() == {"x": b"third", kept: b"new"}
