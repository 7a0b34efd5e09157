"""Which System V objects these are: the boot and the namespaces that they are seen from."""

import os


def origin() -> dict[str, str | int | None]:
    """The boot (random(4)), and the inodes that name the caller's namespaces (namespaces(7)).

    Objects belong to an IPC namespace; their pids and uids are told as those of the caller's PID
    and user namespaces. What cannot be told without /proc is None.
    """
    namespaces = {f"{name}_namespace": _inode(name) for name in ("ipc", "pid", "user")}
    return {"boot_id": _boot_id(), **namespaces}


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
