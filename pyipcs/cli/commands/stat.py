"""pyipcs stat: objects one by one, with all that is known of them."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

from pyipcs.actions.lookup import find_all, refusals
from pyipcs.cli import present
from pyipcs.cli.options import watch
from pyipcs.cli.options.common import subcommand
from pyipcs.cli.options.filters import kind_options
from pyipcs.cli.options.output import columns_of, output_options
from pyipcs.cli.types import target_type
from pyipcs.errors import CommandError, DeniedError, Status
from pyipcs.model import Kind, Queue, Record
from pyipcs.query import plan
from pyipcs.query.plan import USAGE_COLUMNS, Format, OutputOptions
from pyipcs.sysv.handle import Handle
from pyipcs.sysv.keys import Target
from pyipcs.terminal.capabilities import TerminalCapabilities
from pyipcs.terminal.escape import one_line
from pyipcs.terminal.streams import Output

if TYPE_CHECKING:
    from pyipcs.terminal.live_loop import FrameRenderer

# What formats of columns tell here besides the usual ones.
_MORE = {
    **dict.fromkeys((Format.JSON, Format.JSONL), USAGE_COLUMNS),
    **dict.fromkeys(
        (Format.CSV, Format.TSV, Format.EXPORT), (*USAGE_COLUMNS, "VALUES", "NCOUNT", "ZCOUNT")
    ),
}


@subcommand(
    help_sections=columns_of(*Kind),
    examples=(
        ("pyipcs stat 0x1234", "Whatever has this key."),
        ("pyipcs stat -m 0x5e9 -J", "A segment, and who has it attached, as JSON."),
        ("pyipcs stat -s 0x10c -f csv -o VALUES,WAITERS", "A set's values, and who waits on it."),
    ),
)
@kind_options
@output_options
@watch.watch_option
@click.argument("targets", type=target_type(), nargs=-1, required=True, metavar="TARGET...")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    kinds: Sequence[Kind],
    targets: Sequence[Target],
    options: OutputOptions,
    interval: float | None,
) -> Status:
    """Show objects with all that is known of them.

    TARGET is an id (5), a key (0x1234 or key:5), or ftok:PATH[:PROJ]. Without -q, -m or -s, the
    objects of all kinds that it names are shown.
    """
    output: Output = ctx.obj
    kinds = kinds or [*Kind]
    if interval is not None:
        options = watch.check(ctx, output, options)
        from pyipcs.terminal import live_loop

        return live_loop.watch(output, interval, _frame(kinds, targets, options))
    plan.check(kinds, options, options.chosen(terminal=output.is_terminal))
    found, errors = _find(kinds, targets)
    for error in errors:
        output.error(str(error))
    format_ = options.chosen(terminal=output.is_terminal)
    if format_ is not Format.JSON:  # which has all kinds' keys
        kinds = [kind for kind in kinds if any(record.kind is kind for record in found)] or kinds
    options = _complete(options, format_, kinds)
    present.details(output, kinds, found, options)
    return Status.FAILED if errors else Status.DONE


def _complete(options: OutputOptions, format_: Format, kinds: Iterable[Kind]) -> OutputOptions:
    """With all that formats of columns can tell; JSON has the semaphores of a set anyway."""
    if options.choice or format_ not in _MORE:
        return options
    return options.with_columns(kinds, _MORE[format_], more=True)


def _find(
    kinds: Collection[Kind], targets: Iterable[Target]
) -> tuple[list[Record], list[CommandError]]:
    """The objects, each once, and why there are not more of them."""
    found: dict[tuple[Kind, int], Record] = {}
    errors = []
    for target in targets:
        try:
            for handle in find_all(kinds, target):
                with refusals(handle.kind, target):
                    found[handle.kind, handle.id] = _details(handle)
        except CommandError as error:
            errors.append(error)
    records = [*found.values()]
    if any(record.kind is Kind.SEGMENT for record in records):
        from pyipcs.sysv.segment import with_residency

        records = with_residency(records)
    return records, errors


def _details(handle: Handle) -> Record:
    """The record, with the semaphores of a set if the caller may read them."""
    try:
        record = handle.record
        return handle.details(record) if handle.kind is Kind.SEMAPHORE else record
    except DeniedError:
        return handle.record


def _frame(
    kinds: Collection[Kind], targets: Sequence[Target], options: OutputOptions
) -> "FrameRenderer":
    """Return the function that renders the objects; without any it fails."""
    from pyipcs.query.rates import Growth
    from pyipcs.render import panel
    from pyipcs.render.details import Details
    from pyipcs.usage.scan import expire

    style = options.style(Format.TABLE)
    growth = Growth()

    def render(capabilities: TerminalCapabilities) -> Iterator[str]:
        expire()
        found, errors = _find(kinds, targets)
        if not found:
            raise errors[0]
        rates = growth.of((queue.id, queue.qnum) for queue in found if isinstance(queue, Queue))
        for record in plan.in_order(kinds, found, options):
            rate = rates.get(record.id) if record.kind is Kind.QUEUE else None
            yield from panel.details(Details(record, style, growth=rate), capabilities)
        for error in errors:
            yield f"{one_line(str(error))}\n"

    return render
