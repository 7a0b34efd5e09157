"""Which System V objects these are: the boot and the IPC namespace that they belong to."""

import os


def boot_id() -> str | None:
    """The random id of this boot (random(4)), or None without /proc."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return None


def ipc_namespace() -> int | None:
    """The inode that names the caller's IPC namespace (namespaces(7)), or None without /proc."""
    try:
        return os.stat("/proc/self/ns/ipc").st_ino
    except OSError:
        return None
