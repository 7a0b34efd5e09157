"""Earlier listings as baselines, for filters of new objects (--not-in)."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain
from typing import Any, TypeAlias

from pyipcs.listing import Listing, mode_bits
from pyipcs.model import IN_SHM, POSIX, SHM_DEST, SYSV, Kind, Segment, SysvRecord
from pyipcs.query.complete import Requirement
from pyipcs.query.filters import Filter
from pyipcs.sysv.keys import signed
from pyipcs.sysv.namespace import origin

NO_LISTING = "not a listing of pyipcs (list -J)"
_UNIQUE = "ipc_namespace_id"  # not every kernel has it
# The scopes of ids, pids and uids, which a listing has to share with the caller.
_ORIGINS = {
    "boot_id": "boot",
    "ipc_namespace": "IPC namespace",
    _UNIQUE: "IPC namespace",
    "pid_namespace": "PID namespace",
    "user_namespace": "user namespace",
}
_SHM_DEVICE = "shm_device"
# The fields that identify an object. SETVAL changes ctime, so it cannot be one of them.
_IDENTITY = {
    **dict.fromkeys(SYSV, ("key", "id", "cuid", "cgid")),
    Kind.SEGMENT: ("key", "id", "cuid", "cgid", "cpid"),
    **dict.fromkeys(POSIX, ("name", "inode", "device", "born")),
}
Identity: TypeAlias = tuple[int | str | None, ...]
_NO_KEY = 1 << 32  # replaces an ignored key; no key_t has this value


class _TimeFormatError(ValueError):
    """A listing with times that cannot be parsed."""


def not_in(document: Mapping[str, Any]) -> Filter:
    """Select the objects that are not in an earlier listing (`list -J`).

    Kinds that are missing from the listing are never selected.

    Raises:
        ValueError: the document is no such listing, is from another boot or namespace, or is not
            complete for its kinds; the message has the reason.
    """
    _check_origin(document)
    known = _known(document)
    if not known:
        raise ValueError(NO_LISTING)
    if not known.keys().isdisjoint(IN_SHM):
        _check_device(document["taken"])
    return new_since(known)


def new_since(known: Mapping[Kind, Collection[Identity]]) -> Filter:
    """Select the objects of these kinds with unknown identities."""
    before = {kind: frozenset(some) for kind, some in known.items()}
    # The kind of a file depends on its content, and on the rights of the caller.
    in_shm = frozenset(chain.from_iterable(before.get(kind, ()) for kind in IN_SHM))
    before |= {kind: _with_unborn(in_shm) for kind in IN_SHM if kind in before}
    unborn = {one[:-1] for one in in_shm if one[-1] is None}
    if segments := before.get(Kind.SEGMENT):
        # An attached segment may have been removed since the listing.
        before[Kind.SEGMENT] = segments.union(map(_without_key, segments))

    def keep(listing: Listing) -> Iterable[bool]:
        known = before[listing.kind]
        return (one not in known and one[:-1] not in unborn for one in identities(listing))

    requires = frozenset({Requirement.BORN})
    kinds, verb = tuple(before), "has a listing of"
    return Filter("--not-in", keep, kinds, verb, requires, is_strict=True)


def _with_unborn(known: Collection[Identity]) -> frozenset[Identity]:
    """Return identities with and without their births.

    A birth may be unknown later.
    """
    return frozenset(known).union((*one[:-1], None) for one in known)


def _check_origin(document: Any) -> None:
    match document:
        case {"taken": {"filtered": filtered, **there}} if _ORIGINS.keys() <= there.keys():
            pass
        case _:
            raise ValueError(NO_LISTING)
    if filtered is not False:
        raise ValueError("the listing does not hold all objects of its kinds")
    here = origin()
    for name, scope in _ORIGINS.items():
        if None in (there[name], here[name]) and name != _UNIQUE:
            raise ValueError(f"cannot compare the {scope} without /proc")
        if there[name] != here[name]:
            raise ValueError(f"the listing is from another {scope}")


def _check_device(taken: Mapping[str, Any]) -> None:
    """Check that a listing is that of the present /dev/shm."""
    from pyipcs.errors import UnseenError
    from pyipcs.posix.directory import device

    try:
        if taken.get(_SHM_DEVICE) != device():
            raise ValueError("the listing is from another /dev/shm")
    except UnseenError as error:
        raise ValueError(str(error)) from None


def identities(listing: Listing) -> Iterator[Identity]:
    """Yield the identities of objects.

    A removed segment that is still attached (SHM_DEST) has an identity without a key, because the
    kernel sets the key to 0. A listing of POSIX segments or semaphores needs their births.
    """
    return _READERS[listing.kind](listing)


def _sysv_identities(listing: Listing) -> Iterator[Identity]:
    fields = _IDENTITY[listing.kind]
    return zip(*(map(int, listing.column(field)) for field in fields), strict=True)


def _segment_identities(listing: Listing) -> Iterator[Identity]:
    rows = zip(_sysv_identities(listing), listing.column("mode"), strict=True)
    return (_without_key(one) if mode_bits(mode) & SHM_DEST else one for one, mode in rows)


def _posix_identities(listing: Listing) -> Iterator[Identity]:
    from pyipcs.posix.names import entry

    names = map(partial(entry, listing.kind), listing.column("name"))
    _, *fields = _IDENTITY[listing.kind]
    return zip(names, *(_column(listing, field) for field in fields), strict=True)


_READERS = {
    **dict.fromkeys(SYSV, _sysv_identities),
    Kind.SEGMENT: _segment_identities,
    **dict.fromkeys(POSIX, _posix_identities),
}


def identity_of(record: SysvRecord) -> Identity:
    """Return the identity of one System V object; see `identities`."""
    identity = tuple(getattr(record, field) for field in _IDENTITY[record.kind])
    is_removed = isinstance(record, Segment) and record.dest
    return _without_key(identity) if is_removed else identity


def is_same_identity(before: Identity, after: Identity) -> bool:
    """Return True if two identities are those of one object.

    A segment loses its key at its removal while it is attached. An unknown birth may be that of the
    same file.
    """
    if before == after:
        return True
    if after[0] == _NO_KEY:
        return before[1:] == after[1:]
    is_file = isinstance(before[0], str)
    return is_file and None in (before[-1], after[-1]) and before[:-1] == after[:-1]


def _column(listing: Listing, field: str) -> Iterable[Any]:
    """Return the values of a field; queues have no birth."""
    return listing.column(field) if listing.has(field) else [None] * listing.length


def _without_key(identity: Identity) -> Identity:
    return (_NO_KEY, *identity[1:])


def _known(document: Mapping[str, Any]) -> dict[Kind, set[Identity]]:
    """Return the identities of the objects in a JSON document.

    POSIX kinds that could not be listed are null.
    """
    try:
        return {
            kind: {_PARSERS[kind](kind, found) for found in _list(document[kind.collection])}
            for kind in Kind
            if kind.collection in document
            and (document[kind.collection] is not None or kind not in POSIX)
        }
    except KeyError as error:
        raise ValueError(f"the listing lacks a field that identifies objects: {error}") from None
    except _TimeFormatError:
        raise
    except (TypeError, ValueError, AttributeError, OverflowError):
        raise ValueError(NO_LISTING) from None


def _parse_sysv_identity(kind: Kind, found: Mapping[str, Any]) -> Identity:
    key, *numbers = (found[field] for field in _IDENTITY[kind])
    _check_numbers(numbers)
    if not re.fullmatch("0x[0-9a-f]{8}", key):
        raise ValueError(key)
    return signed(int(key, 16)), *numbers


def _parse_posix_identity(kind: Kind, found: Mapping[str, Any]) -> Identity:
    name, inode, device, born = (found[field] for field in _IDENTITY[kind])
    if "name_base64" in found:
        import os
        from base64 import b64decode

        name = os.fsdecode(b64decode(found["name_base64"], validate=True))
    if isinstance(born, str):  # with --time-format epoch it is a number
        born = _parse_time(born)
    _check_numbers([inode, device] if born is None else [inode, device, born])
    if not name.startswith("/"):
        raise ValueError(name)
    from pyipcs.posix.names import entry

    return entry(kind, name), inode, device, born


_PARSERS = {
    **dict.fromkeys(SYSV, _parse_sysv_identity),
    **dict.fromkeys(POSIX, _parse_posix_identity),
}


def _parse_time(text: str) -> int:
    from datetime import datetime

    try:
        return int(datetime.fromisoformat(text).timestamp())
    except ValueError:
        raise _TimeFormatError("the listing needs --time-format iso or epoch") from None


def _check_numbers(numbers: Iterable[Any]) -> None:
    if not all(type(number) is int for number in numbers):  # isinstance would accept a bool
        raise TypeError


def _list(found: Any) -> list[Any]:
    if not isinstance(found, list):
        raise TypeError
    return found
