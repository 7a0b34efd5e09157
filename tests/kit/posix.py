"""Files in /dev/shm, and children in other mounts or with other rights."""

import mmap
import os
import pickle
import shutil
import socket
import struct
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import addressof, c_ulong, create_string_buffer
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.kit.kernel import IS_ROOT, NOBODY, libc
from tests.kit.wait import LIMIT, exit_code

SHM = Path("/dev/shm")
MS_REC_PRIVATE = 16384 | 1 << 18
_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000
_T = TypeVar("_T")


def glibc_semaphore(value: int, waiters: int = 0) -> bytes:
    """Return the file of a semaphore of a 64-bit program with glibc."""
    return struct.pack("=IIi20x", value, waiters, 128)


def i386_semaphore(value: int) -> bytes:
    """Return the file of a semaphore of a 32-bit program with glibc."""
    return struct.pack("=Iiii", value << 1, 128, 0, 0)


class ShmFiles:
    """The files that a test has in /dev/shm; they are removed at its end."""

    def file(self, name: str | bytes, content: bytes = b"", mode: int = 0o600) -> Path:
        """Write a file; return its path."""
        path = SHM / os.fsdecode(name)
        path.write_bytes(content)
        path.chmod(mode)
        return path

    def hostile(self) -> set[str]:
        """Create everything that is no object; return the names."""
        (SHM / "directory/below").mkdir(parents=True)
        (SHM / "directory/below/file").write_bytes(b"x" * 5000)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(SHM / "socket"))
        os.mkfifo(SHM / "fifo")
        (SHM / "link").symlink_to("/etc/passwd")
        (SHM / "sem.dangling").symlink_to("missing")
        (SHM / "sem.directory").mkdir()
        names = {"directory", "socket", "fifo", "link", "sem.dangling", "sem.directory"}
        if IS_ROOT:
            os.mknod(SHM / "device", 0o600 | 0o020000, os.makedev(1, 3))
            names.add("device")
        return names

    def remove_all(self) -> None:
        """Remove everything in /dev/shm."""
        for path in SHM.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def in_child(act: Callable[[], _T], *, user: int | None = None) -> _T:
    """Return the result of a function that runs in a forked process.

    Args:
        act: the function.
        user: the user whose rights the process gets; None for the caller's.
    """
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(read)
            if user is not None:
                os.setgroups([])
                os.setegid(user)
                os.seteuid(user)
            answer: tuple[bool, Any] = (True, act())
        except BaseException:
            answer = (False, traceback.format_exc())
        try:
            with os.fdopen(write, "wb") as pipe:
                pickle.dump(answer, pipe)
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        data = pipe.read()
    exit_code(child, seconds=LIMIT)
    is_done, result = pickle.loads(data)
    if is_done:
        return result  # type: ignore[no-any-return] # pickled from a T
    if "pytest.skip" in result or "Skipped:" in result:
        pytest.skip(result.splitlines()[-1])
    raise AssertionError(result)


def as_nobody(act: Callable[[], _T]) -> _T:
    """Return the result of a function that runs with the rights of nobody; needs root."""
    return in_child(act, user=NOBODY)


def own_mounts() -> None:
    """Move this process, a child with one thread, to mounts of its own.

    An ordinary user gets all rights over a user namespace.
    """
    uid, gid = os.geteuid(), os.getegid()
    try:
        libc.unshare(_CLONE_NEWNS if uid == 0 else _CLONE_NEWUSER | _CLONE_NEWNS)
    except OSError as error:
        pytest.skip(f"needs a mount namespace: {error}")
    if uid:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    libc.mount(b"none", b"/", None, c_ulong(MS_REC_PRIVATE), None)


def mount_tmpfs(path: Path) -> None:
    """Mount an empty tmpfs."""
    libc.mount(b"tmpfs", os.fsencode(path), b"tmpfs", c_ulong(0), b"mode=1777")


def bind(source: Path, target: Path) -> None:
    """Mount a directory at another place."""
    libc.mount(os.fsencode(source), os.fsencode(target), None, c_ulong(4096), None)


@contextmanager
def child_in(prepare: Callable[[], object]) -> Iterator[int]:
    """Run a process that calls a function and then waits; yield its pid."""
    ready, told = os.pipe()
    wait, end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(ready)
            os.close(end)
            prepare()
            os.write(told, b"y")
            os.read(wait, 1)
        except BaseException:
            os.write(told, traceback.format_exc().encode())
        finally:
            os._exit(0)
    os.close(told)
    os.close(wait)
    try:
        answer = os.read(ready, 65536)
        if b"Skipped" in answer:
            pytest.skip(answer.decode().splitlines()[-1])
        assert answer == b"y", answer.decode()
        yield child
    finally:
        os.close(ready)
        os.close(end)
        exit_code(child)


def hold_mapped(path: Path, protection: int = mmap.PROT_READ, flags: int = mmap.MAP_SHARED) -> None:
    """Map the first page of a file until the process ends; leave no descriptor open."""
    descriptor = os.open(path, os.O_RDWR)
    libc.mmap(None, mmap.PAGESIZE, protection, flags, descriptor, 0)
    os.close(descriptor)


def refuse_calls(error: int, *numbers: int) -> None:
    """Make system calls fail in this process, by a seccomp filter."""
    load, equal, answer = 0x20, 0x15, 0x06
    code = [(load, 0, 0, 0)]
    for number in numbers:
        code += [(equal, 0, 1, number), (answer, 0, 0, 0x00050000 | error)]
    code.append((answer, 0, 0, 0x7FFF0000))
    steps = create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in code))
    program = struct.pack("HxxxxxxP", len(code), addressof(steps))
    try:
        libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
        libc.prctl(22, 2, program)  # PR_SET_SECCOMP
    except OSError as failure:
        pytest.skip(f"seccomp: {failure}")
