"""pyipcs op: operations, waiting, and commands that hold semaphores."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from pyipcs.model import Kind
from pyipcs.sysv import libc
from tests.kit.factories import check_sleep_and_stop, running
from tests.kit.kernel import Objects
from tests.kit.program import PYIPCS, as_nobody, forked, invoke, pyipcs, run
from tests.kit.wait import LIMIT, wait_until

KEY = "0x5eed"


@pytest.fixture
def semid(objects: Objects) -> int:
    """Return a set of three semaphores with the values 1, 2 and 0."""
    semid = objects.semaphores(0x5EED, nsems=3)
    libc.set_values(semid, [1, 2, 0])
    return semid


def values(semid: int) -> list[int]:
    return [one.value for one in libc.semaphores(semid, 3)]


def waiters(semid: int) -> int:
    return sum(one.ncount + one.zcount for one in libc.semaphores(semid, 3))


@pytest.mark.parametrize(
    ("operations", "after"),
    [
        (["P"], [0, 2, 0]),
        (["V"], [2, 2, 0]),
        (["0-1", "1-2", "2+5"], [0, 0, 5]),
        (["0:1-1"], [0, 1, 0]),
        (["0:2+1", "0:2+1"], [3, 4, 2]),
        (["2=0", "2+1"], [1, 2, 1]),
        (["1-1", "1+1", "1-2"], [1, 0, 0]),
        (["Vu", "Pnu"], [1, 2, 0]),
    ],
)
def test_op_applies_all_operations_at_once(
    semid: int, operations: list[str], after: list[int]
) -> None:
    assert forked("op", KEY, *operations) == (0, "", "")
    assert values(semid) == after


def test_op_conflict_without_waiting_changes_nothing(semid: int) -> None:
    for args in (["--nowait"], ["--timeout", "0"], ["--timeout=0.05"]):
        assert invoke("op", KEY, "0-1", "2-1", *args) == (3, "", "")
        assert invoke("op", str(semid), "0-1", "2-1", *args, "-E", "75") == (75, "", "")
    assert invoke("op", KEY, "0-1", "2-1n") == (3, "", "")
    assert invoke("op", KEY, "Z", "--nowait") == (3, "", "")
    assert values(semid) == [1, 2, 0]


def test_op_timeout_fails_after_it(semid: int) -> None:
    start = time.monotonic()
    assert invoke("op", KEY, "2-1", "--timeout", "0.2").status == 3
    assert time.monotonic() - start >= 0.2


def test_op_undo_restores_the_values_at_exit(semid: int) -> None:
    for args in (["Pu", "1+3u"], ["P", "1+3", "--undo"]):
        assert forked("op", KEY, *args).status == 0
        assert values(semid) == [1, 2, 0]
    assert forked("op", KEY, "Pu", "1+3").status == 0
    assert values(semid) == [1, 5, 0]


def test_op_waiting_uses_no_cpu_and_ends_when_possible(semid: int) -> None:
    with running(PYIPCS, "op", KEY, "2-2") as process:
        wait_until(lambda: waiters(semid) == 1)
        check_sleep_and_stop(process)
        wait_until(lambda: waiters(semid) == 1)
        invoke("op", KEY, "2+2")
        assert process.wait(LIMIT) == 0
    assert values(semid) == [1, 2, 0]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_op_waiting_dies_of_a_signal(semid: int, name: str) -> None:
    with running(PYIPCS, "op", KEY, "0-1", "2-1", stderr=-1) as process:
        wait_until(lambda: waiters(semid) == 1)
        process.send_signal(signal.Signals[name])
        assert process.communicate(timeout=LIMIT) == (b"", b"")
        assert process.returncode == -signal.Signals[name]
    assert values(semid) == [1, 2, 0]


# -- Commands that hold semaphores.


def test_op_command_runs_while_the_semaphores_are_held(semid: int) -> None:
    listing = forked("op", KEY, "P", "1-2", "--", PYIPCS, "list", "-s", "-f", "csv", "-o", "VALUES")
    assert listing.out == 'VALUES\n"0,0,0"\n'
    assert values(semid) == [1, 2, 0]


def test_op_killed_command_gives_the_semaphore_back(semid: int) -> None:
    with running(PYIPCS, "op", KEY, "P", "--", "sleep", "60") as process:
        comm = Path(f"/proc/{process.pid}/comm")
        wait_until(lambda: comm.read_text() == "sleep\n")
        assert values(semid) == [0, 2, 0]
        assert invoke("op", KEY, "P", "--nowait").status == 3
        process.kill()
        assert process.wait(LIMIT) == -signal.SIGKILL
    assert values(semid) == [1, 2, 0]


@pytest.mark.parametrize(
    ("script", "status"), [("exit 0", 0), ("exit 3", 3), ("exit 255", 255), ("kill -9 $$", -9)]
)
def test_op_returns_the_status_of_the_command(semid: int, script: str, status: int) -> None:
    assert forked("op", KEY, "P", "--", "sh", "-c", script) == (status, "", "")
    assert values(semid) == [1, 2, 0]


def test_op_command_that_cannot_run_gives_the_semaphore_back(semid: int, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/nosuch/interpreter\n")
    broken.chmod(0o755)
    for name, status in (
        *(("nosuch", 127), ("", 127), (str(broken), 127)),
        *(("/etc/passwd", 126), ("/etc", 126), (f"{broken}/x", 126)),
    ):
        result = forked("op", KEY, "P", "--", name, "-x")
        assert (result.status, result.out, result.err.count("\n")) == (status, "", 1)
        assert result.err.startswith(f"pyipcs: '{name}': ")
    assert values(semid) == [1, 2, 0]


def test_op_command_with_a_nameless_variable_runs(semid: int) -> None:
    assert run("env", "=x", PYIPCS, "op", KEY, "P", "--", "true").status == 0


def test_op_missing_command_is_reported_before_waiting(semid: int) -> None:
    assert invoke("op", KEY, "2-1", "--", "nosuch").status == 127


def test_op_command_lookup_skips_files_that_cannot_be_run(semid: int, tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    (tmp_path / "folder").mkdir()
    path = f"{tmp_path}/nosuch:{tmp_path}/plain:{tmp_path}:{os.environ['PATH']}"
    for name, status in (("nosuch", 127), ("plain", 126), ("folder", 126), ("true", 0)):
        assert pyipcs("op", KEY, "P", "--", name, env={"PATH": path}).status == status


def test_op_script_without_interpreter_runs_in_sh(semid: int, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text('echo "$0 $*"\n')
    script.chmod(0o755)
    assert forked("op", KEY, "P", "--", str(script), "a", "-b").out == f"{script} a -b\n"
    folder = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    assert pyipcs("op", KEY, "P", "--", "script", env=folder).out == f"{script} \n"


def test_op_command_inherits_signals_and_environment(semid: int) -> None:
    """Python ignores SIGPIPE and may set LC_CTYPE for itself."""
    # With a path, Python 3.13 starts both by posix_spawn(3), which ignores signals 32 and 33.
    direct = ["/bin/cat", "/proc/self/status"]
    ignored = [
        [line for line in result.out.splitlines() if line.startswith(("SigIgn", "SigBlk"))]
        for result in (run(*direct), run(PYIPCS, "op", KEY, "P", "--", *direct))
    ]
    assert ignored[0] == ignored[1]
    for setting in ([], ["LANG=C"], ["LC_CTYPE=C"], ["LC_CTYPE=C.UTF-8"], ["LC_ALL=C"]):
        clean = ["env", "-i", *setting]
        held = [*clean, sys.executable, PYIPCS, "op", KEY, "P", "--", "/usr/bin/env"]
        assert sorted(run(*held).out.split()) == sorted(run(*clean, "/usr/bin/env").out.split())


def test_op_first_double_dash_ends_the_operations(semid: int) -> None:
    assert forked("op", KEY, "P", "--", "printf", "%s;", "--", "-x", "a b").out == "--;-x;a b;"
    for args in ([KEY, "P", "--"], [KEY, "--", "true"], ["--", "true"]):
        result = invoke("op", *args)
        assert (result.status, result.err.count("\n")) == (2, 1), args
    assert values(semid) == [1, 2, 0]


def test_op_counting_semaphore_limits_parallel_commands(objects: Objects, tmp_path: Path) -> None:
    semid = objects.semaphores()
    libc.set_values(semid, [4])
    job = (
        f"touch {tmp_path}/$$; ls {tmp_path} | grep -c ^ >&2; sleep 0.02; rm {tmp_path}/$$; echo x"
    )
    line = f"seq 12 | xargs -P 12 -I N {PYIPCS} op {semid} P -- sh -c '{job}'"
    result = run("sh", "-c", line)
    assert result.out == "x\n" * 12
    assert max(map(int, result.err.split())) <= 4
    assert libc.semaphores(semid, 1)[0].value == 4


# -- Refused operations change nothing.


@pytest.mark.parametrize("operations", ["3-1", "P 0:7+1", "0-1 1+32767"])
def test_op_refused_operation_changes_nothing(semid: int, operations: str) -> None:
    result = invoke("op", KEY, *operations.split())
    assert (result.status, result.out, result.err.count("\n")) == (1, "", 1)
    assert values(semid) == [1, 2, 0]


def test_op_over_semopm_changes_nothing(semid: int) -> None:
    most = libc.limits(Kind.SEMAPHORE)._asdict()["semopm"]
    for operations in (["V", "P"] * (most // 2) + ["V"], ["0:65535+1"] * 50):
        assert invoke("op", KEY, *operations).status == 1
        assert values(semid) == [1, 2, 0]
    assert invoke("op", KEY, *["V", "P"] * (most // 2)).status == 0


@pytest.mark.root
def test_op_zero_wait_needs_only_read_permission(objects: Objects) -> None:
    semid = objects.semaphores(mode=0o604)
    assert as_nobody("op", str(semid), "V").status == 1
    assert as_nobody("op", str(semid), "Z") == (0, "", "")
