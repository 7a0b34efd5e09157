"""The limits and the usage of POSIX objects."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pyipcs.errors import UnseenError
from pyipcs.listing import Listing
from pyipcs.model import INT_MAX, Kind
from pyipcs.process.identity import effective_uid

# The kernel's own sizes (include/linux/ipc_namespace.h), for a /proc/sys that is masked.
_DFLT_MSG, _DFLT_MSGSIZE = 10, 8192
# The kernel adds to each message a struct msg_msg, and for each priority in use a struct
# posix_msg_tree_node (mqueue_get_inode in ipc/mqueue.c). Both have 48 bytes on 64-bit machines.
_MESSAGE_HEADER = _PRIORITY_NODE = 48
_MQ_PRIO_MAX = 32768
_TRIES = 3


class Resource(NamedTuple):
    """A limited or counted resource.

    Attributes:
        name: the name in a listing.
        description: the text for the resource in a listing.
        figures: the figures that the resource has: "limits", "usage" or both.
        unit: the unit of limit and amount; empty for a number of objects.
    """

    name: str
    description: str
    figures: tuple[str, ...]
    unit: str = ""


_BOTH, _LIMIT, _USAGE = ("limits", "usage"), ("limits",), ("usage",)
RESOURCES = {
    Kind.POSIX_QUEUE: (
        Resource("QUEUES_MAX", "POSIX message queues", _BOTH),
        Resource("MSG_MAX", "Messages of a queue", _LIMIT),
        Resource("MSGSIZE_MAX", "Size of a message (bytes)", _LIMIT, "bytes"),
        Resource("MSG_DEFAULT", "Messages of a queue, by default", _LIMIT),
        Resource("MSGSIZE_DEFAULT", "Size of a message, by default (bytes)", _LIMIT, "bytes"),
        Resource("RLIMIT_MSGQUEUE", "Size of a user's queues (bytes)", _BOTH, "bytes"),
        Resource("MESSAGES", "Messages on all queues", _USAGE),
    ),
    Kind.POSIX_SEGMENT: (
        Resource("SHM_SIZE", "Memory of /dev/shm (bytes)", _BOTH, "bytes"),
        Resource("SHM_INODES", "Inodes of /dev/shm", _BOTH),
        Resource("SHM_HELD", "Memory of removed files in use (bytes)", _USAGE, "bytes"),
    ),
    Kind.POSIX_SEMAPHORE: (Resource("SEM_VALUE_MAX", "Value of a semaphore", _LIMIT),),
}


class Amount(NamedTuple):
    """The limit and the use of a resource; None is unknown or no limit."""

    limit: int | None = None
    used: int | None = None


def resources(kind: Kind) -> Listing:
    """Return the limits and the usage of a kind, a row for each resource.

    A value is None if the resource has no limit, is not counted, or is not reported. The times of
    objects stay unchanged.

    Raises:
        UnseenError: there is no /dev/shm (segments only).
    """
    match kind:
        case Kind.POSIX_QUEUE:
            amounts = _queue_amounts()
        case Kind.POSIX_SEGMENT:
            amounts = _segment_amounts()
        case Kind.POSIX_SEMAPHORE:
            amounts = {"SEM_VALUE_MAX": Amount(_sem_value_max())}
        case _:
            raise KeyError(kind)
    rows = RESOURCES[kind]
    found = [amounts[row.name] for row in rows]
    added: dict[str, Sequence[Any]] = {
        "description": [row.description for row in rows],
        "unit": [row.unit or None for row in rows],
        "limit": [amount.limit for amount in found],
        "used": [amount.used for amount in found],
        "is_limited": ["limits" in row.figures for row in rows],
        "is_counted": ["usage" in row.figures for row in rows],
    }
    return Listing(kind, ("resource",), [row.name for row in rows], added)


def sysctl(name: str) -> int | None:
    """Return a limit of queues, as "msg_max"; None if it cannot be read."""
    from pyipcs.process import sysctl

    return next(iter(sysctl.numbers(f"fs.mqueue.{name}")), None)


def queue_sizes(maxmsg: int | None, msgsize: int | None) -> tuple[int, int]:
    """Return the maxmsg and the msgsize of a new queue.

    Args:
        maxmsg: the requested limit of messages; None for the kernel's default.
        msgsize: the requested limit of bytes of a message; None for the kernel's default.
    """
    return (
        _default("msg", _DFLT_MSG) if maxmsg is None else maxmsg,
        _default("msgsize", _DFLT_MSGSIZE) if msgsize is None else msgsize,
    )


def queue_cost(maxmsg: int, msgsize: int) -> int:
    """Return the bytes that a queue counts against RLIMIT_MSGQUEUE.

    The number of its messages has no effect.
    """
    return maxmsg * (msgsize + _MESSAGE_HEADER) + min(maxmsg, _MQ_PRIO_MAX) * _PRIORITY_NODE


def queue_number() -> Amount:
    """Return the limit and the number of queues in the caller's IPC namespace."""
    queues = _queues()
    return Amount(sysctl("queues_max"), None if queues is None else _length(queues))


def queue_bytes() -> Amount:
    """Return the caller's RLIMIT_MSGQUEUE, and the bytes of its listed queues.

    The kernel also counts removed queues that are open, and queues in other IPC namespaces. It
    counts each queue for its creator, even if another user owns it now.
    """
    return _queue_bytes(_queues("maxmsg", "msgsize"))


def _default(name: str, otherwise: int) -> int:
    """Return a default, at most its maximum (mqueue_get_inode, ipc/mqueue.c)."""
    found = (sysctl(f"{name}_default"), sysctl(f"{name}_max"))
    return min((value for value in found if value is not None), default=otherwise)


def _queues(*fields: str) -> list[Listing] | None:
    """Return all queues; None if they cannot be listed."""
    from pyipcs.posix import mqueue

    try:
        return [mqueue.complete(one, fields) if fields else one for one in mqueue.read()]
    except (UnseenError, OSError):
        return None


def _length(queues: Sequence[Listing]) -> int:
    return sum(listing.length for listing in queues)


def _queue_amounts() -> Mapping[str, Amount]:
    queues = _queues("maxmsg", "msgsize", "qnum")
    return {
        "QUEUES_MAX": Amount(sysctl("queues_max"), None if queues is None else _length(queues)),
        "MSG_MAX": Amount(sysctl("msg_max")),
        "MSGSIZE_MAX": Amount(sysctl("msgsize_max")),
        "MSG_DEFAULT": Amount(sysctl("msg_default")),
        "MSGSIZE_DEFAULT": Amount(sysctl("msgsize_default")),
        "RLIMIT_MSGQUEUE": _queue_bytes(queues),
        "MESSAGES": Amount(used=None if queues is None else _messages(queues)),
    }


def _queue_bytes(queues: Sequence[Listing] | None) -> Amount:
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_MSGQUEUE)
    used = None if queues is None else _cost(queues, effective_uid())
    return Amount(None if limit == resource.RLIM_INFINITY else limit, used)


def _cost(queues: Sequence[Listing], uid: int) -> int | None:
    total = 0
    for listing in queues:
        columns = map(listing.column, ("uid", "maxmsg", "msgsize"))
        for owner, maxmsg, msgsize in zip(*columns, strict=True):
            if owner == uid:
                if maxmsg is None:
                    return None
                total += queue_cost(maxmsg, msgsize)
    return total


def _messages(queues: Sequence[Listing]) -> int | None:
    numbers = [number for listing in queues for number in listing.column("qnum")]
    return None if None in numbers else sum(numbers)


def _sem_value_max() -> int:
    try:
        return os.sysconf("SC_SEM_VALUE_MAX")
    except (OSError, ValueError):
        return INT_MAX  # sem_overview(7)


def _segment_amounts() -> Mapping[str, Amount]:
    from pyipcs.posix.directory import open_shm

    directory = open_shm()
    try:
        return _amounts_of(directory)
    except OSError:  # a sandbox refuses statfs(2)
        return {row.name: Amount() for row in RESOURCES[Kind.POSIX_SEGMENT]}


def _amounts_of(directory: int) -> Mapping[str, Amount]:
    status = os.fstatvfs(directory)
    size, files = status.f_blocks, status.f_files
    return {
        "SHM_SIZE": Amount(size * status.f_frsize, _used(status)) if size else Amount(),
        "SHM_INODES": Amount(files, files - status.f_ffree) if files else Amount(),
        "SHM_HELD": Amount(used=held_memory(directory)),
    }


def _used(status: os.statvfs_result) -> int:
    return (status.f_blocks - status.f_bfree) * status.f_frsize


def held_memory(top: int) -> int | None:
    """Return the bytes of removed files that processes keep in a tmpfs.

    They are the used bytes without those of the files below its top directory. Return None if a
    file cannot be examined, if the tmpfs has no limit (then it reports no usage), or if its usage
    changes all the time.
    """
    for _ in range(_TRIES):
        before = os.fstatvfs(top)
        if not before.f_blocks:
            return None
        total = _total_below(top)
        if total is None:
            return None
        if _used(os.fstatvfs(top)) == _used(before):
            return max(0, _used(before) - total)
    return None


def _total_below(top: int) -> int | None:
    """Return the bytes of all files below a directory; None if unknown."""
    from pyipcs.posix.directory import BLOCK
    from pyipcs.posix.walk import Walk

    walk = Walk(top)
    linked: dict[int, int] = {}  # the bytes of files with several names, by inode
    total = 0
    for _, entry in walk:
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        except OSError:
            return None
        if status.st_dev != walk.device:  # a mount hides files
            return None
        if status.st_nlink > 1:
            linked[status.st_ino] = status.st_blocks * BLOCK
        else:
            total += status.st_blocks * BLOCK
    return total + sum(linked.values()) if walk.is_complete else None
