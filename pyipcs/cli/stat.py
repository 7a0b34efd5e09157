"""pyipcs stat: objects one by one, with all that is known of them."""

from collections.abc import Sequence

import click

from pyipcs.cli import show
from pyipcs.cli.options import format_options, subcommand
from pyipcs.cli.output import Output
from pyipcs.cli.params import TARGET
from pyipcs.cli.queues import find_queue, refusals
from pyipcs.errors import CommandError, Status
from pyipcs.sysv.keys import Target


@subcommand()
@click.option(
    "-q",
    "--queues",
    is_flag=True,
    expose_value=False,
    help="Message queues (so far the only kind).",
)
@format_options
@click.argument("targets", type=TARGET, nargs=-1, required=True, metavar="TARGET...")
@click.pass_obj
def command(output: Output, /, *, targets: Sequence[Target], format_: str) -> Status:
    """Show a message queue, and who used it last."""
    found = []
    for target in targets:
        try:
            queue = find_queue(target)
            with refusals(target):
                found.append(queue.stat())
        except CommandError as error:
            output.complain(str(error))
    show.dossiers(output, found, format_)
    return Status.DONE if len(found) == len(targets) else Status.FAILED
