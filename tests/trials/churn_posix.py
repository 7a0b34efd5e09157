"""POSIX objects that come and go at random: see churn.py."""

import ctypes
import mmap
import os
import random
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pyipcs.model import POSIX, Kind
from tests.kit.kernel import IS_ROOT, acting_as
from tests.kit.mqueue import make_queue, receive_message, send_message
from tests.kit.posix import SHM
from tests.kit.posix_objects import SIZES, path_of

OWNERS = (0, 1, 7777, 61001) if IS_ROOT else (os.geteuid(),)
PREFIX = "churn-"
# Parts of names that outputs must escape.
_ODD = ("", "", "", " x", "\n", "\t", "é", "\x1b[31m", "\"'", "\\x", "\udcff")
_MOST = 8  # objects of a kind at a time
_SIZE_MAX = 1 << 18  # bytes
_library = ctypes.CDLL(None, use_errno=True)
_library.sem_open.restype = ctypes.c_void_p
_library.sem_close.argtypes = _library.sem_post.argtypes = (ctypes.c_void_p,)
_library.sem_trywait.argtypes = (ctypes.c_void_p,)
_library.mmap.restype = ctypes.c_void_p
_library.munmap.argtypes = ctypes.c_void_p, ctypes.c_size_t


class _Held(NamedTuple):
    """An object in use by this process: by a descriptor, or by a mapping alone."""

    path: Path
    inode: int
    descriptor: int = -1
    address: int = 0

    def release(self) -> None:
        """End the use."""
        if self.address:
            _library.munmap(self.address, mmap.PAGESIZE)
        else:
            os.close(self.descriptor)

    @property
    def has_name(self) -> bool:
        """Return True if the object has not been removed."""
        try:
            return self.path.stat().st_ino == self.inode
        except FileNotFoundError:
            return False


class PosixChurn:
    """POSIX objects, and other files in /dev/shm, with random actions on them.

    Other processes may remove the objects that nobody has open.
    """

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._names: dict[Kind, list[str]] = {kind: [] for kind in POSIX}
        self._held: list[_Held] = []
        self._removed: list[_Held] = []  # without a name, and still in use
        self._others: list[Path] = []
        self.lost: set[Path] = set()
        self.acts: tuple[Callable[[], None], ...] = (
            *(self._make, self._make, self._remove, self._send, self._receive),
            *(self._hold, self._release, self._operate, self._write, self._make_other),
        )

    def end(self) -> None:
        """Remove all objects and files."""
        while self._held or self._removed:
            self._release()
        for kind, names in self._names.items():
            for name in names:
                path_of(kind, name).unlink(missing_ok=True)
        while self._others:
            self._remove_other(self._others.pop())

    def _make(self) -> None:
        kind = self._chance.choice(POSIX)
        if len(self._names[kind]) >= _MOST:
            return
        name = f"/{PREFIX}{self._chance.randrange(10**9)}{self._chance.choice(_ODD)}"
        mode = self._chance.randint(0, 0o777)
        with acting_as(self._chance.choice(OWNERS)):
            self._new(kind, name, mode)
        self._names[kind].append(name)

    def _new(self, kind: Kind, name: str, mode: int) -> None:
        match kind:
            case Kind.POSIX_QUEUE:
                os.close(make_queue(name, mode, SIZES))
            case Kind.POSIX_SEMAPHORE:
                # It links a temporary file to the name, which others may see.
                _library.sem_close(_open_semaphore(name, os.O_CREAT | os.O_EXCL, mode))
            case _:
                flags = os.O_CREAT | os.O_EXCL | os.O_RDWR
                descriptor = os.open(path_of(kind, name), flags, mode)
                os.ftruncate(descriptor, self._chance.choice((0, 16, 32, 5000, _SIZE_MAX)))
                os.close(descriptor)

    def _one(self, *kinds: Kind) -> tuple[Kind, str] | None:
        """Return an object that existed when this process used it last."""
        there = [(kind, name) for kind in kinds for name in self._names[kind]]
        return self._chance.choice(there) if there else None

    def _remove(self) -> None:
        """Remove an object, which may be in use."""
        if one := self._one(*POSIX):
            kind, name = one
            path = path_of(kind, name)
            self._names[kind].remove(name)
            self._check()
            self._removed += [held for held in self._held if held.path == path]
            self._held = [held for held in self._held if held.path != path]
            path.unlink()

    def _hold(self) -> None:
        """Use an object from now on, by a descriptor or by a mapping alone."""
        if not (one := self._one(*POSIX)):
            return
        path = path_of(*one)
        descriptor = os.open(path, os.O_RDONLY)
        status = os.fstat(descriptor)
        if not status.st_nlink:  # another process removed it while it was opened
            os.close(descriptor)
            return
        held = _Held(path, status.st_ino, descriptor)
        if one[0] is not Kind.POSIX_QUEUE and self._chance.random() < 0.5:
            held = held._replace(address=_map(descriptor))
            os.close(descriptor)
        self._held.append(held)

    def _release(self) -> None:
        self._check()
        holders = [each for each in (self._held, self._removed) if each]
        if holders:
            chosen = self._chance.choice(holders)
            chosen.pop(self._chance.randrange(len(chosen))).release()

    def _check(self) -> None:
        """Note the objects in use that another process removed."""
        self.lost |= {held.path for held in self._held if not held.has_name}

    def _send(self) -> None:
        if one := self._one(Kind.POSIX_QUEUE):
            with _opened(one, os.O_WRONLY) as descriptor:
                body = bytes(self._chance.randint(0, SIZES[1]))
                send_message(descriptor, body, self._chance.randint(0, 9))

    def _receive(self) -> None:
        if one := self._one(Kind.POSIX_QUEUE):
            with _opened(one, os.O_RDONLY) as descriptor:
                receive_message(descriptor)

    def _operate(self) -> None:
        if one := self._one(Kind.POSIX_SEMAPHORE):
            semaphore = _open_semaphore(one[1])
            self._chance.choice((_library.sem_post, _library.sem_trywait))(semaphore)
            _library.sem_close(semaphore)

    def _write(self) -> None:
        if one := self._one(Kind.POSIX_SEGMENT):
            with _opened(one, os.O_WRONLY) as descriptor:
                os.ftruncate(descriptor, self._chance.randint(0, _SIZE_MAX))
                os.pwrite(descriptor, b"x", self._chance.randint(0, _SIZE_MAX))

    def _make_other(self) -> None:
        """Create a file that is no object, or remove one."""
        if len(self._others) >= _MOST:
            self._remove_other(self._others.pop(self._chance.randrange(len(self._others))))
        path = SHM / f"{PREFIX}other-{self._chance.randrange(10**9)}"
        self._chance.choice((Path.mkdir, os.mkfifo, _link_to_nothing))(path)
        self._others.append(path)

    @staticmethod
    def _remove_other(path: Path) -> None:
        if stat.S_ISDIR(path.lstat().st_mode):
            shutil.rmtree(path)
        else:
            path.unlink()


@contextmanager
def _opened(one: tuple[Kind, str], flags: int) -> Iterator[int]:
    """Open the file of an object within a `with` block."""
    descriptor = os.open(path_of(*one), flags | os.O_NONBLOCK)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _open_semaphore(name: str, flags: int = 0, mode: int = 0) -> int:
    """Open a semaphore (sem_open(3)); a new one has the value 1."""
    address = _library.sem_open(os.fsencode(name), flags, mode, 1)
    if not address:
        raise OSError(ctypes.get_errno(), f"sem_open: {name}")
    return int(address)


def _map(descriptor: int) -> int:
    """Map the first page of a file; return its address."""
    address = _library.mmap(
        None, mmap.PAGESIZE, mmap.PROT_READ, mmap.MAP_SHARED, descriptor, ctypes.c_long(0)
    )
    if address == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), "mmap")
    return int(address)


def _link_to_nothing(path: Path) -> None:
    path.symlink_to("missing")
