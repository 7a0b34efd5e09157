"""Signals, stops and terminals of the command that run supervises."""

import os
import re
import resource
import select
import signal
import subprocess
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.kit.factories import read_line, running
from tests.kit.program import PYIPCS, run
from tests.kit.terminal import end, read_until, resize, start
from tests.kit.wait import LIMIT, wait_for_state, wait_until

# Appends the number of each signal that it gets to a file, and ends by SIGUSR2. It does not call
# pause(2), which sleeps on when a signal came right before: Python runs handlers in between.
COUNTER = """
import os, signal, sys, time
file = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
for name in sys.argv[2:]:
    signal.signal(signal.Signals[name], lambda number, _: os.write(file, bytes([number])))
signal.signal(signal.SIGUSR2, lambda *_: os._exit(0))
print("ready", flush=True)
while True:
    time.sleep(0.01)
"""
# Prints its pid, and repeats each line of its input.
ECHO = """
import os
import select
print(os.getpid(), flush=True)
while True:
    print(input(), flush=True)
"""
NAMES = ["SIGUSR1", "SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGALRM", "SIGCONT", "SIGRTMIN"]
Kill = Callable[[int, int], None]


@contextmanager
def supervised(
    script: str, *args: str, options: tuple[str, ...] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Python script by `run` in its own process group; yield pyipcs."""
    command = [PYIPCS, "run", *options, sys.executable, "-c", script, *args]
    with running(*command, stdin=subprocess.PIPE, process_group=0) as process:
        yield process


# -- Each signal once


@pytest.mark.parametrize("kill", [os.kill, os.killpg])
@pytest.mark.parametrize("options", [(), ("--private", "never")])
def test_run_signal_reaches_the_command_once(
    kill: Kill, options: tuple[str, ...], tmp_path: Path
) -> None:
    counts = tmp_path / "counts"
    with supervised(COUNTER, str(counts), *NAMES, options=options) as process:
        assert read_line(process) == "ready\n"
        expected = []
        for name in NAMES * 2:
            expected.append(int(signal.Signals[name]))
            kill(process.pid, expected[-1])
            wait_until(lambda: counts.stat().st_size >= len(expected))
        # Signals are passed on in their order: when this one is, all others have been.
        process.send_signal(signal.SIGUSR2)
        assert process.wait(LIMIT) == 0
    assert [*counts.read_bytes()] == expected


def test_run_signal_of_the_terminal_reaches_the_command_once(tmp_path: Path) -> None:
    counts = tmp_path / "counts"
    names = ["SIGINT", "SIGQUIT", "SIGWINCH", "SIGHUP"]
    command = [PYIPCS, "run", sys.executable, "-c", COUNTER, str(counts), *names]
    process, terminal = start(command, controlling=True)
    try:
        read_until(terminal, "ready")
        acts: list[Callable[[], object]] = [
            lambda: os.write(terminal, b"\x03"),
            lambda: os.write(terminal, b"\x1c"),
            lambda: resize(terminal, 90, 30),
            lambda: os.close(terminal),  # the kernel signals the leader of the session alone
        ]
        for number, act in enumerate(acts, 1):
            act()
            wait_until(lambda number=number: counts.stat().st_size >= number)  # type: ignore[misc] # mypy infers no default
        process.send_signal(signal.SIGUSR2)
        assert process.wait(LIMIT) == 0
    finally:
        end(process, terminal)
    assert [*counts.read_bytes()] == [int(signal.Signals[name]) for name in names]


def test_run_signal_to_the_group_reaches_a_command_of_another_group(tmp_path: Path) -> None:
    counts = tmp_path / "counts"
    with supervised(f"import os; os.setsid()\n{COUNTER}", str(counts), "SIGTERM") as process:
        assert read_line(process) == "ready\n"
        os.killpg(process.pid, signal.SIGTERM)
        wait_until(lambda: counts.stat().st_size)
        process.send_signal(signal.SIGUSR2)
        assert process.wait(LIMIT) == 0
    assert [*counts.read_bytes()] == [signal.SIGTERM]


@pytest.mark.parametrize("name", ["SIGQUIT", "SIGUSR1", "SIGALRM", "SIGRTMIN"])
def test_run_dies_of_any_signal_that_killed_the_command(name: str, tmp_path: Path) -> None:
    number = signal.Signals[name]
    with supervised(ECHO) as process:
        read_line(process)
        process.send_signal(number)
        assert process.wait(LIMIT) == -number


# -- Stops


@pytest.mark.slow
@pytest.mark.parametrize("stop", [os.kill, os.killpg])
@pytest.mark.parametrize("go_on", [os.kill, os.killpg])
def test_run_stop_and_cont_close_together_leave_it_running(stop: Kill, go_on: Kill) -> None:
    with supervised(ECHO, options=("--private", "never")) as process:
        read_line(process)
        assert process.stdin
        assert process.stdout
        for number in range(150):
            stop(process.pid, signal.SIGTSTP)
            for _ in range(number * 20):  # up to about as long as a stop takes
                pass
            go_on(process.pid, signal.SIGCONT)
            process.stdin.write(b"%d\n" % number)
            process.stdin.flush()
            assert select.select([process.stdout], [], [], LIMIT)[0], "it stays stopped"
            assert read_line(process) == f"{number}\n"


def test_run_stopped_group_continues_by_a_signal_to_run_alone(tmp_path: Path) -> None:
    counts = tmp_path / "counts"
    with supervised(COUNTER, str(counts), "SIGCONT") as process:
        read_line(process)
        os.killpg(process.pid, signal.SIGSTOP)
        wait_for_state(process.pid, "T")
        process.send_signal(signal.SIGCONT)
        wait_until(lambda: counts.exists() and counts.stat().st_size)
        process.send_signal(signal.SIGUSR2)
        assert process.wait(LIMIT) == 0
    assert [*counts.read_bytes()] == [signal.SIGCONT]


def test_run_killed_leaves_no_process_of_its_own() -> None:
    with supervised(ECHO) as process:
        command = int(read_line(process))
        children = _children(process.pid)
        assert command in children
        process.kill()
        process.wait(LIMIT)
        os.kill(command, signal.SIGKILL)
        wait_until(lambda: not any(map(_lives, children)))


def test_run_helper_holds_no_descriptor_above_a_lowered_limit() -> None:
    """The helper process for signals of the group has only its two pipes."""
    high = 300

    def lower_limit() -> None:
        os.dup2(0, high)
        resource.setrlimit(resource.RLIMIT_NOFILE, (high // 2, high))

    command = [PYIPCS, "run", sys.executable, "-c", ECHO]
    with running(
        *command, stdin=subprocess.PIPE, preexec_fn=lower_limit, close_fds=False
    ) as process:
        echo = int(read_line(process))
        assert Path(f"/proc/{echo}/fd/{high}").exists()
        (helper,) = {*_children(process.pid)} - {echo}
        wait_until(lambda: len([*Path(f"/proc/{helper}/fd").iterdir()]) == 2)


# -- Terminals

# Makes its terminal raw, and waits.
RAW = (
    "import os, tty, time; tty.setraw(0); print(f'raw {os.getpid()};', flush=True); time.sleep(600)"
)


def test_run_restores_terminal_modes_of_a_killed_command() -> None:
    process, terminal = start([PYIPCS, "run", sys.executable, "-c", RAW], controlling=True)
    before = termios.tcgetattr(terminal)
    try:
        shown = re.search("raw ([0-9]+);", read_until(terminal, "raw [0-9]+;"))
        assert shown
        assert termios.tcgetattr(terminal) != before
        os.kill(int(shown[1]), signal.SIGKILL)
        assert process.wait(LIMIT) == 128 + signal.SIGKILL
        assert termios.tcgetattr(terminal) == before
    finally:
        end(process, terminal)


def test_run_keeps_terminal_modes_of_a_command_that_exits() -> None:
    script = f"{PYIPCS} run stty -echo; stty -a; sleep 600"
    process, terminal = start(["sh", "-c", script], controlling=True)
    try:
        assert re.search(r"\s-echo\s", read_until(terminal, "-echo "))
    finally:
        end(process, terminal)


def test_run_in_the_background_keeps_the_modes_of_the_foreground_job(tmp_path: Path) -> None:
    """The foreground job has made the terminal raw when the command is killed."""
    ready = tmp_path / "ready"
    script = f"set -m; {PYIPCS} run sh -c 'echo $$ > {ready}; exec sleep 600' & {sys.executable} "
    script += f'-c "{RAW}"'
    process, terminal = start(["bash", "-c", script], controlling=True)
    try:
        read_until(terminal, "raw")
        wait_until(lambda: ready.exists() and ready.read_text().endswith("\n"))
        now = termios.tcgetattr(terminal)
        assert not now[tty.LFLAG] & termios.ECHO
        command = int(ready.read_text())
        supervisor = _parent(command)
        os.kill(command, signal.SIGKILL)
        wait_until(lambda: not _lives(supervisor))
        assert termios.tcgetattr(terminal) == now
    finally:
        end(process, terminal)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _children(pid: int) -> list[int]:
    found = []
    for name in (path.name for path in Path("/proc").iterdir()):
        with suppress(FileNotFoundError, ProcessLookupError):
            if name.isdigit() and _parent(int(name)) == pid:
                found.append(int(name))
    return found


# -- Another /proc


@pytest.mark.root
@pytest.mark.tools("unshare")
def test_run_below_the_proc_of_another_pid_namespace_names_only_other_processes() -> None:
    script = "sleep 600 >/dev/null 2>&1 & echo $!"
    result = run("unshare", "--pid", "--fork", PYIPCS, "run", "sh", "-c", script)
    running = re.escape(f"pyipcs: still running in its namespace: {result.out.strip()} (")
    assert re.fullmatch(f"{running}[a-z]+\\)\n", result.err)
    result = run("unshare", "--pid", "--fork", PYIPCS, "run", "true")
    assert (result.status, result.err) == (0, "")


# Prints its pid, and ends with 7 by SIGUSR1.
ENDING = """
import os, signal, time
signal.signal(signal.SIGUSR1, lambda *_: os._exit(7))
print(os.getpid(), flush=True)
while True:
    time.sleep(0.01)
"""


@pytest.mark.parametrize("name", ["SIGALRM", "SIGTERM", "SIGRTMIN"])
def test_run_signal_pending_at_the_end_of_the_command_is_discarded(name: str) -> None:
    """Both signals are pending when pyipcs continues; it takes SIGUSR1 first."""
    with supervised(ENDING) as process:
        command = int(read_line(process))
        process.send_signal(signal.SIGSTOP)
        wait_for_state(process.pid, "T")
        process.send_signal(signal.SIGUSR1)
        process.send_signal(signal.Signals[name])
        os.kill(command, signal.SIGUSR1)
        wait_for_state(command, "Z")
        process.send_signal(signal.SIGCONT)
        assert process.wait(LIMIT) == 7
