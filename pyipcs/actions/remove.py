"""Removals one by one: of what the user named, and of what a listing held."""

import errno
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import NamedTuple, TypeAlias

from pyipcs.errors import IpcError, NotFoundError, Status, ipc_error
from pyipcs.model import Kind, Record, Segment
from pyipcs.query.selection import LateError, Selection
from pyipcs.sysv.handle import handle_class
from pyipcs.sysv.keys import By, Target
from pyipcs.sysv.listing import Listing, listing_of
from pyipcs.sysv.permissions import may_control
from pyipcs.terminal.streams import Output

# Of how a removal fails, what ipcrm says of it.
_REASONS = {
    errno.EACCES: "permission denied for",
    errno.EPERM: "permission denied for",
    errno.EIDRM: "already removed",
    errno.ENOENT: "invalid",
}
_VERBOSE = {
    Kind.QUEUE: "removing message queue id `%d'\n",
    Kind.SEGMENT: "removing shared memory segment id `%d'\n",
    Kind.SEMAPHORE: "removing semaphore id `%d'\n",
}


class Known(NamedTuple):
    """An object as a filter selected it.

    Attributes:
        identity: what it is known again by.
        record: its record, if the filter asked what processes use.
    """

    identity: tuple[int, ...]
    record: Record | None


# The ids of what a listing held, and, where each is to be looked at again, what it was.
Listed: TypeAlias = Mapping[int, Known | None]


class RemovalTarget(NamedTuple):
    """An object to remove, as the user named it."""

    kind: Kind
    target: Target


def found(listings: Iterable[Listing], selection: Selection) -> Listed:
    """Those of the objects that are meant."""
    listed: dict[int, Known | None] = {}
    for listing in selection.of(listings):
        ids = map(int, listing.column("id"))
        if selection.filters:
            from pyipcs.query.baseline import identities

            records = listing.records() if selection.scans else repeat(None, listing.length)
            listed.update(zip(ids, map(Known, identities(listing), records), strict=True))
        else:
            listed.update(dict.fromkeys(ids))
    return listed


class Removal:
    """Removals one by one, of which a failed one is told and does not stop the rest."""

    def __init__(self, output: Output, selection: Selection, *, verbose: bool) -> None:
        self._output = output
        self._selection = selection
        self._verbose = verbose
        self.removed: dict[tuple[Kind, int], None] = {}  # in their order; there may be thousands
        self.failed = False

    @property
    def status(self) -> Status:
        """The exit status that tells how it went."""
        return Status.FAILED if self.failed else Status.DONE

    def remove(self, doomed: Iterable[RemovalTarget]) -> None:
        """Remove what the user named."""
        for kind, target in doomed:
            try:
                handle = handle_class(kind).reach(target)
                self._announce(kind, handle.id)
                handle.remove()
            except IpcError as error:
                self._report_error(target, error)
            else:
                self.removed[kind, handle.id] = None

    def reject_id(self, word: str) -> None:
        """Report a word that is no id, as ipcrm does: numbers stand in brackets."""
        self.failed = True
        is_number = re.fullmatch(r"(?a)\s*[+-]?\d+", word)
        self._output.error(f"invalid id ({word})" if is_number else f"invalid id: {word}")

    def remove_listed(self, listed: Mapping[Kind, Listed]) -> None:
        """Remove what a listing held; what has gone since is as it should be."""
        self._selection.refresh()
        for kind, ids in listed.items():
            remove = handle_class(kind).remove_id
            for object_id, known in ids.items():
                if (kind, object_id) in self.removed:
                    continue
                try:
                    if known and not self._may_go(kind, object_id, known):
                        continue
                    if not known:
                        self._announce(kind, object_id)
                    remove(object_id)
                    if known:  # writing may take long, and the evidence had to be fresh
                        self._announce(kind, object_id)
                    self.removed[kind, object_id] = None
                except NotFoundError:
                    continue
                except IpcError as error:
                    self._report_error(Target(By.ID, object_id, str(object_id)), error)

    def _may_go(self, kind: Kind, object_id: int, known: Known) -> bool:
        """Return whether an object still meets the filters, by fresh evidence."""
        if known.record and self._selection.stands(known.record):
            return True
        return self._is_same(kind, object_id, known.identity)

    def _is_same(self, kind: Kind, object_id: int, identity: tuple[int, ...]) -> bool:
        """Whether an object is still what was listed; one that has changed is told."""
        try:
            listing = listing_of(kind, [handle_class(kind)(object_id).stat()])
        except NotFoundError:
            return False
        from pyipcs.query.baseline import identities

        try:
            if [identity] == [*identities(listing)] and self._selection.matches_now(listing):
                return True
        except LateError:
            self.failed = True
            self._output.error(f"skipped {kind.noun} {object_id}: could not examine it in time")
            return False
        self._output.error(f"{kind.noun} {object_id} has changed since, and is left")
        return False

    def dry_run(
        self, doomed: Sequence[RemovalTarget], listed: Mapping[Kind, Listed]
    ) -> dict[Kind, set[int]]:
        """What would go; what would not is told as if it were real."""
        going = {
            kind: set(listed.get(kind, ())) for kind in {*listed, *(one.kind for one in doomed)}
        }
        for kind, object_id in self._rehearsed(doomed):
            going[kind].add(object_id)
        return going

    def _rehearsed(self, doomed: Iterable[RemovalTarget]) -> Iterator[tuple[Kind, int]]:
        gone: set[tuple[Kind, int]] = set()
        for kind, target in doomed:
            try:
                record = handle_class(kind).reach(target).stat()
                if not may_control(record.uid, record.cuid):
                    raise ipc_error(errno.EPERM)
                if (kind, record.id) in gone and not _stays(record, target):
                    raise ipc_error(errno.ENOENT)
            except IpcError as error:
                self._report_error(target, error)
            else:
                gone.add((kind, record.id))
                yield kind, record.id

    def _announce(self, kind: Kind, object_id: int) -> None:
        if self._verbose:
            self._output.write([_VERBOSE[kind] % object_id])

    def _report_error(self, target: Target, error: IpcError) -> None:
        self.failed = True
        name = target.by.value
        if reason := _REASONS.get(error.errno):
            self._output.error(f"{reason} {name} ({target.typed})")
        else:
            self._output.error(f"{name} failed ({target.typed}): {error.strerror}")


def _stays(record: Record, target: Target) -> bool:
    """Whether an object can be named once more when it is removed: a segment in use, by its id."""
    return isinstance(record, Segment) and record.nattch > 0 and target.by is By.ID
