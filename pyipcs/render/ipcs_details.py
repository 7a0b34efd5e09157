"""Renderers of the ipcs(1) layout for limits, usage and one object."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

from pyipcs.listing import Listing
from pyipcs.model import Kind, Queue, Record, Segment, SemaphoreSet, Unit
from pyipcs.query.resources import UNLIMITED
from pyipcs.render.format_units import ctime, human
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
from pyipcs.terminal.capabilities import TerminalCapabilities

if TYPE_CHECKING:  # limits need no details
    from pyipcs.objects import Figures
    from pyipcs.render.details import Details

# Returns a size with its label: the name of the bytes, or of a size with a unit.
_Size: TypeAlias = Callable[[str, str, int], str]


def figures(name: str, values: "Mapping[Kind, Figures]", unit: Unit) -> Iterator[str]:
    """Render a block of limits or usage for each kind."""
    yield "\n"
    for kind, each in values.items():
        yield from (f"{line}\n" for line in _figure_lines(name, kind, each, unit))
        yield "\n"


def _figure_lines(name: str, kind: Kind, values: "Figures", unit: Unit) -> Iterator[str]:
    if isinstance(values, Listing):
        return _rows(name, kind, values, unit)
    return _limit_lines(values, unit) if isinstance(values, Limits) else _usage_lines(values, unit)


_TITLES = {
    Kind.POSIX_QUEUE: "POSIX Messages",
    Kind.POSIX_SEGMENT: "POSIX Shared Memory",
    Kind.POSIX_SEMAPHORE: "POSIX Semaphore",
}
# The labels of POSIX resources in the words of ipcs, for limits and for usage.
_LABELS = {
    "limits": {
        "QUEUES_MAX": "max queues system wide",
        "MSG_MAX": "max messages per queue",
        "MSGSIZE_MAX": "max size of message",
        "MSG_DEFAULT": "default max messages per queue",
        "MSGSIZE_DEFAULT": "default max size of message",
        "RLIMIT_MSGQUEUE": "max size of queues per user",
        "SHM_SIZE": "max total shared memory",
        "SHM_INODES": "max number of inodes",
        "SEM_VALUE_MAX": "semaphore max value",
    },
    "usage": {
        "QUEUES_MAX": "allocated queues",
        "RLIMIT_MSGQUEUE": "size of your queues",
        "MESSAGES": "queued messages",
        "SHM_SIZE": "used space",
        "SHM_INODES": "used inodes",
        "SHM_HELD": "space of removed files in use",
    },
}


def _rows(name: str, kind: Kind, rows: Listing, unit: Unit) -> Iterator[str]:
    """Yield the limits or the usage of a POSIX kind in the style of ipcs."""
    if not rows.length:
        return
    yield f"------ {_TITLES[kind]} {'Limits' if name == 'limits' else 'Status'} --------"
    fields = ("resource", "limit" if name == "limits" else "used", "unit")
    for resource, value, unit_name in zip(*map(rows.column, fields), strict=True):
        label = _LABELS[name][resource]
        if value is None and name == "limits" and resource in UNLIMITED:
            yield f"{label} = unlimited"
        elif unit_name != "bytes" or value is None:
            yield f"{label} = {_or_dash(value)}"
        else:
            yield _size(label, value, unit)


def _limit_lines(values: Limits, unit: Unit) -> Iterator[str]:
    match values:
        case QueueLimits():
            yield "------ Messages Limits --------"
            yield f"max queues system wide = {values.msgmni}"
            yield _size("max size of message", values.msgmax, unit)
            yield _size("default max size of queue", values.msgmnb, unit)
        case SegmentLimits():
            yield "------ Shared Memory Limits --------"
            yield f"max number of segments = {values.shmmni}"
            yield _size("max seg size", values.shmmax, unit, kilo=True)
            yield _total_shared(values.shmall, unit)
            yield _size("min seg size", values.shmmin, unit)
        case SemaphoreLimits():
            yield "------ Semaphore Limits --------"
            yield f"max number of arrays = {values.semmni}"
            yield f"max semaphores per array = {values.semmsl}"
            yield f"max semaphores system wide = {values.semmns}"
            yield f"max ops per semop call = {values.semopm}"
            yield f"semaphore max value = {values.semvmx}"


def _total_shared(pages: int, unit: Unit) -> str:
    """Return the limit of all segments, capped at 64 bits in the printed unit."""
    page = os.sysconf("SC_PAGESIZE")
    label = "max total shared memory"
    if unit is Unit.DEFAULT:
        return f"{label} (kbytes) = {_capped_product(pages, page // 1024)}"
    return _size(label, _capped_product(pages, page), unit)


def _capped_product(number: int, factor: int) -> int:
    return min(number, (2**64 - 1) // factor) * factor


def _usage_lines(values: Usage, unit: Unit) -> Iterator[str]:
    match values:
        case QueueUsage():
            yield "------ Messages Status --------"
            yield f"allocated queues = {values.msgpool}"
            yield f"used headers = {values.msgmap}"
            if unit is Unit.DEFAULT:
                yield f"used space = {values.msgtql} bytes"
            else:
                yield _size("used space", values.msgtql, unit)
        case SegmentUsage():
            yield "------ Shared Memory Status --------"
            yield f"segments allocated {values.used_ids}"
            yield f"pages allocated {values.shm_tot}"
            yield f"pages resident  {_or_dash(values.shm_rss)}"
            yield f"pages swapped   {_or_dash(values.shm_swp)}"
            yield (
                f"Swap performance: {values.swap_attempts} attempts"
                f"\t {values.swap_successes} successes"
            )
        case SemaphoreUsage():
            yield "------ Semaphore Status --------"
            yield f"used arrays = {values.semusz}"
            yield f"allocated semaphores = {values.semaem}"


def _or_dash(number: int | None) -> str:
    return "-" if number is None else str(number)


def _size(label: str, size: int, unit: Unit, *, kilo: bool = False) -> str:
    if unit is Unit.HUMAN:
        return f"{label} = {human(size)}"
    if kilo and unit is Unit.DEFAULT:
        return f"{label} (kbytes) = {size // 1024}"
    return f"{label} (bytes) = {size}"


def details(object_: "Details", _capabilities: TerminalCapabilities | None = None) -> Iterator[str]:
    """Render one System V object; ipcs shows no others."""
    lines = _detail_lines(object_.record, human_sizes=object_.style.human)
    yield from ("\n", *(f"{line}\n" for line in lines), "\n")


def _detail_lines(record: Record, *, human_sizes: bool) -> Iterator[str]:
    def size(label: str, human_label: str, value: int) -> str:
        return f"{human_label}={human(value)}" if human_sizes else f"{label}={value}"

    owners = [f"{name}={getattr(record, name)}" for name in ("uid", "gid", "cuid", "cgid")]
    match record:
        case Queue():
            return _queue_lines(record, owners, size)
        case Segment():
            return _segment_lines(record, owners, size)
        case SemaphoreSet():
            return _set_lines(record, owners)
        case _:
            return iter(())


def _queue_lines(queue: Queue, owners: Iterable[str], size: _Size) -> Iterator[str]:
    yield f"Message Queue msqid={queue.id}"
    yield "\t".join((*owners, f"mode={_octal(queue.mode)}"))
    sizes = size("cbytes", "csize", queue.cbytes), size("qbytes", "qsize", queue.qbytes or 0)
    counts = f"qnum={queue.qnum}", f"lspid={queue.lspid}", f"lrpid={queue.lrpid}"
    yield "\t".join((*sizes, *counts))
    yield _time_line("send_time=", queue.stime)
    yield _time_line("rcv_time=", queue.rtime)
    yield _time_line("change_time=", queue.ctime)


def _segment_lines(segment: Segment, owners: Iterable[str], size: _Size) -> Iterator[str]:
    yield f"Shared memory Segment shmid={segment.id}"
    yield "\t".join(owners)
    yield f"mode={_octal(segment.mode)}\taccess_perms={_octal(segment.mode & 0o777)}"
    counts = f"lpid={segment.lpid}", f"cpid={segment.cpid}", f"nattch={segment.nattch}"
    yield "\t".join((size("bytes", "size", segment.segsz), *counts))
    yield _time_line("att_time=", segment.atime)
    yield _time_line("det_time=", segment.dtime)
    yield _time_line("change_time=", segment.ctime)


def _set_lines(record: SemaphoreSet, owners: Iterable[str]) -> Iterator[str]:
    yield f"Semaphore Array semid={record.id}"
    yield "\t ".join(owners)
    yield f"mode={_octal(record.mode)}, access_perms={_octal(record.mode & 0o777)}"
    yield f"nsems = {record.nsems}"
    yield _time_line("otime = ", record.otime)
    yield _time_line("ctime = ", record.ctime)
    row = "%-10s %-10s %-10s %-10s %-10s"
    yield row % ("semnum", "value", "ncount", "zcount", "pid")
    yield from map(row.__mod__, record.semaphores or ())


def _octal(mode: int) -> str:
    """Return a mode in the format `%#o` of C."""
    return f"0{mode:o}" if mode else "0"


def _time_line(label: str, seconds: int) -> str:
    return f"{label}{ctime(seconds):<26}"
