"""Files in /dev/shm, and children that use them or have other mounts."""

import fcntl
import mmap
import os
import shutil
import signal
import socket
import stat
import struct
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import c_ulong
from pathlib import Path
from typing import TypeVar

import pytest

from pyipcs.model import Kind
from pyipcs.posix import lease
from tests.kit.child import NEWNS, become_ordinary, in_child, unshare
from tests.kit.kernel import IS_ROOT, libc
from tests.kit.wait import exit_code

SHM = Path("/dev/shm")
needs_leases = pytest.mark.skipif(not lease.is_supported(), reason="needs Linux 5.3")
_MS_BIND, _MS_REC, _MS_PRIVATE, _MS_SHARED = 4096, 16384, 1 << 18, 1 << 20
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
        """Create files of all types that are no objects; return their names."""
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
        """Remove all files in /dev/shm."""
        for path in SHM.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def as_nobody(act: Callable[[], _T]) -> _T:
    """Return the result of a function that runs with the rights of nobody; needs root."""
    return in_child(act, become_ordinary)


def own_mounts() -> None:
    """Move this process, a child with one thread, to mounts of its own."""
    unshare(NEWNS)
    libc.mount(b"none", b"/", None, c_ulong(_MS_REC | _MS_PRIVATE), None)


def shared_mounts() -> None:
    """Move this process, a child with one thread, to mounts that pass on later mounts."""
    own_mounts()
    libc.mount(b"none", b"/", None, c_ulong(_MS_REC | _MS_SHARED), None)


def mount_tmpfs(path: Path) -> None:
    """Mount an empty tmpfs."""
    libc.mount(b"tmpfs", os.fsencode(path), b"tmpfs", c_ulong(0), b"mode=1777")


def bind(source: Path, target: Path) -> None:
    """Mount a directory at another place."""
    libc.mount(os.fsencode(source), os.fsencode(target), None, c_ulong(_MS_BIND), None)


@contextmanager
def child_in(prepare: Callable[[], object]) -> Iterator[int]:
    """Run a process that calls a function and then waits; yield its pid."""
    ready, report = os.pipe()
    wait, end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(ready)
            os.close(end)
            prepare()
            os.write(report, b"y")
            os.read(wait, 1)
        except BaseException:
            os.write(report, traceback.format_exc().encode())
        finally:
            os._exit(0)
    os.close(report)
    os.close(wait)
    try:
        answer = os.read(ready, 65536)
        assert answer == b"y", answer.decode()
        yield child
    finally:
        os.close(ready)
        os.close(end)
        exit_code(child)


def hold_open(path: Path, flags: int = os.O_RDONLY) -> None:
    """Open a file until the process ends."""
    os.open(path, flags)


def is_in_use(path: Path) -> bool:
    """Return True if a process has the file open or mapped: it gets no write lease (fcntl(2))."""
    action = signal.signal(signal.SIGIO, signal.SIG_IGN)  # an opener meanwhile breaks the lease
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)
        signal.signal(signal.SIGIO, action)


def kind_of_file(path: Path) -> Kind | None:
    """Return the kind of a file in /dev/shm by its type, name and size; None for no object."""
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        return None
    is_semaphore = path.name.startswith("sem.") and status.st_size in {16, 32}
    return Kind.POSIX_SEMAPHORE if is_semaphore else Kind.POSIX_SEGMENT


def hold_lease(path: Path) -> None:
    """Hold a write lease on a file until the process ends (fcntl(2), F_SETLEASE)."""
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    fcntl.fcntl(os.open(path, os.O_RDONLY | os.O_NONBLOCK), fcntl.F_SETLEASE, fcntl.F_WRLCK)


def hold_mapped(path: Path, protection: int = mmap.PROT_READ, flags: int = mmap.MAP_SHARED) -> None:
    """Map the first page of a file until the process ends; leave no descriptor open."""
    descriptor = os.open(path, os.O_RDWR)
    libc.mmap(None, mmap.PAGESIZE, protection, flags, descriptor, 0)
    os.close(descriptor)


def is_leased(path: Path) -> bool:
    """Return True if a process has a lease on a file, which this attempt to open it breaks."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    except BlockingIOError:
        return True
    return False
