"""Selection of objects by kinds and filters, checked before a removal."""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, NamedTuple

from pyipcs.errors import UsageError
from pyipcs.listing import Listing, listing_of
from pyipcs.model import SYSV, Kind, Record, SysvRecord
from pyipcs.query.plan import ALL, MATCHING, Scope
from pyipcs.text import phrase, plural

if TYPE_CHECKING:
    from pyipcs.query.filters import Filter

_RESCAN_TIMEOUT = 3.0  # seconds to get a fresh scan; on an idle machine two scans suffice


class LateError(Exception):
    """A removal for which no scan was recent enough."""


class Selection(NamedTuple):
    """The filters of the command line; without filters it has all objects."""

    filters: "tuple[Filter, ...]" = ()

    def kinds(self, named: Collection[Kind]) -> list[Kind]:
        """Return the named kinds, or else the kinds that all filters apply to.

        Raises:
            UsageError: a filter does not apply to the kinds.
        """
        kinds = [*(named or SYSV)]
        for filter_ in self.filters:
            common = [kind for kind in kinds if kind in filter_.kinds]
            if not common or (named and len(common) < len(kinds)):
                about = ", ".join(kind.plural for kind in SYSV if kind in filter_.kinds)
                others = ", ".join(kind.plural for kind in kinds if kind not in common)
                rest = f"not {others}" if named else f"and another filter about {others}"
                raise UsageError(f"{filter_.option} {filter_.verb} {about}, {rest}")
            kinds = common
        return kinds

    @property
    def named(self) -> str:
        """The options of the filters, for messages."""
        return ", ".join(dict.fromkeys(filter_.option for filter_ in self.filters))

    def of(self, listings: Iterable[Listing]) -> Iterable[Listing]:
        """Return listings of the objects that meet all filters."""
        if not self.filters:
            return listings
        from pyipcs.query.filters import matching

        return matching(listings, self.filters)

    @property
    def scope(self) -> Scope:
        """The selected part of all objects."""
        return MATCHING if self.filters else ALL

    @property
    def classifies(self) -> bool:
        """True if a filter depends on the states of objects."""
        if not self.filters:
            return False
        from pyipcs.query.complete import CLASSIFYING

        return any(filter_.requires in CLASSIFYING for filter_ in self.filters)

    @property
    def scans(self) -> bool:
        """True if a filter needs a scan of /proc."""
        if not self.filters:
            return False
        from pyipcs.query.complete import SCANNING

        return any(filter_.requires in SCANNING for filter_ in self.filters)

    def unjudged(self) -> str:
        """Return a warning about objects of unknown state; empty without one."""
        unjudged = [one.unjudged for one in self.filters if any(one.unjudged.values())]
        if not unjudged:
            return ""
        counts = max(unjudged, key=lambda some: sum(some.values()))
        objects = [plural(number, kind.noun) for kind, number in counts.items() if number]
        from pyipcs.usage.doubt import unknown_reason

        return f"{phrase(objects)} could not be judged: {unknown_reason()}"

    def refresh(self) -> None:
        """Drop the cached scan if a filter depends on one."""
        if self.scans:
            from pyipcs.usage.scan import expire

            expire()

    def passes_quick_check(self, selected: SysvRecord) -> bool:
        """Return True if an object is unchanged, and unused by a fresh scan.

        False decides nothing: `matches_now` does, which takes longer.
        """
        from pyipcs.usage.doubt import is_fresh, rescan
        from pyipcs.usage.state import is_clear, is_unchanged

        if not is_fresh(selected.kind):
            rescan(selected.kind)
        is_same = is_unchanged(selected) and is_clear(selected, is_strict=self.classifies)
        return is_same and is_fresh(selected.kind)

    def matches_now(self, record: Record) -> bool:
        """Return True if an object meets all filters by a fresh scan.

        Args:
            record: the current record; that of a set has no semaphores.

        Raises:
            LateError: no scan was fresh enough before the timeout.
        """
        kind = record.kind
        listing = listing_of(kind, [record])
        if not self.scans:
            return self._keeps(listing)
        import time

        from pyipcs.query.complete import Requirement, complete
        from pyipcs.usage.doubt import is_fresh, rescan

        is_late = False
        deadline = time.monotonic() + _RESCAN_TIMEOUT
        while not is_late or time.monotonic() < deadline:
            # Reading the semaphores of a set may take so long that the scan expires. Then read them
            # before the next scan.
            if is_late and kind is Kind.SEMAPHORE:
                listing = next(complete([listing_of(kind, [record])], {Requirement.SEMAPHORES}))
            if is_late or not is_fresh(kind):
                rescan(kind)
            if not self._keeps(listing):
                return False
            if is_fresh(kind):
                return True
            is_late = True
        raise LateError

    def _keeps(self, listing: Listing) -> bool:
        return any(kept.length for kept in self.of([listing]))
