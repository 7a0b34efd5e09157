"""The objects that commands work on, and what they say of them."""

import errno
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from pyipcs.errors import CommandError, IpcError, NotFoundError, UnsupportedError
from pyipcs.model import Kind, SemaphoreSet
from pyipcs.sysv.handle import Handle, handle_class
from pyipcs.sysv.keys import By, Target, parse_target
from pyipcs.text import plural

_H = TypeVar("_H", bound=Handle)


def find(handle: type[_H], target: Target) -> _H:
    """The object of a handle's kind that a target names.

    Raises:
        CommandError: there is none.
    """
    with refusals(handle.kind, target):
        try:
            found = handle.reach(target)
            if target.by is By.ID:
                found.stat()  # no call before has shown that there is an object with the id
        except NotFoundError:
            raise _missing([handle.kind], target) from None
    return found


def find_all(kinds: Collection[Kind], target: Target) -> list[Handle]:
    """The objects of these kinds, one of a kind, that a target names.

    Raises:
        CommandError: there is none.
    """
    found = find_named(kinds, target)
    if not found:
        raise _missing(kinds, target)
    return found


def find_named(kinds: Iterable[Kind], target: Target) -> list[Handle]:
    """The objects of these kinds, one of a kind, that a target names, if there are any."""
    return [handle for kind in kinds if (handle := _named(kind, target))]


@contextmanager
def refusals(kind: Kind, target: Target) -> Iterator[None]:
    """Turn what the kernel refuses into what `refusal` says of it."""
    try:
        yield
    except UnsupportedError:
        raise
    except IpcError as error:
        raise refusal(kind, target, error) from None


def refusal(kind: Kind, target: Target, error: IpcError) -> CommandError:
    """What the kernel refused, in the words for the user."""
    return CommandError(f"{target.typed}: {refusal_words(kind, error)}")


def refusal_words(kind: Kind, error: IpcError) -> str:
    """Why, without the name of the target."""
    if isinstance(error, NotFoundError):
        return f"the {kind.noun} was removed"
    if error.errno == errno.EAGAIN and kind is Kind.QUEUE:
        return "the queue is full"
    return error.strerror


def no_semaphore(semnum: int, record: SemaphoreSet) -> str:
    """That a set has no semaphore of this number."""
    count = plural(record.nsems, "semaphore")
    return f"no semaphore {semnum}: the set has {count}, counted from 0"


def _missing(kinds: Collection[Kind], target: Target) -> CommandError:
    """That nothing is there, and of what other kinds there is something."""
    nouns = " or ".join(kind.noun for kind in kinds)
    words = (
        f"no object has that {target.by.value}" if len(kinds) == len(Kind) else f"no such {nouns}"
    )
    others = find_named((kind for kind in Kind if kind not in kinds), target)
    if others:
        named = " and a ".join(handle.kind.noun for handle in others)
        words += f" (but a {named} of that {target.by.value})"
    elif target.by is By.ID and _of_key(kinds, f"key:{target.number}"):
        words += f" ({target.number} is a key: key:{target.number})"
    elif target.by is By.ID and _of_key(kinds, f"0x{target.typed}"):
        words += f" (0x{target.typed} is a key)"  # as ipcs shows it, but for the 0x
    return CommandError(f"{target.typed}: {words}")


def _of_key(kinds: Collection[Kind], text: str) -> list[Handle]:
    """The objects of these kinds that have a key, if it is one."""
    try:
        return find_named(kinds, parse_target(text))
    except (ValueError, CommandError):
        return []


def _named(kind: Kind, target: Target) -> Handle | None:
    with refusals(kind, target):
        try:
            handle = handle_class(kind).reach(target)
            if target.by is By.ID:
                handle.stat()
        except NotFoundError:
            return None
    return handle
