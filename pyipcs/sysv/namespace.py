"""The origin of objects: the boot and the caller's namespaces."""

import os
import re

_NS_GET_ID = 0x8008B70D  # Linux 6.18 (ioctl_nsfs(2))
_NS_GET_USERNS = 0xB701  # ioctl_nsfs(2)
# The inodes of the namespaces that a machine starts with, fixed in the kernel.
_INITIAL = {"ipc": 0xEFFFFFFF, "user": 0xEFFFFFFD, "pid": 0xEFFFFFFC, "cgroup": 0xEFFFFFFB}
_own: set[int | None] = set()  # the IPC namespaces that this process has created


def current() -> int | None:
    """Return the inode of the caller's IPC namespace; None without /proc."""
    return _inode("ipc")


def path_of(text: str) -> str:
    """Return the file of an IPC namespace, given by path or by pid.

    Raises:
        ValueError: the text is neither a pid nor a path.
    """
    if not text or re.fullmatch("-[0-9]+", text):
        raise ValueError("neither a pid nor a path")
    return f"/proc/{text}/ns/ipc" if text.isascii() and text.isdigit() else text


def is_own() -> bool:
    """Return True if this process has created its IPC namespace.

    Such a namespace contains only its descendants: others enter only with all rights over it.
    """
    return current() in _own


def note_own() -> None:
    """Record that this process has created its IPC namespace."""
    _own.add(current())


def is_initial(name: str) -> bool:
    """Return True if the caller is in the initial namespace of a type."""
    return _inode(name) == _INITIAL[name]


def owner(descriptor: int) -> int:
    """Open the user namespace that owns an IPC namespace (ioctl_nsfs(2)).

    Returns:
        A descriptor.

    Raises:
        PermissionError: the owner is neither the caller's user namespace nor its descendant.
    """
    import fcntl

    return fcntl.ioctl(descriptor, _NS_GET_USERNS)


def origin() -> dict[str, str | int | None]:
    """Return the boot (random(4)) and the caller's namespaces (namespaces(7)).

    Objects belong to an IPC namespace; their pids and uids are valid in the caller's PID and user
    namespaces. Namespaces are given by inode, which a later namespace may reuse; the id of an IPC
    namespace (Linux 6.18) is never reused. Unknown values are None.
    """
    from pyipcs.process import sysctl

    namespaces = {f"{name}_namespace": _inode(name) for name in ("ipc", "pid", "user")}
    boot_id = sysctl.read("kernel.random.boot_id") or None
    return {"boot_id": boot_id, **namespaces, "ipc_namespace_id": _unique_id("ipc")}


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
