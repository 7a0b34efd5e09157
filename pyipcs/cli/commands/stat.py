"""pyipcs stat: all details of objects."""

from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import NamedTuple

import click

from pyipcs.actions.lookup import read_all
from pyipcs.cli import present
from pyipcs.cli.options.common import options_as, refuse, subcommand
from pyipcs.cli.options.filters import kind_options, used_by_option
from pyipcs.cli.options.output import columns_of, output_options, with_namespace
from pyipcs.cli.options.watch import watch, watch_option
from pyipcs.cli.types import target_type
from pyipcs.errors import Status
from pyipcs.model import Kind, Record, Target
from pyipcs.query.plan import USAGE_COLUMNS, Format, OutputOptions
from pyipcs.query.selection import Selection
from pyipcs.terminal.streams import Output

# Columns in addition to the default ones, by format.
_MORE = {
    **dict.fromkeys((Format.JSON, Format.JSONL), USAGE_COLUMNS),
    **dict.fromkeys(
        (Format.CSV, Format.TSV, Format.EXPORT), (*USAGE_COLUMNS, "VALUES", "NCOUNT", "ZCOUNT")
    ),
}


class StatOptions(NamedTuple):
    """The options of stat."""

    kinds: Sequence[Kind]
    selection: Selection
    targets: Sequence[Target]
    output_options: OutputOptions
    interval: float | None

    @property
    def nameable_kinds(self) -> list[Kind]:
        """The kinds of the objects that the user may have named."""
        nameable = {kind for target in self.targets for kind in target.kinds} or {*Kind}
        return [kind for kind in self.kinds or Kind if kind in nameable]


@subcommand(
    help_sections=columns_of(*Kind),
    examples=(
        ("pyipcs stat 0x1234 /jobs", "Show all objects with this key, and with this name."),
        ("pyipcs stat -m 0x5e9 -J", "Show a segment as JSON, with the processes that attach it."),
        (
            "pyipcs stat -s 0x10c -f csv -o VALUES,WAITERS",
            "Show the values of a set and the processes that wait on it.",
        ),
    ),
)
@kind_options
@used_by_option
@output_options
@watch_option
@click.argument("targets", type=target_type(), nargs=-1, metavar="[TARGET]...")
@options_as(StatOptions)
@click.pass_context
def command(ctx: click.Context, /, *, options: StatOptions) -> Status:
    """Show all details of objects.

    TARGET is an id (5), a key (0x1234 or key:5), ftok:PATH[:PROJ], or /NAME of a POSIX object.
    Without -q, -m and -s, it names the objects of all kinds. --used-by replaces TARGETs.

    Of a set with more than 32 semaphores, a terminal shows those that are not 0 or that processes
    wait for, and the number of the others; --wide shows all.
    """
    _check(ctx, options)
    options = options._replace(output_options=with_namespace(ctx, options.output_options))
    output: Output = ctx.obj
    kinds, output_options = options.nameable_kinds, options.output_options
    if options.interval is not None:
        return _watch(ctx, options.interval, options)
    present.check(output, kinds, output_options)
    format_ = output_options.chosen(terminal=output.is_terminal)
    if options.selection.filters:
        return _show_selected(output, options, format_)
    records, errors = read_all(kinds, options.targets)
    for error in errors:
        output.error(str(error))
    missing = _show(output, kinds, records, options, format_)
    present.report_removed(output, missing)
    return Status.FAILED if errors or missing else Status.DONE


def _check(ctx: click.Context, options: StatOptions) -> None:
    """Refuse targets beside a filter, and a command line without both."""
    filters = options.selection.named
    refuse([(options.targets and filters, f"TARGET and {filters} cannot be combined")])
    if not (options.targets or filters):
        (param,) = (one for one in ctx.command.params if one.name == "targets")
        raise click.MissingParameter(ctx=ctx, param=param)


def _watch(ctx: click.Context, interval: float, options: StatOptions) -> Status:
    """Show a live view."""
    from pyipcs.actions.live_views import details_of_selected, named_objects

    kinds, selection = options.nameable_kinds, options.selection
    view = (
        partial(details_of_selected, kinds, selection)
        if selection.filters
        else partial(named_objects, kinds, options.targets)
    )
    return watch(ctx, interval, options.output_options, view)


def _show_selected(output: Output, options: StatOptions, format_: Format) -> Status:
    """Show the objects that filters select."""
    from pyipcs.actions.selected import read_selected

    kinds = options.nameable_kinds
    found = read_selected(kinds, options.selection)
    visible = [kind for kind in kinds if kind not in found.unseen]
    _show(output, visible, found.records, options, format_, unseen=found.unseen)
    for reason in found.errors:
        output.error(reason)
    return Status.FAILED if found.is_incomplete else Status.DONE


def _show(
    output: Output,
    kinds: Collection[Kind],
    records: Sequence[Record],
    options: StatOptions,
    format_: Format,
    unseen: Collection[Kind] = (),
) -> list[Record]:
    """Show records; return those of objects that were removed meanwhile.

    A JSON document has the keys of all nameable kinds.
    """
    if format_ is not Format.JSON:
        kinds = [kind for kind in kinds if any(record.kind is kind for record in records)] or kinds
        unseen = ()
    output_options = _complete(options.output_options, format_, kinds)
    return present.details(output, kinds, records, output_options, unseen=unseen)


def _complete(options: OutputOptions, format_: Format, kinds: Iterable[Kind]) -> OutputOptions:
    """Add the columns with further details.

    JSON always has the semaphores of a set.
    """
    if options.choice or format_ not in _MORE:
        return options
    return options.with_columns(kinds, _MORE[format_], more=True)
