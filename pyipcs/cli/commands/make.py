"""pyipcs make: create objects, as ipcmk(1) does, and set their properties."""

from collections.abc import Sequence
from functools import partial

import click

from pyipcs.actions.create import CreateOptions, create, record_of
from pyipcs.cli import present
from pyipcs.cli.command import options_titled
from pyipcs.cli.options.common import options_as, refuse, showing, subcommand
from pyipcs.cli.types import (
    BODY_SIZE,
    BYTES,
    COUNT,
    MODE,
    NEW_KEY,
    NEW_NAME,
    NEW_VALUES,
    NSEMS,
    OWNER,
    QBYTES,
    SIZE,
)
from pyipcs.model import SEMVMX, Kind
from pyipcs.objects import Handle, format_target_id
from pyipcs.terminal.streams import Output

_object = options_titled("Objects to create")
_property = options_titled("Properties")
# The labels of ipcmk(1).
_LABELS = {
    Kind.SEGMENT: "Shared memory id",
    Kind.QUEUE: "Message queue id",
    Kind.SEMAPHORE: "Semaphore id",
    Kind.POSIX_SEGMENT: "POSIX shared memory name",
    Kind.POSIX_QUEUE: "POSIX message queue name",
    Kind.POSIX_SEMAPHORE: "POSIX semaphore name",
}


@subcommand(
    abbreviable_names=(
        *("shmem", "semaphore", "queue", "posix-shmem", "posix-semaphore", "posix-mqueue"),
        *("name", "mode", "version", "help"),
    ),
    examples=(
        (
            "pyipcs make -Q -k 0x1234 -q -n /jobs --exist-ok",
            "Create a System V queue and a POSIX queue, or accept existing ones.",
        ),
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
@_object(
    "-m",
    "--posix-shmem",
    "posix_size",
    type=BYTES,
    metavar="SIZE",
    help="A POSIX segment of SIZE bytes, which take memory when they are written.",
)
@_object("-s", "--posix-semaphore", is_flag=True, help="A POSIX semaphore.")
@_object("-q", "--posix-mqueue", "posix_queue", is_flag=True, help="A POSIX message queue.")
@_property(
    "-n",
    "--name",
    type=NEW_NAME,
    once=True,
    metavar="/NAME",
    help="Name of the POSIX objects; each needs one.",
)
@_property(
    "-p",
    "--mode",
    type=MODE,
    default="0644",
    show_default=True,
    help="Permissions in octal; the umask reduces those of POSIX objects.",
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
    help="Accept an existing object with the key or the name, and leave it unchanged; fail if it "
    "is smaller than requested.",
)
@_property("--qbytes", type=QBYTES, once=True, help="Capacity of the queue in bytes.")
@_property(
    "--maxmsg",
    type=COUNT,
    once=True,
    metavar="N",
    help="Maximum messages of -q. [default: fs.mqueue.msg_default]",
)
@_property(
    "--msgsize",
    type=BODY_SIZE,
    once=True,
    metavar="SIZE",
    help="Maximum bytes of a message of -q. [default: fs.mqueue.msgsize_default]",
)
@_property(
    "--values",
    type=NEW_VALUES,
    once=True,
    help="Values of the semaphores of -S, 0 to 32767 each, or the value of -s. System V cannot "
    "create a set with values in one step: a process that finds the set by its key must wait until "
    "sem_otime is set (semget(2)); before that, it may read zeros.",
)
@_property(
    "--owner",
    type=OWNER,
    once=True,
    help="Owner by name or number, as in chown(1); :GROUP sets only the group.",
)
@showing(
    "-i", "--id-only", is_flag=True, help="Print only ids and names: segments, queues, semaphores."
)
@showing("-J", "--json", is_flag=True, help="Print the objects as JSON.")
@options_as(CreateOptions)
@click.pass_obj
def command(output: Output, /, *, options: CreateOptions, id_only: bool, json: bool) -> None:
    """Create System V and POSIX IPC objects, all of them or none.

    -M, -S and -Q create System V objects, and -m, -s and -q create POSIX objects; in `pyipcs list`
    it is the other way round. An existing object is never changed.
    """
    _check(options)
    refuse([(id_only and json, "-i and -J cannot be combined")])
    create(output, options, partial(_print, output, id_only=id_only, json=json))


def _print(output: Output, handles: Sequence[Handle], *, id_only: bool, json: bool) -> None:
    if json:
        present.records(output, [record_of(handle) for handle in handles])
    else:
        labels = ("" if id_only else f"{_LABELS[handle.kind]}: " for handle in handles)
        ids = (format_target_id(handle.kind, handle.id) for handle in handles)
        output.write(f"{label}{one}\n" for label, one in zip(labels, ids, strict=True))
    output.flush()


def _check(options: CreateOptions) -> None:
    """Refuse options that contradict each other or need another option."""
    nsems, values = options.nsems, options.values
    has_sysv = options.size is not None or nsems is not None or options.queue
    is_semaphore, name = options.posix_semaphore, options.name
    has_posix = options.posix_size is not None or options.posix_queue or is_semaphore
    refuse(
        (
            (
                not (has_sysv or has_posix),
                "nothing to create (give -Q, -M SIZE or -S NSEMS, or -q, -m SIZE or -s for POSIX)",
            ),
            (has_posix and name is None, "name is required for POSIX IPC (give -n /NAME)"),
            (name is not None and not has_posix, "-n needs -q, -m SIZE or -s"),
            (
                options.key is not None and not has_sysv,
                "-k needs -Q, -M SIZE or -S NSEMS (POSIX objects have no key)",
            ),
            (
                options.private and not has_sysv,
                "--private needs -Q, -M SIZE or -S NSEMS (POSIX objects have no key)",
            ),
            (
                options.private and options.key is not None,
                "--private and -k cannot be combined",
            ),
            (has_sysv and options.exist_ok and options.key is None, "--exist-ok needs -k KEY"),
            (options.qbytes is not None and not options.queue, "--qbytes needs -Q"),
            (options.maxmsg is not None and not options.posix_queue, "--maxmsg needs -q"),
            (options.msgsize is not None and not options.posix_queue, "--msgsize needs -q"),
        )
    )
    if values:
        _check_values(values, nsems, is_posix=is_semaphore)
    if name and is_semaphore:
        _check_semaphore_name(name.typed)


def _check_values(values: Sequence[int], nsems: int | None, *, is_posix: bool) -> None:
    refuse(
        (
            (not nsems and not is_posix, "--values needs -S NSEMS or -s"),
            (nsems and is_posix, "--values is for -S or -s, not for both"),
            (is_posix and len(values) > 1, "--values needs a single value for -s"),
            (
                nsems and len(values) != nsems,
                f"--values needs a value for each of the {nsems} semaphores",
            ),
            (
                nsems and max(values) > SEMVMX,
                f"--values: {max(values)} is too large (the maximum for -S is {SEMVMX})",
            ),
        )
    )


def _check_semaphore_name(text: str) -> None:
    """Check that a name is short enough for the file of a semaphore."""
    from pyipcs.posix.names import parse_name

    try:
        parse_name(text, Kind.POSIX_SEMAPHORE)
    except ValueError as error:
        raise click.UsageError(f"-n/--name: '{text}': {error}") from None
