"""Operations on semaphores."""

import errno
from collections.abc import Sequence

from pyipcs.actions.lookup import find
from pyipcs.actions.refusals import no_semaphore, refusal
from pyipcs.errors import BusyError, CommandError, IpcError, TooBigError, UsageError
from pyipcs.model import INT_MAX, SEMVMX, Kind, SemaphoreSet, Target
from pyipcs.objects import Handle, semaphore_class
from pyipcs.operations import Operation
from pyipcs.text import plural

_PERMISSIONS = {
    Kind.SEMAPHORE: "- and + need write permission, =0 read permission",
    Kind.POSIX_SEMAPHORE: "P and V need read and write permission",
}


def operate(target: Target, operations: Sequence[Operation], timeout: float | None) -> bool:
    """Perform operations on semaphores; return False after a timeout.

    Args:
        target: a semaphore set, all of whose operations happen at once, or a POSIX semaphore.
        operations: the operations, in their order.
        timeout: seconds to wait; None for no limit.

    Raises:
        UsageError: the semaphores of the target's family have no such operations.
        CommandError: there is no such object, or the kernel refused the operations.
        StoppedError: a signal ended the wait for a POSIX semaphore.
    """
    handle_class = semaphore_class(target)
    try:
        handle_class.check(operations)
    except ValueError as error:
        raise UsageError(str(error)) from None
    except TooBigError:
        raise _too_many(operations) from None
    semaphores = find(handle_class, target)
    try:
        semaphores.operate(operations, timeout)
    except BusyError:
        return False
    except TooBigError:  # the kernel does not report semopm
        raise _too_many(operations) from None
    except IpcError as error:
        raise _to_command_error(target, semaphores, operations, error) from None
    return True


def _too_many(operations: Sequence[Operation]) -> CommandError:
    from pyipcs.sysv.limits import known_limits

    number = plural(sum(operation.nsops for operation in operations), "operation")
    limits = known_limits(Kind.SEMAPHORE)
    limit = f"; the limit is {limits.semopm} (semopm)" if limits else ", more than semopm"
    return CommandError(f"{number} at once{limit}")


def _to_command_error(
    target: Target, semaphores: Handle, operations: Sequence[Operation], error: IpcError
) -> CommandError:
    """Return the error for operations that the kernel refused.

    Args:
        target: the target in the message.
        semaphores: the set or the POSIX semaphore.
        operations: the operations.
        error: the kernel's error.
    """
    match error.errno:
        case errno.EFBIG if isinstance(record := semaphores.record, SemaphoreSet):
            highest = max(operation.last for operation in operations)
            message = no_semaphore(highest, record)
        case errno.EACCES:
            message = f"{error.strerror} ({_PERMISSIONS[semaphores.kind]})"
        case errno.ERANGE:
            message = f"a value or an undo value would exceed {SEMVMX} (SEMVMX)"
        case errno.EOVERFLOW:
            message = f"the value would exceed {INT_MAX} (SEM_VALUE_MAX)"
        case _:
            return refusal(semaphores.kind, target, error)
    return CommandError(f"{target.typed}: {message}")
