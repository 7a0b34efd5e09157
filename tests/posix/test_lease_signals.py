"""Signals that arrive while objects are probed: no stopped process holds a lease."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyipcs.model import Kind
from pyipcs.posix.openness import probe
from tests.kit.posix import is_leased, needs_leases
from tests.kit.posix_objects import PosixObjects
from tests.kit.program import fork, forked
from tests.kit.wait import exit_code, process_state, wait_for_state, wait_until

OBJECTS = 1000
PAUSE_MAX = 0.02  # seconds between two signals
KIND = Kind.POSIX_SEGMENT

pytestmark = needs_leases


@pytest.fixture
def paths(posix_objects: PosixObjects) -> list[Path]:
    return [posix_objects.make(KIND, f"x{number}") for number in range(OBJECTS)]


def leased(paths: Sequence[Path]) -> list[Path]:
    """Return the files that another process has a lease on."""
    return [*filter(is_leased, paths)]


def probe_all(paths: Sequence[Path], number: int) -> None:
    """Probe files again and again, and report each pass by a byte on a descriptor."""
    identities = ((status.st_dev, status.st_ino) for status in map(os.stat, paths))
    objects = [*zip((f"/{path.name}" for path in paths), identities, strict=True)]
    while True:
        probe(KIND, objects)
        os.write(number, b".")


@contextmanager
def probing(paths: Sequence[Path]) -> Iterator[tuple[int, Callable[[], int]]]:
    """Run a process that probes files until it is killed.

    Yields:
        Its pid, and a function that returns the number of passes since its last call.
    """
    read, write = os.pipe()
    os.set_blocking(read, False)
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)  # SIGTSTP stops no process of an orphaned group
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        try:
            probe_all(paths, write)
        finally:
            os._exit(1)
    os.close(write)

    def passes() -> int:
        try:
            return len(os.read(read, 65536))
        except BlockingIOError:
            return 0

    try:
        wait_until(passes)
        yield child, passes
    finally:
        os.kill(child, signal.SIGKILL)
        exit_code(child)
        os.close(read)


def wait_at_random(longest: float = PAUSE_MAX) -> None:
    time.sleep(random.uniform(0, longest))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU])
def test_probe_stopped_by_a_signal_holds_no_lease(
    number: signal.Signals, paths: list[Path]
) -> None:
    with probing(paths) as (child, passes):
        for _ in range(40):
            wait_at_random()
            os.kill(child, number)
            wait_for_state(child, "T")
            assert leased(paths) == []
            os.kill(child, signal.SIGCONT)
        passes()
        wait_until(passes)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_probe_ended_by_a_signal_leaves_no_lease(number: signal.Signals, paths: list[Path]) -> None:
    for _ in range(10):
        with probing(paths) as (child, _passes):
            wait_at_random()
            os.kill(child, number)
            wait_for_state(child, "Z")
            assert leased(paths) == []


@pytest.mark.slow
def test_list_state_stopped_by_sigtstp_holds_no_lease(paths: list[Path]) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    line = ("list", "-M", "-o", "NAME,STATE", "-J")
    begin = time.monotonic()
    assert forked(*line).status == 0
    longest = time.monotonic() - begin  # of a listing
    stopped = 0
    for _ in range(200):
        child = fork(*line, stdin=null, stdout=null, stderr=null, first=lambda: os.setpgid(0, 0))
        try:
            wait_at_random(longest)
            os.kill(child, signal.SIGTSTP)
            wait_for_state(child, "T", "Z")
            stopped += process_state(child) == "T"
            assert leased(paths) == []
        finally:
            os.kill(child, signal.SIGKILL)
            exit_code(child)
        if stopped == 30:
            break
    os.close(null)
    assert stopped
