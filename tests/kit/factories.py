"""Objects with a known past, and processes that use objects."""

import os
import select
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pyipcs.model import Kind
from tests.kit.kernel import IPC_CREAT, IPC_EXCL, IS_ROOT, Objects, libc, operate, send
from tests.kit.program import PYIPCS, need_tool
from tests.kit.wait import LIMIT, wait_for_state, wait_until, wait_until_idle, wakeups

_NEW = IPC_CREAT | IPC_EXCL
# System calls that wait on an object: of x86-64, aarch64 and i386.
_WAITING_CALLS = (
    *("65 ", "69 ", "70 ", "220 ", "242 ", "243 "),
    *("188 ", "189 ", "192 ", "193 ", "182 ", "183 "),
    *("117 ", "401 "),
)
# The start of the scripts of `scripted`.
_PRELUDE = """
import ctypes, os, sys, threading, time
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
room = ctypes.create_string_buffer(99)
"""


def fork_child(act: Callable[[], object]) -> int:
    """Start a process that calls a function; return its pid.

    Its exit status is 0 if the function returns, 1 if it raises.
    """
    child = os.fork()
    if child == 0:
        status = 1
        try:
            act()
            status = 0
        finally:
            os._exit(status)
    return child


def departed(act: Callable[[], object]) -> None:
    """Call a function in a process that is gone afterwards.

    Raises:
        ChildProcessError: the function failed.
    """
    child = fork_child(act)
    if os.waitpid(child, 0)[1]:
        raise ChildProcessError(f"{act}")


def created_by_departed(create: Callable[[], int]) -> int:
    """Return the id of an object that a process created which is gone."""
    read, write = os.pipe()
    departed(lambda: os.write(write, b"%d" % create()))
    os.close(write)
    with open(read, "rb") as pipe:  # noqa: PTH123 - a descriptor
        return int(pipe.read())


def leaked_segment(objects: Objects, key: int = 0, *, used: bool = True, mode: int = 0o600) -> int:
    """Return a segment whose creator is gone: orphaned, or unknown if unused.

    Args:
        objects: removes it.
        key: its key.
        used: whether the creator attached it.
        mode: its permission bits.
    """

    def create() -> int:
        shmid = int(libc.shmget(key, 4096, _NEW | mode))
        if used:
            # Detached by its creator: at an exit, a reader of its maps may detach it later.
            libc.shmdt(libc.shmat(shmid, None, 0))
        return shmid

    return objects.adopt(Kind.SEGMENT, created_by_departed(create))


def suspect_queue(objects: Objects, key: int = 0, *, mode: int = 0o600) -> int:
    """Return a queue with one message whose creator and sender is gone."""

    def create() -> int:
        msqid = int(libc.msgget(key, _NEW | mode))
        send(msqid, b"x")
        return msqid

    return objects.adopt(Kind.QUEUE, created_by_departed(create))


def suspect_set(objects: Objects, key: int = 0, *, nsems: int = 1, mode: int = 0o600) -> int:
    """Return a set with the value 1 whose creator and last user is gone."""

    def create() -> int:
        semid = int(libc.semget(key, nsems, _NEW | mode))
        operate(semid, 1)
        return semid

    return objects.adopt(Kind.SEMAPHORE, created_by_departed(create))


@contextmanager
def running(*command: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process with its output in a pipe, and kill it at the end."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait(LIMIT)
        # Not to their end: a process that outlives this one may keep them open.
        for stream in filter(None, (process.stdin, process.stdout, process.stderr)):
            with suppress(OSError):
                stream.close()


@contextmanager
def scripted(
    script: str, before: Sequence[str] = (), **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Python script with names for system calls.

    It has libc, a buffer `room`, and the modules ctypes, os, sys, threading and time.
    """
    with running(*before, sys.executable, "-c", _PRELUDE + script, **options) as process:
        yield process


@contextmanager
def in_other_namespace(*options: str) -> Iterator[int]:
    """Run a process in another IPC namespace with objects; yield its pid.

    Args:
        options: the options of `pyipcs make`.
    """
    rights = [] if IS_ROOT else ["--user", "--map-current-user"]
    make = f"{shlex.join([PYIPCS, 'make', *options])} >&2 && echo ready && exec sleep 600"
    unshare = [need_tool("unshare"), *rights, "--ipc"]
    with running(*unshare, "sh", "-c", make, stderr=subprocess.DEVNULL) as process:
        assert read_line(process) == "ready\n"
        wait_until(lambda: Path(f"/proc/{process.pid}/comm").read_text() == "sleep\n")
        yield process.pid


@contextmanager
def attaching(shmid: int, *flags: int, **options: Any) -> Iterator[int]:
    """Run a process that attaches a segment with each flag; yield its pid."""
    attach = f"for flags in {flags or (0,)}: libc.shmat({shmid}, None, flags)\n"
    with scripted(f"{attach}print(flush=True)\ntime.sleep(600)", **options) as process:
        read_line(process)
        yield process.pid


@contextmanager
def waiting(call: str, **options: Any) -> Iterator[int]:
    """Run a process that waits in a call; yield its pid.

    A call is written as `msgrcv(0, room, 9, 0, 0)`.
    """
    with scripted(f"libc.{call}", **options) as process:
        wait_until(lambda: in_waiting_call(process.pid))
        yield process.pid


def in_waiting_call(pid: int) -> bool:
    """Return True if a process is in a call that waits on an object."""
    return Path(f"/proc/{pid}/syscall").read_text().startswith(_WAITING_CALLS)


def read_line(process: subprocess.Popen[bytes]) -> str:
    """Read a line that a process prints, or what it printed when it ended.

    Raises:
        TimeoutError: no line came within the limit.
    """
    assert process.stdout
    descriptor, line, end = process.stdout.fileno(), b"", time.monotonic() + LIMIT
    while not line.endswith(b"\n"):
        if not select.select([descriptor], [], [], max(0, end - time.monotonic()))[0]:
            raise TimeoutError(f"no line from {process.args!r} within {LIMIT:g} s: {line!r}")
        if not (byte := os.read(descriptor, 1)):  # only the line: another reader may get the rest
            break
        line += byte
    return line.decode()


def thread_in_waiting_call(pid: int) -> bool:
    """Return True if a thread is in a call that waits on an object."""
    for path in Path(f"/proc/{pid}/task").glob("*/syscall"):
        with suppress(OSError):  # the thread ended
            if path.read_text().startswith(_WAITING_CALLS):
                return True
    return False


def check_sleep_and_stop(process: subprocess.Popen[bytes]) -> None:
    """Check that a waiting process uses no CPU, and that it waits again after it was stopped."""
    wait_until_idle(process.pid)
    before = wakeups(process.pid)
    time.sleep(0.3)
    assert wakeups(process.pid) == before
    process.send_signal(signal.SIGSTOP)
    wait_for_state(process.pid, "T")
    process.send_signal(signal.SIGCONT)
    wait_for_state(process.pid, "S")


def waiting_threads(pid: int) -> int:
    """Count the threads of a process in calls that wait on an object."""
    count = 0
    for path in Path(f"/proc/{pid}/task").glob("*/syscall"):
        with suppress(OSError):  # the thread ended
            count += path.read_text().startswith(_WAITING_CALLS)
    return count


def ask_departed(ask: Callable[[], str]) -> str:
    """Return what a function returns in a process that is gone afterwards."""
    read, write = os.pipe()
    departed(lambda: os.write(write, ask().encode()))
    os.close(write)
    with open(read, "rb") as pipe:  # noqa: PTH123 - a descriptor
        return pipe.read().decode()
