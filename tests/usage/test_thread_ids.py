"""Threads on record: the kernel records the thread that waited in msgrcv(2) for a message."""

import csv
import io
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyipcs.model import Kind
from pyipcs.usage.processes import Process, command_line, recorded
from tests.kit.factories import departed, read_line, scripted, thread_in_waiting_call
from tests.kit.kernel import Objects, row, send
from tests.kit.program import invoke
from tests.kit.terminal import picture, table_of
from tests.kit.wait import wait_until

# A thread with a name of its own receives a message, and ends when a byte comes from a pipe.
_RECEIVER = """
def receive():
    libc.prctl(15, b"worker")
    libc.msgrcv({msqid}, room, 9, 0, 0)
    print(threading.get_native_id(), flush=True)
    os.read({stop}, 1)

thread = threading.Thread(target=receive, daemon=True)
thread.start()
thread.join()
print("ended", flush=True)
time.sleep(600)
"""


class Receiver:
    """A process with a thread that waited for a message and received it."""

    def __init__(self, pid: int, thread: int) -> None:
        self.pid = pid
        self.thread = thread
        self.name = Path(f"/proc/{pid}/comm").read_text().removesuffix("\n")


@contextmanager
def received_by_thread(msqid: int, *, ended: bool = False) -> Iterator[Receiver]:
    """Run a process with a thread that receives a message whose sender is gone.

    Args:
        msqid: the queue.
        ended: True if the thread ends afterwards.
    """
    stop, end = os.pipe()
    try:
        with scripted(_RECEIVER.format(msqid=msqid, stop=stop), pass_fds=[stop]) as process:
            wait_until(lambda: thread_in_waiting_call(process.pid))
            departed(lambda: send(msqid))
            receiver = Receiver(process.pid, int(read_line(process)))
            if ended:
                os.write(end, b"x")
                assert read_line(process) == "ended\n"
                wait_until(lambda: not Path(f"/proc/{receiver.thread}").exists())
            yield receiver
    finally:
        os.close(stop)
        os.close(end)


def usage_columns(msqid: int) -> dict[str, str]:
    """Return STATE and REASON of a queue."""
    done = invoke("list", "-q", "-o", "ID,STATE,REASON", "-f", "csv")
    rows = {found["ID"]: found for found in csv.DictReader(io.StringIO(done.out))}
    return rows[str(msqid)]


def test_recorded_thread_is_its_process(objects: Objects) -> None:
    with received_by_thread(objects.queue()) as receiver:
        now = int(time.time())
        assert receiver.thread != receiver.pid
        assert recorded(receiver.thread, now) == Process(receiver.pid, True, receiver.name)
        assert command_line(receiver.thread, now) == command_line(receiver.pid, now)


def test_recorded_thread_that_started_later_is_gone(objects: Objects) -> None:
    """Its number was that of another thread or process before."""
    before = int(time.time()) - 10
    with received_by_thread(objects.queue()) as receiver:
        assert recorded(receiver.thread, before) == Process(receiver.thread, False)


def test_recorded_thread_that_ended_is_gone(objects: Objects) -> None:
    """The kernel does not map its number to its process."""
    with received_by_thread(objects.queue(), ended=True) as receiver:
        now = int(time.time())
        assert recorded(receiver.thread, now) == Process(receiver.thread, False)
        assert recorded(receiver.pid, now).alive


def test_recorded_thread_that_outlives_the_first_is_its_process(objects: Objects) -> None:
    """A process whose first thread has ended shows as a zombie and lives."""
    number = 60 if os.uname().machine == "x86_64" else 93  # exit(2), of one thread
    script = (
        "def act():\n"
        "    print(threading.get_native_id(), flush=True)\n"
        "    time.sleep(600)\n"
        f"threading.Thread(target=act).start()\nlibc.syscall({number}, 0)"
    )
    with scripted(script) as process:
        thread = int(read_line(process))
        stat = Path(f"/proc/{process.pid}/stat")
        wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "Z")
        found = recorded(thread, int(time.time()))
        assert (found.pid, found.alive) == (process.pid, True)


def test_state_of_a_queue_received_by_a_thread_is_in_use(isolated: None, objects: Objects) -> None:
    msqid = objects.queue()
    with received_by_thread(msqid) as receiver:
        assert row(Kind.QUEUE, msqid)["lrpid"] == str(receiver.thread), "what this is about"
        found = usage_columns(msqid)
        assert found["STATE"] == "in-use"
        named = f"{receiver.pid} ({receiver.name})"
        assert found["REASON"] == f"its last receiver, {named}, lives"
        assert f"Last recv by proc {named} " in invoke("stat", str(msqid)).out
    assert usage_columns(msqid)["STATE"] != "in-use", "the process is gone"


def test_table_of_a_queue_received_by_a_thread_names_the_process(
    isolated: None, objects: Objects
) -> None:
    msqid = objects.queue()
    with received_by_thread(msqid) as receiver:
        (queue,) = table_of(picture("list", "-q", width=200), "Message queues (1)")
        assert queue["LRPID"] == f"{receiver.pid} {receiver.name}"


@pytest.mark.parametrize("format_", ["csv", "json"])
def test_lrpid_of_a_thread_is_the_kernels_for_programs(
    isolated: None, objects: Objects, format_: str
) -> None:
    msqid = objects.queue()
    with received_by_thread(msqid) as receiver:
        done = invoke("list", "-q", "-o", "LRPID", "-f", format_, "--noheadings")
        assert str(receiver.thread) in done.out
