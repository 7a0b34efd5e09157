"""The kernel's limits, what is in use of them, and which one a refused creation ran into."""

import errno
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

from pyipcs.errors import IpcError, LimitError
from pyipcs.model import Kind, Segment
from pyipcs.sysv.identity import effective_uid
from pyipcs.sysv.proc import Listing


class _Resource(NamedTuple):
    limit: str  # the kernel's names
    used: str
    description: str
    unit: str = ""


_RESOURCES = {
    Kind.QUEUE: (
        _Resource("msgmni", "msgpool", "Message queues"),
        _Resource("msgmax", "", "Size of a message (bytes)", "bytes"),
        _Resource("msgmnb", "", "Size of a new queue (bytes)", "bytes"),
        _Resource("", "msgmap", "Messages on all queues"),
        _Resource("", "msgtql", "Messages on all queues (bytes)", "bytes"),
    ),
    Kind.SEGMENT: (
        _Resource("shmmni", "used_ids", "Shared memory segments"),
        _Resource("shmall", "shm_tot", "Size of all segments (pages)", "pages"),
        _Resource("shmmax", "", "Size of a segment (bytes)", "bytes"),
        _Resource("shmmin", "", "Least size of a segment (bytes)", "bytes"),
        _Resource("", "shm_rss", "Segments in memory (pages)", "pages"),
        _Resource("", "shm_swp", "Segments in swap (pages)", "pages"),
    ),
    Kind.SEMAPHORE: (
        _Resource("semmni", "semusz", "Semaphore sets"),
        _Resource("semmns", "semaem", "Semaphores of all sets"),
        _Resource("semmsl", "", "Semaphores of a set"),
        _Resource("semopm", "", "Operations of a semop(2)"),
        _Resource("semvmx", "", "Value of a semaphore"),
    ),
}


def resources(kind: Kind) -> Listing:
    """The limits of a kind, and what is in use, a row each.

    None is the limit of what has none, and the use of what is not counted.

    Raises:
        IpcError: the kernel does not tell.
    """
    from pyipcs.sysv import libc

    limits, usage = libc.limits(kind)._asdict(), libc.usage(kind)._asdict()
    rows = _RESOURCES[kind]
    added: dict[str, Sequence[Any]] = {
        "description": [row.description for row in rows],
        "unit": [row.unit or None for row in rows],
        "limit": [limits.get(row.limit) for row in rows],
        "used": [usage.get(row.used) for row in rows],
    }
    names = [(row.limit or row.used).upper() for row in rows]
    return Listing(kind, ("resource",), names, added)


def explain(kind: Kind, error: IpcError, amount: int) -> str:
    """The limit behind a refused *get(2), its value and what is in use; empty if none is.

    Args:
        kind: what was to be created.
        error: how the kernel refused.
        amount: the bytes or the semaphores that were asked for.
    """
    from pyipcs.sysv import libc

    try:
        limits, usage = libc.limits(kind)._asdict(), libc.usage(kind)._asdict()
    except IpcError:
        return ""
    if error.errno == errno.EINVAL and kind is not Kind.QUEUE:
        name = "shmmax" if kind is Kind.SEGMENT else "semmsl"
        return f"limit {name}: {limits[name]}" if amount > limits[name] else ""
    if not isinstance(error, LimitError):
        return ""
    # The limit on objects of the kind, and perhaps one on what they hold together.
    objects, *contents = [row for row in _RESOURCES[kind] if row.used and row.limit]
    full = usage[objects.used] >= limits[objects.limit] or not contents
    reached = objects if full else contents[0]
    unit = f" pages of {os.sysconf('SC_PAGESIZE')} bytes" if reached.limit == "shmall" else ""
    return f"limit {reached.limit}: {limits[reached.limit]}{unit}, in use: {usage[reached.used]}"


def explain_qbytes(qbytes: int) -> str:
    """Why a queue's owner may not set its qbytes to this (msgctl(2)); empty if it is not that."""
    from pyipcs.sysv import libc

    msgmnb = libc.limits(Kind.QUEUE).msgmnb
    if qbytes <= msgmnb:
        return ""
    return f"{qbytes} is over msgmnb, which is {msgmnb}: it takes CAP_SYS_RESOURCE"


def explain_lock(segment: Segment, error: IpcError) -> str:
    """Why the caller may not lock a segment, or unlock it (shmctl(2))."""
    import resource

    if error.errno == errno.EPERM and effective_uid() not in {segment.uid, segment.cuid}:
        return "it takes the owner, the creator or CAP_IPC_LOCK"
    if error.errno not in {errno.EPERM, errno.ENOMEM}:
        return ""
    limit, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    return (
        f"it has {segment.segsz} bytes, and RLIMIT_MEMLOCK lets its user lock {limit} in all: "
        "more takes CAP_IPC_LOCK"
    )
