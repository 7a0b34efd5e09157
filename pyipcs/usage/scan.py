"""Scan of /proc for the processes that use objects now.

A scan reads each process once, for any number of objects of both families. The maps of a process
have its attached segments and its mapped files (proc_pid_maps(5)), its descriptors its open files
(proc_pid_fd(5)). A thread that waits for a message or a semaphore is in a system call with the id,
the descriptor or the address as an argument (proc_pid_syscall(5)). These files require the rights
of ptrace(2), so a scan also has a list of unreadable processes.

Files are known by device and inode, because a name may be that of another file.
"""

import errno
import os
import re
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from enum import IntEnum
from functools import cache
from itertools import chain
from typing import NamedTuple

from pyipcs.errors import DeniedError, NotFoundError
from pyipcs.model import Kind, SysvRecord
from pyipcs.process.identity import CAP_IPC_OWNER, CAP_SYS_PTRACE, capabilities
from pyipcs.sysv.namespace import current, is_initial
from pyipcs.usage.processes import (
    UNREADABLE,
    command_of,
    exists,
    is_program,
    own_number,
    pids,
    proc_is_ours,
    read_proc,
    recorded,
    status_of,
)
from pyipcs.usage.users import (
    ATTACHED,
    MAPPED,
    OPEN,
    Access,
    FileKey,
    ObjectKey,
    UnreadableProcess,
    User,
)
from pyipcs.usage.waits import GONE, namespace_of, threads, waits_of

_NAME = b"/SYSV"  # the beginning of the names of mapped segments
_INODE = rb"(\d{1,20})(?!\d)"  # a longer number is that of a file mounted over the maps
# A mapping of a segment: the right to write, the device, the id as inode, and the name. The name
# alone is no proof, because a file may have the same name.
_MAPPING = rb"\S+ .(.).. \S+ (\S+) " + _INODE + rb" +/SYSV[0-9a-f]{8}(?: \(deleted\))?"
_MFD_HUGETLB, _MFD_HUGE_SHIFT = 0x0004, 26  # memfd_create(2)


class Depth(IntEnum):
    """The files of /proc that a scan reads; each depth includes those before."""

    WAITS = 0  # system calls
    MAPS = 1  # maps, which take most of the time
    FILES = 2  # descriptors


class FileUses(NamedTuple):
    """The uses of files, and of POSIX queues, by processes.

    Attributes:
        users: the users of each file, by pid and way of use.
        futexes: the addresses on which the threads of a process wait, by pid.
        devices: the file systems whose mapped and open files are in `users`.
        closed: the processes with unreadable maps or descriptors, by pid.
    """

    users: dict[FileKey, dict[tuple[int, str], User]]
    futexes: dict[int, list[int]]
    devices: frozenset[int]
    closed: dict[int, UnreadableProcess]

    def add(self, pid: int, uses: Iterable[tuple[FileKey, User]]) -> None:
        """Add a process to the users of files; uses of one way count as one."""
        command: str | None = None
        for key, use in uses:
            users = self.users.setdefault(key, {})
            if user := users.get((pid, use.does)):
                read_only = user.read_only and use.read_only
                users[pid, use.does] = user._replace(times=user.times + 1, read_only=read_only)
            else:
                command = command or command_of(pid)
                users[pid, use.does] = use._replace(command=command)

    def close(self, pid: int) -> None:
        """Add a process to those with unreadable maps or descriptors."""
        for one in _unreadable(pid, None, is_init_read=True):
            self.closed[pid] = one

    def copy(self) -> "FileUses":
        """Return a copy; a deeper scan adds to it."""
        users = {key: {**processes} for key, processes in self.users.items()}
        return self._replace(users=users, closed={**self.closed})


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
        files: the uses of files; None before a scan.
    """

    users: dict[ObjectKey, list[User]]
    members: dict[int | None, list[int]]
    unreadable: list[UnreadableProcess]
    incomplete_reason: str
    readable: bool = True
    begun: float = 0.0
    took: float = 0.0
    here: int | None = None
    files: FileUses | None = None

    def from_here(self) -> "Scan":
        """Return the scan for objects of the caller's current IPC namespace."""
        return self._replace(here=current())

    @property
    def key(self) -> tuple[float, int | None]:
        """The values that distinguish the scan from other scans."""
        return self.begun, self.here

    @property
    def file_uses(self) -> FileUses:
        """The uses of files; use it after a scan only."""
        assert self.files
        return self.files

    def using(self, record: SysvRecord) -> list[User]:
        """Return the processes that use an object."""
        return self.users.get((self.here, record.kind, record.id), [])

    def unseen(self, access: Access) -> list[UnreadableProcess]:
        """Return the unreadable processes that may use such an object."""
        return [one for one in self.unreadable if one.can_use(access, self.here)]


def empty_scan() -> Scan:
    """Return a scan without processes, with the reason for missing ones."""
    files = FileUses({}, {}, frozenset(), {})
    if proc_is_ours():
        return Scan({}, {}, [], _incomplete_reason(), files=files)
    reason = "/proc cannot be read, or is of another PID namespace"
    return Scan({}, {}, [], reason, readable=False, files=files)


_cached: dict[Depth, Scan] = {}  # the scans since `expire`


def scan(*, attached: bool = True) -> Scan:
    """Scan /proc, or return the cached scan until `expire` drops it.

    Args:
        attached: True to find attachments as well, which takes most of the time. Both values find
            the waiting processes.
    """
    return _scan(Depth.MAPS if attached else Depth.WAITS)


def scan_files() -> Scan:
    """Return a scan that has the users of POSIX objects as well."""
    if Depth.MAPS in _cached and not file_devices() <= _cached[Depth.MAPS].file_uses.devices:
        expire()  # a place was opened since
    return _scan(Depth.FILES)


def _scan(depth: Depth) -> Scan:
    if depth not in _cached:
        match depth:
            case Depth.WAITS:
                _cached[depth] = _scan_waits(pids() if proc_is_ours() else ())
            case Depth.MAPS:
                _cached[depth] = _with_maps(_scan(Depth.WAITS))
            case Depth.FILES:
                _cached[depth] = _with_open_files(_scan(Depth.MAPS))
    return _cached[depth]


def scan_process(pid: int) -> Scan:
    """Scan a single process for objects of both families, without a cache."""
    return _with_open_files(_with_maps(_scan_waits([pid])))


def is_examined(pid: int, seen: Scan) -> bool:
    """Return True if a scan has read all files of a process.

    Kernel threads and exiting processes use no objects. The mount option hidepid hides processes.
    """
    unread = {*seen.file_uses.closed, *(one.pid for one in seen.unreadable)}
    is_read = any(pid in processes for processes in seen.members.values())
    if is_read and pid not in unread:
        return os.path.exists("/proc/self/syscall")  # not in every kernel
    is_hidden = exists(pid) and not os.path.exists(f"/proc/{pid}")
    return not (is_hidden or any(_unreadable(pid, None, is_init_read=True)))


def scan_for(kind: Kind) -> Scan:
    """Return the cached scan with the users of System V objects of a kind."""
    return scan(attached=kind is Kind.SEGMENT)


def expire() -> None:
    """Drop the cached scan and its parts; the next scan reads /proc again."""
    _cached.clear()
    _incomplete_reason.cache_clear()
    recorded.cache_clear()


def is_cached(*, attached: bool) -> bool:
    """Return True if a scan is cached, with attachments on request."""
    return (Depth.MAPS if attached else Depth.WAITS) in _cached


def _scan_waits(processes: Iterable[int]) -> Scan:
    """Find the objects on which processes wait; none without a readable /proc."""
    begun = time.monotonic()
    found = empty_scan()
    for pid in processes if found.readable else ():
        _add_waits(pid, found)
    return found._replace(begun=begun, took=time.monotonic() - begun)


def _with_maps(seen: Scan) -> Scan:
    """Add attachments and mapped files; omit kernel threads from the members."""
    begun = time.monotonic()
    users = {key: [*processes] for key, processes in seen.users.items()}
    files = seen.file_uses.copy()._replace(devices=file_devices())
    found = seen._replace(users=users, members={}, unreadable=[*seen.unreadable], files=files)
    reader = _MapReader(found)
    for namespace, processes in seen.members.items():
        for pid in processes:
            reader.read(pid, namespace)
    known = {*chain.from_iterable(seen.members.values())}
    files.closed.update((one.pid, one) for one in seen.unreadable if one.pid not in known)
    return found._replace(took=seen.took + time.monotonic() - begun)


def _with_open_files(seen: Scan) -> Scan:
    """Add open files."""
    begun = time.monotonic()
    files = seen.file_uses.copy()
    for pid in {*chain.from_iterable(seen.members.values())}:
        try:
            files.add(pid, _open_files(pid, files.devices))
        except GONE:
            continue
        except OSError:
            files.close(pid)
    return seen._replace(files=files, took=seen.took + time.monotonic() - begun)


def _add_waits(pid: int, found: Scan) -> None:
    """Add the objects on which a process waits, unless it has exited."""
    namespace = None
    try:
        _, namespace = _living_thread(pid)
        found.members.setdefault(namespace, []).append(pid)
        waits = waits_of(pid)
        _add(pid, waits.objects, found)
        files = found.file_uses
        files.add(pid, waits.queues)
        if waits.futexes:
            files.futexes[pid] = waits.futexes
    except GONE:
        return
    except OSError:  # no permission, or no free descriptor
        found.unreadable.extend(_unreadable(pid, namespace))


class _MapReader:
    """A reader of maps, which adds attachments and mapped files to a scan."""

    def __init__(self, found: Scan) -> None:
        self._found = found
        self._files = found.file_uses
        self._segment_devices = _segment_devices()
        self._mapped_file = _file_pattern(self._files.devices)
        self._unreadable = {one.pid for one in found.unreadable}

    def read(self, pid: int, namespace: int | None) -> None:
        """Add a process of an IPC namespace, unless it is a kernel thread."""
        try:
            maps = _maps(pid)
        except GONE:
            return
        except OSError:
            if pid not in self._unreadable:
                self._found.unreadable.extend(_unreadable(pid, namespace))
            self._files.close(pid)
            return
        if maps:
            self._found.members.setdefault(namespace, []).append(pid)
            _add(pid, _attached(pid, namespace, maps, self._segment_devices), self._found)
            if self._mapped_file:
                futexes = self._files.futexes.get(pid, ())
                self._files.add(pid, _mapped(pid, maps, self._mapped_file, futexes))


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
    for thread in chain([folder], threads(pid)):
        with suppress(*GONE):
            return thread, namespace_of(thread)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), folder)


def _maps(pid: int) -> bytes:
    """Return the maps of a process; empty for a kernel thread or at exit."""
    for thread in chain([f"/proc/{pid}"], threads(pid)):
        with suppress(*GONE):
            if maps := read_proc(f"{thread}/maps"):
                return maps
    return b""


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
            user = found.get(key, User(pid, None, ATTACHED, 0, read_only=True))
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


def _mapped(
    pid: int, maps: bytes, files: re.Pattern[bytes], futexes: Collection[int]
) -> Iterator[tuple[FileKey, User]]:
    """Yield the mapped files of a process, and its waits on semaphores."""
    for match in files.finditer(maps):
        start, end, write, device, inode = match.groups()
        major, minor = device.split(b":")
        key = os.makedev(int(major, 16), int(minor, 16)), int(inode)
        yield key, User(pid, None, MAPPED, read_only=write != b"w")
        for address in futexes:
            if int(start, 16) <= address < int(end, 16):
                yield key, User(pid, None, "operation")


def _open_files(pid: int, devices: frozenset[int]) -> Iterator[tuple[FileKey, User]]:
    """Yield the open files of a process on some file systems."""
    from pyipcs.process.libc import cached_identity

    thread, _ = _living_thread(pid)
    folder = f"{thread}/fd"
    for number in os.listdir(folder):
        path = f"{folder}/{number}"
        try:
            key = cached_identity(path)
        except NotFoundError:  # it was closed
            continue
        except DeniedError:
            os.readlink(path)  # raises PermissionError if the process is unreadable now
            continue  # a FUSE file system refuses its files to other users
        if key[0] in devices:
            yield key, User(pid, None, OPEN)


def _unreadable(
    pid: int, namespace: int | None, *, is_init_read: bool = False
) -> Iterator[UnreadableProcess]:
    """Yield an unreadable process with the facts that any user can read.

    Omit kernel threads, which use no objects. Omit also the init process of the machine, which is
    assumed to use no System V object: root without CAP_SYS_PTRACE cannot read it.

    Args:
        pid: the process.
        namespace: its IPC namespace, if it is known.
        is_init_read: True to yield the init process, too.
    """
    if pid == 1 and is_initial("pid") and not is_init_read:
        return
    try:
        found = _unreadable_by_status(pid, namespace, status_of(pid))
    except GONE:
        return
    except UNREADABLE:  # the mount option hidepid hides the process
        found = UnreadableProcess(pid, namespace=namespace)
    if found:
        yield found


def _unreadable_by_status(
    pid: int, namespace: int | None, status: Mapping[bytes, bytes]
) -> UnreadableProcess | None:
    """Return an unreadable process by its status; None for a kernel thread."""
    if not is_program(status):
        return None  # or an exiting process
    gids = [status[b"Gid"].split()[3], *status[b"Groups"].split()]
    return UnreadableProcess(
        pid,
        command_of(pid),
        namespace,
        uid=int(status[b"Uid"].split()[1]),
        gids=frozenset(map(int, gids)),
        has_ipc_owner=bool(int(status[b"CapEff"], 16) & CAP_IPC_OWNER),
    )


def file_devices() -> frozenset[int]:
    """Return the file systems with POSIX objects that this process has opened."""
    from pyipcs.posix.places import devices

    return frozenset(devices)


def _file_pattern(devices: frozenset[int]) -> re.Pattern[bytes] | None:
    """Return the pattern of lines of maps for files on some file systems.

    Return None without file systems.
    """
    if not devices:
        return None
    names = b"|".join(b"%02x:%02x" % (os.major(one), os.minor(one)) for one in devices)
    return re.compile(
        rb"^([0-9a-f]+)-([0-9a-f]+) .(.).. \S+ (" + names + rb") " + _INODE, re.MULTILINE
    )


def _segment_devices() -> frozenset[bytes]:
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


@cache
def _incomplete_reason() -> str:
    """Return the reason why /proc may lack processes; empty without one."""
    if not os.path.exists("/proc/self/syscall"):
        return "this kernel does not report waiting processes (/proc/PID/syscall)"
    if not is_initial("pid"):  # other processes may share the IPC namespace, as in a pod
        return "processes outside of this PID namespace cannot be seen"
    with suppress(*UNREADABLE):
        if _hides_processes() and not _sees_all():
            return "processes of other users are hidden (hidepid)"
    return ""


def _hides_processes() -> bool:
    """Return True if the mount option hidepid hides processes in /proc.

    Raises:
        OSError: the mounts cannot be read.
    """
    text = read_proc("/proc/self/mountinfo")
    if b"hidepid=" not in text:
        return False
    from pyipcs.process.mountinfo import parse

    options = [mount.options for mount in parse(text) if mount.point == b"/proc"]
    return bool(options and re.search(rb"hidepid=(?!0|off|1|noaccess)", options[-1]))


def _sees_all() -> bool:
    """Return True with CAP_SYS_PTRACE in the initial user namespace."""
    return is_initial("user") and bool(capabilities() & CAP_SYS_PTRACE)
