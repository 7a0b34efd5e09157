"""pyipcs op: operate on semaphores, or hold them while a command runs."""

from collections.abc import Sequence

import click

from pyipcs.actions.operate import operate
from pyipcs.cli.command import Wrapper, options_titled, trailing_command
from pyipcs.cli.options.common import subcommand, wait_options
from pyipcs.cli.types import OPERATION, STATUS, target_type
from pyipcs.errors import Status
from pyipcs.model import Kind, Target
from pyipcs.operations import Operation
from pyipcs.process.program import Program

_operation = options_titled("Operations")


@subcommand(
    cls=Wrapper,
    examples=(
        ("pyipcs op 0x10c P -- sleep 0.1", "Hold a semaphore while a command runs."),
        ("pyipcs op 0x10c 0-1 1-1 --nowait || echo busy", "Take two semaphores at once, or none."),
        ("pyipcs make -s -n /slots && pyipcs op /slots V", "Increment a POSIX semaphore."),
    ),
)
@_operation("--undo", is_flag=True, help="Undo all operations when the process ends (SEM_UNDO).")
@_operation(
    "-E",
    "--conflict-exit-code",
    "conflict",
    type=STATUS,
    default=str(int(Status.WAIT)),
    show_default=True,
    metavar="STATUS",
    help="Exit status instead of 3, if the operations would wait or waited too long.",
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
    P, V and Z are 0-1, 0+1 and 0=0. An OP with n at its end does not wait, and an OP with u is
    undone when the process ends. Either all OPs succeed at once, in their order, or none has an
    effect: V P never waits, but P V may wait. If the OPs would wait, or waited too long, the status
    is 3, without a message.

    With -- CMD, all OPs have u, and pyipcs executes CMD: the kernel gives the semaphores back when
    CMD exits, even if it is killed, and even if processes that it started still run. The status is
    that of CMD; 127 if there is no such command, 126 if it cannot be run.

    A POSIX semaphore takes one OP: P, V, or 0+N as N single steps. It has no wait for zero and no
    undo; --undo and -- CMD need a set.

    SEM is an id (5), a key (0x1234 or key:5), ftok:PATH[:PROJ], or /NAME of a POSIX semaphore.
    """
    args = trailing_command(ctx)
    program = None if args is None else Program.find(args)
    with_undo = undo or program is not None
    operations = [
        operation._replace(
            undo=operation.undo or with_undo, nowait=operation.nowait or timeout == 0
        )
        for operation in operations
    ]
    if not operate(target, operations, timeout or None):
        return conflict
    if program:
        program.become()
    return Status.DONE
