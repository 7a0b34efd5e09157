import errno
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyipcs.errors import (
    BusyError,
    DeniedError,
    IpcError,
    NotFoundError,
    TooBigError,
)
from pyipcs.model import LONG_MAX, By, Kind, Message, Target, Wanted
from pyipcs.sysv.queue import MessageQueue
from tests.kit.kernel import (
    IS_ROOT,
    MSG_EXCEPT,
    Objects,
    receive,
    receive_all,
    remove,
    row,
    send,
)

KEY = 0x5EED
TYPES = st.one_of(st.integers(1, 5), st.just(2**31), st.just(LONG_MAX))
QUEUES = st.lists(st.tuples(TYPES, st.binary(max_size=20)), max_size=12)
WANTED = st.builds(
    Wanted,
    type=st.one_of(
        st.integers(-6, 6), st.sampled_from([2**31, -(2**31) - 1, LONG_MAX, -LONG_MAX - 1])
    ),
    others=st.booleans(),
    max_size=st.none(),
    truncate=st.just(False),
).filter(lambda wanted: wanted.type > 0 or not wanted.others)


def by_key(objects: Objects) -> MessageQueue:
    objects.queue(KEY)
    return MessageQueue.find(KEY)


def by_id(objects: Objects) -> MessageQueue:
    return MessageQueue(objects.queue(KEY))


def private(objects: Objects) -> MessageQueue:
    return MessageQueue(objects.queue())


@pytest.fixture(params=[by_key, by_id, private])
def queue(request: pytest.FixtureRequest, objects: Objects) -> MessageQueue:
    make: Callable[[Objects], MessageQueue] = request.param
    return make(objects)


def receive_wanted(queue: MessageQueue, wanted: Wanted) -> list[tuple[int, bytes]]:
    """Receive messages until none is left."""
    take = queue.receiver(wanted)
    found: list[tuple[int, bytes]] = []
    while True:
        try:
            found.append(take(False))
        except BusyError:
            return found


class TestMessageQueue:
    def test_send_adds_messages_in_order(self, queue: MessageQueue) -> None:
        messages = [(1, b"a"), (LONG_MAX, b""), (2**31, b"\0b"), (7, bytes(8192))]
        put = queue.sender()
        for type_, body in messages:
            put(type_, body, False)
        assert receive_all(queue.id) == messages

    def test_receive_takes_messages_in_order(self, queue: MessageQueue) -> None:
        for type_, body in ((1, b"a"), (LONG_MAX, b""), (3, b"\0b")):
            send(queue.id, body, type_)
        assert receive_wanted(queue, Wanted()) == [
            Message(1, b"a"),
            Message(LONG_MAX, b""),
            Message(3, b"\0b"),
        ]

    @settings(
        max_examples=60,
        # Each example empties the queue.
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(QUEUES, WANTED)
    def test_receive_and_copies_select_as_msgrcv_does(
        self, queue: MessageQueue, messages: list[tuple[int, bytes]], wanted: Wanted
    ) -> None:
        receive_all(queue.id)
        outcomes = []
        for way in (self._by_kernel, receive_wanted):
            for type_, body in messages:
                send(queue.id, body, type_)
            before = row(Kind.QUEUE, queue.id)
            copies = list(queue.copies(wanted))
            assert row(Kind.QUEUE, queue.id) == before
            outcomes += [copies, way(queue, wanted)]
            receive_all(queue.id)
        assert outcomes[0] == outcomes[1] == outcomes[2] == outcomes[3]

    @staticmethod
    def _by_kernel(queue: MessageQueue, wanted: Wanted) -> list[tuple[int, bytes]]:
        found = []
        while True:
            try:
                found.append(receive(queue.id, wanted.type, MSG_EXCEPT if wanted.others else 0))
            except OSError as error:
                if error.errno != errno.ENOMSG:
                    raise
                return found

    def test_send_to_full_queue_raises_busy(self, queue: MessageQueue) -> None:
        put = queue.sender()
        for _ in range(2):
            put(1, bytes(8192), False)
        for body in (b"a", bytes(8192)):
            with pytest.raises(BusyError):
                put(1, body, False)

    def test_receive_from_empty_queue_raises_busy(self, queue: MessageQueue) -> None:
        for wanted in (Wanted(), Wanted(3), Wanted(3, others=True), Wanted(-(2**40))):
            with pytest.raises(BusyError):
                queue.receiver(wanted)(False)
            assert list(queue.copies(wanted)) == []

    @pytest.mark.parametrize("size", [0, 2, 3])
    def test_receive_over_max_size_keeps_the_message(self, queue: MessageQueue, size: int) -> None:
        send(queue.id, b"1234")
        wanted = Wanted(max_size=size)
        with pytest.raises(TooBigError):
            queue.receiver(wanted)(False)
        with pytest.raises(TooBigError):
            list(queue.copies(wanted))
        assert row(Kind.QUEUE, queue.id)["qnum"] == "1"

    @pytest.mark.parametrize("size", [0, 2, 4, 5])
    def test_receive_truncate_shortens_the_body(self, queue: MessageQueue, size: int) -> None:
        send(queue.id, b"1234")
        wanted = Wanted(max_size=size, truncate=True)
        cut = [Message(1, b"1234"[:size])]
        assert list(queue.copies(wanted)) == cut
        assert receive_wanted(queue, wanted) == cut

    def test_send_and_receive_on_removed_queue_fail(self, queue: MessageQueue) -> None:
        put = queue.sender()
        receivers = [queue.receiver(wanted) for wanted in (Wanted(), Wanted(1, others=True))]
        remove(Kind.QUEUE, queue.id)
        with pytest.raises(NotFoundError):
            put(1, b"", False)
        for take in receivers:
            with pytest.raises(NotFoundError):
                take(False)
        with pytest.raises(NotFoundError):
            list(queue.copies(Wanted()))

    def test_send_over_msgmax_fails(self, queue: MessageQueue) -> None:
        with pytest.raises(IpcError) as caught:
            queue.sender()(1, bytes(8193), False)
        assert caught.value.errno == errno.EINVAL


def test_message_queue_find_keeps_the_id_when_the_key_gets_a_new_queue(objects: Objects) -> None:
    first = by_key(objects)
    send(first.id, b"old")
    remove(Kind.QUEUE, first.id)
    second = MessageQueue(objects.queue(KEY))
    send(second.id, b"new")
    with pytest.raises(NotFoundError):
        first.receiver(Wanted())(False)
    assert receive_wanted(second, Wanted()) == [(1, b"new")]


def test_message_queue_reach_finds_id_or_key(objects: Objects) -> None:
    msqid = objects.queue(KEY)
    for target in (Target(By.ID, msqid, ""), Target(By.KEY, KEY, "")):
        assert MessageQueue.reach(target).id == msqid
    with pytest.raises(NotFoundError):
        MessageQueue.reach(Target(By.KEY, KEY + 1, ""))


@pytest.mark.skipif(IS_ROOT, reason="root has every permission")
def test_message_queue_without_permission_fails(objects: Objects) -> None:
    queue = MessageQueue(objects.queue(KEY, mode=0))
    for call in (
        lambda: queue.sender()(1, b"", False),
        lambda: queue.receiver(Wanted())(False),
        lambda: queue.receiver(Wanted(1, others=True))(False),
        lambda: list(queue.copies(Wanted())),
    ):
        with pytest.raises(DeniedError):
            call()


@pytest.fixture
def msgmax(isolated: None) -> Iterator[Path]:
    """Return the file of the limit on a message; restore it afterwards."""
    path = Path("/proc/sys/kernel/msgmax")
    before = path.read_text()
    try:
        path.write_text(before)
    except OSError as error:
        pytest.skip(f"{path} cannot be written: {error}")
    yield path
    path.write_text(before)


def test_copies_over_msgmax_fails_and_receive_takes(objects: Objects, msgmax: Path) -> None:
    msgmnb = msgmax.with_name("msgmnb")
    before = msgmnb.read_text()
    try:
        msgmax.write_text("300000")
        msgmnb.write_text("1000000")
        queue = MessageQueue(objects.queue(KEY))
    finally:
        msgmnb.write_text(before)
    body = bytes(range(256)) * 1000
    for number in range(3):
        queue.sender()(number + 1, body, False)
    assert list(queue.copies(Wanted(2))) == [(2, body)]
    assert queue.receiver(Wanted())(False) == (1, body)
    assert queue.receiver(Wanted(2, others=True))(False) == (3, body)
    msgmax.write_text("8192")
    with pytest.raises(IpcError, match="message 1 has more bytes than msgmax, which is 8192"):
        list(queue.copies(Wanted()))
    assert queue.receiver(Wanted())(False) == (2, body), "sent while msgmax was higher"
