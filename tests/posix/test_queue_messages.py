"""Messages of a POSIX queue through its handle, with C programs and with posix_ipc."""

import errno
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyipcs.errors import BusyError, DeniedError, InterruptError, IpcError, NotFoundError
from pyipcs.model import MESSAGE_PRIORITY, Message, Wanted
from pyipcs.posix import libc as _loaded  # noqa: F401 # a child without rights cannot import it
from pyipcs.posix.queue import PosixMessageQueue
from tests.kit.child import (
    NEWNS,
    call_number,
    drop_privileges,
    hide,
    in_child,
    refuse_call,
    unshare,
)
from tests.kit.factories import in_waiting_call
from tests.kit.mqueue import (
    make_queue,
    notify,
    queue,
    receive_messages,
    send_message,
    unlink_queue,
)
from tests.kit.wait import exit_code, wait_until

NAME = "/pyipcs-messages"
SIZES = (4, 64)
NO_MOUNT = (partial(unshare, NEWNS), partial(hide, "/dev/mqueue"), drop_privileges)


@pytest.fixture(autouse=True)
def _own_queues(own_mqueue: None) -> None:
    pass


@pytest.fixture
def made() -> Iterator[int]:
    with queue(NAME, 0o644, SIZES) as descriptor:
        yield descriptor


def receiver() -> Callable[[bool], Message]:
    return PosixMessageQueue.find(NAME).receiver(Wanted())


# -- Sent and received messages.


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.integers(0, 32767), st.binary(max_size=SIZES[1])), max_size=SIZES[0]))
def test_sender_and_receiver_keep_priorities_and_bytes(
    made: int, messages: list[tuple[int, bytes]]
) -> None:
    put, take = PosixMessageQueue.find(NAME).sender(), receiver()
    for priority, body in messages:
        put(priority, body, False)
    in_order = sorted(messages, key=lambda message: -message[0])
    assert [take(False) for _ in messages] == in_order
    with pytest.raises(BusyError):
        take(False)
    for priority, body in messages:
        put(priority, body, False)
    assert receive_messages(made) == in_order


def test_received_message_has_its_priority_as_type(made: int) -> None:
    send_message(made, b"a", 7)
    assert receiver()(False) == Message(7, b"a")


def test_sender_on_full_queue_is_busy(made: int) -> None:
    put = PosixMessageQueue.find(NAME).sender()
    for _ in range(SIZES[0]):
        put(0, b"", False)
    with pytest.raises(BusyError):
        put(0, b"", False)


def test_sender_of_larger_message_fails(made: int) -> None:
    with closing(PosixMessageQueue.find(NAME)) as opened:
        put = opened.sender()
        put(0, bytes(SIZES[1]), False)
        with pytest.raises(IpcError) as raised:
            put(0, bytes(SIZES[1] + 1), False)
    assert raised.value.errno == errno.EMSGSIZE


def test_message_limits_are_those_of_the_queue(made: int) -> None:
    assert PosixMessageQueue.find(NAME).message_limits() == {"msgsize": SIZES[1]}
    assert PosixMessageQueue.message_field == MESSAGE_PRIORITY


def test_message_limits_in_a_sandbox_are_unknown(made: int) -> None:
    handle = PosixMessageQueue.find(NAME)
    refuse = partial(refuse_call, call_number("mq_getsetattr"), errno.EPERM)
    assert in_child(handle.message_limits, refuse) == {"msgsize": None}


@pytest.mark.parametrize(
    "wanted", [Wanted(type=1), Wanted(type=1, others=True), Wanted(max_size=1, truncate=True)]
)
def test_receiver_of_chosen_messages_is_refused(made: int, wanted: Wanted) -> None:
    with pytest.raises(IpcError) as raised:
        PosixMessageQueue.find(NAME).receiver(wanted)
    assert raised.value.errno == errno.EOPNOTSUPP
    with pytest.raises(IpcError):
        PosixMessageQueue.find(NAME).copies(wanted)


# -- Waiting.


def test_waiting_calls_return_when_the_other_side_comes(made: int) -> None:
    put = PosixMessageQueue.find(NAME).sender()
    taken: list[Message] = []
    threads = [threading.Thread(target=lambda: taken.append(receiver()(True))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(SIZES[0] + 2):
        put(number, b"", True)
    for thread in threads:
        thread.join(30)
    assert len(taken) == 2
    assert len(receive_messages(made)) == SIZES[0]


def test_waiting_receiver_fails_once_the_queue_is_removed() -> None:
    descriptor = make_queue(NAME, 0o600, SIZES)
    take = receiver()
    send_message(descriptor, b"last")
    unlink_queue(NAME)
    assert take(True) == Message(0, b"last")
    with pytest.raises(NotFoundError):
        take(True)
    os.close(descriptor)


def test_waiting_sender_fails_once_the_queue_is_removed() -> None:
    descriptor = make_queue(NAME, 0o600, (1, 64))
    put = PosixMessageQueue.find(NAME).sender()
    put(0, b"", True)
    unlink_queue(NAME)
    with pytest.raises(NotFoundError):
        put(0, b"", True)
    os.close(descriptor)


def test_sender_fails_half_a_second_after_the_removal() -> None:
    descriptor = make_queue(NAME, 0o600, SIZES)
    put = PosixMessageQueue.find(NAME).sender()
    put(0, b"first", False)
    unlink_queue(NAME)
    time.sleep(0.51)
    with pytest.raises(NotFoundError):
        put(0, b"second", False)
    assert receive_messages(descriptor) == [(0, b"first")]
    os.close(descriptor)


def test_waiting_receiver_is_interrupted_by_a_signal(made: int) -> None:
    former = signal.signal(signal.SIGURG, lambda *_: None)
    take = receiver()
    main = threading.get_ident()
    is_done = threading.Event()

    def interrupt() -> None:
        while not is_done.wait(0.01):
            signal.pthread_kill(main, signal.SIGURG)

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(InterruptError):
            take(True)
    finally:
        is_done.set()
        thread.join()
        signal.signal(signal.SIGURG, former)


def test_waiting_receiver_leaves_a_notification_in_force(made: int) -> None:
    """The kernel notifies only if no call waits: a poll(2) would use up the registration."""
    notify(made)
    child = os.fork()
    if child == 0:
        try:
            receiver()(True)
            os._exit(0)
        finally:
            os._exit(1)
    wait_until(lambda: in_waiting_call(child))
    send_message(made, b"a")
    assert exit_code(child) == 0
    assert PosixMessageQueue.find(NAME).details().notify_pid == os.getpid()


# -- Other queues, and other users.


def test_sender_opens_the_queue_at_its_first_call(made: int) -> None:
    """A message goes back to a queue that still exists, or the sender fails."""
    handle = PosixMessageQueue.find(NAME)
    put = handle.sender()
    unlink_queue(NAME)
    descriptor = make_queue(NAME, 0o644, SIZES)
    with pytest.raises(NotFoundError):
        put(0, b"a", False)
    assert receive_messages(descriptor) == []
    os.close(descriptor)


def as_ordinary(mode: int, ask: Callable[[], Any], *before: Callable[[], object]) -> Any:
    """Return an answer of an ordinary user about a queue of this user with a mode."""
    with queue(NAME, mode, SIZES) as descriptor:
        send_message(descriptor, b"a", 3)
        return in_child(ask, *(before or (drop_privileges,)))


def denied(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except DeniedError:
        return True
    return False


def put_one() -> None:
    PosixMessageQueue.find(NAME).sender()(1, b"b", False)


@pytest.mark.root
def test_queue_of_another_user_is_read_or_written_by_its_mode() -> None:
    assert as_ordinary(0o604, lambda: receiver()(False)) == (3, b"a")
    assert as_ordinary(0o604, lambda: denied(put_one))
    assert as_ordinary(0o602, lambda: denied(put_one)) is False
    assert as_ordinary(0o602, lambda: denied(receiver))
    limits = PosixMessageQueue.message_limits
    assert as_ordinary(0o602, lambda: limits(PosixMessageQueue.find(NAME))) == {"msgsize": 64}
    assert as_ordinary(0o604, lambda: limits(PosixMessageQueue.find(NAME))) == {"msgsize": None}


def test_messages_pass_without_a_mount() -> None:
    def exchange() -> Message:
        put_one()
        return receiver()(False)

    assert as_ordinary(0o666, exchange, *NO_MOUNT) == (3, b"a")
