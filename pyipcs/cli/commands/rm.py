"""pyipcs rm: remove objects, as ipcrm(1) does, or all that match filters."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import click

from pyipcs.actions.remove import Removal, RemovalTarget, Selected, select
from pyipcs.cli import present
from pyipcs.cli.command import OptionalValue, options_titled, values_in_order
from pyipcs.cli.options.common import combine_options, options_as, refuse, selecting, subcommand
from pyipcs.cli.options.filters import filter_options
from pyipcs.cli.options.output import columns_of, given_output_options, output_options
from pyipcs.cli.types import KINDS, ParsedType, id_type, key_type
from pyipcs.errors import CommandError, Status
from pyipcs.model import Kind
from pyipcs.query.plan import Format, OutputOptions
from pyipcs.query.selection import Selection
from pyipcs.sysv.keys import By, Target, parse_id
from pyipcs.sysv.permissions import removable
from pyipcs.terminal.streams import Output
from pyipcs.text import plural

_KINDS = tuple(kind.value for kind in Kind)
_ALL_ORDER = (Kind.SEGMENT, Kind.SEMAPHORE, Kind.QUEUE)  # as ipcrm
# The columns of a dry run of --orphaned or --suspect in a table.
_EVIDENCE_COLUMNS = ("KEY", "ID", "OWNER", "MSGS", "SIZE", "NSEMS", "STATE", "REASON")
_single = options_titled("Single objects")
_removal = options_titled("Removal")


class RemoveOptions(NamedTuple):
    """The options and operands of rm."""

    targets: Sequence[RemovalTarget]
    operands: Sequence[str]
    all_kinds: Collection[Kind] | None
    selection: Selection
    dry_run: bool
    yes: bool
    verbose: bool
    output_options: OutputOptions


# The options of single objects, by their names in click.
_SINGLE_OPTIONS = {
    "queue_id": (Kind.QUEUE, "-q", id_type),
    "queue_key": (Kind.QUEUE, "-Q", key_type),
    "shmem_id": (Kind.SEGMENT, "-m", id_type),
    "shmem_key": (Kind.SEGMENT, "-M", key_type),
    "semaphore_id": (Kind.SEMAPHORE, "-s", id_type),
    "semaphore_key": (Kind.SEMAPHORE, "-S", key_type),
}


def _make_targets(**_values: Sequence[Target]) -> list[RemovalTarget]:
    """Return the single objects in the order of the command line, as ipcrm."""
    values = values_in_order(click.get_current_context(), _SINGLE_OPTIONS)
    return [RemovalTarget(_SINGLE_OPTIONS[name][0], target) for name, target in values]


_single_options = combine_options(
    [
        _single(
            *(short, f"--{name.replace('_', '-')}"),
            type=target_type(kind),
            multiple=True,
            help=f"A {kind.noun} by {name.partition('_')[2]}.",
        )
        for name, (kind, short, target_type) in _SINGLE_OPTIONS.items()
    ],
    [*_SINGLE_OPTIONS],
    "targets",
    _make_targets,
)


@subcommand(
    abbreviable_names=(
        *("shmem-id", "shmem-key", "queue-id", "queue-key", "semaphore-id", "semaphore-key"),
        *("all", "verbose", "version", "help"),
    ),
    help_sections=columns_of(*Kind),
    examples=(
        ("pyipcs rm -q 0 -M 0x5e9", "Remove a queue by its id, and a segment by its key."),
        (
            "pyipcs rm --all --orphaned --idle 1d -n",
            "Show the leaked segments that have not been used for a day.",
        ),
        (
            "pyipcs rm --all --mine --not-in before.json",
            "Remove your objects that are newer than the listing.",
        ),
    ),
)
@_single_options
@selecting(
    "-a",
    "--all",
    "all_kinds",
    cls=OptionalValue,
    following_values=_KINDS,
    type=KINDS,
    metavar="[=msg|shm|sem]",
    help="All objects that you may remove, or all of a kind.",
)
@filter_options
@_removal(
    "-n",
    "--dry-run",
    is_flag=True,
    help="Show the objects to remove, in any format, and remove nothing.",
)
@_removal("-y", "--yes", is_flag=True, help="Do not ask for confirmation of --all.")
@_removal("-v", "--verbose", is_flag=True, help="Print the removed objects.")
@output_options
@click.argument(
    "operands",
    nargs=-1,
    type=ParsedType("operand", str, "kind and ids"),
    metavar="[msg|shm|sem ID...]",
)
@options_as(RemoveOptions)
@click.pass_context
def command(ctx: click.Context, /, *, options: RemoveOptions) -> Status:
    """Remove System V IPC objects, by id, by key, or all.

    The options from --owner to --not-in are filters of --all; an object must match all of them.
    Each object is checked again right before it is removed, and is skipped if it has changed.
    """
    old_kind = _old_syntax_kind(options.operands)
    _check(ctx, options, old_kind)
    output: Output = ctx.obj
    removal = Removal(output, options.selection, verbose=options.verbose)
    listed = {kind: select(removable(kind), options.selection) for kind in _kinds(options)}
    if unjudged := options.selection.unjudged():
        output.error(unjudged)
    targets = _read_ids(old_kind, options, removal) if old_kind else options.targets
    if options.dry_run:
        if old_kind:
            listed = {old_kind: {}}  # shows the kind even if no operand is an id
        _show_dry_run(output, options, removal.dry_run([*targets], listed))
        return removal.status
    needs_consent = any(listed.values()) and output.is_interactive and not options.yes
    if needs_consent and not output.ask(_question(listed)):
        raise CommandError("nothing was removed")
    removal.remove(targets)
    removal.remove_selected(listed)
    if old_kind and not removal.failed:
        output.write(["resource(s) deleted\n"])
    return removal.status


def _check(ctx: click.Context, options: RemoveOptions, old_kind: Kind | None) -> None:
    """Refuse options that contradict each other."""
    old_syntax = f"{old_kind.value} ID..." if old_kind else ""
    is_named = bool(options.targets or options.all_kinds)
    filters = options.selection.named
    format_options = [] if options.dry_run else [*given_output_options(ctx)]
    refuse(
        (
            (
                old_syntax and is_named,
                f"{old_syntax} and options that name objects cannot be combined",
            ),
            (filters and not options.all_kinds, f"{filters.partition(',')[0]} needs --all"),
            (not (is_named or old_syntax), "nothing to remove (name an object or give --all)"),
            (format_options, f"{' '.join(format_options[:1])} needs --dry-run"),
        )
    )


def _show_dry_run(
    output: Output, options: RemoveOptions, ids: Mapping[Kind, Collection[int]]
) -> None:
    """Show the objects that would be removed."""
    output_options = options.output_options
    is_table = output_options.chosen(terminal=output.is_terminal) is Format.TABLE
    if is_table and options.selection.classifies and not output_options.choice:
        output_options = output_options.with_columns(ids, _EVIDENCE_COLUMNS, more=False)
    present.selected(output, ids, output_options, which=" to remove")


def _kinds(options: RemoveOptions) -> list[Kind]:
    """Return the kinds of --all that the filters apply to, in ipcrm's order."""
    if not options.all_kinds:
        return []
    named = () if len(options.all_kinds) == len(Kind) else options.all_kinds
    kinds = options.selection.kinds(named)
    return [kind for kind in _ALL_ORDER if kind in kinds]


def _old_syntax_kind(operands: Sequence[str]) -> Kind | None:
    """Return the kind of `rm msg|shm|sem ID...`; None without operands.

    Raises:
        click.UsageError: the first operand is no kind, or no ids follow.
    """
    if not operands:
        return None
    name, *ids = operands
    if name not in _KINDS:
        raise click.UsageError(
            f"unknown argument '{name}' (give msg, shm or sem and ids; keys need -Q, -M or -S)"
        )
    if not ids:
        raise click.UsageError(f"not enough arguments: {name} ID...")
    return Kind(name)


def _read_ids(kind: Kind, options: RemoveOptions, removal: Removal) -> Iterator[RemovalTarget]:
    """Yield the objects of `rm msg|shm|sem ID...`; report invalid ids."""
    for text in options.operands[1:]:
        try:
            yield RemovalTarget(kind, Target(By.ID, parse_id(text), text))
        except ValueError:
            removal.reject_id(text)


def _question(listed: Mapping[Kind, Selected]) -> str:
    counts = [plural(len(ids), kind.noun) for kind, ids in listed.items() if ids]
    return f"Remove {', '.join(counts)}?"
