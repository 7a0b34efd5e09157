"""The C library: its functions with errno as exceptions, and calls that Python 3.11 lacks."""

import ctypes
import os
from ctypes import c_char_p, c_int, c_long, c_size_t, c_ulong, c_void_p
from typing import Any, cast

from pyipcs.errors import ipc_error

CLONE_NEWIPC, CLONE_NEWUSER = 0x08000000, 0x10000000
MADV_DONTNEED, MADV_POPULATE_READ, MADV_POPULATE_WRITE = 4, 22, 23
_PR_SET_DUMPABLE, _PR_SET_CHILD_SUBREAPER = 4, 36
# geteuid(2) and getegid(2): the numbers of x86-64 (unistd_64.h) and of asm-generic/unistd.h.
_GENERIC = (175, 177)
_GET_IDS = {"x86_64": (107, 108), "aarch64": _GENERIC, "riscv64": _GENERIC, "loongarch64": _GENERIC}

LIBRARY = ctypes.CDLL(None, use_errno=True)


def _check(result: int, _function: object, _arguments: object) -> int:
    if result == -1:
        raise ipc_error(ctypes.get_errno())
    return result


def function(name: str, *argtypes: Any, restype: Any = c_int) -> Any:
    """Return a function of the C library that raises IpcError with errno where it returns -1."""
    found = getattr(LIBRARY, name)
    found.argtypes = argtypes
    found.restype = restype
    found.errcheck = _check
    return found


_unshare = function("unshare", c_int)
_setns = function("setns", c_int, c_int)
_prctl = function("prctl", c_int, c_ulong, c_ulong, c_ulong, c_ulong)
_madvise = function("madvise", c_void_p, c_size_t, c_int)
_mincore = function("mincore", c_void_p, c_size_t, c_char_p)
_syscall = LIBRARY.syscall
_syscall.argtypes, _syscall.restype = (c_long,), c_long


def unshare(types: int) -> None:
    """unshare(2), which Python has from 3.12 on.

    Raises:
        DeniedError: the caller has not CAP_SYS_ADMIN, or may make no user namespace.
        LimitError: there are too many.
    """
    _unshare(types)


def setns(descriptor: int, type_: int) -> None:
    """setns(2), which Python has from 3.12 on.

    Raises:
        DeniedError: the caller has not CAP_SYS_ADMIN over it.
        IpcError: EINVAL, it is no namespace of this type, or the caller is in this user namespace.
    """
    _setns(descriptor, type_)


def effective_ids() -> tuple[int, int]:
    """Return the effective user and group without geteuid(3), which a preloaded library replaces.

    Neither call can fail (geteuid(2)). On machines whose numbers of system calls are not known,
    the library is asked.
    """
    numbers = _GET_IDS.get(os.uname().machine)
    if numbers is None:
        return os.geteuid(), os.getegid()
    user, group = numbers
    return cast(int, _syscall(user)), cast(int, _syscall(group))


def adopt_orphans() -> None:
    """Become the parent of all descendants whose parents exit (PR_SET_CHILD_SUBREAPER)."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def dump_no_core() -> None:
    """Write no core file when a signal kills this process (PR_SET_DUMPABLE)."""
    _prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def madvise(address: int, size: int, advice: int) -> None:
    """madvise(2) for attached pages.

    Args:
        address: where the first of them begins.
        size: theirs, in bytes.
        advice: MADV_DONTNEED lets go of them, though they stay in their segment: a process that
            goes through a segment would in the end count all of it as its own. MADV_POPULATE_READ
            and MADV_POPULATE_WRITE (Linux 5.14) fetch them at once, and not with a fault each.

    Raises:
        IpcError: EINVAL, the pages are locked, or parts of huge ones, or the kernel is older.
    """
    _madvise(address, size, advice)


def resident(address: int, size: int) -> bytes:
    """Which of these attached pages are in memory, a byte a page: 1 or 0 (mincore(2))."""
    pages = ctypes.create_string_buffer(-(-size // os.sysconf("SC_PAGESIZE")))
    _mincore(address, size, pages)
    return pages.raw
