"""Selection of objects by kinds and filters, checked before a removal."""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, NamedTuple

from pyipcs.errors import CommandError, UsageError
from pyipcs.listing import Listing, listing_of
from pyipcs.model import POSIX, SYSV, Kind, Record, SysvRecord
from pyipcs.query.plan import ALL, MATCHING, Scope
from pyipcs.text import phrase, plural

if TYPE_CHECKING:
    from pyipcs.query.filters import Filter
    from pyipcs.usage.process_uses import ProcessUses

_RESCAN_TIMEOUT = 3.0  # seconds to get a fresh scan; on an idle machine two scans suffice


def _unknown_use(kind: Kind) -> str:
    from pyipcs.usage.classify import unknown_reason

    return unknown_reason(kind)


class LateError(Exception):
    """A removal for which no scan was recent enough."""


def _nouns(kinds: Collection[Kind]) -> str:
    """Return the plurals of kinds, or the name of a family with all its kinds."""
    families = ((SYSV, "System V objects"), (POSIX, "POSIX objects"))
    names: list[str] = []
    for family, name in families:
        some = [kind.plural for kind in family if kind in kinds]
        names += [name] if len(some) == len(family) else some
    return ", ".join(names)


class Selection(NamedTuple):
    """The filters of the command line; without filters it has all objects."""

    filters: "tuple[Filter, ...]" = ()

    def kinds(self, named: Collection[Kind]) -> list[Kind]:
        """Return the named kinds, or the default kinds that all filters cover.

        By default they are System V kinds. A process uses objects of both families.

        Raises:
            UsageError: a filter applies to none of the kinds, or all filters together do.
        """
        kinds = common = [*(named or (Kind if self.processes else SYSV))]
        for filter_ in self.filters:
            met = [kind for kind in common if kind in filter_.kinds]
            others = [kind for kind in kinds if kind not in filter_.kinds]
            if not met or (named and others and filter_.is_strict):
                rest = f"not {_nouns(others)}"
                if len(others) < len(kinds) and not filter_.is_strict:
                    rest = f"and another filter about {_nouns(common)}"
                about = _nouns([kind for kind in Kind if kind in filter_.kinds])
                raise UsageError(f"{filter_.option} {filter_.verb} {about}, {rest}")
            common = met
        return kinds if named else common

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

        return any(filter_.requires & CLASSIFYING for filter_ in self.filters)

    @property
    def scans(self) -> bool:
        """True if a filter needs a scan of /proc."""
        if not self.filters:
            return False
        from pyipcs.query.complete import SCANNING

        return any(filter_.requires & SCANNING for filter_ in self.filters)

    @property
    def checks_use(self) -> bool:
        """True if a filter excludes POSIX objects in use."""
        if not self.filters:
            return False
        from pyipcs.query.complete import CLASSIFYING, Requirement

        return any(one.requires & {*CLASSIFYING, Requirement.OPEN} for one in self.filters)

    @property
    def processes(self) -> "list[ProcessUses]":
        """The processes whose use of objects a filter depends on."""
        return [one for filter_ in self.filters for one in filter_.processes]

    def prepare(self) -> None:
        """Check that the processes of filters exist; drop scans and counts.

        Raises:
            CommandError: a process does not exist.
        """
        for filter_ in self.filters:
            if filter_.unjudged:
                filter_.unjudged.clear()
        for one in self.processes:
            try:
                one.check()
            except ProcessLookupError:
                reason = f"process {one.number}: no such process"
                raise CommandError(f"--used-by: {reason}") from None

    def unexamined(self) -> list[str]:
        """Return the reasons why uses by the processes of filters may be missing."""
        return [reason for one in self.processes if (reason := one.incomplete_reason)]

    def unjudged(self) -> list[str]:
        """Return warnings about objects with unknown facts, one for each reason."""
        counts: dict[str, dict[Kind, int]] = {}
        for filter_ in self.filters:
            for kind, number in (filter_.unjudged or {}).items():
                if number:
                    counted = counts.setdefault(filter_.unknown or _unknown_use(kind), {})
                    counted[kind] = max(number, counted.get(kind, 0))
        return [
            f"{phrase([plural(some[kind], kind.noun) for kind in some])} could not be judged: {why}"
            for why, some in counts.items()
        ]

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

    def keeps(self, record: Record) -> bool:
        """Return True if an object meets all filters by the present evidence."""
        return self._keeps(listing_of(record.kind, [record]))

    def _keeps(self, listing: Listing) -> bool:
        return any(kept.length for kept in self.of([listing]))
