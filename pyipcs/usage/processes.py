"""Which processes the kernel's records name, and whether they still live."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import NamedTuple

# The records have whole seconds, so that a process may seem to begin after what it did.
_MARGIN = 2.0


class Process(NamedTuple):
    """A process on record.

    Attributes:
        pid: its number; 0 is none, or one of another PID namespace. Where the record has the
            number of a living thread, it is that of the thread's process.
        alive: whether it lives; None where that cannot be told.
        command: its name (proc_pid_comm(5)) while it lives, if that can be read.
    """

    pid: int
    alive: bool | None
    command: str | None = None

    @property
    def named(self) -> str:
        """Its pid, and its name if that is known, on one line."""
        return named(self.pid, self.command)


def named(pid: int, command: str | None) -> str:
    """A process by its pid and its name, with which it could write lines of its own."""
    if command is None:
        return str(pid)
    name = command.replace("\n", "\\n")
    return f"{pid} ({name})"


def recorded(pid: int, when: int) -> Process:
    """The process that had this pid at this time, in seconds since the epoch.

    A process that has begun since then got the number after it. One that has ended and that its
    parent has not yet asked about is gone: it uses nothing any more.

    The record has the number of a thread where msgrcv(2) waited for the message (ipc/msg.c). Such
    a thread counts as its process while it lives; afterwards nothing leads to the process.
    """
    if pid == 0:
        return Process(pid, None)
    if not proc_is_ours():
        return Process(pid, _exists(pid))
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            before, _, after = file.read().rpartition(b")")
    except OSError:
        return Process(pid, _exists(pid))
    fields = after.split()  # from the third of proc_pid_stat(5) on
    if fields[0] in {b"Z", b"X"} and fields[17] in {b"0", b"1"}:  # with no thread that goes on
        return Process(pid, alive=False)
    booted = boot_time()
    started = booted + int(fields[19]) / os.sysconf("SC_CLK_TCK")
    # A time on record from before the boot has seen the clock put forward since, and a process
    # that has yet to start comes of a time namespace: then nothing tells what was first.
    dated = when + _MARGIN > booted and started < time.time() + _MARGIN
    if dated and started > when + _MARGIN:
        return Process(pid, alive=False)
    process = _process_of(pid)
    name = os.fsdecode(before.partition(b"(")[2]) if process == pid else command_of(process)
    return Process(process, alive=True, command=name)


def _process_of(thread: int) -> int:
    """Return the process of a thread (proc_pid_status(5)); the number itself if it cannot be read.

    /proc does not list threads beside processes, and finds them all the same.
    """
    try:
        with open(f"/proc/{thread}/status", "rb") as file:
            return int(file.read().partition(b"\nTgid:")[2].split()[0])
    except (OSError, IndexError, ValueError):
        return thread


def command_line(pid: int, when: int) -> str | None:
    """The command line of the process that had this pid at this time, if it still lives.

    Its words stand with spaces between, as ps(1) shows them. A process that has none is told by
    its name, in brackets.
    """
    process = recorded(pid, when)
    if process.command is None:
        return None
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().rstrip(b"\0").replace(b"\0", b" ")
    except OSError:
        return None
    return os.fsdecode(words) if words else f"[{process.command}]"


def command_of(pid: int) -> str | None:
    """The name of a process, if it can be read."""
    try:
        with open(f"/proc/{pid}/comm", "rb") as file:
            return os.fsdecode(file.read().removesuffix(b"\n"))
    except OSError:
        return None


def read_proc(path: str) -> bytes:
    """Return a file of /proc or /sys, whose size is not known before it is read."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return b"".join(iter(lambda: os.read(descriptor, 1 << 16), b""))
    finally:
        os.close(descriptor)


def pids() -> Iterator[int]:
    """The processes that /proc shows.

    Raises:
        OSError: it cannot be read.
    """
    return map(int, filter(str.isdigit, os.listdir("/proc")))


@cache
def proc_is_ours() -> bool:
    """Whether /proc is that of the caller's PID namespace, or another, with other numbers."""
    try:
        return os.readlink("/proc/self") == str(os.getpid())
    except OSError:
        return False


def own_number() -> int | None:
    """Return the number of this process in /proc, which may be of another PID namespace."""
    try:
        return int(os.readlink("/proc/self"))
    except (OSError, ValueError):
        return None


def pid_here(number: int) -> int:
    """Return the pid in this PID namespace of a process that has another number in /proc.

    It is that number where the process has no pid here, and before Linux 4.1.
    """
    if proc_is_ours():
        return number
    depth, pids = len(_nested_pids("self")), _nested_pids(str(number))
    return pids[depth - 1] if 0 < depth <= len(pids) else number


def _nested_pids(name: str) -> list[int]:
    """Return the pids of a process from the PID namespace of /proc inwards."""
    with suppress(OSError), open(f"/proc/{name}/status", "rb") as status:
        return [*map(int, status.read().partition(b"\nNSpid:")[2].partition(b"\n")[0].split())]
    return []


def _exists(pid: int) -> bool | None:
    """Whether a process that /proc does not show has this pid; whose it is cannot be told."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return None


def boot_time() -> float:
    """When the machine started, in seconds since the epoch, by which processes are dated.

    By the clocks, which are those of the reader's own namespaces; /proc/stat may tell of others.
    """
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
