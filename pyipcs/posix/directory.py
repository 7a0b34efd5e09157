"""The /dev/shm of a place: the caller's own, or that of another process.

The caller's may be on any file system, as for shm_open(3). That of another process must be a tmpfs
or ramfs: the owner of the process may have mounted any directory there.
"""

import errno
import os
import re
from collections.abc import Container, Iterable
from contextlib import suppress

from pyipcs.errors import BusyError, UnseenError
from pyipcs.posix.places import devices

SHM = "/dev/shm"
_PATH = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
BLOCK = 512  # bytes of st_blocks (inode(7))
_TRIES = 8  # openat2(2) fails with EAGAIN beside a rename
_NAMESPACE_FILE = "/proc/(self|thread-self|[0-9]+)/(?:task/[0-9]+/)?ns/ipc"
_OBJECTS = "POSIX segments and semaphores"


class _Place:
    """The current place.

    Attributes:
        descriptor: the open directory; None before its first use.
        reason: the reason why the place has no directory; None if it has one.
        process: a descriptor of the folder of the process in /proc; None without one. A later
            process with the same pid is another folder.
        pid: the pid of the process, for messages.
        is_own: True for the place of the caller.
    """

    descriptor: int | None = None
    reason: str | None = None
    process: int | None = None
    pid = 0
    is_own = True

    def change(
        self,
        process: int | None = None,
        pid: int = 0,
        *,
        reason: str | None = None,
        directory: int | None = None,
    ) -> None:
        """Close the descriptors of the place before, and set another place."""
        for descriptor in (self.descriptor, self.process):
            if descriptor is not None:
                with suppress(OSError):  # `run` closes all descriptors in its child
                    os.close(descriptor)
        self.descriptor, self.reason, self.process, self.pid = directory, reason, process, pid
        self.is_own = process is None and reason is None and directory is None


_place = _Place()


def open_shm() -> int:
    """Return a descriptor of the current place's /dev/shm, which stays open.

    Raises:
        UnseenError: the place has no such directory, or the caller may not read it.
    """
    if _place.reason is not None:
        raise UnseenError(_OBJECTS, _place.reason)
    if _place.descriptor is None:
        process = _place.process
        _place.descriptor = (
            _open_own() if process is None else _open_of_process(process, _place.pid)
        )
        devices.add(os.fstat(_place.descriptor).st_dev)
    return _place.descriptor


def duplicate_shm() -> int:
    """Return a new descriptor of /dev/shm; a change of place leaves it open.

    Raises:
        UnseenError: see `open_shm`.
    """
    return os.dup(open_shm())


def is_own() -> bool:
    """Return True if the place is the caller's."""
    return _place.is_own


def is_in_memory(directory: int) -> bool:
    """Return True for a directory of a tmpfs or ramfs."""
    from pyipcs.process import libc

    return libc.file_system_type(directory) in libc.MEMORY_FILE_SYSTEMS


def use_own() -> None:
    """Set the place to the caller's /dev/shm; open it on its next use."""
    _place.change()


def use_none(reason: str) -> None:
    """Set the place to none.

    Args:
        reason: the reason, one sentence for the user.
    """
    _place.change(reason=reason)


def use_directory(descriptor: int) -> None:
    """Set the place to an open /dev/shm of another process; the descriptor stays open."""
    _place.change(directory=os.dup(descriptor))
    devices.add(os.fstat(descriptor).st_dev)


def use_namespace_file(path: str) -> str:
    """Set the place to the /dev/shm of the process in a path /proc/PID/ns/ipc.

    It is opened on its next use. That fails if the process has no /dev/shm on a tmpfs, if the
    caller may not read it, or if the kernel has no openat2(2) (Linux 5.6). Any other file of a
    namespace belongs to no process: then there is no place.

    Returns:
        A path of the same file. It stays that of the process if another process gets the pid.
    """
    match = re.fullmatch(_NAMESPACE_FILE, path)
    if not match:
        use_none(f"{path} is not /proc/PID/ns/ipc (only a process has a /dev/shm)")
    elif match[1] in {"self", "thread-self"}:
        use_own()
    else:
        try:
            process = os.open(path.removesuffix("/ns/ipc"), _PATH)
        except OSError as error:
            use_none(_unseen(error, path).reason)
        else:
            _place.change(process, int(match[1]))
            return f"/proc/self/fd/{process}/ns/ipc"
    return path


def open_all(pids: Iterable[int], known: Container[int]) -> tuple[dict[int, int], int]:
    """Open the file systems at the /dev/shm of processes, each once.

    An open directory can be listed after the process has exited.

    Args:
        pids: the processes.
        known: the devices of the file systems to leave out.

    Returns:
        A descriptor for each device, which the caller closes, and the number of processes that
        could not be examined.
    """
    found: dict[int, int] = {}
    unseen = 0
    for pid in pids:
        try:
            descriptor = _open_by_pid(pid)
        except UnseenError as error:
            unseen += not error.is_missing
            continue
        number = os.fstat(descriptor).st_dev
        if number in known or number in found:
            os.close(descriptor)
        else:
            found[number] = descriptor
    return found, unseen


def device() -> int:
    """Return the device of the current place's /dev/shm.

    Raises:
        UnseenError: see `open_shm`.
    """
    return os.fstat(open_shm()).st_dev


def _open_own() -> int:
    try:
        descriptor = os.open(SHM, _READ)
    except OSError as error:
        raise _unseen(error, SHM) from None
    try:
        os.stat(".", dir_fd=descriptor)  # it must be searchable, too
    except OSError as error:
        os.close(descriptor)
        raise _unseen(error, SHM) from None
    return descriptor


def _open_by_pid(pid: int) -> int:
    try:
        process = os.open(f"/proc/{pid}", _PATH)
    except OSError as error:
        raise _unseen(error, f"process {pid}") from None
    try:
        return _open_of_process(process, pid)
    finally:
        os.close(process)


def _open_of_process(process: int, pid: int) -> int:
    try:
        root = os.open("root", _PATH, dir_fd=process)
    except OSError as error:
        raise _unseen(error, f"the root of process {pid}") from None
    try:
        return _open_below(root, f"{SHM} of process {pid}")
    finally:
        os.close(root)


def _open_below(root: int, name: str) -> int:
    """Open /dev/shm below a root directory, which symbolic links cannot leave.

    Args:
        root: a descriptor of the root directory.
        name: the name of that /dev/shm in messages.
    """
    from pyipcs.process import libc

    try:
        descriptor = _resolve(root)
    except OSError as error:
        if error.errno == errno.ENOSYS:
            raise UnseenError(_OBJECTS, f"{name}: needs openat2(2) of Linux 5.6") from None
        raise _unseen(error, name) from None
    try:
        if libc.file_system_type(descriptor) in libc.MEMORY_FILE_SYSTEMS:
            return descriptor
    except OSError as error:
        os.close(descriptor)
        raise _unseen(error, name) from None
    os.close(descriptor)
    raise UnseenError(_OBJECTS, f"{name} is not a tmpfs")


def _resolve(root: int) -> int:
    from pyipcs.process import libc

    resolve = libc.RESOLVE_IN_ROOT | libc.RESOLVE_NO_MAGICLINKS
    for _ in range(_TRIES):
        with suppress(BusyError):
            return libc.openat2(root, os.fsencode(SHM), _READ, resolve)
    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def _unseen(error: OSError, name: str) -> UnseenError:
    match error.errno:
        case errno.ENOENT | errno.ESRCH:
            return UnseenError(_OBJECTS, f"{name} does not exist", is_missing=True)
        case errno.ENOTDIR:
            return UnseenError(_OBJECTS, f"{name} is not a directory")
        case _:
            return UnseenError(_OBJECTS, f"{name}: {error.strerror}")
