"""The processes in the kernel's records, and their existence."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache, lru_cache
from typing import NamedTuple

from pyipcs.text import one_line

# The errors of a file of /proc that cannot be read, or is not the kernel's: another file may be
# mounted over it.
UNREADABLE = (OSError, LookupError, ValueError)
# Records have whole seconds: a process can seem to start after its own action.
_MARGIN = 2.0
# Any user can give a process arguments of many GiB (PR_SET_MM_MAP, prctl(2)), and thousands of
# segments, each of which repeats them in a list.
_COMMAND_LINE_MAX = 1 << 13  # bytes


class Process(NamedTuple):
    """A process in a record.

    Attributes:
        pid: the pid; 0 is no process, or a process of another PID namespace. If the record has the
            number of a living thread, the pid is that of the thread's process.
        alive: True if the process lives; None if that is unknown.
        command: the name of the living process (proc_pid_comm(5)), if it can be read.
    """

    pid: int
    alive: bool | None
    command: str | None = None

    @property
    def named(self) -> str:
        """The pid, and the name if it is known, on one line."""
        return named(self.pid, self.command)


def named(pid: int, command: str | None) -> str:
    """Return the pid and the name of a process on one line."""
    if command is None:
        return str(pid)
    return f"{pid} ({one_line(command)})"  # a process can choose any name


@lru_cache(maxsize=4096)
def recorded(pid: int, when: int) -> Process:
    """Return the process that had a pid at a time in seconds since the epoch.

    `scan.expire` drops the cached answers. An old answer spares an object: a process that has
    exited never comes back.

    A process that started later is a different process with the same pid. A zombie counts as gone,
    because it uses nothing.

    If msgrcv(2) waited for the message, the record has the number of a thread (ipc/msg.c). While
    the thread lives, return its process; afterwards the process cannot be found.
    """
    if pid == 0:
        return Process(pid, None)
    if not proc_is_ours():
        return Process(pid, _exists(pid))
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            before, _, after = file.read().rpartition(b")")
        # The fields of proc_pid_stat(5) from the third on.
        state, threads, ticks = (after.split()[field] for field in (0, 17, 19))
        booted = boot_time()
        started = booted + int(ticks) / os.sysconf("SC_CLK_TCK")
    except UNREADABLE:
        return Process(pid, _exists(pid))
    if state in {b"Z", b"X"} and threads in {b"0", b"1"}:  # no other thread lives
        return Process(pid, alive=False)
    # The two times cannot be compared if the recorded time is before the boot (the clock was set),
    # or if the process starts in the future (time namespace).
    is_comparable = when + _MARGIN > booted and started < time.time() + _MARGIN
    if is_comparable and started > when + _MARGIN:
        return Process(pid, alive=False)
    process = thread_group(pid)
    name = os.fsdecode(before.partition(b"(")[2]) if process == pid else command_of(process)
    return Process(process, alive=True, command=name)


def thread_group(thread: int) -> int:
    """Return the process of a thread; the thread itself if it is unreadable.

    /proc does not list the directories of threads, but they can be opened (proc(5)).
    """
    try:
        with open(f"/proc/{thread}/status", "rb") as file:
            return int(file.read().partition(b"\nTgid:")[2].split()[0])
    except UNREADABLE:
        return thread


def exists(pid: int) -> bool:
    """Return False if no process or thread has a number."""
    return _exists(pid) is not False


def start_of(pid: int) -> int | None:
    """Return the start of a process in clock ticks; None if it is hidden."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except UNREADABLE:
        return None


def command_line(pid: int, when: int) -> str | None:
    """Return the command line of the process that had a pid at a time.

    The format is that of ps(1): spaces separate the words; without a command line, the name stands
    in brackets, and more than 8 KiB are cut. Return None if the process does not live.
    """
    process = recorded(pid, when)
    if process.command is None:
        return None
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read(_COMMAND_LINE_MAX).rstrip(b"\0").replace(b"\0", b" ")
    except OSError:
        return None
    return os.fsdecode(words) if words else f"[{process.command}]"


def command_of(pid: int) -> str | None:
    """Return the name of a process; None if it cannot be read."""
    try:
        with open(f"/proc/{pid}/comm", "rb") as file:
            return os.fsdecode(file.read().removesuffix(b"\n"))
    except OSError:
        return None


def status_of(pid: int) -> dict[bytes, bytes]:
    """Return the fields of a process (proc_pid_status(5)), without its name.

    The name is another text here than in `command_of`.

    Raises:
        OSError: the process has exited, or is hidden.
    """
    # A name may have a carriage return, which splitlines() takes for the end of a line.
    _name, *lines = read_proc(f"/proc/{pid}/status").split(b"\n")
    return {field: value for field, _, value in (line.partition(b":\t") for line in lines)}


def is_program(status: Mapping[bytes, bytes]) -> bool:
    """Return False for the status of a kernel thread or exiting process."""
    return b"VmSize" in status or status[b"Threads"] != b"1"


def read_proc(path: str) -> bytes:
    """Return the contents of a file of /proc or /sys.

    Such a file has no size, and is read until its end.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return b"".join(iter(lambda: os.read(descriptor, 1 << 16), b""))
    finally:
        os.close(descriptor)


def pids() -> Iterator[int]:
    """Yield the pids of the processes in /proc.

    Raises:
        OSError: /proc cannot be read.
    """
    return map(int, filter(str.isdigit, os.listdir("/proc")))


@cache
def proc_is_ours() -> bool:
    """Return True if /proc has the pids of the caller's PID namespace."""
    try:
        return os.readlink("/proc/self") == str(os.getpid())
    except OSError:
        return False


def own_number() -> int | None:
    """Return the number of this process in /proc; None if it has none.

    The number differs from the pid if /proc belongs to another PID namespace.
    """
    try:
        return int(os.readlink("/proc/self"))
    except (OSError, ValueError):
        return None


def pid_here(number: int) -> int:
    """Return the pid of a process in this PID namespace.

    If the process has no pid here, or before Linux 4.1, return the number in /proc.
    """
    if proc_is_ours():
        return number
    depth, pids = len(_nested_pids("self")), _nested_pids(str(number))
    return pids[depth - 1] if 0 < depth <= len(pids) else number


def _nested_pids(name: str) -> list[int]:
    """Return the pids of a process, from the PID namespace of /proc inwards."""
    with suppress(*UNREADABLE), open(f"/proc/{name}/status", "rb") as status:
        return [*map(int, status.read().partition(b"\nNSpid:")[2].partition(b"\n")[0].split())]
    return []


def _exists(pid: int) -> bool | None:
    """Return False if no process has a pid, else None.

    A process with the pid may be a different one.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return None


def boot_time() -> float:
    """Return the boot time in seconds since the epoch.

    Both clocks belong to the caller's time namespace; btime in /proc/stat may belong to another.
    """
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
