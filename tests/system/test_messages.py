"""Messages between processes: no loss, any bytes, and C programs as peers."""

import json
import os
import pty
import random
import select
import shlex
import signal
import subprocess
import time
import tty
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyipcs.model import Kind
from tests.kit.factories import fork_child, running, thread_in_waiting_call
from tests.kit.kernel import IS_ROOT, Objects, full_pipe, receive_all, row, send
from tests.kit.message_queues import MessageQueue
from tests.kit.program import PYIPCS, Result, fork, inline, pyipcs, run
from tests.kit.samples import MESSAGES
from tests.kit.wait import LIMIT, exit_code, wait_for_state, wait_until, wait_until_idle

KEY, OTHER = "0x5eed", "0x5eee"


@pytest.fixture
def msqid(objects: Objects) -> int:
    return objects.queue(0x5EED)


@pytest.fixture
def errors() -> Iterator[IO[bytes]]:
    """Yield a file for standard error."""
    with TemporaryFile() as file:
        yield file


# -- A received message is written, or requeued.


def start_sender(queue: MessageQueue, count: int, size: int) -> int:
    """Start a process that sends numbered messages of several types; return its pid."""

    def send_all() -> None:
        for number in range(count):
            body = f"{number} ".encode() + b"x" * size
            wait_until(lambda body=body: has_sent(queue, body), pause=0.0005)  # type: ignore[misc] # a bound argument

    return fork_child(send_all)


def has_sent(queue: MessageQueue, body: bytes) -> bool:
    """Send a message unless the queue is full; return whether it was sent."""
    try:
        queue.send(body, 1 + len(body) % 3)
    except BlockingIOError:
        return False
    return True


def numbers(text: bytes) -> list[int]:
    return [int(line.split()[0]) for line in text.split(b"\n") if line.strip()]


def read_for(descriptor: int, seconds: float) -> bytes:
    """Read what comes within some seconds."""
    end, text = time.monotonic() + seconds, b""
    while select.select([descriptor], [], [], max(0, end - time.monotonic()))[0]:
        text += os.read(descriptor, 65536)
        if time.monotonic() > end:
            break
    return text


def read_available(descriptor: int) -> bytes:
    """Read what a pipe holds."""
    text = b""
    while select.select([descriptor], [], [], 0)[0] and (block := os.read(descriptor, 65536)):
        text += block
    return text


WAYS = {
    "one": ["-n", "1"],
    "some": ["-n", "7"],
    "follow": ["-F"],
    "many": ["-n", "100000"],
    "all": ["-a"],
}


@pytest.mark.parametrize("size", [0, 3000, 6000])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_recv_signalled_at_any_moment_loses_no_message(
    queue: MessageQueue, way: list[str], size: int
) -> None:
    count, ends = 40, Counter[int]()
    for number in [signal.SIGINT, signal.SIGTERM] * 3:
        source = start_sender(queue, count, size)
        read, write = os.pipe()
        with TemporaryFile() as errors:
            child = fork("recv", queue.target, *way, stdin=0, stdout=write, stderr=errors.fileno())
            os.close(write)
            time.sleep(random.uniform(0.001, 0.02))
            os.kill(child, number)
            text = read_to_end(read)
            ends[exit_code(child)] += 1
            left = drain(queue, source) + unreturned(errors)
        assert text == b"" or text.endswith(b"\n")  # no message in part
        assert Counter(numbers(text) + left) == Counter(range(count))
    assert set(ends) <= {0, -signal.SIGINT, -signal.SIGTERM}


def read_to_end(descriptor: int) -> bytes:
    """Read a pipe until its writers are gone, and close it."""
    text, end = b"", time.monotonic() + LIMIT
    while select.select([descriptor], [], [], max(0, end - time.monotonic()))[0]:
        if not (block := os.read(descriptor, 65536)):
            os.close(descriptor)
            return text
        text += block
    raise TimeoutError("the pipe still has a writer")


def unreturned(errors: IO[bytes]) -> list[int]:
    """Return the numbers on stderr: messages without room on the queue."""
    errors.seek(0)
    lines = errors.read().decode().splitlines()
    return [int(json.loads(line)["data"].split()[0]) for line in lines if line.startswith("{")]


def drain(queue: MessageQueue, source: int) -> list[int]:
    """Receive all messages until their sender has ended; return their numbers."""
    left: list[int] = []

    def is_done() -> bool:
        ended = os.waitpid(source, os.WNOHANG) != (0, 0)
        left.extend(int(body.split()[0]) for _, body in queue.receive_all())
        return ended

    wait_until(is_done, pause=0.0005)
    return left


@pytest.mark.parametrize("size", [0, 3000, 6000])
@pytest.mark.parametrize("way", [WAYS["follow"], WAYS["many"]], ids=["follow", "many"])
def test_recv_whose_reader_leaves_loses_no_message(
    queue: MessageQueue, way: list[str], size: int
) -> None:
    """A message in the pipe counts as delivered, so the test reads the pipe."""
    for _ in range(6):
        count = 40
        source = start_sender(queue, count, size)
        read, write = os.pipe()
        spy = os.dup(read)
        with TemporaryFile() as errors:
            child = fork("recv", queue.target, *way, stdin=0, stdout=write, stderr=errors.fileno())
            os.close(write)
            text = read_for(read, random.uniform(0.001, 0.02))
            os.close(read)
            os.kill(child, signal.SIGSTOP)  # it must not write while the pipe is emptied
            wait_for_state(child, "T")
            text += read_available(spy)
            os.close(spy)
            os.kill(child, signal.SIGCONT)
            assert exit_code(child) == -signal.SIGPIPE
            left = drain(queue, source) + unreturned(errors)
        whole, _, _ = text.rpartition(b"\n")
        assert Counter(numbers(whole) + left) == Counter(range(count))


@pytest.mark.slow
@pytest.mark.parametrize("way", [["-F"], ["-n", "100000"]])
@pytest.mark.parametrize("size", [10, 6000])
def test_recv_with_full_pipe_dies_of_sigterm(
    queue: MessageQueue, way: list[str], size: int, errors: IO[bytes]
) -> None:
    read, write = os.pipe()
    child = fork("recv", queue.target, *way, stdin=0, stdout=write, stderr=errors.fileno())
    sent = 0

    def is_full() -> bool:
        nonlocal sent
        while has_sent(queue, f"{sent} ".encode() + b"x" * size):
            sent += 1
        return not select.select([], [write], [], 0)[1]

    wait_until(is_full)
    os.close(write)
    wait_until_idle(child)
    os.kill(child, signal.SIGTERM)
    assert exit_code(child) == -signal.SIGTERM
    whole, _, _ = read_to_end(read).rpartition(b"\n")
    left = [int(body.split()[0]) for _, body in queue.receive_all()] + unreturned(errors)
    assert Counter(numbers(whole) + left) == Counter(range(sent))


def test_recv_waiting_dies_of_sigpipe_when_its_reader_leaves(queue: MessageQueue) -> None:
    read, write = os.pipe()
    child = fork("recv", queue.target, "-F", stdin=0, stdout=write, stderr=2)
    os.close(write)
    wait_until(lambda: thread_in_waiting_call(child))
    os.close(read)
    assert exit_code(child) == -signal.SIGPIPE
    queue.send(b"a")
    assert queue.receive_all() == [(queue.default, b"a")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_recv_waiting_dies_of_a_signal(queue: MessageQueue, number: signal.Signals) -> None:
    child = fork("recv", queue.target, "--timeout", "600", stdin=0, stdout=1, stderr=2)
    wait_until(lambda: thread_in_waiting_call(child))
    os.kill(child, number)
    assert exit_code(child) == -number


@pytest.mark.parametrize("args", ["", "-F", "-a", "-n 5"])
def test_recv_without_reader_takes_nothing(queue: MessageQueue, args: str) -> None:
    queue.send(b"a")
    read, write = os.pipe()
    os.close(read)
    child = fork("recv", queue.target, *args.split(), stdin=0, stdout=write, stderr=2)
    os.close(write)
    assert exit_code(child) == -signal.SIGPIPE
    assert queue.receive_all() == [(queue.default, b"a")]


def start_send(target: str) -> tuple[int, int, int]:
    """Start send -l; return its pid, its input and its stderr."""
    read, write = os.pipe()
    err_read, err_write = os.pipe()
    child = fork("send", target, "-l", stdin=read, stdout=1, stderr=err_write)
    os.close(read)
    os.close(err_write)
    return child, write, err_read


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_send_signalled_at_any_moment_counts_the_messages(queue: MessageQueue, name: str) -> None:
    for _ in range(12):
        child, write, err_read = start_send(queue.target)
        os.write(write, b"".join(b"%d\n" % number for number in range(3000)))
        sent: list[int] = []
        end = time.monotonic() + random.uniform(0, 0.01)
        while time.monotonic() < end:
            sent += [int(body) for _, body in queue.receive_all()]
        os.kill(child, signal.Signals[name])
        status = exit_code(child)
        os.close(write)
        report = read_to_end(err_read).decode()
        sent += [int(body) for _, body in queue.receive_all()]
        assert sent == list(range(len(sent)))
        assert status == -signal.Signals[name]
        if report:
            account = {0: "nothing was sent", 1: "1 message was sent"}
            expected = account.get(len(sent), f"{len(sent)} messages were sent")
            assert report.endswith(f"; {expected}\n")
        else:  # the signal came before the program had begun
            assert not sent


# -- A signal ends every wait.


def assert_dies_of_sigterm(child: int) -> None:
    """Send SIGTERM to a process once it is idle, and check that it dies of it."""
    wait_until_idle(child)
    os.kill(child, signal.SIGTERM)
    assert exit_code(child) == -signal.SIGTERM


def test_send_from_a_fifo_without_writer_dies_of_sigterm(
    queue: MessageQueue, tmp_path: Path
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    assert_dies_of_sigterm(fork("send", queue.target, "-F", str(fifo), stdin=0, stdout=1, stderr=2))


@pytest.mark.slow
def test_send_processes_that_share_an_input_send_a_line_once(
    queue: MessageQueue, errors: IO[bytes]
) -> None:
    """One line wakes all of them, and all but one find nothing left to read."""
    for _ in range(3):
        read, write = os.pipe()
        children = [
            fork("send", queue.target, "-l", stdin=read, stdout=1, stderr=errors.fileno())
            for _ in range(4)
        ]
        os.close(read)
        for child in children:
            wait_until_idle(child)
        os.write(write, b"a\n")
        wait_until(lambda: queue.length() == 1)
        for child in children:
            assert_dies_of_sigterm(child)
        os.close(write)
        assert queue.receive_all() == [(queue.default, b"a")]


@pytest.mark.slow
@pytest.mark.parametrize("command", ["send", "recv"])
def test_send_and_recv_with_full_stderr_die_of_sigterm(queue: MessageQueue, command: str) -> None:
    """The first signal ends recv; send may report until the second."""
    read, write = full_pipe()
    source, sink = os.pipe()
    args = ("send", queue.target, "-l") if command == "send" else ("recv", queue.target)
    child = fork(*args, stdin=source, stdout=write, stderr=write)
    for _ in range(2):
        wait_until_idle(child)
        os.kill(child, signal.SIGTERM)
    assert exit_code(child) == -signal.SIGTERM
    for descriptor in (read, write, source, sink):
        os.close(descriptor)


@pytest.mark.slow
def test_recv_with_full_stdout_and_stderr_requeues_the_message(queue: MessageQueue) -> None:
    read, write = os.pipe()
    os.write(write, b"x" * 61440)  # which leaves a page
    queue.send(b"y" * 8000)
    child = fork("recv", queue.target, stdin=0, stdout=write, stderr=write)
    os.close(write)
    assert_dies_of_sigterm(child)
    os.close(read)
    assert queue.receive_all() == [(queue.default, b"y" * 8000)]


def open_pty() -> tuple[int, int]:
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    return ours, theirs


def open_fifo(tmp_path: Path) -> tuple[int, int]:
    os.mkfifo(tmp_path / "fifo")
    ours = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    return ours, os.open(tmp_path / "fifo", os.O_WRONLY)


@pytest.mark.parametrize("kind", ["pipe", "fifo", "pty"])
def test_recv_processes_that_share_an_output_lose_no_message(
    queue: MessageQueue, kind: str, tmp_path: Path, errors: IO[bytes]
) -> None:
    """All see the same room, one uses it, the others requeue."""
    if kind == "pty":
        read, write = open_pty()
    else:
        read, write = os.pipe() if kind == "pipe" else open_fifo(tmp_path)
        os.write(write, b"x" * 61440 + b"\n")  # which leaves less than a page and a page
    children = [
        fork("recv", queue.target, "-F", stdin=0, stdout=write, stderr=errors.fileno())
        for _ in range(3)
    ]
    for child in children:
        wait_until_idle(child)
    for number in range(6):
        queue.send(f"{number} ".encode() + b"y" * 2000)
    for child in children:
        wait_until_idle(child)
    for child in children:
        os.kill(child, signal.SIGTERM)
    for child in children:
        assert exit_code(child) == -signal.SIGTERM
    os.close(write)
    if kind == "pty":  # the cut of a message is not visible
        os.close(read)
        queue.receive_all()
        return
    text = read_to_end(read).partition(b"x\n")[2]
    left = [int(body.split()[0]) for _, body in queue.receive_all()] + unreturned(errors)
    assert sorted(numbers(text) + left) == list(range(6))


@pytest.mark.slow
def test_recv_signalled_within_a_message_reports_and_requeues_it(
    queue: MessageQueue, errors: IO[bytes]
) -> None:
    read, write = os.pipe()
    os.write(write, b"x" * 61440)
    messages = [(2, b"y" * 8000), (1, b"z" * 8000)]
    for number, body in messages:
        queue.send(body, number)
    words = ["recv", queue.target, "-n", "2"]
    child = fork(*words, stdin=0, stdout=write, stderr=errors.fileno())
    os.close(write)
    assert_dies_of_sigterm(child)
    os.close(read)
    errors.seek(0)
    assert errors.read() == b"pyipcs: the last message was only partly written\n"
    assert sorted(queue.receive_all()) == sorted(messages)


def test_recv_to_a_file_at_its_size_limit_requeues_the_message(
    queue: MessageQueue, tmp_path: Path
) -> None:
    queue.send(b"y" * 3000)
    script = f"ulimit -f 1; trap '' XFSZ; {PYIPCS} recv {queue.target} > {tmp_path / 'file'}"
    assert run("bash", "-c", script).status == 1
    assert queue.receive_all() == [(queue.default, b"y" * 3000)]


def test_send_signalled_twice_counts_the_messages(queue: MessageQueue) -> None:
    for _ in range(8):
        child, write, err_read = start_send(queue.target)
        os.write(write, b"a\nb\n")
        wait_until(lambda: queue.length() == 2, pause=0.001)
        os.kill(child, signal.SIGTERM)
        time.sleep(random.uniform(0, 0.0015))
        os.kill(child, signal.SIGHUP)
        assert exit_code(child) in {-signal.SIGHUP, -signal.SIGTERM}
        os.close(write)
        assert b"; 2 messages were sent\n" in read_to_end(err_read)
        queue.receive_all()


@pytest.mark.tools("strace")
@pytest.mark.parametrize(
    ("width", "count", "inject"),
    [(6000, 12, "clone,clone3:error=EAGAIN"), (60, 5, "poll:error=ENOMEM:when=2+")],
    ids=["no thread", "no poll"],
)
def test_send_failing_half_way_counts_the_messages(
    queue: MessageQueue, width: int, count: int, inject: str
) -> None:
    command = f"strace -f -o /dev/null -e inject={inject} {PYIPCS} send {queue.target} -l"
    result = run("bash", "-c", f"printf '%0{width}d\\n' {{1..{count}}} | {command}")
    sent = len(queue.receive_all())
    assert (result.status, result.out, result.err.count("\n")) == (1, "", 1)
    assert result.err.endswith(f"; {sent} messages were sent\n")


@pytest.mark.untraced
def test_send_and_recv_of_empty_messages_use_little_memory(msqid: int) -> None:
    script = "yes '' | head -n 150000; echo last; read line"
    with (
        running("bash", "-c", script, stdin=subprocess.PIPE) as feeder,
        running(PYIPCS, "send", KEY, "-l", stdin=feeder.stdout),
        running(PYIPCS, "recv", KEY, "-F", "-f", "raw") as receiver,
    ):
        assert receiver.stdout
        assert select.select([receiver.stdout], [], [], LIMIT)[0]  # of the empty ones nothing comes
        assert peak(receiver.pid) < 20_000


def test_recv_with_full_nonblocking_stderr_reports_once_there_is_room(msqid: int) -> None:
    full, write = os.pipe()
    os.set_blocking(write, False)
    os.write(write, b"x" * 65536)
    send(msqid, b"precious", 9)
    fill = f"head -c 8192 /dev/zero | {PYIPCS} send {KEY}; {PYIPCS} send {KEY} {'x' * 8185}; exit 4"
    child = fork("recv", KEY, "--exec", fill, stdin=0, stdout=1, stderr=write)
    os.close(write)
    wait_until(lambda: int(row(Kind.QUEUE, msqid)["qnum"]) == 2)
    wait_until_idle(child)
    report = read_to_end(full).lstrip(b"x")
    assert exit_code(child) == 4
    assert json.loads(report.splitlines()[1])["data"] == "precious"


@pytest.mark.parametrize(
    "command",
    [
        "recv {} 1</dev/null",
        "send {} -l 0>/dev/null",
        "send {} -l 0> >(cat)",
        "send {} -l <&-",
        "send {} -F ''",
    ],
)
def test_send_and_recv_with_unusable_streams_fail(queue: MessageQueue, command: str) -> None:
    queue.send(b"a")
    result = run("bash", "-c", f"{PYIPCS} {command.format(queue.target)}")
    assert (result.status, result.out, result.err.count("\n")) == (1, "", 1)
    assert queue.receive_all() == [(queue.default, b"a")]


def test_send_refused_file_keeps_its_position(queue: MessageQueue, tmp_path: Path) -> None:
    (tmp_path / "lines").write_text(f"a\nb\n{'x' * 9000}\n")
    send = f"{PYIPCS} send {queue.target} -l"
    script = f"{{ read -r first; {send}; read -r second; echo $first $second; }}"
    result = run("bash", "-c", f"{script} < {tmp_path / 'lines'}")
    assert result.out == "a b\n"
    assert "line 2" in result.err
    assert queue.receive_all() == []


@pytest.mark.tools("unshare")
def test_send_and_recv_without_proc_work() -> None:
    """Without /proc no pipe can be reopened, and no process inspected."""
    rights = [] if IS_ROOT else ["--user", "-r"]
    script = f"""
        mount -t tmpfs none /proc
        {PYIPCS} make -Q -k {KEY} >/dev/null
        seq 3 | {PYIPCS} send {KEY} -l
        {PYIPCS} recv {KEY} -n 2 | cat
        {PYIPCS} recv {KEY} --peek | cat
        {PYIPCS} stat {KEY} | grep -c gone
        {PYIPCS} recv {KEY} -F --timeout 0.1 | cat
    """
    command = ["unshare", *rights, "--mount", "--ipc", "sh", "-c", script]
    assert run(*command) == (0, "1\n2\n3\n2\n3\n", "")


# -- A queue can be dumped and restored.


@pytest.mark.slow
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(MESSAGES, max_size=15))
def test_send_json_restores_what_recv_json_dumped(
    objects: Objects, queues: tuple[int, int], messages: list[tuple[int, bytes]]
) -> None:
    first, second = queues
    for msqid in queues:
        receive_all(msqid)
    for type_, body in messages:
        send(first, body, type_)
    before = row(Kind.QUEUE, first)
    peeked = inline("recv", "--peek", "-a", "-f", "json", KEY)
    assert row(Kind.QUEUE, first) == before
    dump = inline("recv", "-a", "-f", "json", KEY)
    assert dump == peeked
    assert dump.status == 0
    assert inline("send", "--json", OTHER, data=dump.out.encode()) == (0, "", "")
    assert receive_all(second) == messages


@pytest.fixture
def queues(objects: Objects) -> tuple[int, int]:
    return objects.queue(0x5EED), objects.queue(0x5EEE)


def test_send_json_from_a_pipe_of_recv_copies_a_queue(
    new_queue: Callable[..., MessageQueue],
) -> None:
    first, second = new_queue(), new_queue(1)
    messages = [(number % 7 + 1, os.urandom(number)) for number in range(first.room)]
    for number, body in messages:
        first.send(body, number)
    pipe = f"{PYIPCS} recv -a -J {first.target} | {PYIPCS} send -J {second.target}"
    assert run("bash", "-c", f"set -o pipefail; {pipe}") == (0, "", "")
    assert second.receive_all() == first.in_order(messages)


@pytest.mark.slow
def test_send_and_recv_memory_does_not_grow_with_the_messages(msqid: int) -> None:
    peaks = []
    script = "for count in 20000 300000; do seq $count; echo last; read line; done"
    with (
        running("bash", "-c", script, stdin=subprocess.PIPE) as feeder,
        running(PYIPCS, "send", KEY, "-l", stdin=feeder.stdout) as sender,
        running(PYIPCS, "recv", KEY, "-F") as receiver,
    ):
        assert feeder.stdin
        for _ in range(2):
            read_past_last(receiver)
            peaks.append([peak(process.pid) for process in (sender, receiver)])
            feeder.stdin.write(b"\n")
            feeder.stdin.flush()
    for before, after in zip(*peaks, strict=True):
        assert after - before < 1024


def read_past_last(process: subprocess.Popen[bytes]) -> None:
    """Read the output of a process up to the line `last`."""
    assert process.stdout
    descriptor, tail = process.stdout.fileno(), b""
    while not tail.endswith(b"last\n"):
        assert select.select([descriptor], [], [], LIMIT)[0]
        block = os.read(descriptor, 65536)
        assert block
        tail = (tail + block)[-5:]


def peak(pid: int) -> int:
    """Return the most memory that a process ever had, in KiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


# -- Programs in C.


def test_send_pack_and_recv_unpack_match_a_c_struct(
    msqid: int, compiled: Callable[[str], str]
) -> None:
    program = compiled("struct")
    for number in ("42", "-2147483648", "2147483647"):
        assert run(program, "send", KEY, number).status == 0
        assert pyipcs("recv", KEY, "--unpack", "i") == (0, f"{number}\n", "")
        assert pyipcs("send", KEY, "--pack", "i", number) == (0, "", "")
        assert run(program, "recv", KEY) == (0, f"{number}\n", "")


def test_send_nul_terminated_string_matches_a_c_string(
    msqid: int, compiled: Callable[[str], str]
) -> None:
    program = compiled("string")
    assert run(program, "send", KEY, "hello, world").status == 0
    assert pyipcs("recv", KEY) == (0, "hello, world\n", "")
    assert pyipcs("send", KEY, "-z", "hello, world") == (0, "", "")
    assert run(program, "recv", KEY) == (0, "hello, world\n", "")


@pytest.mark.slow
def test_recv_by_type_serves_a_priority_queue(msqid: int, compiled: Callable[[str], str]) -> None:
    program = compiled("priority")
    entries = [("paper", 3), ("report", 1), ("x" * 60, 2), ("letter", 1), ("late", 11)]
    ours = [f"{PYIPCS} send -t {type_} {KEY} {name}" for name, type_ in entries]
    theirs = [f"{program} enter {KEY} {name} {type_}" for name, type_ in entries]
    served = ["1 report", "1 letter", f"2 {'x' * 50}", "3 paper"]
    for way in (ours, theirs):
        assert run("bash", "-c", " && ".join(way)).status == 0
        dump = receive_all(msqid)
        assert dump[-1] == (11, b"late")
        for type_, body in dump:
            send(msqid, body, type_)
        assert run(program, "serve", KEY).out.splitlines() == served
        receive_all(msqid)
        assert run("bash", "-c", " && ".join(way)).status == 0
        command = ["recv", KEY, "-t", "-10", "--truncate", "--max-size", "50", "-F", "--with-type"]
        result = pyipcs(*command, "--timeout", "0.2")
        assert result.status == 3
        assert result.out.replace("\t", " ").splitlines() == served
        assert receive_all(msqid) == [(11, b"late")]


SERVER = """
pyipcs recv {key} -t 1 -F --unpack i | while read -r number; do
  pyipcs send {key} -t 2 --pack i $((number + 8))
done
"""


def test_recv_and_send_serve_a_c_client(msqid: int, compiled: Callable[[str], str]) -> None:
    script = SERVER.format(key=KEY)
    path = f"{Path(PYIPCS).parent}:{os.environ['PATH']}"
    server = subprocess.Popen(
        ["bash", "-c", script], env={**os.environ, "PATH": path}, start_new_session=True
    )
    try:
        assert run(compiled("client"), KEY, "5", "-8", "100") == (0, "13\n0\n108\n", "")
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(LIMIT)


def test_send_and_recv_keep_pace_with_c_peers(
    queue: MessageQueue, compiled: Callable[[str], str]
) -> None:
    program, target = compiled(queue.peer), queue.target
    lines = "".join(f"{number}\n" for number in range(20_000))
    for source, sink in (
        (f"{program} send {target}", f"{PYIPCS} recv {target} -n 20000"),
        (f"{PYIPCS} send {target} -l", f"{program} recv {target} 20000"),
        (
            f"{PYIPCS} send {target} -l --timeout 20",
            f"{PYIPCS} recv {target} -n 20000 --timeout 20",
        ),
    ):
        script = f"seq 0 19999 | {source} & {sink}; status=$?; wait $! && exit $status"
        assert run("bash", "-c", script) == (0, lines, "")


@pytest.mark.tools("strace")
@pytest.mark.parametrize("args", ["send {} a", "recv {}"], ids=["send", "recv"])
def test_send_and_recv_signalled_after_their_work_succeed(
    args: str, queue: MessageQueue, tmp_path: Path
) -> None:
    """Death by a signal without a message means: nothing sent or taken."""
    trace = tmp_path / "trace"
    words = args.format(queue.target).split()
    queue.send(b"a")
    assert run("strace", "-o", str(trace), "-e", "close", PYIPCS, *words).status == 0
    # The last close(2) is that of the pipe by which the program learns of signals.
    last = trace.read_text().count("close(")
    queue.send(b"a")
    inject = ["-e", "trace=close", "-e", f"inject=close:signal=TERM:when={last}"]
    out = "a\n" if words[0] == "recv" else ""
    assert run("strace", "-o", os.devnull, *inject, PYIPCS, *words) == (0, out, "")


@pytest.mark.slow
@pytest.mark.tools("strace")
@pytest.mark.parametrize(
    ("args", "status", "report"),
    [
        ("send {} -l --nowait", 3, "; {sent} messages were sent\n"),
        ("recv {} --exec false", 1, ": 'false' exited with status 1\n"),
    ],
    ids=["send", "recv"],
)
def test_send_and_recv_signalled_after_a_failure_report_it(
    args: str, status: int, report: str, queue: MessageQueue, tmp_path: Path
) -> None:
    """A full queue, or a failing command; the signal comes at the last two calls of close(2)."""
    lines, trace = tmp_path / "lines", tmp_path / "trace"
    lines.write_text("".join(f"{number:060}\n" for number in range(300)))
    words = args.format(queue.target).split()

    def traced(*options: str) -> Result:
        queue.receive_all()
        queue.send(b"a")
        command = shlex.join(["strace", *options, PYIPCS, *words])
        return run("bash", "-c", f"{command} < {lines}")

    assert traced("-o", str(trace), "-e", "close").status == status
    last = trace.read_text().count("close(")
    for number in (last - 1, last):
        signalled = f"inject=close:signal=TERM:when={number}"
        result = traced("-o", os.devnull, "-e", "trace=close", "-e", signalled)
        sent = queue.length() - 1
        assert (result.status, result.out) == (status, "")
        assert result.err.endswith(report.format(sent=sent))
