"""Doubts about objects without visible use, and the age of a scan.

The doubts of a scan are computed once, for any number of objects.
"""

import time
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from pyipcs.errors import IpcError
from pyipcs.model import SYSV, Kind, SemaphoreSet, SysvRecord
from pyipcs.sysv.namespace import is_own
from pyipcs.text import phrase
from pyipcs.usage.scan import Scan, expire, is_cached, scan, scan_for
from pyipcs.usage.users import Access

if TYPE_CHECKING:
    from pyipcs.usage.halted import Halted

_TOGETHER = 2  # the most seconds between the changes of related objects
_SLACK = 0.01  # seconds that a scan stays fresh after its end
_SPARE = 2  # an examination of related objects is valid for this multiple of its duration
_KINDS = SYSV
# The ctime of an object, the index of its kind in _KINDS, and its id.
_Change: TypeAlias = tuple[int, int, int]
# Sorted changes, by the uid of the objects' creator.
_Changes: TypeAlias = dict[int, list[_Change]]
_IsUsed: TypeAlias = Callable[[SysvRecord], bool]


class RelatedObjects:
    """Objects in use, found by creator and time of change.

    A program creates related objects together: they have the same creator, and their last changes
    are at most 2 seconds apart. The records alone show if an object is in use. Each object is
    examined at most once, and only if it is related to a given object.
    """

    def __init__(self, is_used: _IsUsed) -> None:
        begun = time.monotonic()
        self._is_used = is_used
        self._used: _Changes = defaultdict(list)
        self._unexamined = _all_changes()
        self._ended = time.monotonic()
        self._took = self._ended - begun

    def find(self, record: SysvRecord) -> _Change | None:
        """Return a related object in use."""
        unexamined = self._unexamined.get(record.cuid, [])
        window = _window(unexamined, record.ctime)
        if window.start < window.stop:
            begun = time.monotonic()
            for change in unexamined[window]:
                if self._is_in_use(change):
                    insort(self._used[record.cuid], change)
            del unexamined[window]
            self._ended = time.monotonic()
            self._took += self._ended - begun
        return _first(self._used, record)

    def is_young(self, seen: Scan) -> bool:
        """Return True if the results are still valid after another such scan."""
        return time.monotonic() - self._ended <= _SPARE * (self._took + seen.took)

    def _is_in_use(self, change: _Change) -> bool:
        record = _record(change)
        return record is not None and self._is_used(record)


class Doubts:
    """The doubts about objects after a scan.

    Attributes:
        seen: the scan.
        related: the related objects in use; None until they are needed.
    """

    def __init__(self, seen: Scan, is_used: _IsUsed, related: RelatedObjects | None = None) -> None:
        self.seen = seen
        self.related = related
        self._is_used = is_used
        self._unseen: dict[tuple[Access, Kind], str] = {}
        self._halted: dict[int, bool] = {}

    def with_scan(self, seen: Scan, related: RelatedObjects | None) -> "Doubts":
        """Return the doubts after another scan; `related` may be reused."""
        return Doubts(seen, self._is_used, related)

    def unseen(self, record: SysvRecord) -> str:
        """Return the reason why a process may wait unseen; empty without one."""
        case = Access.to(record), record.kind
        if case not in self._unseen:
            self._unseen[case] = self._find_unseen(*case)
        return self._unseen[case]

    def related_to(self, record: SysvRecord) -> str:
        """Return the name of a related object in use; empty if there is none."""
        change = _first(self._waited, record)
        if change is None:
            self.related = self.related or RelatedObjects(self._is_used)
            change = self.related.find(record)
        return f"{_KINDS[change[1]].noun} {change[2]}" if change else ""

    def _find_unseen(self, access: Access, kind: Kind) -> str:
        if is_own() and self.seen.readable:
            return ""
        if self.seen.incomplete_reason:
            return self.seen.incomplete_reason
        unreadable = self.seen.unseen(access)
        halted = ""
        if kind is Kind.SEMAPHORE:  # the kernel counts all other waiting processes
            unreadable = [one for one in unreadable if self._can_be_halted(one.pid)]
            halted = f"{'is' if len(unreadable) == 1 else 'are'} stopped or frozen, "
        if not unreadable:
            return ""
        names = phrase([one.named for one in unreadable])
        return f"{names} could not be examined, {halted}and may wait on it"

    def _can_be_halted(self, pid: int) -> bool:
        if pid not in self._halted:
            self._halted[pid] = self._halts.can_include(pid)
        return self._halted[pid]

    @cached_property
    def _halts(self) -> "Halted":
        from pyipcs.usage.halted import Halted

        return Halted()

    @cached_property
    def _waited(self) -> _Changes:
        """The queues and semaphore sets on which a process waits."""
        changes: _Changes = defaultdict(list)
        for namespace, kind, object_id in self.seen.users:
            if namespace == self.seen.here and kind is not Kind.SEGMENT:
                number = _KINDS.index(kind)
                if record := _record((0, number, object_id)):
                    insort(changes[record.cuid], (record.ctime, number, object_id))
        return changes


_current: list[Doubts] = []  # the doubts after the last scan, if any


def doubts_of(seen: Scan, is_used: _IsUsed) -> Doubts:
    """Return the doubts after a scan, and cache them for the same scan."""
    if not _current or _current[0].seen.key != seen.key:
        _current[:] = [Doubts(seen, is_used)]
    return _current[0]


def is_fresh(kind: Kind) -> bool:
    """Return True if the cached scan is recent enough for a removal.

    A scan is recent for its own duration and 10 ms from its beginning on. The state of a segment
    may not depend on a scan; then none is required.
    """
    attached = kind is Kind.SEGMENT
    if not is_cached(attached=attached):
        return attached
    seen = scan_for(kind)
    return time.monotonic() - seen.begun <= seen.took + _SLACK


def rescan(kind: Kind) -> None:
    """Replace the cached scan by a new one for objects of a kind.

    Keep the examination of related objects while it is valid, because it can take longer than the
    scan.
    """
    former = _current[0] if _current else None
    related = former.related if former else None
    expire()
    if kind is Kind.SEGMENT:  # most segments require no scan
        return
    is_young = bool(former and related and related.is_young(former.seen))
    seen = scan(attached=False).from_here()
    if former and former.seen.here == seen.here:
        _current[:] = [former.with_scan(seen, related if is_young else None)]


def _all_changes() -> _Changes:
    from pyipcs.sysv import procfs

    changes: _Changes = defaultdict(list)
    for number, kind in enumerate(_KINDS):
        for listing in procfs.read(kind):
            columns = (map(int, listing.column(field)) for field in ("cuid", "ctime", "id"))
            for cuid, ctime, object_id in zip(*columns, strict=True):
                changes[cuid].append((ctime, number, object_id))
    for some in changes.values():
        some.sort()
    return changes


def _record(change: _Change) -> SysvRecord | None:
    """Return an object's record; None if the object is gone or unreadable."""
    from pyipcs.sysv import libc

    with suppress(IpcError):
        record = libc.stat(_KINDS[change[1]], change[2])
        if isinstance(record, SemaphoreSet):
            with suppress(IpcError):
                return record._replace(semaphores=libc.semaphores(record.id, record.nsems))
        return record
    return None


def _window(changes: list[_Change], when: int) -> slice:
    start = bisect_left(changes, (when - _TOGETHER,))
    return slice(start, bisect_left(changes, (when + _TOGETHER + 1,), start))


def _first(changes: _Changes, record: SysvRecord) -> _Change | None:
    some = changes.get(record.cuid, [])
    window = _window(some, record.ctime)
    return some[window.start] if window.start < window.stop else None
