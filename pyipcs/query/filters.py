"""Filters: conditions that select objects of some kinds."""

import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from pyipcs.listing import Listing
from pyipcs.model import IN_SHM, POSIX, SYSV, By, Kind, State, Target
from pyipcs.process.identity import effective_uid
from pyipcs.query.complete import Requirement, complete

if TYPE_CHECKING:
    from pyipcs.usage.process_uses import ProcessUses

_Mask: TypeAlias = Iterable[bool]
_COSTS = (*Requirement,)  # in ascending order
_ALL = (*Kind,)
_ROUNDED = 1  # seconds that a recorded time, cut to whole seconds, may be early
# The fields with the times of use.
_USES = {
    Kind.QUEUE: ("stime", "rtime"),
    Kind.SEGMENT: ("atime", "dtime"),
    Kind.SEMAPHORE: ("otime",),
    Kind.POSIX_QUEUE: ("mtime",),
    Kind.POSIX_SEGMENT: ("mtime", "atime"),
    Kind.POSIX_SEMAPHORE: ("atime",),  # the last sem_open(3); other operations change no time
}
# The field with the time of the last change; of POSIX objects, that of the creation.
_CHANGES = {
    **dict.fromkeys(SYSV, "ctime"),
    **dict.fromkeys(IN_SHM, "born"),
    Kind.POSIX_QUEUE: "mtime",
}
_NOT_BORN = "the time of creation is not recorded"
# The kinds whose last change counts as a use: SETVAL changes only ctime (semctl(2)).
_USED_BY_CHANGES = (Kind.SEMAPHORE, Kind.POSIX_SEMAPHORE)


class Filter(NamedTuple):
    """A condition.

    Attributes:
        option: the option of the command line.
        keep: a function that yields a bool for each object of a listing: True if the object meets
            the condition.
        kinds: the kinds that the condition applies to; it excludes all other kinds.
        verb: the words between the option and the kinds in messages.
        requires: the fields to add to listings before `keep` is called.
        precondition: a function like `keep`, called before the required fields are added.
        is_strict: True if a chosen kind that the condition does not apply to is an error.
        unjudged: the number of objects, by kind, that `keep` rejected because a fact about them is
            unknown; None if no fact can be unknown.
        unknown: the reason for unknown facts; empty for the use of objects by processes.
        processes: the processes whose use of objects is the condition.
    """

    option: str
    keep: Callable[[Listing], _Mask]
    kinds: Collection[Kind] = _ALL
    verb: str = "is about"
    requires: frozenset[Requirement] = frozenset()
    precondition: Callable[[Listing], _Mask] | None = None
    is_strict: bool = False
    unjudged: dict[Kind, int] | None = None
    unknown: str = ""
    processes: "Sequence[ProcessUses]" = ()

    @property
    def cost(self) -> int:
        """The cost of the most expensive required field."""
        return max(map(_COSTS.index, self.requires), default=-1)


def matching(listings: Iterable[Listing], filters: Iterable[Filter]) -> Iterator[Listing]:
    """Yield listings of the objects that meet every condition.

    The most expensive conditions are checked last, on the fewest objects. A condition excludes all
    objects of kinds that it does not apply to.
    """
    by_cost = sorted(filters, key=lambda one: one.cost)
    for listing in listings:
        if any(listing.kind not in filter_.kinds for filter_ in by_cost):
            yield listing.take([])
            continue
        kept = listing
        for filter_ in by_cost:
            if filter_.precondition:
                kept = kept.where(filter_.precondition(kept))
        for filter_ in by_cost:
            if filter_.requires:
                kept = next(complete([kept], filter_.requires))
            kept = kept.where(filter_.keep(kept))
        yield kept


def owner(*uids: int) -> Filter:
    """Select the objects that one of these users owns."""
    return Filter("--owner", _equal("uid", *uids))


def creator(*uids: int) -> Filter:
    """Select the objects that one of these users created."""
    return Filter("--created-by", _equal("cuid", *uids), SYSV)


def mine() -> Filter:
    """Select the objects that the caller created or owns."""
    user = effective_uid()
    return Filter("--mine", lambda listing: listing.owned_by(user))


def key(*targets: Target) -> Filter:
    """Select the objects with one of these keys."""
    assert all(target.by is By.KEY for target in targets)
    return Filter("--key", _equal("key", *(target.number for target in targets)), SYSV)


def private() -> Filter:
    """Select the objects without a key (IPC_PRIVATE, or after IPC_RMID)."""
    return Filter("--private", _equal("key", 0), SYSV)


def match(*patterns: str) -> Filter:
    """Select the POSIX objects whose names match a pattern (fnmatch(3))."""
    from pyipcs.process.libc import fnmatch

    shapes = [os.fsencode(pattern.removeprefix("/")) for pattern in patterns]

    def keep(listing: Listing) -> _Mask:
        names = (os.fsencode(name[1:]) for name in listing.column("name"))
        return (any(fnmatch(shape, name) for shape in shapes) for name in names)

    return Filter("--match", keep, POSIX)


def older_than(seconds: float) -> Filter:
    """Select the objects whose last change was earlier.

    For POSIX segments and semaphores the time is that of the creation, for POSIX queues that of the
    last use.
    """
    unjudged: dict[Kind, int] = {}

    def keep(listing: Listing) -> _Mask:
        latest = time.time() - seconds - _ROUNDED
        changes = listing.column(_CHANGES[listing.kind])
        _count(unjudged, listing.kind, (when is None for when in changes))
        return (when is not None and int(when) < latest for when in changes)

    return Filter(
        "--older-than",
        keep,
        requires=frozenset({Requirement.BORN}),
        unjudged=unjudged,
        unknown=_NOT_BORN,
    )


def idle(seconds: float) -> Filter:
    """Select the objects without current users whose last use was earlier.

    The last change counts as a use if the object was never used, and for semaphores. A segment has
    a current user while it is attached, a queue or a set while a process waits on it. POSIX objects
    are selected by their times alone.
    """
    unjudged: dict[Kind, int] = {}

    def is_old(listing: Listing) -> _Mask:
        latest = time.time() - seconds - _ROUNDED
        return (last is None or last < latest for last in _last_uses(listing))

    is_unattached = _equal("nattch", 0)

    def keep(listing: Listing) -> _Mask:
        if listing.kind is Kind.SEGMENT:
            return is_unattached(listing)
        if listing.has("waited"):
            return (not waited for waited in listing.column("waited"))
        unknown = [last is None for last in _last_uses(listing)]
        _count(unjudged, listing.kind, unknown)
        pairs = zip(is_old(listing), unknown, strict=True)
        return (old and not is_unknown for old, is_unknown in pairs)

    return Filter(
        "--idle",
        keep,
        requires=frozenset({Requirement.BORN, Requirement.WAITED}),
        precondition=is_old,
        unjudged=unjudged,
        unknown=_NOT_BORN,
    )


def _last_uses(listing: Listing) -> Iterator[int | None]:
    """Yield the time of the last use of each object; None if it is unknown."""
    uses = zip(*(map(int, listing.column(field)) for field in _USES[listing.kind]), strict=True)
    lasts = map(max, uses) if len(_USES[listing.kind]) > 1 else (last for (last,) in uses)
    change = _CHANGES[listing.kind]
    if not listing.has(change):  # before the precise check of semaphores
        return iter([*lasts])
    changes = listing.column(change)
    pairs = zip(lasts, changes, strict=True)
    if listing.kind in _USED_BY_CHANGES:
        return (None if when is None else max(last, int(when)) for last, when in pairs)
    return (last or int(when or 0) for last, when in pairs)


def _count(unjudged: dict[Kind, int], kind: Kind, unknown: Iterable[bool]) -> None:
    """Add the number of true values to the objects of a kind."""
    if number := sum(unknown):
        unjudged[kind] = unjudged.get(kind, 0) + number


def unattached() -> Filter:
    """Select the segments that no process has attached, or has open or mapped."""
    unjudged: dict[Kind, int] = {}
    is_unattached = _equal("nattch", 0)

    def keep(listing: Listing) -> _Mask:
        if listing.kind is Kind.SEGMENT:
            return is_unattached(listing)
        column = listing.column("is_open")
        _count(unjudged, listing.kind, (is_open is None for is_open in column))
        return (is_open is False for is_open in column)

    kinds = [Kind.SEGMENT, Kind.POSIX_SEGMENT]
    requires = frozenset({Requirement.OPEN})
    return Filter("--unattached", keep, kinds, requires=requires, unjudged=unjudged)


def empty() -> Filter:
    """Select the queues without messages."""
    unjudged: dict[Kind, int] = {}
    is_empty = _equal("qnum", 0)

    def keep(listing: Listing) -> _Mask:
        _count(unjudged, listing.kind, (number is None for number in listing.column("qnum")))
        return is_empty(listing)

    return Filter(
        "--empty",
        keep,
        [Kind.QUEUE, Kind.POSIX_QUEUE],
        requires=frozenset({Requirement.QUEUE_ATTRIBUTES}),
        unjudged=unjudged,
        unknown="the messages cannot be counted",
    )


def orphaned() -> Filter:
    """Select the orphaned segments and POSIX objects."""
    return _in_state("--orphaned", [State.ORPHANED], [Kind.SEGMENT, *POSIX])


def suspect() -> Filter:
    """Select the orphaned objects, and the suspect queues and sets."""
    return _in_state("--suspect", [State.ORPHANED, State.SUSPECT], _ALL)


def _in_state(option: str, states: Collection[State], kinds: Collection[Kind]) -> Filter:
    unjudged: dict[Kind, int] = {}

    def keep(listing: Listing) -> _Mask:
        column = listing.column("state")
        unknown = listing.where(state is State.UNKNOWN for state in column)
        if unknown.length:
            unjudged[listing.kind] = unjudged.get(listing.kind, 0) + _count_unjudged(unknown)
        return (state in states for state in column)

    return Filter(option, keep, kinds, requires=frozenset({Requirement.STATE}), unjudged=unjudged)


def _count_unjudged(unknown: Listing) -> int:
    """Return the number of objects that an unseen process may use."""
    from pyipcs.usage.scan import empty_scan

    if unknown.kind in POSIX:
        return unknown.length
    if unknown.kind is Kind.SEGMENT:  # the kernel counts all attachments
        return 0 if empty_scan().readable else unknown.length
    evidence = next(complete([unknown], {Requirement.EVIDENCE})).column("evidence")
    return sum(one.users is None and not one.has_related_in_use for one in evidence)


def used_by(*numbers: int) -> Filter:
    """Select the objects that one of these processes uses.

    A process on record for an object uses it. The filter reads only the files of these processes
    in /proc.
    """
    from pyipcs.usage.process_uses import ProcessUses

    processes = [*map(ProcessUses, numbers)]
    unjudged: dict[Kind, int] = {}

    def keep(listing: Listing) -> _Mask:
        uses = [*zip(*(process.of(listing) for process in processes), strict=True)]
        _count(unjudged, listing.kind, (None in each and True not in each for each in uses))
        return (True in each for each in uses)

    return Filter(
        "--used-by",
        keep,
        requires=frozenset({Requirement.SEMAPHORES, Requirement.QUEUE_STATUS}),
        unjudged=unjudged,
        unknown="whether the process is on record cannot be seen",
        processes=processes,
    )


def _equal(field: str, *numbers: int) -> Callable[[Listing], _Mask]:
    """Return the condition that a field has one of these numbers."""
    values = frozenset((*numbers, *map(str, numbers)))
    return lambda listing: map(values.__contains__, listing.column(field))


# The function of each filter of `list` and `rm`, by the parameter with the value of its option.
FILTERS: dict[str, Callable[..., Filter]] = {
    "owner": owner,
    "creator": creator,
    "mine": mine,
    "key": key,
    "private": private,
    "match": match,
    "older_than": older_than,
    "idle": idle,
    "unattached": unattached,
    "empty": empty,
    "orphaned": orphaned,
    "suspect": suspect,
}
