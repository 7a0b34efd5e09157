"""Scan of /proc for the processes that use objects now.

A scan reads each process once, for any number of objects. The maps of a process have its attached
segments (proc_pid_maps(5)). A thread that waits for a message or a semaphore is in a system call
with the id as an argument (proc_pid_syscall(5)). Both files require the rights of ptrace(2), so a
scan also has a list of unreadable processes.
"""

import errno
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from itertools import chain
from typing import NamedTuple, TypeAlias

from pyipcs.model import Kind, SysvRecord
from pyipcs.process.identity import CAP_IPC_OWNER, CAP_SYS_PTRACE, capabilities
from pyipcs.sysv.namespace import current, is_initial
from pyipcs.usage.processes import (
    command_of,
    named,
    own_number,
    pids,
    proc_is_ours,
    read_proc,
)

# The waiting system calls, by number. Their first argument is the id.
_SEND, _RECEIVE = (Kind.QUEUE, "send"), (Kind.QUEUE, "receive")
_OPERATE = (Kind.SEMAPHORE, "operation")
_ATTACHED = "attached"
_GENERIC = {189: _SEND, 188: _RECEIVE, 193: _OPERATE, 192: _OPERATE}
# The numbers of 32-bit programs; for 64-bit programs they mean no other calls.
_I386_SYSCALLS = {400: _SEND, 401: _RECEIVE, 420: _OPERATE}
_MACHINE = os.uname().machine
_CALLS = _I386_SYSCALLS | {
    "x86_64": {69: _SEND, 70: _RECEIVE, 65: _OPERATE, 220: _OPERATE},
    "aarch64": _GENERIC | {301: _SEND, 302: _RECEIVE, 298: _OPERATE, 312: _OPERATE},
}.get(_MACHINE, _GENERIC)
# The number of ipc(2) in 32-bit programs; its first argument selects the call.
_NARROW_IPC = {"x86_64": 117}.get(_MACHINE)
_IPC_CALLS = {1: _OPERATE, 4: _OPERATE, 11: _SEND, 12: _RECEIVE}
_GONE = (FileNotFoundError, ProcessLookupError)  # the errors for a process that exited
_X32 = 0x40000000  # x86-64 adds it to the call numbers of x32 programs
_NAME = b"/SYSV"  # the beginning of the names of mapped segments
# A mapping of a segment: the right to write, the device, the id as inode, and the name. The name
# alone is no proof, because a file may have the same name.
_MAPPING = rb"\S+ .(.).. \S+ (\S+) (\d+) +/SYSV[0-9a-f]{8}(?: \(deleted\))?"
_MFD_HUGETLB, _MFD_HUGE_SHIFT = 0x0004, 26  # memfd_create(2)

ObjectKey: TypeAlias = tuple[int | None, Kind, int]  # an IPC namespace, a kind, and an id


class User(NamedTuple):
    """A process that uses an object now.

    Attributes:
        pid: the pid.
        command: the name (proc_pid_comm(5)), if it can be read.
        does: `attached` for a segment, else the awaited action: `send`, `receive` or `operation`.
        times: the number of attachments or of waiting threads.
        read_only: True if all attachments are read-only.
    """

    pid: int
    command: str | None
    does: str
    times: int = 1
    read_only: bool = False

    @property
    def named(self) -> str:
        """The pid and the name."""
        return named(self.pid, self.command)

    @property
    def extent(self) -> str:
        """The number of attachments or threads, unless it is 1, and "read-only"."""
        if self.does != _ATTACHED:
            return f"{self.times} threads" if self.times > 1 else ""
        times = "" if self.times == 1 else f"{self.times} times"
        return ", ".join(filter(None, (times, "read-only" if self.read_only else "")))


class UnreadableProcess(NamedTuple):
    """A process with unreadable files in /proc.

    Attributes:
        pid: the pid.
        command: the name, if it can be read.
        namespace: the IPC namespace, if it is known.
        uid: the effective user; None if it is unknown.
        gids: the file system group, which the kernel checks (setfsgid(2)), and the other groups.
        has_ipc_owner: True with CAP_IPC_OWNER, which overrides permission bits.
    """

    pid: int
    command: str | None = None
    namespace: int | None = None
    uid: int | None = None
    gids: frozenset[int] = frozenset()
    has_ipc_owner: bool = False

    @property
    def named(self) -> str:
        """The pid and the name."""
        return named(self.pid, self.command)

    def can_use(self, access: "Access", namespace: int | None) -> bool:
        """Return True if the process may wait on such an object (sysvipc(7))."""
        if self.namespace not in {None, namespace}:
            return False
        if self.uid is None or self.has_ipc_owner:
            return True
        shift = 0
        if self.uid in {access.uid, access.cuid}:
            shift = 6
        elif self.gids & {access.gid, access.cgid}:
            shift = 3
        return bool(access.mode >> shift & 0o6)


class Access(NamedTuple):
    """The fields of a record that define the permissions of an object."""

    mode: int
    uid: int
    gid: int
    cuid: int
    cgid: int

    @classmethod
    def to(cls, record: SysvRecord) -> "Access":
        """Return the permissions of an object."""
        return cls(*(getattr(record, field) for field in cls._fields))


class Scan(NamedTuple):
    """The result of one pass over /proc.

    Attributes:
        users: the processes that use an object, by object.
        members: the pids of the processes, by IPC namespace.
        unreadable: the unreadable processes.
        incomplete_reason: the reason why processes may be missing; empty without one.
        readable: True if /proc can be read and has the pids of this PID namespace.
        begun: the start of the scan, by the monotonic clock; 0 if no process was read.
        took: the duration in seconds.
        here: the IPC namespace of the objects to classify.
    """

    users: dict[ObjectKey, list[User]]
    members: dict[int | None, list[int]]
    unreadable: list[UnreadableProcess]
    incomplete_reason: str
    readable: bool = True
    begun: float = 0.0
    took: float = 0.0
    here: int | None = None

    def from_here(self) -> "Scan":
        """Return the scan for objects of the caller's current IPC namespace."""
        return self._replace(here=current())

    @property
    def key(self) -> tuple[float, int | None]:
        """The values that distinguish the scan from other scans."""
        return self.begun, self.here

    def using(self, record: SysvRecord) -> list[User]:
        """Return the processes that use an object."""
        return self.users.get((self.here, record.kind, record.id), [])

    def unseen(self, access: Access) -> list[UnreadableProcess]:
        """Return the unreadable processes that may use such an object."""
        return [one for one in self.unreadable if one.can_use(access, self.here)]


def empty_scan() -> Scan:
    """Return a scan without processes, with the reason for missing ones."""
    if proc_is_ours():
        return Scan({}, {}, [], _incomplete_reason())
    return Scan({}, {}, [], "/proc cannot be read, or is of another PID namespace", False)


@cache
def scan(*, attached: bool = True) -> Scan:
    """Scan /proc, or return the cached scan until `expire` drops it.

    Args:
        attached: True to find attachments as well, which takes most of the time. Both values find
            the waiting processes.
    """
    if attached:
        return _with_attached(scan(attached=False))
    begun = time.monotonic()
    found = empty_scan()
    for pid in pids() if found.readable else ():
        _add_waits(pid, found)
    return found._replace(begun=begun, took=time.monotonic() - begun)


def scan_for(kind: Kind) -> Scan:
    """Return the cached scan that shows the users of objects of a kind."""
    # Call scan() without the argument: scan(attached=True) would be another entry of the cache.
    return scan() if kind is Kind.SEGMENT else scan(attached=False)


def expire() -> None:
    """Drop the cached scan; the next scan reads /proc again."""
    scan.cache_clear()


def is_cached(*, attached: bool) -> bool:
    """Return True if a scan is cached, with attachments on request."""
    return scan.cache_info().currsize >= 1 + attached  # a scan with attachments makes two entries


def _with_attached(seen: Scan) -> Scan:
    """Add attachments to a scan; omit kernel threads from the members."""
    begun = time.monotonic()
    users = {key: [*processes] for key, processes in seen.users.items()}
    found = seen._replace(users=users, members={}, unreadable=[*seen.unreadable])
    devices = _devices()
    for namespace, processes in seen.members.items():
        for pid in processes:
            _add_attachments(pid, namespace, devices, found)
    return found._replace(took=seen.took + time.monotonic() - begun)


def _add_waits(pid: int, found: Scan) -> None:
    """Add the objects on which a process waits, unless it has exited."""
    namespace = None
    try:
        _, namespace = _living_thread(pid)
        found.members.setdefault(namespace, []).append(pid)
        _add(pid, _waiting(pid), found)
    except _GONE:
        return
    except OSError:  # no permission, or no free descriptor
        found.unreadable.extend(_unreadable(pid, namespace))


def _add_attachments(
    pid: int, namespace: int | None, devices: frozenset[bytes], found: Scan
) -> None:
    """Add the segments that a process of a namespace has attached."""
    try:
        maps = _maps(pid)
    except _GONE:
        return
    except OSError:
        if pid not in {one.pid for one in found.unreadable}:
            found.unreadable.extend(_unreadable(pid, namespace))
        return
    if maps:
        found.members.setdefault(namespace, []).append(pid)
        _add(pid, _attached(pid, namespace, maps, devices), found)


def _add(pid: int, users: dict[ObjectKey, User], found: Scan) -> None:
    """Add a process to the users of objects."""
    if users:
        name = command_of(pid)
        for key, user in users.items():
            found.users.setdefault(key, []).append(user._replace(command=name))


def _living_thread(pid: int) -> tuple[str, int | None]:
    """Return the directory of a living thread in /proc, and its IPC namespace.

    It is the directory of the process unless the first thread has exited.

    Raises:
        FileNotFoundError: the process has exited, or is exiting.
    """
    folder = f"/proc/{pid}"
    for thread in chain([folder], _threads(pid)):
        with suppress(*_GONE):
            return thread, _namespace(thread)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), folder)


def _threads(pid: int) -> Iterator[str]:
    folder = f"/proc/{pid}/task"
    for thread in os.listdir(folder):
        yield f"{folder}/{thread}"


def _maps(pid: int) -> bytes:
    """Return the maps of a process; empty for a kernel thread or at exit."""
    for thread in chain([f"/proc/{pid}"], _threads(pid)):
        with suppress(*_GONE):
            if maps := read_proc(f"{thread}/maps"):
                return maps
    return b""


def _namespace(thread: str) -> int | None:
    """Return the IPC namespace of a thread; None if /proc has none."""
    return os.stat(f"{thread}/ns/ipc").st_ino if _has_namespaces() else None


@cache
def _has_namespaces() -> bool:
    """Return True if /proc has the IPC namespaces of processes."""
    return current() is not None


def members(inode: int) -> Iterator[int]:
    """Yield the numbers in /proc of the other processes of a namespace."""
    own = own_number()
    for pid in pids():
        with suppress(OSError):
            if pid != own and _living_thread(pid)[1] == inode:
                yield pid


def _attached(
    pid: int, namespace: int | None, maps: bytes, devices: frozenset[bytes]
) -> dict[ObjectKey, User]:
    found: dict[ObjectKey, User] = {}
    for line in _segment_lines(maps):
        match = re.fullmatch(_MAPPING, line)
        if match and match[2] in devices:
            write, inode = match[1], match[3]
            key = namespace, Kind.SEGMENT, int(inode)
            user = found.get(key, User(pid, None, _ATTACHED, 0, read_only=True))
            read_only = user.read_only and write != b"w"
            found[key] = user._replace(times=user.times + 1, read_only=read_only)
    return found


def _segment_lines(maps: bytes) -> Iterator[bytes]:
    """Yield the lines of maps with the name of a segment."""
    start = maps.find(_NAME)  # most maps have none
    while start >= 0:
        end = maps.find(b"\n", start)
        yield maps[maps.rfind(b"\n", 0, start) + 1 : end]
        start = maps.find(_NAME, end)


def _waiting(pid: int) -> dict[ObjectKey, User]:
    """Return the objects on which the threads of a process wait."""
    found: dict[ObjectKey, User] = {}
    for thread in _threads(pid):
        with suppress(*_GONE):  # other threads may have exited
            if call := _call(_numbers(thread)):
                (kind, does), object_id = call
                key = _namespace(thread), kind, object_id  # each thread has its own namespace
                user = found.get(key, User(pid, None, does, 0))
                found[key] = user._replace(times=user.times + 1)
    return found


def _numbers(thread: str) -> list[int]:
    """Return a thread's system call with two arguments; empty if it runs.

    Raises:
        FileNotFoundError: the thread is exiting.
    """
    try:
        text = read_proc(f"{thread}/syscall")
    except PermissionError:
        _namespace(thread)  # raises FileNotFoundError for an exiting thread
        raise
    if text == b"running\n":
        return []
    fields = text.split() if text.endswith(b"\n") else []
    try:
        number, *arguments = fields
        return [int(number), *(int(argument, 16) for argument in arguments[:2])]
    except ValueError:  # another file is mounted over it
        raise OSError(errno.EIO, os.strerror(errno.EIO), thread) from None


def _call(numbers: list[int]) -> tuple[tuple[Kind, str], int] | None:
    """Return the waiting call and the id in a result of `_numbers`."""
    if len(numbers) < 3:  # the thread runs, or is in no system call
        return None
    number, first, second = numbers
    if number == _NARROW_IPC:
        call, object_id = _IPC_CALLS.get(first & 0xFFFF), second
    else:
        call, object_id = _CALLS.get(number & ~_X32), first
    return (call, object_id & 0xFFFFFFFF) if call else None


def _unreadable(pid: int, namespace: int | None) -> Iterator[UnreadableProcess]:
    """Yield an unreadable process with the facts that any user can read.

    Omit kernel threads, which use no objects. Omit also the init process of the machine, which is
    assumed to use none: root without CAP_SYS_PTRACE cannot read it.
    """
    if pid == 1 and is_initial("pid"):
        return
    try:
        lines = read_proc(f"/proc/{pid}/status").splitlines()
    except _GONE:
        return
    except OSError:  # the mount option hidepid hides the process
        yield UnreadableProcess(pid, namespace=namespace)
        return
    status = {name: value.split() for name, _, value in (line.partition(b":") for line in lines)}
    if b"VmSize" not in status and status[b"Threads"] == [b"1"]:
        return  # a kernel thread, or an exiting process
    gids = [status[b"Gid"][3], *status[b"Groups"]]
    yield UnreadableProcess(
        pid,
        command_of(pid),
        namespace,
        uid=int(status[b"Uid"][1]),
        gids=frozenset(map(int, gids)),
        has_ipc_owner=bool(int(status[b"CapEff"][0], 16) & CAP_IPC_OWNER),
    )


def _devices() -> frozenset[bytes]:
    """Return the devices of segments, in the notation of maps.

    Files of memfd_create(2) have the same devices as segments.
    """
    from pyipcs.sysv import hugepages

    flags = [
        _MFD_HUGETLB | ((size.bit_length() - 1) << _MFD_HUGE_SHIFT) for size, _ in hugepages.sizes()
    ]
    return frozenset(_device(flag) for flag in (0, *flags))


def _device(flags: int) -> bytes:
    try:
        descriptor = os.memfd_create("pyipcs", flags | os.MFD_CLOEXEC)
    except OSError:
        return b""
    try:
        device = os.fstat(descriptor).st_dev
    finally:
        os.close(descriptor)
    return b"%02x:%02x" % (os.major(device), os.minor(device))


def _incomplete_reason() -> str:
    """Return the reason why /proc may lack processes; empty without one."""
    if not os.path.exists("/proc/self/syscall"):
        return "this kernel does not report waiting processes (/proc/PID/syscall)"
    if not is_initial("pid"):  # other processes may share the IPC namespace, as in a pod
        return "processes outside of this PID namespace cannot be seen"
    with suppress(OSError):
        hidden = [
            line.rpartition(b" - ")[2]
            for line in read_proc("/proc/self/mountinfo").splitlines()
            if line.split()[4] == b"/proc"
        ]
        if hidden and re.search(rb"hidepid=(?!0|off|1|noaccess)", hidden[-1]) and not _sees_all():
            return "processes of other users are hidden (hidepid)"
    return ""


def _sees_all() -> bool:
    """Return True with CAP_SYS_PTRACE in the initial user namespace."""
    return is_initial("user") and bool(capabilities() & CAP_SYS_PTRACE)
