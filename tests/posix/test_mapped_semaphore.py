import ctypes
import errno
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyipcs.errors import InterruptError, IpcError
from pyipcs.posix.mapped_semaphore import MappedSemaphore
from tests.kit.child import in_child
from tests.kit.posix import SHM, ShmFiles, glibc_semaphore
from tests.posix.test_semaphore import needs_glibc

pytestmark = needs_glibc
PATH = SHM / "sem.x"


@pytest.fixture
def opened(shm: ShmFiles) -> Iterator[int]:
    """Open a semaphore with the value 1; yield its descriptor."""
    shm.file("sem.x", glibc_semaphore(1))
    descriptor = os.open(PATH, os.O_RDWR)
    yield descriptor
    os.close(descriptor)


def test_post_and_try_take_change_the_value(opened: int) -> None:
    with MappedSemaphore(opened) as semaphore:
        semaphore.post()
        assert PATH.read_bytes() == glibc_semaphore(2)
        assert [semaphore.try_take() for _ in range(3)] == [True, True, False]
        assert PATH.read_bytes() == glibc_semaphore(0)


def test_registered_counts_a_waiter(opened: int) -> None:
    with MappedSemaphore(opened) as semaphore:
        with semaphore.registered(), semaphore.registered():
            assert PATH.read_bytes() == glibc_semaphore(1, waiters=2)
            semaphore.take()
            assert PATH.read_bytes() == glibc_semaphore(0, waiters=2)
        assert PATH.read_bytes() == glibc_semaphore(0)


def test_take_of_zero_ends_by_a_signal(opened: int) -> None:
    former = signal.signal(signal.SIGALRM, lambda *_: None)
    try:
        with MappedSemaphore(opened) as semaphore, semaphore.registered():
            semaphore.take()
            signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
            with pytest.raises(InterruptError):
                semaphore.take()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
    assert PATH.read_bytes() == glibc_semaphore(0)


@pytest.mark.parametrize(
    "call", [MappedSemaphore.post, MappedSemaphore.try_take, MappedSemaphore.take]
)
def test_call_on_a_truncated_file_raises_no_sigbus(
    opened: int, call: Callable[[MappedSemaphore], object]
) -> None:
    with MappedSemaphore(opened) as semaphore:
        os.truncate(PATH, 0)
        for _ in range(2):
            with pytest.raises(IpcError, match="truncated") as error:
                call(semaphore)
            assert error.value.errno == errno.ENXIO
    assert PATH.read_bytes() == b""


def test_registered_on_a_truncated_file_raises_error(opened: int) -> None:
    with MappedSemaphore(opened) as semaphore:
        os.truncate(PATH, 0)
        with pytest.raises(IpcError, match="truncated"), semaphore.registered():
            raise AssertionError


def test_registered_ends_on_a_truncated_file(opened: int) -> None:
    with MappedSemaphore(opened) as semaphore, semaphore.registered():
        os.truncate(PATH, 0)


@pytest.mark.slow
def test_wait_beside_a_truncation_raises_no_sigbus_or_abort(shm: ShmFiles) -> None:
    """Between the check of the value and futex(2), sem_wait(3) would abort."""
    former = signal.signal(signal.SIGALRM, lambda *_: None)
    kinds = set()
    try:
        for _ in range(300):
            path = shm.file("sem.x", glibc_semaphore(0))
            child = _truncate_after(path, random.random() * 0.0005)
            descriptor = os.open(path, os.O_RDWR)
            with MappedSemaphore(descriptor) as semaphore:
                kinds.add(_wait_for_truncation(semaphore))
            os.close(descriptor)
            os.waitpid(child, 0)
    finally:
        signal.signal(signal.SIGALRM, former)
    assert kinds == {errno.ENXIO}


def _truncate_after(path: Path, seconds: float) -> int:
    child = os.fork()
    if child == 0:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            pass
        os.truncate(path, 0)
        os._exit(0)
    return child


def _wait_for_truncation(semaphore: MappedSemaphore) -> int:
    try:
        with semaphore.registered():
            signal.setitimer(signal.ITIMER_REAL, 0.00005, 0.00005)
            while True:
                try:
                    semaphore.take()
                except InterruptError:
                    continue
    except IpcError as error:
        return error.errno
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def test_exit_restores_the_action_and_the_mask_of_sigbus(opened: int) -> None:
    def end_by_sigbus() -> set[int]:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGBUS})
        with MappedSemaphore(opened) as semaphore:
            os.truncate(PATH, 0)
            with pytest.raises(IpcError):
                semaphore.post()
        return set(signal.pthread_sigmask(signal.SIG_BLOCK, []))

    assert signal.SIGBUS in in_child(end_by_sigbus)
    before = _sigbus_handler()
    with MappedSemaphore(opened):
        assert _sigbus_handler() != before
    assert _sigbus_handler() == before


def _sigbus_handler() -> bytes:
    """Return the first member of struct sigaction, the address of the handler."""
    action = ctypes.create_string_buffer(256)
    ctypes.CDLL(None).sigaction(signal.SIGBUS, None, action)
    return action.raw[: ctypes.sizeof(ctypes.c_void_p)]
