"""Operations on semaphores, all at once or none."""

import errno
from collections.abc import Sequence

from pyipcs.actions.lookup import find
from pyipcs.actions.refusals import no_semaphore, refusal
from pyipcs.errors import BusyError, CommandError, IpcError
from pyipcs.model import SEMVMX, Kind, Target
from pyipcs.operations import Operation
from pyipcs.sysv.semaphore import SemaphoreArray
from pyipcs.text import plural


def operate(target: Target, operations: Sequence[Operation], timeout: float | None) -> bool:
    """Perform operations on a semaphore set; return False after a timeout.

    Args:
        target: the set.
        operations: the operations, in their order.
        timeout: seconds to wait; None for no limit.

    Raises:
        CommandError: there is no set, or the kernel refused the operations.
    """
    array = find(SemaphoreArray, target)
    number = sum(operation.nsops for operation in operations)
    _check_number(number)
    try:
        array.operate(operations, timeout)
    except BusyError:
        return False
    except IpcError as error:
        highest = max(operation.last for operation in operations)
        raise _to_command_error(target, array, number, highest, error) from None
    return True


def _check_number(number: int) -> None:
    from pyipcs.sysv.limits import known_limits

    limits = known_limits(Kind.SEMAPHORE)
    if limits and number > limits.semopm:
        operations = plural(number, "operation")
        raise CommandError(f"{operations} at once; the limit is {limits.semopm} (semopm)")


def _to_command_error(
    target: Target, array: SemaphoreArray, number: int, highest: int, error: IpcError
) -> CommandError:
    """Return the error for operations that the kernel refused.

    Args:
        target: the set in the message.
        array: the set.
        number: number of single operations.
        highest: highest semnum of the operations.
        error: the kernel's error.
    """
    match error.errno:
        case errno.E2BIG:  # only if the kernel does not report semopm
            return CommandError(f"{plural(number, 'operation')} at once, more than semopm")
        case errno.EFBIG:
            message = no_semaphore(highest, array.record)
        case errno.EACCES:
            message = f"{error.strerror} (- and + need write permission, =0 read permission)"
        case errno.ERANGE:
            message = f"a value or an undo value would exceed {SEMVMX} (SEMVMX)"
        case _:
            return refusal(Kind.SEMAPHORE, target, error)
    return CommandError(f"{target.typed}: {message}")
