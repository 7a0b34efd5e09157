"""POSIX messages between processes: interrupted calls, waits, and peers in C and posix_ipc."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kit.factories import read_line, running, thread_in_waiting_call
from tests.kit.mqueue import attributes, queue, receive_messages, send_message
from tests.kit.program import PYIPCS, pyipcs, run
from tests.kit.wait import LIMIT, wait_until

NAME = "/pyipcs-talk"
SIZES = (10, 8192)

pytestmark = pytest.mark.usefixtures("own_mqueue")


@pytest.fixture
def made() -> Iterator[int]:
    with queue(NAME, 0o600, SIZES) as descriptor:
        yield descriptor


@pytest.mark.tools("strace")
@pytest.mark.parametrize(
    ("call", "args", "out"),
    [("mq_timedsend", "send {} b", ""), ("mq_timedreceive", "recv {} --nowait", "a\n")],
)
def test_send_and_recv_interrupted_before_they_wait_continue(
    made: int, call: str, args: str, out: str
) -> None:
    """The kernel reports EINTR for a pending signal even if the call may not wait."""
    send_message(made, b"a")
    inject = ["-o", os.devnull, "-e", f"trace={call}", "-e", f"inject={call}:error=EINTR:when=1"]
    assert run("strace", *inject, PYIPCS, *args.format(NAME).split()) == (0, out, "")
    assert attributes(made).qnum == (0 if out else 2)


def test_recv_waiting_on_posix_queue_uses_little_cpu(made: int) -> None:
    """It checks for a removal twice a second."""
    with running(PYIPCS, "recv", NAME, "-F") as process:
        wait_until(lambda: thread_in_waiting_call(process.pid))
        before = cpu_seconds(process.pid)
        time.sleep(1)
        assert cpu_seconds(process.pid) - before < 0.1


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# -- Programs in C, and Python's posix_ipc.


@pytest.fixture
def program(compiled: Callable[[str], str]) -> str:
    """Return the path of tests/c/mqueue.c, compiled."""
    return compiled("mqueue")


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
