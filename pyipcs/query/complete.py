"""Fields that the kernel's lists lack, added to listings."""

from collections.abc import Callable, Collection, Iterable, Iterator
from enum import Enum
from itertools import chain
from typing import Any

from pyipcs.errors import IpcError, NotFoundError
from pyipcs.listing import Listing
from pyipcs.model import IN_SHM, Kind, Queue, State, View


class Requirement(Enum):
    """Fields that a list lacks; the order is by cost, cheapest first."""

    QBYTES = "qbytes"
    BORN = "born"
    PAGES = "pages"  # rss and swap of a POSIX segment
    QUEUE_ATTRIBUTES = "queue attributes"  # mq_getattr(3)
    QUEUE_STATUS = "queue status"  # the text of a file in /dev/mqueue
    VALUE = "value"
    SEMAPHORES = "semaphores"
    WAITED = "waited"  # True if a waiting process is counted or seen
    OPEN = "is_open"  # True if a process has a POSIX segment open; None if that is unknown
    STATE = "state"
    EVIDENCE = "evidence"  # the state with its reason and the users


CLASSIFYING = frozenset({Requirement.STATE, Requirement.EVIDENCE})
# Those that need a scan of /proc.
SCANNING = CLASSIFYING | {Requirement.WAITED}


def complete(listings: Iterable[Listing], required: Collection[Requirement]) -> Iterator[Listing]:
    """Add the required fields to listings.

    Omit objects that are removed meanwhile. A value is None if the kernel refuses it: semaphores of
    a set that the caller may not read, and before Linux 4.17 the qbytes of such a queue.
    """
    wanted = {*required}
    if not CLASSIFYING.isdisjoint(wanted):
        # The state of a set, and that of a POSIX queue, depend on them.
        wanted |= {Requirement.SEMAPHORES, Requirement.QUEUE_ATTRIBUTES}
    steps = [(one.value, *_STEPS[one]) for one in _STEPS if one in wanted]
    for listing in listings:
        groups = (_POSIX_FIELDS.get((listing.kind, one), ()) for one in wanted)
        fields = [*chain.from_iterable(groups)]
        if missing := [field for field in fields if not listing.has(field)]:
            from pyipcs.posix.listing import complete as complete_posix

            listing = complete_posix(listing, missing)  # noqa: PLW2901 - it grows
        for field, kinds, ask in steps:
            if listing.kind in kinds and not listing.has(field):
                listing = _with_asked(listing, field, ask)  # noqa: PLW2901 - it grows
        yield listing


def _with_asked(listing: Listing, field: str, ask: Callable[[Listing], list[Any]]) -> Listing:
    values = ask(listing) if listing.length else []
    kept = [row for row, value in enumerate(values) if value is not _GONE]
    grown = listing.with_added(field, values)
    return grown if len(kept) == len(values) else grown.take(kept)


def _ask_qbytes(queues: Listing) -> list[Any]:
    from pyipcs.sysv import libc

    msqids = [*map(int, queues.column("id"))]
    values: list[Any] = list(libc.qbytes(msqids))
    if None in values:
        rows = zip(msqids, values, strict=True)
        return [_or_gone(_stat_qbytes, msqid) if value is None else value for msqid, value in rows]
    return values


def _stat_qbytes(msqid: int) -> int | None:
    from pyipcs.sysv import libc

    record = libc.stat(Kind.QUEUE, msqid)
    assert isinstance(record, Queue)
    return record.qbytes


def _ask_semaphores(sets: Listing) -> list[Any]:
    from pyipcs.sysv import libc

    rows = zip(map(int, sets.column("id")), map(int, sets.column("nsems")), strict=True)
    return [_or_gone(libc.semaphores, semid, nsems) for semid, nsems in rows]


def _or_gone(ask: Callable[..., Any], *args: int) -> Any:
    """Return the result of a call; _GONE or None if the kernel refuses it."""
    try:
        return ask(*args)
    except NotFoundError:
        return _GONE
    except IpcError:
        return None


def _ask_state(listing: Listing) -> list[Any]:
    from pyipcs.usage.classify import states

    return [_GONE if one is None else one for one in states(listing)]


def _ask_evidence(listing: Listing) -> list[Any]:
    from pyipcs.usage.classify import evidence

    return [_GONE if one is None else one for one in evidence(listing)]


def _ask_open(listing: Listing) -> list[Any]:
    known = {State.IN_USE: True, State.UNKNOWN: None}
    return [one if one is _GONE else known.get(one, False) for one in _ask_state(listing)]


def _ask_waited(listing: Listing) -> list[Any]:
    from pyipcs.usage.state import waited

    if listing.kind is Kind.SEMAPHORE and not listing.has("semaphores"):
        found = [None if one is _GONE else one for one in _ask_semaphores(listing)]
        listing = listing.with_added("semaphores", found)
    return [*waited(listing.records())]


_GONE = object()
# The fields of POSIX objects in the layout of ipcs, by kind and view.
PLAIN = {
    (Kind.POSIX_QUEUE, View.STATUS): {Requirement.QUEUE_ATTRIBUTES, Requirement.QUEUE_STATUS},
    (Kind.POSIX_QUEUE, View.PID): {Requirement.QUEUE_STATUS},
    (Kind.POSIX_SEGMENT, View.TIME): {Requirement.BORN},
    (Kind.POSIX_SEMAPHORE, View.STATUS): {Requirement.VALUE},
    (Kind.POSIX_SEMAPHORE, View.TIME): {Requirement.BORN},
}
# The fields in metrics; each kind has some of them.
METRICS = frozenset(
    {
        *(Requirement.QBYTES, Requirement.BORN, Requirement.PAGES, Requirement.VALUE),
        *(Requirement.QUEUE_ATTRIBUTES, Requirement.QUEUE_STATUS),
    }
)
# The fields of POSIX objects by kind, which are read in one step.
_POSIX_FIELDS = {
    **{(kind, Requirement.BORN): ("born",) for kind in IN_SHM},
    (Kind.POSIX_SEGMENT, Requirement.PAGES): ("rss", "swap"),
    (Kind.POSIX_QUEUE, Requirement.QUEUE_ATTRIBUTES): ("qnum", "maxmsg", "msgsize"),
    (Kind.POSIX_QUEUE, Requirement.QUEUE_STATUS): ("cbytes", "notify_pid"),
    (Kind.POSIX_SEMAPHORE, Requirement.VALUE): ("value",),
}
# For each field, the kinds that have it and the function that reads it.
_STEPS: dict[Requirement, tuple[Collection[Kind], Callable[[Listing], list[Any]]]] = {
    Requirement.QBYTES: ({Kind.QUEUE}, _ask_qbytes),
    Requirement.SEMAPHORES: ({Kind.SEMAPHORE}, _ask_semaphores),
    Requirement.WAITED: ({Kind.QUEUE, Kind.SEMAPHORE}, _ask_waited),
    Requirement.OPEN: ({Kind.POSIX_SEGMENT}, _ask_open),
    Requirement.STATE: ({*Kind}, _ask_state),
    Requirement.EVIDENCE: ({*Kind}, _ask_evidence),
}
