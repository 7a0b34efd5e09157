"""Which objects of a listing are meant: conditions, each with the kinds that it speaks of."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from pyipcs.model import Kind, State
from pyipcs.process.identity import effective_uid
from pyipcs.query.complete import Requirement, complete
from pyipcs.sysv.keys import By, Target
from pyipcs.sysv.listing import Listing

_Mask: TypeAlias = Iterable[bool]
_COSTS = (None, *Requirement)  # the cheapest first
_ROUNDED = 1  # second, that a time on record may be early by: nothing counts as older than it is
# The fields with the times of an object's use.
_USES = {
    Kind.QUEUE: ("stime", "rtime"),
    Kind.SEGMENT: ("atime", "dtime"),
    Kind.SEMAPHORE: ("otime",),
}


class Filter(NamedTuple):
    """One condition.

    Attributes:
        option: how the user named it.
        keep: what tells, for each object of a listing, whether it meets the condition.
        kinds: those that it can speak of; no object of another kind meets it.
        speaks: how it speaks of them.
        requires: the field that has to be added to listings first.
        first: a condition on what listings have, checked before `requires` is asked for.
        unjudged: how many objects of each kind `keep` left out because their use is not visible.
    """

    option: str
    keep: Callable[[Listing], _Mask]
    kinds: Collection[Kind] = tuple(Kind)
    speaks: str = "is about"
    requires: Requirement | None = None
    first: Callable[[Listing], _Mask] | None = None
    unjudged: Mapping[Kind, int] = {}


def matching(listings: Iterable[Listing], filters: Iterable[Filter]) -> Iterator[Listing]:
    """Of the objects those that meet every condition; what costs most is asked of the least.

    The caller sees to it that every condition can speak of their kinds.
    """
    in_order = sorted(filters, key=lambda one: _COSTS.index(one.requires))
    before = [filter_.first for filter_ in in_order if filter_.first]
    for listing in listings:
        for first in before:
            listing = listing.where(first(listing))  # noqa: PLW2901 - it shrinks
        for filter_ in in_order:
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
    """Objects that the caller created or owns."""
    user = effective_uid()
    return Filter("--mine", lambda listing: listing.owned_by(user))


def key(*targets: Target) -> Filter:
    """Select the objects with one of these keys."""
    assert all(target.by is By.KEY for target in targets)
    return Filter("--key", _equal("key", *(target.number for target in targets)))


def private() -> Filter:
    """Select the objects without a key (IPC_PRIVATE), or that lost it by IPC_RMID."""
    return Filter("--private", _equal("key", 0))


def older_than(seconds: float) -> Filter:
    """Objects whose last change is further back."""

    def keep(listing: Listing) -> _Mask:
        latest = time.time() - seconds - _ROUNDED
        return (int(word) < latest for word in listing.column("ctime"))

    return Filter("--older-than", keep)


def idle(seconds: float) -> Filter:
    """Return the filter of objects that nobody uses, and that were last used longer ago.

    What nobody ever used counts from its last change. SETVAL is a use of a semaphore, and moves
    its set's ctime alone (semctl(2)). A segment that is attached is in use, and so is a queue or
    a set on which a process waits.
    """

    def is_old(listing: Listing) -> _Mask:
        latest = time.time() - seconds - _ROUNDED
        return (last < latest for last in _last_uses(listing))

    is_unattached = _equal("nattch", 0)

    def is_unused(listing: Listing) -> _Mask:
        if listing.kind is Kind.SEGMENT:
            return is_unattached(listing)
        return (not waited for waited in listing.column("waited"))

    return Filter("--idle", is_unused, requires=Requirement.WAITED, first=is_old)


def _last_uses(listing: Listing) -> Iterator[int]:
    uses = zip(*(map(int, listing.column(field)) for field in _USES[listing.kind]), strict=True)
    changes = map(int, listing.column("ctime"))
    if listing.kind is Kind.SEMAPHORE:
        return map(max, (last for (last,) in uses), changes)
    return (max(times) or change for times, change in zip(uses, changes, strict=True))


def unattached() -> Filter:
    """Segments that no process has attached."""
    return Filter("--unattached", _equal("nattch", 0), [Kind.SEGMENT])


def empty() -> Filter:
    """Queues with no message on them."""
    return Filter("--empty", _equal("qnum", 0), [Kind.QUEUE])


def orphaned() -> Filter:
    """Segments that nobody has any more."""
    return _in_state("--orphaned", [State.ORPHANED], [Kind.SEGMENT])


def suspect() -> Filter:
    """Those, and queues and semaphore sets that nobody seems to have any more."""
    return _in_state("--suspect", [State.ORPHANED, State.SUSPECT], [*Kind])


def _in_state(option: str, states: Collection[State], kinds: Collection[Kind]) -> Filter:
    unjudged: dict[Kind, int] = {}

    def keep(listing: Listing) -> _Mask:
        found = listing.column("state")
        unknown = listing.where(state is State.UNKNOWN for state in found)
        if unknown.length:
            unjudged[listing.kind] = unjudged.get(listing.kind, 0) + _count_unjudged(unknown)
        return (state in states for state in found)

    return Filter(option, keep, kinds, requires=Requirement.STATE, unjudged=unjudged)


def _count_unjudged(unknown: Listing) -> int:
    """Return how many objects of unknown state somebody may use unseen."""
    from pyipcs.usage.scan import empty_scan

    if unknown.kind is Kind.SEGMENT:  # the kernel counts its users, if /proc names them or not
        return 0 if empty_scan().readable else unknown.length
    found = next(complete([unknown], {Requirement.EVIDENCE})).column("evidence")
    return sum(one.users is None and not one.in_company for one in found)


def _equal(field: str, *numbers: int) -> Callable[[Listing], _Mask]:
    """Compare a field with numbers, one of which it has to be."""
    words = frozenset((*numbers, *map(str, numbers)))
    return lambda listing: map(words.__contains__, listing.column(field))


# The makers of filters, by the parameter that has the value of the option.
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
