"""pyipcs rm: remove objects, as ipcrm(1) does."""

import errno
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import click

from pyipcs.cli import show
from pyipcs.cli.argv import OptionalValue, in_order
from pyipcs.cli.manner import Manner, columns_of, given, output_options
from pyipcs.cli.options import refuse, subcommand
from pyipcs.cli.output import Output
from pyipcs.cli.params import ID_TARGET, KEY_TARGET, KINDS
from pyipcs.cli.selection import Selection, filter_options
from pyipcs.errors import CommandError, IpcError, NotFoundError, Status, counted, ipc_error
from pyipcs.model import Kind, Record, Segment
from pyipcs.sysv.handle import handle_class
from pyipcs.sysv.keys import By, Target
from pyipcs.sysv.permissions import may_control, removable
from pyipcs.sysv.proc import listing_of

# The options that name objects, by click's name for them.
_NAMING = {
    "shmem_id": Kind.SEGMENT,
    "shmem_key": Kind.SEGMENT,
    "queue_id": Kind.QUEUE,
    "queue_key": Kind.QUEUE,
    "semaphore_id": Kind.SEMAPHORE,
    "semaphore_key": Kind.SEMAPHORE,
}
_WORDS = tuple(kind.value for kind in Kind)
_ALL_ORDER = (Kind.SEGMENT, Kind.SEMAPHORE, Kind.QUEUE)  # as ipcrm
# Of how a removal fails, what ipcrm says of it.
_REASONS = {
    errno.EACCES: "permission denied for",
    errno.EPERM: "permission denied for",
    errno.EIDRM: "already removed",
    errno.EINVAL: "invalid",
    errno.ENOENT: "invalid",
}
_VERBOSE = {
    Kind.QUEUE: "removing message queue id `%d'\n",
    Kind.SEGMENT: "removing shared memory segment id `%d'\n",
    Kind.SEMAPHORE: "removing semaphore id `%d'\n",
}


# The ids of what a listing held, and, where each is to be looked at again, what it is known by.
_Listed: TypeAlias = Mapping[int, tuple[int, ...] | None]


class _Doomed(NamedTuple):
    """An object to remove, as the user named it."""

    kind: Kind
    target: Target


@subcommand(
    peer_names=(
        *("shmem-id", "shmem-key", "queue-id", "queue-key", "semaphore-id", "semaphore-key"),
        *("all", "verbose", "version", "help"),
    ),
    appendix=columns_of(*Kind),
)
@click.option("-q", "--queue-id", type=ID_TARGET, multiple=True, help="A message queue by id.")
@click.option("-Q", "--queue-key", type=KEY_TARGET, multiple=True, help="A message queue by key.")
@click.option("-m", "--shmem-id", type=ID_TARGET, multiple=True, help="A segment by id.")
@click.option("-M", "--shmem-key", type=KEY_TARGET, multiple=True, help="A segment by key.")
@click.option("-s", "--semaphore-id", type=ID_TARGET, multiple=True, help="A semaphore set by id.")
@click.option(
    "-S", "--semaphore-key", type=KEY_TARGET, multiple=True, help="A semaphore set by key."
)
@click.option(
    "-a",
    "--all",
    "all_kinds",
    cls=OptionalValue,
    words=_WORDS,
    type=KINDS,
    metavar="[=msg|shm|sem]",
    help="All that you may remove, or all of a kind.",
)
@filter_options
@click.option(
    "-n", "--dry-run", is_flag=True, help="Show what would go, in any format, and remove nothing."
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask before --all.")
@click.option("-v", "--verbose", is_flag=True, help="Say what is removed.")
@output_options
@click.argument("operands", nargs=-1, metavar="[msg|shm|sem ID...]")
@click.pass_context
def command(  # noqa: PLR0913 - the options are its arguments
    ctx: click.Context,
    /,
    *,
    operands: Sequence[str],
    all_kinds: Collection[Kind] | None,
    selection: Selection,
    dry_run: bool,
    yes: bool,
    verbose: bool,
    manner: Manner,
    **_named: Any,
) -> Status:
    """Remove System V IPC objects, by id, by key, or all.

    Of all, --owner and the options behind it leave those objects that meet each of them. Before
    one of these is removed it is looked at again, and left if it has changed.
    """
    doomed = [_Doomed(_NAMING[name], target) for name, target in in_order(ctx, _NAMING)]
    old_syntax = _old_syntax(operands)
    named = bool(doomed or all_kinds)
    word = " ".join(operands[:1])
    format_options = [] if dry_run else [*given(ctx)]
    refuse(
        (
            (old_syntax and named, f"{word} ID... goes with no option that names objects"),
            (selection.filters and not all_kinds, f"{selection.named} is for --all"),
            (not (named or old_syntax), "nothing to remove: name an object, or --all"),
            (format_options, f"{' '.join(format_options[:1])} is for --dry-run"),
        )
    )
    kinds = _kinds(all_kinds, selection) if all_kinds else []
    doomed += old_syntax
    output: Output = ctx.obj
    removal = _Removal(output, selection, verbose=verbose)
    listed = {kind: _listed(kind, selection) for kind in kinds}
    if dry_run:
        show.selected(output, removal.rehearse(doomed, listed), manner, which=" to remove")
        return removal.status
    if (
        any(listed.values())
        and output.interactive
        and not yes
        and not output.ask(_question(listed))
    ):
        raise CommandError("nothing was removed")
    removal.remove(doomed)
    removal.remove_listed(listed)
    if old_syntax and not removal.failed:
        output.write(["resource(s) deleted\n"])
    return removal.status


def _kinds(all_kinds: Collection[Kind], selection: Selection) -> list[Kind]:
    """The kinds of --all, in ipcrm's order; filters may speak of fewer."""
    meant = selection.kinds(() if len(all_kinds) == len(Kind) else all_kinds)
    return [kind for kind in _ALL_ORDER if kind in meant]


def _listed(kind: Kind, selection: Selection) -> _Listed:
    """Of the objects that the caller may remove those that are meant."""
    found: dict[int, tuple[int, ...] | None] = {}
    for listing in selection.of(removable(kind)):
        ids = map(int, listing.column("id"))
        if selection.filters:
            from pyipcs.filters import identities

            found.update(zip(ids, identities(listing), strict=True))
        else:
            found.update(dict.fromkeys(ids))
    return found


def _old_syntax(operands: Sequence[str]) -> list[_Doomed]:
    """The objects of `rm msg|shm|sem ID...`."""
    if not operands:
        return []
    word, *ids = operands
    if word not in _WORDS:
        raise click.UsageError(f"unknown argument '{word}'")
    if not ids:
        raise click.UsageError(f"not enough arguments: {word} ID...")
    return [_Doomed(Kind(word), ID_TARGET(text)) for text in ids]


class _Removal:
    """Removals one by one, of which a failed one is told and does not stop the rest."""

    def __init__(self, output: Output, selection: Selection, *, verbose: bool) -> None:
        self._output = output
        self._selection = selection
        self._verbose = verbose
        self._removed: set[tuple[Kind, int]] = set()
        self.failed = False

    @property
    def status(self) -> Status:
        """The exit status that tells how it went."""
        return Status.FAILED if self.failed else Status.DONE

    def remove(self, doomed: Iterable[_Doomed]) -> None:
        """Remove what the user named."""
        for kind, target in doomed:
            try:
                handle = handle_class(kind).reach(target)
                self._announce(kind, handle.id)
                handle.remove()
            except IpcError as error:
                self._complain(target, error)
            else:
                self._removed.add((kind, handle.id))

    def remove_listed(self, listed: Mapping[Kind, _Listed]) -> None:
        """Remove what a listing held; what has gone since is as it should be."""
        self._selection.look_again()
        for kind, ids in listed.items():
            remove = handle_class(kind).remove_id
            for object_id, identity in ids.items():
                if (kind, object_id) in self._removed:
                    continue
                try:
                    if identity and not self._is_same(kind, object_id, identity):
                        continue
                    self._announce(kind, object_id)
                    remove(object_id)
                except IpcError as error:
                    if error.errno not in {errno.EINVAL, errno.EIDRM}:
                        self._complain(Target(By.ID, object_id, str(object_id)), error)

    def _is_same(self, kind: Kind, object_id: int, identity: tuple[int, ...]) -> bool:
        """Whether an object is still what was listed; one that has changed is told."""
        try:
            listing = listing_of(kind, [handle_class(kind)(object_id).stat()])
        except NotFoundError:
            return False
        from pyipcs.filters import identities

        if [identity] == [*identities(listing)] and self._selection.still_meets(listing):
            return True
        self._output.complain(f"{kind.noun} {object_id} has changed since, and is left")
        return False

    def rehearse(
        self, doomed: Sequence[_Doomed], listed: Mapping[Kind, _Listed]
    ) -> dict[Kind, set[int]]:
        """What would go; what would not is told as if it were real."""
        going = {
            kind: set(listed.get(kind, ())) for kind in {*listed, *(one.kind for one in doomed)}
        }
        for kind, object_id in self._rehearsed(doomed):
            going[kind].add(object_id)
        return going

    def _rehearsed(self, doomed: Iterable[_Doomed]) -> Iterator[tuple[Kind, int]]:
        gone: set[tuple[Kind, int]] = set()
        for kind, target in doomed:
            try:
                record = handle_class(kind).reach(target).stat()
                if not may_control(record.uid, record.cuid):
                    raise ipc_error(errno.EPERM)
                if (kind, record.id) in gone and not _stays(record, target):
                    raise ipc_error(errno.EINVAL)
            except IpcError as error:
                self._complain(target, error)
            else:
                gone.add((kind, record.id))
                yield kind, record.id

    def _announce(self, kind: Kind, object_id: int) -> None:
        if self._verbose:
            self._output.write([_VERBOSE[kind] % object_id])

    def _complain(self, target: Target, error: IpcError) -> None:
        self.failed = True
        name = target.by.value
        if reason := _REASONS.get(error.errno):
            self._output.complain(f"{reason} {name} ({target.typed})")
        else:
            self._output.complain(f"{name} failed ({target.typed}): {error.strerror}")


def _stays(record: Record, target: Target) -> bool:
    """Whether an object can be named once more when it is removed: a segment in use, by its id."""
    return isinstance(record, Segment) and record.nattch > 0 and target.by is By.ID


def _question(listed: Mapping[Kind, _Listed]) -> str:
    counts = [counted(len(ids), kind.noun) for kind, ids in listed.items() if ids]
    return f"Remove {', '.join(counts)}?"
