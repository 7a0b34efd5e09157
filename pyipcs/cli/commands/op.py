"""pyipcs op: operate on semaphores, or hold them while a command runs."""

import errno
from collections.abc import Sequence

import click

from pyipcs.actions.lookup import find, no_semaphore, refusal
from pyipcs.cli.command import Wrapper, options_titled, trailing_command
from pyipcs.cli.options.common import subcommand, wait_options
from pyipcs.cli.types import OPERATION, STATUS, target_type
from pyipcs.errors import BusyError, CommandError, IpcError, Status
from pyipcs.model import SEMVMX, Kind
from pyipcs.process.program import Program
from pyipcs.sysv.keys import Target
from pyipcs.sysv.operations import Operation
from pyipcs.sysv.semaphore import SemaphoreArray
from pyipcs.text import plural

_how = options_titled("How to operate")


@subcommand(
    cls=Wrapper,
    examples=(
        ("pyipcs op 0x10c P -- sleep 0.1", "A command that runs while it holds a semaphore."),
        ("pyipcs op 0x10c 0-1 1-1 --nowait || echo busy", "Two semaphores at once, or none."),
        ("pyipcs op 0x10c V", "One given back."),
    ),
)
@_how("--undo", is_flag=True, help="The kernel takes all operations back when the process ends.")
@_how(
    "-E",
    "--conflict-exit-code",
    "conflict",
    type=STATUS,
    default=str(int(Status.WAIT)),
    metavar="STATUS",
    help="The status in the place of 3, which may be CMD's own.",
)
@wait_options()
@click.argument("target", type=target_type(Kind.SEMAPHORE), metavar="SEM")
@click.argument("operations", type=OPERATION, nargs=-1, required=True, metavar="OP...")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    target: Target,
    operations: Sequence[Operation],
    undo: bool,
    timeout: float | None,
    conflict: int,
) -> int:
    """Operate on semaphores, or hold them while a command runs.

    OP is NUM-N (wait and take), NUM+N (give) or NUM=0 (wait for zero); NUM may be a range LO:HI.
    P, V and Z are 0-1, 0+1 and 0=0. Behind it, n does not wait, and u has the kernel undo it when
    the process ends. All OPs are done at once or none, in their order: V P needs no wait, and P V
    may. What would have to wait, or waited too long, is status 3, and nothing is said.

    With -- CMD all are done with undo, and CMD runs in the place of pyipcs: what was taken comes
    back when CMD ends, however it ends, though others that it started may still run. The status
    is CMD's; 127 is that there is none, and 126 that it cannot be run.

    SEM is an id (5), a key (0x1234 or key:5), or ftok:PATH[:PROJ].
    """
    words = trailing_command(ctx)
    program = None if words is None else Program.find(words)
    array = find(SemaphoreArray, target)
    held = [
        operation._replace(
            undo=operation.undo or undo or program is not None,
            nowait=operation.nowait or timeout == 0,
        )
        for operation in operations
    ]
    _check(held)
    try:
        array.operate(held, timeout or None)
    except BusyError:
        return conflict
    except IpcError as error:
        raise _to_command_error(target, array, held, error) from None
    if program:
        program.become()
    return Status.DONE


def _check(operations: Sequence[Operation]) -> None:
    from pyipcs.sysv.limits import known_limits

    number = sum(operation.nsops for operation in operations)
    limits = known_limits(Kind.SEMAPHORE)
    if limits and number > limits.semopm:
        raise CommandError(
            f"{plural(number, 'operation')} at once, and the most is {limits.semopm} (semopm)"
        )


def _to_command_error(
    target: Target, array: SemaphoreArray, operations: Sequence[Operation], error: IpcError
) -> CommandError:
    """Why nothing was done."""
    match error.errno:
        case errno.E2BIG:  # where the kernel does not report semopm
            number = sum(operation.nsops for operation in operations)
            return CommandError(f"{plural(number, 'operation')} at once, which is more than semopm")
        case errno.EFBIG:
            highest = max(operation.last for operation in operations)
            return CommandError(f"{target.typed}: {no_semaphore(highest, array.record)}")
        case errno.EACCES:
            words = f"{error.strerror} (- and + take write permission, =0 read permission)"
            return CommandError(f"{target.typed}: {words}")
        case errno.ERANGE:
            return CommandError(
                f"{target.typed}: a value, or what is to be undone, would go over {SEMVMX} (SEMVMX)"
            )
        case _:
            return refusal(Kind.SEMAPHORE, target, error)
