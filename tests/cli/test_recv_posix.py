"""pyipcs recv from POSIX queues: order, refused options, removed queues, rights and mounts."""

import json
import os
import struct
from collections.abc import Iterator
from tempfile import TemporaryFile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.kit.child import NEWNS, clear_caches, drop_privileges, hide, unshare
from tests.kit.factories import thread_in_waiting_call
from tests.kit.mqueue import (
    attributes,
    make_queue,
    queue,
    receive_messages,
    send_message,
    unlink_queue,
)
from tests.kit.program import PYIPCS, fork, forked, inline, invoke, load_all, ordinary, text_in
from tests.kit.wait import exit_code, wait_until

NAME, OTHER = "/pyipcs-recv", "/pyipcs-other"
SIZES = (8, 100)

pytestmark = pytest.mark.usefixtures("own_mqueue")


@pytest.fixture
def made() -> Iterator[int]:
    with queue(NAME, 0o600, SIZES) as descriptor:
        yield descriptor


@pytest.fixture
def filled(made: int) -> int:
    """Create a queue with messages of several priorities."""
    for priority, body in ((3, b"c1"), (1, b"a1"), (2, b"b1"), (1, b"a2"), (32767, b"z")):
        send_message(made, body, priority)
    return made


# -- Order, numbers and formats.


@pytest.mark.parametrize(
    ("args", "out", "left"),
    [
        ("", "z\n", 4),
        ("-n 2", "z\nc1\n", 3),
        ("-a", "z\nc1\nb1\na1\na2\n", 0),
        ("-n 3 --with-type", "32767\tz\n3\tc1\n2\tb1\n", 2),
        ("-F --timeout 0", "z\nc1\nb1\na1\na2\n", 0),
        ("-n 9 --nowait -u", "z\nc1\nb1\na1\na2\n", 0),
    ],
)
def test_recv_takes_the_highest_priority_first(filled: int, args: str, out: str, left: int) -> None:
    status = 3 if "0" in args or "9" in args else 0
    assert inline("recv", NAME, *args.split()) == (status, out, "")
    assert attributes(filled).qnum == left


def test_recv_of_a_message_of_msgsize_returns_all_of_it(made: int) -> None:
    send_message(made, b"x" * SIZES[1])
    assert inline("recv", NAME) == (0, f"{'x' * SIZES[1]}\n", "")


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.integers(0, 32767), st.binary(max_size=100)), max_size=8))
def test_send_json_restores_the_order_of_a_dumped_posix_queue(
    made: int, messages: list[tuple[int, bytes]]
) -> None:
    for priority, body in messages:
        send_message(made, body, priority)
    dump = inline("recv", NAME, "-a", "-J")
    assert (dump.status, dump.err) == (0, "")
    with queue(OTHER, 0o600, SIZES) as other:
        assert inline("send", OTHER, "--json", data=dump.out.encode()) == (0, "", "")
        assert receive_messages(other) == sorted(messages, key=lambda message: -message[0])


# -- Refused options and failures.


@pytest.mark.parametrize(
    "args", ["--peek", "--peek -a", "-t 1", "-t 0", "-t 1 -x", "--max-size 5 --truncate"]
)
def test_recv_option_without_a_call_for_posix_queues_is_refused(filled: int, args: str) -> None:
    result = invoke("recv", NAME, *args.split())
    assert (result.status, result.out, result.err.count("\n")) == (2, "", 1)
    assert " is not for POSIX queues (the kernel has no such call)" in result.err
    assert attributes(filled).qnum == 5


@pytest.mark.parametrize("body", [b"12", b"12345"])
def test_recv_unpack_requeues_a_posix_message_of_another_size(made: int, body: bytes) -> None:
    send_message(made, body, 3)
    send_message(made, b"other", 3)
    send_message(made, struct.pack("i", 5), 4)
    result = inline("recv", NAME, "-a", "--unpack", "i")
    assert (result.status, result.out) == (1, "5\n")
    assert result.err.endswith("; it is back on the queue, behind all others of its priority\n")
    assert receive_messages(made) == [(3, b"other"), (3, body)]


# -- A removed queue.


@pytest.mark.parametrize("args", ["", "-n 5", "-F"])
def test_recv_of_a_removed_posix_queue_takes_its_messages_and_fails(args: str) -> None:
    descriptor = make_queue(NAME, 0o600, SIZES)
    with TemporaryFile() as out, TemporaryFile() as errors:
        words = ["recv", NAME, *args.split()]
        child = fork(*words, stdin=0, stdout=out.fileno(), stderr=errors.fileno())
        wait_until(lambda: thread_in_waiting_call(child))
        unlink_queue(NAME)
        if args:
            send_message(descriptor, b"a")
        assert exit_code(child) == 1
        assert text_in(errors).endswith(" was removed\n")
        assert text_in(out) == ("a\n" if args else "")
    os.close(descriptor)


# -- Commands (--exec).


def test_recv_exec_has_name_and_priority_in_the_environment(made: int) -> None:
    for priority, body in ((1, b"a\0"), (7, b""), (2, bytes(80))):
        send_message(made, body, priority)
    script = 'echo "$PYIPCS_ID $PYIPCS_PRIORITY $PYIPCS_TYPE $(wc -c)"'
    out = f"{NAME} 7  0\n{NAME} 2  80\n{NAME} 1  2\n"
    assert forked("recv", NAME, "-a", "--exec", script) == (0, out, "")


def test_recv_exec_that_removes_the_queue_prints_the_message() -> None:
    """The queue without a name would be gone with this process."""
    os.close(make_queue(NAME, 0o600, SIZES))
    assert invoke("send", NAME, "precious").status == 0
    script = f"{PYIPCS} rm --posix-mqueue {NAME}; exit 4"
    result = forked("recv", NAME, "--exec", script)
    complaint, line, _ = result.err.splitlines()
    assert complaint.endswith(": cannot put these messages back: the POSIX queue was removed")
    assert json.loads(line)["data"] == "precious"


def test_recv_exec_that_replaces_the_queue_prints_the_message() -> None:
    os.close(make_queue(NAME, 0o600, SIZES))
    assert invoke("send", NAME, "precious").status == 0
    again = f"{PYIPCS} make -q -n {NAME} --maxmsg 1 --msgsize 100"
    script = f"{PYIPCS} rm --posix-mqueue {NAME}; {again}; exit 4"
    result = forked("recv", NAME, "--exec", script)
    assert '"data": "precious"' in result.err
    assert forked("recv", NAME, "--nowait") == (3, "", "")
    unlink_queue(NAME)


# -- Rights and mounts.


@pytest.mark.root
def test_recv_by_an_ordinary_user_needs_the_right_to_read() -> None:
    for mode, status in ((0o604, 0), (0o602, 1)):
        with queue(NAME, mode, SIZES) as descriptor:
            send_message(descriptor, b"a")
            assert ordinary("recv", NAME, "--nowait").status == status
            assert len(receive_messages(descriptor)) == status


@pytest.mark.root
def test_recv_without_the_right_to_write_prints_unrequeued_messages() -> None:
    with queue(NAME, 0o604, SIZES) as descriptor:
        send_message(descriptor, b"precious", 3)
        result = ordinary("recv", NAME, "--exec", "exit 4")
        assert result.status == 4
        assert '{"priority": 3, "size": 8, "data": "precious"}\n' in result.err


def test_recv_works_without_a_mount() -> None:
    with queue(NAME, 0o644, SIZES) as descriptor:
        send_message(descriptor, b"a", 3)
        load_all()

        def enter() -> None:
            unshare(NEWNS)
            hide("/dev/mqueue")
            drop_privileges()
            clear_caches()

        assert forked("recv", NAME, "--with-type", first=enter) == (0, "3\ta\n", "")
