"""pyipcs list: objects, limits and usage, as ipcs(1) shows them."""

import click

from pyipcs.cli import show
from pyipcs.cli.options import format_options, subcommand
from pyipcs.cli.output import Output
from pyipcs.cli.params import ID_TARGET
from pyipcs.errors import CommandError, IpcError, NotFoundError
from pyipcs.model import Kind, Record
from pyipcs.render.plain import Unit, View
from pyipcs.sysv import proc
from pyipcs.sysv.keys import Target


@subcommand(
    peer_names=(
        *("id", "queues", "shmems", "semaphores", "all", "time", "pid", "creator"),
        *("limits", "summary", "human", "bytes", "version", "help"),
    )
)
@click.option("-q", "--queues", is_flag=True, help="Message queues.")
@click.option("-m", "--shmems", is_flag=True, help="Shared memory segments.")
@click.option("-s", "--semaphores", is_flag=True, help="Semaphore sets.")
@click.option("-a", "--all", "all_kinds", is_flag=True, help="All kinds (the default).")
@click.option("-i", "--id", "target", type=ID_TARGET, help="One object, with one of -q -m -s.")
@click.option("-t", "--time", "view", flag_value="time", help="Times of last use and change.")
@click.option("-p", "--pid", "view", flag_value="pid", help="PIDs of creator and last users.")
@click.option("-c", "--creator", "view", flag_value="creator", help="Creators and owners.")
@click.option("-l", "--limits", "view", flag_value="limits", help="The kernel's limits.")
@click.option("-u", "--summary", "view", flag_value="usage", help="What is in use.")
@click.option("-b", "--bytes", "unit", flag_value="bytes", help="Sizes in bytes.")
@click.option("--human", "unit", flag_value="human", help="Sizes for people.")
@format_options
@click.pass_obj
def command(
    output: Output,
    /,
    *,
    target: Target | None,
    view: str | None,
    unit: str | None,
    format_: str,
    **kind_flags: bool,
) -> None:
    """Show System V IPC objects, limits and usage."""
    kinds = _kinds(**kind_flags)
    sizes = Unit(unit or "default")
    if target:
        if len(kinds) != 1:
            raise click.UsageError("-i needs exactly one of -q, -m and -s")
        show.details(output, _details(kinds[0], target), format_, sizes)
        return
    kinds = kinds or list(Kind)
    match view:
        case "limits" | "usage":
            show.figures(output, view, kinds, format_, sizes)
        case _:
            found = {kind: proc.read(kind) for kind in kinds}
            show.listings(output, found, format_, view=View(view or "status"), unit=sizes)


def _kinds(queues: bool, shmems: bool, semaphores: bool, all_kinds: bool) -> list[Kind]:
    flags = {Kind.QUEUE: queues, Kind.SEGMENT: shmems, Kind.SEMAPHORE: semaphores}
    return [kind for kind, wanted in flags.items() if wanted or all_kinds]


def _details(kind: Kind, target: Target) -> Record:
    from pyipcs.sysv.handle import handle_class

    try:
        return handle_class(kind)(target.number).details()
    except NotFoundError:
        raise CommandError(f"id {target.typed} not found") from None
    except IpcError as error:
        raise CommandError(f"id {target.typed}: {error.strerror}") from None
