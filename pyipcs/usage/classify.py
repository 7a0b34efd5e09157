"""The states of objects of both families."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pyipcs.listing import Listing
from pyipcs.model import POSIX, Kind, PosixRecord, Record, State

if TYPE_CHECKING:
    from pyipcs.usage.state import UsageState


def states(listing: Listing) -> "Iterable[State | None]":
    """Return the states of objects; None for a removed object.

    Args:
        listing: the objects; semaphore sets with their semaphores, POSIX queues with the number of
            their messages.
    """
    if listing.kind in POSIX:
        from pyipcs.usage import posix_state

        return posix_state.states(listing)
    from pyipcs.usage import state

    return state.states(listing.kind, listing.records())


def evidence(listing: Listing) -> "Iterable[UsageState | None]":
    """Return the states of objects with the evidence; see `states`."""
    if listing.kind in POSIX:
        from pyipcs.usage import posix_state

        return posix_state.evidence(listing)
    from pyipcs.usage import state

    return state.evidence(listing.records(), attached=listing.kind is Kind.SEGMENT)


def evidence_of(record: Record) -> "UsageState | None":
    """Return the state of one object, by the cheapest means for its kind.

    Return None for a removed object.
    """
    if isinstance(record, PosixRecord):
        from pyipcs.usage import posix_state

        return posix_state.evidence_of(record)
    from pyipcs.usage import state

    return state.evidence_of(record)


def unknown_reason(kind: Kind) -> str:
    """Return the reason why the states of some objects of a kind are unknown."""
    if kind in POSIX:
        from pyipcs.usage import posix_state

        return posix_state.unknown_reason()
    from pyipcs.usage import doubt

    return doubt.unknown_reason()
