"""The IPC namespace of the test session, entered before anything else.

The tests fill and empty it as they like and never touch the machine's own objects. With it come
users of the tests' own, in a copy of the account files that only the session sees.
"""

import ctypes
import os
import tempfile
from pathlib import Path
from typing import NamedTuple

_CLONE_NEWNS = 0x00020000
_CLONE_NEWIPC = 0x08000000
_CLONE_NEWUSER = 0x10000000
_MS_BIND, _MS_REC, _MS_PRIVATE = 4096, 16384, 1 << 18
_CAPABILITY_VERSION_3 = 0x20080522

LONG_USER, LONG_USER_ID = "a-rather-long-user-name", 61001
ACCENTED_USER, ACCENTED_USER_ID = "josé-josé-josé", 61002
ESCAPE_USER, ESCAPE_USER_ID = "esc\x1b[31mred", 61003
NAMELESS_ID = 4242424242

_libc = ctypes.CDLL(None, use_errno=True)


class Isolation(NamedTuple):
    """What the session could get for itself."""

    namespace: bool  # an IPC namespace of its own
    accounts: bool  # users of its own
    why: str


def enter() -> Isolation:
    """Move this process, and so all that it starts, into namespaces of its own."""
    uid, gid = os.geteuid(), os.getegid()
    user_namespace = 0 if uid == 0 else _CLONE_NEWUSER
    if _libc.unshare(_CLONE_NEWIPC | _CLONE_NEWNS | user_namespace) != 0:
        why = os.strerror(ctypes.get_errno())
        return Isolation(namespace=False, accounts=False, why=why)
    if user_namespace:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    accounts = _mount_accounts(uid)
    if user_namespace:
        _drop_capabilities()
    return Isolation(namespace=True, accounts=accounts, why="")


def _mount_accounts(uid: int) -> bool:
    """Give the session a passwd file in which some names are long, accented or hostile."""
    # Who is not root can only own objects under its own name, so that gets to be the long one.
    long_id = uid or LONG_USER_ID
    lines = [
        f"{name}:x:{number}:{number}::/:/bin/sh\n"
        for name, number in (
            (LONG_USER, long_id),
            (ACCENTED_USER, ACCENTED_USER_ID),
            (ESCAPE_USER, ESCAPE_USER_ID),
        )
    ]
    passwd = Path("/etc/passwd")
    with tempfile.NamedTemporaryFile("w", suffix=".passwd") as copy:
        copy.write("".join(lines) + passwd.read_text())
        copy.flush()
        Path(copy.name).chmod(0o644)
        _mount("none", "/", _MS_REC | _MS_PRIVATE)
        return _mount(copy.name, str(passwd), _MS_BIND)


def _mount(source: str, target: str, flags: int) -> bool:
    return bool(_libc.mount(source.encode(), target.encode(), None, flags, None) == 0)


def _drop_capabilities() -> None:
    """Be an ordinary user again: a user namespace's creator may do all in it, until exec."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)()
    if _libc.capset(header, data) != 0:
        raise OSError(ctypes.get_errno(), "capset")
