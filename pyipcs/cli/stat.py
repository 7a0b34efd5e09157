"""pyipcs stat: all there is to know of an object."""

from collections.abc import Sequence

import click

from pyipcs.cli import show
from pyipcs.cli.options import format_options, subcommand
from pyipcs.cli.output import Output
from pyipcs.cli.params import TARGET
from pyipcs.cli.queues import find_queue, queue_error
from pyipcs.errors import CommandError, IpcError, Status
from pyipcs.model import Queue
from pyipcs.sysv.keys import Target


@subcommand()
@click.option("-q", "--queues", is_flag=True, help="Message queues (so far the only kind).")
@format_options
@click.argument("targets", type=TARGET, nargs=-1, required=True, metavar="TARGET...")
@click.pass_obj
def command(
    output: Output,
    /,
    *,
    targets: Sequence[Target],
    format_: str,
    queues: bool,  # noqa: ARG001 - what it asks for is all there is
) -> Status:
    """Show all there is to know of a message queue."""
    found = []
    for target in targets:
        try:
            found.append(_record(target))
        except CommandError as error:
            output.complain(str(error))
    show.dossiers(output, found, format_)
    return Status.DONE if len(found) == len(targets) else Status.FAILED


def _record(target: Target) -> Queue:
    try:
        return find_queue(target).stat()
    except IpcError as error:
        raise queue_error(target, error) from None
