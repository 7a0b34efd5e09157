"""Messages between processes: none lost, any bytes, and programs in C at the other end."""

import json
import os
import pty
import random
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
from tests.kit.kernel import IS_ROOT, Objects, full_pipe, receive_all, row, send
from tests.kit.program import PYIPCS, fork, forked, need_tool, pyipcs, run
from tests.kit.samples import MESSAGES

KEY, OTHER = "0x5eed", "0x5eee"
SOURCES = Path(__file__).parent / "c"


@pytest.fixture
def msqid(objects: Objects) -> int:
    return objects.queue(0x5EED)


@pytest.fixture
def errors() -> Iterator[IO[bytes]]:
    """A file for what is written to standard error."""
    with TemporaryFile() as file:
        yield file


# -- What was taken is written, or goes back.


def sender(msqid: int, count: int, size: int) -> int:
    """Start a process that sends numbered messages; its pid."""
    child = os.fork()
    if child == 0:
        try:
            for number in range(count):
                body = f"{number} ".encode() + b"x" * size
                while True:
                    try:
                        send(msqid, body)
                        break
                    except OSError:
                        time.sleep(0.0005)
        except BaseException:
            os._exit(1)
        os._exit(0)
    return child


def numbers(text: bytes) -> list[int]:
    return [int(line.split()[0]) for line in text.split(b"\n") if line.strip()]


def read_some(descriptor: int, seconds: float) -> bytes:
    """What comes within that time; then the reader goes away."""
    end, text = time.monotonic() + seconds, b""
    os.set_blocking(descriptor, False)
    while time.monotonic() < end:
        try:
            text += os.read(descriptor, 65536)
        except BlockingIOError:
            time.sleep(0.0005)
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
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_no_message_is_lost_to_a_signal(msqid: int, way: list[str], name: str, size: int) -> None:
    """In all, some hundreds of runs, each of which is signalled at a random moment."""
    count, ends = 40, Counter[int]()
    for _ in range(12):
        source = sender(msqid, count, size)
        read, write = os.pipe()
        with TemporaryFile() as errors:
            child = fork("recv", KEY, *way, stdin=0, stdout=write, stderr=errors.fileno())
            os.close(write)
            time.sleep(random.uniform(0.001, 0.02))
            os.kill(child, signal.Signals[name])
            with os.fdopen(read, "rb") as stream:
                text = stream.read()
            ends[os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])] += 1
            left = drained(msqid, source) + told(errors)
        assert text == b"" or text.endswith(b"\n"), "no message in part"
        assert Counter(numbers(text) + left) == Counter(range(count))
    assert set(ends) <= {0, -signal.Signals[name]}


def told(errors: IO[bytes]) -> list[int]:
    """The numbers of the messages that were refused by the queue, which was full again."""
    errors.seek(0)
    lines = errors.read().decode().splitlines()
    return [int(json.loads(line)["data"].split()[0]) for line in lines if line.startswith("{")]


def drained(msqid: int, source: int) -> list[int]:
    """The numbers of the messages on the queue, once their sender has sent all."""
    left: list[int] = []
    done = False
    while not done:
        done = os.waitpid(source, os.WNOHANG) != (0, 0)
        left += [int(body.split()[0]) for _, body in receive_all(msqid)]
    return left


@pytest.mark.parametrize("size", [0, 3000, 6000])
@pytest.mark.parametrize("way", [WAYS["follow"], WAYS["many"]], ids=["follow", "many"])
def test_no_message_is_lost_to_a_reader_that_goes(msqid: int, way: list[str], size: int) -> None:
    """What the pipe took is delivered; so the test reads what the pipe still holds, too."""
    for _ in range(12):
        count = 40
        source = sender(msqid, count, size)
        read, write = os.pipe()
        spy = os.dup(read)
        with TemporaryFile() as errors:
            child = fork("recv", KEY, *way, stdin=0, stdout=write, stderr=errors.fileno())
            os.close(write)
            text = read_some(read, random.uniform(0.001, 0.02))
            os.close(read)
            os.kill(child, signal.SIGSTOP)  # so that the pipe can be emptied behind its back
            os.waitpid(child, os.WUNTRACED)
            text += read_some(spy, 0.002)
            os.close(spy)
            os.kill(child, signal.SIGCONT)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGPIPE
            left = drained(msqid, source) + told(errors)
        whole, _, _ = text.rpartition(b"\n")
        assert Counter(numbers(whole) + left) == Counter(range(count))


@pytest.mark.parametrize("way", [["-F"], ["-n", "100000"]])
@pytest.mark.parametrize("size", [10, 6000])
def test_a_reader_that_does_not_read(
    msqid: int, way: list[str], size: int, errors: IO[bytes]
) -> None:
    """It takes no more than the pipe holds, and a signal ends it all the same."""
    read, write = os.pipe()
    child = fork("recv", KEY, *way, stdin=0, stdout=write, stderr=errors.fileno())
    os.close(write)
    sent = refusals = 0
    while refusals < 20:  # in a row: the pipe and the queue are full
        try:
            send(msqid, f"{sent} ".encode() + b"x" * size)
            sent, refusals = sent + 1, 0
        except OSError:
            refusals += 1
            time.sleep(0.01)
    start = time.monotonic()
    os.kill(child, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
    assert time.monotonic() - start < 3
    with os.fdopen(read, "rb") as stream:
        whole, _, _ = stream.read().rpartition(b"\n")
    left = [int(body.split()[0]) for _, body in receive_all(msqid)] + told(errors)
    assert Counter(numbers(whole) + left) == Counter(range(sent))


def test_a_waiting_recv_ends_when_its_reader_goes(msqid: int) -> None:
    read, write = os.pipe()
    child = fork("recv", KEY, "-F", stdin=0, stdout=write, stderr=2)
    os.close(write)
    time.sleep(0.3)
    os.close(read)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGPIPE
    send(msqid, b"a")
    assert receive_all(msqid) == [(1, b"a")]


def test_no_reader_from_the_start(msqid: int) -> None:
    for args in ([], ["-F"], ["-a"], ["-n", "5"]):
        send(msqid, b"a")
        read, write = os.pipe()
        os.close(read)
        child = fork("recv", KEY, *args, stdin=0, stdout=write, stderr=2)
        os.close(write)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGPIPE
        assert receive_all(msqid) == [(1, b"a")]


def started_send() -> tuple[int, int, int]:
    """Start a send of lines: its pid, where to write them to, and where it speaks."""
    read, write = os.pipe()
    err_read, err_write = os.pipe()
    child = fork("send", KEY, "-l", stdin=read, stdout=1, stderr=err_write)
    os.close(read)
    os.close(err_write)
    return child, write, err_read


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_send_says_exactly_how_many_went(msqid: int, name: str) -> None:
    """The signal comes while it sends, and while it waits for more to send."""
    for _ in range(25):
        child, write, err_read = started_send()
        os.write(write, b"".join(b"%d\n" % number for number in range(3000)))
        time.sleep(random.uniform(0, 0.01))
        os.kill(child, signal.Signals[name])
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.close(write)
        with os.fdopen(err_read) as stream:
            words = stream.read()
        sent = [int(body) for _, body in receive_all(msqid)]
        assert sent == list(range(len(sent)))
        assert status == -signal.Signals[name]
        if words:  # otherwise it came before the program had begun
            account = {0: "nothing was sent", 1: "1 message was sent"}
            expected = account.get(len(sent), f"{len(sent)} messages were sent")
            assert words.endswith(f"; {expected}\n")
        else:
            assert not sent


# -- Nothing waits for what never comes.


def ends_by_sigterm(child: int, *, after: float = 0.3) -> None:
    time.sleep(after)
    os.kill(child, signal.SIGTERM)
    start = time.monotonic()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
    assert time.monotonic() - start < 3


def test_a_fifo_without_a_writer(msqid: int, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    ends_by_sigterm(fork("send", KEY, "-F", str(fifo), stdin=0, stdout=1, stderr=2))


def test_many_that_share_an_input(msqid: int, errors: IO[bytes]) -> None:
    """One line wakes all of them, and all but one find nothing left to read."""
    for _ in range(5):
        read, write = os.pipe()
        children = [
            fork("send", KEY, "-l", stdin=read, stdout=1, stderr=errors.fileno()) for _ in range(4)
        ]
        os.close(read)
        time.sleep(0.1)
        os.write(write, b"a\n")
        for child in children:
            ends_by_sigterm(child, after=0.02)
        os.close(write)
        assert receive_all(msqid) == [(1, b"a")]


@pytest.mark.parametrize("command", ["send", "recv"])
def test_a_stalled_standard_error(msqid: int, command: str) -> None:
    """What is to be said there cannot be said, and that keeps no signal from ending it."""
    read, write = full_pipe()
    source, sink = os.pipe()
    args = ("send", KEY, "-l") if command == "send" else ("recv", KEY)
    child = fork(*args, stdin=source, stdout=write, stderr=write)
    time.sleep(0.3)
    os.kill(child, signal.SIGTERM)
    time.sleep(0.2)
    ended, status = os.waitpid(child, os.WNOHANG)
    if not ended:  # it waits to tell how many were sent, and the second signal is enough
        os.kill(child, signal.SIGTERM)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGTERM
    for descriptor in (read, write, source, sink):
        os.close(descriptor)


def test_a_stalled_terminal_for_both_streams(msqid: int) -> None:
    """The message that was begun goes back, although there is no place to say so."""
    read, write = os.pipe()
    os.write(write, b"x" * 61440)  # which leaves a page
    send(msqid, b"y" * 8000)
    child = fork("recv", KEY, stdin=0, stdout=write, stderr=write)
    os.close(write)
    ends_by_sigterm(child)
    os.close(read)
    assert receive_all(msqid) == [(1, b"y" * 8000)]


def open_pty() -> tuple[int, int]:
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    return ours, theirs


def open_fifo(tmp_path: Path) -> tuple[int, int]:
    os.mkfifo(tmp_path / "fifo")
    ours = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    return ours, os.open(tmp_path / "fifo", os.O_WRONLY)


@pytest.mark.parametrize("kind", ["pipe", "fifo", "pty"])
def test_many_that_share_an_output(
    msqid: int, kind: str, tmp_path: Path, errors: IO[bytes]
) -> None:
    """All see the same room, and one takes it; the others put back what they have."""
    if kind == "pty":
        read, write = open_pty()
    else:
        read, write = os.pipe() if kind == "pipe" else open_fifo(tmp_path)
        os.write(write, b"x" * 61440 + b"\n")  # which leaves less than a page and a page
    children = [
        fork("recv", KEY, "-F", stdin=0, stdout=write, stderr=errors.fileno()) for _ in range(3)
    ]
    time.sleep(0.3)
    for number in range(6):
        send(msqid, f"{number} ".encode() + b"y" * 2000)
    time.sleep(0.3)
    for child in children:
        os.kill(child, signal.SIGTERM)
    start = time.monotonic()
    for child in children:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
    assert time.monotonic() - start < 5
    text = read_some(read, 0.2).partition(b"x\n")[2] if kind != "pty" else read_some(read, 0.2)
    os.close(read)
    os.close(write)
    if kind == "pty":  # of which nobody can tell where a message was torn
        receive_all(msqid)
        return
    left = [int(body.split()[0]) for _, body in receive_all(msqid)] + told(errors)
    assert sorted(numbers(text) + left) == list(range(6))


def test_a_message_that_is_torn_is_told(msqid: int, errors: IO[bytes]) -> None:
    read, write = os.pipe()
    os.write(write, b"x" * 61440)
    send(msqid, b"y" * 8000)
    child = fork("recv", KEY, stdin=0, stdout=write, stderr=errors.fileno())
    os.close(write)
    ends_by_sigterm(child)
    os.close(read)
    errors.seek(0)
    assert errors.read() == b"pyipcs: the output ends within a message\n"
    assert receive_all(msqid) == [(1, b"y" * 8000)]


def test_a_file_that_cannot_grow(msqid: int, tmp_path: Path) -> None:
    send(msqid, b"y" * 3000)
    script = f"ulimit -f 1; trap '' XFSZ; {PYIPCS} recv {KEY} > {tmp_path / 'file'}"
    assert run("bash", "-c", script).err == (
        "pyipcs: the output ends within a message\npyipcs: write error: File too large\n"
    )
    assert receive_all(msqid) == [(1, b"y" * 3000)]


def test_two_signals_at_once_leave_the_account(msqid: int) -> None:
    for _ in range(15):
        child, write, err_read = started_send()
        os.write(write, b"a\nb\n")
        while int(row(Kind.QUEUE, msqid)["qnum"]) < 2:
            time.sleep(0.001)
        os.kill(child, signal.SIGTERM)
        time.sleep(random.uniform(0, 0.0015))
        os.kill(child, signal.SIGHUP)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) in {-1, -15}
        os.close(write)
        with os.fdopen(err_read) as stream:
            assert "; 2 messages were sent\n" in stream.read()
        receive_all(msqid)


def test_what_is_refused_half_way_says_how_far_it_was(msqid: int) -> None:
    strace = need_tool("strace")
    for width, inject, words in (
        (6000, "clone,clone3:error=EAGAIN", "waiting takes a thread: can't start new thread"),
        (60, "poll:error=ENOMEM:when=2+", "Cannot allocate memory"),
    ):
        command = f"{strace} -f -o /dev/null -e inject={inject} {PYIPCS} send {KEY} -l"
        result = run("bash", "-c", f"printf '%0{width}d\\n' 1 2 3 4 5 | {command}")
        sent = len(receive_all(msqid))
        assert result == (1, "", f"pyipcs: {words}; {sent} messages were sent\n")


def test_a_put_back_that_is_refused_is_not_called_one(objects: Objects, msqid: int) -> None:
    send(msqid, b"ab", 3)
    strace = need_tool("strace")
    inject = ["-o", "/dev/null", "-e", "inject=msgsnd:error=EACCES"]
    assert run(strace, *inject, PYIPCS, "recv", KEY, "--unpack", "i") == (
        1,
        "",
        "pyipcs: 0x5eed: Permission denied; what could not be put back:\n"
        '{"type": 3, "size": 2, "data": "ab"}\n'
        "pyipcs: 0x5eed: the message has 2 bytes, i has 4\n",
    )


def test_messages_without_text_do_not_pile_up(msqid: int) -> None:
    receiver = subprocess.Popen([PYIPCS, "recv", KEY, "-n", "200000", "-f", "raw"])
    source = subprocess.Popen([PYIPCS, "send", KEY, "-l"], stdin=subprocess.PIPE)
    assert source.stdin
    source.stdin.write(b"\n" * 150_000)
    source.stdin.flush()
    settle(msqid)
    assert peak(receiver.pid) < 20_000
    for process in (source, receiver):
        process.kill()
        process.communicate()


def test_standard_error_that_does_not_wait(msqid: int) -> None:
    """What cannot be put back is told even so, once there is room for it."""
    full, write = os.pipe()
    os.set_blocking(write, False)
    os.write(write, b"x" * 65536)
    send(msqid, b"precious", 9)
    fill = f"head -c 8192 /dev/zero | {PYIPCS} send {KEY}; {PYIPCS} send {KEY} {'x' * 8185}; exit 4"
    child = fork("recv", KEY, "--exec", fill, stdin=0, stdout=1, stderr=write)
    os.close(write)
    while int(row(Kind.QUEUE, msqid)["qnum"]) < 2:
        time.sleep(0.01)
    time.sleep(0.2)
    with os.fdopen(full, "rb") as stream:
        said = stream.read().lstrip(b"x")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 4
    assert json.loads(said.splitlines()[1])["data"] == "precious"


def test_streams_of_the_wrong_direction(msqid: int) -> None:
    send(msqid, b"a")
    for script, words in (
        (f"{PYIPCS} recv {KEY} 1</dev/null", "standard output is not open for writing"),
        (f"{PYIPCS} send {KEY} -l 0>/dev/null", "standard input is not open for reading"),
        (f"{PYIPCS} send {KEY} -l 0> >(cat)", "standard input is not open for reading"),
        (f"{PYIPCS} send {KEY} -l <&-", "standard input is closed"),
        (f"{PYIPCS} send {KEY} -F ''", "'': No such file or directory"),
    ):
        assert run("bash", "-c", script) == (1, "", f"pyipcs: {words}\n")
    assert receive_all(msqid) == [(1, b"a")]


def test_no_thread_to_wait_with(msqid: int) -> None:
    strace = need_tool("strace")
    refuse = ["-f", "-o", "/dev/null", "-e", "inject=clone,clone3:error=EAGAIN"]
    result = run(strace, *refuse, PYIPCS, "recv", KEY, "--timeout", "1")
    assert (result.status, result.err.count("\n")) == (1, 1)
    assert "waiting takes a thread" in result.err


def test_a_refused_file_is_left_as_it_was(msqid: int, tmp_path: Path) -> None:
    (tmp_path / "lines").write_text(f"a\nb\n{'x' * 9000}\n")
    script = f"{{ read -r first; {PYIPCS} send {KEY} -l; read -r second; echo $first $second; }}"
    result = run("bash", "-c", f"{script} < {tmp_path / 'lines'}")
    assert result.out == "a b\n"
    assert "line 2" in result.err
    assert receive_all(msqid) == []


def test_without_proc() -> None:
    """No pipe can be opened again, and no process looked at; all works but for that."""
    unshare = need_tool("unshare")
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
    fresh = [unshare, *rights, "--mount", "--ipc", "sh", "-c", script]
    assert run(*fresh) == (0, "1\n2\n3\n2\n3\n", "")


# -- A queue can be dumped and put back.


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(MESSAGES, max_size=15))
def test_dump_and_refill(
    objects: Objects, queues: tuple[int, int], messages: list[tuple[int, bytes]]
) -> None:
    first, second = queues
    for msqid in queues:
        receive_all(msqid)
    for type_, body in messages:
        send(first, body, type_)
    before = row(Kind.QUEUE, first)
    shown = forked("recv", "--peek", "-a", "-f", "json", KEY)
    assert row(Kind.QUEUE, first) == before
    dump = forked("recv", "-a", "-f", "json", KEY)
    assert dump == shown
    assert dump.status == 0
    assert forked("send", "--json", OTHER, data=dump.out.encode()) == (0, "", "")
    assert receive_all(second) == messages


@pytest.fixture
def queues(objects: Objects) -> tuple[int, int]:
    return objects.queue(0x5EED), objects.queue(0x5EEE)


def test_a_pipe_from_queue_to_queue(queues: tuple[int, int]) -> None:
    messages = [(number % 7 + 1, os.urandom(number)) for number in range(100)]
    for type_, body in messages:
        send(queues[0], body, type_)
    pipe = f"{PYIPCS} recv -a -f json {KEY} | {PYIPCS} send --json {OTHER}"
    assert run("bash", "-c", f"set -o pipefail; {pipe}") == (0, "", "")
    assert receive_all(queues[1]) == messages


def test_memory_does_not_grow_with_the_number_of_messages(msqid: int) -> None:
    receiver = subprocess.Popen([PYIPCS, "recv", KEY, "-F"], stdout=subprocess.DEVNULL)
    source = subprocess.Popen([PYIPCS, "send", KEY, "-l"], stdin=subprocess.PIPE)
    assert source.stdin
    peaks = []
    try:
        for count in (20_000, 300_000):
            for number in range(count):
                source.stdin.write(b"%d\n" % number)
            source.stdin.write(b"last\n")
            source.stdin.flush()
            settle(msqid)
            peaks.append([peak(process.pid) for process in (source, receiver)])
    finally:
        for process in (source, receiver):
            process.kill()
            process.communicate()
    for before, after in zip(*peaks, strict=True):
        assert after - before < 1024


def settle(msqid: int) -> None:
    """Wait until nothing happens on a queue any more."""
    quiet = 0
    while quiet < 20:
        quiet = quiet + 1 if row(Kind.QUEUE, msqid)["qnum"] == "0" else 0
        time.sleep(0.01)


def peak(pid: int) -> int:
    """The most memory that a process ever had, in KiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


# -- Programs in C.


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Compiles a C program, and returns its path."""
    folder = tmp_path_factory.mktemp("c")

    def compile_(name: str) -> str:
        compiler = need_tool("cc")
        path = folder / name
        subprocess.run([compiler, "-o", path, SOURCES / f"{name}.c"], check=True)
        return str(path)

    return compile_


def test_a_struct(msqid: int, compiled: Callable[[str], str]) -> None:
    program = compiled("struct")
    for number in ("42", "-2147483648", "2147483647"):
        assert run(program, "send", KEY, number).status == 0
        assert pyipcs("recv", KEY, "--unpack", "i") == (0, f"{number}\n", "")
        assert pyipcs("send", KEY, "--pack", "i", number) == (0, "", "")
        assert run(program, "recv", KEY) == (0, f"{number}\n", "")


def test_strings_with_their_nul(msqid: int, compiled: Callable[[str], str]) -> None:
    program = compiled("string")
    assert run(program, "send", KEY, "hello, world").status == 0
    assert pyipcs("recv", KEY) == (0, "hello, world\n", "")
    assert pyipcs("send", KEY, "-z", "hello, world") == (0, "", "")
    assert run(program, "recv", KEY) == (0, "hello, world\n", "")


def test_the_textbooks_priority_queue(msqid: int, compiled: Callable[[str], str]) -> None:
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


def test_an_answering_server(msqid: int, compiled: Callable[[str], str]) -> None:
    script = SERVER.format(key=KEY)
    path = f"{Path(PYIPCS).parent}:{os.environ['PATH']}"
    server = subprocess.Popen(
        ["bash", "-c", script], env={**os.environ, "PATH": path}, start_new_session=True
    )
    try:
        assert run(compiled("client"), KEY, "5", "-8", "100") == (0, "13\n0\n108\n", "")
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def test_a_peer_that_is_faster_and_one_that_is_slower(
    msqid: int, compiled: Callable[[str], str]
) -> None:
    program = compiled("lines")
    lines = "".join(f"{number}\n" for number in range(20_000))
    for source, sink in (
        (f"{program} send {KEY}", f"{PYIPCS} recv {KEY} -n 20000"),
        (f"{PYIPCS} send {KEY} -l", f"{program} recv {KEY} 20000"),
        (f"{PYIPCS} send {KEY} -l --timeout 20", f"{PYIPCS} recv {KEY} -n 20000 --timeout 20"),
    ):
        script = f"seq 0 19999 | {source} & {sink}; status=$?; wait $! && exit $status"
        assert run("bash", "-c", script) == (0, lines, "")


@pytest.mark.parametrize("args", ["send {} a", "recv {}"])
def test_a_signal_that_comes_when_all_is_done_comes_too_late(
    args: str, msqid: int, tmp_path: Path
) -> None:
    """Death by a signal without a word is that nothing was sent, or was taken."""
    strace, trace = need_tool("strace"), tmp_path / "trace"
    words = args.format(KEY).split()
    send(msqid, b"a")
    assert run(strace, "-o", str(trace), "-e", "close", PYIPCS, *words).status == 0
    # The last of all is that of what told the program of signals.
    last = trace.read_text().count("close(")
    send(msqid, b"a")
    inject = ["-e", "trace=close", "-e", f"inject=close:signal=TERM:when={last}"]
    out = "a\n" if words[0] == "recv" else ""
    assert run(strace, "-o", os.devnull, *inject, PYIPCS, *words) == (0, out, "")
