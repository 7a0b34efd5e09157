"""Other IPC namespaces: --ns of every command, and list --all-ns."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyipcs.model import SYSV
from tests.kit.factories import in_other_namespace
from tests.kit.kernel import Objects, everything
from tests.kit.program import PYIPCS, Result, forked, run

GONE = "4194305"  # above the highest possible pid
# A key of this test process: --all-ns also lists the objects of other test processes.
_NUMBER = 0x4E530000 | os.getpid() & 0xFFFF
KEY, NO_KEY = f"{_NUMBER:#010x}", f"{_NUMBER ^ 0x01000000:#010x}"


@pytest.fixture
def other() -> Iterator[int]:
    """Return the pid of a process in another namespace with three objects.

    All three have the key KEY.
    """
    with in_other_namespace("-Q", "-M", "4K", "-S", "1", "-k", KEY) as pid:
        yield pid


def there(pid: int, *args: str) -> Result:
    """Run a command of pyipcs with --ns and the pid of a process."""
    return forked(*args[:1], "--ns", str(pid), *args[1:])


def inode(pid: int) -> int:
    """Return the inode that names the IPC namespace of a process."""
    return Path(f"/proc/{pid}/ns/ipc").stat().st_ino


@pytest.mark.slow
def test_ns_works_with_each_command(other: int, isolated: None) -> None:
    before = everything()
    assert KEY in there(other, "list", "-q").out
    assert there(other, "send", KEY, "hello") == (0, "", "")
    assert there(other, "recv", KEY, "--peek") == (0, "hello\n", "")
    assert there(other, "recv", KEY) == (0, "hello\n", "")
    assert there(other, "write", KEY, "abc") == (0, "", "")
    assert there(other, "read", KEY, "--length", "3") == (0, "abc", "")
    assert there(other, "op", KEY, "V") == (0, "", "")
    assert there(other, "op", KEY, "P", "--", PYIPCS, "list", "-s", "-o", "VALUES").out == (
        "VALUES\n0\n"
    ), "the command runs there too"
    assert there(other, "set", "-q", KEY, "--mode", "600") == (0, "", "")
    assert "mode 0600" in there(other, "stat", "-q", KEY).out
    made = there(other, "make", "-Q", "-i").out.strip()
    assert there(other, "rm", "-nJ", "-q", made).status == 0
    assert there(other, "rm", "-v", "-q", made).out == f"removing message queue id `{made}'\n"
    assert there(other, "rm", "-a") == (0, "", "")
    assert "0x" not in there(other, "list").out
    assert everything() == before


@pytest.mark.tools("ipcs")
def test_ns_takes_a_path_or_a_pid(other: int, isolated: None) -> None:
    assert KEY in forked("list", "--ns", f"/proc/{other}/ns/ipc").out
    assert forked("list", f"--ns=/proc/{os.getpid()}/ns/ipc").out == run("ipcs").out
    assert forked("list", "--ns", str(os.getpid())).out == run("ipcs").out


def test_list_ns_shows_the_states_of_that_namespace(other: int) -> None:
    found = json.loads(there(other, "list", "-m", "-J", "-o", "+STATE,REASON").out)["shmems"][0]
    assert (found["state"], "never attached" in found["reason"]) == ("unknown", True)
    assert json.loads(there(other, "list", "-J").out)["taken"]["ipc_namespace"] == inode(other)


def test_not_in_takes_only_a_listing_of_the_same_namespace(other: int, tmp_path: Path) -> None:
    baseline = tmp_path / "before.json"
    baseline.write_text(there(other, "list", "-J").out)
    assert there(other, "list", "-q", "--not-in", str(baseline), "-o", "ID").out == "ID\n"
    result = forked("rm", "-a", "--not-in", str(baseline))
    assert (result.status, "another IPC namespace" in result.err) == (2, True)


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("0", "--ns: process 0: no such process"),
        ("/", "--ns: /: not an IPC namespace"),
        ("/proc/self/ns/net", "--ns: /proc/self/ns/net: not an IPC namespace"),
    ],
)
def test_ns_that_is_no_ipc_namespace_fails(where: str, why: str) -> None:
    assert forked("list", "--ns", where) == (1, "", f"pyipcs: {why}\n")


def test_ns_of_a_fifo_fails_without_waiting(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    result = forked("list", "--ns", str(fifo))
    assert result == (1, "", f"pyipcs: --ns: {fifo}: not an IPC namespace\n")


def test_rm_all_with_a_failing_ns_removes_nothing(objects: Objects, isolated: None) -> None:
    objects.queue()
    before = everything()
    assert forked("rm", "-a", "--ns", GONE).status == 1
    assert forked("rm", "-a", "--ns").status == 2
    assert everything() == before


def test_help_and_version_with_a_failing_ns_succeed() -> None:
    assert forked("list", "--ns", GONE, "--help").status == 0
    assert forked("list", "--ns", GONE, "--version").status == 0


# -- list --all-ns.


@pytest.mark.alone
def test_all_ns_lists_the_own_namespace_first(other: int, objects: Objects, isolated: None) -> None:
    msqid = objects.queue(0x77)
    out = forked("list", "--all-ns").out
    ours, theirs = inode(os.getpid()), inode(other)
    assert out.startswith(f"IPC namespace {ours} (this one): "), "the own namespace comes first"
    assert f"\nIPC namespace {theirs}: {other} (sleep)\n" in out
    own = out.index("0x00000077")
    assert own < out.index(f"IPC namespace {theirs}") < out.index(KEY)
    document = json.loads(forked("list", "--all-ns", "-J").out)
    assert document["taken"]["filtered"] is True
    by_inode = {each["ipc_namespace"]: each for each in document["namespaces"]}
    assert [queue["id"] for queue in by_inode[ours]["queues"]] == [msqid]
    assert by_inode[theirs]["processes"] == [{"pid": other, "command": "sleep"}]
    assert (by_inode[ours]["own"], by_inode[theirs]["own"]) == (True, False)
    assert [len(by_inode[theirs][kind.collection]) for kind in SYSV] == [1, 1, 1]


@pytest.mark.alone
@pytest.mark.slow
def test_all_ns_adds_the_column_ns(other: int, objects: Objects, isolated: None) -> None:
    objects.queue(0x77)
    args = ("list", "--all-ns", "-o", "KEY,STATE")
    ours, theirs = inode(os.getpid()), inode(other)
    lines = forked(*args, "-q", "-f", "csv").out.splitlines()
    assert lines[0] == "NS,KEY,STATE"
    assert {f"{ours},0x00000077,unknown", f"{theirs},{KEY},unknown"} <= {*lines}
    found = [json.loads(line) for line in forked(*args, "-f", "jsonl").out.splitlines()]
    assert sum(each["ipc_namespace"] == theirs for each in found) == 3
    assert f'KIND="msg" NS="{theirs}" KEY' in forked(*args, "-f", "export").out
    assert f"{KEY} {theirs}\n" in forked("list", "--all-ns", "-q", "-o", "KEY,NS").out
    assert forked("list", "-q", "-o", "NS").out.splitlines()[1].strip() == str(ours)
    text = forked(*args, "-q").out
    assert f"IPC namespace {theirs}: " in text
    assert f"{KEY} unknown\n" in text


@pytest.mark.alone
@pytest.mark.root  # others may not enter the namespaces of other test processes: status 1
def test_all_ns_with_filters_selects_in_each_namespace(other: int, isolated: None) -> None:
    result = forked("list", "--all-ns", "--key", KEY, "--fail-if-any", "-f", "tsv")
    assert result.status == 23
    rows = result.out.splitlines()[1:]
    assert rows
    assert all(f"\t{inode(other)}\t" in row for row in rows)
    assert forked("list", "--all-ns", "--key", NO_KEY, "--fail-if-any").status == 0


@pytest.mark.alone
@pytest.mark.tools("strace")
def test_all_ns_omits_a_namespace_whose_processes_are_gone(other: int) -> None:
    """The processes end between the scan and entering their namespace."""
    theirs = f"IPC namespace {inode(other)}: "
    assert theirs in forked("list", "--all-ns").out
    gone = ["-f", "-o", "/dev/null", "-P", f"/proc/{other}/ns/ipc", "-e", "trace=openat"]
    gone += ["-e", "inject=openat:error=ENOENT"]
    result = run("strace", *gone, PYIPCS, "list", "--all-ns")
    assert theirs.partition(":")[0] not in result.out + result.err


@pytest.mark.root
def test_all_ns_reports_a_forbidden_namespace_some_of_whose_processes_are_gone(other: int) -> None:
    """A private function: no command line forces this order of events."""
    script = (
        "import os, pickle; from pyipcs.sysv import libc\n"
        "from pyipcs.actions.all_namespaces import _read_within\n"
        "os.setgid(65534); os.setuid(65534)\n"
        f"try: _read_within({inode(other)}, [{other}, {GONE}], dict)\n"
        "except OSError as error: print(error.strerror)"
    )
    assert run(sys.executable, "-c", script).out == "Permission denied\n"


def test_all_ns_omits_a_namespace_whose_pid_another_process_has(other: int, isolated: None) -> None:
    """A private function: the other process would have to start within a millisecond."""
    script = (
        "from pyipcs.actions.all_namespaces import _read_within\n"
        f"try: print(_read_within({inode(os.getpid())}, [{other}], dict))\n"
        "except OSError as error: print(error.strerror)"
    )
    assert run(sys.executable, "-c", script).out == "No such process\n"


@pytest.mark.tools("strace")
def test_complete_namespace_omits_a_process_that_is_gone(other: int) -> None:
    complete = (PYIPCS, "--complete", "namespace", "")
    assert f"{other}\t" in run(*complete).out
    gone = ["-f", "-o", "/dev/null", "-P", f"/proc/{other}/comm", "-e", "trace=openat"]
    gone += ["-e", "inject=openat:error=ENOENT"]
    result = run("strace", *gone, *complete)
    assert (result.status, f"{other}\t" in result.out) == (0, False)
