"""pyipcs stat: all details of objects."""

from collections.abc import Iterable, Sequence
from functools import partial

import click

from pyipcs.actions.lookup import read_all
from pyipcs.cli import present
from pyipcs.cli.options.common import subcommand
from pyipcs.cli.options.filters import kind_options
from pyipcs.cli.options.output import columns_of, output_options
from pyipcs.cli.options.watch import watch, watch_option
from pyipcs.cli.types import target_type
from pyipcs.errors import Status
from pyipcs.model import Kind, Target
from pyipcs.query import plan
from pyipcs.query.plan import USAGE_COLUMNS, Format, OutputOptions
from pyipcs.terminal.streams import Output

# Columns in addition to the default ones, by format.
_MORE = {
    **dict.fromkeys((Format.JSON, Format.JSONL), USAGE_COLUMNS),
    **dict.fromkeys(
        (Format.CSV, Format.TSV, Format.EXPORT), (*USAGE_COLUMNS, "VALUES", "NCOUNT", "ZCOUNT")
    ),
}


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
@output_options
@watch_option
@click.argument("targets", type=target_type(), nargs=-1, required=True, metavar="TARGET...")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    kinds: Sequence[Kind],
    targets: Sequence[Target],
    output_options: OutputOptions,
    interval: float | None,
) -> Status:
    """Show all details of objects.

    TARGET is an id (5), a key (0x1234 or key:5), ftok:PATH[:PROJ], or /NAME of a POSIX object.
    Without -q, -m and -s, it names the objects of all kinds.

    Of a set with more than 32 semaphores, a terminal shows those that are not 0 or that processes
    wait for, and the number of the others; --wide shows all.
    """
    output: Output = ctx.obj
    nameable = {kind for target in targets for kind in target.kinds}
    kinds = [kind for kind in kinds or Kind if kind in nameable]
    if interval is not None:
        from pyipcs.actions.live_views import named_objects

        return watch(ctx, interval, output_options, partial(named_objects, kinds, targets))
    format_ = output_options.chosen(terminal=output.is_terminal)
    plan.check(kinds, output_options, format_)
    records, errors = read_all(kinds, targets)
    for error in errors:
        output.error(str(error))
    if format_ is not Format.JSON:  # a document has the keys of all nameable kinds
        kinds = [kind for kind in kinds if any(record.kind is kind for record in records)] or kinds
    options = _complete(output_options, format_, kinds)
    present.details(output, kinds, records, options)
    return Status.FAILED if errors else Status.DONE


def _complete(options: OutputOptions, format_: Format, kinds: Iterable[Kind]) -> OutputOptions:
    """Add the columns with further details.

    JSON always has the semaphores of a set.
    """
    if options.choice or format_ not in _MORE:
        return options
    return options.with_columns(kinds, _MORE[format_], more=True)
