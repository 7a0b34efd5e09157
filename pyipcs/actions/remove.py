"""Removal of several objects, named or selected, with a dry run."""

import errno
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import NamedTuple, TypeAlias

from pyipcs.errors import (
    CommandError,
    FormError,
    IpcError,
    NotFoundError,
    Status,
    UnsupportedError,
    ipc_error,
)
from pyipcs.listing import Listing
from pyipcs.model import By, Kind, Record, Segment, State, SysvRecord, Target
from pyipcs.objects import Handle, can_remove, format_target_id, handle_class
from pyipcs.process.identity import effective_uid
from pyipcs.query.selection import LateError, Selection
from pyipcs.terminal.streams import Output

# The messages of ipcrm, by errno.
_REASONS = {
    errno.EACCES: "permission denied for",
    errno.EPERM: "permission denied for",
    errno.EIDRM: "already removed",
    errno.ENOENT: "invalid",
}
_NAME_REASONS = {
    errno.EACCES: "permission denied for name `{}'",
    errno.EPERM: "permission denied for name `{}'",
    errno.ENOENT: "name `{}' not found",
}
_VERBOSE = {
    Kind.QUEUE: "removing message queue id `{}'\n",
    Kind.SEGMENT: "removing shared memory segment id `{}'\n",
    Kind.SEMAPHORE: "removing semaphore id `{}'\n",
    Kind.POSIX_QUEUE: "removing POSIX message queue `{}'\n",
    Kind.POSIX_SEGMENT: "removing POSIX shared memory `{}'\n",
    Kind.POSIX_SEMAPHORE: "removing POSIX semaphore `{}'\n",
}
# The options of a single object by its id; those by a key are the capital letters.
_LETTERS = {Kind.QUEUE: "q", Kind.SEGMENT: "m", Kind.SEMAPHORE: "s"}
# The options of a single object by its name.
NAME_OPTIONS = {
    Kind.POSIX_QUEUE: "--posix-mqueue",
    Kind.POSIX_SEGMENT: "--posix-shmem",
    Kind.POSIX_SEMAPHORE: "--posix-semaphore",
}


class Snapshot(NamedTuple):
    """An object at the time when filters selected it.

    Attributes:
        identity: the values that distinguish the object from a later one with the same id.
        record: its record, if a filter depends on the processes that use the object.
    """

    identity: tuple[int, ...]
    record: SysvRecord | None


# The selected System V objects by id. An object with a snapshot is examined again before its
# removal.
Selected: TypeAlias = Mapping[int, Snapshot | None]


class RemovalTarget(NamedTuple):
    """An object to remove, as the user named it.

    Attributes:
        kind: the kind of the object.
        target: its name, id or key.
        found: the handle of a POSIX object that was looked up by its name; a later object of that
            name is not removed.
    """

    kind: Kind
    target: Target
    found: "Handle | None" = None


class UsageCounts(NamedTuple):
    """Numbers of objects, for the question before their removal.

    Attributes:
        total: all objects.
        used: those in use.
        doubtful: those that may be in use.
        foreign: those that another user owns or created.
        users: the number of these users.
    """

    total: int
    used: int
    doubtful: int
    foreign: int
    users: int


def count_usage(listings: Iterable[Listing]) -> UsageCounts:
    """Count objects by their use and their users, from one scan of /proc."""
    from pyipcs.query.complete import Requirement, complete

    total = foreign = 0
    users: set[int] = set()
    states: list[State] = []
    caller = effective_uid()
    for listing in listings:
        total += listing.length
        pairs = zip(listing.column("uid"), listing.column("cuid"), strict=True)
        others = [{int(uid), int(cuid)} - {caller} for uid, cuid in pairs]
        foreign += sum(map(bool, others))
        users = users.union(*others)
        states += next(complete([listing], {Requirement.STATE})).column("state")
    used, doubtful = states.count(State.IN_USE), states.count(State.UNKNOWN)
    return UsageCounts(total, used, doubtful, foreign, len(users))


def select(listings: Iterable[Listing], selection: Selection) -> Selected:
    """Return the objects that meet the filters of a selection."""
    return identify(selection.of(listings), selection)


def identify(listings: Iterable[Listing], selection: Selection) -> Selected:
    """Return objects that meet the filters of a selection, with snapshots if it has filters."""
    selected: dict[int, Snapshot | None] = {}
    for listing in listings:
        ids = map(int, listing.column("id"))
        if selection.filters:
            from pyipcs.query.baseline import identities

            records = listing.records() if selection.scans else repeat(None, listing.length)
            snapshots = map(Snapshot, identities(listing), records)
            selected.update(zip(ids, snapshots, strict=True))
        else:
            selected.update(dict.fromkeys(ids))
    return selected


class Removal:
    """Removal of objects one by one; it reports errors and continues."""

    def __init__(self, output: Output, selection: Selection, *, verbose: bool) -> None:
        self._output = output
        self._selection = selection
        self._verbose = verbose
        # An ordered set: there may be thousands.
        self.removed: dict[tuple[Kind, int | str], None] = {}
        self.failed = False

    @property
    def status(self) -> Status:
        """The exit status."""
        return Status.FAILED if self.failed else Status.DONE

    def remove(self, targets: Iterable[RemovalTarget]) -> None:
        """Remove the objects that the user named."""
        for kind, target, found in targets:
            try:
                handle = found or _handle(kind, target)
                self._announce(kind, handle.id)
                handle.remove()
            except IpcError as error:
                self._report_error(target, error)
            else:
                self.removed[kind, handle.id] = None

    def find(self, targets: Iterable[Target]) -> list[RemovalTarget]:
        """Return the objects of targets; report a target of none or of several."""
        from pyipcs.actions.lookup import find_all

        found = []
        for target in targets:
            try:
                handles = find_all(target.kinds, target)
            except (CommandError, UnsupportedError) as error:
                self._fail(str(error) if isinstance(error, CommandError) else error.strerror)
                continue
            if len(handles) > 1:
                self._fail(_several(target, [handle.kind for handle in handles]))
            else:
                is_named = target.by is By.NAME
                found.append(
                    RemovalTarget(handles[0].kind, target, handles[0] if is_named else None)
                )
        return found

    def reject_id(self, word: str) -> None:
        """Report a word that is not an id, as ipcrm does: a number in brackets."""
        is_number = re.fullmatch(r"(?a)\s*[+-]?\d+", word)
        self._fail(f"invalid id ({word})" if is_number else f"invalid id: {word}")

    def remove_selected(self, selected: Mapping[Kind, Selected]) -> None:
        """Remove selected objects; ignore objects that were removed meanwhile."""
        from pyipcs.sysv.handle import handle_class

        self._selection.refresh()
        for kind, snapshots in selected.items():
            remove = handle_class(kind).remove_id
            for object_id, snapshot in snapshots.items():
                if (kind, object_id) in self.removed:
                    continue
                try:
                    if snapshot and not self._is_confirmed(kind, object_id, snapshot):
                        continue
                    if not snapshot:
                        self._announce(kind, object_id)
                    remove(object_id)
                    if snapshot:  # last: a slow write would age the evidence
                        self._announce(kind, object_id)
                    self.removed[kind, object_id] = None
                except NotFoundError:
                    continue
                except IpcError as error:
                    self._report_error(Target(By.ID, object_id, str(object_id)), error)

    def _is_confirmed(self, kind: Kind, object_id: int, snapshot: Snapshot) -> bool:
        """Return True if an object still meets the filters, by fresh evidence."""
        if snapshot.record and self._selection.passes_quick_check(snapshot.record):
            return True
        return self._is_same(kind, object_id, snapshot.identity)

    def _is_same(self, kind: Kind, object_id: int, identity: tuple[int, ...]) -> bool:
        """Return True if an object is the selected one; report a changed one."""
        from pyipcs.sysv.handle import handle_class

        try:
            record = handle_class(kind)(object_id).stat()
        except NotFoundError:
            return False
        from pyipcs.query.baseline import identity_of

        try:
            if identity_of(record) == identity and self._selection.matches_now(record):
                return True
        except LateError:
            self._fail(f"skipped {kind.noun} {object_id}: could not examine it in time")
            return False
        self._output.error(f"skipped {kind.noun} {object_id}: changed since it was listed")
        return False

    def dry_run(
        self, targets: Sequence[RemovalTarget], selected: Mapping[Kind, Selected]
    ) -> dict[Kind, set[int | str]]:
        """Return the ids or names of the objects to remove; report the same errors."""
        removable: dict[Kind, set[int | str]] = {
            kind: set(selected.get(kind, ()))
            for kind in {*selected, *(one.kind for one in targets)}
        }
        for kind, object_id in self._reachable(targets):
            removable[kind].add(object_id)
        return removable

    def _reachable(self, targets: Iterable[RemovalTarget]) -> Iterator[tuple[Kind, int | str]]:
        gone: set[tuple[Kind, int | str]] = set()
        for kind, target, _ in targets:
            try:
                record = _handle(kind, target).stat()
                if not can_remove(record):
                    raise ipc_error(errno.EPERM)
                if (kind, record.id) in gone and not _stays(record, target):
                    raise ipc_error(errno.ENOENT)
            except IpcError as error:
                self._report_error(target, error)
            else:
                gone.add((kind, record.id))
                yield kind, record.id

    def _announce(self, kind: Kind, object_id: int | str) -> None:
        if self._verbose:
            self._output.write([_VERBOSE[kind].format(format_target_id(kind, object_id))])

    def _report_error(self, target: Target, error: IpcError) -> None:
        name = target.by.value
        if isinstance(error, FormError):
            self._fail(f"name `{target.typed}' {error.strerror}")
        elif target.by is By.NAME and error.errno in _NAME_REASONS:
            self._fail(_NAME_REASONS[error.errno].format(target.typed))
        elif reason := _REASONS.get(error.errno):
            self._fail(f"{reason} {name} ({target.typed})")
        else:
            self._fail(f"{name} failed ({target.typed}): {error.strerror}")

    def _fail(self, message: str) -> None:
        self.failed = True
        self._output.error(message)


def _handle(kind: Kind, target: Target) -> Handle:
    """Return the handle of a named object; only a key is looked up.

    Raises:
        NotFoundError: no object has the key.
    """
    if target.by is By.NAME:
        from pyipcs.posix.handle import handle_class as posix_class

        return posix_class(kind)(target.name)  # `remove` checks the form of the file
    return handle_class(kind).reach(target)


def _several(target: Target, kinds: Sequence[Kind]) -> str:
    """Return the message for a target that names objects of several kinds."""
    nouns = " and a ".join(kind.noun for kind in kinds)
    if target.by is By.NAME:
        options = [f"rm {NAME_OPTIONS[kind]} {target.typed}" for kind in kinds]
    elif target.by is By.ID:
        options = [f"rm -{_LETTERS[kind]} {target.number}" for kind in kinds]
    else:
        options = [f"rm -{_LETTERS[kind].upper()} {target.typed}" for kind in kinds]
    *first, last = options
    return f"{target.typed} is a {nouns} (choose with {', '.join(first)} or {last})"


def _stays(record: Record, target: Target) -> bool:
    """Return True if an object stays after its removal: an attached segment."""
    return isinstance(record, Segment) and record.nattch > 0 and target.by is By.ID
