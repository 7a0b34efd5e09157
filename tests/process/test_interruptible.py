import os
import pty
import resource
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NoReturn

import pytest

from pyipcs.errors import ExpiredError, InterruptError, StoppedError
from pyipcs.model import Wanted
from pyipcs.process.interruptible import InterruptibleWait, end_by
from pyipcs.sysv.queue import MessageQueue
from tests.kit.factories import fork_child, thread_in_waiting_call
from tests.kit.kernel import Objects, full_pipe, send
from tests.kit.wait import LIMIT, exit_code, wait_for_state, wait_until

DONE = 7  # the exit status of a successful child
FAILED = 99


@pytest.fixture
def msqid(objects: Objects) -> Iterator[int]:
    """Return a queue that gets a message only after the limit of all waits."""
    msqid = objects.queue()

    def send_late() -> None:
        time.sleep(2 * LIMIT)
        send(msqid)

    guard = fork_child(send_late)
    yield msqid
    os.kill(guard, signal.SIGKILL)
    exit_code(guard)


@pytest.fixture
def receive(msqid: int) -> Callable[[], object]:
    """Return a call that waits until its limit."""
    return partial(MessageQueue(msqid).receiver(Wanted()), True)


def start_child(body: Callable[[], object]) -> int:
    """Run a function in a child with the signals of the program."""

    def act() -> None:
        for number in (signal.SIGINT, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        try:
            body()
            os._exit(DONE)
        except StoppedError as error:
            end_by(error.number)
        finally:
            os._exit(FAILED)

    return fork_child(act)


def wait_in_child(receive: Callable[[], object]) -> int:
    """Start a child that receives; return its pid when it waits."""

    def body() -> None:
        with InterruptibleWait() as watch:
            watch.wait(receive)

    child = start_child(body)
    wait_until(lambda: thread_in_waiting_call(child))
    return child


def when_waiting(act: Callable[[], object]) -> None:
    """Call a function in a thread as soon as this process waits on an object."""

    def watch() -> None:
        wait_until(lambda: thread_in_waiting_call(os.getpid()))
        act()

    threading.Thread(target=watch, daemon=True).start()


def test_sleep_with_input_returns_true_unless_a_signal_arrived() -> None:
    former = signal.signal(signal.SIGWINCH, lambda *_: None)
    reader, writer = os.pipe()
    try:
        with InterruptibleWait() as waiting:
            assert not waiting.sleep(0.01, reader)
            os.write(writer, b"x")
            assert waiting.sleep(LIMIT, reader)
            os.kill(os.getpid(), signal.SIGWINCH)
            assert not waiting.sleep(LIMIT, reader)
            assert waiting.sleep(LIMIT, reader)
    finally:
        signal.signal(signal.SIGWINCH, former)
        os.close(reader)
        os.close(writer)


@pytest.mark.parametrize("seconds", [0.01, 0.2])
def test_wait_with_timeout_expires(receive: Callable[[], object], seconds: float) -> None:
    with InterruptibleWait(timeout=seconds) as watch:
        for _ in range(3):
            start = time.monotonic()
            with pytest.raises(ExpiredError):
                watch.wait(receive)
            assert time.monotonic() - start >= seconds


def test_wait_timeout_counts_each_wait_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)

    def take_6_seconds() -> None:
        nonlocal now
        now += 6

    def be_interrupted_after_11_seconds() -> NoReturn:
        nonlocal now
        now += 11
        raise InterruptError

    with InterruptibleWait(timeout=10) as watch:
        for _ in range(3):
            watch.wait(take_6_seconds)
        with pytest.raises(ExpiredError):
            watch.wait(be_interrupted_after_11_seconds)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGALRM", "SIGRTMAX"])
def test_wait_is_ended_by_signal(receive: Callable[[], object], name: str) -> None:
    child = wait_in_child(receive)
    os.kill(child, signal.Signals[name])
    assert exit_code(child) == -signal.Signals[name]


def test_wait_continues_after_ignored_signal(msqid: int, receive: Callable[[], object]) -> None:
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        child = wait_in_child(receive)
    finally:
        signal.signal(signal.SIGHUP, former)
    os.kill(child, signal.SIGHUP)
    send(msqid)
    assert exit_code(child) == DONE


def test_wait_is_ended_by_signal_just_before_the_call(receive: Callable[[], object]) -> None:
    """The kernel does not interrupt a call that begins after the signal."""

    def signal_and_receive() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        receive()

    def body() -> None:
        with InterruptibleWait() as watch:
            watch.wait(signal_and_receive)

    assert exit_code(start_child(body)) == -signal.SIGTERM


def test_wait_is_ended_by_signal_at_any_moment(receive: Callable[[], object]) -> None:
    for step in range(20):
        read, write = os.pipe()

        def body(write: int = write) -> None:
            with InterruptibleWait() as watch:
                os.write(write, b"x")
                watch.wait(receive)

        child = start_child(body)
        os.read(read, 1)
        end = time.perf_counter() + step * 0.0001  # not a sleep, which would take longer
        while time.perf_counter() < end:
            pass
        os.kill(child, signal.SIGTERM)
        assert exit_code(child) == -signal.SIGTERM
        os.close(read)
        os.close(write)


def test_wait_restores_handlers_mask_and_descriptors(receive: Callable[[], object]) -> None:
    def state() -> list[object]:
        handlers = [signal.getsignal(number) for number in signal.valid_signals()]
        descriptors = len(list(Path("/proc/self/fd").iterdir()))
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
        return [handlers, descriptors, threading.active_count(), mask]

    before = state()
    with InterruptibleWait(timeout=0.01) as watch, pytest.raises(ExpiredError):
        watch.wait(receive)
    assert state() == before


def pipe() -> tuple[int, Callable[[], None]]:
    read, write = os.pipe()
    return write, lambda: os.close(read)


def stream_socket() -> tuple[int, Callable[[], None]]:
    ours, theirs = socket.socketpair()
    return ours.detach(), theirs.close


def terminal() -> tuple[int, Callable[[], None]]:
    ours, theirs = pty.openpty()
    return theirs, lambda: os.close(ours)


@pytest.mark.parametrize("make", [pipe, stream_socket, terminal])
def test_wait_is_ended_by_closed_reader(
    receive: Callable[[], object], make: Callable[[], tuple[int, Callable[[], None]]]
) -> None:
    def body() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        descriptor, leave = make()
        when_waiting(leave)
        with InterruptibleWait(reader=descriptor) as watch:
            watch.wait(receive)

    assert exit_code(start_child(body)) == -signal.SIGPIPE


def test_poller_is_ended_by_signal() -> None:
    read, write = os.pipe()

    def body() -> None:
        nothing, _ = os.pipe()
        with InterruptibleWait() as watch:
            os.write(write, b"x")
            watch.poller(nothing, select.POLLIN)()

    child = start_child(body)
    os.read(read, 1)
    wait_for_state(child, "S")
    os.kill(child, signal.SIGTERM)
    assert exit_code(child) == -signal.SIGTERM
    os.close(read)
    os.close(write)


def test_poller_returns_the_event() -> None:
    read, write = os.pipe()
    with InterruptibleWait() as watch:
        writer = threading.Timer(0.05, os.write, [write, b"x"])
        writer.start()
        assert watch.poller(read, select.POLLIN)() == select.POLLIN
        writer.join()
    os.close(read)
    os.close(write)


def test_wait_takes_no_processor_time(receive: Callable[[], object]) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF)
    with InterruptibleWait(timeout=0.5) as watch, pytest.raises(ExpiredError):
        watch.wait(receive)
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert after.ru_nvcsw - before.ru_nvcsw < 30
    assert after.ru_utime - before.ru_utime < 0.1


@pytest.mark.parametrize("noted", [False, True], ids=["by the handler", "by the thread"])
def test_wait_passes_on_signals_after_the_first(receive: Callable[[], object], noted: bool) -> None:
    """The thread may note the first signal before its handler runs."""

    def body() -> None:
        relayed: list[int] = []
        with suppress(StoppedError), InterruptibleWait(timeout=0.001) as watch:
            with suppress(ExpiredError):
                watch.wait(receive)  # which starts the thread
            watch.on_later_signal = relayed.append
            if noted:
                watch.stopped = signal.SIGTERM
            for number in (signal.SIGTERM, signal.SIGHUP):
                os.kill(os.getpid(), number)
        os._exit(DONE if relayed == [signal.SIGHUP] else FAILED)

    assert exit_code(start_child(body)) == DONE


def test_wait_raises_stopped_rather_than_an_error() -> None:
    def body() -> None:
        with InterruptibleWait():
            os.kill(os.getpid(), signal.SIGTERM)
            raise ValueError("of no account")

    assert exit_code(start_child(body)) == -signal.SIGTERM


@pytest.mark.parametrize("is_full", [False, True], ids=["stderr ready", "stderr full"])
def test_wait_with_report_blocks_signals_after_an_error_if_stderr_is_ready(
    is_full: bool,
) -> None:
    def body() -> None:
        descriptor = full_pipe()[1] if is_full else os.pipe()[1]
        os.dup2(descriptor, 2)
        with suppress(ValueError), InterruptibleWait(has_report=True):
            raise ValueError
        os.kill(os.getpid(), signal.SIGTERM)

    assert exit_code(start_child(body)) == (-signal.SIGTERM if is_full else DONE)


def test_sleep_is_ended_by_closed_reader() -> None:
    def body() -> None:
        read, write = os.pipe()
        os.close(read)
        with InterruptibleWait(reader=write) as waiting:
            waiting.sleep(LIMIT)

    assert exit_code(start_child(body)) == -signal.SIGPIPE


def test_sleep_with_open_reader_lasts_its_time() -> None:
    read, write = os.pipe()
    with InterruptibleWait(reader=write) as waiting:
        begun = time.monotonic()
        assert not waiting.sleep(0.05)
        assert time.monotonic() - begun >= 0.05
    os.close(read)
    os.close(write)
