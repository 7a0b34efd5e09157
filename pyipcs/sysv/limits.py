"""The kernel's limits, what is in use of them, and which one a refused creation ran into."""

import errno
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal, NamedTuple, overload

from pyipcs.errors import IpcError, LimitError, TooBigError
from pyipcs.model import SEMVMX, Kind, Segment
from pyipcs.process.identity import effective_uid
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
from pyipcs.sysv.listing import Listing
from pyipcs.sysv.procfs import read
from pyipcs.text import plural

SYSCTL = "/proc/sys/kernel"
_PAGE = os.sysconf("SC_PAGESIZE")
_SHMMIN = 1  # fixed in the kernel, like SEMVMX (include/uapi/linux/shm.h)

_FILE_MAX = 2**63 - 1  # MAX_LFS_FILESIZE
_NO_OVERCOMMIT = "2"


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


def limits(kind: Kind) -> Limits:
    """Return the limits of a kind from IPC_INFO or, where that is refused, from /proc/sys.

    A security policy can refuse the *_INFO commands and allow all others.

    Raises:
        IpcError: IPC_INFO is refused, and /proc/sys does not have the limits.
    """
    from pyipcs.sysv import libc

    try:
        return libc.limits(kind)
    except IpcError as error:
        try:
            return _sysctl_limits(kind)
        except (OSError, ValueError):
            raise error from None


def limit(kind: Kind, name: str) -> int | None:
    """Return one limit by the kernel's name; None where the kernel does not report it."""
    return _known(limits, kind).get(name)


@overload
def usage(kind: Literal[Kind.QUEUE]) -> QueueUsage: ...
@overload
def usage(kind: Literal[Kind.SEGMENT]) -> SegmentUsage: ...
@overload
def usage(kind: Literal[Kind.SEMAPHORE]) -> SemaphoreUsage: ...
@overload
def usage(kind: Kind) -> Usage: ...
def usage(kind: Kind) -> Usage:
    """Return what is in use of a kind from *_INFO or, where that is refused, by counting.

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


def corrected_usage(kind: Kind) -> Usage:
    """Return what is in use of a kind, with huge pages counted once.

    SHM_INFO has the error of /proc/sysvipc (see `hugepages`), and ipcs prints it.

    Raises:
        IpcError: as `usage`.
    """
    found = usage(kind)
    if isinstance(found, SegmentUsage) and pools_in_use():
        return found._replace(shm_rss=_total(read(kind), "rss", _PAGE))
    return found


def _known(ask: Callable[[Kind], Limits | Usage], kind: Kind) -> dict[str, int | None]:
    """Return limits or usage by the kernel's names; nothing where the kernel reports none."""
    try:
        return ask(kind)._asdict()
    except IpcError:
        return {}


def _sysctl_limits(kind: Kind) -> Limits:
    match kind:
        case Kind.QUEUE:
            return QueueLimits(*(_sysctl(name)[0] for name in QueueLimits._fields))
        case Kind.SEGMENT:
            shmmni, shmmax, shmall = (_sysctl(name)[0] for name in ("shmmni", "shmmax", "shmall"))
            return SegmentLimits(shmmni, shmmax, shmall, _SHMMIN)
        case Kind.SEMAPHORE:
            semmsl, semmns, semopm, semmni = _sysctl("sem")
            return SemaphoreLimits(semmni, semmsl, semmns, semopm, SEMVMX)


def _sysctl(name: str) -> list[int]:
    """Return the numbers of a limit of the caller's IPC namespace (proc_sys_kernel(5))."""
    with open(f"{SYSCTL}/{name}", "rb") as file:
        return [*map(int, file.read().split())]


def _count(kind: Kind) -> Usage:
    """Return the sums over all objects, which *_INFO also reports."""
    listings = [*read(kind)]
    number = sum(listing.length for listing in listings)
    match kind:
        case Kind.QUEUE:
            messages, size = _total(listings, "qnum"), _total(listings, "cbytes")
            return QueueUsage(number, messages or 0, size or 0)
        case Kind.SEGMENT:
            return SegmentUsage(
                number,
                _total(listings, "segsz", _PAGE) or 0,
                _total(listings, "rss", _PAGE),
                _total(listings, "swap", _PAGE),
                0,  # the kernel no longer counts these two (ipc/shm.c)
                0,
            )
        case Kind.SEMAPHORE:
            return SemaphoreUsage(number, _total(listings, "nsems") or 0)


def _total(listings: Iterable[Listing], field: str, unit: int = 1) -> int | None:
    """Return the sum of a field, each value in whole units; None where a value is unknown."""
    total = 0
    for listing in listings:
        words: Sequence[Any] = listing.column(field) if listing.has(field) else [None]
        if listing.length and None in words:
            return None
        total += sum(-(-int(word) // unit) for word in words if word is not None)
    return total


def resources(kind: Kind) -> Listing:
    """Return the limits of a kind, and what is in use, a row each.

    None is the limit of what has none, the use of what is not counted, and what the kernel does
    not report.

    Raises:
        IpcError: the kernel reports neither.
    """
    most, used = _known(limits, kind), _known(corrected_usage, kind)
    if not most and not used:
        limits(kind)  # raises
    rows = _RESOURCES[kind]
    added: dict[str, Sequence[Any]] = {
        "description": [row.description for row in rows],
        "unit": [row.unit or None for row in rows],
        "limit": [most.get(row.limit) for row in rows],
        "used": [used.get(row.used) for row in rows],
    }
    names = [(row.limit or row.used).upper() for row in rows]
    return Listing(kind, ("resource",), names, added)


def explain(kind: Kind, error: IpcError, amount: int) -> str:
    """The limit behind a refused *get(2) or semop(2), with its value; empty if there is none.

    With the limit stands what is in use of it.

    Args:
        kind: what was to be created.
        error: how the kernel refused.
        amount: the bytes or the semaphores that were asked for.
    """
    if error.errno == errno.ENOMEM:
        return _explain_memory(amount) if kind is Kind.SEGMENT else ""
    most, used = _known(limits, kind), _known(usage, kind)
    if error.errno == errno.EINVAL:
        return _explain_amount(kind, most, amount) if most else ""
    if isinstance(error, TooBigError):
        semopm = most.get("semopm")
        return "" if semopm is None else f"limit semopm: {semopm}"
    if not isinstance(error, LimitError) or not most or not used:
        return ""
    # The limit on objects of the kind, and perhaps one on what they hold together.
    objects, *contents = [row for row in _RESOURCES[kind] if row.used and row.limit]
    full = (used[objects.used] or 0) >= (most[objects.limit] or 0) or not contents
    reached = objects if full else contents[0]
    unit = f" pages of {_PAGE} bytes" if reached.limit == "shmall" else ""
    return f"limit {reached.limit}: {most[reached.limit]}{unit}, in use: {used[reached.used]}"


def _explain_amount(kind: Kind, limits: Mapping[str, int | None], amount: int) -> str:
    """Return the limits of the size of a segment, or of the number of a set's semaphores."""
    if kind is Kind.SEGMENT:
        shmmax = limits["shmmax"]
        known = {"size": plural(amount, "byte"), "shmmin": limits["shmmin"], "shmmax": shmmax}
        if shmmax is not None and _FILE_MAX < amount <= shmmax:
            known["largest file"] = _FILE_MAX  # a segment is a file of tmpfs
        return ", ".join(f"{name}: {value}" for name, value in known.items() if value is not None)
    semmsl = limits.get("semmsl")
    return f"limit semmsl: {semmsl}" if semmsl is not None and amount > semmsl else ""


def _explain_memory(size: int) -> str:
    """Return what the kernel compares with the size of a new segment (proc_sys_vm(5))."""
    known = {"size": plural(size, "byte")}
    with (
        suppress(OSError, ValueError),
        open("/proc/meminfo") as meminfo,
        open("/proc/sys/vm/overcommit_memory") as overcommit,
    ):
        memory = dict(line.split(":") for line in meminfo)
        mode = overcommit.read().strip()
        rows = {"memory": "MemTotal", "swap": "SwapTotal"}
        if mode == _NO_OVERCOMMIT:
            rows |= {"commit limit": "CommitLimit", "committed": "Committed_AS"}
        known |= {name: _bytes(memory[row]) for name, row in rows.items() if row in memory}
        known["vm.overcommit_memory"] = mode
    return ", ".join(f"{name}: {value}" for name, value in known.items())


def _bytes(text: str) -> str:
    """Return the bytes of a row of /proc/meminfo, which has KiB."""
    number, _unit = text.split()
    return f"{int(number) * 1024} bytes"


def explain_qbytes(qbytes: int) -> str:
    """Return why a queue's owner may not set its qbytes (msgctl(2)); empty for another cause."""
    msgmnb = limit(Kind.QUEUE, "msgmnb")
    if msgmnb is None:
        return "over msgmnb it takes CAP_SYS_RESOURCE"
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
