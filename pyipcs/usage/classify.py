"""The states of objects of both families."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pyipcs.listing import Listing
from pyipcs.model import POSIX, Kind, Record, State

if TYPE_CHECKING:
    from typing import Protocol

    from pyipcs.usage.state import UsageState

    class _Family(Protocol):
        """The functions of `state` and of `posix_state`."""

        def states(self, listing: Listing) -> Iterable[State | None]: ...
        def evidence(self, listing: Listing) -> Iterable[UsageState | None]: ...
        def evidence_of(self, record: Any) -> UsageState | None: ...
        def unknown_reason(self) -> str: ...


def states(listing: Listing) -> "Iterable[State | None]":
    """Return the states of objects; None for a removed object.

    Args:
        listing: the objects; semaphore sets with their semaphores, POSIX queues with the number of
            their messages.
    """
    return _family(listing.kind).states(listing)


def evidence(listing: Listing) -> "Iterable[UsageState | None]":
    """Return the states of objects with the evidence; see `states`."""
    return _family(listing.kind).evidence(listing)


def evidence_of(record: Record) -> "UsageState | None":
    """Return the state of one object, by the cheapest means for its kind.

    Return None for a removed object.
    """
    return _family(record.kind).evidence_of(record)


def unknown_reason(kind: Kind) -> str:
    """Return the reason why the states of some objects of a kind are unknown."""
    return _family(kind).unknown_reason()


def _family(kind: Kind) -> "_Family":
    """Return the module for the states of a kind, and import it."""
    if kind in POSIX:
        from pyipcs.usage import posix_state

        return posix_state
    from pyipcs.usage import state

    return state
