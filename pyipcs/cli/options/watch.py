"""--watch: a live view or a stream of changes instead of a listing."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from pyipcs.cli.command import OptionalValue
from pyipcs.cli.options.common import refuse, showing
from pyipcs.cli.options.output import given_output_options
from pyipcs.cli.types import INTERVAL
from pyipcs.errors import Status
from pyipcs.query.plan import Format, OutputOptions

if TYPE_CHECKING:
    from pyipcs.terminal.live_loop import FrameRenderer

watch_option = showing(
    "--watch",
    "interval",
    cls=OptionalValue,
    type=INTERVAL,
    metavar="[=SECONDS]",
    help="Show a live view until q or Ctrl-C, updated every SECONDS. Arrows, PgUp and PgDn scroll. "
    "NET/S is the growth of a queue in messages per second. list -f jsonl streams changes instead. "
    "[default: 2]",
)


def is_stream(ctx: click.Context, options: OutputOptions) -> bool:
    """Return True if the user asked for JSON lines."""
    return options.format_ is Format.JSONL and "-f" in given_output_options(ctx)


def watch(
    ctx: click.Context,
    interval: float,
    options: OutputOptions,
    view: "Callable[[OutputOptions], FrameRenderer]",
) -> Status:
    """Show a live view until the user or a signal ends it.

    Raises:
        click.UsageError: the terminal or the format does not allow it.
    """
    format_ = options.format_.value if options.format_ else ""
    is_other_format = options.format_ is not Format.TABLE and "-f" in given_output_options(ctx)
    can_draw = ctx.obj.is_terminal and not ctx.obj.is_dumb
    refuse(
        (
            (is_other_format, f"--watch and -f {format_} cannot be combined"),
            (not can_draw, "--watch needs a terminal with cursor control"),
        )
    )
    from pyipcs.terminal import live_loop

    live_loop.watch(ctx.obj, interval, view(options._replace(format_=Format.TABLE)))
    return Status.DONE
