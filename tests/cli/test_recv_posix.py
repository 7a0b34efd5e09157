"""pyipcs recv from POSIX queues: order, formats, refused options, failures, waits, commands."""

import json
import os
import struct
import time
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
from tests.kit.program import PYIPCS, fork, forked, invoke, load_all, ordinary, run, text_in
from tests.kit.terminal import whole_run
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
    assert forked("recv", NAME, *args.split()) == (status, out, "")
    assert attributes(filled).qnum == left


@pytest.mark.parametrize(
    ("body", "args", "out"),
    [
        (b"a\0", "", "a\n"),
        (b"a\0", "-f raw", "a\0"),
        (b"a", "-0", "a\0"),
        (b"a\n", "-0 --with-type", "7\ta\n\0"),
        (b"", "", "\n"),
        (b"\xff", "", "\udcff\n"),
        (b"a", "-f hex", f"00000000  61{' ' * 48}|a|\n00000001\n"),
        (b"a", "-J", '{"priority": 7, "size": 1, "data": "a"}\n'),
        (b"\xff", "-f json -0", '{"priority": 7, "size": 1, "base64": "/w=="}\0'),
        (struct.pack("ih4s", -1, 2, b"ab"), "--unpack ih4s", "-1\t2\tab\n"),
    ],
)
def test_recv_formats_write_the_body_of_a_posix_message(
    made: int, body: bytes, args: str, out: str
) -> None:
    send_message(made, body, 7)
    assert forked("recv", NAME, *args.split()) == (0, out, "")
    assert receive_messages(made) == []


def test_recv_of_a_message_of_msgsize_returns_all_of_it(made: int) -> None:
    send_message(made, b"x" * SIZES[1])
    assert forked("recv", NAME) == (0, f"{'x' * SIZES[1]}\n", "")


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.integers(0, 32767), st.binary(max_size=100)), max_size=8))
def test_send_json_restores_the_order_of_a_dumped_posix_queue(
    made: int, messages: list[tuple[int, bytes]]
) -> None:
    for priority, body in messages:
        send_message(made, body, priority)
    dump = forked("recv", NAME, "-a", "-J")
    assert (dump.status, dump.err) == (0, "")
    with queue(OTHER, 0o600, SIZES) as other:
        assert forked("send", OTHER, "--json", data=dump.out.encode()) == (0, "", "")
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
    result = forked("recv", NAME, "-a", "--unpack", "i")
    assert (result.status, result.out) == (1, "5\n")
    assert result.err.endswith("; it is back on the queue, behind all others of its priority\n")
    assert receive_messages(made) == [(3, b"other"), (3, body)]


@pytest.mark.parametrize("args", ["", "-a", "-F"])
def test_recv_write_error_keeps_posix_messages_and_priorities(made: int, args: str) -> None:
    send_message(made, b"a", 1)
    send_message(made, b"b", 2)
    assert run("bash", "-c", f"{PYIPCS} recv {NAME} {args} >/dev/full").status == 1
    assert receive_messages(made) == [(2, b"b"), (1, b"a")]


def test_recv_to_closed_stdout_takes_no_posix_message(made: int) -> None:
    send_message(made, b"a")
    assert run("bash", "-c", f"{PYIPCS} recv {NAME} >&-").status == 1
    assert receive_messages(made) == [(0, b"a")]


# -- Waiting.


@pytest.mark.parametrize(
    ("args", "status"),
    [("--nowait", 3), ("--timeout 0", 3), ("--timeout 0.05", 3), ("-a", 0), ("-F --nowait", 3)],
)
def test_recv_of_an_empty_posix_queue_ends(made: int, args: str, status: int) -> None:
    assert forked("recv", NAME, *args.split()) == (status, "", "")


def test_recv_waits_until_a_posix_message_comes(made: int) -> None:
    with TemporaryFile() as out:
        child = fork("recv", NAME, stdin=0, stdout=out.fileno(), stderr=2)
        wait_until(lambda: thread_in_waiting_call(child))
        time.sleep(0.6)  # longer than the interval of its checks
        send_message(made, b"a")
        assert exit_code(child) == 0
        assert text_in(out) == "a\n"


def test_recv_timeout_restarts_with_each_posix_message(made: int) -> None:
    with TemporaryFile() as out:
        words = ["recv", NAME, "-F", "--timeout", "0.7"]
        child = fork(*words, stdin=0, stdout=out.fileno(), stderr=2)
        wait_until(lambda: thread_in_waiting_call(child))
        send_message(made, b"a")
        wait_until(lambda: text_in(out) == "a\n")
        start = time.monotonic()
        assert exit_code(child) == 3
        assert time.monotonic() - start >= 0.6


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


def test_recv_exec_failure_requeues_the_message_with_its_priority(made: int) -> None:
    for priority, body in ((4, b"a"), (4, b"b"), (4, b"c"), (1, b"d")):
        send_message(made, body, priority)
    result = forked("recv", NAME, "-F", "--exec", '[ "$(cat)" = a ] || exit 5')
    assert result.status == 5
    assert receive_messages(made) == [(4, b"c"), (4, b"b"), (1, b"d")]


def test_recv_exec_failure_on_full_posix_queue_prints_the_message_for_send() -> None:
    with queue(NAME, 0o600, (1, 20)) as descriptor:
        send_message(descriptor, b"precious", 9)
        script = f"{PYIPCS} send {NAME} other; exit 4"
        result = forked("recv", NAME, "--exec", script)
        assert result.status == 4
        complaint, line, end = result.err.splitlines()
        assert complaint == f"pyipcs: {NAME}: cannot put these messages back: the queue is full"
        assert json.loads(line) == {"priority": 9, "size": 8, "data": "precious"}
        assert "exited with status 4" in end
        assert receive_messages(descriptor) == [(0, b"other")]
        assert forked("send", NAME, "--json", data=line.encode()).status == 0
        assert receive_messages(descriptor) == [(9, b"precious")]


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
def test_recv_without_the_right_to_write_prints_what_it_cannot_put_back() -> None:
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


# -- A terminal.


def test_recv_on_terminal_escapes_control_characters_of_a_posix_message(made: int) -> None:
    send_message(made, "a\x1b[31m\x9b\rb".encode())
    status, text = whole_run("recv", NAME, "--with-type")
    assert (status, text) == (0, "0\ta\\x1b[31m\\x9b\\x0db\r\n")
