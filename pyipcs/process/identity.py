"""The caller's credentials, as the kernel has them.

A preloaded library such as fakeroot's may answer geteuid(2) with 0, while the kernel checks the
real owner. /proc/self/status and raw system calls pass such a library by.
"""


def effective_uid() -> int:
    """Return the caller's effective user id, in its user namespace."""
    return _effective_ids()[0]


def effective_gid() -> int:
    """Return the caller's effective group id, in its user namespace."""
    return _effective_ids()[1]


def capabilities() -> int:
    """Return the caller's effective capabilities, a bit for each (capabilities(7)).

    Raises:
        OSError, IndexError, ValueError: /proc does not show them.
    """
    return int(_status(b"CapEff:")[0], 16)


def _effective_ids() -> tuple[int, int]:
    """Return the user and the group; never cached, for a user namespace changes both."""
    try:
        # The ids of a line are real, effective, saved and of the file system (proc_pid_status(5)).
        return int(_status(b"Uid:")[1]), int(_status(b"Gid:")[1])
    except (OSError, IndexError, ValueError):  # no /proc, one of another PID namespace, masked
        return _asked_ids()


def _asked_ids() -> tuple[int, int]:
    from pyipcs.process import libc

    return libc.effective_ids()


def _status(name: bytes) -> list[bytes]:
    """Return the words of a line of /proc/self/status."""
    with open("/proc/self/status", "rb", buffering=0) as file:
        return file.read().partition(b"\n" + name)[2].partition(b"\n")[0].split()
