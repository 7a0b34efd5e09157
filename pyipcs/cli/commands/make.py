"""pyipcs make: create objects, as ipcmk(1) does, and set their properties."""

from collections.abc import Sequence
from functools import partial

import click

from pyipcs.actions.create import CreateOptions, create, record_of
from pyipcs.cli import present
from pyipcs.cli.command import options_titled
from pyipcs.cli.options.common import options_as, refuse, showing, subcommand
from pyipcs.cli.types import MODE, NEW_KEY, NSEMS, OWNER, QBYTES, SIZE, VALUES
from pyipcs.model import Kind
from pyipcs.sysv.handle import Handle
from pyipcs.terminal.streams import Output

_object = options_titled("Objects to create")
_property = options_titled("Properties")
# The labels of ipcmk(1).
_LABELS = {
    Kind.SEGMENT: "Shared memory id",
    Kind.QUEUE: "Message queue id",
    Kind.SEMAPHORE: "Semaphore id",
}


@subcommand(
    abbreviable_names=("shmem", "semaphore", "queue", "mode", "version", "help"),
    examples=(
        ("pyipcs make -Q -k 0x1234 --exist-ok", "Create a queue unless the key has one."),
        ("id=$(pyipcs make -M 64K -k 0x5e9 -i)", "Create a segment, and keep its id."),
        ("pyipcs make -S 3 --values 1,0,4 -k 0x10c", "Create a semaphore set with its values."),
    ),
)
@_object(
    "-M",
    "--shmem",
    "size",
    type=SIZE,
    metavar="SIZE",
    help="A segment of SIZE bytes. K and KiB are 1024, KB is 1000, and so on up to Y.",
)
@_object(
    "-S", "--semaphore", "nsems", type=NSEMS, metavar="NSEMS", help="A set of NSEMS semaphores."
)
@_object("-Q", "--queue", is_flag=True, help="A message queue.")
@_property(
    "-p", "--mode", type=MODE, default="0644", show_default=True, help="Permissions in octal."
)
@_property(
    "-k",
    "--key",
    type=NEW_KEY,
    once=True,
    help="Key: decimal, 0x hexadecimal, 0 octal, or ftok:PATH[:PROJ]. [default: a random free key]",
)
@_property("--private", is_flag=True, help="No key (IPC_PRIVATE).")
@_property(
    "--exist-ok",
    is_flag=True,
    help="Accept an existing object with the key, and leave it unchanged; fail if it is smaller "
    "than requested.",
)
@_property("--qbytes", type=QBYTES, once=True, help="Capacity of the queue in bytes.")
@_property(
    "--values",
    type=VALUES,
    once=True,
    help="Values of the semaphores, 0 to 32767 each. System V cannot create a set with values in "
    "one step: a process that finds the set by its key must wait until sem_otime is set "
    "(semget(2)); before that, it may read zeros.",
)
@_property(
    "--owner",
    type=OWNER,
    once=True,
    help="Owner by name or number, as in chown(1); :GROUP sets only the group.",
)
@showing("-i", "--id-only", is_flag=True, help="Print only the ids: segment, queue, set.")
@showing("-J", "--json", is_flag=True, help="Print the objects as JSON.")
@options_as(CreateOptions)
@click.pass_obj
def command(output: Output, /, *, options: CreateOptions, id_only: bool, json: bool) -> None:
    """Create System V IPC objects."""
    _check(options)
    refuse([(id_only and json, "-i and -J cannot be combined")])
    create(output, options, partial(_print, output, id_only=id_only, json=json))


def _print(output: Output, handles: Sequence[Handle], *, id_only: bool, json: bool) -> None:
    if json:
        present.records(output, [record_of(handle) for handle in handles])
    else:
        labels = ("" if id_only else f"{_LABELS[handle.kind]}: " for handle in handles)
        output.write(f"{label}{handle.id}\n" for label, handle in zip(labels, handles, strict=True))
    output.flush()


def _check(options: CreateOptions) -> None:
    size, nsems, queue, values = options.size, options.nsems, options.queue, options.values
    refuse(
        (
            (not (size or nsems or queue), "nothing to create (give -Q, -M SIZE or -S NSEMS)"),
            (
                options.private and options.key is not None,
                "--private and -k cannot be combined",
            ),
            (options.exist_ok and options.key is None, "--exist-ok needs -k KEY"),
            (options.qbytes is not None and not queue, "--qbytes needs -Q"),
            (values and not nsems, "--values needs -S NSEMS"),
            (
                values and nsems and len(values) != nsems,
                f"--values needs a value for each of the {nsems} semaphores",
            ),
        )
    )
