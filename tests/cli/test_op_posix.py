"""pyipcs op: POSIX semaphores, also with the C library of this process."""

import ctypes
import os
import random
import signal
import struct
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from tests.kit.factories import check_sleep_and_stop, read_line, running
from tests.kit.kernel import NOBODY
from tests.kit.posix import (
    SHM,
    ShmFiles,
    child_in,
    glibc_semaphore,
    hold_lease,
    i386_semaphore,
    mount_tmpfs,
    own_mounts,
)
from tests.kit.program import (
    PYIPCS,
    elsewhere,
    fork,
    forked,
    inline,
    invoke,
    load_all,
    ordinary,
    pyipcs,
)
from tests.kit.wait import LIMIT, exit_code, wait_until
from tests.posix.test_semaphore import needs_glibc

pytestmark = needs_glibc
PATH = SHM / "sem.x"
SEM_VALUE_MAX = 2**31 - 1


@pytest.fixture(autouse=True)
def _semaphore(shm: ShmFiles) -> None:
    """Create the semaphore /x with the value 2."""
    shm.file("sem.x", glibc_semaphore(2))


def value() -> int:
    return int(struct.unpack_from("I", PATH.read_bytes())[0])


def waiters() -> int:
    """Return the waiters that glibc counts in the semaphore."""
    return int(struct.unpack_from("I", PATH.read_bytes(), 4)[0])


def set_value(number: int) -> None:
    PATH.write_bytes(glibc_semaphore(number))


def post() -> None:
    """Post the semaphore by the C library."""
    library = ctypes.CDLL(None)
    library.sem_open.restype = ctypes.c_void_p
    address = ctypes.c_void_p(library.sem_open(b"/x", 0))
    assert library.sem_post(address) == 0
    library.sem_close(address)


@pytest.mark.parametrize(
    ("operation", "after"),
    [("P", 1), ("0-1", 1), ("Pn", 1), ("0:0-1", 1), ("V", 3), ("0+1", 3), ("Vn", 3), ("0+40", 42)],
)
def test_op_changes_the_value(operation: str, after: int) -> None:
    assert inline("op", "/x", operation) == (0, "", "")
    assert (value(), waiters()) == (after, 0)
    assert PATH.read_bytes() == glibc_semaphore(after)


def test_op_conflict_without_waiting_changes_nothing() -> None:
    set_value(0)
    for args in (["--nowait"], ["--timeout", "0"], ["--timeout=0.05"]):
        assert inline("op", "/x", "P", *args) == (3, "", "")
        assert inline("op", "/x", "0-1", *args, "-E", "75") == (75, "", "")
    assert inline("op", "/x", "Pn") == (3, "", "")
    assert PATH.read_bytes() == glibc_semaphore(0)


def test_op_timeout_fails_after_it() -> None:
    set_value(0)
    start = time.monotonic()
    assert invoke("op", "/x", "P", "--timeout", "0.2").status == 3
    assert time.monotonic() - start >= 0.2
    assert waiters() == 0


def test_op_waiting_uses_no_cpu_and_ends_when_possible() -> None:
    set_value(0)
    with running(PYIPCS, "op", "/x", "P") as process:
        wait_until(lambda: waiters() == 1)
        check_sleep_and_stop(process)
        post()
        assert process.wait(LIMIT) == 0
    assert PATH.read_bytes() == glibc_semaphore(0)


def test_op_addition_wakes_all_waiting_processes() -> None:
    set_value(0)
    with running(PYIPCS, "op", "/x", "P") as one, running(PYIPCS, "op", "/x", "P") as other:
        wait_until(lambda: waiters() == 2)
        assert forked("op", "/x", "0+3") == (0, "", "")
        assert (one.wait(LIMIT), other.wait(LIMIT)) == (0, 0)
    assert PATH.read_bytes() == glibc_semaphore(1)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_op_waiting_dies_of_a_signal(name: str) -> None:
    set_value(0)
    with running(PYIPCS, "op", "/x", "P", stderr=-1) as process:
        wait_until(lambda: waiters() == 1)
        process.send_signal(signal.Signals[name])
        assert process.communicate(timeout=LIMIT) == (b"", b"")
        assert process.returncode == -signal.Signals[name]
    assert PATH.read_bytes() == glibc_semaphore(0)


@pytest.mark.slow
@pytest.mark.parametrize("operation", ["P", "V", "0+50"])
def test_op_beside_a_signal_is_done_or_not(operation: str) -> None:
    """The process reports its operation, or dies of the signal without one."""
    null = os.open(os.devnull, os.O_RDWR)
    change = {"P": -1, "V": 1, "0+50": 50}[operation]
    for number in range(40):
        set_value(before := number % 2)
        child = fork("op", "/x", operation, stdin=null, stdout=null, stderr=null)
        time.sleep(random.random() * 0.02)
        if operation == "P" and not before:
            wait_until(waiters)
            post()
        os.kill(child, signal.SIGTERM)
        given = int(operation == "P" and not before)
        status = exit_code(child)
        assert status in {0, -signal.SIGTERM}
        assert value() == before + given + (change if status == 0 else 0)
        assert waiters() == 0
    os.close(null)


@pytest.mark.slow
def test_op_processes_beside_signals_conserve_the_value() -> None:
    load_all()
    set_value(0)
    changes: dict[int, int] = {}  # of the running processes
    total = 0
    with Path(os.devnull).open("r+b") as null:
        start = partial(fork, stdin=null.fileno(), stdout=null.fileno(), stderr=null.fileno())
        for _ in range(150):
            operation = random.choice("PPPVV")
            child = start("op", "/x", operation, "--timeout", "0.2")
            changes[child] = -1 if operation == "P" else 1
            if random.random() < 0.5:
                os.kill(random.choice([*changes]), signal.SIGTERM)
            if len(changes) > 8:
                total += _change_of_first(changes)
    while changes:
        total += _change_of_first(changes)
    assert (value(), waiters()) == (total, 0)


def _change_of_first(changes: dict[int, int]) -> int:
    """Wait for the first process; return the change that it reports."""
    child = next(iter(changes))
    status = exit_code(child)
    assert status in {0, 3, -signal.SIGTERM}
    change = changes.pop(child)
    return 0 if status else change


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (["Z"], "have no wait for zero"),
        (["0=0"], "have no wait for zero"),
        (["1-1"], "have no number but 0"),
        (["0:1+1"], "have no number but 0"),
        (["0-2"], "decrease by 1 at a time"),
        (["Pu"], "have no undo"),
        (["P", "--undo"], "have no undo"),
        (["P", "--", "true"], "have no undo"),
        (["V", "V"], "take one OP at a time"),
    ],
)
@pytest.mark.parametrize("name", ["/x", "/missing"])
def test_op_of_system_v_on_a_name_is_refused(name: str, args: list[str], reason: str) -> None:
    result = inline("op", name, *args)
    text = f"op: POSIX semaphores {reason} (use a System V set)"
    assert result == (2, "", f"pyipcs: {text} (see pyipcs op --help)\n")
    assert PATH.read_bytes() == glibc_semaphore(2)


def test_op_over_the_largest_value_changes_nothing() -> None:
    set_value(SEM_VALUE_MAX - 2)
    error = f"pyipcs: /x: the value would exceed {SEM_VALUE_MAX} (SEM_VALUE_MAX)\n"
    assert inline("op", "/x", "0+3") == (1, "", error)
    assert value() == SEM_VALUE_MAX - 2
    assert inline("op", "/x", "0+2") == (0, "", "")
    assert inline("op", "/x", "V") == (1, "", error)
    assert value() == SEM_VALUE_MAX


@pytest.mark.root
@pytest.mark.parametrize("mode", [0o604, 0o602, 0o600])
def test_op_needs_the_permission_to_read_and_write(mode: int) -> None:
    PATH.chmod(mode)
    for operation in ("P", "V"):
        assert ordinary("op", "/x", operation) == (
            1,
            "",
            "pyipcs: /x: Permission denied (P and V need read and write permission)\n",
        )
    PATH.chmod(0o606)
    assert ordinary("op", "/x", "V") == (0, "", "")
    os.chown(PATH, NOBODY, NOBODY)
    PATH.chmod(0o600)
    assert ordinary("op", "/x", "P") == (0, "", "")
    assert value() == 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        bytes(16),
        bytes(32),
        glibc_semaphore(1) + b"x",
        i386_semaphore(0),
        i386_semaphore(5),
        struct.pack("iiii16x", 1, 0, 0, 0),  # of musl
        struct.pack("iiii16x", -1, 1, 0, 0),
        b"\x07\xf0\x3b\x91\xde\x52\x0c\x88" + b"\xa5" * 24,
    ],
)
@pytest.mark.parametrize("operation", ["P", "V", "Pn"])
def test_op_on_another_layout_changes_nothing(content: bytes, operation: str) -> None:
    PATH.write_bytes(content)
    result = inline("op", "/x", operation)
    assert result[:2] == (1, "")
    assert result.err.startswith("pyipcs: /x: is a ")
    assert PATH.read_bytes() == content


def test_op_on_other_files_names_them(shm: ShmFiles) -> None:
    for name in shm.hostile():
        if not name.startswith("sem."):
            (SHM / name).rename(SHM / f"sem.{name}x")
        entry = name.removeprefix("sem.") + "x" * (not name.startswith("sem."))
        result = inline("op", f"/{entry}", "P")
        assert result[:2] == (1, "")
        assert result.err.endswith(", not a POSIX semaphore\n")


def test_op_on_a_leased_semaphore_names_the_lease() -> None:
    with child_in(lambda: hold_lease(PATH)):
        result = inline("op", "/x", "P")
    assert result == (1, "", "pyipcs: /x: POSIX semaphore: another process holds a lease on it\n")
    assert value() == 2


def test_op_waiting_on_a_truncated_semaphore_still_dies_of_a_signal() -> None:
    set_value(0)
    with running(PYIPCS, "op", "/x", "P", stderr=-1) as process:
        wait_until(lambda: waiters() == 1)
        os.truncate(PATH, 0)
        process.terminate()
        assert process.communicate(timeout=LIMIT) == (b"", b"")
        assert process.returncode == -signal.SIGTERM


@pytest.mark.parametrize("operation", ["P", "0+30000"])
def test_op_on_a_file_that_is_truncated_all_the_time_never_gets_sigbus(operation: str) -> None:
    script = """
path, content = sys.argv[1:]
print(flush=True)
while True:
    with open(path, "r+b") as file:
        file.truncate(0)
        file.write(bytes.fromhex(content))
"""
    content = glibc_semaphore(1)
    command = ["-c", f"import sys\n{script}", str(PATH), content.hex()]
    with running(sys.executable, *command) as process:
        read_line(process)
        results = [forked("op", "/x", operation, "--timeout", "0.05") for _ in range(20)]
    assert {result.status for result in results} <= {0, 1, 3}
    assert all(result.err.count("\n") == (result.status == 1) for result in results)


def test_op_with_ns_operates_on_the_semaphore_of_that_process() -> None:
    def there() -> None:
        own_mounts()
        mount_tmpfs(SHM)
        set_value(7)
        PATH.chmod(0o666)

    with child_in(there) as pid:
        semaphore = Path(f"/proc/{pid}/root/dev/shm/sem.x")
        assert forked("op", "/x", "P", "--ns", str(pid)) == (0, "", "")
        assert semaphore.read_bytes() == glibc_semaphore(6)
    assert value() == 2


def test_op_with_ns_wakes_a_process_there() -> None:
    set_value(0)
    with running(PYIPCS, "op", "/x", "P") as process:
        wait_until(lambda: waiters() == 1)
        assert pyipcs("op", "/x", "V", "--ns", str(process.pid)) == (0, "", "")
        assert process.wait(LIMIT) == 0
    assert PATH.read_bytes() == glibc_semaphore(0)


def test_op_on_a_removed_semaphore_fails() -> None:
    PATH.unlink()
    missing = "pyipcs: /x: no such POSIX semaphore\n"
    assert elsewhere("op", "/x", "P", before=()) == (1, "", missing)
    (SHM / "x").touch()
    assert elsewhere("op", "/x", "V", before=()).err == (
        "pyipcs: /x: no such POSIX semaphore (but a POSIX segment has that name)\n"
    )
