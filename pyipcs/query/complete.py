"""Fields that /proc/sysvipc lacks, added to listings."""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from pyipcs.errors import IpcError, NotFoundError
from pyipcs.model import Kind, Queue
from pyipcs.sysv.listing import Listing


def complete(listings: Iterable[Listing], fields: Collection[str]) -> Iterator[Listing]:
    """Listings with those of the fields that /proc/sysvipc does not tell.

    They are the qbytes of queues, the semaphores of sets, whether all are in use, as `state`
    alone or as `evidence` (state.py), and whether somebody is seen to wait on queues and sets
    (`waited`). They are asked for object by object. Objects that go
    meanwhile are left out. What the kernel does not tell the caller is None: the semaphores of a
    set that it may not read, and before Linux 4.17 the qbytes of such a queue.
    """
    for listing in listings:
        for field, (kinds, ask) in _ASKED.items():
            wanted = field in fields or (field == "semaphores" and not _JUDGED.isdisjoint(fields))
            if wanted and listing.kind in kinds and not listing.has(field):
                listing = _asked(listing, field, ask)  # noqa: PLW2901 - it grows
        yield listing


def _asked(listing: Listing, field: str, ask: Callable[[Listing], list[Any]]) -> Listing:
    values = ask(listing) if listing.length else []
    kept = [row for row, value in enumerate(values) if value is not _GONE]
    grown = listing.with_added(field, values)
    return grown if len(kept) == len(values) else grown.take(kept)


def _ask_qbytes(queues: Listing) -> list[Any]:
    from pyipcs.sysv import libc

    msqids = [*map(int, queues.column("id"))]
    told: list[Any] = list(libc.qbytes(msqids))
    if None in told:
        rows = zip(msqids, told, strict=True)
        return [_or_gone(_stat_qbytes, msqid) if found is None else found for msqid, found in rows]
    return told


def _stat_qbytes(msqid: int) -> int | None:
    from pyipcs.sysv import libc

    record = libc.stat(Kind.QUEUE, msqid)
    assert isinstance(record, Queue)
    return record.qbytes


def _ask_semaphores(sets: Listing) -> list[Any]:
    from pyipcs.sysv import libc

    named = zip(map(int, sets.column("id")), map(int, sets.column("nsems")), strict=True)
    return [_or_gone(libc.semaphores, semid, nsems) for semid, nsems in named]


def _or_gone(ask: Callable[..., Any], *args: int) -> Any:
    """What the kernel answers; None where it refuses."""
    try:
        return ask(*args)
    except NotFoundError:
        return _GONE
    except IpcError:
        return None


def _ask_state(listing: Listing) -> list[Any]:
    from pyipcs.usage.state import states

    return [*states(listing.kind, listing.records())]


def _ask_evidence(listing: Listing) -> list[Any]:
    from pyipcs.usage.state import evidence

    return [*evidence(listing.records(), attached=listing.kind is Kind.SEGMENT)]


def _ask_waited(listing: Listing) -> list[Any]:
    from pyipcs.usage.state import waited

    if listing.kind is Kind.SEMAPHORE and not listing.has("semaphores"):
        told = [None if one is _GONE else one for one in _ask_semaphores(listing)]
        listing = listing.with_added("semaphores", told)
    return [*waited(listing.records())]


_GONE = object()
_JUDGED = {"state", "evidence"}  # what asks for the semaphores of sets
# Of which kinds each is asked, and how, in this order: the state of sets needs their semaphores.
_ASKED: dict[str, tuple[Collection[Kind], Callable[[Listing], list[Any]]]] = {
    "qbytes": ({Kind.QUEUE}, _ask_qbytes),
    "semaphores": ({Kind.SEMAPHORE}, _ask_semaphores),
    "state": ({*Kind}, _ask_state),
    "evidence": ({*Kind}, _ask_evidence),
    "waited": ({Kind.QUEUE, Kind.SEMAPHORE}, _ask_waited),
}
