"""pyipcs rm: remove objects, as ipcrm(1) does."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import click

from pyipcs.actions.remove import Removal, RemovalTarget, Selected, select
from pyipcs.cli import present
from pyipcs.cli.command import OptionalValue, options_titled, values_in_order
from pyipcs.cli.options.common import refuse, selecting, subcommand
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
# What a dry run of --orphaned and --suspect tells people.
_WHY = ("KEY", "ID", "OWNER", "MSGS", "SIZE", "NSEMS", "STATE", "REASON")
_named = options_titled("Single objects")
_how = options_titled("How to remove")
_ALL_ORDER = (Kind.SEGMENT, Kind.SEMAPHORE, Kind.QUEUE)  # as ipcrm


@subcommand(
    abbreviable_names=(
        *("shmem-id", "shmem-key", "queue-id", "queue-key", "semaphore-id", "semaphore-key"),
        *("all", "verbose", "version", "help"),
    ),
    help_sections=columns_of(*Kind),
    examples=(
        ("pyipcs rm -q 0 -M 0x5e9", "A queue by its id, and a segment by its key."),
        (
            "pyipcs rm --all --orphaned --idle 1d -n",
            "Segments that look leaked, unused for a day; REASON says which have a key.",
        ),
        (
            "pyipcs rm --all --mine --not-in before.json",
            "What is yours, and came since that listing.",
        ),
    ),
)
@_named("-q", "--queue-id", type=id_type(Kind.QUEUE), multiple=True, help="A message queue by id.")
@_named(
    "-Q", "--queue-key", type=key_type(Kind.QUEUE), multiple=True, help="A message queue by key."
)
@_named("-m", "--shmem-id", type=id_type(Kind.SEGMENT), multiple=True, help="A segment by id.")
@_named("-M", "--shmem-key", type=key_type(Kind.SEGMENT), multiple=True, help="A segment by key.")
@_named(
    "-s",
    "--semaphore-id",
    type=id_type(Kind.SEMAPHORE),
    multiple=True,
    help="A semaphore set by id.",
)
@_named(
    "-S",
    "--semaphore-key",
    type=key_type(Kind.SEMAPHORE),
    multiple=True,
    help="A semaphore set by key.",
)
@selecting(
    "-a",
    "--all",
    "all_kinds",
    cls=OptionalValue,
    following_values=_WORDS,
    type=KINDS,
    metavar="[=msg|shm|sem]",
    help="All that you may remove, or all of a kind.",
)
@filter_options
@_how(
    "-n", "--dry-run", is_flag=True, help="Show what would go, in any format, and remove nothing."
)
@_how("-y", "--yes", is_flag=True, help="Do not ask before --all.")
@_how("-v", "--verbose", is_flag=True, help="Say what is removed.")
@output_options
@click.argument(
    "operands",
    nargs=-1,
    type=ParsedType("operand", str, "kind and ids"),
    metavar="[msg|shm|sem ID...]",
)
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
    options: OutputOptions,
    **_named: Any,
) -> Status:
    """Remove System V IPC objects, by id, by key, or all.

    --owner and the options behind it narrow --all to the objects that meet every one of them.
    Each is looked at again right before it is removed, and stays if it has changed.
    """
    doomed = [
        RemovalTarget(_NAMING[name], target) for name, target in values_in_order(ctx, _NAMING)
    ]
    named = bool(doomed or all_kinds)
    word = _old_syntax(operands)
    format_options = [] if dry_run else [*given_output_options(ctx)]
    refuse(
        (
            (word and named, f"{word} ID... goes with no option that names objects"),
            (selection.filters and not all_kinds, f"{selection.named} is for --all"),
            (not (named or word), "nothing to remove: name an object, or --all"),
            (format_options, f"{' '.join(format_options[:1])} is for --dry-run"),
        )
    )
    kinds = _kinds(all_kinds, selection) if all_kinds else []
    output: Output = ctx.obj
    removal = Removal(output, selection, verbose=verbose)
    listed = {kind: select(removable(kind), selection) for kind in kinds}
    if unjudged := selection.unjudged():
        output.error(unjudged)
    if dry_run:
        if word:
            doomed = [*_read_ids(operands, removal)]
            listed = {Kind(word): {}}  # so that the kind is shown even if no word is an id
        going = removal.dry_run(doomed, listed)
        for_people = options.chosen(terminal=output.is_terminal) is Format.TABLE
        if for_people and selection.classifies and not options.choice:
            options = options.with_columns(going, _WHY, more=False)
        present.selected(output, going, options, which=" to remove")
        return removal.status
    if (
        any(listed.values())
        and output.is_interactive
        and not yes
        and not output.ask(_question(listed))
    ):
        raise CommandError("nothing was removed")
    removal.remove(_read_ids(operands, removal) if word else doomed)
    removal.remove_selected(listed)
    if word and not removal.failed:
        output.write(["resource(s) deleted\n"])
    return removal.status


def _kinds(all_kinds: Collection[Kind], selection: Selection) -> list[Kind]:
    """The kinds of --all, in ipcrm's order; filters may speak of fewer."""
    meant = selection.kinds(() if len(all_kinds) == len(Kind) else all_kinds)
    return [kind for kind in _ALL_ORDER if kind in meant]


def _old_syntax(operands: Sequence[str]) -> str:
    """Return the kind's word of `rm msg|shm|sem ID...`; empty without operands.

    Raises:
        click.UsageError: the first operand is no such word, or no ids follow.
    """
    if not operands:
        return ""
    word, *ids = operands
    if word not in _WORDS:
        raise click.UsageError(
            f"unknown argument '{word}' (msg, shm or sem, then ids; keys stand behind -Q, -M, -S)"
        )
    if not ids:
        raise click.UsageError(f"not enough arguments: {word} ID...")
    return word


def _read_ids(operands: Sequence[str], removal: Removal) -> Iterator[RemovalTarget]:
    """Yield the objects of `rm msg|shm|sem ID...`; report each word that is no id, as ipcrm."""
    word, *ids = operands
    for text in ids:
        try:
            yield RemovalTarget(Kind(word), Target(By.ID, parse_id(text), text))
        except ValueError:
            removal.reject_id(text)


def _question(listed: Mapping[Kind, Selected]) -> str:
    counts = [plural(len(ids), kind.noun) for kind, ids in listed.items() if ids]
    return f"Remove {', '.join(counts)}?"
