"""Removal of selected System V objects, right after a scan of /proc."""

from collections.abc import Collection, Iterable, Mapping
from itertools import repeat
from typing import NamedTuple

from pyipcs.actions.remove_selected import Journal, SelectedRemoval
from pyipcs.errors import IpcError, NotFoundError
from pyipcs.listing import Listing
from pyipcs.model import SysvRecord
from pyipcs.query.baseline import Identity, identities, identity_of
from pyipcs.query.selection import LateError
from pyipcs.sysv.handle import handle_class


class Snapshot(NamedTuple):
    """An object at the time when filters selected it.

    Attributes:
        identity: the values that distinguish the object from a later one with the same id.
        record: its record, if a filter depends on the processes that use the object.
    """

    identity: Identity
    record: SysvRecord | None


class SysvRemoval(SelectedRemoval):
    """Removal of the selected System V objects of one kind."""

    def snapshots(self, listing: Listing) -> Iterable[Snapshot]:
        """Return a snapshot of each object."""
        is_used = self.selection.scans
        records = listing.records() if is_used else repeat(None, listing.length)
        return map(Snapshot, identities(listing), records)

    def removable(self, snapshots: Mapping[int, Snapshot], _journal: Journal) -> Collection[int]:
        """Return the ids of all objects."""
        return snapshots.keys()

    def remove(self, snapshots: Mapping[int, Snapshot], journal: Journal) -> None:
        """Remove the objects one by one."""
        remove = handle_class(self.kind).remove_id
        for object_id, snapshot in snapshots.items():
            try:
                if not self._is_confirmed(object_id, snapshot, journal):
                    continue
                remove(object_id)
                # Last: a slow write would age the evidence.
                journal.note(self.kind, [object_id])
            except NotFoundError:
                continue
            except IpcError as error:
                journal.refuse(object_id, error)

    def _is_confirmed(self, object_id: int, snapshot: Snapshot, journal: Journal) -> bool:
        """Return True if an object still meets the filters, by fresh evidence."""
        if snapshot.record and self.selection.passes_quick_check(snapshot.record):
            return True
        return self._is_same(object_id, snapshot.identity, journal)

    def _is_same(self, object_id: int, identity: Identity, journal: Journal) -> bool:
        """Return True if an object is the selected one; report a changed one."""
        try:
            record = handle_class(self.kind)(object_id).stat()
        except NotFoundError:
            return False
        try:
            if identity_of(record) == identity and self.selection.matches_now(record):
                return True
        except LateError:
            self.skip_unexamined(object_id, journal)
            return False
        self.skip_changed(object_id, journal)
        return False
