"""The words for the kernel's refusals."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from pyipcs.errors import (
    CommandError,
    FormError,
    IpcError,
    NotFoundError,
    UnsupportedError,
    ipc_error,
)
from pyipcs.model import By, Kind, Record, SemaphoreSet, Target
from pyipcs.objects import format_target_id
from pyipcs.text import plural

# The errors of msgsnd(2) and mq_timedsend(3) for a full queue. EAGAIN of a POSIX queue has another
# meaning: another process holds a lease on it.
_FULL = {Kind.QUEUE: errno.EAGAIN, Kind.POSIX_QUEUE: errno.ETIMEDOUT}


class NotAnObjectError(CommandError):
    """A file with the name of a POSIX object that is no such object."""


@contextmanager
def refusals(kind: Kind, target: Target) -> Iterator[None]:
    """Turn the kernel's errors into those of `refusal`.

    UnsupportedError stays as it is: it is not about the target.
    """
    try:
        yield
    except UnsupportedError:
        raise
    except IpcError as error:
        raise refusal(kind, target, error) from None


def refusal(kind: Kind, target: Target, error: IpcError) -> CommandError:
    """Return the error for the user behind an error of the kernel."""
    if isinstance(error, FormError):
        return NotAnObjectError(f"{target.typed}: {error.strerror}")
    # A name may be that of objects of several kinds.
    has_subject = target.by is By.NAME and not isinstance(error, NotFoundError)
    subject = f"{kind.noun}: " if has_subject else ""
    return CommandError(f"{target.typed}: {subject}{refusal_reason(kind, error)}")


def full_queue(kind: Kind, target: Target) -> CommandError:
    """Return the error for a queue that stayed full."""
    return refusal(kind, target, ipc_error(_FULL[kind]))


def refusal_reason(kind: Kind, error: IpcError) -> str:
    """Return the reason of a refused call, without the target."""
    if isinstance(error, NotFoundError):
        return _removed_reason(kind)
    if error.errno == _FULL.get(kind):
        return "the queue is full"
    return error.strerror


def removed(record: Record) -> CommandError:
    """Return the error for a named object that was removed after its lookup."""
    name = format_target_id(record.kind, record.id)
    return CommandError(f"{name}: {_removed_reason(record.kind)}")


def _removed_reason(kind: Kind) -> str:
    return f"the {kind.noun} was removed"


def no_semaphore(semnum: int, record: SemaphoreSet) -> str:
    """Return the reason that a set has no semaphore of a number."""
    count = plural(record.nsems, "semaphore")
    return f"no semaphore {semnum}: the set has {count}, counted from 0"
