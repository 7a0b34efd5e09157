"""Renderer of gauges in the OpenMetrics text format, for Prometheus."""

import os
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from pyipcs.listing import Listing, merged
from pyipcs.model import SYSV, Kind
from pyipcs.process.accounts import user_name
from pyipcs.query.columns import Value
from pyipcs.query.plan import Report
from pyipcs.sysv.keys import format_key
from pyipcs.terminal.capabilities import TerminalCapabilities
from pyipcs.terminal.escape import valid_utf8

if TYPE_CHECKING:
    from pyipcs.objects import Figures

_TIMESTAMP = "timestamp_seconds"
_NEVER = {"0", 0}  # as text of /proc/sysvipc, and as an int of a record
_SYSV, _POSIX = "sysvipc", "posixipc"


class _Gauge(NamedTuple):
    """A family of samples: one for each object, or one for the system.

    Attributes:
        name: the name of the metric, without its prefix.
        field: the kernel's name of the value.
        help: the description.
        unit: the factor to multiply the value with, for example the bytes of a page.
    """

    name: str
    field: str
    help: str
    unit: int = 1


OBJECTS = {
    Kind.QUEUE: (
        _Gauge("queue_messages", "qnum", "Messages on the queue."),
        _Gauge("queue_used_bytes", "cbytes", "Bytes in the messages on the queue."),
        _Gauge("queue_limit_bytes", "qbytes", "Bytes, and messages, that the queue may hold."),
        _Gauge(f"queue_send_{_TIMESTAMP}", "stime", "Time of the last send."),
        _Gauge(f"queue_receive_{_TIMESTAMP}", "rtime", "Time of the last receive."),
        _Gauge(f"queue_change_{_TIMESTAMP}", "ctime", "Time of the last change."),
    ),
    Kind.SEGMENT: (
        _Gauge("segment_size_bytes", "segsz", "Size of the segment."),
        _Gauge("segment_resident_bytes", "rss", "Bytes of the segment in memory."),
        _Gauge("segment_swapped_bytes", "swap", "Bytes of the segment in swap."),
        _Gauge("segment_attachments", "nattch", "Attachments of the segment."),
        _Gauge(f"segment_attach_{_TIMESTAMP}", "atime", "Time of the last attachment."),
        _Gauge(f"segment_detach_{_TIMESTAMP}", "dtime", "Time of the last detachment."),
        _Gauge(f"segment_change_{_TIMESTAMP}", "ctime", "Time of the last change."),
    ),
    Kind.SEMAPHORE: (
        _Gauge("set_semaphores", "nsems", "Semaphores of the set."),
        _Gauge(f"set_operation_{_TIMESTAMP}", "otime", "Time of the last operation."),
        _Gauge(f"set_change_{_TIMESTAMP}", "ctime", "Time of the last change."),
    ),
    Kind.POSIX_QUEUE: (
        _Gauge("queue_messages", "qnum", "Messages on the queue."),
        _Gauge("queue_used_bytes", "cbytes", "Bytes in the messages on the queue."),
        _Gauge("queue_max_messages", "maxmsg", "Messages that the queue may hold."),
        _Gauge("queue_message_max_bytes", "msgsize", "Bytes that a message may have."),
        _Gauge(f"queue_modify_{_TIMESTAMP}", "mtime", "Time of the last send or receive."),
    ),
    Kind.POSIX_SEGMENT: (
        _Gauge("segment_size_bytes", "segsz", "Size of the segment."),
        _Gauge("segment_resident_bytes", "rss", "Bytes of the segment in memory."),
        _Gauge("segment_swapped_bytes", "swap", "Bytes of the segment in swap."),
        _Gauge(f"segment_birth_{_TIMESTAMP}", "born", "Time of the creation."),
        _Gauge(f"segment_modify_{_TIMESTAMP}", "mtime", "Time of the last recorded write."),
    ),
    Kind.POSIX_SEMAPHORE: (
        _Gauge("semaphore_value", "value", "Value of the semaphore."),
        _Gauge(f"semaphore_birth_{_TIMESTAMP}", "born", "Time of the creation."),
    ),
}
_LIMIT = _Gauge("limit", "limit", "Limit of a resource, by the kernel's name for it.")
_USED = _Gauge("used", "used", "Amount of a resource in use.")


def document(report: Report, _capabilities: TerminalCapabilities | None = None) -> Iterator[str]:
    """Render limits, their usage, and the objects one by one."""
    for gauge, resources in ((_LIMIT, report.limits), (_USED, report.used)):
        for prefix in (_SYSV, _POSIX):
            of_family = [one for one in resources if prefix_of(one.kind) == prefix]
            yield from _family(prefix, gauge, _resource_samples(gauge, of_family))
    for kind, values in report.usage.items():
        for gauge in _totals(kind):
            value = _figure(values, gauge.field)
            total = None if value is None else value * gauge.unit
            yield from _family(prefix_of(kind), gauge, [("", total)])
    for kind, listings in report.found.items():
        listing = merged(listings)
        listing = listing and listing.distinct()  # parsers reject a document with a repeated series
        labels = _labels(listing) if listing else []
        for gauge in OBJECTS[kind]:
            yield from _family(prefix_of(kind), gauge, _object_samples(gauge, listing, labels))
    yield "# EOF\n"


def prefix_of(kind: Kind) -> str:
    """Return the prefix of the metrics of a kind."""
    return _SYSV if kind in SYSV else _POSIX


def _figure(values: "Figures", field: str) -> int | None:
    """Return the usage of a resource by its name."""
    if isinstance(values, Listing):
        rows = zip(values.column("resource"), values.column("used"), strict=True)
        return dict(rows).get(field)
    amount: int | None = getattr(values, field)
    return amount


def _totals(kind: Kind) -> tuple[_Gauge, ...]:
    """Return the gauges of usage that has no limit."""
    page = os.sysconf("SC_PAGESIZE")
    match kind:
        case Kind.QUEUE:
            return (
                _Gauge("messages", "msgmap", "Messages on all queues."),
                _Gauge("messages_bytes", "msgtql", "Bytes in the messages on all queues."),
            )
        case Kind.SEGMENT:
            return (
                _Gauge("resident_bytes", "shm_rss", "Bytes of all segments in memory.", page),
                _Gauge("swapped_bytes", "shm_swp", "Bytes of all segments in swap.", page),
            )
        case Kind.POSIX_QUEUE:
            return (_Gauge("messages", "MESSAGES", "Messages on all queues."),)
        case Kind.POSIX_SEGMENT:
            return (_Gauge("held_bytes", "SHM_HELD", "Bytes of removed files in use."),)
        case _:
            return ()


def _family(prefix: str, gauge: _Gauge, samples: Iterable[tuple[str, Value]]) -> Iterator[str]:
    """Yield the lines of a gauge; an unknown value has no sample."""
    name = f"{prefix}_{gauge.name}"
    lines = [f"{name}{labels} {value}\n" for labels, value in samples if value is not None]
    if not lines:
        return
    yield f"# TYPE {name} gauge\n"
    unit = name.rpartition("_")[2]
    if unit in {"bytes", "seconds"}:
        yield f"# UNIT {name} {unit}\n"
    yield f"# HELP {name} {gauge.help}\n"
    yield "".join(lines)


def _resource_samples(gauge: _Gauge, resources: Iterable[Listing]) -> Iterator[tuple[str, Value]]:
    """Yield limits or their usage; usage without a limit has its own gauges."""
    for listing in resources:
        columns = (listing.column(field) for field in ("resource", gauge.field, "is_limited"))
        for name, value, is_limited in zip(*columns, strict=True):
            yield f'{{resource="{name.lower()}"}}', value if is_limited else None


def _object_samples(
    gauge: _Gauge, listing: Listing | None, labels: list[str]
) -> Iterable[tuple[str, Value]]:
    if listing is None or not listing.has(gauge.field):
        return
    is_time = gauge.name.endswith(_TIMESTAMP)
    for label, value in zip(labels, listing.column(gauge.field), strict=True):
        yield label, None if is_time and value in _NEVER else value


def _labels(listing: Listing) -> list[str]:
    """Return the labels that identify each object."""
    if listing.has("name"):
        from pyipcs.posix.names import format_name

        names = (_label_value(format_name(name)) for name in listing.column("name"))
        owners = map(_owner, listing.column("uid"))
        return [
            f'{{name="{name}",owner="{owner}"}}' for name, owner in zip(names, owners, strict=True)
        ]
    named = zip(*map(listing.column, ("id", "key", "uid")), strict=True)
    return [
        f'{{id="{object_id}",key="{format_key(int(key))}",owner="{_owner(uid)}"}}'
        for object_id, key, uid in named
    ]


@lru_cache(maxsize=1024)
def _owner(uid: Any) -> str:
    return _label_value(valid_utf8(user_name(uid)))


def _label_value(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
