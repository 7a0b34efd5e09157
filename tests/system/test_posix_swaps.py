"""pyipcs rm beside programs that replace the file of a POSIX object."""

import errno
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.kit.child import call_number, refuse_call
from tests.kit.posix import SHM, ShmFiles
from tests.kit.program import PYIPCS, run
from tests.kit.tracing import HeldProgram, held
from tests.kit.wait import wait_for_state

pytestmark = [pytest.mark.usefixtures("shm"), pytest.mark.tools("strace")]
X = SHM / "x"


@contextmanager
def removal_before_its_rename(nth: int = 1) -> Iterator[HeldProgram]:
    """Run the removal of all segments; hold it within the block before its nth rename(2)."""
    arguments = ("rm", "--all=pshm", "--orphaned", "-v")
    with held("rename,renameat,renameat2", "enter", *arguments, nth=nth) as program:
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
        result = program.result()
    assert (result.status, result.err) == (0, "")
    assert left() == expected
    if X.is_dir():
        X.rmdir()


def refuse_names() -> None:
    """Let all calls fail that give a file another name without replacing one."""
    for name in ("linkat", "renameat2"):
        refuse_call(call_number(name), errno.EPERM)


@pytest.mark.parametrize(
    ("before", "why"), [(None, "File exists"), (refuse_names, "Operation not permitted")]
)
def test_rm_orphaned_names_the_location_of_a_file_replaced_twice(
    before: Callable[[], None] | None, why: str, shm: ShmFiles
) -> None:
    """The second file cannot get its name back from the third, which stays."""
    shm.file("x", b"old")
    arguments = ("rm", "--all=pshm", "--orphaned")
    with held("rename,renameat", "enter", *arguments, preexec_fn=before) as program:
        replaced_by_file(shm)
        program.release(stop=True)
        wait_for_state(program.process.pid, "T")
        assert not X.exists()
        shm.file("x", b"third")
        program.process.send_signal(signal.SIGCONT)
        result = program.result()
    (kept,) = (name for name in left() if name.startswith(".pyipcs-"))
    assert result.err == (
        "pyipcs: skipped POSIX segment /x: it was replaced, "
        f"and the new file is /dev/shm/{kept} now ({why})\n"
    )
    assert result.status == 1
    assert left() == {"x": b"third", kept: b"new"}


def test_rm_orphaned_beside_a_directory_with_its_temporary_name_removes_all(shm: ShmFiles) -> None:
    """Any user can create it in /dev/shm, once the first removal has shown the name."""
    for name in ("x", "y", "z"):
        shm.file(name, b"old")
    with removal_before_its_rename(2) as program:
        (name,) = re.findall(r'"(\.pyipcs-\w+)"', program.calls[0])
        taken = SHM / name
        taken.mkdir()
        result = program.result()
    taken.rmdir()
    assert (result.status, result.err) == (0, "")
    assert left() == {}


def test_rm_orphaned_restores_the_name_of_a_file_that_it_cannot_remove(shm: ShmFiles) -> None:
    shm.file("x", b"old")
    inject = ["-e", "inject=unlink,unlinkat:error=EROFS"]
    result = run("strace", "-o", "/dev/null", *inject, PYIPCS, "rm", "--all=pshm", "--orphaned")
    assert result.status == 1
    assert result.err == "pyipcs: skipped POSIX segment /x: Read-only file system\n"
    assert left() == {"x": b"old"}
