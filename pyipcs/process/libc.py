"""The C library by ctypes: system calls that Python 3.11 lacks."""

import ctypes
import errno
import os
import struct
from ctypes import c_char_p, c_int, c_long, c_size_t, c_ulong, c_void_p
from typing import Any, NamedTuple, cast

from pyipcs.errors import IpcError, ipc_error

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER = 0x00020000, 0x08000000, 0x10000000
MEMORY_FILE_SYSTEMS = {0x01021994, 0x858458F6}  # TMPFS_MAGIC and RAMFS_MAGIC (linux/magic.h)
_MS_PRIVATE = 1 << 18  # linux/mount.h
MADV_DONTNEED, MADV_POPULATE_READ, MADV_POPULATE_WRITE = 4, 22, 23
_PR_SET_DUMPABLE, _PR_SET_CHILD_SUBREAPER = 4, 36
# geteuid(2) and getegid(2): the numbers of x86-64 (unistd_64.h) and of asm-generic/unistd.h.
_GENERIC = (175, 177)
_GET_IDS = {"x86_64": (107, 108), "aarch64": _GENERIC, "riscv64": _GENERIC, "loongarch64": _GENERIC}
_STATX = {"x86_64": 332, "aarch64": 291, "riscv64": 291, "loongarch64": 291}
_STATX_NUMBER = _STATX.get(os.uname().machine)
# The errors of a kernel or a sandbox without statx(2): Docker before 18.09 returns EPERM. A FUSE
# file system that refuses its files returns EACCES.
_NO_STATX = {errno.ENOSYS, errno.EPERM}
_RENAMEAT2 = {"x86_64": 316, "aarch64": 276, "riscv64": 276, "loongarch64": 276}
_RENAME_NOREPLACE = 1  # linux/fs.h
_OPENAT2, _CACHESTAT = 437, 451  # the same on all these machines
RESOLVE_NO_MAGICLINKS, RESOLVE_IN_ROOT = 0x02, 0x10  # linux/openat2.h
_AT_FDCWD = -100
_AT_SYMLINK_NOFOLLOW, _AT_NO_AUTOMOUNT, _AT_STATX_DONT_SYNC = 0x100, 0x800, 0x4000
_STATX_INO, _STATX_BTIME = 0x100, 0x800
_STATX_BUFFER = struct.Struct("I28xQ40xq48x2I112x")  # struct statx: mask, ino, btime, dev
_STATFS_SIZE = 256  # struct statfs is smaller on every machine

LIBRARY = ctypes.CDLL(None, use_errno=True)


def _check(result: int, _function: object, _arguments: object) -> int:
    if result == -1:
        raise ipc_error(ctypes.get_errno())
    return result


def function(name: str, *argtypes: Any, restype: Any = c_int, check: Any = _check) -> Any:
    """Return a C function that raises IpcError with errno for the result -1."""
    pointer: Any = LIBRARY[name]
    pointer.argtypes = argtypes
    pointer.restype = restype
    pointer.errcheck = check
    return pointer


_unshare = function("unshare", c_int)
_setns = function("setns", c_int, c_int)
_mount = function("mount", c_char_p, c_char_p, c_char_p, c_ulong, c_char_p)
_prctl = function("prctl", c_int, c_ulong, c_ulong, c_ulong, c_ulong)
_madvise = function("madvise", c_void_p, c_size_t, c_int)
_mincore = function("mincore", c_void_p, c_size_t, c_char_p)
_fnmatch = function("fnmatch", c_char_p, c_char_p, c_int)
_fstatfs = function("fstatfs", c_int, c_void_p)
_sysinfo = function("sysinfo", c_void_p)
_call_statx = function(
    "syscall", c_long, c_long, c_char_p, c_long, c_long, c_void_p, restype=c_long
)
_call_openat2 = function("syscall", c_long, c_long, c_char_p, c_char_p, c_size_t, restype=c_long)
_call_cachestat = function("syscall", c_long, c_long, c_char_p, c_void_p, c_long, restype=c_long)
_call_renameat2 = function(
    "syscall",
    c_long,
    c_long,
    c_char_p,
    c_long,
    c_char_p,
    c_long,
    restype=c_long,
)
_syscall = LIBRARY.syscall
_syscall.argtypes, _syscall.restype = (c_long,), c_long


def fnmatch(pattern: bytes, name: bytes) -> bool:
    """Return True if a name matches a pattern of a shell (fnmatch(3))."""
    return bool(_fnmatch(pattern, name, 0) == 0)


def unshare(types: int) -> None:
    """Call unshare(2), which Python has since 3.12.

    Raises:
        DeniedError: the caller lacks CAP_SYS_ADMIN, or may not create a user namespace.
        LimitError: the limit of namespaces is reached.
    """
    _unshare(types)


def setns(descriptor: int, type_: int) -> None:
    """Call setns(2), which Python has since 3.12.

    Raises:
        DeniedError: the caller lacks CAP_SYS_ADMIN over the namespace.
        IpcError: EINVAL, the descriptor is no namespace of this type, or is the caller's own user
            namespace.
    """
    _setns(descriptor, type_)


def mount(path: str, type_: str, flags: int, options: str) -> None:
    """Mount a file system without a device (mount(2)).

    Raises:
        DeniedError: the caller lacks CAP_SYS_ADMIN over its mount namespace.
        NotFoundError: there is no such directory.
        IpcError: ENODEV, the kernel does not have the type.
    """
    _mount(type_.encode(), path.encode(), type_.encode(), flags, options.encode())


def make_mount_private(path: bytes) -> None:
    """Stop the propagation of mounts to and from a mount (MS_PRIVATE).

    Raises:
        DeniedError: the caller lacks CAP_SYS_ADMIN over its mount namespace.
        IpcError: EINVAL, no mount is at the path.
    """
    _mount(None, path, None, _MS_PRIVATE, None)


def effective_ids() -> tuple[int, int]:
    """Return the effective user and group by raw system calls.

    A preloaded library may replace geteuid(2). Neither call can fail. On machines with unknown
    system call numbers, return the ids of the library.
    """
    numbers = _GET_IDS.get(os.uname().machine)
    if numbers is None:
        return os.geteuid(), os.getegid()
    user, group = numbers
    return cast(int, _syscall(user)), cast(int, _syscall(group))


def adopt_orphans() -> None:
    """Adopt all descendants whose parents exit (PR_SET_CHILD_SUBREAPER)."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def dump_no_core() -> None:
    """Disable the core file of this process (PR_SET_DUMPABLE)."""
    _prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def madvise(address: int, size: int, advice: int) -> None:
    """Call madvise(2) for attached pages.

    Args:
        address: the address of the first page.
        size: the size of the range in bytes.
        advice: MADV_DONTNEED removes the pages from this process, but not from the segment;
            otherwise each page that a process reads stays in its memory. MADV_POPULATE_READ and
            MADV_POPULATE_WRITE (Linux 5.14) map all pages in one call.

    Raises:
        IpcError: EINVAL, the pages are locked or parts of huge pages, or the kernel is older.
    """
    _madvise(address, size, advice)


def mincore(address: int, size: int) -> bytes:
    """Return a byte for each page: 1 if the page is in memory, else 0."""
    pages = ctypes.create_string_buffer(-(-size // os.sysconf("SC_PAGESIZE")))
    _mincore(address, size, pages)
    return pages.raw


def cached_identity(path: str) -> tuple[int, int]:
    """Return the device and the inode of a file without asking a server.

    stat(2) asks the server of a FUSE mount, and never returns if that does not answer. It is called
    only where statx(2) is missing.

    Raises:
        NotFoundError: there is no such file.
        DeniedError: the caller may not search a directory of the path.
    """
    flags = _AT_STATX_DONT_SYNC | _AT_NO_AUTOMOUNT
    try:
        _mask, inode, _time, major, minor = _statx(_AT_FDCWD, os.fsencode(path), flags, _STATX_INO)
    except IpcError as error:
        if error.errno not in _NO_STATX:
            raise
    else:
        return os.makedev(major, minor), inode
    try:
        status = os.stat(path)
    except OSError as error:
        raise ipc_error(error.errno or errno.EIO) from None
    return status.st_dev, status.st_ino


def _statx(directory: int, path: bytes, flags: int, mask: int) -> tuple[int, ...]:
    """Call statx(2); return the members of _STATX_BUFFER."""
    if _STATX_NUMBER is None:
        raise IpcError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    buffer = ctypes.create_string_buffer(_STATX_BUFFER.size)
    _call_statx(_STATX_NUMBER, directory, path, flags, mask, buffer)
    return _STATX_BUFFER.unpack(buffer)


class Birth(NamedTuple):
    """The identity and the birth of a file (statx(2)).

    Attributes:
        device: the device, as st_dev.
        inode: the inode.
        time: the time of the creation in seconds; None if the file system records none.
    """

    device: int
    inode: int
    time: int | None


def birth(directory: int, name: bytes) -> Birth:
    """Return the birth of a file below a directory; follow no symbolic link.

    Raises:
        NotFoundError: there is no such file.
        IpcError: ENOSYS, the kernel is older than Linux 4.11, or the machine is unknown.
    """
    flags, mask = _AT_SYMLINK_NOFOLLOW | _AT_NO_AUTOMOUNT, _STATX_INO | _STATX_BTIME
    mask, inode, time, major, minor = _statx(directory, name, flags, mask)
    return Birth(os.makedev(major, minor), inode, time if mask & _STATX_BTIME else None)


def openat2(directory: int, path: bytes, flags: int, resolve: int) -> int:
    """Call openat2(2).

    Raises:
        NotFoundError: there is no such file.
        BusyError: a rename beside this call makes the path uncertain.
        IpcError: ENOSYS, the kernel is older than Linux 5.6.
    """
    how = struct.pack("QQQ", flags, 0, resolve)  # struct open_how
    return cast(int, _call_openat2(_OPENAT2, directory, path, how, len(how)))


def rename_new(directory: int, old: str, new: str) -> None:
    """Rename a file in a directory, but replace no other file.

    This is renameat2(2) with RENAME_NOREPLACE.

    Raises:
        ExistsError: there is a file with the new name.
        DeniedError: the caller may not rename the file.
        IpcError: ENOSYS, the kernel is older than Linux 3.15, or the machine is unknown.
    """
    number = _RENAMEAT2.get(os.uname().machine)
    if number is None:
        raise IpcError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    names = os.fsencode(old), os.fsencode(new)
    _call_renameat2(number, directory, names[0], directory, names[1], _RENAME_NOREPLACE)


def cachestat(descriptor: int) -> tuple[int, int]:
    """Return how many pages of a file are in memory, and how many are evicted.

    Evicted pages of a tmpfs are in swap.

    Raises:
        DeniedError: the caller neither owns the file nor may write it.
        IpcError: ENOSYS, the kernel is older than Linux 6.5.
    """
    buffer = ctypes.create_string_buffer(5 * 8)  # struct cachestat
    _call_cachestat(_CACHESTAT, descriptor, bytes(16), buffer, 0)  # the range 0, 0 is all
    cached, _, _, evicted, _ = struct.unpack("5Q", buffer)
    return cached, evicted


def file_system_type(descriptor: int) -> int:
    """Return the magic number of a file's file system (statfs(2))."""
    buffer = ctypes.create_string_buffer(_STATFS_SIZE)
    _fstatfs(descriptor, buffer)
    return int(c_long.from_buffer(buffer).value)


def is_swap_used() -> bool:
    """Return True if any page is in swap (sysinfo(2))."""
    buffer = ctypes.create_string_buffer(_STATFS_SIZE)
    _sysinfo(buffer)
    total, free = struct.unpack_from("8x24x32xLL", buffer)
    return bool(total != free)
