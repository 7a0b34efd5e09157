"""Other IPC namespaces: --ns on every command, and list --all-ns."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyipcs.model import Kind
from tests.kit.kernel import IS_ROOT, Objects, everything
from tests.kit.program import PYIPCS, Result, invoke, need_tool, run

GONE = "4194305"  # over the highest pid there can be


@pytest.fixture
def other() -> Iterator[int]:
    """A process in an IPC namespace of its own, with a queue, a segment and a set there."""
    rights = [] if IS_ROOT else ["--user", "--map-current-user"]
    make = f"{PYIPCS} make -Q -M 4K -S 1 -k 0x99 && echo ready && exec sleep 60"
    with subprocess.Popen(
        [need_tool("unshare"), *rights, "--ipc", "sh", "-c", make],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(4)]
        assert lines[-1] == "ready\n", lines
        yield process.pid
        process.kill()


def there(pid: int, *args: str) -> Result:
    """Run pyipcs in a process's namespace."""
    return run(PYIPCS, *args[:1], "--ns", str(pid), *args[1:])


def inode(pid: int) -> int:
    return Path(f"/proc/{pid}/ns/ipc").stat().st_ino


def test_each_command_works_there(other: int, isolated: None) -> None:
    before = everything()
    assert "0x00000099" in there(other, "list", "-q").out
    assert there(other, "send", "0x99", "hello") == (0, "", "")
    assert there(other, "recv", "0x99", "--peek") == (0, "hello\n", "")
    assert there(other, "recv", "0x99") == (0, "hello\n", "")
    assert there(other, "write", "0x99", "abc") == (0, "", "")
    assert there(other, "read", "0x99", "--length", "3") == (0, "abc", "")
    assert there(other, "op", "0x99", "V") == (0, "", "")
    assert there(other, "op", "0x99", "P", "--", PYIPCS, "list", "-s", "-o", "VALUES").out == (
        "VALUES\n0\n"
    ), "the command runs there too"
    assert there(other, "set", "-q", "0x99", "--mode", "600") == (0, "", "")
    assert "mode 0600" in there(other, "stat", "-q", "0x99").out
    made = there(other, "make", "-Q", "-i").out.strip()
    assert there(other, "rm", "-nJ", "-q", made).status == 0
    assert there(other, "rm", "-v", "-q", made).out == f"removing message queue id `{made}'\n"
    assert there(other, "rm", "-a") == (0, "", "")
    assert "0x" not in there(other, "list").out
    assert everything() == before


def test_a_namespace_by_its_file(other: int) -> None:
    assert "0x00000099" in run(PYIPCS, "list", "--ns", f"/proc/{other}/ns/ipc").out
    assert run(PYIPCS, "list", f"--ns=/proc/{os.getpid()}/ns/ipc").status == 0, "it is our own"
    assert run(PYIPCS, "list", "--ns", str(os.getpid())).out == run("ipcs").out


def test_what_lives_there_is_judged_there(other: int) -> None:
    found = json.loads(there(other, "list", "-m", "-J", "-o", "+STATE,REASON").out)["shmems"][0]
    assert (found["state"], "never attached" in found["reason"]) == ("unknown", True)
    assert json.loads(there(other, "list", "-J").out)["taken"]["ipc_namespace"] == inode(other)


def test_a_baseline_is_of_one_namespace(other: int, tmp_path: Path) -> None:
    baseline = tmp_path / "before.json"
    baseline.write_text(there(other, "list", "-J").out)
    assert there(other, "list", "-q", "--not-in", str(baseline), "-o", "ID").out == "ID\n"
    result = run(PYIPCS, "rm", "-a", "--not-in", str(baseline))
    assert (result.status, "another IPC namespace" in result.err) == (2, True)


@pytest.mark.parametrize(
    ("where", "status", "why"),
    [
        (GONE, 1, f"--ns: process {GONE}: no such process"),
        ("0", 1, "--ns: process 0: no such process"),
        ("/no/such/file", 1, "--ns: /no/such/file: No such file or directory"),
        ("/etc/passwd", 1, "--ns: /etc/passwd: not an IPC namespace"),
        ("/", 1, "--ns: /: not an IPC namespace"),
        ("/proc/self/ns/net", 1, "--ns: /proc/self/ns/net: not an IPC namespace"),
        ("", 2, "list: --ns: '': neither a pid nor a path (see pyipcs list --help)"),
    ],
)
def test_what_cannot_be_entered(where: str, status: int, why: str) -> None:
    assert run(PYIPCS, "list", "--ns", where) == (status, "", f"pyipcs: {why}\n")


def test_a_fifo_is_no_namespace(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    result = run(PYIPCS, "list", "--ns", str(fifo))
    assert result == (1, "", f"pyipcs: --ns: {fifo}: not an IPC namespace\n")


def test_nothing_is_removed_where_it_cannot_be_entered(objects: Objects, isolated: None) -> None:
    objects.queue()
    before = everything()
    assert run(PYIPCS, "rm", "-a", "--ns", GONE).status == 1
    assert run(PYIPCS, "rm", "-a", "--ns").status == 2
    assert everything() == before


def test_help_needs_no_namespace() -> None:
    assert run(PYIPCS, "list", "--ns", GONE, "--help").status == 0
    assert run(PYIPCS, "list", "--ns", GONE, "--version").status == 0


@pytest.mark.root
def test_one_that_is_forbidden(other: int) -> None:
    script = (
        "import os; from pyipcs.sysv import libc, moving\n"
        "os.setgid(65534); os.setuid(65534)\n"
        f"try: moving.enter('/proc/{other}/ns/ipc')\n"
        "except OSError as error: print(error.strerror)"
    )
    assert run(sys.executable, "-c", script).out == "Permission denied\n"


# -- All of them.


def test_every_namespace_is_shown(other: int, objects: Objects, isolated: None) -> None:
    msqid = objects.queue(0x77)
    out = run(PYIPCS, "list", "--all-ns").out
    ours, theirs = inode(os.getpid()), inode(other)
    assert out.startswith(f"IPC namespace {ours} (this one): "), "the own one comes first"
    assert f"\nIPC namespace {theirs}: {other} (sleep)\n" in out
    own = out.index("0x00000077")
    assert own < out.index(f"IPC namespace {theirs}") < out.index("0x00000099")
    document = json.loads(run(PYIPCS, "list", "--all-ns", "-J").out)
    assert document["taken"]["filtered"] is True
    by_inode = {one["ipc_namespace"]: one for one in document["namespaces"]}
    assert [one["id"] for one in by_inode[ours]["queues"]] == [msqid]
    assert by_inode[theirs]["processes"] == [{"pid": other, "command": "sleep"}]
    assert (by_inode[ours]["own"], by_inode[theirs]["own"]) == (True, False)
    assert [len(by_inode[theirs][kind.collection]) for kind in Kind] == [1, 1, 1]


def test_the_namespace_is_a_column(other: int, objects: Objects, isolated: None) -> None:
    objects.queue(0x77)
    args = ("list", "--all-ns", "-o", "KEY,STATE")
    ours, theirs = inode(os.getpid()), inode(other)
    lines = run(PYIPCS, *args, "-q", "-f", "csv").out.splitlines()
    assert lines[0] == "NS,KEY,STATE"
    assert {f"{ours},0x00000077,unknown", f"{theirs},0x00000099,unknown"} <= {*lines}
    found = [json.loads(line) for line in run(PYIPCS, *args, "-f", "jsonl").out.splitlines()]
    assert sum(one["ipc_namespace"] == theirs for one in found) == 3
    assert f'KIND="msg" NS="{theirs}" KEY' in run(PYIPCS, *args, "-f", "export").out
    assert f"0x00000099 {theirs}\n" in run(PYIPCS, "list", "--all-ns", "-q", "-o", "KEY,NS").out
    assert run(PYIPCS, "list", "-q", "-o", "NS").out.splitlines()[1].strip() == str(ours)
    text = run(PYIPCS, *args, "-q").out
    assert f"IPC namespace {theirs}: " in text
    assert "0x00000099 unknown\n" in text


def test_all_of_them_with_filters(other: int, isolated: None) -> None:
    result = run(PYIPCS, "list", "--all-ns", "--key", "0x99", "--fail-if-any", "-f", "tsv")
    assert result.status == 23
    assert all(f"\t{inode(other)}\t" in line for line in result.out.splitlines()[1:])
    assert run(PYIPCS, "list", "--all-ns", "--key", "0x9999", "--fail-if-any").status == 0


@pytest.mark.parametrize(
    "args",
    ["-l", "-u", "-q -i 5", "-f openmetrics", "-o NOTHING", "--not-in /dev/null"],
)
def test_what_does_not_go_with_all_of_them(args: str) -> None:
    result = invoke("list", "--all-ns", *args.split())
    assert (result.status, result.out) == (2, "")


def test_one_of_them_does_not_go_with_all() -> None:
    result = invoke("list", "--all-ns", "--ns", str(os.getpid()))
    assert (result.status, "--ns is about one namespace" in result.err) == (2, True)


def test_members_that_have_gone(objects: Objects) -> None:
    """A namespace lives as long as anybody holds it; its processes come and go meanwhile."""
    from pyipcs.cli.everywhere import _entered

    with pytest.raises(OSError, match="No such"):
        _entered([int(GONE)], dict)


@pytest.mark.root
def test_members_that_have_gone_do_not_hide_one_that_is_forbidden(other: int) -> None:
    script = (
        "import os, pickle; from pyipcs.sysv import libc\n"
        "from pyipcs.cli.everywhere import _entered\n"
        "os.setgid(65534); os.setuid(65534)\n"
        f"try: _entered([{other}, {GONE}], dict)\n"
        "except OSError as error: print(error.strerror)"
    )
    assert run(sys.executable, "-c", script).out == "Permission denied\n"


def test_a_process_that_has_just_gone_is_not_offered(other: int) -> None:
    offer = (PYIPCS, "--complete", "namespace", "")
    assert f"{other}\t" in run(*offer).out
    gone = ["-f", "-o", "/dev/null", "-P", f"/proc/{other}/comm", "-e", "trace=openat"]
    gone += ["-e", "inject=openat:error=ENOENT"]
    offered = run(need_tool("strace"), *gone, *offer)
    assert (offered.status, f"{other}\t" in offered.out) == (0, False)
