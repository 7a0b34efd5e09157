"""pyipcs make --values: sem_otime is set, and never before the values."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from pyipcs.model import Kind
from pyipcs.sysv import libc
from tests.kit.factories import running
from tests.kit.kernel import Objects, everything, ids, operate, row
from tests.kit.program import PYIPCS, as_nobody, invoke, need_tool, run
from tests.kit.wait import LIMIT, wait_until

KEY = 0x5EED
_DELAY = 20_000  # microseconds, in which a reader sees the result of a system call


def semopm() -> int:
    """Return the most operations of a semop(2)."""
    return int(Path("/proc/sys/kernel/sem").read_text().split()[2])


def make(objects: Objects, values: Sequence[int], *args: str) -> int:
    """Create a set with values; return its id."""
    text = ",".join(map(str, values))
    result = invoke("make", "-S", str(len(values)), "--values", text, "-i", *args)
    assert (result.status, result.err) == (0, "")
    return objects.adopt(Kind.SEMAPHORE, int(result.out))


def values_of(semid: int, nsems: int) -> list[int]:
    return [semaphore.value for semaphore in libc.semaphores(semid, nsems)]


def many(first: int) -> list[int]:
    """Return more values than one semop(2) can set."""
    return list(range(first, first + semopm() + 1))


@pytest.mark.parametrize("mode", ["0644", "0444", "0200", "0066", "0"])
@pytest.mark.parametrize("values", [[1], [0, 0], [32767, 0, 4]], ids=str)
def test_make_values_of_any_mode_set_values_and_otime(
    objects: Objects, values: list[int], mode: str
) -> None:
    semid = make(objects, values, "-p", mode)
    found = row(Kind.SEMAPHORE, semid)
    assert int(found["otime"]) >= int(found["ctime"]) - 1 > 0
    assert int(found["perms"], 8) == int(mode, 8)
    if int(mode, 8) & 0o400:
        assert values_of(semid, len(values)) == values


@pytest.mark.root
@pytest.mark.parametrize("values", [[0, 0], [3, 1]], ids=str)
def test_make_values_unreadable_to_its_owner_set_values_and_otime(
    objects: Objects, values: list[int]
) -> None:
    text = ",".join(map(str, values))
    result = as_nobody("make", "-S2", "--values", text, "-p", "0004", "-i")
    semid = objects.adopt(Kind.SEMAPHORE, int(result.out))
    found = row(Kind.SEMAPHORE, semid)
    assert (result.err, found["perms"], found["otime"] != "0") == ("", "4", True)
    assert values_of(semid, 2) == values


@pytest.mark.parametrize("first", [0, 1])
def test_make_more_values_than_semopm_set_values_and_otime(objects: Objects, first: int) -> None:
    values = many(first)
    semid = make(objects, values)
    assert values_of(semid, len(values)) == values
    assert row(Kind.SEMAPHORE, semid)["otime"] != "0"


def test_make_without_values_leaves_otime_at_0(objects: Objects) -> None:
    result = invoke("make", "-S2", "-i")
    semid = objects.adopt(Kind.SEMAPHORE, int(result.out))
    assert row(Kind.SEMAPHORE, semid)["otime"] == "0"


@pytest.mark.slow
@pytest.mark.tools("strace")
@pytest.mark.parametrize("mode", ["0644", "0400"])
@pytest.mark.parametrize("size", ["few", "many"])
def test_make_values_reader_never_sees_otime_before_the_values(
    objects: Objects, isolated: None, size: str, mode: str
) -> None:
    """The reader checks after each system call: strace delays the next one."""
    values = [3, 0, 32767] if size == "few" else many(1)
    calls = "semget,semctl,semop,semtimedop"
    delay = ["-e", f"trace={calls}", "-e", f"inject={calls}:delay_exit={_DELAY}"]
    strace = [need_tool("strace"), "-f", "-o", "/dev/null", *delay]
    text = ",".join(map(str, values))
    command = ["make", "-S", str(len(values)), "--values", text, "-p", mode, "-k", f"{KEY}"]
    without_otime = 0
    with running(*strace, PYIPCS, *command, stderr=subprocess.PIPE) as process:
        wait_until(lambda: ids(Kind.SEMAPHORE), pause=0)
        (semid,) = ids(Kind.SEMAPHORE)
        objects.adopt(Kind.SEMAPHORE, semid)
        has_ended = False
        while row(Kind.SEMAPHORE, semid)["otime"] == "0":
            assert not has_ended
            has_ended = process.poll() is not None
            without_otime += 1
        # The values must be visible at the first moment that sem_otime is.
        assert values_of(semid, len(values)) == values
        _, err = process.communicate(timeout=LIMIT)
        assert (process.returncode, err) == (0, b"")
    assert values_of(semid, len(values)) == values
    assert int(row(Kind.SEMAPHORE, semid)["perms"], 8) == int(mode, 8)
    if not without_otime:
        pytest.skip("on a busy machine the reader saw only the finished set")


@pytest.mark.slow
@pytest.mark.tools("strace")
@pytest.mark.parametrize("change", [1, 2])
def test_make_values_replace_values_set_meanwhile_by_another_process(
    objects: Objects, isolated: None, change: int
) -> None:
    """The kernel would wait to reach 0, and refuse the sum for 32767."""
    strace = [need_tool("strace"), "-f", "-o", "/dev/null", "-e", "trace=semget"]
    strace += ["-e", "inject=semget:delay_exit=500000"]
    command = ["make", "-S2", "--values", "0,5" if change == 1 else "32767,5", "-k", f"{KEY}"]
    with running(*strace, PYIPCS, *command, stderr=subprocess.PIPE) as process:
        wait_until(lambda: ids(Kind.SEMAPHORE), pause=0)
        (semid,) = ids(Kind.SEMAPHORE)
        objects.adopt(Kind.SEMAPHORE, semid)
        operate(semid, change)
        _, err = process.communicate(timeout=LIMIT)
    assert (process.returncode, err) == (0, b"")
    assert values_of(semid, 2) == ([0, 5] if change == 1 else [32767, 5])


@pytest.mark.tools("strace", "unshare")
@pytest.mark.parametrize("call", ["semtimedop:error=EACCES", "semctl:error=EPERM:when=2"])
def test_make_values_refused_call_removes_the_set(isolated: None, call: str) -> None:
    before = everything()
    inject = ["-e", f"trace={call.partition(':')[0]}", "-e", f"inject={call}"]
    strace = [need_tool("strace"), "-f", "-o", "/dev/null", *inject]
    result = run(*strace, PYIPCS, "make", "-S2", "-Q", "--values", "1,2", "-p", "0400")
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith("pyipcs: set ")
    assert everything() == before
