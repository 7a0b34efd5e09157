"""Programs in C, with glibc and musl, that use the same objects as pyipcs."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from tests.kit.factories import read_line, running
from tests.kit.posix import SHM, ShmFiles, glibc_semaphore
from tests.kit.program import PYIPCS, Result, elsewhere, forked, need_tool, run
from tests.kit.wait import LIMIT, wait_until
from tests.posix.test_semaphore import needs_glibc

CRun = Callable[..., Result]
# The reasons of the refusals, by musl's name of the semaphore.
_MUSL = {
    "/x": "no such POSIX semaphore (but a POSIX segment has that name)",
    "/sem.x": "is a file of 32 bytes in another form, not a POSIX semaphore",
}


def waiters(path: Path) -> int:
    """Return the waiters that glibc counts in a semaphore."""
    return int.from_bytes(path.read_bytes()[4:8], sys.byteorder)


# -- Semaphores


@needs_glibc
@pytest.mark.tools("cc")
def test_op_and_c_program_operate_on_one_semaphore(shm: ShmFiles, c_program: CRun) -> None:
    assert c_program("sem", "/x", "600", "1").status == 0
    assert forked("op", "/x", "V") == (0, "", "")
    assert c_program("value", "/x").out == "2\n"
    assert c_program("take", "/x").out == "1\n"
    assert forked("op", "/x", "P") == (0, "", "")
    assert c_program("value", "/x").out == "0\n"
    assert forked("op", "/x", "P", "--nowait").status == 3
    assert c_program("post", "/x").out == "1\n"
    assert forked("op", "/x", "P", "--nowait").status == 0


@needs_glibc
@pytest.mark.tools("cc")
def test_op_and_c_program_wake_each_other(shm: ShmFiles, c_program: CRun, c_binary: str) -> None:
    path = shm.file("sem.x", glibc_semaphore(0))
    with running(PYIPCS, "op", "/x", "P") as process:
        wait_until(lambda: waiters(path) == 1)
        assert c_program("post", "/x").status == 0
        assert process.wait(LIMIT) == 0
    with running(c_binary, "take", "/x") as process:
        wait_until(lambda: waiters(path) == 1)
        assert forked("op", "/x", "V") == (0, "", "")
        assert process.wait(LIMIT) == 0
    assert path.read_bytes() == glibc_semaphore(0)


@pytest.mark.slow
@needs_glibc
@pytest.mark.tools("cc")
def test_op_beside_waiting_c_programs_wakes_all(shm: ShmFiles, c_binary: str) -> None:
    path = shm.file("sem.x", glibc_semaphore(0))
    commands = [(c_binary, "take", "/x"), (PYIPCS, "op", "/x", "P")] * 5
    with ExitStack() as stack:
        processes = [stack.enter_context(running(*command)) for command in commands]
        wait_until(lambda: waiters(path) == 10)
        for operation in ("V", "0+3", "0+6"):
            assert forked("op", "/x", operation) == (0, "", "")
        assert [process.wait(LIMIT) for process in processes] == [0] * 10
    assert path.read_bytes() == glibc_semaphore(0)


@pytest.mark.tools("musl-gcc")
@pytest.mark.parametrize("name", ["/x", "/sem.x"])
def test_op_refuses_semaphores_of_musl(shm: ShmFiles, musl_program: CRun, name: str) -> None:
    """The file of musl's semaphore /x is that of a segment, and /sem.x has the name of glibc's."""
    assert musl_program("sem", name, "600", "1").status == 0
    before = (SHM / name[1:]).read_bytes()
    for operation in ("P", "V"):
        result = elsewhere("op", "/x", operation, before=())
        assert result == (1, "", f"pyipcs: /x: {_MUSL[name]}\n")
    assert (SHM / name[1:]).read_bytes() == before


@needs_glibc
def test_op_operates_on_a_semaphore_of_multiprocessing(shm: ShmFiles, tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(
        """
import multiprocessing, sys

if __name__ == "__main__":
    semaphore = multiprocessing.get_context("spawn").Semaphore(0)
    print(flush=True)
    semaphore.acquire()
    print(flush=True)
    sys.stdin.read()
"""
    )
    with running(sys.executable, str(script), stdin=subprocess.PIPE) as process:
        read_line(process)
        (path,) = SHM.iterdir()
        name = f"/{path.name.removeprefix('sem.')}"
        assert forked("op", name, "0+5") == (0, "", "")
        assert read_line(process) == "\n"
        assert path.read_bytes() == glibc_semaphore(4)
        assert forked("op", name, "P", "--nowait") == (0, "", "")
        assert path.read_bytes() == glibc_semaphore(3)
        assert process.stdin
        process.stdin.close()
        assert process.wait(LIMIT) == 0
    wait_until(lambda: not [*SHM.iterdir()])  # its resource tracker unlinks it


# -- Segments


@pytest.mark.tools("cc")
def test_read_and_write_share_a_mapped_segment(
    shm: ShmFiles, c_program: CRun, c_binary: str
) -> None:
    assert c_program("segment", "/x", "600", "100").status == 0
    with running(c_binary, "map", "/x", stdin=subprocess.PIPE) as process:
        assert process.stdin
        for number in range(5):
            assert forked("write", "/x", f"pyipcs {number}") == (0, "", "")
            process.stdin.write(b"program %d\n" % number)
            process.stdin.flush()
            # The end of the program's last line is still there.
            rest = f"{number - 1}" if number else ""
            assert read_line(process) == f"pyipcs {number}{rest}\n"
            wait_until(partial(_starts_with, f"program {number}"))


def _starts_with(text: str) -> bool:
    return forked("read", "/x", "--length", str(len(text))).out == text


@pytest.mark.tools("cc", "unshare")
def test_write_to_full_file_system_leaves_a_mapping_intact(c_binary: str) -> None:
    """The program that maps the segment reads the part that was written."""
    script = f"""
        mount -t tmpfs -o size=8k,huge=never none /dev/shm && truncate -s 64K /dev/shm/x || exit
        yes | {PYIPCS} write /x; echo $?; echo z | "$0" map /x
    """
    unshare = [need_tool("unshare"), "--user", "--map-root-user", "--mount"]
    result = run(*unshare, "bash", "-c", script, c_binary)
    message = "pyipcs: /x: wrote 8192 bytes; /dev/shm is full\n"
    assert result == (0, "1\ny\n", message)
