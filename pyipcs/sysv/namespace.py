"""Which System V objects these are: the boot and the namespaces that they are seen from."""

import os

# ioctl_nsfs(2): NS_GET_ID, of Linux 6.18 and later.
_NS_GET_ID = 0x8008B70D
# The inodes of the namespaces that a machine starts with, fixed in the kernel.
_INITIAL = {"ipc": 0xEFFFFFFF, "user": 0xEFFFFFFD, "pid": 0xEFFFFFFC}


def current() -> int | None:
    """The inode that names the caller's IPC namespace; None where /proc does not tell."""
    return _inode("ipc")


def is_initial(name: str) -> bool:
    """Whether the caller's namespace of a type is the one that the machine started with."""
    return _inode(name) == _INITIAL[name]


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
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
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
