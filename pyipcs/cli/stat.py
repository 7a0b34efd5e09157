"""pyipcs stat: objects one by one, with all that is known of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import click

from pyipcs.cli import show, watching
from pyipcs.cli.manner import Format, Manner, columns_of, output_options
from pyipcs.cli.options import subcommand
from pyipcs.cli.output import Output
from pyipcs.cli.params import TARGET
from pyipcs.cli.queues import find_queue, refusals
from pyipcs.errors import CommandError, Status
from pyipcs.model import Kind, Queue, Record, Unit
from pyipcs.render.canvas import Canvas
from pyipcs.render.escape import one_line
from pyipcs.sysv.keys import Target


@subcommand(appendix=columns_of(Kind.QUEUE))
@click.option(
    "-q",
    "--queues",
    is_flag=True,
    expose_value=False,
    help="Message queues (so far the only kind).",
)
@output_options
@watching.watch_option
@click.argument("targets", type=TARGET, nargs=-1, required=True, metavar="TARGET...")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    targets: Sequence[Target],
    manner: Manner,
    interval: float | None,
) -> Status:
    """Show message queues, and who used them last.

    TARGET is an id (5), a key (0x1234 or key:5), or ftok:PATH[:PROJ].
    """
    output: Output = ctx.obj
    if interval is not None:
        manner = watching.check(ctx, output, manner)
        watching.watch(output, interval, _picture(targets, manner))
    show.check(output, [Kind.QUEUE], manner)
    found, errors = _find(targets)
    for error in errors:
        output.complain(str(error))
    show.details(output, [Kind.QUEUE], found, manner, _plain(manner))
    return Status.FAILED if errors else Status.DONE


def _find(targets: Iterable[Target]) -> tuple[list[Queue], list[CommandError]]:
    """The queues, and why there are not more of them."""
    found, errors = [], []
    for target in targets:
        try:
            queue = find_queue(target)
            with refusals(target):
                found.append(queue.stat())
        except CommandError as error:
            errors.append(error)
    return found, errors


def _picture(targets: Sequence[Target], manner: Manner) -> watching.Picture:
    """What draws the queues; the last one that goes ends it."""
    from pyipcs.render import panel

    style = manner.style(Format.TABLE)
    growth = watching.Growth()

    def draw(canvas: Canvas) -> Iterator[str]:
        found, errors = _find(targets)
        if not found:
            raise errors[0]
        rates = growth.of((queue.id, queue.qnum) for queue in found)
        for queue in show.in_order([Kind.QUEUE], found, manner):
            yield panel.details(queue, style, canvas, rates.get(queue.id))
        for error in errors:
            yield f"{one_line(str(error))}\n"

    return draw


def _plain(manner: Manner) -> Callable[[Record], Iterable[str]]:
    """What gives showmsg's lines of a queue."""

    def lines(record: Record) -> Iterable[str]:
        from pyipcs.render import showmsg

        assert isinstance(record, Queue)
        style = manner.style(Format.TABLE)
        return showmsg.details(record, style._replace(human=manner.unit is Unit.HUMAN))

    return lines
