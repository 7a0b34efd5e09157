"""Lookup of the objects that a command line names, and its errors."""

from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import TypeAlias, TypeVar

from pyipcs.actions.refusals import NotAnObjectError, refusals
from pyipcs.errors import CommandError, IpcError, NotFoundError, UnsupportedError
from pyipcs.model import By, Kind, Record, Segment, Target
from pyipcs.objects import Handle, handle_class, parse_target

_H = TypeVar("_H", bound="Handle")
Records: TypeAlias = dict[tuple[Kind, int | str], Record]


def find(handle_type: type[_H], target: Target) -> _H:
    """Return the object of a handle type's kind that a target names.

    Raises:
        CommandError: there is no such object, or the kernel refused the call.
    """
    found = _reach(handle_type, target)
    if found is None:
        raise _missing([handle_type.kind], target)
    return found


def find_all(kinds: Collection[Kind], target: Target) -> list[Handle]:
    """Return the objects that a target names, at most one of each kind.

    Raises:
        CommandError: there is no such object, or the kernel refused a call.
    """
    found = find_named(kinds, target)
    if not found:
        raise _missing(kinds, target)
    return found


def find_named(kinds: Iterable[Kind], target: Target) -> list[Handle]:
    """Return the objects that a target names, at most one a kind, or none.

    Raises:
        CommandError: the kernel refused a call, or only a file that is no object has the name.
        UnsupportedError: no object was found, and the kernel lacks one of the kinds.
    """
    found: list[Handle] = []
    other: NotAnObjectError | None = None
    unsupported: UnsupportedError | None = None
    for kind in (one for one in kinds if one in target.kinds):
        try:
            handle = _reach(handle_class(kind), target)
        except NotAnObjectError as error:
            other = other or error
        except UnsupportedError as error:
            unsupported = unsupported or error
        else:
            found += [handle] if handle else []
    if not found and (failure := other or unsupported):
        raise failure
    return found


def _reach(handle_type: type[_H], target: Target) -> _H | None:
    with refusals(handle_type.kind, target):
        try:
            found: _H = handle_type.reach(target)  # type: ignore[assignment] # of a union
            if target.by is By.ID:
                found.stat()  # `reach` does not check an id
        except NotFoundError:
            return None
    return found


def _missing(kinds: Collection[Kind], target: Target) -> CommandError:
    """Return the error of a target without objects, with a hint."""
    wanted = [kind for kind in target.kinds if kind in kinds]
    is_any = len(wanted) == len(target.kinds)
    nouns = " or ".join(kind.noun for kind in wanted)
    reason = f"no object has that {target.by.value}" if is_any else f"no such {nouns}"
    others: list[Handle] = []
    with suppress(UnsupportedError):
        others = find_named((kind for kind in target.kinds if kind not in kinds), target)
    if others:
        named = " and a ".join(handle.kind.noun for handle in others)
        verb = "has" if len(others) == 1 else "have"
        reason += f" (but a {named} {verb} that {target.by.value})"
    elif target.by is By.ID and _of_key(kinds, f"key:{target.number}"):
        reason += f" ({target.number} is a key: key:{target.number})"
    elif target.by is By.ID and _of_key(kinds, f"0x{target.typed}"):
        reason += f" (0x{target.typed} is a key)"  # ipcs prints it with the 0x
    return CommandError(f"{target.typed}: {reason}")


def _of_key(kinds: Collection[Kind], text: str) -> list[Handle]:
    """Return the objects with a key; none if the text is no key."""
    try:
        return find_named(kinds, parse_target(text))
    except (ValueError, CommandError, UnsupportedError):
        return []


def read_all(
    kinds: Collection[Kind], targets: Iterable[Target]
) -> tuple[list[Record], list[CommandError]]:
    """Return the records of the named objects, and errors of other targets.

    An object that is named several times has one record.
    """
    found: Records = {}
    errors: list[CommandError] = []
    for target in targets:
        try:
            handles, refused = _find_readable(kinds, target)
            errors += refused
            add_details(found, handles, target)
        except CommandError as error:
            errors.append(error)
        except UnsupportedError as error:  # it is not about the target
            if error.strerror not in map(str, errors):
                errors.append(CommandError(error.strerror))
    return with_residencies(found), errors


def add_details(found: Records, handles: Iterable[Handle], target: Target) -> None:
    """Add records with the readable details, except residency.

    Raises:
        CommandError: the kernel refused a call.
    """
    for handle in handles:
        with refusals(handle.kind, target):
            found[handle.kind, handle.id] = _details(handle)


def with_residencies(found: Records) -> list[Record]:
    """Return records, those of segments with their residency."""
    if any(record.kind is Kind.SEGMENT for record in found.values()):
        from pyipcs.sysv.segment import with_residency

        segments = [record for record in found.values() if isinstance(record, Segment)]
        found |= {(record.kind, record.id): record for record in with_residency(segments)}
    return [*found.values()]


def _find_readable(
    kinds: Collection[Kind], target: Target
) -> tuple[list[Handle], list[CommandError]]:
    """Return the objects that a target names, and the errors of other kinds.

    Commands that change objects refuse a target after the first error, because the refused kind may
    have an object of that name, too.

    Raises:
        CommandError: there is no such object, or the kernel refused all calls.
        UnsupportedError: there is no such object, and the kernel lacks one of the kinds.
    """
    found: list[Handle] = []
    unsupported: UnsupportedError | None = None
    errors: dict[str, CommandError] = {}  # /dev/shm has the same error for both of its kinds
    for kind in kinds:
        try:
            found += find_named([kind], target)
        except CommandError as error:
            errors.setdefault(str(error), error)
        except UnsupportedError as error:
            unsupported = unsupported or error
    refused = [error for error in errors.values() if not isinstance(error, NotAnObjectError)]
    if not found:
        failure = next(iter([*refused, *errors.values()]), None) or unsupported
        raise failure or _missing(kinds, target)
    return found, refused


def _details(handle: Handle) -> Record:
    """Return the record with its readable details, but no residency."""
    try:
        return handle.record if handle.kind is Kind.SEGMENT else handle.details()
    except NotFoundError:
        raise
    except IpcError:  # no right, a lease of another process, or a sandbox
        return handle.record
