"""The caller's right to change and remove POSIX objects.

The kernel's rules for files hold (inode(7), chown(2), unlink(2)).
"""

import os
import stat
from collections.abc import Iterator

from pyipcs.errors import IpcError
from pyipcs.listing import Listing
from pyipcs.model import Kind, PosixRecord
from pyipcs.posix.listing import read
from pyipcs.process.accounts import is_mapped
from pyipcs.process.identity import capabilities, effective_gid, effective_uid

_CAP_CHOWN, _CAP_FOWNER = 1 << 0, 1 << 3  # capabilities(7)


def can_control(record: PosixRecord) -> bool:
    """Return True if the caller may change the mode of an object.

    The owner and callers with CAP_FOWNER may.
    """
    return _can_control(record.uid, record.gid)


def _can_control(uid: int, gid: int) -> bool:
    return effective_uid() == uid or _has(_CAP_FOWNER, uid, gid)


def can_give(record: PosixRecord, uid: int | None, gid: int | None) -> bool:
    """Return True if the caller may give an object this owner and group.

    The owner may change the group to one of its own. Any other change requires CAP_CHOWN.

    Args:
        record: the object.
        uid: the new owner; None keeps it.
        gid: the new group; None keeps it.
    """
    if _has(_CAP_CHOWN, record.uid, record.gid):
        return True
    caller = effective_uid()
    is_user_kept = uid in {None, record.uid}
    groups = {None, record.gid, effective_gid(), *os.getgroups()}
    return caller == record.uid and is_user_kept and gid in groups


def can_unlink(record: PosixRecord) -> bool:
    """Return True if the caller may remove an object.

    It must be able to write to the directory. In a directory with the sticky bit it must own the
    object or the directory, or have CAP_FOWNER.
    """
    directory = _directory(record.kind)
    if directory is None:  # that of queues always has the sticky bit
        return can_control(record)
    return _can_write(directory) and (_can_unlink_all(directory) or can_control(record))


def unlinkable(kind: Kind) -> Iterator[Listing]:
    """Return all objects of a kind that the caller may remove, in chunks.

    Raises:
        UnseenError: the objects cannot be listed.
        OSError: the directory cannot be read.
    """
    listings = read(kind)  # a generator would raise these errors only on first use
    directory = _directory(kind)
    if directory is None or not _can_write(directory):
        return iter(())
    if _can_unlink_all(directory):
        return listings
    return map(_controlled, listings)


def _controlled(listing: Listing) -> Listing:
    """Return the objects whose mode the caller may change."""
    users = zip(listing.column("uid"), listing.column("gid"), strict=True)
    allowed = {user: _can_control(*user) for user in {*users}}
    return listing.where(
        allowed[user] for user in zip(listing.column("uid"), listing.column("gid"), strict=True)
    )


def _can_write(directory: int) -> bool:
    access = os.W_OK | os.X_OK
    if os.access(".", access, dir_fd=directory, effective_ids=True):
        return True
    # Sandboxes that do not know faccessat2(2) refuse it, but not faccessat(2), which is about the
    # real ids.
    are_equal = (os.getuid(), os.getgid()) == (os.geteuid(), os.getegid())
    return are_equal and os.access(".", access, dir_fd=directory)


def _can_unlink_all(directory: int) -> bool:
    """Return True if the caller may remove objects of all owners.

    There is no sticky bit, or the caller owns the directory.
    """
    found = os.fstat(directory)
    return not found.st_mode & stat.S_ISVTX or found.st_uid == effective_uid()


def _directory(kind: Kind) -> int | None:
    """Return the directory of a kind; None if it is not visible."""
    if kind is Kind.POSIX_QUEUE:
        from pyipcs.posix.mqueue import known_directory

        return known_directory()
    from pyipcs.posix.handle import shm

    try:
        return shm()
    except IpcError:
        return None


def _has(capability: int, uid: int, gid: int) -> bool:
    """Return True if the caller has a capability over an object.

    In a user namespace it is valid only for objects of users and groups of that namespace.
    """
    try:
        has_capability = bool(capabilities() & capability)
    except (OSError, IndexError, ValueError):
        has_capability = effective_uid() == 0  # /proc is missing; only the user is known
    return has_capability and is_mapped(uid, "uid") and is_mapped(gid, "gid")
