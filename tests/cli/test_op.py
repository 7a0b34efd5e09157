import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pyipcs.model import Kind
from pyipcs.sysv import libc
from tests.kit.kernel import Objects
from tests.kit.program import PYIPCS, as_nobody, forked, invoke, pyipcs, run

KEY = "0x5eed"


@pytest.fixture
def semid(objects: Objects) -> int:
    """A set of three semaphores with the values 1, 2 and 0."""
    made = objects.semaphores(0x5EED, nsems=3)
    libc.set_values(made, [1, 2, 0])
    return made


def values(semid: int) -> list[int]:
    return [one.value for one in libc.semaphores(semid, 3)]


def until(condition: object) -> None:
    end = time.monotonic() + 20
    while not condition():  # type: ignore[operator] # a function
        assert time.monotonic() < end
        time.sleep(0.01)


def waiting(semid: int) -> tuple[int, int]:
    found = libc.semaphores(semid, 3)
    return sum(one.ncount for one in found), sum(one.zcount for one in found)


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
def test_all_at_once(semid: int, operations: list[str], after: list[int]) -> None:
    assert forked("op", KEY, *operations) == (0, "", "")
    assert values(semid) == after


def test_none_of_them_where_one_would_have_to_wait(semid: int) -> None:
    for args in (["--nowait"], ["--timeout", "0"], ["--timeout=0.05"]):
        assert invoke("op", KEY, "0-1", "2-1", *args) == (3, "", "")
        assert invoke("op", str(semid), "0-1", "2-1", *args, "-E", "75") == (75, "", "")
    assert invoke("op", KEY, "0-1", "2-1n") == (3, "", "")
    assert invoke("op", KEY, "Z", "--nowait") == (3, "", "")
    assert values(semid) == [1, 2, 0]


def test_a_timeout_is_kept(semid: int) -> None:
    began = time.monotonic()
    assert invoke("op", KEY, "2-1", "--timeout", "0.3").status == 3
    assert 0.3 <= time.monotonic() - began < 5


def test_undo(semid: int) -> None:
    for args in (["Pu", "1+3u"], ["P", "1+3", "--undo"]):
        assert forked("op", KEY, *args).status == 0
        assert values(semid) == [1, 2, 0]
    assert forked("op", KEY, "Pu", "1+3").status == 0
    assert values(semid) == [1, 5, 0]


def test_waiting_takes_no_time_and_ends_when_it_can(semid: int) -> None:
    with subprocess.Popen([PYIPCS, "op", KEY, "2-2"]) as process:
        until(lambda: waiting(semid) == (1, 0))
        before = cpu_ticks(process.pid)
        time.sleep(0.5)
        assert cpu_ticks(process.pid) == before
        # It goes on waiting after having been stopped.
        process.send_signal(signal.SIGSTOP)
        until(lambda: state(process.pid) == "T")
        process.send_signal(signal.SIGCONT)
        until(lambda: waiting(semid) == (1, 0) and state(process.pid) == "S")
        invoke("op", KEY, "2+2")
        assert process.wait(20) == 0
    assert values(semid) == [1, 2, 0]


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_waiting(semid: int, number: signal.Signals) -> None:
    def heed() -> None:
        signal.signal(number, signal.SIG_DFL)  # which whoever runs the tests may ignore

    words = [PYIPCS, "op", KEY, "0-1", "2-1"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, preexec_fn=heed) as process:  # noqa: PLW1509 - no threads here
        until(lambda: waiting(semid) == (1, 0))
        process.send_signal(number)
        assert process.wait(20) == -number
        assert process.stderr
        assert process.stderr.read() == b""
    assert values(semid) == [1, 2, 0]


def test_a_set_that_is_removed_meanwhile(objects: Objects, semid: int) -> None:
    with subprocess.Popen([PYIPCS, "op", KEY, "2-1"], stderr=subprocess.PIPE) as process:
        until(lambda: waiting(semid) == (1, 0))
        objects.remove_all()
        assert process.wait(20) == 1
        assert process.stderr
        assert process.stderr.read() == b"pyipcs: 0x5eed: the semaphore set was removed\n"


# -- Held around a command.


def test_a_command_holds_what_was_taken(semid: int) -> None:
    shown = pyipcs("op", KEY, "P", "1-2", "--", PYIPCS, "list", "-s", "-f", "csv", "-o", "VALUES")
    assert shown.out == 'VALUES\n"0,0,0"\n'
    assert values(semid) == [1, 2, 0]


def test_a_killed_command_gives_it_back(semid: int) -> None:
    with subprocess.Popen([PYIPCS, "op", KEY, "P", "--", "sleep", "60"]) as process:
        until(lambda: comm(process.pid) == "sleep")
        assert values(semid) == [0, 2, 0]
        assert invoke("op", KEY, "P", "--nowait").status == 3
        process.kill()
        assert process.wait(20) == -signal.SIGKILL
    assert values(semid) == [1, 2, 0]


def comm(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


def test_the_status_is_that_of_the_command(semid: int, tmp_path: Path) -> None:
    for script, status in (("exit 0", 0), ("exit 3", 3), ("exit 255", 255), ("kill -9 $$", -9)):
        assert pyipcs("op", KEY, "P", "--", "sh", "-c", script).status == status
    missing = pyipcs("op", KEY, "P", "--", "nosuch", "-x")
    assert missing == (127, "", "pyipcs: 'nosuch': command not found\n")
    for path, why in (("/etc/passwd", "Permission denied"), ("/etc", "Is a directory")):
        assert pyipcs("op", KEY, "P", "--", path) == (126, "", f"pyipcs: '{path}': {why}\n")
    assert pyipcs("op", KEY, "P", "--", "").status == 127
    broken = tmp_path / "broken"
    broken.write_text("#!/nosuch/interpreter\n")
    broken.chmod(0o755)
    assert pyipcs("op", KEY, "P", "--", str(broken)).status == 127
    assert pyipcs("op", KEY, "P", "--", f"{broken}/x").err.endswith("': Not a directory\n")
    assert pyipcs("op", KEY, "P", "--", f"{broken}/x").status == 126
    assert run("env", "=x", PYIPCS, "op", KEY, "P", "--", "true").status == 0
    assert values(semid) == [1, 2, 0]


def test_a_command_is_looked_for_before_anything_is_done(semid: int) -> None:
    assert invoke("op", KEY, "2-1", "--", "nosuch").status == 127  # and does not wait


def test_folders_where_nothing_can_be_found(semid: int, tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    (tmp_path / "folder").mkdir()
    path = f"{tmp_path}/nosuch:{tmp_path}/plain:{tmp_path}:{os.environ['PATH']}"
    for name, status in (("nosuch", 127), ("plain", 126), ("folder", 126), ("true", 0)):
        assert pyipcs("op", KEY, "P", "--", name, env={"PATH": path}).status == status


def test_a_script_without_an_interpreter_is_for_sh(semid: int, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text('echo "$0 $*"\n')
    script.chmod(0o755)
    assert pyipcs("op", KEY, "P", "--", str(script), "a", "-b").out == f"{script} a -b\n"
    folder = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    assert pyipcs("op", KEY, "P", "--", "script", env=folder).out == f"{script} \n"


def test_the_command_is_run_as_by_the_shell(semid: int) -> None:
    """Neither signals nor the environment are those that Python made for itself."""
    direct = ["cat", "/proc/self/status"]
    ignored = [
        [line for line in result.out.splitlines() if line.startswith(("SigIgn", "SigBlk"))]
        for result in (run(*direct), run(PYIPCS, "op", KEY, "P", "--", *direct))
    ]
    assert ignored[0] == ignored[1]
    for setting in ([], ["LANG=C"], ["LC_CTYPE=C"], ["LC_CTYPE=C.UTF-8"], ["LC_ALL=C"]):
        clean = ["env", "-i", *setting]
        held = [*clean, sys.executable, PYIPCS, "op", KEY, "P", "--", "/usr/bin/env"]
        assert sorted(run(*held).out.split()) == sorted(run(*clean, "/usr/bin/env").out.split())


def test_only_the_first_two_dashes_count(semid: int) -> None:
    assert pyipcs("op", KEY, "P", "--", "printf", "%s;", "--", "-x", "a b").out == "--;-x;a b;"
    for args in ([KEY, "P", "--"], [KEY, "--", "true"], ["--", "true"]):
        result = invoke("op", *args)
        assert (result.status, result.err.count("\n")) == (2, 1), args
    assert values(semid) == [1, 2, 0]


def test_four_at_a_time(objects: Objects, tmp_path: Path) -> None:
    """Counting: never more than the set allows, and all of them in the end."""
    semid = objects.semaphores()
    libc.set_values(semid, [4])
    job = (
        f"touch {tmp_path}/$$; ls {tmp_path} | grep -c ^ >&2; sleep 0.02; rm {tmp_path}/$$; echo x"
    )
    line = f"seq 24 | xargs -P 24 -I N {PYIPCS} op {semid} P -- sh -c '{job}'"
    result = run("sh", "-c", line)
    assert result.out == "x\n" * 24
    assert max(map(int, result.err.split())) <= 4
    assert libc.semaphores(semid, 1)[0].value == 4


# -- What is refused, with nothing done.


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (["3-1"], "no semaphore 3: the set has 3 semaphores, counted from 0"),
        (["P", "0:7+1"], "no semaphore 7: the set has 3 semaphores, counted from 0"),
        (["0+32767"], "a value, or what is to be undone, would go over 32767 (SEMVMX)"),
    ],
)
def test_what_the_kernel_refuses(semid: int, args: list[str], why: str) -> None:
    assert invoke("op", KEY, *args) == (1, "", f"pyipcs: {KEY}: {why}\n")
    assert values(semid) == [1, 2, 0]


def test_too_many_operations(semid: int) -> None:
    most = libc.limits(Kind.SEMAPHORE)._asdict()["semopm"]
    result = invoke("op", KEY, *["V", "P"] * (most // 2), "V")
    words = f"pyipcs: {most + 1} operations at once, and the most is {most} (semopm)\n"
    assert result == (1, "", words)
    assert invoke("op", KEY, *["0:65535+1"] * 50).status == 1
    assert values(semid) == [1, 2, 0]
    assert invoke("op", KEY, *["V", "P"] * (most // 2)).status == 0


@pytest.mark.parametrize("args", [["Q"], ["0-0"], ["0-32768"], ["P", "-E", "256"], ["P", "-x"]])
def test_usage(semid: int, args: list[str]) -> None:
    result = invoke("op", KEY, *args)
    assert (result.status, result.out, result.err.count("\n")) == (2, "", 1)


def test_what_is_no_set(objects: Objects) -> None:
    objects.segment(0x5EEE)
    words = "no such semaphore set (but a segment of that key)"
    assert invoke("op", "0x5eee", "P") == (1, "", f"pyipcs: 0x5eee: {words}\n")


@pytest.mark.root
def test_a_set_of_others(objects: Objects) -> None:
    semid = objects.semaphores(mode=0o604)
    why = "Permission denied (- and + take write permission, =0 read permission)"
    words = f"pyipcs: {semid}: {why}\n"
    assert as_nobody("op", str(semid), "V") == (1, "", words)
    assert as_nobody("op", str(semid), "Z") == (0, "", "")
