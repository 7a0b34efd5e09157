"""pyipcs rm: remove objects, as ipcrm(1) does."""

import errno
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import click

from pyipcs.cli import show
from pyipcs.cli.argv import OptionalValue, in_order
from pyipcs.cli.manner import Manner, columns_of, given, output_options
from pyipcs.cli.options import subcommand
from pyipcs.cli.output import Output
from pyipcs.cli.params import ID_TARGET, KEY_TARGET, KINDS
from pyipcs.errors import CommandError, IpcError, Status, counted, ipc_error
from pyipcs.model import Kind, Record, Segment
from pyipcs.sysv.handle import handle_class
from pyipcs.sysv.keys import By, Target
from pyipcs.sysv.permissions import may_control, removable

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
@click.option(
    "-n", "--dry-run", is_flag=True, help="Show what would go, in any format, and remove nothing."
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask before --all.")
@click.option("-v", "--verbose", is_flag=True, help="Say what is removed.")
@output_options
@click.argument("operands", nargs=-1, metavar="[msg|shm|sem ID...]")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    operands: Sequence[str],
    all_kinds: Container[Kind] | None,
    dry_run: bool,
    yes: bool,
    verbose: bool,
    manner: Manner,
    **_named: Any,
) -> Status:
    """Remove System V IPC objects, by id, by key, or all."""
    doomed = [_Doomed(_NAMING[name], target) for name, target in in_order(ctx, _NAMING)]
    old_syntax = _old_syntax(operands)
    if old_syntax and (doomed or all_kinds):
        raise click.UsageError(f"{operands[0]} ID... goes with no option that names objects")
    kinds = [kind for kind in _ALL_ORDER if all_kinds and kind in all_kinds]
    doomed += old_syntax
    if not doomed and not kinds:
        raise click.UsageError("nothing to remove: name an object, or --all")
    if not dry_run and any(given(ctx)):
        raise click.UsageError(f"{next(given(ctx))} is for --dry-run")
    output: Output = ctx.obj
    removal = _Removal(output, verbose=verbose)
    listed = {kind: removable(kind) for kind in kinds}
    if dry_run:
        going = {
            kind: set(listed.get(kind, ())) for kind in {*kinds, *(kind for kind, _ in doomed)}
        }
        for kind, object_id in removal.rehearse(doomed):
            going[kind].add(object_id)
        show.selected(output, going, manner, which=" to remove")
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

    def __init__(self, output: Output, *, verbose: bool) -> None:
        self._output = output
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

    def remove_listed(self, listed: Mapping[Kind, Iterable[int]]) -> None:
        """Remove what a listing held; what has gone since is as it should be."""
        for kind, ids in listed.items():
            remove = handle_class(kind).remove_id
            for object_id in ids:
                if (kind, object_id) in self._removed:
                    continue
                self._announce(kind, object_id)
                try:
                    remove(object_id)
                except IpcError as error:
                    if error.errno not in {errno.EINVAL, errno.EIDRM}:
                        self._complain(Target(By.ID, object_id, str(object_id)), error)

    def rehearse(self, doomed: Iterable[_Doomed]) -> Iterator[tuple[Kind, int]]:
        """What of the objects that the user named would go; the rest is told as if it were real."""
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


def _question(listed: Mapping[Kind, Sequence[int]]) -> str:
    counts = [counted(len(ids), kind.noun) for kind, ids in listed.items() if ids]
    return f"Remove {', '.join(counts)}?"
