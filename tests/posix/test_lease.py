import errno
import fcntl
import mmap
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyipcs.errors import BusyError, DeniedError, IpcError
from pyipcs.posix import lease
from tests.kit.child import in_child
from tests.kit.posix import ShmFiles, as_nobody, child_in, hold_mapped, hold_open, needs_leases
from tests.kit.wait import LIMIT, exit_code, wait_for_state

PAGE = os.sysconf("SC_PAGESIZE")

pytestmark = needs_leases


@contextmanager
def opened(path: Path, flags: int = os.O_RDONLY) -> Iterator[int]:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def is_granted(descriptor: int) -> bool:
    """Return True if the kernel grants a write lease on a file."""
    try:
        with lease.write_lease(descriptor):
            return True
    except BusyError:
        return False


@pytest.fixture
def path(shm: ShmFiles) -> Path:
    return shm.file("x", b"x" * PAGE)


@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_WRONLY, os.O_RDWR])
def test_write_lease_of_closed_file_is_granted(path: Path, flags: int) -> None:
    with opened(path, flags) as descriptor:
        assert is_granted(descriptor)
        assert fcntl.fcntl(descriptor, fcntl.F_GETLEASE) == fcntl.F_UNLCK


@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_WRONLY, os.O_RDWR])
def test_write_lease_of_file_open_elsewhere_is_refused(path: Path, flags: int) -> None:
    with child_in(lambda: hold_open(path, flags)), opened(path) as descriptor:
        assert not is_granted(descriptor)
    with opened(path) as descriptor:
        assert is_granted(descriptor)


@pytest.mark.parametrize("protection", [mmap.PROT_READ, mmap.PROT_READ | mmap.PROT_WRITE])
@pytest.mark.parametrize("flags", [mmap.MAP_SHARED, mmap.MAP_PRIVATE])
def test_write_lease_of_file_mapped_elsewhere_is_refused(
    path: Path, protection: int, flags: int
) -> None:
    with child_in(lambda: hold_mapped(path, protection, flags)), opened(path) as descriptor:
        assert not is_granted(descriptor)


def test_write_lease_of_file_open_with_o_path_is_granted(path: Path) -> None:
    with child_in(lambda: hold_open(path, os.O_PATH)), opened(path) as descriptor:
        assert is_granted(descriptor)


@pytest.mark.root
def test_write_lease_of_file_of_other_user_is_denied(path: Path) -> None:
    path.chmod(0o666)

    def check() -> str:
        with opened(path) as descriptor, pytest.raises(DeniedError) as error:
            is_granted(descriptor)
        return error.value.strerror

    assert as_nobody(check) == "only its owner can check that nobody uses it"


def test_write_lease_of_pipe_is_not_supported() -> None:
    ends = os.pipe()
    with pytest.raises(IpcError, match="the kernel cannot check that nobody uses it") as error:
        is_granted(ends[0])
    assert error.value.errno == errno.EINVAL
    for end in ends:
        os.close(end)


def test_write_lease_in_use_raises_busy_error(path: Path) -> None:
    with child_in(lambda: hold_open(path, os.O_RDONLY)), opened(path) as descriptor:
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
        with pytest.raises(BusyError, match="in use"), lease.write_lease(descriptor):
            pass
        assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == mask


def test_write_lease_blocks_signals_within_its_block(path: Path) -> None:
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with opened(path) as descriptor, lease.write_lease(descriptor):
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [])
        assert lease.is_held(descriptor)
    assert blocked == signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == mask


def test_write_lease_ends_by_an_error_in_its_block(path: Path) -> None:
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with opened(path) as descriptor:
        with pytest.raises(BusyError, match="mine"), lease.write_lease(descriptor):
            raise BusyError(errno.EAGAIN, "mine")
        assert fcntl.fcntl(descriptor, fcntl.F_GETLEASE) == fcntl.F_UNLCK
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == mask


@contextmanager
def opener(path: Path) -> Iterator[Callable[[], int]]:
    """Start a process that opens a file on request, without waiting.

    Yields:
        A function that requests it and returns the errno.
    """
    wait, request = os.pipe()
    answer, reply = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(request)
        if os.read(wait, 1):
            try:
                os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
                os.write(reply, b"\0")
            except OSError as error:
                os.write(reply, bytes([error.errno or 255]))
        os._exit(0)
    os.close(reply)
    yield lambda: os.read(answer, os.write(request, b"x"))[0]
    for end in (wait, request, answer):
        os.close(end)
    exit_code(child)


def survive(path: Path, attempt: Callable[[], int]) -> tuple[int, bool, bool]:
    """Return the errno of an opener, and whether the lease stood before and after it."""
    with opened(path) as descriptor, lease.write_lease(descriptor):
        before = lease.is_held(descriptor)
        failed = attempt()
        return failed, before, lease.is_held(descriptor)


def test_write_lease_reports_and_survives_an_opener(path: Path) -> None:
    def child() -> tuple[int, bool, bool]:
        with opener(path) as attempt:
            return survive(path, attempt)

    # The default action of SIGIO would end the child.
    assert in_child(child) == (errno.EAGAIN, True, False)


def test_write_lease_in_a_thread_sends_no_signal_to_others(path: Path) -> None:
    def child() -> list[tuple[int, bool, bool]]:
        results: list[tuple[int, bool, bool]] = []
        with opener(path) as attempt:
            thread = threading.Thread(target=lambda: results.append(survive(path, attempt)))
            thread.start()
            thread.join(LIMIT)
        return results

    assert in_child(child) == [(errno.EAGAIN, True, False)]


def test_write_lease_runs_no_handler_of_sigio(path: Path) -> None:
    def child() -> tuple[list[int], set[int]]:
        seen: list[int] = []
        signal.signal(signal.SIGIO, lambda number, _: seen.append(number))
        with opener(path) as attempt:
            survive(path, attempt)
        return seen, {int(number) for number in signal.sigpending()}

    assert in_child(child) == ([], set())


def test_write_lease_keeps_sigio_that_was_pending(path: Path) -> None:
    def child() -> set[int]:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGIO})
        os.kill(os.getpid(), signal.SIGIO)
        with opened(path) as descriptor, lease.write_lease(descriptor):
            pass
        return {int(number) for number in signal.sigpending()}

    assert in_child(child) == {signal.SIGIO}


def test_write_lease_end_lets_a_waiting_opener_in(path: Path) -> None:
    with opened(path) as descriptor, lease.write_lease(descriptor):
        child = os.fork()
        if child == 0:
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            os.closerange(3, 256)  # the lease belongs to the inherited open file
            os.read(os.open(path, os.O_RDONLY), 1)
            os._exit(7)
        wait_for_state(child, "S", "Z")
        os.unlink(path)  # noqa: PTH108
    assert exit_code(child) == 7
