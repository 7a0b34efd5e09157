"""The selected objects: kinds and filters, and the evidence behind a removal."""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, NamedTuple

from pyipcs.errors import UsageError
from pyipcs.model import Kind, Record
from pyipcs.query.complete import CLASSIFYING, Requirement, complete
from pyipcs.query.plan import ALL, MATCHING, Scope
from pyipcs.sysv.listing import Listing, listing_of
from pyipcs.text import phrase, plural

if TYPE_CHECKING:
    from pyipcs.query.filters import Filter

_PATIENCE = 3.0  # seconds for evidence that is fresh; two scans are enough on a quiet machine


class LateError(Exception):
    """No scan was recent enough for a removal."""


class Selection(NamedTuple):
    """The filters that were asked for; without any, all objects are meant."""

    filters: "tuple[Filter, ...]" = ()

    def kinds(self, named: Collection[Kind]) -> list[Kind]:
        """The kinds that can be meant: those named, or else all that the filters can speak of.

        Raises:
            UsageError: no object can be meant.
        """
        kinds = [*(named or Kind)]
        for filter_ in self.filters:
            meant = [kind for kind in kinds if kind in filter_.kinds]
            if not meant or (named and len(meant) < len(kinds)):
                about = ", ".join(kind.plural for kind in Kind if kind in filter_.kinds)
                others = ", ".join(kind.plural for kind in kinds if kind not in meant)
                rest = f"not {others}" if named else f"and another filter about {others}"
                raise UsageError(f"{filter_.option} {filter_.speaks} {about}, {rest}")
            kinds = meant
        return kinds

    @property
    def named(self) -> str:
        """The options, as the user named them."""
        return ", ".join(dict.fromkeys(filter_.option for filter_ in self.filters))

    def of(self, listings: Iterable[Listing]) -> Iterable[Listing]:
        """Those of the objects that are meant."""
        if not self.filters:
            return listings
        from pyipcs.query.filters import matching

        return matching(listings, self.filters)

    @property
    def scope(self) -> Scope:
        """The part of the objects that it selects."""
        return MATCHING if self.filters else ALL

    @property
    def classifies(self) -> bool:
        """Whether it asks for the states of objects."""
        return any(filter_.requires in CLASSIFYING for filter_ in self.filters)

    @property
    def scans(self) -> bool:
        """Whether it asks what processes use now."""
        return any(filter_.requires for filter_ in self.filters)

    def unjudged(self) -> str:
        """Return how many objects the filters could not judge, and why; empty if there are none."""
        found = [one.unjudged for one in self.filters if any(one.unjudged.values())]
        if not found:
            return ""
        counts = max(found, key=lambda some: sum(some.values()))
        objects = [plural(number, kind.noun) for kind, number in counts.items() if number]
        from pyipcs.usage.doubt import why_unseen

        return f"{phrase(objects)} could not be judged: {why_unseen()}"

    def refresh(self) -> None:
        """See to it that what is asked from now on is not answered by what was seen before."""
        if self.scans:
            from pyipcs.usage.scan import expire

            expire()

    def stands(self, selected: Record) -> bool:
        """Return whether an object is as it was, and a fresh scan shows nobody who may use it.

        False means that it has to be examined as a whole (`matches_now`), which takes longer.
        """
        from pyipcs.usage.doubt import is_fresh, rescan
        from pyipcs.usage.state import is_clear, is_unchanged

        if not is_fresh(selected.kind):
            rescan(selected.kind)
        is_same = is_unchanged(selected) and is_clear(selected, judged=self.classifies)
        return is_same and is_fresh(selected.kind)

    def matches_now(self, record: Record) -> bool:
        """Return whether an object meets all filters, by a scan that is fresh at the return.

        Args:
            record: its record as of now, a set's without its semaphores.

        Raises:
            LateError: no scan was fresh enough within some seconds.
        """
        kind = record.kind
        listing = listing_of(kind, [record])
        if not self.scans:
            return self._keeps(listing)
        import time

        from pyipcs.usage.doubt import is_fresh, rescan

        late = False
        deadline = time.monotonic() + _PATIENCE
        while not late or time.monotonic() < deadline:
            # A set is examined after the scan; one that takes longer than a scan may age, before.
            if late and kind is Kind.SEMAPHORE:
                listing = next(complete([listing_of(kind, [record])], {Requirement.SEMAPHORES}))
            if late or not is_fresh(kind):
                rescan(kind)
            if not self._keeps(listing):
                return False
            if is_fresh(kind):
                return True
            late = True
        raise LateError

    def _keeps(self, listing: Listing) -> bool:
        return any(kept.length for kept in self.of([listing]))
