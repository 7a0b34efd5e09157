"""Earlier listings as baselines, for filters of new objects (--not-in)."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from pyipcs.listing import Listing, mode_bits
from pyipcs.model import SHM_DEST, SYSV, Kind, Record
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
# The fields that identify an object. SETVAL changes ctime, so it cannot be one of them.
_IDENTITY = ("key", "id", "cuid", "cgid")
_NO_KEY = 1 << 32  # replaces an ignored key; no key_t has this value


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
    return new_since(known)


def new_since(known: Mapping[Kind, Collection[tuple[int, ...]]]) -> Filter:
    """Select the objects of these kinds with unknown identities."""
    before = {kind: frozenset(some) for kind, some in known.items()}
    if segments := before.get(Kind.SEGMENT):
        # An attached segment may have been removed since the listing.
        before[Kind.SEGMENT] = segments.union(map(_without_key, segments))

    def keep(listing: Listing) -> Iterable[bool]:
        return (one not in before[listing.kind] for one in identities(listing))

    return Filter("--not-in", keep, tuple(before), "has a listing of")


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


def identities(listing: Listing) -> Iterator[tuple[int, ...]]:
    """Yield the identities of objects.

    A removed segment that is still attached (SHM_DEST) has an identity without a key, because the
    kernel sets the key to 0.
    """
    fields = _identity_fields(listing.kind)
    found = zip(*(map(int, listing.column(field)) for field in fields), strict=True)
    if listing.kind is not Kind.SEGMENT:
        return found
    rows = zip(found, listing.column("mode"), strict=True)
    return (_without_key(one) if mode_bits(mode) & SHM_DEST else one for one, mode in rows)


def identity_of(record: Record) -> tuple[int, ...]:
    """Return the identity of one object; see `identities`."""
    identity = tuple(getattr(record, field) for field in _identity_fields(record.kind))
    is_removed = record.kind is Kind.SEGMENT and record.mode & SHM_DEST
    return _without_key(identity) if is_removed else identity


def _without_key(identity: tuple[int, ...]) -> tuple[int, ...]:
    return (_NO_KEY, *identity[1:])


def _identity_fields(kind: Kind) -> tuple[str, ...]:
    return (*_IDENTITY, "cpid") if kind is Kind.SEGMENT else _IDENTITY


def _known(document: Mapping[str, Any]) -> dict[Kind, set[tuple[int, ...]]]:
    """Return the identities of the objects in a JSON document."""
    try:
        return {
            kind: {_identity(kind, found) for found in _list(document[kind.collection])}
            for kind in SYSV
            if kind.collection in document
        }
    except KeyError as error:
        raise ValueError(f"the listing lacks a field that identifies objects: {error}") from None
    except (TypeError, ValueError, AttributeError):
        raise ValueError(NO_LISTING) from None


def _identity(kind: Kind, found: Mapping[str, Any]) -> tuple[int, ...]:
    key, *numbers = (found[field] for field in _identity_fields(kind))
    if not all(type(number) is int for number in numbers):  # isinstance would accept a bool
        raise TypeError
    if not re.fullmatch("0x[0-9a-f]{8}", key):
        raise ValueError(key)
    return signed(int(key, 16)), *numbers


def _list(found: Any) -> list[Any]:
    if not isinstance(found, list):
        raise TypeError
    return found
