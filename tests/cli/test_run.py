"""run: a namespace for a command, its report, statuses, signals and terminals."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyipcs.model import Kind
from pyipcs.sysv.survey import survey
from tests.kit import kernel
from tests.kit.kernel import IS_ROOT, Objects, everything, ids
from tests.kit.program import PYIPCS, Result, need_tool, run
from tests.kit.terminal import end, read_all, read_until, start, without_codes

ALL_KINDS = f"{PYIPCS} make -Q -M 4K -S 2 -k 0x99 >/dev/null"
SHARED = ("--private", "never")


def run_run(*args: str, **options: object) -> Result:
    return run(PYIPCS, "run", *args, **options)  # type: ignore[arg-type] # subprocess's own


@pytest.fixture(scope="module", autouse=True)
def private() -> None:
    """Nothing here works where the kernel gives no namespaces to the user."""
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
def test_the_status(script: str, status: int, isolated: None) -> None:
    before = everything()
    assert run_run("sh", "-c", script).status == status
    assert everything() == before, "nothing outlives its namespace"


@pytest.mark.parametrize(
    ("args", "status", "why"),
    [
        (["no-such-command"], 127, "'no-such-command': command not found"),
        (["/etc/passwd"], 126, "'/etc/passwd': Permission denied"),
        (["/"], 126, "'/': Is a directory"),
        ([], 2, "run: CMD is missing (see pyipcs run --help)"),
        (["--rm"], 2, "run: CMD is missing (see pyipcs run --help)"),
        (["--private"], 2, "run: option --private needs a value (see pyipcs run --help)"),
        (["-x", "true"], 2, "run: no such option -x (see pyipcs run --help)"),
        (
            ["--private", "x", "true"],
            2,
            "run: --private: 'x' is not one of 'auto', 'always', 'never'",
        ),
        (["-f", "openmetrics", "true"], 2, "run: -f/--format: 'openmetrics' is not one of"),
        (["--ns", "1", "true"], 2, "run: no such option --ns"),
    ],
)
def test_what_cannot_be_run(args: list[str], status: int, why: str) -> None:
    result = run_run(*args)
    assert (result.status, result.out) == (status, "")
    assert result.err.startswith(f"pyipcs: {why}")
    assert result.err.count("\n") == 1


def test_a_file_that_the_kernel_does_not_take(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF and no more")
    program.chmod(0o755)
    result = run_run(str(program))
    assert result.status in {126, 127, 2}, "sh tries it as a script, as execvp(3) has it"
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    result = run_run(str(script))
    assert (result.status, result.err.count("\n")) == (127, 1)


# -- What the command gets.


def test_the_options_end_at_its_first_word() -> None:
    assert run_run("echo", "-n", "--rm", "--help", "--", "-f").out == "--rm --help -- -f"
    assert run_run("--", "echo", "a").out == "a\n"
    assert run_run("--private=auto", "--", "sh", "-c", "echo $0", "x").out == "x\n"


def test_it_has_the_streams_the_folder_and_the_environment(tmp_path: Path) -> None:
    done = subprocess.run(
        [PYIPCS, "run", "sh", "-c", "cat; pwd; echo $A; echo err >&2; exit 3"],
        input="in\n",
        env={**os.environ, "A": "b"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, f"in\n{tmp_path}\nb\n", "err\n")


def test_it_has_no_signal_blocked_or_ignored() -> None:
    fields = "grep -E 'Sig(Blk|Ign|Cgt)' /proc/self/status"
    # Both by their paths: newer Pythons start such programs otherwise than those of PATH.
    assert run_run("sh", "-c", fields).out == run(need_tool("sh"), "-c", fields).out
    nohup = ["sh", "-c", f"trap '' HUP; exec {PYIPCS} run sh -c \"{fields}\""]
    assert "SigIgn:\t0000000000000001\n" in run(*nohup).out


def test_it_is_the_same_user() -> None:
    assert run_run("id", "-u").out == f"{os.geteuid()}\n"
    assert run_run("id", "-g").out == f"{os.getegid()}\n"


def test_no_open_file_of_ours() -> None:
    assert (
        run_run("sh", "-c", "ls /proc/self/fd | wc -l").out
        == run("sh", "-c", "ls /proc/self/fd | wc -l").out
    )


@pytest.mark.root
def test_it_has_the_limits_of_the_namespace_around(isolated: None) -> None:
    limit = Path("/proc/sys/kernel/msgmni")
    former = limit.read_text()
    limit.write_text("123")
    try:
        assert run_run("cat", str(limit)).out == "123\n"
    finally:
        limit.write_text(former)


# -- The report.


def test_nothing_is_said_of_nothing() -> None:
    assert run_run("true") == (0, "", "")
    assert run_run(*SHARED, "true") == (0, "", "")


def test_what_is_left_is_told(isolated: None) -> None:
    script = f"{ALL_KINDS}; {PYIPCS} send 0x99 hello"
    result = run_run("sh", "-c", script)
    assert (result.status, result.out) == (23, "")
    first, head, *rows = result.err.splitlines()
    assert first == "pyipcs: 'sh' left 1 message queue, 1 segment and 1 semaphore set"
    names = "KIND KEY ID MSGS USEDBYTES SIZE NATTCH NSEMS CPID LPID LSPID LRPID STATE REASON"
    assert head.split() == names.split()
    cells = [dict(zip(head.split(), row.split(maxsplit=13), strict=True)) for row in rows]
    queue, segment, array = cells
    assert (queue["KIND"], queue["KEY"], queue["MSGS"]) == ("msg", "0x00000099", "1")
    assert queue["REASON"] == f"nobody waits; its last sender, {queue['LSPID']}, is gone"
    assert (segment["SIZE"], segment["LPID"]) == ("4096", "0")
    assert segment["REASON"] == f"never attached; its creator, {segment['CPID']}, is gone"
    assert (array["NSEMS"], array["REASON"]) == ("2", "never used")


def test_a_report_for_programs(isolated: None) -> None:
    result = run_run("-J", "sh", "-c", ALL_KINDS)
    report = json.loads(result.err)
    assert (result.status, report["run"]) == (
        23,
        {
            "command": ["sh", "-c", ALL_KINDS],
            "status": 0,
            "private": True,
            "why": None,
            "processes": [],
            "removed": [],
        },
    )
    assert [len(report[kind.collection]) for kind in Kind] == [1, 1, 1]
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


def test_words_that_are_no_utf_8(isolated: None) -> None:
    done = subprocess.run(
        [PYIPCS, "run", "-J", "printf", b"%s\xff"], capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, b"\xff")
    assert json.loads(done.stderr)["run"]["command"] == ["printf", "%s\ufffd"]


def test_who_still_runs_there(isolated: None, tmp_path: Path) -> None:
    """A daemon keeps its namespace, and what it has in use there."""
    attach = (
        "import ctypes, time; l = ctypes.CDLL(None); l.shmat.restype = ctypes.c_void_p;"
        "l.shmat(l.shmget(0, 4096, 0o1600), None, 0); print(flush=True); time.sleep(60)"
    )
    script = f'{sys.executable} -c "{attach}" 2>/dev/null >"$0" & while ! [ -s "$0" ]; do :; done'
    result = run_run("sh", "-c", script, str(tmp_path / "ready"))
    assert result.status == 23
    (pid,) = re.findall(r"still running in its namespace: (\d+) \(python", result.err)
    assert f"attached 1 time, by {pid} (python" in result.err
    os.kill(int(pid), signal.SIGKILL)


# -- Without a namespace.


def refused(*args: str) -> Result:
    """Run where the kernel refuses namespaces."""
    inject = ["-f", "-o", "/dev/null", "-e", "trace=unshare", "-e", "inject=unshare:error=EPERM"]
    return run(need_tool("strace"), *inject, PYIPCS, "run", *args)


def test_where_the_kernel_refuses(objects: Objects, isolated: None) -> None:
    theirs = objects.queue(0x88)
    result = refused("sh", "-c", ALL_KINDS)
    adopt_all(objects)
    assert result.status == 23
    assert "'sh' left 1 message queue, 1 segment and 1 semaphore set" in result.err
    assert "which was not its own (Operation not permitted)" in result.err
    assert "other programs of yours may have made them" in result.err
    assert "0x00000088" not in result.err
    assert theirs in ids(Kind.QUEUE)
    assert refused("true") == (
        0,
        "",
        "pyipcs: it left nothing, but had no IPC namespace of its own: Operation not permitted\n",
    )
    result = refused("--private", "always", "sh", "-c", "echo ran")
    assert (result.status, result.out) == (1, "")
    assert result.err == (
        "pyipcs: no IPC namespace of its own for the command: Operation not permitted\n"
    )


@pytest.fixture
def known() -> None:
    """For tests in which all processes of the user's own have to be seen, or nothing is removed."""
    survey.cache_clear()
    if any(one.uid in {None, os.geteuid()} for one in survey().strangers):
        pytest.skip("there are processes of this user, or of its number, that it may not look at")


def adopt_all(objects: Objects) -> None:
    for kind, object_id in everything():
        objects.adopt(kind, object_id)


def test_what_is_left_stays_unless_asked(objects: Objects, isolated: None) -> None:
    before = everything()
    assert run_run(*SHARED, "sh", "-c", ALL_KINDS).status == 23
    assert len(everything() - before) == 3
    adopt_all(objects)


def test_what_is_left_goes_if_asked(objects: Objects, isolated: None, known: None) -> None:
    objects.segment(0x77)
    before = everything()
    result = run_run(*SHARED, "--rm", "sh", "-c", ALL_KINDS)
    assert (result.status, result.out) == (23, "")
    assert result.err.count("removing ") == 3
    assert everything() == before


def test_what_is_used_stays_though_asked(objects: Objects, isolated: None) -> None:
    """Somebody else's process of this user may have come meanwhile."""
    script = f"{ALL_KINDS}; {{ {PYIPCS} recv 0x99 & }} >/dev/null 2>&1; sleep 1.5"
    result = run_run(*SHARED, "--rm", "sh", "-c", script)
    assert result.status == 23
    assert "1 object in use, or perhaps so, and left" in result.err
    ((kind, msqid),) = everything()
    assert kind is Kind.QUEUE
    kernel.remove(kind, msqid)  # which ends the receiver


def test_a_report_for_programs_is_one_document(
    objects: Objects, isolated: None, known: None
) -> None:
    script = f"{ALL_KINDS}; {{ {PYIPCS} recv 0x99 & }} >/dev/null 2>&1; sleep 1.5"
    result = run_run(*SHARED, "--rm", "-J", "sh", "-c", script)
    report = json.loads(result.err)
    assert [one["kind"] for one in report["run"]["removed"]] == ["shm", "sem"]
    assert report["queues"][0]["state"] == "in-use"
    ((kind, msqid),) = everything()
    assert report["queues"][0]["id"] == msqid
    kernel.remove(kind, msqid)
    result = run_run(*SHARED, "--rm", "-f", "csv", "sh", "-c", ALL_KINDS)
    lines = result.err.splitlines()
    assert [line.split(",")[0] for line in lines[:4]] == ["KIND", "msg", "shm", "sem"]
    assert lines[4].startswith("pyipcs: they are new since, and yours")
    assert [line.split()[0] for line in lines[5:]] == ["removing"] * 3


@pytest.mark.root
def test_without_proc_nothing_is_suspect() -> None:
    script = f"mount -t tmpfs none /proc; exec {PYIPCS} run -J {PYIPCS} make -Q"
    result = run(need_tool("unshare"), "--mount", "sh", "-c", script)
    (queue,) = json.loads(result.err)["queues"]
    why = "/proc cannot be read, or is of another PID namespace"
    assert (queue["state"], queue["reason"]) == ("unknown", why)


def test_a_limit_is_named() -> None:
    script = f"echo 0 > /proc/sys/user/max_ipc_namespaces; exec {PYIPCS} run --private always true"
    result = run(need_tool("unshare"), "--user", "-r", "sh", "-c", script)
    assert result.status == 1
    assert "No space left on device (user.max_ipc_namespaces is 0, " in result.err


def test_a_namespace_is_no_matter_of_rm(isolated: None) -> None:
    result = run_run("--rm", "sh", "-c", ALL_KINDS)
    assert (result.status, "removing" in result.err) == (23, False)


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="prctl(2) is called by its number")
def test_what_may_be_used_stays_though_asked(objects: Objects, isolated: None) -> None:
    """A process of the user's own that may not be looked at."""
    script = (
        "import ctypes, os, time; l = ctypes.CDLL(None); l.prctl(4, 0, 0, 0, 0);"
        "q = l.msgget(0, 0o1600); os.fork() and os._exit(0); os.closerange(0, 9);"
        "l.msgrcv(q, ctypes.create_string_buffer(9), 1, 0, 0)"
    )
    drop = (
        [] if not IS_ROOT else ["setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace"]
    )
    done = run(*drop, PYIPCS, "run", *SHARED, "--rm", sys.executable, "-c", script)
    ((kind, msqid),) = everything()
    kernel.remove(kind, msqid)  # which ends the daemon
    assert (done.status, "left" in done.err) == (23, True)
    assert "removing" not in done.err


# -- Signals and terminals.


@contextmanager
def started(script: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A shell that runs, and has said so."""
    command = [PYIPCS, "run", *options, "sh", "-c", f"echo ready; {script}"]
    # A group of its own, beside that of the tests: one whose shell has gone does not stop.
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
    ) as one:
        assert one.stdout
        assert one.stdout.readline() == "ready\n"
        yield one
        one.kill()


WAIT = "while :; do sleep 0.05; done"


@pytest.mark.parametrize("name", ["TERM", "HUP", "INT", "USR1", "USR2", "ALRM", "WINCH"])
def test_a_signal_is_passed_on(name: str) -> None:
    with started(f"trap 'echo got {name}; exit 9' {name}; echo set; {WAIT}") as process:
        assert process.stdout
        assert process.stdout.readline() == "set\n"
        process.send_signal(signal.Signals[f"SIG{name}"])
        assert process.communicate(timeout=20)[0] == f"got {name}\n"
        assert process.returncode == 9


def test_it_stops_and_goes_on_with_the_command() -> None:
    with started(f"trap 'echo continued; exit 8' CONT; echo set; {WAIT}") as process:
        assert process.stdout
        assert process.stdout.readline() == "set\n"
        process.send_signal(signal.SIGTSTP)
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        process.send_signal(signal.SIGCONT)
        assert process.communicate(timeout=20)[0].startswith("continued\n")
        assert process.returncode == 8


def test_it_stops_where_the_terminal_is_not_its_own() -> None:
    process, terminal = start([PYIPCS, "run", "sh", "-c", "kill -STOP $$; echo resumed"])
    try:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        process.send_signal(signal.SIGCONT)
        assert "resumed" in read_all(terminal)
        assert process.wait() == 0
    finally:
        end(process, terminal)


@pytest.mark.parametrize("options", [[], ["-J"], [*SHARED, "--rm"], [*SHARED, "--rm", "-J"]])
def test_nobody_need_read_the_report(options: list[str], isolated: None, known: None) -> None:
    before = everything()
    for script, expected in ((f"{ALL_KINDS}; exit 7", 7), (ALL_KINDS, 23)):
        reading, writing = os.pipe()
        os.close(reading)
        command = [PYIPCS, "run", *options, "sh", "-c", script]
        assert subprocess.run(command, stderr=writing, check=False).returncode == expected
        os.close(writing)
        assert everything() == before


@pytest.mark.parametrize("name", ["TERM", "HUP", "INT"])
def test_it_ends_by_the_signal_that_ended_the_command(name: str) -> None:
    with started(WAIT) as process:
        process.send_signal(signal.Signals[f"SIG{name}"])
        process.communicate(timeout=20)
        assert process.returncode == -signal.Signals[f"SIG{name}"]


def test_what_is_left_is_told_of_a_command_that_was_stopped() -> None:
    with started(f"{ALL_KINDS}; echo made; {WAIT}") as process:
        assert process.stdout
        assert process.stdout.readline() == "made\n"
        process.terminate()
        assert "'sh' left 1 message queue, " in process.communicate(timeout=20)[1]
        assert process.returncode == -signal.SIGTERM


def test_ctrl_c_reaches_the_command_once() -> None:
    script = "trap 'echo caught' INT; echo ready; sleep 1; sleep 1; echo done"
    process, terminal = start([PYIPCS, "run", "sh", "-c", script], controlling=True)
    try:
        read_until(terminal, "ready")
        os.write(terminal, b"\x03")
        text = read_until(terminal, "done")
        assert text.count("caught") == 1
        assert process.wait() == 0, "the command went on, and so did we"
    finally:
        end(process, terminal)


def test_ctrl_c_ends_both() -> None:
    script = f"{ALL_KINDS}; echo ready; sleep 60"
    process, terminal = start([PYIPCS, "run", "sh", "-c", script], controlling=True)
    try:
        read_until(terminal, "ready")
        os.write(terminal, b"\x03")
        text = without_codes(read_all(terminal))
        assert process.wait() == -signal.SIGINT
        assert "pyipcs: 'sh' left 1 message queue, 1 segment and 1 semaphore set" in text
        assert "Message queues (1)" in text, "drawn for a terminal"
    finally:
        end(process, terminal)


@contextmanager
def shell() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """An interactive bash on a terminal of its own."""
    bash = [need_tool("bash"), "--norc", "--noprofile", "-i"]
    process, terminal = start(bash, env={"PS1": "$ ", "HISTFILE": ""}, controlling=True)
    try:
        yield process, terminal
    finally:
        end(process, terminal)


def say(terminal: int, line: str, until: str) -> str:
    os.write(terminal, f"{line}\n".encode())
    return read_until(terminal, until)


def test_ctrl_z_and_fg(isolated: None) -> None:
    with shell() as (_, terminal):
        read_until(terminal, r"\$ ")
        say(terminal, f"{PYIPCS} run sh -c 'echo re''ady; read line; echo got $line'", "ready")
        os.write(terminal, b"\x1a")
        read_until(terminal, "Stopped")
        assert "Stopped" in say(terminal, "jobs", r"Stopped.*\n")
        os.write(terminal, b"fg\n")
        time.sleep(0.3)
        assert "got it" in say(terminal, "it", "got it")
        say(terminal, "echo status $?", "status 0")


def test_a_shell_with_jobs_inside(isolated: None) -> None:
    """Job control within, and the terminal back to the shell without when it ends."""
    with shell() as (_, terminal):
        read_until(terminal, r"\$ ")
        say(terminal, f"PS1='in> ' {PYIPCS} run bash --norc --noprofile -i", "in> ")
        text = say(terminal, "echo inner; sleep 60", "inner\r\n")
        assert "no job control" not in text
        time.sleep(0.3)
        os.write(terminal, b"\x1a")
        read_until(terminal, "Stopped")
        say(terminal, "bg; kill %1; wait; echo killed", r"killed\r\n")
        say(terminal, f"{PYIPCS} make -Q -k 0x99", "queue id: ")
        os.write(terminal, b"exit\n")
        text = without_codes(read_until(terminal, r"left 1 message queue[^$]*\$ "))
        say(terminal, "echo st''atus $?", "status 23")
        say(terminal, "sleep 0.1; echo ou''ter", "outer")


def test_a_shell_inside_that_is_suspended(isolated: None) -> None:
    with shell() as (_, terminal):
        read_until(terminal, r"\$ ")
        say(terminal, f"PS1='in> ' {PYIPCS} run bash --norc --noprofile -i", "in> ")
        say(terminal, "suspend", "Stopped")
        say(terminal, "echo ou''ter", "outer")
        os.write(terminal, b"fg\n")
        time.sleep(0.3)
        say(terminal, "echo inn''er", "inner")
        say(terminal, "exit 4", r"\$ ")
        say(terminal, "echo st''atus $?", "status 4")


def test_an_editor_inside(isolated: None, tmp_path: Path) -> None:
    """What has the terminal in raw mode, and asks for its size."""
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
        assert process.wait() == 0
    finally:
        end(process, terminal)


@pytest.mark.skipif(IS_ROOT, reason="root needs no user namespace")
def test_an_ordinary_user_is_alone_in_a_user_namespace() -> None:
    assert run_run("cat", "/proc/self/uid_map").out.split()[-1] == "1"
