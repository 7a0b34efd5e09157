"""The caller's right to change and remove objects."""

import os
from collections.abc import Iterator
from functools import cache

from pyipcs.listing import Listing
from pyipcs.model import Kind
from pyipcs.process.identity import CAP_SYS_ADMIN, capabilities, effective_uid
from pyipcs.sysv import procfs
from pyipcs.sysv.namespace import owner


def can_control(uid: int, cuid: int) -> bool:
    """Return True if the caller may use IPC_RMID and IPC_SET on an object.

    The owner, the creator and callers with CAP_SYS_ADMIN may.

    Args:
        uid: the owner of the object.
        cuid: the creator of the object.
    """
    return effective_uid() in {uid, cuid} or _has_sys_admin()


def removable(kind: Kind) -> Iterator[Listing]:
    """Yield all objects that the caller may remove, even unreadable ones."""
    user = effective_uid()
    for listing in procfs.read(kind):
        yield listing if _has_sys_admin() else listing.where(listing.owned_by(user))


@cache
def _has_sys_admin() -> bool:
    """Return True if the caller has CAP_SYS_ADMIN over its IPC namespace.

    A capability is valid in the user namespace of its process and in descendant user namespaces. If
    another user namespace owns the IPC namespace, the ioctl for the owner fails (EPERM).
    """
    try:
        if not capabilities() & CAP_SYS_ADMIN:
            return False
        with open("/proc/self/ns/ipc", "rb", buffering=0) as namespace:
            os.close(owner(namespace.fileno()))
    except PermissionError:
        return False
    except (OSError, IndexError, ValueError):
        return effective_uid() == 0  # /proc is missing; only the user is known
    return True
