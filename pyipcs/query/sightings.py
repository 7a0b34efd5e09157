"""Objects as they were listed, to tell them from later ones with the same id or name."""

from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import NamedTuple

from pyipcs.listing import Listing
from pyipcs.model import Kind
from pyipcs.query.baseline import Identity, identities, is_same_identity

# The sizes that never change, and the times of use, which the kernel never resets to 0.
_SIZES = {Kind.SEGMENT: "segsz", Kind.SEMAPHORE: "nsems"}
_USES = {
    Kind.QUEUE: ("stime", "rtime"),
    Kind.SEGMENT: ("atime", "dtime"),
    Kind.SEMAPHORE: ("otime",),
}


class Sighting(NamedTuple):
    """An object in one listing.

    Attributes:
        identity: its identity (`baseline.identities`).
        size: the size of a segment or the number of semaphores of a set; None for other kinds.
        is_used: for each time of use, True if it is set.
    """

    identity: Identity
    size: int | None
    is_used: tuple[bool, ...]

    def is_same(self, later: "Sighting") -> bool:
        """Return True if a later sighting of the id or name is of the same object."""
        has_lost_use = any(
            before and not now for before, now in zip(self.is_used, later.is_used, strict=True)
        )
        is_alike = self.size == later.size and not has_lost_use
        return is_alike and is_same_identity(self.identity, later.identity)


def sightings(listing: Listing) -> Iterator[Sighting]:
    """Yield the sightings of objects; those in /dev/shm need their births."""
    if not listing.length:
        return iter(())
    size = _SIZES.get(listing.kind)
    sizes: Iterable[int | None] = map(int, listing.column(size)) if size else repeat(None)
    fields = _USES.get(listing.kind, ())
    columns = (map(bool, map(int, listing.column(field))) for field in fields)
    uses: Iterable[tuple[bool, ...]] = zip(*columns, strict=True) if fields else repeat(())
    return map(Sighting, identities(listing), sizes, uses)
