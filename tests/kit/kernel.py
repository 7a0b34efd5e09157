"""Objects of the kernel, created and read without any code of the program."""

import ctypes
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyipcs.model import SYSV, Kind

IS_ROOT = os.geteuid() == 0
NOBODY = 65534
# A user for commands in namespaces that other tests, which run as nobody, must not see.
OTHER_USER = 61004
IPC_CREAT, IPC_EXCL, IPC_NOWAIT = 0o1000, 0o2000, 0o4000
MSG_EXCEPT = 0o20000
_IPC_RMID, _SHM_LOCK = 0, 11


class _Libc:
    """The C library's functions, which raise OSError where they fail."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.shmat.restype = ctypes.c_void_p
        self._libc.shmget.argtypes = (ctypes.c_int, ctypes.c_size_t, ctypes.c_int)
        self._libc.shmat.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
        self._libc.shmdt.argtypes = (ctypes.c_void_p,)

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._libc, name)

        def call(*args: Any) -> Any:
            result = function(*args)
            if result in (-1, 2**64 - 1):
                number = ctypes.get_errno()
                raise OSError(number, f"{name}{args}: {os.strerror(number)}")
            return result

        return call


libc = _Libc()


def send(msqid: int, body: bytes = b"hello", type_: int = 1) -> None:
    """Send a message to a queue."""
    message = struct.pack("l", type_) + body
    libc.msgsnd(msqid, message, ctypes.c_size_t(len(body)), IPC_NOWAIT)


def receive(
    msqid: int, type_: int = 0, flags: int = 0, *, blocking: bool = False
) -> tuple[int, bytes]:
    """Take a message from a queue; return its type and its body."""
    room = ctypes.create_string_buffer(8 + 65536)
    if not blocking:
        flags |= IPC_NOWAIT
    size = libc.msgrcv(msqid, room, ctypes.c_size_t(65536), ctypes.c_long(type_), flags)
    return struct.unpack_from("l", room)[0], room.raw[8 : 8 + size]


def receive_all(msqid: int) -> list[tuple[int, bytes]]:
    """Empty a queue; return the types and bodies of its messages."""
    return [receive(msqid) for _ in range(int(row(Kind.QUEUE, msqid)["qnum"]))]


def operate(semid: int, change: int, flags: int = 0) -> None:
    """Change the first semaphore of a set."""
    operation = ctypes.create_string_buffer(struct.pack("Hhh", 0, change, flags))
    libc.semop(semid, operation, ctypes.c_size_t(1))


@contextmanager
def attached(shmid: int) -> Iterator[int]:
    """Attach a segment within a `with` block; yield its address."""
    address = libc.shmat(shmid, None, 0)
    try:
        yield address
    finally:
        libc.shmdt(address)


def lock(shmid: int) -> None:
    """Lock a segment in memory (SHM_LOCK)."""
    libc.shmctl(shmid, _SHM_LOCK, None)


@contextmanager
def acting_as(uid: int) -> Iterator[None]:
    """Change the effective user within a `with` block."""
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(os.getuid())


def full_pipe() -> tuple[int, int]:
    """Return the read end and the write end of a full pipe."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    try:
        while True:
            os.write(write, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(write, True)
    return read, write


class Objects:
    """The objects of a test, which are removed at its end."""

    def __init__(self) -> None:
        self._made: list[tuple[Kind, int]] = []

    def queue(self, key: int = 0, mode: int = 0o644) -> int:
        """Create a queue; return its id."""
        return self._add(Kind.QUEUE, libc.msgget(key, IPC_CREAT | IPC_EXCL | mode))

    def segment(self, key: int = 0, mode: int = 0o644, size: int = 4096, flags: int = 0) -> int:
        """Create a segment; return its id."""
        return self._add(Kind.SEGMENT, libc.shmget(key, size, IPC_CREAT | IPC_EXCL | mode | flags))

    def semaphores(self, key: int = 0, mode: int = 0o644, nsems: int = 1) -> int:
        """Create a semaphore set; return its id."""
        return self._add(Kind.SEMAPHORE, libc.semget(key, nsems, IPC_CREAT | IPC_EXCL | mode))

    def make(self, kind: Kind, key: int = 0, mode: int = 0o644) -> int:
        """Create an object of a kind; return its id."""
        return {
            Kind.QUEUE: self.queue,
            Kind.SEGMENT: self.segment,
            Kind.SEMAPHORE: self.semaphores,
        }[kind](key=key, mode=mode)

    def adopt(self, kind: Kind, object_id: int) -> int:
        """Add an object that the tested program created; return its id."""
        return self._add(kind, object_id)

    def adopt_all(self) -> None:
        """Add all objects of the namespace, which must be the test process's own."""
        for kind, object_id in everything():
            self._add(kind, object_id)

    def remove_all(self) -> None:
        """Remove the objects that still exist."""
        there = {kind: ids(kind) for kind in SYSV}  # one listing, because there may be thousands
        for kind, object_id in dict.fromkeys(self._made):
            if object_id in there[kind]:
                remove(kind, object_id)
        self._made.clear()

    def _add(self, kind: Kind, object_id: int) -> int:
        self._made.append((kind, object_id))
        return object_id


def remove(kind: Kind, object_id: int) -> None:
    """Remove an object."""
    match kind:
        case Kind.QUEUE:
            libc.msgctl(object_id, _IPC_RMID, None)
        case Kind.SEGMENT:
            libc.shmctl(object_id, _IPC_RMID, None)
        case Kind.SEMAPHORE:
            libc.semctl(object_id, 0, _IPC_RMID, None)


def ids(kind: Kind) -> set[int]:
    """Return the ids of a kind, from /proc/sysvipc."""
    # Each test calls this several times. An unbuffered file takes half the time of a Path.
    with open(f"/proc/sysvipc/{kind.value}", "rb", buffering=0) as file:  # noqa: PTH123
        lines = file.readall().splitlines()[1:]
    return {int(line.split(maxsplit=2)[1]) for line in lines}


def row(kind: Kind, object_id: int) -> dict[str, str]:
    """Return the row of an object in /proc/sysvipc, by column."""
    header, *lines = Path("/proc/sysvipc", kind.value).read_text().splitlines()
    for line in lines:
        found = dict(zip(header.split(), line.split(), strict=True))
        if int(line.split()[1]) == object_id:
            return found
    raise LookupError(f"no {kind.noun} {object_id}")


def everything() -> set[tuple[Kind, int]]:
    """Return all objects of the namespace, from /proc/sysvipc."""
    return {(kind, object_id) for kind in SYSV for object_id in ids(kind)}
