"""Removal of several objects, named or selected, with a dry run."""

import errno
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from pyipcs.errors import (
    CommandError,
    FormError,
    IpcError,
    NotFoundError,
    Status,
    UnseenError,
    UnsupportedError,
    ipc_error,
)
from pyipcs.listing import Listing
from pyipcs.model import By, Kind, Record, Segment, State, Target
from pyipcs.objects import Handle, can_remove, format_target_id, handle_class, target_of
from pyipcs.process.identity import effective_uid
from pyipcs.query.selection import Selection
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


# The selected objects of a kind by id or name. An object with a snapshot is examined again before
# its removal.
Selected: TypeAlias = Mapping[int | str, object]


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
        fields = filter(listing.has, ("uid", "cuid"))
        owners = zip(*map(listing.column, fields), strict=True)
        others = [{*map(int, some)} - {caller} for some in owners]
        foreign += sum(map(bool, others))
        users = users.union(*others)
        states += next(complete([listing], {Requirement.STATE})).column("state")
    used, doubtful = states.count(State.IN_USE), states.count(State.UNKNOWN)
    return UsageCounts(total, used, doubtful, foreign, len(users))


def select(listings: Iterable[Listing], selection: Selection) -> Selected:
    """Return the objects that meet the filters of a selection."""
    return identify(selection.of(listings), selection)


def identify(listings: Iterable[Listing], selection: Selection) -> Selected:
    """Return selected objects, with snapshots if the selection has filters."""
    selected: dict[int | str, object] = {}
    for listing in listings:
        if selection.filters:
            from pyipcs.actions.remove_selected import selected_removal

            snapshots = selected_removal(listing.kind, selection).snapshots(listing)
            selected.update(zip(listing.ids, snapshots, strict=True))
        else:
            selected.update(dict.fromkeys(listing.ids))
    return selected


class Removal:
    """Removal of objects; it reports errors and continues.

    Attributes:
        verbose: True to print the removed objects.
        failed: True if an object was not removed.
    """

    def __init__(self, output: Output, selection: Selection, *, verbose: bool) -> None:
        self._output = output
        self._selection = selection
        self.verbose = verbose
        # Ordered sets: there may be thousands.
        self._removed: dict[Kind, dict[int | str, None]] = {}
        self.failed = False

    @property
    def removed(self) -> Iterator[tuple[Kind, int | str]]:
        """The removed objects, by kind."""
        return ((kind, one) for kind, ids in self._removed.items() for one in ids)

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
                self._refuse(target, error)
            else:
                self._record(kind, [handle.id])

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

    def report_unseen(self, errors: Iterable[UnseenError]) -> None:
        """Report kinds whose objects cannot be listed."""
        reasons: dict[str, bool] = {}  # both kinds in /dev/shm have the same reason
        for error in errors:
            reasons[str(error)] = error.is_certain
        for reason, is_certain in reasons.items():
            self.failed = self.failed or is_certain
            self._output.error(reason)

    def reject_id(self, word: str) -> None:
        """Report a word that is not an id, as ipcrm does: a number in brackets."""
        is_number = re.fullmatch(r"(?a)\s*[+-]?\d+", word)
        self._fail(f"invalid id ({word})" if is_number else f"invalid id: {word}")

    def remove_selected(self, selected: Mapping[Kind, Selected]) -> None:
        """Remove selected objects; ignore objects that were removed meanwhile."""
        self._selection.refresh()
        for kind, snapshots in selected.items():
            removed = self._removed.get(kind, {})
            left = {one: snapshots[one] for one in snapshots if one not in removed}
            if self._selection.filters and left:
                from pyipcs.actions.remove_selected import selected_removal

                selected_removal(kind, self._selection).remove(left, self)
            else:
                self._remove_all(kind, left)

    def _remove_all(self, kind: Kind, ids: Iterable[int | str]) -> None:
        """Remove objects without a further examination."""
        remove: Callable[..., None] = handle_class(kind).remove_id
        for object_id in ids:
            try:
                self._announce(kind, object_id)
                remove(object_id)
                self._record(kind, [object_id])
            except NotFoundError:
                continue
            except IpcError as error:
                self.refuse(kind, object_id, error)

    def dry_run(
        self, targets: Sequence[RemovalTarget], selected: Mapping[Kind, Selected]
    ) -> dict[Kind, set[int | str]]:
        """Return the objects to remove by id or name; report the same errors."""
        removable: dict[Kind, set[int | str]] = {
            kind: set(self._removable(kind, selected.get(kind, {})))
            for kind in {*selected, *(one.kind for one in targets)}
        }
        for kind, object_id in self._reachable(targets):
            removable[kind].add(object_id)
        return removable

    def _removable(self, kind: Kind, snapshots: Selected) -> Iterable[int | str]:
        if not self._selection.filters or not snapshots:
            return snapshots
        from pyipcs.actions.remove_selected import selected_removal

        return selected_removal(kind, self._selection).removable(snapshots, self)

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
                self._refuse(target, error)
            else:
                gone.add((kind, record.id))
                yield kind, record.id

    def note(self, kind: Kind, ids: Collection[int | str]) -> None:
        """Record the removal of objects, and print them on request."""
        self._record(kind, ids)
        for object_id in ids if self.verbose else ():
            self._announce(kind, object_id)

    def _record(self, kind: Kind, ids: Iterable[int | str]) -> None:
        self._removed.setdefault(kind, {}).update(dict.fromkeys(ids))

    def warn(self, message: str) -> None:
        """Print a message that is no failure."""
        self._output.error(message)

    def skip(self, kind: Kind, object_id: int | str, why: str, *, has_failed: bool) -> None:
        """Report an object that was not removed."""
        self.failed = self.failed or has_failed
        self._output.error(f"skipped {kind.noun} {format_target_id(kind, object_id)}: {why}")

    def _announce(self, kind: Kind, object_id: int | str) -> None:
        if self.verbose:
            self._output.write([_VERBOSE[kind].format(format_target_id(kind, object_id))])

    def refuse(self, kind: Kind, object_id: int | str, error: IpcError) -> None:
        """Report the kernel's refusal to remove an object."""
        self._refuse(target_of(kind, object_id), error)

    def _refuse(self, target: Target, error: IpcError) -> None:
        """Report the kernel's refusal in the words of ipcrm."""
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
