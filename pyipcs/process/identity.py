"""The caller's credentials as the kernel has them.

A preloaded library such as fakeroot's may return 0 from geteuid(2), while the kernel checks the
real user. Such a library changes neither /proc/self/status nor raw system calls.
"""

# Capabilities as bits of `capabilities` (capabilities(7)).
CAP_IPC_OWNER, CAP_SYS_PTRACE, CAP_SYS_ADMIN = 1 << 15, 1 << 19, 1 << 21


def effective_uid() -> int:
    """Return the caller's effective user id, in its user namespace."""
    return _effective_ids()[0]


def effective_gid() -> int:
    """Return the caller's effective group id, in its user namespace."""
    return _effective_ids()[1]


def capabilities() -> int:
    """Return the caller's effective capabilities as a bit mask.

    Raises:
        OSError, IndexError, ValueError: /proc does not show the capabilities.
    """
    return int(_status(b"CapEff:")[0], 16)


def _effective_ids() -> tuple[int, int]:
    """Return the effective user and group.

    They are not cached, because entering a user namespace changes both.
    """
    try:
        # The ids of a line are real, effective, saved and of the file system (proc_pid_status(5)).
        return int(_status(b"Uid:")[1]), int(_status(b"Gid:")[1])
    except (OSError, IndexError, ValueError):
        # /proc is missing or masked, or belongs to another PID namespace.
        from pyipcs.process import libc

        return libc.effective_ids()


def _status(name: bytes) -> list[bytes]:
    """Return the values of a line of /proc/self/status."""
    with open("/proc/self/status", "rb", buffering=0) as file:
        return file.read().partition(b"\n" + name)[2].partition(b"\n")[0].split()
