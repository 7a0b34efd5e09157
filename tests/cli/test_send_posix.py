"""pyipcs send to POSIX queues: priorities, refused input, a full queue, rights, namespaces."""

import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from tests.kit.child import NEWIPC, NEWNS, clear_caches, drop_privileges, hide, unshare
from tests.kit.factories import thread_in_waiting_call
from tests.kit.mqueue import make_queue, queue, receive_messages, send_message, unlink_queue
from tests.kit.posix import child_in
from tests.kit.program import fork, forked, invoke, load_all, ordinary, piped, text_in
from tests.kit.wait import exit_code, wait_until

NAME = "/pyipcs-send"
SIZES = (8, 100)

pytestmark = pytest.mark.usefixtures("own_mqueue")


@pytest.fixture
def made() -> Iterator[int]:
    with queue(NAME, 0o600, SIZES) as descriptor:
        yield descriptor


# -- Sent messages.


@pytest.mark.parametrize(
    ("args", "data", "messages"),
    [
        ("hello", b"", [(0, b"hello")]),
        ("a b", b"", [(0, b"a"), (0, b"b")]),
        ("--priority 7 a -z", b"", [(7, b"a\0")]),
        ("--priority 32767 a", b"", [(32767, b"a")]),
        ("", b"one\ntwo\n", [(0, b"one\ntwo\n")]),
        ("", b"", [(0, b"")]),
        ("-l", b"one\n\ntwo", [(0, b"one"), (0, b""), (0, b"two")]),
        ("-0 --priority 2", b"one\n\0\0two", [(2, b"one\n"), (2, b""), (2, b"two")]),
        ("--hex 6162 00 -z", b"", [(0, b"ab\0"), (0, b"\0\0")]),
        ("--pack i 42 --priority 1", b"", [(1, struct.pack("i", 42))]),
        ("--pack ii -l", b"1\t2\n", [(0, struct.pack("ii", 1, 2))]),
        (
            "-J",
            b'{"priority": 5, "data": "a"}\n{"base64": "/w=="}\n',
            [(5, b"a"), (0, b"\xff")],
        ),
        (
            "--json --priority 2",
            b'{"data": "a"}\n{"data": "b", "priority": 0}',
            [(2, b"a"), (0, b"b")],
        ),
        ("-F - -l", b"x\n", [(0, b"x")]),
    ],
)
def test_send_options_split_and_encode_messages_of_a_posix_queue(
    made: int, args: str, data: bytes, messages: list[tuple[int, bytes]]
) -> None:
    assert forked("send", NAME, *args.split(), data=data) == (0, "", "")
    assert receive_messages(made) == messages


def test_send_priority_decides_the_order(made: int) -> None:
    for priority, body in ((1, "b"), (9, "a"), (1, "c"), (0, "d")):
        assert invoke("send", NAME, "--priority", str(priority), body) == (0, "", "")
    assert receive_messages(made) == [(9, b"a"), (1, b"b"), (1, b"c"), (0, b"d")]


def test_send_escaped_name_reaches_the_queue() -> None:
    with queue("/new\nline", 0o600, SIZES) as descriptor:
        assert invoke("send", r"\x2fnew\nline", "a") == (0, "", "")
        assert receive_messages(descriptor) == [(0, b"a")]


# -- Refused input: nothing is sent.


@pytest.mark.parametrize(
    ("args", "data", "place"),
    [
        (["a", "b" * 101], b"", "message 2"),
        (["-l"], b"a\n" + b"b" * 101 + b"\nc\n", "line 2"),
        (["-0"], b"a\0" + b"b" * 101, "record 2"),
        (["-z"], b"b" * 100, "standard input"),
        (["--json"], b'{"data": "a"}\n{"data": "%b"}\n' % (b"b" * 101), "line 2"),
    ],
)
def test_send_message_over_msgsize_sends_nothing(
    made: int, args: list[str], data: bytes, place: str
) -> None:
    result = forked("send", NAME, *args, data=data)
    reason = "it has 101 bytes; a message has at most 100 bytes (msgsize); nothing was sent"
    assert result == (1, "", f"pyipcs: {place}: {reason}\n")
    assert receive_messages(made) == []


@pytest.mark.parametrize(
    ("args", "data", "place", "sent"),
    [
        ("-l", b"a\n" + b"b" * 101 + b"\nc\n", "line 2", 1),
        ("--json", b'{"data": "a"}\n{"data": "b"}\n{"data": "c", "type": 1}\n', "line 3", 2),
        ("--json", b'{"data": "a", "priority": -1}\n', "line 1", 0),
    ],
)
def test_send_bad_record_of_a_pipe_names_its_line(
    made: int, args: str, data: bytes, place: str, sent: int
) -> None:
    account = ["nothing was sent", "1 message was sent", "2 messages were sent"][sent]
    of_pipe = piped("send", NAME, *args.split(), data=data)
    assert (of_pipe.status, of_pipe.out, of_pipe.err.count("\n")) == (1, "", 1)
    assert of_pipe.err.startswith(f"pyipcs: {place}: ")
    assert of_pipe.err.endswith(f"; {account}\n")
    assert len(receive_messages(made)) == sent
    of_file = forked("send", NAME, *args.split(), data=data)
    assert of_file == of_pipe._replace(err=of_pipe.err.replace(account, "nothing was sent"))
    assert receive_messages(made) == []


def test_send_to_another_kind_of_that_name_fails(shm: object) -> None:
    Path("/dev/shm/pyipcs-send").write_bytes(b"")
    result = invoke("send", NAME, "a")
    assert result.status == 1
    assert result.err.endswith("no such POSIX queue (but a POSIX segment has that name)\n")


# -- A full queue, and a removed one.


@pytest.mark.parametrize("option", ["--nowait", "--timeout=0"])
def test_send_nowait_on_full_posix_queue_fails_after_the_fitting_messages(option: str) -> None:
    with queue(NAME, 0o600, (2, 10)) as descriptor:
        result = forked("send", NAME, option, "a", "b", "c")
        assert (result.status, result.out) == (3, "")
        assert result.err.endswith(": the queue is full; 2 messages were sent\n")
        assert receive_messages(descriptor) == [(0, b"a"), (0, b"b")]


def test_send_timeout_on_full_posix_queue_fails_after_it() -> None:
    with queue(NAME, 0o600, (1, 10)) as descriptor:
        start = time.monotonic()
        assert forked("send", NAME, "--timeout", ".2", "a", "b").status == 3
        assert time.monotonic() - start >= 0.2
        assert receive_messages(descriptor) == [(0, b"a")]


def test_send_waits_until_the_posix_queue_has_room() -> None:
    bodies = [b"%c" % (65 + number) for number in range(20)]
    with queue(NAME, 0o600, (2, 10)) as descriptor:
        words = ["send", NAME, "--timeout", "60", *map(bytes.decode, bodies)]
        child = fork(*words, stdin=0, stdout=1, stderr=2)
        received: list[bytes] = []

        def receive_some() -> bool:
            received.extend(body for _, body in receive_messages(descriptor))
            return received == bodies

        wait_until(receive_some)
        assert exit_code(child) == 0


def test_send_waiting_on_a_removed_posix_queue_counts_the_messages_before() -> None:
    descriptor = make_queue(NAME, 0o600, (1, 10))
    with TemporaryFile() as errors:
        child = fork("send", NAME, "a", "b", stdin=0, stdout=1, stderr=errors.fileno())
        wait_until(lambda: thread_in_waiting_call(child))
        unlink_queue(NAME)
        assert exit_code(child) == 1
        assert text_in(errors).endswith(" was removed; 1 message was sent\n")
    assert receive_messages(descriptor) == [(0, b"a")]
    os.close(descriptor)


def test_send_stream_to_a_removed_posix_queue_ends() -> None:
    descriptor = make_queue(NAME, 0o600, SIZES)
    read, write = os.pipe()
    with TemporaryFile() as errors:
        child = fork("send", NAME, "-l", stdin=read, stdout=1, stderr=errors.fileno())
        os.close(read)
        os.write(write, b"first\n")
        wait_until(lambda: receive_messages(descriptor))
        unlink_queue(NAME)
        time.sleep(0.51)
        os.write(write, b"second\n")
        assert exit_code(child) == 1
        assert text_in(errors).endswith(" was removed; 1 message was sent\n")
    os.close(write)
    assert receive_messages(descriptor) == []
    os.close(descriptor)


# -- Rights, mounts and namespaces.


@pytest.mark.root
def test_send_by_an_ordinary_user_needs_the_right_to_write() -> None:
    for mode, status in ((0o602, 0), (0o604, 1)):
        with queue(NAME, mode, SIZES) as descriptor:
            assert ordinary("send", NAME, "a").status == status
            assert len(receive_messages(descriptor)) == 1 - status


def test_send_to_a_queue_that_its_owner_may_only_write() -> None:
    with queue(NAME, 0o200, SIZES) as descriptor:
        assert ordinary("send", NAME, "a").status in {0, 1}  # 1: the queue is root's
        assert invoke("send", NAME, "a") == (0, "", "")
        assert (0, b"a") in receive_messages(descriptor)


def test_send_works_without_a_mount() -> None:
    with queue(NAME, 0o622, SIZES) as descriptor:
        load_all()

        def enter() -> None:
            unshare(NEWNS)
            hide("/dev/mqueue")
            drop_privileges()
            clear_caches()

        assert forked("send", NAME, "a", first=enter) == (0, "", "")
        assert receive_messages(descriptor) == [(0, b"a")]


def test_send_and_recv_with_ns_reach_the_queue_of_that_namespace() -> None:
    def prepare() -> None:
        unshare(NEWIPC)
        send_message(make_queue(NAME, 0o600, SIZES), b"before", 1)

    with child_in(prepare) as pid:
        assert forked("send", NAME, "a", "--ns", str(pid)) == (0, "", "")
        assert forked("recv", NAME, "-a", "--with-type", "--ns", str(pid)) == (
            *(0, "1\tbefore\n0\ta\n", ""),
        )
    assert forked("send", NAME, "a").status == 1
