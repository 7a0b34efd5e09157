"""pyipcs recv: choice of messages, formats, failures, waiting, commands and terminals."""

import json
import os
import signal
import struct
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from pyipcs.errors import Status
from pyipcs.model import LONG_MAX, Kind
from tests.kit.factories import thread_in_waiting_call
from tests.kit.kernel import Objects, receive_all, remove, row, send
from tests.kit.memory import exhaust_memory
from tests.kit.message_queues import MessageQueue
from tests.kit.program import PYIPCS, fork, forked, inline, invoke, load_all, pyipcs, run, text_in
from tests.kit.terminal import whole_run
from tests.kit.wait import exit_code, wait_until, wait_until_idle

KEY = "0x5eed"


@pytest.fixture
def msqid(objects: Objects) -> int:
    return objects.queue(0x5EED)


@pytest.fixture
def filled(msqid: int) -> int:
    """Create a queue with messages of several types."""
    for type_, body in ((3, b"c1"), (1, b"a1"), (2, b"b1"), (1, b"a2"), (LONG_MAX, b"z")):
        send(msqid, body, type_)
    return msqid


# -- Types and numbers of messages.


@pytest.mark.parametrize(
    ("args", "out", "left"),
    [
        ("", "c1\n", 4),
        ("-n 2", "c1\na1\n", 3),
        ("-a", "c1\na1\nb1\na2\nz\n", 0),
        ("-t 1", "a1\n", 4),
        ("-t 1 -a", "a1\na2\n", 3),
        ("-t -2 -n 3", "a1\na2\nb1\n", 2),
        ("-t -2 -a", "a1\na2\nb1\n", 2),
        ("-t 1 -x", "c1\n", 4),
        ("-t 1 --except -a", "c1\nb1\nz\n", 2),
        (f"-t {LONG_MAX}", "z\n", 4),
        (f"-t -{LONG_MAX} -a", "a1\na2\nb1\nc1\nz\n", 0),
        ("-t -9223372036854775808 -n 1", "a1\n", 4),
        ("-t 4294967297 -a", "", 5),
    ],
)
def test_recv_peek_prints_the_messages_of_recv(filled: int, args: str, out: str, left: int) -> None:
    before = row(Kind.QUEUE, filled)
    assert inline("recv", KEY, "--peek", *args.split()) == (0, out, "")
    assert row(Kind.QUEUE, filled) == before  # lrpid and rtime included
    assert inline("recv", KEY, *args.split()) == (0, out, "")
    assert row(Kind.QUEUE, filled)["qnum"] == str(left)


def test_recv_by_id_reads_a_private_queue(objects: Objects) -> None:
    msqid = objects.queue()
    send(msqid, b"a")
    assert inline("recv", str(msqid), "--peek") == (0, "a\n", "")
    assert inline("recv", f"id:{msqid}") == (0, "a\n", "")


# -- Formats.


@pytest.mark.parametrize(
    ("body", "args", "out"),
    [
        (b"a\0", "", "a\n"),
        (b"a\n", "-f text", "a\n"),
        (b"a\0", "-f raw", "a\0"),
        (b"a", "-0", "a\0"),
        (b"a\n", "-0 --with-type", "7\ta\n\0"),
        (b"", "", "\n"),
        (b"\xff", "", "\udcff\n"),
        (b"a", "-f raw --with-type", "7\ta"),
        (b"a", "-f hex", f"00000000  61{' ' * 48}|a|\n00000001\n"),
        (b"a", "-J", '{"FIELD": 7, "size": 1, "data": "a"}\n'),
        (b"\xff", "-f json -0", '{"FIELD": 7, "size": 1, "base64": "/w=="}\0'),
        (struct.pack("ih4s", -1, 2, b"ab"), "--unpack ih4s", "-1\t2\tab\n"),
        (struct.pack("i", 5), "-f unpack --unpack i --with-type", "7\t5\n"),
    ],
)
def test_recv_formats_write_the_body(queue: MessageQueue, body: bytes, args: str, out: str) -> None:
    queue.send(body, 7)
    expected = (0, out.replace("FIELD", queue.field), "")
    if queue.can_copy:
        assert inline("recv", queue.target, "--peek", *args.split()) == expected
    assert inline("recv", queue.target, *args.split()) == expected
    assert queue.receive_all() == []


@pytest.mark.parametrize(
    ("body", "args"), [(b"1234567", "--max-size 3 --truncate"), (b"123", "--max-size 3")]
)
def test_recv_max_size_truncates_a_larger_message(msqid: int, body: bytes, args: str) -> None:
    send(msqid, body, 7)
    assert inline("recv", KEY, "--peek", *args.split()) == (0, "123\n", "")
    assert inline("recv", KEY, *args.split()) == (0, "123\n", "")
    assert receive_all(msqid) == []


def test_recv_all_writes_empty_and_large_messages(objects: Objects, msqid: int) -> None:
    bodies = [
        bytes([65 + number % 26]) * size for number, size in enumerate([8000, 1, 4096, 0, 4095])
    ]
    for body in bodies:
        send(msqid, body)
    assert inline("recv", KEY, "-a").out == "".join(f"{body.decode()}\n" for body in bodies)


# -- Failures.


@pytest.mark.parametrize(
    ("args", "option"),
    [
        ("-aF", "-n, -a and -F"),
        ("-x -t -3", "-x"),
        ("-t -9223372036854775809", "-t/--type"),
        ("--max-size 3G", "--max-size: '3G': too large"),
        ("-f text --unpack i", "--unpack and -f text"),
    ],
)
def test_recv_contradicting_or_large_options_are_refused(args: str, option: str) -> None:
    result = invoke("recv", "1", *args.split())
    assert (result.status, result.out, result.err.count("\n")) == (2, "", 1)
    assert result.err.startswith(f"pyipcs: recv: {option}")


def test_recv_peek_of_a_missing_queue_fails() -> None:
    assert inline("recv", KEY, "--peek").status == 1


@pytest.mark.parametrize("peek", [[], ["--peek"]])
def test_recv_max_size_leaves_a_larger_message(msqid: int, peek: list[str]) -> None:
    send(msqid, b"12")
    send(msqid, b"1234")
    result = inline("recv", KEY, "-a", "--max-size", "3", *peek)
    assert (result.status, result.out, result.err.count("\n")) == (1, "12\n", 1)
    assert len(receive_all(msqid)) == (2 if peek else 1)


def test_recv_unpack_leaves_or_requeues_a_body_of_another_size(msqid: int) -> None:
    send(msqid, struct.pack("i", 5))
    send(msqid, b"12", 3)
    send(msqid, b"12345")
    requeued = inline("recv", KEY, "-a", "--unpack", "i")
    assert (requeued.status, requeued.out, requeued.err.count("\n")) == (1, "5\n", 1)
    left = inline("recv", KEY, "--unpack", "i")
    assert (left.status, left.out, left.err.count("\n")) == (1, "", 1)
    assert receive_all(msqid) == [(1, b"12345"), (3, b"12")]


def test_recv_to_closed_stdout_takes_nothing(queue: MessageQueue) -> None:
    queue.send(b"a")
    for peek in ("", "--peek") if queue.can_copy else ("",):
        assert run("bash", "-c", f"{PYIPCS} recv {queue.target} {peek} >&-").status == 1
    assert queue.receive_all() == [(queue.default, b"a")]


@pytest.mark.parametrize("args", ["", "-a", "-F"])
def test_recv_write_error_keeps_the_messages(queue: MessageQueue, args: str) -> None:
    messages = [(1, b"a"), (2, b"b")]
    for number, body in messages:
        queue.send(body, number)
    assert run("bash", "-c", f"{PYIPCS} recv {queue.target} {args} >/dev/full").status == 1
    assert sorted(queue.receive_all()) == messages


@pytest.mark.tools("strace")
@pytest.mark.parametrize(
    ("command", "call"), [("send a", "msgget"), ("send a", "msgsnd"), ("recv", "msgrcv")]
)
def test_send_and_recv_without_kernel_support_fail(msqid: int, command: str, call: str) -> None:
    """Only recv --peek may report that the kernel cannot copy messages."""
    name, *body = command.split()
    inject = ["-o", "/dev/null", "-e", f"inject={call}:error=ENOSYS"]
    result = run("strace", *inject, PYIPCS, name, KEY, *body)
    assert result.status == 1
    assert "System V IPC is not in this kernel" in result.err
    assert "copy" not in result.err


# -- Waiting.


@pytest.mark.parametrize(
    ("args", "status"),
    [
        ("--nowait", 3),
        ("--timeout 0", 3),
        ("--timeout 0.05", 3),
        ("-n 2 --nowait", 3),
        ("-a", 0),
        ("-a --nowait", 0),
        ("-F --nowait", 3),
    ],
)
def test_recv_without_waiting_ends_at_once(queue: MessageQueue, args: str, status: int) -> None:
    assert forked("recv", queue.target, *args.split()) == (status, "", "")
    if "-n 2" in args or args == "-F --nowait":
        queue.send(b"a")
        assert forked("recv", queue.target, *args.split()) == (status, "a\n", "")


@pytest.mark.parametrize(
    ("args", "status"),
    [
        ("--peek", 3),
        ("--peek --nowait", 3),
        ("--peek -n 2", 3),
        ("--peek -a", 0),
        ("-t 5 -a", 0),
        ("-t 5 --nowait", 3),
    ],
)
def test_recv_peek_or_type_without_waiting_ends_at_once(msqid: int, args: str, status: int) -> None:
    assert forked("recv", KEY, *args.split()) == (status, "", "")
    if "-n 2" in args:
        send(msqid, b"a")
        assert forked("recv", KEY, *args.split()) == (status, "a\n", "")


@pytest.mark.parametrize("args", ["-n 3", "-F"])
def test_recv_timeout_restarts_with_each_message(queue: MessageQueue, args: str) -> None:
    out, took, timeout = "", 0.0, 0.0
    for timeout in (0.4, 4, 40):
        queue.send(b"a")
        with TemporaryFile() as file:
            words = ["recv", queue.target, *args.split(), "--timeout", f"{timeout}"]
            child = fork(*words, stdin=0, stdout=file.fileno(), stderr=2)
            wait_until_idle(child)
            start = time.monotonic()
            queue.send(b"b")
            assert exit_code(child) == 3
            took, out = time.monotonic() - start, text_in(file)
        if out == "a\nb\n":
            break
        queue.receive_all()  # b came after the timeout, because the machine is busy
    assert out == "a\nb\n"
    assert took >= timeout


def test_recv_waits_until_a_message_comes(queue: MessageQueue) -> None:
    with TemporaryFile() as out:
        child = fork("recv", queue.target, stdin=0, stdout=out.fileno(), stderr=2)
        wait_until(lambda: thread_in_waiting_call(child))
        time.sleep(0.6)  # longer than the interval of the checks for the removal of a POSIX queue
        queue.send(b"a")
        assert exit_code(child) == 0
        assert text_in(out) == "a\n"


@pytest.mark.parametrize("args", ["", "-t 5 -x", "-F"])
def test_recv_waiting_on_a_removed_queue_fails(objects: Objects, args: str) -> None:
    msqid = objects.queue(0x5EED)
    with TemporaryFile() as errors:
        child = fork("recv", KEY, *args.split(), stdin=0, stdout=1, stderr=errors.fileno())
        wait_until(lambda: thread_in_waiting_call(child))
        remove(Kind.QUEUE, msqid)
        assert exit_code(child) == 1
        assert text_in(errors).endswith(" was removed\n")


# -- Commands (--exec).


def test_recv_exec_gets_each_message_as_its_input(msqid: int) -> None:
    for type_, body in ((1, b"a\0"), (7, b""), (2, bytes(8000))):
        send(msqid, body, type_)
    script = 'echo "$PYIPCS_ID $PYIPCS_TYPE $(wc -c)"'
    assert forked("recv", KEY, "-a", "--exec", script) == (
        0,
        f"{msqid} 1 2\n{msqid} 7 0\n{msqid} 2 8000\n",
        "",
    )


def test_recv_exec_with_format_gets_that_format(msqid: int) -> None:
    send(msqid, b"a\0")
    assert forked("recv", KEY, "--exec", "cat", "-f", "text") == (0, "a\n", "")


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("exit 5", 5),
        ("kill -9 $$", 137),
        ("/no/such/program 2>/dev/null", 127),
        ("cat; false", 1),
    ],
)
def test_recv_exec_failure_ends_recv_and_requeues_the_message(
    queue: MessageQueue, script: str, status: int
) -> None:
    for number, body in ((4, b"a"), (4, b"b"), (4, b"c"), (1, b"d")):
        queue.send(body, number)
    guarded = f'[ "$(cat)" = a ] || {{ {script}; }}'
    result = forked("recv", queue.target, "-F", "--exec", guarded)
    assert result.status == status
    assert f"exited with status {status}" in result.err
    assert queue.receive_all() == queue.in_order([(4, b"c"), (1, b"d"), (4, b"b")])


@pytest.mark.tools("strace")
def test_recv_exec_without_a_new_process_keeps_the_message(msqid: int) -> None:
    send(msqid, b"a")
    refuse = ["-f", "-o", "/dev/null", "-e", "inject=fork,vfork,clone,clone3:error=EAGAIN"]
    assert run("strace", *refuse, PYIPCS, "recv", KEY, "--exec", "cat") == (
        1,
        "",
        "pyipcs: 'cat': Resource temporarily unavailable\n",
    )
    assert receive_all(msqid) == [(1, b"a")]


def test_recv_peek_exec_failure_takes_nothing(msqid: int) -> None:
    send(msqid, b"a")
    assert forked("recv", KEY, "--peek", "--exec", "cat; exit 2").status == 2
    assert receive_all(msqid) == [(1, b"a")]


def test_recv_exec_command_outlives_the_first_signal(msqid: int, tmp_path: Path) -> None:
    for body in (b"a", b"b"):
        send(msqid, body)
    go = tmp_path / "go"
    os.mkfifo(go)
    child = start_exec(f"read line < {go}; cat >/dev/null", tmp_path)
    os.kill(child, signal.SIGTERM)
    wait_until_idle(child)
    os.close(os.open(go, os.O_RDWR))  # ends its wait for a writer
    assert exit_code(child) == -signal.SIGTERM
    assert receive_all(msqid) == [(1, b"b")]


def test_recv_exec_second_signal_ends_the_command(msqid: int, tmp_path: Path) -> None:
    send(msqid, b"a")
    child = start_exec("exec sleep 60", tmp_path)
    for number in (signal.SIGHUP, signal.SIGTERM):
        os.kill(child, number)
        wait_until_idle(child)
    assert exit_code(child) == -signal.SIGHUP
    assert receive_all(msqid) == [(1, b"a")]


def start_exec(command: str, folder: Path) -> int:
    """Start recv --exec, wait for its first command, and return recv's pid."""
    started = folder / "started"
    words = ["recv", KEY, "-F", "--exec", f"touch {started}; {command}"]
    child = fork(*words, stdin=0, stdout=1, stderr=2)
    wait_until(started.exists)
    wait_until_idle(child)
    return child


def test_recv_exec_with_sigchld_ignored_returns_the_status(msqid: int) -> None:
    send(msqid, b"a")
    script = f"trap '' CHLD; exec {PYIPCS} recv {KEY} -a --exec 'exit 7'"
    assert run("bash", "-c", script).status == 7
    assert receive_all(msqid) == [(1, b"a")]


def test_recv_exec_command_has_no_signal_ignored_or_blocked(msqid: int) -> None:
    send(msqid, b"a")
    script = "grep -E 'SigIgn|SigBlk' /proc/self/status"
    out = forked("recv", KEY, "--exec", script).out.split()
    of_c_library = 3 << 31  # posix_spawn(3) leaves signals 32 and 33 ignored
    assert [int(mask, 16) & ~of_c_library for mask in out[1::2]] == [0, 0]


def test_recv_exec_failure_on_full_queue_prints_the_message_for_send(
    new_queue: Callable[..., MessageQueue],
) -> None:
    queue = new_queue(capacity=1, size=8)
    queue.send(b"precious", 9)
    fill = f"{PYIPCS} send {queue.target} blocking; exit 4"
    result = forked("recv", queue.target, "--exec", fill)
    assert result.status == 4
    complaint, line, end = result.err.splitlines()
    assert complaint == f"pyipcs: {queue.target}: cannot put these messages back: the queue is full"
    assert json.loads(line) == {queue.field: 9, "size": 8, "data": "precious"}
    assert "exited with status 4" in end
    assert queue.receive_all() == [(queue.default, b"blocking")]
    assert forked("send", queue.target, "--json", data=line.encode()).status == 0
    assert queue.receive_all() == [(9, b"precious")]


# -- A terminal.

HOSTILE = "a\x1b[31m\x9b\x7f\u202e\r\tä\nb".encode() + b"\xff"


@pytest.mark.parametrize("args", ["", "-f raw", "-f hex", "-J", "--with-type", "-0"])
def test_recv_on_terminal_escapes_control_characters(queue: MessageQueue, args: str) -> None:
    queue.send(HOSTILE)
    status, text = whole_run("recv", queue.target, *args.split())
    assert status == 0
    assert not set(text) & set("\x1b\x9b\x7f\u202e\0\udcff")
    assert "\r" not in text.replace("\r\n", "")
    if args in {"", "--with-type"}:
        number = f"{queue.default}\t" if args else ""
        assert text == f"{number}a\\x1b[31m\\x9b\\x7f\\u202e\\x0d\tä\r\nb\\xff\r\n"


def test_recv_to_a_pipe_writes_control_characters_unchanged(msqid: int) -> None:
    send(msqid, HOSTILE)
    assert os.fsencode(pyipcs("recv", KEY, "-f", "raw").out) == HOSTILE


@pytest.fixture
def _large_messages() -> Iterator[None]:
    """Let the queues of this namespace have messages of 80,000 bytes."""
    limits = [Path("/proc/sys", name) for name in ("kernel/msgmax", "fs/mqueue/msgsize_max")]
    limits.append(Path("/proc/sys/kernel/msgmnb"))  # of new queues
    former = [limit.read_text() for limit in limits]
    for limit in limits:
        limit.write_text("80000")
    yield
    for limit, value in zip(limits, former, strict=True):
        limit.write_text(value)


@pytest.mark.root
@pytest.mark.slow
@pytest.mark.usefixtures("isolated", "_large_messages")
@pytest.mark.parametrize("args", ["-f raw", "-J"])
def test_recv_without_memory_loses_no_message(
    new_queue: Callable[..., MessageQueue], args: str
) -> None:
    """The memory ends before or after the message is taken."""
    load_all()
    size = 80_000  # less than a POSIX queue of the default size takes from RLIMIT_MSGQUEUE
    queue = new_queue(capacity=1, size=size)
    body = b"x" * (size if queue.outlives_name else 60_000)  # the kit receives as many bytes
    statuses = set()
    for left in range(size // 2, 7 * size, size // 3):
        queue.send(body)
        words = ("recv", queue.target, *args.split())
        result = forked(*words, first=partial(exhaust_memory, left))
        printed = (result.out + result.err).count(body.decode())
        assert printed + len(queue.receive_all()) == 1, (left, result.status, result.err[:200])
        statuses.add(result.status)
    assert statuses >= {Status.DONE, Status.FAILED}
