"""File system of the POSIX queues of an IPC namespace (mq_overview(7))."""

import errno
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from functools import cache, partial
from stat import S_IMODE, ST_ATIME, ST_CTIME, ST_MTIME
from typing import Any

from pyipcs.errors import DeniedError, IpcError, NotFoundError, UnseenError
from pyipcs.listing import CHUNK, Listing
from pyipcs.model import Kind, PosixQueue
from pyipcs.posix.places import Identity, devices, identity, open_after_lease
from pyipcs.process.identity import CAP_SYS_ADMIN, capabilities, effective_uid

PATH = "/dev/mqueue"
_OBJECTS = "POSIX queues"
_NAMESPACE = "/proc/self/ns/ipc"
_TEXT_FIELDS = (b"QSIZE", b"NOTIFY", b"SIGNO", b"NOTIFY_PID")  # mqueue_read_file in ipc/mqueue.c
_MQUEUE_MAGIC = 0x19800202  # statfs(2)
_BASIC = PosixQueue._fields[:9]  # the fields that lstat(2) reports, and the name
_ATTRIBUTES = frozenset({"maxmsg", "msgsize", "qnum", "cbytes"})
_TEXT = frozenset({"cbytes", "notify_pid"})  # fields in the text of a queue's file
_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# O_NONBLOCK, because open(2) would wait for the end of a lease. A descriptor of either access has
# the attributes; only one for reading has the text.
ACCESSES = (os.O_RDONLY | os.O_NONBLOCK, os.O_WRONLY | os.O_NONBLOCK)


def read() -> Iterator[Listing]:
    """Return all queues of the caller's IPC namespace, in chunks.

    They are in the kernel's order. The fields are those of lstat(2). No time of a queue changes.

    Raises:
        UnseenError: the queues cannot be listed, or those listed may be another namespace's.
        OSError: the directory cannot be read.
    """
    descriptor = directory()
    return _chunks(descriptor, _names(descriptor))


def complete(listing: Listing, fields: Iterable[str]) -> Listing:
    """Add fields to a listing; drop queues that were removed or replaced.

    The fields "cbytes" and "notify_pid" set the atime and the ctime of the queues; the others set
    no time. A value is None if the caller may not open the queue, may only write to it, or another
    process has a lease on it, or a sandbox refuses the call.

    Raises:
        UnseenError: see `read`.
    """
    missing = (field for field in PosixQueue._fields if not listing.has(field))
    wanted = {*fields}.intersection(missing)
    if not wanted:
        return listing
    if not listing.length:
        return listing.with_empty(wanted)
    descriptor = directory()
    identities = zip(listing.column("device"), listing.column("inode"), strict=True)
    found = [
        _details(descriptor, name, expected, wanted)
        for name, expected in zip(listing.column("name"), identities, strict=True)
    ]
    values = [row for row in found if row is not None]
    added = {field: [row.get(field) for row in values] for field in wanted}
    kept = listing.where(row is not None for row in found)
    return kept._replace(added={**kept.added, **added})


def details(descriptor: int, fields: Collection[str]) -> dict[str, int | None]:
    """Return the readable fields of an open queue.

    See `complete` for their effect on times.
    """
    from pyipcs.posix import libc

    found: dict[str, int | None] = {}
    if not _ATTRIBUTES.isdisjoint(fields):
        with suppress(IpcError):  # a sandbox
            found.update(libc.mq_getattr(descriptor)._asdict())
    unread = _TEXT.intersection(fields)
    if found.get("qnum") == 0:
        found["cbytes"] = 0
        unread -= {"cbytes"}
    return found | _text(descriptor) if unread else found


def record(name: str, status: os.stat_result) -> PosixQueue:
    """Return the record of a queue from its file status."""
    return PosixQueue(*_row(name, status))


@cache
def _directory_of(_namespace: int | None) -> tuple[int, int | None]:
    """Open the directory of the caller's queues, and its IPC namespace.

    The second descriptor keeps the namespace, so that no later one gets its inode.
    """
    descriptor = _open_detached_mount()
    if descriptor is None:  # 0 is a descriptor, where standard input was closed
        descriptor = _open_own_mount()
    devices.add(os.fstat(descriptor).st_dev)
    return descriptor, _open_or_none(_NAMESPACE)


def is_mqueue(directory: int) -> bool:
    """Return True for a directory of an mqueue file system."""
    from pyipcs.process import libc

    return libc.file_system_type(directory) == _MQUEUE_MAGIC


def directory() -> int:
    """Return a descriptor of the directory with the caller's queues.

    It is opened once in each IPC namespace, and must not be closed.

    Raises:
        UnseenError: the directory cannot be opened, or may be that of another namespace.
    """
    return _directory_of(_namespace_inode())[0]


def known_directory() -> int | None:
    """Return the descriptor of `directory`, or None without one."""
    try:
        return directory()
    except UnseenError:
        return None


def open_queue(name: str) -> int:
    """Open a queue by mq_open(3) for reading, or else for writing.

    Raises:
        NotFoundError: no queue has the name.
        DeniedError: the caller may neither read nor write the queue.
        BusyError: another process has a lease on the queue.
    """
    from pyipcs.posix import libc

    return _first_access(lambda access: libc.mq_open(name, access))


def _first_access(open_with: Callable[[int], int]) -> int:
    """Return the descriptor of the first access that is not refused."""
    reading, writing = ACCESSES
    try:
        return open_after_lease(lambda: open_with(reading))
    except (PermissionError, DeniedError):
        return open_after_lease(lambda: open_with(writing))


def _namespace_inode() -> int | None:
    try:
        return os.stat(_NAMESPACE).st_ino
    except OSError:
        return None


def _open_or_none(path: str) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None


def _open_detached_mount() -> int | None:
    """Mount the queues at no path; return the directory, or None if refused."""
    if not _can_mount():
        return None
    from pyipcs.posix import libc

    try:
        mount = libc.mount_mqueue()
    except DeniedError:
        return _open_mount_of_child()
    except IpcError:  # Linux before 5.2, or a sandbox
        return None
    try:
        return _reopened(mount)
    finally:
        os.close(mount)


def _reopened(directory: int) -> int:
    """Return a new descriptor of a directory, with an offset of its own.

    Raises:
        OSError: the directory cannot be read, or there is no free descriptor.
    """
    try:
        return os.open(".", _OPEN_DIRECTORY, dir_fd=directory)
    except OSError as error:  # its name is for messages
        raise OSError(error.errno, error.strerror, PATH) from None


def _can_mount() -> bool:
    """Return False if the caller certainly lacks CAP_SYS_ADMIN."""
    try:
        return bool(capabilities() & CAP_SYS_ADMIN)
    except (OSError, IndexError, ValueError):
        return True


def _open_mount_of_child() -> int | None:
    """Mount the queues in a mount namespace of a child; return the directory.

    A process whose user namespace owns its IPC namespace, but not its mount namespace, may mount
    only after unshare(2).
    """
    import socket

    from pyipcs.process.child import bytes_from_child

    ours, theirs = socket.socketpair()
    with ours, theirs:
        try:
            bytes_from_child(partial(_send_mount, theirs))
        except OSError:
            return None
        _, descriptors, *_ = socket.recv_fds(ours, 1, 1, socket.MSG_CMSG_CLOEXEC)
    return descriptors[0] if descriptors else None


def _send_mount(channel: Any) -> bytes:
    """Mount the queues in a new mount namespace, and send the directory."""
    import socket

    from pyipcs.posix import libc
    from pyipcs.process.libc import CLONE_NEWNS, unshare

    unshare(CLONE_NEWNS)
    mount = libc.mount_mqueue()
    socket.send_fds(channel, [b"m"], [_reopened(mount)])
    return b""


def _open_own_mount() -> int:
    """Open /dev/mqueue, and check that it has the caller's queues."""
    try:
        descriptor = os.open(PATH, _OPEN_DIRECTORY)
    except OSError as error:
        raise _not_opened(error) from None
    try:
        _check_owner(descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _not_opened(error: OSError) -> UnseenError:
    match error.errno:
        case errno.ENOENT:
            return UnseenError(_OBJECTS, f"there is no {PATH}{_hint()}")
        case errno.EACCES:
            return _unreadable()
        case _:
            reason = f"{PATH} cannot be opened: {error.strerror}"
            return UnseenError(_OBJECTS, reason, is_certain=False)


def _unreadable() -> UnseenError:
    return UnseenError(_OBJECTS, f"{PATH} cannot be read{_hint()}", is_certain=False)


def _hint() -> str:
    """Return a hint at the right that replaces a mount; empty with it."""
    if _can_mount():
        return ""
    who = "as root" if effective_uid() else "with CAP_SYS_ADMIN"
    return f" ({who} no mount is needed)"


def _check_owner(descriptor: int) -> None:
    """Check that a directory has the queues of the caller's IPC namespace.

    Raises:
        UnseenError: it has those of another namespace, or it is unknown whose.
    """
    from pyipcs.process import libc

    try:
        type_ = libc.file_system_type(descriptor)
    except IpcError:  # a sandbox; a queue in the directory still proves whose it is
        type_ = None
    if type_ not in {_MQUEUE_MAGIC, None}:
        reason = f"the mqueue file system is not mounted at {PATH}{_hint()}"
        raise UnseenError(_OBJECTS, reason)
    try:
        names = _names(descriptor)
        answers = (_is_own(descriptor, name) for name in names)
        is_own = next((answer for answer in answers if answer is not None), None)
    except PermissionError:
        raise _unreadable() from None
    if is_own:
        return
    if is_own is None or type_ is None:
        raise _undecided(is_empty=not names)
    reason = f"{PATH} has those of another IPC namespace{_hint()}"
    raise UnseenError(_OBJECTS, reason)


def _undecided(*, is_empty: bool) -> UnseenError:
    if is_empty:
        reason = f"{PATH} is empty, but may be that of another IPC namespace"
    else:
        reason = f"{PATH} may be that of another IPC namespace: no queue in it can be opened"
    return UnseenError(_OBJECTS, f"{reason}{_hint()}", is_certain=False)


def _is_own(descriptor: int, name: str) -> bool | None:
    """Return True if mq_open(3) opens the queue of a directory.

    Return None if that is unknown: the kernel refuses to open the queue, or it was removed.
    """
    try:
        opened = open_queue(f"/{name}")
    except NotFoundError:
        return None if _status(descriptor, name) is None else False
    except IpcError:
        return None
    try:
        status = _status(descriptor, name)
        own = os.fstat(opened)
    finally:
        os.close(opened)
    # Each IPC namespace has its own file system. The inode may be that of a later queue.
    return None if status is None else status.st_dev == own.st_dev


def _names(descriptor: int) -> list[str]:
    # The cached descriptor's offset is shared with the children of this process.
    folder = _reopened(descriptor)
    try:
        return os.listdir(folder)
    finally:
        os.close(folder)


def _chunks(descriptor: int, names: list[str]) -> Iterator[Listing]:
    for start in range(0, len(names) or 1, CHUNK):
        found = ((name, _status(descriptor, name)) for name in names[start : start + CHUNK])
        rows = [_row(f"/{name}", status) for name, status in found if status is not None]
        columns = map(list, zip(*rows, strict=True)) if rows else ([] for _ in _BASIC)
        yield Listing(Kind.POSIX_QUEUE, (), [], dict(zip(_BASIC, columns, strict=True)))


def _row(name: str, status: os.stat_result) -> tuple[Any, ...]:
    """Return the basic fields; the file system has times in whole seconds."""
    times = status[ST_MTIME], status[ST_ATIME], status[ST_CTIME]
    owner = status.st_uid, status.st_gid
    return name, status.st_ino, status.st_dev, S_IMODE(status.st_mode), *owner, *times


def _status(descriptor: int, name: str) -> os.stat_result | None:
    """Return the status of a file in a directory; None if it was removed."""
    try:
        return os.stat(name, dir_fd=descriptor, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _details(
    folder: int, name: str, expected: Identity, fields: Collection[str]
) -> dict[str, int | None] | None:
    """Return fields of a queue; None if it was removed or replaced.

    They are empty if the caller may not open the queue, or another process has a lease on it.
    """
    entry, flags = name[1:], os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        opened = _first_access(lambda access: os.open(entry, access | flags, dir_fd=folder))
    except FileNotFoundError:
        return None
    except OSError:
        status = _status(folder, entry)
        return {} if status and identity(status) == expected else None
    try:
        return details(opened, fields) if identity(os.fstat(opened)) == expected else None
    finally:
        os.close(opened)


def _text(descriptor: int) -> dict[str, int | None]:
    """Return the fields in the text of a queue's file; empty if unreadable."""
    try:
        values = dict(word.split(b":") for word in os.pread(descriptor, 256, 0).split())
        size, notify, signal, pid = (int(values[name]) for name in _TEXT_FIELDS)
    except (OSError, ValueError, KeyError):
        return {}
    # The pid is 0 without a registered process, and for one of another PID namespace.
    return {"cbytes": size, "notify_pid": pid or (None if notify or signal else 0)}
