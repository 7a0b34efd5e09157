"""Who uses which object now: one look at each process, however many objects there are.

Shared memory that is attached stands in a process's maps (proc_pid_maps(5)); who waits for a
message or a semaphore is within a system call that tells its id (proc_pid_syscall(5)). Both ask
for the rights of ptrace(2), so what could not be looked at is told too.
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

from pyipcs.model import Kind, Record
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

# The calls that wait, by their numbers: what of, and in which argument the id stands.
_SEND, _RECEIVE = (Kind.QUEUE, "send"), (Kind.QUEUE, "receive")
_OPERATE = (Kind.SEMAPHORE, "operation")
_ATTACHED = "attached"
_GENERIC = {189: _SEND, 188: _RECEIVE, 193: _OPERATE, 192: _OPERATE}
# Those of a program of 32 bits have other numbers, which the machine's own programs do not use.
_I386_SYSCALLS = {400: _SEND, 401: _RECEIVE, 420: _OPERATE}
_MACHINE = os.uname().machine
_CALLS = _I386_SYSCALLS | {
    "x86_64": {69: _SEND, 70: _RECEIVE, 65: _OPERATE, 220: _OPERATE},
    "aarch64": _GENERIC | {301: _SEND, 302: _RECEIVE, 298: _OPERATE, 312: _OPERATE},
}.get(_MACHINE, _GENERIC)
# ipc(2) of such a program, whose first argument says which call is meant
_NARROW_IPC = {"x86_64": 117}.get(_MACHINE)
_IPC_CALLS = {1: _OPERATE, 4: _OPERATE, 11: _SEND, 12: _RECEIVE}
_GONE = (FileNotFoundError, ProcessLookupError)  # what tells that a process is no more
_X32 = 0x40000000  # what x86-64 adds to the numbers of programs with short pointers
_NAME = b"/SYSV"  # what the names of mapped segments begin with
# A mapping of one: the right to write, the device, the id as inode, and the name, which alone
# would be no proof, for a file may have it too.
_MAPPING = rb"\S+ .(.).. \S+ (\S+) (\d+) +/SYSV[0-9a-f]{8}(?: \(deleted\))?"
_MFD_HUGETLB, _MFD_HUGE_SHIFT = 0x0004, 26  # memfd_create(2)

ObjectKey: TypeAlias = tuple[int | None, Kind, int]  # an IPC namespace, a kind, and an id


class User(NamedTuple):
    """A process that uses an object now.

    Attributes:
        pid: its number.
        command: its name (proc_pid_comm(5)), if that can be read.
        does: that it has a segment `attached`, or what it waits for: to `send`, to `receive`,
            or that an `operation` can be done.
        times: how often it has a segment attached, or how many of its threads wait.
        read_only: whether it may not write to any of the attachments.
    """

    pid: int
    command: str | None
    does: str
    times: int = 1
    read_only: bool = False

    @property
    def named(self) -> str:
        """Its pid and name."""
        return named(self.pid, self.command)

    @property
    def extent(self) -> str:
        """How it uses the object, where there is more to say than that it does."""
        if self.does != _ATTACHED:
            return f"{self.times} threads" if self.times > 1 else ""
        times = "" if self.times == 1 else f"{self.times} times"
        return ", ".join(filter(None, (times, "read-only" if self.read_only else "")))


class UnreadableProcess(NamedTuple):
    """A process that may not be looked at, or not wholly.

    Attributes:
        pid: its number.
        command: its name, if that can be read.
        namespace: its IPC namespace, if that is known.
        uid: its effective user; None where nothing is known of it.
        gids: its file system group, which counts here (setfsgid(2)), and those beside it.
        has_ipc_owner: whether no mode keeps it from an object (CAP_IPC_OWNER).
    """

    pid: int
    command: str | None = None
    namespace: int | None = None
    uid: int | None = None
    gids: frozenset[int] = frozenset()
    has_ipc_owner: bool = False

    @property
    def named(self) -> str:
        """Its pid and name."""
        return named(self.pid, self.command)

    def may_use(self, access: "Access", namespace: int | None) -> bool:
        """Whether the kernel would let it wait on an object of a namespace (svipc(7))."""
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
    """What of an object's record says who may use it."""

    mode: int
    uid: int
    gid: int
    cuid: int
    cgid: int

    @classmethod
    def to(cls, record: Record) -> "Access":
        """That of a record."""
        return cls(*(getattr(record, field) for field in cls._fields))


class Scan(NamedTuple):
    """What one pass over /proc saw.

    Attributes:
        users: of each object that is in use, by what processes.
        members: the processes of each IPC namespace, by their pids.
        unreadable: those that could not be looked at.
        incomplete_reason: why processes may be missing; empty if the scan is complete.
        readable: whether anything could be seen at all.
        begun: when it began, by the monotonic clock; 0 is no scan.
        took: how many seconds it took.
        here: the IPC namespace whose objects are asked for.
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
        """The same, for objects of the namespace that the caller is in by now."""
        return self._replace(here=current())

    @property
    def key(self) -> tuple[float, int | None]:
        """What tells it from others: its beginning, and whose objects are asked for."""
        return self.begun, self.here

    def using(self, record: Record) -> list[User]:
        """The processes that use an object of the namespace."""
        return self.users.get((self.here, record.kind, record.id), [])

    def unseen(self, access: Access) -> list[UnreadableProcess]:
        """Those that could not be looked at and may use such an object of the namespace."""
        return [one for one in self.unreadable if one.may_use(access, self.here)]


def nothing() -> Scan:
    """What is seen without a look: whether anything could be."""
    if proc_is_ours():
        return Scan({}, {}, [], _incomplete_reason())
    return Scan({}, {}, [], "/proc cannot be read, or is of another PID namespace", False)


@cache
def scan(*, attached: bool = True) -> Scan:
    """What can be seen now; the same until `expire()`.

    Args:
        attached: whether to look also for who has segments attached, which takes most of the time.
            Who waits is the same with it and without.
    """
    if attached:
        return _with_attached(scan(attached=False))
    begun = time.monotonic()
    found = nothing()
    for pid in pids() if found.readable else ():
        _look_at(pid, found)
    return found._replace(begun=begun, took=time.monotonic() - begun)


def scan_for(kind: Kind) -> Scan:
    """Return the cached scan that shows who uses objects of a kind."""
    # Other arguments for the same would be cached apart.
    return scan() if kind is Kind.SEGMENT else scan(attached=False)


def expire() -> None:
    """Drop the cached scan, so that the next one reads /proc again."""
    scan.cache_clear()


def is_cached(*, attached: bool) -> bool:
    """Return whether there is a cached scan, one for attachments if these are asked for."""
    return scan.cache_info().currsize >= 1 + attached  # that one consists of two


def _with_attached(seen: Scan) -> Scan:
    """With who has segments attached, and without the kernel's own processes."""
    begun = time.monotonic()
    users = {place: [*those] for place, those in seen.users.items()}
    found = seen._replace(users=users, members={}, unreadable=[*seen.unreadable])
    devices = _devices()
    for namespace, those in seen.members.items():
        for pid in those:
            _look_into(pid, namespace, devices, found)
    return found._replace(took=seen.took + time.monotonic() - begun)


def _look_at(pid: int, found: Scan) -> None:
    """Add what one process waits on; one that has gone meanwhile does nothing."""
    namespace = None
    try:
        _, namespace = _living_thread(pid)
        found.members.setdefault(namespace, []).append(pid)
        _add(pid, _waiting(pid), found)
    except _GONE:
        return
    except OSError:  # it may not be looked at, or there is no descriptor left to do it with
        found.unreadable.extend(_unreadable(pid, namespace))


def _look_into(pid: int, namespace: int | None, devices: frozenset[bytes], found: Scan) -> None:
    """Add what one process of a namespace has attached."""
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
    """Add what one process uses."""
    if users:
        name = command_of(pid)
        for place, user in users.items():
            found.users.setdefault(place, []).append(user._replace(command=name))


def _living_thread(pid: int) -> tuple[str, int | None]:
    """The folder of a process, or of a thread that has outlived the first, and its namespace.

    Raises:
        FileNotFoundError: it is at its end.
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
    """What a process has mapped; nothing, of one of the kernel's own and of one at its end."""
    for thread in chain([f"/proc/{pid}"], _threads(pid)):
        with suppress(*_GONE):
            if maps := read_proc(f"{thread}/maps"):
                return maps
    return b""


def _namespace(thread: str) -> int | None:
    """The IPC namespace of a process or a thread; None where the kernel knows of but one."""
    return os.stat(f"{thread}/ns/ipc").st_ino if _knows_namespaces() else None


@cache
def _knows_namespaces() -> bool:
    """Whether the kernel tells of IPC namespaces at all."""
    return current() is not None


def members(inode: int) -> Iterator[int]:
    """Return the other processes of an IPC namespace, by their numbers in /proc."""
    own = own_number()
    for pid in pids():
        with suppress(OSError):
            if pid != own and _living_thread(pid)[1] == inode:
                yield pid


def _attached(
    pid: int, namespace: int | None, maps: bytes, devices: frozenset[bytes]
) -> dict[ObjectKey, User]:
    found: dict[ObjectKey, User] = {}
    for line in _naming_segments(maps):
        match = re.fullmatch(_MAPPING, line)
        if match and match[2] in devices:
            write, inode = match[1], match[3]
            place = namespace, Kind.SEGMENT, int(inode)
            user = found.get(place, User(pid, None, _ATTACHED, 0, read_only=True))
            read_only = user.read_only and write != b"w"
            found[place] = user._replace(times=user.times + 1, read_only=read_only)
    return found


def _naming_segments(maps: bytes) -> Iterator[bytes]:
    """The lines with the name of a segment in them, of which most maps have none."""
    place = maps.find(_NAME)
    while place >= 0:
        end = maps.find(b"\n", place)
        yield maps[maps.rfind(b"\n", 0, place) + 1 : end]
        place = maps.find(_NAME, end)


def _waiting(pid: int) -> dict[ObjectKey, User]:
    """What the threads wait on, each in a namespace that may be its own."""
    found: dict[ObjectKey, User] = {}
    for thread in _threads(pid):
        with suppress(*_GONE):  # of several threads, one that has gone
            if call := _call(_numbers(thread)):
                (kind, does), object_id = call
                place = _namespace(thread), kind, object_id
                user = found.get(place, User(pid, None, does, 0))
                found[place] = user._replace(times=user.times + 1)
    return found


def _numbers(thread: str) -> list[int]:
    """What /proc tells of the system call that a thread is in; nothing, of one that runs.

    It is the call's number and its arguments, of which the first two say all.

    Raises:
        FileNotFoundError: it is at its end.
    """
    try:
        text = read_proc(f"{thread}/syscall")
    except PermissionError:
        _namespace(thread)  # of one at its end there is none, though this file is still closed
        raise
    if text == b"running\n":
        return []
    words = text.split() if text.endswith(b"\n") else []
    try:
        number, *arguments = words
        return [int(number), *(int(word, 16) for word in arguments[:2])]
    except ValueError:  # something covers it
        raise OSError(errno.EIO, os.strerror(errno.EIO), thread) from None


def _call(numbers: list[int]) -> tuple[tuple[Kind, str], int] | None:
    """The System V call that a thread is in, and the id that it was given."""
    if len(numbers) < 3:  # running, or in none
        return None
    number, first, second = numbers
    if number == _NARROW_IPC:
        call, object_id = _IPC_CALLS.get(first & 0xFFFF), second
    else:
        call, object_id = _CALLS.get(number & ~_X32), first
    return (call, object_id & 0xFFFFFFFF) if call else None


def _unreadable(pid: int, namespace: int | None) -> Iterator[UnreadableProcess]:
    """A process by what everybody may know of it.

    The kernel's own use no objects. Nor, it is taken, does the machine's init, which not every
    root may look at (CAP_SYS_PTRACE).
    """
    if pid == 1 and is_initial("pid"):
        return
    try:
        lines = read_proc(f"/proc/{pid}/status").splitlines()
    except _GONE:
        return
    except OSError:  # hidepid
        yield UnreadableProcess(pid, namespace=namespace)
        return
    status = {name: value.split() for name, _, value in (line.partition(b":") for line in lines)}
    if b"VmSize" not in status and status[b"Threads"] == [b"1"]:
        return  # of the kernel, or at its end
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
    """The devices that segments are on, as maps has them: those of memory files too."""
    flags = [0]
    with suppress(OSError):
        for name in os.listdir("/sys/kernel/mm/hugepages"):
            size = int(name.removeprefix("hugepages-").removesuffix("kB")) * 1024
            flags.append(_MFD_HUGETLB | ((size.bit_length() - 1) << _MFD_HUGE_SHIFT))
    return frozenset(_device(flag) for flag in flags)


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
    """Why processes may be using objects without a sign of them in /proc."""
    if not os.path.exists("/proc/self/syscall"):
        return "this kernel does not tell who waits (/proc/PID/syscall)"
    if not is_initial("pid"):  # others may share the IPC namespace, as in a pod
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
    """Whether the caller may look at every process (CAP_SYS_PTRACE, and not just in a part)."""
    return is_initial("user") and bool(capabilities() & CAP_SYS_PTRACE)
