"""Filters: conditions that select objects of some kinds."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from pyipcs.listing import Listing
from pyipcs.model import SYSV, By, Kind, State, Target
from pyipcs.process.identity import effective_uid
from pyipcs.query.complete import Requirement, complete

_Mask: TypeAlias = Iterable[bool]
_COSTS = (None, *Requirement)  # in ascending order
_ROUNDED = 1  # seconds that a recorded time, cut to whole seconds, may be early
# The fields with the times of use.
_USES = {
    Kind.QUEUE: ("stime", "rtime"),
    Kind.SEGMENT: ("atime", "dtime"),
    Kind.SEMAPHORE: ("otime",),
}


class Filter(NamedTuple):
    """A condition.

    Attributes:
        option: the option of the command line.
        keep: a function that yields a bool for each object of a listing: True if the object meets
            the condition.
        kinds: the kinds that the condition applies to; it excludes all other kinds.
        verb: the words between the option and the kinds in messages.
        requires: the field to add to listings before `keep` is called.
        precondition: a function like `keep`, called before the required field is added.
        unjudged: the number of objects, by kind, that `keep` rejected because their use is not
            visible.
    """

    option: str
    keep: Callable[[Listing], _Mask]
    kinds: Collection[Kind] = SYSV
    verb: str = "is about"
    requires: Requirement | None = None
    precondition: Callable[[Listing], _Mask] | None = None
    unjudged: Mapping[Kind, int] = {}


def matching(listings: Iterable[Listing], filters: Iterable[Filter]) -> Iterator[Listing]:
    """Yield listings of the objects that meet every condition.

    The most expensive conditions are checked last, on the fewest objects. Every condition has to
    apply to the kinds of the listings.
    """
    by_cost = sorted(filters, key=lambda one: _COSTS.index(one.requires))
    preconditions = [filter_.precondition for filter_ in by_cost if filter_.precondition]
    for listing in listings:
        for precondition in preconditions:
            listing = listing.where(precondition(listing))  # noqa: PLW2901 - it shrinks
        for filter_ in by_cost:
            if filter_.requires:
                listing = next(complete([listing], {filter_.requires}))  # noqa: PLW2901 - it grows
            listing = listing.where(filter_.keep(listing))  # noqa: PLW2901 - it shrinks
        yield listing


def owner(*uids: int) -> Filter:
    """Select the objects that one of these users owns."""
    return Filter("--owner", _equal("uid", *uids))


def creator(*uids: int) -> Filter:
    """Select the objects that one of these users created."""
    return Filter("--created-by", _equal("cuid", *uids))


def mine() -> Filter:
    """Select the objects that the caller created or owns."""
    user = effective_uid()
    return Filter("--mine", lambda listing: listing.owned_by(user))


def key(*targets: Target) -> Filter:
    """Select the objects with one of these keys."""
    assert all(target.by is By.KEY for target in targets)
    return Filter("--key", _equal("key", *(target.number for target in targets)))


def private() -> Filter:
    """Select the objects without a key (IPC_PRIVATE, or after IPC_RMID)."""
    return Filter("--private", _equal("key", 0))


def older_than(seconds: float) -> Filter:
    """Select the objects whose last change was earlier."""

    def keep(listing: Listing) -> _Mask:
        latest = time.time() - seconds - _ROUNDED
        return (int(word) < latest for word in listing.column("ctime"))

    return Filter("--older-than", keep)


def idle(seconds: float) -> Filter:
    """Select the objects without current users whose last use was earlier.

    The last change counts as a use if the object was never used, and for semaphore sets, because
    SETVAL changes only ctime (semctl(2)). A segment has a current user while it is attached, a
    queue or a set while a process waits on it.
    """

    def is_old(listing: Listing) -> _Mask:
        latest = time.time() - seconds - _ROUNDED
        return (last < latest for last in _last_uses(listing))

    is_unattached = _equal("nattch", 0)

    def is_unused(listing: Listing) -> _Mask:
        if listing.kind is Kind.SEGMENT:
            return is_unattached(listing)
        return (not waited for waited in listing.column("waited"))

    return Filter("--idle", is_unused, requires=Requirement.WAITED, precondition=is_old)


def _last_uses(listing: Listing) -> Iterator[int]:
    uses = zip(*(map(int, listing.column(field)) for field in _USES[listing.kind]), strict=True)
    changes = map(int, listing.column("ctime"))
    if listing.kind is Kind.SEMAPHORE:
        return map(max, (last for (last,) in uses), changes)
    return (max(times) or change for times, change in zip(uses, changes, strict=True))


def unattached() -> Filter:
    """Select the segments that no process has attached."""
    return Filter("--unattached", _equal("nattch", 0), [Kind.SEGMENT])


def empty() -> Filter:
    """Select the queues without messages."""
    return Filter("--empty", _equal("qnum", 0), [Kind.QUEUE])


def orphaned() -> Filter:
    """Select the orphaned segments."""
    return _in_state("--orphaned", [State.ORPHANED], [Kind.SEGMENT])


def suspect() -> Filter:
    """Select the orphaned segments, and the suspect queues and sets."""
    return _in_state("--suspect", [State.ORPHANED, State.SUSPECT], [*SYSV])


def _in_state(option: str, states: Collection[State], kinds: Collection[Kind]) -> Filter:
    unjudged: dict[Kind, int] = {}

    def keep(listing: Listing) -> _Mask:
        column = listing.column("state")
        unknown = listing.where(state is State.UNKNOWN for state in column)
        if unknown.length:
            unjudged[listing.kind] = unjudged.get(listing.kind, 0) + _count_unjudged(unknown)
        return (state in states for state in column)

    return Filter(option, keep, kinds, requires=Requirement.STATE, unjudged=unjudged)


def _count_unjudged(unknown: Listing) -> int:
    """Return the number of objects that an unseen process may use."""
    from pyipcs.usage.scan import empty_scan

    if unknown.kind is Kind.SEGMENT:  # the kernel counts all attachments
        return 0 if empty_scan().readable else unknown.length
    evidence = next(complete([unknown], {Requirement.EVIDENCE})).column("evidence")
    return sum(one.users is None and not one.has_related_in_use for one in evidence)


def _equal(field: str, *numbers: int) -> Callable[[Listing], _Mask]:
    """Return the condition that a field has one of these numbers."""
    values = frozenset((*numbers, *map(str, numbers)))
    return lambda listing: map(values.__contains__, listing.column(field))


# The function of each filter, by the parameter with the value of its option.
FILTERS: dict[str, Callable[..., Filter]] = {
    "owner": owner,
    "creator": creator,
    "mine": mine,
    "key": key,
    "private": private,
    "older_than": older_than,
    "idle": idle,
    "unattached": unattached,
    "empty": empty,
    "orphaned": orphaned,
    "suspect": suspect,
}
