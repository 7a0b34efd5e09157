"""Objects that run --rm removes in a shared IPC namespace, and objects of other programs."""

import ctypes
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pyipcs.model import SYSV, Kind
from pyipcs.usage.scan import expire, scan
from tests.kit.factories import running
from tests.kit.kernel import Objects, everything, ids, libc, remove, send
from tests.kit.program import PYIPCS, Result, forked, need_tool, run
from tests.kit.wait import LIMIT, wait_until

SHARED = ("--private", "never", "--rm")
NOBODY_ELSE = 54321  # a user without processes
# An object of each kind, all of them used by processes that are gone.
USED = (
    f"{PYIPCS} make -Q -M 4K -S 1 -k 0x99 -p 600 >/dev/null; {PYIPCS} send 0x99 hello; "
    f"{PYIPCS} op 0x99 V; {PYIPCS} write 0x99 a >/dev/null"
)
UNUSED_QUEUE = f"{PYIPCS} make -Q -p 600 >/dev/null"


def run_shared(*command: str) -> Result:
    return run(PYIPCS, "run", *SHARED, *command)


def report(*command: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(run(PYIPCS, "run", "-J", *SHARED, *command).err)
    return document


@pytest.fixture
def readable() -> None:
    """Skip where a process of this user cannot be examined."""
    expire()
    if any(one.uid in {None, os.geteuid()} for one in scan().unreadable):
        pytest.skip("a process of this user cannot be examined")


# -- Removed objects


@pytest.mark.root
@pytest.mark.all_processes
def test_run_rm_removes_orphaned_and_suspect_objects(
    objects: Objects, isolated: None, readable: None
) -> None:
    before = everything()
    result = run_shared("sh", "-c", USED)
    if "could not examine it in time" in result.err:
        objects.adopt_all()
        pytest.skip("the machine is too busy to examine the objects in time")
    assert (result.status, result.err.count("removing ")) == (23, 3)
    assert everything() == before


@pytest.mark.all_processes
def test_run_rm_keeps_an_unused_queue_while_the_user_has_other_processes(
    objects: Objects, isolated: None
) -> None:
    """It can be another job's new queue."""
    result = run_shared("sh", "-c", UNUSED_QUEUE)
    assert result.status == 23
    assert len(everything()) == 1
    objects.adopt_all()
    assert "removing" not in result.err
    line = "not removed: 1 object in doubt while other processes of this user live ("
    assert line in result.err


def test_run_rm_keeps_a_segment_that_was_never_attached(objects: Objects, isolated: None) -> None:
    result = run_shared("sh", "-c", f"{PYIPCS} make -M 4K -p 600 >/dev/null")
    assert len(ids(Kind.SEGMENT)) == 1
    objects.adopt_all()
    assert result.err.endswith("pyipcs: not removed: 1 object in doubt\n")


def test_run_rm_keeps_an_unused_queue_that_others_may_use(objects: Objects, isolated: None) -> None:
    result = run_shared("sh", "-c", f"{PYIPCS} make -Q -p 620 >/dev/null")
    assert len(ids(Kind.QUEUE)) == 1
    objects.adopt_all()
    assert result.err.endswith("not removed: 1 object in doubt, and open to other users\n")


@pytest.mark.root
@pytest.mark.tools("ipcmk")
@pytest.mark.parametrize(("mode", "gone"), [("600", True), ("640", False)])
def test_run_rm_removes_an_unused_queue_that_no_other_user_can_use(
    mode: str, gone: bool, objects: Objects, isolated: None
) -> None:
    def become_the_only_process() -> None:
        os.setgroups([])
        os.setegid(NOBODY_ELSE)
        os.seteuid(NOBODY_ELSE)
        ctypes.CDLL(None).setfsuid(0)  # the interpreter's files may be root's

    if scan().incomplete_reason:
        pytest.skip(f"every queue is in doubt: {scan().incomplete_reason}")
    words = ["run", *SHARED, need_tool("ipcmk"), "-Q", "-p", mode]
    result = forked(*words, first=become_the_only_process)
    left = ids(Kind.QUEUE)
    objects.adopt_all()
    assert result.status == 23, result.err
    assert (not left, "removing message queue" in result.err) == (gone, gone)


# -- Processes of the command


def test_run_rm_keeps_objects_in_doubt_while_a_descendant_lives(
    objects: Objects, isolated: None
) -> None:
    daemon = "import os, time; os.fork() and os._exit(0); os.setsid(); time.sleep(600)"
    script = f"{UNUSED_QUEUE}; {sys.executable} -c '{daemon}' >/dev/null 2>&1"
    found = report("sh", "-c", script)
    (process,) = found["run"]["processes"]
    os.kill(process["pid"], signal.SIGKILL)
    objects.adopt_all()
    assert process["command"].startswith("python")
    assert (len(found["queues"]), found["run"]["removed"]) == (1, [])
    result = run_shared("sh", "-c", script)
    (pid,) = re.findall(r"still running: (\d+) \(python", result.err)
    os.kill(int(pid), signal.SIGKILL)
    objects.adopt_all()
    assert "1 object in doubt while processes of the command live (" in result.err


def test_run_shared_report_has_the_names_of_processes_unchanged() -> None:
    """/proc/PID/status has them with escapes, and any user can choose a name."""
    name = "a\\n\nb\r c "
    rename = f"import os, time; open('/proc/self/comm', 'w').write({name!r})"
    daemon = f"{rename}; os.fork() and os._exit(0); time.sleep(600)"
    command = shlex.join([sys.executable, "-c", daemon])
    found = report("sh", "-c", f"{command} >/dev/null 2>&1")
    (process,) = found["run"]["processes"]
    os.kill(process["pid"], signal.SIGKILL)
    assert process["command"] == name


def test_run_adopts_and_reaps_processes_whose_parents_exit() -> None:
    script = "(true &) ; (true &) ; (sleep 600 & echo $!) ; echo; read line"
    command = [PYIPCS, "run", "--private", "never", "sh", "-c", script]
    with running(*command, stdin=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        pid = int(process.stdout.readline())
        process.stdout.readline()
        wait_until(lambda: _parent(pid) == process.pid)
        wait_until(lambda: _zombies_of(process.pid) == [])
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not Path(f"/proc/{pid}").exists())
        process.communicate(b"\n", timeout=LIMIT)


def test_run_does_not_count_earlier_children_as_the_commands(isolated: None) -> None:
    script = f"sleep 600 >/dev/null 2>&1 & echo $!; exec {PYIPCS} run -J --private never true"
    result = run("sh", "-c", script)
    os.kill(int(result.out), signal.SIGKILL)
    assert json.loads(result.err)["run"]["processes"] == []


def _fields(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _parent(pid: int) -> int:
    return int(_fields(pid)[1])


def _zombies_of(parent: int) -> list[int]:
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                state, its_parent, *_ = _fields(int(path.name))
            except (FileNotFoundError, ProcessLookupError):
                continue
            if state == "Z" and int(its_parent) == parent:
                found.append(int(path.name))
    return found


# -- Other programs


@pytest.mark.parametrize("kind", SYSV)
def test_run_reports_objects_of_other_programs_apart(
    kind: Kind, objects: Objects, isolated: None
) -> None:
    """The record names this process, which the command has not started."""
    command = [PYIPCS, "run", "-J", *SHARED, "sh", "-c", "echo; read line"]
    with running(*command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        object_id = objects.make(kind, mode=0o600)
        if kind is Kind.QUEUE:
            send(object_id)
        elif kind is Kind.SEMAPHORE:
            libc.semctl(object_id, 0, 16, 1)  # SETVAL
        _, err = process.communicate(b"\n", timeout=LIMIT)
    found = json.loads(err)
    assert process.returncode == 0
    assert found["run"]["others"] == [{"kind": kind.value, "id": object_id}]
    assert found["run"]["removed"] == found[kind.collection] == []
    assert object_id in ids(kind)


def test_run_rm_keeps_a_queue_that_another_program_waits_on(
    isolated: None,
) -> None:
    command = [PYIPCS, "run", *SHARED, "sh", "-c"]
    command.append(f"{PYIPCS} make -Q -k 0x99 >/dev/null; echo; read line")
    with running(*command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        with running(PYIPCS, "recv", "0x99") as receiver:
            wait_until(lambda: _waits(receiver.pid))
            _, err = process.communicate(b"\n", timeout=LIMIT)
            (msqid,) = ids(Kind.QUEUE)
            remove(Kind.QUEUE, msqid)
    assert process.returncode == 0
    used = f"message queue {msqid} ({receiver.pid} (pyipcs))"
    assert err.decode() == f"pyipcs: new, but used by other programs: {used}\n"


def _waits(pid: int) -> bool:
    return str(pid) in run(PYIPCS, "list", "-q", "-o", "WAITERS", "--noheadings").out.split()
