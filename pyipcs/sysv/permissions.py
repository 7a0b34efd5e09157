"""Who may change and remove an object."""

import os
from collections.abc import Iterator
from functools import cache

from pyipcs.model import Kind
from pyipcs.process.identity import capabilities, effective_uid
from pyipcs.sysv import procfs
from pyipcs.sysv.listing import Listing
from pyipcs.sysv.namespace import owner

_CAP_SYS_ADMIN = 1 << 21  # capabilities(7)


def may_control(uid: int, cuid: int) -> bool:
    """Whether IPC_RMID and IPC_SET are open to the caller: owner, creator, CAP_SYS_ADMIN."""
    return effective_uid() in {uid, cuid} or _administers()


def removable(kind: Kind) -> Iterator[Listing]:
    """All objects that the caller may remove, also those that it may not read."""
    user = effective_uid()
    for listing in procfs.read(kind):
        yield listing if _administers() else listing.where(listing.owned_by(user))


@cache
def _administers() -> bool:
    """Whether the caller has CAP_SYS_ADMIN over its IPC namespace.

    A capability counts in one's own user namespace and those below it. The owner of an IPC
    namespace that is in none of these is refused by the ioctl (EPERM).
    """
    try:
        if not capabilities() & _CAP_SYS_ADMIN:
            return False
        with open("/proc/self/ns/ipc", "rb", buffering=0) as namespace:
            os.close(owner(namespace.fileno()))
    except PermissionError:
        return False
    except (OSError, IndexError, ValueError):
        return effective_uid() == 0  # without /proc, the user is all there is to go by
    return True
