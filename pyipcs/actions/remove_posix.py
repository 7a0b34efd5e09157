"""Removal of selected POSIX objects, under write leases."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from pyipcs.actions.remove_selected import Journal, SelectedRemoval
from pyipcs.errors import BusyError, IpcError, NotFoundError
from pyipcs.listing import Listing
from pyipcs.objects import format_target_id
from pyipcs.posix import lease
from pyipcs.posix.handle import handle_class
from pyipcs.posix.openness import (
    Candidate,
    Openness,
    Outcome,
    candidate_of,
    candidates,
    probe,
    remove,
)

_BATCH = 512  # objects between two reports
_TRIES = 3  # of an object that changes at each one


class PosixRemoval(SelectedRemoval):
    """Removal of selected POSIX objects of one kind, except those in use."""

    def snapshots(self, listing: Listing) -> Iterable[Candidate]:
        """Return each object as a candidate."""
        return candidates(listing)

    def removable(self, snapshots: Mapping[str, Candidate], journal: Journal) -> Collection[str]:
        """Return the names of the objects that are not in use."""
        objects = [(one.name, (one.fields[0], one.fields[1])) for one in snapshots.values()]
        answers = zip(snapshots, probe(self.kind, objects), strict=True)
        return [name for name, answer in answers if self._is_removable(name, answer, journal)]

    def _is_removable(self, name: str, answer: Openness, journal: Journal) -> bool:
        """Return True if an object is unused; report another one."""
        is_late = answer is Openness.OPEN and self.selection.checks_use
        if answer not in {Openness.CLOSED, Openness.GONE}:
            journal.skip(self.kind, name, answer.value, has_failed=not is_late)
        return answer is Openness.CLOSED

    def remove(self, snapshots: Mapping[str, Candidate], journal: Journal) -> None:
        """Remove the objects in batches; try again to remove those in use."""
        # On a terminal, a signal that ends the program leaves at most one removal without its line.
        size = 1 if journal.verbose else _BATCH
        waiting: Collection[Candidate] = snapshots.values()
        for left in reversed(range(lease.TRIES)):
            busy: list[Candidate] = []
            for batch in _batches(waiting, size):
                busy += self._remove_batch(batch, journal, is_last=not left)
            if not busy:
                return
            waiting = busy
            lease.pause()

    def _remove_batch(
        self, batch: Sequence[Candidate], journal: Journal, *, is_last: bool
    ) -> Iterator[Candidate]:
        """Remove objects; return those in use that are tried again.

        Args:
            batch: the objects.
            journal: the reports.
            is_last: True to report objects in use.
        """
        busy: list[Candidate] = []
        for left in reversed(range(_TRIES)):
            changed: list[Candidate] = []
            removed: list[str] = []
            for candidate, outcome in zip(batch, remove(self.kind, batch), strict=True):
                if outcome is Outcome.REMOVED:
                    removed.append(candidate.name)
                elif isinstance(outcome, BusyError) and not is_last:
                    busy.append(candidate)
                elif outcome is not Outcome.CHANGED:
                    self._report(candidate.name, outcome, journal)
                elif not left:
                    self.skip_unexamined(candidate.name, journal)
                else:
                    changed += self._still_selected(candidate, journal)
            if removed:
                journal.note(self.kind, removed)
            batch = changed
        return iter(busy)

    def _still_selected(self, candidate: Candidate, journal: Journal) -> Iterator[Candidate]:
        """Yield the new candidate of a changed object that meets the filters."""
        handle = handle_class(self.kind)(candidate.name)
        try:
            record = handle.stat() if candidate.qnum is None else handle.details()
        except IpcError:  # removed, or replaced by another file
            return
        if (record.device, record.inode) != candidate.fields[:2]:
            return
        if self.selection.keeps(record):
            yield candidate_of(record)
        else:
            self.skip_changed(candidate.name, journal)

    def _report(self, name: str, outcome: Outcome | IpcError, journal: Journal) -> None:
        if isinstance(outcome, NotFoundError):
            return
        if isinstance(outcome, IpcError):
            is_late = isinstance(outcome, BusyError) and self.selection.checks_use
            journal.skip(self.kind, name, outcome.strerror, has_failed=not is_late)
            return
        object_ = f"{self.kind.noun} {format_target_id(self.kind, name)}"
        journal.warn(f"removed {object_} while a process was opening it")
        journal.note(self.kind, [name])


def _batches(snapshots: Iterable[Candidate], size: int) -> Iterator[Sequence[Candidate]]:
    remaining = iter(snapshots)
    while batch := [*islice(remaining, size)]:
        yield batch
