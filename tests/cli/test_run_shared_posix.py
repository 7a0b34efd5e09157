"""pyipcs run: POSIX objects that the command leaves in places that it shares."""

import json
import os
import re
import signal
import subprocess
import sys
from typing import Any

import pytest

from tests.kit.child import NEWNS, hide, unshare
from tests.kit.kernel import IS_ROOT, NOBODY
from tests.kit.mqueue import MQUEUE, queue
from tests.kit.posix import SHM, ShmFiles, glibc_semaphore
from tests.kit.program import PYIPCS, Result, elsewhere, run
from tests.kit.wait import LIMIT

# Creates a segment, a semaphore, and with an argument a queue.
LEAVE = f"{PYIPCS} make -m 4096 -n /left >/dev/null; {PYIPCS} make -s -n /left >/dev/null"
LEAVE_QUEUE = f"{PYIPCS} make -q -n /left >/dev/null"
# Leaves a process with an open file.
HOLD = "touch /dev/shm/held; exec 3</dev/shm/held; sleep 600 <&3 >/dev/null 2>&1 & echo $!"
SHARED = "pyipcs: other programs of yours may have created those in /dev/shm, which is shared\n"


@pytest.fixture(autouse=True)
def _own_place(isolated: None, own_mqueue: None, shm: ShmFiles) -> None:
    pass


def run_run(*args: str) -> Result:
    return run(PYIPCS, "run", *args)


def left_files() -> list[str]:
    return sorted(path.name for folder in (SHM, MQUEUE) for path in folder.iterdir())


def report(*args: str) -> dict[str, Any]:
    """Return the report of a run in JSON; the command prints nothing."""
    document: dict[str, Any] = json.loads(run_run("-J", *args).err)
    return document


def test_run_reports_new_objects_in_shared_shm(shm: ShmFiles) -> None:
    shm.file("before", b"x")
    result = run_run("sh", "-c", LEAVE)
    first, _head, segment, semaphore, note = result.err.splitlines(keepends=True)
    assert result.status == 23
    assert first == "pyipcs: 'sh' left 1 POSIX segment and 1 POSIX semaphore in /dev/shm\n"
    assert segment.split()[:5] == ["pshm", "/left", "4096", "-", "orphaned"]
    assert semaphore.split()[:5] == ["psem", "/left", "-", "0", "orphaned"]
    assert note == SHARED
    assert left_files() == ["before", "left", "sem.left"]


def test_run_distinguishes_objects_gone_with_the_namespace() -> None:
    result = run_run("sh", "-c", f"{LEAVE}; {LEAVE_QUEUE}")
    counts = (
        "1 POSIX queue (gone with its namespace), "
        "and 1 POSIX segment and 1 POSIX semaphore in /dev/shm"
    )
    assert (result.status, result.err.splitlines()[0]) == (23, f"pyipcs: 'sh' left {counts}")


def test_run_rm_removes_objects_from_shared_shm(shm: ShmFiles) -> None:
    shm.file("before", b"x")
    result = run_run("--rm", "sh", "-c", LEAVE)
    assert result.status == 23
    assert result.err.splitlines()[-2:] == [
        "removing POSIX shared memory `/left'",
        "removing POSIX semaphore `/left'",
    ]
    assert left_files() == ["before"]


def test_run_rm_json_names_removed_objects() -> None:
    found = report("--rm", "sh", "-c", LEAVE)
    assert found["run"]["removed"] == [
        {"kind": "pshm", "name": "/left"},
        {"kind": "psem", "name": "/left"},
    ]
    assert [one["state"] for one in found["posix_shmems"]] == ["orphaned"]
    assert left_files() == []


def test_run_leaves_out_an_object_that_a_process_has_open() -> None:
    result = run_run("--rm", "sh", "-c", HOLD)
    pid = int(result.out)
    try:
        assert result.status == 0
        # The shell may not have started sleep yet.
        running = rf"pyipcs: still running in its namespace: {pid} \((sleep|sh)\)\n"
        assert re.fullmatch(running, result.err)
        assert left_files() == ["held"]
    finally:
        os.kill(pid, 9)


def test_run_leaves_out_a_new_object_that_another_program_has_open() -> None:
    """The program starts before the command, and creates the object meanwhile."""
    create = f"until [ -e {SHM}/go ]; do sleep 0.01; done; exec 3>{SHM}/other; sleep 600"
    wait = f"touch {SHM}/go; until [ -e {SHM}/other ]; do sleep 0.01; done; rm {SHM}/go"
    with subprocess.Popen(["timeout", str(LIMIT), "sh", "-c", create], process_group=0) as program:
        try:
            assert run_run("timeout", str(LIMIT), "sh", "-c", wait) == (0, "", "")
        finally:
            os.killpg(program.pid, signal.SIGKILL)


def test_run_renamed_object_is_not_new(shm: ShmFiles) -> None:
    shm.file("before", b"x")
    assert run_run("mv", f"{SHM}/before", f"{SHM}/after") == (0, "", "")


def test_run_replaced_object_is_new(shm: ShmFiles) -> None:
    shm.file("before", b"x")
    script = f"rm {SHM}/before; touch {SHM}/before"
    assert run_run("sh", "-c", script).status == 23


@pytest.mark.root
def test_run_leaves_out_objects_of_other_users() -> None:
    script = f"touch {SHM}/other; chown {NOBODY} {SHM}/other"
    assert run_run("--rm", "sh", "-c", script) == (0, "", "")
    assert left_files() == ["other"]


def test_run_names_other_files_in_shared_shm(shm: ShmFiles) -> None:
    (SHM / "before").mkdir()
    script = f"mkdir {SHM}/folder; mkfifo {SHM}/fifo"
    result = run_run("--rm", "sh", "-c", script)
    assert result.status == 0
    line = r"pyipcs: other files left in /dev/shm: fifo (FIFO, 0B), folder (directory, 0B)"
    assert result.err == f"{line}\n"
    assert left_files() == ["before", "fifo", "folder"]
    (SHM / "fifo").unlink()
    for name in ("folder", "before"):
        (SHM / name).rmdir()


def test_run_shm_ignore_reads_no_file() -> None:
    result = run_run("--rm", "--shm", "ignore", "sh", "-c", LEAVE)
    assert result == (0, "", "")
    assert left_files() == ["left", "sem.left"]


@pytest.mark.skipif(not IS_ROOT, reason="an ordinary user cannot see an empty /dev/mqueue")
def test_run_without_namespace_reports_new_queues() -> None:
    with queue("/before"):
        result = run_run("--private", "never", "sh", "-c", LEAVE_QUEUE)
        assert result.status == 23
        assert result.err.startswith("pyipcs: 'sh' left 1 POSIX queue\n")
        assert left_files() == ["before", "left"]
        result = run_run("--private", "never", "--rm", "sh", "-c", f"{PYIPCS} make -q -n /new -i")
        assert result.err.splitlines()[-1] == "removing POSIX message queue `/new'"
        assert left_files() == ["before", "left"]
    (MQUEUE / "left").unlink()


@pytest.mark.skipif(not IS_ROOT, reason="an ordinary user cannot see an empty /dev/mqueue")
def test_run_without_namespace_removes_a_queue_with_messages() -> None:
    script = f"{LEAVE_QUEUE}; {sys.executable} -c '{_SEND}'"
    result = run_run("--private", "never", "--rm", "sh", "-c", script)
    assert result.err.splitlines()[-1] == "removing POSIX message queue `/left'"
    assert left_files() == []


_SEND = """
import ctypes, os
libc = ctypes.CDLL(None)
libc.mq_send(libc.mq_open(b"/left", os.O_WRONLY), b"hello", ctypes.c_size_t(5), 0)
"""


def test_run_without_shm_reports_nothing() -> None:
    """A place that does not exist has no objects; queues need none."""

    def hide_shm() -> None:
        unshare(NEWNS)
        hide("/dev")

    result = elsewhere("run", "--private", "never", "true", before=[hide_shm])
    assert result.status == 0
    assert "/dev/shm" not in result.err


def test_run_semaphore_of_the_baseline_may_change(shm: ShmFiles) -> None:
    shm.file("sem.before", glibc_semaphore(1))
    script = f"printf x >> {SHM}/sem.before"
    assert run_run("--rm", "sh", "-c", script) == (0, "", "")
