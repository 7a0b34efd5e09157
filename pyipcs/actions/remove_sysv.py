"""Removal of selected System V objects, right after a scan of /proc."""

from collections.abc import Collection, Iterable, Mapping

from pyipcs.actions.remove_selected import Journal, SelectedRemoval
from pyipcs.errors import IpcError, NotFoundError
from pyipcs.listing import Listing
from pyipcs.model import LISTED_VALUES, SysvRecord
from pyipcs.query.baseline import identity_of
from pyipcs.query.selection import LateError
from pyipcs.sysv.handle import handle_class


class SysvRemoval(SelectedRemoval):
    """Removal of the selected System V objects of one kind."""

    def snapshots(self, listing: Listing) -> Iterable[SysvRecord]:
        """Return the record of each object."""
        return listing.records()

    def removable(self, snapshots: Mapping[int, SysvRecord], _journal: Journal) -> Collection[int]:
        """Return the ids of all objects."""
        return snapshots.keys()

    def remove(self, snapshots: Mapping[int, SysvRecord], journal: Journal) -> None:
        """Remove the objects one by one, each right after its examination."""
        from pyipcs.sysv import libc

        remove = handle_class(self.kind).remove_id
        values = LISTED_VALUES[self.kind]
        scans = self.selection.scans
        present = libc.stat_each(self.kind, snapshots)
        for (object_id, snapshot), now in zip(snapshots.items(), present, strict=True):
            try:
                # The filters that need no scan depend on the record alone.
                is_unchanged = not scans and now is not None and values(now) == values(snapshot)
                if not is_unchanged and not self._is_confirmed(snapshot, journal):
                    continue
                remove(object_id)
                # Last: a slow write would age the evidence.
                journal.note(self.kind, [object_id])
            except NotFoundError:
                continue
            except IpcError as error:
                journal.refuse(self.kind, object_id, error)

    def _is_confirmed(self, snapshot: SysvRecord, journal: Journal) -> bool:
        """Return True if an object still meets the filters, by fresh evidence."""
        if self.selection.scans and self.selection.passes_quick_check(snapshot):
            return True
        return self._is_selected(snapshot, journal)

    def _is_selected(self, snapshot: SysvRecord, journal: Journal) -> bool:
        """Return True if an object is the selected one; report a changed one."""
        try:
            record = handle_class(self.kind)(snapshot.id).stat()
        except NotFoundError:
            return False
        is_same = identity_of(record) == identity_of(snapshot)
        try:
            if is_same and self.selection.matches_now(record):
                return True
        except LateError:
            self.skip_unexamined(snapshot.id, journal)
            return False
        self.skip_changed(snapshot.id, journal)
        return False
