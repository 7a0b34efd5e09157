"""The queue that send and recv work on, and what they say of it."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from pyipcs.errors import CommandError, IpcError, NotFoundError
from pyipcs.model import Kind
from pyipcs.sysv.handle import handle_class
from pyipcs.sysv.keys import By, Target
from pyipcs.sysv.queue import MessageQueue

# What the kernel's words leave unsaid.
_WORDS = {
    errno.EAGAIN: "the queue is full",
    errno.ENOENT: "the message queue was removed",
    errno.EIDRM: "the message queue was removed",
}


def find_queue(target: Target) -> MessageQueue:
    """The queue that a target names.

    Raises:
        CommandError: there is none.
    """
    with refusals(target):
        try:
            queue = MessageQueue.reach(target)
            if target.by is By.ID:
                queue.stat()
        except NotFoundError:
            raise CommandError(f"{target.typed}: no such message queue{_hint(target)}") from None
    return queue


@contextmanager
def refusals(target: Target) -> Iterator[None]:
    """Turn what the kernel refuses into what `queue_error` says of it."""
    try:
        yield
    except IpcError as error:
        raise queue_error(target, error) from None


def queue_error(target: Target, error: IpcError) -> CommandError:
    """What the kernel refused, in the words for the user."""
    return CommandError(f"{target.typed}: {_WORDS.get(error.errno, error.strerror)}")


def _hint(target: Target) -> str:
    """Of what other kinds there is something that the target names."""
    found = [kind.noun for kind in Kind if kind is not Kind.QUEUE and _names(kind, target)]
    return f" (but a {' and a '.join(found)} of that {target.by.value})" if found else ""


def _names(kind: Kind, target: Target) -> bool:
    try:
        handle_class(kind).reach(target).stat()
    except IpcError:
        return False
    return True
