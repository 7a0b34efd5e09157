"""pyipcs run: a namespace for a command, its report, statuses, signals and terminals."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyipcs.model import SYSV, Kind
from tests.kit import kernel
from tests.kit.factories import read_line, running
from tests.kit.kernel import IS_ROOT, Objects, everything, ids
from tests.kit.program import PYIPCS, Result, need_tool, run
from tests.kit.terminal import end, read_all, read_until, start, without_codes
from tests.kit.tracing import held
from tests.kit.wait import LIMIT, has_ended, wait_for_state, wait_until

ALL_KINDS = f"{PYIPCS} make -Q -M 4K -S 2 -k 0x99 >/dev/null"
# A receiver in the background, which waits on the queue of ALL_KINDS.
RECEIVER = (
    f"{{ {PYIPCS} recv 0x99 & }} >/dev/null 2>&1; "
    f"until {PYIPCS} list -q -o WAITERS --noheadings | grep -q '[0-9]'; do sleep 0.01; done"
)
# A segment without users.
ORPHAN = f"{PYIPCS} make -M 4K -k 0x99 >/dev/null; {PYIPCS} write 0x99 a >/dev/null"
SHARED = ("--private", "never")


def run_run(*args: str, **options: object) -> Result:
    return run(PYIPCS, "run", *args, **options)  # type: ignore[arg-type] # subprocess's own


@pytest.fixture(scope="module", autouse=True)
def namespaces() -> None:
    """Skip the tests of this module where the kernel refuses IPC namespaces."""
    if run_run("--private", "always", "true").status:
        pytest.skip("the kernel gives the user no IPC namespace")


# -- Statuses.


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("exit 0", 0),
        ("exit 7", 7),
        ("exit 255", 255),
        (ALL_KINDS, 23),
        (f"{ALL_KINDS}; exit 7", 7),
        (f"{ALL_KINDS}; {PYIPCS} rm -a", 0),
        ("kill -TERM $$", 143),
        ("kill -KILL $$", 137),
        ("kill -SEGV $$", 139),
    ],
)
def test_run_returns_the_status_of_the_command(script: str, status: int, isolated: None) -> None:
    before = everything()
    assert run_run("sh", "-c", script).status == status
    assert everything() == before


def test_run_broken_program_or_interpreter_fails(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF and no more")
    program.chmod(0o755)
    result = run_run(str(program))
    assert result.status in {126, 127, 2}  # execvp(3) lets sh run it as a script
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    result = run_run(str(script))
    assert (result.status, result.err.count("\n")) == (127, 1)


# -- The environment of the command.


def test_run_options_end_at_the_command() -> None:
    assert run_run("echo", "-n", "--rm", "--help", "--", "-f").out == "--rm --help -- -f"
    assert run_run("--", "echo", "a").out == "a\n"
    assert run_run("--private=auto", "--", "sh", "-c", "echo $0", "x").out == "x\n"


def test_run_command_inherits_streams_folder_and_environment(tmp_path: Path) -> None:
    done = subprocess.run(
        [PYIPCS, "run", "sh", "-c", "cat; pwd; echo $A; echo err >&2; exit 3"],
        input="in\n",
        env={**os.environ, "A": "b"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, f"in\n{tmp_path}\nb\n", "err\n")


def test_run_command_inherits_the_signal_dispositions() -> None:
    fields = "grep -E 'Sig(Blk|Ign|Cgt)' /proc/self/status"
    # A path, because Python 3.12 starts programs of PATH in another way.
    assert run_run("sh", "-c", fields).out == run(need_tool("sh"), "-c", fields).out
    nohup = f"trap '' HUP; exec {PYIPCS} run {need_tool('sh')} -c \"{fields}\""
    assert run("sh", "-c", nohup).out == run("sh", "-c", f"trap '' HUP; {fields}").out


def test_run_command_has_the_same_user() -> None:
    assert run_run("id", "-u").out == f"{os.geteuid()}\n"
    assert run_run("id", "-g").out == f"{os.getegid()}\n"


def test_run_command_inherits_no_other_descriptor() -> None:
    assert (
        run_run("sh", "-c", "ls /proc/self/fd | wc -l").out
        == run("sh", "-c", "ls /proc/self/fd | wc -l").out
    )


@pytest.mark.root
def test_run_namespace_has_the_same_limits(isolated: None) -> None:
    limit = Path("/proc/sys/kernel/msgmni")
    former = limit.read_text()
    limit.write_text("123")
    try:
        assert run_run("cat", str(limit)).out == "123\n"
    finally:
        limit.write_text(former)


# -- The report.


def test_run_without_leftovers_reports_nothing() -> None:
    assert run_run("true") == (0, "", "")
    assert run_run(*SHARED, "true") == (0, "", "")


def test_run_reports_leftover_objects(isolated: None) -> None:
    script = f"{ALL_KINDS}; {PYIPCS} send 0x99 hello"
    result = run_run("sh", "-c", script)
    assert (result.status, result.out) == (23, "")
    first, head, *rows = result.err.splitlines()
    left = "1 message queue, 1 segment and 1 semaphore set (gone with its namespace)"
    assert first == f"pyipcs: 'sh' left {left}"
    names = "KIND KEY ID MSGS USEDBYTES SIZE NATTCH NSEMS CPID LPID LSPID LRPID STATE REASON"
    assert head.split() == names.split()
    cells = [dict(zip(head.split(), row.split(maxsplit=13), strict=True)) for row in rows]
    queue, segment, array = cells
    assert (queue["KIND"], queue["KEY"], queue["MSGS"]) == ("msg", "0x00000099", "1")
    assert queue["REASON"] == f"nobody waits; its last sender, {queue['LSPID']}, is gone"
    assert (segment["SIZE"], segment["LPID"]) == ("4096", "0")
    assert segment["REASON"] == f"never attached; its creator, {segment['CPID']}, is gone"
    assert (array["NSEMS"], array["REASON"]) == ("2", "never used")


@pytest.mark.slow
def test_run_format_writes_the_report_for_programs(isolated: None) -> None:
    result = run_run("-J", "sh", "-c", ALL_KINDS)
    report = json.loads(result.err)
    assert (result.status, report["run"]) == (
        23,
        {
            "command": ["sh", "-c", ALL_KINDS],
            "status": 0,
            "private": True,
            "why": None,
            "mqueue_why": None,
            "shm": "shared",
            "shm_why": None,
            "limits": [],
            "other_files": [],
            "processes": [],
            "others": [],
            "removed": [],
        },
    )
    assert [len(report[kind.collection]) for kind in SYSV] == [1, 1, 1]
    assert report["queues"][0]["state"] == "unknown"
    result = run_run("-J", "sh", "-c", "exit 5")
    report = json.loads(result.err)
    assert (report["run"]["status"], report["queues"]) == (5, [])
    assert json.loads(run_run(*SHARED, "-J", "true").err)["run"]["why"] == "--private never"
    lines = run_run("-f", "csv", "sh", "-c", ALL_KINDS).err.splitlines()
    assert (lines[0].startswith("KIND,KEY,ID,"), len(lines)) == (True, 4)
    in_variable = run_run("true", env={"PYIPCS_FORMAT": "json"})
    assert json.loads(in_variable.err)["shmems"] == []
    assert run_run("true", env={"PYIPCS_FORMAT": "openmetrics"}) == (0, "", "")
    assert run_run("true", env={"PYIPCS_FORMAT": "xml"}).status == 2


def test_run_json_replaces_invalid_utf_8_of_the_command(isolated: None) -> None:
    done = run_run("-J", "printf", os.fsdecode(b"%s\xff"))
    assert (done.status, os.fsencode(done.out)) == (0, b"\xff")
    assert json.loads(done.err)["run"]["command"] == ["printf", "%s\ufffd"]


def test_run_reports_processes_that_still_run(isolated: None, tmp_path: Path) -> None:
    attach = (
        "import ctypes, time; l = ctypes.CDLL(None); l.shmat.restype = ctypes.c_void_p;"
        "l.shmat(l.shmget(0, 4096, 0o1600), None, 0); print(flush=True); time.sleep(60)"
    )
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    script = f'{sys.executable} -c "{attach}" 2>/dev/null >"$0" & read -r line <"$0"'
    result = run_run("sh", "-c", script, str(ready))
    (pid,) = re.findall(r"still running in its namespace: (\d+) \(python", result.err)
    os.kill(int(pid), signal.SIGKILL)
    assert result.status == 23
    # The process keeps the namespace, and with it the segment.
    assert result.err.splitlines()[0] == "pyipcs: 'sh' left 1 segment"
    assert f"attached 1 time, by {pid} (python" in result.err


@pytest.mark.tools("strace")
def test_run_leaves_out_a_process_that_visits_its_namespace(isolated: None, tmp_path: Path) -> None:
    """As `list --all-ns` of another program, which enters each namespace briefly."""
    script = f'{PYIPCS} make -Q >/dev/null; sleep 600 >/dev/null 2>&1 & echo $! >"$0"'
    visit = tmp_path / "visit"
    # The first scan finds it; it ends before the second one.
    with held("clock_nanosleep", "enter", "run", "sh", "-c", script, str(visit)) as program:
        pid = int(visit.read_text())
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: has_ended(pid))
        result = program.result()
    assert result.status == 23
    assert (
        result.err.splitlines()[0] == "pyipcs: 'sh' left 1 message queue (gone with its namespace)"
    )
    assert "still running" not in result.err


@pytest.mark.tools("strace")
def test_run_reports_a_process_that_replaces_another_one(isolated: None, tmp_path: Path) -> None:
    """As a daemon, which forks and ends."""
    go = tmp_path / "go"
    os.mkfifo(go)
    daemon = "read -r line <go; sleep 600 & echo $! >daemon"
    script = f"cd $0; ({daemon}) >/dev/null 2>&1 & echo $! >$0/parent"
    # The first scan finds the parent, the later ones find the daemon.
    with held("clock_nanosleep", "enter", "run", "sh", "-c", script, str(tmp_path)) as program:
        go.write_text("\n")
        wait_until(lambda: has_ended(int((tmp_path / "parent").read_text())))
        result = program.result()
    pid = int((tmp_path / "daemon").read_text())
    os.kill(pid, signal.SIGKILL)
    assert result == (0, "", f"pyipcs: still running in its namespace: {pid} (sleep)\n")


# -- Without a namespace.


def refused(*args: str) -> Result:
    """Run a command where the kernel refuses namespaces."""
    inject = ["-f", "-o", "/dev/null", "-e", "trace=unshare", "-e", "inject=unshare:error=EPERM"]
    return run("strace", *inject, PYIPCS, "run", *args)


@pytest.mark.tools("strace")
def test_run_without_namespace_reports_only_new_objects(objects: Objects, isolated: None) -> None:
    before = objects.queue(0x88)
    result = refused("sh", "-c", ALL_KINDS)
    objects.adopt_all()
    assert result.status == 23
    assert "'sh' left 1 message queue, 1 segment and 1 semaphore set\n" in result.err
    assert "had no IPC namespace of its own (Operation not permitted)" in result.err
    assert "0x00000088" not in result.err
    assert before in ids(Kind.QUEUE)


@pytest.mark.tools("strace")
def test_run_private_always_without_namespace_runs_nothing() -> None:
    result = refused("--private", "always", "sh", "-c", "echo ran")
    assert (result.status, result.out) == (1, "")
    assert result.err.endswith(": Operation not permitted\n")


def test_run_private_never_keeps_leftovers(objects: Objects, isolated: None) -> None:
    before = everything()
    assert run_run(*SHARED, "sh", "-c", ALL_KINDS).status == 23
    assert len(everything() - before) == 3
    objects.adopt_all()


def test_run_rm_removes_leftovers(objects: Objects, isolated: None) -> None:
    objects.queue(0x77)
    before = everything()
    result = run_run(*SHARED, "--rm", "sh", "-c", ORPHAN)
    assert (result.status, result.out) == (23, "")
    assert result.err.count("removing ") == 1
    assert everything() == before


def test_run_rm_keeps_objects_in_use(objects: Objects, isolated: None) -> None:
    result = run_run(*SHARED, "--rm", "sh", "-c", f"{PYIPCS} make -Q -k 0x99; {RECEIVER}")
    left = everything()
    for kind, object_id in left:
        kernel.remove(kind, object_id)  # which ends the receiver
    assert result.status == 23
    assert result.err.endswith("not removed: 1 object in use\n")
    assert [kind for kind, _ in left] == [Kind.QUEUE]


def test_run_rm_json_is_one_document(objects: Objects, isolated: None) -> None:
    script = f"{ORPHAN}; {PYIPCS} make -Q -k 0x99 >/dev/null; {RECEIVER}"
    result = run_run(*SHARED, "--rm", "-J", "sh", "-c", script)
    left = everything()
    for kind, object_id in left:
        kernel.remove(kind, object_id)  # which ends the receiver
    report = json.loads(result.err)
    assert [one["kind"] for one in report["run"]["removed"]] == ["shm"]
    (queue,) = report["queues"]
    assert queue["state"] == "in-use"
    assert left == {(Kind.QUEUE, queue["id"])}


def test_run_rm_csv_reports_before_it_removes(isolated: None) -> None:
    lines = run_run(*SHARED, "--rm", "-f", "csv", "sh", "-c", ORPHAN).err.splitlines()
    assert [line.split(",")[0] for line in lines[:2]] == ["KIND", "shm"]
    assert lines[2].startswith("pyipcs: ")
    assert [line.split()[0] for line in lines[3:]] == ["removing"]


@pytest.mark.root
@pytest.mark.tools("unshare")
def test_run_without_proc_reports_an_unknown_state() -> None:
    script = f"mount -t tmpfs none /proc; exec {PYIPCS} run -J {PYIPCS} make -Q"
    result = run("unshare", "--mount", "sh", "-c", script)
    (queue,) = json.loads(result.err)["queues"]
    why = "/proc cannot be read, or is of another PID namespace"
    assert (queue["state"], queue["reason"]) == ("unknown", why)


def test_run_rm_in_a_namespace_removes_nothing(isolated: None) -> None:
    result = run_run("--rm", "sh", "-c", ALL_KINDS)
    assert (result.status, "removing" in result.err) == (23, False)


def test_run_rm_keeps_objects_of_an_unreadable_process(objects: Objects, isolated: None) -> None:
    script = (
        "import ctypes, os; l = ctypes.CDLL(None); PR_SET_DUMPABLE = 4;"
        "l.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); q = l.msgget(0, 0o1600);"
        "os.fork() and os._exit(0); os.closerange(0, 9);"
        "l.msgrcv(q, ctypes.create_string_buffer(9), 1, 0, 0)"
    )
    drop = (
        [] if not IS_ROOT else ["setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace"]
    )
    result = run(*drop, PYIPCS, "run", *SHARED, "--rm", sys.executable, "-c", script)
    ((kind, msqid),) = everything()
    kernel.remove(kind, msqid)  # which ends the daemon
    assert (result.status, "left" in result.err) == (23, True)
    assert "removing" not in result.err


# -- Signals and terminals.


@contextmanager
def started(script: str, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a shell script that has printed its first line."""
    command = [PYIPCS, "run", *options, "sh", "-c", script]
    # In a group of its own: a group without a parent in its session ignores SIGTSTP.
    with running(*command, stderr=subprocess.PIPE, process_group=0) as process:
        assert read_line(process) == "ready\n"
        yield process


WAIT = "echo ready; while :; do sleep 0.05; done"


@pytest.mark.parametrize("name", ["TERM", "HUP", "INT", "USR1", "USR2", "ALRM", "WINCH"])
def test_run_passes_signals_to_the_command(name: str) -> None:
    with started(f"trap 'echo got {name}; exit 9' {name}; {WAIT}") as process:
        process.send_signal(signal.Signals[f"SIG{name}"])
        assert process.communicate(timeout=LIMIT)[0] == f"got {name}\n".encode()
        assert process.returncode == 9


def test_run_stops_and_continues_with_the_command() -> None:
    with started(f"trap 'echo continued; exit 8' CONT; {WAIT}") as process:
        process.send_signal(signal.SIGTSTP)
        wait_for_state(process.pid, "T")
        process.send_signal(signal.SIGCONT)
        assert process.communicate(timeout=LIMIT)[0].startswith(b"continued\n")
        assert process.returncode == 8


def test_run_stops_without_owning_the_terminal() -> None:
    process, terminal = start([PYIPCS, "run", "sh", "-c", "kill -STOP $$; echo resumed"])
    try:
        wait_for_state(process.pid, "T")
        process.send_signal(signal.SIGCONT)
        assert "resumed" in read_all(terminal)
        assert process.wait(LIMIT) == 0
    finally:
        end(process, terminal)


@pytest.mark.parametrize("options", [[], ["-J"], [*SHARED, "--rm"], [*SHARED, "--rm", "-J"]])
def test_run_with_unread_report_keeps_the_status(options: list[str], isolated: None) -> None:
    before = everything()
    for script, expected in ((f"{ORPHAN}; exit 7", 7), (ORPHAN, 23)):
        reading, writing = os.pipe()
        os.close(reading)
        command = [PYIPCS, "run", *options, "sh", "-c", script]
        done = subprocess.run(command, stderr=writing, check=False, timeout=LIMIT)
        os.close(writing)
        assert done.returncode == expected
        assert everything() == before


@pytest.mark.parametrize("name", ["TERM", "HUP", "INT"])
def test_run_dies_of_the_signal_that_ended_the_command(name: str) -> None:
    with started(WAIT) as process:
        process.send_signal(signal.Signals[f"SIG{name}"])
        process.communicate(timeout=LIMIT)
        assert process.returncode == -signal.Signals[f"SIG{name}"]


def test_run_reports_leftovers_of_a_terminated_command() -> None:
    with started(f"{ALL_KINDS}; {WAIT}") as process:
        process.terminate()
        assert b"'sh' left 1 message queue, " in process.communicate(timeout=LIMIT)[1]
        assert process.returncode == -signal.SIGTERM


def test_run_ctrl_c_reaches_the_command_once() -> None:
    script = (
        "trap 'caught=1; echo caught' INT; echo ready; "
        'until [ "$caught" ]; do sleep 0.05; done; sleep 0.3; echo done'
    )
    process, terminal = start([PYIPCS, "run", "sh", "-c", script], controlling=True)
    try:
        read_until(terminal, "ready")
        os.write(terminal, b"\x03")
        text = read_until(terminal, "done")
        assert text.count("caught") == 1
        assert process.wait(LIMIT) == 0  # the command went on, and so did run
    finally:
        end(process, terminal)


def test_run_ctrl_c_ends_the_command_and_reports() -> None:
    script = f"{ALL_KINDS}; echo ready; exec sleep 60"  # a shell that forks can lose the signal
    process, terminal = start([PYIPCS, "run", "sh", "-c", script], controlling=True)
    try:
        read_until(terminal, "ready")
        os.write(terminal, b"\x03")
        text = without_codes(read_all(terminal))
        assert process.wait(LIMIT) == -signal.SIGINT
        left = "1 message queue, 1 segment and 1 semaphore set (gone with its namespace)"
        assert f"pyipcs: 'sh' left {left}" in text
        assert "Message queues (1)" in text  # the table, because it is a terminal
    finally:
        end(process, terminal)


@contextmanager
def shell() -> Iterator[int]:
    """Run an interactive bash with the prompt `$ `; yield its terminal."""
    bash = [need_tool("bash"), "--norc", "--noprofile", "-i"]
    process, terminal = start(bash, env={"PS1": "$ ", "HISTFILE": ""}, controlling=True)
    try:
        read_until(terminal, r"\$ ")
        yield terminal
    finally:
        end(process, terminal)


# An interactive bash in a namespace, with another prompt.
SHELL_INSIDE = f"PS1='in> ' {PYIPCS} run bash --norc --noprofile -i"


def type_line(terminal: int, line: str, until: str) -> str:
    """Type a line and return the output up to a pattern."""
    os.write(terminal, f"{line}\n".encode())
    return read_until(terminal, until)


# The tests of job control fail by read_until, which raises if the pattern does not appear.


def test_run_ctrl_z_stops_and_fg_continues_the_command(isolated: None) -> None:
    with shell() as terminal:
        type_line(
            terminal, f"{PYIPCS} run sh -c 'echo re''ady; read line; echo got $line'", "ready"
        )
        os.write(terminal, b"\x1a")
        read_until(terminal, "Stopped")
        type_line(terminal, "jobs", r"Stopped.*\n")
        type_line(terminal, "fg", "read line")
        type_line(terminal, "it", "got it")
        type_line(terminal, "echo status $?", "status 0")


def test_run_interactive_shell_has_job_control(isolated: None) -> None:
    with shell() as terminal:
        assert "no job control" not in type_line(terminal, SHELL_INSIDE, "in> ")
        # The job is in the foreground when it prints.
        type_line(terminal, "sh -c 'echo in''ner; exec sleep 60'", "inner\r\n")
        os.write(terminal, b"\x1a")
        read_until(terminal, "Stopped")
        type_line(terminal, "bg; kill %1; wait; echo killed", r"killed\r\n")
        type_line(terminal, f"{PYIPCS} make -Q -k 0x99", "queue id: ")
        type_line(terminal, "exit", r"left 1 message queue[^$]*\$ ")
        type_line(terminal, "echo st''atus $?", "status 23")
        # The shell outside has its terminal back.
        type_line(terminal, "sleep 0.1; echo ou''ter", "outer")


def test_run_suspended_shell_continues_with_fg(isolated: None) -> None:
    with shell() as terminal:
        type_line(terminal, SHELL_INSIDE, "in> ")
        type_line(terminal, "suspend", "Stopped")
        type_line(terminal, "echo ou''ter", "outer")
        type_line(terminal, "fg", "in> ")
        type_line(terminal, "echo inn''er", "inner")
        type_line(terminal, "exit 4", r"\$ ")
        type_line(terminal, "echo st''atus $?", "status 4")


def test_run_command_sets_raw_mode_and_reads_the_terminal_size(isolated: None) -> None:
    script = (
        "import os, sys, termios, tty; old = termios.tcgetattr(0); tty.setraw(0);"
        "print(os.get_terminal_size().columns, os.tcgetpgrp(0) == os.getpgrp(), end=' ');"
        "sys.stdout.flush(); print(repr(os.read(0, 9))); termios.tcsetattr(0, termios.TCSANOW, old)"
    )
    command = [PYIPCS, "run", sys.executable, "-c", script]
    process, terminal = start(command, width=77, controlling=True)
    try:
        assert "77 True" in read_until(terminal, "True ")
        os.write(terminal, b"\x03\x1a")
        assert r"b'\x03\x1a'" in read_until(terminal, "'.*'")
        assert process.wait(LIMIT) == 0
    finally:
        end(process, terminal)


@pytest.mark.skipif(IS_ROOT, reason="root needs no user namespace")
def test_run_as_ordinary_user_maps_only_this_user() -> None:
    assert run_run("cat", "/proc/self/uid_map").out.split()[-1] == "1"
