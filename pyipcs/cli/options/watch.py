"""--watch: a live view in the place of a listing."""

import click

from pyipcs.cli.command import OptionalValue
from pyipcs.cli.options.common import showing
from pyipcs.cli.options.output import given_output_options
from pyipcs.cli.types import INTERVAL
from pyipcs.query.plan import Format, OutputOptions
from pyipcs.terminal.streams import Output

watch_option = showing(
    "--watch",
    "interval",
    cls=OptionalValue,
    type=INTERVAL,
    metavar="[=SECONDS]",
    help="A live view on the terminal until Ctrl-C. It is drawn anew every 2 seconds or so many, "
    "with NET/S: the messages that came, less those that went, in a second.",
)


def check(ctx: click.Context, output: Output, options: OutputOptions) -> OutputOptions:
    """See to it that a live view can be shown; in what manner.

    Raises:
        click.UsageError: it cannot.
    """
    if options.format_ is not Format.TABLE and "-f" in given_output_options(ctx):
        raise click.UsageError("--watch draws tables, so no other format")
    if not output.is_terminal or output.is_dumb:
        raise click.UsageError("--watch needs a terminal that can be drawn on")
    return options._replace(format_=Format.TABLE)
