"""The kernel's limits and usage, even if a policy refuses *_INFO."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Literal, NamedTuple, overload

from pyipcs.errors import IpcError
from pyipcs.listing import Listing
from pyipcs.model import SEMVMX, Kind
from pyipcs.sysv.hugepages import pools_in_use
from pyipcs.sysv.info import (
    Limits,
    QueueLimits,
    QueueUsage,
    SegmentLimits,
    SegmentUsage,
    SemaphoreLimits,
    SemaphoreUsage,
    Usage,
)
from pyipcs.sysv.procfs import read

PAGE = os.sysconf("SC_PAGESIZE")
_SHMMIN = 1  # fixed in the kernel, like SEMVMX (include/uapi/linux/shm.h)


class Resource(NamedTuple):
    """A limited or counted resource.

    Attributes:
        limit: the kernel's field with the limit; empty without a limit.
        used: the kernel's field with the amount in use; empty if the kernel does not count it.
        description: the text for the resource in a listing.
        unit: the unit of limit and amount; empty for a number of objects.
    """

    limit: str
    used: str
    description: str
    unit: str = ""


RESOURCES = {
    Kind.QUEUE: (
        Resource("msgmni", "msgpool", "Message queues"),
        Resource("msgmax", "", "Size of a message (bytes)", "bytes"),
        Resource("msgmnb", "", "Size of a new queue (bytes)", "bytes"),
        Resource("", "msgmap", "Messages on all queues"),
        Resource("", "msgtql", "Size of all messages (bytes)", "bytes"),
    ),
    Kind.SEGMENT: (
        Resource("shmmni", "used_ids", "Shared memory segments"),
        Resource("shmall", "shm_tot", "Size of all segments (pages)", "pages"),
        Resource("shmmax", "", "Size of a segment (bytes)", "bytes"),
        Resource("shmmin", "", "Least size of a segment (bytes)", "bytes"),
        Resource("", "shm_rss", "Segments in memory (pages)", "pages"),
        Resource("", "shm_swp", "Segments in swap (pages)", "pages"),
    ),
    Kind.SEMAPHORE: (
        Resource("semmni", "semusz", "Semaphore sets"),
        Resource("semmns", "semaem", "Semaphores of all sets"),
        Resource("semmsl", "", "Semaphores of a set"),
        Resource("semopm", "", "Operations of a semop(2)"),
        Resource("semvmx", "", "Value of a semaphore"),
    ),
}


@overload
def limits(kind: Literal[Kind.QUEUE]) -> QueueLimits: ...
@overload
def limits(kind: Literal[Kind.SEGMENT]) -> SegmentLimits: ...
@overload
def limits(kind: Literal[Kind.SEMAPHORE]) -> SemaphoreLimits: ...
@overload
def limits(kind: Kind) -> Limits: ...
def limits(kind: Kind) -> Limits:
    """Return the limits of a kind from IPC_INFO, else from /proc/sys.

    A security policy can refuse the *_INFO commands and allow all other commands.

    Raises:
        IpcError: IPC_INFO is refused, and /proc/sys does not have the limits.
    """
    from pyipcs.sysv import libc

    try:
        return libc.limits(kind)
    except IpcError as error:
        try:
            return _sysctl_limits(kind)
        except ValueError:
            raise error from None


@overload
def known_limits(kind: Literal[Kind.QUEUE]) -> QueueLimits | None: ...
@overload
def known_limits(kind: Literal[Kind.SEGMENT]) -> SegmentLimits | None: ...
@overload
def known_limits(kind: Literal[Kind.SEMAPHORE]) -> SemaphoreLimits | None: ...
@overload
def known_limits(kind: Kind) -> Limits | None: ...
def known_limits(kind: Kind) -> Limits | None:
    """Return the limits of a kind, or None if the kernel does not report them."""
    try:
        return limits(kind)
    except IpcError:
        return None


@overload
def usage(kind: Literal[Kind.QUEUE]) -> QueueUsage: ...
@overload
def usage(kind: Literal[Kind.SEGMENT]) -> SegmentUsage: ...
@overload
def usage(kind: Literal[Kind.SEMAPHORE]) -> SemaphoreUsage: ...
@overload
def usage(kind: Kind) -> Usage: ...
def usage(kind: Kind) -> Usage:
    """Return the usage of a kind from *_INFO, else by counting.

    Raises:
        IpcError: *_INFO is refused, and the objects cannot be listed.
    """
    from pyipcs.sysv import libc

    try:
        return libc.usage(kind)
    except IpcError as error:
        try:
            return _count(kind)
        except OSError:
            raise error from None


def known_usage(kind: Kind) -> Usage | None:
    """Return the usage of a kind, or None if the kernel does not report it."""
    try:
        return usage(kind)
    except IpcError:
        return None


def corrected_usage(kind: Kind) -> Usage:
    """Return the usage of a kind, with huge pages counted once.

    SHM_INFO has the same error as /proc/sysvipc (see `hugepages`); ipcs(1) prints it uncorrected.

    Raises:
        IpcError: see `usage`.
    """
    used = usage(kind)
    if isinstance(used, SegmentUsage) and pools_in_use():
        return used._replace(shm_rss=_total(read(kind), "rss", PAGE))
    return used


def _sysctl_limits(kind: Kind) -> Limits:
    """Return the limits of a kind from /proc/sys/kernel (proc_sys_kernel(5)).

    Raises:
        ValueError: one of them cannot be read.
    """
    match kind:
        case Kind.QUEUE:
            msgmni, msgmax, msgmnb = _sysctls("msgmni", "msgmax", "msgmnb")
            return QueueLimits(msgmni, msgmax, msgmnb)
        case Kind.SEGMENT:
            shmmni, shmmax, shmall = _sysctls("shmmni", "shmmax", "shmall")
            return SegmentLimits(shmmni, shmmax, shmall, _SHMMIN)
        case Kind.SEMAPHORE:
            semmsl, semmns, semopm, semmni = _sysctls("sem")
            return SemaphoreLimits(semmni, semmsl, semmns, semopm, SEMVMX)
        case _:
            raise KeyError(kind)


def _sysctls(*names: str) -> Iterator[int]:
    from pyipcs.process import sysctl

    return chain.from_iterable(sysctl.numbers(f"kernel.{name}") for name in names)


def _count(kind: Kind) -> Usage:
    """Return the usage as sums over all objects."""
    listings = [*read(kind)]
    number = sum(listing.length for listing in listings)
    match kind:
        case Kind.QUEUE:
            messages, size = _total(listings, "qnum"), _total(listings, "cbytes")
            return QueueUsage(number, messages or 0, size or 0)
        case Kind.SEGMENT:
            return SegmentUsage(
                number,
                _total(listings, "segsz", PAGE) or 0,
                _total(listings, "rss", PAGE),
                _total(listings, "swap", PAGE),
                0,  # the kernel reports 0 for these two (ipc/shm.c)
                0,
            )
        case Kind.SEMAPHORE:
            return SemaphoreUsage(number, _total(listings, "nsems") or 0)
        case _:
            raise KeyError(kind)


def _total(listings: Iterable[Listing], field: str, unit: int = 1) -> int | None:
    """Return the sum of a field in whole units; None if a value is unknown."""
    total = 0
    for listing in listings:
        values: Sequence[Any] = listing.column(field) if listing.has(field) else [None]
        if listing.length and None in values:
            return None
        total += sum(-(-int(value) // unit) for value in values if value is not None)
    return total


def resources(kind: Kind) -> Listing:
    """Return the limits and the usage of a kind, a row for each resource.

    A value is None if the resource has no limit, is not counted, or is not reported; `is_limited`
    and `is_counted` distinguish these cases.

    Raises:
        IpcError: the kernel reports neither limits nor usage.
    """
    limited = known_limits(kind)
    most: Mapping[str, int | None] = limited._asdict() if limited else {}
    try:
        used = corrected_usage(kind)._asdict()
    except IpcError:
        if not limited:
            raise
        used = {}
    rows = RESOURCES[kind]
    added: dict[str, Sequence[Any]] = {
        "description": [row.description for row in rows],
        "unit": [row.unit or None for row in rows],
        "limit": [most.get(row.limit) for row in rows],
        "used": [used.get(row.used) for row in rows],
        "is_limited": [bool(row.limit) for row in rows],
        "is_counted": [bool(row.used) for row in rows],
    }
    names = [(row.limit or row.used).upper() for row in rows]
    return Listing(kind, ("resource",), names, added)
