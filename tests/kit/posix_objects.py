"""POSIX objects of every kind, created without any code of the program."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from pyipcs.model import Kind
from tests.kit.kernel import IS_ROOT, NOBODY
from tests.kit.mqueue import MQUEUE, make_queue, send_message
from tests.kit.posix import SHM, ShmFiles, glibc_semaphore

# All queues of a user count against RLIMIT_MSGQUEUE, in other namespaces, too.
SIZES = (4, 64)


class PosixObjects:
    """The POSIX objects of a test; it has /dev/shm and /dev/mqueue for itself."""

    def make(self, kind: Kind, name: str = "x", mode: int = 0o600, messages: int = 0) -> Path:
        """Create an object that nobody has open; return its file.

        Args:
            kind: its kind.
            name: its name, with or without the slash.
            mode: its permission bits.
            messages: the number of messages of a queue.
        """
        path = path_of(kind, name)
        match kind:
            case Kind.POSIX_QUEUE:
                descriptor = make_queue(f"/{path.name}", mode, SIZES)
                for number in range(messages):
                    send_message(descriptor, b"%d" % number)
                os.close(descriptor)
            case Kind.POSIX_SEMAPHORE:
                ShmFiles().file(path.name, glibc_semaphore(1), mode)
            case _:
                ShmFiles().file(path.name, b"hello", mode)
        return path

    def remove_all(self) -> None:
        """Remove all objects, and all other files in /dev/shm."""
        ShmFiles().remove_all()
        for path in MQUEUE.iterdir():
            path.unlink()


def path_of(kind: Kind, name: str) -> Path:
    """Return the file of an object."""
    plain = name.removeprefix("/")
    match kind:
        case Kind.POSIX_QUEUE:
            return MQUEUE / plain
        case Kind.POSIX_SEMAPHORE:
            return SHM / f"sem.{plain}"
        case _:
            return SHM / plain


def posix_files() -> set[str]:
    """Return the folders and names of all files in /dev/shm and /dev/mqueue."""
    return {f"{path.parent.name}/{path.name}" for each in (SHM, MQUEUE) for path in each.iterdir()}


def give_to_ordinary(path: Path) -> None:
    """Let the user that `become_ordinary` selects own a file."""
    if IS_ROOT:
        os.chown(path, NOBODY, NOBODY)


def open_objects() -> set[tuple[int, str]]:
    """Return the descriptors, and the paths, of the POSIX objects that this process has open."""
    devices = {folder.stat().st_dev for folder in (SHM, MQUEUE) if folder.is_mount()}
    found = set()
    for number in map(int, os.listdir("/proc/self/fd")):  # noqa: PTH208 # before and after each test
        with suppress(OSError):  # the descriptor of listdir is closed
            status = os.fstat(number)
            if status.st_dev in devices and stat.S_ISREG(status.st_mode):
                found.add((number, os.readlink(f"/proc/self/fd/{number}")))  # noqa: PTH115 # for its text
    return found
