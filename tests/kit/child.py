"""Function calls in children: in other namespaces, without privileges."""

import ctypes
import os
import pickle
import struct
import sys
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import pytest

from pyipcs.posix import directory, places
from pyipcs.usage.scan import expire
from tests.kit.kernel import IS_ROOT, NOBODY, libc
from tests.kit.wait import exit_code

NEWNS, NEWIPC, NEWUSER, NEWPID = 0x00020000, 0x08000000, 0x10000000, 0x20000000
_MS_PRIVATE, _MS_REC = 1 << 18, 16384
_PR_SET_DUMPABLE, _PR_SET_KEEPCAPS, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 4, 8, 22, 38
_CAPABILITY_VERSION_3 = 0x20080522
# System calls whose numbers differ between architectures.
_CALLS = {
    "x86_64": {
        "fstatfs": 138,
        "linkat": 265,
        "mount": 165,
        "renameat2": 316,
        "statx": 332,
        "sysinfo": 99,
        "msgget": 68,
        "msgsnd": 69,
        "msgrcv": 70,
        "msgctl": 71,
        "semget": 64,
        "semop": 65,
        "semtimedop": 220,
        "semctl": 66,
        "shmget": 29,
        "shmat": 30,
        "shmctl": 31,
        "mq_open": 240,
        "mq_unlink": 241,
        "mq_timedsend": 242,
        "mq_timedreceive": 243,
        "mq_notify": 244,
        "mq_getsetattr": 245,
    },
    "aarch64": {
        "fstatfs": 44,
        "linkat": 37,
        "mount": 40,
        "renameat2": 276,
        "statx": 291,
        "sysinfo": 179,
        "msgget": 186,
        "msgsnd": 189,
        "msgrcv": 188,
        "msgctl": 187,
        "semget": 190,
        "semop": 193,
        "semtimedop": 192,
        "semctl": 191,
        "shmget": 194,
        "shmat": 196,
        "shmctl": 195,
        "mq_open": 180,
        "mq_unlink": 181,
        "mq_timedsend": 182,
        "mq_timedreceive": 183,
        "mq_notify": 184,
        "mq_getsetattr": 185,
    },
}
_T = TypeVar("_T")


def in_child(ask: Callable[[], _T], *before: Callable[[], object]) -> _T:
    """Return the result of a function in a child, after the functions of `before`.

    The result, or the exception, must be small. The child has no answer of the program in a cache.
    """
    reading, writing = os.pipe()
    find_caches()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, pickle.dumps(_answer(ask, before)))
        finally:
            os._exit(0)
    os.close(writing)
    exit_code(child)
    with os.fdopen(reading, "rb") as file:
        result, error = pickle.load(file)
    if error:
        raise error
    return result  # type: ignore[no-any-return] # the type is that of `ask`


def _answer(
    ask: Callable[[], _T], before: tuple[Callable[[], object], ...]
) -> tuple[_T | None, BaseException | None]:
    try:
        for step in before:
            step()
        clear_caches()
        return ask(), None
    except BaseException as error:  # pytest's failures are no Exception
        return None, error


def clear_caches() -> None:
    """Clear the cached answers and descriptors of the program.

    Call `find_caches` before the fork of a child that calls this.
    """
    for clear in find_caches():
        clear()
    expire()
    places.devices.clear()
    directory.use_own()


def find_caches() -> Sequence[Callable[[], None]]:
    """Return the functions that clear the caches of the loaded modules.

    A child that searches for them takes 10 ms: it copies each page that it reads, because a
    reference changes the object. It has the result of the last search before the fork.
    """
    return _find_caches(len(sys.modules))


@lru_cache(maxsize=1)
def _find_caches(_loaded: int) -> Sequence[Callable[[], None]]:
    modules = [module for name, module in sys.modules.items() if name.startswith("pyipcs.")]
    values = [value for module in modules for value in vars(module).values()]
    return [value.cache_clear for value in values if hasattr(value, "cache_clear")]


def unshare(flags: int) -> None:
    """Enter new namespaces; an ordinary user gets all rights over them by a user namespace."""
    if IS_ROOT:
        libc.unshare(flags)
    else:
        unshare_user(flags)


def unshare_user(flags: int) -> None:
    """Enter a new user namespace with the same user, and others that it owns."""
    uid, gid = os.geteuid(), os.getegid()
    libc.unshare(flags | NEWUSER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def hide(path: str) -> None:
    """Mount an empty file system over a folder, in a mount namespace of this process."""
    libc.mount(b"none", b"/", None, _MS_PRIVATE | _MS_REC, None)
    libc.mount(b"none", path.encode(), b"tmpfs", 0, b"mode=755")


def become_ordinary(uid: int = NOBODY) -> None:
    """Become another user, by default nobody, unless this is an ordinary user already."""
    if IS_ROOT:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(uid, uid, uid)
        libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)  # else the files of /proc/self stay root's


def drop_capabilities() -> None:
    """Give up all capabilities, also those in a user namespace."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    libc.capset(header, (ctypes.c_uint32 * 6)())


def keep_capabilities(numbers: Collection[int]) -> None:
    """Give up all capabilities except some (capabilities(7))."""
    mask = sum(1 << number for number in numbers)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    # Effective, permitted and inheritable ones: the low halves, then the high ones.
    halves = [mask & 0xFFFFFFFF] * 2 + [0] + [mask >> 32] * 2 + [0]
    libc.capset(header, (ctypes.c_uint32 * 6)(*halves))


def become_capable(number: int, uid: int = NOBODY) -> None:
    """Become an ordinary user with one capability (capabilities(7)); needs root."""
    libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    become_ordinary(uid)
    keep_capabilities([number])


def drop_privileges(uid: int = NOBODY) -> None:
    """Become an ordinary user without capabilities."""
    become_ordinary(uid)
    drop_capabilities()


def call_number(name: str) -> int:
    """Return the number of a system call; skip the test on an unknown architecture."""
    machine = os.uname().machine
    if machine not in _CALLS:
        pytest.skip(f"the system calls of {machine} are not in the test")
    return _CALLS[machine][name]


def refuse_call(number: int, error: int) -> None:
    """Let a system call fail from now on (seccomp(2)).

    Args:
        number: the number of the call on this architecture.
        error: its errno.
    """
    refuse_calls([number], error)


def refuse_calls(numbers: Collection[int], error: int) -> None:
    """Let system calls fail from now on: see `refuse_call`."""
    load, equal, give, allow, refuse = 0x20, 0x15, 0x06, 0x7FFF0000, 0x00050000
    code = [(load, 0, 0, 0)]
    for number in numbers:
        code += [(equal, 0, 1, number), (give, 0, 0, refuse | error)]
    filter_calls([*code, (give, 0, 0, allow)])


def filter_calls(code: Sequence[tuple[int, int, int, int]]) -> None:
    """Install a seccomp filter.

    Args:
        code: the members of each struct sock_filter.
    """
    buffer = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in code))
    program = struct.pack("HxxxxxxP", len(code), ctypes.addressof(buffer))
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_SECCOMP, 2, program)
