"""pyipcs list: objects, limits and usage, like ipcs(1) and in other formats."""

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple

import click

from pyipcs.actions.visible import find_selected
from pyipcs.cli import present
from pyipcs.cli.command import given_option_names
from pyipcs.cli.options.common import options_as, refuse, selecting, showing, subcommand
from pyipcs.cli.options.filters import listed_filter_options, listed_kind_options
from pyipcs.cli.options.output import columns_of, output_options, with_namespace
from pyipcs.cli.options.watch import is_stream, watch, watch_option
from pyipcs.cli.types import NAME, id_type
from pyipcs.errors import CommandError, IpcError, NotFoundError, Status
from pyipcs.listing import Listing
from pyipcs.model import POSIX, SYSV, Kind, Record, Target, View
from pyipcs.query import plan
from pyipcs.query.plan import Format, Found, OutputOptions
from pyipcs.query.selection import Selection
from pyipcs.terminal.streams import Output

_VIEW_OPTIONS = {"limits": "-l", "usage": "-u", "time": "-t", "pid": "-p", "creator": "-c"}


class ListOptions(NamedTuple):
    """The options of list."""

    kinds: Sequence[Kind]
    all_sysv: bool
    all_posix: bool
    target: Target | None
    name: Target | None
    selection: Selection
    all_namespaces: bool
    view: str | None
    output_options: OutputOptions
    interval: float | None
    fail_if_any: bool

    @property
    def named_kinds(self) -> Sequence[Kind]:
        """The kinds that the user named."""
        named = {*self.kinds, *(SYSV if self.all_sysv else ()), *(POSIX if self.all_posix else ())}
        return [kind for kind in Kind if kind in named]

    @property
    def one_object(self) -> str:
        """The option that names a single object; empty without one."""
        return "-i" if self.target else "-N" if self.name else ""

    @property
    def figures(self) -> str:
        """The figures to show instead of objects: "limits", "usage" or empty."""
        return self.view if self.view in {"limits", "usage"} else ""

    @property
    def shows_each(self) -> bool:
        """True if metrics have single objects, and tables no hint at POSIX ones."""
        return bool(self.named_kinds or self.selection.filters or self.fail_if_any)

    @property
    def columns(self) -> View:
        """The columns of objects."""
        return View.STATUS if self.figures or not self.view else View(self.view)


@subcommand(
    abbreviable_names=(
        *("id", "queues", "shmems", "semaphores", "all", "time", "pid", "creator"),
        *("limits", "summary", "human", "bytes", "version", "help"),
    ),
    help_sections=columns_of(*Kind, limits=True),
    examples=(
        ("pyipcs list -M -o NAME,SIZE,AGE --sort -SIZE", "List the largest POSIX segments first."),
        (
            "pyipcs list --mine --unattached --older-than 1d",
            "List your unattached segments that have not changed for a day.",
        ),
        ("pyipcs list -J > before.json", "Save a listing of all objects for a later --not-in."),
    ),
)
@listed_kind_options
@selecting(
    *("-a", "--all", "--sysv"),
    "all_sysv",
    is_flag=True,
    help="All System V kinds. [default without an option for kinds]",
)
@selecting("--posix", "all_posix", is_flag=True, help="All POSIX kinds.")
@selecting("-i", "--id", "target", type=id_type(), help="One object; needs -q, -m or -s.")
@selecting("-N", "--name", type=NAME, once=True, help="Details of one POSIX object.")
@listed_filter_options
@selecting(
    "--all-ns",
    "all_namespaces",
    is_flag=True,
    help="Objects of every IPC namespace that has a process you may inspect.",
)
@showing("-t", "--time", "view", flag_value="time", help="Times of last use and change.")
@showing("-p", "--pid", "view", flag_value="pid", help="PIDs of creators and last users.")
@showing("-c", "--creator", "view", flag_value="creator", help="Creators and owners.")
@showing(
    "-l",
    "--limits",
    "view",
    flag_value="limits",
    help="Limits of the kernel; in a table with their usage.",
)
@showing("-u", "--summary", "view", flag_value="usage", help="Current usage.")
@output_options
@watch_option
@showing("--fail-if-any", is_flag=True, help="Exit with status 23 if there is an object.")
@options_as(ListOptions)
@click.pass_context
def command(ctx: click.Context, /, *, options: ListOptions) -> Status:
    """Show System V and POSIX IPC objects, limits and usage.

    The options from --owner to --not-in are filters; an object must match all of them.
    """
    _check(options, has_ns="ns" in given_option_names(ctx))
    options = options._replace(output_options=with_namespace(ctx, options.output_options))
    output: Output = ctx.obj
    kinds = options.selection.kinds(options.named_kinds)
    if options.interval is not None:
        return _watch(ctx, options.interval, kinds, options)
    if options.target:
        return _show_one(output, kinds[0], options.target, options)
    if options.name:
        return _show_named(output, options.name, options)
    if options.figures:
        is_whole = present.figures(output, options.figures, kinds, options.output_options)
        return Status.DONE if is_whole else Status.FAILED
    if options.all_namespaces:
        return _show_all_namespaces(output, kinds, options)
    return _show(output, kinds, options)


def _check(options: ListOptions, *, has_ns: bool) -> None:
    """Refuse options that contradict each other."""
    one, interval, named = options.one_object, options.interval, options.named_kinds
    all_namespaces, fail_if_any = options.all_namespaces, options.fail_if_any
    filters = options.selection.named
    cannot = "cannot be combined"
    view = _VIEW_OPTIONS.get(options.view or "")
    figures = view if options.figures else None
    refuse(
        (
            (
                options.target and (len(named) != 1 or named[0] in POSIX),
                "-i needs exactly one of -q, -m and -s",
            ),
            (options.target and options.name, f"-i and -N {cannot}"),
            (options.name and {*named} - {*POSIX}, "-N is for -Q, -M and -S"),
            (one and filters, f"{one} and {filters} {cannot}"),
            (one and interval, f"{one} and --watch {cannot}"),
            (options.name and view, f"-N and {view} {cannot}"),
            (figures and filters, f"{figures} and {filters} {cannot}"),
            (figures and fail_if_any, f"{figures} and --fail-if-any {cannot}"),
            (interval and fail_if_any, f"--watch and --fail-if-any {cannot}"),
            (all_namespaces and one, f"{one} and --all-ns {cannot}"),
            (all_namespaces and figures, f"{figures} and --all-ns {cannot}"),
            (all_namespaces and interval, f"--watch and --all-ns {cannot}"),
            (all_namespaces and "--not-in" in filters, f"--not-in and --all-ns {cannot}"),
            (all_namespaces and "--used-by" in filters, f"--used-by and --all-ns {cannot}"),
            (all_namespaces and has_ns, f"--ns and --all-ns {cannot}"),
        )
    )


def _watch(
    ctx: click.Context, interval: float, kinds: Sequence[Kind], options: ListOptions
) -> Status:
    """Show a live view, or stream the changes as JSON lines."""
    if not options.figures and is_stream(ctx, options.output_options):
        return _stream(ctx.obj, interval, kinds, options)
    from pyipcs.actions import live_views

    if options.figures:
        view = partial(live_views.limits_or_usage, kinds, options.figures)
    else:
        view = partial(live_views.selected_objects, kinds, options.selection, view=options.columns)
    return watch(ctx, interval, options.output_options, view)


def _stream(output: Output, interval: float, kinds: Sequence[Kind], options: ListOptions) -> Status:
    """Write the changes of objects until a signal or the reader ends it."""
    plan.check(kinds, options.output_options, Format.JSONL)
    from pyipcs.actions.changes import Changes
    from pyipcs.terminal.stream_loop import stream

    selection, output_options = options.selection, options.output_options
    changes = Changes(output, kinds, selection, output_options, options.columns)
    stream(output, interval, changes.lines)


def _show(output: Output, kinds: Sequence[Kind], options: ListOptions) -> Status:
    """Show the objects of this namespace."""
    selection, fail = options.selection, options.fail_if_any
    # Before the listings are opened: a wrong column is an error even if nothing is visible.
    present.check(output, kinds, options.output_options)
    selected = find_selected(kinds, selection)
    has_any, found = _peek(selected.found) if fail else (False, selected.found)
    present.listings(
        output,
        found,
        options.output_options,
        view=options.columns,
        scope=selection.scope._replace(unseen=[*selected.unseen]),
        totals=[*found],
        each=options.shows_each,
    )
    for reason in selected.reasons(selection.unjudged()):
        output.error(reason)
    if has_any:
        return Status.FOUND
    return Status.FAILED if selected.is_incomplete else Status.DONE


def _peek(found: Found) -> tuple[bool, Found]:
    """Return True if an object exists, and the same listings.

    Only the start of the listings is read.
    """
    has_any = False
    same: dict[Kind, Iterable[Listing]] = {}
    for kind, listings in found.items():
        rest = iter(listings)
        first = next((listing for listing in rest if listing.length), None)
        same[kind] = [] if first is None else chain([first], rest)
        has_any = has_any or first is not None
    return has_any, same


def _show_one(output: Output, kind: Kind, target: Target, options: ListOptions) -> Status:
    """Show one object by its id."""
    output_options = options.output_options
    present.check(output, [kind], output_options)
    record = _read(kind, target)
    missing = present.details(
        output, [kind], [record], output_options, view=options.columns, like_ipcs=True
    )
    if missing:
        present.report_removed(output, missing)
        return Status.FAILED
    return Status.FOUND if options.fail_if_any else Status.DONE


def _show_named(output: Output, name: Target, options: ListOptions) -> Status:
    """Show the POSIX objects of a name."""
    from pyipcs.actions.lookup import read_all

    kinds = options.named_kinds or POSIX
    output_options = options.output_options
    present.check(output, kinds, output_options)
    records, errors = read_all(kinds, [name])
    if not records:
        raise errors[0]
    for error in errors:
        output.error(str(error))
    named = [kind for kind in kinds if any(record.kind is kind for record in records)]
    missing = present.details(output, named, records, output_options)
    present.report_removed(output, missing)
    if errors or missing:
        return Status.FAILED
    return Status.FOUND if options.fail_if_any else Status.DONE


def _show_all_namespaces(output: Output, kinds: Sequence[Kind], options: ListOptions) -> Status:
    """Show the objects of all namespaces."""
    from pyipcs.actions.all_namespaces import collect

    selection, output_options = options.selection, options.output_options
    present.check(output, kinds, output_options)
    groups, is_incomplete = collect(output, kinds, selection, output_options, options.columns)
    present.namespaces(
        output,
        kinds,
        groups,
        output_options,
        view=options.columns,
        scope=selection.scope,
        each=options.shows_each,
    )
    if options.fail_if_any and any(group.length for group in groups):
        return Status.FOUND
    return Status.FAILED if is_incomplete else Status.DONE


def _read(kind: Kind, target: Target) -> Record:
    from pyipcs.sysv.handle import handle_class

    try:
        return handle_class(kind)(target.number).details()
    except NotFoundError:
        raise CommandError(f"id {target.typed} not found") from None
    except IpcError as error:
        raise CommandError(f"id {target.typed}: {error.strerror}") from None
