import os
import pty
import random
import resource
import select
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from pyipcs.errors import ExpiredError, StoppedError
from pyipcs.sysv.queue import MessageQueue, Wanted
from pyipcs.sysv.wait import Watch, end_by
from tests.kit.kernel import Objects, send


@pytest.fixture
def receive(objects: Objects) -> Callable[[], object]:
    """A call that waits for ever."""
    return partial(MessageQueue(objects.queue()).receiver(Wanted()), True)


def in_a_child(body: Callable[[], None]) -> int:
    """Do something in a forked process, and return how that ended."""
    child = os.fork()
    if child == 0:
        for number in (signal.SIGINT, signal.SIGPIPE):  # as the program's entry point does
            signal.signal(number, signal.SIG_DFL)
        try:
            body()
        except StoppedError as error:
            end_by(error.number)
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def after(seconds: float, act: Callable[[], object]) -> None:
    """Do something in a while, from another process."""
    if os.fork() == 0:
        time.sleep(seconds)
        act()
        os._exit(0)


@pytest.mark.parametrize("seconds", [0.01, 0.2])
def test_a_timeout(receive: Callable[[], object], seconds: float) -> None:
    with Watch(timeout=seconds) as watch:
        for _ in range(3):
            start = time.monotonic()
            with pytest.raises(ExpiredError):
                watch.wait(receive)
            assert seconds <= time.monotonic() - start < seconds + 0.5


def test_a_timeout_counts_for_each_wait(objects: Objects) -> None:
    """Waits that end in time do not add up."""
    msqid = objects.queue()
    receive = partial(MessageQueue(msqid).receiver(Wanted()), True)
    with Watch(timeout=0.5) as watch:
        for _ in range(8):
            threading.Timer(0.1, send, [msqid]).start()
            watch.wait(receive)
        with pytest.raises(ExpiredError):
            watch.wait(receive)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGALRM", "SIGRTMAX"])
def test_a_signal(receive: Callable[[], object], name: str) -> None:
    number = signal.Signals[name]

    def body() -> None:
        with Watch() as watch:
            parent = os.getpid()
            after(0.1, lambda: os.kill(parent, number))
            watch.wait(receive)

    assert in_a_child(body) == -number


def test_an_ignored_signal_ends_nothing(objects: Objects) -> None:
    msqid = objects.queue()

    def body() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        receive = partial(MessageQueue(msqid).receiver(Wanted()), True)
        with Watch() as watch:
            parent = os.getpid()
            after(0.1, lambda: os.kill(parent, signal.SIGHUP))
            after(0.2, lambda: send(msqid))
            watch.wait(receive)
        os._exit(7)

    assert in_a_child(body) == 7


def test_a_signal_at_any_moment(receive: Callable[[], object]) -> None:
    """Also just before the call, where the call itself would not notice."""
    for _ in range(100):
        delay = random.uniform(0, 0.004)

        def body(delay: float = delay) -> None:
            with Watch() as watch:
                parent = os.getpid()
                after(delay, lambda: os.kill(parent, signal.SIGTERM))
                watch.wait(receive)

        start = time.monotonic()
        assert in_a_child(body) == -signal.SIGTERM
        assert time.monotonic() - start < 5


def test_it_puts_everything_back(receive: Callable[[], object]) -> None:
    def state() -> list[object]:
        handlers = [signal.getsignal(number) for number in signal.valid_signals()]
        descriptors = len(list(Path("/proc/self/fd").iterdir()))
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
        return [handlers, descriptors, threading.active_count(), mask]

    before = state()
    with Watch(timeout=0.01) as watch, pytest.raises(ExpiredError):
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
def test_a_reader_that_goes(
    receive: Callable[[], object], make: Callable[[], tuple[int, Callable[[], None]]]
) -> None:
    def body() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        descriptor, leave = make()
        threading.Timer(0.1, leave).start()
        with Watch(reader=descriptor) as watch:
            watch.wait(receive)

    assert in_a_child(body) == -signal.SIGPIPE


def test_a_descriptor_that_is_waited_for() -> None:
    def body() -> None:
        read, _ = os.pipe()
        with Watch() as watch:
            parent = os.getpid()
            after(0.1, lambda: os.kill(parent, signal.SIGTERM))
            watch.poller(read, select.POLLIN)()

    assert in_a_child(body) == -signal.SIGTERM
    read, write = os.pipe()
    with Watch() as watch:
        threading.Timer(0.1, os.write, [write, b"x"]).start()
        assert watch.poller(read, select.POLLIN)() == select.POLLIN
    os.close(read)
    os.close(write)


def test_waiting_takes_no_processor(receive: Callable[[], object]) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF)
    with Watch(timeout=1) as watch, pytest.raises(ExpiredError):
        watch.wait(receive)
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert after.ru_nvcsw - before.ru_nvcsw < 30
    assert after.ru_utime - before.ru_utime < 0.1


def test_the_first_signal_is_noted_and_the_next_are_relayed(receive: Callable[[], object]) -> None:
    """Also where the thread notices a signal before the handler runs."""
    for _ in range(100):

        def body() -> None:
            relayed: list[int] = []
            with suppress(StoppedError), Watch(timeout=0.001) as watch:
                with suppress(ExpiredError):
                    watch.wait(receive)  # which starts the thread
                watch.relay = relayed.append
                for number in (signal.SIGTERM, signal.SIGHUP):
                    os.kill(os.getpid(), number)
                    end = time.monotonic() + 0.002
                    while time.monotonic() < end:
                        pass
            os._exit(0 if relayed == [signal.SIGHUP] else 1)

        assert in_a_child(body) == 0


def test_a_signal_counts_more_than_an_error() -> None:
    def body() -> None:
        with Watch():
            os.kill(os.getpid(), signal.SIGTERM)
            raise ValueError("of no account")

    assert in_a_child(body) == -signal.SIGTERM
