"""Which System V objects these are: the boot and the namespaces that they are seen from."""

import os
import re

# ioctl_nsfs(2): NS_GET_ID, of Linux 6.18 and later.
_NS_GET_ID = 0x8008B70D
_NS_GET_USERNS = 0xB701
# The inodes of the namespaces that a machine starts with, fixed in the kernel.
_INITIAL = {"ipc": 0xEFFFFFFF, "user": 0xEFFFFFFD, "pid": 0xEFFFFFFC, "cgroup": 0xEFFFFFFB}
_made: set[int | None] = set()  # the IPC namespaces that this process made for itself


def current() -> int | None:
    """The inode that names the caller's IPC namespace; None where /proc does not tell."""
    return _inode("ipc")


def path_of(text: str) -> str:
    """The file of an IPC namespace, also by the pid of a process in it.

    Raises:
        ValueError: it is neither.
    """
    if not text or re.fullmatch("-[0-9]+", text):
        raise ValueError("neither a pid nor a path")
    return f"/proc/{text}/ns/ipc" if text.isascii() and text.isdigit() else text


def is_own() -> bool:
    """Whether this process made its IPC namespace, in which are but its descendants.

    Nobody else gets into it without all rights over it.
    """
    return current() in _made


def note_own() -> None:
    """Note that this process made its IPC namespace."""
    _made.add(current())


def is_initial(name: str) -> bool:
    """Whether the caller's namespace of a type is the one that the machine started with."""
    return _inode(name) == _INITIAL[name]


def owner(descriptor: int) -> int:
    """A descriptor of the user namespace that an IPC namespace belongs to (ioctl_ns(2)).

    Raises:
        PermissionError: it is in none of the caller's, nor below it.
    """
    import fcntl

    return fcntl.ioctl(descriptor, _NS_GET_USERNS)


def origin() -> dict[str, str | int | None]:
    """The boot (random(4)), and the inodes that name the caller's namespaces (namespaces(7)).

    A later namespace may get the inode of one that has gone. The id of the IPC namespace is its
    own for good, and None where the kernel does not tell.

    Objects belong to an IPC namespace; their pids and uids are told as those of the caller's PID
    and user namespaces. What cannot be told without /proc is None.
    """
    namespaces = {f"{name}_namespace": _inode(name) for name in ("ipc", "pid", "user")}
    return {"boot_id": _boot_id(), **namespaces, "ipc_namespace_id": _unique_id("ipc")}


def _boot_id() -> str | None:
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return None


def _inode(name: str) -> int | None:
    try:
        return os.stat(f"/proc/self/ns/{name}").st_ino
    except OSError:
        return None


def _unique_id(name: str) -> int | None:
    import fcntl
    import struct

    try:
        with open(f"/proc/self/ns/{name}", "rb") as file:
            (number,) = struct.unpack("Q", fcntl.ioctl(file, _NS_GET_ID, bytes(8)))
    except OSError:
        return None
    return int(number)
