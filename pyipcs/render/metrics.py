"""Renderer of gauges in the OpenMetrics text format, for Prometheus."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from pyipcs.listing import Listing, merged
from pyipcs.model import SYSV, Kind, State
from pyipcs.process.accounts import user_name
from pyipcs.query.columns import Value
from pyipcs.query.plan import Report
from pyipcs.sysv.keys import format_keys
from pyipcs.terminal.capabilities import TerminalCapabilities
from pyipcs.terminal.escape import valid_utf8

if TYPE_CHECKING:
    from pyipcs.objects import Figures

_TIMESTAMP = "timestamp_seconds"
_NEVER = {"0", 0}  # as text of /proc/sysvipc, and as an int of a record
_SYSV, _POSIX = "sysvipc", "posixipc"
_Sample: TypeAlias = tuple[str, Value]  # labels in braces, and the value


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


_COUNTED = _Gauge("objects", "state", "Number of objects in a state.")


def document(report: Report, _capabilities: TerminalCapabilities | None = None) -> Iterator[str]:
    """Render limits, their usage, the objects one by one, and their states.

    The samples of a gauge stand together, also those of several IPC namespaces.
    """
    reports = [report] if report.namespaces is None else [*report.namespaces]
    yield from _totals(reports)
    counts: dict[str, list[_Sample]] = {_SYSV: [], _POSIX: []}
    for kind in dict.fromkeys(chain.from_iterable(one.found for one in reports)):
        groups = [
            _Group.of(one, one.found[kind])
            for one in reports
            if kind in one.found and (one.has_objects or one.counts_states)
        ]
        for gauge in OBJECTS[kind]:
            samples = chain.from_iterable(group.samples(gauge) for group in groups)
            yield from _family(prefix_of(kind), gauge, samples)
        for group in groups:
            counts[prefix_of(kind)] += group.states(kind)
    for prefix, counted in counts.items():
        yield from _family(prefix, _COUNTED, counted)
    yield "# EOF\n"


class _Group(NamedTuple):
    """The objects of one kind in one IPC namespace.

    Attributes:
        report: the report of the namespace.
        listing: the objects; None without any listing.
        labels: the labels of each object; none if the report has no single objects.
    """

    report: Report
    listing: Listing | None
    labels: list[str]

    @classmethod
    def of(cls, report: Report, listings: Iterable[Listing]) -> "_Group":
        """Return the objects of a report, each once."""
        listing = merged(listings)
        # Parsers reject a document with a repeated series.
        listing = listing and listing.distinct()
        is_labelled = listing and report.has_objects
        return cls(report, listing, _labels(listing, report) if listing and is_labelled else [])

    def samples(self, gauge: _Gauge) -> Iterable[_Sample]:
        """Return the samples of a gauge."""
        if self.listing is None or not self.labels or not self.listing.has(gauge.field):
            return []
        is_time = gauge.name.endswith(_TIMESTAMP)
        pairs = zip(self.labels, self.listing.column(gauge.field), strict=True)
        return ((label, None if is_time and value in _NEVER else value) for label, value in pairs)

    def states(self, kind: Kind) -> Iterator[_Sample]:
        """Yield the number of objects in each state, if the report counts them."""
        if not self.report.counts_states:
            return
        has_state = self.listing is not None and self.listing.has("state")
        counts = Counter(self.listing.column("state") if self.listing and has_state else ())
        for state in State:
            labels = f'kind="{kind.value}",state="{state.value}"'
            yield _braced(labels, self.report), counts[state]


def _totals(reports: Sequence[Report]) -> Iterator[str]:
    """Yield the limits, their usage, and the usage that has no limit."""
    limits = [(one, listing) for one in reports for listing in one.totals.limits]
    used = [(one, listing) for one in reports for listing in one.totals.used]
    for gauge, resources in ((_LIMIT, limits), (_USED, used)):
        for prefix in (_SYSV, _POSIX):
            of_family = (
                _resource_samples(gauge, listing, report)
                for report, listing in resources
                if prefix_of(listing.kind) == prefix
            )
            yield from _family(prefix, gauge, chain.from_iterable(of_family))
    usage = [(kind, one, values) for one in reports for kind, values in one.totals.usage]
    for kind in dict.fromkeys(kind for kind, _report, _values in usage):
        for gauge in _usage_gauges(kind):
            samples = (
                (_braced("", report), _scaled(_figure(values, gauge.field), gauge.unit))
                for of_kind, report, values in usage
                if of_kind is kind
            )
            yield from _family(prefix_of(kind), gauge, samples)


def _scaled(value: int | None, unit: int) -> int | None:
    return None if value is None else value * unit


def _braced(labels: str, report: Report) -> str:
    """Return labels in braces, with the IPC namespace of a report."""
    if report.namespace is not None:
        labels += f'{"," if labels else ""}ipc_namespace="{report.namespace}"'
    return f"{{{labels}}}" if labels else ""


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


def _usage_gauges(kind: Kind) -> tuple[_Gauge, ...]:
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


def _family(prefix: str, gauge: _Gauge, samples: Iterable[_Sample]) -> Iterator[str]:
    """Yield the lines of a gauge; an unknown value has no sample.

    The first of several samples with the same labels counts: an IPC namespace may have several
    /dev/shm.
    """
    name = f"{prefix}_{gauge.name}"
    values: dict[str, Value] = {}
    for labels, value in samples:
        if value is not None:
            values.setdefault(labels, value)
    if not values:
        return
    yield f"# TYPE {name} gauge\n"
    unit = name.rpartition("_")[2]
    if unit in {"bytes", "seconds"}:
        yield f"# UNIT {name} {unit}\n"
    yield f"# HELP {name} {gauge.help}\n"
    yield "".join(f"{name}{labels} {value}\n" for labels, value in values.items())


def _resource_samples(gauge: _Gauge, resources: Listing, report: Report) -> Iterator[_Sample]:
    """Yield limits or their usage; usage without a limit has its own gauges."""
    columns = (resources.column(field) for field in ("resource", gauge.field, "is_limited"))
    for name, value, is_limited in zip(*columns, strict=True):
        yield _braced(f'resource="{name.lower()}"', report), value if is_limited else None


def _labels(listing: Listing, report: Report) -> list[str]:
    """Return the labels that identify each object."""
    owners = map(_owner, listing.column("uid"))
    if listing.has("name"):
        from pyipcs.posix.names import format_name

        names = (_label_value(format_name(name)) for name in listing.column("name"))
        identities: Iterable[str] = (f'name="{name}"' for name in names)
    else:
        pairs = zip(listing.column("id"), format_keys(listing.column("key")), strict=True)
        identities = (f'id="{one}",key="{key}"' for one, key in pairs)
    end = _braced("", report).strip("{}")
    end = f",{end}}}" if end else "}"
    return [f'{{{one},owner="{owner}"{end}' for one, owner in zip(identities, owners, strict=True)]


@lru_cache(maxsize=1024)
def _owner(uid: Any) -> str:
    return _label_value(valid_utf8(user_name(uid)))


def _label_value(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
