"""pyipcs run: the POSIX queues, the /dev/shm and the mounts of the command."""

import csv
import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.kit.child import call_number, hide, in_child, refuse_call
from tests.kit.kernel import OTHER_USER
from tests.kit.mqueue import MQUEUE, queue
from tests.kit.posix import SHM, ShmFiles, own_mounts, shared_mounts
from tests.kit.program import PYIPCS, Result, elsewhere, ordinary, run
from tests.kit.wait import LIMIT

FSOPEN = 430  # a system call with one number on all architectures
MOUNTINFO = Path("/proc/self/mountinfo")
NAMESPACE = Path("/proc/self/ns/mnt")
LIMITS = Path("/proc/sys/fs/mqueue")
# Creates a POSIX queue for each argument, with one message of five bytes.
MAKE_QUEUES = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
for name in sys.argv[1:]:
    queue = libc.mq_open(name.encode(), os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600, None)
    assert queue >= 0, os.strerror(ctypes.get_errno())
    libc.mq_send(queue, b"hello", ctypes.c_size_t(5), 0)
"""
# Creates a segment of 8192 bytes and a semaphore of value 3.
MAKE_FILES = """
import ctypes, os
libc = ctypes.CDLL(None)
os.ftruncate(libc.shm_open(b"/buffer", os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), 8192)
libc.sem_open(b"/lock", os.O_CREAT | os.O_EXCL, 0o600, 3)
"""


@pytest.fixture(autouse=True)
def _own_place(isolated: None, own_mqueue: None, shm: ShmFiles) -> None:
    pass


def run_run(*args: str) -> Result:
    return run(PYIPCS, "run", *args)


def make_queues(*names: str) -> list[str]:
    return [sys.executable, "-c", MAKE_QUEUES, *names]


def make_files() -> list[str]:
    return [sys.executable, "-c", MAKE_FILES]


def report(*args: str) -> dict[str, Any]:
    """Return the report of a run in JSON; the command prints nothing."""
    document: dict[str, Any] = json.loads(run_run("-J", *args).err)
    return document


def facts(*args: str) -> dict[str, Any]:
    found: dict[str, Any] = report(*args)["run"]
    return found


# -- POSIX queues


def test_run_mqueue_has_the_queues_of_the_command_alone() -> None:
    script = f"{sys.executable} -c '{MAKE_QUEUES}' /inner; ls /dev/mqueue"
    with queue("/outer"):
        result = run_run("sh", "-c", script)
        assert (result.status, result.out) == (23, "inner\n")
        assert [path.name for path in MQUEUE.iterdir()] == ["outer"]


def test_run_reports_leftover_posix_queues() -> None:
    result = run_run(*make_queues("/a", "/b c"))
    assert result.status == 23
    first, head, *rows = result.err.splitlines()
    assert first == f"pyipcs: '{sys.executable}' left 2 POSIX queues (gone with its namespace)"
    assert head.split() == ["KIND", "NAME", "MSGS", "USEDBYTES", "STATE", "REASON"]
    reason = "nobody has it open, but it has 1 message"
    assert sorted(row.split(maxsplit=5) for row in rows) == [
        ["pmsg", name, "1", "5", "suspect", reason] for name in ("/a", r"\x2fb\x20c")
    ]


def test_run_reports_leftover_queues_of_both_families() -> None:
    script = f"ipcmk -Q >/dev/null; {sys.executable} -c '{MAKE_QUEUES}' /a"
    result = run_run("sh", "-c", script)
    left = "1 message queue and 1 POSIX queue (gone with its namespace)"
    assert (result.status, result.err.splitlines()[0]) == (23, f"pyipcs: 'sh' left {left}")


def test_run_json_has_leftover_posix_queues() -> None:
    (one,) = report(*make_queues("/a"))["posix_queues"]
    assert (one["name"], one["qnum"], one["cbytes"], one["mode"]) == ("/a", 1, 5, "0600")
    assert report("true")["posix_queues"] == []


def test_run_csv_has_leftover_posix_queues() -> None:
    head, row = run_run("-f", "csv", *make_queues("/a")).err.splitlines()
    (cells,) = csv.DictReader([head, row])
    assert (cells["KIND"], cells["NAME"], cells["MSGS"]) == ("pmsg", "/a", "1")
    assert cells["STATE"] == "suspect"


def test_run_removed_posix_queues_are_no_leftovers() -> None:
    script = f"{sys.executable} -c '{MAKE_QUEUES}' /a; rm /dev/mqueue/a"
    assert run_run("sh", "-c", script) == (0, "", "")


@pytest.mark.root
def test_run_reports_queues_below_a_mount_of_the_command() -> None:
    script = f"{sys.executable} -c '{MAKE_QUEUES}' /a; mount -t tmpfs none /dev/mqueue"
    result = run_run("sh", "-c", script)
    assert (result.status, "left 1 POSIX queue (gone" in result.err) == (23, True)


def test_run_beside_a_living_process_does_not_report_queues_as_gone() -> None:
    script = f"{sys.executable} -c '{MAKE_QUEUES}' /a; sleep 600 >/dev/null 2>&1 & echo $!"
    result = run_run("sh", "-c", script)
    os.kill(int(result.out), signal.SIGKILL)
    assert result.err.splitlines()[0] == "pyipcs: 'sh' left 1 POSIX queue"


# -- The mounts


def test_run_mounts_are_not_seen_outside() -> None:
    def has_changed() -> bool:
        before = MOUNTINFO.read_text()
        command = [PYIPCS, "run", "--shm", "private", "cat", str(MOUNTINFO)]
        inside = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LIMIT)
        assert inside.stdout.count(" /dev/mqueue ") == before.count(" /dev/mqueue ") + 1
        assert inside.stdout.count(" /dev/shm ") == before.count(" /dev/shm ") + 1
        return MOUNTINFO.read_text() != before

    assert not in_child(has_changed, shared_mounts)


@pytest.mark.root
def test_run_mounts_of_the_command_are_seen_outside(tmp_path: Path) -> None:
    def is_seen() -> bool:
        command = ["mount", "-t", "tmpfs", "none", str(tmp_path)]
        subprocess.run([PYIPCS, "run", *command], check=True, timeout=LIMIT)
        return f" {tmp_path} " in MOUNTINFO.read_text()

    assert in_child(is_seen, shared_mounts)


def test_run_working_folder_stays_the_same(tmp_path: Path) -> None:
    assert run(PYIPCS, "run", "pwd", cwd=tmp_path).out == f"{tmp_path}\n"


@pytest.mark.root
@pytest.mark.tools("unshare")
def test_run_in_a_pid_namespace_has_its_own_mounts() -> None:
    command = [PYIPCS, "run", "-J", "--shm", "private", *make_queues("/a")]
    for options in ([], ["--mount-proc"]):
        found = json.loads(run("unshare", "--pid", "--fork", *options, *command).err)
        assert found["run"]["mqueue_why"] is found["run"]["shm_why"] is None
        assert [one["name"] for one in found["posix_queues"]] == ["/a"]


@pytest.mark.root
@pytest.mark.tools("setpriv")
def test_run_without_cap_sys_admin_has_its_own_mounts() -> None:
    drop = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"]
    command = [PYIPCS, "run", "-J", "--shm", "private", *make_queues("/a")]
    found = json.loads(run(*drop, *command).err)
    assert found["run"]["mqueue_why"] is found["run"]["shm_why"] is None
    assert [one["name"] for one in found["posix_queues"]] == ["/a"]


@pytest.mark.root
@pytest.mark.tools("unshare")
def test_run_below_a_read_only_dev_has_its_own_mounts(tmp_path: Path) -> None:
    script = (
        'mount --rbind /dev "$0" && mount -o remount,bind,ro "$0" && mount --move "$0" /dev && '
        'exec "$@"'
    )
    command = [PYIPCS, "run", "-J", "--shm", "private", *make_queues("/a")]
    result = run("unshare", "--mount", "sh", "-c", script, str(tmp_path), *command)
    found = json.loads(result.err)
    assert found["run"]["mqueue_why"] is found["run"]["shm_why"] is None
    assert [one["name"] for one in found["posix_queues"]] == ["/a"]


def test_run_without_dev_mqueue_finds_leftover_queues() -> None:
    def only_shm() -> None:
        hide("/dev")
        SHM.mkdir()

    result = elsewhere("run", *make_queues("/a"), before=[own_mounts, only_shm])
    assert result.status == 23
    lines = result.err.splitlines()
    assert lines[0].endswith("left 1 POSIX queue (gone with its namespace)")
    assert len(lines) == 3  # no note: nothing shows queues of another namespace
    result = elsewhere("run", "-J", "true", before=[own_mounts, only_shm])
    assert json.loads(result.err)["run"]["mqueue_why"] == "No such file or directory"


def test_run_with_refused_mount_reports_the_other_dev_mqueue() -> None:
    mount = call_number("mount")
    result = elsewhere("run", *make_queues("/a"), before=[lambda: refuse_call(mount, errno.EPERM)])
    assert result.status == 23
    assert result.err.splitlines()[-1] == (
        f"pyipcs: '{sys.executable}' had no /dev/mqueue of its own: Operation not permitted "
        "(any queues in it are those of another IPC namespace)"
    )


def test_run_with_refused_mount_stays_in_its_mount_namespace() -> None:
    mount = call_number("mount")
    command = ["run", "readlink", str(NAMESPACE)]
    inside = elsewhere(*command, before=[lambda: refuse_call(mount, errno.EPERM)])
    assert inside.out == f"{NAMESPACE.readlink()}\n"


def test_run_with_queues_that_cannot_be_listed_reports_that() -> None:
    mount = call_number("mount")

    def refuse() -> None:
        for number in (mount, FSOPEN):
            refuse_call(number, errno.EPERM)

    with queue("/outer"):
        result = elsewhere("run", *make_queues("/inner"), before=[refuse])
        document = elsewhere("run", "-J", "true", before=[refuse])
    assert result.status == 0
    first, second = result.err.splitlines()
    reason = "/dev/mqueue has those of another IPC namespace"
    assert first.startswith(f"pyipcs: POSIX queues cannot be listed: {reason}")
    assert "had no /dev/mqueue of its own" in second
    assert json.loads(document.err)["posix_queues"] is None


def test_run_private_always_needs_no_mqueue() -> None:
    mount = call_number("mount")
    before = [lambda: refuse_call(mount, errno.EPERM)]
    assert elsewhere("run", "--private", "always", "true", before=before).status == 0


@pytest.mark.tools("strace")
def test_run_shm_private_without_ipc_namespace_is_the_shared_one() -> None:
    inject = ["-f", "-o", "/dev/null", "-e", "trace=unshare", "-e", "inject=unshare:error=EPERM"]
    result = run("strace", *inject, PYIPCS, "run", "-J", "--shm", "private", "true")
    found = json.loads(result.err)["run"]
    assert (result.status, found["private"], found["shm"]) == (0, False, "shared")
    assert found["why"] == found["shm_why"] == "Operation not permitted"


# -- Limits


@contextmanager
def limits(**values: int) -> Iterator[None]:
    """Set limits of POSIX queues in this namespace within a `with` block."""
    former = {name: (LIMITS / name).read_text() for name in values}
    for name, value in values.items():
        (LIMITS / name).write_text(str(value))
    try:
        yield
    finally:
        for name, text in former.items():
            (LIMITS / name).write_text(text)


OTHER_LIMITS = {
    "queues_max": 99,
    "msg_max": 100,
    "msgsize_max": 9000,
    "msg_default": 50,
    "msgsize_default": 8999,
}


@pytest.mark.root
def test_run_namespace_has_the_same_limits_of_posix_queues() -> None:
    with limits(**OTHER_LIMITS):
        result = run_run("sh", "-c", f"cd {LIMITS}; cat {' '.join(OTHER_LIMITS)}")
    assert result == (0, "".join(f"{value}\n" for value in OTHER_LIMITS.values()), "")


@pytest.mark.root
def test_run_as_ordinary_user_reports_limits_that_differ() -> None:
    with limits(msg_max=100, queues_max=99):
        result = ordinary("run", "true", uid=OTHER_USER)
        document = ordinary("run", "-J", "true", uid=OTHER_USER)
    names = "fs.mqueue.queues_max (256 instead of 99), fs.mqueue.msg_max (10 instead of 100)"
    message = f"pyipcs: limits that could not be carried over: {names}\n"
    assert result == (0, "", message)
    assert json.loads(document.err)["run"]["limits"] == [
        {"name": "fs.mqueue.queues_max", "outside": 99, "inside": 256},
        {"name": "fs.mqueue.msg_max", "outside": 100, "inside": 10},
    ]


@pytest.mark.root
def test_run_as_ordinary_user_reports_kernel_sem_with_all_numbers() -> None:
    file = Path("/proc/sys/kernel/sem")
    former = file.read_text()
    file.write_text("250 32000 32 128")
    try:
        document = ordinary("run", "-J", "true", uid=OTHER_USER)
    finally:
        file.write_text(former)
    (limit,) = json.loads(document.err)["run"]["limits"]
    assert (limit["name"], limit["outside"]) == ("kernel.sem", [250, 32000, 32, 128])
    assert limit["inside"] == [*map(int, former.split())]


@pytest.mark.tools("strace")
def test_run_equal_limits_are_not_written(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-o", str(trace), "-e", "trace=openat", PYIPCS, "run", "true"]
    assert run(*command) == (0, "", "")
    opened = [line for line in trace.read_text().splitlines() if "/proc/sys/" in line]
    assert opened
    assert not [line for line in opened if "O_RDONLY" not in line]


# -- A private /dev/shm


def test_run_shm_is_shared_by_default() -> None:
    (SHM / "outer").touch()
    assert run_run("ls", str(SHM)).out == "outer\n"
    assert (facts("true")["shm"], facts("true")["other_files"]) == ("shared", [])


def test_run_shm_ignore_examines_nothing() -> None:
    result = run_run("--shm", "ignore", *make_files())
    assert result == (0, "", "")
    assert sorted(path.name for path in SHM.iterdir()) == ["buffer", "sem.lock"]
    assert (facts("--shm", "ignore", "true")["shm"]) == "ignored"


def test_run_shm_private_reports_leftover_objects() -> None:
    (SHM / "outer").touch()
    result = run_run("--shm", "private", *make_files())
    assert [path.name for path in SHM.iterdir()] == ["outer"]
    assert result.status == 23
    first, head, *rows = result.err.splitlines()
    left = "1 POSIX segment and 1 POSIX semaphore (gone with its namespace)"
    assert first == f"pyipcs: '{sys.executable}' left {left}"
    assert head.split() == ["KIND", "NAME", "SIZE", "VALUE", "STATE", "REASON"]
    assert [row.split(maxsplit=5)[:5] for row in rows] == [
        ["pshm", "/buffer", "8192", "-", "orphaned"],
        ["psem", "/lock", "-", "3", "orphaned"],
    ]


def test_run_shm_private_json_has_leftover_objects() -> None:
    found = report("--shm", "private", *make_files())
    (segment,), (semaphore,) = found["posix_shmems"], found["posix_semaphores"]
    assert (segment["name"], segment["segsz"], segment["rss"]) == ("/buffer", 8192, 0)
    assert (semaphore["name"], semaphore["value"]) == ("/lock", 3)
    run_facts = found["run"]
    assert (run_facts["shm"], run_facts["shm_why"], run_facts["other_files"]) == (
        "private",
        None,
        [],
    )


def test_run_shm_private_names_other_files() -> None:
    script = "cd /dev/shm && mkdir joblib_x && head -c 40M /dev/zero >joblib_x/a && mkfifo 'a b'"
    result = run_run("--shm", "private", "sh", "-c", script)
    files = r"a\x20b (FIFO, 0B), joblib_x (directory, 40M)"
    assert result == (0, "", f"pyipcs: other files in its /dev/shm: {files}\n")
    assert facts("--shm", "private", "sh", "-c", script)["other_files"] == [
        {"name": "a b", "type": "FIFO", "size": 0},
        {"name": "joblib_x", "type": "directory", "size": 40 << 20},
    ]


def test_run_shm_private_names_at_most_eight_other_files() -> None:
    script = "cd /dev/shm && mkdir 1 2 3 4 5 6 7 8 9 a"
    result = run_run("--shm", "private", "sh", "-c", script)
    assert result.err.endswith(" 8 (directory, 0B), 2 more\n")
    assert len(facts("--shm", "private", "sh", "-c", script)["other_files"]) == 10


@pytest.mark.root
def test_run_shm_private_reports_objects_below_a_mount_of_the_command() -> None:
    script = f"{sys.executable} -c '{MAKE_FILES}'; mount -t tmpfs none /dev/shm"
    found = report("--shm", "private", "sh", "-c", script)
    assert [one["name"] for one in found["posix_shmems"]] == ["/buffer"]


def test_run_shm_private_refused_is_the_shared_one() -> None:
    def no_shm() -> None:
        hide("/dev")
        MQUEUE.mkdir()

    result = elsewhere("run", "--shm", "private", "true", before=[own_mounts, no_shm])
    reason = "No such file or directory"
    message = f"pyipcs: 'true' had no /dev/shm of its own: {reason}\n"
    assert result == (0, "", message)
    result = elsewhere("run", "-J", "--shm", "private", "true", before=[own_mounts, no_shm])
    found = json.loads(result.err)["run"]
    assert (found["shm"], found["shm_why"], found["mqueue_why"]) == ("shared", reason, None)


def test_run_private_always_with_refused_shm_runs_nothing() -> None:
    mount = call_number("mount")
    arguments = ["run", "--private", "always", "--shm", "private", "sh", "-c", "echo ran"]
    result = elsewhere(*arguments, before=[lambda: refuse_call(mount, errno.EPERM)])
    message = "pyipcs: cannot mount a new /dev/shm: Operation not permitted\n"
    assert result == (1, "", message)
