"""pyipcs rm: remove objects, as ipcrm(1) does, or all that match filters."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import chain
from typing import NamedTuple

import click

from pyipcs.actions.remove import (
    NAME_OPTIONS,
    Removal,
    RemovalTarget,
    Selected,
    UsageCounts,
    count_usage,
    identify,
)
from pyipcs.actions.visible import find_visible, other_files_note
from pyipcs.cli import present
from pyipcs.cli.command import OptionalValue, options_titled, values_in_order
from pyipcs.cli.options.common import combine_options, options_as, refuse, selecting, subcommand
from pyipcs.cli.options.filters import filter_options
from pyipcs.cli.options.output import columns_of, given_output_options, output_options
from pyipcs.cli.types import KIND_NAMES, KINDS, ParsedType, id_type, key_type, name_type
from pyipcs.errors import CommandError, Status, UnseenError
from pyipcs.listing import Listing
from pyipcs.model import COUNTERPARTS, SYSV, By, Kind, Target
from pyipcs.objects import parse_target, removable
from pyipcs.query.plan import Format, OutputOptions
from pyipcs.query.selection import Selection
from pyipcs.sysv.keys import parse_id
from pyipcs.terminal.streams import Output
from pyipcs.text import phrase, plural

_KINDS = tuple(kind.value for kind in SYSV)
_ALL_ORDER = (  # as ipcrm
    *(Kind.SEGMENT, Kind.SEMAPHORE, Kind.QUEUE),
    *(Kind.POSIX_SEGMENT, Kind.POSIX_QUEUE, Kind.POSIX_SEMAPHORE),
)
# The columns of a dry run of --orphaned or --suspect in a table.
_EVIDENCE_COLUMNS = (
    *("KEY", "ID", "NAME", "OWNER", "MSGS", "SIZE", "NSEMS", "VALUE", "STATE", "REASON"),
)
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


class _SingleOption(NamedTuple):
    """An option that names a single object.

    Attributes:
        kind: the kind of the object.
        flags: the names of the option.
        type: the type of its value.
    """

    kind: Kind
    flags: tuple[str, ...]
    type: ParsedType


def _sysv_options(letter: str, name: str, kind: Kind) -> Iterator[tuple[str, _SingleOption]]:
    """Yield the options for the id and the key, by their names in click."""
    other = NAME_OPTIONS[COUNTERPARTS[kind]]
    id_, key = id_type(kind, other), key_type(kind, other)
    yield f"{name}_id", _SingleOption(kind, (f"-{letter}", f"--{name}-id"), id_)
    yield f"{name}_key", _SingleOption(kind, (f"-{letter.upper()}", f"--{name}-key"), key)


# The options of single objects, by their names in click.
_SINGLE_OPTIONS = {
    **dict(_sysv_options("q", "queue", Kind.QUEUE)),
    **dict(_sysv_options("m", "shmem", Kind.SEGMENT)),
    **dict(_sysv_options("s", "semaphore", Kind.SEMAPHORE)),
    **{
        flag[2:].replace("-", "_"): _SingleOption(kind, (flag,), name_type(kind))
        for kind, flag in NAME_OPTIONS.items()
    },
}


def _make_targets(**_values: Sequence[Target]) -> list[RemovalTarget]:
    """Return the single objects in the order of the command line, as ipcrm."""
    values = values_in_order(click.get_current_context(), _SINGLE_OPTIONS)
    return [RemovalTarget(_SINGLE_OPTIONS[name].kind, target) for name, target in values]


_single_options = combine_options(
    [
        _single(
            *option.flags,
            type=option.type,
            multiple=True,
            help=f"A {option.kind.noun} by {option.type.name}.",
        )
        for option in _SINGLE_OPTIONS.values()
    ],
    [*_SINGLE_OPTIONS],
    "targets",
    _make_targets,
)


@subcommand(
    abbreviable_names=(
        *("shmem-id", "shmem-key", "queue-id", "queue-key", "semaphore-id", "semaphore-key"),
        *("posix-mqueue", "posix-shmem", "posix-semaphore", "all", "verbose", "version", "help"),
    ),
    help_sections=columns_of(*Kind),
    examples=(
        ("pyipcs rm 0x1234 0x5e9 /jobs", "Remove the objects with these keys and this name."),
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
    following_values=KIND_NAMES,
    type=KINDS,
    once=True,
    metavar="[=KIND,...]",
    help="All of msg, shm, sem, pmsg, pshm, psem, sysv or posix. [default: sysv]",
    details="All objects of these kinds that you may remove.",
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
    type=ParsedType("operand", str, "target or kind"),
    metavar="[TARGET...|msg|shm|sem ID...]",
)
@options_as(RemoveOptions)
@click.pass_context
def command(ctx: click.Context, /, *, options: RemoveOptions) -> Status:
    """Remove objects by id, key or name, or all of some kinds.

    TARGET is an id (5), a key (0x1234 or key:5), ftok:PATH[:PROJ], or /NAME of a POSIX object. If
    it names objects of several kinds, none is removed: choose with one of the options below.

    The options from --owner to --not-in are filters of --all; an object must match all of them.
    Each object is checked again right before its removal. It is skipped if it has changed, or if
    it is a POSIX object in use.
    """
    old_kind = _old_syntax_kind(ctx, options.operands)
    _check(ctx, options, old_kind)
    named = [] if old_kind else _parse_targets(options.operands)
    output: Output = ctx.obj
    if options.dry_run:
        present.check(output, _nameable(named, options), options.output_options)
    removal = Removal(output, options.selection, verbose=options.verbose)
    can_ask = output.is_interactive and not (options.yes or options.dry_run)
    found, selected = _select(options, removal, can_ask=can_ask)
    targets: Iterable[RemovalTarget] = removal.find(named) if named else options.targets
    if old_kind:
        targets = _read_ids(old_kind, options, removal)
    if options.dry_run:
        if old_kind:
            selected = {old_kind: {}}  # shows the kind even if no operand is an id
        to_remove = removal.dry_run([*targets], selected)
        named_kinds = [*dict.fromkeys(kind for target in named for kind in target.kinds)]
        _write_dry_run(output, options, to_remove, named_kinds)
        return removal.status
    needs_consent = can_ask and any(selected.values())
    if needs_consent and not output.ask(_question(found)):
        raise CommandError("nothing was removed")
    with _printing(output) if options.verbose else nullcontext():
        removal.remove(targets)
        removal.remove_selected(selected)
    if old_kind and not removal.failed:
        output.write(["resource(s) deleted\n"])
    return removal.status


def _printing(output: Output) -> AbstractContextManager[None]:
    """Return the context of -v, in which a signal loses no printed line."""
    from pyipcs.terminal.signal_flush import flushed_at_signals

    return flushed_at_signals(output)


def _select(
    options: RemoveOptions, removal: Removal, *, can_ask: bool
) -> tuple[Mapping[Kind, Iterable[Listing]], Mapping[Kind, Selected]]:
    """Select the objects of --all; report unlistable kinds and unknown facts.

    Returns:
        The listings, which can be read again if `can_ask`; the objects in them.
    """
    kinds = _kinds(options)
    seen, unseen = find_visible(kinds, removable)
    found = {kind: options.selection.of(listings) for kind, listings in seen.items()}
    if can_ask:
        found = {kind: [*listings] for kind, listings in found.items()}
    selected = {kind: identify(listings, options.selection) for kind, listings in found.items()}
    removal.report_unseen(unseen.values())
    for warning in filter(None, (*options.selection.unjudged(), other_files_note(kinds))):
        removal.warn(warning)
    return found, selected


def _check(ctx: click.Context, options: RemoveOptions, old_kind: Kind | None) -> None:
    """Refuse options that contradict each other."""
    old_syntax = f"{old_kind.value} ID..." if old_kind else ""
    is_named = bool(options.targets or options.all_kinds)
    filter_, _, _ = options.selection.named.partition(",")
    format_options = [] if options.dry_run else [*given_output_options(ctx)]
    others = () if old_kind or not options.operands else _beside_targets(ctx, options)
    refuse(
        (
            (
                old_syntax and is_named,
                f"{old_syntax} and options that name objects cannot be combined",
            ),
            (others, f"TARGET and {' '.join(others[:1])} cannot be combined"),
            (filter_ and not options.all_kinds, f"{filter_} needs --all"),
            (
                not (is_named or options.operands),
                "nothing to remove (name an object or give --all)",
            ),
            (format_options, f"{' '.join(format_options[:1])} needs --dry-run"),
        )
    )


def _beside_targets(ctx: click.Context, options: RemoveOptions) -> list[str]:
    """Return the arguments that no TARGET may stand beside.

    In `-q 1 2` the 2 could be meant as a queue, but would remove an object of any kind.
    """
    given = (_SINGLE_OPTIONS[name].flags[0] for name, _ in values_in_order(ctx, _SINGLE_OPTIONS))
    all_ = ["--all"] if options.all_kinds else []
    filters = [*filter(None, options.selection.named.split(", "))]
    return [
        *given,
        *all_,
        *filters,
        *(f"{word} ID..." for word in options.operands if word in _KINDS),
    ]


def _parse_targets(words: Iterable[str]) -> list[Target]:
    """Parse the objects of `rm TARGET...`.

    Raises:
        click.UsageError: a word names no object.
    """
    targets = []
    for word in words:
        try:
            targets.append(parse_target(word))
        except ValueError as error:
            raise click.UsageError(f"TARGET: '{word}': {error}") from None
    return targets


def _write_dry_run(
    output: Output,
    options: RemoveOptions,
    to_remove: Mapping[Kind, Collection[int | str]],
    kinds: Collection[Kind],
) -> None:
    """Show the objects that would be removed.

    Args:
        output: the destination.
        options: the options of rm.
        to_remove: the objects.
        kinds: the kinds that a document, or an empty result, has even without objects.

    Raises:
        CommandError: POSIX objects cannot be listed.
    """
    output_options = options.output_options
    format_ = output_options.chosen(terminal=output.is_terminal)
    if kinds and (format_ is Format.JSON or not to_remove):
        to_remove = {kind: to_remove.get(kind, ()) for kind in kinds}
    if format_ is Format.TABLE and options.selection.classifies and not output_options.choice:
        output_options = output_options.with_columns(to_remove, _EVIDENCE_COLUMNS, more=False)
    try:
        present.selected(output, to_remove, output_options, which=" to remove")
    except UnseenError as error:
        raise CommandError(str(error)) from None


def _nameable(named: Iterable[Target], options: RemoveOptions) -> Sequence[Kind]:
    """Return the System V kinds; all kinds with a name or a POSIX kind."""
    targets = chain(named, (one.target for one in options.targets))
    has_name = any(target.by is By.NAME for target in targets)
    return [*Kind] if has_name or not {*(options.all_kinds or ())} <= {*SYSV} else SYSV


def _kinds(options: RemoveOptions) -> list[Kind]:
    """Return the kinds of --all that the filters apply to, in ipcrm's order."""
    if not options.all_kinds:
        return []
    named = () if {*options.all_kinds} == {*SYSV} else options.all_kinds
    kinds = options.selection.kinds(named)
    return [kind for kind in _ALL_ORDER if kind in kinds]


def _old_syntax_kind(ctx: click.Context, operands: Sequence[str]) -> Kind | None:
    """Return the kind of `rm msg|shm|sem ID...`; None for other operands.

    Raises:
        click.UsageError: no ids follow the kind, or the program is ipcrm, which has no TARGETs.
    """
    if not operands:
        return None
    name, *ids = operands
    if name not in _KINDS:
        if ctx.parent:
            return None
        hint = "give msg, shm or sem and ids; keys need -Q, -M or -S"
        if name.startswith("/"):
            hint = "names need --posix-mqueue, --posix-shmem or --posix-semaphore"
        raise click.UsageError(f"unknown argument '{name}' ({hint})")
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


def _question(found: Mapping[Kind, Iterable[Listing]]) -> str:
    """Return the question before a removal: objects, their use and owners."""
    numbers = {kind: sum(one.length for one in found.get(kind, ())) for kind in Kind}
    kinds = phrase([plural(number, kind.noun) for kind, number in numbers.items() if number])
    counts = count_usage(chain.from_iterable(found.values()))
    return f"Remove {kinds}?{_concerns(counts)}"


def _concerns(counts: UsageCounts) -> str:
    """Return a sentence about objects in use or of other users, or empty."""
    owner = "another user" if counts.users == 1 else "other users"
    clauses = [
        (counts.used, "is in use", "are in use"),
        (counts.doubtful, "may be in use", "may be in use"),
        (counts.foreign, f"belongs to {owner}", f"belong to {owner}"),
    ]
    if counts.total == 1:
        verbs = [singular for number, singular, _ in clauses if number]
        return f" It {phrase(verbs)}." if verbs else ""
    sentence = ", ".join(
        f"{'all' if number == counts.total else number} {singular if number == 1 else several}"
        for number, singular, several in clauses
        if number
    )
    return f" {sentence[:1].upper()}{sentence[1:]}." if sentence else ""
