"""POSIX messages between processes: no loss, signals, pipes, C programs and posix_ipc as peers."""

import json
import os
import random
import select
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import pytest

from tests.kit.factories import fork_child, read_line, running, thread_in_waiting_call
from tests.kit.mqueue import attributes, queue, receive_messages, send_message
from tests.kit.program import PYIPCS, fork, need_tool, pyipcs, run
from tests.kit.wait import LIMIT, exit_code, wait_for_state, wait_until, wait_until_idle

NAME = "/pyipcs-talk"
SIZES = (10, 8192)
SOURCE = Path(__file__).parents[1] / "c" / "mqueue.c"
PRIORITIES = 3

pytestmark = pytest.mark.usefixtures("own_mqueue")


@pytest.fixture
def made() -> Iterator[int]:
    with queue(NAME, 0o600, SIZES) as descriptor:
        yield descriptor


@pytest.fixture
def errors() -> Iterator[IO[bytes]]:
    """Yield a file for standard error."""
    with TemporaryFile() as file:
        yield file


def start_sender(descriptor: int, count: int, size: int) -> int:
    """Start a process that sends numbered messages of several priorities; return its pid."""

    def send_all() -> None:
        for number in range(count):
            body = f"{number} ".encode() + b"x" * size
            wait_until(lambda body=body: has_sent(descriptor, body), pause=0.0005)  # type: ignore[misc] # a bound argument

    return fork_child(send_all)


def has_sent(descriptor: int, body: bytes) -> bool:
    """Send a message unless the queue is full; return whether it was sent."""
    try:
        send_message(descriptor, body, len(body) % PRIORITIES)
    except BlockingIOError:
        return False
    return True


def numbers(text: bytes) -> list[int]:
    return [int(line.split()[0]) for line in text.split(b"\n") if line.strip()]


def read_to_end(descriptor: int) -> bytes:
    """Read a pipe until its writers are gone, and close it."""
    text, end = b"", time.monotonic() + LIMIT
    while select.select([descriptor], [], [], max(0, end - time.monotonic()))[0]:
        if not (block := os.read(descriptor, 65536)):
            os.close(descriptor)
            return text
        text += block
    raise TimeoutError("the pipe still has a writer")


def read_for(descriptor: int, seconds: float) -> bytes:
    """Read what comes within some seconds."""
    end, text = time.monotonic() + seconds, b""
    while (left := end - time.monotonic()) > 0 and select.select([descriptor], [], [], left)[0]:
        text += os.read(descriptor, 65536)
    return text


def unreturned(errors: IO[bytes]) -> list[int]:
    """Return the numbers on stderr: messages without room on the queue."""
    errors.seek(0)
    lines = errors.read().decode().splitlines()
    return [int(json.loads(line)["data"].split()[0]) for line in lines if line.startswith("{")]


def drain(descriptor: int, source: int) -> list[int]:
    """Receive all messages until their sender has ended; return their numbers."""
    left: list[int] = []

    def is_done() -> bool:
        ended = os.waitpid(source, os.WNOHANG) != (0, 0)
        left.extend(int(body.split()[0]) for _, body in receive_messages(descriptor))
        return ended

    wait_until(is_done, pause=0)
    return left


# -- A received message is written, or requeued.


@pytest.mark.parametrize("size", [0, 3000, 6000])
@pytest.mark.parametrize("way", ["-n 1", "-n 7", "-F", "-n 100000", "-a"])
def test_recv_of_posix_queue_signalled_at_any_moment_loses_no_message(
    made: int, way: str, size: int
) -> None:
    count, ends = 40, Counter[int]()
    for number in [signal.SIGINT, signal.SIGTERM] * 4:
        source = start_sender(made, count, size)
        read, write = os.pipe()
        with TemporaryFile() as errors:
            words = ["recv", NAME, *way.split()]
            child = fork(*words, stdin=0, stdout=write, stderr=errors.fileno())
            os.close(write)
            time.sleep(random.uniform(0.001, 0.02))
            os.kill(child, number)
            text = read_to_end(read)
            ends[exit_code(child)] += 1
            left = drain(made, source) + unreturned(errors)
        assert text == b"" or text.endswith(b"\n")  # no message in part
        assert Counter(numbers(text) + left) == Counter(range(count))
    assert set(ends) <= {0, -signal.SIGINT, -signal.SIGTERM}


@pytest.mark.parametrize("size", [0, 6000])
@pytest.mark.parametrize("way", ["-F", "-n 100000"])
def test_recv_of_posix_queue_whose_reader_leaves_loses_no_message(
    made: int, way: str, size: int
) -> None:
    """A message in the pipe counts as delivered, so the test reads the pipe."""
    for _ in range(8):
        count = 40
        source = start_sender(made, count, size)
        read, write = os.pipe()
        spy = os.dup(read)
        with TemporaryFile() as errors:
            words = ["recv", NAME, *way.split()]
            child = fork(*words, stdin=0, stdout=write, stderr=errors.fileno())
            os.close(write)
            text = read_for(read, random.uniform(0.001, 0.02))
            os.close(read)
            os.kill(child, signal.SIGSTOP)  # it must not write while the pipe is emptied
            wait_for_state(child, "T")
            text += read_for(spy, 0.001)
            os.close(spy)
            os.kill(child, signal.SIGCONT)
            assert exit_code(child) == -signal.SIGPIPE
            left = drain(made, source) + unreturned(errors)
        whole, _, _ = text.rpartition(b"\n")
        assert Counter(numbers(whole) + left) == Counter(range(count))


def test_recv_waiting_on_posix_queue_dies_of_sigpipe_when_its_reader_leaves(made: int) -> None:
    read, write = os.pipe()
    child = fork("recv", NAME, "-F", stdin=0, stdout=write, stderr=2)
    os.close(write)
    wait_until(lambda: thread_in_waiting_call(child))
    os.close(read)
    assert exit_code(child) == -signal.SIGPIPE
    send_message(made, b"a")
    assert receive_messages(made) == [(0, b"a")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_recv_waiting_on_posix_queue_dies_of_a_signal(made: int, number: signal.Signals) -> None:
    child = fork("recv", NAME, "--timeout", "600", stdin=0, stdout=1, stderr=2)
    wait_until(lambda: thread_in_waiting_call(child))
    os.kill(child, number)
    assert exit_code(child) == -number


@pytest.mark.parametrize("args", ["", "-F", "-a", "-n 5"])
def test_recv_without_reader_takes_no_posix_message(made: int, args: str) -> None:
    send_message(made, b"a", 5)
    read, write = os.pipe()
    os.close(read)
    child = fork("recv", NAME, *args.split(), stdin=0, stdout=write, stderr=2)
    os.close(write)
    assert exit_code(child) == -signal.SIGPIPE
    assert receive_messages(made) == [(5, b"a")]


def test_recv_with_full_pipe_requeues_posix_messages_with_their_priorities(
    made: int, errors: IO[bytes]
) -> None:
    read, write = os.pipe()
    os.write(write, b"x" * 61440)  # which leaves a page
    messages = [(2, b"y" * 8000), (1, b"z" * 8000)]
    for priority, body in messages:
        send_message(made, body, priority)
    child = fork("recv", NAME, "-n", "2", stdin=0, stdout=write, stderr=errors.fileno())
    os.close(write)
    wait_until_idle(child)
    os.kill(child, signal.SIGTERM)
    assert exit_code(child) == -signal.SIGTERM
    os.close(read)
    errors.seek(0)
    assert errors.read() == b"pyipcs: the last message was only partly written\n"
    assert receive_messages(made) == messages


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_send_to_posix_queue_signalled_at_any_moment_counts_the_messages(
    made: int, name: str
) -> None:
    for _ in range(25):
        read, write = os.pipe()
        err_read, err_write = os.pipe()
        child = fork("send", NAME, "-l", stdin=read, stdout=1, stderr=err_write)
        os.close(read)
        os.close(err_write)
        os.write(write, b"".join(b"%d\n" % number for number in range(3000)))
        received: list[int] = []
        end = time.monotonic() + random.uniform(0, 0.01)
        while time.monotonic() < end:
            received += [int(body) for _, body in receive_messages(made)]
        os.kill(child, signal.Signals[name])
        status = exit_code(child)
        os.close(write)
        report = read_to_end(err_read).decode()
        received += [int(body) for _, body in receive_messages(made)]
        assert received == list(range(len(received)))
        assert status == -signal.Signals[name]
        if report:
            account = {0: "nothing was sent", 1: "1 message was sent"}
            expected = account.get(len(received), f"{len(received)} messages were sent")
            assert report.endswith(f"; {expected}\n")
        else:  # the signal came before the program had begun
            assert not received


@pytest.mark.tools("strace")
@pytest.mark.parametrize(
    ("call", "args", "out"),
    [("mq_timedsend", "send {} b", ""), ("mq_timedreceive", "recv {} --nowait", "a\n")],
)
def test_send_and_recv_interrupted_before_they_wait_go_on(
    made: int, call: str, args: str, out: str
) -> None:
    """The kernel reports EINTR for a pending signal even if the call may not wait."""
    send_message(made, b"a")
    inject = ["-o", os.devnull, "-e", f"trace={call}", "-e", f"inject={call}:error=EINTR:when=1"]
    assert run("strace", *inject, PYIPCS, *args.format(NAME).split()) == (0, out, "")
    assert attributes(made).qnum == (0 if out else 2)


def test_send_and_recv_of_posix_queue_stay_idle_while_they_wait(made: int) -> None:
    """They check for a removal twice a second, and take no CPU otherwise."""
    with running(PYIPCS, "recv", NAME, "-F") as process:
        wait_until(lambda: thread_in_waiting_call(process.pid))
        before = cpu_seconds(process.pid)
        time.sleep(1)
        assert cpu_seconds(process.pid) - before < 0.1


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# -- Programs in C, and Python's posix_ipc.


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Compile tests/c/mqueue.c; return its path."""
    path = str(tmp_path_factory.mktemp("c") / "mqueue")
    done = run(need_tool("cc"), "-o", path, str(SOURCE), "-lrt")
    assert done.status == 0, done.err
    return path


@pytest.mark.tools("cc")
def test_send_and_recv_exchange_priorities_with_a_c_program(made: int, program: str) -> None:
    for priority, body in ((1, "low"), (9, "high"), (5, "middle")):
        assert pyipcs("send", NAME, "--priority", str(priority), body) == (0, "", "")
    assert run(program, "recv", NAME, "3", "priorities").out == "9 high\n5 middle\n1 low\n"
    for priority, body in ((0, "low"), (32767, "high")):
        assert run("sh", "-c", f"echo {body} | {program} send {NAME} {priority}").status == 0
    assert pyipcs("recv", NAME, "-a", "--with-type").out == "32767\thigh\n0\tlow\n"


@pytest.mark.tools("cc")
def test_recv_that_waits_leaves_the_notification_of_a_c_program(made: int, program: str) -> None:
    with running(program, "notify", NAME) as other, running(PYIPCS, "recv", NAME) as ours:
        assert read_line(other) == "ready\n"
        wait_until(lambda: thread_in_waiting_call(ours.pid))
        send_message(made, b"a")
        assert ours.wait(LIMIT) == 0
        assert other.poll() is None
        assert attributes(made).qnum == 0
        assert pyipcs("send", NAME, "b").status == 0  # nobody waits: now the kernel notifies
        assert read_line(other) == "notified\n"
    assert receive_messages(made) == [(0, b"b")]


@pytest.mark.tools("cc")
def test_send_and_recv_keep_pace_with_c_peers_on_a_posix_queue(made: int, program: str) -> None:
    lines = "".join(f"{number}\n" for number in range(20_000))
    for source, sink in (
        (f"{program} send {NAME} 0", f"{PYIPCS} recv {NAME} -n 20000"),
        (f"{PYIPCS} send {NAME} -l", f"{program} recv {NAME} 20000"),
        (f"{PYIPCS} send {NAME} -l --timeout 20", f"{PYIPCS} recv {NAME} -n 20000 --timeout 20"),
    ):
        script = f"seq 0 19999 | {source} & {sink}; status=$?; wait $! && exit $status"
        assert run("bash", "-c", script) == (0, lines, "")


def test_send_and_recv_exchange_priorities_with_posix_ipc(made: int) -> None:
    posix_ipc = pytest.importorskip("posix_ipc")
    other = posix_ipc.MessageQueue(NAME)
    try:
        assert pyipcs("send", NAME, "--priority", "7", "a").status == 0
        assert other.receive(LIMIT) == (b"a", 7)
        other.send(b"b\0", priority=3)
        assert pyipcs("recv", NAME, "-J").out == '{"priority": 3, "size": 2, "data": "b\\u0000"}\n'
    finally:
        other.close()


def test_recv_all_into_send_json_moves_a_posix_queue(made: int) -> None:
    messages = [(number % 5, os.urandom(number)) for number in range(10)]
    for priority, body in messages:
        send_message(made, body, priority)
    with queue("/pyipcs-talk-2", 0o600, SIZES) as other:
        pipe = f"{PYIPCS} recv -a -J {NAME} | {PYIPCS} send -J /pyipcs-talk-2"
        assert run("bash", "-c", f"set -o pipefail; {pipe}") == (0, "", "")
        assert receive_messages(other) == sorted(messages, key=lambda message: -message[0])
