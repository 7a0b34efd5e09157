"""pyipcs send: the messages, refused input, and a full queue."""

import json
import os
import re
import shlex
import struct
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyipcs.model import LONG_MAX, Kind
from pyipcs.sysv import libc as own_libc
from tests.kit.factories import thread_in_waiting_call
from tests.kit.kernel import Objects, receive_all, row
from tests.kit.memory import exhaust_memory
from tests.kit.message_queues import MessageQueue
from tests.kit.program import PYIPCS, fork, forked, inline, invoke, load_all, piped, run, text_in
from tests.kit.terminal import end, read_all, start, without_codes
from tests.kit.wait import LIMIT, exit_code, wait_until

KEY = "0x5eed"


@pytest.fixture
def msqid(objects: Objects) -> int:
    return objects.queue(0x5EED)


def set_qbytes(msqid: int, qbytes: int) -> None:
    own_libc.change(Kind.QUEUE, msqid, qbytes=qbytes)


# -- Sent messages.


@pytest.mark.parametrize(
    ("args", "data", "messages"),
    [
        ("hello", b"", [(None, b"hello")]),
        ("a b", b"", [(None, b"a"), (None, b"b")]),
        ("NUMBER 7 a -z", b"", [(7, b"a\0")]),
        ("NUMBER 32767 a", b"", [(32767, b"a")]),
        ("", b"one\ntwo\n", [(None, b"one\ntwo\n")]),
        ("", b"", [(None, b"")]),
        ("-z", b"one", [(None, b"one\0")]),
        ("-l", b"one\n\ntwo\n", [(None, b"one"), (None, b""), (None, b"two")]),
        ("-l", b"one\n\ntwo", [(None, b"one"), (None, b""), (None, b"two")]),
        ("-l", b"", []),
        ("-lz", b"one\n", [(None, b"one\0")]),
        ("-0 NUMBER 2", b"one\n\0\0two", [(2, b"one\n"), (2, b""), (2, b"two")]),
        ("--hex 6162 00 -z", b"", [(None, b"ab\0"), (None, b"\0\0")]),
        ("--hex -l", b"61\n6162\n", [(None, b"a"), (None, b"ab")]),
        ("--hex", b"61 62\n63\n", [(None, b"abc")]),
        ("--pack i 42", b"", [(None, struct.pack("i", 42))]),
        ("--pack i -5", b"", [(None, struct.pack("i", -5))]),
        ("--pack=ihd 1 -2 2.5 NUMBER 3", b"", [(3, struct.pack("ihd", 1, -2, 2.5))]),
        ("--pack 4x", b"ignored", [(None, bytes(4))]),
        (
            "--pack ii -l",
            b"1\t2\n3\t4\n",
            [(None, struct.pack("ii", *p)) for p in ((1, 2), (3, 4))],
        ),
        ("--pack i", b"42\n", [(None, struct.pack("i", 42))]),
        (
            "-J",
            b'{"FIELD": 5, "data": "a"}\n{"base64": "/w=="}\n',
            [(5, b"a"), (None, b"\xff")],
        ),
        ("--json -0 NUMBER 2", b'{"data":\n"a"}\0{"data": ""}\0', [(2, b"a"), (2, b"")]),
        ("--json NUMBER 2", b'{"data": "a"}\n{"data": "b", "FIELD": 1}', [(2, b"a"), (1, b"b")]),
        ("-- -l", b"", [(None, b"-l")]),
        ("-5 -.5", b"", [(None, b"-5"), (None, b"-.5")]),
        ("-F - -l", b"x\n", [(None, b"x")]),
    ],
)
def test_send_options_split_and_encode_messages(
    queue: MessageQueue, args: str, data: bytes, messages: list[tuple[int | None, bytes]]
) -> None:
    words = args.replace("NUMBER", queue.option).split()
    data = data.replace(b"FIELD", queue.field.encode())
    assert inline("send", queue.target, *words, data=data) == (0, "", "")
    expected = [(queue.default if number is None else number, body) for number, body in messages]
    assert queue.receive_all() == expected


@pytest.mark.parametrize("type_", [1, 2**31, LONG_MAX])
def test_send_type_may_be_any_positive_long(msqid: int, type_: int) -> None:
    assert inline("send", KEY, "-t", str(type_), "a") == (0, "", "")
    assert receive_all(msqid) == [(type_, b"a")]


def test_send_arguments_keep_their_bytes(msqid: int) -> None:
    assert inline("send", KEY, os.fsdecode(b"\xff\xfe"), "", "a b") == (0, "", "")
    assert receive_all(msqid) == [(1, b"\xff\xfe"), (1, b""), (1, b"a b")]


def test_send_file_sends_its_lines_or_all_of_it(msqid: int, tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"one\ntwo\n")
    assert inline("send", KEY, "-l", "-F", str(path)) == (0, "", "")
    assert inline("send", KEY, "--file", str(path)) == (0, "", "")
    assert receive_all(msqid) == [(1, b"one"), (1, b"two"), (1, b"one\ntwo\n")]


@pytest.mark.parametrize("name", ["id:{id}", "{id}", "0x5EED", "key:24301", "0x00005eed"])
def test_send_accepts_id_and_key_in_every_form(msqid: int, name: str) -> None:
    assert inline("send", name.format(id=msqid), "a") == (0, "", "")
    assert receive_all(msqid) == [(1, b"a")]


def test_send_by_id_reaches_a_private_queue(objects: Objects) -> None:
    msqid = objects.queue()
    assert inline("send", str(msqid), "a") == (0, "", "")
    assert receive_all(msqid) == [(1, b"a")]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.binary(max_size=300).map(lambda line: line.replace(b"\n", b"")), max_size=40))
def test_send_lines_of_a_slow_pipe_keep_their_bytes(msqid: int, lines: list[bytes]) -> None:
    receive_all(msqid)
    text = b"".join(line + b"\n" for line in lines)
    read, write = os.pipe()
    child = fork("send", KEY, "-l", stdin=read, stdout=1, stderr=2)
    for begin in range(0, len(text), 97):
        os.write(write, text[begin : begin + 97])
    os.close(write)
    os.close(read)
    assert exit_code(child) == 0
    assert receive_all(msqid) == [(1, line) for line in lines]


def test_send_json_accepts_unescaped_unicode(msqid: int) -> None:
    lines = "\n".join(json.dumps({"type": n, "data": "ä" * n}, ensure_ascii=False) for n in (1, 2))
    assert inline("send", KEY, "--json", data=lines.encode()) == (0, "", "")
    assert receive_all(msqid) == [(1, "ä".encode()), (2, "ää".encode())]


# -- Refused input.


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--type", "-1"),
        ("--type", "9223372036854775808"),
        ("--timeout", "-1"),
        ("--timeout", "nan"),
    ],
)
def test_send_option_value_out_of_range_is_refused(option: str, value: str) -> None:
    result = invoke("send", "1", option, value, "a")
    assert (result.status, result.out, result.err.count("\n")) == (2, "", 1)
    assert f"{option}: '{value}': not a " in result.err


@pytest.mark.parametrize(
    ("args", "data", "place"),
    [
        (["a", "b" * 8193], b"", "message 2"),
        (["-l"], b"a\n" + b"b" * 8193 + b"\nc\n", "line 2"),
        (["-0"], b"a\0" + b"b" * 8193, "record 2"),
        (["-z"], b"b" * 8192, "standard input"),
        (["--json"], b'{"data": "a"}\n{"data": "%b"}\n' % (b"b" * 8193), "line 2"),
    ],
)
def test_send_message_over_the_size_limit_sends_nothing(
    queue: MessageQueue, args: list[str], data: bytes, place: str
) -> None:
    result = inline("send", queue.target, *args, data=data)
    limit = f"a message has at most 8192 bytes ({queue.size_limit})"
    reason = f"it has 8193 bytes; {limit}; nothing was sent"
    assert result == (1, "", f"pyipcs: {place}: {reason}\n")
    assert queue.receive_all() == []


def test_send_message_over_qbytes_sends_nothing(msqid: int) -> None:
    set_qbytes(msqid, 100)
    assert inline("send", KEY, "a", "a" * 101).status == 1
    assert receive_all(msqid) == []
    assert inline("send", KEY, "a" * 100) == (0, "", "")


def test_send_endless_line_is_refused_after_the_lines_before(msqid: int) -> None:
    script = f"{{ printf 'one\\ntwo\\n'; tr '\\0' x </dev/zero; }} | {PYIPCS} send {KEY} -l"
    result = run("bash", "-c", script)
    assert (result.status, result.out, result.err.count("\n")) == (1, "", 1)
    assert result.err.startswith("pyipcs: line 3: it has more than 327680 characters; ")
    assert result.err.endswith("; 2 messages were sent\n")
    assert receive_all(msqid) == [(1, b"one"), (1, b"two")]


@pytest.mark.slow
def test_send_without_memory_reports_the_sent_messages(queue: MessageQueue) -> None:
    load_all()
    data = b'{"data":"one"}\n{"data":"' + rb"\u007f" * 8000 + b'"}\n'
    numbers = {None: 0, "nothing was": 0, "1 message was": 1}
    reports = set()
    for left in range(60_000, 240_000, 12_000):
        words = ("send", queue.target, "--json")
        result = piped(*words, data=data, first=partial(exhaust_memory, left))
        number = len(queue.receive_all())
        report = re.fullmatch(r"pyipcs: Cannot allocate memory(?:; (.*) sent)?\n", result.err)
        assert report if result.status else number == 2, (left, result)
        if report:
            assert numbers[report[1]] == number, (left, result)
            reports.add(report[1])
    assert reports - {None}


@pytest.mark.root
def test_send_pack_accepts_the_longest_text_of_a_body(msqid: int) -> None:
    field, number = b"-5.960464477539063e-08", 8192
    msgmax = Path("/proc/sys/kernel/msgmax")
    before = msgmax.read_text()
    msgmax.write_text(str(2 * number))
    try:
        data = b"\t".join([field] * number)
        assert inline("send", KEY, "--pack", f"{number}e", "-l", data=data) == (0, "", "")
    finally:
        msgmax.write_text(before)
    assert receive_all(msqid) == [(1, struct.pack("e", float(field)) * number)]


@pytest.mark.parametrize(
    ("args", "data", "place", "sent"),
    [
        ("--json", b'{"data": "a"}\n{"data": \n', "line 2", 1),
        ("--json", b"\n", "line 1", 0),
        ("--json", b'{"data": "a"}\n{"data": "b"}\n{"data": "c", "OTHER": 1}\n', "line 3", 2),
        ("--json", b'{"data": "a", "FIELD": -1}\n', "line 1", 0),
        ("--hex -l", b"61\n62\n6\n", "line 3", 2),
        ("--pack i -l", b"1\nx\n", "line 2", 1),
        ("-l", b"a\n" + b"b" * 8193 + b"\nc\n", "line 2", 1),
        ("-0", b"a\0" + b"b" * 8193, "record 2", 1),
    ],
)
def test_send_bad_record_of_a_pipe_counts_the_messages_before(
    queue: MessageQueue, args: str, data: bytes, place: str, sent: int
) -> None:
    for word, field in ((b"FIELD", queue.field), (b"OTHER", queue.other_field)):
        data = data.replace(word, field.encode())
    account = ["nothing was sent", "1 message was sent", "2 messages were sent"][sent]
    of_pipe = piped("send", queue.target, *args.split(), data=data)
    assert (of_pipe.status, of_pipe.out, of_pipe.err.count("\n")) == (1, "", 1)
    assert of_pipe.err.startswith(f"pyipcs: {place}: ")
    assert of_pipe.err.endswith(f"; {account}\n")
    assert len(queue.receive_all()) == sent
    # A file is read to its end before anything is sent.
    of_file = inline("send", queue.target, *args.split(), data=data)
    assert of_file == of_pipe._replace(err=of_pipe.err.replace(account, "nothing was sent"))
    assert queue.receive_all() == []


# -- A full queue.


@pytest.mark.parametrize("option", ["--nowait", "--timeout=0"])
def test_send_nowait_on_full_queue_fails_after_the_fitting_messages(
    new_queue: Callable[..., MessageQueue], option: str
) -> None:
    queue = new_queue(capacity=3)
    result = forked("send", queue.target, option, "a", "b", "c", "d", "e")
    assert (result.status, result.out) == (3, "")
    assert result.err.endswith(": the queue is full; 3 messages were sent\n")
    assert queue.receive_all() == [(queue.default, body) for body in (b"a", b"b", b"c")]


def test_send_timeout_on_full_queue_fails_after_it(new_queue: Callable[..., MessageQueue]) -> None:
    queue = new_queue(capacity=1)
    start = time.monotonic()
    assert forked("send", queue.target, "--timeout", ".2", "a", "b").status == 3
    assert time.monotonic() - start >= 0.2
    assert queue.receive_all() == [(queue.default, b"a")]


def test_send_waits_until_there_is_room(new_queue: Callable[..., MessageQueue]) -> None:
    queue = new_queue(capacity=1)
    bodies = [b"%c" % (65 + number) for number in range(20)]
    words = ["send", queue.target, "--timeout", "60", *map(bytes.decode, bodies)]
    child = fork(*words, stdin=0, stdout=1, stderr=2)
    received: list[bytes] = []

    def receive_some() -> bool:
        received.extend(body for _, body in queue.receive_all())
        return received == bodies

    wait_until(receive_some)
    assert exit_code(child) == 0


def test_send_waiting_on_a_removed_queue_counts_the_messages_before(
    new_queue: Callable[..., MessageQueue],
) -> None:
    queue = new_queue(capacity=1)
    with TemporaryFile() as errors:
        child = fork("send", queue.target, "a", "b", stdin=0, stdout=1, stderr=errors.fileno())
        wait_until(lambda: thread_in_waiting_call(child))
        queue.unlink()
        assert exit_code(child) == 1
        assert text_in(errors).endswith(" was removed; 1 message was sent\n")
    if queue.outlives_name:
        assert queue.receive_all() == [(queue.default, b"a")]


# -- The progress.


def last_frame(source: str, *args: str) -> str:
    """Return the numbers that `send --progress` draws last on a terminal.

    Args:
        source: the command before the pipe.
        args: the arguments.
    """
    command = shlex.join([PYIPCS, "send", KEY, "--progress", *args])
    process, terminal = start(["sh", "-c", f"{source} | {command}"], width=80)
    try:
        text = without_codes(read_all(terminal))
        process.wait(LIMIT)
    finally:
        end(process, terminal)
    *_, (messages, size) = re.findall(r"([\d,]+ messages?) \W+? (\S+ \w+) \d:", text)
    return f"{messages}, {size}"


LINES = "seq 1000"  # 9 lines of 2 bytes, 90 of 3, 900 of 4 and one of 5


@pytest.mark.parametrize(
    ("source", "args", "last"),
    [
        (LINES, ["-l"], "1,000 messages, 3.8/3.8 KiB"),
        (f"({LINES}; sleep 0.3; {LINES})", ["-l"], "2,000 messages, 7.6/7.6 KiB"),
        ("printf 'one\\ntwo'", ["-l"], "2 messages, 7/7 bytes"),
        ("printf 'one\\0two\\0'", ["-0"], "2 messages, 8/8 bytes"),
        ("echo hello", [], "1 message, 6/6 bytes"),
        (":", [], "1 message, 0/0 bytes"),
        (":", ["-l"], "0 messages, 0/0 bytes"),
        (":", ["hello"], "1 message, 5/5 bytes"),
        (":", ["-t", "7", "one", "", "three"], "3 messages, 8/8 bytes"),
    ],
)
def test_send_progress_over_a_pipe_ends_with_all_messages_and_bytes(
    msqid: int, source: str, args: list[str], last: str
) -> None:
    assert last_frame(source, *args) == last
    assert last.startswith(f"{int(row(Kind.QUEUE, msqid)['qnum']):,} message")


@pytest.mark.parametrize(
    ("data", "args", "last"),
    [
        ("".join(f"{n}\n" for n in range(1, 1001)), ["-l"], "1,000 messages, 3.8/3.8 KiB"),
        ("one\ntwo", ["-l"], "2 messages, 7/7 bytes"),
        ("one\ntwo\n", [], "1 message, 8/8 bytes"),
        ("", ["-l"], "0 messages, 0/0 bytes"),
    ],
)
def test_send_progress_of_a_file_ends_with_all_messages_and_bytes(
    msqid: int, tmp_path: Path, data: str, args: list[str], last: str
) -> None:
    path = tmp_path / "messages"
    path.write_text(data)
    assert last_frame(":", *args, "-F", str(path)) == last


def test_send_progress_of_a_full_queue_ends_with_the_sent_messages(msqid: int) -> None:
    set_qbytes(msqid, 10)
    for source in ("printf 'abc\\ndef\\nghi\\njkl\\n'", "printf 'jkl\\n'"):
        last = last_frame(source, "-l", "--nowait")
        assert last == ("3 messages, 12/? bytes" if "abc" in source else "0 messages, 0/? bytes")
