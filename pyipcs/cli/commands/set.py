"""pyipcs set: change the properties of an object."""

from collections.abc import Sequence

import click

from pyipcs.actions.change import ChangeOptions, change
from pyipcs.cli.command import options_titled
from pyipcs.cli.options.common import options_as, refuse, subcommand
from pyipcs.cli.options.filters import kind_options
from pyipcs.cli.types import MODE, OWNER, QBYTES, VALUE, VALUES, target_type
from pyipcs.model import SYSV, Kind, Target

_property = options_titled("Properties", once=True)


@subcommand(
    examples=(
        ("pyipcs set 0x1234 --mode 660 --qbytes 8K", "Change a queue's mode and capacity."),
        ("pyipcs set 0x10c --value 0=1 --value 2=5", "Set the values of two semaphores."),
        ("pyipcs set -m 0x5e9 --owner root:root", "Change a segment's owner and group."),
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
    """Change modes, owners, sizes of queues, values of semaphores, locking.

    All changes are checked first. Mode, owner and qbytes change in one step, and so do all
    --values; each --value is a step of its own. Setting a value discards the undo values that
    processes have for it.

    TARGET is an id (5), a key (0x1234 or key:5), or ftok:PATH[:PROJ]. If objects of several kinds
    have that name, choose with -q, -m or -s, or with an option that only one kind has.
    """
    change(_kinds(kinds, options), target, options)


def _kinds(kinds: Sequence[Kind], options: ChangeOptions) -> Sequence[Kind]:
    """Return the kinds that the options apply to."""
    own = _own_options(options)
    names = " and ".join(own.values())
    own_kinds, others = (" or ".join(each.plural for each in some) for some in (own, kinds))
    refuse(
        (
            (
                options.lock and options.unlock,
                "--lock and --unlock cannot be combined",
            ),
            (
                not own and not options.control,
                "nothing to change (give --mode, --owner, --value ...)",
            ),
            (options.single and options.values, "--value and --values cannot be combined"),
            (
                len({semnum for semnum, _ in options.single}) < len(options.single),
                "--value is given twice for one semaphore",
            ),
            (len(own) > 1, f"{names} are for objects of different kinds"),
            (kinds and not own.keys() <= {*kinds}, f"{names} is for {own_kinds}, not {others}"),
        )
    )
    return [*own] or kinds or [*SYSV]


def _own_options(options: ChangeOptions) -> dict[Kind, str]:
    """Return the kinds with given options of their own, and these options."""
    given = {
        "--qbytes": (Kind.QUEUE, options.qbytes is not None),
        "--lock": (Kind.SEGMENT, options.lock),
        "--unlock": (Kind.SEGMENT, options.unlock),
        "--values": (Kind.SEMAPHORE, options.values is not None),
        "--value": (Kind.SEMAPHORE, bool(options.single)),
    }
    return {kind: option for option, (kind, is_given) in given.items() if is_given}
