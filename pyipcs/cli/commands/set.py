"""pyipcs set: change the properties of an object."""

from collections.abc import Sequence

import click

from pyipcs.actions.change import ChangeOptions, change
from pyipcs.cli.command import options_titled
from pyipcs.cli.options.common import options_as, refuse, subcommand
from pyipcs.cli.options.filters import kind_options
from pyipcs.cli.types import BYTES, MODE, OWNER, QBYTES, VALUE, VALUES, target_type
from pyipcs.model import By, Kind, Target

_property = options_titled("Properties", once=True)


@subcommand(
    examples=(
        ("pyipcs set 0x1234 --mode 660 --qbytes 8K", "Change a queue's mode and capacity."),
        ("pyipcs set 0x10c --value 0=1 --value 2=5", "Set the values of two semaphores."),
        ("pyipcs set /jobs --mode 660 --owner :root", "Change a POSIX queue's mode and group."),
    ),
)
@kind_options
@_property("--mode", type=MODE, help="Permissions in octal.")
@_property(
    "--owner",
    type=OWNER,
    help="Owner by name or number, as in chown(1): USER keeps the group, :GROUP keeps the user.",
)
@_property(
    "--size",
    type=BYTES,
    metavar="SIZE",
    help="Size of a POSIX segment. It shrinks only if no process has it open or mapped.",
)
@_property(
    "--qbytes",
    type=QBYTES,
    help="Capacity of a queue in bytes; more than msgmnb requires CAP_SYS_RESOURCE.",
)
@_property(
    "--value",
    "single",
    type=VALUE,
    multiple=True,
    metavar="NUM=V",
    help="Value of one semaphore of a set, 0 to 32767; may be repeated.",
)
@_property("--values", type=VALUES, help="Values of all semaphores of a set, in one step.")
@_property("--lock", is_flag=True, help="Lock a segment in memory: it is not swapped.")
@_property("--unlock", is_flag=True, help="Unlock a segment.")
@click.argument("target", type=target_type(), metavar="TARGET")
@options_as(ChangeOptions)
def command(*, kinds: Sequence[Kind], target: Target, options: ChangeOptions) -> None:
    """Change modes, owners, sizes, values of semaphores, locking.

    All changes are checked first. Mode, owner and qbytes change in one step, and so do all
    --values; each --value is a step of its own. Setting a value discards the undo values that
    processes have for it. POSIX objects have a mode and an owner, and segments a size; each is a
    step of its own.

    TARGET is an id (5), a key (0x1234 or key:5), ftok:PATH[:PROJ], or /NAME of a POSIX object. If
    objects of several kinds have that name, choose with -q, -m or -s, or with an option that only
    one kind has.
    """
    change(_kinds(kinds, target, options), target, options)


def _kinds(kinds: Sequence[Kind], target: Target, options: ChangeOptions) -> Sequence[Kind]:
    """Return the kinds that the target and the options apply to."""
    own = _own_options(options)
    names = " and ".join(own.values())
    kinds = [kind for kind in kinds if kind in target.kinds]
    own_kinds, others = (" or ".join(each.plural for each in some) for some in (own, kinds))
    is_posix = target.by is By.NAME
    family = "POSIX objects" if is_posix else "System V objects"
    reason = " (a System V segment keeps its size)" if Kind.POSIX_SEGMENT in own else ""
    refuse(
        (
            (
                options.lock and options.unlock,
                "--lock and --unlock cannot be combined",
            ),
            (
                not own and not options.control,
                "nothing to change (give --mode, --owner, --size, --value ...)",
            ),
            (options.single and options.values, "--value and --values cannot be combined"),
            (
                len({semnum for semnum, _ in options.single}) < len(options.single),
                "--value is given twice for one semaphore",
            ),
            (len(own) > 1, f"{names} are for objects of different kinds"),
            (
                not own.keys() <= {*target.kinds},
                f"{names} is for {own_kinds}, not {family}{reason}",
            ),
            (kinds and not own.keys() <= {*kinds}, f"{names} is for {own_kinds}, not {others}"),
        )
    )
    return [*own] or kinds or target.kinds


def _own_options(options: ChangeOptions) -> dict[Kind, str]:
    """Return the kinds with given options of their own, and these options."""
    given = {
        "--size": (Kind.POSIX_SEGMENT, options.size is not None),
        "--qbytes": (Kind.QUEUE, options.qbytes is not None),
        "--lock": (Kind.SEGMENT, options.lock),
        "--unlock": (Kind.SEGMENT, options.unlock),
        "--values": (Kind.SEMAPHORE, options.values is not None),
        "--value": (Kind.SEMAPHORE, bool(options.single)),
    }
    return {kind: option for option, (kind, is_given) in given.items() if is_given}
