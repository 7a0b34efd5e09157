"""The words for the kernel's refusals."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from pyipcs.errors import CommandError, FormError, IpcError, NotFoundError, UnsupportedError
from pyipcs.model import QUEUES, By, Kind, SemaphoreSet, Target
from pyipcs.text import plural


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
    subject = f"{kind.noun}: " if target.by is By.NAME else ""
    return CommandError(f"{target.typed}: {subject}{refusal_reason(kind, error)}")


def refusal_reason(kind: Kind, error: IpcError) -> str:
    """Return the reason of a refused call, without the target."""
    if isinstance(error, NotFoundError):
        return f"the {kind.noun} was removed"
    if error.errno == errno.EAGAIN and kind in QUEUES:
        return "the queue is full"
    return error.strerror


def no_semaphore(semnum: int, record: SemaphoreSet) -> str:
    """Return the reason that a set has no semaphore of a number."""
    count = plural(record.nsems, "semaphore")
    return f"no semaphore {semnum}: the set has {count}, counted from 0"
